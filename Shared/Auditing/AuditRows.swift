// The trail in its tables: written in the transaction of the change, and read to show that nothing in it was altered.
public import Domain
public import Postgres
import Hashing

/// What looking through a trail came to.
public struct AuditVerdict: Hashable, Sendable {
  /// The first place where it does not fit.
  public struct Break: Hashable, Sendable {
    public let day: Day
    public let sequence: Int64
    /// A word: `altered`, `missing`, `added` or `cut`.
    public let problem: String
  }
  public let entries: Int64
  public let days: Int
  /// nil: nothing was altered, as far as the trail itself can tell.
  public let firstBreak: Break?
  /// Of the last entry. Kept elsewhere, it shows later that the trail was not made anew as a whole.
  public let head: [UInt8]
}

public enum AuditRows {
  // One writer of a service's trail at a time, until the end of its transaction: taken last, when nothing else is waited for any more.
  private static let turn = Statement(name: "audit_turn", sql: "SELECT pg_advisory_xact_lock(hashtextextended('clientele audit ' || current_schema(), 0))")
  private static let last = Statement(name: "audit_last", sql: "SELECT day, entries, hash FROM audit_days ORDER BY day DESC LIMIT 1 FOR UPDATE")
  private static let add = Statement(
    name: "audit_add",
    sql: """
      INSERT INTO audit (day, entry, at, actor, subject, issuer, roles, method, route, path, body, reason, seen, hash)
      VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
      """)
  private static let close = Statement(
    name: "audit_close",
    sql: """
      INSERT INTO audit_days (day, entries, previous, hash) VALUES ($1, $2, $3, $4)
      ON CONFLICT (day) DO UPDATE SET entries = excluded.entries, hash = excluded.hash
      """)
  private static let hasWritten = Statement(name: "audit_has_written", sql: "SELECT pg_current_xact_id_if_assigned() IS NOT NULL")

  /// Adds an entry, if the transaction has written anything. Its day is today, or the last one of the trail where clocks differ.
  /// - Parameter entry: asked for only then.
  public static func note(_ entry: () throws -> AuditEntry, on today: Day, _ session: PostgresSession) throws {
    guard try session.query(hasWritten).bool(0, 0) else { return }
    try add([try entry()], on: today, session)
  }

  /// Adds entries, whatever else the transaction does.
  public static func add(_ entries: [AuditEntry], on today: Day, _ session: PostgresSession) throws {
    _ = try session.query(turn)
    let rows = try session.query(last)
    var (lastDay, lastEntry, previous) =
      rows.count == 0 ? (Int32.min, Int64(0), AuditEntry.beginning) : (try rows.date(0, 0), try rows.int64(0, 1), try rows.bytes(0, 2))
    for var entry in entries {
      entry.day = max(today.number, lastDay)
      entry.sequence = entry.day == lastDay ? lastEntry + 1 : 1
      let hash = try entry.hash(after: previous, Hasher256())
      try add(entry, hash, after: previous, session)
      (lastDay, lastEntry, previous) = (entry.day, entry.sequence, hash)
    }
  }

  private static func add(_ entry: AuditEntry, _ hash: [UInt8], after previous: [UInt8], _ session: PostgresSession) throws {
    _ = try session.run(add) { parameters in
      parameters.date(unixDays: entry.day)
      parameters.int64(entry.sequence)
      parameters.timestamptz(entry.at)
      for word in [entry.actor, entry.subject, entry.issuer, entry.roles, entry.method, entry.route, entry.path] { parameters.text(word) }
      parameters.bytes(entry.body)
      parameters.text(entry.reason)
      parameters.text(entry.seen)
      parameters.bytes(hash)
    }
    _ = try session.run(close) { parameters in
      parameters.date(unixDays: entry.day)
      parameters.int64(entry.sequence)
      parameters.bytes(previous)
      parameters.bytes(hash)
    }
  }

  // MARK: - Looking

  private static let columns = "day, entry, at, actor, subject, issuer, roles, method, route, path, body, reason, seen, hash"
  private static let after = Statement(
    name: "audit_after", sql: "SELECT \(columns) FROM audit WHERE (day, entry) > ($1, $2) ORDER BY day, entry LIMIT $3")
  private static let list = Statement(
    name: "audit_page",
    sql: """
      SELECT \(columns) FROM audit WHERE (day, entry) < ($1, $2) AND ($3::text IS NULL OR actor = $3) AND ($4::date IS NULL OR day = $4)
      ORDER BY day DESC, entry DESC LIMIT $5
      """)
  private static let looks = Statement(
    name: "audit_looks",
    sql: """
      SELECT \(columns) FROM audit WHERE seen <> '' AND (day, entry) < ($1, $2) AND day >= $3 AND ($4::text IS NULL OR actor = $4)
      AND ($5::text IS NULL OR strpos(seen, $5) > 0) ORDER BY day DESC, entry DESC LIMIT $6
      """)
  private static let heads = Statement(name: "audit_heads", sql: "SELECT day, entries, previous, hash FROM audit_days ORDER BY day")

  /// A place in the trail.
  public struct Place: Hashable, Sendable {
    public let day: Day
    public let sequence: Int64

    public init(day: Day, sequence: Int64) {
      self.day = day
      self.sequence = sequence
    }

    /// Behind every entry.
    static let end = Place(day: Day(number: 2_932_896), sequence: .max)
  }

