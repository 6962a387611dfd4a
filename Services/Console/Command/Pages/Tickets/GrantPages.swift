// What customers were given, and what waits for somebody to decide on (K-08).
import Access
import Domain
import HTML
import HTTP
import Text

struct GrantPages: Sendable {
  let site: Site

  static let path = "/tickets/grants"

  func add(to router: inout Router) { router.page(GrantPages.path, site, needs: .grantsRead) { try await GrantPages.show($0) } }

  private static func show(_ visit: Visit) async throws -> Response {
    let state = DeskParts.word("state", of: GrantState.self, visit) ?? (visit.request.query["state"] == "any" ? nil : GrantState.waiting.rawValue)
    async let people = visit.may(.staffRead) ? visit.api.section(.tickets, "/v1/staff") : nil
    let answer = try await visit.api.get(.tickets, "/v1/grants", [(name: "state", value: state), (name: "after", value: visit.request.query["before"])])
    let staff = await people
    let rows = (answer["grants"]?.arrayValue ?? []).map { grant -> [Cell] in
      let (ticket, word) = (grant["ticket_id"]?.stringValue ?? "", visit.say(grant["state_name"]))
      return [
        .link(ticket, visit.target("/tickets/\(ticket)")), .text(TicketGrants.what(grant, staff?.json, visit)),
        .shown([.element(Parts.badge(word, TicketGrants.badge(grant)))], plain: word),
        .shown([.element(DeskParts.customer(grant["customer_id"]?.stringValue, visit))], plain: grant["customer_id"]?.stringValue ?? ""),
        .text(visit.text(grant["asked_by"])), visit.cell(moment: grant["asked_at"]), .text(visit.text(grant["reason"])),
        .text(visit.text(grant["decided_by"])),
      ]
    }
    let title = visit.say("Compensation and upgrades", "补偿与升级")
    let table = DataTable(
      "grants", visit.say("The oldest first", "按时间由旧到新"),
      [
        visit.say("Ticket", "工单"), visit.say("What", "内容"), visit.say("State", "状态"), visit.say("Customer", "客户"), visit.say("Asked by", "申请人"),
        visit.say("Asked", "申请时间"), visit.say("Why", "理由"), visit.say("Decided by", "决定人"),
      ], rows)
    if let file = visit.file(of: [table]) { return file }
    let states = GrantState.allCases.map { (value: $0.rawValue, text: visit.say($0.name)) } + [(value: "any", text: visit.say("any", "不限"))]
    return visit.page(title, .tickets) {
      Element(.h1, title)
      DeskPage.ways(visit, "grants")
      Parts.search(visit.target(path), visit.say("Filter", "筛选")) {
        Parts.choice(visit.say("State", "状态"), "state", states, chosen: state ?? "any")
        Element(.button, visit.say("Filter", "筛选"))
      }
      table.element(visit, empty: visit.say("Nothing waits here.", "此处没有记录。"))
      Parts.pager(visit, next: answer["next"]?.stringValue)
      DeskParts.asOf(visit)
    }
  }
}
