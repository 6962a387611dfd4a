// The running parts of the connector.
import ConnectorCore
import ConnectorStore
import Contracts
import Kafka
import Lifecycle
import Messaging
import Runtime
import Telemetry

struct ConnectorService: Service {
  let settings: ConnectorSettings
  let context: ServiceContext
  let lanes: LaneEnvironment
  let probe: KafkaProbe
  let name = "connector"

  /// Between two counts of what waits.
  private static let countSeconds = 15

  func run(_ stop: StopSignal) async throws {
    let measures = ConnectorMeasures(context.metrics)
    let consumer = TopicConsumer(
      topics: Topics.ofConnector.map(\.name), handler: ConnectorHandler(measures: measures), environment: lanes, probe: probe)
    context.readiness.watch(consumer)
    let due = DueLane(handler: ConnectorDueHandler(), environment: lanes)
    context.readiness.watch(due)
    settings.lane.connect { due.wake() }
    let waiting = CountGauge("deliveries", every: ConnectorService.countSeconds, context.pool, measures.waiting) { try DeliveryQueries.waiting($0) }
    let sender = Sender(
      settings: settings, zone: context.settings.zone, clock: lanes.clock, pool: context.pool, measures: measures, logger: context.logger)
    if !settings.ways.hasMail, !settings.ways.hasWebhook {
      context.logger.warning("no way to send is set up: messages to customers wait, and are given up after some hours")
    }
    try await context.run([due, consumer, sender, waiting], until: stop)
  }
}
