// The pool: first the decisions alone, then with connections.
import Glibc
import Synchronization
import TestSupport
import Testing

@testable import Postgres

struct PoolMachineTests {
  @Test func slotsAreMadeUpToTheBoundAndThenCallersWaitInOrder() {
    var pool = PoolMachine(slotsMax: 2, waitersMax: 10)
    #expect(pool.lease(for: 1) == .slot(0))
    #expect(pool.lease(for: 2) == .slot(1))
    for waiter in 3...5 as ClosedRange<UInt64> { #expect(pool.lease(for: waiter) == .wait) }
    #expect(pool.release(1) == .handOver(slot: 1, waiter: 3))
    #expect(pool.release(0) == .handOver(slot: 0, waiter: 4))
    #expect(pool.release(0) == .handOver(slot: 0, waiter: 5))
    #expect(pool.release(0) == .keep)
    #expect(pool.idleCount == 1 && pool.leasedCount == 1 && pool.waitingCount == 0)
  }

  @Test func theWarmestSlotIsGivenFirst() {
    var pool = PoolMachine(slotsMax: 3, waitersMax: 0)
    for waiter in 0..<3 as Range<UInt64> { _ = pool.lease(for: waiter) }
    for slot in [0, 2, 1] { #expect(pool.release(slot) == .keep) }
    #expect(pool.lease(for: 9) == .slot(1))
    #expect(pool.lease(for: 9) == .slot(2))
  }

  @Test func waitersOverTheBoundAreRefused() {
    var pool = PoolMachine(slotsMax: 1, waitersMax: 1)
    _ = pool.lease(for: 1)
    #expect(pool.lease(for: 2) == .wait)
    #expect(pool.lease(for: 3) == .refuse(.tooManyWaiting))
    #expect(pool.leaveQueue(2) == true)
    #expect(pool.leaveQueue(2) == false)
    #expect(pool.lease(for: 4) == .wait)
  }

  @Test func aWaiterThatLeftIsNotServed() {
    var pool = PoolMachine(slotsMax: 1, waitersMax: 9)
    _ = pool.lease(for: 1)
    _ = pool.lease(for: 2)
    _ = pool.lease(for: 3)
    #expect(pool.leaveQueue(2) == true)
    #expect(pool.release(0) == .handOver(slot: 0, waiter: 3))
  }

  @Test func aSlotGivenBackTwiceIsCountedOnce() {
    var pool = PoolMachine(slotsMax: 2, waitersMax: 9)
    _ = pool.lease(for: 1)
    #expect(pool.release(0) == .keep)
    #expect(pool.release(0) == .keep)
    #expect(pool.idleCount == 1)
    #expect(pool.release(7) == .keep)
    #expect(pool.idleCount == 1)
  }

  @Test func closingTurnsWaitersAwayAndEndsWithTheLastSlot() {
    var pool = PoolMachine(slotsMax: 3, waitersMax: 9)
    for waiter in 0..<4 as Range<UInt64> { _ = pool.lease(for: waiter) }
    _ = pool.leaveQueue(3)
    _ = pool.release(2)
    _ = pool.lease(for: 4)
    _ = pool.release(2)
    let closing = pool.close()
    #expect(closing.waiters.isEmpty && closing.idle == [2] && !closing.isDone)
    #expect(pool.lease(for: 5) == .refuse(.closed))
    #expect(pool.release(0) == .close(slot: 0, isLast: false))
    #expect(pool.release(1) == .close(slot: 1, isLast: true))
  }

  /// Whatever happens in whatever order: never more slots than allowed, no slot with two users, nobody served out of turn.
  @Test(arguments: 0..<100 as Range<UInt64>)
  func noHistoryBreaksTheRules(seed: UInt64) {
    var random = SplitMix(state: seed)
    var pool = PoolMachine(slotsMax: 3, waitersMax: 5)
    var users: [Int: UInt64] = [:]
    var queue: [UInt64] = []
    for caller in 1...300 as ClosedRange<UInt64> {
      switch random.next() % 4 {
      case 0, 1:
        switch pool.lease(for: caller) {
        case .slot(let slot):
          #expect(users[slot] == nil && queue.isEmpty, "seed \(seed), step \(caller)")
          users[slot] = caller
        case .wait: queue.append(caller)
        case .refuse: #expect(queue.count == 5, "seed \(seed), step \(caller)")
        }
      case 2:
        guard let slot = users.keys.sorted().randomElement(using: &random) else { continue }
        switch pool.release(slot) {
        case .handOver(let given, let waiter):
          #expect(given == slot && waiter == queue.first, "seed \(seed), step \(caller)")
          queue.removeFirst()
          users[slot] = waiter
        case .keep: users[slot] = nil
        case .close: Issue.record("nobody closed it: seed \(seed), step \(caller)")
        }
      default:
        guard let waiter = queue.randomElement(using: &random) else { continue }
        #expect(pool.leaveQueue(waiter) == true, "seed \(seed), step \(caller)")
        queue.removeAll { $0 == waiter }
      }
      #expect(users.count <= 3 && pool.leasedCount == users.count && pool.waitingCount == queue.count, "seed \(seed), step \(caller)")
    }
  }
}

/// Small seeded generator: the same seed gives the same history everywhere.
private struct SplitMix: RandomNumberGenerator {
  var state: UInt64
  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var value = state
    value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
    value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
    return value ^ (value >> 31)
  }
}

@Suite(.enabled(if: TestDatabase.isAvailable, Comment(rawValue: TestDatabase.whyNot)))
struct PoolTests {
  @Test func manyCallersShareFewConnections() async throws {
    try await TestDatabase.withDatabase { settings in
      let pool = PostgresPool(settings, connectionsMax: 2, waitLimit: .seconds(60))
      let backends = try await withThrowingTaskGroup(of: Int32.self) { group in
        for _ in 0..<30 { group.addTask { try await pool.transaction { try $0.query(sql("SELECT pg_backend_pid()")).int32(0, 0) } } }
        return try await group.reduce(into: Set<Int32>()) { $0.insert($1) }
      }
      #expect((1...2).contains(backends.count))
      #expect(pool.load.leased == 0 && pool.load.waiting == 0 && pool.load.idle == backends.count)
      await pool.close()
      #expect(pool.load.idle == 0)
      await expectFailure(.unavailable) { try await pool.withSession { _ in } }
      await pool.close()
    }
  }

