// Threads of our own, and actors that run on them.
import Dispatch
import Glibc
import Synchronization
import Testing

@testable import Lifecycle

@Suite struct OwnedThreadTests {
  @Test func aThreadHasItsNameAndEnds() async throws {
    let name = try await OwnedThread.value(name: "a name longer than the kernel keeps") { currentThreadName() }
    #expect(name == "a name longer t")
  }

  @Test func everyoneWaitingForTheEndIsTold() async throws {
    let gate = StopSignal()
    let thread = try OwnedThread.start(name: "t") { gate.waitBlocking() }
    await withTaskGroup(of: Void.self) { group in
      for _ in 0..<10 { group.addTask { await thread.ended() } }
      group.addTask { gate.stop() }
      await group.waitForAll()
    }
    await thread.ended()
    try await OwnedThread.value(name: "joiner") { thread.join() }
  }

  @Test func theEndIsAwaitedEvenByACancelledTask() async throws {
    let gate = StopSignal()
    let thread = try OwnedThread.start(name: "t") { gate.waitBlocking() }
    let task = Task {
      await thread.ended()
      return gate.isStopping
    }
    task.cancel()
    gate.stop()
    #expect(await task.value)
  }

  @Test func theBodyIsFreedWithTheThread() async throws {
    let alive = Journal()
    let thread = try OwnedThread.start(name: "t") { [token = Token(alive)] in token.touch() }
    await thread.ended()
    await alive.wait(for: "freed")
  }

  @Test func aThreadTakesNoSignals() async throws {
    let isBlocked = try await OwnedThread.value(name: "t") {
      var now = sigset_t()
      pthread_sigmask(SIG_BLOCK, nil, &now)
      return sigismember(&now, SIGTERM) == 1 && sigismember(&now, SIGSEGV) == 0
    }
    #expect(isBlocked)
  }

  @Test func aStackOfTheAskedSizeIsGiven() async throws {
    let asked = 4 << 20
    let done = Journal()
    let thread = try OwnedThread.start(name: "deep", stackBytes: asked) { done.add("depth \(recurse(2_000))") }
    await thread.ended()
    #expect(done.entries == ["depth 2000"])
  }
}

/// Uses about a kilobyte of stack a level, in debug and release alike.
@inline(never)
private func recurse(_ depth: Int) -> Int {
  withUnsafeTemporaryAllocation(byteCount: 1_000, alignment: 8) { room in
    room.initializeMemory(as: UInt8.self, repeating: 1)
    return depth == 0 ? 0 : recurse(depth - 1) + Int(room[depth % 1_000])
  }
}

private final class Token: Sendable {
  private let journal: Journal

  init(_ journal: Journal) { self.journal = journal }
  deinit { self.journal.add("freed") }

  func touch() {}
}

private func currentThreadName() -> String {
  let descriptor = open("/proc/thread-self/comm", O_RDONLY)
  defer { close(descriptor) }
  var bytes = [UInt8](repeating: 0, count: 32)
  let count = read(descriptor, &bytes, bytes.count)
  return String(decoding: bytes.prefix(max(0, count - 1)), as: UTF8.self)
}

/// An actor as rooms with C handles write them.
private actor Connection {
  private let thread: ThreadExecutor
  private var used = 0
  private let inside = Atomic<Int>(0)
  nonisolated var unownedExecutor: UnownedSerialExecutor { self.thread.asUnownedSerialExecutor() }

  init(_ thread: ThreadExecutor) { self.thread = thread }

  func threadName() -> String { currentThreadName() }

  func add() -> Int {
    self.used += 1
    return self.used
  }

  /// Whether no other job of this actor ran at the same time.
  func ranAlone() -> Bool {
    defer { self.inside.wrappingSubtract(1, ordering: .relaxed) }
    if self.inside.wrappingAdd(1, ordering: .relaxed).newValue > 1 { return false }
    for _ in 0..<20 { sched_yield() }
    return self.inside.load(ordering: .relaxed) == 1
  }

  func block(_ gate: StopSignal) { gate.waitBlocking() }

  nonisolated func assumedCount() -> Int { self.assumeIsolated { $0.used } }

  func countFromInside() -> Int { self.assumedCount() }
}

@Suite struct ThreadExecutorTests {
  @Test func anActorsJobsRunOnItsThread() async throws {
    let connection = Connection(try ThreadExecutor(name: "pg-test"))
    #expect(await connection.threadName() == "pg-test")
    #expect(await connection.countFromInside() == 0)
  }

  @Test func aThousandCallersAreServedOneAfterTheOther() async throws {
    let connection = Connection(try ThreadExecutor(name: "pg-test"))
    let seen = await withTaskGroup(of: Int.self) { group in
      for _ in 0..<1_000 { group.addTask { await connection.add() } }
      return await group.reduce(into: Set<Int>()) { $0.insert($1) }
    }
    #expect(seen == Set(1...1_000))
  }

  @Test func manyBlockedActorsDoNotBlockOtherTasks() async throws {
    let gate = StopSignal()
    let connections = try (0..<32).map { Connection(try ThreadExecutor(name: "pg-\($0)")) }
    await withTaskGroup(of: Void.self) { group in
      for connection in connections { group.addTask { await connection.block(gate) } }
      // Would never run if the 32 waits were on the pool, which has as many threads as there are processors.
      group.addTask { gate.stop() }
      await group.waitForAll()
    }
  }

  @Test func stopLetsTheThreadEndAfterItsJobsAndLateCallersAreStillAnswered() async throws {
    let thread = try ThreadExecutor(name: "pg-test")
    let connection = Connection(thread)
    _ = await connection.add()
    thread.stop()
    await thread.ended()
    let seen = await withTaskGroup(of: Int.self) { group in
      for _ in 0..<200 { group.addTask { await connection.add() } }
      return await group.reduce(into: Set<Int>()) { $0.insert($1) }
    }
    #expect(seen == Set(2...201))
    #expect(await connection.countFromInside() == 201)
  }

  @Test func lateCallersAreServedOneAfterTheOtherToo() async throws {
    let thread = try ThreadExecutor(name: "pg-test")
    let connection = Connection(thread)
    thread.stop()
    await thread.ended()
    let alone = await withTaskGroup(of: Bool.self) { group in
      for _ in 0..<500 { group.addTask { await connection.ranAlone() } }
      return await group.reduce(true) { $0 && $1 }
    }
    #expect(alone)
  }

  @Test func stoppingWhileCallersArriveLosesNone() async throws {
    for _ in 0..<50 {
      let thread = try ThreadExecutor(name: "pg-test")
      let connection = Connection(thread)
      let count = await withTaskGroup(of: Int.self) { group in
        for _ in 0..<20 { group.addTask { await connection.add() } }
        group.addTask {
          thread.stop()
          return 0
        }
        return await group.reduce(0) { max($0, $1) }
      }
      #expect(count == 20)
      await thread.ended()
    }
  }

  @Test func theThreadEndsWithTheLastActorThatUsesIt() async throws {
    var connection: Connection?
    let thread: OwnedThread
    do {
      let executor = try ThreadExecutor(name: "pg-test")
      thread = executor.thread
      connection = Connection(executor)
    }
    _ = await connection?.add()
    connection = nil
    await thread.ended()
  }
}
