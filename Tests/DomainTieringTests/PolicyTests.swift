// Tiers from scores, shares and spend: borders, ties, and what a policy may not be.

import Domain
import Testing

struct PolicyTests {
  @Test(arguments: [
    ("100", "vip"), ("90", "vip"), ("89.5", "vip"), ("89.4999", "key"), ("70", "key"), ("69.5", "key"), ("69.49", "normal"),
    ("50", "normal"),
    ("49.5", "normal"), ("49.4", "watch"), ("0", "watch"),
  ])
  func aScoreReachesATierByItsRoundedValue(score: String, tier: String) throws {
    let exact = try #require(Rational(decimal: score))
    #expect(try Cards.scorePolicy().assign(exact: exact).id.text == tier)
  }

  @Test func theLeastExactScoreOfATierIsHalfAPointBelowItsThreshold() throws {
    let policy = try Cards.scorePolicy()
    for rank in 0..<3 {
      let least = try #require(try policy.leastExactScore(forRank: rank))
      #expect(policy.ladder.rank(of: policy.assign(exact: least).id) == rank)
      #expect(policy.ladder.rank(of: policy.assign(exact: try least - .of(1, 1_000_000)).id) == rank + 1)
    }
    #expect(try policy.leastExactScore(forRank: 3) == .zero)
  }

  @Test(arguments: [
    ("500000", "vip"), ("499999.99", "key"), ("200000", "key"), ("199999.99", "normal"), ("50000", "normal"), ("49999.99", "watch"),
    ("-10", "watch"),
  ])
  func aYearsSpendReachesATierAtItsThreshold(spend: String, tier: String) throws {
    let amount = try #require(Rational(decimal: spend))
    let assigned = try Cards.spendPolicy().assign(spend: amount, lastInteraction: Cards.day("2026-06-30"), on: Cards.day("2026-07-01"))
    #expect(assigned.id.text == tier)
  }

  @Test(arguments: [
    ("2026-04-02", "2026-07-01", false), ("2026-04-01", "2026-07-01", true), ("2026-02-28", "2026-05-31", true),
    ("2026-03-01", "2026-05-31", false),
    ("2025-11-30", "2026-02-28", false), ("2025-11-28", "2026-02-28", true),
  ])
  func threeMonthsWithoutInteractionGiveTheLowestTierWhateverWasSpent(last: String, day: String, isQuiet: Bool) throws {
    let tier = try Cards.spendPolicy().assign(spend: .of(900_000), lastInteraction: Cards.day(last), on: Cards.day(day))
    #expect(tier.id.text == (isQuiet ? "watch" : "vip"))
  }

  @Test func aCustomerWhoNeverInteractedIsInTheLowestTier() throws {
    let tiers = try Cards.spendPolicy().assignAll(
      [(.of(900_000), nil), (.of(900_000), Cards.day("2026-07-01"))], on: Cards.day("2026-07-01"))
    #expect(tiers.map(\.id.text) == ["watch", "vip"])
  }

