// The running parts: registers the rules of tags, then consumes facts and does due work.
import Contracts
import Domain
import Handling
import Kafka
import Lifecycle
import Messaging
import Postgres
import ProfileCore
import ProfileStore
import Runtime
import Telemetry

struct ProfileService: Service {
  let environment: ProfileEnvironment
  let context: ServiceContext
  let lanes: LaneEnvironment
  let probe: KafkaProbe
  let name = "profile"

  func run(_ stop: StopSignal) async throws {
    let now = lanes.clock.now()
    if let file = environment.tags {
      let registered: Void? = try await context.answer("the rules of tags cannot be registered yet", stop) { try TagRegister.register(file, at: now, $0) }
      guard registered != nil else { return }
    }
    let before = try await context.answer("it cannot be read yet which orders were put away", stop) { try ColdRows.before($0) }
    guard let before else { return }
    var environment = environment
    environment.rules.coldBefore = before
    let consumer = TopicConsumer(topics: Topics.ofProfile.map(\.name), handler: ProfileHandler(environment: environment), environment: lanes, probe: probe)
    context.readiness.watch(consumer)
    let due = DueLane(handler: ProfileDueHandler(environment: environment), environment: lanes)
    context.readiness.watch(due)
    let marking = TagRulesChange(service: self) { due.wake() }
    try await context.run([due, consumer, marking], until: stop)
  }
}

/// Marks all customers to be judged by rules that came into force, while the lane of due work judges already who is marked.
private struct TagRulesChange: Service {
  let service: ProfileService
  let wake: @Sendable () -> Void
  let name = "change of tag rules"

  func run(_ stop: StopSignal) async throws {
    let marked = try await service.context.answer("customers cannot be marked for new tag rules yet", stop) { session in
      try TagRegister.markAll(session, keepGoing: { !stop.isStopping })
    }
    if let marked, marked > 0 { service.context.logger.info("customers are judged by new tag rules", [.count: .int(marked)]) }
    wake()
    // A part that ends would end the service.
    await stop.wait()
  }
}
