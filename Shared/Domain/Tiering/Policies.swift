// From a score, a place among all customers, or a year's spend to a tier (T-04). Pure: the same input gives the same tier.

/// Which policy decided; kept with every rating.
public struct PolicyReference: Hashable, Sendable, CustomStringConvertible {
  public let name: String
  public let version: Int

  public init(name: String, version: Int) {
    self.name = name
    self.version = version
  }

  /// `score v1`
  public var description: String { "\(name) v\(version)" }
}

/// The higher the score, the higher the tier.
public struct ScorePolicy: Hashable, Sendable {
  /// What a threshold is compared with.
  public enum Basis: Hashable, Sendable {
    /// The whole number people see: 89.5 is rounded to 90 and reaches 90.
    case rounded
    /// The exact score, as frozen quota borders need it.
    case exact
  }

  public let reference: PolicyReference
  public let ladder: TierLadder
  public let basis: Basis
  /// The least score of each tier but the lowest, highest tier first; nil for a tier that takes nobody.
  public let thresholds: [Rational?]

  /// Every tier but the lowest needs a threshold; they must descend and lie within 0 to 100.
  public init(reference: PolicyReference, ladder: TierLadder, thresholds: [Rational]) throws(ConfigurationFaults) {
    let faults = thresholdFaults(thresholds, ladder: ladder, at: "score.at_least", most: .oneHundred)
    guard faults.isEmpty else { throw ConfigurationFaults(faults) }
    self.init(reference: reference, ladder: ladder, basis: .rounded, checked: thresholds)
  }

  init(reference: PolicyReference, ladder: TierLadder, basis: Basis, checked thresholds: [Rational?]) {
    self.reference = reference
    self.ladder = ladder
    self.basis = basis
    self.thresholds = thresholds
  }

  public func assign(_ score: Score) -> Tier {
    ladder.tier(atRank: rank(basis == .rounded ? Rational(score.rounded) : score.exact))
  }

  /// The tier of an exact score.
  public func assign(exact score: Rational) -> Tier {
    ladder.tier(atRank: rank(basis == .rounded ? Rational(Int(clamping: score.roundedHalfUp)) : score))
  }

  public func assignAll(_ scores: [Score]) -> [Tier] { scores.map(assign) }

  /// The place in the ladder that a compiled scorecard gives these values, 0 for the highest: the tier ``assign(_:)`` gives their score.
  public func rank(of values: IndicatorValues, by scorecard: CompiledScorecard) throws(ScoringFault) -> Int {
    rank(basis == .rounded ? Rational(try scorecard.rounded(values)) : try scorecard.exact(values))
  }

  private func rank(_ value: Rational) -> Int {
    for (rank, threshold) in thresholds.enumerated() {
      if let threshold, value >= threshold { return rank }
    }
    return ladder.tiers.count - 1
  }

  /// The least exact score that reaches a tier: half a point below a whole threshold where scores are rounded.
  /// Zero for the lowest tier, nil for one that takes nobody.
  public func leastExactScore(forRank rank: Int) throws(RationalFault) -> Rational? {
    guard rank < ladder.tiers.count - 1 else { return .zero }
    guard rank >= 0, let threshold = thresholds[rank] else { return nil }
    switch basis {
    case .exact: return threshold
    case .rounded: return max(.zero, try Rational(Int(clamping: threshold.ceiling)) - .oneHalf)
    }
  }
}

/// Fixed shares of all customers: the best 10 % are the highest tier, the next 20 % the one below, and so on.
public struct QuotaPolicy: Hashable, Sendable {
  public let reference: PolicyReference
  public let ladder: TierLadder
  /// One share per tier, highest first, in percent; they sum to 100.
  public let percents: [Rational]

  public init(reference: PolicyReference, ladder: TierLadder, percents: [Rational]) throws(ConfigurationFaults) {
    var faults: [ConfigurationFault] = []
    if percents.count != ladder.tiers.count {
      let problem = "each of the \(ladder.tiers.count) tiers needs a share, there are \(percents.count)"
      faults.append(ConfigurationFault(path: "quota.percent", problem: problem))
    }
    for (rank, percent) in percents.enumerated()
    where percent.isNegative || percent > .oneHundred || percent.denominator > Curve.numberDenominatorMax {
      faults.append(ConfigurationFault(path: "quota.percent[\(rank)]", problem: "a share lies between 0 and 100 %, not \(percent)"))
    }
    if faults.isEmpty {
      var sum: Rational? = .zero
      for percent in percents { sum = sum.flatMap { try? $0 + percent } }
      if sum != .oneHundred {
        faults.append(
          ConfigurationFault(path: "quota.percent", problem: "the shares must sum to 100 %, they sum to \(sum?.shortText ?? "too much")"))
      }
    }
    guard faults.isEmpty else { throw ConfigurationFaults(faults) }
    self.reference = reference
    self.ladder = ladder
    self.percents = percents
  }

