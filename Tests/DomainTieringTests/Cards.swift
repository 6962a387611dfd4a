// Scorecards the tests rate by.

import Domain
import Testing

enum Cards {
  static let name = LocalizedName(en: "A name", zh: "名称")

  static func line(_ points: [(Int, Int)]) -> Curve { .line(points.map { CurvePoint(raw: .of($0.0), points: .of($0.1)) }) }

  static func indicator(
    _ key: IndicatorKey, _ weight: Rational, _ curve: Curve, mayTurn: Bool = false, missing: MissingRule = .leaveOut, name: LocalizedName = Cards.name
  ) -> ScorecardIndicator {
    ScorecardIndicator(key: key, name: name, weight: weight, unit: key.unit, curve: curve, mayTurn: mayTurn, missing: missing)
  }

  static func card(_ indicators: [ScorecardIndicator], name: String = "test", version: Int = 1) throws(ConfigurationFaults) -> Scorecard {
    let dimension = ScorecardDimension(name: Cards.name, weight: .oneHundred, indicators: indicators)
    return try Scorecard(name: name, version: version, author: "tests", state: .active, dimensions: [dimension])
  }

  /// T-03, written down here once more, apart from the shipped file.
  static func rfmPlus() throws(ConfigurationFaults) -> Scorecard {
    try card(
      [
        indicator(.recencyDays, .of(20), line([(0, 100), (300, 0)]), name: LocalizedName(en: "Recency", zh: "最近购买")),
        indicator(
          .frequency, .of(15), line([(0, 0), (2, 40), (6, 75), (12, 90), (24, 100)]), name: LocalizedName(en: "Frequency", zh: "购买频次")),
        indicator(
          .monetary, .of(35), line([(0, 0), (50_000, 50), (200_000, 70), (500_000, 100)]), name: LocalizedName(en: "Spend", zh: "年消费")),
        indicator(.industryGrowth, .of(15), line([(-20, 0), (20, 100)]), name: LocalizedName(en: "Industry growth", zh: "行业增长")),
        indicator(.repurchaseRate, .of(15), line([(0, 0), (100, 100)]), name: LocalizedName(en: "Repurchase rate", zh: "复购率")),
      ], name: "rfm-plus")
  }

  static func values(_ recency: Int, _ frequency: Int, _ monetary: Int, _ growth: Int?, _ repurchase: Int?) -> IndicatorValues {
    var values = IndicatorValues([.recencyDays: .of(recency), .frequency: .of(frequency), .monetary: .of(monetary)])
    values[.industryGrowth] = growth.map { .of($0) }
    values[.repurchaseRate] = repurchase.map { .of($0) }
    return values
  }

  /// The texts of the tests are good ones.
  static func tierID(_ text: String) -> TierID {
    guard let id = TierID(text) else {
      Issue.record("`\(text)` is no tier id")
      return tierID("unknown")
    }
    return id
  }

  static func ladder() throws(ConfigurationFaults) -> TierLadder {
    try TierLadder([
      Tier(id: tierID("vip"), name: LocalizedName(en: "VIP", zh: "VIP 客户"), reviewMonths: 3),
      Tier(id: tierID("key"), name: LocalizedName(en: "Key", zh: "重点客户"), reviewMonths: 6),
      Tier(id: tierID("normal"), name: LocalizedName(en: "Normal", zh: "普通客户"), reviewMonths: 6),
      Tier(id: tierID("watch"), name: LocalizedName(en: "Watch", zh: "观察客户"), reviewMonths: 6),
    ])
  }

  static func scorePolicy() throws(ConfigurationFaults) -> ScorePolicy {
    try ScorePolicy(reference: PolicyReference(name: "score", version: 1), ladder: try ladder(), thresholds: [.of(90), .of(70), .of(50)])
  }

  static func spendPolicy() throws(ConfigurationFaults) -> SpendPolicy {
    try SpendPolicy(
      reference: PolicyReference(name: "spend", version: 1), ladder: try ladder(), thresholds: [.of(500_000), .of(200_000), .of(50_000)],
      quietMonthsMax: 3)
  }

  static func quotaPolicy(_ percents: [Rational] = [.of(10), .of(20), .of(50), .of(20)]) throws(ConfigurationFaults) -> QuotaPolicy {
    try QuotaPolicy(reference: PolicyReference(name: "quota", version: 1), ladder: try ladder(), percents: percents)
  }

  static func day(_ text: String) -> Day { Day(text) ?? Day(number: 0) }
}
