// `clientele scorecard`: scorecards, what they make of given values, and what they would make of all customers.
import ClienteleCore
import CommandLine
import Domain
import Runtime
import Telemetry
import Text

enum ScorecardCommands {
  static let command = Command(
    name: "scorecard", help: HelpText("scorecards: written, tried, put in force and taken out of it", zh: "评分卡：编写、试算、试行、启用与停用"),
    subcommands: [score, simulate, list, show] + ScorecardLifeCommands.commands)

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
      "Shows who would move to which tier, customers and revenue of each tier today and then, how many keep their tier, what the tiers' benefits would "
        + "cost and what service they would take. The tiering service rates its stored customers as it would if the scorecard came into force now, with its "
        + "own policy and settings; no rating changes. With --actor and --reason the simulation of a registered scorecard is put on record, "
        + "and the scorecard may then be tried.",
      zh: "显示哪些客户将变动到哪个等级、各等级现在与之后的客户数和消费额、等级不变的比例，以及权益成本与服务量。由分级服务对已存客户按其策略与设置计算，与启用该评分卡的结果一致；不改变任何评级。"
        + "给出 --actor 与 --reason 时，已登记评分卡的试算会被记录，之后方可试行。"),
    options: [
      .flag("moves", help: HelpText("list every customer whose tier would change", zh: "逐一列出等级将变动的客户")),
      .flag("csv", help: HelpText("print CSV: pairs of tiers, or with --moves the customers", zh: "以 CSV 输出：等级两两组合，或与 --moves 一起输出客户")),
      .value(
        "labelled", placeholder: "FILE",
        help: HelpText(
          "customers known to be worth most, a customer id or member id a line: how well are they found?", zh: "已知的高价值客户名单（每行一个编号或会员号），检验识别率"),
        completion: .files),
      .value(
        "high-value", placeholder: "TIERS",
        help: HelpText("the tiers that mean worth most, with commas; else the highest", zh: "视为高价值的等级，逗号分隔；默认最高等级")),
      ScorecardLifeCommands.actor, ScorecardLifeCommands.reason, Operator.json, Operator.folder,
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
    try Operator.refuseBothForms(arguments)
    var wish = try await wish(arguments)
    wish.listsMoves = listsMoves
    let simulation = try await simulate(wish, arguments)
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

  /// Everything but the scorecard is known before anything is asked of a service.
  private static func wish(_ arguments: ParsedArguments) async throws -> ScorecardSimulation.Wish {
    var wish = ScorecardSimulation.Wish()
    if let path = arguments.optionalString("labelled") { wish.labelled = try await LabelledList.read(path) }
    wish.highValueTiers = (arguments.optionalString("high-value") ?? "").split(separator: ",").map { $0.filter { $0 != " " } }
    if !wish.highValueTiers.isEmpty, wish.labelled.isEmpty {
      throw arguments.error(HelpText("--high-value needs the list of --labelled", zh: "--high-value 需与 --labelled 一起使用"))
    }
    if arguments.optionalString("actor") != nil || arguments.optionalString("reason") != nil {
      (wish.actor, wish.reason) = try ScorecardLifeCommands.decision(arguments)
    }
    return wish
  }

  /// On record when it was said who wants it; then the scorecard must be registered. Otherwise a file, or a scorecard that is known by its name.
  private static func simulate(_ wish: ScorecardSimulation.Wish, _ arguments: ParsedArguments) async throws -> ScorecardSimulation {
    let text = try arguments.string("name")
    var wish = wish
    if wish.actor.isEmpty {
      // A file with mistakes is refused before anything is asked of a service.
      if RuleBook.isFile(text) || !text.contains("@"), let yaml = try RuleBook.fileOrShipped(text) { wish.yaml = yaml }
    } else if RuleBook.isFile(text) {
      throw SuiteFailure("only a registered scorecard's simulation is put on record: `clientele scorecard import \(text)` first, then name it")
    }
    let chosen = wish
    return try await Operator.withServices(arguments) { services in
      var wish = chosen
      if wish.yaml == nil {
        let desk = ScorecardDesk(services)
        let reference = try await desk.find(try ScorecardName(text))
        if wish.actor.isEmpty { wish.yaml = String(decoding: try await desk.file(reference), as: UTF8.self) } else { wish.registered = reference }
      }
      return try await ScorecardSimulation.run(wish, services)
    }
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
