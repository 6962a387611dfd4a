// Statements that take no round trip of their own, and rows that are added by them.
import Postgres
import TestSupport
import Testing

@Suite(.enabled(if: TestDatabase.isAvailable, Comment(rawValue: TestDatabase.whyNot)))
struct WaitingTests {
  private static let insert = Statement(name: "insert", sql: "INSERT INTO t VALUES ($1)")
  private static let update = Statement(name: "update", sql: "UPDATE t SET a = a + 100 WHERE a = $1")
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
    #expect(session.transactionStatus == .idle, sourceLocation: sourceLocation)
  }

  @Test func theyAreSentWithWhatComesNextInTheirOrder() async throws {
    try await withTable { session in
      for round in [0, 10] as [Int64] {
        try session.transaction { session in
          try session.runLater(Self.insert, rows: 1) { $0.int64(round + 1) }
          try session.runLater(Self.insert) { $0.int64(round + 2) }
          let behindOne = try session.query(Self.count).int64(0, 0)
          #expect(behindOne == (round == 0 ? 2 : 5))
          try session.runLater(Self.insert) { $0.int64(round + 3) }
          let behindSegment = try session.pipeline { segment in try segment.add(Self.count) }
          #expect(behindSegment.count == 1)
          let found = try behindSegment[0].int64(0, 0)
          #expect(found == (round == 0 ? 3 : 6))
        }
      }
      try expectCount(6, session)
    }
  }

  @Test func theCommitTakesWhatIsLeft() async throws {
    try await withTable { session in
      try session.transaction(opening: Self.insert, rows: 1, { $0.int64(1) }) { try session.runLater(Self.insert) { $0.int64(2) } }
      try session.transaction(opening: Self.insert, rows: 1, { $0.int64(3) }) {}
      try expectCount(3, session)
    }
  }

  @Test func otherRowsThanExpectedUndoTheTransaction() async throws {
    try await withTable { session in
      let opening = try requireFailure { try session.transaction(opening: Self.update, rows: 1, { $0.int64(1) }) { _ = try session.query(Self.count) } }
      #expect(opening.isCountWrong && opening.kind == .retryTransaction && opening.statementName == "update")
      // Nothing else is asked: the commit finds it.
      let alone = try requireFailure { try session.transaction(opening: Self.update, rows: 1, { $0.int64(1) }) {} }
      #expect(alone.isCountWrong)
      let later = try requireFailure {
        try session.transaction { session in
          try session.runLater(Self.insert) { $0.int64(1) }
          try session.runLater(Self.update, rows: 2, otherwise: .damaged) { $0.int64(1) }
        }
      }
      #expect(later.isCountWrong && later.kind == .damaged)
      try expectCount(0, session)
    }
  }

  @Test func aFailureIsThrownByWhatComesNext() async throws {
    try await withTable { session in
      try session.execute("INSERT INTO t VALUES (1)")
      for isAsked in [true, false] {
        let found = try requireFailure {
          try session.transaction { session in
            try session.runLater(Self.insert) { $0.int64(1) }
            try session.runLater(Self.insert) { $0.int64(2) }
            if isAsked { _ = try session.query(Self.count) }
          }
        }
        #expect(found.kind == .uniqueViolation && found.statementName == "insert" && !found.isOutcomeUnknown)
        try expectCount(1, session)
      }
    }
  }

  @Test func aBodyThatGivesUpLeavesNothingBehind() async throws {
    try await withTable { session in
      struct GivesUp: Error {}
      expectError(GivesUp.self) {
        try session.transaction(opening: Self.insert, rows: 1, { $0.int64(1) }) {
          try session.runLater(Self.insert) { $0.int64(2) }
          throw GivesUp()
        }
      }
      try expectCount(0, session)
    }
  }

  @Test func outsideATransactionItIsDoneAtOnce() async throws {
    try await withTable { session in
      try session.runLater(Self.insert, rows: 1) { $0.int64(1) }
      expectFailure(.retryTransaction) { try session.runLater(Self.update, rows: 1) { $0.int64(7) } }
      try expectCount(1, session)
    }
  }

  @Test func aCopyComesAfterWhatWaits() async throws {
    try await withTable { session in
      try session.transaction { session in
        try session.runLater(Self.insert) { $0.int64(1) }
        try session.copyIn("COPY t FROM STDIN (FORMAT binary)") { rows in
          rows.row(columns: 1)
          rows.int64(2)
        }
        try session.runLater(Self.insert) { $0.int64(3) }
        try session.execute("DELETE FROM t WHERE a = 3")
      }
      try expectCount(2, session)
    }
  }
}

