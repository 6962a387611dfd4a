// A statement of the program: a name for logs and the server's cache, and its SQL.

/// SQL with `$1`, `$2`, … prepared once per connection under its name. Make each a constant; values go in as `Parameters`.
///
/// The name is unique in the program, at most 55 bytes, and appears in failures and logs. An empty name means: do not prepare
/// (for statements sent once).
public struct Statement: Sendable, Hashable {
  public let name: String
  public let sql: String
  let effect: Effect
  /// Changes nothing, as far as its words tell: a function that writes is not seen through.
  let isReading: Bool

  /// What the statement does to the transaction it is sent in.
  enum Effect: Sendable { case none, begins, commits, rollsBack }

  public init(name: String, sql: String) {
    self.name = name
    self.sql = sql
    self.effect = Self.effect(of: sql)
    self.isReading = Self.isReading(sql)
  }

  /// `BEGIN` at the isolation level of the session.
  public static let begin = Statement(name: "begin", sql: "BEGIN")
  /// `COMMIT`.
  public static let commit = Statement(name: "commit", sql: "COMMIT")
  /// `ROLLBACK`.
  public static let rollback = Statement(name: "rollback", sql: "ROLLBACK")

  /// PostgreSQL cuts names over 63 bytes without a word, so two of them could meet; the session adds a few bytes.
  static let nameBytesMax = 55

  static func effect(of sql: String) -> Effect {
    let words = sql.split(maxSplits: 2, whereSeparator: { !$0.isLetter }).prefix(2).map { $0.prefix(12).lowercased() }
    switch words.first {
    case "begin"?, "start"?: return .begins
    case "commit"?, "end"?: return .commits
    case "prepare"? where words.count > 1 && words[1] == "transaction": return .commits
    case "rollback"? where words.count > 1 && words[1] == "to": return .none
    case "rollback"?, "abort"?: return .rollsBack
    default: return .none
    }
  }

  private static let reading: Set<String> = ["select", "show", "table", "values", "declare", "fetch", "close", "explain"]
  private static let writing: Set<String> = [
    "insert", "update", "delete", "merge", "into", "create", "drop", "alter", "truncate", "copy", "analyze", "call", "do",
  ]

  /// A query alone. Behind `WITH`, `EXPLAIN` and a semicolon may stand what writes: there every word counts.
  static func isReading(_ sql: String) -> Bool {
    let rest = sql.utf8.drop { $0 <= 0x20 || $0 == UInt8(ascii: "(") }
    let first = String(decoding: rest.prefix(while: isLetter), as: UTF8.self).lowercased()
    guard first == "with" || reading.contains(first) else { return false }
    guard first == "with" || first == "explain" || rest.contains(UInt8(ascii: ";")) else { return true }
    return rest.split(whereSeparator: { !isLetter($0) }).allSatisfy { !writing.contains(String(decoding: $0, as: UTF8.self).lowercased()) }
  }

  private static func isLetter(_ byte: UInt8) -> Bool { (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte) || byte == UInt8(ascii: "_") }
}
