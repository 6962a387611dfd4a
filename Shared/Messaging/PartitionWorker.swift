// The partition processor: one thread, one connection, one partition. Take, begin, fence, load, decide, write, commit, relay.
import Contracts
import Dispatch
import Domain
import Handling
import Hashing
import Kafka
import Lifecycle
import Postgres
import Synchronization
import Telemetry

/// What a partition is doing, for `/readyz`, metrics and `clientele doctor`.
public enum PartitionState: Sendable, Equatable {
  case starting
  case running
  case waitingForDatabase(String)
  case halted(String)
  case stopped
}

/// Sizes of one batch.
public struct BatchLimits: Sendable {
  public var recordsMax = 5_000
  public var bytesMax = 8 << 20
  /// How long an empty partition is waited for, in milliseconds; also how late a stop is noticed.
  public var waitMilliseconds = 50
  public init() {}
}

final class PartitionWorker<Handler: RecordHandler>: Sendable {
  private struct Shared {
    var stream: PartitionStream?
    var isStopping = false
    var isLost = false
    var state = PartitionState.starting
    var thread: OwnedThread?
  }

  let partition: TopicPartition
  private let handler: Handler
  private let environment: LaneEnvironment
  private let limits: BatchLimits
  private let release: @Sendable (TopicPartition, Int64) -> Void
  private let probe: KafkaProbe
  private let shared = Mutex(Shared())
  private let wakeUp = DispatchSemaphore(value: 0)
  private let logger: Logger
  private let measures: PartitionMeasures
  /// A broken producer must not fill the log: quarantine has every record.
  private let refusals = LogLimiter(linesMax: 10, windowSeconds: 10)

  /// How long the last reports are waited for at a stop, in milliseconds.
  static var closeMillisecondsMax: Int { 5_000 }
  /// How long a halted partition waits before it looks whether it may go on, in milliseconds.
  static var haltMilliseconds: Int { 5_000 }

  init(
    partition: TopicPartition, handler: Handler, environment: LaneEnvironment, limits: BatchLimits,
    release: @escaping @Sendable (TopicPartition, Int64) -> Void, probe: KafkaProbe
  ) {
    self.partition = partition
    self.handler = handler
    self.environment = environment
    self.limits = limits
    self.release = release
    self.probe = probe
    logger = environment.logger.with([.topic: .string(partition.topic), .partition: .int(partition.partition)])
    measures = PartitionMeasures(environment.metrics, partition)
  }

  var state: PartitionState { shared.withLock { $0.state } }
  private var isStopping: Bool { shared.withLock { $0.isStopping } }

  func start() {
    do throws(ThreadFailure) {
      let thread = try OwnedThread.start(name: "part-\(partition.partition)") { [self] in run() }
      shared.withLock { $0.thread = thread }
    } catch {
      become(.halted(error.description))
    }
  }

  func took(_ stream: PartitionStream) {
    shared.withLock { $0.stream = stream }
    wakeUp.signal()
  }

  func askToStop(lost: Bool) {
    let stream = shared.withLock { shared in
      shared.isStopping = true
      shared.isLost = shared.isLost || lost
      return shared.stream
    }
    stream?.wake()
    wakeUp.signal()
  }

  func join() { shared.withLock { $0.thread }?.join() }

  private func become(_ state: PartitionState) {
    let changed = shared.withLock { shared in
      defer { shared.state = state }
      return shared.state != state
    }
    measures.halted.set(state.isHalted ? 1 : 0)
    guard changed else { return }
    switch state {
    case .halted(let reason): logger.error("partition stands still until a person looks", [.reason: .string(reason)])
    case .waitingForDatabase(let reason): logger.warning("partition waits for the database", [.reason: .string(reason)])
    case .running: logger.info("partition runs")
    case .starting, .stopped: break
    }
  }

  // MARK: - Life

