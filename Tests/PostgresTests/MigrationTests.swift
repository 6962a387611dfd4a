// Migrations: what may be applied, and that a database is changed once and whole.
import TestSupport
import Testing

@testable import Postgres

/// The call throws exactly this failure.
private func expectMigrationFailure(
  _ expected: MigrationFailure, sourceLocation: SourceLocation = #_sourceLocation, _ body: () throws -> Void
) {
  var found: (any Error)?
  do { try body() } catch { found = error }
  #expect(found as? MigrationFailure == expected, "\(String(describing: found))", sourceLocation: sourceLocation)
}

struct MigrationPlanTests {
  private func entries(_ numbers: [Int32]) -> [MigrationPlan.Entry] {
    numbers.map { MigrationPlan.Entry(number: $0, name: "000\($0)_add_x", checksum: "c\($0)") }
  }

  @Test func whatTheDatabaseHasIsABeginningOfTheProgram() throws {
    #expect(try MigrationPlan.appliedCount(program: entries([1, 2, 3]), database: []) == 0)
    #expect(try MigrationPlan.appliedCount(program: entries([1, 2, 3]), database: entries([2, 1])) == 2)
    #expect(try MigrationPlan.appliedCount(program: entries([1, 2]), database: entries([1, 2])) == 2)
    #expect(try MigrationPlan.appliedCount(program: [], database: []) == 0)
  }

  @Test func anythingElseIsRefusedWithItsReason() {
    let program = entries([1, 2, 3])
    var changed = entries([1, 2])
    changed[1].checksum = "other"
    var renamed = entries([1])
    renamed[0].name = "0001_add_y"
    let cases: [(program: [MigrationPlan.Entry], database: [MigrationPlan.Entry], failure: MigrationFailure)] = [
      (program, entries([1, 2, 3, 4]), .databaseIsNewer("0004_add_x")),
      (program, entries([1, 3]), .missingInDatabase("0002_add_x")),
      (entries([1, 3]), entries([1, 2]), .missingInProgram("0002_add_x")),
      (program, changed, .changed("0002_add_x")),
      (program, renamed, .missingInProgram("0001_add_y")),
      ([], entries([1]), .databaseIsNewer("0001_add_x")),
    ]
    for (program, database, expected) in cases {
      expectMigrationFailure(expected) { _ = try MigrationPlan.appliedCount(program: program, database: database) }
    }
  }

  @Test(arguments: ["1_create_x", "0001_create", "0001create_x", "0001_Create_x", "0001_create__x", "abcd_create_x", "0001_create_x_", ""])
  func aNameThatDoesNotKeepThePatternIsRefused(name: String) {
    expectMigrationFailure(.badName(name)) { _ = try Migration(name: name, sql: "") }
  }

  @Test func numbersRunFromOneWithoutGapOrRepetition() throws {
    expectMigrationFailure(.badNumbering(1)) { _ = try Migrations(schema: "s", [("0002_add_x", "")]) }
    expectMigrationFailure(.badNumbering(2)) { _ = try Migrations(schema: "s", [("0001_add_x", ""), ("0003_add_z", "")]) }
    expectMigrationFailure(.badNumbering(1)) { _ = try Migrations(schema: "s", [("0001_add_x", ""), ("0001_add_y", "")]) }
    #expect(
      try Migrations(schema: "s", [("0002_add_y.sql", ""), ("0001_add_x.sql", "")]).migrations.map(\.name) == ["0001_add_x", "0002_add_y"])
  }

  @Test func lineEndsDoNotCount() throws {
    #expect(try Migration(name: "0001_add_x", sql: "a\r\nb\n") == Migration(name: "0001_add_x", sql: "a\nb\n"))
  }
}

@Suite(.enabled(if: TestDatabase.isAvailable, Comment(rawValue: TestDatabase.whyNot)))
struct MigrationTests {
  private static let first = (name: "0001_create_things.sql", sql: "CREATE TABLE things (a int8);\n")
  private static let second = (name: "0002_add_b_to_things.sql", sql: "ALTER TABLE things ADD b int8;\nINSERT INTO things VALUES (1, 2);\n")

  private func withSettings(_ body: @escaping @Sendable (PostgresSettings) throws -> Void) async throws {
    try await TestDatabase.withDatabase { settings in try await TestDatabase.blocking { try body(settings) } }
  }

