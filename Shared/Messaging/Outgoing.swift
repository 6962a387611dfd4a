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
  let body: [UInt8]

  /// A row is closed when its body reaches this.
  static let bodyBytesMax = 1_048_576
}

enum OutboxFault: Error, Equatable {
  case unknownTopic(String)
  case damagedRow
  /// A record larger than brokers take: its lane could never publish anything after it.
  case tooLarge(String)
}

/// Numbers messages by destination and frames them. Pure.
struct OutboxWriter {
  private let layout: TopicLayout
  private(set) var lanes: LaneTable
  private(set) var rows: [OutboxRow] = []
  private var open: [String: Draft] = [:]
  private var order: [String] = []

  private struct Draft {
    let topic: String
    let partition: Int32
    let firstSequence: Int64
    var records = 0
    var body: [UInt8] = []
  }

  /// Key and value of one record; brokers and the client take a million bytes with all headers.
  static let recordBytesMax = 900_000

  init(layout: TopicLayout, lanes: LaneTable) {
    self.layout = layout
    self.lanes = lanes
  }

  mutating func add(_ message: OutgoingMessage) throws(OutboxFault) {
    var message = message
    if Mutant.randomEventIDs.isOn { message.id = String(UInt64.random(in: 0 ... .max), radix: 16) }
    guard let count = layout.partitions(of: message.topic), let partition = Murmur2.partition(key: message.key, count: count) else {
      throw .unknownTopic(message.topic)
    }
    guard message.key.count + (message.value?.count ?? 0) <= OutboxWriter.recordBytesMax else { throw .tooLarge(message.topic) }
    let destination = LaneTable.destination(message.topic, partition)
    lanes[destination] += 1
    if open[destination] == nil {
      open[destination] = Draft(topic: message.topic, partition: partition, firstSequence: lanes[destination])
      order.append(destination)
    }
    open[destination]?.records += 1
    Frame.append(message, to: &open[destination, default: Draft(topic: message.topic, partition: partition, firstSequence: 0)].body)
    if let draft = open[destination], draft.body.count >= OutboxRow.bodyBytesMax { close(destination) }
  }

  /// The rows, in the order in which their first records were added.
  mutating func finish() -> [OutboxRow] {
    for destination in order { close(destination) }
    order = []
    return rows
  }

  private mutating func close(_ destination: String) {
    guard let draft = open.removeValue(forKey: destination) else { return }
    rows.append(OutboxRow(topic: draft.topic, partition: draft.partition, firstSequence: draft.firstSequence, records: draft.records, body: draft.body))
    order.removeAll { $0 == destination }
  }
}

/// How records lie in an outbox row: every part preceded by its length; a tombstone has the length 2^32 - 1.
enum Frame {
  static let noValue = UInt32.max

  static func append(_ message: OutgoingMessage, to body: inout [UInt8]) {
    part(message.key, &body)
    if let value = message.value { part(value, &body) } else { number(noValue, &body) }
    part(Array(message.id.utf8), &body)
    part(Array(message.type.utf8), &body)
    for shift in stride(from: 56, through: 0, by: -8) { body.append(UInt8(truncatingIfNeeded: message.time.microseconds >> Int64(shift))) }
    part(Array(message.traceParent.utf8), &body)
    number(UInt32(truncatingIfNeeded: message.headers.count), &body)
    for header in message.headers {
      part(Array(header.name.utf8), &body)
      part(Array(header.value.utf8), &body)
    }
  }

  private static func number(_ value: UInt32, _ body: inout [UInt8]) {
    for shift in stride(from: 24, through: 0, by: -8) { body.append(UInt8(truncatingIfNeeded: value >> UInt32(shift))) }
  }

  private static func part(_ bytes: [UInt8], _ body: inout [UInt8]) {
    number(UInt32(truncatingIfNeeded: bytes.count), &body)
    body.append(contentsOf: bytes)
  }

  /// The records of a row's body, in order.
  static func read(_ body: [UInt8], topic: String) throws(OutboxFault) -> [OutgoingMessage] {
    var place = 0
    func number() throws(OutboxFault) -> UInt32 {
      guard place + 4 <= body.count else { throw .damagedRow }
      defer { place += 4 }
      return body[place..<place + 4].reduce(0) { $0 << 8 | UInt32($1) }
    }
    func bytes(_ length: UInt32) throws(OutboxFault) -> [UInt8] {
      guard place + Int(length) <= body.count else { throw .damagedRow }
      defer { place += Int(length) }
      return Array(body[place..<place + Int(length)])
    }
    func text() throws(OutboxFault) -> String { String(decoding: try bytes(try number()), as: UTF8.self) }
    var messages: [OutgoingMessage] = []
    while place < body.count {
      let key = try bytes(try number())
      let length = try number()
      let value = length == noValue ? nil : try bytes(length)
      let id = try text()
      let type = try text()
      let time = try bytes(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
      let traceParent = try text()
      var headers: [(name: String, value: String)] = []
      for _ in 0..<(try number()) { headers.append((try text(), try text())) }
      messages.append(
        OutgoingMessage(
          topic: topic, key: key, value: value, id: id, type: type, time: Instant(microseconds: Int64(bitPattern: time)), traceParent: traceParent,
          headers: headers))
    }
    return messages
  }
}
