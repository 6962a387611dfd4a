// Sends records so that each is stored once and in order, and says what became of every one of them.
import CRdKafka
public import Lifecycle
import Synchronization
public import Telemetry

/// The bounds and habits of a producer.
public struct ProducerOptions: Hashable, Sendable {
  /// How long the library gathers records into one request, in milliseconds. 5 for bulk, 0 or 1 where a person waits.
  public var lingerMilliseconds = 1
  public var compression = "lz4"
  /// After how many milliseconds a record is given up; 0 is never. Giving up makes holes in the order, so only tests do.
  public var messageTimeoutMilliseconds = 0
  /// Records and KiB in the library's queue, beyond which `enqueue` refuses with `queueFull`.
  public var queuedRecordsMax = 100_000
  public var queuedKibibytesMax = 131_072
  /// Calls of `send` under way at once, beyond which it refuses with `queueFull`.
  public var sendsInFlightMax = 10_000
  /// Time without any report, with records waiting, after which the log says so, in milliseconds.
  public var quietMillisecondsMax: Int64 = 10_000

  public init() {}
}

/// An idempotent producer that waits for all replicas.
///
/// It works in one of two ways. After `start()` a thread of its own takes the reports: use `send`, or `enqueue` with `onDelivery`.
/// Without `start()` the caller's own thread does both: `enqueue`, then `drainReports`. A relay works that way.
///
/// A failed report never means that the record was not stored, and after a fatal failure nothing is sent any more: close the producer, make
/// another, and send again what has no successful report.
public final class Producer: Sendable {
  /// Called on the producer's own thread for each report of an enqueued record. Must not block.
  public typealias DeliveryHandler = @Sendable (DeliveryReport) -> Void
  typealias Outcome = Result<RecordPlace, KafkaFailure>
  private typealias Waiter = CheckedContinuation<Outcome, Never>

  private enum Phase {
    case callerPolls
    case running
    case draining(deadline: Int64)
    case closed
  }
  private struct Flush {
    let deadline: Int64
    let waiter: CheckedContinuation<Bool, Never>
  }
  private struct State {
    var phase = Phase.callerPolls
    var ledger: DeliveryLedger<Waiter, Outcome>
    var stall: StallWatch
    var fatal: KafkaFailure?
    var unconfirmed = 0
    var flushes: [Flush] = []
    var closers: [CheckedContinuation<Int, Never>] = []

    /// Why a record is refused now; nil when it is welcome.
    var refusal: KafkaFailure? {
      if let fatal { return fatal }
      switch self.phase {
      case .callerPolls, .running: return nil
      case .draining, .closed: return .closedHandle
      }
    }
  }

  /// Tokens of `send` carry this bit, so that they never meet those of `enqueue`.
  private static let sendBit: UInt64 = 1 << 63
  /// The longest wait for an event, in milliseconds: how late a flush or a stall may be noticed.
  private static let pollMillisecondsMax: Int32 = 100
  /// The same while something waits for the queue to run empty.
  private static let drainPollMillisecondsMax: Int32 = 5
  /// How long reports of purged records are waited for, in nanoseconds.
  private static let purgeNanosecondsMax: Int64 = 1_000_000_000
  /// Reports taken by one `drainReports`.
  public static let drainedReportsMax = 50_000

  private let handle: ClientHandle
  private let watch: ClientWatch
  private let onDelivery: DeliveryHandler?
  private let state: Mutex<State>

  /// Makes the client. Settings that it refuses are reported here; whether brokers answer is seen later.
  public init(
    _ settings: KafkaSettings, options: ProducerOptions = ProducerOptions(), logger: Logger = .silent,
    onDelivery: DeliveryHandler? = nil, onStatistics: (@Sendable (String) -> Void)? = nil
  ) throws(KafkaFailure) {
    self.handle = try ClientHandle(.producer, settings.producerEntries(options))
    self.watch = ClientWatch(logger: logger.with([.part: .string("producer")]), onStatistics: onStatistics)
    self.onDelivery = onDelivery
    self.state = Mutex(State(
      ledger: DeliveryLedger(inFlightMax: options.sendsInFlightMax), stall: StallWatch(quietMillisecondsMax: options.quietMillisecondsMax)))
  }

