// From the decided tier to the confirmed one: borders with a width, steps down, review policies, overrides (T-07, T-09).

import Domain
import Testing

struct ReviewTests {
  private static let b2c = ReviewRules(policy: policy("b2c", first: ["vip"], into: ["vip"], outOf: ["vip"]), expiryDays: 30, againPoints: 5)
  private static let b2b = ReviewRules(
    policy: policy("b2b", first: ["vip"], into: ["vip", "key", "normal", "watch"], outOf: ["vip", "key", "normal", "watch"]), expiryDays: 30,
    againPoints: 5)
  private static let steady = Steadiness(bandPoints: 2, stepwise: [Cards.tierID("vip")], noticeDays: 30)

  private static func policy(_ name: String, first: [String], into: [String], outOf: [String]) -> ReviewPolicy {
    func set(_ ids: [String]) -> Set<TierID> { Set(ids.map(Cards.tierID)) }
    return ReviewPolicy(name: name, first: set(first), into: set(into), outOf: set(outOf))
  }

  /// A customer whose score is said outright, day by day.
  private struct Life {
    var rating: Rating?
    var course = TierCourse()
    let rules: DecisionRules

    /// One indicator whose points are its value.
    private static func card() throws -> Scorecard {
      try Cards.card([Cards.indicator(.frequency, .oneHundred, Cards.line([(0, 0), (100, 100)]))])
    }

    mutating func rate(_ score: Int, on day: String, isFresh: Bool = false) throws -> (decided: String, confirmed: String, proposed: String?) {
      let day = Cards.day(day)
      let inputs = RatingInputs(values: IndicatorValues([.frequency: .of(score)]), lastInteraction: day, factsAsOf: RatingTests.noon)
      let decision = try Rating.decide(
        current: rating, course: course, inputs: inputs, scorecard: try Life.card(), policy: .score(try Cards.scorePolicy()), rules: rules,
        isFresh: isFresh, at: BusinessZone.utc.startOfDay(day), day: day)
      rating = decision.rating
      course = decision.course
      return (decision.rating.decided.text, decision.rating.tier.text, decision.course.review.proposal?.tier.text)
    }
  }

  private func life(_ review: ReviewRules = .none, _ steadiness: Steadiness = .none) -> Life {
    Life(rules: DecisionRules(steadiness: steadiness, review: review))
  }

  // MARK: - Review policies

  @Test(arguments: [(95, "vip", "key", "vip"), (75, "key", "key", nil), (10, "watch", "watch", nil)] as [(Int, String, String, String?)])
  func aFirstRatingGivesTheHighestTierThatWaitsForNobody(score: Int, decided: String, confirmed: String, proposed: String?) throws {
    for review in [Self.b2c, Self.b2b] {
      var life = life(review)
      #expect(try life.rate(score, on: "2026-07-01") == (decided, confirmed, proposed))
    }
  }

  @Test func byB2COnlyVIPWaitsInBothDirections() throws {
    var life = life(Self.b2c)
    _ = try life.rate(10, on: "2026-07-01")
    #expect(try life.rate(60, on: "2026-07-02") == ("normal", "normal", nil))
    // On the way to VIP what needs nobody is taken at once.
    #expect(try life.rate(95, on: "2026-07-03") == ("vip", "key", "vip"))
    #expect(try life.rate(40, on: "2026-07-04") == ("watch", "watch", nil))
    life.rating?.tier = Cards.tierID("vip")
    #expect(try life.rate(20, on: "2026-07-05") == ("watch", "vip", "watch"))
  }

  @Test func byB2BEveryChangeButTheFirstWaits() throws {
    var life = life(Self.b2b)
    _ = try life.rate(60, on: "2026-07-01")
    #expect(try life.rate(75, on: "2026-07-02") == ("key", "normal", "key"))
    #expect(try life.rate(10, on: "2026-07-03") == ("watch", "normal", "watch"))
    #expect(try life.rate(60, on: "2026-07-04") == ("normal", "normal", nil))
  }

  @Test func howOftenACustomerWasRatedOnADayMakesNoDifference() throws {
    for (between, last) in [([60, 95, 10], 95), ([95], 75), ([10, 20], 55), ([91, 89, 88], 89)] {
      for start in [20, 60, 75, 89, 95] {
        var often = life(Self.b2c, Self.steady)
        var once = often
        _ = try often.rate(start, on: "2026-07-01")
        _ = try once.rate(start, on: "2026-07-01")
        for score in between { _ = try often.rate(score, on: "2026-07-02") }
        let found = try often.rate(last, on: "2026-07-02")
        #expect(try found == once.rate(last, on: "2026-07-02"), "from \(start) over \(between) to \(last)")
      }
    }
  }

