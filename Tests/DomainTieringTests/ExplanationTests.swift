// Explanations: the ways between tiers found by trying every step, and the sentences in both languages.

import Domain
import Testing

struct ExplanationTests {
  private let zone = BusinessZone(name: "Asia/Shanghai", firstOffsetSeconds: 28_800, periods: [])

  private func explain(
    _ values: IndicatorValues, policy: TierPolicy? = nil, current: String? = nil, last: String? = "2026-06-30"
  ) throws -> Explanation {
    let card = try Cards.rfmPlus()
    let inputs = RatingInputs(values: values, lastInteraction: last.map(Cards.day), factsAsOf: Instant(seconds: 1_782_878_400))
    return Explanation(
      of: try card.score(values), inputs: inputs, scorecard: card, policy: try policy ?? .score(try Cards.scorePolicy()),
      current: current.map(Cards.tierID), day: Cards.day("2026-07-01"), currency: .cny)
  }

  // MARK: The search

  private func card(_ random: inout SeededRandom) throws -> Scorecard {
    func curve(_ reach: Int) -> Curve {
      let steps = Set((0..<5).map { _ in Int.random(in: 0...reach, using: &random) }).sorted()
      let points = steps.map { _ in Int.random(in: -20...120, using: &random) }
      // Rising, falling and both: the search must not take curves for monotone.
      if steps.count > 1, Bool.random(using: &random) { return Cards.line(Array(zip(steps, points))) }
      return .bands(
        zip(steps, points).enumerated().map { CurveBand(from: $0.offset == 0 ? nil : .of($0.element.0, 2), points: .of($0.element.1)) })
    }
    return try Cards.card([
      Cards.indicator(.frequency, .of(45), curve(40), mayTurn: true), Cards.indicator(.monetary, .of(35), curve(60), mayTurn: true),
      Cards.indicator(.repurchaseRate, .of(20), Cards.line([(0, 0), (100, 100)])),
    ])
  }

  @Test func theLeastRaiseIsTheOneFoundByTryingEveryStep() throws {
    var random = SeededRandom(state: 5)
    var found = 0
    for _ in 0..<300 {
      let card = try card(&random)
      var values = IndicatorValues([.repurchaseRate: .of(Int.random(in: 0...100, using: &random))])
      values[.frequency] = Int.random(in: 0...5, using: &random) == 0 ? nil : .of(Int.random(in: 0...45, using: &random))
      values[.monetary] = .of(Int.random(in: 0...260, using: &random), 4)
      for (key, step) in [(IndicatorKey.frequency, Rational.one), (.monetary, .of(1, 4))] {
        let target = Rational.of(Int.random(in: 0...200, using: &random), 2)
        var expected: Rational?
        for count in 0...400 {
          let raw = try Rational(count) * step
          if let present = values[key], raw <= present { continue }
          var tried = values
          tried[key] = raw
          if try card.score(tried).exact >= target {
            expected = raw
            break
          }
        }
        if expected != nil { found += 1 }
        #expect(try card.leastRaise(of: key, step: step, toReach: target, from: values) == expected)
      }
    }
    #expect(found > 100)
  }

  @Test func theFloorIsTheLowestFigureFromWhichTheScoreNeverFallsBelow() throws {
    var random = SeededRandom(state: 6)
    var found = 0
    for _ in 0..<300 {
      let card = try card(&random)
      let values = IndicatorValues([
        .repurchaseRate: .of(Int.random(in: 0...100, using: &random)), .frequency: .of(Int.random(in: 0...45, using: &random)),
        .monetary: .of(Int.random(in: 0...130, using: &random), 2),
      ])
      let target = Rational.of(Int.random(in: 0...160, using: &random), 2)
      for (key, step) in [(IndicatorKey.frequency, Rational.one), (.monetary, .of(1, 2))] {
        let present = try #require(values[key])
        var expected: Rational?
        var raw = present
        while raw >= .zero {
          var tried = values
          tried[key] = raw
          guard try card.score(tried).exact >= target else { break }
          expected = raw
          raw = try raw - step
        }
        if expected != nil { found += 1 }
        #expect(try card.floor(of: key, step: step, keeping: target, from: values) == expected)
      }
    }
    #expect(found > 100)
  }

  @Test func aFigureTheScorecardDoesNotWeighIsNoWay() throws {
    let card = try Cards.card([Cards.indicator(.recencyDays, .oneHundred, Cards.line([(0, 100), (300, 0)]))])
    let values = IndicatorValues([.recencyDays: .of(100), .frequency: .of(3)])
    #expect(try card.leastRaise(of: .frequency, step: .one, toReach: .of(90), from: values) == nil)
  }

  // MARK: Outlook

  @Test func aWayReachesTheNextTierAndOneStepLessDoesNot() throws {
    let values = Cards.values(60, 6, 300_000, 8, 60)
    let outlook = try #require(try explain(values).outlook)
    #expect(outlook.next?.id.text == "vip")
    #expect(outlook.ways.isEmpty)
    let watch = Cards.values(120, 2, 80_000, -10, 30)
    let ways = try #require(try explain(watch).outlook).ways
    #expect(ways.map(\.key) == [.frequency, .monetary])
    for way in ways {
      let step = way.key == .frequency ? Rational.one : .of(1, 100)
      var values = watch
      values[way.key] = way.needed
      #expect(try Cards.scorePolicy().assign(try Cards.rfmPlus().score(values)).id.text == "normal")
      values[way.key] = try way.needed - step
      #expect(try Cards.scorePolicy().assign(try Cards.rfmPlus().score(values)).id.text == "watch")
    }
  }

