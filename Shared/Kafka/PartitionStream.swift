// One assigned partition as a stream that its worker pulls. What is not taken is not fetched: that is the whole back-pressure.
import CRdKafka
import Dispatch
import Synchronization
import Telemetry

/// The records of one partition, from an absolute offset, in order.
///
/// Blocking: used by one thread of the caller's own, never by the cooperative pool. The stream ends when the partition is revoked;
/// the consumer then waits until the last `take` has returned.
public final class PartitionStream: Sendable {
  private struct State {
    var queue: LibraryPointer?
    /// Somebody is inside `take` or `restart`.
    var isBusy = false
    var isClosed = false
    /// Found after records had been handed out already; the next `take` says it.
    var pending: KafkaFailure?
    var next: Int64
    /// Since when every `take` has found nothing, in nanoseconds.
    var hungrySince: Int64?
    /// Bytes handed out since the library was told to look for more.
    var bytesUntold = 0
  }
  /// Bytes handed out, after which the library is told that there is room to fetch more.
  private static let wakeBytes = 512 << 10
  /// A take that has so many records is one of many in a row: when none is there it waits for what is being fetched. A batch is then as large as it
  /// may be, however little is fetched ahead.
  private static let gatheredMin = 1_000
  /// How long at a time, in milliseconds, and how often at most.
  private static let gatherMilliseconds: Int32 = 2
  private static let gathersMax = 10
  /// How long the end of a stream waits before it calls a waiting `take` back again, in milliseconds.
  private static let closePollMilliseconds = 100

  public let topicPartition: TopicPartition
  private let reader: ClientHandle
  private let idle = DispatchSemaphore(value: 0)
  private let state: Mutex<State>

  /// Starts to fetch at `offset`.
  init(_ topicPartition: TopicPartition, at offset: Int64, reader: ClientHandle) throws(KafkaFailure) {
    self.topicPartition = topicPartition
    self.reader = reader
    let queue = try PartitionStream.begin(topicPartition, at: offset, reader: reader)
    self.state = Mutex(State(queue: queue, next: offset))
  }

  /// The offset after the last record that was handed out; at first, the offset the stream was started at.
  public var nextOffset: Int64 { self.state.withLock { $0.next } }

  /// Since when every `take` has found nothing, in nanoseconds of the clock that only grows; nil while records come.
  var hungrySince: Int64? { self.state.withLock { $0.hungrySince } }

  /// Whether the partition was revoked: nothing more comes, and nothing read from it may be committed.
  public var isClosed: Bool { self.state.withLock { $0.isClosed } }

  /// Hands out what has arrived, in order: up to `max` records, and no more once `bytesMax` bytes of keys and values are reached.
  ///
  /// Blocks up to `waitMilliseconds` for the first record, then takes only what is there. Returns how many were handed out; 0 when none
  /// came or ``wake()`` was called. Throws what the broker said about this partition: kind `outOfRange` when its log does not hold the
  /// position, `corrupt` when bytes were damaged; after both nothing more comes until ``restart(at:)``. Kind `closed`: revoked.
  public func take(
    max: Int, bytesMax: Int, waitMilliseconds: Int, _ body: (borrowing BorrowedRecord) -> Void
  ) throws(KafkaFailure) -> Int {
    try self.drain(max: max, bytesMax: bytesMax, waitMilliseconds: waitMilliseconds) { record in
      body(record)
      return true
    }.count
  }

  /// Hands out what has arrived until `body` says no, for a client that is told where the log ends. Returns whether the end was seen.
  func takeUntilEnd(waitMilliseconds: Int, _ body: (borrowing BorrowedRecord) -> Bool) throws(KafkaFailure) -> Bool {
    try self.drain(max: .max, bytesMax: .max, waitMilliseconds: waitMilliseconds, body).isAtEnd
  }

  private func drain(
    max: Int, bytesMax: Int, waitMilliseconds: Int, _ body: (borrowing BorrowedRecord) -> Bool
  ) throws(KafkaFailure) -> (count: Int, isAtEnd: Bool) {
    let (queue, pending, untold) = try self.enter()
    if let pending {
      self.leave(bytesUntold: untold)
      throw pending
    }
    var count = 0
    var bytes = 0
    var next: Int64?
    var isAtEnd = false
    var failure: KafkaFailure?
    let began = SystemTime.monotonicNanoseconds()
    var wantsMore = true
    var wait = Int32(clamping: waitMilliseconds)
    var bytesUntold = untold
    var gathers = 0
    // One by one: the library's batch call loses records around a restart in release 2.0.2.
    while wantsMore, count < max, bytes < bytesMax {
      guard let message = rd_kafka_consume_queue(queue.raw, wait) else {
        guard count >= PartitionStream.gatheredMin, gathers < PartitionStream.gathersMax, wait == 0 else { break }
        gathers += 1
        wait = PartitionStream.gatherMilliseconds
        continue
      }
      defer { rd_kafka_message_destroy(message) }
      wait = 0
      switch message.pointee.err {
      case RD_KAFKA_RESP_ERR_NO_ERROR:
        let record = BorrowedRecord(message)
        wantsMore = body(record)
        count += 1
        bytes += record.byteCount
        bytesUntold += record.byteCount
        if bytesUntold >= PartitionStream.wakeBytes {
          bytesUntold = 0
          self.reader.wakeFetching()
        }
        next = record.offset + 1
      case RD_KAFKA_RESP_ERR__PARTITION_EOF: (isAtEnd, wantsMore) = (true, false)
      case let error:
        failure = KafkaFailure(error, text: rd_kafka_message_errstr(message).map { String(cString: $0) })
        wantsMore = false
      }
    }
    // What was handed out is reported first; a failure after it waits for the next call.
    let isLate = count > 0
    self.leave(next: next, pending: isLate ? failure : nil, foundNothingSince: isLate || failure != nil ? nil : began, bytesUntold: bytesUntold)
    if let failure, !isLate { throw failure }
    return (count, isAtEnd)
  }

