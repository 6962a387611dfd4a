// Questions over HTTP (K-12): asked, answered by an article or not, and how many were answered without an agent.
import Access
import Domain
import HTTP
import Handling
import Hashing
import Messaging
import Postgres
import Runtime
import Text
import TicketsCore
import TicketsStore

struct QuestionsAPI: Sendable {
  let settings: TicketsSettings
  let clock: any BusinessClock
  let pool: PostgresPool
  /// What makes two requests without a key of their own two questions.
  var draw: @Sendable () -> UInt64 = { UInt64.random(in: 0 ... .max) }

  init(settings: TicketsSettings, context: ServiceContext) { self.init(settings: settings, clock: context.settings.clock, pool: context.pool) }

  init(settings: TicketsSettings, clock: any BusinessClock, pool: PostgresPool) {
    self.settings = settings
    self.clock = clock
    self.pool = pool
  }

  func add(to router: inout Router) {
    let limits = RouteLimits(bodyBytesMax: TicketsAPI.bodyBytesMax)
    router.get("/v1/questions", needs: .questionsRead) { try await list($0) }
    router.post("/v1/questions", needs: .questionsAsk, limits: limits) { try await ask($0) }
    router.get("/v1/questions/{question_id}", needs: .questionsRead) { request in
      let id = try QuestionsAPI.id(request)
      guard let question = try await pool.withSession({ try QuestionQueries.question(id, $0) }) else { throw QuestionsAPI.unknown(id) }
      return .json(request.shown(question).encoded)
    }
    let small = RouteLimits(bodyBytesMax: Instruction.bodyBytesMax)
    router.post("/v1/questions/{question_id}/outcome", needs: .questionsAsk, limits: small) { try await finish($0) }
    router.post("/v1/questions/{question_id}/ticket", needs: .questionsAsk, limits: small) { try await openTicket($0) }
    router.get("/v1/reports/knowledge", needs: .figuresRead) { try await report($0) }
  }

  private static func id(_ request: Request) throws(Problem) -> TicketID {
    guard let id = TicketID(try request.parameter("question_id")) else {
      throw Problem.invalid([.init(field: "question_id", rule: "format", detail: "a question's id has 16 hexadecimal digits")])
    }
    return id
  }

  private static func unknown(_ id: TicketID) -> Problem { Problem(.notFound, title: "No such question", detail: "there is no question \(id)") }

  /// A body without an actor: who asks is a customer, and need not say who.
  private static func body(_ request: Request, _ members: Set<String>) throws(Problem) -> BodyReader {
    guard let body = try? JSONValue(request.body), let given = body.members else { throw Problem(.badRequest, detail: "the body must be a JSON object") }
    var reader = BodyReader(body)
    for member in given where !members.contains(member.key) { reader.refuse(String(member.key.prefix(64)), "unknown", "there is no such member here") }
    return reader
  }

  // MARK: - Asking

  private func ask(_ request: Request) async throws -> Response {
    var reader = try QuestionsAPI.body(request, ["text", "language", "category", "channel", "customer_id"])
    let text = reader.text("text", max: BodyReader.textMax, isNeeded: true)
    let (language, category) = ArticlesAPI.scope(&reader)
    let channel = reader.text("channel", max: QuestionsAPI.channelMax)
    let customer = QuestionsAPI.customer(&reader, isNeeded: false)
    let key = TicketsAPI.key(request, &reader)
    try reader.finish()
    let digest = try Hasher256().digest(texts: ["question", key ?? "", key == nil ? String(draw(), radix: 16) : ""])
    let (now, zone) = (clock.now(), settings.rules.value.zone)
    let question = StoredQuestion(
      id: TicketID(number: Int64(bitPattern: digest.high)), askedAt: now, language: language ?? KnowledgeTerms.language(of: text), category: category ?? "",
      channel: channel, customer: customer, text: text)
    let (asked, isNew, articles) = try await pool.transaction { session -> (StoredQuestion, Bool, [FoundArticle]) in
      var question = question
      // A category that nobody writes articles for narrows nothing: what is asked may be answered elsewhere.
      var articles: [FoundArticle] = []
      for scope in category.map({ [$0, nil] }) ?? [nil] where articles.isEmpty {
        articles = try KnowledgeIndex.find(
          text, language: language, category: scope, on: zone.day(of: now), limit: ArticlesAPI.suggestionsUsual, session)
      }
      question.suggestions = articles.map { .init(article: $0.article, number: $0.number, language: $0.language, score: $0.score) }
      let isNew = try QuestionQueries.ask(question, session)
      guard let stored = try QuestionQueries.question(question.id, session) else { throw Problem(.internalServerError) }
      return (stored, isNew, articles)
    }
    // Whoever asks with the key of a question that is there reads that, as anybody reads it; articles hold no customer's words.
    guard case .object(let question) = request.shown(asked) else { throw Problem(.internalServerError) }
    let members = question + [JSONMember("articles", .array(articles.map(ArticleView.found)))]
    return .json(JSONValue.object(members).encoded, status: isNew ? .created : .ok, headers: ["Location": "/v1/questions/\(asked.id)"])
  }

