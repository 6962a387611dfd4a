// Who has which connection and who waits: the decisions of the pool, without connections, tasks or clocks.

/// Slots are numbered connections; waiters are numbered callers. First come, first served. Every method says what to do next.
struct PoolMachine {
  enum Lease: Equatable {
    /// The slot is the caller's. A slot used for the first time has no connection yet.
    case slot(Int)
    /// The caller was queued.
    case wait
    case refuse(Refusal)
  }

  enum Refusal: Equatable { case closed, tooManyWaiting, waitedTooLong, cancelled }

  enum Release: Equatable {
    case handOver(slot: Int, waiter: UInt64)
    case keep
    /// The pool is closing: this slot's connection is to be closed. `isLast`: nobody has a connection any more.
    case close(slot: Int, isLast: Bool)
  }

  let slotsMax: Int
  let waitersMax: Int
  private(set) var isClosed = false
  /// The one used last is given first: its server process and its prepared statements are warm.
  private var idle: [Int] = []
  private var leased: Set<Int> = []
  private var slotsMade = 0
  private var waiters: [UInt64] = []

  init(slotsMax: Int, waitersMax: Int) {
    self.slotsMax = max(1, slotsMax)
    self.waitersMax = max(0, waitersMax)
  }

  var leasedCount: Int { leased.count }
  var waitingCount: Int { waiters.count }
  var idleCount: Int { idle.count }

  mutating func lease(for waiter: UInt64) -> Lease {
    if isClosed { return .refuse(.closed) }
    if let slot = idle.popLast() {
      leased.insert(slot)
      return .slot(slot)
    }
    if slotsMade < slotsMax {
      defer { slotsMade += 1 }
      leased.insert(slotsMade)
      return .slot(slotsMade)
    }
    if waiters.count >= waitersMax { return .refuse(.tooManyWaiting) }
    waiters.append(waiter)
    return .wait
  }

  /// Gives a slot back. A slot that is not out is ignored.
  mutating func release(_ slot: Int) -> Release {
    guard leased.contains(slot) else { return .keep }
    if isClosed {
      leased.remove(slot)
      return .close(slot: slot, isLast: leased.isEmpty)
    }
    if !waiters.isEmpty { return .handOver(slot: slot, waiter: waiters.removeFirst()) }
    leased.remove(slot)
    idle.append(slot)
    return .keep
  }

  /// Takes a waiter out of the queue. False when it was served already.
  mutating func leaveQueue(_ waiter: UInt64) -> Bool {
    guard let place = waiters.firstIndex(of: waiter) else { return false }
    waiters.remove(at: place)
    return true
  }

  /// No more leases. Gives the waiters to turn away, the idle slots to close, and whether slots are still out.
  mutating func close() -> (waiters: [UInt64], idle: [Int], isDone: Bool) {
    isClosed = true
    defer {
      waiters = []
      idle = []
    }
    return (waiters, idle, leased.isEmpty)
  }
}
