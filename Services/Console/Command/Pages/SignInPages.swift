// Signing in and out. With the suite's own key people sign in by a code that `clientele sign-in` makes: it holds ten minutes, and once.
import Access
import ConsoleCore
import ConsoleStore
import Domain
import HTML
import HTTP
import Hashing
import Postgres
import Runtime
import Telemetry


struct SignInPages: Sendable {
  let site: Site
  private let codes: TokenVerifier
  private let limiter = RequestLimiter(requestsPerMinuteMax: SignInPages.triesPerMinuteMax)

  init(site: Site) {
    self.site = site
    let now = site.now
    codes = TokenVerifier(builtIn: site.access.keys, audience: BuiltInKey.signInAudience, now: { now() / 1_000_000 })
  }

  static let path = "/sign-in"
  /// Where somebody wanted to go.
  static let target = "then"
  /// Of one address, right ones and wrong ones.
  static let triesPerMinuteMax = 30
  private static let codeBytesMax = 4_096

  func add(to router: inout Router) {
    router.on(.get, SignInPages.path, need: Permission.everybody.need) { show(Visit(site, $0)) }
    router.on(.post, SignInPages.path, need: Permission.everybody.need, limits: RouteLimits(bodyBytesMax: Pages.formBytesMax)) {
      try await signIn(Visit(site, $0))
    }
    router.form("/sign-out", site, needs: nil) { try await signOut($0) }
    guard let provider = site.settings.provider else { return }
    ProviderPages(site: site, provider: provider, pages: self).add(to: &router)
  }

  // MARK: - Pages

  func show(_ visit: Visit, fault: LocalizedName? = nil) -> Response {
    let words = SignInText.self
    let then = SignInPages.safe(visit.request.query[SignInPages.target])
    if site.settings.provider != nil {
      return visit.page(visit.say(words.title), nil, status: fault == nil ? .ok : .unprocessable) {
        Element(.h1, visit.say(words.title))
        if let fault { Notice.fault(visit.say(fault)) }
        Element(.p, visit.say(words.provider))
        Element(.p) {
          let way = visit.target(ProviderPages.path, [(name: SignInPages.target, value: then)])
          Element(.a, [.class("button main")] + Parts.href(way), visit.say(words.enter))
        }
      }
    }
    let code = visit.request.query["code"] ?? ""
    return visit.page(visit.say(words.title), nil, status: fault == nil ? .ok : .unprocessable) {
      Element(.h1, visit.say(words.title))
      if let fault { Notice.fault(visit.say(fault)) }
      Element(.form, [.method(.post), .class("sheet")] + Parts.action(visit.target(SignInPages.path))) {
        Parts.hidden(SignInPages.target, then)
        if site.access.isOff {
          Element(.p, visit.say(words.open))
        } else if site.access.keys.isEmpty {
          Element(.p, visit.say(words.none))
        } else {
          Element(.p, visit.say(words.how))
          Parts.field(
            visit.say(words.code), "code", value: code, [.label(.autocomplete, "one-time-code"), .on(.required)])
        }
        if site.access.isOff || !site.access.keys.isEmpty { Element(.button, [.class("main")], visit.say(words.enter)) }
      }
    }
  }

  private func signIn(_ visit: Visit) async throws -> Response {
    let form = try visit.request.form()
    let now = site.now()
    let (peer, forwarded) = (visit.request.peer, visit.request.headers.all("X-Forwarded-For"))
    let address = ClientAddress.of(peer: peer, forwarded: forwarded, hops: site.settings.proxyHops)
    if let seconds = limiter.refused(address, now: now * 1_000) { throw SessionGuard.tooMany(seconds) }
    let principal: Principal
    if site.settings.provider != nil { return show(visit) }
    if site.access.isOff {
      principal = Principal(issuer: "", subject: "local", roles: [.admin])
    } else {
      let code = String((form["code"] ?? "").filter { $0 != " " && $0 != "\n" && $0 != "\r" })
      guard !site.access.keys.isEmpty, code.utf8.count <= SignInPages.codeBytesMax else { return show(visit, fault: SignInText.wrong) }
      do throws(TokenRefusal) { principal = try await codes.principal(Array(code.utf8)) } catch {
        site.logger.info("a code to sign in was refused", ["rule": .string(error.rawValue)])
        return show(visit, fault: error == .expired ? SignInText.late : SignInText.wrong)
      }
      let hash = try Hasher256.sha256(code)
      let end = now + Int64(BuiltInKey.signInSeconds + 120) * 1_000_000
      guard try await site.pool.transaction({ try SessionRows.use(code: hash, until: end, at: now, $0) }) else {
        return show(visit, fault: SignInText.used)
      }
    }
    return try await begin(principal, visit, then: SignInPages.safe(form[SignInPages.target]))
  }

