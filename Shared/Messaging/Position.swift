// The fence: one row per partition and consumer, moved by compare-and-set in the transaction of the batch.
public import Postgres
import Text

/// Whose row it is.
public struct PositionKey: Hashable, Sendable {
  public let consumer: String
  public let cluster: String
  public let topic: String
  public let partition: Int32

  public init(consumer: String, cluster: String, topic: String, partition: Int32) {
    self.consumer = consumer
    self.cluster = cluster
    self.topic = topic
    self.partition = partition
  }

  public var lane: String { LaneTable.lane(service: consumer, topic: topic, partition: partition) }
}

/// The row as its owner holds it.
public struct Position: Equatable, Sendable {
  public var nextOffset: Int64
  public var epoch: Int64
  /// The digest of the last record applied, to be found again at `nextOffset - 1`.
  public var anchor: [UInt8]?
  public var lanesIn: LaneTable
  public var lanesOut: LaneTable

  public init(nextOffset: Int64, epoch: Int64, anchor: [UInt8]? = nil, lanesIn: LaneTable = LaneTable(), lanesOut: LaneTable = LaneTable()) {
    self.nextOffset = nextOffset
    self.epoch = epoch
    self.anchor = anchor
    self.lanesIn = lanesIn
    self.lanesOut = lanesOut
  }
}

/// The row belongs to someone else now, or went back with the database: drop what is in memory and claim anew.
public struct Fenced: Error, Sendable {
  public init() {}
}

enum PositionTable {
  static let claim = Statement(
    name: "position_claim",
    sql: """
      INSERT INTO positions AS p (consumer, cluster, topic, part, next_offset, epoch, owner, owner_pid, lanes_in, lanes_out, moved_at)
      VALUES ($1, $2, $3, $4, 0, 1, $5, pg_backend_pid(), ''::bytea, ''::bytea, $6)
      ON CONFLICT (consumer, cluster, topic, part)
      DO UPDATE SET epoch = p.epoch + 1, owner = excluded.owner, owner_pid = excluded.owner_pid
      RETURNING p.next_offset, p.epoch, p.anchor, p.lanes_in, p.lanes_out
      """)
  static let read = Statement(
    name: "position_read",
    sql: "SELECT next_offset, epoch, anchor, lanes_in, lanes_out FROM positions WHERE consumer = $1 AND cluster = $2 AND topic = $3 AND part = $4 FOR UPDATE")
  static let move = Statement(
    name: "position_move",
    sql: """
      UPDATE positions SET next_offset = $5, anchor = $6, lanes_in = $7, owner_pid = pg_backend_pid(), moved_at = $8
      WHERE consumer = $1 AND cluster = $2 AND topic = $3 AND part = $4 AND epoch = $9 AND next_offset = $10
      """)
  /// For mutants only: the fence's statement without the fence.
  static let moveUnfenced = Statement(
    name: "position_move_unfenced",
    sql: """
      UPDATE positions SET next_offset = $5, anchor = $6, lanes_in = $7, owner_pid = pg_backend_pid(), moved_at = $8, lanes_out = coalesce($9, lanes_out)
      WHERE consumer = $1 AND cluster = $2 AND topic = $3 AND part = $4
      """)
  static let count = Statement(
    name: "position_count",
    sql: "UPDATE positions SET lanes_out = $5 WHERE consumer = $1 AND cluster = $2 AND topic = $3 AND part = $4 AND epoch = $6")

  /// Takes the row over: whoever held it before is fenced out from here on.
  static func claim(_ key: PositionKey, owner: String, at unixMicroseconds: Int64, _ session: PostgresSession) throws -> Position {
    let rows = try session.query(claim) { parameters in
      bind(key, &parameters)
      parameters.text(owner)
      parameters.timestamptz(unixMicroseconds)
    }
    return try position(rows)
  }

  static func read(_ key: PositionKey, _ session: PostgresSession) throws -> Position? {
    let rows = try session.query(read) { bind(key, &$0) }
    return rows.count == 0 ? nil : try position(rows)
  }

  static func bind(_ key: PositionKey, _ parameters: inout Parameters) {
    parameters.text(key.consumer)
    parameters.text(key.cluster)
    parameters.text(key.topic)
    parameters.int32(key.partition)
  }

  private static func position(_ rows: Rows) throws -> Position {
    guard let lanesIn = LaneTable(encoded: try rows.bytes(0, 3)), let lanesOut = LaneTable(encoded: try rows.bytes(0, 4)) else {
      throw PostgresFailure(kind: .damaged, message: "the lane counters of a position cannot be read", statementName: read.name)
    }
    return Position(
      nextOffset: try rows.int64(0, 0), epoch: try rows.int64(0, 1), anchor: try rows.bytesOrNil(0, 2), lanesIn: lanesIn, lanesOut: lanesOut)
  }
}

/// What is known about every position of one service: for `/v1/positions` and the operator's tool.
public struct PositionReport: Sendable {
  public let consumer: String
  public let cluster: String
  public let topic: String
  public let partition: Int32
  public let nextOffset: Int64

  public static let statement = Statement(
    name: "positions_all", sql: "SELECT consumer, cluster, topic, part, next_offset FROM positions WHERE topic <> 'due' ORDER BY 1, 2, 3, 4")

  public static func all(_ session: PostgresSession) throws -> [PositionReport] {
    let rows = try session.query(statement)
    return try (0..<rows.count).map { row in
      PositionReport(
        consumer: try rows.text(row, 0), cluster: try rows.text(row, 1), topic: try rows.text(row, 2), partition: try rows.int32(row, 3),
        nextOffset: try rows.int64(row, 4))
    }
  }

  public static let outbox = Statement(name: "outbox_records", sql: "SELECT coalesce(sum(records), 0)::int8 FROM outbox")

  /// Records that wait to be published.
  public static func outboxRecords(_ session: PostgresSession) throws -> Int64 { try session.query(outbox).int64(0, 0) }
}
