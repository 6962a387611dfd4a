// Which tickets a caller may look at and work on: without the permission for all, their own and their team's, by the name that their token gives them.
import Access
import Domain
import HTTP
import Postgres
import TicketsCore
import TicketsStore

extension Request {
  /// nil: all tickets.
  func reach(_ staff: StaffRules) -> TicketReach? {
    guard let principal, !principal.may(.ticketsAll) else { return nil }
    return TicketReach(owner: principal.actor, team: staff.people.first { $0.name == principal.actor }?.team)
  }

  /// Refuses a ticket that whoever asks has no business with.
  func check(_ record: TicketRecord, _ staff: StaffRules) throws(Problem) {
    if let reach = reach(staff), !reach.holds(record) { try demand(.ticketsAll) }
  }

  /// The same where a request to open a ticket finds it there: whoever opened it may ask again, wherever it went since.
  func check(_ record: TicketRecord, openedBy actor: TicketActor, _ staff: StaffRules, _ session: PostgresSession) throws {
    if try TicketQueries.history(of: record.id, after: 0, limit: 1, session).first?.event.actor.name == actor.name { return }
    try check(record, staff)
  }
}
