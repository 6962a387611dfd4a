// Signing in at an identity provider that runs as a process (OpenID Connect, authorization code with PKCE).
import Access
import ConsoleCore
import ConsoleStore
import Embedded
import HTTP
import Hashing
import Postgres
import Runtime
import Telemetry
import TestSupport
import Testing
import Text

@testable import console

private enum Provider {
  private static let found = Task { await TestPython.having("oidc_provider_mock, httpx") }
  static func python() async -> String? { await found.value }
}

@Suite(
  "Signing in at an identity provider", .enabled(if: TestDatabase.isAvailable, "\(TestDatabase.whyNot)"),
  .enabled("needs python3 with oidc-provider-mock and httpx (pip install oidc-provider-mock)") { await Provider.python() != nil })
struct ProviderTests {
  /// The console beside a provider, and a browser that goes between them.
  private struct Scene {
    let console: TestConsole
    let http: HTTPClient

    /// Leaves for the provider: where to, and what the browser keeps meanwhile.
    func leave(then target: String = "/") async throws -> (address: String, cookie: String) {
      let answer = try await console.get(PercentEncoding.path("/sign-in/provider", [("then", target)]))
      let cookie = try #require(answer.headers["Set-Cookie"]?.prefix { $0 != ";" })
      return (try #require(answer.location), String(cookie))
    }

    /// What the provider leads back to when somebody signs in there.
    func atProvider(_ address: String, as subject: String = "wang.fang") async throws -> String {
      let answer = try await http.post(address, body: Array("sub=\(subject)".utf8), contentType: Request.formType)
      let back = try #require(answer.headers["Location"])
      try #require(back.hasPrefix("http://127.0.0.1:8080/"))
      return String(back.dropFirst(21))
    }

    func come(_ target: String, with cookie: String?) async throws -> Response {
      try await console.get(target, headers: cookie.map { ["Cookie": $0] } ?? [:])
    }
  }

