// What went wrong on the way to or in PostgreSQL, and what the caller should do about it.

/// A failure of the database or of the way to it. Switch on `kind`; never look into `message`.
///
/// Nothing in it holds values of rows: messages of data errors are stripped of what they quote, and the server's detail
/// line (which repeats the offending key) is left out.
public struct PostgresFailure: Error, Sendable, CustomStringConvertible {
  /// What to do next. One case per row of the table of SQLSTATE classes in `docs/postgres.md`.
  public enum Kind: String, Hashable, Sendable, CaseIterable {
    /// A deadlock, a serialisation conflict, a lock not had in time, a plan gone stale: roll back and do all of it again.
    case retryTransaction
    /// The connection is gone. `isOutcomeUnknown` says whether a commit may have happened: then read before deciding.
    case connectionLost
    /// The server does not take connections at the moment: wait and try again.
    case unavailable
    /// Disk or memory is used up: pause, raise an alarm, try again slowly.
    case resourceExhausted
    /// The server is a standby or read-only: connect elsewhere.
    case readOnly
    /// The statement ran into its time limit or was cancelled: retry with less work.
    case timedOut
    /// A row with this key exists (23505).
    case uniqueViolation
    /// The values are at fault (classes 22 and 23): find the record and put it aside.
    case data
    /// Credentials, rights, a missing table, wrong SQL, a type that does not fit: stop the service, no record is to blame.
    case configuration
    /// The server reports damaged storage: stop at once.
    case damaged
    /// Anything else; mostly a mistake of the program.
    case other
  }

  public let kind: Kind
  private let facts: Facts

  /// Kept apart so that a failure is two words wide: it is the error type of every function of the hot path.
  private final class Facts: Sendable {
    let sqlState: String
    let message: String
    let constraint: String?
    let table: String?
    let column: String?
    let statement: String?
    let isOutcomeUnknown: Bool

    init(
      _ sqlState: String, _ message: String, _ constraint: String?, _ table: String?, _ column: String?, _ statement: String?,
      _ unknown: Bool
    ) {
      self.sqlState = sqlState
      self.message = message
      self.constraint = constraint
      self.table = table
      self.column = column
      self.statement = statement
      self.isOutcomeUnknown = unknown
    }
  }

  /// The five characters of the server's error code; empty when the failure did not come from the server.
  public var sqlState: String { facts.sqlState }
  /// One line for a log; without values of rows.
  public var message: String { facts.message }
  /// The constraint that was violated, when the server named one.
  public var constraint: String? { facts.constraint }
  /// The table concerned, when the server named one.
  public var table: String? { facts.table }
  /// The column concerned, when the server named one.
  public var column: String? { facts.column }
  /// The name of the statement that failed.
  public var statementName: String? { facts.statement }
  /// True when the work may have been committed although it failed: a commit (or a statement outside a transaction)
  /// was sent and never answered. Never guess: reconnect and read.
  public var isOutcomeUnknown: Bool { facts.isOutcomeUnknown }

  /// A failure made by the program itself or by a test.
  public init(
    kind: Kind, message: String, sqlState: String = "", constraint: String? = nil, table: String? = nil, column: String? = nil,
    statementName: String? = nil, isOutcomeUnknown: Bool = false
  ) {
    self.kind = kind
    // Unnamed statements have an empty name, which would say nothing.
    let statement = statementName?.isEmpty == true ? nil : statementName
    facts = Facts(sqlState, message, constraint, table, column, statement, isOutcomeUnknown)
  }

  /// A statement touched other rows than it must. No error of the server's: all was done, and must be undone.
  public var isCountWrong: Bool { sqlState == Self.countState }
  /// Of no class that the server knows.
  private static let countState = "CLCNT"

  static func wrongCount(_ found: Int, _ expected: Exchange.Expected, _ statement: String) -> PostgresFailure {
    PostgresFailure(
      kind: expected.kind, message: "\(found) rows were there instead of \(expected.rows)", sqlState: countState, statementName: statement)
  }

  /// The same failure with the name of its statement, or with its outcome unknown.
  func with(statementName: String?, isOutcomeUnknown: Bool) -> PostgresFailure {
    PostgresFailure(
      kind: kind, message: message, sqlState: sqlState, constraint: constraint, table: table, column: column,
      statementName: facts.statement ?? statementName, isOutcomeUnknown: isOutcomeUnknown || facts.isOutcomeUnknown)
  }

  public var description: String {
    var text = "\(kind.rawValue): \(message)"
    if !sqlState.isEmpty { text += " (SQLSTATE \(sqlState))" }
    if let constraint { text += " [constraint \(constraint)]" }
    if let name = statementName { text += " [statement \(name)]" }
    if isOutcomeUnknown { text += " [outcome unknown]" }
    return text
  }

  /// True when the same connection cannot be used again.
  public var endsConnection: Bool {
    switch kind {
    case .connectionLost, .unavailable, .readOnly, .damaged: true
    default: false
    }
  }
}

/// The work failed and then the rollback failed too: both errors, neither hides the other.
public struct TransactionFailure: Error, CustomStringConvertible {
  /// Why the work failed.
  public let cause: any Error
  /// Why the rollback failed. The connection is not to be trusted any more.
  public let rollback: PostgresFailure

  public var description: String { "\(cause); and the rollback failed: \(rollback)" }
}

extension PostgresFailure.Kind {
  /// The advice for an SQLSTATE. An empty one means that the library, not the server, reports: the connection is lost.
  public static func of(sqlState: String) -> PostgresFailure.Kind {
    switch sqlState {
    case "": return .connectionLost
    case "40001", "40P01", "55P03", "26000": return .retryTransaction
    case "40003", "57P01", "57P02", "57P04", "57P05", "25P03": return .connectionLost
    case "57P03", "53300": return .unavailable
    case "25006": return .readOnly
    case "57014": return .timedOut
    case "23505": return .uniqueViolation
    case "XX001", "XX002": return .damaged
    // A message the server could not make sense of, such as a binary row of the wrong widths: the connection is well.
    case "08P01": return .other
    default: break
    }
    switch sqlState.prefix(2) {
    case "08": return .connectionLost
    case "22", "23": return .data
    case "28", "3D", "3F", "42": return .configuration
    case "53": return .resourceExhausted
    case "58": return .damaged
    default: return .other
    }
  }
}

/// Takes values out of the server's messages. `invalid input syntax for type bigint: "…"` quotes what the customer sent.
enum Redaction {
  private static let quotes: Set<Character> = ["\"", "«", "»", "„", "“", "”", "‘", "’", "「", "」", "'"]
  /// Longer messages are cut: a log line has a bound.
  static let messageCharactersMax = 300

  static func message(_ text: String, sqlState: String) -> String {
    var line = text.split(whereSeparator: \.isNewline).joined(separator: " ")
    if sqlState.hasPrefix("22"), let first = line.firstIndex(where: quotes.contains), let last = line.lastIndex(where: quotes.contains) {
      line = String(line[..<first]) + "***" + String(line[line.index(after: last)...])
    }
    return line.count > messageCharactersMax ? String(line.prefix(messageCharactersMax)) + "…" : line
  }
}

/// Something in a table that makes no sense: what it is, in words.
public func damaged(_ what: String) -> PostgresFailure { PostgresFailure(kind: .damaged, message: "a stored \(what) cannot be read") }
