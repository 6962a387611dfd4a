// Scorecards: the known cases, what a scorecard may not be, missing values, and Python's fractions as the other calculator.

import Domain
import Testing

struct ScorecardTests {
  @Test(arguments: [
    (30, 12, 800_000, 15, 85, "92.375", 92, "vip"), (60, 6, 300_000, 8, 60, "74.75", 75, "key"),
    (120, 2, 80_000, -10, 30, "45.15", 45, "watch"),
  ])
  func theThreeKnownCustomersScoreExactly(
    recency: Int, frequency: Int, monetary: Int, growth: Int, repurchase: Int, exact: String, rounded: Int, tier: String
  ) throws {
    let score = try Cards.rfmPlus().score(Cards.values(recency, frequency, monetary, growth, repurchase))
    #expect(score.rounded == rounded)
    #expect(score.exact.exactDecimalText == exact)
    #expect(try Cards.scorePolicy().assign(score).id.text == tier)
  }

  @Test func contributionsSumToTheScoreAndEffectiveWeightsToAHundred() throws {
    let card = try Cards.rfmPlus()
    for growth in [15, nil] {
      let score = try card.score(Cards.values(31, 7, 123_456, growth, 33))
      #expect(try score.indicators.reduce(Rational.zero) { try $0 + $1.contribution } == score.exact)
      #expect(try score.indicators.reduce(Rational.zero) { try $0 + $1.effectiveWeight } == .oneHundred)
    }
  }

  @Test func anIndicatorWithoutAValueIsLeftOutAndTheOthersAreRescaled() throws {
    let score = try Cards.rfmPlus().score(Cards.values(30, 12, 800_000, nil, nil))
    // (20 x 90 + 15 x 90 + 35 x 100) / 70
    #expect(score.exact == .of(6_650, 70))
    #expect(score.indicators[3].note == .leftOut)
    #expect(score.indicators[3].points == nil)
    #expect(score.indicators[3].contribution == .zero)
    #expect(score.indicators[0].effectiveWeight == .of(2_000, 70))
  }

  @Test func aStatedDefaultStandsInAsPointsOrThroughTheCurve() throws {
    let card = try Cards.card([
      Cards.indicator(.frequency, .of(50), Cards.line([(0, 0), (10, 100)]), missing: .standInPoints(.of(40))),
      Cards.indicator(.newNeeds, .of(50), Cards.line([(0, 0), (10, 100)]), missing: .standInValue(.of(7))),
    ])
    let score = try card.score(IndicatorValues())
    #expect(score.exact == .of(55))
    #expect(score.indicators.map(\.note) == [.stoodInPoints, .stoodInValue(.of(7))])
    #expect(score.indicators.allSatisfy { $0.raw == nil })
  }

  @Test func withoutAnyValueThereIsNoScoreRatherThanZero() throws {
    #expect(throws: ScoringFault.noIndicatorHasValue) { try Cards.rfmPlus().score(IndicatorValues()) }
  }

  @Test func aValueBeyondExactArithmeticIsRefusedAndNotApproximated() throws {
    let tiny = try #require(Rational(1, over: Int128.max))
    let other = try #require(Rational(1, over: Int128.max - 1))
    let values = IndicatorValues([.recencyDays: tiny, .frequency: other])
    #expect(throws: ScoringFault.outOfRange) { try Cards.rfmPlus().score(values) }
  }

  @Test func curvesAreLevelBeyondTheirEndsAndClamped() throws {
    let line = Cards.line([(0, -50), (10, 150)])
    #expect(try line.points(at: .of(-1_000_000)) == .zero)
    #expect(try line.points(at: .of(5)) == .of(50))
    #expect(try line.points(at: .of(9)) == .oneHundred)
    let bands = Curve.bands([
      CurveBand(from: nil, points: .of(10)), CurveBand(from: .of(3), points: .of(60)), CurveBand(from: .of(5), points: .of(120)),
    ])
    #expect(try [-9, 2, 3, 4, 5, 99].map { try bands.points(at: .of($0)) } == [.of(10), .of(10), .of(60), .of(60), .of(100), .of(100)])
    #expect(try bands.points(at: .of(29_999, 10_000)) == .of(10))
  }

