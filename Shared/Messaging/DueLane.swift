// Work that time alone brings: rows with a moment, claimed and done in a lane of their own.
public import Domain
public import Lifecycle
import Dispatch
import Handling
import Kafka
import Postgres
import Synchronization
import Telemetry

/// A kind of due work and the time it goes by.
public struct DueKind: Hashable, Sendable {
  public let number: Int16
  /// True: the machine's time (throttles). False: business time (deadlines, stages, reviews).
  public let usesRealTime: Bool

  public init(_ number: Int16, usesRealTime: Bool = false) {
    self.number = number
    self.usesRealTime = usesRealTime
  }
}

/// One piece of due work.
public struct DueItem: Hashable, Sendable {
  public let kind: Int16
  public let id: Int64
  /// When it is, or was, due. What happens because of it is stamped with this moment, also when the service was down then.
  public let at: Instant

  public init(kind: Int16, id: Int64, at: Instant) {
    self.kind = kind
    self.id = id
    self.at = at
  }
}

public protocol DueHandler: Sendable {
  var kinds: [DueKind] { get }
  /// Pieces of work of one transaction.
  var itemsMax: Int { get }
  /// Does the work inside the lane's transaction. The rows of due work are not locked: a handler locks what the work is about first, as
  /// everyone does who schedules work for it, so that the two never wait for each other.
  /// Returns what is to be done again, with its next moment; everything else is done with.
  func apply(_ due: [DueItem], _ scope: inout BatchScope) throws -> [DueItem]
  /// Locks these customers until the transaction ends, and says which version each has published last; one that never did is left out.
  func lockVersions(of customers: [Int64], _ scope: inout BatchScope) throws -> [Int64: Int64]
  /// Publishes the snapshots of these customers again, as they stand.
  func sendAgain(_ customers: [Int64], _ scope: inout BatchScope) throws
}

extension DueHandler {
  public var itemsMax: Int { 1_000 }
  public func lockVersions(of customers: [Int64], _ scope: inout BatchScope) throws -> [Int64: Int64] { [:] }
  public func sendAgain(_ customers: [Int64], _ scope: inout BatchScope) throws {}
}

/// How far the rows of each kind were taken, in the order (due_at, id). What lies before was deleted, but its remains stay in the index until they
/// are vacuumed: to pass over all of them in every turn would make a million pieces of work take quadratic time. Only a hint: rows may be written
/// before it at any time, so it is forgotten every second and whenever nothing more is found behind it.
struct DueFront {
  private var reached: [Int16: DueItem] = [:]
  private var beganNanoseconds: Int64 = 0
  /// So late, at most, is work that was written before the front.
  static let nanosecondsMax: Int64 = 1_000_000_000

  /// Where to begin; everything due counts when there is no such place.
  func start(of kind: Int16) -> (at: Int64, id: Int64) { reached[kind].map { ($0.at.microseconds, $0.id) } ?? (.min, .min) }

  /// Items that are committed as taken, in order.
  mutating func taken(_ items: [DueItem], isFull: Bool, now: Int64) {
    guard isFull, reached.isEmpty || now - beganNanoseconds < DueFront.nanosecondsMax else { return reached = [:] }
    if reached.isEmpty { beganNanoseconds = now }
    for item in items { reached[item.kind] = item }
  }
}

/// Runs due work of a service: one process at a time holds the lane, others stand by.
public final class DueLane<Handler: DueHandler>: Service {
  private struct State {
    var problem: String?
  }
  public let name = "due work"
  private let handler: Handler
  private let environment: LaneEnvironment
  private let wakeUp = DispatchSemaphore(value: 0)
  private let logger: Logger
  private let done: Counter
  private let failed: Counter
  private let state = Mutex(State())

  /// How often the table is looked at when nothing wakes the lane, in milliseconds.
  static var lookMilliseconds: Int { 500 }
  /// How long a process that does not hold the lane waits before it tries again, in milliseconds.
  static var standByMilliseconds: Int { 2_000 }
  /// A piece of work that fails by itself is tried again after a minute, then two, four and so on, an hour at most.
  static var postponedSecondsMax: Int64 { 3_600 }
  static var postponedSecondsMin: Int64 { 60 }

  public init(handler: Handler, environment: LaneEnvironment) {
    self.handler = handler
    self.environment = environment
    logger = environment.logger.with([.part: .string("due work")])
    done = environment.metrics.counter("clientele_due_work_total", help: "Pieces of due work done.")
    failed = environment.metrics.counter("clientele_due_work_failed_total", help: "Pieces of due work that failed by themselves and were postponed.")
  }

  /// Looks at the table now.
  public func wake() { wakeUp.signal() }

  /// What is wrong; nil while all is well, also when another process holds the lane.
  public var problem: String? { state.withLock { $0.problem } }

