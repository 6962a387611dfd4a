// The running parts: registers the rules, then consumes and does due work.
import Contracts
import Documents
import Domain
import Handling
import Kafka
import Lifecycle
import Messaging
import Postgres
import Runtime
import Telemetry
import Text
import TicketsCore
import TicketsStore

struct TicketsService: Service {
  let settings: TicketsSettings
  let context: ServiceContext
  let lanes: LaneEnvironment
  let probe: KafkaProbe
  let name = "tickets"

  /// Between two counts of the open tickets.
  private static let countSeconds = 15

  func run(_ stop: StopSignal) async throws {
    let now = lanes.clock.now()
    let settings = settings
    let versions = settings.rules.value.book.versions
    let former = try await context.answer("rules cannot be registered yet", stop) { session in
      let former = try RuleRegister.register(
        standards: settings.standards, calendars: settings.calendars, desk: settings.desk, staff: settings.staff, at: now,
        zoneNamed: TimeZones.zone, session)
      return (former, try RuleRegister.markPromisedByOthers(versions, session))
    }
    guard let (calendars, marked) = former else { return }
    settings.rules.set(ServiceRuleBook(standards: settings.standards.content, calendars: settings.calendars.content, former: calendars))
    if marked > 0 { context.logger.info("tickets are promised anew by the files in force", [.count: .int(marked)]) }
    let measures = TicketMeasures(context.metrics)
    let due = DueLane(handler: TicketDueHandler(rules: settings.rules, measures: measures), environment: lanes)
    settings.lane.connect { due.wake() }
    let consumer = TopicConsumer(
      topics: Topics.ofTickets.map(\.name), handler: TicketHandler(rules: settings.rules, measures: measures), environment: lanes, probe: probe)
    context.readiness.watch(consumer)
    context.readiness.watch(due)
    let open = CountGauge("open tickets", every: TicketsService.countSeconds, context.pool, measures.open) { try TicketQueries.open($0) }
    try await context.run([due, consumer, open], until: stop)
  }
}
