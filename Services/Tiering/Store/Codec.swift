// How values lie in this service's columns.
import Domain
import Postgres
import Text

func damaged(_ what: String) -> PostgresFailure { PostgresFailure(kind: .damaged, message: "a stored \(what) cannot be read") }

/// Days: 20 bytes each (day, paid orders, counted orders, spend), big-endian. Older: 32 bytes, none when there is nothing older.
enum LedgerBytes {
  private static let entryBytes = 20
  private static let olderBytes = 32
  private static let noDay = Int32.min

  static func days(_ ledger: DayLedger) -> [UInt8] {
    var buffer = ByteBuffer(capacityBytes: max(64, ledger.days.count * entryBytes))
    for entry in ledger.days {
      buffer.put32(entry.day.number)
      buffer.put32(entry.paidOrders)
      buffer.put32(entry.countedOrders)
      buffer.put64(entry.spend)
    }
    return buffer.array()
  }

  static func older(_ ledger: DayLedger) -> [UInt8] {
    let older = ledger.older
    guard older != DayLedger.Older() else { return [] }
    var buffer = ByteBuffer(capacityBytes: 64)
    buffer.put64(older.paidOrders)
    buffer.put64(older.countedOrders)
    buffer.put64(older.spend)
    buffer.put32(older.firstPaidDay?.number ?? noDay)
    buffer.put32(older.lastPaidDay?.number ?? noDay)
    return buffer.array()
  }

  static func ledger(days: [UInt8], older: [UInt8]) throws(PostgresFailure) -> DayLedger {
    guard days.count % entryBytes == 0, older.isEmpty || older.count == olderBytes else { throw damaged("ledger") }
    let entries = stride(from: 0, to: days.count, by: entryBytes).map { place in
      DayEntry(
        day: Day(number: int32(days, place)), paidOrders: int32(days, place + 4), countedOrders: int32(days, place + 8),
        spend: int64(days, place + 12))
    }
    guard !older.isEmpty else { return DayLedger(days: entries) }
    func day(_ place: Int) -> Day? { int32(older, place) == noDay ? nil : Day(number: int32(older, place)) }
    return DayLedger(
      days: entries,
      older: DayLedger.Older(
        paidOrders: int64(older, 0), countedOrders: int64(older, 8), spend: int64(older, 16), firstPaidDay: day(24), lastPaidDay: day(28)))
  }

  private static func int32(_ bytes: [UInt8], _ place: Int) -> Int32 {
    Int32(bitPattern: bytes[place..<place + 4].reduce(0) { $0 << 8 | UInt32($1) })
  }

  private static func int64(_ bytes: [UInt8], _ place: Int) -> Int64 {
    Int64(bitPattern: bytes[place..<place + 8].reduce(0) { $0 << 8 | UInt64($1) })
  }
}

/// Inputs of a rating: `{"values":{"monetary":"1234567/100"},"last_interaction":"1998-06-30","facts_as_of":microseconds}`. Exact.
enum InputsText {
  static func encode(_ inputs: RatingInputs) -> String {
    let bytes = JSONWriter.bytes { writer in
      writer.beginObject()
      writer.key("values")
      writer.beginObject()
      for key in IndicatorKey.allCases {
        guard let value = inputs.values[key] else { continue }
        writer.key(key.name)
        writer.text(value.description)
      }
      writer.endObject()
      if let day = inputs.lastInteraction {
        writer.key("last_interaction")
        writer.text(day.description)
      }
      writer.key("facts_as_of")
      writer.integer(inputs.factsAsOf.microseconds)
      writer.endObject()
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  static func decode(_ text: String) throws(PostgresFailure) -> RatingInputs {
    guard let tree = try? JSONValue(parsing: text), let members = tree["values"]?.members, let factsAsOf = tree["facts_as_of"]?.int64Value
    else {
      throw damaged("rating's inputs")
    }
    var values = IndicatorValues()
    for member in members {
      guard let key = IndicatorKey(name: member.key), let value = member.value.stringValue.flatMap({ Rational(text: $0) }) else {
        throw damaged("rating's inputs")
      }
      values[key] = value
    }
    let last = tree["last_interaction"]?.stringValue
    let day = last.flatMap { Day($0) }
    guard last == nil || day != nil else { throw damaged("rating's inputs") }
    return RatingInputs(values: values, lastInteraction: day, factsAsOf: Instant(microseconds: factsAsOf))
  }
}
