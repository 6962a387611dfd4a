// The facts of a source, gone through from the first to the last (P-04).
public import Domain
public import Postgres
import ProfileCore

/// An order's place in its table.
public struct UnificationPlace: Sendable {
  let key: KeyedOrder.Place

  /// Before all.
  public init() { key = .start }

  init(_ key: KeyedOrder.Place) { self.key = key }
}

public enum UnificationQueries {
  /// Orders of one answer.
  public static let ordersMax = 5_000
  private static let page = Statement(
    name: "unification_orders",
    sql: """
      SELECT \(OrderRow.columns) FROM all_orders o
      WHERE (o.month, o.identity_id, o.order_key, o.tie) > ($1, $2, $3, $4) AND ($5::text IS NULL OR o.source = $5)
      ORDER BY o.month, o.identity_id, o.order_key, o.tie LIMIT \(ordersMax)
      """)
  private static let others = Statement(
    name: "unification_others",
    sql: """
      SELECT f.identity_id, count(*) FROM (
        SELECT identity_id FROM registrations
        WHERE ($1::text IS NULL OR source = $1) AND ($2::timestamptz IS NULL OR occurred_at >= $2) AND ($3::timestamptz IS NULL OR occurred_at < $3)
        UNION ALL
        SELECT identity_id FROM interactions
        WHERE ($1::text IS NULL OR source = $1) AND ($2::timestamptz IS NULL OR occurred_at >= $2) AND ($3::timestamptz IS NULL OR occurred_at < $3)
      ) AS f GROUP BY f.identity_id
      """)

  /// Orders after a place, and where to go on; nil at the end.
  public static func orders(
    of source: String?, after place: UnificationPlace, _ session: PostgresSession
  ) throws -> (records: [(identity: CustomerID, record: OrderRecord)], next: UnificationPlace?) {
    let rows = try session.query(page) { parameters in
      place.key.put(into: &parameters)
      parameters.text(source)
    }
    return try UnificationQueries.page(rows, max: ordersMax)
  }

  /// The orders of a page that begin with the columns of their key, and where the next page begins; nil after one that is not full.
  static func page(
    _ rows: Rows, max count: Int
  ) throws -> (records: [(identity: CustomerID, record: OrderRecord)], next: UnificationPlace?) {
    let records = try (0..<rows.count).map { row -> (identity: CustomerID, record: OrderRecord) in
      let (reference, record) = try OrderRow.read(rows, row)
      return (reference.identity, record)
    }
    guard rows.count == count else { return (records, nil) }
    return (records, UnificationPlace(try OrderRow.place(rows, rows.count - 1)))
  }

  /// Registrations, contacts, behaviours and answers: how many, and under which identities.
  public static func otherIdentities(
    of source: String?, from start: Instant?, to end: Instant?, _ session: PostgresSession
  ) throws -> (records: Int64, identities: [CustomerID]) {
    let rows = try session.query(others) { parameters in
      parameters.text(source)
      parameters.timestamptz(start?.microseconds)
      parameters.timestamptz(end?.microseconds)
    }
    let identities = try (0..<rows.count).map { CustomerID(number: try rows.int64($0, 0)) }
    return (try (0..<rows.count).reduce(0) { $0 + (try rows.int64($1, 1)) }, identities)
  }
}
