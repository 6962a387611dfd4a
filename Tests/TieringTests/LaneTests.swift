// The whole service with a broker: snapshots in, tiers out, in lanes.
import Documents
import Contracts
import Domain
import Handling
import Kafka
import Lifecycle
import Messaging
import Postgres
import Telemetry
import TestSupport
import Testing
import Text
import TieringCore
import TieringStore

@testable import Runtime
@testable import tiering

@Suite("The service with a broker", .enabled(if: TestDatabase.isAvailable, Comment(rawValue: TestDatabase.whyNot)), .serialized)
struct LaneTests {
  @Test(
    "Snapshots in, tiers out with lane headers; repeats do nothing, bad records are parked, waiting ones rated on request, reviews by time"
  )
  func endToEnd() async throws {
    try await Tables.with { database in
      try await withBench(database) { bench in
        try await bench.send(snapshot(1, 1, RatingTests.big), sequence: 1, trace: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
        let first = try await bench.tier(at: 0)
        #expect(first.header(Header.lane).map { String(decoding: $0, as: UTF8.self) } == "tiering/profile.profiles.v1/0")
        #expect(first.header(Header.sequence) == Array("1".utf8))
        #expect(first.header(Header.id) == Array("0000000000000001:1".utf8))
        #expect(first.header(Header.type) == Array("clientele.tiering.tier.v1".utf8))
        #expect(first.header(Header.traceParent) == Array("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".utf8))
        #expect(try bench.read(first).memberID == "M1")
        #expect(first.key == Array("0000000000000001".utf8))
        #expect(try bench.read(first).tier == "vip")

        // Read again by its lane number, stale by its version, unreadable, in another currency, then one that must wait for its minute.
        try await bench.send(snapshot(1, 1, RatingTests.big), sequence: 1)
        try await bench.send(snapshot(1, 1), sequence: 2)
        try await bench.send(Array("{\"customer_id\":1}".utf8), sequence: 3)
        var dollars = snapshot(2, 1)
        dollars.currency = try #require(Currency("USD"))
        try await bench.send(dollars, sequence: 4)
        try await bench.send(snapshot(1, 2), sequence: 5)
        let parked = try await bench.record(Topics.parked("tiering", Topics.profiles.name).name, at: 1)
        #expect(parked.header(Header.parkedReasons) == Array("currency.mismatch".utf8))
        let waiting = try await eventually("the change waits") {
          try await Tables.session(database) { try TierQueries.waiting($0) } == 1 ? true : nil
        }
        #expect(waiting)
        #expect(try await Tables.session(database) { try QuarantineTable.list(limit: 10, $0) }.map { $0.offset } == [3, 4])

        // Asked for now: rated in the lane of due work, not by the request.
        let asked = try await Tables.session(database) { try TierQueries.rateNow($0) }
        #expect(asked == 1)
        bench.settings.lane.ring()
        let second = try await bench.tier(at: 1)
        #expect(second.header(Header.lane) == Array("tiering/due/0".utf8))
        #expect(second.header(Header.sequence) == Array("1".utf8))
        #expect(try bench.read(second).version == 2)
        #expect(try bench.read(second).tierBefore == "vip")

        // Half a year later the review comes by itself.
        bench.clock.set(moment("1999-01-02").business)
        bench.settings.lane.ring()
        let third = try await bench.tier(at: 2)
        #expect(try bench.read(third).version == 3)
        #expect(try bench.read(third).asOf == day("1999-01-02"))
        #expect(bench.metrics.render().contains("clientele_tiers_published_total{tier=\"watch\"} 2"))
      }
    }
  }

  @Test("A ticket that says that a complaint was upheld has its customer rated at once, by the lane of due work")
  func complaint() async throws {
    try await Tables.with { database in
      try await withBench(database) { bench in
        try await bench.send(snapshot(1, 1, RatingTests.big), sequence: 1)
        #expect(try bench.read(try await bench.tier(at: 0)).version == 1)
        let ticket = TicketSnapshot(
          ticket: TicketID(number: 7), version: 2, customer: customer(1), state: .resolved, subject: TicketSubject(kind: .complaint), priority: .p3,
          openedAt: bench.clock.now(), isUpheldComplaint: true, resolvedAt: bench.clock.now())
        try await bench.send(JSONWriter.bytes { ticket.write(to: &$0) }, to: Topics.tickets, sequence: 1)
        let line = try await eventually("the customer is rated again") {
          try await Tables.session(database) { try Tables.history($0) }.last { $0.reason == .complaint }
        }
        #expect(line.standing.rating.version == 2 && line.standing.inputs.values[.complaintRate] != nil)
      }
    }
  }

  @Test("A scorecard that changed under its version ends the service with a clear error")
  func changedScorecard() async throws {
    try await Tables.with { database in
      let policies = try Shipped.policies()
      try await Tables.session(database) { session in
        try RuleRegister.register(
          [RuleFile(content: try Shipped.scorecard("standard").content, yaml: "other", source: "x")], policies, try Shipped.benefits(),
          at: Instant(seconds: 0), session)
      }
      try await Bench.withKafka { kafka in
        let bench = try await Bench(database, kafka)
        await #expect(throws: RuleChanged.self) { try await bench.service.run(StopSignal()) }
        await bench.close()
      }
    }
  }

  private func withBench(_ database: PostgresSettings, _ body: (Bench) async throws -> Void) async throws {
    try await Bench.withKafka { try await (try await Bench(database, $0)).run(body) }
  }
}

/// A broker with empty topics, the service's parts, and a profile service played by hand.
struct Bench: Sendable {
  let clock = HandClock(moment("1998-07-01").business)
  let metrics = Metrics()
  let settings: TieringSettings
  let service: TieringService
  private let producer: Producer
  private let probe: KafkaProbe

