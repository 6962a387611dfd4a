// All stored customers rated anew, as it happens when another scorecard comes into force.
import Contracts
import Lifecycle
import Postgres
import Telemetry

struct ReratePart: Sendable {
  static let figures = ["rerate_million_seconds"]
  static let database = "bench_rerate"
  static let partitions = 2
  /// The scorecard customers are rated by first, and the one that takes its place.
  static let scorecards = (before: "standard", after: "rfm-plus")
  static let secondsMax = 1_200

  let bench: Bench
  let stream: OrderStream

  func run(_ report: inout Report) async throws {
    let customers = bench.options.customers
    let data = PreparedData(bench: bench, service: "tiering", content: "\(customers) customers by \(ReratePart.scorecards.before), \(stream.expected)")
    if try await !data.exists() { try await prepare(data, customers) }
    try await data.copy(to: ReratePart.database)
    try await bench.ground.startKafka("rerate")
    try await bench.ground.makeTopics(Topics.all, partitions: ReratePart.partitions)
    bench.say("rating \(customers) customers by another scorecard")
    let plan = ServicePlan(
      service: "tiering", instance: "bench-tiering", database: ReratePart.database, clock: OrderStream.clock,
      settings: ["TIERING_SCORECARD": ReratePart.scorecards.after])
    let postgresBefore = bench.ground.postgresSeconds
    let began = SystemTime.monotonicNanoseconds()
    let service = try await RunningService.start(plan, bench)
    let isRated = "SELECT NOT EXISTS (SELECT FROM tiering.due_work WHERE kind = 1) AND NOT EXISTS (\(ReratePart.leftOver))"
    try await wait(service, isRated)
    let seconds = secondsSince(began)
    try await wait(service, "SELECT NOT EXISTS (SELECT FROM tiering.outbox)")
    let published = secondsSince(began)
    let own = ProcessFigures.times(of: service.pid)?.own ?? .nan
    let postgres = bench.ground.postgresSeconds - postgresBefore
    try await service.stop()
    let found = try await bench.ground.numbers(
      ReratePart.database, "SELECT count(*) FROM tiering.customers WHERE scorecard = '\(ReratePart.scorecards.after)'")
    guard found.first == Int64(customers) else { throw BenchFailure("\(found.first ?? 0) of \(customers) customers are rated by the other scorecard") }
    await bench.ground.dropDatabase(ReratePart.database)
    await bench.ground.stopKafka()
    var table = TextTable(
      "\(NumberText.grouped(Double(customers))) stored customers rated by another scorecard, from the start of the service on",
      ["", "seconds", "published s", "customers/s", "own us", "PostgreSQL us"])
    let each = 1e6 / Double(customers)
    table.rows.append(
      [
        "tiering", NumberText.fixed(seconds, 1), NumberText.fixed(published, 1), NumberText.grouped(Double(customers) / seconds),
        NumberText.fixed(own * each, 1), NumberText.fixed(postgres * each, 1),
      ])
    report.tables.append(table)
    report.figures.append(Figure("rerate_million_seconds", seconds * 1e6 / Double(customers), digits: 1))
  }

  private static let leftOver = "SELECT FROM tiering.customers WHERE scorecard IS DISTINCT FROM '\(scorecards.after)' AND merged_into IS NULL"

  private func prepare(_ data: PreparedData, _ customers: Int) async throws {
    bench.say("storing \(customers) customers, once: later runs use them again")
    var plan = try await data.begin()
    plan.settings["TIERING_SCORECARD"] = ReratePart.scorecards.before
    try await bench.ground.startKafka("rerate")
    try await bench.ground.makeTopics(Topics.all, partitions: ReratePart.partitions)
    let service = try await RunningService.start(plan, bench)
    let settings = bench.ground.kafkaSettings("bench-snapshots")
    let (stop, stream) = (bench.stop, stream)
    _ = try await blocking {
      var records = try SnapshotRecords(ScoresPart.ledgers(stream), partitions: ReratePart.partitions)
      var number = 0
      return try Publishing.all(settings, stop: stop) {
        guard number < customers else { return nil }
        number += 1
        return records.record(number)
      }
    }
    let read = "SELECT (SELECT coalesce(sum(next_offset), 0) FROM tiering.positions WHERE topic = '\(Topics.profiles.name)') >= \(customers)"
    try await wait(service, "\(read) AND NOT EXISTS (SELECT FROM tiering.outbox)", plan.database)
    try await service.stop()
    try await data.keep(plan)
  }

  /// Waits for a question to be answered with yes.
  private func wait(_ service: RunningService, _ sql: String, _ database: String = ReratePart.database) async throws {
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
