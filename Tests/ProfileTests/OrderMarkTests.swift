// Orders lie under the month of the event that first spoke of them, and their customer's marks say where: whatever comes for one finds it, once.
import Domain
import Postgres
@testable import ProfileCore
@testable import ProfileStore
import TestSupport
import Testing

private let member = Identifier(kind: .memberID, value: "M1")
private func moment(_ day: String) -> Instant { BusinessZone.utc.startOfDay(Day(day) ?? Day(number: 0)) }

private func order(_ id: String, _ day: String, _ amount: Int64 = 100, revision: Int64 = 1, paid: Bool = true, of identifier: Identifier = member) -> Arrival {
  arrival(
    OrderEvent(
      kind: .order, source: "s", eventID: "\(id)-\(revision)-\(day)", orderID: id, revision: revision, occurredAt: moment(day),
      paidAt: paid ? moment(day) : nil, money: Money(minorUnits: amount, currency: .cny), baseMinorUnits: amount, identifiers: [identifier]))
}

private func payment(_ id: String, _ day: String, _ amount: Int64 = 100) -> Arrival {
  arrival(
    OrderEvent(
      kind: .payment, source: "s", eventID: "\(id)-p", orderID: id, reference: "p", occurredAt: moment(day), paidAt: moment(day),
      money: Money(minorUnits: amount, currency: .cny), baseMinorUnits: amount, identifiers: [member]))
}

private func registration(_ identifiers: [Identifier]) -> Arrival {
  arrival(CustomerEvent(source: "members", eventID: "r", occurredAt: moment("2005-01-01"), identifiers: identifiers))
}

/// One lane on tables as dictionaries, on the short way or on the long one.
private struct Lane {
  var store = MemoryProfileStore()
  var lane = TestLane(customersMax: 1, recentOrdersMax: 1)
  let isLong: Bool

  mutating func take(_ facts: [Arrival]) throws {
    if isLong { lane.known.forget() }
    try lane.apply(facts, on: &store)
  }

  var only: Customer? { store.customers.count == 1 ? store.customers.values.first : nil }
  var months: [Int16] { store.orders.values.map(\.month.number).sorted() }
}

/// As rows have it: months since the year 0.
private func month(_ year: Int, _ month: Int) -> Int16 { Int16(year * 12 + month - 1) }

@Suite struct OrderMarkTests {
  @Test("A new order lies under the month of its event, and its customer's marks say so", arguments: [false, true])
  func ordersAreFiledByMonth(isLong: Bool) throws {
    var lane = Lane(isLong: isLong)
    try lane.take([order("1", "2001-01-31"), order("2", "2001-02-01"), order("3", "2001-02-28")])
    #expect(lane.months == [month(2001, 1), month(2001, 2), month(2001, 2)])
    let customer = try #require(lane.only)
    #expect(customer.orderMarks.months.map(\.number) == [month(2001, 1), month(2001, 2)])
    #expect(lane.store.hasRightMarks(customer.id))
  }

  @Test("Whatever comes later for an order finds it, though it speaks of another month", arguments: [false, true])
  func laterEventsFindTheOrder(isLong: Bool) throws {
    var lane = Lane(isLong: isLong)
    for fact in [
      order("1", "2001-01-31", 100), order("1", "2001-07-01", 70, revision: 2), order("2", "2001-01-05", 10, paid: false), payment("2", "2001-03-01", 10),
    ] { try lane.take([fact]) }
    let customer = try #require(lane.only)
    #expect(lane.months == [month(2001, 1), month(2001, 1)])
    #expect(customer.ledger.orderCount == 2 && customer.ledger.spend == 80)
    #expect(customer.ledger.days.map(\.day.description) == ["2001-03-01", "2001-07-01"])
    #expect(lane.lane.conflicts == 0 || isLong)
  }

  @Test("The same revision of an order under another date is a repeat, and counts once (I-06)", arguments: [false, true])
  func repeatsUnderAnotherMonthCountOnce(isLong: Bool) throws {
    var lane = Lane(isLong: isLong)
    try lane.take([order("1", "2001-01-31", 100)])
    try lane.take([order("x", "2001-01-31", 1)])
    try lane.take([order("1", "2001-05-01", 999)])
    #expect(lane.only?.ledger.spend == 101)
    #expect(lane.months == [month(2001, 1), month(2001, 1)] && lane.store.doubled.isEmpty)
  }

