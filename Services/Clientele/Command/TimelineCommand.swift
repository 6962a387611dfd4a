// `clientele customer timeline`: what a customer bought, told, did and answered, over all channels (P-13).
import ClienteleCore
import CommandLine
import HTTP
import Text

enum TimelineCommand {
  static let command = Command(
    name: "timeline", help: HelpText("everything that happened with a customer, over all channels, newest first", zh: "客户全渠道时间线（由近及远）"),
    options: CustomerCommand.who + CustomerCommand.days + [
      .value(
        "kinds", placeholder: "LIST",
        help: HelpText("only these: order,registration,contact,behaviour,answer", zh: "仅这些类型：order,registration,contact,behaviour,answer")),
      .value("before", placeholder: "PLACE", help: HelpText("go on from where the page before ended", zh: "从上一页结尾继续")),
      .value("limit", placeholder: "N", help: HelpText("at most so many", zh: "最多条数"), defaultValue: "50"), Operator.unmask, Operator.viewer,
      Operator.json, Operator.folder,
    ],
    arguments: [CustomerCommand.id], run: run)

  @Sendable private static func run(_ arguments: ParsedArguments) async throws -> ExitCode {
    let (limit, headers) = (try arguments.int("limit", in: 1...200), try Operator.unmasking(arguments))
    let asked = try CustomerCommand.asked(arguments)
    let page = try await Operator.withServices(arguments) { services -> JSONValue? in
      guard let id = try await asked.customerID(services) else { return nil }
      return try await services.call("profile", .get, path(of: id, limit, arguments), headers: headers)
    }
    guard let page else {
      arguments.console.printError(Operator.say(arguments, "clientele: there is no such customer", "clientele：没有该客户"))
      return .failed
    }
    if arguments.flag("json") {
      arguments.console.print(page.encodedText)
      return .ok
    }
    let entries = page["entries"]?.arrayValue ?? []
    if entries.isEmpty { arguments.console.print(Operator.say(arguments, "nothing", "没有记录")) }
    for entry in entries { arguments.console.print(line(entry)) }
    if let next = page["next"]?.stringValue { arguments.console.print(Operator.say(arguments, "more: --before '\(next)'", "更多：--before '\(next)'")) }
    return .ok
  }

  private static func path(of id: String, _ limit: Int, _ arguments: ParsedArguments) -> String {
    ServiceClient.path(
      "/v1/customers/" + ServiceClient.escaped(id) + "/timeline",
      [
        ("limit", String(limit)), ("kinds", arguments.optionalString("kinds")), ("before", arguments.optionalString("before")),
      ] + CustomerCommand.days(arguments))
  }

  private static let head = ["at", "type", "source"]

  /// The moment, what it was and where; then what else is known of it.
  private static func line(_ entry: JSONValue) -> String {
    var words = head.map { entry[$0]?.stringValue ?? "-" }
    for member in entry.members ?? [] where !head.contains(member.key) {
      switch member.value {
      case .text(let text), .number(let text): words.append("\(member.key)=\(text)")
      case .array(let values) where !values.isEmpty:
        words.append("\(member.key)=" + values.map { $0["name"]?.stringValue ?? $0.stringValue ?? "" }.joined(separator: ","))
      default: break
      }
    }
    return words.joined(separator: " ")
  }
}
