// What comments of a period speak of, and how it sounds, beside the period before (F-06).
public import Domain

/// Comments about one topic, or about none that is known, or all of them.
public struct CommentCounts: Hashable, Sendable {
  public private(set) var now: [CommentPolarity: Int64] = [:]
  public private(set) var before: [CommentPolarity: Int64] = [:]

  public init() {}

  public mutating func add(_ polarity: CommentPolarity, count: Int64, isBefore: Bool) {
    if isBefore { before[polarity, default: 0] += count } else { now[polarity, default: 0] += count }
  }

  public var growth: Growth { Growth(now.values.reduce(0, +), before: before.values.reduce(0, +)) }
  /// Of those that have something bad to say, mixed ones too.
  public var complaints: Growth { Growth(CommentCounts.unhappy(now), before: CommentCounts.unhappy(before)) }

  private static func unhappy(_ counts: [CommentPolarity: Int64]) -> Int64 { counts[.negative, default: 0] + counts[.mixed, default: 0] }
}

public struct CommentReport: Sendable {
  public let period: AnswerReport.Period
  /// By the topic's id. A comment that names two counts for both.
  public private(set) var topics: [String: CommentCounts] = [:]
  /// Comments in which no topic was found.
  public private(set) var none = CommentCounts()
  public private(set) var total = CommentCounts()
  /// Comments that were read by former rules, and wait to be read by these.
  public var unread: Int64 = 0

  public init(over period: AnswerReport.Period) { self.period = period }

  public mutating func add(_ polarity: CommentPolarity, to topic: String, count: Int64, isBefore: Bool) {
    topics[topic, default: CommentCounts()].add(polarity, count: count, isBefore: isBefore)
  }

  public mutating func add(_ polarity: CommentPolarity, hasTopics: Bool, count: Int64, isBefore: Bool) {
    total.add(polarity, count: count, isBefore: isBefore)
    if !hasTopics { none.add(polarity, count: count, isBefore: isBefore) }
  }

  /// Hot topics first, then those that most comments speak of, each topic of the rules even when nobody did.
  public func ordered(_ rules: CommentRules) -> [(topic: CommentRules.Topic, counts: CommentCounts)] {
    let all = rules.topics.map { (topic: $0, counts: topics[$0.id] ?? CommentCounts()) }
    func rank(_ counts: CommentCounts, _ place: Int) -> (Int, Int64, Int64, Int) {
      (counts.growth.isHot ? 0 : 1, -counts.growth.count, -counts.growth.change, place)
    }
    return all.enumerated().sorted { rank($0.element.counts, $0.offset) < rank($1.element.counts, $1.offset) }.map(\.element)
  }
}
