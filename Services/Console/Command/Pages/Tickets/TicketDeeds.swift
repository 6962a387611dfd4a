// What can be done to a ticket: each form, what it sends, and what is shown when it is refused.
import Access
import Domain
import HTML
import HTTP
import Text

/// A form of a ticket's page; its word is the last part of its address.
enum TicketForm: String, CaseIterable {
  case start, reply, message, wait, resume, resolve, close, reopen
  case assign, subject, milestone, link, merge, accept, grant, decide

  var needs: Permission {
    switch self {
    case .grant: .grantsAsk
    case .decide: .grantsDecide
    default: .ticketsAct
    }
  }

  /// Those that say themselves what is wrong with them.
  var fields: [String] {
    switch self {
    case .start, .close: []
    case .wait, .resume, .reopen, .decide: ["reason"]
    case .reply, .message: ["text"]
    case .resolve: ["code", "root_cause", "reason"]
    case .assign: ["reason"]
    case .subject: ["kind", "category", "urgency", "reason"]
    case .milestone: ["clock", "reason"]
    case .link: ["ticket_id", "reason"]
    case .merge: ["into", "reason"]
    case .accept: ["outcome", "value", "note", "reason"]
    case .grant: ["amount", "upgrade", "reason"]
    }
  }

  /// What the page says afterwards.
  var done: Done {
    switch self {
    case .assign: .assigned
    case .decide: .decided
    case .reply, .message, .milestone: .replied
    default: .saved
    }
  }
}

/// A form that was refused.
struct RefusedDeed {
  let form: TicketForm
  /// With ``TicketForm/decide``: the grant.
  let grant: String?
  let entered: QueryItems
  let failure: PeerFailure

  var status: HTTPStatus { Refusals.status(failure) }
  var faults: [Problem.FieldFault] { if case .refused(_, _, _, let faults) = failure { faults } else { [] } }

  /// - Parameter isOffered: whether the form is on the page once more; else what was entered is shown here.
  @NodeBuilder func notice(_ visit: Visit, isOffered: Bool) -> [Node] {
    Refusals.notice(failure, visit, titles: RefusedDeed.titles, fields: isOffered ? form.fields : [])
    if !isOffered {
      let kept = entered.items.filter { $0.name.hasPrefix(form.rawValue + "_") && !$0.value.isEmpty }.map(\.value)
      if !kept.isEmpty {
        Element(.p, visit.say("This is not possible any more. You had entered:", "该操作已不可用。您填写的内容："))
        Element(.pre, kept.joined(separator: "\n\n"))
      }
    }
  }

  private static let titles = [
    "Not possible now": "当前状态下不能执行该操作。", "Not promised": "该工单没有这项承诺。", "Not accepted yet": "须先验收交付内容。", "Nothing to accept": "没有待验收的内容。",
    "Merged": "该工单已并入其他工单，请在那里处理。", "Not granted": "无法授予。", "Another customer": "只能合并同一客户的工单；不同客户的工单可以关联。",
    "No such ticket": "没有该工单。", "No such grant": "没有该申请。",
  ]
}

struct TicketDeeds: Sendable {
  let site: Site

  static func path(_ id: String, _ form: TicketForm) -> String { "/tickets/\(id)/\(form.rawValue)" }

  func add(to router: inout Router) {
    for form in TicketForm.allCases {
      router.form("/tickets/{id}/\(form.rawValue)", site, needs: form.needs) { try await TicketDeeds.carryOut(form, $0) }
    }
  }

  private static func carryOut(_ form: TicketForm, _ visit: Visit) async throws -> Response {
    let (id, entered) = (try TicketPage.id(visit), try visit.request.form())
    let grant = form == .decide ? entered["grant"].flatMap { TicketID($0)?.description } ?? "" : nil
    do throws(PeerFailure) {
      let answer = try await send(form, id, grant, entered, visit)
      let isWaiting = form == .grant && answer["state"] == "waiting"
      return visit.go(to: "/tickets/\(id)", done: isWaiting ? .asked : form.done)
    } catch {
      if case .refused(401, _, _, _) = error { throw error }
      let refused = RefusedDeed(form: form, grant: grant, entered: entered, failure: error)
      // A service that is away, or refuses the ticket itself, shows no page: what was entered comes back all the same.
      guard let look = try? await TicketLook.read(id, visit) else { return KeptForm.page(visit, .tickets, path(id, form), entered, error) }
      return try TicketPage.page(visit, look, refused: refused)
    }
  }

