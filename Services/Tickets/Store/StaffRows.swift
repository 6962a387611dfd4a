// What everybody has to do, who is away, and who looks after which customer, in their tables (K-07).
public import Domain
public import Postgres
import TicketsCore

enum StaffRows {
  // In one order, so that no two transactions wait for each other.
  private static let loads = Statement(
    name: "loads_lock", sql: "SELECT is_team, name, open FROM loads ORDER BY is_team, name FOR NO KEY UPDATE")
  private static let away = Statement(
    name: "absences_now", sql: "SELECT DISTINCT person FROM absences WHERE starts_at <= $1 AND ends_at > $1")
  private static let add = Statement(
    name: "loads_add",
    sql: """
      INSERT INTO loads AS l (is_team, name, open) SELECT * FROM unnest($1::bool[], $2::text[], $3::int8[]) AS u(is_team, name, open) ORDER BY 1, 2
      ON CONFLICT (is_team, name) DO UPDATE SET open = l.open + excluded.open
      """)
  private static let ensure = Statement(
    name: "loads_ensure",
    sql: """
      INSERT INTO loads (is_team, name, open) SELECT u.is_team, u.name, 0 FROM unnest($1::bool[], $2::text[]) AS u(is_team, name) ORDER BY 1, 2
      ON CONFLICT DO NOTHING
      """)
  private static let attend = Statement(
    name: "attendants_insert",
    sql: """
      WITH named AS (
        INSERT INTO attendants (customer_id, version, person, since, actor, reason)
        SELECT u.id, u.version, u.person, $6, u.actor, u.reason
        FROM unnest($1::int8[], $2::int4[], $3::text[], $4::text[], $5::text[]) AS u(id, version, person, actor, reason)
        RETURNING customer_id, version, person)
      UPDATE customers c SET attendant = n.person, attendant_version = n.version FROM named n WHERE c.customer_id = n.customer_id
      """)

  static func lock(on today: Day, at now: Instant, _ session: PostgresSession) throws -> StaffSituation {
    var situation = StaffSituation(today: today)
    let rows = try session.query(loads)
    for row in 0..<rows.count {
      let (name, open) = (try rows.text(row, 1), try rows.int64(row, 2))
      if try rows.bool(row, 0) { situation.teams[name] = open } else { situation.people[name] = open }
    }
    // Only now: whoever says that somebody is away holds that person's row.
    situation.absent = try absent(at: now, session)
    return situation
  }

  static func absent(at now: Instant, _ session: PostgresSession) throws -> Set<String> {
    let rows = try session.query(away) { $0.timestamptz(now.microseconds) }
    return Set(try (0..<rows.count).map { try rows.text($0, 0) })
  }

  /// Adds what changed: open tickets of people and teams, more or less.
  static func count(_ change: StaffSituation, _ session: PostgresSession) throws {
    let people = change.people.map { (isTeam: false, name: $0.key, open: $0.value) }
    let all = (people + change.teams.map { (isTeam: true, name: $0.key, open: $0.value) }).filter { $0.open != 0 }
    guard !all.isEmpty else { return }
    _ = try session.run(add) { parameters in
      parameters.boolArray(all.map(\.isTeam))
      parameters.textArray(all.map(\.name))
      parameters.int64Array(all.map(\.open))
    }
  }

  /// Rows for these people and teams, so that they can be locked before they have anything.
  static func ensure(people: [String], teams: [String], _ session: PostgresSession) throws {
    _ = try session.run(ensure) { parameters in
      parameters.boolArray(people.map { _ in false } + teams.map { _ in true })
      parameters.textArray(people + teams)
    }
  }

  static func attend(_ new: [NewAttendant], at now: Instant, _ session: PostgresSession) throws {
    // Of one customer there may be several; the table of customers has the last.
    var byVersion: [Int32: [NewAttendant]] = [:]
    for entry in new { byVersion[entry.version, default: []].append(entry) }
    for version in byVersion.keys.sorted() {
      guard let entries = byVersion[version] else { continue }
      _ = try session.run(attend) { parameters in
        parameters.int64Array(entries.map(\.customer.number))
        parameters.int32Array(entries.map(\.version))
        parameters.textArray(entries.map(\.person))
        parameters.textArray(entries.map(\.actor.name))
        parameters.textArray(entries.map(\.actor.reason))
        parameters.timestamptz(now.microseconds)
      }
    }
  }
}

/// From when until when somebody is away.
public struct StoredAbsence: Hashable, Sendable {
  public let person: String
  public let from: Instant
  public let until: Instant
  public let actor: String
  public let reason: String

  public init(person: String, from: Instant, until: Instant, actor: String, reason: String) {
    self.person = person
    self.from = from
    self.until = until
    self.actor = actor
    self.reason = reason
  }
}

/// Who looks after a customer.
public struct StoredAttendant: Hashable, Sendable {
  /// Empty: nobody was named yet.
  public let person: String
  public let version: Int32
  public let since: Instant?
  public let actor: String
  public let reason: String
}

/// What the API and the lane of due work ask about people.
public enum StaffQueries {
  /// Absences of one person that are listed; and tickets that one transaction hands over.
  public static let absencesMax = 200
  public static let coveredMax = 200

  private static let loads = Statement(name: "loads_list", sql: "SELECT is_team, name, open FROM loads ORDER BY is_team, name")

