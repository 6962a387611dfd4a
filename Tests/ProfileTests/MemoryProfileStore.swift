// The profile's tables as dictionaries: what the PostgreSQL store must do, in the fewest words.
import Domain
import ProfileCore
import ProfileStore

struct MemoryProfileStore: ProfileStore {
  var identities: [IdentityKey: Identity] = [:]
  var customers: [CustomerID: Customer] = [:]
  var orders: [OrderReference: StoredOrder] = [:]
  var registered: [KnownRegistration] = []
  var interactions: [KnownInteraction] = []
  var bonds: [IdentityPair: Bond] = [:]
  var decided: [IdentityDecision] = []
  var merges: [MergeRecord] = []
  var manual: [ManualTag] = []
  var due: Set<DueCustomer> = []
  /// Orders that were stored twice, under two months.
  var doubled: Set<OrderReference> = []
  /// Customers whose tags the lane of due work is to judge.
  var toTag: Set<CustomerID> = []

  func orderKey(source: UnsafeRawBufferPointer, orderID: UnsafeRawBufferPointer, creditNote: UnsafeRawBufferPointer) -> Int64 {
    PostgresProfileStore.usualOrderKey(source, orderID, creditNote)
  }
  mutating func identities(_ keys: [IdentityKey]) throws -> [(identity: Identity, membership: Int64)] {
    keys.compactMap { key in identities[key].map { ($0, customers[$0.customer]?.membership ?? -1) } }
  }
  mutating func identities(numbered ids: [CustomerID]) throws -> [(identity: Identity, membership: Int64)] {
    identities.values.filter { ids.contains($0.id) }.map { ($0, customers[$0.customer]?.membership ?? -1) }
  }
  mutating func owners(of keys: [IdentityKey]) throws -> [(identity: OwnedIdentity, customer: Customer)] {
    keys.compactMap { key in identities[key].flatMap { identity in customers[identity.customer].map { (OwnedIdentity(identity), $0) } } }
  }
  mutating func customersDue(by day: Day, max count: Int) throws -> [DueCustomer] {
    Array(due.filter { $0.day <= day }.sorted().prefix(count))
  }
  mutating func members(of customers: [CustomerID]) throws -> [(identity: Identity, membership: Int64, marks: OrderMarks)] {
    let wanted = Set(customers)
    return identities.values.filter { wanted.contains($0.customer) }.map { identity in
      let customer = self.customers[identity.customer]
      return (identity, customer?.membership ?? -1, customer?.orderMarks ?? OrderMarks())
    }
  }
  mutating func bonds(_ pairs: [IdentityPair]) throws -> [Bond] { pairs.compactMap { bonds[$0] } }
  mutating func bonds(of keys: [IdentityKey], max count: Int) throws -> [Bond] {
    keys.flatMap { key in
      bonds.values.filter { $0.pair.other == key }.sorted { $0.pair < $1.pair }.prefix(count)
        + bonds.values.filter { $0.pair.leader == key }.sorted { $0.pair < $1.pair }.prefix(count)
    }
  }
  mutating func decisions(about keys: [IdentityKey]) throws -> [IdentityDecision] {
    decided.filter { decision in keys.contains { decision.left.contains($0) || decision.right.contains($0) } }
  }
  mutating func lockCustomers(_ ids: [CustomerID]) throws -> [Customer] { ids.compactMap { customers[$0] } }
  /// Who looks under the wrong month does not find it, as in the tables.
  mutating func orders(_ sought: [SoughtOrder]) throws -> [OrderReference: StoredOrder] {
    var found: [OrderReference: StoredOrder] = [:]
    for one in sought { if let order = orders[one.reference], one.months.contains(order.month), one.key == order.key { found[one.reference] = order } }
    return found
  }
  mutating func orders(of sought: [SoughtOrders]) throws -> [OrderReference: StoredOrder] {
    let months = Dictionary(sought.map { ($0.identity, $0.months) }) { $0 + $1 }
    return orders.filter { months[$0.key.identity]?.contains($0.value.month) ?? false }
  }
  mutating func allOrders(of identities: [CustomerID]) throws -> [OrderReference: StoredOrder] {
    let wanted = Set(identities)
    return orders.filter { wanted.contains($0.key.identity) }
  }
  mutating func knownRegistrations(_ events: [(identity: CustomerID, source: String, eventID: String)]) throws -> [Bool] {
    events.map { asked in registered.contains { $0.identity == asked.identity && $0.event.source == asked.source && $0.event.eventID == asked.eventID } }
  }
  mutating func registrations(of identities: [CustomerID]) throws -> [KnownRegistration] {
    let wanted = Set(identities)
    return registered.filter { wanted.contains($0.identity) }
  }
  mutating func interactions(of identities: [CustomerID], since: Instant?) throws -> [KnownInteraction] {
    let wanted = Set(identities)
    return interactions.filter { one in wanted.contains(one.identity) && since.map { one.event.occurredAt >= $0 } ?? true }
  }
  mutating func lastInteractions(of identities: [CustomerID], before end: Instant?) throws -> [(identity: CustomerID, at: Instant)] {
    let wanted = Set(identities)
    let counted = interactions.filter { one in wanted.contains(one.identity) && end.map { one.event.occurredAt < $0 } ?? true }
    return Dictionary(counted.map { ($0.identity, $0.event.occurredAt) }, uniquingKeysWith: max).map { ($0.key, $0.value) }
  }
  mutating func manualTags(of identities: [CustomerID]) throws -> [ManualTag] { manual.filter { identities.contains($0.identity) } }
  /// All of it or nothing. A row that is there already is refused, as the database's keys do.
  mutating func write(_ changes: ProfileChanges) throws {
    var after = self
    for identity in changes.newIdentities { guard after.identities.updateValue(identity, forKey: identity.key) == nil else { throw RowTaken() } }
    for identity in changes.changedIdentities { precondition(after.identities.updateValue(identity, forKey: identity.key) != nil) }
    for customer in changes.newCustomers {
      guard after.customers.updateValue(customer, forKey: customer.id) == nil else { throw RowTaken() }
    }
    for customer in changes.changedCustomers {
      precondition(after.customers.updateValue(customer, forKey: customer.id) != nil)
    }
    for customer in changes.unlockedCustomers {
      guard var stored = after.customers[customer.id], stored.version == customer.version - 1 else { throw CustomersMoved() }
      stored.version += 1
      stored.ledger = customer.ledger
      stored.dueDay = customer.dueDay
      stored.tags = customer.tags
      stored.orderMarks = customer.orderMarks
      after.customers[customer.id] = stored
    }
    // An order that lies under another month is no hindrance.
    for (reference, order) in changes.newOrders {
      if let taken = after.orders.updateValue(order, forKey: reference) {
        guard taken.month != order.month else { throw RowTaken() }
        after.doubled.insert(reference)
      }
    }
    for (reference, order) in changes.changedOrders { precondition(after.orders.updateValue(order, forKey: reference)?.month == order.month) }
    after.registered += changes.registrations.map { KnownRegistration(identity: $0.identity, event: $0.event, knownOn: changes.knownOn) }
    for (identity, event) in changes.interactions
    where !after.interactions.contains(where: { $0.identity == identity && $0.event.eventID == event.eventID }) {
      after.interactions.append(KnownInteraction(identity: identity, event: event, knownOn: changes.knownOn))
    }
    for bond in changes.bonds { after.bonds[bond.pair] = bond }
    after.merges += changes.merges
    // What lies on the side of the tags follows from these alone: nobody's tags may change without one.
    let retagged = after.customers.values.filter { $0.tags != customers[$0.id]?.tags ?? .none }.map(\.id)
    precondition(Set(retagged) == Set(changes.tagChanges.map(\.customer)))
    for change in changes.tagChanges {
      precondition((customers[change.customer]?.tags ?? .none) == change.before && after.customers[change.customer]?.tags == change.after)
    }
    after.toTag.formUnion(changes.toTag)
    after.due.subtract(changes.doneDueDays)
    for customer in after.customers.values where customer.dueDay != customers[customer.id]?.dueDay {
      if let day = customer.dueDay { after.due.insert(DueCustomer(day: day, customer: customer.id)) }
    }
    self = after
  }

