// Figures of service (K-09, K-13): known answers worked out by hand, the tables against them, the report over HTTP and what it refuses.
import Contracts
import Domain
import HTTP
import Handling
import Messaging
import Postgres
import Runtime
import TestSupport
import Testing
import Text
import TicketsCore
import TicketsStore

@testable import tickets

private func clock(_ name: ServiceClock, _ outcome: TicketClock.Outcome, due: Int64 = 10_000) -> TicketClock {
  TicketClock(
    clock: name, startedAt: minute(0), countedFrom: minute(0), seconds: 3_600, calendar: "office", versions: ServiceRuleVersions(standards: 1, calendars: 1),
    rule: 0, isOnDayOff: false, deadline: .at(minute(due)), outcome: outcome)
}

private func served(
  _ state: TicketState, replies: Int = 0, _ clocks: [TicketClock] = [], resolved: Int64? = nil, reopened: Int = 0, isMerged: Bool = false,
  kind: ContactEvent.Kind? = nil, tier: String? = "vip", channel: String = ""
) -> ServedTicket {
  ServedTicket(
    openedAt: minute(0), state: state, kind: kind, tier: tier.flatMap { TierID($0) }, channel: channel, replies: replies, clocks: clocks,
    resolvedAt: resolved.map { minute($0) }, timesReopened: reopened, isMerged: isMerged, isOpenAtEnd: state.isOpen)
}

@Suite("Figures of service")
struct ServiceFiguresTests {
  private static let month: [ServedTicket] = [
    served(.resolved, replies: 1, [clock(.firstResponse, .met(at: minute(10))), clock(.resolution, .met(at: minute(60)))], resolved: 60),
    served(.closed, replies: 2, [clock(.firstResponse, .missed(doneAt: minute(40))), clock(.resolution, .met(at: minute(120)))], resolved: 120),
    served(.open, replies: 1, [clock(.firstResponse, .met(at: minute(20))), clock(.resolution, .running)]),
    served(.new, [clock(.firstResponse, .running), clock(.resolution, .running)]),
    served(
      .resolved, replies: 1,
      [clock(.firstResponse, .met(at: minute(30))), clock(.resolution, .met(at: minute(50))), clock(.resolution, .met(at: minute(300)))], resolved: 300,
      reopened: 1),
    served(
      .reopened, replies: 1,
      [clock(.firstResponse, .met(at: minute(5))), clock(.resolution, .missed(doneAt: minute(90))), clock(.resolution, .running)], reopened: 2),
    served(.closed, [clock(.firstResponse, .missed(doneAt: nil)), clock(.resolution, .withdrawn(at: minute(8)))], isMerged: true),
    served(.new, [clock(.firstResponse, .running, due: 1_000), clock(.resolution, .missed(doneAt: nil))]),
    served(.resolved, [clock(.firstResponse, .withdrawn(at: minute(1))), clock(.resolution, .withdrawn(at: minute(1)))], resolved: 600),
  ]

  private func figures(_ tickets: [ServedTicket]) -> ServiceFigures {
    var figures = ServiceFigures()
    for ticket in tickets { figures.add(ticket, asOf: minute(1_000)) }
    return figures
  }

  @Test("A month of nine tickets gives the figures that were worked out by hand")
  func knownAnswers() {
    let figures = figures(Self.month)
    #expect(figures.tickets == 8 && figures.merged == 1)
    #expect([figures.firstResponse.met, figures.firstResponse.missed, figures.firstResponse.running] == [4, 2, 1])
    #expect(figures.firstResponse.onTime?.decimalText(fractionDigitsMax: 4) == "66.6667")
    #expect([figures.resolution.met, figures.resolution.missed, figures.resolution.running] == [3, 2, 2])
    #expect(figures.resolution.onTime == Rational(60))
    #expect(figures.resolved == 4 && figures.resolutionRate == Rational(50))
    #expect(figures.atFirstContact == 2 && figures.firstContactRate == Rational(50))
    #expect(figures.reopened == 2 && figures.openAtEnd == 4)
    #expect(figures.responseTimes.median == 20 * 60 && figures.responseTimes.ninetieth == 40 * 60)
    #expect(figures.resolutionTimes.median == 120 * 60 && figures.resolutionTimes.ninetieth == 600 * 60)
  }

