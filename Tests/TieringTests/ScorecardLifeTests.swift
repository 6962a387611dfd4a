// A scorecard's way into use over the API, and one switch for all who rate (T-10).
import Contracts
import Documents
import Domain
import HTTP
import Postgres
import TestSupport
import Testing
import Text
import TieringCore
import TieringStore

@testable import tiering

@Suite("A scorecard's way into use", .enabled(if: TestDatabase.isAvailable, Comment(rawValue: TestDatabase.whyNot)))
struct ScorecardLifeTests {
  /// The API over a fresh database in which `rfm-plus` is active, `standard` a draft, and forty customers are rated.
  private struct Desk {
    let router: Router
    let database: PostgresSettings
    let settings: TieringSettings

    func send(_ method: HTTPMethod, _ path: String, _ body: JSONValue? = nil, match: String? = nil) async throws -> (Response, JSONValue) {
      var headers: HTTPHeaders = ["Content-Type": "application/json"]
      if let match { headers["If-Match"] = match }
      let response = try await router.respond(to: try Request(method, "/v1/scorecards\(path)", headers: headers, body: body?.encoded ?? []))
      return (response, response.bytes.flatMap { try? JSONValue($0) } ?? .null)
    }

    /// A step by Li, and the state afterwards.
    func step(_ path: String, _ more: [JSONMember] = [], match: String? = nil) async throws -> (HTTPStatus, JSONValue) {
      let (response, body) = try await send(.post, path, .object([JSONMember("actor", "Li"), JSONMember("reason", "spring")] + more), match: match)
      return (response.status, body)
    }

    /// A recorded simulation; its answer is a stream, so it is put on record here as the stream does at its end.
    func simulate(_ reference: ScorecardReference) async throws {
      _ = try await Tables.session(database) { session in
        var wish = ScorecardWish(.simulate, reference, by: ScorecardActor("Li", because: "spring", at: moment("1998-07-01").business))
        wish.detail = "{\"customers\":40}"
        return try ScorecardLife.step(wish, session)
      }
    }

    func state(_ path: String) async throws -> String? { try await send(.get, path).1["state"]?.stringValue }
  }

  private func withDesk(_ body: (Desk) async throws -> Void) async throws {
    let rules = try Shipped.rules()
    let settings = try Shipped.settings(rules)
    try await Tables.with { database in
      try await Tables.session(database) { session in
        try RuleRegister.register(settings.scorecards, settings.policies, settings.benefits, at: Instant(seconds: 0), session)
        _ = try ScorecardLife.begin(with: rules.scorecard.reference, at: Instant(seconds: 0), session)
        var store = PostgresTieringStore(session, zone: .utc)
        let population = (1...Int64(40)).map { received(snapshot($0, 1, $0 % 3 == 0 ? RatingTests.big : [])) }
        _ = try TieringBatch.receive(population, &store, rules: rules, at: moment("1998-07-01"))
      }
      let pool = PostgresPool(database)
      var router = Router()
      TieringAPI(settings: settings, clock: HandClock(moment("1998-07-01").business), pool: pool).add(to: &router)
      try await body(Desk(router: router, database: database, settings: settings))
      await pool.close()
    }
  }

  private static let standard = ScorecardReference(name: "standard", version: 2)
  private static let plus = ScorecardReference(name: "rfm-plus", version: 1)