  private func run() {
    var backoff = Backoff()
    while !isStopping {
      do {
        try live { backoff.reset() }
      } catch let halt as Halt {
        become(.halted(halt.description))
        pause(PartitionWorker.haltMilliseconds)
      } catch is Fenced {
        logger.warning("fenced: another owner moved this partition, claiming anew")
        pause(backoff.nextMilliseconds())
      } catch let failure as PostgresFailure where failure.kind == .configuration || failure.kind == .damaged {
        become(.halted(failure.description))
        pause(PartitionWorker.haltMilliseconds)
      } catch let failure as PostgresFailure {
        become(.waitingForDatabase(failure.description))
        pause(backoff.nextMilliseconds())
      } catch let failure as KafkaFailure {
        if isStopping { break }
        switch failure.kind {
        case .closed: shared.withLock { $0.stream = nil }
        case .outOfRange, .corrupt:
          become(.halted("\(failure.description); see `clientele doctor`"))
          pause(PartitionWorker.haltMilliseconds)
        default: logger.warning("the broker refused this partition", [.error: .string(failure.description)])
        }
        pause(backoff.nextMilliseconds())
      } catch {
        become(.halted(String(describing: error)))
        pause(PartitionWorker.haltMilliseconds)
      }
    }
    become(.stopped)
  }

  private func pause(_ milliseconds: Int) {
    if !isStopping { _ = wakeUp.wait(timeout: .now() + .milliseconds(milliseconds)) }
  }

  /// From claim to the end of ownership, or to the first failure that needs a new claim.
  private func live(_ succeeded: () -> Void) throws {
    let session = try PostgresSession(environment.database, logger: logger)
    defer { session.close() }
    let key = PositionKey(consumer: handler.consumer, cluster: environment.cluster, topic: partition.topic, partition: partition.partition)
    let writer = try LaneWriter(key: key, environment: environment, session: session) { !self.isStopping }
    defer { finish(writer) }
    try begin(writer)
    guard let stream = try stream(at: writer.position.nextOffset) else { return }
    become(.running)
    succeeded()
    let hasher = try Hasher256()
    var lagKnownAt: Int64 = 0
    while !isStopping {
      try writer.tidy()
      if writer.relay.isFull {
        try writer.relay.collect(waitMilliseconds: limits.waitMilliseconds)
        continue
      }
      var batch = Batch<Handler.Item>(next: writer.position.nextOffset, lanesIn: writer.position.lanesIn)
      // While reports are awaited the wait is short, so that rows are deleted soon after they are confirmed.
      let wait = writer.relay.isIdle ? limits.waitMilliseconds : LaneRelay.fullQueueMilliseconds
      _ = try stream.take(max: limits.recordsMax, bytesMax: limits.bytesMax, waitMilliseconds: wait) { read($0, &batch, hasher) }
      if batch.next > writer.position.nextOffset {
        try apply(batch.entries[...], of: batch, writer)
        measures.delay(since: batch.oldestTimestamp, now: SystemTime.unixMicroseconds())
      }
      if let halt = batch.halt {
        try noteGap(halt, writer.session)
        throw halt.halt
      }
      measures.position(writer.position.nextOffset, outboxAgeNanoseconds: writer.relay.ageNanoseconds)
      measureLag(writer.position.nextOffset, &lagKnownAt)
    }
  }

  /// How often the end of the partition is asked for, in nanoseconds.
  private static var lagNanoseconds: Int64 { 5_000_000_000 }

  private func measureLag(_ next: Int64, _ knownAt: inout Int64) {
    let now = SystemTime.monotonicNanoseconds()
    guard now - knownAt >= PartitionWorker.lagNanoseconds else { return }
    knownAt = now
    // Only a figure: an end that cannot be had now is asked for again.
    if let reach = try? probe.watermarks(partition) { measures.lag(reach.high - next) }
  }

  private func finish(_ writer: LaneWriter) {
    let isLost = shared.withLock { $0.isLost }
    _ = writer.relay.close(withinMilliseconds: isLost ? 0 : PartitionWorker.closeMillisecondsMax)
    let done = writer.relay.takeConfirmed()
    // Rows that stay are sent again by the next owner and dropped by their readers: only tidiness is lost.
    if !done.isEmpty, !writer.session.isBroken { _ = try? writer.session.run(LaneRelay.delete) { $0.int64Array(done) } }
  }

