/// The eight RFM segments and the four by contribution, of a whole population (P-09).

public enum RFMSegment: Int, CaseIterable, Sendable {
  /// In the order of the name: spend high first, then frequency, then recency.
  case champions, loyal, growing, rescue, regulars, keepers, prospects, lost

  public init(recent: Bool, frequent: Bool, highSpend: Bool) {
    switch (highSpend, frequent, recent) {
    case (true, true, true): self = .champions
    case (true, true, false): self = .loyal
    case (true, false, true): self = .growing
    case (true, false, false): self = .rescue
    case (false, true, true): self = .regulars
    case (false, true, false): self = .keepers
    case (false, false, true): self = .prospects
    case (false, false, false): self = .lost
    }
  }

  public var name: String {
    switch self {
    case .champions: "important_value"
    case .loyal: "important_keep"
    case .growing: "important_develop"
    case .rescue: "important_retain"
    case .regulars: "general_value"
    case .keepers: "general_keep"
    case .prospects: "general_develop"
    case .lost: "general_retain"
    }
  }
  public var chinese: String {
    switch self {
    case .champions: "重要价值"
    case .loyal: "重要保持"
    case .growing: "重要发展"
    case .rescue: "重要挽留"
    case .regulars: "一般价值"
    case .keepers: "一般保持"
    case .prospects: "一般发展"
    case .lost: "一般挽留"
    }
  }
}

public enum ContributionSegment: Int, CaseIterable, Sendable {
  case frequentHigh, steadyMiddle, occasionalLow, fading

  public var name: String {
    switch self {
    case .frequentHigh: "frequent_high_spend"
    case .steadyMiddle: "steady_middle"
    case .occasionalLow: "occasional_low"
    case .fading: "fading"
    }
  }
  public var chinese: String {
    switch self {
    case .frequentHigh: "高频高额"
    case .steadyMiddle: "稳定中坚"
    case .occasionalLow: "偶发低额"
    case .fading: "渐行渐远"
    }
  }
  /// The reference point: percent of customers and of revenue.
  public var reference: (customers: Int, revenue: Int) {
    switch self {
    case .frequentHigh: (15, 40)
    case .steadyMiddle: (35, 35)
    case .occasionalLow: (30, 15)
    case .fading: (20, 10)
    }
  }
}

/// Everyone who ever paid for an order, divided on a day. High and low are against the mean of these customers: at least the mean number of
/// orders and the mean spend of the 12 months, at most the mean days since the last order.
public struct SegmentReport: Sendable {
  public struct Line: Hashable, Sendable {
    public var customers: Int64 = 0
    /// Spend of the 12 months, minor units of the base currency.
    public var revenue: Int128 = 0

    public init(customers: Int64 = 0, revenue: Int128 = 0) {
      self.customers = customers
      self.revenue = revenue
    }
  }
  private struct Person {
    let recencyDays: Int32
    let frequency: Int32
    let monetary: Int64
  }
  private var people: [Person] = []
  public private(set) var rfm: [Line] = Array(repeating: Line(), count: RFMSegment.allCases.count)
  public private(set) var contribution: [Line] = Array(repeating: Line(), count: ContributionSegment.allCases.count)
  public private(set) var total = Line()
  /// Means of the population, to divide by.
  public private(set) var sums: (recencyDays: Int128, frequency: Int128, monetary: Int128) = (0, 0, 0)
  /// Past so many days without an order a customer is fading: where "active" ends (P-08).
  private let fadingAfterDays: Int

  public init(fadingAfterDays: Int = LifecycleRule().activeDaysMax) { self.fadingAfterDays = fadingAfterDays }

  /// Takes a customer in; without a paid order there is nothing to divide by.
  public mutating func add(_ figures: Purchases) {
    guard let recency = figures.recencyDays else { return }
    people.append(Person(recencyDays: Int32(clamping: recency), frequency: Int32(clamping: figures.frequency), monetary: figures.monetary))
  }

  /// Divides all that were added.
  public mutating func divide() {
    for person in people {
      sums.recencyDays += Int128(person.recencyDays)
      sums.frequency += Int128(person.frequency)
      sums.monetary += Int128(person.monetary)
    }
    let count = Int128(people.count)
    for person in people {
      let recent = Int128(person.recencyDays) * count <= sums.recencyDays
      let frequent = Int128(person.frequency) * count >= sums.frequency
      let high = Int128(person.monetary) * count >= sums.monetary
      let segment: ContributionSegment =
        Int(person.recencyDays) > fadingAfterDays ? .fading : frequent && high ? .frequentHigh : !frequent && !high ? .occasionalLow : .steadyMiddle
      add(person, to: &rfm[RFMSegment(recent: recent, frequent: frequent, highSpend: high).rawValue])
      add(person, to: &contribution[segment.rawValue])
      add(person, to: &total)
    }
    people = []
  }

  private func add(_ person: Person, to line: inout Line) {
    line.customers += 1
    line.revenue += Int128(person.monetary)
  }
}
