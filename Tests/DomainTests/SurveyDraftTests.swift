// The way through a survey: which question follows on which answer, and what counts in the end (F-01, F-03).
import Domain
import Testing

struct SurveyDraftTests {
  private static func name(_ text: String) -> LocalizedName { LocalizedName(en: text, zh: text) }

  private func survey(comment: Bool = true) throws -> Survey {
    try Survey(
      reference: SurveyReference(name: "s", version: 1), author: "me", metric: .nps, purpose: .research, expiresAfterDays: 14, title: Self.name("t"),
      question: Self.name("q"), ends: .init(low: Self.name("l"), high: Self.name("h")), comment: comment ? Self.name("why") : nil,
      questions: [
        SurveyQuestion(
          id: "area", text: Self.name("a"), kind: .choice([.init(id: "price", name: Self.name("p")), .init(id: "service", name: Self.name("s"))]),
          condition: .init(scores: 0...8)),
        SurveyQuestion(
          id: "called", text: Self.name("c"), kind: .yesNo, condition: .init(scores: 0...6, earlier: .init(question: "area", answers: ["service"]))),
        SurveyQuestion(id: "who", text: Self.name("w"), kind: .text, condition: .init(earlier: .init(question: "called", answers: ["yes"]))),
        SurveyQuestion(id: "suggestion", text: Self.name("s"), kind: .text, condition: .init(scores: 7...10)),
      ], thanks: Self.name("thanks"))
  }

  /// What each step asks, when every question is answered so.
  private func walk(_ survey: Survey, score: Int64, _ said: [String: String]) -> (steps: [[String]], draft: SurveyDraft) {
    var draft = SurveyDraft()
    #expect(draft.next(in: survey) == nil, "nothing before the score")
    draft.give(score)
    var steps: [[String]] = []
    while let step = draft.next(in: survey) {
      steps.append((step.asksComment ? ["comment"] : []) + step.questions.map(\.id))
      draft.take(step, said)
    }
    return (steps, draft)
  }

  @Test func aQuestionComesOnItsScoresAndAfterItsAnswersAlone() throws {
    let survey = try survey()
    #expect(walk(survey, score: 9, [:]).steps == [["comment", "suggestion"]])
    #expect(walk(survey, score: 7, ["area": "service"]).steps == [["comment", "area", "suggestion"]])
    #expect(walk(survey, score: 2, ["area": "price"]).steps == [["comment", "area"]])
    let whole = walk(survey, score: 2, ["area": "service", "called": "yes", "who": "Li"])
    #expect(whole.steps == [["comment", "area"], ["called"], ["who"]])
    #expect(whole.draft.followUps(in: survey).map { "\($0.question)=\($0.answer)" } == ["area=service", "called=yes", "who=Li"])
    #expect(walk(try self.survey(comment: false), score: 9, [:]).steps == [["suggestion"]])
  }

  @Test func whatIsPassedOverEndsTheSurveyWithoutAnAnswer() throws {
    let survey = try survey()
    let (steps, draft) = walk(survey, score: 2, ["comment": "慢", "area": ""])
    #expect(steps == [["comment", "area"]] && draft.comment == "慢" && draft.followUps(in: survey).isEmpty)
  }

  @Test func withAnotherScoreOnlyWhatLiesOnItsWayCounts() throws {
    let survey = try survey()
    var draft = walk(survey, score: 2, ["area": "service", "called": "yes", "who": "Li"]).draft
    draft.give(8)
    // What was said to the question of detractors is out, and so is what followed on it.
    #expect(draft.followUps(in: survey).map(\.question) == ["area"])
    #expect(draft.next(in: survey)?.questions.map(\.id) == ["suggestion"])
    draft.give(2)
    #expect(draft.followUps(in: survey).count == 3 && draft.next(in: survey) == nil)
  }
}
