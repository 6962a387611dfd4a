// The broker that comes with the client library, for trying out and for tests: memory only, at most 5 MiB for each partition.
import CRdKafka
import Synchronization

/// A cluster of brokers inside this process, reachable over loopback by any Kafka client.
///
/// It keeps nothing, drops the oldest records beyond 5 MiB or 100,000 batches in a partition, knows no rights, no compaction and no
/// administrative requests, and does not check what idempotent producers promise.
public final class BuiltInBroker: Sendable {
  /// Partitions of a topic nobody created: it appears when a client first asks for it.
  public static let partitionsDefault: Int32 = 4
  /// Brokers of one cluster.
  public static let brokersMax = 16

  private struct Pointers: Sendable {
    let client: LibraryPointer
    let cluster: LibraryPointer
  }
  private let pointers: Mutex<Pointers?>
  /// `host:port` of every broker, separated by commas.
  public let address: String

  /// Starts the brokers on free ports of 127.0.0.1.
  public init(brokers: Int = 1) throws(KafkaFailure) {
    guard (1...BuiltInBroker.brokersMax).contains(brokers) else {
      throw KafkaFailure(kind: .configuration, text: "\(brokers) brokers: from 1 to \(BuiltInBroker.brokersMax) are possible")
    }
    var words = [CChar](repeating: 0, count: failureTextBytesMax)
    // The cluster lives in a client; this one serves for nothing else, and its remarks about having no brokers are of no interest.
    let configuration = rd_kafka_conf_new()
    rd_kafka_conf_set(configuration, "log_level", "3", &words, words.count)
    guard let client = rd_kafka_new(RD_KAFKA_PRODUCER, configuration, &words, words.count) else {
      rd_kafka_conf_destroy(configuration)
      throw KafkaFailure(kind: .configuration, text: failureText(words))
    }
    guard let cluster = rd_kafka_mock_cluster_new(client, Int32(brokers)) else {
      rd_kafka_destroy(client)
      throw KafkaFailure(kind: .other, text: "the built-in broker could not open its ports")
    }
    self.address = String(cString: rd_kafka_mock_cluster_bootstraps(cluster))
    self.pointers = Mutex(Pointers(client: LibraryPointer(raw: client), cluster: LibraryPointer(raw: cluster)))
  }

  /// Makes a topic. One that exists already is refused by the library, whatever its size.
  public func createTopic(_ name: String, partitions: Int32) throws(KafkaFailure) {
    guard partitions > 0 else { throw KafkaFailure(kind: .configuration, text: "topic \(name) needs a partition") }
    try self.withCluster { cluster in rd_kafka_mock_topic_create(cluster, name, partitions, 1) }
  }

  // Taking a broker off the net and putting it back is left out: the library wants its old port again, and aborts the process when
  // somebody else has it meanwhile, which happens.

  /// Delays every answer of one broker by so many milliseconds, as a broker that hangs does. Brokers are numbered from 1.
  public func setDelay(_ id: Int32, milliseconds: Int32) throws(KafkaFailure) {
    try self.withCluster { cluster in rd_kafka_mock_broker_set_rtt(cluster, id, milliseconds) }
  }

  /// Answers the next `count` requests of one kind (Kafka's API key, e.g. 0 Produce, 1 Fetch, 8 OffsetCommit) with an error code.
  public func failNext(_ count: Int, apiKey: Int16, code: Int32) throws(KafkaFailure) {
    try self.withCluster { cluster in
      var errors = [rd_kafka_resp_err_t](repeating: rd_kafka_resp_err_t(code), count: count)
      rd_kafka_mock_push_request_errors_array(cluster, apiKey, errors.count, &errors)
      return RD_KAFKA_RESP_ERR_NO_ERROR
    }
  }

  /// Stops the brokers; their records are gone. Blocks for a moment.
  public func stop() {
    let pointers = self.pointers.withLock { pointers in
      defer { pointers = nil }
      return pointers
    }
    guard let pointers else { return }
    rd_kafka_mock_cluster_destroy(pointers.cluster.raw)
    rd_kafka_destroy(pointers.client.raw)
  }

  deinit { self.stop() }

  private func withCluster(_ body: (OpaquePointer) -> rd_kafka_resp_err_t) throws(KafkaFailure) {
    // Under the lock, so that the cluster cannot end meanwhile; the calls wait for the cluster's own thread, a moment.
    let error = self.pointers.withLock { pointers in pointers.map { body($0.cluster.raw) } }
    guard let error else { throw KafkaFailure(kind: .closed, text: "the built-in broker was stopped") }
    if error != RD_KAFKA_RESP_ERR_NO_ERROR { throw KafkaFailure(error) }
  }
}
