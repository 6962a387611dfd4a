// I-08: a ledger of finance against the suite.
import ClienteleCore
import CommandLine
import HTTP
import Testing
import Text

@Suite(.timeLimit(.minutes(1)))
struct LedgerTests {
  private static func services(_ router: inout Router) {
    router.get("/v1/spend") { _ in
      .text(
        """
        {"customer_id":"0000000000000001","member_id":"M1","spend":"100.00"}
        {"customer_id":"0000000000000002","member_id":"M2","spend":"50.00"}
        {"customer_id":"0000000000000003","member_id":"M3","spend":"7.00"}
        {"customer_id":"0000000000000004","member_id":null,"spend":"0.00"}
        """)
    }
    router.get("/v1/customers/{id}/spend") { _ in
      .json(Array(#"{"orders":[{"source":"shop","order_id":"o1","paid_at":"2025-03-04T00:00:00Z","spend":"50.00"}]}"#.utf8))
    }
    router.get("/v1/customers") { request in
      // M1b is a second member id of the first customer.
      guard request.query["member_id"] == "M1b" else { throw Problem(.notFound) }
      return .json(Array(#"{"customer_id":"0000000000000001"}"#.utf8))
    }
  }

  private func check(_ ledger: String, _ words: [String] = []) async throws -> Called {
    let folder = Folder()
    let file = folder.write("ledger.csv", ledger)
    return try await FakeSuite.run({ router, _ in Self.services(&router) }) { await $0.call(["report", "ledger", file] + words) }
  }

  @Test func everyCustomerWhoseSpendDiffersIsListedWithBothFiguresAndTheOrdersBehindOurs() async throws {
    let called = try await check("customer,period,amount\nM1,2025-03,60.00\nM1b,2025-03,40.00\nM2,2025-03,45.00\nM9,2025-03,1.00\n")
    #expect(called.code == .failed)
    let order = "  shop o1 2025-03-04T00:00:00Z 50.00\n"
    #expect(
      called.out == "2025-03 M2 0000000000000002: ledger 45.00, suite 50.00\n\(order)"
        + "2025-03 M9 -: ledger 1.00, suite nothing\n2025-03 - 0000000000000003: ledger nothing, suite 7.00\n\(order)")
  }

  @Test func aLedgerThatAgreesEndsWithZero() async throws {
    let called = try await check("period,amount,customer\n2025-03,100,M1\n2025-03,50.00,0000000000000002\n2025-03,7,M3\n")
    #expect(called == Called(code: .ok, out: "no differences\n", error: ""))
  }

  @Test func aFileThatCannotBeReadIsRefusedWithItsLine() async throws {
    for (text, word) in [
      ("customer,amount\nM1,1\n", "no column period"), ("customer,period,amount\nM1,March,1\n", ":2: period must be"),
      ("customer,period,amount\nM1,2025-03,1.005\n", ":2: amount must be"), ("customer,period,amount\n,2025-03,1\n", ":2: customer is empty"),
    ] {
      let called = try await check(text)
      #expect(called.code == .failed && called.error.contains(word), "\(called.error)")
    }
  }
}
