// Ingest's tables: the SQL beside the code that fills and reads it.
import Contracts
import Domain
public import Hashing
public import IngestCore
public import Messaging
public import Postgres
import Text

/// The port's conformance over one session, inside the transaction of a batch.
public struct PostgresIngestStore: IngestStore {
  private let session: PostgresSession

  public init(_ session: PostgresSession) { self.session = session }

  // MARK: - Reading

  static let facts = Statement(
    name: "ingest_facts",
    sql: "SELECT fact_key, digest, received_at, topic, part, source_offset FROM facts WHERE fact_key = ANY($1::uuid[])")

  static let lockOrders = Statement(
    name: "ingest_orders_lock",
    sql: "SELECT order_key, home FROM orders WHERE order_key = ANY($1::uuid[]) ORDER BY order_key FOR NO KEY UPDATE")

  public mutating func load(facts keys: [Digest128], orders: [Digest128]) throws -> (facts: [StoredFact], orders: [OrderHome]) {
    let answers = try session.pipeline { pipeline in
      try pipeline.add(PostgresIngestStore.facts) { $0.uuidArray(keys.map(\.uuid)) }
      if !orders.isEmpty { try pipeline.add(PostgresIngestStore.lockOrders) { $0.uuidArray(orders.map(\.uuid)) } }
    }
    return (try PostgresIngestStore.facts(answers[0]), orders.isEmpty ? [] : try PostgresIngestStore.homes(answers[1]))
  }

  private static func facts(_ rows: Rows) throws -> [StoredFact] {
    try (0..<rows.count).map { row in
      StoredFact(
        key: Digest128(uuid: try rows.uuid(row, 0)), digest: try rows.int64(row, 1),
        receivedAt: Instant(microseconds: try rows.timestamptz(row, 2)),
        place: InputPlace(topic: try rows.text(row, 3), partition: try rows.int32(row, 4), offset: try rows.int64(row, 5)))
    }
  }

  private static func homes(_ rows: Rows) throws -> [OrderHome] {
    try (0..<rows.count).map { row in
      OrderHome(key: Digest128(uuid: try rows.uuid(row, 0)), home: try HomeText.decode(try rows.textOrNil(row, 1)))
    }
  }

  static let takeWaiting = Statement(
    name: "ingest_waiting_take",
    sql: """
      WITH taken AS (DELETE FROM waiting WHERE order_key = ANY($1::uuid[]) RETURNING id, order_key, event, trace_parent)
      SELECT order_key, event, trace_parent FROM taken ORDER BY id
      """)

  public mutating func takeWaiting(_ keys: [Digest128]) throws -> [WaitingFact] {
    let rows = try session.query(PostgresIngestStore.takeWaiting) { $0.uuidArray(keys.map(\.uuid)) }
    return try (0..<rows.count).map { row in
      WaitingFact(
        orderKey: Digest128(uuid: try rows.uuid(row, 0)), event: try WaitingText.decode(try rows.bytes(row, 1)),
        traceParent: try rows.text(row, 2))
    }
  }

  // MARK: - Writing

  /// All of it goes with what comes next. Rows that must have been added and were not: another transaction had their keys.
  public mutating func write(_ changes: IngestChanges) throws {
    if !changes.newOrders.isEmpty { try insert(changes.newOrders) }
    if !changes.foundOrders.isEmpty { try update(changes.foundOrders) }
    if !changes.facts.isEmpty { try insert(changes.facts) }
    if !changes.waiting.isEmpty { try insert(changes.waiting, at: changes.now) }
    if !changes.imports.isEmpty { try add(changes.imports, lane: changes.lane, at: changes.now) }
    if !changes.sources.isEmpty { try add(changes.sources, changes) }
    if !changes.quality.isEmpty { try QualityTable.add(changes.quality, lane: changes.lane, day: changes.day, session) }
  }

  static let insertOrders = Statement(
    name: "ingest_orders_insert",
    sql: """
      INSERT INTO orders (order_key, home) SELECT u.order_key, u.home FROM unnest($1::uuid[], $2::text[]) AS u(order_key, home)
      ON CONFLICT (order_key) DO NOTHING
      """)

  private func insert(_ orders: [OrderHome]) throws {
    try session.runLater(PostgresIngestStore.insertOrders, rows: orders.count) { parameters in
      parameters.uuidArray(orders.map(\.key.uuid))
      parameters.textArray(nullable: orders.map { HomeText.encode($0.home) })
    }
  }

  static let updateOrders = Statement(
    name: "ingest_orders_update",
    sql: "UPDATE orders o SET home = u.home FROM unnest($1::uuid[], $2::text[]) AS u(order_key, home) WHERE o.order_key = u.order_key")

  private func update(_ orders: [OrderHome]) throws {
    try session.runLater(PostgresIngestStore.updateOrders) { parameters in
      parameters.uuidArray(orders.map(\.key.uuid))
      parameters.textArray(nullable: orders.map { HomeText.encode($0.home) })
    }
  }

  static let insertFacts = Statement(
    name: "ingest_facts_insert",
    sql: """
      INSERT INTO facts (fact_key, digest, received_at, source_offset, part, topic)
      SELECT u.fact_key, u.digest, u.received_at, u.source_offset, u.part, u.topic
      FROM unnest($1::uuid[], $2::int8[], $3::timestamptz[], $4::int8[], $5::int4[], $6::text[])
        AS u(fact_key, digest, received_at, source_offset, part, topic)
      ON CONFLICT (fact_key) DO NOTHING
      """)