  @Test("Figures do not depend on the order in which tickets are read")
  func order() {
    var numbers = Seeded(state: 7)
    let known = figures(Self.month)
    for _ in 0..<20 {
      let drawn = figures(Self.month.shuffled(using: &numbers))
      #expect(drawn.responseTimes.median == known.responseTimes.median && drawn.resolutionTimes.ninetieth == known.resolutionTimes.ninetieth)
      #expect(drawn.firstResponse == known.firstResponse && drawn.resolution == known.resolution && drawn.resolved == known.resolved)
    }
  }

  @Test("What was given is summed by team and owner, for merged tickets too")
  func given() {
    func ticket(_ team: String, _ owner: String, _ compensation: Int64, isMerged: Bool = false) -> ServedTicket {
      var ticket = served(.new, isMerged: isMerged)
      (ticket.team, ticket.owner, ticket.compensation, ticket.upgrades) = (team, owner, compensation, 1)
      return ticket
    }
    let tickets = [ticket("east", "An", 5), ticket("east", "Bo", 7), ticket("", "", 100, isMerged: true)]
    var teams = ServiceReport(by: .team, asOf: minute(0))
    var owners = ServiceReport(by: .owner, asOf: minute(0))
    for ticket in tickets {
      teams.add(ticket)
      owners.add(ticket)
    }
    #expect(teams.groups.mapValues(\.compensation) == ["east": 12, nil: 100] && teams.total.upgrades == 3 && teams.total.tickets == 2)
    #expect(owners.groups.mapValues(\.compensation) == ["An": 5, "Bo": 7, nil: 100])
  }

  @Test("A share of nothing is none, not zero; what only runs has no share either")
  func noShare() {
    let none = figures([])
    #expect(none.firstResponse.onTime == nil && none.resolution.onTime == nil && none.resolutionRate == nil && none.firstContactRate == nil)
    #expect(none.responseTimes.median == nil && none.resolutionTimes.ninetieth == nil)
    let running = figures([served(.new, [clock(.firstResponse, .running), clock(.resolution, .running)])])
    #expect(running.firstResponse.onTime == nil && running.resolutionRate == .zero && running.firstContactRate == nil)
    #expect(figures([served(.closed, isMerged: true)]).resolutionRate == nil)
  }

  @Test("A time is at the nearest rank: one that really was")
  func ranks() {
    func minutes(_ range: ClosedRange<Int64>) -> ServiceFigures { figures(range.map { served(.resolved, resolved: $0) }) }
    #expect(minutes(1...10).resolutionTimes.median == 5 * 60 && minutes(1...10).resolutionTimes.ninetieth == 9 * 60)
    #expect(minutes(1...11).resolutionTimes.median == 6 * 60 && minutes(1...11).resolutionTimes.ninetieth == 10 * 60)
    #expect(minutes(7...7).resolutionTimes.median == 7 * 60 && minutes(7...7).resolutionTimes.ninetieth == 7 * 60)
  }

  @Test("Groups come in the usual order, then by name, what is not known last; together they are the total")
  func groups() {
    let given: [(tier: String?, channel: String)] = [("zoo", ""), ("vip", "app"), (nil, "mail"), ("vip", "mail"), ("eco", "")]
    let tickets = given.map { served(.new, tier: $0.tier, channel: $0.channel) }
    var report = ServiceReport(by: .tier, asOf: minute(0))
    for ticket in tickets { report.add(ticket) }
    let found = report.ordered(["vip", "key"])
    #expect(found.map(\.group) == ["vip", "key", "eco", "zoo", nil] && found.map(\.figures.tickets) == [2, 0, 1, 1, 1])
    #expect(report.total.tickets == 5)
    var channels = ServiceReport(by: .channel, asOf: minute(0))
    for ticket in tickets { channels.add(ticket) }
    #expect(channels.ordered([]).map(\.group) == ["app", "mail", nil] && channels.ordered([]).map(\.figures.tickets) == [1, 2, 2])
  }
}

@Suite("Figures of service from the tables", .enabled(if: TestDatabase.isAvailable, Comment(rawValue: TestDatabase.whyNot)))
struct ServiceFiguresTableTests {
  private static let zone = TimeZones.zone("Asia/Shanghai") ?? .utc
  /// The business month of `minute(0)`; it ends 840 minutes later.
  private static let start = zone.startOfDay(Day("2026-11-01") ?? Day(number: 0))
  private static let end = minute(840)
  private static let asOf = minute(1_000)

  private struct Life {
    let record: TicketRecord
    let events: [TicketEvent]
  }

