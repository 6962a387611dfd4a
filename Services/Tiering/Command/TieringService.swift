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
    guard try await register(stop) else { return }
    let measures = TieringMeasures(context.metrics)
    let due = DueLane(handler: DueRatings(rules: settings.rules, measures: measures), environment: lanes)
    settings.lane.connect { due.wake() }
    let consumer = TopicConsumer(
      topics: [Topics.profiles.name], handler: ProfileHandler(rules: settings.rules, measures: measures), environment: lanes, probe: probe)
    context.readiness.watch(consumer)
    context.readiness.watch(due)
    let gauge = WaitingGauge(pool: context.pool, gauge: measures.waiting)
    let outcome = await ServiceGroup(services: [due, gauge, consumer], logger: context.logger).run(signals: [], stop: stop)
    if !outcome.isClean { throw PartsEnded(description: "\(outcome)") }
  }

  /// False when the stop came first. A database that is away is waited for; rules that were changed under their version are an error.
  private func register(_ stop: StopSignal) async throws -> Bool {
    var backoff = Backoff()
    let (settings, now) = (settings, lanes.clock.now())
    while !stop.isStopping {
      do {
        let marked = try await context.pool.withSession { session in
          try RuleRegister.register(settings.scorecards, settings.policies, at: now, session)
          return try RuleRegister.markRatedByOthers(settings.rules.scorecard.reference, settings.rules.policy.reference, session)
        }
        if marked > 0 { context.logger.info("customers rated by other rules are rated anew", [.count: .int(marked)]) }
        return true
      } catch let failure as PostgresFailure where failure.kind != .configuration && failure.kind != .damaged {
        context.logger.warning("rules cannot be registered yet", [.error: .string(failure.description)])
      }
      _ = await stop.wait(atMost: .milliseconds(backoff.nextMilliseconds()))
    }
    return false
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
