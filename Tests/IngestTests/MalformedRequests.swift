// Requests that no server may take, made from sound ones by seeded chance: broken lines, headers, lengths, chunks, halves, and bodies.

/// One malformed request and what may be answered to it.
struct MalformedRequest: Sendable {
  enum Kind: CaseIterable, Sendable {
    case requestLine, header, length, chunks, half, pipelined, body, route, mutated, noise
  }

  let kind: Kind
  let bytes: [UInt8]
  /// Whether its end can be seen, so that there is an answer or an end. For the rest of the others the server may wait until its deadline.
  let isWhole: Bool
  /// Sound requests in front of it on the same connection, which are answered as they deserve.
  let soundBefore: Int

  static let goodOrder =
    #"{"source":"shop","order_id":"1","occurred_at":"2026-06-30T10:00:00Z","status":"paid","total":"5","customer":{"member_id":"M1"}}"#

  init(_ chance: inout Chance) {
    kind = Kind.allCases.randomElement(using: &chance) ?? .noise
    var soundBefore = 0
    var isWhole = true
    switch kind {
    case .requestLine: bytes = Malformed.requestLine(&chance)
    case .header: bytes = Malformed.header(&chance)
    case .length: bytes = Malformed.length(&chance)
    case .chunks:
      bytes = Malformed.chunks(&chance)
      isWhole = false
    case .half:
      bytes = Malformed.half(&chance)
      isWhole = false
    case .pipelined:
      soundBefore = Int.random(in: 1...3, using: &chance)
      let sound = Array("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n".utf8)
      bytes = Array(repeatElement(sound, count: soundBefore).joined()) + Malformed.noise(&chance)
      isWhole = false
    case .body: bytes = Malformed.request(body: Malformed.body(&chance))
    case .route: bytes = Malformed.route(&chance)
    case .mutated:
      bytes = Malformed.mutated(&chance)
      isWhole = false
    case .noise:
      bytes = Malformed.noise(&chance)
      isWhole = false
    }
    self.isWhole = isWhole
    self.soundBefore = soundBefore
  }
}

enum Malformed {
  private static func pick(_ texts: [String], _ chance: inout Chance) -> [UInt8] { Array((texts.randomElement(using: &chance) ?? "").utf8) }
  private static func pick(_ texts: [[UInt8]], _ chance: inout Chance) -> [UInt8] { texts.randomElement(using: &chance) ?? [] }
  private static func run(_ text: String, _ count: Int) -> String { String(repeating: text, count: count) }

  /// A sound request with this body, of which no beginning is JSON.
  static func request(_ line: String = "POST /v1/events HTTP/1.1", _ headers: String = "", body: [UInt8]) -> [UInt8] {
    Array("\(line)\r\nHost: localhost\r\nContent-Type: application/json\r\n\(headers)Content-Length: \(body.count)\r\n\r\n".utf8) + body
  }

  static func requestLine(_ chance: inout Chance) -> [UInt8] {
    let line: [UInt8] = pick(
      [
        "GET", "GET /healthz", "G@T /healthz HTTP/1.1", "GET\u{1} /healthz HTTP/1.1", "GET healthz HTTP/1.1", "GET /healthz HTTP/9.1",
        "GET /healthz XTTP/1.1", "GET /healthz HTTP/1.", "GET /%00 HTTP/1.1", "GET /%zz HTTP/1.1", "GET /%c0%af HTTP/1.1", "GET /% HTTP/1.1",
        "GET /../healthz HTTP/1.1", "GET /%2e%2e/healthz HTTP/1.1", "GET /health z HTTP/1.1", "GET /v1/quarantine?a=%00 HTTP/1.1",
        "GET /healthz HTTP/1.1 HTTP/1.1", "POST /v1/events?source=%ff HTTP/1.1", "POST /v1/events?source=\u{1}x HTTP/1.1",
        "\(run("A", Int.random(in: 20...2_000, using: &chance))) / HTTP/1.1", "GET /\(run("a", Int.random(in: 17_000...18_000, using: &chance))) HTTP/1.1",
      ], &chance)
    return line + Array("\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n".utf8)
  }

