// Scorecards on pages: what they measure, the workshop, who would move, and the steps into use and out of it.
import Access
import ConsoleCore
import Documents
import Domain
import HTTP
import Runtime
import Testing
import Text

@testable import console

/// What the tiering service says, in small.
private enum Cards {
  static let hostile = "<script>alert(1)</script>"

  static func yaml(_ name: String = "Purchases", author: String = "Li") -> String {
    """
    scorecard: small
    version: 1
    author: \(JSONValue.text(author).encodedText)
    dimensions:
      - name: {en: \(JSONValue.text(name).encodedText), zh: 购买}
        weight: 60
        indicators:
          - key: recency_days
            name: {en: \(JSONValue.text(name).encodedText), zh: 最近购买}
            weight: 60
            unit: days
            curve: {points: [[0, 100], [300, 0]]}
            missing: leave_out
      - name: {en: Loyalty, zh: 忠诚度}
        weight: 40
        indicators:
          - key: new_needs
            name: {en: New needs, zh: 新需求}
            weight: 40
            unit: count
            curve: {bands: [{from: lowest, points: 20}, {from: 1, points: 60}]}
            missing: {value: 0}
    end: true

    """
  }

  static func card(_ state: String = "draft", version: Int = 1, author: String = "Li", percent: Int? = nil) -> String {
    """
    {"name":"small","version":\(version),"author":\(JSONValue.text(author).encodedText),"state":"\(state)","revision":3,
     "registered_at":"2026-11-29T00:00:00Z","in_force":\(state == "active"),"canary_percent":\(percent.map { String($0) } ?? "null"),
     "indicators":["recency_days","new_needs"],"simulation":null}
    """
  }

  static func history(_ reason: String = "spring") -> String {
    """
    {"events":[{"id":2,"at":"2026-11-29T00:00:00Z","name":"small","version":1,"kind":"activated","state_before":"simulated","state_after":"active",
      "actor":"Li","reason":\(JSONValue.text(reason).encodedText),"replaced":{"name":"older","version":4},"detail":null}],"next":1}
    """
  }

  static func moves(name: String = "VIP", currency: String = "CNY") -> String {
    let named = JSONValue.text(name).encodedText
    let tiers = "[{\"tier\":\"vip\",\"name\":{\"en\":\(named),\"zh\":\"贵宾\"}},{\"tier\":\"key\",\"name\":{\"en\":\"Key\",\"zh\":\"重点\"}}]"
    let head = "\"scorecard\":\"small\",\"scorecard_version\":2,\"policy\":\"score\",\"policy_version\":2,\"as_of\":\"2026-11-29\",\"waiting\":3"
    let summary = """
      {"customers":100,"unratable":1,"kept":97,"up":1,"down":2,"agreement_percent":97,"agreement_revenue_percent":80.5,
       "tiers":[
        {"tier":"vip","name":{"en":\(JSONValue.text(name).encodedText),"zh":"贵宾"},"now":{"customers":10,"revenue":900000,"revenue_share_percent":90,
         "benefit_cost":1000,"service_minutes_a_day":1.25},"then":{"customers":9,"revenue":800000,"revenue_share_percent":80}},
        {"tier":"key","name":{"en":"Key","zh":"重点"},"now":{"customers":90,"revenue":100000,"revenue_share_percent":10},
         "then":{"customers":91,"revenue":200000,"revenue_share_percent":20}}],
       "matrix":[{"tier_now":"vip","tier_then":"key","customers":2,"revenue":150050},{"tier_now":"key","tier_then":"vip","customers":1,"revenue":50050}],
       "now":{"benefit_cost":1000,"service_minutes_a_day":1.25},"then":{"benefit_cost":900,"service_minutes_a_day":1}}
      """.replacing("\n", with: " ")
    func customer(_ id: String, _ from: String, _ to: String, _ revenue: Int) -> String {
      "{\"customer_id\":\"\(id)\",\"member_id\":\(named),\"tier\":\"\(from)\",\"score\":91,\"tier_then\":\"\(to)\","
        + "\"score_then\":80,\"monetary\":\(revenue)}"
    }
    return [
      "{\(head),\"currency\":\"\(currency)\",\"registered_otherwise\":false,\"tiers\":\(tiers)}",
      customer("00000000000000a1", "vip", "key", 100_000), "{\"so_far\":50}", customer("00000000000000a2", "vip", "key", 50_050),
      customer("00000000000000a3", "key", "vip", 50_050), "{\"end\":true,\"customers\":100,\"summary\":\(summary)}",
    ].joined(separator: "\n")
  }

