// What is missing is put on record, the partition stands, an operator's word lets it go on; and what only seems to be missing does not stop it.
@testable import Messaging
import Domain
import Handling
import Hashing
import Kafka
import Lifecycle
import Postgres
import Telemetry
import TestSupport
import Testing

@Suite struct ReadingTests {
  private static let partition = TopicPartition(topic: "toy.in", partition: 0)

  private func record(_ offset: Int64, _ value: String, lane: String? = nil, sequence: Int64 = 0) -> KafkaRecord {
    var headers: [KafkaHeader] = []
    if let lane { headers = [KafkaHeader("lane", lane), KafkaHeader("seq", String(sequence))] }
    return KafkaRecord(topic: "toy.in", partition: 0, offset: offset, key: nil, value: Array(value.utf8), headers: headers)
  }

  private func read(
    _ records: [KafkaRecord], hasLanes: Bool, from next: Int64 = 0, hasRecords: (Int64, Int64) -> Bool = { _, _ in false }
  ) throws -> Batch<String> {
    let reading = PartitionReading(NumberHandler(consumer: "one", hasLanes: hasLanes, sendsTo: nil), ReadingTests.partition)
    var batch = Batch<String>(from: Position(nextOffset: next, epoch: 1))
    for record in records { record.withBorrowed { reading.read($0, into: &batch, hasRecords: hasRecords) } }
    return batch
  }

  @Test func anOffsetThatTheLogDoesNotHaveIsPassedOverOnAPublicInput() throws {
    let batch = try read([record(0, "1"), record(2, "2"), record(3, "3")], hasLanes: false)
    #expect(batch.entries.map(\.offset) == [0, 2, 3])
    #expect(batch.next == 4)
    #expect(!batch.mustRestart)
  }

  @Test func anOffsetThatTheLogHasAndTheClientLeftOutIsReadAgain() throws {
    let batch = try read([record(0, "1"), record(2, "2"), record(3, "3")], hasLanes: false) { from, before in from <= 1 && 1 < before }
    #expect(batch.entries.map(\.offset) == [0])
    #expect(batch.next == 1)
    #expect(batch.mustRestart)
  }

  @Test func aRecordThatWasReadBeforeIsLeftOut() throws {
    let batch = try read([record(4, "1"), record(5, "2"), record(5, "2"), record(6, "3")], hasLanes: false, from: 5)
    #expect(batch.entries.map(\.offset) == [5, 6])
  }

  @Test func whatComesBeforeAGapIsInTheBatchAndThePositionStaysBeforeIt() throws {
    let batch = try read([record(0, "1", lane: "x", sequence: 1), record(1, "2", lane: "x", sequence: 3)], hasLanes: true)
    #expect(batch.entries.count == 1)
    #expect(batch.next == 1)
    #expect(batch.lanesIn["x"] == 1)
    #expect(batch.halt?.missing == Missing(.laneGap, lane: "x", from: 2, to: 2))
  }

  @Test func aBatchDividedBehindAnyEntryMovesAsOneThatEndedThere() throws {
    let hasher = try Hasher256()
    let partition = TopicPartition(topic: "profile.profiles.v1", partition: 0)
    let reading = PartitionReading(NumberHandler(consumer: "one", hasLanes: true, sendsTo: nil), partition)
    var random = SystemRandomNumberGenerator()
    for _ in 0..<200 {
      var numbers: [Int64] = [0, 0, 0]
      var records: [KafkaRecord] = []
      var offset: Int64 = 0
      for _ in 0..<Int.random(in: 1...30, using: &random) {
        let lane = Int.random(in: 0...2, using: &random)
        // Some offsets and numbers vanish together, as compaction takes them; some records come again.
        let vanished = Int64.random(in: 0...4, using: &random) == 0 ? Int64.random(in: 1...3, using: &random) : 0
        offset += vanished
        let isRepeat = numbers[lane] > 0 && Int.random(in: 0...5, using: &random) == 0 && vanished == 0
        if !isRepeat { numbers[lane] += 1 + vanished }
        let value: String = ["1", "22", "no number"].randomElement(using: &random) ?? ""
        records.append(record(offset, value, lane: "lane-\(lane)", sequence: numbers[lane]))
        offset += 1
      }
      func batch(_ records: some Sequence<KafkaRecord>) -> Batch<String> {
        var batch = Batch<String>(from: Position(nextOffset: 0, epoch: 1, anchor: [7]))
        for record in records { record.withBorrowed { reading.read($0, into: &batch) { _, _ in false } } }
        return batch
      }
      let whole = batch(records)
      #expect(whole.halt == nil)
      for entry in whole.entries {
        let divided = try whole.step(through: entry, hasher)
        let ended = try batch(records.prefix { $0.offset <= entry.offset }).step(hasher)
        #expect(divided == ended)
      }
    }
  }

