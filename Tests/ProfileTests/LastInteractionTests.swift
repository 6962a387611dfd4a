// The day of the last contact, behaviour or answer (T-06): the newest one, whatever order they come in.
import Contracts
import Domain
import Hashing
import Postgres
import ProfileCore
import ProfileStore
import Runtime
import TestSupport
import Testing

@testable import Messaging
@testable import profile

private let zone = rules.zone
private let member = Identifier(kind: .memberID, value: "M1")
private let phone = Identifier(kind: .phone, value: "+8613800001001")
private func day(_ text: String) -> Day { Day(text) ?? Day(number: 0) }
private func noon(_ text: String) -> Instant { zone.startOfDay(day(text)).adding(seconds: 43_200) }

private func visit(_ id: String, _ who: Identifier, on text: String) -> Arrival {
  let event = BehaviourEvent(source: "app", eventID: id, occurredAt: noon(text), name: "visit", count: 1, identifiers: [who])
  return Arrival(
    event: .interaction(.behaviour(event)),
    sighting: Sighting(named: [.init(key: testKey(who), identifier: who)], at: event.occurredAt, eventID: event.eventID))
}

private func order(_ id: String, _ who: Identifier, on text: String) -> Arrival {
  arrival(
    OrderEvent(
      kind: .order, source: "s", eventID: id, orderID: id, occurredAt: noon(text), paidAt: noon(text), money: Money(minorUnits: 100, currency: .cny),
      baseMinorUnits: 100, identifiers: [who]))
}

private func joined(on text: String) -> Arrival {
  arrival(CustomerEvent(source: "m", eventID: "both", occurredAt: noon(text), identifiers: [member, phone]))
}

@Suite("The day of the last interaction")
struct LastInteractionTests {
  @Test("Shuffled, doubled, cut into any batches and over a merge it is the newest day, orders do not count, and a rebuild finds nothing else")
  func anyOrder() throws {
    let facts = [
      visit("a", member, on: "2001-03-01"), visit("b", member, on: "2001-05-09"), visit("c", phone, on: "2001-06-20"), visit("d", phone, on: "2001-04-01"),
      order("1", member, on: "2001-07-30"), order("2", phone, on: "2001-01-02"), joined(on: "2001-05-05"),
    ]
    for seed in 0..<100 as Range<UInt64> {
      var random = SplitMix(seed)
      var rest = (facts + facts.filter { _ in Bool.random(using: &random) }).shuffled(using: &random)[...]
      var desk = Desk()
      while !rest.isEmpty {
        let batch = Array(rest.prefix(Int.random(in: 1...4, using: &random)))
        rest = rest.dropFirst(batch.count)
        try desk.take(batch)
      }
      #expect(desk.customer(of: member)?.lastInteractionDay == day("2001-06-20"), "seed \(seed)")
      #expect(try Rebuild.apply(Array(desk.store.customers.keys), to: &desk.store, rules: rules).isEmpty, "seed \(seed)")
    }
  }

  @Test("A merged customer has none, and an undone merge gives each side its own day back, with what came in between")
  func undone() throws {
    var desk = Desk()
    try desk.take([visit("a", member, on: "2001-03-01"), order("1", member, on: "2001-03-02"), visit("c", phone, on: "2001-02-20")])
    try desk.take([joined(on: "2001-05-05"), visit("d", phone, on: "2001-06-20")])
    let merge = try #require(desk.store.merges.first)
    #expect(desk.customer(of: member)?.lastInteractionDay == day("2001-06-20"))
    #expect(desk.store.customers[merge.absorbed]?.lastInteractionDay == nil)
    _ = try desk.undo(merge, after: 400_000_000)
    #expect(desk.customer(of: member)?.lastInteractionDay == day("2001-03-01"))
    #expect(desk.customer(of: phone)?.lastInteractionDay == day("2001-06-20"))
    #expect(try Rebuild.apply(Array(desk.store.customers.keys), to: &desk.store, rules: rules).isEmpty)
  }