  @Test func callersThatWaitTooLongAreTurnedAwayAndThoseCancelledLeave() async throws {
    try await TestDatabase.withDatabase { settings in
      let pool = PostgresPool(settings, connectionsMax: 1, waitersMax: 1, waitLimit: .milliseconds(300))
      let gate = Gate()
      let holder = Task { try await pool.withSession { _ in gate.enterAndWait() } }
      await gate.entered()
      let waited = await failure { try await pool.withSession { _ in } }
      #expect(waited?.kind == .unavailable)
      let cancelled = Task { try await pool.withSession { _ in } }
      while pool.load.waiting == 0 { await Task.yield() }
      let refusal = await failure { try await pool.withSession { _ in } }?.message
      #expect(refusal == "too many callers wait for a database connection")
      cancelled.cancel()
      await expectError(CancellationError.self) { try await cancelled.value }
      #expect(pool.load.waiting == 0)
      gate.open()
      try await holder.value
      try await pool.withSession { try expectUsable($0) }
      await pool.close()
    }
  }

  @Test func closingWaitsForThoseWhoHaveAConnection() async throws {
    try await TestDatabase.withDatabase { settings in
      let pool = PostgresPool(settings, connectionsMax: 1, waitLimit: .seconds(60))
      let gate = Gate()
      let holder = Task {
        try await pool.withSession { session in
          gate.enterAndWait()
          return try session.query(sql("SELECT 7")).int32(0, 0)
        }
      }
      await gate.entered()
      let waiter = Task { try await pool.withSession { _ in } }
      while pool.load.waiting == 0 { await Task.yield() }
      let closed = Mutex(false)
      let closing = Task {
        await pool.close()
        closed.withLock { $0 = true }
      }
      await expectFailure(.unavailable) { try await waiter.value }
      let isClosedEarly = closed.withLock { $0 }
      #expect(!isClosedEarly)
      gate.open()
      let held = try await holder.value
      #expect(held == 7)
      await closing.value
      let isClosed = closed.withLock { $0 }
      #expect(isClosed)
    }
  }

