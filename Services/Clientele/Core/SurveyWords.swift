// Surveys as the feedback service tells them, for people (F-01).
public import CommandLine
import Domain
public import Text

public enum SurveyWords {
  public static func table(_ answer: JSONValue, isChinese: Bool) -> Table {
    let titles = isChinese ? ["问卷", "版本", "指标", "用途", "有效天数", "标题"] : ["Survey", "Version", "Metric", "Purpose", "Days", "Title"]
    var table = Table(titles.map { Table.Column($0) })
    for survey in answer["surveys"]?.arrayValue ?? [] {
      let version = (survey["version"]?.numberText ?? "-") + (survey["is_current"] == true ? "" : isChinese ? "（旧）" : " (former)")
      table.add([
        text(survey["survey"]), version, text(survey["metric"]), text(survey["purpose"]), survey["expires_days"]?.numberText ?? "-",
        name(survey["title"], isChinese),
      ])
    }
    return table
  }

  /// What a customer is asked, question by question.
  public static func survey(_ survey: JSONValue, isChinese: Bool) -> String {
    func say(_ english: String, _ chinese: String) -> String { isChinese ? chinese : english }
    let metric = AnswerEvent.Metric(rawValue: text(survey["metric"])) ?? .nps
    var text = "\(name(survey["title"], isChinese))  (\(text(survey["survey"])) v\(survey["version"]?.numberText ?? "-"), \(metric.rawValue), "
      + "\(self.text(survey["purpose"])), \(survey["expires_days"]?.numberText ?? "-") \(say("days", "天")))\n"
    let (low, high) = (name(survey["scale"]?["low"], isChinese), name(survey["scale"]?["high"], isChinese))
    text += "\(name(survey["question"], isChinese))\n"
    text += "  \(metric.scores.lowerBound) \(low) … \(metric.scores.upperBound) \(high)\n"
    if let comment = survey["comment"], comment != .null { text += "\(name(comment, isChinese))\n  \(say("in the customer's own words", "自由填写"))\n" }
    for question in survey["questions"]?.arrayValue ?? [] { text += self.question(question, isChinese: isChinese) }
    return text + "\(name(survey["thanks"], isChinese))\n"
  }

  private static func question(_ question: JSONValue, isChinese: Bool) -> String {
    func say(_ english: String, _ chinese: String) -> String { isChinese ? chinese : english }
    var conditions: [String] = []
    if let from = question["when"]?["from"]?.numberText, let to = question["when"]?["to"]?.numberText {
      conditions.append(say("score \(from) to \(to)", "分数 \(from) 至 \(to)"))
    }
    if let earlier = question["when"]?["question"]?.stringValue {
      let answers = (question["when"]?["is"]?.arrayValue ?? []).compactMap(\.stringValue).joined(separator: say(" or ", " 或 "))
      conditions.append(say("\(earlier) is \(answers)", "\(earlier) 为 \(answers)"))
    }
    let condition = conditions.isEmpty ? "" : "  [\(conditions.joined(separator: say(", and ", "，且 ")))]"
    let options = (question["options"]?.arrayValue ?? []).map { "\(text($0["id"])): \(name($0["name"], isChinese))" }
    let answers =
      switch text(question["kind"]) {
      case "choice": options.joined(separator: " | ")
      case "yes_no": say("yes | no", "是 | 否")
      default: say("in the customer's own words", "自由填写")
      }
    return "\(name(question["text"], isChinese))  (\(text(question["id"])))\(condition)\n  \(answers)\n"
  }

  private static func text(_ value: JSONValue?) -> String { value?.stringValue ?? "-" }
  static func name(_ value: JSONValue?, _ isChinese: Bool) -> String { text(value?[isChinese ? "zh" : "en"]) }
}