  /// The borders these shares draw through a population: a policy by exact score that can then be asked for one customer.
  ///
  /// A tier takes a customer while the share of customers *strictly above* is below the tier's upper border. So customers with
  /// the same score stay together in the higher tier, and a border that falls inside one customer does the same.
  /// A customer without a score is in the lowest tier and does not count towards the shares.
  public func frozen(over scores: [Rational?]) -> ScorePolicy {
    let ranked = scores.compactMap { $0 }.sorted(by: >)
    var thresholds: [Rational?] = Array(repeating: nil, count: ladder.tiers.count - 1)
    var border = Rational.zero
    var above = 0
    for rank in thresholds.indices {
      guard let next = try? border + percents[rank] else { break }
      border = next
      // The last group of equals that starts above the border: its score is the tier's least.
      var least: Rational?
      while above < ranked.count, isAbove(above, of: ranked.count, border: border) {
        let score = ranked[above]
        least = score
        above = firstIndex(after: above, below: score, in: ranked)
      }
      thresholds[rank] = least
    }
    return ScorePolicy(reference: reference, ladder: ladder, basis: .exact, checked: thresholds)
  }

  /// Borders that were drawn before.
  public func frozen(at thresholds: [Rational?]) -> ScorePolicy {
    ScorePolicy(reference: reference, ladder: ladder, basis: .exact, checked: thresholds)
  }

  /// The rounded scores in which a border falls: the last ones that begin above it. Of all other customers it is enough to know how many there are.
  ///
  /// - Parameter counts: customers by their score rounded half up.
  public func openScores(_ counts: [Int: Int]) -> Set<Int> {
    let total = counts.values.reduce(0, +)
    var open: Set<Int> = []
    for border in borders {
      var (above, last): (Int, Int?) = (0, nil)
      for (score, count) in counts.sorted(by: { $0.key > $1.key }) where count > 0 {
        guard isAbove(above, of: total, border: border) else { break }
        last = score
        above += count
      }
      if let last { open.insert(last) }
    }
    return open
  }

  /// The same borders as ``frozen(over:)`` of the whole population draws.
  ///
  /// - Parameter exact: of every score of ``openScores(_:)`` its customers by their exact score.
  public func frozen(counts: [Int: Int], exact: [Int: [Rational: Int]]) -> ScorePolicy {
    let total = counts.values.reduce(0, +)
    // Groups of equals, best first; of a score that is not open one group stands for all.
    var groups: [(score: Rational, count: Int)] = []
    for (score, count) in counts.sorted(by: { $0.key > $1.key }) where count > 0 {
      if let parts = exact[score] {
        groups += parts.sorted { $0.key > $1.key }.map { ($0.key, $0.value) }
      } else {
        groups.append((Rational(score), count))
      }
    }
    var thresholds: [Rational?] = Array(repeating: nil, count: ladder.tiers.count - 1)
    var (place, above) = (0, 0)
    for (rank, border) in borders.enumerated() {
      var least: Rational?
      while place < groups.count, isAbove(above, of: total, border: border) {
        least = groups[place].score
        above += groups[place].count
        place += 1
      }
      thresholds[rank] = least
    }
    return frozen(at: thresholds)
  }

  /// Where the tiers but the lowest end, in percent from the top.
  private var borders: [Rational] {
    var border = Rational.zero
    return percents.dropLast().compactMap { percent in
      guard let next = try? border + percent else { return nil }
      border = next
      return next
    }
  }

  /// One tier per customer, in the population's order.
  public func assignAll(_ scores: [Rational?]) -> [Tier] {
    let borders = frozen(over: scores)
    return scores.map { $0.map(borders.assign(exact:)) ?? ladder.lowest }
  }

  private func isAbove(_ count: Int, of total: Int, border: Rational) -> Bool {
    guard let share = Rational(Int128(count) * 100, over: Int128(total)) else { return false }
    return share < border
  }

  /// The first place after `start` that holds less than `score`, by bisection: groups of equals may be long.
  private func firstIndex(after start: Int, below score: Rational, in ranked: [Rational]) -> Int {
    var low = start + 1
    var high = ranked.count
    while low < high {
      let middle = low + (high - low) / 2
      if ranked[middle] < score { high = middle } else { low = middle + 1 }
    }
    return low
  }
}

/// By net spend of the trailing 12 months; without any interaction for some months the lowest tier, whatever was spent.
public struct SpendPolicy: Hashable, Sendable {
  public let reference: PolicyReference
  public let ladder: TierLadder
  /// The least yearly spend of each tier but the lowest, in units of the base currency, highest tier first.
  public let thresholds: [Rational]
  /// From this many months without interaction on, a customer is in the lowest tier.
  public let quietMonthsMax: Int

