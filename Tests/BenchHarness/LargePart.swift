// The hot path with millions of facts stored, beside the rivals with as many.
import Contracts
import Postgres
import Telemetry

/// The facts that are there before: each customer of the stream among many others, orders of the year before.
struct StoredFacts: Sendable {
  static let daysApart: Int64 = 15_000_000
  /// 1 June 1996.
  static let firstSecond: Int64 = 833_587_200

  let count: Int
  /// The stream's customers come first.
  private let named: [String]
  let customers: Int

  init(count: Int, stream: OrderStream) {
    self.count = count
    named = Set(stream.orders.map(\.customer)).sorted()
    // Four facts each, but for the stream's, who come in addition.
    customers = min(count, count / 4 + named.count)
  }

  /// Everybody once, then by chance.
  private func customer(_ number: Int) -> Int {
    number < customers ? number : Int(Draw.mixed(UInt64(number)) % UInt64(customers))
  }

  private func cents(_ number: Int) -> Int64 { Int64(1_000 + number % 5_000) }

  func order(_ number: Int) -> StreamOrder {
    let customer = customer(number)
    return StreamOrder(
      orderID: "OLD-\(number)", eventID: "OLD-\(number)-1", customer: customer < named.count ? named[customer] : "p-\(customer)",
      at: (StoredFacts.firstSecond + Int64(number) % StoredFacts.daysApart) * 1_000_000, cents: cents(number), items: 1 + number % 5)
  }

  /// What the stream's customers have before the stream.
  var ofTheStream: OrderStream.Sums {
    var sums = OrderStream.Sums()
    for number in 0..<count where customer(number) < named.count {
      sums.orders += 1
      sums.cents += cents(number)
    }
    return sums
  }
}

struct LargePart: Sendable {
  static let figures = ["large_vs_rust", "large_wal_vs_rust", "large_vs_empty"]
  static let database = "bench_large"
  static let secondsMax = 4 * 3_600

  let bench: Bench
  let rivals: Rivals?
  let reason: String
  let stream: OrderStream

  func run(_ report: inout Report) async throws {
    let facts = StoredFacts(count: bench.options.facts, stream: stream)
    let data = PreparedData(bench: bench, service: "profile", content: "\(facts.count) facts, \(stream.expected)")
    if try await !data.exists() { try await prepare(data, facts) }
    let path = HotPath(bench: bench)
    try await path.startKafka()
    let rust = try await rust()
    var expected = facts.ofTheStream
    expected.orders += stream.expected.orders
    expected.cents += stream.expected.cents
    expected.customers = stream.expected.customers
    var (empty, large): ([HotPathRun], [HotPathRun]) = ([], [])
    for round in 1...bench.options.rounds {
      try await path.makeTables()
      let small = try await path.run(stream)
      try await path.check(small, published: stream.expected, stored: stream.expected)
      empty.append(small)
      bench.say("round \(round) profile, empty tables \(NumberText.grouped(small.rate))/s")
      // Its tables would be vacuumed during the next run, into the same log.
      await bench.ground.dropDatabase(HotPath.database)
      try await data.copy(to: LargePart.database)
      let full = HotPath(bench: bench, database: LargePart.database)
      let run = try await full.run(stream, counts: false)
      try await full.check(run, published: expected, stored: nil)
      large.append(run)
      bench.say("round \(round) profile, \(facts.count) facts \(NumberText.grouped(run.rate))/s")
    }
    for database in [LargePart.database, HotPath.database, Rivals.database] { await bench.ground.dropDatabase(database) }
    await bench.ground.stopKafka()
    add(rust, empty, large, facts, to: &report)
  }

  private func add(_ rust: Rivals.Result?, _ empty: [HotPathRun], _ large: [HotPathRun], _ facts: StoredFacts, to report: inout Report) {
    var table = TextTable(
      "hot path with \(NumberText.grouped(Double(facts.count))) facts of \(NumberText.grouped(Double(facts.customers))) customers stored, medians of "
        + "\(large.count) rounds", ["who", "events/s", "own us", "PostgreSQL us", "WAL bytes"])
    func median(_ runs: [HotPathRun], _ value: (HotPathRun) -> Double) -> Double { Statistics.median(runs.map(value)) ?? .nan }
    func row(_ name: String, _ rate: Double, _ own: Double, _ postgres: Double, _ wal: Double) {
      table.rows.append([name, NumberText.grouped(rate), NumberText.fixed(own, 1), NumberText.fixed(postgres, 1), NumberText.grouped(wal)])
    }
    if let rust { row("rust-best", rust.rate, rust.ownMicroseconds, rust.postgresMicroseconds, rust.walBytes ?? .nan) }
    for (name, runs) in [("profile", large), ("profile, empty tables", empty)] {
      row(name, median(runs, \.rate), median(runs, \.ownMicroseconds), median(runs, \.postgresMicroseconds), median(runs, \.walBytes))
    }
    report.tables.append(table)
    func figure(_ name: String, _ value: Double?) { report.figures.append(Figure(name, value, digits: 3, reason: value == nil ? reason : nil)) }
    figure("large_vs_rust", Statistics.ratio(median(large, \.rate), rust?.rate))
    figure("large_wal_vs_rust", Statistics.ratio(median(large, \.walBytes), rust?.walBytes))
    figure("large_vs_empty", Statistics.ratio(median(large, \.rate), median(empty, \.rate)))
  }

  /// Their script stores the facts by itself and runs all its rounds at once.
  private func rust() async throws -> Rivals.Result? {
    guard let rivals, bench.options.events == BenchOptions.eventsDefault else { return nil }
    try await bench.ground.makeDatabase(Rivals.database)
    // Makes and fills its topic.
    _ = try await rivals.once("rust-best", bench)
    bench.say("rust-best: storing \(bench.options.facts) facts and running")
    let arguments = ["--facts", String(bench.options.facts), "--rounds", String(bench.options.rounds), "--data", rivals.data, "rust-best"]
    let text = try await rivals.script("large.py", arguments, database: Rivals.database, bench)
    guard let result = Rivals.result(of: "rust-best", in: text) else { throw BenchFailure("the output of large.py cannot be read: \(text.suffix(400))") }
    bench.say("rust-best \(NumberText.grouped(result.rate))/s")
    return result
  }

  /// Lets `profile` itself take the facts, so that they lie as they do in use, whatever its tables are.
  private func prepare(_ data: PreparedData, _ facts: StoredFacts) async throws {
    bench.say("storing \(facts.count) facts of \(facts.customers) customers by profile itself, once: later runs use them again")
    let plan = try await data.begin()
    try await bench.ground.startKafka("large", settings: ["log.retention.check.interval.ms": "10000"])
    // Nobody reads the snapshots: what is old goes.
    let short = ["cleanup.policy": "delete", "retention.bytes": "134217728", "segment.bytes": "33554432"]
    try await bench.ground.makeTopics(Topics.all, partitions: 2, settings: [Topics.profiles.name: short])
    let service = try await RunningService.start(plan, bench)
    let settings = bench.ground.kafkaSettings("bench-facts")
    let stop = bench.stop
    _ = try await blocking {
      var records = try IngestRecords(partitions: 2)
      var number = 0
      return try Publishing.all(settings, stop: stop) {
        guard number < facts.count else { return nil }
        defer { number += 1 }
        return try records.record(facts.order(number))
      }
    }
    bench.say("published; profile reads")
    _ = try await ProfileWatch(bench: bench, database: plan.database, services: [service]).untilDone(events: facts.count)
    try await service.stop()
    await bench.ground.stopKafka()
    try await data.keep(plan)
  }
}
