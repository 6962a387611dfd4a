// Spot checks in their tables (K-11).
public import Domain
public import Postgres
import Text
import TicketsCore

/// The draw of a month.
public struct StoredSpotCheck: Hashable, Sendable {
  public let month: Month
  public let seed: UInt64
  public let drawnAt: Instant
  public let actor: TicketActor
  public let strata: [Stratum]

  public struct Stratum: Hashable, Sendable {
    /// nil: it was not known.
    public let tier: TierID?
    public let population: Int64
    public let drawn: Int64
    public let checked: Int64
    public let passed: Int64
  }
}

/// A record that was drawn.
public struct StoredSpotTicket: Hashable, Sendable {
  public let ticket: TicketID
  public let tier: TierID?
  /// 0: nobody has looked at it yet.
  public let version: Int32
  public let result: SpotResult?
}

public enum SpotCheckQueries {
  /// Tickets that are read at once.
  public static let rowsMax = 5_000

  private static let population = Statement(
    name: "spot_population",
    sql: """
      SELECT ticket_id, tier, opened_at FROM tickets
      WHERE (opened_at, ticket_id) > ($1, $2) AND opened_at < $3 AND state >= 5 AND merged_into IS NULL ORDER BY opened_at, ticket_id LIMIT $4
      """)
  private static let insert = Statement(
    name: "spot_checks_insert",
    sql: "INSERT INTO spot_checks (month, seed, drawn_at, actor, reason) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING")
  private static let insertStrata = Statement(
    name: "spot_strata_insert",
    sql: "INSERT INTO spot_check_strata (month, tier, population) SELECT $1, u.tier, u.population FROM unnest($2::text[], $3::int8[]) AS u(tier, population)")
  private static let insertTickets = Statement(
    name: "spot_tickets_insert",
    sql: """
      INSERT INTO spot_check_tickets (month, ticket_id, tier, version)
      SELECT $1, u.id, u.tier, 0 FROM unnest($2::int8[], $3::text[]) AS u(id, tier) ORDER BY u.id
      """)
  private static let one = Statement(name: "spot_checks_one", sql: "SELECT seed, drawn_at, actor, reason FROM spot_checks WHERE month = $1")
  private static let strata = Statement(
    name: "spot_strata_list",
    sql: """
      SELECT s.tier, s.population, count(t.ticket_id), count(t.ticket_id) FILTER (WHERE t.version > 0), count(t.ticket_id) FILTER (WHERE t.is_passed)
      FROM spot_check_strata s LEFT JOIN spot_check_tickets t ON t.month = s.month AND t.tier = s.tier WHERE s.month = $1
      GROUP BY s.tier, s.population ORDER BY s.tier = '', s.tier
      """)

  private static func tier(_ text: String) throws -> TierID? {
    guard !text.isEmpty else { return nil }
    guard let tier = TierID(text) else { throw damaged("tier") }
    return tier
  }

  /// Draws among the tickets that were opened from a moment until before another and are resolved or closed. A month is drawn once: nothing happens when
  /// it was.
  ///
  /// - Returns: whether it was drawn now.
  public static func draw(
    _ month: Month, from start: Instant, until end: Instant, seed: UInt64, by actor: TicketActor, at now: Instant, limit: Int = rowsMax,
    _ session: PostgresSession
  ) throws -> Bool {
    // Whoever draws the same month at the same time waits here.
    let count = try session.run(insert) { parameters in
      parameters.int32(month.index)
      parameters.int64(Int64(bitPattern: seed))
      parameters.timestamptz(now.microseconds)
      parameters.text(actor.name)
      parameters.text(actor.reason)
    }
    guard count > 0 else { return false }
    var draw = SpotDraw(seed: seed)
    var (at, last): (Int64, Int64) = (start.microseconds, -1)
    while true {
      let rows = try session.query(population) { parameters in
        parameters.timestamptz(at)
        parameters.int64(last)
        parameters.timestamptz(end.microseconds)
        parameters.int64(Int64(limit))
      }
      for row in 0..<rows.count { draw.add(TicketID(number: try rows.int64(row, 0)), try tier(try rows.textOrNil(row, 1) ?? "")) }
      guard rows.count == limit else { break }
      (at, last) = (try rows.timestamptz(rows.count - 1, 2), try rows.int64(rows.count - 1, 0))
    }
    try write(draw.result, month, session)
    return true
  }

  private static func write(_ strata: [SpotDraw.Stratum], _ month: Month, _ session: PostgresSession) throws {
    guard !strata.isEmpty else { return }
    _ = try session.run(insertStrata) { parameters in
      parameters.int32(month.index)
      parameters.textArray(strata.map { $0.tier?.text ?? "" })
      parameters.int64Array(strata.map { Int64($0.population) })
    }
    _ = try session.run(insertTickets) { parameters in
      parameters.int32(month.index)
      parameters.int64Array(strata.flatMap { $0.drawn.map(\.number) })
      parameters.textArray(strata.flatMap { stratum in stratum.drawn.map { _ in stratum.tier?.text ?? "" } })
    }
  }

