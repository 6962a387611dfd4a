// What needs neither PostgreSQL nor Kafka: decoding of order events, and ratings.
import Contracts
import Documents
import Domain
import Glibc
import ProfileCore
import Runtime
import Text
import TieringCore

/// Time of the calling thread on a processor: what others do on this machine meanwhile is not in it.
enum ThreadTime {
  static func seconds() -> Double {
    var now = timespec()
    // The clock always exists on Linux and the pointer is valid, the two only reasons for a failure.
    _ = clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now)
    return Double(now.tv_sec) + Double(now.tv_nsec) / 1e9
  }

  /// Items a second, the median of several passes after one that is not counted.
  static func rate(items: Int, passes: Int, _ pass: () throws -> Void) rethrows -> Double? {
    try pass()
    var rates: [Double] = []
    for _ in 0..<passes {
      let began = seconds()
      try pass()
      rates.append(Double(items) / max(1e-9, seconds() - began))
    }
    return Statistics.median(rates)
  }
}

/// Order events as they lie in `ingest.orders.v1`, read by the suite's own reader.
struct JSONPart: Sendable {
  static let figures = ["json_events_per_second"]
  let bench: Bench
  let stream: OrderStream

  func run(_ report: inout Report) async throws {
    let (stream, rounds) = (stream, bench.options.rounds)
    let (rate, strict, bytes) = try await blocking { () throws -> (Double?, Double?, Int) in
      let values = stream.orders.map { order in JSONWriter.bytes { order.event.write(to: &$0) } }
      // Any key in the form of a record's key: what it is of does not matter here.
      let keys = stream.orders.map { Array(IdentityKey(high: UInt64(truncatingIfNeeded: $0.cents), low: 1).hexadecimal.utf8) }
      let cents = stream.orders.reduce(0) { $0 + $1.cents }
      let rate = try ThreadTime.rate(items: values.count, passes: rounds) { try JSONPart.pass(values, keys, cents: cents) }
      let strict = try ThreadTime.rate(items: values.count, passes: rounds) { try JSONPart.strictPass(values, cents: cents) }
      return (rate, strict, values.reduce(0) { $0 + $1.count })
    }
    let average = Double(bytes) / Double(max(1, stream.orders.count))
    var table = TextTable("JSON: order events decoded on one processor", ["reader", "events/s", "MB/s", "bytes each"])
    for (reader, rate) in [("as the hot path", rate), ("as a value", strict)] {
      table.rows.append(
        [
          reader, rate.map(NumberText.grouped) ?? "-", rate.map { NumberText.fixed($0 * average / 1e6, 0) } ?? "-", NumberText.fixed(average, 0),
        ])
    }
    report.tables.append(table)
    report.figures.append(Figure("json_events_per_second", rate, digits: 0))
  }

  /// The one place that knows how the hot path reads a record.
  private static func pass(_ values: [[UInt8]], _ keys: [[UInt8]], cents expected: Int64) throws {
    var cents: Int64 = 0
    for (place, value) in values.enumerated() {
      let order = keys[place].withUnsafeBytes { key in
        value.withUnsafeBytes { bytes in IdentityKey(hexadecimal: key).flatMap { PlainOrder(bytes, home: $0, place: 0) } }
      }
      guard let order else { throw BenchFailure("an order was not read in the short way") }
      cents += order.money.minorUnits
    }
    guard cents == expected else { throw BenchFailure("the decoded amounts are wrong") }
  }

  /// Events as values, with texts of their own: what is not plain is read so.
  private static func strictPass(_ values: [[UInt8]], cents expected: Int64) throws {
    var cents: Int64 = 0
    for value in values {
      try value.withUnsafeBytes { bytes in
        var reader = JSONReader(bytes)
        cents += try OrderEvent(reading: &reader).money.minorUnits
      }
    }
    guard cents == expected else { throw BenchFailure("the decoded amounts are wrong") }
  }
}

