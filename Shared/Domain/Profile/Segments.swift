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

extension RFMSegment {
  public init?(name: String) {
    guard let segment = RFMSegment.allCases.first(where: { $0.name == name }) else { return nil }
    self = segment
  }

  public var title: LocalizedName { LocalizedName(en: name.replacing("_", with: " "), zh: chinese) }
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

extension ContributionSegment {
  public init?(name: String) {
    guard let segment = ContributionSegment.allCases.first(where: { $0.name == name }) else { return nil }
    self = segment
  }

  public var title: LocalizedName { LocalizedName(en: name.replacing("_", with: " "), zh: chinese) }
}

/// Where a customer stands in both divisions on a day.
public enum CustomerSegment: Hashable, Sendable {
  /// Never paid for an order (P-08): no part of what is divided.
  case potential
  case paying(RFMSegment, ContributionSegment)

  /// Of whoever is no part of either division.
  private static let potentialName = LifecycleStage.potential.name

  /// The words for it in both divisions.
  public var rfmName: String {
    if case .paying(let rfm, _) = self { rfm.name } else { CustomerSegment.potentialName }
  }
  public var contributionName: String {
    if case .paying(_, let contribution) = self { contribution.name } else { CustomerSegment.potentialName }
  }

  public init?(rfmName: String, contributionName: String) {
    if let rfm = RFMSegment(name: rfmName), let contribution = ContributionSegment(name: contributionName) {
      self = .paying(rfm, contribution)
    } else if rfmName == CustomerSegment.potentialName, contributionName == CustomerSegment.potentialName {
      self = .potential
    } else {
      return nil
    }
  }

  private static let potentialTitle = LocalizedName(en: "no paid order yet", zh: LifecycleStage.potential.chinese)

  /// All words of a division in their order, with what people read.
  public static let rfmTitles = RFMSegment.allCases.map { (name: $0.name, title: $0.title) } + [(potentialName, potentialTitle)]
  public static let contributionTitles = ContributionSegment.allCases.map { (name: $0.name, title: $0.title) } + [(potentialName, potentialTitle)]
}

/// What is high and what is low on a day: the means of everyone who ever paid for an order, as sums to divide by. At least the mean number of orders and
/// the mean spend of the 12 months, at most the mean days since the last order.
public struct SegmentBorders: Hashable, Sendable {
  public private(set) var customers: Int64
  public private(set) var recencyDays: Int128
  public private(set) var frequency: Int128
  public private(set) var monetary: Int128

  public init(customers: Int64 = 0, recencyDays: Int128 = 0, frequency: Int128 = 0, monetary: Int128 = 0) {
    self.customers = customers
    self.recencyDays = recencyDays
    self.frequency = frequency
    self.monetary = monetary
  }

  /// Takes a customer in; without a paid order there is nothing to divide by.
  public mutating func add(_ figures: Purchases) {
    guard let recency = figures.recencyDays else { return }
    customers += 1
    recencyDays += Int128(recency)
    frequency += Int128(figures.frequency)
    monetary += Int128(figures.monetary)
  }

  /// Where these figures lie; nil where there are no means to compare them with.
  ///
  /// - Parameter fadingAfterDays: past so many days without an order a customer is fading: where "active" ends (P-08).
  public func segment(of figures: Purchases, fadingAfterDays: Int = LifecycleRule().activeDaysMax) -> CustomerSegment? {
    guard let recency = figures.recencyDays else { return .potential }
    guard customers > 0 else { return nil }
    let count = Int128(customers)
    let recent = Int128(recency) * count <= recencyDays
    let frequent = Int128(figures.frequency) * count >= frequency
    let high = Int128(figures.monetary) * count >= monetary
    let contribution: ContributionSegment =
      recency > fadingAfterDays ? .fading : frequent && high ? .frequentHigh : !frequent && !high ? .occasionalLow : .steadyMiddle
    return .paying(RFMSegment(recent: recent, frequent: frequent, highSpend: high), contribution)
  }
}

/// Everyone who ever paid for an order, divided on a day against the means of all of them.
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

    func figures(on day: Day) -> Purchases {
      Purchases(
        day: day, recencyDays: Int(recencyDays), frequency: Int64(frequency), monetary: monetary, repeatOrders: 0, ordersLastQuarter: 0,
        ordersQuarterBefore: 0)
    }
  }
  private var people: [Person] = []
  public private(set) var rfm: [Line] = Array(repeating: Line(), count: RFMSegment.allCases.count)
  public private(set) var contribution: [Line] = Array(repeating: Line(), count: ContributionSegment.allCases.count)
  public private(set) var total = Line()
  /// The means of the population.
  public private(set) var borders = SegmentBorders()
  private let fadingAfterDays: Int

  public init(fadingAfterDays: Int = LifecycleRule().activeDaysMax) { self.fadingAfterDays = fadingAfterDays }

  /// Takes a customer in; without a paid order there is nothing to divide by.
  public mutating func add(_ figures: Purchases) {
    guard let recency = figures.recencyDays else { return }
    let person = Person(recencyDays: Int32(clamping: recency), frequency: Int32(clamping: figures.frequency), monetary: figures.monetary)
    people.append(person)
    borders.add(person.figures(on: figures.day))
  }

  /// Divides all that were added.
  public mutating func divide() {
    for person in people {
      // The day itself has no part in it: recency is counted already.
      let figures = person.figures(on: Day(number: 0))
      guard case .paying(let rfm, let contribution)? = borders.segment(of: figures, fadingAfterDays: fadingAfterDays) else { continue }
      add(person, to: &self.rfm[rfm.rawValue])
      add(person, to: &self.contribution[contribution.rawValue])
      add(person, to: &total)
    }
    people = []
  }

  private func add(_ person: Person, to line: inout Line) {
    line.customers += 1
    line.revenue += Int128(person.monetary)
  }
}
