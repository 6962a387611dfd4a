// What these tests share: the shipped rules, moments, messages, and a database with this service's tables.
import Contracts
import Documents
import Domain
import Messaging
import Postgres
import Runtime
import TestSupport
import Testing
import Text
import TicketsCore
import TicketsStore

@testable import tickets

/// A Monday in Shanghai, ten o'clock, and minutes after it.
func minute(_ minutes: Int64) -> Instant { Instant(seconds: 1_796_004_000 + minutes * 60) }

enum Shipped {
  /// - Parameter staff: another file of the staff than the shipped one, which names nobody.
  static func settings(staff: String? = nil, rosters: [String: OnCallRoster] = [:]) throws -> TicketsSettings {
    func bytes(_ path: String) throws -> [UInt8] { try #require(Resources.bytes(path)) }
    let policies = try PolicyDocument.decode(try bytes(TicketsSettings.shippedPolicies), source: "policies")
    let (calendars, standards, desk) = (
      try bytes(CalendarDocument.shipped), try bytes(StandardDocument.shipped), try bytes(DeskDocument.shipped)
    )
    let book = try CalendarDocument.decode(calendars, source: "calendars", zoneNamed: TimeZones.zone)
    return TicketsSettings(
      standards: try RuleFile(standards, source: "standards") { bytes, source throws(DocumentFaults) in
        try StandardDocument.decode(bytes, source: source, ladder: policies.ladder, calendars: book)
      },
      calendars: RuleFile(content: book, yaml: String(decoding: calendars, as: UTF8.self), source: "calendars"),
      desk: try RuleFile(desk, source: "desk") { bytes, source throws(DocumentFaults) in try DeskDocument.decode(bytes, source: source) },
      staff: try RuleFile(try staff.map { Array($0.utf8) } ?? bytes(StaffDocument.shipped), source: "staff") { bytes, source throws(DocumentFaults) in
        try StaffDocument.decode(bytes, source: source, ladder: policies.ladder, currency: .cny)
      }, rosters: rosters, zone: .utc, currency: .cny)
  }
}

func contact(
  _ id: String, _ identity: Int64, of customer: Int64, version: Int64 = 1, at: Instant, kind: ContactEvent.Kind? = .question, category: String = "",
  direction: ContactEvent.Direction = .inbound, reference: String = "", urgency: ContactEvent.Urgency? = nil
) throws -> ReceivedContact {
  let content = CustomerContact(
    customer: CustomerID(number: customer), identity: CustomerID(number: identity), version: version,
    contact: ContactEvent(
      source: "shop", eventID: id, occurredAt: at, direction: direction, channel: "app", kind: kind, category: category, urgency: urgency,
      text: "words of \(id)", reference: reference, identifiers: []))
  return ReceivedContact(number: try TicketHandler.number(of: content), content: content)
}

func tier(_ customer: Int64, _ version: Int64, _ tier: String, before: String? = nil, at: Instant) -> TierSnapshot {
  TierSnapshot(
    customer: CustomerID(number: customer), version: version, memberID: nil, tier: tier, tierBefore: before, score: 50, scorecard: "s", scorecardVersion: 1,
    policy: "score", asOf: Day(number: 20_000), ratedAt: at)
}

func move(_ identity: Int64, to customer: Int64, _ version: Int64, at: Instant) -> IdentityMove {
  IdentityMove(identity: CustomerID(number: identity), customer: CustomerID(number: customer), version: version, at: at)
}

enum Tables {
  static func with<Value>(_ body: (PostgresSettings) async throws -> Value) async throws -> Value {
    try await TestDatabase.withDatabase { settings in
      var settings = settings
      settings.schema = "tickets"
      let chosen = settings
      try await TestDatabase.blocking { _ = try Migrations(schema: "tickets", Resources.migrations(of: "tickets")).apply(to: chosen) }
      return try await body(chosen)
    }
  }

  static func session<Value: Sendable>(_ settings: PostgresSettings, _ body: @escaping @Sendable (PostgresSession) throws -> Value) async throws -> Value {
    try await TestDatabase.blocking {
      let session = try PostgresSession(settings)
      defer { session.close() }
      return try body(session)
    }
  }

  /// Every ticket, as the tables have it.
  static func all(_ session: PostgresSession) throws -> [TicketRecord] {
    try TicketQueries.page(TicketFilter(), after: nil, limit: 1_000, session)
  }

  /// When each ticket is due.
  static func due(_ session: PostgresSession) throws -> [Int64: Instant] {
    let rows = try session.query(Statement(name: "", sql: "SELECT id, due_at FROM due_work WHERE kind = 1"))
    return Dictionary(try (0..<rows.count).map { (try rows.int64($0, 0), Instant(microseconds: try rows.timestamptz($0, 1))) }) { first, _ in first }
  }
}
