// What customers were given, in its table (K-08).
public import Domain
public import Postgres
import TicketsCore

extension GrantState {
  private static let numbered: [GrantState] = [.waiting, .granted, .rejected]

  var number: Int16 { Int16(GrantState.numbered.firstIndex(of: self) ?? 0) }

  init(number: Int16) throws(PostgresFailure) {
    guard GrantState.numbered.indices.contains(Int(number)) else { throw damaged("state of a grant") }
    self = GrantState.numbered[Int(number)]
  }
}

enum GrantRow {
  static let columns = "g.grant_id, g.ticket_id, g.state, g.upgrade, g.amount, g.asked_at, g.asked_by, g.reason, g.decided_at, g.decided_by, g.decision_reason"
  static let columnCount = 11

  // What was asked for never changes.
  private static let write = Statement(
    name: "grants_write",
    sql: """
      INSERT INTO grants (grant_id, ticket_id, state, upgrade, amount, asked_at, asked_by, reason, decided_at, decided_by, decision_reason)
      VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
      ON CONFLICT (grant_id) DO UPDATE SET state = excluded.state, decided_at = excluded.decided_at, decided_by = excluded.decided_by,
        decision_reason = excluded.decision_reason
      """)
  private static let given = Statement(
    name: "grants_given",
    sql: """
      SELECT coalesce(sum(g.amount) FILTER (WHERE g.ticket_id = $1), 0)::int8,
        coalesce(sum(g.amount) FILTER (WHERE g.decided_at >= $3 AND g.decided_at < $4), 0)::int8
      FROM tickets t JOIN grants g ON g.ticket_id = t.ticket_id WHERE t.customer_id = $2 AND g.state = 1
      """)

  static func write(_ grants: [Grant], _ session: PostgresSession) throws {
    for grant in grants {
      _ = try session.run(write) { parameters in
        parameters.int64(grant.id.number)
        parameters.int64(grant.ticket.number)
        parameters.int16(grant.state.number)
        parameters.text(grant.kind.upgradeID)
        parameters.int64(grant.minorUnits)
        parameters.timestamptz(grant.askedAt.microseconds)
        parameters.text(grant.asker.name)
        parameters.text(grant.asker.reason)
        parameters.timestamptz(grant.decidedAt?.microseconds)
        parameters.text(grant.decider?.name)
        parameters.text(grant.decider?.reason)
      }
    }
  }

  static func given(
    for ticket: TicketID, to customer: CustomerID, from start: Instant, until end: Instant, _ session: PostgresSession
  ) throws -> GivenBefore {
    let rows = try session.query(given) { parameters in
      parameters.int64(ticket.number)
      parameters.int64(customer.number)
      parameters.timestamptz(start.microseconds)
      parameters.timestamptz(end.microseconds)
    }
    return GivenBefore(ticketMinorUnits: try rows.int64(0, 0), yearMinorUnits: try rows.int64(0, 1))
  }

  static func read(_ rows: Rows, _ row: Int) throws -> Grant {
    let decider = try rows.textOrNil(row, 9).map { TicketActor($0, because: try rows.textOrNil(row, 10) ?? "") }
    return Grant(
      id: TicketID(number: try rows.int64(row, 0)), ticket: TicketID(number: try rows.int64(row, 1)),
      kind: try rows.textOrNil(row, 3).map(GrantKind.upgrade) ?? .compensation, minorUnits: try rows.int64(row, 4),
      askedAt: Instant(microseconds: try rows.timestamptz(row, 5)), asker: TicketActor(try rows.text(row, 6), because: try rows.text(row, 7)),
      state: try GrantState(number: try rows.int16(row, 2)), decidedAt: try rows.timestamptzOrNil(row, 8).map(Instant.init(microseconds:)),
      decider: decider)
  }
}

extension GrantKind {
  public var upgradeID: String? { if case .upgrade(let id) = self { id } else { nil } }
}

