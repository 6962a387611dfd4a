// What one batch of profile snapshots, or of work that has become due, does to ratings (T-06, T-08): load, decide, write, publish.
public import Contracts
public import Domain
public import Handling

/// The rules customers are rated by.
public struct TieringRules: Sendable {
  public var zone: BusinessZone
  public var currency: Currency
  public var scorecard: Scorecard
  /// A scorecard that is tried on a part of the customers, in the place of ``scorecard`` (T-10).
  public var canary: CanaryTrial?
  public var policy: TierPolicy
  /// The number of the borders that a quota's policy has been frozen by (T-04).
  public var quotaBorders: Int64?
  public var growth: IndustryGrowth
  public var schedule: RatingSchedule
  /// What stands between figures and the confirmed tier (T-07, T-09).
  public var decisions: DecisionRules
  /// A customer is rated at most once in this time (T-06).
  public var intervalSeconds: Int64

  /// "Near real time, at most once a minute per customer."
  public static let intervalSecondsDefault: Int64 = 60

  public init(
    zone: BusinessZone, currency: Currency, scorecard: Scorecard, policy: TierPolicy, growth: IndustryGrowth = .none,
    schedule: RatingSchedule = RatingSchedule(), decisions: DecisionRules = .immediate, intervalSeconds: Int64 = TieringRules.intervalSecondsDefault
  ) {
    self.zone = zone
    self.currency = currency
    self.scorecard = scorecard
    self.policy = policy
    self.growth = growth
    self.schedule = schedule
    self.decisions = decisions
    self.intervalSeconds = intervalSeconds
  }

  /// The one that rates this customer.
  public func scorecard(for customer: CustomerID) -> Scorecard {
    if let canary, canary.includes(customer) { return canary.scorecard }
    return scorecard
  }
}

/// The two times a rating needs: figures are of a business day, the limit of one rating a minute is about the machine's load.
public struct RatingMoment: Hashable, Sendable {
  public let business: Instant
  public let real: Instant

  /// The moment of a rating that was asked for now: it does not wait for the minute to be over.
  public static let atOnce = Instant(microseconds: 0)

  public init(business: Instant, real: Instant) {
    self.business = business
    self.real = real
  }
}

/// A profile snapshot as it came.
public struct ReceivedSnapshot: Sendable {
  public let snapshot: ProfileSnapshot
  /// When it was made.
  public let madeAt: Instant
  public let traceParent: String

  public init(_ snapshot: ProfileSnapshot, madeAt: Instant, traceParent: String = "") {
    self.snapshot = snapshot
    self.madeAt = madeAt
    self.traceParent = traceParent
  }
}

/// A tier to be told to all services (T-08).
public struct PublishedTier: Sendable {
  public let snapshot: TierSnapshot
  public let traceParent: String

  /// The rating a customer has now; nil when there is none.
  public init?(_ customer: RatedCustomer, tierBefore: TierID?, traceParent: String = "") {
    guard let standing = customer.standing else { return nil }
    let rating = standing.rating
    snapshot = TierSnapshot(
      customer: customer.id, version: rating.version, mergedInto: customer.mergedInto, memberID: customer.memberID, tier: rating.tier.text,
      tierBefore: tierBefore.flatMap { $0 == rating.tier ? nil : $0.text }, proposedTier: standing.proposed?.text, score: rating.score ?? 0,
      scorecard: rating.scorecard.name, scorecardVersion: rating.scorecard.version, policy: rating.policy.name, asOf: standing.ratedDay,
      ratedAt: rating.ratedAt, notice: customer.course.review.notice.map { TierNotice(day: $0.day, tier: $0.tier.text, en: $0.text.en, zh: $0.text.zh) })
    self.traceParent = traceParent
  }
}

