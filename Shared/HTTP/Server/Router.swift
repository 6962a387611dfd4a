// Which handler answers which request: routes by method and path pattern, with middleware around them.

/// Answers one request. Throw a ``Problem`` to refuse; any other error becomes a plain 500.
///
/// It is cancelled when the client goes away, when it exceeds its time and when the server's stop limit is reached.
public typealias RequestHandler = @Sendable (Request) async throws -> Response

/// A function around a handler: it may refuse before, change the request, call `next` or not, and change the response.
/// A ``Problem`` thrown inside comes out of `next` as an error.
public typealias Middleware = @Sendable (_ request: Request, _ next: RequestHandler) async throws -> Response

/// What is said to a request that no handler sees the end of: a body that is too long, a handler that takes too long, a server that stops. Called on the
/// server's own thread: it must neither block nor take long. The request has no body.
public typealias RefusalAnswer = @Sendable (_ problem: Problem, _ request: Request) -> Response

/// Limits of one route that differ from the server's.
public struct RouteLimits: Sendable {
  /// Longest request body, bytes.
  public var bodyBytesMax: Int?
  /// Longest time from the end of the headers to the end of the body.
  public var bodyMillisecondsMax: Int?
  /// Longest time a handler may take to return its response (what a stream writes afterwards does not count).
  public var handlerMillisecondsMax: Int?

  public init(bodyBytesMax: Int? = nil, bodyMillisecondsMax: Int? = nil, handlerMillisecondsMax: Int? = nil) {
    self.bodyBytesMax = bodyBytesMax
    self.bodyMillisecondsMax = bodyMillisecondsMax
    self.handlerMillisecondsMax = handlerMillisecondsMax
  }
}

/// Routes by method and pattern.
///
/// A pattern is a path whose parts are literal or `{name}` (one whole part); the last may be `{name...}` (the rest, at least one part).
/// Literal parts win over named ones. `HEAD` is answered from the `GET` route, `OPTIONS` with the allowed methods.
/// No part is normalised: `/a/` and `/a` are different, `//` matches nothing.
public struct Router: Sendable {
  struct Route: Sendable {
    enum Action: Sendable {
      case handler(RequestHandler)
      case immediate(@Sendable (Request) -> Response)
    }

    let method: HTTPMethod
    let pattern: String
    let names: [String]
    let limits: RouteLimits
    let need: RouteNeed?
    let action: Action
  }

  enum Finding: Sendable {
    case route(Route, parameters: [String: String])
    /// The path exists, not with this method; sorted.
    case otherMethods([HTTPMethod])
    case nothing
  }

  private struct Node: Sendable {
    var literals: [String: Node] = [:]
    var named: [Node] = []  // none or one; an array because a struct cannot hold itself
    var here: [HTTPMethod: Route] = [:]
    var rest: [HTTPMethod: Route] = [:]
  }

  /// Tells problems as they are.
  public static let problems: RefusalAnswer = { problem, _ in problem.response }

  private let middleware: [Middleware]
  let refusing: RefusalAnswer
  private let guarding: RouteGuard?
  private let guarded: [Middleware]
  private var root = Node()
  private var prefix = ""
  private var inGroup: [Middleware] = []

  /// `middleware` goes around every route and around the answers to unknown paths and methods; the first is the outermost.
  ///
  /// - Parameter guarding: asked before every handler, inside the router's own middleware. Where there is one, a route of which nobody said what it needs
  ///   answers nobody (``undeclared``).
  /// - Parameter guarded: goes around every handler too, but behind the guard: it knows who asks.
  /// - Parameter refusing: words what the server itself refuses; as problems are told unless there is one.
  public init(
    middleware: [Middleware] = [], guarding: RouteGuard? = nil, guarded: [Middleware] = [],
    refusing: @escaping RefusalAnswer = Router.problems
  ) {
    self.middleware = middleware
    self.refusing = refusing
    self.guarding = guarding
    self.guarded = guarded
  }

  public mutating func get(_ pattern: String, limits: RouteLimits = RouteLimits(), handler: @escaping RequestHandler) {
    on(.get, pattern, limits: limits, handler: handler)
  }

  public mutating func post(_ pattern: String, limits: RouteLimits = RouteLimits(), handler: @escaping RequestHandler) {
    on(.post, pattern, limits: limits, handler: handler)
  }

