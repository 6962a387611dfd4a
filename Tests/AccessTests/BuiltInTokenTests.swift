// The suite's own tokens: what is believed, and every way of being wrong.
import HTTP
import Hashing
import Testing
import Text

@testable import Access

private typealias Member = JSONMember

/// A token with some of its parts other than they should be.
private struct Bent: Sendable {
  let name: String
  let expected: TokenRefusal
  let token: @Sendable () throws -> String

  static let header = [Member("alg", "HS256"), Member("typ", "at+jwt")]
  static let claims = [
    Member("iss", "clientele"), Member("aud", "clientele"), Member("sub", "wang.fang"), Member("roles", ["agent"]), Member("iat", .integer(Fixed.now)),
    Member("exp", .integer(Fixed.now + 600)),
  ]

  static func made(_ header: [Member] = header, _ claims: [Member] = claims) throws -> String {
    let key = try Fixed.key()
    let kid = header.contains { $0.key == "kid" } ? [] : [Member("kid", .text(key.kid))]
    return try key.token(header: .object(header + kid), claims: .object(claims))
  }

  static func claim(_ name: String, _ value: JSONValue?) -> @Sendable () throws -> String {
    { try made(header, claims.filter { $0.key != name } + (value.map { [Member(name, $0)] } ?? [])) }
  }

  static func head(_ name: String, _ value: JSONValue) -> @Sendable () throws -> String {
    { try made(header.filter { $0.key != name } + [Member(name, value)]) }
  }

  static func text(_ change: @escaping @Sendable (String) -> String) -> @Sendable () throws -> String { { change(try made()) } }

