// The pages on which customers answer (F-03): one address for each invitation, a step at a time, without a script. What was said is kept at every step.
import Access
import Domain
import FeedbackCore
import FeedbackStore
import HTML
import HTTP
import Handling
import Messaging
import Postgres
import Runtime
import Telemetry

struct SurveyPages: Sendable {
  let settings: FeedbackSettings
  let clock: any BusinessClock
  let pool: PostgresPool
  let logger: Logger
  let measures: FeedbackMeasures
  let limiter: RequestLimiter

  /// Of what a browser sends.
  static let bodyBytesMax = 64 << 10
  /// Characters of a comment, and of an answer in the customer's own words.
  static let textMax = 2_000
  static let retrySeconds: Int64 = 30

  init(settings: FeedbackSettings, context: ServiceContext, measures: FeedbackMeasures) {
    self.init(settings: settings, clock: context.settings.clock, pool: context.pool, logger: context.logger, measures: measures)
  }

  init(settings: FeedbackSettings, clock: any BusinessClock, pool: PostgresPool, logger: Logger, measures: FeedbackMeasures) {
    self.settings = settings
    self.clock = clock
    self.pool = pool
    self.logger = logger
    self.measures = measures
    limiter = RequestLimiter(requestsPerMinuteMax: settings.pages.requestsPerMinuteMax)
  }

  func add(to router: inout Router) {
    let limits = RouteLimits(bodyBytesMax: SurveyPages.bodyBytesMax)
    router.get("/s/{token}", needs: .everybody) { await answer($0) { try await look($0, $1) } }
    router.post("/s/{token}", needs: .everybody, limits: limits) { await answer($0) { try await take($0, $1) } }
    router.get("/s/{token}/stop", needs: .everybody) { await answer($0) { try await askToStop($0, $1) } }
    router.post("/s/{token}/stop", needs: .everybody, limits: limits) { await answer($0) { try await stop($0, $1) } }
  }

  /// A link that is genuine, and how the customer reads.
  private struct Visit {
    let token: String
    let id: InvitationID
    /// That was asked for by name; nil: the invitation's or the browser's.
    let named: PageLanguage?
    let accepted: [String]

    func language(_ invitation: Invitation?) -> PageLanguage {
      let usual: PageLanguage = .chinese
      if let named { return named }
      if let language = invitation?.language { return PageLanguage(tag: language.rawValue) ?? usual }
      return PageLanguage(named: nil, accepted: accepted, else: usual)
    }
  }

  /// Every answer is a page, whatever happens.
  private func answer(_ request: Request, _ body: (Request, Visit) async throws -> Response) async -> Response {
    let accepted = request.headers.all("Accept-Language")
    let named = request.query["lang"].flatMap { PageLanguage(tag: $0) }
    let language = PageLanguage(named: request.query["lang"], accepted: accepted, else: .chinese)
    let address = ClientAddress.of(peer: request.peer, forwarded: request.headers.all("X-Forwarded-For"), hops: settings.pages.proxyHops)
    if let seconds = limiter.refused(address, now: SystemTime.monotonicNanoseconds()) {
      return turnAway(.flood, language, .tooManyRequests, retryAfter: seconds)
    }
    do {
      let token = try request.parameter("token")
      guard let id = try settings.pages.links.invitation(of: token) else { return turnAway(.forged, language, .notFound) }
      return try await body(request, Visit(token: token, id: id, named: named, accepted: accepted))
    } catch let problem as Problem {
      return page(SurveyPageView.notice(SurveyPageText.unreadable, language), problem.status)
    } catch {
      logger.error("a survey page cannot be shown", [.error: .describing(error)])
      return page(SurveyPageView.notice(SurveyPageText.later, language), .serviceUnavailable, retryAfter: SurveyPages.retrySeconds)
    }
  }

  private func page(_ page: Page, _ status: HTTPStatus = .ok, retryAfter: Int64? = nil) -> Response {
    var headers: HTTPHeaders = ["Cache-Control": "no-store", "X-Robots-Tag": "noindex"]
    for (name, value) in Page.headers { headers[name] = value }
    if let retryAfter { headers["Retry-After"] = String(retryAfter) }
    return Response(status, headers: headers, body: page.bytes)
  }

