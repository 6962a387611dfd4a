// Puts a service together: settings, logs, metrics, HTTP, database, topics, consumers; and its subcommands.
public import CommandLine
public import HTTP
public import Access
import Auditing
import CMemory
public import Kafka
public import Lifecycle
public import Messaging
public import Postgres
public import Telemetry
import Contracts
import Domain
import Glibc
import Synchronization
import Text

/// What a service has at hand once its settings are read.
public struct ServiceContext: Sendable {
  public let name: String
  public let settings: CommonSettings
  public let logger: Logger
  public let metrics: Metrics
  public let pool: PostgresPool
  /// Asked by `/readyz`; lanes and consumers add themselves.
  public let readiness: Readiness
}

/// What stands between a process and being ready: each part says nil when all is well, else what is wrong.
public final class Readiness: Sendable {
  private let parts = Mutex<[(name: String, problem: @Sendable () -> String?)]>([])

  public init() {}

  public func add(_ name: String, _ problem: @escaping @Sendable () -> String?) { parts.withLock { $0.append((name, problem)) } }

  /// Every part with its problem, in the order they were added.
  public func report() -> [(name: String, problem: String?)] { parts.withLock { $0 }.map { ($0.name, $0.problem()) } }
}

/// A service: what it is called, what it serves, what it runs.
public struct ServiceProgram: Sendable {
  public let name: String
  public let help: HelpText
  /// Settings of its own, beside the common ones.
  public let settings: [Setting]
  /// Reads its own settings; faults stay in the reader. What it returns reaches the other two.
  public typealias Configure<Own> = @Sendable (inout SettingsReader, CommonSettings) -> Own

  /// A fixed token that it takes besides, for programs that cannot get others.
  private let fixedToken: Setting?
  /// Connections to the database for requests, at most.
  private let connectionsMax: Int
  private let prepare: @Sendable (inout SettingsReader, CommonSettings) -> Prepared

  /// Whether it reads or writes topics.
  private let usesTopics: Bool
  /// Records of one transaction at most, unless an operator says otherwise.
  private let batchRecords: Int

  private struct Prepared: Sendable {
    let routes: @Sendable (ServiceContext, inout Router) throws -> Void
    let parts: Parts
    /// Goes around everything, also around refusals.
    var around: @Sendable (ServiceContext) -> [Middleware] = { _ in [] }
    /// Words what the server itself refuses.
    var refusing: @Sendable (ServiceContext) -> RefusalAnswer = { _ in Router.problems }
    /// The guard of its routes, made of the usual one.
    var guarding: @Sendable (ServiceContext, AccessGuard) -> RouteGuard = { $1.guarding($0.logger) }
  }

  /// What runs once the dependencies are there.
  fileprivate enum Parts: Sendable {
    case ofTopics(@Sendable (ServiceContext, LaneEnvironment, KafkaProbe) throws -> [any Service])
    case ofTables(@Sendable (ServiceContext) throws -> [any Service])
  }

  /// - Parameters:
  ///   - fixedToken: one of its own settings: a fixed token for the role `service`.
  ///   - connectionsMax: to the database for requests: as many of them as may wait for it at one time.
  ///   - batchRecords: of one transaction at most, unless an operator says otherwise.
  ///   - routes: its HTTP API; there before the dependencies are.
  ///   - parts: its consumers and lanes, made once database and topics are there.
  public init<Own: Sendable>(
    name: String, help: HelpText, settings: [Setting] = [], fixedToken: Setting? = nil, connectionsMax: Int = 4,
    batchRecords: Int = BatchLimits.recordsDefault, configure: @escaping Configure<Own>,
    routes: @escaping @Sendable (Own, ServiceContext, inout Router) throws -> Void,
    parts: @escaping @Sendable (Own, ServiceContext, LaneEnvironment, KafkaProbe) throws -> [any Service]
  ) {
    self.name = name
    self.help = help
    self.settings = settings
    self.fixedToken = fixedToken
    self.connectionsMax = connectionsMax
    usesTopics = true
    self.batchRecords = batchRecords
    prepare = { reader, common in
      let own = configure(&reader, common)
      return Prepared(routes: { try routes(own, $0, &$1) }, parts: .ofTopics { try parts(own, $0, $1, $2) })
    }
  }

