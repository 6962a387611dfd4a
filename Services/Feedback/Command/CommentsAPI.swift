// What comments speak of, over HTTP (F-06).
import Access
import Domain
import FeedbackCore
import FeedbackStore
import HTTP
import Handling
import Postgres
import Runtime
import Text

struct CommentsAPI: Sendable {
  let rules: CommentRules
  let zone: BusinessZone
  let clock: any BusinessClock
  let pool: PostgresPool

  func add(to router: inout Router) {
    router.get("/v1/comment-rules", needs: .surveysRead) { _ in .json(document().encoded) }
    router.get("/v1/reports/topics", needs: .figuresRead) { try await report($0) }
  }

  private func document() -> JSONValue {
    let topics = rules.topics.map { topic -> JSONValue in
      ["topic": .text(topic.id), "name": .name(topic.name), "words": .array(topic.words.map { .text($0) })]
    }
    let lists = CommentRules.List.allCases.map { list in JSONMember(list.rawValue, .array((rules.lists[list] ?? []).map { .text($0) })) }
    return .object(
      [JSONMember("version", .integer(Int64(rules.version))), JSONMember("author", .text(rules.author)), JSONMember("topics", .array(topics))] + lists)
  }

  private func report(_ request: Request) async throws -> Response {
    let now = clock.now()
    var reader = QueryReader(request.query)
    let metric = reader.choice("metric", of: AnswerEvent.Metric.self)
    let survey = reader.text("survey", max: FeedbackAPI.surveyMax)
    let period = FeedbackAPI.period(&reader, today: zone.day(of: now))
    try reader.finish()
    guard let period else { throw Problem(.internalServerError) }
    let (rules, zone) = (rules, zone)
    let report = try await pool.withSession { session in
      var report = CommentReport(over: period)
      try CommentQueries.fill(&report, metric: metric, survey: survey, rules: rules, in: zone, session)
      return report
    }
    let topics = report.ordered(rules).map { topic, counts -> JSONValue in
      .object([JSONMember("topic", .text(topic.id)), JSONMember("name", .name(topic.name))] + CommentsAPI.members(counts, of: report.total))
    }
    return .json(
      JSONValue.object([
        JSONMember("metric", .textOrNull(metric?.rawValue)), JSONMember("survey", .textOrNull(survey)),
        JSONMember("from", .text(period.first.description)), JSONMember("to", .text(period.last.description)),
        JSONMember("as_of", .text(RFC3339.text(now.microseconds))), JSONMember("rules", .integer(Int64(rules.version))),
        JSONMember("unread", .integer(report.unread)), JSONMember("topics", .array(topics)),
        JSONMember("none", .object(CommentsAPI.members(report.none, of: report.total))),
        JSONMember("total", .object(CommentsAPI.members(report.total, of: report.total))),
      ]).encoded)
  }

  private static func members(_ counts: CommentCounts, of total: CommentCounts) -> [JSONMember] {
    let (growth, all) = (counts.growth, total.growth.count)
    let share = all > 0 ? Rational(Int128(growth.count) * 100, over: Int128(all)) : nil
    return [JSONMember("comments", .integer(growth.count)), JSONMember("share_percent", percent(share))]
      + CommentPolarity.allCases.map { JSONMember($0.rawValue, .integer(counts.now[$0] ?? 0)) }
      + [
        JSONMember("before", .integer(growth.before)), JSONMember("change", .integer(growth.change)), JSONMember("growth_percent", percent(growth.percent)),
        JSONMember("unhappy", .integer(counts.complaints.count)), JSONMember("unhappy_before", .integer(counts.complaints.before)),
        JSONMember("is_hot", .boolean(growth.isHot)),
      ]
  }

  private static func percent(_ value: Rational?) -> JSONValue {
    value.map { .number($0.decimalText(fractionDigitsMax: AnswerView.fractionDigitsMax)) } ?? .null
  }
}