  private static let channelMax = 60

  private static func customer(_ reader: inout BodyReader, isNeeded: Bool) -> CustomerID? {
    guard let given = reader.body["customer_id"] else {
      if isNeeded { reader.refuse("customer_id", "missing", "customer_id is needed: 16 hexadecimal digits, as the question names none") }
      return nil
    }
    let customer = given.stringValue.flatMap { CustomerID($0) }
    if customer == nil { reader.refuse("customer_id", "format", "a customer id has 16 hexadecimal digits") }
    return customer
  }

  // MARK: - What became of it

  private func finish(_ request: Request) async throws -> Response {
    let id = try QuestionsAPI.id(request)
    var reader = try QuestionsAPI.body(request, ["outcome", "article_id"])
    let outcome = reader.choice("outcome", of: QuestionOutcome.self, isNeeded: true) ?? .notHelped
    let article = reader.body["article_id"] == nil ? nil : reader.ticket("article_id")
    if outcome != .helped, reader.body["article_id"] != nil { reader.refuse("article_id", "unknown", "only what helped names an article") }
    try reader.finish()
    let now = clock.now()
    let told = try await pool.transaction { session -> StoredQuestion in
      guard var question = try QuestionQueries.question(id, isLocking: true, session) else { throw QuestionsAPI.unknown(id) }
      if let article, !question.suggestions.contains(where: { $0.article == article }) {
        throw Problem.invalid([.init(field: "article_id", rule: "unknown", detail: "article \(article) was not suggested")])
      }
      if question.outcome == outcome, question.helpedBy == article { return question }
      guard question.outcome == nil, question.ticket == nil else {
        throw Problem(.conflict, title: "Told already", detail: "what became of the question is told: \(question.outcome?.rawValue ?? "a ticket was opened")")
      }
      (question.outcome, question.outcomeAt, question.helpedBy) = (outcome, now, article)
      try QuestionQueries.finish(question, session)
      return question
    }
    return .json(request.shown(told).encoded)
  }

  /// Opens the ticket that a question becomes; the same question once more gives the ticket that is there.
  private func openTicket(_ request: Request) async throws -> Response {
    let id = try QuestionsAPI.id(request)
    let order = try Instruction(request, members: ["customer_id", "kind", "urgency"], needsReason: false)
    var reader = BodyReader(order.body)
    let subject = reader.subject()
    let named = QuestionsAPI.customer(&reader, isNeeded: false)
    try reader.finish()
    let digest = try Hasher256().digest(texts: ["ticket of a question", id.description])
    let (ticket, rules, now, actor) = (TicketID(number: Int64(bitPattern: digest.high)), settings.rules.value, clock.now(), order.ticketActor)
    let (record, isNew) = try await pool.transaction { session -> (TicketRecord, Bool) in
      guard var question = try QuestionQueries.question(id, isLocking: true, session) else { throw QuestionsAPI.unknown(id) }
      guard question.outcome != .helped else {
        throw Problem(.conflict, title: "Answered", detail: "an article helped: open a ticket of its own if there is more to be done")
      }
      guard let customer = question.customer ?? named else {
        throw Problem.invalid([.init(field: "customer_id", rule: "missing", detail: "customer_id is needed: the question names none")])
      }
      if let known = question.customer, let named, named != known {
        throw Problem.invalid([.init(field: "customer_id", rule: "other", detail: "the question is another customer's")])
      }
      var store = PostgresTicketStore(session, at: now)
      let origin = TicketOrigin(channel: question.channel, source: "questions", reference: question.id.description, text: question.text)
      let about = TicketSubject(kind: subject.kind ?? .question, category: question.category, urgency: subject.urgency)
      let opened = try TicketDesk.open(ticket, about, origin, for: customer, by: actor, &store, rules: rules, at: now)
      if question.ticket == nil {
        question.ticket = opened.record.id
        if question.outcome == nil { (question.outcome, question.outcomeAt) = (.notHelped, now) }
        try QuestionQueries.finish(question, session)
      }
      // One that was opened before is shown to those who may look at it. Programs look at no tickets: they are told of theirs.
      if !opened.isNew, request.may(.ticketsRead) { try request.check(opened.record, openedBy: actor, rules.staff, session) }
      return opened
    }
    settings.lane.ring()
    return .json(
      request.shown(record).encoded, status: isNew ? .created : .ok,
      headers: ["ETag": record.tag.description, "Location": "/v1/tickets/\(record.id)"])
  }

