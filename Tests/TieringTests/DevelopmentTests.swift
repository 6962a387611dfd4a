// What became of the tiers (T-12): known customers over a year, and the report over the tables.
import Contracts
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

@Suite("What became of the tiers")
struct DevelopmentTests {
  private func tier(_ text: String) throws -> TierID { try #require(tierID(text)) }

  @Test("Retention, repurchase and the growth of the average order are of the year up to the day, beside the year before")
  func sums() throws {
    var development = TierDevelopment(day: day("1998-07-01"))
    let vip = try tier("vip")
    // On the first day of the year, which is outside it; twice within 90 days; and after the day, which counts for nothing.
    let buyer = ledger([
      ("1996-08-01", 1, 10_000), ("1997-07-01", 1, 20_000), ("1997-12-01", 1, 20_000), ("1998-01-15", 1, 40_000), ("1998-07-02", 5, 1_000_000),
    ])
    development.add(DevelopedCustomer(tier: vip, tierBefore: vip, ledger: buyer))
    // Was VIP and bought nothing since; was VIP and is part of another now; came later.
    development.add(DevelopedCustomer(tier: try tier("watch"), tierBefore: vip, ledger: ledger([("1997-06-01", 1, 5_000)])))
    development.add(DevelopedCustomer(tier: nil, tierBefore: vip, ledger: buyer))
    development.add(DevelopedCustomer(tier: vip, tierBefore: nil, ledger: ledger([("1998-06-01", 1, 30_000)])))
    let line = try #require(development.lines[vip])
    #expect(line.customers == 2 && line.revenue == 90_000 && line.orders == 3 && line.repeatOrders == 1)
    #expect(line.cohort == 2 && line.retained == 1 && line.retention == Rational(50))
    #expect(line.repurchase == Rational(100, over: 3))
    // 30,000 an order against 15,000.
    #expect(line.averageOrder == Rational(30_000) && line.averageOrderBefore == Rational(15_000) && line.averageOrderGrowth == Rational(100))
    let watch = try #require(development.lines[try tier("watch")])
    #expect(watch.customers == 1 && watch.averageOrderGrowth == nil && watch.repurchase == nil && watch.retention == nil)
  }

  private func ask(_ router: Router, _ query: String = "") async throws -> (HTTPStatus, JSONValue) {
    let response = try await router.respond(to: try Request(.get, "/v1/reports/tiers\(query)"))
    return (response.status, try JSONValue(response.bytes ?? []))
  }

  /// The lines of the report, as a client gets them.
  private func lines(_ router: Router, _ query: String) async throws -> [JSONValue] {
    let server = HTTPServer(settings: HTTPServerSettings(port: 0), router: router, logger: .silent)
    let client = HTTPClient()
    let stop = StopSignal()
    async let group = ServiceGroup(services: [server, client], logger: .silent).run(signals: [], stop: stop)
    let answer = try await client.get("http://127.0.0.1:\(try await server.boundPort)/v1/reports/tiers\(query)")
    stop.stop()
    #expect(await group.isClean)
    #expect(answer.headers["Content-Type"] == "application/x-ndjson")
    return try answer.body.split(separator: 0x0A).map { try JSONValue(Array($0)) }
  }

  @Test(
    "The report tells who came to each tier and left it by month, merged customers too, as of any day",
    .enabled(if: TestDatabase.isAvailable, Comment(rawValue: TestDatabase.whyNot)))
  func report() async throws {
    let rules = try Shipped.rules()
    try await Tables.with { database in
      try await Tables.session(database) { session in
        var store = PostgresTieringStore(session, zone: .utc)
        func receive(_ items: [ProfileSnapshot], _ day: String, _ seconds: Int64) throws {
          _ = try TieringBatch.receive(items.map(received), &store, rules: rules, at: moment(day, seconds: seconds))
        }
        try receive([snapshot(1, 1), snapshot(3, 1)], "1997-05-10", 0)
        try receive([snapshot(1, 2, RatingTests.big), snapshot(2, 1, RatingTests.big)], "1998-06-10", 100)
        try receive([snapshot(2, 2, merged: 1)], "1998-06-30", 200)
        try receive([snapshot(2, 3, merged: 3)], "1998-06-30", 250)
        try receive([snapshot(2, 4, RatingTests.big)], "1998-07-01", 300)
      }
      let pool = PostgresPool(database)
      var router = Router()
      TieringAPI(settings: try Shipped.settings(rules), clock: HandClock(moment("1998-07-01").business), pool: pool).add(to: &router)
      let (status, body) = try await ask(router, "?months=2")
      #expect(status == .ok && body["as_of"] == "1998-07-01" && body["before"] == "1997-07-01" && body["months"] == ["1998-06", "1998-07"])
      func traffic(_ month: String, _ tier: String, _ body: JSONValue) -> [Int?] {
        let row = body["traffic"]?.arrayValue?.first { $0["month"]?.stringValue == month && $0["tier"]?.stringValue == tier }
        return ["in", "first", "out", "merged"].map { row?[$0]?.intValue }
      }
      #expect(traffic("1998-06", "vip", body) == [2, 1, 1, 1] && traffic("1998-06", "watch", body) == [0, 0, 1, 0])
      #expect(traffic("1998-07", "vip", body) == [1, 1, 0, 0])
      let tiers = try #require(body["tiers"]?.arrayValue)
      #expect(tiers.map { $0["customers"]?.intValue } == [2, 0, 0, 1])
      #expect(tiers[3]["cohort"] == 2 && tiers[3]["retention_percent"] == .number("50"), "one of the two Watch of a year ago has bought since")
      #expect(tiers[0]["retention_percent"] == .null && tiers[0]["retention_none"]?["en"] == "nobody was in this tier at the end of 1997-07-01")
      #expect(tiers[0]["referrals"] == .null && body["none"]?["referrals"]?["zh"]?.stringValue?.isEmpty == false)

      // As of a day before the merge: both are VIP; before all that: two Watch and nothing else.
      #expect(try await ask(router, "?as_of=1998-06-15").1["tiers"]?[0]?["customers"] == 2)
      let early = try await ask(router, "?as_of=1998-06-09&months=36").1
      #expect(early["tiers"]?[3]?["customers"] == 2 && traffic("1997-05", "watch", early) == [2, 2, 0, 0])
      let aged = try await ask(router, "?as_of=1998-04-01").1["tiers"]?[3]
      #expect(aged?["average_order_growth_none"]?["en"]?.stringValue?.contains("more than 2 months back") == true)
      // With lines that say how far it is, the same.
      let told = try await lines(router, "?months=2&progress=true")
      #expect(told.first == ["so_far": 0] && told.last == ["end": true, "result": body])

      for query in ["?progress=1", "?as_of=1998-07-02", "?as_of=1997-07-31", "?as_of=soon", "?months=0", "?months=37"] {
        #expect(try await ask(router, query).0 == .unprocessable)
      }
      await pool.close()
    }
  }
}
