// What a token's claims must say, and whom they make its bearer.
import Text

/// What the tokens of one issuer are held to.
public struct TokenRules: Sendable, Equatable {
  /// Seconds by which the issuer's clock may differ from ours.
  public static let clockSkewSeconds: Int64 = 60
  /// A token that holds for longer from now on is not taken, whoever signed it: nobody can take it back.
  public static let lifetimeSecondsMax: Int64 = 86_400
  /// Values of `aud` and of the claim with roles that are looked at; more are refused.
  static let listMax = 100
  /// The year 9999: times are numbers that a calendar has.
  private static let times: ClosedRange<Int64> = 0...253_402_300_799

  public var issuer: String
  public var audience: String
  /// The claim that holds the roles: its name, or names with dots between them for one inside another.
  public var rolesClaim: String
  /// The claim that says who it is by the name that the suite's histories have; the subject where there is none.
  public var staffClaim: String

  public init(issuer: String, audience: String, rolesClaim: String = "roles", staffClaim: String = "staff") {
    self.issuer = issuer
    self.audience = audience
    self.rolesClaim = rolesClaim
    self.staffClaim = staffClaim
  }

  /// - Parameter now: seconds since 1970, by the machine's clock: tokens do not follow a business clock that stands.
  func principal(_ claims: JSONValue, now: Int64) throws(TokenRefusal) -> Principal {
    guard claims["iss"]?.stringValue == issuer else { throw .issuer }
    guard try TokenRules.texts(claims["aud"]).contains(audience) else { throw .audience }
    guard let expires = try TokenRules.time(claims["exp"]) else { throw .claims }
    guard expires > now - TokenRules.clockSkewSeconds else { throw .expired }
    guard expires <= now + TokenRules.lifetimeSecondsMax + TokenRules.clockSkewSeconds else { throw .lifetime }
    for name in ["nbf", "iat"] {
      if let from = try TokenRules.time(claims[name]), from > now + TokenRules.clockSkewSeconds { throw .notYet }
    }
    guard let subject = try TokenRules.text(claims["sub"]) else { throw .subject }
    let staff = try TokenRules.text(claims[staffClaim])
    let words = try TokenRules.words(TokenRules.value(rolesClaim, in: claims))
    // Roles of other programs stand there too.
    return Principal(
      issuer: issuer, subject: subject, name: try TokenRules.text(claims["name"]) ?? staff ?? subject, staff: staff, roles: Set(words.compactMap(Role.init)))
  }

  /// A claim by its name, which may have dots itself, else step by step from one object into the next.
  private static func value(_ path: String, in claims: JSONValue) -> JSONValue? {
    if let value = claims[path] { return value }
    return path.split(separator: ".").reduce(claims as JSONValue?) { value, name in value?[String(name)] }
  }

  private static func time(_ value: JSONValue?) throws(TokenRefusal) -> Int64? {
    guard let value else { return nil }
    guard let time = value.int64Value, times.contains(time) else { throw .claims }
    return time
  }

  private static func text(_ value: JSONValue?) throws(TokenRefusal) -> String? {
    guard let value, !value.isNull else { return nil }
    // What stands in histories and in logs has no line ends in it.
    guard let text = value.stringValue, (1...Principal.textBytesMax).contains(text.utf8.count),
      text.unicodeScalars.allSatisfy({ $0.properties.generalCategory != .control })
    else { throw .subject }
    return text
  }

  /// Roles: in one text there may be several, as in a scope; in an array each text is one, blanks and all, as a provider's "sales lead" is no lead.
  private static func words(_ value: JSONValue?) throws(TokenRefusal) -> [String] {
    if let text = value?.stringValue { return text.split(separator: " ").prefix(listMax).map(String.init) }
    return try texts(value)
  }

  /// A text, or an array of texts.
  private static func texts(_ value: JSONValue?) throws(TokenRefusal) -> [String] {
    guard let value, !value.isNull else { return [] }
    if let text = value.stringValue { return [text] }
    guard let items = value.arrayValue, items.count <= listMax else { throw .claims }
    let texts = items.compactMap(\.stringValue)
    guard texts.count == items.count else { throw .claims }
    return texts
  }
}
