// A change of tier is a proposal until it is confirmed (T-07): which changes confirm themselves, and what waits. Pure.

/// Which changes of a tier wait for a person.
public struct ReviewPolicy: Hashable, Sendable {
  public let name: String
  /// Tiers that a first rating does not give by itself.
  public let first: Set<TierID>
  /// Tiers that nobody gets into by itself.
  public let into: Set<TierID>
  /// Tiers that nobody gets out of by itself.
  public let outOf: Set<TierID>

  public static let nameBytesMax = 32
  /// Everything confirms itself.
  public static let none = ReviewPolicy(name: "none", first: [], into: [], outOf: [])

  public init(name: String, first: Set<TierID>, into: Set<TierID>, outOf: Set<TierID>) {
    self.name = name
    self.first = first
    self.into = into
    self.outOf = outOf
  }

  public func waits(from: TierID, to: TierID) -> Bool { into.contains(to) || outOf.contains(from) }
}

/// How proposals are made and how long they stand.
public struct ReviewRules: Hashable, Sendable {
  public let policy: ReviewPolicy
  /// A proposal that nobody decides ends after so many days.
  public let expiryDays: Int
  /// A tier that was rejected is proposed again when the score has moved by so many points, or at the next review.
  public let againPoints: Int

  public static let expiryDaysMax = 365
  public static let none = ReviewRules(policy: .none, expiryDays: 30, againPoints: 5)

  public init(policy: ReviewPolicy, expiryDays: Int, againPoints: Int) {
    self.policy = policy
    self.expiryDays = expiryDays
    self.againPoints = againPoints
  }

  /// The tier that needs nobody, on the way from the tier with which the day began to the one that is decided: the one next to the decided.
  ///
  /// A first rating, also one out of a tier that is no longer configured, gives the highest tier that waits for nobody, the decided one at most; the
  /// lowest when all wait, for a customer is in some tier.
  func confirmed(of decided: Tier, from base: TierID?, ladder: TierLadder, isOptedOut: Bool) -> Tier {
    let rank = ladder.rank(of: decided.id) ?? ladder.tiers.count - 1
    guard let base, let held = ladder.rank(of: base) else {
      return ladder.tiers[rank...].first { !policy.first.contains($0.id) && !isOptedOut } ?? ladder.lowest
    }
    let stays = ladder.tier(atRank: held)
    guard !isOptedOut, rank != held else { return stays }
    let way = rank < held ? Array(rank..<held) : (held + 1...rank).reversed()
    return way.lazy.map { ladder.tier(atRank: $0) }.first { !policy.waits(from: base, to: $0.id) } ?? stays
  }
}

/// All that stands between what figures give and what a customer has.
public struct DecisionRules: Hashable, Sendable {
  public var steadiness: Steadiness
  public var review: ReviewRules

  /// What the figures give is confirmed at once.
  public static let immediate = DecisionRules(steadiness: .none, review: .none)

  public init(steadiness: Steadiness, review: ReviewRules) {
    self.steadiness = steadiness
    self.review = review
  }
}

// MARK: - What waits, and what people decided

/// A tier that a person sets against the figures (strategic value).
public struct OverrideTerms: Hashable, Sendable {
  /// What ratings do while it holds.
  public enum AtNextRating: String, Hashable, Sendable, CaseIterable {
    /// The tier stays, whatever the figures give.
    case hold
    /// The tier is the least; the figures may give a higher one.
    case floor
    /// It ends with the first rating of a later business day.
    case drop
  }

  public let tier: TierID
  /// The last day on which it holds.
  public let until: Day
  public let atNextRating: AtNextRating
  /// Who asks for it; may not confirm it.
  public let actor: String
  public let reason: String

  public init(tier: TierID, until: Day, atNextRating: AtNextRating, actor: String, reason: String) {
    self.tier = tier
    self.until = until
    self.atNextRating = atNextRating
    self.actor = actor
    self.reason = reason
  }
}

/// An override in force.
public struct TierOverride: Hashable, Sendable {
  public let terms: OverrideTerms
  /// The tier to which the customer returns, and from which the figures decide then.
  public let before: TierID
  public let since: Day
  public let confirmedBy: String

  public init(terms: OverrideTerms, before: TierID, since: Day, confirmedBy: String) {
    self.terms = terms
    self.before = before
    self.since = since
    self.confirmedBy = confirmedBy
  }

  /// Whether a rating on this day finds it ended.
  public func hasEnded(on day: Day) -> Bool { day > terms.until || (terms.atNextRating == .drop && day > since) }
}

