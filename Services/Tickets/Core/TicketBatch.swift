// What contacts, tiers, moves of identities and time do to tickets (K-01, K-04, K-05): load, decide, write, in one transaction.
public import Contracts
public import Domain
import Handling

/// A contact on its way in.
public struct ReceivedContact: Sendable {
  /// Made of identity, source and event id: the same contact has the same number whenever it comes.
  public let number: Int64
  public let content: CustomerContact

  public init(number: Int64, content: CustomerContact) {
    self.number = number
    self.content = content
  }
}

/// What a transaction made known.
public struct TicketOutcome: Sendable {
  public var published: [TicketRecord] = []
  public var alerts: [(record: TicketRecord, event: TicketEvent)] = []
}

public struct TicketBatch {
  private let rules: TicketRules
  private let now: Instant
  private var records: [TicketID: TicketRecord] = [:]
  /// Whose they were when they were read or opened: a contact looks through its customer's tickets, not through the batch's.
  private var ticketsOf: [CustomerID: [TicketID]] = [:]
  private var opened: Set<TicketID> = []
  private var touched: Set<TicketID> = []
  /// Opened, reopened, or served by another tier, kind or customer: whose they are is to be said anew.
  private var toPlace: Set<TicketID> = []
  /// Open when they were read.
  private var counted: Set<TicketID> = []
  /// Of every customer whose tickets may be placed, locked.
  private var tiers: [CustomerID: KnownTier] = [:]
  private var changes = TicketChanges()

  private init(_ rules: TicketRules, _ now: Instant) {
    self.rules = rules
    self.now = now
  }

  private mutating func take(_ found: [TicketRecord]) {
    for record in found { take(record) }
    counted.formUnion(found.filter(\.ticket.state.isOpen).map(\.id))
  }

  private mutating func take(_ record: TicketRecord) {
    records[record.id] = record
    ticketsOf[record.customer, default: []].append(record.id)
  }

  private mutating func note(_ id: TicketID, _ events: [TicketEvent]) {
    guard !events.isEmpty else { return }
    touched.insert(id)
    records[id]?.events += events.count
    changes.events += events.map { (id, $0) }
  }

  private mutating func know(_ found: [KnownTier]) { for tier in found { tiers[tier.customer] = tier } }
  private func tier(of customer: CustomerID) -> KnownTier { tiers[customer] ?? KnownTier(customer: customer) }

  /// Gives every ticket that needs it to somebody (K-07).
  private mutating func place(_ store: inout some TicketStore) throws {
    let open = toPlace.filter { records[$0]?.ticket.state.isOpen ?? false }
    guard !open.isEmpty else { return }
    var placing = try TicketPlacing(rules, at: now, &store)
    for id in open.sorted() {
      guard var record = records[id] else { continue }
      let before = record.place
      var known = tier(of: record.customer)
      let event = placing.place(&record, &known, isCounted: counted.contains(id))
      tiers[record.customer] = known
      records[id] = record
      if record.place != before { touched.insert(id) }
      note(id, event.map { [$0] } ?? [])
    }
    changes.attendants += placing.attendants
  }

  /// Counts versions, writes, and says what is to be published.
  private mutating func finish(_ store: inout some TicketStore) throws -> TicketOutcome {
    try place(&store)
    var outcome = TicketOutcome()
    for id in touched.sorted() {
      guard var record = records[id] else { continue }
      record.version += 1
      records[id] = record
      if opened.contains(id) { changes.opened.append(record) } else { changes.changed.append(record) }
      outcome.published.append(record)
    }
    if !changes.isEmpty { try store.write(changes, rules) }
    for (id, event) in changes.events where [.warned, .breached, .escalated].contains(event.kind) {
      if let record = records[id] { outcome.alerts.append((record, event)) }
    }
    return outcome
  }

  // MARK: - Contacts

