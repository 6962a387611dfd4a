// The whole suite on one machine: private PostgreSQL, a broker, topics, tables, services; started in order, stopped in order.
import Embedded
public import Telemetry
import Contracts
import Glibc
import HTTP
import Kafka
public import Lifecycle
import Postgres
import Runtime
import Synchronization

public struct SuiteOptions: Sendable {
  public var folder: String
  public var clock: String?
  public var businessZone = "Asia/Shanghai"
  public var baseCurrency = "CNY"
  public var scorecard = "standard"
  public var policy = "score"
  public var partitions = 2
  /// Forget everything stored before.
  public var isFresh = false

  public init(folder: String) { self.folder = folder }
}

public struct SuiteFailure: Error, Sendable, CustomStringConvertible {
  public let description: String
  public init(_ description: String) { self.description = description }
}

public final class Suite: Sendable {
  /// How long one service may take until it is ready.
  public static let readyLimit: Duration = .seconds(60)
  /// How long one service may take to stop.
  static let stopLimit: Duration = .seconds(12)
  /// Services of pages: they have no part in the topics, and start when those that they ask are there.
  public static let sites = ["console"]
  private static let all = SuiteAnchor.services + sites
  /// Restarts of one service before the suite gives up.
  public static let restartsMax = 5

  public let folder: SuiteFolder
  private let options: SuiteOptions
  private let logger: Logger
  private let hold: SuiteHold
  private let say: @Sendable (String) -> Void
  private struct Parts {
    var database: PrivatePostgres?
    var kafka: (any KafkaEnvironment)?
    var services: [String: HelperProcess] = [:]
    var state: SuiteState?
  }
  private let parts = Mutex(Parts())

  /// Takes hold of the folder. Throws when a suite runs there already.
  public init(_ options: SuiteOptions, logger: Logger, say: @escaping @Sendable (String) -> Void) throws {
    self.options = options
    self.logger = logger
    self.say = say
    var folder = try SuiteFolder(options.folder)
    guard let hold = try folder.hold() else {
      throw SuiteFailure("a suite runs in \(folder.path) already: `clientele status` shows it, `clientele down` stops it")
    }
    self.hold = hold
    if options.isFresh {
      try folder.checkErasable()
      hold.release()
      try folder.erase()
      folder = try SuiteFolder(options.folder)
      guard try folder.hold() != nil else { throw SuiteFailure("another process took \(folder.path) meanwhile") }
    }
    self.folder = folder
  }

  /// What its services are shown.
  public var credentials: Credentials { get throws { try Credentials(folder) } }

  public var state: SuiteState? { parts.withLock { $0.state } }

  // MARK: - Start

  public func start() async throws {
    do {
      try await startParts()
    } catch {
      await stop(drained: false)
      throw error
    }
  }

  private func startParts() async throws {
    var environment = HelperProcess.currentEnvironment()
    // In a shell that took over `clientele env` the brokers named are those of a suite of ours, which ended with it.
    if environment["KAFKA_BROKERS"] == environment[SuiteConnection.suiteBrokers] { environment["KAFKA_BROKERS"] = nil }
    say("starting PostgreSQL in \(folder.postgres)")
    let database = try await PrivatePostgres.start(folder: folder.postgres)
    parts.withLock { $0.database = database }
    try await database.createDatabase("clientele")
    say(Suite.kafkaNews(environment))
    let kafka = try await startKafka(folder: folder.kafka, environment: environment, logger: logger)
    parts.withLock { $0.kafka = kafka }
    do { try await makeTopics(kafka) } catch let failure as KafkaFailure {
      throw SuiteFailure("Kafka at \(kafka.brokers) (\(kafka.kind.rawValue)) does not do what is needed: \(failure.text)")
    }
    var state = SuiteState(
      pid: getpid(), kafkaKind: kafka.kind.rawValue, brokers: kafka.brokers, databaseURL: database.url(database: "clientele"), clock: options.clock,
      businessZone: options.businessZone, baseCurrency: options.baseCurrency)
    var settings = try serviceEnvironment(state)
    for service in Suite.all { try await migrate(service, settings) }
    try await anchor(kafka, state)
    unlink(folder.drainedMark)
    for service in Suite.all {
      say("starting \(service)")
      if Suite.sites.contains(service) { Suite.name(state.services, in: &settings) }
      state.services[service] = try await startService(service, settings)
      // Messages name pages by an address that works from this machine, unless another was given.
      if service == "feedback", (settings["CONNECTOR_LINK_BASE"] ?? "").isEmpty { settings["CONNECTOR_LINK_BASE"] = state.services[service]?.url }
    }
    state.isReady = true
    parts.withLock { $0.state = state }
    try state.write(folder: folder.path)
  }

