// Complaint hot spots and improvements, as the tickets service tells them, for people and spreadsheets (K-10).
public import CommandLine
public import Domain
public import Text

public enum ComplaintWords {
  private static func text(_ value: JSONValue?) -> String { value?.stringValue ?? "-" }
  private static func number(_ value: JSONValue?, _ none: String = "-") -> String { value?.numberText ?? none }

  // MARK: - Hot spots

  public static func report(_ answer: JSONValue, _ zone: BusinessZone, isChinese: Bool) -> String {
    func say(_ english: String, _ chinese: String) -> String { isChinese ? chinese : english }
    let (month, until) = (text(answer["month"]), TicketWords.moment(answer["until"], zone))
    let (count, before) = (number(answer["complaints"]), number(answer["before"]))
    let span = "\(TicketWords.moment(answer["before_from"], zone)) – \(TicketWords.moment(answer["before_until"], zone))"
    var out = say(
      "Complaints opened in \(month) until \(until): \(count); before (\(span)): \(before)\n", "\(month) 截至 \(until) 的投诉：\(count)；上期（\(span)）：\(before)\n")
    var table = Table([
      .init(say("Root cause", "根本原因")), .init(say("Category", "分类")), .init(say("Complaints", "投诉数"), .right), .init(say("Before", "上期"), .right),
      .init(say("Change", "变化"), .right), .init(say("Change %", "变化 %"), .right), .init(say("Hot spot", "热点")),
    ])
    for spot in answer["spots"]?.arrayValue ?? [] {
      let cause = spot["root_cause_name"]?[isChinese ? "zh" : "en"]?.stringValue ?? spot["root_cause"]?.stringValue ?? say("not known", "未知")
      table.add([
        cause, text(spot["category"]), number(spot["complaints"]), number(spot["before"]), number(spot["change"]), number(spot["growth_percent"]),
        spot["is_hot"] == true ? say("yes", "是") : "-",
      ])
    }
    out += "\n" + table.render()
    return out
  }

  /// One record per matter; an empty cause or category is not known, an empty percentage no value.
  public static func csv(_ answer: JSONValue) -> [UInt8] {
    var writer = DelimitedWriter()
    writer.record(["month", "root_cause", "category", "complaints", "before", "change", "growth_percent", "is_hot"])
    for spot in answer["spots"]?.arrayValue ?? [] {
      writer.record(
        [text(answer["month"]), spot["root_cause"]?.stringValue ?? "", spot["category"]?.stringValue ?? ""]
          + ["complaints", "before", "change", "growth_percent"].map { number(spot[$0], "") } + [spot["is_hot"] == true ? "true" : "false"])
    }
    return writer.take()
  }

  // MARK: - Improvements

  private static func step(_ word: JSONValue?, _ isChinese: Bool) -> String {
    word?.stringValue.flatMap { ImprovementStep(rawValue: $0) }.map { isChinese ? $0.name.zh : $0.name.en } ?? "-"
  }

  public static func table(_ improvements: [JSONValue], isChinese: Bool) -> Table {
    let titles = isChinese ? ["改进", "根本原因", "分类", "进行到", "问题"] : ["Improvement", "Root cause", "Category", "Reached", "Problem"]
    var table = Table(titles.map { Table.Column($0) })
    for record in improvements {
      table.add([
        text(record["improvement_id"]), text(record["root_cause"]), text(record["category"]), step(record["reached"], isChinese),
        text(record["steps"]?.arrayValue?.first?["text"]),
      ])
    }
    return table
  }

  public static func sheet(_ record: JSONValue, _ zone: BusinessZone, isChinese: Bool) -> String {
    func say(_ english: String, _ chinese: String) -> String { isChinese ? chinese : english }
    let matter = [record["root_cause"], record["category"]].compactMap { $0?.stringValue }.joined(separator: ", ")
    var out = "\(text(record["improvement_id"]))  \(DisplayWidth.plain(matter))\n"
    for line in record["steps"]?.arrayValue ?? [] {
      let words = [text(line["text"]), line["reason"]?.stringValue.map { "(\($0))" }].compactMap(\.self).joined(separator: " ")
      let (at, actor) = (TicketWords.moment(line["at"], zone), DisplayWidth.plain(text(line["actor"])))
      out += "\(step(line["step"], isChinese)): \(DisplayWidth.plain(words))  \(at) \(actor)\n"
    }
    if let effective = record["effective_at"]?.stringValue {
      out += say("holds from: ", "生效：") + TicketWords.moment(.text(effective), zone) + "\n"
    }
    if let figures = record["figures"], figures != .null {
      let (days, before, after) = (number(record["window_days"]), number(figures["before"]), number(figures["after"]))
      let change = figures["change_percent"]?.numberText.map { "\($0) %" } ?? "-"
      out += say("complaints in \(days) days before and after: \(before), \(after) (\(change))", "前后各 \(days) 天投诉数：\(before)、\(after)（\(change)）")
      if figures["is_whole"] == false {
        out += say("; whole on ", "；完整于 ") + TicketWords.moment(figures["whole_at"], zone)
      }
      out += "\n"
    }
    if let next = record["next"]?.stringValue { out += say("next: ", "下一步：") + step(.text(next), isChinese) + "\n" }
    return out
  }
}
