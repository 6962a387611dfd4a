// The sums of a simulation as JSON: what is streamed at its end, and kept in a scorecard's history (T-10).
import Domain
import Runtime
import Text
import TieringCore

struct SimulationView {
  let sum: SimulationSum
  let catalogue: BenefitCatalogue
  let ladder: TierLadder
  let currency: Currency
  let labelled: LabelledCustomers?

  /// What a scorecard should reach at least in finding the customers worth most (T-10).
  static let recognitionPercent = 85

  var json: JSONValue {
    let all = sum.all
    let (up, down) = sum.directions
    let tiers = sum.tiers.map { tier -> JSONValue in
      [
        "tier": .text(tier.text), "name": ladder[tier].map { .name($0.name) } ?? .null, "now": cell(sum.now(tier), tier, all),
        "then": cell(sum.then(tier), tier, all),
      ]
    }
    let matrix = sum.tiers.flatMap { from in sum.tiers.map { pair(from, $0) } }
    return [
      "customers": .integer(sum.customers), "unratable": .integer(sum.unratable), "kept": .integer(sum.kept.customers), "up": .integer(up),
      "down": .integer(down), "agreement_percent": SimulationView.percent(Int128(sum.kept.customers), of: Int128(all.customers)),
      "agreement_revenue_percent": SimulationView.percent(sum.kept.revenue, of: all.revenue), "tiers": .array(tiers), "matrix": .array(matrix),
      "benefits_version": .integer(Int64(catalogue.version)), "working_days": .integer(Int64(catalogue.workingDays)),
      "now": load(sum.now), "then": load(sum.then), "labelled": labelledJSON,
    ]
  }

  private func cell(_ cell: SimulationCell, _ tier: TierID, _ all: SimulationCell) -> JSONValue {
    let yearly = yearly(cell, tier)
    return [
      "customers": .integer(cell.customers), "share_percent": SimulationView.percent(Int128(cell.customers), of: Int128(all.customers)),
      "revenue": SimulationView.integer(cell.revenue), "revenue_share_percent": SimulationView.percent(cell.revenue, of: all.revenue),
      "benefit_cost": minor(yearly?.cost), "service_minutes_a_day": perDay(yearly?.minutes),
    ]
  }

  private func pair(_ from: TierID, _ to: TierID) -> JSONValue {
    let cell = sum.cell(from, to)
    return [
      "tier_now": .text(from.text), "tier_then": .text(to.text), "customers": .integer(cell.customers), "revenue": SimulationView.integer(cell.revenue),
    ]
  }

  /// Of all tiers together.
  private func load(_ cell: (TierID) -> SimulationCell) -> JSONValue {
    var (cost, minutes): (Rational?, Rational?) = (.zero, .zero)
    for tier in sum.tiers {
      // What is configured no longer has no benefits.
      guard let yearly = yearly(cell(tier), tier) else { continue }
      cost = cost.flatMap { try? $0 + yearly.cost }
      minutes = minutes.flatMap { try? $0 + yearly.minutes }
    }
    return ["benefit_cost": minor(cost), "service_minutes_a_day": perDay(minutes)]
  }

  private func yearly(_ cell: SimulationCell, _ tier: TierID) -> (cost: Rational, minutes: Rational)? {
    let units = (0..<currency.minorDigits).reduce(Int128(1)) { units, _ in units * 10 }
    guard let spend = Rational(cell.spend, over: units) else { return nil }
    return (try? catalogue.yearly(of: tier, customers: cell.customers, spend: spend)) ?? nil
  }

  /// Minor units, rounded half up.
  private func minor(_ amount: Rational?) -> JSONValue {
    let units = (0..<currency.minorDigits).reduce(Int128(1)) { units, _ in units * 10 }
    guard let amount, let scale = Rational(units, over: 1), let scaled = try? amount * scale else { return .null }
    return SimulationView.integer(scaled.roundedHalfUp)
  }

  private func perDay(_ minutes: Rational?) -> JSONValue {
    RatingView.number(minutes.flatMap { try? $0 / Rational(catalogue.workingDays) })
  }

  private var labelledJSON: JSONValue {
    guard let labelled else { return .null }
    func recognition(_ found: Recognition) -> JSONValue {
      [
        "recognised": .integer(found.recognised), "hits": .integer(found.hits), "precision_percent": RatingView.number(found.precision),
        "recall_percent": RatingView.number(found.recall),
      ]
    }
    return [
      "given": .integer(Int64(labelled.count)), "known": .integer(sum.recognitionNow.known),
      "tiers": .array(sum.tiers.filter(labelled.tiers.contains).map { .text($0.text) }),
      "reference_percent": .integer(Int64(SimulationView.recognitionPercent)), "now": recognition(sum.recognitionNow),
      "then": recognition(sum.recognitionThen),
    ]
  }

  static func percent(_ part: Int128, of whole: Int128) -> JSONValue {
    guard whole > 0 else { return .null }
    return RatingView.number(Rational(part * 100, over: whole))
  }

  static func integer(_ value: Int128) -> JSONValue { .number(value.description) }
}
