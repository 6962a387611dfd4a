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
  /// Does the work inside the lane's transaction. The rows of due work are not locked: a handler locks what the work is about first, as
  /// everyone does who schedules work for it, so that the two never wait for each other.
  /// Returns what is to be done again, with its next moment; everything else is done with.
  func apply(_ due: [DueItem], _ scope: inout BatchScope) throws -> [DueItem]
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

  /// Pieces of work of one transaction.
  public static var itemsMax: Int { 1_000 }
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
      key: key, environment: environment, store: PostgresLaneStore(session, logger: logger),
      makeProducer: { [environment, logger] in try Producer(environment.kafka, logger: logger) }, keepGoing: { !stop.isStopping })
    defer { writer.close(withinMilliseconds: 5_000) }
    succeeded()
    state.withLock { $0.problem = nil }
    var items = BatchSize(recordsMax: DueLane.itemsMax)
    while !stop.isStopping {
      try writer.tidy()
      if writer.relay.isFull {
        try writer.relay.collect(waitMilliseconds: DueLane.lookMilliseconds)
        continue
      }
      if try !isAnythingDue(session) {
        pause(writer.relay.isIdle ? DueLane.lookMilliseconds : LaneRelayLimits.fullQueueMilliseconds)
        continue
      }
      try turn(writer, &items)
    }
  }

  /// One transaction of due work. What fails is halved down to the piece at fault, and that one is postponed: it must not stand in the way of the rest.
  private func turn(_ writer: LaneWriter<PostgresLaneStore, Producer>, _ items: inout BatchSize) throws {
    let step = Step(nextOffset: writer.position.nextOffset + 1, anchor: nil, lanesIn: writer.position.lanesIn)
    var taken: [DueItem] = []
    do {
      let outcome = try writer.commit(step) { scope in
        taken = try self.take(items.records, scope.session)
        try self.work(taken, &scope)
      }
      switch outcome {
      case .committed:
        done.increment(by: taken.count)
        items.wentWell()
      case .conflict(let error):
        logger.debug("due work is done again", [.error: .describing(error)])
        pause(Backoff.firstMilliseconds)
      }
    } catch is Fenced {
      throw Fenced()
    } catch let failure as PostgresFailure where ![.data, .uniqueViolation, .timedOut].contains(failure.kind) {
      throw failure
    } catch {
      // Without an item the failure is not about one.
      guard let item = taken.first else { throw error }
      items.tooLarge()
      guard taken.count == 1 else { return }
      try postpone(item, error, writer)
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

  /// Postponed work waits by the machine's time whatever its kind: the business clock may stand still.
  private static var condition: String {
    "((kind = ANY($1::int2[]) AND due_at <= $2) OR (kind = ANY($3::int2[]) AND due_at <= $4)) AND (not_before IS NULL OR not_before <= $4)"
  }
  private static var any: Statement { Statement(name: "due_any", sql: "SELECT EXISTS (SELECT FROM due_work WHERE \(condition))") }
  private static var take: Statement {
    Statement(name: "due_take", sql: "SELECT kind, id, due_at FROM due_work WHERE \(condition) ORDER BY due_at, kind, id LIMIT $5")
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

  private func bindDue(_ parameters: inout Parameters) {
    parameters.int16Array(handler.kinds.filter { !$0.usesRealTime }.map(\.number))
    parameters.timestamptz(environment.clock.now().microseconds)
    parameters.int16Array(handler.kinds.filter(\.usesRealTime).map(\.number))
    parameters.timestamptz(SystemTime.unixMicroseconds())
  }

  private func isAnythingDue(_ session: PostgresSession) throws -> Bool { try session.query(DueLane.any) { bindDue(&$0) }.bool(0, 0) }

  private func take(_ limit: Int, _ session: PostgresSession) throws -> [DueItem] {
    let rows = try session.query(DueLane.take) { parameters in
      bindDue(&parameters)
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
    let finished = due.filter { !stays.contains(DueItem(kind: $0.kind, id: $0.id, at: Instant(microseconds: 0))) }
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
