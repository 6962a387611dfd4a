// Header fields: an ordered list, looked up without regard to letter case.

/// Header fields in the order they were given. A name may occur more than once.
///
/// What comes from a peer has been checked before it gets here; what a program adds is checked when the message is sent
/// (``isValid``), because a value with a line break would let its author write further headers.
public struct HTTPHeaders: Sendable, Equatable, ExpressibleByDictionaryLiteral {
  public struct Field: Sendable, Equatable {
    public var name: String
    public var value: String

    public init(name: String, value: String) {
      self.name = name
      self.value = value
    }
  }

  public private(set) var fields: [Field] = []

  public init() {}

  public init(_ fields: [Field]) { self.fields = fields }

  public init(dictionaryLiteral elements: (String, String)...) {
    self.fields = elements.map { Field(name: $0.0, value: $0.1) }
  }

  /// The first value of `name`, or nil. Setting replaces every field of that name; setting nil removes them.
  public subscript(name: String) -> String? {
    get { fields.first { HTTPHeaders.same($0.name, name) }?.value }
    set {
      fields.removeAll { HTTPHeaders.same($0.name, name) }
      if let newValue { fields.append(Field(name: name, value: newValue)) }
    }
  }

  /// Every value of `name`, in order.
  public func all(_ name: String) -> [String] { fields.filter { HTTPHeaders.same($0.name, name) }.map(\.value) }

  public func contains(_ name: String) -> Bool { fields.contains { HTTPHeaders.same($0.name, name) } }

  /// Adds a field beside those of the same name.
  public mutating func add(_ name: String, _ value: String) { fields.append(Field(name: name, value: value)) }

  /// Whether every name is a token and no value holds CR, LF, NUL or another control byte.
  public var isValid: Bool {
    fields.allSatisfy { HTTPHeaders.isToken($0.name.utf8) && HTTPHeaders.isValue($0.value.utf8) }
  }

  /// RFC 9110 section 5.6.2: what a field name and a method may consist of.
  static func isToken(_ bytes: some Collection<UInt8>) -> Bool { !bytes.isEmpty && bytes.allSatisfy { isTokenByte($0) } }

  /// RFC 9110 section 5.5: visible bytes, blank, tab, and bytes from 0x80 (which we pass on as they are).
  static func isValue(_ bytes: some Sequence<UInt8>) -> Bool { bytes.allSatisfy { ($0 >= 0x20 && $0 != 0x7F) || $0 == 0x09 } }

  /// ASCII letters compare without case; all other bytes as they are. No locale, no Unicode folding: `K` is not the Kelvin sign.
  static func same(_ left: String, _ right: String) -> Bool {
    let left = left.utf8
    let right = right.utf8
    guard left.count == right.count else { return false }
    return zip(left, right).allSatisfy { lowercased($0) == lowercased($1) }
  }

  static func lowercased(_ byte: UInt8) -> UInt8 { (0x41...0x5A).contains(byte) ? byte | 0x20 : byte }

  private static func isTokenByte(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
    // ! # $ % & ' * + - . ^ _ ` | ~
    case 0x21, 0x23, 0x24, 0x25, 0x26, 0x27, 0x2A, 0x2B, 0x2D, 0x2E, 0x5E, 0x5F, 0x60, 0x7C, 0x7E: true
    default: false
    }
  }
}
