// Who a customer is: its identifiers, what it was made of, cases that are open, and making one customer of two (P-01 to P-03).
import Access
import Domain
import HTML
import HTTP
import Text

struct CustomerIdentityPages: Sendable {
  let site: Site

  private static let rowsMax = "50"
  private static let other = "with"
  private static let effect = LocalizedName(
    en: "The older one stays and keeps its number; the other's number leads to it. Orders, contacts, tags, score and tier are worked out anew for both "
      + "together. It holds whatever rules say, until somebody undoes it.",
    zh: "较早的客户保留其编号，另一编号将指向它；订单、联络、标签、得分与等级按合并后的全部数据重新计算。合并不受规则限制，直至有人撤销。")

  func add(to router: inout Router) {
    router.page("/customers/{id}/identity", site, needs: .customersRead) { visit in try await CustomerFile.with(visit, "/identity") { await show($0) } }
    router.page("/customers/{id}/merge", site, needs: .identitiesDecide) { visit in
      try await CustomerFile.with(visit, "/merge") { try await askMerge($0, Entered(form: visit.request.query, failure: nil)) }
    }
    router.form("/customers/{id}/merge", site, needs: .identitiesDecide) { visit in try await CustomerFile.with(visit) { try await merge($0) } }
  }

  // MARK: - What is known

  private func show(_ file: CustomerFile) async -> Response {
    let (visit, api) = (file.visit, file.visit.api)
    let query = [(name: "customer", value: Optional(file.id)), (name: "limit", value: Optional(CustomerIdentityPages.rowsMax))]
    async let merged = visit.may(.identitiesRead) ? api.section(.profile, "/v1/merges", query) : nil
    async let open = visit.may(.identitiesRead) ? api.section(.profile, "/v1/reviews", query) : nil
    let (merges, cases) = (await merged, await open)
    let tables = [
      identifiers(file), MergePages.table(visit, merges?.json?["merges"]?.arrayValue ?? []), CasePages.table(visit, cases?.json?["reviews"]?.arrayValue ?? []),
    ]
    if let answer = visit.file(of: tables) { return answer }
    return file.page(.identity) {
      if visit.may(.identitiesDecide) {
        Element(.div, [.class("actions")]) {
          Element(.a, [.class("button")] + Parts.href(visit.target("/customers/\(file.id)/merge")), visit.say("It is the same as another customer", "与另一客户合并"))
        }
      }
      tables[0].element(visit, empty: visit.say("None.", "没有标识。"))
      if let cases {
        Element(.h2, visit.say("Cases that wait", "待核实"))
        cases.shown(visit) { _ in tables[2].element(visit, empty: visit.say("None.", "没有待核实条目。")) }
      }
      if let merges {
        Element(.h2, visit.say("Merges", "合并记录"))
        merges.shown(visit) { _ in tables[1].element(visit, empty: visit.say("This customer was never merged.", "该客户从未合并。")) }
      }
    }
  }

  private func identifiers(_ file: CustomerFile) -> DataTable {
    let visit = file.visit
    return DataTable(
      "identifiers", visit.say("By what it is known, masked", "标识（已脱敏）"),
      [visit.say("Kind", "类型"), visit.say("Value", "内容"), visit.say("Since", "首次出现"), visit.say("Strength", "强度"), visit.say("Shared by many", "多人共用")],
      (file.json["identifiers"]?.arrayValue ?? []).map { item in
        [
          .text(visit.word(item["kind"], of: CustomerWords.kinds)), .text(visit.text(item["value"])), .text(visit.moment(item["first_seen_at"])),
          .text(item["strong"] == true ? visit.say("strong: may merge", "强标识：可合并") : visit.say("weak: merges nobody", "弱标识：不合并")),
          .text(item["shared"] == true ? visit.say("yes", "是") : visit.say("no", "否")),
        ]
      })
  }

  // MARK: - Two that are one

  private func askMerge(_ file: CustomerFile, _ entered: Entered) async throws -> Response {
    let visit = file.visit
    let text = entered.value(CustomerIdentityPages.other)
    let number = String(text.filter { !$0.isWhitespace }).lowercased()
    let other: JSONValue?
    var fault: String?
    if text.isEmpty { other = nil } else if let id = CustomerID(number) {
      let answer = await visit.api.section(.profile, "/v1/customers/\(id)")
      other = answer.json
      if case .failure(let failure) = answer {
        guard failure.isMissing else { throw failure }
        fault = visit.say("There is no customer \(id).", "没有客户 \(id)。")
      } else if answer.json?["customer_id"]?.stringValue == file.id {
        fault = visit.say("That is this customer itself.", "这就是该客户本身。")
      }
    } else {
      other = nil
      fault = visit.say("A customer's number has 16 digits of 0 to 9 and a to f.", "客户编号为 16 位十六进制数。")
    }
    let title = visit.say("Make one customer of two", "合并两个客户")
    let status = entered.failure == nil && fault != nil ? .unprocessable : entered.status
    return file.page(.identity, status: status, title: title) {
      Element(.h2, title)
      entered.notice(visit, fields: ["reason"])
      Element(.form, [.method(.get), .class("filters")] + Parts.action(visit.target("/customers/\(file.id)/merge"))) {
        Parts.field(
          visit.say("Number of the other customer", "另一客户的编号"), CustomerIdentityPages.other, value: text, [.label(.maxlength, "40"), .on(.required)],
          fault: fault)
        Element(.button, visit.say("Show both side by side", "并排对比"))
      }
      if let other, fault == nil { both(file, other, entered) }
    }
  }

