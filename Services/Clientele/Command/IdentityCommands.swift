// `clientele customer merge|undo|merges|reviews`: who is who, decided by people (P-02, P-03).
import ClienteleCore
import CommandLine
import Documents
import Domain
import HTTP
import Text

enum IdentityCommands {
  static let commands = [merge, undo, merges, reviews, checkRules]

  private static let actor = Option.value("actor", placeholder: "NAME", help: HelpText("who decides; kept for ever", zh: "决定人（永久记录）"))
  private static let reason = Option.value("reason", placeholder: "TEXT", help: HelpText("why; kept for ever", zh: "理由（永久记录）"))
  private static let limit = Option.value("limit", placeholder: "N", help: HelpText("at most so many", zh: "最多条数"), defaultValue: "50")
  private static let decides = [actor, reason, Operator.json, Operator.folder]

  // MARK: - Deciding

  private static let merge = Command(
    name: "merge", help: HelpText("make one customer of two", zh: "将两个客户合并为一个"),
    discussion: HelpText(
      "Holds whatever the guards say, until it is undone. The older customer survives; orders, figures, score and tier are worked out anew.",
      zh: "不受合并限制约束，直至被撤销。较早的客户保留；订单、指标、得分与等级全部重算。"),
    options: decides,
    arguments: [
      Argument("first", help: HelpText("a customer's id", zh: "客户编号")), Argument("second", help: HelpText("the other's id", zh: "另一客户编号")),
    ]
  ) { arguments in
    let ids = [try arguments.string("first"), try arguments.string("second")].map { $0.lowercased() }
    return try await decide(arguments, "/v1/merges", [JSONMember("customers", .array(ids.map { .text($0) }))])
  }

  private static let undo = Command(
    name: "undo", help: HelpText("undo a merge", zh: "撤销一次合并"),
    discussion: HelpText(
      "Gives each side its own history back, and keeps the two apart whatever later events say. `customer merges` lists the numbers.",
      zh: "双方各自恢复自己的历史，此后无论收到什么事件都保持分开。编号见 `customer merges`。"),
    options: decides, arguments: [Argument("merge", help: HelpText("the merge's number", zh: "合并编号"))]
  ) { arguments in
    try await decide(arguments, "/v1/merges/\(try arguments.int("merge", in: 1...Int.max))/undo", [])
  }

  private static let waitMax = Duration.seconds(30)
  private static let pause = Duration.milliseconds(100)

  /// Sends a decision and waits until customers are worked out by it.
  private static func decide(_ arguments: ParsedArguments, _ path: String, _ members: [JSONMember]) async throws -> ExitCode {
    guard let actor = arguments.optionalString("actor"), let reason = arguments.optionalString("reason") else {
      throw arguments.error(HelpText("say who decides and why: --actor NAME --reason TEXT", zh: "请给出决定人与理由：--actor NAME --reason TEXT"))
    }
    let body = JSONValue.object(members + [JSONMember("actor", .text(actor)), JSONMember("reason", .text(reason))]).encoded
    let decision = try await Operator.withServices(arguments) { services -> JSONValue in
      var decision = try await services.call("profile", .post, path, body: body, contentType: "application/json")
      guard let id = decision["id"]?.int64Value else { throw SuiteFailure("profile answered without the decision's id") }
      let deadline = ContinuousClock.now + waitMax
      while decision["applied_at"]?.stringValue == nil, ContinuousClock.now < deadline {
        try await Task.sleep(for: pause)
        decision = try await services.call("profile", .get, "/v1/decisions/\(id)")
      }
      return decision
    }
    let id = decision["id"]?.int64Value ?? 0
    if arguments.flag("json") {
      arguments.console.print(decision.encodedText)
    } else if decision["applied_at"]?.stringValue != nil {
      arguments.console.print(Operator.say(arguments, "decision \(id) is recorded and customers are worked out by it", "决定 \(id) 已记录并生效"))
    } else {
      arguments.console.print(
        Operator.say(arguments, "decision \(id) is recorded and takes effect when the service gets to it", "决定 \(id) 已记录，服务处理后生效"))
    }
    return .ok
  }

  private static let checkRules = Command(
    name: "check-rules", help: HelpText("say everything that is wrong with a file of identity rules", zh: "检查客户识别规则文件"),
    arguments: [Argument("file", help: HelpText("the rules' YAML file", zh: "规则 YAML 文件"), completion: .files)]
  ) { arguments in
    let path = try arguments.string("file")
    do throws(DocumentFaults) {
      let rules = try IdentityDocument.load(path)
      arguments.console.print("ok: \(rules.name) v\(rules.version)")
      return .ok
    } catch {
      arguments.console.printError(error.description)
      return .failed
    }
  }

  // MARK: - Lists

  private static let merges = Command(
    name: "merges", help: HelpText("list merges that were made, oldest first", zh: "列出已发生的合并"),
    options: [
      limit, .value("after", placeholder: "N", help: HelpText("only merges after this one", zh: "从该编号之后开始")), Operator.json, Operator.folder,
    ],
    arguments: [Argument("customer", help: HelpText("only of this customer", zh: "仅此客户"), arity: .optional)]
  ) { arguments in
    let path = ServiceClient.path(
      "/v1/merges",
      [
        ("limit", String(try arguments.int("limit", in: 1...200))), ("after", try arguments.optionalInt("after", in: 0...Int.max).map { String($0) }),
        ("customer", arguments.optionalString("customer")?.lowercased()),
      ])
    let answer = try await Operator.withServices(arguments) { try await $0.call("profile", .get, path) }
    return show(answer, "merges", arguments) { rows, say in
      var table = Table([
        .init(say("Merge", "编号"), .right), .init(say("At", "时间")), .init(say("Survivor", "保留")), .init(say("Absorbed", "并入")),
        .init(say("Evidence", "依据")), .init(say("Undone by", "撤销决定"), .right),
      ])
      for row in rows {
        table.add([number(row["id"])] + ["at", "survivor", "absorbed", "evidence"].map { row[$0]?.stringValue ?? "-" } + [number(row["undone_by"])])
      }
      return table.render()
    }
  }

