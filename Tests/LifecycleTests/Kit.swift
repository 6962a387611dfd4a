// What the tests of this room share: a journal that can be awaited, and services made of closures.
import Lifecycle
import Synchronization

/// What happened, in order. Tests wait until something is in it.
final class Journal: Sendable {
  private struct State {
    var entries: [String] = []
    var waiters: [(entry: String, continuation: CheckedContinuation<Void, Never>)] = []
  }

  private let state = Mutex(State())

  var entries: [String] { self.state.withLock { $0.entries } }

  func add(_ entry: String) {
    let ready = self.state.withLock { state in
      state.entries.append(entry)
      let ready = state.waiters.filter { $0.entry == entry }
      state.waiters.removeAll { $0.entry == entry }
      return ready
    }
    for waiter in ready { waiter.continuation.resume() }
  }

  /// Returns once the entry is there.
  func wait(for entry: String) async {
    await withCheckedContinuation { continuation in
      let isThere = self.state.withLock { state in
        if state.entries.contains(entry) { return true }
        state.waiters.append((entry, continuation))
        return false
      }
      if isThere { continuation.resume() }
    }
  }
}

/// Counts from 1.
final class Ticks: Sendable {
  private let last = Mutex(0)

  func next() -> Int {
    self.last.withLock { last in
      last += 1
      return last
    }
  }
}

/// A service made of a closure.
struct TestService: Service {
  let name: String
  let body: @Sendable (StopSignal) async throws -> Void

  init(_ name: String, _ body: @escaping @Sendable (StopSignal) async throws -> Void) {
    self.name = name
    self.body = body
  }

  func run(_ stop: StopSignal) async throws { try await self.body(stop) }
}

extension TestService {
  /// Works until it is asked to stop and writes all of it down.
  static func wellBehaved(_ name: String, _ journal: Journal) -> TestService {
    TestService(name) { stop in
      journal.add("\(name) started")
      await stop.wait()
      journal.add("\(name) asked")
      await Task.yield()
      journal.add("\(name) ended")
    }
  }

  /// Ignores its stop, and its cancellation too, until the latch opens.
  static func deaf(_ name: String, _ journal: Journal, until latch: Journal) -> TestService {
    TestService(name) { _ in
      journal.add("\(name) started")
      await latch.wait(for: "open")
    }
  }
}

struct Mishap: Error, CustomStringConvertible {
  let description: String
}

extension Duration {
  /// A limit that is never reached, for tests that are about something else: other tests may keep the pool busy for seconds.
  static let long: Duration = .seconds(3_600)
}
