// E-05: where customers are reached, as whoever sends hears it: when an address is new, when it is verified, and when it turns out to be nobody's own.
import Contracts
import Domain
import Hashing
@testable import Messaging
import Postgres
import ProfileCore
import ProfileStore
import Runtime
import TestSupport
import Testing

@testable import profile

private let start = Instant(seconds: 900_000_000)
private let member = Identifier(kind: .memberID, value: "M1")
private func phone(_ number: Int, verified: Bool = true) -> Identifier {
  Identifier(kind: .phone, value: "+861380000\(1_000 + number)", isVerified: verified)
}
private let email = Identifier(kind: .email, value: "an@example.com", isVerified: true)

private func seen(_ id: String, _ identifiers: [Identifier], after seconds: Int64) -> Arrival {
  arrival(CustomerEvent(source: "members", eventID: id, occurredAt: start.adding(seconds: seconds), identifiers: identifiers))
}

@Suite("Where customers are reached") struct AddressTests {
  /// What is told while facts come one by one.
  private func told(_ facts: [Arrival]) throws -> [[CustomerAddress]] {
    var store = MemoryProfileStore()
    return try facts.map { try ProfileBatch.apply([$0], to: &store, rules: rules, at: evaluation).addresses }
  }

  @Test("An address is told with its customer when it comes up, other identifiers never")
  func new() throws {
    let told = try told([seen("a", [member, email, phone(1)], after: 1), seen("b", [member, email], after: 2)])
    #expect(told[0].map(\.value).sorted() == ["+8613800001001", "an@example.com"] && told[1].isEmpty)
    #expect(told[0].allSatisfy { $0.customer == testKey(member).identityID && $0.version >= 1 && $0.isVerified && !$0.isShared })
    #expect(Set(told[0].map(\.identity)) == [testKey(email).identityID, testKey(phone(1)).identityID])
  }

  @Test("An address that is verified later, or is named beside too many others, is told again")
  func changed() throws {
    let verified = try told([seen("a", [phone(1, verified: false)], after: 1), seen("b", [phone(1)], after: 2)])
    #expect(verified.map { $0.map(\.isVerified) } == [[false], [true]])
    let members = (1...7).map { Identifier(kind: .memberID, value: "N\($0)") }
    let shared = try told(members.enumerated().map { seen("c\($0.offset)", [$0.element, phone(9)], after: Int64($0.offset)) })
    #expect(shared.flatMap(\.self).filter { $0.value == phone(9).value }.last?.isShared == true)
  }

  @Test("The short way of a first order tells the same as the long one")
  func shortWay() throws {
    let order = arrival(
      OrderEvent(
        kind: .order, source: "shop", eventID: "o", orderID: "o", revision: 1, reference: "", occurredAt: start, paidAt: start,
        money: Money(minorUnits: 100, currency: .cny), baseMinorUnits: 100, channel: "", identifiers: [phone(3)], lines: []))
    let batch = ItemBatch([order])
    #expect(batch.plainCount == 1)
    var (short, long, known) = (MemoryProfileStore(), MemoryProfileStore(), KnownCustomers())
    let quick = try batch.bytes.withUnsafeBytes { try ProfileBatch.apply(batch.items, $0, to: &short, known: &known, rules: rules, at: evaluation) }
    let slow = try ProfileBatch.apply([order], to: &long, rules: rules, at: evaluation)
    #expect(quick.addresses == slow.addresses && quick.addresses.map(\.value) == [phone(3).value])
  }

  @Test(
    "Customers from before addresses were told, and all when somebody asks for it, have theirs told once by due work",
    .enabled(if: TestDatabase.isAvailable, "\(TestDatabase.whyNot)"))
  func toldAgain() async throws {
    try await withProfileTables { session in
      var store = PostgresProfileStore(session)
      for fact in [seen("a", [member, email], after: 1), seen("b", [Identifier(kind: .unionID, value: "u")], after: 2)] {
        _ = try ProfileBatch.apply([fact], to: &store, rules: rules, at: evaluation)
      }
      #expect(try AddressRows.askAll(session) == 1)
      let migration = try #require(Resources.migrations(of: "profile").first { $0.name.hasPrefix("0010_") })
      try session.execute("DELETE FROM due_work WHERE kind = \(AddressRows.work)")
      try session.execute(migration.sql)
      let rows = try session.query(Statement(name: "", sql: "SELECT id FROM due_work WHERE kind = \(AddressRows.work)"))
      #expect(rows.count == 1)
      let due = [DueItem(kind: AddressRows.work, id: try rows.int64(0, 0), at: evaluation)]
      let pseudonyms = try Pseudonyms(key: Array("0123456789abcdef0123456789abcdef".utf8))
      let handler = ProfileDueHandler(environment: ProfileEnvironment(rules: rules, currency: .cny, pseudonyms: pseudonyms))
      let outbox = OutboxWriter(layout: TopicLayout([Topics.addresses.name: 1]), lanes: LaneTable(), statesByName: [])
      var scope = LaneScope(session: session, now: evaluation, outbox: outbox, lane: "due")
      let left = try session.transaction { _ in try handler.apply(due, &scope) }
      #expect(try left.isEmpty && scope.outbox.finish().rows.reduce(0) { $0 + $1.records } == 1)
    }
  }
}
