// `clientele tag`: what customers are marked with, by rules and by people (P-10).
import ClienteleCore
import CommandLine
import Documents
import Domain
import HTTP
import Text

enum TagCommands {
  static let command = Command(
    name: "tag", help: HelpText("what customers are marked with, by rules and by people", zh: "客户标签"),
    subcommands: [list, customers, show, add, remove, simulate, check])

  private static let tag = Argument("tag", help: HelpText("the tag", zh: "标签"))
  private static let file = Argument("file", help: HelpText("the rules' YAML file", zh: "规则 YAML 文件"), completion: .files)

  private static func name(_ value: JSONValue?, _ arguments: ParsedArguments) -> String? {
    value?[Operator.isChinese(arguments) ? "zh" : "en"]?.stringValue
  }

  // MARK: - Rules and their bearers

  private static let list = Command(
    name: "list", help: HelpText("the rules in force, and how many customers have each tag", zh: "列出现行标签规则与客户数"), options: [Operator.json, Operator.folder]
  ) { arguments in
    let answer = try await Operator.withServices(arguments) { try await $0.call("profile", .get, "/v1/tags") }
    if arguments.flag("json") {
      arguments.console.print(answer.encodedText)
      return .ok
    }
    func say(_ english: String, _ chinese: String) -> String { Operator.say(arguments, english, chinese) }
    var table = Table([
      .init(say("Tag", "标签")), .init(say("Name", "名称")), .init(say("Group", "类别")), .init(say("Customers", "客户数"), .right), .init(say("Rule", "规则")),
    ])
    for row in answer["tags"]?.arrayValue ?? [] {
      let words = [row["tag"]?.stringValue, name(row["name"], arguments), row["group"]?.stringValue]
      table.add(words.map { $0 ?? "-" } + [number(row["customers"]), name(row["rule"], arguments) ?? "-"])
    }
    for row in answer["given"]?.arrayValue ?? [] {
      table.add([row["tag"]?.stringValue ?? "-", "-", say("given by people", "人工"), number(row["customers"]), "-"])
    }
    arguments.console.print(say("Version \(number(answer["version"]))", "第 \(number(answer["version"])) 版"))
    arguments.console.out.write(table.render())
    return .ok
  }

  private static func number(_ value: JSONValue?) -> String { value?.int64Value.map { String($0) } ?? "-" }

  private static let customers = Command(
    name: "customers", help: HelpText("customers that have a tag", zh: "列出具有某标签的客户"),
    options: [
      .value("limit", placeholder: "N", help: HelpText("at most so many", zh: "最多条数"), defaultValue: "50"),
      .value("after", placeholder: "ID", help: HelpText("only customers after this one", zh: "从该客户之后开始")), Operator.json, Operator.folder,
    ], arguments: [tag]
  ) { arguments in
    let path = ServiceClient.path(
      "/v1/tags/customers",
      [
        ("tag", try arguments.string("tag")), ("limit", String(try arguments.int("limit", in: 1...200))),
        ("after", arguments.optionalString("after")?.lowercased()),
      ])
    let answer = try await Operator.withServices(arguments) { try await $0.call("profile", .get, path) }
    if arguments.flag("json") {
      arguments.console.print(answer.encodedText)
      return .ok
    }
    let rows = answer["customers"]?.arrayValue ?? []
    if rows.isEmpty { arguments.console.print(Operator.say(arguments, "none", "没有")) }
    for row in rows {
      let tags = (row["tags"]?.arrayValue ?? []).compactMap(\.stringValue).joined(separator: ", ")
      arguments.console.print("\(row["customer_id"]?.stringValue ?? "-")  \(row["member_id"]?.stringValue ?? "-")  \(tags)")
    }
    if let next = answer["next"]?.stringValue { arguments.console.print(Operator.say(arguments, "more: --after \(next)", "更多：--after \(next)")) }
    return .ok
  }

  // MARK: - One customer

