// The port through which ingest sees its tables. Synchronous: it runs inside one transaction, on its thread.
public import Domain
import Handling
public import Hashing

/// What is kept of the first fact with a key (I-06).
public struct StoredFact: Hashable, Sendable {
  public var key: Digest128
  public var digest: Int64
  public var receivedAt: Instant
  public var place: InputPlace

  public init(key: Digest128, digest: Int64, receivedAt: Instant, place: InputPlace) {
    self.key = key
    self.digest = digest
    self.receivedAt = receivedAt
    self.place = place
  }
}

/// An order and the identifiers it came with first; none while facts wait for it.
public struct OrderHome: Hashable, Sendable {
  public var key: Digest128
  public var home: [Identifier]

  public init(key: Digest128, home: [Identifier]) {
    self.key = key
    self.home = home
  }
}

/// A fact of an order whose customer is not known yet.
public struct WaitingFact: Hashable, Sendable {
  public var orderKey: Digest128
  public var event: OrderEvent
  public var traceParent: String

  public init(orderKey: Digest128, event: OrderEvent, traceParent: String) {
    self.orderKey = orderKey
    self.event = event
    self.traceParent = traceParent
  }
}

/// What became of the records of an import: one row of counts.
public struct ImportCount: Hashable, Sendable {
  public enum Outcome: String, Hashable, Sendable, CaseIterable {
    case accepted, duplicate, skipped, quarantined
  }
  public struct Key: Hashable, Sendable {
    public var importID: String
    public var outcome: Outcome
    /// Of skipped and quarantined records the first reason; else empty.
    public var reason: String
  }
  public var key: Key
  public var records: Int64
  public var lines: Int64
}

/// Records of a source by day of arrival (I-07).
public struct SourceCount: Hashable, Sendable {
  public var source: String
  public var records: Int64 = 0
  public var accepted: Int64 = 0
  public var duplicates: Int64 = 0
  public var refused: Int64 = 0
}

/// All that one batch changes, sorted by key, each row once.
public struct IngestChanges: Sendable {
  public var facts: [StoredFact] = []
  /// Orders that were not known; placeholders among them have no home.
  public var newOrders: [OrderHome] = []
  /// Placeholders whose order has come.
  public var foundOrders: [OrderHome] = []
  public var waiting: [WaitingFact] = []
  public var imports: [ImportCount] = []
  public var sources: [SourceCount] = []
  /// By source and stream.
  public var quality: [QualityCount] = []
  public var lane = ""
  public var day = Day(number: 0)
  public var now = Instant(microseconds: 0)
}

/// Another partition took a key that this batch found free: do the batch again, it will see what came of it.
public struct KeysTaken: Error, Sendable {
  public init() {}
}

public protocol IngestStore {
  /// The stored facts among these keys, in any order, and the known ones of these orders, each of which is locked until the transaction ends.
  mutating func load(facts keys: [Digest128], orders: [Digest128]) throws -> (facts: [StoredFact], orders: [OrderHome])
  /// Removes and returns the facts that wait for these orders, oldest first.
  mutating func takeWaiting(_ keys: [Digest128]) throws -> [WaitingFact]
  /// Writes everything. Throws ``KeysTaken``, or fails as a transaction that must be done again, here or with the commit, when another transaction
  /// inserted one of the new keys first.
  mutating func write(_ changes: IngestChanges) throws
}
