// The standards and calendars that clocks were promised by, kept as they were, so that any past deadline can be explained (K-04).
public import Documents
public import Domain
public import Postgres
import Registering
import TicketsCore

public enum RuleRegister {
  private static let calendarsKind = "calendars"
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
      let use = "deadlines were promised"
      try RuleFileRows.keep(standards, kind: "standards", version: standards.content.version, use: use, at: now, session)
      try RuleFileRows.keep(book, kind: calendarsKind, version: book.content.version, use: use, at: now, session)
      try RuleFileRows.keep(desk, kind: "desk", version: desk.content.version, use: use, at: now, session)
      try RuleFileRows.keep(staff, kind: "staff", version: staff.content.version, use: "tickets were assigned", at: now, session)
      try StaffRows.ensure(people: staff.content.people.map(\.name), teams: staff.content.teams.map(\.id), session)
      return try RuleFileRows.all(kindsFrom: calendarsKind, session).map { file in
        try CalendarDocument.decode(Array(file.yaml.utf8), source: "registered calendars", zoneNamed: zoneNamed)
      }
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
