// The knowledge base to look things up in while a customer waits (K-12).
import Access
import Domain
import HTML
import HTTP
import Text

struct ArticlePages: Sendable {
  let site: Site

  static let path = "/articles"
  /// Of a question to the search.
  private static let questionMax = 300

  func add(to router: inout Router) {
    router.page(ArticlePages.path, site, needs: .articlesRead) { try await ArticlePages.list($0) }
    router.page("\(ArticlePages.path)/{id}", site, needs: .articlesRead) { try await ArticlePages.one($0) }
  }

  private enum State: String, CaseIterable {
    case approved, draft, expired, withdrawn

    var name: LocalizedName {
      switch self {
      case .approved: LocalizedName(en: "in force", zh: "生效")
      case .draft: LocalizedName(en: "draft", zh: "草稿")
      case .expired: LocalizedName(en: "over", zh: "已过期")
      case .withdrawn: LocalizedName(en: "withdrawn", zh: "已撤回")
      }
    }
  }

  /// In the reader's language where there is one, else in the other.
  private static func inOwnLanguage(_ texts: JSONValue?, _ visit: Visit) -> JSONValue? {
    let own: Language = visit.language == .chinese ? .chinese : .english
    return texts?[own.rawValue] ?? Language.allCases.lazy.compactMap { texts?[$0.rawValue] }.first
  }

  private static func list(_ visit: Visit) async throws -> Response {
    let question = String((visit.request.query["q"] ?? "").prefix(questionMax))
    let state = DeskParts.word("state", of: State.self, visit)
    let asked = TextNormal.trimmed(question)
    async let found = asked.isEmpty ? nil : visit.api.section(.tickets, "/v1/suggestions", [(name: "text", value: asked), (name: "limit", value: "10")])
    let answer = try await visit.api.get(.tickets, "/v1/articles", [(name: "state", value: state), (name: "after", value: visit.request.query["before"])])
    let suggestions = await found
    let rows = (answer["articles"]?.arrayValue ?? []).map { article -> [Cell] in
      let word = visit.say(article["state_name"])
      return [
        .link(inOwnLanguage(article["titles"], visit)?.stringValue ?? "–", visit.target("\(path)/\(article["article_id"]?.stringValue ?? "")")),
        .shown([.element(Parts.badge(word, article["state"] == "approved" ? .good : .plain))], plain: word), .text(visit.text(article["category"])),
        .number(visit.number(article["version"])), .text(visit.text(article["valid_until"])),
      ]
    }
    let table = DataTable(
      "articles", visit.say("Articles, the oldest first", "文章（由旧到新）"),
      [visit.say("Title", "标题"), visit.say("State", "状态"), visit.say("Category", "分类"), visit.say("Version", "版本"), visit.say("Good until", "有效至")], rows)
    if let file = visit.file(of: [table]) { return file }
    let title = visit.say("Articles", "知识库")
    return visit.page(title, .tickets) {
      Element(.h1, title)
      DeskPage.ways(visit, "articles")
      Parts.search(visit.target(path), visit.say("Look for an answer", "查找答案")) {
        Parts.field(visit.say("Question in the customer's words", "客户的问题"), "q", value: question, type: .search)
        Parts.choice(
          visit.say("State", "状态"), "state",
          [(value: "", text: visit.say("any", "不限"))] + State.allCases.map { (value: $0.rawValue, text: visit.say($0.name)) }, chosen: state)
        Element(.button, visit.say("Look", "查找"))
      }
      if let suggestions { answers(suggestions, visit) }
      table.element(visit, empty: visit.say("There is no article.", "没有文章。"))
      Parts.pager(visit, next: answer["next"]?.stringValue)
    }
  }

  @NodeBuilder private static func answers(_ found: Section, _ visit: Visit) -> [Node] {
    Element(.h2, visit.say("What may answer it", "可能的答案"))
    found.shown(visit) { json in
      let articles = json["articles"]?.arrayValue ?? []
      if articles.isEmpty { Element(.p, visit.say("No article answers this.", "没有文章能回答该问题。")) }
      for article in articles {
        Element(.section, [.class("card")]) {
          Element(.h3) {
            Parts.link(article["title"]?.stringValue ?? "–", visit.target("\(path)/\(article["article_id"]?.stringValue ?? "")"))
            " "
            Element(.small, visit.say("fits to \(visit.number(article["score"])) %", "匹配度 \(visit.number(article["score"]))%"))
          }
          Element(.p, [.class("words")], Parts.brief(article["body"]?.stringValue ?? "", width: 400))
        }
      }
    }
  }

  private static func one(_ visit: Visit) async throws -> Response {
    guard let id = TicketID(try visit.request.parameter("id")) else { throw Problem(.notFound) }
    let article = try await visit.api.get(.tickets, "/v1/articles/\(id)")
    let title = inOwnLanguage(article["titles"], visit)?.stringValue ?? visit.say("Article", "文章")
    return visit.page(title, .tickets) {
      Element(.p, [.class("trail")]) { Parts.link(visit.say("Articles", "知识库"), visit.target(path)) }
      Element(.h1, title)
      for (name, heading) in [("current", visit.say("In force", "生效版本")), ("draft", visit.say("Draft", "草稿"))] {
        if let version = article[name], !version.isNull { self.version(version, heading, visit) }
      }
    }
  }

  @NodeBuilder private static func version(_ version: JSONValue, _ heading: String, _ visit: Visit) -> [Node] {
    Element(.h2, visit.say("\(heading): version \(visit.number(version["number"]))", "\(heading)：版本 \(visit.number(version["number"]))"))
    Parts.facts([
      (name: visit.say("Category", "分类"), value: visit.text(version["category"])),
      (name: visit.say("Good until", "有效至"), value: visit.text(version["valid_until"])),
      (name: visit.say("Written by", "作者"), value: (version["authors"]?.arrayValue ?? []).compactMap(\.stringValue).joined(separator: visit.say(", ", "、"))),
      (name: visit.say("Decided by", "决定人"), value: visit.text(version["decision"]?["actor"])),
    ])
    for language in Language.allCases {
      if let text = version["texts"]?[language.rawValue] {
        Element(.article, [.class("card"), .label(.lang, language.rawValue)]) {
          Element(.h3, text["title"]?.stringValue ?? "")
          Element(.p, [.class("words")], text["body"]?.stringValue ?? "")
        }
      }
    }
  }
}
