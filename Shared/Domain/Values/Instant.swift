/// A point in time: microseconds since 1970-01-01T00:00:00Z. PostgreSQL's `timestamptz` has the same resolution.
public struct Instant: Hashable, Comparable, Sendable {
  public var microseconds: Int64

  public init(microseconds: Int64) { self.microseconds = microseconds }
  public init(seconds: Int64) { self.microseconds = seconds * 1_000_000 }

  public static func < (left: Instant, right: Instant) -> Bool { left.microseconds < right.microseconds }

  /// The instant `seconds` later (earlier when negative); stays at the end of the range instead of overflowing.
  public func adding(seconds: Int64) -> Instant {
    let (product, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000)
    let (sum, overflowed) = microseconds.addingReportingOverflow(product)
    if overflow || overflowed { return Instant(microseconds: seconds < 0 ? .min : .max) }
    return Instant(microseconds: sum)
  }
}
