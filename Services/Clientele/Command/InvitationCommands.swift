// `clientele survey invite`, `invitations`, `opt-out` and `opt-in`: whom customers' surveys go to (F-02, F-03).
import ClienteleCore
import CommandLine
import Documents
import Domain
import HTTP
import Runtime
import Text

enum InvitationCommands {
  static let all = [invite, list, budget, rules, optOut, optIn]

  private static let actor = Option.value("actor", placeholder: "NAME", help: HelpText("who does it; kept for ever", zh: "操作人（永久记录）"), isRequired: true)
  private static let reason = Option.value("reason", placeholder: "TEXT", help: HelpText("why; kept for ever", zh: "理由（永久记录）"))
  private static let customer = Argument("customer", help: HelpText("the customer's id", zh: "客户编号"))

  /// Customers of one file, and of one request.
  private static let customersMax = 100_000
  private static let requestMax = 1_000
  /// The largest file of customer ids, in bytes.
  private static let fileBytesMax = 4 << 20

  // MARK: - Inviting

  private static let invite = Command(
    name: "invite", help: HelpText("make survey links for chosen customers", zh: "为选定客户生成问卷链接"),
    discussion: HelpText(
      "Each link works once and for the survey's days; sending it is yours. Of the same survey, customer and --reference there is one invitation: repeating "
        + "the command gives the same links. Customers that nothing is known of, and those who want no surveys, are not invited.",
      zh: "每个链接仅可使用一次，并在问卷规定的天数内有效；由您自行发送。同一问卷、客户与 --reference 只有一个邀请，重复执行得到相同链接。未知客户与不愿接收问卷的客户不会被邀请。"),
    options: [
      .value("survey", placeholder: "NAME", help: HelpText("which survey", zh: "问卷名称"), isRequired: true),
      .value("customer", placeholder: "ID", help: HelpText("whom; may be repeated", zh: "客户编号，可重复"), isRepeated: true),
      .value("file", placeholder: "FILE", help: HelpText("customer ids, one a line", zh: "客户编号文件，每行一个"), completion: .files),
      .value("reference", placeholder: "WORD", help: HelpText("what this list is called, so that nobody is invited twice for it", zh: "本次名单的名称，避免重复邀请")),
      .value("language", placeholder: "LANG", help: HelpText("of the page; else as the browser prefers", zh: "页面语言；默认随浏览器"), choices: ["en", "zh-CN"]),
      .value("channel", placeholder: "WORD", help: HelpText("how you ask, as email; answers are told apart by it", zh: "发送渠道，如 email")),
      .value("ticket", placeholder: "ID", help: HelpText("the ticket that it is about", zh: "相关工单")),
      .value("order", placeholder: "ID", help: HelpText("the order that it is about", zh: "相关订单")),
      .value("item", placeholder: "ID", help: HelpText("the article that it is about", zh: "相关商品")), actor, reason, Operator.json,
    ]
  ) { arguments in
    let customers = try customers(arguments)
    let members = [
      ("survey", "survey"), ("reference", "reference"), ("language", "language"), ("channel", "channel"), ("ticket", "ticket_id"), ("order", "order_id"),
      ("item", "item"), ("actor", "actor"), ("reason", "reason"),
    ].compactMap { option, member in arguments.optionalString(option).map { JSONMember(member, .text($0)) } }
    let (made, base, zone) = try await Operator.withServices(arguments) { services -> (JSONValue, String, BusinessZone) in
      var lines: [JSONValue] = []
      for start in stride(from: 0, to: customers.count, by: requestMax) {
        let some = customers[start..<min(start + requestMax, customers.count)]
        let body = JSONValue.object(members + [JSONMember("customers", .array(some.map { .text($0) }))]).encoded
        let answer = try await services.call("feedback", .post, "/v1/invitations", body: body, contentType: "application/json")
        lines += answer["invitations"]?.arrayValue ?? []
      }
      let whole = JSONValue.object([JSONMember("invitations", .array(lines))])
      return (whole, try services.connection.url(of: "feedback"), services.connection.zone)
    }
    let table = InvitationWords.made(made, base: base, zone, isChinese: Operator.isChinese(arguments)).render()
    arguments.console.out.write(arguments.flag("json") ? made.encodedText + "\n" : table)
    return .ok
  }

