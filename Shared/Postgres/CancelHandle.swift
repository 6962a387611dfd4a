// Reaching a thread that waits for PostgreSQL: any thread may ask, the session's own thread does the cancelling.
import CPostgres
import Glibc
import Synchronization

/// Asks a session, from any thread and without blocking, to give up the statement in hand.
///
/// The statement fails with `.timedOut` (57014). When none is running, the next one fails. A commit is not cut off: its outcome
/// would be unknown for nothing.
public final class CancelHandle: Sendable {
  private struct State {
    var lease: UInt64 = 0
    var isAsked = false
  }

  private let state = Mutex(State())
  /// Wakes the session's thread out of `poll`.
  let descriptor: Int32

  init() throws(PostgresFailure) {
    descriptor = eventfd(0, Int32(EFD_CLOEXEC) | Int32(EFD_NONBLOCK))
    if descriptor < 0 { throw PostgresFailure(kind: .resourceExhausted, message: "no file descriptor left for a database session") }
  }

  deinit { close(descriptor) }

  /// Gives up the statement in hand, or the next one.
  public func cancel() {
    state.withLock { $0.isAsked = true }
    ring()
  }

  /// As `cancel`, but only as long as that lease lasts: a late cancellation must not hit the next user.
  func cancel(lease: UInt64) {
    let isCurrent = state.withLock { state in
      guard state.lease == lease else { return false }
      state.isAsked = true
      return true
    }
    if isCurrent { ring() }
  }

  /// A new user of the session: forgets what was asked of the former one.
  func newLease() -> UInt64 {
    let lease = state.withLock { state in
      state.lease &+= 1
      state.isAsked = false
      return state.lease
    }
    silence()
    return lease
  }

  /// On the session's thread: was a cancel asked? Answers yes once.
  func take() -> Bool {
    let wasAsked = state.withLock { state in
      defer { state.isAsked = false }
      return state.isAsked
    }
    if wasAsked { silence() }
    return wasAsked
  }

  /// On the session's thread: a pause that a cancel ends. True when it did; the cancel stays asked.
  func wait(milliseconds: Int) -> Bool {
    var waited = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    return poll(&waited, 1, Int32(clamping: milliseconds)) > 0
  }

  private func ring() {
    var one: UInt64 = 1
    _ = write(descriptor, &one, MemoryLayout<UInt64>.size)
  }

  private func silence() {
    var count: UInt64 = 0
    _ = read(descriptor, &count, MemoryLayout<UInt64>.size)
  }
}
