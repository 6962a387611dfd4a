// Checks request line and headers before anything acts on them. Pure: what libmicrohttpd lets pass and a stricter reader would not.

/// Request line and headers that have passed every check.
struct RequestHead: Sendable {
  /// Longest method name we read, bytes; registered ones are shorter than half of it.
  static let methodBytesMax = 32

  enum Body: Equatable { case none, length(Int), chunked }

  let method: HTTPMethod
  let target: RequestTarget
  let headers: HTTPHeaders
  let body: Body

  /// Throws what the request is refused with. The connection is to be closed then: where the next request begins is uncertain.
  init(
    method: String, target: String, version: String, headers: HTTPHeaders, headerBytesMax: Int = HTTPServerLimits().headerBytesMax
  ) throws(Problem) {
    let bytes = headers.fields.reduce(method.utf8.count + target.utf8.count) { $0 + $1.name.utf8.count + $1.value.utf8.count + 4 }
    guard bytes <= headerBytesMax else {
      throw Problem(HTTPStatus(rawValue: 431), detail: "request line and headers may have \(headerBytesMax) bytes")
    }
    guard version == "HTTP/1.1" || version == "HTTP/1.0" else { throw Problem(HTTPStatus(rawValue: 505)) }
    guard method.utf8.count <= RequestHead.methodBytesMax, HTTPHeaders.isToken(method.utf8) else {
      throw Problem(.badRequest, detail: "the request method is malformed")
    }
    guard headers.isValid else { throw Problem(.badRequest, detail: "a header is malformed") }
    try RequestHead.checkHost(headers.all("Host"), isRequired: version == "HTTP/1.1")
    self.method = HTTPMethod(rawValue: method)
    self.headers = headers
    self.body = try RequestHead.body(headers, isCurrent: version == "HTTP/1.1")
    if let expect = headers["Expect"], !HTTPHeaders.same(expect, "100-continue") {
      throw Problem(.expectationFailed, detail: "only 100-continue can be expected")
    }
    do { self.target = try RequestTarget(target.utf8) } catch { throw Problem(.badRequest, detail: error.rawValue) }
  }

  /// RFC 9112 section 3.2: one Host in HTTP/1.1, never two.
  private static func checkHost(_ hosts: [String], isRequired: Bool) throws(Problem) {
    guard hosts.count == 1 || (hosts.isEmpty && !isRequired) else {
      throw Problem(.badRequest, detail: "a request has one Host header")
    }
    // Host, port, brackets of IPv6, escapes; no blank, no user, no path.
    let isPlain = (hosts.first ?? "").utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && ![0x22, 0x23, 0x2C, 0x2F, 0x3F, 0x40, 0x5C].contains($0) }
    guard isPlain else { throw Problem(.badRequest, detail: "the Host header is malformed") }
  }

  /// RFC 9112 section 6: one way of saying where the body ends. Two are how requests are smuggled past a proxy.
  private static func body(_ headers: HTTPHeaders, isCurrent: Bool) throws(Problem) -> Body {
    let lengths = headers.all("Content-Length")
    let codings = headers.all("Transfer-Encoding")
    guard lengths.count + codings.count <= 1 else {
      throw Problem(.badRequest, detail: "a request says once where its body ends")
    }
    if let coding = codings.first {
      guard isCurrent, HTTPHeaders.same(coding, "chunked") else {
        throw Problem(.badRequest, detail: "the only transfer coding is chunked, in HTTP/1.1")
      }
      return .chunked
    }
    guard let text = lengths.first else { return .none }
    guard let length = HTTPText.number(text.utf8) else { throw Problem(.badRequest, detail: "Content-Length is not a number") }
    return length == 0 ? .none : .length(length)
  }
}
