// The partition processor on a real PostgreSQL and a broker: applied once, refused with reasons, fenced, halted.
@testable import Messaging
import Contracts
import Domain
import Embedded
import Handling
import Kafka
import Lifecycle
import Postgres
import Runtime
import Telemetry
import TestSupport
import Testing

/// Stores numbers, passes them on, refuses what is no number. A number 13 makes PostgreSQL itself refuse.
struct NumberHandler: RecordHandler {
  let consumer: String
  let hasLanes: Bool
  let sendsTo: String?

  func source(of record: borrowing BorrowedRecord) -> String { record.headerText("source") ?? "" }

  func read(_ record: borrowing BorrowedRecord, topic: String) -> Reading<String> {
    guard let value = record.value else { return .ignored }
    let text = String(decoding: value, as: UTF8.self)
    if text.isEmpty || !text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) {
      return .refused([Fault(field: "value", rule: "type", detail: "send a number")])
    }
    return .item(text)
  }

  static let insert = Statement(
    name: "numbers_insert",
    sql: "INSERT INTO numbers (value) SELECT (CASE u.v WHEN '13' THEN 'x' || u.v ELSE u.v END)::int8 FROM unnest($1::text[]) AS u(v)")

  func apply(_ items: [String], _ kept: inout NothingKept, _ scope: inout BatchScope) throws -> [Refusal] {
    _ = try scope.session.run(NumberHandler.insert) { $0.textArray(items) }
    if let sendsTo {
      for item in items {
        scope.send(OutgoingMessage(topic: sendsTo, key: Array(item.utf8), value: Array(item.utf8), id: item, type: "number", time: scope.now))
      }
    }
    return items.enumerated().compactMap { index, item in
      item == "404" ? Refusal(index: index, faults: [Fault(field: "value", rule: "unwanted", detail: "not this one")]) : nil
    }
  }
}

/// A broker, two schemas (`one` reads `toy.in` and writes `toy.out`, `two` reads that) and what runs on them.
struct Toy: Sendable {
  let kafka: KafkaSettings
  let database: PostgresSettings
  let cluster: String
  let probe: KafkaProbe
  let layout: TopicLayout

  static let topics = ["toy.in", "toy.out", "one.toy.in.parked", "two.toy.out.parked"]

  static func with(_ body: (Toy) async throws -> Void) async throws {
    try await TestKafka.with(topics: topics.map { ($0, 2) }) { try await with($0, partitions: 2, body) }
  }

  /// On a broker that has the topics, with so many partitions each.
  static func with(_ kafka: KafkaSettings, partitions: Int32, _ body: (Toy) async throws -> Void) async throws {
    try await TestDatabase.withDatabase { settings in
      let toy = try await TestDatabase.blocking {
        let probe = try KafkaProbe(kafka)
        for schema in ["one", "two"] {
          var place = settings
          place.schema = schema
          let own = (name: "0002_create_toy", sql: "CREATE TABLE numbers (value int8 NOT NULL)")
          let migrations = try Migrations(schema: schema, Resources.migrations(of: "none") + [own])
          try migrations.apply(to: place)
        }
        return Toy(
          kafka: kafka, database: settings, cluster: try probe.clusterId(), probe: probe,
          layout: TopicLayout(Dictionary(uniqueKeysWithValues: topics.map { ($0, partitions) })))
      }
      try await body(toy)
      toy.probe.close()
    }
  }

  func environment(_ schema: String, metrics: Metrics = Metrics(), batches: BatchLimits = BatchLimits()) -> LaneEnvironment {
    var own = database
    own.schema = schema
    var environment = LaneEnvironment(
      service: schema, owner: "test", cluster: cluster, database: own, kafka: kafka, layout: layout,
      clock: FixedClock(Instant(seconds: 1_000_000_000)), logger: .silent, metrics: metrics)
    environment.batches = batches
    return environment
  }

  func consumer(_ schema: String, metrics: Metrics = Metrics(), limits: BatchLimits = BatchLimits()) -> TopicConsumer<NumberHandler> {
    let isFirst = schema == "one"
    return TopicConsumer(
      topics: [isFirst ? "toy.in" : "toy.out"], handler: NumberHandler(consumer: schema, hasLanes: !isFirst, sendsTo: isFirst ? "toy.out" : nil),
      environment: environment(schema, metrics: metrics, batches: limits), probe: probe)
  }

