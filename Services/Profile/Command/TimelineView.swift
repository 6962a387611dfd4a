// One timeline of a customer over all channels (P-13): what it bought, told, did and answered, newest first, page by page.
import Access
import Domain
import HTTP
import Handling
import Postgres
import ProfileCore
import ProfileStore
import Text

/// One thing that happened.
struct TimelineEntry {
  let type: String
  let place: TimelinePlace
  let members: [JSONMember]

  init(_ type: String, _ place: TimelinePlace, channel: String = "", _ more: [JSONMember]) {
    (self.type, self.place) = (type, place)
    var members = [
      JSONMember("at", .text(RFC3339.text(place.at.microseconds))), JSONMember("type", .text(type)), JSONMember("source", .text(place.source)),
    ]
    if !channel.isEmpty { members.append(JSONMember("channel", .text(channel))) }
    self.members = members + more
  }
}

/// What is asked for.
struct TimelineQuestion: Sendable {
  /// What may be on it, by name; contacts, behaviours and answers with the numbers they have in the table.
  static let interactions: [(name: String, number: Int16)] = [("contact", 1), ("behaviour", 2), ("answer", 3)]
  static let kinds = ["order", "registration"] + interactions.map(\.name)

  var kinds: Set<String>
  var before: TimelinePlace
  /// Only what happened before this moment.
  var until: Instant
  /// Only what was known at the end of this day; nil: everything.
  var knownOn: Day?
  var limit: Int

  init(_ request: Request, zone: BusinessZone) throws {
    let query = Query(request)
    limit = try query.limit()
    before = try query.value("before", rule: "format", "give the `next` of the page before") { TimelineQuestion.place($0) } ?? .end
    let days = try query.days()
    knownOn = days.knownOn
    until = days.asOf.map { zone.startOfDay($0 + 1) } ?? TimelinePlace.end.at
    let names = (request.query["kinds"] ?? TimelineQuestion.kinds.joined(separator: ",")).split(separator: ",").map(String.init)
    guard !names.isEmpty, names.allSatisfy({ TimelineQuestion.kinds.contains($0) }) else {
      throw Problem.invalid([.init(field: "kinds", rule: "enum", detail: "kinds is a list of \(TimelineQuestion.kinds.joined(separator: ","))")])
    }
    kinds = Set(names)
  }

  static func text(_ place: TimelinePlace) -> String { "\(place.at.microseconds):\(place.kind):\(place.source.utf8.count):\(place.source)\(place.id)" }

  static func place(_ text: String) -> TimelinePlace? {
    let parts = text.split(separator: ":", maxSplits: 3, omittingEmptySubsequences: false)
    guard parts.count == 4, let at = Int64(parts[0]), let kind = Int16(parts[1]), let given = Int(parts[2]), given >= 0,
      abs(at) <= TimelinePlace.end.at.microseconds, !text.contains("\0")
    else { return nil }
    let bytes = Array(parts[3].utf8)
    let count = min(given, bytes.count)
    return TimelinePlace(
      at: Instant(microseconds: at), kind: kind, source: String(decoding: bytes[..<count], as: UTF8.self),
      id: String(decoding: bytes[count...], as: UTF8.self))
  }
}

struct TimelineView {
  let environment: ProfileEnvironment

  /// A page as whoever asks may see it, and where the next one begins.
  func page(of customer: CustomerID, _ question: TimelineQuestion, to request: Request, _ session: PostgresSession) throws -> JSONValue {
    var store = PostgresProfileStore(session)
    let facts = try CustomerFacts.load([customer], knownOn: question.knownOn, from: &store)
    let identities = (facts.identities[customer] ?? []).map(\.id)
    var entries: [TimelineEntry] = []
    if question.kinds.contains("order") { for (_, record) in facts.orders[customer] ?? [] { entries += orderEntries(record) } }
    if question.kinds.contains("registration") { entries += facts.registrations(of: customer).map(registrationEntry) }
    entries = entries.filter { $0.place < question.before && $0.place.at < question.until }
    let numbers = TimelineQuestion.interactions.filter { question.kinds.contains($0.name) }.map(\.number)
    if !numbers.isEmpty {
      let found = try InteractionRows.latest(
        of: identities, kinds: numbers, before: question.before, until: question.until, knownOn: question.knownOn, limit: question.limit + 1, session)
      entries += found.map(interactionEntry)
    }
    entries.sort { $1.place < $0.place }
    let page = entries.prefix(question.limit)
    return [
      "customer_id": .text(customer.description), "entries": .array(page.map { request.masking(.object($0.members), $0.type, of: customer) }),
      "next": entries.count > question.limit ? .textOrNull(page.last.map { TimelineQuestion.text($0.place) }) : .null,
    ]
  }

