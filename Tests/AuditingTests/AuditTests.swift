// S-05: what a caller changes stands in the trail, in the same transaction, and whatever is done to the trail afterwards shows.
import Access
import Domain
import HTTP
import Hashing
import Messaging
import Postgres
import Runtime
import Synchronization
import Telemetry
import TestSupport
import Testing
import Text

@testable import Auditing

@Suite("The audit trail", .enabled(if: TestDatabase.isAvailable, "\(TestDatabase.whyNot)")) struct AuditTests {
  private static let zone = BusinessZone.utc
  private static func at(_ day: String) -> Int64 { zone.startOfDay(Day(day) ?? Day(number: 0)).microseconds + 3_600_000_000 }

  /// A service of two routes on a table of its own, behind a guard that believes everybody to be whom a header names.
  private struct Site {
    let tables: PostgresSettings
    let pool: PostgresPool
    let router: Router

    func ask(_ method: HTTPMethod, _ target: String, by actor: String = "Wang Fang", _ body: String = "{}") async throws -> Int {
      try await router.respond(to: try Request(method, target, headers: ["x-actor": actor], body: Array(body.utf8))).status.rawValue
    }

    func session<Value: Sendable>(_ body: @escaping @Sendable (PostgresSession) throws -> Value) async throws -> Value {
      let tables = tables
      return try await TestDatabase.blocking {
        let session = try PostgresSession(tables)
        defer { session.close() }
        return try body(session)
      }
    }

    func verdict() async throws -> AuditVerdict { try await pool.transaction { try AuditRows.verify($0) } }
    func entries() async throws -> [AuditEntry] { try await pool.withSession { try AuditRows.page(actor: nil, day: nil, before: nil, limit: 100, $0) } }
    /// The first break, as text.
    func broken() async throws -> String {
      guard let found = try await verdict().firstBreak else { return "intact" }
      return "\(found.day)/\(found.sequence) \(found.problem)"
    }
  }

  private struct Refused: Error {}

  private func with(day: String = "2026-11-29", isOpen: Bool = false, _ body: (Site, _ setDay: (String) -> Void) async throws -> Void) async throws {
    try await TestDatabase.withDatabase { settings in
      var settings = settings
      settings.schema = "profile"
      let tables = settings
      try await TestDatabase.blocking { _ = try Migrations(schema: "profile", Resources.migrations(of: "profile")).apply(to: tables) }
      let pool = PostgresPool(tables)
      let clock = Clock(AuditTests.at(day))
      let guarding: RouteGuard = { request, need in
        var known = request
        let actor = request.headers["x-actor"] ?? ""
        known.principal = need.word.isEmpty ? nil : Principal(issuer: "test", subject: "s-\(actor)", staff: actor, roles: [.manager, .lead])
        return known
      }
      let open = AccessGuard.off.guarding(Logger(service: "test", sink: LogCollector()))
      var router = Router(guarding: isOpen ? open : guarding, guarded: [AuditTrail.middleware(pool: pool, zone: AuditTests.zone, clock: { clock.value })])
      router.post("/v1/things/{id}", needs: .tagsGive) { request in
        let id = try request.parameter("id")
        try await pool.transaction { session in
          _ = try session.run(Statement(name: "", sql: "INSERT INTO merges (survivor, absorbed, evidence, at) VALUES (1, 2, $1, now())")) { $0.text(id) }
          if id == "refused" { throw Problem(.conflict) }
        }
        return .json(Array("{}".utf8))
      }
      router.post("/s/{token}", needs: .everybody) { _ in
        try await pool.transaction { try $0.execute("INSERT INTO merges (survivor, absorbed, evidence, at) VALUES (3, 4, 'page', now())") }
        return .json(Array("{}".utf8))
      }
      // One that looks first and makes its transaction itself, and one that only looks.
      router.put("/v1/things", needs: .tagsGive) { _ in
        try await pool.withSession { session in
          _ = try session.query(Statement(name: "", sql: "SELECT count(*) FROM merges"))
          try session.retryingTransaction { try $0.execute("UPDATE merges SET evidence = 'x'") }
        }
        return .json(Array("{}".utf8))
      }
      router.post("/v1/looks", needs: .tagsGive) { _ in
        try await pool.withSession { _ = try $0.query(Statement(name: "", sql: "SELECT count(*) FROM merges")) }
        return .json(Array("{}".utf8))
      }
      router.post("/v1/beside", needs: .tagsGive) { _ in
        try await pool.withSession { try $0.execute("UPDATE merges SET evidence = 'z'") }
        return .json(Array("{}".utf8))
      }
      router.get("/v1/things", needs: .tagsGive) { _ in
        try await pool.transaction { try $0.execute("UPDATE merges SET evidence = 'y'") }
        return .json(Array("{}".utf8))
      }
      let result: Result<Void, any Error>
      do { result = .success(try await body(Site(tables: tables, pool: pool, router: router)) { clock.value = AuditTests.at($0) }) } catch {
        result = .failure(error)
      }
      await pool.close()
      try result.get()
    }
  }

  @Test("A change is in the trail with who made it, once; what was rolled back, only looked, or was asked by GET is not")
  func entries() async throws {
    try await with { site, _ in
      #expect(try await site.ask(.post, "/v1/things/a", #"{"reason":"secret"}"#) == 200)
      #expect(try await site.ask(.post, "/v1/things/refused") == 409)
      #expect(try await site.ask(.post, "/v1/looks") == 200)
      #expect(try await site.ask(.get, "/v1/things") == 200)
      #expect(try await site.ask(.put, "/v1/things", by: "Li Na") == 200)
      let entries = try await site.entries()
      #expect(entries.map(\.actor) == ["Li Na", "Wang Fang"] && entries.map(\.sequence) == [2, 1])
      let first = try #require(entries.last)
      #expect(first.method == "POST" && first.route == "/v1/things/{id}" && first.path == "/v1/things/a" && first.roles == "lead manager")
      #expect(first.subject == "s-Wang Fang" && first.at == AuditTests.at("2026-11-29"))
      let body = Array(#"{"reason":"secret"}"#.utf8)
      #expect(try first.body == body.withUnsafeBytes { try Hasher256().sha256($0) })
      let verdict = try await site.verdict()
      #expect(verdict.firstBreak == nil && verdict.entries == 2 && verdict.days == 1)
      // What the refused one wrote is gone with its entry.
      let rows = try await site.session { try $0.query(Statement(name: "", sql: "SELECT count(*) FROM merges")).int64(0, 0) }
      #expect(rows == 1)
    }
  }

  @Test("What a route writes beside its transactions is refused: it would be in no trail")
  func beside() async throws {
    try await with { site, _ in
      #expect(try await site.ask(.post, "/v1/things/a") == 200)
      await #expect(throws: PostgresFailure.self) { try await site.ask(.post, "/v1/beside") }
      let evidence = try await site.session { try $0.query(Statement(name: "", sql: "SELECT evidence FROM merges")).text(0, 0) }
      #expect(evidence == "a")
    }
  }

  @Test("What customers write on their pages is no entry also where access is switched off: no link stands in the trail, and no customer waits for another")
  func pages() async throws {
    try await with(isOpen: true) { site, _ in
      #expect(try await site.ask(.post, "/s/a-link") == 200)
      #expect(try await site.ask(.post, "/v1/things/a") == 200)
      let entries = try await site.entries()
      #expect(entries.map(\.path) == ["/v1/things/a"])
    }
  }

  @Test("Whatever is altered, taken out, added or cut off in the trail, the first place that does not fit is named")
  func altered() async throws {
    try await with { site, setDay in
      for id in ["a", "b", "c"] { _ = try await site.ask(.post, "/v1/things/\(id)") }
      setDay("2026-11-30")
      for id in ["d", "e"] { _ = try await site.ask(.post, "/v1/things/\(id)") }
      #expect(try await site.broken() == "intact")
      let head = try await site.verdict().head
      let rest = "at, actor, subject, issuer, roles, method, route, path, body, hash"
      for (deed, place) in [
        ("UPDATE audit SET actor = 'nobody' WHERE path LIKE '%/b'", "2026-11-29/2 altered"),
        ("UPDATE audit SET body = decode(repeat('00', 32), 'hex') WHERE path LIKE '%/d'", "2026-11-30/1 altered"),
        ("DELETE FROM audit WHERE path LIKE '%/b'", "2026-11-29/2 missing"),
        ("DELETE FROM audit WHERE path LIKE '%/a'", "2026-11-29/1 missing"),
        ("DELETE FROM audit WHERE path LIKE '%/c'", "2026-11-29/3 cut"),
        ("DELETE FROM audit WHERE path LIKE '%/e'", "2026-11-30/2 cut"),
        ("DELETE FROM audit WHERE day = '2026-11-30'", "2026-11-30/1 cut"),
        ("INSERT INTO audit SELECT day, 4, \(rest) FROM audit WHERE path LIKE '%/c'", "2026-11-29/4 added"),
        ("INSERT INTO audit SELECT '2026-12-01', 1, \(rest) FROM audit WHERE path LIKE '%/c'", "2026-12-01/1 added"),
        ("UPDATE audit_days SET hash = decode(repeat('00', 32), 'hex') WHERE day = '2026-11-29'", "2026-11-29/3 altered"),
        ("DELETE FROM audit WHERE day = '2026-11-29'; DELETE FROM audit_days WHERE day = '2026-11-29'", "2026-11-30/1 altered"),
      ] {
        let found = try await site.session { session in
          var found = ""
          // Undone afterwards.
          do {
            try session.transaction { session in
              for part in deed.split(separator: ";") { try session.execute(String(part)) }
              let verdict = try AuditRows.walk(session)
              found = verdict.firstBreak.map { "\($0.day)/\($0.sequence) \($0.problem)" } ?? "intact"
              throw Refused()
            }
          } catch is Refused {}
          return found
        }
        #expect(found == place, "\(deed)")
      }
      #expect(try await site.verdict().head == head)
    }
  }

  @Test("Many at once make one chain, and a clock that goes back makes no second past")
  func together() async throws {
    try await with { site, setDay in
      try await withThrowingTaskGroup(of: Int.self) { group in
        for number in 0..<40 { group.addTask { try await site.ask(.post, "/v1/things/n\(number)") } }
        for try await status in group { #expect(status == 200) }
      }
      setDay("2026-11-28")
      _ = try await site.ask(.post, "/v1/things/late")
      let verdict = try await site.verdict()
      #expect(verdict.firstBreak == nil && verdict.entries == 41 && verdict.days == 1)
    }
  }

  @Test("An entry's hash is what anybody can work out from what it says")
  func hash() throws {
    let entry = AuditEntry(
      day: 20_786, sequence: 1, at: 1_795_948_800_000_000, actor: "王芳", subject: "s", issuer: "i", roles: "lead", method: "POST", route: "/r", path: "/p",
      body: [1, 2])
    let text = #"["\#(Base64.encoded(AuditEntry.beginning))",20786,1,1795948800000000,"王芳","s","i","lead","POST","/r","/p","AQI="]"#
    #expect(try entry.hash(after: AuditEntry.beginning, Hasher256()) == Array(text.utf8).withUnsafeBytes { try Hasher256().sha256($0) })
  }
}

/// A clock that a test sets.
private final class Clock: Sendable {
  private let stored: Mutex<Int64>
  init(_ value: Int64) { stored = Mutex(value) }
  var value: Int64 {
    get { stored.withLock { $0 } }
    set { stored.withLock { $0 = newValue } }
  }
}
