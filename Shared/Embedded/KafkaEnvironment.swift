// A Kafka to work with: the built-in one, one started from a distribution on this machine, or one that somebody else runs.
public import Telemetry

/// A broker or cluster that is there until `stop`.
public protocol KafkaEnvironment: Sendable {
  /// `host:port` of its brokers, separated by commas.
  var brokers: String { get }
  var kind: KafkaKind { get }

  /// Makes topics where only the environment itself can: on the built-in broker, which takes no administrative requests. On a real cluster
  /// this does nothing; use the administrative client there, and after this one everywhere. A topic that exists is left as it is.
  func declareTopics(_ topics: [(name: String, partitions: Int)]) async throws(HelperFailure)

  /// Stops what was started here, in order, and returns when it has ended.
  func stop() async
}

public enum KafkaKind: String, Hashable, Sendable {
  /// Memory only, 5 MiB for each partition: for trying out.
  case builtIn = "built-in"
  /// Apache Kafka, started from a distribution on this machine.
  case distribution
  /// Runs elsewhere, and is left running.
  case external
}

/// A cluster that was there before: `KAFKA_BROKERS`.
public struct ExternalKafka: KafkaEnvironment {
  public let brokers: String
  public var kind: KafkaKind { .external }

  public init(brokers: String) { self.brokers = brokers }

  public func declareTopics(_ topics: [(name: String, partitions: Int)]) async throws(HelperFailure) {}
  public func stop() async {}
}

/// The Kafka that the environment asks for: `KAFKA_BROKERS` names one that runs, `KAFKA_HOME` a distribution to start; otherwise the
/// built-in broker is started.
///
/// - Parameters:
///   - folder: private folder for configuration, data and logs; made when absent. A distribution finds its data there again.
///   - environment: as of ``HelperProcess/currentEnvironment()``.
///   - topics: topics the built-in broker has from the start.
public func startKafka(
  folder: String, environment: [String: String], topics: [(name: String, partitions: Int)] = [], logger: Logger = .silent
) async throws(HelperFailure) -> any KafkaEnvironment {
  if let brokers = environment["KAFKA_BROKERS"], !brokers.isEmpty { return ExternalKafka(brokers: brokers) }
  if let home = environment["KAFKA_HOME"], !home.isEmpty {
    return try await KafkaProcess.start(home: home, folder: folder, environment: environment, logger: logger)
  }
  return try await BrokerProcess.start(folder: folder, topics: topics, environment: environment, logger: logger)
}
