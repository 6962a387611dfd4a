// `clientele ticket grant|grants|approve|reject|allowance` against a service that answers what it is told to (K-08).
import CommandLine
import HTTP
import Testing
import Text

@Suite(.timeLimit(.minutes(1)))
struct GrantCommandTests {
  private static let id = "4af6532eeb1446fd"
  private static let grant = #"""
    {"grant_id":"00000000000000a7","ticket_id":"4af6532eeb1446fd","customer_id":"5f4158138ec69708","state":"waiting","state_name":{"en":"waits for approval",
    "zh":"待审批"},"kind":"compensation","upgrade":null,"amount":80.00,"currency":"CNY","asked_at":"2026-11-30T02:00:00Z","asked_by":"An","reason":"late",
    "decided_at":null,"decided_by":null,"decision_reason":null}
    """#

  private func call(_ words: [String], language: String = "en") async throws -> (Called, [String]) {
    @Sendable func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }
    return try await FakeSuite.run({ router, asked in
      router.get("/v1/customers") { _ in .json(bytes(#"{"customer_id":"5f4158138ec69708"}"#)) }
      router.get("/v1/tickets/{id}") { _ in .json(bytes("{}"), headers: ["ETag": "\"v3\""]) }
      router.get("/v1/grants/{id}") { _ in .json(bytes(Self.grant), headers: ["ETag": "\"waiting\""]) }
      router.get("/v1/grants") { request in
        asked.add("list \(request.query["state"] ?? "-") \(request.query["ticket_id"] ?? "-") \(request.query["customer_id"] ?? "-")")
        return .json(bytes(#"{"grants":[\#(Self.grant)],"next":null}"#))
      }
      for path in ["/v1/tickets/{id}/grants", "/v1/grants/{id}/approval", "/v1/grants/{id}/rejection"] {
        router.post(path) { request in
          asked.add("post \(request.headers["If-Match"] ?? "-") \(String(decoding: request.body, as: UTF8.self))")
          return .json(bytes(Self.grant), status: .accepted)
        }
      }
      router.get("/v1/customers/{id}/allowance") { _ in
        .json(bytes(#"{"year":2026,"tier":"vip","currency":"CNY","cap":1000.00,"given":80.00,"left":920.00}"#))
      }
    }) { suite in (await suite.call(["ticket"] + words + ["--lang", language]), suite.requests) }
  }

  @Test func moneyOrAnUpgradeIsGivenOnTheTicketAsItWasSeen() async throws {
    let (called, requests) = try await call(["grant", Self.id, "--amount", "80", "--actor", "An", "--reason", "late"])
    #expect(requests.last == #"post "v3" {"actor":"An","reason":"late","amount":80}"#)
    #expect(called.out.hasPrefix("00000000000000a7  compensation  80.00 CNY  waits for approval\n") && called.out.contains("why: late"))
    let upgrade = try await call(["grant", Self.id, "--upgrade", "express", "--actor", "An", "--reason", "late"]).1.last
    #expect(upgrade == #"post "v3" {"actor":"An","reason":"late","upgrade":"express"}"#)
    for wrong in [[], ["--amount", "1", "--upgrade", "express"], ["--amount", "much"], ["--amount", "1e3"]] {
      let (refused, asked) = try await call(["grant", Self.id, "--actor", "An", "--reason", "late"] + wrong)
      #expect(refused.code == .usage && asked.isEmpty, "\(wrong)")
    }
  }

  @Test func whatWaitsIsListedAndDecided() async throws {
    let (called, requests) = try await call(["grants", "--member", "M1"])
    #expect(requests.last == "list waiting - 5f4158138ec69708")
    #expect(called.out.contains("80.00 CNY  waits for approval  2026-11-30T10:00:00+08:00  An"))
    #expect(try await call(["grants", "--state", "all", "--ticket", Self.id]).1.last == "list - \(Self.id) -")
    #expect(try await call(["grants"], language: "zh").0.out.contains("待审批"))
    #expect(try await call(["approve", "00000000000000a7", "--actor", "Le"]).1.last == #"post "waiting" {"actor":"Le"}"#)
    #expect(
      try await call(["reject", "00000000000000a7", "--actor", "Le", "--reason", "no"]).1.last == #"post "waiting" {"actor":"Le","reason":"no"}"#)
    #expect(try await call(["reject", "00000000000000a7", "--actor", "Le"]).0.code == .usage)
  }

  @Test func whatIsLeftOfTheYearIsTold() async throws {
    #expect(try await call(["allowance", "--member", "M1"]).0.out == "2026: given 80.00 CNY of 1000.00 CNY (tier vip), left 920.00 CNY\n")
  }
}
