// Invitations in their table.
import Contracts
import Domain
import FeedbackCore
import Postgres
import Text

enum InvitationRows {
  static let columns = """
    invitation_id, identity_id, customer_id, survey, survey_version, metric, tier, cause, reason, reference, ticket_id, order_id, item, channel, language, \
    actor, created_at, sent_at, expires_at, opened_at, score, said, scored_at, said_at, answered_at, planned_at, not_after, purpose, holds, held, \
    dropped_at, dropped, reminded_at, delivery, delivery_at, delivery_reason, withdrawn_at
    """
  private static let made = """
    invitation_id, identity_id, customer_id, survey, survey_version, metric, tier, cause, reason, reference, ticket_id, order_id, item, channel, language, \
    actor, created_at, sent_at, expires_at, planned_at, not_after, purpose
    """
  private static let insertNew = Statement(
    name: "invitations_insert",
    sql: """
      INSERT INTO invitations (\(made)) SELECT * FROM unnest($1::int8[], $2::int8[], $3::int8[], $4::text[], $5::int4[], $6::text[], $7::text[], $8::text[],
        $9::text[], $10::text[], $11::text[], $12::text[], $13::text[], $14::text[], $15::text[], $16::text[], $17::timestamptz[], $18::timestamptz[],
        $19::timestamptz[], $20::timestamptz[], $21::timestamptz[], $22::text[]) AS u(\(made)) ORDER BY u.invitation_id
      ON CONFLICT DO NOTHING RETURNING invitation_id
      """)

  /// Writes what is new; returns the numbers of those.
  static func insert(_ invitations: [Invitation], _ session: PostgresSession) throws -> Set<InvitationID> {
    guard !invitations.isEmpty else { return [] }
    let rows = try session.query(insertNew) { parameters in
      parameters.int64Array(invitations.map(\.id.number))
      parameters.int64Array(invitations.map(\.identity.number))
      parameters.int64Array(invitations.map(\.customer.number))
      parameters.textArray(invitations.map(\.survey.name))
      parameters.int32Array(invitations.map { Int32(clamping: $0.survey.version) })
      parameters.textArray(invitations.map(\.metric.rawValue))
      parameters.textArray(nullable: invitations.map(\.tier?.text))
      parameters.textArray(invitations.map(\.cause.kind.rawValue))
      parameters.textArray(invitations.map(\.cause.reason))
      parameters.textArray(invitations.map(\.cause.reference))
      parameters.textArray(nullable: invitations.map(\.subject.ticketID))
      parameters.textArray(nullable: invitations.map(\.subject.orderID))
      parameters.textArray(invitations.map(\.subject.item))
      parameters.textArray(invitations.map(\.channel))
      parameters.textArray(nullable: invitations.map(\.language?.rawValue))
      parameters.textArray(invitations.map(\.actor))
      parameters.timestamptzArray(invitations.map(\.createdAt.microseconds))
      parameters.timestamptzArray(nullable: invitations.map(\.sentAt?.microseconds))
      parameters.timestamptzArray(invitations.map(\.expiresAt.microseconds))
      parameters.timestamptzArray(nullable: invitations.map(\.plan?.at.microseconds))
      parameters.timestamptzArray(nullable: invitations.map(\.plan?.notAfter.microseconds))
      parameters.textArray(invitations.map(\.purpose.rawValue))
    }
    return Set(try (0..<rows.count).map { InvitationID(number: try rows.int64($0, 0)) })
  }

  private static let lockRows = Statement(
    name: "invitations_lock",
    sql: "SELECT \(columns) FROM invitations WHERE invitation_id = ANY($1::int8[]) ORDER BY invitation_id FOR NO KEY UPDATE")

  static func lock(_ ids: [InvitationID], _ session: PostgresSession) throws -> [Invitation] {
    guard !ids.isEmpty else { return [] }
    let rows = try session.query(lockRows) { $0.int64Array(ids.map(\.number)) }
    return try (0..<rows.count).map { try read(rows, $0) }
  }

  private static let peekRows = Statement(
    name: "invitations_peek", sql: "SELECT \(columns) FROM invitations WHERE invitation_id = ANY($1::int8[]) ORDER BY invitation_id")

  static func peek(_ ids: [InvitationID], _ session: PostgresSession) throws -> [Invitation] {
    let rows = try session.query(peekRows) { $0.int64Array(ids.map(\.number)) }
    return try (0..<rows.count).map { try read(rows, $0) }
  }