  @Test("The customer is published anew only when the day moves on")
  func published() throws {
    var store = MemoryProfileStore()
    func changed(_ fact: Arrival) throws -> Int { try ProfileBatch.apply([fact], to: &store, rules: rules, at: evaluation).changed.count }
    // Who was first seen when is another matter.
    #expect(try changed(order("1", member, on: "2001-01-01")) == 1)
    #expect(try changed(visit("a", member, on: "2001-03-01")) == 1)
    #expect(try changed(visit("a", member, on: "2001-03-01")) == 0)
    #expect(try changed(visit("b", member, on: "2001-03-01")) == 0)
    #expect(try changed(visit("c", member, on: "2001-02-01")) == 0)
    #expect(try changed(visit("d", member, on: "2001-03-02")) == 1)
    let customer = try #require(store.customers.values.first)
    #expect(customer.snapshot(rules: rules, currency: .cny, on: day("2001-03-03")).lastInteractionDay == day("2001-03-02"))
  }

  @Test("The tables keep it while orders move the customer on, and what it was before is found")
  func tables() async throws {
    try await withProfileTables { session in
      var lane = KnownCustomers()
      func take(_ facts: [Arrival]) throws {
        try session.transaction { session in
          var store = PostgresProfileStore(session)
          _ = try ProfileBatch.apply(facts, to: &store, known: &lane, rules: rules, at: evaluation)
        }
        lane.committed()
      }
      try take([order("1", member, on: "2001-03-01")])
      try take([visit("a", member, on: "2001-03-05"), visit("b", phone, on: "2001-04-01")])
      for number in 2...4 { try take([order("\(number)", member, on: "2001-04-0\(number)")]) }
      try take([visit("c", member, on: "2001-03-20")])
      try take([order("5", member, on: "2001-04-05"), order("6", phone, on: "2001-04-05")])
      let stored = try ProfileQueries.customers(after: nil, limit: 10, session)
      #expect(Set(stored.map(\.lastInteractionDay)) == [day("2001-03-20"), day("2001-04-01")])
      var store = PostgresProfileStore(session)
      #expect(try Rebuild.apply(stored.map(\.id), to: &store, rules: rules).isEmpty)
      let owners = Dictionary(uniqueKeysWithValues: try store.members(of: stored.map(\.id)).map { ($0.identity.id, $0.identity.customer) })
      let before = try store.lastInteractionDays(owners, before: zone.startOfDay(day("2001-03-20")), in: zone)
      #expect(Array(before.values) == [day("2001-03-05")])
    }
  }

  @Test("A rebuild finds a day that an increment forgot, and one that it took too early")
  func forgotten() async throws {
    try await withProfileTables { session in
      var store = PostgresProfileStore(session)
      _ = try ProfileBatch.apply([visit("a", member, on: "2001-03-05")], to: &store, rules: rules, at: evaluation)
      let id = try #require(try ProfileQueries.customers(after: nil, limit: 10, session).first?.id)
      for (found, text) in ["NULL", "date '2001-02-01'"].enumerated() {
        try session.execute("UPDATE customers SET last_interaction_day = \(text)")
        let differences = try Rebuild.apply([id], to: &store, rules: rules)
        #expect(differences.map(\.after.lastInteractionDay) == [day("2001-03-05")])
        try ProfileQueries.note(differences, at: evaluation, session)
        #expect(try ProfileQueries.rebuildState(session).differences == Int64(found + 1))
      }
    }
  }
}

/// Tables from before migration 0009, as the version before it left them.
private struct OldTables {
  static let someone = Identifier(kind: .unionID, value: "u3")
  let session: PostgresSession
  let handler: ProfileDueHandler

