// The services' ports to their tables, each call one statement, with the guarantees that PostgreSQL gives the real ones.
import Domain
import Handling
import Hashing
import IngestCore
import IngestStore
import Postgres
import ProfileCore
import ProfileStore
import TieringCore
import TieringStore

@testable import Messaging

struct SimulatedIngestStore: IngestStore {
  let session: SimulatedSession
  private var tables: Tables { session.database }

  init(_ session: SimulatedSession) { self.session = session }

  mutating func load(facts keys: [Digest128], orders: [Digest128]) throws -> (facts: [StoredFact], orders: [OrderHome]) {
    let known = try facts(keys)
    // Of records that all came before nobody looks at the orders.
    return (known, orders.isEmpty || known.count == keys.count ? [] : try lockOrders(orders))
  }

  private func facts(_ keys: [Digest128]) throws -> [StoredFact] {
    try session.statement("facts") { transaction in keys.compactMap { tables.facts[$0, transaction] } }
  }

  private func lockOrders(_ keys: [Digest128]) throws -> [OrderHome] {
    try session.statement("lock orders") { transaction in
      try keys.compactMap { key in
        guard tables.homes[key, transaction] != nil else { return nil }
        try tables.homes.lock(key, transaction)
        return tables.homes[key, transaction]
      }
    }
  }

  mutating func takeWaiting(_ keys: [Digest128]) throws -> [WaitingFact] {
    try session.statement("take waiting") { transaction in
      let taken = tables.waiting.all(transaction).filter { keys.contains($0.row.orderKey) }
      for (key, _) in taken { try tables.waiting.put(key, nil, transaction) }
      return taken.map(\.row)
    }
  }

  mutating func write(_ changes: IngestChanges) throws {
    try session.statement("write orders") { transaction in
      for order in changes.newOrders { guard try tables.homes.insert(order.key, order, transaction) else { throw KeysTaken() } }
      for order in changes.foundOrders { try tables.homes.put(order.key, order, transaction) }
    }
    try session.statement("write facts") { transaction in
      // The database cannot hold what this source says: which record it is, halving must find out.
      if changes.sources.contains(where: { $0.source == Workload.poisonedSource && $0.accepted > 0 }) {
        throw PostgresFailure(kind: .data, message: "out of range", sqlState: "22003")
      }
      for fact in changes.facts { guard try tables.facts.insert(fact.key, fact, transaction) else { throw KeysTaken() } }
    }
    guard !changes.waiting.isEmpty else { return }
    try session.statement("write waiting") { transaction in
      for fact in changes.waiting { try tables.waiting.put(tables.nextID(), fact, transaction) }
    }
  }
}

/// What a database says when a row with this key exists.
private let taken = PostgresFailure(kind: .uniqueViolation, message: "a row with this key exists", sqlState: "23505")

struct SimulatedProfileStore: ProfileStore {
  let session: SimulatedSession
  private let lane: String
  private var writers: [CustomerID: RowWriter] = [:]
  private var tables: Tables { session.database }

  init(_ session: SimulatedSession, lane: String) {
    self.session = session
    self.lane = lane
  }

  /// Few different ones: some orders share a key by chance.
  func orderKey(source: UnsafeRawBufferPointer, orderID: UnsafeRawBufferPointer, creditNote: UnsafeRawBufferPointer) -> Int64 {
    PostgresProfileStore.usualOrderKey(source, orderID, creditNote) & 0xFFF
  }

  mutating func identities(_ keys: [IdentityKey]) throws -> [(identity: Identity, membership: Int64)] {
    try session.statement("identities") { transaction in
      keys.compactMap { key in
        guard let identity = tables.identities[key, transaction], let owner = tables.customers[identity.customer, transaction] else { return nil }
        return (identity, owner.membership)
      }
    }
  }

  mutating func identities(numbered ids: [CustomerID]) throws -> [(identity: Identity, membership: Int64)] {
    try session.statement("identities by number") { transaction in
      tables.identities.all(transaction).map(\.row).filter { ids.contains($0.id) }.compactMap { identity in
        tables.customers[identity.customer, transaction].map { (identity, $0.membership) }
      }
    }
  }

