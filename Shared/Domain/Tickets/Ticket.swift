// A ticket and what happens to it (K-01 to K-06): states, clocks, pauses. Pure: time and rules are arguments, the history comes out as events.

/// What a ticket is about.
public struct TicketSubject: Hashable, Sendable {
  /// nil: nobody has sorted it yet; it counts as a question.
  public var kind: ContactEvent.Kind?
  public var category: String
  public var urgency: ContactEvent.Urgency?

  public init(kind: ContactEvent.Kind? = nil, category: String = "", urgency: ContactEvent.Urgency? = nil) {
    self.kind = kind
    self.category = category
    self.urgency = urgency
  }
}

/// How it ended (K-09).
public struct TicketResolution: Hashable, Sendable {
  public var code: String
  /// Empty where none is needed and none was given.
  public var rootCause: String
  /// Whether a complaint that ended with this code was right, by the desk's rules of that moment (T-06).
  public var isUpheld: Bool

  public init(code: String, rootCause: String = "", isUpheld: Bool = false) {
    self.code = code
    self.rootCause = rootCause
    self.isUpheld = isUpheld
  }

  /// Whether tickets of this kind need a root cause.
  public static func needsRootCause(_ kind: ContactEvent.Kind?) -> Bool { kind == .fault || kind == .complaint }
}

public struct Ticket: Hashable, Sendable {
  public let id: TicketID
  public private(set) var state: TicketState
  public private(set) var subject: TicketSubject
  /// nil: the customer's tier is not known yet; it is served by ``tier(unknown:)`` until then.
  public private(set) var tier: TierID?
  public private(set) var priority: ServicePriority
  public let openedAt: Instant
  /// The customer's last word.
  public private(set) var lastMessageAt: Instant
  /// The business's last answer.
  public private(set) var lastReplyAt: Instant?
  /// When a person last did something: nothing that a person does lies before it.
  public private(set) var lastStepAt: Instant
  public private(set) var replies: Int
  public private(set) var clocks: [TicketClock]
  public private(set) var pauses: [TicketPause]
  public private(set) var resolution: TicketResolution?
  public private(set) var resolvedAt: Instant?
  public private(set) var closedAt: Instant?
  public private(set) var timesReopened: Int
  public private(set) var mergedInto: TicketID?
  /// nil: the solution needs none, or there is no solution.
  public private(set) var acceptance: Acceptance?

  /// A wait, and for whom.
  public struct TicketPause: Hashable, Sendable {
    public var pause: Pause
    public var isForCustomer: Bool

    public init(_ pause: Pause, isForCustomer: Bool) {
      self.pause = pause
      self.isForCustomer = isForCustomer
    }
  }

  /// As it is stored.
  public init(
    id: TicketID, state: TicketState, subject: TicketSubject, tier: TierID?, priority: ServicePriority, openedAt: Instant, lastMessageAt: Instant,
    lastReplyAt: Instant?, lastStepAt: Instant, replies: Int, clocks: [TicketClock], pauses: [TicketPause], resolution: TicketResolution?,
    resolvedAt: Instant?, closedAt: Instant?, timesReopened: Int, mergedInto: TicketID?, acceptance: Acceptance? = nil
  ) {
    self.id = id
    self.state = state
    self.subject = subject
    self.tier = tier
    self.priority = priority
    self.openedAt = openedAt
    self.lastMessageAt = lastMessageAt
    self.lastReplyAt = lastReplyAt
    self.lastStepAt = lastStepAt
    self.replies = replies
    self.clocks = clocks
    self.pauses = pauses
    self.resolution = resolution
    self.resolvedAt = resolvedAt
    self.closedAt = closedAt
    self.timesReopened = timesReopened
    self.mergedInto = mergedInto
    self.acceptance = acceptance
  }

  /// When the first of what is still to be done is due, late or not; nil: nothing counts just now.
  public var dueAt: Instant? {
    guard state.isOpen else { return nil }
    return clocks.filter(\.isUnanswered).compactMap { clock in if case .at(let deadline) = clock.deadline { deadline } else { nil } }.min()
  }

