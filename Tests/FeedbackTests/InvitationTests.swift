// Invitations in their tables, and the links that lead to them (F-02, F-03).
import Contracts
import Documents
import Domain
import Handling
import FeedbackCore
import FeedbackStore
import Postgres
import Runtime
import Telemetry
import TestSupport
import Testing
import Text

@testable import Messaging
@testable import feedback

func shippedSurvey(_ name: String = "nps-quarterly") throws -> Survey {
  try #require(try FeedbackSettings.shippedSurveys().first { $0.content.reference.name == name }).content
}

func order(
  _ customers: [Int64], reference: String = "spring", survey: String = "nps-quarterly", language: Language? = nil, sent: Bool = true
) throws -> InvitationOrder {
  InvitationOrder(
    try shippedSurvey(survey), to: customers.map(CustomerID.init(number:)), because: InvitationCause(.hand, reference: reference),
    about: InvitationSubject(ticketID: "T1"), channel: "email", in: language, by: "Wang Fang", isSent: sent)
}

/// Anybody may be asked at any time.
func freeBudget() throws -> ContactBudget {
  try ContactBudget(gapDays: 0, yearlyMax: 100, priority: [.recovery, .relationship, .transaction, .research], reserved: [:])
}

@Suite("Invitations", .enabled(if: TestDatabase.isAvailable, "\(TestDatabase.whyNot)")) struct InvitationTests {
  private static let day = moment("2026-11-01", hours: 9)

  private func invite(_ order: InvitationOrder, at now: Instant = Self.day, _ session: PostgresSession) throws -> [InvitationOutcome] {
    try session.transaction { session in
      var store = PostgresFeedbackStore(session)
      return try InvitationDesk.invite(order, &store, budget: try freeBudget(), at: now)
    }
  }

  private func words(_ outcomes: [InvitationOutcome]) -> [String] {
    outcomes.map {
      switch $0 {
      case .invited: "invited"
      case .known: "known"
      case .refused(let refusal): refusal.rawValue
      case .held(let reason, _): reason.rawValue
      }
    }
  }

  private func invitation(_ outcome: InvitationOutcome?) -> Invitation? {
    switch outcome {
    case .invited(let invitation), .known(let invitation): invitation
    case .refused, .held, nil: nil
    }
  }

  @Test func eachIsInvitedOnceForAReferenceUnderTheTierOfThatMoment() async throws {
    try await Tables.with { settings in
      try await Tables.session(settings) { session in
        _ = try Tables.take([.tier(tier(1, 1, "vip", at: moment("2026-01-01"))), .tier(tier(2, 1, "key", at: moment("2026-01-01")))], session)
        let first = try invite(try order([1, 2, 3, 1]), session)
        #expect(words(first) == ["invited", "invited", "unknown", "twice"])
        let made = try #require(invitation(first.first))
        #expect(made.tier?.text == "vip" && made.state(at: Self.day) == .sent && made.expiresAt == moment("2026-11-15", hours: 9))
        #expect(try InvitationQueries.invitation(made.id, session) == made)
        let again = try invite(try order([2, 1]), at: moment("2026-11-02"), session)
        #expect(words(again) == ["known", "known"] && invitation(again.last) == made)
        #expect(words(try invite(try order([1], reference: "autumn"), session)) == ["invited"])
        #expect(words(try invite(try order([1], survey: "ces-after-ticket"), session)) == ["invited"])
        #expect(try InvitationQueries.page(InvitationFilter(), at: Self.day, after: nil, limit: 10, session).count == 4)
      }
    }
  }

  @Test func theyFollowTheirCustomerOverAMergeAndBack() async throws {
    try await Tables.with { settings in
      try await Tables.session(settings) { session in
        _ = try Tables.take([.tier(tier(1, 1, "vip", at: moment("2026-01-01"))), .tier(tier(2, 1, "key", at: moment("2026-01-01")))], session)
        let made = try #require(invitation(try invite(try order([2]), session).first))
        _ = try Tables.take([.move(move(2, to: 1, 5))], session)
        #expect(try InvitationQueries.invitation(made.id, session)?.customer == CustomerID(number: 1))
        // One who is asked by either number is the same customer now.
        #expect(words(try invite(try order([1, 2], reference: "autumn"), session)) == ["invited", "twice"])
        #expect(try InvitationQueries.page(InvitationFilter(customer: CustomerID(number: 1)), at: Self.day, after: nil, limit: 10, session).count == 2)
        _ = try Tables.take([.move(move(2, to: 2, 6))], session)
        #expect(try InvitationQueries.invitation(made.id, session)?.customer == CustomerID(number: 2))
      }
    }
  }

  @Test func whoWantsNoneIsNotInvitedAndThatFollowsTheCustomerToo() async throws {
    try await Tables.with { settings in
      try await Tables.session(settings) { session in
        _ = try Tables.take([.tier(tier(1, 1, "vip", at: moment("2026-01-01"))), .tier(tier(2, 1, "key", at: moment("2026-01-01")))], session)
        func optOut(_ number: Int64) throws -> Bool {
          try session.transaction { try InvitationDesk.optOut(CustomerID(number: number), by: "Li", because: "", PostgresFeedbackStore($0), at: Self.day) }
        }
        #expect(try optOut(2) && !optOut(9))
        #expect(words(try invite(try order([1, 2]), session)) == ["invited", "opted_out"])
        _ = try Tables.take([.move(move(2, to: 1, 5))], session)
        #expect(words(try invite(try order([1], reference: "autumn"), session)) == ["opted_out"])
        #expect(try InvitationQueries.optIn(CustomerID(number: 1), session))
        #expect(words(try invite(try order([1], reference: "winter"), session)) == ["invited"])
      }
    }
  }

  @Test func whatWasSaidBecomesOneAnswerOnceItIsWholeOrNobodyAddsToIt() async throws {
    try await Tables.with { settings in
      try await Tables.session(settings) { session in
        _ = try Tables.take([.tier(tier(1, 1, "vip", at: moment("2026-01-01")))], session)
        let survey = try shippedSurvey()
        let made = try #require(invitation(try invite(try order([1]), session).first))
        let work = try Due(session, SurveyBook(current: [survey]))
        _ = try InvitationQueries.say(made.id, session) { invitation in try invitation.give(3, in: survey, at: Self.day) }
        let planned = try work.planned()
        #expect(planned == [made.id.number: Self.day.adding(seconds: Invitation.idleSeconds)])
        // Too early: it is done again when nothing was added for half an hour.
        let early = try work.run([made.id], at: Self.day.adding(seconds: 60))
        #expect(early.answers.isEmpty && early.left.map(\.at) == [Self.day.adding(seconds: Invitation.idleSeconds)])
        #expect(try InvitationQueries.invitation(made.id, session)?.state(at: Self.day) == .begun)
        let done = try work.run([made.id], at: Self.day.adding(seconds: Invitation.idleSeconds))
        let told = try #require(done.answers.first)
        #expect(done.left.isEmpty && done.answers.count == 1 && told.identity == CustomerID(number: 1))
        #expect(told.answer.source == "survey-link" && told.answer.eventID == made.id.description && told.answer.occurredAt == Self.day)
        #expect(told.answer.score == 3 && told.answer.ticketID == "T1" && told.answer.channel == "email" && told.answer.surveyVersion == 1)
        // From here on the page is closed, and the same work says the same once more.
        #expect(try InvitationQueries.invitation(made.id, session)?.closed(at: Self.day) == .answered)
        #expect(try work.run([made.id], at: moment("2026-11-03")).answers == done.answers)
      }
    }
  }

  /// The lane of due work, as far as these tests need it.
  private struct Due {
    let session: PostgresSession
    let handler: FeedbackDueHandler

    init(_ session: PostgresSession, _ book: SurveyBook) throws {
      self.session = session
      let shipped = try #require(try FeedbackSettings.shipped())
      handler = FeedbackDueHandler(
        asking: AskingSource(rules: shipped.asking.content, surveys: SharedSurveys(book), zone: zone), pages: shipped.pages,
        measures: FeedbackMeasures(Metrics()))
    }

    func planned() throws -> [Int64: Instant] {
      let rows = try session.query(Statement(name: "planned", sql: "SELECT id, due_at FROM due_work WHERE kind = \(FeedbackWork.answer)"))
      return Dictionary(uniqueKeysWithValues: try (0..<rows.count).map { (try rows.int64($0, 0), Instant(microseconds: try rows.timestamptz($0, 1))) })
    }

    func run(_ ids: [InvitationID], at now: Instant) throws -> (left: [DueItem], answers: [CustomerAnswer]) {
      let outbox = OutboxWriter(layout: TopicLayout([Topics.pageAnswers.name: 1]), lanes: LaneTable(), statesByName: [])
      var scope = LaneScope(session: session, now: now, outbox: outbox, lane: "due")
      let items = ids.map { DueItem(kind: FeedbackWork.answer, id: $0.number, at: now) }
      let left = try session.transaction { _ in try handler.apply(items, &scope) }
      var answers: [CustomerAnswer] = []
      for row in try scope.outbox.finish().rows {
        try row.body.withUnsafeBytes { bytes in
          var reader = FrameReader(bytes)
          while !reader.isAtEnd {
            guard let value = try reader.next().value else { continue }
            var json = JSONReader(value)
            answers.append(try CustomerAnswer(reading: &json))
          }
        }
      }
      return (left, answers)
    }
  }
}

