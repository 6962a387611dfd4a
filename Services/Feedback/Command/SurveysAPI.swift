// Surveys over HTTP (F-01): what customers are asked, and what they were asked in former versions.
import Access
import Domain
import FeedbackCore
import HTTP
import Runtime
import Text

struct SurveysAPI: Sendable {
  let surveys: SharedSurveys

  func add(to router: inout Router) {
    router.get("/v1/surveys", needs: .surveysRead) { try list($0) }
    router.get("/v1/surveys/{survey}", needs: .surveysRead) { try show($0) }
  }

  private func list(_ request: Request) throws -> Response {
    var reader = QueryReader(request.query)
    let isAll = reader.flag("all")
    try reader.finish()
    let book = surveys.value
    let listed = (isAll ? book.all : book.current).map { JSONValue.object(SurveyView.head($0, in: book)) }
    return .json(JSONValue.object([JSONMember("surveys", .array(listed))]).encoded)
  }

  private func show(_ request: Request) throws -> Response {
    let name = try request.parameter("survey")
    var reader = QueryReader(request.query)
    let version = reader.number("version", in: 1...1_000_000)
    try reader.finish()
    let book = surveys.value
    guard let found = version.map({ book[SurveyReference(name: name, version: $0)] }) ?? book.current(named: name) else {
      throw Problem(.notFound, title: "No such survey", detail: "there is no such survey; GET /v1/surveys?all=true lists all that there are")
    }
    return .json(SurveyView.survey(found, in: book).encoded)
  }
}

enum SurveyView {
  static func head(_ survey: Survey, in book: SurveyBook) -> [JSONMember] {
    [
      JSONMember("survey", .text(survey.reference.name)), JSONMember("version", .integer(Int64(survey.reference.version))),
      JSONMember("is_current", .boolean(book.isCurrent(survey))), JSONMember("metric", .text(survey.metric.rawValue)),
      JSONMember("purpose", .text(survey.purpose.rawValue)), JSONMember("expires_days", .integer(Int64(survey.expiresAfterDays))),
      JSONMember("title", .name(survey.title)), JSONMember("question", .name(survey.question)),
    ]
  }

  static func survey(_ survey: Survey, in book: SurveyBook) -> JSONValue {
    .object(
      head(survey, in: book) + [
        JSONMember("author", .text(survey.author)), JSONMember("scale", ["low": .name(survey.ends.low), "high": .name(survey.ends.high)]),
        JSONMember("comment", survey.comment.map(JSONValue.name) ?? .null), JSONMember("questions", .array(survey.questions.map(question))),
        JSONMember("thanks", .name(survey.thanks)),
      ])
  }

  private static func question(_ question: SurveyQuestion) -> JSONValue {
    let (kind, options): (String, JSONValue) =
      switch question.kind {
      case .text: ("text", .null)
      case .yesNo: ("yes_no", .null)
      case .choice(let options): ("choice", .array(options.map { ["id": .text($0.id), "name": .name($0.name)] }))
      }
    let (scores, earlier) = (question.condition.scores, question.condition.earlier)
    let when: JSONValue = [
      "from": scores.map { .integer($0.lowerBound) } ?? .null, "to": scores.map { .integer($0.upperBound) } ?? .null,
      "question": .textOrNull(earlier?.question), "is": earlier.map { .array($0.answers.map { .text($0) }) } ?? .null,
    ]
    return [
      "id": .text(question.id), "kind": .text(kind), "text": .name(question.text), "options": options, "when": scores == nil && earlier == nil ? .null : when,
    ]
  }
}