  @Test func aRecordFromNoLaneIsRefusedOnATopicOfTheSuite() throws {
    let batch = try read([record(0, "1"), record(1, "1", lane: "#holes", sequence: 9), record(2, "1", lane: "x", sequence: 0)], hasLanes: true)
    let refused = batch.entries.filter { if case .refused = $0.content { true } else { false } }
    #expect(refused.count == 3)
    #expect(batch.lanesIn == LaneTable())
  }
}

@Suite struct LogCheckTests {
  private let partition = TopicPartition(topic: "t", partition: 1)
  private let position = Position(nextOffset: 10, epoch: 3, anchor: [1])

  private func kind(_ low: Int64, _ high: Int64, _ digest: [UInt8]?) -> Missing? {
    LogCheck.judge(position, LogSight(low: low, high: high, digestBefore: digest), of: partition)?.missing
  }

  @Test func aLogThatHoldsThePositionAndItsAnchorIsTheSame() {
    #expect(kind(0, 10, [1]) == nil)
    #expect(kind(10, 10, nil) == nil)
    #expect(kind(0, 99, nil) == nil)
  }

  @Test func aLogThatEndsBeforeBeginsAfterOrHoldsAnotherRecordIsNot() {
    #expect(kind(0, 9, nil) == Missing(.endsEarly, from: 9, to: 9))
    #expect(kind(12, 20, nil) == Missing(.removed, from: 10, to: 11))
    #expect(kind(0, 20, [2]) == Missing(.anotherRecord, from: 9, to: 9))
  }

  @Test func whatAnOperatorAcceptsGoesOnWhereNothingMoreIsLost() {
    let reach = Watermarks(low: 4, high: 50)
    func step(_ missing: Missing) -> Step { PartitionOwner.step(after: missing, from: position, reach) }
    #expect(step(Missing(.laneGap, lane: "x", from: 2, to: 6)).lanesIn["x"] == 6)
    #expect(step(Missing(.laneGap, lane: "x", from: 2, to: 6)).nextOffset == 10)
    #expect(step(Missing(.endsEarly, from: 4, to: 9)).nextOffset == 4)
    #expect(step(Missing(.anotherRecord, from: 9, to: 9)).anchor == nil)
    #expect(step(Missing(.removed, from: 10, to: 11)).lanesIn.adoptBelow == 50)
    #expect(step(Missing(.damagedRecords, from: 10, to: 12)).nextOffset == 13)
  }
}

@Suite struct BatchPaceTests {
  @Test func smallBatchesAreSpacedAndLargeOnesAreNot() {
    var pace = BatchPace()
    #expect(pace.restMilliseconds(0) == 0)
    pace.began(5_000_000, records: 3, of: 20_000)
    #expect(pace.restMilliseconds(5_000_000) == 10)
    #expect(pace.restMilliseconds(14_000_001) == 1)
    #expect(pace.restMilliseconds(15_000_000) == 0)
    pace.began(15_000_000, records: BatchPace.recordsMax, of: 20_000)
    #expect(pace.restMilliseconds(15_000_000) == 0)
    // After work that was too large, batches are small and yet full.
    pace.began(15_000_000, records: 3, of: 3)
    #expect(pace.restMilliseconds(15_000_000) == 0)
  }
}

@Suite struct BatchSizeTests {
  @Test func aBatchThatWasTooLargeIsHalvedDownToOneAndGrowsAgain() {
    var size = BatchSize(recordsMax: 5)
    for _ in 0..<5 { size.tooLarge() }
    #expect(size.records == 1)
    for _ in 0..<(3 * BatchSize.successesMin) { size.wentWell() }
    #expect(size.records == 5)
  }

