// What one batch of facts does to the unified view of its customers (P-01 to P-08): load, decide, write, in one transaction.
public import Domain
import Handling

/// One fact as it came from ingest, with the keys of its identifiers already worked out.
public struct Arrival: Sendable {
  public enum Event: Sendable {
    case order(OrderEvent)
    case customer(CustomerEvent)
  }
  public let event: Event
  public let sighting: Sighting

  public init(event: Event, sighting: Sighting) {
    self.event = event
    self.sighting = sighting
  }
}

/// What became of one fact.
public enum ArrivalOutcome: Hashable, Sendable {
  case applied
  /// It came before, or a higher revision of the order stands (I-06).
  case duplicate
  case refused(OrderRecord.Refusal)
}

public struct ProfileOutcome: Sendable {
  /// One for each arrival, in order.
  public var outcomes: [ArrivalOutcome] = []
  /// The customers of the long way whose snapshot changed, in id order.
  public var changed: [Customer] = []
  /// Where those of plain orders lie among the known ones.
  public var changedPlaces: [Int] = []
  public var merges: [MergeRecord] = []
}

/// The rules a batch is worked out by.
public struct ProfileRules: Sendable {
  public var zone: BusinessZone
  public var lifecycle: LifecycleRule

  public init(zone: BusinessZone, lifecycle: LifecycleRule = LifecycleRule()) {
    self.zone = zone
    self.lifecycle = lifecycle
  }
}

public struct ProfileBatch {
  private let rules: ProfileRules
  private let today: Day
  private var board = IdentityBoard([])
  private var customers: [CustomerID: Customer] = [:]
  private var standing: [CustomerID: Customer] = [:]
  private var orders: [OrderReference: OrderRecord] = [:]
  private var standingOrders: [OrderReference: OrderRecord] = [:]
  private var changedOrders: Set<OrderReference> = []
  private var registrations: [(identity: CustomerID, event: CustomerEvent)] = []
  private var toRebuild: Set<CustomerID> = []
  private var touched: Set<CustomerID> = []
  /// Standing customers all of whose identities are loaded.
  private var complete: Set<CustomerID> = []
  /// Customers of this transaction that are written elsewhere and must be locked in the same order.
  private var alsoLocked: [CustomerID] = []

  private init(rules: ProfileRules, today: Day) {
    self.rules = rules
    self.today = today
  }

  /// Applies a batch. Facts that came before change nothing; the same facts in any order and any batches end in the same state.
  ///
  /// Orders of customers whose identities an event cannot change are applied to what is known of them, without a lock; everything else goes the
  /// long way. After a conflict everything does.
  /// - Parameter bytes: where the texts of plain orders lie.
  public static func apply(
    _ items: [ProfileItem], _ bytes: UnsafeRawBufferPointer, to store: inout some ProfileStore, known: inout KnownCustomers, rules: ProfileRules,
    at now: Instant
  ) throws -> ProfileOutcome {
    let today = rules.zone.day(of: now)
    var result = ProfileOutcome()
    result.outcomes = Array(repeating: .duplicate, count: items.count)
    var plain = PlainOrders(rules: rules, today: today)
    var rest = Array(items.indices)
    if !known.isCareful { rest = try plain.apply(items, bytes, &store, &known, &result.outcomes) }
    var changes = ProfileChanges()
    if !rest.isEmpty {
      let arrivals = rest.map { items[$0].arrival(bytes) }
      var batch = ProfileBatch(rules: rules, today: today)
      // All rows in one order, or two lanes could wait for each other.
      batch.alsoLocked = plain.rows.movedCustomers.map { known[$0].customer.id }
      try batch.resolveIdentities(arrivals, &store)
      for (place, outcome) in zip(rest, try batch.applyFacts(arrivals, &store)) { result.outcomes[place] = outcome }
      try batch.rebuildWhereNeeded(&store)
      changes = batch.finish()
      if !known.isCareful { batch.tell(&known, arrivals) }
    }
    result.changed = (changes.newCustomers + changes.changedCustomers).sorted { $0.id < $1.id }
    result.changedPlaces = plain.rows.changedPlaces
    result.merges = changes.merges
    changes.add(plain.records)
    if plain.rows.isEmpty {
      if !changes.isEmpty { try store.write(changes) }
    } else {
      try store.write(plain.rows, of: items, bytes, known, beside: changes)
    }
    // From here on this lane is who wrote them last.
    for place in plain.rows.movedCustomers { known[place].customer.writtenBy = RowWriter() }
    return result
  }

