// `clientele knowledge ask` and what becomes of a question; `clientele report knowledge` (K-12).
import ClienteleCore
import CommandLine
import Domain
import HTTP
import Text

enum QuestionCommands {
  static let all = [ask, outcome, ticket, questions]

  private static let question = Argument("question", help: HelpText("the question's id: 16 hexadecimal digits", zh: "问题编号：16 位十六进制数"))
  private static let customer = CustomerCommand.who + [.value("customer", placeholder: "ID", help: HelpText("by customer id", zh: "按客户编号"))]

  private static func path(_ arguments: ParsedArguments) throws -> String {
    "/v1/questions/\(ServiceClient.escaped(try arguments.string("question")))"
  }

  private static let ask = Command(
    name: "ask", help: HelpText("ask a question: it is written down, and articles are suggested", zh: "提问：记录问题并推荐文章"),
    options: customer + [
      .value("language", placeholder: "LANGUAGE", help: HelpText("only texts in this language; else both", zh: "仅该语言；默认两种"), choices: KnowledgeWords.languages),
      .value("category", placeholder: "TEXT", help: HelpText("what it is about; looked for there first", zh: "分类（优先检索）")),
      .value("channel", placeholder: "NAME", help: HelpText("over which channel", zh: "渠道")), KnowledgeCommands.key, Operator.json,
    ], arguments: [Argument("text", help: HelpText("the question, in English or Chinese", zh: "问题（中文或英文）"))]
  ) { arguments in
    let asked = try TicketCommands.maybeAsked(arguments)
    var members = KnowledgeCommands.members(arguments, [("language", "language"), ("category", "category"), ("channel", "channel")])
    members.append(JSONMember("text", .text(try arguments.string("text"))))
    let given = members
    let answer = try await Operator.withServices(arguments) { services -> JSONValue in
      let customer = try await TicketCommands.customerID(asked, services)
      let body = JSONValue.object(given + (customer.map { [JSONMember("customer_id", .text($0))] } ?? [])).encoded
      return try await services.call(
        "tickets", .post, "/v1/questions", body: body, contentType: "application/json", headers: KnowledgeCommands.headers(arguments))
    }
    if !arguments.flag("json") {
      let id = answer["question_id"]?.stringValue ?? "-"
      arguments.console.print(Operator.say(arguments, "question \(id)", "问题 \(id)"))
    }
    return KnowledgeCommands.sayFound(answer, arguments)
  }

  private static let outcome = Command(
    name: "outcome", help: HelpText("say whether a suggestion helped", zh: "登记推荐是否有帮助"),
    options: [.value("article", placeholder: "ID", help: HelpText("which article helped", zh: "有帮助的文章")), Operator.json],
    arguments: [
      question,
      Argument(
        "outcome", help: HelpText("whether it did", zh: "helped 已解决，not_helped 未解决"), choices: QuestionOutcome.allCases.map(\.rawValue)),
    ]
  ) { arguments in
    let path = try path(arguments)
    let members = [JSONMember("outcome", .text(try arguments.string("outcome")))] + KnowledgeCommands.members(arguments, [("article", "article_id")])
    let (answer, zone) = try await Operator.withServices(arguments) { services in
      (
        try await services.call("tickets", .post, "\(path)/outcome", body: JSONValue.object(members).encoded, contentType: "application/json"),
        services.connection.zone
      )
    }
    let table = KnowledgeWords.questions([answer], zone, isChinese: Operator.isChinese(arguments)).render()
    arguments.console.out.write(arguments.flag("json") ? answer.encodedText + "\n" : table)
    return .ok
  }

  private static let ticket = Command(
    name: "ticket", help: HelpText("open the ticket that an unanswered question becomes", zh: "将未解决的问题转为工单"),
    options: customer + [
      .value(
        "kind", placeholder: "KIND", help: HelpText("what it is about; else a question", zh: "类别；默认为咨询"),
        choices: ContactEvent.Kind.allCases.map(\.rawValue)),
      .value("urgency", placeholder: "URGENCY", help: HelpText("how bad it is", zh: "紧急程度"), choices: ContactEvent.Urgency.allCases.map(\.rawValue)),
      KnowledgeCommands.actor, KnowledgeCommands.reason, Operator.json,
    ], arguments: [question]
  ) { arguments in
    let (path, asked) = (try path(arguments), try TicketCommands.maybeAsked(arguments))
    let given = KnowledgeCommands.members(arguments, [("actor", "actor"), ("reason", "reason"), ("kind", "kind"), ("urgency", "urgency")])
    let (opened, zone) = try await Operator.withServices(arguments) { services -> (JSONValue, BusinessZone) in
      let customer = try await TicketCommands.customerID(asked, services)
      let body = JSONValue.object(given + (customer.map { [JSONMember("customer_id", .text($0))] } ?? [])).encoded
      return (try await services.call("tickets", .post, "\(path)/ticket", body: body, contentType: "application/json"), services.connection.zone)
    }
    let sheet = TicketWords.sheet(opened, zone, isChinese: Operator.isChinese(arguments))
    arguments.console.out.write(arguments.flag("json") ? opened.encodedText + "\n" : sheet)
    return .ok
  }