  /// Where the services are, for those that ask them.
  private static func name(_ services: [String: SuiteState.Service], in settings: inout [String: String]) {
    for (name, service) in services { settings[SuiteConnection.variable(name)] = service.url }
    // It is for this machine, whatever another console of the same shell is.
    settings["CONSOLE_URL"] = nil
  }

  private static func kafkaNews(_ environment: [String: String]) -> String {
    if let brokers = environment["KAFKA_BROKERS"], !brokers.isEmpty { return "using Kafka at \(brokers)" }
    if let home = environment["KAFKA_HOME"], !home.isEmpty { return "starting Apache Kafka from \(home)" }
    return "starting the built-in broker (memory only, for trying out)"
  }

  private func kafkaSettings(_ kafka: any KafkaEnvironment) -> KafkaSettings {
    KafkaSettings(brokers: kafka.brokers, clientId: "clientele", isBuiltIn: kafka.kind == .builtIn)
  }

  private func makeTopics(_ kafka: any KafkaEnvironment) async throws {
    let topics = Topics.all.map { (name: $0.name, partitions: options.partitions) }
    try await kafka.declareTopics(topics)
    let admin = try KafkaAdmin(kafkaSettings(kafka), limitMilliseconds: 20_000, logger: logger)
    try await admin.ensureTopics(SuiteTopics.plans(partitions: options.partitions, replication: 1))
    await admin.close()
  }

  private func serviceEnvironment(_ state: SuiteState) throws -> [String: String] {
    var environment = HelperProcess.currentEnvironment()
    environment["DATABASE_URL"] = state.databaseURL
    environment["KAFKA_BROKERS"] = state.brokers
    environment["CLIENTELE_KAFKA_KIND"] = state.kafkaKind == KafkaKind.builtIn.rawValue ? "built-in" : "kafka"
    environment["CLIENTELE_PSEUDONYM_KEY"] = try folder.pseudonymKey()
    environment["FEEDBACK_LINK_KEY"] = try folder.linkKey()
    // Whoever may read the folder may call its services; a provider that the environment names is asked besides.
    // A key that the shell took over from `clientele env` is another suite's, or this folder's former one.
    environment[AccessSettings.tokenKey.fileVariable] = nil
    environment[AccessSettings.tokenKey.variable] = environment[AccessSettings.mode.variable] == "off" ? nil : try folder.tokenKey()
    environment["CLIENTELE_BUSINESS_ZONE"] = options.businessZone
    environment["CLIENTELE_BASE_CURRENCY"] = options.baseCurrency
    environment["CLIENTELE_CLOCK"] = options.clock ?? ""
    environment["TIERING_SCORECARD"] = options.scorecard
    environment["TIERING_POLICY"] = options.policy
    environment["HTTP_HOST"] = "127.0.0.1"
    environment["HTTP_PORT"] = "0"
    return environment
  }

  private func executable(_ name: String) throws -> String {
    guard let path = Executables.beside(name) else { throw SuiteFailure("the program \(name) is not beside this one: build the whole suite with `make build`") }
    return path
  }

  private func migrate(_ service: String, _ environment: [String: String]) async throws {
    let log = "\(folder.logs)/\(service)-migrate.log"
    let process = try await HelperProcess.start(
      .init(
        executable: try executable(service), arguments: ["migrate"], environment: environment, standardOutput: .file(path: log),
        standardError: .file(path: log)))
    let status = await process.waitForExit(within: .seconds(120))
    guard status == 0 else { throw SuiteFailure("the tables of \(service) could not be brought up to date: see \(log)") }
  }

  /// The built-in broker is a new one each time: positions of the former one mean nothing to it.
  private func anchor(_ kafka: any KafkaEnvironment, _ state: SuiteState) async throws {
    guard kafka.kind == .builtIn else { return }
    if isUncleanAfterUse {
      say("the former suite was not stopped cleanly: what had been published to in.* topics and not read is gone with its broker")
      say("publish it again: repeats do no harm")
    }
    let settings = kafkaSettings(kafka)
    let logger = logger
    let url = state.databaseURL
    let outcome = try await OwnedThread.value(name: "anchor") {
      Result { () throws -> (losses: [SuiteAnchor.Loss], newReaders: [String]) in
        let session = try PostgresSession(try PostgresSettings(url: url), logger: logger)
        defer { session.close() }
        let losses = try SuiteAnchor.losses(session)
        guard losses.isEmpty else { return (losses, []) }
        let cluster = try KafkaProbe(settings, logger: logger).clusterId()
        let newReaders = try SuiteAnchor.welcome(in: cluster, session)
        try SuiteAnchor.move(to: cluster, session)
        return ([], newReaders)
      }
    }
    let (losses, newReaders) = try outcome.get()
    if !newReaders.isEmpty {
      say("new readers in this folder: \(newReaders.joined(separator: ", ")): `clientele republish tiering` tells what tiers were given before,")
      say("`clientele republish tickets` which complaints were upheld, `clientele republish profile` where customers are reached")
    }
    guard losses.isEmpty else {
      throw SuiteFailure(
        """
        the former built-in broker was killed while it held records that had not been read yet:
        \(losses.map { "  " + $0.description }.joined(separator: "\n"))
        that broker keeps records in memory only, so they are gone. Begin anew with `clientele up --fresh` and import again,
        or use Apache Kafka (KAFKA_HOME or KAFKA_BROKERS), which keeps them
        """)
    }
  }