  // MARK: - Proposals

  @Test func aProposalKeepsItsAgeUntilItsTargetChanges() throws {
    var life = life(Self.b2b)
    _ = try life.rate(60, on: "2026-07-01")
    _ = try life.rate(75, on: "2026-07-02")
    _ = try life.rate(78, on: "2026-07-05")
    #expect(life.course.review.proposal?.openedAt == BusinessZone.utc.startOfDay(Cards.day("2026-07-02")))
    #expect(life.course.review.proposal?.expires == Cards.day("2026-08-01"))
    _ = try life.rate(30, on: "2026-07-06")
    #expect(life.course.review.proposal?.openedAt == BusinessZone.utc.startOfDay(Cards.day("2026-07-06")))
    _ = try life.rate(60, on: "2026-07-07")
    #expect(life.course.review.proposal == nil)
  }

  @Test func whatExpiredComesBackAtTheNextReviewOrWhenTheTargetChanges() throws {
    var life = life(Self.b2b)
    _ = try life.rate(60, on: "2026-07-01")
    _ = try life.rate(75, on: "2026-07-02")
    #expect(try life.rate(76, on: "2026-08-01").proposed == nil)
    #expect(try life.rate(99, on: "2026-08-02") == ("vip", "normal", "vip"))
    #expect(try life.rate(76, on: "2026-08-03").proposed == "key")
    #expect(try life.rate(76, on: "2026-09-02").proposed == nil)
    #expect(try life.rate(76, on: "2026-09-03", isFresh: true).proposed == "key")
  }

  @Test func whatWasRejectedComesBackWhenTheScoreHasMovedFarEnough() throws {
    var life = life(Self.b2b)
    _ = try life.rate(60, on: "2026-07-01")
    _ = try life.rate(75, on: "2026-07-02")
    life.course.review.proposal = nil
    life.course.review.closed = ClosedProposal(tier: Cards.tierID("key"), cause: .rejected(score: 75))
    #expect(try life.rate(79, on: "2026-07-03").proposed == nil)
    #expect(try life.rate(60, on: "2026-07-04").proposed == nil)
    var other = life
    #expect(try life.rate(80, on: "2026-07-05").proposed == "key")
    other.course.review.closed = ClosedProposal(tier: Cards.tierID("key"), cause: .rejected(score: 75))
    #expect(try other.rate(76, on: "2026-07-05", isFresh: true).proposed == "key")
  }

  @Test func forWhoRefusedAutomatedTieringEveryChangeWaits() throws {
    var life = life(Self.b2c)
    _ = try life.rate(60, on: "2026-07-01")
    life.course.review.isOptedOut = true
    #expect(try life.rate(10, on: "2026-07-02") == ("watch", "normal", "watch"))
    #expect(try life.rate(95, on: "2026-07-03") == ("vip", "normal", "vip"))
  }

  // MARK: - Overrides

  private func override(_ next: OverrideTerms.AtNextRating, until: String = "2026-08-31") -> TierOverride {
    TierOverride(
      terms: OverrideTerms(tier: Cards.tierID("key"), until: Cards.day(until), atNextRating: next, actor: "li", reason: "a flagship"),
      before: Cards.tierID("normal"), since: Cards.day("2026-07-02"), confirmedBy: "wang")
  }

  private func overridden(_ next: OverrideTerms.AtNextRating) throws -> Life {
    var life = life(Self.b2c)
    _ = try life.rate(60, on: "2026-07-01")
    life.course.review.override = override(next)
    return life
  }

  @Test func anOverrideThatHoldsStaysWhateverTheFiguresGiveAndEndsWithItsLastDay() throws {
    var life = try overridden(.hold)
    #expect(try life.rate(20, on: "2026-07-02") == ("watch", "key", nil))
    #expect(life.rating?.confirmedBy == .reviewer("wang"))
    #expect(try life.rate(99, on: "2026-08-31") == ("vip", "key", nil))
    #expect(try life.rate(20, on: "2026-09-01") == ("watch", "watch", nil))
    #expect(life.rating?.confirmedBy == .policy)
    #expect(life.course.review.override == nil)
  }

  @Test func afterAnOverrideTheCustomerIsWhereItWasBeforeAndTheFiguresDecideFromThere() throws {
    var life = life(Self.b2b)
    _ = try life.rate(60, on: "2026-07-01")
    life.course.review.override = override(.hold)
    _ = try life.rate(60, on: "2026-07-02")
    // From normal to watch somebody must agree; back to normal nobody need, for the end was agreed on.
    #expect(try life.rate(20, on: "2026-09-01") == ("watch", "normal", "watch"))
  }

