// What one transaction sends: collected by a handler, numbered by lane, framed into outbox rows.
public import Domain
import Failpoints
import Kafka
import Text

/// How many partitions each topic has. Fixed while the process runs: numbering and keys depend on it.
public struct TopicLayout: Sendable {
  private let partitions: [String: Int32]

  public init(_ partitions: [String: Int32]) { self.partitions = partitions }
  public func partitions(of topic: String) -> Int32? { partitions[topic] }
}

/// A record to be published when the transaction has committed.
public struct OutgoingMessage: Sendable {
  public var topic: String
  public var key: [UInt8]
  /// nil: a tombstone.
  public var value: [UInt8]?
  /// `ce_id`: deterministic, the same when the work is done again.
  public var id: String
  /// `ce_type`
  public var type: String
  /// `ce_time`
  public var time: Instant
  public var traceParent: String
  /// Further headers, as parked records have.
  public var headers: [(name: String, value: String)]

  public init(
    topic: String, key: [UInt8], value: [UInt8]?, id: String, type: String, time: Instant, traceParent: String = "",
    headers: [(name: String, value: String)] = []
  ) {
    self.topic = topic
    self.key = key
    self.value = value
    self.id = id
    self.type = type
    self.time = time
    self.traceParent = traceParent
    self.headers = headers
  }
}

/// The records of one outbox row: one destination partition, consecutive numbers.
struct OutboxRow: Sendable {
  let topic: String
  let partition: Int32
  let firstSequence: Int64
  let records: Int
  /// The records, framed, as they are published.
  let body: OutboxBody
  /// What the table keeps instead of the body, when the records are states that can be read anew (`NamedStates`).
  var names: OutboxBody?

  /// What the table keeps.
  var stored: OutboxBody { names ?? body }

  /// A row is closed when its body reaches this.
  static let bodyBytesMax = 1_048_576
}

/// Bytes that several hold and nobody changes.
final class OutboxBody: Sendable {
  private let buffer: ByteBuffer

  init(_ buffer: consuming ByteBuffer) { self.buffer = buffer }

  convenience init(_ bytes: UnsafeRawBufferPointer) {
    var buffer = ByteBuffer(capacityBytes: bytes.count)
    buffer.append(bytes)
    self.init(buffer)
  }

  var count: Int { buffer.count }
  func withUnsafeBytes<Value>(_ body: (UnsafeRawBufferPointer) throws -> Value) rethrows -> Value { try buffer.withUnsafeBytes(body) }
}

enum OutboxFault: Error, Equatable {
  case unknownTopic(String)
  case damagedRow
  /// A record larger than brokers take: its lane could never publish anything after it.
  case tooLarge(String)
}

/// Numbers messages by destination and frames them. Pure; belongs to one transaction.
final class OutboxWriter {
  private let layout: TopicLayout
  /// Topics of states that can be read anew.
  private let statesByName: Set<String>
  private var numbers: LaneTable
  private var closed: [OutboxRow] = []
  private var topics: [Drafts] = []
  /// Drafts in the order in which their first records were added.
  private var open: [Draft] = []

  /// What goes to one topic, by partition.
  private final class Drafts {
    let topic: String
    var byPartition: [Draft?]
    init(topic: String, partitions: Int32) {
      self.topic = topic
      byPartition = Array(repeating: nil, count: Int(partitions))
    }
  }

  /// A row that is not full yet.
  private final class Draft {
    let topic: String
    let partition: Int32
    let destination: String
    var firstSequence: Int64
    var records = 0
    var body = ByteBuffer(capacityBytes: 4_096)
    /// The states named so far, their type and their time; nil while the records themselves are to be stored.
    var named: (type: String, time: Instant)?
    var names = ByteBuffer()

    init(topic: String, partition: Int32, last: (String) -> Int64) {
      self.topic = topic
      self.partition = partition
      destination = LaneTable.destination(topic, partition)
      firstSequence = last(destination) + 1
    }

    /// The body so far; the next one begins empty, and as large when this one was full.
    func takeBody() -> ByteBuffer {
      var taken = ByteBuffer(capacityBytes: body.count >= OutboxRow.bodyBytesMax ? body.capacity : 4_096)
      swap(&taken, &body)
      return taken
    }
  }