  /// Contacts that came before change nothing.
  public static func receive(
    _ contacts: [ReceivedContact], _ store: inout some TicketStore, rules: TicketRules, at now: Instant
  ) throws -> TicketOutcome {
    var batch = TicketBatch(rules, now)
    let fresh = Dictionary(contacts.map { ($0.number, $0) }) { first, _ in first }
    // Identities first: whoever takes in the same contact at the same time waits here, and finds it known.
    let believed = IdentityOwner.newest(
      fresh.values.map {
        IdentityOwner(identity: $0.content.identity, customer: $0.content.customer, version: $0.content.version, since: $0.content.contact.occurredAt)
      })
    let owners = try store.owners(noting: believed)
    let known = try store.known(fresh.keys.sorted())
    let byIdentity = Dictionary(owners.map { ($0.identity, $0) }) { first, _ in first }
    let new = fresh.values.filter { !known.contains($0.number) }.map { contact -> (contact: ReceivedContact, customer: CustomerID) in
      guard let owner = byIdentity[contact.content.identity], owner.version >= contact.content.version else { return (contact, contact.content.customer) }
      return (contact, owner.customer)
    }
    guard !new.isEmpty else { return TicketOutcome() }
    let customers = Set(new.map(\.customer)).sorted()
    batch.know(try store.lockTiers(of: customers))
    batch.take(try store.unclosed(of: customers))
    for (contact, customer) in new.sorted(by: { batch.order($0.contact) < batch.order($1.contact) }) {
      batch.take(contact, of: customer, batch.tier(of: customer))
    }
    return try batch.finish(&store)
  }

  private func order(_ contact: ReceivedContact) -> (Instant, Int64) { (contact.content.contact.occurredAt, contact.number) }

  private mutating func take(_ received: ReceivedContact, of customer: CustomerID, _ tier: KnownTier) {
    let contact = received.content.contact
    if let ticket = ticket(for: contact, of: customer) {
      changes.contacts.append((received.number, ticket))
      contact.direction == .inbound ? add(contact, to: ticket) : reply(contact, to: ticket)
    } else if contact.direction == .inbound, contact.occurredAt >= now.adding(seconds: -rules.desk.intakeSeconds) {
      let id = open(received, of: customer, tier)
      changes.contacts.append((received.number, id))
    }
  }

  /// The ticket that a contact belongs to: that of its conversation, else, for what the customer says, an open one about the same matter (K-01).
  private func ticket(for contact: ContactEvent, of customer: CustomerID) -> TicketID? {
    let candidates = (ticketsOf[customer] ?? []).compactMap { records[$0] }.filter { $0.ticket.state != .closed && $0.ticket.mergedInto == nil }
      .sorted { ($0.ticket.lastMessageAt, $0.id) > ($1.ticket.lastMessageAt, $1.id) }
    if !contact.reference.isEmpty {
      let same = candidates.first { $0.origin.source == contact.source && $0.origin.reference == contact.reference }
      if let same { return same.id }
    }
    guard contact.direction == .inbound else { return nil }
    let matter = TicketBatch.matter(TicketSubject(kind: contact.kind, category: contact.category))
    return candidates.first { record in
      guard record.ticket.state.isOpen, TicketBatch.matter(record.ticket.subject) == matter else { return false }
      let span = rules.desk.joinSeconds
      return contact.occurredAt >= record.ticket.openedAt.adding(seconds: -span) && contact.occurredAt <= record.ticket.lastMessageAt.adding(seconds: span)
    }?.id
  }

  /// What two contacts must have in common: the category, or where the source has none, the kind.
  private static func matter(_ subject: TicketSubject) -> String {
    subject.category.isEmpty ? "kind " + (subject.kind ?? ServiceStandards.kindDefault).rawValue : "category " + subject.category
  }

  private mutating func open(_ received: ReceivedContact, of customer: CustomerID, _ tier: KnownTier) -> TicketID {
    let contact = received.content.contact
    let id = TicketID(number: received.number)
    let subject = TicketSubject(kind: contact.kind, category: contact.category, urgency: contact.urgency)
    let (ticket, events) = Ticket.open(
      id, subject, tier: tier.tier(at: contact.occurredAt), at: contact.occurredAt, by: .customer, text: contact.text, rules: rules.book)
    take(
      TicketRecord(
        ticket: ticket, version: 0, identity: received.content.identity, customer: customer,
        origin: TicketOrigin(
          channel: contact.channel, source: contact.source, reference: contact.reference, orderID: contact.orderID, text: contact.text,
          attachments: contact.attachments)))
    opened.insert(id)
    toPlace.insert(id)
    note(id, events)
    follow(id, tier, changedAt: nil)
    return id
  }

