// What was found in comments, in its tables (F-06).
public import Documents
public import Domain
public import FeedbackCore
public import Postgres
import Registering

enum CommentRows {
  private static let read = Statement(
    name: "comments_note",
    sql: """
      INSERT INTO comment_readings AS r (answer_id, rules, polarity) SELECT * FROM unnest($1::int8[], $2::int4[], $3::text[])
      ON CONFLICT (answer_id) DO UPDATE SET rules = excluded.rules, polarity = excluded.polarity
      """)
  private static let forget = Statement(name: "comments_forget", sql: "DELETE FROM comment_topics WHERE answer_id = ANY($1::int8[])")
  private static let topics = Statement(
    name: "comments_topics", sql: "INSERT INTO comment_topics (answer_id, topic, polarity) SELECT * FROM unnest($1::int8[], $2::text[], $3::text[])")

  static func note(_ notes: [CommentNote], _ session: PostgresSession) throws {
    guard !notes.isEmpty else { return }
    let notes = notes.sorted { $0.answer < $1.answer }
    _ = try session.run(read) { parameters in
      parameters.int64Array(notes.map(\.answer))
      parameters.int32Array(notes.map { Int32(clamping: $0.rules) })
      parameters.textArray(notes.map(\.reading.polarity.rawValue))
    }
    _ = try session.run(forget) { $0.int64Array(notes.map(\.answer)) }
    let found = notes.flatMap { note in note.reading.topics.map { (note.answer, $0) } }
    guard !found.isEmpty else { return }
    _ = try session.run(topics) { parameters in
      parameters.int64Array(found.map(\.0))
      parameters.textArray(found.map(\.1.id))
      parameters.textArray(found.map(\.1.polarity.rawValue))
    }
  }

  /// `logistics:negative price:positive`, as the page of answers has it.
  static func topics(_ text: String?) throws -> [CommentReading.Topic] {
    try (text ?? "").split(separator: " ").map { word in
      let parts = word.split(separator: ":")
      guard parts.count == 2, let polarity = CommentPolarity(rawValue: String(parts[1])) else { throw damaged("topic of a comment") }
      return CommentReading.Topic(id: String(parts[0]), polarity: polarity)
    }
  }
}

public enum CommentQueries {
  /// Keeps the rules. Throws ``RuleChanged`` when others are registered under their version.
  public static func register(_ rules: RuleFile<CommentRules>, at now: Instant, _ session: PostgresSession) throws {
    try RuleFileRows.keep(rules, kind: "comments", version: rules.content.version, use: "comments were read", at: now, session)
  }

  /// Comments that are read again in one transaction.
  public static let pieceMax = 500

  // Another process that reads comments again takes others.
  private static let outdated = Statement(
    name: "comments_outdated",
    sql: """
      SELECT r.answer_id, a.comment FROM comment_readings r JOIN answers a USING (answer_id) WHERE r.rules < $1
      ORDER BY r.rules, r.answer_id LIMIT \(pieceMax) FOR UPDATE OF r SKIP LOCKED
      """)

  /// Reads a piece of the comments again that were read by former rules. Returns how many: fewer than ``pieceMax`` when that was all.
  public static func readAgain(by rules: CommentRules, _ session: PostgresSession) throws -> Int {
    try session.transaction { session in
      let rows = try session.query(outdated) { $0.int32(Int32(clamping: rules.version)) }
      let notes = try (0..<rows.count).map { row in
        CommentNote(answer: try rows.int64(row, 0), rules: rules.version, reading: rules.read(try rows.text(row, 1)))
      }
      try CommentRows.note(notes, session)
      return notes.count
    }
  }

  private static let unread = Statement(name: "comments_unread", sql: "SELECT count(*) FROM comment_readings WHERE rules < $1")

  private static let period = "a.occurred_at >= $2 AND a.occurred_at < $4 AND ($1::text IS NULL OR a.metric = $1) AND ($5::text IS NULL OR a.survey = $5)"
  private static let byTopic = Statement(
    name: "comments_by_topic",
    sql: """
      SELECT t.topic, t.polarity, a.occurred_at < $3, count(*) FROM answers a JOIN comment_topics t USING (answer_id) WHERE \(period) GROUP BY 1, 2, 3
      """)
  private static let all = Statement(
    name: "comments_all",
    sql: """
      SELECT r.polarity, EXISTS (SELECT FROM comment_topics t WHERE t.answer_id = a.answer_id), a.occurred_at < $3, count(*)
      FROM answers a JOIN comment_readings r USING (answer_id) WHERE r.rules > 0 AND \(period) GROUP BY 1, 2, 3
      """)

  /// Fills a report with the comments of its period and of the one before.
  public static func fill(
    _ report: inout CommentReport, metric: AnswerEvent.Metric?, survey: String?, rules: CommentRules, in zone: BusinessZone, _ session: PostgresSession
  ) throws {
    let (first, start, end) = (report.period.previous.start(in: zone), report.period.start(in: zone), report.period.end(in: zone))
    func bind(_ parameters: inout Parameters) {
      parameters.text(metric?.rawValue)
      parameters.timestamptz(first.microseconds)
      parameters.timestamptz(start.microseconds)
      parameters.timestamptz(end.microseconds)
      parameters.text(survey)
    }
    func polarity(_ text: String) throws -> CommentPolarity {
      guard let polarity = CommentPolarity(rawValue: text) else { throw damaged("polarity") }
      return polarity
    }
    let topics = try session.query(byTopic) { bind(&$0) }
    for row in 0..<topics.count {
      report.add(
        try polarity(try topics.text(row, 1)), to: try topics.text(row, 0), count: try topics.int64(row, 3), isBefore: try topics.bool(row, 2))
    }
    let all = try session.query(all) { bind(&$0) }
    for row in 0..<all.count {
      report.add(
        try polarity(try all.text(row, 0)), hasTopics: try all.bool(row, 1), count: try all.int64(row, 3), isBefore: try all.bool(row, 2))
    }
    report.unread = try session.query(unread) { $0.int32(Int32(clamping: rules.version)) }.int64(0, 0)
  }
}

extension PostgresFeedbackStore {
  public mutating func note(_ comments: [CommentNote]) throws { try CommentRows.note(comments, session) }
}
