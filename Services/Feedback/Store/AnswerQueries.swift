// What the API reads: answers page by page, and how often each score was given.
public import Domain
public import FeedbackCore
public import Postgres
import Text

/// Which answers are asked for; nil: all.
public struct AnswerFilter: Hashable, Sendable {
  public var customer: CustomerID?
  public var metric: AnswerEvent.Metric?
  public var survey: String?
  /// Only those that the loop is closed with (F-05).
  public var isUnfavourable = false
  /// Only those whose comments speak of it (F-06).
  public var topic: String?
  /// How comments sound: of the topic where one is given, else as a whole.
  public var polarity: CommentPolarity?

  public init(
    customer: CustomerID? = nil, metric: AnswerEvent.Metric? = nil, survey: String? = nil, isUnfavourable: Bool = false, topic: String? = nil,
    polarity: CommentPolarity? = nil
  ) {
    self.customer = customer
    self.metric = metric
    self.survey = survey
    self.isUnfavourable = isUnfavourable
    self.topic = topic
    self.polarity = polarity
  }
}

/// A place in the list: the newest come first.
public struct AnswerPlace: Hashable, Sendable {
  public let occurredAt: Instant
  public let number: Int64

  public init(occurredAt: Instant, number: Int64) {
    self.occurredAt = occurredAt
    self.number = number
  }
}

public enum AnswerQueries {
  /// Of a row `a`: the domain's scores.
  private static let isUnfavourable =
    "CASE a.metric "
    + AnswerEvent.Metric.allCases.map { "WHEN '\($0.rawValue)' THEN a.score <= \($0.unfavourableScores.upperBound)" }.joined(separator: " ") + " END"
  private static let tone = "(SELECT r.polarity FROM comment_readings r WHERE r.answer_id = a.answer_id AND r.rules > 0)"
  // Each metric has an index of its own time; so has each customer.
  private static func page(_ name: StaticString, _ place: String) -> Statement {
    Statement(
      name: "\(name)",
      sql: """
        SELECT \(AnswerRow.read), \(tone),
          (SELECT string_agg(t.topic || ':' || t.polarity, ' ' ORDER BY t.topic) FROM comment_topics t WHERE t.answer_id = a.answer_id)
        FROM answers a WHERE \(place) AND ($1::int8 IS NULL OR customer_id = $1) AND ($2::text IS NULL OR metric = $2)
          AND ($3::text IS NULL OR survey = $3)
          AND (NOT $4 OR \(isUnfavourable))
          AND ($8::text IS NULL OR EXISTS (
            SELECT FROM comment_topics t WHERE t.answer_id = a.answer_id AND t.topic = $8 AND ($9::text IS NULL OR t.polarity = $9)))
          AND ($8::text IS NOT NULL OR $9::text IS NULL OR \(tone) = $9)
          AND (occurred_at, answer_id) < ($5, $6)
        ORDER BY occurred_at DESC, answer_id DESC LIMIT $7
        """)
  }
  private static let ofCustomer = page("answers_page_customer", "customer_id = $1")
  private static let ofMetric = page("answers_page_metric", "metric = $2")
  private static let whole = page("answers_page", "true")

  /// The newest first.
  public static func page(_ filter: AnswerFilter, after place: AnswerPlace?, limit: Int, _ session: PostgresSession) throws -> [AnswerRecord] {
    let statement = filter.customer != nil ? ofCustomer : filter.metric != nil ? ofMetric : whole
    let rows = try session.query(statement) { parameters in
      parameters.int64(filter.customer?.number)
      parameters.text(filter.metric?.rawValue)
      parameters.text(filter.survey)
      parameters.bool(filter.isUnfavourable)
      parameters.timestamptz(place?.occurredAt.microseconds ?? AnswerQueries.latest)
      parameters.int64(place?.number ?? .max)
      parameters.int64(Int64(limit))
      parameters.text(filter.topic)
      parameters.text(filter.polarity?.rawValue)
    }
    return try (0..<rows.count).map { row in
      var record = try AnswerRow.read(rows, row)
      if let polarity = try rows.textOrNil(row, AnswerRow.readCount) {
        guard let polarity = CommentPolarity(rawValue: polarity) else { throw damaged("polarity") }
        record.reading = CommentReading(polarity: polarity, topics: try CommentRows.topics(try rows.textOrNil(row, AnswerRow.readCount + 1)))
      }
      return record
    }
  }

  /// After anything that a record may tell of.
  static let latest = RFC3339.micros.upperBound

  /// Groups that are shown one by one; the others, which have the fewest answers, are put together.
  public static let groupsMax = 200

