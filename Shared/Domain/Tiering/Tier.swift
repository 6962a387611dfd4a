// Tiers are configuration (T-04): how many there are, what they are called and which is higher.

/// A tier's identifier in files, tables and messages: `vip`, `key`, `normal`, `watch`.
public struct TierID: Hashable, Sendable, CustomStringConvertible {
  public let text: String

  public static let bytesMax = 32

  /// nil unless small letters, digits and hyphens, at most ``bytesMax``.
  public init?(_ text: String) {
    guard isSlug(text, bytesMax: TierID.bytesMax) else { return nil }
    self.text = text
  }

  public var description: String { text }
}

public struct Tier: Hashable, Sendable {
  public let id: TierID
  public let name: LocalizedName
  /// Months from one review to the next: a quarter for VIP, half a year for the others (T-06).
  public let reviewMonths: Int

  public init(id: TierID, name: LocalizedName, reviewMonths: Int) {
    self.id = id
    self.name = name
    self.reviewMonths = reviewMonths
  }

  public static let reviewMonthsMax = 24
}

/// The tiers of a business, highest first. Never empty.
public struct TierLadder: Hashable, Sendable {
  public let tiers: [Tier]

  public static let tiersCountMax = 16

  public init(_ tiers: [Tier]) throws(ConfigurationFaults) {
    var faults: [ConfigurationFault] = []
    if tiers.count < 2 || tiers.count > TierLadder.tiersCountMax {
      faults.append(
        ConfigurationFault(path: "tiers", problem: "2 to \(TierLadder.tiersCountMax) tiers are needed, there are \(tiers.count)"))
    }
    for (rank, tier) in tiers.enumerated() {
      if let first = tiers.firstIndex(where: { $0.id == tier.id }), first < rank {
        faults.append(ConfigurationFault(path: "tiers[\(rank)].id", problem: "`\(tier.id)` is listed already at tiers[\(first)]"))
      }
      if tier.name.en.isEmpty { faults.append(ConfigurationFault(path: "tiers[\(rank)].name.en", problem: "a name is needed")) }
      if tier.name.zh.isEmpty { faults.append(ConfigurationFault(path: "tiers[\(rank)].name.zh", problem: "a name is needed")) }
      if !(1...Tier.reviewMonthsMax).contains(tier.reviewMonths) {
        let problem = "reviews come every 1 to \(Tier.reviewMonthsMax) months, not \(tier.reviewMonths)"
        faults.append(ConfigurationFault(path: "tiers[\(rank)].review_months", problem: problem))
      }
    }
    guard faults.isEmpty else { throw ConfigurationFaults(faults) }
    self.tiers = tiers
  }

  /// A tier by its place from the top; places below the lowest mean the lowest, above the highest the highest.
  public func tier(atRank rank: Int) -> Tier { tiers[min(max(rank, 0), tiers.count - 1)] }

  public var lowest: Tier { tier(atRank: tiers.count - 1) }

  /// 0 for the highest; nil for a tier that is no longer configured.
  public func rank(of id: TierID) -> Int? { tiers.firstIndex { $0.id == id } }

  public subscript(id: TierID) -> Tier? { tiers.first { $0.id == id } }
}
