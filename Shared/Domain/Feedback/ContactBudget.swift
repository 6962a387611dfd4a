// How often one customer may be asked (F-02): a budget over all surveys, parts of which are kept for what matters most. Pure: time is an argument.

/// One time that a customer was, or is about to be, asked.
public struct PastContact: Hashable, Sendable {
  public let purpose: Survey.Purpose
  public let at: Instant

  public init(_ purpose: Survey.Purpose, at: Instant) {
    self.purpose = purpose
    self.at = at
  }
}

/// Why a customer is not asked now.
public enum HoldReason: String, Hashable, Sendable, CaseIterable {
  /// Asked too short a while ago.
  case gap
  /// Something of higher priority is about to be asked.
  case priority
  /// As often as a year allows.
  case yearly
  /// What is left of the year is kept for what has higher priority.
  case reserved

  public var name: LocalizedName {
    switch self {
    case .gap: LocalizedName(en: "asked too short a while ago", zh: "距上次询问太近")
    case .priority: LocalizedName(en: "something of higher priority is about to be asked", zh: "即将有优先级更高的询问")
    case .yearly: LocalizedName(en: "asked as often as a year allows", zh: "已达年度询问上限")
    case .reserved: LocalizedName(en: "what is left of the year is kept for what has higher priority", zh: "年度余量留给优先级更高的询问")
    }
  }
}

public enum BudgetVerdict: Hashable, Sendable {
  case granted
  /// Not before this moment; nothing may have changed by then.
  case held(HoldReason, until: Instant)
}

public struct ContactBudget: Hashable, Sendable {
  /// Days from one contact to the next, and contacts in any 365 days.
  public let gapDays: Int
  public let yearlyMax: Int
  /// From the most to the least important.
  public let priority: [Survey.Purpose]
  /// Of a year's contacts, how many are kept for a purpose while something of it is planned.
  public let reserved: [Survey.Purpose: Int]

  public static let yearDays = 365
  public static var yearSeconds: Int64 { Int64(yearDays) * 86_400 }
  public static let gapDaysRange = 0...365
  public static let yearlyRange = 1...100

  public init(gapDays: Int, yearlyMax: Int, priority: [Survey.Purpose], reserved: [Survey.Purpose: Int]) throws(ConfigurationFaults) {
    var faults: [ConfigurationFault] = []
    if !ContactBudget.gapDaysRange.contains(gapDays) { faults.append(ConfigurationFault(path: "budget.gap_days", problem: "from 0 to 365 days")) }
    if !ContactBudget.yearlyRange.contains(yearlyMax) { faults.append(ConfigurationFault(path: "budget.per_year", problem: "from 1 to 100 times")) }
    if Set(priority) != Set(Survey.Purpose.allCases) || priority.count != Survey.Purpose.allCases.count {
      let all = Survey.Purpose.allCases.map(\.rawValue).joined(separator: ", ")
      faults.append(ConfigurationFault(path: "budget.priority", problem: "each of \(all) is needed once, the most important first"))
    }
    if reserved.values.contains(where: { $0 < 0 }) || reserved.values.reduce(0, +) > yearlyMax {
      faults.append(ConfigurationFault(path: "budget.reserved", problem: "together at most `per_year`, \(yearlyMax)"))
    }
    guard faults.isEmpty else { throw ConfigurationFaults(faults) }
    self.gapDays = gapDays
    self.yearlyMax = yearlyMax
    self.priority = priority
    self.reserved = reserved
  }

  /// Whether a customer may be asked now.
  ///
  /// - Parameters:
  ///   - past: contacts that were, in any order.
  ///   - planned: what is planned for the customer besides, with its moment.
  public func verdict(for purpose: Survey.Purpose, at now: Instant, past: [PastContact], planned: [PastContact]) -> BudgetVerdict {
    let gap = Int64(gapDays) * 86_400
    let year = ContactBudget.yearSeconds
    if let last = past.map(\.at).max(), last.adding(seconds: gap) > now { return .held(.gap, until: last.adding(seconds: gap)) }
    let higher = Set(priority.prefix { $0 != purpose })
    let window = now.adding(seconds: gap)
    if let next = planned.filter({ higher.contains($0.purpose) && $0.at < window }).map(\.at).max() {
      return .held(.priority, until: max(next, now).adding(seconds: gap))
    }
    let used = past.filter { $0.at.adding(seconds: year) > now }
    // When the contact that has to fall out of the year does so.
    func frees(_ count: Int) -> Instant { used.map(\.at).sorted()[min(count, used.count) - 1].adding(seconds: year) }
    if used.count >= yearlyMax { return .held(.yearly, until: frees(used.count - yearlyMax + 1)) }
    let owed = reserved.filter { other, _ in other != purpose && higher.contains(other) && planned.contains { $0.purpose == other } }
      .map { other, count in max(0, count - used.count { $0.purpose == other }) }.reduce(0, +)
    if used.count + owed >= yearlyMax { return used.isEmpty ? .held(.reserved, until: now.adding(seconds: gap + 86_400)) : .held(.reserved, until: frees(1)) }
    return .granted
  }
}
