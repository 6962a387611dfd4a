// What these tests share: the console with tables of its own, over services that answer what a test puts into their mouths.
import Access
import ConsoleCore
import ConsoleStore
import HTML
import HTTP
import Lifecycle
import Postgres
import Runtime
import Synchronization
import Telemetry
import TestSupport
import Text

@testable import console

/// What the services were asked, and what they answer.
final class FakePeers: Sendable {
  struct Asked: Sendable, Equatable {
    let method: String
    let target: String
    let body: String
    let ifMatch: String?
    var reason: String?
  }
  struct Answer: Sendable {
    var status = HTTPStatus.ok
    var json = "{}"
    var tag: String?
  }

  private let answers = Mutex<[String: Answer]>([:])
  private let heard = Mutex<[Asked]>([])

  /// What is answered to a method and a path, whatever the query; or to this very query, where the path names one.
  func answer(_ method: HTTPMethod, _ path: String, _ json: String, status: HTTPStatus = .ok, tag: String? = nil) {
    answers.withLock { $0["\(method.rawValue) \(path)"] = Answer(status: status, json: json, tag: tag) }
  }

  var asked: [Asked] { heard.withLock { $0 } }

  var router: Router {
    var router = Router()
    for method in [HTTPMethod.get, .post, .put, .delete] {
      router.on(method, "/{path...}") { request in
        let asked = Asked(
          method: method.rawValue, target: request.target, body: String(decoding: request.body, as: UTF8.self), ifMatch: request.headers["If-Match"],
          reason: request.headers["Unmask-Reason"])
        self.heard.withLock { $0.append(asked) }
        let answered = self.answers.withLock { $0["\(method.rawValue) \(request.target)"] ?? $0["\(method.rawValue) \(request.path)"] }
        guard let answer = answered else {
          throw Problem(.notFound, detail: "nothing was put into the mouth of \(method.rawValue) \(request.path)")
        }
        var headers: HTTPHeaders = [:]
        headers["ETag"] = answer.tag
        return .json(Array(answer.json.utf8), status: answer.status, headers: headers)
      }
    }
    return router
  }
}

/// The console as a test has it.
struct TestConsole: Sendable {
  static let key = "a key of tests that has 32 bytes and more"
  /// Moves by itself nowhere: microseconds since 1970.
  let clock: TestClock
  let site: Site
  let router: Router
  let peers: FakePeers

  /// A page as somebody with these roles gets it; nil: nobody is signed in.
  func get(_ target: String, as secret: SessionSecret? = nil, headers: HTTPHeaders = [:]) async throws -> Response {
    try await router.respond(to: try request(.get, target, secret, headers))
  }

  /// A form as a page of the console sends it.
  func post(
    _ target: String, _ fields: [(String, String)], as secret: SessionSecret? = nil, headers: HTTPHeaders = [:], withToken: Bool = true
  ) async throws -> Response {
    var request = try request(.post, target, secret, headers)
    var all = fields
    if withToken, let secret { all.append((FormToken.field, try secret.formToken)) }
    request.headers["Content-Type"] = Request.formType
    request.body = Array(all.map { "\(PercentEncoding.encoded($0.0))=\(PercentEncoding.encoded($0.1))" }.joined(separator: "&").utf8)
    return try await router.respond(to: request)
  }

  private func request(_ method: HTTPMethod, _ target: String, _ secret: SessionSecret?, _ headers: HTTPHeaders) throws -> Request {
    var all = headers
    all["Host"] = all["Host"] ?? "127.0.0.1:8080"
    if let secret {
      let others = all["Cookie"].map { "; \($0)" } ?? ""
      all["Cookie"] = "\(site.sessionCookie)=\(secret.text)\(others)"
    }
    return try Request(method, target, headers: all)
  }

  /// Somebody who is signed in.
  func signIn(_ roles: [Role], name: String = "Wang Fang") async throws -> SessionSecret {
    let secret = SessionSecret(random: try site.random(SessionSecret.bytes))
    let principal = Principal(issuer: BuiltInKey.issuer, subject: name, roles: Set(roles))
    let session = Session(principal, beganAt: clock.now, seconds: SessionRules.lifetimeSeconds)
    try await site.pool.transaction { try SessionRows.begin(secret, session, $0) }
    return secret
  }

  /// - Parameter now: microseconds since 1970 at the beginning.
  static func with(_ settings: [String: String] = [:], now: Int64 = 1_795_950_000_000_000, _ body: (TestConsole) async throws -> Void) async throws {
    let peers = FakePeers()
    let server = HTTPServer(settings: HTTPServerSettings(port: 0), router: peers.router, logger: .silent)
    let stop = StopSignal()
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await server.run(stop) }
      let port = try await server.boundPort
      do { try await with(settings, peers, "http://127.0.0.1:\(port)", now, body) } catch {
        stop.stop()
        throw error
      }
      stop.stop()
      try await group.waitForAll()
    }
  }

  private static func with(
    _ settings: [String: String], _ peers: FakePeers, _ address: String, _ now: Int64, _ body: (TestConsole) async throws -> Void
  ) async throws {
    try await TestDatabase.withDatabase { database in
      var database = database
      database.schema = "console"
      let tables = database
      try await TestDatabase.blocking { _ = try Migrations(schema: "console", Resources.migrations(of: "console")).apply(to: tables) }
      var environment = [
        "DATABASE_URL": "postgres://clientele@localhost/clientele", "CLIENTELE_TOKEN_KEY": key, "CLIENTELE_BUSINESS_ZONE": "Asia/Shanghai",
        "CLIENTELE_CLOCK": "2026-11-29",
      ]
      for peer in Peer.allCases { environment[peer.setting.variable] = address }
      for (name, value) in settings { environment[name] = value.isEmpty ? nil : value }
      var reader = SettingsReader(arguments: [:], environment: environment)
      let common = CommonSettings(&reader, service: "console", usesTopics: false)
      let own = ConsoleSettings(&reader, common)
      try reader.finish()
      guard let own else { throw TestFault("the settings cannot be used") }
      let clock = TestClock(now: now)
      let pool = PostgresPool(tables)
      let site = Site(own, common, pool: pool, logger: .silent, now: { clock.now }, figures: FigureShelf(milliseconds: 0))
      var router = Router(
        middleware: [ErrorPages(site: site).middleware],
        guarding: SessionGuard(site: site, tokens: { _, _ in throw Problem(.unauthorized) }).guarding)
      Pages.add(site, to: &router)
      let console = TestConsole(clock: clock, site: site, router: router, peers: peers)
      let result: Result<Void, any Error>
      do { result = .success(try await body(console)) } catch { result = .failure(error) }
      await own.client.close()
      await pool.close()
      try result.get()
    }
  }
}

struct TestFault: Error, CustomStringConvertible {
  let description: String
  init(_ description: String) { self.description = description }
}

final class TestClock: Sendable {
  private let stored: Mutex<Int64>
  init(now: Int64) { stored = Mutex(now) }
  var now: Int64 { stored.withLock { $0 } }
  func advance(seconds: Int64) { stored.withLock { $0 += seconds * 1_000_000 } }
}

extension Response {
  /// The page as text.
  var page: String { String(decoding: bytes ?? [], as: UTF8.self) }
  var location: String? { headers["Location"] }
}
