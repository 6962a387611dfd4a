// Failures as a real server makes them.
import Embedded
import Glibc
import Lifecycle
import Synchronization
import TestSupport
import Testing

@testable import Postgres

@Suite(.enabled(if: TestDatabase.isAvailable, Comment(rawValue: TestDatabase.whyNot)))
struct FailureLiveTests {
  @Test func aDuplicateNamesItsConstraintAndStatementButNotItsValue() async throws {
    try await TestDatabase.withSession { session in
      try session.execute("CREATE TABLE people (name text PRIMARY KEY)")
      let add = Statement(name: "add_person", sql: "INSERT INTO people VALUES ($1)")
      try session.run(add) { $0.text("Li Wei") }
      let found = try requireFailure { try session.run(add) { $0.text("Li Wei") } }
      #expect(found.kind == .uniqueViolation)
      #expect(found.constraint == "people_pkey")
      #expect(found.table == "people")
      #expect(found.statementName == "add_person")
      #expect(!found.isOutcomeUnknown)
      #expect(!"\(found)".contains("Li"))
    }
  }

  @Test func aValueTheServerCannotReadIsADataErrorWithoutTheValue() async throws {
    try await TestDatabase.withSession { session in
      let read = Statement(name: "read", sql: "SELECT $1::text::int8")
      let found = try requireFailure { try session.query(read) { $0.text("Li Wei") } }
      #expect(found.kind == .data && found.sqlState == "22P02")
      #expect(!"\(found)".contains("Li"))
      expectFailure(sqlState: "22021") { try session.query(Statement(name: "echo", sql: "SELECT $1::text")) { $0.text("a\0b") } }
      let read5 = try session.query(read) { $0.text("5") }.int64(0, 0)
      #expect(read5 == 5)
    }
  }

  @Test func aMissingTableIsAConfigurationFailure() async throws {
    try await TestDatabase.withSession { session in
      expectFailure(.configuration) { try session.query(sql("SELECT a FROM absent")) }
    }
  }

  @Test func twoThatWaitForEachOtherAreADeadlockForOneOfThem() async throws {
    try await TestDatabase.withDatabase { settings in
      let meeting = Meeting()
      try await TestDatabase.blocking {
        try PostgresSession(settings).execute("CREATE TABLE t (a int8 PRIMARY KEY, n int8); INSERT INTO t VALUES (1, 0), (2, 0)")
      }
      let update = Statement(name: "update", sql: "UPDATE t SET n = n + 1 WHERE a = $1")
      let work: @Sendable (Int64, Int64) -> (@Sendable () throws -> PostgresFailure?) = { first, second in
        {
          let session = try PostgresSession(settings)
          return failure {
            try session.transaction { session in
              try session.run(update) { $0.int64(first) }
              meeting.arriveAndWait(for: 2)
              try session.run(update) { $0.int64(second) }
            }
          }
        }
      }
      async let one = TestDatabase.blocking(work(1, 2))
      async let two = TestDatabase.blocking(work(2, 1))
      let outcomes = try await [one, two]
      let states = outcomes.compactMap { $0 }.map(\.sqlState)
      #expect(states == ["40P01"])
      let kinds = outcomes.compactMap { $0 }.map(\.kind)
      #expect(kinds == [.retryTransaction])
    }
  }

  @Test func aLockNotHadInTimeIsWorthARetry() async throws {
    try await TestDatabase.withDatabase { settings in
      try await TestDatabase.blocking {
        let holder = try PostgresSession(settings)
        try holder.execute("CREATE TABLE t (a int8)")
        try holder.execute("BEGIN; LOCK TABLE t")
        var impatient = settings
        impatient.lockTimeoutMilliseconds = 30
        let session = try PostgresSession(impatient)
        let found = try requireFailure { try session.query(sql("SELECT a FROM t")) }
        #expect(found.sqlState == "55P03" && found.kind == .retryTransaction)
      }
    }
  }

  @Test func aStatementOverItsLimitTimesOut() async throws {
    try await TestDatabase.withSession({ $0.statementTimeoutMilliseconds = 300 }) { session in
      expectFailure(.timedOut) { try session.query(sql("SELECT pg_sleep(60)")) }
      try expectUsable(session)
    }
  }

