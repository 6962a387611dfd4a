// The connector: brings messages to customers, and tells what became of them.
import CommandLine
import Runtime

@main
enum Main {
  static func main() async { await program.main() }

  static let program = ServiceProgram(
    name: "connector", help: HelpText("bring messages to customers by mail and webhook", zh: "通过邮件与 webhook 向客户发送消息"),
    settings: ConnectorSettings.all, connectionsMax: 8,
    configure: { reader, _ in ConnectorSettings(&reader) },
    routes: { settings, context, router in
      guard let settings else { return }
      DeliveriesAPI(settings: settings, clock: context.settings.clock, pool: context.pool).add(to: &router)
    },
    parts: { settings, context, lanes, probe in
      settings.map { [ConnectorService(settings: $0, context: context, lanes: lanes, probe: probe)] } ?? []
    })
}
