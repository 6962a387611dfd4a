// The tags of a customer (P-10): what it has, since when and why; people give and take tags here.
import Access
import Domain
import HTML
import HTTP
import Text

struct CustomerTagPages: Sendable {
  let site: Site

  func add(to router: inout Router) {
    router.page("/customers/{id}/tags", site, needs: .customersRead) { visit in try await CustomerFile.with(visit, "/tags") { try await show($0, .nothing) } }
    router.form("/customers/{id}/tags", site, needs: .tagsGive) { visit in try await CustomerFile.with(visit) { try await give($0) } }
    router.page("/customers/{id}/tags/removal", site, needs: .tagsGive) { visit in
      try await CustomerFile.with(visit, "/tags") { askRemoval($0, Entered(form: visit.request.query, failure: nil)) }
    }
    router.form("/customers/{id}/tags/removal", site, needs: .tagsGive) { visit in try await CustomerFile.with(visit) { try await remove($0) } }
  }

  // MARK: - What it has

  private func show(_ file: CustomerFile, _ entered: Entered) async throws -> Response {
    let visit = file.visit
    let answer = try await visit.api.get(.profile, "/v1/customers/\(file.id)/tags", file.days.query)
    let tables = [now(file, answer), history(visit, answer), given(visit, answer)]
    if let found = visit.file(of: tables) { return found }
    return file.page(.tags, status: entered.status) {
      if visit.may(.tagsGive), !file.days.isPast { form(file, entered) }
      tables[0].element(visit, empty: visit.say("No tags.", "没有标签。"))
      tables[1].element(visit, empty: visit.say("No rule ever held.", "没有规则曾成立。"))
      tables[2].element(visit, empty: visit.say("Nobody gave a tag.", "没有人工标签。"))
    }
  }

  private func now(_ file: CustomerFile, _ answer: JSONValue) -> DataTable {
    let visit = file.visit
    let mayTake = visit.may(.tagsGive) && !file.days.isPast
    return DataTable(
      "tags", visit.say("Tags on \(visit.text(answer["as_of"]))", "\(visit.text(answer["as_of"])) 的标签"),
      [visit.say("Tag", "标签"), visit.say("Since", "起始"), visit.say("Until", "截止"), visit.say("By", "来源"), visit.say("Why", "依据")]
        + (mayTake ? [visit.say("Take away", "移除")] : []),
      (answer["tags"]?.arrayValue ?? []).map { tag in
        let isGiven = tag["source"] == "person"
        let word = tag["tag"]?.stringValue ?? ""
        let version = visit.number(tag["rules_version"])
        let by = isGiven ? visit.text(tag["actor"]) : visit.say("rule, version \(version)", "规则 v\(version)")
        let target = isGiven ? visit.target("/customers/\(file.id)/tags/removal", [("tag", word)]) : nil
        let cells: [Cell] = [
          .text(tag["name"].map { visit.say($0) } ?? word), .day(visit.text(tag["since"])), .day(visit.text(tag["until"])), .text(by),
          .text(isGiven ? visit.text(tag["reason"]) : visit.say(tag["because"])),
        ]
        let take = target.map { [Node.element(Parts.link(visit.say("Take away “\(word)”", "移除“\(word)”"), $0))] } ?? [.text("–")]
        return cells + (mayTake ? [.shown(take, plain: "")] : [])
      })
  }

  private func history(_ visit: Visit, _ answer: JSONValue) -> DataTable {
    DataTable(
      "history", visit.say("When rules held", "规则标签的历史"),
      [visit.say("Tag", "标签"), visit.say("From", "起"), visit.say("Because", "依据"), visit.say("No longer from", "止"), visit.say("Because", "原因")],
      (answer["history"]?.arrayValue ?? []).map { span in
        [
          .text(visit.say(span["name"])), .day(visit.text(span["since"])), .text(visit.say(span["because"])), .day(visit.text(span["cleared"])),
          .text(visit.say(span["cleared_because"])),
        ]
      })
  }

