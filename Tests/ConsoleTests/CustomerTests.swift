// The pages about customers: who sees what, what is shown and stays text, what forms send, and what becomes of what a service refuses.
import Access
import ConsoleCore
import HTTP
import TestSupport
import Testing
import Text

@testable import console

@Suite("Customers in the console", .enabled(if: TestDatabase.isAvailable, "\(TestDatabase.whyNot)")) struct CustomerTests {
  private static let id = CustomerAnswers.id
  private static let base = "/customers/\(CustomerAnswers.id)"
  private static let chinese: HTTPHeaders = ["Cookie": "language=zh-CN"]

  /// Every page that can be looked at, with words that must be on it in both languages.
  private static let pages: [(path: String, english: String, chinese: String)] = [
    ("/customers", "Find", "查找"), (base, "Why this score", "得分说明"), (base + "/tier", "Ratings and decisions", "评分与决定"),
    (base + "/tier?rating=1", "Back to the rating of now", "返回当前评分"), (base + "/timeline", "Show these", "应用"), (base + "/orders", "Spend by month", "月度消费"),
    (base + "/tags", "Give a tag", "添加标签"), (base + "/tags/removal?tag=x", "Take it away", "移除"), (base + "/surveys", "Consent", "授权"),
    (base + "/opt-out", "The customer wants no surveys", "客户不愿接收问卷"), (base + "/identity", "By what it is known", "标识"),
    (base + "/merge?with=\(CustomerAnswers.other)", "differs", "不同"), (base + "/override", "Ask for it", "提交申请"),
    (base + "/automated-tiering", "refuses automated tiering", "客户拒绝自动分级"), ("/customers/tagged?tag=x", "All tags", "全部标签"),
    ("/reviews", "What waits for a person", "待人工处理"), ("/reviews/tiers", "Confirm many", "建议等级"),
    ("/reviews/tiers/confirmation", "Confirm these 1", "确认以上 1 条"),
    ("/reviews/tiers/\(id)", "Reject it", "驳回"), ("/reviews/identities", "Stopped by", "拦截规则"),
    ("/reviews/identities/\(CustomerAnswers.caseID)", "Are these two one person?", "是同一个人吗？"), ("/merges", "Became part of it", "并入"),
    ("/merges/4", "Undo the merge", "撤销合并"),
  ]

  @Test("Every page says what it should in both languages, has one heading and no id twice, and what was planted in it stays text")
  func shown() async throws {
    try await TestConsole.with { console in
      CustomerAnswers.tell(console.peers)
      console.peers.answer(.get, "/v1/proposals", "{\"proposals\":[\(CustomerAnswers.proposal)],\"count\":2,\"next\":null}")
      let secret = try await console.signIn([.manager])
      for page in CustomerTests.pages {
        for (headers, words) in [([:] as HTTPHeaders, page.english), (CustomerTests.chinese, page.chinese)] {
          let answer = try await console.get(page.path, as: secret, headers: headers)
          let text = answer.page
          #expect(answer.status == .ok, "\(page.path)")
          #expect(text.contains(words), "\(page.path) lacks \(words)")
          #expect(!text.contains("<script>") && !text.contains("<img"), "\(page.path)")
          #expect(text.components(of: "<h1").count == 2, "\(page.path)")
          let ids = text.components(of: " id=\"").dropFirst().map { $0.prefix { $0 != "\"" } }
          #expect(Set(ids).count == ids.count, "\(page.path) has an id twice: \(ids)")
          #expect(text.utf8.count < 60_000, "\(page.path)")
        }
      }
    }
  }

  @Test("Who may not see a page gets 403", arguments: [Role.agent, .lead, .analyst, .auditor])
  func forbidden(_ role: Role) async throws {
    let own = CustomerTests.base
    let looks = [own, own + "/timeline", own + "/orders", own + "/tags", own + "/identity", "/customers"]
    let identities = ["/reviews", "/reviews/identities", "/reviews/identities/\(CustomerAnswers.caseID)", "/merges", "/merges/4"]
    let refused: [Role: [String]] = [
      .agent: identities + [own + "/override", own + "/merge", own + "/tags/removal?tag=x", "/customers/top", "/reviews/tiers/confirmation"],
      .lead: identities + [own + "/override", own + "/merge", "/customers/tagged?tag=x"],
      .analyst: identities + looks + [own + "/surveys", own + "/opt-out", own + "/override"],
      .auditor: [own + "/override", own + "/opt-out", own + "/automated-tiering", own + "/merge", "/reviews/tiers/confirmation", "/customers/top"],
    ]
    try await TestConsole.with { console in
      CustomerAnswers.tell(console.peers)
      let secret = try await console.signIn([role])
      for path in refused[role] ?? [] { #expect(try await console.get(path, as: secret).status == .forbidden, "\(role) \(path)") }
      for path in role == .analyst ? [] : looks { #expect(try await console.get(path, as: secret).status == .ok, "\(role) \(path)") }
      // Forms ask for what they do, whatever page they stand on.
      let forms: [(Role, String)] = [
        (.agent, own + "/tags"), (.agent, own + "/override"), (.lead, own + "/merge"), (.lead, "/merges/4"), (.auditor, own + "/opt-out"),
        (.auditor, "/reviews/tiers/\(CustomerTests.id)"), (.auditor, "/reviews/identities/\(CustomerAnswers.caseID)"), (.analyst, "/customers"),
      ]
      for (who, path) in forms where who == role { #expect(try await console.post(path, [("reason", "x")], as: secret).status == .forbidden, "\(path)") }
      #expect(console.peers.deeds(.post).isEmpty && console.peers.deeds(.put).isEmpty)
    }
  }

  @Test("What somebody may not see is neither asked for nor shown")
  func parts() async throws {
    try await TestConsole.with { console in
      CustomerAnswers.tell(console.peers)
      let agent = try await console.signIn([.agent])
      let page = try await console.get(CustomerTests.base, as: agent).page
      let asked = Set(console.peers.asked.map { $0.target.prefix { $0 != "?" } })
      #expect(!asked.contains("/v1/answers") && !asked.contains("/v1/segments") && asked.contains("/v1/tickets"))
      #expect(!page.contains("important value") && page.contains("Open tickets"))
      #expect(page.contains("/tickets?customer=\(CustomerTests.base.split(separator: "/").last ?? "")"))
      let manager = try await console.signIn([.manager])
      #expect(try await console.get(CustomerTests.base, as: manager).page.contains("important value"))
    }
  }

  @Test("The score is drawn, stands in a table and is told in words, with its parts by dimension")
  func score() async throws {
    try await TestConsole.with { console in
      CustomerAnswers.tell(console.peers)
      let secret = try await console.signIn([.agent])
      let page = try await console.get(CustomerTests.base, as: secret).page
      #expect(page.contains("Purchases: 60.5 points, 62.5 %") && page.contains("Loyalty: 36.3 points, 37.5 %"))
      #expect(page.contains("60.5 (62.5 %)") && page.contains("no data: left out") && page.contains("2 more orders reach VIP"))
      let chinese = try await console.get(CustomerTests.base, as: secret, headers: CustomerTests.chinese).page
      #expect(chinese.contains("购买行为：60.5 分") && chinese.contains("再下 2 单可升为 VIP"))
    }
  }

  @Test("A service that is away takes its part with it and leaves the rest")
  func away() async throws {
    try await TestConsole.with { console in
      CustomerAnswers.tell(console.peers)
      console.peers.answer(.get, "/v1/tickets", "{}", status: .internalServerError)
      console.peers.answer(.get, "/v1/tiers/\(CustomerTests.id)", "{}", status: .serviceUnavailable)
      let answer = try await console.get(CustomerTests.base, as: try await console.signIn([.manager]))
      #expect(answer.status == .ok && answer.page.contains("Timeline") && answer.page.contains("Looked after by"))
    }
  }

  @Test("A customer that became part of another leads to that one; one that is not there is said to be not there")
  func merged() async throws {
    try await TestConsole.with { console in
      CustomerAnswers.tell(console.peers)
      console.peers.answer(.get, "/v1/customers/00000000000000aa", CustomerAnswers.customer(asked: "00000000000000aa"))
      let secret = try await console.signIn([.agent])
      for place in ["", "/tags", "/orders"] {
        let answer = try await console.get("/customers/00000000000000aa\(place)", as: secret)
        #expect(answer.status == .seeOther && answer.location == "\(CustomerTests.base)\(place)?from=00000000000000aa")
      }
      #expect(try await console.get(CustomerTests.base + "?from=00000000000000aa", as: secret).page.contains("has become part of this customer"))
      for id in ["00000000000000bb", "zzz", "%3Cscript%3E"] {
        let answer = try await console.get("/customers/\(id)", as: secret)
        #expect(answer.status == .notFound && answer.page.contains("No such customer"))
      }
    }
  }

  @Test("A day of the past is asked of the services and told with the rating that held then")
  func past() async throws {
    try await TestConsole.with { console in
      CustomerAnswers.tell(console.peers)
      let secret = try await console.signIn([.manager])
      let page = try await console.get(CustomerTests.base + "?as_of=2026-10-15&known_on=2026-10-20", as: secret).page
      let asked = console.peers.asked.map(\.target)
      #expect(page.contains("This page tells of 2026-10-15"))
      #expect(asked.contains("/v1/customers/\(CustomerTests.id)?as_of=2026-10-15&known_on=2026-10-20"))
      #expect(asked.contains("/v1/customers/\(CustomerTests.id)/ratings/1") && !asked.contains { $0.hasPrefix("/v1/tickets") })
      #expect(try await console.get(CustomerTests.base + "?as_of=yesterday", as: secret).page.contains("yesterday is no day"))
    }
  }

  @Test("Tiers, tickets and invitations stand between what profile keeps, and each page has its own part of them")
  func timeline() async throws {
    try await TestConsole.with { console in
      CustomerAnswers.tell(console.peers)
      let secret = try await console.signIn([.manager])
      let page = try await console.get(CustomerTests.base + "/timeline", as: secret).page
      let place = { (words: String) in page.range(of: words, from: page.startIndex)?.lowerBound ?? page.endIndex }
      // The newest first: the tier of 29 November, the payment of the 21st, the invitation of the 20th at 14:00, the contact at 13:00.
      #expect(place("Normal → Key") < place("2026-11-21 12:00") && place("2026-11-20 14:00") < place("2026-11-20 13:00"))
      #expect(place("2026-11-20 13:00") < place("2026-11-20 12:30") && place("2026-11-20 12:30") < place("2026-11-20 12:00"))
      #expect(page.contains("2026-10-01 12:00") && page.contains("before=1788000000000000%3A0"))
      let later = try await console.get(CustomerTests.base + "/timeline?before=1788000000000000:0:4:shopS1", as: secret).page
      #expect(!later.contains("Normal → Key") && !later.contains("2026-11-20 14:00"))
      _ = try await console.get(CustomerTests.base + "/timeline?kind=contact&kind=answer", as: secret)
      let last = try #require(console.peers.asked.last { $0.target.contains("/timeline?") })
      #expect(last.target.contains("kinds=contact%2Canswer") || last.target.contains("kinds=contact,answer"))
      let bytes = try await console.get(CustomerTests.base + "/timeline?csv=timeline", as: secret).page
      #expect(bytes.contains("'=1+1") || !bytes.contains("\n=1+1"))
    }
  }

  @Test("Tables come as files in which nothing is a formula")
  func files() async throws {
    try await TestConsole.with { console in
      CustomerAnswers.tell(console.peers)
      let secret = try await console.signIn([.manager])
      for (path, table) in [
        ("/orders", "orders"), ("/tags", "given"), ("/identity", "identifiers"), ("/tier", "ratings"), ("/surveys", "invitations"), ("", "score"),
      ] {
        let answer = try await console.get("\(CustomerTests.base)\(path)?csv=\(table)", as: secret)
        #expect(answer.headers["Content-Type"] == "text/csv; charset=utf-8", "\(path)")
        let isFormula = answer.page.split(whereSeparator: { "\n,".contains($0) }).contains { $0.hasPrefix("=") || $0.hasPrefix("\"=") }
        #expect(!isFormula, "\(path): \(answer.page)")
      }
    }
  }

  // MARK: - Finding

  @Test("What is entered finds the customer by whatever it can be, and stands in no address")
  func found() async throws {
    try await TestConsole.with { console in
      console.peers.answer(.get, "/v1/customers", CustomerAnswers.customer())
      console.peers.answer(.get, "/v1/tiers/summary", CustomerAnswers.summary)
      let secret = try await console.signIn([.agent])
      for (entered, expected) in [
        ("137 0000 1111", "phone=%2B8613700001111"), ("Liu.Yang@Example.CN", "email=liu.yang%40example.cn"), (" M100 ", "member_id=M100"),
      ] {
        let answer = try await console.post("/customers", [("q", entered), ("by", "any")], as: secret)
        #expect(answer.status == .seeOther && answer.location == CustomerTests.base, "\(entered)")
        #expect(console.peers.asked.contains { $0.target == "/v1/customers?\(expected)" || $0.target == "/v1/customers?\(expected.decoded)" }, "\(expected)")
      }
      let before = console.peers.asked.count
      #expect(try await console.post("/customers", [("q", "abc"), ("by", "phone")], as: secret).status == .unprocessable)
      #expect(console.peers.asked[before...].allSatisfy { !$0.target.hasPrefix("/v1/customers") })
    }
  }

  @Test("Nobody found is said with what was entered; several are shown to choose from; a ticket's number leads to its customer")
  func several() async throws {
    try await TestConsole.with { console in
      let secret = try await console.signIn([.agent])
      let nobody = try await console.post("/customers", [("q", CustomerAnswers.script), ("by", "any")], as: secret)
      #expect(nobody.status == .ok && nobody.page.contains("Nobody was found") && nobody.page.contains("value=\"&lt;script&gt;"))
      console.peers.answer(.get, "/v1/customers/00000000000000aa", CustomerAnswers.customer("00000000000000aa", name: "One"))
      console.peers.answer(.get, "/v1/customers", CustomerAnswers.customer(name: "Two"))
      let several = try await console.post("/customers", [("q", "00000000000000aa"), ("by", "any")], as: secret)
      #expect(several.status == .ok && several.page.contains(">One</a>") && several.page.contains(">Two</a>"))
    }
    try await TestConsole.with { console in
      console.peers.answer(.get, "/v1/tickets/5cd2c292c5ce1449", #"{"ticket_id":"5cd2c292c5ce1449","customer_id":"653098a4e80e7c61"}"#)
      let secret = try await console.signIn([.agent])
      #expect(try await console.post("/customers", [("q", "5cd2c292c5ce1449"), ("by", "any")], as: secret).location == CustomerTests.base)
    }
  }

  // MARK: - Deeds

  private struct Deed {
    let path: String
    let fields: [(String, String)]
    let method: HTTPMethod
    let api: String
    let body: String
    var seen: String?
    var next: String
  }

  private static let deeds: [Deed] = [
    Deed(
      path: base + "/tags", fields: [("tag", "boss"), ("until", ""), ("reason", "he said so")], method: .post, api: "/v1/customers/\(id)/tags",
      body: #"{"tag":"boss","until":null,"reason":"he said so"}"#, next: base + "/tags?done=saved"),
    Deed(
      path: base + "/tags/removal", fields: [("tag", "boss"), ("reason", "wrong")], method: .post, api: "/v1/customers/\(id)/tags/removals",
      body: #"{"tag":"boss","reason":"wrong"}"#, next: base + "/tags?done=saved"),
    Deed(
      path: base + "/override", fields: [("tier", "vip"), ("until", "2027-01-31"), ("at_next_rating", "hold"), ("reason", "big"), ("seen", "\"two\"")],
      method: .post, api: "/v1/customers/\(id)/override", body: #"{"tier":"vip","until":"2027-01-31","at_next_rating":"hold","reason":"big"}"#,
      seen: "\"two\"", next: base + "/tier?done=saved"),
    Deed(
      path: base + "/automated-tiering", fields: [("allowed", "false"), ("reason", "asked"), ("seen", "\"auto\"")], method: .put,
      api: "/v1/customers/\(id)/automated-tiering", body: #"{"allowed":false,"reason":"asked"}"#, seen: "\"auto\"", next: base + "/tier?done=saved"),
    Deed(
      path: base + "/opt-out", fields: [("wanted", "out"), ("reason", "no time")], method: .put, api: "/v1/customers/\(id)/opt-out",
      body: #"{"reason":"no time"}"#, next: base + "/surveys?done=saved"),
    Deed(
      path: base + "/opt-out", fields: [("wanted", "in")], method: .delete, api: "/v1/customers/\(id)/opt-out", body: "",
      next: base + "/surveys?done=saved"),
    Deed(
      path: base + "/merge", fields: [("with", CustomerAnswers.other), ("reason", "one person")], method: .post, api: "/v1/merges",
      body: #"{"customers":["\#(id)","\#(CustomerAnswers.other)"],"reason":"one person"}"#, next: base + "?done=merged"),
  ]

  @Test("Each form sends what the service wants, and goes on to where the customer is shown")
  func sent() async throws {
    try await TestConsole.with { console in
      CustomerAnswers.tell(console.peers)
      let secret = try await console.signIn([.manager])
      for deed in CustomerTests.deeds {
        console.peers.answer(deed.method, deed.api, CustomerAnswers.decision)
        let answer = try await console.post(deed.path, deed.fields, as: secret)
        #expect(answer.status == .seeOther && answer.location == deed.next, "\(deed.path): \(answer.status) \(answer.location ?? "")")
        let asked = try #require(console.peers.deeds(deed.method).last)
        #expect(asked == FakePeers.Asked(method: deed.method.rawValue, target: deed.api, body: deed.body, ifMatch: deed.seen))
      }
    }
  }

  @Test("What a service refuses is shown on the same page with what was entered; so is that somebody was faster")
  func refused() async throws {
    try await TestConsole.with { console in
      CustomerAnswers.tell(console.peers)
      let secret = try await console.signIn([.manager])
      for deed in CustomerTests.deeds where deed.method != .delete {
        console.peers.answer(deed.method, deed.api, CustomerAnswers.refusal, status: .unprocessable)
        let fields = deed.fields.map { $0.0 == "reason" ? ("reason", CustomerAnswers.script) : $0 }
        for (headers, words) in [([:] as HTTPHeaders, "it says so below"), (CustomerTests.chinese, "必填")] {
          let answer = try await console.post(deed.path, fields, as: secret, headers: headers)
          #expect(answer.status == .unprocessable && answer.page.contains(words), "\(deed.path)")
          #expect(answer.page.contains("\n&lt;script&gt;alert(1)&lt;/script&gt;</textarea>") && !answer.page.contains("<script>"), "\(deed.path)")
          #expect(answer.page.contains("id=\"fault-reason\"") && answer.page.contains("aria-describedby=\"fault-reason\""), "\(deed.path)")
        }
        console.peers.answer(deed.method, deed.api, #"{"title":"Changed meanwhile","status":412}"#, status: .preconditionFailed)
        let late = try await console.post(deed.path, fields, as: secret)
        #expect(late.status == .preconditionFailed && late.page.contains("Somebody else has changed this meanwhile"), "\(deed.path)")
      }
    }
  }

  @Test("Two are merged only after both were shown, and only what is another customer")
  func pairs() async throws {
    try await TestConsole.with { console in
      CustomerAnswers.tell(console.peers)
      let secret = try await console.signIn([.manager])
      for (other, words) in [("zz", "16 digits"), (CustomerTests.id, "this customer itself"), ("00000000000000cc", "There is no customer")] {
        let answer = try await console.get(CustomerTests.base + "/merge?with=\(other)", as: secret)
        #expect(answer.status == .unprocessable && answer.page.contains(words) && !answer.page.contains("They are one"))
      }
    }
  }

  @Test("Those who spend most come first, of a tier or of all")
  func top() async throws {
    try await TestConsole.with { console in
      console.peers.answer(.get, "/v1/tiers/summary", CustomerAnswers.summary)
      let lines = [("00000000000000aa", "key", 100), ("00000000000000bb", "vip", 900), ("00000000000000cc", "key", 500)].map { id, tier, spend in
        #"{"customer_id":"\#(id)","member_id":null,"tier":"\#(tier)","score":1,"recency_days":null,"frequency":1,"monetary":\#(spend)}"#
      }
      console.peers.answer(.get, "/v1/tiers", lines.joined(separator: "\n") + "\n")
      let secret = try await console.signIn([.manager])
      let all = try await console.get("/customers/top", as: secret).page
      let places = ["00000000000000bb", "00000000000000cc", "00000000000000aa"].map { all.range(of: $0, from: all.startIndex)?.lowerBound ?? all.endIndex }
      #expect(places == places.sorted() && places.last != all.endIndex && all.contains("9.00"))
      #expect(!(try await console.get("/customers/top?tier=key", as: secret).page.contains("00000000000000bb")))
    }
  }
}

extension String {
  func components(of mark: String) -> [Substring] { split(separator: mark, omittingEmptySubsequences: false) }
  func range(of words: String, from start: Index) -> Range<Index>? { self[start...].firstRange(of: words) }
  var decoded: String { replacing("%2B", with: "+").replacing("%40", with: "@") }
}
