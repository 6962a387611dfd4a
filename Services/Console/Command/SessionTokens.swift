// An identity provider's tokens in a session: sealed in the table, opened for a request, renewed before they end.
import Access
import ConsoleCore
import ConsoleStore
import Hashing
import Postgres
import Telemetry
import Text

/// How tokens stand in the table.
enum SessionTokens {
  /// Renewed so many seconds before they end.
  static let earlySeconds: Int64 = 60

  static func sealed(_ tokens: ProviderTokens, _ secret: SessionSecret, _ provider: ConsoleSettings.Provider, nonce: [UInt8]) throws -> [UInt8] {
    let json: JSONValue = ["access": .text(tokens.access), "refresh": .textOrNull(tokens.refresh), "ends_at": .integer(tokens.endsAt)]
    return try provider.seal.seal(json.encoded, context: try secret.hash, nonce: nonce)
  }

  /// nil: they cannot be opened, as after the key was changed.
  static func opened(_ sealed: [UInt8], _ secret: SessionSecret, _ provider: ConsoleSettings.Provider) throws -> ProviderTokens? {
    guard let bytes = provider.seal.open(sealed, context: try secret.hash), let json = try? JSONValue(bytes), let access = json["access"]?.stringValue,
      let end = json["ends_at"]?.int64Value
    else { return nil }
    return ProviderTokens(access: access, refresh: json["refresh"]?.stringValue, endsAt: end)
  }
}

/// Renews tokens, one request to the provider for a session at a time: some providers take a token that renews others back once it was used.
actor TokenRenewal {
  private var running: [[UInt8]: Task<SignedIn?, Never>] = [:]

  /// Somebody with tokens that are good for a while yet; nil: who it is must be shown anew.
  func fresh(_ caller: SignedIn, _ site: Site) async throws -> SignedIn? {
    guard let provider = site.settings.provider, let tokens = caller.tokens else { return caller }
    guard tokens.endsAt - SessionTokens.earlySeconds <= site.now() / 1_000_000 else { return caller }
    let name = try caller.secret.hash
    if let task = running[name] { return await task.value }
    let task = Task { await TokenRenewal.renew(caller, tokens, provider, site) }
    running[name] = task
    let renewed = await task.value
    running[name] = nil
    return renewed
  }

  private static func renew(_ caller: SignedIn, _ tokens: ProviderTokens, _ provider: ConsoleSettings.Provider, _ site: Site) async -> SignedIn? {
    let secret = caller.secret
    do {
      // Another process may have renewed them since.
      let stored = try await site.pool.withSession { try SessionRows.find(secret, $0) }
      guard let stored, let sealed = stored.tokens else { return nil }
      if sealed != caller.session.tokens, let newer = try SessionTokens.opened(sealed, secret, provider) {
        return SignedIn(principal: stored.principal, session: stored, secret: secret, tokens: newer)
      }
      guard let refresh = tokens.refresh else { return nil }
      let (principal, renewed) = try await provider.party.renewed(refresh)
      guard principal.subject == caller.principal.subject, principal.issuer == caller.principal.issuer else { return nil }
      let kept = try SessionTokens.sealed(renewed, secret, provider, nonce: try site.random(12))
      let roles = principal.roles.map(\.rawValue).sorted()
      try await site.pool.transaction { try SessionRows.keep(kept, roles: roles, secret, $0) }
      var session = stored
      (session.tokens, session.roles) = (kept, roles)
      return SignedIn(principal: session.principal, session: session, secret: secret, tokens: renewed)
    } catch {
      site.logger.info("a session cannot be renewed", [.error: .describing(error)])
      return nil
    }
  }
}
