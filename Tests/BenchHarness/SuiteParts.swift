// All three services together: how long a record takes from end to end, how much memory they need, how soon they are ready.
import Contracts
import Domain
import Kafka
import Lifecycle
import Postgres
import Telemetry
import Text

/// The three services on a database and a Kafka with nothing in them.
struct WholeSuite: Sendable {
  /// The way of an order.
  static let services = ["ingest", "profile", "tiering"]
  /// What an operator's commands look for.
  static let allServices = services + ["tickets", "feedback", "connector"]
  static let database = "bench_suite"
  static let partitions = 2

  let bench: Bench
  let running: [RunningService]
  /// Resident memory of each when it had nothing to do yet, in MiB.
  let idleMebibytes: [Double]

  static func start(
    _ bench: Bench, clock: String?, services: [String] = services, settings: [String: String] = [:]
  ) async throws -> WholeSuite {
    try await bench.ground.startKafka("suite")
    try await bench.ground.makeTopics(Topics.all, partitions: partitions)
    try await bench.ground.makeDatabase(database)
    var running: [RunningService] = []
    for service in services {
      let plan = ServicePlan(service: service, instance: "bench-\(service)", database: database, clock: clock, settings: settings)
      try await RunningService.migrate(plan, bench)
      running.append(try await RunningService.start(plan, bench))
    }
    _ = await bench.stop.wait(atMost: .seconds(5))
    try bench.checkStop()
    return WholeSuite(bench: bench, running: running, idleMebibytes: running.map { ProcessFigures.memory(of: $0.pid)?.residentMebibytes ?? .nan })
  }

  func stop() async throws {
    for service in running { try await service.stop() }
    await bench.ground.dropDatabase(WholeSuite.database)
    await bench.ground.stopKafka()
  }

  /// Waits until so many customers have a rating.
  ///
  /// - Parameter published: and nobody has anything left to publish, which takes longer where customers came to several lanes at once.
  func untilRated(customers: Int64, records: Int64, published: Bool = true, withinSeconds limit: Int) async throws {
    let outboxes = WholeSuite.services.map { "(SELECT count(*) FROM \($0).outbox)" }.joined(separator: " + ")
    let read = "(SELECT coalesce(sum(next_offset), 0)::int8 FROM ingest.positions WHERE topic = '\(Topics.ordersIn.name)')"
    let sql = "SELECT (SELECT count(*) FROM tiering.customers WHERE tier IS NOT NULL), \(read), \(outboxes)"
    let settings = try await bench.ground.settings(WholeSuite.database)
    let (bench, running) = (bench, running)
    try await blocking {
      try WholeSuite.look(settings, sql, bench, running, limit) { $0 >= customers && $1 >= records && ($2 == 0 || !published) }
    }
  }

  /// Asks for three numbers until they are right. Blocks.
  private static func look(
    _ settings: PostgresSettings, _ sql: String, _ bench: Bench, _ running: [RunningService], _ secondsMax: Int, _ isDone: (Int64, Int64, Int64) -> Bool
  ) throws {
    let session = try PostgresSession(settings)
    defer { session.close() }
    let statement = Statement(name: "bench_suite_done", sql: sql)
    let began = SystemTime.monotonicNanoseconds()
    while true {
      try bench.checkStop()
      for service in running { try service.check() }
      let rows = try session.query(statement)
      if try isDone(rows.int64(0, 0), rows.int64(0, 1), rows.int64(0, 2)) { return }
      guard secondsSince(began) < Double(secondsMax) else { throw BenchFailure("not all customers were rated within \(secondsMax) s") }
      _ = bench.stop.waitBlocking(milliseconds: lookMilliseconds)
    }
  }

  /// Seldom, so that looking takes little of what is looked at.
  private static let lookMilliseconds = 500
}

/// Memory of each service, idle and while all three work off the whole stream as fast as they can; and how soon each is ready.
struct MemoryPart: Sendable {
  static let figures = ["service_rss_mb", "service_idle_rss_mb"]
  let bench: Bench
  let stream: OrderStream

  func run(_ report: inout Report) async throws {
    let suite = try await WholeSuite.start(bench, clock: OrderStream.clock)
    let settings = bench.ground.kafkaSettings("bench-memory")
    let (stop, orders) = (bench.stop, stream.orders)
    let began = SystemTime.monotonicNanoseconds()
    let published = try await blocking {
      var rest = orders[...]
      return try Publishing.all(settings, stop: stop) {
        rest.popFirst().map { order in
          OutgoingRecord(
            topic: Topics.ordersIn.name, key: Array(order.orderID.utf8), value: order.input, headers: [KafkaHeader(Header.inputSource, OrderStream.source)])
        }
      }
    }
    try await suite.untilRated(customers: stream.expected.customers, records: Int64(published), published: false, withinSeconds: 600)
    let ratedSeconds = secondsSince(began)
    try await suite.untilRated(customers: stream.expected.customers, records: Int64(published), withinSeconds: 600)
    let seconds = secondsSince(began)
    _ = await bench.stop.wait(atMost: .seconds(5))
    try bench.checkStop()
    var table = TextTable(
      "memory and readiness; \(published) events through all three services: all rated after \(NumberText.fixed(ratedSeconds, 1)) s, all published after "
        + "\(NumberText.fixed(seconds, 1)) s",
      ["service", "ready ms", "idle MB", "most MB", "afterwards MB"])
    var peaks: [Double] = []
    for (service, idle) in zip(suite.running, suite.idleMebibytes) {
      guard let memory = ProcessFigures.memory(of: service.pid) else { throw BenchFailure("\(service.name) ended: see \(service.log)") }
      peaks.append(memory.peakMebibytes)
      table.rows.append(
        [
          service.name, NumberText.fixed(service.readySeconds * 1_000, 0), NumberText.fixed(idle, 1), NumberText.fixed(memory.peakMebibytes, 1),
          NumberText.fixed(memory.residentMebibytes, 1),
        ])
    }
    try await suite.stop()
    report.tables.append(table)
    report.figures.append(Figure("service_rss_mb", peaks.max(), digits: 1))
    report.figures.append(Figure("service_idle_rss_mb", suite.idleMebibytes.max(), digits: 1))
  }
}