  /// Starts the thread that takes reports. Afterwards `drainReports` finds nothing.
  public func start() throws(KafkaFailure) {
    let mayStart = self.state.withLock { state in
      guard case .callerPolls = state.phase else { return false }
      state.phase = .running
      return true
    }
    guard mayStart else { return }
    do throws(ThreadFailure) {
      _ = try OwnedThread.start(name: "kafka-producer") { self.serve() }
    } catch {
      self.state.withLock { $0.phase = .callerPolls }
      throw KafkaFailure(kind: .other, text: error.description)
    }
  }

  /// Why nothing is sent any more; nil while all is well.
  public var fatalFailure: KafkaFailure? { self.state.withLock { $0.fatal } }
  /// Whether records wait and no report has come for `quietMillisecondsMax`.
  public var isStalled: Bool { self.state.withLock { $0.stall.isStalled } }
  /// Records handed over whose report has not come.
  public var unreportedCount: Int { self.state.withLock { $0.stall.waiting } }
  /// Whether brokers have begun to name another cluster.
  public var isClusterChanged: Bool { self.watch.isClusterChanged }
  /// The latest complaint of the library, often the only sign of why it goes on retrying; empty when there was none.
  public var lastErrorText: String { self.watch.lastErrorText }

  /// Sends one record and waits until it is stored. Only after `start()`.
  ///
  /// Throws ``KafkaFailure``, or `CancellationError` when the task is cancelled: that ends the waiting, not the sending.
  public func send(_ record: OutgoingRecord) async throws -> RecordPlace {
    let reserved = self.state.withLock { state -> Result<UInt64, KafkaFailure> in
      guard case .running = state.phase else {
        return .failure(state.refusal ?? KafkaFailure(kind: .configuration, text: "the producer was not started"))
      }
      guard let id = state.ledger.reserve() else {
        return .failure(KafkaFailure(kind: .queueFull, text: "\(state.ledger.inFlight) sends are under way"))
      }
      return .success(id)
    }
    let id = try reserved.get()
    do throws(KafkaFailure) {
      try self.produce(record, token: id | Producer.sendBit)
    } catch {
      self.state.withLock { $0.ledger.forget(id) }
      throw error
    }
    let outcome = await withTaskCancellationHandler {
      await self.report(of: id)
    } onCancel: {
      let waiter = self.state.withLock { $0.ledger.cancel(id) }
      waiter?.resume(returning: .failure(Producer.cancelled))
    }
    guard outcome != .failure(Producer.cancelled) else { throw CancellationError() }
    return try outcome.get()
  }

  private static let cancelled = KafkaFailure(kind: .other, text: "the wait was cancelled")

  private func report(of id: UInt64) async -> Outcome {
    await withCheckedContinuation { waiter in
      let parking = self.state.withLock { $0.ledger.park(id, waiter) }
      switch parking {
      case .parked: break
      case .alreadyReported(let outcome): waiter.resume(returning: outcome)
      case .alreadyCancelled: waiter.resume(returning: .failure(Producer.cancelled))
      }
    }
  }

  /// Hands one record over without waiting. Its report carries `token`, which must be below 2^63. Never blocks.
  ///
  /// With `partition` nil the key decides. Kind `queueFull` means: take reports and try again.
  public func enqueue(
    topic: String, partition: Int32?, key: UnsafeRawBufferPointer?, value: UnsafeRawBufferPointer?,
    headers: consuming OutgoingHeaders, token: UInt64
  ) throws(KafkaFailure) {
    guard token < Producer.sendBit else { throw KafkaFailure(kind: .configuration, text: "token \(token) is not below 2^63") }
    try self.produce(topic, partition, key, value, headers, token)
  }

  /// The same with a record that has its own bytes.
  public func enqueue(_ record: OutgoingRecord, token: UInt64) throws(KafkaFailure) {
    guard token < Producer.sendBit else { throw KafkaFailure(kind: .configuration, text: "token \(token) is not below 2^63") }
    try self.produce(record, token: token)
  }

  private func produce(_ record: OutgoingRecord, token: UInt64) throws(KafkaFailure) {
    try withBytes(record.key) { key throws(KafkaFailure) in
      try withBytes(record.value) { value throws(KafkaFailure) in
        try self.produce(record.topic, record.partition, key, value, OutgoingHeaders(record.headers), token)
      }
    }
  }

