// Groups with real tasks, real threads and, in child processes, real signals.
import Glibc
import Synchronization
import Telemetry
import Testing

@testable import Lifecycle

@Suite struct ServiceGroupTests {
  @Test func servicesStartInOrderAndStopInReverseOneAfterTheOther() async {
    let journal = Journal()
    let stop = StopSignal()
    let group = ServiceGroup(
      services: ["pool", "relay", "intake"].map { .wellBehaved($0, journal) } as [TestService], logger: .silent, stopLimit: .long)
    async let outcome = group.run(signals: [], stop: stop)
    await journal.wait(for: "intake started")
    #expect(journal.entries == ["pool started", "relay started", "intake started"])
    stop.stop(reason: .asked("enough"))
    #expect(await outcome == GroupOutcome(reason: .asked("enough")))
    #expect(
      journal.entries.dropFirst(3) == [
        "intake asked", "intake ended", "relay asked", "relay ended", "pool asked", "pool ended",
      ])
  }

  @Test func aServiceThatFailsStopsAllOthersAndIsNamed() async {
    let journal = Journal()
    let logs = LogCollector()
    let group = ServiceGroup(
      services: [
        TestService.wellBehaved("first", journal),
        TestService("weak") { _ in
          await journal.wait(for: "last started")
          throw Mishap(description: "disk full")
        },
        TestService.wellBehaved("last", journal),
      ], logger: Logger(service: "test", sink: logs), stopLimit: .long)
    let outcome = await group.run(signals: [])
    #expect(outcome.reason == .failure(service: "weak"))
    #expect(outcome.failures == [.init(service: "weak", words: "disk full")])
    #expect(outcome.abandoned == [])
    #expect(outcome.exitCode == 1)
    #expect(journal.entries.suffix(4) == ["last asked", "last ended", "first asked", "first ended"])
    let failure = logs.records.first { $0.message == "service failed" }
    #expect(failure?.level == .error)
    #expect(failure?.fields[.error] == .string("disk full"))
  }

  @Test func aServiceThatReturnsBeforeItsStopIsAFailure() async {
    let journal = Journal()
    let group = ServiceGroup(
      services: [TestService.wellBehaved("steady", journal), TestService("brief") { _ in }], logger: .silent, stopLimit: .long)
    let outcome = await group.run(signals: [])
    #expect(outcome.failures.map(\.service) == ["brief"])
    #expect(journal.entries.last == "steady ended")
  }

  @Test func aServiceThatIgnoresItsStopIsLeftBehindAtTheLimitAndTheOthersStillStop() async {
    let journal = Journal()
    let latch = Journal()
    let stop = StopSignal()
    let poolEnded = StopSignal()
    let pauses = Ticks()
    let pool = TestService("pool") { stop in
      await stop.wait()
      poolEnded.stop()
    }
    let group = ServiceGroup(
      services: [pool, TestService.deaf("stuck", journal, until: latch)], logger: .silent, stopLimit: .seconds(10)
    ) { _, _ in
      // The first mark comes at once; the second when its effect is there; the third at once.
      if pauses.next() == 2 { poolEnded.waitBlocking() }
      return false
    }
    async let outcome = group.run(signals: [], stop: stop)
    await journal.wait(for: "stuck started")
    stop.stop()
    // Which of the pool's end and the last mark comes first is not decided here; the machine's own tests decide it.
    let ended = await outcome
    #expect(ended.abandoned.contains("stuck"))
    #expect(ended.failures == [])
    #expect(poolEnded.isStopping)
    #expect(pauses.next() == 4)
    latch.add("open")
  }

  @Test func theLimitIsCountedInRealTime() async {
    let journal = Journal()
    let latch = Journal()
    let stop = StopSignal()
    let group = ServiceGroup(
      services: [TestService.deaf("stuck", journal, until: latch)], logger: .silent, stopLimit: .milliseconds(100))
    async let outcome = group.run(signals: [], stop: stop)
    await journal.wait(for: "stuck started")
    let begun = ContinuousClock.now
    stop.stop()
    #expect(await outcome.abandoned == ["stuck"])
    // No upper bound: how late a busy machine wakes a thread is not the group's doing. One millisecond below, because the two clocks that
    // count here are read at different moments.
    #expect(begun.duration(to: .now) >= .milliseconds(99))
    latch.add("open")
  }

  @Test func aServiceThatKnowsOnlyCancellationIsCancelledBeforeTheLimit() async {
    let stop = StopSignal()
    let journal = Journal()
    let pauses = Ticks()
    let sleeper = TestService("sleeper") { _ in
      journal.add("started")
      try await Task.sleep(for: .seconds(3_600))
    }
    let group = ServiceGroup(services: [sleeper], logger: .silent, stopLimit: .seconds(10)) { over, _ in
      if pauses.next() > 1 { over.waitBlocking() }
      return over.isStopping
    }
    async let outcome = group.run(signals: [], stop: stop)
    await journal.wait(for: "started")
    stop.stop()
    #expect(await outcome.isClean)
  }

  @Test func aStopThatWasAskedBeforeTheStartEndsCleanly() async {
    let journal = Journal()
    let stop = StopSignal()
    stop.stop(reason: .asked("never mind"))
    let group = ServiceGroup(services: [TestService.wellBehaved("a", journal)], logger: .silent, stopLimit: .long)
    #expect(await group.run(signals: [], stop: stop) == GroupOutcome(reason: .asked("never mind")))
    #expect(journal.entries == ["a started", "a asked", "a ended"])
  }

  @Test func cancellingTheCallerStopsTheGroupInOrder() async {
    let journal = Journal()
    let group = ServiceGroup(
      services: [TestService.wellBehaved("a", journal), TestService.wellBehaved("b", journal)], logger: .silent, stopLimit: .long)
    let task = Task { await group.run(signals: []) }
    await journal.wait(for: "b started")
    task.cancel()
    #expect(await task.value == GroupOutcome(reason: .asked("cancelled")))
    #expect(journal.entries.suffix(4) == ["b asked", "b ended", "a asked", "a ended"])
  }

  /// An intake hands numbers to a store that outlives it: after the stop every number that was taken in has been stored.
  @Test func nothingThatWasTakenInIsLostWhenTheGroupStops() async {
    let journal = Journal()
    let shared = Shared()
    let store = TestService("store") { stop in
      while true {
        let isStopping = stop.isStopping
        let batch = shared.takeAll()
        if batch.isEmpty, isStopping { return }
        await Task.yield()
        shared.stored(batch.count)
      }
    }
    let intake = TestService("intake") { stop in
      while !stop.isStopping {
        if shared.accept() == 1_000 { journal.add("busy") }
        await Task.yield()
      }
    }
    let stop = StopSignal()
    async let outcome = ServiceGroup(services: [store, intake], logger: .silent, stopLimit: .long).run(signals: [], stop: stop)
    await journal.wait(for: "busy")
    stop.stop()
    #expect(await outcome.isClean)
    #expect(shared.totals.taken >= 1_000)
    #expect(shared.totals.taken == shared.totals.stored)
  }

  private final class Shared: Sendable {
    private let box = Mutex<(taken: Int, waiting: [Int], stored: Int)>((0, [], 0))

    func accept() -> Int {
      self.box.withLock {
        $0.taken += 1
        $0.waiting.append($0.taken)
        return $0.taken
      }
    }

    func takeAll() -> [Int] {
      self.box.withLock { state in
        defer { state.waiting = [] }
        return state.waiting
      }
    }

    func stored(_ count: Int) { self.box.withLock { $0.stored += count } }

    var totals: (taken: Int, stored: Int) { self.box.withLock { ($0.taken, $0.stored) } }
  }
}

