// Where the database is and how a session on it behaves: parsed once, never printed with its password.
import CPostgres

/// Address, credentials and limits of connections to one database.
public struct PostgresSettings: Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
  /// A text that is never printed: `revealed` is the only way to it.
  public struct Secret: Sendable, Equatable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    public let revealed: String
    public init(_ revealed: String) { self.revealed = revealed }
    public var description: String { "***" }
    public var debugDescription: String { "***" }
    public var customMirror: Mirror { Mirror(self, children: []) }
  }

  /// One server. A host that begins with `/` is the folder of a Unix socket; an empty one is libpq's default, mostly a socket too.
  public struct Server: Sendable, Hashable {
    public var host: String
    public var port: Int
    public init(host: String, port: Int = 5_432) {
      self.host = host
      self.port = port
    }
  }

  /// Tried in order; the first that takes the connection is used.
  public var servers: [Server]
  public var database: String
  public var user: String
  public var password: Secret?
  /// Further settings of libpq from the URL, such as `sslmode` or `sslrootcert`.
  public var libraryOptions: [String: String]

  /// Shown in `pg_stat_activity`; give `service/instance`.
  public var applicationName = "clientele"
  /// Time for one server to take the connection, seconds.
  public var connectTimeoutSeconds = 5
  /// A silent connection is probed after so many seconds, then every `keepalivesIntervalSeconds`, `keepalivesCount` times.
  public var keepalivesIdleSeconds = 10
  public var keepalivesIntervalSeconds = 5
  public var keepalivesCount = 3
  /// Time that sent bytes may stay unacknowledged, milliseconds.
  public var tcpUserTimeoutMilliseconds = 15_000
  /// The server ends a statement after this, milliseconds; 0 for no limit.
  public var statementTimeoutMilliseconds = 5_000
  /// The server gives up waiting for a lock after this, milliseconds; 0 for no limit.
  public var lockTimeoutMilliseconds = 2_000
  /// The server ends a session that holds a transaction open and does nothing, milliseconds; 0 for no limit.
  public var idleInTransactionTimeoutMilliseconds = 10_000
  /// A connection on which nothing arrives for this long while an answer is due is given up, milliseconds; 0 for no limit.
  /// nil: ten seconds more than the statement's limit, or no limit when that has none.
  public var answerSilenceMillisecondsMax: Int?
  /// The schema in which unqualified names are looked up and created; nil leaves the server's default.
  public var schema: String?
  /// Further server settings of each session, such as `("plan_cache_mode", "force_generic_plan")`.
  public var sessionSettings: [(name: String, value: String)] = []

  public init(servers: [Server], database: String, user: String, password: Secret? = nil, libraryOptions: [String: String] = [:]) {
    self.servers = servers
    self.database = database
    self.user = user
    self.password = password
    self.libraryOptions = libraryOptions
  }

  /// Reads `postgres://user:password@host:port/database?sslmode=…`, with several hosts and percent encoding as libpq takes them, or
  /// libpq's `key=value` form. A Unix socket: `postgres:///database?host=/folder` or `postgres://%2Ffolder/database`.
  /// Nothing of the text appears in the error, because it may hold a password.
  public init(url: String) throws(PostgresFailure) {
    var options = try LibraryOptions.parse(url)
    let hosts = (options.removeValue(forKey: "host") ?? "").split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    let ports = (options.removeValue(forKey: "port") ?? "").split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    if ports.count > 1, ports.count != hosts.count { throw Self.refused("as many ports as hosts are needed, or one") }
    var servers: [Server] = []
    for (index, host) in hosts.enumerated() {
      let text = ports.count == 1 ? ports[0] : (index < ports.count ? ports[index] : "")
      guard let port = text.isEmpty ? 5_432 : Int(text), (1...65_535).contains(port) else { throw Self.refused("a port is 1 to 65535") }
      servers.append(Server(host: host, port: port))
    }
    guard let user = options.removeValue(forKey: "user"), !user.isEmpty else { throw Self.refused("the user is missing") }
    let database = options.removeValue(forKey: "dbname") ?? user
    let password = options.removeValue(forKey: "password").map(Secret.init)
    let name = options.removeValue(forKey: "application_name")
    let timeout = options.removeValue(forKey: "connect_timeout")
    self.init(servers: servers, database: database, user: user, password: password, libraryOptions: options)
    if let name { applicationName = name }
    if let timeout {
      guard let seconds = Int(timeout), seconds > 0 else { throw Self.refused("connect_timeout is a number of seconds") }
      connectTimeoutSeconds = seconds
    }
  }

  private static func refused(_ why: String) -> PostgresFailure {
    PostgresFailure(
      kind: .configuration, message: "the database URL is refused: \(why); write postgres://user:password@host:port/database")
  }

  /// The address without the password.
  public var description: String {
    "\(user)@\(servers.map { "\($0.host):\($0.port)" }.joined(separator: ","))/\(database)"
  }
  public var debugDescription: String { description }
  public var customMirror: Mirror { Mirror(self, children: ["address": description]) }

  /// How long an answer may be silent, milliseconds; nil for ever.
  var silenceMilliseconds: Int? {
    if let limit = answerSilenceMillisecondsMax { return limit == 0 ? nil : limit }
    return statementTimeoutMilliseconds == 0 ? nil : statementTimeoutMilliseconds + 10_000
  }

  /// What libpq is told for one server.
  func keywords(for server: Server) -> [(String, String)] {
    var words: [String: String] = [
      "target_session_attrs": "read-write",
      "keepalives": "1",
      "keepalives_idle": String(keepalivesIdleSeconds),
      "keepalives_interval": String(keepalivesIntervalSeconds),
      "keepalives_count": String(keepalivesCount),
      "tcp_user_timeout": String(tcpUserTimeoutMilliseconds),
    ]
    words.merge(libraryOptions) { $1 }
    if !server.host.isEmpty { words["host"] = server.host }
    words["port"] = String(server.port)
    words["dbname"] = database
    words["user"] = user
    words["password"] = password?.revealed
    words["application_name"] = applicationName
    words["client_encoding"] = "UTF8"
    return words.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
  }

  /// What every new connection is told first: the one place where the state of a session is made.
  func openingSQL() throws(PostgresFailure) -> String {
    var settings: [(name: String, value: String)] = [
      ("TimeZone", "UTC"), ("DateStyle", "ISO, YMD"),
      ("statement_timeout", String(statementTimeoutMilliseconds)),
      ("lock_timeout", String(lockTimeoutMilliseconds)),
      ("idle_in_transaction_session_timeout", String(idleInTransactionTimeoutMilliseconds)),
    ]
    if let schema { settings.append(("search_path", SQLText.identifier(schema))) }
    settings += sessionSettings
    var sql = "SET standard_conforming_strings = on;"
    for (name, value) in settings {
      guard !name.isEmpty, name.utf8.allSatisfy(SQLText.isNameByte) else {
        throw PostgresFailure(kind: .configuration, message: "a session setting has a name PostgreSQL cannot have")
      }
      // set_config takes any value as text; SET would want some of them unquoted.
      sql += "SELECT pg_catalog.set_config('\(name)', \(SQLText.literal(value)), false);"
    }
    return sql
  }
}

