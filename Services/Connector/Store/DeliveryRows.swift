// Deliveries in their table.
import ConnectorCore
import Contracts
import Domain
import Postgres

enum DeliveryRows {
  /// Of the request, the number first.
  private static let askedNames = [
    "delivery_id", "kind", "invitation_id", "customer_id", "survey", "survey_version", "metric", "purpose", "channel", "language", "title_en", "title_zh",
    "link", "expires_at", "asked_at", "stop_link",
  ]
  private static let asked = askedNames.joined(separator: ", ")
  /// With how far it came, and to whom the customer belongs by now. `d` is the delivery.
  static let columns = """
    \(askedNames.map { "d.\($0)" }.joined(separator: ", ")), d.state, d.attempts, d.due_at, d.attempts_before, \
    (SELECT i.customer_id FROM identities i WHERE i.identity_id = d.customer_id)
    """
  /// How many columns these are.
  static let columnsCount = 21

  private static let insertNew = Statement(
    name: "deliveries_insert",
    sql: """
      INSERT INTO deliveries (\(asked)) SELECT * FROM unnest($1::int8[], $2::text[], $3::int8[], $4::int8[], $5::text[], $6::int8[], $7::text[], $8::text[],
        $9::text[], $10::text[], $11::text[], $12::text[], $13::text[], $14::timestamptz[], $15::timestamptz[], $16::text[])
        AS u(\(asked)) ORDER BY u.delivery_id
      ON CONFLICT DO NOTHING
      """)

  static func insert(_ deliveries: [Delivery], _ session: PostgresSession) throws -> Int {
    guard !deliveries.isEmpty else { return 0 }
    return try session.run(insertNew) { parameters in
      parameters.int64Array(deliveries.map(\.id.number))
      parameters.textArray(deliveries.map(\.request.kind.rawValue))
      parameters.int64Array(deliveries.map(\.request.invitation.number))
      parameters.int64Array(deliveries.map(\.request.customer.number))
      parameters.textArray(deliveries.map(\.request.survey))
      parameters.int64Array(deliveries.map(\.request.surveyVersion))
      parameters.textArray(deliveries.map(\.request.metric.rawValue))
      parameters.textArray(deliveries.map(\.request.purpose.rawValue))
      parameters.textArray(deliveries.map(\.request.channel))
      parameters.textArray(nullable: deliveries.map(\.request.language?.rawValue))
      parameters.textArray(deliveries.map(\.request.title.en))
      parameters.textArray(deliveries.map(\.request.title.zh))
      parameters.textArray(deliveries.map(\.request.link))
      parameters.timestamptzArray(deliveries.map(\.request.expiresAt.microseconds))
      parameters.timestamptzArray(deliveries.map(\.askedAt.microseconds))
      parameters.textArray(deliveries.map(\.request.stopLink))
    }
  }

  private static let noteWithdrawn = Statement(
    name: "withdrawals_note",
    sql: """
      INSERT INTO withdrawals (invitation_id, reason, at)
      SELECT u.id, u.reason, u.at FROM unnest($1::int8[], $2::text[], $3::timestamptz[]) AS u(id, reason, at)
      ON CONFLICT DO NOTHING
      """)
  // Whoever takes one of them finds that it is wanted no longer.
  private static let hasten = Statement(
    name: "deliveries_hasten",
    sql: """
      WITH waiting AS (
        SELECT delivery_id FROM deliveries WHERE invitation_id = ANY($1::int8[]) AND state = 'waiting' ORDER BY delivery_id FOR NO KEY UPDATE
      )
      UPDATE deliveries d SET due_at = 'epoch' FROM waiting w WHERE d.delivery_id = w.delivery_id
      """)

  static func withdraw(_ withdrawals: [SurveyWithdrawal], _ session: PostgresSession) throws {
    _ = try session.run(noteWithdrawn) { parameters in
      parameters.int64Array(withdrawals.map(\.invitation.number))
      parameters.textArray(withdrawals.map(\.reason.rawValue))
      parameters.timestamptzArray(withdrawals.map(\.at.microseconds))
    }
    _ = try session.run(hasten) { $0.int64Array(withdrawals.map(\.invitation.number)) }
  }

  static func read(_ rows: Rows, _ row: Int) throws -> Delivery {
    guard let kind = SurveySend.Kind(rawValue: try rows.text(row, 1)) else { throw damaged("kind of a message") }
    guard let metric = AnswerEvent.Metric(rawValue: try rows.text(row, 6)) else { throw damaged("metric") }
    guard let purpose = Survey.Purpose(rawValue: try rows.text(row, 7)) else { throw damaged("purpose") }
    guard let state = Delivery.State(rawValue: try rows.text(row, 16)) else { throw damaged("state of a delivery") }
    let request = SurveySend(
      kind: kind, invitation: CustomerID(number: try rows.int64(row, 2)), customer: CustomerID(number: try rows.int64(row, 3)),
      survey: try rows.text(row, 4), surveyVersion: try rows.int64(row, 5), metric: metric, purpose: purpose, channel: try rows.text(row, 8),
      language: try rows.textOrNil(row, 9).flatMap { Language(rawValue: $0) }, title: LocalizedName(en: try rows.text(row, 10), zh: try rows.text(row, 11)),
      link: try rows.text(row, 12), stopLink: try rows.text(row, 15), expiresAt: Instant(microseconds: try rows.timestamptz(row, 13)))
    let due = try rows.timestamptz(row, 18)
    return Delivery(
      id: DeliveryID(number: try rows.int64(row, 0)), request: request, customer: try rows.int64OrNil(row, 20).map(CustomerID.init(number:)),
      askedAt: Instant(microseconds: try rows.timestamptz(row, 14)), state: state, attempts: Int(try rows.int32(row, 17)),
      attemptsBefore: Int(try rows.int32(row, 19)), dueAt: due <= 0 ? nil : Instant(microseconds: due))
  }
}
