// `clientele complaint`: what customers complain about most, and what is done about it (K-10).
import ClienteleCore
import CommandLine
import Domain
import HTTP
import Text

enum ComplaintCommands {
  static let command = Command(
    name: "complaint", help: HelpText("complaint hot spots, and what is done about them", zh: "投诉热点与改进闭环"),
    discussion: HelpText(
      "`hotspots` counts a month's complaints by root cause and category against the month before. What is done about one is a record in four steps: problem "
        + "(`open`), `cause`, `measure`, and `effect` with the complaints before and after.",
      zh: "hotspots 按根本原因与分类统计当月投诉并与上月比较。改进以四步记录：问题（open）、原因（cause）、改进（measure）、效果（effect，含前后投诉数）。"),
    options: [Operator.folder], subcommands: [hotspots, list, show, open, cause, measure, effect])

  private static let id = Argument("improvement", help: HelpText("the record's id: 16 hexadecimal digits", zh: "改进记录编号：16 位十六进制数"))
  private static let actor = Option.value("actor", placeholder: "NAME", help: HelpText("who does it; kept for ever", zh: "操作人（永久记录）"), isRequired: true)
  private static let reason = Option.value("reason", placeholder: "TEXT", help: HelpText("why; kept for ever", zh: "理由（永久记录）"))
  private static func words(_ english: String, _ chinese: String) -> Option {
    .value("text", placeholder: "TEXT", help: HelpText(english, zh: chinese), isRequired: true)
  }

  private static func members(_ arguments: ParsedArguments, _ names: [(option: String, member: String)]) -> [JSONMember] {
    ([("actor", "actor"), ("reason", "reason"), ("text", "text")] + names).compactMap { option, member in
      arguments.optionalString(option).map { JSONMember(member, .text($0)) }
    }
  }

  private static func say(_ record: JSONValue, _ zone: BusinessZone, _ arguments: ParsedArguments) -> ExitCode {
    if arguments.flag("json") {
      arguments.console.print(record.encodedText)
    } else {
      arguments.console.out.write(ComplaintWords.sheet(record, zone, isChinese: Operator.isChinese(arguments)))
    }
    return .ok
  }

  // MARK: - Looking

  private static let hotspots = Command(
    name: "hotspots", help: HelpText("complaints by root cause and category against the month before", zh: "按根本原因与分类统计投诉并与上月比较"),
    options: [
      .value("month", placeholder: "MONTH", help: HelpText("the month, as 1998-07; else that of the suite's today", zh: "月份，如 1998-07；默认为套件当月")),
      .flag("csv", help: HelpText("print CSV", zh: "以 CSV 输出")), Operator.json,
    ]
  ) { arguments in
    let (isCSV, isJSON) = (arguments.flag("csv"), arguments.flag("json"))
    try Operator.refuseBothForms(arguments)
    let path = ServiceClient.path("/v1/reports/complaints", [("month", arguments.optionalString("month"))])
    let (answer, zone) = try await Operator.withServices(arguments) { (try await $0.call("tickets", .get, path), $0.connection.zone) }
    if isJSON {
      arguments.console.print(answer.encodedText)
    } else if isCSV {
      arguments.console.out.write(String(decoding: ComplaintWords.csv(answer), as: UTF8.self))
    } else {
      arguments.console.out.write(ComplaintWords.report(answer, zone, isChinese: Operator.isChinese(arguments)))
    }
    return .ok
  }

  private static let list = Command(
    name: "list", help: HelpText("what is done about complaints, the oldest first", zh: "列出改进记录（由旧到新）"),
    options: [
      .value(
        "reached", placeholder: "STEP", help: HelpText("only those that came so far", zh: "仅进行到此步的"), choices: ImprovementStep.allCases.map(\.rawValue)),
      .value("after", placeholder: "PLACE", help: HelpText("go on after this place", zh: "从该位置之后继续")),
      .value("limit", placeholder: "N", help: HelpText("at most so many", zh: "最多条数"), defaultValue: "50"), Operator.json,
    ]
  ) { arguments in
    let limit = String(try arguments.int("limit", in: 1...200))
    let path = ServiceClient.path(
      "/v1/improvements", [("reached", arguments.optionalString("reached")), ("after", arguments.optionalString("after")), ("limit", limit)])
    let answer = try await Operator.withServices(arguments) { try await $0.call("tickets", .get, path) }
    guard !arguments.flag("json") else {
      arguments.console.print(answer.encodedText)
      return .ok
    }
    let rows = answer["improvements"]?.arrayValue ?? []
    if rows.isEmpty {
      arguments.console.print(Operator.say(arguments, "no improvements", "没有改进记录"))
    } else {
      arguments.console.out.write(ComplaintWords.table(rows, isChinese: Operator.isChinese(arguments)).render())
    }
    if let next = answer["next"]?.stringValue { arguments.console.print(Operator.say(arguments, "more: --after \(next)", "更多：--after \(next)")) }
    return .ok
  }