@Suite(.enabled(if: TestDatabase.isAvailable, Comment(rawValue: TestDatabase.whyNot)))
struct LoadingTests {
  private static let target = LoadTarget(
    "t",
    [
      "a": .int8, "b": .bool, "c": .int2, "d": .text, "e": .bytea, "f": .uuid, "g": .timestamptz, "h": .date, "i": .int8Array, "j": .int4,
    ])

  private static func put(_ number: Int64, _ rows: inout BinaryCopy) {
    rows.row(columns: 10)
    rows.int64(number)
    rows.bool(number % 2 == 0)
    if number % 3 == 0 { rows.null() } else { rows.int16(Int16(number)) }
    rows.text(number % 5 == 0 ? "" : "客户 {\(number)}, \"'\\")
    rows.bytes([0, UInt8(truncatingIfNeeded: number)])
    rows.uuid(UInt128(number))
    rows.timestamptz(number * 1_000_001)
    rows.date(unixDays: Int32(number))
    // An array as the server receives it: with two elements, or without a dimension.
    let two: [UInt32] = [1, 0, 20, 2, 1, 8, UInt32.max, UInt32(bitPattern: Int32(-1 - Int32(number))), 8, 0, UInt32(number)]
    rows.bytes((number % 4 == 0 ? [0, 0, 20] : two).flatMap { word in (0..<4).map { UInt8(truncatingIfNeeded: word >> (24 - 8 * $0)) } })
    rows.null()
  }

  @Test func fewRowsArriveAsCopiedOnesDo() async throws {
    try await TestDatabase.withSession { session in
      let columns = "(a int8 PRIMARY KEY, b bool, c int2, d text, e bytea, f uuid, g timestamptz, h date, i int8[], j int4)"
      try session.execute("CREATE TABLE t \(columns); CREATE TABLE u (LIKE t)")
      try session.transaction { session in
        try session.load(Self.target, alwaysCopies: true) { rows in for number in 1...40 as ClosedRange<Int64> { Self.put(number, &rows) } }
      }
      try session.execute("INSERT INTO u SELECT * FROM t; TRUNCATE t")
      try session.transaction { session in
        let count = try session.load(Self.target) { rows in for number in 1...40 as ClosedRange<Int64> { Self.put(number, &rows) } }
        #expect(count == 40)
      }
      let differences = try session.query(sql("SELECT count(*) FROM ((TABLE t EXCEPT TABLE u) UNION ALL (TABLE u EXCEPT TABLE t)) AS d")).int64(0, 0)
      #expect(differences == 0)
      #expect(try session.query(sql("SELECT count(*) FROM t WHERE cardinality(i) = 2 AND i[1] = -1 - a")).int64(0, 0) == 30)
      let planned = try session.query(sql("SELECT count(*) FROM pg_prepared_statements WHERE name LIKE 't_load~%'")).int64(0, 0)
      #expect(planned == 1)
    }
  }

  @Test func aKeyThatIsThereFailsEitherWay() async throws {
    try await TestDatabase.withSession { session in
      try session.execute("CREATE TABLE t (a int8 PRIMARY KEY)")
      for count in [2, 1_000] {
        expectFailure(.uniqueViolation) {
          try session.transaction { session in
            _ = try session.load(LoadTarget("t", ["a": .int8])) { rows in
              for number in 0..<count {
                rows.row(columns: 1)
                rows.int64(Int64(number % (count - 1)))
              }
            }
          }
        }
      }
      #expect(try session.query(sql("SELECT count(*) FROM t")).int64(0, 0) == 0)
    }
  }

  @Test func rowsOfOtherColumnsAreRefused() async throws {
    try await TestDatabase.withSession { session in
      try session.execute("CREATE TABLE t (a int8, b int8)")
      expectFailure(.other) {
        try session.transaction { session in
          _ = try session.load(LoadTarget("t", ["a": .int8, "b": .int8])) { rows in
            rows.row(columns: 1)
            rows.int64(1)
          }
        }
      }
      #expect(session.transactionStatus == .idle)
    }
  }
}