  private static let show = Command(
    name: "show", help: HelpText("the tags of a customer: since when, why, and what it had before", zh: "查看客户标签、起始时间、原因与历史"),
    options: CustomerCommand.who + CustomerCommand.days + [Operator.json, Operator.folder], arguments: [CustomerCommand.id]
  ) { arguments in
    let asked = try CustomerCommand.asked(arguments)
    let answer = try await Operator.withServices(arguments) { services -> JSONValue? in
      guard let id = try await asked.customerID(services) else { return nil }
      return try await services.call("profile", .get, ServiceClient.path(path(of: id), CustomerCommand.days(arguments)))
    }
    guard let answer else { return noCustomer(arguments) }
    if arguments.flag("json") {
      arguments.console.print(answer.encodedText)
      return .ok
    }
    func say(_ english: String, _ chinese: String) -> String { Operator.say(arguments, english, chinese) }
    let current = answer["tags"]?.arrayValue ?? []
    if current.isEmpty { arguments.console.print(say("no tags", "没有标签")) }
    for row in current { arguments.console.print(line(row, arguments)) }
    let past = (answer["history"]?.arrayValue ?? []).filter { $0["cleared"]?.stringValue != nil }
    if !past.isEmpty { arguments.console.print(say("before:", "曾有：")) }
    for row in past {
      let words = [row["tag"], row["since"], row["cleared"]].map { $0?.stringValue ?? "-" }
      arguments.console.print("  \(words[0])  \(words[1]) - \(words[2])  \(name(row["cleared_because"], arguments) ?? "")")
    }
    return .ok
  }

  private static func path(of id: String) -> String { "/v1/customers/" + ServiceClient.escaped(id) + "/tags" }

  private static func noCustomer(_ arguments: ParsedArguments) -> ExitCode {
    arguments.console.printError(Operator.say(arguments, "clientele: there is no such customer", "clientele：没有该客户"))
    return .failed
  }

  private static func line(_ row: JSONValue, _ arguments: ParsedArguments) -> String {
    let (tag, since) = (row["tag"]?.stringValue ?? "-", row["since"]?.stringValue ?? "-")
    if row["source"]?.stringValue == "rule" { return "\(tag)  \(since)  \(name(row["because"], arguments) ?? "")" }
    let end = row["until"]?.stringValue.map { Operator.say(arguments, " until \($0)", "，至 \($0)") } ?? ""
    let (actor, reason) = (row["actor"]?.stringValue ?? "-", row["reason"]?.stringValue ?? "-")
    return Operator.say(arguments, "\(tag)  \(since)  given by \(actor)\(end): \(reason)", "\(tag)  \(since)  由 \(actor) 添加\(end)：\(reason)")
  }

  // MARK: - Given by people

  private static let actor = Option.value("actor", placeholder: "NAME", help: HelpText("who decides; kept for ever", zh: "操作人（永久记录）"))
  private static let reason = Option.value("reason", placeholder: "TEXT", help: HelpText("why; kept for ever", zh: "理由（永久记录）"))

  private static let add = Command(
    name: "add", help: HelpText("give a customer a tag", zh: "为客户添加标签"),
    discussion: HelpText(
      "Holds until the day given, or until it is taken away, whatever rules say; it follows merges and undone merges. Any words will do.",
      zh: "有效至指定日期或被移除为止，不受规则影响；随合并与撤销合并转移。标签文字不限。"),
    options: CustomerCommand.who + [
      .value("until", placeholder: "DAY", help: HelpText("the last day on which it holds", zh: "最后有效日期")), actor, reason, Operator.json, Operator.folder,
    ], arguments: [tag, CustomerCommand.id]
  ) { arguments in
    let until = arguments.optionalString("until").map { JSONMember("until", .text($0)) }
    return try await send(arguments, "", [until].compactMap { $0 }, "the tag is given", "标签已添加")
  }

  private static let remove = Command(
    name: "remove", help: HelpText("take a tag away that a person gave", zh: "移除人工添加的标签"),
    options: CustomerCommand.who + [actor, reason, Operator.json, Operator.folder], arguments: [tag, CustomerCommand.id]
  ) { arguments in
    try await send(arguments, "/removals", [], "the tag is taken away", "标签已移除")
  }

  private static func send(
    _ arguments: ParsedArguments, _ suffix: String, _ members: [JSONMember], _ english: String, _ chinese: String
  ) async throws -> ExitCode {
    let asked = try CustomerCommand.asked(arguments)
    guard let actor = arguments.optionalString("actor"), let reason = arguments.optionalString("reason") else {
      throw arguments.error(HelpText("say who decides and why: --actor NAME --reason TEXT", zh: "请给出操作人与理由：--actor NAME --reason TEXT"))
    }
    let given = [JSONMember("tag", .text(try arguments.string("tag"))), JSONMember("actor", .text(actor)), JSONMember("reason", .text(reason))]
    let body = JSONValue.object(given + members).encoded
    let answer = try await Operator.withServices(arguments) { services -> JSONValue? in
      guard let id = try await asked.customerID(services) else { return nil }
      return try await services.call("profile", .post, path(of: id) + suffix, body: body, contentType: "application/json")
    }
    guard let answer else { return noCustomer(arguments) }
    arguments.console.print(arguments.flag("json") ? answer.encodedText : Operator.say(arguments, english, chinese))
    return .ok
  }

