// Complaints counted by matter, and what is done about them, in their tables (K-10).
public import Domain
public import Postgres
import TicketsCore

extension ImprovementStep {
  var number: Int16 { Int16(ImprovementStep.allCases.firstIndex(of: self) ?? 0) }

  init(number: Int16) throws(PostgresFailure) {
    guard ImprovementStep.allCases.indices.contains(Int(number)) else { throw damaged("step of an improvement") }
    self = ImprovementStep.allCases[Int(number)]
  }
}

public enum ComplaintQueries {
  /// Matters that a report tells.
  public static let spotsMax = 1_000

  // Complaints only, by an index of their own.
  private static let spots = Statement(
    name: "complaints_spots",
    sql: """
      SELECT root_cause, nullif(category, ''), count(*) FILTER (WHERE opened_at >= $3 AND opened_at < $4),
        count(*) FILTER (WHERE opened_at >= $1 AND opened_at < $2)
      FROM tickets WHERE kind = 'complaint' AND merged_into IS NULL AND opened_at >= $1 AND opened_at < $4 AND (opened_at < $2 OR opened_at >= $3)
      GROUP BY 1, 2 ORDER BY 3 DESC, 4 DESC, 1, 2 LIMIT \(spotsMax)
      """)
  private static let count = Statement(
    name: "complaints_count",
    sql: """
      SELECT count(*) FILTER (WHERE opened_at < $4), count(*) FILTER (WHERE opened_at >= $4)
      FROM tickets WHERE kind = 'complaint' AND merged_into IS NULL AND opened_at >= $3 AND opened_at < $5
        AND ($1 = '' OR root_cause = $1) AND ($2 = '' OR category = $2)
      """)

  /// Complaints of a period by root cause and category, against those of one before it.
  public static func spots(
    before: (from: Instant, until: Instant), period: (from: Instant, until: Instant), _ session: PostgresSession
  ) throws -> [ComplaintSpot] {
    let rows = try session.query(spots) { parameters in
      for moment in [before.from, before.until, period.from, period.until] { parameters.timestamptz(moment.microseconds) }
    }
    return try (0..<rows.count).map { row in
      ComplaintSpot(
        rootCause: try rows.textOrNil(row, 0), category: try rows.textOrNil(row, 1), count: try rows.int64(row, 2), before: try rows.int64(row, 3))
    }
  }

  /// Complaints about an improvement's matter before it held and since; nil: it does not hold yet.
  public static func figures(of improvement: Improvement, _ session: PostgresSession) throws -> ImprovementFigures? {
    guard let window = improvement.window else { return nil }
    let rows = try session.query(count) { parameters in
      parameters.text(improvement.rootCause)
      parameters.text(improvement.category)
      for moment in [window.from, window.effectiveAt, window.until] { parameters.timestamptz(moment.microseconds) }
    }
    return ImprovementFigures(before: try rows.int64(0, 0), after: try rows.int64(0, 1))
  }
}

public enum ImprovementQueries {
  private static let columns = "improvement_id, root_cause, category, window_days, effective_at, before, after, reached"
  private static let insert = Statement(
    name: "improvements_insert",
    sql: """
      INSERT INTO improvements (improvement_id, root_cause, category, window_days, reached, opened_at) VALUES ($1, $2, $3, $4, 0, $5)
      ON CONFLICT DO NOTHING
      """)
  private static let update = Statement(
    name: "improvements_update",
    sql: "UPDATE improvements SET reached = $2, effective_at = $3, before = $4, after = $5 WHERE improvement_id = $1")
  private static let note = Statement(
    name: "improvement_steps_insert",
    sql: "INSERT INTO improvement_steps (improvement_id, step, body, actor, reason, at) VALUES ($1, $2, $3, $4, $5, $6)")
  private static let one = Statement(name: "improvements_one", sql: "SELECT \(columns) FROM improvements WHERE improvement_id = $1")
  private static let lock = Statement(
    name: "improvements_lock", sql: "SELECT \(columns) FROM improvements WHERE improvement_id = $1 FOR NO KEY UPDATE")
  private static let steps = Statement(
    name: "improvement_steps_list",
    sql: "SELECT improvement_id, step, body, actor, reason, at FROM improvement_steps WHERE improvement_id = ANY($1::int8[]) ORDER BY 1, 2")
  private static let page = Statement(
    name: "improvements_page",
    sql: """
      SELECT \(columns) FROM improvements WHERE ($3::int2 IS NULL OR reached = $3) AND (opened_at, improvement_id) > ($1, $2)
      ORDER BY opened_at, improvement_id LIMIT $4
      """)

