// What the HTTP API asks of the tables: one customer, all customers, counts.
public import Domain
public import Postgres
public import TieringCore

/// One line of the list of all ratings.
public struct TierLine: Sendable {
  public let customer: CustomerID
  public let memberID: String?
  public let version: Int64
  public let tier: String
  /// The tier that waits for a person to confirm it.
  public let proposed: String?
  public let score: Int?
  public let scorecard: ScorecardReference
  public let policy: PolicyReference
  public let ratedDay: Day
  public let recencyDays: Int?
  public let frequency: Int64
  /// Minor units of the base currency.
  public let monetary: Int64
}

/// Customers and revenue of one tier.
public struct TierCount: Sendable {
  public let tier: String
  public let customers: Int64
  /// Net spend of the trailing 12 months as of each customer's rating, minor units of the base currency.
  public let revenue: Int64
}

/// What a customer's entitlements follow from (T-11).
public struct EntitledCustomer: Sendable {
  public let id: CustomerID
  /// The customer this one became part of (P-02).
  public let mergedInto: CustomerID?
  /// nil while there is no rating.
  public let rating: (tier: TierID, version: Int64, score: Int?, nextReview: Day)?

  public init(id: CustomerID, mergedInto: CustomerID?, rating: (tier: TierID, version: Int64, score: Int?, nextReview: Day)?) {
    self.id = id
    self.mergedInto = mergedInto
    self.rating = rating
  }
}

public enum TierQueries {
  static let entitlement = Statement(
    name: "customer_entitled",
    sql: "SELECT merged_into, tier, rating_version, score, next_review FROM customers WHERE customer_id = $1")
  static let one = Statement(name: "customer_one", sql: "SELECT \(CustomerRow.columns) FROM customers WHERE customer_id = $1")
  static let past = Statement(name: "rating_one", sql: "SELECT \(RatingRow.columns) FROM ratings WHERE customer_id = $1 AND version = $2")
  static let newest = Statement(
    name: "ratings_newest",
    sql: "SELECT \(RatingRow.columns) FROM ratings WHERE customer_id = $1 AND version < $2 ORDER BY version DESC LIMIT $3")
  static let page = Statement(
    name: "tiers_page",
    sql: """
      SELECT customer_id, member_id, rating_version, tier, score, scorecard, scorecard_version, policy, policy_version, rated_day,
        recency_days, frequency, monetary, proposed_tier
      FROM customers WHERE customer_id > $1 AND tier IS NOT NULL AND merged_into IS NULL ORDER BY customer_id LIMIT $2
      """)
  static let ratedPage = Statement(
    name: "customers_rated_page",
    sql: """
      SELECT \(CustomerRow.columns) FROM customers WHERE customer_id > $1 AND tier IS NOT NULL AND merged_into IS NULL
      ORDER BY customer_id LIMIT $2
      """)
  // sum(int8) is numeric; the cast fails with a clear error rather than wrap.
  static let summary = Statement(
    name: "tiers_summary",
    sql:
      "SELECT tier, count(*), sum(monetary)::int8 FROM customers WHERE tier IS NOT NULL AND merged_into IS NULL GROUP BY tier ORDER BY tier"
  )
  static let waiting = Statement(name: "ratings_waiting", sql: "SELECT count(*) FROM due_work WHERE kind = \(TieringWork.rating)")
  // Rows that the due lane holds are being rated this very moment.
  static let rateNow = Statement(
    name: "ratings_now",
    sql: """
      UPDATE due_work d SET due_at = $1
      FROM (SELECT id FROM due_work WHERE kind = \(TieringWork.rating) ORDER BY id FOR UPDATE SKIP LOCKED) AS w
      WHERE d.kind = \(TieringWork.rating) AND d.id = w.id
      """)

  static let askRepublish = Statement(
    name: "republish_ask",
    sql: """
      INSERT INTO unsettled (id, after_row, look_at)
      SELECT customer_id, 0, '-infinity' FROM customers WHERE tier IS NOT NULL ORDER BY customer_id
      ON CONFLICT (id) DO UPDATE SET version = NULL
      """)
  static let inForce = Statement(
    name: "ratings_in_force",
    sql: """
      SELECT \(RatingRow.columns) FROM ratings
      WHERE (customer_id, version) IN (SELECT u.id, u.version FROM unnest($1::int8[], $2::int8[]) AS u(id, version))
      """)

  /// Asks for every rating in force to be published again. Returns how many were asked for.
  public static func askRepublish(_ session: PostgresSession) throws -> Int { try session.run(askRepublish) }

