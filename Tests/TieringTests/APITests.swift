// The HTTP API: explanations of present and past ratings, the list, the counts.
import Contracts
import Domain
import HTTP
import Handling
import Lifecycle
import Messaging
import Postgres
import Telemetry
import TestSupport
import Testing
import Text
import TieringCore
import TieringStore

@testable import tiering

@Suite("HTTP API", .enabled(if: TestDatabase.isAvailable, Comment(rawValue: TestDatabase.whyNot)))
struct APITests {
  /// Runs `body` with the router over a fresh database, after these snapshots were rated by `rfm-plus`.
  private func withAPI(
    _ rules: TieringRules, _ snapshots: [ProfileSnapshot], _ body: (Router, PostgresSettings, TieringSettings) async throws -> Void
  ) async throws {
    let settings = try Shipped.settings(rules)
    let before = try Shipped.rules()
    try await Tables.with { database in
      try await Tables.session(database) { session in
        try RuleRegister.register(settings.scorecards, settings.policies, settings.benefits, at: Instant(seconds: 0), session)
        _ = try ScorecardLife.begin(with: rules.scorecard.reference, at: Instant(seconds: 0), session)
        var store = PostgresTieringStore(session, zone: .utc)
        _ = try TieringBatch.receive(snapshots.map(received), &store, rules: before, at: moment("1998-07-01"))
      }
      let pool = PostgresPool(database)
      var router = Router()
      TieringAPI(settings: settings, clock: HandClock(moment("1998-07-01").business), pool: pool).add(to: &router)
      try await body(router, database, settings)
      await pool.close()
    }
  }

  private func ask(_ router: Router, _ method: HTTPMethod = .get, _ target: String) async throws -> (HTTPStatus, JSONValue) {
    let response = try await router.respond(to: try Request(method, target))
    return (response.status, try JSONValue(response.bytes ?? []))
  }