  @Test func allFaultsOfAScorecardAreFoundAtOnceWithTheirPaths() {
    let empty = LocalizedName(en: "", zh: "名")
    let first = ScorecardDimension(
      name: Cards.name, weight: .of(60),
      indicators: [
        Cards.indicator(.frequency, .of(30), Cards.line([(0, 0)])),
        Cards.indicator(.frequency, .of(20), Cards.line([(5, 0), (5, 10)]), missing: .standInPoints(.of(101))),
      ])
    let second = ScorecardDimension(
      name: empty, weight: .of(50),
      indicators: [
        ScorecardIndicator(
          key: .monetary, name: Cards.name, weight: .of(50), unit: .percent,
          curve: .bands([CurveBand(from: .of(1), points: .of(5_000)), CurveBand(from: nil, points: .zero)]), missing: .leaveOut)
      ])
    let error = #expect(throws: ConfigurationFaults.self) {
      try Scorecard(name: "Bad Name", version: 0, author: "", state: .draft, dimensions: [first, second])
    }
    #expect(
      error?.faults.map(\.path) == [
        "scorecard", "version", "author", "dimensions", "dimensions[0].weight", "dimensions[0].indicators[0].curve.points",
        "dimensions[0].indicators[1].curve.points[1]", "dimensions[0].indicators[1].missing", "dimensions[0].indicators[1].key",
        "dimensions[1].name.en", "dimensions[1].indicators[0].unit", "dimensions[1].indicators[0].curve.bands[0]",
        "dimensions[1].indicators[0].curve.bands[0]", "dimensions[1].indicators[0].curve.bands[1]",
      ])
  }

  @Test func weightsMayBeFractionsButMustSumExactly() throws {
    let third = Rational.of(100, 3)
    let curve = Cards.line([(0, 0), (10, 100)])
    let three = [IndicatorKey.frequency, .newNeeds, .referrals]
    #expect(throws: Never.self) { try Cards.card(three.map { Cards.indicator($0, third, curve) }) }
    #expect(throws: ConfigurationFaults.self) { try Cards.card(three.map { Cards.indicator($0, .of(3_333, 100), curve) }) }
  }

  @Test func aRisingCurveNeverGivesFewerPointsForMore() throws {
    var random = SeededRandom(state: 7)
    for _ in 0..<200 {
      let raws = Set((0..<6).map { _ in Int.random(in: -50...50, using: &random) }).sorted()
      guard raws.count > 1 else { continue }
      let points = raws.map { _ in Int.random(in: -20...120, using: &random) }.sorted()
      let curve = Cards.line(Array(zip(raws, points)))
      var last = Rational.zero
      for sixth in -400...400 {
        let now = try curve.points(at: .of(sixth, 6))
        #expect(now >= last && now >= .zero && now <= .oneHundred)
        last = now
      }
    }
  }

  @Test func purchasesGiveTheirIndicatorsExactlyAndNothingForWhatIsUnknown() {
    let day = Cards.day("2026-07-01")
    let some = Purchases(
      day: day, recencyDays: 12, frequency: 3, monetary: 10_001, repeatOrders: 2, ordersLastQuarter: 1, ordersQuarterBefore: 3)
    let values = IndicatorValues(some, minorDigits: 2)
    #expect(values[.recencyDays] == .of(12))
    #expect(values[.monetary] == .of(10_001, 100))
    #expect(values[.averageOrderValue] == .of(10_001, 300))
    #expect(values[.repurchaseRate] == .of(200, 3))
    #expect(values[.orderGrowth] == .of(-200, 3))
    #expect(values[.referrals] == nil)
    let none = Purchases(
      day: day, recencyDays: nil, frequency: 0, monetary: -500, repeatOrders: 0, ordersLastQuarter: 4, ordersQuarterBefore: 0)
    #expect(IndicatorValues(none, minorDigits: 0) == IndicatorValues([.frequency: .zero, .monetary: .of(-500)]))
  }

  // MARK: Against Python

  private func randomCard(_ random: inout SeededRandom) throws -> Scorecard {
    let keys = Array(IndicatorKey.allCases.shuffled(using: &random).prefix(Int.random(in: 1...8, using: &random)))
    let parts = keys.map { _ in Int.random(in: 1...9, using: &random) }
    let sum = parts.reduce(0, +)
    return try Cards.card(
      zip(keys, parts).map { key, part in
        let steps = Set((0..<5).map { _ in Int.random(in: -300...900, using: &random) }).sorted()
        let isLine = Bool.random(using: &random) && steps.count > 1
        let curve: Curve =
          isLine
          ? .line(steps.map { CurvePoint(raw: .of($0, 3), points: .of(Int.random(in: -40...280, using: &random), 2)) })
          : .bands(
            steps.enumerated().map {
              CurveBand(from: $0.offset == 0 ? nil : .of($0.element, 4), points: .of(Int.random(in: -20...120, using: &random)))
            })
        let missing: MissingRule =
          switch Int.random(in: 0...2, using: &random) {
          case 0: .leaveOut
          case 1: .standInPoints(.of(Int.random(in: 0...100, using: &random)))
          default: .standInValue(.of(Int.random(in: -100...400, using: &random), 7))
          }
        return Cards.indicator(key, .of(100 * part, sum), curve, mayTurn: true, missing: missing)
      })
  }

  private func randomValues(_ card: Scorecard, _ random: inout SeededRandom) -> IndicatorValues {
    var values = IndicatorValues()
    for indicator in card.indicators where Int.random(in: 0...4, using: &random) > 0 {
      // Often exactly on a corner of the curve.
      let corner: [Rational] =
        switch indicator.curve {
        case .line(let points): points.map(\.raw)
        case .bands(let bands): bands.compactMap(\.from)
        }
      let isCorner = Int.random(in: 0...2, using: &random) == 0
      values[indicator.key] =
        isCorner
        ? corner.randomElement(using: &random) ?? .zero
        : .of(Int.random(in: -40_000...90_000, using: &random), Int.random(in: 1...997, using: &random))
    }
    return values
  }

  private func described(_ card: Scorecard, _ values: IndicatorValues) -> String {
    card.indicators.map { indicator in
      let curve: String =
        switch indicator.curve {
        case .line(let points): "L" + points.map { "\($0.raw)=\($0.points)" }.joined(separator: ",")
        case .bands(let bands): "B" + bands.map { "\($0.from?.description ?? "low")=\($0.points)" }.joined(separator: ",")
        }
      let missing: String =
        switch indicator.missing {
        case .leaveOut: "out"
        case .standInPoints(let points): "p\(points)"
        case .standInValue(let value): "v\(value)"
        }
      return "\(indicator.weight);\(curve);\(missing);\(values[indicator.key]?.description ?? "none")"
    }.joined(separator: " ")
  }

  @Test(.enabled(if: Python.isThere, "python3 is not installed"))
  func thousandsOfRandomScoresAgreeWithPythonAndWithTheCompiledForm() throws {
    var random = SeededRandom(state: 42)
    var input = ""
    for _ in 0..<400 {
      let card = try randomCard(&random)
      let compiled = try #require(CompiledScorecard(card))
      for _ in 0..<10 {
        let values = randomValues(card, &random)
        guard let score = try? card.score(values) else {
          #expect(throws: ScoringFault.noIndicatorHasValue) { try compiled.rounded(values) }
          input += "none none \(described(card, values))\n"
          continue
        }
        #expect(try compiled.exact(values) == score.exact)
        #expect(try compiled.rounded(values) == score.rounded)
        input += "\(score.exact) \(score.rounded) \(described(card, values))\n"
      }
    }
    let script = """
      import sys
      from fractions import Fraction as F
      from math import floor
      def points(curve, x):
          steps = [s.split('=') for s in curve[1:].split(',')]
          if curve[0] == 'B':
              p = F(steps[0][1])
              for f, v in steps[1:]:
                  if x >= F(f): p = F(v)
          else:
              xy = [(F(a), F(b)) for a, b in steps]
              if x <= xy[0][0]: p = xy[0][1]
              elif x >= xy[-1][0]: p = xy[-1][1]
              else:
                  for (x0, y0), (x1, y1) in zip(xy, xy[1:]):
                      if x0 <= x <= x1: p = y0 + (x - x0) * (y1 - y0) / (x1 - x0)
          return max(F(0), min(F(100), p))
      wrong = 0; count = 0
      for line in open(sys.argv[1]):
          exact, rounded, *parts = line.split()
          total = F(0); weights = F(0)
          for part in parts:
              weight, curve, missing, value = part.split(';')
              if value != 'none': p = points(curve, F(value))
              elif missing == 'out': continue
              elif missing[0] == 'p': p = F(missing[1:])
              else: p = points(curve, F(missing[1:]))
              total += F(weight) * p; weights += F(weight)
          count += 1
          want = None if weights == 0 else total / weights
          if want is None: ok = exact == 'none'
          else: ok = exact != 'none' and F(exact) == want and int(rounded) == floor(want + F(1, 2))
          if not ok: wrong += 1; print(want, line)
      print(wrong, count)
      """
    #expect(Python.run(script, input: input) == "0 4000\n")
  }
}
