// How soon people have their pages: all services on real purchases and a desk with open tickets, the console over them, a steady stream of people who look.
import Access
import Contracts
import Domain
import Embedded
import Glibc
import HTTP
import Lifecycle
import Runtime
import Telemetry
import Text

struct ConsolePart: Sendable {
  static let figures = ["page_p95_ms", "first_page_kb"]
  static let perSecond = 50
  static let warmSeconds = 3
  static let seconds = 20
  /// The main pages, each as often as the others; those that do not answer 200 are left out and named. `{customer}` is another one each time.
  static let pages = [
    "/", "/customers", "/customers/{customer}", "/customers/{customer}/timeline", "/customers/{customer}/tier", "/tickets", "/reviews", "/reviews/tiers",
    "/scorecards", "/surveys", "/quality", "/quarantine", "/reports", "/reports/tiers", "/reports/segments", "/reports/service",
    "/reports/satisfaction", "/audit",
  ]
  /// Who looks; a person is let in only so often in a minute.
  static let people = 12
  static let tickets = 400
  static let customersAsked = 5_000
  private static let clock = "1998-07-01"
  private static let key = "a key of the bench that has 32 bytes and more"
  private static let cdnow = "cdnow/CDNOW_master.txt"
  private static let cdnowMapping = "deploy/mappings/cdnow.yaml"
  private static let sample = "deploy/sample/orders.ndjson"
  private static let secondsMax = 600

  let bench: Bench

  /// A page that was shown.
  private struct Shown: Sendable {
    let number: Int
    let page: Int
    let milliseconds: Double
    let bytes: Int
  }

  func run(_ report: inout Report) async throws {
    // Tokens as in use: whom a page is for is proved to every service.
    let access = ["CLIENTELE_ACCESS": "", "CLIENTELE_TOKEN_KEY": ConsolePart.key, "CLIENTELE_CALLER_RATE": "10000000"]
    let suite = try await WholeSuite.start(
      bench, clock: ConsolePart.clock, services: WholeSuite.allServices,
      settings: access.merging(["FEEDBACK_LINK_KEY": "bench-bench-bench", "TIERING_SCORECARD": "rfm-plus"]) { $1 })
    var plan = ServicePlan(service: "console", instance: "bench-console", database: WholeSuite.database, clock: ConsolePart.clock, settings: access)
    for service in suite.running { plan.settings["CLIENTELE_\(service.name.uppercased())_URL"] = service.url }
    try await fill(suite, plan.settings)
    try await RunningService.migrate(plan, bench)
    let console = try await RunningService.start(plan, bench)
    let customers = try await bench.ground.numbers(
      WholeSuite.database, "SELECT id FROM profile.customers WHERE merged_into IS NULL ORDER BY hashint8(id) LIMIT \(ConsolePart.customersAsked)")
    guard !customers.isEmpty else { throw BenchFailure("there are no customers") }
    try await open(suite, customers)
    var settings = HTTPClientSettings()
    settings.limits.transfersMax = 64
    settings.limits.waitingTransfersMax = ConsolePart.perSecond * (ConsolePart.warmSeconds + ConsolePart.seconds)
    let client = HTTPClient(name: "bench-pages", settings: settings)
    let people = try await signIn(console, client)
    let pages = try await answering(console, client, people[0], customers)
    let first = try await firstPage(console, client, people[0])
    bench.say("\(ConsolePart.perSecond) pages a second for \(ConsolePart.seconds) s: \(pages.joined(separator: " "))")
    let shown = try await pace(pages, console, client, people, customers)
    await client.close()
    try await console.stop()
    try await suite.stop()
    tell(pages, shown, first, customers.count, &report)
  }

  // MARK: - What there is to see

