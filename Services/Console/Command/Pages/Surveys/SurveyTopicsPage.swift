// What customers' comments speak of and how, beside as many days before (F-06).
import Access
import Domain
import HTML
import HTTP
import Text

struct SurveyTopicsPage: Sendable {
  let site: Site

  private static let path = SurveySection.Place.topics.rawValue

  func add(to router: inout Router) { router.page(SurveyTopicsPage.path, site, needs: .figuresRead) { try await SurveyTopicsPage.show($0) } }

  private static func show(_ visit: Visit) async throws -> Response {
    let wanted = SurveyWanted(visit)
    let metric = DeskParts.word("metric", of: AnswerEvent.Metric.self, visit)
    async let surveys = visit.api.section(.feedback, "/v1/surveys")
    let query = wanted.query.filter { $0.name != "metric" } + [(name: "metric", value: metric)]
    let report = try await visit.api.get(.feedback, "/v1/reports/topics", query)
    let table = table(report, visit)
    if let file = visit.file(of: [table]) { return file }
    let list = await surveys
    let metrics = [(value: "", text: visit.say("all", "全部"))] + AnswerEvent.Metric.allCases.map { (value: $0.rawValue, text: $0.rawValue.uppercased()) }
    return visit.page(visit.say("What comments speak of", "意见主题"), .surveys) {
      Element(.h1, visit.say("What comments speak of", "意见主题"))
      SurveySection.tabs(visit, .topics)
      Parts.search(visit.target(path), visit.say("Choose what is shown", "选择显示内容")) {
        Parts.choice(visit.say("Beside which score", "对应指标"), "metric", metrics, chosen: metric ?? "")
        wanted.fields(visit, surveys: list, hasMetric: false)
        Element(.button, visit.say("Show", "查看"))
      }
      let bars = (report["topics"]?.arrayValue ?? []).map { topic in
        Chart.Bar(
          label: visit.say(topic["name"]), value: topic["unhappy"]?.doubleValue ?? 0, text: visit.number(topic["unhappy"]),
          color: topic["is_hot"] == true ? "bad" : "a")
      }
      if bars.contains(where: { $0.value > 0 }) {
        Element(.h2, visit.say("Unhappy comments by topic", "各主题的不满意见"))
        Chart.bars(visit.say("Unhappy comments by topic", "各主题的不满意见"), bars)
      }
      table.element(visit, empty: visit.say("No comments in this time.", "此期间没有意见。"))
      if let unread = report["unread"]?.int64Value, unread > 0 {
        Notice.plain(visit.say("\(visit.number(unread)) comments are still to be read by the rules.", "另有 \(visit.number(unread)) 条意见尚未按现行规则读取。"))
      }
      Element(.p, [.class("note")], visit.say(text))
      DeskParts.asOf(visit, report["as_of"])
    }
  }

  private static func table(_ report: JSONValue, _ visit: Visit) -> DataTable {
    func row(_ name: Cell, _ counts: JSONValue, isHot: Bool) -> [Cell] {
      let hot = isHot ? visit.say("hot", "热点") : ""
      let growth = counts["growth_percent"].map { $0.isNull ? "–" : SurveyFigures.signed($0, 1) } ?? "–"
      return [name] + ["comments"].map { .number(visit.number(counts[$0])) } + [.number(SurveyFigures.text(counts["share_percent"]))]
        + ["positive", "negative", "mixed", "neutral", "before"].map { .number(visit.number(counts[$0])) }
        + [.number(growth), .shown(isHot ? [.element(Parts.badge(hot, .bad))] : [.text("–")], plain: hot)]
    }
    let topics = (report["topics"]?.arrayValue ?? []).map { topic -> [Cell] in
      let query: [(name: String, value: String?)] = [(name: "topic", value: topic["topic"]?.stringValue)]
      let target = visit.may(.answersRead) ? visit.target(SurveySection.Place.answers.rawValue, query) : nil
      return row(.link(visit.say(topic["name"]), target), topic, isHot: topic["is_hot"] == true)
    }
    let rest = [
      row(.text(visit.say("no topic", "未涉及主题")), report["none"] ?? .null, isHot: false),
      row(.text(visit.say("all", "合计")), report["total"] ?? .null, isHot: false),
    ]
    let (from, to) = (visit.text(report["from"]), visit.text(report["to"]))
    return DataTable(
      "topics", visit.say("Comments, \(from) to \(to)", "意见，\(from) 至 \(to)"),
      [
        visit.say("Topic", "主题"), visit.say("Comments", "条数"), visit.say("Share %", "占比 %"), visit.say("Positive", "正面"), visit.say("Negative", "负面"),
        visit.say("Mixed", "褒贬不一"), visit.say("Neutral", "中性"), visit.say("Before", "上期"), visit.say("Growth %", "增长 %"), visit.say("Hot", "热点"),
      ], topics + rest)
  }

  private static let text = LocalizedName(
    en: "A comment that speaks of two topics counts for both. A topic is hot with at least 3 comments and half as many more as in as many days before.",
    zh: "涉及两个主题的意见在两处均计数。至少 3 条且比上期同样天数多一半以上的主题为热点。")
}
