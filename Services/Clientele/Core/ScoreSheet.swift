// A score for figures given by hand: what `clientele scorecard score` works out, without a suite.
public import CommandLine
public import Domain
public import Text

/// Values of indicators as somebody wrote them down.
public enum GivenValues {
  /// The largest file of values, in bytes.
  public static let bytesMax = 1 << 20

  /// Reads a JSON object of indicators: numbers or texts as `12`, `12.5`, `100/3`; null, like a missing key, is no value (T-05).
  public static func read(_ bytes: [UInt8], source: String) throws -> IndicatorValues {
    let json: JSONValue
    do { json = try JSONValue(bytes) } catch { throw SuiteFailure("\(source) is no JSON: \(error)") }
    guard let members = json.members else { throw SuiteFailure("\(source) must hold one JSON object, as {\"recency_days\": 30, \"frequency\": 12}") }
    var values = IndicatorValues()
    for member in members {
      guard let key = IndicatorKey(name: member.key) else {
        let known = IndicatorKey.allCases.map(\.name).joined(separator: ", ")
        throw SuiteFailure("\(source) has `\(member.key)`, which is no indicator; known are \(known)")
      }
      switch member.value {
      case .null: continue
      case .number(let text), .text(let text):
        guard let value = Rational(text: text) else {
          throw SuiteFailure("\(source): `\(member.key)` must be a number as 12, 12.5 or \"100/3\", and `\(text)` is not")
        }
        values[key] = value
      case .boolean, .array, .object: throw SuiteFailure("\(source): `\(member.key)` must be a number as 12, 12.5 or \"100/3\"")
      }
    }
    return values
  }
}

/// What a scorecard and a policy make of some values.
public struct ScoreSheet: Sendable {
  public let scorecard: Scorecard
  public let policy: TierPolicy
  public let tier: Tier
  /// nil when no indicator has a value.
  public let explanation: Explanation?

  /// `moment` is what the explanation calls the facts' time. Days without interaction count from `recency_days`; without it nobody is
  /// called quiet, since nothing was said about it.
  public init(_ values: IndicatorValues, scorecard: Scorecard, policy: TierPolicy, moment: Instant, zone: BusinessZone, currency: Currency) throws {
    let day = zone.day(of: moment)
    let recency = values[.recencyDays].map { Int(clamping: $0.floor) } ?? 0
    let inputs = RatingInputs(values: values, lastInteraction: day + -max(0, min(recency, 1_000_000)), factsAsOf: moment)
    self.scorecard = scorecard
    self.policy = policy
    let decision: RatingDecision
    do throws(RatingFault) {
      decision = try Rating.decide(current: nil, inputs: inputs, scorecard: scorecard, policy: policy, at: moment, day: day)
    } catch {
      switch error {
      case .quotaNeedsPopulation:
        throw SuiteFailure("a quota compares all customers and cannot rate one: `clientele report tiers --policy quota` divides them")
      case .outOfRange: throw SuiteFailure("these values are out of the range of exact arithmetic")
      }
    }
    tier = policy.ladder[decision.rating.tier] ?? policy.ladder.lowest
    explanation = decision.score.map {
      Explanation(of: $0, inputs: inputs, scorecard: scorecard, policy: policy, current: nil, day: day, currency: currency)
    }
  }

  /// Score, tier, and why, in the console's language.
  public func text(for console: Console, zone: BusinessZone) -> String {
    let language: Domain.Language = console.language == .zh ? .chinese : .english
    guard let explanation else {
      let name = tier.name.text(in: language)
      return console.language == .zh
        ? "无得分：评分卡 \(scorecard.reference) 的指标都没有数据；等级为\(name)" : "No score: no indicator of \(scorecard.reference) has a value; the tier is \(name)"
    }
    return explanation.text(in: language, zone: zone)
  }

  public func json(zone: BusinessZone) -> JSONValue {
    let digits = TierReport.fractionDigitsMax
    func number(_ value: Rational?) -> JSONValue { .decimal(value?.decimalText(fractionDigitsMax: digits)) }
    func name(_ name: LocalizedName) -> JSONValue { ["en": .text(name.en), "zh": .text(name.zh)] }
    let indicators = explanation?.lines.map { line -> JSONValue in
      let note: JSONValue =
        switch line.score.note {
        case .measured: "measured"
        case .leftOut: "left_out"
        case .stoodInPoints: "default_points"
        case .stoodInValue: "default_value"
        }
      return [
        "indicator": .text(line.score.key.name), "name": name(line.name), "raw": number(line.score.raw), "points": number(line.score.points),
        "weight": number(line.score.weight), "effective_weight": number(line.score.effectiveWeight), "contribution": number(line.score.contribution),
        "note": note,
      ]
    }
    return [
      "scorecard": .text(scorecard.reference.description), "policy": .text(policy.reference.description),
      "score": explanation.map { .integer(Int64($0.rounded)) } ?? .null, "score_exact": .textOrNull(explanation?.exact.description),
      "tier": .text(tier.id.text), "tier_name": name(tier.name), "indicators": .array(indicators ?? []),
      "explanation": explanation.map {
        ["en": .text($0.text(in: .english, zone: zone)), "zh": .text($0.text(in: .chinese, zone: zone))]
      } ?? .null,
    ]
  }
}
