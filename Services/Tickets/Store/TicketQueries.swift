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
  /// Only those that nobody works on.
  public var isUnassigned = false
  /// Only those of which something is due before this moment.
  public var dueBefore: Instant?
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

  /// Whether nothing but open tickets is asked for.
  public var isOpen: Bool { states?.allSatisfy(\.isOpen) ?? false }
}

/// What comes first in a queue.
public enum TicketSort: String, Hashable, Sendable, CaseIterable {
  /// The oldest.
  case opened
  /// What is due first; of open tickets only.
  case due
}

/// A place in a queue.
public struct TicketPlace: Hashable, Sendable {
  /// By what the queue is ordered.
  public let moment: Instant
  public let ticket: TicketID

  public init(moment: Instant, ticket: TicketID) {
    self.moment = moment
    self.ticket = ticket
  }

  public init(of record: TicketRecord, in order: TicketSort) {
    self.init(moment: order == .due ? TicketRow.place(of: record) : record.ticket.openedAt, ticket: record.id)
  }
}

/// How many tickets are where.
public struct TicketCounts: Hashable, Sendable {
  public var tickets: Int64 = 0
  /// Of which something is late, and of which something will be within ``soonSeconds``.
  public var late: Int64 = 0
  public var dueSoon: Int64 = 0
  public var unassigned: Int64 = 0
  /// Of the person and of the team that were asked for.
  public var owned: Int64 = 0
  public var ofTeam: Int64 = 0

  public static let soonSeconds: Int64 = 3_600
}

public enum TicketQueries {
  static let one = Statement(name: "ticket_one", sql: "SELECT \(TicketRow.columns) FROM tickets WHERE ticket_id = $1")

  public static func ticket(_ id: TicketID, _ session: PostgresSession) throws -> TicketRecord? {
    let rows = try session.query(one) { $0.int64(id.number) }
    return rows.count == 0 ? nil : try TicketRow.read(rows, 0)
  }

  // What is open lies in indexes of its own, so that what was ever closed is not passed over; one customer's and one person's likewise.
  private static func conditions(_ place: String) -> String {
    """
    \(place) AND ($1::int2[] IS NULL OR state = ANY($1)) AND ($2::text IS NULL OR owner = $2) AND ($3::int8 IS NULL OR customer_id = $3) \
    AND ($4::text IS NULL OR tier = $4) AND ($5::text IS NULL OR kind = $5) AND ($6::int2 IS NULL OR priority = $6) \
    AND ($7::text IS NULL OR team = $7) AND ($8::text IS NULL OR owner = $8 OR team = $9) AND (NOT $10 OR owner = '') \
    AND ($11::timestamptz IS NULL OR due_at < $11)
    """
  }

  private static func bind(_ filter: TicketFilter, _ parameters: inout Parameters) {
    if let states = filter.states { parameters.int16Array(states.map(\.number)) } else { parameters.null(.int2Array) }
    parameters.text(filter.owner)
    parameters.int64(filter.customer?.number)
    parameters.text(filter.tier?.text)
    parameters.text(filter.kind?.rawValue)
    parameters.int16(filter.priority.map { Int16($0.rank) })
    parameters.text(filter.team)
    parameters.text(filter.reach?.owner)
    parameters.text(filter.reach?.team)
    parameters.bool(filter.isUnassigned)
    parameters.timestamptz(filter.dueBefore?.microseconds)
  }

  /// The same question, asked where the fewest tickets have to be looked at.
  private struct Asked {
    let open: Statement
    let customer: Statement
    let whole: Statement

    /// - Parameters:
    ///   - onlyOpen: whatever is asked for, there are open ones only.
    ///   - sql: of a place.
    init(_ name: String, onlyOpen: Bool = false, _ sql: (_ place: String) -> String) {
      let isOpen = "state < 5"
      open = Statement(name: "\(name)_open", sql: sql(isOpen))
      customer = Statement(name: "\(name)_customer", sql: sql(onlyOpen ? "\(isOpen) AND customer_id = $3" : "customer_id = $3"))
      whole = onlyOpen ? open : Statement(name: name, sql: sql("true"))
    }

    func of(_ filter: TicketFilter) -> Statement { filter.customer != nil ? customer : filter.isOpen ? open : whole }
  }

  private static func page(_ place: String, by moment: String) -> String {
    """
    SELECT \(TicketRow.columns) FROM tickets WHERE \(conditions(place)) AND (\(moment), ticket_id) > ($12, $13) ORDER BY \(moment), ticket_id LIMIT $14
    """
  }
  private static let pages = Asked("tickets_page") { page($0, by: "opened_at") }
  private static let duePages = Asked("tickets_page_due", onlyOpen: true) { page($0, by: "due_at") }

  /// Ordered by what is due first there are open ones only.
  public static func page(
    _ filter: TicketFilter, in order: TicketSort = .opened, after place: TicketPlace?, limit: Int, _ session: PostgresSession
  ) throws -> [TicketRecord] {
    let rows = try session.query((order == .due ? duePages : pages).of(filter)) { parameters in
      bind(filter, &parameters)
      parameters.timestamptz(place?.moment.microseconds ?? TicketQueries.earliest)
      parameters.int64(place?.ticket.number ?? 0)
      parameters.int64(Int64(limit))
    }
    return try (0..<rows.count).map { try TicketRow.read(rows, $0) }
  }

  private static let countsOf = Asked("tickets_counts") { place in
    """
    SELECT count(*), count(*) FILTER (WHERE state < 5 AND due_at <= $12), count(*) FILTER (WHERE state < 5 AND due_at > $12 AND due_at <= $13),
      count(*) FILTER (WHERE owner = ''), count(*) FILTER (WHERE owner = $14), count(*) FILTER (WHERE team = $15)
    FROM tickets WHERE \(conditions(place))
    """
  }

  /// - Parameters:
  ///   - owner: whose tickets ``TicketCounts/owned`` counts.
  ///   - team: whose ``TicketCounts/ofTeam`` counts.
  public static func counts(
    _ filter: TicketFilter, of owner: String?, team: String?, at now: Instant, _ session: PostgresSession
  ) throws -> TicketCounts {
    let rows = try session.query(countsOf.of(filter)) { parameters in
      bind(filter, &parameters)
      parameters.timestamptz(now.microseconds)
      parameters.timestamptz(now.adding(seconds: TicketCounts.soonSeconds).microseconds)
      parameters.text(owner)
      parameters.text(team)
    }
    return TicketCounts(
      tickets: try rows.int64(0, 0), late: try rows.int64(0, 1), dueSoon: try rows.int64(0, 2), unassigned: try rows.int64(0, 3),
      owned: try rows.int64(0, 4), ofTeam: try rows.int64(0, 5))
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