  /// A partition that was never read begins where its log begins; one that was read must be found as it was left.
  private func begin(_ writer: LaneWriter) throws {
    let low = try probe.watermarks(partition).low
    if writer.position.epoch == 1, writer.position.nextOffset == 0, low > 0 {
      logger.info("first reader of a log that has lost its beginning", [.offset: .int(low)])
      let step = LaneWriter.Step(nextOffset: low, anchor: nil, lanesIn: writer.position.lanesIn)
      guard case .committed = try writer.commit(step, { _ in }) else { throw Fenced() }
    }
    try check(writer.position)
  }

  /// The log must hold the position: anything else is a gap, and never skipped (`docs/architecture.md`).
  private func check(_ position: Position) throws {
    let reach = try probe.watermarks(partition)
    if position.nextOffset > reach.high {
      throw Halt(
        reason: "\(partition) ends at offset \(reach.high), but \(position.nextOffset) is next: the topic was created anew or lost its tail",
        advice: "see `clientele doctor`")
    }
    if position.nextOffset < reach.low {
      throw Halt(
        reason: "\(partition) begins at offset \(reach.low), but \(position.nextOffset) is next: retention removed records that were not read",
        advice: "see `clientele doctor`")
    }
    try checkAnchor(position, low: reach.low)
  }

  /// The record before the position must be the one that was applied last: a topic that was created anew has another there.
  private func checkAnchor(_ position: Position, low: Int64) throws {
    guard let anchor = position.anchor, position.nextOffset > low else { return }
    // Compaction and transactions leave holes: where no record is, nothing can be compared.
    guard let record = try probe.record(partition, at: position.nextOffset - 1), record.offset == position.nextOffset - 1 else { return }
    let digest = try record.key.withBytes { key in try record.value.withBytes { try Hasher256().digest(parts: [key, $0]) } }
    guard digest.bytes == anchor else {
      throw Halt(
        reason: "\(partition) holds another record at offset \(position.nextOffset - 1) than the one applied: the topic was created anew",
        advice: "see `clientele doctor`")
    }
  }

  private func stream(at offset: Int64) throws -> PartitionStream? {
    if let stream = shared.withLock({ $0.stream }) {
      try stream.restart(at: offset)
      return stream
    }
    release(partition, offset)
    while !isStopping {
      if let stream = shared.withLock({ $0.stream }) { return stream }
      _ = wakeUp.wait(timeout: .now() + .milliseconds(limits.waitMilliseconds))
    }
    return nil
  }

  // MARK: - Reading

  private func read(_ record: borrowing BorrowedRecord, _ batch: inout Batch<Handler.Item>, _ hasher: Hasher256) {
    guard batch.halt == nil else { return }
    // The library may hand out a record twice, or jump: the offset decides.
    if record.offset < batch.next { return }
    batch.next = record.offset + 1
    let timestamp = record.timestampMilliseconds
    if timestamp > 0, batch.oldestTimestamp == 0 || timestamp < batch.oldestTimestamp { batch.oldestTimestamp = timestamp }
    let anchorBefore = batch.anchor
    if let digest = try? hasher.digest(parts: [record.key ?? Contract.nothing, record.value ?? Contract.nothing]) { batch.anchor = digest.bytes }
    if handler.hasLanes {
      guard let lane = record.headerText(Contract.lane), let text = record.headerText(Contract.sequence), let sequence = Int64(text) else {
        let detail = "the record does not come from a lane of this suite; only its services write this topic"
        refuse(record, &batch, [Fault(field: "headers.lane", rule: "missing", detail: detail)])
        return
      }
      switch batch.lanesIn.judge(lane: lane, sequence: sequence) {
      case .next: break
      case .repeated:
        measures.repeats.increment()
        return
      case .gap(let last):
        batch.next = record.offset
        batch.anchor = anchorBefore
        batch.halt = Gap(lane: lane, from: last + 1, to: sequence - 1, partition: partition)
        return
      }
    }
    switch handler.read(record, topic: partition.topic) {
    case .item(let item):
      let raw = RawRecord(record, source: handler.source(of: record))
      batch.entries.append(.init(offset: record.offset, lanesIn: batch.lanesIn, anchor: batch.anchor, content: .item(item), raw: raw))
    case .refused(let faults): refuse(record, &batch, faults)
    case .ignored: break
    }
  }

