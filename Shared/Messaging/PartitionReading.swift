// What becomes of each record on its way from the log into a batch: known already, the next one, refused, or a sign that something is missing. Pure.
import Contracts
import Domain
import Failpoints
import Handling
import Hashing
import Kafka

/// A record of a batch that is to be applied or was refused. Neither this nor the next hangs on the kind of the items, or a record would cost look-ups
/// of generic types.
struct BatchEntry {
  enum Content {
    /// Its place among the items.
    case item(Int)
    case refused([Fault])
  }
  let offset: Int64
  let content: Content
  let place: RecordArena.Place
}

/// What a record did to the numbers of its lane; kept because a batch may be divided behind any entry.
private struct LaneMove {
  let offset: Int64
  /// nil: only the holes moved.
  let lane: Int?
  let sequence: Int64
  let holes: Int64
}

/// What one `take` brought.
struct Batch<Item> {
  typealias Entry = BatchEntry

  private(set) var entries: [Entry] = []
  /// What the entries that were not refused are, in order.
  fileprivate(set) var items: [Item] = []
  let arena: RecordArena
  private let first: Position
  fileprivate(set) var next: Int64
  private var moves: [LaneMove] = []
  fileprivate var lanes: LaneReader
  /// The record that was taken last, whose digest is the anchor.
  private var last: RecordArena.Place?
  /// Nothing after what is in the batch may be applied.
  var halt: Halt?
  /// The client left records out that the log has: the stream must begin anew at `next`.
  var mustRestart = false
  /// Records dropped because their lane number had come before.
  var repeats = 0
  /// Milliseconds since 1970; 0 when no record has a time.
  var oldestTimestamp: Int64 = 0

  /// - Parameter memory: of a batch that is over, to be used again.
  init(from position: Position, memory: BatchMemory<Item> = BatchMemory()) {
    arena = memory.arena
    arena.removeAll()
    swap(&entries, &memory.entries)
    swap(&items, &memory.items)
    first = position
    next = position.nextOffset
    lanes = LaneReader(position.lanesIn)
  }

  /// The lane numbers behind the last record.
  var lanesIn: LaneTable { lanes.table }

  /// The batch is over; what it held is gone.
  mutating func giveBack(_ memory: BatchMemory<Item>) {
    entries.removeAll(keepingCapacity: true)
    items.removeAll(keepingCapacity: true)
    swap(&entries, &memory.entries)
    swap(&items, &memory.items)
  }

  /// The item that was added last is this record's.
  fileprivate mutating func addItem(_ offset: Int64, _ place: RecordArena.Place) {
    entries.append(Entry(offset: offset, content: .item(items.count - 1), place: place))
  }

  fileprivate mutating func add(_ offset: Int64, refused faults: [Fault], _ place: RecordArena.Place) {
    entries.append(Entry(offset: offset, content: .refused(faults), place: place))
  }

  /// The record counts as read: the position will be behind it.
  fileprivate mutating func take(_ record: borrowing BorrowedRecord, _ place: RecordArena.Place, lane: Int?) {
    next = record.offset + 1
    last = place
    if lane != nil || lanes.holes != 0 {
      moves.append(LaneMove(offset: record.offset, lane: lane, sequence: lane.map { lanes.numbers[$0] } ?? 0, holes: lanes.holes))
    }
    let timestamp = record.timestampMilliseconds
    if timestamp > 0, oldestTimestamp == 0 || timestamp < oldestTimestamp { oldestTimestamp = timestamp }
  }

  /// What applying all of it moves.
  func step(_ hasher: Hasher256) throws -> Step {
    Step(nextOffset: next, anchor: try last.map { try anchor($0, hasher) } ?? first.anchor, lanesIn: lanesIn)
  }

