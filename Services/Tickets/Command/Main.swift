// The tickets service: keeps what customers were promised.
import CommandLine
import Contracts
import Messaging
import Runtime

@main
enum Main {
  static func main() async { await program.main() }

  static let program = ServiceProgram(
    name: "tickets", help: HelpText("keep tickets and their deadlines", zh: "工单与服务时限"), settings: TicketsSettings.all,
    configure: { reader, common in TicketsSettings(&reader, common) },
    routes: { settings, context, router in
      guard let settings else { return }
      TicketsAPI(settings: settings, context: context).add(to: &router)
      GrantsAPI(settings: settings, context: context).add(to: &router)
      StaffAPI(settings: settings, context: context).add(to: &router)
      SpotChecksAPI(settings: settings, context: context).add(to: &router)
      ComplaintsAPI(settings: settings, context: context).add(to: &router)
      ServiceFiguresAPI(settings: settings, context: context).add(to: &router)
      ArticlesAPI(settings: settings, context: context).add(to: &router)
      QuestionsAPI(settings: settings, context: context).add(to: &router)
    },
    parts: { settings, context, lanes, probe in
      var lanes = lanes
      lanes.snapshots = Topics.tickets.name
      return settings.map { [TicketsService(settings: $0, context: context, lanes: lanes, probe: probe)] } ?? []
    })
}
