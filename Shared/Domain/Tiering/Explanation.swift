// Why a customer has a score and a tier, and what would change it (T-05). Figures only; ExplanationText makes sentences.

/// One indicator's line of an explanation.
public struct ExplanationLine: Hashable, Sendable {
  public let dimension: LocalizedName
  public let name: LocalizedName
  public let unit: IndicatorUnit
  public let score: IndicatorScore
}

/// One figure that would do, everything else staying as it is.
public struct TierWay: Hashable, Sendable {
  public let key: IndicatorKey
  /// What the figure is; zero where it had no value.
  public let present: Rational
  /// What it would have to be.
  public let needed: Rational
  /// How much that is more: orders, or units of the base currency.
  public let change: Rational
  /// The exact score then; nil where the tier does not follow from the score.
  public let scoreThen: Rational?

  public init(key: IndicatorKey, present: Rational, needed: Rational, change: Rational, scoreThen: Rational?) {
    self.key = key
    self.present = present
    self.needed = needed
    self.change = change
    self.scoreThen = scoreThen
  }
}

/// More orders and more spend together, everything else staying as it is, where the two would do what neither has to do alone.
public struct TierCombination: Hashable, Sendable {
  /// How many orders more.
  public let orders: Rational
  /// How much more is spent, in units of the base currency: on these orders together.
  public let spend: Rational
  /// The exact score then.
  public let scoreThen: Rational

  public init(orders: Rational, spend: Rational, scoreThen: Rational) {
    self.orders = orders
    self.spend = spend
    self.scoreThen = scoreThen
  }
}

/// How low one figure may fall, everything else staying as it is, before the tier is lost.
public struct TierFloor: Hashable, Sendable {
  public let key: IndicatorKey
  public let present: Rational
  public let least: Rational

  public init(key: IndicatorKey, present: Rational, least: Rational) {
    self.key = key
    self.present = present
    self.least = least
  }
}

/// How the tier is kept.
public enum TierKeeping: Hashable, Sendable {
  /// There is none below.
  case lowest
  /// The figures carry the tier. `margin` is how far the exact score stands above the tier's least; nil where the tier does not
  /// follow from the score.
  case held(margin: Rational?, floors: [TierFloor])
  /// The figures no longer carry the tier the customer has; one of these ways would. Empty: no single figure can.
  case losing(ways: [TierWay])
}

/// What an explanation says of tiers; nil where the policy is a quota that was not frozen, or the figures are out of range.
public struct TierOutlook: Hashable, Sendable {
  /// The tier the figures give.
  public let scored: Tier
  /// The next higher one; nil at the top, or when the one above takes nobody.
  public let next: Tier?
  /// The single changes that reach ``next``, smallest effort not judged: orders before money. Empty: no single change is enough.
  public let ways: [TierWay]
  /// The smallest change of orders and spend together that reaches ``next``; nil where there is none, or the tier does not follow from the score.
  public let combination: TierCombination?
  /// The same to keep a tier that the figures no longer carry.
  public let keepingCombination: TierCombination?
  /// Of the tier the customer has.
  public let keeping: TierKeeping
  /// In the lowest tier because of months without interaction (T-04): no figure changes that, only contact does.
  public let isQuiet: Bool
}

/// Why a score is what it is. Everything needed to show it again later is in here.
public struct Explanation: Hashable, Sendable {
  public let scorecard: ScorecardReference
  public let policy: PolicyReference
  /// The tier the customer has.
  public let tier: Tier
  public let exact: Rational
  public let rounded: Int
  public let lines: [ExplanationLine]
  /// Up to when the facts behind the values are known.
  public let factsAsOf: Instant
  public let outlook: TierOutlook?
  public let currency: Currency
}

extension Explanation {
  /// The figures a customer can move (T-05), in the order they are offered.
  public static let controllable: [IndicatorKey] = [.frequency, .monetary]

  /// Explains a score. `current` is the tier the customer has (confirmed, overridden or just decided); nil: the one scored.
  public init(
    of score: Score, inputs: RatingInputs, scorecard: Scorecard, policy: TierPolicy, current: TierID?, day: Day, currency: Currency
  ) {
    var lines: [ExplanationLine] = []
    for dimension in scorecard.dimensions {
      for indicator in dimension.indicators {
        guard let part = score.indicators.first(where: { $0.key == indicator.key }) else { continue }
        lines.append(ExplanationLine(dimension: dimension.name, name: indicator.name, unit: indicator.unit, score: part))
      }
    }
    let situation = TierSituation(score: score, inputs: inputs, scorecard: scorecard, policy: policy, day: day, currency: currency)
    let outlook = try? situation.outlook(current: current)
    self.scorecard = score.scorecard
    self.policy = policy.reference
    self.tier = current.flatMap { policy.ladder[$0] } ?? outlook?.scored ?? policy.ladder.lowest
    self.exact = score.exact
    self.rounded = score.rounded
    self.lines = lines
    self.factsAsOf = inputs.factsAsOf
    self.outlook = outlook
    self.currency = currency
  }
}

/// All that the ways between tiers depend on.
private struct TierSituation {
  let score: Score
  let inputs: RatingInputs
  let scorecard: Scorecard
  let policy: TierPolicy
  let day: Day
  let currency: Currency

