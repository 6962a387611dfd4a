// Articles of the knowledge base in their tables (K-12).
public import Domain
public import Postgres
import TicketsCore

extension Language {
  var number: Int16 { self == .english ? 0 : 1 }

  init(number: Int16) throws(PostgresFailure) {
    guard let language = Language.allCases.first(where: { $0.number == number }) else { throw damaged("language") }
    self = language
  }
}

extension ArticleVersionState {
  private static let numbered: [ArticleVersionState] = [.draft, .approved, .replaced, .rejected, .withdrawn]

  fileprivate var number: Int16 { Int16(ArticleVersionState.numbered.firstIndex(of: self) ?? 0) }

  fileprivate init(number: Int16) throws(PostgresFailure) {
    guard ArticleVersionState.numbered.indices.contains(Int(number)) else { throw damaged("state of an article") }
    self = ArticleVersionState.numbered[Int(number)]
  }
}

/// Which articles are asked for; nil: all.
public struct ArticleFilter: Hashable, Sendable {
  /// `draft`: those that have one, whether or not another version is in force.
  public var state: ArticleState?
  public var category: String?
  /// Good now and until this day at most.
  public var expiringUntil: Day?

  public init(state: ArticleState? = nil, category: String? = nil, expiringUntil: Day? = nil) {
    self.state = state
    self.category = category
    self.expiringUntil = expiringUntil
  }
}

public enum ArticleQueries {
  private static let columns = "article_id, revision, last_number, current, draft, created_at"
  private static let one = Statement(name: "articles_one", sql: "SELECT \(columns) FROM articles WHERE article_id = $1")
  private static let locked = Statement(name: "articles_lock", sql: "SELECT \(columns) FROM articles WHERE article_id = $1 FOR NO KEY UPDATE")
  private static let page = Statement(
    name: "articles_page",
    sql: """
      SELECT \(columns) FROM articles WHERE (created_at, article_id) > ($1, $2) AND ($3::text IS NULL OR category = $3)
        AND ($4::text IS NULL OR CASE $4 WHEN 'draft' THEN draft IS NOT NULL WHEN 'approved' THEN valid_until >= $5 WHEN 'expired' THEN valid_until < $5
          ELSE current IS NULL AND draft IS NULL END)
        AND ($6::date IS NULL OR valid_until BETWEEN $5 AND $6)
      ORDER BY created_at, article_id LIMIT $7
      """)
  private static let versionColumns = """
    article_id, number, state, category, valid_until, authors, written_at, written_by, reason, decided_at, decided_by, decision_reason, ended_at, ended_by,
    ending_reason
    """
  private static let some = Statement(
    name: "article_versions_some",
    sql: """
      SELECT \(versionColumns) FROM article_versions v WHERE EXISTS (
        SELECT FROM unnest($1::int8[], $2::int4[]) AS u(id, number) WHERE u.id = v.article_id AND u.number = v.number)
        AND article_id = ANY($1::int8[]) ORDER BY article_id, number
      """)
  private static let all = Statement(
    name: "article_versions_all",
    sql: "SELECT \(versionColumns) FROM article_versions WHERE article_id = $1 AND number < $2 ORDER BY number DESC LIMIT $3")
  private static let texts = Statement(
    name: "article_texts_some",
    sql: """
      SELECT t.article_id, t.number, t.language, t.title, t.body, t.keywords FROM unnest($1::int8[], $2::int4[]) AS u(id, number)
      JOIN article_texts t ON t.article_id = u.id AND t.number = u.number
      """)

  // MARK: - Reading

  public static func article(_ id: TicketID, isLocking: Bool = false, _ session: PostgresSession) throws -> Article? {
    let rows = try session.query(isLocking ? locked : one) { $0.int64(id.number) }
    return try read(rows, session).first
  }

  /// In the order in which they were begun.
  public static func page(
    _ filter: ArticleFilter, on today: Day, after place: TicketPlace?, limit: Int, _ session: PostgresSession
  ) throws -> [Article] {
    let rows = try session.query(page) { parameters in
      parameters.timestamptz(place?.moment.microseconds ?? TicketQueries.earliest)
      parameters.int64(place?.ticket.number ?? 0)
      parameters.text(filter.category)
      parameters.text(filter.state?.rawValue)
      parameters.date(unixDays: today.number)
      parameters.date(unixDays: filter.expiringUntil?.number)
      parameters.int64(Int64(limit))
    }
    return try read(rows, session)
  }

