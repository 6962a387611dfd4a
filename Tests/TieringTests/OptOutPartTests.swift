// A refusal of automated tiering is the person's (S-07): it goes with the customer into merges, and comes back out of them.
import Domain
import Postgres
import Runtime
import TestSupport
import Testing
import TieringStore

@testable import TieringCore

@Suite("Refusals of merged customers")
struct OptOutPartTests {
  private static let day = "1998-07-01"
  private let rules: TieringRules

  init() throws { rules = try Shipped.rules() }

  private func take(_ id: Int64, _ version: Int64, merged: Int64? = nil, into store: inout some TieringStore, seconds: Int64 = 0) throws {
    _ = try TieringBatch.receive(
      [received(snapshot(id, version, RatingTests.big, merged: merged))], &store, rules: rules, at: moment(OptOutPartTests.day, seconds: seconds))
  }

  private func decide(_ id: Int64, refuses: Bool, _ store: inout some TieringStore) throws {
    let parts = try store.refusals(under: [customer(id)]).map(\.part).filter { $0 != customer(id) }
    let locked = try store.lockCustomers(([customer(id)] + parts).sorted())
    let order = ReviewOrder.optOut(refuses, ReviewAction(actor: "Li", reason: "asked by phone"))
    _ = try ReviewDesk.apply(order, to: locked.filter { $0.id == customer(id) }, &store, rules: rules, at: moment(OptOutPartTests.day))
    try ReviewDesk.accept(locked.filter { $0.id != customer(id) }, &store)
  }

  /// The lane of due work, until nothing is left that can be done now.
  private func settle(_ store: inout MemoryTieringStore) throws {
    while !store.regrouped.isEmpty {
      let due = store.regrouped.sorted()
      store.regrouped = []
      let outcome = try TieringBatch.settleRefusals(below: due, &store, rules: rules, at: moment(OptOutPartTests.day))
      store.regrouped = Set(outcome.tooEarly.map(\.customer))
      if outcome.tooEarly.count == due.count { return }
    }
  }

  private func part(_ id: Int64, _ store: MemoryTieringStore) -> CustomerID? { store.customers[customer(id)]?.course.review.refusingPart }

  @Test("The one who stands refuses for its part, along a chain of merges, and no longer once the merge is undone; each time its history says so")
  func chain() throws {
    var store = MemoryTieringStore()
    for id in 1...3 as ClosedRange<Int64> { try take(id, 1, into: &store) }
    try decide(1, refuses: true, &store)
    try take(1, 2, merged: 2, into: &store)
    try settle(&store)
    #expect(part(2, store) == customer(1) && store.history.last?.reason == .optedOut && store.history.last?.action == nil)
    #expect(store.waiting[customer(2)] == RatingMoment.atOnce)
    try take(2, 2, merged: 3, into: &store)
    try settle(&store)
    #expect(part(3, store) == customer(1) && part(2, store) == nil)
    #expect(store.partsCounted == [customer(1): customer(3)])
    try take(2, 3, into: &store, seconds: 100)
    try settle(&store)
    #expect(part(3, store) == nil && part(2, store) == customer(1))
    try take(1, 3, into: &store, seconds: 200)
    try settle(&store)
    #expect(part(2, store) == nil && store.partsCounted.isEmpty)
    #expect(store.customers[customer(1)]?.course.review.isOptedOut == true)
    #expect(store.history.last { $0.customer == customer(2) }?.reason == .optedIn)
  }

  @Test("While a part refuses, a better tier is proposed and not given; whoever accepts again does so for the parts too")
  func decides() throws {
    var store = MemoryTieringStore()
    _ = try TieringBatch.receive([received(snapshot(1, 1)), received(snapshot(2, 1))], &store, rules: rules, at: moment("1998-06-01"))
    try decide(1, refuses: true, &store)
    try take(1, 2, merged: 2, into: &store)
    try settle(&store)
    let held = try #require(store.standing(2)?.rating.tier)
    func rated(_ version: Int64, _ seconds: Int64) throws -> Standing? {
      _ = try TieringBatch.receive(
        [received(snapshot(2, version, RatingTests.big))], &store, rules: rules, at: moment("1998-07-02", seconds: seconds))
      return store.standing(2)
    }
    let waits = try rated(2, 100)
    #expect(waits?.rating.tier == held && waits?.proposed != nil && waits?.proposed != held)
    try decide(2, refuses: false, &store)
    #expect(part(2, store) == nil && store.customers[customer(1)]?.course.review.isOptedOut == false && store.partsCounted.isEmpty)
    let given = try rated(3, 200)
    #expect(given?.rating.tier != held)
    // The part was freed with it: undone, it is in automated tiering.
    try take(1, 3, into: &store, seconds: 300)
    try settle(&store)
    #expect(store.customers[customer(1)]?.course.review.refusesAutomation == false)
  }

