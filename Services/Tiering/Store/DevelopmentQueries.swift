// What became of the tiers, from the history of ratings (T-12): page by page, as a million customers take longer than a statement may.
public import Domain
public import Postgres
public import TieringCore

public enum DevelopmentQueries {
  /// Customers of one page.
  public static let customersMax = 2_000

  // Of every customer the last rating before each of two moments. Whoever was rated last before the moment has it still; of all others it is looked for,
  // by one short look into an index each.
  private static func last(before moment: String, _ name: String) -> String {
    """
    LEFT JOIN LATERAL (SELECT r.tier, r.retired FROM ratings r
      WHERE r.customer_id = c.customer_id AND r.rated_at < \(moment) AND c.rated_at >= \(moment)
      ORDER BY r.version DESC LIMIT 1) \(name) ON true
    """
  }
  private static func tier(before moment: String, _ name: String) -> String {
    "CASE WHEN c.rated_at < \(moment) THEN CASE WHEN NOT c.retired THEN c.tier END WHEN NOT \(name).retired THEN \(name).tier END"
  }
  private static let customers = Statement(
    name: "development_page",
    sql: """
      SELECT c.customer_id, c.days, c.older, \(tier(before: "$2", "n")), \(tier(before: "$3", "b")) FROM customers c
      \(last(before: "$2", "n")) \(last(before: "$3", "b"))
      WHERE c.customer_id > $1 ORDER BY c.customer_id LIMIT $4
      """)

  /// The next customers in id order, with the id of the last one.
  public static func page(
    after id: Int64, until end: Instant, before: Instant, _ session: PostgresSession
  ) throws -> (customers: [DevelopedCustomer], last: Int64?) {
    let rows = try session.query(customers) { parameters in
      parameters.int64(id)
      parameters.timestamptz(end.microseconds)
      parameters.timestamptz(before.microseconds)
      parameters.int64(Int64(customersMax))
    }
    let found = try (0..<rows.count).map { row in
      DevelopedCustomer(
        tier: try rows.textOrNil(row, 3).flatMap { TierID($0) }, tierBefore: try rows.textOrNil(row, 4).flatMap { TierID($0) },
        ledger: try LedgerColumns.read(rows, row, days: 1, older: 2))
    }
    return (found, rows.count == 0 ? nil : try rows.int64(rows.count - 1, 0))
  }

  // A customer that became part of another stays so when that one becomes part of a third. The rating before is looked for by its key, one by one: as a set
  // of all retired ratings it would be read anew for every page.
  private static let moves = Statement(
    name: "development_moves",
    sql: """
      SELECT width_bucket(rated_at, $3::timestamptz[]) AS month,
        CASE WHEN reason = '\(RatingReason.restored.rawValue)' THEN NULL ELSE tier_before END AS origin,
        CASE WHEN retired THEN NULL ELSE tier END AS target, count(*)
      FROM ratings
      WHERE customer_id > $1 AND customer_id <= $2 AND rated_at >= ($3::timestamptz[])[1] AND rated_at < $4
        AND (tier_before IS DISTINCT FROM tier OR reason = '\(RatingReason.restored.rawValue)' OR retired AND NOT coalesce(
          (SELECT p.retired FROM ratings p WHERE p.customer_id = ratings.customer_id AND p.version = ratings.version - 1), false))
      GROUP BY 1, 2, 3
      """)

  /// Moves of the customers of a page, by month. `starts` are the first moments of the months, ascending; `end` is behind the last one.
  public static func moves(
    after id: Int64, upTo last: Int64, months: [Month], starts: [Instant], end: Instant, _ session: PostgresSession
  ) throws -> [(move: TierMove, count: Int64)] {
    let rows = try session.query(moves) { parameters in
      parameters.int64(id)
      parameters.int64(last)
      parameters.timestamptzArray(starts.map(\.microseconds))
      parameters.timestamptz(end.microseconds)
    }
    return try (0..<rows.count).compactMap { row in
      let place = Int(try rows.int32(row, 0)) - 1
      guard months.indices.contains(place) else { return nil }
      let move = TierMove(
        month: months[place], from: try rows.textOrNil(row, 1).flatMap { TierID($0) }, to: try rows.textOrNil(row, 2).flatMap { TierID($0) })
      return (move, try rows.int64(row, 3))
    }
  }
}
