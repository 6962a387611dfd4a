// How all customers divide into tiers on a day (T-03, T-04): worked out here from the profile's figures, exactly.
public import Domain

/// Customers scored by one scorecard and divided by one policy.
public struct TierReport: Sendable {
  public struct Customer: Sendable {
    public let figures: CustomerFigures
    /// Points of each indicator in the scorecard's order, nil where it was left out; empty when they were not asked for.
    public let points: [Rational?]
    /// nil when no indicator had a value.
    public let exact: Rational?
    public let tier: Tier

    /// The score people see: rounded half up.
    public var rounded: Int? { exact.map { Int(clamping: $0.roundedHalfUp) } }
  }

  /// One tier's part of all.
  public struct Line: Sendable {
    public let tier: Tier
    public let customers: Int
    /// Minor units of the base currency.
    public let revenue: Int128
  }

  public let day: Day
  public let scorecard: Scorecard
  public let policy: TierPolicy
  public let currency: Currency
  /// The higher score first, equal ones by customer id.
  public let customers: [Customer]
  /// In the ladder's order, also tiers without a customer.
  public let lines: [Line]
  /// Minor units of the base currency.
  public let revenue: Int128

  /// - Parameters:
  ///   - growth: percent a year by industry, in lower case.
  ///   - withPoints: keep each indicator's points, which takes several times as long.
  public init(
    _ figures: [CustomerFigures], day: Day, scorecard: Scorecard, policy: TierPolicy, currency: Currency, growth: [String: Rational] = [:],
    withPoints: Bool
  ) throws {
    let scorer = Scorer(scorecard, currency: currency, growth: growth)
    var rated: [(values: IndicatorValues, points: [Rational?], exact: Rational?)] = []
    rated.reserveCapacity(figures.count)
    for customer in figures { rated.append(try scorer.score(customer, withPoints: withPoints)) }
    let tiers = TierReport.tiers(of: zip(figures, rated).map { ($0, $1.values, $1.exact) }, policy: policy, day: day)
    var customers: [Customer] = []
    customers.reserveCapacity(figures.count)
    for (index, customer) in figures.enumerated() {
      customers.append(Customer(figures: customer, points: rated[index].points, exact: rated[index].exact, tier: tiers[index]))
    }
    let order = customers.map { ($0.rounded ?? -1, $0.figures.id) }
    self.customers = customers.indices.sorted { left, right in
      order[left].0 != order[right].0 ? order[left].0 > order[right].0 : order[left].1 < order[right].1
    }.map { customers[$0] }
    self.day = day
    self.scorecard = scorecard
    self.policy = policy
    self.currency = currency
    var counts: [TierID: (customers: Int, revenue: Int128)] = [:]
    var revenue: Int128 = 0
    for customer in customers {
      let money = Int128(customer.figures.purchases.monetary)
      let count = counts[customer.tier.id] ?? (0, 0)
      counts[customer.tier.id] = (count.customers + 1, count.revenue + money)
      revenue += money
    }
    lines = policy.ladder.tiers.map { Line(tier: $0, customers: counts[$0.id]?.customers ?? 0, revenue: counts[$0.id]?.revenue ?? 0) }
    self.revenue = revenue
  }

  private static func tiers(
    of rated: [(figures: CustomerFigures, values: IndicatorValues, exact: Rational?)], policy: TierPolicy, day: Day
  ) -> [Tier] {
    switch policy {
    case .score(let policy): rated.map { $0.exact.map(policy.assign(exact:)) ?? policy.ladder.lowest }
    case .quota(let policy): policy.assignAll(rated.map(\.exact))
    case .spend(let policy): policy.assignAll(rated.map { ($0.values[.monetary] ?? .zero, $0.figures.lastInteraction) }, on: day)
    }
  }
}

/// Scores customers one by one.
private struct Scorer {
  let scorecard: Scorecard
  let compiled: CompiledScorecard?
  let minorDigits: Int
  let growth: [String: Rational]

  init(_ scorecard: Scorecard, currency: Currency, growth: [String: Rational]) {
    self.scorecard = scorecard
    compiled = CompiledScorecard(scorecard)
    minorDigits = currency.minorDigits
    self.growth = growth
  }

  func score(_ figures: CustomerFigures, withPoints: Bool) throws -> (values: IndicatorValues, points: [Rational?], exact: Rational?) {
    var values = IndicatorValues(figures.purchases, minorDigits: minorDigits)
    if !growth.isEmpty { values[.industryGrowth] = figures.industry.flatMap { growth[$0.lowercased()] } }
    do throws(ScoringFault) {
      if !withPoints, let compiled { return (values, [], try compiled.exact(values)) }
      let score = try scorecard.score(values)
      return (values, score.indicators.map(\.points), score.exact)
    } catch .noIndicatorHasValue {
      return (values, Array(repeating: nil, count: scorecard.indicators.count), nil)
    } catch {
      throw SuiteFailure("the figures of customer \(figures.id) are out of range")
    }
  }
}

// MARK: - Figures as text

extension TierReport {
  /// Percent and points are shown with so many decimals.
  public static let fractionDigitsMax = 4

  /// An amount in units of the base currency, with all its decimals.
  public func money(_ minorUnits: Int128) -> String { TierReport.money(minorUnits, currency) }

  static func money(_ minorUnits: Int128, _ currency: Currency) -> String {
    var scale: Int128 = 1
    for _ in 0..<currency.minorDigits { scale *= 10 }
    return Rational(minorUnits, over: scale)?.decimalText(fractionDigitsMax: currency.minorDigits, keepsZeros: true) ?? ""
  }

  /// A part in percent; nil when there is no whole.
  public static func percent(_ part: Int128, of whole: Int128) -> String? {
    guard whole > 0 else { return nil }
    return Rational(part * 100, over: whole)?.decimalText(fractionDigitsMax: fractionDigitsMax)
  }

  /// The repurchase rate in percent; nil without an order.
  static func repurchaseRate(_ purchases: Purchases) -> String? {
    percent(Int128(purchases.repeatOrders), of: Int128(purchases.frequency))
  }
}
