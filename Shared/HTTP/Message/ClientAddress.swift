// Who asks, by their address in the network, for counting.
import Glibc

/// Whose a request is counted as.
public enum ClientAddress {
  /// The address without its port; of IPv6 the network of the subscriber (/64), who may have any address in it.
  ///
  /// - Parameters:
  ///   - peer: who opened the connection, as `192.0.2.1:5000` or `[2001:db8::1]:5000`.
  ///   - forwarded: the values of `X-Forwarded-For`.
  ///   - hops: so many proxies are our own: the last of them wrote the rightmost address, which is that of who asked it.
  public static func of(peer: String, forwarded: [String], hops: Int) -> String {
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
