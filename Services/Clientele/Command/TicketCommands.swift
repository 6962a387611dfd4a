// `clientele ticket`: what customers ask for, and what they were promised (K-01 to K-08).
import ClienteleCore
import CommandLine
import Domain
import HTTP
import Text

enum TicketCommands {
  static let command = Command(
    name: "ticket", help: HelpText("tickets: open, answer, wait, resolve, and why a deadline is when it is", zh: "工单：开启、回复、等待、解决，以及时限说明"),
    discussion: HelpText(
      "Contacts open tickets by themselves. Who changes a ticket changes it as it stood when the command looked: of two at once the second is told. "
        + "docs/tickets.md explains states, clocks and rules.",
      zh: "客户来访会自动开启工单。修改以命令读取时的状态为准：两人同时修改时，后者会被告知冲突。状态、时钟与规则见 docs/tickets.md。"),
    options: [Operator.folder],
    subcommands: [
      open, list, show, history, explain, start, reply, message, wait, resume, resolve, close, reopen, assign, milestone, sort, link, merge,
      KnowledgeCommands.suggest, accept, decline, acceptances,
    ] + GrantCommands.all)

  private static let ticket = Argument("ticket", help: HelpText("the ticket's id: 16 hexadecimal digits", zh: "工单编号：16 位十六进制数"))
  private static let actor = Option.value("actor", placeholder: "NAME", help: HelpText("who does it; kept for ever", zh: "操作人（永久记录）"), isRequired: true)
  private static let reason = Option.value("reason", placeholder: "TEXT", help: HelpText("why; kept for ever", zh: "理由（永久记录）"))
  private static let subject: [Option] = [
    .value("kind", placeholder: "KIND", help: HelpText("what it is about", zh: "类别"), choices: ContactEvent.Kind.allCases.map(\.rawValue)),
    .value("category", placeholder: "TEXT", help: HelpText("the subject in your own words", zh: "分类")),
    .value("urgency", placeholder: "URGENCY", help: HelpText("how bad it is", zh: "紧急程度"), choices: ContactEvent.Urgency.allCases.map(\.rawValue)),
  ]

  private static func members(_ arguments: ParsedArguments, _ names: [(option: String, member: String)]) -> [JSONMember] {
    ([("actor", "actor"), ("reason", "reason")] + names).compactMap { option, member in
      arguments.optionalString(option).map { JSONMember(member, .text($0)) }
    }
  }

  private static let subjectMembers = [("kind", "kind"), ("category", "category"), ("urgency", "urgency")]

  /// The ticket as JSON or as a sheet.
  private static func say(_ ticket: JSONValue, _ zone: BusinessZone, _ arguments: ParsedArguments) -> ExitCode {
    let text = TicketWords.sheet(ticket, zone, isChinese: Operator.isChinese(arguments))
    arguments.console.out.write(arguments.flag("json") ? ticket.encodedText + "\n" : text)
    return .ok
  }

  // MARK: - Looking

