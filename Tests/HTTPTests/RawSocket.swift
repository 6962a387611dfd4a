// A TCP client that says exactly what a test wants, byte by byte, and a listener that answers so.
import Glibc
import HTTP
import Lifecycle
import Synchronization

struct SocketTrouble: Error, CustomStringConvertible {
  let description: String
}

/// One response as it stood on the wire.
struct RawResponse: Equatable {
  var status: Int
  var headers: [(name: String, value: String)]
  var body: [UInt8]

  subscript(name: String) -> String? { headers.first { $0.name.lowercased() == name.lowercased() }?.value }
  var text: String { String(decoding: body, as: UTF8.self) }

  static func == (left: RawResponse, right: RawResponse) -> Bool {
    left.status == right.status && left.body == right.body && left.headers.map(\.name) == right.headers.map(\.name)
  }
}

/// A socket used by one task at a time. Reading happens on threads of its own, with a limit.
final class RawSocket: Sendable {
  static let waitSecondsMax = 30

  private let descriptor: Mutex<Int32>
  private let buffer = Mutex<[UInt8]>([])

  init(descriptor: Int32) {
    var limit = timeval(tv_sec: RawSocket.waitSecondsMax, tv_usec: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    self.descriptor = Mutex(descriptor)
  }

  /// Connects to this machine; `receiveBytes` makes the kernel's buffer small, for slow readers.
  convenience init(port: Int, receiveBytes: Int32? = nil) throws {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    if var receiveBytes {
      setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &receiveBytes, socklen_t(MemoryLayout<Int32>.size))
    }
    var address = loopback(port: port)
    let code = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
    }
    guard code == 0 else {
      let trouble = SocketTrouble(description: "connect: \(String(cString: strerror(errno)))")
      Glibc.close(descriptor)
      throw trouble
    }
    self.init(descriptor: descriptor)
  }

  deinit { close() }

  func send(_ text: String) throws { try send(Array(text.utf8)) }

  /// Blocks only when the kernel's buffer is full: for longer data use ``sendAll(_:)``.
  func send(_ bytes: [UInt8]) throws {
    guard write(bytes) == bytes.count else { throw SocketTrouble(description: "send: \(String(cString: strerror(errno)))") }
  }

  /// Sends until all is sent or the peer refuses more, on a thread of its own; gives back how much went out.
  func sendAll(_ bytes: [UInt8]) async throws -> Int {
    try await OwnedThread.value(name: "test-send") { self.write(bytes) }
  }

  private func write(_ bytes: [UInt8]) -> Int {
    let descriptor = descriptor.withLock { $0 }
    var sent = 0
    while sent < bytes.count {
      let count = bytes.withUnsafeBytes { room in
        Glibc.send(descriptor, room.baseAddress.map { $0 + sent }, room.count - sent, Int32(MSG_NOSIGNAL))
      }
      if count <= 0 { break }
      sent += count
    }
    return sent
  }

  /// The next bytes, empty at the end or after a reset.
  func receive() async throws -> [UInt8] {
    let descriptor = descriptor.withLock { $0 }
    let result = try await OwnedThread.value(name: "test-receive") { () -> Result<[UInt8], SocketTrouble> in
      var room = [UInt8](repeating: 0, count: 64 << 10)
      let count = recv(descriptor, &room, room.count, 0)
      if count < 0, errno == EAGAIN { return .failure(SocketTrouble(description: "nothing came for \(RawSocket.waitSecondsMax) s")) }
      return .success(Array(room.prefix(max(0, count))))
    }
    return try result.get()
  }

  /// Everything up to the end of the connection.
  func rest() async throws -> [UInt8] {
    var all = buffer.withLock { bytes in
      defer { bytes = [] }
      return bytes
    }
    while true {
      let more = try await receive()
      if more.isEmpty { return all }
      all += more
    }
  }

  func text(until mark: String) async throws -> String {
    let found = try await bytes(until: Array(mark.utf8))
    return String(decoding: found, as: UTF8.self)
  }

  /// Bytes up to and including `mark`.
  func bytes(until mark: [UInt8]) async throws -> [UInt8] {
    while true {
      let found = buffer.withLock { bytes -> [UInt8]? in
        guard let end = bytes.firstRange(of: mark)?.upperBound else { return nil }
        defer { bytes.removeFirst(end) }
        return Array(bytes[..<end])
      }
      if let found { return found }
      try await more()
    }
  }

  func bytes(count: Int) async throws -> [UInt8] {
    while buffer.withLock({ $0.count < count }) { try await more() }
    return buffer.withLock { bytes in
      defer { bytes.removeFirst(count) }
      return Array(bytes.prefix(count))
    }
  }

  private func more() async throws {
    let piece = try await receive()
    guard !piece.isEmpty else {
      throw SocketTrouble(description: "the connection ended after \(String(decoding: buffer.withLock { $0 }, as: UTF8.self))")
    }
    buffer.withLock { $0 += piece }
  }

  /// Status line and headers of the next response.
  func head() async throws -> RawResponse {
    let lines = try await text(until: "\r\n\r\n").split(separator: "\r\n")
    let parts = (lines.first ?? "").split(separator: " ", maxSplits: 2)
    guard parts.count >= 2, parts[0] == "HTTP/1.1", let status = Int(parts[1]) else {
      throw SocketTrouble(description: "no status line: \(lines)")
    }
    let headers = lines.dropFirst().map { line in
      let pair = line.split(separator: ":", maxSplits: 1)
      return (name: String(pair[0]), value: pair.count > 1 ? String(pair[1].drop { $0 == " " }) : "")
    }
    return RawResponse(status: status, headers: Array(headers), body: [])
  }

  /// The next response with its body; `toHEAD` says that there is none.
  func response(toHEAD: Bool = false) async throws -> RawResponse {
    var response = try await head()
    if toHEAD || response.status == 204 || response.status == 304 || response.status == 100 { return response }
    if let length = response["Content-Length"].flatMap({ Int($0) }) {
      response.body = try await bytes(count: length)
    } else if response["Transfer-Encoding"] == "chunked" {
      while true {
        let piece = try await chunk()
        if piece.isEmpty { break }
        response.body += piece
      }
    } else {
      response.body = try await rest()
    }
    return response
  }

  /// The next chunk of a chunked body; empty is its proper end.
  func chunk() async throws -> [UInt8] {
    let size = try await text(until: "\r\n").dropLast(1)
    guard let count = Int(size.filter { !$0.isNewline }, radix: 16) else { throw SocketTrouble(description: "chunk size \(size)") }
    return Array(try await bytes(count: count + 2).dropLast(2))
  }

  /// Says that nothing more will be sent, and still reads.
  func endSending() { descriptor.withLock { _ = shutdown($0, Int32(SHUT_WR)) } }

  /// Ends the connection with a reset instead of an orderly end.
  func reset() {
    var immediate = linger(l_onoff: 1, l_linger: 0)
    descriptor.withLock { _ = setsockopt($0, SOL_SOCKET, SO_LINGER, &immediate, socklen_t(MemoryLayout<linger>.size)) }
    close()
  }

  func close() {
    descriptor.withLock { descriptor in
      if descriptor >= 0 { Glibc.close(descriptor) }
      descriptor = -1
    }
  }
}

