// The port through which the profile's use cases see their tables. Synchronous: it runs inside one transaction, on its thread.
public import Domain
public import Handling

/// Where the facts of one order are kept: under the identity the order came in with, so that undoing a merge gives each side its own
/// history back (P-02).
public struct OrderReference: Hashable, Sendable, Comparable {
  public let identity: CustomerID
  public let source: String
  public let orderID: String
  public let creditNote: String

  public init(identity: CustomerID, source: String, orderID: String, creditNote: String) {
    self.identity = identity
    self.source = source
    self.orderID = orderID
    self.creditNote = creditNote
  }

  public static func < (left: OrderReference, right: OrderReference) -> Bool {
    (left.identity, left.source, left.orderID, left.creditNote) < (right.identity, right.source, right.orderID, right.creditNote)
  }
}

/// One customer as the service keeps it.
public struct Customer: Hashable, Sendable {
  public let id: CustomerID
  /// Grows by one with every change that others may see (P-11).
  public var version: Int64
  /// Grows with every change of its identities, so that who read them before locking the customer can tell whether they still stand. Where customers
  /// exchange identities it gets higher than that of each of them: others learn from it which of two owners of an identity is the later one.
  public var membership: Int64
  /// The customer this one became part of; then everything else is empty.
  public var mergedInto: CustomerID?
  public var memberID: String?
  public var firstSeenAt: Instant
  public var ledger: DayLedger
  public var attributes: CustomerAttributes
  /// No later than the first day on which time alone changes something; nil when nothing is due. The daily round asks for these.
  public var dueDay: Day?
  /// Those that rules and people have given it (P-10).
  public var tags: CustomerTags
  /// The newest business day of a contact, a behaviour or an answer (T-06); orders never change it.
  public var lastInteractionDay: Day?
  /// Where its orders lie.
  public var orderMarks = OrderMarks()
  /// Who wrote the row that this was read from; nobody but the lane itself once it has written it.
  public var writtenBy = RowWriter()

  public init(
    id: CustomerID, version: Int64 = 0, membership: Int64 = 0, mergedInto: CustomerID? = nil, memberID: String? = nil, firstSeenAt: Instant,
    ledger: DayLedger = DayLedger(), attributes: CustomerAttributes = CustomerAttributes(), dueDay: Day? = nil,
    tags: CustomerTags = .none, lastInteractionDay: Day? = nil
  ) {
    self.id = id
    self.version = version
    self.membership = membership
    self.mergedInto = mergedInto
    self.memberID = memberID
    self.firstSeenAt = firstSeenAt
    self.ledger = ledger
    self.attributes = attributes
    self.dueDay = dueDay
    self.tags = tags
    self.lastInteractionDay = lastInteractionDay
  }
}

extension Customer {
  /// Time alone changes something on this day too; nil: nothing.
  mutating func bringDueDayForward(to day: Day?) {
    if let day, dueDay.map({ day < $0 }) ?? true { dueDay = day }
  }

  /// Was in touch on this day, other than by an order. The newest day counts, in whatever order they come.
  mutating func interacted(on day: Day) {
    lastInteractionDay = max(lastInteractionDay ?? day, day)
  }
}

/// A customer got or lost tags.
public struct TagChange: Hashable, Sendable {
  public let customer: CustomerID
  public let before: CustomerTags
  public let after: CustomerTags

  public init(customer: CustomerID, before: CustomerTags, after: CustomerTags) {
    self.customer = customer
    self.before = before
    self.after = after
  }
}

/// A fact under the identity it came in with, and the business day on which it became known; nil: before that was kept.
public struct KnownFact<Event: Sendable>: Sendable {
  public let identity: CustomerID
  public let event: Event
  public let knownOn: Day?

  public init(identity: CustomerID, event: Event, knownOn: Day? = nil) {
    self.identity = identity
    self.event = event
    self.knownOn = knownOn
  }

  func wasKnown(on day: Day?) -> Bool {
    guard let day, let knownOn else { return true }
    return knownOn <= day
  }
}

public typealias KnownRegistration = KnownFact<CustomerEvent>
public typealias KnownInteraction = KnownFact<InteractionEvent>

/// A day on which time alone may change something for a customer.
public struct DueCustomer: Hashable, Sendable, Comparable {
  public let day: Day
  public let customer: CustomerID

  public init(day: Day, customer: CustomerID) {
    self.day = day
    self.customer = customer
  }

  public static func < (left: DueCustomer, right: DueCustomer) -> Bool { (left.day, left.customer) < (right.day, right.customer) }
}

