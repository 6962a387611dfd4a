// Cases of who is who (P-03): two customers that an event named together and a rule kept apart; a person says whether they are one.
import Access
import Domain
import HTML
import HTTP
import Text

struct CasePages: Sendable {
  let site: Site

  static let path = "/reviews/identities"
  private static let rowsMax = "50"
  private static let guards = ["different_national_ids", "shared_identifier", "too_many_values", "too_many_customers"]

  func add(to router: inout Router) {
    router.page(CasePages.path, site, needs: .identitiesRead) { try await list($0) }
    router.page(CasePages.path + "/{id}", site, needs: .identitiesRead, look: .contacts) { try await show($0, .nothing) }
    router.form(CasePages.path + "/{id}", site, needs: .identitiesDecide) { try await decide($0) }
  }

  // MARK: - The list

  private func list(_ visit: Visit) async throws -> Response {
    let query = visit.request.query
    func read(_ name: String) -> String? { query[name].flatMap { $0.isEmpty ? nil : $0 } }
    let customer = read("customer").map { String($0.filter { !$0.isWhitespace }).lowercased() }
    let answer = try await visit.api.get(
      .profile, "/v1/reviews", [("guard", read("guard")), ("customer", customer), ("limit", CasePages.rowsMax), ("after", query["after"])])
    let table = CasePages.table(visit, answer["reviews"]?.arrayValue ?? [])
    if let file = visit.file(of: [table]) { return file }
    let title = visit.say("Who is who: cases that wait", "待核实的身份")
    return visit.page(title, .reviews) {
      ReviewPages.trail(visit, title, nil)
      Element(.h1, title)
      Parts.search(PageTarget(CasePages.path), visit.say("Filter", "筛选")) {
        Parts.choice(
          visit.say("Stopped by", "拦截规则"), "guard",
          [("", visit.say("all", "全部"))] + CasePages.guards.map { ($0, visit.word($0, of: CustomerWords.guards)) }, chosen: read("guard") ?? "")
        Parts.field(visit.say("Customer number", "客户编号"), "customer", value: customer ?? "", [.label(.maxlength, "40")])
        Element(.button, visit.say("Show", "查看"))
      }
      table.element(visit, empty: visit.say("Nothing waits.", "没有待核实的条目。"))
      Parts.pager(visit, next: answer["next"]?.stringValue, parameter: "after")
    }
  }

  static func table(_ visit: Visit, _ cases: [JSONValue]) -> DataTable {
    DataTable(
      "cases", visit.say("Two customers that may be one", "疑似同一客户"),
      [
        visit.say("Case", "条目"), visit.say("Stopped by", "拦截规则"), visit.say("One", "一方"), visit.say("The other", "另一方"), visit.say("Named together by", "依据"),
        visit.say("At", "时间"),
      ],
      cases.map { one in
        let sides = (one["sides"]?.arrayValue ?? []).map { "\(visit.word($0["kind"], of: CustomerWords.kinds)) \(visit.text($0["value"]))" }
        return [
          .link(visit.say("Compare ", "对比 ") + visit.text(one["sides"]?[0]?["value"]), target(one)),
          .text(visit.word(one["guard"], of: CustomerWords.guards)), .text(sides.first ?? "–"),
          .text(sides.dropFirst().first ?? "–"), .text(evidence(visit, one["evidence"])), .text(visit.moment(one["at"])),
        ]
      })
  }

  private static func target(_ one: JSONValue) -> PageTarget? { one["id"]?.stringValue.flatMap { PageTarget("\(path)/\($0)") } }

  /// The event that named both: `order/P7012/1` is the first revision of an order.
  static func evidence(_ visit: Visit, _ value: JSONValue?) -> String {
    guard let text = value?.stringValue else { return "–" }
    if text.hasPrefix("decision:") { return visit.say("decision \(text.dropFirst(9)) of a person", "人工决定 \(text.dropFirst(9))") }
    let parts = text.split(separator: "/", maxSplits: 1).map(String.init)
    guard parts.count == 2, CustomerWords.entries[parts[0]] != nil else { return text }
    return "\(visit.word(parts[0], of: CustomerWords.entries)) \(parts[1])"
  }

  // MARK: - One

  private static func place(_ visit: Visit) throws -> String {
    let id = try visit.request.parameter("id")
    guard id.utf8.allSatisfy({ (0x30...0x39).contains($0) || (0x61...0x66).contains($0) || $0 == UInt8(ascii: "-") }) else { throw Problem(.notFound) }
    return id
  }

