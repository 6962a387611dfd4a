// The knowledge base over HTTP (K-12): write, approve by somebody else, withdraw, look for.
import Access
import Domain
import HTTP
import Handling
import Hashing
import Postgres
import Runtime
import Text
import TicketsCore
import TicketsStore

struct ArticlesAPI: Sendable {
  let zone: BusinessZone
  let clock: any BusinessClock
  let pool: PostgresPool
  /// What makes two requests without a key of their own two articles.
  var draw: @Sendable () -> UInt64 = { UInt64.random(in: 0 ... .max) }

  /// Articles that are suggested at most, and unless another number is asked for.
  static let suggestionsMax = 20
  static let suggestionsUsual = 3
  /// Two texts of 20,000 characters, escaped, with what stands beside them.
  static let bodyBytesMax = 512 << 10

  /// Refuses a ticket that whoever asks has no business with.
  private let check: @Sendable (Request, TicketRecord) throws -> Void

  init(settings: TicketsSettings, context: ServiceContext) {
    self.init(zone: settings.rules.value.zone, clock: context.settings.clock, pool: context.pool) { try $0.check($1, settings.rules.value.staff) }
  }

  init(
    zone: BusinessZone, clock: any BusinessClock, pool: PostgresPool, check: @escaping @Sendable (Request, TicketRecord) throws -> Void
  ) {
    self.check = check
    self.zone = zone
    self.clock = clock
    self.pool = pool
  }

  func add(to router: inout Router) {
    let limits = RouteLimits(bodyBytesMax: ArticlesAPI.bodyBytesMax)
    router.get("/v1/articles", needs: .articlesRead) { try await list($0) }
    router.post("/v1/articles", needs: .articlesWrite, limits: limits) { try await begin($0) }
    router.get("/v1/articles/{article_id}", needs: .articlesRead) { request in
      let id = try ArticlesAPI.id(request)
      guard let article = try await pool.withSession({ try ArticleQueries.article(id, $0) }) else { throw ArticlesAPI.unknown(id) }
      return answer(article)
    }
    router.get("/v1/articles/{article_id}/versions", needs: .articlesRead) { try await versions($0) }
    router.post("/v1/articles/{article_id}/draft", needs: .articlesWrite, limits: limits) { try await write($0) }
    router.post("/v1/articles/{article_id}/steps", needs: .articlesWrite, limits: RouteLimits(bodyBytesMax: Instruction.bodyBytesMax)) { try await step($0) }
    router.get("/v1/suggestions", needs: .articlesRead) { try await suggest($0) }
    router.get("/v1/tickets/{ticket_id}/suggestions", needs: .ticketsRead) { request in
      let id = try request.ticketID()
      var reader = BodyReader(ArticlesAPI.words(of: request, ["language", "category"]))
      let (language, category) = ArticlesAPI.scope(&reader)
      try reader.finish()
      let limit = try ArticlesAPI.limit(request)
      guard let ticket = try await pool.withSession({ try TicketQueries.ticket(id, $0) }) else { throw TicketsAPI.unknown(id) }
      try check(request, ticket)
      // What a ticket is about is said once more by its category, in its own words.
      return try await found("\(ticket.ticket.subject.category)\n\(ticket.origin.text)", language, category, limit)
    }
  }

  // MARK: - Reading requests

  private static func id(_ request: Request) throws(Problem) -> TicketID {
    guard let id = TicketID(try request.parameter("article_id")) else {
      throw Problem.invalid([.init(field: "article_id", rule: "format", detail: "an article's id has 16 hexadecimal digits")])
    }
    return id
  }

  private static func unknown(_ id: TicketID) -> Problem { Problem(.notFound, title: "No such article", detail: "there is no article \(id)") }

  /// Parameters of a query as a body has them.
  static func words(of request: Request, _ names: [String]) -> JSONValue {
    .object(names.compactMap { name in request.query[name].map { JSONMember(name, .text($0)) } })
  }

  /// In what is looked for; nil: in all.
  static func scope(_ reader: inout BodyReader) -> (language: Language?, category: String?) {
    let category = reader.text("category", max: BodyReader.categoryMax)
    return (reader.choice("language", of: Language.self), category.isEmpty ? nil : category)
  }

  static func limit(_ request: Request) throws(Problem) -> Int {
    try TicketsAPI.number(request, "limit", in: 1...suggestionsMax) ?? suggestionsUsual
  }

  private static let contentMembers: Set<String> = ["category", "texts", "valid_until"]