  // MARK: - Looking

  private func list(_ request: Request) async throws -> Response {
    var reader = BodyReader(ArticlesAPI.words(of: request, ["which", "category"]))
    let which = reader.choice("which", of: QuestionFilter.self) ?? .all
    let category = reader.text("category", max: BodyReader.categoryMax)
    try reader.finish()
    let limit = try TicketsAPI.number(request, "limit", in: 1...TicketsAPI.rowsMax) ?? TicketsAPI.rowsUsual
    let after = try TicketsAPI.place(request)
    let found = try await pool.withSession {
      try QuestionQueries.page(which, category: category.isEmpty ? nil : category, after: after, limit: limit + 1, $0)
    }
    let page = found.prefix(limit)
    let next = found.count > limit ? page.last.map { "\($0.askedAt.microseconds)-\($0.id)" } : nil
    return .json(
      JSONValue.object([
        JSONMember("questions", .array(page.map { request.shown($0) })), JSONMember("next", .textOrNull(next)),
      ]).encoded)
  }

  private func report(_ request: Request) async throws -> Response {
    let (zone, now) = (settings.rules.value.zone, clock.now())
    var reader = BodyReader(.object([]))
    let first = ServiceMonth.firstDay(request.query["month"], today: zone.day(of: now), &reader)
    let grouping = request.query["by"].map { DeflectionReport.Grouping(rawValue: $0) } ?? .category
    if grouping == nil { reader.refuse("by", "enum", "by is one of \(BodyReader.words(DeflectionReport.Grouping.self))") }
    try reader.finish()
    guard let first, let grouping else { throw Problem(.internalServerError) }
    let (start, end) = (zone.startOfDay(first), zone.startOfDay(first.adding(months: 1)))
    var report = DeflectionReport(by: grouping)
    for questions in try await pool.withSession({ try QuestionQueries.sums(from: start, until: end, $0) }) { report.add(questions) }
    let groups = report.ordered.map { group, figures in JSONValue.object([JSONMember("group", .textOrNull(group))] + QuestionsAPI.members(figures)) }
    return .json(
      JSONValue.object([
        JSONMember("month", .text(first.month.description)), JSONMember("as_of", TicketView.instant(now)), JSONMember("by", .text(grouping.rawValue)),
        JSONMember("deflection_goal_percent", .integer(Int64(DeflectionFigures.goalPercent))), JSONMember("groups", .array(groups)),
        JSONMember("total", .object(QuestionsAPI.members(report.total))),
      ]).encoded)
  }

  private static func members(_ figures: DeflectionFigures) -> [JSONMember] {
    func percent(_ value: Rational?) -> JSONValue {
      value.map { .number($0.decimalText(fractionDigitsMax: ServiceFiguresView.fractionDigitsMax)) } ?? .null
    }
    return [
      JSONMember("asked", .integer(figures.asked)), JSONMember("helped", .integer(figures.helped)), JSONMember("not_helped", .integer(figures.notHelped)),
      JSONMember("nothing_found", .integer(figures.nothingFound)), JSONMember("open", .integer(figures.open)),
      JSONMember("tickets", .integer(figures.tickets)), JSONMember("deflection_percent", percent(figures.deflection)),
      JSONMember("deflection_at_least_percent", percent(figures.deflectionAtLeast)),
    ]
  }
}
