// Reads a message as a plain order, and gives up at the first thing that is not: the strict reader then says what it is.
import Contracts
public import Domain
import Text

extension PlainOrder {
  /// nil when the message is not an order event of one identifier in the form ingest writes, or anything about it is strange. What this reader takes,
  /// the strict one (`OrderEvent.init(reading:)`) takes with the same meaning.
  ///
  /// - Parameters:
  ///   - home: the key of its identifier, which is the key of the record.
  ///   - place: where the value begins among the bytes of its batch.
  public init?(_ value: UnsafeRawBufferPointer, home: IdentityKey, place: Int) {
    guard let base = value.baseAddress else { return nil }
    var reader = JSONReader(value)
    var fields = Fields(base: base, end: base + value.count, place: place)
    do throws(JSONFault) {
      try fields.read(&reader)
    } catch { return nil }
    guard fields.isPlain, let kind = fields.kind, let currency = fields.currency, let identifierKind = fields.identifierKind else { return nil }
    self.kind = kind
    self.home = home
    self.identifierKind = identifierKind
    isStrong = fields.isStrong && identifierKind.canBeStrong
    revision = fields.revision
    occurredAt = Instant(microseconds: fields.occurredAt)
    paidMicroseconds = fields.paidAt
    money = Money(minorUnits: fields.amount, currency: currency)
    baseMinorUnits = fields.base
    source = fields.source
    eventID = fields.eventID
    orderID = fields.orderID
    reference = fields.reference
    channel = fields.channel
    identifier = fields.identifier
    lines = fields.lines
  }
}

private struct Fields {
  let start: UnsafeRawPointer
  let end: UnsafeRawPointer
  let place: Int
  var isPlain = true
  var kind: OrderEvent.Kind?
  var source = TextPlace.none
  var eventID = TextPlace.none
  var orderID = TextPlace.none
  var reference = TextPlace.none
  var channel = TextPlace.none
  var lines = TextPlace.none
  var identifier = TextPlace.none
  var identifierKind: IdentifierKind?
  var isStrong = false
  var revision: Int64 = 1
  var occurredAt: Int64 = 0
  var paidAt = Int64.min
  var currency: Currency?
  var amount: Int64 = 0
  var base: Int64 = 0

  private static let needed: UInt64 = 0b1_0111_0100_1111

  init(base: UnsafeRawPointer, end: UnsafeRawPointer, place: Int) {
    start = base
    self.end = end
    self.place = place
  }

  mutating func read(_ reader: inout JSONReader) throws(JSONFault) {
    var seen: UInt64 = 0
    try reader.beginObject("$")
    while let key = try reader.nextKey() {
      if key.is("type") {
        try reader.once(&seen, 0, "type")
        kind = Fields.kind(try reader.text("type", bytesMax: ContractLimits.wordBytesMax))
      } else if key.is("source") {
        try reader.once(&seen, 1, "source")
        source = here(try reader.text("source", bytesMax: ContractLimits.wordBytesMax))
      } else if key.is("event_id") {
        try reader.once(&seen, 2, "event_id")
        eventID = here(try reader.text("event_id", bytesMax: ContractLimits.idBytesMax))
      } else if key.is("order_id") {
        try reader.once(&seen, 3, "order_id")
        if !reader.takeNull() { orderID = here(try reader.text("order_id", bytesMax: ContractLimits.idBytesMax)) }
      } else if key.is("revision") {
        try reader.once(&seen, 7, "revision")
        revision = try reader.integer("revision")
      } else if key.is("reference") {
        try reader.once(&seen, 11, "reference")
        reference = here(try reader.text("reference", bytesMax: ContractLimits.idBytesMax))
      } else if key.is("occurred_at") {
        try reader.once(&seen, 6, "occurred_at")
        occurredAt = instant(try reader.text("occurred_at", bytesMax: RFC3339.textBytesMax))
      } else {
        try readRest(key, &seen, &reader)
      }
    }
    try reader.finish()
    // What ingest always writes; an order id may be missing for a refund alone, which the strict reader judges.
    isPlain = isPlain && seen & Fields.needed == Fields.needed && orderID.count > 0
  }

  private mutating func readRest(_ key: JSONText, _ seen: inout UInt64, _ reader: inout JSONReader) throws(JSONFault) {
    if key.is("paid_at") {
      try reader.once(&seen, 13, "paid_at")
      if !reader.takeNull() { paidAt = instant(try reader.text("paid_at", bytesMax: RFC3339.textBytesMax)) }
    } else if key.is("currency") {
      try reader.once(&seen, 8, "currency")
      let text = try reader.text("currency", bytesMax: 3)
      if text.count == 3 { currency = Currency(letters: text.bytes.reduce(UInt32(0)) { $0 << 8 | UInt32($1) }) }
    } else if key.is("amount") {
      try reader.once(&seen, 9, "amount")
      amount = try reader.integer("amount")
    } else if key.is("base_amount") {
      try reader.once(&seen, 10, "base_amount")
      base = try reader.integer("base_amount")
    } else if key.is("channel") {
      try reader.once(&seen, 14, "channel")
      channel = here(try reader.text("channel", bytesMax: ContractLimits.wordBytesMax))
    } else if key.is("identifiers") {
      try reader.once(&seen, 12, "identifiers")
      try readIdentifiers(&reader)
    } else if key.is("lines") {
      try reader.once(&seen, 15, "lines")
      let from = reader.endOffset
      try OrderLine.check(&reader)
      lines = TextPlace(start: UInt32(truncatingIfNeeded: place + from), count: UInt32(truncatingIfNeeded: reader.endOffset - from))
    } else {
      // Fields of the future are for the strict reader.
      isPlain = false
      try reader.skip()
    }
  }

  private mutating func readIdentifiers(_ reader: inout JSONReader) throws(JSONFault) {
    var count = 0
    try reader.beginArray("identifiers")
    while try reader.nextItem() {
      count += 1
      var seen: UInt64 = 0
      try reader.beginObject("identifiers")
      while let key = try reader.nextKey() {
        if key.is("kind") {
          try reader.once(&seen, 0, "identifiers.kind")
          let text = try reader.text("identifiers.kind", bytesMax: ContractLimits.wordBytesMax)
          identifierKind = text.is("external_id") ? .external : IdentifierKind(name: text.string)
        } else if key.is("value") {
          try reader.once(&seen, 1, "identifiers.value")
          identifier = here(try reader.text("identifiers.value", bytesMax: Identifier.valueBytesMax))
        } else if key.is("strong") {
          try reader.once(&seen, 2, "identifiers.strong")
          isStrong = try reader.boolean("identifiers.strong")
        } else {
          try reader.skip()
        }
      }
    }
    if count != 1 || identifier.count == 0 { isPlain = false }
  }

  private static func kind(_ text: JSONText) -> OrderEvent.Kind? {
    if text.is("order") { return .order }
    if text.is("payment") { return .payment }
    if text.is("refund") { return .refund }
    return text.is("cancellation") ? .cancellation : nil
  }

  private mutating func instant(_ text: JSONText) -> Int64 {
    do throws(TextFault) { return try RFC3339.parse(text) } catch {
      isPlain = false
      return 0
    }
  }

  /// A text with escapes is nowhere in the message as it is.
  private mutating func here(_ text: JSONText) -> TextPlace {
    guard text.count > 0 else { return .none }
    guard let first = text.bytes.baseAddress, first >= start, first < end else {
      isPlain = false
      return .none
    }
    return TextPlace(start: UInt32(truncatingIfNeeded: place + (first - start)), count: UInt32(truncatingIfNeeded: text.count))
  }
}
