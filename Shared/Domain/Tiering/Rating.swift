// Deciding a customer's tier anew (T-06, T-08): pure, with the moment as an argument.

/// Who made a rating binding (T-07).
public enum RatingConfirmation: Hashable, Sendable {
  /// The policy says that changes like this confirm themselves.
  case policy
  /// A reviewer, by the name in the audit trail.
  case reviewer(String)
}

/// A customer's tier as it stands. A snapshot: readers keep the highest version.
public struct Rating: Hashable, Sendable {
  /// Grows by one with every change that others see.
  public var version: Int64
  /// The confirmed tier: the one that counts (T-07).
  public var tier: TierID
  /// What the figures give, borders' widths and steps considered (T-09); another than ``tier`` while a change waits or a reviewer set the tier.
  public var decided: TierID
  /// nil when no indicator had a value.
  public var score: Int?
  public var exactScore: Rational?
  public var scorecard: ScorecardReference
  public var policy: PolicyReference
  /// Since when the customer is in this tier.
  public var tierSince: Instant
  /// When the figures here were decided.
  public var ratedAt: Instant
  /// The business day of the next review (T-06).
  public var nextReview: Day
  public var confirmedBy: RatingConfirmation

  public init(
    version: Int64, tier: TierID, decided: TierID? = nil, score: Int?, exactScore: Rational?, scorecard: ScorecardReference,
    policy: PolicyReference, tierSince: Instant, ratedAt: Instant, nextReview: Day, confirmedBy: RatingConfirmation
  ) {
    self.version = version
    self.tier = tier
    self.decided = decided ?? tier
    self.score = score
    self.exactScore = exactScore
    self.scorecard = scorecard
    self.policy = policy
    self.tierSince = tierSince
    self.ratedAt = ratedAt
    self.nextReview = nextReview
    self.confirmedBy = confirmedBy
  }
}

/// What is known about a customer when the tier is decided.
public struct RatingInputs: Hashable, Sendable {
  public var values: IndicatorValues
  /// The day of the last order, contact, answer or visit; nil when there never was one.
  public var lastInteraction: Day?
  /// Up to when the facts behind the values are known.
  public var factsAsOf: Instant
  /// Which borders a quota had drawn through the population; nil where the policy is none (T-04).
  public var quotaBorders: Int64?

  public init(values: IndicatorValues, lastInteraction: Day?, factsAsOf: Instant, quotaBorders: Int64? = nil) {
    self.quotaBorders = quotaBorders
    self.values = values
    self.lastInteraction = lastInteraction
    self.factsAsOf = factsAsOf
  }
}

/// What a decision changed.
public enum RatingChange: Hashable, Sendable {
  /// Nothing others see: no new version, nothing to publish.
  case none
  /// The same tier with another score, scorecard, policy or review day.
  case refreshed
  /// The customer's first rating.
  case first
  /// `isUp` is nil when the former tier is no longer configured.
  case moved(from: TierID, to: TierID, isUp: Bool?)
}

public struct RatingDecision: Hashable, Sendable {
  /// The rating from now on; with ``RatingChange/none`` the current one, untouched.
  public let rating: Rating
  public let change: RatingChange
  /// What the score was made of, for the explanation (T-05); nil when no indicator had a value.
  public let score: Score?
  /// The course from now on.
  public let course: TierCourse
}

/// Why no decision could be made; the rating stays as it is.
public enum RatingFault: Error, Hashable, Sendable {
  /// A quota is about all customers: freeze it over the population first (``QuotaPolicy/frozen(over:)``) and decide by that.
  case quotaNeedsPopulation
  /// The values are outside the range of exact arithmetic.
  case outOfRange
}