  /// A service of pages, which speaks to people and to other services' APIs, and to no topic.
  ///
  /// - Parameters:
  ///   - around: goes around everything, also around refusals: makes pages of them.
  ///   - refusing: makes pages of what the server itself refuses.
  ///   - guarding: the guard of its routes, made of the usual one for tokens.
  public init<Own: Sendable>(
    pages name: String, help: HelpText, settings: [Setting] = [], connectionsMax: Int = 4, configure: @escaping Configure<Own>,
    around: @escaping @Sendable (Own, ServiceContext) -> [Middleware], refusing: @escaping @Sendable (Own, ServiceContext) -> RefusalAnswer,
    guarding: @escaping @Sendable (Own, ServiceContext, AccessGuard) -> RouteGuard,
    routes: @escaping @Sendable (Own, ServiceContext, inout Router) throws -> Void, parts: @escaping @Sendable (Own, ServiceContext) throws -> [any Service]
  ) {
    self.name = name
    self.help = help
    self.settings = settings
    fixedToken = nil
    self.connectionsMax = connectionsMax
    usesTopics = false
    batchRecords = BatchLimits.recordsDefault
    prepare = { reader, common in
      let own = configure(&reader, common)
      return Prepared(
        routes: { try routes(own, $0, &$1) }, parts: .ofTables { try parts(own, $0) }, around: { around(own, $0) },
        refusing: { refusing(own, $0) }, guarding: { guarding(own, $0, $1) })
    }
  }

  private var common: [Setting] { usesTopics ? CommonSettings.all : CommonSettings.withoutTopics }

  /// Exit status for settings that cannot be used (`EX_CONFIG`).
  public static let badSettings = ExitCode(rawValue: 78)

  public var command: Command {
    let options = (common + settings).compactMap(\.option)
      + [Option.value("config", placeholder: "FILE", help: HelpText("settings file: name = value lines", zh: "配置文件"), completion: .files)]
    return Command(
      name: name, help: help,
      subcommands: [
        Command(name: "serve", help: HelpText("run the service", zh: "运行服务"), options: options, run: { try await self.serve($0) }),
        Command(name: "migrate", help: HelpText("bring its tables up to date", zh: "升级数据表"), options: options, run: { try await self.migrate($0) }),
        Command(
          name: "check-config", help: HelpText("read all settings and say everything that is wrong", zh: "检查配置"), options: options,
          run: { arguments in
            _ = try self.read(arguments, serves: true)
            arguments.console.print("ok")
            return .ok
          }),
        HealthCheck(name: name).command,
      ])
  }

  /// Heaps that the threads of a service share. With one they wait for each other, and each that they have keeps what its threads needed once.
  private static let heapsMax: Int32 = 4
  /// From this size on blocks are taken from the kernel and given back to it: the buffers of a batch, and what comes from the brokers.
  private static let ownBlockBytesMin: Int32 = 512 << 10

  public func main() async -> Never {
    cmemory_settle(ServiceProgram.heapsMax, ServiceProgram.ownBlockBytesMin)
    await Program(version: suiteVersion, root: command).main()
  }

  /// - Parameter serves: over HTTP: then somebody must be able to get in.
  private func read(_ arguments: ParsedArguments, serves: Bool) throws -> (CommonSettings, StaticToken?, Prepared) {
    let known = common + settings
    var given: [String: String] = [:]
    for setting in known where !setting.isSecret { given[setting.name] = arguments.optionalString(setting.name) }
    var file: [String: String] = [:]
    if let path = arguments.optionalString("config") {
      guard let bytes = Files.read(path, bytesMax: 1 << 20) else {
        throw SettingFaults(faults: [SettingFault(setting: "config", problem: "the file \(path) cannot be read")])
      }
      file = try SettingsReader.file(String(decoding: bytes, as: UTF8.self), known: known)
    }
    var reader = SettingsReader(arguments: given, environment: Program.environment(), file: file)
    return try read(&reader, serves: serves)
  }

