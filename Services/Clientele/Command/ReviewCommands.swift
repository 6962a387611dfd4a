// `clientele review`: changes of a tier that wait for a person (T-07).
import ClienteleCore
import CommandLine
import HTTP
import Text

enum ReviewCommands {
  static let command = Command(
    name: "review", help: HelpText("changes of a tier that wait for a person", zh: "待人工确认的等级变更"),
    discussion: HelpText(
      "The policies' file says which changes confirm themselves. The others wait here until a person confirms or rejects them, or sets another tier.",
      zh: "分级策略文件规定哪些变更自动确认；其余在此等待人工确认、驳回或另设等级。"),
    options: [Operator.folder], subcommands: [list, show, confirm, reject, override])

  private static let actor = Option.value("actor", placeholder: "NAME", help: HelpText("who decides; kept for ever", zh: "决定人（永久记录）"))
  private static let reason = Option.value("reason", placeholder: "TEXT", help: HelpText("why; kept for ever", zh: "理由（永久记录）"))
  private static let version = Option.value(
    "rating", placeholder: "N", help: HelpText("only if this is still the rating, as `show` told it", zh: "仅当评分版本仍为此值（见 show）"))
  private static let filters: [Option] = [
    .value("tier", placeholder: "ID", help: HelpText("only customers of this tier", zh: "仅现等级为此的客户")),
    .value("proposed", placeholder: "ID", help: HelpText("only those proposed for this tier", zh: "仅建议调整为此等级的")),
  ]

  // MARK: - Looking

  private static let list = Command(
    name: "list", help: HelpText("list what waits, oldest first", zh: "列出待确认的变更"),
    options: filters + [
      .value("kind", placeholder: "KIND", help: HelpText("only these", zh: "仅此类"), choices: ["rating", "override"]),
      .value("after", placeholder: "PLACE", help: HelpText("go on after this place", zh: "从该位置之后继续")),
      .value("limit", placeholder: "N", help: HelpText("at most so many", zh: "最多条数"), defaultValue: "50"), Operator.json,
    ]
  ) { arguments in
    let path = ServiceClient.path(
      "/v1/proposals",
      [
        ("tier", arguments.optionalString("tier")), ("proposed_tier", arguments.optionalString("proposed")), ("kind", arguments.optionalString("kind")),
        ("limit", String(try arguments.int("limit", in: 1...200))), ("after", arguments.optionalString("after")),
      ])
    let answer = try await Operator.withServices(arguments) { try await $0.call("tiering", .get, path) }
    guard !arguments.flag("json") else {
      arguments.console.print(answer.encodedText)
      return .ok
    }
    let rows = answer["proposals"]?.arrayValue ?? []
    if rows.isEmpty {
      arguments.console.print(Operator.say(arguments, "nothing waits", "没有待确认的变更"))
    } else {
      arguments.console.out.write(TierDecisions.table(rows, isChinese: Operator.isChinese(arguments)).render())
      let count = answer["count"]?.int64Value ?? 0
      if let next = answer["next"]?.stringValue {
        let shown = rows.count
        arguments.console.print(
          Operator.say(arguments, "\(shown) of \(count); more: --after \(next)", "共 \(count) 条，显示 \(shown) 条；更多：--after \(next)"))
      }
    }
    return .ok
  }

  private static let show = Command(
    name: "show", help: HelpText("show what waits of one customer, and the figures behind it", zh: "查看一条待确认的变更及其依据"),
    options: CustomerCommand.who + [Operator.json], arguments: [CustomerCommand.id]
  ) { arguments in
    let asked = try CustomerCommand.asked(arguments)
    let found = try await Operator.withServices(arguments) { services -> JSONValue? in
      guard let id = try await asked.customerID(services) else { return nil }
      return try await TierDecisions.proposal(of: id, services)?.answer
    }
    guard let found else { return nothing(arguments) }
    let isChinese = Operator.isChinese(arguments)
    arguments.console.out.write(arguments.flag("json") ? found.encodedText + "\n" : TierDecisions.text(of: found, isChinese: isChinese))
    return .ok
  }

