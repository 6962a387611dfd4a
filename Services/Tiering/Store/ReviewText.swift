// What people and time have to do with a customer's tier, as JSON in a column: empty for nearly all customers (T-07).
import Domain
import Postgres
import Text
import TieringCore

enum ReviewText {
  // MARK: - Writing

  /// nil when there is nothing to say.
  static func encode(_ review: ReviewState) -> [UInt8]? {
    guard !review.isEmpty else { return nil }
    var members: [JSONMember] = []
    if let open = review.proposal {
      let terms = open.terms.map { [JSONMember("terms", .object(self.terms($0)))] } ?? []
      members.append(
        JSONMember(
          "proposal",
          .object([
            JSONMember("tier", .text(open.tier.text)), JSONMember("opened_at", .integer(open.openedAt.microseconds)),
            JSONMember("expires", .text(open.expires.description)),
          ] + terms)))
    }
    if let closed = review.closed {
      var parts = [JSONMember("tier", .text(closed.tier.text))]
      if case .rejected(let score) = closed.cause { parts.append(JSONMember("rejected_at", score.map { .integer(Int64($0)) } ?? .null)) }
      members.append(JSONMember("closed", .object(parts)))
    }
    if let override = review.override {
      members.append(
        JSONMember(
          "override",
          .object([
            JSONMember("terms", .object(terms(override.terms))), JSONMember("before", .text(override.before.text)),
            JSONMember("since", .text(override.since.description)), JSONMember("confirmed_by", .text(override.confirmedBy)),
          ])))
    }
    if review.isOptedOut { members.append(JSONMember("opted_out", true)) }
    if let part = review.refusingPart { members.append(JSONMember("refusing_part", .text(part.description))) }
    if let landing = review.landing {
      members.append(
        JSONMember("landing", .object([JSONMember("tier", .text(landing.tier.text)), JSONMember("until", .text(landing.until.description))])))
    }
    if let notice = review.notice {
      members.append(
        JSONMember(
          "notice",
          .object([
            JSONMember("day", .text(notice.day.description)), JSONMember("tier", .text(notice.tier.text)), JSONMember("en", .text(notice.text.en)),
            JSONMember("zh", .text(notice.text.zh)),
          ])))
    }
    return JSONValue.object(members).encoded
  }

  private static func terms(_ terms: OverrideTerms) -> [JSONMember] {
    [
      JSONMember("tier", .text(terms.tier.text)), JSONMember("until", .text(terms.until.description)),
      JSONMember("at_next_rating", .text(terms.atNextRating.rawValue)), JSONMember("actor", .text(terms.actor)),
      JSONMember("reason", .text(terms.reason)),
    ]
  }

  static func encode(_ action: ReviewAction) -> [UInt8] {
    let terms = action.terms.map { [JSONMember("terms", .object(self.terms($0)))] } ?? []
    return JSONValue.object([JSONMember("actor", .text(action.actor)), JSONMember("reason", .text(action.reason))] + terms).encoded
  }

  /// One element for each customer.
  static func bind(_ customers: [RatedCustomer], _ parameters: inout Parameters) {
    parameters.beginArray(.text)
    for customer in customers {
      if let text = encode(customer.course.review) { text.withUnsafeBytes { parameters.element(utf8: $0) } } else { parameters.elementNull() }
    }
    parameters.endArray()
  }

  // MARK: - Reading

  static func decode(_ bytes: UnsafeRawBufferPointer?) throws(PostgresFailure) -> ReviewState {
    guard let bytes else { return ReviewState() }
    guard let document = try? JSONValue(bytes), let state = state(document) else { throw damaged("state of review") }
    return state
  }

  static func decodeAction(_ bytes: UnsafeRawBufferPointer?) throws(PostgresFailure) -> ReviewAction? {
    guard let bytes else { return nil }
    guard let document = try? JSONValue(bytes), let actor = document["actor"]?.stringValue, let reason = document["reason"]?.stringValue else {
      throw damaged("reviewer's action")
    }
    do throws(Unreadable) { return ReviewAction(actor: actor, reason: reason, terms: try part(document["terms"], terms)) } catch {
      throw damaged("reviewer's action")
    }
  }

  private struct Unreadable: Error {}

  /// A part that may be absent; what is there must be readable.
  private static func part<Value>(_ document: JSONValue?, _ read: (JSONValue) -> Value?) throws(Unreadable) -> Value? {
    guard let document else { return nil }
    guard let value = read(document) else { throw Unreadable() }
    return value
  }

  private static func state(_ document: JSONValue) -> ReviewState? {
    do throws(Unreadable) {
      return ReviewState(
        proposal: try part(document["proposal"], proposal), closed: try part(document["closed"], closed),
        override: try part(document["override"], override), isOptedOut: document["opted_out"]?.booleanValue ?? false,
        refusingPart: try part(document["refusing_part"]) { $0.stringValue.flatMap { CustomerID($0) } },
        landing: try part(document["landing"], landing), notice: try part(document["notice"], notice))
    } catch { return nil }
  }

  private static func proposal(_ document: JSONValue) -> OpenProposal? {
    guard let tier = tier(document["tier"]), let opened = document["opened_at"]?.int64Value, let expires = day(document["expires"]) else { return nil }
    let terms: OverrideTerms?
    do throws(Unreadable) { terms = try part(document["terms"], self.terms) } catch { return nil }
    return OpenProposal(tier: tier, openedAt: Instant(microseconds: opened), expires: expires, terms: terms)
  }

  private static func closed(_ document: JSONValue) -> ClosedProposal? {
    guard let tier = tier(document["tier"]) else { return nil }
    let isRejected = document.members?.contains { $0.key == "rejected_at" } ?? false
    return ClosedProposal(tier: tier, cause: isRejected ? .rejected(score: document["rejected_at"]?.intValue) : .expired)
  }

  private static func landing(_ document: JSONValue) -> Landing? {
    guard let tier = tier(document["tier"]), let until = day(document["until"]) else { return nil }
    return Landing(tier: tier, until: until)
  }

  private static func notice(_ document: JSONValue) -> LossNotice? {
    guard let day = day(document["day"]), let tier = tier(document["tier"]), let en = document["en"]?.stringValue, let zh = document["zh"]?.stringValue
    else { return nil }
    return LossNotice(day: day, tier: tier, text: LocalizedName(en: en, zh: zh))
  }

  private static func override(_ document: JSONValue) -> TierOverride? {
    guard let terms = document["terms"].flatMap(terms), let before = tier(document["before"]), let since = day(document["since"]),
      let confirmedBy = document["confirmed_by"]?.stringValue
    else { return nil }
    return TierOverride(terms: terms, before: before, since: since, confirmedBy: confirmedBy)
  }

  private static func terms(_ document: JSONValue) -> OverrideTerms? {
    guard let tier = tier(document["tier"]), let until = day(document["until"]),
      let next = document["at_next_rating"]?.stringValue.flatMap(OverrideTerms.AtNextRating.init), let actor = document["actor"]?.stringValue,
      let reason = document["reason"]?.stringValue
    else { return nil }
    return OverrideTerms(tier: tier, until: until, atNextRating: next, actor: actor, reason: reason)
  }

  private static func tier(_ document: JSONValue?) -> TierID? { document?.stringValue.flatMap { TierID($0) } }
  private static func day(_ document: JSONValue?) -> Day? { document?.stringValue.flatMap { Day($0) } }
}
