// The profile service: one view of each customer.
import CommandLine
import Contracts
import Messaging
import Runtime

@main
enum Main {
  static func main() async { await program.main() }

  static let program = ServiceProgram(
    name: "profile", help: HelpText("keep one view of each customer", zh: "维护统一客户视图"),
    settings: ProfileSettings.all, configure: ProfileSettings.environment,
    routes: { environment, context, router in if let environment { ProfileAPI(environment: environment, context: context).add(to: &router) } },
    parts: { environment, context, lanes, probe in
      guard let environment else { return [] }
      var lanes = lanes
      lanes.states[Topics.profiles.name] = environment.currentStates(lanes.clock)
      lanes.snapshots = Topics.profiles.name
      return [ProfileService(environment: environment, context: context, lanes: lanes, probe: probe)]
    })
}
