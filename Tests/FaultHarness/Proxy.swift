// A TCP proxy that spoils connections on demand: cut, reset, stalled, in slices, or around a COMMIT.
import Glibc
import Lifecycle
import Synchronization
import Telemetry

final class Proxy: Sendable {
  enum Language: Sendable { case postgres, other }

  enum Fault: String, Sendable, CaseIterable {
    /// Both ends hear that the other has closed.
    case cut
    /// Both ends hear a reset.
    case reset
    /// Nothing moves for a while.
    case stall
    /// The next bytes arrive one by one.
    case slices
    /// The server gets the COMMIT, the client gets no answer.
    case commitAnswer = "answer to COMMIT cut"
    /// The COMMIT does not reach the server.
    case commitRequest = "COMMIT cut"

    var isAboutCommits: Bool { self == .commitAnswer || self == .commitRequest }
  }

  private struct Orders {
    var target: UInt16
    var waiting: [Fault] = []
    var done: [Fault: Int] = [:]
    var isClosed = false
  }

  let port: UInt16
  private let listener: Int32
  private let language: Language
  private let orders: Mutex<Orders>

  init(target: UInt16, speaks language: Language) throws {
    self.language = language
    let made = try Sockets.listen()
    (listener, port) = made
    orders = Mutex(Orders(target: target))
    _ = try OwnedThread.start(name: "faults-proxy") { [self] in serve() }
  }

  func redirect(to target: UInt16) { orders.withLock { $0.target = target } }
  /// Asks for a fault on a connection of the proxy's choice: the next that moves, or the next that commits.
  func inject(_ fault: Fault) { orders.withLock { $0.waiting.append(fault) } }
  func withdraw() { orders.withLock { $0.waiting = [] } }
  var done: [Fault: Int] { orders.withLock { $0.done } }
  func close() { orders.withLock { $0.isClosed = true } }

  // MARK: - The proxy's thread

  private static let bufferBytesMax = 1 << 20
  private static let stallNanoseconds: Int64 = 700_000_000
  private static let slicedBytes = 600
  private static let pollMilliseconds: Int32 = 20

  private struct Link {
    let client: Int32
    let server: Int32
    var toServer: [UInt8] = []
    var toClient: [UInt8] = []
    var commits = CommitWatch()
    var sent = 0
    var received = 0
    var sliced = 0
    var stalledUntil: Int64 = 0
    /// Close both as soon as the server answers, or as soon as what is on its way has gone.
    var swallowsAnswer = false
    var isOver = false
    var isReset = false
  }

  private func serve() {
    var links: [Link] = []
    while !orders.withLock({ $0.isClosed }) {
      let now = SystemTime.monotonicNanoseconds()
      var polls = [pollfd(fd: listener, events: Int16(POLLIN), revents: 0)]
      for link in links {
        let isStalled = link.stalledUntil > now
        polls.append(Proxy.interest(link.client, reads: link.toServer, writes: link.toClient, isStalled))
        polls.append(Proxy.interest(link.server, reads: link.toClient, writes: link.toServer, isStalled))
      }
      _ = poll(&polls, nfds_t(polls.count), Proxy.pollMilliseconds)
      for index in links.indices {
        move(&links[index], client: polls[1 + 2 * index].revents, server: polls[2 + 2 * index].revents)
      }
      links.removeAll { link in
        if link.isOver { Proxy.end(link) }
        return link.isOver
      }
      if polls[0].revents != 0, let link = connect() { links.append(link) }
    }
    for link in links { Proxy.end(link) }
    Glibc.close(listener)
  }

  private static func interest(_ descriptor: Int32, reads: [UInt8], writes: [UInt8], _ isStalled: Bool) -> pollfd {
    var events: Int32 = 0
    if !isStalled {
      if reads.count < bufferBytesMax { events |= POLLIN }
      if !writes.isEmpty { events |= POLLOUT }
    }
    return pollfd(fd: isStalled ? -1 : descriptor, events: Int16(events), revents: 0)
  }

  private func connect() -> Link? {
    let client = accept(listener, nil, nil)
    guard client >= 0 else { return nil }
    guard let server = Sockets.connect(orders.withLock { $0.target }) else {
      Sockets.end(client, isReset: false)
      return nil
    }
    Sockets.prepare(client)
    Sockets.prepare(server)
    return Link(client: client, server: server)
  }

  private static func end(_ link: Link) {
    Sockets.end(link.client, isReset: link.isReset)
    Sockets.end(link.server, isReset: link.isReset)
  }

