// The indicators a scorecard may weigh: their shared names, their units, and one customer's values.

/// What an indicator's raw value counts.
public enum IndicatorUnit: String, Hashable, Sendable, CaseIterable {
  case days
  case orders
  /// Units of the suite's base currency, not minor units: 1.5 is one yuan fifty.
  case currency
  case percent
  case count
}

/// The vocabulary shared by scorecards and by whoever works out the values (P-07).
///
/// The raw value is the indicator's place among a customer's values.
public enum IndicatorKey: UInt8, Hashable, Sendable, CaseIterable {
  /// Days from the last paid order of all history to the evaluation day.
  case recencyDays
  /// Paid orders of the trailing 12 months that are not fully refunded.
  case frequency
  /// Net spend of the trailing 12 months in the base currency.
  case monetary
  /// ``monetary`` divided by ``frequency``; no value without an order.
  case averageOrderValue
  /// Percent of the window's orders that follow an earlier one within 90 days.
  case repurchaseRate
  /// Growth of the customer's industry in percent a year.
  case industryGrowth
  /// Orders of the last three full months against the three before, in percent.
  case orderGrowth
  /// New needs the customer raised in the trailing 12 months.
  case newNeeds
  /// New customers the customer brought in the trailing 12 months.
  case referrals
  /// Complaints per hundred orders.
  case complaintRate

  /// As scorecard files spell it: `average_order_value`.
  public var name: String {
    switch self {
    case .recencyDays: "recency_days"
    case .frequency: "frequency"
    case .monetary: "monetary"
    case .averageOrderValue: "average_order_value"
    case .repurchaseRate: "repurchase_rate"
    case .industryGrowth: "industry_growth"
    case .orderGrowth: "order_growth"
    case .newNeeds: "new_needs"
    case .referrals: "referrals"
    case .complaintRate: "complaint_rate"
    }
  }

  public init?(name: some StringProtocol) {
    guard let key = IndicatorKey.allCases.first(where: { $0.name == name }) else { return nil }
    self = key
  }

  public var unit: IndicatorUnit {
    switch self {
    case .recencyDays: .days
    case .frequency: .orders
    case .monetary, .averageOrderValue: .currency
    case .repurchaseRate, .industryGrowth, .orderGrowth, .complaintRate: .percent
    case .newNeeds, .referrals: .count
    }
  }
}

/// One customer's raw values, each exact; nil where there is none (T-05: no value is not zero).
public struct IndicatorValues: Hashable, Sendable {
  @usableFromInline
  var slots: [Rational?]

  public init() { slots = Array(repeating: nil, count: IndicatorKey.allCases.count) }

  public init(_ values: [IndicatorKey: Rational]) {
    self.init()
    for (key, value) in values { self[key] = value }
  }

  public subscript(key: IndicatorKey) -> Rational? {
    get { slots[Int(key.rawValue)] }
    set { slots[Int(key.rawValue)] = newValue }
  }
}

extension IndicatorValues {
  /// The values that follow from a customer's purchases (P-07), exact. What does not come from purchases stays without a value.
  ///
  /// Without a counted order there is no average order value and no repurchase rate, without an order in the earlier quarter no
  /// growth, without any paid order no recency. `minorDigits` are the decimals of the base currency.
  public init(_ purchases: Purchases, minorDigits: Int) {
    self.init()
    let minorUnits = Rational.powerOfTen(min(max(minorDigits, 0), 4))
    self[.recencyDays] = purchases.recencyDays.map { Rational($0) }
    self[.frequency] = Rational(purchases.frequency)
    self[.monetary] = Rational(Int128(purchases.monetary), over: minorUnits)
    if purchases.frequency > 0 {
      self[.averageOrderValue] = Rational(Int128(purchases.monetary), over: minorUnits * Int128(purchases.frequency))
      self[.repurchaseRate] = Rational(Int128(purchases.repeatOrders) * 100, over: Int128(purchases.frequency))
    }
    if purchases.ordersQuarterBefore > 0 {
      let growth = Int128(purchases.ordersLastQuarter) - Int128(purchases.ordersQuarterBefore)
      self[.orderGrowth] = Rational(growth * 100, over: Int128(purchases.ordersQuarterBefore))
    }
  }
}
