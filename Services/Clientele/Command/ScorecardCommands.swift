// `clientele scorecard`: scorecards, what they make of given values, and what they would make of all customers.
import ClienteleCore
import CommandLine
import Domain
import Runtime
import Telemetry
import Text

enum ScorecardCommands {
  static let command = Command(
    name: "scorecard", help: HelpText("scorecards, and scores for given values", zh: "评分卡与试算"), subcommands: [score, simulate, list, show])

  private static let name = Argument("name", help: HelpText("a scorecard's name, or its YAML file", zh: "评分卡名称或 YAML 文件"), completion: .files)

  private static let score = Command(
    name: "score", help: HelpText("score, tier and explanation for given values", zh: "按给定数值试算得分与等级"),
    discussion: HelpText(
      "The file holds one JSON object, as {\"recency_days\": 30, \"frequency\": 12, \"monetary\": \"800000\"}: money in units of the base currency, "
        + "rates in percent. A missing key, like null, is no value. Needs no running suite.",
      zh: "文件内容为一个 JSON 对象，例如 {\"recency_days\": 30, \"frequency\": 12, \"monetary\": \"800000\"}；金额以元计，比率以百分数计。缺少的键或 null 表示无数据。"),
    options: [
      .value("values", placeholder: "FILE.json", help: HelpText("the values; - for standard input", zh: "数值文件；- 表示标准输入"), isRequired: true, completion: .files),
      .value(
        "policy", placeholder: "NAME", help: HelpText("how a score becomes a tier", zh: "分级策略"), choices: TierConfiguration.Kind.allCases.map(\.rawValue),
        defaultValue: "score"),
      .value("as-of", placeholder: "DAY", help: HelpText("the day the values are of; else today", zh: "数值所属日期；默认今日")),
      .value("business-zone", placeholder: "ZONE", help: HelpText("time zone of business days", zh: "业务时区"), defaultValue: "Asia/Shanghai"),
      .value("base-currency", placeholder: "CODE", help: HelpText("currency of amounts", zh: "币种"), defaultValue: "CNY"), Operator.json,
    ], arguments: [name], run: runScore)

  private static let simulate = Command(
    name: "simulate", help: HelpText("what a scorecard would make of all customers", zh: "以评分卡对全体客户试算"),
    discussion: HelpText(
      "Shows who would move to which tier, customers and revenue of each tier today and then, and how many keep their tier. The tiering service rates "
        + "its stored customers as it would if the scorecard came into force now, with its own policy and settings; nothing changes.",
      zh: "显示哪些客户将变动到哪个等级、各等级现在与之后的客户数和消费额，以及等级不变的比例。由分级服务对已存客户按其策略与设置计算，与启用该评分卡的结果一致；不改变任何数据。"),
    options: [
      .flag("moves", help: HelpText("list every customer whose tier would change", zh: "逐一列出等级将变动的客户")),
      .flag("csv", help: HelpText("print CSV: pairs of tiers, or with --moves the customers", zh: "以 CSV 输出：等级两两组合，或与 --moves 一起输出客户")),
      Operator.json, Operator.folder,
    ], arguments: [name], run: runSimulate)

  private static let list = Command(
    name: "list", help: HelpText("the scorecards that come with the program", zh: "列出内置评分卡"), options: [Operator.json], run: runList)

  private static let show = Command(
    name: "show", help: HelpText("print a scorecard's file", zh: "输出评分卡文件"), arguments: [name]
  ) { arguments in
    arguments.console.out.write(try RuleBook.scorecard(try arguments.string("name")).yaml)
    return .ok
  }

