// How long an order takes through all three services, and in which of them.
import Contracts
import Domain
import Kafka
import Lifecycle
import Postgres
import Telemetry
import Text

/// From a record's publication on the public input until its customer's tier stands in the table that the API reads.
struct LatencyPart: Sendable {
  static let figures = ["end_to_end_p50_ms", "end_to_end_p99_ms"]
  static let perSecond = 1_000
  static let warmSeconds = 3
  static let seconds = 20
  static var warmRecords: Int { warmSeconds * perSecond }
  let bench: Bench

  /// One record on its way.
  private struct Handed: Sendable {
    /// When it was handed to the client, in microseconds since 1970.
    let at: Int64
    /// Where it was stored.
    var place: RecordPlace?
  }

  /// A service that records pass through: when each was committed there, and in how many transactions.
  private struct Hop: Sendable {
    let service: String
    var committedAt: [Int: Int64] = [:]
    var transactions: Int64 = 0
    /// Processor time for a second of the run.
    var busy = 0.0
  }

  func run(_ report: inout Report) async throws {
    let suite = try await WholeSuite.start(bench, clock: nil)
    let before = busySeconds(suite)
    let handed = try await publish()
    let after = busySeconds(suite)
    try await suite.untilRated(customers: Int64(handed.count), records: Int64(handed.count), withinSeconds: 120)
    var hops = [
      try await hop("ingest", LatencyPart.ingested, handed), try await hop("profile", LatencyPart.profiled), try await hop("tiering", LatencyPart.rated),
    ]
    try await suite.stop()
    let seconds = Double(LatencyPart.warmSeconds + LatencyPart.seconds)
    for place in hops.indices { hops[place].busy = (after[place] - before[place]) / seconds }
    let waited = try milliseconds(from: handed.map(\.at), to: hops[2])
    report.tables.append(table(waited))
    report.tables.append(try table(hops, handed, postgres: (after[3] - before[3]) / seconds))
    report.figures.append(Figure("end_to_end_p50_ms", Statistics.percentile(50, of: waited), digits: 1))
    report.figures.append(Figure("end_to_end_p99_ms", Statistics.percentile(99, of: waited), digits: 1))
  }

  /// Processor time so far: of each service, then of PostgreSQL.
  private func busySeconds(_ suite: WholeSuite) -> [Double] {
    suite.running.map { ProcessFigures.times(of: $0.pid)?.own ?? .nan } + [bench.ground.postgresSeconds]
  }

  // MARK: - Publishing

  /// Publishes at a steady rate.
  private func publish() async throws -> [Handed] {
    let settings = bench.ground.kafkaSettings("bench-latency")
    let stop = bench.stop
    let count = (LatencyPart.warmSeconds + LatencyPart.seconds) * LatencyPart.perSecond
    return try await blocking {
      var options = ProducerOptions()
      options.lingerMilliseconds = 0
      let producer = try Producer(settings, options: options)
      var reports: [DeliveryReport] = []
      var handed: [Handed] = []
      let began = SystemTime.monotonicNanoseconds()
      while handed.count < count {
        if stop.isStopping { throw Stopped() }
        let due = Int(secondsSince(began) * Double(LatencyPart.perSecond))
        while handed.count < min(due, count) {
          let order = LatencyPart.order(handed.count)
          handed.append(Handed(at: SystemTime.unixMicroseconds()))
          try producer.enqueue(
            OutgoingRecord(
              topic: Topics.ordersIn.name, key: Array(order.orderID.utf8), value: order.input,
              headers: [KafkaHeader(Header.inputSource, OrderStream.source)]), token: UInt64(handed.count - 1))
        }
        _ = try producer.drainReports(into: &reports, waitMilliseconds: 0)
        _ = stop.waitBlocking(milliseconds: 1)
      }
      _ = producer.closeBlocking(withinMilliseconds: 10_000, into: &reports)
      for report in reports { handed[Int(report.token)].place = try report.result.get() }
      return handed
    }
  }

