// `clientele up`, `down`, `status`, `env`: the suite on one machine.
import Access
import ClienteleCore
import CommandLine
import Domain
import Embedded
import Glibc
import HTTP
import Kafka
import Lifecycle
import Runtime
import Telemetry

enum UpCommands {
  static let folder = Option.value(
    "folder", placeholder: "FOLDER", help: HelpText("private folder of the suite", zh: "套件的私有目录"), defaultValue: ".clientele", completion: .folders)
  static let upOptions: [Option] = [
    folder,
    .value("clock", placeholder: "DAY", help: HelpText("let business time stand at the end of this day, as 1998-07-01", zh: "将业务时间固定在某日")),
    .flag("detach", help: HelpText("return once the suite is ready; it goes on in the background", zh: "就绪后返回，后台运行")),
    .flag("fresh", help: HelpText("forget everything stored before", zh: "清除以前的全部数据")),
    .value("partitions", placeholder: "N", help: HelpText("partitions of each topic", zh: "每个主题的分区数"), defaultValue: "2"),
    .value("business-zone", placeholder: "ZONE", help: HelpText("time zone of business days", zh: "业务时区"), defaultValue: "Asia/Shanghai"),
    .value("base-currency", placeholder: "CODE", help: HelpText("currency all spend is summed in", zh: "基准币种"), defaultValue: "CNY"),
    .value(
      "scorecard", placeholder: "NAME",
      help: HelpText("scorecard that rates where nothing is stored yet; later `scorecard activate` decides", zh: "首次使用的评分卡；之后由 scorecard activate 决定"),
      defaultValue: "standard"),
    .value("policy", placeholder: "NAME", help: HelpText("how scores become tiers", zh: "分级策略"), choices: ["score", "quota", "spend"], defaultValue: "score"),
  ]

  static let commands: [Command] = [
    Command(
      name: "up", help: HelpText("start the whole suite on this machine", zh: "在本机启动整套服务"),
      discussion: HelpText(
        """
        Starts a private PostgreSQL, a broker and the services, all in one folder, and stops them cleanly on Ctrl-C.

        The broker is Kafka at KAFKA_BROKERS, or Apache Kafka started from KAFKA_HOME, or else a small built-in one that keeps at most \
        5 MiB a partition in memory: for trying out, not for data you want to keep.
        """,
        zh: """
          在一个目录内启动私有的 PostgreSQL、消息服务器和各项服务，按 Ctrl-C 即全部正常停止。

          消息服务器取 KAFKA_BROKERS 所指的 Kafka，或由 KAFKA_HOME 启动的 Apache Kafka；都没有时使用内置服务器，它只在内存中为每个分区\
          保留至多 5 MiB，仅供试用，不宜存放需要保留的数据。
          """),
      options: upOptions, run: up),
    Command(name: "down", help: HelpText("stop the suite after it has read everything", zh: "处理完毕后停止"), options: [folder], run: down),
    Command(name: "status", help: HelpText("show what runs and whether it is well", zh: "查看运行状态"), options: [folder], run: status),
    Command(name: "env", help: HelpText("print brokers, database and ports as shell assignments", zh: "输出连接信息"), options: [folder], run: environment),
  ]

  /// How long everything unread may take at a stop before the suite stops anyway.
  static let drainLimit: Duration = .seconds(60)

  static func options(_ arguments: ParsedArguments) throws -> SuiteOptions {
    var options = SuiteOptions(folder: try arguments.string("folder"))
    if let clock = arguments.optionalString("clock") {
      guard Day(clock) != nil else { throw arguments.error(HelpText("--clock must be a day as 1998-07-01", zh: "--clock 须为日期，如 1998-07-01")) }
      options.clock = clock
    }
    options.isFresh = arguments.flag("fresh")
    options.partitions = try arguments.int("partitions", in: 1...64)
    options.businessZone = try arguments.string("business-zone")
    guard TimeZones.zone(options.businessZone) != nil else {
      throw arguments.error(HelpText("there is no time zone \(options.businessZone)", zh: "没有该时区"))
    }
    options.baseCurrency = try arguments.string("base-currency")
    guard Currency(options.baseCurrency) != nil else {
      throw arguments.error(HelpText("\(options.baseCurrency) is no current ISO 4217 code", zh: "不是有效的币种代码"))
    }
    options.scorecard = try arguments.string("scorecard")
    options.policy = try arguments.string("policy")
    return options
  }

  // MARK: - up

