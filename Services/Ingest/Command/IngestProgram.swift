// Ingest as a service: its settings, its API, its consumer.
import CommandLine
import Contracts
import HTTP
import IngestCore
import Kafka
import Lifecycle
import Messaging
import Runtime
import Synchronization
import Telemetry

/// What the API and the consumer of one process share.
final class IngestParts: Sendable {
  let settings: IngestSettings
  let reading: RecordReading
  let catalog: MappingCatalog
  private let connected = Mutex<(producer: Producer, probe: KafkaProbe)?>(nil)

  init(_ settings: IngestSettings) {
    self.settings = settings
    reading = RecordReading(rules: settings.rules)
    catalog = MappingCatalog(rules: settings.rules)
  }

  /// nil until database and brokers are there.
  var producer: Producer? { connected.withLock { $0?.producer } }
  var probe: KafkaProbe? { connected.withLock { $0?.probe } }

  func connect(_ producer: Producer, _ probe: KafkaProbe) { connected.withLock { $0 = (producer, probe) } }
}

extension IngestParts {
  static var program: ServiceProgram {
    ServiceProgram(
      name: "ingest", help: HelpText("validates what sources publish and turns it into facts", zh: "数据接入服务"), settings: IngestSettings.all,
      fixedToken: CommonSettings.ingestToken,
      configure: { reader, common in IngestParts(IngestSettings(&reader, common)) },
      routes: { parts, context, router in
        IngestRoutes(parts: parts, pool: context.pool, clock: context.settings.clock).add(to: &router)
      },
      parts: { parts, context, environment, probe in
        let handler = IngestHandler(settings: parts.settings, catalog: parts.catalog, clock: context.settings.clock, logger: context.logger)
        let consumer = TopicConsumer(
          topics: InputStream.allCases.map(\.topic.name), handler: handler, environment: environment, probe: probe)
        context.readiness.add("partitions") {
          let halted = consumer.states.compactMap { state in
            if case .halted(let reason) = state.state { "\(state.partition): \(reason)" } else { nil }
          }
          return halted.isEmpty ? nil : halted.joined(separator: "; ")
        }
        let producer = try Producer(environment.kafka, logger: context.logger)
        try producer.start()
        parts.connect(producer, probe)
        return [consumer, producer]
      })
  }
}
