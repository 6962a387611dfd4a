// `clientele report nps` and `clientele survey answers` against a service that answers what is known (F-03, F-04).
import CommandLine
import HTTP
import Runtime
import Testing
import Text

@Suite(.timeLimit(.minutes(1)))
struct SurveyCommandTests {
  private static let report = #"""
    {"metric":"nps","survey":null,"by":"tier","from":"2026-09-01","to":"2026-11-29","as_of":"2026-11-29T02:00:00Z","answers_min":30,"groups":[
    {"group":"vip","name":{"en":"VIP","zh":"VIP 客户"},"answers":40,"favourable":24,"unfavourable":12,"scores":{"10":24},"value":30,"low":1.27,"high":54.54,
    "answers_before":30,"change":{"value":-3.33,"low":-33.5,"high":26.8},
    "invited":80,"invited_answered":32,"response_rate":{"value":40,"low":29.9,"high":51}},
    {"group":null,"name":null,"answers":5,"favourable":5,"unfavourable":0,"scores":{"10":5},"value":null,"low":31.2,"high":100,
    "answers_before":0,"change":null,"invited":0,"invited_answered":0,"response_rate":null}],
    "total":{"answers":45,"favourable":29,"unfavourable":12,"scores":{"10":29},"value":37.78,"low":11.3,"high":59.5,
    "answers_before":30,"change":{"value":4.45,"low":-20,"high":30},"invited":80,"invited_answered":32,"response_rate":{"value":40,"low":29.9,"high":51}}}
    """#
  private static let recovery = #"""
    {"metric":"csat","survey":null,"from":"2026-09-01","to":"2026-11-29","as_of":"2026-11-29T02:00:00Z","answers_min":30,"unfavourable":80,"asked_again":40,
    "recovered":30,"value":75,"low":59.81,"high":85.81,"days":60,"currency":"CNY","groups":[
    {"group":"recovered","name":{"en":"won back","zh":"已挽回"},"customers":50,"observed":40,"ordered":30,
    "reorder_rate":{"value":75,"low":59.81,"high":85.81},"orders_each":1.5,"spend_each":"120.50","difference":null},
    {"group":"not_recovered","name":{"en":"not won back","zh":"未挽回"},"customers":10,"observed":10,"ordered":1,
    "reorder_rate":{"value":null,"low":1.79,"high":40.42},"orders_each":null,"spend_each":null,"difference":{"value":null,"low":31.7,"high":79.2}},
    {"group":"not_again","name":{"en":"not answered again","zh":"未再回答"},"customers":20,"observed":0,"ordered":0,"reorder_rate":null,
    "orders_each":null,"spend_each":null,"difference":null}]}
    """#
  private static let survey = #"""
    {"survey":"nps-quarterly","version":2,"is_current":false,"metric":"nps","purpose":"relationship","expires_days":14,
    "title":{"en":"How are we doing?","zh":"您满意吗？"},
    "question":{"en":"Would you recommend us?","zh":"会推荐我们吗？"},"author":"me","scale":{"low":{"en":"no","zh":"不会"},"high":{"en":"gladly","zh":"乐意"}},
    "comment":{"en":"Why?","zh":"为什么？"},"questions":[{"id":"area","kind":"choice","text":{"en":"What first?","zh":"先改什么？"},
    "options":[{"id":"price","name":{"en":"Price","zh":"价格"}},{"id":"goods","name":{"en":"Goods","zh":"商品"}}],
    "when":{"from":0,"to":6,"question":null,"is":null}},
    {"id":"more","kind":"yes_no","text":{"en":"More?","zh":"还有吗？"},"options":null,"when":{"from":null,"to":null,"question":"area","is":["price","goods"]}}],
    "thanks":{"en":"Thank you.","zh":"谢谢。"}}
    """#
  private static let invited = #"""
    {"survey":"nps-quarterly","version":1,"invited":1,"invitations":[
    {"customer_id":"00000000000000c5","outcome":"invited","detail":null,"invitation_id":"0000000000000001","state":"sent","link":"/s/TOKEN",
    "expires_at":"2026-12-13T02:00:00Z"},
    {"customer_id":"00000000000000c6","outcome":"opted_out","detail":"the customer wants no surveys","invitation_id":null,"state":null,"link":null,
    "expires_at":null}]}
    """#
  private static let invitations = #"""
    {"invitations":[{"invitation_id":"0000000000000001","state":"answered","customer_id":"00000000000000c5","tier":"vip","survey":"nps-quarterly",
    "survey_version":1,"cause":"hand","sent_at":"2026-11-29T02:00:00Z","expires_at":"2026-12-13T02:00:00Z","score":9}],"next":null}
    """#
  private static let optedOut = #"""
    {"customer_id":"00000000000000c5","is_opted_out":true,"since":"2026-11-29T02:00:00Z","actor":"Li","reason":"by phone"}
    """#
  private static let mayBeAsked = #"""
    {"customer_id":"00000000000000c5","is_opted_out":false,"since":null,"actor":null,"reason":null}
    """#
  private static let answers = #"""
    {"answers":[{"answer_id":"0000000000000001","customer_id":"00000000000000c5","tier":"vip","source":"polls","event_id":"a",
    "occurred_at":"2026-11-29T02:00:00Z","survey":"nps","survey_version":1,
    "metric":"nps","score":2,"comment":"慢\n太慢","channel":null,
    "ticket_id":null,"order_id":null,"item":null,"follow_ups":[]}],
    "next":"17-0000000000000001"}
    """#

  private func call(_ words: [String], language: String = "en") async throws -> (Called, [String]) {
    try await FakeSuite.run({ router, asked in
      router.get("/v1/reports/answers") { request in
        let names = ["metric", "by", "survey", "from", "to", "compare"]
        asked.add(names.map { request.query[$0] ?? "-" }.joined(separator: " "))
        return .json(Array(Self.report.utf8))
      }
      router.get("/v1/reports/recovery") { request in
        asked.add(["metric", "survey", "from", "to", "days"].map { request.query[$0] ?? "-" }.joined(separator: " "))
        return .json(Array(Self.recovery.utf8))
      }
      router.get("/v1/surveys") { request in
        asked.add("surveys \(request.query["all"] ?? "-")")
        return .json(Array("{\"surveys\":[\(Self.survey)]}".utf8))
      }
      router.get("/v1/surveys/{survey}") { request in
        asked.add("\(try request.parameter("survey")) \(request.query["version"] ?? "-")")
        return .json(Array(Self.survey.utf8))
      }
      router.post("/v1/invitations") { request in
        asked.add(try JSONValue(request.body).encodedText)
        return .json(Array(Self.invited.utf8))
      }
      router.get("/v1/invitations") { request in
        asked.add(["customer_id", "survey", "state", "limit"].map { request.query[$0] ?? "-" }.joined(separator: " "))
        return .json(Array(Self.invitations.utf8))
      }
      for method in [HTTPMethod.put, .delete] {
        router.on(method, "/v1/customers/{customer_id}/opt-out") { request in
          asked.add("\(method) \(try request.parameter("customer_id")) \(String(decoding: request.body, as: UTF8.self))")
          return .json(Array((method == .put ? Self.optedOut : Self.mayBeAsked).utf8))
        }
      }
      router.get("/v1/answers") { request in
        asked.add(["customer_id", "metric", "survey", "unfavourable", "limit"].map { request.query[$0] ?? "-" }.joined(separator: " "))
        return .json(Array(Self.answers.utf8))
      }
    }) { suite in (await suite.call(words + ["--lang", language]), suite.requests) }
  }

  @Test func figuresStandWithTheirIntervalsAndTooFewAnswersHaveNone() async throws {
    let (called, requests) = try await call(["report", "nps", "--compare", "--from", "2026-09-01", "--survey", "nps"])
    #expect(called.code == .ok && requests.last == "nps tier nps 2026-09-01 - true", "\(called.error)")
    let lines = called.out.split(whereSeparator: \.isNewline).map { $0.split(separator: " ").joined(separator: " ") }
    #expect(lines.first == "Answers from 2026-09-01 to 2026-11-29")
    #expect(lines.contains("VIP 40 24 12 30.00 1.27 … 54.54 30 -3.33 -33.50 … 26.80 80 40.00"), "\(called.out)")
    #expect(lines.contains("not known 5 5 0 - 31.20 … 100.00 0 - - 0 -") && lines.contains("all 45 29 12 37.78 11.30 … 59.50 30 4.45 -20.00 … 30.00 80 40.00"))
    #expect(lines.contains("A figure on fewer than 30 answers is -: only its interval is told."))
  }

  @Test func headingsAreChineseWhereThatIsAsked() async throws {
    let out = try await call(["report", "nps"], language: "zh").0.out
    for words in ["2026-09-01 至 2026-11-29 的回答", "推荐者", "贬损者", "95% 置信区间", "上期回答数", "VIP 客户", "未知", "合计"] { #expect(out.contains(words), "\(words)") }
  }

  @Test func spreadsheetsAndProgramsGetTheSame() async throws {
    let lines = try await call(["report", "nps", "--csv"]).0.out.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
    let figures = "answers,favourable,unfavourable,value,low,high,answers_before,change,change_low,change_high"
    #expect(lines.first == "metric,from,to,tier,\(figures),invited,invited_answered,response_rate")
    #expect(lines.dropFirst().first == "nps,2026-09-01,2026-11-29,vip,40,24,12,30,1.27,54.54,30,-3.33,-33.5,26.8,80,32,40")
    #expect(lines.dropFirst(2).first == "nps,2026-09-01,2026-11-29,,5,5,0,,31.2,100,0,,,,0,0,")
    #expect(try JSONValue(parsing: try await call(["report", "nps", "--json"]).0.out)["total"]?["answers"] == 45)
  }

  @Test func whatCannotBeAskedIsRefusedBeforeAnythingIsAsked() async throws {
    for words in [["--by", "mood"], ["--metric", "joy"], ["--from", "yesterday"], ["--csv", "--json"], ["--by", "month", "--compare"]] {
      let (called, requests) = try await call(["report", "nps"] + words)
      #expect(called.code == .usage && requests.isEmpty, "\(words): \(called.error)")
    }
  }

  @Test func whoWasWonBackIsToldInASentence() async throws {
    let (english, requests) = try await call(["report", "recovery", "--metric", "csat", "--from", "2026-09-01"])
    #expect(english.code == .ok && requests.last == "csat - 2026-09-01 - 90", "\(english.error)")
    #expect(english.out.hasPrefix("CSAT, 2026-09-01 to 2026-11-29: 80 customers answered unfavourably, 40 of them answered again, 30 of these no longer so\n"))
    #expect(english.out.contains("won back: 75 %, 95 % interval 59.81 … 85.81"))
    let chinese = try await call(["report", "recovery"], language: "zh").0.out
    #expect(chinese.contains("80 位客户给出不利回答") && chinese.contains("挽回率：75 %"))
    for words in [["--to", "soon"], ["--days", "0"], ["--csv", "--json"]] {
      #expect(try await call(["report", "recovery"] + words).0.code == .usage, "\(words)")
    }
  }

  @Test func whatTheWonBackAndTheOthersOrderedStandsBesideEachOther() async throws {
    let (called, requests) = try await call(["report", "recovery", "--days", "60"])
    #expect(called.code == .ok && requests.last == "nps - - - 60", "\(called.error)")
    let lines = called.out.split(whereSeparator: \.isNewline).map { $0.split(separator: " ").joined(separator: " ") }
    #expect(lines.contains("won back 50 40 75.00 59.81 … 85.81 1.50 120.50 - -"), "\(called.out)")
    #expect(lines.contains("not won back 10 10 - 1.79 … 40.42 - - - 31.70 … 79.20") && lines.contains("not answered again 20 0 - - - - - -"))
    let chinese = try await call(["report", "recovery", "--days", "60"], language: "zh").0.out
    for words in ["回答后 60 天内的订单", "已挽回者高出", "人均 CNY", "未再回答"] { #expect(chinese.contains(words), "\(words)") }
    let csv = try await call(["report", "recovery", "--csv"]).0.out.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
    let figures = "customers,observed,ordered,reorder_rate,low,high,orders_each,spend_each,difference,difference_low,difference_high"
    #expect(csv.first == "metric,from,to,days,currency,group,\(figures)")
    #expect(csv.dropFirst(2).first == "csat,2026-09-01,2026-11-29,60,CNY,not_recovered,10,10,1,,1.79,40.42,,,,31.7,79.2")
  }

  @Test func answersAreListedOnOneLineEachWithThePlaceToGoOn() async throws {
    let (called, requests) = try await call(["survey", "answers", "--unfavourable", "--customer", "00000000000000c5", "--limit", "7"])
    #expect(called.code == .ok && requests.last == "00000000000000c5 - - true 7", "\(requests) \(called.error)")
    let lines = called.out.split(whereSeparator: \.isNewline).map { $0.split(separator: " ").joined(separator: " ") }
    #expect(lines.contains("2026-11-29T10:00:00+08:00 00000000000000c5 vip nps nps 2 - - 慢 太慢"), "\(called.out)")
    #expect(lines.last == "more: --after 17-0000000000000001")
  }

  @Test func whatATextSaysIsToldInBothLanguagesAndAWrongFileByLine() async throws {
    #expect(await Tool.call(["comment", "read", "物流很快，但是质量太差"]).out == "mixed\nDelivery: positive\nQuality of goods: negative\n")
    #expect(await Tool.call(["--lang", "zh", "comment", "read", "not bad"]).out == "正面\n")
    let json = await Tool.call(["comment", "read", "--json", "the app crashes"]).out
    #expect(try JSONValue(parsing: json) == ["polarity": "negative", "topics": [["topic": "app", "polarity": "negative"]]])
    #expect(await Tool.call(["comment", "check", "deploy/comments.yaml"]).out.hasPrefix("ok: v1, 8 topics, "))
    let wrong = await Tool.call(["comment", "read", "--rules", "deploy/desk.yaml", "x"])
    #expect(wrong.code == .failed && wrong.error.contains("deploy/desk.yaml:"))
  }

  @Test func surveysAreListedAndShownQuestionByQuestion() async throws {
    let (listed, requests) = try await call(["survey", "list", "--all"])
    #expect(listed.code == .ok && requests.last == "surveys true", "\(listed.error)")
    let lines = listed.out.split(whereSeparator: \.isNewline).map { $0.split(separator: " ").joined(separator: " ") }
    #expect(lines.contains("nps-quarterly 2 (former) nps relationship 14 How are we doing?"), "\(listed.out)")
    let (shown, asked) = try await call(["survey", "show", "nps-quarterly", "--edition", "2"])
    #expect(shown.code == .ok && asked.last == "nps-quarterly 2", "\(shown.error)")
    for line in [
      "Would you recommend us?", "  0 no … 10 gladly", "What first?  (area)  [score 0 to 6]", "  price: Price | goods: Goods",
      "More?  (more)  [area is price or goods]", "  yes | no",
    ] { #expect(shown.out.contains(line + "\n"), "\(line): \(shown.out)") }
    let chinese = try await call(["survey", "show", "nps-quarterly"], language: "zh").0.out
    #expect(chinese.contains("先改什么？  (area)  [分数 0 至 6]\n  price: 价格 | goods: 商品\n"))
  }

  @Test func aFileIsCheckedWithoutASuite() async throws {
    let path = "/tmp/clientele-check-\(UInt64.random(in: 0 ... .max)).yaml"
    try Files.write(path, try #require(Resources.text("deploy/surveys/nps-quarterly.yaml")))
    let good = try await call(["survey", "check", path]).0
    #expect(good.code == .ok && good.out == "ok: nps-quarterly v1, 3 further questions\n", "\(good.error)")
    try Files.write(path, "survey: Mine\nend: true\n")
    let bad = try await call(["survey", "check", path]).0
    #expect(bad.code == .failed && bad.error.contains("`metric` is missing") && bad.error.contains("`thanks` is missing"), "\(bad.error)")
  }

  @Test func linksAreMadeForAListAndTheRestIsToldWhyNot() async throws {
    let path = "/tmp/clientele-invite-\(UInt64.random(in: 0 ... .max)).txt"
    try Files.write(path, "# spring\n00000000000000c6\n\n")
    let words = ["survey", "invite", "--survey", "nps-quarterly", "--customer", "00000000000000c5", "--file", path, "--reference", "spring", "--actor", "Li"]
    let (made, requests) = try await call(words)
    let asked = #"{"survey":"nps-quarterly","reference":"spring","actor":"Li","customers":["00000000000000c5","00000000000000c6"]}"#
    #expect(made.code == .ok && requests.last == asked, "\(made.error) \(requests)")
    let lines = made.out.split(whereSeparator: \.isNewline).map { $0.split(separator: " ").joined(separator: " ") }
    #expect(lines.contains { $0.hasPrefix("00000000000000c5 invited http://") && $0.contains("/s/TOKEN 2026-12-13T10:00:00+08:00") }, "\(made.out)")
    #expect(lines.contains("00000000000000c6 refused - - the customer wants no surveys"))
    #expect(try await call(words, language: "zh").0.out.contains("客户不愿接收问卷"))
  }

  @Test func nobodyIsInvitedWhenOneOfTheListIsNoCustomer() async throws {
    let start = ["survey", "invite", "--survey", "nps-quarterly", "--actor", "Li"]
    for words in [[], ["--customer", "c5"], ["--customer", "00000000000000c5", "--file", "/nowhere"]] {
      let (called, requests) = try await call(start + words)
      #expect(called.code == .usage && requests.isEmpty, "\(words): \(called.error)")
    }
  }

  @Test func invitationsAreListedAndWhoWantsNoneIsNoted() async throws {
    let (listed, requests) = try await call(["survey", "invitations", "--state", "answered", "--survey", "nps-quarterly"])
    #expect(listed.code == .ok && requests.last == "- nps-quarterly answered 50", "\(listed.error)")
    let lines = listed.out.split(whereSeparator: \.isNewline).map { $0.split(separator: " ").joined(separator: " ") }
    let times = "2026-11-29T10:00:00+08:00 2026-12-13T10:00:00+08:00"
    #expect(lines.contains("0000000000000001 answered 00000000000000c5 vip nps-quarterly v1 hand \(times) 9"), "\(listed.out)")
    let (out, asked) = try await call(["survey", "opt-out", "00000000000000c5", "--actor", "Li", "--reason", "by phone"])
    #expect(out.out == "00000000000000c5 is not asked since 2026-11-29T10:00:00+08:00, by Li (by phone)\n", "\(out.error)")
    #expect(asked.last == #"PUT 00000000000000c5 {"actor":"Li","reason":"by phone"}"#)
    let (back, last) = try await call(["survey", "opt-in", "00000000000000c5"], language: "zh")
    #expect(back.out == "00000000000000c5 可接收问卷邀请\n" && last.last == "DELETE 00000000000000c5 ")
  }
}
