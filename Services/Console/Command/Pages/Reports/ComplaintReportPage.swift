// What complaints are about (K-10), and how many questions the knowledge base answers (K-12).
import Access
import Domain
import HTML
import HTTP
import Text

struct ComplaintReportPage {
  let visit: Visit

  private static let barsMax = 10

  func show() async -> Response {
    let period = MonthForm.chosen(visit)
    let section = await visit.api.section(.tickets, "/v1/reports/complaints", [("month", period.text)])
    let table = section.json.map { self.table($0) }
    if let table, let file = visit.file(of: [table]) { return file }
    return visit.report(.complaints) {
      MonthForm.element(visit, .complaints, period)
      section.shown(visit) { json in
        visit.asOf(json["until"])
        let (before, from, until) = (visit.number(json["before"]), visit.moment(json["before_from"]), visit.moment(json["before_until"]))
        Element(.div, [.class("tiles")]) {
          Parts.tile(visit.say("Complaints", "投诉"), visit.number(json["complaints"]), visit.say("before: \(before)", "上期 \(before)"))
          Parts.tile(visit.say("Hot spots", "热点"), visit.number(Int64((json["spots"]?.list ?? []).filter { $0["is_hot"] == true }.count)))
        }
        Element(.p, [.class("soft")], visit.say("Before: from \(from) until \(until).", "上期：\(from) 至 \(until)。"))
        let spots = json["spots"]?.list ?? []
        if !spots.isEmpty { chart(spots) }
        if let table { table.element(visit, empty: visit.say("There were no complaints.", "没有投诉。")) }
      }
    }
  }

  private func cause(_ spot: JSONValue) -> String {
    if let name = spot["root_cause_name"], !name.isNull { return visit.say(name) }
    return spot["root_cause"]?.stringValue ?? visit.say("cause not known yet", "原因待查")
  }

  private func chart(_ spots: [JSONValue]) -> Element {
    let bars = spots.prefix(ComplaintReportPage.barsMax).map { spot in
      Chart.Bar(
        label: [cause(spot), spot["category"]?.stringValue].compactMap { $0 }.joined(separator: " · "), value: Double(spot.count("complaints")),
        text: visit.number(spot["complaints"]), color: spot["is_hot"] == true ? "bad" : "a")
    }
    return Chart.bars(visit.say("Complaints by cause and category; hot spots are marked in the table", "按原因与分类的投诉数；热点见表格"), bars)
  }

  private func table(_ json: JSONValue) -> DataTable {
    let rows = (json["spots"]?.list ?? []).map { spot -> [Cell] in
      let hot = visit.say("hot spot", "热点")
      return [
        .text(cause(spot)), .text(visit.text(spot["category"])), visit.cell(spot["complaints"]), visit.cell(spot["before"]), visit.cell(spot["change"]),
        visit.cell(percent: spot["growth_percent"]),
        spot["is_hot"] == true ? .shown([.element(Parts.badge(hot, .bad))], plain: hot) : .text(""),
      ]
    }
    return DataTable(
      "complaints", visit.say("Complaints by cause and category", "按原因与分类的投诉"),
      [
        visit.say("Root cause", "根本原因"), visit.say("Category", "分类"), visit.say("Complaints", "投诉数"), visit.say("Before", "上期"), visit.say("Change", "变化"),
        visit.say("Change %", "变化 %"), visit.say("Hot spot", "热点"),
      ], rows)
  }
}

struct KnowledgeReportPage {
  let visit: Visit

  private static let groupings = ["category", "language", "channel"]

