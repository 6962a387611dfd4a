// Open tickets on the first page: how many, how many are late or soon will be, and which are next.
import Access
import Domain
import HTML
import HTTP
import Handling
import Text

struct HomeTickets: Sendable {
  private static let soonSeconds: Int64 = 3_600
  private static let urgentMax = 6

  /// A ticket with the promise that comes first.
  struct Urgent: Sendable {
    let ticket: JSONValue
    let clock: ClockView
    let deadline: Int64
  }

  struct Counts: Sendable {
    var open: Int64 = 0
    var late: Int64 = 0
    var soon: Int64 = 0
    var unowned: Int64 = 0
    var urgent: [Urgent] = []
  }

  /// Whoever may see all tickets sees them all here; an agent their own, and those of the team that nobody has taken.
  let isMine: Bool
  let counts: Result<Counts, PeerFailure>
  let now: Int64

  /// nil: whoever looks may see no ticket.
  static func read(_ visit: Visit) async -> HomeTickets? {
    guard visit.may(.ticketsRead) else { return nil }
    let (isMine, now) = (!visit.may(.ticketsAll), visit.now.microseconds)
    let actor = visit.caller?.principal.actor
    let unresolved: [(name: String, value: String?)] = [(name: "state", value: "unresolved")]
    let mine = unresolved + [(name: "owner", value: isMine ? actor : nil)]
    do throws(PeerFailure) {
      let all = try await visit.api.get(.tickets, "/v1/tickets/counts", unresolved)
      let own = isMine ? try await visit.api.get(.tickets, "/v1/tickets/counts", mine) : all
      let found = try await TicketList.read(mine + [(name: "order", value: "due")], nil, rows: urgentMax, visit)
      var counts = Counts(
        open: own["tickets"]?.counted ?? 0, late: own["late"]?.counted ?? 0, soon: own["due_soon"]?.counted ?? 0, unowned: all["unassigned"]?.counted ?? 0)
      counts.urgent = found.tickets.compactMap { ticket in
        // What is still to be done, in time or not.
        guard let deadline = ticket.dueAt, let clock = ticket.clocks.first(where: { $0.isOpen && $0.deadline == deadline }) else { return nil }
        return Urgent(ticket: ticket.json, clock: clock, deadline: deadline)
      }
      return HomeTickets(isMine: isMine, counts: .success(counts), now: now)
    } catch { return HomeTickets(isMine: isMine, counts: .failure(error), now: now) }
  }

  // MARK: - Shown

  func group(_ visit: Visit) -> HomeFigures.Group {
    let target = visit.target(DeskPage.path)
    var tiles = [
      HomeFigures.Tile(id: "tickets-open", name: isMine ? visit.say("My open tickets", "我的未解决工单") : visit.say("Open tickets", "未解决工单"), target: target),
      HomeFigures.Tile(id: "tickets-late", name: visit.say("Late", "已超时"), target: target),
      HomeFigures.Tile(id: "tickets-soon", name: visit.say("Due within an hour", "一小时内到期"), target: target),
      HomeFigures.Tile(id: "tickets-unowned", name: visit.say("Without an owner", "待领取"), target: target),
    ]
    switch counts {
    case .success(let counts):
      for (place, count) in [counts.open, counts.late, counts.soon, counts.unowned].enumerated() { tiles[place].value = visit.number(count) }
      if counts.late > 0 { tiles[1].state = .bad }
      if counts.soon > 0 { tiles[2].state = .warn }
      if isMine { tiles[3].note = visit.say("in my team's queue", "在我的团队队列中") }
    case .failure(let failure): for place in tiles.indices { tiles[place].note = HomeFigures.why(failure, visit) }
    }
    return HomeFigures.Group(id: "tickets", title: visit.say("Tickets and deadlines", "工单与时限"), tiles: tiles)
  }

  /// What is to be done next, the most urgent first.
  func table(_ visit: Visit) -> DataTable? {
    guard case .success(let counts) = counts, !counts.urgent.isEmpty else { return nil }
    let rows = counts.urgent.map { urgent -> [Cell] in
      let id = visit.text(urgent.ticket["ticket_id"])
      let link: Cell = .link(id, visit.target("\(DeskPage.path)/\(id)"))
      let left = (urgent.deadline - now) / 1_000_000
      let word = ClockView.words(until: urgent.deadline, visit)
      return [
        link, .text(visit.text(urgent.ticket["priority"])), .text(visit.say(urgent.ticket["state_name"])), .text(urgent.clock.name(visit)),
        .text(visit.moment(urgent.deadline)),
        .shown([.element(Parts.badge(word, left < 0 ? .bad : left <= HomeTickets.soonSeconds ? .warn : .plain))], plain: word),
        .text(visit.text(urgent.ticket["owner"])),
      ]
    }
    return DataTable(
      "next-deadlines", visit.say("Next deadlines, as of loading this page", "即将到期（页面加载时）"),
      [
        visit.say("Ticket", "工单"), visit.say("Priority", "优先级"), visit.say("State", "状态"), visit.say("Promise", "承诺"), visit.say("Due", "时限"),
        visit.say("Left", "剩余"), visit.say("Owner", "负责人"),
      ], rows)
  }
}
