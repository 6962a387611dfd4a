// What a simulation says of another scorecard is what happens when it comes into force, customer by customer (T-10).
import Contracts
import Documents
import Domain
import HTTP
import Handling
import Lifecycle
import Postgres
import Telemetry
import TestSupport
import Testing
import Text
import TieringCore
import TieringStore

@testable import tiering

@Suite("Simulated scorecards", .enabled(if: TestDatabase.isAvailable, Comment(rawValue: TestDatabase.whyNot)))
struct ScorecardSimulationTests {
  private static let rules = Result { try Shipped.rules(growth: IndustryGrowth(["retail": Rational(12), "it": Rational(-4)])) }

  /// Many customers with random orders, a few merged, rated by `rfm-plus` on the first of July; some have changes that wait.
  private func snapshots(_ count: Int64, seed: UInt64) -> [ProfileSnapshot] {
    var random = SplitMix(seed)
    return (1...count).map { id in
      let orders = (0..<Int.random(in: 0...14, using: &random)).map { _ in
        let (month, day) = (Int.random(in: 1...18, using: &random), Int.random(in: 1...28, using: &random))
        let year = 1997 + (month - 1) / 12
        func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
        return ("\(year)-\(two((month - 1) % 12 + 1))-\(two(day))", Int32(1), Int64.random(in: -50_000...9_000_000, using: &random))
      }
      let industry = [nil, "Retail", "it", "mining"][Int.random(in: 0...3, using: &random)]
      return snapshot(id, 1, orders, merged: id % 40 == 0 ? 1 : nil, industry: industry)
    }
  }

  /// The lines of a simulation over the network, as a client gets them.
  private func simulate(
    _ body: String, _ database: PostgresSettings, _ settings: TieringSettings, on day: String, query: String = "", type: String = "application/yaml",
    path: String = "simulations"
  ) async throws -> (HTTPStatus, [JSONValue]) {
    let pool = PostgresPool(database)
    var router = Router()
    SimulationAPI(settings: settings, clock: HandClock(moment(day).business), pool: pool).add(to: &router)
    let server = HTTPServer(settings: HTTPServerSettings(port: 0), router: router, logger: .silent)
    let client = HTTPClient()
    let stop = StopSignal()
    async let group = ServiceGroup(services: [server, client], logger: .silent).run(signals: [], stop: stop)
    let url = "http://127.0.0.1:\(try await server.boundPort)/v1/scorecards/\(path)\(query)"
    let answer = try await client.send(ClientRequest(.post, url, headers: ["Content-Type": type], body: Array(body.utf8)))
    stop.stop()
    #expect(await group.isClean)
    await pool.close()
    return (answer.status, try answer.body.split(separator: 0x0A).map { try JSONValue(Array($0)) })
  }

