// The tiers today, and what became of them (T-12).
import Access
import Domain
import HTML
import HTTP
import Text

struct TierReportPage {
  let visit: Visit

  func show() async -> Response {
    let figures = await visit.api.figures(.tiering, "/v1/tiers/summary")
    let section = figures.section
    let table = section.json.map { HomeTiers.table($0, visit) }
    if let table, let file = visit.file(of: [table]) { return file }
    return visit.report(.tiers) {
      section.shown(visit) { json in
        visit.asOf(figures)
        Element(.p, [.class("soft")], facts(json))
        HomeTiers.chart(json, visit)
        if let table { table.element(visit, empty: visit.say("There are no tiers yet.", "暂无等级数据。")) }
      }
      Element(.p) { Parts.link(visit.say(ReportPages.Report.development.title), visit.target(ReportPages.Report.development.path)) }
    }
  }

  private func facts(_ json: JSONValue) -> String {
    let currency = visit.currency(of: json)
    let (customers, revenue) = (visit.number(json["customers"]), visit.money(minor: json["revenue"], currency))
    let waiting = json.count("waiting")
    let rest = waiting == 0 ? "" : visit.say(" \(visit.number(waiting)) wait to be rated.", "待评级 \(visit.number(waiting)) 位。")
    return visit.say(
      "\(customers) customers with a revenue of \(revenue) \(currency) in 12 months, rated by \(visit.text(json["scorecard"])).",
      "共 \(customers) 位客户，12 个月消费额 \(revenue) \(currency)，评分卡 \(visit.text(json["scorecard"]))。") + rest
  }
}

struct DevelopmentReportPage {
  let visit: Visit

  /// Months that can be looked at: a month, a quarter, a year, and as many as there may be.
  private static let spans = [1, 3, 12, 36]
  /// Days as of which it can be told: today, and the ends of the months before.
  private static let endsMax = 11

  private var months: Int {
    let asked = visit.request.query["months"].flatMap { Int($0) } ?? 12
    return DevelopmentReportPage.spans.contains(asked) ? asked : 12
  }

  private var ends: [Day] {
    let month = visit.today.month
    let past = (1..<DevelopmentReportPage.endsMax).compactMap { back -> Day? in
      let next = month.adding(1 - back)
      return Day(year: next.year, month: next.number, day: 1).map { $0 + -1 }
    }
    return [visit.today] + past
  }

  func show() async -> Response {
    let asked = visit.request.query["as_of"].flatMap { Day($0) } ?? visit.today
    let section: Section
    let query: [(name: String, value: String?)] = [("as_of", asked.description), ("months", String(months))]
    do throws(PeerFailure) { section = .success(try await visit.api.long(.tiering, "/v1/reports/tiers", query)) } catch { section = .failure(error) }
    let tables = section.json.map { [tiers($0), traffic($0), moves($0)] } ?? []
    if let file = visit.file(of: tables) { return file }
    return visit.report(.development) {
      Parts.search(visit.target(ReportPages.Report.development.path), visit.say("What to show", "查看条件")) {
        Parts.choice(visit.say("As of the end of", "截至日终"), "as_of", ends.map { ($0.description, $0.description) }, chosen: asked.description)
        Parts.choice(
          visit.say("Moves of", "变动月数"), "months",
          DevelopmentReportPage.spans.map { (String($0), visit.say("\($0) month\($0 == 1 ? "" : "s")", "\($0) 个月")) }, chosen: String(months))
        visit.showButton()
      }
      section.shown(visit) { json in
        visit.asOf(json["as_of"])
        tables[0].element(visit, empty: "")
        reasons(json)
        Element(.h2, visit.say("Who came and who left", "进入与离开"))
        balance(json)
        Element.behind(visit.say("Numbers by month and tier", "按月与等级的明细")) {
          tables[1].element(visit, empty: visit.say("Nobody moved.", "没有变动。"))
          tables[2].element(visit, empty: visit.say("Nobody moved.", "没有变动。"))
        }
      }
    }
  }

  // MARK: - Tables

  private func name(_ id: JSONValue?, _ json: JSONValue) -> String {
    guard let id, !id.isNull else { return visit.say("none", "无") }
    return visit.say(json["tiers"]?.list.first { $0["tier"] == id }?["name"] ?? id)
  }

