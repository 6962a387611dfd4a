// The session for tasks: cancellation, reconnecting, and that every user finds it clean.
import Embedded
import Glibc
import Postgres
import Synchronization
import Telemetry
import TestSupport
import Testing

@Suite(.enabled(if: TestDatabase.isAvailable, Comment(rawValue: TestDatabase.whyNot)))
struct ConnectionTests {
  private static let one = Statement(name: "one", sql: "SELECT 1")

  @Test func bodiesRunOneAfterTheOtherOnOneSession() async throws {
    try await TestDatabase.withDatabase { settings in
      let connection = try PostgresConnection(settings)
      try await connection.withSession { try $0.execute("CREATE TABLE t (n int8); INSERT INTO t VALUES (0)") }
      let backends = try await withThrowingTaskGroup(of: Int32.self) { group in
        for _ in 0..<20 {
          group.addTask {
            try await connection.withSession { session in
              // Reading and writing back loses nothing, because nobody comes between.
              let n = try session.query(Statement(name: "read", sql: "SELECT n FROM t")).int64(0, 0)
              try session.run(Statement(name: "write", sql: "UPDATE t SET n = $1")) { $0.int64(n + 1) }
              return session.backendPID
            }
          }
        }
        return try await group.reduce(into: Set<Int32>()) { $0.insert($1) }
      }
      #expect(backends.count == 1)
      let sum = try await connection.withSession { try $0.query(sql("SELECT n FROM t")).int64(0, 0) }
      #expect(sum == 20)
      await connection.close()
    }
  }

  @Test func cancellingTheTaskCancelsTheStatementInTheServer() async throws {
    try await TestDatabase.withDatabase { settings in
      let connection = try PostgresConnection(settings)
      let pid = try await connection.withSession { $0.backendPID }
      let task = Task {
        try await connection.withSession { try $0.transaction { try $0.query(sql("SELECT pg_sleep(60)")).count } }
      }
      try await TestDatabase.blocking {
        let watcher = try PostgresSession(settings)
        try wait(watcher, until: "SELECT wait_event = 'PgSleep' FROM pg_stat_activity WHERE pid = \(pid)")
        task.cancel()
        try wait(watcher, until: "SELECT state = 'idle' FROM pg_stat_activity WHERE pid = \(pid)")
      }
      await expectError(CancellationError.self) { _ = try await task.value }
      let same = try await connection.withSession { $0.backendPID }
      #expect(same == pid)
      await connection.close()
    }
  }

  @Test func aTaskCancelledBeforeItsTurnDoesNotRun() async throws {
    try await TestDatabase.withDatabase { settings in
      let connection = try PostgresConnection(settings)
      let ran = Mutex(false)
      let task = Task {
        withUnsafeCurrentTask { $0?.cancel() }
        try await connection.withSession { _ in ran.withLock { $0 = true } }
      }
      await expectError(CancellationError.self) { _ = try await task.value }
      let didRun = ran.withLock { $0 }
      #expect(!didRun)
      await connection.close()
    }
  }

  @Test func aTransactionLeftOpenIsRolledBackAndReported() async throws {
    try await TestDatabase.withDatabase { settings in
      let collector = LogCollector()
      let connection = try PostgresConnection(settings, logger: Logger(service: "test", sink: collector))
      try await connection.withSession { session in
        try session.execute("CREATE TABLE t (a int8)")
        try session.begin()
        try session.execute("INSERT INTO t VALUES (1)")
      }
      #expect(collector.messages == ["a database transaction was left open and is rolled back"])
      let left = try await connection.withSession { try $0.query(sql("SELECT count(*) FROM t")).int64(0, 0) }
      #expect(left == 0)
      await expectError(OwnError.self) {
        try await connection.withSession { session in
          try session.begin()
          throw OwnError()
        }
      }
      let status = try await connection.withSession { $0.transactionStatus }
      #expect(status == .idle)
      await connection.close()
    }
  }

  @Test func aConnectionTheServerClosedIsMadeAgainUnnoticed() async throws {
    try await TestDatabase.withDatabase { settings in
      let connection = try PostgresConnection(settings)
      let first = try await connection.withSession { session in
        try session.query(Self.one)
        return session.backendPID
      }
      try await TestDatabase.blocking { try PostgresSession(settings).execute("SELECT pg_terminate_backend(\(first), 5000)") }
      let second = try await connection.withSession { session in
        try session.query(Self.one)
        return session.backendPID
      }
      #expect(first != second)
      await connection.close()
    }
  }

  @Test func aClosedConnectionRefuses() async throws {
    try await TestDatabase.withDatabase { settings in
      let connection = try PostgresConnection(settings)
      try await connection.withSession { _ in }
      await connection.close()
      await connection.close()
      await expectFailure(.unavailable) { try await connection.withSession { _ in } }
    }
  }

  @Test func aRefusalThatAPersonMustMendIsThrownAtOnce() async throws {
    try await TestDatabase.withDatabase { settings in
      var settings = settings
      settings.database = "absent"
      let connection = try PostgresConnection(settings, connectWaitLimit: .seconds(600))
      await expectFailure(sqlState: "3D000") { try await connection.withSession { _ in } }
      await connection.close()
    }
  }

  @Test func aServerThatGoesAndComesBackIsFoundAgain() async throws {
    try await TestDatabase.withServer { server in
      let settings = try PostgresSettings(url: server.url())
      let collector = LogCollector()
      let connection = try PostgresConnection(
        settings, logger: Logger(service: "test", sink: collector), connectWaitLimit: .milliseconds(200), random: { 10 })
      try await connection.withSession { try $0.execute("CREATE TABLE t (a int8)") }
      await server.stop()
      await expectFailure(.unavailable) { _ = try await connection.withSession { try $0.query(Self.one).count } }
      #expect(collector.messages.contains("the database is not reached"))

      var options = PrivatePostgres.Options()
      options.isFast = true
      options.port = server.port
      let again = try await PrivatePostgres.start(folder: server.folder, options: options)
      let kept = try await connection.withSession { try $0.query(sql("SELECT count(*) FROM t")).int64(0, 0) }
      #expect(kept == 0)
      #expect(collector.messages.contains("the database is reached again"))
      await connection.close()
      await again.stop()
    }
  }
}
