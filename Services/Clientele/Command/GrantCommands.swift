// `clientele ticket grant|grants|approve|reject|allowance`: what customers are given, and who has to agree (K-08).
import ClienteleCore
import CommandLine
import Domain
import HTTP
import Text

enum GrantCommands {
  /// No currency has more; how many its own has the service says.
  private static let decimalsMax = 4

  static let all = [grant, grants, approve, reject, allowance]

  private static let id = Argument("grant", help: HelpText("the grant's id: 16 hexadecimal digits", zh: "授予编号：16 位十六进制数"))
  private static let actor = Option.value(
    "actor", placeholder: "NAME", help: HelpText("who does it, by the name in the staff's file", zh: "操作人（人员文件中的姓名）"), isRequired: true)
  private static func reason(isRequired: Bool) -> Option {
    .value("reason", placeholder: "TEXT", help: HelpText("why; kept for ever", zh: "理由（永久记录）"), isRequired: isRequired)
  }

  private static func instruction(_ arguments: ParsedArguments) -> [JSONMember] {
    ["actor", "reason"].compactMap { name in arguments.optionalString(name).map { JSONMember(name, .text($0)) } }
  }

  private static func say(_ grant: JSONValue, _ zone: BusinessZone, _ arguments: ParsedArguments) -> ExitCode {
    if arguments.flag("json") {
      arguments.console.print(grant.encodedText)
    } else {
      arguments.console.out.write(GrantWords.sheet(grant, zone, isChinese: Operator.isChinese(arguments)))
    }
    return .ok
  }

  private static let grant = Command(
    name: "grant", help: HelpText("give a ticket's customer money or a better service, or ask for it", zh: "给予补偿或服务升级，超出权限则提交审批"),
    discussion: HelpText(
      "Up to what the actor's role may give for one ticket it is given at once; more waits for somebody else who may (`ticket approve`). No customer is "
        + "given more in a year than the tier allows.",
      zh: "在操作人角色的单张工单限额内立即授予；超出部分由他人审批（ticket approve）。客户的年度总额受等级上限约束。"),
    options: [
      .value("amount", placeholder: "AMOUNT", help: HelpText("money, in the base currency", zh: "补偿金额（基准币种）")),
      .value("upgrade", placeholder: "ID", help: HelpText("an upgrade of the staff's file", zh: "服务升级（见人员文件）")), actor, reason(isRequired: true),
      Operator.json,
    ], arguments: [Argument("ticket", help: HelpText("the ticket's id: 16 hexadecimal digits", zh: "工单编号：16 位十六进制数"))]
  ) { arguments in
    let (amount, upgrade) = (arguments.optionalString("amount"), arguments.optionalString("upgrade"))
    guard (amount == nil) != (upgrade == nil) else {
      throw arguments.error(HelpText("give exactly one of --amount and --upgrade", zh: "请给出 --amount 与 --upgrade 其中之一"))
    }
    var members = instruction(arguments)
    if let upgrade { members.append(JSONMember("upgrade", .text(upgrade))) }
    if amount != nil {
      let text = try arguments.value("amount", HelpText("an amount as 12.50", zh: "金额，如 12.50")) { text in
        (try? MinorUnits.parse(text, digits: decimalsMax)) == nil ? nil : text
      }
      members.append(JSONMember("amount", .number(text)))
    }
    let (ticket, body) = (try arguments.string("ticket"), members)
    let (given, zone) = try await Operator.withServices(arguments) { (try await TicketWords.order(ticket, "grants", body, $0), $0.connection.zone) }
    return say(given, zone, arguments)
  }

  private static let grants = Command(
    name: "grants", help: HelpText("what was given, and what waits for somebody to agree", zh: "列出授予记录与待审批事项"),
    options: CustomerCommand.who + [
      .value("customer", placeholder: "ID", help: HelpText("only this customer's", zh: "仅该客户的")),
      .value("ticket", placeholder: "ID", help: HelpText("only this ticket's", zh: "仅该工单的")),
      .value(
        "state", placeholder: "STATE", help: HelpText("only these; `all` for every state", zh: "仅此状态；all 为全部"),
        choices: ["all"] + GrantState.allCases.map(\.rawValue), defaultValue: "waiting"),
      .value("after", placeholder: "PLACE", help: HelpText("go on after this place", zh: "从该位置之后继续")),
      .value("limit", placeholder: "N", help: HelpText("at most so many", zh: "最多条数"), defaultValue: "50"), Operator.json,
    ]
  ) { arguments in
    let (state, limit) = (try arguments.string("state"), String(try arguments.int("limit", in: 1...200)))
    let asked = try TicketCommands.maybeAsked(arguments)
    let (answer, zone) = try await Operator.withServices(arguments) { services -> (JSONValue, BusinessZone) in
      let path = ServiceClient.path(
        "/v1/grants",
        [
          ("state", state == "all" ? nil : state), ("ticket_id", arguments.optionalString("ticket")),
          ("customer_id", try await TicketCommands.customerID(asked, services)), ("after", arguments.optionalString("after")), ("limit", limit),
        ])
      return (try await services.call("tickets", .get, path), services.connection.zone)
    }
    guard !arguments.flag("json") else {
      arguments.console.print(answer.encodedText)
      return .ok
    }
    let rows = answer["grants"]?.arrayValue ?? []
    if rows.isEmpty {
      arguments.console.print(Operator.say(arguments, "no grants", "没有授予记录"))
    } else {
      arguments.console.out.write(GrantWords.table(rows, zone, isChinese: Operator.isChinese(arguments)).render())
    }
    if let next = answer["next"]?.stringValue { arguments.console.print(Operator.say(arguments, "more: --after \(next)", "更多：--after \(next)")) }
    return .ok
  }

  private static func decision(_ name: String, _ help: HelpText, _ what: String, needsReason: Bool) -> Command {
    Command(name: name, help: help, options: [actor, reason(isRequired: needsReason), Operator.json], arguments: [id]) { arguments in
      let path = "/v1/grants/\(ServiceClient.escaped(try arguments.string("grant")))"
      let body = JSONValue.object(instruction(arguments)).encoded
      let (decided, zone) = try await Operator.withServices(arguments) { services -> (JSONValue, BusinessZone) in
        let tag = try await services.tagged("tickets", .get, path).tag
        let answer = try await services.tagged(
          "tickets", .post, "\(path)/\(what)", body: body, contentType: "application/json", seen: tag ?? "*")
        return (answer.answer, services.connection.zone)
      }
      return say(decided, zone, arguments)
    }
  }

  private static let approve = decision(
    "approve", HelpText("agree to what somebody else asked for", zh: "批准他人的授予申请"), "approval", needsReason: false)
  private static let reject = decision("reject", HelpText("do not agree to it", zh: "驳回授予申请"), "rejection", needsReason: true)

  private static let allowance = Command(
    name: "allowance", help: HelpText("what a customer was given this year, and what is left", zh: "查看客户本年度已授予与剩余额度"),
    options: CustomerCommand.who + [.value("customer", placeholder: "ID", help: HelpText("by customer id", zh: "按客户编号")), Operator.json]
  ) { arguments in
    let asked = try TicketCommands.asked(arguments)
    let answer = try await Operator.withServices(arguments) { services in
      let customer = try await TicketCommands.customerID(asked, services)
      return try await services.call("tickets", .get, "/v1/customers/\(ServiceClient.escaped(customer))/allowance")
    }
    arguments.console.print(arguments.flag("json") ? answer.encodedText : GrantWords.allowance(answer, isChinese: Operator.isChinese(arguments)))
    return .ok
  }
}
