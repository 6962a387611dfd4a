// Whom the business gets back to, told once each, and whom it won back (F-05).
import Contracts
import Domain
import FeedbackCore
import FeedbackStore
import Postgres
import TestSupport
import Testing

@testable import feedback

@Suite struct ClosedLoopTests {
  private func told(_ metric: AnswerEvent.Metric, _ score: Int64, suggestion: String = "") throws -> ContactEvent.Kind? {
    let received = try answer("a", 7, of: 8, metric: metric, score: score, comment: "慢", suggestion: suggestion)
    let record = AnswerRecord(
      number: received.number, identity: received.content.identity, customer: received.content.customer, tier: nil, answer: received.content.answer)
    return ClosedLoop.contact(for: record, version: 3)?.contact.kind
  }

  @Test func detractorsAndTheDissatisfiedAreGotBackToAndNobodyElse() throws {
    for score in AnswerEvent.Metric.nps.scores { #expect(try told(.nps, score) == (score <= 6 ? .complaint : nil), "NPS \(score)") }
    for score in AnswerEvent.Metric.csat.scores { #expect(try told(.csat, score) == (score <= 2 ? .complaint : nil), "CSAT \(score)") }
    for score in AnswerEvent.Metric.ces.scores { #expect(try told(.ces, score) == nil, "CES \(score)") }
  }

  @Test func aSuggestionIsOneWhoeverMakesItAndAComplaintComesFirst() throws {
    #expect(try told(.nps, 10, suggestion: "open on Sundays") == .suggestion && told(.ces, 7, suggestion: "周日营业") == .suggestion)
    #expect(try told(.csat, 1, suggestion: "open on Sundays") == .complaint && told(.nps, 10, suggestion: " \n ") == nil)
  }

  @Test func theContactSaysWhoseItIsWhatWasSaidAndIsTheSameHoweverOften() throws {
    let received = try answer("a", 7, of: 8, metric: .nps, score: 3, survey: "after-ticket", channel: "sms", comment: "物流太慢", suggestion: "换快递")
    let record = AnswerRecord(
      number: received.number, identity: received.content.identity, customer: received.content.customer, tier: nil, answer: received.content.answer)
    let contact = try #require(ClosedLoop.contact(for: record, version: 3))
    #expect(contact.customer.number == 8 && contact.identity.number == 7 && contact.version == 3)
    #expect(contact.contact.text == "NPS 3/10\n物流太慢\n换快递" && contact.contact.category == "after-ticket" && contact.contact.channel == "sms")
    #expect(contact.contact.source == "feedback" && contact.contact.occurredAt == received.content.answer.occurredAt)
    #expect(try contact == #require(ClosedLoop.contact(for: record, version: 3)))
    // The longest comment that may come: what is put in front of it costs the end, not the message.
    let long = try answer("b", 7, of: 8, score: 0, comment: String(repeating: "慢", count: ContractLimits.longTextBytesMax / 3))
    let whole = AnswerRecord(number: 1, identity: CustomerID(number: 7), customer: CustomerID(number: 8), tier: nil, answer: long.content.answer)
    let text = try #require(ClosedLoop.contact(for: whole, version: 1)).contact.text
    #expect(text.hasPrefix("NPS 0/10\n慢") && text.utf8.count <= ContractLimits.longTextBytesMax && text.utf8.count > ContractLimits.longTextBytesMax - 4)
  }
}

@Suite(.enabled(if: TestDatabase.isAvailable, "\(TestDatabase.whyNot)")) struct LoopTablesTests {
  @Test func anAnswerIsToldOnceForTheCustomerThatItBelongsToByNow() async throws {
    let bad = try answer("a", 7, of: 7, score: 0)
    let (first, again) = try await Tables.with { settings in
      try await Tables.session(settings) { session in
        _ = try Tables.take([.move(move(7, to: 9, 5))], session)
        func receive() throws -> [CustomerContact] {
          try session.transaction { session in
            var store = PostgresFeedbackStore(session)
            return try FeedbackBatch.receive([bad, try answer("good", 7, of: 7, score: 10)], &store, comments: try commentRules()).contacts
          }
        }
        return (try receive(), try receive())
      }
    }
    #expect(first.map(\.customer.number) == [9] && first.first?.version == 5 && again.isEmpty)
  }

  @Test func whoeverIsNoLongerUnhappyInTheLastAnswerIsWonBack() async throws {
    var items: [FeedbackItem] = []
    func give(_ customer: Int64, _ scores: [Int64]) throws {
      for (number, score) in scores.enumerated() {
        items.append(.answer(try answer("\(customer)-\(number)", customer, of: customer, at: moment("2026-11-01", hours: Int64(number)), score: score)))
      }
    }
    try give(1, [3, 9])
    try give(2, [3, 9, 2])
    try give(3, [3])
    try give(4, [9, 9])
    try give(5, [8, 0, 1, 7])
    // What was answered to another metric wins nobody back.
    items.append(.answer(try answer("3-csat", 3, of: 3, at: moment("2026-11-03"), metric: .csat, score: 5)))
    let taken = items
    let figures = try await Tables.with { settings in
      try await Tables.session(settings) { session in
        _ = try Tables.take(taken, session)
        let day = Day(year: 2026, month: 11, day: 1) ?? Day(number: 0)
        let period = try #require(AnswerReport.Period(from: day, to: day))
        return try AnswerQueries.recovery(of: .nps, survey: nil, over: period, spanDays: 90, today: day, in: zone, session)
      }
    }
    #expect(figures.unfavourable == 4 && figures.askedAgain == 3 && figures.recovered == 2 && figures[.notAgain].customers == 1)
    #expect(figures.share?.value == Rational(200, over: 3))
    #expect(RecoveryFigures(spanDays: 90).share == nil)
  }
}
