// The table `rule_files` that a service keeps: what it worked by once can be read again later, and a version never changes.
public import Documents
public import Domain
public import Postgres

public enum RuleFileRows {
  private static let insert = Statement(
    name: "rules_register",
    sql: "INSERT INTO rule_files (kind, version, yaml, registered_at) VALUES ($1, $2, $3, $4) ON CONFLICT (kind, version) DO NOTHING")
  private static let find = Statement(name: "rules_find", sql: "SELECT yaml FROM rule_files WHERE kind = $1 AND version = $2")
  private static let all = Statement(
    name: "rules_all", sql: "SELECT kind, version, yaml FROM rule_files WHERE starts_with(kind, $1) ORDER BY kind, version")

  /// Keeps a file. Throws ``RuleChanged`` when another one is registered under its version.
  ///
  /// - Parameter use: what the registered one was used for, as "deadlines were promised".
  public static func keep<Content>(
    _ file: RuleFile<Content>, kind: String, version: Int, use: String, at now: Instant, _ session: PostgresSession
  ) throws {
    _ = try session.run(insert) { parameters in
      parameters.text(kind)
      parameters.int32(Int32(clamping: version))
      parameters.text(file.yaml)
      parameters.timestamptz(now.microseconds)
    }
    let rows = try session.query(find) { parameters in
      parameters.text(kind)
      parameters.int32(Int32(clamping: version))
    }
    guard rows.count == 1, try rows.text(0, 0) == file.yaml else { throw RuleChanged(rule: "\(kind) v\(version)", source: file.source, use: use) }
  }

  /// The text of every version, ascending, of the kinds that begin so.
  public static func all(kindsFrom prefix: String, _ session: PostgresSession) throws -> [(kind: String, version: Int, yaml: String)] {
    let rows = try session.query(all) { $0.text(prefix) }
    return try (0..<rows.count).map { row in (try rows.text(row, 0), Int(try rows.int32(row, 1)), try rows.text(row, 2)) }
  }
}
