// Small helpers of this target.
import Postgres
import TestSupport
import Testing

/// What a failing call threw.
func failure(_ body: () throws -> Void) -> PostgresFailure? {
  do {
    try body()
    return nil
  } catch {
    return error as? PostgresFailure
  }
}

/// What a failing asynchronous call threw.
func failure(_ body: () async throws -> Void) async -> PostgresFailure? {
  do {
    try await body()
    return nil
  } catch {
    return error as? PostgresFailure
  }
}

/// A statement used once.
func sql(_ text: String) -> Statement { Statement(name: "", sql: text) }

/// Waits in the server until the condition holds, by asking again.
func wait(_ session: PostgresSession, until condition: String) throws {
  let ask = sql("SELECT (\(condition))::bool, pg_sleep(0.002)")
  for _ in 0..<5_000 where try session.query(ask).bool(0, 0) { return }
  Issue.record("never happened: \(condition)")
}

/// An error that no library knows.
struct OwnError: Error, Equatable { var text = "own" }

/// The session still answers.
func expectUsable(_ session: PostgresSession, sourceLocation: SourceLocation = #_sourceLocation) throws {
  let answer = try session.query(sql("SELECT 1")).int32(0, 0)
  #expect(answer == 1, sourceLocation: sourceLocation)
}
