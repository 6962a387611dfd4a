// Who is due when (P-08, P-10): entries beside the customers, so that a customer's row is in no index but that of its own number.
import Domain
import Postgres
import ProfileCore

/// An entry stands for every day that a customer's row names. More may stand there, of days that were brought forward since: who takes them finds another
/// day in the row, and they go.
enum DueRows {
  private static let due = Statement(
    name: "due_customers", sql: "SELECT day, customer_id FROM due_customers WHERE day <= $1 ORDER BY day, customer_id LIMIT $2")
  private static let insert = Statement(
    name: "due_customers_insert", sql: "INSERT INTO due_customers (day, customer_id) SELECT u.* FROM unnest($1::date[], $2::int8[]) AS u")
  private static let delete = Statement(
    name: "due_customers_delete",
    sql: """
      DELETE FROM due_customers d USING unnest($1::date[], $2::int8[]) AS u(day, customer_id) WHERE d.day = u.day AND d.customer_id = u.customer_id
      """)

  static func entry(of customer: borrowing Customer) -> DueCustomer? {
    let id = customer.id
    return customer.dueDay.map { DueCustomer(day: $0, customer: id) }
  }

  static func due(by day: Day, max count: Int, _ session: PostgresSession) throws -> [DueCustomer] {
    let rows = try session.query(due) { parameters in
      parameters.date(unixDays: day.number)
      parameters.int64(Int64(count))
    }
    return try (0..<rows.count).map { DueCustomer(day: Day(number: try rows.date($0, 0)), customer: CustomerID(number: try rows.int64($0, 1))) }
  }

  static func write(_ entries: [DueCustomer], _ session: PostgresSession) throws { try session.runLater(insert, rows: entries.count) { bind(entries, &$0) } }

  /// Their customers are locked: who brings a day forward holds the row.
  static func delete(_ entries: [DueCustomer], _ session: PostgresSession) throws { try session.runLater(delete) { bind(entries, &$0) } }

  private static func bind(_ entries: [DueCustomer], _ parameters: inout Parameters) {
    parameters.beginArray(.date)
    for entry in entries { parameters.element(unixDays: entry.day.number) }
    parameters.endArray()
    parameters.int64Array(entries.map(\.customer.number))
  }
}
