// The running parts of the feedback service.
import Contracts
import Documents
import Domain
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
    let comments = settings.comments
    let registered: Void? = try await context.answer("the rules of comments cannot be registered yet", stop) { session in
      try CommentQueries.register(comments, at: now, session)
    }
    guard registered != nil else { return }
    let measures = FeedbackMeasures(context.metrics)
    let asking = AskingSource(rules: settings.asking, surveys: settings.surveys, zone: context.settings.zone)
    let consumer = TopicConsumer(
      topics: Topics.ofFeedback.map(\.name), handler: FeedbackHandler(comments: comments.content, asking: asking, measures: measures),
      environment: lanes, probe: probe)
    context.readiness.watch(consumer)
    let due = DueLane(handler: FeedbackDueHandler(asking: asking, pages: settings.pages, measures: measures), environment: lanes)
    context.readiness.watch(due)
    settings.lane.connect { due.wake() }
    let stored = CountGauge("answers", every: FeedbackService.countSeconds, context.pool, measures.stored) { try AnswerQueries.count($0) }
    try await context.run([due, consumer, stored, CommentReader(rules: comments.content, context: context)], until: stop)
  }
}

/// Reads comments again that were read by former rules, piece by piece, beside everything else (F-06).
private struct CommentReader: Service {
  let rules: CommentRules
  let context: ServiceContext
  let name = "reader of comments"

  /// Between two looks whether there are any: another process may still read by former rules.
  static let lookSeconds = 10

  func run(_ stop: StopSignal) async throws {
    let rules = rules
    while !stop.isStopping {
      let read = try await context.answer("comments cannot be read again yet", stop) { try CommentQueries.readAgain(by: rules, $0) }
      if read == CommentQueries.pieceMax { continue }
      _ = await stop.wait(atMost: .seconds(CommentReader.lookSeconds))
    }
  }
}
