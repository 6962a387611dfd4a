// `clientele scorecard`: known scores, and what is refused.
import CommandLine
import Testing
import Text

@Suite struct ScorecardCommandTests {
  private static func score(_ values: String, _ more: [String] = [], card: String = "rfm-plus", language: CommandLineLanguage = .en) async -> Called {
    let folder = Folder()
    let file = folder.write("values.json", values)
    return await Tool.call(["scorecard", "score", card, "--values", file, "--as-of", "1998-07-01"] + more, language: language)
  }

  // The three worked examples of rule T-03.
  private static let examples: [(values: String, score: Int64, tier: String)] = [
    (#"{"recency_days":30,"frequency":12,"monetary":800000,"industry_growth":15,"repurchase_rate":85}"#, 92, "vip"),
    (#"{"recency_days":60,"frequency":6,"monetary":"300000","industry_growth":8,"repurchase_rate":60}"#, 75, "key"),
    (#"{"recency_days":120,"frequency":2,"monetary":"80000.00","industry_growth":-10,"repurchase_rate":30}"#, 45, "watch"),
  ]

  @Test func theExamplesOfTheRuleHaveTheirScoresAndTiers() async throws {
    for example in Self.examples {
      let called = await Self.score(example.values, ["--json"])
      let json = try JSONValue(parsing: called.out)
      #expect(called.code == .ok)
      #expect(json["score"]?.int64Value == example.score)
      #expect(json["tier"]?.stringValue == example.tier)
    }
  }

  @Test func theExplanationIsInTheLanguageThatIsAskedFor() async {
    let english = await Self.score(Self.examples[0].values)
    #expect(english.out.hasPrefix("VIP: score 92 by scorecard rfm-plus v1, policy score v2\nFacts as of 1998-07-01 23:59:59 (Asia/Shanghai)\n"))
    #expect(english.out.contains("Recency: 30 days -> 90 points x 20 % = 18\n"))
    let chinese = await Self.score(Self.examples[0].values, language: .zh)
    #expect(chinese.out.hasPrefix("VIP 客户：评分卡 rfm-plus v1 得分 92"))
  }

  @Test func aMissingKeyAndNullAreNoValueAndNotZero() async throws {
    let missing = try JSONValue(parsing: await Self.score(#"{"recency_days":30,"frequency":12,"monetary":800000}"#, ["--json"]).out)
    let null = try JSONValue(
      parsing: await Self.score(#"{"recency_days":30,"frequency":12,"monetary":800000,"industry_growth":null}"#, ["--json"]).out)
    // (90 * 20 + 90 * 15 + 100 * 35) / 70
    #expect(missing["score_exact"]?.stringValue == "95")
    #expect(missing == null)
    #expect(missing["indicators"]?[3]?["note"]?.stringValue == "left_out")
    let zero = try JSONValue(
      parsing: await Self.score(#"{"recency_days":30,"frequency":12,"monetary":800000,"industry_growth":0}"#, ["--json"]).out)
    #expect(zero["score_exact"]?.stringValue != "95")
  }

  @Test func withoutAnyValueThereIsNoScore() async throws {
    let called = await Self.score("{}", ["--json"])
    let json = try JSONValue(parsing: called.out)
    #expect(json["score"] == .null && json["tier"]?.stringValue == "watch" && called.code == .ok)
    #expect(await Self.score("{}").out == "No score: no indicator of rfm-plus v1 has a value; the tier is Watch\n")
  }

  @Test(arguments: [
    (#"{"recency":30}"#, "`recency`, which is no indicator; known are recency_days, frequency,"),
    (#"{"frequency":"many"}"#, "`frequency` must be a number as 12, 12.5 or \"100/3\", and `many` is not"),
    (#"{"frequency":1e3}"#, "and `1e3` is not"), (#"{"frequency":true}"#, "`frequency` must be a number"), ("[1]", "must hold one JSON object"),
    ("{", "is no JSON"),
  ])
  func valuesThatCannotBeReadAreRefusedWithAReason(values: String, words: String) async {
    let called = await Self.score(values)
    #expect(called.code == .failed && called.out.isEmpty)
    #expect(called.error.contains(words), "\(called.error)")
  }

  @Test func whatCannotBeScoredIsSaid() async {
    let quota = await Self.score("{\"frequency\":1}", ["--policy", "quota"])
    #expect(quota.code == .failed && quota.error.contains("report tiers --policy quota"))
    let unknown = await Self.score("{}", card: "gold")
    #expect(unknown.error == "clientele: there is no scorecard `gold`; known are rfm-plus, standard, and a path to a YAML file is taken too\n")
    let absent = await Tool.call(["scorecard", "score", "rfm-plus", "--values", "/nowhere/values.json"])
    #expect(absent.code == .failed && absent.error.contains("/nowhere/values.json cannot be opened: No such file or directory"))
    #expect(await Tool.call(["scorecard", "score", "rfm-plus"]).code == .usage)
  }

  @Test func aScorecardIsTakenFromAFile() async throws {
    let folder = Folder()
    let shown = await Tool.call(["scorecard", "show", "standard"])
    let file = folder.write("own.yaml", shown.out)
    let called = await Self.score("{\"monetary\":500000}", ["--json"], card: file)
    #expect(try JSONValue(parsing: called.out)["scorecard"]?.stringValue == "standard v2")
    let broken = folder.write("broken.yaml", shown.out.replacing("weight: 35", with: "weight: 36"))
    let refused = await Self.score("{}", card: broken)
    #expect(refused.code == .failed && refused.error.contains("broken.yaml:10:"), "\(refused.error)")
  }

  @Test func shippedScorecardsAreListed() async throws {
    let json = try JSONValue(parsing: await Tool.call(["scorecard", "list", "--json"]).out)
    #expect(json.arrayValue?.compactMap { $0["name"]?.stringValue } == ["rfm-plus", "standard"])
    #expect(await Tool.call(["scorecard", "list"]).out.contains("rfm-plus        1  active  recency_days"))
  }

  @Test func aMappingIsCheckedWithAllItsFaults() async {
    let folder = Folder()
    let file = folder.write(
      "bad.yaml", "mapping: till\nversion: x\nsource: till\nowner: me\nformat: {kind: csv}\nkinds: [{kind: order}]\ncolour: red\nend: true\n")
    let called = await Tool.call(["mapping", "check", file])
    #expect(called.code == .failed && called.out.isEmpty)
    #expect(called.error.contains("bad.yaml:2:") && called.error.contains("bad.yaml:7:"), "\(called.error)")
  }
}
