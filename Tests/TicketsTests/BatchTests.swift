// K-01, K-04, K-05 on the tables: intake, tiers and moves in any order, deadlines as due work.
import Documents
import Contracts
import Domain
import Postgres
import TestSupport
import Testing
import TicketsCore
import TicketsStore

@testable import tickets

@Suite("Tickets in their tables", .enabled(if: TestDatabase.isAvailable, Comment(rawValue: TestDatabase.whyNot)))
struct BatchTests {
  /// Runs one transaction's work on a fresh database, as a lane does.
  private func withStore(_ body: @escaping @Sendable (PostgresSession, TicketRules) throws -> Void) async throws {
    let rules = try Shipped.settings().rules.value
    try await Tables.with { settings in try await Tables.session(settings) { try body($0, rules) } }
  }

  private static func receive(_ contacts: [ReceivedContact], _ session: PostgresSession, _ rules: TicketRules, at now: Instant = minute(0)) throws {
    try session.transaction { session in
      var store = PostgresTicketStore(session, lane: "l", at: now)
      _ = try TicketBatch.receive(contacts, &store, rules: rules, at: now)
    }
  }

  private static func rate(_ tiers: [TierSnapshot], _ session: PostgresSession, _ rules: TicketRules, at now: Instant = minute(0)) throws {
    try session.transaction { session in
      var store = PostgresTicketStore(session, lane: "l", at: now)
      _ = try TicketBatch.rated(tiers, &store, rules: rules, at: now)
    }
  }

  private static func relocate(_ moves: [IdentityMove], _ session: PostgresSession, _ rules: TicketRules, at now: Instant = minute(0)) throws {
    try session.transaction { session in
      var store = PostgresTicketStore(session, lane: "l", at: now)
      _ = try TicketBatch.moved(moves, &store, rules: rules, at: now)
    }
  }

  private static func pass(
    _ tickets: [TicketID], to now: Instant, _ session: PostgresSession, _ rules: TicketRules
  ) throws -> (outcome: TicketOutcome, next: [TicketID: Instant]) {
    try session.transaction { session in
      var store = PostgresTicketStore(session, lane: "l", at: now)
      return try TicketBatch.pass(tickets, &store, rules: rules, at: now)
    }
  }

  @Test("A ticket is read as it was written")
  func roundTrip() async throws {
    try await withStore { session, rules in
      try BatchTests.rate([tier(1, 1, "vip", at: minute(-9_000))], session, rules)
      try BatchTests.receive([try contact("a", 1, of: 1, at: minute(0), kind: .fault, category: "网络", reference: "r", urgency: .blocked)], session, rules)
      let opened = try #require(try Tables.all(session).first)
      try session.transaction { session in
        var store = PostgresTicketStore(session, lane: "l", at: minute(3))
        let locked = try #require(try store.lock([opened.id]).first)
        let wait = TicketOrder.step(.waitForCustomer, TicketActor("Wang", because: "why"), text: "", nil)
        let changed = try #require(try TicketDesk.apply(wait, to: locked, beside: nil, of: nil, &store, rules: rules, at: minute(3)).first)
        #expect(try TicketQueries.ticket(opened.id, session) == changed)
      }
      let waiting = try #require(try TicketQueries.ticket(opened.id, session))
      #expect(waiting.ticket.state == .waitingForCustomer)
      #expect(waiting.ticket.tier == TierID("vip") && waiting.ticket.priority == .p1)
      #expect(try Tables.due(session).isEmpty, "while it waits time brings nothing")
      #expect(try TicketQueries.history(of: opened.id, after: 0, limit: 10, session).map(\.event.kind) == [.opened, .waitsForCustomer])
    }
  }

  @Test("An open ticket of the same customer and category takes the next contact within 24 hours, and no other")
  func joining() async throws {
    try await withStore { session, rules in
      try BatchTests.receive([try contact("a", 1, of: 1, at: minute(0), category: "bill")], session, rules)
      try BatchTests.receive([try contact("b", 1, of: 1, at: minute(1_440), category: "bill")], session, rules, at: minute(1_440))
      #expect(try Tables.all(session).count == 1)
      try BatchTests.receive([try contact("c", 1, of: 1, at: minute(1_440), category: "parcel")], session, rules, at: minute(1_440))
      try BatchTests.receive([try contact("d", 2, of: 2, at: minute(1_440), category: "bill")], session, rules, at: minute(1_440))
      try BatchTests.receive([try contact("e", 1, of: 1, at: minute(2_881), category: "bill")], session, rules, at: minute(2_881))
      #expect(try Tables.all(session).count == 4)
    }
  }