  @Test("A payment that comes before its order decides where both lie", arguments: [false, true])
  func thePaymentMayComeFirst(isLong: Bool) throws {
    var lane = Lane(isLong: isLong)
    try lane.take([payment("1", "2001-04-01")])
    try lane.take([order("1", "2001-03-31", paid: false)])
    #expect(lane.months == [month(2001, 4)])
    #expect(lane.only?.ledger.orderCount == 1)
  }

  @Test("Marks are bounded: who orders more has the further orders under no month, and each counts once however often it comes", arguments: [false, true])
  func manyOrdersOfOneCustomer(isLong: Bool) throws {
    var lane = Lane(isLong: isLong)
    let facts = (0..<OrderMarks.marksMax * 3).map { order("\($0)", ((Day("2001-01-01") ?? Day(number: 0)) + $0).description, 1) }
    for start in stride(from: 0, to: facts.count, by: 7) { try lane.take(Array(facts[start..<min(start + 7, facts.count)])) }
    let customer = try #require(lane.only)
    #expect(customer.ledger.orderCount == Int64(facts.count))
    #expect(customer.orderMarks.marks.count <= OrderMarks.marksMax + 1 && customer.orderMarks.hasUnfiled)
    #expect(lane.months.count { $0 == 0 } >= facts.count - OrderMarks.marksMax)
    for fact in facts { try lane.take([fact]) }
    for start in stride(from: 0, to: facts.count, by: 31) { try lane.take(Array(facts[start..<min(start + 31, facts.count)])) }
    #expect(lane.only?.ledger == customer.ledger)
    #expect(lane.store.orders.count == facts.count && lane.store.hasRightMarks(customer.id))
  }

