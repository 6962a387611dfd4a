// A new built-in broker: where the services begin to read it.
import ClienteleCore
import Messaging
import Postgres
import Runtime
import TestSupport
import Testing

/// Makes the tables of all services.
private func migrateAll(_ settings: PostgresSettings) throws {
  for service in SuiteAnchor.services {
    var own = settings
    own.schema = service
    try Migrations(schema: service, Resources.migrations(of: service)).apply(to: own)
  }
}

@Suite(.enabled(if: TestDatabase.isAvailable, "\(TestDatabase.whyNot)"), .timeLimit(.minutes(2)))
struct AnchorTests {
  @Test("A service that is new to a database goes on behind what the former broker had, and misses nothing of it")
  func welcome() async throws {
    try await TestDatabase.withDatabase { settings in
      try await TestDatabase.blocking {
        try migrateAll(settings)
        let session = try PostgresSession(settings)
        defer { session.close() }
        // One lane of tiering has given out 70 tiers, of which 2 are still in its outbox.
        let sent = LaneTable(["tiering.tiers.v1/0": 70]).encoded
        let columns = "consumer, cluster, topic, part, next_offset, epoch, owner, owner_pid, lanes_in, lanes_out, moved_at"
        _ = try session.run(
          Statement(
            name: "",
            sql: "INSERT INTO tiering.positions (\(columns)) VALUES ('tiering', 'former', 'profile.profiles.v1', 3, 9, 1, 'x', 1, '', $1, now())")
        ) { $0.bytes(sent) }
        try session.execute(
          """
          INSERT INTO tiering.outbox (lane, topic, part, first_seq, records, body, made_at)
          VALUES ('tiering/profile.profiles.v1/3', 'tiering.tiers.v1', 0, 69, 2, '', now())
          """)
        #expect(try SuiteAnchor.welcome(in: "new", session) == ["tickets", "feedback"])
        #expect(try SuiteAnchor.losses(session).isEmpty)
        for service in ["tickets", "feedback"] {
          let rows = try session.query(Statement(name: "", sql: "SELECT topic, part, next_offset, lanes_in FROM \(service).positions"))
          #expect(rows.count == 1)
          #expect(try rows.text(0, 0) == "tiering.tiers.v1" && rows.int32(0, 1) == 0 && rows.int64(0, 2) == 0)
          #expect(LaneTable(encoded: try rows.bytes(0, 3)) == LaneTable(["tiering/profile.profiles.v1/3": 68]))
        }
        #expect(try SuiteAnchor.welcome(in: "new", session).isEmpty, "once is enough")
        // One that has come later than another is welcome by itself; what one of two readers has not read is a loss of its own.
        try session.execute("DELETE FROM feedback.positions")
        #expect(try SuiteAnchor.welcome(in: "new", session) == ["feedback"])
        try session.execute("DELETE FROM tiering.outbox")
        #expect(try SuiteAnchor.losses(session).map(\.records) == [2])
        // A topic that a service has read only since: tiering was there before, and has not heard what tickets told.
        _ = try session.run(
          Statement(
            name: "", sql: "INSERT INTO tickets.positions (\(columns)) VALUES ('tickets', 'former', 'profile.contacts.v1', 1, 9, 1, 'x', 1, '', $1, now())")
        ) { $0.bytes(LaneTable(["tickets.tickets.v1/0": 4]).encoded) }
        #expect(try SuiteAnchor.welcome(in: "new", session) == ["feedback", "tiering"])
        #expect(try SuiteAnchor.welcome(in: "new", session).isEmpty)
      }
    }
  }

  @Test("everything is read from the beginning of a new broker, also when it has the name of the former one; lane numbers go on")
  func move() async throws {
    try await TestDatabase.withDatabase { settings in
      try await TestDatabase.blocking {
        try migrateAll(settings)
        let session = try PostgresSession(settings)
        defer { session.close() }
        let columns = "consumer, cluster, topic, part, next_offset, epoch, owner, owner_pid, anchor, lanes_in, lanes_out, moved_at"
        for (topic, cluster) in [("in.orders.v1", "former"), ("in.customers.v1", "same"), ("due", "former")] {
          try session.execute(
            """
            INSERT INTO ingest.positions (\(columns))
            VALUES ('ingest', '\(cluster)', '\(topic)', 0, 20000, 3, 'x', 1, '\\x01', '\\x02', '\\x03', now())
            """)
        }
        try SuiteAnchor.move(to: "same", session)
        let rows = try session.query(
          Statement(name: "", sql: "SELECT topic, cluster, next_offset, anchor IS NULL, lanes_out FROM ingest.positions ORDER BY topic"))
        let found = try (0..<rows.count).map { row in
          "\(try rows.text(row, 0)) \(try rows.text(row, 1)) \(try rows.int64(row, 2)) \(try rows.bool(row, 3)) \(try rows.bytes(row, 4))"
        }
        #expect(try SuiteAnchor.welcome(in: "same", session).isEmpty, "nobody has missed anything")
        #expect(found == ["due same 20000 true [3]", "in.customers.v1 same 0 true [3]", "in.orders.v1 same 0 true [3]"])
      }
    }
  }
}