/// Each test is a process of its own, since signals belong to a process. One after the other: waiting for a process takes a thread of
/// the pool away from all other tests.
@Suite(.serialized) struct SignalTests {
  @Test func sigtermStopsTheGroupInOrderAndEndsWithZero() async {
    await #expect(processExitsWith: .exitCode(0)) {
      let journal = Journal()
      let group = ServiceGroup(
        services: [
          TestService.wellBehaved("a", journal),
          TestService("b") { stop in
            kill(getpid(), SIGTERM)
            await stop.wait()
            journal.add("b ended")
          },
        ], logger: .silent)
      let outcome = await group.run()
      let isRight = outcome.reason == .signal(15) && journal.entries == ["a started", "b ended", "a asked", "a ended"]
      exit(isRight ? outcome.exitCode : 70)
    }
  }

  @Test func aShieldedThreadChangesNothingForTheGroup() async {
    await #expect(processExitsWith: .exitCode(0)) {
      ProcessSignals.shield()
      let group = ServiceGroup(
        services: [
          TestService("a") { stop in
            kill(getpid(), SIGINT)
            await stop.wait()
          }
        ], logger: .silent)
      let outcome = await group.run()
      exit(outcome.reason == .signal(2) ? outcome.exitCode : 70)
    }
  }

  @Test func theSameSignalAgainEndsAtOnceWithItsNumber() async {
    await #expect(processExitsWith: .exitCode(143)) {
      let never = Journal()
      let group = ServiceGroup(
        services: [
          TestService("deaf") { stop in
            kill(getpid(), SIGTERM)
            await stop.wait()
            kill(getpid(), SIGTERM)
            await never.wait(for: "the end of time")
          }
        ], logger: .silent, stopLimit: .seconds(3_600))
      exit(await group.run().exitCode)
    }
  }

  @Test func aSignalStopsEvenWhenServicesBlockTheWholePool() async {
    await #expect(processExitsWith: .exitCode(1)) {
      let never = StopSignal()
      // Ends the process from a thread that needs neither the pool nor the blocked services.
      let blockers = (0..<64).map { number in
        TestService("blocker \(number)") { _ in
          await Task.yield()
          never.waitBlocking()
        }
      }
      let asker = TestService("asker") { stop in
        kill(getpid(), SIGTERM)
        await stop.wait()
      }
      let logs = LogExit(phrase: "services did not end in time")
      let group = ServiceGroup(
        services: [asker] + blockers, logger: Logger(service: "t", sink: logs), stopLimit: .milliseconds(200))
      _ = await group.run()
    }
  }

  @Test func afterTheGroupSignalsDoAgainWhatTheyDidBefore() async {
    await #expect(processExitsWith: .signal(SIGTERM)) {
      let stop = StopSignal()
      stop.stop()
      _ = await ServiceGroup(services: [TestService("a") { _ in }], logger: .silent).run(stop: stop)
      kill(getpid(), SIGTERM)
      _ = await StopSignal().wait(atMost: .seconds(20))
    }
  }

  @Test func aBrokenPipeIsAnErrorAndNotTheEnd() async {
    await #expect(processExitsWith: .exitCode(0)) {
      let stop = StopSignal()
      stop.stop()
      _ = await ServiceGroup(services: [TestService("a") { _ in }], logger: .silent).run(signals: [], stop: stop)
      var ends: [Int32] = [0, 0]
      pipe(&ends)
      close(ends[0])
      let count = write(ends[1], "x", 1)
      exit(count == -1 && errno == EPIPE ? 0 : 70)
    }
  }

  @Test func aSecondGroupThatWantsSignalsIsRefusedWithWords() async {
    await #expect(processExitsWith: .exitCode(0)) {
      let stop = StopSignal()
      let journal = Journal()
      let first = Task {
        await ServiceGroup(services: [TestService.wellBehaved("a", journal)], logger: .silent).run(stop: stop)
      }
      await journal.wait(for: "a started")
      let second = await ServiceGroup(services: [TestService.wellBehaved("b", journal)], logger: .silent).run()
      stop.stop()
      let isRight = await first.value.isClean && second.failures.map(\.service) == ["group"]
      exit(isRight ? 0 : 70)
    }
  }
}

/// Ends the process with 1 when the phrase is logged.
private struct LogExit: LogSink {
  let phrase: String

  func write(_ record: LogRecord) {
    if record.message == self.phrase { exit(1) }
  }
}
