// Which role gets where in the console: every page and every form, as a table. A route that is not in it, or is no route, fails; so does a role that gets
// somewhere else than it says, as the pages themselves answer.
import Access
import ConsoleCore
import HTTP
import TestSupport
import Testing
import Text

@testable import console

/// Agent, lead, manager, aNalyst, aDmin, aUditor, service: a letter where the role gets in, a hyphen where it does not; `open` also for nobody.
private enum PageMatrix {
  static let letters: [(letter: Character, role: Role)] = [
    ("a", .agent), ("l", .lead), ("m", .manager), ("n", .analyst), ("d", .admin), ("u", .auditor), ("s", .service),
  ]

  static let table = """
    almndus GET  /
    almndu- GET  /articles
    almndu- GET  /articles/{id}
    open    GET  /assets/{mark}/console.css
    open    GET  /assets/{mark}/console.js
    open    GET  /assets/{mark}/icon.svg
    ----du- GET  /audit
    ----du- GET  /audit/exposure
    ----du- GET  /audit/verification
    ----du- GET  /conflicts
    ----d-- POST /conflicts/unmasked
    alm-du- GET  /customers
    alm-du- POST /customers
    --mnd-- GET  /customers/tagged
    --mnd-- GET  /customers/top
    alm-du- GET  /customers/{id}
    alm-d-- GET  /customers/{id}/automated-tiering
    alm-d-- POST /customers/{id}/automated-tiering
    alm-du- GET  /customers/{id}/identity
    --m-d-- GET  /customers/{id}/merge
    --m-d-- POST /customers/{id}/merge
    alm-d-- GET  /customers/{id}/opt-out
    alm-d-- POST /customers/{id}/opt-out
    alm-du- GET  /customers/{id}/orders
    --m-d-- GET  /customers/{id}/override
    --m-d-- POST /customers/{id}/override
    alm-du- GET  /customers/{id}/surveys
    alm-du- GET  /customers/{id}/tags
    -lm-d-- POST /customers/{id}/tags
    -lm-d-- GET  /customers/{id}/tags/removal
    -lm-d-- POST /customers/{id}/tags/removal
    almndus GET  /customers/{id}/tier
    alm-du- GET  /customers/{id}/timeline
    -lm-d-- POST /customers/{id}/timeline/unmasked
    -lm-d-- POST /customers/{id}/unmasked
    ---ndu- GET  /imports
    ---ndu- GET  /imports/{id}
    almndus GET  /live
    ---ndu- GET  /mappings/{id}
    --m-du- GET  /merges
    --m-du- GET  /merges/{id}
    --m-d-- POST /merges/{id}
    open    POST /preferences
    ---ndu- GET  /quality
    ----du- GET  /quarantine
    ----d-- GET  /quarantine/many/dismiss
    ----d-- POST /quarantine/many/dismiss
    ----d-- GET  /quarantine/many/replay
    ----d-- POST /quarantine/many/replay
    ----du- GET  /quarantine/{id}
    ----d-- POST /quarantine/{id}
    ----d-- POST /quarantine/{id}/unmasked
    -lmndu- GET  /reports
    -lmndu- GET  /reports/complaints
    -lmndu- GET  /reports/knowledge
    -lmndu- GET  /reports/satisfaction
    -lmndu- GET  /reports/segments
    -lmndu- GET  /reports/service
    -lmndu- GET  /reports/statistics
    -lmndu- GET  /reports/tiers
    -lmndu- GET  /reports/tiers/development
    -lmndu- GET  /reports/unification
    --m-du- GET  /reviews
    --m-du- GET  /reviews/identities
    --m-du- GET  /reviews/identities/{id}
    --m-d-- POST /reviews/identities/{id}
    --m-d-- POST /reviews/identities/{id}/unmasked
    almndus GET  /reviews/tiers
    --m-d-- GET  /reviews/tiers/confirmation
    --m-d-- POST /reviews/tiers/confirmation
    almndus GET  /reviews/tiers/{id}
    --m-d-- POST /reviews/tiers/{id}
    --mndu- GET  /scorecards
    --mndu- GET  /scorecards/compare
    --mndu- GET  /scorecards/{name}/{version}
    ----d-- GET  /scorecards/{name}/{version}/activate
    ----d-- POST /scorecards/{name}/{version}/activate
    ----d-- GET  /scorecards/{name}/{version}/back
    ----d-- POST /scorecards/{name}/{version}/back
    ----d-- GET  /scorecards/{name}/{version}/canary
    ----d-- POST /scorecards/{name}/{version}/canary
    --mndu- GET  /scorecards/{name}/{version}/comparison
    --mnd-- GET  /scorecards/{name}/{version}/edit
    --mnd-- POST /scorecards/{name}/{version}/edit
    --mndu- GET  /scorecards/{name}/{version}/file
    --mnd-- GET  /scorecards/{name}/{version}/moves
    ----d-- GET  /scorecards/{name}/{version}/retire
    ----d-- POST /scorecards/{name}/{version}/retire
    --mnd-- POST /scorecards/{name}/{version}/simulation
    open    GET  /sign-in
    open    POST /sign-in
    almndus POST /sign-out
    almndu- GET  /surveys
    -lmndu- GET  /surveys/answers
    -lm-d-- POST /surveys/answers/unmasked
    almndu- GET  /surveys/asked
    -lmndu- GET  /surveys/baselines
    --mnd-- POST /surveys/baselines
    -lmndu- GET  /surveys/baselines/{name}
    alm-du- GET  /surveys/deliveries
    -lm-d-- POST /surveys/deliveries/{id}/retry
    alm-du- GET  /surveys/invitations
    -lmndu- GET  /surveys/recovery
    -lmndu- GET  /surveys/topics
    almndu- GET  /surveys/{survey}
    alm-du- GET  /tickets
    -lm-du- GET  /tickets/grants
    alm-d-- GET  /tickets/new
    alm-d-- POST /tickets/new
    alm-du- GET  /tickets/{id}
    alm-d-- POST /tickets/{id}/accept
    alm-d-- POST /tickets/{id}/assign
    alm-d-- POST /tickets/{id}/close
    -lm-d-- POST /tickets/{id}/decide
    alm-d-- POST /tickets/{id}/grant
    alm-d-- POST /tickets/{id}/link
    alm-d-- POST /tickets/{id}/merge
    alm-d-- POST /tickets/{id}/message
    alm-d-- POST /tickets/{id}/milestone
    alm-d-- POST /tickets/{id}/reopen
    alm-d-- POST /tickets/{id}/reply
    alm-d-- POST /tickets/{id}/resolve
    alm-d-- POST /tickets/{id}/resume
    alm-d-- POST /tickets/{id}/start
    alm-d-- POST /tickets/{id}/subject
    -lm-d-- POST /tickets/{id}/unmasked
    alm-d-- POST /tickets/{id}/wait
    """

