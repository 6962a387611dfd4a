// Connection strings, and that no password leaves them.
import Testing

@testable import Postgres

struct SettingsTests {
  @Test func aURLGivesItsParts() throws {
    let settings = try PostgresSettings(
      url: "postgres://tiering:p%40ss%3Aword@db.example:6432/suite?sslmode=verify-full&application_name=tiering/1&connect_timeout=3")
    #expect(settings.servers == [PostgresSettings.Server(host: "db.example", port: 6_432)])
    #expect(settings.user == "tiering")
    #expect(settings.password?.revealed == "p@ss:word")
    #expect(settings.database == "suite")
    #expect(settings.applicationName == "tiering/1")
    #expect(settings.connectTimeoutSeconds == 3)
    #expect(settings.libraryOptions["sslmode"] == "verify-full")
  }

  @Test func severalHostsAreTriedInOrder() throws {
    let settings = try PostgresSettings(url: "postgresql://u@a:1,b:2,c:3/d")
    #expect(settings.servers.map(\.host) == ["a", "b", "c"])
    #expect(settings.servers.map(\.port) == [1, 2, 3])
    let onePort = try PostgresSettings(url: "host=a,b port=7 user=u dbname=d")
    #expect(onePort.servers.map(\.port) == [7, 7])
  }

  @Test func aSocketFolderIsAHost() throws {
    #expect(try PostgresSettings(url: "postgres:///d?host=/run/pg&user=u").servers.first?.host == "/run/pg")
    #expect(try PostgresSettings(url: "postgres://u@%2Frun%2Fpg:5433/d").servers == [.init(host: "/run/pg", port: 5_433)])
  }

  @Test func aMissingDatabaseIsNamedAsTheUser() throws {
    #expect(try PostgresSettings(url: "postgres://u@h").database == "u")
  }

  @Test(arguments: [
    "postgres://u:hidden@h:99999/d", "postgres://u:hidden@h/d?nonsense=1", "hidden", "postgres://h/d?password=hidden",
    "host=a,b,c port=1,2 user=u password=hidden", "postgres://u:hidden@h/d?connect_timeout=soon", "postgres://u:hidden@[::1/d", "",
  ])
  func aBadURLIsRefusedWithoutRepeatingIt(url: String) throws {
    let refusal = try requireFailure { _ = try PostgresSettings(url: url) }
    #expect(refusal.kind == .configuration)
    #expect(!"\(refusal)".contains("hidden"))
  }

  @Test func noWayOfPrintingShowsThePassword() throws {
    let settings = try PostgresSettings(url: "postgres://u:hidden@h/d")
    var dumped = ""
    dump(settings, to: &dumped)
    for text in ["\(settings)", String(reflecting: settings), dumped, "\(String(describing: settings.password))"] {
      #expect(!text.contains("hidden"))
    }
    #expect("\(settings)" == "u@h:5432/d")
  }

  @Test func namesAndTextsInSQLAreQuoted() {
    #expect(SQLText.identifier("a\"b") == "\"a\"\"b\"")
    #expect(SQLText.literal("it's \0 \\") == "'it''s  \\'")
  }

  @Test func aSettingWithAnImpossibleNameIsRefused() throws {
    var settings = try PostgresSettings(url: "postgres://u@h/d")
    settings.sessionSettings = [("a; drop", "1")]
    expectFailure(.configuration) { _ = try settings.openingSQL() }
  }

  @Test func theSilenceLimitFollowsTheStatementLimit() throws {
    var settings = try PostgresSettings(url: "postgres://u@h/d")
    settings.statementTimeoutMilliseconds = 2_000
    #expect(settings.silenceMilliseconds == 12_000)
    settings.statementTimeoutMilliseconds = 0
    #expect(settings.silenceMilliseconds == nil)
    settings.answerSilenceMillisecondsMax = 5
    #expect(settings.silenceMilliseconds == 5)
  }
}

struct StatementTests {
  @Test(arguments: [
    ("SELECT 1", Statement.Effect.none), ("begin", .begins), ("START TRANSACTION", .begins), ("  COMMIT ;", .commits), ("END", .commits),
    ("commit prepared 'x'", .commits), ("PREPARE TRANSACTION 'x'", .commits), ("PREPARE x AS SELECT 1", .none), ("ROLLBACK", .rollsBack),
    ("abort", .rollsBack), ("rollback to savepoint a", .none), ("", .none), ("SELECT 'COMMIT'", .none),
  ])
  func theEffectOfAStatementIsReadFromItsFirstWords(sql: String, effect: Statement.Effect) {
    #expect(Statement(name: "", sql: sql).effect == effect)
  }
}

struct BackoffTests {
  @Test func pausesDoubleUpToTheirLimitWithFullJitter() {
    var ceilings = Backoff { UInt64.max / 2 * 2 }
    var floor = Backoff { 0 }
    let drawn = Backoff.firstMilliseconds
    let shortest = (0..<10).map { _ in floor.nextMilliseconds() }
    #expect(shortest == Array(repeating: 0, count: 10))
    var largest = Backoff(random: sequence(0))
    for attempt in 0..<12 {
      let ceiling = min(Backoff.pauseMillisecondsMax, drawn << min(attempt, 8))
      #expect(ceilings.nextMilliseconds() <= ceiling)
      #expect(largest.nextMilliseconds() <= ceiling)
    }
    #expect(ceilings.failures == 12)
    ceilings.reset()
    #expect(ceilings.failures == 0)
  }

  @Test func theWholeRangeIsDrawn() {
    // 50 is the first ceiling, so 50 as the random number is the longest first pause.
    var longest = Backoff { 50 }
    #expect(longest.nextMilliseconds() == 50)
    var late = Backoff { 5_000 }
    for _ in 0..<7 { _ = late.nextMilliseconds() }
    #expect(late.nextMilliseconds() == 5_000)
  }

  private func sequence(_ seed: UInt64) -> @Sendable () -> UInt64 { { seed &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407 } }
}
