// From the text of a token to whom it is for, or to the rule it broke.
import Hashing
import Text

/// Believes tokens of the suite's own key, of one identity provider, or of both.
public struct TokenVerifier: Sendable {
  private let builtIn: [String: SharedKey]
  private let builtInRules: TokenRules
  private let issuer: (rules: TokenRules, store: KeyStore)?
  private let fixed: StaticToken?
  private let now: @Sendable () -> Int64

  /// - Parameters:
  ///   - builtIn: the suite's own keys; none: tokens of that kind are not taken.
  ///   - audience: whom those tokens are for.
  ///   - issuer: what tokens of the identity provider are held to, and its keys.
  ///   - fixed: a fixed secret that is taken too.
  ///   - now: seconds since 1970 by the machine's clock.
  public init(
    builtIn: [BuiltInKey] = [], audience: String = BuiltInKey.issuer, issuer: (rules: TokenRules, store: KeyStore)? = nil,
    fixed: StaticToken? = nil, now: @escaping @Sendable () -> Int64
  ) {
    self.builtIn = Dictionary(builtIn.map { ($0.kid, $0.key) }) { first, _ in first }
    builtInRules = TokenRules(issuer: BuiltInKey.issuer, audience: audience)
    self.issuer = issuer
    self.fixed = fixed
    self.now = now
  }

  /// Whom a token is for.
  public func principal(_ text: some Collection<UInt8> & Sendable) async throws(TokenRefusal) -> Principal {
    if let fixed, fixed.matches(text) { return Principal(issuer: BuiltInKey.issuer, subject: fixed.subject, roles: [.service]) }
    let token = try CompactToken(text)
    // The name of a key says which algorithm it is for; what the token says of that must be the same, and decides nothing.
    if let key = builtIn[token.kid] {
      guard token.algorithm == "HS256" else { throw .algorithm }
      guard key.verifies(token.signature, of: token.signed) else { throw .signature }
      return try builtInRules.principal(try token.claims(), now: now())
    }
    return try await byIssuer(token).principal
  }

  /// A token of the identity provider, with what it claims besides.
  func verified(_ text: some Collection<UInt8> & Sendable) async throws(TokenRefusal) -> (principal: Principal, claims: JSONValue) {
    try await byIssuer(try CompactToken(text))
  }

  private func byIssuer(_ token: CompactToken) async throws(TokenRefusal) -> (principal: Principal, claims: JSONValue) {
    guard let issuer, let key = try await issuer.store.key(token.kid) else { throw .key }
    guard token.algorithm == key.algorithm.rawValue else { throw .algorithm }
    guard key.verifies(token.signature, of: token.signed) else { throw .signature }
    let claims = try token.claims()
    return (try issuer.rules.principal(claims, now: now()), claims)
  }
}