  /// A complaint that was right (T-06). One that became part of another ticket is counted with that one.
  public var isUpheldComplaint: Bool { subject.kind == .complaint && resolution?.isUpheld == true && mergedInto == nil }

  /// The tier a customer is served by whose own is not known: the one above the lowest, as the ladder has it for most.
  public static func tier(unknown ladder: TierLadder) -> TierID { ladder.tier(atRank: ladder.tiers.count - 2).id }

  /// Opens a ticket at the moment of the contact.
  public static func open(
    _ id: TicketID, _ subject: TicketSubject, tier: TierID?, at: Instant, by actor: TicketActor, text: String = "", rules: ServiceRuleBook
  ) -> (ticket: Ticket, events: [TicketEvent]) {
    var ticket = Ticket(
      id: id, state: .new, subject: subject, tier: tier, priority: .p4, openedAt: at, lastMessageAt: at, lastReplyAt: nil, lastStepAt: at, replies: 0,
      clocks: [], pauses: [], resolution: nil, resolvedAt: nil, closedAt: nil, timesReopened: 0, mergedInto: nil)
    let served = ticket.served(rules.standards)
    ticket.priority = served.priority
    for promise in ticket.promises(from: at, rules) where promise.clock != .nextResponse { ticket.start(promise, at: at, rules) }
    return (ticket, [TicketEvent(.opened, at: at, by: actor, before: .new, after: .new, text: text)])
  }

  // MARK: - Promises

  /// The tier and priority it is served by. A tier that the standards do not know is as one that is not known.
  private func served(_ standards: ServiceStandards) -> (tier: TierID, priority: ServicePriority) {
    if let tier, let priority = standards.priority(subject.urgency, tier: tier) { return (tier, priority) }
    let usual = Ticket.tier(unknown: standards.ladder)
    return (usual, standards.priority(subject.urgency, tier: usual) ?? .p4)
  }

  private var plainPauses: [Pause] { pauses.map(\.pause) }

  private func promises(from start: Instant, _ rules: ServiceRuleBook) -> [PromisedDeadline] {
    let served = served(rules.standards)
    return rules.standards.deadlines(tier: served.tier, kind: subject.kind, priority: served.priority, from: start, pauses: plainPauses)
  }

  private mutating func start(_ promise: PromisedDeadline, at: Instant, _ rules: ServiceRuleBook) {
    clocks.append(TicketClock(promise, startedAt: at, rules.versions))
  }

  private mutating func start(_ clock: ServiceClock, at: Instant, _ rules: ServiceRuleBook) {
    if let promise = promises(from: at, rules).first(where: { $0.clock == clock }) { start(promise, at: at, rules) }
  }

  /// Works out the deadlines of running clocks anew, after a pause began, ended or became shorter.
  private mutating func measure(_ rules: ServiceRuleBook) {
    for place in clocks.indices where clocks[place].isRunning {
      guard let calendar = rules.calendar(of: clocks[place]) else { continue }
      clocks[place].deadline = calendar.deadline(seconds: clocks[place].seconds, from: clocks[place].countedFrom, pauses: plainPauses)
    }
  }

  // MARK: - Time

  /// The next step of the ladder of any clock; nil: time alone brings nothing.
  public func nextMoment(_ rules: ServiceRuleBook, _ ladder: EscalationLadder) -> Instant? {
    guard mergedInto == nil else { return nil }
    return clocks.compactMap { nextStep(of: $0, rules, ladder)?.at }.min()
  }

  private func nextStep(of clock: TicketClock, _ rules: ServiceRuleBook, _ ladder: EscalationLadder) -> (step: LadderStep, at: Instant)? {
    guard clock.isUnanswered, let calendar = rules.calendar(of: clock), let step = ladder.steps.first(where: { $0.percent > clock.percentReached }),
      case .at(let at) = clock.moment(percent: step.percent, calendar, plainPauses)
    else { return nil }
    return (step, at)
  }

