// COPY in both directions: what arrives, and that a failure leaves the session usable.
import Postgres
import TestSupport
import Testing

@Suite(.enabled(if: TestDatabase.isAvailable, Comment(rawValue: TestDatabase.whyNot)))
struct CopyTests {
  private static let into = "COPY t FROM STDIN (FORMAT binary)"

  @Test func everyTypeIsCopiedIn() async throws {
    try await TestDatabase.withSession { session in
      try session.execute(
        "CREATE TABLE t (a bool, b int2, c int4, d int8, e float8, f text, g bytea, h uuid, i timestamptz, j date, k jsonb, l int8)")
      var rows = BinaryCopy()
      rows.row(columns: 12)
      rows.bool(true)
      rows.int16(-2)
      rows.int32(3)
      rows.int64(-4)
      rows.float64(0.5)
      rows.text("客户")
      rows.bytes([0, 1])
      rows.uuid(7)
      rows.timestamptz(1_700_000_000_123_456)
      rows.date(unixDays: 19_675)
      Array(#"{"a":[1]}"#.utf8).withUnsafeBytes { rows.jsonb(utf8: $0) }
      rows.null()
      #expect(try session.copyIn(Self.into, rows) == 1)
      let found = try session.query(
        sql(
          """
          SELECT a AND b = -2 AND c = 3 AND d = -4 AND e = 0.5 AND f = '客户' AND g = '\\x0001' AND h::text LIKE '%-000000000007'
          AND i = '2023-11-14 22:13:20.123456+00' AND j = '2023-11-14' AND k = '{"a":[1]}' AND l IS NULL FROM t
          """))
      #expect(try found.bool(0, 0))
    }
  }

  @Test func aLoadOfManyPiecesArrivesWhole() async throws {
    try await TestDatabase.withSession { session in
      try session.execute("CREATE TABLE t (a int8, b text)")
      var rows = BinaryCopy()
      let filler = String(repeating: "x", count: 100)
      for number in 0..<30_000 {
        rows.row(columns: 2)
        rows.int64(Int64(number))
        rows.text(filler)
      }
      #expect(rows.byteCount > 3 << 20)
      #expect(try session.copyIn(Self.into, rows) == 30_000)
      #expect(try session.query(sql("SELECT sum(a)::int8 FROM t WHERE length(b) = 100")).int64(0, 0) == 30_000 * 29_999 / 2)
      rows.reset()
      #expect(try session.copyIn(Self.into, rows) == 0)
    }
  }

  @Test func aDuplicateUndoesTheWholeCopyAndTheSessionGoesOn() async throws {
    try await TestDatabase.withSession { session in
      try session.execute("CREATE TABLE t (a int8 PRIMARY KEY)")
      var rows = BinaryCopy()
      for number in [1, 2, 1] as [Int64] {
        rows.row(columns: 1)
        rows.int64(number)
      }
      let found = try requireFailure { try session.copyIn(Self.into, rows) }
      #expect(found.kind == .uniqueViolation && found.constraint == "t_pkey" && !found.isOutcomeUnknown)
      #expect(try session.query(sql("SELECT count(*) FROM t")).int64(0, 0) == 0)
    }
  }

  @Test func theSQLMayBeginTheTransactionItself() async throws {
    try await TestDatabase.withSession { session in
      try session.execute("CREATE TABLE t (a int8 PRIMARY KEY)")
      var rows = BinaryCopy()
      rows.row(columns: 1)
      rows.int64(1)
      #expect(try session.copyIn("BEGIN; \(Self.into)", rows) == 1)
      #expect(session.transactionStatus == .open)
      try session.pipeline { segment in
        try segment.add(sql("INSERT INTO t VALUES (2)"))
        try segment.commit()
      }
      expectFailure(.uniqueViolation) { try session.copyIn("BEGIN; \(Self.into)", rows) }
      #expect(session.transactionStatus == .failed)
      try session.rollback()
      #expect(try session.query(sql("SELECT count(*) FROM t")).int64(0, 0) == 2)
    }
  }

  @Test func rowsThatDoNotKeepTheirWordAreNotSent() async throws {
    try await TestDatabase.withSession { session in
      try session.execute("CREATE TABLE t (a int8, b int8)")
      let mistakes: [@Sendable (inout BinaryCopy) -> Void] = [
        {
          $0.row(columns: 2); $0.int64(1)
        },
        {
          $0.row(columns: 1); $0.int64(1); $0.int64(2)
        },
        {
          $0.row(columns: 2); $0.int64(1); $0.row(columns: 2); $0.int64(1); $0.int64(2)
        },
        { $0.int64(1) },
      ]
      for mistake in mistakes {
        var rows = BinaryCopy()
        mistake(&rows)
        expectFailure(.other) { try session.copyIn(Self.into, rows) }
      }
      var narrow = BinaryCopy()
      narrow.row(columns: 2)
      narrow.int32(1)
      narrow.int64(2)
      expectFailure(sqlState: "08P01") { try session.copyIn(Self.into, narrow) }
      #expect(try session.query(sql("SELECT count(*) FROM t")).int64(0, 0) == 0)
    }
  }

  @Test func anSQLThatDoesNotCopyInIsRefusedAndTheSessionGoesOn() async throws {
    try await TestDatabase.withSession { session in
      try session.execute("CREATE TABLE t (a int8)")
      let rows = BinaryCopy()
      for text in ["COPY t FROM STDIN", "COPY t TO STDOUT", "SELECT 1", "SELECT nonsense", "COPY absent FROM STDIN (FORMAT binary)", ""] {
        expectFailure { try session.copyIn(text, rows) }
        try expectUsable(session)
      }
      for text in ["COPY t FROM STDIN", "COPY t TO STDOUT"] {
        expectFailure(.other) { try session.execute(text) }
        try expectUsable(session)
      }
    }
  }

  @Test func rowsAreCopiedOutOneByOne() async throws {
    try await TestDatabase.withSession { session in
      var lines: [String] = []
      let count = try session.copyOut("COPY (SELECT a, a * a FROM generate_series(1, 3) a) TO STDOUT (FORMAT csv)") {
        lines.append(String(decoding: $0, as: UTF8.self))
      }
      #expect(count == 3)
      #expect(lines == ["1,1\n", "2,4\n", "3,9\n"])
      var bytes = 0
      try session.copyOut("COPY (SELECT repeat('x', 1000) FROM generate_series(1, 20000)) TO STDOUT") { bytes += $0.count }
      #expect(bytes == 20_000 * 1_001)
    }
  }

  @Test func aReaderThatThrowsEndsTheCopyAndTheSessionGoesOn() async throws {
    try await TestDatabase.withSession { session in
      var seen = 0
      expectError(OwnError.self) {
        try session.copyOut("COPY (SELECT generate_series(1, 10000000)) TO STDOUT") { _ in
          seen += 1
          if seen == 10 { throw OwnError() }
          expectFailure(.other) { try session.query(sql("SELECT 1")) }
        }
      }
      #expect(seen == 10)
      try expectUsable(session)
      expectFailure { try session.copyOut("COPY t FROM STDIN") { _ in } }
      expectFailure(sqlState: "22012") { try session.copyOut("COPY (SELECT 1/(a-2) FROM generate_series(1, 3) a) TO STDOUT") { _ in } }
      try expectUsable(session)
    }
  }
}
