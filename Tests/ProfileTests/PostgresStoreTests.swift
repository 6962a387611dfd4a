// The profile's tables in PostgreSQL do what the dictionaries do: the same streams, shuffled and repeated, end in the same rows.
import Domain
import Hashing
import Postgres
import ProfileCore
@testable import ProfileStore
import Runtime
import TestSupport
import Testing

/// A database with the profile's tables.
func withProfileTables<Value: Sendable>(_ body: @escaping @Sendable (PostgresSession) throws -> Value) async throws -> Value {
  try await TestDatabase.withDatabase { settings in
    let migrations = try Migrations(schema: "profile", Resources.migrations(of: "profile"))
    var own = settings
    own.schema = "profile"
    let used = own
    return try await TestDatabase.blocking {
      try migrations.apply(to: used)
      let session = try PostgresSession(used)
      defer { session.close() }
      return try body(session)
    }
  }
}

/// Everything in the tables, as the memory store would hold it.
func essence(_ session: PostgresSession) throws -> [CustomerID: MemoryProfileStore.Essence] {
  var memory = MemoryProfileStore()
  var store = PostgresProfileStore(session)
  let ids = try ProfileQueries.customers(after: nil, limit: 100_000, session).map(\.id)
  for customer in try store.lockCustomers(ids) { memory.customers[customer.id] = customer }
  for (identity, _, _) in try store.members(of: ids) { memory.identities[identity.key] = identity }
  memory.due = Set(try store.customersDue(by: Day(number: 1_000_000), max: 100_000))
  memory.orders = try store.allOrders(of: memory.identities.values.map(\.id))
  return memory.essence
}

