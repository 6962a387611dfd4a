// K-01 and P-02: whose a contact is, as others hear it: with the contact, and by every move of its identity afterwards, in whatever order they hear.
import Contracts
import Domain
import ProfileCore
import Testing

private let start = Instant(seconds: 900_000_000)
private func memberID(_ number: Int) -> Identifier { Identifier(kind: .memberID, value: "M\(number)") }
private func phone(_ number: Int) -> Identifier { Identifier(kind: .phone, value: "+861380000\(1_000 + number)") }

private func contact(_ id: String, _ identifier: Identifier, after seconds: Int64) -> Arrival {
  let at = start.adding(seconds: seconds)
  let event = ContactEvent(source: "desk", eventID: id, occurredAt: at, identifiers: [identifier])
  return Arrival(
    event: .interaction(.contact(event)),
    sighting: Sighting(named: [.init(key: testKey(identifier), identifier: identifier)], at: at, eventID: id))
}

private func bond(_ id: String, _ identifiers: [Identifier], after seconds: Int64) -> Arrival {
  arrival(CustomerEvent(source: "members", eventID: id, occurredAt: start.adding(seconds: seconds), identifiers: identifiers))
}

/// A reader that keeps, for each identity, the owner with the highest version.
private struct Reader {
  var owners: [CustomerID: (customer: CustomerID, version: Int64)] = [:]

  mutating func hear(_ identity: CustomerID, _ customer: CustomerID, _ version: Int64) {
    if let known = owners[identity], known.version >= version {
      #expect(known.version > version || known.customer == customer, "two owners of one identity bear the same version")
      return
    }
    owners[identity] = (customer, version)
  }
}

@Suite("Whose a contact is") struct BelongingTests {
  @Test func aContactIsToldWithItsCustomerAndWithoutIdentifiers() throws {
    var desk = Desk()
    try desk.take([bond("r", [memberID(1), phone(1)], after: 1)])
    let outcome = try ProfileBatch.apply([contact("c", phone(1), after: 2)], to: &desk.store, rules: rules, at: evaluation)
    let told = try #require(outcome.contacts.first)
    #expect(told.customer == desk.customer(of: memberID(1))?.id)
    #expect(told.identity == testKey(phone(1)).identityID)
    #expect(told.contact.identifiers.isEmpty)
    #expect(outcome.moves.isEmpty)
  }

  @Test(arguments: 0..<200)
  func whoHearsContactsAndMovesInAnyOrderEndsWithTheOwnersOfTheTables(seed: Int) throws {
    var random = SplitMix(UInt64(seed))
    var desk = Desk()
    var heard: [(identity: CustomerID, customer: CustomerID, version: Int64)] = []
    func note(_ outcome: ProfileOutcome) {
      heard += outcome.contacts.map { ($0.identity, $0.customer, $0.version) } + outcome.moves.map { ($0.identity, $0.customer, $0.version) }
      heard += outcome.addresses.map { ($0.identity, $0.customer, $0.version) }
    }
    let identifiers = (1...3).flatMap { [memberID($0), phone($0)] }
    for step in 0..<30 {
      let seconds = Int64.random(in: 0..<10_000, using: &random)
      switch Int.random(in: 0..<5, using: &random) {
      case 0 where !desk.store.merges.isEmpty:
        let merge = desk.store.merges[Int.random(in: 0..<desk.store.merges.count, using: &random)]
        note(try desk.undo(merge, after: Int64(20_000 + step)))
      case 1:
        let pair = identifiers.shuffled(using: &random).prefix(2).sorted()
        let facts = [bond("b\(step)", Array(pair), after: seconds)]
        note(try ProfileBatch.apply(facts, to: &desk.store, rules: rules, at: evaluation))
      default:
        let facts = [contact("c\(step)", identifiers[Int.random(in: 0..<6, using: &random)], after: seconds)]
        note(try ProfileBatch.apply(facts, to: &desk.store, rules: rules, at: evaluation))
      }
    }
    var reader = Reader()
    for message in heard.shuffled(using: &random) { reader.hear(message.identity, message.customer, message.version) }
    for (identity, owner) in reader.owners {
      #expect(desk.store.identities.values.first { $0.id == identity }?.customer == owner.customer)
    }
  }
}
