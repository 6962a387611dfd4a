// A value that is not there yet: set by one, awaited by any number.

import Synchronization

/// Holds the latest outcome; who asks before there is one waits.
final class Announcement<Value: Sendable, Failure: Error>: Sendable {
  private enum Waiter {
    case waiting(CheckedContinuation<Result<Value, any Error>, Never>)
    /// Cancelled before it could wait.
    case cancelled
  }

  private struct State {
    var outcome: Result<Value, Failure>?
    var waiters: [UInt64: Waiter] = [:]
    var lastID: UInt64 = 0
  }

  private let state = Mutex(State())

  func announce(_ outcome: Result<Value, Failure>) {
    let waiters = state.withLock { state in
      state.outcome = outcome
      defer { state.waiters = [:] }
      return Array(state.waiters.values)
    }
    for case .waiting(let continuation) in waiters { continuation.resume(returning: outcome.mapError { $0 }) }
  }

  var value: Value {
    get async throws {
      let id = state.withLock { state in
        state.lastID += 1
        return state.lastID
      }
      let outcome = await withTaskCancellationHandler {
        await withCheckedContinuation { continuation in
          if let now = register(id, continuation) { continuation.resume(returning: now) }
        }
      } onCancel: {
        cancel(id)
      }
      return try outcome.get()
    }
  }

  private func register(
    _ id: UInt64, _ continuation: CheckedContinuation<Result<Value, any Error>, Never>
  ) -> Result<Value, any Error>? {
    state.withLock { state in
      let wasCancelled = state.waiters.removeValue(forKey: id) != nil
      if let outcome = state.outcome { return outcome.mapError { $0 } }
      if wasCancelled { return .failure(CancellationError()) }
      state.waiters[id] = .waiting(continuation)
      return nil
    }
  }

  private func cancel(_ id: UInt64) {
    let waiter = state.withLock { state -> Waiter? in
      if state.outcome != nil { return nil }
      if let waiter = state.waiters.removeValue(forKey: id) { return waiter }
      state.waiters[id] = .cancelled
      return nil
    }
    if case .waiting(let continuation)? = waiter { continuation.resume(returning: .failure(CancellationError())) }
  }
}
