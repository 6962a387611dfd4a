// The forms of a ticket's page: only what is possible in its state, and only for whoever may (K-06, K-09).
import Access
import Domain
import HTML
import HTTP
import Text

struct TicketForms {
  let look: TicketLook
  let visit: Visit
  let refused: RefusedDeed?

  /// The fields of a form, with what was entered when it was refused.
  ///
  /// - Parameter grant: of ``TicketForm/decide``, which there may be several of.
  func fields(_ form: TicketForm, of grant: String? = nil) -> FormFields {
    let prefix = grant.map { "\(form.rawValue)_\($0)" } ?? form.rawValue
    guard let refused, refused.form == form, refused.grant == grant else { return FormFields(visit: visit, prefix: prefix) }
    return FormFields(visit: visit, prefix: prefix, entered: refused.entered, faults: refused.faults)
  }

  /// A form that names the state that whoever fills it in has seen.
  func form(_ form: TicketForm, @NodeBuilder _ content: () -> [Node]) -> Element {
    let inside = content()
    return Parts.form(visit, visit.target(TicketDeeds.path(look.id, form))) {
      Parts.hidden("seen", look.tag)
      inside
    }
  }

  private var mayAct: Bool { visit.may(.ticketsAct) && !look.isMerged }

  private func isPossible(_ step: TicketStep) -> Bool { mayAct && look.steps.contains(step) }

  /// Whether the page has the form.
  func isOffered(_ form: TicketForm) -> Bool {
    switch form {
    case .start: isPossible(.start)
    case .reply: isPossible(.reply)
    case .message: isPossible(.message)
    case .wait: isPossible(.waitForCustomer) || isPossible(.waitForThirdParty)
    case .resume: isPossible(.resume)
    case .resolve: isPossible(.resolve)
    case .close: isPossible(.close) && !isAwaited
    case .reopen: isPossible(.reopen)
    case .milestone: mayAct && !milestones.isEmpty
    case .accept: mayAct && isAwaited
    case .merge: mayAct && !mergeable.isEmpty
    case .assign, .subject, .link: mayAct
    case .grant: visit.may(.grantsAsk) && !look.isMerged
    case .decide: visit.may(.grantsDecide) && (look.grants?.json?["grants"]?.arrayValue ?? []).contains { $0["state"] == "waiting" }
    }
  }

  private var isAwaited: Bool { look.ticket["acceptance"]?["state"] == "awaited" }

  private var milestones: [ClockView] {
    ClockView.all(of: look.ticket).filter { $0.isOpen && [.onSite, .quote, .feasibility].contains($0.clock) }
  }

  private var mergeable: [DeskTicket] {
    (look.others.json?["tickets"]?.arrayValue ?? []).map { DeskTicket($0, visit) }.filter { ticket in
      ticket.id != look.id && ticket.json["merged_into"]?.stringValue == nil && ticket.json["state"] != "closed"
    }
  }

  private func folded(_ title: String, _ form: TicketForm, @NodeBuilder _ content: () -> [Node]) -> Element {
    let inside = content()
    return Element(.details, Attribute.on(.open, if: fields(form).isRefused)) {
      Element(.summary, title)
      inside
    }
  }

  private func reason(_ fields: FormFields, isNeeded: Bool = false) -> Element {
    fields.field(isNeeded ? visit.say("Why", "理由") : visit.say("Why (may be left out)", "理由（可不填）"), "reason", isNeeded ? [.on(.required)] : [])
  }

  // MARK: - Talking with the customer, and the steps of the life cycle

  @NodeBuilder var conversation: [Node] {
    if mayAct, !look.steps.isEmpty {
      Element(.section, [.class("card"), .label(.labelled, "deeds")]) {
        Element(.h2, [.id("deeds")], visit.say("What to do now", "处理"))
        suggestions
        if isOffered(.reply) { reply }
        Element(.div, [.class("actions")]) {
          for simple in [(form: TicketForm.start, step: TicketStep.start), (.resume, .resume), (.close, .close)] where isOffered(simple.form) {
            form(simple.form) { Element(.button, visit.say(simple.step.deed)) }
          }
        }
        if isOffered(.accept) { acceptance }
        if isOffered(.wait) { wait }
        if isOffered(.resolve) { resolve }
        if isOffered(.reopen) { reopen }
        if isOffered(.message) { message }
        if isOffered(.milestone) { milestone }
      }
    }
  }

