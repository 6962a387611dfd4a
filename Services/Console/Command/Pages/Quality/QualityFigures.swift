// What a page about quality adds up from the days of sources and streams.
import Domain
import HTML
import Text

struct QualityFigures {
  let visit: Visit
  /// One for each source, stream and day.
  let rows: [JSONValue]

  private static func sum(_ rows: [JSONValue], _ key: String) -> Int64 { rows.reduce(0) { $0 + ($1[key]?.counted ?? 0) } }

  var records: Int64 { QualityFigures.sum(rows, "records") }
  var refused: Int64 { QualityFigures.sum(rows, "refused") }
  var timed: Int64 { QualityFigures.sum(rows.compactMap { $0["lateness"] }, "records") }
  var late: Int64 { QualityFigures.sum(rows.compactMap { $0["lateness"] }, "late") }
  var isAboveCeiling: Bool { rows.contains { $0["is_above_ceiling"]?.booleanValue == true } }

  /// Those that sent most first.
  var sources: [String] {
    let sums = Dictionary(rows.map { ($0["source"]?.stringValue ?? "", $0["records"]?.counted ?? 0) }, uniquingKeysWith: +)
    return sums.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map(\.key)
  }

  func percent(_ part: Int64, of whole: Int64) -> String {
    Rational(Int128(part) * 100, over: Int128(whole)).map { $0.decimalText(fractionDigitsMax: 2) + " %" } ?? "–"
  }

  /// The days of a chart: all of a month, of a longer period those from the first with a record on.
  func span(_ today: Day, _ days: Int) -> [String] {
    let all = (0..<days).map { (today + ($0 - days + 1)).description }
    guard days > 31, let first = rows.compactMap({ $0["day"]?.stringValue }).min() else { return all }
    return all.filter { $0 >= first || $0 >= (today + -29).description }
  }

  /// Refused in percent; nil on a day without records.
  func rate(_ source: String, on day: String) -> Double? {
    let found = rows.filter { $0["source"]?.stringValue == source && $0["day"]?.stringValue == day }
    let records = QualityFigures.sum(found, "records")
    return records > 0 ? Double(QualityFigures.sum(found, "refused")) * 100 / Double(records) : nil
  }

  /// A word where a limit was passed; the word alone says it.
  private func verdict(_ row: JSONValue) -> Cell {
    guard row["is_above_ceiling"]?.booleanValue == true else { return .text(visit.say("within", "达标")) }
    let word = visit.say("above 0.3 %", "超过 0.3%")
    return .shown([.element(Parts.badge(word, .bad))], plain: word)
  }

  private static let daysMax = 200

  var days: DataTable {
    // The newest day first, and within a day by name.
    func text(_ row: JSONValue, _ name: String) -> String { row[name]?.stringValue ?? "" }
    let sorted = rows.sorted { (text($1, "day"), text($0, "source"), text($0, "stream")) < (text($0, "day"), text($1, "source"), text($1, "stream")) }
    let cells = sorted.prefix(QualityFigures.daysMax).map { row -> [Cell] in
      let lateness = row["lateness"]
      let timed = lateness?["records"]?.counted ?? 0
      return [
        .text(row["day"]?.stringValue ?? ""), .text(row["source"]?.stringValue ?? ""), .text(visit.say(QualityWords.stream(row["stream"]?.stringValue))),
        .number(visit.number(row["records"])), .number(visit.number(row["duplicates"])), .number(visit.number(row["refused"])),
        .number(percent(row["refused"]?.counted ?? 0, of: row["records"]?.counted ?? 0)), verdict(row),
        .number(percent(lateness?["late"]?.counted ?? 0, of: timed)),
        .number(timed > 0 ? visit.span(seconds: lateness?["latest_seconds"]?.counted ?? 0) : "–"),
      ]
    }
    return DataTable(
      "quality-days", visit.say("By day, source and kind of record", "按日期、来源与数据流"),
      [
        visit.say("Day", "日期"), visit.say("Source", "来源"), visit.say("What", "数据流"), visit.say("Records", "记录"), visit.say("Duplicates", "重复"),
        visit.say("Refused", "拒收"), visit.say("Share", "拒收率"), visit.say("Limit", "上限"), visit.say("Late", "迟到率"), visit.say("Latest", "最迟"),
      ], Array(cells))
  }

