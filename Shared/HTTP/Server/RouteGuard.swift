// Who may call a route: what each route asks for, and who checks it before the handler runs.

/// What a caller must be allowed to do so that a route answers. The words belong to whoever guards the router.
public struct RouteNeed: Hashable, Sendable {
  public let word: String
  public init(_ word: String) { self.word = word }
}

/// Lets a request to a route with this need through, with ``Request/caller`` set, or throws a ``Problem``.
public typealias RouteGuard = @Sendable (_ request: Request, _ need: RouteNeed) async throws -> Request

/// A route as it was registered.
public struct RegisteredRoute: Hashable, Sendable, Comparable {
  public let method: HTTPMethod
  public let pattern: String
  /// nil: nobody said.
  public let need: RouteNeed?
  /// Answered at once and to everybody.
  public let isImmediate: Bool

  init(_ route: Router.Route) {
    method = route.method
    pattern = route.pattern
    need = route.need
    if case .immediate = route.action { isImmediate = true } else { isImmediate = false }
  }

  public static func < (left: RegisteredRoute, right: RegisteredRoute) -> Bool {
    (left.pattern, left.method.rawValue) < (right.pattern, right.method.rawValue)
  }
}
