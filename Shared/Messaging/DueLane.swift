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
  public let name = "due work"
  private let handler: Handler
  private let environment: LaneEnvironment
  private let wakeUp = DispatchSemaphore(value: 0)
  private let logger: Logger
  private let done: Counter

  /// Pieces of work of one transaction.
  public static var itemsMax: Int { 1_000 }
  /// How often the table is looked at when nothing wakes the lane, in milliseconds.
  static var lookMilliseconds: Int { 500 }
  /// How long a process that does not hold the lane waits before it tries again, in milliseconds.
  static var standByMilliseconds: Int { 2_000 }

  public init(handler: Handler, environment: LaneEnvironment) {
    self.handler = handler
    self.environment = environment
    logger = environment.logger.with([.part: .string("due work")])
    done = environment.metrics.counter("clientele_due_work_total", help: "Pieces of due work done.")
  }

  /// Looks at the table now.
  public func wake() { wakeUp.signal() }

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
      } catch is Fenced {
        pause(backoff.nextMilliseconds())
      } catch {
        logger.warning("due work waits", [.error: .describing(error)])
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
    let writer = try LaneWriter(key: key, environment: environment, session: session) { !stop.isStopping }
    defer {
      _ = writer.relay.close(withinMilliseconds: 5_000)
      let rows = writer.relay.takeConfirmed()
      if !rows.isEmpty, !session.isBroken { _ = try? session.run(LaneRelay.delete) { $0.int64Array(rows) } }
    }
    succeeded()
    while !stop.isStopping {
      try writer.tidy()
      if writer.relay.isFull {
        try writer.relay.collect(waitMilliseconds: DueLane.lookMilliseconds)
        continue
      }
      if try !isAnythingDue(session) {
        pause(writer.relay.isIdle ? DueLane.lookMilliseconds : LaneRelay.fullQueueMilliseconds)
        continue
      }
      let step = LaneWriter.Step(nextOffset: writer.position.nextOffset + 1, anchor: nil, lanesIn: writer.position.lanesIn)
      if case .conflict(let error) = try writer.commit(step, { try self.work(&$0) }) {
        logger.debug("due work is done again", [.error: .describing(error)])
        pause(Backoff.firstMilliseconds)
      }
    }
  }

  private static var any: Statement {
    Statement(
      name: "due_any",
      sql: "SELECT EXISTS (SELECT FROM due_work WHERE (kind = ANY($1::int2[]) AND due_at <= $2) OR (kind = ANY($3::int2[]) AND due_at <= $4))")
  }
  private static var take: Statement {
    Statement(
      name: "due_take",
      sql: """
        SELECT kind, id, due_at FROM due_work WHERE (kind = ANY($1::int2[]) AND due_at <= $2) OR (kind = ANY($3::int2[]) AND due_at <= $4)
        ORDER BY due_at, kind, id LIMIT \(itemsMax)
        """)
  }
  private static var finish: Statement {
    Statement(name: "due_finish", sql: "DELETE FROM due_work d USING unnest($1::int2[], $2::int8[]) AS u(kind, id) WHERE d.kind = u.kind AND d.id = u.id")
  }
  private static var again: Statement {
    Statement(
      name: "due_again",
      sql: """
        UPDATE due_work d SET due_at = u.due_at FROM unnest($1::int2[], $2::int8[], $3::timestamptz[]) AS u(kind, id, due_at)
        WHERE d.kind = u.kind AND d.id = u.id
        """)
  }

  private func bindDue(_ parameters: inout Parameters) {
    parameters.int16Array(handler.kinds.filter { !$0.usesRealTime }.map(\.number))
    parameters.timestamptz(environment.clock.now().microseconds)
    parameters.int16Array(handler.kinds.filter(\.usesRealTime).map(\.number))
    parameters.timestamptz(SystemTime.unixMicroseconds())
  }

  private func isAnythingDue(_ session: PostgresSession) throws -> Bool { try session.query(DueLane.any) { bindDue(&$0) }.bool(0, 0) }

  private func work(_ scope: inout BatchScope) throws {
    let rows = try scope.session.query(DueLane.take) { bindDue(&$0) }
    let due = try (0..<rows.count).map { row in
      DueItem(kind: try rows.int16(row, 0), id: try rows.int64(row, 1), at: Instant(microseconds: try rows.timestamptz(row, 2)))
    }
    guard !due.isEmpty else { return }
    let again = try handler.apply(due, &scope)
    let stays = Dictionary(grouping: again, by: \.id)
    let finished = due.filter { item in !(stays[item.id] ?? []).contains { $0.kind == item.kind } }
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
    done.increment(by: due.count)
  }
}
