// `clientele demo`: the whole suite once, on sample orders, contacts and answers, from nothing to tiers; ends by itself.
import ClienteleCore
import CommandLine
import Domain
import Glibc
import HTTP
import Kafka
import Lifecycle
import Runtime
import Synchronization
import Telemetry
import Text

enum DemoCommand {
  /// Business time of the sample: its last order is of the day before.
  static let clock = "1998-07-01"
  /// What customers did, said and answered, each with its source; orders first, since tiers come of them.
  static let samples: [(topic: String, path: String, source: String)] = [
    ("in.orders.v1", "deploy/sample/orders.ndjson", "shop"), ("in.contacts.v1", "deploy/sample/contacts.ndjson", "crm"),
    ("in.answers.v1", "deploy/sample/answers.ndjson", "surveys"),
  ]
  /// How long the sample may take to go through.
  static let catchUpLimit: Duration = .seconds(120)

  static let command = Command(
    name: "demo", help: HelpText("run the whole suite once on the sample, show the tiers, stop", zh: "用示例数据运行一遍并显示分级"),
    options: [
      .value(
        "folder", placeholder: "FOLDER", help: HelpText("private folder of the demonstration, emptied first", zh: "演示目录（会先清空）"),
        defaultValue: ".clientele/demo", completion: .folders),
      .flag("stay", help: HelpText("go on until Ctrl-C, with the console open; on a terminal it does anyway", zh: "显示后继续运行（控制台可用），按 Ctrl-C 停止；在终端中默认如此")),
    ], run: run)

  @Sendable static func run(_ arguments: ParsedArguments) async throws -> ExitCode {
    let logger = Logger(service: "clientele", level: .warning)
    var options = SuiteOptions(folder: try arguments.string("folder"))
    options.clock = clock
    options.scorecard = "rfm-plus"
    options.isFresh = true
    mkdir(".clientele", 0o755)
    let console = arguments.console
    let suite = try Suite(options, logger: logger) { console.print("  \($0)") }
    let runner = DemoRunner(suite: suite, console: console, stays: arguments.flag("stay") || isatty(STDOUT_FILENO) == 1)
    let outcome = await ServiceGroup(services: [runner], logger: logger, stopLimit: .seconds(60)).run(stop: runner.done)
    if let failure = outcome.failures.first {
      console.printError("clientele demo: \(failure.words)")
      return .failed
    }
    return outcome.isClean && runner.isComplete ? .ok : .failed
  }
}

private final class DemoRunner: Service {
  let name = "demonstration"
  let done = StopSignal()
  private let suite: Suite
  private let console: Console
  private let stays: Bool
  private let complete = Atomic(false)

  init(suite: Suite, console: Console, stays: Bool) {
    self.suite = suite
    self.console = console
    self.stays = stays
  }

  var isComplete: Bool { complete.load(ordering: .relaxed) }

  func run(_ stop: StopSignal) async throws {
    console.print("1. starting the suite: PostgreSQL, a broker, ingest, profile, tiering, tickets, feedback, connector, console")
    try await suite.start()
    var failure: (any Error)?
    do { try await show(stop) } catch { failure = error }
    let isWhole = failure == nil && !stop.isStopping
    if isWhole {
      invite()
      if stays { await stop.wait() }
    }
    console.print(stays ? "stopping" : "5. stopping")
    await suite.stop(drained: failure == nil)
    if let failure { throw failure }
    complete.store(isWhole, ordering: .relaxed)
    if isWhole {
      console.print(
        """

        What happened: sample orders, contacts and answers were published to topics; ingest checked them and kept the refused ones with their
        reasons, profile put each customer together, tiering scored and tiered them, tickets were opened for contacts of the last 30 days,
        and answers became NPS, CSAT and CES.
        Where to look: logs in \(suite.folder.logs), `clientele up` for a suite that stays, README.md for what to publish.
        """)
    }
    done.stop()
    await stop.wait()
  }

