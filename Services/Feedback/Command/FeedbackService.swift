// The running parts of the feedback service.
import Contracts
import FeedbackStore
import Handling
import Kafka
import Lifecycle
import Messaging
import Runtime

struct FeedbackService: Service {
  let settings: FeedbackSettings
  let context: ServiceContext
  let lanes: LaneEnvironment
  let probe: KafkaProbe
  let name = "feedback"

  /// Between two counts of the answers.
  private static let countSeconds = 60

  func run(_ stop: StopSignal) async throws {
    let (files, now) = (settings.surveyFiles, lanes.clock.now())
    guard let book = try await context.answer("surveys cannot be registered yet", stop, { try SurveyRegister.register(files, at: now, $0) }) else { return }
    settings.surveys.set(book)
    let measures = FeedbackMeasures(context.metrics)
    let consumer = TopicConsumer(
      topics: Topics.ofFeedback.map(\.name), handler: FeedbackHandler(measures: measures), environment: lanes, probe: probe)
    context.readiness.watch(consumer)
    let stored = CountGauge("answers", every: FeedbackService.countSeconds, context.pool, measures.stored) { try AnswerQueries.count($0) }
    try await context.run([consumer, stored], until: stop)
  }
}
