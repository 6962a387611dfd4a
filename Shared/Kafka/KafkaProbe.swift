// Questions about a cluster that block until they are answered, for threads of our own: positions, ends, single records.
import CRdKafka
import Dispatch
import Synchronization
public import Telemetry

/// The two ends of a partition's log. `low` is the first offset kept, `high` the one after the last (for readers of committed records, the
/// one after the last committed).
public struct Watermarks: Hashable, Sendable {
  public let low: Int64
  public let high: Int64

  public init(low: Int64, high: Int64) {
    self.low = low
    self.high = high
  }

  /// Whether a reader may begin at this offset without missing anything: the end itself is a legal place.
  public func contains(next: Int64) -> Bool { self.low <= next && next <= self.high }
}

/// A second client beside the one that reads, so that questions do not queue behind a waiting fetch.
///
/// Every call blocks, at most for the limit given at the start: only on threads of the caller's own, for instance inside
/// ``ConsumerHandler/assigned(_:)``. ``KafkaAdmin`` asks the same for tasks.
public final class KafkaProbe: Sendable {
  /// Which records a reader sees: with `committed`, none of an unfinished or aborted transaction.
  public enum Isolation: String, Hashable, Sendable {
    case committed = "read_committed"
    case uncommitted = "read_uncommitted"
  }
  /// Records that `readAll` returns at most.
  public static let recordsMax = 1_000_000

  /// The library wants it longer than a fetch waits.
  private static let socketMillisecondsMin = 2_000

  /// Between two questions for a leader on the move.
  private static let pauseMilliseconds = 50

  private let handle: ClientHandle
  private let watch: ClientWatch
  private let milliseconds: Int32
  /// Reading one partition twice at once would mix the two.
  private let reading = Mutex(())
  /// Never signalled: only to wait for a moment.
  private let never = DispatchSemaphore(value: 0)

  /// - Parameter limitMilliseconds: how long one answer is waited for.
  public init(
    _ settings: KafkaSettings, limitMilliseconds: Int = 10_000, isolation: Isolation = .committed, logger: Logger = .silent
  ) throws(KafkaFailure) {
    // The library tries a request three times before it gives up, whatever limit its caller named: with the client's usual limit a broker that is
    // gone would hold the asking thread for half a minute, longer than a stop may take.
    let patience = String(max(KafkaProbe.socketMillisecondsMin, limitMilliseconds))
    self.handle = try ClientHandle(
      .reader, settings.readerEntries(endsAreSeen: true, isolation: isolation.rawValue) + [("socket.timeout.ms", patience)])
    self.watch = ClientWatch(logger: logger.with([.part: .string("kafka probe")]), onStatistics: nil)
    self.milliseconds = Int32(clamping: max(1, limitMilliseconds))
  }

  /// How many partitions the topic has. On the built-in broker asking makes the topic.
  ///
  /// Throws `unknownTopic` when there is none, `authorization` when it may not be seen. A reader that is not allowed hears nothing at all
  /// otherwise, so this is asked before a partition is begun.
  public func partitionCount(_ topic: String) throws(KafkaFailure) -> Int32 {
    try self.ask { pointers throws(KafkaFailure) in
      let handle = try self.handle.topic(topic, pointers.client)
      var metadata: UnsafePointer<rd_kafka_metadata>?
      let error = rd_kafka_metadata(pointers.client.raw, 0, handle.raw, &metadata, self.milliseconds)
      guard error == RD_KAFKA_RESP_ERR_NO_ERROR, let metadata else { throw self.failure(error, pointers) }
      defer { rd_kafka_metadata_destroy(metadata) }
      guard metadata.pointee.topic_cnt == 1 else { throw KafkaFailure(RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC) }
      let answer = metadata.pointee.topics[0]
      guard answer.err == RD_KAFKA_RESP_ERR_NO_ERROR else { throw KafkaFailure(answer.err, text: "topic \(topic): \(words(answer.err))") }
      guard answer.partition_cnt > 0 else { throw KafkaFailure(RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC, text: "topic \(topic) has no partition") }
      return answer.partition_cnt
    }
  }

  /// The names of all topics that may be seen, sorted.
  public func topics() throws(KafkaFailure) -> [String] {
    try self.ask { pointers throws(KafkaFailure) in
      var metadata: UnsafePointer<rd_kafka_metadata>?
      let error = rd_kafka_metadata(pointers.client.raw, 1, nil, &metadata, self.milliseconds)
      guard error == RD_KAFKA_RESP_ERR_NO_ERROR, let metadata else { throw self.failure(error, pointers) }
      defer { rd_kafka_metadata_destroy(metadata) }
      return (0..<Int(metadata.pointee.topic_cnt)).map { String(cString: metadata.pointee.topics[$0].topic) }.sorted()
    }
  }

  /// The ends of a partition, asked of its leader now. A leader that has moved is looked for within the limit.
  public func watermarks(_ partition: TopicPartition) throws(KafkaFailure) -> Watermarks {
    let deadline = SystemTime.monotonicNanoseconds() + Int64(self.milliseconds) * 1_000_000
    while true {
      do throws(KafkaFailure) {
        return try self.ends(partition)
      } catch {
        guard error.isRetriable else { throw error }
        // The library goes on asking the leader it remembers, for minutes after that broker has died; metadata that is asked for renews its
        // memory, and whoever asks again asks the new one.
        _ = try? self.partitionCount(partition.topic)
        guard SystemTime.monotonicNanoseconds() < deadline else { throw error }
        _ = self.never.wait(timeout: .now() + .milliseconds(KafkaProbe.pauseMilliseconds))
      }
    }
  }

