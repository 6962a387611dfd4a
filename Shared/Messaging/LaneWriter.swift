// One transaction of a lane: fence, work, outbox, commit, with the state in memory moved only when the commit is certain.
import Domain
import Failpoints
public import Handling
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
  /// Topics whose states can be read anew: the outbox names them and does not hold them.
  public var states: [String: StateReading] = [:]
  /// The topic on which the service publishes its customers' snapshots; nil: it has none.
  public var snapshots: String?
  /// How long a producer that was given up, or whose process is gone, may still have something under way, in seconds: a hung broker is left after ten.
  public var lateSeconds: Int64 = 20
  /// Sizes of the batches of a partition.
  public var batches = BatchLimits()

  /// A lane's statements go from arrays of keys to rows by index, in the order of the keys: any other plan is slower, and rows would be locked in
  /// an order of its own. One plan for all sizes, or the first batches would be planned for empty tables.
  public static let planning: [(name: String, value: String)] = [
    ("plan_cache_mode", "force_generic_plan"), ("enable_hashjoin", "off"), ("enable_mergejoin", "off"), ("enable_seqscan", "off"),
    ("enable_bitmapscan", "off"),
  ]

  public init(
    service: String, owner: String, cluster: String, database: PostgresSettings, kafka: KafkaSettings, layout: TopicLayout,
    clock: any BusinessClock, logger: Logger, metrics: Metrics
  ) {
    self.service = service
    self.owner = owner
    self.cluster = cluster
    self.database = database
    self.database.sessionSettings += LaneEnvironment.planning
    self.kafka = kafka
    self.layout = layout
    self.clock = clock
    self.logger = logger
    self.metrics = metrics
  }
}

/// Belongs to the lane's thread.
final class LaneWriter<Store: LaneStore, Out: LaneProducer> {
  let key: PositionKey
  let store: Store
  let relay: LaneRelay<Out>
  private(set) var position: Position
  private let layout: TopicLayout
  private let clock: any BusinessClock
  private let keepGoing: () -> Bool

  enum Outcome { case committed, conflict(any Error) }

  /// Claims the lane: whoever held it is fenced out from here on. Records it left in the outbox are published first.
  init(
    key: PositionKey, environment: LaneEnvironment, store: Store, makeProducer: @escaping () throws -> Out, keepGoing: @escaping () -> Bool
  ) throws {
    self.key = key
    self.store = store
    self.keepGoing = keepGoing
    layout = environment.layout
    clock = environment.clock
    relay = LaneRelay(
      lane: key.lane, source: "/clientele/\(environment.service)", snapshots: environment.snapshots, lateSeconds: environment.lateSeconds,
      unconfirmedMax: max(environment.batches.recordsMax, LaneRelayLimits.unconfirmedMin), logger: environment.logger, makeProducer: makeProducer,
      keepGoing: keepGoing)
    position = try store.claim(key, owner: environment.owner)
    Failpoints.reach(.claimed)
    try relay.loadAll(store)
  }

