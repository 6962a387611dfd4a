// Tags over HTTP, on PostgreSQL (P-10): what people give, who has what, what other rules would do, and rules that come into force.
import Documents
import Domain
import HTTP
import Handling
import Hashing
import Lifecycle
import Postgres
import ProfileCore
import ProfileStore
import Runtime
import Telemetry
import TestSupport
import Testing
import Text

@testable import profile

private let start = Instant(seconds: 999_900_000)
private func memberID(_ number: Int) -> Identifier { Identifier(kind: .memberID, value: "M\(number)") }

private func order(_ id: String, _ identifier: Identifier, _ amount: Int64) -> Arrival {
  arrival(
    OrderEvent(
      kind: .order, source: "s", eventID: id, orderID: id, occurredAt: start, paidAt: start, money: Money(minorUnits: amount, currency: .cny),
      baseMinorUnits: amount, identifiers: [identifier]))
}

private func file(_ version: Int, _ tags: [(id: String, orders: Int)]) throws -> TagFile {
  let list = tags.map { "  - {id: \($0.id), group: behavioural, name: {en: \($0.id), zh: 标签}, all: [{figure: orders, months: 12, at_least: \($0.orders)}]}\n" }
  return try TagFile(Array("tags: \(version)\nauthor: t\nlist:\n\(list.joined())end: true\n".utf8), source: "t.yaml", currency: .cny)
}