  /// Brings the ticket to a moment: every step of the ladder that was reached by then, each stamped with its own moment.
  public mutating func pass(to now: Instant, _ rules: ServiceRuleBook, _ ladder: EscalationLadder) -> [TicketEvent] {
    guard mergedInto == nil else { return [] }
    var events: [TicketEvent] = []
    for place in clocks.indices {
      while let next = nextStep(of: clocks[place], rules, ladder), next.at <= now {
        clocks[place].percentReached = next.step.percent
        let kind: TicketEvent.Kind = next.step.percent < 100 ? .warned : next.step.percent == 100 ? .breached : .escalated
        if kind == .breached { clocks[place].outcome = .missed(doneAt: nil) }
        events.append(TicketEvent(kind, at: next.at, by: .system, before: state, after: state, clock: clocks[place].clock, step: next.step))
      }
    }
    // The order of moments; of one moment that of the clocks.
    return events.enumerated().sorted { ($0.element.at, $0.offset) < ($1.element.at, $1.offset) }.map(\.element)
  }

  /// What a clock waited for was done.
  private mutating func finish(_ place: Int, at: Instant) -> TicketEvent? {
    switch (clocks[place].outcome, clocks[place].deadline) {
    case (.running, .at(let deadline)) where at >= deadline: clocks[place].outcome = .missed(doneAt: at)
    case (.running, _): clocks[place].outcome = .met(at: at)
    case (.missed(nil), .at(let deadline)) where at < deadline:
      clocks[place].outcome = .met(at: at)
      return TicketEvent(.corrected, at: at, by: .system, before: state, after: state, clock: clocks[place].clock)
    case (.missed(nil), _): clocks[place].outcome = .missed(doneAt: at)
    default: break
    }
    return nil
  }

  private mutating func finish(_ clock: ServiceClock, at: Instant) -> [TicketEvent] {
    clocks.indices.filter { clocks[$0].clock == clock && clocks[$0].isUnanswered && clocks[$0].startedAt <= at }.compactMap { finish($0, at: at) }
  }

  private func isUnanswered(_ clock: ServiceClock) -> Bool { clocks.contains { $0.clock == clock && $0.isUnanswered } }
}

extension TicketClock {
  init(_ promise: PromisedDeadline, startedAt: Instant, _ versions: ServiceRuleVersions) {
    self.init(
      clock: promise.clock, startedAt: startedAt, countedFrom: startedAt, seconds: promise.seconds, calendar: promise.calendar.id, versions: versions,
      rule: promise.rule, isOnDayOff: promise.isOnDayOff, deadline: promise.deadline)
  }
}

// MARK: - Steps

extension Ticket {
  /// A step of the business. What time brought until then comes first.
  ///
  /// - Parameters:
  ///   - isLate: an answer that becomes known late may lie before what was done last.
  public mutating func take(
    _ step: TicketStep, by actor: TicketActor, at: Instant, text: String = "", resolution: TicketResolution? = nil, isLate: Bool = false,
    rules: ServiceRuleBook, ladder: EscalationLadder
  ) throws(TicketRefusal) -> [TicketEvent] {
    if let mergedInto { throw .isMerged(into: mergedInto) }
    guard let next = state.next(step) else { throw .notPossible(step, in: state) }
    guard at >= (isLate ? openedAt : lastStepAt) else { throw .tooEarly(last: lastStepAt) }
    if step == .close, isAcceptanceAwaited { throw .notAccepted }
    if step == .resolve {
      guard let resolution, !resolution.code.isEmpty else { throw .codeMissing }
      if TicketResolution.needsRootCause(subject.kind), resolution.rootCause.isEmpty { throw .rootCauseMissing }
      self.resolution = resolution
    }
    var events = pass(to: at, rules, ladder)
    let before = state
    state = next
    lastStepAt = max(lastStepAt, at)
    let words = step == .resolve ? resolution.map { $0.rootCause.isEmpty ? $0.code : "\($0.code): \($0.rootCause)" } ?? text : text
    events.append(TicketEvent(step.eventKind, at: at, by: actor, before: before, after: next, text: words))
    if before.waits, next != before { endPause(at: at, rules) }
    switch step {
    case .reply:
      replies += 1
      lastReplyAt = max(lastReplyAt ?? at, at)
      events += finish(.firstResponse, at: at) + finish(.nextResponse, at: at)
    case .waitForCustomer, .waitForThirdParty:
      pauses.append(TicketPause(Pause(from: at, to: nil), isForCustomer: step == .waitForCustomer))
      measure(rules)
    case .resolve:
      resolvedAt = at
      // A solution is an answer; whatever else was promised has no sense any more.
      for clock in [ServiceClock.firstResponse, .nextResponse, .resolution] { events += finish(clock, at: at) }
      for place in clocks.indices where clocks[place].isUnanswered { withdraw(place, at: at) }
    case .close: closedAt = at
    case .reopen: reopen(at: at, rules)
    case .start, .resume, .message: break
    }
    return events
  }