  private static let plannedAbout = Statement(
    name: "invitations_lock_about",
    sql: """
      SELECT \(columns) FROM invitations
      WHERE ticket_id = ANY($1::text[]) AND planned_at IS NOT NULL AND sent_at IS NULL AND dropped_at IS NULL
      ORDER BY invitation_id FOR NO KEY UPDATE
      """)

  static func lockPlanned(aboutTickets tickets: [String], _ session: PostgresSession) throws -> [Invitation] {
    let rows = try session.query(plannedAbout) { $0.textArray(tickets) }
    return try (0..<rows.count).map { try read(rows, $0) }
  }

  private static let sentTo = Statement(
    name: "invitations_lock_sent",
    sql: """
      SELECT \(columns) FROM invitations
      WHERE customer_id = ANY($1::int8[]) AND planned_at IS NOT NULL AND sent_at IS NOT NULL AND withdrawn_at IS NULL AND expires_at > $2
      ORDER BY invitation_id FOR NO KEY UPDATE
      """)

  static func lockSent(to customers: [CustomerID], at now: Instant, _ session: PostgresSession) throws -> [Invitation] {
    guard !customers.isEmpty else { return [] }
    let rows = try session.query(sentTo) { parameters in
      parameters.int64Array(customers.map(\.number))
      parameters.timestamptz(now.microseconds)
    }
    return try (0..<rows.count).map { try read(rows, $0) }
  }

  static let write = Statement(
    name: "invitations_update",
    sql: """
      UPDATE invitations i SET sent_at = u.sent, opened_at = u.opened, score = u.score, said = u.said, scored_at = u.scored, said_at = u.last,
        answered_at = u.answered, expires_at = u.expires, holds = u.holds, held = u.held, dropped_at = u.dropped_at, dropped = u.dropped,
        reminded_at = u.reminded, delivery = u.delivery, delivery_at = u.delivery_at, delivery_reason = u.delivery_reason,
        withdrawn_at = u.withdrawn
      FROM unnest($1::int8[], $2::timestamptz[], $3::timestamptz[], $4::int2[], $5::text[], $6::timestamptz[], $7::timestamptz[], $8::timestamptz[],
        $9::timestamptz[], $10::int4[], $11::text[], $12::timestamptz[], $13::text[], $14::timestamptz[], $15::text[],
        $16::timestamptz[], $17::text[], $18::timestamptz[]) AS u(id, sent, opened, score, said, scored, last, answered, expires, holds, held, dropped_at,
        dropped, reminded, delivery, delivery_at, delivery_reason, withdrawn) WHERE i.invitation_id = u.id
      """)

  /// How far invitations came that are locked.
  static func update(_ invitations: [Invitation], _ session: PostgresSession) throws {
    guard !invitations.isEmpty else { return }
    _ = try session.run(write) { bind(invitations, &$0) }
  }

  static func bind(_ invitations: [Invitation], _ parameters: inout Parameters) {
    parameters.int64Array(invitations.map(\.id.number))
    parameters.timestamptzArray(nullable: invitations.map(\.sentAt?.microseconds))
    parameters.timestamptzArray(nullable: invitations.map(\.openedAt?.microseconds))
    parameters.int16Array(nullable: invitations.map { $0.draft.score.map { Int16(clamping: $0) } })
    parameters.textArray(nullable: invitations.map { encode($0.draft) })
    parameters.timestamptzArray(nullable: invitations.map(\.scoredAt?.microseconds))
    parameters.timestamptzArray(nullable: invitations.map(\.saidAt?.microseconds))
    parameters.timestamptzArray(nullable: invitations.map(\.answeredAt?.microseconds))
    parameters.timestamptzArray(invitations.map(\.expiresAt.microseconds))
    parameters.int32Array(invitations.map { Int32(clamping: $0.holds) })
    parameters.textArray(nullable: invitations.map(\.held?.rawValue))
    parameters.timestamptzArray(nullable: invitations.map(\.droppedAt?.microseconds))
    parameters.textArray(nullable: invitations.map(\.dropped?.rawValue))
    parameters.timestamptzArray(nullable: invitations.map(\.remindedAt?.microseconds))
    parameters.textArray(nullable: invitations.map(\.delivery?.result.rawValue))
    parameters.timestamptzArray(nullable: invitations.map(\.delivery?.at.microseconds))
    parameters.textArray(invitations.map { $0.delivery?.reason ?? "" })
    parameters.timestamptzArray(nullable: invitations.map(\.withdrawnAt?.microseconds))
  }

