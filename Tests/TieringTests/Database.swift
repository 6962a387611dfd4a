// A database with this service's tables, for one test.
import Domain
import Postgres
import Runtime
import TestSupport
import TieringCore
import TieringStore

enum Tables {
  /// Settings of a fresh database that has the tables.
  static func with<Value>(_ body: (PostgresSettings) async throws -> Value) async throws -> Value {
    try await TestDatabase.withDatabase { settings in
      var settings = settings
      settings.schema = "tiering"
      let chosen = settings
      try await TestDatabase.blocking {
        _ = try Migrations(schema: "tiering", Resources.migrations(of: "tiering")).apply(to: chosen)
      }
      return try await body(chosen)
    }
  }

  /// A session on a fresh database that has the tables, on a thread that may block.
  static func session<Value: Sendable>(_ body: @escaping @Sendable (PostgresSession) throws -> Value) async throws -> Value {
    try await with { settings in try await session(settings, body) }
  }

  static func session<Value: Sendable>(_ settings: PostgresSettings, _ body: @escaping @Sendable (PostgresSession) throws -> Value)
    async throws -> Value
  {
    try await TestDatabase.blocking {
      let session = try PostgresSession(settings)
      defer { session.close() }
      return try body(session)
    }
  }

  static func customers(_ session: PostgresSession) throws -> [CustomerID: RatedCustomer] {
    let rows = try session.query(Statement(name: "", sql: "SELECT customer_id FROM customers ORDER BY 1"))
    let ids = try (0..<rows.count).map { CustomerID(number: try rows.int64($0, 0)) }
    var store = PostgresTieringStore(session, zone: .utc)
    return Dictionary(try store.lockCustomers(ids).map { ($0.id, $0) }) { first, _ in first }
  }

  static func history(_ session: PostgresSession) throws -> [RatingRecord] {
    let rows = try session.query(Statement(name: "", sql: "SELECT customer_id, version FROM ratings ORDER BY 1, 2"))
    return try (0..<rows.count).compactMap { row in
      try TierQueries.rating(CustomerID(number: try rows.int64(row, 0)), version: try rows.int64(row, 1), session)
    }
  }

  static func due(kind: Int16, _ session: PostgresSession) throws -> [CustomerID: Instant] {
    let rows = try session.query(Statement(name: "", sql: "SELECT id, due_at FROM due_work WHERE kind = \(kind)"))
    return Dictionary(
      try (0..<rows.count).map { (CustomerID(number: try rows.int64($0, 0)), Instant(microseconds: try rows.timestamptz($0, 1))) }
    ) { first, _ in first }
  }

  /// What the due lane does with ratings whose minute is over.
  static func rateDue(_ rules: TieringRules, at moment: RatingMoment, _ session: PostgresSession) throws {
    try session.transaction { session in
      let ids = try due(kind: TieringWork.rating, session).filter { $0.value <= moment.real }.map(\.key).sorted()
      var store = PostgresTieringStore(session, zone: .utc)
      let outcome = try TieringBatch.rateDue(ids, &store, rules: rules, at: moment)
      let early = Set(outcome.tooEarly.map(\.customer))
      let done = ids.filter { !early.contains($0) }.map { String($0.number) }.joined(separator: ",")
      if !done.isEmpty { try session.execute("DELETE FROM due_work WHERE kind = \(TieringWork.rating) AND id IN (\(done))") }
    }
  }
}

extension Tables {
  /// What the due lane does with customers that were marked: they are rated by what is in force.
  static func rateNow(_ inForce: RulesInForce, on day: String = "1998-07-01", _ session: PostgresSession) throws {
    try session.transaction { session in
      let rules = try inForce.hold(session)
      let ids = try due(kind: TieringWork.rating, session).keys.sorted()
      var store = PostgresTieringStore(session, zone: .utc)
      _ = try TieringBatch.rateDue(ids, &store, rules: rules, at: moment(day, seconds: 600), ignoringInterval: true)
      try session.execute("DELETE FROM due_work WHERE kind = \(TieringWork.rating)")
    }
  }
}
