// Who was invited to which survey, why, and what became of it (F-02, F-03).
import Access
import Domain
import HTML
import HTTP
import Text

struct SurveyInvitationsPage: Sendable {
  let site: Site

  private static let path = SurveySection.Place.invitations.rawValue
  private static let rows = "50"

  func add(to router: inout Router) { router.page(SurveyInvitationsPage.path, site, needs: .invitationsRead) { try await SurveyInvitationsPage.show($0) } }

  private enum State: String, CaseIterable {
    case planned, sent, undelivered, opened, begun, answered, expired, dropped

    var name: LocalizedName {
      switch self {
      case .planned: LocalizedName(en: "planned", zh: "已计划")
      case .sent: LocalizedName(en: "sent", zh: "已发送")
      case .undelivered: LocalizedName(en: "did not arrive", zh: "未送达")
      case .opened: LocalizedName(en: "opened", zh: "已打开")
      case .begun: LocalizedName(en: "begun", zh: "已评分")
      case .answered: LocalizedName(en: "answered", zh: "已回答")
      case .expired: LocalizedName(en: "link is over", zh: "已过期")
      case .dropped: LocalizedName(en: "given up", zh: "已放弃")
      }
    }

    var badge: Parts.Badge {
      switch self {
      case .answered, .begun: .good
      case .undelivered: .bad
      case .expired, .dropped: .warn
      case .planned, .sent, .opened: .plain
      }
    }
  }

  private static func show(_ visit: Visit) async throws -> Response {
    let query = visit.request.query
    let state = DeskParts.word("state", of: State.self, visit)
    let survey = query["survey"].flatMap { $0.isEmpty || $0.utf8.count > 64 ? nil : $0 }
    let entered = TextNormal.trimmed(query["customer"] ?? "")
    async let surveys = visit.api.section(.feedback, "/v1/surveys")
    let customer = entered.isEmpty ? nil : try await CustomerEntry.find(entered, visit)
    let isUnknown = !entered.isEmpty && customer == nil
    let answer: JSONValue = isUnknown ? .null : try await visit.api.get(
      .feedback, "/v1/invitations",
      [
        (name: "state", value: state), (name: "survey", value: survey), (name: "customer_id", value: customer), (name: "after", value: query["before"]),
        (name: "limit", value: rows),
      ])
    let table = table(answer["invitations"]?.arrayValue ?? [], visit)
    if let file = visit.file(of: [table]) { return file }
    let list = await surveys
    let states = DeskParts.options(State.self, none: visit.say("any", "不限"), visit) { $0.name }
    return visit.page(visit.say("Invitations", "邀请"), .surveys) {
      Element(.h1, visit.say("Invitations to surveys", "问卷邀请"))
      SurveySection.tabs(visit, .invitations)
      Parts.search(visit.target(path), visit.say("Filter invitations", "筛选邀请")) {
        Parts.choice(visit.say("What became of it", "状态"), "state", states, chosen: state)
        Parts.choice(visit.say("Survey", "问卷"), "survey", SurveyWanted.surveys(list, chosen: survey, visit), chosen: survey ?? "")
        Parts.field(visit.say("Customer", "客户"), "customer", value: entered, [.label(.placeholder, visit.say("number, phone, e-mail", "编号、手机或邮箱"))])
        Element(.button, visit.say("Filter", "筛选"))
      }
      if isUnknown { Notice.fault(visit.say(DeskText.noCustomer)) }
      table.element(visit, empty: visit.say("No such invitations.", "没有符合条件的邀请。"))
      Parts.pager(visit, next: answer["next"]?.stringValue)
      DeskParts.asOf(visit)
    }
  }

  private static func table(_ invitations: [JSONValue], _ visit: Visit) -> DataTable {
    DataTable(
      "invitations", visit.say("Invitations, the newest first", "邀请（由新到旧）"),
      [
        visit.say("Customer", "客户"), visit.say("What became of it", "状态"), visit.say("Survey", "问卷"), visit.say("Why", "缘由"),
        visit.say("Sent, or planned for", "发送或计划时间"),
        visit.say("Link works until", "链接有效期至"), visit.say("Score", "分数"), visit.say("Arrived", "送达"),
      ], invitations.map { row($0, visit) })
  }