  /// The library's own question for both ends keeps no limit when it remembers a leader that has died (seen: more than 90 seconds); the one
  /// for an offset by its time does, and takes these two for times.
  private func ends(_ partition: TopicPartition) throws(KafkaFailure) -> Watermarks {
    Watermarks(low: try self.end(partition, Int64(RD_KAFKA_OFFSET_BEGINNING)), high: try self.end(partition, Int64(RD_KAFKA_OFFSET_END)))
  }

  private func end(_ partition: TopicPartition, _ which: Int64) throws(KafkaFailure) -> Int64 {
    try self.ask { pointers throws(KafkaFailure) in
      guard let list = rd_kafka_topic_partition_list_new(1) else { throw KafkaFailure(kind: .other, text: "out of memory") }
      defer { rd_kafka_topic_partition_list_destroy(list) }
      rd_kafka_topic_partition_list_add(list, partition.topic, partition.partition).pointee.offset = which
      var error = rd_kafka_offsets_for_times(pointers.client.raw, list, self.milliseconds)
      if error == RD_KAFKA_RESP_ERR_NO_ERROR { error = list.pointee.elems[0].err }
      guard error == RD_KAFKA_RESP_ERR_NO_ERROR else { throw self.failure(error, pointers) }
      return list.pointee.elems[0].offset
    }
  }

  /// The cluster's own id. It does not change while the cluster lives; another one behind the same address has another.
  public func clusterId() throws(KafkaFailure) -> String {
    try self.ask { pointers throws(KafkaFailure) in
      guard let id = rd_kafka_clusterid(pointers.client.raw, self.milliseconds) else { throw self.failure(RD_KAFKA_RESP_ERR__TIMED_OUT, pointers) }
      defer { rd_kafka_mem_free(pointers.client.raw, id) }
      return String(cString: id)
    }
  }

  /// The first record at or after `offset`; its offset is greater than asked where the log has a hole. nil at the end of the log.
  /// Throws `outOfRange` when the log does not hold the offset.
  public func record(_ partition: TopicPartition, at offset: Int64) throws(KafkaFailure) -> KafkaRecord? {
    var found: KafkaRecord?
    do throws(KafkaFailure) {
      try self.read(partition, from: offset) { record in
        found = record
        return false
      }
    } catch where error.kind == .timedOut {
      // A partition that does not exist is only waited for in silence.
      let count = try self.partitionCount(partition.topic)
      guard (0..<count).contains(partition.partition) else {
        throw KafkaFailure(RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION, text: "\(partition): the topic has \(count) partitions")
      }
      throw error
    }
    return found
  }

  /// All records of a topic as they lie in the log now, partition by partition. For tests and tools: everything is kept in memory.
  public func readAll(_ topic: String) throws(KafkaFailure) -> [KafkaRecord] {
    var records: [KafkaRecord] = []
    for number in 0..<(try self.partitionCount(topic)) {
      let partition = TopicPartition(topic: topic, partition: number)
      let ends = try self.watermarks(partition)
      guard ends.low < ends.high else { continue }
      try self.read(partition, from: ends.low) { record in
        // What was written after the question is left out, or a busy topic would never end.
        guard record.offset < ends.high, records.count < KafkaProbe.recordsMax else { return false }
        records.append(record)
        return record.offset + 1 < ends.high
      }
    }
    return records
  }

  /// Ends the client. Blocks for a moment.
  public func close() { self.handle.destroy() }

  /// Reads until `body` says no or the log ends.
  private func read(_ partition: TopicPartition, from offset: Int64, _ body: (KafkaRecord) -> Bool) throws(KafkaFailure) {
    try self.ask { pointers throws(KafkaFailure) in
      try self.reading.withLock { _ throws(KafkaFailure) in
        let stream = try PartitionStream(partition, at: offset, reader: self.handle)
        defer { stream.close() }
        let deadline = SystemTime.monotonicNanoseconds() + Int64(self.milliseconds) * 1_000_000
        var wantsMore = true
        while wantsMore {
          let isAtEnd = try stream.takeUntilEnd(waitMilliseconds: Int(self.milliseconds)) { record in
            wantsMore = body(record.copied(topic: partition.topic))
            return wantsMore
          }
          if isAtEnd { return }
          if wantsMore, SystemTime.monotonicNanoseconds() >= deadline { throw self.failure(RD_KAFKA_RESP_ERR__TIMED_OUT, pointers) }
        }
      }
    }
  }

  /// Asks, and takes the events that have come up meanwhile, so that they do not gather.
  private func ask<Value>(_ body: (ClientPointers) throws(KafkaFailure) -> Value) throws(KafkaFailure) -> Value {
    try self.handle.use { pointers throws(KafkaFailure) in
      defer { self.takeEvents(pointers) }
      return try body(pointers)
    }
  }

  private func takeEvents(_ pointers: ClientPointers) {
    while let event = rd_kafka_queue_poll(pointers.events.raw, 0) {
      _ = self.watch.take(event, of: pointers.client.raw)
      rd_kafka_event_destroy(event)
    }
  }

  /// A timeout alone says little: the library keeps the cause to its log, which is read first.
  private func failure(_ error: rd_kafka_resp_err_t, _ pointers: ClientPointers) -> KafkaFailure {
    self.takeEvents(pointers)
    let cause = self.watch.lastErrorText
    return KafkaFailure(error, text: cause.isEmpty ? nil : "\(words(error)) (\(cause))")
  }
}

func words(_ error: rd_kafka_resp_err_t) -> String { String(cString: rd_kafka_err2str(error)) }
