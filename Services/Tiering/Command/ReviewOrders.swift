// What a person asks the service to do about a tier: by whom and why, both kept for ever, and on which state the person looked.
import Domain
import HTTP
import Text
import TieringCore

/// The body of such a request.
struct Order: Sendable {
  let body: JSONValue
  let actor: String
  let reason: String

  /// Characters, as JSON Schema counts them.
  static let actorMax = 100
  static let reasonMax = 1_000
  static let bodyBytesMax = 16 << 10

  /// - Parameters:
  ///   - members: beside actor and reason.
  ///   - needsReason: false where a reason may be left out.
  init(_ request: Request, members: Set<String>, needsReason: Bool = true) throws {
    guard let body = try? JSONValue(request.body), let given = body.members else {
      throw Problem(.badRequest, detail: "the body must be a JSON object with actor and reason")
    }
    self.body = body
    var faults: [Problem.FieldFault] = []
    func text(_ key: String, max: Int, isNeeded: Bool) -> String {
      if !isNeeded, body[key] == nil { return "" }
      guard let text = body[key]?.stringValue, !isNeeded || !text.allSatisfy(\.isWhitespace) else {
        faults.append(.init(field: key, rule: "missing", detail: "\(key) must be a text that is not blank"))
        return ""
      }
      if text.unicodeScalars.count > max { faults.append(.init(field: key, rule: "length", detail: "\(key) has at most \(max) characters")) }
      if text.contains("\0") { faults.append(.init(field: key, rule: "format", detail: "\(key) must not contain a NUL")) }
      return text
    }
    actor = text("actor", max: Order.actorMax, isNeeded: true)
    reason = text("reason", max: Order.reasonMax, isNeeded: needsReason)
    for member in given where !members.union(["actor", "reason"]).contains(member.key) {
      faults.append(.init(field: String(member.key.prefix(64)), rule: "unknown", detail: "there is no such member here"))
    }
    if !faults.isEmpty { throw Problem.invalid(faults) }
  }

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

  func customerID() throws -> CustomerID {
    guard let id = CustomerID(try parameter("customer_id")) else {
      throw Problem.invalid([.init(field: "customer_id", rule: "format", detail: "a customer id has 16 hexadecimal digits")])
    }
    return id
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
