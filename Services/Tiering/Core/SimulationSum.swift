// What a simulation comes to for the business: moves, revenue, agreement, cost of benefits, load of service, and whether the right ones are found (T-10).
public import Domain

/// Customers known to be worth most, by whoever knows them: what a scorecard finds is compared with them.
public struct LabelledCustomers: Sendable {
  private let customers: Set<CustomerID>
  private let members: Set<String>
  /// The tiers that mean "worth most".
  public let tiers: Set<TierID>

  /// Names of one list.
  public static let countMax = 200_000

  /// - Parameter names: customer ids of 16 hexadecimal digits, or member ids.
  public init(_ names: [String], tiers: Set<TierID>) {
    customers = Set(names.compactMap { CustomerID($0) })
    members = Set(names.filter { CustomerID($0) == nil })
    self.tiers = tiers
  }

  public var count: Int { customers.count + members.count }

  func contains(_ customer: CustomerID, _ member: String?) -> Bool {
    customers.contains(customer) || (member.map { members.contains($0) } ?? false)
  }
}

/// Customers of one tier today and of one then.
public struct SimulationCell: Hashable, Sendable {
  public var customers: Int64 = 0
  /// Net spend of 12 months, minor units of the base currency.
  public var revenue: Int128 = 0
  /// The same without customers to whom more was paid back: what a discount is taken off.
  public var spend: Int128 = 0

  public init() {}

  public static func += (sum: inout SimulationCell, other: SimulationCell) {
    sum.customers += other.customers
    sum.revenue += other.revenue
    sum.spend += other.spend
  }
}

/// How well the labelled customers are found.
public struct Recognition: Hashable, Sendable {
  /// Customers in the tiers that mean "worth most".
  public var recognised: Int64 = 0
  /// Of them, those on the list.
  public var hits: Int64 = 0
  /// Of the list, those who are customers with a rating.
  public var known: Int64 = 0

  /// Percent of the recognised that are on the list; nil when nobody is recognised.
  public var precision: Rational? { recognised == 0 ? nil : Rational(Int128(hits) * 100, over: Int128(recognised)) }
  /// Percent of the list that is recognised; nil when nobody on it is known.
  public var recall: Rational? { known == 0 ? nil : Rational(Int128(hits) * 100, over: Int128(known)) }
}

/// Adds customers up one by one.
public struct SimulationSum: Sendable {
  /// The ladder's tiers, highest first, then those that customers still have although they are configured no longer.
  public private(set) var tiers: [TierID]
  private let configured: Int
  private var cells: [TierPair: SimulationCell] = [:]
  public private(set) var customers: Int64 = 0
  /// Customers whose figures are beyond exact arithmetic: they keep the rating they have.
  public private(set) var unratable: Int64 = 0
  private let labelled: LabelledCustomers?
  public private(set) var recognitionNow = Recognition()
  public private(set) var recognitionThen = Recognition()

  private struct TierPair: Hashable {
    let now: TierID
    let then: TierID
  }

  public init(_ ladder: TierLadder, labelled: LabelledCustomers? = nil) {
    tiers = ladder.tiers.map(\.id)
    configured = tiers.count
    self.labelled = labelled
  }

  public mutating func add(_ rating: SimulatedRating) {
    for tier in [rating.tier, rating.tierThen] where !tiers.contains(tier) { tiers.append(tier) }
    var one = SimulationCell()
    one.customers = 1
    one.revenue = Int128(rating.monetary)
    one.spend = Int128(max(rating.monetary, 0))
    cells[TierPair(now: rating.tier, then: rating.tierThen), default: SimulationCell()] += one
    customers += 1
    if rating.isUnratable { unratable += 1 }
    guard let labelled else { return }
    let isLabelled = labelled.contains(rating.customer, rating.memberID)
    SimulationSum.judge(isLabelled, labelled.tiers.contains(rating.tier), &recognitionNow)
    SimulationSum.judge(isLabelled, labelled.tiers.contains(rating.tierThen), &recognitionThen)
  }

  private static func judge(_ isLabelled: Bool, _ isRecognised: Bool, _ recognition: inout Recognition) {
    if isLabelled { recognition.known += 1 }
    if isRecognised { recognition.recognised += 1 }
    if isLabelled, isRecognised { recognition.hits += 1 }
  }

  // MARK: - Sums

  public func cell(_ now: TierID, _ then: TierID) -> SimulationCell { cells[TierPair(now: now, then: then)] ?? SimulationCell() }

  /// All of a tier today.
  public func now(_ tier: TierID) -> SimulationCell { tiers.reduce(into: SimulationCell()) { $0 += cell(tier, $1) } }

  /// All of a tier then.
  public func then(_ tier: TierID) -> SimulationCell { tiers.reduce(into: SimulationCell()) { $0 += cell($1, tier) } }

  /// Those who would keep their tier.
  public var kept: SimulationCell { tiers.reduce(into: SimulationCell()) { $0 += cell($1, $1) } }

  public var all: SimulationCell { tiers.reduce(into: SimulationCell()) { $0 += now($1) } }

  /// Moves between configured tiers, upwards and downwards.
  public var directions: (up: Int64, down: Int64) {
    var (up, down): (Int64, Int64) = (0, 0)
    for (place, from) in tiers.prefix(configured).enumerated() {
      for (other, to) in tiers.prefix(configured).enumerated() {
        if other < place { up += cell(from, to).customers }
        if other > place { down += cell(from, to).customers }
      }
    }
    return (up, down)
  }
}