/// All that one batch changes, sorted by key, each row once.
public struct ProfileChanges: Sendable {
  public var newIdentities: [Identity] = []
  public var changedIdentities: [Identity] = []
  public var newCustomers: [Customer] = []
  public var changedCustomers: [Customer] = []
  /// Those of them of whom nothing is published.
  public var silentCustomers: Set<CustomerID> = []
  /// Customers that were not locked, with versions one above the ones that were read. Only their aggregates differ, and they are written only
  /// where the stored version is still the one before: otherwise nothing is, and the store throws ``CustomersMoved``.
  public var unlockedCustomers: [Customer] = []
  public var newOrders: [(reference: OrderReference, order: StoredOrder)] = []
  public var changedOrders: [(reference: OrderReference, order: StoredOrder)] = []
  public var registrations: [(identity: CustomerID, event: CustomerEvent)] = []
  /// New, or there already: then nothing happens.
  public var interactions: [(identity: CustomerID, event: InteractionEvent)] = []
  /// New, or to be joined with what is stored.
  public var bonds: [Bond] = []
  public var merges: [MergeRecord] = []
  /// Tags are written by these alone, whatever the customers above say.
  public var tagChanges: [TagChange] = []
  /// Customers whose tags hang on more than was read here: the lane of due work judges them.
  public var toTag: Set<CustomerID> = []
  /// Whose days came and are done with. New ones follow from the customers that are written.
  public var doneDueDays: [DueCustomer] = []
  /// The business day on which all of it becomes known (P-12).
  public var knownOn: Day?

  public init() {}

  /// Takes in what another part of the same batch changes; the two have no row in common. Each list stays sorted by key: two transactions that write
  /// the same rows must come to them in the same order.
  mutating func add(_ other: ProfileChanges) {
    newIdentities = ProfileChanges.merged(newIdentities, other.newIdentities) { $0.key < $1.key }
    changedIdentities = ProfileChanges.merged(changedIdentities, other.changedIdentities) { $0.key < $1.key }
    newCustomers = ProfileChanges.merged(newCustomers, other.newCustomers) { $0.id < $1.id }
    changedCustomers = ProfileChanges.merged(changedCustomers, other.changedCustomers) { $0.id < $1.id }
    silentCustomers.formUnion(other.silentCustomers)
    unlockedCustomers = ProfileChanges.merged(unlockedCustomers, other.unlockedCustomers) { $0.id < $1.id }
    newOrders = ProfileChanges.merged(newOrders, other.newOrders) { $0.reference < $1.reference }
    changedOrders = ProfileChanges.merged(changedOrders, other.changedOrders) { $0.reference < $1.reference }
    registrations += other.registrations
    interactions += other.interactions
    bonds += other.bonds
    merges += other.merges
    tagChanges += other.tagChanges
    toTag.formUnion(other.toTag)
    doneDueDays += other.doneDueDays
    knownOn = knownOn ?? other.knownOn
  }

  private static func merged<Row>(_ left: [Row], _ right: [Row], by precedes: (Row, Row) -> Bool) -> [Row] {
    if left.isEmpty { return right }
    return right.isEmpty ? left : (left + right).sorted(by: precedes)
  }

  public var isEmpty: Bool {
    newIdentities.isEmpty && changedIdentities.isEmpty && newCustomers.isEmpty && changedCustomers.isEmpty
      && unlockedCustomers.isEmpty && newOrders.isEmpty && changedOrders.isEmpty && registrations.isEmpty && interactions.isEmpty
      && bonds.isEmpty && merges.isEmpty && tagChanges.isEmpty && toTag.isEmpty && doneDueDays.isEmpty
  }
}

/// An identity whose owner is known.
public struct OwnedIdentity: Hashable, Sendable {
  public let key: IdentityKey
  public let isStrong: Bool
  public let firstSeenAt: Instant

  public init(key: IdentityKey, isStrong: Bool, firstSeenAt: Instant) {
    self.key = key
    self.isStrong = isStrong
    self.firstSeenAt = firstSeenAt
  }

  public init(_ identity: Identity) { self.init(key: identity.key, isStrong: identity.isStrong, firstSeenAt: identity.firstSeenAt) }
}

