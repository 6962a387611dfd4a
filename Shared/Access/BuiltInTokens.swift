// The tokens of the suite's own: short-lived, made and checked with one shared key, for machines without an identity provider.
import Hashing
import Text

/// A shared key under the name that tokens give it.
public struct BuiltInKey: Sendable {
  /// The issuer and the audience of such tokens.
  public static let issuer = "clientele"
  /// The audience of codes that people sign in with: no service takes them for a token, and nobody signs in with a token.
  public static let signInAudience = "clientele sign-in"
  /// Keys that are taken at one time: the new one and those that it replaces.
  public static let keysMax = 4

  let kid: String
  let key: SharedKey

  /// Several keys have several names, so that one can be renewed while tokens by the former are under way.
  public init(_ secret: [UInt8]) throws {
    key = try SharedKey(secret)
    let name = try key.code(of: Array("clientele key name".utf8)).prefix(6)
    kid = "clientele-" + Base64URL.encode(Array(name))
  }

  /// The longest time for which a token is made, in seconds.
  public static let lifetimeSecondsMax = Int(TokenRules.lifetimeSecondsMax)
  /// The usual one: fifteen minutes.
  public static let lifetimeSecondsUsual = 900

  /// A token for somebody.
  ///
  /// - Parameter now: seconds since 1970.
  public func token(subject: String, name: String? = nil, staff: String? = nil, roles: [Role], now: Int64, lifetimeSeconds: Int) throws -> String {
    try token(
      for: BuiltInKey.issuer, subject: subject, name: name, staff: staff, roles: roles, now: now, seconds: min(lifetimeSeconds, BuiltInKey.lifetimeSecondsMax))
  }

  /// Seconds for which somebody can sign in with a code.
  public static let signInSeconds = 600

  /// A code with which somebody signs in at the console, once.
  ///
  /// - Parameter random: makes it another one than any before.
  public func signInCode(subject: String, name: String? = nil, staff: String? = nil, roles: [Role], now: Int64, random: [UInt8]) throws -> String {
    try token(
      for: BuiltInKey.signInAudience, subject: subject, name: name, staff: staff, roles: roles, now: now, seconds: BuiltInKey.signInSeconds,
      id: Base64URL.encode(random))
  }

  private func token(
    for audience: String, subject: String, name: String?, staff: String?, roles: [Role], now: Int64, seconds: Int, id: String? = nil
  ) throws -> String {
    let seconds = Int64(max(1, seconds))
    var claims = [
      JSONMember("iss", .text(BuiltInKey.issuer)), JSONMember("aud", .text(audience)), JSONMember("sub", .text(subject)),
      JSONMember("roles", .array(roles.map { .text($0.rawValue) })), JSONMember("iat", .integer(now)), JSONMember("exp", .integer(now + seconds)),
    ]
    if let name { claims.append(JSONMember("name", .text(name))) }
    if let staff { claims.append(JSONMember("staff", .text(staff))) }
    if let id { claims.append(JSONMember("jti", .text(id))) }
    return try token(header: ["alg": "HS256", "typ": "at+jwt", "kid": .text(kid)], claims: .object(claims))
  }

  func token(header: JSONValue, claims: JSONValue) throws -> String {
    let signed = Base64URL.encode(header.encoded) + "." + Base64URL.encode(claims.encoded)
    return signed + "." + Base64URL.encode(try key.code(of: Array(signed.utf8)))
  }
}

/// A fixed secret that stands for the role `service`: for programs that cannot get tokens.
public struct StaticToken: Sendable {
  /// Shorter ones are guessed.
  public static let bytesMin = 16
  public static let bytesMax = 1_024

  private let bytes: [UInt8]
  /// As whom it acts.
  let subject: String

  /// nil when it is too short, too long, or has letters that RFC 6750 does not let a token have.
  public init?(_ text: String, subject: String) {
    bytes = Array(text.utf8)
    self.subject = subject
    guard (StaticToken.bytesMin...StaticToken.bytesMax).contains(bytes.count), bytes.allSatisfy(StaticToken.isAllowed) else { return nil }
  }

  private static func isAllowed(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F, 0x7E, 0x2B, 0x2F, 0x3D: true
    default: false
    }
  }

  func matches(_ text: some Collection<UInt8>) -> Bool { areEqual(Array(text), bytes) }
}
