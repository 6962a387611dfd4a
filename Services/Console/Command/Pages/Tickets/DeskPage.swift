// The desk: everybody's queues of tickets, what is due first first (K-05, K-07).
import Access
import Domain
import HTML
import HTTP
import Text

struct DeskPage: Sendable {
  let site: Site

  static let path = "/tickets"
  /// Rows that are shown at once, and of a file, at most.
  private static let rowsShown = 40
  private static let rowsOfFile = 5_000

  func add(to router: inout Router) { router.page(DeskPage.path, site, needs: .ticketsRead) { try await show($0) } }

  /// What the address asks for.
  private struct Wanted {
    let state: String
    let priority: String?
    let kind: String?
    let owner: String?
    let customer: String
    let dueBy: Day?

    init(_ visit: Visit) {
      let query = visit.request.query
      state = DeskParts.word("state", of: TicketState.self, visit) ?? (query["state"] == "any" ? "any" : "unresolved")
      priority = DeskParts.word("priority", of: ServicePriority.self, visit)
      kind = DeskParts.word("kind", of: ContactEvent.Kind.self, visit)
      owner = query["owner"].flatMap { $0.isEmpty || $0.unicodeScalars.count > 100 ? nil : $0 }
      customer = TextNormal.trimmed(query["customer"] ?? "")
      dueBy = query["due"].flatMap { Day($0) }
    }

    /// Only of open tickets it is known what is due first.
    var isOpen: Bool { state == "unresolved" || TicketState(rawValue: state)?.isOpen == true }

    func filter(customer: String?) -> [(name: String, value: String?)] {
      [
        (name: "state", value: state == "any" ? nil : state), (name: "priority", value: priority), (name: "kind", value: kind),
        (name: "owner", value: owner), (name: "customer_id", value: customer), (name: "due_by", value: dueBy.map { "\($0)" }),
      ]
    }
  }

  // MARK: - Reading

  /// Which queues there are for whoever looks, and which is looked at.
  private struct Queues {
    let all: [DeskQueue]
    let chosen: DeskQueue
    let me: String
    /// nil: whoever looks is in none.
    let team: String?

    init(_ visit: Visit, _ people: Section?) {
      let name = visit.caller?.principal.actor ?? ""
      let team = people?.json?["people"]?.arrayValue?.first { $0["name"]?.stringValue == name }?["team"]?.stringValue
      let queues = DeskQueue.allCases.filter { ($0 != .all || visit.may(.ticketsAll)) && ($0 != .team || team != nil) }
      let asked = visit.request.query["queue"].flatMap(DeskQueue.init(rawValue:)).flatMap { queues.contains($0) ? $0 : nil }
      // Whoever works on no ticket looks at all of them.
      chosen = asked ?? (team == nil && visit.may(.ticketsAll) ? .all : .mine)
      (all, me, self.team) = (queues, name, team)
    }
  }

  private func show(_ visit: Visit) async throws -> Response {
    let wanted = Wanted(visit)
    let api = visit.api
    async let staff = visit.may(.staffRead) ? api.section(.tickets, "/v1/staff") : nil
    var customer: String?
    if !wanted.customer.isEmpty { customer = try await CustomerEntry.find(wanted.customer, visit) }
    let people = await staff
    let queues = Queues(visit, people)
    if !wanted.customer.isEmpty, customer == nil { return page(visit, wanted, TicketList(), queues, nil, people, isUnknown: true) }
    let filter = wanted.filter(customer: customer)
    let mine: [(name: String, value: String?)] = [(name: "mine", value: queues.me), (name: "my_team", value: queues.team)]
    async let counts = api.section(.tickets, "/v1/tickets/counts", filter + mine)
    let isFile = visit.request.query[DataTable.parameter] != nil
    let found = try await TicketList.read(
      filter + [(name: "order", value: wanted.isOpen ? "due" : nil)], queues.chosen.filter(me: queues.me, team: queues.team),
      from: isFile ? nil : visit.request.query["after"], rows: isFile ? DeskPage.rowsOfFile : DeskPage.rowsShown, visit)
    return page(visit, wanted, found, queues, await counts, people)
  }

  // MARK: - Showing

  private func page(
    _ visit: Visit, _ wanted: Wanted, _ found: TicketList, _ queues: Queues, _ counts: Section?, _ people: Section?, isUnknown: Bool = false
  ) -> Response {
    let table = DeskPage.table(found.tickets, queues.chosen, byDeadline: wanted.isOpen, visit)
    if let file = visit.file(of: [table]) { return file }
    return visit.page(visit.say("Tickets", "工单"), .tickets) {
      Element(.h1, visit.say("Tickets", "工单"))
      DeskPage.ways(visit, "desk")
      tabs(visit, queues, counts?.json)
      filters(visit, wanted, people, queues.chosen)
      if isUnknown { Notice.fault(visit.say(DeskText.noCustomer)) }
      table.element(visit, empty: visit.say("Nothing is to be done here.", "此处没有待处理工单。"))
      Parts.pager(visit, next: found.next, parameter: "after")
      DeskParts.asOf(visit)
    }
  }

  private func tabs(_ visit: Visit, _ queues: Queues, _ counts: JSONValue?) -> Element {
    Parts.tabs(
      visit.say("Queues", "队列"),
      queues.all.map { each in
        let count = visit.number(counts?[each.count])
        let target = visit.here([(name: "queue", value: each.rawValue), (name: "after", value: nil), (name: DataTable.parameter, value: nil)])
        return (text: visit.say("\(visit.say(each.name)) (\(count))", "\(visit.say(each.name))（\(count)）"), target: target, isHere: each == queues.chosen)
      })
  }

