// `clientele knowledge`: articles that answer questions, and `clientele report knowledge` (K-12).
import ClienteleCore
import CommandLine
import Domain
import HTTP
import Text

enum KnowledgeCommands {
  static let command = Command(
    name: "knowledge", help: HelpText("articles that answer questions: write, approve, look for", zh: "知识库：撰写、审批与检索"),
    discussion: HelpText(
      "An article has a text in English, in Chinese, or both. What one person writes (`add`, `edit`) another approves; from then on it is suggested, "
        + "until the last day it is good or somebody withdraws it. docs/tickets.md explains versions, the search and its figures.",
      zh: "文章可有英文、中文或两种文本。撰写（add、edit）与批准（approve）须为不同的人；批准后开始被推荐，直至有效期结束或被撤回。版本、检索与指标见 docs/tickets.md。"),
    options: [Operator.folder], subcommands: [add, edit, list, show, search, approve, reject, withdraw] + QuestionCommands.all)

  static let article = Argument("article", help: HelpText("the article's id: 16 hexadecimal digits", zh: "文章编号：16 位十六进制数"))
  static let actor = Option.value("actor", placeholder: "NAME", help: HelpText("who does it; kept for ever", zh: "操作人（永久记录）"), isRequired: true)
  static let reason = Option.value("reason", placeholder: "TEXT", help: HelpText("why; kept for ever", zh: "理由（永久记录）"))
  static let language = Option.value(
    "language", placeholder: "LANGUAGE", help: HelpText("only texts in this language; else both", zh: "仅该语言；默认两种"), choices: KnowledgeWords.languages)
  static let category = Option.value("category", placeholder: "TEXT", help: HelpText("only this category", zh: "仅该分类"))
  static let key = Option.value(
    "key", placeholder: "KEY", help: HelpText("given again, the same record is answered instead of a second one", zh: "幂等键：重复提交返回同一记录"))

  static func members(_ arguments: ParsedArguments, _ names: [(option: String, member: String)]) -> [JSONMember] {
    names.compactMap { option, member in arguments.optionalString(option).map { JSONMember(member, .text($0)) } }
  }

  static func headers(_ arguments: ParsedArguments) -> HTTPHeaders { arguments.optionalString("key").map { ["Idempotency-Key": $0] } ?? [:] }

  private static func path(_ arguments: ParsedArguments) throws -> String {
    "/v1/articles/\(ServiceClient.escaped(try arguments.string("article")))"
  }

  private static func say(_ article: JSONValue, _ zone: BusinessZone, _ arguments: ParsedArguments) -> ExitCode {
    let text = KnowledgeWords.sheet(article, zone, isChinese: Operator.isChinese(arguments))
    arguments.console.out.write(arguments.flag("json") ? article.encodedText + "\n" : text)
    return .ok
  }

  // MARK: - Writing

  private static let content: [Option] = [
    .value("title", placeholder: "TEXT", help: HelpText("the English title", zh: "英文标题")),
    .value("body", placeholder: "TEXT", help: HelpText("the English text", zh: "英文正文")),
    .value("body-file", placeholder: "FILE", help: HelpText("a file with the English text; - is standard input", zh: "英文正文文件；- 为标准输入"), completion: .files),
    .value("keywords", placeholder: "TEXT", help: HelpText("other words for it in English, and questions it answers", zh: "英文关键词与常见问法")),
    .value("title-zh", placeholder: "TEXT", help: HelpText("the Chinese title", zh: "中文标题")),
    .value("body-zh", placeholder: "TEXT", help: HelpText("the Chinese text", zh: "中文正文")),
    .value("body-zh-file", placeholder: "FILE", help: HelpText("a file with the Chinese text; - is standard input", zh: "中文正文文件；- 为标准输入"), completion: .files),
    .value("keywords-zh", placeholder: "TEXT", help: HelpText("other words for it in Chinese, and questions it answers", zh: "中文关键词与常见问法")),
    .value("category", placeholder: "TEXT", help: HelpText("the subject, as tickets have it", zh: "分类（与工单一致）")),
  ]
  private static let languages: [(suffix: String, language: Domain.Language)] = [("", .english), ("-zh", .chinese)]
  /// The longest text in UTF-8, with room to spare.
  private static let fileBytesMax = 128 << 10

