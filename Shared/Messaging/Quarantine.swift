// Refused records: kept raw with every reason, and announced on the parked topic, in the transaction that passes over them (I-05).
import Contracts
public import Domain
public import Handling
public import Kafka
public import Postgres
public import Text

/// A record as it came, kept until it is known that nothing refused it.
struct RawRecord: Sendable {
  let offset: Int64
  let key: [UInt8]?
  let value: [UInt8]?
  let headers: [KafkaHeader]
  let source: String

  init(_ record: KafkaRecord, source: String) {
    offset = record.offset
    key = record.key
    value = record.value
    headers = record.headers
    self.source = source
  }

  func header(_ name: String) -> String? { headers.first { $0.name == name }?.value.map { String(decoding: $0, as: UTF8.self) } }
}

/// The reasons of a refusal as JSON: `[{"field","rule","detail"}]`.
public func reasonsJSON(_ faults: [Fault]) -> JSONValue {
  .array(faults.map { ["field": .text($0.field), "rule": .text($0.rule), "detail": .text($0.detail)] })
}

/// What is stored of one refused record.
public struct QuarantinedRecord: Sendable {
  public enum State: Int16, Sendable, CaseIterable {
    case open = 0
    case replayed = 1
    case dismissed = 2
    public var name: String {
      switch self {
      case .open: "open"
      case .replayed: "replayed"
      case .dismissed: "dismissed"
      }
    }
  }
  public let id: Int64
  public let topic: String
  public let partition: Int32
  public let offset: Int64
  public let source: String
  public let receivedAt: Instant
  public let state: State
  public let lines: Int32
  public let reasons: JSONValue
  public let key: [UInt8]?
  public let value: [UInt8]?
  public let headers: [KafkaHeader]
}

public enum QuarantineTable {
  /// Reasons kept of one record.
  public static let reasonsMax = 50

  static let insert = Statement(
    name: "quarantine_insert",
    sql: """
      INSERT INTO quarantine (topic, part, source_offset, source, received_at, lines, reasons, record_key, value, headers)
      SELECT $1, $2, u.off, u.source, $3, u.lines, u.reasons::jsonb, u.record_key, u.value, u.headers
      FROM unnest($4::int8[], $5::text[], $6::int4[], $7::text[], $8::bytea[], $9::bytea[], $10::bytea[])
        WITH ORDINALITY AS u(off, source, lines, reasons, record_key, value, headers, place)
      ORDER BY u.place
      """)

  static func insert(_ refused: [(record: RawRecord, faults: [Fault])], topic: String, partition: Int32, at now: Instant, _ session: PostgresSession) throws {
    _ = try session.run(insert) { parameters in
      parameters.text(topic)
      parameters.int32(partition)
      parameters.timestamptz(now.microseconds)
      parameters.int64Array(refused.map(\.record.offset))
      parameters.textArray(refused.map { storable($0.record.source) })
      parameters.int32Array(refused.map { Int32($0.record.header(Header.lines) ?? "") ?? 1 })
      parameters.textArray(refused.map { reasonsJSON($0.faults.prefix(reasonsMax).map(storable)).encodedText })
      parameters.bytesArray(nullable: refused.map(\.record.key))
      parameters.bytesArray(nullable: refused.map(\.record.value))
      parameters.bytesArray(refused.map { HeaderBytes.encode($0.record.headers) })
    }
  }

  /// What a refused record is filed under must itself be something PostgreSQL can hold: no control characters, U+0000 above all.
  static func storable(_ text: String) -> String { String(String.UnicodeScalarView(text.unicodeScalars.filter { $0.value >= 0x20 })) }

  private static func storable(_ fault: Fault) -> Fault {
    Fault(field: storable(fault.field), rule: storable(fault.rule), detail: storable(fault.detail))
  }

  /// Room for keys and headers beside the value of a parked record.
  private static let parkedValueBytesMax = OutboxWriter.recordBytesMax - 100_000

  /// The announcement of a refused record on the parked topic: the record itself, with reasons in headers.
  static func parked(_ record: RawRecord, faults: [Fault], consumer: String, topic: String, partition: Int32, at now: Instant) -> OutgoingMessage {
    var headers: [(name: String, value: String)] = [
      (Header.parkedTopic, topic), (Header.parkedPartition, String(partition)), (Header.parkedOffset, String(record.offset)),
      (Header.parkedReasons, faults.prefix(reasonsMax).map(\.code).joined(separator: " ")),
    ]
    for name in [Header.inputSource, Header.mapping, Header.importID, Header.line, Header.lines] {
      if let value = record.header(name) { headers.append((name, String(storable(value).prefix(200)))) }
    }
    let trace = record.header(Header.traceParent) ?? ""
    var (key, value) = (record.key ?? [], record.value)
    if key.count + (value?.count ?? 0) > parkedValueBytesMax {
      // Quarantine has all of it; a topic takes only so much.
      headers.append((Header.parkedBytes, String(key.count + (value?.count ?? 0))))
      (key, value) = (Array(key.prefix(1_000)), nil)
    }
    return OutgoingMessage(
      topic: Topics.parked(consumer, topic).name, key: key, value: value, id: "\(consumer)/\(topic)/\(partition)/\(record.offset)",
      type: EventType.parked, time: now, traceParent: trace, headers: headers)
  }

