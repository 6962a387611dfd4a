// The scorecards and policies ratings were made by, kept as they were, so that any past score can be explained (T-05).
public import Documents
public import Domain
public import Postgres
public import TieringCore

extension RuleFile<Scorecard> {
  public init(scorecard bytes: [UInt8], source: String) throws(DocumentFaults) {
    try self.init(bytes, source: source) { bytes, source throws(DocumentFaults) in try ScorecardDocument.decode(bytes, source: source) }
  }
}

public enum RuleRegister {
  static let scorecard = Statement(name: "scorecard_find", sql: "SELECT yaml FROM scorecards WHERE name = $1 AND version = $2")
  static let insertPolicies = Statement(
    name: "policies_register",
    sql: "INSERT INTO policies (version, yaml, registered_at) VALUES ($1, $2, $3) ON CONFLICT (version) DO NOTHING")
  static let policies = Statement(name: "policies_find", sql: "SELECT yaml FROM policies WHERE version = $1")
  static let insertBenefits = Statement(
    name: "benefits_register",
    sql: "INSERT INTO benefits (version, yaml, registered_at) VALUES ($1, $2, $3) ON CONFLICT (version) DO NOTHING")
  static let benefits = Statement(name: "benefits_find", sql: "SELECT yaml FROM benefits WHERE version = $1")

  /// Keeps these files, in one transaction. Throws ``RuleChanged`` when one differs from what is registered under its version.
  public static func register(
    _ scorecards: [RuleFile<Scorecard>], _ policies: RuleFile<TierConfiguration>, _ benefits: RuleFile<BenefitCatalogue>, at now: Instant,
    _ session: PostgresSession
  ) throws {
    try session.transaction { session in
      for file in scorecards {
        let actor = ScorecardActor("clientele", because: "comes with the start, as \(file.source)", at: now)
        do { _ = try ScorecardLife.register(file, by: actor, session) } catch ScorecardProblem.taken(let reference) {
          throw RuleChanged(rule: "scorecard \(reference)", source: file.source, use: "ratings were made")
        }
      }
      try registerVersion(policies, policies.content.version, insertPolicies, RuleRegister.policies, at: now, session) {
        RuleChanged(rule: "policies v\(policies.content.version)", source: policies.source, use: "ratings were made")
      }
      try registerVersion(benefits, benefits.content.version, insertBenefits, RuleRegister.benefits, at: now, session) {
        RuleChanged(rule: "benefits v\(benefits.content.version)", source: benefits.source, use: "customers were answered")
      }
    }
  }

  /// A file whose version alone names it.
  private static func registerVersion<Content>(
    _ file: RuleFile<Content>, _ version: Int, _ insert: Statement, _ find: Statement, at now: Instant, _ session: PostgresSession,
    changed: () -> RuleChanged
  ) throws {
    _ = try session.run(insert) { parameters in
      parameters.int32(Int32(clamping: version))
      parameters.text(file.yaml)
      parameters.timestamptz(now.microseconds)
    }
    guard try text(version, find, session) == file.yaml else { throw changed() }
  }

  private static func scorecardText(_ reference: ScorecardReference, _ session: PostgresSession) throws -> String? {
    let rows = try session.query(scorecard) { parameters in
      parameters.text(reference.name)
      parameters.int32(Int32(clamping: reference.version))
    }
    return rows.count == 0 ? nil : try rows.text(0, 0)
  }

  private static func text(_ version: Int, _ find: Statement, _ session: PostgresSession) throws -> String? {
    let rows = try session.query(find) { $0.int32(Int32(clamping: version)) }
    return rows.count == 0 ? nil : try rows.text(0, 0)
  }

  /// Whether the file says something else than what is registered under its name and version: then it cannot come into force.
  public static func isRegisteredOtherwise(_ file: RuleFile<Scorecard>, _ session: PostgresSession) throws -> Bool {
    guard let yaml = try scorecardText(file.content.reference, session) else { return false }
    return yaml != file.yaml
  }

  /// The scorecard of a past rating; nil when it was never registered.
  public static func scorecard(_ reference: ScorecardReference, _ session: PostgresSession) throws -> Scorecard? {
    guard let yaml = try scorecardText(reference, session) else { return nil }
    return try ScorecardDocument.decode(Array(yaml.utf8), source: "scorecard \(reference)", isKept: true)
  }

  /// The policy of a past rating, a quota with the borders that it had then; nil when it was never registered.
  public static func policy(_ reference: PolicyReference, borders: Int64?, _ session: PostgresSession) throws -> TierPolicy? {
    guard case .quota(let quota)? = try policy(reference, session) else { return try policy(reference, session) }
    guard let borders, let drawn = try QuotaTable.borders(borders, session) else { return .quota(quota) }
    return .score(quota.frozen(at: drawn.thresholds))
  }

  /// The policy of a past rating; nil when it was never registered.
  public static func policy(_ reference: PolicyReference, _ session: PostgresSession) throws -> TierPolicy? {
    guard let yaml = try text(reference.version, policies, session) else { return nil }
    let file = try PolicyDocument.decode(Array(yaml.utf8), source: "policies v\(reference.version)")
    let policies: [TierPolicy?] = [file.score.map(TierPolicy.score), file.spend.map(TierPolicy.spend), file.quota.map(TierPolicy.quota)]
    return policies.compactMap { $0 }.first { $0.reference == reference }
  }

