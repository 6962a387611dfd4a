// What these tests share: messages, and a database with this service's tables.
import ConnectorCore
import ConnectorStore
import Contracts
import Documents
import Domain
import Messaging
import Postgres
import Runtime
import TestSupport

@testable import connector

let zone = BusinessZone.utc

/// The first moment of a day, and hours after it.
func moment(_ day: String, hours: Int64 = 0) -> Instant { zone.startOfDay(Day(day) ?? Day(number: 0)).adding(seconds: hours * 3_600) }

func send(
  _ invitation: Int64, to customer: Int64, kind: SurveySend.Kind = .invitation, channel: String = "", language: Language? = .english,
  link: String = "https://ask.example.com/s/abc", stopLink: String = "", expires: Instant = moment("2099-12-15")
) -> SurveySend {
  SurveySend(
    kind: kind, invitation: CustomerID(number: invitation), customer: CustomerID(number: customer), survey: "nps-quarterly", surveyVersion: 1, metric: .nps,
    purpose: .relationship, channel: channel, language: language, title: LocalizedName(en: "How are we doing?", zh: "您对我们满意吗？"), link: link,
    stopLink: stopLink, expiresAt: expires)
}

func address(
  _ identity: Int64, of customer: Int64, _ value: String, kind: AddressKind = .email, version: Int64 = 1, isVerified: Bool = true, isShared: Bool = false,
  since: Instant = moment("2026-01-01")
) -> CustomerAddress {
  CustomerAddress(
    identity: CustomerID(number: identity), customer: CustomerID(number: customer), version: version, kind: kind, value: value, isVerified: isVerified,
    isShared: isShared, firstSeenAt: since)
}

func withdrawal(_ invitation: Int64, of customer: Int64, _ reason: SurveyWithdrawal.Reason) -> ConnectorItem {
  .withdrawal(
    SurveyWithdrawal(
      invitation: CustomerID(number: invitation), customer: CustomerID(number: customer), reason: reason, at: moment("2026-11-01")))
}

func move(_ identity: Int64, to customer: Int64, _ version: Int64) -> IdentityMove {
  IdentityMove(identity: CustomerID(number: identity), customer: CustomerID(number: customer), version: version, at: moment("2026-02-01"))
}

func delivery(_ request: SurveySend, at: Instant = moment("2026-11-01")) throws -> Delivery {
  Delivery(id: try ConnectorHandler.id(of: request), request: request, askedAt: at)
}

/// The texts that come with the program.
func shippedTexts() throws -> RuleFile<MessageTexts> { try ConnectorSettings.texts(at: nil) }

enum Tables {
  static func with<Value>(_ body: (PostgresSettings) async throws -> Value) async throws -> Value {
    try await TestDatabase.withDatabase { settings in
      var settings = settings
      settings.schema = "connector"
      let chosen = settings
      try await TestDatabase.blocking { _ = try Migrations(schema: "connector", Resources.migrations(of: "connector")).apply(to: chosen) }
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

  /// Each in a transaction of its own, as they come.
  static func take(_ items: [ConnectorItem], _ session: PostgresSession) throws {
    for item in items {
      try session.transaction { session in
        var store = PostgresConnectorStore(session)
        switch item {
        case .address(let address): try ConnectorBatch.learn([address], &store)
        case .move(let move): try ConnectorBatch.moved([move], &store)
        case .withdrawal(let withdrawal): try ConnectorBatch.withdraw([withdrawal], &store)
        case .send(_, let request): _ = try ConnectorBatch.receive([try delivery(request)], &store)
        }
      }
    }
  }

  /// All addresses as the tables have them, as text.
  static func addresses(_ session: PostgresSession) throws -> [String] {
    let rows = try session.query(
      Statement(
        name: "",
        sql: """
          SELECT concat_ws(' ', identity_id, customer_id, kind, value, is_verified, is_shared, extract(epoch FROM first_seen_at)::int8, bounced_at IS NOT NULL)
          FROM addresses ORDER BY identity_id
          """))
    return try (0..<rows.count).map { try rows.text($0, 0) }
  }

  /// What is to be told: kind of work and delivery.
  static func told(_ session: PostgresSession) throws -> [String] {
    let rows = try session.query(Statement(name: "", sql: "SELECT concat_ws(' ', kind, id) FROM due_work ORDER BY id, kind"))
    return try (0..<rows.count).map { try rows.text($0, 0) }
  }
}
