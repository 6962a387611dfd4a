// Who is signed in at the console, and until when. Moments are microseconds since 1970 by the machine's clock: a sign-in does not follow a business clock
// that stands.
import Hashing
import Text

/// For how long somebody stays signed in.
public struct SessionRules: Hashable, Sendable {
  /// After so long everybody signs in anew, in seconds: a working day.
  public static let lifetimeSeconds: Int64 = 36_000
  /// When somebody was seen is written down no more often than this, in seconds.
  public static let seenSeconds: Int64 = 60
  /// Sessions of one person at one time; the oldest goes.
  public static let perPersonMax: Int64 = 10

  /// Without a request for so long, in seconds, a session ends.
  public var idleSeconds: Int64

  public init(idleSeconds: Int64) { self.idleSeconds = idleSeconds }
}

/// What a browser keeps to show who it is: 256 random bits.
public struct SessionSecret: Hashable, Sendable {
  public static let bytes = 32

  public let text: String

  /// A new one.
  public init(random: [UInt8]) { text = Base64URL.encode(random) }

  /// As a browser shows it; nil when it cannot be one.
  public init?(_ text: String) {
    guard let bytes = Base64URL.decode(Array(text.utf8)), bytes.count == SessionSecret.bytes else { return nil }
    self.text = text
  }

  /// What the table has of it.
  public var hash: [UInt8] { get throws { try hash("session") } }

  /// Stands in every form of this session: another site can send a form, and cannot know this.
  public var formToken: String { get throws { Base64URL.encode(try hash("form")) } }

  /// Whether a form of this session holds what it must.
  public func isOwn(_ token: String) throws -> Bool { areEqual(Array(try formToken.utf8), Array(token.utf8)) }

  /// What is made of it for a purpose: nothing says what another one has.
  public func hash(_ purpose: String) throws -> [UInt8] { try Hasher256.sha256("clientele \(purpose) \(text)") }
}

/// Somebody who signed in.
public struct Session: Hashable, Sendable {
  public var issuer: String
  public var subject: String
  public var name: String
  public var staff: String?
  /// Words of the roles.
  public var roles: [String]
  public var beganAt: Int64
  public var seenAt: Int64
  public var endsAt: Int64
  /// An identity provider's tokens, sealed; nil: the console makes tokens itself.
  public var tokens: [UInt8]?

  public init(
    issuer: String, subject: String, name: String, staff: String?, roles: [String], beganAt: Int64, endsAt: Int64, tokens: [UInt8]? = nil
  ) {
    self.issuer = issuer
    self.subject = subject
    self.name = name
    self.staff = staff
    self.roles = roles
    self.beganAt = beganAt
    seenAt = beganAt
    self.endsAt = endsAt
    self.tokens = tokens
  }

  public func isOver(_ rules: SessionRules, at now: Int64) -> Bool { now >= endsAt || now - seenAt >= rules.idleSeconds * 1_000_000 }

  /// Whether this is to be written down as the last time that it was seen.
  public func isToBeSeen(at now: Int64) -> Bool { now - seenAt >= SessionRules.seenSeconds * 1_000_000 }
}
