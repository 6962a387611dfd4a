// The clusters these tests run on: the built-in one always, Apache Kafka too when KAFKA_HOME names a distribution.
import Embedded
import Glibc
import Kafka
import Synchronization
import Testing

enum Cluster: String, Sendable, CaseIterable, CustomTestStringConvertible {
  case builtIn
  case distribution

  static let available: [Cluster] = Cluster.home == nil ? [.builtIn] : [.builtIn, .distribution]
  static let home: String? = HelperProcess.currentEnvironment()["KAFKA_HOME"].flatMap { $0.isEmpty ? nil : $0 }

  var testDescription: String { self == .builtIn ? "built-in broker" : "Apache Kafka" }

  /// How to reach the cluster, which is started by the first test that asks.
  func settings(_ overrides: [String: String] = [:]) async throws -> KafkaSettings {
    let brokers = try await Clusters.shared.brokers(of: self)
    return KafkaSettings(
      brokers: brokers, clientId: "tests", isBuiltIn: self == .builtIn, sessionTimeoutMilliseconds: 2_000, overrides: overrides)
  }

  /// A topic of this test's own.
  func makeTopic(partitions: Int32) async throws -> String {
    let name = "tests.\(UInt64.random(in: 0 ... .max)).v1"
    try await Clusters.shared.declare(name, partitions, on: self)
    let admin = try KafkaAdmin(try await self.settings())
    try await admin.ensureTopics([TopicPlan(name: name, partitions: partitions, replication: self == .builtIn ? 1 : -1)])
    await admin.close()
    return name
  }
}

/// Starts each cluster once for the whole run.
actor Clusters {
  static let shared = Clusters()
  private var builtIn: BuiltInBroker?
  private var distribution: Task<KafkaProcess, any Error>?

  func brokers(of cluster: Cluster) async throws -> String {
    switch cluster {
    case .builtIn: return try self.broker().address
    case .distribution: return try await self.kafka().brokers
    }
  }

  func declare(_ topic: String, _ partitions: Int32, on cluster: Cluster) throws {
    if cluster == .builtIn { try self.broker().createTopic(topic, partitions: partitions) }
  }

  private func broker() throws -> BuiltInBroker {
    if let builtIn { return builtIn }
    let made = try BuiltInBroker(brokers: 1)
    self.builtIn = made
    return made
  }

  private func kafka() async throws -> KafkaProcess {
    if let distribution { return try await distribution.value }
    let task = Task { try await KafkaProcess.start(home: Cluster.home ?? "", folder: try makeTemporaryFolder()) }
    self.distribution = task
    return try await task.value
  }
}

/// A new private folder, beside the test executable so that cleaning the build removes what a killed run leaves.
func makeTemporaryFolder() throws -> String {
  let path = "\(Executables.ownFolder() ?? ".")/kafka-tests-\(UInt64.random(in: 0 ... .max))"
  guard mkdir(path, 0o700) == 0 else { throw HelperFailure("\(path) cannot be made") }
  return path
}

/// Removes a folder with everything in it.
func removeFolder(_ path: String) async {
  let process = try? await HelperProcess.start(HelperProcess.Launch(executable: "/bin/rm", arguments: ["-rf", path]))
  _ = await process?.waitForExit(within: .seconds(10))
}

/// Things that happened, in order, which tests wait for.
final class Events<Element: Sendable>: Sendable {
  private struct Waiter {
    let isMet: @Sendable ([Element]) -> Bool
    let continuation: CheckedContinuation<Bool, Never>
  }
  private struct State {
    var elements: [Element] = []
    var waiters: [Int: Waiter] = [:]
    var idNext = 0
  }
  private let state = Mutex(State())

  var all: [Element] { self.state.withLock { $0.elements } }

  func add(_ element: Element) { self.add(contentsOf: [element]) }

  func add(contentsOf elements: [Element]) {
    let met = self.state.withLock { state in
      state.elements += elements
      let met = state.waiters.filter { $0.value.isMet(state.elements) }
      for id in met.keys { state.waiters[id] = nil }
      return met.values.map(\.continuation)
    }
    for continuation in met { continuation.resume(returning: true) }
  }

  /// Whether the condition came true within the limit.
  func wait(within limit: Duration = .seconds(30), until isMet: @escaping @Sendable ([Element]) -> Bool) async -> Bool {
    let id = self.state.withLock { state in
      state.idNext += 1
      return state.idNext
    }
    let guardTask = Task {
      try await Task.sleep(for: limit)
      let waiter = self.state.withLock { $0.waiters.removeValue(forKey: id) }
      waiter?.continuation.resume(returning: false)
    }
    defer { guardTask.cancel() }
    return await withCheckedContinuation { continuation in
      let isMetNow = self.state.withLock { state in
        if isMet(state.elements) { return true }
        state.waiters[id] = Waiter(isMet: isMet, continuation: continuation)
        return false
      }
      if isMetNow { continuation.resume(returning: true) }
    }
  }
}

func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }
func string(_ bytes: [UInt8]?) -> String? { bytes.map { String(decoding: $0, as: UTF8.self) } }