  /// The customer's message, at its own moment: it may become known late. The table of steps holds; a closed ticket takes none.
  public mutating func receive(messageAt at: Instant, text: String, rules: ServiceRuleBook, ladder: EscalationLadder) throws(TicketRefusal) -> [TicketEvent] {
    if let mergedInto { throw .isMerged(into: mergedInto) }
    guard let reached = state.next(.message) else { throw .notPossible(.message, in: state) }
    var events = pass(to: at, rules, ladder)
    let before = state
    if isAnswer(at) { endWait(at: at, reached, rules) }
    // Of a ticket that was resolved meanwhile an earlier message says nothing new.
    if before == .resolved, at >= resolvedAt ?? at {
      state = reached
      reopen(at: at, rules)
    }
    lastMessageAt = max(lastMessageAt, at)
    events.append(TicketEvent(.message, at: at, by: .customer, before: before, after: state, text: text))
    // Until the first answer the first clock runs; one that a later answer has dealt with needs none.
    let isAnswered = lastReplyAt.map { $0 >= at } ?? false
    if state.isOpen, lastReplyAt != nil, !isAnswered, !isUnanswered(.firstResponse), !isUnanswered(.nextResponse) { start(.nextResponse, at: at, rules) }
    return events
  }

  /// Whether a message ends a wait for the customer, or would have ended one that went on longer.
  private func isAnswer(_ at: Instant) -> Bool {
    pauses.contains { wait in wait.isForCustomer && wait.pause.from <= at && wait.pause.to.map { at < $0 } ?? true }
  }

  private mutating func endWait(at: Instant, _ reached: TicketState, _ rules: ServiceRuleBook) {
    if state == .waitingForCustomer, pauses.last?.pause.to == nil, pauses.last.map({ $0.pause.from <= at }) ?? false { state = reached }
    for place in pauses.indices where pauses[place].isForCustomer && pauses[place].pause.from <= at {
      if let to = pauses[place].pause.to, to <= at { continue }
      pauses[place].pause = Pause(from: pauses[place].pause.from, to: at)
    }
    measure(rules)
  }

  private mutating func endPause(at: Instant, _ rules: ServiceRuleBook) {
    if let last = pauses.indices.last, pauses[last].pause.to == nil {
      pauses[last].pause = Pause(from: pauses[last].pause.from, to: at)
    }
    measure(rules)
  }

  private mutating func reopen(at: Instant, _ rules: ServiceRuleBook) {
    timesReopened += 1
    (resolvedAt, closedAt, resolution, acceptance) = (nil, nil, nil, nil)
    start(.resolution, at: at, rules)
  }

  private mutating func withdraw(_ place: Int, at: Instant) {
    if clocks[place].isRunning { clocks[place].outcome = .withdrawn(at: at) } else { _ = finish(place, at: at) }
  }

  /// A promise beside the answers was kept: on site, quote, feasibility.
  public mutating func fulfil(
    _ clock: ServiceClock, by actor: TicketActor, at: Instant, rules: ServiceRuleBook, ladder: EscalationLadder
  ) throws(TicketRefusal) -> [TicketEvent] {
    if let mergedInto { throw .isMerged(into: mergedInto) }
    guard at >= lastStepAt else { throw .tooEarly(last: lastStepAt) }
    var events = pass(to: at, rules, ladder)
    guard [.onSite, .quote, .feasibility].contains(clock), isUnanswered(clock) else { throw .noSuchClock(clock) }
    lastStepAt = at
    let corrected = finish(clock, at: at)
    events.append(TicketEvent(.fulfilled, at: at, by: actor, before: state, after: state, clock: clock))
    return events + corrected
  }

