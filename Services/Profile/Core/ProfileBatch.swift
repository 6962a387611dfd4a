// What one batch of facts does to the unified view of its customers (P-01 to P-08): load, decide, write, in one transaction.
public import Contracts
public import Domain
import Handling

/// One fact as it came from ingest, with the keys of its identifiers already worked out.
public struct Arrival: Sendable {
  public enum Event: Sendable {
    case order(OrderEvent)
    case customer(CustomerEvent)
    case interaction(InteractionEvent)
  }
  public let event: Event
  public let sighting: Sighting
  /// The home of an event that names no identifiers, by its number; see ``HomelessArrivals``.
  public let home: CustomerID?

  public init(event: Event, sighting: Sighting, home: CustomerID? = nil) {
    self.event = event
    self.sighting = sighting
    self.home = home
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
  /// Contacts and answers with the customers they belong to; those that came before are among them.
  public var contacts: [CustomerContact] = []
  public var answers: [CustomerAnswer] = []
  /// Identities that belong to another customer than before.
  public var moves: [IdentityMove] = []
  /// Identities that are addresses, where something about them is new.
  public var addresses: [CustomerAddress] = []
  /// What working out anew who is who has changed.
  public var differences: [Rebuild.Difference] = []
}

/// The rules a batch is worked out by.
public struct ProfileRules: Sendable {
  public var zone: BusinessZone
  public var lifecycle: LifecycleRule
  public var identity: IdentityRules
  public var tags: TagRules
  /// Orders of which everything happened so many months ago are put away (S-09); nil: none are.
  public var coldAfterMonths: Int?
  /// The day before which orders were put away already, by whatever setting.
  public var coldBefore: Day?

  /// Orders from before this day may have been put away, as far as anybody knows on a day.
  func coldLine(on today: Day) -> Instant? {
    let line = [coldAfterMonths.map { today.adding(months: -$0) }, coldBefore].compactMap { $0 }.max()
    // Another process may be at the next day already.
    return line.map { zone.startOfDay($0 + 2) }
  }

  public init(zone: BusinessZone, lifecycle: LifecycleRule = LifecycleRule(), identity: IdentityRules = .standard, tags: TagRules = .none) {
    self.zone = zone
    self.lifecycle = lifecycle
    self.identity = identity
    self.tags = tags
  }
}

public struct ProfileBatch {
  private let rules: ProfileRules
  private let today: Day
  private var board: IdentityBoard
  private var customers: [CustomerID: Customer] = [:]
  private var standing: [CustomerID: Customer] = [:]
  private var orders: [OrderReference: StoredOrder] = [:]
  private var standingOrders: [OrderReference: StoredOrder] = [:]
  private var changedOrders: Set<OrderReference> = []
  /// The keys of the orders that this batch names.
  private var keys: [OrderReference: Int64] = [:]
  private var registrations: [(identity: CustomerID, event: CustomerEvent)] = []
  private var interactions: [(identity: CustomerID, event: InteractionEvent)] = []
  private var toRebuild: Set<CustomerID> = []
  private var touched: Set<CustomerID> = []
  /// How often the identities of each customer had changed when they were read.
  private var memberships: [CustomerID: Int64] = [:]
  /// Whose each identity was when it was read: that customer's row says where its orders lie.
  private var formerOwners: [CustomerID: CustomerID] = [:]
  /// Whether orders are looked for everywhere, whatever the customers' rows say of them.
  private var trustsMarks = true
  /// Customers of this transaction that are written elsewhere and must be locked in the same order.
  private var alsoLocked: [CustomerID] = []
  /// Rows that were locked because a customer of this batch may get their numbers.
  private var spare: [CustomerID: Customer] = [:]
  /// The highest count of changes among the customers that exchange identities.
  private var tide: Int64 = 0
  private let tagger: Tagger
  private var toTag: Set<CustomerID> = []

  private init(rules: ProfileRules, today: Day) {
    self.rules = rules
    self.today = today
    tagger = Tagger(rules, today: today)
    board = IdentityBoard(rules: rules.identity)
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
      (result.contacts, result.answers) = batch.published
      result.moves = batch.moves(at: now)
      result.addresses = batch.addresses(changes)
      // What hangs together by bonds may reach a customer of the short way: then everything goes the long way.
      let moved = Set(batch.alsoLocked)
      if changes.changedCustomers.contains(where: { moved.contains($0.id) }) { throw CustomersMoved() }
      if !known.isCareful { batch.tell(&known, arrivals) }
    }
    result.changed = (changes.newCustomers + changes.changedCustomers).sorted { $0.id < $1.id }
    result.changedPlaces = plain.rows.changedPlaces
    result.merges = changes.merges
    result.addresses += plain.rows.addresses(of: items, bytes, known)
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