  private static let list = Command(
    name: "list", help: HelpText("list tickets, the oldest first or what is due first", zh: "列出工单（由旧到新，或按时限）"),
    options: CustomerCommand.who + [
      .value("customer", placeholder: "ID", help: HelpText("only this customer's", zh: "仅该客户的")),
      .value(
        "state", placeholder: "STATE", help: HelpText("only these; `all` for every state", zh: "仅此状态；all 为全部"),
        choices: ["unresolved", "all"] + TicketState.allCases.map(\.rawValue), defaultValue: "unresolved"),
      .value("owner", placeholder: "NAME", help: HelpText("only this person's", zh: "仅该负责人的")),
      .value("team", placeholder: "ID", help: HelpText("only this team's", zh: "仅该团队的")),
      .value("tier", placeholder: "ID", help: HelpText("only customers of this tier", zh: "仅该等级的客户")),
      .value("kind", placeholder: "KIND", help: HelpText("only this kind", zh: "仅该类别"), choices: ContactEvent.Kind.allCases.map(\.rawValue)),
      .value("priority", placeholder: "P", help: HelpText("only this priority", zh: "仅该优先级"), choices: ServicePriority.allCases.map(\.rawValue)),
      .value(
        "order", placeholder: "ORDER", help: HelpText("what comes first; by what is due there are unresolved ones only", zh: "排序方式；按时限仅限未解决工单"),
        choices: ["opened", "due"]),
      .flag("unassigned", help: HelpText("only those that nobody works on", zh: "仅未分派的")), .flag("late", help: HelpText("only late ones", zh: "仅已超时的")),
      .value("after", placeholder: "PLACE", help: HelpText("go on after this place", zh: "从该位置之后继续")),
      .value("limit", placeholder: "N", help: HelpText("at most so many", zh: "最多条数"), defaultValue: "50"), Operator.unmask, Operator.viewer, Operator.json,
    ]
  ) { arguments in
    let (limit, headers) = (String(try arguments.int("limit", in: 1...200)), try Operator.unmasking(arguments))
    let state = try arguments.string("state")
    let asked = try maybeAsked(arguments)
    let (answer, zone) = try await Operator.withServices(arguments) { services -> (JSONValue, BusinessZone) in
      let customer = try await customerID(asked, services)
      let path = ServiceClient.path(
        "/v1/tickets",
        [
          ("state", state == "all" ? nil : state), ("customer_id", customer), ("owner", arguments.optionalString("owner")),
          ("team", arguments.optionalString("team")), ("tier", arguments.optionalString("tier")), ("kind", arguments.optionalString("kind")),
          ("priority", arguments.optionalString("priority")), ("order", arguments.optionalString("order")),
          ("unassigned", arguments.flag("unassigned") ? "true" : nil), ("late", arguments.flag("late") ? "true" : nil),
          ("after", arguments.optionalString("after")), ("limit", limit),
        ])
      return (try await services.call("tickets", .get, path, headers: headers), services.connection.zone)
    }
    guard !arguments.flag("json") else {
      arguments.console.print(answer.encodedText)
      return .ok
    }
    let rows = answer["tickets"]?.arrayValue ?? []
    if rows.isEmpty {
      arguments.console.print(Operator.say(arguments, "no tickets", "没有工单"))
    } else {
      arguments.console.out.write(TicketWords.table(rows, zone, isChinese: Operator.isChinese(arguments)).render())
    }
    if let next = answer["next"]?.stringValue { arguments.console.print(Operator.say(arguments, "more: --after \(next)", "更多：--after \(next)")) }
    return .ok
  }

  private static let show = Command(
    name: "show", help: HelpText("show a ticket with its clocks", zh: "查看工单及其时钟"),
    options: [Operator.unmask, Operator.viewer, Operator.json], arguments: [ticket]
  ) { arguments in
    let (id, headers) = (try arguments.string("ticket"), try Operator.unmasking(arguments))
    let (found, zone) = try await Operator.withServices(arguments) { (try await TicketWords.find(id, $0, headers).ticket, $0.connection.zone) }
    return say(found, zone, arguments)
  }

  private static let history = Command(
    name: "history", help: HelpText("everything that happened to a ticket", zh: "工单历史"),
    options: [
      .value("after", placeholder: "N", help: HelpText("go on after this line", zh: "从该行之后继续"), defaultValue: "0"),
      .value("limit", placeholder: "N", help: HelpText("at most so many", zh: "最多条数"), defaultValue: "50"), Operator.unmask, Operator.viewer, Operator.json,
    ], arguments: [ticket]
  ) { arguments in
    let (id, limit, headers) = (try arguments.string("ticket"), try arguments.int("limit", in: 1...200), try Operator.unmasking(arguments))
    let after = try arguments.int("after", in: 0...Int(Int32.max))
    let path = ServiceClient.path("/v1/tickets/\(ServiceClient.escaped(id))/history", [("after", String(after)), ("limit", String(limit))])
    let (answer, zone) = try await Operator.withServices(arguments) { (try await $0.call("tickets", .get, path, headers: headers), $0.connection.zone) }
    guard !arguments.flag("json") else {
      arguments.console.print(answer.encodedText)
      return .ok
    }
    arguments.console.out.write(TicketWords.history(answer["events"]?.arrayValue ?? [], zone, isChinese: Operator.isChinese(arguments)).render())
    if let next = answer["next"]?.int64Value { arguments.console.print(Operator.say(arguments, "more: --after \(next)", "更多：--after \(next)")) }
    return .ok
  }