  private mutating func add(_ contact: ContactEvent, to id: TicketID) {
    guard var ticket = records[id]?.ticket else { return }
    guard var events = try? ticket.receive(messageAt: contact.occurredAt, text: contact.text, rules: rules.book, ladder: rules.ladder) else { return }
    // What is sorted now was not sorted before; what became worse is worse.
    var subject = ticket.subject
    subject.kind = subject.kind ?? contact.kind
    if let urgency = contact.urgency, TicketBatch.rank(urgency) < subject.urgency.map(TicketBatch.rank) ?? .max { subject.urgency = urgency }
    if subject != ticket.subject {
      events += ticket.retarget(
        TicketTarget(subject: subject), by: .customer, at: contact.occurredAt, policy: rules.desk.onChange, rules: rules.book, ladder: rules.ladder)
    }
    if ticket.subject != records[id]?.ticket.subject || ticket.timesReopened != records[id]?.ticket.timesReopened { toPlace.insert(id) }
    records[id]?.ticket = ticket
    note(id, events)
  }

  private static func rank(_ urgency: ContactEvent.Urgency) -> Int { ContactEvent.Urgency.allCases.firstIndex(of: urgency) ?? .max }

  /// The business spoke in the same conversation, over a channel of its own.
  private mutating func reply(_ contact: ContactEvent, to id: TicketID) {
    guard var ticket = records[id]?.ticket else { return }
    let actor = TicketActor(contact.source)
    guard
      let events = try? ticket.take(
        .reply, by: actor, at: contact.occurredAt, text: contact.text, isLate: true, rules: rules.book, ladder: rules.ladder)
    else { return }
    records[id]?.ticket = ticket
    note(id, events)
  }

  // MARK: - Tiers

  /// Snapshots that are no newer than what is known change nothing.
  public static func rated(_ snapshots: [TierSnapshot], _ store: inout some TicketStore, rules: TicketRules, at now: Instant) throws -> TicketOutcome {
    var batch = TicketBatch(rules, now)
    let newest = Dictionary(snapshots.map { ($0.customer, $0) }) { $0.version >= $1.version ? $0 : $1 }
    let known = try store.lockTiers(of: newest.keys.sorted())
    for tier in known {
      guard let snapshot = newest[tier.customer], snapshot.version > tier.version else { continue }
      // Of one that became part of another nothing is known any more: its tickets follow their identities.
      let isGone = snapshot.mergedInto != nil
      let before = snapshot.tierBefore.flatMap { TierID($0) }
      batch.changes.tiers.append(
        KnownTier(
          customer: tier.customer, version: snapshot.version, tier: isGone ? nil : TierID(snapshot.tier), before: isGone ? nil : before,
          since: isGone ? nil : snapshot.ratedAt, attendant: tier.attendant, attendantVersion: tier.attendantVersion))
    }
    batch.know(batch.changes.tiers)
    batch.take(try store.unclosed(of: batch.changes.tiers.map(\.customer)))
    for id in batch.records.keys.sorted() {
      if let customer = batch.records[id]?.customer { batch.follow(id, batch.tier(of: customer), changedAt: nil) }
    }
    return try batch.finish(&store)
  }

  /// Serves a ticket by the tier of its customer.
  ///
  /// - Parameter changedAt: since when it is this customer's; nil: from the beginning.
  private mutating func follow(_ id: TicketID, _ known: KnownTier, changedAt: Instant?) {
    guard let record = records[id], record.ticket.state != .closed, let tier = known.tier else { return }
    var ticket = record.ticket
    var events: [TicketEvent] = []
    func serve(_ tier: TierID, _ at: Instant) {
      events += ticket.retarget(
        TicketTarget(tier: tier), by: .system, at: max(at, ticket.openedAt), policy: rules.desk.onChange, rules: rules.book, ladder: rules.ladder)
    }
    if ticket.tier == nil, let first = known.tier(at: ticket.openedAt) { serve(first, ticket.openedAt) }
    if ticket.tier != tier { serve(tier, max(known.since ?? ticket.openedAt, changedAt ?? ticket.openedAt)) }
    if ticket.tier != record.ticket.tier { toPlace.insert(id) }
    records[id]?.ticket = ticket
    note(id, events)
  }

  // MARK: - Moves of identities

  /// Tickets follow the identity they came by, whatever was known first.
  public static func moved(_ moves: [IdentityMove], _ store: inout some TicketStore, rules: TicketRules, at now: Instant) throws -> TicketOutcome {
    var batch = TicketBatch(rules, now)
    let taken = try store.move(
      IdentityOwner.newest(moves.map { IdentityOwner(identity: $0.identity, customer: $0.customer, version: $0.version, since: $0.at) }))
    guard !taken.isEmpty else { return TicketOutcome() }
    batch.know(try store.lockTiers(of: Set(taken.map(\.customer)).sorted()))
    batch.take(try store.tickets(following: taken.map(\.identity).sorted()))
    let owners = Dictionary(taken.map { ($0.identity, $0) }) { first, _ in first }
    for id in batch.records.keys.sorted() {
      guard let record = batch.records[id], let owner = owners[record.identity], owner.customer != record.customer else { continue }
      batch.records[id]?.customer = owner.customer
      let state = record.ticket.state
      let words = "\(record.customer) \(owner.customer)"
      batch.note(id, [TicketEvent(.moved, at: max(owner.since, record.ticket.openedAt), by: .system, before: state, after: state, text: words)])
      // Somebody else may look after this customer.
      batch.toPlace.insert(id)
      batch.follow(id, batch.tier(of: owner.customer), changedAt: owner.since)
    }
    return try batch.finish(&store)
  }

