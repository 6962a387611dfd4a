// In which segments customers were when they answered and when they were asked (F-04, P-09): decided at once, put right for a day while more of what had been
// bought until then becomes known, and never again.
public import Domain
import FeedbackCore
public import Postgres

/// The means that customers are divided by, day by day.
public struct SegmentBorderBook: Sendable {
  private let days: [Day]
  private let borders: [SegmentBorders]

  fileprivate init(_ entries: [(day: Day, borders: SegmentBorders)]) {
    days = entries.map(\.day)
    borders = entries.map(\.borders)
  }

  /// Those of a day, else the last ones before it, else the first ones after it; none where there are none at all.
  func borders(on day: Day) -> SegmentBorders {
    guard let first = borders.first else { return SegmentBorders() }
    return days.lastIndex { $0 <= day }.map { borders[$0] } ?? first
  }
}

public enum SegmentQueries {
  // MARK: - Borders

  private static let bordersRows = Statement(
    name: "segment_borders_all", sql: "SELECT day, customers, recency_days, frequency, monetary FROM segment_borders ORDER BY day")

  public static func book(_ session: PostgresSession) throws -> SegmentBorderBook {
    let rows = try session.query(bordersRows)
    return SegmentBorderBook(
      try (0..<rows.count).map { row in
        (
          Day(number: try rows.date(row, 0)),
          SegmentBorders(
            customers: try rows.int64(row, 1), recencyDays: Int128(try rows.int64(row, 2)), frequency: Int128(try rows.int64(row, 3)),
            monetary: Int128(try rows.int64(row, 4)))
        )
      })
  }

  /// Customers that are read at once.
  private static let pageMax: Int64 = 5_000
  private static let page = Statement(
    name: "segment_population",
    sql: """
      SELECT customer_id, days, older FROM profiles WHERE customer_id > $1 AND first_day IS NOT NULL AND NOT is_merged
      ORDER BY customer_id LIMIT \(pageMax)
      """)
  private static let count = Statement(name: "segment_profiles", sql: "SELECT count(*) FROM profiles")
  private static let drawn = Statement(
    name: "segment_drawn",
    sql: "SELECT profiles, EXISTS (SELECT FROM segment_borders f WHERE f.day < $1) FROM segment_borders WHERE day = $1")
  private static let keep = Statement(
    name: "segment_keep",
    sql: """
      INSERT INTO segment_borders AS b (day, drawn_at, profiles, customers, recency_days, frequency, monetary) VALUES ($1, $2, $3, $4, $5, $6, $7)
      ON CONFLICT (day) DO UPDATE SET drawn_at = excluded.drawn_at, profiles = excluded.profiles, customers = excluded.customers,
        recency_days = excluded.recency_days, frequency = excluded.frequency, monetary = excluded.monetary WHERE b.profiles < excluded.profiles
      """)

  /// Draws the borders of a day once; on the very first one again whenever the population has grown by a tenth, as it does while a history is imported.
  /// Without anybody who ever paid there are none. What is not decided for good is to be decided anew by other borders.
  public static func draw(on day: Day, at now: Instant, _ session: PostgresSession) throws {
    let former = try session.query(drawn) { $0.date(unixDays: day.number) }
    // Counting everybody again and again is for the first day.
    if former.count > 0, try former.bool(0, 1) { return }
    let known = try session.query(count).int64(0, 0)
    if former.count > 0, try known - former.int64(0, 0) < max(1, former.int64(0, 0) / 10) { return }
    var borders = SegmentBorders()
    var last = Int64.min
    while true {
      let rows = try session.query(page) { $0.int64(last) }
      for row in 0..<rows.count {
        guard let ledger = try ProfileRows.ledger(rows, row, days: 1, older: 2)?.upTo(day) else { continue }
        borders.add(ledger.purchases(at: day))
      }
      guard rows.count == pageMax else { break }
      last = try rows.int64(rows.count - 1, 0)
    }
    guard borders.customers > 0 else { return }
    _ = try session.run(keep) { parameters in
      parameters.date(unixDays: day.number)
      parameters.timestamptz(now.microseconds)
      for value in [Int128(known), Int128(borders.customers), borders.recencyDays, borders.frequency, borders.monetary] {
        parameters.int64(Int64(clamping: value))
      }
    }
    if former.count > 0 { for table in tables { _ = try session.run(table.stale) { _ in } } }
  }

  // MARK: - Dividing

  /// What has segments to be decided.
  private struct Table {
    let (fresh, open, divide, stale): (Statement, Statement, Statement, Statement)

