// `clientele source` against a service that answers what it is told to (I-01, I-02).
import CommandLine
import HTTP
import Testing

@Suite(.timeLimit(.minutes(1)))
struct SourceCommandTests {
  private static let july = #"""
    {"id":"july 1998","first_at":"1998-07-01T00:00:00Z","last_at":"1998-07-01T00:01:00Z","accepted":{"records":10,"lines":21},
    "duplicate":{"records":0,"lines":0},"skipped":{"records":1,"lines":2},"quarantined":{"records":3,"lines":3}}
    """#

  private func call(_ words: [String], imports: String, language: String = "en") async throws -> (Called, [String]) {
    try await FakeSuite.run({ router, asked in
      router.get("/v1/imports") { request in
        asked.add("imports \(request.query["limit"] ?? "-") \(request.query["before"] ?? "-")")
        return .json(Array(#"{"imports":[\#(imports)],"next":"899251260000000 july 1998"}"#.utf8))
      }
    }) { suite in (await suite.call(words + ["--lang", language]), suite.requests) }
  }

  @Test func importsAreATableWithTheWayToMore() async throws {
    let (english, requests) = try await call(["source", "imports", "--limit", "1", "--before", "9 x"], imports: Self.july)
    #expect(english.out.contains("july 1998  1998-07-01T08:01:00+08:00") && english.out.contains("Accepted, lines"), "\(english.out)\(english.error)")
    #expect(english.out.contains("more: --before '899251260000000 july 1998'") && requests.last == "imports 1 9 x")
    let chinese = try await call(["source", "imports"], imports: Self.july, language: "zh").0.out
    #expect(chinese.contains("导入编号") && chinese.contains("拒收（行）") && chinese.contains("更多：--before"))
    #expect(try await call(["source", "imports", "--json"], imports: Self.july).0.out.contains(#""lines":21"#))
  }

  @Test func thatNothingWasImportedIsSaid() async throws {
    #expect(try await call(["source", "imports"], imports: "").0.out == "nothing was imported yet\n")
  }
}