  private func read(_ reader: inout SettingsReader, serves: Bool) throws -> (CommonSettings, StaticToken?, Prepared) {
    let common = CommonSettings(&reader, service: name, usesTopics: usesTopics, batchRecords: batchRecords)
    let fixed = readFixedToken(&reader, common)
    let prepared = prepare(&reader, common)
    if serves { common.access.refuseNothing(&reader) }
    try reader.finish()
    return (common, fixed, prepared)
  }

  private func readFixedToken(_ reader: inout SettingsReader, _ common: CommonSettings) -> StaticToken? {
    guard let setting = fixedToken, let text = reader.optional(setting) else { return nil }
    if common.access.isOff { reader.refuse(setting, "is set, and \(AccessSettings.mode.variable) is off") }
    guard let token = StaticToken(text, subject: setting.name) else {
      reader.refuse(
        setting, "must have \(StaticToken.bytesMin) to \(StaticToken.bytesMax) characters out of letters, digits and - . _ ~ + / =")
      return nil
    }
    return token
  }

  /// Its routes as they are served, with whatever stands before them and what has to run for that; for tests too, without a process.
  ///
  /// - Parameter settings: as in the environment.
  public func router(settings: [String: String], logger: Logger, poolWait: Duration) throws -> Router {
    var reader = SettingsReader(arguments: [:], environment: settings)
    let (common, fixed, prepared) = try read(&reader, serves: true)
    let context = ServiceContext(
      name: name, settings: common, logger: logger, metrics: Metrics(), pool: PostgresPool(common.database, waitLimit: poolWait), readiness: Readiness())
    return try router(context, common.access.access(fixed: fixed, logger: logger).access, prepared)
  }

  private func router(_ context: ServiceContext, _ access: AccessGuard, _ prepared: Prepared) throws -> Router {
    let trail = AuditTrail.middleware(pool: context.pool, zone: context.settings.zone, clock: SystemTime.unixMicroseconds)
    var router = Router(
      middleware: prepared.around(context), guarding: prepared.guarding(context, access), guarded: [trail],
      refusing: prepared.refusing(context)
    )
    addOperations(to: &router, context)
    AuditRoutes.add(to: &router, context)
    try prepared.routes(context, &router)
    let undeclared = router.undeclared
    guard undeclared.isEmpty else {
      throw UndeclaredRoutes(description: "nobody says who may call \(undeclared.map { "\($0.method) \($0.pattern)" }.joined(separator: ", "))")
    }
    return router
  }

  private func migrate(_ arguments: ParsedArguments) async throws -> ExitCode {
    let (common, _, _) = try read(arguments, serves: false)
    let migrations = try Migrations(schema: name, Resources.migrations(of: name))
    let logger = Logger(service: name, level: common.level)
    let outcome = try await OwnedThread.value(name: "migrate") { Result { try migrations.apply(to: common.database, logger: logger) } }
    let applied = try outcome.get()
    arguments.console.print(applied.isEmpty ? "up to date" : applied.map { "applied \($0)" }.joined(separator: "\n"))
    return .ok
  }

  private func serve(_ arguments: ParsedArguments) async throws -> ExitCode {
    let (common, fixed, prepared) = try read(arguments, serves: true)
    let logger = Logger(service: name, level: common.level)
    let metrics = Metrics()
    metrics.addProcessMetrics()
    let context = ServiceContext(
      name: name, settings: common, logger: logger, metrics: metrics,
      pool: PostgresPool(common.database, connectionsMax: connectionsMax, logger: logger), readiness: Readiness())
    let (access, accessParts) = common.access.access(fixed: fixed, logger: logger)
    let router = try router(context, access, prepared)
    let server = HTTPServer(
      settings: HTTPServerSettings(host: common.host, port: common.port), router: router, logger: logger, observer: requestObserver(metrics))
    let assembly = Assembly(context: context, parts: prepared.parts)
    let announcer = PortAnnouncer(server: server, file: common.portFile, logger: logger)
    logger.info("service starts", ["version": .string(suiteVersion)])
    if common.access.isOff { logger.warning("access is off: whoever reaches this port may do everything", ["host": .string(common.host)]) }
    if usesTopics, case .saslScram = common.kafka.security, !KafkaLibrary.hasStrictScram {
      logger.warning("brokers of Kafka 4 refuse SCRAM from this librdkafka, whatever the password", ["librdkafka": .string(KafkaLibrary.version)])
    }
    let watch = DependencyWatch(context, usesTopics: usesTopics)
    let outcome = await ServiceGroup(services: accessParts + [server, announcer, assembly, watch], logger: logger).run()
    await context.pool.close()
    if outcome.isClean { logger.info("service stopped") } else { logger.error("service ended", [.reason: .describing(outcome)]) }
    return outcome.isClean ? .ok : .failed
  }

