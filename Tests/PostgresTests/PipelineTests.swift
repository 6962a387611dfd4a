// Several statements in one round trip: results by place, one failure undoes all.
import Postgres
import TestSupport
import Testing

@Suite(.enabled(if: TestDatabase.isAvailable, Comment(rawValue: TestDatabase.whyNot)))
struct PipelineTests {
  private static let insert = Statement(name: "insert", sql: "INSERT INTO t VALUES ($1)")
  private static let count = Statement(name: "count", sql: "SELECT count(*) FROM t")

  private func withTable(_ body: @escaping @Sendable (PostgresSession) throws -> Void) async throws {
    try await TestDatabase.withSession { session in
      try session.execute("CREATE TABLE t (a int8 PRIMARY KEY)")
      try body(session)
    }
  }

  private func expectCount(_ count: Int64, _ session: PostgresSession, sourceLocation: SourceLocation = #_sourceLocation) throws {
    let found = try session.query(Self.count).int64(0, 0)
    #expect(found == count, sourceLocation: sourceLocation)
  }

  @Test func resultsComeInTheOrderOfTheStatements() async throws {
    try await withTable { session in
      for round in 0..<2 {
        let results = try session.pipeline { segment in
          try segment.begin()
          try segment.add(Self.insert) { $0.int64(Int64(round * 2)) }
          try segment.add(Self.insert) { $0.int64(Int64(round * 2 + 1)) }
          try segment.add(Self.count)
          try segment.commit()
        }
        #expect(results.map(\.commandTag) == ["BEGIN", "INSERT 0 1", "INSERT 0 1", "SELECT 1", "COMMIT"])
        #expect(try results[3].int64(0, 0) == Int64(round * 2 + 2))
        #expect(session.transactionStatus == .idle)
      }
      let prepared = try session.query(sql("SELECT count(*) FROM pg_prepared_statements WHERE name LIKE 'insert~%'")).int64(0, 0)
      #expect(prepared == 1)
    }
  }

  @Test func aFailureUndoesTheWholeSegmentAndNamesItsStatement() async throws {
    try await withTable { session in
      for explicit in [true, false] {
        let found = try requireFailure {
          try session.pipeline { segment in
            if explicit { try segment.begin() }
            try segment.add(Self.insert) { $0.int64(1) }
            try segment.add(Self.insert) { $0.int64(1) }
            try segment.add(Statement(name: "later", sql: "SELECT 1/0"))
            if explicit { try segment.commit() }
          }
        }
        #expect(found.kind == .uniqueViolation && found.statementName == "insert" && !found.isOutcomeUnknown)
        #expect(session.transactionStatus == .idle)
        try expectCount(0, session)
        // What was skipped was not prepared either, and is when it is used.
        expectFailure(sqlState: "22012") { try session.query(Statement(name: "later", sql: "SELECT 1/0")) }
      }
    }
  }

  @Test func aCallerThatGivesUpHalfWayLeavesNothing() async throws {
    try await withTable { session in
      let own = PostgresFailure(kind: .data, message: "own")
      for explicit in [true, false] {
        let found = failure {
          try session.pipeline { segment in
            if explicit { try segment.begin() }
            try segment.add(Self.insert) { $0.int64(1) }
            throw own
          }
        }
        #expect(found?.message == "own")
        #expect(session.transactionStatus == .idle)
        try expectCount(0, session)
      }
    }
  }

  @Test func aFailureInsideAnOpenTransactionIsLeftToItsOwner() async throws {
    try await withTable { session in
      try session.begin()
      let found = failure {
        try session.pipeline { segment in
          try segment.add(Self.insert) { $0.int64(1) }
          try segment.add(sql("SELECT 1/0"))
        }
      }
      #expect(found?.sqlState == "22012")
      #expect(session.transactionStatus == .failed)
      try session.rollback()
      #expect(session.transactionStatus == .idle)
    }
  }

  @Test func statementsThatCannotBePreparedFailAlone() async throws {
    try await withTable { session in
      let bad = Statement(name: "bad", sql: "SELECT nonsense FROM t")
      let found = failure { try session.pipeline { segment in try segment.add(bad) } }
      #expect(found?.kind == .configuration && found?.statementName == "bad")
      expectFailure(.configuration) { try session.query(bad) }
    }
  }

  @Test func muchInBothDirectionsAtOnceDoesNotBlock() async throws {
    try await withTable { session in
      let echo = Statement(name: "echo", sql: "SELECT $1::text || $1::text")
      let text = String(repeating: "x", count: 200_000)
      let results = try session.pipeline { segment in
        for _ in 0..<40 { try segment.add(echo) { $0.text(text) } }
      }
      #expect(results.count == 40)
      let areWhole = try results.allSatisfy { try $0.text(0, 0).utf8.count == 400_000 }
      #expect(areWhole)
    }
  }

  @Test func tooManyStatementsAreRefusedAndNothingIsDone() async throws {
    try await withTable { session in
      let found = failure {
        try session.pipeline { segment in
          for number in 0...Pipeline.statementsMax { try segment.add(Self.insert) { $0.int64(Int64(number)) } }
        }
      }
      #expect(found?.kind == .other)
      try expectCount(0, session)
    }
  }

  @Test func aConstraintCheckedAtTheEndOfTheSegmentIsThrown() async throws {
    try await TestDatabase.withSession { session in
      try session.execute("CREATE TABLE t (a int8 UNIQUE DEFERRABLE INITIALLY DEFERRED); INSERT INTO t VALUES (1)")
      for explicit in [true, false] {
        let found = failure {
          try session.pipeline { segment in
            if explicit { try segment.begin() }
            try segment.add(Self.insert) { $0.int64(1) }
            if explicit { try segment.commit() }
          }
        }
        #expect(found?.kind == .uniqueViolation)
        try expectCount(1, session)
      }
    }
  }

  @Test func aStatementBesideThePipelineIsRefused() async throws {
    try await withTable { session in
      let found = failure {
        try session.pipeline { segment in
          try segment.add(Self.insert) { $0.int64(1) }
          try session.query(Self.count)
        }
      }
      #expect(found?.kind == .other)
      try expectCount(0, session)
    }
  }

  @Test func anEmptyPipelineIsFine() async throws {
    try await withTable { session in
      let results = try session.pipeline { _ in }
      #expect(results.isEmpty)
      try expectCount(0, session)
    }
  }

  @Test func aLargeAnswerComesInPieces() async throws {
    try await withTable { session in
      let series = Statement(name: "series", sql: "SELECT a, repeat('x', 10) FROM generate_series(1, $1) a")
      var sizes: [Int] = []
      var sum: Int64 = 0
      try session.stream(series, rowsPerFetch: 1_000, { $0.int64(2_500) }) { rows in
        sizes.append(rows.count)
        for row in 0..<rows.count { sum += try rows.int64(row, 0) }
        // The session is free between the pieces.
        try session.run(Self.insert) { $0.int64(Int64(sizes.count)) }
      }
      #expect(sizes == [1_000, 1_000, 500])
      #expect(sum == 2_500 * 2_501 / 2)
      try expectCount(3, session)
      expectError(OwnError.self) {
        try session.stream(series, rowsPerFetch: 10, { $0.int64(100) }) { _ in
          try session.run(Self.insert) { $0.int64(99) }
          throw OwnError()
        }
      }
      #expect(session.transactionStatus == .idle)
      try expectCount(3, session)
      try session.transaction { session in
        try session.stream(series, { $0.int64(5) }) { #expect($0.count == 5) }
        #expect(session.transactionStatus == .open)
      }
    }
  }
}
