// K-12 on the tables and over HTTP: articles are found while they are good, questions are answered or become tickets, and the share is told.
import Domain
import HTTP
import Handling
import Postgres
import Runtime
import Synchronization
import TestSupport
import Testing
import Text
import TicketsCore
import TicketsStore

@testable import tickets

@Suite("Knowledge base: terms")
struct KnowledgeTermTests {
  @Test("Words of one stem are one term, silent words none", arguments: [
    ("How do I get refunds?", "refund"), ("refunded, refunding", "refund refund"), ("changes changed changing", "chang chang chang"),
    ("cancelled cancelling cancels", "cancel cancel cancel"), ("deliveries delivery", "deliveri deliveri"), ("stopped, called", "stop call"),
    ("don't you", ""), ("Ｅ１０１ e101", "e101 e101"), ("caf\u{65}\u{301} café", "café café"), ("is this us", ""), ("news bus glass", "new bus glass"),
  ])
  func english(_ text: String, _ terms: String) { #expect(KnowledgeTerms.all(of: text).joined(separator: " ") == terms) }

  @Test("Chinese is taken in pairs of characters, none over a silent word, a mark or a Latin word", arguments: [
    ("退款到账", "退款 款到 到账"), ("怎么退款", "退款"), ("我的订单，取消", "订单 取消"), ("路由器E101报错", "路由 由器 e101 报错"), ("退了款", "退 款"), ("你好请问", ""),
  ])
  func chinese(_ text: String, _ terms: String) { #expect(KnowledgeTerms.all(of: text).joined(separator: " ") == terms) }

  @Test("A word of the title says more than one of the body, one of a short text more than one of a long text, and the most said stays below the whole")
  func weights() {
    func weight(_ text: ArticleText) -> Int16 { KnowledgeTerms.weights(of: text).first { $0.term == "refund" }?.weight ?? 0 }
    let (title, body) = (weight(ArticleText(title: "refund", body: "x")), weight(ArticleText(title: "x", body: "refund")))
    let long = weight(ArticleText(title: "x", body: "refund" + String(repeating: " other words", count: 200)))
    #expect(title > body && body > long && long > 0)
    #expect(weight(ArticleText(title: "refund", body: String(repeating: "refund ", count: 2_000))) < 1_000)
  }

  @Test("The rarest terms are looked for until the index would be read too far; what no article has counts against all")
  func plan() {
    let counts: [String: Int64] = ["rare": 2, "usual": 500, "everywhere": 9_000]
    let plan = KnowledgePlan(["everywhere", "usual", "rare"], articles: 10_000, counts: counts, entriesMax: 600)
    #expect(plan.terms.map(\.term) == ["rare", "usual"] && plan.terms[0].rarity > plan.terms[1].rarity)
    #expect(KnowledgePlan(["everywhere"], articles: 10_000, counts: counts, entriesMax: 600).terms.count == 1)
    let more = KnowledgePlan(["usual", "rare", "unknown"], articles: 10_000, counts: counts)
    let fewer = KnowledgePlan(["usual", "rare"], articles: 10_000, counts: counts)
    let sum = 600 * fewer.terms.reduce(0) { $0 + $1.rarity }
    #expect(fewer.score(sum) == 89 && more.score(sum) == 59, "the unknown word counts as the others do on average")
    #expect(KnowledgePlan(["unknown"], articles: 10_000, counts: counts).terms.isEmpty)
    let usual = KnowledgePlan(["all"], articles: 90_000, counts: ["all": 90_000])
    #expect(usual.leastSum > 0 && usual.score(667) == 100, "a word that every article has covers the question that is made of it")
  }

  @Test("A question that nobody was suggested anything for was not answered, one that nobody came back to counts apart")
  func deflection() {
    var report = DeflectionReport(by: .category)
    func add(_ count: Int64, _ outcome: QuestionOutcome?, _ category: String = "bill", isSuggested: Bool = true, isTicket: Bool = false) {
      report.add(
        AskedQuestions(
          category: category, channel: "", language: .english, outcome: outcome, isSuggested: isSuggested, isTicket: isTicket, count: count))
    }
    add(6, .helped)
    add(1, .notHelped)
    add(1, .notHelped, isTicket: true)
    add(2, nil)
    add(1, nil, "", isSuggested: false)
    let total = report.total
    #expect(total.asked == 11 && total.helped == 6 && total.notHelped == 3 && total.open == 2 && total.nothingFound == 1 && total.tickets == 1)
    #expect(total.deflection == Rational(600, over: 9) && total.deflectionAtLeast == Rational(600, over: 11))
    #expect(report.ordered.map(\.group) == ["bill", nil] && report.ordered.last?.figures.deflection == Rational(0, over: 1))
    #expect(DeflectionFigures().deflection == nil)
  }
}

@Suite("Knowledge base over HTTP", .enabled(if: TestDatabase.isAvailable, Comment(rawValue: TestDatabase.whyNot)))
struct KnowledgeAPITests {
  private final class MovedClock: BusinessClock {
    private let at: Mutex<Instant>

    init(_ at: Instant) { self.at = Mutex(at) }
    func now() -> Instant { at.withLock { $0 } }
    func pass(days: Int64) { at.withLock { $0 = $0.adding(seconds: days * 86_400) } }
  }

  private struct Answer {
    let status: Int
    let body: JSONValue
    let tag: String
  }

  private func withAPI(_ body: (Router, MovedClock) async throws -> Void) async throws {
    let settings = try Shipped.settings()
    try await Tables.with { database in
      let (pool, clock) = (PostgresPool(database), MovedClock(minute(0)))
      var router = Router()
      ArticlesAPI(zone: .utc, clock: clock, pool: pool, check: { _, _ in }).add(to: &router)
      QuestionsAPI(settings: settings, clock: clock, pool: pool).add(to: &router)
      TicketsAPI(settings: settings, clock: clock, pool: pool).add(to: &router)
      try await body(router, clock)
      await pool.close()
    }
  }

  private func ask(_ router: Router, _ method: HTTPMethod, _ target: String, _ body: String = "", headers: HTTPHeaders = [:]) async throws -> Answer {
    let response = try await router.respond(to: try Request(method, target, headers: headers, body: Array(body.utf8)))
    return Answer(
      status: response.status.rawValue, body: response.bytes.flatMap { $0.isEmpty ? nil : try? JSONValue($0) } ?? .null, tag: response.headers["ETag"] ?? "")
  }

  private static func content(_ title: String, _ chinese: String, until: Day, category: String = "return") -> String {
    #""category":"\#(category)","valid_until":"\#(until)","texts":{"en":{"title":"\#(title)","body":"send it within seven days"},"#
      + #""zh-CN":{"title":"\#(chinese)","body":"七天之内寄回","keywords":"不想要了"}}"#
  }

  private static let until = BusinessZone.utc.day(of: minute(0)) + 30

  /// An article in force.
  private func article(_ router: Router, _ title: String, _ chinese: String, category: String = "return") async throws -> (id: String, tag: String) {
    let body = "{\"actor\":\"Wang\",\(Self.content(title, chinese, until: Self.until, category: category))}"
    let begun = try await ask(router, .post, "/v1/articles", body)
    #expect(begun.status == 201, "\(begun.body)")
    let id = begun.body["article_id"]?.stringValue ?? ""
    let approved = try await ask(
      router, .post, "/v1/articles/\(id)/steps", #"{"actor":"Li","step":"approve"}"#, headers: ["If-Match": begun.tag])
    #expect(approved.status == 200 && approved.body["state"] == "approved", "\(approved.body)")
    return (id, approved.tag)
  }

  private func suggested(_ router: Router, _ text: String, _ more: String = "") async throws -> [String] {
    let escaped = text.utf8.map { byte in "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16) }.joined()
    let answer = try await ask(router, .get, "/v1/suggestions?text=\(escaped)\(more)")
    #expect(answer.status == 200, "\(answer.body)")
    return (answer.body["articles"]?.arrayValue ?? []).compactMap { $0["title"]?.stringValue }
  }

  @Test("An article is found in both languages from its approval on, in its own words, and no longer when it is withdrawn or over")
  func finding() async throws {
    try await withAPI { router, clock in
      let draft = try await ask(router, .post, "/v1/articles", "{\"actor\":\"Wang\",\(Self.content("Returning goods", "退货", until: Self.until))}")
      #expect(try await suggested(router, "how do I return this").isEmpty, "a draft is not suggested")
      let id = draft.body["article_id"]?.stringValue ?? ""
      func step(_ body: String, _ tag: String) async throws -> Answer {
        try await ask(router, .post, "/v1/articles/\(id)/steps", body, headers: ["If-Match": tag])
      }
      #expect(try await step(#"{"actor":"Wang","step":"approve"}"#, draft.tag).status == 409)
      let approved = try await step(#"{"actor":"Li","step":"approve"}"#, draft.tag)
      #expect(try await suggested(router, "how do I return this") == ["Returning goods"])
      #expect(try await suggested(router, "我想退货") == ["退货"])
      #expect(try await suggested(router, "不想要了怎么办") == ["退货"], "keywords")
      #expect(try await suggested(router, "退货", "&language=en").isEmpty)
      #expect(try await suggested(router, "退货", "&category=bill").isEmpty)
      #expect(try await suggested(router, "weather tomorrow").isEmpty)
      // The next version is found by its words once it is approved; the former no longer by its own.
      let written = try await ask(
        router, .post, "/v1/articles/\(id)/draft", "{\"actor\":\"Wang\",\(Self.content("Sending back", "换货", until: Self.until))}",
        headers: ["If-Match": approved.tag])
      #expect(written.body["version"] == 1 && written.body["draft_version"] == 2)
      #expect(try await suggested(router, "退货") == ["退货"])
      #expect(try await step(#"{"actor":"Zhao","step":"approve"}"#, approved.tag).status == 412, "somebody wrote meanwhile")
      let second = try await step(#"{"actor":"Zhao","step":"approve"}"#, written.tag)
      #expect(try await suggested(router, "退货").isEmpty)
      #expect(try await suggested(router, "换货") == ["换货"])
      let versions = try await ask(router, .get, "/v1/articles/\(id)/versions").body["versions"]?.arrayValue ?? []
      #expect(versions.map { "\($0["number"]?.int64Value ?? 0) \($0["state"]?.stringValue ?? "")" } == ["2 approved", "1 replaced"])
      #expect(versions.last?["texts"]?["zh-CN"]?["title"] == "退货", "what was in force is kept as it was")
      // On its last day, and after it.
      clock.pass(days: 30)
      #expect(try await suggested(router, "换货") == ["换货"])
      #expect(try await ask(router, .get, "/v1/articles?expiring_days=0").body["articles"]?.arrayValue?.count == 1)
      clock.pass(days: 1)
      #expect(try await suggested(router, "换货").isEmpty)
      #expect(try await ask(router, .get, "/v1/articles?state=expired").body["articles"]?.arrayValue?.count == 1)
      #expect(try await step(#"{"actor":"Li","step":"withdraw"}"#, second.tag).body["errors"]?.arrayValue?.first?["field"] == "reason")
      #expect(try await step(#"{"actor":"Li","step":"withdraw","reason":"wrong"}"#, second.tag).body["state"] == "withdrawn")
      #expect(try await ask(router, .get, "/v1/articles?state=withdrawn").body["articles"]?.arrayValue?.count == 1)
    }
  }

  @Test("What is in force twice is counted once: approving and withdrawing leave the counts as they were")
  func counts() async throws {
    try await Tables.with { database in
      try await Tables.session(database) { session in
        func counts() throws -> [String] {
          let rows = try session.query(
            Statement(
              name: "",
              sql: """
                SELECT t.language || ':' || t.articles || ':' || coalesce((SELECT sum(k.articles) FROM knowledge_terms k WHERE k.language = t.language), 0)
                  || ':' || (SELECT count(*) FROM article_terms a WHERE a.language = t.language) FROM knowledge_totals t ORDER BY language
                """))
          return try (0..<rows.count).map { try rows.text($0, 0) }
        }
        let today = Self.until
        func line(_ name: String) -> ArticleLine { ArticleLine(TicketActor(name), at: minute(0)) }
        func content(_ title: String) -> ArticleContent {
          ArticleContent(category: "", texts: [.english: ArticleText(title: title, body: "same words")], validUntil: today)
        }
        for number in 1...2 {
          var article = Article(TicketID(number: Int64(number)), content("refund number \(number)"), by: line("Wang"))
          _ = try ArticleQueries.begin(article, session)
          let approved = try article.take(.approve, by: line("Li"), on: today)
          try ArticleQueries.write(article, approved, wasInForce: nil, session)
        }
        let twice = try counts()
        #expect(twice == ["0:2:10:10", "1:0:0:0"])
        var article = try #require(try ArticleQueries.article(TicketID(number: 1), isLocking: true, session))
        _ = try article.write(content("another refund"), by: line("Wang"))
        let second = try article.take(.approve, by: line("Li"), on: today)
        try ArticleQueries.write(article, second, wasInForce: 1, session)
        let replaced = try counts()
        #expect(replaced == ["0:2:9:9", "1:0:0:0"])
        let ended = try article.take(.withdraw, by: line("Li"), on: today)
        try ArticleQueries.write(article, ended, wasInForce: 2, session)
        let withdrawn = try counts()
        #expect(withdrawn == ["0:1:5:5", "1:0:0:0"])
      }
    }
  }

  @Test("A question is asked once by its key; it helped, or becomes one ticket; what became of it is told once")
  func questions() async throws {
    try await withAPI { router, _ in
      let id = try await article(router, "Returning goods", "退货").id
      let question = #"{"text":"我想退货","category":"shoes","channel":"app","customer_id":"00000000000000c5"}"#
      let asked = try await ask(router, .post, "/v1/questions", question, headers: ["Idempotency-Key": "k"])
      #expect(asked.status == 201 && asked.body["articles"]?.arrayValue?.first?["article_id"]?.stringValue == id, "a category of its own narrows nothing")
      #expect(asked.body["language"] == "zh-CN" && asked.body["outcome"] == .null)
      #expect(try await ask(router, .post, "/v1/questions", question, headers: ["Idempotency-Key": "k"]).status == 200)
      let path = "/v1/questions/\(asked.body["question_id"]?.stringValue ?? "")"
      let ticket = try await ask(router, .post, "\(path)/ticket", #"{"actor":"Li","urgency":"blocked"}"#)
      #expect(ticket.status == 201 && ticket.body["customer_id"] == "00000000000000c5" && ticket.body["text"] == "我想退货", "\(ticket.body)")
      #expect(ticket.body["category"] == "shoes" && ticket.body["channel"] == "app")
      let again = try await ask(router, .post, "\(path)/ticket", #"{"actor":"Li"}"#)
      #expect(again.status == 200 && again.body["ticket_id"] == ticket.body["ticket_id"])
      #expect(try await ask(router, .post, "\(path)/outcome", #"{"outcome":"helped"}"#).status == 409)
      let suggestions = try await ask(router, .get, "/v1/tickets/\(ticket.body["ticket_id"]?.stringValue ?? "")/suggestions")
      #expect(suggestions.body["articles"]?.arrayValue?.first?["article_id"]?.stringValue == id)
      let helped = try await ask(router, .post, "/v1/questions", #"{"text":"returning goods"}"#)
      let other = "/v1/questions/\(helped.body["question_id"]?.stringValue ?? "")"
      #expect(try await ask(router, .post, "\(other)/outcome", #"{"outcome":"helped","article_id":"00000000000000ff"}"#).status == 422)
      let told = try await ask(router, .post, "\(other)/outcome", #"{"outcome":"helped","article_id":"\#(id)"}"#)
      #expect(told.status == 200 && told.body["helped_by"]?.stringValue == id)
      #expect(try await ask(router, .post, "\(other)/outcome", #"{"outcome":"helped","article_id":"\#(id)"}"#).body == told.body)
      #expect(try await ask(router, .post, "\(other)/outcome", #"{"outcome":"not_helped"}"#).status == 409)
      #expect(try await ask(router, .post, "\(other)/ticket", #"{"actor":"Li","customer_id":"00000000000000c5"}"#).status == 409)
      let none = try await ask(router, .post, "/v1/questions", #"{"text":"weather"}"#)
      #expect(none.body["articles"]?.arrayValue?.isEmpty == true)
      let unknown = try await ask(router, .post, "/v1/questions/\(none.body["question_id"]?.stringValue ?? "")/ticket", #"{"actor":"Li"}"#)
      #expect(unknown.body["errors"]?.arrayValue?.first?["field"] == "customer_id")
      let unanswered = try await ask(router, .get, "/v1/questions?which=unanswered").body["questions"]?.arrayValue ?? []
      #expect(Set(unanswered.compactMap { $0["text"]?.stringValue }) == ["我想退货", "weather"] && unanswered.count == 2)
      let report = try await ask(router, .get, "/v1/reports/knowledge?by=language").body
      #expect(report["total"]?["asked"] == 3 && report["total"]?["helped"] == 1 && report["total"]?["deflection_percent"] == .number("33.3333"))
      #expect(report["groups"]?.arrayValue?.map { $0["group"]?.stringValue } == ["en", "zh-CN"] && report["deflection_goal_percent"] == 80)
    }
  }

  @Test("What is wrong is told by field")
  func refusals() async throws {
    try await withAPI { router, _ in
      let bad = try await ask(router, .post, "/v1/articles", #"{"actor":"Wang","valid_until":"2001-01-01","texts":{"fr":{"title":"t","body":"b"}}}"#)
      #expect(bad.status == 422 && bad.body["errors"]?.arrayValue?.compactMap { $0["field"]?.stringValue } == ["valid_until", "texts"])
      let blank = try await ask(
        router, .post, "/v1/articles", #"{"actor":"Wang","valid_until":"\#(Self.until)","texts":{"en":{"title":" ","body":"b"}}}"#)
      #expect(blank.body["errors"]?.arrayValue?.first?["field"] == "texts.en.title")
      #expect(try await ask(router, .get, "/v1/articles/00000000000000ff").status == 404)
      #expect(try await ask(router, .get, "/v1/articles/00000000000000ff/versions").status == 404)
      #expect(try await ask(router, .get, "/v1/suggestions").status == 422)
      #expect(try await ask(router, .post, "/v1/questions", #"{"text":"t","who":"me"}"#).body["errors"]?.arrayValue?.first?["field"] == "who")
      #expect(try await ask(router, .get, "/v1/questions?which=lost").status == 422)
      let (id, _) = try await article(router, "Returning goods", "退货")
      #expect(try await ask(router, .post, "/v1/articles/\(id)/steps", #"{"actor":"Li","step":"withdraw","reason":"r"}"#).status == 428)
    }
  }
}
