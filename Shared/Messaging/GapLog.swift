// Ranges of records that are missing or in doubt: found by a partition, accepted by an operator, settled by the partition when it goes on.
import Handling
public import Postgres

/// One row of `gap_log`.
public struct GapRecord: Sendable, Equatable {
  public let id: Int64
  public let consumer: String
  public let cluster: String
  public let topic: String
  public let partition: Int32
  public let missing: Missing
  public let detail: String
  /// Microseconds since 1970.
  public let foundAt: Int64
  public let acceptedAt: Int64?
  public let settledAt: Int64?
}

public enum GapLog {
  static let insert = Statement(
    name: "gap_insert",
    sql: """
      INSERT INTO gap_log (consumer, cluster, topic, part, kind, lane, from_number, to_number, detail, found_at)
      SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10
      WHERE NOT EXISTS (
        SELECT FROM gap_log
        WHERE consumer = $1 AND topic = $3 AND part = $4 AND kind = $5 AND lane IS NOT DISTINCT FROM $6 AND from_number = $7 AND settled_at IS NULL)
      """)
  private static let columns = "id, consumer, cluster, topic, part, kind, lane, from_number, to_number, detail, found_at, accepted_at, settled_at"
  static let accepted = Statement(
    name: "gap_accepted",
    sql: """
      SELECT \(columns) FROM gap_log
      WHERE consumer = $1 AND topic = $2 AND part = $3 AND accepted_at IS NOT NULL AND settled_at IS NULL ORDER BY id
      """)
  /// What stays until somebody has spoken: reading on would only find it again.
  static let standing = Statement(
    name: "gap_standing",
    sql: """
      SELECT \(columns) FROM gap_log
      WHERE consumer = $1 AND topic = $2 AND part = $3 AND settled_at IS NULL AND accepted_at IS NULL AND kind = ANY($4::text[]) ORDER BY id LIMIT 1
      """)
  static let settle = Statement(name: "gap_settle", sql: "UPDATE gap_log SET settled_at = $2 WHERE id = $1 AND settled_at IS NULL")
  static let list = Statement(
    name: "gap_list", sql: "SELECT \(columns) FROM gap_log WHERE settled_at IS NULL OR $1 ORDER BY id DESC LIMIT \(listedMax)")
  static let accept = Statement(
    name: "gap_accept", sql: "UPDATE gap_log SET accepted_at = coalesce(accepted_at, $2) WHERE id = $1 AND settled_at IS NULL RETURNING id")
  /// A partition that found its place again by itself, as after a broker came back with its data, has nothing to ask any more.
  static let withdraw = Statement(
    name: "gap_withdraw",
    sql: """
      UPDATE gap_log SET settled_at = $4
      WHERE consumer = $1 AND topic = $2 AND part = $3 AND settled_at IS NULL AND accepted_at IS NULL AND kind <> ALL($5::text[])
      """)

  /// Rows that a list shows, newest first.
  public static let listedMax = 1_000

  /// All that is open, or everything ever found.
  public static func list(settledToo: Bool, _ session: PostgresSession) throws -> [GapRecord] { try read(try session.query(list) { $0.bool(settledToo) }) }

  /// An operator's word: the partition goes on without what is missing. False when there is no such open row.
  public static func accept(_ id: Int64, at unixMicroseconds: Int64, _ session: PostgresSession) throws -> Bool {
    try session.query(accept) { parameters in
      parameters.int64(id)
      parameters.timestamptz(unixMicroseconds)
    }.count == 1
  }

  static func read(_ rows: Rows) throws -> [GapRecord] {
    try (0..<rows.count).map { row in
      guard let kind = HaltKind(rawValue: try rows.text(row, 5)) else {
        throw PostgresFailure(kind: .damaged, message: "a row of gap_log has a kind that this version does not know")
      }
      return GapRecord(
        id: try rows.int64(row, 0), consumer: try rows.text(row, 1), cluster: try rows.text(row, 2), topic: try rows.text(row, 3),
        partition: try rows.int32(row, 4),
        missing: Missing(kind, lane: try rows.textOrNil(row, 6), from: try rows.int64(row, 7), to: try rows.int64(row, 8)),
        detail: try rows.text(row, 9), foundAt: try rows.timestamptz(row, 10), acceptedAt: try rows.timestamptzOrNil(row, 11),
        settledAt: try rows.timestamptzOrNil(row, 12))
    }
  }
}
