// Answers to surveys as the feedback service tells them, for people (F-03).
public import CommandLine
public import Domain
public import Text

public enum AnswerWords {
  /// Characters of a comment in a table; `--json` has all of it.
  private static let commentMax = 60

  public static func table(_ answers: [JSONValue], _ zone: BusinessZone, isChinese: Bool) -> Table {
    let titles = isChinese
      ? ["时间", "客户", "等级", "问卷", "指标", "分数", "渠道", "褒贬", "意见"] : ["At", "Customer", "Tier", "Survey", "Metric", "Score", "Channel", "Tone", "Comment"]
    var table = Table(titles.map { Table.Column($0) })
    func text(_ value: JSONValue?) -> String { value?.stringValue ?? "-" }
    for answer in answers {
      table.add([
        TicketWords.moment(answer["occurred_at"], zone), text(answer["customer_id"]), text(answer["tier"]), text(answer["survey"]), text(answer["metric"]),
        answer["score"]?.int64Value.map { String($0) } ?? "-", text(answer["channel"]),
        tone(answer, isChinese), brief(answer["comment"]?.stringValue ?? "-"),
      ])
    }
    return table
  }

  /// Whom the business won back, in one paragraph.
  public static func recovery(_ answer: JSONValue, isChinese: Bool) -> String {
    func say(_ english: String, _ chinese: String) -> String { isChinese ? chinese : english }
    func count(_ key: String) -> Int64 { answer[key]?.int64Value ?? 0 }
    let (from, to) = (answer["from"]?.stringValue ?? "", answer["to"]?.stringValue ?? "")
    let metric = (answer["metric"]?.stringValue ?? "").uppercased()
    var text = say(
      "\(metric), \(from) to \(to): \(count("unfavourable")) customers answered unfavourably, \(count("asked_again")) of them answered again, "
        + "\(count("recovered")) of these no longer so\n",
      "\(metric)，\(from) 至 \(to)：\(count("unfavourable")) 位客户给出不利回答，其中 \(count("asked_again")) 位再次回答，\(count("recovered")) 位已不再不利\n")
    guard let low = answer["low"]?.numberText, let high = answer["high"]?.numberText else { return text }
    let value = answer["value"]?.numberText.map { "\($0) %" } ?? "-"
    let least = count("answers_min")
    text += say("won back: \(value), 95 % interval \(low) … \(high)\n", "挽回率：\(value)，95% 置信区间 \(low) … \(high)\n")
    if answer["value"] == .null { text += say("a share of fewer than \(least) is -\n", "少于 \(least) 位时不显示比例\n") }
    return text
  }

  private static func tone(_ answer: JSONValue, _ isChinese: Bool) -> String {
    guard let polarity = (answer["polarity"]?.stringValue).flatMap({ CommentPolarity(rawValue: $0) }) else { return "-" }
    return isChinese ? polarity.name.zh : polarity.name.en
  }

  private static func brief(_ comment: String) -> String {
    let line = String(comment.map { $0.isNewline ? " " : $0 })
    return line.count > commentMax ? line.prefix(commentMax) + "…" : line
  }
}
