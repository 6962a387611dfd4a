// Which role gets where: every route of every service, as a table. A route that is not in it, or is no route, fails.
import HTTP
import Runtime
import Telemetry
import Testing

@testable import Access
@testable import connector
@testable import feedback
@testable import ingest
@testable import profile
@testable import tickets
@testable import tiering

/// Agent, lead, manager, aNalyst, aDmin, aUditor, service: a letter where the role gets in, a hyphen where it does not; `open` for everybody.
private enum Matrix {
  static let letters: [(letter: Character, role: Role)] = [
    ("a", .agent), ("l", .lead), ("m", .manager), ("n", .analyst), ("d", .admin), ("u", .auditor), ("s", .service),
  ]

  static let common = """
    open    GET    /metrics
    ----du- GET    /v1/audit
    ----du- GET    /v1/audit/exposure
    ----du- GET    /v1/audit/verification
    ----du- GET    /v1/positions
    ----du- GET    /v1/gaps
    ----d-- POST   /v1/gaps/{id}/accept
    """

  static let ofIngest = """
    ----du- GET    /v1/conflicts
    ----d-s POST   /v1/events
    ---ndu- GET    /v1/imports
    ---ndu- GET    /v1/imports/{id}
    ---ndu- GET    /v1/mappings
    ----d-- PUT    /v1/mappings
    ---ndu- GET    /v1/mappings/{id}
    ---ndu- GET    /v1/quality
    ----du- GET    /v1/quarantine
    ----du- GET    /v1/quarantine/counts
    ----d-- POST   /v1/quarantine/dismiss
    ----d-- POST   /v1/quarantine/replay
    ----du- GET    /v1/quarantine/{id}
    ----d-- POST   /v1/quarantine/{id}/dismiss
    ----d-- POST   /v1/quarantine/{id}/replay
    ----d-- POST   /v1/quarantine/{id}/try
    ---ndu- GET    /v1/sources
    ---ndu- GET    /v1/sources/{name}
    ----d-- PUT    /v1/sources/{name}
    ----du- GET    /v1/waiting
    """

  static let ofProfile = """
    --mnd-- GET    /v1/cold-orders
    -lmndu- GET    /v1/cold-orders/summary
    alm-du- GET    /v1/customers
    alm-du- GET    /v1/customers/{id}
    alm-du- GET    /v1/customers/{id}/spend
    alm-du- GET    /v1/customers/{id}/tags
    -lm-d-- POST   /v1/customers/{id}/tags
    -lm-d-- POST   /v1/customers/{id}/tags/removals
    alm-du- GET    /v1/customers/{id}/timeline
    --m-du- GET    /v1/decisions
    --m-du- GET    /v1/decisions/{id}
    --mnd-- GET    /v1/indicators
    --m-du- GET    /v1/merges
    --m-d-- POST   /v1/merges
    --m-du- GET    /v1/merges/{id}
    --m-d-- POST   /v1/merges/{id}/undo
    ----du- GET    /v1/rebuilds
    ----d-- POST   /v1/rebuilds
    ----du- GET    /v1/republications
    ----d-- POST   /v1/republications
    --m-du- GET    /v1/reviews
    --m-du- GET    /v1/reviews/{id}
    --m-d-- POST   /v1/reviews/{id}/decision
    -lmndu- GET    /v1/segments
    -lmndu- GET    /v1/sources/{source}/unification
    --mnd-- GET    /v1/spend
    -lmndu- GET    /v1/statistics
    -lmndu- GET    /v1/tags
    --mnd-- GET    /v1/tags/customers
    -lmndu- POST   /v1/tags/simulations
    -lmndu- GET    /v1/unification
    """