  private func with(_ body: (Scene) async throws -> Void) async throws {
    let python = try #require(await Provider.python())
    let script = TestPython.script("provider.py", beside: #filePath)
    let process = try await HelperProcess.start(
      .init(executable: python, arguments: ["-W", "ignore", script], standardOutput: .lines(copy: nil), pipesInput: true))
    defer { process.closeInput() }
    let line = try #require(await process.firstLine(within: TestPython.limit))
    let issuer = try #require(try JSONValue(parsing: line)["issuer"]?.stringValue)
    let settings = [
      "CLIENTELE_TOKEN_KEY": "", "CLIENTELE_OIDC_ISSUER": issuer, "CLIENTELE_OIDC_AUDIENCE": "console", "CONSOLE_OIDC_CLIENT_ID": "console",
      "CONSOLE_OIDC_CLIENT_SECRET": "any", "CONSOLE_SEAL_KEY": "a key to seal with that has 32 bytes",
    ]
    try await TestConsole.with(settings, now: SystemTime.unixMicroseconds()) { console in
      let http = HTTPClient()
      let result: Result<Void, any Error>
      do { result = .success(try await body(Scene(console: console, http: http))) } catch { result = .failure(error) }
      await http.close()
      for part in console.site.settings.provider?.parts ?? [] { if let client = part as? HTTPClient { await client.close() } }
      try result.get()
    }
    process.closeInput()
    #expect(await process.waitForExit(within: TestPython.limit) == 0)
  }

  @Test("Who signed in at the provider is signed in here, where they wanted to go, with the provider's roles; the services are shown the provider's token")
  func whole() async throws {
    try await with { scene in
      let page = try await scene.console.get("/sign-in?then=%2F%3Fa%3D1").page
      #expect(page.contains("/sign-in/provider?then=%2F%3Fa%3D1") && !page.contains("name=\"code\""))
      let (address, cookie) = try await scene.leave(then: "/?a=1")
      #expect(address.contains("code_challenge_method=S256") && address.contains("nonce=") && address.contains("scope=openid%20profile"))
      let back = try await scene.atProvider(address)
      let answer = try await scene.come(back, with: cookie)
      #expect(answer.status == .seeOther && answer.location == "/?a=1")
      let kept = try #require(answer.headers.all("Set-Cookie").first { $0.hasPrefix("session=") })
      let secret = try #require(SessionSecret(String(kept.dropFirst(8).prefix { $0 != ";" })))
      let home = try await scene.console.get("/", as: secret)
      #expect(home.status == .ok && home.page.contains("Wang Fang") && home.page.contains("sales manager"))
      let session = try #require(try await scene.console.site.pool.withSession { try SessionRows.find(secret, $0) })
      let sealed = try #require(session.tokens)
      #expect(session.roles == ["manager"] && session.issuer != BuiltInKey.issuer && !String(decoding: sealed, as: UTF8.self).contains("eyJ"))
      // What the provider gave for it opens nothing a second time, and neither does the way back.
      #expect(try await scene.come(back, with: cookie).status == .unprocessable)
    }
  }

  private func value(_ name: String, in address: String) -> String {
    let parts = address.drop { $0 != "?" }.dropFirst().split(separator: "&")
    return parts.first { $0.hasPrefix("\(name)=") }.map { String($0.dropFirst(name.count + 1)) } ?? ""
  }

  @Test("A way back that this browser did not begin, or began otherwise, signs nobody in")
  func foreign() async throws {
    try await with { scene in
      let (address, cookie) = try await scene.leave()
      let (otherAddress, otherCookie) = try await scene.leave()
      let back = try await scene.atProvider(address)
      for cookie in [nil, otherCookie, "sign-in=x", "sign-in=.", cookie + "x.y"] {
        let answer = try await scene.come(back, with: cookie)
        #expect(answer.status == .unprocessable && answer.headers["Set-Cookie"] == nil)
      }
      // A code that was made for another trip does not fit the verifier of this one.
      let (state, code) = (value("state", in: otherAddress), value("code", in: back))
      #expect(try await scene.come("/sign-in/back?code=\(code)&state=\(state)", with: otherCookie).status == .unprocessable)
      #expect(try await scene.come("/sign-in/back?error=access_denied&state=\(state)", with: otherCookie).status == .unprocessable)
    }
  }

  @Test("Whom the provider gives no role of the suite does not get in, and is told so")
  func roleless() async throws {
    try await with { scene in
      let (address, cookie) = try await scene.leave()
      let answer = try await scene.come(try await scene.atProvider(address, as: "nobody"), with: cookie)
      #expect(answer.status == .unprocessable && answer.page.contains("names no role"))
    }
  }

  @Test("When the provider's token is over, and it cannot be renewed, whoever it is signs in again; a code of the suite's own key opens nothing here")
  func over() async throws {
    try await with { scene in
      let (address, cookie) = try await scene.leave()
      let answer = try await scene.come(try await scene.atProvider(address), with: cookie)
      let kept = try #require(answer.headers.all("Set-Cookie").first { $0.hasPrefix("session=") })
      let secret = try #require(SessionSecret(String(kept.dropFirst(8).prefix { $0 != ";" })))
      scene.console.clock.advance(seconds: 3_500)
      #expect(try await scene.console.get("/", as: secret).status == .ok)
      scene.console.clock.advance(seconds: 100)
      #expect(try await scene.console.get("/", as: secret).status == .seeOther)
      let code = try BuiltInKey(Array(TestConsole.key.utf8)).signInCode(
        subject: "x", roles: [.admin], now: scene.console.clock.now / 1_000_000, random: [1])
      #expect(try await scene.console.post("/sign-in", [("code", code)]).headers["Set-Cookie"] == nil)
    }
  }
}

@Suite("Sealed bytes") struct SealingTests {
  private let nonce = [UInt8](repeating: 3, count: 12)

  @Test("They open with the same key and the same context, unchanged, and not otherwise")
  func opens() throws {
    let key = try SealingKey([UInt8](repeating: 1, count: 32))
    let bytes = Array("secret".utf8)
    let sealed = try key.seal(bytes, context: [1, 2], nonce: nonce)
    #expect(key.open(sealed, context: [1, 2]) == bytes)
    #expect(key.open(sealed, context: [1, 3]) == nil)
    #expect(try SealingKey([UInt8](repeating: 2, count: 32)).open(sealed, context: [1, 2]) == nil)
    for place in sealed.indices {
      var changed = sealed
      changed[place] ^= 1
      #expect(key.open(changed, context: [1, 2]) == nil)
    }
    #expect(key.open([], context: []) == nil)
    #expect(try key.open(key.seal([], context: [], nonce: nonce), context: []) == [])
    #expect(throws: HashingFailure.self) { try SealingKey([1, 2, 3]) }
    #expect(throws: HashingFailure.self) { try key.seal(bytes, context: [], nonce: [1]) }
  }
}