  private func fill(_ suite: WholeSuite, _ settings: [String: String]) async throws {
    var environment = ["KAFKA_BROKERS": bench.ground.brokers, "CLIENTELE_KAFKA_KIND": "kafka", "CLIENTELE_BUSINESS_ZONE": "UTC"]
    environment["CLIENTELE_BASE_CURRENCY"] = OrderStream.currency
    environment["CLIENTELE_CLOCK"] = ConsolePart.clock
    for (name, value) in settings where !value.isEmpty { environment[name] = value }
    let file = "\(bench.options.data)/\(ConsolePart.cdnow)"
    let hasFile = Glibc.access(file, R_OK) == 0 && Glibc.access(ConsolePart.cdnowMapping, R_OK) == 0
    if hasFile {
      bench.say("importing \(file)")
      try await command(["import", file, "--source", "cdnow", "--mapping", ConsolePart.cdnowMapping], environment)
    } else {
      bench.say("bench: without \(file): pages show the sample alone")
    }
    try await command(["publish", "--topic", Topics.ordersIn.name, "--source", "shop", ConsolePart.sample], environment)
    let most = "SELECT (SELECT coalesce(sum(next_offset), 0)::int8 FROM ingest.positions WHERE topic = '\(Topics.ordersIn.name)')"
    let waits = WholeSuite.services.map { "(SELECT count(*) FROM \($0).outbox)" }.joined(separator: " + ")
    let rated = "(SELECT count(*) FROM tiering.customers WHERE tier IS NOT NULL) - (SELECT count(*) FROM profile.customers)"
    var before: [Int64] = []
    // Until nothing moves any more, twice in a row.
    try await bench.until("everything is worked off", withinSeconds: 300, everyMilliseconds: 1_000) {
      var now: [Int64] = []
      for sql in [most, "SELECT \(waits)", "SELECT \(rated)", "SELECT count(*) FROM profile.orders"] {
        now += try await bench.ground.numbers(WholeSuite.database, sql)
      }
      defer { before = now }
      return now == before && now[1] == 0 && now[3] > 0
    }
  }

  private func command(_ words: [String], _ environment: [String: String]) async throws {
    let log = "\(bench.ground.folder)/console-data.log"
    let process = try await HelperProcess.start(
      .init(
        executable: try bench.ground.program("clientele"), arguments: words, environment: HelperProcess.currentEnvironment().merging(environment) { $1 },
        standardOutput: .file(path: log), standardError: .file(path: log)))
    bench.ground.adopt(process)
    let status = await process.waitForExit(within: .seconds(ConsolePart.secondsMax))
    guard status == 0 else {
      throw BenchFailure("clientele \(words.first ?? "") ended with \(status.map { "status \($0)" } ?? "no status in time"): see \(log)")
    }
    unlink(log)
  }

  /// Tickets of as many customers, so that the desk has work.
  private func open(_ suite: WholeSuite, _ customers: [Int64]) async throws {
    guard let desk = suite.running.first(where: { $0.name == "tickets" }) else { return }
    let token = try BuiltInKey(Array(ConsolePart.key.utf8)).token(
      subject: "bench", roles: [.admin], now: SystemTime.unixMicroseconds() / 1_000_000, lifetimeSeconds: 900)
    let client = HTTPClient(name: "bench-tickets")
    for (number, customer) in customers.prefix(ConsolePart.tickets).enumerated() {
      let body: JSONValue = [
        "customer_id": .text(CustomerID(number: customer).description), "kind": .text(number % 3 == 0 ? "complaint" : "inquiry"),
        "category": "delivery", "channel": "phone", "text": .text("The parcel of order \(number) has not come yet, please look where it is."),
      ]
      var request = ClientRequest(.post, desk.url + "/v1/tickets", body: body.encoded)
      request.headers["Content-Type"] = "application/json"
      request.headers["Authorization"] = "Bearer \(token)"
      let answer = try await client.send(request)
      guard answer.isSuccess else {
        throw BenchFailure("tickets answers \(answer.status.rawValue) to a new ticket: \(String(decoding: answer.body, as: UTF8.self))")
      }
    }
    await client.close()
  }

  // MARK: - People

  /// Cookies of as many people, all administrators: they see the most.
  private func signIn(_ console: RunningService, _ client: HTTPClient) async throws -> [String] {
    let key = try BuiltInKey(Array(ConsolePart.key.utf8))
    var cookies: [String] = []
    for number in 0..<ConsolePart.people {
      let code = try key.signInCode(
        subject: "person \(number)", roles: [.admin], now: SystemTime.unixMicroseconds() / 1_000_000, random: Array("bench \(number)".utf8))
      var request = ClientRequest(.post, console.url + "/sign-in", body: Array("code=\(code)".utf8))
      request.headers["Content-Type"] = Request.formType
      let answer = try await client.send(request)
      guard answer.status == .seeOther, let cookie = answer.headers["Set-Cookie"]?.split(separator: ";").first else {
        throw BenchFailure("nobody can sign in at the console: it answers \(answer.status.rawValue)")
      }
      cookies.append(String(cookie))
    }
    return cookies
  }

  private func get(_ path: String, _ console: RunningService, _ client: HTTPClient, _ cookie: String) async throws -> ClientResponse {
    var request = ClientRequest(.get, console.url + path)
    request.headers["Cookie"] = cookie
    return try await client.send(request)
  }

