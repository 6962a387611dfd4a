// Facts in, snapshots out: the profile's use cases behind their topics.
import Contracts
import Domain
import Handling
import Hashing
import Kafka
import Messaging
import Postgres
import ProfileCore
import ProfileStore
import Text

/// What the profile needs besides the common parts.
struct ProfileEnvironment: Sendable {
  var rules: ProfileRules
  let currency: Currency
  let pseudonyms: Pseudonyms
  /// Where the rules of tags come from; nil: nowhere, and they are not registered.
  var tags: TagFile?

  func key(_ identifier: Identifier) throws -> IdentityKey {
    let digest = try pseudonyms.hash(word: UInt8(truncatingIfNeeded: identifier.kind.rawValue), identifier.value)
    return IdentityKey(high: digest.high, low: digest.low)
  }

  /// A customer with what had happened by the end of a day (P-12).
  func state(of customer: Customer, _ facts: CustomerFacts, on day: Day) -> Customer {
    var state = customer
    state.ledger = DayLedger(contributions: facts.contributions(of: customer.id, in: rules.zone, asOf: day))
    state.attributes = facts.attributes(of: customer.id, before: rules.zone.startOfDay(day + 1))
    return state
  }

  /// Publishes the snapshots of customers that changed, and the merges that were made.
  func send(_ changed: [Customer], merges: [MergeRecord], at now: Instant, _ outbox: Outbox) {
    let day = rules.zone.day(of: now)
    for customer in changed { send(customer, on: day, outbox) }
    for merge in merges {
      let message = MergeMessage(survivor: merge.survivor, absorbed: merge.absorbed, evidence: merge.evidence, at: merge.at)
      outbox.send(
        OutgoingMessage(
          topic: Topics.merges.name, key: Array(merge.survivor.description.utf8), value: JSONWriter.bytes { message.write(to: &$0) },
          id: "\(merge.survivor)<\(merge.absorbed):\(merge.evidence)", type: EventType.merge, time: now))
    }
  }

  /// The same for all that a batch changed.
  func send(_ outcome: ProfileOutcome, _ known: borrowing KnownCustomers, at now: Instant, _ outbox: Outbox) {
    let day = rules.zone.day(of: now)
    for place in outcome.changedPlaces { known.withCustomer(at: place) { send($0, on: day, outbox) } }
    send(outcome.changed, merges: outcome.merges, at: now, outbox)
    for contact in outcome.contacts {
      outbox.send(
        OutgoingMessage(
          topic: Topics.customerContacts.name, key: Array(contact.customer.description.utf8), value: JSONWriter.bytes { contact.write(to: &$0) },
          id: contact.eventID, type: EventType.customerContact, time: now))
    }
    for answer in outcome.answers {
      outbox.send(
        OutgoingMessage(
          topic: Topics.customerAnswers.name, key: Array(answer.customer.description.utf8), value: JSONWriter.bytes { answer.write(to: &$0) },
          id: answer.eventID, type: EventType.customerAnswer, time: now))
    }
    send(outcome.moves, outbox)
    send(outcome.addresses, outbox)
  }

  /// Publishes where customers are reached.
  func send(_ addresses: [CustomerAddress], _ outbox: Outbox) {
    for address in addresses {
      address.identity.withHexadecimal { key in
        outbox.send(topic: Topics.addresses.name, key: key, version: address.version, type: EventType.address) { address.write(to: &$0) }
      }
    }
  }

  /// Publishes where identities belong from now on.
  func send(_ moves: [IdentityMove], _ outbox: Outbox) {
    for move in moves {
      move.identity.withHexadecimal { key in
        outbox.send(topic: Topics.moves.name, key: key, version: move.version, type: EventType.move) { move.write(to: &$0) }
      }
    }
  }

  /// Snapshots as the tables have them, for a relay that begins with what another owner has left behind.
  func currentStates(_ clock: any BusinessClock) -> StateReading {
    { keys, session in try currentStates(keys, at: clock.now()) { try ProfileQueries.customers($0, session) } }
  }

