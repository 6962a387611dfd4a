// Small helpers of this target.
import Postgres
import TestSupport
import Testing

// Bodies are given to functions, not to the macros of Swift Testing: Swift 6.3 may run another closure of the same function in place of
// one that stands inside a macro's arguments, and the test passes without having tested.

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

/// The call fails, with this kind and code where they are given.
func expectFailure(
  _ kind: PostgresFailure.Kind? = nil, sqlState: String? = nil, sourceLocation: SourceLocation = #_sourceLocation, _ body: () throws -> Void
) {
  check(failure(body), kind, sqlState, sourceLocation)
}

/// The call fails, with this kind and code where they are given.
func expectFailure(
  _ kind: PostgresFailure.Kind? = nil, sqlState: String? = nil, sourceLocation: SourceLocation = #_sourceLocation,
  _ body: () async throws -> Void
) async {
  check(await failure(body), kind, sqlState, sourceLocation)
}

private func check(_ found: PostgresFailure?, _ kind: PostgresFailure.Kind?, _ sqlState: String?, _ sourceLocation: SourceLocation) {
  #expect(found != nil, sourceLocation: sourceLocation)
  if let kind { #expect(found?.kind == kind, "\(String(describing: found))", sourceLocation: sourceLocation) }
  if let sqlState { #expect(found?.sqlState == sqlState, "\(String(describing: found))", sourceLocation: sourceLocation) }
}

/// The call fails; what it threw.
func requireFailure(sourceLocation: SourceLocation = #_sourceLocation, _ body: () throws -> Void) throws -> PostgresFailure {
  let found = failure(body)
  return try #require(found, sourceLocation: sourceLocation)
}

/// The call throws an error of that type; the error.
@discardableResult
func expectError<Failure: Error>(
  _ type: Failure.Type, sourceLocation: SourceLocation = #_sourceLocation, _ body: () throws -> Void
) -> Failure? {
  var found: (any Error)?
  do { try body() } catch { found = error }
  #expect(found is Failure, "\(String(describing: found))", sourceLocation: sourceLocation)
  return found as? Failure
}

/// The call throws an error of that type; the error.
@discardableResult
func expectError<Failure: Error>(
  _ type: Failure.Type, sourceLocation: SourceLocation = #_sourceLocation, _ body: () async throws -> Void
) async -> Failure? {
  var found: (any Error)?
  do { try await body() } catch { found = error }
  #expect(found is Failure, "\(String(describing: found))", sourceLocation: sourceLocation)
  return found as? Failure
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
