// What the server refuses: requests that could be read in two ways, and a flood of malformed ones.
import HTTP
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(1)))
struct ServerRefusalTests {
  private static func router(_ handled: Event) -> Router {
    var router = Router()
    for method in [HTTPMethod.get, .post] {
      router.on(method, "/") { request in
        handled.happened()
        return .text("\(request.body.count)")
      }
    }
    return router
  }

  /// RFC 9112 sections 3.2, 5.1, 6.1, 6.3 and what MITRE's CWE-444 lists as request smuggling.
  static let ambiguous: [(String, Int)] = [
    ("GET / HTTP/1.1\r\n\r\n", 400),
    ("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
    ("GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400),
    ("GET / HTTP/1.1\r\nHost: user@a\r\n\r\n", 400),
    ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc", 400),
    ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 30\r\n\r\nabc", 400),
    ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 400),
    ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n", 400),
    ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 400),
    ("POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length : 3\r\n\r\nabc", 400),
    ("GET / HTTP/1.1\r\nHost: a\r\nX-Bad\u{1}: b\r\n\r\n", 400),
    ("GET / HTTP/1.1\r\nHost: a\r\nX-Bad: b\u{1}\r\n\r\n", 400),
    ("GET / HTTP/1.1\r\nHost: a\r\nX-Bad: b\u{7F}\r\n\r\n", 400),
    ("G@T / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("GET /%00 HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("GET /healthz%00x HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("GET /%c0%af HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("GET /a/../b HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("GET /%2e%2E/b HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("GET /?a=%00 HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("GET a HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("GET / HTTP/1.1\r\nHost: a\r\nExpect: 200-fine\r\n\r\n", 417),
    ("GET / HTTP/3.0\r\nHost: a\r\n\r\n", 505),
  ]

  @Test(arguments: ambiguous) func whatCouldBeReadInTwoWaysIsRefusedAndTheConnectionCloses(text: String, status: Int) async throws {
    let handled = Event()
    try await withServer(Self.router(handled)) { port, _, _ in
      let socket = try RawSocket(port: port)
      // Were the first taken, the second would be answered too.
      try socket.send(text + "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
      let response = try await socket.response()
      #expect(response.status == status)
      #expect(String(decoding: try await socket.rest(), as: UTF8.self) == "")
    }
    #expect(handled.count == 0)
  }

  /// Refused by the library before we are asked; it writes the head of its answer twice, so only the status is looked at.
  @Test(arguments: [("+3", 400), ("0x3", 400), ("-1", 400), ("3 3", 400), ("99999999999999999999", 413)])
  func aLengthThatIsNoNumberIsRefusedAndTheConnectionCloses(length: String, status: Int) async throws {
    let handled = Event()
    try await withServer(Self.router(handled)) { port, _, _ in
      let socket = try RawSocket(port: port)
      try socket.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: \(length)\r\n\r\nabcGET / HTTP/1.1\r\nHost: a\r\n\r\n")
      #expect(try await socket.head().status == status)
      #expect(!String(decoding: try await socket.rest(), as: UTF8.self).contains("HTTP/1.1 200"))
    }
    #expect(handled.count == 0)
  }

  @Test func anAbsoluteTargetIsReadAsItsPath() async throws {
    let handled = Event()
    try await withServer(Self.router(handled)) { port, _, _ in
      let socket = try RawSocket(port: port)
      try socket.send("GET http://a/?x=1 HTTP/1.1\r\nHost: a\r\n\r\n")
      #expect(try await socket.response().status == 200)
    }
  }

  @Test func twoThousandMalformedRequestsLeaveTheServerWell() async throws {
    let handled = Event()
    var limits = HTTPServerLimits.quick
    limits.headerMillisecondsMax = 1_000
    limits.bodyMillisecondsMax = 1_000
    try await withServer(Self.router(handled), limits: limits) { port, server, _ in
      try await withThrowingTaskGroup(of: Void.self) { group in
        for worker in 0..<4 {
          group.addTask {
            var numbers = SeededNumbers(state: UInt64(worker))
            for _ in 0..<500 {
              let socket = try RawSocket(port: port)
              _ = try? socket.send(Self.mangled(&numbers))
              if numbers.next() % 2 == 0 { socket.reset() } else { socket.close() }
            }
          }
        }
        try await group.waitForAll()
      }
      let socket = try RawSocket(port: port)
      // All are gone, at the latest when their deadlines are over.
      repeat {
        try socket.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(try await socket.response().status == 200)
      } while server.counts.requests > 0 || server.counts.connections > 1
    }
  }

  /// A sound request with a few bytes changed, doubled, removed, or cut off.
  private static func mangled(_ numbers: inout SeededNumbers) -> [UInt8] {
    let sound = [
      "GET /?a=%41&b=c HTTP/1.1\r\nHost: a\r\nAccept: */*\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 99999999999999999999\r\n\r\n",
      "HEAD / HTTP/1.0\r\n\r\n",
    ]
    let telling = Array("\r\n\0:% \t;,/?#\u{7F}".utf8) + [0x80, 0xFF]
    var bytes = Array(sound[Int(numbers.next() % UInt64(sound.count))].utf8)
    for _ in 0...(numbers.next() % 4) {
      guard !bytes.isEmpty else { break }
      let place = Int(numbers.next() % UInt64(bytes.count))
      switch numbers.next() % 5 {
      case 0: bytes[place] = UInt8(truncatingIfNeeded: numbers.next())
      case 1: bytes[place] = telling[Int(numbers.next() % UInt64(telling.count))]
      case 2: bytes.remove(at: place)
      case 3: bytes.insert(contentsOf: bytes[place...].prefix(20), at: place)
      default: bytes.removeLast(Int(numbers.next() % UInt64(bytes.count)))
      }
    }
    return bytes
  }
}
