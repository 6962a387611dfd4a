// Figures as they stood before a measure, beside those after it, each change with its range (F-07).
import Access
import Domain
import HTML
import HTTP
import Text

struct SurveyBaselinePages: Sendable {
  let site: Site

  private static let path = SurveySection.Place.baselines.rawValue
  private static let prefix = "baseline"

  func add(to router: inout Router) {
    router.page(SurveyBaselinePages.path, site, needs: .figuresRead) { visit in
      try await SurveyBaselinePages.list(visit, FormFields(visit: visit, prefix: SurveyBaselinePages.prefix))
    }
    router.form(SurveyBaselinePages.path, site, needs: .baselinesTake) { try await SurveyBaselinePages.take($0) }
    router.page("\(SurveyBaselinePages.path)/{name}", site, needs: .figuresRead) { try await SurveyBaselinePages.compare($0) }
  }

  // MARK: - All of them

  private static func list(_ visit: Visit, _ fields: FormFields, failure: PeerFailure? = nil) async throws -> Response {
    let answer = try await visit.api.get(.feedback, "/v1/baselines", [(name: "after", value: visit.request.query["before"])])
    let table = DataTable(
      "baselines", visit.say("Baselines, by name", "基线（按名称）"),
      [
        visit.say("Name", "名称"), visit.say("First day", "首日"), visit.say("Last day", "末日"), visit.say("Taken", "保存于"), visit.say("By", "操作人"),
        visit.say("Before what", "原因"),
      ],
      (answer["baselines"]?.arrayValue ?? []).map { line in
        let name = line["name"]?.stringValue ?? ""
        return [
          .link(name, visit.target("\(path)/\(name)")), .text(visit.text(line["from"])), .text(visit.text(line["to"])), .text(visit.moment(line["taken_at"])),
          .text(visit.text(line["actor"])), .text(visit.text(line["reason"])),
        ]
      })
    if let file = visit.file(of: [table]) { return file }
    let title = visit.say("Before and after", "基线对比")
    return visit.page(title, .surveys, status: failure.map(Refusals.status) ?? .ok) {
      Element(.h1, title)
      SurveySection.tabs(visit, .baselines)
      Element(.p, visit.say(BaselineText.what))
      if let failure { Refusals.notice(failure, visit, titles: BaselineText.titles, fields: ["name", "from", "to", "reason"]) }
      table.element(visit, empty: visit.say("No baseline was taken yet.", "尚未保存基线。"))
      Parts.pager(visit, next: answer["next"]?.stringValue)
      if visit.may(.baselinesTake) { form(visit, fields) }
    }
  }

  private static func form(_ visit: Visit, _ fields: FormFields) -> Element {
    Element(.section, [.label(.labelled, "take")]) {
      Element(.h2, [.id("take")], visit.say("Take a baseline", "保存基线"))
      Parts.form(visit, visit.target(path), [.class("sheet")]) {
        fields.field(
          visit.say("Name: small letters, digits and hyphens", "名称：小写字母、数字与连字符"), "name",
          [.on(.required), .label(.maxlength, "64"), .label(.autocomplete, "off")])
        fields.field(visit.say("First day", "首日"), "from", [.on(.required)], type: .date, usual: "\(visit.today + (1 - SurveyWanted.daysUsual))")
        fields.field(visit.say("Last day", "末日"), "to", [.on(.required)], type: .date, usual: "\(visit.today)")
        fields.field(visit.say("Before what", "原因"), "reason", [.on(.required)])
        Element(.button, [.class("main")], visit.say("Keep these figures", "保存"))
      }
    }
  }

  private static func take(_ visit: Visit) async throws -> Response {
    let entered = try visit.request.form()
    let members = ["name", "from", "to", "reason"].map { field in
      JSONMember(field, .text(TextNormal.trimmed(entered[FormFields.name(prefix, field)] ?? "")))
    }
    do throws(PeerFailure) {
      let taken = try await visit.api.send(.post, .feedback, "/v1/baselines", .object(members))
      return visit.go(to: "\(path)/\(taken["name"]?.stringValue ?? "")", done: .saved)
    } catch {
      if case .refused(401, _, _, _) = error { throw error }
      var faults: [Problem.FieldFault] = []
      if case .refused(_, _, _, let found) = error { faults = found }
      let fields = FormFields(visit: visit, prefix: prefix, entered: entered, faults: faults)
      do { return try await list(visit, fields, failure: error) } catch is PeerFailure { return KeptForm.page(visit, .surveys, path, entered, error) }
    }
  }

  // MARK: - One beside what came after