  @Test func ordersAndSpendTogetherAreTheSmallestChangeThatReachesTheTier() throws {
    var random = SeededRandom(state: 21)
    let (card, policy) = (try Cards.rfmPlus(), try Cards.scorePolicy())
    var found = 0
    for _ in 0..<150 {
      let orders = Int.random(in: 1...14, using: &random)
      let values = Cards.values(
        Int.random(in: 0...200, using: &random), orders, Int.random(in: 1_000...400_000, using: &random), Int.random(in: -10...15, using: &random),
        Int.random(in: 0...100, using: &random))
      let outlook = try #require(try explain(values).outlook)
      guard let both = outlook.combination, let next = outlook.next else { continue }
      found += 1
      func tier(_ orders: Rational, _ spend: Rational) throws -> String {
        var then = values
        then[.frequency] = try (values[.frequency] ?? .zero) + orders
        then[.monetary] = try (values[.monetary] ?? .zero) + spend
        return policy.assign(try card.score(then)).id.text
      }
      #expect(try tier(both.orders, both.spend) == next.id.text)
      #expect(try tier(both.orders, both.spend - .of(1, 100)) != next.id.text, "a cent less is not enough")
      #expect(try tier(both.orders, .zero) != next.id.text, "orders alone are a way of their own")
      let usual = try (values[.monetary] ?? .zero) / .of(orders)
      guard try usual * both.orders >= both.spend else { continue }
      // With fewer orders of the usual size it is not reached.
      for fewer in 1..<max(1, Int(both.orders.numerator)) { #expect(try tier(.of(fewer), usual * .of(fewer)) != next.id.text) }
    }
    #expect(found > 50)
    #expect(try explain(Cards.values(60, 6, 300_000, 8, 60)).outlook?.combination == nil, "VIP is out of reach by both together")
    let held = try #require(try explain(Cards.values(120, 2, 80_000, -10, 30), current: "normal").outlook)
    #expect(held.keepingCombination != nil && held.keepingCombination == held.combination)
  }

  @Test func aTierHeldAboveTheFiguresSaysWhatWouldKeepIt() throws {
    let outlook = try #require(try explain(Cards.values(120, 2, 80_000, -10, 30), current: "normal").outlook)
    guard case .losing(let ways) = outlook.keeping else {
      Issue.record("\(outlook.keeping)")
      return
    }
    #expect(ways == outlook.ways)
    #expect(outlook.scored.id.text == "watch")
  }

  @Test func aQuotaThatIsNotFrozenHasNoOutlook() throws {
    #expect(try explain(Cards.values(60, 6, 300_000, 8, 60), policy: .quota(try Cards.quotaPolicy())).outlook == nil)
  }

  @Test func underTheSpendPolicyTheWayIsTheMissingSpend() throws {
    let policy = TierPolicy.spend(try Cards.spendPolicy())
    let outlook = try #require(try explain(Cards.values(60, 6, 198_800, 8, 60), policy: policy).outlook)
    #expect(outlook.ways == [TierWay(key: .monetary, present: .of(198_800), needed: .of(200_000), change: .of(1_200), scoreThen: nil)])
    let quiet = try #require(try explain(Cards.values(60, 6, 198_800, 8, 60), policy: policy, last: "2026-01-01").outlook)
    #expect(quiet.isQuiet && quiet.ways.isEmpty)
  }

  // MARK: Sentences

  @Test func theEnglishExplanationStatesEveryFigure() throws {
    let expected = """
      Watch: score 44 by scorecard rfm-plus v1, policy score v1
      Facts as of 2026-07-01 12:00:00 (Asia/Shanghai)
      Recency: 120 days -> 60 points x 23.5294 % (instead of 20 %) = 14.1176
      Frequency: 2 orders -> 40 points x 17.6471 % (instead of 15 %) = 7.0588
      Spend: 80,000 yuan -> 54 points x 41.1765 % (instead of 35 %) = 22.2353
      Industry growth: no data, left out; its weight of 15 % is shared among the others
      Repurchase rate: 0.5 % -> 0.5 points x 17.6471 % (instead of 15 %) = 0.0882
      Total: 43.5, rounded half up to 44
      4 more orders or 109,285.72 yuan more in 12 months reach Normal
      Together: 2 more orders with 53,035.72 yuan more in 12 months reach Normal
      """
    var values = Cards.values(120, 2, 80_000, nil, nil)
    values[.repurchaseRate] = .of(1, 2)
    #expect(try explain(values).text(in: .english, zone: zone) == expected)
  }

  @Test func theChineseExplanationStatesEveryFigure() throws {
    let expected = """
      重点客户：评分卡 rfm-plus v1 得分 75，策略 score v1
      数据截至 2026-07-01 12:00:00（Asia/Shanghai）
      最近购买：60 天 → 80 分 × 20% = 16
      购买频次：6 单 → 75 分 × 15% = 11.25
      年消费：300,000 元 → 80 分 × 35% = 28
      行业增长：8% → 70 分 × 15% = 10.5
      复购率：60% → 60 分 × 15% = 9
      合计：74.75，四舍五入为 75
      保持重点客户，余量 5.25 分
      其他不变时，单项保持重点客户的底线：12 个月内不少于 2 单，或不少于 162,500 元
      仅靠增加订单或消费不足以升至VIP 客户
      """
    #expect(try explain(Cards.values(60, 6, 300_000, 8, 60)).text(in: .chinese, zone: zone) == expected)
  }

  @Test func theSentenceForATierAboutToBeLostNamesWhatKeepsIt() throws {
    let policy = TierPolicy.spend(try Cards.spendPolicy())
    let text = try explain(Cards.values(60, 6, 198_800, 8, 60), policy: policy, current: "key").text(in: .english, zone: zone)
    #expect(text.contains("The figures now give Normal instead of Key"))
    #expect(text.contains("1,200 yuan more in 12 months keeps Key"))
  }
}
