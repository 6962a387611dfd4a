// How often one address may ask for survey pages (F-03): so many requests in a minute, in memory that is bounded whoever asks.
import Glibc
import Synchronization

/// Why a request to a survey page is turned away.
enum PageRefusal: String, CaseIterable, Sendable {
  case flood, forged, unknown, expired, used
}

final class PageLimiter: Sendable {
  private struct State {
    var window: Int64 = 0
    var counts: [String: Int] = [:]
  }

  private let state = Mutex(State())
  private let requestsMax: Int

  /// Of one window, in seconds.
  static let windowSeconds: Int64 = 60
  /// Addresses that are counted one by one; the others of a window share one count.
  static let addressesMax = 20_000
  private static let others = ""

  init(requestsPerMinuteMax: Int) { requestsMax = requestsPerMinuteMax }

  /// Nil when the request may be answered, else after how many seconds it may be tried again.
  ///
  /// - Parameter now: nanoseconds on a clock that only grows.
  func refused(_ address: String, now: Int64) -> Int64? {
    let second = now / 1_000_000_000
    return state.withLock { state in
      if state.window != second / PageLimiter.windowSeconds {
        state.window = second / PageLimiter.windowSeconds
        state.counts.removeAll(keepingCapacity: true)
      }
      let isCounted = state.counts[address] != nil || state.counts.count < PageLimiter.addressesMax
      let count = state.counts[isCounted ? address : PageLimiter.others, default: 0] + 1
      state.counts[isCounted ? address : PageLimiter.others] = count
      return count <= requestsMax ? nil : (state.window + 1) * PageLimiter.windowSeconds - second
    }
  }
}

/// Whose a request is counted as.
enum ClientAddress {
  /// The address without its port; of IPv6 the network of the subscriber (/64), who may have any address in it.
  ///
  /// - Parameters:
  ///   - peer: who opened the connection, as `192.0.2.1:5000` or `[2001:db8::1]:5000`.
  ///   - forwarded: the values of `X-Forwarded-For`.
  ///   - hops: so many proxies are our own: the last of them wrote the rightmost address, which is that of who asked it.
  static func of(peer: String, forwarded: [String], hops: Int) -> String {
    let listed: [String] = forwarded.flatMap { value in value.split(separator: ",").map { $0.filter { $0 != " " && $0 != "\t" } } }
    guard hops > 0, listed.count >= hops else { return network(withoutPort(peer)) }
    return network(withoutPort(listed[listed.count - hops]))
  }

  private static func withoutPort(_ text: String) -> String {
    if text.hasPrefix("[") { return String(text.dropFirst().prefix { $0 != "]" }) }
    let colons = text.utf8.count { $0 == UInt8(ascii: ":") }
    return colons == 1 ? String(text.prefix { $0 != ":" }) : text
  }

  private static func network(_ address: String) -> String {
    var bytes = in6_addr()
    guard inet_pton(AF_INET6, address, &bytes) == 1 else { return String(address.prefix(64)) }
    let prefix = withUnsafeBytes(of: &bytes) { Array($0.prefix(8)) }
    return prefix.map { String($0, radix: 16) }.joined(separator: ":") + "::/64"
  }
}
