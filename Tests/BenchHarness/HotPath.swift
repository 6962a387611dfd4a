// The hot path of `profile`: order events that lie in Kafka become facts, aggregates and snapshots. One run.
import Contracts
import Domain
import Embedded
import Glibc
import Kafka
import Lifecycle
import Postgres
import Telemetry
import Text

/// What one run of `profile` came to; per event where not a rate or a time.
struct HotPathRun: Sendable {
  var rate: Double
  var ownMicroseconds: Double
  var postgresMicroseconds: Double
  var walBytes: Double
  /// From the same start until everything was published as well.
  var publishedSeconds: Double
  /// Of one process.
  var peakMebibytes: Double
  /// As its API counts them afterwards.
  var customers: Int64
  var orders: Int64
}

struct HotPath: Sendable {
  static let database = "bench_profile"
  /// What changes from run to run; the others stay empty.
  static let topics = [Topics.orders, Topics.profiles, Topics.merges]

  let bench: Bench
  var database = HotPath.database
  var partitions = 2
  var processes = 1

  func plan(_ number: Int = 0) -> ServicePlan {
    ServicePlan(service: "profile", instance: "bench-profile-\(number)", database: database, clock: OrderStream.clock)
  }

  /// A Kafka with the topics of all services.
  func startKafka() async throws {
    try await bench.ground.startKafka("profile")
    try await bench.ground.makeTopics(Topics.all, partitions: partitions)
  }

  /// Empty tables.
  func makeTables() async throws {
    try await bench.ground.makeDatabase(database)
    try await RunningService.migrate(plan(), bench)
  }

  /// Reads the whole stream with the tables as they are, and gives the figures and what was stored.
  ///
  /// The clock of the rivals begins with the first message that they receive, when all events lie in Kafka. So that it is the same here: the
  /// service starts with empty topics and waits for records; it is stopped by a signal while they are published; its clock begins when it
  /// goes on.
  ///
  /// - Parameter counts: whether the service is asked afterwards how much is stored, which takes long where that is much.
  func run(_ stream: OrderStream, counts: Bool = true) async throws -> HotPathRun {
    try await bench.ground.makeTopics(HotPath.topics, partitions: partitions)
    try await bench.ground.execute(database, ["CHECKPOINT"])
    let postgresBefore = bench.ground.postgresSeconds
    let walBefore = try await walPosition()
    var services: [RunningService] = []
    for number in 0..<processes { services.append(try await RunningService.start(plan(number), bench)) }
    let watch = ProfileWatch(bench: bench, database: database, services: services)
    try await watch.untilClaimed(partitions: partitions, processes: processes)
    for service in services { service.process.terminate(SIGSTOP) }
    let events = try await Publishing.orders(stream, partitions: partitions, bench)
    _ = await bench.stop.wait(atMost: .milliseconds(HotPath.settleMilliseconds))
    let began = SystemTime.unixMicroseconds()
    for service in services { service.process.terminate(SIGCONT) }
    let end = try await watch.untilDone(events: events)
    _ = await bench.stop.wait(atMost: .milliseconds(200))
    try bench.checkStop()
    let times = services.compactMap { ProcessFigures.times(of: $0.pid)?.own }
    let memory = services.compactMap { ProcessFigures.memory(of: $0.pid)?.peakMebibytes }
    guard times.count == processes, let peak = memory.max() else { throw BenchFailure("profile ended: see \(services.first?.log ?? "its log")") }
    let postgres = bench.ground.postgresSeconds - postgresBefore
    let wal = try await walPosition() - walBefore
    let statistics = counts ? try await services.first?.ask("/v1/statistics") : nil
    for service in services { try await service.stop() }
    let seconds = Double(end.committedAt - began) / 1e6
    let perEvent = 1e6 / Double(events)
    return HotPathRun(
      rate: Double(events) / seconds, ownMicroseconds: times.reduce(0, +) * perEvent, postgresMicroseconds: postgres * perEvent,
      walBytes: Double(wal) / Double(events), publishedSeconds: Double(end.publishedAt - began) / 1e6, peakMebibytes: peak,
      customers: statistics?["customers"]?.int64Value ?? -1, orders: statistics?["orders"]?.int64Value ?? -1)
  }

  /// Between the last record's report and the clock's beginning.
  private static let settleMilliseconds = 500

  private func walPosition() async throws -> Int64 {
    try await bench.ground.numbers("postgres", "SELECT (pg_current_wal_insert_lsn() - '0/0')::int8").first ?? 0
  }

  /// A run with a wrong result is no measurement.
  func check(_ run: HotPathRun, published expected: OrderStream.Sums, stored: OrderStream.Sums?) async throws {
    let found = try await published()
    guard found == expected else { throw BenchFailure("profile is wrong: the newest snapshots hold \(found), and must hold \(expected)") }
    guard let stored else { return }
    guard run.customers == stored.customers, run.orders == stored.orders else {
      throw BenchFailure("profile is wrong: \(run.orders) orders, \(run.customers) customers are stored, and must be \(stored.orders), \(stored.customers)")
    }
  }

