// How clocks, pauses and attachments lie in their columns: JSON, short names, moments in microseconds.
import Domain
import Postgres
import Text
import TicketsCore

extension TicketState {
  private static let numbered: [TicketState] = [.new, .open, .waitingForCustomer, .waitingForThirdParty, .reopened, .resolved, .closed]

  var number: Int16 { Int16(TicketState.numbered.firstIndex(of: self) ?? 0) }

  init(number: Int16) throws(PostgresFailure) {
    guard TicketState.numbered.indices.contains(Int(number)) else { throw damaged("state of a ticket") }
    self = TicketState.numbered[Int(number)]
  }
}

enum TicketText {
  // MARK: - Writing

  private static func moment(_ key: String, _ instant: Instant) -> JSONMember { JSONMember(key, .integer(instant.microseconds)) }

  static func encode(_ clocks: [TicketClock]) -> String { JSONValue.array(clocks.map { .object(members($0)) }).encodedText }

  private static func members(_ clock: TicketClock) -> [JSONMember] {
    var members = [
      JSONMember("clock", .text(clock.clock.rawValue)), moment("start", clock.startedAt), moment("from", clock.countedFrom),
      JSONMember("seconds", .integer(clock.seconds)), JSONMember("calendar", .text(clock.calendar)),
      JSONMember("standards", .integer(Int64(clock.versions.standards))), JSONMember("calendars", .integer(Int64(clock.versions.calendars))),
      JSONMember("rule", .integer(Int64(clock.rule))), JSONMember("percent", .integer(Int64(clock.percentReached))),
    ]
    if clock.isOnDayOff { members.append(JSONMember("day_off", true)) }
    switch clock.deadline {
    case .at(let at): members.append(moment("due", at))
    case .paused(let left): members.append(JSONMember("left", .integer(left)))
    case .never: break
    }
    switch clock.outcome {
    case .running: break
    case .met(let at): members.append(moment("met", at))
    case .missed(let at): members.append(JSONMember("missed", at.map { .integer($0.microseconds) } ?? .null))
    case .withdrawn(let at): members.append(moment("withdrawn", at))
    }
    return members
  }

  /// nil when there are none.
  static func encode(_ pauses: [Ticket.TicketPause]) -> String? {
    guard !pauses.isEmpty else { return nil }
    return JSONValue.array(
      pauses.map { wait in
        .object(
          [moment("from", wait.pause.from)] + (wait.pause.to.map { [moment("to", $0)] } ?? []) + [JSONMember("customer", .boolean(wait.isForCustomer))])
      }
    ).encodedText
  }

  static func encode(_ acceptance: Acceptance) -> String {
    var members = [JSONMember("due", .integer(Int64(acceptance.dueOn.number)))]
    if let decision = acceptance.accepted {
      members += [
        JSONMember("value", .text(decision.value.rawValue)), JSONMember("note", .text(decision.note)), JSONMember("actor", .text(decision.actor.name)),
        JSONMember("reason", .text(decision.actor.reason)), moment("at", decision.at),
      ]
    }
    return JSONValue.object(members).encodedText
  }

  static func encode(_ attachments: [ContactEvent.Attachment]) -> String? {
    guard !attachments.isEmpty else { return nil }
    return JSONValue.array(attachments.map { ["reference": .text($0.reference), "name": .text($0.name)] }).encodedText
  }

  // MARK: - Reading

  private static func items(_ text: String, _ what: String) throws -> [JSONValue] {
    guard let items = (try? JSONValue(parsing: text))?.arrayValue else { throw damaged(what) }
    return items
  }

  static func clocks(_ text: String) throws -> [TicketClock] {
    try items(text, "clock").map { item in
      guard let clock = clock(item) else { throw damaged("clock") }
      return clock
    }
  }

  private static func clock(_ item: JSONValue) -> TicketClock? {
    func moment(_ key: String) -> Instant? { item[key]?.int64Value.map(Instant.init(microseconds:)) }
    guard let clock = item["clock"]?.stringValue.flatMap(ServiceClock.init), let start = moment("start"), let from = moment("from"),
      let seconds = item["seconds"]?.int64Value, let calendar = item["calendar"]?.stringValue, let standards = item["standards"]?.intValue,
      let calendars = item["calendars"]?.intValue, let rule = item["rule"]?.intValue, let percent = item["percent"]?.intValue
    else { return nil }
    var outcome = TicketClock.Outcome.running
    if let at = moment("met") { outcome = .met(at: at) }
    if item["missed"] != nil { outcome = .missed(doneAt: moment("missed")) }
    if let at = moment("withdrawn") { outcome = .withdrawn(at: at) }
    let deadline = moment("due").map(Deadline.at) ?? item["left"]?.int64Value.map(Deadline.paused(leftMicroseconds:)) ?? .never
    return TicketClock(
      clock: clock, startedAt: start, countedFrom: from, seconds: seconds, calendar: calendar,
      versions: ServiceRuleVersions(standards: standards, calendars: calendars), rule: rule, isOnDayOff: item["day_off"]?.booleanValue ?? false,
      deadline: deadline, outcome: outcome, percentReached: percent)
  }

  static func pauses(_ text: String?) throws -> [Ticket.TicketPause] {
    guard let text else { return [] }
    return try items(text, "pause").map { item in
      guard let from = item["from"]?.int64Value, let isForCustomer = item["customer"]?.booleanValue else { throw damaged("pause") }
      let to = item["to"]?.int64Value.map(Instant.init(microseconds:))
      return Ticket.TicketPause(Pause(from: Instant(microseconds: from), to: to), isForCustomer: isForCustomer)
    }
  }

  static func acceptance(_ text: String) throws -> Acceptance {
    guard let item = try? JSONValue(parsing: text), let due = item["due"]?.int64Value else { throw damaged("acceptance") }
    var accepted: AcceptanceDecision?
    if let at = item["at"]?.int64Value, let value = item["value"]?.stringValue.flatMap(ValueGiven.init) {
      accepted = AcceptanceDecision(
        value: value, note: item["note"]?.stringValue ?? "",
        by: TicketActor(item["actor"]?.stringValue ?? "", because: item["reason"]?.stringValue ?? ""), at: Instant(microseconds: at))
    }
    return Acceptance(dueOn: Day(number: Int32(clamping: due)), accepted: accepted)
  }

  static func attachments(_ text: String?) throws -> [ContactEvent.Attachment] {
    guard let text else { return [] }
    return try items(text, "attachment").map { item in
      guard let reference = item["reference"]?.stringValue else { throw damaged("attachment") }
      return ContactEvent.Attachment(reference: reference, name: item["name"]?.stringValue ?? "")
    }
  }
}
