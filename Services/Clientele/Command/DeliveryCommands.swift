// `clientele delivery`: messages on their way to customers (E-05).
import ClienteleCore
import CommandLine
import Documents
import Domain
import HTTP
import Runtime
import Text

enum DeliveryCommands {
  static let command = Command(
    name: "delivery", help: HelpText("messages to customers: what was sent, what was refused, what waits", zh: "发往客户的消息：已发、被拒与等待中"),
    discussion: HelpText(
      "The connector brings what feedback asks for to customers, by mail or by a webhook (docs/connector.md). No command shows an address.",
      zh: "connector 按 feedback 的请求通过邮件或 webhook 联系客户（见 docs/connector.md）。命令不会显示地址。"),
    options: [Operator.folder], subcommands: [list, show, retry, ways, check])

  private static let delivery = Argument("delivery", help: HelpText("the delivery's id", zh: "投递编号"))

  private static let list = Command(
    name: "list", help: HelpText("list deliveries, the newest first", zh: "列出投递（由新到旧）"),
    options: [
      .value(
        "state", placeholder: "STATE", help: HelpText("only in this state", zh: "仅该状态"), choices: ["waiting", "accepted", "bounced", "undeliverable"]),
      .value("customer", placeholder: "ID", help: HelpText("only of requests for this customer", zh: "仅针对该客户的请求")),
      .value("after", placeholder: "PLACE", help: HelpText("go on after this place", zh: "从该位置之后继续")),
      .value("limit", placeholder: "N", help: HelpText("at most so many", zh: "最多条数"), defaultValue: "50"), Operator.json,
    ]
  ) { arguments in
    let limit = String(try arguments.int("limit", in: 1...200))
    let asked = [
      ("state", arguments.optionalString("state")), ("customer_id", arguments.optionalString("customer")), ("after", arguments.optionalString("after")),
      ("limit", limit),
    ]
    let (answer, zone) = try await Operator.withServices(arguments) { services in
      (try await services.call("connector", .get, ServiceClient.path("/v1/deliveries", asked)), services.connection.zone)
    }
    guard !arguments.flag("json") else {
      arguments.console.print(answer.encodedText)
      return .ok
    }
    if (answer["deliveries"]?.arrayValue ?? []).isEmpty {
      arguments.console.print(Operator.say(arguments, "no deliveries", "没有投递"))
    } else {
      arguments.console.out.write(DeliveryWords.table(answer, zone, isChinese: Operator.isChinese(arguments)).render())
    }
    if let next = answer["next"]?.stringValue { arguments.console.print(Operator.say(arguments, "more: --after \(next)", "更多：--after \(next)")) }
    return .ok
  }

  private static let show = Command(
    name: "show", help: HelpText("one delivery with all attempts", zh: "显示一次投递及其全部尝试"), options: [Operator.json], arguments: [delivery]
  ) { arguments in try await tell(arguments, .get, "", []) }

  private static let retry = Command(
    name: "retry", help: HelpText("try one that failed once more", zh: "重新投递失败的消息"),
    discussion: HelpText(
      "Addresses that were refused are tried again as well. Only while the link works.", zh: "曾被拒的地址也会重新尝试；仅在链接有效期内可用。"),
    options: [
      .value("actor", placeholder: "NAME", help: HelpText("who does it", zh: "操作人"), isRequired: true), Operator.json,
    ], arguments: [delivery]
  ) { arguments in
    try await tell(arguments, .post, "/retry", JSONValue.object([JSONMember("actor", .text(try arguments.string("actor")))]).encoded)
  }

  private static func tell(_ arguments: ParsedArguments, _ method: HTTPMethod, _ rest: String, _ body: [UInt8]) async throws -> ExitCode {
    let path = "/v1/deliveries/\(ServiceClient.escaped(try arguments.string("delivery")))\(rest)"
    let (answer, zone) = try await Operator.withServices(arguments) { services in
      (
        try await services.call("connector", method, path, body: body, contentType: body.isEmpty ? nil : "application/json"), services.connection.zone
      )
    }
    let words = DeliveryWords.one(answer, zone, isChinese: Operator.isChinese(arguments))
    arguments.console.out.write(arguments.flag("json") ? answer.encodedText + "\n" : words)
    return .ok
  }

  private static let ways = Command(
    name: "ways", help: HelpText("by what messages go, and how many are where", zh: "发送方式与各状态数量"), options: [Operator.json]
  ) { arguments in
    let (answer, zone) = try await Operator.withServices(arguments) { (try await $0.call("connector", .get, "/v1/ways"), $0.connection.zone) }
    let words = DeliveryWords.ways(answer, zone, isChinese: Operator.isChinese(arguments))
    arguments.console.out.write(arguments.flag("json") ? answer.encodedText + "\n" : words)
    return .ok
  }

  private static let check = Command(
    name: "check-messages", help: HelpText("say everything that is wrong with a file of what messages say", zh: "检查消息文案文件"),
    discussion: HelpText("docs/connector.md explains the file. Needs no running suite.", zh: "文件格式见 docs/connector.md。无需运行套件。"),
    options: [Operator.json], arguments: [Argument("file", help: HelpText("the YAML file", zh: "YAML 文件"), completion: .files)]
  ) { arguments in
    try Operator.tellingFaults(arguments) {
      let path = try arguments.string("file")
      let texts = try MessagesDocument.decode(try DocumentFile.read(path), source: path)
      arguments.console.print(arguments.flag("json") ? "{\"ok\":true}" : Operator.say(arguments, "ok: v\(texts.version)", "通过：v\(texts.version)"))
    }
  }
}
