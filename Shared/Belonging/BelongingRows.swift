// The table `identities` that a service keeps, so that what belongs to a customer follows it when customers are merged or a merge is undone. Its rows are
// locked before those of customers, and these before the service's own, each by number, so that no two transactions wait for each other.
import Domain
public import Handling
public import Postgres

public enum BelongingRows {
  private static let note = Statement(
    name: "identities_note",
    sql: """
      INSERT INTO identities AS i (identity_id, customer_id, version, since)
      SELECT * FROM unnest($1::int8[], $2::int8[], $3::int8[], $4::timestamptz[]) AS u(id, customer, version, since) ORDER BY u.id
      ON CONFLICT (identity_id) DO UPDATE SET version = i.version RETURNING identity_id, customer_id, version, since
      """)
  private static let move = Statement(
    name: "identities_move",
    sql: """
      INSERT INTO identities AS i (identity_id, customer_id, version, since)
      SELECT * FROM unnest($1::int8[], $2::int8[], $3::int8[], $4::timestamptz[]) AS u(id, customer, version, since) ORDER BY u.id
      ON CONFLICT (identity_id) DO UPDATE SET customer_id = excluded.customer_id, version = excluded.version, since = excluded.since
      WHERE i.version < excluded.version RETURNING identity_id, customer_id, version, since
      """)

  private static func write(_ owners: [IdentityOwner], _ statement: Statement, _ session: PostgresSession) throws -> [IdentityOwner] {
    guard !owners.isEmpty else { return [] }
    let rows = try session.query(statement) { parameters in
      parameters.int64Array(owners.map(\.identity.number))
      parameters.int64Array(owners.map(\.customer.number))
      parameters.int64Array(owners.map(\.version))
      parameters.timestamptzArray(owners.map(\.since.microseconds))
    }
    return try (0..<rows.count).map { row in
      IdentityOwner(
        identity: CustomerID(number: try rows.int64(row, 0)), customer: CustomerID(number: try rows.int64(row, 1)), version: try rows.int64(row, 2),
        since: Instant(microseconds: try rows.timestamptz(row, 3)))
    }
  }

  /// The owners of these identities, locked. One that is not known is noted as given.
  public static func owners(noting believed: [IdentityOwner], _ session: PostgresSession) throws -> [IdentityOwner] {
    try write(believed, note, session)
  }

  /// Takes in what is newer than what is known; returns those that were.
  public static func move(_ moves: [IdentityOwner], _ session: PostgresSession) throws -> [IdentityOwner] { try write(moves, move, session) }
}