  /// Applies a batch of facts given as values.
  public static func apply(
    _ arrivals: [Arrival], to store: inout some ProfileStore, known: inout KnownCustomers, rules: ProfileRules, at now: Instant
  ) throws -> ProfileOutcome {
    let nothing = UnsafeRawBufferPointer(start: nil, count: 0)
    return try apply(arrivals.map { .full($0) }, nothing, to: &store, known: &known, rules: rules, at: now)
  }

  /// Applies a batch that nothing is known for.
  public static func apply(_ arrivals: [Arrival], to store: inout some ProfileStore, rules: ProfileRules, at now: Instant) throws -> ProfileOutcome {
    var nothing = KnownCustomers()
    nothing.forget()
    return try apply(arrivals, to: &store, known: &nothing, rules: rules, at: now)
  }

  /// Notes how the customers of these events stand now, so that the next orders of the same identifiers need no reading.
  private func tell(_ known: inout KnownCustomers, _ arrivals: [Arrival]) {
    for id in customers.keys { known.forget(id) }
    for arrival in arrivals {
      guard case .order = arrival.event, let home = arrival.sighting.named.first, let identity = board.identities[home.key],
        let customer = customers[identity.customer], customer.mergedInto == nil,
        arrival.sighting.named.allSatisfy({ board.identities[$0.key]?.customer == identity.customer })
      else { continue }
      let companions = Array(arrival.sighting.named.dropFirst())
      let since = companions.isEmpty ? identity.firstSeenAt : arrival.sighting.at
      known.note(home.key, of: known.note(customer), isStrong: identity.isStrong, since: since, companions: companions)
    }
  }

  // MARK: - Identities

  private mutating func resolveIdentities(_ arrivals: [Arrival], _ store: inout some ProfileStore) throws {
    var keys: Set<IdentityKey> = []
    for arrival in arrivals { for named in arrival.sighting.named { keys.insert(named.key) } }
    let known = try store.identities(keys.sorted())
    board.load(known.map(\.identity))
    let owners = Set(known.map(\.identity.customer))
    try lock(owners, &store, beside: alsoLocked)
    for (identity, membership) in known {
      guard let owner = customers[identity.customer], owner.membership == membership, owner.mergedInto == nil else { throw IdentitiesMoved() }
    }
    let incomplete = board.customersToLoad(for: arrivals.map(\.sighting))
    if !incomplete.isEmpty { board.load(try store.members(of: incomplete.sorted()), completing: incomplete) }
    complete.formUnion(incomplete)
    for arrival in arrivals { board.apply(arrival.sighting) }
    // A customer may get the number of an identity whose row stands as merged: its version must go on from there.
    try lock(board.regrouped.subtracting(customers.keys), &store)
    toRebuild = board.regrouped
  }

  private mutating func lock(_ ids: Set<CustomerID>, _ store: inout some ProfileStore, beside others: [CustomerID] = []) throws {
    guard !ids.isEmpty || !others.isEmpty else { return }
    for customer in try store.lockCustomers(ids.union(others).sorted()) where ids.contains(customer.id) {
      customers[customer.id] = customer
      standing[customer.id] = customer
    }
  }

  /// The customer of an identity as this batch leaves it, created when it is new.
  private mutating func customer(_ id: CustomerID, firstSeenAt: Instant) -> Customer {
    if let customer = customers[id] { return customer }
    let customer = Customer(id: id, firstSeenAt: firstSeenAt)
    customers[id] = customer
    return customer
  }

