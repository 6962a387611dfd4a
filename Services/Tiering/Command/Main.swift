// The tiering service: rates customers and tells everybody their tiers.
import CommandLine
import Contracts
import Messaging
import Runtime

@main
enum Main {
  static func main() async { await program.main() }

  static let program = ServiceProgram(
    name: "tiering", help: HelpText("rate customers and publish their tiers", zh: "客户评分与分级"), settings: TieringSettings.all,
    configure: { reader, common in TieringSettings(&reader, common) },
    routes: { settings, context, router in
      if let settings { TieringAPI(settings: settings, clock: context.settings.clock, pool: context.pool).add(to: &router) }
    },
    parts: { settings, context, lanes, probe in
      var lanes = lanes
      lanes.snapshots = Topics.tiers.name
      return settings.map { [TieringService(settings: $0, context: context, lanes: lanes, probe: probe)] } ?? []
    })
}