  public mutating func put(_ pattern: String, limits: RouteLimits = RouteLimits(), handler: @escaping RequestHandler) {
    on(.put, pattern, limits: limits, handler: handler)
  }

  public mutating func patch(_ pattern: String, limits: RouteLimits = RouteLimits(), handler: @escaping RequestHandler) {
    on(.patch, pattern, limits: limits, handler: handler)
  }

  public mutating func delete(_ pattern: String, limits: RouteLimits = RouteLimits(), handler: @escaping RequestHandler) {
    on(.delete, pattern, limits: limits, handler: handler)
  }

  /// Adds a route. A malformed pattern or one already taken is a mistake in the program and ends it at start.
  ///
  /// - Parameter need: what a guarded router asks of the caller.
  public mutating func on(
    _ method: HTTPMethod, _ pattern: String, need: RouteNeed? = nil, limits: RouteLimits = RouteLimits(), handler: @escaping RequestHandler
  ) {
    var around = guarded + inGroup
    if let guarding {
      around.insert(
        { request, next in
          guard let need else { throw Problem(.forbidden, detail: "nobody may call this: the service does not say who may") }
          return try await next(try await guarding(request, need))
        }, at: 0)
    }
    insert(method, pattern, limits, need, .handler(Router.wrap(handler, in: middleware + around)))
  }

  /// A route answered at once on the server's own thread, without a task and without middleware: for health checks.
  /// `answer` must neither block nor take long, since every other connection waits for it.
  public mutating func immediate(_ method: HTTPMethod, _ pattern: String, answer: @escaping @Sendable (Request) -> Response) {
    insert(method, pattern, RouteLimits(bodyBytesMax: 0), nil, .immediate(answer))
  }

  /// Routes under a common prefix ("/v1" or "") with further middleware inside the router's own.
  public mutating func group(_ prefix: String, middleware: [Middleware] = [], _ add: (inout Router) -> Void) {
    let before = (self.prefix, inGroup)
    self.prefix += prefix
    inGroup += middleware
    add(&self)
    (self.prefix, inGroup) = before
  }

  /// Answers a request without a network, as the server would; for tests and for calls inside a process.
  /// Throws what a handler threw unless that was a ``Problem``.
  public func respond(to request: Request) async throws -> Response {
    let (request, action) = prepared(request, find(request.method, request.segments))
    switch action {
    case .immediate(let answer): return answer(request)
    case .handler(let handler):
      do { return try await handler(request) } catch let problem as Problem { return problem.response }
    }
  }

  /// The patterns with their methods, sorted: for documentation and for tests of it.
  public var routes: [String] { registered.map { "\($0.method) \($0.pattern)" }.sorted() }

  /// Routes that answer nobody, because the router is guarded and nobody said what they need: a mistake in the program.
  public var undeclared: [RegisteredRoute] { guarding == nil ? [] : registered.filter { $0.need == nil && !$0.isImmediate } }

  /// The routes with what each asks of its caller, sorted.
  public var registered: [RegisteredRoute] {
    func all(_ node: Node) -> [RegisteredRoute] {
      (Array(node.here.values) + Array(node.rest.values)).map(RegisteredRoute.init)
        + node.literals.values.flatMap(all) + node.named.flatMap(all)
    }
    return all(root).sorted()
  }
}

// MARK: - Finding a route

extension Router {
  func find(_ method: HTTPMethod, _ segments: [String]) -> Finding {
    var values: [String] = []
    var others: Set<HTTPMethod> = []
    if let route = search(root, method, segments[...], &values, &others) {
      return .route(route, parameters: Dictionary(zip(route.names, values)) { first, _ in first })
    }
    guard !others.isEmpty else { return .nothing }
    if others.contains(.get) { others.insert(.head) }
    others.insert(.options)
    return .otherMethods(others.sorted { $0.rawValue < $1.rawValue })
  }

