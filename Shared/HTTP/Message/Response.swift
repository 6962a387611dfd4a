// What a handler answers with: a status, headers, and a body in hand or one written bit by bit.

/// One response.
///
/// `Content-Length`, `Transfer-Encoding`, `Connection` and `Date` are the server's: set here, they are left out.
public struct Response: Sendable {
  enum Body: Sendable {
    case bytes([UInt8])
    case stream(@Sendable (BodyStream) async throws -> Void)
    case events(@Sendable (EventStream) async throws -> Void)
  }

  public var status: HTTPStatus
  public var headers: HTTPHeaders
  var body: Body

  public init(_ status: HTTPStatus = .ok, headers: HTTPHeaders = [:], body: [UInt8] = []) {
    self.status = status
    self.headers = headers
    self.body = .bytes(body)
  }

  private init(_ status: HTTPStatus, _ headers: HTTPHeaders, _ body: Body) {
    self.status = status
    self.headers = headers
    self.body = body
  }

  /// JSON that has been written already.
  public static func json(_ body: [UInt8], status: HTTPStatus = .ok, headers: HTTPHeaders = [:]) -> Response {
    Response(status, headers: headers, body: body).typed("application/json")
  }

  /// Plain text in UTF-8.
  public static func text(_ text: String, status: HTTPStatus = .ok, headers: HTTPHeaders = [:]) -> Response {
    Response(status, headers: headers, body: Array(text.utf8)).typed("text/plain; charset=utf-8")
  }

  /// A body written bit by bit, such as NDJSON. `write` runs after the headers are on their way, in the request's own task:
  /// it is cancelled when the client goes away, and when it throws the connection is cut so that the client sees an unfinished body.
  public static func stream(
    _ status: HTTPStatus = .ok, contentType: String, headers: HTTPHeaders = [:],
    write: @escaping @Sendable (BodyStream) async throws -> Void
  ) -> Response {
    Response(status, headers, .stream(write)).typed(contentType)
  }

  /// Server-Sent Events. Ends, without an error for the client, as soon as the server is asked to stop.
  public static func events(
    headers: HTTPHeaders = [:], write: @escaping @Sendable (EventStream) async throws -> Void
  ) -> Response {
    var headers = headers
    headers["Cache-Control"] = headers["Cache-Control"] ?? "no-store"
    // Reverse proxies that buffer would hold events back.
    headers["X-Accel-Buffering"] = "no"
    return Response(.ok, headers, .events(write)).typed("text/event-stream")
  }

  /// The body when it is in hand, nil when it is written bit by bit. For tests that call a ``Router`` directly.
  public var bytes: [UInt8]? { if case .bytes(let bytes) = body { bytes } else { nil } }

  private func typed(_ type: String) -> Response {
    var copy = self
    copy.headers["Content-Type"] = copy.headers["Content-Type"] ?? type
    return copy
  }
}
