// The report on one metric (F-04): the answers of a period, put together in one way, each group beside itself in the period before.
public import Domain

/// The answers of one group in the period, and in the period before when that was asked for.
public struct GroupFigures: Hashable, Sendable {
  public private(set) var now: ScoreCounts
  public private(set) var before: ScoreCounts

  public init(_ metric: AnswerEvent.Metric) {
    now = ScoreCounts(metric)
    before = ScoreCounts(metric)
  }

  public mutating func add(_ score: Int64, count: Int64, isBefore: Bool = false) {
    if isBefore { before.add(score, count: count) } else { now.add(score, count: count) }
  }

  mutating func add(_ other: GroupFigures) {
    now.add(other.now)
    before.add(other.before)
  }

  /// This period less the one before.
  public var change: SurveyEstimate? { now.difference(from: before) }
}

public struct AnswerReport: Sendable {
  /// By what answers are put together.
  public enum Grouping: String, Sendable, CaseIterable {
    case tier
    /// By recency, frequency and spend, and by contribution (P-09).
    case segment, contribution
    case survey, channel, item, month

    /// The words of a division of customers in their order, with what people read; nil: it is none.
    public var division: [(name: String, title: LocalizedName)]? {
      switch self {
      case .segment: CustomerSegment.rfmTitles
      case .contribution: CustomerSegment.contributionTitles
      case .tier, .survey, .channel, .item, .month: nil
      }
    }
  }

  /// Days from the first to the last, both included.
  public struct Period: Hashable, Sendable {
    public let first: Day
    public let last: Day

    /// nil when the last lies before the first.
    public init?(from first: Day, to last: Day) {
      guard first <= last else { return nil }
      self.first = first
      self.last = last
    }

    public var days: Int { last - first + 1 }
    /// As many days, up to the day before the first.
    public var previous: Period { Period(unchecked: first + -days, first + -1) }

    private init(unchecked first: Day, _ last: Day) {
      self.first = first
      self.last = last
    }

    public func start(in zone: BusinessZone) -> Instant { zone.startOfDay(first) }
    /// The first moment after it.
    public func end(in zone: BusinessZone) -> Instant { zone.startOfDay(last + 1) }

    /// The months that it touches, in order.
    public var months: [Month] {
      var found: [Month] = []
      var day = first
      while day <= last {
        found.append(day.month)
        guard let next = Day("\(day.month)-01")?.adding(months: 1) else { break }
        day = next
      }
      return found
    }
  }

  public let metric: AnswerEvent.Metric
  public let grouping: Grouping
  public let period: Period
  public let isCompared: Bool
  /// By the word of the group; nil: it is not known.
  public private(set) var groups: [String?: GroupFigures] = [:]
  public private(set) var total: GroupFigures
  /// Groups beyond those that are shown one by one, put together.
  public private(set) var others: GroupFigures

  public init(_ metric: AnswerEvent.Metric, by grouping: Grouping, over period: Period, isCompared: Bool) {
    self.metric = metric
    self.grouping = grouping
    self.period = period
    self.isCompared = isCompared
    total = GroupFigures(metric)
    others = GroupFigures(metric)
  }

  public enum Place: Hashable, Sendable { case group(String?), others }

  public mutating func add(_ score: Int64, count: Int64, to place: Place, isBefore: Bool = false) {
    total.add(score, count: count, isBefore: isBefore)
    switch place {
    case .group(let word): groups[word, default: GroupFigures(metric)].add(score, count: count, isBefore: isBefore)
    case .others: others.add(score, count: count, isBefore: isBefore)
    }
  }

  /// Lets groups stand one by one that have no answers, as long as there are no more than so many.
  public mutating func show(_ words: some Sequence<String?>, max: Int) {
    for word in words where groups[word] == nil && groups.count < max { groups[word] = GroupFigures(metric) }
  }

  /// Those that are usual in their order, with or without answers; then others by name; then what is not known.
  public func ordered(_ usual: [String]) -> [(group: String?, figures: GroupFigures)] {
    let rest = groups.keys.compactMap(\.self).filter { !usual.contains($0) }.sorted()
    let known = (usual + rest).map { (group: Optional($0), figures: groups[$0] ?? GroupFigures(metric)) }
    return known + (groups[nil].map { [(group: nil, figures: $0)] } ?? [])
  }
}
