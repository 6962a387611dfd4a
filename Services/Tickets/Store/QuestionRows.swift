// Questions in their tables (K-12): what was asked, what was suggested, whether it helped.
public import Domain
public import Postgres
public import TicketsCore

/// A question that was asked.
public struct StoredQuestion: Hashable, Sendable {
  public let id: TicketID
  public let askedAt: Instant
  public let language: Language
  /// Empty: none was given.
  public let category: String
  public let channel: String
  public let customer: CustomerID?
  public let text: String
  public var suggestions: [Suggestion] = []
  public var outcome: QuestionOutcome?
  public var outcomeAt: Instant?
  /// The article that helped, if one was named.
  public var helpedBy: TicketID?
  public var ticket: TicketID?

  public struct Suggestion: Hashable, Sendable {
    public let article: TicketID
    public let number: Int
    public let language: Language
    public let score: Int

    public init(article: TicketID, number: Int, language: Language, score: Int) {
      self.article = article
      self.number = number
      self.language = language
      self.score = score
    }
  }

  public init(id: TicketID, askedAt: Instant, language: Language, category: String, channel: String, customer: CustomerID?, text: String) {
    self.id = id
    self.askedAt = askedAt
    self.language = language
    self.category = category
    self.channel = channel
    self.customer = customer
    self.text = text
  }
}

extension QuestionOutcome {
  fileprivate var number: Int16 { self == .helped ? 0 : 1 }

  fileprivate init(number: Int16) throws(PostgresFailure) {
    guard let outcome = QuestionOutcome.allCases.first(where: { $0.number == number }) else { throw damaged("outcome of a question") }
    self = outcome
  }
}

/// Which questions are asked for.
public enum QuestionFilter: String, Hashable, Sendable, CaseIterable {
  case all, open, helped
  /// What no article answered, nothing having been suggested included.
  case unanswered
}

public enum QuestionQueries {
  private static let columns = """
    question_id, asked_at, language, category, channel, customer_id, body, outcome, outcome_at, helped_by, ticket_id
    """
  private static let insert = Statement(
    name: "questions_insert",
    sql: """
      INSERT INTO questions (question_id, asked_at, language, category, channel, customer_id, body, suggested) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
      ON CONFLICT DO NOTHING
      """)
  private static let suggest = Statement(
    name: "question_suggestions_insert",
    sql: """
      INSERT INTO question_suggestions (question_id, rank, article_id, number, language, score)
      SELECT $1, u.* FROM unnest($2::int2[], $3::int8[], $4::int4[], $5::int2[], $6::int2[]) AS u(rank, article_id, number, language, score)
      """)
  private static let one = Statement(name: "questions_one", sql: "SELECT \(columns) FROM questions WHERE question_id = $1")
  private static let locked = Statement(name: "questions_lock", sql: "SELECT \(columns) FROM questions WHERE question_id = $1 FOR NO KEY UPDATE")
  private static let page = Statement(
    name: "questions_page",
    sql: """
      SELECT \(columns) FROM questions WHERE (asked_at, question_id) > ($1, $2) AND ($3::text IS NULL OR category = $3) AND CASE $4
        WHEN 'open' THEN outcome IS NULL AND ticket_id IS NULL AND suggested > 0
        WHEN 'helped' THEN outcome = 0 AND ticket_id IS NULL AND suggested > 0
        WHEN 'unanswered' THEN outcome = 1 OR ticket_id IS NOT NULL OR suggested = 0 ELSE true END
      ORDER BY asked_at, question_id LIMIT $5
      """)
  private static let suggestions = Statement(
    name: "question_suggestions_list",
    sql: """
      SELECT question_id, article_id, number, language, score FROM question_suggestions WHERE question_id = ANY($1::int8[]) ORDER BY question_id, rank
      """)
  private static let finish = Statement(
    name: "questions_finish", sql: "UPDATE questions SET outcome = $2, outcome_at = $3, helped_by = $4, ticket_id = $5 WHERE question_id = $1")
  private static let sums = Statement(
    name: "questions_sums",
    sql: """
      SELECT category, channel, language, outcome, suggested > 0, ticket_id IS NOT NULL, count(*) FROM questions WHERE asked_at >= $1 AND asked_at < $2
      GROUP BY 1, 2, 3, 4, 5, 6
      """)

