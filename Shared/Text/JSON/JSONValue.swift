// A whole JSON document as a tree: for settings, API bodies and declarative files, never on the way of events.

/// A JSON value with everything in it.
///
/// Numbers keep their text, so that none is rounded; objects keep their order.
public enum JSONValue: Sendable, Equatable {
  case null
  case boolean(Bool)
  /// A number as it is written, which is a valid JSON number.
  case number(String)
  case text(String)
  case array([JSONValue])
  case object([JSONMember])

  /// A member of an object.
  public struct JSONMember: Sendable, Equatable {
    public var key: String
    public var value: JSONValue

    public init(_ key: String, _ value: JSONValue) {
      self.key = key
      self.value = value
    }
  }
}

public typealias JSONMember = JSONValue.JSONMember

// MARK: - Reading

extension JSONValue {
  /// Reads a document under the same rules as `JSONReader`; in a tree every key is known, so each repeated key is refused.
  ///
  /// Faults carry no path but the byte offset, and the number of the item in the innermost array.
  public init(_ bytes: UnsafeRawBufferPointer, limits: JSONLimits = .standard) throws(JSONFault) {
    var reader = JSONReader(bytes, limits: limits)
    var left = limits.treeValuesMax
    self = try Self.read(&reader, &left)
    try reader.finish()
  }

  /// Reads a document.
  public init(_ bytes: [UInt8], limits: JSONLimits = .standard) throws(JSONFault) {
    let outcome = bytes.withUnsafeBytes { (raw) -> Result<JSONValue, JSONFault> in
      do throws(JSONFault) { return .success(try JSONValue(raw, limits: limits)) } catch { return .failure(error) }
    }
    self = try outcome.get()
  }

  /// Reads a document from a text.
  public init(parsing text: String, limits: JSONLimits = .standard) throws(JSONFault) {
    try self.init(Array(text.utf8), limits: limits)
  }

  /// Reads the next value of a reader as a tree: a part of a document that is otherwise pulled.
  public init(reading reader: inout JSONReader) throws(JSONFault) {
    var left = reader.limits.treeValuesMax
    self = try Self.read(&reader, &left)
  }

  /// Recursion is bounded by the reader's depth limit, memory by `left`.
  private static func read(_ reader: inout JSONReader, _ left: inout Int) throws(JSONFault) -> JSONValue {
    let field: StaticString = "(value)"
    left -= 1
    guard left >= 0 else { throw reader.fault(.valueCount, field) }
    switch reader.peek() {
    case .object: return try readObject(&reader, &left, field)
    case .array:
      var items: [JSONValue] = []
      try reader.beginArray(field)
      while try reader.nextItem() { items.append(try read(&reader, &left)) }
      return .array(items)
    case .text: return .text(try reader.text(field, bytesMax: .max).string)
    case .number: return .number(try reader.number(field).string)
    case .null where reader.takeNull(): return .null
    case .boolean, .null, .end, .other: return .boolean(try reader.boolean(field))
    }
  }

  private static func readObject(
    _ reader: inout JSONReader, _ left: inout Int, _ field: StaticString
  ) throws(JSONFault) -> JSONValue {
    var members: [JSONMember] = []
    // Bytes, not Swift texts: two spellings that Unicode calls equal are two keys in JSON.
    var seen: Set<[UInt8]> = []
    try reader.beginObject(field)
    while let key = try reader.nextKey() {
      guard seen.insert(key.array).inserted else { throw reader.fault(.duplicateKey, field) }
      let name = key.string
      members.append(JSONMember(name, try read(&reader, &left)))
    }
    return .object(members)
  }
}

// MARK: - Writing