  private static let show = Command(
    name: "show", help: HelpText("one record with its steps and figures", zh: "查看改进记录及前后数据"), options: [Operator.json], arguments: [id]
  ) { arguments in
    let path = "/v1/improvements/\(ServiceClient.escaped(try arguments.string("improvement")))"
    let (found, zone) = try await Operator.withServices(arguments) { (try await $0.call("tickets", .get, path), $0.connection.zone) }
    return say(found, zone, arguments)
  }

  // MARK: - Working

  private static let open = Command(
    name: "open", help: HelpText("write down a problem that customers complain about", zh: "登记投诉反映的问题"),
    options: [
      words("what the problem is", "问题描述"),
      .value("root-cause", placeholder: "CODE", help: HelpText("complaints with this root cause", zh: "该根本原因的投诉")),
      .value("category", placeholder: "TEXT", help: HelpText("complaints of this category", zh: "该分类的投诉")),
      .value("window-days", placeholder: "N", help: HelpText("days before and after that are compared", zh: "前后比较的天数"), defaultValue: "30"),
      .value("key", placeholder: "KEY", help: HelpText("given again, the same record is answered instead of a second one", zh: "幂等键：重复提交返回同一记录")),
      actor, reason, Operator.json,
    ]
  ) { arguments in
    guard arguments.optionalString("root-cause") != nil || arguments.optionalString("category") != nil else {
      throw arguments.error(HelpText("give --root-cause, --category or both", zh: "请给出 --root-cause、--category 或两者"))
    }
    let days = try arguments.int("window-days", in: 1...Improvement.windowDaysMax)
    let given = members(arguments, [("root-cause", "root_cause"), ("category", "category")]) + [JSONMember("window_days", .integer(Int64(days)))]
    let headers: HTTPHeaders = arguments.optionalString("key").map { ["Idempotency-Key": $0] } ?? [:]
    let (opened, zone) = try await Operator.withServices(arguments) { services in
      (
        try await services.call(
          "tickets", .post, "/v1/improvements", body: JSONValue.object(given).encoded, contentType: "application/json", headers: headers),
        services.connection.zone
      )
    }
    return say(opened, zone, arguments)
  }

  private static func step(_ step: ImprovementStep, _ help: HelpText, _ text: Option, options: [Option] = [], _ names: [(option: String, member: String)] = [])
    -> Command
  {
    Command(name: step.rawValue, help: help, options: [text] + options + [actor, reason, Operator.json], arguments: [id]) { arguments in
      let path = "/v1/improvements/\(ServiceClient.escaped(try arguments.string("improvement")))"
      let body = JSONValue.object(members(arguments, names) + [JSONMember("step", .text(step.rawValue))]).encoded
      let (changed, zone) = try await Operator.withServices(arguments) { services -> (JSONValue, BusinessZone) in
        let tag = try await services.tagged("tickets", .get, path).tag
        let answer = try await services.tagged("tickets", .post, "\(path)/steps", body: body, contentType: "application/json", seen: tag ?? "*")
        return (answer.answer, services.connection.zone)
      }
      return say(changed, zone, arguments)
    }
  }

  private static let cause = step(.cause, HelpText("say why it happens", zh: "登记原因"), words("why it happens", "原因"))
  private static let measure = step(
    .measure, HelpText("say what is done about it, and from when on", zh: "登记改进措施及生效时间"), words("what is done", "改进措施"),
    options: [.value("from", placeholder: "MOMENT", help: HelpText("from when on it holds; else from now", zh: "生效时间；默认为现在"))], [("from", "effective_at")])
  private static let effect = step(
    .effect, HelpText("say what became of it; the complaints before and after are kept", zh: "登记效果，并固定前后投诉数"), words("what became of it", "效果"))
}
