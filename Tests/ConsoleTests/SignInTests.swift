// Who gets in, and who does not: codes, sessions, forms of other sites.
import Access
import ConsoleCore
import HTTP
import TestSupport
import Testing
import Text

@testable import console

@Suite("Signing in at the console", .enabled(if: TestDatabase.isAvailable, "\(TestDatabase.whyNot)")) struct SignInTests {
  private static func code(_ console: TestConsole, _ name: String = "Wang Fang", _ roles: [Role] = [.manager], random: UInt8 = 1) throws -> String {
    try BuiltInKey(Array(TestConsole.key.utf8)).signInCode(
      subject: name, roles: roles, now: console.clock.now / 1_000_000, random: [UInt8](repeating: random, count: 16))
  }

  @Test("Who is not signed in is led to the sign-in and from there to where they wanted to go")
  func led() async throws {
    try await TestConsole.with { console in
      let answer = try await console.get("/?a=1")
      #expect(answer.status == .seeOther && answer.location == "/sign-in?then=%2F%3Fa%3D1")
      let page = try await console.get("/sign-in?then=%2F%3Fa%3D1").page
      #expect(page.contains(#"name="then" value="/?a=1""#))
    }
  }

  @Test("A code opens one session, once; it is no token of a service, and a token of a service is no code")
  func codes() async throws {
    try await TestConsole.with { console in
      let code = try SignInTests.code(console)
      let answer = try await console.post("/sign-in", [("code", code), ("then", "/")])
      #expect(answer.status == .seeOther && answer.location == "/")
      let cookie = try #require(answer.headers["Set-Cookie"])
      #expect(cookie.hasPrefix("session=") && cookie.contains("; HttpOnly") && cookie.contains("; SameSite=Lax"))
      let secret = try #require(SessionSecret(String(cookie.dropFirst(8).prefix { $0 != ";" })))
      #expect(try await console.get("/", as: secret).status == .ok)
      #expect(try await console.post("/sign-in", [("code", code)]).status == .unprocessable)
      let token = try BuiltInKey(Array(TestConsole.key.utf8)).token(
        subject: "Wang Fang", roles: [.admin], now: console.clock.now / 1_000_000, lifetimeSeconds: 300)
      #expect(try await console.post("/sign-in", [("code", token)]).status == .unprocessable)
    }
  }

  @Test("A code that is old, altered or of another key opens nothing", arguments: ["old", "altered", "other", "empty", "long"])
  func refused(_ kind: String) async throws {
    try await TestConsole.with { console in
      var code = try SignInTests.code(console)
      switch kind {
      case "old": console.clock.advance(seconds: 700)
      case "altered": code = String(code.dropLast(2)) + "AA"
      case "other":
        code = try BuiltInKey([UInt8](repeating: 7, count: 32)).signInCode(
          subject: "x", roles: [.admin], now: console.clock.now / 1_000_000, random: [1])
      case "empty": code = ""
      default: code = String(repeating: "a", count: 10_000)
      }
      let answer = try await console.post("/sign-in", [("code", code)])
      #expect(answer.status == .unprocessable && answer.headers["Set-Cookie"] == nil && answer.page.contains("role=\"alert\""))
    }
  }

  @Test("Whoever signs in gets a new secret, and the one that the browser had before is worth nothing")
  func fixation() async throws {
    try await TestConsole.with { console in
      let planted = try await console.signIn([.agent], name: "somebody")
      let answer = try await console.post("/sign-in", [("code", try SignInTests.code(console))], as: planted)
      let cookie = try #require(answer.headers["Set-Cookie"])
      #expect(!cookie.contains(planted.text))
      #expect(try await console.get("/", as: planted).status == .seeOther)
    }
  }

  @Test("After the link that leads to another site, or back to the sign-in, the first page comes", arguments: [
    "//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)", "/sign-in", "",
  ])
  func elsewhere(_ target: String) async throws {
    try await TestConsole.with { console in
      let code = try SignInTests.code(console)
      let answer = try await console.post("/sign-in", [("code", code), ("then", target)])
      #expect(answer.location == "/")
    }
  }

  @Test("A session ends when nobody asked anything for an hour, at the end of its time, and by signing out")
  func ends() async throws {
    try await TestConsole.with { console in
      let idle = try await console.signIn([.manager])
      console.clock.advance(seconds: 3_500)
      #expect(try await console.get("/", as: idle).status == .ok)
      console.clock.advance(seconds: 3_500)
      #expect(try await console.get("/", as: idle).status == .ok)
      console.clock.advance(seconds: 3_601)
      #expect(try await console.get("/", as: idle).status == .seeOther)
      let long = try await console.signIn([.manager])
      for _ in 0..<10 {
        console.clock.advance(seconds: 3_500)
        #expect(try await console.get("/", as: long).status == .ok)
      }
      console.clock.advance(seconds: 1_001)
      #expect(try await console.get("/", as: long).status == .seeOther)
      let out = try await console.signIn([.manager])
      let answer = try await console.post("/sign-out", [], as: out)
      #expect(answer.location == "/sign-in" && answer.headers["Set-Cookie"]?.contains("Max-Age=0") == true)
      #expect(try await console.get("/", as: out).status == .seeOther)
    }
  }

  @Test("A form without the session's own token, from another origin or from another site does nothing")
  func foreign() async throws {
    try await TestConsole.with { console in
      let (secret, other) = (try await console.signIn([.manager]), try await console.signIn([.manager], name: "other"))
      #expect(try await console.post("/sign-out", [], as: secret, withToken: false).status == .forbidden)
      let token = try other.formToken
      #expect(try await console.post("/sign-out", [(FormToken.field, token)], as: secret, withToken: false).status == .forbidden)
      for headers: HTTPHeaders in [["Origin": "https://evil.example"], ["Sec-Fetch-Site": "cross-site"], ["Sec-Fetch-Site": "same-site"], ["Origin": "null"]] {
        #expect(try await console.post("/sign-out", [], as: secret, headers: headers).status == .forbidden)
      }
      #expect(try await console.get("/", as: secret).status == .ok)
      let own: HTTPHeaders = ["Origin": "http://127.0.0.1:8080", "Sec-Fetch-Site": "same-origin"]
      #expect(try await console.post("/sign-out", [], as: secret, headers: own).status == .seeOther)
    }
  }

  @Test("A name that was made to lead to this machine gets no page")
  func otherNames() async throws {
    try await TestConsole.with { console in
      let secret = try await console.signIn([.manager])
      #expect(try await console.get("/", as: secret, headers: ["Host": "evil.example"]).status == .badRequest)
      #expect(try await console.get("/", as: secret, headers: ["Host": "localhost:1"]).status == .ok)
    }
    try await TestConsole.with(["CONSOLE_URL": "https://desk.example.com"]) { console in
      let secret = try await console.signIn([.manager])
      #expect(try await console.get("/", as: secret, headers: ["Host": "127.0.0.1:8080"]).status == .badRequest)
      let answer = try await console.get("/", as: secret, headers: ["Host": "desk.example.com"])
      #expect(answer.status == .ok && answer.headers["Strict-Transport-Security"] != nil && console.site.sessionCookie == "__Host-session")
    }
  }

  @Test("Who tries to sign in again and again waits, and so does a session that asks without end")
  func floods() async throws {
    try await TestConsole.with { console in
      for _ in 0..<SignInPages.triesPerMinuteMax { #expect(try await console.post("/sign-in", [("code", "x")]).status == .unprocessable) }
      let answer = try await console.post("/sign-in", [("code", try SignInTests.code(console))])
      #expect(answer.status == .tooManyRequests && answer.headers["Retry-After"] != nil && answer.headers["Set-Cookie"] == nil)
      let (secret, other) = (try await console.signIn([.agent]), try await console.signIn([.agent], name: "other"))
      for _ in 0..<SessionGuard.requestsPerMinuteMax { _ = try await console.get("/", as: secret) }
      #expect(try await console.get("/", as: secret).status == .tooManyRequests)
      #expect(try await console.get("/", as: other).status == .ok)
      console.clock.advance(seconds: 60)
      #expect(try await console.get("/", as: secret).status == .ok)
    }
  }

  @Test("What the table of sessions holds lets nobody in")
  func stored() async throws {
    try await TestConsole.with { console in
      let secret = try await console.signIn([.manager])
      let stored = Base64URL.encode(try secret.hash)
      #expect(try await console.get("/", headers: ["Cookie": "session=\(stored)"]).status == .seeOther)
      #expect(SessionSecret("") == nil && SessionSecret("abc") == nil && SessionSecret(String(repeating: "A", count: 44)) == nil)
    }
  }

  @Test("Every page says that it may be kept nowhere, shown in no frame, and loads from this site alone")
  func headers() async throws {
    try await TestConsole.with { console in
      let secret = try await console.signIn([.manager])
      for target in ["/", "/nothing", "/sign-in"] {
        let answer = try await console.get(target, as: secret)
        #expect(answer.headers["Cache-Control"] == "no-store" && answer.headers["X-Content-Type-Options"] == "nosniff")
        let policy = try #require(answer.headers["Content-Security-Policy"])
        #expect(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'") && !policy.contains("unsafe"))
      }
    }
  }
}
