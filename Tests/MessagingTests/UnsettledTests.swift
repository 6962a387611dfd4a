// Customers whose last snapshot in the log may not be their newest: who is marked, what is waited for, and when it is over.
@testable import Messaging
import Domain
import Handling
import Kafka
import Postgres
import Telemetry
import TestSupport
import Testing

/// Customers of the test: a version each.
private struct VersionsHandler: DueHandler {
  let kinds: [DueKind] = []
  static let lock = Statement(name: "versions_lock", sql: "SELECT id, version FROM versions WHERE id = ANY($1::int8[]) ORDER BY id FOR UPDATE")

  func apply(_ due: [DueItem], _ scope: inout BatchScope) throws -> [DueItem] { [] }

  func lockVersions(of customers: [Int64], _ scope: inout BatchScope) throws -> [Int64: Int64] {
    let rows = try scope.session.query(VersionsHandler.lock) { $0.int64Array(customers) }
    return Dictionary(try (0..<rows.count).map { (try rows.int64($0, 0), try rows.int64($0, 1)) }) { first, _ in first }
  }

  func sendAgain(_ customers: [Int64], _ scope: inout BatchScope) throws {
    for (id, version) in try lockVersions(of: customers, &scope).sorted(by: { $0.key < $1.key }) {
      let key = Array(CustomerID(number: id).description.utf8)
      scope.send(OutgoingMessage(topic: "toy.out", key: key, value: key, id: "\(id):\(version)", type: "state", time: scope.now))
    }
  }
}

