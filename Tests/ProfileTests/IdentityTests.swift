// P-01 to P-03: what merges, what only attaches, and what stops a merge.
import Domain
import ProfileCore
import Testing

private let start = Instant(seconds: 900_000_000)
private func phone(_ number: Int, verified: Bool = true) -> Identifier { Identifier(kind: .phone, value: "+861380000\(1_000 + number)", isVerified: verified) }
private func memberID(_ number: Int) -> Identifier { Identifier(kind: .memberID, value: "M\(number)") }

private func registration(_ id: String, _ identifiers: [Identifier], after seconds: Int64 = 0) -> Arrival {
  arrival(CustomerEvent(source: "members", eventID: id, occurredAt: start.adding(seconds: seconds), identifiers: identifiers))
}

private func standing(_ facts: [Arrival]) throws -> MemoryProfileStore { try tables(facts, batchesOf: 1) }
private func customers(_ store: MemoryProfileStore) -> Int { store.customers.values.count { $0.mergedInto == nil } }

@Suite struct IdentityTests {
  @Test func anEventWithStrongIdentifiersOfTwoCustomersMergesThemAndTheOlderSurvives() throws {
    let store = try standing([
      registration("a", [memberID(1)], after: 100), registration("b", [phone(1)], after: 50), registration("c", [memberID(1), phone(1)], after: 200),
    ])
    #expect(customers(store) == 1)
    let merge = try #require(store.merges.first)
    #expect(merge.evidence == "c")
    #expect(merge.survivor == testKey(phone(1)).identityID)
    #expect(store.customers[merge.absorbed]?.mergedInto == merge.survivor)
  }

  @Test func anUnverifiedPhoneAttachesButNeverMerges() throws {
    let store = try standing([
      registration("a", [memberID(1), phone(1, verified: false)]), registration("b", [memberID(2), phone(1, verified: false)], after: 10),
    ])
    #expect(customers(store) == 2)
    #expect(store.merges.isEmpty)
    #expect(store.identities[testKey(phone(1))]?.customer == testKey(memberID(1)).identityID)
  }

  @Test func aPhoneThatManyMembersShareMergesNoneOfThem() throws {
    let facts = (1...9).map { registration("r\($0)", [memberID($0), phone(1)], after: Int64($0)) }
    let store = try standing(facts)
    #expect(store.identities[testKey(phone(1))]?.isShared == true)
    // Nine members, and the phone by itself; those it had merged before it was known to be a shop's are apart again.
    #expect(customers(store) == 10)
    #expect(store.bonds.values.allSatisfy { $0.stopped == .sharedIdentifier })
    #expect(try tables(Array(facts.prefix(5)), batchesOf: 1).customers.values.count { $0.mergedInto == nil } == 1)
  }

  @Test func aShopsPhoneMergesNobodyAlsoWhereItIsTheStrongestIdentifier() throws {
    let facts = (1...9).map { number in
      registration("r\(number)", [phone(1), Identifier(kind: .email, value: "p\(number)@example.com")], after: Int64(number))
    }
    let store = try standing(facts)
    #expect(store.identities[testKey(phone(1))]?.isShared == true)
    #expect(customers(store) == 10)
  }

  @Test func differentNationalIDsNeverMergeByThemselves() throws {
    func national(_ hash: String) -> Identifier { Identifier(kind: .nationalIDHash, value: hash) }
    let store = try standing([
      registration("a", [national("h1"), phone(1)]), registration("b", [national("h2"), phone(2)], after: 1),
      registration("c", [phone(1), phone(2)], after: 2),
    ])
    #expect(customers(store) == 2)
    #expect(store.merges.isEmpty)
    #expect(Set(store.bonds.values.compactMap(\.stopped)) == [.differentNationalIDs])
  }

  @Test func oneEventMergesAtMostTenCustomers() throws {
    let emails = (0..<5).map { Identifier(kind: .email, value: "p\($0)@example.com") }
    let phones = (0..<8).map { phone($0) }
    let facts = (emails + phones).enumerated().map { registration("r\($0.offset)", [$0.element], after: Int64($0.offset)) }
    let store = try standing(facts + [registration("all", emails + phones, after: 100)])
    #expect(store.merges.count == IdentityRules.standard.customersPerEventMax)
    #expect(store.bonds.values.count { $0.stopped == .tooManyCustomers } == 2)
    #expect(customers(store) == 3)
  }

  @Test func whereALimitIsReachedHeavierKindsCountFirstWhateverCameFirst() throws {
    func email(_ number: Int) -> Identifier { Identifier(kind: .email, value: "p\(number)@example.com") }
    // Eleven addresses of one member are one too many: the ten named first stay, also when the eleventh came in before them.
    let facts = (0...10).map { registration("e\($0)", [memberID(1), email($0)], after: Int64($0)) }
    for order in [facts, facts.reversed()] {
      let store = try standing(order)
      #expect(customers(store) == 2)
      #expect(store.bonds.values.filter { $0.stopped == .tooManyValues }.map(\.pair.other) == [testKey(email(10))])
    }
  }

  @Test func factsOfBothSidesFollowAMergeAndKeepTheIdentityTheyCameWith() throws {
    func order(_ id: String, _ identifier: Identifier) -> Arrival {
      arrival(
        OrderEvent(
          kind: .order, source: "s", eventID: id, orderID: id, occurredAt: start, paidAt: start, money: Money(minorUnits: 100, currency: .cny),
          baseMinorUnits: 100, identifiers: [identifier]))
    }
    let store = try standing([order("1", memberID(1)), order("2", phone(1)), registration("m", [memberID(1), phone(1)], after: 9)])
    let survivor = try #require(store.customers.values.first { $0.mergedInto == nil })
    #expect(survivor.ledger.spend == 200)
    #expect(Set(store.orders.keys.map(\.identity)) == [testKey(memberID(1)).identityID, testKey(phone(1)).identityID])
  }

  @Test(arguments: ["000000", "null", "Anonymous", "-1", "test", "匿名", "---"]) func junkNamesNobody(value: String) {
    #expect(JunkIdentifiers.standard.contains(value))
  }

  @Test(arguments: ["00001", "11111", "17850", "13800001234", "a@b.cn"]) func realValuesAreNoJunk(value: String) {
    #expect(!JunkIdentifiers.standard.contains(value))
  }
}
