// What a handler is given: one whole request, checked and decoded.

/// One request. Its body has been read in full and is within the route's limit.
public struct Request: Sendable {
  public var method: HTTPMethod
  /// The target as it stood in the request line, still escaped.
  public var target: String
  /// The decoded path, for logs and people; what is between two slashes of the target comes decoded through ``parameters``.
  public var path: String
  public var query: QueryItems
  public var headers: HTTPHeaders
  public var body: [UInt8]
  /// The values of the `{name}` parts of the route's pattern, decoded.
  public var parameters: [String: String]
  /// The pattern of the route that matched, as it was registered ("/v1/customers/{id}"); nil when none did. Fit for metrics.
  public var route: String?
  /// The peer's numeric address and port ("192.0.2.1:5000", "[2001:db8::1]:5000"); empty when there is none.
  public var peer: String
  /// Who asks, as the router's guard found out; what it is, is the guard's own. nil where nobody asked.
  public var caller: (any Sendable)?

  var segments: [String]

  /// A request for tests and in-process calls, read like one from the network.
  ///
  /// Throws a ``Problem`` with status 400 when `target` would be refused on the network too.
  public init(
    _ method: HTTPMethod, _ target: String, headers: HTTPHeaders = [:], body: [UInt8] = [], peer: String = ""
  ) throws(Problem) {
    let read: RequestTarget
    do { read = try RequestTarget(target.utf8) } catch { throw Problem(.badRequest, detail: error.rawValue) }
    self.init(method, target, read, headers: headers, body: body, peer: peer)
  }

  init(_ method: HTTPMethod, _ target: String, _ read: RequestTarget, headers: HTTPHeaders, body: [UInt8], peer: String) {
    self.method = method
    self.target = target
    self.path = read.path
    self.query = read.query
    self.segments = read.segments
    self.headers = headers
    self.body = body
    self.parameters = [:]
    self.peer = peer
  }

  /// The media type of the body in lower case and without parameters ("application/json"), or nil when none is given.
  public var mediaType: String? {
    headers["Content-Type"].map { value in
      let end = value.utf8.firstIndex(of: 0x3B) ?? value.utf8.endIndex
      let bytes = value.utf8[..<end].map(HTTPHeaders.lowercased)
      return String(decoding: HTTPText.trimmed(bytes[...]), as: UTF8.self)
    }
  }

  /// The value of `{name}`, or a 400 when the route has no such part.
  public func parameter(_ name: String) throws(Problem) -> String {
    guard let value = parameters[name] else { throw Problem(.badRequest, detail: "the path has no part named \(name)") }
    return value
  }
}

/// Small readers shared by server and client.
enum HTTPText {
  /// Without blanks and tabs at both ends.
  static func trimmed(_ bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    var bytes = bytes
    while let first = bytes.first, first == 0x20 || first == 0x09 { bytes.removeFirst() }
    while let last = bytes.last, last == 0x20 || last == 0x09 { bytes.removeLast() }
    return bytes
  }

  /// Digits only, so neither sign nor blank passes; nil when there are none or the number does not fit.
  static func number(_ bytes: some Collection<UInt8>) -> Int? {
    guard !bytes.isEmpty else { return nil }
    var total = 0
    for byte in bytes {
      guard (0x30...0x39).contains(byte) else { return nil }
      let (tens, overTens) = total.multipliedReportingOverflow(by: 10)
      let (next, over) = tens.addingReportingOverflow(Int(byte - 0x30))
      guard !overTens, !over else { return nil }
      total = next
    }
    return total
  }
}