  private static func read(_ rows: Rows, _ session: PostgresSession) throws -> [Article] {
    var wanted: [(id: Int64, number: Int32)] = []
    for row in 0..<rows.count {
      for column in 3...4 { if let number = try rows.int32OrNil(row, column) { wanted.append((try rows.int64(row, 0), number)) } }
    }
    let versions = try wanted.isEmpty ? [:] : self.versions(wanted, session)
    return try (0..<rows.count).map { row in
      let id = try rows.int64(row, 0)
      func version(_ column: Int) throws -> ArticleVersion? {
        guard let number = try rows.int32OrNil(row, column) else { return nil }
        guard let found = versions[id]?[number] else { throw damaged("version of an article") }
        return found
      }
      return Article(
        id: TicketID(number: id), revision: try rows.int64(row, 1), lastNumber: Int(try rows.int32(row, 2)), current: try version(3), draft: try version(4),
        createdAt: Instant(microseconds: try rows.timestamptz(row, 5)))
    }
  }

  private static func versions(_ wanted: [(id: Int64, number: Int32)], _ session: PostgresSession) throws -> [Int64: [Int32: ArticleVersion]] {
    let rows = try session.query(some) { parameters in
      parameters.int64Array(wanted.map(\.id))
      parameters.int32Array(wanted.map(\.number))
    }
    var found: [Int64: [Int32: ArticleVersion]] = [:]
    for version in try read(versions: rows, session) { found[version.article, default: [:]][Int32(clamping: version.version.number)] = version.version }
    return found
  }

  /// The newest first, from before a number on.
  public static func versions(of id: TicketID, before number: Int, limit: Int, _ session: PostgresSession) throws -> [ArticleVersion] {
    let rows = try session.query(all) { parameters in
      parameters.int64(id.number)
      parameters.int32(Int32(clamping: number))
      parameters.int64(Int64(limit))
    }
    return try read(versions: rows, session).map(\.version)
  }

  private static func read(versions rows: Rows, _ session: PostgresSession) throws -> [(article: Int64, version: ArticleVersion)] {
    let keys = try (0..<rows.count).map { (try rows.int64($0, 0), try rows.int32($0, 1)) }
    let found = try session.query(texts) { parameters in
      parameters.int64Array(keys.map(\.0))
      parameters.int32Array(keys.map(\.1))
    }
    var texts: [Int64: [Int32: [Language: ArticleText]]] = [:]
    for row in 0..<found.count {
      let language = try Language(number: try found.int16(row, 2))
      texts[try found.int64(row, 0), default: [:]][try found.int32(row, 1), default: [:]][language] = ArticleText(
        title: try found.text(row, 3), body: try found.text(row, 4), keywords: try found.text(row, 5))
    }
    func line(_ row: Int, _ column: Int) throws -> ArticleLine? {
      guard let at = try rows.timestamptzOrNil(row, column) else { return nil }
      return ArticleLine(
        TicketActor(try rows.textOrNil(row, column + 1) ?? "", because: try rows.textOrNil(row, column + 2) ?? ""), at: Instant(microseconds: at))
    }
    return try keys.enumerated().map { row, key in
      guard let written = try line(row, 6), let own = texts[key.0]?[key.1] else { throw damaged("version of an article") }
      let content = ArticleContent(category: try rows.text(row, 3), texts: own, validUntil: Day(number: try rows.date(row, 4)))
      return (
        key.0,
        ArticleVersion(
          number: Int(key.1), state: try ArticleVersionState(number: try rows.int16(row, 2)), content: content,
          authors: try rows.textArray(row, 5).compactMap(\.self), written: written, decision: try line(row, 9), ending: try line(row, 12))
      )
    }
  }

  // MARK: - Writing

