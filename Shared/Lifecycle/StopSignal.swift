// The request to stop: asked once, seen by tasks, callbacks and threads alike.
import Dispatch
import Synchronization

/// Why a stop was asked.
public enum StopReason: Sendable, Equatable, CustomStringConvertible {
  /// By this program itself, with a few words.
  case asked(String)
  /// By a Unix signal.
  case signal(Int32)
  /// Because the service with that name failed.
  case failure(service: String)

  public var description: String {
    switch self {
    case .asked(let words): words
    case .signal(let number): "signal \(signalName(number))"
    case .failure(let service): "\(service) failed"
    }
  }
}

/// A flag that goes up once and stays up, and that can be awaited, observed, or waited for on an owned thread.
public final class StopSignal: Sendable {
  /// Names a callback, to take it back.
  public struct Registration: Sendable, Hashable {
    let id: UInt64
  }

  private enum Observer {
    case callback(@Sendable (StopReason) -> Void)
    case waiter(CheckedContinuation<Void, Never>)
    /// A waiter that was cancelled before it could register.
    case cancelled
  }

  private struct State {
    var reason: StopReason?
    var nextID: UInt64 = 0
    var observers: [UInt64: Observer] = [:]

    mutating func newID() -> UInt64 {
      self.nextID += 1
      return self.nextID
    }
  }

  private let state = Mutex(State())

  public init() {}

  /// Whether the stop was asked.
  public var isStopping: Bool { self.reason != nil }
  /// Why, once it was asked.
  public var reason: StopReason? { self.state.withLock { $0.reason } }

  /// Asks for the stop. The first reason is kept; later calls do nothing. Callbacks run here, in the order they were registered.
  public func stop(reason: StopReason = .asked("asked to stop")) {
    let observers = self.state.withLock { state -> [Observer] in
      guard state.reason == nil else { return [] }
      state.reason = reason
      defer { state.observers = [:] }
      return state.observers.sorted { $0.key < $1.key }.map(\.value)
    }
    for observer in observers {
      switch observer {
      case .callback(let act): act(reason)
      case .waiter(let waiter): waiter.resume()
      case .cancelled: break
      }
    }
  }

  /// Returns once the stop is asked, or when the calling task is cancelled.
  public func wait() async {
    let id = self.state.withLock { $0.newID() }
    await withTaskCancellationHandler {
      await withCheckedContinuation { waiter in
        let isOver = self.state.withLock { state in
          if state.reason != nil || state.observers[id] != nil {
            state.observers[id] = nil
            return true
          }
          state.observers[id] = .waiter(waiter)
          return false
        }
        if isOver { waiter.resume() }
      }
    } onCancel: {
      let waiter = self.state.withLock { state -> CheckedContinuation<Void, Never>? in
        guard state.reason == nil else { return nil }
        guard case .waiter(let waiter)? = state.observers.removeValue(forKey: id) else {
          state.observers[id] = .cancelled
          return nil
        }
        return waiter
      }
      waiter?.resume()
    }
  }

  /// Waits for the stop, but no longer than so long: the pause of a loop that must end at once when asked.
  /// - Returns: whether to end: the stop was asked or the task was cancelled.
  public func wait(atMost limit: Duration, clock: any Clock<Duration> = ContinuousClock()) async -> Bool {
    if self.isStopping || Task.isCancelled { return true }
    await withTaskGroup(of: Void.self) { group in
      group.addTask { await self.wait() }
      group.addTask { try? await clock.sleep(for: limit) }
      await group.next()
      group.cancelAll()
    }
    return self.isStopping || Task.isCancelled
  }

  /// Waits on the calling thread, which must be owned (`OwnedThread`), never one of the cooperative pool.
  /// - Returns: whether the stop was asked; `false` after so many milliseconds without.
  public func waitBlocking(milliseconds: Int) -> Bool {
    let wake = DispatchSemaphore(value: 0)
    let registration = self.onStop { _ in wake.signal() }
    defer { self.remove(registration) }
    _ = wake.wait(timeout: .now() + .milliseconds(max(0, milliseconds)))
    return self.isStopping
  }

  /// Waits on the calling thread, which must be owned, until the stop is asked.
  public func waitBlocking() {
    let wake = DispatchSemaphore(value: 0)
    self.onStop { _ in wake.signal() }
    wake.wait()
  }

  /// Registers a callback, run once by whoever asks for the stop, or here and now when it was asked already. It must not block.
  @discardableResult
  public func onStop(_ act: @escaping @Sendable (StopReason) -> Void) -> Registration {
    let (id, reason) = self.state.withLock { state -> (UInt64, StopReason?) in
      let id = state.newID()
      if state.reason == nil { state.observers[id] = .callback(act) }
      return (id, state.reason)
    }
    if let reason { act(reason) }
    return Registration(id: id)
  }

  /// Takes a callback back. One that is running already is not awaited.
  public func remove(_ registration: Registration) {
    _ = self.state.withLock { $0.observers.removeValue(forKey: registration.id) }
  }

  /// Runs the body and cancels it when the stop is asked, for work that knows cancellation only.
  public func cancelling<Value: Sendable>(_ body: @escaping @Sendable () async throws -> Value) async throws -> Value {
    try await withThrowingTaskGroup(of: Value?.self) { group in
      group.addTask { try await body() }
      group.addTask {
        await self.wait()
        return nil
      }
      defer { group.cancelAll() }
      while let first = try await group.next() {
        if let value = first { return value }
        group.cancelAll()
      }
      throw CancellationError()
    }
  }
}