  public var isAcceptanceAwaited: Bool { acceptance.map { $0.accepted == nil } ?? false }

  /// What was delivered is to be accepted until a day. Of a ticket that was resolved just now.
  public mutating func awaitAcceptance(until day: Day, by actor: TicketActor, at: Instant) -> TicketEvent {
    acceptance = Acceptance(dueOn: day)
    return TicketEvent(.acceptanceAsked, at: at, by: actor, before: state, after: state, text: "\(day)")
  }

  /// Delivered work is accepted, or rejected: then the ticket is open again.
  public mutating func accept(
    _ isAccepted: Bool, _ decision: AcceptanceDecision, rules: ServiceRuleBook, ladder: EscalationLadder
  ) throws(TicketRefusal) -> [TicketEvent] {
    if let mergedInto { throw .isMerged(into: mergedInto) }
    guard isAcceptanceAwaited else { throw .nothingToAccept }
    guard decision.at >= lastStepAt else { throw .tooEarly(last: lastStepAt) }
    let words = decision.note.isEmpty ? decision.value.rawValue : "\(decision.value.rawValue): \(decision.note)"
    let kind: TicketEvent.Kind = isAccepted ? .accepted : .acceptanceRejected
    let event = TicketEvent(kind, at: decision.at, by: decision.actor, before: state, after: state, text: words)
    guard isAccepted else {
      return [event] + (try take(.reopen, by: decision.actor, at: decision.at, rules: rules, ladder: ladder))
    }
    acceptance?.accepted = decision
    lastStepAt = decision.at
    return [event]
  }

  /// It became part of another ticket: nothing is promised for it any more, the other goes on.
  public mutating func merge(
    into other: TicketID, by actor: TicketActor, at: Instant, rules: ServiceRuleBook, ladder: EscalationLadder
  ) throws(TicketRefusal) -> [TicketEvent] {
    if let mergedInto { throw .isMerged(into: mergedInto) }
    guard state.isOpen else { throw .notPossible(.message, in: state) }
    guard at >= lastStepAt else { throw .tooEarly(last: lastStepAt) }
    var events = pass(to: at, rules, ladder)
    let before = state
    if before.waits { endPause(at: at, rules) }
    for place in clocks.indices where clocks[place].isUnanswered { withdraw(place, at: at) }
    (state, mergedInto, lastStepAt, closedAt) = (.closed, other, at, at)
    events.append(TicketEvent(.merged, at: at, by: actor, before: before, after: .closed, text: "into \(other)"))
    return events
  }

  /// Another ticket became part of this one: the customer's oldest word and the newest are both here now.
  public mutating func absorb(_ other: Ticket, by actor: TicketActor, at: Instant) -> TicketEvent {
    lastMessageAt = max(lastMessageAt, other.lastMessageAt)
    return TicketEvent(.merged, at: at, by: actor, before: state, after: state, text: "takes in \(other.id)")
  }
}

// MARK: - Changes of what is promised

/// What a ticket is served by from some moment on; nil: as before.
public struct TicketTarget: Hashable, Sendable {
  public var tier: TierID?
  public var subject: TicketSubject?

  public init(tier: TierID? = nil, subject: TicketSubject? = nil) {
    self.tier = tier
    self.subject = subject
  }
}

extension Ticket {
  /// Whether its running clocks were promised by other files than those in force.
  public func isPromisedByOthers(_ versions: ServiceRuleVersions) -> Bool { clocks.contains { $0.isRunning && $0.versions != versions } }

  /// Tier, kind, urgency, standards or calendars are others from a moment on (K-04). What was met or missed stays; every pause is kept.
  ///
  /// A tier that becomes known for the first time is no change: the clocks are as if it had been known at the start.
  public mutating func retarget(
    _ target: TicketTarget, by actor: TicketActor, at: Instant, policy: DeadlinePolicy, rules: ServiceRuleBook, ladder: EscalationLadder
  ) -> [TicketEvent] {
    var events = pass(to: at, rules, ladder)
    let before = (tier, subject, priority)
    let isFirst = tier == nil && target.tier != nil && target.subject == nil
    if let tier = target.tier { self.tier = tier }
    if let subject = target.subject { self.subject = subject }
    priority = served(rules.standards).priority
    guard mergedInto == nil else { return events }
    for place in clocks.indices where clocks[place].isRunning {
      change(place, at: at, isFirst ? .recompute : policy, isFirst: isFirst, rules)
    }
    if policy != .keep || isFirst, state.isOpen { startMissing(at: at, isFirst: isFirst, rules) }
    guard before.0 != tier || before.1 != subject || before.2 != priority else { return events }
    let words = [tier?.text, subject.kind?.rawValue, subject.urgency?.rawValue, priority.rawValue].compactMap(\.self).joined(separator: " ")
    events.append(TicketEvent(.retargeted, at: at, by: actor, before: state, after: state, text: words))
    return events
  }

