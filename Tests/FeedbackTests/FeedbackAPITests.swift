// Answers and figures over HTTP, on PostgreSQL (F-04).
import Auditing
import Documents
import Domain
import FeedbackCore
import FeedbackStore
import HTTP
import Handling
import Postgres
import Runtime
import TestSupport
import Testing
import Text

@testable import feedback

@Suite(.enabled(if: TestDatabase.isAvailable, "\(TestDatabase.whyNot)")) struct FeedbackAPITests {
  private static let today = moment("2026-11-29", hours: 9)

  private func with(_ items: [FeedbackItem], _ body: (Router) async throws -> Void) async throws {
    try await Tables.with { settings in
      try await Tables.session(settings) { _ = try Tables.take(items, $0) }
      let pool = PostgresPool(settings)
      let shipped = try #require(try FeedbackSettings.shipped())
      var router = Router()
      FeedbackAPI(settings: shipped, zone: zone, currency: .cny, clock: FixedClock(Self.today), pool: pool).add(to: &router)
      try await body(router)
      await pool.close()
    }
  }

  private func ask(_ router: Router, _ target: String) async throws -> JSONValue {
    do { return try JSONValue(try await router.respond(to: try Request(.get, target)).bytes ?? []) } catch let problem as Problem {
      return try JSONValue(problem.json)
    }
  }

  /// Forty answers of a key customer in November (twenty-four promoters, four passives, twelve detractors), thirty in August to October, a few of others.
  private static func year() throws -> [FeedbackItem] {
    var items: [FeedbackItem] = [.tier(tier(1, 1, "key", at: moment("2026-01-01")))]
    for number in 0..<40 {
      let score: Int64 = number < 24 ? 10 : number < 28 ? 8 : 2
      items.append(
        .answer(try answer("n\(number)", 1, of: 1, at: moment("2026-11-05", hours: Int64(number)), score: score, channel: number < 30 ? "app" : "")))
    }
    for number in 0..<30 { items.append(.answer(try answer("o\(number)", 1, of: 1, at: moment("2026-07-20"), score: number < 10 ? 9 : 7))) }
    for number in 0..<5 { items.append(.answer(try answer("x\(number)", 2, of: 2, at: moment("2026-11-06"), score: 10, survey: "after-ticket"))) }
    items.append(.answer(try answer("csat", 1, of: 1, at: moment("2026-11-06"), metric: .csat, score: 1, survey: "after-ticket", item: "TEA")))
    return items
  }

  private func group(_ report: JSONValue, _ word: String?) -> JSONValue? {
    report["groups"]?.arrayValue?.first { $0["group"] == .textOrNull(word) }
  }

  @Test func promotersLessDetractorsByTierWithIntervalAndTooFewAreNoFigure() async throws {
    try await with(try Self.year()) { router in
      let report = try await ask(router, "/v1/reports/answers?from=2026-11-01&to=2026-11-29")
      #expect(report["metric"] == "nps" && report["by"] == "tier" && report["answers_min"] == 30)
      // The ladder's tiers from the best down, then the answers of nobody's tier.
      let groups = report["groups"]?.arrayValue ?? []
      #expect(groups.compactMap { $0["group"]?.stringValue } == ["vip", "key", "normal", "watch"] && groups.last?["group"] == .null)
      let key = try #require(group(report, "key"))
      #expect(key["answers"] == 40 && key["favourable"] == 24 && key["unfavourable"] == 12 && key["value"] == 30 && key["name"]?["zh"] != nil)
      #expect(key["scores"]?["10"] == 24 && key["scores"]?["2"] == 12 && key["scores"]?["9"] == 0)
      // Python: n = 43, p = 24.75/43, d = 12.75/43, p - d +- 1.96 sqrt((p + d - (p - d)^2)/n).
      #expect(key["low"]?.encodedText == "1.27" && key["high"]?.encodedText == "54.54")
      let unknown = try #require(group(report, nil))
      #expect(unknown["answers"] == 5 && unknown["value"] == .null && unknown["low"] != .null)
      #expect(group(report, "vip")?["answers"] == 0 && group(report, "vip")?["low"] == .null)
      #expect(report["total"]?["answers"] == 45)
    }
  }

  @Test func whatCustomersAnsweredIsMaskedAndALookThatShowsItIsRecorded() async throws {
    let items: [FeedbackItem] = [
      .answer(try answer("a", 1, of: 1, comment: "call 13812340000", suggestion: "anna@example.org")), .answer(try answer("b", 2, of: 2, comment: "good")),
    ]
    try await Tables.with { settings in
      try await Tables.session(settings) { _ = try Tables.take(items, $0) }
      let (pool, now) = (PostgresPool(settings), Self.today)
      var router = Router(guarded: [AuditTrail.middleware(pool: pool, zone: zone, clock: { now.microseconds })])
      let shipped = try #require(try FeedbackSettings.shipped())
      FeedbackAPI(settings: shipped, zone: zone, currency: .cny, clock: FixedClock(now), pool: pool).add(to: &router)
      func comments(_ headers: HTTPHeaders = [:]) async throws -> Set<String> {
        let answer = try await router.respond(to: try Request(.get, "/v1/answers", headers: headers))
        let answers = try JSONValue(answer.bytes ?? [])["answers"]?.arrayValue ?? []
        return Set(answers.flatMap { [$0["comment"]?.stringValue, $0["follow_ups"]?[1]?["answer"]?.stringValue] }.compactMap { $0 })
      }
      #expect(try await comments() == ["call 138****0000", "a***@example.org", "good"])
      #expect(try await comments(["Unmask-Reason": "calling back"]) == ["call 13812340000", "anna@example.org", "good"])
      let seen = try await pool.withSession { try AuditRows.page(actor: nil, day: nil, before: nil, limit: 10, $0).map(\.seen) }
      #expect(seen == [#"[{"customer":"0000000000000001","fields":["answer.comment","answer.follow_ups.answer"]}]"#])
      await pool.close()
    }
  }

  @Test func aPeriodIsComparedWithAsManyDaysBeforeIt() async throws {
    try await with(try Self.year()) { router in
      let report = try await ask(router, "/v1/reports/answers?from=2026-08-08&to=2026-11-29&compare=true")
      // 114 days before: from 2026-04-16 to 2026-08-07.
      let key = try #require(group(report, "key"))
      #expect(key["answers"] == 40 && key["answers_before"] == 30)
      // 30 less 33.33.
      #expect(key["change"]?["value"]?.encodedText == "-3.33" && key["change"]?["low"] != .null)
      let few = try #require(group(report, nil))
      #expect(few["answers_before"] == 0 && few["change"] == .null)
      let apart = try await ask(router, "/v1/reports/answers?from=2026-08-08&to=2026-11-29")
      #expect(group(apart, "key")?["change"] == nil)
    }
  }

  @Test func monthsChannelsSurveysAndArticlesAreCutFromTheSameAnswers() async throws {
    try await with(try Self.year()) { router in
      let months = try await ask(router, "/v1/reports/answers?by=month&from=2026-07-15&to=2026-11-29")
      #expect(months["groups"]?.arrayValue?.compactMap { $0["group"]?.stringValue } == ["2026-07", "2026-08", "2026-09", "2026-10", "2026-11"])
      #expect(group(months, "2026-07")?["answers"] == 30 && group(months, "2026-09")?["answers"] == 0 && group(months, "2026-11")?["answers"] == 45)
      let channels = try await ask(router, "/v1/reports/answers?by=channel")
      #expect(group(channels, "app")?["answers"] == 30 && group(channels, nil)?["answers"] == 15)
      let surveys = try await ask(router, "/v1/reports/answers?by=survey")
      #expect(group(surveys, "nps")?["answers"] == 40 && group(surveys, "after-ticket")?["answers"] == 5)
      #expect(try await ask(router, "/v1/reports/answers?survey=after-ticket")["total"]?["answers"] == 5)
      let items = try await ask(router, "/v1/reports/answers?by=item&metric=csat")
      #expect(group(items, "TEA")?["unfavourable"] == 1 && items["total"]?["answers"] == 1)
    }
  }

  @Test func theShareOfTheInvitedWhoAnsweredStandsBesideTheFigures() async throws {
    try await Tables.with { settings in
      try await Tables.session(settings) { session in
        _ = try Tables.take((1...40).map { .tier(tier($0, 1, $0 <= 32 ? "key" : "vip", at: moment("2026-01-01"))) }, session)
        let survey = try shippedSurvey()
        for (number, day) in [(Int64(1), "2026-10-30"), (33, "2026-11-02")] {
          let order = try order(Array(number...(number == 1 ? 32 : 40)))
          let made = try session.transaction { session in
            var store = PostgresFeedbackStore(session)
            return try InvitationDesk.invite(order, &store, budget: try freeBudget(), at: moment(day))
          }
          for outcome in made.prefix(number == 1 ? 8 : 4) {
            guard case .invited(let invitation) = outcome else { continue }
            _ = try InvitationQueries.say(invitation.id, session) { it in try it.give(9, in: survey, at: moment("2026-11-03")) }
          }
        }
      }
      let pool = PostgresPool(settings)
      let shipped = try #require(try FeedbackSettings.shipped())
      var router = Router()
      FeedbackAPI(settings: shipped, zone: zone, currency: .cny, clock: FixedClock(Self.today), pool: pool).add(to: &router)
      let report = try await ask(router, "/v1/reports/answers?from=2026-10-01&to=2026-11-29")
      let key = try #require(group(report, "key"))
      // Python: Wilson's interval of 8 of 32.
      #expect(key["invited"] == 32 && key["invited_answered"] == 8 && key["response_rate"]?.encodedText == #"{"value":25,"low":13.25,"high":42.11}"#)
      // On fewer than thirty there is no bare number.
      let vip = try #require(group(report, "vip"))
      #expect(vip["invited"] == 8 && vip["invited_answered"] == 4 && vip["response_rate"]?["value"] == .null && vip["response_rate"]?["low"] != .null)
      #expect(group(report, "normal")?["response_rate"] == .null && report["total"]?["invited"] == 40)
      let months = try await ask(router, "/v1/reports/answers?by=month&from=2026-10-01&to=2026-11-29")
      #expect(group(months, "2026-10")?["invited"] == 32 && group(months, "2026-11")?["invited"] == 8)
      // A survey to which nobody has answered yet, as answers go, stands there all the same.
      let surveys = try await ask(router, "/v1/reports/answers?by=survey&from=2026-11-01&to=2026-11-29")
      #expect(group(surveys, "nps-quarterly")?["invited"] == 8 && group(surveys, "nps-quarterly")?["answers"] == 0)
      #expect(try await ask(router, "/v1/reports/answers?survey=other")["total"]?["invited"] == 0)
      await pool.close()
    }
  }

  @Test func theUnhappyAndTheWonBackAreCountedOverHTTP() async throws {
    try await with(try Self.year()) { router in
      let report = try await ask(router, "/v1/reports/recovery?from=2026-11-01&to=2026-11-29")
      // One customer, whose last answers were as bad as the first unfavourable one.
      #expect(report["unfavourable"] == 1 && report["asked_again"] == 1 && report["recovered"] == 0)
      #expect(report["value"] == .null && report["low"] == 0 && report["high"] != .null)
    }
  }

  @Test func groupsBeyondTheLargestArePutTogether() async throws {
    var items: [FeedbackItem] = []
    for number in 0..<AnswerQueries.groupsMax + 3 {
      for copy in 0..<(number < AnswerQueries.groupsMax ? 2 : 1) {
        items.append(.answer(try answer("\(number)-\(copy)", 1, of: 1, at: moment("2026-11-05"), score: 0, item: "i\(number)")))
      }
    }
    try await with(items) { router in
      let report = try await ask(router, "/v1/reports/answers?by=item")
      let groups = report["groups"]?.arrayValue ?? []
      #expect(groups.count == AnswerQueries.groupsMax + 1)
      #expect(groups.last?["name"]?["en"] == "others" && groups.last?["answers"] == 3 && report["total"]?["answers"] == 403)
    }
  }

  @Test func answersAreListedNewestFirstPageByPageAndByWhatTheySay() async throws {
    try await with(try Self.year()) { router in
      var (ids, after): ([String], String?) = ([], nil)
      repeat {
        let page = try await ask(router, "/v1/answers?limit=20" + (after.map { "&after=\($0)" } ?? ""))
        ids += page["answers"]?.arrayValue?.compactMap { $0["event_id"]?.stringValue } ?? []
        after = page["next"]?.stringValue
      } while after != nil
      #expect(ids.count == 76 && Set(ids).count == 76 && ids.first == "n39" && ids.last?.hasPrefix("o") == true)
      let bad = try await ask(router, "/v1/answers?metric=nps&unfavourable=true&limit=200")["answers"]?.arrayValue ?? []
      #expect(bad.count == 12 && bad.allSatisfy { $0["score"] == 2 && $0["tier"] == "key" })
      #expect(try await ask(router, "/v1/answers?unfavourable=true&survey=after-ticket")["answers"]?.arrayValue?.first?["event_id"] == "csat")
      let customer = CustomerID(number: 2).description
      let own = try await ask(router, "/v1/answers?customer_id=\(customer)")["answers"]?.arrayValue ?? []
      #expect(own.count == 5 && own.allSatisfy { $0["customer_id"] == .text(customer) && $0["tier"] == .null })
      #expect(own.first?["follow_ups"]?.arrayValue?.first?["question"] == "why")
    }
  }

  @Test("What cannot be asked is refused with the field at fault", arguments: [
    ("/v1/reports/answers?metric=happiness", "metric"), ("/v1/reports/answers?by=mood", "by"), ("/v1/reports/answers?from=2026-11-31", "from"),
    ("/v1/reports/answers?from=2026-11-02&to=2026-11-01", "from"), ("/v1/reports/answers?from=2006-11-01&to=2026-11-01", "from"),
    ("/v1/reports/answers?by=month&compare=true", "compare"), ("/v1/reports/answers?compare=yes", "compare"), ("/v1/answers?after=7", "after"),
    ("/v1/answers?customer_id=7", "customer_id"), ("/v1/answers?limit=0", "limit"), ("/v1/answers?unfavourable=1", "unfavourable"),
  ])
  func whatCannotBeAskedIsRefused(target: String, field: String) async throws {
    let settings = try #require(try FeedbackSettings.shipped())
    var router = Router()
    // Refused before a session is taken.
    let pool = PostgresPool(try PostgresSettings(url: "postgres://nobody@127.0.0.1:1/nothing"))
    FeedbackAPI(settings: settings, zone: zone, currency: .cny, clock: FixedClock(Self.today), pool: pool).add(to: &router)
    let problem = try await ask(router, target)
    #expect(problem["errors"]?.arrayValue?.compactMap { $0["field"]?.stringValue } == [field], "\(problem.encodedText)")
    await pool.close()
  }
}

extension FeedbackSettings {
  /// With the tiers that come with the program.
  static func shipped() throws -> FeedbackSettings? {
    guard let bytes = Resources.bytes(shippedPolicies) else { return nil }
    let pages = PageSettings(links: try LinkTokens(keys: [Array("0123456789abcdef".utf8)]), publicURL: "https://ask.example.com")
    return FeedbackSettings(
      ladder: try PolicyDocument.decode(bytes, source: "policies").ladder, surveys: try shippedSurveys(), comments: try comments(at: nil),
      asking: try asking(at: nil, surveys: Set(try shippedSurveys().map(\.content.reference.name))), pages: pages)
  }
}