@Suite(.enabled(if: TestDatabase.isAvailable, "\(TestDatabase.whyNot)")) struct UnsettledTests {
  @Test("A customer is done with when what was published again is confirmed and still its version; one that moved on is published once more")
  func whatComesNext() {
    #expect(UnsettledSnapshot(id: 1, sent: nil).next(4) == .sendAgain)
    #expect(UnsettledSnapshot(id: 1, sent: 4).next(4) == .done)
    #expect(UnsettledSnapshot(id: 1, sent: 4).next(5) == .sendAgain)
    #expect(UnsettledSnapshot(id: 1, sent: nil).next(nil) == .done)
  }

  @Test("Who wrote a row is no part of what it says")
  func writersAreNotCompared() { #expect(RowWriter(1) == RowWriter(2)) }

  private func withTables(_ body: @escaping @Sendable (PostgresSession) throws -> Void) async throws {
    try await Toy.with { toy in
      let settings = toy.environment("one").database
      try await TestDatabase.blocking {
        let session = try PostgresSession(settings)
        defer { session.close() }
        try body(session)
      }
    }
  }

  private static let unsettled = Statement(name: "", sql: "SELECT id, after_row FROM unsettled ORDER BY id")

  @Test("What a lane has under way is named by the transaction that wrote it, with its last row; the own lane's counts when nothing is published")
  func rowsUnderWay() async throws {
    try await withTables { session in
      let insert = "INSERT INTO outbox (lane, topic, part, first_seq, records, body, made_at) VALUES"
      try session.execute("\(insert) ('a', 't', 0, 1, 1, '', now()), ('a', 't', 1, 1, 1, '', now())")
      try session.execute("\(insert) ('b', 't', 0, 1, 1, '', now())")
      let writers = try session.query(Statement(name: "", sql: "SELECT xmin FROM outbox ORDER BY id"))
      let (ofA, ofB) = (RowWriter(try writers.transactionID(0, 0)), RowWriter(try writers.transactionID(2, 0)))
      let rewritten = [RewrittenCustomer(id: 7, former: ofA), RewrittenCustomer(id: 3, former: ofB), RewrittenCustomer(id: 9, former: RowWriter())]
      try session.transaction { try Unsettled.note(rewritten, from: "b", $0) }
      let rows = try session.query(UnsettledTests.unsettled)
      #expect(rows.count == 1)
      let (id, afterRow) = (try rows.int64(0, 0), try rows.int64(0, 1))
      #expect(id == 7)
      #expect(afterRow == 2)
      // Written by its own lane once more, and not published: who writes it next would not see that its former snapshot is under way.
      try session.transaction { try Unsettled.note([RewrittenCustomer(id: 3, former: ofB, isSilent: true)], from: "b", $0) }
      let silent = try session.query(UnsettledTests.unsettled)
      #expect(silent.count == 2)
      let afterOwnRow = try silent.int64(0, 1)
      #expect(afterOwnRow == 3)
      try session.execute("DELETE FROM unsettled WHERE id = 3")
      // Confirmed and deleted: there is nothing to be overtaken by any more.
      try session.execute("DELETE FROM outbox WHERE lane = 'b'")
      try session.transaction { try Unsettled.note([RewrittenCustomer(id: 3, former: ofB)], from: "a", $0) }
      let after = try session.query(UnsettledTests.unsettled).count
      #expect(after == 1)
    }
  }

  @Test("A reason to look that comes while a customer is looked at counts, and the later of two is waited for")
  func marksAreAdded() async throws {
    try await withTables { session in
      try Unsettled.mark([(1, 5)], lookAt: 2_000_000, session)
      try session.execute("UPDATE unsettled SET version = 3, sent_in = pg_current_xact_id()::xid")
      try Unsettled.mark([(1, 4), (2, 8)], lookAt: 1_000_000, session)
      let rows = try session.query(
        Statement(name: "", sql: "SELECT after_row, version, sent_in IS NOT NULL, look_at = to_timestamp(2) FROM unsettled ORDER BY id"))
      let (afterRow, version) = (try rows.int64(0, 0), try rows.int64OrNil(0, 1))
      #expect(afterRow == 5)
      #expect(version == nil)
      let (waitsForSending, waitsForTime) = (try rows.bool(0, 2), try rows.bool(0, 3))
      #expect(waitsForSending)
      #expect(waitsForTime)
    }
  }

  @Test("The lane of due work publishes again what nothing stands before any more, once, and nothing else")
  func settles() async throws {
    try await Toy.with { toy in
      var environment = toy.environment("one")
      environment.snapshots = "toy.out"
      _ = try await toy.query("one", "CREATE TABLE versions (id int8 PRIMARY KEY, version int8 NOT NULL)")
      _ = try await toy.query("one", "INSERT INTO versions VALUES (1, 4), (2, 7), (3, 1)")
      _ = try await toy.query(
        "one", "INSERT INTO outbox (lane, topic, part, first_seq, records, body, made_at) VALUES ('elsewhere', 'toy.out', 0, 1, 1, '', now())")
      _ = try await toy.query(
        "one", "INSERT INTO unsettled VALUES (1, 1, '-infinity'), (2, 0, '-infinity'), (3, 0, now() + interval '1 hour'), (4, 0, '-infinity')")
      let lane = DueLane(handler: VersionsHandler(), environment: environment)
      let waiting = "SELECT string_agg(id::text, ' ' ORDER BY id) FROM unsettled"
      try await toy.run([lane]) { try await toy.query("one", waiting) == ["1 3"] }
      let first = try await ids(toy)
      #expect(first == ["2:7"])
      _ = try await toy.query("one", "DELETE FROM outbox WHERE lane = 'elsewhere'")
      try await toy.run([lane]) { try await toy.query("one", waiting) == ["3"] }
      let second = try await ids(toy)
      #expect(second.sorted() == ["1:4", "2:7"])
    }
  }

  @Test("A lane that finds rows of a former owner in its outbox marks their customers until late copies are over")
  func formerOwnersRows() async throws {
    try await Toy.with { toy in
      var environment = toy.environment("one")
      environment.snapshots = "toy.out"
      environment.lateSeconds = 3_600
      let message = OutgoingMessage(
        topic: "toy.out", key: Array(CustomerID(number: 42).description.utf8), value: [1], id: "42:1", type: "state", time: Instant(seconds: 0))
      let used = environment
      try await TestDatabase.blocking {
        let session = try PostgresSession(used.database)
        defer { session.close() }
        let outbox = OutboxWriter(layout: used.layout, lanes: LaneTable())
        try outbox.add(message)
        let key = PositionKey(consumer: "one", cluster: used.cluster, topic: "toy.in", partition: 0)
        _ = try PostgresLaneStore(session, logger: .silent).addOutgoing(outbox.finish().rows, lane: key.lane)
        let writer = try LaneWriter(
          key: key, environment: used, store: PostgresLaneStore(session, logger: .silent),
          makeProducer: { try Producer(used.kafka, logger: .silent) }, keepGoing: { true })
        writer.close(withinMilliseconds: 5_000)
        let rows = try session.query(UnsettledTests.unsettled)
        #expect(rows.count == 1)
        let (id, afterRow) = (try rows.int64(0, 0), try rows.int64(0, 1))
        #expect(id == 42)
        #expect(afterRow == 1)
      }
      let sent = try await ids(toy)
      #expect(sent == ["42:1"])
    }
  }

  private func ids(_ toy: Toy) async throws -> [String] {
    let kafka = toy.kafka
    return try await TestDatabase.blocking {
      let probe = try KafkaProbe(kafka)
      defer { probe.close() }
      return try probe.readAll("toy.out").compactMap { $0.header("ce_id").map { String(decoding: $0, as: UTF8.self) } }
    }
  }
}