  private func filters(_ visit: Visit, _ wanted: Wanted, _ people: Section?, _ queue: DeskQueue) -> Element {
    let any = visit.say("any", "不限")
    let states = [(value: "unresolved", text: visit.say("to be done", "未解决"))]
      + TicketState.allCases.map { (value: $0.rawValue, text: visit.say($0.name)) } + [(value: "any", text: any)]
    let priorities = [(value: "", text: any)] + ServicePriority.allCases.map { (value: $0.rawValue, text: $0.rawValue) }
    let names = (people?.json?["people"]?.arrayValue ?? []).compactMap { $0["name"]?.stringValue }
    return Parts.search(visit.target(DeskPage.path), visit.say("Filter tickets", "筛选工单")) {
      Parts.hidden("queue", queue.rawValue)
      Parts.choice(visit.say("Status", "状态"), "state", states, chosen: wanted.state)
      Parts.choice(visit.say("Priority", "优先级"), "priority", priorities, chosen: wanted.priority)
      Parts.choice(visit.say("About", "类别"), "kind", DeskParts.options(ContactEvent.Kind.self, none: any, visit) { $0.title }, chosen: wanted.kind)
      Parts.field(visit.say("Customer", "客户"), "customer", value: wanted.customer, [.label(.placeholder, visit.say("number, phone, e-mail", "编号、手机或邮箱"))])
      if !names.isEmpty {
        Parts.choice(visit.say("Person", "负责人"), "owner", [(value: "", text: any)] + names.map { (value: $0, text: $0) }, chosen: wanted.owner)
      }
      Parts.field(visit.say("Due by", "到期不晚于"), "due", value: wanted.dueBy.map { "\($0)" } ?? "", type: .date)
      Element(.button, visit.say("Filter", "筛选"))
      Parts.link(visit.say("Clear", "清除"), visit.target(DeskPage.path, [(name: "queue", value: queue.rawValue)]))
    }
  }

  private static func table(_ tickets: [DeskTicket], _ queue: DeskQueue, byDeadline: Bool, _ visit: Visit) -> DataTable {
    let order = byDeadline ? visit.say("by the nearest deadline", "按最近时限排序") : visit.say("the oldest first", "由旧到新")
    return DataTable(
      "tickets", visit.say("\(visit.say(queue.name)), \(order)", "\(visit.say(queue.name))，\(order)"),
      [
        visit.say("Ticket", "工单"), visit.say("Priority", "优先级"), visit.say("Answer", "响应"), visit.say("Solution", "解决"), visit.say("Status", "状态"),
        visit.say("Has it", "负责人"), visit.say("Customer", "客户"),
      ], tickets.map { row($0, visit) })
  }

  private static func row(_ ticket: DeskTicket, _ visit: Visit) -> [Cell] {
    let json = ticket.json
    let (title, kind) = (ticket.title(visit), DeskWords.kind(json["kind"]?.stringValue, visit))
    let (priority, state) = (json["priority"]?.stringValue ?? "–", visit.say(json["state_name"]))
    let (customer, tier) = (json["customer_id"]?.stringValue, json["tier"]?.stringValue)
    func clock(_ view: ClockView?, _ visit: Visit) -> Cell {
      guard let view else { return .text("–") }
      return .shown(view.nodes(visit) + others(view, visit), plain: view.plain(visit))
    }
    return [
      .shown(
        DeskParts.below(
          Parts.link(title, visit.target("/tickets/\(ticket.id)")),
          Element(.small) { "\(kind) · "; Element(.code, ticket.id) }), plain: "\(ticket.id) \(kind): \(title)"),
      .shown([.element(Parts.badge(priority, DeskWords.badge(priority)))], plain: priority), clock(ticket.response, visit), clock(ticket.resolution, visit),
      .shown([.element(Parts.badge(state, DeskWords.badge(state: json["state"]?.stringValue)))], plain: state),
      .text(ticket.owner ?? visit.say("nobody", "未分派")),
      .shown(DeskParts.below(DeskParts.customer(customer, visit), DeskParts.tier(tier, visit)), plain: "\(customer ?? "") \(DeskWords.tier(tier, visit))"),
    ]
  }

  /// Which promise it is, where it is not the usual one.
  private static func others(_ view: ClockView, _ visit: Visit) -> [Node] {
    guard let clock = view.clock, clock != .firstResponse, clock != .resolution else { return [] }
    return [.element(Element(.small, view.name(visit)))]
  }

  /// Where the pages of the section are.
  static func ways(_ visit: Visit, _ here: String) -> Element {
    Element(.p, [.class("actions")]) {
      if here == "desk", visit.may(.ticketsAct) {
        Element(.a, [.class("button main")] + Parts.href(visit.target(NewTicketPage.path)), visit.say("Open a ticket", "新建工单"))
      }
      if here != "desk", visit.may(.ticketsRead) { Parts.link(visit.say("To the desk", "返回工单台"), visit.target(path)) }
      if visit.may(.articlesRead), here != "articles" { Parts.link(visit.say("Articles", "知识库"), visit.target(ArticlePages.path)) }
      if visit.may(.grantsRead), here != "grants" { Parts.link(visit.say("Compensation and upgrades", "补偿与升级"), visit.target(GrantPages.path)) }
    }
  }
}

enum DeskText {
  static let noCustomer = LocalizedName(en: "There is no customer of this number, phone number or e-mail address.", zh: "没有该编号、手机号或邮箱对应的客户。")
}