@Suite(.enabled(if: TestDatabase.isAvailable, "\(TestDatabase.whyNot)")) struct PostgresStoreTests {
  @Test func identitiesOfACustomerAreFoundByIndexHoweverManyOthersThereAre() async throws {
    let plans = try await withProfileTables { session in
      try session.execute(
        """
        INSERT INTO identities SELECT md5(n::text)::uuid, n, 1, 'x', n, true, now(), NULL, NULL, NULL, '{}' FROM generate_series(1, 50000) AS n;
        ANALYZE identities; SET plan_cache_mode = force_generic_plan;
        PREPARE members AS \(PostgresProfileStore.membersOf.sql); PREPARE numbered AS \(PostgresProfileStore.identitiesByNumber.sql)
        """)
      let low = "'{00000000-0000-0000-0000-000000000000}'"
      let high = "'{00000000-0000-0000-ffff-ffffffffffff}'"
      return try ["members('{7}', \(low), \(high))", "numbered(\(low), \(high))"].map { call in
        let rows = try session.query(Statement(name: "", sql: "EXPLAIN EXECUTE " + call))
        return try (0..<rows.count).map { try rows.text($0, 0) }.joined(separator: "\n")
      }
    }
    for plan in plans { #expect(!plan.contains("Seq Scan on identities") && plan.contains("identities_pkey"), "\(plan)") }
  }

  private func apply(
    _ facts: [Arrival], batchesOf size: Int, _ session: PostgresSession, at now: Instant = evaluation,
    keys: @escaping PostgresProfileStore.OrderKey = PostgresProfileStore.usualOrderKey
  ) throws {
    var rest = facts[...]
    while !rest.isEmpty {
      let batch = Array(rest.prefix(size))
      try session.transaction { session in
        var store = PostgresProfileStore(session, orderKey: keys)
        _ = try ProfileBatch.apply(batch, to: &store, rules: rules, at: now)
      }
      rest = rest.dropFirst(size)
    }
  }

  @Test func hundredsOfShuffledStreamsEndInTheSameRows() async throws {
    try await withProfileTables { session in
      for seed in 0..<200 as Range<UInt64> {
        var random = SplitMix(seed ^ 0xBEEF)
        let facts = Stream(seed: seed).facts
        let truth = try tables(facts, batchesOf: facts.count).essence
        var shuffled = facts + facts.filter { _ in Int.random(in: 0..<3, using: &random) == 0 }
        shuffled.shuffle(using: &random)
        try session.execute("TRUNCATE identities, customers, orders, registrations, bonds, merges, due_work")
        try apply(shuffled, batchesOf: Int.random(in: 1...9, using: &random), session)
        let found = try essence(session)
        #expect(found == truth, "seed \(seed)")
        if found != truth { return }
      }
    }
  }

  @Test func twoOrdersWhoseKeysShareAHashBothCount() async throws {
    try await withProfileTables { session in
      let start = Instant(seconds: 900_000_000)
      let member = Identifier(kind: .memberID, value: "M1")
      let facts = (1...4).map { number in
        arrival(
          OrderEvent(
            kind: .order, source: "shop", eventID: "e\(number)", orderID: "o\(number)", occurredAt: start.adding(seconds: Int64(number)), paidAt: start,
            money: Money(minorUnits: 100, currency: .cny), baseMinorUnits: 100, identifiers: [member]))
      }
      // Two in one batch, one alone, then all again.
      try apply(Array(facts[0...1]), batchesOf: 2, session, keys: { _, _, _ in 42 })
      try apply(Array(facts[2...3]), batchesOf: 1, session, keys: { _, _, _ in 42 })
      try apply(facts.reversed(), batchesOf: 3, session, keys: { _, _, _ in 42 })
      let customer = try #require(try ProfileQueries.customers(after: nil, limit: 10, session).first)
      #expect(customer.ledger.orderCount == 4)
      #expect(customer.ledger.spend == 400)
    }
  }

  @Test func lanesThatRememberTheirCustomersEndInTheSameRows() async throws {
    try await withProfileTables { session in
      for seed in 5_000..<5_120 as Range<UInt64> {
        var random = SplitMix(seed ^ 0xFEED)
        let facts = Stream(seed: seed).facts
        let truth = try tables(facts, batchesOf: facts.count).essence
        var rest = (facts + facts.filter { _ in Int.random(in: 0..<3, using: &random) == 0 }).shuffled(using: &random)[...]
        try session.execute("TRUNCATE identities, customers, orders, registrations, bonds, merges")
        var lanes = [TestLane(), TestLane(customersMax: 100, recentOrdersMax: 100)]
        while !rest.isEmpty {
          let batch = Array(rest.prefix(Int.random(in: 1...9, using: &random)))
          rest = rest.dropFirst(batch.count)
          try lanes[Int.random(in: 0...1, using: &random)].apply(batch) { known, batch in
            try session.transaction { session in
              var store = PostgresProfileStore(session)
              _ = try batch.bytes.withUnsafeBytes {
                try ProfileBatch.apply(batch.items, $0, to: &store, known: &known, rules: rules, at: evaluation)
              }
            }
          }
        }
        let found = try essence(session)
        #expect(found == truth, "seed \(seed)")
        if found != truth { return }
      }
    }
  }

  @Test("A customer whose former snapshot another lane has not published yet is marked to be looked at; its own lane keeps the order anyway")
  func overtakingIsNoticed() async throws {
    try await withProfileTables { session in
      var number = 0
      var lanes = ["a": TestLane(), "b": TestLane()]
      /// An order of the same member comes to a lane, whose row is under way afterwards. Returns what is marked: the last row that is waited for.
      func order(at name: String) throws -> Int64? {
        number += 1
        let at = Instant(seconds: 900_000_000 + Int64(number))
        let fact = arrival(
          OrderEvent(
            kind: .order, source: "shop", eventID: "e\(number)", orderID: "o\(number)", occurredAt: at, paidAt: at,
            money: Money(minorUnits: 100, currency: .cny), baseMinorUnits: 100, identifiers: [Identifier(kind: .memberID, value: "M1")]))
        var lane = lanes[name] ?? TestLane()
        try lane.apply([fact]) { known, batch in
          try session.transaction { session in
            var store = PostgresProfileStore(session, lane: name)
            _ = try batch.bytes.withUnsafeBytes { try ProfileBatch.apply(batch.items, $0, to: &store, known: &known, rules: rules, at: evaluation) }
            try session.execute("INSERT INTO outbox (lane, topic, part, first_seq, records, body, made_at) VALUES ('\(name)', 't', 0, 1, 1, '', now())")
          }
        }
        lanes[name] = lane
        let rows = try session.query(Statement(name: "", sql: "SELECT max(after_row) FROM unsettled"))
        return try rows.int64OrNil(0, 0)
      }
      #expect(try order(at: "a") == nil)
      // Remembered by its lane, and written last by it.
      #expect(try order(at: "a") == nil)
      // Read by the other lane, which goes the short way.
      #expect(try order(at: "b") == 2)
      #expect(lanes["b"]?.conflicts == 0)
      // What the first lane remembers is out of date: the long way, with a lock. The first try has drawn a row's number in vain.
      let last = try session.query(Statement(name: "", sql: "SELECT max(id) FROM outbox")).int64(0, 0)
      #expect(try order(at: "a") == last)
      #expect(lanes["a"]?.conflicts == 1)
      // Everything is published: nothing can be overtaken.
      try session.execute("DELETE FROM outbox")
      try session.execute("DELETE FROM unsettled")
      #expect(try order(at: "b") == nil)
    }
  }

  @Test func factsThatAreDeliveredAgainYearsLaterCountOnce() async throws {
    try await withProfileTables { session in
      let start = Instant(seconds: 900_000_000)
      func order(_ number: Int, at: Instant) -> Arrival {
        arrival(
          OrderEvent(
            kind: .order, source: "shop", eventID: "e\(number)", orderID: "o\(number)", occurredAt: at, paidAt: at,
            money: Money(minorUnits: 100, currency: .cny), baseMinorUnits: 100, identifiers: [Identifier(kind: .memberID, value: "M1")]))
      }
      let first = (1...3).map { order($0, at: start.adding(seconds: Int64($0) * 86_400)) }
      try apply(first, batchesOf: 2, session, at: start.adding(seconds: 10 * 86_400))
      // Three years on the first days are no longer kept one by one.
      for year in 1...3 as ClosedRange<Int64> {
        let now = start.adding(seconds: year * 366 * 86_400)
        try apply([order(10 + Int(year), at: now)] + first, batchesOf: 3, session, at: now)
        let customer = try #require(try ProfileQueries.customers(after: nil, limit: 10, session).first)
        #expect(customer.ledger.orderCount == 3 + year)
        #expect(customer.ledger.spend == 300 + 100 * year)
      }
    }
  }

  @Test func aRebuildFromFactsFindsNothingToRepairAfterIncrements() async throws {
    try await withProfileTables { session in
      for seed in 1_000..<1_020 as Range<UInt64> {
        try apply(Stream(seed: seed).facts, batchesOf: 3, session)
      }
      let ids = try ProfileQueries.customers(after: nil, limit: 1_000, session).map(\.id)
      var store = PostgresProfileStore(session)
      #expect(try Rebuild.apply(ids, to: &store, rules: rules).isEmpty)
      // The rebuild is able to find something: an aggregate that was changed by hand is repaired.
      let paying = try #require(try ProfileQueries.customers(after: nil, limit: 1_000, session).first { $0.ledger.lastPaidDay != nil })
      try session.execute("UPDATE customers SET days = ''::bytea, older = ''::bytea WHERE id = \(paying.id.number)")
      let differences = try Rebuild.apply([paying.id], to: &store, rules: rules)
      #expect(differences.map(\.after.ledger) == [paying.ledger])
    }
  }

  @Test func aCustomerIsFoundByEveryIdentifierItWasEverNamedBy() async throws {
    try await withProfileTables { session in
      let identifiers = [Identifier(kind: .memberID, value: "M9"), Identifier(kind: .phone, value: "+8613800009999")]
      let fact = arrival(CustomerEvent(source: "members", eventID: "r1", occurredAt: Instant(seconds: 1), identifiers: identifiers, attributes: [.name: "王芳"]))
      try apply([fact], batchesOf: 1, session, keys: { _, _, _ in 0 })
      let found = try identifiers.map { try ProfileQueries.customer(with: testKey($0), session) }
      #expect(found[0] != nil && found[0] == found[1])
    }
  }
}