  private static func read(_ rows: Rows, _ row: Int) throws -> (entry: AuditEntry, hash: [UInt8]) {
    (
      AuditEntry(
        day: try rows.date(row, 0), sequence: try rows.int64(row, 1), at: try rows.timestamptz(row, 2), actor: try rows.text(row, 3),
        subject: try rows.text(row, 4), issuer: try rows.text(row, 5), roles: try rows.text(row, 6), method: try rows.text(row, 7),
        route: try rows.text(row, 8), path: try rows.text(row, 9), body: try rows.bytes(row, 10),
        reason: try rows.text(row, 11), seen: try rows.text(row, 12)), try rows.bytes(row, 13)
    )
  }

  /// The newest first.
  public static func page(actor: String?, day: Day?, before place: Place?, limit: Int, _ session: PostgresSession) throws -> [AuditEntry] {
    let place = place ?? Place.end
    let rows = try session.query(list) { parameters in
      parameters.date(unixDays: place.day.number)
      parameters.int64(place.sequence)
      parameters.text(actor)
      if let day { parameters.date(unixDays: day.number) } else { parameters.null(.date) }
      parameters.int64(Int64(limit))
    }
    return try (0..<rows.count).map { try read(rows, $0).entry }
  }

  /// Looks at contact data in full, the newest first (S-06).
  ///
  /// - Parameter before: nil: from the end of the last day on.
  public static func looks(
    from first: Day, to last: Day, actor: String?, customer: CustomerID?, before place: Place?, limit: Int, _ session: PostgresSession
  ) throws -> [AuditEntry] {
    let end = Place(day: last, sequence: .max)
    let place = place.map { ($0.day, $0.sequence) < (end.day, end.sequence) ? $0 : end } ?? end
    let rows = try session.query(looks) { parameters in
      parameters.date(unixDays: place.day.number)
      parameters.int64(place.sequence)
      parameters.date(unixDays: first.number)
      parameters.text(actor)
      // As `seenText` writes it.
      parameters.text(customer.map { "\"customer\":\"\($0)\"" })
      parameters.int64(Int64(limit))
    }
    return try (0..<rows.count).map { try read(rows, $0).entry }
  }

  // MARK: - Verifying

  /// Entries of one look.
  static let pieceMax = 2_000

  /// Works every hash out anew, from the first entry to the last. In one transaction that sees one state, or an entry that comes meanwhile would look added.
  public static func verify(_ session: PostgresSession) throws -> AuditVerdict {
    try session.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
    return try walk(session)
  }

  static func walk(_ session: PostgresSession) throws -> AuditVerdict {
    var walk = AuditWalk(try heads(session))
    let hasher = try Hasher256()
    var place: (day: Int32, entry: Int64) = (Int32(-719_162), 0)
    while true {
      let from = place
      let rows = try session.query(after) { parameters in
        parameters.date(unixDays: from.day)
        parameters.int64(from.entry)
        parameters.int64(Int64(pieceMax))
      }
      for row in 0..<rows.count {
        let (entry, hash) = try read(rows, row)
        place = (entry.day, entry.sequence)
        if let verdict = try walk.meets(entry, hash, hasher) { return verdict }
      }
      if rows.count < pieceMax { return walk.end() }
    }
  }

  private static func heads(_ session: PostgresSession) throws -> [AuditWalk.Head] {
    let rows = try session.query(heads)
    return try (0..<rows.count).map {
      AuditWalk.Head(day: try rows.date($0, 0), entries: try rows.int64($0, 1), previous: try rows.bytes($0, 2), hash: try rows.bytes($0, 3))
    }
  }
}

/// Goes along a trail, entry by entry.
struct AuditWalk {
  /// What is kept of a day.
  struct Head: Hashable {
    let day: Int32
    let entries: Int64
    let previous: [UInt8]
    let hash: [UInt8]
  }

  private let heads: [Head]
  private var place = 0
  private var sequence: Int64 = 0
  private var previous = AuditEntry.beginning
  private var count: Int64 = 0

  init(_ heads: [Head]) { self.heads = heads }

  /// nil while everything fits.
  mutating func meets(_ entry: AuditEntry, _ hash: [UInt8], _ hasher: Hasher256) throws -> AuditVerdict? {
    while place < heads.count, heads[place].day < entry.day {
      if let verdict = closesDay() { return verdict }
    }
    guard place < heads.count, heads[place].day == entry.day, entry.sequence <= heads[place].entries else { return broken(entry.day, entry.sequence, "added") }
    guard entry.sequence == sequence + 1 else { return broken(entry.day, sequence + 1, "missing") }
    if sequence == 0, heads[place].previous != previous { return broken(entry.day, 1, "altered") }
    guard try entry.hash(after: previous, hasher) == hash else { return broken(entry.day, entry.sequence, "altered") }
    (sequence, previous, count) = (entry.sequence, hash, count + 1)
    return nil
  }

  mutating func end() -> AuditVerdict {
    while place < heads.count { if let verdict = closesDay() { return verdict } }
    return AuditVerdict(entries: count, days: heads.count, firstBreak: nil, head: previous)
  }

  private mutating func closesDay() -> AuditVerdict? {
    let head = heads[place]
    guard sequence == head.entries else { return broken(head.day, sequence + 1, "cut") }
    guard previous == head.hash else { return broken(head.day, sequence, "altered") }
    place += 1
    sequence = 0
    return nil
  }

  private func broken(_ day: Int32, _ sequence: Int64, _ problem: String) -> AuditVerdict {
    AuditVerdict(
      entries: count, days: heads.count, firstBreak: AuditVerdict.Break(day: Day(number: day), sequence: sequence, problem: problem), head: previous)
  }
}