  @NodeBuilder private var suggestions: [Node] {
    let found = look.suggestions?.json?["articles"]?.arrayValue ?? []
    if !found.isEmpty {
      Element(.h3, visit.say("Articles that may answer it", "可能有用的知识文章"))
      for article in found {
        Element(.details) {
          Element(.summary) {
            article["title"]?.stringValue ?? ""
            " "
            Element(.small, visit.say("fits to \(visit.number(article["score"])) %", "匹配度 \(visit.number(article["score"]))%"))
          }
          Element(.p, [.class("words")] + (article["language"]?.stringValue.map { [.label(.lang, $0)] } ?? []), article["body"]?.stringValue ?? "")
          if let id = article["article_id"]?.stringValue {
            Element(.p) { Parts.link(visit.say("The whole article", "查看文章"), visit.target("\(ArticlePages.path)/\(id)")) }
          }
        }
      }
    }
  }

  private var reply: Element {
    let fields = fields(.reply)
    return form(.reply) {
      fields.area(visit.say("Reply to the customer", "回复客户"), "text", rows: 5, [.on(.required)])
      Element(.p, [.class("note")], visit.say("Kept in the history as the answer; send it by the channel it came by.", "记录为对客户的答复；请通过来访渠道发送。"))
      Element(.div, [.class("actions")]) { Element(.button, [.class("main")], visit.say(TicketStep.reply.deed)) }
    }
  }

  private var message: Element {
    let fields = fields(.message)
    return folded(visit.say(TicketStep.message.deed), .message) {
      form(.message) {
        fields.area(visit.say("What the customer said", "客户所述"), "text", [.on(.required)])
        Element(.button, visit.say("Note it", "记录"))
      }
    }
  }

  private var wait: Element {
    let fields = fields(.wait)
    return folded(visit.say("Wait: the clocks stand still", "等待：各时钟暂停"), .wait) {
      form(.wait) {
        fields.field(visit.say("What for", "等待事项"), "reason")
        Element(.div, [.class("actions")]) {
          for step in [TicketStep.waitForCustomer, .waitForThirdParty] where isPossible(step) {
            fields.button(visit.say(step.deed), "step", step.rawValue)
          }
        }
      }
    }
  }

  private var resolve: Element {
    let fields = fields(.resolve)
    let desk = look.desk.json
    let choose = visit.say("choose", "请选择")
    let needsCause = ["fault", "complaint"].contains(look.ticket["kind"]?.stringValue)
    return folded(visit.say("Resolve", "解决"), .resolve) {
      form(.resolve) {
        fields.choice(visit.say("How it ended", "解决方式"), "code", DeskParts.options(desk?["resolution_codes"], none: choose, visit), [.on(.required)])
        fields.choice(
          needsCause ? visit.say("What caused it", "根本原因") : visit.say("What caused it (may be left out)", "根本原因（可不填）"), "root_cause",
          DeskParts.options(desk?["root_causes"], none: needsCause ? choose : visit.say("none", "无"), visit), needsCause ? [.on(.required)] : [])
        reason(fields)
        Element(.button, [.class("main")], visit.say(TicketStep.resolve.deed))
      }
    }
  }

  private var reopen: Element {
    let fields = fields(.reopen)
    return folded(visit.say(TicketStep.reopen.deed), .reopen) {
      form(.reopen) {
        reason(fields, isNeeded: true)
        Element(.button, visit.say(TicketStep.reopen.deed))
      }
    }
  }

  private var milestone: Element {
    let fields = fields(.milestone)
    return folded(visit.say("A promise was kept", "记录已兑现的承诺"), .milestone) {
      form(.milestone) {
        fields.choice(
          visit.say("Which", "哪一项"), "clock", milestones.map { (value: $0.clock?.rawValue ?? "", text: $0.name(visit)) })
        reason(fields)
        Element(.button, visit.say("It was kept", "已兑现"))
      }
    }
  }

  private var acceptance: Element {
    let fields = fields(.accept)
    return Element(.details, [.on(.open)]) {
      Element(.summary, visit.say("Does the customer accept it?", "客户验收"))
      form(.accept) {
        fields.radios(
          visit.say("The customer", "客户"), "outcome",
          [
            (value: "accepted", text: visit.say("accepts it", "验收通过")),
            (value: "rejected", text: visit.say("does not: the ticket is opened again", "不通过：工单重新打开")),
          ])
        fields.choice(
          visit.say("What it gave the customer", "达到的效果"), "value",
          ValueGiven.allCases.map { (value: $0.rawValue, text: visit.say($0.name)) })
        fields.field(visit.say("Note (may be left out)", "备注（可不填）"), "note")
        fields.field(visit.say("Why (needed when it is not accepted)", "理由（不通过时必填）"), "reason")
        Element(.button, [.class("main")], visit.say("Note it", "提交"))
      }
    }
  }

