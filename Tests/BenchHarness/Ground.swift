// What everything is measured on: one PostgreSQL and one Apache Kafka of the bench's own, the same for all contestants.
import Contracts
import Embedded
import Glibc
import Kafka
import Lifecycle
import Postgres
import Synchronization
import Telemetry

struct BenchFailure: Error, Sendable, CustomStringConvertible {
  let description: String
  init(_ description: String) { self.description = description }
}

/// The run was asked to end.
struct Stopped: Error, Sendable {}

/// What every part is given.
struct Bench: Sendable {
  let options: BenchOptions
  let ground: Ground
  let stop: StopSignal
  let say: @Sendable (String) -> Void

  func checkStop() throws { if stop.isStopping { throw Stopped() } }

  /// Asks again and again until it is so; throws when the limit passes or the run is to end.
  func until(_ what: String, withinSeconds limit: Int, everyMilliseconds pause: Int = 20, _ isSo: () async throws -> Bool) async throws {
    let end = SystemTime.monotonicNanoseconds() + Int64(limit) * 1_000_000_000
    while try await !isSo() {
      try checkStop()
      guard SystemTime.monotonicNanoseconds() < end else { throw BenchFailure("\(what): not within \(limit) s") }
      _ = await stop.wait(atMost: .milliseconds(pause))
    }
  }
}

final class Ground: Sendable {
  /// Of the server all contestants write to. Durable; what is set here is set for all.
  static let postgresSettings = [
    "shared_buffers": "2GB", "max_wal_size": "8GB", "min_wal_size": "2GB", "checkpoint_timeout": "30min", "wal_compression": "lz4", "fsync": "on",
    "synchronous_commit": "on", "full_page_writes": "on",
    // Lets the moment of a commit be read afterwards, without asking while it is awaited.
    "track_commit_timestamp": "on",
  ]
  static let pseudonymKey = "a key of the bench only"

  let folder: String
  private let kafkaHome: String?
  private struct Parts {
    var postgres: PrivatePostgres?
    var kafka: KafkaProcess?
    var kafkaFolder: String?
    var services: [HelperProcess] = []
  }
  private let parts = Mutex(Parts())

  init(folder: String, kafkaHome: String?) {
    self.folder = folder
    self.kafkaHome = kafkaHome
  }

  // MARK: - PostgreSQL

  /// Started with the first question; its folder stays, with what was prepared in it.
  func postgres() async throws -> PrivatePostgres {
    if let running = parts.withLock({ $0.postgres }) { return running }
    var options = PrivatePostgres.Options()
    options.settings = Ground.postgresSettings
    let started = try await PrivatePostgres.start(folder: folder + "/postgres", options: options)
    parts.withLock { $0.postgres = started }
    return started
  }

  func settings(_ database: String) async throws -> PostgresSettings {
    var settings = try PostgresSettings(url: try await postgres().url(database: database))
    settings.applicationName = "bench"
    settings.statementTimeoutMilliseconds = 3_600_000
    settings.lockTimeoutMilliseconds = 600_000
    settings.answerSilenceMillisecondsMax = 3_600_000
    return settings
  }

  /// libpq's `key=value` form, as the rivals want it.
  func keyValues(_ database: String) async throws -> String {
    let settings = try await settings(database)
    guard let server = settings.servers.first, let password = settings.password?.revealed else { throw BenchFailure("PostgreSQL has no address") }
    return "host=\(server.host) port=\(server.port) user=\(settings.user) password=\(password) dbname=\(database)"
  }

  func execute(_ database: String, _ statements: [String]) async throws {
    let settings = try await settings(database)
    try await blocking {
      let session = try PostgresSession(settings)
      defer { session.close() }
      for statement in statements { try session.execute(statement) }
    }
  }

  func numbers(_ database: String, _ sql: String) async throws -> [Int64] {
    let settings = try await settings(database)
    return try await blocking {
      let session = try PostgresSession(settings)
      defer { session.close() }
      let rows = try session.query(Statement(name: "", sql: sql))
      return try (0..<rows.columnCount).map { try rows.int64(0, $0) }
    }
  }

  func makeDatabase(_ name: String, template: String? = nil) async throws {
    let copy = template.map { " TEMPLATE \($0) STRATEGY file_copy" } ?? ""
    try await execute("postgres", ["DROP DATABASE IF EXISTS \(name) WITH (FORCE)", "CREATE DATABASE \(name)\(copy)"])
  }

  func dropDatabase(_ name: String) async { try? await execute("postgres", ["DROP DATABASE IF EXISTS \(name) WITH (FORCE)"]) }

