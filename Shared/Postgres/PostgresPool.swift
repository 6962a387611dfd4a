// A bounded number of connections for many tasks.
import Synchronization
public import Telemetry

/// What a task wants done at the end of its transactions. An object, because the optimiser of Swift 6.3 loses the type of a task-local closure: the
/// process would end where one is set.
public final class TransactionClosing: Sendable {
  let act: @Sendable (PostgresSession) throws -> Void

  public init(_ act: @escaping @Sendable (PostgresSession) throws -> Void) { self.act = act }
}

/// Connections to one database, made when needed up to `connectionsMax` and lent out in the order of asking.
///
/// Each is a thread here and a process there, so keep it small: four to eight serve a service's API.
public final class PostgresPool: Sendable {
  private struct State {
    var machine: PoolMachine
    var connections: [Int: PostgresConnection] = [:]
    var parked: [UInt64: CheckedContinuation<PoolMachine.Lease, Never>] = [:]
    /// Served or turned away before they had parked.
    var served: [UInt64: PoolMachine.Lease] = [:]
    var closers: [CheckedContinuation<Void, Never>] = []
    var waiterNext: UInt64 = 0

    /// The continuation to resume with the lease, after the lock; nil when the waiter has yet to park and will find it.
    mutating func settle(_ waiter: UInt64, _ lease: PoolMachine.Lease) -> CheckedContinuation<PoolMachine.Lease, Never>? {
      if let parked = parked.removeValue(forKey: waiter) { return parked }
      served[waiter] = lease
      return nil
    }
  }

  /// What the task in hand wants done at the end of each of its transactions, inside it: with the change or not at all. Outside of transactions sessions refuse
  /// whatever does not read.
  @TaskLocal public static var closing: TransactionClosing?

  private let state: Mutex<State>
  private let settings: PostgresSettings
  private let logger: Logger
  private let waitLimit: Duration
  private let random: @Sendable () -> UInt64

  /// - Parameters:
  ///   - connectionsMax: connections open at once.
  ///   - waitersMax: callers waiting at once; more are refused at once.
  ///   - waitLimit: how long a caller waits for a connection, and then again for it to be made.
  public init(
    _ settings: PostgresSettings, connectionsMax: Int = 4, waitersMax: Int = 1_000, waitLimit: Duration = .seconds(5),
    logger: Logger = .silent, random: @escaping @Sendable () -> UInt64 = { .random(in: .min ... .max) }
  ) {
    state = Mutex(State(machine: PoolMachine(slotsMax: connectionsMax, waitersMax: waitersMax)))
    self.settings = settings
    self.logger = logger
    self.waitLimit = waitLimit
    self.random = random
  }

  /// How many connections are lent out, how many lie idle, how many callers wait: for metrics.
  public var load: (leased: Int, idle: Int, waiting: Int) {
    state.withLock { ($0.machine.leasedCount, $0.machine.idleCount, $0.machine.waitingCount) }
  }

  /// Runs `body` with a session of its own; see `PostgresConnection.withSession`. Throws `.unavailable` when no connection was free within the limit or
  /// the pool is closed.
  ///
  /// - Parameter isKept: it writes inside `transaction` alone, so that whatever a request changes has its closing; for work that nobody asked for, false.
  @discardableResult
  public func withSession<Value: Sendable>(isKept: Bool = true, _ body: @Sendable (PostgresSession) throws -> Value) async throws -> Value {
    let slot = try await slot()
    let closing = PostgresPool.closing
    do {
      let value = try await connection(slot).withSession { session in
        (session.closing, session.isKept) = (closing?.act, isKept)
        defer { (session.closing, session.isKept) = (nil, false) }
        return try body(session)
      }
      await release(slot)
      return value
    } catch {
      await release(slot)
      throw error
    }
  }

  /// Runs `body` in a transaction on a session of its own.
  @discardableResult
  public func transaction<Value: Sendable>(_ body: @Sendable (PostgresSession) throws -> Value) async throws -> Value {
    try await withSession { session in try session.transaction(body) }
  }

