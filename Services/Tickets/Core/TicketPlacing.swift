// Gives tickets to people and teams within a transaction (K-07).
import Domain

/// Places tickets one after another, each choice seeing those before it.
struct TicketPlacing {
  private let rules: TicketRules
  private let now: Instant
  private var situation: StaffSituation
  private(set) var attendants: [NewAttendant] = []

  init(_ rules: TicketRules, at now: Instant, _ store: inout some TicketStore) throws {
    self.rules = rules
    self.now = now
    let today = rules.zone.day(of: now)
    // With nobody to choose from nothing depends on what others have to do.
    situation = rules.staff.hasChoice ? try store.lockStaff(on: today) : StaffSituation(today: today)
  }

  /// Gives the ticket to whom it belongs; the line of its history if somebody else owns it now.
  ///
  /// - Parameter isCounted: whether it was open before, so that it counts with whom it was.
  mutating func place(_ record: inout TicketRecord, _ known: inout KnownTier, isCounted: Bool) -> TicketEvent? {
    guard record.ticket.state.isOpen else { return nil }
    let choice = rules.staff.place(
      record.ticket.subject, tier: rules.served(record.ticket.tier), attendant: known.attendant, current: record.place, situation)
    if let person = choice.attendant, person != known.attendant {
      known.attendant = person
      known.attendantVersion += 1
      let actor = TicketActor(TicketActor.system.name, because: PlacementChoice.Reason.fewest.words)
      attendants.append(NewAttendant(customer: known.customer, version: known.attendantVersion, person: person, actor: actor))
    }
    return put(&record, choice.place, TicketActor(TicketActor.system.name, because: choice.reason.words), isCounted: isCounted)
  }

  /// Gives the ticket to somebody by hand, or to a team without saying to whom.
  mutating func put(_ record: inout TicketRecord, _ place: Placement, _ actor: TicketActor, isCounted: Bool) -> TicketEvent? {
    let before = record.place
    situation.move(isCounted ? before : Placement(), to: place)
    guard place != before else { return nil }
    (record.owner, record.team) = (place.owner, place.team)
    // A new ticket that waits in a queue was given to nobody yet.
    guard place.owner != before.owner || !before.team.isEmpty else { return nil }
    let (state, words) = (record.ticket.state, place.owner.isEmpty ? place.team : place.owner)
    return TicketEvent(.assigned, at: max(now, record.ticket.openedAt), by: actor, before: state, after: state, text: words)
  }
}
