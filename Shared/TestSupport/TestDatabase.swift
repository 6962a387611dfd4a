// A fresh database for each test, on one private server that all tests of the process share.
public import Embedded
import Glibc
import Lifecycle
public import Postgres
import Synchronization

/// Databases for tests. The server is started with the first use and ends with the process; its files stay for the next run, which
/// saves making them anew.
///
/// `CLIENTELE_TEST_DATABASE_URL` names another server instead; its user must be allowed to create databases.
public enum TestDatabase {
  /// Tests of several processes at once have a folder each; more than this many at once fail.
  static let foldersMax = 16

  /// Databases created or dropped at the same time; more only get in each other's way.
  static let changesMax = 3

  /// Whether tests with a database can run here. For `.enabled(if: TestDatabase.isAvailable, TestDatabase.whyNot)`.
  public static var isAvailable: Bool { givenURL != nil || PrivatePostgres.isAvailable }

  /// Whether the server is a private one.
  public static var isPrivate: Bool { givenURL == nil && PrivatePostgres.isAvailable }

  /// What to say when they are skipped.
  public static let whyNot = "needs PostgreSQL's server programs, or CLIENTELE_TEST_DATABASE_URL"

  /// Runs `body` with the settings of a database that was created for it and is dropped afterwards, also when it throws.
  public static func withDatabase<Value>(_ body: (PostgresSettings) async throws -> Value) async throws -> Value {
    let server = try await Server.shared.settings()
    var settings = server
    settings.database = "test_\(getpid())_\(nameNext.add(1, ordering: .relaxed).newValue)"
    settings.applicationName = settings.database
    // A busy machine is not what these tests are about.
    settings.connectTimeoutSeconds = 60
    try await change(server, "CREATE DATABASE \(SQLText.identifier(settings.database))")
    let result: Result<Value, any Error>
    do {
      result = .success(try await body(settings))
    } catch {
      result = .failure(error)
    }
    try await change(server, "DROP DATABASE \(SQLText.identifier(settings.database)) WITH (FORCE)")
    return try result.get()
  }

  /// Runs `body` with a session on a fresh database, on a thread that may block.
  public static func withSession<Value: Sendable>(
    _ change: @Sendable (inout PostgresSettings) -> Void = { _ in }, _ body: @escaping @Sendable (PostgresSession) throws -> Value
  ) async throws -> Value {
    try await withDatabase { settings in
      var settings = settings
      change(&settings)
      let chosen = settings
      return try await blocking {
        let session = try PostgresSession(chosen)
        defer { session.close() }
        return try body(session)
      }
    }
  }

  /// Runs blocking code on a thread of its own.
  public static func blocking<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
    try await OwnedThread.value(name: "test-blocking") { Result { try body() } }.get()
  }

  /// The private server that all tests share, which none may stop; nil when the tests use another one.
  public static func sharedServer() async throws -> PrivatePostgres? {
    _ = try await Server.shared.settings()
    return kept.withLock { $0 }
  }

  /// A server of the test's own, which it may stop and start again on the same folder; removed afterwards.
  public static func withServer<Value>(_ body: (PrivatePostgres) async throws -> Value) async throws -> Value {
    try await withServerFolder { folder in
      var options = PrivatePostgres.Options()
      options.isFast = true
      let server = try await PrivatePostgres.start(folder: folder, options: options)
      let result: Result<Value, any Error>
      do {
        result = .success(try await body(server))
      } catch {
        result = .failure(error)
      }
      await server.stop()
      return try result.get()
    }
  }

  /// A folder with a database on which no server was started yet; removed afterwards.
  public static func withServerFolder<Value>(_ body: (String) async throws -> Value) async throws -> Value {
    let folder = "\(temporaryFolder)/clientele-test-\(getpid())-\(nameNext.add(1, ordering: .relaxed).newValue)"
    try await run("cp", ["-a", "--", Server.shared.template(), folder])
    let result: Result<Value, any Error>
    do {
      result = .success(try await body(folder))
    } catch {
      result = .failure(error)
    }
    try await removeFolder(folder)
    return try result.get()
  }

  /// Removes a folder that a test made.
  public static func removeFolder(_ folder: String) async throws {
    try await run("rm", ["-rf", "--", folder])
  }

  private static func run(_ name: String, _ arguments: [String]) async throws {
    guard let program = Executables.onPath(name) else { throw HelperFailure("\(name) is not installed") }
    let process = try await HelperProcess.start(HelperProcess.Launch(executable: program, arguments: arguments))
    guard await process.waitForExit(within: .seconds(60)) == 0 else { throw HelperFailure("\(name) failed") }
  }

  /// Where tests put their folders.
  public static var temporaryFolder: String {
    let folder = HelperProcess.currentEnvironment()["TMPDIR"] ?? "/tmp"
    return folder.hasSuffix("/") ? String(folder.dropLast()) : folder
  }

  private static let nameNext = Atomic<Int>(0)

  fileprivate static var givenURL: String? {
    let url = HelperProcess.currentEnvironment()["CLIENTELE_TEST_DATABASE_URL"]
    return url?.isEmpty == false ? url : nil
  }

  private static func change(_ settings: PostgresSettings, _ sql: String) async throws {
    await Server.shared.enter()
    do {
      try await onServer(settings, sql)
      await Server.shared.leave()
    } catch {
      await Server.shared.leave()
      throw error
    }
  }

  fileprivate static func onServer(_ settings: PostgresSettings, _ sql: String) async throws {
    var settings = settings
    settings.statementTimeoutMilliseconds = 60_000
    settings.lockTimeoutMilliseconds = 0
    settings.connectTimeoutSeconds = 60
    let chosen = settings
    try await blocking {
      let session = try PostgresSession(chosen)
      defer { session.close() }
      try session.execute(sql)
    }
  }
}

