// NPS, CSAT and CES (F-04), as the feedback service answers them, in a table for people and CSV for spreadsheets.
import CommandLine
import HTTP
public import Text

public struct SatisfactionReport: Sendable {
  /// The service's own answer.
  public let answer: JSONValue

  /// - Parameter asked: names and values as the service takes them; nil values are left out.
  public static func read(_ asked: [(String, String?)], _ services: ServiceClient) async throws -> SatisfactionReport {
    SatisfactionReport(answer: try await services.call("feedback", .get, ServiceClient.path("/v1/reports/answers", asked)))
  }

  private var groups: [JSONValue] { answer["groups"]?.arrayValue ?? [] }
  private var total: JSONValue { answer["total"] ?? .null }
  private var isCompared: Bool { total["change"] != nil }
  /// Whether anybody was invited in the period.
  private var isInvited: Bool { (total["invited"]?.int64Value ?? 0) > 0 }

  // MARK: - For people

  private var metric: String { answer["metric"]?.stringValue ?? "" }

  /// What the figure is, in its unit.
  private func name(_ isChinese: Bool) -> String {
    switch metric {
    case "csat": isChinese ? "CSAT（满意者占比 %）" : "CSAT (% satisfied)"
    case "ces": isChinese ? "CES（平均分）" : "CES (mean score)"
    default: "NPS"
    }
  }

  private func grouping(_ isChinese: Bool) -> String {
    switch answer["by"]?.stringValue {
    case "segment": isChinese ? "分群" : "Segment"
    case "contribution": isChinese ? "贡献分群" : "Contribution"
    case "survey": isChinese ? "问卷" : "Survey"
    case "channel": isChinese ? "渠道" : "Channel"
    case "item": isChinese ? "商品" : "Article"
    case "month": isChinese ? "月份" : "Month"
    default: isChinese ? "等级" : "Tier"
    }
  }

  private func label(_ group: JSONValue, _ isChinese: Bool) -> String {
    group["name"]?[isChinese ? "zh" : "en"]?.stringValue ?? group["group"]?.stringValue ?? (isChinese ? "未知" : "not known")
  }

  public func text(isChinese: Bool) -> String {
    func say(_ english: String, _ chinese: String) -> String { isChinese ? chinese : english }
    let (from, to) = (answer["from"]?.stringValue ?? "", answer["to"]?.stringValue ?? "")
    var columns: [Table.Column] = [
      .init(grouping(isChinese)), .init(say("Answers", "回答数"), .right), .init(favourable(isChinese), .right), .init(unfavourable(isChinese), .right),
      .init(name(isChinese), .right), .init(say("95 % interval", "95% 置信区间"), .right),
    ]
    if isCompared {
      columns += [
        .init(say("Answers before", "上期回答数"), .right), .init(say("Change", "变化"), .right), .init(say("95 % interval", "95% 置信区间"), .right),
      ]
    }
    if isInvited { columns += [.init(say("Invited", "邀请数"), .right), .init(say("Response %", "回复率 %"), .right)] }
    var table = Table(columns)
    for (label, figures) in groups.map({ (label($0, isChinese), $0) }) + [(say("all", "合计"), total)] {
      func count(_ key: String) -> String { figures[key]?.numberText ?? "-" }
      var cells = [label, count("answers"), count("favourable"), count("unfavourable"), FigureCells.value(figures), FigureCells.interval(figures)]
      if isCompared { cells += [count("answers_before"), FigureCells.value(figures["change"]), FigureCells.interval(figures["change"])] }
      if isInvited { cells += [count("invited"), FigureCells.value(figures["response_rate"])] }
      table.add(cells)
    }
    let least = answer["answers_min"]?.int64Value ?? 0
    return say("Answers from \(from) to \(to)\n\n", "\(from) 至 \(to) 的回答\n\n") + table.render()
      + say("\nA figure on fewer than \(least) answers is -: only its interval is told.\n", "\n少于 \(least) 份回答时不显示指标，仅显示区间。\n")
  }

  private func favourable(_ isChinese: Bool) -> String {
    metric == "nps" ? (isChinese ? "推荐者" : "Promoters") : metric == "csat" ? (isChinese ? "满意" : "Satisfied") : (isChinese ? "容易" : "Easy")
  }

  private func unfavourable(_ isChinese: Bool) -> String {
    metric == "nps" ? (isChinese ? "贬损者" : "Detractors") : metric == "csat" ? (isChinese ? "不满意" : "Dissatisfied") : (isChinese ? "费力" : "Hard")
  }

  // MARK: - CSV

  /// One record per group; an empty group is not known, an empty figure no value.
  public var csv: [UInt8] {
    var writer = DelimitedWriter()
    let figures = ["answers", "favourable", "unfavourable", "value", "low", "high"]
    let change = isCompared ? ["answers_before", "change", "change_low", "change_high"] : []
    let responses = ["invited", "invited_answered", "response_rate"]
    writer.record(["metric", "from", "to", answer["by"]?.stringValue ?? "group"] + figures + change + responses)
    for group in groups {
      var cells = ["metric", "from", "to"].map { answer[$0]?.stringValue ?? "" }
      cells.append(group["group"]?.stringValue ?? group["name"]?["en"]?.stringValue ?? "")
      cells += figures.map { group[$0]?.numberText ?? "" }
      if isCompared { cells += [group["answers_before"]?.numberText ?? ""] + ["value", "low", "high"].map { group["change"]?[$0]?.numberText ?? "" } }
      cells += [group["invited"]?.numberText ?? "", group["invited_answered"]?.numberText ?? "", group["response_rate"]?["value"]?.numberText ?? ""]
      writer.record(cells)
    }
    return writer.take()
  }
}
