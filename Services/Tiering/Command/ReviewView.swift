// Proposals, decisions and the history of a customer's ratings as JSON (T-07).
import Domain
import Runtime
import Text
import TieringCore

enum ReviewView {
  static func proposal(_ proposal: Proposal, _ ladder: TierLadder) -> [JSONMember] {
    [
      JSONMember("customer_id", .text(proposal.customer.description)), JSONMember("member_id", .textOrNull(proposal.memberID)),
      JSONMember("kind", proposal.open.terms == nil ? "rating" : "override"), JSONMember("tier", .text(proposal.tier.text)),
      JSONMember("tier_name", name(proposal.tier, ladder)), JSONMember("proposed_tier", .text(proposal.open.tier.text)),
      JSONMember("proposed_tier_name", name(proposal.open.tier, ladder)), JSONMember("score", RatingView.integer(proposal.score)),
      JSONMember("cause", .text(proposal.cause.rawValue)), JSONMember("rating_version", .integer(proposal.version)),
      JSONMember("opened_at", RatingView.instant(proposal.open.openedAt)), JSONMember("expires", .text(proposal.open.expires.description)),
      JSONMember("terms", proposal.open.terms.map { .object(terms($0)) } ?? .null),
    ]
  }

  static func name(_ tier: TierID, _ ladder: TierLadder) -> JSONValue {
    .name(ladder[tier]?.name ?? LocalizedName(en: tier.text, zh: tier.text))
  }

  private static func terms(_ terms: OverrideTerms) -> [JSONMember] {
    [
      JSONMember("tier", .text(terms.tier.text)), JSONMember("until", .text(terms.until.description)),
      JSONMember("at_next_rating", .text(terms.atNextRating.rawValue)), JSONMember("actor", .text(terms.actor)),
      JSONMember("reason", .text(terms.reason)),
    ]
  }

  /// Who made the tier binding: null for the policy.
  static func confirmedBy(_ rating: Rating) -> JSONValue { if case .reviewer(let name) = rating.confirmedBy { .text(name) } else { .null } }

  /// How the confirmed tier came out of the decided one, and what waits.
  static func decision(_ standing: Standing, _ review: ReviewState, _ rules: TieringRules) -> JSONValue {
    let rating = standing.rating
    func lines(_ language: Domain.Language) -> JSONValue {
      .text(rating.decisionLines(review, ladder: rules.policy.ladder, zone: rules.zone, in: language).joined(separator: "\n"))
    }
    let proposal = review.proposal.map { open -> JSONValue in
      [
        "tier": .text(open.tier.text), "opened_at": RatingView.instant(open.openedAt), "expires": .text(open.expires.description),
        "terms": open.terms.map { .object(terms($0)) } ?? .null,
      ]
    }
    let override = review.override.map { override -> JSONValue in
      .object(
        terms(override.terms) + [
          JSONMember("before", .text(override.before.text)), JSONMember("since", .text(override.since.description)),
          JSONMember("confirmed_by", .text(override.confirmedBy)),
        ])
    }
    return [
      "review_policy": .text(rules.decisions.review.policy.name), "automated": .boolean(!review.refusesAutomation), "proposal": proposal ?? .null,
      "override": override ?? .null, "landed_until": .textOrNull(review.landing?.until.description),
      "notice": review.notice.map { ["day": .text($0.day.description), "tier": .text($0.tier.text), "text": .name($0.text)] } ?? .null,
      "text": ["en": lines(.english), "zh": lines(.chinese)],
    ]
  }

  /// What a person did; null for a line that a rating made.
  static func action(_ action: ReviewAction?) -> JSONValue {
    guard let action else { return .null }
    return ["actor": .text(action.actor), "reason": .text(action.reason), "terms": action.terms.map { .object(terms($0)) } ?? .null]
  }

  /// One line of the history.
  static func line(_ record: RatingRecord) -> JSONValue {
    let rating = record.standing.rating
    return [
      "version": .integer(rating.version), "reason": .text(record.reason.rawValue), "at": RatingView.instant(rating.ratedAt),
      "rated_day": .text(record.standing.ratedDay.description), "tier": .text(rating.tier.text), "tier_before": .textOrNull(record.tierBefore?.text),
      "decided_tier": .text(rating.decided.text), "proposed_tier": .textOrNull(record.standing.proposed?.text),
      "score": RatingView.integer(rating.score), "scorecard": .text(rating.scorecard.description), "policy": .text(rating.policy.description),
      "confirmed_by": confirmedBy(rating), "merged": .boolean(record.standing.isRetired), "action": action(record.action),
    ]
  }
}
