// What customers of a tier may have (T-11): benefits as data that other systems can ask about.

/// A benefit's identifier in files and requests: `discount`, `green-channel`.
public struct BenefitID: Hashable, Sendable, CustomStringConvertible {
  public let text: String

  public static let bytesMax = 32

  /// nil unless small letters, digits and hyphens, at most ``bytesMax``.
  public init?(_ text: String) {
    guard isSlug(text, bytesMax: BenefitID.bytesMax) else { return nil }
    self.text = text
  }

  public var description: String { text }
}

/// What a benefit is about, so that a program can choose the ones it deals with.
public enum BenefitKind: String, Hashable, Sendable, CaseIterable {
  /// Who looks after the customer.
  case contact
  /// What is done for the customer.
  case service
  /// Who calls on the customer.
  case care
  /// What the customer gets into.
  case access
  /// What the customer is told.
  case information
  /// Percent off the price.
  case discount
}

/// What a benefit's limit counts. Whatever is asked for within the limit is granted.
public enum BenefitUnit: String, Hashable, Sendable, CaseIterable {
  case percent
  /// Of experience.
  case years
  case timesAYear = "times_a_year"
}

public struct Benefit: Hashable, Sendable {
  public let id: BenefitID
  public let kind: BenefitKind
  public let name: LocalizedName
  /// nil: a customer has it or has it not.
  public let unit: BenefitUnit?
  /// Whether a customer's price is another because of it: such benefits are marked wherever they are shown (S-07).
  public let touchesPrice: Bool
  /// What it costs for one customer in a year, in units of the base currency; where the limit counts times a year, for one time. nil: not stated.
  public let cost: Rational?
  /// Minutes of service that go with it, likewise.
  public let minutes: Rational?

  public init(
    id: BenefitID, kind: BenefitKind, name: LocalizedName, unit: BenefitUnit?, touchesPrice: Bool, cost: Rational? = nil, minutes: Rational? = nil
  ) {
    self.id = id
    self.kind = kind
    self.name = name
    self.unit = unit
    self.touchesPrice = touchesPrice
    self.cost = cost
    self.minutes = minutes
  }
}

/// A benefit as a tier has it.
public struct BenefitGrant: Hashable, Sendable {
  public let benefit: Benefit
  /// In the benefit's unit; nil where it has none.
  public let limit: Rational?

  public init(benefit: Benefit, limit: Rational?) {
    self.benefit = benefit
    self.limit = limit
  }
}

/// All benefits, and which tier has which.
public struct BenefitCatalogue: Hashable, Sendable {
  public let version: Int
  public let author: String
  /// In the file's order.
  public let benefits: [Benefit]
  private let grantsByTier: [TierID: [BenefitGrant]]

  public static let benefitsCountMax = 200
  /// The largest limit that does not count percent.
  public static let limitMax = Rational(1_000_000)
  public static let limitFractionDigitsMax = 4
  private static let limitDenominator: Int128 = 10_000
  /// Of a year, unless the file says otherwise: a day's load is a year's divided by them.
  public static let workingDaysDefault = 250
  /// Days of a year on which customers are served.
  public let workingDays: Int

  /// - Parameter grants: of each tier of the ladder, highest first, in the order in which they are shown.
  public init(
    version: Int, author: String, workingDays: Int = BenefitCatalogue.workingDaysDefault, benefits: [Benefit], ladder: TierLadder,
    grants: [[BenefitGrant]]
  ) throws(ConfigurationFaults) {
    var faults = BenefitCatalogue.faults(benefits)
    if grants.count != ladder.tiers.count {
      let problem = "each of the \(ladder.tiers.count) tiers needs its benefits, there are \(grants.count)"
      faults.append(ConfigurationFault(path: "tiers", problem: problem))
    }
    for (tier, grants) in zip(ladder.tiers, grants) { faults += grants.compactMap { BenefitCatalogue.fault($0, tier.id, among: benefits) } }
    let granted = Set(grants.joined().map(\.benefit.id))
    for (place, benefit) in benefits.enumerated() where !granted.contains(benefit.id) {
      faults.append(ConfigurationFault(path: "catalogue[\(place)]", problem: "no tier has `\(benefit.id)`: give it to one, or leave it out"))
    }
    guard faults.isEmpty else { throw ConfigurationFaults(faults) }
    self.version = version
    self.author = author
    self.workingDays = workingDays
    self.benefits = benefits
    grantsByTier = Dictionary(zip(ladder.tiers.map(\.id), grants)) { first, _ in first }
  }

