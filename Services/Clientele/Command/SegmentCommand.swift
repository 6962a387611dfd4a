// `clientele report segments`.
import ClienteleCore
import CommandLine
import Domain
import HTTP
import Text

enum SegmentCommand {
  static let command = Command(
    name: "segments", help: HelpText("how all customers divide by recency, frequency and spend on a day", zh: "某日客户 RFM 与贡献分群"),
    discussion: HelpText(
      "Everyone who ever paid for an order. High and low are against the mean of these customers over 12 months.",
      zh: "统计所有付过款的客户；高低以近 12 个月的平均值为界。"),
    options: [
      .value("as-of", placeholder: "DAY", help: HelpText("the day, as 1998-07-01; else today of the suite", zh: "日期；默认为套件当日")),
      .flag("csv", help: HelpText("print CSV", zh: "以 CSV 输出")), Operator.json, Operator.folder,
    ], run: run)

  @Sendable private static func run(_ arguments: ParsedArguments) async throws -> ExitCode {
    let (isCSV, isJSON) = (arguments.flag("csv"), arguments.flag("json"))
    try Operator.refuseBothForms(arguments)
    var asked: Day?
    if arguments.optionalString("as-of") != nil {
      asked = try arguments.value("as-of", HelpText("a day as 1998-07-01", zh: "日期，如 1998-07-01")) { Day($0) }
    }
    let path = ServiceClient.path("/v1/segments", [("as_of", asked?.description)])
    let report = try await Operator.withServices(arguments) { try await $0.call("profile", .get, path) }
    if isJSON {
      arguments.console.print(report.encodedText)
    } else {
      arguments.console.out.write(isCSV ? csv(report) : text(report, Operator.isChinese(arguments)))
    }
    return .ok
  }

  private static let divisions = ["rfm", "contribution"]
  private static let columns = ["segment", "segment_zh", "customers", "customers_percent", "revenue", "revenue_percent"]

  private static func cell(_ row: JSONValue, _ key: String) -> String { row[key]?.stringValue ?? row[key]?.int64Value.map { String($0) } ?? "" }

  private static func csv(_ report: JSONValue) -> String {
    var lines = ["as_of,division," + columns.joined(separator: ",")]
    for division in divisions {
      for row in report[division]?.arrayValue ?? [] {
        lines.append(([cell(report, "as_of"), division] + columns.map { cell(row, $0) }).joined(separator: ","))
      }
    }
    return lines.joined(separator: "\r\n") + "\r\n"
  }

  private static func text(_ report: JSONValue, _ isChinese: Bool) -> String {
    func say(_ english: String, _ chinese: String) -> String { isChinese ? chinese : english }
    let (day, customers, revenue) = (cell(report, "as_of"), cell(report, "customers"), cell(report, "revenue") + " " + cell(report, "currency"))
    let means = ["recency_days_at_most", "frequency_at_least", "monetary_at_least"].map { report["thresholds"]?[$0]?.stringValue ?? "-" }
    var out = say("On \(day): \(customers) customers, revenue of 12 months \(revenue)\n", "截至 \(day)：\(customers) 个客户，近 12 个月 \(revenue)\n")
    out += say("Means: \(means[0]) days, \(means[1]) orders, \(means[2])\n", "平均值：\(means[0]) 天，\(means[1]) 单，\(means[2])\n")
    for division in divisions {
      var table = Table([
        .init(say("Segment", "分群")), .init(say("Customers", "客户"), .right), .init("%", .right), .init(say("Revenue", "金额"), .right), .init("%", .right),
        .init(say("Reference", "参考"), .right),
      ])
      for row in report[division]?.arrayValue ?? [] {
        let reference = row["reference_percent"].map { cell($0, "customers") + "/" + cell($0, "revenue") } ?? "-"
        table.add([
          cell(row, isChinese ? "segment_zh" : "segment"), cell(row, "customers"), cell(row, "customers_percent"), cell(row, "revenue"),
          cell(row, "revenue_percent"), reference,
        ])
      }
      out += "\n" + table.render()
    }
    return out
  }
}