  func currentStates(_ keys: [[UInt8]], at now: Instant, _ customers: ([CustomerID]) throws -> [Customer]) rethrows -> [CurrentState?] {
    let ids = keys.map { CustomerID(String(decoding: $0, as: UTF8.self)) }
    let found = try customers(Set(ids.compactMap(\.self)).sorted())
    let byID = Dictionary(found.map { ($0.id, $0) }) { first, _ in first }
    let day = rules.zone.day(of: now)
    return ids.map { id in
      guard let customer = id.flatMap({ byID[$0] }) else { return nil }
      let snapshot = customer.snapshot(rules: rules, currency: currency, on: day)
      return CurrentState(version: snapshot.version, value: JSONWriter.bytes { snapshot.write(to: &$0) })
    }
  }

  private func send(_ customer: borrowing Customer, on day: Day, _ outbox: Outbox) {
    let snapshot = customer.snapshot(rules: rules, currency: currency, on: day)
    snapshot.customer.withHexadecimal { key in
      outbox.send(topic: Topics.profiles.name, key: key, version: snapshot.version, type: EventType.profile) { snapshot.write(to: &$0) }
    }
  }
}

struct ProfileHandler: RecordHandler {
  let environment: ProfileEnvironment
  let consumer = "profile"
  let hasLanes = true

  func read(_ record: borrowing BorrowedRecord, topic: String) -> Reading<ProfileItem> { full(record, topic: topic) }

  func read(_ record: borrowing BorrowedRecord, topic: String, place: Int) -> Reading<ProfileItem> {
    // Ingest gives a record the key of its first identifier: nothing is hashed again.
    if topic == Topics.orders.name, let value = record.value, let key = record.key, let home = IdentityKey(hexadecimal: key),
      let order = PlainOrder(value, home: home, place: place) {
      return .item(.plain(order))
    }
    return full(record, topic: topic)
  }

  func read(_ record: borrowing BorrowedRecord, topic: String, place: Int, into items: inout [ProfileItem]) -> ReadOutcome {
    read(record, topic: topic, place: place).put(into: &items)
  }

  private func full(_ record: borrowing BorrowedRecord, topic: String) -> Reading<ProfileItem> {
    guard let value = record.value else { return .ignored }
    return read(value, topic: topic)
  }

  func read(_ value: UnsafeRawBufferPointer, topic: String) -> Reading<ProfileItem> {
    do {
      var reader = JSONReader(value)
      if topic == Topics.orders.name {
        let event = try OrderEvent(reading: &reader)
        return .item(.full(try arrival(.order(event), event.identifiers, at: event.occurredAt, eventID: event.eventID)))
      }
      if topic == Topics.pageAnswers.name {
        let content = try CustomerAnswer(reading: &reader)
        let sighting = Sighting(named: [], at: content.answer.occurredAt, eventID: content.answer.eventID)
        return .item(.full(Arrival(event: .interaction(.answer(content.answer)), sighting: sighting, home: content.identity)))
      }
      if topic != Topics.customers.name {
        let event = try ProfileHandler.interaction(&reader, topic: topic)
        return .item(.full(try arrival(.interaction(event), event.identifiers, at: event.occurredAt, eventID: event.eventID)))
      }
      let event = try CustomerEvent(reading: &reader)
      return .item(.full(try arrival(.customer(event), event.identifiers, at: event.occurredAt, eventID: event.eventID)))
    } catch { return .refused(because: error) }
  }

  private static func interaction(_ reader: inout JSONReader, topic: String) throws(JSONFault) -> InteractionEvent {
    switch topic {
    case Topics.contacts.name: .contact(try ContactEvent(reading: &reader))
    case Topics.behaviours.name: .behaviour(try BehaviourEvent(reading: &reader))
    default: .answer(try AnswerEvent(reading: &reader))
    }
  }

  private func arrival(_ event: Arrival.Event, _ identifiers: [Identifier], at: Instant, eventID: String) throws -> Arrival {
    let named = try identifiers.map { Sighting.Named(key: try environment.key($0), identifier: $0) }
    return Arrival(event: event, sighting: Sighting(named: named, at: at, eventID: eventID))
  }

  func apply(_ items: [ProfileItem], _ kept: inout KnownCustomers, _ scope: inout BatchScope) throws -> [Refusal] {
    try apply(items, UnsafeRawBufferPointer(start: nil, count: 0), &kept, &scope)
  }