  @Test("A contact that knows better whose it is than what was heard before goes to that customer's open ticket")
  func newerOwner() async throws {
    try await withStore { session, rules in
      try BatchTests.receive([try contact("a", 1, of: 1, at: minute(0), category: "bill"), try contact("b", 2, of: 2, at: minute(0))], session, rules)
      // Identity 2 has become customer 1's; its move is still under way.
      try BatchTests.receive([try contact("c", 2, of: 1, version: 4, at: minute(5), category: "bill")], session, rules, at: minute(5))
      #expect(try Tables.all(session).count == 2)
      // Of an older belief nothing is left once the move was heard.
      try BatchTests.relocate([move(2, to: 1, 4, at: minute(3))], session, rules, at: minute(6))
      try BatchTests.receive([try contact("d", 2, of: 2, version: 2, at: minute(7), category: "bill")], session, rules, at: minute(7))
      #expect(try Tables.all(session).count == 2)
      #expect(try Tables.all(session).allSatisfy { $0.customer.number == 1 })
    }
  }

  @Test("What the business says opens nothing; in a known conversation it is the answer. History opens nothing either")
  func outbound() async throws {
    try await withStore { session, rules in
      try BatchTests.receive(
        [
          try contact("a", 1, of: 1, at: minute(0), direction: .outbound, reference: "call-1"),
          try contact("old", 1, of: 1, at: minute(-31 * 1_440)),
        ], session, rules)
      #expect(try Tables.all(session).isEmpty)
      try BatchTests.receive([try contact("b", 1, of: 1, at: minute(0), reference: "call-2")], session, rules)
      try BatchTests.receive([try contact("c", 1, of: 1, at: minute(7), direction: .outbound, reference: "call-2")], session, rules, at: minute(9))
      let ticket = try #require(try Tables.all(session).first).ticket
      #expect(ticket.state == .open && ticket.replies == 1)
      #expect(ticket.clocks.first { $0.clock == .firstResponse }?.outcome == .met(at: minute(7)))
    }
  }

  @Test("The same contact counts once, in one batch or in two")
  func twice() async throws {
    try await withStore { session, rules in
      let one = try contact("a", 1, of: 1, at: minute(0))
      try BatchTests.receive([one, one], session, rules)
      let before = try Tables.all(session)
      try BatchTests.receive([one], session, rules, at: minute(5))
      #expect(try Tables.all(session) == before)
      #expect(before.count == 1 && before[0].events == 1)
    }
  }

  private enum Message: Sendable {
    case contact(ReceivedContact)
    case tier(TierSnapshot)
    case move(IdentityMove)
  }

  private static func run(_ messages: [Message], _ rules: TicketRules) async throws -> [TicketRecord] {
    try await Tables.with { settings in
      try await Tables.session(settings) { session in
        for message in messages {
          switch message {
          case .contact(let contact): try BatchTests.receive([contact], session, rules, at: minute(70))
          case .tier(let tier): try BatchTests.rate([tier], session, rules, at: minute(70))
          case .move(let move): try BatchTests.relocate([move], session, rules, at: minute(70))
          }
        }
        return try Tables.all(session)
      }
    }
  }

  @Test("Whatever order contacts, tiers and moves come in, the same tickets with the same deadlines come out", arguments: 0..<12)
  func order(seed: Int) async throws {
    // Two customers that are one from the thirtieth minute on, apart again at the fiftieth, each with contacts of its own matters.
    let messages: [Message] = [
      .contact(try contact("a", 1, of: 1, at: minute(0), category: "a")), .contact(try contact("b", 2, of: 2, at: minute(5), category: "b")),
      .contact(try contact("c", 2, of: 1, version: 4, at: minute(40), category: "c")),
      .contact(try contact("d", 2, of: 2, version: 6, at: minute(60), category: "d")),
      .tier(tier(1, 1, "vip", at: minute(-9_000))), .tier(tier(2, 1, "normal", at: minute(-9_000))),
      .move(move(2, to: 1, 4, at: minute(30))), .move(move(2, to: 2, 6, at: minute(50))),
    ]
    var chance = Seeded(state: UInt64(seed))
    let rules = try Shipped.settings().rules.value
    let straight = try await BatchTests.run(messages, rules)
    let shuffled = try await BatchTests.run(messages.shuffled(using: &chance), rules)
    #expect(straight.map(\.customer.number) == [1, 2, 2, 2])
    #expect(shuffled.map(\.id) == straight.map(\.id))
    #expect(shuffled.map(\.customer) == straight.map(\.customer))
    // A ticket that was VIP's for a while may keep what it was promised then: only those that never moved are compared to the second.
    #expect(shuffled.first?.ticket.clocks == straight.first?.ticket.clocks)
  }