  private static func nothing(_ arguments: ParsedArguments) -> ExitCode {
    arguments.console.printError(Operator.say(arguments, "clientele: nothing waits of such a customer", "clientele：该客户没有待确认的变更"))
    return .failed
  }

  // MARK: - Deciding

  private static let confirm = Command(
    name: "confirm", help: HelpText("confirm what waits of a customer, or of many", zh: "确认一条或一批等级变更"),
    discussion: HelpText(
      "With --all the first call shows what would be confirmed and its digest; the same with --digest does it, if nothing has changed. Overrides are "
        + "never among them.",
      zh: "使用 --all 时，第一次只显示将要确认的内容及其摘要；再加 --digest 执行，若期间有变化则不执行。人工设定不在其中。"),
    options: CustomerCommand.who + filters + [
      actor, reason, version, .flag("all", help: HelpText("all that wait, or those that --tier and --proposed choose", zh: "全部，或按 --tier、--proposed 筛选")),
      .value("limit", placeholder: "N", help: HelpText("at most so many at once", zh: "单次最多条数"), defaultValue: "500"),
      .value("digest", placeholder: "DIGEST", help: HelpText("what the preview said", zh: "预览给出的摘要")), Operator.json,
    ], arguments: [CustomerCommand.id]
  ) { arguments in
    guard arguments.flag("all") else { return try await decide(arguments, "confirmation", needsReason: false) }
    return try await confirmAll(arguments)
  }

  private static let reject = Command(
    name: "reject", help: HelpText("reject what waits of a customer", zh: "驳回一条等级变更"),
    discussion: HelpText(
      "The same tier is proposed again when the score has moved by as many points as the policies' file says, or at the next review.",
      zh: "得分变动达到策略文件规定的幅度，或下次复核时，才会再次建议同一等级。"),
    options: CustomerCommand.who + [actor, reason, version, Operator.json], arguments: [CustomerCommand.id]
  ) { arguments in try await decide(arguments, "rejection", needsReason: true) }

  private static func who(_ arguments: ParsedArguments, needsReason: Bool) throws -> [JSONMember] {
    guard let actor = arguments.optionalString("actor") else { throw arguments.error(HelpText("say who decides: --actor NAME", zh: "请给出决定人：--actor NAME")) }
    guard let reason = arguments.optionalString("reason") else {
      if needsReason { throw arguments.error(HelpText("say why: --reason TEXT", zh: "请给出理由：--reason TEXT")) }
      return [JSONMember("actor", .text(actor))]
    }
    return [JSONMember("actor", .text(actor)), JSONMember("reason", .text(reason))]
  }

  private static func decide(_ arguments: ParsedArguments, _ what: String, needsReason: Bool) async throws -> ExitCode {
    let asked = try CustomerCommand.asked(arguments)
    let body = JSONValue.object(try who(arguments, needsReason: needsReason)).encoded
    let version = try arguments.optionalInt("rating", in: 1...Int.max)
    let decided = try await Operator.withServices(arguments) { services -> JSONValue? in
      guard let id = try await asked.customerID(services), let (proposal, tag) = try await TierDecisions.proposal(of: id, services) else { return nil }
      if let version, proposal["rating_version"]?.intValue != version {
        throw SuiteFailure("the rating is \(proposal["rating_version"]?.intValue ?? 0) by now, not \(version): look again with `clientele review show`")
      }
      let path = "/v1/proposals/\(ServiceClient.escaped(id))/\(what)"
      return try await services.tagged("tiering", .post, path, body: body, contentType: "application/json", seen: tag ?? "*").answer
    }
    guard let decided else { return nothing(arguments) }
    return say(decided, arguments)
  }

  private static func say(_ rating: JSONValue, _ arguments: ParsedArguments) -> ExitCode {
    let text = rating["decision"]?["text"]?[Operator.isChinese(arguments) ? "zh" : "en"]?.stringValue ?? "-"
    arguments.console.print(arguments.flag("json") ? rating.encodedText : text)
    return .ok
  }