  static let ofTiering = """
    --m-d-- POST   /v1/confirmations
    almndus GET    /v1/customers/{customer_id}/automated-tiering
    alm-d-- PUT    /v1/customers/{customer_id}/automated-tiering
    almndus GET    /v1/customers/{customer_id}/entitlements
    --m-d-- POST   /v1/customers/{customer_id}/override
    almndus GET    /v1/customers/{customer_id}/ratings
    almndus GET    /v1/customers/{customer_id}/ratings/{version}
    almndus GET    /v1/proposals
    almndus GET    /v1/proposals/{customer_id}
    --m-d-- POST   /v1/proposals/{customer_id}/confirmation
    --m-d-- POST   /v1/proposals/{customer_id}/rejection
    --mndu- GET    /v1/quota/borders
    ----d-- POST   /v1/quota/borders
    ----d-- POST   /v1/ratings/due
    ----du- GET    /v1/ratings/waiting
    -lmndu- GET    /v1/reports/tiers
    ----du- GET    /v1/republications
    ----d-- POST   /v1/republications
    --mndu- GET    /v1/scorecards
    ----d-- POST   /v1/scorecards
    --mndu- GET    /v1/scorecards/history
    --mnd-- POST   /v1/scorecards/simulations
    --mndu- GET    /v1/scorecards/{name}/{version}
    ----d-- POST   /v1/scorecards/{name}/{version}/activate
    ----d-- POST   /v1/scorecards/{name}/{version}/back
    ----d-- POST   /v1/scorecards/{name}/{version}/canary
    --mndu- GET    /v1/scorecards/{name}/{version}/comparison
    --mndu- GET    /v1/scorecards/{name}/{version}/file
    ----d-- POST   /v1/scorecards/{name}/{version}/retire
    --mnd-- POST   /v1/scorecards/{name}/{version}/simulation
    --mnd-- GET    /v1/tiers
    -lmndu- GET    /v1/tiers/summary
    almndus GET    /v1/tiers/{customer_id}
    """

  static let ofTickets = """
    alm-du- GET    /v1/acceptances
    almndu- GET    /v1/articles
    -lm-d-- POST   /v1/articles
    almndu- GET    /v1/articles/{article_id}
    -lm-d-- POST   /v1/articles/{article_id}/draft
    -lm-d-- POST   /v1/articles/{article_id}/steps
    almndu- GET    /v1/articles/{article_id}/versions
    alm-d-- GET    /v1/customers/{customer_id}/allowance
    alm-du- GET    /v1/customers/{customer_id}/attendant
    -lm-d-- POST   /v1/customers/{customer_id}/attendant
    alm-du- GET    /v1/desk
    -lm-du- GET    /v1/grants
    -lm-du- GET    /v1/grants/{grant_id}
    -lm-d-- POST   /v1/grants/{grant_id}/approval
    -lm-d-- POST   /v1/grants/{grant_id}/rejection
    -lmndu- GET    /v1/improvements
    -lm-d-- POST   /v1/improvements
    -lmndu- GET    /v1/improvements/{improvement_id}
    -lm-d-- POST   /v1/improvements/{improvement_id}/steps
    alm-du- GET    /v1/questions
    alm-d-s POST   /v1/questions
    alm-du- GET    /v1/questions/{question_id}
    alm-d-s POST   /v1/questions/{question_id}/outcome
    alm-d-s POST   /v1/questions/{question_id}/ticket
    -lmndu- GET    /v1/reports/complaints
    -lmndu- GET    /v1/reports/knowledge
    -lmndu- GET    /v1/reports/service
    ----du- GET    /v1/republications
    ----d-- POST   /v1/republications
    -lm-d-- POST   /v1/spot-checks
    -lmndu- GET    /v1/spot-checks/{month}
    -lmndu- GET    /v1/spot-checks/{month}/tickets
    -lmndu- GET    /v1/spot-checks/{month}/tickets/{ticket_id}
    -lm-d-- POST   /v1/spot-checks/{month}/tickets/{ticket_id}
    alm-du- GET    /v1/staff
    alm-du- GET    /v1/staff/{person}/absences
    -lm-d-- POST   /v1/staff/{person}/absences
    -lm-d-- POST   /v1/staff/{person}/return
    almndu- GET    /v1/suggestions
    alm-du- GET    /v1/tickets
    alm-d-- POST   /v1/tickets
    alm-du- GET    /v1/tickets/counts
    alm-du- GET    /v1/tickets/{ticket_id}
    alm-d-- POST   /v1/tickets/{ticket_id}/acceptance
    alm-d-- POST   /v1/tickets/{ticket_id}/assignment
    alm-du- GET    /v1/tickets/{ticket_id}/explanation
    alm-d-- POST   /v1/tickets/{ticket_id}/grants
    alm-du- GET    /v1/tickets/{ticket_id}/history
    alm-d-- POST   /v1/tickets/{ticket_id}/links
    alm-d-- POST   /v1/tickets/{ticket_id}/merge
    alm-d-- POST   /v1/tickets/{ticket_id}/milestones
    alm-d-- POST   /v1/tickets/{ticket_id}/steps
    alm-d-- POST   /v1/tickets/{ticket_id}/subject
    alm-du- GET    /v1/tickets/{ticket_id}/suggestions
    """

