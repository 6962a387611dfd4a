// Publishes a lane's outbox rows in order through an idempotent producer, and says which rows are done.
import Contracts
import Domain
import Failpoints
import Kafka
import Telemetry
import Text

/// Bounds of a relay.
enum LaneRelayLimits {
  /// Rows read from the table at once.
  static let rowsPerReadMax = 64
  /// Records that may be unconfirmed however small batches are: a broker that is busy confirms them late, and the lane should not stand still for it.
  static let unconfirmedMin = 10_000
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
  private let laneBytes: [UInt8]
  private let sourceBytes: [UInt8]
  /// The time of the record before, as text: mostly this one's too.
  private var timeWritten: (time: Instant, text: [UInt8]) = (Instant(microseconds: 0), Array(RFC3339.text(0).utf8))
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

  private let snapshots: String?
  private let lateSeconds: Int64
  private let unconfirmedMax: Int

  /// - Parameters:
  ///   - snapshots: the topic whose last record of a key must be its newest.
  ///   - lateSeconds: how long a former producer of this lane may still have something under way.
  ///   - unconfirmedMax: records handed over and not yet confirmed, above which the lane takes no new batch.
  init(
    lane: String, source: String, snapshots: String?, lateSeconds: Int64, unconfirmedMax: Int, logger: Logger,
    makeProducer: @escaping () throws -> Out, keepGoing: @escaping () -> Bool
  ) {
    self.unconfirmedMax = unconfirmedMax
    self.keepGoing = keepGoing
    self.lane = lane
    self.snapshots = snapshots
    self.lateSeconds = lateSeconds
    laneBytes = Array(lane.utf8)
    sourceBytes = Array(source.utf8)
    self.makeProducer = makeProducer
    self.logger = logger
  }

  var isIdle: Bool { rows.isEmpty && confirmed.isEmpty && !mustReload }
  var unconfirmedRecords: Int { rows.reduce(0) { $0 + $1.unconfirmed } }
  /// How long the oldest record waits for its confirmation, in nanoseconds.
  var ageNanoseconds: Int64 { rows.first.map { SystemTime.monotonicNanoseconds() - $0.since } ?? 0 }
  var isFull: Bool { unconfirmedRecords >= unconfirmedMax }

  /// Hands over everything the table holds for this lane. Afterwards the lane may add rows of its own.
  func loadAll(_ store: some LaneStore) throws {
    forget()
    var last: Int64 = 0
    while keepGoing() {
      let found = try store.outgoing(lane: lane, after: last)
      try expectLateCopies(of: found, store)
      for (id, row) in found {
        last = id
        try publish(row, id: id)
        while isFull, keepGoing(), !mustReload { try collect(waitMilliseconds: LaneRelayLimits.fullQueueMilliseconds) }
      }
      if found.count < LaneRelayLimits.rowsPerReadMax || mustReload { return }
    }
  }

  /// What is read from the table may have been handed over before, by a producer that is gone or was given up: a copy may be stored later than what
  /// is published now. Its customers are looked at when that is over.
  private func expectLateCopies(of found: [(id: Int64, row: OutboxRow)], _ store: some LaneStore) throws {
    var customers: Set<Int64> = []
    for (_, row) in found where row.topic == snapshots {
      try row.body.withUnsafeBytes { body in
        var reader = FrameReader(body)
        while !reader.isAtEnd { if let customer = CustomerID(String(decoding: try reader.next().key, as: UTF8.self)) { customers.insert(customer.number) } }
      }
    }
    guard let last = found.last, !customers.isEmpty else { return }
    try store.unsettle(customers.sorted(), afterRow: last.id, seconds: lateSeconds)
  }

  /// Hands the records of one row over.
  func publish(_ row: OutboxRow, id: Int64) throws {
    guard !mustReload else { return }
    rows.append(Row(id: id, unconfirmed: row.records, since: SystemTime.monotonicNanoseconds()))
    runs.append((nextToken, row.records, id))
    try row.body.withUnsafeBytes { body in
      var reader = FrameReader(body)
      var sequence = row.firstSequence
      while !reader.isAtEnd {
        try handOver(try reader.next(), of: row, sequence: sequence)
        if mustReload { return }
        sequence += 1
      }
      guard sequence - row.firstSequence == Int64(row.records) else { throw OutboxFault.damagedRow }
    }
    if mustReload { return }
    Failpoints.reach(.handedOver)
    if Mutant.cursorRelay.isOn {
      confirmed.append(id)
      rows.removeAll { $0.id == id }
      runs.removeAll { $0.row == id }
    }
  }

  private func handOver(_ record: FramedRecord, of row: OutboxRow, sequence: Int64) throws {
    if record.time != timeWritten.time { timeWritten = (record.time, Array(RFC3339.text(record.time.microseconds).utf8)) }
    while true {
      let producer = try connected()
      do throws(KafkaFailure) {
        let headers = LaneHeaders(lane: laneBytes, source: sourceBytes, time: timeWritten.text, sequence: sequence)
        try producer.enqueue(record, topic: row.topic, partition: row.partition, lane: headers, token: nextToken)
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
