// `clientele scorecard new|check|import|export|canary|activate|back|compare|history|registered` against a service that keeps two scorecards (T-10).
import CommandLine
import HTTP
import Testing
import Text

@Suite(.timeLimit(.minutes(1)))
struct ScorecardLifeCommandTests {
  private static func card(_ name: String, _ version: Int, _ state: String, _ revision: Int, percent: String = "null") -> String {
    #"{"name":"\#(name)","version":\#(version),"author":"Li","state":"\#(state)","revision":\#(revision),"in_force":\#(state == "active"),"#
      + #""registered_at":"1998-07-01T15:59:59Z","canary_percent":\#(percent),"indicators":[]}"#
  }
  private static let cards =
    #"{"scorecards":["#
    + [card("plus", 1, "active", 4), card("mine", 1, "retired", 2), card("mine", 3, "canary", 7, percent: "25")].joined(separator: ",") + "]}"
  private static let group = #"""
    {"customers":20,"waiting":2,"revenue":100000,"average_score":55.5,"agreement_percent":80,"up":3,"down":1,
     "tiers":[{"tier":"vip","name":{"en":"VIP","zh":"VIP 客户"},
       "by_active":{"customers":4,"share_percent":20,"revenue":50000,"revenue_share_percent":50},
       "by_canary":{"customers":6,"share_percent":30,"revenue":60000,"revenue_share_percent":60}}],
     "since":{"buyers":5,"buyers_percent":25,"orders":7,"spend":9000,"spend_per_customer":450}}
    """#
  private static let event = #"""
    {"id":9,"at":"1998-07-01T15:59:59Z","name":"mine","version":3,"kind":"canary","state_before":"simulated","state_after":"canary",
     "actor":"Li","reason":"spring","replaced":null,"detail":{"percent":25}}
    """#

  private func call(_ words: [String], language: String = "en") async throws -> (Called, [String]) {
    try await FakeSuite.run({ router, asked in
      @Sendable func json(_ text: String) -> Response { .json(Array(text.utf8)) }
      router.get("/v1/scorecards") { _ in json(Self.cards) }
      router.get("/v1/scorecards/{name}/{version}/file") { _ in Response(headers: ["Content-Type": "application/yaml"], body: Array("a: b  # ü\n\n".utf8)) }
      router.get("/v1/scorecards/{name}/{version}/comparison") { request in
        let group = Self.group.split(whereSeparator: \.isNewline).joined()
        return FakeSuite.longAnswer(
          #"{"scorecard":"\#(try request.parameter("name"))","scorecard_version":3,"active":"plus v1","policy":"score v1","percent":25,"#
            + #""since":"1998-07-01T15:59:59Z","as_of":"1998-07-02","currency":"CNY","canary":\#(group),"rest":\#(group)}"#)
      }
      router.get("/v1/scorecards/history") { request in
        asked.add("history \(request.query["name"] ?? "-") \(request.query["version"] ?? "-")")
        return json(#"{"events":[\#(Self.event)],"next":9}"#)
      }
      for step in ["canary", "activate", "retire", "back"] {
        router.post("/v1/scorecards/{name}/{version}/\(step)") { request in
          asked.add("\(request.headers["If-Match"] ?? "any") \(String(decoding: request.body, as: UTF8.self))")
          return json(#"{"name":"\#(try request.parameter("name"))","version":3,"state":"active","revision":8}"#)
        }
      }
      router.post("/v1/scorecards") { request in
        asked.add(String(decoding: request.body, as: UTF8.self))
        return json(#"{"name":"standard","version":2,"state":"draft","revision":1}"#)
      }
    }) { suite in (await suite.call(["scorecard"] + words + ["--lang", language]), suite.requests) }
  }

  @Test func aNewScorecardIsMadeFromAnotherOneAndHasNoFault() async throws {
    let folder = Folder()
    let same = await Tool.call(["scorecard", "new", "standard"])
    #expect(same.code == .ok && same.out.contains("\nscorecard: standard\nversion: 3\n") && !same.out.contains("\nstate:"))
    let own = await Tool.call(["scorecard", "new", "spring", "--from", "rfm-plus", "--author", "Li: 李"])
    #expect(own.out.contains("\nscorecard: spring\nversion: 1\nauthor: \"Li: 李\"\n"))
    let checked = await Tool.call(["scorecard", "check", folder.write("spring.yaml", own.out)])
    #expect(checked.code == .ok && checked.out.hasPrefix("ok: spring v1\n") && checked.out.contains("recency_days           20  falls"))
    let bad = await Tool.call(["scorecard", "new", "Spring Sale"])
    #expect(bad.code == .failed && bad.error.contains("a name is small letters"))
  }

  @Test func aCurveThatTurnsIsRefusedUnlessItIsStated() async throws {
    let folder = Folder()
    let hill = (await Tool.call(["scorecard", "new", "hill", "--from", "rfm-plus"])).out.replacing(
      "{points: [[0, 0], [100, 100]]}", with: "{points: [[0, 0], [50, 100], [100, 40]]}")
    let refused = await Tool.call(["scorecard", "check", folder.write("hill.yaml", hill)])
    #expect(refused.code == .failed && refused.error.contains("the curve both rises and falls"), "\(refused.error)")
    let stated = hill.replacing("[100, 40]]}", with: "[100, 40]], turns: true}")
    let checked = await Tool.call(["scorecard", "check", folder.write("stated.yaml", stated), "--json"])
    #expect(try JSONValue(parsing: checked.out)["indicators"]?[4]?["curve"] == "rises and falls, as stated")
  }

  @Test func aFileIsSentAsItIsAndComesBackAsItIs() async throws {
    let folder = Folder()
    let yaml = (await Tool.call(["scorecard", "new", "standard"])).out
    let (called, requests) = try await call(["import", folder.write("own.yaml", yaml), "--actor", "Li", "--reason", "spring"])
    #expect(called.out == "standard v2 is draft\n" && called.code == .ok)
    let sent = try #require(requests.last.map { try JSONValue(parsing: $0) })
    #expect(sent["yaml"] == .text(yaml) && sent["actor"] == "Li" && sent["reason"] == "spring")
    #expect(try await call(["export", "mine"]).0.out == "a: b  # ü\n\n")
    #expect(try await call(["import", folder.write("x.yaml", "scorecard: x\n"), "--actor", "Li", "--reason", "x"]).0.code == .failed)
  }

  @Test func aStepNamesTheNewestVersionUnlessOneIsGivenAndSaysWhoAndWhy() async throws {
    let (called, requests) = try await call(["canary", "mine", "--percent", "25", "--actor", "Li", "--reason", "spring", "--revision", "6"])
    #expect(called.code == .ok && called.out == "mine v3 is active\n")
    #expect(requests.contains("POST /v1/scorecards/mine/3/canary"))
    #expect(requests.last == #""r6" {"percent":25,"actor":"Li","reason":"spring"}"#)
    let (_, older) = try await call(["activate", "mine@1", "--without-canary", "--actor", "Li", "--reason", "x"])
    #expect(older.contains("POST /v1/scorecards/mine/1/activate") && older.last == #"any {"without_canary":true,"actor":"Li","reason":"x"}"#)
    let (_, back) = try await call(["back", "--actor", "Li", "--reason", "x"])
    #expect(back.contains("POST /v1/scorecards/plus/1/back"), "the active one is what one goes back from")
    #expect(try await call(["retire", "mine"]).0.code == .usage)
    let unknown = try await call(["retire", "mine@2", "--actor", "Li", "--reason", "x"]).0
    #expect(unknown.code == .failed && unknown.error.contains("there is no version 2 of mine; registered are 1, 3"))
    #expect(try await call(["export", "other"]).0.error.contains("registered are mine, plus"))
  }

  @Test func statesHistoryAndComparisonAreTablesInBothLanguages() async throws {
    let registered = try await call(["registered"]).0.out
    #expect(registered.contains("mine        3  canary 25 %         7  Li"), "\(registered)")
    #expect(try await call(["registered"], language: "zh").0.out.contains("试行 25 %"))
    let (history, requests) = try await call(["history", "mine@3"])
    #expect(history.out.contains("9  1998-07-01T15:59:59Z  mine v3    canary  canary  Li   spring\n") && history.out.contains("more: --before 9"))
    #expect(requests.contains("history mine 3"))
    let comparison = try await call(["compare"]).0.out
    #expect(comparison.hasPrefix("mine v3 rates 25 % of the customers since 1998-07-01T15:59:59Z, plus v1 the rest; figures of 1998-07-02"))
    #expect(comparison.contains("VIP                              4             6       20            30            50            60\n"))
    #expect(comparison.contains("Since then 5 have bought (25 %), 7 orders, 4.50 a customer\n"))
    #expect(try await call(["compare"], language: "zh").0.out.contains("两卡一致 80%"))
  }
}
