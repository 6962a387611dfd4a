// `clientele report tiers --over-time` against a service that answers a known report (T-12).
import CommandLine
import HTTP
import Testing
import Text

@Suite(.timeLimit(.minutes(1)))
struct TierDevelopmentTests {
  private static let tier = #"""
    {"tier":"vip","name":{"en":"VIP","zh":"VIP 客户"},"customers":2,"share_percent":40,"revenue":123456,"revenue_share_percent":80,"cohort":0,
     "retention_percent":null,"retention_none":{"en":"nobody was in this tier","zh":"该等级无客户"},
     "repurchase_percent":33.3333,"repurchase_none":null,"average_order":61728,
     "average_order_before":50000.5,"average_order_growth_percent":23.4548,"average_order_growth_none":null,"referrals":null,"service_cost":null,
     "return_on_service":null}
    """#
  private static let report = #"""
    {"as_of":"1998-07-01","before":"1997-07-01","currency":"CNY","customers":5,"revenue":154320,"months":["1998-06"],"tiers":[\#(tier)],
     "traffic":[{"month":"1998-06","tier":"vip","in":3,"out":1,"first":2,"merged":1},{"month":"1998-06","tier":"key","in":0,"out":0,"first":0,"merged":0}],
     "moves":[],"none":{"referrals":{"en":"no source of referrals yet","zh":"尚无推荐数据来源"}}}
    """#

  private func call(_ words: [String], language: String = "en", isWhole: Bool = true) async throws -> (Called, [String]) {
    try await FakeSuite.run({ router, asked in
      router.get("/v1/reports/tiers") { request in
        asked.add("months \(request.query["months"] ?? "-"), progress \(request.query["progress"] ?? "-")")
        return FakeSuite.longAnswer(Self.report.split(whereSeparator: \.isNewline).joined(), isWhole: isWhole)
      }
    }) { suite in (await suite.call(["report", "tiers", "--over-time"] + words + ["--lang", language]), suite.requests) }
  }

  @Test func tiersTrafficAndReasonsAreTold() async throws {
    let (called, requests) = try await call(["--as-of", "1998-07-01", "--months", "3"])
    #expect(called.code == .ok && requests == ["GET /v1/reports/tiers?1998-07-01", "months 3, progress true"])
    #expect(called.out.contains("VIP           2       40  1234.56            80         none       33.3333         617.28   23.4548\n"), "\(called.out)")
    #expect(called.out.contains("1998-06  VIP    3              2    1               1\n") && !called.out.contains("  key  "))
    #expect(called.out.contains("none: retention of VIP: nobody was in this tier\n") && called.out.contains("none: referrals: no source of referrals yet\n"))
    let chinese = try await call([], language: "zh").0.out
    #expect(chinese.contains("无数据：VIP 客户的留存率：该等级无客户\n") && chinese.contains("无数据：推荐：尚无推荐数据来源\n"), "\(chinese)")
  }

  @Test func aReportThatIsCutShortIsNone() async throws {
    let called = try await call([], isWhole: false).0
    #expect(called.code == .failed && called.out.isEmpty && called.error.contains("tiering ended its answer to /v1/reports/tiers?months=12 in the middle"))
  }

  @Test func spreadsheetsAndProgramsGetTheSame() async throws {
    let tiers = try await call(["--csv"]).0.out.split(whereSeparator: \.isNewline)
    #expect(tiers.last == "1998-07-01,vip,2,40,1234.56,80,0,,33.3333,617.28,500.01,23.4548,,,")
    let traffic = try await call(["--csv", "--moves"]).0.out.split(whereSeparator: \.isNewline)
    #expect(traffic == ["month,tier,in,out,first,merged", "1998-06,vip,3,1,2,1", "1998-06,key,0,0,0,0"])
    #expect(try JSONValue(parsing: try await call(["--json"]).0.out)["customers"] == 5)
    #expect(try await call(["--scorecard", "standard"]).0.code == .usage)
  }
}
