// A rating and its explanation as JSON, figures and sentences, English and Chinese (T-05).
import Domain
import Runtime
import Text
import TieringCore
import TieringStore

enum RatingView {
  /// Decimals shown; the exact values stand beside them as fractions where they matter.
  static let fractionDigitsMax = 4

  static func number(_ value: Rational?) -> JSONValue {
    value.map { .number($0.decimalText(fractionDigitsMax: fractionDigitsMax)) } ?? .null
  }
  static func instant(_ instant: Instant) -> JSONValue { .text(RFC3339.text(instant.microseconds)) }
  static func integer(_ value: Int?) -> JSONValue { value.map { .integer(Int64($0)) } ?? .null }

  static func rating(_ standing: Standing) -> [JSONMember] {
    let rating = standing.rating
    return [
      JSONMember("version", .integer(rating.version)), JSONMember("tier", .text(rating.tier.text)),
      JSONMember("decided_tier", .text(rating.decided.text)), JSONMember("proposed_tier", .textOrNull(standing.proposed?.text)),
      JSONMember("confirmed_by", ReviewView.confirmedBy(rating)), JSONMember("score", integer(rating.score)),
      JSONMember("score_exact", .textOrNull(rating.exactScore?.description)), JSONMember("scorecard", .text(rating.scorecard.name)),
      JSONMember("scorecard_version", .integer(Int64(rating.scorecard.version))), JSONMember("policy", .text(rating.policy.name)),
      JSONMember("policy_version", .integer(Int64(rating.policy.version))), JSONMember("tier_since", instant(rating.tierSince)),
      JSONMember("rated_at", instant(rating.ratedAt)), JSONMember("rated_day", .text(standing.ratedDay.description)),
      JSONMember("next_review", .text(rating.nextReview.description)), JSONMember("recency_days", integer(standing.recencyDays)),
      JSONMember("frequency", .integer(standing.frequency)), JSONMember("monetary", .integer(standing.monetary)),
    ]
  }

  static func explanation(_ explanation: Explanation, policy: TierPolicy, borders: QuotaBorders?, zone: BusinessZone) -> JSONValue {
    func text(_ language: Domain.Language) -> JSONValue {
      let words = explanation.text(in: language, zone: zone)
      return .text(borders.map { words + "\n" + bordersText($0, language, zone) } ?? words)
    }
    return [
      "scorecard": .text(explanation.scorecard.description), "policy": .text(explanation.policy.description),
      "tier": ["id": .text(explanation.tier.id.text), "name": .name(explanation.tier.name)], "score": integer(explanation.rounded),
      "score_exact": .text(explanation.exact.description), "facts_as_of": instant(explanation.factsAsOf),
      "currency": .text(explanation.currency.description), "indicators": .array(explanation.lines.map(line)),
      "thresholds": .array(thresholds(policy)),
      "outlook": explanation.outlook.map(outlook) ?? .null, "quota_borders": borders.map(self.borders) ?? .null,
      "text": ["en": text(.english), "zh": text(.chinese)],
    ]
  }

  /// Where a quota cut the population when the rating was made (T-04).
  static func borders(_ borders: QuotaBorders) -> JSONValue {
    [
      "number": .integer(borders.number), "policy": .text(borders.policy.description), "scorecard": .text(borders.scorecard.description),
      "at": instant(borders.at), "customers": .integer(borders.customers),
      "thresholds": .array(borders.thresholds.map(number)), "thresholds_exact": .array(borders.thresholds.map { .textOrNull($0?.description) }),
    ]
  }

  private static func bordersText(_ borders: QuotaBorders, _ language: Domain.Language, _ zone: BusinessZone) -> String {
    let day = zone.day(of: borders.at)
    switch language {
    case .english: return "By the quota's borders no. \(borders.number), drawn on \(day) from the scores of \(borders.customers) customers"
    case .chinese: return "依据第 \(borders.number) 次比例划线：\(day)，共 \(borders.customers) 名有得分的客户"
    }
  }

  /// What each tier but the lowest takes: points, or units of the base currency, as the policy counts.
  private static func thresholds(_ policy: TierPolicy) -> [JSONValue] {
    let least: [Rational?]
    switch policy {
    case .score(let policy): least = policy.thresholds
    case .spend(let policy): least = policy.thresholds
    case .quota: least = []
    }
    return zip(policy.ladder.tiers, least).map { tier, least in ["tier": .text(tier.id.text), "at_least": number(least)] }
  }

  private static func line(_ line: ExplanationLine) -> JSONValue {
    let score = line.score
    let note: JSONValue
    switch score.note {
    case .measured: note = "measured"
    case .leftOut: note = "left_out"
    case .stoodInPoints: note = "default_points"
    case .stoodInValue: note = "default_value"
    }
    return [
      "indicator": .text(score.key.name), "name": .name(line.name), "dimension": .name(line.dimension), "unit": .text(line.unit.rawValue),
      "raw": number(score.raw), "points": number(score.points), "weight": number(score.weight),
      "effective_weight": number(score.effectiveWeight),
      "contribution": number(score.contribution), "note": note,
    ]
  }

  private static func outlook(_ outlook: TierOutlook) -> JSONValue {
    [
      "scored_tier": .text(outlook.scored.id.text), "next_tier": .textOrNull(outlook.next?.id.text), "quiet": .boolean(outlook.isQuiet),
      "ways_up": .array(outlook.ways.map(way)), "combined_up": outlook.combination.map(combination) ?? .null, "keeping": keeping(outlook.keeping),
      "combined_to_keep": outlook.keepingCombination.map(combination) ?? .null,
    ]
  }

  private static func combination(_ both: TierCombination) -> JSONValue {
    ["orders": number(both.orders), "spend": number(both.spend), "score_then": number(both.scoreThen)]
  }

  private static func way(_ way: TierWay) -> JSONValue {
    [
      "indicator": .text(way.key.name), "present": number(way.present), "needed": number(way.needed), "change": number(way.change),
      "score_then": number(way.scoreThen),
    ]
  }

  private static func keeping(_ keeping: TierKeeping) -> JSONValue {
    switch keeping {
    case .lowest: return ["state": "lowest"]
    case .losing(let ways): return ["state": "losing", "ways": .array(ways.map(way))]
    case .held(let margin, let floors):
      let floors = floors.map { floor -> JSONValue in
        ["indicator": .text(floor.key.name), "present": number(floor.present), "least": number(floor.least)]
      }
      return ["state": "held", "margin": number(margin), "floors": .array(floors)]
    }
  }
}
