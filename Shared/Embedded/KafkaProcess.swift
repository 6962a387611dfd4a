// Apache Kafka from a distribution on this machine: one node, a private folder, free ports, nothing shared with any other Kafka.
import Glibc
import Lifecycle
public import Telemetry

/// Where a node listens for clients and for other nodes, on 127.0.0.1.
public struct KafkaPlace: Hashable, Sendable {
  public let port: UInt16
  public let controllerPort: UInt16

  /// Ports that nobody uses now.
  public static func free() throws(HelperFailure) -> KafkaPlace {
    let ports = try KafkaProcess.freePorts(2)
    return KafkaPlace(port: ports[0], controllerPort: ports[1])
  }
}

/// One KRaft node, broker and controller in one, started from `KAFKA_HOME`.
public struct KafkaProcess: KafkaEnvironment {
  public let brokers: String
  public var kind: KafkaKind { .distribution }
  private let process: HelperProcess
  private let logger: Logger

  /// How long formatting the folder, the start, and the clean stop may take.
  private static let formatSecondsMax = 60
  private static let startSecondsMax = 90
  private static let stopSecondsMax = 30
  /// Pause between two questions whether the broker answers, in milliseconds.
  private static let askMilliseconds = 100
  /// Heap unless `KAFKA_HEAP_OPTS` says otherwise.
  private static let heap = "-Xms128m -Xmx512m"

  /// - Parameters:
  ///   - home: an unpacked distribution, 3.9 or later.
  ///   - folder: private folder for configuration, data and logs; made when absent, and with data in it the cluster goes on from there.
  ///   - settings: broker settings beside the private ones, by name.
  ///   - place: where it listens; nil takes free ports. A node that is started again where it was is found by the clients it had.
  ///   - clusterId: of the cluster that the node is to belong to, when its folder is new; nil makes one up.
  public static func start(
    home: String, folder: String, environment: [String: String] = HelperProcess.currentEnvironment(),
    settings: [String: String] = [:], place: KafkaPlace? = nil, clusterId: String? = nil, logger: Logger = .silent
  ) async throws(HelperFailure) -> KafkaProcess {
    try makeFolder(folder)
    guard let storage = Executables.ifExecutable(home + "/bin/kafka-storage.sh"),
      let server = Executables.ifExecutable(home + "/bin/kafka-server-start.sh")
    else { throw HelperFailure("KAFKA_HOME=\(home) has no bin/kafka-storage.sh and bin/kafka-server-start.sh") }
    let place = if let place { place } else { try KafkaPlace.free() }
    let file = folder + "/server.properties"
    try write(properties(place, folder: folder, settings: settings), to: file)
    var environment = environment
    environment["LOG_DIR"] = folder + "/logs"
    if environment["KAFKA_HEAP_OPTS"] == nil { environment["KAFKA_HEAP_OPTS"] = heap }
    let log = folder + "/kafka.log"
    if access(folder + "/data/meta.properties", F_OK) != 0 {
      try await format(storage, file, clusterId ?? newClusterId(), environment, log)
    }
    let process = try await HelperProcess.start(HelperProcess.Launch(
      executable: server, arguments: [file], environment: environment, standardOutput: .file(path: log), standardError: .file(path: log)))
    let kafka = KafkaProcess(brokers: "127.0.0.1:\(place.port)", process: process, logger: logger)
    guard await kafka.answers(port: place.port) else {
      let status = process.exitStatus
      await kafka.stop()
      throw HelperFailure("Kafka from \(home) did not start\(status.map { " (status \($0))" } ?? " in \(startSecondsMax) s"); see \(log)")
    }
    logger.info("kafka started", ["brokers": .string(kafka.brokers), "pid": .int(process.pid)])
    return kafka
  }

  private init(brokers: String, process: HelperProcess, logger: Logger) {
    self.brokers = brokers
    self.process = process
    self.logger = logger
  }

  /// The process id of the node.
  public var pid: Int32 { self.process.pid }

  public func declareTopics(_ topics: [(name: String, partitions: Int)]) async throws(HelperFailure) {}

  /// Ends the node as a crash does, without a word to its clients.
  public func kill() async { _ = await self.process.stop(signal: 9, within: .seconds(KafkaProcess.stopSecondsMax)) }

  public func stop() async {
    let status = await self.process.stop(within: .seconds(KafkaProcess.stopSecondsMax))
    self.logger.info("kafka stopped", [.status: status.map { .int($0) }])
  }

  /// Waits until metadata names a broker that takes requests; an open port alone says little. False when the node ended or took too long.
  private func answers(port: UInt16) async -> Bool {
    let deadline = SystemTime.monotonicNanoseconds() + Int64(KafkaProcess.startSecondsMax) * 1_000_000_000
    while SystemTime.monotonicNanoseconds() < deadline {
      if await KafkaProcess.brokerCount(port: port) > 0 { return true }
      // Also the pause between two questions.
      if await self.process.waitForExit(within: .milliseconds(KafkaProcess.askMilliseconds)) != nil || Task.isCancelled { return false }
    }
    return false
  }

  private static func format(
    _ storage: String, _ file: String, _ clusterId: String, _ environment: [String: String], _ log: String
  ) async throws(HelperFailure) {
    let process = try await HelperProcess.start(HelperProcess.Launch(
      executable: storage, arguments: ["format", "-t", clusterId, "-c", file], environment: environment,
      standardOutput: .file(path: log), standardError: .file(path: log)))
    let status = await process.waitForExit(within: .seconds(formatSecondsMax))
    if status == nil { await process.stop(within: .seconds(1)) }
    guard status == 0 else { throw HelperFailure("Kafka could not prepare its folder (status \(status ?? -1)); see \(log)") }
  }