  private func addOperations(to router: inout Router, _ context: ServiceContext) {
    router.immediate(.get, "/healthz") { _ in .text("ok\n") }
    router.immediate(.get, "/readyz") { _ in
      let report = context.readiness.report()
      let isReady = report.allSatisfy { $0.problem == nil }
      let parts = JSONValue.object(report.map { JSONMember($0.name, $0.problem.map { .text($0) } ?? .text("ok")) })
      return .json(JSONValue.object([JSONMember("ready", .boolean(isReady)), JSONMember("parts", parts)]).encoded, status: isReady ? .ok : .serviceUnavailable)
    }
    router.get("/metrics", needs: .everybody) { _ in .text(context.metrics.render(), headers: ["Content-Type": Metrics.contentType]) }
    guard usesTopics else { return }
    GapRoutes.add(to: &router, context)
    router.get("/v1/positions", needs: .operationsRead) { _ in
      let (positions, outbox) = try await context.pool.withSession { session in
        (try PositionReport.all(session), try PositionReport.outboxRecords(session))
      }
      let rows = positions.map { position -> JSONValue in
        [
          "consumer": .text(position.consumer), "cluster": .text(position.cluster), "topic": .text(position.topic),
          "partition": .integer(Int64(position.partition)), "next_offset": .integer(position.nextOffset),
        ]
      }
      return .json(JSONValue.object([JSONMember("positions", .array(rows)), JSONMember("outbox_records", .integer(outbox))]).encoded)
    }
  }

  private func requestObserver(_ metrics: Metrics) -> RequestObserver {
    { method, route, status, seconds in
      let labels: MetricLabels = ["method": method, "route": route, "status": String(status)]
      metrics.histogram("clientele_http_request_duration_seconds", help: "Time from request to reply.", labels: labels).observe(seconds)
    }
  }
}

/// A route without a word on who may call it.
private struct UndeclaredRoutes: Error, CustomStringConvertible { let description: String }

/// The version of the whole suite.
public let suiteVersion = "0.1.0"

/// Writes the port to a file once the server listens: how `clientele up` learns it.
private struct PortAnnouncer: Service {
  let server: HTTPServer
  let file: String?
  let logger: Logger
  var name: String { "port announcer" }

  func run(_ stop: StopSignal) async throws {
    let port = try await server.boundPort
    logger.info("listening", ["port": .int(port)])
    if let file { try Files.write(file, "\(port)\n") }
    await stop.wait()
  }
}

/// Waits for database and broker, then runs the service's parts. A dependency that is away is said and waited for.
private struct Assembly: Service {
  let context: ServiceContext
  let parts: ServiceProgram.Parts
  var name: String { "assembly" }
  private let problem = Shared<String?>("starting")

  init(context: ServiceContext, parts: ServiceProgram.Parts) {
    self.context = context
    self.parts = parts
    let problem = problem
    context.readiness.add("dependencies") { problem.value }
  }

