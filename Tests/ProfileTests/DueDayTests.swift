// Who is due when stands beside the customers (P-08): the round comes to everybody in time, whatever the days were before, and leaves nothing of it behind.
import Domain
import Postgres
import ProfileCore
import ProfileStore
import TestSupport
import Testing

private func moment(_ day: String) -> Instant { BusinessZone.utc.startOfDay(Day(day) ?? Day(number: 0)) }

private func order(_ id: String, _ day: String, of customer: Int) -> Arrival {
  arrival(
    OrderEvent(
      kind: .order, source: "s", eventID: id, orderID: id, occurredAt: moment(day), paidAt: moment(day), money: Money(minorUnits: 100, currency: .cny),
      baseMinorUnits: 100, identifiers: [Identifier(kind: .memberID, value: "M\(customer)")]))
}

@Suite(.enabled(if: TestDatabase.isAvailable, "\(TestDatabase.whyNot)")) struct DueDayTests {
  private static func take(_ facts: [Arrival], on day: String, _ session: PostgresSession, _ lane: inout TestLane) throws {
    try lane.apply(facts) { known, batch in
      try session.transaction { session in
        var store = PostgresProfileStore(session)
        _ = try batch.bytes.withUnsafeBytes { try ProfileBatch.apply(batch.items, $0, to: &store, known: &known, rules: rules, at: moment(day)) }
      }
    }
  }

  /// Customers that are due on a day of which there is no entry; entries up to a day; all entries.
  private static func counts(upTo day: Day, _ session: PostgresSession) throws -> [Int64] {
    let rows = try session.query(
      Statement(
        name: "",
        sql: """
          SELECT (SELECT count(*) FROM customers c WHERE c.due_day IS NOT NULL
                  AND NOT EXISTS (SELECT FROM due_customers d WHERE d.day = c.due_day AND d.customer_id = c.id)),
                 (SELECT count(*) FROM due_customers WHERE day <= '\(day)'), (SELECT count(*) FROM due_customers)
          """))
    return [try rows.int64(0, 0), try rows.int64(0, 1), try rows.int64(0, 2)]
  }

  /// The round of a day, in pieces as small as they can be. Returns how many pieces it took.
  private static func round(_ day: Day, max count: Int, _ session: PostgresSession) throws -> Int {
    for piece in 1...1_000 {
      let outcome = try session.transaction { session in
        var store = PostgresProfileStore(session)
        return try LifecycleDue.apply(to: &store, rules: rules, at: BusinessZone.utc.startOfDay(day), max: count)
      }
      if outcome.next > day { return piece }
    }
    Issue.record("the round has no end")
    return 0
  }

  @Test("Every day that a customer is due has an entry, on whatever way the day came about; the round takes all that are due and leaves none")
  func theRoundComesToEverybody() async throws {
    try await withProfileTables { session in
      var (short, long) = (TestLane(customersMax: 100, recentOrdersMax: 100), TestLane())
      try Self.take((0..<40).map { order("a\($0)", "2001-01-01", of: $0) }, on: "2001-01-02", session, &short)
      // Others order again, and some are written by a lane that trusts nothing.
      try Self.take((0..<10).map { order("b\($0)", "2000-06-\(10 + $0)", of: $0) }, on: "2001-01-03", session, &short)
      long.known.forget()
      try Self.take((20..<60).map { order("c\($0)", "2001-02-01", of: $0) }, on: "2001-02-02", session, &long)
      #expect(try Self.counts(upTo: Day("2001-01-01") ?? Day(number: 0), session) == [0, 0, Self.counts(upTo: Day(number: 30_000), session)[2]])
      var rounds = 0
      for day in stride(from: 0, through: 900, by: 45) {
        let today = (Day("2001-02-03") ?? Day(number: 0)) + day
        rounds += try Self.round(today, max: 7, session)
        #expect(try Self.counts(upTo: today, session).prefix(2) == [0, 0], "\(today)")
      }
      #expect(rounds > 21 + 60 / 7, "nobody was ever due")
      // Nothing changes any more for who has been away for so long.
      #expect(try Self.counts(upTo: Day(number: 30_000), session)[2] == 0)
    }
  }

  @Test("An entry of a day that was brought forward since is passed over, and does not move its customer")
  func formerDaysArePassedOver() async throws {
    try await withProfileTables { session in
      var lane = TestLane()
      try Self.take([order("1", "2001-01-01", of: 1)], on: "2001-01-02", session, &lane)
      let before = try ProfileQueries.customers(after: nil, limit: 10, session)
      let due = try #require(before.first?.dueDay)
      let today = due + -1
      try session.execute("INSERT INTO due_customers SELECT '\(today)', id FROM customers; INSERT INTO due_customers VALUES ('\(today)', 12345)")
      #expect(try Self.round(today, max: 10, session) == 1)
      #expect(try ProfileQueries.customers(after: nil, limit: 10, session).map(\.version) == before.map(\.version))
      #expect(try Self.counts(upTo: due, session) == [0, 1, 1])
    }
  }
}
