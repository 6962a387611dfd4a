// The profile service: one view of each customer.
import CommandLine
import Contracts
import Messaging
import Runtime

@main
enum Main {
  static func main() async { await program.main() }

  /// More than other services have: several orders of a customer are one row to it, and one snapshot.
  private static let batchRecords = 5_000

  static let program = ServiceProgram(
    name: "profile", help: HelpText("keep one view of each customer", zh: "维护统一客户视图"),
    settings: ProfileSettings.all, batchRecords: batchRecords, configure: ProfileSettings.environment,
    routes: { environment, context, router in if let environment { ProfileAPI(environment: environment, context: context).add(to: &router) } },
    parts: { environment, context, lanes, probe in
      guard let environment else { return [] }
      var lanes = lanes
      lanes.states[Topics.profiles.name] = environment.currentStates(lanes.clock)
      lanes.snapshots = Topics.profiles.name
      return [ProfileService(environment: environment, context: context, lanes: lanes, probe: probe)]
    })
}
