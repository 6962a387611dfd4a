// A survey's file: what is shipped, the document's example, and files with many things wrong (F-01).

import Documents
import Domain
import Testing

struct SurveyDocumentTests {
  private func read(_ text: String) throws -> Survey { try SurveyDocument.decode(Array(text.utf8), source: "s.yaml") }

  private func faults(_ text: String) throws -> [String] {
    let error = #expect(throws: DocumentFaults.self) { try read(text) }
    return error?.faults.map { "\($0.line) \($0.path): \($0.problem)" } ?? []
  }

  @Test("What is shipped asks for each metric, in two weeks, with comments", arguments: [
    ("nps-quarterly", AnswerEvent.Metric.nps, Survey.Purpose.relationship), ("csat-after-ticket", .csat, .transaction),
    ("ces-after-ticket", .ces, .transaction), ("ces-after-delivery", .ces, .transaction),
    ("csat-first-order", .csat, .relationship),
  ])
  func shipped(name: String, metric: AnswerEvent.Metric, purpose: Survey.Purpose) throws {
    let path = "\(Repository.root)/\(SurveyDocument.shippedFolder)\(name).yaml"
    let survey = try SurveyDocument.decode(try DocumentFile.read(path), source: path)
    #expect(survey.reference == SurveyReference(name: name, version: 1) && survey.metric == metric && survey.purpose == purpose)
    #expect(survey.expiresAfterDays == 14 && survey.comment != nil && !survey.questions.isEmpty)
  }

  /// The example of docs/feedback.md is a file that is taken.
  @Test func theDocumentsExampleIsRead() throws {
    let text = String(decoding: try DocumentFile.read("\(Repository.root)/docs/feedback.md"), as: UTF8.self)
    let start = try #require(text.firstRange(of: "    survey: nps-quarterly ")).lowerBound
    let end = try #require(text[start...].firstRange(of: "    end: true\n")).upperBound
    let survey = try read(text[start..<end].split(separator: "\n", omittingEmptySubsequences: false).map { $0.dropFirst(4) }.joined(separator: "\n"))
    #expect(survey.questions.map(\.id) == ["area", "reached-us", "suggestion"] && survey["area"]?.choices == ["price", "service"])
    #expect(survey["reached-us"]?.condition == .init(earlier: .init(question: "area", answers: ["service"])))
    #expect(survey["suggestion"]?.condition.scores == 7...10 && survey["suggestion"]?.choices == nil)
  }

  private static let head = """
    survey: s
    version: 1
    author: me
    metric: csat
    purpose: research
    expires_days: 14
    title: {en: t, zh: t}
    question: {en: q, zh: q}
    scale: {low: {en: l, zh: l}, high: {en: h, zh: h}}
    thanks: {en: t, zh: t}

    """

  @Test func everyFaultOfTheFileIsToldWithItsLine() throws {
    let text = """
      survey: s
      version: 0
      author: me
      metric: happiness
      purpose: fun
      expires_days: 400
      title: {en: t}
      scale: {low: {en: l, zh: l}}
      questions:
        - {id: a, kind: mood, text: {en: a, zh: a}}
        - {id: b, kind: text, text: {en: b, zh: b}, options: []}
        - {id: c, kind: choice, text: {en: c, zh: c}, when: {}}
        - {id: d, kind: text, text: {en: d, zh: d}, when: {from: 5, to: 3}}
      thanks: {en: t, zh: t}
      end: true
      """
    #expect(
      try faults(text) == [
        "1 question: `question` is missing", "2 version: from 1 to 1000000, not 0", "4 metric: one of nps, csat, ces is needed here",
        "5 purpose: one of relationship, transaction, recovery, research is needed here", "6 expires_days: from 1 to 90, not 400",
        "7 title.zh: `zh` is missing",
        "8 scale.high: `high` is missing", "10 questions[0].kind: one of text, choice, yes_no is needed here",
        "11 questions[1].options: only a `choice` has options", "12 questions[2].options: `options` is missing",
        "12 questions[2].when: say when: `from` and `to` of the score, or `question` and `is`", "13 questions[3].when.to: 3 lies below `from`, 5",
      ])
  }

  @Test func everyBrokenRuleOfTheQuestionsIsToldWithItsLine() throws {
    let text = Self.head + """
      questions:
        - {id: comment, kind: text, text: {en: a, zh: a}}
        - {id: B, kind: text, text: {en: a, zh: a}, when: {from: 0, to: 5}}
        - {id: c, kind: choice, text: {en: a, zh: a}, options: [{id: x, name: {en: x, zh: x}}]}
        - {id: d, kind: choice, text: {en: a, zh: a}, options: [{id: x, name: {en: x, zh: x}}, {id: x, name: {en: x, zh: x}}]}
        - {id: d, kind: yes_no, text: {en: a, zh: a}, when: {question: later, is: [x]}}
        - {id: later, kind: text, text: {en: a, zh: a}, when: {question: B, is: [x]}}
        - {id: f, kind: text, text: {en: a, zh: a}, when: {question: c, is: [x, y]}}
        - {id: g, kind: text, text: {en: a, zh: a}, when: {question: c, is: []}}
      end: true
      """
    #expect(
      try faults(text) == [
        "12 questions[0].id: `comment` is the name of the question for a comment", "13 questions[1].id: small letters, digits and hyphens, at most 64",
        "13 questions[1].when: scores of csat go from 1 to 5", "14 questions[2].options: from 2 to 20 are needed, not 1",
        "15 questions[3].options[1].id: `x` is listed already", "16 questions[4].id: `d` is listed already",
        "16 questions[4].when.question: `later` is no question before this one",
        "17 questions[5].when.question: `B` is answered in the customer's own words: name one with answers to choose from",
        "18 questions[6].when.is[1]: `c` has no answer `y`; it has x", "19 questions[7].when.is: at least one answer is needed",
      ])
  }
}
