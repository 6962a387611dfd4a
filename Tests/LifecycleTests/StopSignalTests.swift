// The request to stop, seen from tasks, callbacks and threads.
import Lifecycle
import Synchronization
import Testing

@Suite struct StopSignalTests {
  @Test func theFirstReasonIsKept() {
    let stop = StopSignal()
    #expect(!stop.isStopping)
    stop.stop(reason: .signal(15))
    stop.stop(reason: .asked("later"))
    #expect(stop.reason == .signal(15))
  }

  @Test func everyWaiterIsWoken() async {
    let stop = StopSignal()
    await withTaskGroup(of: Void.self) { group in
      for _ in 0..<100 { group.addTask { await stop.wait() } }
      group.addTask { stop.stop() }
      await group.waitForAll()
    }
    await stop.wait()
  }

  @Test func aCancelledWaiterReturnsWithoutAStop() async {
    let stop = StopSignal()
    for _ in 0..<200 {
      let task = Task { await stop.wait() }
      task.cancel()
      await task.value
    }
    #expect(!stop.isStopping)
  }

  @Test func stopsAndCancellationsThatRaceLoseNoWaiter() async {
    for _ in 0..<200 {
      let stop = StopSignal()
      let task = Task { await stop.wait() }
      async let asked: Void = stop.stop()
      task.cancel()
      await asked
      await task.value
    }
  }

  @Test func callbacksRunOnceInOrderAndLateOnesAtOnce() {
    let stop = StopSignal()
    let journal = Journal()
    stop.onStop { _ in journal.add("one") }
    let second = stop.onStop { _ in journal.add("two") }
    stop.onStop { journal.add("three \($0)") }
    stop.remove(second)
    stop.stop(reason: .asked("now"))
    stop.stop(reason: .asked("again"))
    stop.onStop { _ in journal.add("late") }
    #expect(journal.entries == ["one", "three now", "late"])
  }

  @Test func aCallbackMayUseTheSignalItself() {
    let stop = StopSignal()
    let journal = Journal()
    stop.onStop { _ in
      stop.onStop { _ in journal.add("inner") }
      journal.add(stop.isStopping ? "outer" : "not stopping")
    }
    stop.stop()
    #expect(journal.entries == ["inner", "outer"])
  }

  @Test func aPauseEndsAtTheStopOrAtItsLimit() async {
    let stop = StopSignal()
    #expect(await stop.wait(atMost: .milliseconds(1)) == false)
    async let paused = stop.wait(atMost: .seconds(3_600))
    stop.stop()
    #expect(await paused)
    #expect(await stop.wait(atMost: .seconds(3_600)))
  }

  @Test func aPauseOfACancelledTaskEndsAtOnce() async {
    let stop = StopSignal()
    let task = Task { await stop.wait(atMost: .seconds(3_600)) }
    task.cancel()
    #expect(await task.value)
  }

  @Test func aThreadWaitsForTheStopOrItsLimit() async throws {
    let stop = StopSignal()
    #expect(try await OwnedThread.value(name: "t") { stop.waitBlocking(milliseconds: 1) } == false)
    let thread = try OwnedThread.start(name: "t") { stop.waitBlocking() }
    async let seen = OwnedThread.value(name: "t") { stop.waitBlocking(milliseconds: 3_600_000) }
    stop.stop()
    #expect(try await seen)
    await thread.ended()
  }

  @Test func workThatKnowsOnlyCancellationIsCancelledByTheStop() async {
    let stop = StopSignal()
    let journal = Journal()
    let work = Task {
      try await stop.cancelling {
        journal.add("begun")
        try await Task.sleep(for: .seconds(3_600))
      }
    }
    await journal.wait(for: "begun")
    stop.stop()
    await #expect(throws: CancellationError.self) { try await work.value }
  }

  @Test func workThatEndsBeforeTheStopGivesItsValue() async throws {
    #expect(try await StopSignal().cancelling { 7 } == 7)
    await #expect(throws: Mishap.self) { try await StopSignal().cancelling { throw Mishap(description: "x") } }
  }
}