  private func insert(_ facts: [StoredFact]) throws {
    try session.runLater(PostgresIngestStore.insertFacts, rows: facts.count) { parameters in
      parameters.uuidArray(facts.map(\.key.uuid))
      parameters.int64Array(facts.map(\.digest))
      parameters.timestamptzArray(facts.map(\.receivedAt.microseconds))
      parameters.int64Array(facts.map(\.place.offset))
      parameters.int32Array(facts.map(\.place.partition))
      parameters.textArray(facts.map(\.place.topic))
    }
  }

  static let insertWaiting = Statement(
    name: "ingest_waiting_insert",
    sql: """
      INSERT INTO waiting (order_key, event, trace_parent, waits_since)
      SELECT u.order_key, u.event, u.trace_parent, $4
      FROM unnest($1::uuid[], $2::bytea[], $3::text[]) WITH ORDINALITY AS u(order_key, event, trace_parent, place) ORDER BY u.place
      """)

  private func insert(_ waiting: [WaitingFact], at now: Instant) throws {
    try session.runLater(PostgresIngestStore.insertWaiting) { parameters in
      parameters.uuidArray(waiting.map(\.orderKey.uuid))
      parameters.bytesArray(waiting.map { WaitingText.encode($0.event) })
      parameters.textArray(waiting.map(\.traceParent))
      parameters.timestamptz(now.microseconds)
    }
  }

  // MARK: - Counting

  static let countImports = Statement(
    name: "ingest_imports_count",
    sql: """
      INSERT INTO imports AS i (import_id, lane, outcome, reason, records, lines, first_at, last_at)
      SELECT u.import_id, $1, u.outcome, u.reason, u.records, u.lines, $2, $2
      FROM unnest($3::text[], $4::text[], $5::text[], $6::int8[], $7::int8[]) AS u(import_id, outcome, reason, records, lines)
      ON CONFLICT (import_id, lane, outcome, reason)
      DO UPDATE SET records = i.records + excluded.records, lines = i.lines + excluded.lines, last_at = excluded.last_at
      """)

  private func add(_ imports: [ImportCount], lane: String, at now: Instant) throws {
    try session.runLater(PostgresIngestStore.countImports) { parameters in
      parameters.text(lane)
      parameters.timestamptz(now.microseconds)
      parameters.textArray(imports.map(\.key.importID))
      parameters.textArray(imports.map(\.key.outcome.rawValue))
      parameters.textArray(imports.map(\.key.reason))
      parameters.int64Array(imports.map(\.records))
      parameters.int64Array(imports.map(\.lines))
    }
  }

  static let countSources = Statement(
    name: "ingest_source_days_count",
    sql: """
      INSERT INTO source_days AS s (source, day, lane, records, accepted, duplicates, refused)
      SELECT u.source, $1, $2, u.records, u.accepted, u.duplicates, u.refused
      FROM unnest($3::text[], $4::int8[], $5::int8[], $6::int8[], $7::int8[]) AS u(source, records, accepted, duplicates, refused)
      ON CONFLICT (source, day, lane) DO UPDATE SET records = s.records + excluded.records, accepted = s.accepted + excluded.accepted,
        duplicates = s.duplicates + excluded.duplicates, refused = s.refused + excluded.refused
      """)

  private func add(_ sources: [SourceCount], _ changes: IngestChanges) throws {
    try session.runLater(PostgresIngestStore.countSources) { parameters in
      parameters.date(unixDays: changes.day.number)
      parameters.text(changes.lane)
      parameters.textArray(sources.map(\.source))
      parameters.int64Array(sources.map(\.records))
      parameters.int64Array(sources.map(\.accepted))
      parameters.int64Array(sources.map(\.duplicates))
      parameters.int64Array(sources.map(\.refused))
    }
  }
}

extension KeysTaken: RetryableConflict {}

extension Digest128 {
  var uuid: UInt128 { UInt128(high) << 64 | UInt128(low) }
  init(uuid: UInt128) { self.init(high: UInt64(truncatingIfNeeded: uuid >> 64), low: UInt64(truncatingIfNeeded: uuid)) }
}

/// The identifiers of an order's home in one column: kind, strength and value of each, as JSON.
enum HomeText {
  static func encode(_ home: [Identifier]) -> String? {
    if home.isEmpty { return nil }
    return JSONValue.array(home.map { [.integer(Int64($0.kind.rawValue)), .boolean($0.isStrong), .text($0.value)] }).encodedText
  }

  static func decode(_ text: String?) throws -> [Identifier] {
    guard let text else { return [] }
    guard let items = try? JSONValue(parsing: text).arrayValue else { throw damaged("home of an order") }
    return try items.map { item in
      guard let number = item[0]?.intValue, let kind = Int16(exactly: number).flatMap(IdentifierKind.init(rawValue:)),
        let isStrong = item[1]?.booleanValue,
        let value = item[2]?.stringValue
      else { throw damaged("home of an order") }
      return Identifier(kind: kind, value: value, isVerified: isStrong)
    }
  }
}

/// A waiting fact in one column: its message, with a stand-in where the identifiers will be, since a message has some.
enum WaitingText {
  private static let standIn = Identifier(kind: .external, value: "waiting")

  static func encode(_ event: OrderEvent) -> [UInt8] {
    var event = event
    event.identifiers = [standIn]
    return JSONWriter.bytes { event.write(to: &$0) }
  }

  static func decode(_ bytes: [UInt8]) throws -> OrderEvent {
    let read = bytes.withUnsafeBytes { raw -> OrderEvent? in
      var reader = JSONReader(raw)
      return try? OrderEvent(reading: &reader)
    }
    guard var event = read else { throw damaged("waiting fact") }
    event.identifiers = []
    return event
  }
}

func damaged(_ what: String) -> PostgresFailure {
  PostgresFailure(kind: .damaged, message: "the \(what) cannot be read back", statementName: nil)
}