@Suite(.enabled(if: TestDatabase.isAvailable, "\(TestDatabase.whyNot)")) struct TagRoutesTests {
  private static func environment(_ file: TagFile) throws -> ProfileEnvironment {
    let rules = ProfileRules(zone: .utc, tags: file.rules)
    return ProfileEnvironment(rules: rules, currency: .cny, pseudonyms: try Pseudonyms(key: Array("0123456789abcdef0123456789abcdef".utf8)), tags: file)
  }

  /// The routes over tables that hold these facts.
  private func withRoutes(_ tags: TagFile, _ facts: [Arrival], _ body: (Router, PostgresPool) async throws -> Void) async throws {
    try await TestDatabase.withDatabase { settings in
      var own = settings
      own.schema = "profile"
      let used = own
      let environment = try Self.environment(tags)
      try await TestDatabase.blocking {
        try Migrations(schema: "profile", Resources.migrations(of: "profile")).apply(to: used)
        let session = try PostgresSession(used)
        defer { session.close() }
        try TagRegister.register(tags, at: start, session)
        try session.transaction { session in
          var store = PostgresProfileStore(session)
          _ = try ProfileBatch.apply(facts, to: &store, rules: environment.rules, at: evaluation)
        }
      }
      let pool = PostgresPool(used)
      var router = Router()
      TagRoutes(environment: environment, pool: pool, clock: FixedClock(evaluation)).add(to: &router)
      try await body(router, pool)
      await pool.close()
    }
  }

  private func ask(_ router: Router, _ method: HTTPMethod = .get, _ target: String, _ body: JSONValue? = nil) async throws -> (HTTPStatus, JSONValue) {
    do {
      let response = try await router.respond(to: try Request(method, target, body: body?.encoded ?? []))
      return (response.status, try JSONValue(response.bytes ?? []))
    } catch let problem as Problem { return (problem.status, try JSONValue(problem.json)) }
  }

  /// What the lane of due work does with customers whose tags wait to be judged.
  private func judge(_ pool: PostgresPool, _ rules: ProfileRules) async throws -> Int {
    try await pool.transaction { session in
      let rows = try session.query(Statement(name: "test_waiting", sql: "DELETE FROM due_work WHERE kind = 5 RETURNING id"))
      let ids = try (0..<rows.count).map { CustomerID(number: try rows.int64($0, 0)) }
      var store = PostgresProfileStore(session)
      _ = try Tagging.apply(ids, to: &store, rules: rules, at: evaluation)
      return ids.count
    }
  }

  /// The lines of a simulation over the network, as a client gets them.
  private func simulate(_ yaml: String, _ router: Router) async throws -> [JSONValue] {
    let server = HTTPServer(settings: HTTPServerSettings(port: 0), router: router, logger: .silent)
    let client = HTTPClient()
    let stop = StopSignal()
    async let group = ServiceGroup(services: [server, client], logger: .silent).run(signals: [], stop: stop)
    let url = "http://127.0.0.1:\(try await server.boundPort)/v1/tags/simulations"
    let answer = try await client.send(ClientRequest(.post, url, body: Array(yaml.utf8)))
    stop.stop()
    #expect(await group.isClean)
    return try answer.body.split(separator: 0x0A).map { try JSONValue(Array($0)) }
  }

  private func id(_ number: Int) -> CustomerID { testKey(memberID(number)).identityID }

  @Test func aTagThatAPersonGivesIsShownAtOnceListedSoonAndTakenAwayOnce() async throws {
    let tags = try file(1, [("regular", 2)])
    try await withRoutes(tags, [order("1", memberID(1), 100), order("2", memberID(1), 100)]) { router, pool in
      let path = "/v1/customers/\(id(1))/tags"
      let wish: JSONValue = ["tag": "老客户", "actor": "wang", "reason": "knows us", "until": "2001-12-31"]
      #expect(try await ask(router, .post, path, wish).0 == .created)
      #expect(try await ask(router, .post, path, wish).0 == .conflict)
      let (_, shown) = try await ask(router, .get, path)
      #expect(shown["tags"]?.arrayValue?.compactMap { $0["tag"]?.stringValue } == ["regular", "老客户"])
      #expect(shown["tags"]?[0]?["since"] == "2001-09-07" && shown["tags"]?[0]?["because"]?["en"] == "orders in 12 months 2 (at least 2)")
      #expect(shown["tags"]?[1]?["actor"] == "wang" && shown["tags"]?[1]?["until"] == "2001-12-31")
      #expect(try await judge(pool, try Self.environment(tags).rules) == 1)
      let listed = try await ask(router, .get, "/v1/tags/customers?tag=%E8%80%81%E5%AE%A2%E6%88%B7").1
      #expect(listed["customers"]?[0]?["customer_id"]?.stringValue == id(1).description)
      #expect(listed["customers"]?[0]?["tags"] == ["regular", "老客户"])
      let counts = try await ask(router, .get, "/v1/tags").1
      #expect(counts["tags"]?[0]?["customers"] == 1 && counts["given"]?[0]?["tag"] == "老客户")
      let removal: JSONValue = ["tag": "老客户", "actor": "li", "reason": "a mistake"]
      #expect(try await ask(router, .post, path + "/removals", removal).0 == .ok)
      #expect(try await ask(router, .post, path + "/removals", removal).0 == .notFound)
      let after = try await ask(router, .get, path).1
      #expect(after["tags"]?.arrayValue?.count == 1 && after["given"]?[0]?["removed_by"] == "li")
      _ = try await judge(pool, try Self.environment(tags).rules)
      #expect(try await ask(router, .get, "/v1/tags/customers?tag=%E8%80%81%E5%AE%A2%E6%88%B7").1["customers"]?.arrayValue?.isEmpty == true)
    }
  }

  @Test func whatIsWrongWithAWishIsSaidFieldByField() async throws {
    try await withRoutes(try file(1, [("regular", 2)]), [order("1", memberID(1), 100)]) { router, _ in
      let path = "/v1/customers/\(id(1))/tags"
      let bad: [JSONValue] = [
        ["tag": "a,b", "actor": "w", "reason": "r"], ["tag": "a", "actor": " ", "reason": "r"], ["tag": "a", "actor": "w"],
        ["tag": "a", "actor": "w", "reason": "r", "until": "2001-09-08"], ["tag": "a", "actor": "w", "reason": "r", "colour": "red"],
      ]
      for body in bad {
        let status = try await ask(router, .post, path, body).0
        #expect(status == .unprocessable, "\(body.encodedText)")
      }
      let whole: JSONValue = ["tag": "a", "actor": "w", "reason": "r"]
      let nobody = try await ask(router, .post, "/v1/customers/0123456789abcdef/tags", whole).0
      #expect(nobody == .notFound)
      let nameless = try await ask(router, .get, "/v1/tags/customers").0
      #expect(nameless == .unprocessable)
    }
  }

  @Test func customersWithATagComePageByPage() async throws {
    let facts = (1...5).flatMap { number in [order("a\(number)", memberID(number), 100), order("b\(number)", memberID(number), 100)] }
    try await withRoutes(try file(1, [("regular", 2)]), facts + [order("x", memberID(9), 1)]) { router, _ in
      var found: [String] = []
      var next: String?
      repeat {
        let page = try await ask(router, .get, "/v1/tags/customers?tag=regular&limit=2" + (next.map { "&after=\($0)" } ?? "")).1
        found += (page["customers"]?.arrayValue ?? []).compactMap { $0["customer_id"]?.stringValue }
        next = page["next"]?.stringValue
      } while next != nil
      #expect(found == (1...5).map { id($0).description }.sorted())
    }
  }

  @Test func aSimulationSaysWhoWouldGetAndLoseWhatAndChangesNothing() async throws {
    let facts = [order("1", memberID(1), 100), order("2", memberID(1), 100), order("3", memberID(2), 100)]
    try await withRoutes(try file(1, [("regular", 2)]), facts) { router, pool in
      let other = try file(2, [("buyer", 1), ("regular", 3)])
      let lines = try await simulate(other.yaml, router)
      #expect(lines.first?["version"] == 2 && lines.first?["version_in_force"] == 1)
      let one = try #require(lines.first { $0["customer_id"]?.stringValue == id(1).description })
      #expect(one["set"] == ["buyer"] && one["cleared"] == ["regular"])
      let end = try #require(lines.last)
      #expect(end["customers"] == 2 && lines.count == 4)
      #expect(end["tags"]?[0]?["set"] == 2 && end["tags"]?[1]?["cleared"] == 1 && end["tags"]?[1]?["customers_then"] == 0)
      #expect(try await ask(router, .get, "/v1/tags").1["tags"]?[0]?["customers"] == 1)
      #expect(try await ask(router, .post, "/v1/tags/simulations", "tags").0 == .unprocessable)
    }
  }

  @Test func newRulesAreRegisteredOnceAndAllCustomersAreJudgedByThem() async throws {
    let facts = (1...3).map { order("\($0)", memberID($0), 100) }
    let (old, new) = (try file(1, [("regular", 2)]), try file(2, [("buyer", 1)]))
    try await withRoutes(old, facts) { _, pool in
      let rules = try Self.environment(new).rules
      let marked = try await pool.withSession(isKept: false) { session in
        try TagRegister.register(old, at: evaluation, session)
        return try TagRegister.markAll(session)
      }
      #expect(marked == 3)
      let again = try await pool.withSession(isKept: false) { session in
        try TagRegister.register(new, at: evaluation, session)
        try TagRegister.register(new, at: evaluation, session)
        return try (TagRegister.markAll(session), TagRegister.markAll(session), TagRegister.history(currency: .cny, in: .utc, session).map(\.rules.version))
      }
      // They wait from before: each is judged once, by the rules that are in force then.
      #expect(again == (0, 0, [1, 2]))
      #expect(try await judge(pool, rules) == 3)
      #expect(try await pool.withSession { try TagRows.counts($0).map(\.customers) } == [3])
      let changed = try file(2, [("buyer", 2)])
      let isRefused = try await pool.withSession { session -> Bool in
        do { try TagRegister.register(changed, at: evaluation, session) } catch is TagRulesChanged { return true }
        return false
      }
      #expect(isRefused)
    }
  }
}
