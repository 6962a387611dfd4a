// How records of a source that does not speak our contract become events: data, not code (I-03).
//
// A mapping is made from a file (room Documents) and applied by ``Mapping/apply(_:)``. It moves texts to where they belong and
// does the arithmetic a source leaves to its reader; whether the texts are good is decided afterwards, by ingest (I-04).

/// How a source writes its records down.
public enum SourceFormat: Hashable, Sendable {
  /// One record per line, fields between delimiters.
  case delimited(DelimitedFormat)
  /// One JSON object per line.
  case jsonLines
  /// A JSON object, or an array of objects.
  case json
}

public struct DelimitedFormat: Hashable, Sendable {
  public enum Delimiter: Hashable, Sendable {
    /// One ASCII byte.
    case byte(UInt8)
    /// Runs of spaces and tabs; blanks at either end of the line do not count.
    case blanks
  }
  public let delimiter: Delimiter
  /// The ASCII byte around fields that hold delimiters or line breaks; nil where fields are never quoted.
  public let quote: UInt8?
  /// The names of the columns; nil when the first line tells them.
  public let columns: [String]?

  public init(delimiter: Delimiter, quote: UInt8?, columns: [String]?) {
    self.delimiter = delimiter
    self.quote = quote
    self.columns = columns
  }
}

/// Where a field stands in a source's record: a column's name, or a path into a JSON object.
public struct SourcePath: Hashable, Sendable, CustomStringConvertible {
  /// As written: `CustomerID`, `customer.id`, `line_items[].price`.
  public let text: String
  /// The object keys from the record's root, up to the list if there is one.
  public let steps: [String]
  /// The object keys inside each item of the list at ``steps``; nil for a field of the record itself.
  public let itemSteps: [String]?

  public static let bytesMax = 200

  /// A column's name, taken as it stands.
  public init?(column: String) {
    guard (1...SourcePath.bytesMax).contains(column.utf8.count) else { return nil }
    self.text = column
    self.steps = [column]
    self.itemSteps = nil
  }

  /// A path into a JSON object; nil when a step is empty or there is more than one `[]`.
  public init?(path: String) {
    guard (1...SourcePath.bytesMax).contains(path.utf8.count) else { return nil }
    var steps: [String] = []
    var itemSteps: [String]?
    for part in path.split(separator: ".", omittingEmptySubsequences: false) {
      let isList = part.hasSuffix("[]")
      let key = String(isList ? part.dropLast(2) : part)
      guard !key.isEmpty, !key.utf8.contains(0x5B), !key.utf8.contains(0x5D), !(isList && itemSteps != nil) else { return nil }
      if itemSteps == nil { steps.append(key) } else { itemSteps?.append(key) }
      if isList { itemSteps = [] }
    }
    self.text = path
    self.steps = steps
    self.itemSteps = itemSteps
  }

  public var description: String { text }
}

/// A field's place among the values a mapping asks for; see ``Mapping/fields``.
public enum FieldReference: Hashable, Sendable {
  /// Of the record; in a delimited file also of each line of the record.
  case record(Int)
  /// Of each item of the record's list.
  case item(Int)
}

/// A text taken from a source's record, and what is done to it on the way.
///
/// The order is fixed: blanks at both ends go; characters in ``removing`` go; the prefix, then the suffix is trimmed; case; an
/// empty text becomes the default; the table; padding; at last ``prefix`` is put before. An empty text without a default is no
/// value, and no step makes one of it.
public struct MappedValue: Hashable, Sendable {
  public enum Origin: Hashable, Sendable {
    case field(FieldReference)
    /// The first of these fields that is not empty.
    case firstOf([FieldReference])
    case constant(String)
    /// The number of the record's (first) line in its file.
    case lineNumber
  }
  public enum LetterCase: String, Hashable, Sendable, CaseIterable { case lower, upper }
  public struct Table: Hashable, Sendable {
    public let entries: [String: String]
    /// For what the table does not list; nil: that is a fault.
    public let otherwise: String?

