// Reads what a run left in the tables.
import Contracts
import Domain
import Messaging
import Postgres
import Text

/// Questions to the three services' schemas, over a session of the harness's own.
enum Collector {
  static func collect(into evidence: inout Evidence, _ settings: PostgresSettings) async throws {
    let start = evidence
    evidence = try await blocking {
      var evidence = start
      let session = try PostgresSession(settings)
      defer { session.close() }
      try counts(session, &evidence)
      try positions(session, &evidence)
      try orders(session, &evidence)
      try customers(session, &evidence)
      try quarantine(session, &evidence)
      return evidence
    }
  }

  static func number(_ session: PostgresSession, _ sql: String) throws -> Int64 { try session.query(Statement(name: "", sql: sql)).int64(0, 0) }

  /// The sum over the three services' schemas of one count.
  static func everywhere(_ session: PostgresSession, _ table: String, _ condition: String = "true") throws -> Int64 {
    try Stack.services.reduce(0) { try $0 + number(session, "SELECT count(*) FROM \($1).\(table) WHERE \(condition)") }
  }

  private static func counts(_ session: PostgresSession, _ evidence: inout Evidence) throws {
    evidence.ingestFacts = try number(session, "SELECT count(*) FROM ingest.facts")
    evidence.waitingFacts = try number(session, "SELECT count(*) FROM ingest.waiting")
    evidence.registrations = try number(session, "SELECT count(*) FROM profile.registrations")
    evidence.merges = try number(session, "SELECT count(*) FROM profile.merges")
    evidence.outboxRows = try everywhere(session, "outbox")
    evidence.openGaps = try everywhere(session, "gap_log", "settled_at IS NULL")
    evidence.stuckSessions = try number(
      session,
      """
      SELECT count(*) FROM pg_stat_activity
      WHERE xact_start < now() - interval '30 s' AND backend_type = 'client backend' AND pid <> pg_backend_pid()
      """)
    evidence.deadlocks = max(evidence.deadlocks, try number(session, "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"))
    let counts = try session.query(
      Statement(
        name: "",
        sql: """
          SELECT coalesce(sum(records), 0)::int8, coalesce(sum(accepted), 0)::int8, coalesce(sum(duplicates), 0)::int8, coalesce(sum(refused), 0)::int8
          FROM ingest.source_days
          """))
    evidence.sourceCounts = SourceCounts(
      records: try counts.int64(0, 0), accepted: try counts.int64(0, 1), duplicates: try counts.int64(0, 2), refused: try counts.int64(0, 3))
  }

  private static func positions(_ session: PostgresSession, _ evidence: inout Evidence) throws {
    for service in Stack.services {
      let rows = try session.query(Statement(name: "", sql: "SELECT consumer, topic, part, next_offset, lanes_out FROM \(service).positions"))
      for row in 0..<rows.count {
        guard let lanes = LaneTable(encoded: try rows.bytes(row, 4)) else { throw HarnessFailure("the lanes of a position cannot be read") }
        evidence.positions.append(
          StoredPosition(
            consumer: try rows.text(row, 0), topic: try rows.text(row, 1), partition: try rows.int32(row, 2), next: try rows.int64(row, 3),
            lanesOut: lanes.numbers))
      }
    }
  }

  private static func orders(_ session: PostgresSession, _ evidence: inout Evidence) throws {
    let all = Statement(name: "", sql: "SELECT order_id, revision, base_minor_units, paid_at IS NOT NULL, movements FROM profile.orders")
    var orders: [StoredOrder] = []
    try session.stream(all, rowsPerFetch: 20_000) { rows in
      for row in 0..<rows.count {
        var order = StoredOrder(
          number: Int(try rows.text(row, 0).dropFirst()) ?? -1, revision: try rows.int64OrNil(row, 1) ?? 0, total: try rows.int64OrNil(row, 2) ?? 0,
          isPaid: try rows.bool(row, 3))
        try movements(try rows.textOrNil(row, 4), &order)
        orders.append(order)
      }
    }
    evidence.orders = orders
  }

  /// `[[kind, reference, moment, amount], ...]`: payments 2, refunds 3, cancellation 4. Amounts of one kind add up, so that a second one shows.
  private static func movements(_ text: String?, _ order: inout StoredOrder) throws {
    guard let text, !text.isEmpty else { return }
    guard let items = try JSONValue(parsing: text).arrayValue else { throw HarnessFailure("the movements of an order cannot be read") }
    for item in items {
      let amount = item[3]?.int64Value ?? 0
      switch item[0]?.int64Value {
      case 2: order.payment = max(0, order.payment) + amount
      case 3: order.refund = max(0, order.refund) + amount
      default: order.isCancelled = true
      }
    }
  }

  private static func customers(_ session: PostgresSession, _ evidence: inout Evidence) throws {
    var members: [String: Int64] = [:]
    try session.stream(Statement(name: "", sql: "SELECT value, customer_id FROM profile.identities WHERE kind = 1"), rowsPerFetch: 20_000) { rows in
      for row in 0..<rows.count { members[try rows.text(row, 0)] = try rows.int64(row, 1) }
    }
    var profile: [Int64: StoredCustomer] = [:]
    let standing = Statement(name: "", sql: "SELECT id, version, merged_into IS NOT NULL, days, older FROM profile.customers")
    try session.stream(standing, rowsPerFetch: 20_000) { rows in
      for row in 0..<rows.count {
        profile[try rows.int64(row, 0)] = StoredCustomer(
          version: try rows.int64(row, 1), figures: figures(days: try rows.bytes(row, 3), older: try rows.bytes(row, 4)), isMerged: try rows.bool(row, 2))
      }
    }
    var tiering: [Int64: StoredCustomer] = [:]
    let rated = Statement(
      name: "", sql: "SELECT customer_id, profile_version, merged_into IS NOT NULL, coalesce(frequency, -1), coalesce(monetary, 0) FROM tiering.customers")
    try session.stream(rated, rowsPerFetch: 20_000) { rows in
      for row in 0..<rows.count {
        tiering[try rows.int64(row, 0)] = StoredCustomer(
          version: try rows.int64(row, 1), figures: Truth.Figures(orders: try rows.int64(row, 3), spend: try rows.int64(row, 4)),
          isMerged: try rows.bool(row, 2))
      }
    }
    (evidence.members, evidence.profile, evidence.tiering) = (members, profile, tiering)
  }

  /// Orders and spend of a ledger; what cannot be read is told from every truth.
  static func figures(days: [UInt8], older: [UInt8]) -> Truth.Figures {
    guard let entries = days.withUnsafeBytes(LedgerBytes.days), let sum = older.withUnsafeBytes(LedgerBytes.older) else {
      return Truth.Figures(orders: .min, spend: .min)
    }
    return entries.reduce(into: Truth.Figures(orders: sum.countedOrders, spend: sum.spend)) { figures, entry in
      figures.orders += Int64(entry.countedOrders)
      figures.spend += entry.spend
    }
  }

  private static func quarantine(_ session: PostgresSession, _ evidence: inout Evidence) throws {
    let rows = try session.query(Statement(name: "", sql: "SELECT topic, part, source_offset FROM ingest.quarantine"))
    for row in 0..<rows.count {
      let place = PlaceKey(topic: try rows.text(row, 0), partition: try rows.int32(row, 1), offset: try rows.int64(row, 2))
      evidence.quarantine[place, default: 0] += 1
    }
    evidence.laterQuarantine = try number(session, "SELECT (SELECT count(*) FROM profile.quarantine) + (SELECT count(*) FROM tiering.quarantine)")
  }
}
