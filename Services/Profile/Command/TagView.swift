// The tags of one customer as the API shows them: since when, why, and who gave what (P-10).
import Domain
import Postgres
import ProfileCore
import ProfileStore
import Runtime
import Text

struct TagView {
  /// Contacts, behaviours and answers of the customer, all of them.
  let interactions: [InteractionEvent]
  /// What people gave, ever.
  let given: [ManualTag]
  private let environment: ProfileEnvironment
  private let history: TagHistory
  private let day: Day
  private let isPast: Bool

  /// - Parameter isPast: what holds on the day is asked for, not what holds now.
  init(
    of customer: CustomerID, _ facts: CustomerFacts, _ environment: ProfileEnvironment, on day: Day, isPast: Bool, _ session: PostgresSession
  ) throws {
    let zone = environment.rules.zone
    var store = PostgresProfileStore(session)
    interactions = try facts.interactions(of: customer, from: &store)
    let manual = try store.manualTags(of: (facts.identities[customer] ?? []).map(\.id))
    given = facts.knownOn.map { day in manual.compactMap { $0.asKnown(on: day, in: zone) } } ?? manual
    let registered = try TagRegister.history(currency: environment.currency, in: zone, session)
    let rules = registered.isEmpty ? [TagRulesInForce(since: Day(number: .min), rules: environment.rules.tags)] : registered
    let known = TagFacts(
      orders: (facts.orders[customer] ?? []).map(\.record), registrations: facts.registrations(of: customer),
      interactions: interactions.map { TagInteraction($0, in: zone) })
    history = TagHistory(known, by: rules, lifecycle: environment.rules.lifecycle, in: zone, through: day)
    self.environment = environment
    self.day = day
    self.isPast = isPast
  }

  /// What the customer has on the day: by rules, then from people.
  var current: [JSONValue] {
    let derived = history.spans.filter { $0.cleared == nil }.sorted { $0.tag < $1.tag }.map { span -> JSONValue in
      .object([JSONMember("tag", .text(span.tag.text)), JSONMember("source", "rule")] + describe(span))
    }
    let manual = given.filter { isPast ? $0.holds(on: day, in: environment.rules.zone) : $0.holdsNow(on: day) }.sorted { ($0.tag, $0.id) < ($1.tag, $1.id) }
    return derived + manual.map { tag in .object([JSONMember("tag", .text(tag.tag)), JSONMember("source", "person")] + describe(tag)) }
  }

  /// Times in which rules held, the latest first.
  static let spansMax = 200

  var json: [JSONMember] {
    let past = history.spans.sorted { ($1.from, $1.tag) < ($0.from, $0.tag) }.prefix(TagView.spansMax).map { span -> JSONValue in
      .object(
        [JSONMember("tag", .text(span.tag.text))] + describe(span) + [
          JSONMember("cleared", .textOrNull(span.cleared?.day.description)), JSONMember("cleared_because", span.cleared.map { text($0.reason) } ?? .null),
        ])
    }
    return [
      JSONMember("as_of", .text(day.description)), JSONMember("tags", .array(current)), JSONMember("history", .array(Array(past))),
      JSONMember("given", .array(given.map(TagView.record))),
    ]
  }

  private func describe(_ span: TagSpan) -> [JSONMember] {
    [
      JSONMember("name", .name(span.name)), JSONMember("group", .text(span.group.rawValue)),
      JSONMember("since", .text(span.from.description)), JSONMember("because", text(span.reason)),
      JSONMember("rules_version", .integer(Int64(span.reason.version))),
    ]
  }

  private func describe(_ tag: ManualTag) -> [JSONMember] {
    [
      JSONMember("since", .text(environment.rules.zone.day(of: tag.at).description)), JSONMember("until", .textOrNull(tag.until?.description)),
      JSONMember("actor", .text(tag.actor)), JSONMember("reason", .text(tag.reason)),
    ]
  }

  private func text(_ reason: TagReason) -> JSONValue {
    let digits = environment.currency.minorDigits
    return ["en": .text(reason.text(in: .english, minorDigits: digits)), "zh": .text(reason.text(in: .chinese, minorDigits: digits))]
  }

  /// What a person gave, with its end.
  static func record(_ tag: ManualTag) -> JSONValue {
    [
      "id": .integer(tag.id), "tag": .text(tag.tag), "at": .text(RFC3339.text(tag.at.microseconds)), "actor": .text(tag.actor), "reason": .text(tag.reason),
      "until": .textOrNull(tag.until?.description), "removed_at": .textOrNull(tag.removedAt.map { RFC3339.text($0.microseconds) }),
      "removed_by": .textOrNull(tag.removedAt == nil ? nil : tag.removedBy),
      "removal_reason": .textOrNull(tag.removedAt == nil ? nil : tag.removalReason),
    ]
  }
}