  @Sendable private static func runScore(_ arguments: ParsedArguments) async throws -> ExitCode {
    let zoneName = try arguments.string("business-zone")
    guard let zone = TimeZones.zone(zoneName) else { throw arguments.error(HelpText("there is no time zone \(zoneName)", zh: "没有时区 \(zoneName)")) }
    let code = try arguments.string("base-currency")
    guard let currency = Currency(code) else { throw arguments.error(HelpText("\(code) is no current ISO 4217 code", zh: "\(code) 不是有效的币种代码")) }
    var moment = Instant(microseconds: SystemTime.unixMicroseconds())
    if arguments.optionalString("as-of") != nil {
      let day = try arguments.value("as-of", HelpText("a day as 1998-07-01", zh: "日期，如 1998-07-01")) { Day($0) }
      moment = zone.startOfDay(day + 1).adding(seconds: -1)
    }
    let kind = TierConfiguration.Kind(rawValue: try arguments.string("policy"))
    let scorecard = try RuleBook.scorecard(try arguments.string("name")).scorecard
    let policy = try RuleBook.policy(kind)
    let file = try arguments.string("values")
    let values = try GivenValues.read(
      try await InputFile.whole(file, bytesMax: GivenValues.bytesMax), source: file == "-" ? "standard input" : file)
    let sheet = try ScoreSheet(values, scorecard: scorecard, policy: policy, moment: moment, zone: zone, currency: currency)
    let console = arguments.console
    console.print(arguments.flag("json") ? sheet.json(zone: zone).encodedText : sheet.text(for: console, zone: zone))
    return .ok
  }

  @Sendable private static func runSimulate(_ arguments: ParsedArguments) async throws -> ExitCode {
    let (isCSV, isJSON, listsMoves) = (arguments.flag("csv"), arguments.flag("json"), arguments.flag("moves"))
    if isCSV && isJSON { throw arguments.error(HelpText("--csv and --json exclude each other", zh: "--csv 与 --json 不能同时使用")) }
    // A file with mistakes is refused before anything is asked of a service.
    let yaml = try RuleBook.scorecard(try arguments.string("name")).yaml
    let simulation = try await Operator.withServices(arguments) { try await ScorecardSimulation.run(scorecard: yaml, $0) }
    let console = arguments.console
    if simulation.isRegisteredOtherwise {
      console.printError(
        Operator.say(
          arguments, "clientele: \(simulation.scorecard) is registered with another content: raise the version before it comes into force",
          "clientele：\(simulation.scorecard) 已以其他内容登记；启用前请提高版本号"))
    }
    if isCSV {
      console.out.write(String(decoding: listsMoves ? simulation.movesCSV() : simulation.matrixCSV(), as: UTF8.self))
    } else if isJSON {
      console.out.write(String(decoding: simulation.json(listsMoves: listsMoves), as: UTF8.self) + "\n")
    } else {
      console.out.write(simulation.text(for: console, listsMoves: listsMoves))
    }
    return .ok
  }

  @Sendable private static func runList(_ arguments: ParsedArguments) async throws -> ExitCode {
    let cards = try RuleBook.shipped().map(\.scorecard)
    if arguments.flag("json") {
      let rows = cards.map { card -> JSONValue in
        [
          "name": .text(card.name), "version": .integer(Int64(card.version)), "state": .text(card.state.rawValue),
          "indicators": .array(card.indicators.map { .text($0.key.name) }),
        ]
      }
      arguments.console.print(JSONValue.array(rows).encodedText)
      return .ok
    }
    func say(_ english: String, _ chinese: String) -> String { Operator.say(arguments, english, chinese) }
    var table = Table([
      .init(say("Name", "名称")), .init(say("Version", "版本"), .right), .init(say("State", "状态")), .init(say("Indicator", "指标")),
      .init(say("Weight %", "权重 %"), .right),
    ])
    for card in cards {
      for (place, indicator) in card.indicators.enumerated() {
        let head = place == 0 ? [card.name, String(card.version), card.state.rawValue] : ["", "", ""]
        table.add(head + [indicator.key.name, indicator.weight.decimalText(fractionDigitsMax: 2)])
      }
    }
    arguments.console.out.write(table.render())
    return .ok
  }
}