  /// Title, body and keywords of each language that anything is given of, over what is there already.
  private static func texts(_ arguments: ParsedArguments, over known: JSONValue?) async throws -> JSONValue {
    var texts: [JSONMember] = []
    for (suffix, language) in languages {
      var given = members(arguments, [("title\(suffix)", "title"), ("body\(suffix)", "body"), ("keywords\(suffix)", "keywords")])
      if let file = arguments.optionalString("body\(suffix)-file") {
        guard arguments.optionalString("body\(suffix)") == nil else {
          throw arguments.error(HelpText("--body\(suffix) and --body\(suffix)-file exclude each other", zh: "--body\(suffix) 与 --body\(suffix)-file 不能同时使用"))
        }
        guard let text = String(validating: try await InputFile.whole(file, bytesMax: fileBytesMax), as: UTF8.self) else {
          throw SuiteFailure("\(file) is no UTF-8 text")
        }
        given.append(JSONMember("body", .text(text)))
      }
      let before = known?[language.rawValue]
      guard !given.isEmpty || before != nil else { continue }
      for name in ["title", "body", "keywords"] where !given.contains(where: { $0.key == name }) {
        if let text = before?[name]?.stringValue { given.append(JSONMember(name, .text(text))) }
      }
      texts.append(JSONMember(language.rawValue, .object(given)))
    }
    return .object(texts)
  }

  private static let add = Command(
    name: "add", help: HelpText("write a draft; somebody else approves it", zh: "撰写草稿（由他人批准）"),
    options: content + [
      .value(
        "valid-until", placeholder: "DAY", help: HelpText("the last day on which it is good, as 2027-06-30", zh: "有效期最后一日，如 2027-06-30"),
        isRequired: true),
      key, actor, reason, Operator.json,
    ]
  ) { arguments in
    var body = members(arguments, [("actor", "actor"), ("reason", "reason"), ("category", "category"), ("valid-until", "valid_until")])
    body.append(JSONMember("texts", try await texts(arguments, over: nil)))
    let sent = JSONValue.object(body).encoded
    let (begun, zone) = try await Operator.withServices(arguments) { services in
      (
        try await services.call("tickets", .post, "/v1/articles", body: sent, contentType: "application/json", headers: headers(arguments)),
        services.connection.zone
      )
    }
    return say(begun, zone, arguments)
  }

  private static let edit = Command(
    name: "edit", help: HelpText("change the draft, or begin the next version; what is left out stays", zh: "修改草稿或开始下一版本（未给出者不变）"),
    options: content + [
      .value("valid-until", placeholder: "DAY", help: HelpText("the last day on which it is good", zh: "有效期最后一日")), actor, reason, Operator.json,
    ], arguments: [article]
  ) { arguments in
    let path = try path(arguments)
    let (written, zone) = try await Operator.withServices(arguments) { services -> (JSONValue, BusinessZone) in
      let (known, tag) = try await services.tagged("tickets", .get, path)
      let before = [known["draft"], known["current"]].compactMap(\.self).first { $0 != .null }
      var body = members(arguments, [("actor", "actor"), ("reason", "reason"), ("category", "category"), ("valid-until", "valid_until")])
      for name in ["category", "valid_until"] where !body.contains(where: { $0.key == name }) {
        if let text = before?[name]?.stringValue { body.append(JSONMember(name, .text(text))) }
      }
      body.append(JSONMember("texts", try await texts(arguments, over: before?["texts"])))
      let answer = try await services.tagged(
        "tickets", .post, "\(path)/draft", body: JSONValue.object(body).encoded, contentType: "application/json", seen: tag ?? "*")
      return (answer.answer, services.connection.zone)
    }
    return say(written, zone, arguments)
  }

  private static func step(_ step: ArticleStep, _ help: HelpText) -> Command {
    Command(name: step.rawValue, help: help, options: [actor, reason, Operator.json], arguments: [article]) { arguments in
      let path = try path(arguments)
      let body = JSONValue.object(members(arguments, [("actor", "actor"), ("reason", "reason")]) + [JSONMember("step", .text(step.rawValue))]).encoded
      let (changed, zone) = try await Operator.withServices(arguments) { services -> (JSONValue, BusinessZone) in
        let tag = try await services.tagged("tickets", .get, path).tag
        let answer = try await services.tagged("tickets", .post, "\(path)/steps", body: body, contentType: "application/json", seen: tag ?? "*")
        return (answer.answer, services.connection.zone)
      }
      return say(changed, zone, arguments)
    }
  }

  private static let approve = step(.approve, HelpText("bring the draft into force; not by who wrote on it", zh: "批准草稿（作者本人不可）"))
  private static let reject = step(.reject, HelpText("give the draft up; needs --reason", zh: "驳回草稿（需 --reason）"))
  private static let withdraw = step(.withdraw, HelpText("end what is in force; needs --reason", zh: "撤回已批准的版本（需 --reason）"))

  // MARK: - Looking

