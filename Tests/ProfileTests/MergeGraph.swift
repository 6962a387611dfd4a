// Seeded graphs of people whose identifiers meet, with operators who merge, keep apart and undo in between.
import Domain
import Foundation
import ProfileCore

enum Environment {
  /// Graphs of one run: `make test-long` asks for 100,000.
  static let seeds = ProcessInfo.processInfo.environment["CLIENTELE_MERGE_SEEDS"].flatMap { Int($0) }.map { max(50, $0) } ?? 2_000
}

struct MergeGraph {
  private enum Step {
    case fact(Arrival)
    case decision(IdentityDecision)
  }
  private let seed: UInt64
  private let start = Instant(seconds: 800_000_000)

  init(seed: UInt64) { self.seed = seed }

  private static let identifiers: [Identifier] =
    (0..<4).map { Identifier(kind: .memberID, value: "M\($0)") } + (0..<3).map { Identifier(kind: .nationalIDHash, value: "n\($0)") }
    + (0..<4).map { Identifier(kind: .phone, value: "+861380000100\($0)") }
    + (0..<2).map { Identifier(kind: .phone, value: "+861380000100\($0)", isVerified: false) }
    + (0..<4).map { Identifier(kind: .email, value: "p\($0)@example.com") } + (0..<2).map { Identifier(kind: .deviceID, value: "d\($0)") }
    + (0..<2).map { Identifier(kind: .openID, value: "o\($0)") }

  /// nil when all is well.
  func problem() throws -> String? {
    var random = SplitMix(seed ^ 0x6D65_7267_65)
    var desk = Desk()
    var steps: [Step] = []
    for number in 0..<Int.random(in: 4...14, using: &random) {
      if Int.random(in: 0..<4, using: &random) == 0, let decision = decision(number, desk, &random) {
        _ = try desk.decide(decision)
        steps.append(.decision(decision))
      } else {
        let fact = fact(number, &random)
        try desk.take([fact])
        steps.append(.fact(fact))
      }
      if let problem = imbalance(desk.store, after: steps) { return "after step \(number): \(problem)" }
    }
    // The same facts and decisions in another order, in other batches, with repeats.
    var shuffled = steps + steps.filter { step in if case .fact = step { Bool.random(using: &random) } else { false } }
    shuffled.shuffle(using: &random)
    let other = try replay(shuffled, batchesOf: Int.random(in: 1...4, using: &random))
    if other.essence != desk.store.essence { return "another order ends in other customers" }
    if stopped(other) != stopped(desk.store) { return "another order ends in another review list" }
    return nil
  }

  private func stopped(_ store: MemoryProfileStore) -> [IdentityPair: MergeGuard] { store.bonds.compactMapValues(\.stopped) }

  private func replay(_ steps: [Step], batchesOf size: Int) throws -> MemoryProfileStore {
    var desk = Desk()
    var batch: [Arrival] = []
    for step in steps {
      switch step {
      case .fact(let fact):
        batch.append(fact)
        guard batch.count >= size else { continue }
        try desk.take(batch)
        batch = []
      case .decision(let decision):
        if !batch.isEmpty { try desk.take(batch) }
        batch = []
        _ = try desk.decide(decision)
      }
    }
    if !batch.isEmpty { try desk.take(batch) }
    return desk.store
  }

  private func fact(_ number: Int, _ random: inout SplitMix) -> Arrival {
    var named: [Identifier] = []
    for _ in 0..<Int.random(in: 1...3, using: &random) {
      guard let identifier = MergeGraph.identifiers.randomElement(using: &random) else { continue }
      if !named.contains(where: { $0.kind == identifier.kind && $0.value == identifier.value }) { named.append(identifier) }
    }
    named.sort()
    let at = start.adding(seconds: Int64.random(in: 0..<100_000, using: &random))
    if Bool.random(using: &random) {
      return arrival(CustomerEvent(source: "members", eventID: "r\(number)", occurredAt: at, identifiers: named, attributes: [.name: "N\(number)"]))
    }
    let amount = Int64.random(in: 1...1_000, using: &random)
    return arrival(
      OrderEvent(
        kind: .order, source: "shop", eventID: "o\(number)", orderID: "o\(number)", occurredAt: at, paidAt: at,
        money: Money(minorUnits: amount, currency: .cny), baseMinorUnits: amount, identifiers: named))
  }

  /// An operator undoes a merge, or puts two customers together or apart.
  private func decision(_ number: Int, _ desk: Desk, _ random: inout SplitMix) -> IdentityDecision? {
    let at = start.adding(seconds: 200_000 + Int64(number))
    if Bool.random(using: &random), let merge = desk.store.merges.randomElement(using: &random) {
      return IdentityDecision(id: Int64(number), kind: .apart, at: at, left: merge.survivorMembers, right: merge.absorbedMembers)
    }
    let standing = desk.store.customers.values.filter { $0.mergedInto == nil }.map(\.id).sorted()
    guard let one = standing.randomElement(using: &random), let two = standing.randomElement(using: &random), one != two else { return nil }
    func members(_ id: CustomerID) -> [IdentityKey] {
      desk.store.identities.values.filter { $0.customer == id }.sorted { ($0.id != id ? 1 : 0, $0.key) < ($1.id != id ? 1 : 0, $1.key) }.map(\.key)
    }
    return IdentityDecision(
      id: Int64(number), kind: Bool.random(using: &random) ? .together : .apart, at: at, left: members(one), right: members(two))
  }

  /// Every order counts for exactly one customer, and everyone who became part of another says of whom.
  private func imbalance(_ store: MemoryProfileStore, after steps: [Step]) -> String? {
    let all = store.orders.values.flatMap { $0.record.contribution(in: rules.zone) }.reduce(0) { $0 + $1.spend }
    let kept = store.customers.values.reduce(0) { $0 + $1.ledger.spend }
    if all != kept { return "orders bring \(all), customers have \(kept)" }
    for identity in store.identities.values where store.customers[identity.customer]?.mergedInto != nil {
      return "\(identity.value) belongs to a customer that was merged away"
    }
    for (id, customer) in store.customers {
      let members = store.identities.values.filter { $0.customer == id }
      if customer.mergedInto == nil && members.isEmpty { return "customer \(id) has no identifier" }
      guard customer.mergedInto == nil else { continue }
      let facts = store.orders.filter { order in members.contains { $0.id == order.key.identity } }.values
      let own = facts.flatMap { $0.record.contribution(in: rules.zone) }.reduce(0) { $0 + $1.spend }
      if own != customer.ledger.spend { return "customer \(id) has another's money" }
      if !store.hasRightMarks(id) { return "customer \(id) does not know where its orders lie" }
    }
    return nil
  }
}
