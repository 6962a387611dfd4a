// Contact data in full: for whoever may, with a reason, and only by a form of the page itself (S-02).
import Access
import HTTP
import TestSupport
import Testing
import Text

@testable import console

@Suite("Contact data in full", .enabled(if: TestDatabase.isAvailable, "\(TestDatabase.whyNot)")) struct LookTests {
  private static let customer = "00000000000000a1"

  private func with(_ body: (TestConsole) async throws -> Void) async throws {
    try await TestConsole.with { console in
      console.peers.answer(.get, "/v1/customers/\(LookTests.customer)/timeline", #"{"entries":[],"next":null}"#)
      console.peers.answer(
        .get, "/v1/customers/\(LookTests.customer)",
        #"{"customer_id":"\#(LookTests.customer)","identifiers":[{"kind":"phone","value":"138****2010"}],"version":1}"#)
      try await body(console)
    }
  }

  private func reasons(_ console: TestConsole) -> [String] { console.peers.asked.compactMap(\.reason) }

  @Test("A page shows it masked; with a reason it asks for it in full, says so, and asks for nothing else in full")
  func shows() async throws {
    try await with { console in
      let secret = try await console.signIn([.manager])
      let page = "/customers/\(LookTests.customer)"
      let masked = try await console.get(page, as: secret)
      #expect(masked.status == .ok && masked.page.contains("\(page)/unmasked") && reasons(console).isEmpty)
      let full = try await console.post("\(page)/unmasked", [("unmask_reason", " 客户来电 please ")], as: secret)
      #expect(full.status == .ok && full.page.contains("客户来电 please") && full.headers["Cache-Control"] == "no-store")
      #expect(Set(reasons(console)) == ["%E5%AE%A2%E6%88%B7%E6%9D%A5%E7%94%B5%20please"])
      let looked = console.peers.asked.filter { $0.reason != nil }.map { $0.target.prefix { $0 != "?" } }
      #expect(Set(looked) == ["/v1/customers/\(LookTests.customer)", "/v1/customers/\(LookTests.customer)/timeline", "/v1/answers"])
    }
  }

  @Test("Without a reason, without the permission, from another site, or by a header of the browser's, nothing is asked for in full")
  func refuses() async throws {
    try await with { console in
      let (manager, agent) = (try await console.signIn([.manager]), try await console.signIn([.agent], name: "agent"))
      let page = "/customers/\(LookTests.customer)"
      for reason in ["", "  ", "ab", String(repeating: "x", count: 201), "a\u{1}b\u{7F}c", "a \u{FFFD} b"] {
        let answer = try await console.post("\(page)/unmasked", [("unmask_reason", reason)], as: manager)
        #expect(answer.status == .unprocessable && answer.page.contains("3 to 200 characters"))
      }
      #expect(try await console.post("\(page)/unmasked", [("unmask_reason", "because")], as: agent).status == .forbidden)
      #expect(try await console.post("\(page)/unmasked", [("unmask_reason", "because")], as: manager, withToken: false).status == .forbidden)
      let own = try await console.get(page, as: manager, headers: ["Unmask-Reason": "because"])
      #expect(own.status == .ok && own.page.contains("Wang Fang"))
      #expect(try await !console.get(page, as: agent).page.contains("unmasked"))
      #expect(reasons(console).isEmpty)
    }
  }

  @Test("What was chosen of a page stays chosen when its contact data is shown in full: nobody else's is, and on record")
  func staysChosen() async throws {
    try await with { console in
      let secret = try await console.signIn([.manager])
      let page = "/customers/\(LookTests.customer)/timeline"
      let masked = try await console.get("\(page)?before=5:a%26b&done=saved&csv=x", as: secret).page
      #expect(masked.contains("action=\"\(page)/unmasked?before=5%3Aa%26b\""))
      let full = try await console.post("\(page)/unmasked?before=5%3Aa%26b", [("unmask_reason", "because")], as: secret)
      let looked = console.peers.asked.filter { $0.reason != nil && $0.target.contains("/timeline") }
      #expect(full.status == .ok && looked.count == 1 && looked.allSatisfy { $0.target.contains("before=5%3Aa%26b") })
    }
  }
}