  private static let follow = Statement(
    name: "invitations_give",
    sql: """
      UPDATE invitations i SET customer_id = u.customer FROM unnest($1::int8[], $2::int8[]) AS u(identity, customer)
      WHERE i.identity_id = u.identity AND i.customer_id <> u.customer
      """)

  /// They follow these identities to their owners.
  static func give(identities: [Int64], customers: [Int64], _ session: PostgresSession) throws {
    _ = try session.run(follow) { parameters in
      parameters.int64Array(identities)
      parameters.int64Array(customers)
    }
  }

  static func read(_ rows: Rows, _ row: Int) throws -> Invitation {
    guard let metric = AnswerEvent.Metric(rawValue: try rows.text(row, 5)) else { throw damaged("metric") }
    guard let cause = InvitationCause.Kind(rawValue: try rows.text(row, 7)) else { throw damaged("cause") }
    guard let purpose = Survey.Purpose(rawValue: try rows.text(row, 27)) else { throw damaged("purpose") }
    func moment(_ column: Int) throws -> Instant? { try rows.timestamptzOrNil(row, column).map(Instant.init(microseconds:)) }
    let (planned, notAfter) = (try moment(25), try moment(26))
    let plan = planned.flatMap { at in notAfter.map { InvitationPlan(at: at, notAfter: $0) } }
    var invitation = Invitation(
      id: InvitationID(number: try rows.int64(row, 0)), survey: SurveyReference(name: try rows.text(row, 3), version: Int(try rows.int32(row, 4))),
      metric: metric, identity: CustomerID(number: try rows.int64(row, 1)), customer: CustomerID(number: try rows.int64(row, 2)),
      tier: try rows.textOrNil(row, 6).flatMap { TierID($0) },
      cause: InvitationCause(cause, reason: try rows.text(row, 8), reference: try rows.text(row, 9)),
      subject: InvitationSubject(ticketID: try rows.textOrNil(row, 10), orderID: try rows.textOrNil(row, 11), item: try rows.text(row, 12)),
      channel: try rows.text(row, 13), language: try rows.textOrNil(row, 14).flatMap { Language(rawValue: $0) }, actor: try rows.text(row, 15),
      createdAt: Instant(microseconds: try rows.timestamptz(row, 16)), expiresAt: Instant(microseconds: try rows.timestamptz(row, 18)),
      plan: plan, purpose: purpose)
    invitation.sentAt = try moment(17)
    invitation.openedAt = try moment(19)
    invitation.draft = try draft(score: try rows.int16OrNil(row, 20).map(Int64.init), said: try rows.textOrNil(row, 21))
    invitation.scoredAt = try moment(22)
    invitation.saidAt = try moment(23)
    invitation.answeredAt = try moment(24)
    invitation.holds = Int(try rows.int32(row, 28))
    invitation.held = try rows.textOrNil(row, 29).flatMap { HoldReason(rawValue: $0) }
    invitation.droppedAt = try moment(30)
    invitation.dropped = try rows.textOrNil(row, 31).flatMap { DropReason(rawValue: $0) }
    invitation.remindedAt = try moment(32)
    if let result = try rows.textOrNil(row, 33).flatMap({ DeliveryOutcome.Result(rawValue: $0) }), let at = try moment(34) {
      invitation.delivery = InvitationDelivery(result, at: at, reason: try rows.text(row, 35))
    }
    invitation.withdrawnAt = try moment(36)
    return invitation
  }

  /// nil when nothing but a score was given.
  private static func encode(_ draft: SurveyDraft) -> String? {
    guard !draft.asked.isEmpty else { return nil }
    let answers = draft.answers.sorted { $0.key < $1.key }.map { JSONMember($0.key, .text($0.value)) }
    let value: JSONValue = [
      "comment": .text(draft.comment), "answers": .object(answers), "asked": .array(draft.asked.sorted().map { .text($0) }),
    ]
    return value.encodedText
  }

  private static func draft(score: Int64?, said: String?) throws -> SurveyDraft {
    guard let said else { return SurveyDraft(score: score) }
    guard let value = try? JSONValue(parsing: said), let comment = value["comment"]?.stringValue, let answers = value["answers"]?.members,
      let asked = value["asked"]?.arrayValue
    else { throw damaged("draft of an answer") }
    var given: [String: String] = [:]
    for answer in answers { given[answer.key] = answer.value.stringValue }
    return SurveyDraft(score: score, comment: comment, answers: given, asked: Set(asked.compactMap(\.stringValue)))
  }
}
