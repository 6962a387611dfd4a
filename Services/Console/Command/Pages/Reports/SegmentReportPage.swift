// The customers by recency, frequency and spend, and by contribution (P-09).
import Access
import Domain
import HTML
import HTTP
import Text

struct SegmentReportPage {
  let visit: Visit

  func show() async -> Response {
    let figures = await visit.api.figures(.profile, "/v1/segments")
    let section = figures.section
    let tables = section.json.map { [rfm($0), contribution($0)] } ?? []
    if let file = visit.file(of: tables) { return file }
    return visit.report(.segments) {
      section.shown(visit) { json in
        visit.asOf(figures)
        Element(.p, summary(json))
        Element(.h2, visit.say("By recency, frequency and spend", "RFM 分群"))
        Element(.p, [.class("soft")], thresholds(json))
        chart(visit.say("Share of customers and of revenue by RFM segment", "RFM 分群的客户占比与消费占比"), json["rfm"]?.list ?? [])
        tables[0].element(visit, empty: "")
        Element(.h2, visit.say("By contribution", "贡献分群"))
        chart(visit.say("Share of customers and of revenue by contribution", "贡献分群的客户占比与消费占比"), json["contribution"]?.list ?? [])
        tables[1].element(visit, empty: "")
      }
    }
  }

  private func summary(_ json: JSONValue) -> String {
    let currency = visit.currency(of: json)
    let (customers, revenue) = (visit.number(json["customers"]), visit.money(json["revenue"], currency))
    return visit.say("\(customers) customers, revenue \(revenue) \(currency) in 12 months.", "共 \(customers) 位客户，12 个月消费额 \(revenue) \(currency)。")
  }

  private func thresholds(_ json: JSONValue) -> String {
    let (given, currency) = (json["thresholds"], visit.currency(of: json))
    let days = visit.figure(given?["recency_days_at_most"], digits: 0)
    let (orders, spend) = (visit.figure(given?["frequency_at_least"], digits: 2), visit.money(given?["monetary_at_least"], currency))
    return visit.say(
      "Recent: ordered within \(days) days. Frequent: at least \(orders) orders. High: at least \(spend) \(currency).",
      "近期：\(days) 天内下单；高频：至少 \(orders) 单；高额：至少 \(spend) \(currency)。")
  }

  // MARK: - Tables

  private func name(_ row: JSONValue) -> String { visit.say(SegmentNames.english(row["segment"]?.stringValue ?? ""), visit.text(row["segment_zh"])) }

  private func cells(_ row: JSONValue, _ currency: Currency) -> [Cell] {
    [
      .text(name(row)), visit.cell(row["customers"]), visit.cell(percent: row["customers_percent"]), visit.cell(amount: row["revenue"], currency),
      visit.cell(percent: row["revenue_percent"]),
    ]
  }

  private func columns(_ currency: Currency) -> [String] {
    [
      visit.say("Segment", "分群"), visit.say("Customers", "客户数"), visit.say("Share of customers %", "客户占比 %"),
      visit.say("Revenue (\(currency))", "消费额（\(currency)）"), visit.say("Share of revenue %", "消费占比 %"),
    ]
  }

  private func rfm(_ json: JSONValue) -> DataTable {
    let currency = visit.currency(of: json)
    return DataTable(
      "rfm-segments", visit.say("The eight RFM segments", "RFM 八分群"), columns(currency), (json["rfm"]?.list ?? []).map { cells($0, currency) })
  }

  /// Beside each share stands what is usual.
  private func contribution(_ json: JSONValue) -> DataTable {
    let currency = visit.currency(of: json)
    let rows = (json["contribution"]?.list ?? []).map { row in
      cells(row, currency) + ["customers", "revenue"].map { visit.cell(percent: row["reference_percent"]?[$0]) }
    }
    return DataTable(
      "contribution-segments", visit.say("The four segments by contribution", "四类贡献分群"),
      columns(currency) + [visit.say("Usual share of customers %", "参考客户占比 %"), visit.say("Usual share of revenue %", "参考消费占比 %")], rows)
  }

  private func chart(_ title: String, _ rows: [JSONValue]) -> [Node] {
    ShareChart.nodes(title, rows, visit) { (name($0), $0["customers_percent"], $0["revenue_percent"]) }
  }
}

/// Segments as people say them.
enum SegmentNames {
  private static let names = [
    "important_value": "Important, value", "important_keep": "Important, keep", "important_develop": "Important, develop",
    "important_retain": "Important, retain", "general_value": "General, value", "general_keep": "General, keep", "general_develop": "General, develop",
    "general_retain": "General, retain", "frequent_high_spend": "Frequent, high spend", "steady_middle": "Steady middle",
    "occasional_low": "Occasional, low", "fading": "Fading",
  ]

  private static let chinese = [
    "important_value": "重要价值", "important_keep": "重要保持", "important_develop": "重要发展", "important_retain": "重要挽留", "general_value": "一般价值",
    "general_keep": "一般保持", "general_develop": "一般发展", "general_retain": "一般挽留", "frequent_high_spend": "高频高额", "steady_middle": "稳定中坚",
    "occasional_low": "偶发低额", "fading": "渐行渐远",
  ]

  static func english(_ id: String) -> String { names[id] ?? id }
  static func chinese(_ id: String) -> String { chinese[id] ?? id }
}