  func apply(_ items: [ProfileItem], _ bytes: UnsafeRawBufferPointer, _ kept: inout KnownCustomers, _ scope: inout BatchScope) throws -> [Refusal] {
    var store = PostgresProfileStore(scope.session, lane: scope.lane)
    let outcome: ProfileOutcome
    var items = items
    let homeless = try HomelessArrivals.findHomes(&items, &store)
    do { outcome = try ProfileBatch.apply(items, bytes, to: &store, known: &kept, rules: environment.rules, at: scope.now) } catch is IdentitiesEntangled {
      // Nothing was written yet. A batch is halved down to the record that leads to them.
      guard items.count == 1 else { throw PostgresFailure(kind: .data, message: "more identifiers hang together than one batch can work out") }
      let detail = "more than \(ProfileBatch.identitiesMax) identifiers hang together with those of this record: find the one that many share"
      return [Refusal(index: 0, faults: [Fault(field: "identifiers", rule: "too_many", detail: detail)])]
    }
    environment.send(outcome, kept, at: scope.now, scope.outbox)
    return outcome.refusals + homeless.map { Refusal(index: $0, faults: [ProfileHandler.unknownIdentity]) }
  }

  private static let unknownIdentity = Fault(
    field: "identity", rule: "unknown",
    detail: "profile has no such identity: were its tables restored from before it came, or is feedback another installation's?")
}

extension ProfileOutcome {
  /// What is wrong with the facts that were not taken.
  var refusals: [Refusal] {
    outcomes.enumerated().compactMap { index, outcome in
      guard case .refused = outcome else { return nil }
      let detail = "the order has \(OrderRecord.movementsMax) payments and refunds already, and may have no more"
      return Refusal(index: index, faults: [Fault(field: "reference", rule: "too_many", detail: detail)])
    }
  }
}

/// Stages that change by time alone, what operators decided about who is who, rebuilds that they asked for, tags that hang on more than a row, and
/// what is summed up once for customers from before it was kept.
struct ProfileDueHandler: DueHandler {
  let environment: ProfileEnvironment
  let kinds = [
    DueKind(PostgresProfileStore.lifecycleWork), DueKind(ProfileQueries.rebuildWork), DueKind(DecisionDesk.decisionWork), DueKind(TagRows.tagWork),
    DueKind(ColdRows.coldWork), DueKind(FillInRows.lastInteractionWork), DueKind(AddressRows.work),
  ]

  /// One kind in a transaction, the others in the next: each locks the customers that it comes to in one go, in order.
  func apply(_ due: [DueItem], _ scope: inout BatchScope) throws -> [DueItem] {
    let decisions = due.filter { $0.kind == DecisionDesk.decisionWork }
    if !decisions.isEmpty {
      try follow(decisions.map(\.id), &scope)
      return due.filter { $0.kind != DecisionDesk.decisionWork }
    }
    let fillIns = due.filter { $0.kind == FillInRows.lastInteractionWork }
    if !fillIns.isEmpty {
      try fillIn(fillIns.map(\.id), &scope)
      return due.filter { $0.kind != FillInRows.lastInteractionWork }
    }
    let rebuilds = due.filter { $0.kind == ProfileQueries.rebuildWork }
    if !rebuilds.isEmpty {
      // What was not summed up yet is no mistake of an increment, and a rebuild would take it for one.
      let unfilled = try FillInRows.take(rebuilds.map(\.id), scope.session)
      guard unfilled.isEmpty else {
        try fillIn(unfilled, &scope)
        return due
      }
      try rebuild(rebuilds, &scope)
      return due.filter { $0.kind != ProfileQueries.rebuildWork }
    }
    let tags = due.filter { $0.kind == TagRows.tagWork }
    if !tags.isEmpty {
      let now = tags.prefix(Tagging.customersMax)
      try tag(now.map(\.id), &scope)
      let done = Set(now)
      return due.filter { !done.contains($0) }
    }
    let unheard = due.filter { $0.kind == AddressRows.work }
    if !unheard.isEmpty {
      var store = PostgresProfileStore(scope.session, lane: scope.lane)
      environment.send(try Addresses.all(of: unheard.map { CustomerID(number: $0.id) }, in: &store), scope.outbox)
      return due.filter { $0.kind != AddressRows.work }
    }
    let cold = due.filter { $0.kind == ColdRows.coldWork }
    if !cold.isEmpty {
      let next = try putAway(&scope)
      return due.map { $0.kind == ColdRows.coldWork ? DueItem(kind: $0.kind, id: $0.id, at: next) : $0 }
    }
    return try due.map { try moveStages($0, &scope) }
  }

