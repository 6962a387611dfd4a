// Publishes many records on a public topic, no faster than the suite reads where the broker cannot keep what is unread.
public import Kafka
import Lifecycle
import Synchronization

/// A producer for files: hands records over without waiting for each, and says at the end where they lie.
public final class PacedPublisher: Sendable {
  /// Asks how far ingest has read.
  public typealias Positions = @Sendable () async throws -> [TopicPartition: Int64]

  /// How often a full partition, or a full queue, is looked at again.
  static let pause: Duration = .milliseconds(10)
  /// A record counts this many bytes more than its key, value and headers.
  static let recordOverheadBytes = 80

  private struct State {
    var unread: UnreadBytes
    var failure: KafkaFailure?
    var nextKeyless: Int32 = 0
  }
  private let producer: Producer
  private let topic: String
  private let partitions: Int32
  private let positions: Positions
  private let limit: Duration
  private let state: Tally

  /// Shared with the producer's own thread, which reports deliveries.
  private final class Tally: Sendable {
    let state: Mutex<State>
    init(_ state: State) { self.state = Mutex(state) }

    /// Tokens carry a record's size and, in the lower 16 bits, its partition.
    func take(_ report: DeliveryReport) {
      let bytes = Int(report.token >> 16)
      let partition = Int32(report.token & 0xFFFF)
      state.withLock { state in
        switch report.result {
        case .success(let place): state.unread.stored(place.partition, bytes, at: place.offset)
        case .failure(let failure):
          state.unread.failed(partition, bytes)
          state.failure = state.failure ?? failure
        }
      }
    }
  }

  /// - Parameter limit: how long nothing at all may move before publishing is given up.
  public init(
    _ kafka: KafkaSettings, topic: String, partitions: Int32, limit: Duration, positions: @escaping Positions
  ) throws {
    let tally = Tally(State(unread: UnreadBytes(isLimited: kafka.isBuiltIn)))
    producer = try Producer(kafka) { tally.take($0) }
    try producer.start()
    self.topic = topic
    self.partitions = partitions
    self.limit = limit
    self.positions = positions
    state = tally
  }

  /// Hands one record over, after waiting for room. Throws when an earlier one could not be stored.
  public func publish(key: [UInt8]?, value: [UInt8], headers: [(name: String, value: String)]) async throws {
    let bytes = headers.reduce(PacedPublisher.recordOverheadBytes + (key?.count ?? 0) + value.count) { $0 + $1.name.utf8.count + $1.value.utf8.count }
    let partition = partition(of: key)
    try await waitForRoom(partition, bytes)
    let record = OutgoingRecord(topic: topic, partition: partition, key: key, value: value, headers: headers.map { KafkaHeader($0.name, $0.value) })
    let token = UInt64(bytes) << 16 | UInt64(UInt16(truncatingIfNeeded: partition))
    let deadline = ContinuousClock.now + limit
    state.state.withLock { $0.unread.handedOver(partition, bytes) }
    while true {
      do throws(KafkaFailure) {
        try producer.enqueue(record, token: token)
        return
      } catch {
        guard error.kind == .queueFull, ContinuousClock.now < deadline else {
          state.state.withLock { $0.unread.failed(partition, bytes) }
          throw SuiteFailure("a record could not be published: \(error) \(producer.lastErrorText)")
        }
      }
      try await Task.sleep(for: PacedPublisher.pause)
    }
  }

  /// By Kafka's own rule, so that other clients' records with the same key lie in the same partition.
  private func partition(of key: [UInt8]?) -> Int32 {
    if let key, let partition = Murmur2.partition(key: key, count: partitions) { return partition }
    return state.state.withLock { state in
      state.nextKeyless = (state.nextKeyless + 1) % max(1, partitions)
      return state.nextKeyless
    }
  }

  private func waitForRoom(_ partition: Int32, _ bytes: Int) async throws {
    let (hasRoom, failure) = state.state.withLock { ($0.unread.hasRoom(partition, bytes), $0.failure) }
    if let failure { throw SuiteFailure("a record could not be published: \(failure)") }
    if hasRoom { return }
    var least = Int.max
    var deadline = ContinuousClock.now + limit
    while true {
      let next = try await positions()
      let (isRefillable, total) = state.state.withLock { state in
        for (place, offset) in next where place.topic == topic { state.unread.read(place.partition, upTo: offset) }
        return (state.unread.isRefillable(partition, bytes), state.unread.total(partition))
      }
      if isRefillable { return }
      if total < least {
        least = total
        deadline = ContinuousClock.now + limit
      }
      guard ContinuousClock.now < deadline else {
        throw SuiteFailure("ingest has not read anything of \(topic)/\(partition) for \(limit); `clientele doctor` looks at every service")
      }
      try await Task.sleep(for: PacedPublisher.pause)
    }
  }

  /// Waits until every record is stored; one past the last offset of each partition that got any.
  public func finish() async throws -> [TopicPartition: Int64] {
    let isFlushed = await producer.flush(within: limit)
    let (ends, failure) = state.state.withLock { ($0.unread.ends, $0.failure) }
    if let failure { throw SuiteFailure("a record could not be published: \(failure)") }
    guard isFlushed else { throw SuiteFailure("the brokers did not confirm \(producer.unreportedCount) records within \(limit): \(producer.lastErrorText)") }
    return Dictionary(uniqueKeysWithValues: ends.map { (TopicPartition(topic: topic, partition: $0.key), $0.value) })
  }

  /// Ends the producer; what it has not sent within the limit is given up.
  public func close(within limit: Duration = .seconds(5)) async { _ = await producer.close(within: limit) }
}