  @Test func sharesAreCutFromTheBestDown() throws {
    let scores = (1...100).map { Rational?.some(.of($0)) }
    let tiers = try Cards.quotaPolicy().assignAll(scores).map(\.id.text)
    #expect(
      tiers == Array(repeating: "watch", count: 20) + Array(repeating: "normal", count: 50) + Array(repeating: "key", count: 20)
        + Array(repeating: "vip", count: 10))
  }

  @Test func customersTiedAtABorderGoToTheHigherTierTogether() throws {
    // Ten customers; the one VIP place falls into four equals, who all get it. Key's border (three) is then behind them.
    let scores = [80, 80, 80, 80, 60, 60, 40, 30, 20, 10].map { Rational?.some(.of($0)) }
    #expect(
      try Cards.quotaPolicy().assignAll(scores).map(\.id.text) == [
        "vip", "vip", "vip", "vip", "normal", "normal", "normal", "normal", "watch", "watch",
      ])
  }

  @Test func aBorderInsideOneCustomerGivesTheHigherTier() throws {
    // A tenth of seven is less than one customer, and three tenths are 2.1.
    let scores = [7, 6, 5, 4, 3, 2, 1].map { Rational?.some(.of($0)) }
    #expect(try Cards.quotaPolicy().assignAll(scores).map(\.id.text) == ["vip", "key", "key", "normal", "normal", "normal", "watch"])
  }

  @Test func aCustomerWithoutAScoreIsLowestAndTakesNoShare() throws {
    let scores: [Rational?] = [nil, .of(5), nil, .of(9), nil]
    #expect(try Cards.quotaPolicy().assignAll(scores).map(\.id.text) == ["watch", "normal", "watch", "vip", "watch"])
    let alone = try Cards.quotaPolicy().assignAll([nil, nil])
    #expect(alone.map(\.id.text) == ["watch", "watch"])
    #expect(try Cards.quotaPolicy().assignAll([]).isEmpty)
  }

  @Test func quotasAgreeWithCountingThoseStrictlyAbove() throws {
    var random = SeededRandom(state: 11)
    for round in 0..<300 {
      let percents = [[10, 20, 50, 20], [0, 50, 0, 50], [1, 1, 1, 97], [100, 0, 0, 0]][round % 4].map { Rational.of($0) }
      let policy = try Cards.quotaPolicy(percents)
      let scores = (0..<Int.random(in: 1...40, using: &random)).map { _ -> Rational? in
        Int.random(in: 0...6, using: &random) == 0 ? nil : .of(Int.random(in: 0...25, using: &random), 2)
      }
      let ranked = scores.compactMap { $0 }
      let expected = try scores.map { score -> String in
        guard let score else { return "watch" }
        let above = ranked.count { $0 > score }
        var border = Rational.zero
        for (tier, percent) in zip(policy.ladder.tiers, percents) {
          border = try border + percent
          if Rational.of(above * 100, ranked.count) < border { return tier.id.text }
        }
        return "watch"
      }
      #expect(policy.assignAll(scores).map(\.id.text) == expected, "round \(round)")
    }
  }

  @Test func frozenBordersGiveOneCustomerTheTierTheWholePopulationGives() throws {
    var random = SeededRandom(state: 12)
    let scores = (0..<500).map { _ in Rational?.some(random.fraction(bits: 20)) }
    let policy = try Cards.quotaPolicy()
    let frozen = policy.frozen(over: scores)
    #expect(policy.assignAll(scores) == scores.map { frozen.assign(exact: $0 ?? .zero) })
    #expect(frozen.basis == .exact)
  }

  @Test func aPolicyThatDoesNotFitItsTiersIsRefusedWithAllFaults() throws {
    let ladder = try Cards.ladder()
    let reference = PolicyReference(name: "score", version: 1)
    let score = #expect(throws: ConfigurationFaults.self) {
      try ScorePolicy(reference: reference, ladder: ladder, thresholds: [.of(70), .of(90), .of(101), .of(-1)])
    }
    #expect(
      score?.faults.map(\.path) == ["score.at_least", "score.at_least[1]", "score.at_least[2]", "score.at_least[2]", "score.at_least[3]"])
    let quota = #expect(throws: ConfigurationFaults.self) { try Cards.quotaPolicy([.of(10), .of(20), .of(50), .of(19)]) }
    #expect(quota?.faults.first?.problem == "the shares must sum to 100 %, they sum to 99")
    #expect(throws: ConfigurationFaults.self) {
      try SpendPolicy(reference: reference, ladder: ladder, thresholds: [.of(3), .of(2), .of(1)], quietMonthsMax: 0)
    }
    #expect(throws: ConfigurationFaults.self) { try TierLadder([ladder.lowest, ladder.lowest]) }
    #expect(throws: ConfigurationFaults.self) {
      try TierConfiguration(version: 1, author: "tests", ladder: ladder, score: nil, quota: nil, spend: nil, inForce: .score)
    }
  }

  @Test(arguments: ["", "VIP", "-vip", "vip-", "v p", "重点", String(repeating: "a", count: 33)])
  func aTierIdIsSmallLettersDigitsAndHyphens(text: String) {
    #expect(TierID(text) == nil)
  }

  @Test func bordersFromCountsAreThoseOfAFullSort() throws {
    var random = SeededRandom(state: 3)
    for _ in 0..<300 {
      var percents: [Rational] = []
      var left = 100
      for _ in 0..<3 {
        let part = Int.random(in: 0...left, using: &random)
        percents.append(.of(part))
        left -= part
      }
      let quota = try Cards.quotaPolicy(percents + [.of(left)])
      // Few different scores, so that equals stand on borders.
      let kinds = Int.random(in: 1...40, using: &random)
      let scores = (0..<Int.random(in: 0...120, using: &random)).map { _ -> Rational? in
        Int.random(in: 0...9, using: &random) == 0 ? nil : .of(Int.random(in: 0...(kinds * 3), using: &random), 4)
      }
      var counts: [Int: Int] = [:]
      for score in scores.compactMap({ $0 }) { counts[Int(score.roundedHalfUp), default: 0] += 1 }
      let open = quota.openScores(counts)
      #expect(open.count <= 3)
      var exact: [Int: [Rational: Int]] = [:]
      for score in scores.compactMap({ $0 }) where open.contains(Int(score.roundedHalfUp)) {
        exact[Int(score.roundedHalfUp), default: [:]][score, default: 0] += 1
      }
      #expect(quota.frozen(counts: counts, exact: exact).thresholds == quota.frozen(over: scores).thresholds, "\(scores)")
    }
  }
}