@Suite struct LinkTests {
  private static let key = Array("0123456789abcdef".utf8)
  private static let newer = Array("fedcba9876543210".utf8)

  @Test func aTokenLeadsToItsInvitationAndNoOtherTextDoes() throws {
    let links = try LinkTokens(keys: [Self.key])
    let id = InvitationID(number: 0x1234_5678_9ABC_DEF0)
    let token = try links.token(for: id)
    // Python: base64.urlsafe_b64encode(bytes.fromhex(id) + hmac.digest(key, b"\x4c\x00" + id.encode(), "sha256")[:16])
    #expect(token == "EjRWeJq83vAUg6IzNcX-hRLioHVBQfzu", "\(token)")
    #expect(try links.invitation(of: token) == id && token.utf8.count == LinkTokens.length)
    for place in token.indices {
      for letter in ["A", "z", "-", "_", "é", "="] where String(token[place]) != letter {
        let forged = token.replacingCharacters(at: place, by: letter)
        #expect(try links.invitation(of: forged) == nil, "\(forged)")
      }
    }
    for text in ["", token + "A", String(token.dropLast()), String(repeating: "A", count: 32)] { #expect(try links.invitation(of: text) == nil) }
  }

  @Test func keysAreRenewedWithoutBreakingLinksThatAreUnderWay() throws {
    let (old, both, new) = (try LinkTokens(keys: [Self.key]), try LinkTokens(keys: [Self.newer, Self.key]), try LinkTokens(keys: [Self.newer]))
    let id = InvitationID(number: 7)
    let before = try old.token(for: id)
    #expect(try both.invitation(of: before) == id && new.invitation(of: before) == nil)
    #expect(try both.token(for: id) == new.token(for: id) && both.token(for: id) != before)
  }

  @Test("A setting that cannot sign links is told with what to do", arguments: [("", 1), ("short", 1), ("0123456789abcdef,", 1), ("0123456789abcdef", 0)])
  func settings(text: String, faults: Int) {
    var reader = SettingsReader(arguments: [:], environment: ["FEEDBACK_LINK_KEY": text])
    #expect((FeedbackSettings(&reader) == nil) == (faults > 0) && reader.faults.map(\.setting) == Array(repeating: "FEEDBACK_LINK_KEY", count: faults))
  }

  @Test("Where pages are reached is an address without an end", arguments: [
    ("https://ask.example.com", true), ("http://127.0.0.1:8085", true), ("ask.example.com", false), ("https://ask.example.com/", false), ("https://a b", false),
  ])
  func publicURL(text: String, isGood: Bool) {
    var reader = SettingsReader(arguments: ["public-url": text], environment: ["FEEDBACK_LINK_KEY": "0123456789abcdef"])
    _ = FeedbackSettings(&reader)
    #expect(reader.faults.map(\.setting) == (isGood ? [] : ["public-url"]))
  }
}

extension String {
  fileprivate func replacingCharacters(at place: Index, by letter: String) -> String { String(self[..<place]) + letter + String(self[index(after: place)...]) }
}
