// Survey pages through the service's routes, on PostgreSQL: what a browser is shown, what it may send, and what becomes of it (F-03).
import Domain
import FeedbackCore
import FeedbackStore
import HTTP
import Handling
import Postgres
import Synchronization
import Telemetry
import TestSupport
import Testing
import Text

@testable import feedback

/// A clock that tests move.
private final class MovedClock: BusinessClock {
  private let moment: Mutex<Instant>
  init(_ moment: Instant) { self.moment = Mutex(moment) }
  func now() -> Instant { moment.withLock { $0 } }
  func move(to moment: Instant) { self.moment.withLock { $0 = moment } }
}

@Suite("Survey pages", .enabled(if: TestDatabase.isAvailable, "\(TestDatabase.whyNot)")) struct SurveyPageTests {
  private static let day = moment("2026-11-01", hours: 9)

  private struct Site {
    let router: Router
    let clock: MovedClock
    let settings: FeedbackSettings
    let tables: PostgresSettings
    let invitation: Invitation

    let token: String

    struct Shown {
      let status: HTTPStatus
      let text: String
      let headers: HTTPHeaders
    }

    func get(_ path: String = "", language: String? = "en", method: HTTPMethod = .get) async throws -> Shown {
      var headers: HTTPHeaders = [:]
      if let language { headers["Accept-Language"] = language }
      return answer(try await router.respond(to: try Request(method, "/s/\(token)\(path)", headers: headers, peer: "192.0.2.1:5000")))
    }

    func post(_ form: String, _ path: String = "", type: String = Request.formType) async throws -> Shown {
      let headers: HTTPHeaders = ["Content-Type": type, "Accept-Language": "en"]
      let request = try Request(.post, "/s/\(token)\(path)", headers: headers, body: Array(form.utf8), peer: "192.0.2.1:5000")
      return answer(try await router.respond(to: request))
    }

    func answer(_ response: Response) -> Shown {
      Shown(status: response.status, text: String(decoding: response.bytes ?? [], as: UTF8.self), headers: response.headers)
    }

    func stored() async throws -> Invitation {
      let id = invitation.id
      return try #require(try await Tables.session(tables) { try InvitationQueries.invitation(id, $0) })
    }
  }

  private func with(
    language: Language? = nil, survey: String = "nps-quarterly", rate: Int = 300, _ body: @escaping (Site) async throws -> Void
  ) async throws {
    try await Tables.with { tables in
      let shipped = try #require(try FeedbackSettings.shipped())
      let pages = PageSettings(links: shipped.pages.links, requestsPerMinuteMax: rate)
      let settings = FeedbackSettings(ladder: shipped.ladder, surveys: shipped.surveyFiles, comments: shipped.comments, asking: shipped.asking, pages: pages)
      let order = try order([1], survey: survey, language: language)
      let outcome = try await Tables.session(tables) { session in
        _ = try Tables.take([.tier(tier(1, 1, "vip", at: moment("2026-01-01")))], session)
        return try session.transaction { session in
          var store = PostgresFeedbackStore(session)
          return try InvitationDesk.invite(order, &store, budget: try freeBudget(), at: Self.day)
        }
      }
      guard case .invited(let invitation)? = outcome.first else { throw NotInvited() }
      let (clock, pool) = (MovedClock(Self.day), PostgresPool(tables))
      var router = Router()
      let (logger, measures) = (Logger(service: "feedback", level: .error), FeedbackMeasures(Metrics()))
      SurveyPages(settings: settings, clock: clock, pool: pool, logger: logger, measures: measures).add(to: &router)
      let token = try pages.links.token(for: invitation.id)
      try await body(Site(router: router, clock: clock, settings: settings, tables: tables, invitation: invitation, token: token))
      await pool.close()
    }
  }

  private struct NotInvited: Error {}

  @Test func aCustomerIsLedFromTheScoreToThanksAndTheLinkIsUsed() async throws {
    try await with { site in
      let first = try await site.get()
      #expect(first.status == .ok && first.text.contains("How likely are you to recommend us") && first.text.contains("value=\"10\" required"))
      #expect(try await site.stored().openedAt == Self.day)
      let scored = try await site.post("score=3")
      #expect(scored.status == .seeOther && scored.headers["Location"] == "/s/\(site.token)")
      let second = try await site.get()
      #expect(second.text.contains("What should we improve first?") && !second.text.contains("Do you have a suggestion"))
      #expect(second.text.contains("name=\"on\" value=\"comment area\""))
      #expect(try await site.post("on=comment+area&q-comment=too+slow%0D%0Areally&q-area=service").status == .seeOther)
      let third = try await site.get()
      #expect(third.text.contains("Did you contact our service about it?") && !third.text.contains("improve first"))
      let done = try await site.post("on=reached-us&q-reached-us=yes")
      #expect(done.status == .seeOther && done.headers["Location"] == "/s/\(site.token)?done=1")
      #expect(try await site.get("?done=1").text.contains("Thank you. Every answer is read."))
      let answer = try #require(try await site.stored().answer(to: try shippedSurvey()))
      #expect(answer.score == 3 && answer.comment == "too slow\nreally")
      #expect(answer.followUps.map { "\($0.question)=\($0.answer)" } == ["area=service", "reached-us=yes"])
      // From now on the link says so, and nothing that is sent changes anything.
      let before = try await site.stored()
      #expect(try await site.get().status == .gone)
      for form in ["score=10", "on=comment&q-comment=other"] { #expect(try await site.post(form).status == .gone) }
      #expect(try await site.stored() == before)
    }
  }

  @Test func thePageSpeaksTheInvitationsLanguageElseTheBrowsersAndCanBeSwitched() async throws {
    try await with(language: .chinese) { site in
      let page = try await site.get(language: "en").text
      #expect(page.contains("<html lang=\"zh-CN\">") && page.contains("您有多大可能把我们推荐给朋友或同事？"))
      #expect(try await site.get("?lang=en").text.contains("<html lang=\"en\">"))
      let sent = try await site.post("score=9", "?lang=en")
      #expect(sent.headers["Location"]?.hasSuffix("?lang=en") == true)
    }
    try await with { site in
      for (accepted, language) in [("zh-CN,zh;q=0.9", "zh-CN"), ("en-GB", "en"), (nil, "zh-CN")] {
        let page = try await site.get(language: accepted)
        #expect(page.text.contains("<html lang=\"\(language)\">"))
      }
    }
  }

  @Test func aGuessAndALinkOfNobodyAreToldTheSame() async throws {
    try await with { site in
      func ask(_ token: String) async throws -> Site.Shown {
        site.answer(try await site.router.respond(to: try Request(.get, "/s/\(token)", headers: ["Accept-Language": "en"], peer: "192.0.2.1:5000")))
      }
      let token = site.token
      let forged = try await ask(String(token.dropLast()) + (token.hasSuffix("A") ? "B" : "A"))
      let unknown = try await ask(try site.settings.pages.links.token(for: InvitationID(number: 4_711)))
      #expect(forged.status == .notFound && unknown.status == .notFound && forged.text == unknown.text && forged.headers == unknown.headers)
      #expect(forged.text.contains("This link leads nowhere"))
      #expect(try await site.router.respond(to: try Request(.post, "/s/none", body: [], peer: "192.0.2.1:5000")).status == .notFound)
    }
  }

  @Test func afterItsDaysTheLinkIsOverAndWhatWasSaidUntilThenStays() async throws {
    try await with { site in
      #expect(try await site.post("score=8").status == .seeOther)
      site.clock.move(to: moment("2026-11-15", hours: 8))
      #expect(try await site.get().status == .ok)
      site.clock.move(to: moment("2026-11-15", hours: 9))
      let page = try await site.get()
      #expect(page.status == .gone && page.text.contains("This survey is over"))
      #expect(try await site.post("score=2").status == .gone)
      #expect(try await site.stored().draft.score == 8)
    }
  }

  @Test func whatIsWrongIsSaidBesideTheQuestionAndWhatWasEnteredStays() async throws {
    try await with { site in
      for form in ["", "score=", "score=11", "score=nine", "other=1"] {
        let page = try await site.post(form)
        #expect(page.status == .unprocessable && page.text.contains("Please choose one of the scores.") && page.text.contains("<title>Error: "), "\(form)")
        #expect(page.text.contains("aria-describedby=\"ends fault-score\"") && page.text.contains("role=\"alert\""))
      }
      _ = try await site.post("score=3")
      let long = String(repeating: "%E6%85%A2", count: SurveyPages.textMax + 1)
      let page = try await site.post("on=comment+area&q-area=price&q-comment=\(long)")
      #expect(page.status == .unprocessable && page.text.contains("at most 2000 characters") && page.text.contains("aria-invalid=\"true\""))
      #expect(page.text.contains("value=\"price\" checked") && page.text.contains("慢慢慢"))
      #expect(try await site.post("on=comment+area&q-area=everything").status == .unprocessable)
      #expect(try await site.stored().draft.asked.isEmpty)
      #expect(try await site.post("score=%0").status == .badRequest)
      #expect(try await site.post("{}", type: "application/json").status == .unsupportedMediaType)
    }
  }

  @Test func whatIsEnteredIsNeverMarkup() async throws {
    try await with { site in
      _ = try await site.post("score=9")
      _ = try await site.post("on=comment&q-comment=%3Cscript%3Ealert(1)%3C%2Fscript%3E")
      let page = try await site.post("on=comment+suggestion&q-comment=%3Cb%3E%22%27&q-suggestion=" + String(repeating: "a", count: SurveyPages.textMax + 1))
      #expect(page.text.contains("&lt;b&gt;&quot;&#39;") && !page.text.contains("<b>") && !page.text.contains("<script"))
    }
  }

  @Test func theScoreMayBeChangedAndAPageThatIsSentTwiceTouchesNoOtherQuestions() async throws {
    try await with { site in
      _ = try await site.post("score=3")
      #expect(try await site.get("?step=score").text.contains("value=\"3\" checked"))
      _ = try await site.post("on=comment+area&q-area=service")
      // The second page once more, with another answer: the third question is not passed over by that.
      _ = try await site.post("on=comment+area&q-area=delivery")
      #expect(try await site.get().text.contains("Did you contact our service"))
      _ = try await site.post("score=10")
      let (stored, survey) = (try await site.stored(), try shippedSurvey())
      #expect(stored.draft.score == 10 && stored.draft.followUps(in: survey).isEmpty && stored.scoredAt == Self.day)
      #expect(try await site.get().text.contains("Do you have a suggestion"))
    }
  }

  @Test func nothingOfThePageIsKeptOrToldElsewhereAndAHeadIsNoLook() async throws {
    try await with { site in
      let head = try await site.get(method: .head)
      #expect(head.status == .ok)
      #expect(try await site.stored().openedAt == nil)
      let page = try await site.get()
      let policy = page.headers["Content-Security-Policy"] ?? ""
      for rule in ["default-src 'none'", "form-action 'self'", "frame-ancestors 'none'", "base-uri 'none'"] { #expect(policy.contains(rule)) }
      #expect(page.headers["Referrer-Policy"] == "no-referrer" && page.headers["Cache-Control"] == "no-store")
      #expect(page.headers["X-Content-Type-Options"] == "nosniff" && page.headers["X-Robots-Tag"] == "noindex")
      for personal in ["0000000000000001", "Wang", site.invitation.id.description, "T1"] { #expect(!page.text.contains(personal), "\(personal)") }
      for loaded in ["src=", "http://", "https://", "<script", "<link", "url("] { #expect(!page.text.contains(loaded), "\(loaded)") }
    }
  }

  @Test func whoAsksTooOftenIsToldWhenToComeBackAndOthersAreServed() async throws {
    try await with(rate: 10) { site in
      for _ in 0..<10 { #expect(try await site.get().status == .ok) }
      let page = try await site.get()
      #expect(page.status == .tooManyRequests && page.text.contains("Too many requests"))
      let wait = try #require(page.headers["Retry-After"].flatMap { Int($0) })
      #expect((1...60).contains(wait))
      let other = try await site.router.respond(to: try Request(.get, "/s/\(site.token)", peer: "192.0.2.2:5000"))
      #expect(other.status == .ok)
    }
  }

  @Test func onThePageACustomerCanSayThatThereShallBeNoMore() async throws {
    try await with { site in
      #expect(try await site.get().text.contains("I do not want to be asked again"))
      // Looking at where that is said says nothing yet: programs that look through mail open links too.
      let asked = try await site.get("/stop")
      #expect(asked.status == .ok && asked.text.contains("No more surveys?") && asked.text.contains("/stop?lang="))
      let isStopped = try await Tables.session(site.tables) { try InvitationQueries.optOut(of: CustomerID(number: 1), $0) != nil }
      #expect(!isStopped)
      let page = try await site.post("List-Unsubscribe=One-Click", "/stop")
      #expect(page.status == .ok && page.text.contains("You will not be asked again"))
      let (tables, order) = (site.tables, try order([1], reference: "next"))
      let outcome = try await Tables.session(tables) { session in
        try session.transaction { session in
          var store = PostgresFeedbackStore(session)
          return try InvitationDesk.invite(order, &store, budget: try freeBudget(), at: Self.day)
        }
      }
      #expect(outcome == [.refused(.optedOut)])
    }
  }
}