    public init(entries: [String: String], otherwise: String?) {
      self.entries = entries
      self.otherwise = otherwise
    }

    public static let entriesCountMax = 10_000
  }
  public struct Padding: Hashable, Sendable {
    /// Shorter texts are filled up on the left to this many characters.
    public let width: Int
    public let with: Character

    public init(width: Int, with: Character) {
      self.width = width
      self.with = with
    }

    public static let widthCharactersMax = 64
  }

  public var origin: Origin
  public var removing: String
  public var trimmedPrefix: String
  public var trimmedSuffix: String
  public var letterCase: LetterCase?
  public var defaultText: String?
  public var table: Table?
  public var padding: Padding?
  public var prefix: String

  public init(
    _ origin: Origin, removing: String = "", trimmedPrefix: String = "", trimmedSuffix: String = "", letterCase: LetterCase? = nil,
    defaultText: String? = nil, table: Table? = nil, padding: Padding? = nil, prefix: String = ""
  ) {
    self.origin = origin
    self.removing = removing
    self.trimmedPrefix = trimmedPrefix
    self.trimmedSuffix = trimmedSuffix
    self.letterCase = letterCase
    self.defaultText = defaultText
    self.table = table
    self.padding = padding
    self.prefix = prefix
  }
}

/// A question about a record.
public indirect enum MappingCondition: Hashable, Sendable {
  case equals(FieldReference, String)
  case oneOf(FieldReference, [String])
  case startsWith(FieldReference, String)
  case endsWith(FieldReference, String)
  /// `*` stands for any characters, `?` for one.
  case matches(FieldReference, String)
  /// Absent, or nothing but blanks.
  case empty(FieldReference)
  /// A number below zero.
  case negative(FieldReference)
  case not(MappingCondition)
  case all([MappingCondition])
  case any([MappingCondition])
}

/// How a time is written.
public struct TimeForm: Hashable, Sendable {
  public enum Spelling: Hashable, Sendable {
    /// With its own offset: `2026-07-01T09:30:00+08:00`.
    case rfc3339
    /// As `strptime` reads it: `%Y-%m-%d %H:%M:%S`. Parts that are not in the pattern are midnight.
    case pattern(String)
    case unixSeconds
    case unixMilliseconds
  }
  /// The time zone of a pattern; the other spellings carry their own.
  public enum Zone: Hashable, Sendable {
    case business
    /// An IANA name: `Europe/London`.
    case named(String)
  }
  public let spelling: Spelling
  public let zone: Zone

  public init(spelling: Spelling, zone: Zone) {
    self.spelling = spelling
    self.zone = zone
  }
}

public struct TimeRule: Hashable, Sendable {
  public let value: MappedValue
  /// The place of the form in ``Mapping/timeForms``.
  public let form: Int

  public init(value: MappedValue, form: Int) {
    self.value = value
    self.form = form
  }
}

/// Where a record's amount comes from.
public struct AmountRule: Hashable, Sendable {
  public enum Origin: Hashable, Sendable {
    case value(MappedValue)
    /// The lines' amounts, each as it is after its own rounding.
    case sumOfLines
  }
  public let origin: Origin
  /// A sign is dropped: a refund's file may write what was given back as negative.
  public let isAbsolute: Bool
  /// Decimals to round half up to; nil: left as it is.
  public let roundedTo: Int?

  public init(_ origin: Origin, isAbsolute: Bool = false, roundedTo: Int? = nil) {
    self.origin = origin
    self.isAbsolute = isAbsolute
    self.roundedTo = roundedTo
  }

  public static let roundedToDigitsMax = 6
}

public struct LineRule: Hashable, Sendable {
  public enum Amount: Hashable, Sendable {
    /// The line's amount as the source gives it.
    case value(MappedValue)
    /// Quantity times this price, exact.
    case quantityTimes(price: MappedValue)
  }
  public let sku: MappedValue?
  public let name: MappedValue?
  public let category: MappedValue?
  public let quantity: MappedValue?
  public let amount: Amount
  public let roundedTo: Int?