  private static let explain = Command(
    name: "explain", help: HelpText("why each deadline is when it is: every piece of time and what it counts as", zh: "逐段说明各时限的由来"),
    options: [Operator.json], arguments: [ticket]
  ) { arguments in
    let id = try arguments.string("ticket")
    let path = "/v1/tickets/\(ServiceClient.escaped(id))/explanation"
    let (answer, zone) = try await Operator.withServices(arguments) { (try await $0.call("tickets", .get, path), $0.connection.zone) }
    let text = TicketWords.explanation(answer, zone, isChinese: Operator.isChinese(arguments))
    arguments.console.out.write(arguments.flag("json") ? answer.encodedText + "\n" : text)
    return .ok
  }

  // MARK: - Opening

  static func asked(_ arguments: ParsedArguments) throws -> CustomerAsked {
    let given: [CustomerAsked] = [
      arguments.optionalString("customer").map { .id($0) }, arguments.optionalString("member").map { .member($0) },
      arguments.optionalString("phone").map { .phone($0) }, arguments.optionalString("email").map { .email($0) },
    ].compactMap { $0 }
    guard let asked = given.first, given.count == 1 else {
      throw arguments.error(
        HelpText("give exactly one of --customer, --member, --phone and --email", zh: "请给出 --customer、--member、--phone、--email 其中之一"))
    }
    return asked
  }

  /// The customer, if one was named at all.
  static func maybeAsked(_ arguments: ParsedArguments) throws -> CustomerAsked? {
    let isNamed = ["customer", "member", "phone", "email"].contains { arguments.optionalString($0) != nil }
    return isNamed ? try asked(arguments) : nil
  }

  static func customerID(_ asked: CustomerAsked, _ services: ServiceClient) async throws -> String {
    guard let id = try await asked.customerID(services) else { throw SuiteFailure("there is no such customer") }
    return id
  }

  static func customerID(_ asked: CustomerAsked?, _ services: ServiceClient) async throws -> String? {
    guard let asked else { return nil }
    let id: String = try await customerID(asked, services)
    return id
  }

  private static let open = Command(
    name: "open", help: HelpText("open a ticket for a customer", zh: "为客户开启工单"),
    options: CustomerCommand.who + [.value("customer", placeholder: "ID", help: HelpText("by customer id", zh: "按客户编号"))] + subject + [
      .value("text", placeholder: "TEXT", help: HelpText("what the customer said", zh: "客户所述"), isRequired: true),
      .value("channel", placeholder: "NAME", help: HelpText("over which channel", zh: "渠道")),
      .value("order", placeholder: "ID", help: HelpText("the order that it is about", zh: "相关订单")),
      .value("key", placeholder: "KEY", help: HelpText("given again, the same ticket is answered instead of a second one", zh: "幂等键：重复提交返回同一工单")),
      actor, reason, Operator.json,
    ]
  ) { arguments in
    let asked = try asked(arguments)
    var members = members(arguments, subjectMembers + [("text", "text"), ("channel", "channel"), ("order", "order_id")])
    var headers: HTTPHeaders = [:]
    if let key = arguments.optionalString("key") { headers["Idempotency-Key"] = key }
    let given = headers
    let (opened, zone) = try await Operator.withServices(arguments) { services -> (JSONValue, BusinessZone) in
      members.append(JSONMember("customer_id", .text(try await customerID(asked, services))))
      let body = JSONValue.object(members).encoded
      return (
        try await services.call("tickets", .post, "/v1/tickets", body: body, contentType: "application/json", headers: given), services.connection.zone
      )
    }
    return say(opened, zone, arguments)
  }

