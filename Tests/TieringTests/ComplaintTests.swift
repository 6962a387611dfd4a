// A complaint that was upheld rates its customer at once (T-06) and counts in the complaint rate (T-02).
import Contracts
import Domain
import Handling
import Messaging
import Postgres
import Runtime
import TestSupport
import Testing
import Text
import TieringCore
import TieringStore

@testable import tiering

@Suite("Upheld complaints")
struct ComplaintTests {
  private static let today = "1998-07-01"
  /// Ten orders of the last 12 months.
  private static let orders: [(String, Int32, Int64)] = [("1998-01-10", 4, 4_000_000), ("1998-06-01", 6, 6_000_000)]
  private let rules: TieringRules

  init() throws { rules = try Shipped.rules(scorecard: "standard") }

  private func verdict(_ ticket: Int64, _ version: Int64, of id: Int64, upheld: Bool = true, _ when: String = "1998-06-30") -> TicketVerdict {
    TicketVerdict(ticket: TicketID(number: ticket), version: version, customer: customer(id), isUpheld: upheld, day: day(when))
  }

  private func take(_ snapshots: [ProfileSnapshot], _ store: inout some TieringStore, seconds: Int64 = 0) throws {
    _ = try TieringBatch.receive(snapshots.map(received), &store, rules: rules, at: moment(ComplaintTests.today, seconds: seconds))
  }

  @Test("The customer is rated at once, within the minute of the last rating, and once: a complaint in ten orders is a rate of 10 percent and costs points")
  func atOnce() throws {
    var store = MemoryTieringStore()
    try take([snapshot(1, 1, ComplaintTests.orders), snapshot(2, 1, ComplaintTests.orders)], &store)
    let before = try #require(store.standing(1))
    #expect(before.inputs.values[.complaintRate] == nil)
    try UpheldComplaints.receive([verdict(7, 3, of: 1)], &store)
    let outcome = try store.settleComplaints(rules, at: moment(ComplaintTests.today, seconds: 1))
    let after = try #require(store.standing(1))
    #expect(outcome.rated == 1 && store.history.last?.reason == .complaint && after.rating.version == 2)
    #expect(after.inputs.values[.complaintRate] == Rational(10))
    #expect(try #require(after.rating.exactScore) < #require(before.rating.exactScore))
    #expect(store.standing(2)?.rating.version == 1)
    // Told again, told with a newer version that says the same, told late: nobody is rated again.
    for again in [verdict(7, 3, of: 1), verdict(7, 5, of: 1), verdict(7, 4, of: 1, upheld: false)] { try UpheldComplaints.receive([again], &store) }
    #expect(store.complainants.isEmpty)
    // The rating that follows a change of the figures keeps the count.
    try take([snapshot(1, 2, ComplaintTests.orders + [("1998-06-20", 10, 100)])], &store, seconds: 90)
    #expect(store.standing(1)?.inputs.values[.complaintRate] == Rational(5))
  }

  @Test("Complaints that are no longer upheld, went to another customer or lie 12 months back are not counted; without an order there is no rate")
  func counted() throws {
    var store = MemoryTieringStore()
    try take([snapshot(1, 1, ComplaintTests.orders), snapshot(2, 1, ComplaintTests.orders), snapshot(3, 1)], &store)
    func rate(_ id: Int64) throws -> Rational? {
      _ = try store.settleComplaints(rules, at: moment(ComplaintTests.today))
      return store.standing(id)?.inputs.values[.complaintRate]
    }
    try UpheldComplaints.receive([verdict(7, 1, of: 1), verdict(8, 1, of: 1), verdict(9, 1, of: 1, "1997-07-01"), verdict(10, 1, of: 3)], &store)
    #expect(try rate(1) == Rational(20))
    #expect(store.customers[customer(1)]?.complaintDays == [day("1997-07-01"), day("1998-06-30"), day("1998-06-30")])
    #expect(try rate(3) == nil)
    // Reopened; and moved with its customer into another one.
    try UpheldComplaints.receive([verdict(7, 2, of: 1, upheld: false), verdict(8, 2, of: 2)], &store)
    #expect(try rate(1) == nil)
    #expect(try rate(2) == Rational(10))
    // Of a rating by the same figures history has no line.
    #expect(store.history.filter { $0.reason == .complaint }.map(\.customer) == [customer(1), customer(1), customer(2)])
  }

  @Test("A complaint of a customer that is not known yet waits, a minute at a time, and is counted when the customer comes")
  func unknown() throws {
    var store = MemoryTieringStore()
    try UpheldComplaints.receive([verdict(7, 1, of: 1)], &store)
    let now = moment(ComplaintTests.today)
    let outcome = try store.settleComplaints(rules, at: now)
    #expect(outcome.rated == 0 && outcome.tooEarly.map(\.after) == [now.real.adding(seconds: UpheldComplaints.customerSeconds)])
    try take([snapshot(1, 1, ComplaintTests.orders)], &store)
    #expect(try store.settleComplaints(rules, at: now).rated == 1)
    #expect(store.standing(1)?.inputs.values[.complaintRate] == Rational(10))
  }