  @Test func aCancelFromAnotherThreadReachesTheServer() async throws {
    try await TestDatabase.withDatabase { settings in
      try await TestDatabase.blocking {
        let session = try PostgresSession(settings)
        let pid = session.backendPID
        let handle = session.cancelHandle
        let helper = try OwnedThread.start(name: "canceller") {
          guard let watcher = try? PostgresSession(settings) else { return }
          try? wait(watcher, until: "SELECT state = 'active' AND wait_event = 'PgSleep' FROM pg_stat_activity WHERE pid = \(pid)")
          handle.cancel()
        }
        let found = try requireFailure { try session.query(Statement(name: "sleep", sql: "SELECT pg_sleep(60)")) }
        helper.join()
        #expect(found.sqlState == "57014" && found.kind == .timedOut && found.statementName == "sleep")
        try expectUsable(session)
      }
    }
  }

  @Test func aCancelBetweenStatementsFailsTheNextOneOnly() async throws {
    try await TestDatabase.withSession { session in
      session.cancelHandle.cancel()
      expectFailure(.timedOut) { try session.query(sql("SELECT 1")) }
      try expectUsable(session)
    }
  }

  @Test func aLateCancelDoesNotHitTheNextUser() throws {
    let handle = try CancelHandle()
    let first = handle.newLease()
    let second = handle.newLease()
    handle.cancel(lease: first)
    #expect(!handle.take())
    handle.cancel(lease: second)
    #expect(handle.take())
    #expect(!handle.take())
    handle.cancel(lease: second)
    _ = handle.newLease()
    #expect(!handle.take())
  }

  @Test func aKilledBackendIsALostConnectionAndReconnectingHelps() async throws {
    try await TestDatabase.withDatabase { settings in
      try await TestDatabase.blocking {
        let session = try PostgresSession(settings)
        let killer = try PostgresSession(settings)
        let kill = Statement(name: "kill", sql: "SELECT pg_terminate_backend($1, 5000)")
        let one = Statement(name: "one", sql: "SELECT 1")
        try session.query(one)
        let wasKilled = try killer.query(kill) { $0.int32(session.backendPID) }.bool(0, 0)
        #expect(wasKilled)
        let found = try requireFailure { try session.query(one) }
        #expect(found.kind == .connectionLost && found.sqlState == "57P01")
        // Outside a transaction the statement may have been done.
        #expect(found.isOutcomeUnknown)
        #expect(session.isBroken)
        expectFailure(.connectionLost) { try session.query(one) }
        try session.reconnect()
        #expect(try session.query(one).int32(0, 0) == 1)

        try session.begin()
        try session.query(one)
        try killer.query(kill) { $0.int32(session.backendPID) }
        let inside = try requireFailure { try session.query(one) }
        #expect(inside.kind == .connectionLost && !inside.isOutcomeUnknown)
        try session.reconnect()

        #expect(session.checkConnection())
        try killer.query(kill) { $0.int32(session.backendPID) }
        #expect(!session.checkConnection())
      }
    }
  }

  @Test func aConnectionLostInACommitLeavesTheOutcomeUnknown() async throws {
    try await TestDatabase.withSession { session in
      try session.execute(
        """
        CREATE TABLE t (a int8);
        CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$;
        CREATE CONSTRAINT TRIGGER die AFTER INSERT ON t DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION die()
        """)
      let found = try requireFailure { try session.transaction { try $0.execute("INSERT INTO t VALUES (1)") } }
      #expect(found.kind == .connectionLost && found.isOutcomeUnknown)
      try session.reconnect()
      let inPipeline = failure {
        try session.pipeline { segment in
          try segment.begin()
          try segment.add(sql("INSERT INTO t VALUES (1)"))
          try segment.commit()
        }
      }
      #expect(inPipeline?.kind == .connectionLost && inPipeline?.isOutcomeUnknown == true)
      #expect(session.isBroken)
    }
  }