  /// A suite ran here before and wrote no mark that all was read.
  private var isUncleanAfterUse: Bool {
    Files.read(folder.logs + "/ingest.log", bytesMax: 1 << 30) != nil && Files.read(folder.drainedMark, bytesMax: 64) == nil
  }

  private func startService(_ service: String, _ environment: [String: String]) async throws -> SuiteState.Service {
    let portFile = "\(folder.run)/\(service).port"
    unlink(portFile)
    var environment = environment
    environment["HTTP_PORT_FILE"] = portFile
    environment["HOSTNAME"] = "\(service)-\(getpid())"
    let log = "\(folder.logs)/\(service).log"
    let process = try await HelperProcess.start(
      .init(
        executable: try executable(service), arguments: ["serve"], environment: environment, standardOutput: .file(path: log),
        standardError: .file(path: log)))
    parts.withLock { $0.services[service] = process }
    let deadline = ContinuousClock.now + Suite.readyLimit
    var url: String?
    var last = "it did not open its port"
    let client = HTTPClient()
    while ContinuousClock.now < deadline {
      if let status = process.exitStatus { throw SuiteFailure("\(service) ended with status \(status): see \(log)") }
      if url == nil, let bytes = Files.read(portFile, bytesMax: 64) { url = "http://127.0.0.1:" + String(decoding: bytes, as: UTF8.self).filter(\.isNumber) }
      if let url, let answer = try? await client.get(url + "/readyz") {
        if answer.isSuccess {
          await client.close()
          return SuiteState.Service(pid: process.pid, url: url)
        }
        last = String(decoding: answer.body, as: UTF8.self)
      }
      _ = await process.waitForExit(within: .milliseconds(20))
    }
    await client.close()
    throw SuiteFailure("\(service) was not ready within \(Suite.readyLimit): \(last); see \(log)")
  }

  // MARK: - Watch

  /// Returns when `stop` is asked, or with the failure when a service keeps ending. A service that ends is started again.
  public func watch(_ stop: StopSignal) async throws {
    guard var state, case let settings = try serviceEnvironment(state) else { return }
    var restarts: [String: Int] = [:]
    while !stop.isStopping {
      _ = await stop.wait(atMost: .milliseconds(200))
      for service in Suite.all where !stop.isStopping {
        guard let status = parts.withLock({ $0.services[service] })?.exitStatus else { continue }
        restarts[service, default: 0] += 1
        guard restarts[service, default: 0] <= Suite.restartsMax else {
          throw SuiteFailure("\(service) ended \(Suite.restartsMax) times: see \(folder.logs)/\(service).log")
        }
        say("\(service) ended with status \(status), starting it again (log: \(folder.logs)/\(service).log)")
        // At the same address: whoever took it over from `clientele env` finds the service again.
        var again = settings
        if Suite.sites.contains(service) { Suite.name(state.services, in: &again) }
        again["HTTP_PORT"] = state.services[service]?.url.split(separator: ":").last.map(String.init) ?? "0"
        state.services[service] = try await startService(service, again)
        let updated = state
        parts.withLock { $0.state = updated }
        try state.write(folder: folder.path)
      }
    }
  }

  // MARK: - Stop

  /// Stops everything in the order records flow. `drained`: nothing was left unread.
  public func stop(drained: Bool) async {
    for service in Suite.sites + SuiteAnchor.services {
      let process = parts.withLock { $0.services.removeValue(forKey: service) }
      if let process, await process.stop(within: Suite.stopLimit) != 0 { say("\(service) did not end cleanly; see its log") }
    }
    if drained { try? Files.write(folder.drainedMark, "drained\n") }
    await parts.withLock({ $0.kafka })?.stop()
    await parts.withLock({ $0.database })?.stop()
    unlink(folder.path + "/" + SuiteState.fileName)
  }
}
