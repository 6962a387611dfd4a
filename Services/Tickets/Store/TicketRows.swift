// Tickets and their history in their tables.
public import Domain
import Handling
import Postgres
import Text
import TicketsCore

enum TicketRow {
  private static let names = [
    "ticket_id", "version", "identity_id", "customer_id", "state", "kind", "category", "urgency", "priority", "tier", "channel", "source", "reference",
    "order_id", "body", "attachments", "owner", "opened_at", "last_message_at", "last_reply_at", "last_step_at", "replies", "clocks", "pauses",
    "resolution_code", "root_cause", "resolved_at", "closed_at", "times_reopened", "merged_into", "events", "standards_version", "calendars_version", "team",
    "upheld", "acceptance", "acceptance_due", "due_at",
  ]
  private static let types = [
    "int8", "int8", "int8", "int8", "int2", "text", "text", "text", "int2", "text", "text", "text", "text", "text", "text", "text", "text",
    "timestamptz", "timestamptz", "timestamptz", "timestamptz", "int4", "text", "text", "text", "text", "timestamptz", "timestamptz", "int4", "int8",
    "int4", "int4", "int4", "text", "bool", "text", "date", "timestamptz",
  ]
  static let columns = names.joined(separator: ", ")
  static let columnCount = names.count
  private static let arrays = types.enumerated().map { "$\($0.offset + 1)::\($0.element)[]" }.joined(separator: ", ")
  private static let insert = Statement(
    name: "tickets_insert", sql: "INSERT INTO tickets (\(columns)) SELECT * FROM unnest(\(arrays)) AS u(\(columns)) ORDER BY u.ticket_id")
  private static let update = Statement(
    name: "tickets_update",
    sql: """
      UPDATE tickets t SET \(names.dropFirst().map { "\($0) = u.\($0)" }.joined(separator: ", "))
      FROM unnest(\(arrays)) AS u(\(columns)) WHERE t.ticket_id = u.ticket_id
      """)

  /// Where nothing is due: as the table has it for new rows.
  private static let neverDue = RFC3339.micros.upperBound

  static func insert(_ records: [TicketRecord], _ session: PostgresSession) throws { try write(records, insert, session) }
  static func update(_ records: [TicketRecord], _ session: PostgresSession) throws { try write(records, update, session) }

  private static func write(_ records: [TicketRecord], _ statement: Statement, _ session: PostgresSession) throws {
    guard !records.isEmpty else { return }
    let tickets = records.map(\.ticket)
    _ = try session.run(statement) { parameters in
      parameters.int64Array(records.map(\.id.number))
      parameters.int64Array(records.map(\.version))
      parameters.int64Array(records.map(\.identity.number))
      parameters.int64Array(records.map(\.customer.number))
      parameters.int16Array(tickets.map(\.state.number))
      parameters.textArray(nullable: tickets.map(\.subject.kind?.rawValue))
      parameters.textArray(tickets.map(\.subject.category))
      parameters.textArray(nullable: tickets.map(\.subject.urgency?.rawValue))
      parameters.int16Array(tickets.map { Int16($0.priority.rank) })
      parameters.textArray(nullable: tickets.map(\.tier?.text))
      parameters.textArray(records.map(\.origin.channel))
      parameters.textArray(records.map(\.origin.source))
      parameters.textArray(records.map(\.origin.reference))
      parameters.textArray(nullable: records.map(\.origin.orderID))
      parameters.textArray(records.map(\.origin.text))
      parameters.textArray(nullable: records.map { TicketText.encode($0.origin.attachments) })
      parameters.textArray(records.map(\.owner))
      parameters.timestamptzArray(tickets.map(\.openedAt.microseconds))
      parameters.timestamptzArray(tickets.map(\.lastMessageAt.microseconds))
      parameters.timestamptzArray(nullable: tickets.map(\.lastReplyAt?.microseconds))
      parameters.timestamptzArray(tickets.map(\.lastStepAt.microseconds))
      parameters.int32Array(tickets.map { Int32(clamping: $0.replies) })
      parameters.textArray(tickets.map { TicketText.encode($0.clocks) })
      parameters.textArray(nullable: tickets.map { TicketText.encode($0.pauses) })
      parameters.textArray(nullable: tickets.map(\.resolution?.code))
      parameters.textArray(nullable: tickets.map(\.resolution?.rootCause))
      parameters.timestamptzArray(nullable: tickets.map(\.resolvedAt?.microseconds))
      parameters.timestamptzArray(nullable: tickets.map(\.closedAt?.microseconds))
      parameters.int32Array(tickets.map { Int32(clamping: $0.timesReopened) })
      parameters.int64Array(nullable: tickets.map(\.mergedInto?.number))
      parameters.int32Array(records.map { Int32(clamping: $0.events) })
      parameters.int32Array(nullable: tickets.map { ticket in ticket.clocks.filter(\.isRunning).map { Int32(clamping: $0.versions.standards) }.min() })
      parameters.int32Array(nullable: tickets.map { ticket in ticket.clocks.filter(\.isRunning).map { Int32(clamping: $0.versions.calendars) }.min() })
      parameters.textArray(records.map(\.team))
      parameters.boolArray(tickets.map { $0.resolution?.isUpheld ?? false })
      parameters.textArray(nullable: tickets.map { $0.acceptance.map(TicketText.encode) })
      parameters.beginArray(.date)
      for ticket in tickets {
        if let due = ticket.acceptance?.dueOn, ticket.isAcceptanceAwaited { parameters.element(unixDays: due.number) } else { parameters.elementNull() }
      }
      parameters.endArray()
      parameters.timestamptzArray(tickets.map { $0.dueAt?.microseconds ?? neverDue })
    }
  }