  public static func situation(on today: Day, at now: Instant, _ session: PostgresSession) throws -> StaffSituation {
    var situation = StaffSituation(absent: try StaffRows.absent(at: now, session), today: today)
    let rows = try session.query(loads)
    for row in 0..<rows.count {
      let (name, open) = (try rows.text(row, 1), try rows.int64(row, 2))
      if try rows.bool(row, 0) { situation.teams[name] = open } else { situation.people[name] = open }
    }
    return situation
  }

  // MARK: - Absences

  private static let hold = Statement(
    name: "loads_hold", sql: "SELECT open FROM loads WHERE NOT is_team AND name = $1 FOR NO KEY UPDATE")
  private static let insert = Statement(
    name: "absences_write",
    sql: """
      WITH written AS (
        INSERT INTO absences AS a (person, starts_at, ends_at, actor, reason) VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (person, starts_at) DO UPDATE SET ends_at = excluded.ends_at, actor = excluded.actor, reason = excluded.reason
        RETURNING absence_id)
      INSERT INTO due_work (kind, id, due_at) SELECT \(TicketWork.absence), absence_id, $2 FROM written
      ON CONFLICT (kind, id) DO UPDATE SET due_at = excluded.due_at, failures = 0, not_before = NULL
      """)
  private static let finish = Statement(
    name: "absences_finish", sql: "UPDATE absences SET ends_at = $2 WHERE person = $1 AND starts_at <= $2 AND ends_at > $2")
  private static let list = Statement(
    name: "absences_list",
    sql: "SELECT starts_at, ends_at, actor, reason FROM absences WHERE person = $1 AND ends_at > $2 ORDER BY starts_at LIMIT \(absencesMax)")

  /// Somebody is away. The same beginning once more changes the end.
  public static func note(_ absence: StoredAbsence, _ session: PostgresSession) throws {
    try StaffRows.ensure(people: [absence.person], teams: [], session)
    _ = try session.query(hold) { $0.text(absence.person) }
    _ = try session.run(insert) { parameters in
      parameters.text(absence.person)
      parameters.timestamptz(absence.from.microseconds)
      parameters.timestamptz(absence.until.microseconds)
      parameters.text(absence.actor)
      parameters.text(absence.reason)
    }
  }

  /// Somebody is back. Returns how many absences ended.
  public static func end(of person: String, at now: Instant, _ session: PostgresSession) throws -> Int {
    try session.run(finish) { parameters in
      parameters.text(person)
      parameters.timestamptz(now.microseconds)
    }
  }

  /// Those that run or are to come, the next first.
  public static func absences(of person: String, after now: Instant, _ session: PostgresSession) throws -> [StoredAbsence] {
    let rows = try session.query(list) { parameters in
      parameters.text(person)
      parameters.timestamptz(now.microseconds)
    }
    return try (0..<rows.count).map { row in
      StoredAbsence(
        person: person, from: Instant(microseconds: try rows.timestamptz(row, 0)), until: Instant(microseconds: try rows.timestamptz(row, 1)),
        actor: try rows.text(row, 2), reason: try rows.text(row, 3))
    }
  }

  private static let absentee = Statement(
    name: "absences_one", sql: "SELECT person FROM absences WHERE absence_id = $1 AND starts_at <= $2 AND ends_at > $2")
  private static let owned = Statement(
    name: "tickets_of_absentee",
    sql: """
      SELECT ticket_id, customer_id FROM tickets WHERE owner = $1 AND state < 5 ORDER BY opened_at, ticket_id LIMIT \(coveredMax)
      """)

  /// Who is away by this absence; nil: it is over, or was called off.
  public static func absentee(_ absence: Int64, at now: Instant, _ session: PostgresSession) throws -> String? {
    let rows = try session.query(absentee) { parameters in
      parameters.int64(absence)
      parameters.timestamptz(now.microseconds)
    }
    return rows.count == 0 ? nil : try rows.text(0, 0)
  }

  /// Open tickets of somebody, the oldest first.
  public static func owned(by person: String, _ session: PostgresSession) throws -> [(ticket: TicketID, customer: CustomerID)] {
    let rows = try session.query(owned) { $0.text(person) }
    return try (0..<rows.count).map { (TicketID(number: try rows.int64($0, 0)), CustomerID(number: try rows.int64($0, 1))) }
  }

  // MARK: - Attendants

  private static let attendant = Statement(
    name: "attendant_one",
    sql: """
      SELECT c.attendant, c.attendant_version, a.since, a.actor, a.reason FROM customers c
      LEFT JOIN attendants a ON a.customer_id = c.customer_id AND a.version = c.attendant_version WHERE c.customer_id = $1
      """)

  public static func attendant(of customer: CustomerID, _ session: PostgresSession) throws -> StoredAttendant {
    let rows = try session.query(attendant) { $0.int64(customer.number) }
    guard rows.count > 0 else { return StoredAttendant(person: "", version: 0, since: nil, actor: "", reason: "") }
    return StoredAttendant(
      person: try rows.text(0, 0), version: try rows.int32(0, 1), since: try rows.timestamptzOrNil(0, 2).map(Instant.init(microseconds:)),
      actor: try rows.textOrNil(0, 3) ?? "", reason: try rows.textOrNil(0, 4) ?? "")
  }

  private static let customer = Statement(name: "ticket_customer", sql: "SELECT customer_id FROM tickets WHERE ticket_id = $1")

  /// Whose a ticket is at this moment: it may be another's before it is locked.
  public static func customer(of ticket: TicketID, _ session: PostgresSession) throws -> CustomerID? {
    let rows = try session.query(customer) { $0.int64(ticket.number) }
    return rows.count == 0 ? nil : CustomerID(number: try rows.int64(0, 0))
  }
}
