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
struct HotPathResult: Sendable {
  var rate: Double
  var ownMicroseconds: Double
  var postgresMicroseconds: Double
  var walBytes: Double
  /// From the same start until everything was published as well.
  var publishedSeconds: Double
  var peakMebibytes: Double
}

struct HotPath: Sendable {
  static let database = "bench_profile"
  static let partitions = 2
  /// What `profile` consumes and publishes.
  static let topics = [Topics.orders, Topics.customers, Topics.profiles, Topics.merges, Topics.parked("profile", Topics.orders.name)]

  let bench: Bench
  var database = HotPath.database
  var processes = 1

  func plan(_ number: Int = 0) -> ServicePlan {
    ServicePlan(service: "profile", instance: "bench-profile-\(number)", database: database, clock: OrderStream.clock)
  }

  /// The topics of all services but those that are filled already.
  static func makeTopics(_ bench: Bench, partitions: Int) async throws {
    try await bench.ground.makeTopics(Topics.all, partitions: partitions)
  }

  /// Empty tables, and nothing of an earlier run in the topics that are written.
  func prepare() async throws {
    try await bench.ground.makeDatabase(database)
    try await RunningService.migrate(plan(), bench)
    try await renew()
  }

  /// What is written again must begin empty; then pages are clean for everybody alike.
  func renew() async throws {
    try await bench.ground.makeTopics([Topics.profiles, Topics.merges], partitions: HotPath.partitions)
    try await bench.ground.execute(database, ["CHECKPOINT"])
  }

  /// Runs until `events` records are read and everything is published.
  func run(events: Int) async throws -> (result: HotPathResult, customers: Int64, orders: Int64) {
    let postgresBefore = bench.ground.postgresSeconds
    let walBefore = try await walPosition()
    let service = try await RunningService.start(plan(), bench)
    let end = try await ProfileWatch(bench: bench, database: database, services: [service]).untilDone(events: events)
    guard let began = service.loggedAt("partition runs") else { throw BenchFailure("the log of profile does not say when it began: see \(service.log)") }
    _ = await bench.stop.wait(atMost: .milliseconds(200))
    try bench.checkStop()
    guard let times = ProcessFigures.times(of: service.pid), let memory = ProcessFigures.memory(of: service.pid) else {
      throw BenchFailure("profile ended: see \(service.log)")
    }
    let postgres = bench.ground.postgresSeconds - postgresBefore
    let wal = try await walPosition() - walBefore
    let statistics = try await service.ask("/v1/statistics")
    try await service.stop()
    let seconds = Double(end.committedAt - began) / 1e6
    let perEvent = 1e6 / Double(events)
    let result = HotPathResult(
      rate: Double(events) / seconds, ownMicroseconds: times.own * perEvent, postgresMicroseconds: postgres * perEvent, walBytes: Double(wal) / Double(events),
      publishedSeconds: Double(end.publishedAt - began) / 1e6, peakMebibytes: memory.peakMebibytes)
    return (result, statistics["customers"]?.int64Value ?? -1, statistics["orders"]?.int64Value ?? -1)
  }

  private func walPosition() async throws -> Int64 {
    try await bench.ground.numbers("postgres", "SELECT (pg_current_wal_insert_lsn() - '0/0')::int8").first ?? 0
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
