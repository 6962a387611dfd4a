// A service's consumer: joins the group and runs one partition processor for every partition it is given.
public import Kafka
public import Lifecycle
public import Postgres
import Synchronization
import Telemetry

public final class TopicConsumer<Handler: RecordHandler>: Service, ConsumerHandler where Handler.Session == PostgresSession {
  public let name: String
  private let topics: [String]
  private let handler: Handler
  private let environment: LaneEnvironment
  private let probe: KafkaProbe
  private let workers = Mutex<[TopicPartition: PartitionWorker<Handler>]>([:])
  private let consumer = Mutex<Consumer?>(nil)
  private let failure = Mutex<KafkaFailure?>(nil)
  /// Asked for from outside, or by a failure after which nothing comes any more.
  private let ending = StopSignal()

  public init(topics: [String], handler: Handler, environment: LaneEnvironment, probe: KafkaProbe) {
    name = "consumer of \(topics.joined(separator: ", "))"
    self.topics = topics
    self.handler = handler
    self.environment = environment
    self.probe = probe
  }

  /// What every partition of this process is doing.
  public var states: [(partition: TopicPartition, state: PartitionState)] {
    workers.withLock { workers in workers.map { ($0.key, $0.value.state) } }.sorted { $0.0 < $1.0 }
  }

  public func run(_ stop: StopSignal) async throws {
    var kafka = environment.kafka
    kafka.prefetchKibibytesMax = environment.batches.prefetchKibibytesMax
    let made = try Consumer(kafka, group: handler.consumer, topics: topics, handler: self, logger: environment.logger)
    consumer.withLock { $0 = made }
    // It holds this one as its handler: two that hold each other are never freed.
    defer { consumer.withLock { $0 = nil } }
    let registration = stop.onStop { [ending] reason in ending.stop(reason: reason) }
    defer { stop.remove(registration) }
    try made.start()
    await ending.wait()
    await made.stop()
    if let failure = failure.withLock({ $0 }) { throw failure }
  }

  // MARK: - ConsumerHandler

  /// Positions are claimed by each partition's own thread, which then says where to begin: nothing blocks the group meanwhile.
  public func assigned(_ partitions: [TopicPartition]) -> [PartitionStart] {
    for partition in partitions {
      let worker = PartitionWorker(
        partition: partition, handler: handler, environment: environment,
        release: { [weak self] partition, offset in self?.consumer.withLock { $0 }?.release(partition, at: offset) },
        isClusterChanged: { [weak self] in self?.consumer.withLock { $0 }?.isClusterChanged ?? false }, probe: probe)
      workers.withLock { $0[partition] = worker }
      worker.start()
    }
    return partitions.map { PartitionStart($0, .hold) }
  }

  public func started(_ stream: PartitionStream) { workers.withLock { $0[stream.topicPartition] }?.took(stream) }

  public func revoked(_ partitions: [TopicPartition], lost: Bool) {
    let leaving = workers.withLock { workers in partitions.compactMap { workers.removeValue(forKey: $0) } }
    for worker in leaving { worker.askToStop(lost: lost) }
    for worker in leaving { worker.join() }
  }

  public func failed(_ failure: KafkaFailure, _ partition: TopicPartition?) {
    environment.logger.warning("the consumer reports a failure", [.error: .string(failure.description)])
    // Behind a connection that was lost there may be another log when it comes back.
    let concerned = workers.withLock { workers in workers.filter { partition == nil || $0.key == partition }.map(\.value) }
    for worker in concerned { worker.askToCheck() }
    guard failure.isFatal else { return }
    self.failure.withLock { $0 = failure }
    ending.stop(reason: .failure(service: name))
  }
}