  private func content(_ reader: inout BodyReader) -> ArticleContent? {
    let category = reader.text("category", max: BodyReader.categoryMax)
    let today = zone.day(of: clock.now())
    let last = today + ArticleContent.validDaysMax
    let day = reader.body["valid_until"]?.stringValue.flatMap { Day($0) }
    if day.map({ $0 < today || $0 > last }) ?? true {
      reader.refuse("valid_until", "range", "valid_until is the last day on which it is good, from \(today) to \(last)")
    }
    var texts: [Language: ArticleText] = [:]
    let languages = Language.allCases.map(\.rawValue).joined(separator: ", ")
    if let given = reader.body["texts"]?.members, !given.isEmpty {
      for member in given {
        guard let language = Language(rawValue: member.key), let members = member.value.members,
          members.allSatisfy({ ["title", "body", "keywords"].contains($0.key) })
        else {
          reader.refuse("texts", "type", "texts has a title, a body and, if you like, keywords for one or more of \(languages)")
          continue
        }
        var inner = BodyReader(member.value)
        texts[language] = ArticleText(
          title: inner.text("title", max: ArticleText.titleMax, isNeeded: true), body: inner.text("body", max: ArticleText.bodyMax, isNeeded: true),
          keywords: inner.text("keywords", max: ArticleText.keywordsMax))
        for fault in inner.faults { reader.refuse("texts.\(language.rawValue).\(fault.field)", fault.rule, fault.detail) }
      }
    } else {
      reader.refuse("texts", "missing", "texts has the article in one or more of \(languages)")
    }
    return day.map { ArticleContent(category: category, texts: texts, validUntil: $0) }
  }

  // MARK: - Answers

  private func answer(_ article: Article, status: HTTPStatus = .ok, headers: HTTPHeaders = [:]) -> Response {
    var headers = headers
    headers["ETag"] = ArticleView.tag(article).description
    return .json(JSONValue.object(ArticleView.article(article, on: zone.day(of: clock.now()))).encoded, status: status, headers: headers)
  }

  private func list(_ request: Request) async throws -> Response {
    let today = zone.day(of: clock.now())
    var reader = BodyReader(ArticlesAPI.words(of: request, ["state", "category"]))
    let state = reader.choice("state", of: ArticleState.self)
    let category = reader.text("category", max: BodyReader.categoryMax)
    try reader.finish()
    let days = try TicketsAPI.number(request, "expiring_days", in: 0...ArticleContent.validDaysMax)
    let limit = try TicketsAPI.number(request, "limit", in: 1...TicketsAPI.rowsMax) ?? TicketsAPI.rowsUsual
    let after = try TicketsAPI.place(request)
    let filter = ArticleFilter(state: state, category: category.isEmpty ? nil : category, expiringUntil: days.map { today + $0 })
    let found = try await pool.withSession { try ArticleQueries.page(filter, on: today, after: after, limit: limit + 1, $0) }
    let page = found.prefix(limit)
    let next = found.count > limit ? page.last.map { "\($0.createdAt.microseconds)-\($0.id)" } : nil
    return .json(
      JSONValue.object([
        JSONMember("articles", .array(page.map { .object(ArticleView.summary($0, on: today)) })), JSONMember("next", .textOrNull(next)),
      ]).encoded)
  }

  private func versions(_ request: Request) async throws -> Response {
    let id = try ArticlesAPI.id(request)
    let limit = try TicketsAPI.number(request, "limit", in: 1...TicketsAPI.rowsMax) ?? TicketsAPI.rowsUsual
    let before = try TicketsAPI.number(request, "before", in: 1...Int(Int32.max)) ?? Int(Int32.max)
    let found = try await pool.withSession { try ArticleQueries.versions(of: id, before: before, limit: limit + 1, $0) }
    if found.isEmpty, try await pool.withSession({ try ArticleQueries.article(id, $0) }) == nil { throw ArticlesAPI.unknown(id) }
    let page = found.prefix(limit)
    let next: JSONValue = found.count > limit ? page.last.map { .integer(Int64($0.number)) } ?? .null : .null
    return .json(JSONValue.object([JSONMember("versions", .array(page.map { ArticleView.version($0) })), JSONMember("next", next)]).encoded)
  }

  private func suggest(_ request: Request) async throws -> Response {
    var reader = BodyReader(ArticlesAPI.words(of: request, ["text", "language", "category"]))
    let text = reader.text("text", max: BodyReader.textMax, isNeeded: true)
    let (language, category) = ArticlesAPI.scope(&reader)
    try reader.finish()
    return try await found(text, language, category, try ArticlesAPI.limit(request))
  }

