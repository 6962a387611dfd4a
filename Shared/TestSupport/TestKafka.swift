// The broker that tests run on: Apache Kafka when KAFKA_HOME names a distribution, else the built-in one.
import Embedded
public import Kafka
import Glibc

public enum TestKafka {
  /// The distribution; the one variable that decides.
  public static let home: String? = HelperProcess.currentEnvironment()["KAFKA_HOME"].flatMap { $0.isEmpty ? nil : $0 }
  public static var isDistribution: Bool { home != nil }
  public static let whyNot = "needs Apache Kafka: set KAFKA_HOME"

  /// Runs `body` with a broker that has these topics, all of them empty. Apache Kafka is started once for all tests of the process, and
  /// ends with it; a built-in broker is each test's own.
  public static func with<Value>(topics: [(name: String, partitions: Int32)], _ body: (KafkaSettings) async throws -> Value) async throws -> Value {
    guard home != nil else {
      let folder = try makeFolder()
      let broker = try await BrokerProcess.start(folder: folder, topics: topics.map { ($0.name, Int($0.partitions)) }, environment: [:])
      let settings = KafkaSettings(brokers: broker.brokers, clientId: "test", isBuiltIn: true, sessionTimeoutMilliseconds: 1_500)
      let result: Result<Value, any Error>
      do { result = .success(try await body(settings)) } catch { result = .failure(error) }
      await broker.stop()
      try await TestDatabase.removeFolder(folder)
      return try result.get()
    }
    let settings = KafkaSettings(brokers: try await SharedKafka.one.brokers(), clientId: "test", sessionTimeoutMilliseconds: 1_500)
    try await makeAnew(topics, settings)
    return try await body(settings)
  }

  /// Makes topics, in place of those that have their names.
  public static func makeAnew(_ topics: [(name: String, partitions: Int32)], _ settings: KafkaSettings, replication: Int32 = 1) async throws {
    let admin = try KafkaAdmin(settings)
    let present = Set(try await admin.topics())
    for topic in topics where present.contains(topic.name) { try await admin.deleteTopic(topic.name) }
    try await admin.createTopics(topics.map { TopicPlan(name: $0.name, partitions: $0.partitions, replication: replication) })
    await admin.close()
  }

  static func makeFolder() throws -> String {
    let folder = "\(TestDatabase.temporaryFolder)/clientele-kafka-\(getpid())-\(UInt32.random(in: 0 ... .max))"
    guard mkdir(folder, 0o700) == 0 else { throw HelperFailure("\(folder) cannot be made") }
    return folder
  }
}

/// The one node of the process.
private actor SharedKafka {
  static let one = SharedKafka()
  private var starting: Task<KafkaProcess, any Error>?

  func brokers() async throws -> String {
    // A task, because it must not end with the test that asked first.
    let task = starting ?? Task { try await KafkaProcess.start(home: TestKafka.home ?? "", folder: try TestKafka.makeFolder()) }
    starting = task
    return try await task.value.brokers
  }
}

/// Nodes of Apache Kafka that a test may stop, kill, damage and start again where they were.
public actor TestCluster {
  private struct Node {
    let place: KafkaPlace
    let folder: String
    var process: KafkaProcess?
  }
  private let clusterId = KafkaProcess.newClusterId()
  private let folder: String
  private let more: [String: String]
  private var nodes: [Node] = []

  /// Runs `body` with a cluster of so many nodes, of which the first alone is a controller; all end with it.
  public static func with<Value>(nodes: Int = 1, settings: [String: String] = [:], _ body: (TestCluster) async throws -> Value) async throws -> Value {
    let cluster = try TestCluster(nodes: nodes, settings)
    let result: Result<Value, any Error>
    do {
      for node in 0..<nodes { try await cluster.start(node) }
      result = .success(try await body(cluster))
    } catch { result = .failure(error) }
    await cluster.stop()
    return try result.get()
  }

  private init(nodes: Int, _ settings: [String: String]) throws {
    folder = try TestKafka.makeFolder()
    more = settings
    for number in 0..<nodes { self.nodes.append(Node(place: try KafkaPlace.free(), folder: "\(folder)/node-\(number + 1)")) }
  }

  public var brokers: String { nodes.map { "127.0.0.1:\($0.place.port)" }.joined(separator: ",") }
  public var settings: KafkaSettings { KafkaSettings(brokers: brokers, clientId: "test", sessionTimeoutMilliseconds: 1_500) }
  public func address(of node: Int) -> String { "127.0.0.1:\(nodes[node].place.port)" }

  /// Where a node keeps a partition.
  public func logFolder(_ partition: TopicPartition, of node: Int = 0) -> String { "\(nodes[node].folder)/data/\(partition.topic)-\(partition.partition)" }

  public func start(_ node: Int) async throws {
    var settings = ["node.id": String(node + 1), "controller.quorum.voters": "1@127.0.0.1:\(nodes[0].place.controllerPort)"]
    if node > 0 {
      settings["process.roles"] = "broker"
      settings["listeners"] = "PLAINTEXT://127.0.0.1:\(nodes[node].place.port)"
    }
    // `$port` and `$controller` in what the test gives stand for the node's own.
    let place = nodes[node].place
    let given = more.mapValues {
      $0.replacing("$port", with: String(place.port)).replacing("$controller", with: String(place.controllerPort))
    }
    settings.merge(given) { _, given in given }
    nodes[node].process = try await KafkaProcess.start(
      home: TestKafka.home ?? "", folder: nodes[node].folder, settings: settings, place: nodes[node].place, clusterId: clusterId)
  }

  public func kill(_ node: Int) async {
    await nodes[node].process?.kill()
    nodes[node].process = nil
  }

  private func stop() async {
    // The controller last: the others tell it that they go.
    for node in nodes.indices.reversed() {
      await nodes[node].process?.kill()
      nodes[node].process = nil
    }
    try? await TestDatabase.removeFolder(folder)
  }

  /// Runs one of the distribution's own programs to its end; gives back nothing but whether it went well.
  public func tool(_ name: String, _ arguments: [String]) async throws {
    let log = "\(folder)/\(name).log"
    let process = try await HelperProcess.start(
      HelperProcess.Launch(
        executable: "\(TestKafka.home ?? "")/bin/\(name)", arguments: ["--bootstrap-server", address(of: 0)] + arguments,
        standardOutput: .file(path: log), standardError: .file(path: log)))
    guard await process.waitForExit(within: .seconds(60)) == 0 else { throw HelperFailure("\(name) failed: see \(log)") }
  }
}
