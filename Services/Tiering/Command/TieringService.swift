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

/// A part ended that should not have.
struct PartsEnded: Error, CustomStringConvertible { let description: String }

struct TieringService: Service {
  let settings: TieringSettings
  let context: ServiceContext
  let lanes: LaneEnvironment
  let probe: KafkaProbe
  let name = "tiering"

  func run(_ stop: StopSignal) async throws {
    let now = lanes.clock.now()
    let settings = settings
    let registered: Void? = try await asked("rules cannot be registered yet", stop) {
      try RuleRegister.register(settings.scorecards, settings.policies, settings.benefits, at: now, $0)
    }
    guard registered != nil else { return }
    let measures = TieringMeasures(context.metrics)
    let due = DueLane(handler: DueRatings(rules: settings.rules, measures: measures), environment: lanes)
    settings.lane.connect { due.wake() }
    let consumer = TopicConsumer(
      topics: [Topics.profiles.name], handler: ProfileHandler(rules: settings.rules, measures: measures), environment: lanes, probe: probe)
    context.readiness.watch(consumer)
    context.readiness.watch(due)
    let gauge = WaitingGauge(pool: context.pool, gauge: measures.waiting)
    let marking = RuleChange(service: self) { due.wake() }
    let outcome = await ServiceGroup(services: [due, gauge, consumer, marking], logger: context.logger).run(signals: [], stop: stop)
    if !outcome.isClean { throw PartsEnded(description: "\(outcome)") }
  }

  /// nil when the stop came first. A database that is away is waited for; rules that were changed under their version are an error.
  fileprivate func asked<Answer: Sendable>(
    _ problem: StaticString, _ stop: StopSignal, _ ask: @escaping @Sendable (PostgresSession) throws -> Answer
  ) async throws -> Answer? {
    var backoff = Backoff()
    while !stop.isStopping {
      do { return try await context.pool.withSession(ask) } catch let failure as PostgresFailure
        where failure.kind != .configuration && failure.kind != .damaged
      {
        context.logger.warning(problem, [.error: .string(failure.description)])
      }
      _ = await stop.wait(atMost: .milliseconds(backoff.nextMilliseconds()))
    }
    return nil
  }
}

/// Marks who was rated by other rules, while the lane of due work rates already who is marked: with a million stored, it takes seconds.
private struct RuleChange: Service {
  let service: TieringService
  let wake: @Sendable () -> Void
  let name = "change of rules"

  func run(_ stop: StopSignal) async throws {
    let rules = service.settings.rules
    let marked = try await service.asked("customers rated by other rules cannot be marked yet", stop) { session in
      try RuleRegister.markRatedByOthers(rules.scorecard.reference, rules.policy.reference, session, keepGoing: { !stop.isStopping })
    }
    if let marked, marked > 0 { service.context.logger.info("customers rated by other rules are rated anew", [.count: .int(marked)]) }
    wake()
    // A part that ends would end the service.
    await stop.wait()
  }
}

/// Keeps the number of waiting ratings up to date for `/metrics`.
private struct WaitingGauge: Service {
  let pool: PostgresPool
  let gauge: Gauge
  let name = "waiting ratings"

  /// Between two looks, in seconds.
  static let lookSeconds = 5

  func run(_ stop: StopSignal) async throws {
    while !stop.isStopping {
      // Without an answer the last number stands; that the database is away is said elsewhere.
      if let count = try? await pool.withSession({ try TierQueries.waiting($0) }) { gauge.set(count) }
      _ = await stop.wait(atMost: .seconds(WaitingGauge.lookSeconds))
    }
  }
}
