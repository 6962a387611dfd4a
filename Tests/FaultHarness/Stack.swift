// What a run stands on: a private PostgreSQL, a broker, topics and tables, each of which can be taken away and brought back.
import Contracts
import Embedded
import Glibc
import Kafka
import Postgres
import Synchronization
import Telemetry

/// How a run's stack is made.
public struct StackPlan: Sendable {
  public var folder: String
  /// An Apache Kafka distribution; nil: the built-in broker.
  public var kafkaHome: String?
  public var partitions = 4
  /// How long a silent process keeps its partitions, in milliseconds.
  public var sessionMilliseconds = 1_500
  /// Folder of the programs; nil: beside the running one.
  public var programs: String?
  /// Put between the services and PostgreSQL, and Kafka where it is a real one.
  public var hasProxies = false

  public init(folder: String) { self.folder = folder }
}

public final class Stack: Sendable {
  static let services = ["ingest", "profile", "tiering"]
  static let database = "clientele"

  let plan: StackPlan
  private struct Parts {
    var postgres: PrivatePostgres?
    var kafka: (any KafkaEnvironment)?
    var databaseProxy: Proxy?
    var kafkaProxy: Proxy?
    var databaseURL = ""
  }
  private let parts = Mutex(Parts())

  init(_ plan: StackPlan) { self.plan = plan }

  var isBuiltIn: Bool { plan.kafkaHome == nil }
  var postgres: PrivatePostgres? { parts.withLock { $0.postgres } }
  var databaseProxy: Proxy? { parts.withLock { $0.databaseProxy } }
  var kafkaProxy: Proxy? { parts.withLock { $0.kafkaProxy } }
  var brokers: String { parts.withLock { $0.kafka?.brokers ?? "" } }

  // MARK: - Start and stop

  func start() async throws {
    mkdir(plan.folder, 0o755)
    let postgres = try await PrivatePostgres.start(folder: plan.folder + "/postgres", options: postgresOptions(port: nil))
    parts.withLock { parts in
      parts.postgres = postgres
      parts.databaseURL = postgres.url(database: Stack.database)
    }
    try await postgres.createDatabase(Stack.database)
    if plan.hasProxies {
      let proxy = try Proxy(target: UInt16(postgres.port), speaks: .postgres)
      parts.withLock { $0.databaseProxy = proxy }
      if !isBuiltIn {
        let kafkaProxy = try Proxy(target: 0, speaks: .other)
        parts.withLock { $0.kafkaProxy = kafkaProxy }
      }
    }
    try await startKafka()
    let topics = Topics.all.map { (name: $0.name, partitions: plan.partitions) }
    let kafka = parts.withLock { $0.kafka }
    try await kafka?.declareTopics(topics)
    let admin = try KafkaAdmin(kafkaSettings("faults-admin"), limitMilliseconds: 20_000)
    try await admin.ensureTopics(topics.map { TopicPlan(name: $0.name, partitions: Int32($0.partitions), replication: 1) })
    await admin.close()
    for service in Stack.services { try await migrate(service) }
  }

  func stop() async {
    let parts = parts.withLock { parts in
      defer { parts = Parts() }
      return parts
    }
    parts.databaseProxy?.close()
    parts.kafkaProxy?.close()
    await parts.kafka?.stop()
    await parts.postgres?.stop()
  }

  private func postgresOptions(port: Int?) -> PrivatePostgres.Options {
    var options = PrivatePostgres.Options()
    options.isFast = true
    options.port = port
    // Recovery after a kill should not read much, and the harness itself needs a few sessions.
    options.settings = ["max_connections": "300", "max_wal_size": "256MB", "shared_buffers": "256MB", "restart_after_crash": "on"]
    return options
  }

  private func migrate(_ service: String) async throws {
    let log = "\(plan.folder)/\(service)-migrate.log"
    let process = try await HelperProcess.start(
      .init(
        executable: try program(service), arguments: ["migrate"], environment: environment(service, "migrate"), standardOutput: .file(path: log),
        standardError: .file(path: log)))
    guard await process.waitForExit(within: .seconds(120)) == 0 else { throw HarnessFailure("the tables of \(service) could not be made: see \(log)") }
  }

  func program(_ name: String) throws -> String {
    let path = plan.programs.map { $0 + "/" + name } ?? Executables.beside(name) ?? ""
    guard access(path, X_OK) == 0 else { throw HarnessFailure("the program \(name) is not beside this one: build the suite first") }
    return path
  }

  // MARK: - How to reach it

  /// Straight to the server, past any proxy.
  func databaseSettings() throws -> PostgresSettings {
    var settings = try PostgresSettings(url: parts.withLock { $0.databaseURL })
    settings.applicationName = "faults"
    settings.statementTimeoutMilliseconds = 120_000
    settings.idleInTransactionTimeoutMilliseconds = 120_000
    return settings
  }

