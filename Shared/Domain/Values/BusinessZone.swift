/// The offsets of a time zone over time: what "day", "month" and "working day" are measured in.
///
/// A value, so that the domain needs no time zone database: `Text` reads one into it.
public struct BusinessZone: Hashable, Sendable {
  /// The IANA name, as `Asia/Shanghai`.
  public let name: String
  /// From `startsAt` on (Unix seconds) the zone is `offsetSeconds` east of UTC; ascending.
  public struct Period: Hashable, Sendable {
    public let startsAt: Int64
    public let offsetSeconds: Int32
    public init(startsAt: Int64, offsetSeconds: Int32) {
      self.startsAt = startsAt
      self.offsetSeconds = offsetSeconds
    }
  }
  public let firstOffsetSeconds: Int32
  public let periods: [Period]

  public init(name: String, firstOffsetSeconds: Int32, periods: [Period]) {
    self.name = name
    self.firstOffsetSeconds = firstOffsetSeconds
    self.periods = periods
  }

  public static let utc = BusinessZone(name: "UTC", firstOffsetSeconds: 0, periods: [])

  public func offsetSeconds(atUnixSeconds seconds: Int64) -> Int32 {
    guard let last = periods.last else { return firstOffsetSeconds }
    if seconds >= last.startsAt { return last.offsetSeconds }
    var low = 0
    var high = periods.count
    while low < high {
      let middle = (low + high) / 2
      if periods[middle].startsAt <= seconds { low = middle + 1 } else { high = middle }
    }
    return low == 0 ? firstOffsetSeconds : periods[low - 1].offsetSeconds
  }

  /// The calendar day on which an instant falls here.
  public func day(of instant: Instant) -> Day {
    let seconds = floorDivide(instant.microseconds, 1_000_000)
    return Day(number: Int32(clamping: floorDivide(seconds + Int64(offsetSeconds(atUnixSeconds: seconds)), 86_400)))
  }

  /// The instant of a local clock time: seconds since 1970-01-01T00:00:00 as the wall shows them.
  ///
  /// A time the clocks skip becomes the moment they jump over it; one they show twice means the first.
  public func instant(localSeconds: Int64) -> Instant {
    let early = localSeconds - Int64(offsetSeconds(atUnixSeconds: localSeconds - 86_400))
    if Int64(offsetSeconds(atUnixSeconds: early)) == localSeconds - early { return Instant(seconds: early) }
    let late = localSeconds - Int64(offsetSeconds(atUnixSeconds: localSeconds + 86_400))
    if Int64(offsetSeconds(atUnixSeconds: late)) == localSeconds - late { return Instant(seconds: late) }
    return Instant(seconds: max(early, late))
  }

  public func startOfDay(_ day: Day) -> Instant { instant(localSeconds: Int64(day.number) * 86_400) }
}

/// Division that rounds towards minus infinity; the divisor is positive.
@inlinable
public func floorDivide(_ dividend: Int64, _ divisor: Int64) -> Int64 {
  let quotient = dividend / divisor
  return dividend % divisor < 0 ? quotient - 1 : quotient
}