  private static func life(
    _ number: Int64, at opened: Instant, tier: String?, kind: ContactEvent.Kind?, channel: String, _ steps: [(TicketStep, Int64)] = [],
    rules: TicketRules
  ) throws -> Life {
    let (book, ladder) = (rules.book, rules.desk.ladder)
    var (ticket, events) = Ticket.open(
      TicketID(number: number), TicketSubject(kind: kind), tier: tier.flatMap { TierID($0) }, at: opened, by: .customer, rules: book)
    for (step, at) in steps {
      events += try ticket.take(
        step, by: TicketActor("Li", because: "r"), at: minute(at), resolution: step == .resolve ? TicketResolution(code: "fixed") : nil, rules: book,
        ladder: ladder)
    }
    let customer = CustomerID(number: 100 + number)
    let record = TicketRecord(
      ticket: ticket, version: 1, identity: customer, customer: customer, origin: TicketOrigin(channel: channel), events: events.count)
    return Life(record: record, events: events)
  }

  /// Six tickets: two of them just outside of the month.
  private static func lives(_ rules: TicketRules) throws -> [Life] {
    [
      try life(1, at: start.adding(seconds: -1), tier: "vip", kind: nil, channel: "app", rules: rules),
      try life(2, at: start, tier: nil, kind: nil, channel: "", rules: rules),
      try life(3, at: minute(0), tier: "vip", kind: .question, channel: "app", [(.reply, 10), (.resolve, 60)], rules: rules),
      try life(4, at: minute(1), tier: "key", kind: .suggestion, channel: "app", [(.resolve, 900)], rules: rules),
      try life(5, at: minute(2), tier: "key", kind: .question, channel: "mail", [(.reply, 5), (.resolve, 30), (.reopen, 850)], rules: rules),
      try life(6, at: end, tier: "vip", kind: nil, channel: "app", rules: rules),
    ]
  }

  private static func write(_ lives: [Life], _ rules: TicketRules, _ session: PostgresSession) throws {
    var changes = TicketChanges()
    changes.opened = lives.map(\.record)
    changes.events = lives.flatMap { life in life.events.map { (life.record.id, $0) } }
    var store = PostgresTicketStore(session, at: asOf)
    try store.write(changes, rules)
  }

  @Test("Page by page the tables give the tickets of the month, each once, and whether it was open when the month ended")
  func pages() async throws {
    let rules = try Shipped.settings().rules.value
    try await Tables.with { database in
      let (report, pages, open) = try await Tables.session(database) { session in
        try Self.write(try Self.lives(rules), rules, session)
        var report = ServiceReport(by: .tier, asOf: Self.asOf)
        var (pages, place, open): (Int, TicketPlace?, [Bool]) = (0, nil, [])
        repeat {
          let page = try ServiceFigureQueries.page(from: Self.start, until: Self.end, after: place, limit: 2, session)
          for ticket in page.tickets { report.add(ticket) }
          open += page.tickets.map(\.isOpenAtEnd)
          place = page.last
          pages += 1
        } while place != nil
        return (report, pages, open)
      }
      // Untouched; resolved in time; resolved after the end; resolved before the end and reopened after it.
      #expect(pages == 3 && open == [true, false, true, false])
      #expect(report.total.tickets == 4 && report.total.resolved == 2 && report.total.atFirstContact == 2)
      #expect(report.total.reopened == 1 && report.total.openAtEnd == 2)
      #expect(report.total.responseTimes.median == 10 * 60 && report.total.responseTimes.ninetieth == 899 * 60)
      #expect(report.total.resolutionTimes.median == 60 * 60 && report.total.resolutionTimes.ninetieth == 899 * 60)
      #expect(report.groups.mapValues(\.tickets) == [nil: 1, "vip": 1, "key": 2])
      // What the tables give is what the tickets themselves give.
      var straight = ServiceReport(by: .tier, asOf: Self.asOf)
      for (life, isOpen) in zip(try Self.lives(rules)[1...4], open) {
        let ticket = life.record.ticket
        straight.add(
          ServedTicket(
            openedAt: ticket.openedAt, state: ticket.state, kind: ticket.subject.kind, tier: ticket.tier, channel: life.record.origin.channel,
            replies: ticket.replies, clocks: ticket.clocks, resolvedAt: ticket.resolvedAt, timesReopened: ticket.timesReopened, isMerged: false,
            isOpenAtEnd: isOpen))
      }
      #expect(straight.groups == report.groups && straight.total == report.total)
    }
  }

