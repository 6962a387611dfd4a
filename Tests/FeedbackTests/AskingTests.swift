// Who is asked by itself, when, and what the budget lets through (F-02), on the tables.
import Contracts
import Documents
import Domain
import FeedbackCore
import FeedbackStore
import HTTP
import Handling
import Hashing
import Messaging
import Postgres
import Runtime
import TestSupport
import Testing
import Text

@testable import feedback

@Suite("Asking by itself", .enabled(if: TestDatabase.isAvailable, "\(TestDatabase.whyNot)")) struct AskingTests {
  private let asking: Asking
  private static let start = moment("2026-07-01", hours: 12)

  init() throws {
    let surveys = SurveyBook(current: try FeedbackSettings.shippedSurveys().map(\.content))
    asking = Asking(rules: try FeedbackSettings.asking(at: nil, surveys: Set(surveys.current.map(\.reference.name))).content, surveys: surveys, zone: zone)
  }

  private func with(_ body: @escaping @Sendable (Desk) throws -> Void) async throws {
    let asking = asking
    try await Tables.with { settings in try await Tables.session(settings) { try body(Desk(session: $0, asking: asking)) } }
  }

  /// What the lanes do, in a transaction each.
  struct Desk {
    let session: PostgresSession
    let asking: Asking

    func change<Value>(_ body: (inout PostgresFeedbackStore) throws -> Value) throws -> Value {
      try session.transaction { session in
        var store = PostgresFeedbackStore(session)
        return try body(&store)
      }
    }

    func resolved(
      _ number: Int64, of customer: Int64, version: Int64 = 2, kind: ContactEvent.Kind? = .fault, category: String = "", state: TicketState = .resolved,
      at: Instant, reopened: Int64 = 0, now: Instant? = nil
    ) throws {
      let ticket = TicketSnapshot(
        ticket: TicketID(number: number), version: version, customer: CustomerID(number: customer), state: state,
        subject: TicketSubject(kind: kind, category: category), priority: .p3, channel: "wechat", orderID: "A-1", openedAt: at.adding(seconds: -3_600),
        timesReopened: reopened, resolvedAt: state.isOpen ? nil : at)
      try change { try AskingDesk.tickets([ticket], &$0, asking, at: now ?? at) }
    }

    func rate(_ customer: Int64, _ word: String, version: Int64 = 1, at: Instant) throws {
      try change { try AskingDesk.rated([tier(customer, version, word, at: at)], &$0, asking, at: at) }
    }

    /// Everything due until a moment, each at its own, as the lane does it.
    func pass(to end: Instant, kinds: [Int16] = [FeedbackWork.send, FeedbackWork.remind]) throws -> [AskingDesk.Send] {
      var sends: [AskingDesk.Send] = []
      while let (kind, id, at) = try next(to: end, kinds) {
        try session.execute("DELETE FROM due_work WHERE kind = \(kind) AND id = \(id.number)")
        let outcome = try change { store in
          kind == FeedbackWork.send
            ? try AskingDesk.send([id], &store, asking, at: at) : try AskingDesk.remind([id], &store, asking, at: at)
        }
        for (id, again) in outcome.again {
          #expect(again > at)
          try session.execute("INSERT INTO due_work (kind, id, due_at) VALUES (\(kind), \(id.number), '\(RFC3339.text(again.microseconds))')")
        }
        sends += outcome.sends
      }
      return sends
    }

    private func next(to end: Instant, _ kinds: [Int16]) throws -> (Int16, InvitationID, Instant)? {
      let list = kinds.map { "\($0)" }.joined(separator: ",")
      let rows = try session.query(
        Statement(
          name: "", sql: "SELECT kind, id, due_at FROM due_work WHERE kind IN (\(list)) AND due_at <= $1 ORDER BY due_at, kind, id LIMIT 1")
      ) { $0.timestamptz(end.microseconds) }
      guard rows.count > 0 else { return nil }
      return (try rows.int16(0, 0), InvitationID(number: try rows.int64(0, 1)), Instant(microseconds: try rows.timestamptz(0, 2)))
    }

    func all(_ filter: InvitationFilter = InvitationFilter(), at now: Instant) throws -> [Invitation] {
      try InvitationQueries.page(filter, at: now, after: nil, limit: 10_000, session)
    }

    func move(_ identity: Int64, to customer: Int64, _ version: Int64) throws {
      let moved = IdentityMove(identity: CustomerID(number: identity), customer: CustomerID(number: customer), version: version, at: AskingTests.start)
      try change { try FeedbackBatch.moved([moved], &$0, at: AskingTests.start) }
    }

    func optOut(_ customer: Int64, at now: Instant) throws {
      let isKnown = try change { try InvitationDesk.optOut(CustomerID(number: customer), by: "Li", because: "", $0, at: now) }
      #expect(isKnown)
    }

    func heard(_ result: DeliveryOutcome.Result, of invitation: Invitation, kind: SurveySend.Kind = .invitation, reason: String = "", at: Instant) throws {
      let outcome = DeliveryOutcome(
        delivery: CustomerID(number: 77), result: result, kind: kind, invitation: CustomerID(number: invitation.id.number), customer: invitation.customer,
        way: .email, reason: reason, at: at)
      try change { _ = try AskingDesk.delivered([outcome], &$0, at: at) }
    }

    /// What is called back by what is due, as words: the customer of the invitation and why.
    func calledBack(at now: Instant) throws -> [String] {
      let statement = Statement(name: "", sql: "DELETE FROM due_work WHERE kind = \(FeedbackWork.withdraw) AND due_at <= $1 RETURNING id")
      let rows = try session.query(statement) { $0.timestamptz(now.microseconds) }
      let customers = try (0..<rows.count).map { CustomerID(number: try rows.int64($0, 0)) }
      return Desk.words(try change { try AskingDesk.withdraw(from: customers, &$0, at: now) })
    }

    func settle(_ invitation: Invitation, at now: Instant) throws -> InvitationDesk.Settled {
      try change { try InvitationDesk.settle([invitation.id], &$0, surveys: asking.surveys, at: now) }
    }

    static func words(_ withdrawals: [SurveyWithdrawal]) -> [String] { withdrawals.map { "\($0.customer.number) \($0.reason.rawValue)" }.sorted() }

    func contacts() throws -> Int64 { try session.query(Statement(name: "", sql: "SELECT count(*) FROM contacts")).int64(0, 0) }

    func responses() throws -> ResponseFigures {
      let period = try #require(AnswerReport.Period(from: Day(number: 20_000), to: Day(number: 21_000)))
      let report = AnswerReport(.csat, by: .survey, over: period, isCompared: false)
      return try InvitationQueries.responses(of: report, survey: nil, in: zone, session).total
    }

    func holds() throws -> Int64 { try session.query(Statement(name: "", sql: "SELECT count(*) FROM invitation_holds")).int64(0, 0) }
  }

  private static func days(_ count: Double) -> Instant { start.adding(seconds: Int64(count * 86_400)) }

  @Test("Two hours after a ticket was resolved its customer is asked, once, and reminded once; who has answered, or wants none, is not reminded")
  func tickets() async throws {
    try await with { desk in
      let start = AskingTests.start
      for number in 1...3 as ClosedRange<Int64> { try desk.resolved(number, of: number, at: start) }
      // Told again, closed, and of a kind that nobody asks about.
      try desk.resolved(1, of: 1, version: 3, state: .closed, at: start, now: start.adding(seconds: 60))
      try desk.resolved(4, of: 4, kind: .suggestion, at: start)
      // History: its time was over when it came.
      try desk.resolved(5, of: 5, at: start.adding(seconds: -20 * 86_400), now: start)
      #expect(try desk.pass(to: start.adding(seconds: 7_199)).isEmpty)
      let sends = try desk.pass(to: start.adding(seconds: 7_200))
      #expect(sends.map(\.invitation.customer.number).sorted() == [1, 2, 3] && sends.allSatisfy { !$0.isReminder })
      let one = try #require(sends.first { $0.invitation.customer.number == 1 }?.invitation)
      #expect(one.survey.name == "csat-after-ticket" && one.subject.ticketID == TicketID(number: 1).description && one.subject.orderID == "A-1")
      #expect(one.cause.kind == .ticket && one.channel == "wechat" && one.sentAt == start.adding(seconds: 7_200) && one.state(at: start) == .sent)
      #expect(one.expiresAt == start.adding(seconds: 7_200 + 14 * 86_400))
      #expect(try desk.all(at: start).count == 3)

      let survey = try #require(asking.surveys[one.survey])
      let said = start.adding(seconds: 90_000)
      _ = try desk.session.transaction { session in
        try InvitationQueries.say(one.id, session) { (invitation) throws(Invitation.Closed) in try invitation.give(5, in: survey, at: said) }
      }
      try desk.optOut(2, at: start.adding(seconds: 90_000))
      let reminders = try desk.pass(to: AskingTests.days(40))
      #expect(reminders.map(\.invitation.customer.number) == [3] && reminders.allSatisfy(\.isReminder))
      #expect(reminders.first?.invitation.remindedAt == start.adding(seconds: 7_200 + 7 * 86_400))
    }
  }

  @Test("Whoever wants no surveys has what is under way called back, once; so have those who become one with such a customer; what arrived is over")
  func calledBack() async throws {
    try await with { desk in
      let start = AskingTests.start
      for number in 1...6 as ClosedRange<Int64> { try desk.resolved(number, of: number, at: start) }
      let sent = start.adding(seconds: 7_200)
      let sends = try desk.pass(to: sent, kinds: [FeedbackWork.send]).map(\.invitation).sorted { $0.customer < $1.customer }
      // Nothing is heard of the first, the second arrived, the third did not and may be tried once more.
      try desk.heard(.accepted, of: sends[1], at: sent)
      try desk.heard(.undeliverable, of: sends[2], reason: "no_address", at: sent)
      for number in 1...3 as ClosedRange<Int64> { try desk.optOut(number, at: sent) }
      #expect(try desk.calledBack(at: sent) == ["1 opted_out", "3 opted_out"])
      #expect(try desk.all(at: sent).filter { $0.withdrawnAt == sent }.map(\.customer.number).sorted() == [1, 3])
      try desk.optOut(1, at: sent)
      #expect(try desk.calledBack(at: sent).isEmpty)
      // The fourth becomes the first, who has said so; the fifth becomes the sixth, of whom nobody has.
      try desk.move(4, to: 1, 5)
      try desk.move(5, to: 6, 5)
      #expect(try desk.calledBack(at: sent) == ["1 opted_out"])
      #expect(try desk.all(at: sent).first { $0.id == sends[3].id }?.withdrawnAt == sent)
      // It was no contact where it was called back in time.
      let before = try desk.contacts()
      try desk.heard(.undeliverable, of: sends[0], reason: "opted_out", at: sent.adding(seconds: 1))
      #expect(try desk.contacts() == before - 1)
      // Those that are over need no calling back.
      try desk.optOut(6, at: AskingTests.days(30))
      #expect(try desk.calledBack(at: AskingTests.days(30)).isEmpty)
    }
  }

  @Test("An answer calls back what may still be under way about it, as a reminder; where the message arrived nothing is")
  func answeredMeanwhile() async throws {
    try await with { desk in
      let start = AskingTests.start
      for number in 1...3 as ClosedRange<Int64> { try desk.resolved(number, of: number, at: start) }
      let sends = try desk.pass(to: start.adding(seconds: 7_200), kinds: [FeedbackWork.send]).map(\.invitation).sorted { $0.customer < $1.customer }
      for invitation in sends { try desk.heard(.accepted, of: invitation, at: start.adding(seconds: 7_201)) }
      // The second has answered before anybody is reminded, the third has only begun to.
      let early = AskingTests.days(1)
      func say(_ invitation: Invitation, at now: Instant) throws {
        let survey = try #require(asking.surveys[invitation.survey])
        _ = try desk.session.transaction { session in
          try InvitationQueries.say(invitation.id, session) { (invitation) throws(Invitation.Closed) in try invitation.give(5, in: survey, at: now) }
        }
      }
      try say(sends[1], at: early)
      let settled = try desk.settle(sends[1], at: early.adding(seconds: Invitation.idleSeconds))
      #expect(settled.answers.count == 1 && settled.withdrawals.isEmpty)
      #expect(try desk.pass(to: AskingTests.days(8), kinds: [FeedbackWork.remind]).map(\.invitation.customer.number).sorted() == [1, 3])
      let late = AskingTests.days(8)
      try say(sends[0], at: late)
      #expect(try desk.settle(sends[0], at: late).withdrawals.isEmpty)
      let whole = try desk.settle(sends[0], at: late.adding(seconds: Invitation.idleSeconds))
      #expect(whole.answers.count == 1 && Desk.words(whole.withdrawals) == ["1 answered"])
      let again = try desk.settle(sends[0], at: late.adding(seconds: Invitation.idleSeconds))
      #expect(again.answers == whole.answers && again.withdrawals.isEmpty)
    }
  }

  @Test("An invitation that did not arrive was no contact, is not counted as sent and not reminded of; the newest that is heard counts, in any order")
  func delivered() async throws {
    try await with { desk in
      let start = AskingTests.start
      for number in 1...3 as ClosedRange<Int64> { try desk.resolved(number, of: number, at: start) }
      let sends = try desk.pass(to: start.adding(seconds: 7_200), kinds: [FeedbackWork.send]).map(\.invitation).sorted { $0.customer < $1.customer }
      #expect(try sends.count == 3 && desk.contacts() == 3 && desk.responses().invited == 3)
      let (soon, later) = (start.adding(seconds: 8_000), start.adding(seconds: 9_000))
      try desk.heard(.bounced, of: sends[0], reason: "refused", at: soon)
      try desk.heard(.undeliverable, of: sends[1], reason: "no_address", at: soon)
      // Of a reminder nothing is kept; what was heard twice or came late changes nothing.
      try desk.heard(.bounced, of: sends[2], kind: .reminder, at: soon)
      try desk.heard(.accepted, of: sends[0], at: start.adding(seconds: 7_300))
      try desk.heard(.bounced, of: sends[0], reason: "refused", at: soon)
      let states = try desk.all(at: soon).sorted { $0.customer < $1.customer }
      #expect(states.map { $0.state(at: soon) } == [.undelivered, .undelivered, .sent])
      #expect(states.map { $0.delivery?.reason } == ["refused", "no_address", nil])
      #expect(try desk.contacts() == 1 && desk.responses().invited == 1)
      #expect(try desk.all(InvitationFilter(state: .undelivered), at: soon).count == 2)
      // The second one is sent after all, and is a contact then.
      try desk.heard(.accepted, of: sends[1], at: later)
      #expect(try desk.contacts() == 2 && desk.responses().invited == 2)
      #expect(try desk.all(InvitationFilter(state: .undelivered), at: later).map(\.customer) == [sends[0].customer])
      let reminders = try desk.pass(to: AskingTests.days(20), kinds: [FeedbackWork.remind])
      #expect(reminders.map(\.invitation.customer.number).sorted() == [2, 3])
      // Whoever was not reached may be asked again before the thirty days are over.
      try desk.resolved(9, of: 1, at: AskingTests.days(10))
      #expect(try desk.pass(to: AskingTests.days(11), kinds: [FeedbackWork.send]).count == 1)
    }
  }

  @Test("Whoever found the page although the message bounced was asked")
  func opened() async throws {
    try await with { desk in
      try desk.resolved(1, of: 1, at: AskingTests.start)
      let sent = try #require(try desk.pass(to: AskingTests.days(1), kinds: [FeedbackWork.send]).first?.invitation)
      try InvitationQueries.noteOpened(sent.id, at: AskingTests.days(1), desk.session)
      try desk.heard(.bounced, of: sent, at: AskingTests.days(2))
      let state = try #require(try desk.all(at: AskingTests.days(2)).first)
      #expect(try state.state(at: AskingTests.days(2)) == .opened && desk.contacts() == 1 && desk.responses().invited == 1)
    }
  }

  @Test("A ticket that is opened again before is not asked about until it is resolved again")
  func reopened() async throws {
    try await with { desk in
      let start = AskingTests.start
      try desk.resolved(1, of: 1, at: start)
      try desk.resolved(1, of: 1, version: 3, state: .reopened, at: start.adding(seconds: 3_600), reopened: 1)
      #expect(try desk.pass(to: AskingTests.days(1)).isEmpty)
      #expect(try desk.all(at: start).map(\.dropped) == [.reopened])
      try desk.resolved(1, of: 1, version: 4, at: AskingTests.days(2), reopened: 1)
      #expect(try desk.pass(to: AskingTests.days(3)).count == 1)
    }
  }

  @Test("The second question waits for the thirtieth day if its window lasts so long, else it is dropped; each time that it was put off is on record")
  func held() async throws {
    try await with { desk in
      let start = AskingTests.start
      try desk.resolved(1, of: 1, at: start)
      #expect(try desk.pass(to: AskingTests.days(1)).count == 1)
      // Asked about within 14 days: the 30 are not over by then. A delivery may be asked about for 30 days.
      try desk.resolved(2, of: 1, at: AskingTests.days(2))
      try desk.resolved(3, of: 1, kind: .delivery, at: AskingTests.days(3))
      let sends = try desk.pass(to: AskingTests.days(60), kinds: [FeedbackWork.send])
      let allowed = start.adding(seconds: 7_200 + 30 * 86_400)
      #expect(sends.map(\.invitation.sentAt) == [allowed] && sends.first?.invitation.cause.kind == .delivery)
      let all = try desk.all(at: AskingTests.days(60)).sorted { $0.subject.ticketID ?? "" < $1.subject.ticketID ?? "" }
      #expect(all.map(\.dropped) == [nil, .budget, nil] && all.map(\.holds) == [0, 1, 1] && all.map(\.held) == [nil, .gap, .gap])
      #expect(try desk.holds() == 2)
    }
  }

  @Test("The ticket of an unfavourable answer is followed by the same survey again, a week after, when the thirty days are over")
  func again() async throws {
    try await with { desk in
      try desk.resolved(1, of: 1, kind: .complaint, category: "nps-quarterly", at: AskingTests.start)
      let sends = try desk.pass(to: AskingTests.days(8), kinds: [FeedbackWork.send])
      #expect(sends.map(\.invitation.survey.name) == ["nps-quarterly"] && sends.first?.invitation.purpose == .recovery)
      #expect(sends.first?.invitation.sentAt == AskingTests.days(7) && sends.first?.invitation.cause.kind == .recovery)
    }
  }

  @Test("Everybody of a tier with a schedule is asked once in each quarter, on days spread over it, between nine and seven; who left the tier is not")
  func schedule() async throws {
    try await with { desk in
      let count: Int64 = 60
      for number in 1...count { try desk.rate(number, "normal", at: moment("2026-06-30", hours: 23)) }
      try desk.rate(100, "watch", at: AskingTests.start)
      let planned = try desk.all(at: AskingTests.start)
      #expect(planned.count == Int(count) && planned.allSatisfy { $0.state(at: AskingTests.start) == .planned })
      // One leaves for a tier that has another schedule, one for a tier that has none.
      try desk.rate(1, "vip", version: 2, at: AskingTests.start)
      try desk.rate(2, "watch", version: 2, at: AskingTests.start)
      let sends = try desk.pass(to: moment("2026-12-31", hours: 24), kinds: [FeedbackWork.send])
      let quarters = Dictionary(grouping: sends) { zone.day(of: $0.invitation.sentAt ?? AskingTests.start).month.index / 3 }
      // The vip is asked in the half year, the others in both quarters.
      #expect(quarters.count == 2 && sends.count == 2 * (Int(count) - 2) + 1)
      for (_, quarter) in quarters {
        #expect(Set(quarter.map(\.invitation.customer)).count == quarter.count)
        #expect(Set(quarter.map { zone.day(of: $0.invitation.sentAt ?? AskingTests.start).month }).count == 3)
      }
      let hours = sends.compactMap(\.invitation.sentAt).map { ($0.microseconds / 3_600_000_000) % 24 }
      #expect(hours.allSatisfy { (9..<19).contains($0) })
      let dropped = try desk.all(InvitationFilter(state: .dropped), at: AskingTests.start)
      #expect(dropped.map(\.dropped) == [.tier, .tier] && Set(dropped.map(\.customer.number)) == [1, 2])
      // The next quarter is planned already, for those who are in a tier that is asked.
      #expect(try desk.all(InvitationFilter(state: .planned), at: moment("2026-12-31", hours: 24)).count == Int(count) - 1)
      // Who comes back is asked again from the next period on: in this one it was.
      try desk.rate(2, "normal", version: 3, at: moment("2026-12-31", hours: 23))
      let back = try desk.all(InvitationFilter(customer: CustomerID(number: 2), state: .planned), at: moment("2027-01-01"))
      #expect(back.count == 1 && back.allSatisfy { zone.day(of: $0.plan?.at ?? AskingTests.start).month.index / 3 == 2027 * 4 })
    }
  }

  @Test("Customers who became one are asked as one: what either was asked counts, and follows again when they are parted")
  func merged() async throws {
    try await with { desk in
      try desk.resolved(1, of: 1, at: AskingTests.start)
      #expect(try desk.pass(to: AskingTests.days(1), kinds: [FeedbackWork.send]).count == 1)
      try desk.resolved(2, of: 2, at: AskingTests.days(2))
      try desk.move(1, to: 2, 5)
      #expect(try desk.pass(to: AskingTests.days(20), kinds: [FeedbackWork.send]).isEmpty)
      try desk.move(1, to: 1, 6)
      try desk.resolved(3, of: 2, at: AskingTests.days(21))
      #expect(try desk.pass(to: AskingTests.days(25), kinds: [FeedbackWork.send]).map(\.invitation.customer.number) == [2])
    }
  }

  @Test("Invited by hand, the same budget holds, and says until when")
  func byHand() async throws {
    try await with { desk in
      try desk.resolved(1, of: 1, at: AskingTests.start)
      #expect(try desk.pass(to: AskingTests.days(1), kinds: [FeedbackWork.send]).count == 1)
      let outcomes = try desk.session.transaction { session in
        var store = PostgresFeedbackStore(session)
        return try InvitationDesk.invite(try order([1]), &store, budget: asking.rules.budget, at: AskingTests.days(2))
      }
      #expect(outcomes == [.held(.gap, until: AskingTests.start.adding(seconds: 7_200 + 30 * 86_400))])
      #expect(try desk.all(at: AskingTests.days(2)).count == 1)
    }
  }

  @Test("Two who ask the same customer at once: one does, the other is put off", arguments: 0..<4)
  func concurrent(_ round: Int) async throws {
    let asking = asking
    try await Tables.with { settings in
      let ids = try await Tables.session(settings) { session in
        let desk = Desk(session: session, asking: asking)
        for ticket in 1...40 as ClosedRange<Int64> { try desk.resolved(ticket, of: 1 + ticket % 10, at: AskingTests.start) }
        return try desk.all(at: AskingTests.start).map(\.id).sorted()
      }
      let now = AskingTests.start.adding(seconds: 7_200)
      let sent = try await withThrowingTaskGroup(of: Int.self) { group in
        for part in 0..<4 {
          group.addTask {
            try await Tables.session(settings) { session in
              try session.transaction { session in
                var store = PostgresFeedbackStore(session)
                let mine = ids.enumerated().filter { $0.offset % 4 == part }.map(\.element)
                return try AskingDesk.send(mine, &store, asking, at: now).sends.count
              }
            }
          }
        }
        return try await group.reduce(0, +)
      }
      #expect(sent == 10)
    }
  }

  @Test("Tiers that plan questions and moves of the same identities lock them in one order: neither waits for the other for ever")
  func lockOrder() async throws {
    let asking = asking
    try await Tables.with { settings in
      let crowd = 1...60 as ClosedRange<Int64>
      try await withThrowingTaskGroup(of: Void.self) { group in
        for lane in 0..<2 {
          group.addTask {
            try await Tables.session(settings) { session in
              for round in 1...20 as ClosedRange<Int64> {
                try session.transaction { session in
                  var store = PostgresFeedbackStore(session)
                  if lane == 0 {
                    let tiers = crowd.map { tier($0, round, "normal", at: AskingTests.start) }
                    try AskingDesk.rated(tiers, &store, asking, at: AskingTests.start)
                  } else {
                    try FeedbackBatch.moved(crowd.map { move($0, to: $0 % 7 + 1, round) }, &store, at: AskingTests.start)
                  }
                }
              }
            }
          }
        }
        try await group.waitForAll()
      }
    }
  }

  @Test("The budget of a customer is told: what was, what is planned, and what may be asked now")
  func told() async throws {
    let asking = asking
    try await Tables.with { settings in
      try await Tables.session(settings) { session in
        let desk = Desk(session: session, asking: asking)
        try desk.rate(1, "normal", at: moment("2026-06-30", hours: 23))
        try desk.resolved(1, of: 1, at: moment("2026-06-01"))
        _ = try desk.pass(to: moment("2026-06-02"), kinds: [FeedbackWork.send])
      }
      let pool = PostgresPool(settings)
      var router = Router()
      AskingAPI(rules: asking.rules, clock: FixedClock(moment("2026-06-05")), pool: pool).add(to: &router)
      func ask(_ target: String) async throws -> JSONValue { try JSONValue(try await router.respond(to: try Request(.get, target)).bytes ?? []) }
      let told = try await ask("/v1/customers/0000000000000001/contacts")
      #expect(told["contacts"]?.arrayValue?.map { $0["purpose"]?.stringValue } == ["transaction"] && told["planned"]?.arrayValue?.count == 1)
      #expect(told["budget"]?.arrayValue?.map { $0["held"]?.stringValue } == ["gap", "gap", "gap", "gap"])
      #expect(told["budget"]?.arrayValue?.first?["until"] == "2026-07-01T02:00:00Z")
      #expect(try await ask("/v1/asking-rules")["budget"]?["per_year"]?.int64Value == 4)
      await pool.close()
    }
  }
}