  static let ofFeedback = """
    open    GET    /s/{token}
    open    POST   /s/{token}
    open    GET    /s/{token}/stop
    open    POST   /s/{token}/stop
    -lmndu- GET    /v1/answers
    almndu- GET    /v1/asking-rules
    -lmndu- GET    /v1/baselines
    --mnd-- POST   /v1/baselines
    -lmndu- GET    /v1/baselines/{name}
    -lmndu- GET    /v1/baselines/{name}/comparison
    almndu- GET    /v1/comment-rules
    alm-du- GET    /v1/customers/{customer_id}/contacts
    alm-d-- DELETE /v1/customers/{customer_id}/opt-out
    alm-du- GET    /v1/customers/{customer_id}/opt-out
    alm-d-- PUT    /v1/customers/{customer_id}/opt-out
    alm-du- GET    /v1/invitations
    -lm-d-- POST   /v1/invitations
    alm-du- GET    /v1/invitations/{invitation_id}
    -lmndu- GET    /v1/reports/answers
    -lmndu- GET    /v1/reports/recovery
    -lmndu- GET    /v1/reports/topics
    almndu- GET    /v1/surveys
    almndu- GET    /v1/surveys/{survey}
    """

  static let ofConnector = """
    alm-du- GET    /v1/deliveries
    alm-du- GET    /v1/deliveries/{delivery_id}
    -lm-d-- POST   /v1/deliveries/{delivery_id}/retry
    open    POST   /v1/outcomes
    alm-du- GET    /v1/ways
    """

  static let services = [
    (IngestParts.program, ofIngest), (profile.Main.program, ofProfile), (tiering.Main.program, ofTiering), (tickets.Main.program, ofTickets),
    (feedback.Main.program, ofFeedback), (connector.Main.program, ofConnector),
  ]
}

/// One line of the table.
private struct Row {
  let method: String
  let pattern: String
  /// nil: everybody.
  let roles: Set<Role>?

  init(_ line: Substring) {
    let words = line.split(separator: " ").map(String.init)
    roles = words[0] == "open" ? nil : Set(Matrix.letters.filter { words[0].contains($0.letter) }.map(\.role))
    (method, pattern) = (words[1], words[2])
  }

  /// The path with something in each of its places.
  var path: String { pattern.split(separator: "/").map { $0.hasPrefix("{") ? "1" : String($0) }.reduce("") { $0 + "/" + $1 } }
}

@Suite("Roles and routes") struct MatrixTests {
  /// What every service wants to know; nobody is asked at these addresses.
  fileprivate static let settings = [
    "DATABASE_URL": "postgres://nobody@127.0.0.1:1/none", "KAFKA_BROKERS": "127.0.0.1:1", "CLIENTELE_PSEUDONYM_KEY": "0123456789abcdef",
    "FEEDBACK_LINK_KEY": "0123456789abcdef", "CLIENTELE_TOKEN_KEY": String(decoding: Fixed.secret, as: UTF8.self),
  ]