  static let all: [Bent] = [
    Bent(name: "alg none", expected: .algorithm, token: head("alg", "none")), Bent(name: "RS256", expected: .algorithm, token: head("alg", "RS256")),
    Bent(name: "no alg", expected: .algorithm, token: { try made([]) }), Bent(name: "alg in small letters", expected: .algorithm, token: head("alg", "hs256")),
    Bent(name: "another kid", expected: .key, token: head("kid", "clientele-x")), Bent(name: "an empty kid", expected: .key, token: head("kid", "")),
    Bent(name: "a kid that is null", expected: .key, token: head("kid", .null)), Bent(name: "crit", expected: .critical, token: head("crit", ["exp"])),
    Bent(name: "jwk", expected: .header, token: head("jwk", ["kty": "oct"])), Bent(name: "jku", expected: .header, token: head("jku", "https://x")),
    Bent(name: "x5u", expected: .header, token: head("x5u", "https://x")), Bent(name: "x5c", expected: .header, token: head("x5c", [])),
    Bent(name: "another type", expected: .type, token: head("typ", "JWE")), Bent(name: "a type that is no text", expected: .type, token: head("typ", 1)),
    Bent(name: "a long header", expected: .header, token: head("note", .text(String(repeating: "x", count: 1_024)))),
    Bent(name: "no issuer", expected: .issuer, token: claim("iss", nil)), Bent(name: "another issuer", expected: .issuer, token: claim("iss", "Clientele")),
    Bent(name: "no audience", expected: .audience, token: claim("aud", nil)), Bent(name: "another audience", expected: .audience, token: claim("aud", ["x"])),
    Bent(name: "audiences in one text", expected: .audience, token: claim("aud", "x clientele")),
    Bent(name: "audiences that are no texts", expected: .claims, token: claim("aud", ["clientele", 1])),
    Bent(name: "no end", expected: .claims, token: claim("exp", nil)), Bent(name: "an end that is a text", expected: .claims, token: claim("exp", "1")),
    Bent(name: "an end with a fraction", expected: .claims, token: claim("exp", .number("1800000600.5"))),
    Bent(name: "an end that no calendar has", expected: .claims, token: claim("exp", .number("1e30"))),
    Bent(name: "an end before 1970", expected: .claims, token: claim("exp", .integer(-1))),
    Bent(name: "over", expected: .expired, token: claim("exp", .integer(Fixed.now - TokenRules.clockSkewSeconds))),
    Bent(name: "for longer than a day", expected: .lifetime, token: claim("exp", .integer(Fixed.now + 86_461))),
    Bent(name: "to come", expected: .notYet, token: claim("nbf", .integer(Fixed.now + 61))),
    Bent(name: "made in the future", expected: .notYet, token: claim("iat", .integer(Fixed.now + 61))),
    Bent(name: "no subject", expected: .subject, token: claim("sub", nil)), Bent(name: "an empty subject", expected: .subject, token: claim("sub", "")),
    Bent(name: "a subject that is a number", expected: .subject, token: claim("sub", 7)),
    Bent(name: "a subject with a line end", expected: .subject, token: claim("sub", "a\nb")),
    Bent(name: "a long subject", expected: .subject, token: claim("sub", .text(String(repeating: "x", count: 401)))),
    Bent(name: "a staff name that is no text", expected: .subject, token: claim("staff", ["x"])),
    Bent(name: "too many roles", expected: .claims, token: claim("roles", .array(.init(repeating: "x", count: 101)))),
    Bent(name: "nothing", expected: .form, token: { "" }), Bent(name: "a word", expected: .form, token: { "x" }),
    Bent(name: "a fourth part", expected: .form, token: text { $0 + ".x" }), Bent(name: "padding", expected: .form, token: text { $0 + "=" }),
    Bent(name: "without a signature", expected: .form, token: text { $0.prefix { $0 != "." } + "." + $0.split(separator: ".")[1] + "." }),
    Bent(name: "a byte that is no letter", expected: .form, token: text { $0.replacing("-", with: "+") + "!" }),
    Bent(name: "too large", expected: .size, token: text { $0 + String(repeating: "x", count: CompactToken.bytesMax) }),
    Bent(name: "the signature of another", expected: .signature, token: text { $0.dropLast(43) + ($0.suffix(43).first == "A" ? "B" : "A") + $0.suffix(42) }),
    Bent(name: "a short signature", expected: .signature, token: text { String($0.dropLast(3)) }),
    Bent(name: "other claims", expected: .signature, token: text { token in
      let parts = token.split(separator: ".")
      return "\(parts[0]).\(Base64URL.encode(Array(#"{"sub":"admin"}"#.utf8))).\(parts[2])"
    }),
    Bent(name: "a name twice", expected: .claims, token: { try raw(#"{"iss":"clientele","iss":"clientele"}"#) }),
    Bent(name: "claims that are an array", expected: .claims, token: { try raw("[]") }),
    Bent(name: "claims nested deeply", expected: .claims, token: { try raw(String(repeating: "[", count: 50) + String(repeating: "]", count: 50)) }),
    Bent(name: "a key of somebody else's", expected: .key, token: { try BuiltInKey([UInt8](repeating: 9, count: 32)).token(of: "x") }),
  ]

  /// Claims as they stand, signed.
  static func raw(_ claims: String) throws -> String {
    let key = try Fixed.key()
    let header = JSONValue.object([Member("alg", "HS256"), Member("kid", .text(key.kid))])
    let signed = Base64URL.encode(header.encoded) + "." + Base64URL.encode(Array(claims.utf8))
    return signed + "." + Base64URL.encode(try key.key.code(of: Array(signed.utf8)))
  }
}

extension BuiltInKey {
  fileprivate func token(of subject: String) throws -> String { try token(subject: subject, roles: [.agent], now: Fixed.now, lifetimeSeconds: 60) }
}

@Suite("Tokens of the suite's own") struct BuiltInTokenTests {
  @Test("A token that was bent is refused by the rule it breaks", arguments: Bent.all.indices)
  func bent(_ number: Int) async throws {
    let bent = Bent.all[number]
    #expect(await refusal(try bent.token(), Fixed.verifier([try Fixed.key()])) == bent.expected, "\(bent.name)")
  }

  @Test("Every rule has a token that breaks it, or needs a provider to be away")
  func everyRule() { #expect(Set(Bent.all.map(\.expected)).union([.keysAway]) == Set(TokenRefusal.allCases)) }

  @Test("Who a token was made for is who comes out, with the roles that the suite knows")
  func right() async throws {
    let key = try Fixed.key()
    let token = try key.token(subject: "u-7", name: "Fang", staff: "王芳", roles: [.agent, .lead], now: Fixed.now, lifetimeSeconds: 60)
    let found = try await Fixed.verifier([key]).principal(Array(token.utf8))
    #expect(found == Principal(issuer: "clientele", subject: "u-7", name: "Fang", staff: "王芳", roles: [.agent, .lead]))
    #expect(found.actor == "王芳")
    let other = try await Fixed.verifier([key]).principal(Array(try Bent.claim("roles", "openid auditor root")().utf8))
    #expect(other.roles == [.auditor] && other.actor == "wang.fang" && other.name == "wang.fang")
    // Of an array each text is one role: whoever is in a group named "sales lead" or "system admin" is neither.
    let groups = try await Fixed.verifier([key]).principal(Array(try Bent.claim("roles", ["sales lead", "system admin", " lead", "agent"])().utf8))
    #expect(groups.roles == [.agent])
  }

  @Test("A token holds within the skew of clocks and not a second longer")
  func skew() async throws {
    let verifier = Fixed.verifier([try Fixed.key()])
    let cases: [(String, Int64, TokenRefusal?)] = [
      ("exp", Fixed.now - 59, nil), ("exp", Fixed.now - 60, .expired), ("nbf", Fixed.now + 60, nil), ("nbf", Fixed.now + 61, .notYet),
    ]
    for (name, at, expected) in cases { #expect(await refusal(try Bent.claim(name, .integer(at))(), verifier) == expected, "\(name) \(at)") }
  }

  @Test("A key that was renewed is taken as long as it stands behind the new one")
  func renewed() async throws {
    let (old, new) = (try Fixed.key(), try BuiltInKey([UInt8](repeating: 5, count: 32)))
    let (before, after) = (try old.token(of: "x"), try new.token(of: "x"))
    let both = Fixed.verifier([new, old])
    #expect(await refusal(before, both) == nil)
    #expect(await refusal(after, both) == nil)
    #expect(await refusal(before, Fixed.verifier([new])) == .key)
  }

  @Test("The longest token is a day, whatever is asked for")
  func longest() async throws {
    let token = try Fixed.key().token(subject: "x", roles: [.agent], now: Fixed.now, lifetimeSeconds: 1_000_000)
    #expect(await refusal(token, Fixed.verifier([try Fixed.key()])) == nil)
    #expect(throws: (any Error).self) { _ = try BuiltInKey([UInt8](repeating: 1, count: 31)) }
  }

  @Test("What is refused is told without a word of the token")
  func told() async throws {
    for bent in Bent.all {
      let problem = AccessProblem.refused(bent.expected)
      #expect(problem.status.rawValue == 401 && problem.headers["WWW-Authenticate"]?.contains("invalid_token") == true)
      #expect(problem.headers.isValid)
      let token = try bent.token()
      if token.count > 8 { #expect(!String(decoding: problem.json, as: UTF8.self).contains(token)) }
    }
  }

  @Test("Base64 has one writing for each sequence of bytes")
  func base64() {
    for count in 0..<70 {
      let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ count) }
      let text = Base64URL.encode(bytes)
      #expect(Base64URL.decode(text.utf8) == bytes)
      #expect(Base64URL.decode((text + "=").utf8) == nil)
    }
    // Bits behind the last byte.
    #expect(Base64URL.decode("AA".utf8) == [0])
    for text in ["AB", "AAB", "A", "AAAAA", "+A", "/A", "A A", "A\n"] { #expect(Base64URL.decode(text.utf8) == nil, "\(text)") }
  }
}