  // MARK: - Other rules

  private static let simulate = Command(
    name: "simulate", help: HelpText("who would get which tag by rules that are not in force", zh: "按尚未启用的规则对全体客户试算"),
    discussion: HelpText(
      "The profile service judges all its customers as it would if the file came into force now; nothing changes.", zh: "由客户视图服务按启用该文件的结果对全体客户试算；不改变任何数据。"),
    options: [
      .flag("customers", help: HelpText("list every customer whose tags would change", zh: "逐一列出标签将变动的客户")),
      .value("tag", placeholder: "ID", help: HelpText("only this tag", zh: "仅此标签")), Operator.json, Operator.folder,
    ], arguments: [file]
  ) { arguments in
    let bytes = try await InputFile.whole(try arguments.string("file"), bytesMax: 1 << 20)
    let listed = arguments.flag("customers") || arguments.flag("json")
    let simulation = try await Operator.withServices(arguments) { try await TagSimulation.run(bytes, keepsChanges: listed, $0) }
    if simulation.isRegisteredOtherwise {
      let english = "clientele: this version is registered with another content: raise it before it comes into force"
      arguments.console.printError(Operator.say(arguments, english, "clientele：该版本已以其他内容登记；启用前请提高版本号"))
    }
    if arguments.flag("json") { arguments.console.print(simulation.json.encodedText) } else { show(simulation, arguments) }
    return .ok
  }

  private static func show(_ simulation: TagSimulation, _ arguments: ParsedArguments) {
    func say(_ english: String, _ chinese: String) -> String { Operator.say(arguments, english, chinese) }
    let only = arguments.optionalString("tag")
    var table = Table([
      .init(say("Tag", "标签")), .init(say("Name", "名称")), .init(say("Now", "现在"), .right), .init(say("Then", "之后"), .right),
      .init(say("Would get it", "将获得"), .right), .init(say("Would lose it", "将失去"), .right),
    ])
    for row in simulation.end["tags"]?.arrayValue ?? [] where only == nil || row["tag"]?.stringValue == only {
      let figures = ["customers_now", "customers_then", "set", "cleared"].map { number(row[$0]) }
      table.add([row["tag"]?.stringValue ?? "-", name(row["name"], arguments) ?? "-"] + figures)
    }
    let (customers, day) = (number(simulation.end["customers"]), simulation.head["as_of"]?.stringValue ?? "-")
    arguments.console.print(say("\(customers) customers on \(day)", "\(day)，共 \(customers) 位客户"))
    arguments.console.out.write(table.render())
    guard arguments.flag("customers") else { return }
    for row in simulation.changes {
      let set = tags(row["set"], only).map { "+" + $0 }
      let cleared = tags(row["cleared"], only).map { "-" + $0 }
      if set.isEmpty && cleared.isEmpty { continue }
      arguments.console.print("\(row["customer_id"]?.stringValue ?? "-")  \(row["member_id"]?.stringValue ?? "-")  \((set + cleared).joined(separator: " "))")
    }
  }

  private static func tags(_ value: JSONValue?, _ only: String?) -> [String] {
    (value?.arrayValue ?? []).compactMap(\.stringValue).filter { only == nil || $0 == only }
  }

  private static let check = Command(
    name: "check", help: HelpText("say everything that is wrong with a file of tag rules", zh: "检查标签规则文件"),
    options: [.value("base-currency", placeholder: "CODE", help: HelpText("currency of amounts", zh: "币种"), defaultValue: "CNY")], arguments: [file]
  ) { arguments in
    let code = try arguments.string("base-currency")
    guard let currency = Currency(code) else { throw arguments.error(HelpText("\(code) is no current ISO 4217 code", zh: "\(code) 不是有效的币种代码")) }
    let path = try arguments.string("file")
    do throws(DocumentFaults) {
      let rules = try TagDocument.load(path, currency: currency)
      arguments.console.print("ok: v\(rules.version), \(rules.rules.count)")
      return .ok
    } catch {
      arguments.console.printError(error.description)
      return .failed
    }
  }
}
