// The two clocks of the machine, as plain numbers. Everything that needs time takes a closure; these are the usual ones.
import Glibc

/// The machine's clocks. Pass these functions where a closure for time is asked; tests pass their own.
public enum SystemTime {
  /// Microseconds since 1970-01-01T00:00:00Z, as the machine believes. May jump when the clock is corrected.
  @Sendable public static func unixMicroseconds() -> Int64 {
    let now = read(CLOCK_REALTIME)
    return Int64(now.tv_sec) * 1_000_000 + Int64(now.tv_nsec) / 1_000
  }

  /// Nanoseconds on a clock that only grows. Its zero has no meaning; use differences.
  @Sendable public static func monotonicNanoseconds() -> Int64 {
    let now = read(CLOCK_MONOTONIC)
    return Int64(now.tv_sec) * 1_000_000_000 + Int64(now.tv_nsec)
  }

  private static func read(_ clock: clockid_t) -> timespec {
    var now = timespec()
    // Both clocks always exist on Linux and the pointer is valid, the two only reasons for a failure.
    _ = clock_gettime(clock, &now)
    return now
  }
}