  @Test func aFloorLetsTheFiguresGiveMoreAndADropEndsOnTheNextDay() throws {
    var floor = try overridden(.floor)
    #expect(try floor.rate(20, on: "2026-07-02") == ("watch", "key", nil))
    #expect(try floor.rate(95, on: "2026-07-03") == ("vip", "key", "vip"))
    var drop = try overridden(.drop)
    #expect(try drop.rate(20, on: "2026-07-02").confirmed == "key")
    #expect(try drop.rate(20, on: "2026-07-03").confirmed == "watch")
  }

  @Test func anOverrideThatIsAskedForIsNotDisplacedByRatings() throws {
    var life = life(Self.b2b)
    _ = try life.rate(60, on: "2026-07-01")
    let asked = OpenProposal(
      tier: Cards.tierID("vip"), openedAt: RatingTests.noon, expires: Cards.day("2026-07-31"), terms: override(.hold).terms)
    life.course.review.proposal = asked
    _ = try life.rate(10, on: "2026-07-02")
    #expect(life.course.review.proposal == asked)
    // Nobody confirmed it in time: then the figures have their say.
    #expect(try life.rate(10, on: "2026-07-31").proposed == "watch")
  }

  // MARK: - No flapping

  @Test(arguments: [
    (75, 71, "key"), (75, 69, "key"), (75, 68, "normal"), (60, 70, "normal"), (60, 71, "normal"), (60, 72, "key"), (95, 89, "vip"), (95, 88, "key"),
    (60, 49, "normal"), (75, 49, "normal"), (75, 48, "watch"), (20, 51, "watch"), (20, 91, "key"), (20, 92, "vip"),
  ])
  func aBorderIsPassedByTwoPoints(from: Int, to: Int, tier: String) throws {
    var life = life(.none, Steadiness(bandPoints: 2, stepwise: [], noticeDays: 0))
    _ = try life.rate(from, on: "2026-07-01")
    #expect(try life.rate(to, on: "2026-07-02").confirmed == tier)
    // At a review the border itself counts, and for the rest of that day too.
    let plain = try Cards.scorePolicy().assign(exact: .of(to)).id.text
    #expect(try life.rate(to, on: "2026-07-03", isFresh: true).confirmed == plain)
    #expect(try life.rate(to, on: "2026-07-03").confirmed == plain)
  }

  @Test func vipStepsDownOneTierAndStaysThereForAMonth() throws {
    var life = life(.none, Self.steady)
    _ = try life.rate(95, on: "2026-07-01")
    #expect(try life.rate(10, on: "2026-07-02").confirmed == "key")
    #expect(try life.rate(5, on: "2026-07-02").confirmed == "key")
    #expect(life.course.review.landing?.until == Cards.day("2026-08-01"))
    #expect(try life.rate(6, on: "2026-07-31").confirmed == "key")
    #expect(life.course.review.landing?.until == Cards.day("2026-08-01"))
    #expect(try life.rate(6, on: "2026-08-01").confirmed == "watch")
    #expect(life.course.review.landing == nil)
  }

  @Test func aFallThatWasMadeGoodOnTheSameDayLeavesNothingBehind() throws {
    var life = life(.none, Self.steady)
    _ = try life.rate(95, on: "2026-07-01")
    _ = try life.rate(10, on: "2026-07-02")
    #expect(try life.rate(95, on: "2026-07-02").confirmed == "vip")
    #expect(life.course.review.landing == nil)
  }

  @Test func decisionsAreToldInBothLanguages() throws {
    var life = life(Self.b2c)
    _ = try life.rate(95, on: "2026-07-01")
    life.course.review.isOptedOut = true
    let rating = try #require(life.rating)
    let ladder = try Cards.ladder()
    #expect(
      rating.decisionLines(life.course.review, ladder: ladder, zone: .utc, in: .english) == [
        "Confirmed tier: Key, since 2026-07-01, by the policy; the figures decide VIP",
        "VIP is proposed since 2026-07-01 and waits for a person to confirm it until 2026-07-31",
        "The customer refused automated tiering: a person decides every change",
      ])
    #expect(
      rating.decisionLines(life.course.review, ladder: ladder, zone: .utc, in: .chinese).first == "已确认等级：重点客户，自 2026-07-01 起，由策略自动确认；按数据判定为VIP 客户")
  }
}
