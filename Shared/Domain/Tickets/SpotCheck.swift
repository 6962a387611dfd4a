// The spot check of a month's service records (K-11): which are drawn, and what came of it. Pure: the seed is an argument.

/// Draws a share of each stratum. The same seed draws the same records of the same, in whatever order they come.
public struct SpotDraw: Sendable {
  /// Of every stratum, rounded up.
  public static let percent = 10

  private let seed: UInt64
  /// nil: the tier is not known.
  private var strata: [TierID?: [(rank: UInt64, ticket: TicketID)]] = [:]

  public init(seed: UInt64) { self.seed = seed }

  public mutating func add(_ ticket: TicketID, _ tier: TierID?) {
    strata[tier, default: []].append((SpotDraw.rank(ticket, seed), ticket))
  }

  /// What is drawn of one stratum.
  public struct Stratum: Hashable, Sendable {
    public let tier: TierID?
    public let population: Int
    public let drawn: [TicketID]
  }

  /// By name of the tier, an unknown one last; tickets by number.
  public var result: [Stratum] {
    let ordered = strata.keys.sorted { ($0 == nil ? 1 : 0, $0?.text ?? "") < ($1 == nil ? 1 : 0, $1?.text ?? "") }
    return ordered.map { tier in
      let tickets = (strata[tier] ?? []).sorted { $0 < $1 }
      let count = (tickets.count * SpotDraw.percent + 99) / 100
      return Stratum(tier: tier, population: tickets.count, drawn: tickets.prefix(count).map(\.ticket).sorted())
    }
  }

  /// A number that nobody can tell before the seed is drawn; every ticket's is as likely to be small.
  private static func rank(_ ticket: TicketID, _ seed: UInt64) -> UInt64 { mixed(mixed(UInt64(bitPattern: ticket.number)) ^ seed) }

  /// Every bit of the number takes part in every bit of the result (the last step of SplitMix64).
  private static func mixed(_ number: UInt64) -> UInt64 {
    var mixed = number &+ 0x9E37_79B9_7F4A_7C15
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }
}

/// How one point of the checklist was found.
public enum SpotMark: String, Hashable, Sendable, CaseIterable {
  case pass, fail
  /// There was nothing to find.
  case none = "not_applicable"
}

/// Why a record is not marked.
public enum SpotRefusal: Error, Hashable, Sendable {
  /// Every point of the checklist has a mark.
  case missing(String)
  case unknown(String)
  /// With nothing to find there is no result.
  case nothingFound
  /// Nobody judges their own work.
  case ownWork
}

public struct SpotResult: Hashable, Sendable {
  /// By the id of the point.
  public let marks: [String: SpotMark]
  public let note: String
  public let checker: TicketActor
  public let at: Instant

  /// Passed: nothing failed.
  public var isPassed: Bool { !marks.values.contains(.fail) }

  /// As it is stored.
  public init(stored marks: [String: SpotMark], note: String, by checker: TicketActor, at: Instant) {
    self.marks = marks
    self.note = note
    self.checker = checker
    self.at = at
  }

  public init(
    _ marks: [String: SpotMark], note: String, by checker: TicketActor, at: Instant, checklist: [DeskRules.Code], owner: String
  ) throws(SpotRefusal) {
    guard checker.name != owner else { throw .ownWork }
    if let unknown = marks.keys.filter({ id in !checklist.contains { $0.id == id } }).min() { throw .unknown(unknown) }
    if let missing = checklist.first(where: { marks[$0.id] == nil }) { throw .missing(missing.id) }
    guard marks.values.contains(where: { $0 != .none }) else { throw .nothingFound }
    self.init(stored: marks, note: note, by: checker, at: at)
  }
}