  @Test func aBatchThatTookTooLongForAStopIsFollowedByOneOfHalfItsRecords() {
    var size = BatchSize(recordsMax: 20_000)
    size.took(BatchSize.nanosecondsMax, records: 3_000)
    #expect(size.records == 20_000)
    size.took(BatchSize.nanosecondsMax + 1, records: 3_000)
    #expect(size.records == 1_500)
    // A single record cannot be halved, however long it took.
    size.took(BatchSize.nanosecondsMax + 1, records: 1)
    #expect(size.records == 1_500)
  }
}

@Suite(.serialized, .enabled(if: TestDatabase.isAvailable, "\(TestDatabase.whyNot)")) struct GapTests {
  private func laned(_ sequence: Int64, _ value: String) -> OutgoingRecord {
    OutgoingRecord(
      topic: "toy.out", partition: 0, key: Array(value.utf8), value: Array(value.utf8),
      headers: [KafkaHeader("lane", "x/y/0"), KafkaHeader("seq", String(sequence))])
  }

  private func isHalted(_ consumer: TopicConsumer<NumberHandler>) -> Bool { consumer.states.contains { $0.state.isHalted } }

  @Test func aGapThatAnOperatorAcceptedIsSettledAndThePartitionGoesOn() async throws {
    try await Toy.with { toy in
      try await toy.publish([laned(1, "1"), laned(4, "4"), laned(5, "5")])
      let consumer = toy.consumer("two")
      try await toy.run([consumer]) {
        guard isHalted(consumer) || toyHasGone(consumer) else { return false }
        _ = try await toy.query("two", "UPDATE gap_log SET accepted_at = now() WHERE accepted_at IS NULL RETURNING '1'")
        return try await toy.numbers("two").count == 3
      }
      #expect(try await toy.numbers("two") == [1, 4, 5])
      let log = try await toy.query("two", "SELECT kind || ' ' || from_number || '-' || to_number || ' ' || (settled_at IS NOT NULL) FROM gap_log")
      #expect(log == ["lane-gap 2-3 true"])
    }
  }

  private func toyHasGone(_ consumer: TopicConsumer<NumberHandler>) -> Bool { consumer.states.contains { $0.state == .running } }

  @Test func aPositionBehindTheEndHaltsUntilItIsAcceptedAndThenTheLogIsReadFromItsBeginning() async throws {
    try await Toy.with { toy in
      try await toy.publish(["1", "2"].map(toy.record))
      try await toy.run([toy.consumer("one")]) { try await toy.numbers("one").count == 2 }
      _ = try await toy.query("one", "UPDATE positions SET next_offset = 1000, anchor = NULL WHERE next_offset > 0 RETURNING '1'")
      let consumer = toy.consumer("one")
      try await toy.run([consumer]) { isHalted(consumer) }
      let kinds = try await toy.query("one", "SELECT DISTINCT kind FROM gap_log")
      #expect(kinds == ["ends-early"])
      #expect(try await toy.numbers("one") == [1, 2])
      _ = try await toy.query("one", "UPDATE gap_log SET accepted_at = now() RETURNING '1'")
      try await toy.run([toy.consumer("one")]) { try await toy.numbers("one").count == 4 }
      #expect(try await toy.query("one", "SELECT count(*)::text FROM gap_log WHERE settled_at IS NULL") == ["0"])
    }
  }

  @Test func anotherRecordBeforeThePositionHaltsARunningPartition() async throws {
    try await Toy.with { toy in
      try await toy.publish([toy.record("1")])
      var limits = BatchLimits()
      limits.checkNanoseconds = 100_000_000
      try await toy.run([toy.consumer("one", limits: limits)]) { try await toy.numbers("one").count == 1 }
      _ = try await toy.query("one", "UPDATE positions SET anchor = '\\x00' WHERE anchor IS NOT NULL RETURNING '1'")
      let consumer = toy.consumer("one", limits: limits)
      try await toy.run([consumer]) { isHalted(consumer) }
      #expect(try await toy.query("one", "SELECT DISTINCT kind FROM gap_log") == ["another-record"])
      // The log comes back as it was: nobody need say anything.
      _ = try await toy.query("one", "UPDATE positions SET anchor = NULL RETURNING '1'")
      try await toy.run([toy.consumer("one", limits: limits)]) {
        try await toy.query("one", "SELECT count(*)::text FROM gap_log WHERE settled_at IS NULL") == ["0"]
      }
    }
  }

  @Test func aPositionOfAnotherClusterIsTakenAlongOnlyWhenAnOperatorSaysSo() async throws {
    try await Toy.with { toy in
      try await toy.publish([toy.record("1")])
      try await toy.run([toy.consumer("one")]) { try await toy.numbers("one").count == 1 }
      _ = try await toy.query("one", "UPDATE positions SET cluster = 'the-former-one' RETURNING '1'")
      let consumer = toy.consumer("one")
      try await toy.run([consumer]) { isHalted(consumer) }
      _ = try await toy.query("one", "UPDATE gap_log SET accepted_at = now() RETURNING '1'")
      try await toy.run([toy.consumer("one")]) { try await toy.numbers("one").count == 2 }
      #expect(try await toy.query("one", "SELECT count(*)::text FROM positions WHERE cluster = 'the-former-one' AND next_offset > 0") == ["0"])
    }
  }

  @Test func aStoppedOwnerInTheMiddleOfATransactionIsEndedByTheNextOne() async throws {
    try await Toy.with { toy in
      try await TestDatabase.blocking {
        let environment = toy.environment("one")
        let key = PositionKey(consumer: "one", cluster: toy.cluster, topic: "toy.in", partition: 0)
        let stopped = try PostgresSession(environment.database)
        let next = try PostgresSession(environment.database)
        let store = PostgresLaneStore(stopped, logger: .silent)
        let held = try store.claim(key, owner: "the one that is stopped")
        try stopped.begin()
        let isMoved = try store.move(key, to: Step(nextOffset: 7, anchor: nil, lanesIn: LaneTable()), from: held)
        #expect(isMoved)
        let position = try PostgresLaneStore(next, logger: .silent).claim(key, owner: "the next")
        #expect(position.nextOffset == 0)
        #expect(position.epoch == held.epoch + 1)
        #expect(throws: PostgresFailure.self) { try stopped.commit() }
      }
    }
  }

  @Test func aBatchThatTheDatabaseDoesNotFinishInTimeIsHalvedUntilItDoes() async throws {
    try await Toy.with { toy in
      try await toy.publish((1...60).map { toy.record(String($0)) })
      _ = try await toy.query(
        "one",
        "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(0.02); RETURN NEW; END $$")
      _ = try await toy.query("one", "CREATE TRIGGER slow BEFORE INSERT ON numbers FOR EACH ROW EXECUTE FUNCTION slow()")
      var environment = toy.environment("one")
      environment.database.statementTimeoutMilliseconds = 250
      let consumer = TopicConsumer(
        topics: ["toy.in"], handler: NumberHandler(consumer: "one", hasLanes: false, sendsTo: nil), environment: environment, probe: toy.probe)
      try await toy.run([consumer]) {
        let quarantined = try await toy.query("one", "SELECT count(*)::text FROM quarantine")
        let count = try await toy.numbers("one").count
        return count == 59 && quarantined == ["1"]
      }
    }
  }

  /// Number 2 never works.
  private struct BrokenBell: DueHandler {
    let kinds = [DueKind(7)]
    func apply(_ due: [DueItem], _ scope: inout BatchScope) throws -> [DueItem] {
      for item in due { try scope.session.execute("INSERT INTO numbers VALUES (CASE \(item.id) WHEN 2 THEN 1 / 0 ELSE \(item.id) END)") }
      return []
    }
  }

  @Test func dueWorkThatFailsByItselfIsPostponedAndDoesNotStandInTheWay() async throws {
    try await Toy.with { toy in
      _ = try await toy.query("one", "INSERT INTO due_work (kind, id, due_at) SELECT 7, i, to_timestamp(5) FROM generate_series(1, 9) i RETURNING '1'")
      let lane = DueLane(handler: BrokenBell(), environment: toy.environment("one"))
      try await toy.run([lane]) { try await toy.query("one", "SELECT count(*)::text FROM due_work WHERE failures = 0") == ["0"] }
      #expect(try await toy.numbers("one") == [1, 3, 4, 5, 6, 7, 8, 9])
      #expect(try await toy.query("one", "SELECT id || ' ' || failures || ' ' || (not_before > now()) FROM due_work") == ["2 1 true"])
    }
  }
}
