// The running parts: registers the rules, then consumes snapshots and does due work.
import Contracts
import Domain
import Handling
import Kafka
import Lifecycle
import Messaging
import Postgres
import Runtime
import Telemetry
import TieringCore
import TieringStore

struct TieringService: Service {
  let settings: TieringSettings
  let context: ServiceContext
  let lanes: LaneEnvironment
  let probe: KafkaProbe
  let name = "tiering"

  /// Between two counts of the waiting ratings.
  private static let countSeconds = 5

  func run(_ stop: StopSignal) async throws {
    let now = lanes.clock.now()
    let settings = settings
    let active = try await context.answer("rules cannot be registered yet", stop) { session in
      try RuleRegister.register(settings.scorecards, settings.policies, settings.benefits, at: now, session)
      return try ScorecardLife.begin(with: settings.rules.scorecard.reference, at: now, session)
    }
    guard let active else { return }
    // Before the first rating: by another quota nobody's tier would be of today's shares.
    _ = try await QuotaDrawing(service: self).renew(stop)
    if active != settings.rules.scorecard.reference {
      context.logger.warning(
        "customers are rated by another scorecard than the settings name: the tables decide, `clientele scorecard` changes it",
        ["scorecard": .string("\(active)"), "setting": .string("\(settings.rules.scorecard.reference)")])
    }
    let measures = TieringMeasures(context.metrics)
    let due = DueLane(handler: DueRatings(inForce: settings.inForce, measures: measures), environment: lanes)
    settings.lane.connect { due.wake() }
    let consumer = TopicConsumer(
      topics: Topics.ofTiering.map(\.name), handler: TieringHandler(inForce: settings.inForce, measures: measures), environment: lanes,
      probe: probe)
    context.readiness.watch(consumer)
    context.readiness.watch(due)
    let gauge = CountGauge("waiting ratings", every: TieringService.countSeconds, context.pool, measures.waiting) { try TierQueries.waiting($0) }
    let marking = RuleChange(service: self) { due.wake() }
    let drawing = QuotaDrawing(service: self)
    try await context.run([due, gauge, consumer, marking, drawing], until: stop)
  }
}

/// Marks who was rated by other rules, at the start and after every change of what rates, while the lane of due work rates already who is
/// marked: with a million stored, it takes seconds.
private struct RuleChange: Service {
  let service: TieringService
  let wake: @Sendable () -> Void
  let name = "change of rules"

  /// Between two looks whether another scorecard rates, in seconds.
  static let lookSeconds = 1

  func run(_ stop: StopSignal) async throws {
    // Policies are a matter of the settings: a start may bring another one.
    var isStart = true
    while !stop.isStopping {
      isStart = try await !mark(stop, always: isStart)
      _ = await stop.wait(atMost: .seconds(RuleChange.lookSeconds))
    }
  }

  /// False when it could not be done: another process is at it, or the stop came.
  private func mark(_ stop: StopSignal, always: Bool) async throws -> Bool {
    let inForce = service.settings.inForce
    let marked = try await service.context.answer("customers rated by other rules cannot be marked yet", stop) { session -> Int? in
      guard let numbers = try ScorecardSwitch.numbers(session), always || numbers.marked < numbers.number else { return 0 }
      guard try RuleRegister.takeMarking(session) else { return nil }
      defer { RuleRegister.leaveMarking(session) }
      let count = try RuleRegister.markRatedByOthers(try inForce.read(session), session, keepGoing: { !stop.isStopping })
      guard !stop.isStopping else { return nil }
      try ScorecardSwitch.mark(upTo: numbers.number, session)
      return count
    }
    guard let marked, let count = marked else { return false }
    if count > 0 {
      service.context.logger.info("customers rated by other rules are rated anew", [.count: .int(count)])
      wake()
    }
    return true
  }
}

/// Draws the borders of a quota when it is time (T-04). Those that moved change what rates, so that their customers are marked.
private struct QuotaDrawing: Service {
  let service: TieringService
  let name = "borders of a quota"

  /// Between two looks whether it is time, in seconds.
  static let lookSeconds = 1
  /// Between two while customers are rated by another scorecard: each of these looks reads all of them.
  static let unfinishedSeconds = 15

  func run(_ stop: StopSignal) async throws {
    guard case .quota = service.settings.rules.policy else { return await stop.wait() }
    var last: Int64?
    while !stop.isStopping {
      let renewal = try await renew(stop)
      if case .inForce(let borders?) = renewal, borders.number != last {
        last = borders.number
        service.context.logger.debug("borders of a quota", ["number": .int(Int(borders.number)), .count: .int(Int(borders.customers))])
      }
      _ = await stop.wait(atMost: .seconds(renewal == .unfinished ? QuotaDrawing.unfinishedSeconds : QuotaDrawing.lookSeconds))
    }
  }

  /// nil when the stop came first, or no quota is in force.
  func renew(_ stop: StopSignal) async throws -> QuotaRenewal? {
    guard case .quota(let quota) = service.settings.rules.policy else { return nil }
    let (clock, interval) = (service.lanes.clock, service.settings.quotaIntervalSeconds)
    return try await service.context.answer("the borders of a quota cannot be drawn yet", stop) { session in
      let real = Instant(microseconds: SystemTime.unixMicroseconds())
      return try QuotaTable.renew(quota, at: QuotaMoment(business: clock.now(), real: real, intervalSeconds: interval), session)
    }
  }
}
