// Puts records into Kafka before the clock runs.
import Kafka
import Lifecycle
import Telemetry

enum Publishing {
  /// Records whose reports are not awaited yet.
  private static let unreportedMax = 400_000

  /// Publishes all that `next` gives, as fast as the broker takes them. Fails when one is not stored. Blocks.
  static func all(_ settings: KafkaSettings, stop: StopSignal, _ next: () throws -> OutgoingRecord?) throws -> Int {
    var options = ProducerOptions()
    options.queuedRecordsMax = unreportedMax
    options.queuedKibibytesMax = 1 << 20
    options.lingerMilliseconds = 50
    let producer = try Producer(settings, options: options)
    var reports: [DeliveryReport] = []
    var count = 0
    func take(_ milliseconds: Int) throws {
      reports.removeAll(keepingCapacity: true)
      _ = try producer.drainReports(into: &reports, waitMilliseconds: milliseconds)
      for report in reports { _ = try report.result.get() }
    }
    defer {
      reports.removeAll()
      _ = producer.closeBlocking(withinMilliseconds: 0, into: &reports)
    }
    while let record = try next() {
      if stop.isStopping { throw Stopped() }
      while true {
        do throws(KafkaFailure) {
          try producer.enqueue(record, token: UInt64(count))
          break
        } catch {
          guard error.kind == .queueFull else { throw error }
          try take(50)
        }
      }
      count += 1
      if count % 10_000 == 0 { try take(0) }
    }
    let end = SystemTime.monotonicNanoseconds() + 120_000_000_000
    while producer.unreportedCount > 0 {
      try take(50)
      if stop.isStopping { throw Stopped() }
      guard SystemTime.monotonicNanoseconds() < end else { throw BenchFailure("\(producer.unreportedCount) records got no report") }
    }
    return count
  }

  /// The stream as `ingest` publishes it. Returns how many records.
  static func orders(_ stream: OrderStream, partitions: Int, _ bench: Bench) async throws -> Int {
    let settings = bench.ground.kafkaSettings("bench-orders")
    let stop = bench.stop
    return try await blocking {
      var records = try IngestRecords(partitions: partitions)
      var rest = stream.orders[...]
      return try all(settings, stop: stop) { try rest.popFirst().map { try records.record($0) } }
    }
  }
}