  private static let list = Command(
    name: "list", help: HelpText("list articles, the oldest first", zh: "列出文章（由旧到新）"),
    options: [
      .value(
        "state", placeholder: "STATE", help: HelpText("only these; draft: what waits for approval", zh: "仅此状态；draft 为待批准"),
        choices: ArticleState.allCases.map(\.rawValue)),
      category, .value("expiring-days", placeholder: "N", help: HelpText("only what ends within so many days", zh: "仅若干天内到期的")),
      .value("after", placeholder: "PLACE", help: HelpText("go on after this place", zh: "从该位置之后继续")),
      .value("limit", placeholder: "N", help: HelpText("at most so many", zh: "最多条数"), defaultValue: "50"), Operator.json,
    ]
  ) { arguments in
    let limit = String(try arguments.int("limit", in: 1...200))
    let days = arguments.optionalString("expiring-days") == nil ? nil : String(try arguments.int("expiring-days", in: 0...ArticleContent.validDaysMax))
    let path = ServiceClient.path(
      "/v1/articles",
      [
        ("state", arguments.optionalString("state")), ("category", arguments.optionalString("category")), ("expiring_days", days),
        ("after", arguments.optionalString("after")), ("limit", limit),
      ])
    let answer = try await Operator.withServices(arguments) { try await $0.call("tickets", .get, path) }
    guard !arguments.flag("json") else {
      arguments.console.print(answer.encodedText)
      return .ok
    }
    let rows = answer["articles"]?.arrayValue ?? []
    if rows.isEmpty {
      arguments.console.print(Operator.say(arguments, "no articles", "没有文章"))
    } else {
      arguments.console.out.write(KnowledgeWords.table(rows, isChinese: Operator.isChinese(arguments)).render())
    }
    if let next = answer["next"]?.stringValue { arguments.console.print(Operator.say(arguments, "more: --after \(next)", "更多：--after \(next)")) }
    return .ok
  }

  private static let show = Command(
    name: "show", help: HelpText("the version in force and the draft, or every version", zh: "查看已批准版本与草稿，或全部版本"),
    options: [.flag("versions", help: HelpText("every version, the newest first", zh: "全部版本（由新到旧）")), Operator.json], arguments: [article]
  ) { arguments in
    let path = try path(arguments)
    guard arguments.flag("versions") else {
      let (found, zone) = try await Operator.withServices(arguments) { (try await $0.call("tickets", .get, path), $0.connection.zone) }
      return say(found, zone, arguments)
    }
    let (versions, zone) = try await Operator.withServices(arguments) { services -> ([JSONValue], BusinessZone) in
      var versions: [JSONValue] = []
      var before: Int64?
      repeat {
        let answer = try await services.call("tickets", .get, ServiceClient.path("\(path)/versions", [("before", before.map(String.init)), ("limit", "50")]))
        versions += answer["versions"]?.arrayValue ?? []
        before = answer["next"]?.int64Value
      } while before != nil
      return (versions, services.connection.zone)
    }
    if arguments.flag("json") {
      arguments.console.print(JSONValue.array(versions).encodedText)
    } else {
      let isChinese = Operator.isChinese(arguments)
      arguments.console.out.write(versions.map { KnowledgeWords.version($0, zone, isChinese: isChinese) }.joined(separator: "\n"))
    }
    return .ok
  }

  static let limit = Option.value("limit", placeholder: "N", help: HelpText("at most so many", zh: "最多条数"), defaultValue: "3")

  /// What was found, or that nothing was.
  static func sayFound(_ answer: JSONValue, _ arguments: ParsedArguments) -> ExitCode {
    let rows = answer["articles"]?.arrayValue ?? []
    if arguments.flag("json") {
      arguments.console.print(answer.encodedText)
    } else if rows.isEmpty {
      arguments.console.print(Operator.say(arguments, "no article covers it", "没有匹配的文章"))
    } else {
      arguments.console.out.write(KnowledgeWords.found(rows, isChinese: Operator.isChinese(arguments)).render())
    }
    return .ok
  }

  private static let search = Command(
    name: "search", help: HelpText("articles that answer a question, the best first", zh: "检索能回答问题的文章"), options: [language, category, limit, Operator.json],
    arguments: [Argument("text", help: HelpText("the question, in English or Chinese", zh: "问题（中文或英文）"))]
  ) { arguments in
    let limit = String(try arguments.int("limit", in: 1...20))
    let path = ServiceClient.path(
      "/v1/suggestions",
      [
        ("text", try arguments.string("text")), ("language", arguments.optionalString("language")), ("category", arguments.optionalString("category")),
        ("limit", limit),
      ])
    return sayFound(try await Operator.withServices(arguments) { try await $0.call("tickets", .get, path) }, arguments)
  }

  static let suggest = Command(
    name: "suggest", help: HelpText("articles that may answer a ticket, the best first", zh: "推荐可回答工单的文章"), options: [language, category, limit, Operator.json],
    arguments: [Argument("ticket", help: HelpText("the ticket's id: 16 hexadecimal digits", zh: "工单编号：16 位十六进制数"))]
  ) { arguments in
    let limit = String(try arguments.int("limit", in: 1...20))
    let path = ServiceClient.path(
      "/v1/tickets/\(ServiceClient.escaped(try arguments.string("ticket")))/suggestions",
      [("language", arguments.optionalString("language")), ("category", arguments.optionalString("category")), ("limit", limit)])
    return sayFound(try await Operator.withServices(arguments) { try await $0.call("tickets", .get, path) }, arguments)
  }
}
