/// RFM and what goes with it, at one evaluation day (P-07).
public struct Purchases: Hashable, Sendable {
  public var day: Day
  /// Days since the last paid order of all history; nil without one.
  public var recencyDays: Int?
  /// Paid orders of the trailing 12 months that are not fully refunded.
  public var frequency: Int64
  /// Net spend of the trailing 12 months, minor units of the base currency.
  public var monetary: Int64
  /// Of `frequency`, those that follow an earlier counted order within 90 days. The repurchase rate is this / frequency.
  public var repeatOrders: Int64
  /// Counted orders of the last three full months, and of the three before them.
  public var ordersLastQuarter: Int64
  public var ordersQuarterBefore: Int64

  /// A repurchase follows within this many days.
  public static let repurchaseDaysMax = 90
  public static let windowMonths = 12
  /// Six full months and the one that is not over have at most so many days.
  static let quartersDaysMax = 7 * 31

  public init(
    day: Day, recencyDays: Int?, frequency: Int64, monetary: Int64, repeatOrders: Int64, ordersLastQuarter: Int64, ordersQuarterBefore: Int64
  ) {
    self.day = day
    self.recencyDays = recencyDays
    self.frequency = frequency
    self.monetary = monetary
    self.repeatOrders = repeatOrders
    self.ordersLastQuarter = ordersLastQuarter
    self.ordersQuarterBefore = ordersQuarterBefore
  }
}

extension DayLedger {
  /// The figures at the end of `day`. Exact while `day` is not before the ledger's newest day; earlier days are asked of the facts.
  public func purchases(at day: Day) -> Purchases {
    let windowStart = day.adding(months: -Purchases.windowMonths)
    let thisMonth = day.month
    var result = Purchases(
      day: day, recencyDays: lastPaidDay.map { day - $0 }, frequency: 0, monetary: 0, repeatOrders: 0, ordersLastQuarter: 0, ordersQuarterBefore: 0)
    var previous: Day?
    for entry in days where entry.day <= day {
      let counted = Int64(entry.countedOrders)
      if entry.day > windowStart {
        result.monetary &+= entry.spend
        result.frequency += counted
        if counted > 0 {
          // All but the first of a day follow one of the same day; the first follows the last day that had one.
          result.repeatOrders += counted - 1
          if let previous, entry.day - previous <= Purchases.repurchaseDaysMax { result.repeatOrders += 1 }
        }
      }
      if counted > 0 {
        previous = entry.day
        if day - entry.day > Purchases.quartersDaysMax { continue }
        let age = Int(thisMonth.index - entry.day.month.index)
        if (1...3).contains(age) { result.ordersLastQuarter += counted }
        if (4...6).contains(age) { result.ordersQuarterBefore += counted }
      }
    }
    return result
  }

  /// Orders and spend per calendar month, the 24 up to and with the month of `day`, oldest first; months without any are left out.
  public func months(at day: Day) -> [(month: Month, orders: Int64, spend: Int64)] {
    var result: [(month: Month, orders: Int64, spend: Int64)] = []
    for entry in days where entry.day <= day && entry.day.month.index > day.month.index - 24 {
      if let last = result.indices.last, result[last].month == entry.day.month {
        result[last].orders += Int64(entry.countedOrders)
        result[last].spend &+= entry.spend
      } else {
        result.append((entry.day.month, Int64(entry.countedOrders), entry.spend))
      }
    }
    return result
  }
}
