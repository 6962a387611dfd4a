// P-06 and P-02: whatever order facts come in, however often and in whatever batches, the same tables come out.
import Domain
import ProfileCore
import TestSupport
import Testing

/// A small generator whose whole run follows from its seed.
struct SplitMix: RandomNumberGenerator {
  var state: UInt64
  init(_ seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 &+ 0x1234_5678_9ABC_DEF1 }
  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}

/// A stand-in for the keyed hash: any function of kind and value will do for the rules.
func testKey(_ identifier: Identifier) -> IdentityKey {
  var hash: UInt64 = 0xCBF2_9CE4_8422_2325
  for byte in "\(identifier.kind.rawValue)|\(identifier.value)".utf8 { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
  var mix = SplitMix(hash)
  return IdentityKey(high: mix.next(), low: mix.next())
}

func arrival(_ event: OrderEvent) -> Arrival {
  Arrival(
    event: .order(event),
    sighting: Sighting(named: event.identifiers.map { .init(key: testKey($0), identifier: $0) }, at: event.occurredAt, eventID: event.eventID))
}

func arrival(_ event: CustomerEvent) -> Arrival {
  Arrival(
    event: .customer(event),
    sighting: Sighting(named: event.identifiers.map { .init(key: testKey($0), identifier: $0) }, at: event.occurredAt, eventID: event.eventID))
}

/// A few people with several identifiers each, over several channels, whose orders are paid, refunded, cancelled and revised.
struct Stream {
  var facts: [Arrival] = []
  let start = Day("1997-01-01").map { BusinessZone.utc.startOfDay($0) } ?? Instant(seconds: 0)

  init(seed: UInt64) {
    var random = SplitMix(seed)
    let people = Int.random(in: 1...4, using: &random)
    for person in 0..<people { addPerson(person, &random) }
  }

  private func moment(_ random: inout SplitMix) -> Instant {
    // Four years, so that some days are summed up as older than 26 months.
    start.adding(seconds: Int64.random(in: 0..<(1_460 * 86_400), using: &random))
  }

  private mutating func addPerson(_ person: Int, _ random: inout SplitMix) {
    let known: [Identifier] = [
      Identifier(kind: .memberID, value: "M\(person)"), Identifier(kind: .phone, value: "+861380000100\(person)"),
      Identifier(kind: .email, value: "p\(person)@example.com"), Identifier(kind: .unionID, value: "u\(person)"),
    ]
    let weak = [Identifier(kind: .deviceID, value: "d\(person % 2)"), Identifier(kind: .openID, value: "o\(person)")]
    func some(_ random: inout SplitMix) -> [Identifier] {
      var chosen = known.filter { _ in Int.random(in: 0..<3, using: &random) == 0 }
      chosen += weak.filter { _ in Int.random(in: 0..<4, using: &random) == 0 }
      if chosen.isEmpty { chosen = [(known + weak)[Int.random(in: 0..<6, using: &random)]] }
      return chosen.sorted()
    }
    for number in 0..<Int.random(in: 1...5, using: &random) {
      addOrder("\(person)-\(number)", some(&random), &random)
    }
    for number in 0..<Int.random(in: 0...2, using: &random) {
      facts.append(
        arrival(
          CustomerEvent(
            source: "members", eventID: "r\(person)-\(number)", occurredAt: moment(&random), identifiers: some(&random),
            attributes: [.name: "N\(number)", .region: "R\(Int.random(in: 0...1, using: &random))"])))
    }
  }

  private mutating func addOrder(_ id: String, _ identifiers: [Identifier], _ random: inout SplitMix) {
    let placed = moment(&random)
    let amount = Int64.random(in: 0...50_000, using: &random)
    func event(_ kind: OrderEvent.Kind, _ reference: String, _ at: Instant, _ amount: Int64, revision: Int64 = 1, paid: Instant? = nil) -> Arrival {
      arrival(
        OrderEvent(
          kind: kind, source: "shop", eventID: "\(kind.name)-\(id)-\(reference)-\(revision)", orderID: id, revision: revision, reference: reference,
          occurredAt: at, paidAt: paid, money: Money(minorUnits: amount, currency: .cny), baseMinorUnits: amount, identifiers: identifiers))
    }
    let paysByItself = Bool.random(using: &random)
    facts.append(event(.order, "", placed, amount, paid: paysByItself ? placed.adding(seconds: 60) : nil))
    if !paysByItself, Int.random(in: 0..<3, using: &random) > 0 { facts.append(event(.payment, "p1", placed.adding(seconds: 3_600), amount)) }
    if Int.random(in: 0..<4, using: &random) == 0 {
      // A revision may say that it was ordered in another month.
      let again = placed.adding(seconds: Int64.random(in: 0...60, using: &random) * 86_400)
      facts.append(event(.order, "", again, amount / 2, revision: 2, paid: Bool.random(using: &random) ? again.adding(seconds: 60) : nil))
    }
    if Int.random(in: 0..<3, using: &random) == 0 {
      facts.append(event(.refund, "f1", placed.adding(seconds: 40 * 86_400), Bool.random(using: &random) ? amount : amount / 3))
    }
    if Int.random(in: 0..<6, using: &random) == 0 { facts.append(event(.cancellation, "", placed.adding(seconds: 2 * 86_400), 0)) }
  }
}

let rules = ProfileRules(zone: .utc)
let evaluation = Instant(seconds: 1_000_000_000)

func tables(_ facts: [Arrival], batchesOf size: Int) throws -> MemoryProfileStore {
  var store = MemoryProfileStore()
  var rest = facts[...]
  while !rest.isEmpty {
    _ = try ProfileBatch.apply(Array(rest.prefix(size)), to: &store, rules: rules, at: evaluation)
    rest = rest.dropFirst(size)
  }
  return store
}

@Suite struct OrderOfEventsTests {
  /// 100 tests of 100 seeds each (a tenth under sanitizers): 10,000 streams, every one shuffled, with repeats and other batches.
  @Test(arguments: 0..<UInt64(Sanitized.rounds(100)))
  func anyShuffleWithRepeatsEndsInTheSameTables(block: UInt64) async throws {
    let wrong = try await everywhere(block * 100..<(block + 1) * 100) { seed -> UInt64? in
      var random = SplitMix(seed ^ 0xABCD)
      let facts = Stream(seed: seed).facts
      let truth = try tables(facts, batchesOf: facts.count).essence
      var shuffled = facts + facts.filter { _ in Int.random(in: 0..<3, using: &random) == 0 }
      shuffled.shuffle(using: &random)
      let other = try tables(shuffled, batchesOf: Int.random(in: 1...7, using: &random)).essence
      return other == truth ? nil : seed
    }
    #expect(wrong.isEmpty)
  }
}