  public init(sku: MappedValue?, name: MappedValue?, category: MappedValue?, quantity: MappedValue?, amount: Amount, roundedTo: Int? = nil)
  {
    self.sku = sku
    self.name = name
    self.category = category
    self.quantity = quantity
    self.amount = amount
    self.roundedTo = roundedTo
  }
}

public struct IdentifierRule: Hashable, Sendable {
  public let kind: IdentifierKind
  public let value: MappedValue
  /// Whether the source says that the phone or address was verified (P-01); nil: it does not say.
  public let isVerified: Bool?

  public init(kind: IdentifierKind, value: MappedValue, isVerified: Bool? = nil) {
    self.kind = kind
    self.value = value
    self.isVerified = isVerified
  }
}

public struct AttributeRule: Hashable, Sendable {
  public let attribute: CustomerAttribute
  public let value: MappedValue

  public init(attribute: CustomerAttribute, value: MappedValue) {
    self.attribute = attribute
    self.value = value
  }
}

/// What a record becomes.
public enum MappedKind: String, Hashable, Sendable, CaseIterable {
  case order, payment, refund, cancellation, customer, contact, behaviour, answer

  /// The fields that only records of this kind have.
  public var details: [InteractionField] {
    switch self {
    case .order, .payment, .refund, .cancellation, .customer: []
    case .contact: InteractionField.ofContact
    case .behaviour: InteractionField.ofBehaviour
    case .answer: InteractionField.ofAnswer
    }
  }
}

/// The section of a mapping that makes one kind of event.
public struct RecordMapping: Hashable, Sendable {
  public enum Currency: Hashable, Sendable {
    /// The suite's base currency.
    case base
    case value(MappedValue)
  }
  public enum Paid: Hashable, Sendable {
    /// Not said, or said by payments of their own.
    case never
    /// When the order happened.
    case whenOccurred
    case at(TimeRule)
  }
  /// What the source's amounts count.
  public enum Units: String, Hashable, Sendable, CaseIterable {
    /// Yuan: `12.30`.
    case major
    /// Fen: `1230`.
    case minor
  }

  public var eventID: MappedValue?
  public var orderID: MappedValue?
  /// The payment's or refund's own id.
  public var reference: MappedValue?
  public var revision: MappedValue?
  public var occurredAt: TimeRule
  public var paid: Paid
  public var currency: Currency
  public var units: Units
  public var amount: AmountRule?
  public var channel: MappedValue?
  public var status: MappedValue?
  public var identifiers: [IdentifierRule]
  public var attributes: [AttributeRule]
  public var lines: LineRule?
  /// What only contacts, behaviours and answers have.
  public var details: [InteractionField: MappedValue] = [:]

  public init(
    eventID: MappedValue? = nil, orderID: MappedValue? = nil, reference: MappedValue? = nil, revision: MappedValue? = nil,
    occurredAt: TimeRule, paid: Paid = .never, currency: Currency = .base, units: Units = .major, amount: AmountRule? = nil,
    channel: MappedValue? = nil, status: MappedValue? = nil, identifiers: [IdentifierRule], attributes: [AttributeRule] = [],
    lines: LineRule? = nil
  ) {
    self.eventID = eventID
    self.orderID = orderID
    self.reference = reference
    self.revision = revision
    self.occurredAt = occurredAt
    self.paid = paid
    self.currency = currency
    self.units = units
    self.amount = amount
    self.channel = channel
    self.status = status
    self.identifiers = identifiers
    self.attributes = attributes
    self.lines = lines
  }
}

/// Which records become which kind; the first rule that fits decides.
public struct KindRule: Hashable, Sendable {
  public let kind: MappedKind
  /// nil: every record.
  public let condition: MappingCondition?

