// `clientele token`, and what commands show to services.
import ClienteleCore
import CommandLine
import HTTP
import Synchronization
import Telemetry
import Testing
import Text

@testable import Access
@testable import clientele

private let secret = String(repeating: "a key of tests ", count: 3)

/// Who a request is from, by the key in the folder.
private func caller(_ header: String?) async throws -> Principal {
  let key = try BuiltInKey(Array(secret.filter { !$0.isWhitespace }.utf8))
  let verifier = TokenVerifier(builtIn: [key], now: { SystemTime.unixMicroseconds() / 1_000_000 })
  return try await verifier.principal(Array((header ?? "").dropFirst("Bearer ".count).utf8))
}

@Suite("Tokens of the operator's tool") struct TokenCommandTests {
  @Test("A token is made for whom it is asked, with their roles, and for no longer than a day")
  func made() async throws {
    let folder = Folder()
    _ = folder.write("token.key", secret + "\n")
    let called = await Tool.call(["token", "--folder", folder.path, "--role", "agent", "--role", "lead", "--subject", "王芳", "--ttl", "60"])
    #expect(called.code == .ok && called.error.isEmpty, "\(called)")
    let found = try await caller("Bearer " + called.out.filter { !$0.isWhitespace })
    #expect(found.subject == "王芳" && found.actor == "王芳" && found.roles == [.agent, .lead])
    for words in [["--role", "root", "--subject", "x"], ["--role", "agent"], ["--subject", "x"], ["--role", "agent", "--subject", "x", "--ttl", "86401"]] {
      #expect(await Tool.call(["token", "--folder", folder.path] + words).code == .usage, "\(words)")
    }
  }

  @Test("Without a key it says where one is looked for")
  func without() async throws {
    let called = await Tool.call(["token", "--folder", Folder().path, "--role", "agent", "--subject", "x"])
    #expect(called.code != .ok && called.out.isEmpty && called.error.contains("CLIENTELE_TOKEN_KEY"), "\(called)")
  }

  @Test("A command that somebody does is shown as theirs, one that nobody is named for as the tool's own")
  func actors() async throws {
    let seen = Mutex<[String?]>([])
    try await FakeSuite.run({ router, _ in
      router.get("/v1/staff") { request in
        seen.withLock { $0.append(request.headers["Authorization"]) }
        return .json(Array(#"{"people":[],"teams":[]}"#.utf8))
      }
      router.post("/v1/staff/Bo/return") { request in
        seen.withLock { $0.append(request.headers["Authorization"]) }
        return .json(Array("{}".utf8))
      }
    }) { suite in
      _ = suite.folder.write("token.key", secret)
      _ = await suite.call(["staff", "list"])
      _ = await suite.call(["staff", "back", "Bo", "--actor", "李娜"])
    }
    let shown = seen.withLock { $0 }
    try #require(shown.count == 2)
    let (own, named) = (try await caller(shown[0]), try await caller(shown[1]))
    #expect(own.actor == "clientele" && named.actor == "李娜" && named.roles == [.admin])
  }
}
