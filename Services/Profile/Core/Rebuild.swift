// Aggregates worked out anew from facts: equal to what increments made, exactly, or the difference is repaired and told (P-05).
public import Domain

public enum Rebuild {
  public struct Difference: Hashable, Sendable {
    public let before: Customer
    public let after: Customer
  }

  /// Works these customers out from their facts. What differs is written and returned; equal ones are left alone. Their tags hang on the day as well:
  /// the lane of due work judges them anew.
  public static func apply(_ ids: [CustomerID], to store: inout some ProfileStore, rules: ProfileRules) throws -> [Difference] {
    let standing = try store.lockCustomers(ids.sorted()).filter { $0.mergedInto == nil }
    let facts = try CustomerFacts.load(standing.map(\.id), from: &store, trustingMarks: false)
    let lastInteractions = try store.lastInteractionDays(facts.owners, in: rules.zone)
    var changes = ProfileChanges()
    changes.toTag = Set(standing.map(\.id))
    var differences: [Difference] = []
    for before in standing {
      var after = before
      after.ledger = DayLedger(contributions: facts.contributions(of: before.id, in: rules.zone))
      after.attributes = facts.attributes(of: before.id)
      after.memberID = facts.memberID(of: before.id)
      after.lastInteractionDay = lastInteractions[before.id]
      after.orderMarks = facts.marks[before.id] ?? OrderMarks()
      guard after != before else { continue }
      after.version += 1
      changes.changedCustomers.append(after)
      differences.append(Difference(before: before, after: after))
    }
    if !changes.isEmpty { try store.write(changes) }
    return differences
  }
}

/// Everything stored about some customers, by customer.
public struct CustomerFacts: Sendable {
  public private(set) var identities: [CustomerID: [Identity]] = [:]
  public private(set) var orders: [CustomerID: [(reference: OrderReference, record: OrderRecord)]] = [:]
  private var registrations: [CustomerID: [CustomerEvent]] = [:]
  /// Where the orders of each customer lie.
  var marks: [CustomerID: OrderMarks] = [:]
  /// Only what was known at the end of this business day is here; nil: everything.
  public private(set) var knownOn: Day?

  /// - Parameters:
  ///   - day: only what was known at the end of this business day (P-12). Who is who is what is known of it today.
  ///   - trustsMarks: whether orders are looked for where the customers' rows say that they lie.
  public static func load(
    _ customers: [CustomerID], knownOn day: Day? = nil, from store: inout some ProfileStore, trustingMarks trustsMarks: Bool = true
  ) throws -> CustomerFacts {
    var facts = CustomerFacts()
    facts.knownOn = day
    guard !customers.isEmpty else { return facts }
    var owners: [CustomerID: CustomerID] = [:]
    var sought: [SoughtOrders] = []
    for (identity, _, marks) in try store.members(of: customers) {
      owners[identity.id] = identity.customer
      sought.append(SoughtOrders(identity: identity.id, months: marks.months))
      facts.identities[identity.customer, default: []].append(identity)
    }
    let ids = owners.keys.sorted()
    for (reference, order) in trustsMarks ? try store.orders(of: sought) : try store.allOrders(of: ids) {
      guard let owner = owners[reference.identity] else { continue }
      facts.marks[owner, default: OrderMarks()].insert(order.key, order.month)
      guard let known = day.map({ order.record.asKnown(on: $0) }) ?? order.record else { continue }
      facts.orders[owner, default: []].append((reference, known))
    }
    for fact in try store.registrations(of: ids) where fact.wasKnown(on: day) {
      if let owner = owners[fact.identity] { facts.registrations[owner, default: []].append(fact.event) }
    }
    return facts
  }

  /// Customers by their identities.
  var owners: [CustomerID: CustomerID] {
    Dictionary(identities.values.joined().map { ($0.id, $0.customer) }) { first, _ in first }
  }

  /// What all orders of a customer add, with what had happened by the end of `asOf` (nil: everything).
  public func contributions(of customer: CustomerID, in zone: BusinessZone, asOf: Day? = nil) -> [DayEntry] {
    (orders[customer] ?? []).flatMap { $0.record.contribution(in: zone, asOf: asOf) }
  }

  /// What registrations said, with those of before `end` (nil: everything).
  public func attributes(of customer: CustomerID, before end: Instant? = nil) -> CustomerAttributes {
    var attributes = CustomerAttributes()
    for event in registrations[customer] ?? [] where end.map({ event.occurredAt < $0 }) ?? true { _ = attributes.apply(event) }
    return attributes
  }

  /// Contacts, behaviours and answers of a customer.
  public func interactions(of customer: CustomerID, from store: inout some ProfileStore) throws -> [InteractionEvent] {
    try store.interactions(of: (identities[customer] ?? []).map(\.id), since: nil).filter { $0.wasKnown(on: knownOn) }.map(\.event)
  }

  public func registrations(of customer: CustomerID) -> [CustomerEvent] { registrations[customer] ?? [] }

  public func memberID(of customer: CustomerID) -> String? {
    let members = (identities[customer] ?? []).filter { $0.kind == .memberID }
    return members.min { ($0.firstSeenAt, $0.id) < ($1.firstSeenAt, $1.id) }?.value
  }
}