  private static func token(_ roles: [Role]) throws -> String {
    try Fixed.key().token(subject: "somebody", roles: roles, now: SystemTime.unixMicroseconds() / 1_000_000, lifetimeSeconds: 600)
  }

  /// The status; nil: the handler ran, and there was nobody to ask.
  private static func status(_ router: Router, _ row: Row, _ token: String?) async throws -> Int? {
    let headers: HTTPHeaders = token.map { ["Authorization": "Bearer \($0)"] } ?? [:]
    let request = try Request(HTTPMethod(rawValue: row.method), row.path, headers: headers)
    return try? await router.respond(to: request).status.rawValue
  }

  @Test("Every route of a service lets in the roles of the table, refuses the others, and asks everybody else for a token", arguments: Matrix.services.indices)
  func all(_ number: Int) async throws {
    let (program, table) = Matrix.services[number]
    let router = try program.router(settings: MatrixTests.settings, logger: .silent, poolWait: .milliseconds(1))
    let rows = (Matrix.common + "\n" + table).split(separator: "\n").map(Row.init)
    let served = router.registered.filter { !$0.isImmediate }.map { "\($0.method) \($0.pattern)" }
    #expect(served.sorted() == rows.map { "\($0.method) \($0.pattern)" }.sorted())
    #expect(router.registered.filter(\.isImmediate).map(\.pattern).sorted() == ["/healthz", "/readyz"])
    let tokens = try Dictionary(uniqueKeysWithValues: Role.allCases.map { ($0, try MatrixTests.token([$0])) })
    let nobody = try MatrixTests.token([])
    for row in rows {
      guard let roles = row.roles else {
        #expect(try await MatrixTests.status(router, row, nil) != 401, "\(row)")
        continue
      }
      #expect(try await MatrixTests.status(router, row, nil) == 401, "\(row)")
      #expect(try await MatrixTests.status(router, row, nobody) == 403, "\(row)")
      for (role, token) in tokens {
        let status = try await MatrixTests.status(router, row, token)
        #expect(roles.contains(role) ? status != 401 && status != 403 : status == 403, "\(row.method) \(row.pattern) as \(role): \(status ?? 0)")
      }
    }
  }

