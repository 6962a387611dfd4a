// Publishes a lane's outbox rows in order through an idempotent producer, and says which rows are done.
import Contracts
import Domain
import Failpoints
import Kafka
import Telemetry
import Text

/// Bounds of a relay.
enum LaneRelayLimits {
  /// Records handed over and not yet confirmed; above this the lane takes no new batch.
  static let unconfirmedRecordsMax = 50_000
  /// Rows read from the table at once.
  static let rowsPerReadMax = 64
  /// How long a full producer queue is waited for before the loop goes on, in milliseconds.
  static let fullQueueMilliseconds = 20
}

/// Belongs to the thread of its lane. Rows are deleted only after every record in them was confirmed; after any other report the producer is
/// given up and the rows are read anew from the table.
final class LaneRelay<Out: LaneProducer> {
  private struct Row {
    let id: Int64
    var unconfirmed: Int
    let since: Int64
  }

  private let lane: String
  private let source: String
  private let makeProducer: () throws -> Out
  private let logger: Logger
  /// False once the lane is to stop: nothing waits for a broker then, the rows stay for the next owner.
  private let keepGoing: () -> Bool
  private var producer: Out?
  private var rows: [Row] = []
  /// The number of the first record handed over, by token; tokens count up, each row has a run of them.
  private var runs: [(firstToken: UInt64, count: Int, row: Int64)] = []
  private var nextToken: UInt64 = 1
  private(set) var confirmed: [Int64] = []
  private(set) var mustReload = false
  private var reports: [DeliveryReport] = []

  init(lane: String, source: String, logger: Logger, makeProducer: @escaping () throws -> Out, keepGoing: @escaping () -> Bool) {
    self.keepGoing = keepGoing
    self.lane = lane
    self.source = source
    self.makeProducer = makeProducer
    self.logger = logger
  }

  var isIdle: Bool { rows.isEmpty && confirmed.isEmpty && !mustReload }
  var unconfirmedRecords: Int { rows.reduce(0) { $0 + $1.unconfirmed } }
  /// How long the oldest record waits for its confirmation, in nanoseconds.
  var ageNanoseconds: Int64 { rows.first.map { SystemTime.monotonicNanoseconds() - $0.since } ?? 0 }
  var isFull: Bool { unconfirmedRecords >= LaneRelayLimits.unconfirmedRecordsMax }

  /// Hands over everything the table holds for this lane. Afterwards the lane may add rows of its own.
  func loadAll(_ store: some LaneStore) throws {
    forget()
    var last: Int64 = 0
    while keepGoing() {
      let found = try store.outgoing(lane: lane, after: last)
      for (id, row) in found {
        last = id
        try publish(row, id: id)
        while isFull, keepGoing(), !mustReload { try collect(waitMilliseconds: LaneRelayLimits.fullQueueMilliseconds) }
      }
      if found.count < LaneRelayLimits.rowsPerReadMax || mustReload { return }
    }
  }

  /// Hands the records of one row over.
  func publish(_ row: OutboxRow, id: Int64) throws {
    guard !mustReload else { return }
    let messages = try Frame.read(row.body, topic: row.topic)
    rows.append(Row(id: id, unconfirmed: messages.count, since: SystemTime.monotonicNanoseconds()))
    runs.append((nextToken, messages.count, id))
    for (place, message) in messages.enumerated() {
      let record = OutgoingRecord(
        topic: row.topic, partition: row.partition, key: message.key, value: message.value,
        headers: headers(message, sequence: row.firstSequence + Int64(place)))
      try handOver(record)
      if mustReload { return }
    }
    Failpoints.reach(.handedOver)
    if Mutant.cursorRelay.isOn {
      confirmed.append(id)
      rows.removeAll { $0.id == id }
      runs.removeAll { $0.row == id }
    }
  }

  private func headers(_ message: OutgoingMessage, sequence: Int64) -> [KafkaHeader] {
    var headers = [
      KafkaHeader(Header.specVersion, "1.0"), KafkaHeader(Header.id, message.id), KafkaHeader(Header.source, source),
      KafkaHeader(Header.type, message.type), KafkaHeader(Header.time, RFC3339.text(message.time.microseconds)),
      KafkaHeader(Header.contentType, "application/json"), KafkaHeader(Header.lane, lane), KafkaHeader(Header.sequence, String(sequence)),
    ]
    if !message.traceParent.isEmpty { headers.append(KafkaHeader(Header.traceParent, message.traceParent)) }
    for header in message.headers { headers.append(KafkaHeader(header.name, header.value)) }
    return headers
  }

  private func handOver(_ record: OutgoingRecord) throws {
    while true {
      let producer = try connected()
      do throws(KafkaFailure) {
        try producer.enqueue(record, token: nextToken)
        nextToken += 1
        return
      } catch {
        guard error.kind == .queueFull else {
          giveUp(error)
          return
        }
        try collect(waitMilliseconds: LaneRelayLimits.fullQueueMilliseconds)
        if !keepGoing() { mustReload = true }
        if mustReload { return }
      }
    }
  }

  private func connected() throws -> Out {
    if let producer { return producer }
    let made = try makeProducer()
    producer = made
    return made
  }

  /// Takes delivery reports.
  func collect(waitMilliseconds: Int) throws {
    guard let producer else { return }
    reports.removeAll(keepingCapacity: true)
    try producer.drainReports(into: &reports, waitMilliseconds: waitMilliseconds)
    for report in reports {
      switch report.result {
      case .success: confirm(report.token)
      case .failure(let failure):
        giveUp(failure)
        return
      }
    }
    if let fatal = producer.fatalFailure { giveUp(fatal) }
  }

  private func confirm(_ token: UInt64) {
    guard let run = runs.last(where: { $0.firstToken <= token }), token < run.firstToken + UInt64(run.count),
      let index = rows.firstIndex(where: { $0.id == run.row })
    else { return }
    rows[index].unconfirmed -= 1
    if rows[index].unconfirmed == 0 {
      confirmed.append(run.row)
      rows.remove(at: index)
      runs.removeAll { $0.row == run.row }
    }
  }

  /// A report that is not a success proves nothing, neither stored nor lost: everything unconfirmed is read from the table and sent again.
  /// Readers drop what they had already, by its lane number.
  private func giveUp(_ failure: KafkaFailure) {
    logger.warning("publishing stopped, the outbox is read anew", [.lane: .string(lane), .error: .string(failure.description)])
    mustReload = true
  }

  private func forget() {
    if let producer {
      var rest: [DeliveryReport] = []
      if mustReload { _ = producer.closeBlocking(withinMilliseconds: 0, into: &rest) }
    }
    if mustReload { producer = nil }
    rows = []
    runs = []
    confirmed = []
    mustReload = false
  }

  /// The rows that are done, handed to the transaction that deletes them; `keepConfirmed` puts them back when it failed.
  func takeConfirmed() -> [Int64] {
    defer { confirmed = [] }
    return confirmed
  }

  func keepConfirmed(_ ids: [Int64]) { confirmed = ids + confirmed }

  /// Waits for the last reports and ends the producer. False when some did not come within the limit: the next owner sends those rows again.
  func close(withinMilliseconds limit: Int) -> Bool {
    guard let producer else { return rows.isEmpty }
    reports.removeAll(keepingCapacity: true)
    _ = producer.closeBlocking(withinMilliseconds: limit, into: &reports)
    for report in reports { if case .success = report.result { confirm(report.token) } }
    self.producer = nil
    return rows.isEmpty
  }
}