  private func produce(
    _ topic: String, _ partition: Int32?, _ key: UnsafeRawBufferPointer?, _ value: UnsafeRawBufferPointer?,
    _ headers: consuming OutgoingHeaders, _ token: UInt64
  ) throws(KafkaFailure) {
    let list = headers.handedOver().map { LibraryPointer(raw: $0) }
    do throws(KafkaFailure) {
      try self.handle.use { pointers throws(KafkaFailure) in
        let destination = try self.handle.topic(topic, pointers.client)
        // Under the lock, so that nothing is handed over once draining has begun. The call never waits: no blocking flag is given.
        let error = try self.state.withLock { state throws(KafkaFailure) -> rd_kafka_resp_err_t in
          if let refusal = state.refusal { throw refusal }
          let error = crdkafka_produce(
            pointers.client.raw, destination.raw, partition ?? crdkafka_partition_unassigned,
            key.map { pointerEvenIfEmpty($0) }, key?.count ?? 0, value.map { pointerEvenIfEmpty($0) }, value?.count ?? 0,
            list?.raw, token)
          if error == RD_KAFKA_RESP_ERR_NO_ERROR { state.stall.handedOver(1, at: SystemTime.monotonicNanoseconds()) }
          return error
        }
        guard error == RD_KAFKA_RESP_ERR_NO_ERROR else {
          // The library may know of the end before its event was taken; its own words say why.
          let fatal = KafkaFailure(fatalErrorOf: pointers.client.raw)
          if let fatal { self.state.withLock { $0.fatal = $0.fatal ?? fatal } }
          throw fatal ?? KafkaFailure(error)
        }
      }
    } catch {
      if let list { rd_kafka_headers_destroy(list.raw) }
      throw error
    }
  }
}

// MARK: - Reports

extension Producer {
  /// Takes the reports that are there, appends them to `reports` and returns how many. Blocks up to `waitMilliseconds` for the first.
  ///
  /// Only without `start()`, and only on a thread of the caller's own.
  public func drainReports(into reports: inout [DeliveryReport], waitMilliseconds: Int) throws(KafkaFailure) -> Int {
    guard case .callerPolls = self.state.withLock({ $0.phase }) else { return 0 }
    let before = reports.count
    let deadline = SystemTime.monotonicNanoseconds() + Int64(clamping: waitMilliseconds) * 1_000_000
    while reports.count - before < Producer.drainedReportsMax {
      // An event without reports (a log line, statistics) does not end the wait for the first one.
      let left = reports.count > before ? 0 : max(0, deadline - SystemTime.monotonicNanoseconds()) / 1_000_000
      guard try self.pollOnce(waitMilliseconds: Int32(clamping: left), into: &reports) else { break }
    }
    self.lookForStall()
    return reports.count - before
  }

  /// Waits until everything handed over has its report, which is appended to `reports`. Returns false when the limit passed first.
  ///
  /// Only without `start()`, and only on a thread of the caller's own.
  public func flushBlocking(withinMilliseconds limit: Int, into reports: inout [DeliveryReport]) throws(KafkaFailure) -> Bool {
    let deadline = SystemTime.monotonicNanoseconds() + Int64(limit) * 1_000_000
    while true {
      while try self.pollOnce(waitMilliseconds: Producer.drainPollMillisecondsMax, into: &reports) {}
      if try self.isQueueEmpty() { return true }
      if SystemTime.monotonicNanoseconds() >= deadline { return false }
    }
  }

  /// Refuses new records, waits for the reports of those handed over, and ends the client. Returns how many were not confirmed.
  ///
  /// Only without `start()`, and only on a thread of the caller's own.
  public func closeBlocking(withinMilliseconds limit: Int, into reports: inout [DeliveryReport]) -> Int {
    let isFirst = self.state.withLock { state in
      guard case .callerPolls = state.phase else { return false }
      state.phase = .draining(deadline: 0)
      return true
    }
    guard isFirst else { return 0 }
    do throws(KafkaFailure) {
      if try !self.flushBlocking(withinMilliseconds: limit, into: &reports) { try self.purge(into: &reports) }
    } catch {
      // Closed by somebody else: nothing more to take.
    }
    return self.finish()
  }

