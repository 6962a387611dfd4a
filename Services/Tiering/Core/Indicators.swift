// From a customer's purchases to the indicators a scorecard may weigh (P-07, T-05). Exact; what has no value stays without one.
public import Domain

/// Growth of industries in percent a year, as the business states it: no event tells it.
public struct IndustryGrowth: Hashable, Sendable {
  private let percentByName: [String: Rational]

  /// Industries that may be listed.
  public static let industriesMax = 1_000

  public static let none = IndustryGrowth([:])

  /// - Parameter percentByName: names are compared without regard to case.
  public init(_ percentByName: [String: Rational]) {
    self.percentByName = Dictionary(percentByName.map { ($0.key.lowercased(), $0.value) }) { first, _ in first }
  }

  /// Percent a year; nil for an industry nobody stated a figure for.
  public subscript(industry: String?) -> Rational? { industry.flatMap { percentByName[$0.lowercased()] } }
}

/// The figures of one rating: what the indicators are made of, and what lists show beside the tier.
public struct RatingFigures: Hashable, Sendable {
  /// The day they are of: the business day, or the ledger's newest day when that is later (an event may be minutes ahead).
  public let day: Day
  public let purchases: Purchases
  public let values: IndicatorValues

  /// - Parameter complaints: the days on which complaints of the customer were upheld.
  public init(ledger: DayLedger, industry: String?, complaints: [Day] = [], growth: IndustryGrowth, currency: Currency, today: Day) {
    day = max(today, ledger.lastDay ?? today)
    purchases = ledger.purchases(at: day)
    var values = RatingFigures.values(purchases, currency: currency, growth: growth[industry])
    values[.complaintRate] = RatingFigures.complaintRate(complaints, purchases)
    self.values = values
  }

  /// Upheld complaints per hundred orders, both of the same 12 months. None where none was upheld: whether that means that there was nothing to complain
  /// about, the scorecard says (T-05).
  private static func complaintRate(_ complaints: [Day], _ purchases: Purchases) -> Rational? {
    let window = purchases.day.adding(months: -Purchases.windowMonths)
    let count = complaints.count { $0 > window && $0 <= purchases.day }
    guard count > 0, purchases.frequency > 0 else { return nil }
    return Rational(Int128(count) * 100, over: Int128(purchases.frequency))
  }

  private static func values(_ purchases: Purchases, currency: Currency, growth: Rational?) -> IndicatorValues {
    let minorUnits = (0..<currency.minorDigits).reduce(Int128(1)) { units, _ in units * 10 }
    var values = IndicatorValues()
    values[.recencyDays] = purchases.recencyDays.map { Rational($0) }
    values[.frequency] = Rational(purchases.frequency)
    values[.monetary] = Rational(Int128(purchases.monetary), over: minorUnits)
    if purchases.frequency > 0 {
      values[.averageOrderValue] = Rational(Int128(purchases.monetary), over: minorUnits * Int128(purchases.frequency))
      values[.repurchaseRate] = Rational(Int128(purchases.repeatOrders) * 100, over: Int128(purchases.frequency))
    }
    if purchases.ordersQuarterBefore > 0 {
      let change = Int128(purchases.ordersLastQuarter) - Int128(purchases.ordersQuarterBefore)
      values[.orderGrowth] = Rational(change * 100, over: Int128(purchases.ordersQuarterBefore))
    }
    values[.industryGrowth] = growth
    return values
  }
}
