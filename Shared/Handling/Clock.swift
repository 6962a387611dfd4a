// Ports and words every service core needs; no I/O here.
public import Domain

/// Gives business time. Services take it as an argument, so that tests and simulations can set it.
public protocol BusinessClock: Sendable {
  func now() -> Instant
}

/// A clock that stands still: for `--clock DAY` and for tests.
public struct FixedClock: BusinessClock {
  public let instant: Instant
  public init(_ instant: Instant) { self.instant = instant }
  public func now() -> Instant { instant }
}