  private func move(_ link: inout Link, client: Int16, server: Int16) {
    let hangs = Int16(POLLIN | POLLHUP | POLLERR)
    if client & hangs != 0 {
      let bytes = Sockets.receive(link.client)
      guard let bytes else {
        // What the client sent before it went away still has to arrive.
        _ = Sockets.send(link.server, link.toServer[...])
        link.isOver = true
        return
      }
      take(bytes, of: &link)
    }
    if server & hangs != 0, !link.isOver {
      guard let bytes = Sockets.receive(link.server) else {
        _ = Sockets.send(link.client, link.toClient[...])
        link.isOver = true
        return
      }
      if link.swallowsAnswer, !bytes.isEmpty { link.isOver = true } else { link.toClient += bytes }
    }
    if !link.isOver { flush(&link) }
  }

  private func take(_ bytes: [UInt8], of link: inout Link) {
    let before = link.received
    link.received += bytes.count
    link.toServer += bytes
    guard !bytes.isEmpty else { return }
    let commits = language == .postgres ? link.commits.take(bytes) : []
    let fault = orders.withLock { orders -> Fault? in
      guard let index = orders.waiting.firstIndex(where: { $0.isAboutCommits ? !commits.isEmpty : true }) else { return nil }
      let fault = orders.waiting.remove(at: index)
      orders.done[fault, default: 0] += 1
      return fault
    }
    switch fault {
    case nil: break
    case .cut: link.isOver = true
    case .reset: (link.isOver, link.isReset) = (true, true)
    case .stall: link.stalledUntil = SystemTime.monotonicNanoseconds() + Proxy.stallNanoseconds
    case .slices: link.sliced = Proxy.slicedBytes
    case .commitAnswer: link.swallowsAnswer = true
    case .commitRequest:
      // Everything before the COMMIT arrives, nothing from there on.
      let extra = link.received - max(before, commits[0])
      if commits[0] >= before { _ = Sockets.send(link.server, link.toServer.dropLast(extra)) }
      link.isOver = true
    }
  }

  private func flush(_ link: inout Link) {
    let limit = link.sliced > 0 ? 1 : Proxy.bufferBytesMax
    for isToServer in [true, false] {
      let waiting = isToServer ? link.toServer : link.toClient
      guard !waiting.isEmpty else { continue }
      guard let count = Sockets.send(isToServer ? link.server : link.client, waiting.prefix(limit)) else {
        link.isOver = true
        return
      }
      link.sliced = max(0, link.sliced - count)
      if isToServer { link.toServer.removeFirst(count) } else { link.toClient.removeFirst(count) }
    }
  }
}

/// The few socket calls the proxy needs.
enum Sockets {
  static func loopback(_ port: UInt16) -> sockaddr_in {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    return address
  }

  private static func with(_ address: sockaddr_in, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32) -> Int32 {
    var address = address
    return withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
    }
  }

  static func listen() throws -> (Int32, UInt16) {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    guard descriptor >= 0, with(loopback(0), { bind(descriptor, $0, $1) }) == 0, Glibc.listen(descriptor, 128) == 0 else {
      throw HarnessFailure("the proxy has no port")
    }
    var address = sockaddr_in()
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let failed = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &length) != 0 }
    }
    guard !failed else { throw HarnessFailure("the proxy does not know its port") }
    _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
    return (descriptor, UInt16(bigEndian: address.sin_port))
  }

  static func connect(_ port: UInt16) -> Int32? {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    guard descriptor >= 0 else { return nil }
    // Over loopback a connection stands or is refused at once.
    guard with(loopback(port), { Glibc.connect(descriptor, $0, $1) }) == 0 else {
      Glibc.close(descriptor)
      return nil
    }
    return descriptor
  }

  static func prepare(_ descriptor: Int32) {
    _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK)
    _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
    var on: Int32 = 1
    setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
  }

  /// nil when the other side has closed or the connection failed; empty when nothing is there.
  static func receive(_ descriptor: Int32) -> [UInt8]? {
    var bytes = [UInt8](repeating: 0, count: 65_536)
    let count = recv(descriptor, &bytes, bytes.count, 0)
    if count < 0, errno == EAGAIN || errno == EINTR { return [] }
    guard count > 0 else { return nil }
    bytes.removeLast(bytes.count - count)
    return bytes
  }

  /// How many bytes were taken; nil when the connection failed.
  static func send(_ descriptor: Int32, _ bytes: ArraySlice<UInt8>) -> Int? {
    guard !bytes.isEmpty else { return 0 }
    let count = bytes.withUnsafeBytes { Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
    if count < 0 { return errno == EAGAIN || errno == EINTR ? 0 : nil }
    return count
  }

  static func end(_ descriptor: Int32, isReset: Bool) {
    if isReset {
      var now = linger(l_onoff: 1, l_linger: 0)
      setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &now, socklen_t(MemoryLayout<linger>.size))
    }
    Glibc.close(descriptor)
  }
}
