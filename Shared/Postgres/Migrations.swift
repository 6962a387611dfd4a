// Brings a schema to the program's version: forward only, each step in its own transaction, safe against a second process.
public import Telemetry

/// The steps of one schema and the way to apply them.
///
/// The history is `<schema>.migrations(number, name, checksum, applied_at)`. An advisory lock per schema lets one process at a time
/// migrate; another one waits and then finds nothing to do.
public struct Migrations: Sendable {
  /// Time to wait for another process that is migrating, milliseconds.
  public static let lockWaitMillisecondsMax = 300_000
  /// Time that a step waits for a lock on a table, milliseconds: while it waits, it holds up everybody behind it.
  public static let tableLockMillisecondsMax = 10_000

  public let schema: String
  public let migrations: [Migration]

  private static let checksums = Statement(
    name: "migrations_checksums",
    sql: """
      SELECT encode(sha256(convert_to(u.sql, 'UTF8')), 'hex')
      FROM unnest($1::text[]) WITH ORDINALITY AS u(sql, place) ORDER BY u.place
      """)
  private static let lock = Statement(name: "migrations_lock", sql: "SELECT pg_advisory_lock($1)")
  private static let transactionID = Statement(name: "migrations_transaction", sql: "SELECT pg_current_xact_id()::text")
  private static let schemaExists = Statement(
    name: "migrations_schema_exists", sql: "SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = $1)")
  private static let tableExists = Statement(
    name: "migrations_table_exists",
    sql: """
      SELECT EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE n.nspname = $1 AND c.relname = 'migrations')
      """)

  /// - Parameter list: names (`0001_create_orders`, as of files) and SQL, in any order.
  public init(schema: String, _ list: [(name: String, sql: String)]) throws(MigrationFailure) {
    var migrations: [Migration] = []
    for (name, sql) in list { migrations.append(try Migration(name: name, sql: sql)) }
    migrations.sort { $0.number < $1.number }
    try MigrationPlan.checkNumbering(migrations)
    self.schema = schema
    self.migrations = migrations
  }

  /// Applies what is missing, on a session of its own, and returns the names of the steps it made. Blocks.
  @discardableResult
  public func apply(to settings: PostgresSettings, logger: Logger = .silent) throws -> [String] {
    var settings = settings
    // A step may run long; what limits it is the lock it waits for.
    settings.statementTimeoutMilliseconds = 0
    settings.idleInTransactionTimeoutMilliseconds = 0
    settings.answerSilenceMillisecondsMax = 0
    settings.lockTimeoutMilliseconds = Self.lockWaitMillisecondsMax
    settings.schema = nil
    let session = try PostgresSession(settings, logger: logger)
    // The lock goes with the session.
    defer { session.close() }
    try session.query(Self.lock) { $0.int64(lockKey) }
    try makeTable(session)
    let entries = try entries(session)
    let done = try MigrationPlan.appliedCount(program: entries, database: recorded(session))
    for index in done..<entries.count {
      try make(migrations[index], entries[index], session)
      logger.info("migration applied", ["schema": .string(schema), "migration": .string(entries[index].name)])
    }
    return entries[done...].map(\.name)
  }

  /// The steps the database still lacks. Changes nothing.
  public func pending(_ session: PostgresSession) throws -> [String] {
    let entries = try entries(session)
    guard try session.query(Self.tableExists, { $0.text(schema) }).bool(0, 0) else { return entries.map(\.name) }
    return try entries[MigrationPlan.appliedCount(program: entries, database: recorded(session))...].map(\.name)
  }

  /// Throws unless the database is exactly where the program expects it: for the start of a service.
  public func check(_ session: PostgresSession) throws {
    let names = try pending(session)
    if !names.isEmpty { throw MigrationFailure.pending(names) }
  }

  private var table: String { SQLText.identifier(schema) + ".migrations" }

  /// FNV-1a over the schema's name: the same key in every process.
  private var lockKey: Int64 {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for byte in "clientele.migrations/\(schema)".utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
    return Int64(bitPattern: hash)
  }

  private func makeTable(_ session: PostgresSession) throws {
    // Asked first: IF NOT EXISTS demands the right to create even when there is nothing to create.
    if try !session.query(Self.schemaExists, { $0.text(schema) }).bool(0, 0) {
      try session.execute("CREATE SCHEMA \(SQLText.identifier(schema))")
    }
    if try session.query(Self.tableExists, { $0.text(schema) }).bool(0, 0) { return }
    try session.execute(
      """
      CREATE TABLE \(table) (
        number integer PRIMARY KEY, name text NOT NULL, checksum text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())
      """)
  }

  private func entries(_ session: PostgresSession) throws -> [MigrationPlan.Entry] {
    let rows = try session.query(Self.checksums) { $0.textArray(migrations.map(\.sql)) }
    return try migrations.indices.map { index in
      MigrationPlan.Entry(number: migrations[index].number, name: migrations[index].name, checksum: try rows.text(index, 0))
    }
  }

  private func recorded(_ session: PostgresSession) throws -> [MigrationPlan.Entry] {
    let rows = try session.query(Statement(name: "", sql: "SELECT number, name, checksum FROM \(table) ORDER BY number"))
    return try (0..<rows.count).map { row in
      MigrationPlan.Entry(number: try rows.int32(row, 0), name: try rows.text(row, 1), checksum: try rows.text(row, 2))
    }
  }

  private func make(_ migration: Migration, _ entry: MigrationPlan.Entry, _ session: PostgresSession) throws {
    let record = Statement(name: "", sql: "INSERT INTO \(table) (number, name, checksum) VALUES ($1, $2, $3)")
    do {
      try session.transaction { session in
        try session.execute(
          """
          SET LOCAL search_path TO \(SQLText.identifier(schema));
          SET LOCAL lock_timeout = \(Self.tableLockMillisecondsMax)
          """)
        let transaction = try session.query(Self.transactionID).text(0, 0)
        try session.execute(migration.sql)
        guard session.transactionStatus == .open, try session.query(Self.transactionID).text(0, 0) == transaction else {
          throw MigrationFailure.endedTransaction(entry.name)
        }
        try session.query(record) {
          $0.int32(entry.number)
          $0.text(entry.name)
          $0.text(entry.checksum)
        }
      }
    } catch let failure as PostgresFailure where !failure.sqlState.isEmpty && !failure.endsConnection {
      throw MigrationFailure.failed(entry.name, sqlState: failure.sqlState, reason: failure.message)
    }
  }
}
