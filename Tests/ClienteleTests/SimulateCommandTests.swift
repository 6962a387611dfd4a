// `clientele scorecard simulate` against a service that works out five customers (T-10).
import CommandLine
import HTTP
import Testing
import Text

@Suite(.timeLimit(.minutes(1)))
struct SimulateCommandTests {
  private static func head(_ otherwise: Bool) -> String {
    #"{"scorecard":"mine","scorecard_version":2,"policy":"score","policy_version":1,"as_of":"1998-07-01","currency":"CNY","waiting":4,"#
      + #""registered_otherwise":\#(otherwise),"tiers":[{"tier":"vip","name":{"en":"VIP","zh":"VIP 客户"}},{"tier":"key","name":{"en":"Key","zh":"重点客户"}}]}"#
  }
  private static let customers = [
    #"{"customer_id":"0000000000000001","member_id":"M1","tier":"vip","score":92,"tier_then":"vip","score_then":95,"monetary":60000}"#,
    #"{"customer_id":"0000000000000002","member_id":null,"tier":"vip","score":90,"tier_then":"key","score_then":88,"monetary":20000}"#,
    #"{"customer_id":"0000000000000003","member_id":"M3","tier":"key","score":75,"tier_then":"vip","score_then":91,"monetary":10050}"#,
    #"{"customer_id":"0000000000000004","member_id":"M4","tier":"gold","score":null,"tier_then":"key","score_then":null,"monetary":0}"#,
    #"{"customer_id":"0000000000000005","member_id":"M5","tier":"key","score":70,"tier_then":"key","score_then":70,"monetary":9950,"unratable":true}"#,
  ]
  private static let end = #"{"end":true,"customers":5}"#

  private func call(_ words: [String], lines: [String]? = nil, language: String = "en") async throws -> (Called, [String]) {
    let body = Array((lines ?? [Self.head(false)] + Self.customers + [Self.end]).map { $0 + "\n" }.joined().utf8)
    return try await FakeSuite.run({ router, asked in
      router.post("/v1/scorecards/simulations") { request in
        asked.add(String(decoding: request.body.prefix(19), as: UTF8.self))
        return .stream(contentType: "application/x-ndjson") { try await $0.write(body) }
      }
    }) { suite in (await suite.call(["scorecard", "simulate"] + words + ["--lang", language]), suite.requests) }
  }

