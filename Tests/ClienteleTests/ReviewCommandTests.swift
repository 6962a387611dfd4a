// `clientele review` and `clientele customer why|ratings|automated` against services that answer what they are told to (T-07, S-07).
import CommandLine
import HTTP
import Testing
import Text

@Suite(.timeLimit(.minutes(1)))
struct ReviewCommandTests {
  private static let proposal = #"""
    {"customer_id":"5f4158138ec69708","member_id":"M1","kind":"rating","tier":"key","tier_name":{"en":"Key","zh":"重点客户"},"proposed_tier":"vip",
    "proposed_tier_name":{"en":"VIP","zh":"VIP 客户"},"score":92,"cause":"first","rating_version":3,"opened_at":"1998-07-01T00:00:00Z","expires":"1998-07-31",
    "terms":null,"explanation":{"text":{"en":"VIP: score 92","zh":"得分 92"}}}
    """#
  private static let rating = #"""
    {"customer_id":"5f4158138ec69708","member_id":"M1","tier":"key","decided_tier":"vip","proposed_tier":"vip","confirmed_by":null,"version":3,
    "decision":{"review_policy":"b2c","text":{"en":"Confirmed tier: Key","zh":"已确认等级：重点客户"}},
    "explanation":{"text":{"en":"Key: score 92","zh":"得分 92"},"thresholds":[{"tier":"vip","at_least":90},{"tier":"key","at_least":70}]}}
    """#
  private static let preview = #"{"confirmed":false,"count":1,"left":4,"digest":"a1-b2","proposals":[\#(proposal)]}"#
  private static let history = #"""
    {"customer_id":"5f4158138ec69708","next":null,"ratings":[{"version":4,"reason":"rejected","at":"1998-07-02T00:00:00Z","tier":"key","tier_before":"key",
    "decided_tier":"vip","proposed_tier":null,"score":92,"confirmed_by":null,"action":{"actor":"Wang","reason":"too early","terms":null}}]}
    """#

  private func call(_ words: [String], language: String = "en") async throws -> (Called, [String]) {
    @Sendable func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }
    return try await FakeSuite.run({ router, asked in
      router.get("/v1/customers") { _ in .json(bytes(#"{"customer_id":"5f4158138ec69708"}"#)) }
      router.get("/v1/customers/{id}") { _ in .json(bytes(#"{"customer_id":"5f4158138ec69708"}"#)) }
      router.get("/v1/proposals") { _ in .json(bytes(#"{"proposals":[\#(Self.proposal)],"count":7,"next":"9-5f4158138ec69708"}"#)) }
      router.get("/v1/proposals/{id}") { request in
        guard try request.parameter("id") == "5f4158138ec69708" else { throw Problem(.notFound, detail: "no") }
        return .json(bytes(Self.proposal), headers: ["ETag": "\"seen\""])
      }
      for what in ["confirmation", "rejection"] {
        router.post("/v1/proposals/{id}/\(what)") { request in
          asked.add("\(what) \(request.headers["If-Match"] ?? "-") \(String(decoding: request.body, as: UTF8.self))")
          return .json(bytes(Self.rating))
        }
      }
      router.post("/v1/confirmations") { request in
        let isDone = String(decoding: request.body, as: UTF8.self).contains("digest")
        return .json(bytes(isDone ? Self.preview.replacing("false", with: "true") : Self.preview))
      }
      router.post("/v1/customers/{id}/override") { request in
        asked.add("override \(request.headers["If-Match"] ?? "-") \(String(decoding: request.body, as: UTF8.self))")
        return .json(bytes(Self.rating), status: .created)
      }
      router.get("/v1/tiers/{id}") { request in
        asked.add("version \(request.query["version"] ?? "-")")
        return .json(bytes(Self.rating), headers: ["ETag": "\"rated\""])
      }
      router.get("/v1/customers/{id}/ratings") { _ in .json(bytes(Self.history)) }
      router.get("/v1/customers/{id}/automated-tiering") { request in
        let isMerged = try request.parameter("id") == "00000000000000aa"
        let refused = #"{"customer_id":"00000000000000aa","allowed":false,"refused_by":"00000000000000bb"}"#
        return .json(bytes(isMerged ? refused : #"{"allowed":true}"#), headers: ["ETag": "\"auto\""])
      }
      router.put("/v1/customers/{id}/automated-tiering") { request in
        asked.add("automated \(request.headers["If-Match"] ?? "-") \(String(decoding: request.body, as: UTF8.self))")
        return .json(bytes(#"{"allowed":false}"#))
      }
    }) { suite in (await suite.call(words + ["--lang", language]), suite.requests) }
  }

  @Test func whatWaitsIsATableWithTheWayToMore() async throws {
    let (called, _) = try await call(["review", "list"])
    #expect(
      called.out == """
        Customer          Member  Tier  Proposed  Score  Because       Since       Until       Asked by
        ----------------  ------  ----  --------  -----  ------------  ----------  ----------  --------
        5f4158138ec69708  M1      Key   VIP          92  first rating  1998-07-01  1998-07-31  -
        1 of 7; more: --after 9-5f4158138ec69708

