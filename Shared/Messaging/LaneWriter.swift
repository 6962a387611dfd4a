// One transaction of a lane: fence, work, outbox, commit, with the state in memory moved only when the commit is certain.
import Domain
public import Handling
import Hashing
public import Kafka
public import Postgres
public import Telemetry

/// What the owner of a lane needs; built once per process.
public struct LaneEnvironment: Sendable {
  public var service: String
  /// Names this process in the fence's row, for people.
  public var owner: String
  public var cluster: String
  public var database: PostgresSettings
  public var kafka: KafkaSettings
  public var layout: TopicLayout
  public var clock: any BusinessClock
  public var logger: Logger
  public var metrics: Metrics

  public init(
    service: String, owner: String, cluster: String, database: PostgresSettings, kafka: KafkaSettings, layout: TopicLayout,
    clock: any BusinessClock, logger: Logger, metrics: Metrics
  ) {
    self.service = service
    self.owner = owner
    self.cluster = cluster
    self.database = database
    self.kafka = kafka
    self.layout = layout
    self.clock = clock
    self.logger = logger
    self.metrics = metrics
  }
}

/// Why a lane stands still until a person has looked.
public struct Halt: Error, Sendable, CustomStringConvertible {
  public let reason: String
  public let advice: String
  public init(reason: String, advice: String) {
    self.reason = reason
    self.advice = advice
  }
  public var description: String { "\(reason); \(advice)" }
}

/// Belongs to the lane's thread.
final class LaneWriter {
  let key: PositionKey
  let environment: LaneEnvironment
  let session: PostgresSession
  let relay: LaneRelay
  private(set) var position: Position
  private let keepGoing: () -> Bool

  /// Tries of one batch against conflicts before it is logged as a warning; it is tried again in any case.
  static let quietTriesMax = 5

  /// Claims the lane: whoever held it is fenced out from here on. Records it left in the outbox are published first.
  init(key: PositionKey, environment: LaneEnvironment, session: PostgresSession, keepGoing: @escaping () -> Bool) throws {
    self.key = key
    self.environment = environment
    self.session = session
    self.keepGoing = keepGoing
    relay = LaneRelay(
      lane: key.lane, source: "/clientele/\(environment.service)", settings: environment.kafka, logger: environment.logger, keepGoing: keepGoing)
    try LaneWriter.refuseOtherCluster(key, session)
    position = try PositionTable.claim(key, owner: environment.owner, at: SystemTime.unixMicroseconds(), session)
    try relay.loadAll(session)
  }

  private static let others = Statement(
    name: "position_others", sql: "SELECT cluster FROM positions WHERE consumer = $1 AND topic = $2 AND part = $3 AND cluster <> $4 LIMIT 1")

  /// A position of another cluster says nothing about this one; starting at its beginning would be a guess.
  private static func refuseOtherCluster(_ key: PositionKey, _ session: PostgresSession) throws {
    let rows = try session.query(others) { parameters in
      parameters.text(key.consumer)
      parameters.text(key.topic)
      parameters.int32(key.partition)
      parameters.text(key.cluster)
    }
    guard rows.count > 0 else { return }
    throw Halt(
      reason: "\(key.topic)/\(key.partition) was read from cluster \(try rows.text(0, 0)) before and the brokers now name cluster \(key.cluster)",
      advice: "connect to the former cluster; nothing was read from this one")
  }

  /// What a batch moves: the consumer's side of the row. nil for lanes that consume nothing.
  struct Step {
    var nextOffset: Int64
    var anchor: [UInt8]?
    var lanesIn: LaneTable
  }

  enum Outcome { case committed, conflict(any Error) }

  /// Runs one transaction. Returns `.conflict` when it must be done again as it is; throws `Fenced` when the lane is no longer ours, a
  /// `PostgresFailure` when the database is at fault, and whatever `work` throws.
  func commit(_ step: Step, _ work: (inout BatchScope) throws -> Void) throws -> Outcome {
    let done = relay.takeConfirmed()
    do {
      let rows = try attempt(step, done: done, work)
      for (row, id) in rows { try relay.publish(row, id: id) }
      return .committed
    } catch let failure as PostgresFailure where failure.isOutcomeUnknown {
      relay.keepConfirmed(done)
      return try resolve(step)
    } catch let failure as PostgresFailure where failure.kind == .retryTransaction || failure.kind == .uniqueViolation {
      relay.keepConfirmed(done)
      return .conflict(failure)
    } catch let conflict as any RetryableConflict {
      relay.keepConfirmed(done)
      return .conflict(conflict)
    } catch {
      relay.keepConfirmed(done)
      throw error
    }
  }