  @Test("A route of which nobody said who may call it lets nobody in, whoever asks")
  func undeclared() async throws {
    var router = Router(guarding: AccessGuard.tokens(Fixed.verifier([try Fixed.key()])).guarding(.silent))
    router.get("/forgotten") { _ in .text("secret") }
    // Nobody who may do anything else.
    router.get("/odd", needs: .everybody) { $0.may(.contactsRead) ? Response(.ok) : .text("open") }
    router.on(.get, "/strange", need: RouteNeed("no such permission")) { _ in .text("secret") }
    #expect(router.undeclared.map(\.pattern) == ["/forgotten"])
    let token = try Fixed.key().token(subject: "a", roles: [.admin], now: Fixed.now, lifetimeSeconds: 60)
    for (path, expected) in [("/forgotten", 403), ("/odd", 200), ("/strange", 403)] {
      let answer = try await router.respond(to: Request(.get, path, headers: ["Authorization": "Bearer \(token)"]))
      #expect(answer.status.rawValue == expected, "\(path)")
      if path == "/odd" { #expect(answer.bytes == Array("open".utf8)) }
    }
  }

  @Test("A refusal names the permission and not the token; two Authorization headers are one too many")
  func told() async throws {
    var router = Router(guarding: AccessGuard.tokens(Fixed.verifier([try Fixed.key()])).guarding(.silent))
    router.get("/x", needs: .quarantineRaw) { _ in .text("") }
    let token = try Fixed.key().token(subject: "a", roles: [.agent], now: Fixed.now, lifetimeSeconds: 60)
    let refused = try await router.respond(to: Request(.get, "/x", headers: ["Authorization": "Bearer \(token)"]))
    #expect(refused.status.rawValue == 403)
    #expect(refused.headers["WWW-Authenticate"] == #"Bearer realm="clientele", error="insufficient_scope", scope="quarantine:raw""#)
    let twice = HTTPHeaders([.init(name: "Authorization", value: "Bearer \(token)"), .init(name: "authorization", value: "Bearer \(token)")])
    #expect(try await router.respond(to: Request(.get, "/x", headers: twice)).status.rawValue == 401)
  }

  @Test("Each role has what the spec says and no more: nobody but an admin has everything")
  func least() {
    for role in Role.allCases { #expect(!role.permissions.contains(.everybody)) }
    #expect(Role.admin.permissions.count == Permission.allCases.count - 1)
    #expect(Role.agent.permissions.isStrictSubset(of: Role.lead.permissions) && Role.lead.permissions.isStrictSubset(of: Role.manager.permissions))
    let changing = Permission.allCases.filter { !$0.rawValue.hasSuffix(":read") && $0 != .everybody && $0 != .ticketsAll }
    #expect(Role.auditor.permissions.isDisjoint(with: changing) && !Role.auditor.permissions.contains(.contactsRead))
    #expect(Set(Permission.allCases.map(\.rawValue)).count == Permission.allCases.count)
  }
}

/// What the OpenAPI documents say that each operation needs, read by their lines: path, method, `- token: [permission]`.
private struct Documented {
  private(set) var needs: [String: String] = [:]

  /// With the places of patterns unnamed: documents may call them otherwise.
  static func place(_ pattern: some StringProtocol) -> String {
    pattern.split(separator: "/").map { $0.hasPrefix("{") ? "{}" : String($0) }.reduce("") { $0 + "/" + $1 }
  }

  init(_ text: String) {
    var (path, method) = ("", "")
    for line in text.split(separator: "\n") {
      if line.hasPrefix("  /"), line.hasSuffix(":") { path = Documented.place(line.dropFirst(2).dropLast()) }
      if line.hasPrefix("    "), line.hasSuffix(":"), ["get", "post", "put", "delete"].contains(line.dropFirst(4).dropLast()) {
        method = line.dropFirst(4).dropLast().uppercased()
      }
      if line.hasPrefix("      - token: ["), line.hasSuffix("]") { needs["\(method) \(path)"] = String(line.dropFirst(16).dropLast()) }
      if line == "      security: []" { needs["\(method) \(path)"] = "" }
    }
  }
}

@Suite("Documents of access") struct AccessDocumentTests {
  private static let root = "/" + #filePath.split(separator: "/").dropLast(3).joined(separator: "/")

  private func text(_ path: String) throws -> String {
    String(decoding: try #require(Files.read("\(AccessDocumentTests.root)/\(path)", bytesMax: 4 << 20), "\(path)"), as: UTF8.self)
  }

  @Test("Every operation of an OpenAPI document says the permission that its route asks for", arguments: Matrix.services.indices)
  func permissions(_ number: Int) throws {
    let program = Matrix.services[number].0
    let documented = Documented(try text("docs/openapi-\(program.name).yaml")).needs
    let router = try program.router(settings: MatrixTests.settings, logger: .silent, poolWait: .milliseconds(1))
    // Those that are the same at every service are in docs/operate.md.
    let common = ["/metrics", "/v1/positions", "/v1/gaps", "/v1/gaps/{id}/accept"]
    let routes = router.registered.filter { !$0.isImmediate && !common.contains($0.pattern) }
    let served = Dictionary(routes.map { ("\($0.method) \(Documented.place($0.pattern))", $0.need?.word ?? "?") }) { first, _ in first }
    #expect(documented.count >= 5)
    for (operation, need) in documented { #expect(served[operation] == need, "\(operation)") }
  }

  @Test("docs/access.md names every setting of access and every role")
  func page() throws {
    let page = try text("docs/access.md")
    for setting in AccessSettings.all { #expect(page.contains("`\(setting.variable)`"), "\(setting.variable)") }
    for role in Role.allCases { #expect(page.contains("| `\(role.rawValue)` |"), "\(role)") }
  }
}