/// What a batch did.
public struct TieringOutcome: Sendable {
  /// In customer order.
  public var published: [PublishedTier] = []
  public var kept = 0
  /// Snapshots no newer than what was known: no effect.
  public var stale = 0
  public var rated = 0
  /// Customers whose change waits for the minute to be over.
  public var waiting = 0
  /// Snapshots that cannot be rated, by their place in the batch.
  public var refused: [(index: Int, faults: [Fault])] = []
  /// Customers whose stored figures cannot be rated exactly: their rating stays.
  public var unratable: [CustomerID] = []
  /// Due work that comes too early, with the machine's time from which it may be done.
  public var tooEarly: [(customer: CustomerID, after: Instant)] = []
  /// The next business day of customers whose day came.
  public var nextDays: [(customer: CustomerID, day: Day)] = []
}

public struct TieringBatch {
  private let rules: TieringRules
  private let moment: RatingMoment
  private let today: Day
  var changes = TieringChanges()
  var outcome = TieringOutcome()

  init(_ rules: TieringRules, _ moment: RatingMoment) {
    self.rules = rules
    self.moment = moment
    today = rules.zone.day(of: moment.business)
  }

  // MARK: - Snapshots

  /// Keeps the snapshots that are newer than what is known, and rates their customers: at once, or when their minute is over.
  /// Old and repeated snapshots have no effect, so any order of the same snapshots ends in the same ratings.
  public static func receive(
    _ received: [ReceivedSnapshot], _ store: inout some TieringStore, rules: TieringRules, at moment: RatingMoment
  ) throws -> TieringOutcome {
    var batch = TieringBatch(rules, moment)
    var places: [CustomerID: [Int]] = [:]
    for (index, item) in received.enumerated() { places[item.snapshot.customer, default: []].append(index) }
    let ids = places.keys.sorted()
    let known = Dictionary(try store.lockCustomers(ids).map { ($0.id, $0) }) { first, _ in first }
    for id in ids {
      // The newest of the batch; should it be refused, the one before it.
      let newestFirst = (places[id] ?? []).sorted { received[$0].snapshot.version > received[$1].snapshot.version }
      for index in newestFirst { if batch.take(received[index], at: index, known: known[id]) { break } }
    }
    batch.outcome.stale = received.count - batch.outcome.kept - batch.outcome.refused.count
    if !batch.changes.isEmpty { try store.write(batch.changes) }
    return batch.outcome
  }

  /// False when the snapshot was refused.
  private mutating func take(_ received: ReceivedSnapshot, at index: Int, known: RatedCustomer?) -> Bool {
    let snapshot = received.snapshot
    if let known, known.profileVersion >= snapshot.version { return true }
    var customer =
      known
      ?? RatedCustomer(
        id: snapshot.customer, profileVersion: snapshot.version, firstSeenAt: snapshot.firstSeenAt, stage: snapshot.stage,
        ledger: snapshot.ledger,
        factsAsOf: received.madeAt)
    customer.profileVersion = snapshot.version
    customer.mergedInto = snapshot.mergedInto
    // Of a merged customer nothing else is left in the snapshot: who it was is kept for its history.
    if snapshot.mergedInto == nil {
      customer.memberID = snapshot.memberID
      customer.industry = snapshot.industry
    }
    customer.firstSeenAt = snapshot.firstSeenAt
    customer.stage = snapshot.stage
    customer.ledger = snapshot.ledger
    customer.lastContactDay = snapshot.lastInteractionDay
    customer.factsAsOf = received.madeAt
    do throws(RatingFault) {
      if customer.mergedInto != nil {
        retire(&customer, traceParent: received.traceParent)
      } else if let after = earliestRating(of: customer) {
        wait(&customer, until: after)
      } else {
        try rate(&customer, because: .change, traceParent: received.traceParent)
      }
    } catch {
      outcome.refused.append((index, [TieringBatch.fault(error)]))
      return false
    }
    outcome.kept += 1
    if known?.mergedInto != customer.mergedInto { changes.regrouped.append(customer.id) }
    if known == nil { changes.newCustomers.append(customer) } else { changes.changedCustomers.append(customer) }
    return true
  }

  private static func fault(_ fault: RatingFault) -> Fault {
    switch fault {
    case .outOfRange:
      Fault(
        field: "days", rule: "range", detail: "the customer's figures are too large to be rated exactly; correct the orders behind them")
    case .quotaNeedsPopulation:
      Fault(field: "policy", rule: "quota", detail: "a quota cannot rate one customer by itself; set the policy to score or spend")
    }
  }

