// What people decide about tiers (T-07, S-07): confirm, reject, set another tier, take a customer out of automated tiering. Load, decide, write.
public import Domain

/// What a person wants.
public enum ReviewOrder: Hashable, Sendable {
  case confirm(ReviewAction)
  case reject(ReviewAction)
  /// A tier against the figures; the action has its terms.
  case ask(ReviewAction)
  /// The customer refuses automated tiering, or accepts it again.
  case optOut(Bool, ReviewAction)

  public var action: ReviewAction {
    switch self {
    case .confirm(let action), .reject(let action), .ask(let action), .optOut(_, let action): action
    }
  }
}

/// Why an order is not carried out; nothing has changed.
public enum ReviewRefusal: Error, Hashable, Sendable {
  case notRated
  case merged(into: CustomerID)
  case nothingWaits
  /// Who asked for an override cannot confirm it: another person must.
  case ownOverride
  case noSuchTier(TierID)
  /// The last day of an override lies before today, or too far ahead.
  case lastDay(Day)
  /// The customer is in automated tiering, or out of it, already.
  case alreadySo
}

public enum ReviewDesk {
  /// The longest time an override may hold, in days.
  public static let overrideDaysMax = 731

  /// Carries out one order on customers that are locked: all of them, or none and the reason. They are to be published afterwards, by whoever can.
  public static func apply(
    _ order: ReviewOrder, to customers: [RatedCustomer], _ store: inout some TieringStore, rules: TieringRules, at moment: RatingMoment
  ) throws -> [RatedCustomer] {
    var changes = TieringChanges()
    for customer in customers.sorted(by: { $0.id < $1.id }) {
      var (decided, record) = try decide(customer, order, rules: rules, at: moment)
      changes.history.append(record)
      changes.published.insert(customer.id)
      if let proposal = Proposal(decided, cause: record.reason) {
        changes.proposals.append(proposal)
      } else if customer.course.review.proposal != nil {
        changes.closedProposals.append(customer.id)
      }
      let today = rules.zone.day(of: moment.business)
      if let day = rules.schedule.nextDay(decided, today: today), decided.bringDueDayForward(to: day) {
        changes.dueDays.append((customer.id, day))
      }
      // What waited while a person had to decide may confirm itself now.
      if case .optOut(false, _) = order { changes.waiting.append((customer.id, RatingMoment.atOnce)) }
      changes.ratedCustomers.append(decided)
    }
    if !changes.isEmpty { try store.write(changes) }
    return changes.ratedCustomers
  }

  /// Customers that are part of one who accepts automated tiering again; they are locked with it. Their ratings are history and stay.
  public static func accept(_ parts: [RatedCustomer], _ store: inout some TieringStore) throws {
    var changes = TieringChanges()
    for var part in parts where part.mergedInto != nil && part.course.review.isOptedOut {
      part.course.review.isOptedOut = false
      changes.ratedCustomers.append(part)
    }
    guard !changes.isEmpty else { return }
    try store.write(changes)
    // Nobody counts them any more.
    try store.count(Dictionary(changes.ratedCustomers.map { ($0.id, $0.id) }) { first, _ in first })
  }

