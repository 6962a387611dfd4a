// How the tickets of a month were served (K-13), as the tickets service answers it, in tables for people and CSV for spreadsheets.
import CommandLine
public import Domain
import HTTP
public import Text

public struct ServiceExecutionReport: Sendable {
  /// The service's own answer.
  public let answer: JSONValue

  public static func read(month: Month?, by grouping: String, _ services: ServiceClient) async throws -> ServiceExecutionReport {
    let path = ServiceClient.path("/v1/reports/service", [("month", month?.description), ("by", grouping)])
    return ServiceExecutionReport(answer: try await services.call("tickets", .get, path))
  }

  /// The report as a page, as the service makes it.
  public static func page(month: Month?, by grouping: String, in language: String, _ services: ServiceClient) async throws -> [UInt8] {
    let path = ServiceClient.path("/v1/reports/service", [("month", month?.description), ("by", grouping), ("format", "html"), ("lang", language)])
    return try await services.bytes("tickets", .get, path)
  }

  private var groups: [JSONValue] { answer["groups"]?.arrayValue ?? [] }
  private var total: JSONValue { answer["total"] ?? .null }

  private func number(_ value: JSONValue?, _ none: String) -> String { value?.numberText ?? none }

  // MARK: - For people

  private func label(_ group: JSONValue, _ isChinese: Bool) -> String {
    group["name"]?[isChinese ? "zh" : "en"]?.stringValue ?? group["group"]?.stringValue ?? (isChinese ? "未知" : "not known")
  }

  /// Hours, minutes and seconds.
  private func time(_ value: JSONValue?) -> String {
    guard let seconds = value?.int64Value else { return "-" }
    func two(_ number: Int64) -> String { number < 10 ? "0\(number)" : String(number) }
    return "\(seconds / 3_600):\(two(seconds / 60 % 60)):\(two(seconds % 60))"
  }

  private func grouping(_ isChinese: Bool) -> String {
    switch answer["by"]?.stringValue {
    case "kind": isChinese ? "类别" : "Kind"
    case "channel": isChinese ? "渠道" : "Channel"
    case "team": isChinese ? "团队" : "Team"
    case "owner": isChinese ? "负责人" : "Owner"
    default: isChinese ? "等级" : "Tier"
    }
  }

  /// How well, then how long and what was given.
  public func text(_ zone: BusinessZone, isChinese: Bool) -> String {
    func say(_ english: String, _ chinese: String) -> String { isChinese ? chinese : english }
    let (month, at) = (answer["month"]?.stringValue ?? "", TicketWords.moment(answer["as_of"], zone))
    var text = say("Tickets opened in \(month), as they stand at \(at)\n\n", "\(month) 开启的工单，截至 \(at)\n\n")
    text += shares(isChinese).render() + "\n" + times(isChinese).render() + "\n"
    let goal = number(answer["resolution_goal_percent"], "-")
    text += say("goal of the resolution rate: \(goal) %\n", "解决率目标：\(goal)%\n")
    let least = ScoreCounts.answersMin
    text += say("satisfaction is not told on fewer than \(least) answers\n", "回答少于 \(least) 份时不显示满意度\n")
    if let merged = total["merged"]?.int64Value, merged > 0 {
      text += say("not counted, as they became part of others: \(merged)\n", "已并入其他工单、未计入：\(merged)\n")
    }
    return text
  }

  private func lines(_ isChinese: Bool) -> [(label: String, figures: JSONValue)] {
    groups.map { (label($0, isChinese), $0) } + [(isChinese ? "合计" : "all", total)]
  }

  private func shares(_ isChinese: Bool) -> Table {
    func say(_ english: String, _ chinese: String) -> String { isChinese ? chinese : english }
    var table = Table([
      .init(grouping(isChinese)), .init(say("Tickets", "工单数"), .right), .init(say("Response on time %", "响应及时率 %"), .right),
      .init(say("running", "计时中"), .right), .init(say("Resolution on time %", "解决及时率 %"), .right), .init(say("running", "计时中"), .right),
      .init(say("Resolved %", "解决率 %"), .right), .init(say("At first contact %", "首次解决率 %"), .right),
      .init(say("Satisfied %", "满意度 %"), .right), .init(say("answers", "回答数"), .right),
      .init(say("Reopened", "重新打开"), .right), .init(say("Open at end", "期末未解决"), .right),
    ])
    let keys = [
      "tickets", "first_response_on_time_percent", "first_response_running", "resolution_on_time_percent", "resolution_running",
      "resolution_rate_percent", "first_contact_percent", "satisfied_percent", "satisfaction_answers", "reopened", "open_at_end",
    ]
    for line in lines(isChinese) { table.add([line.label] + keys.map { number(line.figures[$0], "-") }) }
    return table
  }

  private func times(_ isChinese: Bool) -> Table {
    let currency = answer["currency"]?.stringValue ?? ""
    func say(_ english: String, _ chinese: String) -> String { isChinese ? chinese : english }
    var table = Table([
      .init(grouping(isChinese)), .init(say("Time to response: median", "响应用时：中位数"), .right), .init(say("90 % within", "90% 不超过"), .right),
      .init(say("Time to resolution: median", "解决用时：中位数"), .right), .init(say("90 % within", "90% 不超过"), .right),
      .init(say("Compensation \(currency)", "补偿 \(currency)"), .right), .init(say("Upgrades \(currency)", "服务升级 \(currency)"), .right),
    ])
    let keys = ["first_response_median_seconds", "first_response_p90_seconds", "resolution_median_seconds", "resolution_p90_seconds"]
    for line in lines(isChinese) {
      table.add([line.label] + keys.map { time(line.figures[$0]) } + ["compensation", "upgrades"].map { number(line.figures[$0], "-") })
    }
    return table
  }

  // MARK: - CSV

  private static let figures = [
    "tickets", "merged", "first_response_met", "first_response_missed", "first_response_running", "first_response_on_time_percent", "resolution_met",
    "resolution_missed", "resolution_running", "resolution_on_time_percent", "resolved", "resolution_rate_percent", "first_contact",
    "first_contact_percent", "reopened", "open_at_end", "first_response_median_seconds", "first_response_p90_seconds", "resolution_median_seconds",
    "resolution_p90_seconds", "compensation", "upgrades", "satisfaction_answers", "satisfied_percent", "satisfied_low_percent", "satisfied_high_percent",
  ]

  /// One record per group; an empty group is not known, an empty figure no value.
  public var csv: [UInt8] {
    var writer = DelimitedWriter()
    writer.record(["month", answer["by"]?.stringValue ?? "group"] + ServiceExecutionReport.figures)
    for group in groups {
      writer.record(
        [answer["month"]?.stringValue ?? "", group["group"]?.stringValue ?? ""] + ServiceExecutionReport.figures.map { number(group[$0], "") })
    }
    return writer.take()
  }
}
