// Merges that were made (P-02): the list, and one with what its undoing will do.
import Access
import Domain
import HTML
import HTTP
import Text

struct MergePages: Sendable {
  let site: Site

  static let path = "/merges"
  private static let rowsMax = "50"

  func add(to router: inout Router) {
    router.page(MergePages.path, site, needs: .identitiesRead) { try await list($0) }
    router.page(MergePages.path + "/{id}", site, needs: .identitiesRead) { try await show($0, .nothing) }
    router.form(MergePages.path + "/{id}", site, needs: .identitiesDecide) { try await undo($0) }
  }

  private func list(_ visit: Visit) async throws -> Response {
    let query = visit.request.query
    let customer = query["customer"].flatMap { $0.isEmpty ? nil : String($0.filter { !$0.isWhitespace }).lowercased() }
    let answer = try await visit.api.get(
      .profile, "/v1/merges", [("customer", customer), ("limit", MergePages.rowsMax), ("after", query["after"])])
    let table = MergePages.table(visit, answer["merges"]?.arrayValue ?? [])
    if let file = visit.file(of: [table]) { return file }
    let title = visit.say("Merges", "合并记录")
    return visit.page(title, .reviews) {
      ReviewPages.trail(visit, title, nil)
      Element(.h1, title)
      Parts.search(PageTarget(MergePages.path), visit.say("Filter", "筛选")) {
        Parts.field(visit.say("Customer number", "客户编号"), "customer", value: customer ?? "", [.label(.maxlength, "40")])
        Element(.button, visit.say("Show", "查看"))
      }
      table.element(visit, empty: visit.say("None.", "没有合并记录。"))
      Parts.pager(visit, next: answer["next"]?.int64Value.map { String($0) }, parameter: "after")
    }
  }

  static func table(_ visit: Visit, _ merges: [JSONValue]) -> DataTable {
    DataTable(
      "merges", visit.say("Merges, the oldest first", "合并（最早的在前）"),
      [
        visit.say("Merge", "编号"), visit.say("At", "时间"), visit.say("Stays", "保留"), visit.say("Became part of it", "并入"), visit.say("Evidence", "依据"),
        visit.say("State", "状态"),
      ],
      merges.map { merge in
        let id = merge["id"]?.int64Value ?? 0
        let isUndone = merge["undone_by"]?.int64Value != nil
        return [
          .link(String(id), PageTarget("\(path)/\(id)")), .text(visit.moment(merge["at"])), .text(visit.text(merge["survivor"])),
          .text(visit.text(merge["absorbed"])), .text(CasePages.evidence(visit, merge["evidence"])),
          .text(isUndone ? visit.say("undone", "已撤销") : visit.say("holds", "有效")),
        ]
      })
  }

  // MARK: - One

  private static func number(_ visit: Visit) throws -> Int64 {
    guard let id = Int64(try visit.request.parameter("id")), id > 0 else { throw Problem(.notFound) }
    return id
  }

  private func show(_ visit: Visit, _ entered: Entered) async throws -> Response {
    let id = try MergePages.number(visit)
    let api = visit.api
    let merge = try await api.get(.profile, "/v1/merges/\(id)")
    let (survivor, absorbed) = (merge["survivor"]?.stringValue ?? "", merge["absorbed"]?.stringValue ?? "")
    let undone = merge["undone_by"]?.int64Value
    async let first = visit.may(.customersRead) ? api.section(.profile, "/v1/customers/\(survivor)") : nil
    // Undone, both are there again.
    async let second = undone != nil && visit.may(.customersRead) ? api.section(.profile, "/v1/customers/\(absorbed)") : nil
    async let told = undone == nil ? nil : api.section(.profile, "/v1/decisions/\(undone ?? 0)")
    let (left, right, decision) = (await first, await second, await told)
    let title = visit.say("Merge \(id)", "合并 \(id)")
    return visit.page(title, .reviews, status: entered.status) {
      ReviewPages.trail(visit, visit.say("Merges", "合并记录"), PageTarget(MergePages.path))
      Element(.div, [.class("person")]) {
        Element(.h1, title)
        Parts.badge(undone == nil ? visit.say("holds", "有效") : visit.say("undone", "已撤销"), undone == nil ? .good : .plain)
      }
      entered.notice(visit, fields: ["reason"])
      facts(visit, merge, survivor, absorbed)
      if let decision {
        decision.shown(visit) { answer in
          Element(.p, visit.say(
            "Undone \(visit.moment(answer["at"])) by \(visit.text(answer["actor"])): \(visit.text(answer["reason"]))",
            "\(visit.moment(answer["at"])) 由 \(visit.text(answer["actor"])) 撤销：\(visit.text(answer["reason"]))"))
        }
      }
      if let left {
        left.shown(visit) { one in
          if let other = right?.json {
            SideBySide(visit: visit, left: one, right: other).table.element(visit, empty: "", hasFile: false)
          } else if undone == nil {
            today(visit, one)
          }
        }
      }
      if undone == nil, visit.may(.identitiesDecide) { form(visit, id, merge, entered) }
    }
  }