  static func withKafka(_ body: (KafkaSettings) async throws -> Void) async throws {
    try await TestKafka.with(topics: Topics.all.map { ($0.name, 1) }, body)
  }

  init(_ database: PostgresSettings, _ kafka: KafkaSettings) async throws {
    settings = try Shipped.settings(try Shipped.rules())
    let (settings, clock, metrics) = (settings, clock, metrics)
    (producer, probe, service) = try await TestDatabase.blocking {
      let producer = try Producer(kafka)
      try producer.start()
      let probe = try KafkaProbe(kafka)
      var reader = SettingsReader(
        arguments: [:],
        environment: [
          "DATABASE_URL": "postgres://tiering@localhost/x", "KAFKA_BROKERS": kafka.brokers, "CLIENTELE_PSEUDONYM_KEY": "0123456789abcdef",
        ])
      let common = CommonSettings(&reader, service: "tiering")
      let context = ServiceContext(
        name: "tiering", settings: common, logger: .silent, metrics: metrics, pool: PostgresPool(database), readiness: Readiness())
      let lanes = LaneEnvironment(
        service: "tiering", owner: "tests", cluster: try probe.clusterId(), database: database, kafka: kafka,
        layout: TopicLayout(Dictionary(Topics.all.map { ($0.name, 1) }) { first, _ in first }), clock: clock, logger: .silent,
        metrics: metrics)
      return (producer, probe, TieringService(settings: settings, context: context, lanes: lanes, probe: try KafkaProbe(kafka)))
    }
  }

  /// Runs the body while the service runs, and closes everything.
  func run(_ body: (Bench) async throws -> Void) async throws {
    let stop = StopSignal()
    async let running: Void = service.run(stop)
    do { try await body(self) } catch {
      stop.stop()
      try? await running
      await close()
      throw error
    }
    stop.stop()
    try await running
    await close()
  }

  func close() async {
    _ = await producer.close(within: .seconds(5))
    await service.context.pool.close()
    try? await TestDatabase.blocking { [probe] in probe.close() }
  }

  func send(_ snapshot: ProfileSnapshot, sequence: Int, trace: String? = nil) async throws {
    try await send(JSONWriter.bytes { snapshot.write(to: &$0) }, sequence: sequence, trace: trace)
  }

  func send(_ value: [UInt8], to topic: Topic = Topics.profiles, sequence: Int, trace: String? = nil) async throws {
    var headers = [
      KafkaHeader(Header.lane, "\(topic.name.prefix { $0 != "." })/by-hand/0"), KafkaHeader(Header.sequence, String(sequence)),
      KafkaHeader(Header.time, RFC3339.text(SystemTime.unixMicroseconds())),
    ]
    if let trace { headers.append(KafkaHeader(Header.traceParent, trace)) }
    _ = try await producer.send(
      OutgoingRecord(topic: topic.name, partition: 0, key: Array("k".utf8), value: value, headers: headers))
  }

  func tier(at offset: Int64) async throws -> KafkaRecord { try await record(Topics.tiers.name, at: offset) }

  func record(_ topic: String, at offset: Int64) async throws -> KafkaRecord {
    try await eventually("\(topic) has a record at \(offset)") {
      try await TestDatabase.blocking { [probe] in
        let place = TopicPartition(topic: topic, partition: 0)
        return try probe.watermarks(place).high > offset ? try probe.record(place, at: offset) : nil
      }
    }
  }

  func read(_ record: KafkaRecord) throws -> TierSnapshot {
    try (record.value ?? []).withUnsafeBytes { bytes in
      var reader = JSONReader(bytes)
      return try TierSnapshot(reading: &reader)
    }
  }
}