  // MARK: - Facts

  private func reference(_ event: OrderEvent, home: IdentityKey) -> OrderReference {
    OrderReference(
      identity: home.identityID, source: event.source, orderID: event.orderID ?? "", creditNote: event.orderID == nil ? event.reference : "")
  }

  private mutating func applyFacts(_ arrivals: [Arrival], _ store: inout some ProfileStore) throws -> [ArrivalOutcome] {
    var references: Set<OrderReference> = []
    var asked: [(identity: CustomerID, source: String, eventID: String)] = []
    for arrival in arrivals {
      guard let home = arrival.sighting.named.first?.key else { continue }
      switch arrival.event {
      case .order(let event): references.insert(reference(event, home: home))
      case .customer(let event): asked.append((home.identityID, event.source, event.eventID))
      }
    }
    standingOrders = references.isEmpty ? [:] : try store.orders(references.sorted())
    orders = standingOrders
    var known = (asked.isEmpty ? [] : try store.knownRegistrations(asked)).makeIterator()
    var seenRegistrations: Set<[String]> = []
    var outcomes: [ArrivalOutcome] = []
    outcomes.reserveCapacity(arrivals.count)
    for arrival in arrivals {
      guard let home = arrival.sighting.named.first?.key, let owner = board.customer(of: home) else {
        outcomes.append(.duplicate)
        continue
      }
      touched.insert(owner)
      switch arrival.event {
      case .order(let event): outcomes.append(apply(event, home: home, owner: owner, at: arrival.sighting.at))
      case .customer(let event):
        let isKnown = known.next() ?? false
        let isNew = seenRegistrations.insert([event.source, event.eventID, home.hexadecimal]).inserted && !isKnown
        outcomes.append(isNew ? apply(event, home: home, owner: owner) : .duplicate)
      }
    }
    return outcomes
  }

  private mutating func apply(_ event: OrderEvent, home: IdentityKey, owner: CustomerID, at: Instant) -> ArrivalOutcome {
    let reference = reference(event, home: home)
    var record = orders[reference] ?? OrderRecord(for: event)
    let before = orders[reference] == nil ? [] : record.contribution(in: rules.zone)
    do {
      guard try record.apply(event) else { return .duplicate }
    } catch { return .refused(error) }
    orders[reference] = record
    changedOrders.insert(reference)
    var customer = customer(owner, firstSeenAt: at)
    if !toRebuild.contains(owner), !customer.ledger.replace(before, by: record.contribution(in: rules.zone)) { toRebuild.insert(owner) }
    customers[owner] = customer
    return .applied
  }

  private mutating func apply(_ event: CustomerEvent, home: IdentityKey, owner: CustomerID) -> ArrivalOutcome {
    registrations.append((home.identityID, event))
    var customer = customer(owner, firstSeenAt: event.occurredAt)
    _ = customer.attributes.apply(event)
    customers[owner] = customer
    return .applied
  }

  // MARK: - What facts must decide anew

