// The short way of plain orders: read as the strict reader reads, and ending in the same tables as the long way (P-05, P-06).
import Contracts
import Domain
import Messaging
import Postgres
import ProfileCore
import ProfileStore
import TestSupport
import Testing
import Text

/// Facts as a lane has them: orders of one identifier as they lie in their messages, the rest as values.
struct ItemBatch {
  var items: [ProfileItem] = []
  var bytes: [UInt8] = []

  init(_ facts: some Sequence<Arrival>) {
    for fact in facts {
      guard case .order(let event) = fact.event, let home = fact.sighting.named.first else {
        items.append(.full(fact))
        continue
      }
      let message = JSONWriter.bytes { event.write(to: &$0) }
      let order = message.withUnsafeBytes { PlainOrder($0, home: home.key, place: bytes.count) }
      bytes += message
      items.append(order.map { .plain($0) } ?? .full(fact))
    }
  }

  var plainCount: Int { items.count { if case .plain = $0 { true } else { false } } }
}

/// What a lane does with a batch: again from the start, trusting nothing, when another was quicker.
struct TestLane {
  var known: KnownCustomers
  var conflicts = 0

  init(customersMax: Int = 3, recentOrdersMax: Int = 2) { known = KnownCustomers(customersMax: customersMax, recentOrdersMax: recentOrdersMax) }

  mutating func apply(_ facts: [Arrival], _ transaction: ((inout KnownCustomers, ItemBatch) throws -> Void)) throws {
    let batch = ItemBatch(facts)
    for _ in 0..<3 {
      do {
        try transaction(&known, batch)
        known.committed()
        return
      } catch let failure as PostgresFailure where ![.uniqueViolation, .retryTransaction].contains(failure.kind) { throw failure } catch {
        known.forget()
        conflicts += 1
      }
    }
    Issue.record("a batch met conflicts although nobody else was there")
  }

  mutating func apply(_ facts: [Arrival], on store: inout MemoryProfileStore) throws {
    try apply(facts) { known, batch in
      var transaction = store
      _ = try batch.bytes.withUnsafeBytes {
        try ProfileBatch.apply(batch.items, $0, to: &transaction, known: &known, rules: rules, at: evaluation)
      }
      store = transaction
    }
  }
}

@Suite struct PlainOrderTests {
  @Test("What the quick reader takes, the strict one takes with the same meaning")
  func readsAsTheStrictReaderDoes() throws {
    var taken = 0
    for seed in 0..<400 as Range<UInt64> {
      for fact in Stream(seed: seed).facts {
        guard case .order(var event) = fact.event, let home = fact.sighting.named.first else { continue }
        if seed % 3 == 0 { event.lines = [OrderLine(sku: "a\"b", name: "茶", quantity: "2", minorUnits: 5)] }
        if seed % 5 == 0 { event.channel = "微信" }
        let message = JSONWriter.bytes { event.write(to: &$0) }
        let same = try meaning(message, home.key, taken: &taken)
        #expect(same, "seed \(seed)")
        try spoil(message, home.key, seed, taken: &taken)
      }
    }
    #expect(taken > 1_000)
  }