  struct RowTaken: Error {}

  /// What must be the same whatever order the facts came in: everything but versions, what was due when, and the record of past merges.
  var essence: [CustomerID: Essence] {
    var result: [CustomerID: Essence] = [:]
    for (id, customer) in customers where customer.mergedInto == nil {
      let members = identities.values.filter { $0.customer == id }
      result[id] = Essence(
        memberID: customer.memberID, firstSeenAt: customer.firstSeenAt, ledger: customer.ledger, attributes: customer.attributes,
        tags: customer.tags, lastInteractionDay: customer.lastInteractionDay,
        identities: Set(members.map { "\($0.kind) \($0.value) \($0.isStrong) \($0.firstSeenAt.microseconds)" }),
        orders: Set(orders.filter { order in members.contains { $0.id == order.key.identity } }.map(\.value.record)), hasRightMarks: hasRightMarks(id),
        isDueInTime: isDueInTime(id))
    }
    return result
  }

  /// Whether the daily round will come to a customer in time.
  func isDueInTime(_ id: CustomerID) -> Bool { customers[id]?.dueDay.map { due.contains(DueCustomer(day: $0, customer: id)) } ?? true }

  /// Whether a customer's row says exactly where its orders lie.
  func hasRightMarks(_ id: CustomerID) -> Bool {
    let members = Set(identities.values.filter { $0.customer == id }.map(\.id))
    let own = orders.filter { members.contains($0.key.identity) }.map(\.value)
    let expected = own.map { $0.month == .none ? 0 : UInt32($0.month.number) << 16 | UInt32(truncatingIfNeeded: $0.key & 0xFFFF) }
    return customers[id]?.orderMarks.marks == Set(expected).sorted() && doubled.isEmpty
  }

  struct Essence: Equatable {
    var memberID: String?
    var firstSeenAt: Instant
    var ledger: DayLedger
    var attributes: CustomerAttributes
    var tags: CustomerTags
    var lastInteractionDay: Day?
    var identities: Set<String>
    var orders: Set<OrderRecord>
    var hasRightMarks: Bool
    var isDueInTime: Bool
  }
}
