// The files of tag rules that were in force, and since when (P-10): what a customer was marked with at some time can be said later.
public import Documents
public import Domain
public import Postgres

/// A file of tag rules with what it says.
public typealias TagFile = RuleFile<TagRules>

extension RuleFile<TagRules> {
  public var rules: TagRules { content }

  public init(_ bytes: [UInt8], source: String, currency: Currency) throws(DocumentFaults) {
    try self.init(bytes, source: source) { bytes, source throws(DocumentFaults) in try TagDocument.decode(bytes, source: source, currency: currency) }
  }
}

/// The file says something else than the version of the same number that is registered.
public struct TagRulesChanged: Error, Sendable, CustomStringConvertible {
  public let version: Int
  public let source: String
  public var description: String {
    "\(source) differs from the registered tags v\(version), by which customers were marked; raise the version in the file, or restore the file"
  }
}

public enum TagRegister {
  private static let insert = Statement(
    name: "tag_rules_register",
    sql: "INSERT INTO tag_rules (version, yaml, registered_at) VALUES ($1, $2, $3) ON CONFLICT (version) DO NOTHING")
  private static let find = Statement(name: "tag_rules_find", sql: "SELECT yaml FROM tag_rules WHERE version = $1")
  private static let lock = Statement(name: "tag_rules_lock", sql: "LOCK TABLE tag_rules_in_force IN SHARE ROW EXCLUSIVE MODE")
  private static let begin = Statement(
    name: "tag_rules_begin",
    sql: """
      INSERT INTO tag_rules_in_force (version, since, marked_through, is_marked)
      SELECT $1, $2, \(Int64.min), false WHERE $1 IS DISTINCT FROM (SELECT version FROM tag_rules_in_force ORDER BY id DESC LIMIT 1)
      """)

  /// Keeps the file, and notes that it is in force from now on unless it was already. Throws ``TagRulesChanged`` when it differs from what is registered
  /// under its version.
  public static func register(_ file: TagFile, at now: Instant, _ session: PostgresSession) throws {
    try session.transaction { session in
      let version = Int32(clamping: file.rules.version)
      _ = try session.run(insert) { parameters in
        parameters.int32(version)
        parameters.text(file.yaml)
        parameters.timestamptz(now.microseconds)
      }
      guard try registered(file.rules.version, session) == file.yaml else { throw TagRulesChanged(version: file.rules.version, source: file.source) }
      // Of several processes that start at once the first notes it.
      _ = try session.run(lock)
      _ = try session.run(begin) { parameters in
        parameters.int32(version)
        parameters.timestamptz(now.microseconds)
      }
    }
  }

  private static func registered(_ version: Int, _ session: PostgresSession) throws -> String? {
    let rows = try session.query(find) { $0.int32(Int32(clamping: version)) }
    return rows.count == 0 ? nil : try rows.text(0, 0)
  }

  /// Whether the file says something else than what is registered under its version: then it cannot come into force.
  public static func isRegisteredOtherwise(_ file: TagFile, _ session: PostgresSession) throws -> Bool {
    guard let yaml = try registered(file.rules.version, session) else { return false }
    return yaml != file.yaml
  }

  // MARK: - What was in force

  /// Changes of rules that are gone through; older ones count as the oldest of these.
  public static let changesMax = 100
  private static let inForce = Statement(
    name: "tag_rules_in_force",
    sql: """
      SELECT f.since, r.version, r.yaml FROM tag_rules_in_force f JOIN tag_rules r USING (version) ORDER BY f.id DESC LIMIT \(changesMax)
      """)

  /// The rules that were in force, ascending by day; of one day the last.
  public static func history(currency: Currency, in zone: BusinessZone, _ session: PostgresSession) throws -> [TagRulesInForce] {
    let rows = try session.query(inForce)
    var byVersion: [Int32: TagRules] = [:]
    var result: [TagRulesInForce] = []
    for row in (0..<rows.count).reversed() {
      let version = try rows.int32(row, 1)
      let rules = try byVersion[version] ?? TagDocument.decode(Array(try rows.text(row, 2).utf8), source: "tags v\(version)", currency: currency)
      byVersion[version] = rules
      let since = zone.day(of: Instant(microseconds: try rows.timestamptz(row, 0)))
      result.removeAll { $0.since >= since }
      result.append(TagRulesInForce(since: since, rules: rules))
    }
    return result
  }

  // MARK: - When the rules change

  /// Customers marked by one statement.
  static let markedPerStatementMax = 20_000
  private static let unmarked = Statement(
    name: "tag_rules_unmarked",
    sql: "SELECT f.id, f.marked_through FROM (SELECT * FROM tag_rules_in_force ORDER BY id DESC LIMIT 1) AS f WHERE NOT f.is_marked")
  private static let markSome = Statement(
    name: "tag_rules_mark",
    sql: """
      WITH page AS MATERIALIZED (SELECT id FROM customers WHERE id > $2 AND merged_into IS NULL ORDER BY id LIMIT \(markedPerStatementMax)),
      marked AS (
        INSERT INTO due_work (kind, id, due_at) SELECT \(TagRows.tagWork), id, '-infinity' FROM page ON CONFLICT (kind, id) DO NOTHING RETURNING 1)
      UPDATE tag_rules_in_force SET marked_through = coalesce((SELECT max(id) FROM page), marked_through),
        is_marked = (SELECT count(*) FROM page) < \(markedPerStatementMax)
      WHERE id = $1 RETURNING (SELECT count(*) FROM marked)
      """)

  /// Marks customers to be judged by the rules that came into force last, in pieces, and goes on where it was interrupted; returns how many.
  public static func markAll(_ session: PostgresSession, keepGoing: () -> Bool = { true }) throws -> Int {
    var marked: Int64 = 0
    while keepGoing() {
      let rows = try session.query(unmarked)
      guard rows.count > 0 else { break }
      let (id, through) = (try rows.int64(0, 0), try rows.int64(0, 1))
      marked += try session.query(markSome) { parameters in
        parameters.int64(id)
        parameters.int64(through)
      }.int64(0, 0)
    }
    return Int(marked)
  }
}