  private static let questions = Command(
    name: "questions", help: HelpText("list what was asked, the oldest first; unanswered: what articles are missing for", zh: "列出问题（由旧到新）；unanswered 为缺少文章的"),
    options: [
      .value(
        "which", placeholder: "WHICH", help: HelpText("only these", zh: "仅此类"), choices: ["all", "open", "helped", "unanswered"], defaultValue: "unanswered"),
      KnowledgeCommands.category, .value("after", placeholder: "PLACE", help: HelpText("go on after this place", zh: "从该位置之后继续")),
      .value("limit", placeholder: "N", help: HelpText("at most so many", zh: "最多条数"), defaultValue: "50"), Operator.unmask, Operator.viewer, Operator.json,
    ]
  ) { arguments in
    let (limit, headers) = (String(try arguments.int("limit", in: 1...200)), try Operator.unmasking(arguments))
    let path = ServiceClient.path(
      "/v1/questions",
      [
        ("which", try arguments.string("which")), ("category", arguments.optionalString("category")), ("after", arguments.optionalString("after")),
        ("limit", limit),
      ])
    let (answer, zone) = try await Operator.withServices(arguments) { (try await $0.call("tickets", .get, path, headers: headers), $0.connection.zone) }
    guard !arguments.flag("json") else {
      arguments.console.print(answer.encodedText)
      return .ok
    }
    let rows = answer["questions"]?.arrayValue ?? []
    if rows.isEmpty {
      arguments.console.print(Operator.say(arguments, "no questions", "没有问题"))
    } else {
      arguments.console.out.write(KnowledgeWords.questions(rows, zone, isChinese: Operator.isChinese(arguments)).render())
    }
    if let next = answer["next"]?.stringValue { arguments.console.print(Operator.say(arguments, "more: --after \(next)", "更多：--after \(next)")) }
    return .ok
  }

  // MARK: - The report

  static let report = Command(
    name: "knowledge", help: HelpText("how many of a month's questions were answered without an agent", zh: "月度自助解决率"),
    discussion: HelpText(
      "A question counts as answered when who asked said that an article helped. Suggested, and nobody said anything since: no part of the share; "
        + "the last column counts those as not helped. docs/tickets.md says what each figure is.",
      zh: "提问者确认文章有帮助的计为自助解决。已推荐但未反馈的不计入；最后一列将其计为未解决。各项定义见 docs/tickets.md。"),
    options: [
      .value("month", placeholder: "MONTH", help: HelpText("the month, as 1998-07; else that of the suite's today", zh: "月份，如 1998-07；默认为套件当月")),
      .value(
        "by", placeholder: "WHAT", help: HelpText("by what questions are put together", zh: "分组方式：分类、语言或渠道"),
        choices: ["category", "language", "channel"], defaultValue: "category"),
      .flag("csv", help: HelpText("print CSV", zh: "以 CSV 输出")), Operator.json, Operator.folder,
    ]
  ) { arguments in
    let (isCSV, isJSON) = (arguments.flag("csv"), arguments.flag("json"))
    try Operator.refuseBothForms(arguments)
    let path = ServiceClient.path("/v1/reports/knowledge", [("month", arguments.optionalString("month")), ("by", try arguments.string("by"))])
    let (answer, zone) = try await Operator.withServices(arguments) { (try await $0.call("tickets", .get, path), $0.connection.zone) }
    if isJSON {
      arguments.console.print(answer.encodedText)
    } else if isCSV {
      arguments.console.out.write(String(decoding: KnowledgeWords.csv(answer), as: UTF8.self))
    } else {
      arguments.console.out.write(KnowledgeWords.report(answer, zone, isChinese: Operator.isChinese(arguments)))
    }
    return .ok
  }
}