  @Test("A part that is known before its survivor waits for it, and holds up nobody else")
  func early() throws {
    var store = MemoryTieringStore()
    for id in [1, 2, 3] as [Int64] { try take(id, 1, into: &store) }
    try decide(1, refuses: true, &store)
    try decide(2, refuses: true, &store)
    try take(1, 2, merged: 9, into: &store)
    try take(2, 2, merged: 3, into: &store)
    let now = moment(OptOutPartTests.day)
    let outcome = try TieringBatch.settleRefusals(below: [customer(1), customer(2)], &store, rules: rules, at: now)
    #expect(part(3, store) == customer(2))
    #expect(outcome.tooEarly.map(\.customer) == [customer(1)] && outcome.tooEarly.first?.after == now.real.adding(seconds: TieringBatch.survivorSeconds))
    try take(9, 1, into: &store)
    #expect(try TieringBatch.settleRefusals(below: [customer(1)], &store, rules: rules, at: now).tooEarly.isEmpty)
    #expect(part(9, store) == customer(1))
  }

  @Test("Whatever order merges, undone merges and decisions come in, whoever stands refuses for exactly those below", arguments: 0..<60 as Range<UInt64>)
  func anyOrder(seed: UInt64) throws {
    var random = SplitMix(seed)
    var store = MemoryTieringStore()
    var versions: [Int64: Int64] = [:]
    let ids = 1...6 as ClosedRange<Int64>
    for id in ids { try take(id, 1, into: &store); versions[id] = 1 }
    for step in 1...40 as ClosedRange<Int64> {
      let id = Int64.random(in: ids, using: &random)
      let isMerged = store.customers[customer(id)]?.mergedInto != nil
      switch Int.random(in: 0..<4, using: &random) {
      case 0 where !isMerged:
        try decide(id, refuses: store.customers[customer(id)]?.course.review.refusesAutomation != true, &store)
      case 1, 2:
        // Merges lead to higher numbers: no circle stays.
        versions[id, default: 1] += 1
        let survivor = isMerged || id == ids.upperBound ? nil : Int64.random(in: (id + 1)...ids.upperBound, using: &random)
        try take(id, versions[id] ?? 1, merged: survivor, into: &store, seconds: step * 100)
      default: try settle(&store)
      }
    }
    try settle(&store)
    for id in ids {
      guard let standing = store.customers[customer(id)] else { continue }
      let below = try store.refusals(under: [customer(id)]).map(\.part).filter { $0 != customer(id) }
      #expect(standing.course.review.refusingPart == (standing.mergedInto == nil ? below.min() : nil), "customer \(id)")
    }
  }

  @Test(
    "The tables do the same, and customers from before are looked at once",
    .enabled(if: TestDatabase.isAvailable, Comment(rawValue: TestDatabase.whyNot)))
  func tables() async throws {
    let test = self
    try await Tables.session { session in
      var store = PostgresTieringStore(session, zone: .utc)
      let now = moment(OptOutPartTests.day)
      func settle() throws -> Set<CustomerID> {
        let due = try Tables.due(kind: TieringWork.refusal, session).keys.sorted()
        _ = try TieringBatch.settleRefusals(below: due, &store, rules: test.rules, at: now)
        try session.execute("DELETE FROM due_work WHERE kind = \(TieringWork.refusal)")
        return Set(due)
      }
      func part(_ id: Int64) throws -> CustomerID? { try Tables.customers(session)[customer(id)]?.course.review.refusingPart }
      for id in 1...4 as ClosedRange<Int64> { try test.take(id, 1, into: &store) }
      #expect(try settle().isEmpty)
      try test.decide(1, refuses: true, &store)
      try test.take(1, 2, merged: 2, into: &store)
      try test.take(2, 2, merged: 3, into: &store)
      #expect(try settle() == [customer(1), customer(2)])
      #expect(try part(3) == customer(1) && part(2) == nil)
      #expect(try store.counted([customer(1), customer(4)]) == [customer(1): customer(3)])
      try test.take(2, 3, into: &store, seconds: 100)
      #expect(try settle() == [customer(2)])
      #expect(try part(3) == nil && part(2) == customer(1))

      // As the version before left it.
      try session.execute("DROP TABLE opt_out_parts; DROP INDEX customers_parts")
      try session.execute("UPDATE customers SET review = NULL WHERE customer_id = \(customer(2).number)")
      let migration = try #require(Resources.migrations(of: "tiering").first { $0.name.hasPrefix("0009_") })
      try session.execute(migration.sql)
      #expect(try settle() == [customer(1)])
      #expect(try part(2) == customer(1))
      try test.decide(2, refuses: false, &store)
      #expect(try part(2) == nil && store.refusals(under: [customer(2)]).isEmpty && store.counted([customer(1)]).isEmpty)
    }
  }
}
