// Scorecards on their way into use, in the tables: registered, simulated, tried, activated, retired, each with who and why (T-10).
public import Documents
public import Domain
public import Postgres

/// Who does something, why and when; kept for ever.
public struct ScorecardActor: Sendable {
  public let name: String
  public let reason: String
  /// Business time.
  public let at: Instant

  public init(_ name: String, because reason: String, at: Instant) {
    self.name = name
    self.reason = reason
    self.at = at
  }
}

/// A scorecard as it is registered.
public struct RegisteredScorecard: Sendable {
  public let reference: ScorecardReference
  public let state: ScorecardState
  /// Grows with every change of its state.
  public let revision: Int64
  public let yaml: String
  public let registeredAt: Instant
  /// Of the customers it rates, while it is tried on a part of them; nil otherwise.
  public let canaryPercent: Int?
}

/// One line of the scorecards' history.
public struct ScorecardEvent: Sendable {
  public let id: Int64
  public let scorecard: ScorecardReference
  public let kind: ScorecardEventKind
  public let stateBefore: ScorecardState?
  public let stateAfter: ScorecardState
  public let actor: ScorecardActor
  public let replaced: ScorecardReference?
  /// JSON.
  public let detail: String?
}

/// What stands against a change of a scorecard.
public enum ScorecardProblem: Error, Sendable {
  case unknown(ScorecardReference)
  /// Its state has changed since whoever asks looked.
  case changed(revision: Int64)
  /// The version is registered with another content.
  case taken(ScorecardReference)
  case refused(ScorecardRefusal)
}

/// What a person wants to do with a scorecard.
public struct ScorecardWish: Sendable {
  public let step: ScorecardStep
  public let scorecard: ScorecardReference
  public let actor: ScorecardActor
  /// The revisions that the person would change; nil: whichever it is.
  public var revisions: Set<Int64>?
  public var percent = CanaryTrial.percentDefault
  public var skipsCanary = false
  /// JSON, for the history.
  public var detail: String?
  /// Of a simulation under a quota: with them the scorecard rates from its activation on, until others are drawn (T-04).
  public var borders: FoundBorders?

  public init(_ step: ScorecardStep, _ scorecard: ScorecardReference, by actor: ScorecardActor) {
    self.step = step
    self.scorecard = scorecard
    self.actor = actor
  }
}

public enum ScorecardLife {
  /// Events of one answer.
  public static let eventsMax = 500

  // MARK: - Registering

  private static let insert = Statement(
    name: "scorecard_new",
    sql: """
      INSERT INTO scorecards (name, version, state, yaml, registered_at) VALUES ($1, $2, 'draft', $3, $4)
      ON CONFLICT (name, version) DO NOTHING
      """)

  /// Keeps a scorecard as a draft. One that is registered with the same bytes already stays as it is: false is returned.
  public static func register(_ file: RuleFile<Scorecard>, by actor: ScorecardActor, _ session: PostgresSession) throws -> Bool {
    let reference = file.content.reference
    let isNew = try session.run(insert) { parameters in
      bind(reference, &parameters)
      parameters.text(file.yaml)
      parameters.timestamptz(actor.at.microseconds)
    } == 1
    guard try card(reference, session)?.yaml == file.yaml else { throw ScorecardProblem.taken(reference) }
    if isNew { try note(reference, .registered, from: nil, to: .draft, actor, session) }
    return isNew
  }

  private static let beginStatement = Statement(
    name: "scorecards_begin",
    sql: "INSERT INTO scorecards_in_force (active, active_version) VALUES ($1, $2) ON CONFLICT (is_only) DO NOTHING")

  /// At the first start the scorecard of the settings is active; afterwards the tables decide. Returns the active one.
  public static func begin(with scorecard: ScorecardReference, at now: Instant, _ session: PostgresSession) throws -> ScorecardReference {
    try session.transaction { session in
      if try session.run(beginStatement, { bind(scorecard, &$0) }) == 1 {
        let before = try card(scorecard, session)
        try set(scorecard, .active, session)
        let actor = ScorecardActor("clientele", because: "the settings name it at the first start", at: now)
        try note(scorecard, .activated, from: before?.state, to: .active, actor, session)
      }
      guard let current = try ScorecardSwitch.read(session) else { throw damaged("scorecard in force") }
      return current.active
    }
  }

  // MARK: - Steps

  private static let lockRow = Statement(name: "scorecards_lock", sql: "SELECT number FROM scorecards_in_force FOR UPDATE")