extension JSONValue {
  /// Writes the value; nesting beyond `JSONWriter.depthMax` becomes null.
  public func write(to writer: inout JSONWriter) {
    switch self {
    case .null: writer.null()
    case .boolean(let value): writer.boolean(value)
    case .text(let value): writer.text(value)
    case .number(let value): writer.numberToken(value)
    case .array(let items):
      guard writer.depth < JSONWriter.depthMax else { return writer.null() }
      writer.beginArray()
      for item in items { item.write(to: &writer) }
      writer.endArray()
    case .object(let members):
      guard writer.depth < JSONWriter.depthMax else { return writer.null() }
      writer.beginObject()
      for member in members {
        writer.key(member.key)
        member.value.write(to: &writer)
      }
      writer.endObject()
    }
  }

  /// The value as one line of JSON.
  public var encoded: [UInt8] { JSONWriter.bytes { write(to: &$0) } }

  /// The value as one line of JSON.
  public var encodedText: String { String(decoding: encoded, as: UTF8.self) }
}

extension JSONWriter {
  /// A number given as its text; null when the text is no JSON number.
  mutating func numberToken(_ token: String) {
    let bytes = Array(token.utf8)
    let isNumber = bytes.withUnsafeBytes { raw in
      var reader = JSONReader(raw)
      guard (try? reader.number("")) != nil else { return false }
      // No blanks around it either.
      return reader.offset == 0 && raw.last.map { $0 > 0x20 } == true && (try? reader.finish()) != nil
    }
    guard isNumber else { return null() }
    bytes.withUnsafeBytes { putValue($0) }
  }
}

// MARK: - Looking inside

extension JSONValue {
  /// The value of a key; nil when this is no object or has no such key.
  public subscript(_ key: String) -> JSONValue? { members?.first { $0.key.utf8.elementsEqual(key.utf8) }?.value }

  /// The item at an index; nil when this is no array or is shorter.
  public subscript(_ index: Int) -> JSONValue? {
    guard let items = arrayValue, items.indices.contains(index) else { return nil }
    return items[index]
  }

  /// The text; nil when this is none.
  public var stringValue: String? {
    if case .text(let value) = self { value } else { nil }
  }

  /// `true` or `false`; nil when this is neither.
  /// The digits of a number, as they came.
  public var numberText: String? { if case .number(let text) = self { text } else { nil } }

  public var booleanValue: Bool? {
    if case .boolean(let value) = self { value } else { nil }
  }

  /// The number, when it is whole, written without fraction and exponent, and fits 64 bits.
  public var int64Value: Int64? {
    if case .number(let token) = self { Int64(token) } else { nil }
  }

  /// The number, when it is written without fraction and exponent and fits.
  public var intValue: Int? { int64Value.flatMap { Int(exactly: $0) } }

  /// The number as a binary fraction, for statistics and never for money.
  public var doubleValue: Double? {
    if case .number(let token) = self { Double(token) } else { nil }
  }

  /// The number, exactly; nil when this is none or does not fit.
  public var decimalValue: ExactDecimal? {
    if case .number(let token) = self { try? ExactDecimal.parse(token, allowingExponent: true) } else { nil }
  }

  /// The items; nil when this is no array.
  public var arrayValue: [JSONValue]? {
    if case .array(let items) = self { items } else { nil }
  }

  /// The members in their order; nil when this is no object.
  public var members: [JSONMember]? {
    if case .object(let members) = self { members } else { nil }
  }

  public var isNull: Bool { self == .null }
}

// MARK: - Literals, for tests and answers

extension JSONValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral,
  ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral, ExpressibleByNilLiteral
{
  public init(stringLiteral value: String) { self = .text(value) }
  public init(integerLiteral value: Int64) { self = .number(String(value)) }
  public init(booleanLiteral value: Bool) { self = .boolean(value) }
  public init(arrayLiteral elements: JSONValue...) { self = .array(elements) }
  public init(dictionaryLiteral elements: (String, JSONValue)...) {
    self = .object(elements.map { JSONMember($0.0, $0.1) })
  }
  public init(nilLiteral: ()) { self = .null }

  /// A whole number.
  public static func integer(_ value: Int64) -> JSONValue { .number(String(value)) }
  /// A text, or null for nil.
  public static func textOrNull(_ value: String?) -> JSONValue { value.map { .text($0) } ?? .null }
}
