// In front of every route: who asks, and may they.
public import HTTP
public import Telemetry

/// How callers are looked at.
public enum AccessGuard: Sendable {
  /// Everybody may do everything: on addresses that only this machine reaches.
  case off
  /// By tokens; with a limiter, no more often than that for one person. Programs bring what comes.
  case tokens(TokenVerifier, RequestLimiter? = nil)

  /// Refusals that the log has in a minute.
  private static let linesPerMinute = 60

  /// What a router asks before each handler.
  ///
  /// - Parameter now: nanoseconds on a clock that only grows.
  public func guarding(_ logger: Logger, now: @escaping @Sendable () -> Int64 = SystemTime.monotonicNanoseconds) -> RouteGuard {
    guard case .tokens(let verifier, let callers) = self else {
      return { request, need in
        if let open = AccessGuard.opened(request, need) { return open }
        guard AccessGuard.isFromHere(request) else { throw AccessProblem.foreign }
        return request
      }
    }
    let limiter = LogLimiter(linesMax: AccessGuard.linesPerMinute, windowSeconds: 60)
    return { request, need in
      if let open = AccessGuard.opened(request, need) { return open }
      guard let permission = Permission(rawValue: need.word) else { throw Problem(.forbidden) }
      let token = try AccessGuard.bearer(request)
      let principal: Principal
      do throws(TokenRefusal) { principal = try await verifier.principal(token) } catch {
        let fields: LogFields = ["rule": .string(error.rawValue), "route": .string(request.route ?? "")]
        logger.log(.info, limitedBy: limiter, "a caller was not believed", fields)
        throw AccessProblem.refused(error)
      }
      if let callers, !principal.roles.contains(.service), let seconds = callers.refused("\(principal.issuer) \(principal.subject)", now: now()) {
        throw AccessProblem.tooMany(retryAfter: seconds)
      }
      guard principal.may(permission) else {
        let fields: LogFields = [
          "subject": .string(principal.subject), "permission": .string(permission.rawValue), "route": .string(request.route ?? ""),
        ]
        logger.log(.info, limitedBy: limiter, "a caller lacks a permission", fields)
        throw AccessProblem.lacking(permission)
      }
      var known = request
      known.principal = principal
      return known
    }
  }

  /// As a route that is open to everybody gets it; nil: it is another one. Customers on their pages are nobody also where access is switched off, and no
  /// callers whose changes the trail has.
  private static func opened(_ request: Request, _ need: RouteNeed) -> Request? {
    guard need == Permission.everybody.need else { return nil }
    var open = request
    open.principal = .nobody
    return open
  }

  /// Whether a request is not that of another site's page in a browser of this machine, which reaches what nobody else does: by a name that was made to
  /// lead here, or with a form or a script of its own. Programs say nothing of where they come from.
  private static func isFromHere(_ request: Request) -> Bool {
    let host = request.headers["Host"]
    if let host, !Loopback.isLoopback(authority: host) { return false }
    return request.isFromSite("http://\(host ?? "")")
  }

  /// The token that a request carries.
  private static func bearer(_ request: Request) throws -> [UInt8] {
    let values = request.headers.all("Authorization")
    guard let value = values.first else { throw AccessProblem.missing }
    let scheme = value.prefix { $0 != " " }
    // Of two of them a proxy may have looked at the other.
    guard values.count == 1, scheme.lowercased() == "bearer" else { throw AccessProblem.missing }
    return Array(value.dropFirst(scheme.count).drop { $0 == " " }.utf8)
  }
}
