// The feedback service: keeps the customers' own verdict.
import CommandLine
import Documents
import Runtime

@main
enum Main {
  static func main() async { await program.main() }

  static let program = ServiceProgram(
    name: "feedback", help: HelpText("keep answers to surveys and their figures", zh: "问卷回答与满意度指标"), settings: FeedbackSettings.all,
    // Customers who send an answer at the same time wait for the disk together.
    connectionsMax: 12,
    configure: { reader, _ in FeedbackSettings(&reader) },
    routes: { settings, context, router in
      guard let settings else { return }
      FeedbackAPI(settings: settings, context: context).add(to: &router)
      AskingAPI(rules: settings.asking.content, clock: context.settings.clock, pool: context.pool).add(to: &router)
      BaselinesAPI(
        ladder: settings.ladder, zone: context.settings.zone, clock: context.settings.clock, pool: context.pool
      ).add(to: &router)
      CommentsAPI(
        rules: settings.comments.content, zone: context.settings.zone, clock: context.settings.clock, pool: context.pool
      ).add(to: &router)
      SurveysAPI(surveys: settings.surveys).add(to: &router)
      let measures = FeedbackMeasures(context.metrics)
      InvitationsAPI(settings: settings, clock: context.settings.clock, pool: context.pool, measures: measures).add(to: &router)
      SurveyPages(settings: settings, context: context, measures: measures).add(to: &router)
    },
    parts: { settings, context, lanes, probe in
      settings.map { [FeedbackService(settings: $0, context: context, lanes: lanes, probe: probe)] } ?? []
    })
}
