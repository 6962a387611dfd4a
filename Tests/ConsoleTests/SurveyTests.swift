// Pages on surveys: figures never without their ranges, comments as text, forms, files, and who sees what.
import Access
import Domain
import HTTP
import TestSupport
import Testing
import Text

@testable import console

@Suite("Pages on surveys", .enabled(if: TestDatabase.isAvailable, "\(TestDatabase.whyNot)")) struct SurveyTests {
  private static func figures(_ answers: Int, value: String, words: String = "app") -> String {
    """
    "answers":\(answers),"favourable":7,"unfavourable":6,"scores":{"0":1,"9":4,"10":3},"value":\(value),"low":-30.72,"high":40.24,"answers_before":23,\
    "change":{"value":\(value == "null" ? "null" : "-3.35"),"low":-54.64,"high":41.08},"invited":50,"invited_answered":10,\
    "response_rate":{"value":20,"low":11.24,"high":33.04}
    """
  }

  private static func report(_ by: String, _ groups: [(String, Int, String)], total: (Int, String)) -> String {
    let groups = groups.map { #"{"group":\#(Hostile.json($0.0)),"name":null,\#(figures($0.1, value: $0.2))}"# }.joined(separator: ",")
    return """
      {"metric":"nps","survey":null,"by":"\(by)","from":"2026-09-01","to":"2026-11-29","as_of":"2026-11-29T15:59:59Z","answers_min":30,\
      "groups":[\(groups)],"total":{\(figures(total.0, value: total.1))}}
      """
  }

  private static func surveys(_ words: String) -> String {
    let text = Hostile.json(words)
    return """
      {"surveys":[{"survey":"nps-quarterly","version":1,"is_current":true,"metric":"nps","purpose":"relationship","expires_days":14,\
      "title":{"en":\(text),"zh":\(text)},"question":{"en":\(text),"zh":\(text)}}]}
      """
  }

  /// Everything that these pages ask for.
  private static func answer(_ peers: FakePeers, _ words: String = "late") {
    let text = Hostile.json(words)
    let name = #"{"en":\#(text),"zh":\#(text)}"#
    let counts = #"""
      "comments":37,"share_percent":30.33,"positive":23,"negative":14,"mixed":0,"neutral":0,"before":3,"change":34,"growth_percent":15.63,\#
      "unhappy":14,"unhappy_before":12,"is_hot":true
      """#
    peers.answer(.get, "/v1/surveys", surveys(words))
    peers.answer(.get, "/v1/comment-rules", #"{"version":1,"topics":[{"topic":"logistics","name":\#(name),"words":[]}]}"#)
    peers.answer(.get, "/v1/reports/answers", report("tier", [(words, 18, "null"), ("web", 40, "12.5")], total: (88, "29.55")))
    peers.answer(
      .get, "/v1/reports/topics",
      #"""
      {"metric":null,"from":"2026-09-01","to":"2026-11-29","as_of":"2026-11-29T15:59:59Z","unread":2,"topics":[{"topic":"logistics","name":\#(name),\#
      \#(counts)}],"none":{\#(counts)},"total":{\#(counts)}}
      """#)
    peers.answer(
      .get, "/v1/reports/recovery",
      #"""
      {"metric":"nps","from":"2026-06-03","to":"2026-11-29","as_of":"2026-11-29T15:59:59Z","answers_min":30,"unfavourable":33,"asked_again":19,\#
      "recovered":16,"value":null,"low":62.43,"high":94.48,"days":90,"currency":"CNY","groups":[{"group":"recovered","name":\#(name),"customers":16,\#
      "observed":9,"ordered":2,"reorder_rate":{"value":null,"low":6.32,"high":54.74},"orders_each":null,"spend_each":null,"difference":null}]}
      """#)
    let head = #""name":"before-app","from":"2026-01-01","to":"2026-04-30","taken_at":"2026-05-01T08:00:00Z","actor":\#(text),"reason":\#(text)"#
    peers.answer(.get, "/v1/baselines", "{\"baselines\":[{\(head)}],\"next\":null}")
    peers.answer(.get, "/v1/baselines/before-app", "{\(head),\"figures\":[]}")
    peers.answer(
      .get, "/v1/baselines/before-app/comparison",
      #"""
      {"baseline":{\#(head)},"from":"2026-05-01","to":"2026-11-29","as_of":"2026-11-29T15:59:59Z","answers_min":30,"groups":[{"metric":"nps",\#
      "by":"channel","group":\#(text),"name":null,"before":{"answers":113,"value":23.89,"low":8.72,"high":37.83},"after":{"answers":9,"value":null,\#
      "low":14.03,"high":53.71},"change":{"value":null,"low":1.5,"high":35.2}}]}
      """#)
    peers.answer(
      .get, "/v1/answers",
      #"""
      {"answers":[{"answer_id":"7f9c769c5d36eabc","customer_id":"\#(DeskAnswers.customer)","tier":"key","occurred_at":"2026-11-28T07:13:00Z",\#
      "survey":"nps-quarterly","survey_version":1,"metric":"nps","score":3,"comment":\#(text),"channel":\#(text),"ticket_id":null,\#
      "order_id":\#(text),"item":\#(text),"polarity":"negative","topics":[{"topic":"logistics","polarity":"negative"}],\#
      "follow_ups":[{"question":\#(text),"answer":\#(text)}]}],"next":"1-7f9c769c5d36eabc"}
      """#)
    peers.answer(
      .get, "/v1/surveys/nps-quarterly",
      #"""
      {"survey":"nps-quarterly","version":1,"is_current":false,"metric":"nps","purpose":"relationship","expires_days":14,"title":\#(name),\#
      "question":\#(name),"author":\#(text),"scale":{"low":\#(name),"high":\#(name)},"comment":\#(name),"questions":[{"id":"area","kind":"choice",\#
      "text":\#(name),"options":[{"id":"price","name":\#(name)}],"when":{"from":0,"to":8,"question":null,"is":null}}],"thanks":\#(name)}
      """#)
    peers.answer(
      .get, "/v1/invitations",
      #"""
      {"invitations":[{"invitation_id":"7fcc54c2bd038759","state":"dropped","customer_id":"\#(DeskAnswers.customer)","tier":null,\#
      "survey":"nps-quarterly","survey_version":1,"metric":"nps","cause":"schedule","reason":\#(text),"sent_at":null,\#
      "expires_at":"2026-12-26T10:42:30Z","score":3,"planned_at":"2026-12-02T10:42:30Z","held":"gap","dropped":"budget","delivery":"bounced",\#
      "delivery_reason":"no_address"}],"next":null}
      """#)
    peers.answer(
      .get, "/v1/deliveries",
      #"""
      {"deliveries":[{"delivery_id":"7fcc54c2bd038759","state":"bounced","kind":"reminder","customer_id":"\#(DeskAnswers.customer)",\#
      "survey":\#(text),"way":"email","reason":\#(text),"attempts":3,"asked_at":"2026-11-28T07:13:00Z","next_attempt_at":null,"delivered_at":null,\#
      "opened_at":null}],"next":null}
      """#)
    peers.answer(.get, "/v1/ways", #"{"email":false,"webhook":false,"deliveries":{"waiting":0,"accepted":2,"bounced":1,"undeliverable":0}}"#)
  }

  private static let paths = [
    "/surveys", "/surveys/topics", "/surveys/recovery", "/surveys/baselines", "/surveys/baselines/before-app", "/surveys/answers", "/surveys/asked",
    "/surveys/nps-quarterly", "/surveys/invitations", "/surveys/deliveries",
  ]

  @Test("A figure comes with its range, its answers and what was before; on too few answers there is the range alone")
  func figures() async throws {
    try await TestConsole.with { console in
      SurveyTests.answer(console.peers)
      let secret = try await console.signIn([.manager])
      let page = try await console.get("/surveys?by=channel", as: secret).page
      for words in [
        "<p class=\"value\">29.6</p>", "between −30.7 … 40.2, 88 answers", "before: −3.4; may be chance", "20.0 % of those asked answered",
        "<td class=\"number\">12.5</td>", "As of 2026-11-29 23:59",
      ] { #expect(page.contains(words), "\(words)") }
      let asked = console.peers.asked.map(\.target).filter { $0.hasPrefix("/v1/reports/answers") }
      #expect(asked.contains("/v1/reports/answers?metric=nps&from=2026-09-01&to=2026-11-29&by=channel&compare=true"))
      #expect(asked.contains("/v1/reports/answers?metric=nps&to=2026-11-29&from=2025-12-01&by=month") && asked.count == 4)
      console.peers.answer(.get, "/v1/reports/answers", SurveyTests.report("tier", [("web", 18, "null")], total: (18, "null")))
      let few = try await console.get("/surveys?lang=zh", as: secret).page
      #expect(few.contains("<p class=\"value\">−30.7 … 40.2</p>") && few.contains("18 份回答：不足 30 份，仅给出区间"))
      #expect(!few.contains("29.6"))
      let file = try await console.get("/surveys?csv=results", as: secret).page
      #expect(file.contains("web,18,7,6,,−30.7 … 40.2,23,,−54.6 … 41.1,50,20.0"))
    }
  }

  @Test("What is no day, metric or group in an address counts as not said")
  func addresses() async throws {
    try await TestConsole.with { console in
      SurveyTests.answer(console.peers)
      let secret = try await console.signIn([.analyst])
      #expect(try await console.get("/surveys?metric=%3Cb%3E&from=x&to=2026-13-40&by=../&survey=%22%3E%3Cb%3E", as: secret).status == .ok)
      #expect(
        console.peers.asked.contains {
          $0.target == "/v1/reports/answers?metric=nps&survey=%22%3E%3Cb%3E&from=2026-09-01&to=2026-11-29&by=tier&compare=true"
        })
    }
  }

  @Test("Each page tells its own in both languages")
  func told() async throws {
    try await TestConsole.with { console in
      SurveyTests.answer(console.peers)
      let secret = try await console.signIn([.manager])
      for (path, english, chinese) in [
        ("/surveys/topics", "2 comments are still to be read", "另有 2 条意见尚未按现行规则读取"), ("/surveys/recovery", "62.4 … 94.5", "不足 30 位，仅给出区间"),
        ("/surveys/baselines", "Take a baseline", "保存基线"), ("/surveys/baselines/before-app", "clear", "显著"),
        ("/surveys/answers", "late: negative", "late: 负面"), ("/surveys/asked", "how we stand", "关系"),
        ("/surveys/nps-quarterly", "Only on scores 0 to 8", "仅当分数为 0 至 8"), ("/surveys/invitations", "asked often enough in this time", "期限内触达额度不足"),
        ("/surveys/deliveries", "No mail server and no webhook is set up", "未配置邮件服务器或 webhook"),
      ] {
        #expect(try await console.get(path, as: secret).page.contains(english), "\(path)")
        #expect(try await console.get("\(path)?lang=zh", as: secret).page.contains(chinese), "\(path)")
      }
      #expect(console.peers.asked.contains { $0.target == "/v1/baselines/before-app/comparison?from=2026-05-01" })
      _ = try await console.get("/surveys/answers?unfavourable=true&topic=logistics&polarity=negative&metric=nps&before=1-7f9c769c5d36eabc", as: secret)
      #expect(
        console.peers.asked.last { $0.target.hasPrefix("/v1/answers") }?.target
          == "/v1/answers?metric=nps&polarity=negative&topic=logistics&unfavourable=true&after=1-7f9c769c5d36eabc&limit=40")
    }
  }

  @Test("Whatever customers and people wrote stays text, on the page and in files", arguments: Hostile.texts)
  func hostile(_ text: String) async throws {
    try await TestConsole.with { console in
      SurveyTests.answer(console.peers, text)
      let secret = try await console.signIn([.manager])
      for path in SurveyTests.paths {
        let answer = try await console.get(path, as: secret)
        #expect(answer.status == .ok && Hostile.isHarmless(answer.page), "\(path)")
        let ids = answer.page.split(separator: " id=\"").dropFirst().map { String($0.prefix { $0 != "\"" }) }
        #expect(Set(ids).count == ids.count, "\(path)")
      }
      for file in [
        "/surveys?csv=results", "/surveys?csv=months", "/surveys?csv=scores", "/surveys/topics?csv=topics", "/surveys/recovery?csv=recovery",
        "/surveys/baselines?csv=baselines", "/surveys/baselines/before-app?csv=comparison", "/surveys/answers?csv=answers", "/surveys/asked?csv=surveys",
        "/surveys/invitations?csv=invitations", "/surveys/deliveries?csv=deliveries",
      ] {
        let answer = try await console.get(file, as: secret)
        #expect(answer.headers["Content-Type"]?.hasPrefix("text/csv") == true, "\(file)")
        for start in [",=1+1", ",\"=1+1", "\r\n=1+1", "\r\n\"=1+1"] { #expect(!answer.page.contains(start), "\(file)") }
      }
    }
  }

  @Test("Who may see no figures is led to what is asked, and sees no answer of a customer")
  func forbidden() async throws {
    try await TestConsole.with { console in
      SurveyTests.answer(console.peers)
      let agent = try await console.signIn([.agent])
      #expect(try await console.get("/surveys", as: agent).location == "/surveys/asked")
      for path in SurveyTests.paths[1...5] { #expect(try await console.get(path, as: agent).status == .forbidden, "\(path)") }
      let page = try await console.get("/surveys/asked", as: agent).page
      #expect(page.contains("/surveys/invitations") && !page.contains("/surveys/answers"))
      let analyst = try await console.signIn([.analyst])
      for path in ["/surveys/invitations", "/surveys/deliveries"] { #expect(try await console.get(path, as: analyst).status == .forbidden, "\(path)") }
    }
  }

  @Test("A baseline is taken as it was entered, and one that is refused is asked for again; a delivery is tried anew by who may")
  func forms() async throws {
    try await TestConsole.with { console in
      SurveyTests.answer(console.peers)
      let secret = try await console.signIn([.manager])
      let fields = [
        ("baseline_name", "before-app"), ("baseline_from", "2026-01-01"), ("baseline_to", "2026-04-30"), ("baseline_reason", "a \"new\" app"),
      ]
      console.peers.answer(
        .post, "/v1/baselines", #"{"title":"Unprocessable Content","errors":[{"field":"to","rule":"range","detail":"not after today"}]}"#,
        status: .unprocessable)
      let refused = try await console.post("/surveys/baselines", fields, as: secret)
      #expect(refused.status == .unprocessable && refused.page.contains("value=\"a &quot;new&quot; app\"") && refused.page.contains("not after today"))
      console.peers.answer(.post, "/v1/baselines", #"{"name":"before-app"}"#, status: .created)
      #expect(try await console.post("/surveys/baselines", fields, as: secret).location == "/surveys/baselines/before-app?done=saved")
      #expect(console.peers.asked.last?.body == #"{"name":"before-app","from":"2026-01-01","to":"2026-04-30","reason":"a \"new\" app"}"#)
      console.peers.answer(.post, "/v1/deliveries/7fcc54c2bd038759/retry", "{}")
      #expect(try await console.post("/surveys/deliveries/7fcc54c2bd038759/retry", [], as: secret).location == "/surveys/deliveries?done=sent")
      #expect(try await console.post("/surveys/deliveries/7fcc54c2bd038750/retry", [], as: secret).status == .notFound)
      let agent = try await console.signIn([.agent])
      #expect(try await !console.get("/surveys/deliveries", as: agent).page.contains("/retry"))
      #expect(try await console.post("/surveys/deliveries/7fcc54c2bd038759/retry", [], as: agent).status == .forbidden)
    }
  }

  @Test("Numbers are told to one decimal with the sign of a change, and nothing where there is none")
  func numbers() {
    for (value, text) in [("29.55", "29.6"), ("-0.04", "0.0"), ("-3.35", "−3.4"), ("100", "100.0"), ("1e300", "–"), ("0.95", "1.0")] {
      #expect(SurveyFigures.text(.number(value)) == text, "\(value)")
    }
    #expect(SurveyFigures.text(.number("3.636"), digits: 2) == "3.64" && SurveyFigures.text(nil) == "–" && SurveyFigures.signed(.number("3.35"), 1) == "+3.4")
  }
}
