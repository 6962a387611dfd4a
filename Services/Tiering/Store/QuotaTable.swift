// Where a quota cuts the population (T-04): drawn from all scores now and then, without holding up a rating; in between everybody is rated by them.
public import Domain
public import Postgres
import TieringCore

/// Borders as they were drawn.
public struct QuotaBorders: Hashable, Sendable {
  public let number: Int64
  public let policy: PolicyReference
  /// Business time.
  public let at: Instant
  /// The machine's time.
  public let madeAt: Instant
  /// Customers with a score.
  public let customers: Int64
  /// The least exact score of each tier but the lowest, highest tier first; nil for a tier that takes nobody.
  public let thresholds: [Rational?]
}

public enum QuotaTable {
  private static let columns = "number, policy, policy_version, at, made_at, customers, thresholds"
  private static let one = Statement(name: "borders_one", sql: "SELECT \(columns) FROM quota_borders WHERE number = $1")
  private static let inForce = Statement(
    name: "borders_in_force", sql: "SELECT \(columns) FROM quota_borders WHERE number = (SELECT borders FROM scorecards_in_force)")

  static func borders(_ number: Int64, _ session: PostgresSession) throws -> QuotaBorders? { try read(try session.query(one) { $0.int64(number) }) }

  /// Those a rating was made by; nil where it was made by none.
  public static func borders(of inputs: RatingInputs, _ session: PostgresSession) throws -> QuotaBorders? {
    try inputs.quotaBorders.flatMap { try borders($0, session) }
  }

  /// The newest.
  public static func current(_ session: PostgresSession) throws -> QuotaBorders? { try read(try session.query(inForce)) }

  private static func read(_ rows: Rows) throws -> QuotaBorders? {
    guard rows.count > 0 else { return nil }
    let thresholds = try rows.textArray(0, 6).map { text -> Rational? in
      guard let text, !text.isEmpty else { return nil }
      guard let threshold = Rational(text: text) else { throw damaged("quota's border") }
      return threshold
    }
    return QuotaBorders(
      number: try rows.int64(0, 0), policy: PolicyReference(name: try rows.text(0, 1), version: Int(try rows.int32(0, 2))),
      at: Instant(microseconds: try rows.timestamptz(0, 3)), madeAt: Instant(microseconds: try rows.timestamptz(0, 4)),
      customers: try rows.int64(0, 5), thresholds: thresholds)
  }

  // MARK: - Drawing

  private static let counted = "FROM customers WHERE tier IS NOT NULL AND merged_into IS NULL AND score IS NOT NULL"
  private static let counts = Statement(name: "borders_counts", sql: "SELECT score, count(*) \(counted) GROUP BY score")
  private static let exact = Statement(
    name: "borders_exact",
    sql: "SELECT score, exact_score, count(*) \(counted) AND score = ANY($1::int2[]) GROUP BY score, exact_score")

  /// What the shares come to at this moment, and how many customers have a score. Reads one snapshot, locks nothing: first how many customers
  /// have each rounded score, then exactly only those scores in which a border falls.
  public static func draw(_ quota: QuotaPolicy, _ session: PostgresSession) throws -> (policy: ScorePolicy, customers: Int64) {
    try session.transaction { session in
      try session.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
      var counts: [Int: Int] = [:]
      let rows = try session.query(self.counts)
      for row in 0..<rows.count { counts[Int(try rows.int16(row, 0))] = Int(try rows.int64(row, 1)) }
      var exact: [Int: [Rational: Int]] = [:]
      let open = quota.openScores(counts)
      let parts = try session.query(self.exact) { $0.int16Array(open.sorted().map { Int16(clamping: $0) }) }
      for row in 0..<parts.count {
        guard let score = try parts.withBytes(row, 1, { $0.flatMap(RationalText.read) }) else { throw damaged("exact score") }
        exact[Int(try parts.int16(row, 0)), default: [:]][score, default: 0] += Int(try parts.int64(row, 2))
      }
      return (quota.frozen(counts: counts, exact: exact), Int64(counts.values.reduce(0, +)))
    }
  }

  private static let insert = Statement(
    name: "borders_insert",
    sql: """
      INSERT INTO quota_borders (policy, policy_version, at, made_at, customers, thresholds)
      VALUES ($1, $2, $3, $4, $5, $6::text[]) RETURNING number
      """)

  /// Draws the borders and puts them in force, unless that was done less than the interval ago. Returns those that are in force then; nil while
  /// nobody has a score.
  public static func renew(
    _ quota: QuotaPolicy, at business: Instant, real: Instant, intervalSeconds: Int64, _ session: PostgresSession
  ) throws -> QuotaBorders? {
    let before = try current(session)
    if let before, before.policy == quota.reference, before.madeAt.adding(seconds: intervalSeconds) > real, before.madeAt <= real { return before }
    let drawn = try draw(quota, session)
    guard drawn.customers > 0 else { return before }
    return try session.retryingTransaction { session in
      try ScorecardSwitch.waitForRatings(session)
      guard var switched = try ScorecardSwitch.read(session) else { return nil }
      // Another process was faster.
      if switched.borders != before?.number { return try current(session) }
      let thresholds = drawn.policy.thresholds
      let rows = try session.query(insert) { parameters in
        parameters.text(quota.reference.name)
        parameters.int32(Int32(clamping: quota.reference.version))
        parameters.timestamptz(business.microseconds)
        parameters.timestamptz(real.microseconds)
        parameters.int64(drawn.customers)
        parameters.textArray(thresholds.map { $0?.description ?? "" })
      }
      switched.borders = try rows.int64(0, 0)
      try switched.write(session)
      return try current(session)
    }
  }

  // MARK: - Marking

  private static let page = Statement(
    name: "borders_page",
    sql: """
      SELECT customer_id, coalesce(decided_tier, tier), exact_score FROM customers WHERE customer_id > $1 AND tier IS NOT NULL AND merged_into IS NULL
        AND exact_score IS NOT NULL ORDER BY customer_id LIMIT $2
      """)

  /// Marks everybody whose decided tier is another one by the borders of these rules; returns how many. All others keep their rating.
  static func markMoved(_ rules: TieringRules, _ session: PostgresSession, keepGoing: () -> Bool) throws -> Int {
    guard case .score(let policy) = rules.policy else { return 0 }
    var marked = 0
    var last: Int64? = Int64.min
    while let after = last, keepGoing() {
      let rows = try session.query(page) { parameters in
        parameters.int64(after)
        parameters.int64(Int64(RuleRegister.markedPerStatementMax))
      }
      var moved: [Int64] = []
      for row in 0..<rows.count {
        let id = try rows.int64(row, 0)
        last = id
        guard let exact = try rows.withBytes(row, 2, { $0.flatMap(RationalText.read) }) else { throw damaged("exact score") }
        if try policy.assign(exact: exact).id.text != rows.text(row, 1) { moved.append(id) }
      }
      if !moved.isEmpty { marked += try RuleRegister.mark(moved, session) }
      if rows.count < RuleRegister.markedPerStatementMax { last = nil }
    }
    return marked
  }
}
