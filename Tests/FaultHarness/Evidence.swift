// What a run left behind, as plain values: read from tables and topics, or made by hand to test the judge.

public struct PlaceKey: Hashable, Sendable, CustomStringConvertible {
  public let topic: String
  public let partition: Int32
  public let offset: Int64

  public init(topic: String, partition: Int32, offset: Int64) {
    self.topic = topic
    self.partition = partition
    self.offset = offset
  }

  public var description: String { "\(topic)/\(partition)/\(offset)" }
}

/// An order as profile stores it.
public struct StoredOrder: Sendable, Equatable {
  public var number: Int
  public var revision: Int64
  public var total: Int64
  public var isPaid: Bool
  public var payment: Int64
  public var refund: Int64
  public var isCancelled: Bool

  public init(number: Int, revision: Int64, total: Int64, isPaid: Bool, payment: Int64 = -1, refund: Int64 = -1, isCancelled: Bool = false) {
    self.number = number
    self.revision = revision
    self.total = total
    self.isPaid = isPaid
    self.payment = payment
    self.refund = refund
    self.isCancelled = isCancelled
  }
}

/// A customer in profile, and the same in tiering.
public struct StoredCustomer: Sendable, Equatable {
  public var version: Int64
  public var figures: Truth.Figures
  public var isMerged: Bool

  public init(version: Int64, figures: Truth.Figures, isMerged: Bool = false) {
    self.version = version
    self.figures = figures
    self.isMerged = isMerged
  }
}

public struct StoredPosition: Sendable {
  public var consumer: String
  public var topic: String
  public var partition: Int32
  public var next: Int64
  /// Highest numbers given out, by `topic/partition`.
  public var lanesOut: [String: Int64]

  public init(consumer: String, topic: String, partition: Int32, next: Int64, lanesOut: [String: Int64] = [:]) {
    self.consumer = consumer
    self.topic = topic
    self.partition = partition
    self.next = next
    self.lanesOut = lanesOut
  }
}

/// The counters ingest keeps by source, summed.
public struct SourceCounts: Sendable, Equatable {
  public var records: Int64 = 0
  public var accepted: Int64 = 0
  public var duplicates: Int64 = 0
  public var refused: Int64 = 0

  public init(records: Int64 = 0, accepted: Int64 = 0, duplicates: Int64 = 0, refused: Int64 = 0) {
    self.records = records
    self.accepted = accepted
    self.duplicates = duplicates
    self.refused = refused
  }
}

public struct Evidence: Sendable {
  /// The numbers of the records in the input topics' logs, by partition, in the order of their offsets.
  public var input: [String: [Int32: [Int32]]] = [:]
  /// The end of every consumed partition's log.
  public var ends: [String: [Int32: Int64]] = [:]
  public var positions: [StoredPosition] = []
  public var audits: [String: LaneAudit] = [:]
  public var ingestFacts: Int64 = 0
  public var sourceCounts = SourceCounts()
  public var waitingFacts: Int64 = 0
  public var orders: [StoredOrder] = []
  public var registrations: Int64 = 0
  public var merges: Int64 = 0
  /// The customer number of each member, by `Truth.member`.
  public var members: [String: Int64] = [:]
  public var profile: [Int64: StoredCustomer] = [:]
  public var tiering: [Int64: StoredCustomer] = [:]
  /// How often each refused record stands in ingest's quarantine.
  public var quarantine: [PlaceKey: Int] = [:]
  /// Rows of the other services' quarantines: nothing that ingest let through may be refused.
  public var laterQuarantine: Int64 = 0
  public var outboxRows: Int64 = 0
  public var openGaps: Int64 = 0
  public var stuckSessions: Int64 = 0
  public var deadlocks: Int64 = 0
  /// Customers that a rebuild from facts found different; nil: it did not come to an end.
  public var rebuildDifferences: Int64?
  /// What had not been read when the time was over; empty: all was.
  public var unread: [String] = []
  /// Partitions that stand still, with the reason.
  public var halted: [String] = []

  public init() {}
}