  @Sendable static func up(_ arguments: ParsedArguments) async throws -> ExitCode {
    let options = try options(arguments)
    if arguments.flag("detach") { return try await detach(arguments, options) }
    let console = arguments.console
    let logger = Logger(service: "clientele", level: .warning)
    let suite = try Suite(options, logger: logger) { console.printError("clientele: \($0)") }
    let runner = SuiteRunner(suite: suite, console: console)
    let outcome = await ServiceGroup(services: [runner], logger: logger, stopLimit: drainLimit + .seconds(60)).run()
    if let failure = outcome.failures.first {
      console.printError("clientele: \(failure.words)")
      return .failed
    }
    return outcome.isClean ? .ok : .failed
  }

  private static func detach(_ arguments: ParsedArguments, _ options: SuiteOptions) async throws -> ExitCode {
    let folder = try SuiteFolder(options.folder)
    if folder.isHeld { throw SuiteFailure("a suite runs in \(folder.path) already: `clientele status` shows it, `clientele down` stops it") }
    guard let own = Executables.beside("clientele") else { throw SuiteFailure("the program clientele does not find itself") }
    var words = ["up", "--folder", folder.path, "--partitions", String(options.partitions), "--business-zone", options.businessZone]
    words += ["--base-currency", options.baseCurrency, "--scorecard", options.scorecard, "--policy", options.policy]
    if let clock = options.clock { words += ["--clock", clock] }
    if options.isFresh { words.append("--fresh") }
    let log = SuiteFolder.sibling(of: folder.path, "clientele-up.log")
    let process = try await HelperProcess.start(
      .init(executable: own, arguments: words, standardOutput: .file(path: log), standardError: .file(path: log), tied: false))
    let deadline = ContinuousClock.now + .seconds(180)
    while ContinuousClock.now < deadline {
      if let status = process.exitStatus {
        let text = Files.read(log, bytesMax: 1 << 20).map { String(decoding: $0, as: UTF8.self) } ?? ""
        arguments.console.printError(text.split(separator: "\n").suffix(8).joined(separator: "\n"))
        arguments.console.printError("clientele: the suite did not start (status \(status)); see \(log)")
        return .failed
      }
      if let state = SuiteState.read(folder: folder.path), state.isReady, state.pid == process.pid {
        for line in describe(state) { arguments.console.print(line) }
        if let line = signInLine(folder: folder.path) { arguments.console.print(line) }
        return .ok
      }
      _ = await process.waitForExit(within: .milliseconds(50))
    }
    arguments.console.printError("clientele: the suite was not ready within 180 s; see \(log)")
    return .failed
  }

  static func describe(_ state: SuiteState) -> [String] {
    var lines = ["Kafka      \(state.brokers) (\(state.kafkaKind))", "PostgreSQL \(state.databaseURL)"]
    for (name, service) in state.services.sorted(by: { $0.key < $1.key }) {
      lines.append(name + String(repeating: " ", count: max(1, 11 - name.count)) + service.url + "  (process \(service.pid))")
    }
    if let clock = state.clock { lines.append("clock      stands at the end of \(clock), \(state.businessZone)") }
    return lines
  }

  /// The way into the console for whoever started the suite.
  static func signInLine(folder: String) -> String? {
    guard let connection = try? SuiteConnection.find(folder: folder, environment: [:]),
      let link = try? SignInLink(connection, subject: "admin", roles: [Role.admin.rawValue])
    else { return nil }
    return "open       \(link.url)\n           (for an administrator, once, within ten minutes; `clientele sign-in` makes others)"
  }

  // MARK: - down, status, env

  private static func running(_ arguments: ParsedArguments) throws -> (SuiteFolder, SuiteState)? {
    let folder = try SuiteFolder(try arguments.string("folder"))
    guard folder.isHeld, let state = SuiteState.read(folder: folder.path), kill(state.pid, 0) == 0 else { return nil }
    return (folder, state)
  }

  private static func notRunning(_ arguments: ParsedArguments) -> ExitCode {
    let folder = arguments.optionalString("folder") ?? ".clientele"
    arguments.console.printError("clientele: no suite runs in \(folder): start one with `clientele up`")
    return .failed
  }

