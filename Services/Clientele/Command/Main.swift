// `clientele`: the operator's tool.
import CommandLine
import Runtime

@main
enum Main {
  static func main() async {
    let root = Command(
      name: "clientele", help: HelpText("customer tiers and service, from the events a business already has", zh: "客户分级与服务套件"),
      subcommands: UpCommands.commands + [DemoCommand.command] + operatorCommands)
    await Program(version: suiteVersion, root: root).main()
  }
}