  @Test func aSilentServerIsGivenUp() async throws {
    let change: @Sendable (inout PostgresSettings) -> Void = {
      $0.answerSilenceMillisecondsMax = 400
      $0.statementTimeoutMilliseconds = 0
    }
    try await TestDatabase.withSession(change) { session in
      let found = try requireFailure { try session.query(sql("SELECT pg_sleep(60)")) }
      #expect(found.kind == .connectionLost && found.isOutcomeUnknown)
      #expect(session.isBroken)
    }
  }

  @Test(.enabled(if: TestDatabase.isPrivate, "needs a private server"))
  func aWrongPasswordOrDatabaseIsAConfigurationFailure() async throws {
    let url = try #require(try await TestDatabase.sharedServer()).url()
    try await TestDatabase.blocking {
      var settings = try PostgresSettings(url: url)
      _ = try PostgresSession(settings)
      settings.password = .init("wrong")
      let found = try requireFailure { _ = try PostgresSession(settings) }
      #expect(found.kind == .configuration && found.sqlState == "28P01")
      #expect(!"\(found)".contains("wrong"))
      settings = try PostgresSettings(url: url)
      settings.database = "absent"
      expectFailure(sqlState: "3D000") { _ = try PostgresSession(settings) }
      settings = try PostgresSettings(url: url)
      settings.sessionSettings = [("no_such_setting", "1")]
      expectFailure(.configuration) { _ = try PostgresSession(settings) }
    }
  }

  @Test func aFullServerIsUnavailable() async throws {
    try await TestDatabase.withDatabase { settings in
      try await TestDatabase.blocking {
        let role = "full_\(settings.database)"
        let admin = try PostgresSession(settings)
        try admin.execute("CREATE ROLE \(role) LOGIN CONNECTION LIMIT 0 PASSWORD 'x'")
        defer { try? admin.execute("DROP ROLE \(role)") }
        var limited = settings
        limited.user = role
        limited.password = .init("x")
        let found = try requireFailure { _ = try PostgresSession(limited) }
        #expect(found.sqlState == "53300" && found.kind == .unavailable)
      }
    }
  }

  @Test func aReadOnlySessionIsRefused() async throws {
    try await TestDatabase.withSession { session in
      let found = failure {
        try session.transaction {
          try $0.execute("SET TRANSACTION READ ONLY")
          try $0.execute("CREATE TABLE t (a int)")
        }
      }
      #expect(found?.kind == .readOnly)
    }
  }

  @Test func aServerThatIsNotThereOrNeverAnswersIsUnavailable() async throws {
    try await TestDatabase.blocking {
      let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
      defer { close(listener) }
      var address = sockaddr_in()
      address.sin_family = sa_family_t(AF_INET)
      address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
      var length = socklen_t(MemoryLayout<sockaddr_in>.size)
      withUnsafeMutablePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          _ = bind(listener, $0, length)
          _ = getsockname(listener, $0, &length)
        }
      }
      let port = Int(UInt16(bigEndian: address.sin_port))
      var settings = PostgresSettings(servers: [.init(host: "127.0.0.1", port: port)], database: "d", user: "u")
      settings.connectTimeoutSeconds = 1
      // Bound but not listening: refused at once.
      expectFailure(.unavailable) { _ = try PostgresSession(settings) }
      // Listening, but nobody ever answers: the limit ends the wait.
      listen(listener, 1)
      expectFailure(.unavailable) { _ = try PostgresSession(settings) }
    }
  }

  @Test func theNextServerIsTriedWhenTheFirstIsDown() async throws {
    try await TestDatabase.withDatabase { settings in
      var settings = settings
      settings.servers.insert(.init(host: "127.0.0.1", port: 1), at: 0)
      let chosen = settings
      try await TestDatabase.blocking { try expectUsable(PostgresSession(chosen)) }
    }
  }
}

/// A place where threads wait for each other.
final class Meeting: Sendable {
  private let arrived = Mutex(0)

  func arriveAndWait(for count: Int) {
    arrived.withLock { $0 += 1 }
    while arrived.withLock({ $0 }) < count { sched_yield() }
  }
}