  /// What is unknown and what is forged are told the same: a guess learns nothing.
  private func turnAway(_ reason: PageRefusal, _ language: PageLanguage, _ status: HTTPStatus, retryAfter: Int64? = nil) -> Response {
    measures.turnedAway[reason]?.increment()
    let text =
      switch reason {
      case .flood: SurveyPageText.flood
      case .forged, .unknown: SurveyPageText.noLink
      case .expired: SurveyPageText.expired
      case .used: SurveyPageText.used
      }
    return page(SurveyPageView.notice(text, language), status, retryAfter: retryAfter)
  }

  private func closed(_ closed: Invitation.Closed, _ language: PageLanguage) -> Response {
    turnAway(closed == .answered ? .used : .expired, language, .gone)
  }

  // MARK: - Looking

  private func look(_ request: Request, _ visit: Visit) async throws -> Response {
    let (now, id) = (clock.now(), visit.id)
    // A HEAD is no look.
    let isLook = request.method == .get
    // Customers are in no trail, and one statement needs no transaction.
    let found = try await pool.withSession(isKept: false) { session -> Invitation? in
      guard let found = try InvitationQueries.invitation(id, session) else { return nil }
      if isLook, found.openedAt == nil, found.closed(at: now) == nil { try InvitationQueries.noteOpened(id, at: now, session) }
      return found
    }
    guard let found else { return turnAway(.unknown, visit.language(nil), .notFound) }
    let (language, survey) = (visit.language(found), try survey(of: found))
    if found.answeredAt != nil, request.query["done"] != nil { return page(SurveyPageView.thanks(survey, language, token: visit.token)) }
    if let reason = found.closed(at: now) { return closed(reason, language) }
    if let step = found.draft.next(in: survey), request.query["step"] != "score" {
      return page(SurveyPageView.step(step, of: survey, found.draft, language, token: visit.token))
    }
    return page(SurveyPageView.score(survey, found.draft.score, language, token: visit.token))
  }

  private func survey(of invitation: Invitation) throws -> Survey {
    guard let survey = settings.surveys.value[invitation.survey] else { throw UnknownSurvey(reference: invitation.survey) }
    return survey
  }

  // MARK: - Taking

  /// Why nothing was taken, with the invitation as it stands.
  private struct Untaken: Error {
    enum Reason {
      case closed(Invitation.Closed)
      case wrong(SurveyForm.Fault)
    }

    let invitation: Invitation
    let reason: Reason
  }

  private func take(_ request: Request, _ visit: Visit) async throws -> Response {
    let (now, id, form) = (clock.now(), visit.id, try request.form())
    let taken: Invitation?
    do {
      taken = try await pool.transaction { session in
        try InvitationQueries.say(id, session) { invitation in
          let standing = invitation
          // Over before wrong: whoever comes too late has nothing to put right.
          if let reason = standing.closed(at: now) { throw Untaken(invitation: standing, reason: .closed(reason)) }
          let survey = try survey(of: standing)
          switch SurveyForm.read(form, survey, standing.draft) {
          case .success(let said): try said.put(into: &invitation, survey, at: now)
          case .failure(let fault): throw Untaken(invitation: standing, reason: .wrong(fault))
          }
        }
      }
    } catch let untaken as Untaken { return try answer(untaken, visit) }
    guard let taken else { return turnAway(.unknown, visit.language(nil), .notFound) }
    if taken.answeredAt != nil { settings.lane.ring() }
    let query = [taken.answeredAt == nil ? nil : "done=1", visit.named.map { "lang=\($0.rawValue)" }].compactMap { $0 }.joined(separator: "&")
    return Response(.seeOther, headers: ["Location": "/s/\(visit.token)" + (query.isEmpty ? "" : "?\(query)"), "Cache-Control": "no-store"])
  }

  private func answer(_ untaken: Untaken, _ visit: Visit) throws -> Response {
    let (invitation, language) = (untaken.invitation, visit.language(untaken.invitation))
    switch untaken.reason {
    case .closed(let reason): return closed(reason, language)
    case .wrong(let fault):
      let survey = try survey(of: invitation)
      guard let step = fault.step else {
        return page(SurveyPageView.score(survey, invitation.draft.score, language, token: visit.token, fault: fault), .unprocessable)
      }
      return page(SurveyPageView.step(step, of: survey, invitation.draft, language, token: visit.token, fault: fault), .unprocessable)
    }
  }

