// Orders of long ago are put away and count as before (S-09): read with the others, taken back by whatever comes for them, and never counted twice.
import Domain
import Handling
import Messaging
import Postgres
import ProfileCore
import ProfileStore
import TestSupport
import Testing

private let zone = BusinessZone.utc
private func moment(_ day: String) -> Instant { zone.startOfDay(Day(day) ?? Day(number: 0)) }
private let member = Identifier(kind: .memberID, value: "M1")
private let other = Identifier(kind: .memberID, value: "M2")

private func order(_ id: String, _ day: String, _ amount: Int64, revision: Int64 = 1, of identifier: Identifier = member) -> Arrival {
  arrival(
    OrderEvent(
      kind: .order, source: "s", eventID: "\(id)-\(revision)", orderID: id, revision: revision, occurredAt: moment(day), paidAt: moment(day),
      money: Money(minorUnits: amount, currency: .cny), baseMinorUnits: amount, identifiers: [identifier],
      lines: [OrderLine(sku: "x", minorUnits: amount)]))
}

private func refund(_ id: String, _ day: String, _ amount: Int64) -> Arrival {
  arrival(
    OrderEvent(
      kind: .refund, source: "s", eventID: "\(id)-r", orderID: id, reference: "r", occurredAt: moment(day), money: Money(minorUnits: amount, currency: .cny),
      baseMinorUnits: amount, identifiers: [member]))
}

