// The table `customers`: the tier of each, as far as it is known.
import Domain
import FeedbackCore
import Postgres

enum TierRows {
  private static let ensure = Statement(
    name: "customers_ensure",
    sql: "INSERT INTO customers (customer_id) SELECT u.id FROM unnest($1::int8[]) AS u(id) ORDER BY u.id ON CONFLICT DO NOTHING")
  private static let lockRows = Statement(
    name: "customers_lock",
    sql: """
      SELECT customer_id, tier_version, tier, tier_before, tier_since FROM customers WHERE customer_id = ANY($1::int8[])
      ORDER BY customer_id FOR NO KEY UPDATE
      """)

  /// The tiers of these customers, locked; each is there afterwards.
  static func lock(_ customers: [CustomerID], _ session: PostgresSession) throws -> [KnownTier] {
    guard !customers.isEmpty else { return [] }
    _ = try session.run(ensure) { $0.int64Array(customers.map(\.number)) }
    let rows = try session.query(lockRows) { $0.int64Array(customers.map(\.number)) }
    return try (0..<rows.count).map { row in
      KnownTier(
        customer: CustomerID(number: try rows.int64(row, 0)), version: try rows.int64(row, 1), tier: try rows.textOrNil(row, 2).flatMap { TierID($0) },
        before: try rows.textOrNil(row, 3).flatMap { TierID($0) }, since: try rows.timestamptzOrNil(row, 4).map(Instant.init(microseconds:)))
    }
  }

  private static let rateRows = Statement(
    name: "customers_rate",
    sql: """
      UPDATE customers c SET tier_version = u.version, tier = u.tier, tier_before = u.before, tier_since = u.since
      FROM unnest($1::int8[], $2::int8[], $3::text[], $4::text[], $5::timestamptz[]) AS u(id, version, tier, before, since) WHERE c.customer_id = u.id
      """)

  /// The tiers of customers that are locked.
  static func rate(_ tiers: [KnownTier], _ session: PostgresSession) throws {
    guard !tiers.isEmpty else { return }
    _ = try session.run(rateRows) { parameters in
      parameters.int64Array(tiers.map(\.customer.number))
      parameters.int64Array(tiers.map(\.version))
      parameters.textArray(nullable: tiers.map(\.tier?.text))
      parameters.textArray(nullable: tiers.map(\.before?.text))
      parameters.timestamptzArray(nullable: tiers.map(\.since?.microseconds))
    }
  }
}
