// The customers a scorecard is tried on beside all others: how either group divides by both scorecards, and what it bought since (T-10).
import Domain
import Postgres
import Runtime
import Text
import TieringCore
import TieringStore

struct CanaryComparison: Sendable {
  let inForce: RulesInForce
  let pool: PostgresPool
  let now: Instant

  /// One of the two groups.
  private struct Group {
    var sum: SimulationSum
    var scores: Int64 = 0
    var scored: Int64 = 0
    /// Not rated by their own scorecard yet.
    var waiting: Int64 = 0
    // Since the trial began.
    var buyers: Int64 = 0
    var orders: Int64 = 0
    var spend: Int128 = 0

    mutating func add(_ rating: SimulatedRating, _ customer: RatedCustomer, by own: ScorecardReference, since day: Day) {
      sum.add(rating)
      if customer.standing?.rating.scorecard != own { waiting += 1 }
      if let score = customer.standing?.rating.score {
        scores += Int64(score)
        scored += 1
      }
      let since = customer.ledger.days.filter { $0.day > day }
      if since.contains(where: { $0.paidOrders > 0 }) { buyers += 1 }
      for entry in since {
        orders += Int64(entry.countedOrders)
        spend += Int128(entry.spend)
      }
    }
  }

  /// A trial under way.
  struct Trial: Sendable {
    fileprivate let rules: TieringRules
    fileprivate let canary: CanaryTrial
    fileprivate let since: Instant
  }

  /// nil when the scorecard is not on trial.
  func trial(of reference: ScorecardReference) async throws -> Trial? {
    let inForce = inForce
    let (rules, current) = try await pool.transaction { (try inForce.read($0), try ScorecardSwitch.read($0)) }
    guard let canary = rules.canary, canary.scorecard.reference == reference, let since = current?.canary?.since else { return nil }
    return Trial(rules: rules, canary: canary, since: since)
  }

  func run(_ found: Trial, _ sign: ProgressSign?) async throws -> JSONValue {
    let (rules, trial, since) = (found.rules, found.canary, found.since)
    let reference = trial.scorecard.reference
    var byActive = rules
    byActive.canary = nil
    var byCanary = byActive
    byCanary.scorecard = trial.scorecard
    let (today, began) = (rules.zone.day(of: now), rules.zone.day(of: since))
    var tried = Group(sum: SimulationSum(rules.policy.ladder))
    var rest = tried
    var count: Int64 = 0
    try await RatedPages(pool: pool).each { customers in
      for customer in customers {
        // Both worked out from what is known now: who waits to be rated would blur the picture.
        guard let active = SimulatedRating(customer, rules: byActive, today: today, at: now),
          let canary = SimulatedRating(customer, rules: byCanary, today: today, at: now)
        else { continue }
        let rating = SimulatedRating(from: active, to: canary)
        if trial.includes(customer.id) {
          tried.add(rating, customer, by: reference, since: began)
        } else {
          rest.add(rating, customer, by: rules.scorecard.reference, since: began)
        }
      }
      count += Int64(customers.count)
      try await sign?.reached(count)
    }
    let head: [JSONMember] = [
      JSONMember("scorecard", .text(reference.name)), JSONMember("scorecard_version", .integer(Int64(reference.version))),
      JSONMember("active", .text(rules.scorecard.reference.description)), JSONMember("policy", .text(rules.policy.reference.description)),
      JSONMember("percent", .integer(Int64(trial.percent))), JSONMember("since", RatingView.instant(since)),
      JSONMember("as_of", .text(today.description)), JSONMember("currency", .text(rules.currency.description)),
    ]
    return .object(head + [JSONMember("canary", view(tried, rules)), JSONMember("rest", view(rest, rules))])
  }

  private func view(_ group: Group, _ rules: TieringRules) -> JSONValue {
    let sum = group.sum
    let (up, down) = sum.directions
    let all = sum.all
    let tiers = sum.tiers.map { tier -> JSONValue in
      let (active, canary) = (sum.now(tier), sum.then(tier))
      return [
        "tier": .text(tier.text), "name": rules.policy.ladder[tier].map { .name($0.name) } ?? .null,
        "by_active": CanaryComparison.cell(active, all), "by_canary": CanaryComparison.cell(canary, all),
      ]
    }
    return [
      "customers": .integer(sum.customers), "waiting": .integer(group.waiting), "revenue": SimulationView.integer(all.revenue),
      "average_score": RatingView.number(Rational(Int128(group.scores), over: Int128(max(group.scored, 1)))),
      "agreement_percent": SimulationView.percent(Int128(sum.kept.customers), of: Int128(all.customers)), "up": .integer(up), "down": .integer(down),
      "tiers": .array(tiers),
      "since": [
        "buyers": .integer(group.buyers), "buyers_percent": SimulationView.percent(Int128(group.buyers), of: Int128(all.customers)),
        "orders": .integer(group.orders), "spend": SimulationView.integer(group.spend),
        "spend_per_customer": all.customers > 0 ? RatingView.number(Rational(group.spend, over: Int128(all.customers))) : .null,
      ],
    ]
  }

  private static func cell(_ cell: SimulationCell, _ all: SimulationCell) -> JSONValue {
    [
      "customers": .integer(cell.customers), "share_percent": SimulationView.percent(Int128(cell.customers), of: Int128(all.customers)),
      "revenue": SimulationView.integer(cell.revenue), "revenue_share_percent": SimulationView.percent(cell.revenue, of: all.revenue),
    ]
  }
}