  mutating func owners(of keys: [IdentityKey]) throws -> [(identity: OwnedIdentity, customer: Customer)] {
    try session.statement("owners") { transaction in
      keys.compactMap { key in
        guard let identity = tables.identities[key, transaction], var owner = tables.customers[identity.customer, transaction] else { return nil }
        owner.writtenBy = tables.customers.writer(owner.id, transaction)
        return (OwnedIdentity(identity), owner)
      }
    }
  }

  mutating func customersDue(by day: Day, max count: Int) throws -> [DueCustomer] {
    try session.statement("customers due") { transaction in
      Array(tables.dueCustomers.all(transaction).map(\.key).filter { $0.day <= day }.sorted().prefix(count))
    }
  }

  mutating func members(of customers: [CustomerID]) throws -> [(identity: Identity, membership: Int64, marks: OrderMarks)] {
    try session.statement("members") { transaction in
      tables.identities.all(transaction).map(\.row).filter { customers.contains($0.customer) }.compactMap { identity in
        tables.customers[identity.customer, transaction].map { (identity, $0.membership, $0.orderMarks) }
      }
    }
  }

  mutating func bonds(_ pairs: [IdentityPair]) throws -> [Bond] {
    try session.statement("bonds") { transaction in pairs.compactMap { tables.bonds[$0, transaction] } }
  }

  mutating func bonds(of keys: [IdentityKey], max count: Int) throws -> [Bond] {
    try session.statement("bonds of identities") { transaction in
      let all = tables.bonds.all(transaction).map(\.row)
      return keys.flatMap { key in all.filter { $0.pair.other == key }.prefix(count) + all.filter { $0.pair.leader == key }.prefix(count) }
    }
  }

  mutating func decisions(about keys: [IdentityKey]) throws -> [IdentityDecision] {
    try session.statement("decisions") { transaction in
      tables.decisions.all(transaction).map(\.row).filter { decision in keys.contains { decision.left.contains($0) || decision.right.contains($0) } }
    }
  }

  mutating func lockCustomers(_ ids: [CustomerID]) throws -> [Customer] {
    let locked = try session.statement("lock customers") { transaction in
      try ids.compactMap { id -> Customer? in
        guard tables.customers[id, transaction] != nil else { return nil }
        if session.world.mistake != .customersNotLocked { try tables.customers.lock(id, transaction) }
        var customer = tables.customers[id, transaction]
        customer?.writtenBy = tables.customers.writer(id, transaction)
        return customer
      }
    }
    for customer in locked { writers[customer.id] = customer.writtenBy }
    return locked
  }

  mutating func orders(_ sought: [SoughtOrder]) throws -> [OrderReference: StoredOrder] {
    try session.statement("orders") { transaction in
      var found: [OrderReference: StoredOrder] = [:]
      for order in sought {
        for month in order.months {
          if let stored = tables.orders[FiledOrder(month: month, reference: order.reference), transaction] { found[order.reference] = stored }
        }
      }
      return found
    }
  }

  mutating func orders(of sought: [SoughtOrders]) throws -> [OrderReference: StoredOrder] {
    let months = Dictionary(sought.map { ($0.identity, $0.months) }) { $0 + $1 }
    return try session.statement("orders of identities") { transaction in
      let found = tables.orders.all(transaction).filter { months[$0.key.reference.identity]?.contains($0.key.month) ?? false }
      return Dictionary(uniqueKeysWithValues: found.map { ($0.key.reference, $0.row) })
    }
  }

  mutating func allOrders(of identities: [CustomerID]) throws -> [OrderReference: StoredOrder] {
    try session.statement("orders anywhere") { transaction in
      let found = tables.orders.all(transaction).filter { identities.contains($0.key.reference.identity) }
      return Dictionary(uniqueKeysWithValues: found.map { ($0.key.reference, $0.row) })
    }
  }

  mutating func knownRegistrations(_ events: [(identity: CustomerID, source: String, eventID: String)]) throws -> [Bool] {
    try session.statement("known registrations") { transaction in
      events.map {
        tables.registrations[RegistrationKey(identity: $0.identity, source: $0.source, eventID: $0.eventID), transaction] != nil
      }
    }
  }

  mutating func registrations(of identities: [CustomerID]) throws -> [KnownRegistration] {
    try session.statement("registrations") { transaction in
      tables.registrations.all(transaction).filter { identities.contains($0.key.identity) }.map { KnownRegistration(identity: $0.key.identity, event: $0.row) }
    }
  }

