// What goes into a mapping and what comes out of it.

/// One record of a source, cut down to the fields a mapping asks for.
public struct SourceRecord: Hashable, Sendable {
  /// Where the record starts in its file, from 1; for records that are in no file, their number.
  public var lineNumber: Int64
  /// In the order of ``Mapping/fields``; nil for a field that is absent (JSON `null` included).
  public var values: [String?]
  /// JSON: one entry per item of ``Mapping/itemList``, each in the order of ``Mapping/itemFields``.
  public var items: [[String?]]

  public init(lineNumber: Int64, values: [String?], items: [[String?]] = []) {
    self.lineNumber = lineNumber
    self.values = values
    self.items = items
  }
}

/// A time as the source wrote it; ``Mapping/timeForms`` says how to read it.
public struct MappedTime: Hashable, Sendable {
  public var text: String
  public var form: Int

  public init(text: String, form: Int) {
    self.text = text
    self.form = form
  }
}

public struct MappedIdentifier: Hashable, Sendable {
  public var kind: IdentifierKind
  public var value: String
  /// nil where the source does not say.
  public var isVerified: Bool?

  public init(kind: IdentifierKind, value: String, isVerified: Bool? = nil) {
    self.kind = kind
    self.value = value
    self.isVerified = isVerified
  }
}

public struct MappedLine: Hashable, Sendable {
  public var sku: String?
  public var name: String?
  public var category: String?
  public var quantity: String?
  /// Quantity included, in ``MappedRecord/units``.
  public var amount: String?

  public init(sku: String? = nil, name: String? = nil, category: String? = nil, quantity: String? = nil, amount: String? = nil) {
    self.sku = sku
    self.name = name
    self.category = category
    self.quantity = quantity
    self.amount = amount
  }
}

/// The currency of a record's amounts.
public enum MappedCurrency: Hashable, Sendable {
  /// The suite's base currency.
  case base
  /// As the source states it; nil where it left the field empty.
  case stated(String?)
}

/// A record in our words. Every text is still as good or bad as the source's: ingest validates and normalises (I-04).
public struct MappedRecord: Hashable, Sendable {
  public var kind: MappedKind
  public var eventID: String?
  public var orderID: String?
  public var reference: String?
  public var revision: String?
  public var occurredAt: MappedTime?
  public var paidAt: MappedTime?
  public var currency: MappedCurrency
  public var units: RecordMapping.Units
  public var amount: String?
  public var channel: String?
  public var status: String?
  public var identifiers: [MappedIdentifier]
  public var attributes: [CustomerAttribute: String]
  public var lines: [MappedLine]
  public var details: [InteractionField: String] = [:]
  /// The file's lines this record was made of.
  public var lineNumbers: [Int64]

  public init(
    kind: MappedKind, eventID: String? = nil, orderID: String? = nil, reference: String? = nil, revision: String? = nil,
    occurredAt: MappedTime? = nil, paidAt: MappedTime? = nil, currency: MappedCurrency, units: RecordMapping.Units,
    amount: String? = nil, channel: String? = nil, status: String? = nil, identifiers: [MappedIdentifier],
    attributes: [CustomerAttribute: String], lines: [MappedLine], lineNumbers: [Int64]
  ) {
    self.kind = kind
    self.eventID = eventID
    self.orderID = orderID
    self.reference = reference
    self.revision = revision
    self.occurredAt = occurredAt
    self.paidAt = paidAt
    self.currency = currency
    self.units = units
    self.amount = amount
    self.channel = channel
    self.status = status
    self.identifiers = identifiers
    self.attributes = attributes
    self.lines = lines
    self.lineNumbers = lineNumbers
  }
}

/// One reason why a record could not be mapped. Never holds the record's values: they may be personal.
public struct MappingFault: Error, Hashable, Sendable, CustomStringConvertible {
  public enum Rule: String, Hashable, Sendable, CaseIterable {
    /// Something to calculate with is empty.
    case missing
    case notANumber = "not_a_number"
    /// A value table does not list the text, and says nothing about others.
    case notInTable = "not_in_table"
    /// No rule under `kinds` fits.
    case noKind = "no_kind"
    case tooManyLines = "too_many_lines"
    /// An amount beyond exact arithmetic.
    case outOfRange = "out_of_range"
  }
  /// Ours, as in the mapping's file: `order.lines[3].quantity`, lines counted from 0.
  public let field: String
  public let rule: Rule
  /// What to do about it.
  public let detail: String

  public init(field: String, rule: Rule, detail: String) {
    self.field = field
    self.rule = rule
    self.detail = detail
  }

  public var description: String { "\(field): \(rule.rawValue): \(detail)" }
}

/// What became of a record: every record becomes one of these, none is lost (I-05).
public enum MappingResult: Hashable, Sendable {
  case mapped(MappedRecord)
  /// Left out because a rule under `skip` says so.
  case skipped(reason: String)
  /// All reasons at once.
  case refused([MappingFault])
}