/// A change that waits for a person; at most one of a customer.
public struct OpenProposal: Hashable, Sendable {
  public let tier: TierID
  public let openedAt: Instant
  /// On this day it is over.
  public let expires: Day
  /// What a person asked for; nil: the figures did.
  public let terms: OverrideTerms?

  public init(tier: TierID, openedAt: Instant, expires: Day, terms: OverrideTerms? = nil) {
    self.tier = tier
    self.openedAt = openedAt
    self.expires = expires
    self.terms = terms
  }
}

/// A proposal that ended unconfirmed and is not to come back at once.
public struct ClosedProposal: Hashable, Sendable {
  public enum Cause: Hashable, Sendable {
    /// By a person, at this score.
    case rejected(score: Int?)
    case expired
  }

  public let tier: TierID
  public let cause: Cause

  public init(tier: TierID, cause: Cause) {
    self.tier = tier
    self.cause = cause
  }
}

/// Where a step down has led: the customer falls no further for a while (T-09).
public struct Landing: Hashable, Sendable {
  public let tier: TierID
  /// On this day the rest is looked at.
  public let until: Day

  public init(tier: TierID, until: Day) {
    self.tier = tier
    self.until = until
  }
}

/// A loss that can be foreseen, of which the customer is told (T-09).
public struct LossNotice: Hashable, Sendable {
  /// On this day, if nothing more is bought until then.
  public let day: Day
  /// The tier that the figures would give then.
  public let tier: TierID
  /// What would keep the tier, for people.
  public let text: LocalizedName

  public init(day: Day, tier: TierID, text: LocalizedName) {
    self.day = day
    self.tier = tier
    self.text = text
  }
}

/// What people and time have to do with a customer's tier; empty for nearly all.
public struct ReviewState: Hashable, Sendable {
  public var proposal: OpenProposal?
  public var closed: ClosedProposal?
  public var override: TierOverride?
  /// The customer refused automated tiering: a person decides every change (S-07).
  public var isOptedOut: Bool
  /// One that refused it and is part of the customer now: the first by number.
  public var refusingPart: CustomerID?
  public var landing: Landing?
  public var notice: LossNotice?

  public init(
    proposal: OpenProposal? = nil, closed: ClosedProposal? = nil, override: TierOverride? = nil, isOptedOut: Bool = false,
    refusingPart: CustomerID? = nil, landing: Landing? = nil, notice: LossNotice? = nil
  ) {
    self.proposal = proposal
    self.closed = closed
    self.override = override
    self.isOptedOut = isOptedOut
    self.refusingPart = refusingPart
    self.landing = landing
    self.notice = notice
  }

  public var isEmpty: Bool { self == ReviewState() }

  /// A person decides every change (S-07): the customer, or one that is part of it now, refused automated tiering.
  public var refusesAutomation: Bool { isOptedOut || refusingPart != nil }

  /// Brings the proposal into line with a rating that wants `target` and confirmed `confirmed`. A proposal to the same tier keeps its age; what a
  /// person asked for stays until a person decides it.
  public mutating func propose(_ target: TierID, confirmed: TierID, score: Int?, at: Instant, day: Day, rules: ReviewRules, isFresh: Bool) {
    if let open = proposal, open.expires <= day {
      if open.terms == nil { closed = ClosedProposal(tier: open.tier, cause: .expired) }
      proposal = nil
    }
    if isFresh || isOver(closed, target: target, confirmed: confirmed, score: score, rules: rules) { closed = nil }
    if proposal?.terms != nil { return }
    if target == confirmed || closed?.tier == target {
      proposal = nil
    } else if proposal?.tier != target {
      proposal = OpenProposal(tier: target, openedAt: at, expires: day + rules.expiryDays)
    }
  }

  private func isOver(_ closed: ClosedProposal?, target: TierID, confirmed: TierID, score: Int?, rules: ReviewRules) -> Bool {
    guard let closed else { return false }
    switch closed.cause {
    case .expired: return target != closed.tier || target == confirmed
    case .rejected(let then): return abs((score ?? 0) - (then ?? 0)) >= rules.againPoints
    }
  }
}

/// Where a customer's tier comes from and what is under way: all that a rating looks at beside figures and rules.
public struct TierCourse: Hashable, Sendable {
  /// nil before the first rating.
  public var start: DayStart?
  public var review: ReviewState

  public init(start: DayStart? = nil, review: ReviewState = ReviewState()) {
    self.start = start
    self.review = review
  }

  /// Notes with which tiers the day begins, at the first rating of a day.
  public func begun(on day: Day, current: Rating?, isFresh: Bool) -> DayStart {
    var start = self.start.flatMap { $0.day == day ? $0 : nil } ?? DayStart(day: day, decided: current?.decided, confirmed: current?.tier)
    if isFresh { start.decided = nil }
    return start
  }
}
