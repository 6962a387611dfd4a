// `clientele report`.
import ClienteleCore
import CommandLine
import Domain
import Runtime
import Text

enum ReportCommand {
  static let command = Command(
    name: "report", help: HelpText("figures over all customers", zh: "全体客户报表"),
    subcommands: [
      tiers, SegmentCommand.command, quality, ServiceReportCommand.command, QuestionCommands.report, SurveyCommands.report, SurveyCommands.recovery,
      CommentCommands.report,
    ] + FinanceCommands.commands)

  private static let tiers = Command(
    name: "tiers", help: HelpText("how all customers divide into tiers on a day", zh: "某日客户分级分布"),
    discussion: HelpText(
      "Works tiers out anew from the figures of that day, exactly; it shows what a scorecard or a policy would do and changes nothing. "
        + "With --over-time it shows the tiers that customers really had: who came and went by month, and for each tier retention, repurchase and "
        + "the growth of the average order; what has no value is said to be none, with the reason.",
      zh: "按当日数据重新精确计算分级；只作展示，不改变任何结果。使用 --over-time 则显示客户实际的等级：每月进出、各等级留存率、复购率与客单价增长；无数据的项目注明原因。"),
    options: [
      .value("as-of", placeholder: "DAY", help: HelpText("the day, as 1998-07-01; else today of the suite", zh: "日期；默认为套件当日")),
      .value(
        "scorecard", placeholder: "NAME", help: HelpText("a scorecard's name or file; else the one that ratings are made with", zh: "评分卡名称或文件；默认为当前使用的"),
        completion: .files),
      .value(
        "policy", placeholder: "NAME", help: HelpText("how scores become tiers; else the one that is in force", zh: "分级策略；默认为当前使用的"),
        choices: TierConfiguration.Kind.allCases.map(\.rawValue)),
      .value(
        "industry-growth", placeholder: "LIST",
        help: HelpText("growth of industries in percent a year, as retail=5,it=15; else from TIERING_INDUSTRY_GROWTH", zh: "行业年增长率（%）")),
      .flag("over-time", help: HelpText("the tiers that customers had, moves by month, retention and growth", zh: "实际等级、每月进出、留存与增长")),
      .value("months", placeholder: "N", help: HelpText("with --over-time: so many months of moves", zh: "与 --over-time 一起：月数"), defaultValue: "12"),
      .flag("moves", help: HelpText("with --over-time --csv: moves by month instead of tiers", zh: "与 --over-time --csv 一起：输出每月进出")),
      .flag("customers", help: HelpText("list every customer with points, score and tier", zh: "逐一列出客户、各项得分与等级")),
      .flag("csv", help: HelpText("print CSV", zh: "以 CSV 输出")), Operator.json, Operator.folder,
    ], run: run)

  private static let quality = Command(
    name: "quality", help: HelpText("what sources sent by day: errors, completeness, lateness", zh: "各来源每日数据质量：错误率、完整率、及时性"),
    discussion: HelpText(
      "The ceiling of refused records is 0.3 %, that of the way from a source to a customer's profile 5 minutes. Ends with 1 when one is passed.",
      zh: "错误率上限 0.3%，从来源到客户档案的时延上限 5 分钟；任一超限则以 1 结束。"),
    options: [
      .value("source", placeholder: "NAME", help: HelpText("only of this source", zh: "仅此来源")),
      .value("days", placeholder: "N", help: HelpText("so many days up to today", zh: "截至当日的天数"), defaultValue: "7"),
      .flag("fields", help: HelpText("field by field as well", zh: "同时逐字段列出")), .flag("csv", help: HelpText("print CSV, field by field", zh: "以 CSV 输出（逐字段）")),
      Operator.json, Operator.folder,
    ], run: runQuality)

  @Sendable static func runQuality(_ arguments: ParsedArguments) async throws -> ExitCode {
    let (isCSV, isJSON) = (arguments.flag("csv"), arguments.flag("json"))
    try Operator.refuseBothForms(arguments)
    let (source, days) = (arguments.optionalString("source"), try arguments.int("days", in: 1...400))
    let report = try await Operator.withServices(arguments) { try await QualityReport.read(source: source, days: days, $0) }
    let console = arguments.console
    if isCSV {
      console.out.write(String(decoding: report.csv, as: UTF8.self))
    } else if isJSON {
      console.print(report.json.encodedText)
    } else {
      console.out.write(report.text(isChinese: Operator.isChinese(arguments), showsFields: arguments.flag("fields")))
    }
    return report.isAboveCeiling ? .failed : .ok
  }

  private static func runOverTime(_ arguments: ParsedArguments, _ day: Day?) async throws -> ExitCode {
    for name in ["scorecard", "policy", "industry-growth"] where arguments.optionalString(name) != nil {
      throw arguments.error(
        HelpText("--over-time shows the tiers that customers had: --\(name) does not go with it", zh: "--over-time 显示实际等级，不能与 --\(name) 一起使用"))
    }
    let months = try arguments.int("months", in: 1...36)
    let report = try await Operator.withServices(arguments) { try await TierDevelopmentReport.read(asOf: day, months: months, $0) }
    let console = arguments.console
    if arguments.flag("csv") {
      console.out.write(String(decoding: arguments.flag("moves") ? report.trafficCSV : report.tiersCSV, as: UTF8.self))
    } else if arguments.flag("json") {
      console.print(report.answer.encodedText)
    } else {
      console.out.write(report.text(isChinese: Operator.isChinese(arguments)))
    }
    return .ok
  }

  @Sendable static func run(_ arguments: ParsedArguments) async throws -> ExitCode {
    let (isCSV, isJSON, listsCustomers) = (arguments.flag("csv"), arguments.flag("json"), arguments.flag("customers"))
    try Operator.refuseBothForms(arguments)
    var asked: Day?
    if arguments.optionalString("as-of") != nil {
      asked = try arguments.value("as-of", HelpText("a day as 1998-07-01", zh: "日期，如 1998-07-01")) { Day($0) }
    }
    if arguments.flag("over-time") { return try await runOverTime(arguments, asked) }
    let growth = try RuleBook.growth(arguments.optionalString("industry-growth") ?? Program.environment()["TIERING_INDUSTRY_GROWTH"] ?? "")
    // Named rules are read before anything is asked of a service.
    let named = try arguments.optionalString("scorecard").map { try RuleBook.scorecard($0).scorecard }
    let kind = arguments.optionalString("policy").flatMap { TierConfiguration.Kind(rawValue: $0) }
    let report = try await Operator.withServices(arguments) { services in
      let day = asked ?? services.connection.today
      let scorecard = if let named { named } else { try await services.scorecardInForce() }
      let policy = if let kind { try RuleBook.policy(kind) } else { try await services.policyInForce() }
      return try TierReport(
        try await services.figures(on: day), day: day, scorecard: scorecard, policy: policy, currency: services.connection.currency, growth: growth,
        withPoints: listsCustomers)
    }
    let console = arguments.console
    if isCSV {
      console.out.write(String(decoding: listsCustomers ? report.customersCSV() : report.tiersCSV(), as: UTF8.self))
    } else if isJSON {
      console.out.write(String(decoding: report.json(listsCustomers: listsCustomers), as: UTF8.self) + "\n")
    } else {
      console.out.write(report.text(for: console, listsCustomers: listsCustomers))
    }
    return .ok
  }
}