  private func money(_ minorUnits: Int64) -> JSONValue { .text(MinorUnits.text(minorUnits, digits: environment.currency.minorDigits)) }

  private func orderEntries(_ record: OrderRecord) -> [TimelineEntry] {
    let order = JSONMember("order_id", .text(record.orderID.isEmpty ? record.creditNote : record.orderID))
    func place(_ at: Instant, _ what: String) -> TimelinePlace {
      TimelinePlace(at: at, kind: 0, source: record.source, id: "\(record.orderID) \(record.creditNote) \(what)")
    }
    var entries: [TimelineEntry] = []
    if let header = record.header {
      let lines = header.lines.map { line -> JSONValue in ["sku": .text(line.sku), "name": .text(line.name), "quantity": .text(line.quantity)] }
      entries.append(
        TimelineEntry(
          "order", place(header.orderedAt, "order"), channel: header.channel,
          [order, JSONMember("amount", money(header.baseMinorUnits)), JSONMember("lines", .array(lines))]))
      if let paidAt = header.paidAt {
        entries.append(TimelineEntry("payment", place(paidAt, "paid"), channel: header.channel, [order, JSONMember("amount", money(header.baseMinorUnits))]))
      }
    }
    for movement in record.movements {
      entries.append(
        TimelineEntry(
          movement.kind.name, place(movement.at, "\(movement.kind.name) \(movement.reference)"),
          [order, JSONMember("amount", money(movement.baseMinorUnits))]))
    }
    return entries
  }

  private func registrationEntry(_ event: CustomerEvent) -> TimelineEntry {
    TimelineEntry(
      "registration", TimelinePlace(at: event.occurredAt, kind: 0, source: event.source, id: "registration \(event.eventID)"),
      [JSONMember("changed", .array(event.attributes.keys.sorted().map { .text($0.key) }))])
  }

  private func interactionEntry(_ interaction: InteractionEvent) -> TimelineEntry {
    let number = TimelineQuestion.interactions.first { $0.name == interaction.name }?.number ?? 0
    let place = TimelinePlace(at: interaction.occurredAt, kind: number, source: interaction.source, id: interaction.eventID)
    func text(_ key: String, _ value: String) -> [JSONMember] { value.isEmpty ? [] : [JSONMember(key, .text(value))] }
    switch interaction {
    case .contact(let event):
      return TimelineEntry(
        "contact", place, channel: event.channel,
        [JSONMember("direction", .text(event.direction.rawValue))] + text("kind", event.kind?.rawValue ?? "") + text("category", event.category)
          + text("urgency", event.urgency?.rawValue ?? "") + text("order_id", event.orderID ?? "") + text("reference", event.reference)
          + text("text", event.text))
    case .behaviour(let event):
      return TimelineEntry(
        "behaviour", place, channel: event.channel,
        [JSONMember("name", .text(event.name)), JSONMember("count", .integer(event.count))] + text("item", event.item) + text("category", event.category)
          + text("text", event.text))
    case .answer(let event):
      return TimelineEntry(
        "answer", place, channel: event.channel,
        [JSONMember("survey", .text(event.survey)), JSONMember("metric", .text(event.metric.rawValue)), JSONMember("score", .integer(event.score))]
          + text("ticket_id", event.ticketID ?? "") + text("order_id", event.orderID ?? "") + text("comment", event.comment))
    }
  }
}

extension InteractionEvent {
  var name: String {
    switch self {
    case .contact: "contact"
    case .behaviour: "behaviour"
    case .answer: "answer"
    }
  }
}