  /// nil: nothing was drawn of that month.
  public static func check(_ month: Month, _ session: PostgresSession) throws -> StoredSpotCheck? {
    let rows = try session.query(one) { $0.int32(month.index) }
    guard rows.count > 0 else { return nil }
    let found = try session.query(strata) { $0.int32(month.index) }
    let strata = try (0..<found.count).map { row in
      StoredSpotCheck.Stratum(
        tier: try tier(try found.text(row, 0)), population: try found.int64(row, 1), drawn: try found.int64(row, 2), checked: try found.int64(row, 3),
        passed: try found.int64(row, 4))
    }
    return StoredSpotCheck(
      month: month, seed: UInt64(bitPattern: try rows.int64(0, 0)), drawnAt: Instant(microseconds: try rows.timestamptz(0, 1)),
      actor: TicketActor(try rows.text(0, 2), because: try rows.text(0, 3)), strata: strata)
  }

  // MARK: - Records

  private static let columns = "ticket_id, tier, version, marks, note, checked_by, reason, checked_at"
  private static let page = Statement(
    name: "spot_tickets_page",
    sql: """
      SELECT \(columns) FROM spot_check_tickets WHERE month = $1 AND ticket_id > $2 AND ($3::bool IS NULL OR (version > 0) = $3)
      ORDER BY ticket_id LIMIT $4
      """)
  private static let ticket = Statement(
    name: "spot_tickets_one", sql: "SELECT \(columns) FROM spot_check_tickets WHERE month = $1 AND ticket_id = $2")
  private static let locked = Statement(
    name: "spot_tickets_lock", sql: "SELECT \(columns) FROM spot_check_tickets WHERE month = $1 AND ticket_id = $2 FOR NO KEY UPDATE")
  private static let mark = Statement(
    name: "spot_tickets_mark",
    sql: """
      UPDATE spot_check_tickets SET version = version + 1, is_passed = $3, marks = $4, note = $5, checked_by = $6, reason = $7, checked_at = $8
      WHERE month = $1 AND ticket_id = $2
      """)

  /// By number.
  public static func page(
    _ month: Month, isChecked: Bool?, after ticket: TicketID?, limit: Int, _ session: PostgresSession
  ) throws -> [StoredSpotTicket] {
    let rows = try session.query(page) { parameters in
      parameters.int32(month.index)
      parameters.int64(ticket?.number ?? 0)
      parameters.bool(isChecked)
      parameters.int64(Int64(limit))
    }
    return try (0..<rows.count).map { try read(rows, $0) }
  }

  /// nil: it was not drawn.
  public static func ticket(_ id: TicketID, of month: Month, isLocking: Bool = false, _ session: PostgresSession) throws -> StoredSpotTicket? {
    let rows = try session.query(isLocking ? locked : ticket) { parameters in
      parameters.int32(month.index)
      parameters.int64(id.number)
    }
    return rows.count == 0 ? nil : try read(rows, 0)
  }

  public static func mark(_ id: TicketID, of month: Month, _ result: SpotResult, _ session: PostgresSession) throws {
    let marks = JSONValue.object(result.marks.sorted { $0.key < $1.key }.map { JSONMember($0.key, .text($0.value.rawValue)) })
    _ = try session.run(mark) { parameters in
      parameters.int32(month.index)
      parameters.int64(id.number)
      parameters.bool(result.isPassed)
      parameters.text(marks.encodedText)
      parameters.text(result.note)
      parameters.text(result.checker.name)
      parameters.text(result.checker.reason)
      parameters.timestamptz(result.at.microseconds)
    }
  }

  private static func read(_ rows: Rows, _ row: Int) throws -> StoredSpotTicket {
    var result: SpotResult?
    if let text = try rows.textOrNil(row, 3), let at = try rows.timestamptzOrNil(row, 7) {
      guard let members = (try? JSONValue(parsing: text))?.members else { throw damaged("result of a spot check") }
      let marks = members.compactMap { member in member.value.stringValue.flatMap { SpotMark(rawValue: $0) }.map { (member.key, $0) } }
      result = SpotResult(
        stored: Dictionary(marks) { first, _ in first }, note: try rows.textOrNil(row, 4) ?? "",
        by: TicketActor(try rows.textOrNil(row, 5) ?? "", because: try rows.textOrNil(row, 6) ?? ""), at: Instant(microseconds: at))
    }
    return StoredSpotTicket(
      ticket: TicketID(number: try rows.int64(row, 0)), tier: try tier(try rows.text(row, 1)), version: try rows.int32(row, 2), result: result)
  }
}
