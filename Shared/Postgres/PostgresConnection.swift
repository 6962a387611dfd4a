// A session on a thread of its own, for tasks: they await, the thread blocks.
import Lifecycle
import Synchronization
public import Telemetry

/// One connection that tasks share in turns. Bodies run one at a time, without interruption, on the connection's own thread.
///
/// The connection is made at first use and again whenever it was lost, with pauses that grow (`Backoff`).
public actor PostgresConnection {
  private let executor: ThreadExecutor
  private let settings: PostgresSettings
  private let logger: Logger
  private let connectWaitLimit: Duration
  private var session: PostgresSession?
  private var backoff: Backoff
  private var nextAttempt = ContinuousClock.now
  private var lastFailure: PostgresFailure?
  private var isClosed = false

  public nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

  /// Starts the thread; connects later.
  ///
  /// - Parameters:
  ///   - connectWaitLimit: how long a caller waits for a connection to be made before it gets the last failure.
  ///   - random: 64 random bits a call, for the pauses.
  public init(
    _ settings: PostgresSettings, logger: Logger = .silent, connectWaitLimit: Duration = .seconds(10),
    random: @escaping @Sendable () -> UInt64 = { .random(in: .min ... .max) }
  ) throws(PostgresFailure) {
    do throws(ThreadFailure) {
      executor = try ThreadExecutor(name: "postgres")
    } catch {
      throw PostgresFailure(kind: .resourceExhausted, message: "no thread for a database connection: \(error)")
    }
    self.settings = settings
    self.logger = logger
    self.connectWaitLimit = connectWaitLimit
    backoff = Backoff(random: random)
  }

  isolated deinit { session?.close() }

  /// Runs `body` with the session. Cancelling the task cancels the statement in hand, and `CancellationError` is thrown once the
  /// server has given it up; a commit in hand is finished.
  ///
  /// A transaction that the body leaves open is rolled back. The session must not be kept beyond the body.
  @discardableResult
  public func withSession<Value: Sendable>(_ body: @Sendable (PostgresSession) throws -> Value) async throws -> Value {
    let session = try await connected()
    let turn = Turn(session.cancelHandle)
    return try await withTaskCancellationHandler {
      try self.take(turn, session, body)
    } onCancel: {
      turn.cancel()
    }
  }

  /// Ends the connection and its thread. Later calls fail; calling it again does nothing.
  public func close() {
    isClosed = true
    session?.close()
    session = nil
    executor.stop()
  }

  /// The body itself: synchronous, so nobody else's statement can come between its own.
  private func take<Value: Sendable>(
    _ turn: Turn, _ session: PostgresSession, _ body: @Sendable (PostgresSession) throws -> Value
  ) throws -> Value {
    try turn.begin()
    defer { turn.end() }
    do {
      let value = try body(session)
      if session.transactionStatus == .open || session.transactionStatus == .failed {
        logger.error("a database transaction was left open and is rolled back")
        tidy(session)
      }
      return value
    } catch {
      tidy(session)
      if turn.isCancelled, let failure = error as? PostgresFailure, failure.kind == .timedOut { throw CancellationError() }
      throw error
    }
  }

  /// Leaves the session fit for the next user, or gives it up.
  private func tidy(_ session: PostgresSession) {
    do throws(PostgresFailure) {
      try session.rollback()
    } catch {
      logger.warning("a rollback failed; the database connection is given up", [.error: .describing(error)])
      session.close()
    }
  }

  private func connected() async throws -> PostgresSession {
    let end = ContinuousClock.now + connectWaitLimit
    while true {
      try Task.checkCancellation()
      if isClosed { throw PostgresFailure(kind: .unavailable, message: "the database connection is closed") }
      if let session, session.checkConnection() { return session }
      let now = ContinuousClock.now
      if now >= nextAttempt, let session = try attempt() { return session }
      let wake = min(nextAttempt, end)
      if wake > now {
        try await Task.sleep(until: wake, clock: .continuous)
      } else if now >= end {
        throw lastFailure ?? PostgresFailure(kind: .unavailable, message: "the database could not be reached in time")
      }
    }
  }

  /// One attempt; nil when another is worth making later. A refusal that a person must mend is thrown at once.
  private func attempt() throws(PostgresFailure) -> PostgresSession? {
    do throws(PostgresFailure) {
      if let session {
        try session.reconnect()
      } else {
        session = try PostgresSession(settings, logger: logger)
      }
      if backoff.failures > 0 { logger.info("the database is reached again", [.attempt: .int(backoff.failures + 1)]) }
      backoff.reset()
      lastFailure = nil
      return session
    } catch {
      let pause = backoff.nextMilliseconds()
      nextAttempt = ContinuousClock.now + .milliseconds(pause)
      lastFailure = error
      logger.warning("the database is not reached", [.error: .describing(error), .attempt: .int(backoff.failures)])
      switch error.kind {
      case .configuration, .damaged, .other, .data: throw error
      default: return nil
      }
    }
  }
}

/// One use of a session by one task: carries the task's cancellation to exactly that use.
private final class Turn: Sendable {
  private enum State { case waiting, running(UInt64), cancelled }

  private let state = Mutex(State.waiting)
  private let handle: CancelHandle

  init(_ handle: CancelHandle) { self.handle = handle }

  func begin() throws(CancellationError) {
    let isCancelled = state.withLock { state in
      if case .cancelled = state { return true }
      state = .running(handle.newLease())
      return false
    }
    if isCancelled { throw CancellationError() }
  }

  /// A cancellation from now on is too late and must not hit the next use.
  func end() { _ = handle.newLease() }

  func cancel() {
    let lease: UInt64? = state.withLock { state in
      defer { state = .cancelled }
      if case .running(let lease) = state { return lease }
      return nil
    }
    if let lease { handle.cancel(lease: lease) }
  }

  var isCancelled: Bool {
    state.withLock { state in
      if case .cancelled = state { true } else { false }
    }
  }
}
