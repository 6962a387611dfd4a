// `clientele knowledge`, `ticket suggest` and `report knowledge` against a service that answers what it is told to (K-12).
import CommandLine
import HTTP
import Testing
import Text

@Suite(.timeLimit(.minutes(1)))
struct KnowledgeCommandTests {
  private static let version = #"""
    {"number":1,"state":"approved","category":"return","valid_until":"2027-06-30","authors":["Wang"],
    "written":{"actor":"Wang","reason":null,"at":"2026-11-01T01:00:00Z"},"decision":{"actor":"Li","reason":"read","at":"2026-11-02T01:00:00Z"},"ending":null,
    "texts":{"en":{"title":"Returning goods","body":"Within seven days.","keywords":null},"zh-CN":{"title":"退货","body":"七天之内。","keywords":"不想要"}}}
    """#
  private static let article = #"""
    {"article_id":"00000000000000a7","revision":2,"state":"approved","state_name":{"en":"approved","zh":"已批准"},"category":"return",
    "valid_until":"2027-06-30","version":1,"draft_version":null,"titles":{"en":"Returning goods","zh-CN":"退货"},"created_at":"2026-11-01T01:00:00Z",
    "current":\#(version),"draft":null}
    """#
  private static let found = #"""
    {"language":"en","articles":[{"article_id":"00000000000000a7","version":1,"language":"en","category":"return","score":64,"title":"Returning goods",
    "body":"Within\nseven days."}]}
    """#
  private static let question = #"""
    {"question_id":"00000000000000b1","asked_at":"2026-11-03T01:00:00Z","language":"en","category":"return","channel":"app","customer_id":null,
    "text":"how to return","suggestions":[],"outcome":"helped","outcome_at":null,"helped_by":null,"ticket_id":null,"articles":[]}
    """#
  private static let figures = #"""
    "asked":10,"helped":6,"not_helped":3,"nothing_found":1,"open":1,"tickets":2,"deflection_percent":66.6667,"deflection_at_least_percent":60
    """#

  private func call(_ words: [String], language: String = "en") async throws -> (Called, [String]) {
    @Sendable func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }
    return try await FakeSuite.run({ router, asked in
      router.get("/v1/articles") { request in
        asked.add("list \(request.query["state"] ?? "-") \(request.query["expiring_days"] ?? "-")")
        return .json(bytes(#"{"articles":[\#(Self.article)],"next":null}"#))
      }
      router.get("/v1/articles/{id}") { _ in .json(bytes(Self.article), headers: ["ETag": "\"a2\""]) }
      router.get("/v1/articles/{id}/versions") { _ in .json(bytes(#"{"versions":[\#(Self.version)],"next":null}"#)) }
      for path in ["/v1/articles", "/v1/articles/{id}/draft", "/v1/articles/{id}/steps"] {
        router.post(path) { request in
          let tag = request.headers["If-Match"] ?? request.headers["Idempotency-Key"] ?? "-"
          asked.add("post \(tag) \(String(decoding: request.body, as: UTF8.self))")
          return .json(bytes(Self.article))
        }
      }
      for path in ["/v1/suggestions", "/v1/tickets/{id}/suggestions"] {
        router.get(path) { request in
          asked.add("suggest \(request.query["text"] ?? "-") \(request.query["language"] ?? "-") \(request.query["limit"] ?? "-")")
          return .json(bytes(request.query["text"] == "none" ? #"{"language":"en","articles":[]}"# : Self.found))
        }
      }
      router.get("/v1/questions") { _ in .json(bytes(#"{"questions":[\#(Self.question)],"next":null}"#)) }
      for path in ["/v1/questions", "/v1/questions/{id}/outcome"] {
        router.post(path) { request in
          asked.add("post \(String(decoding: request.body, as: UTF8.self))")
          return .json(bytes(Self.question))
        }
      }
      router.get("/v1/reports/knowledge") { request in
        asked.add("report \(request.query["month"] ?? "-") \(request.query["by"] ?? "-")")
        return .json(
          bytes(
            #"{"month":"2026-11","as_of":"2026-11-30T01:00:00Z","by":"category","deflection_goal_percent":80,"groups":[{"group":"return",\#(Self.figures)},"#
              + #"{"group":null,\#(Self.figures)}],"total":{\#(Self.figures)}}"#))
      }
    }) { suite in (await suite.call(words + ["--lang", language]), suite.requests) }
  }

  private func lines(_ text: String) -> [String] { text.split(whereSeparator: \.isNewline).map { $0.split(separator: " ").joined(separator: " ") } }

  @Test func anArticleIsWrittenInEitherLanguageAndChangedOverWhatWasSeen() async throws {
    let folder = Folder()
    let file = folder.write("body.txt", "七天之内")
    let (added, requests) = try await call([
      "knowledge", "add", "--title", "T", "--body", "B", "--title-zh", "题", "--body-zh-file", file, "--category", "return", "--valid-until", "2027-06-30",
      "--key", "k", "--actor", "Wang",
    ])
    #expect(added.code == .ok, "\(added.error)")
    let texts = #"{"en":{"title":"T","body":"B"},"zh-CN":{"title":"题","body":"七天之内"}}"#
    #expect(requests.last == #"post k {"actor":"Wang","category":"return","valid_until":"2027-06-30","texts":\#(texts)}"#)
    let edited = try await call(["knowledge", "edit", "00000000000000a7", "--valid-until", "2028-01-01", "--keywords", "send back", "--actor", "Wang"]).1.last
    let kept = #"{"en":{"keywords":"send back","title":"Returning goods","body":"Within seven days."},"#
      + #""zh-CN":{"title":"退货","body":"七天之内。","keywords":"不想要"}}"#
    #expect(edited == #"post "a2" {"actor":"Wang","valid_until":"2028-01-01","category":"return","texts":\#(kept)}"#)
    let approved = try await call(["knowledge", "approve", "00000000000000a7", "--actor", "Li"]).1.last
    #expect(approved == #"post "a2" {"actor":"Li","step":"approve"}"#)
    #expect(try await call(["knowledge", "add", "--title", "T", "--actor", "Wang"]).0.code == .usage)
  }

  @Test func articlesAreToldInBothLanguages() async throws {
    let (listed, requests) = try await call(["knowledge", "list", "--state", "approved", "--expiring-days", "30"])
    #expect(lines(listed.out).last == "00000000000000a7 approved 1 - 2027-06-30 return Returning goods" && requests.last == "list approved 30")
    #expect(lines(try await call(["knowledge", "list"], language: "zh").0.out).last == "00000000000000a7 已批准 1 - 2027-06-30 return 退货")
    let sheet = lines(try await call(["knowledge", "show", "00000000000000a7"]).0.out)
    #expect(sheet.contains("version 1, approved, good until 2027-06-30, category return") && sheet.contains("[zh-CN] 退货"))
    #expect(sheet.contains("decided by Li 2026-11-02T09:00:00+08:00 (read)"), "\(sheet)")
    #expect(lines(try await call(["knowledge", "show", "00000000000000a7", "--versions"], language: "zh").0.out).first?.hasPrefix("版本 1，已批准") == true)
  }

  @Test func whatIsFoundIsTheBestFirstWithTheBeginningOfItsText() async throws {
    let (searched, requests) = try await call(["knowledge", "search", "how to return", "--language", "en"])
    #expect(lines(searched.out).last == "00000000000000a7 64 en Returning goods Within seven days." && requests.last == "suggest how to return en 3")
    #expect(lines(try await call(["knowledge", "search", "none"], language: "zh").0.out).last == "没有匹配的文章")
    #expect(try await call(["ticket", "suggest", "00000000000000c1", "--limit", "5"]).1.last == "suggest - - 5")
  }

  @Test func aQuestionIsAskedAndItsOutcomeTold() async throws {
    let (asked, requests) = try await call(["knowledge", "ask", "how to return", "--category", "return", "--channel", "app"])
    #expect(lines(asked.out) == ["question 00000000000000b1", "no article covers it"])
    #expect(requests.last == #"post {"category":"return","channel":"app","text":"how to return"}"#)
    let told = try await call(["knowledge", "outcome", "00000000000000b1", "helped", "--article", "00000000000000a7"])
    #expect(told.1.last == #"post {"outcome":"helped","article_id":"00000000000000a7"}"#)
    #expect(lines(told.0.out).last == "00000000000000b1 2026-11-03T09:00:00+08:00 return helped how to return")
    #expect(try await call(["knowledge", "outcome", "00000000000000b1", "maybe"]).0.code == .usage)
  }

  @Test func theReportIsATableAndASheet() async throws {
    let (report, requests) = try await call(["report", "knowledge", "--month", "2026-11"])
    #expect(requests.last == "report 2026-11 category" && lines(report.out).contains("return 10 6 3 1 1 2 66.6667 60"))
    #expect(lines(report.out).last == "goal of questions answered without an agent: 80 %")
    #expect(lines(try await call(["report", "knowledge"], language: "zh").0.out).contains("未知 10 6 3 1 1 2 66.6667 60"))
    #expect(lines(try await call(["report", "knowledge", "--csv"]).0.out).last == "2026-11,,10,6,3,1,1,2,66.6667,60")
  }
}