        """)
  }

  @Test func oneProposalIsShownWithItsFigures() async throws {
    let (called, _) = try await call(["review", "show", "--member", "M1"])
    #expect(
      called.out == """
        Customer 5f4158138ec69708 (member M1): Key, VIP is proposed
        Because: first rating; since 1998-07-01, until 1998-07-31; rating 3

        VIP: score 92

        """)
    let (missing, _) = try await call(["review", "show", "0000000000000001"])
    #expect(missing == Called(code: .failed, out: "", error: "clientele: nothing waits of such a customer\n"))
  }

  @Test func decisionsNameTheActorAndWhatWasSeen() async throws {
    let (confirmed, requests) = try await call(["review", "confirm", "5f4158138ec69708", "--actor", "Wang", "--rating", "3"])
    #expect(confirmed == Called(code: .ok, out: "Confirmed tier: Key\n", error: ""))
    #expect(requests.contains(#"confirmation "seen" {"actor":"Wang"}"#))
    let (rejected, said) = try await call(["review", "reject", "--member", "M1", "--actor", "Wang", "--reason", "no"])
    #expect(rejected.code == .ok)
    #expect(said.contains(#"rejection "seen" {"actor":"Wang","reason":"no"}"#))
    let (stale, _) = try await call(["review", "confirm", "5f4158138ec69708", "--actor", "Wang", "--rating", "2"])
    #expect(stale.code == .failed)
    #expect(stale.error.contains("the rating is 3 by now, not 2"))
    #expect(try await call(["review", "confirm", "5f4158138ec69708"]).0.code == .usage)
    #expect(try await call(["review", "reject", "5f4158138ec69708", "--actor", "Wang"]).0.code == .usage)
  }

  @Test func manyAreShownFirstAndConfirmedByTheirDigest() async throws {
    let (preview, _) = try await call(["review", "confirm", "--all", "--proposed", "vip", "--actor", "Wang"])
    #expect(preview.out.hasSuffix("nothing is confirmed yet; to confirm these 1, say the same with --digest a1-b2 (left afterwards: 4)\n"))
    let (done, _) = try await call(["review", "confirm", "--all", "--actor", "Wang", "--digest", "a1-b2"])
    #expect(done.out == "confirmed: 1, left: 4\n")
  }

  @Test func anOverrideNeedsItsTermsAndGoesByTheRatingThatWasSeen() async throws {
    let terms = ["--tier", "vip", "--until", "1998-12-31", "--at-next-rating", "hold"]
    let words = ["review", "override", "5f4158138ec69708"] + terms + ["--actor", "Li", "--reason", "flagship"]
    let (asked, requests) = try await call(words)
    #expect(asked.code == .ok)
    #expect(
      requests.contains(
        #"override "rated" {"actor":"Li","reason":"flagship","tier":"vip","until":"1998-12-31","at_next_rating":"hold"}"#))
    #expect(try await call(["review", "override", "5f4158138ec69708", "--actor", "Li", "--reason", "x"]).0.code == .usage)
  }

  @Test func whyTellsTheDecisionTheScoreAndTheBorders() async throws {
    let (called, _) = try await call(["customer", "why", "--member", "M1"])
    #expect(
      called.out == """
        Customer 5f4158138ec69708 (member M1), rating 3
        Confirmed tier: Key
        Review policy: b2c

        Key: score 92
        Borders: vip from 90, key from 70

        """)
    let (chinese, _) = try await call(["customer", "why", "5f4158138ec69708"], language: "zh")
    #expect(chinese.out.contains("审核策略：b2c"))
    let (_, requests) = try await call(["customer", "why", "5f4158138ec69708", "--rating", "2"])
    #expect(requests.contains("version 2"))
    let (history, _) = try await call(["customer", "ratings", "5f4158138ec69708"])
    #expect(history.out.contains("Wang: too early"))
  }

  @Test func aCustomersPageSaysWhatWaitsBeforeTheScore() async throws {
    let (called, _) = try await call(["customer", "show", "5f4158138ec69708"])
    #expect(called.out.contains("Confirmed tier: Key\nKey: score 92\n"))
  }

  @Test func automatedTieringIsToldAndSetWithAReason() async throws {
    #expect(try await call(["customer", "automated", "5f4158138ec69708"]).0.out == "the customer is in automated tiering\n")
    let (off, requests) = try await call(["customer", "automated", "5f4158138ec69708", "--off", "--actor", "Li", "--reason", "asked"])
    #expect(off.out == "the customer refused automated tiering: a person decides every change\n")
    #expect(requests.contains(#"automated "auto" {"allowed":false,"actor":"Li","reason":"asked"}"#))
    #expect(try await call(["customer", "automated", "5f4158138ec69708", "--off"]).0.code == .usage)
    let merged = try await call(["customer", "automated", "00000000000000aa"]).0.out
    #expect(merged.hasSuffix("a person decides every change (refused as 00000000000000bb, which is part of the customer)\n"))
  }
}