  func show() async -> Response {
    let period = MonthForm.chosen(visit)
    let asked = visit.request.query["by"] ?? "category"
    let grouping = KnowledgeReportPage.groupings.contains(asked) ? asked : "category"
    let section = await visit.api.section(.tickets, "/v1/reports/knowledge", [("month", period.text), ("by", grouping)])
    let table = section.json.map { self.table($0, grouping) }
    if let table, let file = visit.file(of: [table]) { return file }
    return visit.report(.knowledge) {
      MonthForm.element(visit, .knowledge, period) {
        Parts.choice(visit.say("By", "分组"), "by", KnowledgeReportPage.groupings.map { ($0, name($0)) }, chosen: grouping)
      }
      section.shown(visit) { json in
        visit.asOf(json["as_of"])
        let total = json["total"]
        let goal = visit.figure(json["deflection_goal_percent"], digits: 0)
        Element(.div, [.class("tiles")]) {
          Parts.tile(visit.say("Questions", "提问"), visit.number(total?["asked"]))
          Parts.tile(
            visit.say("Answered without an agent", "自助解决率"), visit.percent(total?["deflection_percent"]), visit.say("goal \(goal) %", "目标 \(goal)%"))
          Parts.tile(
            visit.say("At least", "至少"), visit.percent(total?["deflection_at_least_percent"]),
            visit.say("if nobody who said nothing was helped", "未反馈者均视为未解决"))
        }
        chart(json)
        if let table { table.element(visit, empty: visit.say("Nobody asked anything.", "没有提问。")) }
      }
    }
  }

  private func name(_ word: String) -> String {
    switch word {
    case "language": visit.say("Language", "语言")
    case "channel": visit.say("Channel", "渠道")
    default: visit.say("Category", "分类")
    }
  }

  private func label(_ group: JSONValue) -> String { group["group"]?.stringValue ?? visit.say("not known", "未知") }

  @NodeBuilder private func chart(_ json: JSONValue) -> [Node] {
    let bars = (json["groups"]?.list ?? []).filter { $0["deflection_percent"]?.isNull == false }.prefix(12).map { group in
      Chart.Bar(label: label(group), value: group["deflection_percent"]?.measure ?? 0, text: visit.percent(group["deflection_percent"]))
    }
    if !bars.isEmpty { Chart.bars(visit.say("Questions answered without an agent, in percent", "自助解决率（%）"), Array(bars)) }
  }

  private func table(_ json: JSONValue, _ grouping: String) -> DataTable {
    let names = ["asked", "helped", "not_helped", "nothing_found", "open", "tickets"]
    let all = (json["groups"]?.list ?? []).map { (label($0), $0) }
    let lines = all.isEmpty ? [] : all + [(visit.say("All", "合计"), json["total"] ?? .null)]
    let rows = lines.map { name, figures -> [Cell] in
      [.text(name)] + names.map { visit.cell(figures[$0]) }
        + [visit.cell(percent: figures["deflection_percent"]), visit.cell(percent: figures["deflection_at_least_percent"])]
    }
    return DataTable(
      "knowledge", visit.say("Questions and what became of them", "提问及结果"),
      [
        name(grouping), visit.say("Asked", "提问数"), visit.say("Helped", "已解决"), visit.say("Not helped", "未解决"), visit.say("Nothing found", "无结果"),
        visit.say("Not told", "未反馈"), visit.say("Became tickets", "转工单"), visit.say("Without an agent %", "自助解决率 %"), visit.say("At least %", "至少 %"),
      ], rows)
  }
}

/// The choice of a single month.
enum MonthForm {
  static func chosen(_ visit: Visit) -> ReportPeriod {
    let period = ReportPeriod(visit)
    return period.count == 1 ? period : ReportPeriod(first: min(period.last, visit.today.month), count: 1)
  }

  static func element(_ visit: Visit, _ report: ReportPages.Report, _ period: ReportPeriod, @NodeBuilder _ more: () -> [Node] = { [] }) -> Element {
    let inside = more()
    return Parts.search(visit.target(report.path), visit.say("What to show", "查看条件")) {
      ReportPeriod.choice(visit, period, onlyMonths: true)
      inside
      visit.showButton()
    }
  }
}
