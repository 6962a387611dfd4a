// One customer as this service keeps it, and the port through which the use cases see the tables.
public import Domain

/// What is known of a customer, and the tier that follows from it.
public struct RatedCustomer: Hashable, Sendable {
  public let id: CustomerID
  /// The version of the newest profile snapshot that was kept.
  public var profileVersion: Int64
  /// The customer this one became part of (P-02); then the rating is kept, but no longer in force.
  public var mergedInto: CustomerID?
  public var memberID: String?
  public var firstSeenAt: Instant
  public var stage: LifecycleStage
  public var industry: String?
  public var ledger: DayLedger
  /// The newest business day of a contact, a behaviour or an answer, as the profile says; nil: none.
  public var lastContactDay: Day?
  /// The days on which complaints of the customer were upheld, the oldest first (T-06).
  public var complaintDays: [Day]
  /// When the snapshot was made: up to then the facts are known.
  public var factsAsOf: Instant
  public var standing: Standing?
  /// With which tiers the business day began, and what people decided (T-07, T-09).
  public var course: TierCourse
  /// The machine's time of the last rating; counts for the once-a-minute limit only (T-06).
  public var ratedRealAt: Instant?
  /// Set while a change waits for the minute to be over: the machine's time from which it may be rated.
  public var rateAfter: Instant?
  /// No later than the first business day on which time alone asks for a rating; nil when none is scheduled.
  public var dueDay: Day?

  public init(
    id: CustomerID, profileVersion: Int64, mergedInto: CustomerID? = nil, memberID: String? = nil, firstSeenAt: Instant,
    stage: LifecycleStage,
    industry: String? = nil, ledger: DayLedger, lastContactDay: Day? = nil, complaintDays: [Day] = [], factsAsOf: Instant, standing: Standing? = nil,
    course: TierCourse = TierCourse(), ratedRealAt: Instant? = nil,
    rateAfter: Instant? = nil, dueDay: Day? = nil
  ) {
    self.id = id
    self.profileVersion = profileVersion
    self.mergedInto = mergedInto
    self.memberID = memberID
    self.firstSeenAt = firstSeenAt
    self.stage = stage
    self.industry = industry
    self.ledger = ledger
    self.lastContactDay = lastContactDay
    self.complaintDays = complaintDays
    self.factsAsOf = factsAsOf
    self.standing = standing
    self.course = course
    self.ratedRealAt = ratedRealAt
    self.rateAfter = rateAfter
    self.dueDay = dueDay
  }
}

extension RatedCustomer {
  /// The last day of any interaction (T-04, T-06): a paid order, a contact, a behaviour or an answer; nil when there never was one.
  public var lastInteraction: Day? { [ledger.lastPaidDay, lastContactDay].compactMap { $0 }.max() }

  /// Time alone asks for a rating on this day too. Whether that is earlier than what stood.
  mutating func bringDueDayForward(to day: Day) -> Bool {
    guard dueDay.map({ day < $0 }) ?? true else { return false }
    dueDay = day
    return true
  }
}

/// The rating in force with all it was made of, so that it can be explained at any later time (T-05).
public struct Standing: Hashable, Sendable {
  public var rating: Rating
  public var inputs: RatingInputs
  /// The business day of the last rating; the figures are of this day.
  public var ratedDay: Day
  public var recencyDays: Int?
  public var frequency: Int64
  /// Minor units of the base currency.
  public var monetary: Int64
  /// True once the customer was merged into another: the rating is history.
  public var isRetired: Bool
  /// The tier that waits for a person to confirm it; nil when none does.
  public var proposed: TierID?

  public init(
    rating: Rating, inputs: RatingInputs, ratedDay: Day, recencyDays: Int?, frequency: Int64, monetary: Int64, isRetired: Bool = false,
    proposed: TierID? = nil
  ) {
    self.rating = rating
    self.inputs = inputs
    self.ratedDay = ratedDay
    self.recencyDays = recencyDays
    self.frequency = frequency
    self.monetary = monetary
    self.isRetired = isRetired
    self.proposed = proposed
  }
}

/// Why a rating was made.
public enum RatingReason: String, Hashable, Sendable, CaseIterable {
  case first
  /// An input changed.
  case change
  /// The review cycle came round.
  case review
  /// Spend fell by half or more in each of two consecutive months.
  case spendFell = "spend_fell"
  /// Three months without any interaction.
  case quiet
  /// Another scorecard or policy is in force.
  case rules
  /// The customer became part of another.
  case merged
  /// A merge was undone.
  case restored
  /// The rest of a step down is looked at (T-09).
  case step
  /// A proposal was decided by nobody in time.
  case expired
  /// The last day of an override is over.
  case overrideEnded = "override_ended"
  /// A loss that can be foreseen is told, or is none any more (T-09).
  case notice
  /// A person confirmed what was proposed.
  case confirmed
  /// A person rejected it.
  case rejected
  /// A person asks for a tier against the figures, and another one is to confirm it.
  case overrideAsked = "override_asked"
  /// The customer, or one that is part of it, refused automated tiering (S-07), or accepts it again.
  case optedOut = "opted_out"
  case optedIn = "opted_in"
  /// A complaint of the customer was upheld, or is no longer.
  case complaint