  // MARK: - Time

  /// Steps of the ladder that were reached and tickets that close by themselves, each at its own moment. Returns when each is due again.
  public static func pass(
    _ tickets: [TicketID], _ store: inout some TicketStore, rules: TicketRules, at now: Instant
  ) throws -> (outcome: TicketOutcome, next: [TicketID: Instant]) {
    var batch = TicketBatch(rules, now)
    batch.take(try store.lock(tickets.sorted()))
    for id in batch.records.keys.sorted() {
      guard var ticket = batch.records[id]?.ticket else { continue }
      let events = rules.pass(&ticket, to: now)
      batch.records[id]?.ticket = ticket
      batch.note(id, events)
    }
    let outcome = try batch.finish(&store)
    return (outcome, batch.records.compactMapValues { rules.nextMoment($0.ticket) })
  }

  // MARK: - People

  /// Somebody is away: what they have is covered, by customers and tickets that are locked in that order.
  public static func cover(
    _ tickets: [(ticket: TicketID, customer: CustomerID)], of person: String, _ store: inout some TicketStore, rules: TicketRules, at now: Instant
  ) throws -> TicketOutcome {
    var batch = TicketBatch(rules, now)
    batch.know(try store.lockTiers(of: Set(tickets.map(\.customer)).sorted()))
    batch.take(try store.lock(tickets.map(\.ticket).sorted()))
    // What went to another customer or to somebody else meanwhile was placed there.
    for (id, record) in batch.records where record.owner == person && batch.tiers[record.customer] != nil { batch.toPlace.insert(id) }
    return try batch.finish(&store)
  }

  /// Somebody looks after a customer from now on, and takes over the open tickets that are served by name. nil: it is not as it was seen.
  public static func attend(
    _ customer: CustomerID, by person: String, _ actor: TicketActor, seen: (Int32) -> Bool, _ store: inout some TicketStore, rules: TicketRules,
    at now: Instant
  ) throws -> KnownTier? {
    var batch = TicketBatch(rules, now)
    batch.know(try store.lockTiers(of: [customer]))
    var known = batch.tier(of: customer)
    guard seen(known.attendantVersion) else { return nil }
    guard known.attendant != person else { return known }
    let service = known.tier.flatMap { rules.staff.named($0) }
    if let service, let member = rules.staff[person], !service.accepts(member, on: rules.zone.day(of: now)) { throw DeskRefusal.unfit(service) }
    known.attendant = person
    known.attendantVersion += 1
    batch.know([known])
    batch.changes.attendants.append(NewAttendant(customer: customer, version: known.attendantVersion, person: person, actor: actor))
    batch.take(try store.unclosed(of: [customer]))
    for (id, record) in batch.records where record.ticket.tier.map({ rules.staff.named($0) != nil }) ?? false { batch.toPlace.insert(id) }
    _ = try batch.finish(&store)
    return batch.tier(of: customer)
  }

  /// Other standards or calendars are in force: what runs is promised anew by the policy.
  public static func promiseAnew(_ tickets: [TicketID], _ store: inout some TicketStore, rules: TicketRules, at now: Instant) throws -> TicketOutcome {
    var batch = TicketBatch(rules, now)
    batch.take(try store.lock(tickets.sorted()))
    for id in batch.records.keys.sorted() {
      guard var ticket = batch.records[id]?.ticket, ticket.isPromisedByOthers(rules.book.versions) else { continue }
      let events = ticket.retarget(
        TicketTarget(), by: .system, at: max(now, ticket.openedAt), policy: rules.desk.onChange, rules: rules.book, ladder: rules.ladder)
      let isChanged = ticket != batch.records[id]?.ticket
      batch.records[id]?.ticket = ticket
      batch.note(id, events)
      if isChanged { batch.touched.insert(id) }
    }
    return try batch.finish(&store)
  }
}
