// Who waits for which report. Pure: it hands out what is to be resumed, and resumes nothing itself.

/// Matches delivery reports with the sends that wait for them. A send may be cancelled before it waits, and its report may come first.
struct DeliveryLedger<Waiter, Outcome> {
  private enum Slot {
    case reserved
    case reported(Outcome)
    case parked(Waiter)
    /// Nobody waits any more, but the record is still under way and counts.
    case cancelled
  }
  enum Parking {
    case parked
    case alreadyReported(Outcome)
    case alreadyCancelled
  }

  /// Sends under way at once.
  let inFlightMax: Int
  private var slots: [UInt64: Slot] = [:]
  private var idLast: UInt64 = 0

  init(inFlightMax: Int) { self.inFlightMax = inFlightMax }

  var inFlight: Int { self.slots.count }

  /// A number for one more send; nil when too many are under way. Numbers start at 1.
  mutating func reserve() -> UInt64? {
    guard self.slots.count < self.inFlightMax else { return nil }
    self.idLast += 1
    self.slots[self.idLast] = .reserved
    return self.idLast
  }

  /// The record was never handed over.
  mutating func forget(_ id: UInt64) { self.slots[id] = nil }

  mutating func park(_ id: UInt64, _ waiter: Waiter) -> Parking {
    switch self.slots[id] {
    case .reported(let outcome):
      self.slots[id] = nil
      return .alreadyReported(outcome)
    case .cancelled, nil: return .alreadyCancelled
    case .reserved, .parked:
      self.slots[id] = .parked(waiter)
      return .parked
    }
  }

  /// The report has come. Returns who is to hear it, if somebody waits already.
  mutating func settle(_ id: UInt64, _ outcome: Outcome) -> Waiter? {
    switch self.slots[id] {
    case .parked(let waiter):
      self.slots[id] = nil
      return waiter
    case .reserved:
      self.slots[id] = .reported(outcome)
      return nil
    case .cancelled:
      self.slots[id] = nil
      return nil
    case .reported, nil: return nil
    }
  }

  /// The sender stops waiting. Returns it, if it was waiting already.
  mutating func cancel(_ id: UInt64) -> Waiter? {
    switch self.slots[id] {
    case .parked(let waiter):
      self.slots[id] = .cancelled
      return waiter
    case .reserved:
      self.slots[id] = .cancelled
      return nil
    case .reported:
      self.slots[id] = nil
      return nil
    case .cancelled, nil: return nil
    }
  }

  /// No report comes any more. Returns all who wait; those who have not parked yet will find `outcome`.
  mutating func abandonAll(_ outcome: Outcome) -> [Waiter] {
    var waiters: [Waiter] = []
    for (id, slot) in self.slots {
      switch slot {
      case .parked(let waiter):
        waiters.append(waiter)
        self.slots[id] = nil
      case .reserved: self.slots[id] = .reported(outcome)
      case .cancelled: self.slots[id] = nil
      case .reported: break
      }
    }
    return waiters
  }
}