  /// What applying it up to and with an entry moves.
  func step(through entry: Entry, _ hasher: Hasher256) throws -> Step {
    var lanes = LaneReader(first.lanesIn, namesOf: self.lanes)
    for move in moves where move.offset <= entry.offset {
      if let lane = move.lane { lanes.numbers[lane] = move.sequence }
      lanes.holes = move.holes
    }
    return Step(nextOffset: entry.offset + 1, anchor: try anchor(entry.place, hasher), lanesIn: lanes.table)
  }

  private func anchor(_ place: RecordArena.Place, _ hasher: Hasher256) throws -> [UInt8] {
    try arena.withParts(place) { try hasher.digest(parts: [$0, $1]) }.bytes
  }
}

/// Memory of batches, kept from one to the next.
final class BatchMemory<Item> {
  let arena = RecordArena()
  fileprivate var entries: [BatchEntry] = []
  fileprivate var items: [Item] = []
}

/// The numbers of incoming lanes while a batch is read: lanes by their place, so that no name is copied for a record.
struct LaneReader {
  private var names: [[UInt8]]
  var numbers: [Int64]
  var holes: Int64
  let adoptBelow: Int64
  /// The lane of the record before: mostly this one's too.
  private var latest = 0

  init(_ table: LaneTable) {
    let known = table.numbers.filter { !$0.key.hasPrefix("#") }.sorted { $0.key < $1.key }
    names = known.map { Array($0.key.utf8) }
    numbers = known.map(\.value)
    holes = table.holes
    adoptBelow = table.adoptBelow
  }

  /// With the places of another one that began with the same table and came to know more lanes.
  init(_ table: LaneTable, namesOf other: LaneReader) {
    names = other.names
    numbers = names.map { table[String(decoding: $0, as: UTF8.self)] }
    holes = table.holes
    adoptBelow = table.adoptBelow
  }

  mutating func place(of name: UnsafeRawBufferPointer) -> Int {
    if names.indices.contains(latest), names[latest].elementsEqual(name) { return latest }
    if let place = names.firstIndex(where: { $0.elementsEqual(name) }) {
      latest = place
      return place
    }
    names.append([UInt8](name))
    numbers.append(0)
    latest = names.count - 1
    return latest
  }

  /// See ``LaneTable/judge(lane:sequence:offset:)``.
  mutating func judge(_ place: Int, sequence: Int64, offset: Int64) -> LaneVerdict {
    LaneVerdict.judge(&numbers[place], &holes, adoptBelow: adoptBelow, sequence: sequence, offset: offset)
  }

  var table: LaneTable {
    var table = LaneTable()
    for (place, name) in names.enumerated() where numbers[place] != 0 { table[String(decoding: name, as: UTF8.self)] = numbers[place] }
    table.holes = holes
    table.adoptBelow = adoptBelow
    return table
  }

  func name(_ place: Int) -> String { String(decoding: names[place], as: UTF8.self) }
}

/// Reads records of one partition for one handler.
struct PartitionReading<Handler: RecordHandler> {
  let handler: Handler
  let partition: TopicPartition
  private let isCompacted: Bool

  /// Whether the log has a record from the first offset on and before the second.
  typealias HasRecords = (Int64, Int64) -> Bool

  init(_ handler: Handler, _ partition: TopicPartition) {
    self.handler = handler
    self.partition = partition
    isCompacted = Topics.all.contains { $0.name == partition.topic && $0.keeping == .compact }
  }