  func lockVersions(of customers: [Int64], _ scope: inout BatchScope) throws -> [Int64: Int64] {
    var store = PostgresProfileStore(scope.session, lane: scope.lane)
    let locked = try store.lockCustomers(customers.map(CustomerID.init(number:)))
    return Dictionary(locked.map { ($0.id.number, $0.version) }) { first, _ in first }
  }

  /// The same version again: a reader that has it passes over it, one that lost it takes it.
  func sendAgain(_ customers: [Int64], _ scope: inout BatchScope) throws {
    var store = PostgresProfileStore(scope.session, lane: scope.lane)
    environment.send(try store.lockCustomers(customers.map(CustomerID.init(number:))), merges: [], at: scope.now, scope.outbox)
  }

  /// Works out by an operator's decisions who is who, and everything that hangs on it.
  private func follow(_ decisions: [Int64], _ scope: inout BatchScope) throws {
    var store = PostgresProfileStore(scope.session, lane: scope.lane)
    let keys = try DecisionDesk.keys(of: decisions, scope.session)
    let outcome = try ProfileBatch.regroup(keys, in: &store, rules: environment.rules, at: scope.now)
    try DecisionDesk.noteApplied(decisions, at: scope.now, scope.session)
    environment.send(outcome.changed, merges: outcome.merges, at: scope.now, scope.outbox)
    environment.send(outcome.moves, scope.outbox)
  }

  private func fillIn(_ customers: [Int64], _ scope: inout BatchScope) throws {
    var store = PostgresProfileStore(scope.session, lane: scope.lane)
    let filled = try FillIn.lastInteractions(of: customers.map(CustomerID.init(number:)), in: &store, zone: environment.rules.zone)
    environment.send(filled, merges: [], at: scope.now, scope.outbox)
  }

  private func rebuild(_ due: [DueItem], _ scope: inout BatchScope) throws {
    var store = PostgresProfileStore(scope.session, lane: scope.lane)
    let ids = due.map { CustomerID(number: $0.id) }
    let keys = Set(try store.members(of: ids).map(\.identity.key))
    let outcome = try ProfileBatch.regroup(keys, alsoLocking: ids, in: &store, rules: environment.rules, at: scope.now)
    environment.send(outcome.changed, merges: outcome.merges, at: scope.now, scope.outbox)
    environment.send(outcome.moves, scope.outbox)
    let differences = outcome.differences + (try Rebuild.apply(ids, to: &store, rules: environment.rules))
    try ProfileQueries.note(differences, at: scope.now, scope.session)
    environment.send(differences.dropFirst(outcome.differences.count).map(\.after), merges: [], at: scope.now, scope.outbox)
  }

  private func tag(_ customers: [Int64], _ scope: inout BatchScope) throws {
    var store = PostgresProfileStore(scope.session, lane: scope.lane)
    let changed = try Tagging.apply(customers.map(CustomerID.init(number:)), to: &store, rules: environment.rules, at: scope.now)
    environment.send(changed, merges: [], at: scope.now, scope.outbox)
  }

  /// A piece of the round that puts old orders away (S-09): again at once until all were looked at, then next month. The first one begins the day
  /// after the setting was met.
  private func putAway(_ scope: inout BatchScope) throws -> Instant {
    let today = environment.rules.zone.day(of: scope.now)
    guard let months = environment.rules.coldAfterMonths else { return environment.rules.zone.startOfDay(today + 1) }
    guard try ColdRows.isArmed(months, on: today, scope.session) else { return environment.rules.zone.startOfDay(today + 1) }
    var store = PostgresProfileStore(scope.session)
    let hasMore = try ColdRows.movePiece(before: today.adding(months: -months), in: environment.rules.zone, &store)
    return hasMore ? scope.now : environment.rules.zone.startOfDay(today.adding(months: 1))
  }

  /// The daily round (P-08, P-10). It is made again at once until nobody is due any more.
  private func moveStages(_ round: DueItem, _ scope: inout BatchScope) throws -> DueItem {
    var store = PostgresProfileStore(scope.session, lane: scope.lane)
    let max = environment.rules.tags.allSources.contains(.interactions) ? Tagging.customersMax : LifecycleDue.customersMax
    let outcome = try LifecycleDue.apply(to: &store, rules: environment.rules, at: scope.now, max: max)
    environment.send(outcome.changed, merges: [], at: scope.now, scope.outbox)
    return DueItem(kind: round.kind, id: round.id, at: environment.rules.zone.startOfDay(outcome.next))
  }
}
