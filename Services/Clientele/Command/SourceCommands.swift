// `clientele source`: who sends records, who answers for them, and whether they are let in (I-01).
import ClienteleCore
import CommandLine
import HTTP
import Text

enum SourceCommands {
  static let command = Command(
    name: "source", help: HelpText("the systems that send records", zh: "数据来源登记"), subcommands: [list, show, set, imports])

  private static let name = Argument("name", help: HelpText("the source's name", zh: "来源名称"))

  private static let list = Command(
    name: "list", help: HelpText("list all sources", zh: "列出全部来源"), options: [Operator.json, Operator.folder]
  ) { arguments in
    let answer = try await Operator.withServices(arguments) { try await $0.call("ingest", .get, "/v1/sources") }
    if arguments.flag("json") {
      arguments.console.print(answer.encodedText)
      return .ok
    }
    func say(_ english: String, _ chinese: String) -> String { Operator.say(arguments, english, chinese) }
    var table = Table([
      .init(say("Source", "来源")), .init(say("State", "状态")), .init(say("Kind", "类型")), .init(say("Owner", "负责人")), .init(say("Mapping", "映射")),
      .init(say("First seen", "首次出现")),
    ])
    for source in answer.arrayValue ?? [] {
      let mapping = source["mapping"]?.stringValue ?? source["newest_mapping"]?.stringValue ?? "-"
      table.add([
        source["name"]?.stringValue ?? "", state(source, arguments), source["kind"]?.stringValue ?? "-", source["owner"]?.stringValue ?? "", mapping,
        source["first_seen_at"]?.stringValue ?? "",
      ])
    }
    arguments.console.out.write(table.render())
    return .ok
  }

  private static func state(_ source: JSONValue, _ arguments: ParsedArguments) -> String {
    let name = source["state"]?.stringValue ?? ""
    let chinese = ["seen": "未登记", "active": "启用", "blocked": "停用"]
    return Operator.say(arguments, name, chinese[name] ?? name)
  }

  private static let show = Command(
    name: "show", help: HelpText("show one source", zh: "查看一个来源"), options: [Operator.json, Operator.folder], arguments: [name]
  ) { arguments in
    let path = "/v1/sources/" + ServiceClient.escaped(try arguments.string("name"))
    write(try await Operator.withServices(arguments) { try await $0.call("ingest", .get, path) }, arguments)
    return .ok
  }

  private static let imports = Command(
    name: "imports", help: HelpText("list imports of files, the newest first", zh: "列出文件导入（由新到旧）"),
    options: [
      .value("limit", placeholder: "N", help: HelpText("at most so many, 50 unless given, up to 200", zh: "最多条数，默认 50，上限 200")),
      .value("before", placeholder: "PLACE", help: HelpText("go on from here, as the list before said", zh: "从上次列表给出的位置继续")), Operator.json,
      Operator.folder,
    ]
  ) { arguments in
    let asked = ["limit", "before"].map { (name: $0, value: arguments.optionalString($0)) }
    let (answer, zone) = try await Operator.withServices(arguments) { services in
      (try await services.call("ingest", .get, ServiceClient.path("/v1/imports", asked)), services.connection.zone)
    }
    if arguments.flag("json") {
      arguments.console.print(answer.encodedText)
      return .ok
    }
    if answer["imports"]?.arrayValue?.isEmpty ?? true {
      arguments.console.print(Operator.say(arguments, "nothing was imported yet", "尚无导入"))
      return .ok
    }
    arguments.console.out.write(ImportWords.table(answer, zone, isChinese: Operator.isChinese(arguments)).render())
    if let next = answer["next"]?.stringValue { arguments.console.print(Operator.say(arguments, "more: --before '\(next)'", "更多：--before '\(next)'")) }
    return .ok
  }

  private static let set = Command(
    name: "set", help: HelpText("register a source, or change what is registered", zh: "登记或修改来源"),
    discussion: HelpText(
      "What is not given stays. The records of a blocked source go to quarantine; let it in again and replay them.",
      zh: "未给出的项保持不变。停用来源的记录进入隔离区；重新启用后可重放。"),
    options: [
      .value("owner", placeholder: "NAME", help: HelpText("who answers for it", zh: "负责人")),
      .value(
        "kind", placeholder: "KIND", help: HelpText("what it is", zh: "类型"),
        choices: ["order_platform", "mini_program", "pos", "member_system", "customer_service", "survey", "behaviour", "file", "other"]),
      .value("state", placeholder: "STATE", help: HelpText("whether its records are let in", zh: "是否接收其记录"), choices: ["active", "blocked"]),
      .value(
        "mapping", placeholder: "ID", help: HelpText("the mapping of its records that name none, or none (JSON only)", zh: "默认映射编号，或 none（仅 JSON）")),
      Operator.json, Operator.folder,
    ], arguments: [name]
  ) { arguments in
    var members = ["owner", "kind", "state"].compactMap { key in arguments.optionalString(key).map { JSONMember(key, .text($0)) } }
    if let mapping = arguments.optionalString("mapping") { members.append(JSONMember("mapping", mapping == "none" ? .null : .text(mapping))) }
    guard !members.isEmpty else {
      throw arguments.error(HelpText("give at least one of --owner, --kind, --state and --mapping", zh: "请至少给出 --owner、--kind、--state、--mapping 之一"))
    }
    let path = "/v1/sources/" + ServiceClient.escaped(try arguments.string("name"))
    let body = JSONValue.object(members).encoded
    write(
      try await Operator.withServices(arguments) { try await $0.call("ingest", .put, path, body: body, contentType: "application/json") }, arguments)
    return .ok
  }

  private static func write(_ source: JSONValue, _ arguments: ParsedArguments) {
    if arguments.flag("json") { return arguments.console.print(source.encodedText) }
    func say(_ english: String, _ chinese: String) -> String { Operator.say(arguments, english, chinese) }
    func mapping(_ key: String) -> String {
      guard let id = source[key]?.stringValue else { return "-" }
      return id + (source["\(key)_version"]?.int64Value.map { say(", version \($0)", "，版本 \($0)") } ?? "")
    }
    let lines = [
      say("source   ", "来源      ") + (source["name"]?.stringValue ?? ""), say("state    ", "状态      ") + state(source, arguments),
      say("kind     ", "类型      ") + (source["kind"]?.stringValue ?? "-"), say("owner    ", "负责人    ") + (source["owner"]?.stringValue ?? ""),
      say("default  ", "默认映射  ") + mapping("mapping"), say("newest   ", "最新映射  ") + mapping("newest_mapping"),
      say("since    ", "首次出现  ") + (source["first_seen_at"]?.stringValue ?? ""),
    ]
    arguments.console.print(lines.joined(separator: "\n"))
  }
}