  // MARK: - Working

  /// A command that does one thing to one ticket.
  private static func deed(
    _ name: String, _ help: HelpText, _ what: String, options: [Option] = [], _ names: [(option: String, member: String)] = [], fixed: [JSONMember] = []
  ) -> Command {
    Command(name: name, help: help, options: options + [actor, reason, Operator.json], arguments: [ticket]) { arguments in
      let id = try arguments.string("ticket")
      let members = members(arguments, names) + fixed
      let (changed, zone) = try await Operator.withServices(arguments) { (try await TicketWords.order(id, what, members, $0), $0.connection.zone) }
      return say(changed, zone, arguments)
    }
  }

  private static func step(
    _ name: String, _ step: TicketStep, _ help: HelpText, options: [Option] = [], _ names: [(option: String, member: String)] = []
  ) -> Command {
    deed(name, help, "steps", options: options, names, fixed: [JSONMember("step", .text(step.rawValue))])
  }

  private static let words = Option.value("text", placeholder: "TEXT", help: HelpText("what was said", zh: "内容"))

  private static let start = step("start", .start, HelpText("begin to work on a ticket", zh: "开始处理"))
  private static let reply = step("reply", .reply, HelpText("note an answer to the customer", zh: "记录对客户的回复"), options: [words], [("text", "text")])
  private static let message = step(
    "message", .message, HelpText("note what the customer said", zh: "记录客户所述"), options: [words], [("text", "text")])
  private static let resume = step("resume", .resume, HelpText("the wait is over", zh: "结束等待"))
  private static let close = step("close", .close, HelpText("close a resolved ticket", zh: "关闭已解决的工单"))
  private static let reopen = step("reopen", .reopen, HelpText("open a resolved or closed ticket again; needs --reason", zh: "重新打开（需 --reason）"))
  private static let resolve = step(
    "resolve", .resolve, HelpText("say how it was solved", zh: "解决工单"),
    options: [
      .value("code", placeholder: "CODE", help: HelpText("a resolution code of the desk's file", zh: "解决代码（见服务台规则文件）"), isRequired: true),
      .value("root-cause", placeholder: "CODE", help: HelpText("a root cause; faults and complaints need one", zh: "根本原因（故障与投诉必填）")),
    ], [("code", "code"), ("root-cause", "root_cause")])

  private static let wait = Command(
    name: "wait", help: HelpText("wait for the customer or a third party: all clocks stand still", zh: "等待客户或第三方：所有时钟暂停"),
    options: [
      .value("for", placeholder: "WHOM", help: HelpText("for whom", zh: "等待对象"), choices: ["customer", "third-party"], defaultValue: "customer"), actor,
      reason, Operator.json,
    ], arguments: [ticket]
  ) { arguments in
    let id = try arguments.string("ticket")
    let step: TicketStep = try arguments.string("for") == "customer" ? .waitForCustomer : .waitForThirdParty
    let members = members(arguments, []) + [JSONMember("step", .text(step.rawValue))]
    let (changed, zone) = try await Operator.withServices(arguments) { (try await TicketWords.order(id, "steps", members, $0), $0.connection.zone) }
    return say(changed, zone, arguments)
  }

