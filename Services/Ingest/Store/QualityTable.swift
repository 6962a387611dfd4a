// Counts of data quality: added up by batches, read for people (I-07).
public import Domain
public import IngestCore
public import Postgres

public enum QualityTable {
  static let add = Statement(
    name: "ingest_quality_count",
    sql: """
      INSERT INTO quality_days AS q
        (source, stream, day, lane, records, accepted, duplicates, refused, filled, errors, lateness, latest_seconds)
      SELECT u.source, u.stream, $1, $2, u.records, u.accepted, u.duplicates, u.refused, u.filled::int8[], u.errors::int8[], u.lateness::int8[], u.latest
      FROM unnest($3::text[], $4::text[], $5::int8[], $6::int8[], $7::int8[], $8::int8[], $9::text[], $10::text[], $11::text[], $12::int8[])
        AS u(source, stream, records, accepted, duplicates, refused, filled, errors, lateness, latest)
      ON CONFLICT (source, stream, day, lane) DO UPDATE SET records = q.records + excluded.records, accepted = q.accepted + excluded.accepted,
        duplicates = q.duplicates + excluded.duplicates, refused = q.refused + excluded.refused,
        filled = (SELECT array_agg(coalesce(a, 0) + coalesce(b, 0) ORDER BY place)
                  FROM unnest(q.filled, excluded.filled) WITH ORDINALITY AS s(a, b, place)),
        errors = (SELECT array_agg(coalesce(a, 0) + coalesce(b, 0) ORDER BY place)
                  FROM unnest(q.errors, excluded.errors) WITH ORDINALITY AS s(a, b, place)),
        lateness = (SELECT array_agg(coalesce(a, 0) + coalesce(b, 0) ORDER BY place)
                    FROM unnest(q.lateness, excluded.lateness) WITH ORDINALITY AS s(a, b, place)),
        latest_seconds = greatest(q.latest_seconds, excluded.latest_seconds)
      """)

  /// - Parameter counts: sorted, each source and stream once.
  static func add(_ counts: [QualityCount], lane: String, day: Day, _ session: PostgresSession) throws {
    func list(_ numbers: [Int64]) -> String { "{" + numbers.map { String($0) }.joined(separator: ",") + "}" }
    try session.runLater(add) { parameters in
      parameters.date(unixDays: day.number)
      parameters.text(lane)
      parameters.textArray(counts.map(\.source))
      parameters.textArray(counts.map(\.stream))
      parameters.int64Array(counts.map(\.records))
      parameters.int64Array(counts.map(\.accepted))
      parameters.int64Array(counts.map(\.duplicates))
      parameters.int64Array(counts.map(\.refused))
      parameters.textArray(counts.map { list($0.filled) })
      parameters.textArray(counts.map { list($0.errors) })
      parameters.textArray(counts.map { list($0.lateness) })
      parameters.int64Array(counts.map(\.latestSeconds))
    }
  }

  static let report = Statement(
    name: "ingest_quality_report",
    sql: """
      SELECT source, stream, day, records, accepted, duplicates, refused, filled, errors, lateness, latest_seconds FROM quality_days
      WHERE day >= $1 AND ($2::text IS NULL OR source = $2) ORDER BY day DESC, source, stream LIMIT $3
      """)
  /// Rows of one report: days, sources, streams and lanes together.
  public static let rowsMax = 50_000

  /// Latest day first; the lanes of a day added up.
  public static func list(since day: Day, source: String?, _ session: PostgresSession) throws -> [(day: Day, count: QualityCount)] {
    let rows = try session.query(report) { parameters in
      parameters.date(unixDays: day.number)
      parameters.text(source)
      parameters.int64(Int64(rowsMax))
    }
    var result: [(day: Day, count: QualityCount)] = []
    for row in 0..<rows.count {
      var count = QualityCount(source: try rows.text(row, 0), stream: try rows.text(row, 1))
      count.records = try rows.int64(row, 3)
      count.accepted = try rows.int64(row, 4)
      count.duplicates = try rows.int64(row, 5)
      count.refused = try rows.int64(row, 6)
      count.filled = filled(try rows.int64Array(row, 7), count.filled.count)
      count.errors = filled(try rows.int64Array(row, 8), count.errors.count)
      count.lateness = filled(try rows.int64Array(row, 9), count.lateness.count)
      count.latestSeconds = try rows.int64(row, 10)
      let day = Day(number: try rows.date(row, 2))
      if let last = result.last, last.day == day, last.count.source == count.source, last.count.stream == count.stream {
        result[result.count - 1].count.add(count)
      } else {
        result.append((day, count))
      }
    }
    return result
  }

  /// As long as it is to be: an older version may have stored fewer places.
  private static func filled(_ numbers: [Int64?], _ count: Int) -> [Int64] {
    (0..<count).map { $0 < numbers.count ? numbers[$0] ?? 0 : 0 }
  }
}
