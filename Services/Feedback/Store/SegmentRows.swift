// In which segments customers were when they answered and when they were asked (F-04, P-09): decided once, from what is known then, and never again.
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

  public var lastDay: Day? { days.last }

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
  private static let drawn = Statement(name: "segment_drawn", sql: "SELECT profiles FROM segment_borders WHERE day = $1")
  private static let keep = Statement(
    name: "segment_keep",
    sql: """
      INSERT INTO segment_borders AS b (day, drawn_at, profiles, customers, recency_days, frequency, monetary) VALUES ($1, $2, $3, $4, $5, $6, $7)
      ON CONFLICT (day) DO UPDATE SET drawn_at = excluded.drawn_at, profiles = excluded.profiles, customers = excluded.customers,
        recency_days = excluded.recency_days, frequency = excluded.frequency, monetary = excluded.monetary WHERE b.profiles < excluded.profiles
      """)

  /// Draws the borders of a day once; again on the same day while the population grows by a tenth, as it does when a history is imported. Without anybody who
  /// ever paid there are none.
  public static func draw(on day: Day, at now: Instant, _ session: PostgresSession) throws {
    let known = try session.query(count).int64(0, 0)
    let former = try session.query(drawn) { $0.date(unixDays: day.number) }
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
  }

  // MARK: - Dividing

  /// What waits to be divided.
  private struct Table {
    let (id, waiting, divide): (String, Statement, Statement)

    /// - Parameter asked: what has a segment to be decided, of a row `a`.
    init(_ table: String, id: String, moment: String, asked: String) {
      self.id = id
      // Another process takes others. Whose they are may not change while they are held.
      waiting = Statement(
        name: "segments_of_\(table)",
        sql: """
          SELECT a.\(id), a.\(moment), p.days, p.older FROM \(table) a JOIN profiles p ON p.customer_id = a.customer_id
          WHERE \(asked) AND NOT p.is_merged ORDER BY a.customer_id, a.\(id) LIMIT \(pieceMax) FOR UPDATE OF a SKIP LOCKED
          """)
      divide = Statement(
        name: "segments_into_\(table)",
        sql: """
          UPDATE \(table) a SET rfm = u.rfm, contribution = u.contribution FROM unnest($1::int8[], $2::text[], $3::text[]) AS u(id, rfm, contribution)
          WHERE a.\(id) = u.id
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

  private static let someWaits = Statement(
    name: "segments_wait",
    sql: """
      SELECT EXISTS (SELECT FROM answers a JOIN profiles p ON p.customer_id = a.customer_id WHERE a.rfm IS NULL AND NOT p.is_merged)
        OR EXISTS (SELECT FROM invitations a JOIN profiles p ON p.customer_id = a.customer_id
          WHERE a.rfm IS NULL AND a.sent_at IS NOT NULL AND NOT p.is_merged)
      """)

  /// Whether anything is to be decided of customers whose profile is known.
  public static func isWaiting(_ session: PostgresSession) throws -> Bool { try session.query(someWaits).bool(0, 0) }

  /// Decides for a piece of the answers and of the invitations. Returns whether there may be more.
  public static func divide(by book: SegmentBorderBook, in zone: BusinessZone, _ session: PostgresSession) throws -> Bool {
    try session.transaction { session in try tables.map { try divide($0, book, zone, session) }.contains(pieceMax) }
  }

  /// Of whom nothing can be said: what counts is summed up already.
  private static let unknown = ""

  private static func divide(_ table: Table, _ book: SegmentBorderBook, _ zone: BusinessZone, _ session: PostgresSession) throws -> Int {
    let rows = try session.query(table.waiting)
    var (ids, rfm, contribution): ([Int64], [String], [String]) = ([], [], [])
    for row in 0..<rows.count {
      let day = zone.day(of: Instant(microseconds: try rows.timestamptz(row, 1)))
      let words: (String, String)
      if let ledger = try ProfileRows.ledger(rows, row, days: 2, older: 3)?.upTo(day) {
        guard let segment = book.borders(on: day).segment(of: ledger.purchases(at: day)) else { continue }
        words = (segment.rfmName, segment.contributionName)
      } else {
        words = (unknown, unknown)
      }
      ids.append(try rows.int64(row, 0))
      rfm.append(words.0)
      contribution.append(words.1)
    }
    guard !ids.isEmpty else { return 0 }
    _ = try session.run(table.divide) { parameters in
      parameters.int64Array(ids)
      parameters.textArray(rfm)
      parameters.textArray(contribution)
    }
    return ids.count
  }
}