  // MARK: - Lateness

  private var buckets: [(name: LocalizedName, records: Int64, isLate: Bool)] {
    var sums: [(bound: Int64?, records: Int64)] = []
    for row in rows {
      for (place, bucket) in (row["lateness"]?["counts"]?.arrayValue ?? []).enumerated() {
        if place == sums.count { sums.append((bucket["up_to_seconds"]?.int64Value, 0)) }
        sums[place].records += bucket["records"]?.counted ?? 0
      }
    }
    return sums.map { (QualityWords.late(upTo: $0.bound), $0.records, $0.bound.map { $0 > QualityWords.lateSeconds } ?? true) }
  }

  var latenessBars: [Chart.Bar] {
    buckets.map { Chart.Bar(label: visit.say($0.name), value: Double($0.records), text: visit.number($0.records), color: $0.isLate ? "bad" : "good") }
  }

  var lateness: DataTable {
    DataTable(
      "lateness", visit.say("Records by lateness", "按延迟划分"),
      [visit.say("Lateness", "延迟"), visit.say("Records", "记录"), visit.say("Share", "占比"), visit.say("Limit of 5 minutes", "5 分钟上限")],
      buckets.map { bucket in
        [
          .text(visit.say(bucket.name)), .number(visit.number(bucket.records)), .number(percent(bucket.records, of: timed)),
          .text(bucket.isLate ? visit.say("late", "迟到") : visit.say("in time", "及时")),
        ]
      })
  }

  // MARK: - Fields

  private struct FieldSum {
    var filled: Int64 = 0
    var accepted: Int64 = 0
    var errors: Int64 = 0
    var records: Int64 = 0
    var daysAbove: Int64 = 0
  }

  private struct FieldKey: Hashable {
    let source: String
    let stream: String
    let field: String
  }

  /// - Parameter all: also those without an error.
  func fields(all: Bool) -> DataTable {
    var sums: [FieldKey: FieldSum] = [:]
    for row in rows {
      for field in row["fields"]?.arrayValue ?? [] {
        let key = FieldKey(
          source: row["source"]?.stringValue ?? "", stream: row["stream"]?.stringValue ?? "", field: field["field"]?.stringValue ?? "")
        sums[key, default: FieldSum()].filled += field["filled"]?.counted ?? 0
        sums[key, default: FieldSum()].accepted += row["accepted"]?.counted ?? 0
        sums[key, default: FieldSum()].errors += field["errors"]?.counted ?? 0
        sums[key, default: FieldSum()].records += row["records"]?.counted ?? 0
        if field["is_above_ceiling"]?.booleanValue == true { sums[key, default: FieldSum()].daysAbove += 1 }
      }
    }
    let shown = sums.filter { all || $0.value.errors > 0 }.sorted {
      ($1.value.errors, $0.key.source, $0.key.stream, $0.key.field) < ($0.value.errors, $1.key.source, $1.key.stream, $1.key.field)
    }
    return DataTable(
      "fields", all ? visit.say("Fields, those with most errors first", "字段（错误多的在前）") : visit.say("Fields with errors", "出错的字段"),
      [
        visit.say("Field", "字段"), visit.say("Source", "来源"), visit.say("What", "数据流"), visit.say("Filled in", "完整率"), visit.say("Errors", "错误"),
        visit.say("Share", "错误率"), visit.say("Days above 0.3 %", "超标天数"),
      ],
      shown.prefix(QualityFigures.daysMax).map { key, sum in
        [
          .shown([.element(Element(.code, key.field))], plain: key.field), .text(key.source), .text(visit.say(QualityWords.stream(key.stream))),
          .number(percent(sum.filled, of: sum.accepted)), .number(visit.number(sum.errors)), .number(percent(sum.errors, of: sum.records)),
          .number(visit.number(sum.daysAbove)),
        ]
      })
  }
}