  /// The machine's time before which this customer must not be rated again; nil when that is over.
  private func earliestRating(of customer: RatedCustomer) -> Instant? {
    guard let last = customer.ratedRealAt, customer.standing?.isRetired != true else { return nil }
    let after = last.adding(seconds: rules.intervalSeconds)
    // A clock that was set back must not hold ratings for longer than the interval.
    return after > moment.real && last <= moment.real ? after : nil
  }

  private mutating func wait(_ customer: inout RatedCustomer, until after: Instant) {
    if customer.rateAfter == nil { customer.rateAfter = after }
    changes.waiting.append((customer.id, after))
    outcome.waiting += 1
  }

  // MARK: - Due work

  /// Rates customers whose minute is over, or who were marked because the rules changed.
  public static func rateDue(
    _ ids: [CustomerID], _ store: inout some TieringStore, rules: TieringRules, at moment: RatingMoment, ignoringInterval: Bool = false
  ) throws -> TieringOutcome {
    var batch = TieringBatch(rules, moment)
    for var customer in try store.lockCustomers(ids.sorted()) where customer.mergedInto == nil {
      if !ignoringInterval, let after = batch.earliestRating(of: customer) {
        batch.outcome.tooEarly.append((customer.id, after))
        continue
      }
      let hasNewRules = customer.standing.map { batch.hasOtherRules($0, customer.id) } ?? false
      batch.rateKept(&customer, because: hasNewRules ? .rules : .change)
      batch.changes.ratedCustomers.append(customer)
    }
    if !batch.changes.isEmpty { try store.write(batch.changes) }
    return batch.outcome
  }

  /// Does what time alone asks for today, and says when each customer's day comes next.
  public static func dayCame(
    _ ids: [CustomerID], _ store: inout some TieringStore, rules: TieringRules, at moment: RatingMoment
  ) throws -> TieringOutcome {
    var batch = TieringBatch(rules, moment)
    for var customer in try store.lockCustomers(ids.sorted()) {
      if let reason = rules.schedule.reason(customer, today: batch.today) { batch.rateKept(&customer, because: reason) }
      batch.foresee(&customer)
      customer.dueDay = rules.schedule.nextDay(customer, today: batch.today)
      if let day = customer.dueDay { batch.outcome.nextDays.append((customer.id, day)) }
      batch.changes.ratedCustomers.append(customer)
    }
    // The lane that called moves the rows it holds by itself.
    batch.changes.dueDays = []
    if !batch.changes.isEmpty { try store.write(batch.changes) }
    return batch.outcome
  }

  /// Rates by what is stored. Figures beyond exact arithmetic leave the rating as it is.
  mutating func rateKept(_ customer: inout RatedCustomer, because reason: RatingReason) {
    do throws(RatingFault) {
      try rate(&customer, because: reason, traceParent: "")
    } catch {
      customer.rateAfter = nil
      outcome.unratable.append(customer.id)
    }
  }

  private func hasOtherRules(_ standing: Standing, _ customer: CustomerID) -> Bool {
    let rating = standing.rating
    return rating.scorecard != rules.scorecard(for: customer).reference || rating.policy != rules.policy.reference || haveBordersMoved(over: standing)
  }

  /// A quota was drawn anew since, and gives another tier for the score that the customer had (T-04).
  private func haveBordersMoved(over standing: Standing) -> Bool {
    guard let number = rules.quotaBorders, standing.inputs.quotaBorders != number, case .score(let policy) = rules.policy,
      let exact = standing.rating.exactScore
    else { return false }
    return policy.assign(exact: exact).id != standing.rating.decided
  }

  // MARK: - Rating

