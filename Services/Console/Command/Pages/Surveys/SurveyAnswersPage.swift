// What customers answered, one by one, in their own words (F-03, F-05).
import Access
import Domain
import HTML
import HTTP
import Text

struct SurveyAnswersPage: Sendable {
  let site: Site

  private static let path = SurveySection.Place.answers.rawValue
  private static let rows = "40"

  func add(to router: inout Router) { router.page(SurveyAnswersPage.path, site, needs: .answersRead, look: .contacts) { try await SurveyAnswersPage.show($0) } }

  private struct Wanted {
    let metric: String?
    let survey: String?
    let polarity: String?
    let topic: String?
    let isUnfavourable: Bool
    let customer: String

    init(_ visit: Visit) {
      let query = visit.request.query
      metric = DeskParts.word("metric", of: AnswerEvent.Metric.self, visit)
      polarity = DeskParts.word("polarity", of: CommentPolarity.self, visit)
      survey = query["survey"].flatMap { $0.isEmpty || $0.utf8.count > 64 ? nil : $0 }
      topic = query["topic"].flatMap { $0.isEmpty || $0.utf8.count > 64 ? nil : $0 }
      isUnfavourable = query["unfavourable"] == "true"
      customer = TextNormal.trimmed(query["customer"] ?? "")
    }
  }

  private static func show(_ visit: Visit) async throws -> Response {
    let wanted = Wanted(visit)
    let api = visit.api
    async let surveys = api.section(.feedback, "/v1/surveys")
    async let rules = api.section(.feedback, "/v1/comment-rules")
    let customer = wanted.customer.isEmpty ? nil : try await CustomerEntry.find(wanted.customer, visit)
    let isUnknown = !wanted.customer.isEmpty && customer == nil
    let answer: JSONValue = isUnknown ? .null : try await api.get(
      .feedback, "/v1/answers",
      [
        (name: "metric", value: wanted.metric), (name: "survey", value: wanted.survey), (name: "polarity", value: wanted.polarity),
        (name: "topic", value: wanted.topic), (name: "unfavourable", value: wanted.isUnfavourable ? "true" : nil), (name: "customer_id", value: customer),
        (name: "after", value: visit.request.query["before"]), (name: "limit", value: rows),
      ])
    let topics = await rules.json?["topics"]?.arrayValue ?? []
    let names = Dictionary(topics.map { ($0["topic"]?.stringValue ?? "", visit.say($0["name"])) }) { first, _ in first }
    let table = table(answer["answers"]?.arrayValue ?? [], names, visit)
    if let file = visit.file(of: [table]) { return file }
    let list = await surveys
    return visit.page(visit.say("Answers", "回答"), .surveys) {
      Element(.h1, visit.say("What customers answered", "客户回答"))
      SurveySection.tabs(visit, .answers)
      filters(visit, wanted, list, topics)
      if isUnknown { Notice.fault(visit.say(DeskText.noCustomer)) }
      table.element(visit, empty: visit.say("No such answers.", "没有符合条件的回答。"))
      Parts.pager(visit, next: answer["next"]?.stringValue)
      DeskParts.asOf(visit)
    }
  }

  private static func filters(_ visit: Visit, _ wanted: Wanted, _ surveys: Section, _ topics: [JSONValue]) -> Element {
    let any = visit.say("any", "不限")
    return Parts.search(visit.target(path), visit.say("Filter answers", "筛选回答")) {
      Parts.choice(
        visit.say("Figure", "指标"), "metric",
        [(value: "", text: any)] + AnswerEvent.Metric.allCases.map { (value: $0.rawValue, text: $0.rawValue.uppercased()) }, chosen: wanted.metric)
      Parts.choice(visit.say("Survey", "问卷"), "survey", SurveyWanted.surveys(surveys, chosen: wanted.survey, visit), chosen: wanted.survey ?? "")
      Parts.choice(
        visit.say("Speaks of", "主题"), "topic",
        [(value: "", text: any)] + topics.map { (value: $0["topic"]?.stringValue ?? "", text: visit.say($0["name"])) }, chosen: wanted.topic)
      Parts.choice(visit.say("Sounds", "褒贬"), "polarity", DeskParts.options(CommentPolarity.self, none: any, visit) { $0.name }, chosen: wanted.polarity)
      Parts.choice(
        visit.say("Score", "分数"), "unfavourable", [(value: "", text: any), (value: "true", text: visit.say("only bad ones", "仅不利"))],
        chosen: wanted.isUnfavourable ? "true" : "")
      Parts.field(visit.say("Customer", "客户"), "customer", value: wanted.customer, [.label(.placeholder, visit.say("number, phone, e-mail", "编号、手机或邮箱"))])
      Element(.button, visit.say("Filter", "筛选"))
    }
  }