  mutating func interactions(of identities: [CustomerID], since: Instant?) throws -> [KnownInteraction] {
    try session.statement("interactions") { transaction in
      let found = tables.interactions.all(transaction).filter { identities.contains($0.key.identity) && $0.row.occurredAt >= since ?? $0.row.occurredAt }
      return found.map { KnownInteraction(identity: $0.key.identity, event: $0.row) }
    }
  }

  mutating func lastInteractions(of identities: [CustomerID], before end: Instant?) throws -> [(identity: CustomerID, at: Instant)] {
    try session.statement("last interactions") { transaction in
      let counted = tables.interactions.all(transaction).filter { entry in
        identities.contains(entry.key.identity) && end.map { entry.row.occurredAt < $0 } ?? true
      }
      return Dictionary(counted.map { ($0.key.identity, $0.row.occurredAt) }, uniquingKeysWith: max).map { ($0.key, $0.value) }
    }
  }

  mutating func manualTags(of identities: [CustomerID]) throws -> [ManualTag] {
    try session.statement("manual tags") { transaction in tables.manualTags.all(transaction).map(\.row).filter { identities.contains($0.identity) } }
  }

  mutating func write(_ changes: ProfileChanges) throws {
    try session.statement("write identities") { transaction in
      for identity in changes.newIdentities { guard try tables.identities.insert(identity.key, identity, transaction) else { throw taken } }
      for identity in changes.changedIdentities { try tables.identities.put(identity.key, identity, transaction) }
    }
    try session.statement("write customers") { transaction in
      for entry in changes.doneDueDays { try tables.dueCustomers.put(entry, nil, transaction) }
      for customer in changes.newCustomers {
        guard try tables.customers.insert(customer.id, customer, transaction) else { throw taken }
        try note(customer, from: nil, transaction)
      }
      for customer in changes.changedCustomers {
        try note(customer, from: tables.customers[customer.id, transaction]?.dueDay, transaction)
        try tables.customers.put(customer.id, customer, transaction)
      }
      for customer in changes.unlockedCustomers {
        try tables.customers.lock(customer.id, transaction)
        try note(customer, from: tables.customers[customer.id, transaction]?.dueDay, transaction)
        guard var stored = tables.customers[customer.id, transaction], stored.version == customer.version - 1 || session.world.mistake == .versionsNotCompared
        else { throw CustomersMoved() }
        stored.version += 1
        stored.ledger = customer.ledger
        stored.dueDay = customer.dueDay
        stored.tags = customer.tags
        stored.orderMarks = customer.orderMarks
        try tables.customers.put(customer.id, stored, transaction)
      }
    }
    try session.statement("write facts") { transaction in
      for (reference, order) in changes.newOrders {
        guard try tables.orders.insert(FiledOrder(month: order.month, reference: reference), order, transaction) else { throw taken }
      }
      for (reference, order) in changes.changedOrders {
        try tables.orders.put(FiledOrder(month: order.month, reference: reference), order, transaction)
      }
      for (identity, event) in changes.registrations {
        let key = RegistrationKey(identity: identity, source: event.source, eventID: event.eventID)
        guard try tables.registrations.insert(key, event, transaction) else { throw taken }
      }
      // Known by its key: a repeat changes nothing.
      for (identity, event) in changes.interactions {
        let key = InteractionKey(identity: identity, kind: event.kindName, source: event.source, eventID: event.eventID)
        _ = try tables.interactions.insert(key, event, transaction)
      }
      for bond in changes.bonds { try tables.bonds.put(bond.pair, bond, transaction) }
      for merge in changes.merges { try tables.merges.put(tables.nextID(), merge, transaction) }
    }
    try session.statement("write tags") { transaction in
      for change in changes.tagChanges where tables.customers[change.customer, transaction]?.tags != change.after {
        throw PostgresFailure(kind: .damaged, message: "a tag that the customer's row has not")
      }
      for id in changes.toTag.sorted() { try tables.ask(TagRows.tagWork, id.number, transaction) }
    }
    let rewritten = (changes.changedCustomers + changes.unlockedCustomers).map {
      RewrittenCustomer(id: $0.id.number, former: writers[$0.id] ?? $0.writtenBy, isSilent: changes.silentCustomers.contains($0.id))
    }
    try session.noteOvertaking(rewritten, from: lane)
  }

