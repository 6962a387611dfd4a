// One look at customers whose last snapshot in the log may not be their newest; in the lane of due work.
import Handling
import Kafka
import Postgres
import Telemetry

/// Belongs to the thread of the lane of due work, for one hold of it.
struct SettlingTurn<Handler: DueHandler> {
  private let handler: Handler
  private let session: PostgresSession
  private let logger: Logger
  private var customers = BatchSize(recordsMax: Unsettled.customersMax)

  init(handler: Handler, session: PostgresSession, logger: Logger) {
    self.handler = handler
    self.session = session
    self.logger = logger
  }

  /// One transaction. False when there was nothing to look at. A customer that fails is halved down to, and looked at again later.
  mutating func run(_ writer: LaneWriter<PostgresLaneStore, Producer>) throws -> Bool {
    guard try session.query(Unsettled.any, { Self.bind(writer.key.lane, &$0) }).bool(0, 0) else { return false }
    let limit = customers.records
    var found: [Int64] = []
    do {
      let step = Step(nextOffset: writer.position.nextOffset + 1, anchor: nil, lanesIn: writer.position.lanesIn)
      let outcome = try writer.commit(step) { [handler] scope in
        found = try Self.ready(limit, &scope)
        try Self.settle(found, handler, &scope)
      }
      // What was in the way of it is done with when the lane looks next.
      guard case .committed = outcome else { return false }
      customers.wentWell()
      return !found.isEmpty
    } catch is Fenced {
      throw Fenced()
    } catch let failure as PostgresFailure where ![.data, .uniqueViolation, .timedOut].contains(failure.kind) {
      throw failure
    } catch {
      guard let first = found.first else { throw error }
      customers.tooLarge()
      if found.count == 1 { try postpone(first, error, writer) }
      return true
    }
  }

  private static func bind(_ lane: String, _ parameters: inout Parameters) {
    parameters.timestamptz(SystemTime.unixMicroseconds())
    parameters.text(lane)
  }

  private static func ready(_ limit: Int, _ scope: inout BatchScope) throws -> [Int64] {
    let lane = scope.lane
    let rows = try scope.session.query(Unsettled.ready) { parameters in
      bind(lane, &parameters)
      parameters.int64(Int64(limit))
    }
    return try (0..<rows.count).map { try rows.int64($0, 0) }.sorted()
  }

  private static func settle(_ ids: [Int64], _ handler: Handler, _ scope: inout BatchScope) throws {
    guard !ids.isEmpty else { return }
    // Customers before their marks, as everyone does who writes them. A mark that came meanwhile counts.
    let versions = try handler.lockVersions(of: ids, &scope)
    let lane = scope.lane
    let rows = try scope.session.query(Unsettled.take) { parameters in
      bind(lane, &parameters)
      parameters.int64Array(ids)
    }
    var again: [(id: Int64, version: Int64)] = []
    var done: [Int64] = []
    for row in 0..<rows.count {
      let snapshot = UnsettledSnapshot(id: try rows.int64(row, 0), sent: try rows.int64OrNil(row, 1))
      if let version = versions[snapshot.id], snapshot.next(version) == .sendAgain { again.append((snapshot.id, version)) } else { done.append(snapshot.id) }
    }
    if !done.isEmpty { _ = try scope.session.run(Unsettled.remove) { $0.int64Array(done) } }
    guard !again.isEmpty else { return }
    _ = try scope.session.run(Unsettled.sent) { parameters in
      parameters.int64Array(again.map(\.id))
      parameters.int64Array(again.map(\.version))
      parameters.timestamptz(SystemTime.unixMicroseconds() + Unsettled.lookMilliseconds * 1_000)
    }
    try handler.sendAgain(again.map(\.id), &scope)
  }

  private func postpone(_ customer: Int64, _ error: any Error, _ writer: LaneWriter<PostgresLaneStore, Producer>) throws {
    logger.error("a snapshot cannot be published again and is postponed", ["id": .int(customer), .error: .describing(error)])
    let step = Step(nextOffset: writer.position.nextOffset + 1, anchor: nil, lanesIn: writer.position.lanesIn)
    _ = try writer.commit(step) { scope in
      _ = try scope.session.run(Unsettled.postpone) { parameters in
        parameters.int64(customer)
        parameters.timestamptz(SystemTime.unixMicroseconds() + Unsettled.postponedSeconds * 1_000_000)
      }
    }
  }
}