  /// A new session, whatever the browser had before: a secret that somebody else put there is worth nothing.
  ///
  /// - Parameter tokens: an identity provider's.
  func begin(_ principal: Principal, _ visit: Visit, tokens: ProviderTokens? = nil, then path: String, cookies: [String] = []) async throws -> Response {
    let (now, old) = (site.now(), visit.caller?.secret)
    let secret = SessionSecret(random: try site.random(SessionSecret.bytes))
    var new = Session(principal, beganAt: now, seconds: SessionRules.lifetimeSeconds)
    if let tokens, let provider = site.settings.provider {
      new.tokens = try SessionTokens.sealed(tokens, secret, provider, nonce: try site.random(12))
    }
    let session = new
    try await site.pool.transaction { database in
      if let old { try SessionRows.end(old, database) }
      try SessionRows.begin(secret, session, database)
    }
    site.logger.info("somebody signed in", ["subject": .string(principal.subject), "roles": .string(session.roles.joined(separator: " "))])
    return visit.go(to: path, cookies: cookies + [site.cookie(site.sessionCookie, secret.text, seconds: nil)])
  }

  private func signOut(_ visit: Visit) async throws -> Response {
    if let secret = visit.caller?.secret { try await site.pool.transaction { try SessionRows.end(secret, $0) } }
    return visit.go(to: SignInPages.path, cookies: [site.cookie(site.sessionCookie, "", seconds: 0)])
  }

  /// A place of this site, else its first page: a link must not lead somebody who signs in to another site.
  static func safe(_ path: String?) -> String {
    guard let path, path.hasPrefix("/"), !path.hasPrefix("//"), PageTarget(path) != nil, !path.hasPrefix(SignInPages.path) else { return "/" }
    return path
  }
}

enum SignInText {
  static let title = LocalizedName(en: "Sign in", zh: "登录")
  static let how = LocalizedName(
    en: "Enter the code that `clientele sign-in` printed. It holds for ten minutes, and once.", zh: "请输入 clientele sign-in 输出的登录码。十分钟内有效，仅可使用一次。")
  static let provider = LocalizedName(en: "You sign in at your identity provider and come back here.", zh: "将前往身份提供方登录，完成后返回此处。")
  static let refused = LocalizedName(
    en: "The identity provider did not sign you in, or with nothing that holds here. Try again; the log of the console says why.",
    zh: "身份提供方未完成登录，或返回的凭据不可用。请重试；原因见控制台日志。")
  static let roleless = LocalizedName(
    en: "The identity provider names no role of this suite for you. Ask whoever looks after access.", zh: "身份提供方未为您指定本套件的角色，请联系权限管理员。")
  static let code = LocalizedName(en: "Code", zh: "登录码")
  static let enter = LocalizedName(en: "Sign in", zh: "登录")
  static let open = LocalizedName(en: "Access is switched off on this machine: everybody may do everything.", zh: "本机未启用访问控制：任何人均可进行任何操作。")
  static let none = LocalizedName(en: "Nobody can sign in here: the console has no key of the suite.", zh: "无法登录：控制台未配置套件密钥。")
  static let wrong = LocalizedName(en: "This is no code of this suite. Make a new one and enter the whole of it.", zh: "登录码无效。请重新生成并完整输入。")
  static let late = LocalizedName(en: "This code is older than ten minutes. Make a new one.", zh: "登录码已过期（十分钟）。请重新生成。")
  static let used = LocalizedName(en: "This code was used already. Make a new one.", zh: "登录码已使用过。请重新生成。")
}