  @NodeBuilder private func both(_ file: CustomerFile, _ other: JSONValue, _ entered: Entered) -> [Node] {
    let visit = file.visit
    let id = other["customer_id"]?.stringValue ?? ""
    SideBySide(visit: visit, left: file.json, right: other).table.element(visit, empty: "", hasFile: false)
    Element(.p, visit.say(CustomerIdentityPages.effect))
    Parts.form(visit, visit.target("/customers/\(file.id)/merge"), [.class("sheet")]) {
      Parts.hidden(CustomerIdentityPages.other, id)
      ReasonField.shown(visit, entered)
      Element(.div, [.class("actions")]) {
        Element(.button, [.class("main")], visit.say("They are one: merge them", "确认合并"))
        Parts.link(visit.say("Leave it as it is", "取消"), CustomerFile.target(file.id, .identity))
      }
    }
  }

  private func merge(_ file: CustomerFile) async throws -> Response {
    let visit = file.visit
    let form = try visit.request.form()
    let body: JSONValue = [
      "customers": .array([.text(file.id), .text(form[CustomerIdentityPages.other] ?? "")]), "reason": .text(form["reason"] ?? ""),
    ]
    return try await visit.trying(form) { () throws(PeerFailure) in
      let decision = try await visit.api.send(.post, .profile, "/v1/merges", body)
      await IdentityDecisions.settle(decision, visit)
      return visit.go(to: CustomerFile.path(file.id), done: .merged)
    } else: { try await askMerge(file, $0) }
  }
}

/// Two customers beside each other, line by line; where they differ a word says so.
struct SideBySide {
  let visit: Visit
  let left: JSONValue
  let right: JSONValue

  private struct Line {
    let name: String
    let value: (JSONValue) -> String
  }

  var table: DataTable {
    let ids = [left, right].map { $0["customer_id"]?.stringValue ?? "" }
    return DataTable(
      "both", visit.say("Both customers", "双方对比"), [visit.say("What", "项目")] + ids + [visit.say("Alike", "是否一致")],
      lines.map { line in
        let (one, other) = (line.value(left), line.value(right))
        let alike = one == other ? visit.say("same", "一致") : one == "–" || other == "–" ? visit.say("one side only", "仅一方有") : visit.say("differs", "不同")
        return [.text(line.name), .text(one), .text(other), .text(alike)]
      })
  }

  private var lines: [Line] {
    let visit = visit
    let kinds = IdentifierKind.allCases.map(\.name).filter { kind in
      [left, right].contains { $0["identifiers"]?.arrayValue?.contains { $0["kind"]?.stringValue == kind } ?? false }
    }
    let attributes = ["name", "gender", "birthday", "region", "industry"].filter { left["attributes"]?[$0] != nil || right["attributes"]?[$0] != nil }
    return [Line(name: visit.say("First seen", "首次出现")) { visit.moment($0["first_seen_at"]) }]
      + attributes.map { key in
        Line(name: visit.word(key, of: CustomerWords.attributes)) { customer in
          key == "gender" ? visit.word(customer["attributes"]?[key], of: CustomerWords.genders) : visit.text(customer["attributes"]?[key])
        }
      }
      + kinds.map { kind in
        Line(name: visit.word(kind, of: CustomerWords.kinds)) { customer in
          let values = (customer["identifiers"]?.arrayValue ?? []).filter { $0["kind"]?.stringValue == kind }.map { visit.text($0["value"]) }
          return values.isEmpty ? "–" : values.joined(separator: visit.say(", ", "、"))
        }
      }
      + [
        Line(name: visit.say("Lifecycle", "生命周期")) { visit.word($0["lifecycle"], of: CustomerWords.lifecycles) },
        Line(name: visit.say("Orders of all time", "累计订单")) { visit.number($0["orders_of_all_time"]) },
        Line(name: visit.say("Spend of all time", "累计消费")) { visit.amount($0["spend_of_all_time"], unit: $0["currency"]?.stringValue ?? "") },
        Line(name: visit.say("Last order, days ago", "距上次下单（天）")) { visit.number($0["recency_days"]) },
        Line(name: visit.say("Tags", "标签")) { customer in
          let tags = (customer["tags"]?.arrayValue ?? []).map { tag in tag["name"].map { visit.say($0) } ?? visit.text(tag["tag"]) }
          return tags.isEmpty ? "–" : tags.joined(separator: visit.say(", ", "、"))
        },
      ]
  }
}