  static func tell(_ peers: FakePeers, state: String = "draft", text: String = "Purchases") {
    peers.answer(.get, "/v1/scorecards", "{\"scorecards\":[\(card("active")),\(card(state, version: 2, author: text))]}")
    peers.answer(.get, "/v1/scorecards/history", history(text))
    for version in 1...2 {
      peers.answer(.get, "/v1/scorecards/small/\(version)", card(state, version: version, author: text), tag: "\"r3\"")
      peers.answer(.get, "/v1/scorecards/small/\(version)/file", yaml(text, author: text))
    }
    peers.answer(.get, "/v1/scorecards/older/4/file", yaml())
    peers.answer(.post, "/v1/scorecards/simulations", moves(name: text))
  }

  /// The form as the workshop shows it, with what is changed.
  static func fields(_ changes: [String: String?] = [:]) -> [(String, String)] {
    let usual = [
      ("scorecard", "small"), ("version", "2"), ("author", "Li"), ("d0.en", "Purchases"), ("d0.zh", "购买"), ("d0.weight", "60"),
      ("d0.i0.key", "recency_days"), ("d0.i0.en", "Recency"), ("d0.i0.zh", "最近购买"), ("d0.i0.weight", "60"), ("d0.i0.shape", "line"),
      ("d0.i0.missing", "leave_out"), ("d0.i0.stand_in", ""), ("d0.i0.r0.raw", "0"), ("d0.i0.r0.points", "100"), ("d0.i0.r1.raw", "300"),
      ("d0.i0.r1.points", "0"), ("d0.i0.r2.raw", ""), ("d0.i0.r2.points", ""), ("d1.en", "Loyalty"), ("d1.zh", "忠诚度"), ("d1.weight", "40"),
      ("d1.i0.key", "new_needs"), ("d1.i0.en", "New needs"), ("d1.i0.zh", "新需求"), ("d1.i0.weight", "40"), ("d1.i0.shape", "bands"),
      ("d1.i0.missing", "value"), ("d1.i0.stand_in", "0"), ("d1.i0.r0.raw", "lowest"), ("d1.i0.r0.points", "20"), ("d1.i0.r1.raw", "1"),
      ("d1.i0.r1.points", "60"),
    ]
    let kept = usual.compactMap { name, value in changes.keys.contains(name) ? (changes[name] ?? nil).map { (name, $0) } : (name, value) }
    return kept + changes.filter { change in !usual.contains { $0.0 == change.key } }.compactMap { name, value in value.map { (name, $0) } }
  }
}

@Suite("Scorecards")
struct ScorecardTests {
  private static let chinese: HTTPHeaders = ["Cookie": "language=zh-CN"]

  @Test("All scorecards with their states and what was done, in both languages, and as a file")
  func list() async throws {
    try await TestConsole.with { console in
      Cards.tell(console.peers)
      let secret = try await console.signIn([.analyst])
      let page = try await console.get("/scorecards", as: secret).page
      #expect(page.contains("Rates all customers") && page.contains("in force") && page.contains("put in force in the place of older v4"))
      #expect(page.contains("/scorecards?before=1"))
      let other = try await console.get("/scorecards", as: secret, headers: ScorecardTests.chinese).page
      #expect(other.contains("正在评级") && other.contains("草稿") && other.contains("替代 older v4"))
      let file = try await console.get("/scorecards?csv=scorecards", as: secret)
      #expect(file.page.contains("small v2,draft,Purchases"))
    }
  }

