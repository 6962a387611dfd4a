// The tickets of a month for the report on service (K-13), page by page along the index of their age.
public import Domain
public import Postgres
public import TicketsCore

public enum ServiceFigureQueries {
  /// Tickets of one page: a session is given back between two.
  public static let rowsMax = 2_000

  // Whether it was open at the end: the newest line of its history before then that resolved, closed or reopened it says so; without one it was.
  static let page = Statement(
    name: "service_figures_page",
    sql: """
      SELECT t.ticket_id, t.opened_at, t.state, t.kind, t.tier, t.channel, t.replies, t.clocks, t.resolved_at, t.times_reopened, t.merged_into,
        coalesce((SELECT e.after < 5 FROM ticket_events e WHERE e.ticket_id = t.ticket_id AND e.at < $3 AND (e.before < 5) <> (e.after < 5)
          ORDER BY e.number DESC LIMIT 1), true),
        t.owner, t.team, coalesce(g.compensation, 0), coalesce(g.upgrades, 0), a.scores
      FROM tickets t LEFT JOIN LATERAL (
        SELECT (sum(amount) FILTER (WHERE upgrade IS NULL))::int8 AS compensation, (sum(amount) FILTER (WHERE upgrade IS NOT NULL))::int8 AS upgrades
        FROM grants WHERE ticket_id = t.ticket_id AND state = 1) g ON true
      CROSS JOIN LATERAL (
        SELECT ARRAY[count(*) FILTER (WHERE score = 1), count(*) FILTER (WHERE score = 2), count(*) FILTER (WHERE score = 3),
          count(*) FILTER (WHERE score = 4), count(*) FILTER (WHERE score = 5)] AS scores FROM ticket_answers WHERE ticket_id = t.ticket_id) a
      WHERE (t.opened_at, t.ticket_id) > ($1, $2) AND t.opened_at < $3 ORDER BY t.opened_at, t.ticket_id LIMIT $4
      """)

  /// Tickets opened from a moment until before another.
  ///
  /// - Parameter after: the last ticket of the page before; nil: the first page.
  public static func page(
    from start: Instant, until end: Instant, after: TicketPlace?, limit: Int = rowsMax, _ session: PostgresSession
  ) throws -> (tickets: [ServedTicket], last: TicketPlace?) {
    let rows = try session.query(page) { parameters in
      // No ticket has the number 0 or less: the first page begins before all of the first moment.
      parameters.timestamptz((after?.moment ?? start).microseconds)
      parameters.int64(after?.ticket.number ?? -1)
      parameters.timestamptz(end.microseconds)
      parameters.int64(Int64(limit))
    }
    let tickets = try (0..<rows.count).map { try read(rows, $0) }
    guard rows.count == limit, let last = tickets.last else { return (tickets, nil) }
    return (tickets, TicketPlace(moment: last.openedAt, ticket: TicketID(number: try rows.int64(rows.count - 1, 0))))
  }

  private static func read(_ rows: Rows, _ row: Int) throws -> ServedTicket {
    let kind = try rows.textOrNil(row, 3).map { text in
      guard let kind = ContactEvent.Kind(rawValue: text) else { throw damaged("kind") }
      return kind
    }
    let tier = try rows.textOrNil(row, 4).map { text in
      guard let tier = TierID(text) else { throw damaged("tier") }
      return tier
    }
    return ServedTicket(
      openedAt: Instant(microseconds: try rows.timestamptz(row, 1)), state: try TicketState(number: try rows.int16(row, 2)), kind: kind, tier: tier,
      channel: try rows.text(row, 5), replies: Int(try rows.int32(row, 6)), clocks: try TicketText.clocks(try rows.text(row, 7)),
      resolvedAt: try rows.timestamptzOrNil(row, 8).map(Instant.init(microseconds:)), timesReopened: Int(try rows.int32(row, 9)),
      isMerged: try rows.int64OrNil(row, 10) != nil, isOpenAtEnd: try rows.bool(row, 11), owner: try rows.text(row, 12), team: try rows.text(row, 13),
      compensation: try rows.int64(row, 14), upgrades: try rows.int64(row, 15),
      scores: try rows.int64Array(row, 16).map { $0 ?? 0 })
  }
}
