// Sessions and used codes in their tables.
public import ConsoleCore
public import Postgres

public enum SessionRows {
  private static let add = Statement(
    name: "session_add",
    sql: """
      INSERT INTO sessions (secret_hash, issuer, subject, name, staff, roles, began_at, seen_at, ends_at, tokens)
      VALUES ($1, $2, $3, $4, $5, $6, $7, $7, $8, $9)
      """)
  private static let trim = Statement(
    name: "session_trim",
    sql: """
      DELETE FROM sessions WHERE secret_hash IN (
        SELECT secret_hash FROM sessions WHERE issuer = $1 AND subject = $2 ORDER BY began_at DESC, secret_hash OFFSET \(SessionRules.perPersonMax))
      """)
  private static let expire = Statement(name: "session_expire", sql: "DELETE FROM sessions WHERE ends_at <= $1")
  private static let one = Statement(
    name: "session_one",
    sql: "SELECT issuer, subject, name, staff, roles, began_at, seen_at, ends_at, tokens FROM sessions WHERE secret_hash = $1")
  private static let see = Statement(name: "session_see", sql: "UPDATE sessions SET seen_at = $2 WHERE secret_hash = $1 AND seen_at < $2")
  private static let keep = Statement(name: "session_keep", sql: "UPDATE sessions SET tokens = $2, roles = $3 WHERE secret_hash = $1")
  private static let end = Statement(name: "session_end", sql: "DELETE FROM sessions WHERE secret_hash = $1")
  private static let use = Statement(
    name: "code_use", sql: "INSERT INTO used_codes (code_hash, ends_at) VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING true")
  private static let forget = Statement(name: "code_forget", sql: "DELETE FROM used_codes WHERE ends_at <= $1")

  /// Begins a session; those that are over go.
  public static func begin(_ secret: SessionSecret, _ session: Session, _ database: PostgresSession) throws {
    let hash = try secret.hash
    _ = try database.run(expire) { $0.timestamptz(session.beganAt) }
    _ = try database.run(add) { parameters in
      parameters.bytes(hash)
      for word in [session.issuer, session.subject, session.name] { parameters.text(word) }
      parameters.text(session.staff)
      parameters.text(session.roles.joined(separator: " "))
      parameters.timestamptz(session.beganAt)
      parameters.timestamptz(session.endsAt)
      parameters.bytes(session.tokens)
    }
    _ = try database.run(trim) { parameters in
      parameters.text(session.issuer)
      parameters.text(session.subject)
    }
  }

  public static func find(_ secret: SessionSecret, _ database: PostgresSession) throws -> Session? {
    let hash = try secret.hash
    let rows = try database.query(one) { $0.bytes(hash) }
    guard rows.count == 1 else { return nil }
    var session = Session(
      issuer: try rows.text(0, 0), subject: try rows.text(0, 1), name: try rows.text(0, 2), staff: try rows.textOrNil(0, 3),
      roles: try rows.text(0, 4).split(separator: " ").map(String.init), beganAt: try rows.timestamptz(0, 5), endsAt: try rows.timestamptz(0, 7),
      tokens: try rows.bytesOrNil(0, 8))
    session.seenAt = try rows.timestamptz(0, 6)
    return session
  }

  public static func see(_ secret: SessionSecret, at now: Int64, _ database: PostgresSession) throws {
    let hash = try secret.hash
    _ = try database.run(see) { parameters in
      parameters.bytes(hash)
      parameters.timestamptz(now)
    }
  }

  /// Newer tokens of an identity provider, and the roles that they name.
  public static func keep(_ tokens: [UInt8], roles: [String], _ secret: SessionSecret, _ database: PostgresSession) throws {
    let hash = try secret.hash
    _ = try database.run(keep) { parameters in
      parameters.bytes(hash)
      parameters.bytes(tokens)
      parameters.text(roles.joined(separator: " "))
    }
  }

  public static func end(_ secret: SessionSecret, _ database: PostgresSession) throws {
    let hash = try secret.hash
    _ = try database.run(end) { $0.bytes(hash) }
  }

  /// Uses a code; false: it was used before.
  ///
  /// - Parameter end: from then on nobody could use it anyway.
  public static func use(code hash: [UInt8], until end: Int64, at now: Int64, _ database: PostgresSession) throws -> Bool {
    _ = try database.run(forget) { $0.timestamptz(now) }
    return try database.query(use) { parameters in
      parameters.bytes(hash)
      parameters.timestamptz(end)
    }.count == 1
  }
}
