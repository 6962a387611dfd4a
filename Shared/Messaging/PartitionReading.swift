// What becomes of each record on its way from the log into a batch: known already, the next one, refused, or a sign that something is missing. Pure.
import Contracts
import Domain
import Failpoints
import Handling
import Hashing
import Kafka

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
  /// Nothing after what is in the batch may be applied.
  var halt: Halt?
  /// The client left records out that the log has: the stream must begin anew at `next`.
  var mustRestart = false
  /// Records dropped because their lane number had come before.
  var repeats = 0
  /// Milliseconds since 1970; 0 when no record has a time.
  var oldestTimestamp: Int64 = 0

  init(from position: Position) {
    next = position.nextOffset
    lanesIn = position.lanesIn
    anchor = position.anchor
  }

  var step: Step { Step(nextOffset: next, anchor: anchor, lanesIn: lanesIn) }
}

/// Reads records of one partition for one handler.
struct PartitionReading<Handler: RecordHandler> {
  let handler: Handler
  let partition: TopicPartition
  let hasher: Hasher256
  private let isCompacted: Bool

  /// Whether the log has a record from the first offset on and before the second.
  typealias HasRecords = (Int64, Int64) -> Bool

  init(_ handler: Handler, _ partition: TopicPartition) throws {
    self.handler = handler
    self.partition = partition
    hasher = try Hasher256()
    isCompacted = Topics.all.contains { $0.name == partition.topic && $0.keeping == .compact }
  }

  func read(_ record: borrowing BorrowedRecord, into batch: inout Batch<Handler.Item>, hasRecords: HasRecords) {
    guard batch.halt == nil, !batch.mustRestart else { return }
    // The library may hand out a record twice, or jump: the offset decides.
    if record.offset < batch.next { return }
    if record.offset > batch.next, !passOver(record, &batch, hasRecords) { return }
    let before = batch.lanesIn
    if handler.hasLanes {
      switch lane(record, &batch.lanesIn) {
      case .applies: break
      case .repeated:
        batch.repeats += 1
        take(record, &batch)
        return
      case .missing(let missing):
        batch.lanesIn = before
        batch.halt = Halt(
          reason: "\(partition) lacks the records \(missing.from) to \(missing.to) of lane \(missing.lane ?? ""): the brokers lost them", missing: missing)
        return
      case .foreign:
        take(record, &batch)
        let detail = "the record does not come from a lane of this suite; only its services write this topic"
        refuse(record, &batch, [Fault(field: "headers.lane", rule: "missing", detail: detail)])
        return
      }
    }
    take(record, &batch)
    switch handler.read(record, topic: partition.topic) {
    case .item(let item): add(record, &batch, .item(item))
    case .refused(let faults): refuse(record, &batch, faults)
    case .ignored: break
    }
  }

  /// False when what lies between is not to be passed over.
  private func passOver(_ record: borrowing BorrowedRecord, _ batch: inout Batch<Handler.Item>, _ hasRecords: HasRecords) -> Bool {
    if handler.hasLanes {
      // Lane numbers tell exactly what is missing; the offsets explain what compaction took.
      if isCompacted { batch.lanesIn.holes += record.offset - batch.next }
      return true
    }
    // Compaction and the ends of transactions leave offsets without a record. Anything else was left out on the way.
    guard hasRecords(batch.next, record.offset) else { return true }
    batch.mustRestart = true
    return false
  }

  /// The record counts as read: the position will be behind it.
  private func take(_ record: borrowing BorrowedRecord, _ batch: inout Batch<Handler.Item>) {
    batch.next = record.offset + 1
    batch.anchor = (try? hasher.digest(parts: [record.key ?? Contract.nothing, record.value ?? Contract.nothing]))?.bytes
    let timestamp = record.timestampMilliseconds
    if timestamp > 0, batch.oldestTimestamp == 0 || timestamp < batch.oldestTimestamp { batch.oldestTimestamp = timestamp }
  }

  private enum LaneSays {
    case applies, repeated, foreign
    case missing(Missing)
  }

  private func lane(_ record: borrowing BorrowedRecord, _ lanes: inout LaneTable) -> LaneSays {
    guard let lane = record.headerText(Contract.lane), let text = record.headerText(Contract.sequence), let sequence = Int64(text), sequence > 0,
      !lane.hasPrefix("#")
    else { return .foreign }
    if Mutant.laneCheckOff.isOn { return .applies }
    switch lanes.judge(lane: lane, sequence: sequence, offset: record.offset) {
    case .next: return .applies
    case .repeated: return .repeated
    case .gap(let last): return .missing(Missing(.laneGap, lane: lane, from: last + 1, to: sequence - 1))
    }
  }

  private func refuse(_ record: borrowing BorrowedRecord, _ batch: inout Batch<Handler.Item>, _ faults: [Fault]) {
    add(record, &batch, .refused(faults))
  }

  private func add(_ record: borrowing BorrowedRecord, _ batch: inout Batch<Handler.Item>, _ content: Batch<Handler.Item>.Entry.Content) {
    batch.entries.append(
      .init(
        offset: record.offset, lanesIn: batch.lanesIn, anchor: batch.anchor, content: content,
        raw: RawRecord(record, source: handler.source(of: record))))
  }
}