  private static func send(
    _ form: TicketForm, _ id: String, _ grant: String?, _ entered: QueryItems, _ visit: Visit
  ) async throws(PeerFailure) -> JSONValue {
    let reader = DeedReader(form: form.rawValue, entered: entered)
    if let fault = reader.fault(form) { throw .refused(status: 422, title: "Unprocessable Content", detail: nil, faults: [fault]) }
    guard form == .decide, let grant else {
      return try await visit.api.send(
        .post, .tickets, "/v1/tickets/\(id)/\(reader.part(form))", .object(reader.members(form)), seen: entered["seen"] ?? "")
    }
    let word = entered["decision"] == "approval" ? "approval" : "rejection"
    let reason = DeedReader(form: "decide_\(grant)", entered: entered).members(["reason"])
    // Nobody can decide on what is decided: the tag of a grant is its state.
    return try await visit.api.send(.post, .tickets, "/v1/grants/\(grant)/\(word)", .object(reason), seen: "\"waiting\"")
  }
}

/// What a form says, as the tickets service takes it.
private struct DeedReader {
  let form: String
  let entered: QueryItems

  func text(_ field: String) -> String { TextNormal.trimmed(entered[FormFields.name(form, field)] ?? "") }

  /// Those that were filled in.
  func members(_ fields: [String]) -> [JSONMember] {
    fields.compactMap { field in
      let text = text(field)
      return text.isEmpty ? nil : JSONMember(field, .text(text))
    }
  }

  /// The last part of the address that it is sent to.
  func part(_ form: TicketForm) -> String {
    switch form {
    case .start, .reply, .message, .wait, .resume, .resolve, .close, .reopen: "steps"
    case .assign: "assignment"
    case .subject: "subject"
    case .milestone: "milestones"
    case .link: "links"
    case .merge: "merge"
    case .accept: "acceptance"
    case .grant, .decide: "grants"
    }
  }

  /// What would be a step without sense, though the service takes it.
  func fault(_ form: TicketForm) -> Problem.FieldFault? {
    switch form {
    case .reply, .message: text("text").isEmpty ? .init(field: "text", rule: "missing", detail: "") : nil
    default: nil
    }
  }

  func members(_ form: TicketForm) -> [JSONMember] {
    func step(_ step: TicketStep) -> JSONMember { JSONMember("step", .text(step.rawValue)) }
    switch form {
    case .start: return [step(.start)] + members(["reason"])
    case .reply: return [step(.reply)] + members(["text"])
    case .message: return [step(.message)] + members(["text"])
    case .wait: return [step(text("step") == TicketStep.waitForThirdParty.rawValue ? .waitForThirdParty : .waitForCustomer)] + members(["text", "reason"])
    case .resume: return [step(.resume)] + members(["reason"])
    case .resolve: return [step(.resolve)] + members(["code", "root_cause", "reason"])
    case .close: return [step(.close)] + members(["reason"])
    case .reopen: return [step(.reopen)] + members(["reason"])
    case .assign: return whom + members(["reason"])
    case .subject: return members(["kind", "category", "urgency", "reason"])
    case .milestone: return members(["clock", "reason"])
    case .link: return members(["ticket_id", "reason"])
    case .merge: return members(["into", "reason"])
    case .accept: return members(["outcome", "value", "note", "reason"])
    case .grant: return amount + members(["upgrade", "reason"])
    case .decide: return members(["reason"])
    }
  }

  /// `owner:NAME`, `team:ID`, or nothing: as the rules say.
  private var whom: [JSONMember] {
    let parts = text("whom").split(separator: ":", maxSplits: 1).map(String.init)
    guard parts.count == 2, parts[0] == "owner" || parts[0] == "team" else { return [] }
    return [JSONMember(parts[0], .text(parts[1]))]
  }

  /// A number where it is one; else as it was typed, for the service to say what is wrong with it.
  private var amount: [JSONMember] {
    let text = text("amount").filter { !" ,，¥￥".contains($0) }
    guard !text.isEmpty else { return [] }
    if case .number(let number)? = try? JSONValue(Array(text.utf8), limits: PeerAPI.limits) { return [JSONMember("amount", .number(number))] }
    return [JSONMember("amount", .text(text))]
  }
}

/// What was entered, once more, where the page that it was entered on cannot be shown.
enum KeptForm {
  static func page(_ visit: Visit, _ section: SiteSection, _ path: String, _ entered: QueryItems, _ failure: PeerFailure) -> Response {
    let title = visit.say("This could not be done just now", "暂时无法完成")
    let kept = entered.items.filter { $0.name != FormToken.field }
    return visit.page(title, section, status: Refusals.status(failure)) {
      Element(.h1, title)
      Notice.failure(failure, visit)
      Parts.form(visit, visit.target(path), [.class("sheet")]) {
        for item in kept { Parts.hidden(item.name, item.value) }
        if kept.contains(where: { isText($0) }) {
          Element(.h2, visit.say("What you entered", "您填写的内容"))
          for item in kept where isText(item) { Element(.pre, item.value) }
        }
        Element(.button, [.class("main")], visit.say("Send it again", "重新提交"))
      }
    }
  }

  private static func isText(_ item: QueryItems.Item) -> Bool { !item.value.isEmpty && !["seen", "grant", "decision"].contains(item.name) }
}