  private static let assign = deed(
    "assign",
    HelpText("give a ticket to somebody, to a team, or, with neither, to whom the rules say; its clocks go on", zh: "分派工单给个人或团队，均未给出则按规则（计时不受影响）"),
    "assignment",
    options: [
      .value("owner", placeholder: "NAME", help: HelpText("who works on it", zh: "负责人")),
      .value("team", placeholder: "ID", help: HelpText("in whose queue it lies", zh: "团队")),
    ], [("owner", "owner"), ("team", "team")])
  private static let milestone = deed(
    "milestone", HelpText("note that somebody was on site, a quote was made, or feasibility answered", zh: "记录到场、报价或可行性答复"), "milestones",
    options: [
      .value(
        "clock", placeholder: "CLOCK", help: HelpText("which promise was kept", zh: "已履行的承诺"),
        choices: [ServiceClock.onSite, .quote, .feasibility].map(\.rawValue), isRequired: true)
    ], [("clock", "clock")])
  private static let sort = deed(
    "sort", HelpText("say what it is about; what is left out becomes unknown", zh: "更改类别、分类与紧急程度（未给出者清空）"), "subject", options: subject,
    subjectMembers)
  private static let link = deed(
    "link", HelpText("note that two tickets belong together", zh: "关联两张工单"), "links",
    options: [.value("to", placeholder: "TICKET", help: HelpText("the other one", zh: "另一张工单"), isRequired: true)], [("to", "ticket_id")])
  private static let merge = deed(
    "merge", HelpText("make a ticket part of another of the same customer", zh: "将工单并入同一客户的另一张"), "merge",
    options: [.value("into", placeholder: "TICKET", help: HelpText("the one that goes on", zh: "保留的工单"), isRequired: true)], [("into", "into")])

  // MARK: - Acceptance

  private static let given: [Option] = [
    .value(
      "value", placeholder: "VALUE", help: HelpText("whether it gave the value that was promised", zh: "是否达到预期价值"),
      choices: ValueGiven.allCases.map(\.rawValue), isRequired: true),
    .value("note", placeholder: "TEXT", help: HelpText("what the value is, in words", zh: "价值说明")),
  ]
  private static let accept = deed(
    "accept", HelpText("note that the customer accepts what was delivered, and what it gave", zh: "登记客户验收通过及价值确认"), "acceptance", options: given,
    [("value", "value"), ("note", "note")], fixed: [JSONMember("outcome", .text("accepted"))])
  private static let decline = deed(
    "decline",
    HelpText("note that the customer does not accept it: the ticket is open again; needs --reason", zh: "登记客户验收不通过：工单重新打开（需 --reason）"),
    "acceptance", options: given, [("value", "value"), ("note", "note")], fixed: [JSONMember("outcome", .text("rejected"))])

  private static let acceptances = Command(
    name: "acceptances", help: HelpText("whose delivered work is to be accepted, what is due first first", zh: "待验收的工单（先到期者在前）"),
    options: [
      .flag("overdue", help: HelpText("only what was due before today", zh: "仅已逾期的")),
      .value("owner", placeholder: "NAME", help: HelpText("only this person's", zh: "仅该负责人的")),
      .value("team", placeholder: "ID", help: HelpText("only this team's", zh: "仅该团队的")),
      .value("after", placeholder: "PLACE", help: HelpText("go on after this place", zh: "从该位置之后继续")),
      .value("limit", placeholder: "N", help: HelpText("at most so many", zh: "最多条数"), defaultValue: "50"), Operator.unmask, Operator.viewer, Operator.json,
    ]
  ) { arguments in
    let (limit, headers) = (String(try arguments.int("limit", in: 1...200)), try Operator.unmasking(arguments))
    let path = ServiceClient.path(
      "/v1/acceptances",
      [
        ("overdue", arguments.flag("overdue") ? "true" : nil), ("owner", arguments.optionalString("owner")), ("team", arguments.optionalString("team")),
        ("after", arguments.optionalString("after")), ("limit", limit),
      ])
    let answer = try await Operator.withServices(arguments) { try await $0.call("tickets", .get, path, headers: headers) }
    guard !arguments.flag("json") else {
      arguments.console.print(answer.encodedText)
      return .ok
    }
    let rows = answer["tickets"]?.arrayValue ?? []
    if rows.isEmpty {
      arguments.console.print(Operator.say(arguments, "nothing is to be accepted", "没有待验收的工单"))
    } else {
      arguments.console.out.write(TicketWords.acceptances(rows, today: answer["today"]?.stringValue ?? "", isChinese: Operator.isChinese(arguments)).render())
    }
    if let next = answer["next"]?.stringValue { arguments.console.print(Operator.say(arguments, "more: --after \(next)", "更多：--after \(next)")) }
    return .ok
  }
}
