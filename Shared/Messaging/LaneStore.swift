// The ports of a lane: its tables and its producer. PostgreSQL and Kafka stand behind them; in tests, a simulation that fails as they do.
import Domain
import Handling
import Kafka
import Text

/// What a transaction moves: the consumer's side of the fence's row.
struct Step: Sendable, Equatable {
  var nextOffset: Int64
  var anchor: [UInt8]?
  var lanesIn: LaneTable
}

/// A lane's tables, seen by the one thread that owns the lane. Failures are `PostgresFailure`s: their kinds decide what happens next.
protocol LaneStore: AnyObject {
  associatedtype Session
  /// What handlers work on inside a transaction.
  var session: Session { get }
  /// Whether only `reconnect` helps.
  var isBroken: Bool { get }

  func transaction<Value>(_ body: () throws -> Value) throws -> Value
  /// A transaction that begins with the fence; throws `Fenced` when the row is no longer as its owner knows it.
  func transaction<Value>(moving key: PositionKey, to step: Step, from position: Position, _ body: () throws -> Value) throws -> Value
  func reconnect() throws
  /// Sends what has been written and waits to be sent.
  func settle() throws

  /// The cluster a position of the same partition belongs to, when it is another one.
  func otherCluster(_ key: PositionKey) throws -> String?
  /// Takes the row over: whoever held it before is fenced out from here on.
  func claim(_ key: PositionKey, owner: String) throws -> Position
  /// Reads the row and locks it, so that a commit still on its way is waited for.
  func position(_ key: PositionKey) throws -> Position?
  /// The fence. False when the row is no longer as its owner knows it.
  func move(_ key: PositionKey, to step: Step, from position: Position) throws -> Bool
  func count(_ key: PositionKey, lanesOut: LaneTable, epoch: Int64) throws -> Bool
  /// Mistakes that the fault harness must notice; never called otherwise.
  func moveUnfenced(_ key: PositionKey, to step: Step, lanesOut: LaneTable?) throws

  /// Topics of states that can be read anew: their outgoing rows are kept by name.
  var statesByName: Set<String> { get }
  func addOutgoing(_ rows: [OutboxRow], lane: String) throws -> [Int64]
  /// Rows of the lane with larger ids, in order, `LaneRelay.rowsPerReadMax` at most. States that are kept by name are as they are now.
  func outgoing(lane: String, after id: Int64) throws -> [(id: Int64, row: OutboxRow)]
  func removeOutgoing(_ ids: [Int64]) throws
  /// The end of a lane's transaction: published rows go, new ones come, their numbers are counted. False when the row has another owner.
  func exchangeOutgoing(
    removing done: [Int64], adding rows: [OutboxRow], of key: PositionKey, lanesOut: LaneTable, epoch: Int64
  ) throws -> (ids: [Int64], isCounted: Bool)
  /// Has these customers, in id order, looked at when the row is published and so many seconds have passed.
  func unsettle(_ customers: [Int64], afterRow: Int64, seconds: Int64) throws

  func quarantine(_ refused: [(record: RawRecord, faults: [Fault])], topic: String, partition: Int32, at now: Instant) throws
}

extension LaneStore {
  func settle() throws {}

  func transaction<Value>(moving key: PositionKey, to step: Step, from position: Position, _ body: () throws -> Value) throws -> Value {
    try transaction {
      guard try move(key, to: step, from: position) else { throw Fenced() }
      return try body()
    }
  }

  func exchangeOutgoing(
    removing done: [Int64], adding rows: [OutboxRow], of key: PositionKey, lanesOut: LaneTable, epoch: Int64
  ) throws -> (ids: [Int64], isCounted: Bool) {
    if !done.isEmpty { try removeOutgoing(done) }
    let ids = try addOutgoing(rows, lane: key.lane)
    return (ids, try count(key, lanesOut: lanesOut, epoch: epoch))
  }
}

/// Sends records in order, and says of each whether it is stored. Used by one thread.
protocol LaneProducer: AnyObject {
  func enqueue(_ record: OutgoingRecord, token: UInt64) throws(KafkaFailure)
  /// A record as it lies in an outbox row.
  func enqueue(_ record: FramedRecord, topic: String, partition: Int32, lane: LaneHeaders, token: UInt64) throws(KafkaFailure)
  @discardableResult
  func drainReports(into reports: inout [DeliveryReport], waitMilliseconds: Int) throws(KafkaFailure) -> Int
  var fatalFailure: KafkaFailure? { get }
  func closeBlocking(withinMilliseconds limit: Int, into reports: inout [DeliveryReport]) -> Int
}

/// What a lane adds to each of its records.
struct LaneHeaders {
  let lane: [UInt8]
  let source: [UInt8]
  /// The record's time, as text.
  let time: [UInt8]
  let sequence: Int64

  private static let specVersion = Array("1.0".utf8)
  private static let contentType = Array("application/json".utf8)

  /// Every header of a record, in order.
  func forEach(of record: FramedRecord, _ body: (_ name: StaticString, _ value: UnsafeRawBufferPointer) -> Void) {
    LaneHeaders.specVersion.withUnsafeBytes { body("ce_specversion", $0) }
    body("ce_id", record.id)
    source.withUnsafeBytes { body("ce_source", $0) }
    body("ce_type", record.type)
    time.withUnsafeBytes { body("ce_time", $0) }
    LaneHeaders.contentType.withUnsafeBytes { body("content-type", $0) }
    lane.withUnsafeBytes { body("lane", $0) }
    var digits = ByteBuffer()
    digits.appendDecimal(sequence)
    digits.withUnsafeBytes { body("seq", $0) }
    if !record.traceParent.isEmpty { body("traceparent", record.traceParent) }
  }
}

extension LaneProducer {
  func enqueue(_ record: FramedRecord, topic: String, partition: Int32, lane: LaneHeaders, token: UInt64) throws(KafkaFailure) {
    var headers: [KafkaHeader] = []
    lane.forEach(of: record) { headers.append(KafkaHeader(name: "\($0)", value: Array($1))) }
    do throws(OutboxFault) {
      try record.forEachHeader { headers.append(KafkaHeader(name: String(decoding: $0, as: UTF8.self), value: Array($1))) }
    } catch { throw KafkaFailure(kind: .configuration, text: "an outbox row is damaged") }
    try enqueue(
      OutgoingRecord(topic: topic, partition: partition, key: Array(record.key), value: record.value.map { Array($0) }, headers: headers), token: token)
  }
}

extension Producer: LaneProducer {
  func enqueue(_ record: FramedRecord, topic: String, partition: Int32, lane: LaneHeaders, token: UInt64) throws(KafkaFailure) {
    var headers = OutgoingHeaders(capacity: 9)
    lane.forEach(of: record) { headers.add($0, $1) }
    do throws(OutboxFault) {
      try record.forEachHeader { headers.add(name: $0, value: $1) }
    } catch { throw KafkaFailure(kind: .configuration, text: "an outbox row is damaged") }
    try enqueue(topic: topic, partition: partition, key: record.key, value: record.value, headers: headers, token: token)
  }
}
