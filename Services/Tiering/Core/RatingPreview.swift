// The rating a customer would get now: one function for ratings and for simulations, so that both say the same (T-10).
public import Domain

/// A rating that was worked out and changes nothing yet.
public struct DecidedRating: Sendable {
  public let figures: RatingFigures
  public let inputs: RatingInputs
  public let decision: RatingDecision
}

extension RatedCustomer {
  /// Rates by what is known of the customer; `today` is the business day of `at`.
  ///
  /// - Parameter isFresh: as at a review or when new rules come into force.
  public func decided(by rules: TieringRules, today: Day, at: Instant, isFresh: Bool = true) throws(RatingFault) -> DecidedRating {
    let figures = RatingFigures(
      ledger: ledger, industry: industry, complaints: complaintDays, growth: rules.growth, currency: rules.currency, today: today)
    let inputs = RatingInputs(values: figures.values, lastInteraction: lastInteraction, factsAsOf: factsAsOf, quotaBorders: rules.quotaBorders)
    let decision = try Rating.decide(
      current: standing?.rating, course: course, inputs: inputs, scorecard: rules.scorecard(for: id), policy: rules.policy, rules: rules.decisions,
      isFresh: isFresh, at: at, day: figures.day)
    return DecidedRating(figures: figures, inputs: inputs, decision: decision)
  }
}

extension RatedCustomer {
  /// The first loss within the time of notice, if nothing more is bought until then; nil when there is none.
  func foreseenLoss(by rules: TieringRules, today: Day, at: Instant) -> LossNotice? {
    guard rules.schedule.noticeDays > 0, let standing, let held = rules.policy.ladder.rank(of: standing.rating.tier) else { return nil }
    for day in rules.schedule.foreseeable(self, today: today).sorted() where day + -rules.schedule.noticeDays <= today {
      // What cannot be worked out then is told by nobody now.
      guard let then = try? decided(by: rules, today: day, at: at, isFresh: day == standing.rating.nextReview), let score = then.decision.score,
        then.decision.course.review.override == nil, let rank = rules.policy.ladder.rank(of: then.decision.rating.decided), rank > held
      else { continue }
      let explanation = Explanation(
        of: score, inputs: then.inputs, scorecard: rules.scorecard(for: id), policy: rules.policy, current: standing.rating.tier, day: day,
        currency: rules.currency)
      if let text = explanation.lossText(on: day) { return LossNotice(day: day, tier: then.decision.rating.decided, text: text) }
    }
    return nil
  }
}

/// What another scorecard would make of a customer's rating. Tiers are those that the figures decide: what waits for a person, or was set by one,
/// is no property of a scorecard.
public struct SimulatedRating: Sendable {
  public let customer: CustomerID
  public let memberID: String?
  public let tier: TierID
  public let score: Int?
  public let tierThen: TierID
  public let scoreThen: Int?
  /// Net spend of the trailing 12 months on the day of the simulation, minor units of the base currency.
  public let monetary: Int64
  /// The figures are beyond exact arithmetic: such a customer keeps its rating when the scorecard comes into force.
  public let isUnratable: Bool

  /// From what this one would make of the customer to what the other would.
  public init(from first: SimulatedRating, to second: SimulatedRating) {
    customer = second.customer
    memberID = second.memberID
    (tier, score) = (first.tierThen, first.scoreThen)
    (tierThen, scoreThen) = (second.tierThen, second.scoreThen)
    monetary = second.monetary
    isUnratable = first.isUnratable || second.isUnratable
  }

  /// nil for a customer without a rating in force, who is not rated anew either.
  public init?(_ customer: RatedCustomer, rules: TieringRules, today: Day, at: Instant) {
    guard customer.mergedInto == nil, let standing = customer.standing else { return nil }
    self.customer = customer.id
    memberID = customer.memberID
    tier = standing.rating.decided
    score = standing.rating.score
    do throws(RatingFault) {
      let then = try customer.decided(by: rules, today: today, at: at)
      tierThen = then.decision.rating.decided
      scoreThen = then.decision.rating.score
      monetary = then.figures.purchases.monetary
      isUnratable = false
    } catch {
      tierThen = standing.rating.decided
      scoreThen = standing.rating.score
      monetary = standing.monetary
      isUnratable = true
    }
  }
}
