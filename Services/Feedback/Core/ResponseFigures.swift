// How many of those who were asked in a period answered (F-04), put together in the ways of the report on answers.
public import Domain

/// The invitations of one group.
public struct ResponseFigures: Hashable, Sendable {
  /// Sent in the period.
  public private(set) var invited: Int64
  /// Of them, those with a score, whenever it was given.
  public private(set) var answered: Int64

  public init(invited: Int64 = 0, answered: Int64 = 0) {
    self.invited = invited
    self.answered = answered
  }

  mutating func add(_ other: ResponseFigures) {
    invited += other.invited
    answered += other.answered
  }

  /// In percent of those who were asked, with Wilson's interval; nil when nobody was.
  public var share: SurveyEstimate? {
    // A share is a share: counted like the satisfied among the answers to a CSAT.
    var counts = ScoreCounts(.csat)
    counts.add(5, count: answered)
    counts.add(1, count: invited - answered)
    return counts.estimate
  }
}

public struct ResponseReport: Hashable, Sendable {
  /// By the word of the group; nil: it is not known.
  public private(set) var groups: [String?: ResponseFigures] = [:]
  public private(set) var total = ResponseFigures()

  public init() {}

  public mutating func add(_ figures: ResponseFigures, to word: String?) {
    groups[word, default: ResponseFigures()].add(figures)
    total.add(figures)
  }

  /// Those of groups that are not shown one by one.
  public func others(than shown: Set<String?>) -> ResponseFigures {
    groups.reduce(into: ResponseFigures()) { if !shown.contains($1.key) { $0.add($1.value) } }
  }
}