  @Test("A rating is shown with its explanation in figures and in both languages; contributions sum to the score (T-05)")
  func explained() async throws {
    try await withAPI(try Shipped.rules(), [snapshot(1, 1, RatingTests.big, member: "会员 1")]) { router, _, _ in
      let (status, body) = try await ask(router, .get, "/v1/tiers/0000000000000001")
      #expect(status == .ok)
      #expect(body["tier"] == "vip")
      #expect(body["member_id"] == "会员 1")
      let explanation = try #require(body["explanation"])
      #expect(explanation["scorecard"] == "rfm-plus v1")
      let lines = try #require(explanation["indicators"]?.arrayValue)
      #expect(
        lines.map { $0["indicator"]?.stringValue } == ["recency_days", "frequency", "monetary", "industry_growth", "repurchase_rate"])
      #expect(lines[3]["note"] == "left_out")
      // (18 + 13.5 + 35 + 13.75) / 85 %, as asked of Python's fractions: 1605/17.
      #expect(body["score_exact"] == "1605/17")
      let sum = lines.compactMap { $0["contribution"]?.doubleValue }.reduce(0, +)
      #expect(abs(sum - 1605.0 / 17.0) < 0.001)
      #expect(explanation["text"]?["en"]?.stringValue?.contains("VIP: score 94 by scorecard rfm-plus v1") == true)
      #expect(explanation["text"]?["zh"]?.stringValue?.contains("得分 94") == true)
    }
  }

  @Test("The explanation of a past score stays available after another scorecard came into force (T-05)")
  func pastExplained() async throws {
    let rules = try Shipped.rules(scorecard: "standard")
    try await withAPI(rules, [snapshot(1, 1, RatingTests.big)]) { router, database, _ in
      try await Tables.session(database) { session in
        var store = PostgresTieringStore(session, zone: .utc)
        _ = try TieringBatch.receive([received(snapshot(1, 2))], &store, rules: rules, at: moment("1998-07-02", seconds: 100))
      }
      let (_, now) = try await ask(router, .get, "/v1/tiers/0000000000000001")
      #expect(now["version"] == 2)
      #expect(now["explanation"]?["scorecard"] == "standard v2")
      let (status, past) = try await ask(router, .get, "/v1/tiers/0000000000000001?version=1")
      #expect(status == .ok)
      #expect(past["explanation"]?["scorecard"] == "rfm-plus v1")
      #expect(past["explanation"]?["score_exact"] == "1605/17")
      #expect(past["score_exact"] == "1605/17")
      #expect(past["reason"] == "first")
      for target in ["/v1/tiers/0000000000000001?version=3", "/v1/tiers/0000000000000002"] {
        #expect(try await ask(router, .get, target).0 == .notFound)
      }
      for target in ["/v1/tiers/0000000000000001?version=0", "/v1/tiers/1"] {
        #expect(try await ask(router, .get, target).0 == .unprocessable)
      }
    }
  }

  @Test("The counts show every tier of the policy with its share of customers and revenue, without merged customers")
  func summary() async throws {
    let snapshots = [
      snapshot(1, 1, RatingTests.big), snapshot(2, 1, RatingTests.big), snapshot(3, 1), snapshot(4, 1), snapshot(5, 1, RatingTests.big),
    ]
    try await withAPI(try Shipped.rules(), snapshots) { router, database, settings in
      try await Tables.session(database) { session in
        var store = PostgresTieringStore(session, zone: .utc)
        _ = try TieringBatch.receive(
          [received(snapshot(5, 2, merged: 1))], &store, rules: settings.rules, at: moment("1998-07-01", seconds: 1))
      }
      let (_, body) = try await ask(router, .get, "/v1/tiers/summary")
      #expect(body["customers"] == 4)
      #expect(body["revenue"] == 160_000_000)
      let tiers = try #require(body["tiers"]?.arrayValue)
      #expect(tiers.map { $0["tier"]?.stringValue } == ["vip", "key", "normal", "watch"])
      #expect(tiers.map { $0["customers"]?.int64Value } == [2, 0, 0, 2])
      #expect(tiers[0]["share_percent"] == .number("50"))
      #expect(tiers[0]["revenue_share_percent"] == .number("100"))
    }
  }

  @Test("Registered scorecards are listed with the one in force")
  func scorecards() async throws {
    try await withAPI(try Shipped.rules(), []) { router, _, _ in
      let cards = try #require(try await ask(router, .get, "/v1/scorecards").1["scorecards"]?.arrayValue)
      #expect(cards.map { $0["name"]?.stringValue } == ["rfm-plus", "standard"])
      #expect(cards.map { $0["in_force"]?.booleanValue } == [true, false])
    }
  }

  @Test("Waiting ratings are counted, made due at once by a request, and the lane is woken")
  func rateNow() async throws {
    try await withAPI(try Shipped.rules(), [snapshot(1, 1)]) { router, database, settings in
      try await Tables.session(database) { session in
        var store = PostgresTieringStore(session, zone: .utc)
        _ = try TieringBatch.receive(
          [received(snapshot(1, 2, RatingTests.big))], &store, rules: settings.rules, at: moment("1998-07-01", seconds: 30))
      }
      #expect(try await ask(router, .get, "/v1/ratings/waiting").1["waiting"] == 1)
      let (rings, ring) = AsyncStream.makeStream(of: Void.self)
      settings.lane.connect { ring.finish() }
      let (status, body) = try await ask(router, .post, "/v1/ratings/due")
      #expect(status == .accepted)
      #expect(body["waiting"] == 1)
      for await _ in rings {}
      #expect(try await Tables.session(database) { try Tables.due(kind: TieringWork.rating, $0) } == [customer(1): TieringWork.now])
    }
  }

  @Test("The list of all ratings is streamed over several pages, each customer once, in id order, without merged ones")
  func list() async throws {
    let count = Int64(TieringAPI.pageCustomersMax) + 5
    let snapshots = (1...count).map { snapshot($0, 1, $0 == 2 ? RatingTests.big : [], merged: $0 == 3 ? 1 : nil) }
    try await withAPI(try Shipped.rules(), snapshots) { router, _, _ in
      let server = HTTPServer(settings: HTTPServerSettings(port: 0), router: router, logger: .silent)
      let client = HTTPClient()
      let stop = StopSignal()
      async let group = ServiceGroup(services: [server, client], logger: .silent).run(signals: [], stop: stop)
      let response = try await client.get("http://127.0.0.1:\(try await server.boundPort)/v1/tiers")
      stop.stop()
      #expect(await group.isClean)
      let lines = try response.body.split(separator: 0x0A).map { try JSONValue(Array($0)) }
      #expect(lines.map { $0["customer_id"]?.stringValue } == (1...count).filter { $0 != 3 }.map { customer($0).description })
      #expect(lines[1]["tier"] == "vip")
      #expect(lines[1]["monetary"] == 80_000_000)
      #expect(lines[1]["recency_days"] == 30)
      #expect(lines[0]["recency_days"] == .null)
    }
  }
}