  @Test func movesTiersAndAgreementAreTables() async throws {
    let (called, requests) = try await call(["rfm-plus"])
    #expect(called.code == .ok && called.error.isEmpty)
    #expect(
      called.out == """
        Scorecard mine v2 on the 5 customers of 1998-07-01, policy score v1, amounts in CNY

        Today \\ then  VIP  Key  gold  all
        ------------  ---  ---  ----  ---
        VIP             1    1     0    2
        Key             1    1     0    2
        gold            0    1     0    1
        all             2    3     0    5

        Tier  Share % today  Then  Revenue today    Then  Of revenue % today   Then
        ----  -------------  ----  -------------  ------  ------------------  -----
        VIP              40    40         800.00  700.50                  80  70.05
        Key              40    60         200.00  299.50                  20  29.95
        gold             20     0           0.00    0.00                   0      0

        2 keep their tier: 40 % of customers, 69.95 % of revenue; 1 move up, 1 down
        Figures beyond exact arithmetic, rating kept: 1
        Changed and not rated yet: 4; their moves may come from new figures, not from the scorecard

        """)
    // The file itself is sent.
    #expect(requests.contains { $0.hasPrefix("#") || $0.hasPrefix("scorecard: rfm-plus") }, "\(requests)")
  }

  @Test func everybodyWhoMovesIsListed() async throws {
    let (called, _) = try await call(["rfm-plus", "--moves", "--csv"])
    #expect(
      called.out == """
        customer_id,member_id,tier_now,tier_then,score_now,score_then,revenue
        0000000000000002,,vip,key,90,88,200.00
        0000000000000003,M3,key,vip,75,91,100.50
        0000000000000004,M4,gold,key,,,0.00

        """.replacing("\n", with: called.out.contains("\r\n") ? "\r\n" : "\n"))
    let (text, _) = try await call(["rfm-plus", "--moves"], language: "zh")
    #expect(text.out.contains("0000000000000003  M3") && text.out.contains("升级 1，降级 1"))
  }

  @Test func theMatrixIsCSVWithEveryPair() async throws {
    let (called, _) = try await call(["rfm-plus", "--csv"])
    let lines = called.out.split(whereSeparator: \.isNewline)
    #expect(lines.count == 10)
    #expect(lines.prefix(3) == ["tier_now,tier_then,customers,revenue", "vip,vip,1,600.00", "vip,key,1,200.00"])
  }

  @Test func theJSONHoldsAllFigures() async throws {
    let json = try JSONValue(Array(try await call(["rfm-plus", "--json", "--moves"]).0.out.utf8))
    #expect(json["scorecard"] == "mine v2" && json["as_of"] == "1998-07-01" && json["customers"] == 5 && json["unratable"] == 1 && json["waiting"] == 4)
    #expect(json["kept"] == 2 && json["up"] == 1 && json["down"] == 1)
    #expect(json["agreement_percent"] == .number("40") && json["agreement_revenue_percent"] == .number("69.95"))
    #expect(json["tiers"]?[0]?["then"]?["revenue_share_percent"] == .number("70.05"))
    #expect(json["matrix"]?.arrayValue?.count == 9 && json["moves"]?.arrayValue?.count == 3)
    #expect(json["moves"]?[2]?["score_then"] == .null)
  }

  private static let summary =
    #"{"end":true,"customers":7,"state":"simulated","summary":{"customers":7,"unratable":0,"benefits_version":2,"working_days":250,"#
    + #""matrix":[{"tier_now":"vip","tier_then":"vip","customers":3,"revenue":70000},{"tier_now":"vip","tier_then":"key","customers":4,"revenue":30000},"#
    + #"{"tier_now":"key","tier_then":"vip","customers":0,"revenue":0}],"#
    + #""tiers":[{"tier":"vip","now":{"benefit_cost":123456,"service_minutes_a_day":2.5},"then":{"benefit_cost":50000,"service_minutes_a_day":1}}],"#
    + #""now":{"benefit_cost":123456,"service_minutes_a_day":2.5},"then":{"benefit_cost":60000,"service_minutes_a_day":2},"#
    + #""labelled":{"given":5,"known":4,"tiers":["vip"],"reference_percent":85,"now":{"precision_percent":50,"recall_percent":75},"#
    + #""then":{"precision_percent":null,"recall_percent":100}}}}"#

  @Test func theServicesOwnSumsCountWhicheverCustomersItWrites() async throws {
    let lines = [Self.head(false), #"{"so_far":5}"#, Self.customers[1], Self.summary]
    let (called, _) = try await call(["rfm-plus"], lines: lines)
    #expect(called.out.contains("VIP             3    4    7\n"))
    #expect(called.out.contains("3 keep their tier: 42.8571 % of customers, 70 % of revenue; 0 move up, 4 down\n"))
    #expect(called.out.contains("VIP                 1234.56  500.00                          2.5     1\n"), "\(called.out)")
    #expect(called.out.contains("all                 1234.56  600.00                          2.5     2\n"))
    #expect(called.out.contains("Labelled customers: 5, of whom 4 are rated; precision 50 % today, - % then; recall 75 % today, 100 % then (reference 85 %)"))
    let json = try JSONValue(Array(try await call(["rfm-plus", "--json"], lines: lines).0.out.utf8))
    #expect(json["benefits"]?["then"]?["cost"] == "600.00" && json["benefits"]?["tiers"]?[0]?["now"]?["service_minutes_a_day"] == .number("2.5"))
    #expect(json["labelled"]?["known"] == 4 && json["state"] == "simulated")
  }

  @Test func aListOfLabelledCustomersIsSentAlong() async throws {
    let folder = Folder()
    let list = folder.write("best.txt", "# the best\nM1\n\n  M2 \n")
    let (_, requests) = try await call(["rfm-plus", "--labelled", list, "--high-value", "vip,key"])
    #expect(requests.last?.hasPrefix("{\"yaml\":\"# RFM") == true, "\(requests)")
    #expect(try await call(["rfm-plus", "--high-value", "vip"]).0.code == .usage)
    #expect(try await call(["rfm-plus", "--labelled", folder.write("none.txt", "#\n")]).0.error.contains("names no customer"))
    let recorded = try await call([folder.write("own.yaml", "x: 1\n"), "--actor", "Li", "--reason", "spring"]).0
    #expect(recorded.code == .failed && recorded.error.contains("`clientele scorecard import"))
  }

  @Test func aSimulationThatBreaksOffIsNoResult() async throws {
    let (called, _) = try await call(["rfm-plus"], lines: [Self.head(false)] + Self.customers)
    #expect(called.code == .failed && called.out.isEmpty)
    #expect(called.error.contains("tiering ended the simulation in the middle"))
  }

  @Test func aVersionThatIsTakenIsSaidToBeSo() async throws {
    let (called, _) = try await call(["rfm-plus"], lines: [Self.head(true), Self.end])
    #expect(called.code == .ok)
    #expect(called.error.contains("mine v2 is registered with another content: raise the version before it comes into force"))
  }

  @Test func faultsOfTheFileAreFoundBeforeAnythingIsAsked() async throws {
    let folder = Folder()
    let (called, requests) = try await call([folder.write("mine.yaml", "scorecard: mine\n")])
    #expect(called.code == .failed && called.error.contains("mine.yaml:"))
    #expect(!requests.contains { $0.contains("simulations") })
    #expect(try await call(["rfm-plus", "--csv", "--json"]).0.code == .usage)
  }
}