  /// Where the ticket stands among those that are ordered by what is due first.
  static func place(of record: TicketRecord) -> Instant { record.ticket.dueAt ?? Instant(microseconds: neverDue) }

  static func read(_ rows: Rows, _ row: Int) throws -> TicketRecord {
    func moment(_ column: Int) throws -> Instant { Instant(microseconds: try rows.timestamptz(row, column)) }
    func momentOrNil(_ column: Int) throws -> Instant? { try rows.timestamptzOrNil(row, column).map(Instant.init(microseconds:)) }
    let priorities = ServicePriority.allCases
    let rank = Int(try rows.int16(row, 8)) - 1
    guard priorities.indices.contains(rank) else { throw damaged("priority") }
    let subject = TicketSubject(
      kind: try choice(rows, row, 5, "kind"), category: try rows.text(row, 6), urgency: try choice(rows, row, 7, "urgency"))
    let tier = try rows.textOrNil(row, 9).map { text in
      guard let tier = TierID(text) else { throw damaged("tier") }
      return tier
    }
    let code = try rows.textOrNil(row, 24)
    let cause = try rows.textOrNil(row, 25) ?? ""
    let isUpheld = try rows.bool(row, 34)
    let ticket = Ticket(
      id: TicketID(number: try rows.int64(row, 0)), state: try TicketState(number: try rows.int16(row, 4)), subject: subject, tier: tier,
      priority: priorities[rank], openedAt: try moment(17), lastMessageAt: try moment(18), lastReplyAt: try momentOrNil(19), lastStepAt: try moment(20),
      replies: Int(try rows.int32(row, 21)), clocks: try TicketText.clocks(try rows.text(row, 22)),
      pauses: try TicketText.pauses(try rows.textOrNil(row, 23)), resolution: code.map { TicketResolution(code: $0, rootCause: cause, isUpheld: isUpheld) },
      resolvedAt: try momentOrNil(26), closedAt: try momentOrNil(27), timesReopened: Int(try rows.int32(row, 28)),
      mergedInto: try rows.int64OrNil(row, 29).map(TicketID.init(number:)), acceptance: try rows.textOrNil(row, 35).map(TicketText.acceptance))
    return TicketRecord(
      ticket: ticket, version: try rows.int64(row, 1), identity: CustomerID(number: try rows.int64(row, 2)),
      customer: CustomerID(number: try rows.int64(row, 3)),
      origin: TicketOrigin(
        channel: try rows.text(row, 10), source: try rows.text(row, 11), reference: try rows.text(row, 12), orderID: try rows.textOrNil(row, 13),
        text: try rows.text(row, 14), attachments: try TicketText.attachments(try rows.textOrNil(row, 15))),
      owner: try rows.text(row, 16), team: try rows.text(row, 33), events: Int(try rows.int32(row, 30)))
  }