  private func search(
    _ node: Node, _ method: HTTPMethod, _ segments: ArraySlice<String>, _ values: inout [String], _ others: inout Set<HTTPMethod>
  ) -> Route? {
    guard let first = segments.first else { return choose(node.here, method, &others) }
    let rest = segments.dropFirst()
    if let next = node.literals[first], let route = search(next, method, rest, &values, &others) { return route }
    let mark = values.count
    // An empty part is never a value: "/customers/" is not the customer with the empty name.
    if let next = node.named.first, !first.isEmpty {
      values.append(first)
      if let route = search(next, method, rest, &values, &others) { return route }
      values.removeLast(values.count - mark)
    }
    guard let route = choose(node.rest, method, &others) else { return nil }
    values.append(segments.joined(separator: "/"))
    return route
  }

  private func choose(_ routes: [HTTPMethod: Route], _ method: HTTPMethod, _ others: inout Set<HTTPMethod>) -> Route? {
    if let route = routes[method] ?? (method == .head ? routes[.get] : nil) { return route }
    others.formUnion(routes.keys)
    return nil
  }

  /// What answers a request given what was found for it.
  func prepared(_ request: Request, _ finding: Finding) -> (Request, Route.Action) {
    var request = request
    switch finding {
    case .route(let route, let parameters):
      request.route = route.pattern
      request.parameters = parameters
      return (request, route.action)
    case .otherMethods(let methods):
      if request.method == .options {
        let response = Response(.noContent, headers: Router.methodNotAllowed(methods).headers)
        return (request, .handler(Router.wrap({ _ in response }, in: middleware)))
      }
      return (request, .handler(Router.wrap({ _ in throw Router.methodNotAllowed(methods) }, in: middleware)))
    case .nothing:
      return (request, .handler(Router.wrap({ _ in throw Problem(.notFound) }, in: middleware)))
    }
  }

  static func methodNotAllowed(_ methods: [HTTPMethod]) -> Problem {
    let allow = methods.map(\.rawValue).joined(separator: ", ")
    return Problem(.methodNotAllowed, detail: "this path answers \(allow)", headers: ["Allow": allow])
  }

  private static func wrap(_ handler: @escaping RequestHandler, in middleware: [Middleware]) -> RequestHandler {
    middleware.reversed().reduce(handler) { next, around in { request in try await around(request, next) } }
  }
}

// MARK: - Adding a route

extension Router {
  private enum Part { case literal(String), named, rest }

  private mutating func insert(_ method: HTTPMethod, _ pattern: String, _ limits: RouteLimits, _ need: RouteNeed?, _ action: Route.Action) {
    let pattern = prefix + pattern
    let (parts, names) = Router.parts(of: pattern)
    let route = Route(method: method, pattern: pattern, names: names, limits: limits, need: need, action: action)
    Router.insert(route, parts[...], into: &root)
  }

  private static func insert(_ route: Route, _ parts: ArraySlice<Part>, into node: inout Node) {
    switch parts.first {
    case nil:
      precondition(node.here[route.method] == nil, "the route \(route.method) \(route.pattern) is taken")
      node.here[route.method] = route
    case .rest:
      precondition(node.rest[route.method] == nil, "the route \(route.method) \(route.pattern) is taken")
      node.rest[route.method] = route
    case .named:
      if node.named.isEmpty { node.named = [Node()] }
      insert(route, parts.dropFirst(), into: &node.named[0])
    case .literal(let text):
      insert(route, parts.dropFirst(), into: &node.literals[text, default: Node()])
    }
  }

  private static func parts(of pattern: String) -> ([Part], [String]) {
    precondition(pattern.hasPrefix("/"), "the pattern \(pattern) does not begin with a slash")
    var names: [String] = []
    let texts = pattern.dropFirst().split(separator: "/", omittingEmptySubsequences: false)
    let parts = texts.enumerated().map { index, text -> Part in
      guard text.contains("{") || text.contains("}") else { return .literal(String(text)) }
      precondition(text.hasPrefix("{") && text.hasSuffix("}"), "a named part of \(pattern) is not a whole part")
      var name = text.dropFirst().dropLast()
      let isRest = name.hasSuffix("...")
      if isRest { name = name.dropLast(3) }
      precondition(!isRest || index == texts.count - 1, "the rest is not the last part of \(pattern)")
      precondition(HTTPHeaders.isToken(name.utf8) && !names.contains(String(name)), "a name in \(pattern) is empty, odd or repeated")
      names.append(String(name))
      return isRest ? .rest : .named
    }
    return (parts, names)
  }
}
