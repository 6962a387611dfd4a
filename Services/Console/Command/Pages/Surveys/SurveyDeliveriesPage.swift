// Messages to customers: what was handed over, what was refused and why, and trying one anew (E-05).
import Access
import Domain
import HTML
import HTTP
import Text

struct SurveyDeliveriesPage: Sendable {
  let site: Site

  private static let path = SurveySection.Place.deliveries.rawValue
  private static let rows = "50"

  func add(to router: inout Router) {
    router.page(SurveyDeliveriesPage.path, site, needs: .invitationsRead) { try await SurveyDeliveriesPage.show($0) }
    router.form("\(SurveyDeliveriesPage.path)/{id}/retry", site, needs: .invitationsSend) { try await SurveyDeliveriesPage.retry($0) }
  }

  private enum State: String, CaseIterable {
    case waiting, accepted, bounced, undeliverable

    var badge: Parts.Badge {
      switch self {
      case .accepted: .good
      case .waiting: .plain
      case .bounced, .undeliverable: .bad
      }
    }
  }

  private static func show(_ visit: Visit, failure: PeerFailure? = nil) async throws -> Response {
    let query = visit.request.query
    let state = DeskParts.word("state", of: State.self, visit)
    async let ways = visit.api.section(.connector, "/v1/ways")
    let answer = try await visit.api.get(
      .connector, "/v1/deliveries", [(name: "state", value: state), (name: "after", value: query["before"]), (name: "limit", value: rows)])
    let table = table(answer["deliveries"]?.arrayValue ?? [], visit)
    if let file = visit.file(of: [table]) { return file }
    let how = await ways
    let states = [(value: "", text: visit.say("any", "不限"))] + State.allCases.map { (value: $0.rawValue, text: SurveyWords.delivery($0.rawValue, visit)) }
    return visit.page(visit.say("Deliveries", "投递"), .surveys, status: failure.map(Refusals.status) ?? .ok) {
      Element(.h1, visit.say("Messages to customers", "客户消息投递"))
      SurveySection.tabs(visit, .deliveries)
      if let failure { Refusals.notice(failure, visit, titles: [:]) }
      how.shown(visit) { tiles($0, visit) }
      Parts.search(visit.target(path), visit.say("Filter deliveries", "筛选投递")) {
        Parts.choice(visit.say("State", "状态"), "state", states, chosen: state)
        Element(.button, visit.say("Filter", "筛选"))
      }
      // The address of a form that was refused gives no file and no further page.
      table.element(visit, empty: visit.say("Nothing was to be sent.", "没有需要投递的消息。"), hasFile: failure == nil)
      Parts.pager(visit, next: failure == nil ? answer["next"]?.stringValue : nil)
      DeskParts.asOf(visit)
    }
  }

  @NodeBuilder private static func tiles(_ ways: JSONValue, _ visit: Visit) -> [Node] {
    if ways["email"] != true, ways["webhook"] != true { Notice.plain(visit.say(text)) }
    for way in ["email", "webhook"] where ways["resting_until"]?[way]?.stringValue != nil {
      Notice.plain(
        visit.say(
          "Nobody takes messages there just now (\(SurveyWords.delivery(way, visit))): they wait until \(visit.moment(ways["resting_until"]?[way])).",
          "\(SurveyWords.delivery(way, visit))暂不可用：消息将等待至 \(visit.moment(ways["resting_until"]?[way]))。"))
    }
    Element(.div, [.class("tiles")]) {
      for state in State.allCases {
        Parts.tile(
          SurveyWords.delivery(state.rawValue, visit), visit.number(ways["deliveries"]?[state.rawValue]),
          target: visit.target(path, [(name: "state", value: state.rawValue)]))
      }
    }
  }

  private static func table(_ deliveries: [JSONValue], _ visit: Visit) -> DataTable {
    DataTable(
      "deliveries", visit.say("Deliveries, the newest first", "投递（由新到旧）"),
      [
        visit.say("Customer", "客户"), visit.say("State", "状态"), visit.say("What", "类型"), visit.say("Survey", "问卷"), visit.say("By", "方式"),
        visit.say("Attempts", "尝试"), visit.say("Asked", "请求时间"), visit.say("Next attempt", "下次尝试"), visit.say("Anew", "重试"),
      ], deliveries.map { row($0, visit) })
  }

  private static func row(_ delivery: JSONValue, _ visit: Visit) -> [Cell] {
    func text(_ name: String) -> String? { delivery[name]?.stringValue }
    let state = text("state").flatMap(State.init(rawValue:))
    let word = SurveyWords.delivery(text("state"), visit)
    let reason = text("reason").map { SurveyWords.reason($0, visit) }
    let later = [("opened_at", visit.say("opened", "已打开")), ("delivered_at", visit.say("arrived", "已送达"))].first { text($0.0) != nil }
    let more = [reason, later.map { "\($0.1) \(visit.moment(delivery[$0.0]))" }].compactMap(\.self)
    // What was called back is not sent, whoever wants it.
    let isCalledBack = ["opted_out", "answered"].contains(text("reason"))
    let mayRetry = visit.may(.invitationsSend) && (state == .bounced || state == .undeliverable) && !isCalledBack
    return [
      .shown([.element(DeskParts.customer(text("customer_id"), visit))], plain: text("customer_id") ?? ""),
      .shown(
        [.element(Parts.badge(word, state?.badge ?? .plain))] + more.map { .element(Element(.small, $0)) }, plain: ([word] + more).joined(separator: ": ")),
      .text(SurveyWords.delivery(text("kind"), visit)), .text(visit.text(delivery["survey"])), .text(SurveyWords.delivery(text("way"), visit)),
      .number(visit.number(delivery["attempts"])), visit.cell(moment: delivery["asked_at"]), visit.cell(moment: delivery["next_attempt_at"]),
      .shown(mayRetry ? [.element(form(delivery, visit))] : [.text("–")], plain: ""),
    ]
  }

  private static func form(_ delivery: JSONValue, _ visit: Visit) -> Element {
    let id = delivery["delivery_id"]?.stringValue ?? ""
    return Parts.form(visit, visit.target("\(path)/\(id)/retry")) {
      Element(.button, [.label(.spoken, visit.say("Try \(id) anew", "重试 \(id)"))], visit.say("Try anew", "重试"))
    }
  }

  private static func retry(_ visit: Visit) async throws -> Response {
    guard let id = TicketID(try visit.request.parameter("id")) else { throw Problem(.notFound) }
    do throws(PeerFailure) {
      _ = try await visit.api.send(.post, .connector, "/v1/deliveries/\(id)/retry", .object([]))
      return visit.go(to: path, done: .sent)
    } catch {
      if case .refused(401, _, _, _) = error { throw error }
      return try await show(visit, failure: error)
    }
  }

  private static let text = LocalizedName(
    en: "No mail server and no webhook is set up: invitations are made, and nothing is brought to customers.", zh: "未配置邮件服务器或 webhook：会生成邀请，但不会发送给客户。")
}
