/// What a customer can be recognised by (P-01), strongest kind first.
public enum IdentifierKind: Int16, CaseIterable, Sendable, Comparable {
  case memberID = 1
  case nationalIDHash = 2
  case unionID = 3
  case phone = 4
  case email = 5
  case openID = 6
  case posCard = 7
  case deviceID = 8
  case external = 9

  public static func < (left: IdentifierKind, right: IdentifierKind) -> Bool { left.rawValue < right.rawValue }

  /// The name on the wire, in mappings and in reports.
  public var name: String {
    switch self {
    case .memberID: "member_id"
    case .nationalIDHash: "national_id_hash"
    case .unionID: "union_id"
    case .phone: "phone"
    case .email: "email"
    case .openID: "open_id"
    case .posCard: "pos_card"
    case .deviceID: "device_id"
    case .external: "external_id"
    }
  }

  public init?(name: String) {
    guard let kind = IdentifierKind.allCases.first(where: { $0.name == name }) else { return nil }
    self = kind
  }

  /// Strong kinds may merge customers; a phone or an e-mail address only when it was verified (P-01).
  public var canBeStrong: Bool { self <= .email }

  /// How many different values of this kind one customer may collect by merging (P-03).
  public var valuesPerCustomerMax: Int {
    switch self {
    case .nationalIDHash: 1
    case .memberID, .unionID: 5
    case .phone, .email: 10
    case .openID, .posCard, .external: 20
    case .deviceID: 50
    }
  }
}

/// One identifier as an event carried it, already normalised (I-04).
public struct Identifier: Hashable, Sendable {
  public let kind: IdentifierKind
  public let value: String
  /// Whether this may merge customers: a strong kind and, for phone and e-mail, verified.
  public let isStrong: Bool

  public init(kind: IdentifierKind, value: String, isVerified: Bool = true) {
    self.kind = kind
    self.value = value
    self.isStrong = kind.canBeStrong && (isVerified || (kind != .phone && kind != .email))
  }

  /// The longest value that is kept, in bytes of UTF-8.
  public static let valueBytesMax = 254
}

extension Identifier: Comparable {
  /// Strong before weak, then by kind, then by value: the first of an event's identifiers is its home.
  public static func < (left: Identifier, right: Identifier) -> Bool {
    if left.isStrong != right.isStrong { return left.isStrong }
    if left.kind != right.kind { return left.kind < right.kind }
    return left.value < right.value
  }
}

/// The values that name nobody (P-03). Operators extend the list by configuration.
public struct JunkIdentifiers: Hashable, Sendable {
  private let values: Set<String>

  public static let standard = JunkIdentifiers([
    "", "0", "-1", "null", "nil", "none", "na", "n/a", "nan", "undefined", "unknown", "anonymous", "guest", "test", "default", "admin",
    "xxx", "abc", "匿名", "游客", "无", "测试", "13800138000", "+8613800138000", "test@test.com", "noreply@example.com",
  ])

  public init(_ values: some Sequence<String>) { self.values = Set(values.map { $0.lowercased() }) }

  public func adding(_ more: some Sequence<String>) -> JunkIdentifiers { JunkIdentifiers(values.union(more.map { $0.lowercased() })) }

  /// Listed, all zeros, or fillers only ("---", "***"). Other digits repeated are numbers like any: a real shop has a
  /// customer 11111.
  public func contains(_ value: String) -> Bool {
    if values.contains(value.lowercased()) { return true }
    return value.allSatisfy { $0 == "0" } || value.allSatisfy { "-_.*?#".contains($0) }
  }
}

/// The 128-bit keyed hash of an identifier: what tables and topics are keyed by, so that no key holds readable personal data.
public struct IdentityKey: Hashable, Sendable, Comparable {
  public let high: UInt64
  public let low: UInt64

  public init(high: UInt64, low: UInt64) {
    self.high = high
    self.low = low
  }

  public static func < (left: IdentityKey, right: IdentityKey) -> Bool { left.high != right.high ? left.high < right.high : left.low < right.low }

  /// The number an identity, and a customer born from it, is known by. Never 0 and never negative.
  ///
  /// Taken from the key, so that the same events give the same numbers whatever order they come in.
  public var identityID: CustomerID { CustomerID(number: max(1, Int64(bitPattern: high & 0x7FFF_FFFF_FFFF_FFFF))) }

  public var hexadecimal: String { hexadecimalText(high) + hexadecimalText(low) }

  /// The key of 32 hexadecimal digits in lower case, as `hexadecimal` writes them.
  public init?(hexadecimal text: UnsafeRawBufferPointer) {
    guard text.count == 32 else { return nil }
    var words: (UInt64, UInt64) = (0, 0)
    for place in 0..<32 {
      let digit: UInt64
      switch text[place] {
      case 0x30...0x39: digit = UInt64(text[place] &- 0x30)
      case 0x61...0x66: digit = UInt64(text[place] &- 0x57)
      default: return nil
      }
      if place < 16 { words.0 = words.0 << 4 | digit } else { words.1 = words.1 << 4 | digit }
    }
    self.init(high: words.0, low: words.1)
  }
}

/// A customer's number: that of the oldest of its identities.
public struct CustomerID: Hashable, Sendable, Comparable, CustomStringConvertible {
  public let number: Int64

  public init(number: Int64) { self.number = number }
  public static func < (left: CustomerID, right: CustomerID) -> Bool { left.number < right.number }

  /// Sixteen hexadecimal digits, as shown to people and sent in messages.
  public var description: String { hexadecimalText(UInt64(bitPattern: number)) }

  /// The same digits, lent.
  public func withHexadecimal<Value>(_ body: (UnsafeRawBufferPointer) throws -> Value) rethrows -> Value {
    var digits: (UInt64, UInt64) = (0, 0)
    return try withUnsafeMutableBytes(of: &digits) { digits in
      var rest = UInt64(bitPattern: number)
      for place in stride(from: 15, through: 0, by: -1) {
        let digit = UInt8(truncatingIfNeeded: rest & 15)
        digits[place] = digit < 10 ? 0x30 &+ digit : 0x57 &+ digit
        rest >>= 4
      }
      return try body(UnsafeRawBufferPointer(digits))
    }
  }

  public init?(_ text: String) {
    guard text.utf8.count == 16, let bits = UInt64(text, radix: 16), bits > 0, bits <= UInt64(Int64.max) else { return nil }
    self.number = Int64(bits)
  }
}

func hexadecimalText(_ bits: UInt64) -> String {
  let digits = String(bits, radix: 16)
  return String(repeating: "0", count: 16 - digits.utf8.count) + digits
}