  /// Does one step, all of it in one transaction or nothing. What rates changes between two transactions that rate: those that run are
  /// waited for, and those that come wait.
  public static func step(_ wish: ScorecardWish, _ session: PostgresSession) throws -> RegisteredScorecard {
    try session.retryingTransaction { session in
      if wish.step != .simulate { try ScorecardSwitch.waitForRatings(session) }
      _ = try session.query(lockRow)
      guard let current = try ScorecardSwitch.read(session), let card = try card(wish.scorecard, session) else {
        throw ScorecardProblem.unknown(wish.scorecard)
      }
      if let seen = wish.revisions, !seen.contains(card.revision) { throw ScorecardProblem.changed(revision: card.revision) }
      let before = wish.step == .back ? try self.before(card.reference, session) : nil
      let situation = ScorecardSituation(
        scorecard: card.reference, state: card.state, canary: current.canary?.scorecard, before: before)
      let state: ScorecardState
      do throws(ScorecardRefusal) { state = try situation.state(after: wish.step, skipsCanary: wish.skipsCanary) } catch {
        throw ScorecardProblem.refused(error)
      }
      try take(wish, card, to: state, current, before, session)
      guard let after = try self.card(wish.scorecard, session) else { throw damaged("scorecard") }
      return after
    }
  }

  private static func take(
    _ wish: ScorecardWish, _ card: RegisteredScorecard, to state: ScorecardState, _ current: ScorecardSwitch, _ before: ScorecardReference?,
    _ session: PostgresSession
  ) throws {
    let actor = wish.actor
    var next = current
    switch wish.step {
    case .simulate:
      try note(card.reference, .simulated, from: card.state, to: state, actor, detail: wish.detail, session)
      // What rates goes on by its own borders.
      if state == .simulated, let found = wish.borders {
        try QuotaTable.keep(found, by: card.reference, isDrawn: false, at: actor.at, session)
      }
    case .canary:
      next.canary = .init(scorecard: card.reference, percent: wish.percent, since: actor.at)
      try note(card.reference, .canary, from: card.state, to: state, actor, detail: "{\"percent\":\(wish.percent)}", session)
    case .activate:
      (next.active, next.canary) = (card.reference, nil)
      try replace(current.active, actor, session)
      try note(card.reference, .activated, from: card.state, to: state, actor, replaced: current.active, session)
    case .retire:
      if current.canary?.scorecard == card.reference { next.canary = nil }
      try note(card.reference, .retired, from: card.state, to: state, actor, session)
    case .back:
      guard let before, let former = try self.card(before, session) else { throw damaged("scorecard's history") }
      next.active = before
      try set(before, .active, session)
      try note(card.reference, .replaced, from: card.state, to: state, actor, session)
      // What it came in the place of when it was activated is what lies before it still.
      try note(before, .restored, from: former.state, to: .active, actor, replaced: try self.before(before, session), session)
    }
    if state != card.state { try set(card.reference, state, session) }
    if next != current { try next.write(session) }
  }

  private static func replace(_ active: ScorecardReference, _ actor: ScorecardActor, _ session: PostgresSession) throws {
    try set(active, .retired, session)
    try note(active, .replaced, from: .active, to: .retired, actor, session)
  }

  private static let beforeStatement = Statement(
    name: "scorecard_before",
    sql: """
      SELECT replaced, replaced_version FROM scorecard_events WHERE name = $1 AND version = $2 AND kind IN ('activated', 'restored')
      ORDER BY id DESC LIMIT 1
      """)

  /// What rated all customers before this one was activated; nil when nothing did.
  static func before(_ reference: ScorecardReference, _ session: PostgresSession) throws -> ScorecardReference? {
    let rows = try session.query(beforeStatement) { bind(reference, &$0) }
    guard rows.count > 0, let name = try rows.textOrNil(0, 0) else { return nil }
    return ScorecardReference(name: name, version: Int(try rows.int32(0, 1)))
  }

  private static let setState = Statement(
    name: "scorecard_state", sql: "UPDATE scorecards SET state = $3, revision = revision + 1 WHERE name = $1 AND version = $2")

  private static func set(_ reference: ScorecardReference, _ state: ScorecardState, _ session: PostgresSession) throws {
    let changed = try session.run(setState) { parameters in
      bind(reference, &parameters)
      parameters.text(state.rawValue)
    }
    guard changed == 1 else { throw ScorecardProblem.unknown(reference) }
  }

  // MARK: - History

  private static let insertEvent = Statement(
    name: "scorecard_event",
    sql: """
      INSERT INTO scorecard_events (name, version, kind, state_before, state_after, actor, reason, at, replaced, replaced_version, detail)
      VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
      """)

