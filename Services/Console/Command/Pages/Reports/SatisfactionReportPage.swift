// NPS, CSAT and CES over time and by group, beside the period before and beside a baseline (F-04, F-07).
import Access
import Domain
import HTML
import HTTP
import Text

struct SatisfactionReportPage {
  let visit: Visit

  private static let metrics = ["nps", "csat", "ces"]
  private static let groupings = ["tier", "segment", "contribution", "survey", "channel", "item"]
  private static let trendMonths = 12

  private func asked(_ name: String, _ words: [String]) -> String {
    let given = visit.request.query[name] ?? ""
    return words.contains(given) ? given : words.first ?? ""
  }

  private var metric: String { asked("metric", SatisfactionReportPage.metrics) }
  private var grouping: String { asked("by", SatisfactionReportPage.groupings) }

  func show() async -> Response {
    let period = ReportPeriod(visit)
    let to = min(period.to, visit.today)
    let trendFrom = ReportPeriod(first: to.month.adding(1 - SatisfactionReportPage.trendMonths), count: 1).from
    let path = "/v1/reports/answers"
    async let trendPart = visit.api.section(
      .feedback, path, [("metric", metric), ("by", "month"), ("from", trendFrom.description), ("to", to.description)])
    async let groupsPart = visit.api.section(
      .feedback, path, [("metric", metric), ("by", grouping), ("from", period.from.description), ("to", to.description), ("compare", "true")])
    async let baselinesPart = visit.api.section(.feedback, "/v1/baselines", [("limit", "200")])
    async let comparisonPart = comparison(period, to)
    let (trend, groups, baselines, comparison) = (await trendPart, await groupsPart, await baselinesPart, await comparisonPart)
    let tables = [
      trend.json.map { trendTable($0) }, groups.json.map { groupTable($0, period) }, comparison?.json.map { comparisonTable($0) },
    ]
    if let file = visit.file(of: tables.compactMap { $0 }) { return file }
    return visit.report(.satisfaction) {
      form(period, baselines.json)
      groups.shown(visit) { json in
        visit.asOf(json["as_of"])
        tile(json)
        if let table = tables[1] { table.element(visit, empty: visit.say("Nobody answered.", "没有回答。")) }
        let least = visit.number(json["answers_min"])
        Element(.p, [.class("soft")], visit.say(
          "A figure on fewer than \(least) answers is not told, only its 95 % interval.", "回答少于 \(least) 份时不显示数值，仅显示 95% 置信区间。"))
      }
      Element(.h2, visit.say("Month by month", "逐月趋势"))
      trend.shown(visit) { json in
        chart(json)
        if let table = tables[0] { table.element(visit, empty: "") }
      }
      if let comparison {
        Element(.h2, visit.say("Beside the baseline", "与基线比较"))
        comparison.shown(visit) { json in
          Element(.p, comparisonLine(json))
          if let table = tables[2] { table.element(visit, empty: visit.say("Nobody answered before or after.", "前后均无回答。")) }
        }
      }
    }
  }

  private func comparison(_ period: ReportPeriod, _ to: Day) async -> Section? {
    guard let name = visit.request.query["baseline"], !name.isEmpty else { return nil }
    let query: [(name: String, value: String?)] = [("metric", metric), ("from", period.from.description), ("to", to.description)]
    return await visit.api.section(.feedback, "/v1/baselines/\(PercentEncoding.encoded(name))/comparison", query)
  }

  // MARK: - What is chosen

  private func form(_ period: ReportPeriod, _ baselines: JSONValue?) -> Element {
    let known = (baselines?["baselines"]?.list ?? []).compactMap { $0["name"]?.stringValue }
    let chosen = visit.request.query["baseline"] ?? ""
    return Parts.search(visit.target(ReportPages.Report.satisfaction.path), visit.say("What to show", "查看条件")) {
      Parts.choice(visit.say("Figure", "指标"), "metric", SatisfactionReportPage.metrics.map { ($0, name(metric: $0)) }, chosen: metric)
      ReportPeriod.choice(visit, period)
      Parts.choice(visit.say("By", "分组"), "by", SatisfactionReportPage.groupings.map { ($0, name(grouping: $0)) }, chosen: grouping)
      if !known.isEmpty {
        Parts.choice(
          visit.say("Baseline", "基线"), "baseline", [("", visit.say("none", "无"))] + known.map { ($0, $0) }, chosen: known.contains(chosen) ? chosen : "")
      }
      visit.showButton()
    }
  }

  private func name(metric: String) -> String {
    switch metric {
    case "csat": visit.say("CSAT (% satisfied)", "CSAT（满意者占比 %）")
    case "ces": visit.say("CES (mean score)", "CES（平均分）")
    default: "NPS"
    }
  }

  private func name(grouping: String) -> String {
    switch grouping {
    case "segment": visit.say("Segment", "RFM 分群")
    case "contribution": visit.say("Contribution", "贡献分群")
    case "survey": visit.say("Survey", "问卷")
    case "channel": visit.say("Channel", "渠道")
    case "item": visit.say("Article", "商品")
    default: visit.say("Tier", "等级")
    }
  }

  private var favourable: String {
    metric == "nps" ? visit.say("Promoters", "推荐者") : metric == "csat" ? visit.say("Satisfied", "满意") : visit.say("Easy", "容易")
  }

  private var unfavourable: String {
    metric == "nps" ? visit.say("Detractors", "贬损者") : metric == "csat" ? visit.say("Dissatisfied", "不满意") : visit.say("Hard", "费力")
  }