  private static func faults(_ benefits: [Benefit]) -> [ConfigurationFault] {
    var faults: [ConfigurationFault] = []
    if !(1...benefitsCountMax).contains(benefits.count) {
      let problem = "1 to \(benefitsCountMax) benefits are possible, there are \(benefits.count)"
      faults.append(ConfigurationFault(path: "catalogue", problem: problem))
    }
    for (place, benefit) in benefits.enumerated() {
      let path = "catalogue[\(place)]"
      if let first = benefits.firstIndex(where: { $0.id == benefit.id }), first < place {
        faults.append(ConfigurationFault(path: "\(path).id", problem: "`\(benefit.id)` is listed already at catalogue[\(first)]"))
      }
      for (key, figure) in [("cost", benefit.cost), ("minutes", benefit.minutes)] {
        guard let figure, figure.isNegative || figure > limitMax || !isShownWhole(figure) else { continue }
        let problem = "from 0 to \(limitMax) with at most \(limitFractionDigitsMax) decimals, not \(figure)"
        faults.append(ConfigurationFault(path: "\(path).\(key)", problem: problem))
      }
      guard benefit.kind == .discount else { continue }
      if benefit.cost != nil {
        faults.append(ConfigurationFault(path: "\(path).cost", problem: "a discount costs what it takes off the price: leave this out"))
      }
      if benefit.unit != .percent {
        faults.append(ConfigurationFault(path: "\(path).limit", problem: "a discount has the limit `percent`: without one it would have no end"))
      }
      if !benefit.touchesPrice {
        faults.append(ConfigurationFault(path: "\(path).touches_price", problem: "a discount touches the price: this must be `true`"))
      }
    }
    return faults
  }

  private static func fault(_ grant: BenefitGrant, _ tier: TierID, among benefits: [Benefit]) -> ConfigurationFault? {
    let path = "tiers.\(tier).\(grant.benefit.id)"
    func fault(_ problem: String) -> ConfigurationFault { ConfigurationFault(path: path, problem: problem) }
    guard benefits.contains(grant.benefit) else { return fault("`\(grant.benefit.id)` is not in the catalogue") }
    switch (grant.benefit.unit, grant.limit) {
    case (nil, nil): return nil
    case (nil, _?): return fault("`\(grant.benefit.id)` has no limit in the catalogue: `true` is needed here")
    case (let unit?, nil): return fault("a limit is needed here, in \(unit.rawValue): the catalogue says that it has one")
    case (let unit?, let limit?):
      let most = unit == .percent ? Rational.oneHundred : limitMax
      guard limit > .zero, limit <= most else {
        return fault("a limit is above 0 and at most \(most), not \(limit); a tier without the benefit leaves the line out")
      }
      return isShownWhole(limit) ? nil : fault("at most \(limitFractionDigitsMax) decimals are possible, not \(limit)")
    }
  }

  /// Whether a number has no more decimals than are shown of it: nobody reads "10 is beyond 10".
  public static func isShownWhole(_ value: Rational) -> Bool { limitDenominator % value.denominator == 0 }

  public subscript(id: BenefitID) -> Benefit? { benefits.first { $0.id == id } }

  /// What customers of a tier have, in the file's order; nil for a tier that is not configured (any longer).
  public func grants(of tier: TierID) -> [BenefitGrant]? { grantsByTier[tier] }

  /// What the benefits of a tier cost in a year, in units of the base currency, and the minutes of service that go with them: at most, as every
  /// customer may have all of them. nil for a tier that is not configured.
  ///
  /// - Parameter spend: net spend of these customers in a year, in units of the base currency; what a discount is taken off.
  public func yearly(of tier: TierID, customers: Int64, spend: Rational) throws(RationalFault) -> (cost: Rational, minutes: Rational)? {
    guard let grants = grants(of: tier) else { return nil }
    var (cost, minutes) = (Rational.zero, Rational.zero)
    let heads = Rational(customers)
    for grant in grants {
      let benefit = grant.benefit
      if benefit.kind == .discount, let percent = grant.limit {
        cost = try cost + (try (try spend * percent) / .oneHundred)
      }
      let times = benefit.unit == .timesAYear ? grant.limit ?? .one : .one
      if let each = benefit.cost { cost = try cost + (try (try each * times) * heads) }
      if let each = benefit.minutes { minutes = try minutes + (try (try each * times) * heads) }
    }
    return (cost, minutes)
  }

  /// Whether a customer of this tier may have this benefit, to the extent of `value` when one is given.
  ///
  /// - Parameters:
  ///   - tier: nil for a customer who has no rating in force.
  ///   - value: in the benefit's unit; nil asks whether the customer has it at all.
  public func decide(_ benefit: Benefit, value: Rational?, tier: TierID?) -> EntitlementDecision {
    guard let tier else { return EntitlementDecision(reason: .notRated, grant: nil) }
    guard let grants = grants(of: tier) else { return EntitlementDecision(reason: .tierNotConfigured, grant: nil) }
    guard let grant = grants.first(where: { $0.benefit == benefit }) else { return EntitlementDecision(reason: .notInTier, grant: nil) }
    guard let value, let limit = grant.limit else { return EntitlementDecision(reason: .granted, grant: grant) }
    return EntitlementDecision(reason: value <= limit ? .withinLimit : .aboveLimit, grant: grant)
  }
}

/// Why a customer may have a benefit, or may not.
public enum EntitlementReason: String, Hashable, Sendable, CaseIterable {
  case granted
  case withinLimit = "within_limit"
  case aboveLimit = "above_limit"
  case notInTier = "not_in_tier"
  case notRated = "not_rated"
  case tierNotConfigured = "tier_not_configured"

  public var isYes: Bool { self == .granted || self == .withinLimit }
}

/// The answer to "may this customer have ...".
public struct EntitlementDecision: Hashable, Sendable {
  public let reason: EntitlementReason
  /// What the customer's tier grants; nil when it does not grant the benefit at all.
  public let grant: BenefitGrant?

  public var isAllowed: Bool { reason.isYes }
}
