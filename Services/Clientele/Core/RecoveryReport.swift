// Whom the business won back, and what they and the others ordered (F-05), as the feedback service answers it, for people and for spreadsheets.
import CommandLine
public import Text

/// Figures with their intervals as cells of a table; what has none is -.
enum FigureCells {
  /// With two decimals, so that figures stand under each other.
  static func decimals(_ value: JSONValue?) -> String? {
    guard let text = value?.numberText else { return nil }
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count <= 2, !text.contains("e") else { return text }
    let fraction = parts.count == 2 ? String(parts[1]) : ""
    return "\(parts[0]).\(fraction)" + String(repeating: "0", count: max(0, 2 - fraction.count))
  }

  static func value(_ figures: JSONValue?) -> String { decimals(figures?["value"]) ?? "-" }

  static func interval(_ figures: JSONValue?) -> String {
    guard let low = decimals(figures?["low"]), let high = decimals(figures?["high"]) else { return "-" }
    return "\(low) … \(high)"
  }
}

public struct RecoveryReport: Sendable {
  /// The service's own answer.
  public let answer: JSONValue

  public init(answer: JSONValue) { self.answer = answer }

  private var groups: [JSONValue] { answer["groups"]?.arrayValue ?? [] }
  private func count(_ key: String) -> Int64 { answer[key]?.int64Value ?? 0 }
  private func text(_ key: String) -> String { answer[key]?.stringValue ?? "" }

  // MARK: - For people

  /// One paragraph, then what each group ordered.
  public func text(isChinese: Bool) -> String {
    func say(_ english: String, _ chinese: String) -> String { isChinese ? chinese : english }
    let (from, to, metric, least) = (text("from"), text("to"), text("metric").uppercased(), count("answers_min"))
    var out = say(
      "\(metric), \(from) to \(to): \(count("unfavourable")) customers answered unfavourably, \(count("asked_again")) of them answered again, "
        + "\(count("recovered")) of these no longer so\n",
      "\(metric)，\(from) 至 \(to)：\(count("unfavourable")) 位客户给出不利回答，其中 \(count("asked_again")) 位再次回答，\(count("recovered")) 位已不再不利\n")
    if let low = answer["low"]?.numberText, let high = answer["high"]?.numberText {
      let value = answer["value"]?.numberText.map { "\($0) %" } ?? "-"
      out += say("won back: \(value), 95 % interval \(low) … \(high)\n", "挽回率：\(value)，95% 置信区间 \(low) … \(high)\n")
    }
    guard count("unfavourable") > 0, !groups.isEmpty else { return out }
    let days = count("days")
    out += say("\nOrders within \(days) days after the answer\n\n", "\n回答后 \(days) 天内的订单\n\n") + table(isChinese).render()
    return out
      + say(
        "\nOnly customers whose \(days) days are over are observed. Figures on fewer than \(least) are -. That groups differ does not say why.\n",
        "\n仅观察 \(days) 天已满的客户；少于 \(least) 位时不显示指标。各组的差异并不说明原因。\n")
  }

  private func table(_ isChinese: Bool) -> Table {
    func say(_ english: String, _ chinese: String) -> String { isChinese ? chinese : english }
    let interval = say("95 % interval", "95% 置信区间")
    var table = Table([
      .init(say("Customers", "客户")), .init(say("Number", "人数"), .right), .init(say("Observed", "已观察"), .right),
      .init(say("Ordered %", "下单比例 %"), .right), .init(interval, .right), .init(say("Orders each", "人均订单"), .right),
      .init(say("\(text("currency")) each", "人均 \(text("currency"))"), .right), .init(say("Won back, more by", "已挽回者高出"), .right),
      .init(interval, .right),
    ])
    for group in groups {
      let (rate, difference) = (group["reorder_rate"], group["difference"])
      table.add([
        group["name"]?[isChinese ? "zh" : "en"]?.stringValue ?? "", group["customers"]?.numberText ?? "-", group["observed"]?.numberText ?? "-",
        FigureCells.value(rate), FigureCells.interval(rate), FigureCells.decimals(group["orders_each"]) ?? "-", group["spend_each"]?.stringValue ?? "-",
        FigureCells.value(difference), FigureCells.interval(difference),
      ])
    }
    return table
  }

  // MARK: - CSV

  /// One record per group; an empty figure has no value.
  public var csv: [UInt8] {
    var writer = DelimitedWriter()
    let names = ["metric", "from", "to", "days", "currency", "group", "customers", "observed", "ordered"]
    let figures = ["reorder_rate", "low", "high", "orders_each", "spend_each", "difference", "difference_low", "difference_high"]
    writer.record(names + figures)
    for group in groups {
      var cells = [text("metric"), text("from"), text("to"), String(count("days")), text("currency"), group["group"]?.stringValue ?? ""]
      cells += ["customers", "observed", "ordered"].map { group[$0]?.numberText ?? "" }
      cells += ["value", "low", "high"].map { group["reorder_rate"]?[$0]?.numberText ?? "" }
      cells += [group["orders_each"]?.numberText ?? "", group["spend_each"]?.stringValue ?? ""]
      cells += ["value", "low", "high"].map { group["difference"]?[$0]?.numberText ?? "" }
      writer.record(cells)
    }
    return writer.take()
  }
}