  func read(_ record: borrowing BorrowedRecord, into batch: inout Batch<Handler.Item>, hasRecords: HasRecords) {
    guard batch.halt == nil, !batch.mustRestart else { return }
    // The library may hand out a record twice, or jump: the offset decides.
    if record.offset < batch.next { return }
    let holesBefore = batch.lanes.holes
    if record.offset > batch.next, !passOver(record, &batch, hasRecords) { return }
    var headers = LaneNames()
    let hasLanes = handler.hasLanes
    let place = batch.arena.add(record) { name, value in if hasLanes { headers.look(name, value, &batch.lanes) } }
    var lane: Int?
    if handler.hasLanes {
      switch self.lane(record.offset, headers, &batch.lanes) {
      case .applies(let found): lane = found
      case .repeated where isCompacted:
        // A cleaner may have taken the first copy and left this one, late copy of a former owner's: the version tells whether it is news.
        batch.repeats += 1
      case .repeated:
        batch.repeats += 1
        batch.take(record, place, lane: nil)
        return
      case .missing(let missing):
        batch.arena.remove(from: place)
        batch.lanes.holes = holesBefore
        batch.halt = Halt(
          reason: "\(partition) lacks the records \(missing.from) to \(missing.to) of lane \(missing.lane ?? ""): the brokers lost them", missing: missing)
        return
      case .foreign:
        batch.take(record, place, lane: nil)
        let detail = "the record does not come from a lane of this suite; only its services write this topic"
        batch.add(record.offset, refused: [Fault(field: "headers.lane", rule: "missing", detail: detail)], place)
        return
      }
    }
    batch.take(record, place, lane: lane)
    switch handler.read(record, topic: partition.topic, place: place.value, into: &batch.items) {
    case .item: batch.addItem(record.offset, place)
    case .refused(let faults): batch.add(record.offset, refused: faults, place)
    case .ignored: break
    }
  }

  /// False when what lies between is not to be passed over.
  private func passOver(_ record: borrowing BorrowedRecord, _ batch: inout Batch<Handler.Item>, _ hasRecords: HasRecords) -> Bool {
    if handler.hasLanes {
      // Lane numbers tell exactly what is missing; the offsets explain what compaction took.
      if isCompacted { batch.lanes.holes += record.offset - batch.next }
      return true
    }
    // Compaction and the ends of transactions leave offsets without a record. Anything else was left out on the way.
    guard hasRecords(batch.next, record.offset) else { return true }
    batch.mustRestart = true
    return false
  }

  private enum LaneSays {
    case repeated, foreign
    case applies(Int)
    case missing(Missing)
  }

  private func lane(_ offset: Int64, _ headers: LaneNames, _ lanes: inout LaneReader) -> LaneSays {
    guard let place = headers.lane, let sequence = headers.sequence else { return .foreign }
    if Mutant.laneCheckOff.isOn { return .applies(place) }
    switch lanes.judge(place, sequence: sequence, offset: offset) {
    case .next: return .applies(place)
    case .repeated: return .repeated
    case .gap(let last): return .missing(Missing(.laneGap, lane: lanes.name(place), from: last + 1, to: sequence - 1))
    }
  }
}

/// The lane and the number that a record's headers name; the first of several counts.
private struct LaneNames {
  private(set) var lane: Int?
  private(set) var sequence: Int64?

  mutating func look(_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer?, _ lanes: inout LaneReader) {
    guard let value else { return }
    if LaneNames.isName(name, "lane") {
      if lane == nil, value.first != UInt8(ascii: "#"), !value.isEmpty { lane = lanes.place(of: value) }
    } else if LaneNames.isName(name, "seq") {
      if sequence == nil { sequence = LaneNames.number(value) }
    }
  }

  @inline(__always)
  private static func isName(_ name: UnsafeRawBufferPointer, _ constant: StaticString) -> Bool {
    guard name.count == constant.utf8CodeUnitCount else { return false }
    for place in 0..<name.count where name[place] != constant.utf8Start[place] { return false }
    return true
  }

  /// A whole number from 1 in ASCII digits; nil for anything else.
  private static func number(_ text: UnsafeRawBufferPointer) -> Int64? {
    var number: Int64 = 0
    for byte in text {
      guard (0x30...0x39).contains(byte) else { return nil }
      let (tens, isOver) = number.multipliedReportingOverflow(by: 10)
      let (sum, isOver2) = tens.addingReportingOverflow(Int64(byte - 0x30))
      guard !isOver, !isOver2 else { return nil }
      number = sum
    }
    return number > 0 ? number : nil
  }
}