  @Sendable static func down(_ arguments: ParsedArguments) async throws -> ExitCode {
    guard let (folder, state) = try running(arguments) else { return notRunning(arguments) }
    kill(state.pid, SIGTERM)
    let deadline = ContinuousClock.now + drainLimit + .seconds(60)
    while folder.isHeld {
      guard ContinuousClock.now < deadline else {
        arguments.console.printError("clientele: process \(state.pid) did not stop; see its log")
        return .failed
      }
      try await Task.sleep(for: .milliseconds(50))
    }
    arguments.console.print("stopped; the next `clientele up` goes on with the stored customers")
    return .ok
  }

  @Sendable static func status(_ arguments: ParsedArguments) async throws -> ExitCode {
    guard let (_, state) = try running(arguments) else { return notRunning(arguments) }
    for line in describe(state) { arguments.console.print(line) }
    let client = HTTPClient()
    var isWell = state.isReady
    for (name, service) in state.services.sorted(by: { $0.key < $1.key }) {
      let answer = try? await client.get(service.url + "/readyz")
      let ready = answer?.isSuccess ?? false
      isWell = isWell && ready
      arguments.console.print("\(name): " + (ready ? "ready" : answer.map { "not ready: " + String(decoding: $0.body, as: UTF8.self) } ?? "does not answer"))
    }
    await client.close()
    return isWell ? .ok : .failed
  }

  @Sendable static func environment(_ arguments: ParsedArguments) async throws -> ExitCode {
    guard let (folder, state) = try running(arguments) else { return notRunning(arguments) }
    func assign(_ name: String, _ value: String) {
      let quoted = value.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''")
      arguments.console.print("export \(name)='\(quoted)'")
    }
    assign("KAFKA_BROKERS", state.brokers)
    if state.kafkaKind != KafkaKind.external.rawValue { assign(SuiteConnection.suiteBrokers, state.brokers) }
    assign(SuiteConnection.suiteProcess, String(state.pid))
    assign("DATABASE_URL", state.databaseURL)
    // The file, not what is in it: nothing secret goes over a terminal. A suite whose access is off has none.
    if access(folder.tokenKeyPath, F_OK) == 0 { assign(AccessSettings.tokenKey.fileVariable, folder.tokenKeyPath) }
    assign("CLIENTELE_KAFKA_KIND", state.kafkaKind == KafkaKind.builtIn.rawValue ? "built-in" : "kafka")
    assign("CLIENTELE_BUSINESS_ZONE", state.businessZone)
    assign("CLIENTELE_BASE_CURRENCY", state.baseCurrency)
    if let clock = state.clock { assign("CLIENTELE_CLOCK", clock) }
    for (name, service) in state.services.sorted(by: { $0.key < $1.key }) {
      assign("CLIENTELE_\(name.uppercased())_URL", service.url)
      assign("CLIENTELE_\(name.uppercased())_PORT", service.url.split(separator: ":").last.map(String.init) ?? "")
    }
    return .ok
  }
}

/// The suite as one long run of this process.
struct SuiteRunner: Service {
  let suite: Suite
  let console: Console
  var name: String { "suite" }

  func run(_ stop: StopSignal) async throws {
    try await suite.start()
    if let state = suite.state {
      for line in UpCommands.describe(state) { console.print(line) }
      // What is written to a file stays there: codes are for people who look.
      if isatty(STDOUT_FILENO) == 1, let line = UpCommands.signInLine(folder: suite.folder.path) { console.print(line) }
      console.print("ready; Ctrl-C stops the suite. Try: clientele import FILE --source NAME --mapping FILE.yaml, then clientele report tiers")
    }
    var failure: (any Error)?
    do { try await suite.watch(stop) } catch { failure = error }
    let drained = failure == nil ? await drain() : false
    await suite.stop(drained: drained)
    if let failure { throw failure }
  }

  /// Lets everything that was published go through before the broker that holds it is stopped.
  private func drain() async -> Bool {
    guard let state = suite.state, let credentials = try? suite.credentials, let addresses = SuiteAddresses(state, credentials) else { return false }
    console.printError("clientele: stopping; letting the services read what was published")
    do {
      let client = HTTPClient()
      let settings = KafkaSettings(brokers: state.brokers, clientId: "clientele", isBuiltIn: state.kafkaKind == KafkaKind.builtIn.rawValue)
      let admin = try KafkaAdmin(settings, limitMilliseconds: 5_000)
      let partitions = try await admin.partitionCount("in.orders.v1")
      try await CatchUp(addresses: addresses, client: client, admin: admin, partitions: partitions).wait(limit: UpCommands.drainLimit)
      await admin.close()
      await client.close()
      return true
    } catch {
      console.printError("clientele: not everything was read: \(error)")
      return false
    }
  }
}
