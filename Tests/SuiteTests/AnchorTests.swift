// A new built-in broker: where the services begin to read it.
import ClienteleCore
import Postgres
import Runtime
import TestSupport
import Testing

@Suite(.enabled(if: TestDatabase.isAvailable, "\(TestDatabase.whyNot)"), .timeLimit(.minutes(2)))
struct AnchorTests {
  @Test("everything is read from the beginning of a new broker, also when it has the name of the former one; lane numbers go on")
  func move() async throws {
    try await TestDatabase.withDatabase { settings in
      try await TestDatabase.blocking {
        for service in SuiteAnchor.services {
          var own = settings
          own.schema = service
          try Migrations(schema: service, Resources.migrations(of: service)).apply(to: own)
        }
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
        #expect(found == ["due same 20000 true [3]", "in.customers.v1 same 0 true [3]", "in.orders.v1 same 0 true [3]"])
      }
    }
  }
}
