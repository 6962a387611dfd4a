// Tickets in memory, for a desk that is simulated: what the tables of the service do, for one writer.
import Domain
import Handling
import TicketsCore

/// Things with a moment, the earliest first; of one moment that which came first.
struct MomentQueue<Item: Sendable>: Sendable {
  private struct Entry: Sendable {
    let at: Instant
    let number: Int
    let item: Item
    func isBefore(_ other: Entry) -> Bool { (at, number) < (other.at, other.number) }
  }
  /// A binary heap.
  private var entries: [Entry] = []
  private var pushed = 0

  var first: (at: Instant, item: Item)? { entries.first.map { ($0.at, $0.item) } }

  mutating func push(_ item: Item, at: Instant) {
    pushed += 1
    entries.append(Entry(at: at, number: pushed, item: item))
    var place = entries.count - 1
    while place > 0, entries[place].isBefore(entries[(place - 1) / 2]) {
      entries.swapAt(place, (place - 1) / 2)
      place = (place - 1) / 2
    }
  }

  mutating func pop() -> (at: Instant, item: Item)? {
    guard let first = entries.first, let last = entries.popLast() else { return nil }
    guard !entries.isEmpty else { return (first.at, first.item) }
    entries[0] = last
    var place = 0
    while true {
      let children = [2 * place + 1, 2 * place + 2].filter { $0 < entries.count }
      guard let least = children.min(by: { entries[$0].isBefore(entries[$1]) }), entries[least].isBefore(entries[place]) else { break }
      entries.swapAt(place, least)
      place = least
    }
    return (first.at, first.item)
  }
}

struct MemoryTicketStore: TicketStore, Sendable {
  private(set) var records: [TicketID: TicketRecord] = [:]
  /// What everybody has to do; nobody is ever away.
  private(set) var situation: StaffSituation
  private(set) var breaches = 0
  private(set) var lines = 0
  private var ownersOf: [CustomerID: IdentityOwner] = [:]
  private var tiers: [CustomerID: KnownTier] = [:]
  private var contacts: Set<Int64> = []
  private var unclosedOf: [CustomerID: Set<TicketID>] = [:]
  private var following: [CustomerID: Set<TicketID>] = [:]
  private var dueAt: [TicketID: Instant] = [:]
  /// Every moment that was ever due; those that are no longer are passed over.
  private var due = MomentQueue<TicketID>()

  init(today: Day) { situation = StaffSituation(today: today) }

  mutating func owners(noting believed: [IdentityOwner]) -> [IdentityOwner] {
    believed.map { owner in
      let known = ownersOf[owner.identity] ?? owner
      ownersOf[owner.identity] = known
      return known
    }
  }

  mutating func move(_ moves: [IdentityOwner]) -> [IdentityOwner] {
    let newer = moves.filter { move in ownersOf[move.identity].map { $0.version < move.version } ?? true }
    for owner in newer { ownersOf[owner.identity] = owner }
    return newer
  }

  mutating func lockTiers(of customers: [CustomerID]) -> [KnownTier] { customers.map { tiers[$0] ?? KnownTier(customer: $0) } }
  mutating func known(_ contacts: [Int64]) -> Set<Int64> { self.contacts.intersection(contacts) }
  mutating func unclosed(of customers: [CustomerID]) -> [TicketRecord] { lock(customers.flatMap { unclosedOf[$0] ?? [] }.sorted()) }
  mutating func tickets(following identities: [CustomerID]) -> [TicketRecord] { lock(identities.flatMap { following[$0] ?? [] }.sorted()) }
  mutating func lock(_ tickets: [TicketID]) -> [TicketRecord] { tickets.compactMap { records[$0] } }

  mutating func lockStaff(on today: Day) -> StaffSituation {
    situation.today = today
    return situation
  }

  mutating func given(for ticket: TicketID, to customer: CustomerID, from start: Instant, until end: Instant) throws -> GivenBefore {
    throw BenchFailure("a desk in memory keeps nothing that is given")
  }

  mutating func write(_ changes: TicketChanges, _ rules: TicketRules) throws {
    guard changes.grants.isEmpty else { throw BenchFailure("a desk in memory keeps nothing that is given") }
    for record in changes.opened + changes.changed { write(record, rules) }
    for (contact, _) in changes.contacts { contacts.insert(contact) }
    for tier in changes.tiers { tiers[tier.customer] = tier }
    for new in changes.attendants {
      var known = tiers[new.customer] ?? KnownTier(customer: new.customer)
      (known.attendant, known.attendantVersion) = (new.person, new.version)
      tiers[new.customer] = known
    }
    lines += changes.events.count
    breaches += changes.events.count { $0.event.kind == .breached }
  }

  private mutating func write(_ record: TicketRecord, _ rules: TicketRules) {
    let before = records.updateValue(record, forKey: record.id)
    situation.move(before.map(MemoryTicketStore.counted) ?? Placement(), to: MemoryTicketStore.counted(record))
    if let before, before.customer != record.customer { unclosedOf[before.customer]?.remove(record.id) }
    following[record.identity, default: []].insert(record.id)
    if record.ticket.state == .closed {
      unclosedOf[record.customer]?.remove(record.id)
    } else {
      unclosedOf[record.customer, default: []].insert(record.id)
    }
    schedule(record.id, rules.nextMoment(record.ticket))
  }

  private static func counted(_ record: TicketRecord) -> Placement { record.ticket.state.isOpen ? record.place : Placement() }

  // MARK: - Due work

  /// When time next brings something to a ticket; nil: nothing.
  mutating func schedule(_ id: TicketID, _ next: Instant?) {
    if let next, next != dueAt[id] { due.push(id, at: next) }
    dueAt[id] = next
  }

  /// When time next brings something at all.
  mutating func nextDue() -> Instant? {
    while let (at, id) = due.first {
      if dueAt[id] == at { return at }
      _ = due.pop()
    }
    return nil
  }

  /// Whose moment has come; each once.
  mutating func takeDue(until now: Instant) -> [TicketID] {
    var taken: [TicketID] = []
    while let at = nextDue(), at <= now, let (_, id) = due.pop() {
      dueAt[id] = nil
      taken.append(id)
    }
    return taken
  }
}
