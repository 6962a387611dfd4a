// What each SQLSTATE advises, and that messages hold no values.
import Testing

@testable import Postgres

struct FailureTests {
  @Test(arguments: [
    ("40001", PostgresFailure.Kind.retryTransaction), ("40P01", .retryTransaction), ("55P03", .retryTransaction),
    ("26000", .retryTransaction),
    ("40003", .connectionLost), ("08000", .connectionLost), ("08003", .connectionLost), ("08006", .connectionLost),
    ("08007", .connectionLost), ("08P01", .other),
    ("57P01", .connectionLost), ("57P02", .connectionLost), ("57P05", .connectionLost), ("25P03", .connectionLost), ("", .connectionLost),
    ("57P03", .unavailable), ("53300", .unavailable), ("53100", .resourceExhausted), ("53200", .resourceExhausted), ("25006", .readOnly),
    ("57014", .timedOut), ("23505", .uniqueViolation), ("23503", .data), ("23514", .data), ("22P02", .data), ("22003", .data),
    ("28P01", .configuration), ("28000", .configuration), ("3D000", .configuration), ("42P01", .configuration), ("42501", .configuration),
    ("58030", .damaged), ("XX001", .damaged), ("XX002", .damaged), ("XX000", .other), ("25P02", .other), ("21000", .other),
    ("0A000", .other),
  ])
  func everyClassOfTheTableHasItsAdvice(sqlState: String, kind: PostgresFailure.Kind) {
    #expect(PostgresFailure.Kind.of(sqlState: sqlState) == kind)
  }

  @Test func dataErrorsLoseWhatTheyQuote() {
    #expect(
      Redaction.message("invalid input syntax for type bigint: \"Li\nWei \"x\"\"", sqlState: "22P02")
        == "invalid input syntax for type bigint: ***")
    #expect(Redaction.message("ungültige Eingabe: „Li Wei“", sqlState: "22P02") == "ungültige Eingabe: ***")
    #expect(Redaction.message("relation \"orders\" does not exist", sqlState: "42P01") == "relation \"orders\" does not exist")
    #expect(Redaction.message(String(repeating: "x", count: 1_000), sqlState: "XX000").count == 301)
  }

  @Test func theCodeIsFoundInAVerboseMessageOfAnyLanguage() {
    let english =
      "connection to server at \"127.0.0.1\", port 5432 failed: FATAL:  28P01: password authentication failed for user \"x\"\nLOCATION:  a"
    #expect(PostgresFailure.sqlState(inVerbose: english) == "28P01")
    #expect(PostgresFailure.sqlState(inVerbose: "致命错误:  57P03: 数据库系统启动中") == "57P03")
    #expect(PostgresFailure.sqlState(inVerbose: "connection refused\n\tIs the server running?") == nil)
    #expect(PostgresFailure.sqlState(inVerbose: "") == nil)
  }

  @Test func aFailureSaysItsFactsInOneLine() {
    let failure = PostgresFailure(
      kind: .uniqueViolation, message: "duplicate key", sqlState: "23505", constraint: "orders_pkey", statementName: "add",
      isOutcomeUnknown: true)
    #expect("\(failure)" == "uniqueViolation: duplicate key (SQLSTATE 23505) [constraint orders_pkey] [statement add] [outcome unknown]")
  }
}
