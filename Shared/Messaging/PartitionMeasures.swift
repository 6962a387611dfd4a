// Metrics of one partition.
import Contracts
import Kafka
import Telemetry

enum Contract {
  static let lane = Header.lane
  static let sequence = Header.sequence
  static var nothing: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: nil, count: 0) }
}

struct PartitionMeasures: Sendable {
  let repeats: Counter
  let conflicts: Counter
  let halted: Gauge
  private let records: Counter
  private let refused: Counter
  private let sizes: Histogram
  private let seconds: Histogram
  private let offset: Gauge
  private let lag: Gauge
  private let unpublished: Gauge
  private let delay: Histogram

  init(_ metrics: Metrics, _ partition: TopicPartition) {
    let labels: MetricLabels = ["topic": partition.topic, "partition": String(partition.partition)]
    let topic: MetricLabels = ["topic": partition.topic]
    records = metrics.counter("clientele_records_total", help: "Records applied.", labels: topic)
    refused = metrics.counter("clientele_quarantined_records_total", help: "Records refused and put into quarantine.", labels: topic)
    repeats = metrics.counter("clientele_repeated_records_total", help: "Records dropped because their lane number had come before.", labels: topic)
    conflicts = metrics.counter("clientele_batch_conflicts_total", help: "Batches done again because another transaction was in the way.", labels: topic)
    sizes = metrics.histogram("clientele_batch_records", help: "Records of one batch.", bounds: Histogram.sizeBounds, labels: topic)
    seconds = metrics.histogram("clientele_batch_duration_seconds", help: "Time from begin to commit of one batch.", labels: topic)
    offset = metrics.gauge("clientele_position_offset", help: "Next offset to be read, as committed in PostgreSQL.", labels: labels)
    lag = metrics.gauge("clientele_partition_lag_records", help: "Records of the partition that are not applied yet.", labels: labels)
    unpublished = metrics.gauge(
      "clientele_outbox_age_seconds", help: "Age of the oldest committed record whose publication is not confirmed yet.", labels: labels)
    delay = metrics.histogram(
      "clientele_source_to_table_seconds", help: "Time from a record's arrival at the broker to its commit, oldest record of each batch.",
      bounds: Histogram.delayBounds, labels: topic)
    halted = metrics.gauge("clientele_partition_halted", help: "1 while the partition stands still until a person looks.", labels: labels)
  }

  func batch(records count: Int, refused refusedCount: Int, nanoseconds: Int64) {
    records.increment(by: count - refusedCount)
    if refusedCount > 0 { refused.increment(by: refusedCount) }
    sizes.observe(Double(count))
    seconds.observe(Double(nanoseconds) / 1e9)
  }

  func position(_ next: Int64, outboxAgeNanoseconds age: Int64) {
    offset.set(next)
    unpublished.set(Double(age) / 1e9)
  }

  func lag(_ records: Int64) { lag.set(max(0, records)) }

  /// `timestamp`: of the batch's oldest record, milliseconds since 1970; 0 when it had none.
  func delay(since timestamp: Int64, now unixMicroseconds: Int64) {
    guard timestamp > 0 else { return }
    delay.observe(max(0, Double(unixMicroseconds / 1_000 - timestamp) / 1e3))
  }
}