  private func attempt(_ step: Step, done: [Int64], _ work: (inout BatchScope) throws -> Void) throws -> [(OutboxRow, Int64)] {
    var lanesOut = position.lanesOut
    let rows = try session.transaction { session in
      try fence(step)
      var scope = BatchScope(session: session, now: environment.clock.now())
      try work(&scope)
      var writer = OutboxWriter(layout: environment.layout, lanes: lanesOut)
      for message in scope.messages { try writer.add(message) }
      let rows = writer.finish()
      if !done.isEmpty { _ = try session.run(LaneRelay.delete) { $0.int64Array(done) } }
      guard !rows.isEmpty else { return [(OutboxRow, Int64)]() }
      lanesOut = writer.lanes
      let ids = try insert(rows)
      try count(lanesOut)
      return Array(zip(rows, ids))
    }
    position.nextOffset = step.nextOffset
    position.anchor = step.anchor
    position.lanesIn = step.lanesIn
    position.lanesOut = lanesOut
    return rows
  }

  private func fence(_ step: Step) throws {
    let moved = try session.run(PositionTable.move) { parameters in
      PositionTable.bind(key, &parameters)
      parameters.int64(step.nextOffset)
      parameters.bytes(step.anchor)
      parameters.bytes(step.lanesIn.encoded)
      parameters.timestamptz(SystemTime.unixMicroseconds())
      parameters.int64(position.epoch)
      parameters.int64(position.nextOffset)
    }
    guard moved == 1 else { throw Fenced() }
  }

  private func insert(_ rows: [OutboxRow]) throws -> [Int64] {
    let ids = try session.query(LaneRelay.insert) { parameters in
      parameters.text(key.lane)
      parameters.timestamptz(SystemTime.unixMicroseconds())
      parameters.textArray(rows.map(\.topic))
      parameters.int32Array(rows.map(\.partition))
      parameters.int64Array(rows.map(\.firstSequence))
      parameters.int32Array(rows.map { Int32(truncatingIfNeeded: $0.records) })
      parameters.bytesArray(rows.map(\.body))
    }
    return try (0..<ids.count).map { try ids.int64($0, 0) }
  }

  private func count(_ lanesOut: LaneTable) throws {
    let counted = try session.run(PositionTable.count) { parameters in
      PositionTable.bind(key, &parameters)
      parameters.bytes(lanesOut.encoded)
      parameters.int64(position.epoch)
    }
    guard counted == 1 else { throw Fenced() }
  }

  /// The commit's answer was lost: never guessed, read.
  private func resolve(_ step: Step) throws -> Outcome {
    try session.reconnect()
    guard let stored = try PositionTable.read(key, session), stored.epoch == position.epoch else { throw Fenced() }
    if stored.nextOffset == step.nextOffset, stored.nextOffset != position.nextOffset {
      position = stored
      // The rows were committed but not handed over: the table has them.
      try relay.loadAll(session)
      return .committed
    }
    guard stored.nextOffset == position.nextOffset, stored.lanesOut == position.lanesOut else { throw Fenced() }
    return .conflict(Fenced())
  }

  /// Deletes confirmed rows, and reads the outbox anew when publishing broke. Called between batches and when nothing comes.
  func tidy() throws {
    try relay.collect(waitMilliseconds: 0)
    if relay.mustReload {
      guard keepGoing() else { return }
      try relay.loadAll(session)
      return
    }
    let done = relay.takeConfirmed()
    guard !done.isEmpty else { return }
    do { _ = try session.run(LaneRelay.delete) { $0.int64Array(done) } } catch {
      relay.keepConfirmed(done)
      throw error
    }
  }
}
