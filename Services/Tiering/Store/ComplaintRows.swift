// Complaints that were upheld, by ticket, and their days in a customer's row (T-06).
public import Domain
import Postgres
public import TieringCore

enum ComplaintRows {
  // MARK: - In a customer's row

  /// The days, the oldest first; nil: none.
  static func text(_ days: [Day]) -> String? { days.isEmpty ? nil : days.map(\.description).joined(separator: " ") }

  static func days(_ text: String) throws -> [Day] {
    try text.split(separator: " ").map { word in
      guard let day = Day(String(word)) else { throw damaged("day of a complaint") }
      return day
    }
  }

  // MARK: - By ticket

  private static let read = Statement(
    name: "complaints_read",
    sql: "SELECT ticket_id, version, customer_id, is_upheld, day FROM complaints WHERE ticket_id = ANY($1::int8[]) ORDER BY ticket_id")
  private static let keep = Statement(
    name: "complaints_keep",
    sql: """
      INSERT INTO complaints AS c (ticket_id, version, customer_id, is_upheld, day)
      SELECT * FROM unnest($1::int8[], $2::int8[], $3::int8[], $4::bool[], $5::date[])
      ON CONFLICT (ticket_id) DO UPDATE SET version = excluded.version, customer_id = excluded.customer_id, is_upheld = excluded.is_upheld, day = excluded.day
      """)
  // A row that the lane of due work holds it does with these customers' locks, which are held here: it is done by then, or sees what is written now.
  private static let ask = Statement(
    name: "complaints_ask",
    sql: """
      INSERT INTO due_work (kind, id, due_at) SELECT \(TieringWork.complaint), u.id, '-infinity' FROM unnest($1::int8[]) AS u(id)
      ON CONFLICT (kind, id) DO NOTHING
      """)
  private static let count = Statement(
    name: "complaints_count",
    sql: """
      SELECT u.id, c.day FROM unnest($1::int8[]) AS u(id) CROSS JOIN LATERAL (
        SELECT day FROM complaints WHERE customer_id = u.id AND is_upheld ORDER BY day DESC LIMIT \(UpheldComplaints.daysMax)) AS c
      ORDER BY u.id, c.day
      """)

  static func verdicts(_ tickets: [TicketID], _ session: PostgresSession) throws -> [TicketVerdict] {
    guard !tickets.isEmpty else { return [] }
    let rows = try session.query(read) { $0.int64Array(tickets.map(\.number)) }
    return try (0..<rows.count).map { row in
      TicketVerdict(
        ticket: TicketID(number: try rows.int64(row, 0)), version: try rows.int64(row, 1), customer: CustomerID(number: try rows.int64(row, 2)),
        isUpheld: try rows.bool(row, 3), day: Day(number: try rows.date(row, 4)))
    }
  }

  static func keep(_ verdicts: [TicketVerdict], changing customers: [CustomerID], _ session: PostgresSession) throws {
    _ = try session.run(keep) { parameters in
      parameters.int64Array(verdicts.map(\.ticket.number))
      parameters.int64Array(verdicts.map(\.version))
      parameters.int64Array(verdicts.map(\.customer.number))
      parameters.boolArray(verdicts.map(\.isUpheld))
      StandingColumns.dates(verdicts.map(\.day), &parameters)
    }
    if !customers.isEmpty { _ = try session.run(ask) { $0.int64Array(customers.map(\.number)) } }
  }

  static func days(of customers: [CustomerID], _ session: PostgresSession) throws -> [CustomerID: [Day]] {
    let rows = try session.query(count) { $0.int64Array(customers.map(\.number)) }
    var days: [CustomerID: [Day]] = [:]
    for row in 0..<rows.count { days[CustomerID(number: try rows.int64(row, 0)), default: []].append(Day(number: try rows.date(row, 1))) }
    return days
  }
}

extension PostgresTieringStore: ComplaintStore {
  public mutating func verdicts(_ tickets: [TicketID]) throws -> [TicketVerdict] { try ComplaintRows.verdicts(tickets, session) }
  public mutating func keep(_ verdicts: [TicketVerdict], changing customers: [CustomerID]) throws {
    try ComplaintRows.keep(verdicts, changing: customers, session)
  }
  public mutating func complaintDays(of customers: [CustomerID]) throws -> [CustomerID: [Day]] { try ComplaintRows.days(of: customers, session) }
}
