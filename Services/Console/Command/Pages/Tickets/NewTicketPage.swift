// Opening a ticket for a customer, as after a call (K-01).
import Access
import Domain
import HTML
import HTTP
import Hashing
import Text

struct NewTicketPage: Sendable {
  let site: Site

  static let path = "/tickets/new"
  private static let prefix = "new"
  /// What is taken from the form as it stands there.
  private static let members = ["text", "kind", "urgency", "category", "channel", "order_id"]

  func add(to router: inout Router) {
    router.page(NewTicketPage.path, site, needs: .ticketsAct) { visit in
      // A key of its own for each form: sent twice, it opens one ticket.
      let key = try site.random(16).map { byte in (byte < 16 ? "0" : "") + String(byte, radix: 16) }.joined()
      return NewTicketPage.show(visit, FormFields(visit: visit, prefix: NewTicketPage.prefix), key: key)
    }
    router.form(NewTicketPage.path, site, needs: .ticketsAct) { try await NewTicketPage.open($0) }
  }

  private static func show(_ visit: Visit, _ fields: FormFields, key: String, failure: PeerFailure? = nil) -> Response {
    let title = visit.say("Open a ticket", "新建工单")
    return visit.page(title, .tickets, status: failure.map(Refusals.status) ?? .ok) {
      Element(.p, [.class("trail")]) { Parts.link(visit.say("Tickets", "工单"), visit.target(DeskPage.path)) }
      Element(.h1, title)
      if let failure { Refusals.notice(failure, visit, titles: [:], fields: ["customer_id"] + members) }
      Parts.form(visit, visit.target(path), [.class("sheet")]) {
        Parts.hidden("key", key)
        fields.field(
          visit.say("Customer: number, member number, phone or e-mail", "客户：客户编号、会员号、手机号或邮箱"), "customer_id",
          [.on(.required), .label(.autocomplete, "off")], usual: visit.request.query["customer"] ?? "")
        fields.area(visit.say("What the customer said", "客户所述"), "text", rows: 6, [.on(.required)])
        fields.choice(
          visit.say("About", "类别"), "kind", DeskParts.options(ContactEvent.Kind.self, none: visit.say("not sorted yet", "未分类"), visit) { $0.title })
        fields.choice(
          visit.say("How bad it is", "紧急程度"), "urgency",
          DeskParts.options(ContactEvent.Urgency.self, none: visit.say("not judged yet", "未判定"), visit) { $0.title })
        fields.field(visit.say("Category in your own words (may be left out)", "分类（可不填）"), "category")
        fields.choice(
          visit.say("How it came", "渠道"), "channel",
          [(value: "", text: visit.say("not said", "未注明"))] + DeskWords.channelNames.map { (value: $0, text: DeskWords.channel($0, visit)) })
        fields.field(visit.say("Order it is about (may be left out)", "相关订单（可不填）"), "order_id")
        Element(.p, [.class("note")], visit.say(NewTicketText.rules))
        Element(.div, [.class("actions")]) { Element(.button, [.class("main")], visit.say("Open it", "创建")) }
      }
    }
  }

  private static func open(_ visit: Visit) async throws -> Response {
    let entered = try visit.request.form()
    let key = entered["key"].flatMap { $0.utf8.count <= 64 ? $0 : nil } ?? ""
    func text(_ field: String) -> String { TextNormal.trimmed(entered[FormFields.name(prefix, field)] ?? "") }
    do throws(PeerFailure) {
      guard let customer = try await CustomerEntry.find(text("customer_id"), visit) else {
        let rule = text("customer_id").isEmpty ? "missing" : "customer"
        throw .refused(
          status: 422, title: "", detail: nil, faults: [.init(field: "customer_id", rule: rule, detail: visit.say(DeskText.noCustomer))])
      }
      var members = [JSONMember("customer_id", .text(customer))]
      for field in NewTicketPage.members {
        let text = text(field)
        if !text.isEmpty || field == "text" { members.append(JSONMember(field, .text(text))) }
      }
      let headers: HTTPHeaders = key.isEmpty ? [:] : ["Idempotency-Key": key]
      let ticket = try await visit.api.send(.post, .tickets, "/v1/tickets", .object(members), headers: headers)
      return visit.go(to: "/tickets/\(ticket["ticket_id"]?.stringValue ?? "")", done: .opened)
    } catch {
      if case .refused(401, _, _, _) = error { throw error }
      var faults: [Problem.FieldFault] = []
      if case .refused(_, _, _, let found) = error { faults = found }
      return show(visit, FormFields(visit: visit, prefix: prefix, entered: entered, faults: faults), key: key, failure: error)
    }
  }
}

enum NewTicketText {
  static let rules = LocalizedName(
    en: "Who gets it, its priority and its deadlines follow from the customer's tier and from what you say here.", zh: "负责人、优先级和时限由客户等级及以上信息按规则确定。")
}
