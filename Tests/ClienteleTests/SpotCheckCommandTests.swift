// `clientele spot-check` against a service that answers what it is told to (K-11).
import CommandLine
import HTTP
import Testing
import Text

@Suite(.timeLimit(.minutes(1)))
struct SpotCheckCommandTests {
  private static let check = #"""
    {"month":"2026-11","percent":10,"seed":"abc","drawn_at":"2026-12-01T02:00:00Z","actor":"Wu","reason":null,"strata":[
    {"tier":"vip","name":{"en":"VIP","zh":"VIP 客户"},"population":25,"drawn":3,"checked":2,"passed":1,"passed_percent":50},
    {"tier":null,"name":null,"population":1,"drawn":1,"checked":0,"passed":0,"passed_percent":null}],
    "total":{"population":26,"drawn":4,"checked":2,"passed":1,"passed_percent":50}}
    """#
  private static let ticket = #"""
    {"ticket_id":"4af6532eeb1446fd","tier":"vip","is_passed":false,"marks":{"polite":"fail","complete":"pass"},"note":"rude","checked_by":"Wu",
    "reason":null,"checked_at":"2026-12-02T02:00:00Z"}
    """#

  private func call(_ words: [String], language: String = "en") async throws -> (Called, [String]) {
    @Sendable func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }
    return try await FakeSuite.run({ router, asked in
      router.post("/v1/spot-checks") { request in
        asked.add("draw \(String(decoding: request.body, as: UTF8.self))")
        return .json(bytes(Self.check), status: .created)
      }
      router.get("/v1/spot-checks/{month}") { _ in .json(bytes(Self.check)) }
      router.get("/v1/spot-checks/{month}/tickets") { request in
        asked.add("list \(request.query["checked"] ?? "-")")
        return .json(bytes(#"{"tickets":[\#(Self.ticket)],"next":"4af6532eeb1446fd"}"#))
      }
      router.get("/v1/spot-checks/{month}/tickets/{id}") { _ in .json(bytes(Self.ticket), headers: ["ETag": "\"s1\""]) }
      router.post("/v1/spot-checks/{month}/tickets/{id}") { request in
        asked.add("mark \(request.headers["If-Match"] ?? "-") \(String(decoding: request.body, as: UTF8.self))")
        return .json(bytes(Self.ticket))
      }
    }) { suite in (await suite.call(["spot-check"] + words + ["--lang", language]), suite.requests) }
  }

  private func lines(_ text: String) -> [String] { text.split(whereSeparator: \.isNewline).map { $0.split(separator: " ").joined(separator: " ") } }

  @Test func aDrawIsToldByTierInBothLanguages() async throws {
    let (called, requests) = try await call(["draw", "2026-11", "--actor", "Wu", "--seed", "abc"])
    #expect(requests.last == #"draw {"actor":"Wu","seed":"abc","month":"2026-11"}"#)
    #expect(lines(called.out).first == "2026-11, seed abc, drawn by Wu")
    #expect(lines(called.out).contains("VIP 25 3 2 1 50") && lines(called.out).contains("not known 1 1 0 0 -") && lines(called.out).last == "all 26 4 2 1 50")
    #expect(lines(try await call(["show", "2026-11"], language: "zh").0.out).contains("VIP 客户 25 3 2 1 50"))
  }

  @Test func whatWasDrawnIsListed() async throws {
    let (called, requests) = try await call(["list", "2026-11", "--open"])
    #expect(requests.last == "list false" && called.out.contains("more: --after 4af6532eeb1446fd"))
    #expect(lines(called.out).contains("4af6532eeb1446fd vip failed polite Wu 2026-12-02T10:00:00+08:00 rude"))
    #expect(try await call(["list", "2026-11"]).1.last == "list -")
  }

  @Test func pointsAreMarkedOverWhatWasSeen() async throws {
    let words = ["mark", "2026-11", "4af6532eeb1446fd", "--actor", "Wu"]
    let (called, requests) = try await call(words + ["--pass", "complete,recorded", "--fail", "polite", "--note", "rude"])
    #expect(called.code == .ok)
    #expect(requests.last == #"mark "s1" {"actor":"Wu","note":"rude","marks":{"complete":"pass","recorded":"pass","polite":"fail"}}"#)
    for wrong in [[], ["--pass", "polite", "--fail", "polite"]] { #expect(try await call(words + wrong).0.code == .usage) }
  }
}
