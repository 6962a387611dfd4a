/// Where the relationship stands (P-08). Time alone moves a customer on.
public enum LifecycleStage: Int16, CaseIterable, Sendable {
  case potential = 0
  case new = 1
  case active = 2
  case atRisk = 3
  case dormant = 4
  case churned = 5

  public var name: String {
    switch self {
    case .potential: "potential"
    case .new: "new"
    case .active: "active"
    case .atRisk: "at_risk"
    case .dormant: "dormant"
    case .churned: "churned"
    }
  }
  public init?(name: String) {
    guard let stage = LifecycleStage.allCases.first(where: { $0.name == name }) else { return nil }
    self = stage
  }
  public var chinese: String {
    switch self {
    case .potential: "潜在"
    case .new: "新客"
    case .active: "活跃"
    case .atRisk: "流失风险"
    case .dormant: "沉睡"
    case .churned: "流失"
    }
  }
}

/// The borders between stages, in days since the last paid order.
public struct LifecycleRule: Hashable, Sendable {
  public var newDaysMax = 30
  public var activeDaysMax = 90
  public var atRiskDaysMax = 180
  public var dormantDaysMax = 365

  public init() {}

  /// The stage at the end of `day`.
  public func stage(firstPaidDay: Day?, lastPaidDay: Day?, at day: Day) -> LifecycleStage {
    guard let firstPaidDay, let lastPaidDay else { return .potential }
    let since = day - lastPaidDay
    if since > dormantDaysMax { return .churned }
    if since > atRiskDaysMax { return .dormant }
    if since > activeDaysMax { return .atRisk }
    return day - firstPaidDay <= newDaysMax ? .new : .active
  }

  /// The first day after `day` on which the stage changes if no event comes; nil when it never will.
  public func nextChange(firstPaidDay: Day?, lastPaidDay: Day?, after day: Day) -> Day? {
    guard let firstPaidDay, let lastPaidDay else { return nil }
    let now = stage(firstPaidDay: firstPaidDay, lastPaidDay: lastPaidDay, at: day)
    var next: Day?
    func consider(_ candidate: Day) {
      guard candidate > day, next.map({ candidate < $0 }) ?? true else { return }
      if stage(firstPaidDay: firstPaidDay, lastPaidDay: lastPaidDay, at: candidate) != now { next = candidate }
    }
    consider(firstPaidDay + (newDaysMax + 1))
    consider(lastPaidDay + (activeDaysMax + 1))
    consider(lastPaidDay + (atRiskDaysMax + 1))
    consider(lastPaidDay + (dormantDaysMax + 1))
    return next
  }
}