  private func label(_ group: JSONValue) -> String {
    if let name = group["name"], !name.isNull { return visit.say(name) }
    guard let id = group["group"]?.stringValue else { return visit.say("not known", "未知") }
    return ["segment", "contribution"].contains(grouping) ? visit.say(SegmentNames.english(id), SegmentNames.chinese(id)) : id
  }

  // MARK: - What is shown

  private func digits(_ metric: String) -> Int { metric == "ces" ? 2 : 1 }

  private func tile(_ json: JSONValue) -> Element {
    let (total, digits) = (json["total"], digits(metric))
    let (low, before) = (visit.interval(total, digits: digits), visit.figure(total?["change"]?["value"], digits: digits))
    return Element(.div, [.class("tiles")]) {
      Parts.tile(
        name(metric: metric), visit.figure(total?["value"], digits: digits),
        visit.say("95 % interval \(low), n = \(visit.number(total?["answers"]))", "95% 置信区间 \(low)，n = \(visit.number(total?["answers"]))"))
      Parts.tile(
        visit.say("Change", "变化"), before,
        visit.say("95 % interval \(visit.interval(total?["change"], digits: digits)), against as many days before",
          "95% 置信区间 \(visit.interval(total?["change"], digits: digits))，与之前相同天数相比"))
    }
  }

  /// A value, and between what it lies.
  private func cells(_ figures: JSONValue?) -> [Cell] {
    [visit.cell(figures?["value"], digits: digits(metric))] + ["low", "high"].map { visit.cell(figures?[$0], digits: digits(metric)) }
  }

  private var valueColumns: [String] { [name(metric: metric), visit.say("at least", "下限"), visit.say("at most", "上限")] }

  private func trendTable(_ json: JSONValue) -> DataTable {
    let rows = (json["groups"]?.list ?? []).map { group -> [Cell] in
      [.text(visit.text(group["group"])), visit.cell(group["answers"]), visit.cell(group["favourable"]), visit.cell(group["unfavourable"])] + cells(group)
    }
    return DataTable(
      "satisfaction-months", visit.say("By month, with 95 % intervals", "按月（95% 置信区间）"),
      [visit.say("Month", "月份"), visit.say("Answers", "回答数"), favourable, unfavourable] + valueColumns, rows)
  }

  private func groupTable(_ json: JSONValue, _ period: ReportPeriod) -> DataTable {
    let all = (json["groups"]?.list ?? []).map { (label($0), $0) } + [(visit.say("All", "合计"), json["total"] ?? .null)]
    let rows = all.map { name, group -> [Cell] in
      [.text(name), visit.cell(group["answers"]), visit.cell(group["favourable"]), visit.cell(group["unfavourable"])] + cells(group)
        + [visit.cell(group["answers_before"])] + cells(group["change"])
    }
    return DataTable(
      "satisfaction", visit.say("\(period.name(visit)), and the change against as many days before", "\(period.name(visit))及与之前相同天数的变化"),
      [name(grouping: grouping), visit.say("Answers", "回答数"), favourable, unfavourable] + valueColumns
        + [visit.say("Answers before", "上期回答数"), visit.say("Change", "变化"), visit.say("at least", "下限"), visit.say("at most", "上限")], rows)
  }

  private func comparisonTable(_ json: JSONValue) -> DataTable {
    let rows = (json["groups"]?.list ?? []).map { line -> [Cell] in
      let by = line["by"]?.stringValue
      let of = by.map { name(grouping: $0) + visit.say(": ", "：") + (line["name"]?.isNull == false ? visit.say(line["name"]) : visit.text(line["group"])) }
      return [
        .text(of ?? visit.say("All", "全部")), visit.cell(line["before"]?["answers"]), visit.cell(line["before"]?["value"], digits: digits(metric)),
        visit.cell(line["after"]?["answers"]),
      ] + [visit.cell(line["after"]?["value"], digits: digits(metric))] + cells(line["change"])
    }
    return DataTable(
      "satisfaction-baseline", visit.say("Before and after, with the 95 % interval of the change", "前后对比（变化的 95% 置信区间）"),
      [
        visit.say("Of", "范围"), visit.say("Answers before", "基线回答数"), visit.say("Before", "基线"), visit.say("Answers after", "回答数"), visit.say("After", "本期"),
        visit.say("Change", "变化"), visit.say("at least", "下限"), visit.say("at most", "上限"),
      ], rows)
  }

  private func comparisonLine(_ json: JSONValue) -> String {
    let before = json["baseline"]
    let (name, from, to, reason) = (visit.text(before?["name"]), visit.text(before?["from"]), visit.text(before?["to"]), visit.text(before?["reason"]))
    return visit.say(
      "\(name) (\(from) to \(to), taken before: \(reason)), beside \(visit.text(json["from"])) to \(visit.text(json["to"])).",
      "基线 \(name)（\(from) 至 \(to)，\(reason)），与 \(visit.text(json["from"])) 至 \(visit.text(json["to"])) 比较。")
  }

  @NodeBuilder private func chart(_ json: JSONValue) -> [Node] {
    let groups = json["groups"]?.list ?? []
    let lines = [
      Chart.Line(name: name(metric: metric), values: groups.map { $0["value"]?.measure }),
      Chart.Line(name: visit.say("at least (95 %)", "下限（95%）"), values: groups.map { $0["low"]?.measure }, color: "e"),
      Chart.Line(name: visit.say("at most (95 %)", "上限（95%）"), values: groups.map { $0["high"]?.measure }, color: "c"),
    ]
    Chart.lines(
      visit.say("\(name(metric: metric)) by month with its 95 % interval", "\(name(metric: metric)) 逐月趋势与 95% 置信区间"),
      groups.map { visit.text($0["group"]) }, lines)
    Chart.legend(lines)
  }
}
