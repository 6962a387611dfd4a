// Why a ticket's deadlines are when they are, piece by piece, and why this person has it (K-02 to K-07).
import Domain
import HTML
import HTTP
import Text

struct TicketWhy {
  let look: TicketLook
  let visit: Visit
  /// Whether this page's address gives its tables as files; that of a form that was refused does not.
  let hasFiles: Bool

  /// Pieces of one clock that are shown; the file has all of them.
  private static let piecesShown = 12

  private var explained: [JSONValue] { look.explanation.json?["clocks"]?.arrayValue ?? [] }

  /// Every piece of the time of every clock.
  var tables: [DataTable] {
    explained.enumerated().map { place, clock in
      let view = ClockView(clock)
      let rows = (clock["segments"]?.arrayValue ?? []).map { piece -> [Cell] in
        let length = (ClockView.moment(piece["to"]) ?? 0) - (ClockView.moment(piece["from"]) ?? 0)
        let holiday = piece["name"].map { visit.say("(\(visit.say($0)))", "（\(visit.say($0))）") } ?? ""
        return [
          .text(visit.moment(piece["from"])), .text(visit.moment(piece["to"])), .text(visit.span(seconds: floorDivide(length, 1_000_000))),
          .text([counted(piece["counts_as"]?.stringValue), holiday].filter { !$0.isEmpty }.joined(separator: " ")),
        ]
      }
      return DataTable(
        "pieces-\(place + 1)", visit.say("Pieces of time: \(view.name(visit))", "逐段计时：\(view.name(visit))"),
        [visit.say("From", "从"), visit.say("To", "到"), visit.say("Long", "时长"), visit.say("Counts as", "计为")], rows)
    }
  }

  private func counted(_ word: String?) -> String {
    switch word {
    case "counted": visit.say("counted", "计时")
    case "outside_hours": visit.say("outside hours", "非工作时间")
    case "holiday": visit.say("holiday", "节假日")
    case "paused": visit.say("stands still", "暂停")
    default: word ?? "–"
    }
  }

  // MARK: - What was promised

  @NodeBuilder var clocks: [Node] {
    Element(.section, [.class("card"), .label(.labelled, "promised")]) {
      Element(.h2, [.id("promised")], visit.say("What was promised", "服务承诺"))
      let clocks = ClockView.all(of: look.ticket)
      if clocks.isEmpty { Element(.p, [.class("soft")], visit.say("No promise runs for this ticket.", "该工单没有计时承诺。")) }
      Element(.ul, [.class("clocks")]) {
        for clock in clocks {
          Element(.li) {
            Element(.strong, clock.name(visit))
            " "
            clock.nodes(visit)
          }
        }
      }
      acceptance
    }
  }

  @NodeBuilder private var acceptance: [Node] {
    if let acceptance = look.ticket["acceptance"], !acceptance.isNull {
      let due = visit.text(acceptance["due_on"])
      if acceptance["state"] == "accepted" {
        let value = visit.say(acceptance["value_name"])
        Element(.p, visit.say("Accepted by the customer: \(value).", "客户已验收：\(value)。"))
      } else {
        Element(.p, visit.say("The customer is to accept it until \(due).", "待客户于 \(due) 前验收。"))
      }
    }
  }

  // MARK: - Why this person

  @NodeBuilder var person: [Node] {
    Element(.section, [.class("card"), .label(.labelled, "person")]) {
      Element(.h2, [.id("person")], visit.say("Who has it", "负责人"))
      let owner = look.ticket["owner"]?.stringValue
      let team = look.ticket["team"]?.stringValue
      Element(.p) {
        if let owner { Element(.strong, owner) } else { visit.say("Nobody yet", "尚未分派") }
        if let team { visit.say(", team \(teamName(team))", "，\(teamName(team))") }
      }
      Element(.p, [.class("soft")], because(owner))
      if let attendant = look.attendant?.json, let name = attendant["person"]?.stringValue {
        let since = visit.moment(attendant["since"])
        Element(.p, [.class("soft")], visit.say("\(name) looks after this customer since \(since).", "\(name) 自 \(since) 起负责该客户。"))
      }
    }
  }

  private func teamName(_ id: String) -> String {
    look.staff?.json?["teams"]?.arrayValue?.first { $0["id"]?.stringValue == id }.map { visit.say($0["name"]) } ?? id
  }

  private func because(_ owner: String?) -> String {
    guard let last = look.events.last(where: { $0["kind"] == "assigned" }) else {
      if owner == nil { return visit.say("It waits in the team's queue: nobody of those who may take it is there.", "工单在团队队列中等待：暂无符合条件的人员。") }
      let tier = look.ticket["tier"]?.stringValue
      if tier == "vip" || tier == "key" {
        return visit.say(
          "Customers of this tier have one person who looks after them; others go to whoever has the fewest open tickets.", "该等级客户由专属人员负责；其他客户分派给未解决工单最少的人员。")
      }
      return visit.say("Whoever has the fewest open tickets of those with the skill got it when it was opened.", "开启时分派给具备技能且未解决工单最少的人员。")
    }
    let actor = DeskWords.actor(last["actor"]?.stringValue, visit)
    let reason = last["reason"]?.stringValue.map { DeskWords.placement($0, visit) }
    let at = visit.moment(last["at"])
    guard let reason else { return visit.say("Given on \(at) by \(actor).", "\(at) 由 \(actor) 分派。") }
    return visit.say("Given on \(at) by \(actor): \(reason).", "\(at) 由 \(actor) 分派：\(reason)。")
  }