  func outlook(current: TierID?) throws(RationalFault) -> TierOutlook? {
    let ladder = policy.ladder
    var isQuiet = false
    let scored: Tier
    switch policy {
    case .quota: return nil
    case .score(let policy): scored = policy.assign(score)
    case .spend(let policy):
      isQuiet = policy.isQuiet(lastInteraction: inputs.lastInteraction, on: day)
      scored = policy.assign(spend: inputs.values[.monetary] ?? .zero, lastInteraction: inputs.lastInteraction, on: day)
    }
    let rank = ladder.rank(of: scored.id) ?? ladder.tiers.count - 1
    let held = current.flatMap { ladder.rank(of: $0) } ?? rank
    let leastAbove = rank > 0 ? try least(forRank: rank - 1) : nil
    let above = leastAbove == nil ? nil : ladder.tier(atRank: rank - 1)
    let ways = above == nil || isQuiet ? [] : try self.ways(toRank: rank - 1)
    let combination = above == nil || isQuiet ? nil : try self.combination(toRank: rank - 1)
    var keepingCombination: TierCombination?
    let keeping: TierKeeping
    if held == ladder.tiers.count - 1 {
      keeping = .lowest
    } else if rank <= held {
      keeping = try self.held(rank: held)
    } else {
      keeping = .losing(ways: isQuiet ? [] : try self.ways(toRank: held))
      keepingCombination = isQuiet ? nil : try self.combination(toRank: held)
    }
    return TierOutlook(
      scored: scored, next: above, ways: ways, combination: combination, keepingCombination: keepingCombination, keeping: keeping, isQuiet: isQuiet)
  }

  /// The least exact score, or spend, of a tier.
  private func least(forRank rank: Int) throws(RationalFault) -> Rational? {
    switch policy {
    case .score(let policy): try policy.leastExactScore(forRank: rank)
    case .spend(let policy): policy.thresholds.indices.contains(rank) ? policy.thresholds[rank] : .zero
    case .quota: nil
    }
  }

  private func step(of key: IndicatorKey) throws(RationalFault) -> Rational {
    guard key.unit == .currency else { return .one }
    return try .one / Rational(reduced: Rational.powerOfTen(currency.minorDigits), over: 1)
  }

  private func ways(toRank rank: Int) throws(RationalFault) -> [TierWay] {
    guard let least = try least(forRank: rank) else { return [] }
    if case .spend = policy {
      let present = inputs.values[.monetary] ?? .zero
      return [TierWay(key: .monetary, present: present, needed: least, change: try least - present, scoreThen: nil)]
    }
    var ways: [TierWay] = []
    for key in Explanation.controllable {
      guard let needed = try scorecard.leastRaise(of: key, step: try step(of: key), toReach: least, from: inputs.values) else { continue }
      var values = inputs.values
      let present = values[key] ?? .zero
      values[key] = needed
      guard let then = try? scorecard.score(values) else { continue }
      ways.append(TierWay(key: key, present: present, needed: needed, change: try needed - present, scoreThen: then.exact))
    }
    return ways
  }

  /// More orders than this are no near way.
  private static let ordersMax = 100

  /// The fewest orders more with which the spend still missing is no more than such orders usually bring; where that never comes, or nothing
  /// is usual yet, the fewest orders with which any spend does. The spend is the least for these orders. What orders alone reach is no
  /// combination, nor is what takes no less spend than spend alone.
  private func combination(toRank rank: Int) throws(RationalFault) -> TierCombination? {
    guard case .score = policy, let least = try least(forRank: rank) else { return nil }
    let step = try step(of: .monetary)
    let present = inputs.values[.monetary] ?? .zero
    let usual = try usualOrder(present)
    let alone = try scorecard.leastRaise(of: .monetary, step: step, toReach: least, from: inputs.values)
    var fallback: TierCombination?
    for count in 1...TierSituation.ordersMax {
      let orders = Rational(count)
      var values = inputs.values
      values[.frequency] = try (values[.frequency] ?? .zero) + orders
      guard let score = try? scorecard.score(values) else { return nil }
      if score.exact >= least { break }
      guard let needed = try scorecard.leastRaise(of: .monetary, step: step, toReach: least, from: values) else { continue }
      if let alone, needed >= alone { continue }
      values[.monetary] = needed
      guard let then = try? scorecard.score(values) else { continue }
      let found = TierCombination(orders: orders, spend: try needed - present, scoreThen: then.exact)
      if let usual, try usual * orders >= found.spend { return found }
      fallback = fallback ?? found
    }
    return fallback
  }

  /// What an order of this customer usually brings; nil without one.
  private func usualOrder(_ spend: Rational) throws(RationalFault) -> Rational? {
    if let average = inputs.values[.averageOrderValue] { return average }
    guard let count = inputs.values[.frequency], count > .zero else { return nil }
    return try spend / count
  }

  private func held(rank: Int) throws(RationalFault) -> TierKeeping {
    guard let least = try least(forRank: rank) else { return .held(margin: nil, floors: []) }
    if case .spend = policy {
      return .held(margin: nil, floors: [TierFloor(key: .monetary, present: inputs.values[.monetary] ?? .zero, least: least)])
    }
    var floors: [TierFloor] = []
    for key in Explanation.controllable {
      guard let present = inputs.values[key],
        let floor = try scorecard.floor(of: key, step: try step(of: key), keeping: least, from: inputs.values)
      else { continue }
      floors.append(TierFloor(key: key, present: present, least: floor))
    }
    return .held(margin: try score.exact - least, floors: floors)
  }
}