  func run(_ stop: StopSignal) async throws {
    let parts: [any Service]
    switch self.parts {
    case .ofTopics(let make):
      let probe = try KafkaProbe(context.settings.kafka, limitMilliseconds: 2_000, logger: context.logger)
      let context = context
      guard let environment = try await dependencies(stop, { try Assembly.environment(context, probe) }) else { return }
      parts = try make(context, environment, probe)
    case .ofTables(let make):
      let context = context
      guard try await dependencies(stop, { try Assembly.session(context).close() }) != nil else { return }
      parts = try make(context)
    }
    problem.value = nil
    context.logger.info("service ready")
    let outcome = await ServiceGroup(services: parts, logger: context.logger).run(signals: [], stop: stop)
    if !outcome.isClean { throw AssemblyFailure(description: "\(outcome)") }
  }

  /// Asks until all answer or the stop comes.
  ///
  /// - Parameter ask: blocks; on a thread of its own.
  private func dependencies<Answer: Sendable>(_ stop: StopSignal, _ ask: @escaping @Sendable () throws -> Answer) async throws -> Answer? {
    var backoff = Backoff()
    while !stop.isStopping {
      let attempt = try await OwnedThread.value(name: "dependencies") { Result { try ask() } }
      switch attempt {
      case .success(let answer): return answer
      case .failure(let error):
        if problem.value != "\(error)" { context.logger.warning("waiting for a dependency", [.error: .describing(error)]) }
        problem.value = "\(error)"
      }
      _ = await stop.wait(atMost: .milliseconds(backoff.nextMilliseconds()))
    }
    return nil
  }

  /// Over tables that are up to date.
  private static func session(_ context: ServiceContext) throws -> PostgresSession {
    let session = try PostgresSession(context.settings.database, logger: context.logger)
    do { try Migrations(schema: context.name, Resources.migrations(of: context.name)).check(session) } catch {
      session.close()
      throw error
    }
    return session
  }

  private static func environment(_ context: ServiceContext, _ probe: KafkaProbe) throws -> LaneEnvironment {
    try session(context).close()
    let cluster = try probe.clusterId()
    var layout: [String: Int32] = [:]
    for topic in Topics.all { layout[topic.name] = try probe.partitionCount(topic.name) }
    var lanes = LaneEnvironment(
      service: context.name, owner: context.settings.instance, cluster: cluster, database: context.settings.database, kafka: context.settings.kafka,
      layout: TopicLayout(layout), clock: context.settings.clock, logger: context.logger, metrics: context.metrics)
    lanes.batches = BatchLimits(recordsMax: context.settings.batchRecords)
    return lanes
  }
}

private struct AssemblyFailure: Error, CustomStringConvertible { let description: String }

/// A value that several threads see.
final class Shared<Value: Sendable>: Sendable {
  private let stored: Mutex<Value>
  init(_ value: Value) { stored = Mutex(value) }
  var value: Value {
    get { stored.withLock { $0 } }
    set { stored.withLock { $0 = newValue } }
  }
}

extension Files {
  struct WriteFailure: Error, CustomStringConvertible { let description: String }

  /// Writes a file whole: a reader sees the old one or the new one.
  public static func write(_ path: String, _ text: String) throws {
    let draft = path + ".new"
    let descriptor = open(draft, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw WriteFailure(description: "\(path) cannot be written: \(String(cString: strerror(errno)))") }
    let bytes = Array(text.utf8)
    let written = Glibc.write(descriptor, bytes, bytes.count)
    fsync(descriptor)
    close(descriptor)
    guard written == bytes.count, rename(draft, path) == 0 else {
      throw WriteFailure(description: "\(path) cannot be written: \(String(cString: strerror(errno)))")
    }
  }
}

extension Readiness {
  /// A consumer is ready unless one of its partitions stands still.
  public func watch<Handler: RecordHandler>(_ consumer: TopicConsumer<Handler>) where Handler.Session == PostgresSession {
    add(consumer.name) {
      let halted = consumer.states.compactMap { entry -> String? in
        if case .halted(let reason) = entry.state { "\(entry.partition): \(reason)" } else { nil }
      }
      return halted.isEmpty ? nil : halted.joined(separator: "; ")
    }
  }
  /// Due work is well while it is done, here or in another process.
  public func watch<Handler: DueHandler>(_ lane: DueLane<Handler>) { add(lane.name) { lane.problem } }
}
