// A ticket of a list with what the desk sorts and sifts by: whose it is, what is due next, and whether that is late.
import Domain
import HTML
import HTTP
import Text

struct DeskTicket: Sendable {
  let json: JSONValue
  let clocks: [ClockView]
  /// What is to be done first, in microseconds since 1970; nil: nothing runs.
  let dueAt: Int64?
  let isLate: Bool

  init(_ json: JSONValue, _ visit: Visit) {
    self.json = json
    clocks = ClockView.all(of: json)
    let isAsleep = json["state"]?.stringValue.flatMap(TicketState.init(rawValue:)).map { !$0.isOpen } ?? false
    let open = isAsleep ? [] : clocks.filter(\.isOpen)
    dueAt = open.compactMap(\.deadline).min()
    isLate = open.contains { $0.isLate(visit) }
  }

  var id: String { json["ticket_id"]?.stringValue ?? "" }
  var owner: String? { json["owner"]?.stringValue }
  var team: String? { json["team"]?.stringValue }

  /// The beginning of what the customer said, else the category, else what it is about.
  func title(_ visit: Visit) -> String {
    let words = (json["text"]?.stringValue ?? "").split(whereSeparator: \.isNewline).first.map(String.init) ?? ""
    if !words.isEmpty { return Parts.brief(words) }
    if let category = json["category"]?.stringValue, !category.isEmpty { return Parts.brief(category) }
    return json["kind"]?.stringValue == nil ? visit.say("without words", "无内容") : DeskWords.kind(json["kind"]?.stringValue, visit)
  }

  /// The promise of an answer that counts now: the first one, else the newest of the next ones.
  var response: ClockView? {
    let answers = clocks.filter { $0.clock == .firstResponse || $0.clock == .nextResponse }
    return answers.last { $0.isOpen } ?? answers.first
  }

  /// The promise of a solution, else another one that is still open.
  var resolution: ClockView? {
    let others = clocks.filter { $0.clock != .firstResponse && $0.clock != .nextResponse }
    return others.last { $0.clock == .resolution } ?? others.first { $0.isOpen } ?? others.last
  }

  /// By what is due first; where nothing runs by when it was opened.
  static func isBefore(_ left: DeskTicket, _ right: DeskTicket) -> Bool {
    switch (left.dueAt, right.dueAt) {
    case (let one?, let other?): one == other ? left.id < right.id : one < other
    case (nil, nil): (left.json["opened_at"]?.stringValue ?? "", left.id) < (right.json["opened_at"]?.stringValue ?? "", right.id)
    case (let one, _): one != nil
    }
  }
}

/// Tickets of a list, the oldest first: who sorts them by what is due has to know them all, within limits.
struct OldestTickets: Sendable {
  /// Tickets of one request to the service, and requests for one page of ours.
  private static let rowsPerRequest = 200
  private static let requestsMax = 3

  var tickets: [DeskTicket] = []
  /// Where those begin that were not read; nil: these are all.
  var next: String?

  /// - Parameters:
  ///   - query: which tickets.
  ///   - after: what ``next`` was before.
  static func read(_ query: [(name: String, value: String?)], after: String? = nil, _ visit: Visit) async throws(PeerFailure) -> OldestTickets {
    var found = OldestTickets(next: after)
    for _ in 0..<requestsMax {
      let answer = try await visit.api.get(
        .tickets, "/v1/tickets", query + [(name: "after", value: found.next), (name: "limit", value: String(rowsPerRequest))])
      found.tickets += (answer["tickets"]?.arrayValue ?? []).map { DeskTicket($0, visit) }
      found.next = answer["next"]?.stringValue
      if found.next == nil { break }
    }
    return found
  }
}

/// A part of the desk's work.
enum DeskQueue: String, CaseIterable {
  case mine, team, unassigned, overdue, all

  var name: LocalizedName {
    switch self {
    case .mine: LocalizedName(en: "Mine", zh: "我的")
    case .team: LocalizedName(en: "My team's", zh: "我的团队")
    case .unassigned: LocalizedName(en: "Nobody's yet", zh: "未分派")
    case .overdue: LocalizedName(en: "Late", zh: "已超时")
    case .all: LocalizedName(en: "All", zh: "全部")
    }
  }

  /// - Parameter team: of whoever looks; nil: of none.
  func holds(_ ticket: DeskTicket, me: String, team: String?) -> Bool {
    switch self {
    case .mine: ticket.owner == me
    case .team: team != nil && ticket.team == team
    case .unassigned: ticket.owner == nil
    case .overdue: ticket.isLate
    case .all: true
    }
  }
}
