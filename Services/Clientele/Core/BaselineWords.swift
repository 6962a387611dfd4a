// Baselines as the feedback service tells them, for people and spreadsheets (F-07).
public import CommandLine
public import Domain
public import Text

public enum BaselineWords {
  private static func text(_ value: JSONValue?) -> String { value?.stringValue ?? "-" }
  private static func number(_ value: JSONValue?, _ none: String = "-") -> String { value?.numberText ?? none }

  private static func group(_ line: JSONValue, _ isChinese: Bool) -> String {
    guard let by = line["by"]?.stringValue else { return isChinese ? "全部" : "all" }
    let what = isChinese ? ["tier": "等级", "survey": "问卷", "channel": "渠道"][by] ?? by : by
    let word = line["name"]?[isChinese ? "zh" : "en"]?.stringValue ?? line["group"]?.stringValue ?? (isChinese ? "未知" : "not known")
    return "\(what) \(word)"
  }

  private static func interval(_ figure: JSONValue?) -> String {
    guard let low = figure?["low"]?.numberText, let high = figure?["high"]?.numberText else { return "-" }
    return "\(low) … \(high)"
  }

  public static func table(_ answer: JSONValue, _ zone: BusinessZone, isChinese: Bool) -> Table {
    let titles = isChinese ? ["基线", "首日", "末日", "保存于", "操作人", "原因"] : ["Baseline", "From", "To", "Taken", "By", "Before"]
    var table = Table(titles.map { Table.Column($0) })
    for baseline in answer["baselines"]?.arrayValue ?? [] {
      table.add([
        text(baseline["name"]), text(baseline["from"]), text(baseline["to"]), TicketWords.moment(baseline["taken_at"], zone), text(baseline["actor"]),
        text(baseline["reason"]),
      ])
    }
    return table
  }

  public static func baseline(_ baseline: JSONValue, _ zone: BusinessZone, isChinese: Bool) -> String {
    let (name, from, to) = (text(baseline["name"]), text(baseline["from"]), text(baseline["to"]))
    let (taken, actor, reason) = (TicketWords.moment(baseline["taken_at"], zone), text(baseline["actor"]), text(baseline["reason"]))
    var out = DisplayWidth.plain(isChinese ? "\(name)：\(from) 至 \(to)，\(taken) 由 \(actor) 保存：\(reason)"
      : "\(name): \(from) to \(to), taken \(taken) by \(actor): \(reason)") + "\n"
    let titles = isChinese ? ["指标", "范围", "回答数", "数值", "95% 区间"] : ["Metric", "Of", "Answers", "Value", "95 % interval"]
    var table = Table(titles.enumerated().map { Table.Column($0.element, $0.offset == 2 || $0.offset == 3 ? .right : .left) })
    for line in baseline["figures"]?.arrayValue ?? [] {
      table.add([text(line["metric"]), group(line, isChinese), number(line["answers"]), number(line["value"]), interval(line)])
    }
    out += table.render()
    return out
  }

  public static func comparison(_ answer: JSONValue, isChinese: Bool) -> String {
    let before = answer["baseline"]
    let (from, to) = (text(answer["from"]), text(answer["to"]))
    let (name, first, last) = (text(before?["name"]), text(before?["from"]), text(before?["to"]))
    let out = isChinese ? "基线 \(name)（\(first) 至 \(last)）与 \(from) 至 \(to) 比较\n" : "\(from) to \(to) beside \(name) (\(first) to \(last))\n"
    let titles = isChinese
      ? ["指标", "范围", "基线回答", "基线", "回答", "数值", "变化", "95% 区间"] : ["Metric", "Of", "Answers", "Before", "Answers", "After", "Change", "95 % interval"]
    var table = Table(titles.enumerated().map { Table.Column($0.element, (2...6).contains($0.offset) ? .right : .left) })
    for line in answer["groups"]?.arrayValue ?? [] {
      table.add([
        text(line["metric"]), group(line, isChinese), number(line["before"]?["answers"]), number(line["before"]?["value"]),
        number(line["after"]?["answers"]), number(line["after"]?["value"]), number(line["change"]?["value"]), interval(line["change"]),
      ])
    }
    let least = number(answer["answers_min"])
    return out + table.render() + (isChinese ? "回答少于 \(least) 份时不显示数值\n" : "a figure of fewer than \(least) answers is -\n")
  }

  /// One record per group; an empty field is no value.
  public static func csv(_ answer: JSONValue) -> [UInt8] {
    var writer = DelimitedWriter()
    writer.record([
      "baseline", "from", "to", "metric", "by", "group", "answers_before", "before", "answers_after", "after", "change", "change_low", "change_high",
    ])
    for line in answer["groups"]?.arrayValue ?? [] {
      let (before, after, change) = (line["before"], line["after"], line["change"])
      writer.record([
        text(answer["baseline"]?["name"]), text(answer["from"]), text(answer["to"]), text(line["metric"]), line["by"]?.stringValue ?? "",
        line["group"]?.stringValue ?? "", number(before?["answers"], ""), number(before?["value"], ""), number(after?["answers"], ""),
        number(after?["value"], ""), number(change?["value"], ""), number(change?["low"], ""), number(change?["high"], ""),
      ])
    }
    return writer.take()
  }
}
