// What became of the tiers (T-12): customers and revenue on a day, who came and went by month, and how their customers go on buying. Pure sums.
public import Domain

/// One customer as a report sees it.
public struct DevelopedCustomer: Sendable {
  /// The tier in force at the end of the day; nil: none, or the customer was part of another one by then.
  public let tier: TierID?
  /// The tier a year before, likewise.
  public let tierBefore: TierID?
  public let ledger: DayLedger

  public init(tier: TierID?, tierBefore: TierID?, ledger: DayLedger) {
    self.tier = tier
    self.tierBefore = tierBefore
    self.ledger = ledger
  }
}

/// A move between tiers in one month; nil stands for no tier: the first rating, or a merge.
public struct TierMove: Hashable, Sendable {
  public let month: Month
  public let from: TierID?
  public let to: TierID?

  public init(month: Month, from: TierID?, to: TierID?) {
    self.month = month
    self.from = from
    self.to = to
  }
}

/// The sums of one tier.
public struct TierDevelopmentLine: Hashable, Sendable {
  public var customers: Int64 = 0
  /// Net spend of the 12 months, minor units of the base currency.
  public var revenue: Int128 = 0
  /// Orders of the 12 months, and those of them that follow another within 90 days.
  public var orders: Int64 = 0
  public var repeatOrders: Int64 = 0
  /// Orders and net spend of the 12 months before those.
  public var ordersBefore: Int64 = 0
  public var revenueBefore: Int128 = 0
  /// Customers of the tier a year before, and those of them with a paid order since.
  public var cohort: Int64 = 0
  public var retained: Int64 = 0

  public init() {}

  /// Percent of the cohort that bought again.
  public var retention: Rational? { TierDevelopmentLine.percent(Int128(retained), Int128(cohort)) }
  /// Percent of the orders that follow another within 90 days.
  public var repurchase: Rational? { TierDevelopmentLine.percent(Int128(repeatOrders), Int128(orders)) }
  /// Minor units.
  public var averageOrder: Rational? { orders > 0 ? Rational(revenue, over: Int128(orders)) : nil }
  public var averageOrderBefore: Rational? { ordersBefore > 0 ? Rational(revenueBefore, over: Int128(ordersBefore)) : nil }
  /// Growth of the average order against the 12 months before, in percent.
  public var averageOrderGrowth: Rational? {
    guard let now = averageOrder, let before = averageOrderBefore, before > .zero else { return nil }
    return (try? now / before).flatMap { try? ($0 - .one) * .oneHundred }
  }

  private static func percent(_ part: Int128, _ whole: Int128) -> Rational? { whole > 0 ? Rational(part * 100, over: whole) : nil }
}

public struct TierDevelopment: Sendable {
  public let day: Day
  /// A year before.
  public var dayBefore: Day { day.adding(months: -TierDevelopment.periodMonths) }
  public private(set) var lines: [TierID: TierDevelopmentLine] = [:]
  public private(set) var moves: [TierMove: Int64] = [:]

  /// What is compared with the same time before.
  public static let periodMonths = 12
  /// A ledger keeps 26 months before its newest day: two periods and this many months.
  public static let agedMonthsMax = DayLedger.monthsKept - 2 * periodMonths
  /// Of a day that lies further back not even its own period, with the repurchases that follow orders before it, is kept day by day.
  public static let reachMonthsMax = DayLedger.monthsKept - periodMonths - 3

  public init(day: Day) { self.day = day }

  public mutating func add(_ customer: DevelopedCustomer) {
    if let tier = customer.tier {
      let now = customer.ledger.purchases(at: day)
      let before = customer.ledger.purchases(at: dayBefore)
      lines[tier, default: TierDevelopmentLine()].customers += 1
      lines[tier]?.revenue += Int128(now.monetary)
      lines[tier]?.orders += now.frequency
      lines[tier]?.repeatOrders += now.repeatOrders
      lines[tier]?.revenueBefore += Int128(before.monetary)
      lines[tier]?.ordersBefore += before.frequency
    }
    // Whoever became part of another customer since is counted there.
    if let tier = customer.tierBefore, customer.tier != nil {
      lines[tier, default: TierDevelopmentLine()].cohort += 1
      let from = dayBefore
      if customer.ledger.days.contains(where: { $0.day > from && $0.day <= day && $0.paidOrders > 0 }) { lines[tier]?.retained += 1 }
    }
  }

  public mutating func add(_ move: TierMove, count: Int64) { moves[move, default: 0] += count }

  /// Who came to a tier in a month and who left it; `first` of those who came had none before, `merged` of those who left became part of others.
  public func traffic(_ tier: TierID, _ month: Month) -> (came: Int64, left: Int64, first: Int64, merged: Int64) {
    var sum: (came: Int64, left: Int64, first: Int64, merged: Int64) = (0, 0, 0, 0)
    for (move, count) in moves where move.month == month {
      if move.to == tier {
        sum.came += count
        if move.from == nil { sum.first += count }
      }
      if move.from == tier {
        sum.left += count
        if move.to == nil { sum.merged += count }
      }
    }
    return sum
  }
}