  /// Takes one event. Returns false when none came within the wait.
  private func pollOnce(waitMilliseconds: Int32, into reports: inout [DeliveryReport]) throws(KafkaFailure) -> Bool {
    try self.handle.use { pointers throws(KafkaFailure) in
      guard let event = rd_kafka_queue_poll(pointers.events.raw, waitMilliseconds) else { return false }
      defer { rd_kafka_event_destroy(event) }
      if rd_kafka_event_type(event) == RD_KAFKA_EVENT_DR {
        self.takeReports(event, into: &reports)
      } else if let (failure, _) = self.watch.take(event, of: pointers.client.raw), failure.isFatal {
        self.state.withLock { $0.fatal = $0.fatal ?? failure }
      }
      return true
    }
  }

  private func takeReports(_ event: OpaquePointer, into reports: inout [DeliveryReport]) {
    var sends: [(id: UInt64, outcome: Outcome)] = []
    var count = 0
    var failed = 0
    while let message = rd_kafka_event_message_next(event) {
      count += 1
      let outcome: Outcome
      if message.pointee.err == RD_KAFKA_RESP_ERR_NO_ERROR {
        outcome = .success(RecordPlace(partition: message.pointee.partition, offset: message.pointee.offset))
      } else {
        failed += 1
        outcome = .failure(KafkaFailure(message.pointee.err))
      }
      let token = crdkafka_token(message)
      if token & Producer.sendBit == 0 {
        reports.append(DeliveryReport(token: token, result: outcome))
      } else {
        sends.append((token & ~Producer.sendBit, outcome))
      }
    }
    let resumed = self.state.withLock { state in
      state.stall.reported(count, at: SystemTime.monotonicNanoseconds())
      if case .draining = state.phase { state.unconfirmed += failed }
      return sends.compactMap { send in state.ledger.settle(send.id, send.outcome).map { ($0, send.outcome) } }
    }
    for (waiter, outcome) in resumed { waiter.resume(returning: outcome) }
  }

  private func isQueueEmpty() throws(KafkaFailure) -> Bool {
    // Counts records only, unlike the queue's length, which log lines and statistics keep above zero.
    try self.handle.use { pointers in rd_kafka_flush(pointers.client.raw, 0) == RD_KAFKA_RESP_ERR_NO_ERROR }
  }

  /// Gives up what is still queued, so that each record gets a report that says so.
  private func purge(into reports: inout [DeliveryReport]) throws(KafkaFailure) {
    try self.handle.use { pointers in
      _ = rd_kafka_purge(pointers.client.raw, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT)
    }
    let deadline = SystemTime.monotonicNanoseconds() + Producer.purgeNanosecondsMax
    while try !self.isQueueEmpty(), SystemTime.monotonicNanoseconds() < deadline {
      _ = try self.pollOnce(waitMilliseconds: Producer.drainPollMillisecondsMax, into: &reports)
    }
  }

  private func lookForStall() {
    let alarm = self.state.withLock { $0.stall.check(at: SystemTime.monotonicNanoseconds()) }
    guard let alarm else { return }
    self.watch.logger.warning("no delivery report although records wait", [
      .count: .int(alarm.waiting), .milliseconds: .int(alarm.quietMilliseconds), .reason: .string(self.watch.lastErrorText),
    ])
  }

  /// The end of the client, on the thread that polled it.
  private func finish() -> Int {
    let outcome = Outcome.failure(KafkaFailure(kind: .closed, text: "closed before the report"))
    let waiters = self.state.withLock { state in
      state.phase = .closed
      return state.ledger.abandonAll(outcome)
    }
    for waiter in waiters { waiter.resume(returning: outcome) }
    self.handle.destroy()
    let (flushes, closers, unconfirmed) = self.state.withLock { state in
      defer { (state.flushes, state.closers) = ([], []) }
      return (state.flushes, state.closers, state.unconfirmed + state.stall.waiting)
    }
    for flush in flushes { flush.waiter.resume(returning: false) }
    for closer in closers { closer.resume(returning: unconfirmed) }
    if unconfirmed > 0 { self.watch.logger.warning("producer closed with unconfirmed records", [.count: .int(unconfirmed)]) }
    return unconfirmed
  }
}

// MARK: - The producer's own thread

extension Producer: Service {
  public var name: String { "kafka producer" }

  /// Takes reports until the stop is asked, then closes within ten seconds.
  public func run(_ stop: StopSignal) async throws {
    try self.start()
    await stop.wait()
    _ = await self.close(within: .seconds(10))
  }

