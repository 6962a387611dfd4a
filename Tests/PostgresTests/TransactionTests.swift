// Transactions keep what they promise, also when things go wrong twice.
import Lifecycle
import Postgres
import TestSupport
import Testing

@Suite(.enabled(if: TestDatabase.isAvailable, Comment(rawValue: TestDatabase.whyNot)))
struct TransactionTests {
  @Test func aBodyThatReturnsIsCommittedAndOneThatThrowsLeavesNothing() async throws {
    try await TestDatabase.withSession { session in
      try session.execute("CREATE TABLE t (a int8)")
      let insert = Statement(name: "insert", sql: "INSERT INTO t VALUES ($1)")
      let inserted = try session.transaction { try $0.run(insert) { $0.int64(1) } }
      #expect(inserted == 1)
      expectError(OwnError.self) {
        try session.transaction {
          try $0.run(insert) { $0.int64(2) }
          throw OwnError()
        }
      }
      #expect(try session.query(sql("SELECT array_agg(a) FROM t")).int64Array(0, 0) == [1])
      #expect(session.transactionStatus == .idle)
    }
  }

  @Test func aFailedRollbackDoesNotHideWhyTheWorkFailed() async throws {
    try await TestDatabase.withDatabase { settings in
      try await TestDatabase.blocking {
        let session = try PostgresSession(settings)
        let killer = try PostgresSession(settings)
        let thrown = expectError(TransactionFailure.self) {
          try session.transaction { session in
            try killer.query(sql("SELECT pg_terminate_backend(\(session.backendPID), 5000)"))
            throw OwnError()
          }
        }
        #expect(thrown?.cause as? OwnError == OwnError())
        #expect(thrown?.rollback.kind == .connectionLost)
        #expect(session.isBroken)
      }
    }
  }

  @Test func theFirstFailureIsKeptWhenTheConnectionWentWithIt() async throws {
    try await TestDatabase.withSession { session in
      let found = failure { _ = try session.transaction { try $0.query(sql("SELECT pg_terminate_backend(pg_backend_pid())")) } }
      #expect(found?.kind == .connectionLost)
      #expect(found?.isOutcomeUnknown == false)
    }
  }

  @Test func committingAFailedTransactionIsAFailure() async throws {
    try await TestDatabase.withSession { session in
      try session.begin()
      expectFailure(sqlState: "22012") { try session.query(sql("SELECT 1/0")) }
      #expect(session.transactionStatus == .failed)
      expectFailure(.other) { try session.commit() }
      #expect(session.transactionStatus == .idle)
      try session.begin()
      _ = failure { try session.query(sql("SELECT 1/0")) }
      expectFailure(.other) { try session.pipeline { try $0.commit() } }
      #expect(session.transactionStatus == .idle)
    }
  }

  @Test func aConstraintCheckedAtTheCommitIsThrownAndLeavesNothing() async throws {
    try await TestDatabase.withSession { session in
      try session.execute("CREATE TABLE t (a int8 UNIQUE DEFERRABLE INITIALLY DEFERRED); INSERT INTO t VALUES (1)")
      let found = failure { try session.transaction { try $0.execute("INSERT INTO t VALUES (1)") } }
      #expect(found?.kind == .uniqueViolation)
      #expect(found?.isOutcomeUnknown == false)
      #expect(session.transactionStatus == .idle)
    }
  }

  @Test func aCommitIsFreeOfTheStatementLimit() async throws {
    try await TestDatabase.withSession { session in
      try session.execute(
        """
        CREATE TABLE t (a int8);
        CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(0.5); RETURN NULL; END $$;
        CREATE CONSTRAINT TRIGGER slow AFTER INSERT ON t DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION slow()
        """)
      try session.transaction { session in
        try session.execute("INSERT INTO t VALUES (1)")
        try session.execute("SET LOCAL statement_timeout = '300ms'")
      }
      #expect(try session.query(sql("SELECT count(*) FROM t")).int64(0, 0) == 1)
      #expect(try session.query(sql("SHOW statement_timeout")).text(0, 0) == "5s")
    }
  }

  @Test func aCancelBeforeTheCommitIsSentRefusesIt() async throws {
    try await TestDatabase.withSession { session in
      try session.execute("CREATE TABLE t (a int8)")
      let found = failure {
        try session.transaction { session in
          try session.execute("INSERT INTO t VALUES (1)")
          session.cancelHandle.cancel()
        }
      }
      #expect(found?.kind == .timedOut)
      #expect(session.transactionStatus == .idle)
      #expect(try session.query(sql("SELECT count(*) FROM t")).int64(0, 0) == 0)
    }
  }

  @Test func aCancelDoesNotCutOffACommitUnderWay() async throws {
    try await TestDatabase.withDatabase { settings in
      try await TestDatabase.blocking {
        var settings = settings
        settings.statementTimeoutMilliseconds = 60_000
        settings.lockTimeoutMilliseconds = 0
        let session = try PostgresSession(settings)
        try session.execute(
          """
          CREATE TABLE t (a int8);
          CREATE FUNCTION hold() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_advisory_lock(1); RETURN NULL; END $$;
          CREATE CONSTRAINT TRIGGER hold AFTER INSERT ON t DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION hold()
          """)
        let (handle, pid, meeting, chosen) = (session.cancelHandle, session.backendPID, Meeting(), settings)
        let canceller = try OwnedThread.start(name: "canceller") {
          let watcher = try? PostgresSession(chosen)
          try? watcher?.execute("SELECT pg_advisory_lock(1)")
          meeting.arriveAndWait(for: 2)
          guard let watcher else { return }
          try? wait(watcher, until: "SELECT wait_event_type = 'Lock' FROM pg_stat_activity WHERE pid = \(pid)")
          handle.cancel()
          try? watcher.execute("SELECT pg_advisory_unlock(1)")
        }
        meeting.arriveAndWait(for: 2)
        try session.transaction { try $0.execute("INSERT INTO t VALUES (1)") }
        canceller.join()
        // The cancel is still asked: it hits the next statement, not the commit.
        expectFailure(.timedOut) { try expectUsable(session) }
        #expect(try session.query(sql("SELECT count(*) FROM t")).int64(0, 0) == 1)
      }
    }
  }

  @Test func aConflictIsTriedAgainFromTheBeginning() async throws {
    try await TestDatabase.withSession { session in
      try session.execute("CREATE TABLE t (a int8)")
      var attempts = 0
      let value = try session.retryingTransaction(random: { 0 }) { session in
        attempts += 1
        try session.execute("INSERT INTO t VALUES (\(attempts))")
        if attempts < 3 { throw PostgresFailure(kind: .retryTransaction, message: "a deadlock") }
        return attempts
      }
      #expect(value == 3)
      #expect(try session.query(sql("SELECT array_agg(a) FROM t")).int64Array(0, 0) == [3])

      attempts = 0
      let found = failure {
        try session.retryingTransaction(attemptsMax: 2, random: { 0 }) { _ in
          attempts += 1
          throw PostgresFailure(kind: .retryTransaction, message: "a deadlock")
        }
      }
      #expect(found?.kind == .retryTransaction && attempts == 2)

      attempts = 0
      _ = failure {
        try session.retryingTransaction { session in
          attempts += 1
          session.cancelHandle.cancel()
          throw PostgresFailure(kind: .retryTransaction, message: "a deadlock")
        }
      }
      #expect(attempts == 1)
    }
  }
}
