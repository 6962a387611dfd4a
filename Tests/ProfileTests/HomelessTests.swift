// Answers from survey pages: feedback knows an identity's number, and profile puts the identifier to it (F-03, P-13).
import Contracts
import Domain
import Handling
import Hashing
import Postgres
import ProfileCore
import ProfileStore
import Runtime
import TestSupport
import Testing
import Text

@testable import Messaging
@testable import profile

private let member = Identifier(kind: .memberID, value: "M1")
private let start = Instant(seconds: 900_000_000)

private func page(_ id: String, _ identity: CustomerID, score: Int64 = 9) -> [UInt8] {
  let answer = AnswerEvent(
    source: "survey-link", eventID: id, occurredAt: start.adding(seconds: 60), survey: "nps-quarterly", metric: .nps, score: score, identifiers: [])
  return JSONWriter.bytes { CustomerAnswer(customer: identity, identity: identity, version: 1, answer: answer).write(to: &$0) }
}

@Suite("Answers without identifiers", .enabled(if: TestDatabase.isAvailable, "\(TestDatabase.whyNot)"))
struct HomelessTests {
  private func take(_ values: [[UInt8]], _ session: PostgresSession) throws -> (refusals: [Refusal], published: [CustomerAnswer]) {
    let pseudonyms = try Pseudonyms(key: Array("0123456789abcdef0123456789abcdef".utf8))
    let handler = ProfileHandler(environment: ProfileEnvironment(rules: rules, currency: .cny, pseudonyms: pseudonyms))
    let items = try values.map { value -> ProfileItem in
      guard case .item(let item) = value.withUnsafeBytes({ handler.read($0, topic: Topics.pageAnswers.name) }) else { throw UnreadRecord() }
      return item
    }
    var kept = KnownCustomers()
    let layout = TopicLayout([Topics.profiles.name: 1, Topics.customerAnswers.name: 1, Topics.merges.name: 1, Topics.moves.name: 1])
    let outbox = OutboxWriter(layout: layout, lanes: LaneTable(), statesByName: [])
    var scope = LaneScope(session: session, now: evaluation, outbox: outbox, lane: "a")
    let refusals = try session.transaction { _ in try handler.apply(items, &kept, &scope) }
    var published: [CustomerAnswer] = []
    for row in try scope.outbox.finish().rows where row.topic == Topics.customerAnswers.name {
      try row.body.withUnsafeBytes { bytes in
        var reader = FrameReader(bytes)
        while !reader.isAtEnd {
          guard let value = try reader.next().value else { continue }
          var json = JSONReader(value)
          published.append(try CustomerAnswer(reading: &json))
        }
      }
    }
    return (refusals, published)
  }

  private struct UnreadRecord: Error {}

  @Test("They are kept with their identity, published with its customer, and change nobody's identifiers; one of nobody is refused alone")
  func taken() async throws {
    try await withProfileTables { session in
      var store = PostgresProfileStore(session)
      let phone = Identifier(kind: .phone, value: "+8613800001001")
      let both = CustomerEvent(source: "m", eventID: "both", occurredAt: start, identifiers: [member, phone])
      _ = try ProfileBatch.apply([arrival(both)], to: &store, rules: rules, at: evaluation)
      let owner = try #require(try ProfileQueries.customer(with: testKey(member), session))
      let (other, nobody) = (testKey(phone).identityID, CustomerID(number: 77))
      let before = try store.members(of: [owner]).map(\.identity)
      let outcome = try take([page("a", other), page("b", nobody), page("c", testKey(member).identityID, score: 2)], session)
      #expect(outcome.refusals.map { "\($0.index) \($0.faults.map(\.code))" } == ["1 [\"identity.unknown\"]"])
      #expect(outcome.published.map(\.answer.eventID).sorted() == ["a", "c"] && outcome.published.allSatisfy { $0.customer == owner })
      #expect(Set(outcome.published.map(\.identity)) == [other, testKey(member).identityID])
      #expect(try store.members(of: [owner]).map(\.identity) == before)
      let kept = try store.interactions(of: [other], since: nil).map(\.event)
      #expect(kept.map(\.eventID) == ["a"] && kept.first?.identifiers.map(\.value) == ["+8613800001001"])
      // The same once more: kept once, told again, as all that comes twice.
      #expect(try take([page("a", other)], session).published.count == 1)
      #expect(try store.interactions(of: [other], since: nil).count == 1)
    }
  }
}
