// Addresses follow their customers, and each request is kept once, in whatever order and however often all of it comes (E-05).
import ConnectorCore
import ConnectorStore
import Contracts
import Domain
import Handling
import Messaging
import Postgres
import TestSupport
import Testing

@testable import connector

@Suite("Addresses and requests", .enabled(if: TestDatabase.isAvailable, "\(TestDatabase.whyNot)")) struct ConnectorBatchTests {
  /// Two customers that became one, and were taken apart again; an address that was verified later and another that turned out to be a shop's.
  private static let items: [ConnectorItem] = [
    .address(address(1, of: 1, "a@example.com", isVerified: false)), .address(address(1, of: 1, "a@example.com", isVerified: true)),
    .address(address(2, of: 2, "+8613900000002", kind: .phone)), .move(move(2, to: 1, 2)),
    .address(address(2, of: 1, "+8613900000002", kind: .phone, version: 2)), .move(move(2, to: 2, 3)),
    .address(address(3, of: 2, "+8613900000003", kind: .phone, since: moment("2025-01-01"))),
    .address(address(3, of: 2, "+8613900000003", kind: .phone, isShared: true)),
  ]

  @Test("Whatever the order and the batches, what is kept at the end is the same", arguments: 0..<20)
  func orderFree(seed: Int) async throws {
    try await Tables.with { settings in
      try await Tables.session(settings) { session in
        var random = Seeded(state: UInt64(seed))
        var items = ConnectorBatchTests.items + ConnectorBatchTests.items.shuffled(using: &random).prefix(seed % 5)
        items.shuffle(using: &random)
        try Tables.take(items, session)
        let (year, before) = (moment("2026-01-01").microseconds / 1_000_000, moment("2025-01-01").microseconds / 1_000_000)
        #expect(
          try Tables.addresses(session) == [
            "1 1 email a@example.com t f \(year) f", "2 2 phone +8613900000002 t f \(year) f", "3 2 phone +8613900000003 t t \(before) f",
          ])
      }
    }
  }

  @Test("In one batch an address may come several times, with several owners")
  func batched() async throws {
    try await Tables.with { settings in
      try await Tables.session(settings) { session in
        let all = [
          address(1, of: 1, "a@example.com", version: 1), address(1, of: 5, "a@example.com", version: 4, isVerified: false),
          address(1, of: 3, "a@example.com", version: 2),
        ]
        try session.transaction { session in
          var store = PostgresConnectorStore(session)
          try ConnectorBatch.learn(all, &store)
        }
        #expect(try Tables.addresses(session).first?.hasPrefix("1 5 email a@example.com t") == true)
      }
    }
  }

  @Test("A request that comes again changes nothing; a reminder is another one")
  func once() async throws {
    try await Tables.with { settings in
      try await Tables.session(settings) { session in
        let (first, reminder) = (try delivery(send(7, to: 1)), try delivery(send(7, to: 1, kind: .reminder)))
        try session.transaction { session in
          var store = PostgresConnectorStore(session)
          let (new, again) = (try ConnectorBatch.receive([first, first, reminder], &store), try ConnectorBatch.receive([first], &store))
          #expect(new == 2 && again == 0)
        }
        #expect(try DeliveryQueries.states(session) == [.waiting: 2])
      }
    }
  }

  @Test("A record of each topic is read, and a broken one refused with its field")
  func read() throws {
    func reading(_ text: String, _ topic: Topic) -> String {
      Array(text.utf8).withUnsafeBytes { bytes in
        switch ConnectorHandler.read(bytes, topic: topic.name) {
        case .item(.address(let address)): "address \(address.value)"
        case .item(.move(let move)): "move \(move.version)"
        case .item(.send(_, let request)): "send \(request.survey)"
        case .item(.withdrawal(let withdrawal)): "withdrawal \(withdrawal.reason.rawValue)"
        case .refused(let faults): faults.map(\.code).joined(separator: " ")
        case .ignored: "ignored"
        }
      }
    }
    #expect(
      reading(
        #"{"customer_id":"00000000000000c5","identity":"0000000000000001","version":5,"kind":"email","value":"an@example.com","#
          + #""verified":true,"shared":false,"first_seen_at":"2026-07-01T00:00:08Z"}"#, Topics.addresses) == "address an@example.com")
    let pigeon = #"{"customer_id":"00000000000000c5","identity":"0000000000000001","version":5,"kind":"pigeon","value":"x"}"#
    #expect(reading(pigeon, Topics.addresses) == "kind.value")
    #expect(reading("{}", Topics.surveySends).contains("missing"))
    let late = #"{"invitation_id":"00000000000000b1","customer_id":"00000000000000c5","reason":"answered","at":"2026-07-01T00:00:08Z"}"#
    #expect(reading(late, Topics.surveyWithdrawals) == "withdrawal answered")
  }
}
