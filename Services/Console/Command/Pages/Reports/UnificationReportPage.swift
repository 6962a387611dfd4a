// What putting identifiers together did to the records of all sources (P-04), and how much is stored.
import Access
import Domain
import HTML
import HTTP
import Text

struct UnificationReportPage {
  let visit: Visit

  private var source: String? { visit.request.query["source"].flatMap { $0.isEmpty ? nil : $0 } }

  func show() async -> Response {
    async let figuresPart = visit.api.figures(.profile, "/v1/unification", query)
    async let sourcesPart = visit.may(.sourcesRead) ? visit.api.section(.ingest, "/v1/sources") : nil
    let (figures, sources) = (await figuresPart, await sourcesPart)
    let all = figures.section
    let names = (sources?.json?.list ?? []).compactMap { $0["name"]?.stringValue }
    let table = all.json.map { self.table($0) }
    if let table, let file = visit.file(of: [table]) { return file }
    return visit.report(.unification) {
      form(names)
      all.shown(visit) { json in
        visit.asOf(figures)
        tiles(json)
        chart(json)
        if let table { table.element(visit, empty: "") }
      }
    }
  }

  private var query: [(name: String, value: String?)] {
    func day(_ name: String) -> String? { visit.request.query[name].flatMap { $0.isEmpty ? nil : $0 } }
    return [("source", source), ("from", day("from")), ("to", day("to"))]
  }

  private func form(_ names: [String]) -> Element {
    Parts.search(visit.target(ReportPages.Report.unification.path), visit.say("What to show", "查看条件")) {
      if names.isEmpty {
        Parts.field(visit.say("Source", "来源"), "source", value: source ?? "")
      } else {
        Parts.choice(
          visit.say("Source", "来源"), "source", [("", visit.say("all", "全部"))] + names.map { ($0, $0) }, chosen: names.contains(source ?? "") ? source : "")
      }
      Parts.field(visit.say("From", "自"), "from", value: visit.request.query["from"] ?? "", type: .date)
      Parts.field(visit.say("To", "至"), "to", value: visit.request.query["to"] ?? "", type: .date)
      visit.showButton()
    }
  }

  private func tiles(_ json: JSONValue) -> Element {
    let share = json["merged_share"]?.plain
    let percent = share.flatMap { Rational(decimal: $0) }.flatMap { try? $0 * .oneHundred }
    return Element(.div, [.class("tiles")]) {
      Parts.tile(visit.say("Records", "记录"), visit.number(json["records"]))
      Parts.tile(visit.say("Identities", "身份"), visit.number(json["identities"]))
      Parts.tile(visit.say("Customers", "客户"), visit.number(json["customers"]))
      Parts.tile(
        visit.say("Put together", "已合并"), visit.number(json["merged"]), visit.say("\(visit.percent(percent, digits: 2)) of the identities",
          "占身份的 \(visit.percent(percent, digits: 2))"))
    }
  }

  private func chart(_ json: JSONValue) -> Element {
    let currency = visit.currency(of: json)
    let bars = [("average_spend_before", visit.say("before", "合并前")), ("average_spend_after", visit.say("after", "合并后"))].enumerated().map { place, one in
      Chart.Bar(label: one.1, value: json[one.0]?.measure ?? 0, text: visit.money(json[one.0], currency), color: place == 0 ? "e" : "a")
    }
    return Chart.bars(visit.say("Average spend before and after identities were put together", "合并前后的平均消费"), bars)
  }

  private func table(_ json: JSONValue) -> DataTable {
    let currency = visit.currency(of: json)
    let rows: [[Cell]] = [
      [.text(visit.say("Records", "记录数")), visit.cell(json["records"])], [.text(visit.say("Identities", "身份数")), visit.cell(json["identities"])],
      [.text(visit.say("Customers", "客户数")), visit.cell(json["customers"])],
      [.text(visit.say("Identities put together", "合并的身份数")), visit.cell(json["merged"])],
      [.text(visit.say("Spend (\(currency))", "消费总额（\(currency)）")), visit.cell(amount: json["spend"], currency)],
      [.text(visit.say("Average spend of an identity (\(currency))", "每个身份的平均消费（\(currency)）")), visit.cell(amount: json["average_spend_before"], currency)],
      [.text(visit.say("Average spend of a customer (\(currency))", "每位客户的平均消费（\(currency)）")), visit.cell(amount: json["average_spend_after"], currency)],
    ]
    return DataTable("unification", visit.say("Before and after", "统一前后"), [visit.say("Figure", "指标"), visit.say("Value", "数值")], rows)
  }
}

struct StatisticsReportPage {
  let visit: Visit

  func show() async -> Response {
    async let figuresPart = visit.api.figures(.profile, "/v1/statistics")
    async let coldPart = visit.api.section(.profile, "/v1/cold-orders/summary")
    let (figures, cold) = (await figuresPart, await coldPart)
    let counts = figures.section
    let table = counts.json.map { self.table($0, cold.json) }
    if let table, let file = visit.file(of: [table]) { return file }
    return visit.report(.statistics) {
      counts.shown(visit) { _ in
        visit.asOf(figures)
        if let table { table.element(visit, empty: "") }
      }
      cold.shown(visit) { json in Element(.p, [.class("soft")], coldLine(json)) }
    }
  }

  private func table(_ json: JSONValue, _ cold: JSONValue?) -> DataTable {
    let names = [
      ("customers", visit.say("Customers", "客户")), ("identities", visit.say("Identities", "身份")), ("orders", visit.say("Orders", "订单")),
      ("merges", visit.say("Merges", "合并")), ("refused_merges", visit.say("Merges that a guard refused", "被规则拦截的合并")),
    ]
    var rows = names.map { key, name -> [Cell] in [.text(name), visit.cell(json[key])] }
    if let cold { rows.append([.text(visit.say("Old orders moved away", "已归档的旧订单")), visit.cell(cold["moved"])]) }
    return DataTable("statistics", visit.say("What the profile service holds", "客户画像服务的数据"), [visit.say("What", "项目"), visit.say("Number", "数量")], rows)
  }

  private func coldLine(_ json: JSONValue) -> String {
    guard let months = json["cold_after_months"], !months.isNull else { return visit.say("Old orders are not moved away.", "未启用旧订单归档。") }
    return visit.say(
      "Orders older than \(visit.number(months)) months are moved away: those before \(visit.text(json["cold_before"])).",
      "超过 \(visit.number(months)) 个月的订单归档：\(visit.text(json["cold_before"])) 之前。")
  }
}
