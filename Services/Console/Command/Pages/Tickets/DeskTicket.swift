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
}

/// Tickets of a list, in the order of the service.
struct TicketList: Sendable {
  /// Tickets of one request to the service.
  private static let rowsPerRequest = 200

  var tickets: [DeskTicket] = []
  /// Where those begin that were not read; nil: these are all.
  var next: String?

  /// - Parameters:
  ///   - query: which tickets.
  ///   - queue: which of those; nil: all.
  ///   - place: what ``next`` was before.
  static func read(
    _ query: [(name: String, value: String?)], _ queue: (name: String, value: String)?, from place: String? = nil, rows: Int, _ visit: Visit
  ) async throws(PeerFailure) -> TicketList {
    var query = query
    if let queue {
      // Somebody else's tickets are not in one's own queue.
      if let other = query.first(where: { $0.name == queue.name })?.value, other != queue.value { return TicketList() }
      query.removeAll { $0.name == queue.name }
      query.append((name: queue.name, value: queue.value))
    }
    var found = TicketList(next: place)
    repeat {
      let limit = min(rowsPerRequest, rows - found.tickets.count)
      let answer = try await visit.api.get(
        .tickets, "/v1/tickets", query + [(name: "after", value: found.next), (name: "limit", value: String(limit))])
      let page = (answer["tickets"]?.arrayValue ?? []).map { DeskTicket($0, visit) }
      found.tickets += page
      found.next = answer["next"]?.stringValue
      if page.isEmpty { break }
    } while found.next != nil && found.tickets.count < rows
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

  /// What the service is asked for besides; nil: nothing.
  ///
  /// - Parameter team: of whoever looks; nil: of none.
  func filter(me: String, team: String?) -> (name: String, value: String)? {
    switch self {
    case .mine: (name: "owner", value: me)
    case .team: team.map { (name: "team", value: $0) }
    case .unassigned: (name: "unassigned", value: "true")
    case .overdue: (name: "late", value: "true")
    case .all: nil
    }
  }

  /// What the service calls its count.
  var count: String {
    switch self {
    case .mine: "mine"
    case .team: "my_team"
    case .unassigned: "unassigned"
    case .overdue: "late"
    case .all: "tickets"
    }
  }
}
