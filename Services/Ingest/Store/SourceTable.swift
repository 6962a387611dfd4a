// The registry of sources (I-01): registered by people and by their mappings, noted by batches.
public import Domain
public import Postgres

/// Whether a source's records are taken.
public enum SourceState: Int16, Hashable, Sendable, CaseIterable {
  /// Its records come, and nobody registered it.
  case seen = 0
  case active = 1
  /// Its records go to quarantine until a person lets them in again.
  case blocked = 2

  public var name: String {
    switch self {
    case .seen: "seen"
    case .active: "active"
    case .blocked: "blocked"
    }
  }
}

/// What a source is (I-01).
public enum SourceKind: String, Hashable, Sendable, CaseIterable {
  case orderPlatform = "order_platform"
  case miniProgram = "mini_program"
  case pos
  case memberSystem = "member_system"
  case customerService = "customer_service"
  case survey, behaviour, file, other
}

public struct StoredSource: Hashable, Sendable {
  public let name: String
  public let owner: String
  /// nil: nobody has said.
  public let kind: SourceKind?
  public let state: SourceState
  /// The mapping of its records that name none, and its version.
  public let mappingID: String?
  public let mappingVersion: Int32?
  /// The mapping that was registered for it last.
  public let newestMappingID: String?
  public let newestMappingVersion: Int32?
  public let firstSeenAt: Instant
  public let changedAt: Instant?
}

/// What a batch needs to know of a source.
public struct KnownSource: Hashable, Sendable {
  public let state: SourceState
  /// The mapping of its records that name none.
  public let mappingID: String?
}

/// What a person changes about a source; nil leaves it as it is.
public struct SourceChange: Hashable, Sendable {
  public var owner: String?
  public var kind: SourceKind?
  public var state: SourceState?
  /// The inner nil: it has no default mapping any more.
  public var mappingID: String??

  public init(owner: String? = nil, kind: SourceKind? = nil, state: SourceState? = nil, mappingID: String?? = nil) {
    self.owner = owner
    self.kind = kind
    self.state = state
    self.mappingID = mappingID
  }
}

public enum SourceTable {
  static let upsert = Statement(
    name: "sources_register",
    sql: """
      INSERT INTO sources AS s (name, owner, mapping_id, first_seen_at, state) VALUES ($1, $2, $3, $4, 1)
      ON CONFLICT (name) DO UPDATE SET owner = CASE WHEN s.changed_at IS NULL THEN excluded.owner ELSE s.owner END,
        mapping_id = coalesce(excluded.mapping_id, s.mapping_id), state = greatest(s.state, 1)
      """)
  static let change = Statement(
    name: "sources_change",
    sql: """
      INSERT INTO sources AS s (name, owner, kind, state, mapping_id, first_seen_at, changed_at)
      VALUES ($1, coalesce($2, ''), coalesce($3, ''), coalesce($4::int2, 1), $5, $7, $7)
      ON CONFLICT (name) DO UPDATE SET owner = coalesce($2, s.owner), kind = coalesce($3, s.kind), state = coalesce($4::int2, greatest(s.state, 1)),
        mapping_id = CASE WHEN $6 THEN $5 ELSE s.mapping_id END, changed_at = $7
      """)
  static let seen = Statement(
    name: "sources_seen",
    sql: """
      INSERT INTO sources (name, owner, first_seen_at) SELECT u.name, '', $2 FROM unnest($1::text[]) AS u(name)
      ON CONFLICT (name) DO NOTHING
      """)
  static let known = Statement(name: "sources_known", sql: "SELECT name, state, mapping_id FROM sources WHERE name = ANY($1::text[])")
  static let all = Statement(
    name: "sources_all",
    sql: """
      SELECT s.name, s.owner, s.kind, s.state, s.mapping_id, m.version, n.id, n.version, s.first_seen_at, s.changed_at
      FROM sources s LEFT JOIN mappings m ON m.id = s.mapping_id
      LEFT JOIN LATERAL (SELECT id, version FROM mappings WHERE source = s.name ORDER BY registered_at DESC, version DESC LIMIT 1) n ON true
      WHERE $2::text IS NULL OR s.name = $2 ORDER BY s.name LIMIT $1
      """)

  /// Sources listed at once.
  public static let listMax = 1_000
  /// The longest name of an owner, in bytes.
  public static let ownerBytesMax = 100

  /// By a mapping; an owner that a person named stays.
  static func register(_ name: String, owner: String, mappingID: String?, at now: Instant, _ session: PostgresSession) throws {
    _ = try session.run(upsert) { parameters in
      parameters.text(name)
      parameters.text(owner)
      parameters.text(mappingID)
      parameters.timestamptz(now.microseconds)
    }
  }

  /// Registers a source or changes what is registered; one that was only seen is active from then on.
  public static func change(_ name: String, _ change: SourceChange, at now: Instant, _ session: PostgresSession) throws {
    _ = try session.run(self.change) { parameters in
      parameters.text(name)
      parameters.text(change.owner)
      parameters.text(change.kind?.rawValue)
      parameters.int16(change.state?.rawValue)
      parameters.text(change.mappingID ?? nil)
      parameters.bool(change.mappingID != nil)
      parameters.timestamptz(now.microseconds)
    }
  }

  /// Notes sources that were not known; those that nobody registered have no owner.
  public static func note(_ names: [String], at now: Instant, _ session: PostgresSession) throws {
    _ = try session.run(seen) { parameters in
      parameters.textArray(names.sorted())
      parameters.timestamptz(now.microseconds)
    }
  }

  /// What batches need to know of these sources; those that never came are left out.
  public static func known(_ names: [String], _ session: PostgresSession) throws -> [String: KnownSource] {
    let rows = try session.query(known) { $0.textArray(names) }
    var result: [String: KnownSource] = [:]
    for row in 0..<rows.count {
      result[try rows.text(row, 0)] = KnownSource(state: SourceState(rawValue: try rows.int16(row, 1)) ?? .seen, mappingID: try rows.textOrNil(row, 2))
    }
    return result
  }

  public static func list(_ session: PostgresSession) throws -> [StoredSource] { try read(nil, session) }

  public static func find(_ name: String, _ session: PostgresSession) throws -> StoredSource? { try read(name, session).first }

  private static func read(_ name: String?, _ session: PostgresSession) throws -> [StoredSource] {
    let rows = try session.query(all) { parameters in
      parameters.int64(Int64(listMax))
      parameters.text(name)
    }
    return try (0..<rows.count).map { row in
      StoredSource(
        name: try rows.text(row, 0), owner: try rows.text(row, 1), kind: SourceKind(rawValue: try rows.text(row, 2)),
        state: SourceState(rawValue: try rows.int16(row, 3)) ?? .seen, mappingID: try rows.textOrNil(row, 4), mappingVersion: try rows.int32OrNil(row, 5),
        newestMappingID: try rows.textOrNil(row, 6), newestMappingVersion: try rows.int32OrNil(row, 7),
        firstSeenAt: Instant(microseconds: try rows.timestamptz(row, 8)), changedAt: try rows.timestamptzOrNil(row, 9).map(Instant.init(microseconds:)))
    }
  }
}