  static var lines: [String] { table.split(separator: "\n").map { $0.split(separator: " ").joined(separator: " ") }.sorted() }
}

@Suite("The table of pages and roles", .enabled(if: TestDatabase.isAvailable, "\(TestDatabase.whyNot)")) struct PageMatrixTests {
  private static let parts = ["{id}": "00000000000000a1", "{name}": "rfm-plus", "{version}": "1", "{survey}": "nps"]

  private static func target(_ pattern: String) -> String {
    pattern.split(separator: "/", omittingEmptySubsequences: false).map { parts[String($0)] ?? String($0) }.joined(separator: "/")
  }

  /// The address of an asset holds what is in it.
  private static func named(_ pattern: String) -> String {
    pattern.hasPrefix("/assets/") ? "/assets/{mark}/" + (pattern.split(separator: "/").last ?? "") : pattern
  }

  /// What browsers say of a form that another site sent.
  private static let others: [HTTPHeaders] = [
    ["Origin": "https://evil.example"], ["Origin": "null"], ["Sec-Fetch-Site": "cross-site"], ["Sec-Fetch-Site": "same-site"],
  ]

  private static func fields(_ more: [(String, String)] = []) -> [(String, String)] { [(Look.field, "the customer called")] + more }

  private static func line(_ route: RegisteredRoute) -> String { "\(route.method.rawValue) \(named(route.pattern))" }

  private static func isOpen(_ route: RegisteredRoute) -> Bool {
    [Permission.everybody.need, PageNeed.file].contains(route.need) || route.isImmediate
  }

  private func answer(_ console: TestConsole, _ route: RegisteredRoute, _ secret: SessionSecret?) async throws -> Response {
    let target = PageMatrixTests.target(route.pattern)
    return route.method == .get ? try await console.get(target, as: secret) : try await console.post(target, PageMatrixTests.fields(), as: secret)
  }

  private func with(_ body: (TestConsole, [Role: SessionSecret]) async throws -> Void) async throws {
    try await TestConsole.with { console in
      var secrets: [Role: SessionSecret] = [:]
      for role in Role.allCases { secrets[role] = try await console.signIn([role], name: role.rawValue) }
      try await body(console, secrets)
    }
  }

  @Test("Every page and every form lets in whom the table says")
  func letsIn() async throws {
    try await with { console, secrets in
      var found: [String] = []
      for route in console.router.registered {
        var letters = ""
        // Who signs out is nobody afterwards: that is asked of each below.
        for (letter, role) in PageMatrix.letters where !PageMatrixTests.isOpen(route) && route.pattern != "/sign-out" {
          letters.append(try await answer(console, route, secrets[role]).status == .forbidden ? "-" : letter)
        }
        found.append("\(PageMatrixTests.isOpen(route) ? "open" : letters) \(PageMatrixTests.line(route))")
      }
      for role in Role.allCases { #expect(try await console.post("/sign-out", [], as: secrets[role]).location == SignInPages.path) }
      found = found.map { $0 == " POST /sign-out" ? "almndus POST /sign-out" : $0 }
      let (has, says) = (Set(found), Set(PageMatrix.lines))
      for line in has.subtracting(says).sorted() { Issue.record("not so in the table: \(line)") }
      for line in says.subtracting(has).sorted() { Issue.record("not so in the console: \(line)") }
      #expect(found.count == PageMatrix.lines.count)
    }
  }

  @Test("Whoever does not get in is refused before any service is asked: other roles, nobody, and forms of other sessions and sites")
  func refusesFirst() async throws {
    try await with { console, secrets in
      let says = Dictionary(uniqueKeysWithValues: PageMatrix.lines.map { (String($0.drop { $0 != " " }.dropFirst()), $0.prefix { $0 != " " }) })
      let (admin, manager) = (try #require(secrets[.admin]), try #require(secrets[.manager]))
      for route in console.router.registered where !PageMatrixTests.isOpen(route) {
        let (line, target) = (PageMatrixTests.line(route), PageMatrixTests.target(route.pattern))
        #expect(try await answer(console, route, nil).location?.hasPrefix(SignInPages.path) ?? false, "nobody: \(line)")
        let letters = try #require(says[line], "\(line)")
        for (letter, role) in PageMatrix.letters where !letters.contains(letter) {
          let secret = secrets[role]
          #expect(try await answer(console, route, secret).status == .forbidden, "\(role): \(line)")
          guard route.method == .post else { continue }
          let borrowed = PageMatrixTests.fields([(FormToken.field, try admin.formToken)])
          #expect(try await console.post(target, borrowed, as: secret, withToken: false).status == .forbidden, "\(role) with a token: \(line)")
        }
        guard route.method == .post else { continue }
        let foreign = PageMatrixTests.fields([(FormToken.field, try manager.formToken)])
        #expect(try await console.post(target, foreign, as: admin, withToken: false).status == .forbidden, "another session: \(line)")
        #expect(try await console.post(target, PageMatrixTests.fields(), as: admin, withToken: false).status == .forbidden, "no token: \(line)")
        for headers in PageMatrixTests.others {
          #expect(try await console.post(target, PageMatrixTests.fields(), as: admin, headers: headers).status == .forbidden, "another site: \(line)")
        }
      }
      #expect(console.peers.asked.map(\.target) == [])
    }
  }
}
