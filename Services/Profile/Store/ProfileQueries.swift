// What the API asks the profile's tables.
public import Domain
public import Postgres
public import ProfileCore

public enum ProfileQueries {
  static let byIdentity = Statement(name: "customer_by_identity", sql: "SELECT customer_id FROM identities WHERE key = $1")
  static let page = Statement(
    name: "customers_page",
    sql: """
      SELECT \(CustomerRow.columns) FROM customers c WHERE c.id > $1 AND c.merged_into IS NULL ORDER BY c.id LIMIT $2
      """)
  static let one = Statement(
    name: "customer_one", sql: "SELECT \(CustomerRow.columns) FROM customers c WHERE c.id = $1")
  static let several = Statement(
    name: "customers_several", sql: "SELECT \(CustomerRow.columns) FROM customers c WHERE c.id = ANY($1::int8[])")
  static let totals = Statement(
    name: "profile_totals",
    sql: """
      SELECT (SELECT count(*) FROM customers WHERE merged_into IS NULL), (SELECT count(*) FROM identities), (SELECT count(*) FROM all_orders),
             (SELECT count(*) FROM merges), (SELECT count(*) FROM bonds WHERE stopped IS NOT NULL)
      """)
  static let unification = Statement(
    name: "profile_unification",
    sql: """
      WITH seen AS (
        SELECT DISTINCT o.identity_id FROM all_orders o WHERE o.source = $1
        UNION SELECT DISTINCT r.identity_id FROM registrations r WHERE r.source = $1)
      SELECT count(*), count(DISTINCT i.customer_id) FROM seen JOIN identities i ON i.id = seen.identity_id
      """)

  public static func customer(with key: IdentityKey, _ session: PostgresSession) throws -> CustomerID? {
    let rows = try session.query(byIdentity) { $0.uuid(key.uuid) }
    return rows.count == 0 ? nil : CustomerID(number: try rows.int64(0, 0))
  }

  public static func customer(_ id: CustomerID, _ session: PostgresSession) throws -> Customer? {
    let rows = try session.query(one) { $0.int64(id.number) }
    return rows.count == 0 ? nil : try CustomerRow.read(rows, 0)
  }

  /// The customers with these ids, in no particular order, unlocked.
  public static func customers(_ ids: [CustomerID], _ session: PostgresSession) throws -> [Customer] {
    let rows = try session.query(several) { $0.int64Array(ids.map(\.number)) }
    return try (0..<rows.count).map { try CustomerRow.read(rows, $0) }
  }

  /// Customers in id order after `id`.
  public static func customers(after id: CustomerID?, limit: Int, _ session: PostgresSession) throws -> [Customer] {
    let rows = try session.query(page) { parameters in
      parameters.int64(id?.number ?? 0)
      parameters.int64(Int64(limit))
    }
    return try (0..<rows.count).map { try CustomerRow.read(rows, $0) }
  }

  public struct Totals: Sendable {
    public let customers: Int64
    public let identities: Int64
    public let orders: Int64
    public let merges: Int64
    public let refusedMerges: Int64
  }

  public static func totals(_ session: PostgresSession) throws -> Totals {
    let rows = try session.query(totals)
    return Totals(
      customers: try rows.int64(0, 0), identities: try rows.int64(0, 1), orders: try rows.int64(0, 2), merges: try rows.int64(0, 3),
      refusedMerges: try rows.int64(0, 4))
  }

  /// Of one source: how many identities its facts came in under, and how many customers they are (P-04).
  public static func unification(of source: String, _ session: PostgresSession) throws -> (identities: Int64, customers: Int64) {
    let rows = try session.query(unification) { $0.text(source) }
    return (try rows.int64(0, 0), try rows.int64(0, 1))
  }

  /// Kind of due work: a customer's aggregates are to be worked out anew.
  public static let rebuildWork: Int16 = 2
  static let askRebuild = Statement(
    name: "rebuild_ask",
    sql: """
      INSERT INTO due_work (kind, id, due_at) SELECT \(rebuildWork), id, '-infinity' FROM customers WHERE merged_into IS NULL
      ON CONFLICT (kind, id) DO NOTHING
      """)
  static let askRepublish = Statement(
    name: "republish_ask",
    sql: """
      INSERT INTO unsettled (id, after_row, look_at) SELECT id, 0, '-infinity' FROM customers ORDER BY id
      ON CONFLICT (id) DO UPDATE SET version = NULL
      """)
  static let rebuildState = Statement(
    name: "rebuild_state",
    sql: "SELECT (SELECT count(*) FROM due_work WHERE kind = \(rebuildWork)), (SELECT count(*) FROM rebuild_differences)")
  static let noteDifferences = Statement(
    name: "rebuild_note",
    sql: """
      INSERT INTO rebuild_differences (customer_id, found_at, days_before, days_after)
      SELECT u.id, $1, u.before, u.after FROM unnest($2::int8[], $3::bytea[], $4::bytea[]) AS u(id, before, after)
      """)

  /// Asks for every customer to be rebuilt; the lane of due work does it. Returns how many were asked for.
  public static func askRebuild(_ session: PostgresSession) throws -> Int { try session.run(askRebuild) }

  /// Asks for every customer's snapshot to be published again. Returns how many were asked for.
  public static func askRepublish(_ session: PostgresSession) throws -> Int { try session.run(askRepublish) }

  /// How many customers wait to be rebuilt, and how many differences were ever found.
  public static func rebuildState(_ session: PostgresSession) throws -> (waiting: Int64, differences: Int64) {
    let rows = try session.query(rebuildState)
    return (try rows.int64(0, 0), try rows.int64(0, 1))
  }

  public static func note(_ differences: [Rebuild.Difference], at now: Instant, _ session: PostgresSession) throws {
    guard !differences.isEmpty else { return }
    _ = try session.run(noteDifferences) { parameters in
      parameters.timestamptz(now.microseconds)
      parameters.int64Array(differences.map(\.after.id.number))
      parameters.bytesArray(differences.map(\.before.ledger.daysEncoded))
      parameters.bytesArray(differences.map(\.after.ledger.daysEncoded))
    }
  }
}
