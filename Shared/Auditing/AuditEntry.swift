// The audit trail (S-05): what callers changed and what contact data they looked at, by whom and when, each entry bound to the one before it by its hash.
import Access
import Domain
import Hashing
import Text

/// Something that a caller changed, or whose contact data one looked at.
public struct AuditEntry: Hashable, Sendable {
  /// The business day, as a number since 1970, and the place of the entry in it, from 1.
  public var day: Int32
  public var sequence: Int64
  /// In microseconds since 1970, by the machine's clock: the trail does not follow a business clock that stands.
  public var at: Int64
  /// By what name it was done.
  public var actor: String
  /// Whom the token was for, and who said so; empty where access was switched off.
  public var subject: String
  public var issuer: String
  /// In order, with blanks between them.
  public var roles: String
  public var method: String
  /// The route as it is registered, and what was called.
  public var route: String
  public var path: String
  /// SHA-256 of what was sent: shows later whether something was said, without keeping it.
  public var body: [UInt8]
  /// Why contact data was shown in full, and what was shown, as ``seenText`` writes it; both empty for a change.
  public var reason: String
  public var seen: String

  public init(
    day: Int32 = 0, sequence: Int64 = 0, at: Int64, actor: String, subject: String, issuer: String, roles: String, method: String, route: String, path: String,
    body: [UInt8], reason: String = "", seen: String = ""
  ) {
    self.day = day
    self.sequence = sequence
    self.at = at
    self.actor = actor
    self.subject = subject
    self.issuer = issuer
    self.roles = roles
    self.method = method
    self.route = route
    self.path = path
    self.body = body
    self.reason = reason
    self.seen = seen
  }

  /// Customers of one entry: more are told by several, so that no entry grows with the page that was asked for.
  public static let seenMax = 200

  /// What was shown, as JSON: `[{"customer":"0123456789abcdef","fields":["ticket.text"]}]`, with `record` where no customer is known.
  static func seenText(_ seen: some Collection<SeenData>) -> String {
    JSONValue.array(
      seen.map { one in
        let place = one.customer == nil ? [JSONMember("record", .text(one.record))] : []
        let fields = JSONMember("fields", .array(one.fields.map { .text($0) }))
        return .object([JSONMember("customer", .textOrNull(one.customer?.description))] + place + [fields])
      }
    ).encodedText
  }

  /// What stands before the first entry of all.
  public static let beginning = [UInt8](repeating: 0, count: 32)

  /// The hash that binds it to the entry before: SHA-256 over that one's hash and everything in this one. Written as JSON, so that no two entries look alike.
  /// A change has no reason and nothing seen in it: the hashes of those from before there were looks stay what they are.
  func hash(after previous: [UInt8], _ hasher: Hasher256) throws -> [UInt8] {
    let text = JSONWriter.bytes { writer in
      writer.beginArray()
      writer.text(Base64.encoded(previous))
      writer.integer(Int64(day))
      writer.integer(sequence)
      writer.integer(at)
      for word in [actor, subject, issuer, roles, method, route, path, Base64.encoded(body)] { writer.text(word) }
      if !reason.isEmpty || !seen.isEmpty { for word in [reason, seen] { writer.text(word) } }
      writer.endArray()
    }
    return try text.withUnsafeBytes { try hasher.sha256($0) }
  }
}
