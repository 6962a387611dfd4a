// The built-in broker as a process of its own, which several services can share and which ends with the one that started it.
import Glibc
public import Telemetry

/// Starts the `broker` executable and reads its address.
public struct BrokerProcess: KafkaEnvironment {
  public let brokers: String
  public var kind: KafkaKind { .builtIn }
  private let process: HelperProcess
  private let logger: Logger
  private let exchange = Turnstile()

  /// How long the broker may take to say where it listens, and to answer a command.
  private static let answerSecondsMax = 20
  /// How long it may take to end.
  private static let stopSecondsMax = 5

  /// - Parameters:
  ///   - folder: private folder for its log, `broker.log`; made when absent.
  ///   - executable: path of `broker`; nil looks beside the running executable, then on `PATH`.
  public static func start(
    folder: String, brokers: Int = 1, topics: [(name: String, partitions: Int)] = [], executable: String? = nil,
    environment: [String: String] = HelperProcess.currentEnvironment(), logger: Logger = .silent
  ) async throws(HelperFailure) -> BrokerProcess {
    guard let program = executable ?? Executables.find("broker") else {
      throw HelperFailure("the executable `broker` is neither beside this one nor on PATH: build it, or set KAFKA_HOME or KAFKA_BROKERS")
    }
    try makeFolder(folder)
    var arguments = ["--brokers", String(brokers), "--stop-at-input-end"]
    if !topics.isEmpty { arguments += ["--topics", topics.map { "\($0.name):\($0.partitions)" }.joined(separator: ",")] }
    let log = folder + "/broker.log"
    let process = try await HelperProcess.start(HelperProcess.Launch(
      executable: program, arguments: arguments, environment: environment, standardOutput: .lines(copy: nil),
      standardError: .file(path: log), pipesInput: true))
    let line = await process.nextLine(within: .seconds(answerSecondsMax))
    guard let line, let address = text("brokers", in: line) else {
      let status = await process.stop(within: .seconds(stopSecondsMax))
      throw HelperFailure("the built-in broker did not start (status \(status ?? -1)); see \(log)")
    }
    logger.info("built-in broker started", ["brokers": .string(address), "pid": .int(process.pid)])
    return BrokerProcess(brokers: address, process: process, logger: logger)
  }

  private init(brokers: String, process: HelperProcess, logger: Logger) {
    self.brokers = brokers
    self.process = process
    self.logger = logger
  }

  /// The broker's process id.
  public var pid: Int32 { self.process.pid }

  public func declareTopics(_ topics: [(name: String, partitions: Int)]) async throws(HelperFailure) {
    // One question and its answer at a time.
    await self.exchange.enter()
    let outcome = await self.declareInTurn(topics)
    await self.exchange.leave()
    try outcome.get()
  }

  private func declareInTurn(_ topics: [(name: String, partitions: Int)]) async -> Result<Void, HelperFailure> {
    do throws(HelperFailure) {
      for topic in topics {
        try self.process.send(line: "topic \(topic.name) \(topic.partitions)")
        guard let answer = await self.process.nextLine(within: .seconds(BrokerProcess.answerSecondsMax)) else {
          throw HelperFailure("the built-in broker does not answer")
        }
        if let error = BrokerProcess.text("error", in: answer) { throw HelperFailure("topic \(topic.name): \(error)") }
      }
      return .success(())
    } catch {
      return .failure(error)
    }
  }

  public func stop() async {
    self.process.closeInput()
    let status = await self.process.stop(within: .seconds(BrokerProcess.stopSecondsMax))
    self.logger.info("built-in broker stopped", [.status: status.map { .int($0) }])
  }

  /// The text of one member of a flat JSON object as the broker writes it: its texts have nothing to escape.
  private static func text(_ name: String, in line: String) -> String? {
    let parts = line.split(separator: "\"", omittingEmptySubsequences: false)
    guard let place = parts.firstIndex(of: Substring(name)), place + 2 < parts.count, parts[place + 1].hasPrefix(":") else { return nil }
    return String(parts[place + 2])
  }
}

/// Lets one task through at a time, in the order of asking.
actor Turnstile {
  private var isTaken = false
  private var queue: [CheckedContinuation<Void, Never>] = []

  func enter() async {
    if self.isTaken {
      await withCheckedContinuation { self.queue.append($0) }
    } else {
      self.isTaken = true
    }
  }

  func leave() {
    if self.queue.isEmpty { self.isTaken = false } else { self.queue.removeFirst().resume() }
  }
}

/// Makes a folder and those above it, readable by its owner only; one that exists is left as it is.
func makeFolder(_ path: String) throws(HelperFailure) {
  var made = path.hasPrefix("/") ? "" : "."
  for part in path.split(separator: "/") {
    made += "/" + part
    guard mkdir(made, 0o700) == 0 || errno == EEXIST else { throw HelperFailure("\(made) cannot be made: \(systemText(errno))") }
  }
}
