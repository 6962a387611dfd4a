// What all requests of a server share: routes, limits, log and metrics.

import Telemetry

/// Told of each finished request: method (registered ones, else "OTHER"), the route's pattern ("none" when no route matched),
/// status (499: the client left before its answer) and seconds from the request line to the last byte.
public typealias RequestObserver = @Sendable (_ method: String, _ route: String, _ status: Int, _ seconds: Double) -> Void

final class ServerCore: Sendable {
  static let stopping = Problem(.serviceUnavailable, detail: "the server is stopping", headers: ["Retry-After": "1"])
  static let tooLong = Problem(.serviceUnavailable, detail: "the request took too long", headers: ["Retry-After": "1"])
  static let broken = Problem(.internalServerError)

  let router: Router
  let limits: HTTPServerLimits
  let registry: ConnectionRegistry
  let suspensions = Suspensions()
  let logger: Logger
  private let observer: RequestObserver?
  // One for each kind of line, so that a noisy kind does not hide another.
  private let libraryLines = LogLimiter(linesMax: 10, windowSeconds: 10)
  private let errorLines = LogLimiter(linesMax: 20, windowSeconds: 10)
  private let slowLines = LogLimiter(linesMax: 10, windowSeconds: 10)

  init(_ router: Router, _ limits: HTTPServerLimits, _ logger: Logger, _ observer: RequestObserver?) {
    self.router = router
    self.limits = limits
    self.registry = ConnectionRegistry(limits: limits)
    self.logger = logger
    self.observer = observer
  }

  // MARK: limits of a request

  /// Longest body in bytes and in milliseconds. A body nobody will read is refused before it is sent.
  func bodyLimits(_ finding: Router.Finding, _ head: RequestHead) throws(Problem) -> (bytes: Int, milliseconds: Int) {
    switch finding {
    case .route(let route, _):
      return (route.limits.bodyBytesMax ?? limits.bodyBytesMax, route.limits.bodyMillisecondsMax ?? limits.bodyMillisecondsMax)
    case .otherMethods(let methods):
      guard head.body == .none else { throw Router.methodNotAllowed(methods) }
    case .nothing:
      guard head.body == .none else { throw Problem(.notFound) }
    }
    return (0, limits.bodyMillisecondsMax)
  }

  func handlerLimit(_ finding: Router.Finding) -> Int {
    if case .route(let route, _) = finding, let own = route.limits.handlerMillisecondsMax { return own }
    return limits.handlerMillisecondsMax
  }

  // MARK: responses

  /// A response that can be sent as it is; one that cannot is a handler's mistake and becomes a 500.
  func sendable(_ response: Response, _ request: Request) -> Response {
    var response = response
    for name in ResponseWriter.ownHeaders where response.headers.contains(name) { response.headers[name] = nil }
    let bytes = response.headers.fields.reduce(0) { $0 + $1.name.utf8.count + $1.value.utf8.count + 4 }
    let isSound = response.headers.isValid && bytes <= ResponseWriter.headerBytesMax && (200...599).contains(response.status.rawValue)
    guard isSound else {
      logger.log(
        .error, limitedBy: errorLines, "a handler's response cannot be sent: its status or a header is malformed, or headers are too long",
        [.method: .string(request.method.label), .path: .string(request.route ?? "none")])
      return ServerCore.broken.response
    }
    return response
  }

  /// What the client is told that no handler answers; nil: not even its request could be read.
  func refusal(_ problem: Problem, _ request: Request?) -> Response {
    guard let request else { return problem.response }
    return sendable(router.refusing(problem, request), request)
  }

  /// What the client is told of an error. Of one that is no ``Problem`` it learns nothing but that it happened.
  func response(to error: any Error, _ request: Request) -> Response {
    if let problem = error as? Problem { return sendable(problem.response, request) }
    // A cancelled handler fails in its own way; its client is gone, or has its answer already.
    if Task.isCancelled { return ServerCore.broken.response }
    logger.log(
      .error, limitedBy: errorLines, "a request failed",
      [.method: .string(request.method.label), .path: .string(request.route ?? "none"), .error: .describing(error)])
    return ServerCore.broken.response
  }

  // MARK: log and metrics

  func streamFailed(_ error: any Error, _ request: Request) {
    if error is StreamFailure || Task.isCancelled { return }
    logger.log(
      .error, limitedBy: errorLines, "a response was cut: what wrote its body failed",
      [.method: .string(request.method.label), .path: .string(request.route ?? "none"), .error: .describing(error)])
  }

  func tookTooLong(_ route: String?) {
    logger.log(.warning, limitedBy: slowLines, "a request took too long and was answered with 503", [.path: .string(route ?? "none")])
  }

  func couldNotSend(_ route: String?) {
    logger.log(.error, limitedBy: errorLines, "a response could not be sent: out of memory", [.path: .string(route ?? "none")])
  }

  func libraryLine(_ line: String) {
    logger.log(.debug, limitedBy: libraryLines, "libmicrohttpd", [.reason: .string(line)])
  }

  func observe(_ method: HTTPMethod, _ route: String?, _ status: Int, _ nanoseconds: Int64) {
    observer?(method.label, route ?? "none", status, Double(nanoseconds) / 1e9)
    // Neither path nor query: both may name a person.
    logger.debug(
      "request",
      [
        .method: .string(method.label), .path: .string(route ?? "none"), .status: .int(status),
        .milliseconds: .double(Double(nanoseconds) / 1e6),
      ])
  }
}
