// Tickets, their clocks and their history as JSON.
import Domain
import Runtime
import Text
import TicketsCore
import TicketsStore

enum TicketView {
  /// Pieces of a clock's time that are listed at most.
  static let segmentsMax = 2_000

  static func instant(_ instant: Instant?) -> JSONValue { instant.map { .text(RFC3339.text($0.microseconds)) } ?? .null }
  static func textOrNull(_ text: String) -> JSONValue { text.isEmpty ? .null : .text(text) }

  static func ticket(_ record: TicketRecord) -> [JSONMember] {
    let (ticket, origin) = (record.ticket, record.origin)
    return [
      JSONMember("ticket_id", .text(record.id.description)), JSONMember("version", .integer(record.version)),
      JSONMember("customer_id", .text(record.customer.description)), JSONMember("state", .text(ticket.state.rawValue)),
      JSONMember("state_name", .name(ticket.state.name)), JSONMember("kind", .textOrNull(ticket.subject.kind?.rawValue)),
      JSONMember("category", textOrNull(ticket.subject.category)), JSONMember("urgency", .textOrNull(ticket.subject.urgency?.rawValue)),
      JSONMember("priority", .text(ticket.priority.rawValue)), JSONMember("tier", .textOrNull(ticket.tier?.text)),
      JSONMember("owner", textOrNull(record.owner)), JSONMember("team", textOrNull(record.team)),
      JSONMember("channel", textOrNull(origin.channel)),
      JSONMember("source", textOrNull(origin.source)), JSONMember("reference", textOrNull(origin.reference)),
      JSONMember("order_id", .textOrNull(origin.orderID)), JSONMember("text", .text(origin.text)),
      JSONMember("attachments", .array(origin.attachments.map { ["reference": .text($0.reference), "name": textOrNull($0.name)] })),
      JSONMember("opened_at", instant(ticket.openedAt)), JSONMember("last_message_at", instant(ticket.lastMessageAt)),
      JSONMember("last_reply_at", instant(ticket.lastReplyAt)), JSONMember("replies", .integer(Int64(ticket.replies))),
      JSONMember("clocks", .array(ticket.clocks.map { .object(clock($0)) })),
      JSONMember("resolution_code", .textOrNull(ticket.resolution?.code)), JSONMember("root_cause", textOrNull(ticket.resolution?.rootCause ?? "")),
      JSONMember("complaint_upheld", .boolean(ticket.isUpheldComplaint)),
      JSONMember("resolved_at", instant(ticket.resolvedAt)), JSONMember("closed_at", instant(ticket.closedAt)),
      JSONMember("times_reopened", .integer(Int64(ticket.timesReopened))), JSONMember("merged_into", .textOrNull(ticket.mergedInto?.description)),
      JSONMember("acceptance", acceptance(ticket.acceptance)),
      JSONMember("steps", .array(ticket.mergedInto == nil ? ticket.state.steps.map { .text($0.rawValue) } : [])),
    ]
  }

  static func acceptance(_ acceptance: Acceptance?) -> JSONValue {
    guard let acceptance else { return .null }
    let decision = acceptance.accepted
    return [
      "state": .text(decision == nil ? "awaited" : "accepted"), "due_on": .text(acceptance.dueOn.description), "value": .textOrNull(decision?.value.rawValue),
      "value_name": decision.map { .name($0.value.name) } ?? .null, "note": textOrNull(decision?.note ?? ""), "actor": .textOrNull(decision?.actor.name),
      "reason": textOrNull(decision?.actor.reason ?? ""), "at": instant(decision?.at),
    ]
  }

  static func clock(_ clock: TicketClock) -> [JSONMember] {
    var deadline: JSONValue = .null
    var left: JSONValue = .null
    switch clock.deadline {
    case .at(let at): deadline = instant(at)
    case .paused(let microseconds): if clock.isRunning { left = .integer(microseconds / 1_000_000) }
    case .never: break
    }
    let done: Instant? =
      switch clock.outcome {
      case .running: nil
      case .met(let at), .withdrawn(let at): at
      case .missed(let at): at
      }
    return [
      JSONMember("clock", .text(clock.clock.rawValue)), JSONMember("name", .name(clock.clock.name)), JSONMember("started_at", instant(clock.startedAt)),
      JSONMember("within_seconds", .integer(clock.seconds)), JSONMember("calendar", .text(clock.calendar)), JSONMember("deadline", deadline),
      JSONMember("left_seconds", left), JSONMember("outcome", .text(clock.outcome.word)), JSONMember("done_at", instant(done)),
      JSONMember("percent_reached", .integer(Int64(clock.percentReached))),
    ]
  }

  /// A clock with every piece of its time; `segments` is null when there are too many.
  static func explanation(_ clock: TicketClock, of ticket: Ticket, at now: Instant, _ rules: TicketRules) -> JSONValue {
    let segments = ticket.segments(of: clock, until: now, rules.book, countMax: segmentsMax)
    let pieces = segments.map { segments -> JSONValue in
      .array(
        segments.map { segment in
          var members = [
            JSONMember("from", instant(segment.from)), JSONMember("to", instant(segment.to)), JSONMember("counts_as", .text(segment.kind.word)),
          ]
          if case .holiday(let name) = segment.kind { members.append(JSONMember("name", .name(name))) }
          return .object(members)
        })
    }
    return .object(
      self.clock(clock) + [
        JSONMember("counted_from", instant(clock.countedFrom)), JSONMember("standards_version", .integer(Int64(clock.versions.standards))),
        JSONMember("calendars_version", .integer(Int64(clock.versions.calendars))), JSONMember("rule", .integer(Int64(clock.rule))),
        JSONMember("on_day_off", .boolean(clock.isOnDayOff)), JSONMember("segments", pieces ?? .null),
      ])
  }

  static func event(_ stored: StoredTicketEvent) -> JSONValue {
    let event = stored.event
    return [
      "number": .integer(Int64(stored.number)), "kind": .text(event.kind.rawValue), "at": instant(event.at), "known_at": instant(stored.knownAt),
      "actor": .text(event.actor.name), "reason": textOrNull(event.actor.reason), "state_before": .text(event.before.rawValue),
      "state_after": .text(event.after.rawValue), "clock": .textOrNull(event.clock?.rawValue),
      "percent": event.step.map { .integer(Int64($0.percent)) } ?? .null, "role": .textOrNull(event.step?.role.rawValue), "text": textOrNull(event.text),
    ]
  }
}
