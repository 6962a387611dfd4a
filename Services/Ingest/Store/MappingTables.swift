// Mappings and sources: registered by people, read by batches (I-01, I-03).
import Documents
public import Domain
public import IngestCore
public import Postgres
import Hashing

public struct StoredMapping: Hashable, Sendable {
  public let id: String
  public let name: String
  public let version: Int32
  public let source: String
  public let owner: String
  public let yaml: String
  public let registeredAt: Instant
}

public enum MappingTable {
  private static let columns = "id, name, version, source, owner, yaml, registered_at"
  static let byIDs = Statement(name: "mappings_by_ids", sql: "SELECT \(columns) FROM mappings WHERE id = ANY($1::text[])")
  static let all = Statement(
    name: "mappings_all", sql: "SELECT \(columns) FROM mappings ORDER BY name, version DESC, registered_at DESC LIMIT $1")
  static let insert = Statement(
    name: "mappings_insert",
    sql: "INSERT INTO mappings (\(columns)) VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (id) DO NOTHING")

  /// Mappings listed at once.
  public static let listMax = 1_000

  public static func find(_ ids: [String], _ session: PostgresSession) throws -> [StoredMapping] {
    try read(try session.query(byIDs) { $0.textArray(ids) })
  }

  public static func list(_ session: PostgresSession) throws -> [StoredMapping] {
    try read(try session.query(all) { $0.int64(Int64(listMax)) })
  }

  /// Registers a mapping and its source. True when it was not known; registering it again changes nothing.
  public static func register(_ mapping: Mapping, id: String, yaml: String, isDefault: Bool, at now: Instant, _ session: PostgresSession)
    throws -> Bool
  {
    let isNew =
      try session.run(insert) { parameters in
        parameters.text(id)
        parameters.text(mapping.name)
        parameters.int32(Int32(clamping: mapping.version))
        parameters.text(mapping.source)
        parameters.text(mapping.owner)
        parameters.text(yaml)
        parameters.timestamptz(now.microseconds)
      } == 1
    try SourceTable.register(mapping.source, owner: mapping.owner, mappingID: isDefault ? id : nil, at: now, session)
    return isNew
  }

  private static func read(_ rows: Rows) throws -> [StoredMapping] {
    try (0..<rows.count).map { row in
      StoredMapping(
        id: try rows.text(row, 0), name: try rows.text(row, 1), version: try rows.int32(row, 2), source: try rows.text(row, 3),
        owner: try rows.text(row, 4), yaml: try rows.text(row, 5), registeredAt: Instant(microseconds: try rows.timestamptz(row, 6)))
    }
  }

  /// The id of a mapping's content, and the mapping ready to use. Throws `DocumentFaults` or ``MappingUnusable``, each with all there is.
  public static func compile(_ yaml: [UInt8], zone: BusinessZone, zoneNamed: (String) -> BusinessZone?) throws -> CompiledMapping {
    let mapping = try MappingDocument.decode(yaml, source: "mapping")
    let digest = try Hasher256.sha256(yaml)
    return try CompiledMapping(id: CompiledMapping.id(of: mapping, digest: digest), mapping, zone: zone, zoneNamed: zoneNamed)
  }
}

/// Facts whose order nobody has told of yet.
public struct WaitingReport: Hashable, Sendable {
  public let facts: Int64
  /// Since when the oldest waits; nil when none does.
  public let since: Instant?

  static let statement = Statement(name: "waiting_report", sql: "SELECT count(*), min(waits_since) FROM waiting")

  public static func read(_ session: PostgresSession) throws -> WaitingReport {
    let rows = try session.query(statement)
    return WaitingReport(facts: try rows.int64(0, 0), since: try rows.timestamptzOrNil(0, 1).map(Instant.init(microseconds:)))
  }
}

public struct SourceDay: Hashable, Sendable {
  public let source: String
  public let day: Day
  public let records: Int64
  public let accepted: Int64
  public let duplicates: Int64
  public let refused: Int64

  static let statement = Statement(
    name: "source_days_report",
    sql: """
      SELECT source, day, sum(records)::int8, sum(accepted)::int8, sum(duplicates)::int8, sum(refused)::int8 FROM source_days
      WHERE day >= $1 GROUP BY source, day ORDER BY source, day
      """)

  public static func list(since day: Day, _ session: PostgresSession) throws -> [SourceDay] {
    let rows = try session.query(statement) { $0.date(unixDays: day.number) }
    return try (0..<rows.count).map { row in
      SourceDay(
        source: try rows.text(row, 0), day: Day(number: try rows.date(row, 1)), records: try rows.int64(row, 2),
        accepted: try rows.int64(row, 3),
        duplicates: try rows.int64(row, 4), refused: try rows.int64(row, 5))
    }
  }
}
