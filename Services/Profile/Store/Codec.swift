// How values lie in the profile's columns.
import Contracts
import Domain
import Postgres
import ProfileCore
import Text

extension IdentityKey {
  var uuid: UInt128 { UInt128(high) << 64 | UInt128(low) }
  init(uuid: UInt128) { self.init(high: UInt64(truncatingIfNeeded: uuid >> 64), low: UInt64(truncatingIfNeeded: uuid)) }
}

extension DayLedger {
  var daysEncoded: [UInt8] {
    var buffer = ByteBuffer(capacityBytes: 64)
    LedgerBytes.putDays(self, into: &buffer)
    return buffer.array()
  }

  var olderEncoded: [UInt8] {
    var buffer = ByteBuffer(capacityBytes: 64)
    LedgerBytes.putOlder(self, into: &buffer)
    return buffer.array()
  }

  init(_ rows: Rows, _ row: Int, days: Int, older: Int) throws {
    guard let days = try rows.withBytes(row, days, { $0.flatMap(LedgerBytes.days) }),
      let older = try rows.withBytes(row, older, { $0.flatMap(LedgerBytes.older) })
    else { throw damaged("ledger") }
    self.init(days: days, older: older)
  }
}

/// Four bytes each, big-endian, in their order.
extension OrderMarks {
  private static let markBytes = 4

  var encoded: [UInt8] {
    var buffer = ByteBuffer(capacityBytes: max(16, marks.count * OrderMarks.markBytes))
    put(into: &buffer)
    return buffer.array()
  }

  func put(into buffer: inout ByteBuffer) { for mark in marks { buffer.put32(mark) } }

  init(bytes: [UInt8]) throws(PostgresFailure) {
    guard bytes.count % OrderMarks.markBytes == 0 else { throw damaged("customer's marks of orders") }
    let marks = bytes.withUnsafeBytes { raw in
      (0..<bytes.count / OrderMarks.markBytes).map { UInt32(bigEndian: raw.loadUnaligned(fromByteOffset: $0 * OrderMarks.markBytes, as: UInt32.self)) }
    }
    self.init(sorted: marks)
  }
}

/// Currency, channel and credit note of an order, each behind two bytes with its length; then, where it is known, the business day on which its revision
/// became known (P-12), two bytes: here they cost a row two bytes, where a column of their own would cost more.
enum OrderLabels {
  /// Days are counted from 1970; a day beyond the range is its end.
  static func put(knownOn day: Day, into buffer: inout ByteBuffer) { buffer.put16(UInt16(clamping: day.number)) }

  static func put(_ text: UnsafeRawBufferPointer, into buffer: inout ByteBuffer) {
    buffer.put16(UInt16(truncatingIfNeeded: text.count))
    buffer.append(text)
  }

  static func encoded(currency: String, channel: String, creditNote: String, knownOn: Day?) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(8 + currency.utf8.count + channel.utf8.count + creditNote.utf8.count)
    for text in [currency, channel, creditNote] {
      bytes.append(UInt8(truncatingIfNeeded: text.utf8.count >> 8))
      bytes.append(UInt8(truncatingIfNeeded: text.utf8.count))
      bytes.append(contentsOf: text.utf8)
    }
    if let knownOn {
      let number = UInt16(clamping: knownOn.number)
      bytes.append(UInt8(truncatingIfNeeded: number >> 8))
      bytes.append(UInt8(truncatingIfNeeded: number))
    }
    return bytes
  }

  static func read(_ bytes: [UInt8]) throws(PostgresFailure) -> (currency: String, channel: String, creditNote: String, knownOn: Day?) {
    var texts: [String] = []
    var place = 0
    for _ in 0..<3 {
      guard place + 2 <= bytes.count else { throw damaged("order's labels") }
      let end = place + 2 + (Int(bytes[place]) << 8 | Int(bytes[place + 1]))
      guard end <= bytes.count else { throw damaged("order's labels") }
      texts.append(String(decoding: bytes[place + 2..<end], as: UTF8.self))
      place = end
    }
    guard place == bytes.count || place + 2 == bytes.count else { throw damaged("order's labels") }
    let knownOn = place == bytes.count ? nil : Day(number: Int32(bytes[place]) << 8 | Int32(bytes[place + 1]))
    return (texts[0], texts[1], texts[2], knownOn)
  }
}

/// Lines as in the message; movements as `[[kind, reference, microseconds, minor units, day known], ...]`; earlier revisions as
/// `[[revision, ordered, paid, minor units, currency, minor units of the base currency, channel, lines, day known], ...]`; attributes as
/// `{"name": [value, microseconds, event id]}`. Empty text where there are none.
enum ColumnText {
  static func lines(_ lines: [OrderLine]) -> String? {
    guard !lines.isEmpty else { return nil }
    return String(decoding: JSONWriter.bytes { OrderLine.write(lines, to: &$0) }, as: UTF8.self)
  }

  static func lines(_ text: String?) throws(PostgresFailure) -> [OrderLine] {
    guard let text, !text.isEmpty else { return [] }
    let read = Array(text.utf8).withUnsafeBytes { bytes -> [OrderLine]? in
      var reader = JSONReader(bytes)
      return try? OrderLine.read(&reader)
    }
    guard let read else { throw damaged("order's lines") }
    return read
  }