  /// Whether borders have no width and what was rejected may be proposed again.
  var isFresh: Bool { self == .review || self == .rules }
}

/// What a person did, with the reason; kept for ever.
public struct ReviewAction: Hashable, Sendable {
  public let actor: String
  /// Empty where none is needed.
  public let reason: String
  /// Of an override.
  public let terms: OverrideTerms?

  public init(actor: String, reason: String, terms: OverrideTerms? = nil) {
    self.actor = actor
    self.reason = reason
    self.terms = terms
  }
}

/// A change that waits in the queue of proposals (T-07).
public struct Proposal: Hashable, Sendable {
  public let customer: CustomerID
  public let memberID: String?
  /// The confirmed tier.
  public let tier: TierID
  public let open: OpenProposal
  public let score: Int?
  /// Why the rating behind it was made.
  public let cause: RatingReason
  /// The rating behind it: its explanation tells the figures and the ways to other tiers.
  public let version: Int64

  public init(customer: CustomerID, memberID: String?, tier: TierID, open: OpenProposal, score: Int?, cause: RatingReason, version: Int64) {
    self.customer = customer
    self.memberID = memberID
    self.tier = tier
    self.open = open
    self.score = score
    self.cause = cause
    self.version = version
  }

  /// What waits of a customer that has just been rated or decided on; nil when nothing does.
  init?(_ customer: RatedCustomer, cause: RatingReason) {
    guard let open = customer.course.review.proposal, let rating = customer.standing?.rating else { return nil }
    self.init(
      customer: customer.id, memberID: customer.memberID, tier: rating.tier, open: open, score: rating.score, cause: cause, version: rating.version)
  }
}

/// One line of a customer's rating history; never changed afterwards.
public struct RatingRecord: Hashable, Sendable {
  public let customer: CustomerID
  public let reason: RatingReason
  public let standing: Standing
  public let tierBefore: TierID?
  /// Of a line that a person caused.
  public let action: ReviewAction?

  public init(customer: CustomerID, reason: RatingReason, standing: Standing, tierBefore: TierID?, action: ReviewAction? = nil) {
    self.customer = customer
    self.reason = reason
    self.standing = standing
    self.tierBefore = tierBefore
    self.action = action
  }
}

/// All that one batch changes, sorted by customer, each row once.
public struct TieringChanges: Sendable {
  public var newCustomers: [RatedCustomer] = []
  public var changedCustomers: [RatedCustomer] = []
  /// Customers of whom nothing but the rating and its moments moved: what a snapshot said of them stays as it is stored.
  public var ratedCustomers: [RatedCustomer] = []
  public var history: [RatingRecord] = []
  /// Those of whom a tier is published.
  public var published: Set<CustomerID> = []
  /// Customers whose change waits, with the machine's time from which they may be rated. One that waits already keeps its moment.
  public var waiting: [(customer: CustomerID, after: Instant)] = []
  /// Customers time alone will ask for a rating of, with the business day. An earlier day that stands already is kept.
  public var dueDays: [(customer: CustomerID, day: Day)] = []
  /// Customers that became part of another one, or stand by themselves again: who refused automated tiering is to be looked at (S-07).
  public var regrouped: [CustomerID] = []
  /// What waits for a person, as it stands from now on.
  public var proposals: [Proposal] = []
  /// Customers of whom nothing waits any more.
  public var closedProposals: [CustomerID] = []

  public init() {}

  public var isEmpty: Bool {
    newCustomers.isEmpty && changedCustomers.isEmpty && ratedCustomers.isEmpty && waiting.isEmpty && dueDays.isEmpty
  }
}

/// The tables, as the use cases need them. Every call is one set-based statement.
public protocol TieringStore {
  /// The customers stored under these ids, locked in id order until the transaction ends.
  mutating func lockCustomers(_ ids: [CustomerID]) throws -> [RatedCustomer]
  mutating func write(_ changes: TieringChanges) throws
  /// Who refused automated tiering, of these customers and of all that became part of them, with the one of these that each is at or below.
  mutating func refusals(under customers: [CustomerID]) throws -> [(top: CustomerID, part: CustomerID)]
  /// Who stands for each of these customers: itself when it is part of nobody, the last that is named when that one is not known yet.
  mutating func survivors(of customers: [CustomerID]) throws -> [CustomerID: CustomerID]
  /// For whom these refusals were counted last; those of customers that were part of nobody are left out.
  mutating func counted(_ parts: [CustomerID]) throws -> [CustomerID: CustomerID]
  /// Counts refusals for the customers that stand for them.
  mutating func count(_ survivors: [CustomerID: CustomerID]) throws
}