  private static func table(_ answers: [JSONValue], _ topics: [String: String], _ visit: Visit) -> DataTable {
    DataTable(
      "answers", visit.say("Answers, the newest first", "回答（由新到旧）"),
      [
        visit.say("When", "时间"), visit.say("Customer", "客户"), visit.say("Score", "分数"), visit.say("In the customer's words", "意见"),
        visit.say("Speaks of", "主题"), visit.say("Channel", "渠道"), visit.say("Survey", "问卷"), visit.say("About", "关于"),
      ], answers.map { row($0, topics, visit) })
  }

  private static func row(_ answer: JSONValue, _ topics: [String: String], _ visit: Visit) -> [Cell] {
    func text(_ name: String) -> String? { answer[name]?.stringValue }
    let (metric, score) = (text("metric"), answer["score"]?.int64Value)
    let words = "\((metric ?? "").uppercased()) \(visit.number(answer["score"]))"
    let tones = (answer["topics"]?.arrayValue ?? []).map { topic -> (name: String, tone: CommentPolarity?) in
      let id = topic["topic"]?.stringValue ?? ""
      return (name: topics[id] ?? id, tone: topic["polarity"]?.stringValue.flatMap(CommentPolarity.init(rawValue:)))
    }
    let spoken = tones.map { tone in "\(tone.name): \(tone.tone.map { visit.say($0.name) } ?? "–")" }
    let comment = text("comment") ?? ""
    let followUps = (answer["follow_ups"]?.arrayValue ?? []).map { "\($0["question"]?.stringValue ?? ""): \($0["answer"]?.stringValue ?? "")" }
    let said = ([comment] + followUps).filter { !$0.isEmpty }.joined(separator: "\n")
    let survey = text("survey") ?? ""
    let ticket = text("ticket_id")
    let about = [text("item"), text("order_id")].compactMap(\.self).joined(separator: " · ")
    return [
      visit.cell(moment: answer["occurred_at"]),
      .shown(
        DeskParts.below(DeskParts.customer(text("customer_id"), visit), DeskParts.tier(text("tier"), visit)),
        plain: "\(text("customer_id") ?? "") \(DeskWords.tier(text("tier"), visit))"),
      .shown([.element(Parts.badge(words, SurveyFigures.badge(metric, score)))], plain: words),
      .shown([.element(Element(.div, [.class("words")], said.isEmpty ? "–" : said))], plain: said),
      .shown(
        spoken.isEmpty ? [.text("–")] : zip(spoken, tones).flatMap { [.element(Parts.badge($0, badge($1.tone))), .text(" ")] },
        plain: spoken.joined(separator: ", ")),
      .text(DeskWords.channel(text("channel"), visit)),
      .link(survey, visit.target("/surveys/\(survey)", [(name: "version", value: answer["survey_version"]?.numberText)])),
      ticket.map { .link($0, visit.may(.ticketsRead) && TicketID($0) != nil ? visit.target("/tickets/\($0)") : nil) } ?? .text(about.isEmpty ? "–" : about),
    ]
  }

  private static func badge(_ tone: CommentPolarity?) -> Parts.Badge {
    switch tone {
    case .positive: .good
    case .negative: .bad
    case .mixed: .warn
    case .neutral, nil: .plain
    }
  }
}
