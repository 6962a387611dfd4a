// Runs the services of a process together and stops them in order.
import Synchronization
public import Telemetry

/// The services of one process: started in order, stopped in reverse order, all within one limit.
///
/// Later services use earlier ones (a consumer writes through a database pool), so the last one stops first, and an earlier one is asked
/// only when all after it have ended. A service that fails stops all.
public struct ServiceGroup: Sendable {
  /// Longest stop unless said otherwise: container hosts kill after ten seconds.
  public static let stopLimitDefault: Duration = .seconds(10)

  private let services: [any Service]
  private let logger: Logger
  private let stopLimit: Duration
  private let pause: LimitPause

  /// - Parameters:
  ///   - services: in the order of starting.
  ///   - stopLimit: longest time from the request to stop until `run` returns, whatever the services do.
  public init(services: [any Service], logger: Logger, stopLimit: Duration = ServiceGroup.stopLimitDefault) {
    self.init(services: services, logger: logger, stopLimit: stopLimit) { over, left in
      over.waitBlocking(milliseconds: max(0, Int(left / .milliseconds(1))))
    }
  }

  /// For tests, which decide when a mark of the limit is reached.
  init(services: [any Service], logger: Logger, stopLimit: Duration, pause: @escaping LimitPause) {
    self.services = services
    self.logger = logger
    self.stopLimit = stopLimit
    self.pause = pause
  }

  /// Runs all services until a signal, the given stop, a failure or cancellation of the calling task, then stops them.
  ///
  /// Also lets writes to closed sockets fail instead of ending the process (SIGPIPE).
  /// - Parameters:
  ///   - signals: Unix signals that ask for the stop; the same one again cuts it short. Empty in tests and for nested groups.
  ///   - stop: asks for the stop from inside the program.
  /// - Returns: how it ended. When `abandoned` is not empty the process should exit.
  public func run(signals: [Int32] = ProcessSignals.termination, stop: StopSignal = StopSignal()) async -> GroupOutcome {
    ProcessSignals.ignoreBrokenPipe()
    let run = GroupRun(services: self.services, logger: self.logger)
    let limit: OwnedThread
    do throws(ThreadFailure) {
      limit = try run.startLimit(self.stopLimit, self.pause)
    } catch {
      return run.refused(error)
    }
    var watch: SignalWatch?
    if !signals.isEmpty {
      do throws(ThreadFailure) {
        watch = try SignalWatch.start(signals) { run.handle(.stopAsked(.signal($0))) }
      } catch {
        let outcome = run.refused(error)
        await limit.ended()
        return outcome
      }
    }
    let outcome = await withTaskCancellationHandler {
      await withCheckedContinuation { finished in run.start(finished, stop: stop) }
    } onCancel: {
      run.handle(.stopAsked(.asked("cancelled")))
    }
    await watch?.end()
    await limit.ended()
    return outcome
  }
}

/// Waits on the limit's thread for so long, or until the signal that the group is over. Returns whether it is.
typealias LimitPause = @Sendable (_ over: StopSignal, _ left: Duration) -> Bool

/// One run of a group: performs what the machine decides.
private final class GroupRun: Sendable {
  private struct State {
    var machine: GroupMachine
    var tasks: [Task<Void, Never>?]
    var finished: CheckedContinuation<GroupOutcome, Never>?
    /// Events that came before the services were started wait here.
    var early: [GroupMachine.Event] = []
  }

  /// Goes up when the stop begins and its limit counts.
  let stopping = StopSignal()
  /// Goes up when the group has ended.
  let over = StopSignal()

  private let services: [any Service]
  private let stops: [StopSignal]
  private let logger: Logger
  private let state: Mutex<State>

  init(services: [any Service], logger: Logger) {
    self.services = services
    self.stops = services.map { _ in StopSignal() }
    self.logger = logger
    self.state = Mutex(State(machine: GroupMachine(names: services.map(\.name)), tasks: services.map { _ in nil }))
  }

