// All stored customers simulated by another scorecard, and rated anew by it when it comes into force (T-10).
import Contracts
import Lifecycle
import Postgres
import Telemetry
import Text

struct ReratePart: Sendable {
  static let figures = ["simulate_million_seconds", "rerate_million_seconds"]
  static let database = "bench_rerate"
  /// The scorecard that takes the place of the one customers were rated by.
  static let scorecard = "rfm-plus"
  static let secondsMax = 1_200

  let bench: Bench
  let stream: OrderStream

  func run(_ report: inout Report) async throws {
    let customers = bench.options.customers
    let stored = RatedCustomers(bench: bench, stream: stream)
    try await stored.copy(to: ReratePart.database)
    let service = try await stored.serve(ReratePart.database)
    bench.say("simulating \(customers) customers by another scorecard")
    let simulating = Stretch(service, bench)
    try await simulate(service, customers)
    let simulated = simulating.end()
    bench.say("rating \(customers) customers by it")
    let rating = Stretch(service, bench)
    _ = try await service.send(
      "/v1/scorecards/\(ReratePart.scorecard)/1/activate", ["actor": "bench", "reason": "bench", "without_canary": true])
    let leftOver = "SELECT FROM tiering.customers WHERE scorecard IS DISTINCT FROM '\(ReratePart.scorecard)' AND merged_into IS NULL"
    try await stored.wait(service, ReratePart.database, "SELECT NOT EXISTS (SELECT FROM tiering.due_work WHERE kind = 1) AND NOT EXISTS (\(leftOver))")
    let seconds = rating.seconds
    try await stored.wait(service, ReratePart.database, "SELECT NOT EXISTS (SELECT FROM tiering.outbox)")
    let rated = rating.end()
    try await service.stop()
    let found = try await bench.ground.numbers(
      ReratePart.database, "SELECT count(*) FROM tiering.customers WHERE scorecard = '\(ReratePart.scorecard)'")
    guard found.first == Int64(customers) else { throw BenchFailure("\(found.first ?? 0) of \(customers) customers are rated by the other scorecard") }
    await bench.ground.dropDatabase(ReratePart.database)
    await bench.ground.stopKafka()
    tell(customers, simulated, rated, ratedSeconds: seconds, &report)
  }

  private func simulate(_ service: RunningService, _ customers: Int) async throws {
    let path = "/v1/scorecards/\(ReratePart.scorecard)/1/simulation?lines=none"
    let lines = try await service.send(path, ["actor": "bench", "reason": "bench"]).split(separator: 0x0A)
    guard let last = try lines.last.map({ try JSONValue(Array($0)) }), last["end"]?.booleanValue == true, last["customers"]?.intValue == customers else {
      throw BenchFailure("the simulation is not of \(customers) customers")
    }
  }

  private func tell(_ customers: Int, _ simulated: Stretch.Figures, _ rated: Stretch.Figures, ratedSeconds: Double, _ report: inout Report) {
    var table = TextTable(
      "\(NumberText.grouped(Double(customers))) stored customers by another scorecard: simulated, and rated anew from the switch on",
      ["", "seconds", "published s", "customers/s", "own us", "PostgreSQL us"])
    let each = 1e6 / Double(customers)
    for (name, seconds, published, stretch) in [
      ("simulated", simulated.seconds, "-", simulated), ("rated anew", ratedSeconds, NumberText.fixed(rated.seconds, 1), rated),
    ] {
      table.rows.append(
        [
          name, NumberText.fixed(seconds, 1), published, NumberText.grouped(Double(customers) / seconds), NumberText.fixed(stretch.own * each, 1),
          NumberText.fixed(stretch.postgres * each, 1),
        ])
    }
    report.tables.append(table)
    report.figures.append(Figure("simulate_million_seconds", simulated.seconds * each, digits: 1))
    report.figures.append(Figure("rerate_million_seconds", ratedSeconds * each, digits: 1))
  }
}