  private static let markingName = "clientele tiering marking"
  private static let markingTake = Statement(name: "marking_take", sql: "SELECT pg_try_advisory_lock(hashtextextended('\(markingName)', 0))")
  private static let markingLeave = Statement(name: "marking_leave", sql: "SELECT pg_advisory_unlock(hashtextextended('\(markingName)', 0))")

  /// One process at a time marks; false while another one does.
  public static func takeMarking(_ session: PostgresSession) throws -> Bool { try session.query(markingTake).bool(0, 0) }

  /// A session that is broken has left by itself.
  public static func leaveMarking(_ session: PostgresSession) { _ = try? session.query(markingLeave) }

  /// Customers looked at by one statement: a million at once takes longer than a statement may.
  static let markedPerStatementMax = 20_000

  static let markOthers = Statement(
    name: "ratings_by_other_rules",
    sql: """
      WITH page AS MATERIALIZED (
        SELECT customer_id,
          tier IS NOT NULL AND merged_into IS NULL AND (scorecard, scorecard_version, policy, policy_version) <> ($1, $2, $3, $4) AS is_other
        FROM customers WHERE customer_id > $6 ORDER BY customer_id LIMIT $7),
      marked AS (
        INSERT INTO due_work (kind, id, due_at) SELECT \(TieringWork.rating), customer_id, $5 FROM page WHERE is_other
        ORDER BY customer_id ON CONFLICT (kind, id) DO NOTHING RETURNING 1)
      SELECT (SELECT max(customer_id) FROM page), (SELECT count(*) FROM marked)
      """)

  /// Marks every customer rated by other rules than these to be rated anew; returns how many. Done in pieces, in id order:
  /// what was marked before an interruption stays marked, and the next start goes on.
  public static func markRatedByOthers(_ rules: TieringRules, _ session: PostgresSession, keepGoing: () -> Bool = { true }) throws -> Int {
    let moved = rules.quotaBorders == nil ? 0 : try QuotaTable.markMoved(rules, session, keepGoing: keepGoing)
    if let canary = rules.canary { return try moved + markOthers(rules, canary, session, keepGoing: keepGoing) }
    return try moved + markOthers(rules, session, keepGoing: keepGoing)
  }

  private static func markOthers(_ rules: TieringRules, _ session: PostgresSession, keepGoing: () -> Bool) throws -> Int {
    var marked: Int64 = 0
    var last: Int64? = Int64.min
    while let after = last, keepGoing() {
      let rows = try session.query(markOthers) { parameters in
        bind(rules.scorecard.reference, rules.policy.reference, &parameters)
        parameters.timestamptz(TieringWork.now.microseconds)
        parameters.int64(after)
        parameters.int64(Int64(markedPerStatementMax))
      }
      last = try rows.int64OrNil(0, 0)
      marked += try rows.int64(0, 1)
    }
    return Int(marked)
  }

  static func bind(_ scorecard: ScorecardReference, _ parameters: inout Parameters) {
    parameters.text(scorecard.name)
    parameters.int32(Int32(clamping: scorecard.version))
  }

  private static func bind(_ scorecard: ScorecardReference, _ policy: PolicyReference, _ parameters: inout Parameters) {
    bind(scorecard, &parameters)
    parameters.text(policy.name)
    parameters.int32(Int32(clamping: policy.version))
  }

  static let ratedBy = Statement(
    name: "ratings_rated_by",
    sql: """
      SELECT customer_id, tier IS NULL OR merged_into IS NOT NULL, (policy, policy_version) = ($3, $4),
        (scorecard, scorecard_version) = ($1, $2), (scorecard, scorecard_version) = ($5, $6)
      FROM customers WHERE customer_id > $7 ORDER BY customer_id LIMIT $8
      """)
  private static let markStatement = Statement(
    name: "ratings_mark",
    sql: """
      INSERT INTO due_work (kind, id, due_at) SELECT \(TieringWork.rating), u.id, $2 FROM unnest($1::int8[]) AS u(id)
      ON CONFLICT (kind, id) DO NOTHING
      """)

  static func mark(_ customers: [Int64], _ session: PostgresSession) throws -> Int {
    try session.run(markStatement) { parameters in
      parameters.int64Array(customers)
      parameters.timestamptz(TieringWork.now.microseconds)
    }
  }

  /// While a scorecard is tried on a part of the customers: who belongs to it is known here, not in the database.
  private static func markOthers(
    _ rules: TieringRules, _ canary: CanaryTrial, _ session: PostgresSession, keepGoing: () -> Bool
  ) throws -> Int {
    var marked = 0
    var last: Int64? = Int64.min
    while let after = last, keepGoing() {
      let rows = try session.query(ratedBy) { parameters in
        bind(rules.scorecard.reference, rules.policy.reference, &parameters)
        parameters.text(canary.scorecard.name)
        parameters.int32(Int32(clamping: canary.scorecard.version))
        parameters.int64(after)
        parameters.int64(Int64(markedPerStatementMax))
      }
      var others: [Int64] = []
      for row in 0..<rows.count {
        let id = try rows.int64(row, 0)
        last = id
        guard try !rows.bool(row, 1) else { continue }
        let isByItsOwn = try rows.bool(row, canary.includes(CustomerID(number: id)) ? 4 : 3)
        if try !isByItsOwn || !rows.bool(row, 2) { others.append(id) }
      }
      if !others.isEmpty { marked += try mark(others, session) }
      if rows.count < markedPerStatementMax { last = nil }
    }
    return marked
  }
}
