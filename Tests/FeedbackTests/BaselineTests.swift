// Baselines: figures that were taken before a measure, and what came after it (F-07).
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

@Suite(.enabled(if: TestDatabase.isAvailable, "\(TestDatabase.whyNot)")) struct BaselineTests {
  private static let today = moment("2026-11-29", hours: 9)

  private func with(_ items: [FeedbackItem], _ body: (PostgresSettings, Router) async throws -> Void) async throws {
    try await Tables.with { settings in
      try await Tables.session(settings) { _ = try Tables.take(items, $0) }
      let pool = PostgresPool(settings)
      let shipped = try #require(try FeedbackSettings.shipped())
      var router = Router()
      BaselinesAPI(ladder: shipped.ladder, zone: zone, clock: FixedClock(Self.today), pool: pool).add(to: &router)
      try await body(settings, router)
      await pool.close()
    }
  }

  private func ask(_ router: Router, _ target: String, _ body: JSONValue? = nil) async throws -> (HTTPStatus, JSONValue) {
    do {
      let request = try body.map { try Request(.post, target, body: $0.encoded) } ?? Request(.get, target)
      let response = try await router.respond(to: request)
      return (response.status, try JSONValue(response.bytes ?? []))
    } catch let problem as Problem { return (problem.status, try JSONValue(problem.json)) }
  }

  /// In September 40 answers of a key customer, 10 promoters of them; in November 40, 30 of them; and one of nobody's tier by another channel.
  private static func year() throws -> [FeedbackItem] {
    var items: [FeedbackItem] = [.tier(tier(1, 1, "key", at: moment("2026-01-01")))]
    for number in 0..<40 {
      items.append(.answer(try answer("s\(number)", 1, of: 1, at: moment("2026-09-05", hours: Int64(number)), score: number < 10 ? 10 : 8)))
      items.append(.answer(try answer("n\(number)", 1, of: 1, at: moment("2026-11-05", hours: Int64(number)), score: number < 30 ? 10 : 8)))
    }
    items.append(.answer(try answer("x", 2, of: 2, at: moment("2026-11-06"), score: 0, survey: "other", channel: "app")))
    return items
  }

  private static let september: JSONValue = ["name": "before-app", "from": "2026-09-01", "to": "2026-09-30", "actor": "Li", "reason": "new app"]

  @Test func whatWasTakenStaysWhateverBecomesOfTheAnswersAndIsComparedWithItsInterval() async throws {
    try await with(try Self.year()) { settings, router in
      let (status, taken) = try await ask(router, "/v1/baselines", Self.september)
      #expect(status == .created && taken["taken_at"] == "2026-11-29T09:00:00Z", "\(taken.encodedText)")
      let figures = taken["figures"]?.arrayValue ?? []
      // All, the tier, the survey, no channel: each the same forty.
      #expect(figures.map { $0["by"] ?? .null } == [.null, "tier", "survey", "channel"] && figures.allSatisfy { $0["answers"]?.int64Value == 40 })
      #expect(figures.first?["value"] == .number("25") && figures[1]["name"]?["en"] == "Key")
      try await Tables.session(settings) { try $0.execute("DELETE FROM answers WHERE occurred_at < '2026-10-01'") }
      #expect(try await ask(router, "/v1/baselines", Self.september).0 == .ok)
      #expect(try await ask(router, "/v1/baselines/before-app").1 == taken)

      let (_, compared) = try await ask(router, "/v1/baselines/before-app/comparison?from=2026-11-01&to=2026-11-29")
      let groups = compared["groups"]?.arrayValue ?? []
      func group(_ by: String?, _ word: String?) -> JSONValue? { groups.first { $0["by"] == .textOrNull(by) && $0["group"] == .textOrNull(word) } }
      #expect(group(nil, nil)?["before"]?["value"] == .number("25") && group(nil, nil)?["after"]?["answers"]?.int64Value == 41)
      let key = group("tier", "key")
      #expect(key?["after"]?["value"] == .number("75") && key?["change"]?["value"] == .number("50"))
      // The same change as between two periods of the report.
      var (before, after) = (ScoreCounts(.nps), ScoreCounts(.nps))
      before.add(10, count: 10)
      before.add(8, count: 30)
      after.add(10, count: 30)
      after.add(8, count: 10)
      let change = try #require(after.difference(from: before))
      #expect(key?["change"]?["low"] == .number(AnswerView.decimal(change.interval.low)))
      // One answer is no figure, and no change is told against it.
      let other = group("channel", "app")
      #expect(other?["after"]?["answers"]?.int64Value == 1 && other?["after"]?["value"] == .null && other?["change"] == .null)
      #expect(try await ask(router, "/v1/baselines/before-app/comparison?metric=csat").1["groups"]?.arrayValue?.isEmpty == true)
    }
  }

  @Test func aNameIsGivenOnceAndAllAreListed() async throws {
    try await with([]) { _, router in
      #expect(try await ask(router, "/v1/baselines", Self.september).0 == .created)
      let other: JSONValue = ["name": "before-app", "from": "2026-08-01", "to": "2026-09-30", "actor": "Li", "reason": "x"]
      let (status, problem) = try await ask(router, "/v1/baselines", other)
      #expect(status == .conflict && problem["detail"]?.stringValue?.contains("2026-09-01 to 2026-09-30") == true)
      #expect(try await ask(router, "/v1/baselines", ["name": "a", "from": "2026-08-01", "to": "2026-08-01", "actor": "Li", "reason": "x"]).0 == .created)
      let first = try await ask(router, "/v1/baselines?limit=1").1
      #expect(first["baselines"]?.arrayValue?.map { $0["name"] } == ["a"] && first["next"] == "a")
      let rest = try await ask(router, "/v1/baselines?after=a").1
      #expect(rest["baselines"]?.arrayValue?.map { $0["name"] } == ["before-app"] && rest["next"] == .null)
      #expect(try await ask(router, "/v1/baselines/none").0 == .notFound)
    }
  }

  @Test(arguments: [
    (["name": "A b", "from": "2026-09-01", "to": "2026-09-30", "actor": "Li", "reason": "x"], ["name"]),
    (["name": "a", "from": "soon", "to": "2027-01-01", "actor": "Li", "reason": "x"], ["from"]),
    (["name": "a", "from": "2026-09-01", "to": "2027-01-01", "actor": "Li", "reason": "x"], ["to"]),
    (["name": "a", "from": "2026-10-01", "to": "2026-09-01", "actor": "Li", "reason": "x"], ["from"]),
    (["name": "a", "from": "2026-09-01", "to": "2026-09-30", "actor": " "], ["actor", "reason"]),
  ] as [(JSONValue, [String])])
  func whatCannotBeTakenIsRefusedByItsField(body: JSONValue, fields: [String]) async throws {
    var router = Router()
    // Refused before a session is taken.
    let pool = PostgresPool(try PostgresSettings(url: "postgres://nobody@127.0.0.1:1/nothing"))
    let ladder = try #require(try FeedbackSettings.shipped()).ladder
    BaselinesAPI(ladder: ladder, zone: zone, clock: FixedClock(Self.today), pool: pool).add(to: &router)
    let (status, problem) = try await ask(router, "/v1/baselines", body)
    #expect(status == .unprocessable && problem["errors"]?.arrayValue?.compactMap { $0["field"]?.stringValue } == fields, "\(problem.encodedText)")
    await pool.close()
  }
}
