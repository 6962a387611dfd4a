// `clientele baseline`: all figures of customers' answers before a measure, and after it (F-07).
import ClienteleCore
import CommandLine
import Domain
import HTTP
import Text

enum BaselineCommands {
  static let command = Command(
    name: "baseline", help: HelpText("figures before a measure, compared with those after it", zh: "基线：措施前的各项指标与其后的比较"),
    discussion: HelpText(
      "`take` keeps NPS, CSAT and CES of a period as they stand, by tier, survey and channel, under a name; they never change. `compare` puts a later period "
        + "beside them; a change whose interval holds 0 may be chance.",
      zh: "take 以名称保存某期间的 NPS、CSAT、CES（按等级、问卷、渠道），此后不再改变；compare 与其后的期间比较，区间包含 0 的变化可能只是偶然。"),
    options: [Operator.folder], subcommands: [take, list, show, compare])

  private static let name = Argument("name", help: HelpText("the baseline's name", zh: "基线名称"))
  private static let day = HelpText("a day as 1998-07-01", zh: "日期，如 1998-07-01")

  private static let take = Command(
    name: "take", help: HelpText("keep the figures of a period under a name", zh: "保存某期间的指标"),
    options: [
      .value("from", placeholder: "DAY", help: HelpText("the first day", zh: "首日"), isRequired: true),
      .value("to", placeholder: "DAY", help: HelpText("the last day", zh: "末日"), isRequired: true),
      .value("actor", placeholder: "NAME", help: HelpText("who does it; kept for ever", zh: "操作人（永久记录）"), isRequired: true),
      .value("reason", placeholder: "TEXT", help: HelpText("before which measure; kept for ever", zh: "所针对的措施（永久记录）"), isRequired: true), Operator.json,
    ], arguments: [name]
  ) { arguments in
    for word in ["from", "to"] { _ = try arguments.value(word, day) { Day($0) } }
    let members = [JSONMember("name", .text(try arguments.string("name")))]
      + ["from", "to", "actor", "reason"].compactMap { word in arguments.optionalString(word).map { JSONMember(word, .text($0)) } }
    let (answer, zone) = try await Operator.withServices(arguments) { services in
      let body = JSONValue.object(members).encoded
      return (try await services.call("feedback", .post, "/v1/baselines", body: body, contentType: "application/json"), services.connection.zone)
    }
    return say(answer, arguments, BaselineWords.baseline(answer, zone, isChinese: Operator.isChinese(arguments)))
  }

  private static let list = Command(
    name: "list", help: HelpText("the baselines that there are", zh: "列出基线"),
    options: [
      .value("after", placeholder: "NAME", help: HelpText("go on after this one", zh: "从该基线之后继续")),
      .value("limit", placeholder: "N", help: HelpText("at most so many", zh: "最多条数"), defaultValue: "50"), Operator.json,
    ]
  ) { arguments in
    let asked = [("after", arguments.optionalString("after")), ("limit", String(try arguments.int("limit", in: 1...200)))]
    let (answer, zone) = try await Operator.withServices(arguments) { services in
      (try await services.call("feedback", .get, ServiceClient.path("/v1/baselines", asked)), services.connection.zone)
    }
    var words = BaselineWords.table(answer, zone, isChinese: Operator.isChinese(arguments)).render()
    if let next = answer["next"]?.stringValue { words += Operator.say(arguments, "more: --after \(next)", "更多：--after \(next)") + "\n" }
    return say(answer, arguments, words)
  }

  private static let show = Command(
    name: "show", help: HelpText("the figures that were kept", zh: "查看基线指标"), options: [Operator.json], arguments: [name]
  ) { arguments in
    let path = "/v1/baselines/\(ServiceClient.escaped(try arguments.string("name")))"
    let (answer, zone) = try await Operator.withServices(arguments) { services in (try await services.call("feedback", .get, path), services.connection.zone) }
    return say(answer, arguments, BaselineWords.baseline(answer, zone, isChinese: Operator.isChinese(arguments)))
  }

  private static let compare = Command(
    name: "compare", help: HelpText("a later period beside a baseline", zh: "与基线比较"),
    options: [
      .value("metric", placeholder: "METRIC", help: HelpText("only this figure", zh: "仅该指标"), choices: SurveyCommands.metrics),
      .value("from", placeholder: "DAY", help: HelpText("the first day; else the one after the baseline was taken", zh: "首日；默认为基线保存次日")),
      .value("to", placeholder: "DAY", help: HelpText("the last day; else the suite's today", zh: "末日；默认为套件当天")),
      .flag("csv", help: HelpText("print CSV", zh: "以 CSV 输出")), Operator.json,
    ], arguments: [name]
  ) { arguments in
    try Operator.refuseBothForms(arguments)
    try SurveyCommands.checkDays(arguments)
    let asked = ["metric", "from", "to"].map { ($0, arguments.optionalString($0)) }
    let path = ServiceClient.path("/v1/baselines/\(ServiceClient.escaped(try arguments.string("name")))/comparison", asked)
    let answer = try await Operator.withServices(arguments) { try await $0.call("feedback", .get, path) }
    guard !arguments.flag("csv") else {
      arguments.console.out.write(String(decoding: BaselineWords.csv(answer), as: UTF8.self))
      return .ok
    }
    return say(answer, arguments, BaselineWords.comparison(answer, isChinese: Operator.isChinese(arguments)))
  }

  private static func say(_ answer: JSONValue, _ arguments: ParsedArguments, _ words: String) -> ExitCode {
    arguments.console.out.write(arguments.flag("json") ? answer.encodedText + "\n" : words)
    return .ok
  }
}
