// What is asked of another server and what it answers.

/// One request to another server.
public struct ClientRequest: Sendable {
  public var method: HTTPMethod
  /// "http://…" or "https://…", already escaped, without user and password.
  public var url: String
  public var headers: HTTPHeaders
  public var body: [UInt8]

  public init(_ method: HTTPMethod, _ url: String, headers: HTTPHeaders = [:], body: [UInt8] = []) {
    self.method = method
    self.url = url
    self.headers = headers
    self.body = body
  }

  /// Why it cannot be sent: bytes that would end a header or cut a C string, a scheme that is not wanted, a user in the address.
  func fault(_ settings: HTTPClientSettings) -> String? {
    let policy = settings.policy
    let bytes = Array(url.utf8)
    guard bytes.count <= HTTPClientLimits.urlBytesMax else { return "the URL has more than \(HTTPClientLimits.urlBytesMax) bytes" }
    guard bytes.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != 0x5C }) else { return "the URL has a byte that must be escaped" }
    let scheme = policy.schemes.first { scheme in
      let prefix = Array("\(scheme.rawValue)://".utf8)
      return bytes.prefix(prefix.count).map(HTTPHeaders.lowercased).elementsEqual(prefix)
    }
    guard let scheme else {
      return "the URL does not begin with \(policy.schemes.map { "\($0.rawValue)://" }.sorted().joined(separator: " or "))"
    }
    let authority = bytes.dropFirst(scheme.rawValue.utf8.count + 3).prefix { $0 != 0x2F && $0 != 0x3F && $0 != 0x23 }
    guard !authority.isEmpty, authority.first != 0x3A else { return "the URL names no host" }
    guard !authority.contains(0x40) else { return "the URL has a user or password" }
    guard HTTPHeaders.isToken(method.rawValue.utf8) else { return "the method is malformed" }
    guard headers.isValid, HTTPHeaders.isValue(settings.userAgent.utf8) else { return "a header is malformed" }
    return nil
  }
}

/// A whole response.
public struct ClientResponse: Sendable, Equatable {
  public var status: HTTPStatus
  public var headers: HTTPHeaders
  public var body: [UInt8]

  public init(status: HTTPStatus, headers: HTTPHeaders, body: [UInt8]) {
    self.status = status
    self.headers = headers
    self.body = body
  }

  /// 200...299.
  public var isSuccess: Bool { (200...299).contains(status.rawValue) }
}

/// A response whose body is read while it arrives.
public struct StreamedResponse: Sendable {
  public let status: HTTPStatus
  public let headers: HTTPHeaders
  /// May be read once. Letting go of it ends the transfer.
  public let body: ResponseBody

  public var isSuccess: Bool { (200...299).contains(status.rawValue) }
}

/// Where a client may connect to. A client has one policy for its whole life: a kept connection would otherwise carry requests past
/// a guard that was asked only when it was opened.
public struct ConnectionPolicy: Sendable, Equatable {
  public enum Scheme: String, Sendable, Hashable { case http, https }

  public var schemes: Set<Scheme>

  public init(schemes: Set<Scheme>) { self.schemes = schemes }

  /// Servers named by the operator: any address, either scheme.
  public static let configuredServers = ConnectionPolicy(schemes: [.http, .https])
}

/// Limits of a client. Every one is finite.
public struct HTTPClientLimits: Sendable, Equatable {
  /// Longest URL, bytes.
  public static let urlBytesMax = 8 << 10

  /// For name lookup, connection and TLS handshake.
  public var connectMillisecondsMax = 5_000
  /// For one whole request, waiting for its turn included.
  public var totalMillisecondsMax = 30_000
  /// For one streamed request.
  public var streamMillisecondsMax = 3_600_000
  /// Slower than `stallBytesPerSecondMin` for so long, whole seconds, and the request fails. Waiting for the first byte counts; time in
  /// which a stream's reader is busy does not.
  public var stallSecondsMax = 10
  public var stallBytesPerSecondMin = 10
  /// Longest body of a whole response, bytes.
  public var responseBytesMax = 8 << 20
  /// Longest headers of a response, bytes.
  public var headerBytesMax = 64 << 10
  /// What is held of a streamed body for its reader, bytes; above it the server is made to wait.
  public var streamBufferBytesMax = 256 << 10
  /// Requests under way at one time.
  public var transfersMax = 16
  /// Requests that may wait for their turn; more are refused at once.
  public var waitingTransfersMax = 256

  public init() {}
}

/// How a client behaves.
public struct HTTPClientSettings: Sendable {
  public var limits: HTTPClientLimits
  public var policy: ConnectionPolicy
  public var userAgent: String
  /// A file of CA certificates (PEM) instead of the system's.
  public var certificatesPath: String?

  public init(
    limits: HTTPClientLimits = HTTPClientLimits(), policy: ConnectionPolicy = .configuredServers, userAgent: String = "clientele",
    certificatesPath: String? = nil
  ) {
    self.limits = limits
    self.policy = policy
    self.userAgent = userAgent
    self.certificatesPath = certificatesPath
  }
}

/// Why a request has no response. A response of any status, 500 too, is not a failure.
public struct HTTPClientFailure: Error, Sendable, Equatable, CustomStringConvertible {
  public enum Kind: Sendable, Equatable {
    /// The request was not sent: it is malformed or against the policy.
    case invalidRequest
    /// The host's name has no address.
    case unresolved
    /// No connection.
    case unreachable
    /// The server's certificate or TLS was refused.
    case insecure
    /// A limit of time was reached.
    case timedOut
    /// The connection broke before the response was complete.
    case disconnected
    /// What came back is not HTTP.
    case malformedResponse
    /// The response is longer than the limit.
    case responseTooLarge
    /// Too many requests wait already.
    case overloaded
    case cancelled
    /// The client was closed.
    case closed
    case other
  }

  public let kind: Kind
  public let description: String

  init(_ kind: Kind, _ description: String) {
    self.kind = kind
    self.description = description
  }

  /// Whether the same request may succeed later. Says nothing about whether the server has acted on this one.
  public var isTransient: Bool {
    switch kind {
    case .unresolved, .unreachable, .timedOut, .disconnected, .overloaded: true
    case .invalidRequest, .insecure, .malformedResponse, .responseTooLarge, .cancelled, .closed, .other: false
    }
  }
}