  /// The console, for a look around: until Ctrl-C when the demonstration stays.
  private func invite() {
    let address = suite.state?.services["console"]?.url ?? "-"
    console.print("4. the console, where people see all this: \(address)")
    guard stays else { return }
    if let line = UpCommands.signInLine(folder: suite.folder.path) { console.print(line) }
    console.print("   Ctrl-C stops everything.\n")
  }

  private func show(_ stop: StopSignal) async throws {
    guard let state = suite.state, let addresses = SuiteAddresses(state, try suite.credentials) else { throw SuiteFailure("the suite is not up") }
    let settings = KafkaSettings(brokers: state.brokers, clientId: "clientele-demo", isBuiltIn: state.kafkaKind == "built-in")
    let samples = try DemoCommand.samples.map { sample in
      guard let text = Resources.text(sample.path) else { throw SuiteFailure("\(sample.path) is not in this program") }
      return (sample.topic, lines: text.split(separator: "\n"), sample.source)
    }
    console.print(
      """
      2. publishing \(samples[0].lines.count) sample records to in.orders.v1, five of them broken on purpose,
         \(samples[1].lines.count) of what was said to in.contacts.v1 and \(samples[2].lines.count) answers to surveys to in.answers.v1
      """)
    let client = HTTPClient()
    let admin = try KafkaAdmin(settings)
    let catchUp = CatchUp(addresses: addresses, client: client, admin: admin, partitions: try await admin.partitionCount("in.orders.v1"))
    for (topic, lines, source) in samples {
      try await publish(lines, to: topic, from: source, settings)
      // Everybody has a tier by the time that they speak: deadlines follow from it, and answers count under it.
      try await catchUp.wait(limit: DemoCommand.catchUpLimit)
    }
    await admin.close()
    console.print("3. every customer's tier as the figures give it, by scorecard rfm-plus at \(DemoCommand.clock):\n")
    try await report(addresses)
    try await client.printSummary(addresses, console)
    await client.close()
  }

  private func publish(_ lines: [Substring], to topic: String, from source: String, _ settings: KafkaSettings) async throws {
    let producer = try Producer(settings)
    try producer.start()
    for line in lines {
      _ = try await producer.send(
        OutgoingRecord(topic: topic, key: Array(line.utf8.prefix(40)), value: Array(line.utf8), headers: [KafkaHeader("source", source)]))
    }
    _ = await producer.close(within: .seconds(5))
  }

  private func report(_ addresses: SuiteAddresses) async throws {
    let connection = try SuiteConnection.find(folder: suite.folder.path, environment: [:])
    let services = ServiceClient(connection)
    let day = connection.today
    var figures: [CustomerFigures] = []
    try await services.eachLine("profile", "/v1/indicators") { figures.append(try CustomerFigures(line: $0, day: day)) }
    let waiting = try await services.call("tiering", .get, "/v1/proposals?limit=5")
    await services.close()
    let report = try TierReport(
      figures, day: day, scorecard: try RuleBook.scorecard("rfm-plus").scorecard, policy: try RuleBook.policy(.score), currency: connection.currency,
      withPoints: false)
    console.print(report.text(for: console, listsCustomers: false))
    let rows = waiting["proposals"]?.arrayValue ?? []
    guard !rows.isEmpty else { return }
    console.print(
      """
      Nobody becomes VIP without a person: \(waiting["count"]?.int64Value ?? 0) customers have the tier below until a sales manager confirms
      what is proposed, as `clientele review list` shows in a suite that stays (policy b2c in deploy/policies.yaml). The first \(rows.count):
      """)
    console.print(TierDecisions.table(rows, isChinese: console.language == .zh).render())
  }
}

extension HTTPClient {
  fileprivate func printSummary(_ addresses: SuiteAddresses, _ console: Console) async throws {
    let counts = try await get(addresses.ingest + "/v1/quarantine/counts", headers: try addresses.credentials.headers("ingest"))
    console.print("refused records, by reason (`clientele quarantine list` shows them in a suite that stays):")
    console.print(QuarantineDesk.table(ofCounts: try JSONValue(counts.body), isChinese: console.language == .zh).render())
  }
}
