// Why a token is not believed: a word for programs and a sentence for people, neither of which says anything of the token.

/// The rule that a token broke.
public enum TokenRefusal: String, Error, Sendable, CaseIterable {
  case size, form, header, type, algorithm, key, critical, signature, claims, issuer, audience, subject, expired, notYet, lifetime
  /// The provider's keys cannot be had: nobody can be told from anybody else.
  case keysAway

  public var detail: String {
    switch self {
    case .size: "the token has more than \(CompactToken.bytesMax) bytes"
    case .form: "a token is three parts of base64url without padding, with dots between them"
    case .header: "the token's header is no JSON object that a signed token may have; it may bring no key of its own"
    case .type: "the token is of another type than JWT or at+jwt"
    case .algorithm: "the token names another algorithm than its key is for"
    case .key: "the token names no key that signs for this service"
    case .critical: "the token asks for extensions that this service does not have"
    case .signature: "the token's signature is not by its key"
    case .claims: "the token's claims are no JSON object with whole numbers for its times, each name once"
    case .issuer: "the token is by another issuer"
    case .audience: "the token is for somebody else"
    case .subject: "the token does not say whom it is for in 1 to \(Principal.textBytesMax) bytes"
    case .expired: "the token has expired: get a new one"
    case .notYet: "the token does not hold yet"
    case .lifetime: "the token holds for longer than \(TokenRules.lifetimeSecondsMax / 3_600) hours"
    case .keysAway: "the identity provider's keys cannot be had at the moment"
    }
  }
}
