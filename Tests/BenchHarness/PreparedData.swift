// Databases that take long to fill: filled once by the services themselves, then kept in the bench's folder for later runs.
import Contracts
import Domain
import Kafka
import Messaging
import Postgres
import Runtime
import Text

/// A database that serves as a template. Its name says what is in it and for which tables, so that another layout is filled anew.
struct PreparedData: Sendable {
  let bench: Bench
  let service: String
  /// What makes the content: another text, another database.
  let content: String

  private static let prefix = "prepared_"

  var name: String {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for text in [content] + Resources.migrations(of: service).map(\.sql) {
      for byte in text.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
    }
    return PreparedData.prefix + service + "_" + String(hash, radix: 16)
  }

  func exists() async throws -> Bool {
    try await bench.ground.numbers("postgres", "SELECT count(*) FROM pg_database WHERE datname = '\(name)'").first == 1
  }

  /// An empty database with the service's tables, to be filled without waiting for the disk. Of what was prepared for the service before nothing is left.
  func begin() async throws -> ServicePlan {
    let plan = ServicePlan(service: service, instance: "bench-prepare-\(service)", database: "preparing_\(service)", clock: OrderStream.clock)
    for old in try await former() { await bench.ground.dropDatabase(old) }
    try await bench.ground.makeDatabase(plan.database)
    try await RunningService.migrate(plan, bench)
    try await bench.ground.execute("postgres", ["ALTER DATABASE \(plan.database) SET synchronous_commit = off"])
    return plan
  }

  private func former() async throws -> [String] {
    let settings = try await bench.ground.settings("postgres")
    let pattern = "^\(PreparedData.prefix)\(service)_[0-9a-f]+$"
    return try await blocking {
      let session = try PostgresSession(settings)
      defer { session.close() }
      let rows = try session.query(Statement(name: "", sql: "SELECT datname::text FROM pg_database WHERE datname ~ '\(pattern)'"))
      return try (0..<rows.count).map { try rows.text($0, 0) }
    }
  }

  /// Keeps it. The positions go: the next run reads other topics in another cluster, from their beginning.
  func keep(_ plan: ServicePlan) async throws {
    try await bench.ground.execute(plan.database, ["DELETE FROM \(service).positions", "VACUUM ANALYZE", "CHECKPOINT"])
    try await bench.ground.execute(
      "postgres", ["ALTER DATABASE \(plan.database) RESET synchronous_commit", "ALTER DATABASE \(plan.database) RENAME TO \(name)"])
  }

  /// A copy, with its pages in memory and none of them changed since the last checkpoint.
  func copy(to database: String) async throws {
    try await bench.ground.makeDatabase(database, template: name)
    try await bench.ground.execute(
      database,
      [
        "CREATE EXTENSION IF NOT EXISTS pg_prewarm SCHEMA public",
        "SELECT public.pg_prewarm(oid::regclass) FROM pg_class WHERE relkind IN ('r', 'i') AND relnamespace = '\(service)'::regnamespace", "CHECKPOINT",
      ])
  }
}

/// Customers' states as `profile` publishes them.
struct SnapshotRecords {
  private let ledgers: [DayLedger]
  private let partitions: Int32
  private let currency: Currency
  private let day: Day
  private var lanes = LaneTable()

  init(_ ledgers: [DayLedger], partitions: Int) throws {
    guard !ledgers.isEmpty, let currency = Currency(OrderStream.currency), let day = Day(OrderStream.clock) else {
      throw BenchFailure("there are no customers to be published")
    }
    self.ledgers = ledgers
    self.partitions = Int32(partitions)
    self.currency = currency
    self.day = day
  }

  /// A permutation of the numbers: no customer twice.
  static func customer(_ number: Int) -> CustomerID {
    CustomerID(number: Int64(bitPattern: (UInt64(number) &* 0x9E37_79B9_7F4A_7C15) >> 1 | 1))
  }

  mutating func record(_ number: Int) -> OutgoingRecord {
    let customer = SnapshotRecords.customer(number)
    let ledger = ledgers[number % ledgers.count]
    let first = ledger.firstPaidDay ?? day
    let snapshot = ProfileSnapshot(
      customer: customer, version: 1, asOf: day, memberID: "R\(number)", firstSeenAt: BusinessZone.utc.startOfDay(first), stage: .active, currency: currency,
      ledger: ledger)
    let key = Array(customer.description.utf8)
    let partition = Murmur2.partition(key: key, count: partitions) ?? 0
    let lane = LaneTable.lane(service: "profile", topic: Topics.orders.name, partition: Int32(number % 2))
    let place = "\(lane)>\(partition)"
    lanes[place] += 1
    return OutgoingRecord(
      topic: Topics.profiles.name, partition: partition, key: key, value: JSONWriter.bytes { snapshot.write(to: &$0) },
      headers: [
        KafkaHeader(Header.specVersion, "1.0"), KafkaHeader(Header.id, "\(customer):1"), KafkaHeader(Header.source, "/clientele/profile"),
        KafkaHeader(Header.type, EventType.profile), KafkaHeader(Header.time, RFC3339.text(BusinessZone.utc.startOfDay(day).microseconds)),
        KafkaHeader(Header.contentType, "application/json"), KafkaHeader(Header.lane, lane), KafkaHeader(Header.sequence, String(lanes[place])),
      ])
  }
}
