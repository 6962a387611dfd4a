// Tokens that others made: PyJWT's, good and forged, and those of an OpenID Connect provider that runs as a process.
import Embedded
import Glibc
import HTTP
import Lifecycle
import Runtime
import Telemetry
import TestSupport
import Testing
import Text

@testable import Access

/// Python with packages that the machine may lack.
private enum Python {
  static let script = TestPython.script("tokens.py", beside: #filePath)
  static let limit = TestPython.limit

  /// Found out once each: starting Python takes a while.
  private static let withJWT = Task { await TestPython.having("jwt, cryptography") }
  private static let withProvider = Task { await TestPython.having("oidc_provider_mock, httpx") }
  static func jwt() async -> String? { await withJWT.value }
  static func provider() async -> String? { await withProvider.value }
}

private let issuer = "https://id.example.com"

@Suite("Tokens of others") struct OthersTests {
  @Test(
    "What PyJWT signs is believed, and each of its forgeries is refused by the rule it breaks",
    .enabled("needs python3 with PyJWT and cryptography (pip install pyjwt cryptography)") { await Python.jwt() != nil })
  func forged() async throws {
    let python = try #require(await Python.jwt())
    let place = "\(TestDatabase.temporaryFolder)/clientele-tokens-\(getpid())"
    defer { unlink(place) }
    let process = try await HelperProcess.start(
      .init(executable: python, arguments: [Python.script, "forge", issuer, "clientele", String(Fixed.now)], standardOutput: .file(path: place)))
    #expect(await process.waitForExit(within: Python.limit) == 0)
    let told = try JSONValue(Files.read(place, bytesMax: 4 << 20) ?? [])
    let keys = try #require(told["keys"]).encoded
    let store = KeyStore(fetch: { keys }, seconds: { 0 }, logger: .silent)
    // Beside the suite's own, as services have them.
    let verifier = TokenVerifier(
      builtIn: [try Fixed.key()], issuer: (TokenRules(issuer: issuer, audience: "clientele"), store), now: { Fixed.now })
    let table = try #require(told["table"]?.arrayValue)
    #expect(table.count > 55)
    for row in table {
      let (name, expected) = (row["name"]?.stringValue ?? "", row["expected"]?.stringValue ?? "?")
      let found = await refusal(row["token"]?.stringValue ?? "", verifier)
      #expect(found?.rawValue ?? "" == expected, "\(name)")
    }
    let good = try #require(table.first { $0["name"]?.stringValue == "ES256" }?["token"]?.stringValue)
    let found = try await verifier.principal(Array(good.utf8))
    #expect(found == Principal(issuer: issuer, subject: "wang.fang", name: "Wang Fang", staff: "Wang Fang", roles: [.agent]))
  }

  @Test(
    "A provider's keys are found through its issuer, its tokens are believed for their audience, and one that names no key is not",
    .enabled("needs python3 with oidc-provider-mock and httpx (pip install oidc-provider-mock)") { await Python.provider() != nil })
  func provider() async throws {
    let python = try #require(await Python.provider())
    let process = try await HelperProcess.start(
      .init(executable: python, arguments: ["-W", "ignore", Python.script, "provider", "clientele"], standardOutput: .lines(copy: nil), pipesInput: true))
    defer { process.closeInput() }
    let line = try #require(await process.firstLine(within: Python.limit))
    let told = try JSONValue(parsing: line)
    let address = try #require(told["issuer"]?.stringValue)
    let client = HTTPClient(settings: IssuerDocuments.clientSettings)
    func verifier(audience: String, keys: String? = nil) -> TokenVerifier {
      let documents = IssuerDocuments(client: client, issuer: address, keys: keys)
      let store = KeyStore(fetch: { try await documents.fetch() }, seconds: { SystemTime.monotonicNanoseconds() / 1_000_000_000 }, logger: .silent)
      return TokenVerifier(
        issuer: (TokenRules(issuer: address, audience: audience), store), now: { SystemTime.unixMicroseconds() / 1_000_000 })
    }
    let (agent, manager) = (try #require(told["agent"]?.stringValue), try #require(told["manager"]?.stringValue))
    let first = try await verifier(audience: "clientele").principal(Array(agent.utf8))
    #expect(first == Principal(issuer: address, subject: "wang.fang", name: "Wang Fang", staff: "Wang Fang", roles: [.agent]))
    let second = try await verifier(audience: "clientele", keys: address + "/jwks").principal(Array(manager.utf8))
    #expect(second.actor == "li.na" && second.name == "Li Na" && second.roles == [.manager])
    #expect(await refusal(agent, verifier(audience: "other")) == .audience)
    #expect(await refusal(try #require(told["unnamed"]?.stringValue), verifier(audience: "clientele")) == .key)
    #expect(await refusal(agent, verifier(audience: "clientele", keys: address + "/nothing")) == .keysAway)
    await client.close()
    process.closeInput()
    #expect(await process.waitForExit(within: Python.limit) == 0)
  }
}