  private static func counts(_ name: String, _ group: String) -> Statement {
    Statement(
      name: "answers_counts_\(name)",
      sql: """
        WITH counted AS (
          SELECT \(group) AS word, occurred_at < $3 AS is_before, score, count(*) AS answers FROM answers
          WHERE metric = $1 AND occurred_at >= $2 AND occurred_at < $4 AND ($5::text IS NULL OR survey = $5) AND cardinality($6::timestamptz[]) >= 0
          GROUP BY 1, 2, 3),
        ranked AS (SELECT word, row_number() OVER (ORDER BY sum(answers) DESC, word) <= \(groupsMax) AS is_shown FROM counted GROUP BY word)
        SELECT CASE WHEN r.is_shown THEN c.word END, r.is_shown, c.is_before, c.score, sum(c.answers)::int8
        FROM counted c JOIN ranked r ON r.word IS NOT DISTINCT FROM c.word GROUP BY 1, 2, 3, 4
        """)
  }
  private static let byTier = counts("tier", "tier")
  private static let bySegment = counts("segment", "nullif(rfm, '')")
  private static let byContribution = counts("contribution", "nullif(contribution, '')")
  private static let bySurvey = counts("survey", "survey")
  private static let byChannel = counts("channel", "nullif(channel, '')")
  private static let byItem = counts("item", "nullif(item, '')")
  // The number of the month of the period; what lies before the first is 0.
  private static let byMonth = counts("month", "width_bucket(occurred_at, $6::timestamptz[])::text")

  /// Fills a report with the answers of its period, and of the one before where it is compared.
  public static func fill(_ report: inout AnswerReport, survey: String?, in zone: BusinessZone, _ session: PostgresSession) throws {
    let months = report.period.months
    let statement =
      switch report.grouping {
      case .tier: byTier
      case .segment: bySegment
      case .contribution: byContribution
      case .survey: bySurvey
      case .channel: byChannel
      case .item: byItem
      case .month: byMonth
      }
    let (metric, start, end) = (report.metric, report.period.start(in: zone), report.period.end(in: zone))
    let first = report.isCompared ? report.period.previous.start(in: zone) : start
    let rows = try session.query(statement) { parameters in
      parameters.text(metric.rawValue)
      parameters.timestamptz(first.microseconds)
      parameters.timestamptz(start.microseconds)
      parameters.timestamptz(end.microseconds)
      parameters.text(survey)
      parameters.timestamptzArray(months.compactMap { Day("\($0)-01").map { zone.startOfDay($0).microseconds } })
    }
    for row in 0..<rows.count {
      var word = try rows.textOrNil(row, 0)
      let (isShown, isBefore) = (try rows.bool(row, 1), try rows.bool(row, 2))
      if report.grouping == .month {
        // By month nothing is compared with the period before: the months before stand beside each other.
        guard !isBefore, let number = word.flatMap({ Int($0) }), months.indices.contains(number - 1) else { continue }
        word = months[number - 1].description
      }
      let place: AnswerReport.Place = isShown ? .group(word) : .others
      report.add(Int64(try rows.int16(row, 3)), count: try rows.int64(row, 4), to: place, isBefore: isBefore)
    }
  }

  // The first unfavourable answer of each customer in the period, and the last of all that came after it.
  private static let recovery = Statement(
    name: "answers_recovery",
    sql: """
      SELECT first.customer_id, first.occurred_at, last.is_unfavourable
      FROM (SELECT DISTINCT ON (a.customer_id) a.customer_id, a.occurred_at, a.answer_id FROM answers a
        WHERE a.metric = $1 AND a.occurred_at >= $2 AND a.occurred_at < $3 AND ($4::text IS NULL OR a.survey = $4) AND \(isUnfavourable)
        ORDER BY a.customer_id, a.occurred_at, a.answer_id) AS first
      LEFT JOIN LATERAL (SELECT a.answer_id, \(isUnfavourable) AS is_unfavourable FROM answers a
        WHERE a.customer_id = first.customer_id AND a.metric = $1 AND ($4::text IS NULL OR a.survey = $4)
          AND (a.occurred_at, a.answer_id) > (first.occurred_at, first.answer_id)
        ORDER BY a.occurred_at DESC, a.answer_id DESC LIMIT 1) AS last ON true
      """)

  /// Customers whose days are read at once.
  private static let ledgersMax = 5_000

  /// What became of the customers who answered unfavourably in a period, and what they bought in so many days after.
  public static func recovery(
    of metric: AnswerEvent.Metric, survey: String?, over period: AnswerReport.Period, spanDays: Int, today: Day, in zone: BusinessZone,
    _ session: PostgresSession
  ) throws -> RecoveryFigures {
    let rows = try session.query(recovery) { parameters in
      parameters.text(metric.rawValue)
      parameters.timestamptz(period.start(in: zone).microseconds)
      parameters.timestamptz(period.end(in: zone).microseconds)
      parameters.text(survey)
    }
    var figures = RecoveryFigures(spanDays: spanDays)
    for start in stride(from: 0, to: rows.count, by: ledgersMax) {
      let unhappy = try (start..<min(start + ledgersMax, rows.count)).map { row in
        let again: Bool? = try rows.boolOrNil(row, 2)
        return UnhappyCustomer(
          customer: CustomerID(number: try rows.int64(row, 0)), answeredAt: Instant(microseconds: try rows.timestamptz(row, 1)),
          outcome: again.map { $0 ? .notRecovered : .recovered } ?? .notAgain)
      }
      let ledgers = try ProfileRows.ledgers(of: unhappy.map(\.customer), session)
      for customer in unhappy { figures.add(customer, ledgers[customer.customer], today: today, in: zone) }
    }
    return figures
  }

  private static let total = Statement(name: "answers_total", sql: "SELECT count(*) FROM answers")

  public static func count(_ session: PostgresSession) throws -> Int64 { try session.query(total).int64(0, 0) }
}