/// Which grants are asked for; nil: all.
public struct GrantFilter: Hashable, Sendable {
  public var state: GrantState?
  public var ticket: TicketID?
  public var customer: CustomerID?

  public init(state: GrantState? = nil, ticket: TicketID? = nil, customer: CustomerID? = nil) {
    self.state = state
    self.ticket = ticket
    self.customer = customer
  }
}

/// A grant with the customer it is for at this moment.
public struct StoredGrant: Hashable, Sendable {
  public let grant: Grant
  public let customer: CustomerID

  public init(grant: Grant, customer: CustomerID) {
    self.grant = grant
    self.customer = customer
  }
}

public enum GrantQueries {
  private static let one = Statement(
    name: "grant_one",
    sql: "SELECT \(GrantRow.columns), t.customer_id FROM grants g JOIN tickets t ON t.ticket_id = g.ticket_id WHERE g.grant_id = $1")

  // What waits, what one ticket and what one customer has are found by an index each.
  private static func page(_ name: StaticString, _ place: String) -> Statement {
    Statement(
      name: "\(name)",
      sql: """
        SELECT \(GrantRow.columns), t.customer_id FROM grants g JOIN tickets t ON t.ticket_id = g.ticket_id
        WHERE \(place) AND (g.asked_at, g.grant_id) > ($1, $2) AND ($3::int2 IS NULL OR g.state = $3) AND ($4::int8 IS NULL OR g.ticket_id = $4)
          AND ($5::int8 IS NULL OR t.customer_id = $5)
        ORDER BY g.asked_at, g.grant_id LIMIT $6
        """)
  }
  private static let waitingPage = page("grants_page_waiting", "g.state = 0")
  private static let ticketPage = page("grants_page_ticket", "g.ticket_id = $4")
  private static let customerPage = page("grants_page_customer", "t.customer_id = $5")
  private static let wholePage = page("grants_page", "true")

  public static func grant(_ id: TicketID, _ session: PostgresSession) throws -> StoredGrant? {
    let rows = try session.query(one) { $0.int64(id.number) }
    return rows.count == 0 ? nil : try read(rows, 0)
  }

  private static func read(_ rows: Rows, _ row: Int) throws -> StoredGrant {
    StoredGrant(grant: try GrantRow.read(rows, row), customer: CustomerID(number: try rows.int64(row, GrantRow.columnCount)))
  }

  /// The oldest first.
  public static func page(_ filter: GrantFilter, after place: TicketPlace?, limit: Int, _ session: PostgresSession) throws -> [StoredGrant] {
    let statement =
      filter.ticket != nil ? ticketPage : filter.customer != nil ? customerPage : filter.state == .waiting ? waitingPage : wholePage
    let rows = try session.query(statement) { parameters in
      parameters.timestamptz(place?.moment.microseconds ?? TicketQueries.earliest)
      parameters.int64(place?.ticket.number ?? 0)
      parameters.int16(filter.state?.number)
      parameters.int64(filter.ticket?.number)
      parameters.int64(filter.customer?.number)
      parameters.int64(Int64(limit))
    }
    return try (0..<rows.count).map { try read(rows, $0) }
  }

  private static let tier = Statement(name: "customer_tier", sql: "SELECT tier FROM customers WHERE customer_id = $1")

  /// What a customer's tier is, as far as it is known here, and what was given from a moment until before another.
  public static func allowance(
    of customer: CustomerID, from start: Instant, until end: Instant, _ session: PostgresSession
  ) throws -> (tier: TierID?, minorUnits: Int64) {
    let rows = try session.query(tier) { $0.int64(customer.number) }
    let tier = rows.count == 0 ? nil : try rows.textOrNil(0, 0).flatMap { TierID($0) }
    let given = try GrantRow.given(for: TicketID(number: 0), to: customer, from: start, until: end, session)
    return (tier, given.yearMinorUnits)
  }
}