  /// Through the proxy where there is one: a broker that was started again has another port of its own.
  func kafkaSettings(_ client: String) -> KafkaSettings {
    KafkaSettings(brokers: kafkaProxy.map { "127.0.0.1:\($0.port)" } ?? brokers, clientId: client, isBuiltIn: isBuiltIn)
  }

  func environment(_ service: String, _ instance: String) -> [String: String] {
    var environment = HelperProcess.currentEnvironment()
    let (url, proxy) = parts.withLock { ($0.databaseURL, $0.databaseProxy) }
    environment["DATABASE_URL"] = proxy.flatMap { proxy in postgres.map { url.replacing(":\($0.port)/", with: ":\(proxy.port)/") } } ?? url
    environment["KAFKA_BROKERS"] = kafkaProxy.map { "127.0.0.1:\($0.port)" } ?? brokers
    environment["CLIENTELE_KAFKA_KIND"] = isBuiltIn ? "built-in" : "kafka"
    environment["KAFKA_SESSION_TIMEOUT_MS"] = String(plan.sessionMilliseconds)
    environment["CLIENTELE_PSEUDONYM_KEY"] = "a key of the fault harness only"
    environment["CLIENTELE_CLOCK"] = Generator.clock
    environment["TIERING_RATING_INTERVAL_SECONDS"] = "1"
    environment["CLIENTELE_ACCESS"] = "off"
    environment["HTTP_HOST"] = "127.0.0.1"
    environment["HTTP_PORT"] = "0"
    environment["HTTP_PORT_FILE"] = "\(plan.folder)/\(instance).port"
    environment["HOSTNAME"] = instance
    environment["LOG_LEVEL"] = environment["LOG_LEVEL"] ?? "info"
    return environment
  }

  /// Deadlocks by the server's own log: its counters are lost with a crash.
  var deadlocksLogged: Int64 { linesLogged(with: "deadlock detected") }
  var fullDisksLogged: Int64 { linesLogged(with: "No space left on device") }

  private func linesLogged(with words: String) -> Int64 {
    ["postgres.log", "postgres.log.old"].reduce(0) { count, name in
      guard let file = fopen("\(plan.folder)/postgres/\(name)", "r") else { return count }
      defer { fclose(file) }
      var found: Int64 = 0
      var line = [CChar](repeating: 0, count: 4_096)
      while fgets(&line, Int32(line.count), file) != nil { if strstr(line, words) != nil { found += 1 } }
      return count + found
    }
  }

  // MARK: - Taking away and bringing back

  /// The broker's process, to be stopped for a moment.
  var brokerProcess: Int32 {
    let kafka = parts.withLock { $0.kafka }
    return (kafka as? KafkaProcess)?.pid ?? (kafka as? BrokerProcess)?.pid ?? 0
  }

  private func startKafka() async throws {
    let folder = plan.folder + "/kafka"
    guard let home = plan.kafkaHome else {
      let broker = try await BrokerProcess.start(folder: folder, executable: try program("broker"))
      return parts.withLock { $0.kafka = broker }
    }
    // Short sessions, and no flush to the disk: a killed process loses nothing that the kernel has.
    var settings = [
      "group.min.session.timeout.ms": "200", "group.max.session.timeout.ms": "60000", "log.retention.hours": "168", "log.cleaner.enable": "false",
      "num.network.threads": "2", "num.io.threads": "2", "log.segment.bytes": "67108864",
    ]
    if let proxy = kafkaProxy { settings["advertised.listeners"] = "PLAINTEXT://127.0.0.1:\(proxy.port)" }
    let kafka = try await KafkaProcess.start(home: home, folder: folder, settings: settings)
    kafkaProxy?.redirect(to: UInt16(kafka.brokers.split(separator: ":").last ?? "0") ?? 0)
    parts.withLock { $0.kafka = kafka }
  }

  enum Ending: String, Sendable { case clean, immediate, crash }

  /// Only a real broker, which is reached through the proxy: its own port is another one each time.
  func restartKafka(_ ending: Ending) async throws {
    guard let kafka = parts.withLock({ $0.kafka }) as? KafkaProcess else { return }
    if ending != .clean { kill(kafka.pid, SIGKILL) }
    await kafka.stop()
    try await startKafka()
  }

  func restartPostgres(_ ending: Ending) async throws {
    guard let postgres else { return }
    switch ending {
    case .clean: await postgres.stop()
    case .immediate:
      kill(postgres.pid, SIGQUIT)
      await postgres.stop()
    case .crash: await postgres.kill()
    }
    let again = try await PrivatePostgres.start(folder: plan.folder + "/postgres", options: postgresOptions(port: postgres.port))
    parts.withLock { $0.postgres = again }
  }
}