  /// The sums of the newest snapshots of all customers that were published.
  func published() async throws -> OrderStream.Sums {
    let settings = bench.ground.kafkaSettings("bench-check")
    return try await blocking {
      let probe = try KafkaProbe(settings, limitMilliseconds: 30_000)
      defer { probe.close() }
      return try HotPath.sums(try probe.readAll(Topics.profiles.name))
    }
  }

  static func sums(_ records: [KafkaRecord]) throws -> OrderStream.Sums {
    var newest: [CustomerID: (version: Int64, orders: Int64, cents: Int64)] = [:]
    for record in records {
      guard let value = record.value else { continue }
      let snapshot = try value.withUnsafeBytes { bytes in
        var reader = JSONReader(bytes)
        return try ProfileSnapshot(reading: &reader)
      }
      guard newest[snapshot.customer].map({ $0.version < snapshot.version }) ?? true else { continue }
      newest[snapshot.customer] = (snapshot.version, snapshot.ledger.orderCount, snapshot.ledger.spend)
    }
    return newest.values.reduce(into: OrderStream.Sums()) { sums, customer in
      sums.orders += customer.orders
      sums.cents += customer.cents
      sums.customers += 1
    }
  }
}

/// Looks at the positions and the outbox of `profile` from outside.
struct ProfileWatch: Sendable {
  let bench: Bench
  let database: String
  let services: [RunningService]

  /// Without any progress for so long something is wrong.
  static let quietSecondsMax = 60
  static let lookMilliseconds = 20

  struct End: Sendable {
    /// When the last position was committed, in microseconds since 1970: the server's own stamp.
    var committedAt: Int64
    /// When the outbox was seen empty.
    var publishedAt: Int64
  }

  private static let positions = Statement(
    name: "bench_positions",
    sql: """
      SELECT coalesce(sum(next_offset), 0)::int8, coalesce(max(extract(epoch FROM pg_xact_commit_timestamp(xmin)) * 1000000), 0)::int8
      FROM profile.positions WHERE topic = '\(Topics.orders.name)'
      """)
  private static let outbox = Statement(name: "bench_outbox", sql: "SELECT count(*) FROM profile.outbox")

  private static let owners = Statement(
    name: "bench_owners",
    sql: "SELECT count(*), count(DISTINCT owner), coalesce(sum(epoch), 0)::int8 FROM profile.positions WHERE topic = '\(Topics.orders.name)'")
  /// Longer than a fetch waits that was asked for before the last partition came.
  private static let calmMilliseconds = 1_500

  /// Waits until every process holds partitions and nothing has moved for a while.
  func untilClaimed(partitions: Int, processes: Int) async throws {
    let settings = try await bench.ground.settings(database)
    try await blocking {
      let session = try PostgresSession(settings)
      defer { session.close() }
      let began = SystemTime.monotonicNanoseconds()
      var (last, changedAt): (Int64, Int64) = (-1, began)
      while true {
        try bench.checkStop()
        for service in services { try service.check() }
        let rows = try session.query(ProfileWatch.owners)
        let epochs = try rows.int64(0, 2)
        if epochs != last { (last, changedAt) = (epochs, SystemTime.monotonicNanoseconds()) }
        let isShared = try rows.int64(0, 0) == Int64(partitions) && rows.int64(0, 1) == Int64(processes)
        if isShared, secondsSince(changedAt) * 1_000 > Double(ProfileWatch.calmMilliseconds) { return }
        guard secondsSince(began) < Double(ProfileWatch.quietSecondsMax) else {
          throw BenchFailure("the partitions were not shared out: see \(services.first?.log ?? "the log of profile")")
        }
        _ = bench.stop.waitBlocking(milliseconds: ProfileWatch.lookMilliseconds)
      }
    }
  }

  /// Blocks a thread of its own until so many records were read and all that follows from them is published.
  func untilDone(events: Int) async throws -> End {
    let settings = try await bench.ground.settings(database)
    return try await blocking {
      let session = try PostgresSession(settings)
      defer { session.close() }
      var end = End(committedAt: 0, publishedAt: 0)
      var (last, changedAt): (Int64, Int64) = (-1, SystemTime.monotonicNanoseconds())
      while true {
        try bench.checkStop()
        for service in services { try service.check() }
        let rows = try session.query(end.committedAt == 0 ? ProfileWatch.positions : ProfileWatch.outbox)
        let found = try rows.int64(0, 0)
        if end.committedAt == 0, found >= Int64(events) { end.committedAt = try rows.int64(0, 1) } else if end.committedAt > 0, found == 0 {
          end.publishedAt = SystemTime.unixMicroseconds()
          return end
        }
        if found != last { (last, changedAt) = (found, SystemTime.monotonicNanoseconds()) }
        guard secondsSince(changedAt) < Double(ProfileWatch.quietSecondsMax) else {
          throw BenchFailure("profile stands still with \(found) of \(events): see \(services.first?.log ?? "its log")")
        }
        _ = bench.stop.waitBlocking(milliseconds: ProfileWatch.lookMilliseconds)
      }
    }
  }
}
