// Answers about tickets in their table (K-13).
import Domain
public import Postgres
public import TicketsCore

public enum TicketAnswerRows {
  private static let insert = Statement(
    name: "ticket_answers_insert",
    sql: """
      INSERT INTO ticket_answers (answer_id, ticket_id, score, answered_at)
      SELECT u.* FROM unnest($1::int8[], $2::int8[], $3::int2[], $4::timestamptz[]) AS u(answer_id, ticket_id, score, answered_at) ORDER BY u.answer_id
      ON CONFLICT DO NOTHING
      """)

  /// Answers that came before change nothing.
  public static func insert(_ answers: [TicketAnswer], _ session: PostgresSession) throws {
    guard !answers.isEmpty else { return }
    _ = try session.run(insert) { parameters in
      parameters.int64Array(answers.map(\.number))
      parameters.int64Array(answers.map(\.ticket.number))
      parameters.int16Array(answers.map { Int16(clamping: $0.score) })
      parameters.timestamptzArray(answers.map(\.at.microseconds))
    }
  }
}