extension Rating {
  /// Rates a customer with what is known at `at`; `day` is that moment's business day.
  ///
  /// A customer none of whose indicators has a value gets the lowest tier and no score. The review day stays until it has come,
  /// or until the tier changes; then it is counted from `day` (T-06).
  ///
  /// - Parameters:
  ///   - rules: what stands between the figures and the confirmed tier (T-07, T-09).
  ///   - isFresh: a review, or new rules: borders have no width, and what was rejected may be proposed again.
  public static func decide(
    current: Rating?, course: TierCourse = TierCourse(), inputs: RatingInputs, scorecard: Scorecard, policy: TierPolicy,
    rules: DecisionRules = .immediate, isFresh: Bool = false, at: Instant, day: Day
  ) throws(RatingFault) -> RatingDecision {
    let score: Score?
    do { score = try scorecard.score(inputs.values) } catch {
      switch error {
      case .noIndicatorHasValue: score = nil
      case .outOfRange: throw .outOfRange
      }
    }
    let scored = try self.tier(of: score, inputs: inputs, policy: policy, day: day)
    let settled = settle(scored, score, current: current, course: course, policy: policy, rules: rules, isFresh: isFresh, at: at, day: day)
    let tier = settled.confirmed
    var rating = Rating(
      version: (current?.version ?? 0) + 1, tier: tier.id, decided: settled.decided.id, score: score?.rounded, exactScore: score?.exact,
      scorecard: scorecard.reference, policy: policy.reference, tierSince: at, ratedAt: at, nextReview: day.adding(months: tier.reviewMonths),
      confirmedBy: settled.confirmedBy)
    guard let current else { return RatingDecision(rating: rating, change: .first, score: score, course: settled.course) }
    guard current.tier == tier.id else {
      let ranks = (policy.ladder.rank(of: current.tier), policy.ladder.rank(of: tier.id))
      let isUp: Bool? = if let former = ranks.0, let now = ranks.1 { now < former } else { nil }
      return RatingDecision(rating: rating, change: .moved(from: current.tier, to: tier.id, isUp: isUp), score: score, course: settled.course)
    }
    rating.tierSince = current.tierSince
    rating.confirmedBy = current.confirmedBy
    if current.nextReview > day { rating.nextReview = current.nextReview }
    var unchanged = current
    (unchanged.version, unchanged.ratedAt) = (rating.version, rating.ratedAt)
    let isSame = unchanged == rating
    return RatingDecision(rating: isSame ? current : rating, change: isSame ? .none : .refreshed, score: score, course: settled.course)
  }

  private static func tier(of score: Score?, inputs: RatingInputs, policy: TierPolicy, day: Day) throws(RatingFault) -> Tier {
    switch policy {
    case .score(let policy): score.map(policy.assign) ?? policy.ladder.lowest
    case .quota: throw .quotaNeedsPopulation
    case .spend(let policy): policy.assign(spend: inputs.values[.monetary] ?? .zero, lastInteraction: inputs.lastInteraction, on: day)
    }
  }

  private struct Settled {
    let decided: Tier
    let confirmed: Tier
    let confirmedBy: RatingConfirmation
    let course: TierCourse
  }

  /// From the tier that figures give to the one that counts, and to what waits for a person.
  private static func settle(
    _ scored: Tier, _ score: Score?, current: Rating?, course: TierCourse, policy: TierPolicy, rules: DecisionRules, isFresh: Bool, at: Instant,
    day: Day
  ) -> Settled {
    let ladder = policy.ladder
    var start = course.begun(on: day, current: current, isFresh: isFresh)
    var review = course.review
    if let ended = review.override, ended.hasEnded(on: day) {
      start.confirmed = ended.before
      review.override = nil
    }
    let landing = review.landing.flatMap { $0.until > day ? $0 : nil }
    // On the day of the step itself the day began with the tier above.
    let isLanded = landing.map { $0.tier == start.confirmed } ?? false
    let (decided, isStep) = rules.steadiness.decide(
      scored, score, start, policy: policy, isLanded: isLanded, isOverridden: review.override != nil)
    var target = decided
    var confirmed: Tier?
    var confirmedBy = RatingConfirmation.policy
    // A tier that was taken out of the configuration can be held for nobody.
    if let override = review.override, let set = ladder[override.terms.tier] {
      let isHigher = override.terms.atNextRating == .floor && (ladder.rank(of: decided.id) ?? 0) < (ladder.rank(of: set.id) ?? 0)
      if !isHigher { (target, confirmed, confirmedBy) = (set, set, .reviewer(override.confirmedBy)) }
    }
    let tier = confirmed ?? rules.review.confirmed(of: target, from: start.confirmed, ladder: ladder, isOptedOut: review.refusesAutomation)
    review.propose(target.id, confirmed: tier.id, score: score?.rounded, at: at, day: day, rules: rules.review, isFresh: isFresh)
    if isStep, tier.id == decided.id {
      let known = landing.flatMap { $0.tier == tier.id ? $0 : nil }
      review.landing = known ?? Landing(tier: tier.id, until: rules.steadiness.landedUntil(after: day))
    } else {
      review.landing = isLanded && landing?.tier == tier.id ? landing : nil
    }
    return Settled(decided: decided, confirmed: tier, confirmedBy: confirmedBy, course: TierCourse(start: start, review: review))
  }
}