  private func show(_ visit: Visit, _ entered: Entered) async throws -> Response {
    let id = try CasePages.place(visit)
    let one = try await visit.api.get(.profile, "/v1/reviews/\(id)")
    let sides = one["sides"]?.arrayValue ?? []
    let rule = one["guard"]?.stringValue ?? ""
    let title = visit.say("Are these two one person?", "是同一个人吗？")
    return visit.page(title, .reviews, status: entered.status) {
      ReviewPages.trail(visit, visit.say("Who is who", "身份核实"), PageTarget(CasePages.path))
      Element(.h1, title)
      entered.notice(visit, fields: ["decision", "reason"])
      Parts.facts([
        (visit.say("Stopped by", "拦截规则"), visit.word(rule, of: CustomerWords.guards)),
        (visit.say("Named together by", "依据"), CasePages.evidence(visit, one["evidence"])),
        (visit.say("At", "时间"), visit.moment(one["at"])),
      ])
      if let why = CustomerWords.guardReasons[rule] { Element(.p, visit.say(why)) }
      comparison(visit, sides).element(visit, empty: "", hasFile: false)
      Element(.p) {
        for (place, side) in sides.enumerated() {
          let number = side["customer_id"]?.stringValue ?? ""
          if place > 0 { " · " }
          Parts.link(visit.say("File of \(number)", "查看 \(number)"), visit.may(.customersRead) ? CustomerFile.target(number) : nil)
        }
      }
      if visit.may(.identitiesDecide) { form(visit, id, entered) }
    }
  }

  private func comparison(_ visit: Visit, _ sides: [JSONValue]) -> DataTable {
    func both(_ name: String, _ value: (JSONValue) -> String) -> [Cell] { [.text(name)] + sides.map { .text(value($0)) } }
    let kinds = IdentifierKind.allCases.map(\.name).filter { kind in
      sides.contains { $0["identifiers"]?.arrayValue?.contains { $0["kind"]?.stringValue == kind } ?? false }
    }
    let named = both(visit.say("What the event named", "事件中的标识")) { side in
      let shared = side["shared"] == true ? visit.say(" (shared by many)", "（多人共用）") : ""
      return "\(visit.word(side["kind"], of: CustomerWords.kinds)) \(visit.text(side["value"]))\(shared)"
    }
    return DataTable(
      "sides", visit.say("Both customers; identifiers and names are masked", "双方对比（标识与姓名已脱敏）"),
      [visit.say("What", "项目")] + sides.map { visit.text($0["customer_id"]) },
      [named, both(visit.say("Name", "姓名")) { visit.text($0["name"]) }, both(visit.say("First seen", "首次出现")) { visit.moment($0["first_seen_at"]) }]
        + kinds.map { kind in
          both(visit.word(kind, of: CustomerWords.kinds)) { side in
            let values = (side["identifiers"]?.arrayValue ?? []).filter { $0["kind"]?.stringValue == kind }.map { visit.text($0["value"]) }
            return values.isEmpty ? "–" : values.joined(separator: visit.say(", ", "、"))
          }
        }
        + [
          both(visit.say("Orders of all time", "累计订单")) { visit.number($0["orders_of_all_time"]) },
          both(visit.say("Spend of all time", "累计消费")) { visit.amount($0["spend_of_all_time"]) },
        ])
  }

  private func form(_ visit: Visit, _ id: String, _ entered: Entered) -> Element {
    let fault = entered.fault("decision", visit)
    return Parts.form(visit, PageTarget("\(CasePages.path)/\(id)"), [.class("sheet")]) {
      Element(.fieldset, fault == nil ? [] : [.label(.described, "fault-decision")]) {
        Element(.legend, visit.say("They are", "判断"))
        for (value, text) in [
          ("keep_apart", visit.say("different people: keep them apart, whatever comes later", "不同的人：此后始终保持分开")),
          ("merge", visit.say("the same person: merge them, whatever the rule says", "同一个人：合并，不受规则限制")),
        ] {
          Element(.p) {
            Element(.label) {
              Element(
                .input,
                [.input(.radio), .label(.name, "decision"), .label(.value, value), .on(.required)] + Attribute.on(.checked, if: entered["decision"] == value))
              " " + text
            }
          }
        }
        if let fault { Element(.p, [.class("fault"), .id("fault-decision")], fault) }
      }
      ReasonField.shown(visit, entered)
      Element(.div, [.class("actions")]) {
        Element(.button, [.class("main")], visit.say("Decide", "提交决定"))
        Parts.link(visit.say("Leave it for later", "稍后处理"), PageTarget(CasePages.path))
      }
    }
  }

  private func decide(_ visit: Visit) async throws -> Response {
    let id = try CasePages.place(visit)
    let form = try visit.request.form()
    let body: JSONValue = ["decision": .text(form["decision"] ?? ""), "reason": .text(form["reason"] ?? "")]
    return try await visit.trying(form) { () throws(PeerFailure) in
      let decision = try await visit.api.send(.post, .profile, "/v1/reviews/\(id)/decision", body)
      await IdentityDecisions.settle(decision, visit)
      return visit.go(to: CasePages.path, done: .decided)
    } else: { try await show(visit, $0) }
  }
}

/// Decisions about who is who take effect a moment after they are recorded.
enum IdentityDecisions {
  private static let attempts = 16
  private static let pause = Duration.milliseconds(75)

  /// Waits a moment, so that the page that comes next shows what was decided.
  static func settle(_ decision: JSONValue, _ visit: Visit) async {
    guard let id = decision["id"]?.int64Value else { return }
    var decision = decision
    for _ in 0..<attempts where decision["applied_at"]?.stringValue == nil {
      try? await Task.sleep(for: pause)
      guard let answer = await visit.api.section(.profile, "/v1/decisions/\(id)").json else { return }
      decision = answer
    }
  }
}
