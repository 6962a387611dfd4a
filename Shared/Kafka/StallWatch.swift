// Notices that nothing moves although something should: a blocked cluster reports no error to its clients.

/// Watches the records handed over against the reports that came back. Pure: times are arguments, nanoseconds of a clock that only grows.
struct StallWatch {
  /// What to say when it has been quiet for too long.
  struct Alarm: Equatable {
    let waiting: Int
    let quietMilliseconds: Int64
  }

  /// Quiet time after which an alarm is due, and between two alarms.
  let quietMillisecondsMax: Int64
  private(set) var waiting = 0
  private var quietSince: Int64 = 0
  private var alarmedAt: Int64?

  init(quietMillisecondsMax: Int64) { self.quietMillisecondsMax = quietMillisecondsMax }

  /// Whether an alarm was raised and no report has come since.
  var isStalled: Bool { self.alarmedAt != nil }

  mutating func handedOver(_ count: Int, at now: Int64) {
    if self.waiting == 0 { self.quietSince = now }
    self.waiting += count
  }

  mutating func reported(_ count: Int, at now: Int64) {
    self.waiting = max(0, self.waiting - count)
    self.quietSince = now
    self.alarmedAt = nil
  }

  /// An alarm when one is due now.
  mutating func check(at now: Int64) -> Alarm? {
    guard self.waiting > 0, now - max(self.quietSince, self.alarmedAt ?? .min) >= self.quietMillisecondsMax * 1_000_000 else { return nil }
    self.alarmedAt = now
    return Alarm(waiting: self.waiting, quietMilliseconds: (now - self.quietSince) / 1_000_000)
  }
}