/// The one server of the process.
private actor Server {
  static let shared = Server()

  private var starting: Task<PostgresSettings, any Error>?

  func settings() async throws -> PostgresSettings {
    // One start for all tests, whoever asks first; a task because it must not end with that test.
    let task = starting ?? Task { try await Self.start() }
    starting = task
    return try await task.value
  }

  private var changes = 0
  private var waiting: [CheckedContinuation<Void, Never>] = []

  /// Waits for one's turn to create or drop a database.
  func enter() async {
    if changes < TestDatabase.changesMax {
      changes += 1
    } else {
      await withCheckedContinuation { waiting.append($0) }
    }
  }

  /// Hands the turn to the next.
  func leave() {
    if waiting.isEmpty {
      changes -= 1
    } else {
      waiting.removeFirst().resume()
    }
  }

  private var preparing: Task<String, any Error>?

  /// A folder with a database that no server uses, to be copied: faster than making one.
  func template() async throws -> String {
    let task =
      preparing
      ?? Task {
        try await Self.inFreeFolder("template") { folder in
          try await PrivatePostgres.prepare(folder: folder, options: Self.options)
          return folder
        }
      }
    preparing = task
    return try await task.value
  }

  private static var options: PrivatePostgres.Options {
    var options = PrivatePostgres.Options()
    options.isFast = true
    options.settings = ["max_connections": "300", "shared_buffers": "64MB", "max_wal_size": "256MB"]
    return options
  }

  private static func start() async throws -> PostgresSettings {
    if let url = TestDatabase.givenURL { return try PostgresSettings(url: url) }
    return try await inFreeFolder("postgres") { folder in
      let server = try await PrivatePostgres.start(folder: folder, options: options)
      kept.withLock { $0 = server }
      let settings = try PostgresSettings(url: server.socketURL())
      try await clear(settings)
      return settings
    }
  }

  /// Test processes that run at the same time keep out of each other's way.
  private static func inFreeFolder<Value>(_ name: String, _ body: (String) async throws -> Value) async throws -> Value {
    var failure: any Error = HelperFailure("no folder for a test server is free")
    for number in 0..<TestDatabase.foldersMax {
      do {
        return try await body("\(TestDatabase.temporaryFolder)/clientele-tests-\(geteuid())/\(name)-\(number)")
      } catch {
        failure = error
      }
    }
    throw failure
  }

  /// Databases of runs that did not come to their end.
  private static func clear(_ settings: PostgresSettings) async throws {
    let names = try await TestDatabase.blocking {
      let session = try PostgresSession(settings)
      defer { session.close() }
      let rows = try session.query(Statement(name: "", sql: "SELECT datname FROM pg_database WHERE datname LIKE 'test\\_%'"))
      return try (0..<rows.count).map { try rows.text($0, 0) }
    }
    for name in names { try await TestDatabase.onServer(settings, "DROP DATABASE \(SQLText.identifier(name)) WITH (FORCE)") }
  }
}

/// Holds the server for the life of the process, which ends it.
private let kept = Mutex<PrivatePostgres?>(nil)
