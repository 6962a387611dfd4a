// The ports of a lane: its tables and its producer. PostgreSQL and Kafka stand behind them; in tests, a simulation that fails as they do.
import Domain
import Handling
import Kafka

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
  func reconnect() throws

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

  func addOutgoing(_ rows: [OutboxRow], lane: String) throws -> [Int64]
  /// Rows of the lane with larger ids, in order, `LaneRelay.rowsPerReadMax` at most.
  func outgoing(lane: String, after id: Int64) throws -> [(id: Int64, row: OutboxRow)]
  func removeOutgoing(_ ids: [Int64]) throws

  func quarantine(_ refused: [(record: RawRecord, faults: [Fault])], topic: String, partition: Int32, at now: Instant) throws
}

/// Sends records in order, and says of each whether it is stored. Used by one thread.
protocol LaneProducer: AnyObject {
  func enqueue(_ record: OutgoingRecord, token: UInt64) throws(KafkaFailure)
  @discardableResult
  func drainReports(into reports: inout [DeliveryReport], waitMilliseconds: Int) throws(KafkaFailure) -> Int
  var fatalFailure: KafkaFailure? { get }
  func closeBlocking(withinMilliseconds limit: Int, into reports: inout [DeliveryReport]) -> Int
}

extension Producer: LaneProducer {}
