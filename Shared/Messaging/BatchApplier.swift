// Applies what was read: one transaction, done again after conflicts, halved down to the record whose data the database refuses.
import Contracts
import Domain
import Handling
import Hashing
import Kafka
import Postgres
import Telemetry

/// How many records the next batch may have: halved when one was not finished in time, doubled again when it goes well.
struct BatchSize {
  private let recordsMax: Int
  private(set) var records: Int
  private var successes = 0

  /// Batches that must go well before the size grows.
  static let successesMin = 8

  init(recordsMax: Int) {
    self.recordsMax = max(1, recordsMax)
    records = self.recordsMax
  }

  /// A partition is asked to stop between batches only, and a service has ten seconds for its stop.
  static let nanosecondsMax: Int64 = 3_000_000_000

  mutating func tooLarge() {
    records = max(1, records / 2)
    successes = 0
  }

  /// A batch of so many records is done.
  mutating func took(_ nanoseconds: Int64, records count: Int) {
    guard nanoseconds > BatchSize.nanosecondsMax, count > 1 else { return wentWell() }
    records = min(records, count)
    tooLarge()
  }

  mutating func wentWell() {
    guard records < recordsMax else { return }
    successes += 1
    guard successes >= BatchSize.successesMin else { return }
    successes = 0
    records = min(recordsMax, records * 2)
  }
}

/// How soon after one batch the next one begins.
///
/// A lane that begins anew whenever it is done keeps the processors busy at any load, with batches of a few records: what each waits for then is
/// its turn on a processor, in every service, in PostgreSQL and in Kafka. Who comes after a quiet moment does not wait.
struct BatchPace {
  /// Between the beginnings of two small batches, in nanoseconds. 5 and 20 were worse where services, PostgreSQL and Kafka share two processors.
  static let nanosecondsMin: Int64 = 10_000_000
  /// A batch of so many records, or of as many as it may have, has gathered enough: the next one begins at once.
  static let recordsMax = 1_000

  private var next: Int64 = 0

  /// - Parameter max: how many the batch could have had.
  mutating func began(_ now: Int64, records: Int, of max: Int) {
    next = records >= min(max, BatchPace.recordsMax) ? now : now + BatchPace.nanosecondsMin
  }

  /// How long to wait yet, rounded up: a moment before its time there would be nothing else to do.
  func restMilliseconds(_ now: Int64) -> Int { next <= now ? 0 : Int((next - now + 999_999) / 1_000_000) }
}

/// Belongs to the lane's thread.
final class BatchApplier<Handler: RecordHandler, Store: LaneStore, Out: LaneProducer> where Store.Session == Handler.Session {
  typealias Entries = ArraySlice<Batch<Handler.Item>.Entry>

  let handler: Handler
  let partition: TopicPartition
  private let logger: Logger
  private let measures: PartitionMeasures
  /// Waits before a conflict is tried again. False: the lane is to stop.
  private let pause: (Int) -> Bool
  /// A broken producer must not fill the log: quarantine has every record.
  private let refusals = LogLimiter(linesMax: 10, windowSeconds: 10)
  var size: BatchSize
  /// What the handler keeps from batch to batch, for this lane alone.
  private var kept = Handler.Kept()
  /// Up to this offset an operator has accepted that many records are refused.
  var stormAcceptedBelow: Int64 = 0

  /// Tries of one batch against conflicts before it is logged as a warning; it is tried again in any case.
  static var quietTriesMax: Int { 5 }
  /// A row that exists was written by another transaction meanwhile, and is read at the next try. A batch that meets such rows more often than this
  /// is halved: two of its own records may be in each other's way.
  static var violationsMax: Int { 5 }
  /// As above for one record: only when it is refused so often for no other's sake, it is at fault. A good record must not end in quarantine
  /// because others were quicker a few times.
  static var violationsOfOneMax: Int { 50 }
  /// Refused records of one batch below this number are no storm, whatever their share.
  static var stormRecordsMin: Int { 20 }

  init(
    handler: Handler, partition: TopicPartition, recordsMax: Int, logger: Logger, measures: PartitionMeasures, pause: @escaping (Int) -> Bool
  ) {
    self.handler = handler
    self.partition = partition
    self.logger = logger
    self.measures = measures
    self.pause = pause
    size = BatchSize(recordsMax: recordsMax)
  }

  func apply(_ batch: Batch<Handler.Item>, _ writer: LaneWriter<Store, Out>) throws {
    let hasher = try Hasher256()
    let began = SystemTime.monotonicNanoseconds()
    try apply(batch.entries[...], of: batch, hasher, writer)
    size.took(SystemTime.monotonicNanoseconds() - began, records: batch.entries.count)
  }

  /// Applies entries in one transaction. Data that the database refuses (SQLSTATE 22, 23) is halved down to the record at fault; work that did not
  /// end in time is halved too, and the next batches are smaller.
  private func apply(_ entries: Entries, of batch: Batch<Handler.Item>, _ hasher: Hasher256, _ writer: LaneWriter<Store, Out>) throws {
    var step = try batch.step(hasher)
    if let last = entries.last, entries.endIndex < batch.entries.endIndex { step = try batch.step(through: last, hasher) }
    do {
      try commit(entries, of: batch, step, writer)
    } catch let failure as PostgresFailure where failure.kind == .data || failure.kind == .uniqueViolation {
      logger.warning("PostgreSQL refused a batch for its data", [.count: .int(entries.count), .error: .string(failure.description)])
      guard entries.count > 1 else { return try commit(refused(entries, by: failure), of: batch, step, writer) }
      try applyHalves(entries, of: batch, hasher, writer)
    } catch let failure as PostgresFailure where failure.kind == .timedOut && entries.count > 1 {
      size.tooLarge()
      logger.warning("a batch did not end in time and is halved", [.count: .int(entries.count), .error: .string(failure.description)])
      try applyHalves(entries, of: batch, hasher, writer)
    }
  }