  public func run(_ stop: StopSignal) async throws {
    let registration = stop.onStop { [wakeUp] _ in wakeUp.signal() }
    defer { stop.remove(registration) }
    let thread = try OwnedThread.start(name: "due-work") { self.serve(stop) }
    await thread.ended()
  }

  private func serve(_ stop: StopSignal) {
    var backoff = Backoff()
    while !stop.isStopping {
      do {
        try hold(stop) { backoff.reset() }
        state.withLock { $0.problem = nil }
      } catch is Fenced {
        pause(backoff.nextMilliseconds())
      } catch {
        logger.warning("due work waits", [.error: .describing(error)])
        state.withLock { $0.problem = String(describing: error) }
        pause(backoff.nextMilliseconds())
      }
    }
  }

  private func pause(_ milliseconds: Int) { _ = wakeUp.wait(timeout: .now() + .milliseconds(milliseconds)) }

  private var lock: Statement { Statement(name: "due_lane_lock", sql: "SELECT pg_try_advisory_lock(hashtextextended($1, 0))") }

  private func hold(_ stop: StopSignal, _ succeeded: () -> Void) throws {
    let session = try PostgresSession(environment.database, logger: logger)
    defer { session.close() }
    guard try session.query(lock, { $0.text("clientele due work \(environment.service)") }).bool(0, 0) else {
      return pause(DueLane.standByMilliseconds)
    }
    let key = PositionKey(consumer: environment.service, cluster: environment.cluster, topic: "due", partition: 0)
    let writer = try LaneWriter(
      key: key, environment: environment, store: PostgresLaneStore(session, logger: logger, states: environment.states),
      makeProducer: { [environment, logger] in try Producer(environment.kafka, logger: logger) }, keepGoing: { !stop.isStopping })
    defer { writer.close(withinMilliseconds: 5_000) }
    succeeded()
    state.withLock { $0.problem = nil }
    var items = BatchSize(recordsMax: handler.itemsMax)
    var front = DueFront()
    var hasMore = false
    var settling = SettlingTurn(handler: handler, session: session, logger: logger)
    while !stop.isStopping {
      try writer.tidy()
      if writer.relay.isFull {
        try writer.relay.collect(waitMilliseconds: DueLane.lookMilliseconds)
        continue
      }
      // After a full turn there is more, most likely: asking would only pass over what was just deleted.
      if try !hasMore && !isAnythingDue(session) {
        if environment.snapshots != nil, try settling.run(writer) { continue }
        pause(writer.relay.isIdle ? DueLane.lookMilliseconds : LaneRelayLimits.fullQueueMilliseconds)
        continue
      }
      hasMore = try turn(writer, &items, &front)
      // Work without end must not keep snapshots waiting.
      if hasMore, environment.snapshots != nil { _ = try settling.run(writer) }
    }
  }

  /// One transaction of due work. What fails is halved down to the piece at fault, and that one is postponed: it must not stand in the way of the rest.
  /// True when it took as much as it may, so that there is probably more.
  private func turn(_ writer: LaneWriter<PostgresLaneStore, Producer>, _ items: inout BatchSize, _ front: inout DueFront) throws -> Bool {
    let step = Step(nextOffset: writer.position.nextOffset + 1, anchor: nil, lanesIn: writer.position.lanesIn)
    let limit = items.records
    var taken: [DueItem] = []
    do {
      let outcome = try writer.commit(step) { [front] scope in
        taken = try self.take(limit, from: front, scope.session)
        try self.work(taken, &scope)
      }
      switch outcome {
      case .committed:
        done.increment(by: taken.count)
        items.wentWell()
        front.taken(taken, isFull: taken.count == limit, now: SystemTime.monotonicNanoseconds())
        return taken.count == limit
      case .conflict(let error):
        logger.debug("due work is done again", [.error: .describing(error)])
        pause(Backoff.firstMilliseconds)
        return false
      }
    } catch is Fenced {
      throw Fenced()
    } catch let failure as PostgresFailure where ![.data, .uniqueViolation, .timedOut].contains(failure.kind) {
      throw failure
    } catch {
      // Without an item the failure is not about one.
      guard let item = taken.first else { throw error }
      items.tooLarge()
      if taken.count == 1 { try postpone(item, error, writer) }
      return false
    }
  }

  private func postpone(_ item: DueItem, _ error: any Error, _ writer: LaneWriter<PostgresLaneStore, Producer>) throws {
    failed.increment()
    logger.error(
      "a piece of due work fails and is postponed", ["kind": .int(Int(item.kind)), "id": .int(item.id), .error: .describing(error)])
    let step = Step(nextOffset: writer.position.nextOffset + 1, anchor: nil, lanesIn: writer.position.lanesIn)
    _ = try writer.commit(step) { scope in
      _ = try scope.session.run(DueLane.postpone) { parameters in
        parameters.int16(item.kind)
        parameters.int64(item.id)
        parameters.timestamptz(SystemTime.unixMicroseconds())
      }
    }
  }