  static func note(
    _ reference: ScorecardReference, _ kind: ScorecardEventKind, from before: ScorecardState?, to after: ScorecardState, _ actor: ScorecardActor,
    replaced: ScorecardReference? = nil, detail: String? = nil, _ session: PostgresSession
  ) throws {
    _ = try session.run(insertEvent) { parameters in
      bind(reference, &parameters)
      parameters.text(kind.rawValue)
      parameters.text(before?.rawValue)
      parameters.text(after.rawValue)
      parameters.text(actor.name)
      parameters.text(actor.reason)
      parameters.timestamptz(actor.at.microseconds)
      parameters.text(replaced?.name)
      parameters.int32(replaced.map { Int32(clamping: $0.version) })
      parameters.text(detail)
    }
  }

  private static let eventsStatement = Statement(
    name: "scorecard_events",
    sql: """
      SELECT id, name, version, kind, state_before, state_after, actor, reason, at, replaced, replaced_version, detail FROM scorecard_events
      WHERE ($1::text IS NULL OR name = $1) AND ($2::int4 IS NULL OR version = $2) AND ($3::int8 IS NULL OR id < $3)
        AND ($4::text IS NULL OR kind = $4)
      ORDER BY id DESC LIMIT $5
      """)

  /// The newest first; `before` is the id of the last one that was seen.
  public static func events(
    of name: String? = nil, version: Int? = nil, kind: ScorecardEventKind? = nil, before: Int64? = nil, limit: Int, _ session: PostgresSession
  ) throws -> [ScorecardEvent] {
    let rows = try session.query(eventsStatement) { parameters in
      parameters.text(name)
      parameters.int32(version.map { Int32(clamping: $0) })
      parameters.int64(before)
      parameters.text(kind?.rawValue)
      parameters.int64(Int64(min(limit, eventsMax)))
    }
    return try (0..<rows.count).map { try event(rows, $0) }
  }

  private static func event(_ rows: Rows, _ row: Int) throws -> ScorecardEvent {
    guard let kind = ScorecardEventKind(rawValue: try rows.text(row, 3)), let after = ScorecardState(rawValue: try rows.text(row, 5)) else {
      throw damaged("scorecard's history")
    }
    let replaced = try rows.textOrNil(row, 9).map { ScorecardReference(name: $0, version: Int(try rows.int32(row, 10))) }
    return ScorecardEvent(
      id: try rows.int64(row, 0), scorecard: ScorecardReference(name: try rows.text(row, 1), version: Int(try rows.int32(row, 2))), kind: kind,
      stateBefore: try rows.textOrNil(row, 4).flatMap { ScorecardState(rawValue: $0) }, stateAfter: after,
      actor: ScorecardActor(try rows.text(row, 6), because: try rows.text(row, 7), at: Instant(microseconds: try rows.timestamptz(row, 8))),
      replaced: replaced, detail: try rows.textOrNil(row, 11))
  }

  // MARK: - Looking

  private static let columns = """
    s.name, s.version, s.state, s.revision, s.yaml, s.registered_at,
    (SELECT f.canary_percent FROM scorecards_in_force f WHERE f.canary = s.name AND f.canary_version = s.version)
    """
  private static let one = Statement(
    name: "scorecard_card", sql: "SELECT \(columns) FROM scorecards s WHERE s.name = $1 AND s.version = $2")
  private static let all = Statement(name: "scorecard_cards", sql: "SELECT \(columns) FROM scorecards s ORDER BY s.name, s.version")

  public static func card(_ reference: ScorecardReference, _ session: PostgresSession) throws -> RegisteredScorecard? {
    let rows = try session.query(one) { bind(reference, &$0) }
    return rows.count == 0 ? nil : try card(rows, 0)
  }

  /// By name and version.
  public static func cards(_ session: PostgresSession) throws -> [RegisteredScorecard] {
    let rows = try session.query(all)
    return try (0..<rows.count).map { try card(rows, $0) }
  }

  private static func card(_ rows: Rows, _ row: Int) throws -> RegisteredScorecard {
    guard let state = ScorecardState(rawValue: try rows.text(row, 2)) else { throw damaged("scorecard's state") }
    return RegisteredScorecard(
      reference: ScorecardReference(name: try rows.text(row, 0), version: Int(try rows.int32(row, 1))), state: state,
      revision: try rows.int64(row, 3), yaml: try rows.text(row, 4), registeredAt: Instant(microseconds: try rows.timestamptz(row, 5)),
      canaryPercent: try rows.int32OrNil(row, 6).map(Int.init))
  }

  private static func bind(_ reference: ScorecardReference, _ parameters: inout Parameters) {
    parameters.text(reference.name)
    parameters.int32(Int32(clamping: reference.version))
  }
}