  private mutating func change(_ place: Int, at: Instant, _ policy: DeadlinePolicy, isFirst: Bool, _ rules: ServiceRuleBook) {
    guard policy != .keep else { return }
    let clock = clocks[place]
    guard let promise = promises(from: clock.startedAt, rules).first(where: { $0.clock == clock.clock }) else {
      if policy == .recompute { clocks[place].outcome = .withdrawn(at: at) }
      return
    }
    let candidate = promised(promise, clock.startedAt, changedAt: isFirst ? nil : at, rules)
    if policy == .onlyBetter, !isEarlier(candidate, than: clock, asOf: at, rules) { return }
    clocks[place].countedFrom = candidate.countedFrom
    clocks[place].seconds = candidate.seconds
    clocks[place].calendar = candidate.calendar
    clocks[place].versions = candidate.versions
    clocks[place].rule = candidate.rule
    clocks[place].isOnDayOff = candidate.isOnDayOff
    clocks[place].deadline = candidate.deadline
  }

  /// The clock as it would be under a new promise. What would have run out before the change counts from the change: nobody can have kept it.
  private func promised(_ promise: PromisedDeadline, _ start: Instant, changedAt: Instant?, _ rules: ServiceRuleBook) -> TicketClock {
    var clock = TicketClock(promise, startedAt: start, rules.versions)
    if let changedAt, case .at(let deadline) = clock.deadline, deadline <= changedAt, changedAt > start {
      clock.countedFrom = changedAt
      clock.deadline = promise.calendar.deadline(seconds: promise.seconds, from: changedAt, pauses: plainPauses)
    }
    return clock
  }

  /// While the ticket waits neither deadline is known: they are compared as if the wait ended with the change.
  private func isEarlier(_ one: TicketClock, than other: TicketClock, asOf at: Instant, _ rules: ServiceRuleBook) -> Bool {
    let ended = pauses.map { $0.pause.to == nil ? Pause(from: $0.pause.from, to: max(at, $0.pause.from)) : $0.pause }
    func end(_ clock: TicketClock) -> Instant? {
      guard let calendar = rules.calendar(of: clock),
        case .at(let end) = calendar.deadline(seconds: clock.seconds, from: clock.countedFrom, pauses: ended)
      else { return nil }
      return end
    }
    guard let new = end(one) else { return false }
    return end(other).map { new < $0 } ?? true
  }

  /// Clocks that the ticket has not had at all.
  private mutating func startMissing(at: Instant, isFirst: Bool, _ rules: ServiceRuleBook) {
    for promise in promises(from: openedAt, rules) where promise.clock != .nextResponse && !clocks.contains(where: { $0.clock == promise.clock }) {
      clocks.append(promised(promise, openedAt, changedAt: isFirst ? nil : at, rules))
    }
  }

  /// A clock's time piece by piece, until its deadline; while it stands still, until now. Nil when there are too many pieces.
  public func segments(of clock: TicketClock, until now: Instant, _ rules: ServiceRuleBook, countMax: Int) -> [ClockSegment]? {
    guard let calendar = rules.calendar(of: clock) else { return nil }
    let end: Instant
    switch (clock.outcome, clock.deadline) {
    case (_, .at(let deadline)): end = deadline
    case (.met(let at), _), (.withdrawn(let at), _), (.missed(.some(let at)), _): end = at
    default: end = now
    }
    return calendar.segments(from: clock.countedFrom, to: end, pauses: pauses.map(\.pause), countMax: countMax)
  }
}