  public init(reference: PolicyReference, ladder: TierLadder, thresholds: [Rational], quietMonthsMax: Int) throws(ConfigurationFaults) {
    var faults = thresholdFaults(thresholds, ladder: ladder, at: "spend.at_least", most: Curve.numberMagnitudeMax)
    if !(1...120).contains(quietMonthsMax) {
      faults.append(ConfigurationFault(path: "spend.quiet_months", problem: "1 to 120 months, not \(quietMonthsMax)"))
    }
    guard faults.isEmpty else { throw ConfigurationFaults(faults) }
    self.reference = reference
    self.ladder = ladder
    self.thresholds = thresholds
    self.quietMonthsMax = quietMonthsMax
  }

  /// `spend` in units of the base currency; `lastInteraction` nil when there never was one.
  public func assign(spend: Rational, lastInteraction: Day?, on day: Day) -> Tier {
    guard !isQuiet(lastInteraction: lastInteraction, on: day) else { return ladder.lowest }
    return ladder.tier(atRank: thresholds.firstIndex { spend >= $0 } ?? thresholds.count)
  }

  public func assignAll(_ population: [(spend: Rational, lastInteraction: Day?)], on day: Day) -> [Tier] {
    population.map { assign(spend: $0.spend, lastInteraction: $0.lastInteraction, on: day) }
  }

  /// Nothing within the days d with `day` minus the months < d <= `day`: the window is cut as in P-07.
  public func isQuiet(lastInteraction: Day?, on day: Day) -> Bool {
    guard let lastInteraction else { return true }
    return lastInteraction <= day.adding(months: -quietMonthsMax)
  }
}

/// The policy in force.
public enum TierPolicy: Hashable, Sendable {
  case score(ScorePolicy)
  case quota(QuotaPolicy)
  case spend(SpendPolicy)

  public var reference: PolicyReference {
    switch self {
    case .score(let policy): policy.reference
    case .quota(let policy): policy.reference
    case .spend(let policy): policy.reference
    }
  }

  public var ladder: TierLadder {
    switch self {
    case .score(let policy): policy.ladder
    case .quota(let policy): policy.ladder
    case .spend(let policy): policy.ladder
    }
  }
}

/// What a policies file holds: the tiers, the policies over them, and which one is in force.
public struct TierConfiguration: Hashable, Sendable {
  public enum Kind: String, Hashable, Sendable, CaseIterable {
    case score, quota, spend
  }

  public let version: Int
  public let author: String
  public let ladder: TierLadder
  public let score: ScorePolicy?
  public let quota: QuotaPolicy?
  public let spend: SpendPolicy?
  public let inForce: TierPolicy
  /// No flapping (T-09); ``Steadiness/none`` where the file says nothing of it.
  public let steadiness: Steadiness
  /// Which changes wait for a person (T-07), by every policy that the file names; the first is in force. Empty where the file says nothing of it.
  public let reviews: [ReviewRules]

  /// What stands between figures and the confirmed tier by this file.
  public var decisions: DecisionRules { DecisionRules(steadiness: steadiness, review: reviews.first ?? .none) }

  /// Throws when the policy in force is not among those given.
  public init(
    version: Int, author: String, ladder: TierLadder, score: ScorePolicy?, quota: QuotaPolicy?, spend: SpendPolicy?, inForce: Kind,
    steadiness: Steadiness = .none, reviews: [ReviewRules] = []
  ) throws(ConfigurationFaults) {
    let policy: TierPolicy? =
      switch inForce {
      case .score: score.map(TierPolicy.score)
      case .quota: quota.map(TierPolicy.quota)
      case .spend: spend.map(TierPolicy.spend)
      }
    guard let policy else {
      let problem = "`\(inForce.rawValue)` is in force, but there is no section `\(inForce.rawValue)`"
      throw ConfigurationFaults([ConfigurationFault(path: "in_force", problem: problem)])
    }
    self.version = version
    self.author = author
    self.ladder = ladder
    self.score = score
    self.quota = quota
    self.spend = spend
    self.inForce = policy
    self.steadiness = steadiness
    self.reviews = reviews
  }
}

private func thresholdFaults(_ thresholds: [Rational], ladder: TierLadder, at path: String, most: Rational) -> [ConfigurationFault] {
  var faults: [ConfigurationFault] = []
  if thresholds.count != ladder.tiers.count - 1 {
    let problem = "each of the \(ladder.tiers.count) tiers but the lowest needs a threshold, there are \(thresholds.count)"
    faults.append(ConfigurationFault(path: path, problem: problem))
  }
  for (rank, threshold) in thresholds.enumerated() {
    if threshold.isNegative || threshold > most || threshold.denominator > Curve.numberDenominatorMax {
      faults.append(ConfigurationFault(path: "\(path)[\(rank)]", problem: "a threshold lies between 0 and \(most), not \(threshold)"))
    }
    if rank > 0, threshold >= thresholds[rank - 1] {
      let problem = "thresholds must descend: \(threshold) follows \(thresholds[rank - 1])"
      faults.append(ConfigurationFault(path: "\(path)[\(rank)]", problem: problem))
    }
  }
  return faults
}