  static func header(_ chance: inout Chance) -> [UInt8] {
    let headers: [UInt8] = pick(
      [
        "", "Host: a\r\nHost: b\r\n", "Host: a b\r\n", "Host: user@a\r\n", "Host: localhost\r\nX-Bad\u{1}: b\r\n", "Host: localhost\r\nX-Bad: b\u{1}\r\n",
        "Host: localhost\r\nX-Bad: b\u{7F}\r\n", "Host: localhost\r\nContent-Length : 3\r\n", "Host: localhost\r\nExpect: 200-fine\r\n",
        "Host: localhost\r\nX: \(run("b", Int.random(in: 17_000...18_000, using: &chance)))\r\n",
        "Host: localhost\r\n\(run("X-Many: b\r\n", Int.random(in: 1_500...1_600, using: &chance)))",
      ], &chance)
    return Array("POST /v1/events HTTP/1.1\r\nContent-Type: application/json\r\n".utf8) + headers + Array("\r\n".utf8)
  }

  static func length(_ chance: inout Chance) -> [UInt8] {
    let headers: [UInt8] = pick(
      [
        "Content-Length: +3", "Content-Length: 0x3", "Content-Length: -1", "Content-Length: 3 3", "Content-Length: three",
        "Content-Length: 99999999999999999999", "Content-Length: 16777217", "Content-Length: 3\r\nContent-Length: 3",
        "Content-Length: 3\r\nContent-Length: 30", "Content-Length: 3\r\nTransfer-Encoding: chunked", "Transfer-Encoding: gzip, chunked",
        "Transfer-Encoding: xchunked", "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity", "Content-Length: 3,3",
      ], &chance)
    return Array("POST /v1/events HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n".utf8) + headers + Array("\r\n\r\nabc".utf8)
  }

  static func chunks(_ chance: inout Chance) -> [UInt8] {
    let body = MalformedRequest.goodOrder.prefix(Int.random(in: 1...60, using: &chance))
    let size = String(body.utf8.count, radix: 16)
    let chunks: [UInt8] = pick(
      [
        "\(size)\r\n\(body)0\r\n\r\n", "\(size)\r\n\(body)\r\n", "-\(size)\r\n\(body)\r\n0\r\n\r\n", "0x\(size)\r\n\(body)\r\n0\r\n\r\n",
        "ffffffffffffffff\r\n\(body)\r\n0\r\n\r\n", "1ffffffffffffffffff\r\n\(body)\r\n0\r\n\r\n", "g\r\n\(body)\r\n0\r\n\r\n",
        "\r\n\(body)\r\n0\r\n\r\n", "\(size) \(size)\r\n\(body)\r\n0\r\n\r\n", "\(size)\n\(body)\n0\n\n", "1\r\n\(body)\r\n0\r\n\r\n",
        "\(size);\(run("x", Int.random(in: 1...2_000, using: &chance)))\r\n\(body)\r\n0\r\n\r\n", "2000000\r\n\(body)\r\n0\r\n\r\n",
      ], &chance)
    return Array("POST /v1/events HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n".utf8) + chunks
  }

  /// The beginning of a sound request that would be taken if it were whole.
  static func half(_ chance: inout Chance) -> [UInt8] {
    let whole = request(body: Array(MalformedRequest.goodOrder.utf8))
    return Array(whole.prefix(Int.random(in: 1..<whole.count, using: &chance)))
  }