  /// Writes a question down; false: that number is there already.
  public static func ask(_ question: StoredQuestion, _ session: PostgresSession) throws -> Bool {
    let count = try session.run(insert) { parameters in
      parameters.int64(question.id.number)
      parameters.timestamptz(question.askedAt.microseconds)
      parameters.int16(question.language.number)
      parameters.text(question.category)
      parameters.text(question.channel)
      parameters.int64(question.customer?.number)
      parameters.text(question.text)
      parameters.int32(Int32(clamping: question.suggestions.count))
    }
    guard count > 0 else { return false }
    let found = question.suggestions
    guard !found.isEmpty else { return true }
    _ = try session.run(suggest) { parameters in
      parameters.int64(question.id.number)
      parameters.int16Array(found.indices.map { Int16(clamping: $0 + 1) })
      parameters.int64Array(found.map(\.article.number))
      parameters.int32Array(found.map { Int32(clamping: $0.number) })
      parameters.int16Array(found.map(\.language.number))
      parameters.int16Array(found.map { Int16(clamping: $0.score) })
    }
    return true
  }

  public static func question(_ id: TicketID, isLocking: Bool = false, _ session: PostgresSession) throws -> StoredQuestion? {
    try read(try session.query(isLocking ? locked : one) { $0.int64(id.number) }, session).first
  }

  /// The oldest first.
  public static func page(
    _ filter: QuestionFilter, category: String?, after place: TicketPlace?, limit: Int, _ session: PostgresSession
  ) throws -> [StoredQuestion] {
    let rows = try session.query(page) { parameters in
      parameters.timestamptz(place?.moment.microseconds ?? TicketQueries.earliest)
      parameters.int64(place?.ticket.number ?? 0)
      parameters.text(category)
      parameters.text(filter.rawValue)
      parameters.int64(Int64(limit))
    }
    return try read(rows, session)
  }

  private static func read(_ rows: Rows, _ session: PostgresSession) throws -> [StoredQuestion] {
    let ids = try (0..<rows.count).map { try rows.int64($0, 0) }
    guard !ids.isEmpty else { return [] }
    let found = try session.query(suggestions) { $0.int64Array(ids) }
    var suggested: [Int64: [StoredQuestion.Suggestion]] = [:]
    for row in 0..<found.count {
      suggested[try found.int64(row, 0), default: []].append(
        StoredQuestion.Suggestion(
          article: TicketID(number: try found.int64(row, 1)), number: Int(try found.int32(row, 2)), language: try Language(number: try found.int16(row, 3)),
          score: Int(try found.int16(row, 4))))
    }
    return try ids.enumerated().map { row, id in
      var question = StoredQuestion(
        id: TicketID(number: id), askedAt: Instant(microseconds: try rows.timestamptz(row, 1)), language: try Language(number: try rows.int16(row, 2)),
        category: try rows.text(row, 3), channel: try rows.text(row, 4), customer: try rows.int64OrNil(row, 5).map { CustomerID(number: $0) },
        text: try rows.text(row, 6))
      question.suggestions = suggested[id] ?? []
      question.outcome = try rows.int16OrNil(row, 7).map { try QuestionOutcome(number: $0) }
      question.outcomeAt = try rows.timestamptzOrNil(row, 8).map(Instant.init(microseconds:))
      question.helpedBy = try rows.int64OrNil(row, 9).map { TicketID(number: $0) }
      question.ticket = try rows.int64OrNil(row, 10).map { TicketID(number: $0) }
      return question
    }
  }

  /// Writes what became of a question that is locked.
  public static func finish(_ question: StoredQuestion, _ session: PostgresSession) throws {
    _ = try session.run(finish) { parameters in
      parameters.int64(question.id.number)
      parameters.int16(question.outcome?.number)
      parameters.timestamptz(question.outcomeAt?.microseconds)
      parameters.int64(question.helpedBy?.number)
      parameters.int64(question.ticket?.number)
    }
  }

  /// What was asked from a moment until before another, put together.
  public static func sums(from start: Instant, until end: Instant, _ session: PostgresSession) throws -> [AskedQuestions] {
    let rows = try session.query(sums) { parameters in
      parameters.timestamptz(start.microseconds)
      parameters.timestamptz(end.microseconds)
    }
    return try (0..<rows.count).map { row in
      AskedQuestions(
        category: try rows.text(row, 0), channel: try rows.text(row, 1), language: try Language(number: try rows.int16(row, 2)),
        outcome: try rows.int16OrNil(row, 3).map { try QuestionOutcome(number: $0) }, isSuggested: try rows.bool(row, 4), isTicket: try rows.bool(row, 5),
        count: try rows.int64(row, 6))
    }
  }
}
