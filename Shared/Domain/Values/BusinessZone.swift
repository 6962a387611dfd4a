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
    return offset(periodsBegun(seconds))
  }

  /// How many periods have begun.
  private func periodsBegun(_ seconds: Int64) -> Int { firstPlace(periods.count) { periods[$0].startsAt > seconds } }

  /// While so many periods have begun.
  private func offset(_ begun: Int) -> Int32 { begun == 0 ? firstOffsetSeconds : periods[begun - 1].offsetSeconds }

  /// The calendar day on which an instant falls here.
  public func day(of instant: Instant) -> Day {
    let seconds = floorDivide(instant.microseconds, 1_000_000)
    return Day(number: Int32(clamping: floorDivide(seconds + Int64(offsetSeconds(atUnixSeconds: seconds)), 86_400)))
  }

  /// The instant of a local clock time: seconds since 1970-01-01T00:00:00 as the wall shows them.
  ///
  /// A time the clocks skip becomes the moment they jump over it; one they show twice means the first.
  public func instant(localSeconds: Int64) -> Instant {
    // No clock is further from UTC: before that the wall cannot have shown it.
    var begun = periodsBegun(localSeconds - BusinessZone.offsetSecondsMax)
    while true {
      let shown = localSeconds - Int64(offset(begun))
      let first = begun == 0 ? shown : max(shown, periods[begun - 1].startsAt)
      if begun == periods.count || first < periods[begun].startsAt { return Instant(seconds: first) }
      begun += 1
    }
  }
  /// 26 hours: more than any zone has had.
  private static let offsetSecondsMax: Int64 = 93_600

  public func startOfDay(_ day: Day) -> Instant { instant(localSeconds: Int64(day.number) * 86_400) }
}

/// Division that rounds towards minus infinity; the divisor is positive.
@inlinable
public func floorDivide(_ dividend: Int64, _ divisor: Int64) -> Int64 {
  let quotient = dividend / divisor
  return dividend % divisor < 0 ? quotient - 1 : quotient
}

/// The first place from 0 to `count` for which `isThere` holds, which then holds for all behind it too; `count` when there is none.
func firstPlace(_ count: Int, _ isThere: (Int) -> Bool) -> Int {
  var (low, high) = (0, count)
  while low < high {
    let middle = (low + high) / 2
    if isThere(middle) { high = middle } else { low = middle + 1 }
  }
  return low
}