  @Test("Customers that are put together keep all marks of both, and each gets its own back when that is undone")
  func mergedMarks() throws {
    let phone = Identifier(kind: .phone, value: "+8613800001000")
    var desk = Desk()
    try desk.take([order("1", "2001-01-01"), order("2", "2001-02-01", of: phone)])
    let before = desk.store.essence
    try desk.take([registration([member, phone])])
    #expect(desk.customer(of: member)?.orderMarks.months.map(\.number) == [month(2001, 1), month(2001, 2)])
    try desk.take([order("2", "2001-02-01", of: phone), order("1", "2001-01-01")])
    #expect(desk.spend(phone) == 200)
    _ = try desk.undo(try #require(desk.store.merges.first), after: 200_000_000)
    #expect(desk.store.essence == before)
    #expect(desk.store.essence.values.allSatisfy { $0.hasRightMarks })
  }

  @Test("A rebuild trusts no marks: it finds the order that they do not tell of, and says what it found")
  func rebuildsLookEverywhere() throws {
    var lane = Lane(isLong: true)
    try lane.take([order("1", "2001-01-01"), order("2", "2001-02-01")])
    var customer = try #require(lane.only)
    customer.orderMarks = OrderMarks()
    lane.store.customers[customer.id] = customer
    let differences = try Rebuild.apply([customer.id], to: &lane.store, rules: rules)
    #expect(differences.count == 1)
    #expect(lane.store.hasRightMarks(customer.id))
  }

  @Test("A person's decision about who is who trusts no marks either")
  func decisionsLookEverywhere() throws {
    let other = Identifier(kind: .memberID, value: "M2")
    var desk = Desk()
    try desk.take([order("1", "2001-01-01"), order("2", "2001-02-01", of: other)])
    for id in desk.store.customers.keys { desk.store.customers[id]?.orderMarks = OrderMarks() }
    _ = try desk.merge(member, other, after: 1)
    #expect(desk.spend(member) == 200 && desk.spend(other) == 200)
    #expect(desk.store.essence.values.allSatisfy { $0.hasRightMarks })
  }

  @Test("Marks say of every key that is there where it may lie, whatever the order they came in")
  func marksAreASet() throws {
    var random = SplitMix(7)
    for _ in 0..<200 {
      let orders = (0..<Int.random(in: 0...90, using: &random)).map { _ in
        (key: Int64(bitPattern: random.next()), month: OrderMonth(number: Int16.random(in: 0...40, using: &random)))
      }
      var (marks, others) = (OrderMarks(), OrderMarks())
      for order in orders { marks.insert(order.key, order.month) }
      for order in orders.shuffled(using: &random) + orders { others.insert(order.key, order.month) }
      #expect(marks == others && marks.marks == Set(marks.marks).sorted())
      #expect(orders.allSatisfy { marks.months(of: $0.key).contains($0.month) })
      #expect(Set(marks.months) == Set(orders.map(\.month)) && marks.months.count == Set(marks.months).count)
      let stored = try OrderMarks(bytes: marks.encoded)
      #expect(stored == marks)
    }
  }
}

@Suite(.enabled(if: TestDatabase.isAvailable, "\(TestDatabase.whyNot)")) struct OrderMonthTests {
  private static func take(_ facts: [Arrival], _ session: PostgresSession, _ lane: inout TestLane) throws {
    try lane.apply(facts) { known, batch in
      try session.transaction { session in
        var store = PostgresProfileStore(session)
        _ = try batch.bytes.withUnsafeBytes { try ProfileBatch.apply(batch.items, $0, to: &store, known: &known, rules: rules, at: evaluation) }
      }
    }
  }

  private static func months(_ session: PostgresSession) throws -> [Int16] {
    let rows = try session.query(Statement(name: "", sql: "SELECT month FROM orders ORDER BY month, order_id"))
    return try (0..<rows.count).map { try rows.int16($0, 0) }
  }

  /// Without an index over who they belong to, orders of everybody would be read for those of one.
  @Test func ordersAreFoundByIndexHoweverManyOthersThereAre() async throws {
    let plans = try await withProfileTables { session in
      try session.execute(
        """
        INSERT INTO orders (identity_id, order_key, tie, source, order_id, labels, month)
          SELECT n % 9000, hashint8extended(n, 1), 0, 's', n::text, '', 24000 + n % 40 FROM generate_series(1, 50000) AS n;
        ANALYZE orders; SET plan_cache_mode = force_generic_plan;
        PREPARE by_key AS \(PostgresProfileStore.ordersByKey.sql); PREPARE of_identities AS \(PostgresProfileStore.ordersOf.sql);
        PREPARE anywhere AS \(PostgresProfileStore.allOrdersOf.sql)
        """)
      return try ["by_key('{24000}', '{7}', '{1}')", "of_identities('{24000}', '{7}')", "anywhere('{7}')"].map { call in
        let rows = try session.query(Statement(name: "", sql: "EXPLAIN EXECUTE " + call))
        return try (0..<rows.count).map { try rows.text($0, 0) }.joined(separator: "\n")
      }
    }
    for plan in plans { #expect(!plan.contains("Seq Scan on orders") && plan.contains("orders_pkey"), "\(plan)") }
  }

  @Test("Orders from before they were filed are found where they lie; new ones of the same customer are filed")
  func ordersFromBefore() async throws {
    try await withProfileTables { session in
      var lane = TestLane()
      try Self.take([order("1", "2001-01-01"), order("2", "2001-02-01")], session, &lane)
      // As the migration leaves them.
      try session.execute("UPDATE orders SET month = 0; UPDATE customers SET order_marks = '\\x00000000'")
      lane = TestLane()
      try Self.take([order("3", "2001-03-01")], session, &lane)
      try Self.take([order("1", "2001-01-01"), order("2", "2001-02-01"), order("3", "2001-03-01")], session, &lane)
      try Self.take([order("2", "2001-02-01", 40, revision: 2)], session, &lane)
      #expect(lane.conflicts == 0)
      #expect(try Self.months(session) == [0, 0, month(2001, 3)])
      #expect(try ProfileQueries.customers(after: nil, limit: 10, session).map(\.ledger.spend) == [240])
      var store = PostgresProfileStore(session)
      let ids = try ProfileQueries.customers(after: nil, limit: 10, session).map(\.id)
      #expect(try Rebuild.apply(ids, to: &store, rules: rules).isEmpty)
    }
  }

  @Test("Orders of one customer that share a key lie beside each other, in one month or in several")
  func sharedKeys() async throws {
    try await withProfileTables { session in
      var lane = TestLane()
      let facts = [order("1", "2001-01-01", 1), order("2", "2001-01-02", 2), order("3", "2001-02-01", 4), order("4", "2001-02-02", 8)]
      for batch in [Array(facts[0...0]), Array(facts[1...2]), Array(facts[3...3]), facts, facts.reversed()] {
        try lane.apply(batch) { known, batch in
          try session.transaction { session in
            var store = PostgresProfileStore(session, orderKey: { _, _, _ in 42 })
            _ = try batch.bytes.withUnsafeBytes { try ProfileBatch.apply(batch.items, $0, to: &store, known: &known, rules: rules, at: evaluation) }
          }
        }
      }
      #expect(try ProfileQueries.customers(after: nil, limit: 10, session).map(\.ledger.spend) == [15])
      #expect(try Self.months(session) == [month(2001, 1), month(2001, 1), month(2001, 2), month(2001, 2)])
    }
  }
}
