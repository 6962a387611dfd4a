// What a person tells the service to do about a tier, on which state the person looked, and why it is not done.
import Domain
import HTTP
import Runtime
import Text
import TieringCore

extension Instruction {
  var action: ReviewAction { ReviewAction(actor: actor, reason: reason) }

  /// The terms of an override.
  func terms(_ ladder: TierLadder) throws -> OverrideTerms {
    var faults: [Problem.FieldFault] = []
    let tier = body["tier"]?.stringValue.flatMap { TierID($0) }.flatMap { ladder[$0] }
    if tier == nil {
      faults.append(.init(field: "tier", rule: "enum", detail: "tier is one of \(ladder.tiers.map(\.id.text).joined(separator: ", "))"))
    }
    let until = body["until"]?.stringValue.flatMap { Day($0) }
    if until == nil { faults.append(.init(field: "until", rule: "format", detail: "until is the last day on which the tier holds, as 2026-12-31")) }
    let next = body["at_next_rating"]?.stringValue.flatMap(OverrideTerms.AtNextRating.init)
    if next == nil {
      let known = OverrideTerms.AtNextRating.allCases.map(\.rawValue).joined(separator: ", ")
      faults.append(.init(field: "at_next_rating", rule: "enum", detail: "at_next_rating says what ratings do meanwhile: one of \(known)"))
    }
    guard let tier, let until, let next else { throw Problem.invalid(faults) }
    return OverrideTerms(tier: tier.id, until: until, atNextRating: next, actor: actor, reason: reason)
  }
}

extension Request {
  /// The tags of `If-Match`: without one a person might overwrite what another has just decided (RFC 6585 section 3).
  func expectedTags() throws(Problem) -> [String] {
    let tags = headers.all("If-Match")
    guard !tags.isEmpty else {
      throw Problem(
        HTTPStatus(rawValue: 428), title: "Precondition Required", detail: "send If-Match with the ETag of the answer that the decision was made by")
    }
    return tags
  }
}

extension ReviewRefusal {
  var problem: Problem {
    switch self {
    case .notRated: Problem(.notFound, title: "No such rating", detail: "no such customer was rated")
    case .merged(let survivor): Problem(.conflict, title: "Merged", detail: "the customer is part of \(survivor); decide there")
    case .nothingWaits: Problem(.notFound, title: "Nothing waits", detail: "no change of this customer's tier waits for a person")
    case .ownOverride:
      Problem(.forbidden, title: "Own override", detail: "nobody confirms the override that they asked for: another person must")
    case .noSuchTier(let tier):
      Problem(.conflict, title: "No such tier", detail: "tier \(tier) is no longer configured; the customer's new rating is under way")
    case .lastDay(let last):
      Problem.invalid([.init(field: "until", rule: "range", detail: "until lies between today and \(last)")])
    case .alreadySo: Problem(.conflict, title: "Already so", detail: "nothing would change")
    }
  }
}