  /// Identities that one batch may hang together with: more are no person's, and the records that lead to them are refused.
  public static let identitiesMax = 200_000

  private mutating func resolveIdentities(_ arrivals: [Arrival], _ store: inout some ProfileStore) throws {
    var keys: Set<IdentityKey> = []
    var pairs: Set<IdentityPair> = []
    for arrival in arrivals {
      for named in arrival.sighting.named { keys.insert(named.key) }
      pairs.formUnion(IdentityBoard.pairs(of: arrival.sighting))
    }
    var found = try read(keys, &store)
    if !pairs.isEmpty { board.load(try store.bonds(pairs.sorted())) }
    var seeds: Set<IdentityKey> = []
    for arrival in arrivals where board.changes(arrival.sighting) { for named in arrival.sighting.named { seeds.insert(named.key) } }
    try readWhole(seeds, &found, &store)
    try lockWhatWasRead(and: keys, &store)
    for arrival in arrivals { board.apply(arrival.sighting) }
    regroup()
  }

  /// Reads the identities under these keys, and how often those of their customers had changed.
  private mutating func read(_ keys: Set<IdentityKey>, _ store: inout some ProfileStore) throws -> Set<IdentityKey> {
    take(try store.identities(keys.sorted()))
  }

  private mutating func take(_ known: [(identity: Identity, membership: Int64)]) -> Set<IdentityKey> {
    board.load(known.map(\.identity))
    for (identity, membership) in known {
      memberships[identity.customer] = min(membership, memberships[identity.customer] ?? membership)
      formerOwners[identity.id] = identity.customer
    }
    return Set(known.map(\.identity.key))
  }

  /// Reads everything that hangs together with these identities: the rest of their customers, what they were named with, what decisions say.
  private mutating func readWhole(_ seeds: Set<IdentityKey>, _ found: inout Set<IdentityKey>, _ store: inout some ProfileStore) throws {
    var front = seeds.intersection(found)
    var whole: Set<IdentityKey> = []
    // A decision may name an identity that no event has named here yet: after a restore decisions are there before their events.
    let unseen = seeds.subtracting(found)
    if !unseen.isEmpty {
      let decisions = try store.decisions(about: unseen.sorted())
      board.load(decisions)
      let named = Set(decisions.flatMap { $0.left + $0.right })
      found.formUnion(try read(named.subtracting(found), &store))
      front.formUnion(named.intersection(found))
    }
    var asked: Set<CustomerID> = []
    while !front.isEmpty {
      whole.formUnion(front)
      guard whole.count <= ProfileBatch.identitiesMax else { throw IdentitiesEntangled() }
      let owners = Set(front.compactMap { board.customer(of: $0) }).subtracting(asked)
      asked.formUnion(owners)
      var next = owners.isEmpty ? [] : take(try store.members(of: owners.sorted()).map { ($0.identity, $0.membership) })
      let bonds = try store.bonds(of: front.sorted(), max: IdentityBoard.ledMax + 1)
      let decisions = try store.decisions(about: front.sorted())
      board.load(bonds)
      board.load(decisions)
      var named: Set<IdentityKey> = []
      for (key, itsBonds, itsDecisions) in ProfileBatch.byKey(front, bonds, decisions) { named.formUnion(board.neighbours(of: key, itsBonds, itsDecisions)) }
      let unknown = named.subtracting(found).subtracting(next)
      if !unknown.isEmpty { next.formUnion(try read(unknown, &store)) }
      // Mostly they are with whom they follow; an operator may have put them elsewhere.
      let followed = board.unknownLeaders(of: front)
      if !followed.isEmpty { next.formUnion(take(try store.identities(numbered: followed.sorted()))) }
      found.formUnion(next)
      front = next.union(named.intersection(found)).subtracting(whole)
    }
    board.complete(whole)
  }