  static func order(_ number: Int) -> StreamOrder {
    StreamOrder(
      orderID: "L\(number)", eventID: "L\(number)-1", customer: "L\(number)", at: SystemTime.unixMicroseconds(), cents: Int64(100 + number % 9_900), items: 1)
  }

  // MARK: - When each was committed, by the server's own stamps

  private static let stamp = "(extract(epoch FROM pg_xact_commit_timestamp(t.xmin)) * 1000000)::int8, t.xmin"
  /// A record is named by its partition and offset.
  private static let ingested = "SELECT DISTINCT t.part || '/' || t.source_offset, \(stamp) FROM ingest.facts t"
  private static let profiled = "SELECT substr(t.order_id, 2), \(stamp) FROM profile.orders t"
  private static let rated = """
    SELECT substr(c.member_id, 2), \(stamp) FROM tiering.ratings t JOIN tiering.customers c USING (customer_id) WHERE t.version = 1
    """

  /// - Parameter handed: where records are named by their places.
  private func hop(_ service: String, _ sql: String, _ handed: [Handed] = []) async throws -> Hop {
    var numbers: [String: Int] = [:]
    for (number, record) in handed.enumerated() { if let place = record.place { numbers["\(place.partition)/\(place.offset)"] = number } }
    let (settings, known) = (try await bench.ground.settings(WholeSuite.database), numbers)
    return try await blocking {
      let session = try PostgresSession(settings)
      defer { session.close() }
      let rows = try session.query(Statement(name: "", sql: sql))
      var hop = Hop(service: service)
      var transactions: Set<UInt32> = []
      for row in 0..<rows.count {
        let name = try rows.text(row, 0)
        if let number = known[name] ?? Int(name) { hop.committedAt[number] = try rows.int64(row, 1) }
        transactions.insert(try rows.transactionID(row, 2))
      }
      hop.transactions = Int64(transactions.count)
      return hop
    }
  }

  private func milliseconds(from starts: [Int64], to hop: Hop) throws -> [Double] {
    try starts.enumerated().dropFirst(LatencyPart.warmRecords).map { number, start in
      guard let at = hop.committedAt[number] else { throw BenchFailure("record \(number) did not come through \(hop.service)") }
      return Double(at - start) / 1_000
    }
  }

  // MARK: - Tables

  private func text(_ percent: Double, _ values: [Double]) -> String { Statistics.percentile(percent, of: values).map { NumberText.fixed($0, 1) } ?? "-" }

  private func table(_ waited: [Double]) -> TextTable {
    var table = TextTable(
      "end to end: in.orders.v1 to the tier, \(LatencyPart.perSecond) events a second for \(LatencyPart.seconds) s, each of another customer",
      ["", "p50 ms", "p90 ms", "p99 ms", "max ms"])
    table.rows.append(["published to readable", text(50, waited), text(90, waited), text(99, waited), text(100, waited)])
    return table
  }

  /// Each service's share, from the commit of the one before to its own; the marks of one row do not add up to those of the whole way.
  private func table(_ hops: [Hop], _ handed: [Handed], postgres: Double) throws -> TextTable {
    var table = TextTable(
      "where it goes: from the commit before to the commit in", ["service", "p50 ms", "p99 ms", "records a transaction", "processors"])
    var starts = handed.map(\.at)
    for hop in hops {
      let waited = try milliseconds(from: starts, to: hop)
      let size = Double(handed.count) / Double(max(1, hop.transactions))
      table.rows.append([hop.service, text(50, waited), text(99, waited), NumberText.fixed(size, 1), NumberText.fixed(hop.busy, 2)])
      starts = starts.indices.map { hop.committedAt[$0] ?? 0 }
    }
    table.rows.append(["PostgreSQL", "-", "-", "-", NumberText.fixed(postgres, 2)])
    return table
  }
}
