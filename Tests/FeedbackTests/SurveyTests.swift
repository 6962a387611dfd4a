// Surveys in the service: registered once for all, read by their names over HTTP (F-01).
import Documents
import Domain
import FeedbackCore
import FeedbackStore
import HTTP
import Postgres
import Runtime
import TestSupport
import Testing
import Text

@testable import feedback

@Suite(.enabled(if: TestDatabase.isAvailable, "\(TestDatabase.whyNot)")) struct SurveyTests {
  private func file(_ change: (String) -> String = { $0 }) throws -> RuleFile<Survey> {
    let text = change(try #require(Resources.text("deploy/surveys/csat-after-ticket.yaml")))
    return try RuleFile(Array(text.utf8), source: "mine.yaml") { bytes, source throws(DocumentFaults) in try SurveyDocument.decode(bytes, source: source) }
  }

  @Test func aVersionStaysWhatItWasAndFormerOnesCanStillBeAnswered() async throws {
    let first = try file()
    let other = try file { $0.replacing("very satisfied", with: "delighted") }
    let second = try file { $0.replacing("version: 1", with: "version: 2") }
    try await Tables.with { settings in
      try await Tables.session(settings) { session in
        #expect(try SurveyRegister.register([first], at: moment("2026-11-01"), session).all == [first.content])
        #expect(try SurveyRegister.register([first], at: moment("2026-11-02"), session).all.count == 1)
        let error = #expect(throws: RuleChanged.self) { try SurveyRegister.register([other], at: moment("2026-11-03"), session) }
        #expect(error?.description.contains("mine.yaml differs from the registered survey csat-after-ticket v1") == true)
        let book = try SurveyRegister.register([second], at: moment("2026-11-04"), session)
        #expect(book.all == [first.content, second.content] && book.current == [second.content])
      }
    }
  }

  @Test func whatIsAskedIsToldByNameAndVersion() async throws {
    let (first, second) = (try file().content, try file { $0.replacing("version: 1", with: "version: 2") }.content)
    var router = Router()
    SurveysAPI(surveys: SharedSurveys(SurveyBook(current: [second], former: [first]))).add(to: &router)
    func ask(_ target: String) async throws -> JSONValue { try JSONValue(try await router.respond(to: try Request(.get, target)).bytes ?? []) }
    #expect(try await ask("/v1/surveys")["surveys"]?.arrayValue?.map { $0["version"] } == [2])
    #expect(try await ask("/v1/surveys?all=true")["surveys"]?.arrayValue?.map { $0["is_current"] } == [false, true])
    let shown = try await ask("/v1/surveys/csat-after-ticket")
    #expect(shown["version"] == 2 && shown["questions"]?.arrayValue?.map { $0["id"] } == ["solved", "missed"])
    #expect(shown["questions"]?.arrayValue?.last?["when"]?["to"] == 3)
    #expect(try await ask("/v1/surveys/csat-after-ticket?version=1")["is_current"] == false)
    #expect(try await ask("/v1/surveys/csat-after-ticket?version=3")["title"] == "No such survey")
    #expect(try await ask("/v1/surveys?all=maybe")["errors"]?.arrayValue?.first?["field"] == "all")
  }

  @Test func aFileOfOnesOwnTakesThePlaceOfTheShippedOneOfItsName() throws {
    let path = "/tmp/clientele-survey-\(UInt64.random(in: 0 ... .max)).yaml"
    try Files.write(path, try file { $0.replacing("version: 1", with: "version: 7") }.yaml)
    var reader = SettingsReader(arguments: ["survey-files": path], environment: ["FEEDBACK_LINK_KEY": "0123456789abcdef"])
    let settings = try #require(FeedbackSettings(&reader))
    #expect(settings.surveys.value.current.map(\.reference.description).sorted() == [
      "ces-after-delivery v1", "ces-after-ticket v1", "csat-after-ticket v7", "csat-first-order v1", "nps-quarterly v1",
    ])
    var twice = SettingsReader(arguments: ["survey-files": "\(path), \(path)"], environment: ["FEEDBACK_LINK_KEY": "0123456789abcdef"])
    #expect(FeedbackSettings(&twice) == nil && twice.faults.first?.problem.contains("both called csat-after-ticket") == true)
    var missing = SettingsReader(arguments: ["survey-files": "/nowhere.yaml"], environment: ["FEEDBACK_LINK_KEY": "0123456789abcdef"])
    #expect(FeedbackSettings(&missing) == nil && missing.faults.map(\.setting) == ["survey-files"])
  }
}