  private static func byKey(
    _ keys: Set<IdentityKey>, _ bonds: [Bond], _ decisions: [IdentityDecision]
  ) -> [(key: IdentityKey, bonds: [Bond], decisions: [IdentityDecision])] {
    var bondsOf: [IdentityKey: [Bond]] = [:]
    for bond in bonds { for key in [bond.pair.other, bond.pair.leader] where keys.contains(key) { bondsOf[key, default: []].append(bond) } }
    var decisionsOf: [IdentityKey: [IdentityDecision]] = [:]
    for decision in decisions { for key in decision.left + decision.right where keys.contains(key) { decisionsOf[key, default: []].append(decision) } }
    return keys.map { ($0, bondsOf[$0] ?? [], decisionsOf[$0] ?? []) }
  }

  /// Locks the customers of all identities that were read, and looks whether they still stand as they were read.
  ///
  /// In one go, in id order, with everything else that this batch may come to: the rows under the numbers of all identities it read or names, one of
  /// which a customer may get. A row that was locked later could be out of order, and two lanes would wait for each other.
  private mutating func lockWhatWasRead(and named: Set<IdentityKey>, _ store: inout some ProfileStore) throws {
    let ids = Set(memberships.keys)
    let others = board.numbers + named.map(\.identityID) + alsoLocked
    guard !ids.isEmpty || !others.isEmpty else { return }
    for customer in try store.lockCustomers(ids.union(others).sorted()) {
      if ids.contains(customer.id) { take(customer) } else { spare[customer.id] = customer }
    }
    for (id, membership) in memberships {
      guard let owner = customers[id], owner.membership == membership, owner.mergedInto == nil else { throw IdentitiesMoved() }
    }
  }

  private mutating func take(_ customer: Customer) {
    customers[customer.id] = customer
    standing[customer.id] = customer
  }

  private mutating func regroup() {
    board.regroup()
    // A customer may get the number of an identity whose row stands as merged: its version must go on from there. One that came to stand there since the
    // lock is found when it is written, and the batch is done again.
    for id in board.regrouped where customers[id] == nil { if let customer = spare[id] { take(customer) } }
    toRebuild = board.regrouped
  }