  // MARK: - Why these deadlines

  @NodeBuilder var nodes: [Node] {
    Element(.section, [.label(.labelled, "why")]) {
      Element(.h2, [.id("why")], visit.say("Why these deadlines", "时限说明"))
      Element(.p, priority)
      look.explanation.shown(visit) { json in
        let pauses = json["pauses"]?.arrayValue ?? []
        if !pauses.isEmpty {
          Element(.p, visit.say("Waits, in which every clock stands still:", "等待期间，各时钟均暂停："))
          Element(.ul) { for pause in pauses { Element(.li, words(pause)) } }
        }
        for (clock, table) in zip(explained, tables) { explanation(clock, table) }
        ladder
      }
    }
  }

  private var priority: String {
    let ticket = look.ticket
    let level = ticket["priority"]?.stringValue ?? "–"
    let tier = ticket["tier"]?.stringValue.map { DeskWords.tier($0, visit) } ?? visit.say("not known yet", "未知")
    let urgency = ticket["urgency"]?.stringValue
    let bad = urgency.map { DeskWords.urgency($0, visit) } ?? visit.say("not judged, so it counts as just a question", "未判定，按一般咨询处理")
    return visit.say(
      "Priority \(level), because of how bad it is (\(bad)) and of the customer's tier (\(tier)). Nobody's question goes before anybody's standstill.",
      "优先级 \(level)：由紧急程度（\(bad)）和客户等级（\(tier)）共同决定。任何客户的咨询都不会优先于系统瘫痪。")
  }

  private func words(_ pause: JSONValue) -> String {
    let (from, to) = (visit.moment(pause["from"]), pause["to"]?.stringValue == nil ? visit.say("now", "现在") : visit.moment(pause["to"]))
    let whom = pause["waits_for"] == "customer" ? visit.say("for the customer", "等待客户") : visit.say("for a third party", "等待第三方")
    return visit.say("\(from) to \(to), \(whom)", "\(from) 至 \(to)，\(whom)")
  }

  @NodeBuilder private func explanation(_ clock: JSONValue, _ table: DataTable) -> [Node] {
    let view = ClockView(clock)
    Element(.details) {
      Element(.summary) {
        Element(.strong, view.name(visit))
        ": \(sentence(clock, view))"
      }
      Element(.p, rule(clock))
      if clock["segments"]?.arrayValue == nil {
        Element(.p, visit.say("There are too many pieces of time to list them.", "计时分段过多，不逐条列出。"))
      } else {
        let brief = DataTable(table.id, table.caption, table.columns, Array(table.rows.prefix(TicketWhy.piecesShown)))
        brief.element(visit, empty: visit.say("No time has passed yet.", "尚未开始计时。"), hasFile: hasFiles)
        if hasFiles, table.rows.count > brief.rows.count {
          Element(.p, [.class("note")], visit.say("The file has all \(table.rows.count) pieces.", "文件中包含全部 \(table.rows.count) 段。"))
        }
      }
    }
  }

  private func sentence(_ clock: JSONValue, _ view: ClockView) -> String {
    let within = visit.span(seconds: clock["within_seconds"]?.counted ?? 0)
    let hours = DeskWords.calendar(clock["calendar"]?.stringValue, visit)
    let start = visit.moment(clock["started_at"])
    return visit.say("within \(within), counted \(hours), from \(start): \(view.plain(visit))", "\(within)内，\(hours)计时，自 \(start) 起：\(view.plain(visit))")
  }

  private func rule(_ clock: JSONValue) -> String {
    let (number, version) = ((clock["rule"]?.counted ?? 0) + 1, clock["standards_version"]?.numberText ?? "–")
    let ticket = look.ticket
    let tier = ticket["tier"]?.stringValue.map { DeskWords.tier($0, visit) } ?? visit.say("tier not known", "等级未知")
    let kind = ticket["kind"]?.stringValue.map { DeskWords.kind($0, visit) } ?? visit.say("not sorted yet", "未分类")
    var text = visit.say(
      "Rule \(number) of the service standards (version \(version)) is the first that fits: \(tier), \(kind), \(ticket["priority"]?.stringValue ?? "–").",
      "适用服务标准（版本 \(version)）第 \(number) 条，即首条符合的规则：\(tier)、\(kind)、\(ticket["priority"]?.stringValue ?? "–")。")
    if clock["on_day_off"] == true { text += visit.say(" It began on a day off, for which another time holds.", "起始日为休息日，适用另一时限。") }
    if let from = clock["counted_from"], from != clock["started_at"] {
      text += visit.say(
        " It was promised anew when tier, kind or urgency changed, and counts from \(visit.moment(from)).", "等级、类别或紧急程度变化后重新承诺，自 \(visit.moment(from)) 起计。")
    }
    return text
  }

  @NodeBuilder private var ladder: [Node] {
    let steps = look.desk.json?["ladder"]?.arrayValue ?? []
    if !steps.isEmpty {
      let words = steps.map { "\($0["percent"]?.numberText ?? "–") % \(visit.say($0["role_name"]))" }.joined(separator: visit.say(", ", "，"))
      Element(.p, [.class("note")], visit.say("Who is told when so much of the time is over: \(words).", "时限用去以下比例时通知：\(words)。"))
    }
  }
}