  @Test("Draft, simulated, canary, active; the one before is retired; going back puts it in force again, all on record with who and why")
  func wholeLife() async throws {
    try await withDesk { desk in
      #expect(try await desk.state("/standard/2") == "draft")
      let early = try await desk.step("/standard/2/canary")
      #expect(early.0 == .conflict && early.1["detail"] == "standard v2 is draft: simulate it on all customers first")
      try await desk.simulate(Self.standard)
      #expect(try await desk.step("/standard/2/activate").1["detail"]?.stringValue?.contains("make it the canary first") == true)
      let tried = try await desk.step("/standard/2/canary", [JSONMember("percent", 30)])
      #expect(tried.0 == .ok && tried.1["state"] == "canary" && tried.1["canary_percent"] == 30)
      #expect(tried.1["simulation"]?["detail"]?["customers"] == 40)
      let active = try await desk.step("/standard/2/activate")
      #expect(active.0 == .ok && active.1["in_force"] == true && active.1["canary_percent"] == .null)
      #expect(try await desk.state("/rfm-plus/1") == "retired")
      #expect(try await desk.step("/standard/2/retire").0 == .conflict)
      #expect(try await desk.step("/rfm-plus/1/back").0 == .conflict)
      let back = try await desk.step("/standard/2/back")
      #expect(back.0 == .ok && back.1["state"] == "retired")
      #expect(try await desk.state("/rfm-plus/1") == "active")
      #expect(try await desk.step("/rfm-plus/1/back").1["detail"]?.stringValue?.contains("no scorecard rated all customers before") == true)

      let events = try #require(try await desk.send(.get, "/history").1["events"]?.arrayValue)
      #expect(
        events.reversed().map { "\($0["name"]?.stringValue ?? "") \($0["kind"]?.stringValue ?? "")" } == [
          "standard registered", "rfm-plus registered", "rfm-plus activated", "standard simulated", "standard canary", "rfm-plus replaced",
          "standard activated", "standard replaced", "rfm-plus restored",
        ])
      #expect(events.first?["actor"] == "Li" && events.first?["reason"] == "spring" && events.first?["at"] == "1998-07-01T12:00:00Z")
      let page = try await desk.send(.get, "/history?name=standard&limit=2").1
      #expect(page["events"]?.arrayValue?.compactMap { $0["kind"]?.stringValue } == ["replaced", "activated"])
      let next = try #require(page["next"]?.int64Value)
      #expect(try await desk.send(.get, "/history?name=standard&limit=2&before=\(next)").1["events"]?[0]?["detail"]?["percent"] == 30)
    }
  }

  @Test("Two people who change the same scorecard are told of each other: the second one's If-Match names a state that is gone")
  func conflict() async throws {
    try await withDesk { desk in
      try await desk.simulate(Self.standard)
      let (shown, _) = try await desk.send(.get, "/standard/2")
      let tag = try #require(shown.headers["ETag"])
      #expect(try await desk.step("/standard/2/canary", match: tag).0 == .ok)
      let second = try await desk.step("/standard/2/retire", match: tag)
      #expect(second.0 == .preconditionFailed && second.1["detail"]?.stringValue?.contains("since you looked") == true)
      #expect(try await desk.step("/standard/2/retire", match: "W/\(tag)").0 == .preconditionFailed)
      #expect(try await desk.state("/standard/2") == "canary")
      #expect(try await desk.step("/standard/2/retire", match: "*").0 == .ok)
      let request = try Request(.get, "/v1/scorecards/standard/2", headers: ["If-None-Match": tag])
      #expect(try await desk.router.respond(to: request).status == .ok)
    }
  }

  @Test("A scorecard is imported as a draft and exported byte for byte; the same again is no news, another content under its version a conflict")
  func importedAndExported() async throws {
    try await withDesk { desk in
      let yaml = try Shipped.scorecard("standard").yaml.replacing("version: 2", with: "version: 3  # 春季").replacing("state: active\n", with: "")
      let body: JSONValue = ["yaml": .text(yaml), "actor": "Li", "reason": "spring"]
      let (first, card) = try await desk.send(.post, "", body)
      #expect(first.status == .created && first.headers["Location"] == "/v1/scorecards/standard/3" && card["state"] == "draft")
      #expect(try await desk.send(.post, "", body).0.status == .ok)
      let exported = try await desk.send(.get, "/standard/3/file").0
      #expect(exported.bytes == Array(yaml.utf8) && exported.headers["Content-Type"] == "application/yaml")
      let other: JSONValue = ["yaml": .text(yaml + "# more\n"), "actor": "Li", "reason": "spring"]
      let taken = try await desk.send(.post, "", other)
      #expect(taken.0.status == .conflict && taken.1["detail"]?.stringValue?.contains("raise the version") == true)
      let faulty: JSONValue = ["yaml": .text(yaml.replacing("weight: 35", with: "weight: 36")), "actor": "", "reason": "x", "more": 1]
      #expect(try await desk.send(.post, "", faulty).0.status == .unprocessable)
      let mistaken: JSONValue = ["yaml": .text(yaml.replacing("weight: 35", with: "weight: 36")), "actor": "Li", "reason": "x"]
      #expect(try await desk.send(.post, "", mistaken).1["errors"]?[0]?["rule"] == "scorecard")
      #expect(try await desk.send(.get, "/standard/9").0.status == .notFound)
      #expect(try await desk.send(.get, "/standard/one").0.status == .unprocessable)
    }
  }

  @Test("While a scorecard is tried, exactly its part of the customers is rated by it, and the comparison counts either group by both")
  func canary() async throws {
    try await withDesk { desk in
      try await desk.simulate(Self.standard)
      #expect(try await desk.send(.get, "/standard/2/comparison").0.status == .conflict)
      _ = try await desk.step("/standard/2/canary", [JSONMember("percent", 40)])
      let marked = try await Tables.session(desk.database) { session -> Int in
        let rules = try desk.settings.inForce.read(session)
        let marked = try RuleRegister.markRatedByOthers(rules, session)
        try Tables.rateNow(desk.settings.inForce, session)
        try same(try RuleRegister.markRatedByOthers(rules, session), 0)
        return marked
      }
      let trial = try #require(CanaryTrial(try Shipped.scorecard("standard").content, percent: 40))
      let customers = try await Tables.session(desk.database) { try Tables.customers($0) }
      let tried = customers.keys.filter(trial.includes)
      #expect(marked == tried.count && tried.count > 5 && tried.count < 35)
      for (id, customer) in customers { #expect(customer.standing?.rating.scorecard == (trial.includes(id) ? Self.standard : Self.plus)) }

      let (_, comparison) = try await desk.send(.get, "/standard/2/comparison")
      #expect(comparison["canary"]?["customers"]?.intValue == tried.count && comparison["rest"]?["customers"]?.intValue == 40 - tried.count)
      #expect(comparison["canary"]?["waiting"] == 0 && comparison["percent"] == 40)
      let byCanary = comparison["canary"]?["tiers"]?.arrayValue?.compactMap { $0["by_canary"]?["customers"]?.intValue }
      let now = ["vip", "key", "normal", "watch"].map { name in tried.count { customers[$0]?.standing?.rating.tier.text == name } }
      #expect(byCanary == now)

      // Dropped, everybody is rated by the active one again.
      _ = try await desk.step("/standard/2/retire")
      try await Tables.session(desk.database) { session in
        try same(try RuleRegister.markRatedByOthers(try desk.settings.inForce.read(session), session), tried.count)
        try Tables.rateNow(desk.settings.inForce, session)
        try same(Set(try Tables.customers(session).values.map { $0.standing?.rating.scorecard }), [Self.plus])
      }
    }
  }

  @Test("A switch waits for transactions that rate, and from its commit on every process rates by the new scorecard")
  func oneSwitch() async throws {
    try await withDesk { desk in
      try await desk.simulate(Self.standard)
      // Another process, with what it remembers of its own.
      let other = RulesInForce(desk.settings.rules)
      let rating = try await Tables.session(desk.database) { LaneHold(session: try PostgresSession(desk.database), pid: $0.backendPID) }
      try await TestDatabase.blocking {
        try rating.session.execute("BEGIN")
        try same(try other.hold(rating.session).scorecard.reference, Self.plus)
      }
      async let activated = desk.step("/standard/2/activate", [JSONMember("without_canary", true)])
      let isBlocked = Statement(
        name: "",
        sql: "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND wait_event = 'advisory' AND datname = current_database())")
      _ = try await eventually("the switch waits for the rating") {
        try await Tables.session(desk.database) { try $0.query(isBlocked).bool(0, 0) } ? true : nil
      }
      // A look is not held up, and sees what is still in force.
      #expect(try await desk.state("/rfm-plus/1") == "active")
      try await TestDatabase.blocking { try rating.session.execute("COMMIT") }
      #expect(try await activated.0 == .ok)
      try await TestDatabase.blocking {
        try rating.session.transaction { try same(try other.hold($0).scorecard.reference, Self.standard) }
        rating.session.close()
      }
      #expect(try await Tables.session(desk.database) { try desk.settings.inForce.read($0).scorecard.reference } == Self.standard)
    }
  }

  @Test("The scorecard of the settings is active in a fresh database only")
  func settingNamesTheFirst() async throws {
    try await withDesk { desk in
      let active = try await Tables.session(desk.database) { try ScorecardLife.begin(with: Self.standard, at: Instant(seconds: 9), $0) }
      #expect(active == Self.plus)
      #expect(try await desk.state("/standard/2") == "draft")
    }
  }
}
