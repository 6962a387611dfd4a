// What became of the records of imports: of one, and of all (I-02).
public import Domain
public import IngestCore
public import Postgres
import Text

/// What became of one import, for people.
public struct ImportReport: Hashable, Sendable {
  public struct Line: Hashable, Sendable {
    public let outcome: String
    public let reason: String
    public let records: Int64
    public let lines: Int64
  }
  public let id: String
  public let firstAt: Instant
  public let lastAt: Instant
  public let lines: [Line]

  static let statement = Statement(
    name: "imports_report",
    sql: """
      SELECT outcome, reason, sum(records)::int8, sum(lines)::int8, min(first_at), max(last_at) FROM imports
      WHERE import_id = $1 GROUP BY outcome, reason ORDER BY outcome, sum(lines) DESC, reason
      """)

  /// nil when no record of the import has come yet.
  public static func find(_ id: String, _ session: PostgresSession) throws -> ImportReport? {
    let rows = try session.query(statement) { $0.text(id) }
    guard rows.count > 0 else { return nil }
    var lines: [Line] = []
    var first = Instant(microseconds: .max)
    var last = Instant(microseconds: .min)
    for row in 0..<rows.count {
      lines.append(
        Line(outcome: try rows.text(row, 0), reason: try rows.text(row, 1), records: try rows.int64(row, 2), lines: try rows.int64(row, 3)))
      first = min(first, Instant(microseconds: try rows.timestamptz(row, 4)))
      last = max(last, Instant(microseconds: try rows.timestamptz(row, 5)))
    }
    return ImportReport(id: id, firstAt: first, lastAt: last, lines: lines)
  }

  /// The sum over reasons of one outcome.
  public func total(_ outcome: ImportCount.Outcome) -> (records: Int64, lines: Int64) {
    lines.filter { $0.outcome == outcome.rawValue }.reduce((0, 0)) { ($0.0 + $1.records, $0.1 + $1.lines) }
  }
}

/// Imports with their sums, the last that brought a record first.
public struct ImportSum: Sendable {
  /// A place in the list.
  public struct Place: Hashable, Sendable, CustomStringConvertible {
    public let lastAt: Instant
    public let id: String

    public init(lastAt: Instant, id: String) {
      self.lastAt = lastAt
      self.id = id
    }

    /// As ``description`` has it.
    public init?(_ text: String) {
      let parts = text.split(separator: " ", maxSplits: 1)
      guard parts.count == 2, let at = Int64(parts[0]), Place.moments.contains(at) else { return nil }
      self.init(lastAt: Instant(microseconds: at), id: String(parts[1]))
    }

    /// 1970 to 9999.
    private static let moments: ClosedRange<Int64> = 0...RFC3339.micros.upperBound
    static let latest = Instant(microseconds: moments.upperBound)
    public var description: String { "\(lastAt.microseconds) \(id)" }
  }

  public let id: String
  public let firstAt: Instant
  public let lastAt: Instant
  public let sums: [ImportCount.Outcome: (records: Int64, lines: Int64)]
  public var place: Place { Place(lastAt: lastAt, id: id) }

  public func total(_ outcome: ImportCount.Outcome) -> (records: Int64, lines: Int64) { sums[outcome] ?? (0, 0) }

  private static let sumColumns = ImportCount.Outcome.allCases.map { outcome in
    ["records", "lines"].map { "coalesce(sum(\($0)) FILTER (WHERE outcome = '\(outcome.rawValue)'), 0)::int8" }.joined(separator: ", ")
  }.joined(separator: ", ")
  // Some tens of rows an import, and an import is made by hand.
  private static let newest = Statement(
    name: "imports_newest",
    sql: """
      SELECT import_id, min(first_at), max(last_at), \(sumColumns) FROM imports GROUP BY import_id
      HAVING (max(last_at), import_id) < ($1::timestamptz, $2::text) ORDER BY max(last_at) DESC, import_id DESC LIMIT $3
      """)

  public static func newest(before place: Place?, limit: Int, _ session: PostgresSession) throws -> [ImportSum] {
    let rows = try session.query(newest) { parameters in
      parameters.timestamptz((place?.lastAt ?? Place.latest).microseconds)
      parameters.text(place?.id ?? "")
      parameters.int64(Int64(limit))
    }
    return try (0..<rows.count).map { row in
      var sums: [ImportCount.Outcome: (records: Int64, lines: Int64)] = [:]
      for (number, outcome) in ImportCount.Outcome.allCases.enumerated() {
        sums[outcome] = (try rows.int64(row, 3 + 2 * number), try rows.int64(row, 4 + 2 * number))
      }
      return ImportSum(
        id: try rows.text(row, 0), firstAt: Instant(microseconds: try rows.timestamptz(row, 1)), lastAt: Instant(microseconds: try rows.timestamptz(row, 2)),
        sums: sums)
    }
  }
}
