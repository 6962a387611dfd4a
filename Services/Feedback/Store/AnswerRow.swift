// An answer in its table.
import Domain
import FeedbackCore
import Postgres
import Text

enum AnswerRow {
  static let columns = """
    answer_id, identity_id, customer_id, tier, source, event_id, occurred_at, survey, survey_version, metric, score, comment, channel, ticket_id, order_id, \
    item, follow_ups
    """
  /// With what is decided later.
  static let read = columns + ", rfm, contribution"
  static let readCount = 19
  private static let insert = Statement(
    name: "answers_insert",
    sql: """
      INSERT INTO answers (\(columns)) SELECT * FROM unnest($1::int8[], $2::int8[], $3::int8[], $4::text[], $5::text[], $6::text[], $7::timestamptz[],
        $8::text[], $9::int8[], $10::text[], $11::int2[], $12::text[], $13::text[], $14::text[], $15::text[], $16::text[], $17::text[])
        AS u(\(columns)) ORDER BY u.answer_id ON CONFLICT DO NOTHING RETURNING answer_id
      """)

  /// Writes what is new; returns the numbers of those.
  static func insert(_ records: [AnswerRecord], _ session: PostgresSession) throws -> Set<Int64> {
    guard !records.isEmpty else { return [] }
    let answers = records.map(\.answer)
    let rows = try session.query(insert) { parameters in
      parameters.int64Array(records.map(\.number))
      parameters.int64Array(records.map(\.identity.number))
      parameters.int64Array(records.map(\.customer.number))
      parameters.textArray(nullable: records.map(\.tier?.text))
      parameters.textArray(answers.map(\.source))
      parameters.textArray(answers.map(\.eventID))
      parameters.timestamptzArray(answers.map(\.occurredAt.microseconds))
      parameters.textArray(answers.map(\.survey))
      parameters.int64Array(answers.map(\.surveyVersion))
      parameters.textArray(answers.map(\.metric.rawValue))
      parameters.int16Array(answers.map { Int16(clamping: $0.score) })
      parameters.textArray(answers.map(\.comment))
      parameters.textArray(answers.map(\.channel))
      parameters.textArray(nullable: answers.map(\.ticketID))
      parameters.textArray(nullable: answers.map(\.orderID))
      parameters.textArray(answers.map(\.item))
      parameters.textArray(nullable: answers.map { encode($0.followUps) })
    }
    return Set(try (0..<rows.count).map { try rows.int64($0, 0) })
  }

  static func read(_ rows: Rows, _ row: Int) throws -> AnswerRecord {
    guard let metric = AnswerEvent.Metric(rawValue: try rows.text(row, 9)) else { throw damaged("metric") }
    let tier = try rows.textOrNil(row, 3).map { text in
      guard let tier = TierID(text) else { throw damaged("tier") }
      return tier
    }
    let answer = AnswerEvent(
      source: try rows.text(row, 4), eventID: try rows.text(row, 5), occurredAt: Instant(microseconds: try rows.timestamptz(row, 6)),
      survey: try rows.text(row, 7), surveyVersion: try rows.int64(row, 8), metric: metric, score: Int64(try rows.int16(row, 10)),
      comment: try rows.text(row, 11), channel: try rows.text(row, 12), ticketID: try rows.textOrNil(row, 13), orderID: try rows.textOrNil(row, 14),
      item: try rows.text(row, 15), followUps: try followUps(try rows.textOrNil(row, 16)), identifiers: [])
    var record = AnswerRecord(
      number: try rows.int64(row, 0), identity: CustomerID(number: try rows.int64(row, 1)), customer: CustomerID(number: try rows.int64(row, 2)), tier: tier,
      answer: answer)
    record.segment = try segment(rows, row)
    return record
  }

  private static func segment(_ rows: Rows, _ row: Int) throws -> CustomerSegment? {
    guard let rfm = try rows.textOrNil(row, 17), let contribution = try rows.textOrNil(row, 18), !rfm.isEmpty else { return nil }
    guard let segment = CustomerSegment(rfmName: rfm, contributionName: contribution) else { throw damaged("segment") }
    return segment
  }

  /// nil when there are none.
  private static func encode(_ followUps: [AnswerEvent.FollowUp]) -> String? {
    guard !followUps.isEmpty else { return nil }
    return JSONValue.array(followUps.map { ["question": .text($0.question), "answer": .text($0.answer)] }).encodedText
  }

  private static func followUps(_ text: String?) throws -> [AnswerEvent.FollowUp] {
    guard let text else { return [] }
    guard let items = (try? JSONValue(parsing: text))?.arrayValue else { throw damaged("follow-up") }
    return try items.map { item in
      guard let question = item["question"]?.stringValue, let answer = item["answer"]?.stringValue else { throw damaged("follow-up") }
      return AnswerEvent.FollowUp(question: question, answer: answer)
    }
  }
}
