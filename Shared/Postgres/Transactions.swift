// Transactions: begin, commit, rollback, and a body run between them.
import CPostgres
import Telemetry

extension PostgresSession {
  /// Opens a transaction.
  public func begin() throws(PostgresFailure) { try query(.begin) }

  /// Commits. When the connection is lost here, `isOutcomeUnknown` is set: read before deciding. PostgreSQL does not apply its
  /// statement limit to a commit, and a cancellation does not reach one that was sent: its outcome would be open for nothing.
  public func commit() throws(PostgresFailure) { try query(.commit) }

  /// Rolls back. Does nothing when there is no transaction or no connection: then the server has rolled back already.
  public func rollback() throws(PostgresFailure) {
    guard let wire, !wire.hasLostConnection else { return }
    dropWaiting(wire)
    guard !wire.hasLostConnection, transactionStatus != .idle else { return }
    // A rollback frees locks: a cancellation meant for the work must not stop it.
    wire.isShielded = true
    defer { wire.isShielded = false }
    try execute("ROLLBACK", Exchange(name: "", effect: .rollsBack, inTransaction: true))
  }

  /// Runs `body` in a transaction: commits when it returns, rolls back when it throws. When the rollback fails too, both errors are
  /// thrown as a `TransactionFailure` and the connection is given up.
  ///
  /// The body is synchronous, so nothing of another user can slip between begin and commit.
  @discardableResult
  public func transaction<Value>(_ body: (PostgresSession) throws -> Value) throws -> Value {
    try atEdge { () throws(PostgresFailure) in try begin() }
    let value: Value
    do {
      value = try inside {
        let value = try body(self)
        if let closing { try closing(self) }
        return value
      }
    } catch {
      try undo(after: error)
      throw error
    }
    do {
      try atEdge { () throws(PostgresFailure) in try commit() }
    } catch {
      try undo(after: error)
      throw error
    }
    return value
  }

  /// As `transaction`, with `BEGIN` and a first statement that take no round trip of their own: they are sent with what the body does first.
  /// The first statement must touch exactly `rows` rows, or what comes next fails (`PostgresFailure.isCountWrong`).
  @discardableResult
  public func transaction<Value>(
    opening first: Statement, rows: Int, _ build: (inout Parameters) -> Void, _ body: () throws -> Value
  ) throws -> Value {
    let value: Value
    do {
      try atEdge { () throws(PostgresFailure) in try beginLater() }
      value = try inside {
        try runLater(first, rows: rows, build)
        let value = try body()
        if let closing { try closing(self) }
        return value
      }
      try atEdge { () throws(PostgresFailure) in try commit() }
    } catch {
      try undo(after: error)
      throw error
    }
    return value
  }

  /// Attempts of `retryingTransaction` unless said otherwise.
  public static let attemptsMax = 5
  static let retryPauseMillisecondsMin = 10
  static let retryPauseMillisecondsMax = 200

  /// As `transaction`, but a deadlock, a lock not had in time or a conflict is tried again from the beginning, after a pause of 10 to
  /// 200 ms: `body` must have no effect outside the transaction. A cancellation ends the pause.
  @discardableResult
  public func retryingTransaction<Value>(
    attemptsMax: Int = PostgresSession.attemptsMax, random: () -> UInt64 = { .random(in: .min ... .max) },
    _ body: (PostgresSession) throws -> Value
  ) throws -> Value {
    var attempt = 1
    while true {
      do {
        return try transaction(body)
      } catch let failure as PostgresFailure where failure.kind == .retryTransaction && attempt < attemptsMax {
        let spread = UInt64(Self.retryPauseMillisecondsMax - Self.retryPauseMillisecondsMin + 1)
        let pause = Self.retryPauseMillisecondsMin + Int(random() % spread)
        logger.debug("a transaction is tried again", [.attempt: .int(attempt), .sqlState: .string(failure.sqlState)])
        if cancelHandle.wait(milliseconds: pause) { throw failure }
        attempt += 1
      }
    }
  }

  /// Runs what begins or ends a transaction of its own.
  func atEdge(_ work: () throws(PostgresFailure) -> Void) throws(PostgresFailure) {
    let before = stage
    defer { stage = before }
    stage = .edge
    try work()
  }

  private func inside<Value>(_ work: () throws -> Value) rethrows -> Value {
    let before = stage
    defer { stage = before }
    stage = .body
    return try work()
  }

  /// A session that is kept writes inside `transaction` and nowhere else, and what stands in one neither begins nor ends it: so nothing escapes `closing`.
  /// Costs no round trip.
  func refuseBesideTransactions(_ statement: Statement) throws(PostgresFailure) {
    switch stage {
    case .edge: return
    case .body: if statement.effect == .none, transactionStatus != .idle { return }
    case .outside: break
    }
    guard statement.isReading else {
      throw PostgresFailure(
        kind: .other, message: "a session for requests writes in `transaction` alone, and leaves it to that to begin and to end",
        statementName: statement.name)
    }
  }

  private func undo(after cause: any Error) throws {
    do throws(PostgresFailure) {
      try rollback()
    } catch {
      wire?.markBroken()
      throw TransactionFailure(cause: cause, rollback: error)
    }
  }
}