  private func refuse(_ record: borrowing BorrowedRecord, _ batch: inout Batch<Handler.Item>, _ faults: [Fault]) {
    batch.entries.append(
      .init(
        offset: record.offset, lanesIn: batch.lanesIn, anchor: batch.anchor, content: .refused(faults),
        raw: RawRecord(record, source: handler.source(of: record))))
  }

  private func noteGap(_ gap: Gap, _ session: PostgresSession) throws {
    _ = try session.run(GapLog.insert) { parameters in
      parameters.text(handler.consumer)
      parameters.text(environment.cluster)
      parameters.text(partition.topic)
      parameters.int32(partition.partition)
      parameters.text(gap.lane)
      parameters.int64(gap.from)
      parameters.int64(gap.to)
      parameters.text("lane sequence")
      parameters.timestamptz(SystemTime.unixMicroseconds())
    }
  }

  // MARK: - Applying

  /// Applies entries in one transaction; when the data of one of them makes PostgreSQL refuse, halves the batch down to it (SQLSTATE 22, 23).
  private func apply(_ entries: ArraySlice<Batch<Handler.Item>.Entry>, of batch: Batch<Handler.Item>, _ writer: LaneWriter) throws {
    let isWhole = entries.endIndex == batch.entries.endIndex
    let last = entries.last
    let step = LaneWriter.Step(
      nextOffset: isWhole ? batch.next : (last?.offset ?? batch.next - 1) + 1, anchor: isWhole ? batch.anchor : last?.anchor,
      lanesIn: isWhole ? batch.lanesIn : last?.lanesIn ?? batch.lanesIn)
    do {
      try commit(entries, step, writer)
    } catch let failure as PostgresFailure where failure.kind == .data || failure.kind == .uniqueViolation {
      logger.warning("PostgreSQL refused a batch for its data", [.count: .int(entries.count), .error: .string(failure.description)])
      guard entries.count > 1 else {
        let detail = "the database refused this record (SQLSTATE \(failure.sqlState)); report it, this should have been refused earlier"
        let fault = Fault(field: "record", rule: "database", detail: detail)
        let refused = entries.map { entry in
          Batch<Handler.Item>.Entry(
            offset: entry.offset, lanesIn: entry.lanesIn, anchor: entry.anchor, content: .refused([fault]), raw: entry.raw)
        }
        return try commit(refused[...], step, writer)
      }
      let middle = entries.startIndex + entries.count / 2
      try apply(entries[..<middle], of: batch, writer)
      try apply(entries[middle...], of: batch, writer)
    }
  }

  private func commit(_ entries: ArraySlice<Batch<Handler.Item>.Entry>, _ step: LaneWriter.Step, _ writer: LaneWriter) throws {
    var backoff = Backoff()
    var tries = 0
    while true {
      let began = SystemTime.monotonicNanoseconds()
      var refusedCount = 0
      let outcome = try writer.commit(step) { scope in refusedCount = try work(entries, &scope) }
      switch outcome {
      case .committed:
        measures.batch(records: entries.count, refused: refusedCount, nanoseconds: SystemTime.monotonicNanoseconds() - began)
        return
      case .conflict(let error):
        tries += 1
        measures.conflicts.increment()
        if let failure = error as? PostgresFailure, failure.kind == .uniqueViolation, tries > LaneWriter.quietTriesMax { throw failure }
        if tries == LaneWriter.quietTriesMax { logger.warning("a batch meets conflicts again and again", [.error: .describing(error)]) }
        if isStopping { throw Fenced() }
        pause(backoff.nextMilliseconds())
      }
    }
  }