  /// The first rows of each kind, by one short stretch of an index each. Postponed work waits by the machine's time whatever its kind: the business
  /// clock may stand still. It lies in an index of its own, so as not to be passed over by every look.
  private static func due(limit: String) -> String {
    """
    FROM unnest($1::int2[], $2::timestamptz[], $3::timestamptz[], $4::int8[]) AS k(kind, until, from_at, from_id),
    LATERAL (
      (SELECT d.kind, d.id, d.due_at FROM due_work d
       WHERE d.kind = k.kind AND d.not_before IS NULL AND d.due_at <= k.until AND (d.due_at, d.id) >= (k.from_at, k.from_id)
       ORDER BY d.due_at, d.id LIMIT \(limit))
      UNION ALL
      (SELECT d.kind, d.id, d.due_at FROM due_work d
       WHERE d.kind = k.kind AND d.not_before <= $5 AND d.due_at <= k.until ORDER BY d.not_before LIMIT \(limit))
    ) AS f
    """
  }
  private static var any: Statement { Statement(name: "due_any", sql: "SELECT EXISTS (SELECT \(due(limit: "1")))") }
  private static var take: Statement {
    Statement(name: "due_take", sql: "SELECT f.kind, f.id, f.due_at \(due(limit: "$6")) ORDER BY f.due_at, f.kind, f.id LIMIT $6")
  }
  private static var finish: Statement {
    Statement(name: "due_finish", sql: "DELETE FROM due_work d USING unnest($1::int2[], $2::int8[]) AS u(kind, id) WHERE d.kind = u.kind AND d.id = u.id")
  }
  private static var again: Statement {
    Statement(
      name: "due_again",
      sql: """
        UPDATE due_work d SET due_at = u.due_at, failures = 0, not_before = NULL
        FROM unnest($1::int2[], $2::int8[], $3::timestamptz[]) AS u(kind, id, due_at) WHERE d.kind = u.kind AND d.id = u.id
        """)
  }
  private static var postpone: Statement {
    Statement(
      name: "due_postpone",
      sql: """
        UPDATE due_work SET failures = least(failures + 1, 1000),
          not_before = $3 + least(\(postponedSecondsMax), \(postponedSecondsMin) * 2 ^ least(failures, 20)) * interval '1 second'
        WHERE kind = $1 AND id = $2
        """)
  }

  private func bindDue(_ parameters: inout Parameters, from front: DueFront) {
    let (business, real) = (environment.clock.now().microseconds, SystemTime.unixMicroseconds())
    let starts = handler.kinds.map { front.start(of: $0.number) }
    parameters.int16Array(handler.kinds.map(\.number))
    parameters.timestamptzArray(handler.kinds.map { $0.usesRealTime ? real : business })
    parameters.timestamptzArray(starts.map(\.at))
    parameters.int64Array(starts.map(\.id))
    parameters.timestamptz(real)
  }

  private func isAnythingDue(_ session: PostgresSession) throws -> Bool {
    try session.query(DueLane.any) { bindDue(&$0, from: DueFront()) }.bool(0, 0)
  }

  private func take(_ limit: Int, from front: DueFront, _ session: PostgresSession) throws -> [DueItem] {
    let rows = try session.query(DueLane.take) { parameters in
      bindDue(&parameters, from: front)
      parameters.int64(Int64(limit))
    }
    return try (0..<rows.count).map { row in
      DueItem(kind: try rows.int16(row, 0), id: try rows.int64(row, 1), at: Instant(microseconds: try rows.timestamptz(row, 2)))
    }
  }

  private func work(_ due: [DueItem], _ scope: inout BatchScope) throws {
    guard !due.isEmpty else { return }
    let again = try handler.apply(due, &scope)
    let stays = Set(again.map { DueItem(kind: $0.kind, id: $0.id, at: Instant(microseconds: 0)) })
    let finished = stays.isEmpty ? due : due.filter { !stays.contains(DueItem(kind: $0.kind, id: $0.id, at: Instant(microseconds: 0))) }
    if !finished.isEmpty {
      _ = try scope.session.run(DueLane.finish) { parameters in
        parameters.int16Array(finished.map(\.kind))
        parameters.int64Array(finished.map(\.id))
      }
    }
    if !again.isEmpty {
      _ = try scope.session.run(DueLane.again) { parameters in
        parameters.int16Array(again.map(\.kind))
        parameters.int64Array(again.map(\.id))
        parameters.timestamptzArray(again.map(\.at.microseconds))
      }
    }
  }
}
