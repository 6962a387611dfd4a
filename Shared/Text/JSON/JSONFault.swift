// What the JSON reader refuses, and how it says so.

/// Why a JSON document, or a value in it, was refused.
public enum JSONRule: String, Sendable, CaseIterable {
  /// Not JSON at this place.
  case syntax
  /// The document ends before its last value does.
  case truncated
  /// Something other than white space follows the document.
  case trailing
  /// A key that the reader knows occurs twice in one object.
  case duplicateKey
  /// U+0000, raw or escaped: PostgreSQL cannot hold it.
  case nul
  /// A control character below U+0020 that is not escaped.
  case control
  /// Bytes that are not UTF-8.
  case utf8
  /// Half of a surrogate pair in `\u` escapes.
  case surrogate
  /// A byte order mark before the document.
  case byteOrderMark
  /// Objects and arrays nested too deep.
  case depth
  /// A document with too many bytes.
  case documentSize
  /// A document with too many values for a tree.
  case valueCount
  /// A text with too many bytes.
  case textLength
  /// A number that does not fit, or is written with too many digits.
  case numberRange
  /// A value of another type than the field has.
  case wrongType
  /// A required field that is absent.
  case missing
  /// A value of the right type that the field does not allow; raised by callers only.
  case value

  /// What is wrong and what to do about it: a clause that follows the place.
  var advice: String {
    switch self {
    case .syntax: "is not JSON here; send a document that a strict JSON parser accepts"
    case .truncated: "the document ends too early; send it whole"
    case .trailing: "something follows the document; send one JSON document per message"
    case .duplicateKey: "the key occurs twice in one object; send it once"
    case .nul: "the text holds U+0000; remove it"
    case .control: "the text holds an unescaped control character; escape it as \\u00XX"
    case .utf8: "the bytes are not UTF-8; send UTF-8"
    case .surrogate: "the text holds half a surrogate pair; send both halves or the character itself"
    case .byteOrderMark: "the document begins with a byte order mark; send it without"
    case .depth: "objects and arrays are nested too deep; send a flatter document"
    case .documentSize: "the document is too large; send less in one message"
    case .valueCount: "the document holds too many values; send less in one message"
    case .textLength: "the text is longer than this field may be; shorten it"
    case .numberRange: "the number does not fit this field; send a smaller one"
    case .wrongType: "the value has another type than this field; send the type the contract names"
    case .missing: "the field is required; send it"
    case .value: "the value is not one this field allows; send one the contract names"
    }
  }
}

/// A refused document: what, where, and in which item of a list.
///
/// It never holds the refused value: that may be personal data.
public struct JSONFault: Error, Sendable, Equatable, CustomStringConvertible {
  /// Which rule refused it.
  public var rule: JSONRule
  /// The field as a path, `customer.phone`; `(unknown)` inside a value that was skipped.
  public var field: String
  /// The number of the item, from 1, in the innermost array being read; nil outside of arrays.
  public var item: Int?
  /// Where in the document, in bytes from 0.
  public var offset: Int

  public init(rule: JSONRule, field: String, item: Int? = nil, offset: Int) {
    self.rule = rule
    self.field = field
    self.item = item
    self.offset = offset
  }

  /// One sentence: place, reason, remedy.
  public var description: String {
    let place = item.map { "\(field) (item \($0), byte \(offset))" } ?? "\(field) (byte \(offset))"
    return "\(place): \(rule.advice)."
  }
}

/// The bounds of a JSON document.
public struct JSONLimits: Sendable, Equatable {
  /// The largest document, in bytes.
  public var documentBytesMax: Int
  /// The deepest nesting of objects and arrays; never above 64.
  public var depthMax: Int
  /// The longest number token, in bytes.
  public var numberBytesMax: Int
  /// The most values that a tree (`JSONValue`) may hold, containers included.
  public var treeValuesMax: Int

  /// The deepest nesting the reader can follow.
  public static let depthLimit = 64

  public init(
    documentBytesMax: Int = JSONLimits.standard.documentBytesMax,
    depthMax: Int = JSONLimits.standard.depthMax,
    numberBytesMax: Int = JSONLimits.standard.numberBytesMax,
    treeValuesMax: Int = JSONLimits.standard.treeValuesMax
  ) {
    self.documentBytesMax = documentBytesMax
    self.depthMax = min(max(depthMax, 1), Self.depthLimit)
    self.numberBytesMax = numberBytesMax
    self.treeValuesMax = treeValuesMax
  }

  /// A payload of 2 MiB with 64 KiB of envelope around it, 64 levels, numbers of 256 digits, trees of 200,000 values.
  public static let standard = JSONLimits(
    documentBytesMax: 2 << 20 + 64 << 10, depthMax: 64, numberBytesMax: 256, treeValuesMax: 200_000)
}

/// What kind of value comes next.
public enum JSONKind: Sendable, Equatable {
  case object, array, text, number, boolean, null
  /// The document ends here.
  case end
  /// Nothing that begins a value: the next read will refuse it.
  case other
}
