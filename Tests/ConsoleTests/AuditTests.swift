// The audit trail of all services on one page, whether it was altered, and whose contact data was seen in full.
import Access
import ConsoleCore
import HTML
import HTTP
import TestSupport
import Testing
import Text

@testable import console

private func entry(_ number: Int, _ at: String, _ actor: String = "Wang Fang", path: String = "/v1/tickets") -> String {
  """
  {"day":"2026-11-29","entry":\(number),"at":"\(at)","actor":"\(actor)","subject":"s","issuer":"i","roles":"admin","method":"POST","route":"/v1/tickets",
  "path":"\(path)","body_sha256":"x","reason":null,"seen":null}
  """
}

@Suite("The audit pages of the console", .enabled(if: TestDatabase.isAvailable, "\(TestDatabase.whyNot)")) struct AuditTests {
  private static func section(_ json: String) throws -> Section { .success(try JSONValue(parsing: json)) }

  @Test("Entries of all services are put together by time, and the next page begins where each of them ended")
  func merged() throws {
    let ingest = try AuditTests.section("{\"entries\":[\(entry(9, "2026-11-29T10:00:00Z")),\(entry(8, "2026-11-29T07:00:00Z"))],\"next\":\"2026-11-29/8\"}")
    let profile = try AuditTests.section("{\"entries\":[\(entry(3, "2026-11-29T09:00:00Z")),\(entry(2, "2026-11-29T08:00:00Z"))],\"next\":null}")
    let first = TrailPage.merged([(.ingest, ingest), (.profile, profile)], list: "entries", from: TrailPlaces(), rows: 3)
    #expect(first.entries.map { "\($0.peer.rawValue) \($0.place)" } == ["ingest 2026-11-29/9", "profile 2026-11-29/3", "profile 2026-11-29/2"])
    let next = try #require(first.next)
    #expect(next.text == "ingest~2026-11-29~9.profile~2026-11-29~2" && TrailPlaces(next.text) == next)
    // What one service shows nothing of keeps its place.
    let none = try AuditTests.section("{\"entries\":[],\"next\":null}")
    let rest = try AuditTests.section("{\"entries\":[\(entry(8, "2026-11-29T07:00:00Z"))],\"next\":\"2026-11-29/8\"}")
    let second = TrailPage.merged([(.ingest, rest), (.profile, none)], list: "entries", from: next, rows: 3)
    #expect(second.next?.text == "ingest~2026-11-29~8.profile~2026-11-29~2")
    #expect(TrailPage.merged([(.profile, none)], list: "entries", from: next, rows: 3).next == nil)
    for wrong in ["", "x", "ingest~2026-11-29", "ingest~x~1", "nobody~2026-11-29~1", "ingest~2026-11-29~0", "ingest~2026-11-29~1&a=b"] {
      #expect(TrailPlaces(wrong) == TrailPlaces(), "\(wrong)")
    }
  }

  @Test("The trail is asked of every service by person and day, from its own place")
  func asked() async throws {
    try await TestConsole.with { console in
      console.peers.answer("/v1/audit", "{\"entries\":[\(entry(1, "2026-11-29T10:00:00Z"))],\"next\":null}")
      let secret = try await console.signIn([.auditor])
      for (language, title) in [(PageLanguage.english, "Audit trail"), (.chinese, "操作审计")] {
        let answer = try await console.get("/audit", as: secret, headers: ["Cookie": "language=\(language.rawValue)"])
        #expect(answer.status == .ok && answer.page.contains(title) && answer.page.contains("2026-11-29 18:00:00"))
        #expect(answer.page.ranges(of: "POST /v1/tickets").count == Peer.allCases.count)
      }
      _ = try await console.get("/audit?actor=Wang%20Fang&day=2026-11-29&before=profile~2026-11-28~7&service=profile", as: secret)
      #expect(console.peers.asked.last?.target == "/v1/audit?actor=Wang%20Fang&day=2026-11-29&limit=50&before=2026-11-28%2F7")
      #expect(console.peers.asked.count == 2 * Peer.allCases.count + 1)
      let wrong = try await console.get("/audit?day=%3Cx%3E&actor=a", as: secret)
      #expect(wrong.status == .unprocessable && wrong.page.contains("value=\"&lt;x&gt;\"") && wrong.page.contains("fault-day"))
      let managers = try await console.signIn([.manager])
      #expect(try await console.get("/audit", as: managers).status == .forbidden)
    }
  }

  @Test("What is written in a trail stays text, and no formula")
  func hostile() async throws {
    try await TestConsole.with { console in
      let path = "/v1/x/\(HomeAnswers.hostile)"
      console.peers.answer("/v1/audit", "{\"entries\":[\(entry(1, "2026-11-29T10:00:00Z", HomeAnswers.image, path: path))],\"next\":null}")
      let secret = try await console.signIn([.auditor])
      let page = try await console.get("/audit", as: secret).page
      #expect(!page.contains("<script>alert") && !page.contains("<img") && page.contains("&lt;script&gt;"))
      console.peers.answer("/v1/audit", "{\"entries\":[\(entry(1, "2026-11-29T10:00:00Z", "=1+1"))],\"next\":null}")
      #expect(try await console.get("/audit?csv=audit", as: secret).page.contains(",'=1+1,"))
    }
  }

  @Test("Every trail is verified when somebody asks for it: intact, broken at a place, or not told")
  func verified() async throws {
    try await TestConsole.with(["CLIENTELE_CONNECTOR_URL": "http://127.0.0.1:1"]) { console in
      console.peers.answer("/v1/audit/verification", #"{"intact":true,"entries":12,"days":2,"first_break":null,"head":"abc="}"#)
      let secret = try await console.signIn([.auditor])
      let page = try await console.get("/audit/verification", as: secret).page
      #expect(page.contains("Not every service told") && page.contains("connector does not answer") && page.ranges(of: "badge good").count == 5)
      console.peers.answer(
        "/v1/audit/verification", #"{"intact":false,"entries":12,"days":2,"first_break":{"day":"2026-11-28","entry":13,"problem":"cut"},"head":"abc="}"#)
      let broken = try await console.get("/audit/verification", as: secret, headers: ["Cookie": "language=zh-CN"]).page
      #expect(broken.contains("审计链已被改动") && broken.contains("2026-11-28 / 13: 尾部被截断") && broken.contains("role=\"alert\""))
      let managers = try await console.signIn([.manager])
      #expect(try await console.get("/audit/verification", as: managers).status == .forbidden)
    }
  }

  private static func look(_ number: Int, _ actor: String, _ seen: String) -> String {
    """
    {"day":"2026-11-29","entry":\(number),"at":"2026-11-29T1\(number):00:00Z","actor":"\(actor)","subject":"s","issuer":"i","roles":"lead",
    "reason":"=1+1 \(HomeAnswers.hostile)","route":"/v1/tickets/{id}","path":"/v1/tickets/0000000000000007","seen":[\(seen)]}
    """
  }

  @Test("The leak drill names who was affected, which fields, by whom and why")
  func exposure() async throws {
    try await TestConsole.with { console in
      let looks = [
        AuditTests.look(2, "Li Na", #"{"customer":"0000000000000007","fields":["ticket.text","identifier.phone"]}"#),
        AuditTests.look(
          1, "Wang Fang", #"{"customer":"0000000000000007","fields":["ticket.text"]},{"customer":null,"record":"question 1","fields":["question.text"]}"#),
      ]
      console.peers.answer("/v1/audit/exposure", "{\"looks\":[\(looks.joined(separator: ","))],\"next\":null}")
      let secret = try await console.signIn([.auditor])
      let query = "from=2026-11-28&to=2026-11-29&service=&actor=&customer=0000000000000007"
      let page = try await console.get("/audit/exposure?\(query)", as: secret).page
      #expect(page.contains("identifier.phone, ticket.text") && page.contains("Li Na, Wang Fang") && page.contains("question 1"))
      #expect(!page.contains("<script>alert") && page.contains("&lt;script&gt;"))
      #expect(console.peers.asked.allSatisfy { $0.target == "/v1/audit/exposure?from=2026-11-28&to=2026-11-29&customer=0000000000000007&limit=200" })
      // Twelve looks in six services, of one customer.
      let file = try await console.get("/audit/exposure?\(query)&csv=exposed-customers", as: secret).page
      #expect(file.contains("0000000000000007,\"identifier.phone, ticket.text\",12,"))
      #expect(try await console.get("/audit/exposure?csv=looks", as: secret).page.contains(",'=1+1 <script>"))
      let zh = try await console.get("/audit/exposure", as: secret, headers: ["Cookie": "language=zh-CN"]).page
      #expect(zh.contains("敏感信息查看记录") && zh.contains("涉及客户"))
      let leads = try await console.signIn([.lead])
      #expect(try await console.get("/audit/exposure", as: leads).status == .forbidden)
    }
  }

  @Test("Days that are none are said at their field, and nobody is asked")
  func days() async throws {
    try await TestConsole.with { console in
      let secret = try await console.signIn([.auditor])
      let answer = try await console.get("/audit/exposure?from=2026-11-29&to=2026-11-01&actor=Li", as: secret)
      #expect(answer.status == .unprocessable && answer.page.contains("This lies before the first day") && answer.page.contains("value=\"Li\""))
      #expect(console.peers.asked.isEmpty)
    }
  }
}