/// The profile's tables. One suite of tests holds for every conformance.
public protocol ProfileStore {
  /// The 64-bit hash an order is found by. Orders whose hashes are equal are told apart by the store.
  func orderKey(source: UnsafeRawBufferPointer, orderID: UnsafeRawBufferPointer, creditNote: UnsafeRawBufferPointer) -> Int64
  /// The identities stored under these keys, each with the membership count its customer had when it was read.
  mutating func identities(_ keys: [IdentityKey]) throws -> [(identity: Identity, membership: Int64)]
  /// The identities that bear these numbers, likewise.
  mutating func identities(numbered ids: [CustomerID]) throws -> [(identity: Identity, membership: Int64)]
  /// The identities stored under these keys, as far as one must know them to tell a plain order, each with its customer, unlocked.
  mutating func owners(of keys: [IdentityKey]) throws -> [(identity: OwnedIdentity, customer: Customer)]
  /// All identities of these customers, each with the membership count and the marks of orders that its customer had when it was read.
  mutating func members(of customers: [CustomerID]) throws -> [(identity: Identity, membership: Int64, marks: OrderMarks)]
  /// The bonds between these pairs.
  mutating func bonds(_ pairs: [IdentityPair]) throws -> [Bond]
  /// The bonds of these identities: of each at most `count` in which it was named beside a stronger one, and as many in which it was the stronger.
  mutating func bonds(of keys: [IdentityKey], max count: Int) throws -> [Bond]
  /// The decisions that name one of these identities, each whole.
  mutating func decisions(about keys: [IdentityKey]) throws -> [IdentityDecision]
  /// The customers stored under these ids, locked in id order until the transaction ends.
  mutating func lockCustomers(_ ids: [CustomerID]) throws -> [Customer]
  /// Those of these orders that are filed under what is said of each.
  mutating func orders(_ sought: [SoughtOrder]) throws -> [OrderReference: StoredOrder]
  /// Every order kept under these identities that is filed under what is said of each.
  mutating func orders(of sought: [SoughtOrders]) throws -> [OrderReference: StoredOrder]
  /// Every order kept under these identities, wherever it lies: for who trusts no marks.
  mutating func allOrders(of identities: [CustomerID]) throws -> [OrderReference: StoredOrder]
  /// Which of these registrations (source, event id) are already stored.
  mutating func knownRegistrations(_ events: [(identity: CustomerID, source: String, eventID: String)]) throws -> [Bool]
  mutating func registrations(of identities: [CustomerID]) throws -> [KnownRegistration]
  /// Contacts, behaviours and answers of these identities, those from a moment on (nil: all).
  mutating func interactions(of identities: [CustomerID], since: Instant?) throws -> [KnownInteraction]
  /// The newest contact, behaviour or answer before a moment (nil: ever) of each of these identities that has one.
  mutating func lastInteractions(of identities: [CustomerID], before end: Instant?) throws -> [(identity: CustomerID, at: Instant)]
  /// All tags that people ever gave these identities.
  mutating func manualTags(of identities: [CustomerID]) throws -> [ManualTag]
  /// The customers for whom time alone may change something by the end of this day, those due first, unlocked. Who is due on several days by now
  /// is named with each; a customer whose row has another day by now as well.
  mutating func customersDue(by day: Day, max count: Int) throws -> [DueCustomer]
  mutating func write(_ changes: ProfileChanges) throws
  /// Writes what plain orders changed together with everything else of their batch; each table's rows in one order.
  mutating func write(
    _ plain: PlainRows, of items: [ProfileItem], _ bytes: UnsafeRawBufferPointer, _ known: borrowing KnownCustomers, beside changes: ProfileChanges) throws
}

extension ProfileStore {
  public mutating func write(
    _ plain: PlainRows, of items: [ProfileItem], _ bytes: UnsafeRawBufferPointer, _ known: borrowing KnownCustomers, beside changes: ProfileChanges
  ) throws {
    try write(plain.changes(of: items, bytes, known, beside: changes))
  }
}

extension ProfileStore {
  /// The newest business day of a contact, a behaviour or an answer of each customer that has one (T-06).
  ///
  /// - Parameters:
  ///   - owners: the customers by their identities.
  ///   - more: what this transaction has not written yet.
  public mutating func lastInteractionDays(
    _ owners: [CustomerID: CustomerID], before end: Instant? = nil, with more: [(identity: CustomerID, event: InteractionEvent)] = [], in zone: BusinessZone
  ) throws -> [CustomerID: Day] {
    var days: [CustomerID: Day] = [:]
    for (identity, at) in try lastInteractions(of: owners.keys.sorted(), before: end) + more.map({ ($0.identity, $0.event.occurredAt) }) {
      guard let owner = owners[identity] else { continue }
      let day = zone.day(of: at)
      days[owner] = max(days[owner] ?? day, day)
    }
    return days
  }
}

/// Another transaction changed a customer that was written without a lock: roll back and do the batch again.
public struct CustomersMoved: Error, Sendable {
  public init() {}
}

/// More identities hang together than one batch can work out.
public struct IdentitiesEntangled: Error, Sendable {
  public init() {}
}

/// Another transaction regrouped the same customers in between: roll back and do the batch again.
public struct IdentitiesMoved: Error, Sendable {
  public init() {}
}
