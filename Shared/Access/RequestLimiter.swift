// How often one may ask: so many requests in a minute, in memory that is bounded whoever asks.
import Synchronization

/// Counts by a name: an address, or whom a token is for.
public final class RequestLimiter: Sendable {
  private struct State {
    var window: Int64 = 0
    var counts: [String: Int] = [:]
  }

  private let state = Mutex(State())
  private let requestsMax: Int

  /// Of one window, in seconds.
  public static let windowSeconds: Int64 = 60
  /// Names that are counted one by one; the others of a window share one count.
  public static let namesMax = 20_000
  private static let others = ""

  public init(requestsPerMinuteMax: Int) { requestsMax = requestsPerMinuteMax }

  /// Nil when the request may be answered, else after how many seconds it may be tried again.
  ///
  /// - Parameter now: nanoseconds on a clock that only grows.
  public func refused(_ name: String, now: Int64) -> Int64? {
    let second = now / 1_000_000_000
    return state.withLock { state in
      if state.window != second / RequestLimiter.windowSeconds {
        state.window = second / RequestLimiter.windowSeconds
        state.counts.removeAll(keepingCapacity: true)
      }
      let isCounted = state.counts[name] != nil || state.counts.count < RequestLimiter.namesMax
      let count = state.counts[isCounted ? name : RequestLimiter.others, default: 0] + 1
      state.counts[isCounted ? name : RequestLimiter.others] = count
      return count <= requestsMax ? nil : (state.window + 1) * RequestLimiter.windowSeconds - second
    }
  }
}
