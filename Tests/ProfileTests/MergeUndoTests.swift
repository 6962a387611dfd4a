// P-02 and P-03: merges undone by an operator, merges of merges, and what a decision holds against.
import Domain
import ProfileCore
import Testing

private let start = Instant(seconds: 900_000_000)
private func memberID(_ number: Int) -> Identifier { Identifier(kind: .memberID, value: "M\(number)") }
private func phone(_ number: Int) -> Identifier { Identifier(kind: .phone, value: "+861380000\(1_000 + number)") }

private func registration(_ id: String, _ identifiers: [Identifier], after seconds: Int64) -> Arrival {
  arrival(CustomerEvent(source: "members", eventID: id, occurredAt: start.adding(seconds: seconds), identifiers: identifiers))
}

private func order(_ id: String, _ identifier: Identifier, _ amount: Int64, after seconds: Int64) -> Arrival {
  let at = start.adding(seconds: seconds)
  return arrival(
    OrderEvent(
      kind: .order, source: "s", eventID: id, orderID: id, occurredAt: at, paidAt: at, money: Money(minorUnits: amount, currency: .cny),
      baseMinorUnits: amount, identifiers: [identifier]))
}

/// What a lane, and the operator's lane beside it, do with one store.
struct Desk {
  var store = MemoryProfileStore()

  mutating func take(_ facts: [Arrival]) throws { _ = try ProfileBatch.apply(facts, to: &store, rules: rules, at: evaluation) }

  mutating func decide(_ decision: IdentityDecision) throws -> ProfileOutcome {
    store.decided.append(decision)
    return try ProfileBatch.regroup(Set(decision.left + decision.right), in: &store, rules: rules, at: evaluation)
  }

  mutating func undo(_ merge: MergeRecord, after seconds: Int64) throws -> ProfileOutcome {
    try decide(
      IdentityDecision(
        id: Int64(store.decided.count + 1), kind: .apart, at: start.adding(seconds: seconds), left: merge.survivorMembers, right: merge.absorbedMembers))
  }

  mutating func merge(_ left: Identifier, _ right: Identifier, after seconds: Int64) throws -> ProfileOutcome {
    try decide(
      IdentityDecision(
        id: Int64(store.decided.count + 1), kind: .together, at: start.adding(seconds: seconds), left: [testKey(left)], right: [testKey(right)]))
  }

  func customer(of identifier: Identifier) -> Customer? { store.identities[testKey(identifier)].flatMap { store.customers[$0.customer] } }
  func spend(_ identifier: Identifier) -> Int64? { customer(of: identifier)?.ledger.spend }
}

@Suite struct MergeUndoTests {
  @Test func undoingAMergeGivesEachSideItsOwnHistoryBack() throws {
    var desk = Desk()
    try desk.take([order("1", memberID(1), 100, after: 1), order("2", phone(1), 30, after: 2), order("3", phone(1), 4, after: 3)])
    let before = desk.store.essence
    let versions = desk.store.customers.mapValues(\.version)
    try desk.take([registration("both", [memberID(1), phone(1)], after: 9)])
    #expect(desk.spend(memberID(1)) == 134)
    let outcome = try desk.undo(try #require(desk.store.merges.first), after: 20)
    #expect(desk.store.essence == before)
    #expect(outcome.changed.count == 2)
    #expect(outcome.changed.allSatisfy { $0.version > versions[$0.id] ?? 0 && $0.mergedInto == nil })
  }

  @Test func aDecisionHoldsAgainstLaterEventsAndRepeats() throws {
    var desk = Desk()
    let facts = [order("1", memberID(1), 100, after: 1), order("2", phone(1), 30, after: 2), registration("both", [memberID(1), phone(1)], after: 9)]
    for fact in facts { try desk.take([fact]) }
    _ = try desk.undo(try #require(desk.store.merges.first), after: 20)
    try desk.take([registration("again", [memberID(1), phone(1)], after: 40)] + facts)
    try desk.take([registration("older", [memberID(1), phone(1)], after: 0)])
    #expect(desk.spend(memberID(1)) == 100)
    #expect(desk.spend(phone(1)) == 30)
    #expect(desk.store.bonds.values.map(\.stopped) == [.keptApart])
  }

  @Test func undoingTheMiddleMergeLeavesTheOthersStanding() throws {
    var desk = Desk()
    for (number, identifier) in [memberID(1), memberID(2), phone(3)].enumerated() {
      try desk.take([order("\(number)", identifier, Int64(10 << number), after: Int64(number))])
    }
    try desk.take([registration("first", [memberID(1), memberID(2)], after: 10)])
    try desk.take([registration("second", [memberID(2), phone(3)], after: 11)])
    #expect(desk.spend(memberID(1)) == 70)
    // The phone came over the second member, and stays with it.
    _ = try desk.undo(desk.store.merges[0], after: 20)
    #expect(desk.spend(memberID(1)) == 10)
    #expect(desk.spend(memberID(2)) == 60)
    #expect(desk.customer(of: phone(3))?.id == testKey(memberID(2)).identityID)
  }

  @Test func anOperatorMergesWhatAGuardStoppedAndMayUndoThatToo() throws {
    func national(_ hash: String) -> Identifier { Identifier(kind: .nationalIDHash, value: hash) }
    var desk = Desk()
    try desk.take([order("1", national("a"), 1, after: 1), order("2", national("b"), 2, after: 2)])
    try desk.take([registration("r", [national("a"), national("b")], after: 3)])
    #expect(desk.spend(national("a")) == 1)
    _ = try desk.merge(national("a"), national("b"), after: 10)
    #expect(desk.spend(national("a")) == 3)
    // A phone of theirs is no matter of national ids.
    try desk.take([registration("p", [national("b"), phone(1)], after: 12)])
    #expect(desk.customer(of: phone(1))?.id == desk.customer(of: national("a"))?.id)
    let merge = try #require(desk.store.merges.first)
    #expect(merge.evidence == "decision:1")
    _ = try desk.undo(merge, after: 20)
    #expect(desk.spend(national("a")) == 1)
    #expect(desk.spend(national("b")) == 2)
    #expect(desk.customer(of: phone(1))?.id == desk.customer(of: national("b"))?.id)
  }

  @Test func whatADecisionPutTogetherAfterOneThatKeptApartIsTogether() throws {
    var desk = Desk()
    for fact in [order("1", memberID(1), 100, after: 1), order("2", phone(1), 30, after: 2), registration("r", [memberID(1), phone(1)], after: 9)] {
      try desk.take([fact])
    }
    _ = try desk.undo(desk.store.merges[0], after: 20)
    _ = try desk.merge(memberID(1), phone(1), after: 30)
    #expect(desk.spend(memberID(1)) == 130)
  }

  /// Seeds of one test, times the number of tests.
  private static let blocks = 0..<(Environment.seeds / 50)

  @Test("Merges and undone merges end in the same customers whatever came first, and no money comes or goes", arguments: blocks)
  func anyOrderOfEventsAndDecisionsEndsInTheSameCustomers(block: Int) throws {
    for seed in block * 50..<(block + 1) * 50 {
      let problem = try MergeGraph(seed: UInt64(seed)).problem()
      #expect(problem == nil, "seed \(seed)")
      if problem != nil { return }
    }
  }
}