  /// A body that is no JSON, whole and of the length it says.
  static func body(_ chance: inout Chance) -> [UInt8] {
    let order = Array(MalformedRequest.goodOrder.utf8)
    // Behind the first byte of the text "shop".
    let inText = Array(order.prefix(12))
    let rest = Array(order.dropFirst(12))
    switch Int.random(in: 0..<4, using: &chance) {
    case 0: return Array(order.prefix(Int.random(in: 0..<order.count, using: &chance)))
    case 1:
      let wrong: [[UInt8]] = [
        [0], [1], [0x0A], [0x1F], [0x80], [0xC0, 0xAF], [0xED, 0xA0, 0x80], [0xF5, 0x80, 0x80, 0x80], [0xFF], [0xE2, 0x82],
        Array(#"\x"#.utf8), Array(#"\u12G4"#.utf8), Array(#"\"#.utf8 + [0]), Array(#"\ud800"#.utf8), Array(#"\udc00x"#.utf8),
      ]
      return inText + pick(wrong, &chance) + rest
    case 2:
      return pick(
        [
          "{'order_id':1}", "{order_id:1}", #"{"a":01}"#, #"{"a":1.}"#, #"{"a":.5}"#, #"{"a":+1}"#, #"{"a":NaN}"#, #"{"a":1e}"#, #"{"a":0x1}"#,
          #"{"a":1,}"#, #"{"a" 1}"#, #"{"a":1}}"#, "[1,]", "[1 2]", "[,1]", "[[]", "tru", "nul", #""open"#, "/* */ {}", "\u{FEFF}{", "{} {}", "{}x",
          " ", "\r\n", run("[", Int.random(in: 100...2_000, using: &chance)), run(#"{"a":"#, Int.random(in: 100...2_000, using: &chance)),
        ], &chance)
    default: return order + pick([[0], [0x2C], Array("}".utf8), [0xFF], Array("x".utf8)] as [[UInt8]], &chance)
    }
  }

  /// Sound requests for what is not there, or not so.
  static func route(_ chance: inout Chance) -> [UInt8] {
    let order = Array(MalformedRequest.goodOrder.utf8)
    let number = String(Int64.random(in: .min ... -1, using: &chance))
    switch Int.random(in: 0..<4, using: &chance) {
    case 0:
      let path = ["event", "", "events/1", "/events"].randomElement(using: &chance) ?? ""
      return request("POST /v1/\(path) HTTP/1.1", body: order)
    case 1: return request((["PUT", "DELETE", "PATCH", "BREW"].randomElement(using: &chance) ?? "") + " /v1/events HTTP/1.1", body: order)
    case 2:
      let query = ["stream=x", "stream=", "stream=orders&stream=customers&stream=%ff"].randomElement(using: &chance) ?? ""
      return request("POST /v1/events?\(query) HTTP/1.1", body: Array("{".utf8))
    default: return request("POST /v1/quarantine/\(number)/replay HTTP/1.1", body: order)
    }
  }

  /// Any bytes, many of which mean something to a reader of HTTP.
  static func noise(_ chance: inout Chance) -> [UInt8] {
    let telling = Array("\r\n\0:% \t;,/?#HTP1.GE\u{7F}".utf8) + [0x80, 0xFF]
    let bytes = (0..<Int.random(in: 1...400, using: &chance)).map { _ in
      Bool.random(using: &chance) ? telling.randomElement(using: &chance) ?? 0 : UInt8.random(in: 0...255, using: &chance)
    }
    // Blank lines in front of a request are passed over: this must not be nothing but those.
    return [UInt8(ascii: "@")] + bytes
  }

  /// One of the others, or a request whose body is no JSON, with some of its bytes changed, left out, or written twice.
  static func mutated(_ chance: inout Chance) -> [UInt8] {
    let bases: [[UInt8]] = [requestLine(&chance), header(&chance), length(&chance), chunks(&chance), request(body: body(&chance))]
    var bytes = pick(bases, &chance)
    let telling = Array("\r\n\0:% \t;,/?#\u{7F}".utf8) + [0x80, 0xFF]
    for _ in 0..<Int.random(in: 1...5, using: &chance) where !bytes.isEmpty {
      let place = Int.random(in: 0..<bytes.count, using: &chance)
      switch Int.random(in: 0..<5, using: &chance) {
      case 0: bytes[place] = UInt8.random(in: 0...255, using: &chance)
      case 1: bytes[place] = telling.randomElement(using: &chance) ?? 0
      case 2: bytes.remove(at: place)
      case 3: bytes.insert(contentsOf: bytes[place...].prefix(20), at: place)
      default: bytes.removeLast(Int.random(in: 0..<bytes.count, using: &chance))
      }
    }
    return bytes
  }
}