  /// Turns waiting and later callers away, waits for those who have a connection, and closes all.
  public func close() async {
    let (waiters, idle) = state.withLock { state in
      let closing = state.machine.close()
      let waiters = closing.waiters.compactMap { state.settle($0, .refuse(.closed)) }
      return (waiters, closing.idle.compactMap { state.connections.removeValue(forKey: $0) })
    }
    for waiter in waiters { waiter.resume(returning: .refuse(.closed)) }
    for connection in idle { await connection.close() }
    await withCheckedContinuation { continuation in
      let isDone = state.withLock { state in
        if state.machine.leasedCount == 0 { return true }
        state.closers.append(continuation)
        return false
      }
      if isDone { continuation.resume() }
    }
  }

  // MARK: Slots.

  private func slot() async throws -> Int {
    let (waiter, first) = state.withLock { state in
      state.waiterNext += 1
      return (state.waiterNext, state.machine.lease(for: state.waiterNext))
    }
    let lease = first == .wait ? await park(waiter) : first
    switch lease {
    case .slot(let slot): return slot
    case .refuse(.cancelled): throw CancellationError()
    case .refuse(.closed): throw PostgresFailure(kind: .unavailable, message: "the database pool is closed")
    case .refuse(.tooManyWaiting):
      throw PostgresFailure(kind: .unavailable, message: "too many callers wait for a database connection")
    case .refuse(.waitedTooLong), .wait:
      throw PostgresFailure(kind: .unavailable, message: "no database connection was free within \(waitLimit)")
    }
  }

  /// Waits for a slot, at most `waitLimit`, or until the task is cancelled.
  private func park(_ waiter: UInt64) async -> PoolMachine.Lease {
    await withTaskGroup(of: Void.self) { group in
      group.addTask {
        do {
          try await Task.sleep(for: self.waitLimit)
          self.turnAway(waiter, .waitedTooLong)
        } catch {
          // Served or cancelled meanwhile: nothing to time out.
        }
      }
      let lease = await withTaskCancellationHandler {
        await withCheckedContinuation { continuation in
          let early = state.withLock { state -> PoolMachine.Lease? in
            if let lease = state.served.removeValue(forKey: waiter) { return lease }
            state.parked[waiter] = continuation
            return nil
          }
          if let early { continuation.resume(returning: early) }
        }
      } onCancel: {
        turnAway(waiter, .cancelled)
      }
      group.cancelAll()
      return lease
    }
  }

  private func turnAway(_ waiter: UInt64, _ refusal: PoolMachine.Refusal) {
    let parked = state.withLock { state -> CheckedContinuation<PoolMachine.Lease, Never>? in
      guard state.machine.leaveQueue(waiter) else { return nil }
      return state.settle(waiter, .refuse(refusal))
    }
    parked?.resume(returning: .refuse(refusal))
  }

  /// The connection of a slot, made with the slot's first use.
  private func connection(_ slot: Int) throws(PostgresFailure) -> PostgresConnection {
    if let known = state.withLock({ $0.connections[slot] }) { return known }
    // Nobody else has this slot, so nobody else makes its connection.
    let made = try PostgresConnection(settings, logger: logger, connectWaitLimit: waitLimit, random: random)
    state.withLock { $0.connections[slot] = made }
    return made
  }

  private func release(_ slot: Int) async {
    let release = state.withLock { $0.machine.release(slot) }
    switch release {
    case .keep: break
    case .handOver(let slot, let waiter):
      let parked = state.withLock { $0.settle(waiter, .slot(slot)) }
      parked?.resume(returning: .slot(slot))
    case .close(let slot, let isLast):
      let connection = state.withLock { $0.connections.removeValue(forKey: slot) }
      await connection?.close()
      guard isLast else { return }
      let closers = state.withLock { state in
        defer { state.closers = [] }
        return state.closers
      }
      for closer in closers { closer.resume() }
    }
  }
}