  var postmaster: Int32 { parts.withLock { $0.postgres }?.pid ?? 0 }
  var postgresSeconds: Double { ProcessFigures.postgresSeconds(postmaster: postmaster) }

  // MARK: - Kafka

  var hasKafka: Bool { kafkaHome != nil }

  /// A new Kafka with nothing in it; one that was there before ends. Only one runs at a time.
  @discardableResult
  func startKafka(_ name: String, settings: [String: String] = [:]) async throws -> KafkaProcess {
    guard let kafkaHome else { throw BenchFailure("there is no Apache Kafka: set KAFKA_HOME") }
    await stopKafka()
    let folder = "\(folder)/kafka-\(name)"
    try await Ground.remove(folder)
    let fixed = [
      "log.retention.hours": "168", "log.message.timestamp.type": "LogAppendTime", "num.network.threads": "3", "num.io.threads": "8",
      "log.segment.bytes": "268435456",
    ]
    var environment = HelperProcess.currentEnvironment()
    environment["KAFKA_HEAP_OPTS"] = environment["KAFKA_HEAP_OPTS"] ?? "-Xms512m -Xmx1g"
    let kafka = try await KafkaProcess.start(
      home: kafkaHome, folder: folder, environment: environment, settings: fixed.merging(settings) { $1 })
    parts.withLock { parts in
      parts.kafka = kafka
      parts.kafkaFolder = folder
    }
    return kafka
  }

  func stopKafka() async {
    let (kafka, folder) = parts.withLock { parts in
      defer { (parts.kafka, parts.kafkaFolder) = (nil, nil) }
      return (parts.kafka, parts.kafkaFolder)
    }
    await kafka?.stop()
    // Gigabytes that nobody reads again.
    if let folder { try? await Ground.remove(folder) }
  }

  var brokers: String { parts.withLock { $0.kafka?.brokers ?? "" } }
  func kafkaSettings(_ client: String) -> KafkaSettings { KafkaSettings(brokers: brokers, clientId: client) }

  /// Makes topics; those that are there already are deleted first.
  func makeTopics(_ topics: [Topic], partitions: Int, settings: [String: [String: String]] = [:]) async throws {
    let admin = try KafkaAdmin(kafkaSettings("bench-admin"), limitMilliseconds: 20_000)
    do {
      let there = Set(try await admin.topics())
      for topic in topics where there.contains(topic.name) { try await admin.deleteTopic(topic.name) }
      let plans = topics.map { topic in
        TopicPlan(
          name: topic.name, partitions: Int32(partitions), replication: 1,
          settings: settings[topic.name] ?? ["cleanup.policy": topic.keeping == .compact ? "compact" : "delete"])
      }
      try await admin.createTopics(plans)
    } catch {
      await admin.close()
      throw error
    }
    await admin.close()
  }

  // MARK: - Processes

  /// Remembered, so that nothing that was started is left behind.
  func adopt(_ process: HelperProcess) { parts.withLock { $0.services.append(process) } }

  func program(_ name: String) throws -> String {
    guard let path = Executables.beside(name), access(path, X_OK) == 0 else {
      throw BenchFailure("the program \(name) is not beside this one: build the suite first (swift build -c release)")
    }
    return path
  }

  /// Also those that a signal holds.
  func stopServices() async {
    let services = parts.withLock { parts in
      defer { parts.services = [] }
      return parts.services
    }
    for service in services {
      service.terminate(SIGTERM, group: true)
      service.terminate(SIGCONT, group: true)
    }
    for service in services { _ = await service.stop(within: .seconds(10)) }
  }

  func stopAll() async {
    await stopServices()
    await stopKafka()
    let postgres = parts.withLock { parts in
      defer { parts.postgres = nil }
      return parts.postgres
    }
    await postgres?.stop()
  }

  static func remove(_ path: String) async throws {
    guard access(path, F_OK) == 0 else { return }
    guard let program = Executables.onPath("rm") else { throw BenchFailure("there is no program rm") }
    let process = try await HelperProcess.start(.init(executable: program, arguments: ["-rf", "--", path]))
    guard await process.waitForExit(within: .seconds(120)) == 0 else { throw BenchFailure("\(path) cannot be removed") }
  }
}

/// Runs blocking calls on a thread of their own.
func blocking<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
  try await OwnedThread.value(name: "bench-ask") { Result { try body() } }.get()
}

func secondsSince(_ nanoseconds: Int64) -> Double { Double(SystemTime.monotonicNanoseconds() - nanoseconds) / 1e9 }
