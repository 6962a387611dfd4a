// No flapping (T-09): borders have a width, and high tiers are left one step at a time. Pure.

/// The tiers with which a customer's business day began.
///
/// Whatever a day's ratings look at is decided against these, not against the rating of a minute ago: how often a customer was rated on a day then
/// makes no difference to how the day ends.
public struct DayStart: Hashable, Sendable {
  public var day: Day
  /// What the figures had decided; nil on the day of the first rating, of a review and of new rules, when the borders themselves count.
  public var decided: TierID?
  /// The confirmed tier; nil on the day of the first rating.
  public var confirmed: TierID?

  public init(day: Day, decided: TierID?, confirmed: TierID?) {
    self.day = day
    self.decided = decided
    self.confirmed = confirmed
  }
}

public struct Steadiness: Hashable, Sendable {
  /// By so many points a score must pass a border before the tier changes; at a review the border itself counts.
  public let bandPoints: Int
  /// These tiers are left downwards one step at a time, with ``noticeDays`` between two steps.
  public let stepwise: Set<TierID>
  /// How many days before a loss that can be foreseen the customer is told what would keep the tier; 0: never.
  public let noticeDays: Int

  public static let bandPointsMax = 50
  public static let noticeDaysMax = 365
  /// Every border is as thin as a point, and nobody is told.
  public static let none = Steadiness(bandPoints: 0, stepwise: [], noticeDays: 0)

  public init(bandPoints: Int, stepwise: Set<TierID>, noticeDays: Int) {
    self.bandPoints = bandPoints
    self.stepwise = stepwise
    self.noticeDays = noticeDays
  }

  /// The tier that is decided where the figures alone give `scored`, and whether it is a step down after which the customer stays for a while.
  ///
  /// - Parameters:
  ///   - isLanded: the customer made a step down a short while ago, and does not fall further yet.
  ///   - isOverridden: a reviewer has set the confirmed tier, from which nobody steps down then.
  public func decide(
    _ scored: Tier, _ score: Score?, _ start: DayStart, policy: TierPolicy, isLanded: Bool, isOverridden: Bool
  ) -> (tier: Tier, isStep: Bool) {
    let ladder = policy.ladder
    var rank = ladder.rank(of: scored.id) ?? ladder.tiers.count - 1
    if case .score(let policy) = policy, let score, let former = start.decided.flatMap(ladder.rank) {
      rank = policy.rank(of: score, from: former, bandPoints: bandPoints)
    }
    let whole = (ladder.tier(atRank: rank), false)
    guard !isOverridden, let confirmed = start.confirmed, let held = ladder.rank(of: confirmed), rank > held else { return whole }
    if isLanded { return (ladder.tier(atRank: held), false) }
    return stepwise.contains(confirmed) ? (ladder.tier(atRank: held + 1), true) : whole
  }

  /// Until when whoever made a step down falls no further.
  public func landedUntil(after day: Day) -> Day { day + max(1, noticeDays) }
}

extension ScorePolicy {
  /// The place in the ladder of a customer who comes from the place `former`: every border on the way must be passed by the band.
  public func rank(of score: Score, from former: Int, bandPoints: Int) -> Int {
    let value = basis == .rounded ? Rational(score.rounded) : score.exact
    let plain = ladder.rank(of: assign(score).id) ?? thresholds.count
    let band = Rational(bandPoints)
    guard (0...thresholds.count).contains(former) else { return plain }
    if plain < former {
      return (plain..<former).first { rank in
        guard let border = thresholds[rank], let beyond = try? border + band else { return false }
        return value >= min(beyond, .oneHundred)
      } ?? former
    }
    return (former..<plain).first { rank in
      guard let border = thresholds[rank], let beyond = try? border - band else { return false }
      return value < border && value > max(beyond, .zero)
    } ?? plain
  }
}
