// What a run found: tables for people, one document, and closing lines for programs.
import Text

/// One closing line, `bench NAME VALUE`.
struct Figure: Sendable, Equatable {
  let name: String
  let value: Double?
  let digits: Int
  /// Why there is no value.
  var reason: String?

  init(_ name: String, _ value: Double?, digits: Int, reason: String? = nil) {
    self.name = name
    self.value = value
    self.digits = digits
    self.reason = reason
  }

  var text: String { value.map { NumberText.fixed($0, digits) } ?? "none" }
  var line: String { "bench \(name) \(text)" }
}

/// Rows of words and numbers under titles: the first column to the left, the others to the right.
struct TextTable: Sendable, Equatable {
  let title: String
  let columns: [String]
  var rows: [[String]] = []

  init(_ title: String, _ columns: [String]) {
    self.title = title
    self.columns = columns
  }

  var lines: [String] {
    let widths = columns.indices.map { column in ([columns] + rows).map { $0.indices.contains(column) ? $0[column].count : 0 }.max() ?? 0 }
    func line(_ cells: [String]) -> String {
      let padded = cells.enumerated().map { column, cell in
        let blanks = String(repeating: " ", count: max(0, widths[column] - cell.count))
        return column == 0 ? cell + blanks : blanks + cell
      }
      return String(padded.joined(separator: "  ").reversed().drop { $0 == " " }.reversed())
    }
    return [title, line(columns)] + rows.map(line)
  }

  var json: JSONValue {
    .object([
      JSONMember("title", .text(title)),
      JSONMember("rows", .array(rows.map { row in .object(zip(columns, row).map { JSONMember($0, .text($1)) }) })),
    ])
  }
}

struct Report: Sendable {
  var tables: [TextTable] = []
  var figures: [Figure] = []
  var failures: [String] = []
  /// What the figures were measured on.
  var conditions: [(name: String, text: String)] = []

  /// In the order in which they are printed.
  static let order = [
    "json_events_per_second", "profile_vs_floor", "profile_vs_rust", "profile_vs_python", "postgres_cpu_vs_floor", "own_cpu_vs_rust", "events_per_second",
    "end_to_end_p50_ms", "end_to_end_p99_ms", "scores_per_second", "simulate_million_seconds", "rerate_million_seconds",
    "report_million_seconds", "quota_million_seconds", "entitlement_p99_ms", "deadlines_per_second", "deadline_lateness_p99_ms",
    "desk_year_seconds", "service_rss_mb", "service_idle_rss_mb", "large_vs_rust", "large_wal_vs_rust", "large_vs_empty",
  ]

  var closing: [String] {
    let known = Report.order.flatMap { name in figures.filter { $0.name == name } }
    return (known + figures.filter { !Report.order.contains($0.name) }).map(\.line)
  }

  var json: String {
    JSONValue.object([
      JSONMember("conditions", .object(conditions.map { JSONMember($0.name, .text($0.text)) })),
      JSONMember("figures", .object(figures.map { JSONMember($0.name, $0.value == nil ? .null : .number($0.text)) })),
      JSONMember("tables", .array(tables.map(\.json))), JSONMember("failures", .array(failures.map { .text($0) })),
    ]).encodedText
  }
}
