// Pieces that several messages are made of, and the limits of their fields.
import Domain
import Text

/// The longest texts a message may carry, in bytes of UTF-8.
public enum ContractLimits {
  public static let wordBytesMax = 64
  public static let idBytesMax = 200
  public static let textBytesMax = 500
  /// What people write in their own words: messages, comments, reviews.
  public static let longTextBytesMax = 10_000
  public static let identifiersMax = 50
  public static let daysMax = 900
  public static let tagsMax = 200
  public static let tagBytesMax = 120
}

func writeIdentifiers(_ identifiers: [Identifier], to writer: inout JSONWriter) {
  writer.beginArray()
  for identifier in identifiers {
    writer.beginObject()
    writer.key("kind")
    writer.text(identifier.kind.name)
    writer.key("value")
    writer.text(identifier.value)
    writer.key("strong")
    writer.boolean(identifier.isStrong)
    writer.endObject()
  }
  writer.endArray()
}

func readIdentifiers(_ reader: inout JSONReader) throws(JSONFault) -> [Identifier] {
  var identifiers: [Identifier] = []
  try reader.beginArray("identifiers")
  while try reader.nextItem() {
    guard identifiers.count < ContractLimits.identifiersMax else { throw reader.fault(.value, "identifiers") }
    var kind: IdentifierKind?, value: String?, strong = false
    var seen: UInt64 = 0
    try reader.beginObject("identifiers")
    while let key = try reader.nextKey() {
      if key.is("kind") {
        try reader.once(&seen, 0, "identifiers.kind")
        kind = IdentifierKind(name: try reader.text("identifiers.kind", bytesMax: ContractLimits.wordBytesMax).string)
        if kind == nil { throw reader.fault(.value, "identifiers.kind") }
      } else if key.is("value") {
        try reader.once(&seen, 1, "identifiers.value")
        value = try reader.text("identifiers.value", bytesMax: Identifier.valueBytesMax).string
      } else if key.is("strong") {
        try reader.once(&seen, 2, "identifiers.strong")
        strong = try reader.boolean("identifiers.strong")
      } else {
        try reader.skip()
      }
    }
    guard let kind else { throw reader.fault(.missing, "identifiers.kind") }
    guard let value, !value.isEmpty else { throw reader.fault(.missing, "identifiers.value") }
    identifiers.append(Identifier(kind: kind, value: value, isVerified: strong))
  }
  return identifiers
}

/// How every fact about a person begins.
func writeHead(_ source: String, _ eventID: String, _ occurredAt: Instant, to writer: inout JSONWriter) {
  writer.key("source")
  writer.text(source)
  writer.key("event_id")
  writer.text(eventID)
  writer.key("occurred_at")
  writer.text(RFC3339.text(occurredAt.microseconds))
}

/// The same on its way in. Its members are the first three bits of what was seen.
struct FactHead {
  private(set) var source = ""
  private(set) var eventID = ""
  private(set) var occurredAt: Instant?

  /// Reads the member of this key; false when it is none of these.
  mutating func take(_ key: JSONText, _ seen: inout UInt64, _ reader: inout JSONReader) throws(JSONFault) -> Bool {
    if key.is("source") {
      try reader.once(&seen, 0, "source")
      source = try reader.text("source", bytesMax: ContractLimits.wordBytesMax).string
    } else if key.is("event_id") {
      try reader.once(&seen, 1, "event_id")
      eventID = try reader.text("event_id", bytesMax: ContractLimits.idBytesMax).string
    } else if key.is("occurred_at") {
      try reader.once(&seen, 2, "occurred_at")
      occurredAt = try readInstant(&reader, "occurred_at")
    } else {
      return false
    }
    return true
  }
}

func writeUnlessEmpty(_ key: StaticString, _ text: String, to writer: inout JSONWriter) {
  guard !text.isEmpty else { return }
  writer.key(key)
  writer.text(text)
}

/// One of a list of words.
func readChoice<Choice: RawRepresentable<String>>(_ reader: inout JSONReader, _ field: StaticString) throws(JSONFault) -> Choice {
  guard let choice = Choice(rawValue: try reader.text(field, bytesMax: ContractLimits.wordBytesMax).string) else { throw reader.fault(.value, field) }
  return choice
}

func readInteger(_ reader: inout JSONReader, _ field: StaticString, in range: ClosedRange<Int64>) throws(JSONFault) -> Int64 {
  let value = try reader.integer(field)
  guard range.contains(value) else { throw reader.fault(.numberRange, field) }
  return value
}

func readInstant(_ reader: inout JSONReader, _ field: StaticString) throws(JSONFault) -> Instant {
  let text = try reader.text(field, bytesMax: RFC3339.textBytesMax)
  do { return Instant(microseconds: try RFC3339.parse(text)) } catch { throw reader.fault(.value, field) }
}

func readDay(_ reader: inout JSONReader, _ field: StaticString) throws(JSONFault) -> Day {
  guard let day = Day(try reader.text(field, bytesMax: ContractLimits.wordBytesMax).string) else { throw reader.fault(.value, field) }
  return day
}

func readCustomerID(_ reader: inout JSONReader, _ field: StaticString) throws(JSONFault) -> CustomerID {
  guard let id = CustomerID(try reader.text(field, bytesMax: ContractLimits.wordBytesMax).string) else { throw reader.fault(.value, field) }
  return id
}

/// An integer that fits 32 bits.
func readInt32(_ reader: inout JSONReader, _ field: StaticString) throws(JSONFault) -> Int32 {
  guard let value = Int32(exactly: try reader.integer(field)) else { throw reader.fault(.numberRange, field) }
  return value
}
