// What customers are asked: every survey, and one with all its questions as a customer gets them (F-01).
import Access
import Domain
import HTML
import HTTP
import Text

struct AskedSurveyPages: Sendable {
  let site: Site

  private static let path = SurveySection.Place.asked.rawValue

  func add(to router: inout Router) {
    router.page(AskedSurveyPages.path, site, needs: .surveysRead) { try await AskedSurveyPages.list($0) }
    router.page("/surveys/{survey}", site, needs: .surveysRead) { try await AskedSurveyPages.one($0) }
  }

  private static func list(_ visit: Visit) async throws -> Response {
    let isAll = visit.request.query["all"] == "true"
    let answer = try await visit.api.get(.feedback, "/v1/surveys", [(name: "all", value: isAll ? "true" : nil)])
    let table = DataTable(
      "surveys", visit.say("Surveys", "问卷"),
      [
        visit.say("Title", "标题"), visit.say("Name", "名称"), visit.say("Version", "版本"), visit.say("Figure", "指标"), visit.say("What for", "用途"),
        visit.say("A link works, days", "链接有效天数"),
      ],
      (answer["surveys"]?.arrayValue ?? []).map { survey in
        let (name, version) = (survey["survey"]?.stringValue ?? "", survey["version"]?.numberText)
        let former = survey["is_current"] == true ? "" : visit.say(" (former)", "（旧）")
        return [
          .link(visit.say(survey["title"]), visit.target("/surveys/\(name)", [(name: "version", value: version)])), .text(name),
          .text((version ?? "–") + former), .text((survey["metric"]?.stringValue ?? "").uppercased()), .text(purpose(survey["purpose"]?.stringValue, visit)),
          .number(visit.number(survey["expires_days"])),
        ]
      })
    if let file = visit.file(of: [table]) { return file }
    let title = visit.say("What we ask", "问卷")
    return visit.page(title, .surveys) {
      Element(.h1, title)
      SurveySection.tabs(visit, .asked)
      table.element(visit, empty: visit.say("There is no survey.", "没有问卷。"))
      Element(.p) {
        if isAll { Parts.link(visit.say("Only those that are asked now", "仅当前版本"), visit.target(path)) } else {
          Parts.link(visit.say("Former versions too", "包括旧版本"), visit.target(path, [(name: "all", value: "true")]))
        }
      }
    }
  }

  static func purpose(_ word: String?, _ visit: Visit) -> String { DeskWords.say(word, visit) { purposes[$0] } }
  private static let purposes = [
    "relationship": LocalizedName(en: "how we stand", zh: "关系"), "transaction": LocalizedName(en: "how something went", zh: "交易"),
    "recovery": LocalizedName(en: "whether it is good again", zh: "挽回"), "research": LocalizedName(en: "to learn something", zh: "研究"),
  ]

  // MARK: - One

  private static func one(_ visit: Visit) async throws -> Response {
    let name = try visit.request.parameter("survey")
    let version = visit.request.query["version"].flatMap { Int64($0) }.map(String.init)
    let survey = try await visit.api.get(.feedback, "/v1/surveys/\(PercentEncoding.encoded(name))", [(name: "version", value: version)])
    let metric = survey["metric"]?.stringValue.flatMap(AnswerEvent.Metric.init(rawValue:)) ?? .nps
    let (title, days) = (visit.say(survey["title"]), visit.number(survey["expires_days"]))
    return visit.page(title, .surveys) {
      Element(.p, [.class("trail")]) { Parts.link(visit.say("What we ask", "问卷"), visit.target(path)) }
      Element(.h1, title)
      Parts.facts([
        (name: visit.say("Name", "名称"), value: visit.text(survey["survey"])), (name: visit.say("Version", "版本"), value: visit.text(survey["version"])),
        (name: visit.say("Figure", "指标"), value: metric.rawValue.uppercased()),
        (name: visit.say("What for", "用途"), value: purpose(survey["purpose"]?.stringValue, visit)),
        (name: visit.say("A link works", "链接有效期"), value: visit.say("\(days) days", "\(days) 天")),
        (name: visit.say("Written by", "作者"), value: visit.text(survey["author"])),
      ])
      if survey["is_current"] != true { Notice.plain(visit.say("This version is asked no more.", "该版本已不再使用。")) }
      Element(.ol, [.class("questions")]) {
        Element(.li) {
          Element(.p) { Element(.strong, visit.say(survey["question"])) }
          let (low, high) = (visit.say(survey["scale"]?["low"]), visit.say(survey["scale"]?["high"]))
          Element(.p, [.class("soft")], "\(metric.scores.lowerBound) \(low) … \(metric.scores.upperBound) \(high)")
        }
        if let comment = survey["comment"], !comment.isNull {
          Element(.li) {
            Element(.p) { Element(.strong, visit.say(comment)) }
            Element(.p, [.class("soft")], visit.say("in the customer's own words", "自由填写"))
          }
        }
        for question in survey["questions"]?.arrayValue ?? [] { self.question(question, visit) }
      }
      Element(.p, visit.say("In the end: \(visit.say(survey["thanks"]))", "结束语：\(visit.say(survey["thanks"]))"))
      if visit.may(.figuresRead) {
        let query: [(name: String, value: String?)] = [(name: "survey", value: name), (name: "metric", value: metric.rawValue)]
        Element(.p) { Parts.link(visit.say("What came of it", "查看结果"), visit.target(SurveySection.Place.results.rawValue, query)) }
      }
    }
  }

  private static func question(_ question: JSONValue, _ visit: Visit) -> Element {
    let options = (question["options"]?.arrayValue ?? []).map { visit.say($0["name"]) }
    let answers =
      switch question["kind"]?.stringValue {
      case "choice": options.joined(separator: " | ")
      case "yes_no": visit.say("yes | no", "是 | 否")
      default: visit.say("in the customer's own words", "自由填写")
      }
    return Element(.li) {
      Element(.p) {
        Element(.strong, visit.say(question["text"]))
        " "
        Element(.small) { Element(.code, question["id"]?.stringValue ?? "") }
      }
      Element(.p, [.class("soft")], answers)
      if let condition = condition(question["when"], visit) { Element(.p, [.class("note")], condition) }
    }
  }

  /// On which answers the question is asked; nil: always.
  private static func condition(_ when: JSONValue?, _ visit: Visit) -> String? {
    var parts: [String] = []
    if let from = when?["from"]?.numberText, let to = when?["to"]?.numberText { parts.append(visit.say("on scores \(from) to \(to)", "分数为 \(from) 至 \(to)")) }
    if let earlier = when?["question"]?.stringValue {
      let answers = (when?["is"]?.arrayValue ?? []).compactMap(\.stringValue).joined(separator: visit.say(" or ", " 或 "))
      parts.append(visit.say("after \(earlier) was answered by \(answers)", "\(earlier) 回答为 \(answers)"))
    }
    return parts.isEmpty ? nil : visit.say("Only \(parts.joined(separator: ", and "))", "仅当\(parts.joined(separator: "，且"))")
  }
}