  public init(kind: MappedKind, when condition: MappingCondition?) {
    self.kind = kind
    self.condition = condition
  }
}

/// Records that are left out on purpose; they are counted, with the reason.
public struct SkipRule: Hashable, Sendable {
  public let condition: MappingCondition
  public let reason: String

  public init(when condition: MappingCondition, reason: String) {
    self.condition = condition
    self.reason = reason
  }
}

/// A mapping without a fault: it cannot be made with one.
public struct Mapping: Hashable, Sendable {
  public let name: String
  public let version: Int
  /// The source whose records it reads, and who answers for it (I-01).
  public let source: String
  public let owner: String
  public let format: SourceFormat
  /// Delimited files: lines with the same text here are one record.
  public let groupBy: FieldReference?
  /// What to hand over for each record or line, in this order: ``SourceRecord/values``.
  public let fields: [SourcePath]
  /// JSON: the list a record's lines come from, and what to hand over for each of its items: ``SourceRecord/items``.
  public let itemList: [String]?
  public let itemFields: [SourcePath]
  public let timeForms: [TimeForm]
  public let skips: [SkipRule]
  public let kinds: [KindRule]
  public let sections: [MappedKind: RecordMapping]

  public static let fieldsCountMax = 200

  /// Throws every fault at once.
  public init(
    name: String, version: Int, source: String, owner: String, format: SourceFormat, groupBy: FieldReference? = nil,
    fields: MappingFields, skips: [SkipRule] = [], kinds: [KindRule], sections: [MappedKind: RecordMapping]
  ) throws(ConfigurationFaults) {
    self.name = name
    self.version = version
    self.source = source
    self.owner = owner
    self.format = format
    self.groupBy = groupBy
    self.fields = fields.recordFields
    self.itemFields = fields.itemFields
    self.itemList = fields.itemFields.first?.steps
    self.timeForms = fields.timeForms
    self.skips = skips
    self.kinds = kinds
    self.sections = sections
    let faults = self.faults()
    guard faults.isEmpty else { throw ConfigurationFaults(faults) }
  }

  /// The places of ``fields`` in a file's header.
  ///
  /// Throws the names of all missing columns. A byte order mark before the first name and blanks around names do not count.
  public func columns(in header: [String]) throws(ConfigurationFaults) -> [Int] {
    let names = header.enumerated().map {
      trimmed($0.offset == 0 && $0.element.hasPrefix("\u{FEFF}") ? $0.element.dropFirst() : $0.element[...])
    }
    var faults: [ConfigurationFault] = []
    var columns: [Int] = []
    for field in fields {
      let places = names.indices.filter { names[$0] == field.text }
      if let place = places.first, places.count == 1 {
        columns.append(place)
      } else {
        let problem = places.isEmpty ? "the file has no column `\(field)`" : "the file has \(places.count) columns `\(field)`"
        faults.append(ConfigurationFault(path: field.text, problem: problem))
      }
    }
    guard faults.isEmpty else { throw ConfigurationFaults(faults) }
    return columns
  }
}

/// Collects the fields and time forms a mapping uses, each once, while its sections are made.
public struct MappingFields: Hashable, Sendable {
  public private(set) var recordFields: [SourcePath] = []
  public private(set) var itemFields: [SourcePath] = []
  public private(set) var timeForms: [TimeForm] = []

  public init() {}

  public mutating func reference(to path: SourcePath) -> FieldReference {
    if path.itemSteps != nil { return .item(MappingFields.place(of: path, in: &itemFields)) }
    return .record(MappingFields.place(of: path, in: &recordFields))
  }

  public mutating func form(_ form: TimeForm) -> Int { MappingFields.place(of: form, in: &timeForms) }

  private static func place<Element: Equatable>(of element: Element, in list: inout [Element]) -> Int {
    if let place = list.firstIndex(of: element) { return place }
    list.append(element)
    return list.count - 1
  }
}