  private static func compare(_ visit: Visit) async throws -> Response {
    let name = try visit.request.parameter("name")
    let query = visit.request.query
    let metric = DeskParts.word("metric", of: AnswerEvent.Metric.self, visit)
    let address = "/v1/baselines/\(PercentEncoding.encoded(name))"
    let to = query["to"].flatMap { Day($0) }
    var from = query["from"].flatMap { Day($0) }
    if from == nil {
      // What came after the baseline's own days, where there is anything yet.
      let next = try await visit.api.get(.feedback, address)["to"]?.stringValue.flatMap { Day($0) }.map { $0 + 1 }
      from = next.flatMap { $0 <= to ?? visit.today ? $0 : nil }
    }
    let report = try await visit.api.get(
      .feedback, "\(address)/comparison",
      [(name: "metric", value: metric), (name: "from", value: from.map { "\($0)" }), (name: "to", value: to.map { "\($0)" })])
    let table = table(report, visit)
    if let file = visit.file(of: [table]) { return file }
    let before = report["baseline"]
    let (first, last) = (visit.text(before?["from"]), visit.text(before?["to"]))
    let metrics = [(value: "", text: visit.say("all", "全部"))] + AnswerEvent.Metric.allCases.map { (value: $0.rawValue, text: $0.rawValue.uppercased()) }
    return visit.page(name, .surveys) {
      Element(.p, [.class("trail")]) { Parts.link(visit.say("Before and after", "基线对比"), visit.target(path)) }
      Element(.h1, visit.say("Before and after: \(name)", "基线对比：\(name)"))
      Element(.p) {
        visit.say(
          "Figures of \(first) to \(last), kept on \(visit.moment(before?["taken_at"])) by \(visit.text(before?["actor"])): \(visit.text(before?["reason"]))",
          "\(first) 至 \(last) 的指标，\(visit.text(before?["actor"])) 保存于 \(visit.moment(before?["taken_at"]))：\(visit.text(before?["reason"]))")
      }
      Parts.search(visit.target("\(path)/\(name)"), visit.say("Choose what is compared", "选择对比内容")) {
        Parts.choice(visit.say("Figure", "指标"), "metric", metrics, chosen: metric ?? "")
        Parts.field(visit.say("From", "从"), "from", value: visit.text(report["from"]), type: .date)
        Parts.field(visit.say("To", "到"), "to", value: visit.text(report["to"]), type: .date)
        Element(.button, visit.say("Compare", "对比"))
      }
      table.element(visit, empty: visit.say("Nobody answered, before or after.", "前后均没有回答。"))
      Element(.p, [.class("note")], visit.say(SurveyText.least(report["answers_min"]?.numberText ?? "30")))
      DeskParts.asOf(visit, report["as_of"])
    }
  }

  private static func table(_ report: JSONValue, _ visit: Visit) -> DataTable {
    let rows = (report["groups"]?.arrayValue ?? []).map { line -> [Cell] in
      let (metric, change) = (line["metric"]?.stringValue, line["change"])
      let digits = SurveyFigures.digits(metric)
      func figure(_ figures: JSONValue?) -> [Cell] {
        [
          .number(visit.number(figures?["answers"])), .number(SurveyFigures.text(figures?["value"], digits: digits)),
          .number(SurveyFigures.range(figures, digits: digits)),
        ]
      }
      let chance = SurveyFigures.mayBeChance(change).map { $0 ? visit.say("may be chance", "可能是偶然") : visit.say("clear", "显著") } ?? "–"
      return [.text(group(line, visit)), .text((metric ?? "").uppercased())] + figure(line["before"]) + figure(line["after"])
        + [.number(SurveyFigures.signed(change?["value"], digits)), .number(SurveyFigures.range(change, digits: digits)), .text(chance)]
    }
    let range = visit.say("95 % range", "95% 区间")
    let (from, to) = (visit.text(report["from"]), visit.text(report["to"]))
    return DataTable(
      "comparison", visit.say("\(from) to \(to) beside the baseline", "\(from) 至 \(to) 与基线对比"),
      [
        visit.say("Of", "范围"), visit.say("Figure", "指标"), visit.say("Answers before", "基线回答"), visit.say("Before", "基线"), range,
        visit.say("Answers after", "回答"), visit.say("After", "当前"), range, visit.say("Change", "变化"), range, visit.say("Sure?", "是否显著"),
      ], rows)
  }

  private static func group(_ line: JSONValue, _ visit: Visit) -> String {
    guard let by = line["by"]?.stringValue else { return visit.say("all", "全部") }
    let kinds = ["tier": visit.say("tier", "等级"), "survey": visit.say("survey", "问卷"), "channel": visit.say("channel", "渠道")]
    return "\(kinds[by] ?? by): \(SurveyFigures.group(line, by, visit))"
  }
}

enum BaselineText {
  static let what = LocalizedName(
    en: "A baseline keeps the figures of a period as they stand, under a name, and never changes: to see later what a measure brought about.",
    zh: "基线以一个名称保存某一期间的指标，此后不再改变，便于日后对比措施的效果。")
  static let titles = ["Conflict": "该名称已用于另一期间的基线。", "Taken already": "该名称已用于另一期间的基线。"]
}