  @Test func stepsAreAppliedOnceAndRecorded() async throws {
    try await withSettings { settings in
      let one = try Migrations(schema: "ingest", [Self.first])
      let both = try Migrations(schema: "ingest", [Self.second, Self.first])
      let session = try PostgresSession(settings)
      let before = try both.pending(session)
      #expect(before == ["0001_create_things", "0002_add_b_to_things"])
      let made = [try one.apply(to: settings), try both.apply(to: settings), try both.apply(to: settings)]
      #expect(made == [["0001_create_things"], ["0002_add_b_to_things"], []])
      try both.check(session)
      let rows = try session.query(
        sql("SELECT number, name, checksum, applied_at > now() - interval '1 hour' FROM ingest.migrations ORDER BY 1"))
      #expect(try rows.text(0, 1) == "0001_create_things")
      // sha256sum of the file's bytes.
      #expect(try rows.text(0, 2) == "199225b3af8c6d2505a4d92acd7d57a0cd73dcef3b3dd1a03a30a62ac72cd48e")
      #expect(try rows.count == 2 && rows.bool(1, 3))
      #expect(try session.query(sql("SELECT sum(b)::int8 FROM ingest.things")).int64(0, 0) == 2)
    }
  }

  @Test func aProgramThatIsBehindOrAheadDoesNotStart() async throws {
    try await withSettings { settings in
      let one = try Migrations(schema: "ingest", [Self.first])
      let both = try Migrations(schema: "ingest", [Self.first, Self.second])
      try one.apply(to: settings)
      let session = try PostgresSession(settings)
      expectMigrationFailure(.pending(["0002_add_b_to_things"])) { try both.check(session) }
      try both.apply(to: settings)
      expectMigrationFailure(.databaseIsNewer("0002_add_b_to_things")) { try one.check(session) }
      expectMigrationFailure(.databaseIsNewer("0002_add_b_to_things")) { try one.apply(to: settings) }
      let changed = try Migrations(schema: "ingest", [(Self.first.name, Self.first.sql + " "), Self.second])
      expectMigrationFailure(.changed("0001_create_things")) { try changed.apply(to: settings) }
    }
  }

  @Test func aStepThatFailsLeavesNothingAndThoseBeforeItStay() async throws {
    try await withSettings { settings in
      let bad = (name: "0002_break_things", sql: "CREATE TABLE other (a int8); SELECT 1/0;")
      expectMigrationFailure(.failed("0002_break_things", sqlState: "22012", reason: "division by zero")) {
        try Migrations(schema: "s", [Self.first, bad]).apply(to: settings)
      }
      let session = try PostgresSession(settings)
      let left = try session.query(
        sql("SELECT to_regclass('s.other') IS NULL, to_regclass('s.things') IS NOT NULL, (SELECT max(number) FROM s.migrations)"))
      #expect(try left.bool(0, 0) && left.bool(0, 1) && left.int32(0, 2) == 1)
    }
  }

  @Test(arguments: ["CREATE TABLE x (a int); COMMIT", "CREATE TABLE x (a int); COMMIT; BEGIN", "ROLLBACK"])
  func aStepThatEndsItsTransactionIsRefused(text: String) async throws {
    try await withSettings { settings in
      let steps = try Migrations(schema: "s", [("0001_end_early", text)])
      expectMigrationFailure(.endedTransaction("0001_end_early")) { try steps.apply(to: settings) }
    }
  }

  @Test func severalProcessesAtOnceApplyEachStepOnce() async throws {
    try await TestDatabase.withDatabase { settings in
      let steps = try Migrations(schema: "s", (1...5).map { ("000\($0)_create_t\($0)", "CREATE TABLE t\($0) (a int8)") })
      let made = try await withThrowingTaskGroup(of: [String].self) { group in
        for _ in 0..<4 { group.addTask { try await TestDatabase.blocking { try steps.apply(to: settings) } } }
        return try await group.reduce(into: []) { $0 += $1 }
      }
      let expected = (1...5).map { "000\($0)_create_t\($0)" }
      #expect(made.sorted() == expected)
    }
  }

  @Test func twoSchemasHaveTheirOwnHistory() async throws {
    try await withSettings { settings in
      for schema in ["a", "my \"schema"] {
        let made = try Migrations(schema: schema, [Self.first, Self.second]).apply(to: settings)
        #expect(made.count == 2)
      }
    }
  }
}