  /// Writes down a problem; false: that number is there already.
  public static func open(_ improvement: Improvement, _ session: PostgresSession) throws -> Bool {
    guard let problem = improvement.lines.first else { return false }
    let count = try session.run(insert) { parameters in
      parameters.int64(improvement.id.number)
      parameters.text(improvement.rootCause)
      parameters.text(improvement.category)
      parameters.int32(Int32(clamping: improvement.windowDays))
      parameters.timestamptz(problem.at.microseconds)
    }
    if count > 0 { try write(problem, of: improvement.id, session) }
    return count > 0
  }

  private static func write(_ line: ImprovementLine, of id: TicketID, _ session: PostgresSession) throws {
    _ = try session.run(note) { parameters in
      parameters.int64(id.number)
      parameters.int16(line.step.number)
      parameters.text(line.text)
      parameters.text(line.actor.name)
      parameters.text(line.actor.reason)
      parameters.timestamptz(line.at.microseconds)
    }
  }

  /// Writes the step that was taken last.
  public static func writeLast(_ improvement: Improvement, _ session: PostgresSession) throws {
    guard let line = improvement.lines.last else { return }
    _ = try session.run(update) { parameters in
      parameters.int64(improvement.id.number)
      parameters.int16(line.step.number)
      parameters.timestamptz(improvement.effectiveAt?.microseconds)
      parameters.int64(improvement.figures?.before)
      parameters.int64(improvement.figures?.after)
    }
    try write(line, of: improvement.id, session)
  }

  public static func improvement(_ id: TicketID, isLocking: Bool = false, _ session: PostgresSession) throws -> Improvement? {
    let rows = try session.query(isLocking ? lock : one) { $0.int64(id.number) }
    return try read(rows, session).first
  }

  /// The oldest first.
  public static func page(
    reached: ImprovementStep?, after place: TicketPlace?, limit: Int, _ session: PostgresSession
  ) throws -> [Improvement] {
    let rows = try session.query(page) { parameters in
      parameters.timestamptz(place?.moment.microseconds ?? TicketQueries.earliest)
      parameters.int64(place?.ticket.number ?? 0)
      parameters.int16(reached?.number)
      parameters.int64(Int64(limit))
    }
    return try read(rows, session)
  }

  private static func read(_ rows: Rows, _ session: PostgresSession) throws -> [Improvement] {
    let ids = try (0..<rows.count).map { try rows.int64($0, 0) }
    guard !ids.isEmpty else { return [] }
    let found = try session.query(steps) { $0.int64Array(ids) }
    var lines: [Int64: [ImprovementLine]] = [:]
    for row in 0..<found.count {
      let actor = TicketActor(try found.text(row, 3), because: try found.text(row, 4))
      lines[try found.int64(row, 0), default: []].append(
        ImprovementLine(
          try ImprovementStep(number: try found.int16(row, 1)), text: try found.text(row, 2), by: actor,
          at: Instant(microseconds: try found.timestamptz(row, 5))))
    }
    return try ids.enumerated().map { row, id in
      let (before, after) = (try rows.int64OrNil(row, 5), try rows.int64OrNil(row, 6))
      return Improvement(
        id: TicketID(number: id), rootCause: try rows.text(row, 1), category: try rows.text(row, 2), windowDays: Int(try rows.int32(row, 3)),
        lines: lines[id] ?? [], effectiveAt: try rows.timestamptzOrNil(row, 4).map(Instant.init(microseconds:)),
        figures: before.flatMap { before in after.map { ImprovementFigures(before: before, after: $0) } })
    }
  }
}
