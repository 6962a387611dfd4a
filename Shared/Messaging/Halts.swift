// Why a partition stands still, in kinds that `clientele doctor` can explain and an operator can settle.

/// What was found. The raw value is what `gap_log` and the API show.
public enum HaltKind: String, Sendable, CaseIterable {
  /// Numbers of a lane are missing: the brokers lost confirmed records.
  case laneGap = "lane-gap"
  /// The log begins after the position: retention removed records that were not read.
  case removed
  /// The log ends before the position: the topic was created anew, or lost its tail.
  case endsEarly = "ends-early"
  /// The record before the position is not the one that was applied: the topic was created anew, or its history was changed.
  case anotherRecord = "another-record"
  /// The brokers name another cluster than the one the position belongs to.
  case anotherCluster = "another-cluster"
  /// Too large a share of a batch was refused.
  case storm
  /// Bytes arrive damaged, again and again, at the same place.
  case damagedRecords = "damaged-records"

  /// Whether only an operator's word ends it. The others end by themselves when the log is again the one that was read.
  var needsWord: Bool {
    switch self {
    case .laneGap, .storm, .damagedRecords: true
    case .removed, .endsEarly, .anotherRecord, .anotherCluster: false
    }
  }

  static var needingWord: [String] { allCases.filter(\.needsWord).map(\.rawValue) }
}

/// What is missing or in doubt: offsets of the partition, or numbers of a lane.
public struct Missing: Sendable, Equatable {
  public let kind: HaltKind
  public let lane: String?
  public let from: Int64
  public let to: Int64

  public init(_ kind: HaltKind, lane: String? = nil, from: Int64, to: Int64) {
    self.kind = kind
    self.lane = lane
    self.from = from
    self.to = to
  }
}

/// Why a lane stands still until a person has looked. With `missing`, it is on record in `gap_log` and goes on once that is accepted.
public struct Halt: Error, Sendable, CustomStringConvertible {
  public let reason: String
  public let missing: Missing?

  public init(reason: String, missing: Missing? = nil) {
    self.reason = reason
    self.missing = missing
  }

  public var description: String { "\(reason); see `clientele doctor`" }
}
