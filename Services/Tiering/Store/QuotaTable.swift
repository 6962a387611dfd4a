// Where a quota cuts the population (T-04): drawn from all scores now and then, without holding up a rating; in between everybody is rated by them.
public import Domain
public import Postgres
import TieringCore

/// Borders as they were drawn.
public struct QuotaBorders: Hashable, Sendable {
  public let number: Int64
  public let policy: PolicyReference
  public let scorecard: ScorecardReference
  /// Business time.
  public let at: Instant
  /// The machine's time.
  public let madeAt: Instant
  /// Customers with a score.
  public let customers: Int64
  /// The least exact score of each tier but the lowest, highest tier first; nil for a tier that takes nobody.
  public let thresholds: [Rational?]
}

/// Where a quota cuts, before it is kept under a number.
public struct FoundBorders: Sendable {
  public let policy: PolicyReference
  public let thresholds: [Rational?]
  /// Customers with a score.
  public let customers: Int64
  /// The machine's time.
  public let real: Instant

  public init(_ policy: ScorePolicy, customers: Int64, real: Instant) {
    self.policy = policy.reference
    thresholds = policy.thresholds
    self.customers = customers
    self.real = real
  }
}

/// When borders are drawn: business time, the machine's time, and how long those in force stand at least.
public struct QuotaMoment: Hashable, Sendable {
  public let business: Instant
  public let real: Instant
  /// 0: they are drawn whenever asked.
  public let intervalSeconds: Int64

  public init(business: Instant, real: Instant, intervalSeconds: Int64) {
    self.business = business
    self.real = real
    self.intervalSeconds = intervalSeconds
  }

  func isTooSoon(after borders: QuotaBorders) -> Bool {
    // A clock that was set back must not hold them for longer than the interval.
    borders.madeAt.adding(seconds: intervalSeconds) > real && borders.madeAt <= real
  }
}

/// What came of a look.
public enum QuotaRenewal: Hashable, Sendable {
  /// Those that are in force now, just drawn or not; nil while nobody has a score.
  case inForce(QuotaBorders?)
  /// Not drawn, because too many customers are still to be rated by the scorecard that was activated: their scores cannot be compared.
  case unfinished
}

public enum QuotaTable {
  private static let columns = "number, policy, policy_version, scorecard, scorecard_version, at, made_at, customers, thresholds"
  private static let one = Statement(name: "borders_one", sql: "SELECT \(columns) FROM quota_borders WHERE number = $1")
  private static let newest = Statement(
    name: "borders_newest",
    sql: """
      SELECT \(columns) FROM quota_borders WHERE policy = $1 AND policy_version = $2 AND scorecard = $3 AND scorecard_version = $4
      ORDER BY number DESC LIMIT 1
      """)
  private static let newestOfAny = Statement(
    name: "borders_newest_of_any",
    sql: "SELECT \(columns) FROM quota_borders WHERE policy = $1 AND policy_version = $2 AND is_drawn ORDER BY number DESC LIMIT 1")

  static func borders(_ number: Int64, _ session: PostgresSession) throws -> QuotaBorders? { try read(try session.query(one) { $0.int64(number) }) }

  /// Those a rating was made by; nil where it was made by none.
  public static func borders(of inputs: RatingInputs, _ session: PostgresSession) throws -> QuotaBorders? {
    try inputs.quotaBorders.flatMap { try borders($0, session) }
  }

  /// Those by which customers are rated while this scorecard is active: its own newest, which a simulation may have found; without any, the
  /// newest of the policy. Neither changes but with a switch: what rates is not simulated into the table.
  static func inForce(_ policy: PolicyReference, _ scorecard: ScorecardReference, _ session: PostgresSession) throws -> QuotaBorders? {
    let own = try session.query(newest) { parameters in
      bind(policy, &parameters)
      RuleRegister.bind(scorecard, &parameters)
    }
    return try read(own) ?? read(try session.query(newestOfAny) { bind(policy, &$0) })
  }