  /// Starts the services in order. Each runs up to its first suspension before the next one begins.
  ///
  /// These tasks are unstructured on purpose: a task group would wait for a service that ignores both its stop and its cancellation, and
  /// so keep the process alive beyond the limit.
  func start(_ finished: CheckedContinuation<GroupOutcome, Never>, stop: StopSignal) {
    let early = self.state.withLock { state in
      state.finished = finished
      defer { state.early = [] }
      return state.early
    }
    for (index, service) in self.services.enumerated() {
      self.logger.info("service starts", [.part: .string(service.name)])
      let task = Task.immediate(name: service.name) { await self.runService(index, service) }
      self.state.withLock { $0.tasks[index] = task }
    }
    for event in early { self.handle(event) }
    let outer = stop.onStop { reason in self.handle(.stopAsked(reason)) }
    self.over.onStop { _ in stop.remove(outer) }
  }

  private func runService(_ index: Int, _ service: any Service) async {
    let ending: GroupMachine.Ending
    do {
      try await service.run(self.stops[index])
      ending = .returned
    } catch is CancellationError {
      ending = .cancelled
    } catch {
      ending = .failed("\(error)")
    }
    if ending == .returned, self.stops[index].isStopping {
      self.logger.info("service ended", [.part: .string(service.name)])
    } else {
      self.logger.warning("service ended out of turn", [.part: .string(service.name), .reason: .describing(ending)])
    }
    self.handle(.ended(index, ending))
  }

  /// Decides under the lock, acts outside it.
  func handle(_ event: GroupMachine.Event) {
    let actions = self.state.withLock { state -> [GroupMachine.Action] in
      guard state.finished != nil else {
        state.early.append(event)
        return []
      }
      return state.machine.handle(event)
    }
    for action in actions { self.perform(action) }
  }

  private func perform(_ action: GroupMachine.Action) {
    switch action {
    case .startLimit(let reason):
      self.logger.info("stop begins", [.reason: .describing(reason)])
      self.stopping.stop(reason: reason)
    case .ask(let index, let reason):
      self.logger.info("service is asked to stop", [.part: .string(self.services[index].name)])
      self.stops[index].stop(reason: reason)
    case .cancel(let index):
      self.logger.warning("service is cancelled", [.part: .string(self.services[index].name)])
      self.state.withLock { $0.tasks[index] }?.cancel()
    case .finish(let outcome):
      self.report(outcome)
      self.over.stop(reason: outcome.reason)
      self.stopping.stop(reason: outcome.reason)
      self.state.withLock { $0.finished }?.resume(returning: outcome)
    }
  }

  private func report(_ outcome: GroupOutcome) {
    for failure in outcome.failures {
      self.logger.error("service failed", [.part: .string(failure.service), .error: .string(failure.words)])
    }
    if !outcome.abandoned.isEmpty {
      self.logger.error("services did not end in time", [.reason: .list(outcome.abandoned.map { .string($0) })])
    }
    self.logger.info("all stopped", [.reason: .describing(outcome.reason), "clean": .bool(outcome.isClean)])
  }

  /// The thread that counts the limit. Not a task: it must fire even when services block the whole cooperative pool.
  func startLimit(_ limit: Duration, _ pause: @escaping LimitPause) throws(ThreadFailure) -> OwnedThread {
    try OwnedThread.start(name: "stop-limit", stackBytes: 256 << 10) {
      self.stopping.waitBlocking()
      let begun = ContinuousClock.now
      for mark in GroupMachine.Mark.allCases {
        if pause(self.over, limit * mark.tenths / 10 - begun.duration(to: .now)) { return }
        self.handle(.reached(mark))
      }
    }
  }

  func refused(_ failure: ThreadFailure) -> GroupOutcome {
    self.logger.error("the group could not start", [.error: .describing(failure)])
    self.over.stop()
    self.stopping.stop()
    return GroupOutcome(
      reason: .failure(service: "group"), failures: [.init(service: "group", words: failure.description)])
  }
}