  private func spoil(_ message: [UInt8], _ home: IdentityKey, _ seed: UInt64, taken: inout Int) throws {
    var random = SplitMix(seed ^ 0x5A5A)
    for _ in 0..<20 {
      var other = message
      switch Int.random(in: 0..<3, using: &random) {
      case 0: other.remove(at: Int.random(in: 0..<other.count, using: &random))
      case 1: other[Int.random(in: 0..<other.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
      default: other.insert(UInt8(ascii: "\""), at: Int.random(in: 0..<other.count, using: &random))
      }
      let same = try meaning(other, home, taken: &taken)
      #expect(same, "\(String(decoding: other, as: UTF8.self))")
    }
  }

  /// False when the quick reader takes a message that the strict one refuses or reads otherwise.
  private func meaning(_ message: [UInt8], _ home: IdentityKey, taken: inout Int) throws -> Bool {
    let before = [UInt8](repeating: 0x20, count: 7)
    let all = before + message
    return all.withUnsafeBytes { bytes in
      let value = UnsafeRawBufferPointer(rebasing: bytes[before.count...])
      guard let plain = PlainOrder(value, home: home, place: before.count) else { return true }
      taken += 1
      var reader = JSONReader(value)
      guard let strict = try? OrderEvent(reading: &reader), strict.identifiers.count == 1 else { return false }
      guard case .order(let event) = plain.arrival(in: bytes).event else { return false }
      return event == strict
    }
  }

  @Test("Lanes that remember their customers end in the same tables as the long way", arguments: 0..<UInt64(Sanitized.rounds(40)))
  func lanesThatRememberEndInTheSameTables(block: UInt64) throws {
    for seed in block * 50..<(block + 1) * 50 {
      var random = SplitMix(seed ^ 0xFACE)
      let facts = Stream(seed: seed).facts
      let truth = try tables(facts, batchesOf: facts.count).essence
      var shuffled = facts + facts.filter { _ in Int.random(in: 0..<3, using: &random) == 0 }
      shuffled.shuffle(using: &random)
      var store = MemoryProfileStore()
      var lanes = [TestLane(), TestLane(customersMax: 100, recentOrdersMax: 100)]
      var rest = shuffled[...]
      while !rest.isEmpty {
        let batch = Array(rest.prefix(Int.random(in: 1...6, using: &random)))
        rest = rest.dropFirst(batch.count)
        let lane = Int.random(in: 0...1, using: &random)
        try lanes[lane].apply(batch, on: &store)
      }
      #expect(store.essence == truth, "seed \(seed)")
      if store.essence != truth { return }
    }
  }

  @Test("An order that comes again long after, when nobody remembers it, is found by its customer's marks and counts once")
  func ordersAreNotCountedTwice() throws {
    var store = MemoryProfileStore()
    var lane = TestLane(customersMax: 1, recentOrdersMax: 1)
    let facts = (0..<20).map { number in
      arrival(
        OrderEvent(
          kind: .order, source: "shop", eventID: "e\(number)", orderID: "o\(number)", occurredAt: Instant(seconds: 900_000_000),
          paidAt: Instant(seconds: 900_000_000), money: Money(minorUnits: 100, currency: .cny), baseMinorUnits: 100,
          identifiers: [Identifier(kind: .external, value: "shop:\(number % 4)")]))
    }
    #expect(ItemBatch(facts).plainCount == 20)
    for fact in facts + facts {
      try lane.apply([fact], on: &store)
    }
    #expect(lane.conflicts == 0, "the marks say of each order whether it is there")
    #expect(store.customers.values.map(\.ledger.orderCount) == [5, 5, 5, 5])
  }

  @Test("A lane whose customers another lane changed finds that out when it writes")
  func memoriesAreNeverWrittenOverTheTruth() throws {
    var store = MemoryProfileStore()
    var lanes = [TestLane(customersMax: 100, recentOrdersMax: 100), TestLane(customersMax: 100, recentOrdersMax: 100)]
    for number in 0..<10 {
      let fact = arrival(
        OrderEvent(
          kind: .order, source: "shop", eventID: "e\(number)", orderID: "o\(number)", occurredAt: Instant(seconds: 900_000_000),
          paidAt: Instant(seconds: 900_000_000), money: Money(minorUnits: 100, currency: .cny), baseMinorUnits: 100,
          identifiers: [Identifier(kind: .memberID, value: "M")]))
      try lanes[number % 2].apply([fact], on: &store)
    }
    #expect(lanes[0].conflicts + lanes[1].conflicts > 0)
    #expect(store.customers.values.map(\.ledger.spend) == [1_000])
    #expect(store.customers.values.map(\.memberID) == ["M"])
  }
}
