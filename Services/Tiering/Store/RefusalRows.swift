// Who refused automated tiering and is part of another customer now (S-07): found in the customers' rows, counted in a table of their own.
import Domain
import Postgres

enum RefusalRows {
  /// Merges one below the other that are followed. Snapshots that come out of order may even name each other for a while.
  static let stepsMax = 64

  private static let under = Statement(
    name: "refusals_under",
    sql: """
      WITH RECURSIVE below(top, id, steps) AS (
        SELECT u.id, u.id, 0 FROM unnest($1::int8[]) AS u(id)
        UNION SELECT b.top, c.customer_id, b.steps + 1 FROM below b JOIN customers c ON c.merged_into = b.id WHERE b.steps < \(stepsMax))
      SELECT DISTINCT b.top, b.id FROM below b JOIN customers c ON c.customer_id = b.id
      WHERE c.review IS NOT NULL AND (c.review::jsonb ->> 'opted_out')::bool ORDER BY 1, 2
      """)
  private static let survivors = Statement(
    name: "refusals_survivors",
    sql: """
      WITH RECURSIVE above(id, at, steps) AS (
        SELECT u.id, u.id, 0 FROM unnest($1::int8[]) AS u(id)
        UNION SELECT a.id, c.merged_into, a.steps + 1 FROM above a JOIN customers c ON c.customer_id = a.at
        WHERE c.merged_into IS NOT NULL AND a.steps < \(stepsMax))
      SELECT DISTINCT ON (id) id, at FROM above ORDER BY id, steps DESC
      """)
  private static let counted = Statement(name: "refusals_counted", sql: "SELECT part, survivor FROM opt_out_parts WHERE part = ANY($1::int8[])")
  private static let forget = Statement(name: "refusals_forget", sql: "DELETE FROM opt_out_parts WHERE part = ANY($1::int8[])")
  private static let count = Statement(
    name: "refusals_count",
    sql: """
      INSERT INTO opt_out_parts (part, survivor) SELECT u.part, u.survivor FROM unnest($1::int8[], $2::int8[]) AS u(part, survivor)
      ON CONFLICT (part) DO UPDATE SET survivor = excluded.survivor
      """)

  private static func pairs(_ statement: Statement, _ customers: [CustomerID], _ session: PostgresSession) throws -> [(CustomerID, CustomerID)] {
    guard !customers.isEmpty else { return [] }
    let rows = try session.query(statement) { $0.int64Array(customers.map(\.number)) }
    return try (0..<rows.count).map { (CustomerID(number: try rows.int64($0, 0)), CustomerID(number: try rows.int64($0, 1))) }
  }

  static func under(_ customers: [CustomerID], _ session: PostgresSession) throws -> [(top: CustomerID, part: CustomerID)] {
    try pairs(under, customers, session).map { (top: $0.0, part: $0.1) }
  }

  static func survivors(of customers: [CustomerID], _ session: PostgresSession) throws -> [CustomerID: CustomerID] {
    Dictionary(try pairs(survivors, customers, session)) { first, _ in first }
  }

  static func counted(_ parts: [CustomerID], _ session: PostgresSession) throws -> [CustomerID: CustomerID] {
    Dictionary(try pairs(counted, parts, session)) { first, _ in first }
  }

  static func count(_ survivors: [CustomerID: CustomerID], _ session: PostgresSession) throws {
    let sorted = survivors.sorted { $0.key < $1.key }
    let (alone, parts) = (sorted.filter { $0.key == $0.value }, sorted.filter { $0.key != $0.value })
    if !alone.isEmpty { _ = try session.run(forget) { $0.int64Array(alone.map(\.key.number)) } }
    guard !parts.isEmpty else { return }
    _ = try session.run(count) { parameters in
      parameters.int64Array(parts.map(\.key.number))
      parameters.int64Array(parts.map(\.value.number))
    }
  }
}