  /// The records behind the ratings that these customers have now.
  public static func recordsInForce(_ customers: [RatedCustomer], _ session: PostgresSession) throws -> [RatingRecord] {
    let rated = customers.filter { $0.standing != nil }
    let rows = try session.query(inForce) { parameters in
      parameters.int64Array(rated.map(\.id.number))
      parameters.int64Array(rated.map { $0.standing?.rating.version ?? 0 })
    }
    return try (0..<rows.count).map { try RatingRow.read(rows, $0) }
  }

  public static func customer(_ id: CustomerID, _ session: PostgresSession) throws -> RatedCustomer? {
    let rows = try session.query(one) { $0.int64(id.number) }
    return rows.count == 0 ? nil : try CustomerRow.read(rows, 0)
  }

  /// One row by its key, and only what is needed of it: programs ask this before they act.
  public static func entitled(_ id: CustomerID, _ session: PostgresSession) throws -> EntitledCustomer? {
    let rows = try session.query(entitlement) { $0.int64(id.number) }
    guard rows.count > 0 else { return nil }
    let mergedInto = try rows.int64OrNil(0, 0).map(CustomerID.init(number:))
    guard let text = try rows.textOrNil(0, 1) else { return EntitledCustomer(id: id, mergedInto: mergedInto, rating: nil) }
    guard let tier = TierID(text) else { throw damaged("tier") }
    return EntitledCustomer(
      id: id, mergedInto: mergedInto,
      rating: (tier, try rows.int64(0, 2), try rows.int16OrNil(0, 3).map(Int.init), Day(number: try rows.date(0, 4))))
  }

  /// A rating of the past by its version.
  public static func rating(_ id: CustomerID, version: Int64, _ session: PostgresSession) throws -> RatingRecord? {
    let rows = try session.query(past) { parameters in
      parameters.int64(id.number)
      parameters.int64(version)
    }
    return rows.count == 0 ? nil : try RatingRow.read(rows, 0)
  }

  /// The newest ratings first.
  public static func history(_ id: CustomerID, before version: Int64?, limit: Int, _ session: PostgresSession) throws -> [RatingRecord] {
    let rows = try session.query(newest) { parameters in
      parameters.int64(id.number)
      parameters.int64(version ?? .max)
      parameters.int64(Int64(limit))
    }
    return try (0..<rows.count).map { try RatingRow.read(rows, $0) }
  }

  /// The next ratings in force after a customer, in id order.
  public static func page(after id: Int64, limit: Int, _ session: PostgresSession) throws -> [TierLine] {
    let rows = try session.query(page) { parameters in
      parameters.int64(id)
      parameters.int64(Int64(limit))
    }
    return try (0..<rows.count).map { row in
      TierLine(
        customer: CustomerID(number: try rows.int64(row, 0)), memberID: try rows.textOrNil(row, 1), version: try rows.int64(row, 2),
        tier: try rows.text(row, 3), proposed: try rows.textOrNil(row, 13), score: try rows.int16OrNil(row, 4).map(Int.init),
        scorecard: ScorecardReference(name: try rows.text(row, 5), version: Int(try rows.int32(row, 6))),
        policy: PolicyReference(name: try rows.text(row, 7), version: Int(try rows.int32(row, 8))),
        ratedDay: Day(number: try rows.date(row, 9)),
        recencyDays: try rows.int32OrNil(row, 10).map(Int.init), frequency: try rows.int64(row, 11), monetary: try rows.int64(row, 12))
    }
  }

  /// The next customers with a rating in force, with all that is known of them, in id order.
  public static func ratedPage(after id: Int64, limit: Int, _ session: PostgresSession) throws -> [RatedCustomer] {
    let rows = try session.query(ratedPage) { parameters in
      parameters.int64(id)
      parameters.int64(Int64(limit))
    }
    return try (0..<rows.count).map { try CustomerRow.read(rows, $0) }
  }

  public static func summary(_ session: PostgresSession) throws -> [TierCount] {
    let rows = try session.query(summary)
    return try (0..<rows.count).map { row in
      TierCount(tier: try rows.text(row, 0), customers: try rows.int64(row, 1), revenue: try rows.int64(row, 2))
    }
  }

  /// How many customers wait for their minute to be over.
  public static func waiting(_ session: PostgresSession) throws -> Int64 { try session.query(waiting).int64(0, 0) }

  /// Makes every waiting rating due at once; returns how many there were.
  public static func rateNow(_ session: PostgresSession) throws -> Int {
    try session.run(rateNow) { $0.timestamptz(TieringWork.now.microseconds) }
  }
}