  private func ask(_ router: Router, _ query: String) async throws -> (status: Int, body: JSONValue) {
    let response = try await router.respond(to: try Request(.get, "/v1/reports/service\(query)"))
    return (response.status.rawValue, response.bytes.flatMap { try? JSONValue($0) } ?? .null)
  }

  @Test("The report is told by tier, kind and channel; what is wrong with the question is told by field")
  func route() async throws {
    let settings = try Shipped.settings()
    let rules = settings.rules.value
    try await Tables.with { database in
      try await Tables.session(database) { try Self.write(try Self.lives(rules), rules, $0) }
      let pool = PostgresPool(database)
      var router = Router()
      ServiceFiguresAPI(settings: settings, zone: Self.zone, clock: FixedClock(Self.asOf), pool: pool).add(to: &router)
      let tiers = try await ask(router, "?month=2026-11").body
      func words(_ body: JSONValue) -> [String] { body["groups"]?.arrayValue?.map { $0["group"]?.stringValue ?? "-" } ?? [] }
      #expect(words(tiers) == rules.book.standards.ladder.tiers.map(\.id.text) + ["-"] && words(tiers).first == "vip")
      #expect(tiers["groups"]?.arrayValue?.first?["name"]?["en"] == "VIP" && tiers["groups"]?.arrayValue?.first?["resolution_rate_percent"] == 100)
      #expect(tiers["total"]?["tickets"] == 4 && tiers["total"]?["resolution_rate_percent"] == 50 && tiers["by"] == "tier")
      #expect(words(try await ask(router, "?month=2026-11&by=kind").body) == ["question", "suggestion", "-"])
      #expect(words(try await ask(router, "?month=2026-11&by=channel").body) == ["app", "mail", "-"])
      let teams = try await ask(router, "?month=2026-11&by=team").body
      #expect(words(teams) == ["service-desk", "-"] && teams["groups"]?.arrayValue?.first?["name"]?["en"] == "Service desk" && teams["currency"] == "CNY")
      #expect(words(try await ask(router, "?month=2026-11&by=owner").body) == ["-"])
      // The month that runs: the suite's today is the first of December.
      let running = try await ask(router, "").body
      #expect(running["month"] == "2026-12" && running["total"]?["tickets"] == 1)
      let empty = try await ask(router, "?month=2026-09").body
      #expect(empty["total"]?["tickets"] == 0 && empty["total"]?["resolution_rate_percent"] == .null && words(empty) == Array(words(tiers).dropLast()))
      #expect(empty["total"]?["first_response_on_time_percent"] == .null && empty["total"]?["resolution_median_seconds"] == .null)
      for month in ["2026-13", "2026-11-01", "2027-01", "11", "2026-1", ""] {
        let refused = try await ask(router, "?month=\(month)")
        #expect(refused.status == 422 && refused.body["errors"]?.arrayValue?.first?["field"] == "month", "\(month): \(refused.body)")
      }
      #expect(try await ask(router, "?format=pdf").body["errors"]?.arrayValue?.first?["field"] == "format")
      #expect(try await ask(router, "?lang=fr").body["errors"]?.arrayValue?.first?["field"] == "lang")
      let both = try await ask(router, "?month=x&by=colour")
      #expect(both.body["errors"]?.arrayValue?.compactMap { $0["field"]?.stringValue } == ["month", "by"])
      await pool.close()
    }
  }

  /// An answer as `profile` publishes it, read as the service reads it.
  private static func answer(_ id: String, _ ticket: String?, _ score: Int64, _ metric: AnswerEvent.Metric = .csat) throws -> TicketItem? {
    let content = CustomerAnswer(
      customer: CustomerID(number: 9), identity: CustomerID(number: 9), version: 1,
      answer: AnswerEvent(
        source: "polls", eventID: id, occurredAt: asOf, survey: "s", metric: metric, score: score, ticketID: ticket, identifiers: []))
    let bytes = JSONWriter.bytes { content.write(to: &$0) }
    return bytes.withUnsafeBytes { bytes in
      guard case .item(let item) = TicketHandler.read(bytes, topic: Topics.customerAnswers.name) else { return nil }
      return item
    }
  }

