// The first page: what each role sees of how things stand, and that figures are renewed only while somebody watches.
import Access
import ConsoleCore
import ConsoleStore
import HTML
import HTTP
import Lifecycle
import Postgres
import Telemetry
import TestSupport
import Testing
import Text

@testable import console

/// What the services say in these tests.
enum HomeAnswers {
  static let hostile = "<script>alert(1)</script>"
  static let image = #"\"><img src=x onerror=alert(1)>"#

  static func put(_ peers: FakePeers, tier: String = "Key", owner: String = "Zhao Lei") {
    peers.answer(
      "/v1/tiers/summary",
      """
      {"scorecard":"rfm-plus v1","currency":"CNY","customers":1200,"revenue":123456789,"waiting":3,"tiers":[
      {"tier":"key","name":{"en":"\(tier)","zh":"重点客户"},"customers":1200,"share_percent":97.08,"revenue":123456789,"revenue_share_percent":88.66}]}
      """)
    peers.answer(
      "/v1/reports/answers",
      #"{"metric":"nps","answers_min":30,"groups":[],"total":{"answers":88,"value":29.55,"low":11.88,"high":45.26}}"#)
    peers.answer(
      "/v1/quality",
      """
      [{"source":"shop","stream":"orders","records":448,"duplicates":25,"refused":5,"error_rate":0.0112,"is_above_ceiling":true,
      "lateness":{"records":400,"late":100,"latest_seconds":7200}}]
      """)
    peers.answer(
      "/v1/quarantine/counts", #"[{"source":"shop","reason":"x","state":"open","records":5},{"source":"crm","reason":"x","state":"replayed","records":9}]"#)
    peers.answer("/v1/waiting", #"{"facts":2,"since":"2026-11-29T01:00:00Z"}"#)
    peers.answer("/v1/reviews", #"{"reviews":[{},{}],"next":"x"}"#)
    peers.answer("/v1/proposals", #"{"proposals":[{}],"count":12,"next":null}"#)
    peers.answer("/v1/grants", #"{"grants":[{}],"next":null}"#)
    peers.answer("/v1/gaps", #"{"gaps":[]}"#)
    peers.answer("/v1/tickets", tickets(owner))
    func counts(_ tickets: Int, _ unassigned: Int) -> String {
      #"{"as_of":"2026-11-29T15:59:59Z","tickets":\#(tickets),"late":1,"due_soon":1,"unassigned":\#(unassigned),"mine":null,"my_team":null}"#
    }
    peers.answer("/v1/tickets/counts", counts(4, 1))
    let mine = "state=unresolved&owner=\(PercentEncoding.encoded(owner))"
    peers.answer("/v1/tickets/counts?\(mine)", counts(2, 0))
    peers.answer("/v1/tickets?\(mine)&order=due&limit=6", tickets(owner, isMine: true))
  }

  /// The business clock of these tests stands at the end of 2026-11-29 in Shanghai: 15:59:59 UTC.
  static func tickets(_ owner: String, isMine: Bool = false) -> String {
    func ticket(_ id: String, _ owner: String?, _ clocks: String) -> String {
      """
      {"ticket_id":"\(id)","owner":\(owner.map { "\"\($0)\"" } ?? "null"),"priority":"P2","state_name":{"en":"open","zh":"处理中"},"clocks":[\(clocks)]}
      """
    }
    func clock(_ outcome: String, _ deadline: String, done: String = "null") -> String {
      #"{"clock":"resolution","name":{"en":"resolution","zh":"解决"},"outcome":"\#(outcome)","deadline":"\#(deadline)","done_at":\#(done)}"#
    }
    let late = ticket("1111111111111111", owner, clock("missed", "2026-11-29T10:00:00Z"))
    let soon = ticket("2222222222222222", owner, clock("running", "2026-11-29T16:30:00Z"))
    // Missed, and done since: the other promise is what counts.
    let done = clock("missed", "2026-11-29T09:00:00Z", done: "\"2026-11-29T09:30:00Z\"")
    let fine = ticket("3333333333333333", nil, done + "," + clock("running", "2026-12-01T00:00:00Z"))
    let others = ticket("4444444444444444", "Chen Jing", clock("running", "2026-12-02T00:00:00Z"))
    return "{\"tickets\":[\(([late, soon] + (isMine ? [] : [fine, others])).joined(separator: ","))],\"next\":null}"
  }
}

extension FakePeers {
  /// An answer to reading.
  func answer(_ path: String, _ json: String) { answer(.get, path, json) }
}

@Suite("The first page of the console", .enabled(if: TestDatabase.isAvailable, "\(TestDatabase.whyNot)")) struct HomeTests {
  /// What stands in the place of this name.
  static func figure(_ name: String, _ page: String) -> String? {
    let parts = page.split(separator: "data-live=\"\(name)\">", maxSplits: 1)
    return parts.count == 2 ? String(parts[1].prefix { $0 != "<" }) : nil
  }

  @Test("An administrator sees tickets, decisions, figures, data and alerts, each with its note", arguments: [PageLanguage.english, .chinese])
  func administrator(_ language: PageLanguage) async throws {
    try await TestConsole.with { console in
      HomeAnswers.put(console.peers)
      let secret = try await console.signIn([.admin])
      let answer = try await console.get("/", as: secret, headers: ["Cookie": "language=\(language.rawValue)"])
      #expect(answer.status == .ok)
      let page = answer.page
      let figures = ["tickets-open": "4", "tickets-late": "1", "tickets-soon": "1", "tickets-unowned": "1", "reviews": "2+", "proposals": "12", "grants": "1"]
      for (name, text) in figures { #expect(HomeTests.figure(name, page) == text, "\(name)") }
      #expect(HomeTests.figure("nps", page) == "29.6" && HomeTests.figure("nps.note", page)?.contains("11.9 … 45.3") == true)
      #expect(HomeTests.figure("records", page) == "448" && HomeTests.figure("quarantine", page) == "5" && HomeTests.figure("waiting", page) == "2")
      #expect(HomeTests.figure("tier-key-customers", page) == "1,200" && HomeTests.figure("tier-key-revenue", page) == "1,234,567.89")
      let (late, alert) = language == .english ? ("25.0 %", "shop, orders: 1.1 % were refused today") : ("25.0%", "今日拒绝率 1.1%，超过上限")
      #expect(HomeTests.figure("lateness", page) == late && page.contains(alert))
      #expect(page.contains("value bad\" data-live=\"tickets-late\"") && page.contains("1111111111111111"))
      #expect(HomeTests.figure("as-of", page)?.contains("2026-11-29 23:59") == true)
    }
  }

  @Test("An agent sees their own tickets and is asked for nothing that they may not see")
  func agent() async throws {
    try await TestConsole.with { console in
      HomeAnswers.put(console.peers)
      let secret = try await console.signIn([.agent], name: "Zhao Lei")
      let page = try await console.get("/", as: secret).page
      #expect(HomeTests.figure("tickets-open", page) == "2" && HomeTests.figure("tickets-unowned", page) == "1" && page.contains("My open tickets"))
      #expect(HomeTests.figure("nps", page) == nil && !page.contains("4444444444444444"))
      let asked = Set(console.peers.asked.map { String($0.target.prefix { $0 != "?" }) })
      #expect(asked == ["/v1/tickets", "/v1/tickets/counts", "/readyz"])
    }
  }

  @Test("A service that is away leaves the rest standing, and is an alert")
  func away() async throws {
    try await TestConsole.with(["CLIENTELE_TICKETS_URL": "http://127.0.0.1:1"]) { console in
      HomeAnswers.put(console.peers)
      let page = try await console.get("/", as: try await console.signIn([.manager])).page
      #expect(page.contains("the service tickets is away") && HomeTests.figure("tickets-open", page) == "–" && HomeTests.figure("nps", page) == "29.6")
      #expect(HomeTests.figure("tickets-open.note", page) == "tickets does not answer")
    }
  }

  @Test("A gap is an alert, with the partition that stands still")
  func gap() async throws {
    try await TestConsole.with { console in
      HomeAnswers.put(console.peers)
      console.peers.answer(
        "/v1/gaps", #"{"gaps":[{"id":1,"kind":"removed","topic":"in.orders.v1","partition":1,"state":"open"},{"id":2,"kind":"storm","state":"settled"}]}"#)
      let page = try await console.get("/", as: try await console.signIn([.auditor])).page
      #expect(page.contains("profile stands still at in.orders.v1/1: removed") && !page.contains("storm"))
    }
  }

  @Test("What is written in answers stays text on the page, in the event and in the file")
  func hostile() async throws {
    try await TestConsole.with { console in
      HomeAnswers.put(console.peers, tier: HomeAnswers.hostile, owner: HomeAnswers.image)
      let secret = try await console.signIn([.admin])
      let page = try await console.get("/", as: secret).page
      #expect(!page.contains("<script>alert") && !page.contains("<img") && page.contains("&lt;script&gt;alert(1)&lt;/script&gt;"))
      HomeAnswers.put(console.peers, tier: "=1+1")
      let file = try await console.get("/?csv=tiers", as: secret)
      #expect(file.headers["Content-Type"] == "text/csv; charset=utf-8" && file.page.contains("'=1+1,1200,97.08,1234567.89,88.66"))
    }
  }

  @Test("Links lead to every section")
  func links() async throws {
    try await TestConsole.with { console in
      HomeAnswers.put(console.peers)
      let page = try await console.get("/", as: try await console.signIn([.admin])).page
      for section in SiteSection.allCases where section != .home {
        #expect(page.contains("href=\"/\(section.rawValue)"), "\(section)")
      }
    }
  }
}

@Suite("What the server itself refuses", .enabled(if: TestDatabase.isAvailable, "\(TestDatabase.whyNot)"), .timeLimit(.minutes(1))) struct RefusalPageTests {
  @Test("A form that is too large gets a page in the reader's language, and what is no page a problem")
  func tooLarge() async throws {
    try await TestConsole.with { console in
      let refusing = ErrorPages(site: console.site).refusing
      let problem = Problem(.contentTooLarge, detail: "the body may have 16384 bytes")
      let english = refusing(problem, try Request(.post, "/preferences", headers: ["Accept-Language": "en"]))
      #expect(english.status == .contentTooLarge && english.headers["Content-Type"]?.hasPrefix("text/html") == true)
      #expect(english.page.contains("This is too large") && english.page.contains("Send less at once") && !english.page.contains("16384"))
      let chinese = refusing(problem, try Request(.post, "/preferences", headers: ["Accept-Language": "zh-CN"]))
      #expect(chinese.page.contains("内容过大") && chinese.page.contains("请分批提交"))
      let other = refusing(problem, try Request(.post, "/v1/audit"))
      #expect(other.status == .contentTooLarge && other.headers["Content-Type"] == "application/problem+json")
    }
  }
}

@Suite("Figures that renew themselves", .enabled(if: TestDatabase.isAvailable, "\(TestDatabase.whyNot)"), .timeLimit(.minutes(1))) struct LiveTests {
  /// A console that is listened to over a connection.
  private static func listening(_ board: LiveBoard, _ body: (TestConsole, String, StopSignal) async throws -> Void) async throws {
    try await TestConsole.with { console in
      HomeAnswers.put(console.peers)
      var router = Router(
        middleware: [ErrorPages(site: console.site).middleware],
        guarding: SessionGuard(site: console.site, tokens: { _, _ in throw Problem(.unauthorized) }).guarding)
      HomePage(site: console.site, board: board).add(to: &router)
      let server = HTTPServer(settings: HTTPServerSettings(port: 0), router: router, logger: .silent)
      let stop = StopSignal()
      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { try await server.run(stop) }
        let port = try await server.boundPort
        do { try await body(console, "http://127.0.0.1:\(port)", stop) } catch {
          stop.stop()
          throw error
        }
        stop.stop()
        try await group.waitForAll()
      }
    }
  }

  private static func request(_ console: TestConsole, _ address: String, _ secret: SessionSecret?) -> ClientRequest {
    var request = ClientRequest(.get, "\(address)/live")
    if let secret { request.headers["Cookie"] = "\(console.site.sessionCookie)=\(secret.text)" }
    return request
  }

  @Test("Viewers who may see the same are told by one poll, by events with every figure; the stream ends with the session")
  func shared() async throws {
    let board = LiveBoard(pollMilliseconds: 40)
    try await LiveTests.listening(board) { console, address, _ in
      let (first, second) = (try await console.signIn([.manager]), try await console.signIn([.manager], name: "Li Na"))
      let client = HTTPClient()
      let one = try await client.stream(LiveTests.request(console, address, first))
      let two = try await client.stream(LiveTests.request(console, address, second))
      #expect(one.status == .ok && one.headers["Content-Type"] == "text/event-stream")
      var lines = one.body.lines(lineBytesMax: 1 << 20).makeAsyncIterator()
      var event: [String] = []
      while event.count < 3, let line = try await lines.next() { event.append(String(decoding: line, as: UTF8.self)) }
      #expect(event.prefix(2) == ["event: figures", "retry: 5000"])
      let figures = try JSONValue(parsing: String(event.last?.dropFirst(6) ?? ""))
      #expect(figures["tickets-open"] == "4" && figures["tier-key-customers"] == "1,200" && figures["nps"] == "29.6" && figures["alerts.state"] == "good")
      var others = two.body.lines(lineBytesMax: 1 << 20).makeAsyncIterator()
      _ = try await others.next()
      // The clock of the test stands: everybody asks at the moment of the first poll.
      #expect(console.peers.asked.filter { $0.target == "/v1/tiers/summary" }.count == 1 && board.viewers == 2)
      // Signed out: no more of it.
      try await console.site.pool.transaction { try SessionRows.end(first, $0) }
      while try await lines.next() != nil {}
      try await console.site.pool.transaction { try SessionRows.end(second, $0) }
      while try await others.next() != nil {}
      await client.close()
    }
    #expect(board.viewers == 0)
  }

  @Test("A session that nobody uses otherwise ends in its time, also while it watches; and so does the stream when the console stops")
  func ends() async throws {
    let board = LiveBoard(pollMilliseconds: 40)
    try await LiveTests.listening(board) { console, address, stop in
      let secret = try await console.signIn([.agent], name: "Zhao Lei")
      let client = HTTPClient()
      console.clock.advance(seconds: 120)
      let idle = try await client.stream(LiveTests.request(console, address, secret))
      var lines = idle.body.lines(lineBytesMax: 1 << 20).makeAsyncIterator()
      _ = try await lines.next()
      // An hour since the person came; since the page began to watch it is less.
      console.clock.advance(seconds: 3_500)
      while try await lines.next() != nil {}
      let other = try await client.stream(LiveTests.request(console, address, try await console.signIn([.lead])))
      var rest = other.body.lines(lineBytesMax: 1 << 20).makeAsyncIterator()
      _ = try await rest.next()
      stop.stop()
      while try await rest.next() != nil {}
      await client.close()
    }
    #expect(board.viewers == 0)
  }

  @Test("Who is not signed in is told nothing, and no more watch than the console bears")
  func bounded() async throws {
    try await TestConsole.with { console in
      let nobody = try await console.get("/live")
      #expect(nobody.status == .seeOther)
      let board = LiveBoard()
      let audience = LiveBoard.Audience(roles: "agent", language: .english, person: nil)
      var seats = (0..<LiveBoard.viewersPerSessionMax).compactMap { _ in board.seat(audience, session: "one") }
      #expect(seats.count == LiveBoard.viewersPerSessionMax && board.seat(audience, session: "one") == nil)
      for number in 0..<LiveBoard.viewersMax { if let seat = board.seat(audience, session: "\(number)") { seats.append(seat) } }
      #expect(seats.count == LiveBoard.viewersMax && board.seat(audience, session: "another") == nil)
      seats.removeAll()
      #expect(board.viewers == 0)
    }
  }
}

@Suite("Figures that are read once for many") struct FigureShelfTests {
  @Test("Who can do without is told nothing when it takes too long; who asks next has what came meanwhile")
  func patience() async throws {
    let shelf = FigureShelf(milliseconds: 5_000)
    let (answers, gate) = AsyncStream<Section>.makeStream()
    let read: @Sendable () async -> Section = {
      for await answer in answers { return answer }
      return .failure(.away(.profile))
    }
    #expect(await shelf.figures("a", now: { 0 }, least: 1_000, patience: 1, read)?.section.json == nil)
    gate.yield(.success(7))
    #expect(await shelf.figures("a", now: { 0 }, least: 1_000, patience: 60_000, read)?.section.json == 7)
    #expect(await shelf.figures("a", now: { 999_999 }, least: 1_000, patience: 60_000, { .success(8) })?.section.json == 7)
    #expect(await shelf.figures("a", now: { 1_000_000 }, least: 1_000, patience: 60_000, { .success(8) })?.section.json == 8)
  }

  @Test("They are read anew when their time is over, longer kept what took long, and never kept when nobody answered")
  func kept() async throws {
    let (shelf, clock, reads) = (FigureShelf(milliseconds: 5_000), TestClock(now: 1_000_000), TestClock(now: 0))
    @Sendable func read(_ section: Section, seconds: Int64 = 0) -> @Sendable () async -> Section {
      {
        reads.advance(seconds: 1)
        clock.advance(seconds: seconds)
        return section
      }
    }
    let now: @Sendable () -> Int64 = { clock.now }
    let one = await shelf.figures("a", now: now, read(.success(1)))
    #expect(one.section.json == 1 && one.readAt == 1_000_000)
    clock.advance(seconds: 4)
    let again = await shelf.figures("a", now: now, read(.success(2)))
    #expect(again.section.json == 1 && again.readAt == 1_000_000)
    clock.advance(seconds: 1)
    let newer = await shelf.figures("a", now: now, read(.success(3), seconds: 2))
    #expect(newer.section.json == 3)
    clock.advance(seconds: 19)
    #expect(await shelf.figures("a", now: now, read(.success(4))).section.json == 3)
    clock.advance(seconds: 1)
    #expect(await shelf.figures("a", now: now, read(.failure(.away(.profile)))).section.json == nil)
    #expect(await shelf.figures("a", now: now, read(.success(5))).section.json == 5)
    #expect(reads.now == 4_000_000)
    for number in 0..<(2 * FigureShelf.entriesMax) {
      let answer = await shelf.figures("\(number)", now: now, read(.success(.integer(Int64(number)))))
      #expect(answer.section.json == .integer(Int64(number)))
    }
  }
}
