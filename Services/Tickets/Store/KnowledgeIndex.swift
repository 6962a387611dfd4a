// What articles are found by, in its tables, and the search (K-12). No extension of PostgreSQL is needed, and the database's locale does not matter.
public import Domain
public import Postgres
public import TicketsCore

/// An article that may answer a question.
public struct FoundArticle: Hashable, Sendable {
  public let article: TicketID
  /// Of the version in force.
  public let number: Int
  public let language: Language
  public let category: String
  /// Percent of what was asked that it covers.
  public let score: Int
  public let text: ArticleText
}

public enum KnowledgeIndex {
  // Whoever changes the counts has locked the totals, in the order of their languages: nobody else is at work on them.
  private static let lock = Statement(name: "knowledge_totals_lock", sql: "SELECT language FROM knowledge_totals ORDER BY language FOR UPDATE")
  private static let forget = Statement(
    name: "article_terms_forget",
    sql: """
      WITH gone AS (DELETE FROM article_terms WHERE article_id = $1 RETURNING language, term),
      counted AS (
        UPDATE knowledge_terms k SET articles = k.articles - 1 FROM gone g WHERE k.language = g.language AND k.term = g.term RETURNING k.language)
      UPDATE knowledge_totals t SET articles = t.articles - 1 WHERE t.language IN (SELECT language FROM counted)
      """)
  private static let insert = Statement(
    name: "article_terms_insert",
    sql: """
      INSERT INTO article_terms (language, term, article_id, weight)
      SELECT $1, u.term, $2, u.weight FROM unnest($3::text[], $4::int2[]) AS u(term, weight)
      """)
  private static let count = Statement(
    name: "knowledge_terms_count",
    sql: """
      INSERT INTO knowledge_terms AS k (language, term, articles) SELECT $1, u.term, 1 FROM unnest($2::text[]) AS u(term)
      ON CONFLICT (language, term) DO UPDATE SET articles = k.articles + 1
      """)
  private static let total = Statement(
    name: "knowledge_totals_add", sql: "UPDATE knowledge_totals SET articles = articles + 1 WHERE language = $1")

  /// From now on an article is found by these texts alone. The article is locked.
  static func put(_ texts: [Language: ArticleText], of id: TicketID, _ session: PostgresSession) throws {
    _ = try session.query(lock)
    _ = try session.run(forget) { $0.int64(id.number) }
    for (language, text) in texts.sorted(by: { $0.key.number < $1.key.number }) {
      let weights = KnowledgeTerms.weights(of: text)
      guard !weights.isEmpty else { continue }
      _ = try session.run(insert) { parameters in
        parameters.int16(language.number)
        parameters.int64(id.number)
        parameters.textArray(weights.map(\.term))
        parameters.int16Array(weights.map(\.weight))
      }
      _ = try session.run(count) { parameters in
        parameters.int16(language.number)
        parameters.textArray(weights.map(\.term))
      }
      _ = try session.run(total) { $0.int16(language.number) }
    }
  }

  // MARK: - Searching

  private static let counts = Statement(
    name: "knowledge_counts",
    sql: """
      SELECT t.articles, k.term, k.articles FROM knowledge_totals t LEFT JOIN knowledge_terms k ON k.language = t.language AND k.term = ANY($2::text[])
      WHERE t.language = $1
      """)
  /// What is measured and explained by the bench: entries of the rarest terms by the index alone, then the articles they name.
  public static let search = Statement(
    name: "knowledge_search",
    sql: """
      SELECT a.article_id, a.current, s.score FROM (
        SELECT t.article_id, sum(t.weight * u.rarity)::int8 AS score FROM unnest($1::text[], $2::int8[]) AS u(term, rarity)
        JOIN article_terms t ON t.language = $3 AND t.term = u.term GROUP BY t.article_id) s
      JOIN articles a ON a.article_id = s.article_id
      WHERE a.valid_until >= $4 AND ($5::text IS NULL OR a.category = $5) AND s.score >= $6 ORDER BY s.score DESC, a.article_id LIMIT $7
      """)
  private static let found = Statement(
    name: "knowledge_found",
    sql: """
      SELECT v.article_id, v.number, v.category, t.title, t.body, t.keywords FROM unnest($1::int8[], $2::int4[]) AS u(id, number)
      JOIN article_versions v ON v.article_id = u.id AND v.number = u.number
      JOIN article_texts t ON t.article_id = u.id AND t.number = u.number AND t.language = $3
      """)

  /// The articles that cover most of a question, among those that are good on a day; each once.
  ///
  /// - Parameter language: nil: both, and of an article that is found in both, the better one.
  public static func find(
    _ question: String, language: Language?, category: String?, on today: Day, limit: Int, _ session: PostgresSession
  ) throws -> [FoundArticle] {
    let asked = KnowledgeTerms.asked(question)
    guard !asked.isEmpty else { return [] }
    var best: [TicketID: FoundArticle] = [:]
    for language in language.map({ [$0] }) ?? Language.allCases {
      for article in try find(asked, language, category, today, limit, session) where best[article.article].map({ $0.score < article.score }) ?? true {
        best[article.article] = article
      }
    }
    let own = KnowledgeTerms.language(of: question)
    func isBefore(_ left: FoundArticle, _ right: FoundArticle) -> Bool {
      (-left.score, left.language == own ? 0 : 1, left.article) < (-right.score, right.language == own ? 0 : 1, right.article)
    }
    return Array(best.values.sorted(by: isBefore).prefix(limit))
  }

  /// How a question is looked for in one language.
  public static func plan(_ asked: [String], _ language: Language, _ session: PostgresSession) throws -> KnowledgePlan {
    let rows = try session.query(counts) { parameters in
      parameters.int16(language.number)
      parameters.textArray(asked)
    }
    var counts: [String: Int64] = [:]
    for row in 0..<rows.count { if let term = try rows.textOrNil(row, 1) { counts[term] = try rows.int64(row, 2) } }
    return KnowledgePlan(asked, articles: rows.count > 0 ? try rows.int64(0, 0) : 0, counts: counts)
  }

  private static func find(
    _ asked: [String], _ language: Language, _ category: String?, _ today: Day, _ limit: Int, _ session: PostgresSession
  ) throws -> [FoundArticle] {
    let plan = try plan(asked, language, session)
    guard !plan.terms.isEmpty else { return [] }
    let rows = try session.query(search) { parameters in
      parameters.textArray(plan.terms.map(\.term))
      parameters.int64Array(plan.terms.map(\.rarity))
      parameters.int16(language.number)
      parameters.date(unixDays: today.number)
      parameters.text(category)
      parameters.int64(plan.leastSum)
      parameters.int64(Int64(limit))
    }
    let hits = try (0..<rows.count).map { (id: try rows.int64($0, 0), number: try rows.int32($0, 1), sum: try rows.int64($0, 2)) }
    guard !hits.isEmpty else { return [] }
    let texts = try session.query(found) { parameters in
      parameters.int64Array(hits.map(\.id))
      parameters.int32Array(hits.map(\.number))
      parameters.int16(language.number)
    }
    var found: [Int64: (category: String, text: ArticleText)] = [:]
    for row in 0..<texts.count {
      let text = ArticleText(title: try texts.text(row, 3), body: try texts.text(row, 4), keywords: try texts.text(row, 5))
      found[try texts.int64(row, 0)] = (try texts.text(row, 2), text)
    }
    return hits.compactMap { hit in
      found[hit.id].map { known in
        FoundArticle(
          article: TicketID(number: hit.id), number: Int(hit.number), language: language, category: known.category, score: plan.score(hit.sum),
          text: known.text)
      }
    }
  }
}