  private func tiers(_ json: JSONValue) -> DataTable {
    let currency = visit.currency(of: json)
    let rows = (json["tiers"]?.list ?? []).map { tier -> [Cell] in
      [
        .text(visit.say(tier["name"])), visit.cell(tier["customers"]), visit.cell(percent: tier["share_percent"]), visit.cell(minor: tier["revenue"], currency),
        visit.cell(percent: tier["revenue_share_percent"]), visit.cell(percent: tier["retention_percent"]), visit.cell(percent: tier["repurchase_percent"]),
        visit.cell(minor: tier["average_order"], currency), visit.cell(percent: tier["average_order_growth_percent"]),
      ]
    }
    return DataTable(
      "tiers", visit.say("Tiers as customers had them", "客户的实际等级"),
      [
        visit.say("Tier", "等级"), visit.say("Customers", "客户数"), visit.say("Share %", "占比 %"), visit.say("Revenue (\(currency))", "消费额（\(currency)）"),
        visit.say("Of revenue %", "消费占比 %"), visit.say("Retention %", "留存率 %"), visit.say("Repurchase %", "复购率 %"),
        visit.say("Average order (\(currency))", "客单价（\(currency)）"), visit.say("Growth of it %", "客单价增长 %"),
      ], rows)
  }

  private func traffic(_ json: JSONValue) -> DataTable {
    let rows = (json["traffic"]?.list ?? []).filter { $0.count("in") > 0 || $0.count("out") > 0 }.map { row -> [Cell] in
      [.text(visit.text(row["month"])), .text(name(row["tier"], json))] + ["in", "first", "out", "merged"].map { visit.cell(row[$0]) }
    }
    return DataTable(
      "traffic", visit.say("Who came and who left, by month", "按月的进入与离开"),
      [
        visit.say("Month", "月份"), visit.say("Tier", "等级"), visit.say("In", "进入"), visit.say("Of them first", "其中首次"), visit.say("Out", "离开"),
        visit.say("Of them merged", "其中合并"),
      ], rows)
  }

  private func moves(_ json: JSONValue) -> DataTable {
    let rows = (json["moves"]?.list ?? []).map { row -> [Cell] in
      [.text(visit.text(row["month"])), .text(name(row["from"], json)), .text(name(row["to"], json)), visit.cell(row["customers"])]
    }
    return DataTable(
      "moves", visit.say("From which tier to which", "等级间的变动"),
      [visit.say("Month", "月份"), visit.say("From", "原等级"), visit.say("To", "新等级"), visit.say("Customers", "客户数")], rows)
  }

  /// Of each tier who came less who left, by month.
  @NodeBuilder private func balance(_ json: JSONValue) -> [Node] {
    let months = (json["months"]?.list ?? []).map { visit.text($0) }
    let colors = ["a", "b", "c", "d", "e", "f"]
    let lines = (json["tiers"]?.list ?? []).enumerated().map { place, tier in
      let rows = (json["traffic"]?.list ?? []).filter { $0["tier"] == tier["tier"] }
      let values = months.map { month in rows.first { $0["month"]?.stringValue == month }.map { Double($0.count("in") - $0.count("out")) } }
      return Chart.Line(name: visit.say(tier["name"]), values: values, color: colors[place % colors.count])
    }
    Chart.lines(visit.say("Customers who came less those who left, by month and tier", "按月与等级的净进入客户数"), months, lines)
    Chart.legend(lines)
  }

  /// Why something has no value.
  @NodeBuilder private func reasons(_ json: JSONValue) -> [Node] {
    let figures = [
      ("retention_none", visit.say("Retention", "留存率")), ("repurchase_none", visit.say("Repurchase", "复购率")),
      ("average_order_growth_none", visit.say("Growth of the average order", "客单价增长")),
    ]
    let lines = (json["tiers"]?.list ?? []).filter { $0.count("customers") > 0 || $0.count("cohort") > 0 }.flatMap { tier in
      figures.compactMap { key, name -> String? in
        guard let reason = tier[key], !reason.isNull else { return nil }
        return visit.say("\(name), \(visit.say(tier["name"])): \(visit.say(reason))", "\(visit.say(tier["name"]))的\(name)：\(visit.say(reason))")
      }
    }
    if !lines.isEmpty {
      Element.behind(visit.say("Why some figures are missing", "部分数据缺失的原因")) { Element(.ul) { for line in lines { Element(.li, line) } } }
    }
  }
}
