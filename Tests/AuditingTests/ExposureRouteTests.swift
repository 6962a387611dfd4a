// S-06 over HTTP: `GET /v1/audit/exposure` of a whole service, with its guard and its trail.
import Access
import CommandLine
import Domain
import HTTP
import Postgres
import Runtime
import Telemetry
import TestSupport
import Testing
import Text

@testable import Auditing

@Suite("The exposure of contact data over HTTP", .enabled(if: TestDatabase.isPrivate, "needs PostgreSQL's server programs")) struct ExposureRouteTests {
  private static let secret = "a secret of the tests of the trail alone"

  private static let program = ServiceProgram(
    name: "profile", help: "a service of one route", configure: { _, _ in () },
    routes: { _, _, router in
      router.get("/v1/tickets/{id}", needs: .ticketsRead) { request in
        .json(request.masking(["text": "13812340000"], "ticket", of: CustomerID(number: 7)).encoded)
      }
    }, parts: { _, _, _, _ in [] })

  private func with(_ body: (Router) async throws -> Void) async throws {
    try await TestDatabase.withDatabase { settings in
      var settings = settings
      settings.schema = "profile"
      let tables = settings
      try await TestDatabase.blocking { _ = try Migrations(schema: "profile", Resources.migrations(of: "profile")).apply(to: tables) }
      let server = try #require(tables.servers.first)
      let router = try ExposureRouteTests.program.router(
        settings: [
          "DATABASE_URL": "postgres:///\(tables.database)?host=\(server.host.replacing("/", with: "%2F"))&port=\(server.port)&user=\(tables.user)",
          "KAFKA_BROKERS": "127.0.0.1:1", "CLIENTELE_PSEUDONYM_KEY": "0123456789abcdef", "CLIENTELE_TOKEN_KEY": ExposureRouteTests.secret,
        ], logger: .silent, poolWait: .seconds(30))
      try await body(router)
    }
  }

  private func ask(_ router: Router, _ target: String, as subject: String = "li", _ role: Role, reason: String? = nil) async throws -> (Int, JSONValue) {
    let key = try BuiltInKey(Array(ExposureRouteTests.secret.utf8))
    let token = try key.token(subject: subject, roles: [role], now: SystemTime.unixMicroseconds() / 1_000_000, lifetimeSeconds: 600)
    var headers: HTTPHeaders = ["Authorization": "Bearer \(token)"]
    headers["Unmask-Reason"] = reason
    let answer = try await router.respond(to: try Request(.get, target, headers: headers))
    return (answer.status.rawValue, try JSONValue(answer.bytes ?? []))
  }

  @Test("Who may look after the trail is told who was seen by whom, which fields and why; whoever may not is refused")
  func told() async throws {
    try await with { router in
      #expect(try await ask(router, "/v1/tickets/1", .lead).1["text"] == "138****0000")
      #expect(try await ask(router, "/v1/tickets/1", .lead, reason: "calling back").1["text"] == "13812340000")
      #expect(try await ask(router, "/v1/tickets/2", as: "wang", .manager, reason: "%E5%9B%9E%E7%94%B5%E8%AF%9D").1["text"] == "13812340000")
      #expect(try await ask(router, "/v1/tickets/1", .agent, reason: "calling back").0 == 403)
      let span = "from=2020-01-01&to=2999-12-31"
      #expect(try await ask(router, "/v1/audit/exposure?\(span)", .manager).0 == 403)
      let looks = try #require(try await ask(router, "/v1/audit/exposure?\(span)", .auditor).1["looks"]?.arrayValue)
      #expect(looks.map { $0["actor"] } == ["wang", "li"] && looks.map { $0["reason"] } == ["回电话", "calling back"])
      #expect(looks.first?["seen"] == [["customer": "0000000000000007", "fields": ["ticket.text"]]] && looks.first?["path"] == "/v1/tickets/2")
      let first = try await ask(router, "/v1/audit/exposure?\(span)&limit=1", .auditor).1
      let next = try #require(first["next"]?.stringValue)
      let second = try await ask(router, "/v1/audit/exposure?\(span)&limit=1&before=\(next)", .auditor).1
      #expect(second["looks"]?[0]?["actor"] == "li" && second["next"] == .null)
      #expect(try await ask(router, "/v1/audit/exposure?\(span)&actor=li&customer=0000000000000007", .auditor).1["looks"]?.arrayValue?.count == 1)
      #expect(try await ask(router, "/v1/audit/exposure?\(span)&customer=0000000000000008", .auditor).1["looks"]?.arrayValue?.isEmpty == true)
      let entry = try await ask(router, "/v1/audit", .auditor).1["entries"]?[0]
      #expect(entry?["reason"] == "回电话" && entry?["seen"]?[0]?["fields"] == ["ticket.text"] && entry?["method"] == "GET")
    }
  }

  @Test("Without two days in order, and with what is no customer, nothing is told", arguments: [
    "", "from=2026-11-01", "to=2026-11-01", "from=2026-11-02&to=2026-11-01", "from=x&to=2026-11-01", "from=2026-11-01&to=2026-11-01&customer=7",
    "from=2026-11-01&to=2026-11-01&before=7", "from=2026-11-01&to=2026-11-01&limit=0",
  ])
  func refused(_ query: String) async throws {
    try await with { router in
      let status = try await ask(router, "/v1/audit/exposure?\(query)", .auditor).0
      #expect(status == 422)
    }
  }
}