  private static func decide(
    _ customer: RatedCustomer, _ order: ReviewOrder, rules: TieringRules, at moment: RatingMoment
  ) throws(ReviewRefusal) -> (RatedCustomer, RatingRecord) {
    if let survivor = customer.mergedInto { throw .merged(into: survivor) }
    guard let before = customer.standing else { throw .notRated }
    var customer = customer
    var standing = before
    let today = rules.zone.day(of: moment.business)
    customer.course.start = customer.course.begun(on: today, current: standing.rating, isFresh: false)
    let reason: RatingReason
    switch order {
    case .confirm(let action):
      try confirm(&customer.course, &standing.rating, action, rules: rules, today: today, at: moment.business)
      reason = .confirmed
    case .reject:
      try reject(&customer.course, standing.rating, rules: rules, today: today, at: moment.business)
      reason = .rejected
    case .ask(let action):
      try ask(&customer.course, action, rules: rules, today: today, at: moment.business)
      reason = .overrideAsked
    case .optOut(let isOut, _):
      let review = customer.course.review
      guard isOut ? !review.isOptedOut : review.refusesAutomation else { throw .alreadySo }
      customer.course.review.isOptedOut = isOut
      // Those who are part of the customer accept it with the customer.
      if !isOut { customer.course.review.refusingPart = nil }
      reason = isOut ? .optedOut : .optedIn
    }
    standing.rating.version += 1
    standing.rating.ratedAt = moment.business
    standing.proposed = customer.course.review.proposal?.tier
    customer.standing = standing
    let record = RatingRecord(customer: customer.id, reason: reason, standing: standing, tierBefore: before.rating.tier, action: order.action)
    return (customer, record)
  }

  private static func confirm(
    _ course: inout TierCourse, _ rating: inout Rating, _ action: ReviewAction, rules: TieringRules, today: Day, at: Instant
  ) throws(ReviewRefusal) {
    guard let open = course.review.proposal else { throw .nothingWaits }
    guard let tier = rules.policy.ladder[open.tier] else { throw .noSuchTier(open.tier) }
    if let terms = open.terms {
      guard !isSame(terms.actor, action.actor) else { throw .ownOverride }
      let former = course.review.override?.before ?? rating.tier
      course.review.override = TierOverride(terms: terms, before: former, since: today, confirmedBy: action.actor)
      course.review.landing = nil
    } else if rules.decisions.steadiness.stepwise.contains(rating.tier), isLower(tier.id, rating.tier, rules) {
      course.review.landing = Landing(tier: tier.id, until: rules.decisions.steadiness.landedUntil(after: today))
    }
    course.review.proposal = nil
    course.review.closed = nil
    course.start?.confirmed = tier.id
    if rating.tier != tier.id {
      rating.tierSince = at
      rating.nextReview = today.adding(months: tier.reviewMonths)
    }
    rating.tier = tier.id
    rating.confirmedBy = .reviewer(action.actor)
  }

  private static func isLower(_ tier: TierID, _ other: TierID, _ rules: TieringRules) -> Bool {
    let ladder = rules.policy.ladder
    guard let rank = ladder.rank(of: tier), let held = ladder.rank(of: other) else { return false }
    return rank > held
  }

  private static func reject(
    _ course: inout TierCourse, _ rating: Rating, rules: TieringRules, today: Day, at: Instant
  ) throws(ReviewRefusal) {
    guard let open = course.review.proposal else { throw .nothingWaits }
    course.review.proposal = nil
    guard open.terms != nil else {
      course.review.closed = ClosedProposal(tier: open.tier, cause: .rejected(score: rating.score))
      return
    }
    // Without the override the figures have their say again.
    guard course.review.override == nil else { return }
    course.review.propose(
      rating.decided, confirmed: rating.tier, score: rating.score, at: at, day: today, rules: rules.decisions.review, isFresh: false)
  }

  private static func ask(
    _ course: inout TierCourse, _ action: ReviewAction, rules: TieringRules, today: Day, at: Instant
  ) throws(ReviewRefusal) {
    guard let terms = action.terms, rules.policy.ladder[terms.tier] != nil else { throw .noSuchTier(action.terms?.tier ?? rules.policy.ladder.lowest.id) }
    guard (today...today + overrideDaysMax).contains(terms.until) else { throw .lastDay(today + overrideDaysMax) }
    course.review.proposal = OpenProposal(
      tier: terms.tier, openedAt: at, expires: today + rules.decisions.review.expiryDays, terms: terms)
  }

  /// Names are written by hand: blanks and capitals make no other person.
  static func isSame(_ left: String, _ right: String) -> Bool {
    func plain(_ name: String) -> String { name.lowercased().split(whereSeparator: \.isWhitespace).joined(separator: " ") }
    return plain(left) == plain(right)
  }
}