  private func applyHalves(_ entries: Entries, of batch: Batch<Handler.Item>, _ hasher: Hasher256, _ writer: LaneWriter<Store, Out>) throws {
    let middle = entries.startIndex + entries.count / 2
    try apply(entries[..<middle], of: batch, hasher, writer)
    try apply(entries[middle...], of: batch, hasher, writer)
  }

  private func refused(_ entries: Entries, by failure: PostgresFailure) -> Entries {
    let detail = "the database refused this record (SQLSTATE \(failure.sqlState)); report it, this should have been refused earlier"
    let fault = Fault(field: "record", rule: "database", detail: detail)
    return entries.map { Batch<Handler.Item>.Entry(offset: $0.offset, content: .refused([fault]), place: $0.place) }[...]
  }

  private func commit(_ entries: Entries, of batch: Batch<Handler.Item>, _ step: Step, _ writer: LaneWriter<Store, Out>) throws {
    var backoff = Backoff()
    var tries = 0
    var violations = 0
    while true {
      let began = SystemTime.monotonicNanoseconds()
      var refusedCount = 0
      let outcome: LaneWriter<Store, Out>.Outcome
      do { outcome = try writer.commit(step) { scope in refusedCount = try work(entries, of: batch, &scope, writer.store) } } catch {
        kept.forget()
        throw error
      }
      switch outcome {
      case .committed:
        kept.committed()
        measures.batch(records: entries.count, refused: refusedCount, nanoseconds: SystemTime.monotonicNanoseconds() - began)
        return
      case .conflict(let error):
        kept.forget()
        tries += 1
        measures.conflicts.increment()
        if let failure = error as? PostgresFailure, failure.kind == .uniqueViolation {
          violations += 1
          if violations > (entries.count == 1 ? Self.violationsOfOneMax : Self.violationsMax) { throw failure }
        }
        if tries == Self.quietTriesMax { logger.warning("a batch meets conflicts again and again", [.error: .describing(error)]) }
        guard pause(backoff.nextMilliseconds()) else { throw Fenced() }
      }
    }
  }

  private func work(_ entries: Entries, of batch: Batch<Handler.Item>, _ scope: inout LaneScope<Store.Session>, _ store: Store) throws -> Int {
    var refused: [(record: RawRecord, faults: [Fault])] = []
    // Items lie in the order of their entries: those of a part of the batch are a part of them.
    var first: Int?
    var last = -1
    // A whole batch without a refused record; a single entry may stand in the place of its own item.
    if entries.count > 1, entries.count == batch.items.count, entries.count == batch.entries.count {
      (first, last) = (0, entries.count - 1)
    } else {
      for entry in entries {
        switch entry.content {
        case .item(let place): (first, last) = (first ?? place, place)
        case .refused(let faults): refused.append((raw(entry, of: batch), faults))
        }
      }
    }
    if let first {
      let items = first == 0 && last == batch.items.count - 1 ? batch.items : Array(batch.items[first...last])
      let refusals = try batch.arena.withUnsafeBytes { try handler.apply(items, $0, &kept, &scope) }
      for refusal in refusals where items.indices.contains(refusal.index) {
        let place = first + refusal.index
        let entry = entries.first { if case .item(place) = $0.content { true } else { false } }
        if let entry { refused.append((raw(entry, of: batch), refusal.faults)) }
      }
    }
    guard !refused.isEmpty else { return 0 }
    refused.sort { $0.record.offset < $1.record.offset }
    try refuseStorm(refused, of: entries)
    try store.quarantine(refused, topic: partition.topic, partition: partition.partition, at: scope.now)
    for (record, faults) in refused { announce(record, faults, &scope) }
    return refused.count
  }

  /// The record as it came; nobody needs it unless it is refused.
  private func raw(_ entry: Batch<Handler.Item>.Entry, of batch: Batch<Handler.Item>) -> RawRecord {
    let record = batch.arena.record(entry.place, of: partition, offset: entry.offset)
    return RawRecord(record, source: record.withBorrowed { handler.source(of: $0) })
  }

  private func announce(_ record: RawRecord, _ faults: [Fault], _ scope: inout LaneScope<Store.Session>) {
    logger.log(
      .info, limitedBy: refusals, "record refused",
      [
        .offset: .int(record.offset), .reason: .string(faults.first?.code ?? ""), .eventID: record.header(Header.id).map { .string($0) },
        .traceID: record.header(Header.traceParent).flatMap { TraceContext(traceparent: $0) }.map { .string($0.traceID) },
      ])
    scope.send(
      QuarantineTable.parked(record, faults: faults, consumer: handler.consumer, topic: partition.topic, partition: partition.partition, at: scope.now))
  }

  private func refuseStorm(_ refused: [(record: RawRecord, faults: [Fault])], of entries: Entries) throws {
    guard let share = handler.stormShareMax, let first = refused.first, let last = entries.last, refused.count >= Self.stormRecordsMin,
      Double(refused.count) > share * Double(entries.count), first.record.offset >= stormAcceptedBelow
    else { return }
    throw Halt(
      reason: "\(refused.count) of \(entries.count) records of \(partition) were refused, first for \(first.faults.first?.code ?? "no reason"):"
        + " this points to a producer or a version at fault, not to single records",
      missing: Missing(.storm, from: first.record.offset, to: last.offset))
  }
}
