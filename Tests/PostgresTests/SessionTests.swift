// One session against a real server: types, prepared statements, notices.
import Postgres
import Telemetry
import TestSupport
import Testing

@Suite(.enabled(if: TestDatabase.isAvailable, Comment(rawValue: TestDatabase.whyNot)))
struct SessionTests {
  private static let allTypes = Statement(
    name: "all_types",
    sql: """
      SELECT $1::bool, $2::int2, $3::int4, $4::int8, $5::float8, $6::text, $7::bytea, $8::uuid, $9::timestamptz, $10::date, $11::jsonb
      """)

  @Test func everyTypeComesBackAsItWasSent() async throws {
    try await TestDatabase.withSession { session in
      let rows = try session.query(Self.allTypes) {
        $0.bool(true)
        $0.int16(-2)
        $0.int32(.min)
        $0.int64(.max)
        $0.float64(-0.1)
        $0.text("客户 ✓ 'quoted' \\ \"x\"")
        $0.bytes([0, 255, 1])
        $0.uuid(0x0123_4567_89AB_CDEF_0011_2233_4455_6677)
        $0.timestamptz(1_700_000_000_123_456)
        $0.date(unixDays: 19_675)
        $0.jsonb(#"{"a": 1}"#)
      }
      #expect(try rows.bool(0, 0))
      #expect(try rows.int16(0, 1) == -2)
      #expect(try rows.int32(0, 2) == .min)
      #expect(try rows.int64(0, 3) == .max)
      #expect(try rows.float64(0, 4) == -0.1)
      #expect(try rows.text(0, 5) == "客户 ✓ 'quoted' \\ \"x\"")
      #expect(try rows.bytes(0, 6) == [0, 255, 1])
      #expect(try rows.uuid(0, 7) == 0x0123_4567_89AB_CDEF_0011_2233_4455_6677)
      #expect(try rows.timestamptz(0, 8) == 1_700_000_000_123_456)
      #expect(try rows.date(0, 9) == 19_675)
      #expect(try rows.text(0, 10) == #"{"a": 1}"#)
      #expect(try rows.int64(0, 1) == -2)
      #expect(rows.count == 1 && rows.columnCount == 11)
    }
  }

  @Test func nullAndEmptyAreDistinctForEveryType() async throws {
    try await TestDatabase.withSession { session in
      let rows = try session.query(Self.allTypes) {
        $0.bool(nil)
        $0.int16(nil)
        $0.int32(nil)
        $0.int64(nil)
        $0.float64(nil)
        $0.text("")
        $0.bytes([])
        $0.uuid(nil)
        $0.timestamptz(nil)
        $0.date(unixDays: nil)
        $0.null(.jsonb)
      }
      #expect(try rows.boolOrNil(0, 0) == nil)
      #expect(try rows.int16OrNil(0, 1) == nil)
      #expect(try rows.int32OrNil(0, 2) == nil)
      #expect(try rows.int64OrNil(0, 3) == nil)
      #expect(try rows.float64OrNil(0, 4) == nil)
      #expect(try rows.textOrNil(0, 5) == "")
      #expect(try rows.bytesOrNil(0, 6) == [])
      #expect(try rows.uuidOrNil(0, 7) == nil)
      #expect(try rows.timestamptzOrNil(0, 8) == nil)
      #expect(try rows.dateOrNil(0, 9) == nil)
      #expect(try rows.textOrNil(0, 10) == nil)
      #expect(try rows.isNull(0, 0) && !rows.isNull(0, 5))
      let isNull = try rows.withBytes(0, 0) { $0 == nil }
      #expect(isNull)
      let isEmpty = try rows.withBytes(0, 6) { $0?.count == 0 }
      #expect(isEmpty)
    }
  }

  @Test func columnsSentAsArraysComeOutOfUnnestInOrder() async throws {
    try await TestDatabase.withSession { session in
      let unnest = Statement(name: "unnest", sql: "SELECT a, b, c FROM unnest($1::int8[], $2::text[], $3::timestamptz[]) AS u(a, b, c)")
      let rows = try session.query(unnest) {
        $0.int64Array(nullable: [1, nil, 3])
        $0.textArray(nullable: ["x", "", nil])
        $0.timestamptzArray([0, 1, .max])
      }
      let numbers = try (0..<3).map { try rows.int64OrNil($0, 0) }
      #expect(numbers == [1, nil, 3])
      let words = try (0..<3).map { try rows.textOrNil($0, 1) }
      #expect(words == ["x", "", nil])
      let times = try (0..<3).map { try rows.timestamptz($0, 2) }
      #expect(times == [0, 1, .max])
      let arrays = try session.query(sql("SELECT '{1,NULL}'::int8[], '{}'::text[], ARRAY['a',NULL], ARRAY[''::bytea], '{5}'::int4[]"))
      #expect(try arrays.int64Array(0, 0) == [1, nil])
      #expect(try arrays.textArray(0, 1) == [])
      #expect(try arrays.textArray(0, 2) == ["a", nil])
      #expect(try arrays.bytesArray(0, 3) == [[]])
      #expect(try arrays.int32Array(0, 4) == [5])
    }
  }

  @Test func readingAColumnAsAnotherTypeIsAMistakeOfTheProgram() async throws {
    try await TestDatabase.withSession { session in
      let rows = try session.query(sql("SELECT 'x'::text AS word, NULL::int8 AS number, '{{1,2},{3,4}}'::int8[] AS matrix"))
      let reads: [(Rows) throws -> Void] = [
        { _ = try $0.int64(0, 0) }, { _ = try $0.int64(0, 1) }, { _ = try $0.text(0, 1) }, { _ = try $0.boolOrNil(0, 1) },
        { _ = try $0.text(1, 0) },
        { _ = try $0.text(0, 9) }, { _ = try $0.text(-1, 0) }, { _ = try $0.column("absent") }, { _ = try $0.int64Array(0, 2) },
      ]
      for read in reads { expectFailure(.configuration) { try read(rows) } }
      #expect(try rows.column("number") == 1)
    }
  }

  @Test func aStatementIsPreparedOncePerSession() async throws {
    try await TestDatabase.withSession { session in
      let add = Statement(name: "add", sql: "SELECT $1 + 1")
      for number in 0..<5 as Range<Int64> {
        let sum = try session.query(add) { $0.int64(number) }.int64(0, 0)
        #expect(sum == number + 1)
      }
      let count = try session.query(sql("SELECT count(*) FROM pg_prepared_statements WHERE name LIKE 'add~%'")).int64(0, 0)
      #expect(count == 1)
    }
  }

  @Test func aStatementTheServerForgotIsPreparedAgain() async throws {
    try await TestDatabase.withSession { session in
      let one = Statement(name: "one", sql: "SELECT 1")
      try session.query(one)
      try session.execute("DEALLOCATE ALL")
      #expect(try session.query(one).int32(0, 0) == 1)
      try session.execute("DEALLOCATE ALL")
      // Inside a transaction the work so far is lost: the caller must do all of it again.
      expectFailure(.retryTransaction) { _ = try session.transaction { try $0.query(one) } }
      let again = try session.transaction { try $0.query(one).int32(0, 0) }
      #expect(again == 1)
    }
  }

  @Test func aPlanThatNoLongerFitsItsTableIsMadeAgain() async throws {
    try await TestDatabase.withSession { session in
      try session.execute("CREATE TABLE t (a int4); INSERT INTO t VALUES (1)")
      let all = Statement(name: "all", sql: "SELECT * FROM t")
      #expect(try session.query(all).columnCount == 1)
      try session.execute("ALTER TABLE t ADD b int4")
      #expect(try session.query(all).columnCount == 2)
      try session.execute("ALTER TABLE t ADD c int4")
      expectFailure(.retryTransaction) { _ = try session.transaction { try $0.query(all) } }
      let columns = try session.transaction { try $0.query(all).columnCount }
      #expect(columns == 3)
    }
  }

  @Test func oneNameForTwoStatementsIsRefused() async throws {
    try await TestDatabase.withSession { session in
      try session.query(Statement(name: "same", sql: "SELECT $1")) { $0.int64(1) }
      expectFailure(.other) { try session.query(Statement(name: "same", sql: "SELECT $1")) { $0.text("1") } }
      expectFailure(.other) { try session.query(Statement(name: "same", sql: "SELECT $1, 2")) { $0.int64(1) } }
      expectFailure(.other) { try session.query(Statement(name: String(repeating: "x", count: 56), sql: "SELECT 1")) }
    }
  }

  @Test func affectedRowsAreCounted() async throws {
    try await TestDatabase.withSession { session in
      try session.execute("CREATE TABLE t (a int8)")
      let insert = Statement(name: "insert", sql: "INSERT INTO t SELECT generate_series(1, $1)")
      let inserted = try session.run(insert) { $0.int64(7) }
      #expect(inserted == 7)
      #expect(try session.run(Statement(name: "delete", sql: "DELETE FROM t WHERE a > 5")) == 2)
    }
  }

  @Test func theSessionHasItsSettings() async throws {
    let change: @Sendable (inout PostgresSettings) -> Void = {
      $0.schema = "my \"schema"
      $0.statementTimeoutMilliseconds = 1_234
      $0.lockTimeoutMilliseconds = 567
      $0.applicationName = "tiering/7"
      $0.sessionSettings = [("plan_cache_mode", "force_generic_plan")]
    }
    try await TestDatabase.withSession(change) { session in
      let rows = try session.query(
        sql(
          """
          SELECT current_setting('search_path'), current_setting('statement_timeout'), current_setting('lock_timeout'),
          current_setting('application_name'), current_setting('plan_cache_mode'), current_setting('TimeZone')
          """))
      let found = try (0..<6).map { try rows.text(0, $0) }
      #expect(found == ["\"my \"\"schema\"", "1234ms", "567ms", "tiering/7", "force_generic_plan", "UTC"])
    }
  }

  @Test func noticesGoToTheLog() async throws {
    try await TestDatabase.withDatabase { settings in
      let collector = LogCollector()
      try await TestDatabase.blocking {
        let session = try PostgresSession(settings, logger: Logger(service: "test", level: .debug, sink: collector))
        try session.execute("DROP TABLE IF EXISTS absent; DO $$ BEGIN RAISE WARNING 'mind the gap'; END $$")
        let remarks = collector.records.filter { $0.message == "PostgreSQL remarks" }
        let remark = try #require(remarks.first)
        #expect(remark.level == .debug)
        #expect(remark.fields[.reason] == .string("table \"absent\" does not exist, skipping"))
        let warnings = collector.records.filter { $0.message == "PostgreSQL warns" }
        let warning = try #require(warnings.first)
        #expect(warning.level == .warning)
        #expect(warning.fields[.reason] == .string("mind the gap"))
        #expect(warning.fields[.sqlState] == .string("01000"))
      }
    }
  }

  @Test func manyStatementsInOneStringAreOneTransaction() async throws {
    try await TestDatabase.withSession { session in
      expectFailure(sqlState: "22012") { try session.execute("CREATE TABLE t (a int); SELECT 1/0") }
      let isAbsent = try session.query(sql("SELECT to_regclass('t') IS NULL")).bool(0, 0)
      #expect(isAbsent)
      expectFailure(.configuration) { try session.query(sql("SELECT 1; SELECT 2")) }
      expectFailure(.other) { try session.query(sql("")) }
    }
  }
}
