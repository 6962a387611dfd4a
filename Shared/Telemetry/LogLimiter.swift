// Keeps one noisy place from filling the log, and says how much it held back.
import Synchronization

/// Lets at most so many lines through in each window of time, and counts the rest. One for each place that may become noisy.
public final class LogLimiter: Sendable {
  /// The decision alone, without lock or clock.
  struct Window {
    let linesMax: Int
    let nanoseconds: Int64
    private var startedAt: Int64?
    private var passed = 0
    private var suppressed = 0

    init(linesMax: Int, nanoseconds: Int64) {
      self.linesMax = linesMax
      self.nanoseconds = nanoseconds
    }

    /// How many lines were held back since the last one that passed, or `nil` when this one is to be held back too.
    mutating func admit(at now: Int64) -> Int? {
      if self.startedAt.map({ now - $0 >= self.nanoseconds || now < $0 }) ?? true {
        self.startedAt = now
        self.passed = 0
      }
      guard self.passed < self.linesMax else {
        self.suppressed += 1
        return nil
      }
      self.passed += 1
      defer { self.suppressed = 0 }
      return self.suppressed
    }
  }

  private let window: Mutex<Window>
  private let nanoseconds: @Sendable () -> Int64

  /// - Parameters:
  ///   - linesMax: lines that pass in one window; at least one.
  ///   - windowSeconds: length of the window in seconds; at least one.
  ///   - nanoseconds: a clock that only grows.
  public init(
    linesMax: Int, windowSeconds: Int, nanoseconds: @escaping @Sendable () -> Int64 = SystemTime.monotonicNanoseconds
  ) {
    self.window = Mutex(Window(linesMax: max(1, linesMax), nanoseconds: Int64(max(1, windowSeconds)) * 1_000_000_000))
    self.nanoseconds = nanoseconds
  }

  /// How many lines were held back since the last one that passed, or `nil` when this one is to be held back too.
  public func admit() -> Int? {
    let now = self.nanoseconds()
    return self.window.withLock { $0.admit(at: now) }
  }
}

extension Logger {
  /// Writes the line unless the limiter holds it back. After a gap the field `suppressed` says how many are missing.
  public func log(
    _ level: LogLevel, limitedBy limiter: LogLimiter, _ phrase: StaticString, _ fields: @autoclosure () -> LogFields = [:]
  ) {
    guard self.writes(level), let suppressed = limiter.admit() else { return }
    self.log(level, phrase, suppressed > 0 ? fields().merging([.suppressed: .int(suppressed)]) : fields())
  }
}