    /// - Parameter asked: what is to be divided at all, of a row `a`.
    init(_ table: String, id: String, moment: String, asked: String) {
      // Another process takes others. Whose they are may not change while they are held.
      func waiting(_ name: String, _ condition: String) -> Statement {
        Statement(
          name: "segments_\(name)_\(table)",
          sql: """
            SELECT a.\(id), a.\(moment), p.version, a.segment_open, p.days, p.older FROM \(table) a JOIN profiles p ON p.customer_id = a.customer_id
            WHERE \(condition) AND NOT p.is_merged AND $1::timestamptz IS NOT NULL ORDER BY a.customer_id, a.\(id) LIMIT \(pieceMax)
            FOR UPDATE OF a SKIP LOCKED
            """)
      }
      fresh = waiting("fresh", asked)
      open = waiting("open", "a.segment_open IS NOT NULL AND (a.segment_version IS DISTINCT FROM p.version OR a.segment_open <= $1)")
      divide = Statement(
        name: "segments_into_\(table)",
        sql: """
          UPDATE \(table) a SET rfm = u.rfm, contribution = u.contribution, segment_version = u.version, segment_open = u.open
          FROM unnest($1::int8[], $2::text[], $3::text[], $4::int8[], $5::timestamptz[]) AS u(id, rfm, contribution, version, open)
          WHERE a.\(id) = u.id
          """)
      // Waits for nobody, as moves lock the same rows in an order of their own.
      stale = Statement(
        name: "segments_stale_\(table)",
        sql: """
          WITH held AS (SELECT \(id) AS id FROM \(table) WHERE segment_open IS NOT NULL AND segment_version IS NOT NULL FOR UPDATE SKIP LOCKED)
          UPDATE \(table) a SET segment_version = NULL FROM held WHERE a.\(id) = held.id
          """)
    }
  }
  private static let tables = [
    Table("answers", id: "answer_id", moment: "occurred_at", asked: "a.rfm IS NULL"),
    // When somebody was asked counts, not when that was planned.
    Table("invitations", id: "invitation_id", moment: "sent_at", asked: "a.rfm IS NULL AND a.sent_at IS NOT NULL"),
  ]

  /// Answers and invitations that are divided in one transaction.
  public static let pieceMax = 500
  /// For so long what was decided is put right when more becomes known.
  public static let openSeconds: Int64 = 86_400

  private static let someWaits = Statement(
    name: "segments_wait",
    sql: """
      SELECT EXISTS (SELECT FROM answers a JOIN profiles p ON p.customer_id = a.customer_id WHERE a.rfm IS NULL AND NOT p.is_merged)
        OR EXISTS (SELECT FROM invitations a JOIN profiles p ON p.customer_id = a.customer_id
          WHERE a.rfm IS NULL AND a.sent_at IS NOT NULL AND NOT p.is_merged)
      """)

  private static let someOpen = Statement(
    name: "segments_are_open",
    sql: "SELECT EXISTS (SELECT FROM answers WHERE segment_open IS NOT NULL) OR EXISTS (SELECT FROM invitations WHERE segment_open IS NOT NULL)")

  /// Whether there is anything that may have to be decided, of customers whose profile is known.
  public static func isWaiting(_ turn: Turn, _ session: PostgresSession) throws -> Bool { try session.query(turn == .fresh ? someWaits : someOpen).bool(0, 0) }

  /// What is decided in a turn.
  public enum Turn: Sendable {
    /// Of which nothing is decided yet.
    case fresh
    /// Of which more is known since, or whose time is over.
    case open
  }

  /// Decides for a piece of the answers and of the invitations. Returns whether there may be more.
  public static func divide(
    _ turn: Turn, by book: SegmentBorderBook, at now: Instant, in zone: BusinessZone, _ session: PostgresSession
  ) throws -> Bool {
    try session.transaction { session in try tables.map { try divide($0, turn, book, now, zone, session) }.contains(pieceMax) }
  }

  /// Of whom nothing can be said: what counts is summed up already.
  private static let unknown = ""

  /// The words for what was bought up to a day; nil: there is nothing to compare with yet.
  private static func words(_ ledger: DayLedger?, on day: Day, _ book: SegmentBorderBook) -> (rfm: String, contribution: String)? {
    guard let known = ledger?.upTo(day) else { return (unknown, unknown) }
    return book.borders(on: day).segment(of: known.purchases(at: day)).map { ($0.rfmName, $0.contributionName) }
  }

  private static func divide(
    _ table: Table, _ turn: Turn, _ book: SegmentBorderBook, _ now: Instant, _ zone: BusinessZone, _ session: PostgresSession
  ) throws -> Int {
    let rows = try session.query(turn == .fresh ? table.fresh : table.open) { $0.timestamptz(now.microseconds) }
    var (ids, rfm, contribution): ([Int64], [String], [String]) = ([], [], [])
    var (versions, open): ([Int64], [Int64?]) = ([], [])
    for row in 0..<rows.count {
      let day = zone.day(of: Instant(microseconds: try rows.timestamptz(row, 1)))
      guard let words = words(try ProfileRows.ledger(rows, row, days: 4, older: 5), on: day, book) else { continue }
      ids.append(try rows.int64(row, 0))
      rfm.append(words.rfm)
      contribution.append(words.contribution)
      versions.append(try rows.int64(row, 2))
      let until = try rows.timestamptzOrNil(row, 3) ?? now.adding(seconds: openSeconds).microseconds
      open.append(until <= now.microseconds ? nil : until)
    }
    guard !ids.isEmpty else { return 0 }
    _ = try session.run(table.divide) { parameters in
      parameters.int64Array(ids)
      parameters.textArray(rfm)
      parameters.textArray(contribution)
      parameters.int64Array(versions)
      parameters.timestamptzArray(nullable: open)
    }
    return ids.count
  }
}