  static func movements(_ movements: [OrderRecord.Movement]) -> String? {
    guard !movements.isEmpty else { return nil }
    let bytes = JSONWriter.bytes { writer in
      writer.beginArray()
      for movement in movements {
        writer.beginArray()
        writer.integer(Int64(movement.kind.rawValue))
        writer.text(movement.reference)
        writer.integer(movement.at.microseconds)
        writer.integer(movement.baseMinorUnits)
        if let day = movement.knownOn { writer.integer(Int64(day.number)) }
        writer.endArray()
      }
      writer.endArray()
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  static func movements(_ text: String?) throws(PostgresFailure) -> [OrderRecord.Movement] {
    guard let text, !text.isEmpty else { return [] }
    guard let tree = try? JSONValue(parsing: text), let items = tree.arrayValue else { throw damaged("order's movements") }
    var movements: [OrderRecord.Movement] = []
    for item in items {
      guard let kind = item[0]?.int64Value.flatMap({ Int16(exactly: $0) }).flatMap({ OrderEvent.Kind(rawValue: $0) }), let reference = item[1]?.stringValue,
        let at = item[2]?.int64Value, let amount = item[3]?.int64Value
      else { throw damaged("order's movements") }
      movements.append(
        .init(kind: kind, reference: reference, at: Instant(microseconds: at), baseMinorUnits: amount, knownOn: ColumnText.day(item[4])))
    }
    return movements
  }

  private static func day(_ value: JSONValue?) -> Day? { value?.int64Value.flatMap { Int32(exactly: $0) }.map(Day.init(number:)) }

  static func earlier(_ headers: [OrderRecord.Header]) -> String? {
    guard !headers.isEmpty else { return nil }
    let bytes = JSONWriter.bytes { writer in
      writer.beginArray()
      for header in headers {
        writer.beginArray()
        writer.integer(header.revision)
        writer.integer(header.orderedAt.microseconds)
        writer.integerOrNull(header.paidAt?.microseconds)
        writer.integer(header.money.minorUnits)
        writer.text(header.money.currency.description)
        writer.integer(header.baseMinorUnits)
        writer.text(header.channel)
        writer.text(lines(header.lines) ?? "")
        writer.integerOrNull(header.knownOn.map { Int64($0.number) })
        writer.endArray()
      }
      writer.endArray()
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  static func earlier(_ text: String?) throws(PostgresFailure) -> [OrderRecord.Header] {
    guard let text, !text.isEmpty else { return [] }
    guard let tree = try? JSONValue(parsing: text), let items = tree.arrayValue else { throw damaged("order's earlier revisions") }
    var headers: [OrderRecord.Header] = []
    for item in items {
      guard let revision = item[0]?.int64Value, let ordered = item[1]?.int64Value, let amount = item[3]?.int64Value,
        let currency = item[4]?.stringValue.flatMap({ Currency($0) }), let base = item[5]?.int64Value, let channel = item[6]?.stringValue
      else { throw damaged("order's earlier revisions") }
      headers.append(
        OrderRecord.Header(
          revision: revision, orderedAt: Instant(microseconds: ordered), paidAt: item[2]?.int64Value.map(Instant.init(microseconds:)),
          money: Money(minorUnits: amount, currency: currency), baseMinorUnits: base, channel: channel, lines: try lines(item[7]?.stringValue),
          knownOn: day(item[8])))
    }
    return headers
  }

  static func attributes(_ attributes: CustomerAttributes) -> String {
    guard !attributes.values.isEmpty else { return "" }
    let bytes = JSONWriter.bytes { writer in
      writer.beginObject()
      for (attribute, stated) in attributes.values.sorted(by: { $0.key < $1.key }) {
        writer.key(attribute.key)
        writer.beginArray()
        writer.text(stated.value)
        writer.integer(stated.at.microseconds)
        writer.text(stated.eventID)
        writer.endArray()
      }
      writer.endObject()
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  static func attributes(_ text: String) throws(PostgresFailure) -> CustomerAttributes {
    guard !text.isEmpty else { return CustomerAttributes() }
    guard let members = (try? JSONValue(parsing: text))?.members else { throw damaged("customer's attributes") }
    var values: [CustomerAttribute: CustomerAttributes.Stated] = [:]
    for member in members {
      guard let attribute = CustomerAttribute(key: member.key), let value = member.value[0]?.stringValue, let at = member.value[1]?.int64Value,
        let eventID = member.value[2]?.stringValue
      else { throw damaged("customer's attributes") }
      values[attribute] = .init(value: value, at: Instant(microseconds: at), eventID: eventID)
    }
    return CustomerAttributes(values)
  }

  /// Attributes of one registration: `{"name": "..."}`.
  static func plain(_ attributes: [CustomerAttribute: String]) -> String {
    JSONValue.object(attributes.sorted { $0.key < $1.key }.map { JSONMember($0.key.key, .text($0.value)) }).encodedText
  }

  static func plain(_ text: String) throws(PostgresFailure) -> [CustomerAttribute: String] {
    guard let members = (try? JSONValue(parsing: text))?.members else { throw damaged("registration") }
    var attributes: [CustomerAttribute: String] = [:]
    for member in members { if let attribute = CustomerAttribute(key: member.key) { attributes[attribute] = member.value.stringValue } }
    return attributes
  }
}
