// Deciding a rating: versions, what counts as a change, review days.

import Domain
import Testing

struct RatingTests {
  static let noon = Instant(seconds: 1_782_878_400)

  private func inputs(_ values: IndicatorValues, last: String? = "2026-06-30") -> RatingInputs {
    RatingInputs(values: values, lastInteraction: last.map(Cards.day), factsAsOf: RatingTests.noon)
  }

  private func decide(_ current: Rating?, _ values: IndicatorValues, day: String = "2026-07-01", later seconds: Int64 = 0) throws
    -> RatingDecision
  {
    try Rating.decide(
      current: current, inputs: inputs(values), scorecard: try Cards.rfmPlus(), policy: .score(try Cards.scorePolicy()),
      at: RatingTests.noon.adding(seconds: seconds), day: Cards.day(day))
  }

  @Test func theFirstRatingHasVersionOneAndAReviewByItsTier() throws {
    let vip = try decide(nil, Cards.values(30, 12, 800_000, 15, 85))
    #expect(vip.change == .first)
    #expect(vip.rating.version == 1)
    #expect(vip.rating.tier.text == "vip")
    #expect(vip.rating.score == 92)
    #expect(vip.rating.nextReview == Cards.day("2026-10-01"))
    #expect(vip.rating.confirmedBy == .policy)
    #expect(try decide(nil, Cards.values(60, 6, 300_000, 8, 60)).rating.nextReview == Cards.day("2027-01-01"))
  }

  @Test func theSameFiguresAgainChangeNothing() throws {
    let first = try decide(nil, Cards.values(30, 12, 800_000, 15, 85)).rating
    let again = try decide(first, Cards.values(30, 12, 800_000, 15, 85), day: "2026-07-20", later: 1_000_000)
    #expect(again.change == .none)
    #expect(again.rating == first)
    #expect(again.score?.rounded == 92)
  }

  @Test func anotherScoreInTheSameTierIsANewVersionThatKeepsTheTiersStartAndTheReviewDay() throws {
    let first = try decide(nil, Cards.values(30, 12, 800_000, 15, 85)).rating
    let next = try decide(first, Cards.values(31, 12, 800_000, 15, 85), day: "2026-07-02", later: 86_400)
    #expect(next.change == .refreshed)
    #expect(next.rating.version == 2)
    #expect(next.rating.tierSince == first.tierSince)
    #expect(next.rating.nextReview == first.nextReview)
    #expect(next.rating.ratedAt != first.ratedAt)
  }

  @Test func aMoveStartsTheTierAndItsReviewAnew() throws {
    let first = try decide(nil, Cards.values(30, 12, 800_000, 15, 85)).rating
    let down = try decide(first, Cards.values(60, 6, 300_000, 8, 60), day: "2026-08-15", later: 3_888_000)
    #expect(down.change == .moved(from: Cards.tierID("vip"), to: Cards.tierID("key"), isUp: false))
    #expect(down.rating.tierSince == RatingTests.noon.adding(seconds: 3_888_000))
    #expect(down.rating.nextReview == Cards.day("2027-02-15"))
    let up = try decide(down.rating, Cards.values(30, 12, 800_000, 15, 85), day: "2026-08-16", later: 3_974_400)
    #expect(up.change == .moved(from: Cards.tierID("key"), to: Cards.tierID("vip"), isUp: true))
    #expect(up.rating.version == 3)
  }

  @Test func aReviewThatHasComeMovesTheReviewDayOn() throws {
    let first = try decide(nil, Cards.values(30, 12, 800_000, 15, 85)).rating
    let reviewed = try decide(first, Cards.values(30, 12, 800_000, 15, 85), day: "2026-10-01", later: 7_948_800)
    #expect(reviewed.change == .refreshed)
    #expect(reviewed.rating.nextReview == Cards.day("2027-01-01"))
  }

  @Test func aTierThatIsNoLongerConfiguredIsLeftWithoutAnUpOrDown() throws {
    var first = try decide(nil, Cards.values(30, 12, 800_000, 15, 85)).rating
    first.tier = Cards.tierID("platinum")
    #expect(
      try decide(first, Cards.values(30, 12, 800_000, 15, 85)).change
        == .moved(from: Cards.tierID("platinum"), to: Cards.tierID("vip"), isUp: nil))
  }

  @Test func aCustomerWithoutAnyValueIsInTheLowestTierWithoutAScore() throws {
    let decision = try decide(nil, IndicatorValues())
    #expect(decision.rating.tier.text == "watch")
    #expect(decision.rating.score == nil)
    #expect(decision.score == nil)
  }

  @Test func aQuotaNeedsItsBordersFirst() throws {
    let quota = try Cards.quotaPolicy()
    let values = Cards.values(30, 12, 800_000, 15, 85)
    #expect(throws: RatingFault.quotaNeedsPopulation) {
      try Rating.decide(
        current: nil, inputs: inputs(values), scorecard: try Cards.rfmPlus(), policy: .quota(quota), at: RatingTests.noon,
        day: Cards.day("2026-07-01"))
    }
    let frozen = quota.frozen(over: [.of(99), .of(92), .of(50), .of(40), .of(30), .of(20), .of(10), .of(5), .of(2), .of(1)])
    let decision = try Rating.decide(
      current: nil, inputs: inputs(values), scorecard: try Cards.rfmPlus(), policy: .score(frozen), at: RatingTests.noon,
      day: Cards.day("2026-07-01"))
    #expect(decision.rating.tier.text == "key")
  }

  @Test func theSpendPolicyLooksAtSpendAndInteraction() throws {
    let policy = TierPolicy.spend(try Cards.spendPolicy())
    let values = Cards.values(30, 12, 800_000, 15, 85)
    for (last, tier) in [("2026-06-30", "vip"), ("2026-03-01", "watch")] {
      let decision = try Rating.decide(
        current: nil, inputs: inputs(values, last: last), scorecard: try Cards.rfmPlus(), policy: policy, at: RatingTests.noon,
        day: Cards.day("2026-07-01"))
      #expect(decision.rating.tier.text == tier)
      #expect(decision.rating.score == 92)
    }
  }
}
