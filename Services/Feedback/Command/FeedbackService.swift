// The running parts of the feedback service.
import Contracts
import Documents
import Domain
import FeedbackCore
import FeedbackStore
import Handling
import Kafka
import Lifecycle
import Messaging
import Postgres
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
    let (comments, rules) = (settings.comments, settings.asking)
    let registered: Void? = try await context.answer("the rules cannot be registered yet", stop) { session in
      try CommentQueries.register(comments, at: now, session)
      try AskingRegister.register(rules, at: now, session)
    }
    guard registered != nil else { return }
    let measures = FeedbackMeasures(context.metrics)
    let asking = AskingSource(rules: rules.content, surveys: settings.surveys, zone: context.settings.zone)
    let consumer = TopicConsumer(
      topics: Topics.ofFeedback.map(\.name),
      handler: FeedbackHandler(comments: comments.content, asking: asking, currency: context.settings.currency, measures: measures),
      environment: lanes, probe: probe)
    context.readiness.watch(consumer)
    let due = DueLane(handler: FeedbackDueHandler(asking: asking, pages: settings.pages, measures: measures), environment: lanes)
    context.readiness.watch(due)
    settings.lane.connect { due.wake() }
    let stored = CountGauge("answers", every: FeedbackService.countSeconds, context.pool, measures.stored) { try AnswerQueries.count($0) }
    let beside: [any Service] = [
      CommentReader(rules: comments.content, context: context), SegmentDivider(context: context), StepPlanner(asking: asking, context: context),
    ]
    try await context.run([due, consumer, stored] + beside, until: stop)
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

/// Decides in which segments customers were when they answered and when they were asked, soon after, and puts that right for a day (F-04).
private struct SegmentDivider: Service {
  let context: ServiceContext
  let name = "divider of customers"

  /// Between two looks whether there is anything to decide; every so many of them whether more has become known.
  static let lookSeconds = 5
  static let looksToOpen = 6

  func run(_ stop: StopSignal) async throws {
    var looks = 0
    while !stop.isStopping {
      try await divide(.fresh, stop)
      if looks % SegmentDivider.looksToOpen == 0 { try await divide(.open, stop) }
      looks += 1
      _ = await stop.wait(atMost: .seconds(SegmentDivider.lookSeconds))
    }
  }

  private func divide(_ turn: SegmentQueries.Turn, _ stop: StopSignal) async throws {
    let (zone, clock) = (context.settings.zone, context.settings.clock)
    var hasMore = true
    while hasMore, !stop.isStopping {
      let now = clock.now()
      hasMore = try await context.answer("segments cannot be decided yet", stop) { session -> Bool in
        guard try SegmentQueries.isWaiting(turn, session) else { return false }
        try SegmentQueries.draw(on: zone.day(of: now), at: now, session)
        return try SegmentQueries.divide(turn, by: try SegmentQueries.book(session), at: now, in: zone, session)
      } ?? false
    }
  }
}

/// Plans the steps of customers of whom nothing new comes once other rules are in force, piece by piece (F-02).
private struct StepPlanner: Service {
  let asking: AskingSource
  let context: ServiceContext
  let name = "planner of steps"

  func run(_ stop: StopSignal) async throws {
    let (asking, clock) = (asking, context.settings.clock)
    var last: CustomerID?
    while !stop.isStopping {
      let (after, now) = (last, clock.now())
      let next = try await context.answer("steps cannot be planned yet", stop) { session -> CustomerID? in
        try session.transaction { session in
          var store = PostgresFeedbackStore(session)
          return try AskingDesk.replan(after: after, &store, asking.value, at: now)
        }
      }
      guard let next, let customer = next else { break }
      last = customer
    }
    _ = await stop.wait()
  }
}