  /// Works out anew who is who around these identities: after an operator's decision, and where a rebuild asks. Nothing that was derived is trusted.
  ///
  /// - Parameter others: customers that the transaction comes to later, locked in the same go: some of them may have become part of others by now.
  public static func regroup(
    _ keys: Set<IdentityKey>, alsoLocking others: [CustomerID] = [], in store: inout some ProfileStore, rules: ProfileRules, at now: Instant
  ) throws -> ProfileOutcome {
    var batch = ProfileBatch(rules: rules, today: rules.zone.day(of: now))
    batch.alsoLocked = others
    batch.trustsMarks = false
    var found = try batch.read(keys, &store)
    try batch.readWhole(keys, &found, &store)
    try batch.lockWhatWasRead(and: keys, &store)
    batch.regroup()
    try batch.rebuildWhereNeeded(&store)
    let changes = batch.finish()
    if !changes.isEmpty { try store.write(changes) }
    var result = ProfileOutcome()
    result.moves = batch.moves(at: now)
    result.changed = (changes.newCustomers + changes.changedCustomers).sorted { $0.id < $1.id }
    result.merges = changes.merges
    // A customer of whom only the count of bonds changed is no other.
    result.differences = result.changed.compactMap { after in
      guard var same = batch.standing[after.id] else { return nil }
      let before = same
      (same.version, same.membership) = (after.version, after.membership)
      // What time alone changed since is no difference.
      (same.tags, same.dueDay) = (after.tags, after.dueDay)
      return same == after ? nil : Rebuild.Difference(before: before, after: after)
    }
    return result
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
      case .interaction: break
      }
    }
    let sought = references.sorted().compactMap { reference -> SoughtOrder? in
      let key = store.orderKey(reference)
      keys[reference] = key
      let months = marks(around: reference.identity).months(of: key)
      return months.isEmpty ? nil : SoughtOrder(reference: reference, key: key, months: months)
    }
    standingOrders = sought.isEmpty ? [:] : try store.orders(sought)
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
      case .interaction(let event): outcomes.append(apply(event, home: home, owner: owner))
      }
    }
    return outcomes
  }

  /// The marks of the customer whose row tells of this identity's orders, as it was locked.
  private func marks(around identity: CustomerID, of owner: CustomerID? = nil) -> OrderMarks {
    (formerOwners[identity] ?? owner).flatMap { standing[$0]?.orderMarks } ?? OrderMarks()
  }

  private mutating func apply(_ event: OrderEvent, home: IdentityKey, owner: CustomerID, at: Instant) -> ArrivalOutcome {
    let reference = reference(event, home: home)
    let stored = orders[reference]
    var record = stored?.record ?? OrderRecord(for: event)
    let before = stored == nil ? [] : record.contribution(in: rules.zone)
    do {
      guard try record.apply(event, knownOn: today) else { return .duplicate }
    } catch { return .refused(error) }
    changedOrders.insert(reference)
    var customer = customer(owner, firstSeenAt: at)
    if let stored {
      orders[reference] = StoredOrder(record, key: stored.key, month: stored.month)
    } else {
      let (key, month) = (keys[reference] ?? 0, customer.orderMarks.monthOfNew(at: at))
      orders[reference] = StoredOrder(record, key: key, month: month)
      customer.orderMarks.insert(key, month)
    }
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

  /// What came before is told by its key when it is written; nothing is derived from it that could count twice.
  private mutating func apply(_ event: InteractionEvent, home: IdentityKey, owner: CustomerID) -> ArrivalOutcome {
    interactions.append((home.identityID, event))
    if tagger.looksAtInteractions { toTag.insert(owner) }
    var customer = customer(owner, firstSeenAt: event.occurredAt)
    customer.interacted(on: rules.zone.day(of: event.occurredAt))
    customers[owner] = customer
    return .applied
  }

  // MARK: - What facts must decide anew

  private mutating func rebuildWhereNeeded(_ store: inout some ProfileStore) throws {
    let incomplete = toRebuild.filter { !board.regrouped.contains($0) && standing[$0] != nil }
    if !incomplete.isEmpty { board.load(try store.members(of: incomplete.sorted()).map(\.identity)) }
    var owners: [CustomerID: CustomerID] = [:]
    for id in toRebuild { for key in board.members(of: id) { owners[key.identityID] = id } }
    guard !toRebuild.isEmpty else { return }
    let sought = owners.keys.sorted()
    var facts =
      trustsMarks
      ? try store.orders(of: sought.map { SoughtOrders(identity: $0, months: marks(around: $0, of: owners[$0]).months) })
      : try store.allOrders(of: sought)
    for (reference, order) in orders where owners[reference.identity] != nil { facts[reference] = order }
    var contributions: [CustomerID: [DayEntry]] = [:]
    var rebuiltMarks: [CustomerID: OrderMarks] = [:]
    for (reference, order) in facts {
      guard let owner = owners[reference.identity] else { continue }
      contributions[owner, default: []] += order.record.contribution(in: rules.zone)
      rebuiltMarks[owner, default: OrderMarks()].insert(order.key, order.month)
    }
    var attributes: [CustomerID: CustomerAttributes] = [:]
    let unwritten = registrations.map { KnownRegistration(identity: $0.identity, event: $0.event) }
    for fact in try store.registrations(of: owners.keys.sorted()) + unwritten {
      if let owner = owners[fact.identity] { _ = attributes[owner, default: CustomerAttributes()].apply(fact.event) }
    }
    let lastInteractions = try store.lastInteractionDays(owners, with: interactions, in: rules.zone)
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
      customer.lastInteractionDay = lastInteractions[id]
      customer.orderMarks = rebuiltMarks[id] ?? OrderMarks()
      customers[id] = customer
      touched.insert(id)
    }
    try tagRebuilt(owners, &store)
  }

  /// Tags of customers that were worked out anew, by everything that is known of them.
  private mutating func tagRebuilt(_ owners: [CustomerID: CustomerID], _ store: inout some ProfileStore) throws {
    var rebuilt = toRebuild.sorted().compactMap { id in customers[id].flatMap { $0.mergedInto == nil ? $0 : nil } }
    let next = try tagger.settle(&rebuilt, owners: owners, with: interactions, &store)
    for var customer in rebuilt {
      customer.bringDueDayForward(to: next[customer.id])
      customers[customer.id] = customer
    }
  }

  /// A customer without identities became part of the one its own identity belongs to now.
  private mutating func retire(_ id: CustomerID) {
    guard var customer = customers[id], let own = board.identity(id) else {
      customers[id] = nil
      return
    }
    customer.mergedInto = own.customer
    customer.memberID = nil
    customer.ledger = DayLedger()
    customer.attributes = CustomerAttributes()
    customer.lastInteractionDay = nil
    customer.orderMarks = OrderMarks()
    customer.dueDay = nil
    customer.tags = .none
    customers[id] = customer
    touched.insert(id)
  }

  // MARK: - Result

  /// The contacts and answers of this batch with their customers, once it is finished (K-01, F-03).
  private var published: ([CustomerContact], [CustomerAnswer]) {
    var contacts: [CustomerContact] = [], answers: [CustomerAnswer] = []
    for (identity, event) in interactions {
      guard let owner = board.identity(identity)?.customer, let customer = customers[owner] else { continue }
      switch event {
      case .contact(let contact):
        contacts.append(CustomerContact(customer: owner, identity: identity, version: customer.membership, contact: contact))
      case .answer(let answer): answers.append(CustomerAnswer(customer: owner, identity: identity, version: customer.membership, answer: answer))
      case .behaviour: break
      }
    }
    return (contacts, answers)
  }

  private func moves(at now: Instant) -> [IdentityMove] {
    board.moved.compactMap { identity in
      customers[identity.customer].map { IdentityMove(identity: identity.id, customer: identity.customer, version: $0.membership, at: now) }
    }
  }

  /// The addresses among the identities of this batch that are new or not what they were, once it is finished.
  private func addresses(_ changes: ProfileChanges) -> [CustomerAddress] {
    (changes.newIdentities + changes.changedIdentities).compactMap { identity in
      customers[identity.customer].flatMap { CustomerAddress(identity, of: $0) }
    }
  }

  private mutating func finish() -> ProfileChanges {
    // Higher than the count of every customer that an identity leaves here: so the counts under which an identity belonged to anyone only grow.
    tide = board.regrouped.compactMap { standing[$0]?.membership }.max() ?? 0
    var changes = ProfileChanges()
    for key in board.changed.sorted() {
      guard let identity = board.identities[key] else { continue }
      if board.isNew(key) { changes.newIdentities.append(identity) } else { changes.changedIdentities.append(identity) }
    }
    let changedMembers = Set(changes.newIdentities.map(\.customer)).union(changes.changedIdentities.map(\.customer)).union(board.regrouped)
      .union(board.bonded)
    for id in touched.union(changedMembers).sorted() {
      guard var customer = customers[id] ?? created(id) else { continue }
      settle(&customer, membersChanged: changedMembers.contains(id))
      if customer.mergedInto == nil, !toRebuild.contains(id), tagger.settle(&customer, by: [.purchases, .attributes]) { toTag.insert(id) }
      guard customer != standing[id] else { continue }
      customer.version += 1
      customer.writtenBy = RowWriter()
      customers[id] = customer
      let before = standing[id]?.tags ?? .none
      if customer.tags != before { changes.tagChanges.append(TagChange(customer: id, before: before, after: customer.tags)) }
      if standing[id] == nil { changes.newCustomers.append(customer) } else { changes.changedCustomers.append(customer) }
    }
    for reference in changedOrders.sorted() {
      guard let order = orders[reference] else { continue }
      if standingOrders[reference] == nil { changes.newOrders.append((reference, order)) } else { changes.changedOrders.append((reference, order)) }
    }
    changes.registrations = registrations
    changes.interactions = interactions
    changes.bonds = board.changedBonds
    changes.merges = board.merges
    changes.toTag = toTag
    changes.knownOn = today
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
      customer.membership = (board.regrouped.contains(customer.id) ? max(tide, customer.membership) : customer.membership) + 1
      // Whose identities change, of those all are loaded.
      customer.memberID = members.filter { $0.kind == .memberID }.min { ($0.firstSeenAt, $0.id) < ($1.firstSeenAt, $1.id) }?.value
      if let first = members.map(\.firstSeenAt).min() { customer.firstSeenAt = min(customer.firstSeenAt, first) }
    }
    customer.bringDueDayForward(
      to: rules.lifecycle.nextChange(firstPaidDay: customer.ledger.firstPaidDay, lastPaidDay: customer.ledger.lastPaidDay, after: today))
  }
}
