// A named snapshot of all figures before a measure, to be compared with what comes after it (F-07).
public import Domain

/// What a figure of a baseline is of.
public struct BaselineGroup: Hashable, Sendable, Comparable {
  /// By what answers are put together; nil: not at all.
  public let grouping: AnswerReport.Grouping?
  /// nil: it is not known, or all of them.
  public let word: String?

  public init(_ grouping: AnswerReport.Grouping?, _ word: String?) {
    self.grouping = grouping
    self.word = word
  }

  public static let all = BaselineGroup(nil, nil)
  /// By what a baseline puts answers together. Articles are too many, and months lie beside each other.
  public static let groupings: [AnswerReport.Grouping] = [.tier, .survey, .channel]

  public static func < (left: BaselineGroup, right: BaselineGroup) -> Bool {
    func rank(_ group: BaselineGroup) -> (Int, Int, String) {
      (group.grouping.flatMap { groupings.firstIndex(of: $0) } ?? -1, group.word == nil ? 1 : 0, group.word ?? "")
    }
    return rank(left) < rank(right)
  }
}

/// The answers of a period as they stood when somebody looked, by metric and group. It never changes, whatever becomes of the answers.
public struct Baseline: Hashable, Sendable {
  public let name: String
  public let period: AnswerReport.Period
  public let takenAt: Instant
  public let actor: String
  public let reason: String
  public let figures: [AnswerEvent.Metric: [BaselineGroup: ScoreCounts]]

  public static let nameBytesMax = 64

  public init(
    name: String, period: AnswerReport.Period, takenAt: Instant, actor: String, reason: String, figures: [AnswerEvent.Metric: [BaselineGroup: ScoreCounts]]
  ) {
    self.name = name
    self.period = period
    self.takenAt = takenAt
    self.actor = actor
    self.reason = reason
    self.figures = figures
  }

  /// The figures of a period, from one report for each metric and grouping.
  public static func figures(_ reports: [AnswerReport]) -> [AnswerEvent.Metric: [BaselineGroup: ScoreCounts]] {
    var figures: [AnswerEvent.Metric: [BaselineGroup: ScoreCounts]] = [:]
    for report in reports where report.total.now.answers > 0 {
      figures[report.metric, default: [:]][.all] = report.total.now
      for (word, group) in report.groups { figures[report.metric, default: [:]][BaselineGroup(report.grouping, word)] = group.now }
    }
    return figures
  }

  /// Before and after, group by group, of every group that has answers in one of them.
  public static func compare(
    _ before: [BaselineGroup: ScoreCounts], _ after: [BaselineGroup: ScoreCounts], of metric: AnswerEvent.Metric
  ) -> [(group: BaselineGroup, before: ScoreCounts, after: ScoreCounts)] {
    Set(before.keys).union(after.keys).sorted().map { group in
      (group, before[group] ?? ScoreCounts(metric), after[group] ?? ScoreCounts(metric))
    }
  }
}