  func numbers(_ schema: String) async throws -> [Int64] {
    let settings = environment(schema).database
    return try await TestDatabase.blocking {
      let session = try PostgresSession(settings)
      defer { session.close() }
      let rows = try session.query(Statement(name: "", sql: "SELECT value FROM numbers ORDER BY 1"))
      return try (0..<rows.count).map { try rows.int64($0, 0) }
    }
  }

  func query(_ schema: String, _ sql: String) async throws -> [String] {
    let settings = environment(schema).database
    return try await TestDatabase.blocking {
      let session = try PostgresSession(settings)
      defer { session.close() }
      let rows = try session.query(Statement(name: "", sql: sql))
      return try (0..<rows.count).map { try rows.textOrNil($0, 0) ?? "NULL" }
    }
  }

  func publish(_ records: [OutgoingRecord]) async throws {
    let producer = try Producer(kafka)
    try producer.start()
    for record in records { _ = try await producer.send(record) }
    _ = await producer.close(within: .seconds(5))
  }

  func record(_ value: String) -> OutgoingRecord { OutgoingRecord(topic: "toy.in", key: Array(value.utf8), value: Array(value.utf8)) }

  /// Runs services until a condition holds, which is asked again and again within a bound.
  func run(_ services: [any Service], until isDone: () async throws -> Bool) async throws {
    let stop = StopSignal()
    try await withThrowingTaskGroup(of: Void.self) { group in
      for service in services { group.addTask { try await service.run(stop) } }
      do { try await eventually(isDone) } catch {
        for case let consumer as TopicConsumer<NumberHandler> in services { Issue.record("\(consumer.name) is at \(consumer.states)") }
        stop.stop()
        throw error
      }
      stop.stop()
      try await group.waitForAll()
    }
  }
}

struct NeverHappened: Error {}

func eventually(_ condition: () async throws -> Bool) async throws {
  let deadline = ContinuousClock.now + .seconds(120)
  while try await !condition() {
    guard ContinuousClock.now < deadline else { throw NeverHappened() }
    await Task.yield()
  }
}

