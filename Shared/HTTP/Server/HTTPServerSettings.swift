// Where a server listens and what it allows.

/// Limits of a server. Every one is finite; the defaults suit a service inside a cluster.
public struct HTTPServerLimits: Sendable, Equatable {
  /// From the opening of a connection, or the end of the last response on it, to the end of the next request's headers.
  /// Bounds idle keep-alive connections too.
  public var headerMillisecondsMax = 10_000
  /// From the end of the headers to the end of the body.
  public var bodyMillisecondsMax = 30_000
  /// From the end of the request to the response a handler returns; then it is cancelled and the client gets a 503.
  public var handlerMillisecondsMax = 60_000
  /// From the response to the end of its sending, for bodies in hand (a streamed body may take any time as long as it moves).
  public var replyMillisecondsMax = 120_000
  /// Without a byte sent or received while either is expected, whole seconds.
  public var idleSecondsMax = 30
  /// Longest request body, bytes, unless the route says otherwise.
  public var bodyBytesMax = 8 << 20
  /// Request bodies held at one time, all connections together, bytes. Above it requests with a body get a 503.
  public var bodiesTotalBytesMax = 256 << 20
  /// Longest request line and headers, bytes; longer ones get a 431.
  public var headerBytesMax = 16 << 10
  /// Memory of one connection for request line, headers and sending, bytes. Twice `headerBytesMax`, so that the longest headers leave
  /// room for the answer's.
  public var connectionBytesMax = 32 << 10
  /// Connections at one time; more wait in the kernel's queue.
  public var connectionsMax = 1_024
  /// Connections that may wait in the kernel's queue.
  public var backlogConnectionsMax = 512
  /// For requests in hand when a stop is asked.
  public var stopMillisecondsMax = 8_000
  /// For the last 503s to leave after that.
  public var settleMillisecondsMax = 500
  /// Between two looks at all connections: deadlines and closed peers are noticed this much late.
  public var sweepMillisecondsMax = 500
  /// Silence after which an event stream sends a comment.
  public var heartbeatMillisecondsMax = 15_000

  public init() {}
}

/// Where and how a server listens.
public struct HTTPServerSettings: Sendable {
  /// A numeric address or a name: "127.0.0.1", "::1", "0.0.0.0", "::" (IPv6 and IPv4), "localhost".
  public var host: String
  /// 0 takes a free port: ask ``HTTPServer/boundPort``.
  public var port: Int
  public var limits: HTTPServerLimits

  public init(host: String = "127.0.0.1", port: Int, limits: HTTPServerLimits = HTTPServerLimits()) {
    self.host = host
    self.port = port
    self.limits = limits
  }
}

/// Why a server does not run.
public struct HTTPServerFailure: Error, Sendable, Equatable, CustomStringConvertible {
  public enum Kind: Sendable, Equatable {
    /// Another process listens there.
    case addressInUse
    /// The host is not one of this machine, cannot be resolved, or the port is not 0...65535.
    case badAddress
    /// This process may not listen there.
    case notPermitted
    /// It has stopped.
    case stopped
    /// `run` was called a second time.
    case alreadyRun
    case other
  }

  public let kind: Kind
  /// What happened and what to do about it.
  public let description: String

  init(_ kind: Kind, _ description: String) {
    self.kind = kind
    self.description = description
  }
}