  /// Begins anew at another offset, on the thread that takes. Everything fetched before is dropped. Blocks for a moment.
  public func restart(at offset: Int64) throws(KafkaFailure) {
    let (queue, _, _) = try self.enter()
    PartitionStream.end(self.topicPartition, queue, reader: self.reader)
    do throws(KafkaFailure) {
      let fresh = try PartitionStream.begin(self.topicPartition, at: offset, reader: self.reader)
      self.leave(next: offset, queue: fresh)
    } catch {
      // Without a queue the stream is of no use; the partition comes back with the next assignment.
      self.leave(isLost: true)
      throw error
    }
  }

  /// Makes a waiting `take` return 0 now, or the next one if none waits. From any thread.
  public func wake() {
    self.state.withLock { state in
      // Under the lock, so that the queue cannot end meanwhile. The call does not wait.
      if let queue = state.queue { rd_kafka_queue_yield(queue.raw) }
    }
  }

  /// Ends the stream, after the last `take` has returned. On the consumer's thread.
  func close() {
    self.state.withLock { $0.isClosed = true }
    while self.state.withLock({ $0.isBusy }) {
      self.wake()
      _ = self.idle.wait(timeout: .now() + .milliseconds(PartitionStream.closePollMilliseconds))
    }
    let queue = self.state.withLock { state in
      defer { state.queue = nil }
      return state.queue
    }
    if let queue { PartitionStream.end(self.topicPartition, queue, reader: self.reader) }
  }

  private func enter() throws(KafkaFailure) -> (queue: LibraryPointer, pending: KafkaFailure?, bytesUntold: Int) {
    let entered = self.state.withLock { state -> Result<(LibraryPointer, KafkaFailure?, Int), KafkaFailure> in
      guard !state.isClosed, let queue = state.queue else {
        return .failure(KafkaFailure(kind: .closed, text: "\(self.topicPartition) is no longer assigned"))
      }
      guard !state.isBusy else {
        return .failure(KafkaFailure(kind: .configuration, text: "\(self.topicPartition) is taken from by two threads"))
      }
      state.isBusy = true
      defer { state.pending = nil }
      return .success((queue, state.pending, state.bytesUntold))
    }
    return try entered.get()
  }

  private func leave(
    next: Int64? = nil, pending: KafkaFailure? = nil, queue: LibraryPointer? = nil, isLost: Bool = false, foundNothingSince: Int64? = nil,
    bytesUntold: Int = 0
  ) {
    let isAwaited = self.state.withLock { state in
      state.isBusy = false
      state.bytesUntold = bytesUntold
      state.hungrySince = foundNothingSince.map { state.hungrySince ?? $0 }
      if let next { state.next = next }
      if let pending { state.pending = pending }
      if let queue { state.queue = queue }
      if isLost { (state.queue, state.isClosed) = (nil, true) }
      return state.isClosed
    }
    if isAwaited { self.idle.signal() }
  }

  /// Starts fetching into a queue of its own.
  private static func begin(
    _ partition: TopicPartition, at offset: Int64, reader: ClientHandle
  ) throws(KafkaFailure) -> LibraryPointer {
    guard offset >= 0 else { throw KafkaFailure(kind: .configuration, text: "\(partition) cannot start at offset \(offset)") }
    return try reader.use { pointers throws(KafkaFailure) in
      let topic = try reader.topic(partition.topic, pointers.client)
      guard let queue = rd_kafka_queue_new(pointers.client.raw) else { throw KafkaFailure(kind: .other, text: "out of memory") }
      guard rd_kafka_consume_start_queue(topic.raw, partition.partition, offset, queue) == 0 else {
        let failure = KafkaFailure(rd_kafka_last_error())
        rd_kafka_queue_destroy(queue)
        throw failure
      }
      return LibraryPointer(raw: queue)
    }
  }

  private static func end(_ partition: TopicPartition, _ queue: LibraryPointer, reader: ClientHandle) {
    try? reader.use { pointers throws(KafkaFailure) in
      let topic = try reader.topic(partition.topic, pointers.client)
      rd_kafka_consume_stop(topic.raw, partition.partition)
    }
    rd_kafka_queue_destroy(queue.raw)
  }
}