  private static let reviews = Command(
    name: "reviews", help: HelpText("customers that an event named together and a guard kept apart", zh: "查看与处理待核实的疑似同一客户"),
    options: [Operator.folder], subcommands: [list, showOne, answer])

  private static let id = Argument("id", help: HelpText("the case's id", zh: "待核实编号"))

  private static let list = Command(
    name: "list", help: HelpText("list cases that nobody has decided", zh: "列出尚未处理的条目"),
    options: [
      .value(
        "guard", placeholder: "RULE", help: HelpText("only those stopped by this rule", zh: "仅此规则拦下的"),
        choices: ["shared_identifier", "different_national_ids", "too_many_values", "too_many_customers"]),
      .value("customer", placeholder: "ID", help: HelpText("only of this customer", zh: "仅此客户")),
      .value("after", placeholder: "ID", help: HelpText("only cases after this one", zh: "从该条之后开始")), limit, Operator.json,
    ]
  ) { arguments in
    let path = ServiceClient.path(
      "/v1/reviews",
      [
        ("limit", String(try arguments.int("limit", in: 1...200))), ("guard", arguments.optionalString("guard")),
        ("customer", arguments.optionalString("customer")?.lowercased()), ("after", arguments.optionalString("after")),
      ])
    let answer = try await Operator.withServices(arguments) { try await $0.call("profile", .get, path) }
    return show(answer, "reviews", arguments) { rows, say in
      rows.map { row in
        let sides = (row["sides"]?.arrayValue ?? []).map { side in
          "\(side["customer_id"]?.stringValue ?? "-") (\(side["kind"]?.stringValue ?? "") \(side["value"]?.stringValue ?? ""))"
        }
        let known = ["id", "guard", "at", "evidence"].map { row[$0]?.stringValue ?? "-" }
        return "\(known[0])\n  \(known[1]), \(say("named together by", "同时出现于")) \(known[3]), \(known[2])\n  \(sides.joined(separator: " / "))\n"
      }.joined()
    }
  }

  private static let showOne = Command(
    name: "show", help: HelpText("show both customers and the evidence", zh: "查看双方客户与依据"),
    options: [Operator.unmask, Operator.viewer, Operator.json], arguments: [id]
  ) { arguments in
    let headers = try Operator.unmasking(arguments)
    let path = "/v1/reviews/" + ServiceClient.escaped(try arguments.string("id"))
    let found = try await Operator.withServices(arguments) { try await $0.call("profile", .get, path, headers: headers) }
    if arguments.flag("json") {
      arguments.console.print(found.encodedText)
      return .ok
    }
    let isChinese = Operator.isChinese(arguments)
    arguments.console.print(
      "\(found["guard"]?.stringValue ?? "-"), \(isChinese ? "同时出现于" : "named together by") \(found["evidence"]?.stringValue ?? "-")")
    for side in found["sides"]?.arrayValue ?? [] {
      let known = (side["identifiers"]?.arrayValue ?? []).map { "\($0["kind"]?.stringValue ?? "") \($0["value"]?.stringValue ?? "")" }
      let (orders, spend) = (number(side["orders_of_all_time"]), side["spend_of_all_time"]?.stringValue ?? "-")
      arguments.console.print("\(side["customer_id"]?.stringValue ?? "-") \(side["name"]?.stringValue ?? "")")
      arguments.console.print("  \(known.joined(separator: "; "))")
      arguments.console.print(isChinese ? "  累计 \(orders) 单，\(spend)" : "  orders of all time: \(orders), \(spend)")
    }
    return .ok
  }

  private static let answer = Command(
    name: "decide", help: HelpText("merge the two customers of a case, or keep them apart", zh: "决定合并或保持分开"),
    options: [
      .flag("merge", help: HelpText("they are one person", zh: "是同一个人")),
      .flag("keep-apart", help: HelpText("they are two, whatever later events say", zh: "不是同一个人，此后保持分开")), actor, reason, Operator.json,
    ], arguments: [id]
  ) { arguments in
    guard arguments.flag("merge") != arguments.flag("keep-apart") else {
      throw arguments.error(HelpText("give either --merge or --keep-apart", zh: "请给出 --merge 或 --keep-apart 其中之一"))
    }
    let path = "/v1/reviews/\(ServiceClient.escaped(try arguments.string("id")))/decision"
    return try await decide(arguments, path, [JSONMember("decision", .text(arguments.flag("merge") ? "merge" : "keep_apart"))])
  }

  private static func number(_ value: JSONValue?) -> String { value?.int64Value.map { String($0) } ?? "-" }

  private static func show(
    _ answer: JSONValue, _ key: String, _ arguments: ParsedArguments, _ text: ([JSONValue], (String, String) -> String) -> String
  ) -> ExitCode {
    let rows = answer[key]?.arrayValue ?? []
    if arguments.flag("json") {
      arguments.console.print(answer.encodedText)
    } else if rows.isEmpty {
      arguments.console.print(Operator.say(arguments, "none", "没有"))
    } else {
      arguments.console.out.write(text(rows) { Operator.say(arguments, $0, $1) })
      let next = answer["next"]?.stringValue ?? answer["next"]?.int64Value.map { String($0) }
      if let next { arguments.console.print(Operator.say(arguments, "more: --after \(next)", "更多：--after \(next)")) }
    }
    return .ok
  }
}