@Suite(.enabled(if: TestDatabase.isAvailable, "\(TestDatabase.whyNot)")) struct ColdOrderTests {
  private static let now = moment("2006-01-15")

  private static var rules: ProfileRules {
    var rules = ProfileRules(zone: zone)
    rules.coldAfterMonths = 36
    return rules
  }

  private static func take(_ facts: [Arrival], _ lane: inout TestLane, _ session: PostgresSession) throws {
    try lane.apply(facts) { known, batch in
      try session.transaction { session in
        var store = PostgresProfileStore(session)
        _ = try batch.bytes.withUnsafeBytes { try ProfileBatch.apply(batch.items, $0, to: &store, known: &known, rules: rules, at: now) }
      }
    }
  }

  private static func putAway(_ session: PostgresSession) throws {
    try session.transaction { session in
      var store = PostgresProfileStore(session)
      let hasMore = try ColdRows.movePiece(before: zone.day(of: now).adding(months: -36), in: zone, &store)
      #expect(!hasMore)
    }
  }

  private static func counts(_ session: PostgresSession) throws -> [Int64] {
    let rows = try session.query(Statement(name: "test_counts", sql: "SELECT (SELECT count(*) FROM orders), (SELECT count(*) FROM cold_orders)"))
    return [try rows.int64(0, 0), try rows.int64(0, 1)]
  }

  private static let history = [
    order("1", "2000-01-01", 100), order("2", "2001-01-01", 200), refund("2", "2005-01-01", 50), order("3", "2005-06-01", 300),
    order("4", "1999-05-05", 400, of: other),
  ]

  @Test func ordersOfLongAgoArePutAwayAndEveryFigureStays() async throws {
    try await withProfileTables { session in
      var lane = TestLane(customersMax: 100, recentOrdersMax: 100)
      try Self.take(Self.history, &lane, session)
      let before = try essence(session)
      try Self.putAway(session)
      // The refund of 2005 keeps the second order where it is.
      #expect(try Self.counts(session) == [2, 2])
      #expect(try ColdRows.before(session) == Day("2003-01-15"))
      #expect(try essence(session) == before)
      try session.transaction { session in
        var store = PostgresProfileStore(session)
        let ids = try ProfileQueries.customers(after: nil, limit: 10, session).map(\.id)
        #expect(try Rebuild.apply(ids, to: &store, rules: Self.rules).isEmpty)
      }
      #expect(try ProfileQueries.totals(session).orders == 4)
      try Self.putAway(session)
      #expect(try Self.counts(session) == [2, 2])
    }
  }

  @Test("A repeat, a later revision and a refund of an order that was put away do what they do to any other", arguments: [true, false])
  func whateverComesForAColdOrderHasItsEffect(remembers: Bool) async throws {
    try await withProfileTables { session in
      var lane = TestLane(customersMax: 100, recentOrdersMax: 100)
      try Self.take(Self.history, &lane, session)
      try Self.putAway(session)
      if remembers {
        try Self.take([order("5", "2005-07-01", 1)], &lane, session)
      } else {
        // As after a restart: nobody remembers the key.
        lane = TestLane(customersMax: 100, recentOrdersMax: 100)
      }
      try Self.take([order("1", "2000-01-01", 100), order("4", "1999-05-05", 400, of: other)], &lane, session)
      #expect(try Self.counts(session) == [remembers ? 3 : 2, 2])
      let spent = try Self.spend(session)
      #expect(spent == (remembers ? 551 : 550))
      try Self.take([order("1", "2000-01-01", 90, revision: 2)], &lane, session)
      #expect(try Self.counts(session)[1] == 1)
      #expect(try Self.spend(session) == spent - 10)
      try Self.putAway(session)
      try Self.take([refund("1", "2005-12-01", 90)], &lane, session)
      #expect(try Self.spend(session) == spent - 100)
      try Self.putAway(session)
      #expect(try Self.counts(session)[1] == 1)
    }
  }

  private static func spend(_ session: PostgresSession) throws -> Int64 {
    try ProfileQueries.customer(try #require(try ProfileQueries.customer(with: testKey(member), session)), session)?.ledger.spend ?? 0
  }

  @Test func anOrderThatIsPutAwayWhileABatchHasReadItIsNoLoss() async throws {
    try await withProfileTables { session in
      var lane = TestLane(customersMax: 100, recentOrdersMax: 100)
      try Self.take(Self.history, &lane, session)
      // Read before, written after.
      let failure = #expect(throws: (any Error).self) {
        try session.transaction { session in
          var store = PostgresProfileStore(session)
          let found = try store.allOrders(of: [testKey(member).identityID])
          let first = try #require(found.first { $0.key.orderID == "1" })
          try Self.movedMeanwhile(session)
          var changes = ProfileChanges()
          changes.changedOrders = [(first.key, first.value)]
          try store.write(changes)
        }
      }
      #expect(failure is any RetryableConflict, "\(String(describing: failure))")
    }
  }

  @Test func nothingIsPutAwayOnTheDayOnWhichASettingIsMetFirst() async throws {
    try await withProfileTables { session in
      let today = zone.day(of: Self.now)
      // The last two are of another setting.
      let asked = [(36, 0), (36, 0), (36, 1), (30, 1), (30, 2)]
      let armed = try asked.map { months, days in try ColdRows.isArmed(months, on: today + days, session) }
      #expect(armed == [false, false, true, false, true])
    }
  }

  private static func decide(_ kind: IdentityDecision.Kind, _ merge: DecisionDesk.Merge, _ session: PostgresSession) throws {
    try session.transaction { session in
      let wish = DecisionDesk.Wish(kind: kind, left: [testKey(member)], right: [testKey(other)], mergeID: merge.id, actor: "Li", reason: "two people")
      let id = try DecisionDesk.record(wish, at: now, session)
      var store = PostgresProfileStore(session)
      _ = try ProfileBatch.regroup(try DecisionDesk.keys(of: [id], session), in: &store, rules: rules, at: now)
    }
  }

  @Test func aMergeAndItsUndoingTakeOrdersThatWerePutAwayWithThem() async throws {
    try await withProfileTables { session in
      var lane = TestLane(customersMax: 100, recentOrdersMax: 100)
      try Self.take(Self.history, &lane, session)
      try Self.putAway(session)
      let apart = try essence(session)
      let both = arrival(
        CustomerEvent(source: "s", eventID: "both", occurredAt: moment("2005-08-01"), identifiers: [member, other]))
      try Self.take([both], &lane, session)
      #expect(try Self.spend(session) == 950)
      #expect(try Self.counts(session) == [2, 2])
      let merge = try #require(try DecisionDesk.merges(of: nil, after: 0, limit: 1, session).first)
      try Self.decide(.apart, merge, session)
      #expect(try essence(session) == apart)
      #expect(try Self.spend(session) == 550)
      // What comes for a cold order of either side finds it there.
      try Self.take([order("4", "1999-05-05", 390, revision: 2, of: other), refund("1", "2005-12-01", 100)], &lane, session)
      #expect(try Self.spend(session) == 450)
      #expect(try Self.counts(session) == [4, 0])
    }
  }

  @Test func aDayInThePastIsAnsweredTheSameAfterOrdersWerePutAway() async throws {
    try await withProfileTables { session in
      var lane = TestLane(customersMax: 100, recentOrdersMax: 100)
      try Self.take(Self.history, &lane, session)
      func contributions() throws -> [[DayEntry]] {
        var store = PostgresProfileStore(session)
        let id = try #require(try ProfileQueries.customer(with: testKey(member), session))
        return try [nil, zone.day(of: Self.now), zone.day(of: Self.now) + -1].map { known in
          try CustomerFacts.load([id], knownOn: known, from: &store).contributions(of: id, in: zone).sorted { ($0.day, $0.spend) < ($1.day, $1.spend) }
        }
      }
      let before = try contributions()
      #expect(before[0].count == 4 && before[1] == before[0] && before[2].isEmpty)
      try Self.putAway(session)
      #expect(try contributions() == before)
    }
  }

  private static func movedMeanwhile(_ session: PostgresSession) throws {
    var store = PostgresProfileStore(session)
    _ = try ColdRows.movePiece(before: zone.day(of: now).adding(months: -36), in: zone, &store)
  }
}