  private func given(_ visit: Visit, _ answer: JSONValue) -> DataTable {
    DataTable(
      "given", visit.say("What people gave and took", "人工打标记录"),
      [
        visit.say("Tag", "标签"), visit.say("Given", "添加时间"), visit.say("By", "添加人"), visit.say("Why", "理由"), visit.say("Until", "截止"),
        visit.say("Taken away", "移除时间"), visit.say("By", "移除人"), visit.say("Why", "移除理由"),
      ],
      (answer["given"]?.arrayValue ?? []).map { tag in
        [
          .text(visit.text(tag["tag"])), .text(visit.moment(tag["at"])), .text(visit.text(tag["actor"])), .text(visit.text(tag["reason"])),
          .text(visit.text(tag["until"])), .text(visit.moment(tag["removed_at"])), .text(visit.text(tag["removed_by"])),
          .text(visit.text(tag["removal_reason"])),
        ]
      })
  }

  // MARK: - Giving

  private func form(_ file: CustomerFile, _ entered: Entered) -> Element {
    let visit = file.visit
    return Element(.details, entered.failure == nil ? [] : [.on(.open)]) {
      Element(.summary, visit.say("Give a tag", "添加标签"))
      entered.notice(visit, fields: ["tag", "until", "reason"])
      Parts.form(visit, visit.target("/customers/\(file.id)/tags"), [.class("sheet")]) {
        Parts.field(
          visit.say("Tag (at most 30 characters)", "标签（最多 30 个字符）"), "tag", value: entered.value("tag"), [.label(.maxlength, "30"), .on(.required)],
          fault: entered.fault("tag", visit))
        Parts.field(
          visit.say("Until (may be left empty)", "截止日期（可不填）"), "until", value: entered.value("until"), [.label(.min, visit.today.description)], type: .date,
          fault: entered.fault("until", visit))
        ReasonField.shown(visit, entered)
        Element(.div, [.class("actions")]) { Element(.button, [.class("main")], visit.say("Give it", "添加")) }
      }
    }
  }

  private func give(_ file: CustomerFile) async throws -> Response {
    let visit = file.visit
    let form = try visit.request.form()
    let until = form["until"].flatMap { $0.isEmpty ? nil : $0 }
    let body: JSONValue = ["tag": .text(form["tag"] ?? ""), "until": .textOrNull(until), "reason": .text(form["reason"] ?? "")]
    return try await visit.trying(form) { () throws(PeerFailure) in
      _ = try await visit.api.send(.post, .profile, "/v1/customers/\(file.id)/tags", body)
      return visit.go(to: CustomerFile.path(file.id, .tags), done: .saved)
    } else: { try await show(file, $0) }
  }

  // MARK: - Taking away

  private func askRemoval(_ file: CustomerFile, _ entered: Entered) -> Response {
    let visit = file.visit
    let tag = entered.value("tag")
    let title = visit.say("Take away the tag “\(tag)”", "移除标签“\(tag)”")
    return file.page(.tags, status: entered.status, title: title) {
      Element(.h2, title)
      entered.notice(visit, fields: ["reason"])
      Parts.form(visit, visit.target("/customers/\(file.id)/tags/removal"), [.class("sheet")]) {
        Parts.hidden("tag", tag)
        ReasonField.shown(visit, entered)
        Element(.div, [.class("actions")]) {
          Element(.button, [.class("danger")], visit.say("Take it away", "移除"))
          Parts.link(visit.say("Leave it as it is", "取消"), CustomerFile.target(file.id, .tags))
        }
      }
    }
  }

  private func remove(_ file: CustomerFile) async throws -> Response {
    let visit = file.visit
    let form = try visit.request.form()
    let body: JSONValue = ["tag": .text(form["tag"] ?? ""), "reason": .text(form["reason"] ?? "")]
    return try await visit.trying(form) { () throws(PeerFailure) in
      _ = try await visit.api.send(.post, .profile, "/v1/customers/\(file.id)/tags/removals", body)
      return visit.go(to: CustomerFile.path(file.id, .tags), done: .saved)
    } else: { askRemoval(file, $0) }
  }
}

extension Cell {
  /// A day, whole on one line.
  static func day(_ text: String) -> Cell { .shown([.element(Element(.span, [.class("day")], text))], plain: text) }
}