  private static let columns = "id, topic, part, source_offset, source, received_at, state, lines, reasons::text, record_key, value, headers"
  static let list = Statement(
    name: "quarantine_list",
    sql: """
      SELECT \(columns) FROM quarantine
      WHERE id > $1 AND ($2::int2 IS NULL OR state = $2) AND ($3::text IS NULL OR source = $3)
        AND ($4::text IS NULL OR EXISTS (SELECT FROM jsonb_array_elements(reasons) r
             WHERE regexp_replace(r->>'field', '\\[[0-9]+\\]', '', 'g') || '.' || (r->>'rule') = $4))
        AND ($5::text IS NULL OR EXISTS (SELECT FROM jsonb_array_elements(reasons) r WHERE r->>'rule' = $5))
      ORDER BY id LIMIT $6
      """)
  static let one = Statement(name: "quarantine_one", sql: "SELECT \(columns) FROM quarantine WHERE id = $1")
  static let settle = Statement(name: "quarantine_settle", sql: "UPDATE quarantine SET state = $2, settled_at = $3 WHERE id = $1 AND state = 0")
  static let counts = Statement(
    name: "quarantine_counts",
    sql: """
      SELECT source, coalesce(regexp_replace(reasons->0->>'field', '\\[[0-9]+\\]', '', 'g') || '.' || (reasons->0->>'rule'), ''), state,
             count(*), sum(lines)::int8
      FROM quarantine GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
      """)

  /// Refused records in the order they came, after `id`.
  ///
  /// - Parameters:
  ///   - reason: a field and a rule, as `customer.missing`.
  ///   - rule: a rule, whatever the field.
  public static func list(
    after id: Int64 = 0, state: QuarantinedRecord.State? = .open, source: String? = nil, reason: String? = nil, rule: String? = nil, limit: Int,
    _ session: PostgresSession
  ) throws -> [QuarantinedRecord] {
    let rows = try session.query(list) { parameters in
      parameters.int64(id)
      parameters.int16(state?.rawValue)
      parameters.text(source)
      parameters.text(reason)
      parameters.text(rule)
      parameters.int64(Int64(limit))
    }
    return try (0..<rows.count).map { try record(rows, $0) }
  }

  public static func find(_ id: Int64, _ session: PostgresSession) throws -> QuarantinedRecord? {
    let rows = try session.query(one) { $0.int64(id) }
    return rows.count == 0 ? nil : try record(rows, 0)
  }

  /// False when it was settled before.
  public static func settle(_ id: Int64, as state: QuarantinedRecord.State, at now: Instant, _ session: PostgresSession) throws -> Bool {
    try session.run(settle) { parameters in
      parameters.int64(id)
      parameters.int16(state.rawValue)
      parameters.timestamptz(now.microseconds)
    } == 1
  }

  /// How many records and lines are there by source, first reason and state.
  public static func counts(_ session: PostgresSession) throws -> [(source: String, reason: String, state: Int16, records: Int64, lines: Int64)] {
    let rows = try session.query(counts)
    return try (0..<rows.count).map { row in
      (try rows.text(row, 0), try rows.text(row, 1), try rows.int16(row, 2), try rows.int64(row, 3), try rows.int64(row, 4))
    }
  }

  private static func record(_ rows: Rows, _ row: Int) throws -> QuarantinedRecord {
    QuarantinedRecord(
      id: try rows.int64(row, 0), topic: try rows.text(row, 1), partition: try rows.int32(row, 2), offset: try rows.int64(row, 3),
      source: try rows.text(row, 4), receivedAt: Instant(microseconds: try rows.timestamptz(row, 5)),
      state: QuarantinedRecord.State(rawValue: try rows.int16(row, 6)) ?? .open, lines: try rows.int32(row, 7),
      reasons: (try? JSONValue(parsing: try rows.text(row, 8))) ?? .null, key: try rows.bytesOrNil(row, 9), value: try rows.bytesOrNil(row, 10),
      headers: HeaderBytes.decode(try rows.bytes(row, 11)))
  }
}

/// Headers in one column: each name and value preceded by its length, a missing value by 2^32 - 1.
enum HeaderBytes {
  static func append(_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer?, to bytes: inout [UInt8]) {
    append(UInt32(truncatingIfNeeded: name.count), to: &bytes)
    bytes.append(contentsOf: name)
    append(value.map { UInt32(truncatingIfNeeded: $0.count) } ?? .max, to: &bytes)
    if let value { bytes.append(contentsOf: value) }
  }

  private static func append(_ number: UInt32, to bytes: inout [UInt8]) {
    withUnsafeBytes(of: number.bigEndian) { bytes.append(contentsOf: $0) }
  }

  static func encode(_ headers: [KafkaHeader]) -> [UInt8] {
    var buffer = ByteBuffer(capacityBytes: 256)
    for header in headers {
      buffer.put32(UInt32(truncatingIfNeeded: header.name.utf8.count))
      buffer.append(header.name)
      if let value = header.value {
        buffer.put32(UInt32(truncatingIfNeeded: value.count))
        buffer.append(value)
      } else {
        buffer.put32(UInt32.max)
      }
    }
    return buffer.array()
  }

  static func decode(_ bytes: [UInt8]) -> [KafkaHeader] {
    var headers: [KafkaHeader] = []
    var place = 0
    func number() -> Int? {
      guard place + 4 <= bytes.count else { return nil }
      defer { place += 4 }
      return Int(bytes[place..<place + 4].reduce(UInt32(0)) { $0 << 8 | UInt32($1) })
    }
    while let length = number(), place + length <= bytes.count {
      let name = String(decoding: bytes[place..<place + length], as: UTF8.self)
      place += length
      guard let size = number() else { break }
      if size == Int(UInt32.max) {
        headers.append(KafkaHeader(name: name, value: nil))
      } else {
        guard place + size <= bytes.count else { break }
        headers.append(KafkaHeader(name: name, value: Array(bytes[place..<place + size])))
        place += size
      }
    }
    return headers
  }
}
