// `clientele tag` against services that answer what they are told to.
import ClienteleCore
import CommandLine
import HTTP
import Testing
import Text

@Suite(.timeLimit(.minutes(1)))
struct TagCommandTests {
  private static let rules = """
    {"version":1,"author":"t","tags":[{"tag":"regular","group":"behavioural","name":{"en":"Regular","zh":"常客"},
     "rule":{"en":"orders in 12 months at least 2","zh":"近 12 个月订单数 至少 2"},"customers":7}],"given":[{"tag":"老客户","customers":1}]}
    """
  private static let shown = """
    {"customer_id":"0000000000000001","as_of":"1998-07-01","tags":[
     {"tag":"regular","source":"rule","since":"1998-02-01","because":{"en":"orders in 12 months 2 (at least 2)","zh":"近 12 个月订单数 2 (至少 2)"}},
     {"tag":"老客户","source":"person","since":"1998-03-01","until":"1998-12-31","actor":"wang","reason":"knows us"}],
     "history":[{"tag":"away","since":"1997-05-01","cleared":"1998-01-02","cleared_because":{"en":"came back","zh":"回来了"}}],"given":[]}
    """
  private static let simulated = """
    {"version":2,"version_in_force":1,"as_of":"1998-07-01","registered_otherwise":true}
    {"customer_id":"0000000000000001","member_id":"M1","set":["buyer"],"cleared":["regular"]}
    {"end":true,"customers":9,"tags":[{"tag":"buyer","name":{"en":"Buyer","zh":"买家"},"customers_now":0,"customers_then":1,"set":1,"cleared":0},
    """

  private static func services(_ router: inout Router, _ posted: IdentityCommandTests.Posted) {
    router.get("/v1/tags") { _ in .json(Array(rules.utf8)) }
    router.get("/v1/tags/customers") { _ in
      .json(Array(#"{"tag":"老客户","customers":[{"customer_id":"0000000000000001","member_id":"M1","tags":["regular","老客户"]}],"next":"0000000000000001"}"#.utf8))
    }
    router.get("/v1/customers") { _ in .json(Array(#"{"customer_id":"0000000000000001"}"#.utf8)) }
    router.get("/v1/customers/{id}/tags") { _ in .json(Array(shown.utf8)) }
    for path in ["/v1/customers/{id}/tags", "/v1/customers/{id}/tags/removals"] {
      router.post(path) { request in
        posted.add(request.target + " " + String(decoding: request.body, as: UTF8.self))
        return .json(Array("{}".utf8))
      }
    }
    router.post("/v1/tags/simulations") { request in
      posted.add(String(decoding: request.body, as: UTF8.self))
      let end = #"{"tag":"regular","name":null,"customers_now":1,"customers_then":0,"set":0,"cleared":1}]}"#
      // The last line goes on here.
      let text = simulated.replacing("\"cleared\":0},\n", with: "\"cleared\":0},") + end
      return .text(text.replacing("},    {", with: "},{"))
    }
  }

  private func call(_ words: [String], language: CommandLineLanguage = .en) async throws -> (Called, [String]) {
    let posted = IdentityCommandTests.Posted()
    let called = try await FakeSuite.run({ router, _ in Self.services(&router, posted) }) { suite in
      await suite.call(words + (language == .zh ? ["--lang", "zh"] : []))
    }
    return (called, posted.all)
  }

  @Test func rulesAndTheirBearersAreListed() async throws {
    let list = try await call(["tag", "list"]).0.out
    #expect(list.contains("regular") && list.contains("orders in 12 months at least 2") && list.contains("老客户") && list.contains("given by people"))
    #expect(try await call(["tag", "list"], language: .zh).0.out.contains("常客"))
    #expect(try await call(["tag", "customers", "老客户"]).0.out == "0000000000000001  M1  regular, 老客户\nmore: --after 0000000000000001\n")
  }

  @Test func aCustomersTagsAreShownWithTheirReasonsAndWhatWasBefore() async throws {
    let shown = try await call(["tag", "show", "--member", "M1"]).0
    #expect(
      shown.out == """
        regular  1998-02-01  orders in 12 months 2 (at least 2)
        老客户  1998-03-01  given by wang until 1998-12-31: knows us
        before:
          away  1997-05-01 - 1998-01-02  came back

        """)
    #expect(try await call(["tag", "show", "0000000000000001"], language: .zh).0.out.contains("由 wang 添加，至 1998-12-31：knows us"))
  }

  @Test func aTagIsGivenAndTakenAwayWithNameAndReason() async throws {
    let why = ["--actor", "wang", "--reason", "knows us"]
    let (given, sent) = try await call(["tag", "add", "老客户", "--member", "M1", "--until", "1998-12-31"] + why)
    #expect(given == Called(code: .ok, out: "the tag is given\n", error: ""))
    #expect(sent == [#"/v1/customers/0000000000000001/tags {"tag":"老客户","actor":"wang","reason":"knows us","until":"1998-12-31"}"#])
    let (taken, removal) = try await call(["tag", "remove", "老客户", "0000000000000001"] + why)
    #expect(taken.code == .ok && removal == [#"/v1/customers/0000000000000001/tags/removals {"tag":"老客户","actor":"wang","reason":"knows us"}"#])
    let (missing, none) = try await call(["tag", "add", "老客户", "--member", "M1"])
    #expect(missing.code == .usage && missing.error.contains("--actor NAME --reason TEXT") && none.isEmpty)
  }

  @Test func aSimulationIsSummedUpAndListedAndAVersionThatIsTakenIsSaid() async throws {
    let folder = Folder()
    let file = folder.write("tags.yaml", "tags: 2\n")
    let (called, sent) = try await call(["tag", "simulate", file, "--customers"])
    #expect(sent == ["tags: 2\n"])
    #expect(called.error.contains("registered with another content"))
    #expect(called.out.contains("9 customers on 1998-07-01") && called.out.contains("0000000000000001  M1  +buyer -regular"))
    let one = try await call(["tag", "simulate", file, "--customers", "--tag", "buyer"]).0
    #expect(one.out.contains("M1  +buyer\n") && !one.out.contains("regular"))
    let json = try JSONValue(parsing: try await call(["tag", "simulate", file, "--json"]).0.out)
    #expect(json["customers"] == 9 && json["changes"]?[0]?["set"] == ["buyer"])
  }

  @Test func whatIsWrongWithAFileIsSaidByItsLine() async throws {
    let folder = Folder()
    let file = folder.write("tags.yaml", "tags: 0\nauthor: t\nlist: []\nend: true\n")
    let called = await Tool.call(["tag", "check", file])
    #expect(called.code == .failed && called.error.contains("tags.yaml:1:"))
    #expect(await Tool.call(["tag", "check", "deploy/tags.yaml"]) == Called(code: .ok, out: "ok: v1, 21\n", error: ""))
  }
}
