// Request methods and response statuses: the two closed vocabularies every message uses.

/// A request method (RFC 9110 section 9). Names are case-sensitive: `get` is not `GET`.
public struct HTTPMethod: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
  public let rawValue: String

  public init(rawValue: String) { self.rawValue = rawValue }

  public static let get = HTTPMethod(rawValue: "GET")
  public static let head = HTTPMethod(rawValue: "HEAD")
  public static let post = HTTPMethod(rawValue: "POST")
  public static let put = HTTPMethod(rawValue: "PUT")
  public static let patch = HTTPMethod(rawValue: "PATCH")
  public static let delete = HTTPMethod(rawValue: "DELETE")
  public static let options = HTTPMethod(rawValue: "OPTIONS")

  static let known: Set<HTTPMethod> = [.get, .head, .post, .put, .patch, .delete, .options]

  /// The name as a metric's label: a client may invent methods, and a label must not grow with its inventions.
  var label: String { HTTPMethod.known.contains(self) ? rawValue : "OTHER" }

  public var description: String { rawValue }
}

/// A response status (RFC 9110 section 15), 200...599 when it comes from a handler.
public struct HTTPStatus: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
  public let rawValue: Int

  public init(rawValue: Int) { self.rawValue = rawValue }

  public static let ok = HTTPStatus(rawValue: 200)
  public static let created = HTTPStatus(rawValue: 201)
  public static let accepted = HTTPStatus(rawValue: 202)
  public static let noContent = HTTPStatus(rawValue: 204)
  public static let found = HTTPStatus(rawValue: 302)
  public static let seeOther = HTTPStatus(rawValue: 303)
  public static let notModified = HTTPStatus(rawValue: 304)
  public static let badRequest = HTTPStatus(rawValue: 400)
  public static let unauthorized = HTTPStatus(rawValue: 401)
  public static let forbidden = HTTPStatus(rawValue: 403)
  public static let notFound = HTTPStatus(rawValue: 404)
  public static let methodNotAllowed = HTTPStatus(rawValue: 405)
  public static let notAcceptable = HTTPStatus(rawValue: 406)
  public static let conflict = HTTPStatus(rawValue: 409)
  public static let gone = HTTPStatus(rawValue: 410)
  public static let preconditionFailed = HTTPStatus(rawValue: 412)
  public static let contentTooLarge = HTTPStatus(rawValue: 413)
  public static let unsupportedMediaType = HTTPStatus(rawValue: 415)
  public static let expectationFailed = HTTPStatus(rawValue: 417)
  public static let unprocessable = HTTPStatus(rawValue: 422)
  public static let tooManyRequests = HTTPStatus(rawValue: 429)
  /// Not registered; used in metrics only: the client went away before it had its answer.
  public static let clientClosedRequest = HTTPStatus(rawValue: 499)
  public static let internalServerError = HTTPStatus(rawValue: 500)
  public static let notImplemented = HTTPStatus(rawValue: 501)
  public static let badGateway = HTTPStatus(rawValue: 502)
  public static let serviceUnavailable = HTTPStatus(rawValue: 503)
  public static let gatewayTimeout = HTTPStatus(rawValue: 504)

  /// Whether RFC 9110 forbids content in a response of this status.
  var forbidsContent: Bool { rawValue < 200 || rawValue == 204 || rawValue == 304 }

  /// The registered phrase, or "Status" for a number nobody registered.
  public var phrase: String { HTTPStatus.phrases[rawValue] ?? "Status" }

  public var description: String { "\(rawValue) \(phrase)" }

  private static let phrases: [Int: String] = [
    200: "OK", 201: "Created", 202: "Accepted", 203: "Non-Authoritative Information", 204: "No Content", 206: "Partial Content",
    301: "Moved Permanently", 302: "Found", 303: "See Other", 304: "Not Modified", 307: "Temporary Redirect",
    308: "Permanent Redirect", 400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found",
    405: "Method Not Allowed", 406: "Not Acceptable", 408: "Request Timeout", 409: "Conflict", 410: "Gone",
    411: "Length Required", 412: "Precondition Failed", 413: "Content Too Large", 414: "URI Too Long",
    415: "Unsupported Media Type", 416: "Range Not Satisfiable", 417: "Expectation Failed", 421: "Misdirected Request",
    422: "Unprocessable Content", 423: "Locked", 424: "Failed Dependency", 428: "Precondition Required", 429: "Too Many Requests",
    431: "Request Header Fields Too Large", 499: "Client Closed Request", 500: "Internal Server Error", 501: "Not Implemented",
    502: "Bad Gateway", 503: "Service Unavailable", 504: "Gateway Timeout", 505: "HTTP Version Not Supported",
  ]
}
