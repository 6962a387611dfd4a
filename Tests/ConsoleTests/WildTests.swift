// Services that answer with what nobody expects: a page may miss parts then, and the console goes on for everybody else.
import Access
import HTTP
import TestSupport
import Testing
import Text

@testable import console

@Suite("Wild answers", .enabled(if: TestDatabase.isAvailable, "\(TestDatabase.whyNot)")) struct WildTests {
  private static let large = ["9223372036854775807", "-9223372036854775808", "1e308", "-1", "0", "99999999999999999999999999999999999999999", "1e-300"]

  @Test("Numbers as large as can be written end nothing", arguments: WildTests.large)
  func ends(_ number: String) async throws {
    try await TestConsole.with { console in
      let row = """
        {"records":\(number),"refused":\(number),"late":\(number),"latest_seconds":\(number),"lines":\(number),"accepted":\(number),"source":"shop",
        "name":"shop",
        "state":"open","reason":"a.b","stream":"orders","kind":"order","day":"2026-11-28","up_to_seconds":\(number),"filled":\(number),"errors":\(number),
        "lateness":{"records":\(number),"late":\(number),"latest_seconds":\(number),
        "counts":[{"up_to_seconds":\(number),"records":\(number)},{"up_to_seconds":\(number),"records":\(number)}]},
        "fields":[{"field":"total","filled":\(number),"errors":\(number)}]}
        """
      let rows = "[\(row),\(row),\(row)]"
      let sources = "[\(row.dropLast()),\"days\":\(rows)}]"
      for path in ["/v1/quarantine", "/v1/quarantine/counts", "/v1/waiting", "/v1/quality"] { console.peers.answer(.get, path, rows) }
      console.peers.answer(.get, "/v1/sources", sources)
      let secret = try await console.signIn([.admin])
      for target in ["/", "/quality", "/quality?source=shop", "/quarantine", "/quarantine/many/replay?source=shop"] {
        let page = try await console.get(target, as: secret)
        #expect(page.status == .ok, "\(target)")
      }
      console.peers.answer(.post, "/v1/quarantine/replay", #"{"replayed":\#(number),"failed":\#(number),"more":true,"last_id":\#(number)}"#)
      let sent = try await console.post("/quarantine/many/replay", [("source", "shop"), ("open", String(Int64.max))], as: secret)
      #expect(sent.status == .seeOther)
    }
  }

  @Test("A version that no scorecard can have is none: the next one after it could not be told", arguments: WildTests.large)
  func versions(_ number: String) throws {
    let reference = CardReference(try JSONValue(parsing: #"{"name":"rfm-plus","version":\#(number)}"#))
    #expect(reference.map { $0.version <= Int(Int32.max) } ?? true)
    #expect(CardReference(try JSONValue(parsing: #"{"name":"rfm-plus","version":2}"#))?.version == 2)
  }

  @Test("What a service calls a customer leads to no other place than this site")
  func leadsNowhere() async throws {
    try await TestConsole.with { console in
      let secret = try await console.signIn([.manager])
      for name in ["\r\nSet-Cookie: a=b", "//evil.example", "\\evil.example", "a b", "\u{2028}"] {
        console.peers.answer(.get, "/v1/customers/00000000000000a1", #"{"customer_id":\#(JSONValue.text(name).encodedText),"identifiers":[],"version":1}"#)
        let answer = try await console.get("/customers/00000000000000a1/orders", as: secret)
        #expect(answer.headers.isValid && answer.location?.hasPrefix("/") ?? true && !(answer.location?.hasPrefix("//") ?? false), "\(name)")
        let visit = Visit(console.site, try Request(.get, "/"))
        #expect(visit.go(to: name).location == "/")
      }
    }
  }

  @Test("A number that is reckoned with can be added up as often as an answer can hold it")
  func counted() {
    #expect(JSONValue.number("9223372036854775807").counted.map { $0.multipliedReportingOverflow(by: 1_000_000).overflow } == false)
    #expect(JSONValue.integer(-3).counted == -3 && JSONValue.text("7").counted == nil)
  }
}
