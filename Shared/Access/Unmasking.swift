// Contact data in full: for whoever may read it and says why, and never without it being noted whose was seen (S-02, S-05).
public import Domain
public import HTTP
public import Text
import Synchronization

/// What was shown in full: of whom, and which fields.
public struct SeenData: Hashable, Sendable {
  /// nil where nobody knows whose it is: then `record` says where it stands.
  public var customer: CustomerID?
  /// As `question 0123456789abcdef`; empty where the customer is known.
  public var record: String
  /// As `ticket.text`, in order.
  public var fields: [String]

  public init(customer: CustomerID?, record: String = "", fields: [String]) {
    self.customer = customer
    self.record = record
    self.fields = fields
  }
}

/// One look at contact data: why, and what has been shown by it so far.
public final class Look: Sendable {
  /// The header that asks for it.
  public static let header = "Unmask-Reason"
  /// Characters of a reason.
  public static let reasonLength = 3...200

  /// With contact data in it masked: reasons are read by those who may not read such data.
  public let reason: String
  private let state = Mutex(State())

  private struct State {
    var shown: [Owner: Set<String>] = [:]
    var isOver = false
  }

  private struct Owner: Hashable {
    let customer: CustomerID?
    let record: String
  }

  public init(reason: String) { self.reason = ContactMask.text(reason) }

  /// Notes that fields are shown in full.
  ///
  /// - Parameter record: where they stand, for what is of no known customer.
  /// - Returns: false once the look is over: then they must not be shown, for nobody would know.
  public func shows(_ fields: Set<String>, of customer: CustomerID?, in record: String = "") -> Bool {
    state.withLock { state in
      guard !state.isOver else { return false }
      state.shown[Owner(customer: customer, record: customer == nil ? record : ""), default: []].formUnion(fields)
      return true
    }
  }

  /// Ends the look: what is written behind it, as a stream is, stays masked. Everything that was shown, by customer and record.
  public func end() -> [SeenData] {
    state.withLock { $0.isOver = true }
    return seen
  }

  var seen: [SeenData] {
    state.withLock { $0.shown }.map { SeenData(customer: $0.key.customer, record: $0.key.record, fields: $0.value.sorted()) }.sorted {
      ($0.customer?.description ?? "", $0.record) < ($1.customer?.description ?? "", $1.record)
    }
  }

  /// The reason that a request gives; nil: it gives none. Percent-encoded, because headers hold no other letters than those of ASCII for sure.
  public static func reason(_ headers: HTTPHeaders) throws(Problem) -> String? {
    let values = headers.all(header)
    guard let value = values.first else { return nil }
    guard values.count == 1 else { throw refused("once", "give one reason") }
    guard let text = decoded(value) else { throw refused("encoding", "a reason is UTF-8, percent-encoded: a percent sign is written %25") }
    let reason = TextNormal.trimmed(text)
    guard reasonLength.contains(reason.unicodeScalars.count) else {
      throw refused("length", "a reason has \(reasonLength.lowerBound) to \(reasonLength.upperBound) characters")
    }
    guard !reason.unicodeScalars.contains(where: { $0.value < 0x20 || (0x7F...0x9F).contains($0.value) }) else {
      throw refused("format", "a reason has no control characters")
    }
    return reason
  }

  /// The refusal of what a request gives as its reason, or does not.
  public static func refused(_ rule: String, _ detail: String) -> Problem {
    Problem.invalid([.init(field: header, rule: rule, detail: detail)], status: .badRequest, detail: "\(header): \(detail)")
  }

  /// nil for an escape that is none, and for what is no UTF-8.
  private static func decoded(_ text: String) -> String? {
    let bytes = Array(text.utf8)
    var out: [UInt8] = []
    var place = 0
    while place < bytes.count {
      guard bytes[place] == UInt8(ascii: "%") else {
        out.append(bytes[place])
        place += 1
        continue
      }
      let digits = bytes[(place + 1)...].prefix(2)
      guard digits.count == 2, digits.allSatisfy({ $0 != UInt8(ascii: "+") }), let byte = UInt8(String(decoding: digits, as: UTF8.self), radix: 16) else {
        return nil
      }
      out.append(byte)
      place += 3
    }
    guard let whole = String(validating: out, as: UTF8.self), !whole.unicodeScalars.contains("\u{FFFD}") else { return nil }
    return whole
  }
}

extension Request {
  /// The look that the answer is; nil where contact data stays masked. Set by the audit trail alone, which notes what it shows.
  public var look: Look? {
    get { (caller as? LookingCaller)?.look }
    set {
      let known = whoAsks
      caller = newValue.map { LookingCaller(caller: known, look: $0) } ?? known
    }
  }

  /// What customers wrote, masked; in full where the answer is a look, and then whose it was is noted.
  ///
  /// - Parameters:
  ///   - kind: what the value is, as `ticket`: with it the names of its fields begin.
  ///   - customer: whom it is about.
  ///   - record: where it stands, as `question 0123456789abcdef`, if it may be of no known customer.
  public func masking(_ value: JSONValue, _ kind: String, of customer: CustomerID?, in record: String = "") -> JSONValue {
    let masked = ContactMask.value(value)
    guard let look, masked != value else { return masked }
    return look.shows(Set(ContactMask.fields(value).map { "\(kind).\($0)" }), of: customer, in: record) ? value : masked
  }

  /// One value that is masked as a whole, in the same way.
  ///
  /// - Parameter field: as `identifier.phone`.
  public func masking(_ value: String, as masked: String, _ field: String, of customer: CustomerID) -> String {
    guard let look, value != masked else { return masked }
    return look.shows([field], of: customer) ? value : masked
  }
}