  private static func customers(_ arguments: ParsedArguments) throws -> [String] {
    var customers = arguments.strings("customer")
    if let path = arguments.optionalString("file") {
      guard let bytes = Files.read(path, bytesMax: fileBytesMax) else {
        throw arguments.error(HelpText("--file: \(path) cannot be read", zh: "--file：无法读取 \(path)"))
      }
      let lines = String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isNewline)
      customers += lines.map { line in String(line.filter { !$0.isWhitespace }) }.filter { !$0.isEmpty && !$0.hasPrefix("#") }
    }
    guard !customers.isEmpty else { throw arguments.error(HelpText("say whom: --customer or --file", zh: "请用 --customer 或 --file 指定客户")) }
    guard customers.count <= customersMax else {
      throw arguments.error(HelpText("at most \(customersMax) customers at once", zh: "一次最多 \(customersMax) 位客户"))
    }
    // All are looked at before the first is invited.
    if let bad = customers.first(where: { CustomerID($0) == nil }) {
      throw arguments.error(HelpText("`\(bad)` is no customer id: 16 hexadecimal digits", zh: "“\(bad)”不是客户编号（16 位十六进制数）"))
    }
    return customers
  }

  // MARK: - Looking

  private static let list = Command(
    name: "invitations", help: HelpText("list invitations, the newest first", zh: "列出问卷邀请（由新到旧）"),
    options: [
      .value("customer", placeholder: "ID", help: HelpText("only this customer's", zh: "仅该客户的")),
      .value("survey", placeholder: "NAME", help: HelpText("only to this survey", zh: "仅该问卷")),
      .value(
        "state", placeholder: "STATE", help: HelpText("only in this state", zh: "仅该状态"),
        choices: ["planned", "sent", "undelivered", "opened", "begun", "answered", "expired", "dropped"]),
      .value("after", placeholder: "PLACE", help: HelpText("go on after this place", zh: "从该位置之后继续")),
      .value("limit", placeholder: "N", help: HelpText("at most so many", zh: "最多条数"), defaultValue: "50"), Operator.json,
    ]
  ) { arguments in
    let limit = String(try arguments.int("limit", in: 1...200))
    let asked = [
      ("customer_id", arguments.optionalString("customer")), ("survey", arguments.optionalString("survey")), ("state", arguments.optionalString("state")),
      ("after", arguments.optionalString("after")), ("limit", limit),
    ]
    let (answer, zone) = try await Operator.withServices(arguments) { services in
      (try await services.call("feedback", .get, ServiceClient.path("/v1/invitations", asked)), services.connection.zone)
    }
    guard !arguments.flag("json") else {
      arguments.console.print(answer.encodedText)
      return .ok
    }
    if (answer["invitations"]?.arrayValue ?? []).isEmpty {
      arguments.console.print(Operator.say(arguments, "no invitations", "没有邀请"))
    } else {
      arguments.console.out.write(InvitationWords.table(answer, zone, isChinese: Operator.isChinese(arguments)).render())
    }
    if let next = answer["next"]?.stringValue { arguments.console.print(Operator.say(arguments, "more: --after \(next)", "更多：--after \(next)")) }
    return .ok
  }

  // MARK: - How often

  private static let budget = Command(
    name: "budget", help: HelpText("how often a customer was asked, and whether it may be asked now", zh: "客户的触达额度：已询问次数及当前可否询问"),
    options: [Operator.json], arguments: [customer]
  ) { arguments in
    let path = "/v1/customers/\(ServiceClient.escaped(try arguments.string("customer")))/contacts"
    let (answer, zone) = try await Operator.withServices(arguments) { services in
      (try await services.call("feedback", .get, path), services.connection.zone)
    }
    let words = InvitationWords.budget(answer, zone, isChinese: Operator.isChinese(arguments))
    arguments.console.out.write(arguments.flag("json") ? answer.encodedText + "\n" : words)
    return .ok
  }

  private static let rules = Command(
    name: "check-asking", help: HelpText("say everything that is wrong with a file of when customers are asked", zh: "检查询问时机与触达额度规则文件"),
    discussion: HelpText(
      "docs/feedback.md explains the file. Needs no running suite: the surveys that it names are those that come with the program, and those of --survey.",
      zh: "文件格式见 docs/feedback.md。无需运行套件：文件中的问卷须为随附问卷或 --survey 指定的问卷。"),
    options: [
      .value(
        "survey", placeholder: "FILE", help: HelpText("a survey of your own; may be repeated", zh: "自有问卷文件，可重复"), isRepeated: true, completion: .files),
      Operator.json,
    ],
    arguments: [Argument("file", help: HelpText("the YAML file", zh: "YAML 文件"), completion: .files)]
  ) { arguments in
    try Operator.tellingFaults(arguments) {
      var names: Set<String> = []
      for path in Resources.paths where path.hasPrefix(SurveyDocument.shippedFolder) {
        names.insert(try SurveyDocument.decode(Resources.bytes(path) ?? [], source: path).reference.name)
      }
      for path in arguments.strings("survey") { names.insert(try SurveyDocument.decode(try DocumentFile.read(path), source: path).reference.name) }
      let path = try arguments.string("file")
      let rules = try AskingDocument.decode(try DocumentFile.read(path), source: path, surveys: names)
      let (triggers, schedules, steps) = (rules.triggers.count, rules.schedules.count, rules.steps.count)
      arguments.console.print(
        arguments.flag("json")
          ? "{\"ok\":true}"
          : Operator.say(
            arguments, "ok: v\(rules.version), \(triggers) triggers, \(schedules) schedules, \(steps) steps",
            "通过：v\(rules.version)，\(triggers) 个触发，\(schedules) 个计划，\(steps) 个节点"))
    }
  }

  // MARK: - Who wants none

  private static let optOut = Command(
    name: "opt-out", help: HelpText("a customer wants no surveys", zh: "客户不愿接收问卷"), options: [actor, reason, Operator.json], arguments: [customer]
  ) { arguments in
    let members = ["actor", "reason"].compactMap { name in arguments.optionalString(name).map { JSONMember(name, .text($0)) } }
    return try await say(arguments, .put, JSONValue.object(members).encoded)
  }

  private static let optIn = Command(
    name: "opt-in", help: HelpText("a customer may be asked again", zh: "恢复向客户发送问卷"), options: [Operator.json], arguments: [customer]
  ) { arguments in try await say(arguments, .delete, []) }

  private static func say(_ arguments: ParsedArguments, _ method: HTTPMethod, _ body: [UInt8]) async throws -> ExitCode {
    let path = "/v1/customers/\(ServiceClient.escaped(try arguments.string("customer")))/opt-out"
    let (answer, zone) = try await Operator.withServices(arguments) { services in
      (
        try await services.call("feedback", method, path, body: body, contentType: body.isEmpty ? nil : "application/json"), services.connection.zone
      )
    }
    let words = InvitationWords.optOut(answer, zone, isChinese: Operator.isChinese(arguments))
    arguments.console.out.write(arguments.flag("json") ? answer.encodedText + "\n" : words)
    return .ok
  }
}