  private static func address(_ page: String, _ customer: Int64) -> String {
    page.replacing("{customer}", with: CustomerID(number: customer).description)
  }

  /// Those of the pages that there are.
  private func answering(_ console: RunningService, _ client: HTTPClient, _ cookie: String, _ customers: [Int64]) async throws -> [String] {
    var pages: [String] = []
    for page in ConsolePart.pages {
      let answer = try await get(ConsolePart.address(page, customers[0]), console, client, cookie)
      if answer.status == .ok { pages.append(page) } else { bench.say("bench: without \(page): it answers \(answer.status.rawValue)") }
    }
    guard pages.first == "/" else { throw BenchFailure("the console has no first page: see \(console.log)") }
    return pages
  }

  /// Bytes of the first page with the style sheet and the script that it names, as they are before any compression.
  private func firstPage(_ console: RunningService, _ client: HTTPClient, _ cookie: String) async throws -> Int {
    let page = try await get("/", console, client, cookie)
    let text = String(decoding: page.body, as: UTF8.self)
    let files = Set(text.split(separator: "\"").filter { $0.hasPrefix("/assets/") && ($0.hasSuffix(".css") || $0.hasSuffix(".js")) })
    guard files.count == 2 else { throw BenchFailure("the first page names \(files.count) files, not a style sheet and a script") }
    var bytes = page.body.count
    for file in files {
      let answer = try await get(String(file), console, client, cookie)
      guard answer.status == .ok else { throw BenchFailure("the console answers \(answer.status.rawValue) to \(file)") }
      bytes += answer.body.count
    }
    return bytes
  }

  /// Requests go out at their time whether or not the ones before are answered: a slow page delays no other.
  private func pace(
    _ pages: [String], _ console: RunningService, _ client: HTTPClient, _ people: [String], _ customers: [Int64]
  ) async throws -> [Shown] {
    let pace = Duration.nanoseconds(1_000_000_000 / ConsolePart.perSecond)
    let count = ConsolePart.perSecond * (ConsolePart.warmSeconds + ConsolePart.seconds)
    let shown = try await withThrowingTaskGroup(of: Shown.self) { group in
      let began = ContinuousClock.now
      for number in 0..<count {
        if bench.stop.isStopping { throw Stopped() }
        let early = began + pace * number - ContinuousClock.now
        if early > .zero { _ = await bench.stop.wait(atMost: early) }
        let (page, cookie) = (number % pages.count, people[number % people.count])
        let address = ConsolePart.address(pages[page], customers[number % customers.count])
        group.addTask {
          let asked = SystemTime.monotonicNanoseconds()
          let answer = try await get(address, console, client, cookie)
          guard answer.status == .ok else { throw BenchFailure("the console answers \(answer.status.rawValue) to \(address): see \(console.log)") }
          return Shown(
            number: number, page: page, milliseconds: Double(SystemTime.monotonicNanoseconds() - asked) / 1e6, bytes: answer.body.count)
        }
      }
      var shown: [Shown] = []
      for try await one in group { shown.append(one) }
      return shown
    }
    return shown.filter { $0.number >= ConsolePart.warmSeconds * ConsolePart.perSecond }
  }

  private func tell(_ pages: [String], _ shown: [Shown], _ first: Int, _ customers: Int, _ report: inout Report) {
    var table = TextTable(
      "pages of the console over loopback, \(ConsolePart.perSecond) a second for \(ConsolePart.seconds) s, asked to answered",
      ["page", "p50 ms", "p95 ms", "p99 ms", "max ms", "kB"])
    func row(_ name: String, _ some: [Shown]) -> [String] {
      let times = some.map(\.milliseconds)
      let bytes = Statistics.median(some.map { Double($0.bytes) })
      return [name] + [50.0, 95, 99, 100].map { percent in Statistics.percentile(percent, of: times).map { NumberText.fixed($0, 1) } ?? "-" }
        + [bytes.map { NumberText.fixed($0 / 1_000, 1) } ?? "-"]
    }
    for (place, page) in pages.enumerated() { table.rows.append(row(page, shown.filter { $0.page == place })) }
    table.rows.append(row("all", shown))
    report.tables.append(table)
    report.figures.append(Figure("page_p95_ms", Statistics.percentile(95, of: shown.map(\.milliseconds)), digits: 1))
    report.figures.append(Figure("first_page_kb", Double(first) / 1_000, digits: 1))
  }
}
