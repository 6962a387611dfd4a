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

  private static func tone(_ answer: JSONValue, _ isChinese: Bool) -> String {
    guard let polarity = (answer["polarity"]?.stringValue).flatMap({ CommentPolarity(rawValue: $0) }) else { return "-" }
    return isChinese ? polarity.name.zh : polarity.name.en
  }

  private static func brief(_ comment: String) -> String {
    let line = String(comment.map { $0.isNewline ? " " : $0 })
    return line.count > commentMax ? line.prefix(commentMax) + "…" : line
  }
}
