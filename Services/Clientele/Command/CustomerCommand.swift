// `clientele customer`.
import ClienteleCore
import CommandLine
import Text

enum CustomerCommand {
  static let command = Command(name: "customer", help: HelpText("one customer", zh: "单个客户"), subcommands: [show] + IdentityCommands.commands)

  private static let show = Command(
    name: "show", help: HelpText("who a customer is, what it bought, and why it has its tier", zh: "查看客户、订单与分级说明"),
    options: [
      .value("member", placeholder: "ID", help: HelpText("by member id", zh: "按会员号")),
      .value("phone", placeholder: "NUMBER", help: HelpText("by phone number", zh: "按手机号")),
      .value("email", placeholder: "ADDRESS", help: HelpText("by e-mail address", zh: "按邮箱")),
      .value("orders", placeholder: "N", help: HelpText("latest orders to show", zh: "显示的最近订单数"), defaultValue: "10"), Operator.json, Operator.folder,
    ],
    arguments: [Argument("id", help: HelpText("the customer's id: 16 hexadecimal digits", zh: "客户编号：16 位十六进制数"), arity: .optional)], run: run)

  @Sendable private static func run(_ arguments: ParsedArguments) async throws -> ExitCode {
    let given: [CustomerAsked] = [
      arguments.optionalString("id").map { .id($0) }, arguments.optionalString("member").map { .member($0) },
      arguments.optionalString("phone").map { .phone($0) }, arguments.optionalString("email").map { .email($0) },
    ].compactMap { $0 }
    guard let asked = given.first, given.count == 1 else {
      throw arguments.error(HelpText("give exactly one of ID, --member, --phone and --email", zh: "请给出 ID、--member、--phone、--email 其中之一"))
    }
    let ordersMax = try arguments.int("orders", in: 0...200)
    guard let found = try await Operator.withServices(arguments, { try await CustomerFound.find(asked, $0) }) else {
      arguments.console.printError(Operator.say(arguments, "clientele: there is no such customer", "clientele：没有该客户"))
      return .failed
    }
    let console = arguments.console
    console.out.write(arguments.flag("json") ? found.json.encodedText + "\n" : found.text(for: console, ordersMax: ordersMax))
    return .ok
  }
}