  private static let insert = Statement(
    name: "articles_insert",
    sql: """
      INSERT INTO articles (article_id, revision, last_number, current, draft, category, valid_until, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
      ON CONFLICT DO NOTHING
      """)
  private static let update = Statement(
    name: "articles_update",
    sql: """
      UPDATE articles SET revision = $2, last_number = $3, current = $4, draft = $5, category = $6, valid_until = $7 WHERE article_id = $1 AND created_at = $8
      """)
  private static let writeVersion = Statement(
    name: "article_versions_write",
    sql: """
      INSERT INTO article_versions AS v (\(versionColumns))
      VALUES ($1, $2, $3, $4, $5, $6::text[], $7, $8, $9, $10, $11, $12, $13, $14, $15) ON CONFLICT (article_id, number) DO UPDATE SET
        state = excluded.state, category = excluded.category, valid_until = excluded.valid_until, authors = excluded.authors,
        written_at = excluded.written_at, written_by = excluded.written_by, reason = excluded.reason, decided_at = excluded.decided_at,
        decided_by = excluded.decided_by, decision_reason = excluded.decision_reason, ended_at = excluded.ended_at, ended_by = excluded.ended_by,
        ending_reason = excluded.ending_reason
      """)
  // Only a draft's texts are written anew.
  private static let forgetTexts = Statement(
    name: "article_texts_forget", sql: "DELETE FROM article_texts WHERE article_id = $1 AND number = $2")
  private static let insertTexts = Statement(
    name: "article_texts_insert",
    sql: """
      INSERT INTO article_texts (article_id, number, language, title, body, keywords)
      SELECT $1, $2, u.* FROM unnest($3::int2[], $4::text[], $5::text[], $6::text[]) AS u(language, title, body, keywords)
      """)

  /// Writes a first draft; false: that number is there already.
  public static func begin(_ article: Article, _ session: PostgresSession) throws -> Bool {
    guard let draft = article.draft, try write(article, insert, session) > 0 else { return false }
    try write(draft, of: article.id, session)
    return true
  }

  /// Writes an article that is locked, with the versions that changed. What is in force afterwards is what is found.
  public static func write(_ article: Article, _ changed: [ArticleVersion], wasInForce: Int?, _ session: PostgresSession) throws {
    _ = try write(article, update, session)
    for version in changed { try write(version, of: article.id, session) }
    guard article.current?.number != wasInForce else { return }
    try KnowledgeIndex.put(article.current?.content.texts ?? [:], of: article.id, session)
  }

  private static func write(_ article: Article, _ statement: Statement, _ session: PostgresSession) throws -> Int {
    let content = article.current?.content ?? article.draft?.content
    return try session.run(statement) { parameters in
      parameters.int64(article.id.number)
      parameters.int64(article.revision)
      parameters.int32(Int32(clamping: article.lastNumber))
      parameters.int32(article.current.map { Int32(clamping: $0.number) })
      parameters.int32(article.draft.map { Int32(clamping: $0.number) })
      parameters.text(content?.category ?? "")
      parameters.date(unixDays: article.current?.content.validUntil.number)
      parameters.timestamptz(article.createdAt.microseconds)
    }
  }

  private static func write(_ version: ArticleVersion, of id: TicketID, _ session: PostgresSession) throws {
    _ = try session.run(writeVersion) { parameters in
      parameters.int64(id.number)
      parameters.int32(Int32(clamping: version.number))
      parameters.int16(version.state.number)
      parameters.text(version.content.category)
      parameters.date(unixDays: version.content.validUntil.number)
      parameters.textArray(version.authors)
      for line in [version.written, version.decision, version.ending] {
        parameters.timestamptz(line?.at.microseconds)
        parameters.text(line?.actor.name)
        parameters.text(line?.actor.reason)
      }
    }
    guard version.state == .draft else { return }
    _ = try session.run(forgetTexts) { parameters in
      parameters.int64(id.number)
      parameters.int32(Int32(clamping: version.number))
    }
    let texts = version.content.texts.sorted { $0.key.number < $1.key.number }
    _ = try session.run(insertTexts) { parameters in
      parameters.int64(id.number)
      parameters.int32(Int32(clamping: version.number))
      parameters.int16Array(texts.map(\.key.number))
      parameters.textArray(texts.map(\.value.title))
      parameters.textArray(texts.map(\.value.body))
      parameters.textArray(texts.map(\.value.keywords))
    }
  }
}
