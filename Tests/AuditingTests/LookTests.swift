// S-02, S-05: contact data is masked for everybody; in full it is shown to whoever may read it and says why, and not before the trail has it.
import Domain
import HTTP
import Lifecycle
import Messaging
import Postgres
import Runtime
import Synchronization
import Telemetry
import TestSupport
import Testing
import Text

@testable import Access
@testable import Auditing

@Suite("Looks at contact data", .enabled(if: TestDatabase.isAvailable, "\(TestDatabase.whyNot)")) struct LookTests {
  private static let start: Int64 = 1_795_948_800_000_000

  /// A service that shows what customers wrote, behind a guard that believes everybody to have the role that a header names.
  private struct Site {
    let tables: PostgresSettings
    let pool: PostgresPool
    let router: Router

    func answer(_ method: HTTPMethod, _ target: String, as role: Role = .lead, reason: String? = nil, _ more: HTTPHeaders = [:]) async throws -> Response {
      var headers = more
      headers["x-role"] = role.rawValue
      if let reason { headers.add(Look.header, reason) }
      return try await router.respond(to: try Request(method, target, headers: headers, body: Array("{}".utf8)))
    }

    func text(_ target: String, as role: Role = .lead, reason: String? = nil) async throws -> String {
      String(decoding: try await answer(.get, target, as: role, reason: reason).bytes ?? [], as: UTF8.self)
    }

    func session<Value: Sendable>(_ body: @escaping @Sendable (PostgresSession) throws -> Value) async throws -> Value {
      let tables = tables
      return try await TestDatabase.blocking {
        let session = try PostgresSession(tables)
        defer { session.close() }
        return try body(session)
      }
    }

    func entries() async throws -> [AuditEntry] { try await pool.withSession { try AuditRows.page(actor: nil, day: nil, before: nil, limit: 100, $0) } }
    func verdict() async throws -> AuditVerdict { try await pool.transaction { try AuditRows.verify($0) } }
  }

  private static func migrations() -> [(name: String, sql: String)] { Resources.migrations(of: "profile") }

  private static func customer(_ number: Int64) -> CustomerID { CustomerID(number: number) }

  private static func routes(_ router: inout Router) {
    let ticket: JSONValue = ["text": "call 13812340000", "acceptance": ["note": "a@x.cn", "by": "13812340000"]]
    router.get("/v1/tickets/{id}", needs: .ticketsRead) { request in
      let shown = request.masking(ticket, "ticket", of: customer(7))
      return Response.json(shown.encoded).tagged(for: request, as: EntityTag(opaque: "v1"))
    }
    router.get("/v1/tickets", needs: .ticketsRead) { request in
      let texts = ["13812340000", "nothing to hide", "13912340000"]
      let shown = texts.enumerated().map { request.masking(["text": .text($1)], "ticket", of: customer(Int64($0))) }
      return .json(JSONValue.array(shown + [request.masking(["text": "13712340000"], "question", of: nil, in: "question 1")]).encoded)
    }
    router.get("/v1/many", needs: .ticketsRead) { request in
      let shown = (1...Int64(AuditEntry.seenMax + 1)).map { request.masking("13812340000", as: "138****0000", "identifier.phone", of: customer($0)) }
      return .json(JSONValue.array(shown.map { .text($0) }).encoded)
    }
    router.get("/v1/stream", needs: .ticketsRead) { request in
      .stream(contentType: "application/json") { try await $0.write(request.masking(ticket, "ticket", of: customer(7)).encoded) }
    }
    router.get("/v1/plain", needs: .ticketsRead) { request in .json(request.masking(["text": "hello"], "ticket", of: customer(7)).encoded) }
    router.get("/v1/gone", needs: .ticketsRead) { request in
      _ = request.masking(ticket, "ticket", of: customer(7))
      throw Problem(.notFound)
    }
    router.post("/v1/tickets", needs: .ticketsAct) { request in .json(request.masking(ticket, "ticket", of: customer(7)).encoded) }
    router.get("/open", needs: .everybody) { request in .json(request.masking(ticket, "ticket", of: customer(7)).encoded) }
  }

  private func with(_ body: (Site) async throws -> Void) async throws {
    try await TestDatabase.withDatabase { settings in
      var settings = settings
      settings.schema = "profile"
      let tables = settings
      try await TestDatabase.blocking { _ = try Migrations(schema: "profile", LookTests.migrations()).apply(to: tables) }
      try await serve(tables, body)
    }
  }

  private func serve(_ tables: PostgresSettings, _ body: (Site) async throws -> Void) async throws {
    let pool = PostgresPool(tables)
    let guarding: RouteGuard = { request, need in
      var known = request
      let role = request.headers["x-role"].flatMap { Role(rawValue: $0) } ?? .agent
      known.principal = need.word.isEmpty ? .nobody : Principal(issuer: "test", subject: "s-1", staff: "王芳", roles: [role])
      return known
    }
    var router = Router(guarding: guarding, guarded: [AuditTrail.middleware(pool: pool, zone: .utc, clock: { LookTests.start })])
    LookTests.routes(&router)
    let result: Result<Void, any Error>
    do { result = .success(try await body(Site(tables: tables, pool: pool, router: router))) } catch { result = .failure(error) }
    await pool.close()
    try result.get()
  }

  private static let masked = #"{"text":"call 138****0000","acceptance":{"note":"a***@x.cn","by":"13812340000"}}"#
  private static let full = #"{"text":"call 13812340000","acceptance":{"note":"a@x.cn","by":"13812340000"}}"#

  @Test(
    "Without a reason contact data is masked for everybody, also who may read it, and nothing is recorded", arguments: [Role.lead, .manager, .admin, .agent])
  func byDefault(_ role: Role) async throws {
    try await with { (site: Site) async throws in
      #expect(try await site.text("/v1/tickets/1", as: role) == LookTests.masked)
      #expect(try await site.entries().isEmpty)
    }
  }

  @Test("With a reason it is shown in full to whoever may read it, and the trail has it once: who, why, whose, which fields, and no contact data")
  func shown() async throws {
    try await with { (site: Site) async throws in
      let answer = try await site.answer(.get, "/v1/tickets/1?phone=13812340000", reason: "%E5%9B%9E%E7%94%B5%2013812340000")
      #expect(String(decoding: answer.bytes ?? [], as: UTF8.self) == LookTests.full && answer.headers["Cache-Control"] == "no-store")
      let entries = try await site.entries()
      let entry = try #require(entries.first)
      #expect(entries.count == 1 && entry.actor == "王芳" && entry.subject == "s-1" && entry.roles == "lead" && entry.method == "GET")
      #expect(entry.route == "/v1/tickets/{id}" && entry.path == "/v1/tickets/1" && entry.reason == "回电 138****0000")
      #expect(entry.seen == #"[{"customer":"0000000000000007","fields":["ticket.acceptance.note","ticket.text"]}]"#)
      let row = try await site.session { try $0.query(Statement(name: "", sql: "SELECT a::text FROM audit a")).text(0, 0) }
      #expect(!row.contains("13812340000") && !row.contains("a@x.cn"))
      let verdict = try await site.verdict()
      #expect(verdict.firstBreak == nil && verdict.entries == 1)
    }
  }

  @Test("Of a list everybody is recorded whose data was shown in full, and nobody else; where no customer is known, the record is")
  func list() async throws {
    try await with { (site: Site) async throws in
      _ = try await site.text("/v1/tickets", reason: "round of calls")
      let entries = try await site.entries()
      #expect(entries.count == 1)
      #expect(
        entries.first?.seen
          == #"[{"customer":null,"record":"question 1","fields":["question.text"]},{"customer":"0000000000000000","fields":["ticket.text"]},"#
          + #"{"customer":"0000000000000002","fields":["ticket.text"]}]"#)
    }
  }

  @Test("More customers than one entry tells are told by several")
  func many() async throws {
    try await with { (site: Site) async throws in
      _ = try await site.text("/v1/many", reason: "a large page")
      let entries = try await site.entries()
      let counts = try entries.map { try JSONValue(Array($0.seen.utf8)).arrayValue?.count }
      #expect(counts == [1, AuditEntry.seenMax] && entries.map(\.sequence) == [2, 1])
      #expect(try await site.verdict().firstBreak == nil)
    }
  }

  @Test("Who may not read contact data is refused by name of the permission, whatever the reason, and nothing is recorded", arguments: [Role.agent, .auditor])
  func lacking(_ role: Role) async throws {
    try await with { (site: Site) async throws in
      let answer = try await site.answer(.get, "/v1/tickets/1", as: role, reason: "curious")
      #expect(answer.status == .forbidden && String(decoding: answer.bytes ?? [], as: UTF8.self).contains(#""permission":"contacts:read""#))
      #expect(try await site.entries().isEmpty)
    }
  }

  @Test("A reason has 3 to 200 characters of percent-encoded UTF-8; any other is refused with the header and the rule")
  func reasons() async throws {
    let bad: [(String, String)] = [
      ("ab", "length"), ("", "length"), ("%20%20ab%20", "length"), (String(repeating: "x", count: 201), "length"),
      (String(repeating: "%E7%8E%8B", count: 201), "length"), ("100% sure", "encoding"), ("abc%4", "encoding"), ("abc%+1", "encoding"), ("abc%FF", "encoding"),
      ("abc%00", "format"), ("abc%0Adef", "format"), ("abc%C2%85d", "format"),
    ]
    for (given, rule) in bad {
      let problem = #expect(throws: Problem.self, "\(given)") { try Look.reason([Look.header: given]) }
      let told = String(decoding: problem?.json ?? [], as: UTF8.self)
      #expect(problem?.status == .badRequest && told.contains(#""field":"Unmask-Reason","rule":"\#(rule)""#), "\(given): \(told)")
    }
    #expect(throws: Problem.self) { try Look.reason(HTTPHeaders([.init(name: Look.header, value: "one"), .init(name: "unmask-reason", value: "two")])) }
    let long = String(repeating: "x", count: 200)
    for (given, reason) in [("abc", "abc"), ("%E7%8E%8B%E7%8E%8B%E7%8E%8B", "王王王"), ("客户回电", "客户回电"), (" a+b %25 ", "a+b %"), (long, long)] {
      #expect(try Look.reason([Look.header: given]) == reason)
    }
    #expect(try Look.reason([:]) == nil)
    try await with { (site: Site) async throws in
      #expect(try await site.answer(.get, "/v1/tickets/1", reason: "ab").status == .badRequest)
      #expect(try await site.entries().isEmpty)
    }
  }

  @Test("What shows nothing in full is no entry: plain words, a HEAD, a refusal; who has the masked form is sent the full one all the same")
  func nothing() async throws {
    try await with { (site: Site) async throws in
      #expect(try await site.text("/v1/plain", reason: "just looking") == #"{"text":"hello"}"#)
      #expect(try await site.answer(.head, "/v1/tickets/1", reason: "just looking").status == .ok)
      #expect(try await site.answer(.get, "/v1/gone", reason: "just looking").status == .notFound)
      #expect(try await site.text("/open", reason: "just looking") == LookTests.masked)
      #expect(try await site.entries().isEmpty)
      let known: HTTPHeaders = ["If-None-Match": "\"v1\""]
      #expect(try await site.answer(.get, "/v1/tickets/1", known).status == .notModified)
      #expect(try await site.answer(.get, "/v1/tickets/1", reason: "calling back", known).bytes == Array(LookTests.full.utf8))
      #expect(try await site.entries().count == 1)
    }
  }

  @Test("What is written behind the answer's head stays masked: it would be seen before it is recorded")
  func stream() async throws {
    try await with { (site: Site) async throws in
      let server = HTTPServer(settings: HTTPServerSettings(port: 0), router: site.router, logger: .silent)
      let client = HTTPClient()
      let stop = StopSignal()
      async let group = ServiceGroup(services: [server, client], logger: .silent).run(signals: [], stop: stop)
      let url = "http://127.0.0.1:\(try await server.boundPort)/v1/stream"
      let answer = try await client.send(ClientRequest(.get, url, headers: ["x-role": "lead", Look.header: "calling back"]))
      stop.stop()
      _ = await group
      #expect(answer.body == Array(LookTests.masked.utf8))
      #expect(try await site.entries().isEmpty)
    }
  }

  @Test("What a change answers stays masked, and a reason with it is refused before anything is done")
  func changes() async throws {
    try await with { (site: Site) async throws in
      #expect(try await site.answer(.post, "/v1/tickets").bytes == Array(LookTests.masked.utf8))
      #expect(try await site.answer(.post, "/v1/tickets", reason: "calling back").status == .badRequest)
    }
  }

  @Test("A look that cannot be recorded shows nothing")
  func unrecorded() async throws {
    try await with { (site: Site) async throws in
      try await site.session { try $0.execute("ALTER TABLE audit RENAME TO audit_away") }
      await #expect(throws: PostgresFailure.self) { try await site.answer(.get, "/v1/tickets/1", reason: "calling back") }
      #expect(try await site.text("/v1/tickets/1") == LookTests.masked)
    }
  }

  @Test("Whoever alters why something was looked at, or what was seen, is found out")
  func altered() async throws {
    try await with { (site: Site) async throws in
      for _ in 1...3 { _ = try await site.text("/v1/tickets/1", reason: "calling back") }
      for deed in [
        "reason = 'another'", "reason = ''", "seen = '[]'", "seen = ''", "seen = '', reason = ''", "reason = seen, seen = reason",
        "seen = replace(seen, '0000000000000007', '0000000000000008')",
      ] {
        try await site.session { try $0.execute("CREATE TABLE kept AS SELECT * FROM audit; UPDATE audit SET \(deed) WHERE entry = 2") }
        let found = try await site.verdict().firstBreak
        #expect(found?.sequence == 2 && found?.problem == "altered", "\(deed)")
        try await site.session { try $0.execute("DELETE FROM audit; INSERT INTO audit SELECT * FROM kept; DROP TABLE kept") }
      }
      #expect(try await site.verdict().firstBreak == nil)
    }
  }

  @Test("A trail from before there were looks fits after the migration, and goes on with them")
  func before() async throws {
    try await TestDatabase.withDatabase { settings in
      var settings = settings
      settings.schema = "profile"
      let tables = settings
      let all = LookTests.migrations()
      let place = try #require(all.firstIndex { $0.name.hasSuffix("add_looks") })
      let old = Array(all[..<place])
      try await TestDatabase.blocking {
        _ = try Migrations(schema: "profile", old).apply(to: tables)
        let session = try PostgresSession(tables)
        defer { session.close() }
        // As it was written then: `["previous",day,entry,at,"actor","subject","issuer","roles","method","route","path","body"]`.
        try session.execute(
          """
          INSERT INTO audit VALUES ('2026-11-01', 1, '2026-11-01T10:00:00Z', 'a', 's', 'i', 'lead', 'POST', '/r', '/p', '\\x01', sha256(convert_to(
            '["' || encode(decode(repeat('00', 32), 'hex'), 'base64') || '",20758,1,1793527200000000,"a","s","i","lead","POST","/r","/p","AQ=="]', 'UTF8')));
          INSERT INTO audit_days SELECT day, entry, decode(repeat('00', 32), 'hex'), hash FROM audit
          """)
        _ = try Migrations(schema: "profile", all).apply(to: tables)
      }
      try await serve(tables) { (site: Site) async throws in
        #expect(try await site.verdict().firstBreak == nil)
        _ = try await site.text("/v1/tickets/1", reason: "calling back")
        let verdict = try await site.verdict()
        #expect(verdict.firstBreak == nil && verdict.entries == 2)
      }
    }
  }

  @Test("Looks are found by day, person and customer, the newest first and page by page; changes are none")
  func found() async throws {
    try await with { (site: Site) async throws in
      for _ in 1...3 { _ = try await site.text("/v1/tickets", reason: "calling back") }
      _ = try await site.text("/v1/tickets/1", reason: "calling back")
      try await site.pool.transaction { session in
        try AuditRows.add(
          [AuditEntry(at: 0, actor: "王芳", subject: "", issuer: "", roles: "", method: "POST", route: "", path: "", body: [])],
          on: Day(number: 20_786), session)
      }
      let day = Day(number: 20_786)
      func looks(
        _ first: Day, _ last: Day, _ actor: String? = nil, _ customer: Int64? = nil, _ before: AuditRows.Place? = nil, _ limit: Int = 100
      ) async throws -> [Int64] {
        try await site.pool.withSession { session in
          try AuditRows.looks(
            from: first, to: last, actor: actor, customer: customer.map(LookTests.customer), before: before, limit: limit, session
          ).map(\.sequence)
        }
      }
      #expect(try await looks(day, day) == [4, 3, 2, 1])
      #expect(try await looks(day, day, nil, nil, nil, 2) == [4, 3])
      #expect(try await looks(day, day, nil, nil, AuditRows.Place(day: day, sequence: 3), 2) == [2, 1])
      #expect(try await looks(day, day, "王芳", 7) == [4])
      #expect(try await looks(day, day, nil, 2) == [3, 2, 1])
      #expect(try await looks(day, day, nil, 1).isEmpty)
      #expect(try await looks(day, day, "nobody").isEmpty)
      #expect(try await looks(day + 1, day + 9).isEmpty)
      #expect(try await looks(day + -9, day + -1).isEmpty)
      // A page that begins behind the last day begins with it.
      #expect(try await looks(day + -9, day + -1, nil, nil, AuditRows.Place(day: day, sequence: 3)).isEmpty)
    }
  }
}
