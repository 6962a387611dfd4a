// How long to wait before the next attempt to connect.

/// Exponential pauses with full jitter: each is drawn between 0 and a ceiling that doubles from 50 ms to 5 s, so that many clients of
/// a server that comes back do not arrive together.
public struct Backoff: Sendable {
  public static let firstMilliseconds = 50
  public static let pauseMillisecondsMax = 5_000

  /// Attempts that failed since the last success.
  public private(set) var failures = 0
  private let random: @Sendable () -> UInt64

  /// - Parameter random: 64 random bits a call.
  public init(random: @escaping @Sendable () -> UInt64 = { .random(in: .min ... .max) }) { self.random = random }

  /// The pause after one more failed attempt, milliseconds.
  public mutating func nextMilliseconds() -> Int {
    let ceiling = failures >= 7 ? Self.pauseMillisecondsMax : min(Self.pauseMillisecondsMax, Self.firstMilliseconds << failures)
    failures += 1
    return Int(random() % UInt64(ceiling + 1))
  }

  /// An attempt succeeded.
  public mutating func reset() { failures = 0 }
}
