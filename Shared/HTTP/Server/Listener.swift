// Opens the listening socket and writes addresses as text. Our own, so that a failure says what is wrong and port 0 can be asked.

import CMicroHTTPD
import Glibc

/// A bound, listening socket.
struct Listener: Sendable {
  let socket: Int32
  let port: Int

  /// Blocks while a name is resolved: on an owned thread only.
  init(_ settings: HTTPServerSettings) throws(HTTPServerFailure) {
    guard (0...65_535).contains(settings.port) else { throw HTTPServerFailure(.badAddress, "the port \(settings.port) is not 0...65535") }
    guard !settings.host.isEmpty, !settings.host.utf8.contains(0) else {
      throw HTTPServerFailure(.badAddress, "the host is empty or malformed")
    }
    var hints = addrinfo()
    hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV
    hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    var list: UnsafeMutablePointer<addrinfo>?
    let code = getaddrinfo(settings.host, String(settings.port), &hints, &list)
    defer { if let list { freeaddrinfo(list) } }
    guard code == 0, let first = list else {
      throw HTTPServerFailure(.badAddress, "the host \(settings.host) cannot be resolved: \(String(cString: gai_strerror(code)))")
    }
    self.socket = try Listener.open(first.pointee, settings)
    self.port = Listener.port(of: socket)
  }

  private static func open(_ address: addrinfo, _ settings: HTTPServerSettings) throws(HTTPServerFailure) -> Int32 {
    let type = address.ai_socktype | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
    let socket = Glibc.socket(address.ai_family, type, address.ai_protocol)
    guard socket >= 0 else { throw failure(errno, settings) }
    var on: Int32 = 1
    var off: Int32 = 0
    // A restart must not wait for connections of the former process to time out.
    setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &on, socklen_t(MemoryLayout<Int32>.size))
    if address.ai_family == AF_INET6 {
      setsockopt(socket, Int32(IPPROTO_IPV6), IPV6_V6ONLY, &off, socklen_t(MemoryLayout<Int32>.size))
    }
    guard bind(socket, address.ai_addr, address.ai_addrlen) == 0,
      listen(socket, Int32(clamping: settings.limits.backlogConnectionsMax)) == 0
    else {
      let code = errno
      close(socket)
      throw failure(code, settings)
    }
    return socket
  }

  private static func failure(_ code: Int32, _ settings: HTTPServerSettings) -> HTTPServerFailure {
    let place = "\(settings.host):\(settings.port)"
    return switch code {
    case EADDRINUSE: HTTPServerFailure(.addressInUse, "\(place) is in use by another process: stop it or choose another port")
    case EACCES, EPERM: HTTPServerFailure(.notPermitted, "this process may not listen on \(place): choose a port above 1023")
    case EADDRNOTAVAIL: HTTPServerFailure(.badAddress, "\(settings.host) is no address of this machine")
    default: HTTPServerFailure(.other, "cannot listen on \(place): \(String(cString: strerror(code)))")
    }
  }

  private static func port(of socket: Int32) -> Int {
    var storage = sockaddr_storage()
    var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
    return withUnsafeMutableBytes(of: &storage) { bytes in
      guard let base = bytes.baseAddress else { return 0 }
      guard getsockname(socket, base.assumingMemoryBound(to: sockaddr.self), &length) == 0 else { return 0 }
      // The port lies at the same place in both families, in network order.
      return Int(UInt16(bigEndian: bytes.loadUnaligned(fromByteOffset: 2, as: UInt16.self)))
    }
  }
}

enum SocketAddress {
  private static let textBytesMax = 64

  /// "192.0.2.1:80" or "[2001:db8::1]:80"; an IPv4 address that came through an IPv6 socket is written as IPv4; "" for any other kind.
  static func text(_ address: UnsafePointer<sockaddr>?) -> String {
    guard let address else { return "" }
    let isSix = Int32(address.pointee.sa_family) == AF_INET6
    guard isSix || Int32(address.pointee.sa_family) == AF_INET else { return "" }
    let length = socklen_t(isSix ? MemoryLayout<sockaddr_in6>.size : MemoryLayout<sockaddr_in>.size)
    var host = [CChar](repeating: 0, count: textBytesMax)
    var port = [CChar](repeating: 0, count: 8)
    let flags = Int32(NI_NUMERICHOST | NI_NUMERICSERV)
    guard getnameinfo(address, length, &host, socklen_t(host.count), &port, socklen_t(port.count), flags) == 0 else { return "" }
    let hostText = text(host)
    let mapped = "::ffff:"
    if hostText.hasPrefix(mapped), hostText.contains(".") { return "\(hostText.dropFirst(mapped.count)):\(text(port))" }
    return isSix ? "[\(hostText)]:\(text(port))" : "\(hostText):\(text(port))"
  }

  private static func text(_ characters: [CChar]) -> String {
    String(decoding: characters.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}