  private mutating func rebuildWhereNeeded(_ store: inout some ProfileStore) throws {
    let incomplete = toRebuild.filter { !board.regrouped.contains($0) && standing[$0] != nil }
    if !incomplete.isEmpty { board.load(try store.members(of: incomplete.sorted()), completing: incomplete) }
    complete.formUnion(incomplete)
    var owners: [CustomerID: CustomerID] = [:]
    for id in toRebuild { for key in board.members(of: id) { owners[key.identityID] = id } }
    guard !toRebuild.isEmpty else { return }
    var facts = try store.orders(of: owners.keys.sorted())
    for (reference, record) in orders where owners[reference.identity] != nil { facts[reference] = record }
    var contributions: [CustomerID: [DayEntry]] = [:]
    for (reference, record) in facts {
      if let owner = owners[reference.identity] { contributions[owner, default: []] += record.contribution(in: rules.zone) }
    }
    var attributes: [CustomerID: CustomerAttributes] = [:]
    for (identity, event) in try store.registrations(of: owners.keys.sorted()) + registrations {
      if let owner = owners[identity] { _ = attributes[owner, default: CustomerAttributes()].apply(event) }
    }
    for id in toRebuild.sorted() {
      let members = board.members(of: id).compactMap { board.identities[$0] }
      guard let firstSeenAt = members.map(\.firstSeenAt).min() else {
        retire(id)
        continue
      }
      var customer = customer(id, firstSeenAt: firstSeenAt)
      customer.mergedInto = nil
      customer.firstSeenAt = firstSeenAt
      customer.ledger = DayLedger(contributions: contributions[id] ?? [])
      customer.attributes = attributes[id] ?? CustomerAttributes()
      customers[id] = customer
      touched.insert(id)
    }
  }

  /// A customer without identities became part of the one its own identity belongs to now.
  private mutating func retire(_ id: CustomerID) {
    guard var customer = customers[id], let own = board.identities.values.first(where: { $0.id == id }) else {
      customers[id] = nil
      return
    }
    customer.mergedInto = own.customer
    customer.memberID = nil
    customer.ledger = DayLedger()
    customer.attributes = CustomerAttributes()
    customer.dueDay = nil
    customers[id] = customer
    touched.insert(id)
  }

  // MARK: - Result

  private mutating func finish() -> ProfileChanges {
    var changes = ProfileChanges()
    for key in board.changed.sorted() {
      guard let identity = board.identities[key] else { continue }
      if board.isNew(key) { changes.newIdentities.append(identity) } else { changes.changedIdentities.append(identity) }
    }
    let changedMembers = Set(changes.newIdentities.map(\.customer)).union(changes.changedIdentities.map(\.customer)).union(board.regrouped)
    for id in touched.union(changedMembers).sorted() {
      guard var customer = customers[id] ?? created(id) else { continue }
      settle(&customer, membersChanged: changedMembers.contains(id))
      guard customer != standing[id] else { continue }
      customer.version += 1
      customer.writtenBy = RowWriter()
      customers[id] = customer
      if standing[id] == nil { changes.newCustomers.append(customer) } else { changes.changedCustomers.append(customer) }
    }
    for reference in changedOrders.sorted() {
      guard let record = orders[reference] else { continue }
      if standingOrders[reference] == nil { changes.newOrders.append((reference, record)) } else { changes.changedOrders.append((reference, record)) }
    }
    changes.registrations = registrations
    changes.merges = board.merges
    return changes
  }

  private func created(_ id: CustomerID) -> Customer? {
    let members = board.members(of: id).compactMap { board.identities[$0] }
    guard let firstSeenAt = members.map(\.firstSeenAt).min() else { return nil }
    return Customer(id: id, firstSeenAt: firstSeenAt)
  }

  /// Brings what hangs on identities and on time up to date.
  private func settle(_ customer: inout Customer, membersChanged: Bool) {
    guard customer.mergedInto == nil else { return }
    let members = board.members(of: customer.id).compactMap { board.identities[$0] }
    if membersChanged {
      customer.membership += 1
      let knowsAll = standing[customer.id] == nil || complete.contains(customer.id) || board.regrouped.contains(customer.id)
      if knowsAll, let member = members.filter({ $0.kind == .memberID }).min(by: { ($0.firstSeenAt, $0.id) < ($1.firstSeenAt, $1.id) }) {
        customer.memberID = member.value
      }
      if let first = members.map(\.firstSeenAt).min() { customer.firstSeenAt = min(customer.firstSeenAt, first) }
    }
    let due = rules.lifecycle.nextChange(firstPaidDay: customer.ledger.firstPaidDay, lastPaidDay: customer.ledger.lastPaidDay, after: today)
    if let due, customer.dueDay.map({ due < $0 }) ?? true { customer.dueDay = due }
  }
}
