// Signing in at an identity provider, and coming back from there.
import Access
import ConsoleCore
import HTML
import HTTP
import Hashing
import Telemetry
import Text

struct ProviderPages: Sendable {
  let site: Site
  let provider: ConsoleSettings.Provider
  let pages: SignInPages

  static let path = "/sign-in/provider"
  static let backPath = "/sign-in/back"
  /// Somebody may take so long at the provider, in seconds.
  private static let seconds: Int64 = 600

  func add(to router: inout Router) {
    router.on(.get, ProviderPages.path, need: Permission.everybody.need) { try await leave(Visit(site, $0)) }
    router.on(.get, ProviderPages.backPath, need: Permission.everybody.need) { try await comeBack(Visit(site, $0)) }
  }

  /// What only this browser knows while somebody is away: everything that has to fit afterwards is made of it.
  private struct Trip {
    let secret: SessionSecret
    let target: String

    func word(_ purpose: String) throws -> String {
      Base64URL.encode(try secret.hash(purpose))
    }

    /// As a cookie has it.
    var text: String { secret.text + "." + Base64URL.encode(Array(target.utf8)) }

    init(secret: SessionSecret, target: String) {
      self.secret = secret
      self.target = target
    }

    init?(_ text: String) {
      let parts = text.split(separator: ".", omittingEmptySubsequences: false)
      guard parts.count == 2, let secret = SessionSecret(String(parts[0])), let target = Base64URL.decode(Array(parts[1].utf8)) else { return nil }
      self.init(secret: secret, target: String(decoding: target, as: UTF8.self))
    }
  }

  private var cookie: String { site.isSecure ? "__Host-sign-in" : "sign-in" }

  private func redirect(_ visit: Visit) -> String {
    site.origin(of: visit.request) + ProviderPages.backPath
  }

  private func leave(_ visit: Visit) async throws -> Response {
    let trip = Trip(
      secret: SessionSecret(random: try site.random(SessionSecret.bytes)), target: SignInPages.safe(visit.request.query[SignInPages.target]))
    let challenge = try Hasher256.sha256(try trip.word("verifier"))
    let address: String
    do throws(SignInFailure) {
      address = try await provider.party.address(
        redirect: redirect(visit), state: try word(trip, "state"), nonce: try word(trip, "nonce"), challenge: Base64URL.encode(challenge))
    } catch { return refuse(visit, error) }
    var headers: HTTPHeaders = ["Location": address, "Cache-Control": "no-store", "Referrer-Policy": "no-referrer"]
    headers.add("Set-Cookie", site.cookie(cookie, trip.text, seconds: ProviderPages.seconds))
    return Response(.seeOther, headers: headers)
  }

  private func word(_ trip: Trip, _ purpose: String) throws(SignInFailure) -> String {
    do { return try trip.word(purpose) } catch { throw .provider("\(error)") }
  }

  private func comeBack(_ visit: Visit) async throws -> Response {
    let query = visit.request.query
    guard let trip = Site.cookie(cookie, of: visit.request).flatMap({ Trip($0) }), let state = query["state"],
      areEqual(Array(state.utf8), Array(try trip.word("state").utf8))
    else { return refuse(visit, .mismatch) }
    guard let code = query["code"] else { return refuse(visit, .provider("it said \((query["error"] ?? "nothing").prefix(100))")) }
    let found: (principal: Principal, tokens: ProviderTokens)
    do throws(SignInFailure) {
      found = try await provider.party.signIn(
        code: code, redirect: redirect(visit), verifier: try word(trip, "verifier"), nonce: try word(trip, "nonce"))
    } catch { return refuse(visit, error) }
    guard !found.principal.roles.isEmpty else { return pages.show(visit, fault: SignInText.roleless) }
    return try await pages.begin(
      found.principal, visit, tokens: found.tokens, then: SignInPages.safe(trip.target), cookies: [site.cookie(cookie, "", seconds: 0)])
  }

  private func refuse(_ visit: Visit, _ failure: SignInFailure) -> Response {
    site.logger.warning("nobody was signed in", [.error: .describing(failure)])
    return pages.show(visit, fault: SignInText.refused)
  }
}
