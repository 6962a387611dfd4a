// `clientele spot-check`: a tenth of a month's tickets, drawn and looked at (K-11).
import ClienteleCore
import CommandLine
import Domain
import HTTP
import Text

enum SpotCheckCommands {
  static let command = Command(
    name: "spot-check", help: HelpText("draw a tenth of a month's tickets and note what was found", zh: "服务抽查：按等级抽取当月 10% 工单并记录结果"),
    discussion: HelpText(
      "`draw` draws 10 % of each tier among the tickets that were opened in a month that is over and are resolved or closed, once for ever: the seed is told, "
        + "and the same seed draws the same. `mark` says of each point of the desk's checklist whether it passed; who worked on a ticket does not check it.",
      zh: "draw 从已结束月份开启且已解决或关闭的工单中按等级各抽取 10%，每月仅抽取一次；种子公开，可重复验证。mark 按服务台检查表逐项记录结果；负责人不得检查自己的工单。"),
    options: [Operator.folder], subcommands: [draw, show, list, mark])

  private static let month = Argument("month", help: HelpText("the month, as 1998-07", zh: "月份，如 1998-07"))
  private static let actor = Option.value("actor", placeholder: "NAME", help: HelpText("who does it; kept for ever", zh: "操作人（永久记录）"), isRequired: true)
  private static let reason = Option.value("reason", placeholder: "TEXT", help: HelpText("why; kept for ever", zh: "理由（永久记录）"))

  private static func members(_ arguments: ParsedArguments, _ names: [String]) -> [JSONMember] {
    (["actor", "reason"] + names).compactMap { name in arguments.optionalString(name).map { JSONMember(name, .text($0)) } }
  }

  private static func path(_ arguments: ParsedArguments) throws -> String { "/v1/spot-checks/\(ServiceClient.escaped(try arguments.string("month")))" }

  private static func say(_ check: JSONValue, _ arguments: ParsedArguments) -> ExitCode {
    if arguments.flag("json") {
      arguments.console.print(check.encodedText)
    } else {
      arguments.console.out.write(SpotCheckWords.sheet(check, isChinese: Operator.isChinese(arguments)))
    }
    return .ok
  }

  private static let draw = Command(
    name: "draw", help: HelpText("draw a month that is over; once it is drawn that is told", zh: "抽取已结束的月份；已抽取则返回原结果"),
    options: [
      .value("seed", placeholder: "HEX", help: HelpText("a seed of your own; else one is drawn", zh: "自定义种子；默认随机")), actor, reason, Operator.json,
    ], arguments: [month]
  ) { arguments in
    let body = JSONValue.object(members(arguments, ["seed"]) + [JSONMember("month", .text(try arguments.string("month")))]).encoded
    let check = try await Operator.withServices(arguments) {
      try await $0.call("tickets", .post, "/v1/spot-checks", body: body, contentType: "application/json")
    }
    return say(check, arguments)
  }

  private static let show = Command(
    name: "show", help: HelpText("how many were drawn, looked at and passed, by tier", zh: "按等级查看抽取、检查与合格数"), options: [Operator.json], arguments: [month]
  ) { arguments in
    let path = try path(arguments)
    return say(try await Operator.withServices(arguments) { try await $0.call("tickets", .get, path) }, arguments)
  }

  private static let list = Command(
    name: "list", help: HelpText("the tickets that were drawn", zh: "列出被抽取的工单"),
    options: [
      .flag("open", help: HelpText("only those that nobody has looked at yet", zh: "仅尚未检查的")),
      .value("after", placeholder: "TICKET", help: HelpText("go on after this one", zh: "从该工单之后继续")),
      .value("limit", placeholder: "N", help: HelpText("at most so many", zh: "最多条数"), defaultValue: "50"), Operator.json,
    ], arguments: [month]
  ) { arguments in
    let limit = String(try arguments.int("limit", in: 1...200))
    let path = ServiceClient.path(
      try path(arguments) + "/tickets",
      [("checked", arguments.flag("open") ? "false" : nil), ("after", arguments.optionalString("after")), ("limit", limit)])
    let (answer, zone) = try await Operator.withServices(arguments) { (try await $0.call("tickets", .get, path), $0.connection.zone) }
    guard !arguments.flag("json") else {
      arguments.console.print(answer.encodedText)
      return .ok
    }
    let rows = answer["tickets"]?.arrayValue ?? []
    if rows.isEmpty {
      arguments.console.print(Operator.say(arguments, "no tickets", "没有工单"))
    } else {
      arguments.console.out.write(SpotCheckWords.table(rows, zone, isChinese: Operator.isChinese(arguments)).render())
    }
    if let next = answer["next"]?.stringValue { arguments.console.print(Operator.say(arguments, "more: --after \(next)", "更多：--after \(next)")) }
    return .ok
  }

  private static let mark = Command(
    name: "mark", help: HelpText("say what was found in a ticket that was drawn", zh: "记录抽查结果"),
    options: [
      .value("pass", placeholder: "POINTS", help: HelpText("points of the checklist that are as they should be, with commas", zh: "合格的检查项，以逗号分隔")),
      .value("fail", placeholder: "POINTS", help: HelpText("points that are not", zh: "不合格的检查项")),
      .value("not-applicable", placeholder: "POINTS", help: HelpText("points with nothing to find", zh: "不适用的检查项")),
      .value("note", placeholder: "TEXT", help: HelpText("what there is to say", zh: "说明")), actor, reason, Operator.json,
    ], arguments: [month, Argument("ticket", help: HelpText("the ticket's id: 16 hexadecimal digits", zh: "工单编号：16 位十六进制数"))]
  ) { arguments in
    let given = [("pass", SpotMark.pass), ("fail", .fail), ("not-applicable", .none)].flatMap { option, mark in
      (arguments.optionalString(option) ?? "").split(separator: ",").map { JSONMember(String($0), .text(mark.rawValue)) }
    }
    guard !given.isEmpty, Set(given.map(\.key)).count == given.count else {
      throw arguments.error(HelpText("give every point once: --pass, --fail or --not-applicable", zh: "每个检查项请在 --pass、--fail、--not-applicable 中给出一次"))
    }
    let path = try path(arguments) + "/tickets/" + ServiceClient.escaped(try arguments.string("ticket"))
    let body = JSONValue.object(members(arguments, ["note"]) + [JSONMember("marks", .object(given))]).encoded
    let (marked, zone) = try await Operator.withServices(arguments) { services -> (JSONValue, BusinessZone) in
      let tag = try await services.tagged("tickets", .get, path).tag
      let answer = try await services.tagged("tickets", .post, path, body: body, contentType: "application/json", seen: tag ?? "*")
      return (answer.answer, services.connection.zone)
    }
    guard !arguments.flag("json") else {
      arguments.console.print(marked.encodedText)
      return .ok
    }
    arguments.console.out.write(SpotCheckWords.table([marked], zone, isChinese: Operator.isChinese(arguments)).render())
    return .ok
  }
}