  /// Those by which customers are rated now; nil: none were drawn yet.
  public static func current(_ policy: PolicyReference, _ session: PostgresSession) throws -> QuotaBorders? {
    guard let switched = try ScorecardSwitch.read(session) else { return nil }
    return try inForce(policy, switched.active, session)
  }

  private static func bind(_ policy: PolicyReference, _ parameters: inout Parameters) {
    parameters.text(policy.name)
    parameters.int32(Int32(clamping: policy.version))
  }

  private static func read(_ rows: Rows) throws -> QuotaBorders? {
    guard rows.count > 0 else { return nil }
    let thresholds = try rows.textArray(0, 8).map { text -> Rational? in
      guard let text, !text.isEmpty else { return nil }
      guard let threshold = Rational(text: text) else { throw damaged("quota's border") }
      return threshold
    }
    return QuotaBorders(
      number: try rows.int64(0, 0), policy: PolicyReference(name: try rows.text(0, 1), version: Int(try rows.int32(0, 2))),
      scorecard: ScorecardReference(name: try rows.text(0, 3), version: Int(try rows.int32(0, 4))),
      at: Instant(microseconds: try rows.timestamptz(0, 5)), madeAt: Instant(microseconds: try rows.timestamptz(0, 6)),
      customers: try rows.int64(0, 7), thresholds: thresholds)
  }

  // MARK: - Drawing

  /// Blocks of the table that one statement reads: a million customers at once take longer than a statement may.
  public static let blocksPerStatementMax: Int64 = 8_192
  private static let counted = "tier IS NOT NULL AND merged_into IS NULL AND score IS NOT NULL"
  private static let place = "ctid >= $1::text::tid AND ctid < $2::text::tid AND \(counted)"
  private static let size = Statement(
    name: "borders_blocks", sql: "SELECT pg_relation_size('customers') / current_setting('block_size')::int8")
  // Whoever is rated by another scorecard than those in force, $3 to $6, is counted apart, as no score.
  private static let counts = Statement(
    name: "borders_counts",
    sql: """
      SELECT CASE WHEN (scorecard, scorecard_version) IN (($3, $4), ($5, $6)) THEN score END, count(*) FROM customers WHERE \(place) GROUP BY 1
      """)
  private static let exact = Statement(
    name: "borders_exact",
    sql: """
      SELECT score, exact_score, count(*) FROM customers
      WHERE \(place) AND (scorecard, scorecard_version) IN (($3, $4), ($5, $6)) AND score = ANY($7::int2[]) GROUP BY score, exact_score
      """)

  /// Of so many customers in a hundred the score must be one of the scorecards in force before borders are drawn by these.
  static let ratedPercentMin = 90

  /// What the shares come to at this moment, and how many customers have a score; nil while too few are rated by the scorecards in force. Reads
  /// one snapshot, locks nothing: first how many customers have each rounded score, then exactly only those scores in which a border falls.
  static func draw(
    _ quota: QuotaPolicy, by switched: ScorecardSwitch, real: Instant, blocks: Int64, _ session: PostgresSession
  ) throws -> FoundBorders? {
    try session.transaction { session in
      try session.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
      var found: [Int: Int] = [:]
      var others = 0
      try eachPlace(counts, by: switched, blocks: blocks, session) { rows, row in
        let count = Int(try rows.int64(row, 1))
        if let score = try rows.int16OrNil(row, 0) { found[Int(score), default: 0] += count } else { others += count }
      }
      let rated = found.values.reduce(0, +)
      guard rated * 100 >= (rated + others) * ratedPercentMin else { return nil }
      var parts: [Int: [Rational: Int]] = [:]
      let open = quota.openScores(found).sorted().map { Int16(clamping: $0) }
      try eachPlace(exact, by: switched, open: open, blocks: blocks, session) { rows, row in
        guard let score = try rows.withBytes(row, 1, { $0.flatMap(RationalText.read) }) else { throw damaged("exact score") }
        parts[Int(try rows.int16(row, 0)), default: [:]][score, default: 0] += Int(try rows.int64(row, 2))
      }
      return FoundBorders(quota.frozen(counts: found, exact: parts), customers: Int64(rated), real: real)
    }
  }

