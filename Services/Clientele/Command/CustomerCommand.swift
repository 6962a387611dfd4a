// `clientele customer`.
import ClienteleCore
import CommandLine
import Text

enum CustomerCommand {
  static let command = Command(
    name: "customer", help: HelpText("one customer", zh: "单个客户"),
    subcommands: [show, TimelineCommand.command, entitlements] + WhyCommands.commands + IdentityCommands.commands)

  private static let show = Command(
    name: "show", help: HelpText("who a customer is, what it bought, and why it has its tier", zh: "查看客户、订单与分级说明"),
    options: who + days + [
      .value("orders", placeholder: "N", help: HelpText("latest orders to show", zh: "显示的最近订单数"), defaultValue: "10"), Operator.unmask, Operator.viewer,
      Operator.json, Operator.folder,
    ],
    arguments: [id], run: run)

  private static let entitlements = Command(
    name: "entitlements", help: HelpText("what a customer may have by its tier", zh: "查看客户等级权益"),
    discussion: HelpText(
      "Lists the benefits of the customer's tier, or answers whether the customer may have one of them: --benefit discount --value 10 asks for 10 %. "
        + "The answer holds until the next review. Other programs ask GET /v1/customers/ID/entitlements of the tiering service.",
      zh: "列出客户等级享有的权益；或回答客户能否享有某项权益，例如 --benefit discount --value 10 询问能否给予 10% 折扣。答案在下次复核之前有效。其他系统可请求分级服务的 GET /v1/customers/ID/entitlements。"),
    options: who + [
      .value("benefit", placeholder: "NAME", help: HelpText("ask about this benefit alone, as discount", zh: "只询问该项权益，例如 discount")),
      .value("value", placeholder: "N", help: HelpText("how much of it is asked for, as 10", zh: "询问的数值，例如 10")), Operator.json, Operator.folder,
    ],
    arguments: [id], run: runEntitlements)

  /// The ways to name a customer, beside its id.
  static let who: [Option] = [
    .value("member", placeholder: "ID", help: HelpText("by member id", zh: "按会员号")),
    .value("phone", placeholder: "NUMBER", help: HelpText("by phone number", zh: "按手机号")),
    .value("email", placeholder: "ADDRESS", help: HelpText("by e-mail address", zh: "按邮箱")),
  ]
  /// A day, and the day whose knowledge counts (P-12).
  static let days: [Option] = [
    .value("as-of", placeholder: "DAY", help: HelpText("with what had happened by the end of this day", zh: "截至该日的情况")),
    .value(
      "known-on", placeholder: "DAY",
      help: HelpText("with what was known by the end of this day, whatever came in later", zh: "以该日已知的信息为准（不计之后才收到的）")),
  ]

  /// For a path's query.
  static func days(_ arguments: ParsedArguments) -> [(name: String, value: String?)] {
    [("as_of", arguments.optionalString("as-of")), ("known_on", arguments.optionalString("known-on"))]
  }

  static let id = Argument("id", help: HelpText("the customer's id: 16 hexadecimal digits", zh: "客户编号：16 位十六进制数"), arity: .optional)

  /// The one customer that was named.
  static func asked(_ arguments: ParsedArguments) throws -> CustomerAsked {
    let given: [CustomerAsked] = [
      arguments.optionalString("id").map { .id($0) }, arguments.optionalString("member").map { .member($0) },
      arguments.optionalString("phone").map { .phone($0) }, arguments.optionalString("email").map { .email($0) },
    ].compactMap { $0 }
    guard let asked = given.first, given.count == 1 else {
      throw arguments.error(HelpText("give exactly one of ID, --member, --phone and --email", zh: "请给出 ID、--member、--phone、--email 其中之一"))
    }
    return asked
  }

  @Sendable private static func run(_ arguments: ParsedArguments) async throws -> ExitCode {
    let asked = try asked(arguments)
    let (ordersMax, headers) = (try arguments.int("orders", in: 0...200), try Operator.unmasking(arguments))
    guard let found = try await Operator.withServices(arguments, { try await CustomerFound.find(asked, days: days(arguments), $0, headers) }) else {
      arguments.console.printError(Operator.say(arguments, "clientele: there is no such customer", "clientele：没有该客户"))
      return .failed
    }
    let console = arguments.console
    console.out.write(arguments.flag("json") ? found.json.encodedText + "\n" : found.text(for: console, ordersMax: ordersMax))
    return .ok
  }

  @Sendable private static func runEntitlements(_ arguments: ParsedArguments) async throws -> ExitCode {
    let asked = try asked(arguments)
    let (benefit, value) = (arguments.optionalString("benefit"), arguments.optionalString("value"))
    if benefit == nil, value != nil { throw arguments.error(HelpText("--value needs --benefit", zh: "--value 须与 --benefit 一起使用")) }
    let found = try await Operator.withServices(arguments) { try await Entitlements.find(asked, benefit: benefit, value: value, $0) }
    guard let found else {
      let message = Operator.say(arguments, "clientele: there is no such customer, or it is not rated yet", "clientele：没有该客户，或尚未评级")
      arguments.console.printError(message)
      return .failed
    }
    arguments.console.out.write(arguments.flag("json") ? found.json.encodedText + "\n" : found.text(for: arguments.console))
    return .ok
  }
}
