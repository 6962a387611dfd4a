// A consumer handler as services have one: a worker thread for each partition, positions kept outside Kafka.
import Kafka
import Lifecycle
import Synchronization

/// Next offsets, as a database would keep them; shared by the members of a group.
final class Positions: Sendable {
  private let offsets = Mutex<[TopicPartition: Int64]>([:])

  subscript(_ partition: TopicPartition) -> Int64? {
    get { self.offsets.withLock { $0[partition] } }
    set { self.offsets.withLock { $0[partition] = newValue } }
  }
  func set(_ partition: TopicPartition, _ offset: Int64) { self.offsets.withLock { $0[partition] = offset } }
  var all: [TopicPartition: Int64] { self.offsets.withLock { $0 } }
}

enum GroupEvent: Sendable {
  case assigned([TopicPartition])
  case started(TopicPartition)
  case revoked([TopicPartition], lost: Bool)
  case record(member: String, TopicPartition, Int64, value: String?)
  case streamFailed(TopicPartition, KafkaFailure)
  case failed(KafkaFailure)

  var record: (TopicPartition, Int64)? {
    if case .record(_, let partition, let offset, _) = self { return (partition, offset) }
    return nil
  }
}

/// Takes from every stream on a thread of its own and notes what happens.
final class Worker: ConsumerHandler {
  let member: String
  let events: Events<GroupEvent>
  let positions: Positions
  /// Which partitions are begun at once.
  let begins: @Sendable (TopicPartition) -> Bool
  /// Runs before each record is noted, on the worker's thread.
  let beforeRecord: @Sendable (TopicPartition, Int64) -> Void
  private struct State {
    var streams: [TopicPartition: PartitionStream] = [:]
    var threads: [TopicPartition: OwnedThread] = [:]
    var stopping: Set<TopicPartition> = []
  }
  private let state = Mutex(State())

  init(
    _ member: String = "a", events: Events<GroupEvent> = Events(), positions: Positions = Positions(),
    begins: @escaping @Sendable (TopicPartition) -> Bool = { _ in true },
    beforeRecord: @escaping @Sendable (TopicPartition, Int64) -> Void = { _, _ in }
  ) {
    self.member = member
    self.events = events
    self.positions = positions
    self.begins = begins
    self.beforeRecord = beforeRecord
  }

  func stream(_ partition: TopicPartition) -> PartitionStream? { self.state.withLock { $0.streams[partition] } }

  func assigned(_ partitions: [TopicPartition]) -> [PartitionStart] {
    self.events.add(.assigned(partitions.sorted()))
    return partitions.map { PartitionStart($0, self.begins($0) ? .offset(self.positions[$0] ?? 0) : .hold) }
  }

  func started(_ stream: PartitionStream) {
    let partition = stream.topicPartition
    self.state.withLock { state in
      state.streams[partition] = stream
      state.stopping.remove(partition)
    }
    self.events.add(.started(partition))
    guard let thread = try? OwnedThread.start(name: "worker", { self.work(stream) }) else { return }
    self.state.withLock { $0.threads[partition] = thread }
  }

  func revoked(_ partitions: [TopicPartition], lost: Bool) {
    let (streams, threads) = self.state.withLock { state in
      state.stopping.formUnion(partitions)
      let streams = partitions.compactMap { state.streams.removeValue(forKey: $0) }
      return (streams, partitions.compactMap { state.threads.removeValue(forKey: $0) })
    }
    for stream in streams { stream.wake() }
    for thread in threads { thread.join() }
    self.events.add(.revoked(partitions.sorted(), lost: lost))
  }

  func failed(_ failure: KafkaFailure, _ partition: TopicPartition?) { self.events.add(.failed(failure)) }

  private func work(_ stream: PartitionStream) {
    let partition = stream.topicPartition
    while !self.state.withLock({ $0.stopping.contains(partition) }) {
      do throws(KafkaFailure) {
        var records: [GroupEvent] = []
        _ = try stream.take(max: 50, bytesMax: 1 << 20, waitMilliseconds: 1_000) { record in
          self.beforeRecord(partition, record.offset)
          records.append(.record(member: self.member, partition, record.offset, value: string(record.value.map { Array($0) })))
        }
        self.positions.set(partition, stream.nextOffset)
        self.events.add(contentsOf: records)
      } catch {
        self.events.add(.streamFailed(partition, error))
        return
      }
    }
  }
}

extension Array where Element == GroupEvent {
  var records: [(TopicPartition, Int64)] { self.compactMap(\.record) }
  func count(of partition: TopicPartition) -> Int { self.records.filter { $0.0 == partition }.count }
}

/// Fills a topic with numbered records and waits until they are stored.
func fill(_ topic: String, _ counts: [Int32: Int], _ settings: KafkaSettings, valueBytes: Int = 0) throws {
  var options = ProducerOptions()
  options.compression = "none"
  let producer = try Producer(settings, options: options)
  var reports: [DeliveryReport] = []
  for (partition, count) in counts {
    for number in 0..<count {
      var value = bytes("\(number)")
      if valueBytes > value.count { value += [UInt8](repeating: 46, count: valueBytes - value.count) }
      try producer.enqueue(OutgoingRecord(topic: topic, partition: partition, key: nil, value: value), token: UInt64(number))
    }
  }
  _ = producer.closeBlocking(withinMilliseconds: 20_000, into: &reports)
  for report in reports { _ = try report.result.get() }
}