  private func work(_ entries: ArraySlice<Batch<Handler.Item>.Entry>, _ scope: inout BatchScope) throws -> Int {
    var items: [Handler.Item] = []
    var places: [Int] = []
    var refused: [(record: RawRecord, faults: [Fault])] = []
    for (place, entry) in entries.enumerated() {
      switch entry.content {
      case .item(let item):
        items.append(item)
        places.append(entries.startIndex + place)
      case .refused(let faults): refused.append((entry.raw, faults))
      }
    }
    if !items.isEmpty {
      for refusal in try handler.apply(items, &scope) where places.indices.contains(refusal.index) {
        refused.append((entries[places[refusal.index]].raw, refusal.faults))
      }
    }
    guard !refused.isEmpty else { return 0 }
    try refuseStorm(refused.count, of: entries.count, first: refused[0].faults)
    refused.sort { $0.record.offset < $1.record.offset }
    try QuarantineTable.insert(refused, topic: partition.topic, partition: partition.partition, at: scope.now, scope.session)
    for (record, faults) in refused {
      logger.log(
        .info, limitedBy: refusals, "record refused",
        [
          .offset: .int(record.offset), .reason: .string(faults.first?.code ?? ""), .eventID: record.header(Header.id).map { .string($0) },
          .traceID: record.header(Header.traceParent).flatMap { TraceContext(traceparent: $0) }.map { .string($0.traceID) },
        ])
      scope.send(
        QuarantineTable.parked(record, faults: faults, consumer: handler.consumer, topic: partition.topic, partition: partition.partition, at: scope.now))
    }
    return refused.count
  }

  /// Refused records of one batch below this number are no storm, whatever their share.
  private static var stormRecordsMin: Int { 20 }

  private func refuseStorm(_ refused: Int, of records: Int, first faults: [Fault]) throws {
    guard let share = handler.stormShareMax, refused >= PartitionWorker.stormRecordsMin, Double(refused) > share * Double(records) else { return }
    throw Halt(
      reason: "\(refused) of \(records) records of \(partition) were refused, first for \(faults.first?.code ?? "no reason")",
      advice: "this points to a producer or a version at fault, not to single records; see `clientele doctor`")
  }
}

extension [UInt8]? {
  fileprivate func withBytes<Value>(_ body: (UnsafeRawBufferPointer) throws -> Value) rethrows -> Value {
    guard let self else { return try body(Contract.nothing) }
    return try self.withUnsafeBytes(body)
  }
}

extension PartitionState {
  var isHalted: Bool { if case .halted = self { true } else { false } }
}

/// What one `take` brought.
struct Batch<Item> {
  struct Entry {
    enum Content {
      case item(Item)
      case refused([Fault])
    }
    let offset: Int64
    let lanesIn: LaneTable
    let anchor: [UInt8]?
    let content: Content
    let raw: RawRecord
  }
  var entries: [Entry] = []
  var next: Int64
  var lanesIn: LaneTable
  var anchor: [UInt8]?
  var halt: Gap?
  /// Milliseconds since 1970; 0 when no record has a time.
  var oldestTimestamp: Int64 = 0

  init(next: Int64, lanesIn: LaneTable) {
    self.next = next
    self.lanesIn = lanesIn
  }
}

/// Records of a lane that never came.
struct Gap: Error {
  let lane: String
  let from: Int64
  let to: Int64
  let partition: TopicPartition

  var halt: Halt {
    Halt(
      reason: "\(partition) lacks the records \(from) to \(to) of lane \(lane)",
      advice: "the broker lost them; see `clientele doctor`")
  }
}

enum GapLog {
  static let insert = Statement(
    name: "gap_insert",
    sql: """
      INSERT INTO gap_log (consumer, cluster, topic, part, lane, from_number, to_number, reason, found_at)
      SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9
      WHERE NOT EXISTS (
        SELECT FROM gap_log
        WHERE consumer = $1 AND cluster = $2 AND topic = $3 AND part = $4 AND lane = $5 AND from_number = $6 AND settled_at IS NULL)
      """)
}