  private func facts(_ visit: Visit, _ merge: JSONValue, _ survivor: String, _ absorbed: String) -> Element {
    let may = visit.may(.customersRead)
    return Parts.facts([
      (visit.say("Stays", "保留"), [.element(Parts.link(survivor, may ? CustomerFile.target(survivor) : nil))]),
      (visit.say("Became part of it", "并入"), [.element(Parts.link(absorbed, may ? CustomerFile.target(absorbed) : nil))]),
      (visit.say("At", "时间"), [.text(visit.moment(merge["at"]))]), (visit.say("Evidence", "依据"), [.text(CasePages.evidence(visit, merge["evidence"]))]),
      (
        visit.say("Identifiers of each side", "双方标识数"),
        [.text("\(visit.number(merge["identifiers"]?["survivor"])) + \(visit.number(merge["identifiers"]?["absorbed"]))")]
      ),
    ])
  }

  /// What the one customer has now, of which an undoing gives each side its part.
  @NodeBuilder private func today(_ visit: Visit, _ one: JSONValue) -> [Node] {
    Element(.h2, visit.say("The customer now", "合并后的客户"))
    Parts.facts([
      (visit.say("Name", "姓名"), visit.text(one["attributes"]?["name"])), (visit.say("Member id", "会员号"), visit.text(one["member_id"])),
      (visit.say("Orders of all time", "累计订单"), visit.number(one["orders_of_all_time"])),
      (visit.say("Spend of all time", "累计消费"), visit.amount(one["spend_of_all_time"], unit: visit.text(one["currency"]))),
      (
        visit.say("Identifiers", "标识"),
        (one["identifiers"]?.arrayValue ?? []).map { "\(visit.word($0["kind"], of: CustomerWords.kinds)) \(visit.text($0["value"]))" }
          .joined(separator: visit.say(", ", "、"))
      ),
    ])
  }

  private func form(_ visit: Visit, _ id: Int64, _ merge: JSONValue, _ entered: Entered) -> Element {
    let (survivor, absorbed) = (visit.text(merge["survivor"]), visit.text(merge["absorbed"]))
    let (stay, go) = (visit.number(merge["identifiers"]?["survivor"]), visit.number(merge["identifiers"]?["absorbed"]))
    return Element(.section) {
      Element(.h2, visit.say("Undo it", "撤销合并"))
      Element(.ul) {
        Element(.li, visit.say(
          "There will be two customers again: \(survivor) with \(stay) identifiers, \(absorbed) with \(go).",
          "恢复为两个客户：\(survivor)（\(stay) 个标识）与 \(absorbed)（\(go) 个标识）。"))
        Element(.li, visit.say(
          "Each gets its own orders, contacts, tags and answers back; figures, score and tier of both are worked out anew.",
          "双方各自恢复自己的订单、联络、标签与回答；指标、得分与等级重新计算。"))
        Element(.li, visit.say("What came in after the merge stays with the side that it was named with.", "合并之后产生的内容归入其所属标识的一方。"))
        Element(.li, visit.say("They are kept apart from then on, whatever later events say.", "此后无论收到什么事件，双方都保持分开。"))
      }
      Parts.form(visit, PageTarget("\(MergePages.path)/\(id)"), [.class("sheet")]) {
        ReasonField.shown(visit, entered)
        Element(.div, [.class("actions")]) {
          Element(.button, [.class("danger")], visit.say("Undo the merge", "撤销合并"))
          Parts.link(visit.say("Leave it as it is", "取消"), PageTarget(MergePages.path))
        }
      }
    }
  }

  private func undo(_ visit: Visit) async throws -> Response {
    let id = try MergePages.number(visit)
    let form = try visit.request.form()
    return try await visit.trying(form) { () throws(PeerFailure) in
      let decision = try await visit.api.send(.post, .profile, "/v1/merges/\(id)/undo", ["reason": .text(form["reason"] ?? "")])
      await IdentityDecisions.settle(decision, visit)
      return visit.go(to: "\(MergePages.path)/\(id)", done: .undone)
    } else: { try await show(visit, $0) }
  }
}
