// One ticket whole: what the customer said, what was promised and why, what happened, and what can be done now.
import Access
import Domain
import HTML
import HTTP
import Text

struct TicketPage: Sendable {
  let site: Site

  func add(to router: inout Router) {
    router.page("/tickets/{id}", site, needs: .ticketsRead, look: .contacts) { visit in
      let id = try TicketPage.id(visit)
      return try TicketPage.page(visit, try await TicketLook.read(id, visit))
    }
  }

  /// What the address names; what is no number of a ticket is none.
  static func id(_ visit: Visit) throws -> String {
    guard let id = TicketID(try visit.request.parameter("id")) else { throw Problem(.notFound) }
    return id.description
  }

  /// - Parameter refused: what was entered and not done.
  static func page(_ visit: Visit, _ look: TicketLook, refused: RefusedDeed? = nil) throws -> Response {
    let why = TicketWhy(look: look, visit: visit, hasFiles: refused == nil)
    if let file = visit.file(of: why.tables) { return file }
    let forms = TicketForms(look: look, visit: visit, refused: refused)
    let title = DeskTicket(look.ticket, visit).title(visit)
    return visit.page(title, .tickets, status: refused?.status ?? .ok) {
      Element(.p, [.class("trail")]) {
        Parts.link(visit.say("Tickets", "工单"), visit.target(DeskPage.path))
        " › "
        Element(.code, look.id)
      }
      Element(.h1, title)
      if let refused { refused.notice(visit, isOffered: forms.isOffered(refused.form)) }
      head(look, visit)
      Element(.div, [.class("columns wide-first")]) {
        Element(.div) {
          words(look, visit)
          forms.conversation
          TicketHistory(look: look, visit: visit).nodes
        }
        Element(.div) {
          why.clocks
          why.person
          forms.placing
          TicketCustomer(look: look, visit: visit).nodes
          TicketGrants(look: look, visit: visit, forms: forms).nodes
          relatives(look, visit, forms)
        }
      }
      why.nodes
      DeskParts.asOf(visit, look.explanation.json?["as_of"])
    }
  }

  private static func head(_ look: TicketLook, _ visit: Visit) -> [Node] {
    let ticket = look.ticket
    func text(_ name: String) -> String? { ticket[name]?.stringValue }
    var facts: [(name: String, value: [Node])] = [
      (visit.say("Status", "状态"), [.element(Parts.badge(visit.say(ticket["state_name"]), DeskWords.badge(state: text("state"))))]),
      (visit.say("Priority", "优先级"), [.element(Parts.badge(text("priority") ?? "–", DeskWords.badge(text("priority"))))]),
      (visit.say("About", "类别"), [.text(DeskWords.kind(text("kind"), visit))]),
      (visit.say("Category", "分类"), [.text(visit.text(ticket["category"]))]),
      (visit.say("How bad it is", "紧急程度"), [.text(DeskWords.urgency(text("urgency"), visit))]),
      (visit.say("Has it", "负责人"), [.text(text("owner") ?? visit.say("nobody", "未分派"))]),
      (visit.say("Channel", "渠道"), [.text(DeskWords.channel(text("channel"), visit))]),
      (visit.say("Opened", "开启时间"), [.element(visit.time(ticket["opened_at"]))]),
      (visit.say("Answers given", "回复次数"), [.text(visit.number(ticket["replies"]))]),
    ]
    if let order = text("order_id") { facts.append((visit.say("Order", "订单"), [.text(order)])) }
    if let code = text("resolution_code") {
      let cause = text("root_cause").map { " · \(name($0, look.desk.json?["root_causes"], visit))" } ?? ""
      facts.append((visit.say("Resolved as", "解决方式"), [.text(name(code, look.desk.json?["resolution_codes"], visit) + cause)]))
    }
    if let count = ticket["times_reopened"]?.int64Value, count > 0 { facts.append((visit.say("Opened again", "重新打开"), [.text(visit.number(count))])) }
    if let other = text("merged_into") {
      facts.append((visit.say("Part of", "已并入"), [.element(Parts.link(other, visit.target("/tickets/\(other)")))]))
    }
    return [.element(Parts.facts(facts))]
  }

  /// The name of a code of the desk's file.
  static func name(_ id: String, _ list: JSONValue?, _ visit: Visit) -> String {
    list?.arrayValue?.first { $0["id"]?.stringValue == id }.map { visit.say($0["name"]) } ?? id
  }

  @NodeBuilder private static func words(_ look: TicketLook, _ visit: Visit) -> [Node] {
    Element(.section, [.class("card"), .label(.labelled, "said")]) {
      Element(.h2, [.id("said")], visit.say("What the customer said", "客户所述"))
      let text = look.ticket["text"]?.stringValue ?? ""
      Element(.p, [.class("words")], text.isEmpty ? visit.say("Nothing is known but that there was a contact.", "仅知有过联系，没有内容。") : text)
      let files = look.ticket["attachments"]?.arrayValue ?? []
      if !files.isEmpty {
        Element(.h3, visit.say("Attachments, by where they can be had", "附件（存放位置）"))
        Element(.ul) {
          for file in files { Element(.li) { "\(visit.text(file["name"])) "; Element(.code, file["reference"]?.stringValue ?? "") } }
        }
      }
    }
  }

  @NodeBuilder private static func relatives(_ look: TicketLook, _ visit: Visit, _ forms: TicketForms) -> [Node] {
    Element(.section, [.class("card"), .label(.labelled, "related")]) {
      Element(.h2, [.id("related")], visit.say("Related tickets", "相关工单"))
      if !look.relatives.isEmpty {
        Element(.ul) {
          for other in look.relatives {
            Element(.li) {
              Parts.badge(other.isMerged ? visit.say("merged", "合并") : visit.say("linked", "关联"))
              " "
              Element(.a, [.class("code")] + Parts.href(visit.target("/tickets/\(other.id)")), other.id)
            }
          }
        }
      }
      look.others.shown(visit) { json in
        let others = (json["tickets"]?.arrayValue ?? []).map { DeskTicket($0, visit) }.filter { $0.id != look.id }
        if others.isEmpty {
          Element(.p, [.class("soft")], visit.say("The customer has no other ticket.", "该客户没有其他工单。"))
        } else {
          Element(.h3, visit.say("Of the same customer", "同一客户"))
          Element(.ul) {
            for other in others {
              Element(.li) {
                Parts.link(other.title(visit), visit.target("/tickets/\(other.id)"))
                " "
                Element(.small, visit.say(other.json["state_name"]))
              }
            }
          }
        }
      }
      forms.relating
    }
  }
}
