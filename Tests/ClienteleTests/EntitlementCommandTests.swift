// `clientele customer entitlements` against services that answer what they are told to (T-11).
import CommandLine
import HTTP
import Testing
import Text

@Suite(.timeLimit(.minutes(1)))
struct EntitlementCommandTests {
  private static let head = #"""
    "customer_id":"5f4158138ec69708","asked_for":"5f4158138ec69708","tier":"vip","tier_name":{"en":"VIP","zh":"VIP 客户"},"score":92,"rating_version":3,
    "valid_until":"1998-10-01","benefits_version":1
    """#
  private static let all = #"""
    {\#(head),"benefits":[
    {"benefit":"management-visit","kind":"care","name":{"en":"Visit by the management","zh":"高层拜访"},"limit":4,"unit":"times_a_year","touches_price":false},
    {"benefit":"green-channel","kind":"service","name":{"en":"Green channel","zh":"绿色通道"},"limit":null,"unit":null,"touches_price":false},
    {"benefit":"discount","kind":"discount","name":{"en":"Discount","zh":"折扣优惠"},"limit":10,"unit":"percent","touches_price":true}]}
    """#
  private static let one = #"""
    {\#(head),"allowed":false,"reason":"above_limit","text":{"en":"no: customers of tier VIP have Discount, up to 10 %; 12 % is beyond it","zh":"不可以"},
    "value":12,"benefit":"discount","kind":"discount","name":{"en":"Discount","zh":"折扣优惠"},"limit":10,"unit":"percent","touches_price":true}
    """#

  private func call(_ words: [String], language: String = "en") async throws -> (Called, [String]) {
    try await FakeSuite.run({ router, asked in
      router.get("/v1/customers") { _ in .json(Array(#"{"customer_id":"5f4158138ec69708"}"#.utf8)) }
      router.get("/v1/customers/{id}/entitlements") { request in
        asked.add("asked \(request.query["benefit"] ?? "-") \(request.query["value"] ?? "-")")
        guard try request.parameter("id") == "5f4158138ec69708" else { throw Problem(.notFound, detail: "no") }
        return .json(Array((request.query["benefit"] == nil ? Self.all : Self.one).utf8))
      }
    }) { suite in (await suite.call(["customer", "entitlements"] + words + ["--lang", language]), suite.requests) }
  }

  @Test func theBenefitsAreATable() async throws {
    let (called, _) = try await call(["5F4158138EC69708"])
    #expect(
      called
        == Called(
          code: .ok,
          out: """
            Customer 5f4158138ec69708: VIP, valid until the next review on 1998-10-01

            Benefit           Name                     Limit                 Touches the price
            ----------------  -----------------------  --------------------  -----------------
            management-visit  Visit by the management  up to 4 times a year  -
            green-channel     Green channel            -                     -
            discount          Discount                 up to 10 %            yes

            """, error: ""))
  }

  @Test func aQuestionIsAnsweredInASentence() async throws {
    let (called, requests) = try await call(["--member", "M1", "--benefit", "discount", "--value", "12"])
    #expect(called.code == .ok)
    #expect(
      called.out == """
        Customer 5f4158138ec69708: VIP, valid until the next review on 1998-10-01
        no: customers of tier VIP have Discount, up to 10 %; 12 % is beyond it
        This benefit touches the price

        """)
    #expect(requests.contains("asked discount 12"))
    #expect(requests.first == "GET /v1/customers?M1")
  }

  @Test func theAnswerAsJSONIsTheServicesOwn() async throws {
    let (called, _) = try await call(["5f4158138ec69708", "--json"])
    #expect(try JSONValue(Array(called.out.utf8)) == JSONValue(Array(Self.all.utf8)))
  }

  @Test func whoIsNotThereIsSaidAndAValueNeedsABenefit() async throws {
    let (missing, _) = try await call(["0000000000000001"])
    #expect(missing == Called(code: .failed, out: "", error: "clientele: there is no such customer, or it is not rated yet\n"))
    #expect(try await call(["0000000000000001", "--value", "1"]).0.code == .usage)
    #expect(try await call([]).0.code == .usage)
  }
}
