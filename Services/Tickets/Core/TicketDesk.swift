// What people do with tickets (K-01, K-06, K-07, K-09): one order on one ticket, written whole or not at all.
public import Domain
import Handling

public enum TicketOrder: Sendable {
  case step(TicketStep, TicketActor, text: String, TicketResolution?)
  case fulfil(ServiceClock, TicketActor)
  /// To a person, to a team without saying to whom, or, with neither, to whom the rules say.
  case assign(Placement, TicketActor)
  case sort(TicketSubject, TicketActor)
  case merge(into: TicketID, TicketActor)
  case link(TicketID, TicketActor)
  /// Delivered work is accepted, or rejected.
  case accept(Bool, ValueGiven, note: String, TicketActor)

  /// Whether somebody else may have to work on the ticket after it: then its customer is locked before it.
  public var mayPlace: Bool {
    switch self {
    case .step(let step, _, _, _): step == .reopen || step == .message
    case .accept(let isAccepted, _, _, _): !isAccepted
    case .assign, .sort: true
    case .fulfil, .merge, .link: false
    }
  }
}

/// Why an order is not carried out, beside the refusals of the state machine.
public enum DeskRefusal: Error, Hashable, Sendable {
  case unknown(TicketID)
  case itself
  case otherCustomer
  case unknownCode(String)
  case unknownCause(String)
  case unknownPerson(String)
  case unknownTeam(String)
  /// Somebody works on the ticket already.
  case reasonMissing
  /// The customer's tier is served by others than this person.
  case unfit(NamedService)
}

public enum TicketDesk {
  /// Opens a ticket by hand. The same number once more changes nothing and gives the ticket that is there.
  public static func open(
    _ id: TicketID, _ subject: TicketSubject, _ origin: TicketOrigin, for customer: CustomerID, by actor: TicketActor, _ store: inout some TicketStore,
    rules: TicketRules, at now: Instant
  ) throws -> (record: TicketRecord, isNew: Bool) {
    // A customer's number is that of one of its identities: what is opened for it follows that.
    let believed = IdentityOwner(identity: customer, customer: customer, version: 0, since: now)
    let owner = try store.owners(noting: [believed]).first?.customer ?? customer
    let tier = try store.lockTiers(of: [owner]).first ?? KnownTier(customer: owner)
    if let known = try store.lock([id]).first { return (known, false) }
    let (ticket, events) = Ticket.open(id, subject, tier: tier.tier, at: now, by: actor, text: origin.text, rules: rules.book)
    var record = TicketRecord(ticket: ticket, version: 1, identity: customer, customer: owner, origin: origin)
    var known = tier
    var placing = try TicketPlacing(rules, at: now, &store)
    let lines = events + [placing.place(&record, &known, isCounted: false)].compactMap(\.self)
    record.events = lines.count
    var changes = TicketChanges()
    changes.opened = [record]
    changes.events = lines.map { (id, $0) }
    changes.attendants = placing.attendants
    try store.write(changes, rules)
    return (record, true)
  }