  private static func row(_ invitation: JSONValue, _ visit: Visit) -> [Cell] {
    func text(_ name: String) -> String? { invitation[name]?.stringValue }
    let state = text("state").flatMap(State.init(rawValue:))
    let word = state.map { visit.say($0.name) } ?? visit.text(invitation["state"])
    let held = state == .planned ? text("held") : nil
    let why = [text("dropped").map { SurveyWords.dropped($0, visit) }, held.map { SurveyWords.held($0, visit) }].compactMap(\.self)
    let cause = SurveyWords.cause(text("cause"), visit) + (text("reason").map { " · \($0)" } ?? "")
    let delivery = SurveyWords.delivery(text("delivery"), visit) + (text("delivery_reason").map { " · \(SurveyWords.reason($0, visit))" } ?? "")
    let (survey, metric) = (text("survey") ?? "", text("metric"))
    let (score, points) = (invitation["score"]?.int64Value, visit.number(invitation["score"]))
    return [
      .shown(
        DeskParts.below(DeskParts.customer(text("customer_id"), visit), DeskParts.tier(text("tier"), visit)),
        plain: "\(text("customer_id") ?? "") \(DeskWords.tier(text("tier"), visit))"),
      .shown(
        [.element(Parts.badge(word, state?.badge ?? .plain))] + why.map { .element(Element(.small, $0)) }, plain: ([word] + why).joined(separator: ": ")),
      .link(survey, visit.target("/surveys/\(survey)", [(name: "version", value: invitation["survey_version"]?.numberText)])), .text(cause),
      visit.cell(moment: invitation[text("sent_at") == nil ? "planned_at" : "sent_at"]), visit.cell(moment: invitation["expires_at"]),
      score == nil ? .text("–") : .shown([.element(Parts.badge(points, SurveyFigures.badge(metric, score)))], plain: points),
      .text(delivery),
    ]
  }
}

/// Words of invitations and deliveries in both languages.
enum SurveyWords {
  static func cause(_ word: String?, _ visit: Visit) -> String { DeskWords.say(word, visit) { causes[$0] } }
  private static let causes = [
    "hand": LocalizedName(en: "by hand", zh: "手动"), "ticket": LocalizedName(en: "after a ticket", zh: "工单之后"),
    "delivery": LocalizedName(en: "after a delivery", zh: "交付之后"), "schedule": LocalizedName(en: "by schedule", zh: "定期"),
    "lifecycle": LocalizedName(en: "at a step of the customer's life", zh: "客户历程节点"), "recovery": LocalizedName(en: "whether it is good again", zh: "挽回回访"),
  ]

  static func held(_ word: String, _ visit: Visit) -> String { DeskWords.say(word, visit) { HoldReason(rawValue: $0)?.name } }

  static func dropped(_ word: String, _ visit: Visit) -> String { DeskWords.say(word, visit) { drops[$0] } }
  private static let drops = [
    "opted_out": LocalizedName(en: "wants no surveys", zh: "不愿接收问卷"), "tier": LocalizedName(en: "in another tier by now", zh: "等级已变化"),
    "reopened": LocalizedName(en: "the ticket was opened again", zh: "工单已重新打开"),
    "budget": LocalizedName(en: "asked often enough in this time", zh: "期限内触达额度不足"),
    "step": LocalizedName(en: "the step lies elsewhere by now", zh: "历程节点已变化"), "asked": LocalizedName(en: "asked at this step already", zh: "该节点已询问过"),
  ]

  static func delivery(_ word: String?, _ visit: Visit) -> String { DeskWords.say(word, visit) { deliveries[$0] } }
  private static let deliveries = [
    "waiting": LocalizedName(en: "waits to be sent", zh: "等待发送"), "accepted": LocalizedName(en: "handed over", zh: "已移交"),
    "delivered": LocalizedName(en: "arrived", zh: "已送达"), "opened": LocalizedName(en: "opened", zh: "已打开"),
    "bounced": LocalizedName(en: "refused", zh: "被拒收"), "undeliverable": LocalizedName(en: "could not be delivered", zh: "无法送达"),
    "invitation": LocalizedName(en: "invitation", zh: "邀请"), "reminder": LocalizedName(en: "reminder", zh: "提醒"),
    "email": LocalizedName(en: "e-mail", zh: "邮件"), "webhook": LocalizedName(en: "webhook", zh: "webhook"),
  ]

  static func reason(_ word: String?, _ visit: Visit) -> String { DeskWords.say(word, visit) { reasons[$0] } }
  private static let reasons = [
    "no_address": LocalizedName(en: "no address", zh: "没有可用地址"), "no_way": LocalizedName(en: "nothing is set up to send by", zh: "未配置发送方式"),
    "no_link": LocalizedName(en: "its link names no host", zh: "链接缺少主机名"), "too_many_attempts": LocalizedName(en: "tried too often", zh: "尝试次数过多"),
    "expired": LocalizedName(en: "the link is over", zh: "链接已过期"), "refused_address": LocalizedName(en: "address refused", zh: "地址被拒"),
    "refused_message": LocalizedName(en: "message refused", zh: "消息被拒"), "later": LocalizedName(en: "cannot be reached just now", zh: "暂不可达"),
    "refused": LocalizedName(en: "refused by the receiver", zh: "对方拒收"), "opted_out": LocalizedName(en: "wants no surveys", zh: "不愿接收问卷"),
    "answered": LocalizedName(en: "answered already", zh: "已作答"), "withdrawn": LocalizedName(en: "called back", zh: "已撤回"),
  ]
}
