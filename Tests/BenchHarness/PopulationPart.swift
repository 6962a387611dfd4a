// What is asked about all customers at once: the report on what became of the tiers (T-12), and where a quota cuts (T-04).
import HTTP
import Telemetry
import Text

struct PopulationPart: Sendable {
  static let figures = ["report_million_seconds", "quota_million_seconds"]
  static let database = "bench_population"
  /// Ratings of the past that every customer is given, so that the report has a history to read.
  static let pastRatings = 5
  static let instance = "bench-population"
  private static let lineBytesMax = 8 << 20

  let bench: Bench
  let stream: OrderStream

  func run(_ report: inout Report) async throws {
    let stored = RatedCustomers(bench: bench, stream: stream)
    try await stored.copy(to: PopulationPart.database)
    bench.say("giving them \(PopulationPart.pastRatings) ratings of the past each")
    let past = (1...PopulationPart.pastRatings).reversed().map(PopulationPart.past)
    try await bench.ground.execute(PopulationPart.database, past + ["VACUUM ANALYZE", "CHECKPOINT"])
    var service = try await stored.serve(PopulationPart.database)
    bench.say("asking what became of their tiers")
    let asking = Stretch(service, bench)
    let silence = try await ask(service)
    let asked = asking.end()
    try await service.stop()
    bench.say("drawing where a quota cuts them, while all of them are rated by it")
    let plan = ServicePlan(
      service: "tiering", instance: PopulationPart.instance, database: PopulationPart.database, clock: OrderStream.clock,
      settings: ["TIERING_POLICY": "quota"])
    service = try await RunningService.start(plan, bench)
    let drawing = Stretch(service, bench)
    let borders = try await service.ask("/v1/quota/borders", post: true)
    let drawn = drawing.end()
    try await service.stop()
    let customers = bench.options.customers
    guard borders["customers"]?.intValue == customers else { throw BenchFailure("the borders are not drawn over \(customers) customers") }
    await bench.ground.dropDatabase(PopulationPart.database)
    await bench.ground.stopKafka()
    tell(asked, silence: silence, drawn, &report)
  }

  /// A rating of each customer from so many times a hundred days ago, give or take 90 days.
  private static func past(_ place: Int) -> String {
    """
    INSERT INTO tiering.ratings (customer_id, version, reason, tier, tier_before, score, exact_score, scorecard, scorecard_version, policy, policy_version,
      tier_since, rated_at, rated_day, next_review, inputs, recency_days, frequency, monetary, retired, decided_tier)
    SELECT customer_id, \(1 - place), reason, tier, CASE WHEN customer_id % 2 = 0 THEN 'normal' ELSE 'watch' END, score, exact_score, scorecard,
      scorecard_version, policy, policy_version, tier_since, rated_at - (\(place) * 100 + customer_id % 90) * interval '1 day', rated_day, next_review, inputs,
      recency_days, frequency, monetary, retired, decided_tier
    FROM tiering.ratings WHERE version = 1
    """
  }

  /// The longest time without a line, in seconds.
  private func ask(_ service: RunningService) async throws -> Double {
    let client = HTTPClient(name: "bench-population")
    var (last, longest) = (SystemTime.monotonicNanoseconds(), 0.0)
    var end: JSONValue?
    let answer = try await client.stream(ClientRequest(.get, service.url + "/v1/reports/tiers?progress=true"))
    for try await line in answer.body.lines(lineBytesMax: PopulationPart.lineBytesMax) where !line.isEmpty {
      longest = max(longest, secondsSince(last))
      last = SystemTime.monotonicNanoseconds()
      end = try JSONValue(line)
    }
    await client.close()
    guard end?["end"]?.booleanValue == true, end?["result"]?["customers"]?.intValue == bench.options.customers else {
      throw BenchFailure("the report is not of \(bench.options.customers) customers")
    }
    return longest
  }

  private func tell(_ asked: Stretch.Figures, silence: Double, _ drawn: Stretch.Figures, _ report: inout Report) {
    let customers = Double(bench.options.customers)
    var table = TextTable(
      "\(NumberText.grouped(customers)) stored customers with \(PopulationPart.pastRatings + 1) ratings each",
      ["", "seconds", "longest silence s", "own us", "PostgreSQL us"])
    let each = 1e6 / customers
    for (name, stretch, silence) in [("what became of the tiers", asked, NumberText.fixed(silence, 1)), ("borders of a quota", drawn, "-")] {
      table.rows.append(
        [name, NumberText.fixed(stretch.seconds, 1), silence, NumberText.fixed(stretch.own * each, 1), NumberText.fixed(stretch.postgres * each, 1)])
    }
    report.tables.append(table)
    report.figures.append(Figure("report_million_seconds", asked.seconds * each, digits: 1))
    report.figures.append(Figure("quota_million_seconds", drawn.seconds * each, digits: 1))
  }
}
