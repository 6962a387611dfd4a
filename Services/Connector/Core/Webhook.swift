// A message as a call to somebody's address on the web, signed as Standard Webhooks have it, and what such a somebody tells back (E-05).
import Contracts
public import Domain
import Hashing
import Synchronization
import Text

/// Signs what is sent and checks what comes: HMAC-SHA-256 over id, moment and body.
public final class WebhookSignature: Sendable {
  public static let (idHeader, timeHeader, signatureHeader) = ("webhook-id", "webhook-timestamp", "webhook-signature")
  /// What comes may be so old, or so far ahead, in seconds.
  public static let skewSecondsMax: Int64 = 300
  /// Signatures of one message that are looked at: while a key is renewed there are several.
  public static let signaturesMax = 8

  private let hasher: Mutex<KeyedHasher>

  public init(key: [UInt8]) throws { hasher = Mutex(try KeyedHasher(key: key)) }

  /// - Parameter second: since 1970.
  public func sign(id: String, second: Int64, body: [UInt8]) throws -> String { "v1," + Base64.encoded(try code(id, second, body)) }

  public enum Verdict: Hashable, Sendable { case genuine, forged, tooOld }

  /// Takes as long for a wrong signature as for a right one.
  public func check(_ signatures: String, id: String, second: Int64, body: [UInt8], now: Instant) throws -> Verdict {
    let expected = try code(id, second, body)
    var isGenuine = false
    for signature in signatures.split(separator: " ").prefix(WebhookSignature.signaturesMax) where signature.hasPrefix("v1,") {
      guard let given = Base64.decoded(String(signature.dropFirst(3))) else { continue }
      isGenuine = areEqual(given, expected) || isGenuine
    }
    guard isGenuine else { return .forged }
    let today = floorDivide(now.microseconds, 1_000_000)
    // Not by a difference: a moment may be any number.
    return (today - WebhookSignature.skewSecondsMax...today + WebhookSignature.skewSecondsMax).contains(second) ? .genuine : .tooOld
  }

  private func code(_ id: String, _ second: Int64, _ body: [UInt8]) throws -> [UInt8] {
    let input = Array("\(id).\(second).".utf8) + body
    return try hasher.withLock { hasher in try input.withUnsafeBytes { try hasher.code($0) } }
  }
}

public enum WebhookMessage {
  /// The body of a call: whom, what, and the message as it would stand in a mail.
  public static func body(_ delivery: Delivery, _ wording: Wording, link: String, stopLink: String, to addresses: [KnownAddress]) -> [UInt8] {
    let request = delivery.request
    let reached = addresses.map { JSONMember($0.kind.rawValue, .text($0.value)) }
    let value: JSONValue = [
      "type": .text("survey.\(request.kind.rawValue)"), "delivery_id": .text(delivery.id.description), "customer_id": .text(delivery.customer.description),
      "channel": .textOrNull(request.channel.isEmpty ? nil : request.channel), "addresses": .object(reached),
      "language": .textOrNull(request.language?.rawValue), "survey": .text(request.survey), "purpose": .text(request.purpose.rawValue),
      "subject": .text(wording.subject), "text": .text(wording.body), "link": .text(link),
      "stop_link": .textOrNull(stopLink.isEmpty ? nil : stopLink), "expires_at": .text(RFC3339.text(request.expiresAt.microseconds)),
    ]
    return value.encoded
  }

  /// What an answer's status means for the attempt.
  public static func result(ofStatus status: Int) -> AttemptResult {
    switch status {
    case 200...299: .accepted
    // Asked again with the same body these would be said again; whatever else is wrong may be put right over there.
    case 400, 410, 413, 422: .refusedMessage
    default: .later
    }
  }
}