  /// Carries out an order on tickets that are locked; returns those that changed.
  ///
  /// - Parameter known: the ticket's customer, locked, where the order may place the ticket.
  public static func apply(
    _ order: TicketOrder, to record: TicketRecord, beside other: TicketRecord?, of known: KnownTier?, _ store: inout some TicketStore,
    rules: TicketRules, at now: Instant
  ) throws -> [TicketRecord] {
    let before = record
    var (record, other) = (record, other)
    var events: [(ticket: TicketID, event: TicketEvent)] = []
    // The machine's clock may stand a little before what was recorded last.
    let at = max(now, record.ticket.lastStepAt)
    func note(_ found: [TicketEvent]) { events += found.map { (record.id, $0) } }
    let state = record.ticket.state
    switch order {
    case .step(let step, let actor, let text, let resolution): note(try take(step, actor, text, resolution, &record.ticket, rules, at))
    case .accept(let isAccepted, let value, let words, let actor):
      let decision = AcceptanceDecision(value: value, note: words, by: actor, at: at)
      note(try record.ticket.accept(isAccepted, decision, rules: rules.book, ladder: rules.ladder))
    case .fulfil(let clock, let actor): note(try record.ticket.fulfil(clock, by: actor, at: at, rules: rules.book, ladder: rules.ladder))
    case .assign(let place, let actor):
      guard place != Placement() else { break }
      let wanted = try check(place, of: record, actor, rules.staff)
      var placing = try TicketPlacing(rules, at: at, &store)
      note([placing.put(&record, wanted, actor, isCounted: state.isOpen)].compactMap(\.self))
    case .sort(let subject, let actor):
      note(
        record.ticket.retarget(
          TicketTarget(subject: subject), by: actor, at: at, policy: rules.desk.onChange, rules: rules.book, ladder: rules.ladder))
    case .link(let id, let actor):
      guard id != record.id else { throw DeskRefusal.itself }
      guard var linked = other else { throw DeskRefusal.unknown(id) }
      note([TicketEvent(.linked, at: at, by: actor, before: state, after: state, text: id.description)])
      let its = linked.ticket.state
      events.append((id, TicketEvent(.linked, at: at, by: actor, before: its, after: its, text: record.id.description)))
      linked.version += 1
      linked.events += 1
      other = linked
    case .merge(let id, let actor):
      guard id != record.id else { throw DeskRefusal.itself }
      guard var target = other else { throw DeskRefusal.unknown(id) }
      guard target.customer == record.customer else { throw DeskRefusal.otherCustomer }
      if let further = target.ticket.mergedInto { throw TicketRefusal.isMerged(into: further) }
      guard target.ticket.state.isOpen else { throw TicketRefusal.notPossible(.message, in: target.ticket.state) }
      note(try record.ticket.merge(into: id, by: actor, at: at, rules: rules.book, ladder: rules.ladder))
      events.append((id, target.ticket.absorb(record.ticket, by: actor, at: at)))
      target.version += 1
      target.events += 1
      other = target
    }
    var changes = TicketChanges()
    if order.isPlacing(record.ticket, before: before.ticket), var known {
      var placing = try TicketPlacing(rules, at: at, &store)
      note([placing.place(&record, &known, isCounted: state.isOpen)].compactMap(\.self))
      changes.attendants = placing.attendants
    }
    if case .assign = order, record.place == before.place, changes.attendants.isEmpty { return [] }
    record.version += 1
    record.events += events.count { $0.ticket == record.id }
    changes.changed = [record, other].compactMap(\.self).sorted { $0.id < $1.id }
    changes.events = events
    try store.write(changes, rules)
    return [record] + [other].compactMap(\.self)
  }

  /// Where somebody wants a ticket to be. While the staff's file names nobody, any name will do.
  private static func check(_ wanted: Placement, of record: TicketRecord, _ actor: TicketActor, _ staff: StaffRules) throws -> Placement {
    if !record.owner.isEmpty, actor.reason.isEmpty { throw DeskRefusal.reasonMissing }
    guard wanted.owner.isEmpty else {
      if let person = staff[wanted.owner] { return Placement(owner: person.name, team: person.team) }
      guard staff.people.isEmpty else { throw DeskRefusal.unknownPerson(wanted.owner) }
      return Placement(owner: wanted.owner, team: record.team)
    }
    guard staff.team(wanted.team) != nil else { throw DeskRefusal.unknownTeam(wanted.team) }
    return wanted
  }

  private static func take(
    _ step: TicketStep, _ actor: TicketActor, _ text: String, _ given: TicketResolution?, _ ticket: inout Ticket, _ rules: TicketRules, _ at: Instant
  ) throws -> [TicketEvent] {
    guard step != .message else {
      // Who wrote down what the customer said.
      return try ticket.receive(messageAt: at, text: text, rules: rules.book, ladder: rules.ladder).map { event in
        var event = event
        if event.kind == .message { event.actor = actor }
        return event
      }
    }
    let resolution = try given.map { try checked($0, rules.desk) }
    let events = try ticket.take(step, by: actor, at: at, text: text, resolution: resolution, rules: rules.book, ladder: rules.ladder)
    guard step == .resolve, let resolution, let due = rules.desk.acceptance?.due(ticket.subject.kind, resolution, on: rules.zone.day(of: at)) else {
      return events
    }
    return events + [ticket.awaitAcceptance(until: due, by: actor, at: at)]
  }

  private static func checked(_ resolution: TicketResolution, _ desk: DeskRules) throws -> TicketResolution {
    guard resolution.code.isEmpty || desk.resolutionCodes.contains(where: { $0.id == resolution.code }) else {
      throw DeskRefusal.unknownCode(resolution.code)
    }
    guard resolution.rootCause.isEmpty || desk.rootCauses.contains(where: { $0.id == resolution.rootCause }) else {
      throw DeskRefusal.unknownCause(resolution.rootCause)
    }
    return TicketResolution(code: resolution.code, rootCause: resolution.rootCause, isUpheld: desk.isUpheld(resolution.code))
  }
}

extension TicketOrder {
  /// Whether the rules say anew whose the ticket is: it was reopened, sorted anew, or that is what was asked for.
  fileprivate func isPlacing(_ ticket: Ticket, before: Ticket) -> Bool {
    if case .assign(Placement(), _) = self { return true }
    return ticket.timesReopened != before.timesReopened || ticket.subject != before.subject
  }
}
