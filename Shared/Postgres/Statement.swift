// A statement of the program: a name for logs and the server's cache, and its SQL.

/// SQL with `$1`, `$2`, … prepared once per connection under its name. Make each a constant; values go in as `Parameters`.
///
/// The name is unique in the program, at most 55 bytes, and appears in failures and logs. An empty name means: do not prepare
/// (for statements sent once).
public struct Statement: Sendable, Hashable {
  public let name: String
  public let sql: String
  let effect: Effect

  /// What the statement does to the transaction it is sent in.
  enum Effect: Sendable { case none, begins, commits, rollsBack }

  public init(name: String, sql: String) {
    self.name = name
    self.sql = sql
    self.effect = Self.effect(of: sql)
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
}