/// A stretch of time, and the processor time that the service and PostgreSQL take in it.
struct Stretch {
  struct Figures {
    let seconds: Double
    let own: Double
    let postgres: Double
  }

  private let service: RunningService
  private let bench: Bench
  private let began = SystemTime.monotonicNanoseconds()
  private let own: Double
  private let postgres: Double

  init(_ service: RunningService, _ bench: Bench) {
    self.service = service
    self.bench = bench
    own = ProcessFigures.times(of: service.pid)?.own ?? .nan
    postgres = bench.ground.postgresSeconds
  }

  var seconds: Double { secondsSince(began) }

  func end() -> Figures {
    Figures(
      seconds: seconds, own: (ProcessFigures.times(of: service.pid)?.own ?? .nan) - own, postgres: bench.ground.postgresSeconds - postgres)
  }
}

/// Customers with ratings, stored once: later runs use them again.
struct RatedCustomers: Sendable {
  static let partitions = 2
  /// The scorecard that they are rated by.
  static let scorecard = "standard"

  let bench: Bench
  let stream: OrderStream

  private var customers: Int { bench.options.customers }

  /// A fresh copy of them, made first where there is none.
  func copy(to database: String) async throws {
    let data = PreparedData(bench: bench, service: "tiering", content: "\(customers) customers by \(RatedCustomers.scorecard), \(stream.expected)")
    if try await !data.exists() { try await prepare(data) }
    try await data.copy(to: database)
  }

  /// The service over a copy, with a Kafka of its own that knows nothing yet.
  func serve(_ database: String) async throws -> RunningService {
    try await bench.ground.startKafka("rerate")
    try await bench.ground.makeTopics(Topics.all, partitions: RatedCustomers.partitions)
    return try await RunningService.start(
      ServicePlan(service: "tiering", instance: "bench-tiering", database: database, clock: OrderStream.clock), bench)
  }

  private func prepare(_ data: PreparedData) async throws {
    bench.say("storing \(customers) customers, once: later runs use them again")
    var plan = try await data.begin()
    plan.settings["TIERING_SCORECARD"] = RatedCustomers.scorecard
    try await bench.ground.startKafka("rerate")
    try await bench.ground.makeTopics(Topics.all, partitions: RatedCustomers.partitions)
    let service = try await RunningService.start(plan, bench)
    let settings = bench.ground.kafkaSettings("bench-snapshots")
    let (stop, stream, customers) = (bench.stop, stream, customers)
    _ = try await blocking {
      var records = try SnapshotRecords(ScoresPart.ledgers(stream), partitions: RatedCustomers.partitions)
      var number = 0
      return try Publishing.all(settings, stop: stop) {
        guard number < customers else { return nil }
        number += 1
        return records.record(number)
      }
    }
    let read = "SELECT (SELECT coalesce(sum(next_offset), 0) FROM tiering.positions WHERE topic = '\(Topics.profiles.name)') >= \(customers)"
    try await wait(service, plan.database, "\(read) AND NOT EXISTS (SELECT FROM tiering.outbox)")
    try await service.stop()
    try await data.keep(plan)
  }

  /// Waits for a question to be answered with yes.
  func wait(_ service: RunningService, _ database: String, _ sql: String) async throws {
    let settings = try await bench.ground.settings(database)
    let bench = bench
    try await blocking {
      let session = try PostgresSession(settings)
      defer { session.close() }
      let statement = Statement(name: "bench_rerate", sql: sql)
      let began = SystemTime.monotonicNanoseconds()
      while try !session.query(statement).bool(0, 0) {
        try bench.checkStop()
        try service.check()
        guard secondsSince(began) < Double(ReratePart.secondsMax) else {
          throw BenchFailure("tiering did not get through within \(ReratePart.secondsMax) s: see \(service.log)")
        }
        // The question reads over rows that are done: asked rarely, it costs little of what is measured, and the answer is late by 2 % at most.
        _ = bench.stop.waitBlocking(milliseconds: min(2_000, max(20, Int(secondsSince(began) * 20))))
      }
    }
  }
}
