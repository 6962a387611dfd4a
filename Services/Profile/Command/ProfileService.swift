// The running parts: registers the rules of tags, then consumes facts and does due work.
import Contracts
import Domain
import Handling
import Kafka
import Lifecycle
import Messaging
import Postgres
import ProfileStore
import Runtime
import Telemetry

/// A part ended that should not have.
struct PartsEnded: Error, CustomStringConvertible { let description: String }

struct ProfileService: Service {
  let environment: ProfileEnvironment
  let context: ServiceContext
  let lanes: LaneEnvironment
  let probe: KafkaProbe
  let name = "profile"

  func run(_ stop: StopSignal) async throws {
    let now = lanes.clock.now()
    if let file = environment.tags {
      let registered: Void? = try await asked("the rules of tags cannot be registered yet", stop) { try TagRegister.register(file, at: now, $0) }
      guard registered != nil else { return }
    }
    let consumer = TopicConsumer(topics: Topics.facts.map(\.name), handler: ProfileHandler(environment: environment), environment: lanes, probe: probe)
    context.readiness.watch(consumer)
    let due = DueLane(handler: ProfileDueHandler(environment: environment), environment: lanes)
    context.readiness.watch(due)
    let marking = TagRulesChange(service: self) { due.wake() }
    let outcome = await ServiceGroup(services: [due, consumer, marking], logger: context.logger).run(signals: [], stop: stop)
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

/// Marks all customers to be judged by rules that came into force, while the lane of due work judges already who is marked.
private struct TagRulesChange: Service {
  let service: ProfileService
  let wake: @Sendable () -> Void
  let name = "change of tag rules"

  func run(_ stop: StopSignal) async throws {
    let marked = try await service.asked("customers cannot be marked for new tag rules yet", stop) { session in
      try TagRegister.markAll(session, keepGoing: { !stop.isStopping })
    }
    if let marked, marked > 0 { service.context.logger.info("customers are judged by new tag rules", [.count: .int(marked)]) }
    wake()
    // A part that ends would end the service.
    await stop.wait()
  }
}
