// Acceptance of delivered work over HTTP (K-09): what is awaited, and what was said.
import Access
import Domain
import HTTP
import Handling
import Postgres
import Runtime
import Text
import TicketsCore
import TicketsStore

/// What may be said of delivered work.
enum AcceptanceWord: String, CaseIterable { case accepted, rejected }

struct AcceptancesAPI: Sendable {
  let tickets: TicketsAPI

  func add(to router: inout Router) {
    router.get("/v1/acceptances", needs: .ticketsRead) { try await list($0) }
    router.post("/v1/tickets/{ticket_id}/acceptance", needs: .ticketsAct, limits: RouteLimits(bodyBytesMax: Instruction.bodyBytesMax)) { request in
      try await tickets.carryOut(request, members: ["outcome", "value", "note"]) { reader, actor in
        let outcome = reader.choice("outcome", of: AcceptanceWord.self, isNeeded: true) ?? .accepted
        let value = reader.choice("value", of: ValueGiven.self, isNeeded: true) ?? .full
        let note = reader.text("note", max: AcceptanceDecision.noteMax)
        if outcome == .rejected, actor.reason.allSatisfy(\.isWhitespace) { reader.refuse("reason", "missing", "rejecting needs a reason") }
        return .accept(outcome == .accepted, value, note: note, actor)
      }
    }
  }

  private func list(_ request: Request) async throws -> Response {
    let today = tickets.settings.rules.value.zone.day(of: tickets.clock.now())
    var reader = BodyReader(ArticlesAPI.words(of: request, ["owner", "team"]))
    let (owner, team) = (reader.text("owner", max: StaffRules.nameMax), reader.text("team", max: StaffRules.codeBytesMax))
    let overdue = request.query["overdue"] ?? "false"
    if overdue != "true", overdue != "false" { reader.refuse("overdue", "enum", "overdue is true or false") }
    var place: (due: Day, ticket: TicketID)?
    if let text = request.query["after"] {
      place = AcceptancesAPI.place(text)
      if place == nil { reader.refuse("after", "format", "give what the page before says under next") }
    }
    try reader.finish()
    let limit = try TicketsAPI.number(request, "limit", in: 1...TicketsAPI.rowsMax) ?? TicketsAPI.rowsUsual
    let (after, reach) = (place, request.reach(tickets.settings.rules.value.staff))
    let found = try await tickets.pool.withSession {
      try TicketQueries.toAccept(
        before: overdue == "true" ? today : nil, owner: owner.isEmpty ? nil : owner, team: team.isEmpty ? nil : team, reach: reach, after: after,
        limit: limit + 1, $0)
    }
    let page = found.prefix(limit)
    let next = found.count > limit ? page.last.flatMap { last in last.ticket.acceptance.map { "\($0.dueOn)-\(last.id)" } } : nil
    return .json(
      JSONValue.object([
        JSONMember("today", .text(today.description)), JSONMember("tickets", .array(page.map { request.shown($0) })),
        JSONMember("next", .textOrNull(next)),
      ]).encoded)
  }

  /// `1998-07-01-` and the ticket.
  private static func place(_ text: String) -> (due: Day, ticket: TicketID)? {
    let end = text.index(text.startIndex, offsetBy: 10, limitedBy: text.endIndex) ?? text.endIndex
    guard let due = Day(String(text[..<end])), text[end...].first == "-", let ticket = TicketID(String(text[end...].dropFirst())) else { return nil }
    return (due, ticket)
  }
}