  private mutating func rate(_ customer: inout RatedCustomer, because reason: RatingReason, traceParent: String) throws(RatingFault) {
    let before = customer.standing
    let isFresh = reason.isFresh || before.map { hasOtherRules($0, customer.id) } ?? false
    let decided = try customer.decided(by: rules, today: today, at: moment.business, isFresh: isFresh)
    let (figures, inputs, decision) = (decided.figures, decided.inputs, decided.decision)
    let purchases = figures.purchases
    customer.standing = Standing(
      rating: decision.rating, inputs: inputs, ratedDay: figures.day, recencyDays: purchases.recencyDays, frequency: purchases.frequency,
      monetary: purchases.monetary, proposed: decision.course.review.proposal?.tier)
    let waited = customer.course.review.proposal
    let told = customer.course.review.notice
    customer.course = decision.course
    // Who was told of a loss is told when it is none any more.
    if told != nil { customer.course.review.notice = customer.foreseenLoss(by: rules, today: today, at: moment.business) }
    customer.ratedRealAt = moment.real
    customer.rateAfter = nil
    outcome.rated += 1
    let isRestored = before?.isRetired == true
    let isNews = decision.change != .none || isRestored || before?.proposed != customer.standing?.proposed
      || told != customer.course.review.notice
    if isNews || before?.inputs.isSame(as: inputs) != true {
      let cause = isRestored ? .restored : before == nil ? .first : reason
      note(&customer, before, cause)
      queue(customer, waited, because: cause)
    }
    if isNews { publish(customer, before, traceParent) }
    scheduleDay(&customer)
  }

  /// Gives the rating a version of its own and keeps it for later explanations. Other inputs with the same score do so too.
  mutating func note(_ customer: inout RatedCustomer, _ before: Standing?, _ reason: RatingReason) {
    guard var standing = customer.standing else { return }
    standing.rating.version = (before?.rating.version ?? 0) + 1
    standing.rating.ratedAt = moment.business
    customer.standing = standing
    changes.history.append(RatingRecord(customer: customer.id, reason: reason, standing: standing, tierBefore: before?.rating.tier))
  }

  /// Tells of a loss that time alone would bring, and what would keep the tier (T-09).
  private mutating func foresee(_ customer: inout RatedCustomer) {
    guard customer.mergedInto == nil, let before = customer.standing else { return }
    let notice = customer.foreseenLoss(by: rules, today: today, at: moment.business)
    guard notice != customer.course.review.notice else { return }
    customer.course.review.notice = notice
    note(&customer, before, .notice)
    publish(customer, before, "")
  }

  /// A customer that became part of another keeps its rating for its history; everybody is told that it no longer counts.
  private mutating func retire(_ customer: inout RatedCustomer, traceParent: String) {
    customer.rateAfter = nil
    guard var standing = customer.standing else { return }
    let before = standing
    standing.isRetired = true
    standing.proposed = nil
    customer.standing = standing
    let waited = customer.course.review.proposal
    customer.course.review.proposal = nil
    customer.course.review.notice = nil
    note(&customer, before, .merged)
    publish(customer, before, traceParent)
    queue(customer, waited, because: .merged)
  }

  /// Brings the queue of proposals into line with what waits of the customer now (T-07).
  private mutating func queue(_ customer: RatedCustomer, _ waited: OpenProposal?, because reason: RatingReason) {
    if let proposal = Proposal(customer, cause: reason) {
      changes.proposals.append(proposal)
    } else if waited != nil {
      changes.closedProposals.append(customer.id)
    }
  }

  mutating func publish(_ customer: RatedCustomer, _ before: Standing?, _ traceParent: String) {
    guard let tier = PublishedTier(customer, tierBefore: before?.rating.tier, traceParent: traceParent) else { return }
    outcome.published.append(tier)
    changes.published.insert(customer.id)
  }

  private mutating func scheduleDay(_ customer: inout RatedCustomer) {
    guard let day = rules.schedule.nextDay(customer, today: today), customer.bringDueDayForward(to: day) else { return }
    changes.dueDays.append((customer.id, day))
  }
}

extension RatingInputs {
  /// The same figures, whenever they were known: only these change a score.
  func isSame(as other: RatingInputs) -> Bool { values == other.values && lastInteraction == other.lastInteraction }
}
