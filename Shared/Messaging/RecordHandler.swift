// What a service gives the partition processor: how to read a record, and what a batch of them does.
public import Domain
public import Handling
public import Kafka
public import Postgres

/// What reading one record gave.
public enum Reading<Item> {
  case item(Item)
  /// Not ours, or nothing to do, as a tombstone: counted and passed over.
  case ignored
  /// Refused before any SQL: goes to quarantine with every reason (I-05).
  case refused([Fault])
}

/// What a handler says about an item of a batch after trying to apply it.
public struct Refusal: Sendable {
  /// The item's place in the batch.
  public let index: Int
  public let faults: [Fault]

  public init(index: Int, faults: [Fault]) {
    self.index = index
    self.faults = faults
  }
}

/// One transaction, as a handler sees it.
public struct LaneScope<Session>: ~Copyable {
  public let session: Session
  public let now: Instant
  public private(set) var messages: [OutgoingMessage] = []

  public init(session: Session, now: Instant) {
    self.session = session
    self.now = now
  }

  /// Publishes a message when, and only when, the transaction commits.
  public mutating func send(_ message: OutgoingMessage) { messages.append(message) }
}

/// A transaction on PostgreSQL.
public typealias BatchScope = LaneScope<PostgresSession>

/// The same batch must be done again from the start: another transaction changed what was read.
public protocol RetryableConflict: Error {}

/// A use case behind a topic. `read` runs outside the transaction, `apply` inside it; both on the partition's own thread, and both must give the
/// same result when the same records come again.
public protocol RecordHandler: Sendable {
  associatedtype Item: Sendable
  /// What it keeps its state in: PostgreSQL, or a simulation of it.
  associatedtype Session = PostgresSession
  /// The name that positions, the group and parked topics carry: the service's.
  var consumer: String { get }
  /// Whether records carry lane numbers: true for the suite's own topics, false for public inputs.
  var hasLanes: Bool { get }
  /// Refused records, as a share of a batch, above which the partition stops instead of emptying the topic into quarantine; nil: never.
  var stormShareMax: Double? { get }
  /// The source a refused record is filed under.
  func source(of record: borrowing BorrowedRecord) -> String
  func read(_ record: borrowing BorrowedRecord, topic: String) -> Reading<Item>
  func apply(_ items: [Item], _ scope: inout LaneScope<Session>) throws -> [Refusal]
}

extension RecordHandler {
  public var stormShareMax: Double? { hasLanes ? 0.05 : nil }
  public func source(of record: borrowing BorrowedRecord) -> String { "" }
}

extension BorrowedRecord {
  /// The value of a header as text; nil when there is none. The first of several counts.
  public borrowing func headerText(_ name: String) -> String? {
    var found: String?
    forEachHeader { key, value in
      if found == nil, let value, key.elementsEqual(name.utf8) { found = String(decoding: value, as: UTF8.self) }
    }
    return found
  }
}