  /// Runs one transaction. Returns `.conflict` when it must be done again as it is; throws `Fenced` when the lane is no longer ours, a
  /// `PostgresFailure` when the database is at fault, and whatever `work` throws.
  func commit(_ step: Step, _ work: (inout LaneScope<Store.Session>) throws -> Void) throws -> Outcome {
    let done = relay.takeConfirmed()
    if !done.isEmpty { Failpoints.reach(.acknowledged) }
    do {
      var rows = try attempt(step, done: done, work)
      Failpoints.reach(.commitAfter)
      if !done.isEmpty { Failpoints.reach(.tidied) }
      // One after the other goes: the client has copies of its records.
      rows.reverse()
      while let (row, id) = rows.popLast() { try relay.publish(row, id: id) }
      return .committed
    } catch let failure as PostgresFailure where failure.isOutcomeUnknown {
      relay.keepConfirmed(done)
      return try readOutcome(step)
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

  private func attempt(
    _ step: Step, done: [Int64], _ work: (inout LaneScope<Store.Session>) throws -> Void
  ) throws -> [(OutboxRow, Int64)] {
    var lanesOut = position.lanesOut
    let rows = try fenced(step) {
      try reach(.fenced)
      let outbox = OutboxWriter(layout: layout, lanes: lanesOut, statesByName: store.statesByName)
      var scope = LaneScope(session: store.session, now: clock.now(), outbox: outbox, lane: key.lane)
      try work(&scope)
      try reach(.applied)
      let (rows, lanes) = try scope.outbox.finish()
      var ids: [Int64] = []
      if rows.isEmpty {
        if !done.isEmpty { try store.removeOutgoing(done) }
      } else {
        lanesOut = lanes
        ids = try exchange(done, rows, lanesOut, step)
        Failpoints.reach(.outbox)
      }
      Failpoints.reach(.commitBefore)
      return Array(zip(rows, ids))
    }
    if Mutant.offsetInSecondTransaction.isOn {
      Failpoints.reach(.commitAfter)
      try store.transaction { guard try store.move(key, to: step, from: position) else { throw Fenced() } }
    }
    hold(step, lanesOut)
    return rows
  }

  /// What waits is sent before a point at which the fault harness ends or stops this process: there it holds what it has written.
  private func reach(_ point: Failpoint) throws {
    if Failpoints.isAwaited(point) { try store.settle() }
    Failpoints.reach(point)
  }

  private func hold(_ step: Step, _ lanesOut: LaneTable) {
    position.nextOffset = step.nextOffset
    position.anchor = step.anchor
    position.lanesIn = step.lanesIn
    position.lanesOut = lanesOut
  }

  private func fenced<Value>(_ step: Step, _ body: () throws -> Value) throws -> Value {
    if Mutant.offsetInSecondTransaction.isOn { return try store.transaction(body) }
    guard Mutant.fenceOff.isOn else { return try store.transaction(moving: key, to: step, from: position, body) }
    return try store.transaction {
      try store.moveUnfenced(key, to: step, lanesOut: nil)
      return try body()
    }
  }

  private func exchange(_ done: [Int64], _ rows: [OutboxRow], _ lanesOut: LaneTable, _ step: Step) throws -> [Int64] {
    if Mutant.fenceOff.isOn {
      if !done.isEmpty { try store.removeOutgoing(done) }
      let ids = try store.addOutgoing(rows, lane: key.lane)
      try store.moveUnfenced(key, to: step, lanesOut: lanesOut)
      return ids
    }
    let (ids, isCounted) = try store.exchangeOutgoing(removing: done, adding: rows, of: key, lanesOut: lanesOut, epoch: position.epoch)
    guard isCounted else { throw Fenced() }
    return ids
  }

  /// A failure of reading is no failure of the work: nobody may take it for a record's fault, or do the work in halves. The lane begins anew.
  private func readOutcome(_ step: Step) throws -> Outcome {
    do { return try Mutant.guessedCommit.isOn ? guess(step) : resolve(step) } catch let failure as PostgresFailure {
      throw PostgresFailure(kind: .connectionLost, message: "a commit's outcome could not be read: \(failure)", sqlState: failure.sqlState)
    }
  }

  /// The commit's answer was lost: never guessed, read.
  private func resolve(_ step: Step) throws -> Outcome {
    try store.reconnect()
    guard let stored = try store.position(key), stored.epoch == position.epoch else { throw Fenced() }
    if stored.nextOffset == step.nextOffset, stored.nextOffset != position.nextOffset {
      position = stored
      // The rows were committed but not handed over: the table has them.
      try relay.loadAll(store)
      return .committed
    }
    guard stored.nextOffset == position.nextOffset, stored.lanesOut == position.lanesOut else { throw Fenced() }
    return .conflict(Fenced())
  }

  /// The mistake: goes on as if the commit had happened.
  private func guess(_ step: Step) throws -> Outcome {
    try store.reconnect()
    hold(step, position.lanesOut)
    try store.moveUnfenced(key, to: step, lanesOut: nil)
    try relay.loadAll(store)
    return .committed
  }

  /// Takes the reports that are there, and reads the outbox anew when publishing broke. Called between batches.
  func collect() throws {
    try relay.collect(waitMilliseconds: 0)
    if relay.mustReload, keepGoing() { try relay.loadAll(store) }
  }

  /// Deletes confirmed rows when nothing comes; otherwise the next batch's transaction does, and no commit is waited for in between.
  func tidy() throws {
    try collect()
    if relay.mustReload { return }
    let done = relay.takeConfirmed()
    guard !done.isEmpty else { return }
    Failpoints.reach(.acknowledged)
    do { try store.removeOutgoing(done) } catch {
      relay.keepConfirmed(done)
      throw error
    }
    Failpoints.reach(.tidied)
  }

  /// Waits for the last reports and ends the producer. Rows that stay are sent again by the next owner and dropped by their readers.
  func close(withinMilliseconds limit: Int) {
    _ = relay.close(withinMilliseconds: limit)
    let done = relay.takeConfirmed()
    if !done.isEmpty, !store.isBroken { try? store.removeOutgoing(done) }
  }
}