  @Test("A merged customer's complaints are counted, but not rated by")
  func merged() throws {
    var store = MemoryTieringStore()
    try take([snapshot(1, 1, ComplaintTests.orders)], &store)
    try take([snapshot(1, 2, merged: 2), snapshot(2, 1, ComplaintTests.orders)], &store, seconds: 70)
    let lines = store.history.count
    try UpheldComplaints.receive([verdict(7, 1, of: 1)], &store)
    #expect(try store.settleComplaints(rules, at: moment(ComplaintTests.today, seconds: 80)).rated == 0)
    #expect(store.history.count == lines && store.customers[customer(1)]?.complaintDays.count == 1)
    // The merge is undone.
    try take([snapshot(1, 3, ComplaintTests.orders)], &store, seconds: 200)
    #expect(store.standing(1)?.inputs.values[.complaintRate] == Rational(10))
  }

  @Test("In the tables it ends as in the fewest words, whatever order and batches tickets and customers come in", .enabled(if: TestDatabase.isAvailable))
  func tables() async throws {
    let rules = rules
    try await Tables.session { session in
      for seed in 0..<12 as Range<UInt64> {
        try session.execute("TRUNCATE customers, ratings, complaints, due_work, proposals")
        var random = SplitMix(seed)
        var memory = MemoryTieringStore()
        var told = (1...8 as ClosedRange<Int64>).flatMap { ticket in
          (1...4 as ClosedRange<Int64>).map { version in
            verdict(
              ticket, version, of: Int64.random(in: 1...3, using: &random), upheld: Bool.random(using: &random),
              ["1998-06-01", "1998-06-30"].randomElement(using: &random) ?? "")
          }
        }
        let truth = Dictionary(told.map { ($0.ticket, $0) }) { $1 }
        // A ticket's versions come in order, and any of them again; tickets among each other as they like.
        told = (told + told.prefix(9)).shuffled(using: &random).sorted { $0.version < $1.version } + told.suffix(6).reversed()
        var snapshots = (1...3 as ClosedRange<Int64>).map { snapshot($0, 1, ComplaintTests.orders) }.shuffled(using: &random)
        while !told.isEmpty || !snapshots.isEmpty {
          let piece = Array(told.prefix(Int.random(in: 1...7, using: &random)))
          told.removeFirst(piece.count)
          try UpheldComplaints.receive(piece, &memory)
          try session.transaction { session in
            var store = PostgresTieringStore(session, lane: "l", zone: .utc)
            try UpheldComplaints.receive(piece, &store)
          }
          let new = told.isEmpty || Bool.random(using: &random) ? snapshots.popLast() : nil
          let now = moment(ComplaintTests.today, seconds: Int64(told.count))
          if let new { _ = try TieringBatch.receive([received(new)], &memory, rules: rules, at: now) }
          _ = try memory.settleComplaints(rules, at: now)
          try session.transaction { session in
            var store = PostgresTieringStore(session, lane: "l", zone: .utc)
            if let new { _ = try TieringBatch.receive([received(new)], &store, rules: rules, at: now) }
          }
          try ComplaintTests.settle(rules, now, session)
        }
        #expect(memory.complainants.isEmpty && !memory.complaints.isEmpty)
        for id in 1...3 as ClosedRange<Int64> {
          let upheld = truth.values.filter { $0.isUpheld && $0.customer == customer(id) }
          #expect(memory.customers[customer(id)]?.complaintDays == upheld.map(\.day).sorted(), "seed \(seed)")
        }
        #expect(try Tables.customers(session) == memory.customers, "seed \(seed)")
        #expect(try Set(Tables.history(session)) == Set(memory.history), "seed \(seed)")
        #expect(try Tables.due(kind: TieringWork.complaint, session).isEmpty)
      }
    }
  }

  /// What the due lane does with customers whose complaints are to be counted.
  private static func settle(_ rules: TieringRules, _ now: RatingMoment, _ session: PostgresSession) throws {
    try session.transaction { session in
      var store = PostgresTieringStore(session, lane: "l", zone: .utc)
      let due = try Tables.due(kind: TieringWork.complaint, session).keys.sorted()
      try session.execute("DELETE FROM due_work WHERE kind = \(TieringWork.complaint)")
      let outcome = try TieringBatch.settleComplaints(of: due, &store, rules: rules, at: now)
      try store.keep([], changing: outcome.tooEarly.map(\.customer).sorted())
    }
  }

  @Test("A ticket's snapshot says whether it is one, and on which business day; one that cannot be read is refused by its field")
  func reading() throws {
    func read(_ ticket: TicketSnapshot) -> TicketVerdict? {
      let bytes = JSONWriter.bytes { ticket.write(to: &$0) }
      guard case .item(.ticket(let verdict)) = bytes.withUnsafeBytes({ TieringHandler.read(ticket: $0, zone: .utc) }) else { return nil }
      return verdict
    }
    let opened = BusinessZone.utc.startOfDay(day("1998-06-01"))
    var ticket = TicketSnapshot(
      ticket: TicketID(number: 7), version: 3, customer: customer(1), state: .closed, subject: TicketSubject(kind: .complaint), priority: .p3,
      openedAt: opened, isUpheldComplaint: true, resolvedAt: BusinessZone.utc.startOfDay(day("1998-07-01")).adding(seconds: -1))
    #expect(read(ticket) == verdict(7, 3, of: 1))
    ticket.isUpheldComplaint = false
    #expect(read(ticket)?.isUpheld == false)
    ticket.version = 0
    #expect(read(ticket) == nil)
    guard case .refused(let faults) = Array("{}".utf8).withUnsafeBytes({ TieringHandler.read(ticket: $0, zone: .utc) }) else {
      Issue.record("it was read")
      return
    }
    #expect(faults.map(\.rule) == ["missing"])
  }
}
