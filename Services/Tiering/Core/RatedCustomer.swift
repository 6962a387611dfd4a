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
  /// When the snapshot was made: up to then the facts are known.
  public var factsAsOf: Instant
  public var standing: Standing?
  /// The machine's time of the last rating; counts for the once-a-minute limit only (T-06).
  public var ratedRealAt: Instant?
  /// Set while a change waits for the minute to be over: the machine's time from which it may be rated.
  public var rateAfter: Instant?
  /// No later than the first business day on which time alone asks for a rating; nil when none is scheduled.
  public var dueDay: Day?

  public init(
    id: CustomerID, profileVersion: Int64, mergedInto: CustomerID? = nil, memberID: String? = nil, firstSeenAt: Instant,
    stage: LifecycleStage,
    industry: String? = nil, ledger: DayLedger, factsAsOf: Instant, standing: Standing? = nil, ratedRealAt: Instant? = nil,
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
    self.factsAsOf = factsAsOf
    self.standing = standing
    self.ratedRealAt = ratedRealAt
    self.rateAfter = rateAfter
    self.dueDay = dueDay
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

  public init(
    rating: Rating, inputs: RatingInputs, ratedDay: Day, recencyDays: Int?, frequency: Int64, monetary: Int64, isRetired: Bool = false
  ) {
    self.rating = rating
    self.inputs = inputs
    self.ratedDay = ratedDay
    self.recencyDays = recencyDays
    self.frequency = frequency
    self.monetary = monetary
    self.isRetired = isRetired
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
}

/// One line of a customer's rating history; never changed afterwards.
public struct RatingRecord: Hashable, Sendable {
  public let customer: CustomerID
  public let reason: RatingReason
  public let standing: Standing
  public let tierBefore: TierID?

  public init(customer: CustomerID, reason: RatingReason, standing: Standing, tierBefore: TierID?) {
    self.customer = customer
    self.reason = reason
    self.standing = standing
    self.tierBefore = tierBefore
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
}