  @Test("Every customer's simulated tier and score are those that the scorecard gives when it comes into force", arguments: ["1998-07-01", "1998-08-15"])
  func sameAsActivation(day: String) async throws {
    let rules = try Self.rules.get()
    let settings = try Shipped.settings(rules)
    let other = try Shipped.scorecard("standard")
    let count = Int64(RatedPages.customersMax) + 200
    let population = snapshots(count, seed: 7)
    try await Tables.with { database in
      try await Tables.session(database) { session in
        var store = PostgresTieringStore(session, zone: .utc)
        _ = try TieringBatch.receive(population.map(received), &store, rules: rules, at: moment("1998-07-01"))
        // A change that waits counts: it is what is known.
        let waiting = (1...Int64(50)).map { received(snapshot($0 * 3, 2, RatingTests.big)) }
        _ = try TieringBatch.receive(waiting, &store, rules: rules, at: moment("1998-07-01", seconds: 5))
      }
      let before = try await Tables.session(database) { try Tables.customers($0) }
      let (status, lines) = try await simulate(other.yaml, database, settings, on: day)
      #expect(status == .ok)
      let unchanged = try await Tables.session(database) { try Tables.customers($0) } == before
      #expect(unchanged, "a simulation must change nothing")

      try await Tables.session(database) { session in
        var activated = rules
        activated.scorecard = other.content
        var store = PostgresTieringStore(session, zone: .utc)
        _ = try TieringBatch.rateDue(Array(before.keys), &store, rules: activated, at: moment(day, seconds: 60), ignoringInterval: true)
      }
      let after = try await Tables.session(database) { try Tables.customers($0) }
      let rated = after.values.filter { $0.mergedInto == nil && $0.standing != nil }
      #expect(lines.count == rated.count + 2)
      #expect((lines.first?["waiting"]?.intValue ?? 0) > 20)
      #expect(lines.last?["end"] == true && lines.last?["customers"]?.intValue == rated.count)
      var movers = 0
      for line in lines.dropFirst().dropLast() {
        let id = try #require(line["customer_id"]?.stringValue.flatMap { CustomerID($0) })
        let (was, now) = (try #require(before[id]?.standing), try #require(after[id]?.standing))
        #expect(line["tier"] == .text(was.rating.tier.text) && line["score"]?.intValue == was.rating.score)
        #expect(line["tier_then"] == .text(now.rating.tier.text) && line["score_then"]?.intValue == now.rating.score, "\(line.encodedText)")
        #expect(line["monetary"]?.int64Value == now.monetary)
        if was.rating.tier != now.rating.tier { movers += 1 }
      }
      #expect(movers > 20, "the test needs customers who move")
    }
  }

  @Test("Under a quota a simulation divides by the scores that everybody would have, and its borders are those of its activation")
  func quota() async throws {
    var rules = try Self.rules.get()
    let quota = try #require(try Shipped.policies().content.quota)
    rules.policy = .quota(quota)
    let settings = try Shipped.settings(rules)
    let population = snapshots(150, seed: 5)
    try await Tables.with { database in
      try await Tables.session(database) { session in
        try RuleRegister.register(settings.scorecards, settings.policies, settings.benefits, at: Instant(seconds: 0), session)
        _ = try ScorecardLife.begin(with: settings.rules.scorecard.reference, at: Instant(seconds: 0), session)
        var store = PostgresTieringStore(session, zone: .utc)
        _ = try TieringBatch.receive(population.map(received), &store, rules: try settings.inForce.read(session), at: moment("1998-07-01"))
      }
      let card = try Shipped.scorecard("standard")
      let path = "\(card.content.reference.name)/\(card.content.reference.version)/simulation"
      let lines = try await simulate(
        #"{"actor":"Li","reason":"spring"}"#, database, settings, on: "1998-07-01", type: "application/json", path: path).1
      try await Tables.session(database) { session in
        let actor = ScorecardActor("Li", because: "spring", at: Instant(seconds: 0))
        var wish = ScorecardWish(.activate, card.content.reference, by: actor)
        wish.skipsCanary = true
        _ = try ScorecardLife.step(wish, session)
        _ = try RuleRegister.markRatedByOthers(try settings.inForce.read(session), session)
        try Tables.rateNow(settings.inForce, session)
      }
      let after = try await Tables.session(database) { try Tables.customers($0) }
      #expect(lines.count > 100)
      for line in lines.dropFirst().dropLast() {
        let standing = try #require(line["customer_id"]?.stringValue.flatMap { CustomerID($0) }.flatMap { after[$0]?.standing })
        #expect(line["tier_then"] == .text(standing.rating.tier.text), "\(line.encodedText)")
      }
      #expect(Set(lines.compactMap { $0["tier_then"]?.stringValue }).count == 4)
    }
  }

  @Test("The first line says by which rules and of which day, with the tiers, highest first; the last one that nothing is missing")
  func frame() async throws {
    let settings = try Shipped.settings(try Shipped.rules())
    try await Tables.with { database in
      let (_, lines) = try await simulate(try Shipped.scorecard("standard").yaml, database, settings, on: "1998-07-01")
      #expect(lines.count == 2)
      #expect(lines[0]["scorecard"] == "standard" && lines[0]["scorecard_version"] == 2 && lines[0]["policy"] == "score")
      #expect(lines[0]["as_of"] == "1998-07-01" && lines[0]["currency"] == "CNY" && lines[0]["registered_otherwise"] == false)
      #expect(lines[0]["tiers"]?.arrayValue?.compactMap { $0["tier"]?.stringValue } == ["vip", "key", "normal", "watch"])
      #expect(lines[1]["end"] == true && lines[1]["customers"] == 0)
    }
  }

  @Test("The last line sums everything up: moves, revenue, agreement, what benefits cost, and how well labelled customers are found")
  func summary() async throws {
    let rules = try Shipped.rules()
    let settings = try Shipped.settings(rules)
    let card = try Shipped.scorecard("standard")
    try await Tables.with { database in
      try await Tables.session(database) { session in
        var store = PostgresTieringStore(session, zone: .utc)
        // Four rich ones, who are VIP by rfm-plus and less by standard; six who never bought.
        let population = (1...Int64(10)).map { received(snapshot($0, 1, $0 <= 4 ? RatingTests.big : [])) }
        _ = try TieringBatch.receive(population, &store, rules: rules, at: moment("1998-07-01"))
      }
      let all = try await simulate(card.yaml, database, settings, on: "1998-07-01").1
      let body: JSONValue = ["yaml": .text(card.yaml), "labelled": ["M1", .text("\(customer(2))"), "M9", "M99"], "high_value_tiers": ["vip"]]
      let (status, lines) = try await simulate(body.encodedText, database, settings, on: "1998-07-01", query: "?lines=moved", type: "application/json")
      #expect(status == .ok)
      let summary = try #require(lines.last?["summary"])
      let moved = all.dropFirst().dropLast().filter { $0["tier"] != $0["tier_then"] }
      #expect(Array(lines.dropFirst().dropLast()) == moved)
      #expect(summary["customers"] == 10 && summary["kept"]?.intValue == 10 - moved.count)
      let vip = try #require(summary["tiers"]?[0])
      // 4 x 80,000,000 minor units; 7,750 a head for the rest of what a VIP has, and 10 % of 800,000 a head; 1,800 minutes over 250 days.
      #expect(vip["now"]?["customers"] == 4 && vip["now"]?["revenue"] == 320_000_000 && vip["now"]?["revenue_share_percent"] == .number("100"))
      #expect(vip["now"]?["benefit_cost"] == 35_100_000 && vip["now"]?["service_minutes_a_day"] == .number("28.8"))
      #expect(summary["now"]?["benefit_cost"] == 35_125_200, "and six times 42 of Watch")
      let labelled = try #require(summary["labelled"])
      #expect(labelled["given"] == 4 && labelled["known"] == 3 && labelled["reference_percent"] == 85)
      #expect(labelled["now"]?["recognised"] == 4 && labelled["now"]?["hits"] == 2)
      #expect(labelled["now"]?["precision_percent"] == .number("50") && labelled["now"]?["recall_percent"] == .number("66.6667"))
      #expect(try await simulate(card.yaml, database, settings, on: "1998-07-01", query: "?lines=some").0 == .unprocessable)
      let empty: JSONValue = ["yaml": .text(card.yaml), "labelled": []]
      #expect(try await simulate(empty.encodedText, database, settings, on: "1998-07-01", type: "application/json").0 == .unprocessable)
    }
  }

  @Test("A scorecard whose version is registered with another content is simulated, and the answer says that it could not come into force")
  func registeredOtherwise() async throws {
    let settings = try Shipped.settings(try Shipped.rules())
    let card = try Shipped.scorecard("standard")
    try await Tables.with { database in
      try await Tables.session(database) {
        try RuleRegister.register([card], try Shipped.policies(), try Shipped.benefits(), at: Instant(seconds: 0), $0)
      }
      #expect(try await simulate(card.yaml, database, settings, on: "1998-07-01").1[0]["registered_otherwise"] == false)
      #expect(try await simulate(card.yaml + "# more\n", database, settings, on: "1998-07-01").1[0]["registered_otherwise"] == true)
    }
  }

  @Test("A scorecard with mistakes is refused with every mistake and its line")
  func mistakes() async throws {
    let settings = try Shipped.settings(try Shipped.rules())
    let yaml = try Shipped.scorecard("standard").yaml.replacing("version: 2", with: "version: none")
    try await Tables.with { database in
      let pool = PostgresPool(database)
      var router = Router()
      SimulationAPI(settings: settings, clock: HandClock(moment("1998-07-01").business), pool: pool).add(to: &router)
      let answer = try await router.respond(to: try Request(.post, "/v1/scorecards/simulations", body: Array(yaml.utf8)))
      #expect(answer.status == .unprocessable)
      let fault = try JSONValue(answer.bytes ?? [])["errors"]?.arrayValue?.first
      #expect(fault?["field"] == "version" && fault?["rule"] == "scorecard")
      #expect(fault?["detail"]?.stringValue?.contains("a whole number is needed here") == true)
      await pool.close()
    }
  }

  @Test("One simulation runs at a time; one that is forgotten lets go of its place")
  func places() throws {
    let places = SimulationPlaces()
    var first = places.take()
    #expect(first != nil && places.take() == nil)
    first?.leave()
    first?.leave()
    let second = places.take()
    #expect(second != nil && places.take() == nil)
    second?.leave()
    first = places.take()
    #expect(places.take() == nil)
    first = nil
    #expect(places.take() != nil)
  }
}