  /// A link of a mail may be opened by whoever looks through mail for harm: nothing is done before a person says so.
  private func askToStop(_ request: Request, _ visit: Visit) async throws -> Response {
    let id = visit.id
    guard let found = try await pool.withSession(isKept: false, { try InvitationQueries.invitation(id, $0) }) else {
      return turnAway(.unknown, visit.language(nil), .notFound)
    }
    return page(SurveyPageView.stop(visit.language(found), token: visit.token))
  }

  /// The customer wants to be asked nothing more; that may be said on any page, also on one whose time is over.
  private func stop(_ request: Request, _ visit: Visit) async throws -> Response {
    let (now, id) = (clock.now(), visit.id)
    let found = try await pool.transaction { session -> Invitation? in
      guard let found = try InvitationQueries.invitation(id, session) else { return nil }
      _ = try InvitationDesk.optOut(found.identity, by: Invitation.source, because: "said on a survey page", PostgresFeedbackStore(session), at: now)
      return found
    }
    guard let found else { return turnAway(.unknown, visit.language(nil), .notFound) }
    // What is under way is called back.
    settings.lane.ring()
    return page(SurveyPageView.notice(SurveyPageText.stopped, visit.language(found)))
  }
}

/// A survey that came after this process: another one knows it.
private struct UnknownSurvey: Error, CustomStringConvertible {
  let reference: SurveyReference
  var description: String { "the survey \(reference) is not known to this process yet: restart it" }
}

/// What a browser sent, once it is found to be in order.
struct SurveyForm: Sendable {
  enum Content: Sendable {
    case score(Int64)
    case step(SurveyStep, [String: String])
  }

  let content: Content

  /// What is wrong with it.
  struct Fault: Error {
    /// Nil: the page with the score.
    let step: SurveyStep?
    /// The question at fault; nil: the score.
    let question: String?
    let text: LocalizedName
    /// What was entered, so that it need not be entered again.
    let said: [String: String]
  }

  func put(into invitation: inout Invitation, _ survey: Survey, at now: Instant) throws(Invitation.Closed) {
    switch content {
    case .score(let score): try invitation.give(score, in: survey, at: now)
    case .step(let step, let said): try invitation.take(step, said, in: survey, at: now)
    }
  }

  /// Before the names of further questions.
  static let prefix = "q-"
  /// Names the questions that stood on the page, so that a page that was sent twice or late touches no others.
  static let shown = "on"

  static func read(_ form: QueryItems, _ survey: Survey, _ draft: SurveyDraft) -> Result<SurveyForm, Fault> {
    guard let shown = form[SurveyForm.shown] else {
      guard let score = form["score"].flatMap({ Int64($0) }), survey.metric.scores.contains(score) else {
        return .failure(Fault(step: nil, question: nil, text: SurveyPageText.chooseScore, said: [:]))
      }
      return .success(SurveyForm(content: .score(score)))
    }
    let ids = Set(shown.split(separator: " ").map(String.init))
    let questions = survey.questions.filter { ids.contains($0.id) && draft.leads(to: $0, in: survey) }
    let step = SurveyStep(asksComment: survey.comment != nil && ids.contains(Survey.commentID), questions: questions)
    var said: [String: String] = [:]
    for id in (step.asksComment ? [Survey.commentID] : []) + questions.map(\.id) {
      if let text = form[SurveyForm.prefix + id].map(trimmed) { said[id] = text }
    }
    for (id, text) in said.sorted(by: { $0.key < $1.key }) where !text.isEmpty {
      if let choices = survey[id]?.choices {
        guard choices.contains(text) else { return .failure(Fault(step: step, question: id, text: SurveyPageText.chooseOne, said: said)) }
      } else if text.unicodeScalars.count > SurveyPages.textMax {
        return .failure(Fault(step: step, question: id, text: SurveyPageText.tooLong, said: said))
      }
    }
    return .success(SurveyForm(content: .step(step, said)))
  }

  /// Without blanks at the ends, and with line breaks as texts have them: forms send two characters for each.
  private static func trimmed(_ text: String) -> String {
    let lines = text.replacing("\r\n", with: "\n")
    return String(lines.drop(while: \.isWhitespace).reversed().drop(while: \.isWhitespace).reversed())
  }
}