  private func note(_ customer: Customer, from before: Day?, _ transaction: Int) throws {
    guard let day = customer.dueDay, day != before else { return }
    try tables.dueCustomers.put(DueCustomer(day: day, customer: customer.id), true, transaction)
  }
}

struct SimulatedTieringStore: TieringStore {
  let session: SimulatedSession
  private let lane: String
  private var writers: [CustomerID: RowWriter] = [:]
  private var tables: Tables { session.database }

  init(_ session: SimulatedSession, lane: String) {
    self.session = session
    self.lane = lane
  }

  mutating func lockCustomers(_ ids: [CustomerID]) throws -> [RatedCustomer] {
    var locked: [CustomerID: RowWriter] = [:]
    let rated = try session.statement("lock customers") { transaction in
      try ids.compactMap { id -> RatedCustomer? in
        guard tables.rated[id, transaction] != nil else { return nil }
        if session.world.mistake != .customersNotLocked { try tables.rated.lock(id, transaction) }
        locked[id] = tables.rated.writer(id, transaction)
        return tables.rated[id, transaction]
      }
    }
    writers.merge(locked) { $1 }
    return rated
  }

  mutating func write(_ changes: TieringChanges) throws {
    try session.statement("write customers") { transaction in
      for customer in changes.newCustomers { guard try tables.rated.insert(customer.id, customer, transaction) else { throw taken } }
      for customer in changes.changedCustomers + changes.ratedCustomers { try tables.rated.put(customer.id, customer, transaction) }
      for record in changes.history { try tables.history.put(tables.nextID(), record, transaction) }
      for customer in changes.closedProposals { try tables.proposals.put(customer, nil, transaction) }
      for proposal in changes.proposals { try tables.proposals.put(proposal.customer, proposal, transaction) }
    }
    try session.statement("schedule") { transaction in
      for customer in changes.regrouped { try tables.ask(TieringWork.refusal, customer.number, transaction) }
      for (customer, after) in changes.waiting {
        let key = DueKey(kind: TieringWork.rating, id: customer.number)
        try tables.due.lock(key, transaction)
        if tables.due[key, transaction] == nil { try tables.due.put(key, after, transaction) }
      }
      for (customer, day) in changes.dueDays {
        let key = DueKey(kind: TieringWork.day, id: customer.number)
        let at = BusinessZone.utc.startOfDay(day)
        try tables.due.lock(key, transaction)
        if let standing = tables.due[key, transaction], standing <= at { continue }
        try tables.due.put(key, at, transaction)
      }
    }
    let rewritten = (changes.changedCustomers + changes.ratedCustomers).compactMap { customer in
      writers[customer.id].map { RewrittenCustomer(id: customer.id.number, former: $0, isSilent: !changes.published.contains(customer.id)) }
    }
    try session.noteOvertaking(rewritten, from: lane)
  }

  mutating func refusals(under customers: [CustomerID]) throws -> [(top: CustomerID, part: CustomerID)] {
    try session.statement("refusals") { transaction in
      let refusing = tables.rated.all(transaction).map(\.row).filter(\.course.review.isOptedOut).map(\.id)
      return customers.flatMap { top in refusing.filter { way(up: $0, transaction).contains(top) }.map { (top: top, part: $0) } }
    }
  }

  mutating func survivors(of customers: [CustomerID]) throws -> [CustomerID: CustomerID] {
    try session.statement("survivors") { transaction in
      Dictionary(customers.map { ($0, way(up: $0, transaction).last ?? $0) }) { first, _ in first }
    }
  }

  mutating func counted(_ parts: [CustomerID]) throws -> [CustomerID: CustomerID] {
    try session.statement("counted refusals") { transaction in
      Dictionary(parts.compactMap { part in tables.refusals[part, transaction].map { (part, $0) } }) { first, _ in first }
    }
  }

  mutating func count(_ survivors: [CustomerID: CustomerID]) throws {
    try session.statement("count refusals") { transaction in
      for (part, survivor) in survivors { try tables.refusals.put(part, part == survivor ? nil : survivor, transaction) }
    }
  }

  /// The customer, whom it is part of, whom that one is part of.
  private func way(up id: CustomerID, _ transaction: Int) -> [CustomerID] {
    var way = [id]
    while let next = tables.rated[way.last ?? id, transaction]?.mergedInto, !way.contains(next) { way.append(next) }
    return way
  }
}