  private func found(_ text: String, _ language: Language?, _ category: String?, _ limit: Int) async throws -> Response {
    let today = zone.day(of: clock.now())
    let found = try await pool.withSession {
      try KnowledgeIndex.find(text, language: language, category: category, on: today, limit: limit, $0)
    }
    return .json(
      JSONValue.object([
        JSONMember("language", .text(KnowledgeTerms.language(of: text).rawValue)), JSONMember("articles", .array(found.map(ArticleView.found))),
      ]).encoded)
  }

  // MARK: - Writing

  private func begin(_ request: Request) async throws -> Response {
    let order = try Instruction(request, members: ArticlesAPI.contentMembers, needsReason: false)
    let now = clock.now()
    var reader = BodyReader(order.body)
    let content = content(&reader)
    let key = TicketsAPI.key(request, &reader)
    try reader.finish()
    guard let content else { throw Problem(.internalServerError) }
    let digest = try Hasher256().digest(texts: ["article", key ?? "", key == nil ? String(draw(), radix: 16) : ""])
    let article = Article(TicketID(number: Int64(bitPattern: digest.high)), content, by: ArticleLine(order.ticketActor, at: now))
    let (isNew, found) = try await pool.transaction { session in
      (try ArticleQueries.begin(article, session), try ArticleQueries.article(article.id, session))
    }
    guard let found else { throw Problem(.internalServerError) }
    return answer(found, status: isNew ? .created : .ok, headers: ["Location": "/v1/articles/\(found.id)"])
  }

  private func write(_ request: Request) async throws -> Response {
    let order = try Instruction(request, members: ArticlesAPI.contentMembers, needsReason: false)
    var reader = BodyReader(order.body)
    let content = content(&reader)
    try reader.finish()
    guard let content else { throw Problem(.internalServerError) }
    return try await change(request) { article, now throws(ArticleRefusal) in try article.write(content, by: ArticleLine(order.ticketActor, at: now)) }
  }

  private func step(_ request: Request) async throws -> Response {
    let order = try Instruction(request, members: ["step"], needsReason: false)
    var reader = BodyReader(order.body)
    let step = reader.choice("step", of: ArticleStep.self, isNeeded: true) ?? .approve
    if step != .approve, order.reason.allSatisfy(\.isWhitespace) { reader.refuse("reason", "missing", "\(step.rawValue) needs a reason") }
    try reader.finish()
    let zone = zone
    return try await change(request) { article, now throws(ArticleRefusal) in
      try article.take(step, by: ArticleLine(order.ticketActor, at: now), on: zone.day(of: now))
    }
  }

  /// Changes an article if it is as the person saw it: so that of two people the second is told.
  private func change(
    _ request: Request, _ body: @Sendable (inout Article, Instant) throws(ArticleRefusal) -> [ArticleVersion]
  ) async throws -> Response {
    let id = try ArticlesAPI.id(request)
    let tags = try request.expectedTags(of: "the article")
    let now = clock.now()
    let changed = try await pool.transaction { session -> Article in
      guard var article = try ArticleQueries.article(id, isLocking: true, session) else { throw ArticlesAPI.unknown(id) }
      guard ArticleView.tag(article).isNamed(in: tags) else {
        throw Problem(.preconditionFailed, title: "Changed meanwhile", detail: "the article is not what If-Match names: look again and decide anew")
      }
      let before = article.current?.number
      let versions: [ArticleVersion]
      do throws(ArticleRefusal) { versions = try body(&article, now) } catch { throw error.problem }
      try ArticleQueries.write(article, versions, wasInForce: before, session)
      return article
    }
    return answer(changed)
  }
}

extension ArticleRefusal {
  fileprivate var problem: Problem {
    switch self {
    case .noDraft: Problem(.conflict, title: "Not possible now", detail: "there is no draft: write one (`POST /v1/articles/{article_id}/draft`)")
    case .notInForce: Problem(.conflict, title: "Not possible now", detail: "no version is in force: a draft can be rejected")
    case .ownWork: Problem(.conflict, title: "Four eyes", detail: "who wrote on a draft cannot approve it: somebody else has to")
    case .over(let day): Problem(.conflict, title: "Not possible now", detail: "it was to be good until \(day): write a later valid_until into the draft")
    case .tooManyAuthors:
      Problem(.conflict, title: "Not possible now", detail: "\(ArticleVersion.authorsMax) people wrote on the draft already: approve or reject it")
    }
  }
}
