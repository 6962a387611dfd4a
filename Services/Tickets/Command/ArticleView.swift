// Articles, their versions and what was found, as JSON (K-12).
import Domain
import HTTP
import Runtime
import Text
import TicketsCore
import TicketsStore

enum ArticleView {
  static func tag(_ article: Article) -> EntityTag { EntityTag(opaque: "a\(article.revision)") }

  private static func line(_ line: ArticleLine?) -> JSONValue {
    line.map { ["actor": .text($0.actor.name), "reason": TicketView.textOrNull($0.actor.reason), "at": TicketView.instant($0.at)] } ?? .null
  }

  private static func texts(_ texts: [Language: ArticleText], _ members: (ArticleText) -> JSONValue) -> JSONValue {
    .object(Language.allCases.compactMap { language in texts[language].map { JSONMember(language.rawValue, members($0)) } })
  }

  static func version(_ version: ArticleVersion?) -> JSONValue {
    guard let version else { return .null }
    return [
      "number": .integer(Int64(version.number)), "state": .text(version.state.rawValue), "category": TicketView.textOrNull(version.content.category),
      "valid_until": .text(version.content.validUntil.description), "authors": .array(version.authors.map { .text($0) }), "written": line(version.written),
      "decision": line(version.decision), "ending": line(version.ending),
      "texts": texts(version.content.texts) { ["title": .text($0.title), "body": .text($0.body), "keywords": TicketView.textOrNull($0.keywords)] },
    ]
  }

  /// What lists and sheets have in common.
  static func summary(_ article: Article, on today: Day) -> [JSONMember] {
    let state = article.state(on: today)
    let content = article.current?.content ?? article.draft?.content
    return [
      JSONMember("article_id", .text(article.id.description)), JSONMember("revision", .integer(article.revision)),
      JSONMember("state", .text(state.rawValue)), JSONMember("state_name", .name(state.name)),
      JSONMember("category", TicketView.textOrNull(content?.category ?? "")),
      JSONMember("valid_until", .textOrNull(article.current?.content.validUntil.description)),
      JSONMember("version", article.current.map { .integer(Int64($0.number)) } ?? .null),
      JSONMember("draft_version", article.draft.map { .integer(Int64($0.number)) } ?? .null),
      JSONMember("titles", texts(content?.texts ?? [:]) { .text($0.title) }), JSONMember("created_at", TicketView.instant(article.createdAt)),
    ]
  }

  static func article(_ article: Article, on today: Day) -> [JSONMember] {
    summary(article, on: today) + [JSONMember("current", version(article.current)), JSONMember("draft", version(article.draft))]
  }

  static func found(_ found: FoundArticle) -> JSONValue {
    [
      "article_id": .text(found.article.description), "version": .integer(Int64(found.number)), "language": .text(found.language.rawValue),
      "category": TicketView.textOrNull(found.category), "score": .integer(Int64(found.score)), "title": .text(found.text.title),
      "body": .text(found.text.body),
    ]
  }

  static func question(_ question: StoredQuestion) -> [JSONMember] {
    let suggestions = question.suggestions.map { suggestion -> JSONValue in
      [
        "article_id": .text(suggestion.article.description), "version": .integer(Int64(suggestion.number)), "language": .text(suggestion.language.rawValue),
        "score": .integer(Int64(suggestion.score)),
      ]
    }
    return [
      JSONMember("question_id", .text(question.id.description)), JSONMember("asked_at", TicketView.instant(question.askedAt)),
      JSONMember("language", .text(question.language.rawValue)), JSONMember("category", TicketView.textOrNull(question.category)),
      JSONMember("channel", TicketView.textOrNull(question.channel)), JSONMember("customer_id", .textOrNull(question.customer?.description)),
      JSONMember("text", .text(question.text)), JSONMember("suggestions", .array(suggestions)),
      JSONMember("outcome", .textOrNull(question.outcome?.rawValue)), JSONMember("outcome_at", TicketView.instant(question.outcomeAt)),
      JSONMember("helped_by", .textOrNull(question.helpedBy?.description)), JSONMember("ticket_id", .textOrNull(question.ticket?.description)),
    ]
  }
}