/// Ratings without tables: from a customer's days to score and tier.
struct ScoresPart: Sendable {
  static let figures = ["scores_per_second"]
  let bench: Bench
  let stream: OrderStream

  func run(_ report: inout Report) async throws {
    guard let scorecard = Resources.bytes("deploy/scorecards/standard.yaml"), let policies = Resources.bytes("deploy/policies.yaml"),
      let currency = Currency(OrderStream.currency), let today = Day(OrderStream.clock)
    else { throw BenchFailure("the scorecard that comes with the suite is not built in") }
    let card = try ScorecardDocument.decode(scorecard, source: "standard.yaml")
    let configuration = try PolicyDocument.decode(policies, source: "policies.yaml")
    guard let compiled = CompiledScorecard(card) else { throw BenchFailure("the standard scorecard cannot be compiled") }
    let policy = configuration.inForce
    guard case .score(let scored) = policy else { throw BenchFailure("the policy that comes with the suite does not go by the score") }
    let (stream, rounds) = (stream, bench.options.rounds)
    let rates = try await blocking { () throws -> [Double?] in
      let ledgers = ScoresPart.ledgers(stream)
      func figures(_ ledger: DayLedger) -> RatingFigures {
        RatingFigures(ledger: ledger, industry: nil, growth: .none, currency: currency, today: today)
      }
      let values = ledgers.map { figures($0).values }
      let moment = Instant(seconds: 0)
      let whole = try ThreadTime.rate(items: ledgers.count, passes: rounds) {
        for ledger in ledgers {
          let found = figures(ledger)
          let inputs = RatingInputs(values: found.values, lastInteraction: ledger.lastPaidDay, factsAsOf: moment)
          _ = try Rating.decide(current: nil, inputs: inputs, scorecard: card, policy: policy, at: moment, day: found.day)
        }
      }
      var points = 0
      let pure = try ThreadTime.rate(items: ledgers.count, passes: rounds) {
        for ledger in ledgers { points += try scored.rank(of: figures(ledger).values, by: compiled) + 1 }
      }
      for ledger in ledgers {
        let found = figures(ledger)
        let rank = try scored.rank(of: found.values, by: compiled)
        let tier = scored.assign(try card.score(found.values))
        guard scored.ladder.tier(atRank: rank) == tier else { throw BenchFailure("a pure score gives another tier") }
      }
      let fast = try ThreadTime.rate(items: ledgers.count, passes: rounds) { for ledger in ledgers { points += try compiled.rounded(figures(ledger).values) } }
      let alone = try ThreadTime.rate(items: values.count, passes: rounds) { for value in values { points += try compiled.rounded(value) } }
      guard points > 0 else { throw BenchFailure("nobody has a score") }
      return [pure, whole, fast, alone]
    }
    var table = TextTable("ratings on one processor, customers with the days of the stream", ["what", "customers/s"])
    let names = [
      "pure score: from the days to score and tier", "with all parts of the score for its explanation, as the service rates",
      "figures and compiled score, as reports do", "compiled score of given figures",
    ]
    for (name, rate) in zip(names, rates) { table.rows.append([name, rate.map(NumberText.grouped) ?? "-"]) }
    report.tables.append(table)
    report.figures.append(Figure("scores_per_second", rates[0], digits: 0))
  }

  /// One for every customer of the stream.
  static func ledgers(_ stream: OrderStream) -> [DayLedger] {
    var days: [String: [DayEntry]] = [:]
    var seen: Set<String> = []
    for order in stream.orders where seen.insert(order.orderID).inserted {
      let day = BusinessZone.utc.day(of: Instant(microseconds: order.at))
      days[order.customer, default: []].append(DayEntry(day: day, paidOrders: 1, countedOrders: 1, spend: order.cents))
    }
    return days.sorted { $0.key < $1.key }.map { DayLedger(contributions: $0.value) }
  }
}