  @Test("A scorecard shows its weights and curves, and only the steps that its state and the roles allow")
  func one() async throws {
    try await TestConsole.with { console in
      Cards.tell(console.peers, state: "simulated")
      let (admin, auditor) = (try await console.signIn([.admin]), try await console.signIn([.auditor], name: "Au"))
      let page = try await console.get("/scorecards/small/1", as: admin).page
      #expect(page.contains("0 → 100; 300 → 0") && page.contains("below: 20; from 1: 60") && page.contains("<polyline"))
      for step in ["edit", "moves", "canary", "activate", "retire"] { #expect(page.contains("/scorecards/small/1/\(step)\"")) }
      #expect(!page.contains("/scorecards/small/1/back\""))
      let seen = try await console.get("/scorecards/small/1", as: auditor, headers: ScorecardTests.chinese).page
      #expect(seen.contains("距最近一次付款订单的天数") && !seen.contains("/scorecards/small/1/edit\"") && !seen.contains("/scorecards/small/1/canary\""))
      #expect(try await console.get("/scorecards/small/1/file", as: auditor).page == Cards.yaml(author: "Purchases"))
      let both = try await console.get("/scorecards/compare?a=small@1&b=small@2", as: auditor).page
      #expect(both.contains("small v1 beside small v2") && both.contains("same"))
      for target in ["/scorecards/Small/1", "/scorecards/small/0", "/scorecards/compare?a=small&b=../x@1"] {
        #expect(try await console.get(target, as: auditor).status == .notFound)
      }
    }
  }

  @Test("Whoever may not see, simulate or decide is told so, and nothing is asked")
  func forbidden() async throws {
    try await TestConsole.with { console in
      Cards.tell(console.peers)
      let (agent, auditor, analyst) = (
        try await console.signIn([.agent]), try await console.signIn([.auditor], name: "Au"), try await console.signIn([.analyst], name: "An")
      )
      for target in ["/scorecards", "/scorecards/small/1", "/scorecards/small/1/comparison"] {
        #expect(try await console.get(target, as: agent).status == .forbidden)
      }
      for target in ["/scorecards/small/1/edit", "/scorecards/small/1/moves"] { #expect(try await console.get(target, as: auditor).status == .forbidden) }
      for step in ["canary", "activate", "retire", "back"] {
        #expect(try await console.get("/scorecards/small/1/\(step)", as: analyst).status == .forbidden)
        #expect(try await console.post("/scorecards/small/1/\(step)", [("reason", "x")], as: analyst).status == .forbidden)
      }
      #expect(console.peers.asked.isEmpty)
      // An analyst tries a file out, and registers none.
      let answer = try await console.post("/scorecards/small/1/edit", Cards.fields(["do": "register", "reason": "x"]), as: analyst)
      #expect(answer.status == .forbidden && answer.page.contains("value=\"300\""))
      #expect(!console.peers.asked.contains { $0.method == "POST" })
    }
  }

  @Test("What a text holds stays a text, on every page and in every file", arguments: ["<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "=1+1"])
  func hostile(_ text: String) async throws {
    try await TestConsole.with { console in
      Cards.tell(console.peers, state: "simulated", text: text)
      let secret = try await console.signIn([.admin])
      for target in [
        "", "/small/1", "/small/1/edit", "/small/1/edit?as=file", "/small/1/moves", "/small/1/canary", "/small/1/activate",
        "/compare?a=small@1&b=small@2",
      ] {
        let page = try await console.get("/scorecards\(target)", as: secret)
        #expect(page.status == .ok && !page.page.contains("<script>alert") && !page.page.contains("<img"), "\(target)")
        if text != "=1+1", !target.contains("activate"), !target.contains("canary") { #expect(page.page.contains("&lt;"), "\(target)") }
      }
      let file = try await console.get("/scorecards/small/1/moves?csv=moves", as: secret).page
      #expect(!file.contains(",=1+1") && !file.contains("\n=1+1"))
    }
  }
}

@Suite("The scorecards' workshop")
struct WorkshopTests {
  private static let path = "/scorecards/small/1/edit"

  @Test("It begins with the next version, and a form sent as it is shown makes the same scorecard")
  func begins() async throws {
    try await TestConsole.with { console in
      Cards.tell(console.peers)
      let secret = try await console.signIn([.analyst])
      let page = try await console.get(WorkshopTests.path, as: secret).page
      #expect(page.contains("name=\"version\" value=\"3\"") && page.contains("name=\"d0.i0.r1.raw\" value=\"300\"") && page.contains("value=\"lowest\""))
      #expect(!page.contains("Register as a draft"))
      let file = try await console.get(WorkshopTests.path + "?as=file", as: secret).page
      #expect(file.contains("version: 3\n") && file.contains("author: &quot;Wang Fang&quot;"))
      let card = try ScorecardDocument.decode(Array(Cards.yaml().utf8), source: "x")
      let again = try ScorecardDocument.decode(Array(CardDraft(card).yaml.utf8), source: "x")
      #expect(again == card)
    }
  }

  @Test("Scorecards of all shapes come back from the form's file as they went in", arguments: ["rfm-plus", "standard"])
  func round(_ name: String) throws {
    let bytes = try #require(Resources.bytes("deploy/scorecards/\(name).yaml"))
    let card = try ScorecardDocument.decode(bytes, source: name)
    #expect(try ScorecardDocument.decode(Array(CardDraft(card).yaml.utf8), source: name).with(state: card.state) == card)
  }

  @Test("Faults are told at their fields, in both languages, and nothing that was typed is lost")
  func faults() async throws {
    try await TestConsole.with { console in
      Cards.tell(console.peers)
      let secret = try await console.signIn([.admin])
      let wrong: [String: String?] = [
        "d0.weight": "70", "d0.i0.r1.raw": "three hundred", "d1.i0.r1.points": "5000", "version": "next", "d1.en": "", "do": "check",
      ]
      let answer = try await console.post(WorkshopTests.path, Cards.fields(wrong), as: secret)
      #expect(answer.status == .unprocessable)
      for text in ["value=\"three hundred\"", "value=\"5000\"", "value=\"next\"", "name=\"d0.weight\" value=\"70\""] { #expect(answer.page.contains(text)) }
      for field in ["d0.i0.r1.raw", "version", "d1.en"] {
        #expect(answer.page.contains("id=\"fault-\(field)\"") && answer.page.contains("href=\"#field-\(field)\""), "\(field)")
      }
      let chinese = try await console.post(WorkshopTests.path, Cards.fields(["d0.weight": "70"]), as: secret, headers: ["Cookie": "language=zh-CN"])
      #expect(chinese.page.contains("各维度权重之和须为 100%，现为 110%") && chinese.page.contains("本维度各指标权重之和须等于维度权重，现为 60%"))
      #expect(!console.peers.asked.contains { $0.method == "POST" })
    }
  }

  @Test("Every fault that a form can make is known in Chinese", arguments: [
    ["d0.weight": "0"], ["d0.weight": "x"], ["d0.i0.r1.raw": "-1"], ["d0.i0.r1.points": "2000"], ["d0.i0.r2.raw": "400", "d0.i0.r2.points": "50"],
    ["scorecard": "Not a name"], ["version": "1.5"], ["author": ""], ["d0.zh": ""], ["d0.i0.r1.raw": "", "d0.i0.r1.points": ""],
    ["d0.i0.missing": "points", "d0.i0.stand_in": "101"], ["d1.i0.r1.raw": "x"], ["d0.i0.remove": "1"],
  ])
  func translated(_ changes: [String: String]) throws {
    let draft = CardDraft(QueryItems(Cards.fields(changes.mapValues { Optional($0) }).map { QueryItems.Item(name: $0.0, value: $0.1) }))
    #expect(throws: DocumentFaults.self) {
      do throws(DocumentFaults) { _ = try ScorecardDocument.decode(Array(draft.yaml.utf8), source: "x") } catch {
        for fault in error.faults { #expect(CardWords.fault(fault.problem).zh != fault.problem, "\(fault)") }
        throw error
      }
    }
  }

  @Test("Points are added and taken away, indicators come and go, and shapes change")
  func edits() throws {
    func draft(_ changes: [String: String?]) -> CardDraft {
      CardDraft(QueryItems(Cards.fields(changes).map { QueryItems.Item(name: $0.0, value: $0.1) }))
    }
    #expect(draft(["d0.i0.r2.raw": "400", "d0.i0.r2.points": "-5"]).dimensions[0].indicators[0].rows.count == 3)
    #expect(draft(["d0.i0.r0.raw": "", "d0.i0.r0.points": ""]).dimensions[0].indicators[0].rows == [.init(raw: "300", points: "0")])
    #expect(draft(["d0.i0.remove": "1"]).dimensions[0].indicators.isEmpty)
    #expect(draft(["d0.remove": "1", "d1.add": "monetary"]).dimensions.map { $0.indicators.map(\.key) } == [["new_needs", "monetary"]])
    // One that is weighed already is not added, and an unknown one neither.
    #expect(draft(["d0.add": "new_needs", "d1.add": "nothing"]).dimensions.map(\.indicators.count) == [1, 1])
    #expect(draft(["d0.i0.shape": "bands"]).yaml.contains("bands: [{from: lowest, points: 100}, {from: 300, points: 0}]"))
    #expect(draft(["more": "1"]).dimensions.count == 3)
  }

  @Test("What is entered as a number cannot become anything else in the file", arguments: ["1], [2", "0}]}\nend: true", "&a 1", "1 # x", "010", "+1", "1e3"])
  func injected(_ text: String) throws {
    let draft = CardDraft(QueryItems(Cards.fields(["d0.i0.r0.points": text, "d0.en": text]).map { QueryItems.Item(name: $0.0, value: $0.1) }))
    #expect(draft.yaml.contains("\(JSONValue.text(text).encodedText)") || Rational(text: text) != nil)
    do throws(DocumentFaults) {
      _ = try ScorecardDocument.decode(Array(draft.yaml.utf8), source: "x")
      Issue.record("it was taken")
    } catch { #expect(error.faults.map(\.path) == ["dimensions[0].indicators[0].curve.points[0][1]"]) }
  }

  @Test("A simulation says who moves before anything is registered, and keeps the form")
  func simulates() async throws {
    try await TestConsole.with { console in
      Cards.tell(console.peers)
      let secret = try await console.signIn([.manager])
      let answer = try await console.post(WorkshopTests.path, Cards.fields(["do": "simulate"]), as: secret)
      #expect(answer.status == .ok && answer.page.contains("3 of 100 customers (3 %) would change their tier: 1 up, 2 down."))
      #expect(answer.page.contains("/customers/00000000000000a1\"") && answer.page.contains("1,500.50"))
      #expect(answer.page.contains("name=\"d0.weight\" value=\"60\""))
      let asked = try #require(console.peers.asked.last { $0.method == "POST" })
      #expect(asked.target == "/v1/scorecards/simulations?lines=moved")
      let sent = try ScorecardDocument.decode(Array(asked.body.utf8), source: "x")
      #expect(sent.reference == ScorecardReference(name: "small", version: 2) && sent.indicators.map(\.key) == [.recencyDays, .newNeeds])
      let chinese = try await console.post(WorkshopTests.path, Cards.fields(["do": "simulate"]), as: secret, headers: ["Cookie": "language=zh-CN"])
      #expect(chinese.page.contains("100 名客户中有 3 名（3 %）等级会变化：升级 1 名，降级 2 名。"))
      // Analysts see how many, and follow nobody.
      let analyst = try await console.signIn([.analyst], name: "An")
      let bare = try await console.post(WorkshopTests.path, Cards.fields(["do": "simulate"]), as: analyst).page
      #expect(bare.contains("00000000000000a1") && !bare.contains("/customers/"))
    }
  }

  @Test("While another simulation runs, and where the service refuses, the page says so and keeps what was entered")
  func busy() async throws {
    try await TestConsole.with { console in
      Cards.tell(console.peers)
      let secret = try await console.signIn([.manager])
      console.peers.answer(.post, "/v1/scorecards/simulations", "{\"title\":\"Busy\"}", status: .serviceUnavailable)
      let answer = try await console.post(WorkshopTests.path, Cards.fields(["do": "simulate"]), as: secret)
      #expect(answer.page.contains("Somebody else simulates") && answer.page.contains("value=\"300\""))
      console.peers.answer(.post, "/v1/scorecards/simulations", "{\"scorecard\":\"small\"}")
      #expect(try await console.post(WorkshopTests.path, Cards.fields(["do": "simulate"]), as: secret).page.contains("does not answer"))
    }
  }

  @Test("As a file: comments stay, faults are told by line, and it goes to the form and back")
  func file() async throws {
    try await TestConsole.with { console in
      Cards.tell(console.peers)
      let secret = try await console.signIn([.admin])
      let shown = try await console.post(WorkshopTests.path, Cards.fields(["do": "file"]), as: secret).page
      #expect(shown.contains("<textarea") && shown.contains("scorecard: small"))
      let wrong = "# a comment\r\n" + Cards.yaml().replacing("weight: 40", with: "weight: 41").replacing("\n", with: "\r\n")
      let answer = try await console.post(WorkshopTests.path, [("yaml", wrong), ("do", "check")], as: secret)
      #expect(answer.status == .unprocessable && answer.page.contains("# a comment") && answer.page.contains("Line 5, column 1"))
      let form = try await console.post(WorkshopTests.path, [("yaml", Cards.yaml()), ("do", "form")], as: secret).page
      #expect(form.contains("name=\"d0.i0.r1.raw\" value=\"300\""))
      _ = try await console.post(WorkshopTests.path, [("yaml", "# a comment\r\n" + Cards.yaml()), ("do", "simulate")], as: secret)
      #expect(console.peers.asked.last?.body.hasPrefix("# a comment\nscorecard: small") == true)
    }
  }

  @Test("Registering sends the file and the reason; a version that is taken is told at its field")
  func registers() async throws {
    try await TestConsole.with { console in
      Cards.tell(console.peers)
      let secret = try await console.signIn([.admin])
      let without = try await console.post(WorkshopTests.path, Cards.fields(["do": "register", "reason": " "]), as: secret)
      #expect(without.status == .unprocessable && without.page.contains("A reason is needed."))
      console.peers.answer(.post, "/v1/scorecards", "{\"title\":\"Version taken\",\"detail\":\"it is taken\"}", status: .conflict)
      let taken = try await console.post(WorkshopTests.path, Cards.fields(["do": "register", "reason": "spring <b>"]), as: secret)
      #expect(taken.status == .conflict && taken.page.contains("id=\"fault-version\"") && taken.page.contains("spring &lt;b&gt;"))
      console.peers.answer(.post, "/v1/scorecards", Cards.card(version: 2), status: .created)
      let done = try await console.post(WorkshopTests.path, Cards.fields(["do": "register", "reason": "spring"]), as: secret)
      #expect(done.status == .seeOther && done.location == "/scorecards/small/2?done=saved")
      let body = try JSONValue(parsing: try #require(console.peers.asked.last).body)
      #expect(body["reason"]?.stringValue == "spring" && body["yaml"]?.stringValue?.hasPrefix("scorecard: small\nversion: 2\n") == true && body["actor"] == nil)
    }
  }

  @Test("More points than a form holds are edited as a file")
  func large() async throws {
    try await TestConsole.with { console in
      Cards.tell(console.peers)
      let points = (0..<60).map { "[\($0), \(100 - $0)]" }.joined(separator: ", ")
      let yaml = Cards.yaml().replacing("[[0, 100], [300, 0]]", with: "[\(points)]").replacing(
        "{bands: [{from: lowest, points: 20}, {from: 1, points: 60}]}", with: "{points: [\(points)]}")
      console.peers.answer(.get, "/v1/scorecards/small/1/file", yaml)
      let page = try await console.get(WorkshopTests.path, as: try await console.signIn([.admin])).page
      #expect(page.contains("<textarea") && page.contains("shown as its file") && !page.contains("d0.i0.r0.raw"))
    }
  }
}

@Suite("A scorecard's way into use")
struct StepTests {
  @Test("Each step says what will happen, and sends who has seen which state and why", arguments: [
    ("canary", "{\"reason\":\"spring\",\"percent\":30}"), ("activate", "{\"reason\":\"spring\",\"without_canary\":true}"),
    ("retire", "{\"reason\":\"spring\"}"),
    ("back", "{\"reason\":\"spring\"}"),
  ])
  func steps(_ step: String, _ body: String) async throws {
    try await TestConsole.with { console in
      Cards.tell(console.peers, state: "simulated")
      let secret = try await console.signIn([.admin])
      let page = try await console.get("/scorecards/small/1/\(step)", as: secret).page
      #expect(page.contains("What will happen") && page.contains("name=\"tag\" value=\"&quot;r3&quot;\""))
      if step == "activate" || step == "back" { #expect(page.contains("3 of 100 customers (3 %) would change their tier")) }
      if step == "back" { #expect(page.contains("older v4 rates all customers again") && page.contains("/scorecards/older/4/moves")) }
      console.peers.answer(.post, "/v1/scorecards/small/1/\(step)", Cards.card())
      let form = [("tag", "\"r3\""), ("reason", "spring"), ("percent", "30"), ("without_canary", "1")]
      let done = try await console.post("/scorecards/small/1/\(step)", form, as: secret)
      #expect(done.status == .seeOther)
      let asked = try #require(console.peers.asked.last)
      #expect(asked.target == "/v1/scorecards/small/1/\(step)" && asked.body == body && asked.ifMatch == "\"r3\"")
    }
  }

  @Test("Without a reason, with a share out of range, and where somebody else was faster, the form is shown again with what was entered")
  func refused() async throws {
    try await TestConsole.with { console in
      Cards.tell(console.peers, state: "simulated")
      let secret = try await console.signIn([.admin])
      let empty = try await console.post("/scorecards/small/1/canary", [("reason", ""), ("percent", "51")], as: secret)
      #expect(empty.status == .unprocessable && empty.page.contains("id=\"fault-reason\"") && empty.page.contains("id=\"fault-percent\""))
      #expect(!console.peers.asked.contains { $0.method == "POST" })
      for (status, code) in [(HTTPStatus.preconditionFailed, 412), (.conflict, 409)] {
        console.peers.answer(.post, "/v1/scorecards/small/1/canary", "{\"title\":\"Changed\",\"detail\":\"somebody <b> was faster\"}", status: status)
        let answer = try await console.post("/scorecards/small/1/canary", [("reason", "my reason"), ("percent", "33"), ("tag", "\"r2\"")], as: secret)
        #expect(answer.status.rawValue == code && answer.page.contains("my reason") && answer.page.contains("value=\"33\""))
        #expect(answer.page.contains("somebody &lt;b&gt; was faster") && answer.page.contains("value=\"&quot;r3&quot;\""))
      }
    }
  }

  @Test("What cannot be done yet is said, and no form asks for it")
  func early() async throws {
    try await TestConsole.with { console in
      Cards.tell(console.peers, state: "draft")
      let secret = try await console.signIn([.admin])
      for step in ["canary", "activate"] {
        let page = try await console.get("/scorecards/small/1/\(step)", as: secret).page
        #expect(page.contains("A simulation has to be put on record first.") && !page.contains("name=\"reason\""))
      }
      console.peers.answer(.get, "/v1/scorecards/history", "{\"events\":[],\"next\":null}")
      let back = try await console.get("/scorecards/small/1/back", as: secret).page
      #expect(back.contains("there is none to go back to") && !back.contains("name=\"reason\""))
    }
  }

  @Test("A simulation is put on record with a reason, by the state that was seen")
  func records() async throws {
    try await TestConsole.with { console in
      Cards.tell(console.peers)
      let secret = try await console.signIn([.analyst])
      let page = try await console.get("/scorecards/small/1/moves", as: secret).page
      #expect(page.contains("Put it on record") && page.contains("moves-by-tier"))
      console.peers.answer(.post, "/v1/scorecards/small/1/simulation", Cards.moves())
      #expect(try await console.post("/scorecards/small/1/simulation", [("reason", "")], as: secret).status == .unprocessable)
      let done = try await console.post("/scorecards/small/1/simulation", [("reason", "spring"), ("tag", "\"r3\"")], as: secret)
      #expect(done.location == "/scorecards/small/1?done=saved")
      let asked = try #require(console.peers.asked.last)
      #expect(asked.target == "/v1/scorecards/small/1/simulation?lines=none" && asked.body == "{\"reason\":\"spring\"}" && asked.ifMatch == "\"r3\"")
      let file = try await console.get("/scorecards/small/1/moves?csv=moves", as: secret).page
      #expect(file.contains("00000000000000a1,VIP,VIP,Key,91,80,1000.00") || file.contains("00000000000000a1,Purchases,Purchases,Key,91,80,1000.00"))
    }
  }

  @Test("A trial is shown beside the rest")
  func trial() async throws {
    try await TestConsole.with { console in
      Cards.tell(console.peers, state: "canary")
      let group = """
        {"customers":50,"waiting":1,"average_score":61.25,"agreement_percent":98,"up":0,"down":1,
         "tiers":[{"tier":"vip","name":{"en":"<b>VIP","zh":"贵宾"},"by_active":{"customers":5,"share_percent":10,"revenue_share_percent":50},
          "by_canary":{"customers":4,"share_percent":8,"revenue_share_percent":40}}],
         "since":{"buyers_percent":3.5,"orders":7,"spend_per_customer":1234.5}}
        """
      let result = """
        {"scorecard":"small","scorecard_version":1,"active":"older v4","percent":20,"since":"2026-11-28T00:00:00Z","as_of":"2026-11-29",
         "currency":"CNY","canary":\(group),"rest":\(group)}
        """
      let line = result.replacing("\n", with: " ")
      console.peers.answer(.get, "/v1/scorecards/small/1/comparison", "{\"so_far\":0}\n{\"end\":true,\"result\":\(line)}")
      let secret = try await console.signIn([.auditor])
      let page = try await console.get("/scorecards/small/1/comparison", as: secret).page
      #expect(page.contains("61.3") && page.contains("12.35") && page.contains("3.5 %") && page.contains("&lt;b&gt;VIP") && !page.contains("<b>VIP"))
      let chinese = try await console.get("/scorecards/small/1/comparison", as: secret, headers: ["Cookie": "language=zh-CN"]).page
      #expect(chinese.contains("试行客户") && chinese.contains("贵宾"))
      console.peers.answer(.get, "/v1/scorecards/small/1/comparison", "{\"title\":\"Not possible now\",\"detail\":\"it is not tried\"}", status: .conflict)
      #expect(try await console.get("/scorecards/small/1/comparison", as: secret).status == .conflict)
    }
  }
}