  // MARK: - Whose it is, and what it is about

  @NodeBuilder var placing: [Node] {
    if mayAct {
      Element(.section, [.class("card"), .label(.labelled, "placing")]) {
        Element(.h2, [.id("placing")], visit.say("Pass on or sort", "转派与分类"))
        assign
        subject
      }
    }
  }

  private var assign: Element {
    let fields = fields(.assign)
    let people = (look.staff?.json?["people"]?.arrayValue ?? []).compactMap { person -> (value: String, text: String)? in
      guard let name = person["name"]?.stringValue else { return nil }
      let (open, away) = (visit.number(person["open"]), person["is_absent"] == true ? visit.say(", away", "，缺勤") : "")
      return (value: "owner:\(name)", text: visit.say("\(name) (\(open) open\(away))", "\(name)（未解决 \(open)\(away)）"))
    }
    let teams = (look.staff?.json?["teams"]?.arrayValue ?? []).compactMap { team -> (value: String, text: String)? in
      guard let id = team["id"]?.stringValue else { return nil }
      return (value: "team:\(id)", text: visit.say("queue of \(visit.say(team["name"]))", "\(visit.say(team["name"]))的队列"))
    }
    let now = look.ticket["owner"]?.stringValue.map { "owner:\($0)" } ?? ""
    return folded(visit.say("Give it to somebody", "转派"), .assign) {
      form(.assign) {
        fields.choice(visit.say("To whom", "转派给"), "whom", [(value: "", text: visit.say("as the rules say", "按规则分派"))] + people + teams, usual: now)
        fields.field(visit.say("Why (needed to take it from somebody)", "理由（从他人处转出时必填）"), "reason")
        Element(.button, visit.say("Give it", "转派"))
      }
    }
  }

  private var subject: Element {
    let fields = fields(.subject)
    let none = visit.say("not sorted", "未分类")
    func now(_ name: String) -> String { look.ticket[name]?.stringValue ?? "" }
    return folded(visit.say("Say what it is about", "修改类别"), .subject) {
      form(.subject) {
        fields.choice(visit.say("About", "类别"), "kind", DeskParts.options(ContactEvent.Kind.self, none: none, visit) { $0.title }, usual: now("kind"))
        fields.field(visit.say("Category", "分类"), "category", usual: now("category"))
        fields.choice(
          visit.say("How bad it is", "紧急程度"), "urgency",
          DeskParts.options(ContactEvent.Urgency.self, none: visit.say("not judged", "未判定"), visit) { $0.title }, usual: now("urgency"))
        reason(fields)
        Element(.p, [.class("note")], visit.say("Open deadlines follow by the desk's rules; what was met or missed stays.", "未完成的时限将按规则调整；已按时或超时的不变。"))
        Element(.button, visit.say("Save", "保存"))
      }
    }
  }

  @NodeBuilder var relating: [Node] {
    if mayAct {
      let link = fields(.link)
      folded(visit.say("Link with another ticket", "关联其他工单"), .link) {
        form(.link) {
          link.field(visit.say("Number of the other ticket", "另一工单编号"), "ticket_id", [.on(.required), .label(.maxlength, "16"), .label(.autocomplete, "off")])
          reason(link)
          Element(.button, visit.say("Link", "关联"))
        }
      }
      if isOffered(.merge) { merge }
    }
  }

  private var merge: Element {
    let fields = fields(.merge)
    return folded(visit.say("Merge into another ticket", "并入其他工单"), .merge) {
      form(.merge) {
        fields.choice(visit.say("Which goes on", "保留的工单"), "into", mergeable.map { (value: $0.id, text: "\($0.title(visit)) (\($0.id))") })
        reason(fields)
        Element(.p, [.class("note")], visit.say("This one ends for good, and the other goes on with its own clocks.", "本工单将永久结束，另一工单以自身的时钟继续。"))
        Element(.button, [.class("danger")], visit.say("Merge", "合并"))
      }
    }
  }
}
