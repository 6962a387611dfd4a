// How fast answers are taken on survey pages (F-03): a steady stream of customers over loopback, each with a link, then as many as come through.
import Contracts
import Domain
import HTTP
import Lifecycle
import Telemetry
import Text

struct AnswerPart: Sendable {
  static let figures = ["answers_per_second", "answer_p99_ms"]
  static let database = "bench_answers"
  static let partitions = 2
  static let perSecond = 1_000
  static let warmSeconds = 3
  static let seconds = 20
  /// Answers at a steady pace, and as many as come through after it.
  static let paced = (warmSeconds + seconds) * perSecond
  static let atOnce = 20_000
  /// Customers who send at the same time then.
  static let together = 32
  private static let customers = paced + atOnce
  /// Of one order of invitations.
  private static let invitedMax = 1_000
  private static let survey = "nps-quarterly"

  let bench: Bench

  func run(_ report: inout Report) async throws {
    var plan = ServicePlan(service: "feedback", instance: "bench-feedback", database: AnswerPart.database)
    plan.settings = ["FEEDBACK_LINK_KEY": "a key of the bench only", "FEEDBACK_PAGE_RATE": "1000000"]
    try await bench.ground.startKafka("answers")
    try await bench.ground.makeTopics(Topics.all, partitions: AnswerPart.partitions)
    try await bench.ground.makeDatabase(plan.database)
    try await RunningService.migrate(plan, bench)
    try await bench.ground.execute(
      plan.database, ["INSERT INTO feedback.customers (customer_id) SELECT generate_series(1, \(AnswerPart.customers))", "CHECKPOINT"])
    let service = try await RunningService.start(plan, bench)
    bench.say("inviting \(AnswerPart.customers) customers")
    let links = try await invite(service)
    bench.say("taking \(AnswerPart.perSecond) answers a second for \(AnswerPart.seconds) s, then \(AnswerPart.atOnce) as fast as they come through")
    let milliseconds = try await pace(links.prefix(AnswerPart.paced), service)
    let seconds = try await rush(Array(links.dropFirst(AnswerPart.paced)), service)
    let kept = try await bench.ground.numbers(plan.database, "SELECT count(*) FROM feedback.invitations WHERE score IS NOT NULL AND scored_at IS NOT NULL")
    guard kept == [Int64(AnswerPart.customers)] else { throw BenchFailure("\(kept) answers are kept, not \(AnswerPart.customers)") }
    try await service.stop()
    await bench.ground.dropDatabase(plan.database)
    await bench.ground.stopKafka()
    tell(milliseconds, Double(AnswerPart.atOnce) / seconds, &report)
  }

  private func tell(_ milliseconds: [Double], _ perSecond: Double, _ report: inout Report) {
    var table = TextTable(
      "POST /s/{token} over loopback: \(AnswerPart.perSecond) a second for \(AnswerPart.seconds) s, then from \(AnswerPart.together) customers at once",
      ["", "p50 ms", "p90 ms", "p99 ms", "max ms", "answers/s"])
    func text(_ percent: Double) -> String { Statistics.percentile(percent, of: milliseconds).map { NumberText.fixed($0, 2) } ?? "-" }
    table.rows.append(["at a steady pace", text(50), text(90), text(99), text(100), String(AnswerPart.perSecond)])
    table.rows.append(["as they come through", "", "", "", "", NumberText.fixed(perSecond, 0)])
    report.tables.append(table)
    report.figures.append(Figure("answers_per_second", perSecond, digits: 0))
    report.figures.append(Figure("answer_p99_ms", Statistics.percentile(99, of: milliseconds), digits: 2))
  }

  private func invite(_ service: RunningService) async throws -> [String] {
    var links: [String] = []
    for start in stride(from: 1, through: AnswerPart.customers, by: AnswerPart.invitedMax) {
      try bench.checkStop()
      let customers = (start..<min(start + AnswerPart.invitedMax, AnswerPart.customers + 1)).map { JSONValue.text(CustomerID(number: Int64($0)).description) }
      let order: JSONValue = ["actor": "bench", "survey": .text(AnswerPart.survey), "reference": "bench", "customers": .array(customers)]
      let made = try JSONValue(try await service.send("/v1/invitations", order))
      links += (made["invitations"]?.arrayValue ?? []).compactMap { $0["link"]?.stringValue }
    }
    guard links.count == AnswerPart.customers else { throw BenchFailure("\(links.count) customers were invited, not \(AnswerPart.customers)") }
    return links
  }

  private static func answer(_ link: String, _ score: Int, _ service: RunningService, _ client: HTTPClient) async throws {
    var request = ClientRequest(.post, service.url + link, body: Array("score=\(score % 11)".utf8))
    request.headers["Content-Type"] = Request.formType
    let answer = try await client.send(request)
    guard answer.status == .seeOther else { throw BenchFailure("feedback answers \(answer.status.rawValue) to an answer") }
  }

  /// Answers go out at their time whether or not the ones before are taken: a slow one delays no other.
  private func pace(_ links: ArraySlice<String>, _ service: RunningService) async throws -> [Double] {
    var settings = HTTPClientSettings()
    settings.limits.transfersMax = AnswerPart.together
    // Where the service falls behind, that is to be seen in the figures.
    settings.limits.waitingTransfersMax = AnswerPart.paced
    let client = HTTPClient(name: "bench-answers", settings: settings)
    let pace = Duration.nanoseconds(1_000_000_000 / AnswerPart.perSecond)
    let taken = try await withThrowingTaskGroup(of: (number: Int, milliseconds: Double).self) { group in
      let began = ContinuousClock.now
      for (number, link) in links.enumerated() {
        if bench.stop.isStopping { throw Stopped() }
        let early = began + pace * number - ContinuousClock.now
        if early > .zero { _ = await bench.stop.wait(atMost: early) }
        group.addTask {
          let asked = SystemTime.monotonicNanoseconds()
          try await AnswerPart.answer(link, number, service, client)
          return (number, Double(SystemTime.monotonicNanoseconds() - asked) / 1e6)
        }
      }
      var taken: [(number: Int, milliseconds: Double)] = []
      for try await one in group { taken.append(one) }
      return taken
    }
    await client.close()
    return taken.filter { $0.number >= AnswerPart.warmSeconds * AnswerPart.perSecond }.map(\.milliseconds)
  }

  /// In how many seconds all of them are taken.
  private func rush(_ links: [String], _ service: RunningService) async throws -> Double {
    var settings = HTTPClientSettings()
    settings.limits.transfersMax = AnswerPart.together
    let client = HTTPClient(name: "bench-rush", settings: settings)
    let began = SystemTime.monotonicNanoseconds()
    try await withThrowingTaskGroup(of: Void.self) { group in
      for hand in 0..<AnswerPart.together {
        group.addTask {
          for number in stride(from: hand, to: links.count, by: AnswerPart.together) {
            if bench.stop.isStopping { throw Stopped() }
            try await AnswerPart.answer(links[number], number, service, client)
          }
        }
      }
      try await group.waitForAll()
    }
    let seconds = secondsSince(began)
    await client.close()
    return seconds
  }
}