  /// Reads the table piece by piece, in the order in which it is stored.
  private static func eachPlace(
    _ statement: Statement, by switched: ScorecardSwitch, open: [Int16]? = nil, blocks: Int64, _ session: PostgresSession,
    _ take: (Rows, Int) throws -> Void
  ) throws {
    let end = try session.query(size).int64(0, 0)
    for first in stride(from: 0, to: end, by: Int(max(1, blocks))) {
      let rows = try session.query(statement) { parameters in
        parameters.text("(\(first),0)")
        parameters.text("(\(min(end, first + blocks)),0)")
        RuleRegister.bind(switched.active, &parameters)
        RuleRegister.bind(switched.canary?.scorecard ?? switched.active, &parameters)
        if let open { parameters.int16Array(open) }
      }
      for row in 0..<rows.count { try take(rows, row) }
    }
  }

  private static let insert = Statement(
    name: "borders_insert",
    sql: """
      INSERT INTO quota_borders (policy, policy_version, scorecard, scorecard_version, at, made_at, customers, thresholds, is_drawn)
      VALUES ($1, $2, $3, $4, $5, $6, $7, $8::text[], $9)
      """)

  /// Keeps borders under a number of their own.
  static func keep(
    _ borders: FoundBorders, by scorecard: ScorecardReference, isDrawn: Bool, at business: Instant, _ session: PostgresSession
  ) throws {
    _ = try session.run(insert) { parameters in
      bind(borders.policy, &parameters)
      RuleRegister.bind(scorecard, &parameters)
      parameters.timestamptz(business.microseconds)
      parameters.timestamptz(borders.real.microseconds)
      parameters.int64(borders.customers)
      parameters.textArray(borders.thresholds.map { $0?.description ?? "" })
      parameters.bool(isDrawn)
    }
  }

  /// Draws the borders and puts them in force, unless that was done less than the interval ago and the population has not doubled since.
  ///
  /// - Parameter blocks: of the table, read by one statement.
  public static func renew(
    _ quota: QuotaPolicy, at moment: QuotaMoment, blocks: Int64 = blocksPerStatementMax, _ session: PostgresSession
  ) throws -> QuotaRenewal {
    guard let seen = try ScorecardSwitch.read(session) else { return .inForce(nil) }
    let before = try inForce(quota.reference, seen.active, session)
    if let before, before.scorecard == seen.active, moment.isTooSoon(after: before), try !hasDoubled(since: before, session) { return .inForce(before) }
    guard let drawn = try draw(quota, by: seen, real: moment.real, blocks: blocks, session) else { return .unfinished }
    guard drawn.customers > 0 else { return .inForce(before) }
    return try session.retryingTransaction { session in
      try ScorecardSwitch.waitForRatings(session)
      // Another process was faster, or another scorecard was activated.
      if let switched = try ScorecardSwitch.read(session), switched.number == seen.number {
        try keep(drawn, by: seen.active, isDrawn: true, at: moment.business, session)
        try switched.write(session)
      }
      return .inForce(try current(quota.reference, session))
    }
  }

  /// Of a population that is larger than this, every drawing is near enough until the interval is over.
  private static let smallCustomersMax: Int64 = 10_000
  private static let some = Statement(
    name: "borders_some", sql: "SELECT count(*) FROM (SELECT FROM customers WHERE \(counted) LIMIT $1) AS counted")

  /// While the first customers come in, borders drawn from a few of them are soon far off.
  private static func hasDoubled(since borders: QuotaBorders, _ session: PostgresSession) throws -> Bool {
    guard borders.customers <= smallCustomersMax else { return false }
    return try session.query(some) { $0.int64(2 * borders.customers) }.int64(0, 0) >= 2 * borders.customers
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
