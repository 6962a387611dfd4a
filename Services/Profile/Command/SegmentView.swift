// Segments as the API shows them: shares of customers and of revenue (P-09).
import Domain
import Text

struct SegmentView {
  let report: SegmentReport
  let day: Day
  let currency: Currency

  var json: JSONValue {
    let rfm = RFMSegment.allCases.map { line($0.name, $0.chinese, report.rfm[$0.rawValue], nil) }
    let contribution = ContributionSegment.allCases.map { line($0.name, $0.chinese, report.contribution[$0.rawValue], $0.reference) }
    return [
      "as_of": .text(day.description), "currency": .text(currency.description), "customers": .integer(report.total.customers),
      "revenue": .text(money(report.total.revenue)),
      "thresholds": [
        "recency_days_at_most": mean(report.borders.recencyDays), "frequency_at_least": mean(report.borders.frequency),
        "monetary_at_least": report.total.customers > 0 ? .text(money(report.borders.monetary / Int128(report.total.customers))) : .null,
      ],
      "rfm": .array(rfm), "contribution": .array(contribution),
    ]
  }

  private func money(_ minorUnits: Int128) -> String { MinorUnits.text(Int64(clamping: minorUnits), digits: currency.minorDigits) }

  /// Two digits, rounded half up.
  private func mean(_ sum: Int128) -> JSONValue {
    report.total.customers > 0 ? .text(hundredths(sum * 100, Int128(report.total.customers))) : .null
  }

  private func hundredths(_ top: Int128, _ bottom: Int128) -> String { MinorUnits.text(Int64(clamping: (2 * top + bottom) / (2 * bottom)), digits: 2) }

  /// Percent of a total with two digits; null of nothing.
  private func percent(_ part: Int128, _ whole: Int128) -> JSONValue { whole > 0 && part >= 0 ? .text(hundredths(part * 10_000, whole)) : .null }

  private func line(_ name: String, _ chinese: String, _ line: SegmentReport.Line, _ reference: (customers: Int, revenue: Int)?) -> JSONValue {
    var members = [
      JSONMember("segment", .text(name)), JSONMember("segment_zh", .text(chinese)), JSONMember("customers", .integer(line.customers)),
      JSONMember("customers_percent", percent(Int128(line.customers), Int128(report.total.customers))), JSONMember("revenue", .text(money(line.revenue))),
      JSONMember("revenue_percent", percent(line.revenue, report.total.revenue)),
    ]
    if let reference {
      members.append(JSONMember("reference_percent", ["customers": .integer(Int64(reference.customers)), "revenue": .integer(Int64(reference.revenue))]))
    }
    return .object(members)
  }
}
