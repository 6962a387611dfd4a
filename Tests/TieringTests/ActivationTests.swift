// A scorecard comes into force under load: what was simulated is what everybody gets, and no reader meets anything in between (T-10).
import Contracts
import Documents
import Domain
import HTTP
import Lifecycle
import Postgres
import Telemetry
import TestSupport
import Testing
import Text
import TieringCore
import TieringStore

@testable import tiering

@Suite("Activation under load", .enabled(if: TestDatabase.isAvailable, Comment(rawValue: TestDatabase.whyNot)), .serialized)
struct ActivationTests {
  private static let customers: Int64 = 5_000
  private static let readers = 2

  /// What one reader has seen of each customer.
  private struct Seen {
    var versions: [Int64: Int64] = [:]
    var changed: Set<Int64> = []
    var reads = 0
  }

  private static func days(_ id: Int64) -> [(String, Int32, Int64)] {
    (0..<(id % 9)).map { order in ("1998-0\(1 + order % 6)-1\(order)", 1, 40_000 * (id % 130 + 1)) }
  }

  /// Asks for customers at random while it may; every answer must be a whole rating by one of the two scorecards, as worked out by itself.
  private static func read(
    _ router: Router, _ cards: [String: Scorecard], seed: UInt64, while goesOn: @Sendable () -> Bool
  ) async throws -> Seen {
    var (random, seen) = (SplitMix(seed), Seen())
    while goesOn() {
      let id = Int64.random(in: 1...customers, using: &random)
      let response = try await router.respond(to: try Request(.get, "/v1/tiers/\(customer(id))"))
      guard response.status == .ok, let body = try response.bytes.map({ try JSONValue($0) }) else {
        throw CheckFailed(description: "customer \(id) has no rating: \(response.status)")
      }
      guard let name = body["scorecard"]?.stringValue, let card = cards[name], let version = body["version"]?.int64Value,
        let explanation = body["explanation"]
      else { throw CheckFailed(description: "a rating by no scorecard: \(body.encodedText)") }
      let figures = RatingFigures(
        ledger: ledger(days(id)), industry: nil, growth: .none, currency: .cny, today: day("1998-07-01"))
      let score = try card.score(figures.values)
      try same(body["score_exact"], .text(score.exact.description))
      try same(body["score"]?.intValue, score.rounded)
      try same(explanation["score_exact"], body["score_exact"])
      try same(explanation["scorecard"], .text("\(card.reference)"))
      try same(explanation["tier"]?["id"], body["tier"])
      if let before = seen.versions[id], version < before { throw CheckFailed(description: "customer \(id) went back from \(before) to \(version)") }
      seen.versions[id] = version
      if name == "standard" { seen.changed.insert(id) } else if seen.changed.contains(id) { throw CheckFailed(description: "\(id) went back") }
      seen.reads += 1
    }
    return seen
  }

  @Test("Readers see each customer's old rating until the new one is there, whole; at the end everybody has what the simulation said")
  func underLoad() async throws {
    try await Tables.with { database in
      let rules = try Shipped.rules()
      try await Tables.session(database) { session in
        var store = PostgresTieringStore(session, zone: .utc)
        let population = (1...Self.customers).map { received(snapshot($0, 1, Self.days($0))) }
        _ = try TieringBatch.receive(population, &store, rules: rules, at: moment("1998-07-01"))
      }
      try await Bench.withKafka { kafka in
        try await (try await Bench(database, kafka)).run { bench in
          let pool = PostgresPool(database)
          var router = Router()
          TieringAPI(settings: bench.settings, clock: bench.clock, pool: pool).add(to: &router)
          let served = router
          try await activate(bench, database, served)
          await pool.close()
        }
      }
    }
  }

  private func activate(_ bench: Bench, _ database: PostgresSettings, _ router: Router) async throws {
    let cards = ["rfm-plus": try Shipped.scorecard("rfm-plus").content, "standard": try Shipped.scorecard("standard").content]
    _ = try await eventually("the service has begun") {
      try await Tables.session(database) { try ScorecardSwitch.numbers($0).map { $0.number == $0.marked } } == true ? true : nil
    }
    let said = try await simulate(router)
    let done = StopSignal()
    try await withThrowingTaskGroup(of: Seen.self) { group in
      for seed in 1...UInt64(Self.readers) {
        group.addTask { try await Self.read(router, cards, seed: seed) { !done.isStopping } }
      }
      let body: JSONValue = ["actor": "Li", "reason": "spring", "without_canary": true]
      let answer = try await router.respond(to: try Request(.post, "/v1/scorecards/standard/2/activate", body: body.encoded))
      #expect(answer.status == .ok)
      // Orders go on coming in.
      for id in 1...Int64(20) { try await bench.send(snapshot(id, 2, Self.days(id)), sequence: Int(id)) }
      let left = Statement(
        name: "",
        sql: "SELECT NOT EXISTS (SELECT FROM customers WHERE scorecard <> 'standard') AND NOT EXISTS (SELECT FROM due_work WHERE kind = 1)")
      _ = try await eventually("everybody is rated anew", withinSeconds: 120) {
        try await Tables.session(database) { try $0.query(left).bool(0, 0) } ? true : nil
      }
      done.stop()
      var (reads, changed) = (0, 0)
      for try await seen in group {
        reads += seen.reads
        changed += seen.changed.count
      }
      #expect(reads > 50 && changed > 0, "the readers must have read: \(reads), \(changed)")
    }
    let stored = try await Tables.session(database) { try Tables.customers($0) }
    #expect(said.count == stored.count)
    for (id, then) in said {
      let rating = try #require(stored[id]?.standing?.rating)
      #expect(rating.tier == then.tier && rating.score == then.score && rating.scorecard.name == "standard", "\(id)")
    }
  }

  /// A simulation on record, line by line.
  private func simulate(_ router: Router) async throws -> [CustomerID: (tier: TierID, score: Int?)] {
    let server = HTTPServer(settings: HTTPServerSettings(port: 0), router: router, logger: .silent)
    let client = HTTPClient()
    let stop = StopSignal()
    async let group = ServiceGroup(services: [server, client], logger: .silent).run(signals: [], stop: stop)
    let url = "http://127.0.0.1:\(try await server.boundPort)/v1/scorecards/standard/2/simulation"
    let body: JSONValue = ["actor": "Li", "reason": "spring"]
    let answer = try await client.send(ClientRequest(.post, url, body: body.encoded))
    stop.stop()
    #expect(await group.isClean)
    let lines = try answer.body.split(separator: 0x0A).map { try JSONValue(Array($0)) }
    #expect(lines.last?["state"] == "simulated" && lines.last?["customers"]?.int64Value == Self.customers)
    var said: [CustomerID: (tier: TierID, score: Int?)] = [:]
    for line in lines.dropFirst().dropLast() {
      guard let id = line["customer_id"]?.stringValue.flatMap({ CustomerID($0) }), let tier = line["tier_then"]?.stringValue.flatMap({ TierID($0) })
      else { continue }
      said[id] = (tier, line["score_then"]?.intValue)
    }
    return said
  }
}
