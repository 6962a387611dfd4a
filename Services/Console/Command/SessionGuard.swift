// In front of every page: who is signed in, and may they see it. Programs' routes are asked for tokens, as at every service.
import Access
import ConsoleCore
import ConsoleStore
import HTTP
import Postgres
import Telemetry

/// What pages need besides the permissions of the services.
enum PageNeed {
  /// To be signed in; what is shown depends on the roles.
  static let signedIn = RouteNeed("signed in")
  /// Nothing: it is the same for everybody, and nobody is looked for in the tables.
  static let file = RouteNeed("file")
}

struct SessionGuard: Sendable {
  let site: Site
  let tokens: RouteGuard
  private let renewal = TokenRenewal()
  private let limiter = RequestLimiter(requestsPerMinuteMax: SessionGuard.requestsPerMinuteMax)

  /// Of one session. A person needs a page a second at most, and pages ask once in five for newer figures.
  static let requestsPerMinuteMax = 600

  init(site: Site, tokens: @escaping RouteGuard) {
    self.site = site
    self.tokens = tokens
  }

  /// Who is not signed in, and comes to a page that asks for it.
  struct NotSignedIn: Error {}

  var guarding: RouteGuard {
    { request, need in
      // What programs ask for.
      if request.route?.hasPrefix("/v1/") ?? false || request.route == "/metrics" { return try await tokens(request, need) }
      guard site.isOwn(host: request.headers["Host"]) else {
        throw Problem(.badRequest, title: "Another site", detail: "this site has another name: CONSOLE_URL says which")
      }
      let isReading = [.get, .head].contains(request.method)
      guard isReading || request.isFromSite(site.origin(of: request)) else { throw SessionGuard.foreign }
      var request = request
      // What the console asks of the services is its own to say.
      request.headers[Access.Look.header] = nil
      if need == PageNeed.file || need == Permission.everybody.need {
        request.caller = need == PageNeed.file ? Principal.nobody : try await signedIn(request).map { $0 as any KnownCaller } ?? Principal.nobody
        return request
      }
      guard let caller = try await signedIn(request) else { throw NotSignedIn() }
      if let seconds = limiter.refused(caller.secret.text, now: site.now() * 1_000) { throw SessionGuard.tooMany(seconds) }
      request.caller = caller
      if !isReading { try SessionGuard.checkForm(request, caller.secret) }
      guard need != PageNeed.signedIn else { return request }
      guard let permission = Permission(rawValue: need.word) else { throw Problem(.forbidden) }
      try request.demand(permission)
      return request
    }
  }

  static func tooMany(_ seconds: Int64) -> Problem {
    Problem(.tooManyRequests, detail: "too many requests in a minute: go on in \(seconds) s", headers: ["Retry-After": String(seconds)])
  }

  static let foreign = Problem(.forbidden, title: "Another site", detail: "this form was sent from another site")

  /// Forms hold what only pages of the same session can know.
  static func checkForm(_ request: Request, _ secret: SessionSecret) throws {
    guard let token = try request.form()[FormToken.field], try secret.isOwn(token) else { throw foreign }
  }

  private func signedIn(_ request: Request) async throws -> SignedIn? {
    guard let secret = Site.cookie(site.sessionCookie, of: request).flatMap({ SessionSecret($0) }) else { return nil }
    let (now, rules) = (site.now(), site.settings.rules)
    guard let session = try await site.pool.withSession({ try SessionRows.find(secret, $0) }) else { return nil }
    guard !session.isOver(rules, at: now) else {
      try await site.pool.transaction { try SessionRows.end(secret, $0) }
      return nil
    }
    // A page that is left open asks by itself; that is no sign of a person.
    if session.isToBeSeen(at: now), request.route != LiveFigures.path {
      try await site.pool.transaction { try SessionRows.see(secret, at: now, $0) }
    }
    var caller = SignedIn(principal: session.principal, session: session, secret: secret)
    guard let provider = site.settings.provider else {
      // Of a time when people signed in by a provider: nothing could be shown to the services.
      return session.tokens == nil ? caller : nil
    }
    guard let sealed = session.tokens, let tokens = try SessionTokens.opened(sealed, secret, provider) else { return nil }
    caller.tokens = tokens
    return try await renewal.fresh(caller, site)
  }
}

enum FormToken {
  static let field = "form_token"
}

extension Session {
  var principal: Principal { Principal(issuer: issuer, subject: subject, name: name, staff: staff, roles: Set(roles.compactMap(Role.init))) }

  init(_ principal: Principal, beganAt: Int64, seconds: Int64) {
    self.init(
      issuer: principal.issuer, subject: principal.subject, name: principal.name, staff: principal.staff, roles: principal.roles.map(\.rawValue).sorted(),
      beganAt: beganAt, endsAt: beganAt + seconds * 1_000_000)
  }
}