  /// Key and value of one record; brokers and the client take a million bytes with all headers.
  static let recordBytesMax = 900_000

  init(layout: TopicLayout, lanes: LaneTable, statesByName: Set<String> = []) {
    self.layout = layout
    self.statesByName = statesByName
    numbers = lanes
  }

  func add(_ message: OutgoingMessage) throws(OutboxFault) {
    let bytes = message.key.count + (message.value?.count ?? 0)
    guard bytes <= OutboxWriter.recordBytesMax else { throw .tooLarge(message.topic) }
    let draft = try draft(message.topic, hash: Murmur2.hash(message.key))
    if draft.named != nil { begin(draft, nil) }
    Frame.append(message, id: Mutant.randomEventIDs.isOn ? OutboxWriter.randomID : message.id, to: &draft.body)
    added(to: draft)
  }

  /// The same without a value of its own: `write` puts it where it is sent from. The id is the key and the version behind a colon.
  func add(
    topic: String, key: UnsafeRawBufferPointer, version: Int64, type: String, time: Instant, traceParent: String = "",
    write: (inout JSONWriter) -> Void
  ) throws(OutboxFault) {
    let draft = try draft(topic, hash: Murmur2.hash(key))
    let isNamed = statesByName.contains(topic)
    if isNamed, draft.records == 0 || draft.named?.type != type || draft.named?.time != time { begin(draft, (type, time)) }
    let before = draft.body.count
    Frame.part(key, to: &draft.body)
    let start = draft.body.count
    draft.body.put32(UInt32(0))
    var body = ByteBuffer()
    swap(&body, &draft.body)
    var writer = JSONWriter(appendingTo: body)
    write(&writer)
    draft.body = writer.finish()
    let length = draft.body.count - start - 4
    guard key.count + length <= OutboxWriter.recordBytesMax else {
      draft.body.truncate(to: before)
      throw .tooLarge(topic)
    }
    draft.body.overwrite32(at: start, UInt32(truncatingIfNeeded: length))
    if Mutant.randomEventIDs.isOn {
      Frame.part(OutboxWriter.randomID, to: &draft.body)
    } else {
      draft.body.put32(UInt32(truncatingIfNeeded: key.count + 1 + Frame.digits(version)))
      draft.body.append(key)
      draft.body.put8(0x3A)
      draft.body.appendDecimal(version)
    }
    Frame.part(type, to: &draft.body)
    draft.body.put64(time.microseconds)
    Frame.part(traceParent, to: &draft.body)
    // No further headers.
    draft.body.put32(UInt32(0))
    if isNamed { NamedStates.add(key: key, version: version, traceParent: traceParent, to: &draft.names) }
    added(to: draft)
  }

  /// Rows hold states by name or records, of one type and time: what was begun otherwise is closed.
  private func begin(_ draft: Draft, _ named: (type: String, time: Instant)?) {
    close(draft)
    draft.named = named
    draft.names.removeAll()
    if let named { NamedStates.begin(type: named.type, time: named.time, &draft.names) }
  }

  private static var randomID: String { String(UInt64.random(in: 0 ... .max), radix: 16) }

  private func draft(_ topic: String, hash: Int32) throws(OutboxFault) -> Draft {
    let drafts: Drafts
    if let known = topics.first(where: { $0.topic == topic }) { drafts = known } else {
      guard let count = layout.partitions(of: topic), count > 0 else { throw .unknownTopic(topic) }
      drafts = Drafts(topic: topic, partitions: count)
      topics.append(drafts)
    }
    let partition = Murmur2.partition(hash: hash, count: Int32(drafts.byPartition.count))
    if let draft = drafts.byPartition[Int(partition)] {
      if draft.records == 0 { open.append(draft) }
      return draft
    }
    let draft = Draft(topic: topic, partition: partition) { numbers[$0] }
    drafts.byPartition[Int(partition)] = draft
    open.append(draft)
    return draft
  }

  private func added(to draft: Draft) {
    draft.records += 1
    if draft.body.count >= OutboxRow.bodyBytesMax {
      close(draft)
      open.removeAll { $0 === draft }
    }
  }

  /// The rows, in the order in which their first records were added, and the last number of each destination.
  func finish() -> (rows: [OutboxRow], lanes: LaneTable) {
    for draft in open { close(draft) }
    open = []
    return (closed, numbers)
  }

