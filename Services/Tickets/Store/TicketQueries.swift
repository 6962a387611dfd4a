// What the API reads: one ticket, queues, histories.
public import Domain
public import Postgres
public import TicketsCore

/// Which tickets are asked for; nil: all.
public struct TicketFilter: Hashable, Sendable {
  /// The states, or all.
  public var states: [TicketState]?
  public var owner: String?
  public var team: String?
  public var customer: CustomerID?
  public var tier: TierID?
  public var kind: ContactEvent.Kind?
  public var priority: ServicePriority?
  /// Only of these: nil: of all.
  public var reach: TicketReach?

  public init(
    states: [TicketState]? = nil, owner: String? = nil, team: String? = nil, customer: CustomerID? = nil, tier: TierID? = nil, kind: ContactEvent.Kind? = nil,
    priority: ServicePriority? = nil
  ) {
    self.states = states
    self.owner = owner
    self.team = team
    self.customer = customer
    self.tier = tier
    self.kind = kind
    self.priority = priority
  }
}

/// A place in a queue: the oldest come first.
public struct TicketPlace: Hashable, Sendable {
  public let openedAt: Instant
  public let ticket: TicketID

  public init(openedAt: Instant, ticket: TicketID) {
    self.openedAt = openedAt
    self.ticket = ticket
  }
}

public enum TicketQueries {
  static let one = Statement(name: "ticket_one", sql: "SELECT \(TicketRow.columns) FROM tickets WHERE ticket_id = $1")

  public static func ticket(_ id: TicketID, _ session: PostgresSession) throws -> TicketRecord? {
    let rows = try session.query(one) { $0.int64(id.number) }
    return rows.count == 0 ? nil : try TicketRow.read(rows, 0)
  }

  // What is open lies in an index of its own, so that what was ever closed is not passed over; one customer's and one person's likewise.
  private static func page(_ name: StaticString, _ place: String) -> Statement {
    Statement(
      name: "\(name)",
      sql: """
        SELECT \(TicketRow.columns) FROM tickets WHERE \(place) AND ($3::int2[] IS NULL OR state = ANY($3)) AND ($4::text IS NULL OR owner = $4)
          AND ($5::int8 IS NULL OR customer_id = $5) AND ($6::text IS NULL OR tier = $6) AND ($7::text IS NULL OR kind = $7)
          AND ($8::int2 IS NULL OR priority = $8) AND ($10::text IS NULL OR team = $10)
          AND ($11::text IS NULL OR owner = $11 OR team = $12) AND (opened_at, ticket_id) > ($1, $2)
        ORDER BY opened_at, ticket_id LIMIT $9
        """)
  }
  private static let openPage = page("tickets_page_open", "state < 5")
  private static let customerPage = page("tickets_page_customer", "customer_id = $5")
  private static let wholePage = page("tickets_page", "true")

  /// The oldest first.
  public static func page(_ filter: TicketFilter, after place: TicketPlace?, limit: Int, _ session: PostgresSession) throws -> [TicketRecord] {
    let isOpen = filter.states?.allSatisfy(\.isOpen) ?? false
    let statement = filter.customer != nil ? customerPage : isOpen ? openPage : wholePage
    let rows = try session.query(statement) { parameters in
      parameters.timestamptz(place?.openedAt.microseconds ?? TicketQueries.earliest)
      parameters.int64(place?.ticket.number ?? 0)
      if let states = filter.states { parameters.int16Array(states.map(\.number)) } else { parameters.null(.int2Array) }
      parameters.text(filter.owner)
      parameters.int64(filter.customer?.number)
      parameters.text(filter.tier?.text)
      parameters.text(filter.kind?.rawValue)
      parameters.int16(filter.priority.map { Int16($0.rank) })
      parameters.int64(Int64(limit))
      parameters.text(filter.team)
      parameters.text(filter.reach?.owner)
      parameters.text(filter.reach?.team)
    }
    return try (0..<rows.count).map { try TicketRow.read(rows, $0) }
  }

  private static let toAccept = Statement(
    name: "tickets_to_accept",
    sql: """
      SELECT \(TicketRow.columns) FROM tickets WHERE acceptance_due IS NOT NULL AND (acceptance_due, ticket_id) > ($1, $2)
        AND ($3::date IS NULL OR acceptance_due < $3) AND ($4::text IS NULL OR owner = $4) AND ($5::text IS NULL OR team = $5)
        AND ($7::text IS NULL OR owner = $7 OR team = $8)
      ORDER BY acceptance_due, ticket_id LIMIT $6
      """)

  /// Whose work is to be accepted, what is due first first.
  ///
  /// - Parameters:
  ///   - before: only what is due before this day.
  ///   - reach: only of these; nil: of all.
  public static func toAccept(
    before day: Day?, owner: String?, team: String?, reach: TicketReach? = nil,
    after place: (due: Day, ticket: TicketID)?, limit: Int, _ session: PostgresSession
  ) throws -> [TicketRecord] {
    let rows = try session.query(toAccept) { parameters in
      parameters.date(unixDays: place?.due.number ?? 0)
      parameters.int64(place?.ticket.number ?? 0)
      parameters.date(unixDays: day?.number)
      parameters.text(owner)
      parameters.text(team)
      parameters.int64(Int64(limit))
      parameters.text(reach?.owner)
      parameters.text(reach?.team)
    }
    return try (0..<rows.count).map { try TicketRow.read(rows, $0) }
  }

  /// Before anything that a record may tell of.
  static let earliest: Int64 = -62_135_596_800_000_000

  public static func history(of ticket: TicketID, after number: Int, limit: Int, _ session: PostgresSession) throws -> [StoredTicketEvent] {
    try TicketEventRow.page(of: ticket, after: number, limit: limit, session)
  }

  static let askRepublish = Statement(
    name: "republish_ask",
    sql: """
      INSERT INTO unsettled (id, after_row, look_at) SELECT ticket_id, 0, '-infinity' FROM tickets ORDER BY ticket_id
      ON CONFLICT (id) DO UPDATE SET version = NULL
      """)

  /// Asks for every ticket to be published again. Returns how many were asked for.
  public static func askRepublish(_ session: PostgresSession) throws -> Int { try session.run(askRepublish) }

  static let counts = Statement(name: "tickets_open_count", sql: "SELECT count(*) FROM tickets WHERE state < 5")

  public static func open(_ session: PostgresSession) throws -> Int64 { try session.query(counts).int64(0, 0) }
}