  @Test func outsideOfItsTransactionsASessionOfAPoolReadsAndNothingElse() async throws {
    try await TestDatabase.withDatabase { settings in
      let pool = PostgresPool(settings, connectionsMax: 1)
      try await pool.transaction { try $0.execute("CREATE TABLE t (a int8); INSERT INTO t VALUES (1)") }
      for text in [
        "SELECT a FROM t", " \n(select 1)", "TABLE t", "VALUES (1)", "SHOW lock_timeout", "WITH n AS (SELECT 1) SELECT * FROM n", "SELECT ';'",
        "SELECT a FROM t FOR UPDATE",
      ] {
        try await pool.withSession { _ = try $0.query(sql(text)) }
      }
      let refused: [@Sendable (PostgresSession) throws -> Void] = [
        { _ = try $0.query(sql("INSERT INTO t VALUES (2)")) }, { try $0.execute("UPDATE t SET a = 2") }, { try $0.execute("SELECT 1; DELETE FROM t") },
        { _ = try $0.query(sql("WITH n AS (DELETE FROM t RETURNING a) SELECT a FROM n")) }, { _ = try $0.query(sql("EXPLAIN ANALYZE DELETE FROM t")) },
        { try $0.runLater(sql("DELETE FROM t")) { _ in } }, { _ = try $0.pipeline { try $0.add(sql("DELETE FROM t")) } },
        { _ = try $0.copyIn("COPY t FROM STDIN (FORMAT binary)") { _ in } }, { try $0.begin() }, { try $0.execute("BEGIN; DELETE FROM t; COMMIT") },
        { _ = try $0.pipeline { try $0.begin() } }, { try $0.transaction { try $0.commit() } },
        { try $0.transaction { _ = try $0.query(sql("ROLLBACK")) } },
        { try $0.stream(sql("DELETE FROM t RETURNING a")) { _ in } },
      ]
      for (number, deed) in refused.enumerated() {
        let found = await failure { try await pool.withSession(deed) }
        #expect(found?.kind == .other && found?.message.contains("`transaction`") == true, "\(number): \(found?.message ?? "nothing")")
      }
      let closed = Mutex(0)
      let streamed = Mutex<[Int64]>([])
      let closing = TransactionClosing { _ in closed.withLock { $0 += 1 } }
      try await PostgresPool.$closing.withValue(closing) {
        try await pool.withSession { session in
          try session.stream(sql("SELECT a FROM t")) { rows in try streamed.withLock { $0.append(try rows.int64(0, 0)) } }
          try session.transaction(opening: sql("UPDATE t SET a = 3"), rows: 1, { _ in }) { try session.runLater(sql("UPDATE t SET a = a + 1")) { _ in } }
          try session.retryingTransaction { session in
            _ = try session.pipeline { try $0.add(sql("UPDATE t SET a = a + 1")) }
            try session.stream(sql("SELECT a FROM t")) { rows in try streamed.withLock { $0.append(try rows.int64(0, 0)) } }
          }
        }
      }
      let (count, found) = (closed.withLock { $0 }, streamed.withLock { $0 })
      #expect(count == 2 && found == [1, 5])
      await pool.close()
    }
  }

  @Test func aBrokenConnectionDoesNotStayInThePool() async throws {
    try await TestDatabase.withDatabase { settings in
      let pool = PostgresPool(settings, connectionsMax: 1)
      let found = await failure { try await pool.withSession { try $0.execute("SELECT pg_terminate_backend(pg_backend_pid())") } }
      #expect(found?.kind == .connectionLost)
      try await pool.withSession { try expectUsable($0) }
      await pool.close()
    }
  }
}

/// Lets a test know that a body runs, and holds it there.
private final class Gate: Sendable {
  private let state = Mutex<(isEntered: Bool, isOpen: Bool)>((false, false))

  func enterAndWait() {
    state.withLock { $0.isEntered = true }
    while !state.withLock({ $0.isOpen }) { sched_yield() }
  }

  func entered() async {
    while !state.withLock({ $0.isEntered }) { await Task.yield() }
  }

  func open() { state.withLock { $0.isOpen = true } }
}
