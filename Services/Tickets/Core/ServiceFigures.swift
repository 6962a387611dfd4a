// Figures of service (K-08, K-09, K-13): what each of them means stands here and nowhere else. Pure sums over the tickets that were opened in a month.
public import Domain

/// A ticket as the report sees it.
public struct ServedTicket: Sendable {
  public var openedAt: Instant
  public var state: TicketState
  public var kind: ContactEvent.Kind?
  public var tier: TierID?
  /// Empty: it is not known.
  public var channel: String
  public var replies: Int
  public var clocks: [TicketClock]
  public var resolvedAt: Instant?
  public var timesReopened: Int
  /// It became part of another ticket.
  public var isMerged: Bool
  /// Whether it was neither resolved nor closed when the month ended; of a month that still runs, now.
  public var isOpenAtEnd: Bool
  /// Empty: nobody, no team.
  public var owner: String
  public var team: String
  /// What its customer was given for it, in minor units of the base currency; of upgrades their worth.
  public var compensation: Int64
  public var upgrades: Int64
  /// How often each CSAT score, from 1 on, was given for it.
  public var scores: [Int64]

  public init(
    openedAt: Instant, state: TicketState, kind: ContactEvent.Kind?, tier: TierID?, channel: String, replies: Int, clocks: [TicketClock],
    resolvedAt: Instant?, timesReopened: Int, isMerged: Bool, isOpenAtEnd: Bool, owner: String = "", team: String = "", compensation: Int64 = 0,
    upgrades: Int64 = 0, scores: [Int64] = []
  ) {
    self.openedAt = openedAt
    self.state = state
    self.kind = kind
    self.tier = tier
    self.channel = channel
    self.replies = replies
    self.clocks = clocks
    self.resolvedAt = resolvedAt
    self.timesReopened = timesReopened
    self.isMerged = isMerged
    self.isOpenAtEnd = isOpenAtEnd
    self.owner = owner
    self.team = team
    self.compensation = compensation
    self.upgrades = upgrades
    self.scores = scores
  }
}

/// What became of one promise to many tickets; each ticket counts once.
public struct PromiseCount: Hashable, Sendable {
  public var met: Int64 = 0
  public var missed: Int64 = 0
  /// Still to be done, and not late: no part of the share.
  public var running: Int64 = 0

  public init() {}

  /// Percent of those whose end is known.
  public var onTime: Rational? { ServiceFigures.percent(met, of: met + missed) }

  /// A ticket with several clocks of the name (each reopening starts one) broke its promise with any of them. One that was withdrawn promised nothing.
  mutating func add(_ clocks: [TicketClock], asOf: Instant) {
    if clocks.contains(where: { $0.isMissed || $0.isOverdue(asOf) }) {
      missed += 1
    } else if clocks.contains(where: \.isRunning) {
      running += 1
    } else if clocks.contains(where: { if case .met = $0.outcome { true } else { false } }) {
      met += 1
    }
  }
}

extension TicketClock {
  /// Its deadline has passed, although nobody has recorded the breach yet.
  fileprivate func isOverdue(_ now: Instant) -> Bool {
    guard isRunning, case .at(let deadline) = deadline else { return false }
    return deadline <= now
  }

  /// When what it waited for was done, in time or not.
  fileprivate var doneAt: Instant? {
    switch outcome {
    case .met(let at): at
    case .missed(let at): at
    case .running, .withdrawn: nil
    }
  }
}

/// How long something took, in whole seconds by the clock on the wall: nights and waits included, as the customer lived through it.
public struct ServiceTimes: Hashable, Sendable {
  private var seconds: [Int64] = []

  public init() {}

  mutating func add(from start: Instant, to end: Instant) { seconds.append(max(0, end.microseconds - start.microseconds) / 1_000_000) }

  public var median: Int64? { percentile(50) }
  public var ninetieth: Int64? { percentile(90) }

  /// The nearest rank: the least time that so many percent of them do not exceed.
  private func percentile(_ percent: Int) -> Int64? {
    guard !seconds.isEmpty else { return nil }
    return seconds.sorted()[(seconds.count * percent + 99) / 100 - 1]
  }
}

