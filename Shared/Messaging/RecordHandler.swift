// What a service gives the partition processor: how to read a record, and what a batch of them does.
public import Domain
public import Handling
public import Kafka
public import Postgres
public import Text

/// What reading one record gave.
public enum Reading<Item> {
  case item(Item)
  /// Not ours, or nothing to do, as a tombstone: counted and passed over.
  case ignored
  /// Refused before any SQL: goes to quarantine with every reason (I-05).
  case refused([Fault])
}

extension Reading {
  /// A record of the suite's own that could not be read: the field at fault where the error names one.
  public static func refused(because error: any Error) -> Reading {
    guard let fault = error as? JSONFault else { return .refused([Fault(field: "record", rule: "unreadable", detail: "the record could not be read")]) }
    return .refused([Fault(field: fault.field, rule: fault.rule.rawValue, detail: fault.description)])
  }

  /// Appends the item to those of its batch.
  @inlinable
  public func put(into items: inout [Item]) -> ReadOutcome {
    switch self {
    case .item(let item):
      items.append(item)
      return .item
    case .ignored: return .ignored
    case .refused(let faults): return .refused(faults)
    }
  }
}

/// The same when the item was put where it is kept.
public enum ReadOutcome {
  case item
  case ignored
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

/// What a transaction publishes when, and only when, it commits.
public final class Outbox {
  private let writer: OutboxWriter
  /// When the transaction's business time is.
  private let now: Instant
  /// What could not be sent; the transaction is not committed then.
  private var fault: OutboxFault?

  init(_ writer: OutboxWriter, now: Instant) {
    self.writer = writer
    self.now = now
  }

  public func send(_ message: OutgoingMessage) {
    do { try writer.add(message) } catch { fault = fault ?? error }
  }

  /// The same for a state that has a version: its id is the key and the version, and `write` puts the value where it is sent from.
  public func send(
    topic: String, key: UnsafeRawBufferPointer, version: Int64, type: String, traceParent: String = "", write: (inout JSONWriter) -> Void
  ) {
    do { try writer.add(topic: topic, key: key, version: version, type: type, time: now, traceParent: traceParent, write: write) } catch {
      fault = fault ?? error
    }
  }

  func finish() throws(OutboxFault) -> (rows: [OutboxRow], lanes: LaneTable) {
    if let fault { throw fault }
    return writer.finish()
  }
}

/// One transaction, as a handler sees it.
public struct LaneScope<Session>: ~Copyable {
  public let session: Session
  public let now: Instant
  public let outbox: Outbox
  /// The lane that publishes what is sent.
  public let lane: String

  init(session: Session, now: Instant, outbox: OutboxWriter, lane: String) {
    self.session = session
    self.now = now
    self.lane = lane
    self.outbox = Outbox(outbox, now: now)
  }

  public func send(_ message: OutgoingMessage) { outbox.send(message) }
}

/// A transaction on PostgreSQL.
public typealias BatchScope = LaneScope<PostgresSession>

/// The same batch must be done again from the start: another transaction changed what was read.
public protocol RetryableConflict: Error {}

/// What a handler keeps between the batches of one lane, so as not to read it again. It holds only what can be had from the tables.
public protocol KeptState {
  init()
  /// The transaction that was worked on last is committed: what was noted during it stands.
  mutating func committed()
  /// It is not, or nobody knows: everything noted is forgotten, and the next try trusts nothing it has not read.
  mutating func forget()
}

/// For handlers that keep nothing.
public struct NothingKept: KeptState {
  public init() {}
  public mutating func committed() {}
  public mutating func forget() {}
}

/// A use case behind a topic. `read` runs outside the transaction, `apply` inside it; both on the partition's own thread, and both must give the
/// same result when the same records come again.
public protocol RecordHandler: Sendable {
  associatedtype Item: Sendable
  /// What it keeps its state in: PostgreSQL, or a simulation of it.
  associatedtype Session = PostgresSession
  associatedtype Kept: KeptState = NothingKept
  /// The name that positions, the group and parked topics carry: the service's.
  var consumer: String { get }
  /// Whether records carry lane numbers: true for the suite's own topics, false for public inputs.
  var hasLanes: Bool { get }
  /// Refused records, as a share of a batch, above which the partition stops instead of emptying the topic into quarantine; nil: never.
  var stormShareMax: Double? { get }
  /// The source a refused record is filed under.
  func source(of record: borrowing BorrowedRecord) -> String
  func read(_ record: borrowing BorrowedRecord, topic: String) -> Reading<Item>
  /// The same for items that say where their texts lie instead of copying them: the value begins at `place` of the bytes that `apply` is lent with
  /// all records of the batch.
  func read(_ record: borrowing BorrowedRecord, topic: String, place: Int) -> Reading<Item>
  /// The same, appending the item to those of its batch: a handler that many records pass through does so itself, where the kind of item is known.
  func read(_ record: borrowing BorrowedRecord, topic: String, place: Int, into items: inout [Item]) -> ReadOutcome
  func apply(_ items: [Item], _ kept: inout Kept, _ scope: inout LaneScope<Session>) throws -> [Refusal]
  func apply(_ items: [Item], _ bytes: UnsafeRawBufferPointer, _ kept: inout Kept, _ scope: inout LaneScope<Session>) throws -> [Refusal]
}

extension RecordHandler {
  public var stormShareMax: Double? { hasLanes ? 0.05 : nil }
  public func source(of record: borrowing BorrowedRecord) -> String { "" }
  public func read(_ record: borrowing BorrowedRecord, topic: String, place: Int) -> Reading<Item> { read(record, topic: topic) }
  public func read(_ record: borrowing BorrowedRecord, topic: String, place: Int, into items: inout [Item]) -> ReadOutcome {
    read(record, topic: topic, place: place).put(into: &items)
  }
  public func apply(_ items: [Item], _ bytes: UnsafeRawBufferPointer, _ kept: inout Kept, _ scope: inout LaneScope<Session>) throws -> [Refusal] {
    try apply(items, &kept, &scope)
  }
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