  /// Waits until everything handed over has its report. Returns false when the limit passed first. Only after `start()`.
  public func flush(within limit: Duration) async -> Bool {
    let deadline = SystemTime.monotonicNanoseconds() + limit.nanosecondsClamped
    return await withCheckedContinuation { waiter in
      let isWaiting = self.state.withLock { state in
        guard case .running = state.phase else { return false }
        state.flushes.append(Flush(deadline: deadline, waiter: waiter))
        return true
      }
      if isWaiting { self.handle.wake() } else { waiter.resume(returning: false) }
    }
  }

  /// Refuses new records, waits up to `limit` for the reports of those handed over, and ends the client. Returns how many records were not
  /// confirmed: 0 says that nothing was lost. Not cut short by cancellation. May be called more than once; later calls join the first.
  public func close(within limit: Duration) async -> Int {
    let deadline = SystemTime.monotonicNanoseconds() + limit.nanosecondsClamped
    return await withCheckedContinuation { closer in
      enum Next { case wait, finishHere, already }
      let next = self.state.withLock { state -> Next in
        switch state.phase {
        case .running:
          state.phase = .draining(deadline: deadline)
          state.closers.append(closer)
          return .wait
        case .draining:
          state.closers.append(closer)
          return .wait
        case .callerPolls:
          state.phase = .draining(deadline: deadline)
          state.closers.append(closer)
          return .finishHere
        case .closed: return .already
        }
      }
      switch next {
      case .wait: self.handle.wake()
      case .already: closer.resume(returning: 0)
      case .finishHere:
        // Never started: nobody polls, so this thread does, as the own thread would have.
        if (try? OwnedThread.start(name: "kafka-producer", { self.serve() })) == nil { _ = self.finish() }
      }
    }
  }

  private func serve() {
    var reports: [DeliveryReport] = []
    loop: while true {
      reports.removeAll(keepingCapacity: true)
      let (isDraining, isFlushing) = self.state.withLock { state in
        if case .draining = state.phase { (true, !state.flushes.isEmpty) } else { (false, !state.flushes.isEmpty) }
      }
      let wait = isDraining || isFlushing ? Producer.drainPollMillisecondsMax : Producer.pollMillisecondsMax
      guard (try? self.pollOnce(waitMilliseconds: wait, into: &reports)) != nil else { break }
      self.deliver(reports)
      self.lookForStall()
      guard isDraining || isFlushing else { continue }
      let isEmpty = (try? self.isQueueEmpty()) ?? true
      self.answerFlushes(isEmpty: isEmpty)
      guard isDraining else { continue }
      if isEmpty { break }
      if self.isPastDeadline() {
        reports.removeAll(keepingCapacity: true)
        try? self.purge(into: &reports)
        self.deliver(reports)
        break loop
      }
    }
    _ = self.finish()
  }

  private func deliver(_ reports: [DeliveryReport]) {
    guard let onDelivery else { return }
    for report in reports { onDelivery(report) }
  }

  private func isPastDeadline() -> Bool {
    self.state.withLock { state in
      guard case .draining(let deadline) = state.phase else { return false }
      return SystemTime.monotonicNanoseconds() >= deadline
    }
  }

  private func answerFlushes(isEmpty: Bool) {
    let now = SystemTime.monotonicNanoseconds()
    let answered = self.state.withLock { state in
      let due = state.flushes.filter { isEmpty || $0.deadline <= now }
      state.flushes.removeAll { isEmpty || $0.deadline <= now }
      return due
    }
    for flush in answered { flush.waiter.resume(returning: isEmpty) }
  }
}

extension Duration {
  /// Nanoseconds, within what a deadline can hold.
  var nanosecondsClamped: Int64 {
    let (seconds, attoseconds) = self.components
    let limit: Int64 = 1 << 32  // more than a century of seconds
    return max(0, min(seconds, limit)) * 1_000_000_000 + max(0, attoseconds) / 1_000_000_000
  }
}

/// Borrows optional bytes; nil stays nil.
func withBytes<Value>(
  _ bytes: [UInt8]?, _ body: (UnsafeRawBufferPointer?) throws(KafkaFailure) -> Value
) throws(KafkaFailure) -> Value {
  guard let bytes else { return try body(nil) }
  // The standard library's scoped access does not carry typed errors of every kind, so the outcome goes round it.
  let result = bytes.withUnsafeBytes { buffer -> Result<Value, KafkaFailure> in
    do throws(KafkaFailure) { return .success(try body(buffer)) } catch { return .failure(error) }
  }
  return try result.get()
}
