// The profile's tables as dictionaries: what the PostgreSQL store must do, in the fewest words.
import Domain
import ProfileCore

struct MemoryProfileStore: ProfileStore {
  var identities: [IdentityKey: Identity] = [:]
  var customers: [CustomerID: Customer] = [:]
  var orders: [OrderReference: OrderRecord] = [:]
  var registered: [(identity: CustomerID, event: CustomerEvent)] = []
  var merges: [MergeRecord] = []

  mutating func identities(_ keys: [IdentityKey]) throws -> [(identity: Identity, membership: Int64)] {
    keys.compactMap { key in identities[key].map { ($0, customers[$0.customer]?.membership ?? -1) } }
  }
  mutating func members(of customers: [CustomerID]) throws -> [Identity] {
    let wanted = Set(customers)
    return identities.values.filter { wanted.contains($0.customer) }
  }
  mutating func lockCustomers(_ ids: [CustomerID]) throws -> [Customer] { ids.compactMap { customers[$0] } }
  mutating func orders(_ references: [OrderReference]) throws -> [OrderReference: OrderRecord] {
    var found: [OrderReference: OrderRecord] = [:]
    for reference in references { found[reference] = orders[reference] }
    return found
  }
  mutating func orders(of identities: [CustomerID]) throws -> [OrderReference: OrderRecord] {
    let wanted = Set(identities)
    return orders.filter { wanted.contains($0.key.identity) }
  }
  mutating func knownRegistrations(_ events: [(identity: CustomerID, source: String, eventID: String)]) throws -> [Bool] {
    events.map { asked in registered.contains { $0.identity == asked.identity && $0.event.source == asked.source && $0.event.eventID == asked.eventID } }
  }
  mutating func registrations(of identities: [CustomerID]) throws -> [(identity: CustomerID, event: CustomerEvent)] {
    let wanted = Set(identities)
    return registered.filter { wanted.contains($0.identity) }
  }
  mutating func write(_ changes: ProfileChanges) throws {
    for identity in changes.newIdentities { precondition(identities.updateValue(identity, forKey: identity.key) == nil) }
    for identity in changes.changedIdentities { precondition(identities.updateValue(identity, forKey: identity.key) != nil) }
    for customer in changes.newCustomers { precondition(customers.updateValue(customer, forKey: customer.id) == nil) }
    for customer in changes.changedCustomers { precondition(customers.updateValue(customer, forKey: customer.id) != nil) }
    for (reference, record) in changes.newOrders { precondition(orders.updateValue(record, forKey: reference) == nil) }
    for (reference, record) in changes.changedOrders { precondition(orders.updateValue(record, forKey: reference) != nil) }
    registered += changes.registrations
    merges += changes.merges
  }

  /// What must be the same whatever order the facts came in: everything but versions, what was due when, and the record of past merges.
  var essence: [CustomerID: Essence] {
    var result: [CustomerID: Essence] = [:]
    for (id, customer) in customers where customer.mergedInto == nil {
      let members = identities.values.filter { $0.customer == id }
      result[id] = Essence(
        memberID: customer.memberID, firstSeenAt: customer.firstSeenAt, ledger: customer.ledger, attributes: customer.attributes,
        identities: Set(members.map { "\($0.kind) \($0.value) \($0.isStrong) \($0.firstSeenAt.microseconds)" }),
        orders: Set(orders.filter { order in members.contains { $0.id == order.key.identity } }.map(\.value)))
    }
    return result
  }

  struct Essence: Equatable {
    var memberID: String?
    var firstSeenAt: Instant
    var ledger: DayLedger
    var attributes: CustomerAttributes
    var identities: Set<String>
    var orders: Set<OrderRecord>
  }
}
