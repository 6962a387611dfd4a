// What comments speak of, for people and spreadsheets (F-06).
import CommandLine
public import Domain
public import Text

public enum CommentWords {
  private static let columns = [
    "comments", "share_percent", "positive", "negative", "mixed", "neutral", "before", "growth_percent", "unhappy", "unhappy_before",
  ]

  public static func report(_ answer: JSONValue, isChinese: Bool) -> String {
    func say(_ english: String, _ chinese: String) -> String { isChinese ? chinese : english }
    let (from, to, total) = (answer["from"]?.stringValue ?? "", answer["to"]?.stringValue ?? "", answer["total"])
    let (count, before) = (total?["comments"]?.numberText ?? "-", total?["before"]?.numberText ?? "-")
    var out = say(
      "Comments of \(from) to \(to): \(count); as many days before: \(before)\n\n", "\(from) 至 \(to) 的意见：\(count) 条；此前同样天数：\(before) 条\n\n")
    let titles = isChinese
      ? ["条数", "占比 %", "正面", "负面", "褒贬不一", "中性", "上期", "增长 %", "不满", "上期不满"]
      : ["Comments", "Share %", "Positive", "Negative", "Mixed", "Neutral", "Before", "Growth %", "Unhappy", "Before"]
    var table = Table([.init(say("Topic", "主题"))] + titles.map { .init($0, .right) } + [.init(say("Hot", "热点"))])
    func add(_ title: String, _ counts: JSONValue?, isTopic: Bool) {
      let isHot = isTopic && counts?["is_hot"] == true
      table.add([title] + columns.map { counts?[$0]?.numberText ?? "-" } + [isHot ? say("yes", "是") : "-"])
    }
    for topic in answer["topics"]?.arrayValue ?? [] { add(name(topic, isChinese), topic, isTopic: true) }
    add(say("no topic", "未涉及主题"), answer["none"], isTopic: false)
    add(say("all", "全部"), total, isTopic: false)
    out += table.render()
    if let unread = answer["unread"]?.int64Value, unread > 0 {
      out += say("\(unread) comments are still to be read by these rules\n", "另有 \(unread) 条意见尚未按现行规则读取\n")
    }
    return out
  }

  /// One record per topic; `none` are comments without one, `total` all of them. An empty percentage is no value.
  public static func csv(_ answer: JSONValue) -> [UInt8] {
    var writer = DelimitedWriter()
    writer.record(["from", "to", "topic"] + columns + ["is_hot"])
    let span = [answer["from"]?.stringValue ?? "", answer["to"]?.stringValue ?? ""]
    func add(_ word: String, _ counts: JSONValue?, isTopic: Bool) {
      let isHot = isTopic ? (counts?["is_hot"] == true ? "true" : "false") : ""
      writer.record(span + [word] + columns.map { counts?[$0]?.numberText ?? "" } + [isHot])
    }
    for topic in answer["topics"]?.arrayValue ?? [] { add(topic["topic"]?.stringValue ?? "", topic, isTopic: true) }
    add("none", answer["none"], isTopic: false)
    add("total", answer["total"], isTopic: false)
    return writer.take()
  }

  private static func name(_ topic: JSONValue, _ isChinese: Bool) -> String {
    topic["name"]?[isChinese ? "zh" : "en"]?.stringValue ?? topic["topic"]?.stringValue ?? "-"
  }

  /// What was found in one text.
  public static func reading(_ reading: CommentReading, _ rules: CommentRules, isChinese: Bool) -> String {
    func say(_ name: LocalizedName) -> String { isChinese ? name.zh : name.en }
    var text = say(reading.polarity.name) + "\n"
    for topic in reading.topics {
      let name = rules.topics.first { $0.id == topic.id }.map { say($0.name) } ?? topic.id
      text += "\(name): \(say(topic.polarity.name))\n"
    }
    return text
  }

  public static func json(_ reading: CommentReading) -> JSONValue {
    [
      "polarity": .text(reading.polarity.rawValue),
      "topics": .array(reading.topics.map { ["topic": .text($0.id), "polarity": .text($0.polarity.rawValue)] }),
    ]
  }
}
