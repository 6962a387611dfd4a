// How values lie in this service's columns.
import Contracts
import Domain
import Postgres
import Text

enum LedgerColumns {
  /// The ledger whose days and older sums lie in these columns.
  static func read(_ rows: Rows, _ row: Int, days: Int, older: Int) throws -> DayLedger {
    guard let days = try rows.withBytes(row, days, { $0.flatMap(LedgerBytes.days) }),
      let older = try rows.withBytes(row, older, { $0.flatMap(LedgerBytes.older) })
    else { throw damaged("ledger") }
    return DayLedger(days: days, older: older)
  }
}

/// Exact numbers as ``Rational/description`` writes them: `3`, `-7/2`. What fits 64 bits, as nearly all do, is written and read without a string.
enum RationalText {
  static func put(_ value: Rational, into buffer: inout ByteBuffer) {
    guard let top = Int64(exactly: value.numerator), let bottom = Int64(exactly: value.denominator) else { return buffer.append(value.description) }
    buffer.appendDecimal(top)
    guard bottom != 1 else { return }
    buffer.put8(0x2F)
    buffer.appendDecimal(bottom)
  }

  static func read(_ bytes: UnsafeRawBufferPointer) -> Rational? {
    var rest = bytes[...]
    guard let top = integer(&rest) else { return Rational(text: String(decoding: bytes, as: UTF8.self)) }
    if rest.isEmpty { return Rational(top) }
    guard rest.removeFirst() == 0x2F, let bottom = integer(&rest), rest.isEmpty, bottom > 0 else {
      return Rational(text: String(decoding: bytes, as: UTF8.self))
    }
    return Rational(Int128(top), over: Int128(bottom))
  }

  /// Takes a minus and up to 18 digits, which cannot overflow; nil when there are none, or more.
  private static func integer(_ rest: inout Slice<UnsafeRawBufferPointer>) -> Int64? {
    let isNegative = rest.first == 0x2D
    if isNegative { rest.removeFirst() }
    var value: Int64 = 0
    var digits = 0
    while let byte = rest.first, byte >= 0x30, byte <= 0x39 {
      value = value * 10 + Int64(byte - 0x30)
      digits += 1
      guard digits <= 18 else { return nil }
      rest.removeFirst()
    }
    return digits == 0 ? nil : isNegative ? -value : value
  }
}

/// Inputs of a rating: `{"values":{"monetary":"1234567/100"},"last_interaction":"1998-06-30","facts_as_of":microseconds}`. Exact.
/// Under a quota also `"quota_borders":number`.
enum InputsText {
  private static let bytesMax = 200
  /// The names as constants: they are compared and written for every customer.
  private static let names: [(key: IndicatorKey, name: StaticString)] = [
    (.recencyDays, "recency_days"), (.frequency, "frequency"), (.monetary, "monetary"), (.averageOrderValue, "average_order_value"),
    (.repurchaseRate, "repurchase_rate"), (.industryGrowth, "industry_growth"), (.orderGrowth, "order_growth"), (.newNeeds, "new_needs"),
    (.referrals, "referrals"), (.complaintRate, "complaint_rate"),
  ]

  /// Appends the text. `number` is memory to write one number in.
  static func put(_ inputs: RatingInputs, into buffer: inout ByteBuffer, number: inout ByteBuffer) {
    var body = ByteBuffer()
    swap(&body, &buffer)
    var writer = JSONWriter(appendingTo: body)
    writer.beginObject()
    writer.key("values")
    writer.beginObject()
    for (key, name) in names {
      guard let value = inputs.values[key] else { continue }
      writer.key(name)
      number.removeAll()
      RationalText.put(value, into: &number)
      number.withUnsafeBytes { writer.text(utf8: $0) }
    }
    writer.endObject()
    if let day = inputs.lastInteraction {
      writer.key("last_interaction")
      writer.text(day.description)
    }
    writer.key("facts_as_of")
    writer.integer(inputs.factsAsOf.microseconds)
    if let borders = inputs.quotaBorders {
      writer.key("quota_borders")
      writer.integer(borders)
    }
    writer.endObject()
    buffer = writer.finish()
  }

  static func decode(_ bytes: UnsafeRawBufferPointer?) throws(PostgresFailure) -> RatingInputs {
    guard let bytes, let inputs = try? read(bytes) else { throw damaged("rating's inputs") }
    return inputs
  }

  private static func read(_ bytes: UnsafeRawBufferPointer) throws -> RatingInputs? {
    var reader = JSONReader(bytes)
    var values: IndicatorValues?
    var day: Day?
    var (factsAsOf, borders): (Int64?, Int64?)
    try reader.beginObject("inputs")
    while let member = try reader.nextKey() {
      if member.is("values") {
        values = try readValues(&reader)
        if values == nil { return nil }
      } else if member.is("last_interaction") {
        day = Day(try reader.text("last_interaction", bytesMax: bytesMax).string)
        if day == nil { return nil }
      } else if member.is("facts_as_of") {
        factsAsOf = try reader.integer("facts_as_of")
      } else if member.is("quota_borders") {
        borders = try reader.integer("quota_borders")
      } else {
        try reader.skip()
      }
    }
    try reader.finish()
    guard let values, let factsAsOf else { return nil }
    return RatingInputs(values: values, lastInteraction: day, factsAsOf: Instant(microseconds: factsAsOf), quotaBorders: borders)
  }

  private static func readValues(_ reader: inout JSONReader) throws -> IndicatorValues? {
    var values = IndicatorValues()
    try reader.beginObject("values")
    while let member = try reader.nextKey() {
      guard let key = names.first(where: { member.is($0.name) })?.key,
        let value = RationalText.read(try reader.text("values", bytesMax: bytesMax).bytes)
      else { return nil }
      values[key] = value
    }
    return values
  }
}