  @Test("CSAT answers count in the group of the ticket they name, once however often they come; on fewer than thirty there is no figure")
  func satisfaction() async throws {
    let settings = try Shipped.settings()
    let rules = settings.rules.value
    try await Tables.with { database in
      let named = try await Tables.session(database) { session -> String in
        try Self.write(try Self.lives(rules), rules, session)
        return try #require(try Tables.all(session).first { $0.ticket.openedAt == minute(0) }).id.description
      }
      #expect(try Self.answer("n", named, 9, .nps) == nil && Self.answer("o", "PO-7", 5) == nil && Self.answer("p", nil, 5) == nil)
      let answers = try (0..<40).map { try Self.answer("a\($0)", named, $0 < 29 ? 5 : $0 < 30 ? 4 : 2) } + [Self.answer("far", "00000000000000ee", 1)]
      let taken = answers.compactMap { item -> TicketAnswer? in if case .answer(let answer)? = item { answer } else { nil } }
      #expect(taken.count == 41)
      let pool = PostgresPool(database)
      var router = Router()
      ServiceFiguresAPI(settings: settings, zone: Self.zone, clock: FixedClock(Self.asOf), pool: pool).add(to: &router)
      func told() async throws -> [String] {
        let report = try await ask(router, "?month=2026-11").body
        let members = ["satisfaction_answers", "satisfied_percent", "satisfied_low_percent", "satisfied_high_percent"]
        return [report["groups"]?.arrayValue?.first, report["groups"]?.arrayValue?.last, report["total"]].map { group in
          members.map { member in if case .number(let text)? = group?[member] { text } else { "-" } }.joined(separator: " ")
        }
      }
      #expect(try await told() == ["0 - - -", "0 - - -", "0 - - -"])
      // The first twenty, then all: those come twice.
      for part in [taken[0..<20], taken[...]] {
        try await Tables.session(database) { try TicketAnswerRows.insert(Array(part), $0) }
        if part.count == 20 { #expect(try await told() == ["20 - 83.89 100", "0 - - -", "20 - 83.89 100"]) }
      }
      // 30 of 40 by Wilson.
      #expect(try await told() == ["40 75 59.81 85.81", "0 - - -", "40 75 59.81 85.81"])
      await pool.close()
    }
  }

  @Test("A browser gets the report as a page in its language, whoever asks for JSON gets JSON; what stands in tickets stays text")
  func page() async throws {
    let settings = try Shipped.settings()
    let rules = settings.rules.value
    try await Tables.with { database in
      try await Tables.session(database) { session in
        try Self.write(try Self.lives(rules), rules, session)
        try session.execute("UPDATE tickets SET channel = '<b>app</b>' WHERE channel = 'app'")
      }
      let pool = PostgresPool(database)
      var router = Router()
      ServiceFiguresAPI(settings: settings, zone: Self.zone, clock: FixedClock(Self.asOf), pool: pool).add(to: &router)
      let served = router
      func page(_ query: String, _ headers: HTTPHeaders = [:]) async throws -> (type: String, text: String, headers: HTTPHeaders) {
        let response = try await served.respond(to: try Request(.get, "/v1/reports/service\(query)", headers: headers))
        return (response.headers["Content-Type"] ?? "", String(decoding: response.bytes ?? [], as: UTF8.self), response.headers)
      }
      let browser: HTTPHeaders = ["Accept": "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8", "Accept-Language": "zh-CN,zh;q=0.9,en;q=0.8"]
      let chinese = try await page("?month=2026-11", browser)
      #expect(chinese.type == "text/html; charset=utf-8" && chinese.headers["Vary"] == "Accept, Accept-Language")
      #expect(chinese.headers["Content-Security-Policy"]?.hasPrefix("default-src 'none'") == true)
      #expect(chinese.text.contains("<html lang=\"zh-CN\">") && chinese.text.contains("<h1>服务执行报告 2026-11</h1>") && chinese.text.contains("截至 2026-12-01 "))
      let english = try await page("?month=2026-11&lang=en&by=channel", browser)
      #expect(english.text.contains("<html lang=\"en\">") && english.text.contains("<th scope=\"row\">&lt;b&gt;app&lt;/b&gt;</th>"), "\(english.text)")
      #expect(english.text.contains("<th scope=\"row\">all</th><td>4</td>") && english.text.contains("<th scope=\"row\">not known</th>"))
      #expect(try await page("?month=2026-11&format=html").type.hasPrefix("text/html"))
      for headers: HTTPHeaders in [[:], ["Accept": "*/*"], ["Accept": "application/json, text/html;q=0.1"]] {
        #expect(try await page("?month=2026-11", headers).type == "application/json")
      }
      #expect(try await page("?month=2026-11&format=json", browser).type == "application/json")
      await pool.close()
    }
  }
}
