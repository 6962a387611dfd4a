// The standards and calendars that clocks were promised by, kept as they were, so that any past deadline can be explained (K-04).
public import Documents
public import Domain
public import Postgres
import TicketsCore

public enum RuleRegister {
  private static let insert = Statement(
    name: "rules_register",
    sql: "INSERT INTO rule_files (kind, version, yaml, registered_at) VALUES ($1, $2, $3, $4) ON CONFLICT (kind, version) DO NOTHING")
  private static let find = Statement(name: "rules_find", sql: "SELECT yaml FROM rule_files WHERE kind = $1 AND version = $2")
  private static let calendars = Statement(name: "rules_calendars", sql: "SELECT yaml FROM rule_files WHERE kind = 'calendars' ORDER BY version")
  // Tickets of other files; those that are marked already stay so.
  private static let mark = Statement(
    name: "promises_mark",
    sql: """
      INSERT INTO due_work (kind, id, due_at)
      SELECT \(TicketWork.promise), ticket_id, 'epoch' FROM tickets
      WHERE standards_version IS NOT NULL AND (standards_version, calendars_version) IS DISTINCT FROM ($1, $2) ORDER BY ticket_id
      ON CONFLICT (kind, id) DO NOTHING
      """)

  /// Keeps these files, and says by which calendars clocks were ever promised. Throws ``RuleChanged`` when one differs from what is registered under its
  /// version.
  public static func register(
    standards: RuleFile<ServiceStandards>, calendars book: RuleFile<CalendarBook>, desk: RuleFile<DeskRules>, staff: RuleFile<StaffRules>,
    at now: Instant, zoneNamed: (String) -> BusinessZone?, _ session: PostgresSession
  ) throws -> [CalendarBook] {
    try session.transaction { session in
      try keep("standards", standards.content.version, standards.yaml, standards.source, at: now, session)
      try keep("calendars", book.content.version, book.yaml, book.source, at: now, session)
      try keep("desk", desk.content.version, desk.yaml, desk.source, at: now, session)
      try keep("staff", staff.content.version, staff.yaml, staff.source, use: "tickets were assigned", at: now, session)
      try StaffRows.ensure(people: staff.content.people.map(\.name), teams: staff.content.teams.map(\.id), session)
      let rows = try session.query(calendars)
      return try (0..<rows.count).map { row in
        try CalendarDocument.decode(Array(try rows.text(row, 0).utf8), source: "registered calendars", zoneNamed: zoneNamed)
      }
    }
  }

  private static func keep(
    _ kind: String, _ version: Int, _ yaml: String, _ source: String, use: String = "deadlines were promised", at now: Instant,
    _ session: PostgresSession
  ) throws {
    _ = try session.run(insert) { parameters in
      parameters.text(kind)
      parameters.int32(Int32(clamping: version))
      parameters.text(yaml)
      parameters.timestamptz(now.microseconds)
    }
    let rows = try session.query(find) { parameters in
      parameters.text(kind)
      parameters.int32(Int32(clamping: version))
    }
    guard rows.count == 1, try rows.text(0, 0) == yaml else {
      throw RuleChanged(rule: "\(kind) v\(version)", source: source, use: use)
    }
  }

  /// Lets the lane of due work promise anew what runs by other files than these. Returns how many tickets were marked.
  public static func markPromisedByOthers(_ versions: ServiceRuleVersions, _ session: PostgresSession) throws -> Int {
    try session.run(mark) { parameters in
      parameters.int32(Int32(clamping: versions.standards))
      parameters.int32(Int32(clamping: versions.calendars))
    }
  }
}
