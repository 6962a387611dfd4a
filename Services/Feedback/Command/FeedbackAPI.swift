// Answers and their figures over HTTP (F-03, F-04).
import Access
import Domain
import FeedbackCore
import FeedbackStore
import HTTP
import Handling
import Postgres
import Runtime
import Text

struct FeedbackAPI: Sendable {
  let settings: FeedbackSettings
  let zone: BusinessZone
  let currency: Currency
  let clock: any BusinessClock
  let pool: PostgresPool

  /// Rows of one answer.
  static let rowsMax = 200
  static let rowsUsual = 50
  /// Days of one report, and of one without a period of its own.
  static let daysMax = 3_660
  static let daysUsual = 90
  static let surveyMax = 64
  /// Days after an unfavourable answer in which orders count.
  static let spanDaysMax = 365
  static let spanDaysUsual = 90

  init(settings: FeedbackSettings, context: ServiceContext) {
    self.init(settings: settings, zone: context.settings.zone, currency: context.settings.currency, clock: context.settings.clock, pool: context.pool)
  }

  init(settings: FeedbackSettings, zone: BusinessZone, currency: Currency, clock: any BusinessClock, pool: PostgresPool) {
    self.settings = settings
    self.zone = zone
    self.currency = currency
    self.clock = clock
    self.pool = pool
  }

  func add(to router: inout Router) {
    router.get("/v1/answers", needs: .answersRead) { try await list($0) }
    router.get("/v1/reports/answers", needs: .figuresRead) { try await report($0) }
    router.get("/v1/reports/recovery", needs: .figuresRead) { try await recovery($0) }
  }

  // MARK: - Answers

  private func list(_ request: Request) async throws -> Response {
    var reader = QueryReader(request.query)
    let filter = AnswerFilter(
      customer: reader.customer("customer_id"), metric: reader.choice("metric", of: AnswerEvent.Metric.self),
      survey: reader.text("survey", max: FeedbackAPI.surveyMax), isUnfavourable: reader.flag("unfavourable"),
      topic: reader.text("topic", max: CommentRules.topicBytesMax), polarity: reader.choice("polarity", of: CommentPolarity.self))
    let limit = reader.number("limit", in: 1...FeedbackAPI.rowsMax) ?? FeedbackAPI.rowsUsual
    let place = reader.place("after").map { AnswerPlace(occurredAt: $0.at, number: $0.number) }
    try reader.finish()
    let found = try await pool.withSession { try AnswerQueries.page(filter, after: place, limit: limit + 1, $0) }
    let page = found.prefix(limit)
    let next: JSONValue = found.count > limit ? page.last.map { .text(ListPlace(at: $0.answer.occurredAt, number: $0.number).description) } ?? .null : .null
    let answers = page.map { request.masking(AnswerView.answer($0), "answer", of: $0.customer) }
    return .json(JSONValue.object([JSONMember("answers", .array(answers)), JSONMember("next", next)]).encoded)
  }

  // MARK: - Figures

  private func report(_ request: Request) async throws -> Response {
    let now = clock.now()
    var reader = QueryReader(request.query)
    let metric = reader.choice("metric", of: AnswerEvent.Metric.self) ?? .nps
    let grouping = reader.choice("by", of: AnswerReport.Grouping.self) ?? .tier
    let survey = reader.text("survey", max: FeedbackAPI.surveyMax)
    let isCompared = reader.flag("compare")
    if isCompared, grouping == .month { reader.refuse("compare", "conflict", "by month the months stand beside each other: leave compare out") }
    let period = FeedbackAPI.period(&reader, today: zone.day(of: now))
    try reader.finish()
    guard let period else { throw Problem(.internalServerError) }
    let asked = AnswerReport(metric, by: grouping, over: period, isCompared: isCompared)
    let zone = zone
    let (report, responses) = try await pool.withSession { session in
      var report = asked
      try AnswerQueries.fill(&report, survey: survey, in: zone, session)
      let responses = try InvitationQueries.responses(of: report, survey: survey, in: zone, session)
      report.show(responses.groups.keys, max: AnswerQueries.groupsMax)
      return (report, responses)
    }
    return .json(AnswerView.report(report, responses, survey: survey, ladder: settings.ladder, asOf: now).encoded)
  }

  private func recovery(_ request: Request) async throws -> Response {
    let now = clock.now()
    var reader = QueryReader(request.query)
    let metric = reader.choice("metric", of: AnswerEvent.Metric.self) ?? .nps
    let survey = reader.text("survey", max: FeedbackAPI.surveyMax)
    let span = reader.number("days", in: 1...FeedbackAPI.spanDaysMax) ?? FeedbackAPI.spanDaysUsual
    let (zone, today) = (zone, zone.day(of: now))
    let period = FeedbackAPI.period(&reader, today: today)
    try reader.finish()
    guard let period else { throw Problem(.internalServerError) }
    let figures = try await pool.withSession {
      try AnswerQueries.recovery(of: metric, survey: survey, over: period, spanDays: span, today: today, in: zone, $0)
    }
    let view = RecoveryView(figures: figures, metric: metric, survey: survey, period: period, currency: currency, asOf: now)
    return .json(view.json.encoded)
  }

  /// The last 90 days unless it is given.
  static func period(_ reader: inout QueryReader, today: Day) -> AnswerReport.Period? {
    let last = reader.day("to") ?? today
    let first = reader.day("from") ?? (last + -(FeedbackAPI.daysUsual - 1))
    return period(from: first, to: last, of: "a report", &reader)
  }

  static func period(from first: Day, to last: Day, of what: String, _ reader: inout QueryReader) -> AnswerReport.Period? {
    guard let period = AnswerReport.Period(from: first, to: last) else {
      reader.refuse("from", "range", "from, \(first), lies after the last day, \(last): give an earlier from, or a to")
      return nil
    }
    if period.days > FeedbackAPI.daysMax { reader.refuse("from", "range", "\(what) covers at most \(FeedbackAPI.daysMax) days") }
    return period
  }
}
