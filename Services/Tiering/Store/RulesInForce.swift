// Which scorecards rate, as every transaction that rates finds it in the tables: one switch for all lanes and all processes (T-10).
import Documents
public import Domain
public import Postgres
import Synchronization
public import TieringCore

/// What rates, by name. The scorecards themselves are kept beside.
public struct ScorecardSwitch: Hashable, Sendable {
  public struct Canary: Hashable, Sendable {
    public let scorecard: ScorecardReference
    public let percent: Int
    /// Business time.
    public let since: Instant
  }

  /// Grows with every change.
  public let number: Int64
  public var active: ScorecardReference
  public var canary: Canary?

  private static let lockName = "clientele scorecards in force"
  private static let share = Statement(name: "scorecards_share", sql: "SELECT pg_advisory_xact_lock_shared(hashtextextended('\(lockName)', 0))")
  private static let wait = Statement(name: "scorecards_wait", sql: "SELECT pg_advisory_xact_lock(hashtextextended('\(lockName)', 0))")
  private static let current = Statement(
    name: "scorecards_in_force",
    sql: "SELECT number, active, active_version, canary, canary_version, canary_percent, canary_since FROM scorecards_in_force")
  private static let change = Statement(
    name: "scorecards_switch",
    sql: """
      UPDATE scorecards_in_force SET number = number + 1, active = $1, active_version = $2, canary = $3, canary_version = $4,
        canary_percent = $5, canary_since = $6
      """)

  /// Nothing changes what rates until this transaction ends. Two statements, so that the second sees what was committed before the lock was had; one
  /// round trip.
  static func hold(_ session: PostgresSession) throws -> ScorecardSwitch? {
    let answers = try session.pipeline { pipeline in
      try pipeline.add(share)
      try pipeline.add(current)
    }
    return try read(answers[1])
  }

  /// Waits for all transactions that rate, and keeps new ones waiting until this one ends.
  static func waitForRatings(_ session: PostgresSession) throws { _ = try session.query(wait) }

  /// nil before the service's first start.
  public static func read(_ session: PostgresSession) throws -> ScorecardSwitch? { try read(try session.query(current)) }

  private static func read(_ rows: Rows) throws -> ScorecardSwitch? {
    guard rows.count > 0 else { return nil }
    let canary = try rows.textOrNil(0, 3).map { name in
      Canary(
        scorecard: ScorecardReference(name: name, version: Int(try rows.int32(0, 4))), percent: Int(try rows.int32(0, 5)),
        since: Instant(microseconds: try rows.timestamptz(0, 6)))
    }
    return ScorecardSwitch(
      number: try rows.int64(0, 0), active: ScorecardReference(name: try rows.text(0, 1), version: Int(try rows.int32(0, 2))), canary: canary)
  }

  func write(_ session: PostgresSession) throws {
    _ = try session.run(ScorecardSwitch.change) { parameters in
      parameters.text(active.name)
      parameters.int32(Int32(clamping: active.version))
      parameters.text(canary?.scorecard.name)
      parameters.int32(canary.map { Int32(clamping: $0.scorecard.version) })
      parameters.int32(canary.map { Int32(clamping: $0.percent) })
      parameters.timestamptz(canary?.since.microseconds)
    }
  }

  private static let marking = Statement(name: "scorecards_marking", sql: "SELECT number, marked_number FROM scorecards_in_force")
  private static let marked = Statement(
    name: "scorecards_marked", sql: "UPDATE scorecards_in_force SET marked_number = $1 WHERE marked_number < $1")

  /// The number of what rates, and the one up to which everybody rated by others was marked; nil before the first start.
  public static func numbers(_ session: PostgresSession) throws -> (number: Int64, marked: Int64)? {
    let rows = try session.query(marking)
    return rows.count == 0 ? nil : (try rows.int64(0, 0), try rows.int64(0, 1))
  }

  /// Everybody rated by others than this number's scorecards is marked.
  public static func mark(upTo number: Int64, _ session: PostgresSession) throws { _ = try session.run(marked) { $0.int64(number) } }
}

/// The rules of the settings with the scorecards of the tables. What was read is kept by its number: in all but the first transaction after
/// a change, two short statements are all it takes.
public final class RulesInForce: Sendable {
  private struct Kept {
    let number: Int64
    let rules: TieringRules
  }

  /// As the settings say; its scorecard rates before the first start has written which one does.
  public let settings: TieringRules
  private let kept = Mutex<Kept?>(nil)

  public init(_ settings: TieringRules) { self.settings = settings }

  /// For a transaction that rates: what it rates by stays in force until it has committed.
  public func hold(_ session: PostgresSession) throws -> TieringRules {
    try rules(by: try ScorecardSwitch.hold(session), session)
  }

  /// For a look: what is in force at this moment.
  public func read(_ session: PostgresSession) throws -> TieringRules { try rules(by: try ScorecardSwitch.read(session), session) }

  private func rules(by current: ScorecardSwitch?, _ session: PostgresSession) throws -> TieringRules {
    guard let current else { return beforeTheFirstStart }
    if let kept = kept.withLock({ $0 }), kept.number == current.number { return kept.rules }
    var rules = settings
    rules.scorecard = try scorecard(current.active, session)
    rules.canary = try current.canary.flatMap { CanaryTrial(try scorecard($0.scorecard, session), percent: $0.percent) }
    if case .quota(let quota) = settings.policy {
      // Without any, everybody is in the lowest tier until the first ones are drawn.
      let borders = try QuotaTable.inForce(quota.reference, current.active, session)
      rules.policy = .score(borders.map { quota.frozen(at: $0.thresholds) } ?? quota.frozen(over: []))
      rules.quotaBorders = borders?.number
    }
    kept.withLock { if $0.map({ $0.number < current.number }) ?? true { $0 = Kept(number: current.number, rules: rules) } }
    return rules
  }

  private var beforeTheFirstStart: TieringRules {
    guard case .quota(let quota) = settings.policy else { return settings }
    var rules = settings
    rules.policy = .score(quota.frozen(over: []))
    return rules
  }

  private func scorecard(_ reference: ScorecardReference, _ session: PostgresSession) throws -> Scorecard {
    if reference == settings.scorecard.reference { return settings.scorecard }
    guard let found = try RuleRegister.scorecard(reference, session) else { throw damaged("scorecard \(reference)") }
    return found
  }
}