/// A server that does what a test tells it: accepts connections, nothing else.
final class RawListener: Sendable {
  let port: Int
  private let descriptor: Int32

  /// Without listening the port is held, and whoever connects is refused.
  init(listens: Bool = true) throws {
    descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    var limit = timeval(tv_sec: RawSocket.waitSecondsMax, tv_usec: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    var address = loopback(port: 0)
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let descriptor = descriptor
    let code = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
        bind(descriptor, pointer, length) == 0 && (!listens || listen(descriptor, 16) == 0) ? getsockname(descriptor, pointer, &length) : -1
      }
    }
    guard code == 0 else { throw SocketTrouble(description: "listen: \(String(cString: strerror(errno)))") }
    port = Int(UInt16(bigEndian: address.sin_port))
  }

  deinit { close(descriptor) }

  func accept() async throws -> RawSocket {
    let accepted = try await OwnedThread.value(name: "test-accept") { [descriptor] in Glibc.accept(descriptor, nil, nil) }
    guard accepted >= 0 else { throw SocketTrouble(description: "nobody connected") }
    return RawSocket(descriptor: accepted)
  }
}

func loopback(port: Int) -> sockaddr_in {
  var address = sockaddr_in()
  address.sin_family = sa_family_t(AF_INET)
  address.sin_port = UInt16(truncatingIfNeeded: port).bigEndian
  address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
  return address
}
