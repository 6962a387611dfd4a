// Reads whole topics once and hands every record to an audit.
import Contracts
import Kafka
import Lifecycle
import Synchronization
import Telemetry

/// A group member of its own that reads each partition from its beginning to the end it had when the drain began.
final class Drain: ConsumerHandler {
  struct Result: Sendable {
    var audits: [String: LaneAudit] = [:]
    var input: [String: [Int32: [Int32]]] = [:]
    var ends: [String: [Int32: Int64]] = [:]
  }

  private struct State {
    var result = Result()
    var next: [TopicPartition: Int64] = [:]
    var failure: String?
  }
  private let state = Mutex(State())
  private let ranges: [TopicPartition: Watermarks]
  private let threads = Mutex<[TopicPartition: OwnedThread]>([:])
  private let stop = StopSignal()

  private init(_ ranges: [TopicPartition: Watermarks]) {
    self.ranges = ranges
    state.withLock { state in
      for (partition, range) in ranges { state.next[partition] = range.low }
    }
  }

  /// How long nothing may come before the drain is given up, in seconds.
  static let quietSecondsMax = 60

  static func all(_ stack: Stack, _ pauses: Pauses) async throws -> Result {
    let settings = stack.kafkaSettings("faults-drain")
    let partitions = stack.plan.partitions
    let ranges = try await blocking {
      let probe = try KafkaProbe(settings, limitMilliseconds: 20_000)
      defer { probe.close() }
      var ranges: [TopicPartition: Watermarks] = [:]
      for topic in Topics.all {
        for number in 0..<Int32(partitions) {
          let partition = TopicPartition(topic: topic.name, partition: number)
          ranges[partition] = try probe.watermarks(partition)
        }
      }
      return ranges
    }
    if let cut = ranges.first(where: { $0.value.low > 0 }) {
      throw HarnessFailure("\(cut.key) begins at \(cut.value.low): the broker dropped records, so this run cannot be judged; use fewer events")
    }
    let drain = Drain(ranges)
    let group = "faults-\(SystemTime.unixMicroseconds())"
    let consumer = try Consumer(settings, group: group, topics: Topics.all.map(\.name), handler: drain)
    try consumer.start()
    var last: Int64 = -1
    var changedAt = SystemTime.monotonicNanoseconds()
    while !drain.isDone, !pauses.stop.isStopping {
      let sum = drain.state.withLock { $0.next.values.reduce(0, +) }
      if sum != last { (last, changedAt) = (sum, SystemTime.monotonicNanoseconds()) }
      if secondsSince(changedAt) > Double(quietSecondsMax) { break }
      await pauses.wait(milliseconds: 50)
    }
    drain.stop.stop()
    await consumer.stop()
    guard drain.isDone else { throw HarnessFailure("the topics could not be read to their ends") }
    var result = drain.state.withLock { $0.result }
    for (partition, range) in ranges { result.ends[partition.topic, default: [:]][partition.partition] = range.high }
    return result
  }

  private var isDone: Bool { state.withLock { state in ranges.allSatisfy { (state.next[$0.key] ?? 0) >= $0.value.high } } }

  func assigned(_ partitions: [TopicPartition]) -> [PartitionStart] {
    let next = state.withLock { $0.next }
    return partitions.compactMap { partition in
      guard let range = ranges[partition], let place = next[partition], place < range.high else { return nil }
      return PartitionStart(partition, .offset(place))
    }
  }

  func started(_ stream: PartitionStream) {
    let thread = try? OwnedThread.start(name: "faults-drain") { [self] in read(stream) }
    threads.withLock { $0[stream.topicPartition] = thread }
  }

  func revoked(_ partitions: [TopicPartition], lost: Bool) {
    for partition in partitions { threads.withLock { $0.removeValue(forKey: partition) }?.join() }
  }

  func failed(_ failure: KafkaFailure, _ partition: TopicPartition?) { state.withLock { $0.failure = failure.description } }

  private func read(_ stream: PartitionStream) {
    let partition = stream.topicPartition
    guard let end = ranges[partition]?.high else { return }
    let isInput = Judge.inputs.contains(partition.topic)
    while !stop.isStopping, !stream.isClosed, state.withLock({ $0.next[partition] ?? 0 }) < end {
      var numbers: [Int32] = []
      var records: [AuditedRecord] = []
      var next: Int64 = 0
      do throws(KafkaFailure) {
        _ = try stream.take(max: 5_000, bytesMax: 8 << 20, waitMilliseconds: 200) { record in
          guard record.offset < end else { return }
          next = record.offset + 1
          if isInput { numbers.append(Drain.number(record)) } else { records.append(Drain.audited(record, partition)) }
        }
      } catch { return }
      guard next > 0 else { continue }
      state.withLock { state in
        state.next[partition] = next
        if isInput {
          state.result.input[partition.topic, default: [:]][partition.partition, default: []] += numbers
        } else {
          for record in records { state.result.audits[partition.topic, default: LaneAudit(topic: partition.topic)].take(record) }
        }
      }
    }
  }

  private static func number(_ record: borrowing BorrowedRecord) -> Int32 {
    var number: Int32 = -1
    record.forEachHeader { name, value in
      if String(decoding: name, as: UTF8.self) == Publisher.numberHeader, let value { number = Int32(String(decoding: value, as: UTF8.self)) ?? -1 }
    }
    return number
  }

  private static func audited(_ record: borrowing BorrowedRecord, _ partition: TopicPartition) -> AuditedRecord {
    var audited = AuditedRecord(partition: partition.partition, lane: "", sequence: 0, eventID: "", key: record.key.map { Array($0) } ?? [])
    record.forEachHeader { name, value in
      guard let value else { return }
      // Names differ in their first letters; only three of them are wanted.
      switch String(decoding: name, as: UTF8.self) {
      case Header.lane: audited.lane = String(decoding: value, as: UTF8.self)
      case Header.sequence: audited.sequence = Int64(String(decoding: value, as: UTF8.self)) ?? 0
      case Header.id: audited.eventID = String(decoding: value, as: UTF8.self)
      default: break
      }
    }
    if partition.topic == Topics.profiles.name || partition.topic == Topics.tiers.name {
      audited.version = audited.eventID.split(separator: ":").last.flatMap { Int64($0) }
    }
    return audited
  }
}