@Suite(.serialized, .enabled(if: TestDatabase.isAvailable, "\(TestDatabase.whyNot)")) struct ProcessorTests {
  @Test func everyRecordIsAppliedOnceAndPassedOnOnceThoughConsumersComeAndGo() async throws {
    try await Toy.with { toy in
      let all = (1_000..<1_400).map { String($0) }
      try await toy.publish(all.map(toy.record))
      try await toy.run([toy.consumer("one")]) { try await toy.numbers("one").count > 0 }
      try await toy.publish((1_400..<1_500).map { toy.record(String($0)) })
      try await toy.run([toy.consumer("one"), toy.consumer("two")]) { try await toy.numbers("two").count >= 500 }
      #expect(try await toy.numbers("one") == Array(1_000..<1_500))
      #expect(try await toy.numbers("two") == Array(1_000..<1_500))
      #expect(try await toy.query("one", "SELECT count(*)::text FROM outbox") == ["0"])
    }
  }

  @Test func aRefusedRecordIsKeptWithItsReasonsAndAnnouncedOnTheParkedTopic() async throws {
    try await Toy.with { toy in
      try await toy.publish(["1", "two", "404", "3"].map(toy.record))
      try await toy.run([toy.consumer("one")]) { try await toy.query("one", "SELECT count(*)::text FROM quarantine") == ["2"] }
      #expect(try await toy.query("one", "SELECT convert_from(value, 'UTF8') FROM quarantine ORDER BY 1") == ["404", "two"])
      #expect(try await toy.query("one", "SELECT DISTINCT reasons->0->>'rule' FROM quarantine ORDER BY 1") == ["type", "unwanted"])
      let parked = try await TestDatabase.blocking { try toy.probe.readAll("one.toy.in.parked") }
      #expect(Set(parked.compactMap { $0.value.map { String(decoding: $0, as: UTF8.self) } }) == ["404", "two"])
      #expect(parked.allSatisfy { $0.header(Header.parkedReasons) != nil && $0.header(Header.lane) != nil })
    }
  }

  @Test func whatPostgreSQLOrATopicCannotHoldIsPutAsideAllTheSame() async throws {
    try await Toy.with { toy in
      let big = OutgoingRecord(topic: "toy.in", key: [1], value: [UInt8](repeating: 0x78, count: 950_000))
      let odd = OutgoingRecord(topic: "toy.in", key: [2], value: [0x78], headers: [KafkaHeader(name: "source", value: [0x61, 0, 0x62])])
      try await toy.publish([big, odd, toy.record("7")])
      try await toy.run([toy.consumer("one")]) {
        let waiting = try await toy.query("one", "SELECT (SELECT count(*) FROM quarantine) || ' ' || (SELECT count(*) FROM outbox)")
        let numbers = try await toy.numbers("one")
        return waiting == ["2 0"] && numbers == [7]
      }
      #expect(try await toy.query("one", "SELECT length(value)::text FROM quarantine ORDER BY 1") == ["1", "950000"])
      #expect(try await toy.query("one", "SELECT DISTINCT source FROM quarantine ORDER BY 1") == ["", "ab"])
      let parked = try await TestDatabase.blocking { try toy.probe.readAll("one.toy.in.parked") }
      #expect(parked.filter { $0.value == nil }.compactMap { $0.header(Header.parkedBytes) }.count == 1)
    }
  }

  @Test func oneRecordThatPostgreSQLRefusesIsFoundAmongManyAndTheOthersCount() async throws {
    try await Toy.with { toy in
      try await toy.publish((1...40).map { toy.record(String($0)) })
      try await toy.run([toy.consumer("one")]) {
        let quarantined = try await toy.query("one", "SELECT count(*)::text FROM quarantine")
        let count = try await toy.numbers("one").count
        return quarantined == ["1"] && count == 39
      }
      #expect(try await toy.query("one", "SELECT convert_from(value, 'UTF8') FROM quarantine") == ["13"])
      #expect(try await toy.query("one", "SELECT reasons->0->>'rule' FROM quarantine") == ["database"])
    }
  }

  @Test func noTransactionHoldsMoreRecordsThanTheLimitOfABatch() async throws {
    try await Toy.with { toy in
      try await toy.publish((101...140).map { toy.record(String($0)) })
      try await toy.run([toy.consumer("one", limits: BatchLimits(recordsMax: 7))]) { try await toy.numbers("one").count == 40 }
      let largest = "SELECT max(n)::text FROM (SELECT count(*) AS n FROM numbers GROUP BY xmin::text) AS transactions"
      #expect(try await toy.query("one", largest).compactMap { Int($0) }.allSatisfy { $0 <= 7 })
    }
  }

  @Test func whatIsFetchedAheadAndTheBytesOfABatchShrinkWithItsRecords() {
    let (large, small, least) = (BatchLimits(recordsMax: 20_000), BatchLimits(recordsMax: 2_000), BatchLimits(recordsMax: 100))
    #expect(large.bytesMax == 12 << 20 && small.bytesMax <= large.bytesMax / 8)
    #expect(small.prefetchKibibytesMax < large.prefetchKibibytesMax && BatchLimits().bytesMax < large.bytesMax)
    // A single record of the largest size still fits.
    #expect(least.bytesMax == 1 << 20 && least.prefetchKibibytesMax == 2_048)
    #expect(BatchLimits(recordsMax: 0).recordsMax == 1)
  }

  private func laned(_ sequence: Int64, _ value: String) -> OutgoingRecord {
    OutgoingRecord(
      topic: "toy.out", partition: 0, key: Array(value.utf8), value: Array(value.utf8),
      headers: [KafkaHeader(Header.lane, "x/y/0"), KafkaHeader(Header.sequence, String(sequence))])
  }

  @Test func aRecordThatARelaySentTwiceIsDroppedByItsLaneNumber() async throws {
    try await Toy.with { toy in
      try await toy.publish([laned(1, "1"), laned(2, "2"), laned(1, "1"), laned(2, "2"), laned(3, "3")])
      try await toy.run([toy.consumer("two")]) { try await toy.numbers("two").count >= 3 }
      #expect(try await toy.numbers("two") == [1, 2, 3])
    }
  }

  @Test func aMissingLaneNumberHaltsThePartitionAndIsWrittenDown() async throws {
    try await Toy.with { toy in
      try await toy.publish([laned(1, "1"), laned(2, "2"), laned(5, "5")])
      let consumer = toy.consumer("two")
      try await toy.run([consumer]) {
        consumer.states.contains { entry in if case .halted(let reason) = entry.state { reason.contains("3 to 4") } else { false } }
      }
      #expect(try await toy.numbers("two") == [1, 2])
      #expect(try await toy.query("two", "SELECT from_number || '-' || to_number FROM gap_log") == ["3-4"])
    }
  }

  @Test func anOwnerThatWasFencedChangesNothing() async throws {
    try await Toy.with { toy in
      try await TestDatabase.blocking {
        let environment = toy.environment("one")
        let key = PositionKey(consumer: "one", cluster: toy.cluster, topic: "toy.in", partition: 0)
        let firstSession = try PostgresSession(environment.database)
        let secondSession = try PostgresSession(environment.database)
        func writer(_ session: PostgresSession) throws -> LaneWriter<PostgresLaneStore, Producer> {
          try LaneWriter(
            key: key, environment: environment, store: PostgresLaneStore(session, logger: .silent), makeProducer: { try Producer(toy.kafka) },
            keepGoing: { true })
        }
        let first = try writer(firstSession)
        let second = try writer(secondSession)
        func step(_ position: Position) -> Step { Step(nextOffset: position.nextOffset + 1, anchor: nil, lanesIn: position.lanesIn) }
        #expect(throws: Fenced.self) { _ = try first.commit(step(first.position)) { try $0.session.execute("INSERT INTO numbers VALUES (1)") } }
        guard case .committed = try second.commit(step(second.position), { try $0.session.execute("INSERT INTO numbers VALUES (2)") }) else {
          Issue.record("the owner could not commit")
          return
        }
        let rows = try secondSession.query(Statement(name: "", sql: "SELECT value FROM numbers"))
        #expect(rows.count == 1)
        #expect(try rows.int64(0, 0) == 2)
      }
    }
  }

  @Test func anotherClusterIsNotReadFromItsBeginning() async throws {
    try await Toy.with { toy in
      try await toy.publish([toy.record("1")])
      try await toy.run([toy.consumer("one")]) { try await toy.numbers("one").count == 1 }
      _ = try await toy.query("one", "UPDATE positions SET cluster = 'the-former-one' RETURNING '1'")
      let consumer = toy.consumer("one")
      try await toy.run([consumer]) {
        consumer.states.contains { entry in if case .halted(let reason) = entry.state { reason.contains("the-former-one") } else { false } }
      }
      #expect(try await toy.numbers("one") == [1])
    }
  }

  /// Due twice, then done with.
  private struct Bell: DueHandler {
    let kinds = [DueKind(7)]
    func apply(_ due: [DueItem], _ scope: inout BatchScope) throws -> [DueItem] {
      for item in due { try scope.session.execute("INSERT INTO numbers VALUES (\(item.id))") }
      return due.filter { $0.at < Instant(seconds: 999_999_000) }.map { DueItem(kind: $0.kind, id: $0.id, at: Instant(seconds: 999_999_500)) }
    }
  }

  /// Few at a time. With the first ones it writes work that was due before all other, and asks for one of them once more.
  private struct BusyBell: DueHandler {
    let kinds = [DueKind(7), DueKind(8)]
    let itemsMax = 10
    func apply(_ due: [DueItem], _ scope: inout BatchScope) throws -> [DueItem] {
      for item in due { try scope.session.execute("INSERT INTO numbers VALUES (\(item.id))") }
      guard due.contains(where: { $0.id == 1 && $0.at == Instant(seconds: 5) }) else { return [] }
      try scope.session.execute("INSERT INTO due_work (kind, id, due_at) VALUES (7, 900, to_timestamp(1)), (8, 901, '-infinity')")
      return [DueItem(kind: 8, id: 1, at: Instant(seconds: 4))]
    }
  }

  @Test func dueWorkOfManyTurnsIsAllDoneAlsoWhatIsWrittenBehindItsFront() async throws {
    try await Toy.with { toy in
      _ = try await toy.query(
        "one",
        "INSERT INTO due_work (kind, id, due_at, not_before) SELECT 7 + i % 2, i, to_timestamp(5 + i / 50), CASE WHEN i % 40 = 3 THEN to_timestamp(6) END"
          + " FROM generate_series(1, 200) i RETURNING '1'")
      let lane = DueLane(handler: BusyBell(), environment: toy.environment("one"))
      try await toy.run([lane]) { try await toy.query("one", "SELECT count(*)::text FROM due_work") == ["0"] }
      #expect(try await toy.numbers("one") == [1] + Array(1...200) + [900, 901])
    }
  }

  @Test func dueWorkIsDoneOnceEachTimeItIsDueAndNotBefore() async throws {
    try await Toy.with { toy in
      _ = try await toy.query(
        "one",
        "INSERT INTO due_work (kind, id, due_at) VALUES (7, 1, to_timestamp(5)), (7, 2, to_timestamp(999999999)), (7, 3, to_timestamp(1000000001))"
          + " RETURNING '1'")
      try await toy.run([DueLane(handler: Bell(), environment: toy.environment("one"))]) { try await toy.numbers("one").count >= 3 }
      #expect(try await toy.numbers("one") == [1, 1, 2])
      #expect(try await toy.query("one", "SELECT id::text FROM due_work") == ["3"])
    }
  }
}