/// The figures of one group of tickets.
public struct ServiceFigures: Hashable, Sendable {
  /// Opened in the month. One that became part of another is counted under `merged` alone: that other has its story.
  public private(set) var tickets: Int64 = 0
  public private(set) var merged: Int64 = 0
  public private(set) var firstResponse = PromiseCount()
  public private(set) var resolution = PromiseCount()
  /// Resolved or closed when the report is made, also after the month.
  public private(set) var resolved: Int64 = 0
  /// Resolved with at most one answer and never reopened.
  public private(set) var atFirstContact: Int64 = 0
  /// Tickets that were reopened, however often.
  public private(set) var reopened: Int64 = 0
  public private(set) var openAtEnd: Int64 = 0
  /// From the contact to the first answer, or to a resolution that came without one.
  public private(set) var responseTimes = ServiceTimes()
  /// From the contact to the resolution that holds.
  public private(set) var resolutionTimes = ServiceTimes()

  /// What was given for the tickets of the month, those that became part of others included: it was given all the same.
  public private(set) var compensation: Int64 = 0
  public private(set) var upgrades: Int64 = 0
  /// What customers answered about the tickets of the month, those that became part of others included.
  public private(set) var satisfaction = ScoreCounts(.csat)

  /// Percent of the tickets that ought to be resolved (K-09).
  public static let resolutionGoalPercent = 98

  public init() {}

  public mutating func add(_ ticket: ServedTicket, asOf now: Instant) {
    compensation += ticket.compensation
    upgrades += ticket.upgrades
    for (place, count) in ticket.scores.enumerated() { satisfaction.add(Int64(place) + satisfaction.metric.scores.lowerBound, count: count) }
    guard !ticket.isMerged else {
      merged += 1
      return
    }
    tickets += 1
    let answers = ticket.clocks.filter { $0.clock == .firstResponse }
    firstResponse.add(answers, asOf: now)
    resolution.add(ticket.clocks.filter { $0.clock == .resolution }, asOf: now)
    if let at = answers.compactMap(\.doneAt).min() { responseTimes.add(from: ticket.openedAt, to: at) }
    if ticket.timesReopened > 0 { reopened += 1 }
    if ticket.isOpenAtEnd { openAtEnd += 1 }
    guard !ticket.state.isOpen else { return }
    resolved += 1
    if ticket.replies <= 1, ticket.timesReopened == 0 { atFirstContact += 1 }
    if let at = ticket.resolvedAt { resolutionTimes.add(from: ticket.openedAt, to: at) }
  }

  /// Percent of the tickets that are resolved or closed.
  public var resolutionRate: Rational? { ServiceFigures.percent(resolved, of: tickets) }
  /// Percent of the satisfied; nil on fewer answers than a figure may be told on (F-04).
  public var satisfied: Rational? { satisfaction.isEnough ? satisfaction.estimate?.value : nil }
  /// Percent of the resolved ones.
  public var firstContactRate: Rational? { ServiceFigures.percent(atFirstContact, of: resolved) }

  /// nil: a share of nothing is none.
  static func percent(_ part: Int64, of whole: Int64) -> Rational? { whole > 0 ? Rational(Int128(part) * 100, over: Int128(whole)) : nil }
}

/// The report on the tickets of one month.
public struct ServiceReport: Sendable {
  /// By what tickets are put together.
  public enum Grouping: String, Sendable, CaseIterable { case tier, kind, channel, team, owner }

  public let grouping: Grouping
  public let asOf: Instant
  public private(set) var total = ServiceFigures()
  /// By the word of the group; nil: it is not known.
  public private(set) var groups: [String?: ServiceFigures] = [:]

  public init(by grouping: Grouping, asOf: Instant) {
    self.grouping = grouping
    self.asOf = asOf
  }

  public mutating func add(_ ticket: ServedTicket) {
    let word: String? =
      switch grouping {
      case .tier: ticket.tier?.text
      case .kind: ticket.kind?.rawValue
      case .channel: ticket.channel.isEmpty ? nil : ticket.channel
      case .team: ticket.team.isEmpty ? nil : ticket.team
      case .owner: ticket.owner.isEmpty ? nil : ticket.owner
      }
    groups[word, default: ServiceFigures()].add(ticket, asOf: asOf)
    total.add(ticket, asOf: asOf)
  }

  /// Those that are usual in their order, with or without tickets; then others by name; then what is not known.
  public func ordered(_ usual: [String]) -> [(group: String?, figures: ServiceFigures)] {
    let others = groups.keys.compactMap(\.self).filter { !usual.contains($0) }.sorted()
    let known = (usual + others).map { (group: Optional($0), figures: groups[$0] ?? ServiceFigures()) }
    return known + (groups[nil].map { [(group: nil, figures: $0)] } ?? [])
  }
}