  /// 128 random bits as Kafka writes them: 22 characters of URL-safe base64. The first is no hyphen, or its tools take it for an option.
  public static func newClusterId() -> String {
    var random = SystemRandomNumberGenerator()
    let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)
    var bits: [UInt8] = (0..<21).map { _ in alphabet[Int(random.next() & 63)] }
    // 22 characters hold 132 bits; the last four are zero.
    bits.append(alphabet[Int(random.next() & 3) << 4])
    if bits[0] == UInt8(ascii: "-") { bits[0] = UInt8(ascii: "A") }
    return String(decoding: bits, as: UTF8.self)
  }

  private static func properties(_ place: KafkaPlace, folder: String, settings: [String: String]) -> String {
    let (port, controllerPort) = (place.port, place.controllerPort)
    let fixed: [(String, String)] = [
      ("process.roles", "broker,controller"), ("node.id", "1"), ("controller.quorum.voters", "1@127.0.0.1:\(controllerPort)"),
      ("listeners", "PLAINTEXT://127.0.0.1:\(port),CONTROLLER://127.0.0.1:\(controllerPort)"),
      ("advertised.listeners", "PLAINTEXT://127.0.0.1:\(port)"), ("controller.listener.names", "CONTROLLER"),
      ("listener.security.protocol.map", "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT"), ("log.dirs", folder + "/data"),
      ("auto.create.topics.enable", "false"), ("unclean.leader.election.enable", "false"),
      ("log.message.timestamp.type", "LogAppendTime"), ("num.partitions", "4"),
      ("offsets.topic.num.partitions", "4"), ("offsets.topic.replication.factor", "1"),
      ("transaction.state.log.num.partitions", "4"), ("transaction.state.log.replication.factor", "1"),
      ("transaction.state.log.min.isr", "1"),
      // Without these a first join waits three seconds, short sessions are refused, and a restart waits for the old session.
      ("group.initial.rebalance.delay.ms", "0"), ("group.min.session.timeout.ms", "1000"),
      ("broker.session.timeout.ms", "1500"), ("broker.heartbeat.interval.ms", "300"),
    ]
    let lines = fixed.filter { settings[$0.0] == nil } + settings.sorted { $0.key < $1.key }
    return lines.map { "\($0.0)=\($0.1)\n" }.joined()
  }

  private static func write(_ text: String, to path: String) throws(HelperFailure) {
    let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw HelperFailure("\(path) cannot be written: \(systemText(errno))") }
    defer { close(descriptor) }
    let bytes = Array(text.utf8)
    guard Glibc.write(descriptor, bytes, bytes.count) == bytes.count else {
      throw HelperFailure("\(path) cannot be written: \(systemText(errno))")
    }
  }
}

// MARK: - Sockets

extension KafkaProcess {
  /// Ports of 127.0.0.1 that nobody uses now. All are held until all are found, so that they differ.
  static func freePorts(_ count: Int) throws(HelperFailure) -> [UInt16] {
    var sockets: [Int32] = []
    defer { for descriptor in sockets { close(descriptor) } }
    var ports: [UInt16] = []
    for _ in 0..<count {
      let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
      guard descriptor >= 0 else { throw HelperFailure("no socket: \(systemText(errno))") }
      sockets.append(descriptor)
      var address = loopback(port: 0)
      var length = socklen_t(MemoryLayout<sockaddr_in>.size)
      let failed = withUnsafeMutablePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          bind(descriptor, $0, length) != 0 || getsockname(descriptor, $0, &length) != 0
        }
      }
      guard !failed else { throw HelperFailure("no free port: \(systemText(errno))") }
      ports.append(UInt16(bigEndian: address.sin_port))
    }
    return ports
  }

  private static func loopback(port: UInt16) -> sockaddr_in {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    return address
  }

  /// How many brokers the node's metadata names; 0 when it does not answer. The blocking socket calls run on a thread of their own.
  private static func brokerCount(port: UInt16) async -> Int {
    (try? await OwnedThread.value(name: "kafka-ask") { askBrokerCount(port: port) }) ?? 0
  }

  /// One Metadata request, version 4, by hand: no client library is needed to see whether a node is up.
  private static func askBrokerCount(port: UInt16) -> Int {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    guard descriptor >= 0 else { return 0 }
    defer { close(descriptor) }
    var limit = timeval(tv_sec: 2, tv_usec: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    var address = loopback(port: port)
    let connected = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0 }
    }
    // Length 15, then: key 3, version 4, correlation 1, no client id, no topics asked for, no topic to be made.
    let request: [UInt8] = [0, 0, 0, 15, 0, 3, 0, 4, 0, 0, 0, 1, 0xff, 0xff, 0, 0, 0, 0, 0]
    guard connected, send(descriptor, request, request.count, Int32(MSG_NOSIGNAL)) == request.count else { return 0 }
    // Length, correlation, throttle time, then the number of brokers.
    var answer = [UInt8](repeating: 0, count: 16)
    var received = 0
    while received < answer.count {
      let count = answer.withUnsafeMutableBytes { recv(descriptor, $0.baseAddress?.advanced(by: received), $0.count - received, 0) }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { return 0 }
      received += count
    }
    return answer[12...].reduce(0) { $0 << 8 | Int($1) }
  }
}