  @Test("Warnings and the breach are recorded once, each at its own moment, also when the service was away for a month")
  func outage() async throws {
    try await withStore { session, rules in
      try BatchTests.rate([tier(1, 1, "vip", at: minute(-9_000))], session, rules)
      try BatchTests.receive([try contact("a", 1, of: 1, at: minute(0))], session, rules)
      let id = try #require(try Tables.all(session).first).id
      #expect(try Tables.due(session) == [id.number: minute(15)])
      let (outcome, next) = try BatchTests.pass([id], to: minute(30 * 1_440), session, rules)
      let first = outcome.alerts.filter { $0.event.clock == .firstResponse }.map(\.event)
      #expect(first.map(\.at) == [minute(15), minute(22).adding(seconds: 30), minute(30), minute(45)])
      #expect(first.map { $0.step?.percent } == [50, 75, 100, 150])
      #expect(next.isEmpty)
      #expect(try BatchTests.pass([id], to: minute(60 * 1_440), session, rules).outcome.alerts.isEmpty)
      let stored = try TicketQueries.history(of: id, after: 0, limit: 50, session)
      #expect(stored.count { $0.event.kind == .breached && $0.event.clock == .firstResponse } == 1)
      #expect(stored.map(\.number) == Array(1...stored.count))
    }
  }

  @Test("A resolved ticket closes by itself, at its moment")
  func closing() async throws {
    try await withStore { session, rules in
      try BatchTests.receive([try contact("a", 1, of: 1, at: minute(0))], session, rules)
      let id = try #require(try Tables.all(session).first).id
      try session.transaction { session in
        var store = PostgresTicketStore(session, lane: "l", at: minute(10))
        let locked = try #require(try store.lock([id]).first)
        let resolve = TicketOrder.step(.resolve, TicketActor("Wang"), text: "", TicketResolution(code: "answered"))
        _ = try TicketDesk.apply(resolve, to: locked, beside: nil, of: nil, &store, rules: rules, at: minute(10))
      }
      let closes = minute(10 + 72 * 60)
      #expect(try Tables.due(session) == [id.number: closes])
      _ = try BatchTests.pass([id], to: minute(100_000), session, rules)
      let closed = try #require(try TicketQueries.ticket(id, session)).ticket
      #expect(closed.state == .closed && closed.closedAt == closes)
    }
  }

  @Test("A complaint that is resolved by a code that upholds it says so until it is reopened; another kind, and another code, does not")
  func upheld() async throws {
    try await withStore { session, rules in
      let subjects = [ContactEvent.Kind.complaint, .fault, .complaint]
      try BatchTests.receive(subjects.indices.map { try contact("\($0)", Int64($0) + 1, of: Int64($0) + 1, at: minute(0)) }, session, rules)
      func apply(_ order: TicketOrder, _ record: TicketRecord, _ at: Int64) throws -> TicketRecord {
        try session.transaction { session in
          var store = PostgresTicketStore(session, lane: "l", at: minute(at))
          let locked = try #require(try store.lock([record.id]).first)
          return try #require(try TicketDesk.apply(order, to: locked, beside: nil, of: nil, &store, rules: rules, at: minute(at)).first)
        }
      }
      let actor = TicketActor("Wang", because: "seen")
      var records = try Tables.all(session).sorted { $0.customer < $1.customer }
      for (place, code) in ["compensated", "compensated", "declined"].enumerated() {
        records[place] = try apply(.sort(TicketSubject(kind: subjects[place]), actor), records[place], 5)
        records[place] = try apply(.step(.resolve, actor, text: "", TicketResolution(code: code, rootCause: "quality")), records[place], 10)
      }
      let stored = try Tables.all(session).sorted { $0.customer < $1.customer }
      #expect(stored.map(\.ticket) == records.map(\.ticket))
      #expect(stored.map(\.snapshot.isUpheldComplaint) == [true, false, false])
      #expect(stored.map { $0.ticket.resolution?.isUpheld } == [true, true, false])
      #expect(try apply(.step(.reopen, actor, text: "again", nil), records[0], 20).snapshot.isUpheldComplaint == false)
    }
  }

  @Test("Of a file whose version is registered with another content nothing is taken")
  func changedRules() async throws {
    let settings = try Shipped.settings()
    try await Tables.with { database in
      try await Tables.session(database) { session in
        func register(_ desk: RuleFile<DeskRules>) throws {
          _ = try RuleRegister.register(
            standards: settings.standards, calendars: settings.calendars, desk: desk, staff: settings.staff, at: minute(0), zoneNamed: { _ in .utc }, session)
        }
        try register(settings.desk)
        try register(settings.desk)
        let other = RuleFile(content: settings.desk.content, yaml: "other", source: "desk.yaml")
        #expect(throws: RuleChanged.self) { try register(other) }
      }
    }
  }
}