/// Names and texts inside SQL, for the few places where a parameter cannot stand.
public enum SQLText {
  /// A name in double quotes, so that any text is safe: `"my ""table"""`.
  public static func identifier(_ name: String) -> String {
    "\"" + name.filter { $0 != "\0" }.map { $0 == "\"" ? "\"\"" : String($0) }.joined() + "\""
  }

  /// A text in single quotes, safe with `standard_conforming_strings` on, which every session of this room has.
  public static func literal(_ text: String) -> String {
    "'" + text.filter { $0 != "\0" }.map { $0 == "'" ? "''" : String($0) }.joined() + "'"
  }

  static func isNameByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
      UInt8(ascii: "_"), UInt8(ascii: "."):
      true
    default: false
    }
  }
}

/// libpq's own reader of connection strings.
private enum LibraryOptions {
  static func parse(_ text: String) throws(PostgresFailure) -> [String: String] {
    var complaint: UnsafeMutablePointer<CChar>?
    let list = PQconninfoParse(text, &complaint)
    defer { PQconninfoFree(list) }
    // The library's complaint may quote a part of the text.
    if let complaint { PQfreemem(complaint) }
    guard let list else {
      throw PostgresFailure(
        kind: .configuration, message: "the database URL cannot be read; write postgres://user:password@host:port/database")
    }
    var options: [String: String] = [:]
    var entry = list
    while let keyword = entry.pointee.keyword {
      if let value = entry.pointee.val { options[String(cString: keyword)] = String(cString: value) }
      entry += 1
    }
    return options
  }
}