  private static func confirmAll(_ arguments: ParsedArguments) async throws -> ExitCode {
    let digest = arguments.optionalString("digest")
    let given = [("tier", arguments.optionalString("tier")), ("proposed_tier", arguments.optionalString("proposed")), ("digest", digest)]
    var members = try who(arguments, needsReason: false)
    members += given.compactMap { name, value in value.map { JSONMember(name, .text($0)) } }
    members.append(JSONMember("limit", .integer(Int64(try arguments.int("limit", in: 1...500)))))
    let body = JSONValue.object(members).encoded
    let answer = try await Operator.withServices(arguments) {
      try await $0.call("tiering", .post, "/v1/confirmations", body: body, contentType: "application/json")
    }
    guard !arguments.flag("json") else {
      arguments.console.print(answer.encodedText)
      return .ok
    }
    let rows = answer["proposals"]?.arrayValue ?? []
    let left = answer["left"]?.int64Value ?? 0
    if rows.isEmpty {
      arguments.console.print(Operator.say(arguments, "nothing waits", "没有待确认的变更"))
    } else if digest != nil {
      arguments.console.print(Operator.say(arguments, "confirmed: \(rows.count), left: \(left)", "已确认 \(rows.count) 条，剩余 \(left) 条"))
    } else {
      arguments.console.out.write(TierDecisions.table(rows, isChinese: Operator.isChinese(arguments)).render())
      let mark = answer["digest"]?.stringValue ?? "-"
      arguments.console.print(
        Operator.say(
          arguments, "nothing is confirmed yet; to confirm these \(rows.count), say the same with --digest \(mark) (left afterwards: \(left))",
          "尚未确认；确认以上 \(rows.count) 条请加 --digest \(mark)（之后剩余 \(left) 条）"))
    }
    return .ok
  }

  private static let override = Command(
    name: "override", help: HelpText("ask for another tier than the figures give", zh: "申请人工设定等级"),
    discussion: HelpText(
      "Comes into force when another person confirms it. --at-next-rating says what ratings do until the end: hold (the tier stays), floor (the figures "
        + "may give more), drop (it ends with the first rating of a later day). Afterwards the customer is rated anew from where it was before.",
      zh: "须由他人确认后生效。--at-next-rating 指定期间评分的作用：hold（保持）、floor（可上调）、drop（次日起首次评分时失效）。到期后从原等级重新评分。"),
    options: CustomerCommand.who + [
      .value("tier", placeholder: "ID", help: HelpText("the tier to set", zh: "设定的等级")),
      .value("until", placeholder: "DAY", help: HelpText("the last day on which it holds, as 2026-12-31", zh: "有效至（含当日）")),
      .value(
        "at-next-rating", placeholder: "WHAT", help: HelpText("what ratings do meanwhile", zh: "期间评分的作用"), choices: ["hold", "floor", "drop"]), actor,
      reason, Operator.json,
    ], arguments: [CustomerCommand.id]
  ) { arguments in
    let asked = try CustomerCommand.asked(arguments)
    guard let tier = arguments.optionalString("tier"), let until = arguments.optionalString("until"), let next = arguments.optionalString("at-next-rating")
    else {
      throw arguments.error(
        HelpText("an override needs --tier ID --until DAY --at-next-rating hold|floor|drop", zh: "须给出 --tier、--until 与 --at-next-rating"))
    }
    let members = [JSONMember("tier", .text(tier)), JSONMember("until", .text(until)), JSONMember("at_next_rating", .text(next))]
    let body = JSONValue.object(try who(arguments, needsReason: true) + members).encoded
    let asking = try await Operator.withServices(arguments) { services -> JSONValue? in
      guard let id = try await asked.customerID(services), let (_, tag) = try await TierDecisions.rating(of: id, services) else { return nil }
      let path = "/v1/customers/\(ServiceClient.escaped(id))/override"
      return try await services.tagged("tiering", .post, path, body: body, contentType: "application/json", seen: tag ?? "*").answer
    }
    guard let asking else {
      arguments.console.printError(Operator.say(arguments, "clientele: no such customer was rated", "clientele：没有该客户的评级"))
      return .failed
    }
    return say(asking, arguments)
  }
}