  private func close(_ draft: Draft) {
    guard draft.records > 0 else { return }
    closed.append(
      OutboxRow(
        topic: draft.topic, partition: draft.partition, firstSequence: draft.firstSequence, records: draft.records,
        body: OutboxBody(draft.takeBody()), names: draft.named == nil ? nil : draft.names.withUnsafeBytes { OutboxBody($0) }))
    draft.firstSequence += Int64(draft.records)
    numbers[draft.destination] = draft.firstSequence - 1
    draft.records = 0
    draft.named = nil
    draft.names.removeAll()
  }
}

/// How records lie in an outbox row: every part preceded by its length; a tombstone has the length 2^32 - 1.
enum Frame {
  static let noValue = UInt32.max

  static func append(_ message: OutgoingMessage, id: String, to body: inout ByteBuffer) {
    message.key.withUnsafeBytes { part($0, to: &body) }
    if let value = message.value { value.withUnsafeBytes { part($0, to: &body) } } else { body.put32(noValue) }
    part(id, to: &body)
    part(message.type, to: &body)
    body.put64(message.time.microseconds)
    part(message.traceParent, to: &body)
    body.put32(UInt32(truncatingIfNeeded: message.headers.count))
    for header in message.headers {
      part(header.name, to: &body)
      part(header.value, to: &body)
    }
  }

  static func part(_ bytes: UnsafeRawBufferPointer, to body: inout ByteBuffer) {
    body.put32(UInt32(truncatingIfNeeded: bytes.count))
    body.append(bytes)
  }

  static func part(_ text: String, to body: inout ByteBuffer) {
    body.put32(UInt32(truncatingIfNeeded: text.utf8.count))
    body.append(text)
  }

  /// How many characters a whole number not below zero has.
  static func digits(_ number: Int64) -> Int {
    var rest = number
    var digits = 1
    while rest >= 10 {
      rest /= 10
      digits += 1
    }
    return digits
  }
}

/// One record of a row, where it lies. Valid only while the row's body is lent.
struct FramedRecord {
  fileprivate(set) var key: UnsafeRawBufferPointer
  /// nil: a tombstone.
  fileprivate(set) var value: UnsafeRawBufferPointer?
  fileprivate(set) var id: UnsafeRawBufferPointer
  fileprivate(set) var type: UnsafeRawBufferPointer
  fileprivate(set) var time: Instant
  fileprivate(set) var traceParent: UnsafeRawBufferPointer
  /// Names and values, framed.
  fileprivate(set) var headers: UnsafeRawBufferPointer

  func forEachHeader(_ body: (_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) -> Void) throws(OutboxFault) {
    var reader = FrameReader(headers)
    while !reader.isAtEnd {
      let name = try reader.part()
      body(name, try reader.part())
    }
  }
}

/// Reads the records of a row's body, in order.
struct FrameReader {
  private let bytes: UnsafeRawBufferPointer
  private var place = 0

  init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

  var isAtEnd: Bool { place >= bytes.count }

  mutating func next() throws(OutboxFault) -> FramedRecord {
    let key = try part()
    let length = try number()
    let value = length == Frame.noValue ? nil : try take(Int(length))
    let id = try part()
    let type = try part()
    let time = try int64()
    let traceParent = try part()
    let headers = try number()
    let start = place
    for _ in 0..<headers {
      _ = try part()
      _ = try part()
    }
    return FramedRecord(
      key: key, value: value, id: id, type: type, time: Instant(microseconds: time), traceParent: traceParent,
      headers: UnsafeRawBufferPointer(rebasing: bytes[start..<place]))
  }

  mutating func part() throws(OutboxFault) -> UnsafeRawBufferPointer { try take(Int(try number())) }

  mutating func int64() throws(OutboxFault) -> Int64 { try take(8).loadUnaligned(as: Int64.self).bigEndian }

  mutating func number() throws(OutboxFault) -> UInt32 { try take(4).loadUnaligned(as: UInt32.self).bigEndian }

  private mutating func take(_ count: Int) throws(OutboxFault) -> UnsafeRawBufferPointer {
    guard count <= bytes.count - place else { throw .damagedRow }
    defer { place += count }
    return UnsafeRawBufferPointer(rebasing: bytes[place..<place + count])
  }
}
