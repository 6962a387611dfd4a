// `clientele customer why|ratings|automated`: why a customer has its tier, since when, and whether a person decides (T-05, T-07, S-07).
import ClienteleCore
import CommandLine
import HTTP
import Text

enum WhyCommands {
  static let commands = [why, ratings, automated]

  private static let why = Command(
    name: "why", help: HelpText("why a customer has its tier: score, who confirmed, what waits, ways to others", zh: "说明客户为何是此等级"),
    discussion: HelpText(
      "What the customer may ask for (S-07): the figures and their contributions, the policy and its borders, the tier that the figures decide and the one "
        + "that is confirmed, by whom, and what would reach or keep a tier. --rating explains one of the past; `customer ratings` lists them.",
      zh: "即客户有权要求的说明：各项数据与贡献、策略与等级线、按数据判定的等级与已确认的等级、确认人，以及升级或保级的途径。--rating 说明过去的某次评分；编号见 customer ratings。"),
    options: CustomerCommand.who + [
      .value("rating", placeholder: "N", help: HelpText("a rating of the past", zh: "过去某次评分的版本")), Operator.json, Operator.folder,
    ], arguments: [CustomerCommand.id]
  ) { arguments in
    let asked = try CustomerCommand.asked(arguments)
    let version = try arguments.optionalInt("rating", in: 1...Int.max)
    let found = try await Operator.withServices(arguments) { services -> JSONValue? in
      guard let id = try await asked.customerID(services) else { return nil }
      return try await TierDecisions.rating(of: id, version: version, services)?.answer
    }
    guard let found else { return unknown(arguments) }
    let isChinese = Operator.isChinese(arguments)
    arguments.console.out.write(arguments.flag("json") ? found.encodedText + "\n" : TierDecisions.why(found, isChinese: isChinese))
    return .ok
  }

  private static func unknown(_ arguments: ParsedArguments) -> ExitCode {
    arguments.console.printError(Operator.say(arguments, "clientele: there is no such rating", "clientele：没有该评分"))
    return .failed
  }

  private static let ratings = Command(
    name: "ratings", help: HelpText("all ratings and decisions of a customer, newest first", zh: "客户的全部评分与决定"),
    options: CustomerCommand.who + [
      .value("before", placeholder: "N", help: HelpText("only ratings before this one", zh: "从该版本之前开始")),
      .value("limit", placeholder: "N", help: HelpText("at most so many", zh: "最多条数"), defaultValue: "50"), Operator.json, Operator.folder,
    ], arguments: [CustomerCommand.id]
  ) { arguments in
    let asked = try CustomerCommand.asked(arguments)
    let query = [
      ("limit", String(try arguments.int("limit", in: 1...200)) as String?),
      ("before", try arguments.optionalInt("before", in: 1...Int.max).map { String($0) }),
    ]
    let found = try await Operator.withServices(arguments) { services -> JSONValue? in
      guard let id = try await asked.customerID(services) else { return nil }
      let path = ServiceClient.path("/v1/customers/\(ServiceClient.escaped(id))/ratings", query.map { (name: $0.0, value: $0.1) })
      do { return try await services.call("tiering", .get, path) } catch let refusal as ServiceRefusal where refusal.status == 404 { return nil }
    }
    guard let found else { return unknown(arguments) }
    guard !arguments.flag("json") else {
      arguments.console.print(found.encodedText)
      return .ok
    }
    arguments.console.out.write(TierDecisions.history(found["ratings"]?.arrayValue ?? [], isChinese: Operator.isChinese(arguments)).render())
    if let next = found["next"]?.int64Value { arguments.console.print(Operator.say(arguments, "more: --before \(next)", "更多：--before \(next)")) }
    return .ok
  }

  private static let automated = Command(
    name: "automated", help: HelpText("whether ratings may change a customer's tier by themselves", zh: "客户是否接受自动分级"),
    discussion: HelpText(
      "A customer may refuse automated tiering: then every change is a proposal, and a person decides. Without --off or --on it says how it is.",
      zh: "客户可拒绝自动分级：此后任何变更都仅为建议，由人工决定。不带 --off 或 --on 时只查询。"),
    options: CustomerCommand.who + [
      .flag("off", help: HelpText("the customer refuses", zh: "客户拒绝自动分级")), .flag("on", help: HelpText("the customer accepts again", zh: "客户恢复自动分级")),
      .value("actor", placeholder: "NAME", help: HelpText("who records it; kept for ever", zh: "记录人（永久记录）")),
      .value("reason", placeholder: "TEXT", help: HelpText("why; kept for ever", zh: "理由（永久记录）")), Operator.json, Operator.folder,
    ], arguments: [CustomerCommand.id]
  ) { arguments in
    let asked = try CustomerCommand.asked(arguments)
    let (off, on) = (arguments.flag("off"), arguments.flag("on"))
    if off, on { throw arguments.error(HelpText("give either --off or --on", zh: "请给出 --off 或 --on 其中之一")) }
    var body: [UInt8]?
    if off || on {
      guard let actor = arguments.optionalString("actor"), let reason = arguments.optionalString("reason") else {
        throw arguments.error(HelpText("say who records it and why: --actor NAME --reason TEXT", zh: "请给出记录人与理由：--actor NAME --reason TEXT"))
      }
      body = JSONValue.object([JSONMember("allowed", .boolean(on)), JSONMember("actor", .text(actor)), JSONMember("reason", .text(reason))]).encoded
    }
    let order = body
    let found = try await Operator.withServices(arguments) { services -> JSONValue? in
      guard let id = try await asked.customerID(services) else { return nil }
      let path = "/v1/customers/\(ServiceClient.escaped(id))/automated-tiering"
      do {
        let (answer, tag) = try await services.tagged("tiering", .get, path)
        guard let order else { return answer }
        return try await services.tagged("tiering", .put, path, body: order, contentType: "application/json", seen: tag ?? "*").answer
      } catch let refusal as ServiceRefusal where refusal.status == 404 { return nil }
    }
    guard let found else { return unknown(arguments) }
    let isAllowed = found["allowed"]?.booleanValue == true
    var text =
      isAllowed
      ? Operator.say(arguments, "the customer is in automated tiering", "该客户接受自动分级")
      : Operator.say(arguments, "the customer refused automated tiering: a person decides every change", "该客户已拒绝自动分级：任何变更均由人工决定")
    if let part = found["refused_by"]?.stringValue, part != found["customer_id"]?.stringValue {
      text += Operator.say(arguments, " (refused as \(part), which is part of the customer)", "（拒绝来自已并入该客户的 \(part)）")
    }
    arguments.console.print(arguments.flag("json") ? found.encodedText : text)
    return .ok
  }
}