  private static func choice<Choice: RawRepresentable<String>>(_ rows: Rows, _ row: Int, _ column: Int, _ what: String) throws -> Choice? {
    try rows.textOrNil(row, column).map { text in
      guard let choice = Choice(rawValue: text) else { throw damaged(what) }
      return choice
    }
  }
}

/// One line of a ticket's history.
public struct StoredTicketEvent: Sendable {
  public let number: Int
  public let event: TicketEvent
  /// When it became known here, in business time.
  public let knownAt: Instant
}

enum TicketEventRow {
  private static let insert = Statement(
    name: "ticket_events_insert",
    sql: """
      INSERT INTO ticket_events (ticket_id, number, kind, at, known_at, actor, reason, before, after, clock, percent, role, body)
      SELECT u.ticket_id, u.number, u.kind, u.at, $13, u.actor, u.reason, u.before, u.after, u.clock, u.percent, u.role, u.body
      FROM unnest($1::int8[], $2::int4[], $3::text[], $4::timestamptz[], $5::text[], $6::text[], $7::int2[], $8::int2[], $9::text[], $10::int4[],
        $11::text[], $12::text[]) AS u(ticket_id, number, kind, at, actor, reason, before, after, clock, percent, role, body)
      """)
  private static let page = Statement(
    name: "ticket_events_page",
    sql: """
      SELECT number, kind, at, known_at, actor, reason, before, after, clock, percent, role, body FROM ticket_events
      WHERE ticket_id = $1 AND number > $2 ORDER BY number LIMIT $3
      """)

  /// - Parameter records: with their counts of events after these.
  static func insert(_ events: [(ticket: TicketID, event: TicketEvent)], of records: [TicketRecord], at now: Instant, _ session: PostgresSession) throws {
    guard !events.isEmpty else { return }
    var counts: [TicketID: Int] = [:]
    for (ticket, _) in events { counts[ticket, default: 0] += 1 }
    var next = Dictionary(records.map { ($0.id, $0.events - (counts[$0.id] ?? 0)) }) { first, _ in first }
    let numbers = events.map { ticket, _ in
      next[ticket, default: 0] += 1
      return Int32(clamping: next[ticket] ?? 0)
    }
    _ = try session.run(insert) { parameters in
      parameters.int64Array(events.map(\.ticket.number))
      parameters.int32Array(numbers)
      parameters.textArray(events.map(\.event.kind.rawValue))
      parameters.timestamptzArray(events.map(\.event.at.microseconds))
      parameters.textArray(events.map(\.event.actor.name))
      parameters.textArray(events.map(\.event.actor.reason))
      parameters.int16Array(events.map(\.event.before.number))
      parameters.int16Array(events.map(\.event.after.number))
      parameters.textArray(nullable: events.map(\.event.clock?.rawValue))
      parameters.int32Array(nullable: events.map { $0.event.step.map { Int32(clamping: $0.percent) } })
      parameters.textArray(nullable: events.map(\.event.step?.role.rawValue))
      parameters.textArray(events.map(\.event.text))
      parameters.timestamptz(now.microseconds)
    }
  }

  static func page(of ticket: TicketID, after number: Int, limit: Int, _ session: PostgresSession) throws -> [StoredTicketEvent] {
    let rows = try session.query(page) { parameters in
      parameters.int64(ticket.number)
      parameters.int32(Int32(clamping: number))
      parameters.int64(Int64(limit))
    }
    return try (0..<rows.count).map { row in
      guard let kind = TicketEvent.Kind(rawValue: try rows.text(row, 1)) else { throw damaged("event of a ticket") }
      let percent = try rows.int32OrNil(row, 9)
      let role = try rows.textOrNil(row, 10).flatMap(LadderStep.Role.init)
      let step = percent.flatMap { percent in role.map { LadderStep(percent: Int(percent), role: $0) } }
      let event = TicketEvent(
        kind, at: Instant(microseconds: try rows.timestamptz(row, 2)), by: TicketActor(try rows.text(row, 4), because: try rows.text(row, 5)),
        before: try TicketState(number: try rows.int16(row, 6)), after: try TicketState(number: try rows.int16(row, 7)),
        clock: try rows.textOrNil(row, 8).flatMap(ServiceClock.init), step: step, text: try rows.text(row, 11))
      return StoredTicketEvent(number: Int(try rows.int32(row, 0)), event: event, knownAt: Instant(microseconds: try rows.timestamptz(row, 3)))
    }
  }
}
