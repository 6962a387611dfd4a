// What people do with tickets (K-01, K-06, K-09): one order on one ticket, written whole or not at all.
public import Domain

public enum TicketOrder: Sendable {
  case step(TicketStep, TicketActor, text: String, TicketResolution?)
  case fulfil(ServiceClock, TicketActor)
  case assign(owner: String, TicketActor)
  case sort(TicketSubject, TicketActor)
  case merge(into: TicketID, TicketActor)
  case link(TicketID, TicketActor)
}

/// Why an order is not carried out, beside the refusals of the state machine.
public enum DeskRefusal: Error, Hashable, Sendable {
  case unknown(TicketID)
  case itself
  case otherCustomer
  case unknownCode(String)
  case unknownCause(String)
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
    let record = TicketRecord(
      ticket: ticket, version: 1, identity: customer, customer: owner, origin: origin, owner: "", events: events.count)
    var changes = TicketChanges()
    changes.opened = [record]
    changes.events = events.map { (id, $0) }
    try store.write(changes, rules)
    return (record, true)
  }

  /// Carries out an order on tickets that are locked; returns those that changed.
  public static func apply(
    _ order: TicketOrder, to record: TicketRecord, beside other: TicketRecord?, _ store: inout some TicketStore, rules: TicketRules, at now: Instant
  ) throws -> [TicketRecord] {
    var (record, other) = (record, other)
    var events: [(ticket: TicketID, event: TicketEvent)] = []
    // The machine's clock may stand a little before what was recorded last.
    let at = max(now, record.ticket.lastStepAt)
    func note(_ found: [TicketEvent]) { events += found.map { (record.id, $0) } }
    let state = record.ticket.state
    switch order {
    case .step(.message, let actor, let text, _):
      let found = try record.ticket.receive(messageAt: at, text: text, rules: rules.book, ladder: rules.ladder)
      // Who wrote down what the customer said.
      note(
        found.map { event in
          var event = event
          if event.kind == .message { event.actor = actor }
          return event
        })
    case .step(let step, let actor, let text, let resolution):
      try check(resolution, rules.desk)
      note(try record.ticket.take(step, by: actor, at: at, text: text, resolution: resolution, rules: rules.book, ladder: rules.ladder))
    case .fulfil(let clock, let actor): note(try record.ticket.fulfil(clock, by: actor, at: at, rules: rules.book, ladder: rules.ladder))
    case .assign(let owner, let actor):
      record.owner = owner
      note([TicketEvent(.assigned, at: at, by: actor, before: state, after: state, text: owner)])
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
    record.version += 1
    record.events += events.count { $0.ticket == record.id }
    var changes = TicketChanges()
    changes.changed = [record, other].compactMap(\.self).sorted { $0.id < $1.id }
    changes.events = events
    try store.write(changes, rules)
    return [record] + [other].compactMap(\.self)
  }

  private static func check(_ resolution: TicketResolution?, _ desk: DeskRules) throws {
    guard let resolution else { return }
    guard resolution.code.isEmpty || desk.resolutionCodes.contains(where: { $0.id == resolution.code }) else {
      throw DeskRefusal.unknownCode(resolution.code)
    }
    guard resolution.rootCause.isEmpty || desk.rootCauses.contains(where: { $0.id == resolution.rootCause }) else {
      throw DeskRefusal.unknownCause(resolution.rootCause)
    }
  }
}