  init(_ session: PostgresSession) throws {
    self.session = session
    let pseudonyms = try Pseudonyms(key: Array("0123456789abcdef0123456789abcdef".utf8))
    handler = ProfileDueHandler(environment: ProfileEnvironment(rules: rules, currency: .cny, pseudonyms: pseudonyms))
    var store = PostgresProfileStore(session)
    let facts = [
      visit("a", member, on: "2001-03-05"), visit("b", member, on: "2001-03-01"), order("1", OldTables.someone, on: "2001-03-02"),
      visit("c", phone, on: "2001-04-02"), joined(on: "2001-05-05"),
    ]
    for fact in facts { _ = try ProfileBatch.apply([fact], to: &store, rules: rules, at: evaluation) }
    try session.execute("ALTER TABLE customers DROP COLUMN last_interaction_day")
    let migration = try #require(Resources.migrations(of: "profile").first { $0.name.hasPrefix("0009_") })
    try session.execute(migration.sql)
  }

  func customer(of identifier: Identifier) throws -> Customer {
    let id = try #require(try ProfileQueries.customer(with: testKey(identifier), session))
    return try #require(try ProfileQueries.customers([id], session).first)
  }

  /// Those who wait for this kind of work.
  func waiting(_ kind: Int16) throws -> [DueItem] {
    let rows = try session.query(Statement(name: "old_waiting", sql: "SELECT id FROM due_work WHERE kind = $1 ORDER BY id")) { $0.int16(kind) }
    return try (0..<rows.count).map { DueItem(kind: kind, id: try rows.int64($0, 0), at: evaluation) }
  }

  /// What is left of the work, and how many snapshots were published.
  func work(_ due: [DueItem]) throws -> (left: [DueItem], snapshots: Int) {
    let outbox = OutboxWriter(layout: TopicLayout([Topics.profiles.name: 1]), lanes: LaneTable(), statesByName: [])
    var scope = LaneScope(session: session, now: evaluation, outbox: outbox, lane: "due")
    let left = try session.transaction { _ in try handler.apply(due, &scope) }
    return (left, try scope.outbox.finish().rows.reduce(0) { $0 + $1.records })
  }
}

@Suite("The day of the last interaction of customers from before it was kept", .enabled(if: TestDatabase.isAvailable, "\(TestDatabase.whyNot)"))
struct OldInteractionTests {
  @Test("Each customer with interactions waits to be filled in once, and is published when that is done; who has none or was merged does not wait")
  func migrated() async throws {
    try await withProfileTables { session in
      let old = try OldTables(session)
      let before = try old.customer(of: member)
      #expect(before.lastInteractionDay == nil)
      let waiting = try old.waiting(FillInRows.lastInteractionWork)
      #expect(waiting.map(\.id) == [before.id.number])
      let done = try old.work(waiting)
      #expect(done.left.isEmpty && done.snapshots == 1)
      let after = try old.customer(of: phone)
      #expect(after.lastInteractionDay == day("2001-04-02") && after.version == before.version + 1)
      #expect(try old.customer(of: OldTables.someone).lastInteractionDay == nil)
      // Once is enough.
      #expect(try old.work(waiting).snapshots == 0)
    }
  }

  @Test("A rebuild that comes before they were filled in takes nothing for a mistake, even when an old visit came in meanwhile; afterwards it does")
  func rebuilt() async throws {
    try await withProfileTables { session in
      let old = try OldTables(session)
      var store = PostgresProfileStore(session)
      _ = try ProfileBatch.apply([visit("late", member, on: "2001-01-09")], to: &store, rules: rules, at: evaluation)
      #expect(try old.customer(of: member).lastInteractionDay == day("2001-01-09"))
      _ = try ProfileQueries.askRebuild(session)
      let rebuilds = try old.waiting(ProfileQueries.rebuildWork)
      let first = try old.work(rebuilds)
      #expect(first.left == rebuilds && first.snapshots == 1)
      #expect(try old.customer(of: member).lastInteractionDay == day("2001-04-02"))
      #expect(try old.waiting(FillInRows.lastInteractionWork).isEmpty)
      #expect(try old.work(rebuilds).left.isEmpty)
      #expect(try ProfileQueries.rebuildState(session).differences == 0)
      try session.execute("UPDATE customers SET last_interaction_day = NULL")
      #expect(try old.work(rebuilds).snapshots == 1)
      #expect(try ProfileQueries.rebuildState(session).differences == 1)
    }
  }
}
