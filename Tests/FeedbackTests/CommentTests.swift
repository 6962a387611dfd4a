// What comments speak of, kept with the answers and counted beside the period before (F-06).
import Domain
import FeedbackCore
import FeedbackStore
import HTTP
import Handling
import Messaging
import Postgres
import Runtime
import TestSupport
import Testing
import Text

@testable import feedback

@Suite(.enabled(if: TestDatabase.isAvailable, "\(TestDatabase.whyNot)")) struct CommentTests {
  private static let today = moment("2026-11-29", hours: 9)

  private func with(_ items: [FeedbackItem], _ body: (PostgresSettings, Router) async throws -> Void) async throws {
    try await Tables.with { settings in
      try await Tables.session(settings) { _ = try Tables.take(items, $0) }
      let pool = PostgresPool(settings)
      var router = Router()
      let shipped = try #require(try FeedbackSettings.shipped())
      FeedbackAPI(settings: shipped, zone: zone, currency: .cny, clock: FixedClock(Self.today), pool: pool).add(to: &router)
      CommentsAPI(rules: try commentRules(), zone: zone, clock: FixedClock(Self.today), pool: pool).add(to: &router)
      try await body(settings, router)
      await pool.close()
    }
  }

  private func ask(_ router: Router, _ target: String) async throws -> JSONValue {
    do { return try JSONValue(try await router.respond(to: try Request(.get, target)).bytes ?? []) } catch let problem as Problem {
      return try JSONValue(problem.json)
    }
  }

  private func comment(_ id: String, _ text: String, _ day: String, metric: AnswerEvent.Metric = .nps, survey: String = "nps") throws -> FeedbackItem {
    .answer(try answer(id, 1, of: 1, at: moment(day), metric: metric, survey: survey, comment: text))
  }

  private func counts(_ value: JSONValue?) -> [Int64] {
    ["comments", "positive", "negative", "mixed", "neutral", "before", "unhappy", "unhappy_before"].map { value?[$0]?.int64Value ?? -1 }
  }

  @Test("Each topic is counted with how it sounds and what it was before; a comment of two counts for both, one without a topic for none")
  func report() async throws {
    var items = [
      try comment("a", "物流好，价格差", "2026-11-10"), try comment("b", "物流差", "2026-11-11"), try comment("c", "物流", "2026-11-12"),
      try comment("d", "好", "2026-11-13"), try comment("e", "物流差", "2026-10-30"), try comment("f", "", "2026-11-13"),
      try comment("g", "价格好", "2026-11-13", metric: .csat, survey: "after-ticket"),
      // Before the period before, and after the period.
      try comment("h", "物流差", "2026-10-01"), try comment("i", "物流差", "2026-12-01"),
    ]
    items.append(items[0])
    try await with(items) { _, router in
      let report = try await ask(router, "/v1/reports/topics?from=2026-11-01&to=2026-11-30")
      let topics = report["topics"]?.arrayValue ?? []
      #expect(topics.map { $0["topic"]?.stringValue } == ["logistics", "price"])
      // comments, positive, negative, mixed, neutral, before, unhappy, unhappy before
      #expect(counts(topics.first) == [3, 1, 1, 0, 1, 1, 1, 1])
      #expect(topics.first?["is_hot"] == true && topics.first?["growth_percent"] == .number("200") && topics.first?["share_percent"] == .number("60"))
      #expect(counts(topics.last) == [2, 1, 1, 0, 0, 0, 1, 0])
      #expect(topics.last?["is_hot"] == false && topics.last?["growth_percent"] == .null)
      #expect(counts(report["none"]) == [1, 1, 0, 0, 0, 0, 0, 0])
      #expect(counts(report["total"]) == [5, 2, 1, 1, 1, 1, 2, 1])
      #expect(report["unread"]?.int64Value == 0 && report["rules"]?.int64Value == 1)
      let csat = try await ask(router, "/v1/reports/topics?from=2026-11-01&to=2026-11-30&metric=csat")
      #expect(counts(csat["total"]) == [1, 1, 0, 0, 0, 0, 0, 0])
      let none = try await ask(router, "/v1/reports/topics?from=2026-11-01&to=2026-11-30&survey=other")
      #expect(none["total"]?["comments"]?.int64Value == 0 && none["total"]?["share_percent"] == .null && none["topics"]?.arrayValue?.count == 2)
    }
  }

  @Test("Answers are found by topic and by how it sounds, and tell both")
  func found() async throws {
    let items = [
      try comment("a", "物流好，价格差", "2026-11-10"), try comment("b", "物流差", "2026-11-11"), try comment("c", "好", "2026-11-12"),
      try comment("d", "", "2026-11-13"),
    ]
    try await with(items) { _, router in
      func events(_ query: String) async throws -> [String] {
        try await ask(router, "/v1/answers?\(query)")["answers"]?.arrayValue?.compactMap { $0["event_id"]?.stringValue } ?? []
      }
      #expect(try await events("topic=logistics") == ["b", "a"])
      #expect(try await events("topic=logistics&polarity=positive") == ["a"])
      #expect(try await events("polarity=positive") == ["c"])
      #expect(try await events("polarity=mixed&metric=nps") == ["a"])
      #expect(try await events("topic=weather") == [])
      let all = try await ask(router, "/v1/answers")["answers"]?.arrayValue ?? []
      #expect(all.map { $0["polarity"] ?? .null } == [.null, "positive", "negative", "mixed"])
      #expect(all.last?["topics"] == [["topic": "logistics", "polarity": "positive"], ["topic": "price", "polarity": "negative"]])
      #expect(try await ask(router, "/v1/answers?polarity=angry")["errors"]?.arrayValue?.first?["field"] == "polarity")
    }
  }

  @Test("Other rules read every comment again, piece by piece, also while another process does the same; former ones then do nothing")
  func again() async throws {
    let number = CommentQueries.pieceMax + 20
    let items = try (0..<number).map { try comment("n\($0)", "运输差", "2026-11-10") }
    try await with(items) { settings, router in
      func topics() async throws -> Int64? { try await ask(router, "/v1/reports/topics?from=2026-11-01")["topics"]?.arrayValue?.first?["comments"]?.int64Value }
      #expect(try await topics() == 0)
      let newer = try commentRules(version: 2, logistics: ["物流", "运输"])
      let read = try await Tables.session(settings) { session in
        // Another process holds a piece of them.
        let other = try PostgresSession(settings)
        defer { other.close() }
        try other.execute("BEGIN; SELECT FROM comment_readings ORDER BY answer_id LIMIT 5 FOR UPDATE")
        let first = [try CommentQueries.readAgain(by: newer, session), try CommentQueries.readAgain(by: newer, session)]
        try other.execute("ROLLBACK")
        return first + [try CommentQueries.readAgain(by: newer, session), try CommentQueries.readAgain(by: newer, session)]
          + [try CommentQueries.readAgain(by: try commentRules(), session)]
      }
      #expect(read == [CommentQueries.pieceMax, 15, 5, 0, 0])
      #expect(try await topics() == Int64(number))
    }
  }

  @Test("Comments that were there before there were rules are read once; until then they count for nothing")
  func migrated() async throws {
    try await TestDatabase.withDatabase { settings in
      var settings = settings
      settings.schema = "feedback"
      let chosen = settings
      let migrations = Resources.migrations(of: "feedback")
      try await TestDatabase.blocking {
        _ = try Migrations(schema: "feedback", migrations.filter { $0.name < "0006" }).apply(to: chosen)
        let session = try PostgresSession(chosen)
        defer { session.close() }
        try session.execute(
          """
          INSERT INTO answers (
            answer_id, identity_id, customer_id, source, event_id, occurred_at, survey, survey_version, metric, score, comment, channel, item)
          SELECT n, n, n, 'polls', 'e' || n, '2026-11-10', 'nps', 1, 'nps', 9, CASE WHEN n = 3 THEN '' ELSE '物流好' END, '', ''
          FROM generate_series(1, 3) n
          """)
        _ = try Migrations(schema: "feedback", migrations).apply(to: chosen)
        func counted() throws -> [Int64] {
          var report = CommentReport(over: try #require(AnswerReport.Period(from: Day(number: 20_000), to: Day(number: 21_000))))
          try CommentQueries.fill(&report, metric: nil, survey: nil, rules: try commentRules(), in: zone, session)
          return [report.total.growth.count, report.unread]
        }
        #expect(try counted() == [0, 2])
        #expect(try CommentQueries.readAgain(by: try commentRules(), session) == 2)
        #expect(try counted() == [2, 0])
      }
    }
  }
}
