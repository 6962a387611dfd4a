// `clientele scorecard new|check|import|export|registered|canary|activate|compare|retire|back|history`: a scorecard's way into use (T-10).
import ClienteleCore
import CommandLine
import Documents
import Domain
import HTTP
import Text

enum ScorecardLifeCommands {
  static let commands = [new, check, importFile, export, registered, canary, activate, compare, retire, back, history, borders]

  static let registeredName = Argument(
    "name", help: HelpText("a registered scorecard: standard, its newest version, or standard@2", zh: "已登记的评分卡：standard（最新版本）或 standard@2"))
  private static let file = Argument("file", help: HelpText("the scorecard's YAML file", zh: "评分卡 YAML 文件"), completion: .files)
  static let actor = Option.value("actor", placeholder: "NAME", help: HelpText("who decides; kept for ever", zh: "决定人（永久记录）"))
  static let reason = Option.value("reason", placeholder: "TEXT", help: HelpText("why; kept for ever", zh: "理由（永久记录）"))
  private static let revision = Option.value(
    "revision", placeholder: "N", help: HelpText("only while it is in this state still, as `registered` shows it", zh: "仅当状态编号仍为 N（见 registered）时执行"))
  private static let decides = [actor, reason, revision, Operator.json, Operator.folder]

  /// Who and why, or an error that asks for them.
  static func decision(_ arguments: ParsedArguments) throws -> (actor: String, reason: String) {
    guard let actor = arguments.optionalString("actor"), let reason = arguments.optionalString("reason") else {
      throw arguments.error(HelpText("say who decides and why: --actor NAME --reason TEXT", zh: "请给出决定人与理由：--actor NAME --reason TEXT"))
    }
    return (actor, reason)
  }

  // MARK: - Files

  private static let new = Command(
    name: "new", help: HelpText("print a scorecard to begin with, made from another one", zh: "以另一评分卡为模板输出新评分卡"),
    discussion: HelpText(
      "Under the name of the one it is made from it gets the next version, otherwise version 1. Needs no running suite.",
      zh: "名称与模板相同时版本号加一，否则为 1。无需运行中的套件。"),
    options: [
      .value(
        "from", placeholder: "NAME", help: HelpText("a scorecard that comes with the program, or a file", zh: "内置评分卡名称或文件"), defaultValue: "standard",
        completion: .files),
      .value("author", placeholder: "NAME", help: HelpText("who answers for it", zh: "负责人")),
    ], arguments: [Argument("name", help: HelpText("its name: small letters, digits, hyphens", zh: "名称：小写字母、数字、连字符"))]
  ) { arguments in
    let base = try RuleBook.scorecard(try arguments.string("from"))
    let name = try arguments.string("name")
    let version = name == base.scorecard.name ? base.scorecard.version + 1 : 1
    return try Operator.tellingFaults(arguments) {
      arguments.console.out.write(
        try ScorecardDraft.make(from: base.yaml, name: name, version: version, author: arguments.optionalString("author")))
    }
  }

  private static let check = Command(
    name: "check", help: HelpText("say everything that is wrong with a scorecard's file", zh: "检查评分卡文件"), options: [Operator.json], arguments: [file]
  ) { arguments in
    let path = try arguments.string("file")
    let card: Scorecard
    do throws(DocumentFaults) { card = try ScorecardDocument.load(path) } catch {
      arguments.console.printError(error.description)
      return .failed
    }
    if arguments.flag("json") {
      let rows = card.indicators.map { indicator -> JSONValue in
        ["key": .text(indicator.key.name), "weight": .text(indicator.weight.description), "curve": .text(indicator.curve.direction.en)]
      }
      arguments.console.print(
        JSONValue.object([
          JSONMember("name", .text(card.name)), JSONMember("version", .integer(Int64(card.version))), JSONMember("author", .text(card.author)),
          JSONMember("indicators", .array(rows)),
        ]).encodedText)
      return .ok
    }
    arguments.console.print("ok: \(card.reference)")
    var table = Table([
      .init(Operator.say(arguments, "Indicator", "指标")), .init(Operator.say(arguments, "Weight %", "权重 %"), .right),
      .init(Operator.say(arguments, "Points as it grows", "数值增大时得分")),
    ])
    for indicator in card.indicators {
      let direction = indicator.curve.direction
      table.add([indicator.key.name, indicator.weight.decimalText(fractionDigitsMax: 4), Operator.say(arguments, direction.en, direction.zh)])
    }
    arguments.console.out.write(table.render())
    return .ok
  }

  private static let importFile = Command(
    name: "import", help: HelpText("register a scorecard's file with the suite, as a draft", zh: "将评分卡文件登记为草稿"),
    discussion: HelpText(
      "The file is kept byte for byte. A version that is registered never changes: raise it in the file to register something else.",
      zh: "文件逐字节保存。已登记的版本不可更改；如需修改请提高版本号。"),
    options: [actor, reason, Operator.json, Operator.folder], arguments: [file]
  ) { arguments in
    let decision = try decision(arguments)
    let card = try RuleBook.scorecard(path: try arguments.string("file"))
    let answer = try await Operator.withServices(arguments) {
      try await ScorecardDesk($0).register(card.yaml, actor: decision.actor, reason: decision.reason)
    }
    return told(answer, arguments)
  }

  private static let export = Command(
    name: "export", help: HelpText("print a registered scorecard's file, byte for byte", zh: "原样输出已登记的评分卡文件"), options: [Operator.folder],
    arguments: [registeredName]
  ) { arguments in
    let name = try ScorecardName(try arguments.string("name"))
    let bytes = try await Operator.withServices(arguments) { services in
      let desk = ScorecardDesk(services)
      return try await desk.file(try await desk.find(name))
    }
    arguments.console.out.write(String(decoding: bytes, as: UTF8.self))
    return .ok
  }

  private static let registered = Command(
    name: "registered", help: HelpText("list the scorecards of the suite with their states", zh: "列出套件中的评分卡及其状态"),
    options: [Operator.json, Operator.folder]
  ) { arguments in
    let cards = try await Operator.withServices(arguments) { try await ScorecardDesk($0).all() }
    if arguments.flag("json") {
      arguments.console.print(JSONValue.array(cards).encodedText)
      return .ok
    }
    func say(_ english: String, _ chinese: String) -> String { Operator.say(arguments, english, chinese) }
    var table = Table([
      .init(say("Name", "名称")), .init(say("Version", "版本"), .right), .init(say("State", "状态")), .init(say("Revision", "状态编号"), .right),
      .init(say("Author", "作者")), .init(say("Registered", "登记时间")),
    ])
    for card in cards {
      let percent = card["canary_percent"]?.intValue.map { " \($0) %" } ?? ""
      table.add([
        text(card["name"]), number(card["version"]), ScorecardWords.state(text(card["state"]), Operator.isChinese(arguments)) + percent,
        number(card["revision"]), text(card["author"]), text(card["registered_at"]),
      ])
    }
    arguments.console.out.write(table.render())
    return .ok
  }

  // MARK: - Steps

  private static let canary = Command(
    name: "canary", help: HelpText("let a simulated scorecard rate a part of the customers", zh: "让已试算的评分卡对部分客户生效"),
    discussion: HelpText(
      "The part is chosen by a hash of the customer's id: the same customers for as long as the trial lasts. `compare` shows them beside the rest.",
      zh: "按客户编号的哈希选取，试行期间始终是同一批客户；用 compare 与其余客户比较。"),
    options: [
      .value(
        "percent", placeholder: "N", help: HelpText("of a hundred customers, 1 to 50", zh: "占客户的百分比，1 至 50"),
        defaultValue: String(CanaryTrial.percentDefault))
    ] + decides, arguments: [registeredName]
  ) { arguments in
    try await step(.canary, arguments, [JSONMember("percent", .integer(Int64(try arguments.int("percent", in: CanaryTrial.percentRange))))])
  }

  private static let activate = Command(
    name: "activate", help: HelpText("let a scorecard rate all customers, from one moment on", zh: "启用评分卡，自某一时刻起对全体客户生效"),
    discussion: HelpText(
      "The one that rates now is retired; `back` puts it in force again. Customers keep their rating until their new one is there.",
      zh: "当前评分卡随之停用，可用 back 恢复。新评级完成前，客户保持原评级。"),
    options: [.flag("without-canary", help: HelpText("although no part of the customers has tried it", zh: "未经部分客户试行即启用"))] + decides,
    arguments: [registeredName]
  ) { arguments in
    try await step(.activate, arguments, arguments.flag("without-canary") ? [JSONMember("without_canary", true)] : [])
  }

  private static let retire = Command(
    name: "retire", help: HelpText("put a scorecard aside, or end its trial", zh: "停用评分卡或结束其试行"), options: decides, arguments: [registeredName]
  ) { arguments in try await step(.retire, arguments, []) }

  private static let back = Command(
    name: "back", help: HelpText("let the scorecard before the active one rate again", zh: "恢复上一个评分卡"), options: decides
  ) { arguments in try await step(.back, arguments, []) }

  private static func step(_ step: ScorecardStep, _ arguments: ParsedArguments, _ members: [JSONMember]) async throws -> ExitCode {
    let decision = try decision(arguments)
    let revision = try arguments.optionalInt("revision", in: 1...Int.max)
    let name = step == .back ? nil : try ScorecardName(try arguments.string("name"))
    let all = members + [JSONMember("actor", .text(decision.actor)), JSONMember("reason", .text(decision.reason))]
    let answer = try await Operator.withServices(arguments) { services in
      let desk = ScorecardDesk(services)
      let reference: ScorecardReference
      if let name { reference = try await desk.find(name) } else {
        guard let active = try await desk.one(in: .active) else { throw SuiteFailure("no scorecard is active") }
        reference = active
      }
      return try await desk.step(step, reference, all, revision: revision)
    }
    return told(answer, arguments)
  }

  private static func told(_ card: JSONValue, _ arguments: ParsedArguments) -> ExitCode {
    if arguments.flag("json") {
      arguments.console.print(card.encodedText)
    } else {
      let state = ScorecardWords.state(text(card["state"]), Operator.isChinese(arguments))
      arguments.console.print(
        Operator.say(
          arguments, "\(text(card["name"])) v\(number(card["version"])) is \(state)", "\(text(card["name"])) v\(number(card["version"])) 状态：\(state)"))
    }
    return .ok
  }

  // MARK: - Looking back and across

  private static let compare = Command(
    name: "compare", help: HelpText("the customers a scorecard is tried on beside all others", zh: "比较试行客户与其余客户"),
    options: [Operator.json, Operator.folder],
    arguments: [Argument("name", help: HelpText("else the one that is tried now", zh: "默认为正在试行的评分卡"), arity: .optional)]
  ) { arguments in
    let name = try arguments.optionalString("name").map { try ScorecardName($0) }
    let answer = try await Operator.withServices(arguments) { services in
      let desk = ScorecardDesk(services)
      if let name { return try await desk.comparison(try await desk.find(name)) }
      guard let trial = try await desk.one(in: .canary) else {
        throw SuiteFailure("no scorecard is tried on customers: `clientele scorecard canary NAME` begins a trial")
      }
      return try await desk.comparison(trial)
    }
    if arguments.flag("json") {
      arguments.console.print(answer.encodedText)
    } else {
      arguments.console.out.write(ScorecardWords.comparison(answer, isChinese: Operator.isChinese(arguments)))
    }
    return .ok
  }

  private static let history = Command(
    name: "history", help: HelpText("what was done to scorecards, by whom and why, the newest first", zh: "评分卡变更记录（最新在前）"),
    options: [
      .value("limit", placeholder: "N", help: HelpText("at most so many", zh: "最多条数"), defaultValue: "50"),
      .value("before", placeholder: "N", help: HelpText("only what came before this event", zh: "仅此编号之前的记录")), Operator.json, Operator.folder,
    ], arguments: [Argument("name", help: HelpText("only of this scorecard, or of one version: standard@2", zh: "仅此评分卡或版本"), arity: .optional)]
  ) { arguments in
    let name = try arguments.optionalString("name").map { try ScorecardName($0) }
    let (limit, before) = (try arguments.int("limit", in: 1...500), try arguments.optionalInt("before", in: 1...Int.max))
    let answer = try await Operator.withServices(arguments) { try await ScorecardDesk($0).history(name, limit: limit, before: before) }
    if arguments.flag("json") {
      arguments.console.print(answer.encodedText)
      return .ok
    }
    func say(_ english: String, _ chinese: String) -> String { Operator.say(arguments, english, chinese) }
    let isChinese = Operator.isChinese(arguments)
    var table = Table([
      .init("#", .right), .init(say("At", "时间")), .init(say("Scorecard", "评分卡")), .init(say("What", "事项")), .init(say("State", "状态")),
      .init(say("Who", "决定人")), .init(say("Why", "理由")),
    ])
    for event in answer["events"]?.arrayValue ?? [] {
      table.add([
        number(event["id"]), text(event["at"]), "\(text(event["name"])) v\(number(event["version"]))", ScorecardWords.event(text(event["kind"]), isChinese),
        ScorecardWords.state(text(event["state_after"]), isChinese), text(event["actor"]), text(event["reason"]),
      ])
    }
    arguments.console.out.write(table.render())
    if let next = answer["next"]?.int64Value { arguments.console.print(say("more: --before \(next)", "更多：--before \(next)")) }
    return .ok
  }

  private static let borders = Command(
    name: "borders", help: HelpText("where a quota cuts all customers, and since when", zh: "按比例分级的划线结果与时间"),
    options: [.flag("now", help: HelpText("draw them anew, whatever the interval", zh: "立即重新划线")), Operator.json, Operator.folder]
  ) { arguments in
    let isNow = arguments.flag("now")
    let answer = try await Operator.withServices(arguments) { try await $0.call("tiering", isNow ? .post : .get, "/v1/quota/borders") }
    if arguments.flag("json") {
      arguments.console.print(answer.encodedText)
      return .ok
    }
    let (at, count) = (text(answer["at"]), number(answer["customers"]))
    arguments.console.print(
      Operator.say(
        arguments, "borders no. \(number(answer["number"])) of \(at), from the scores of \(count) customers",
        "第 \(number(answer["number"])) 次划线：\(at)，共 \(count) 名有得分的客户"))
    for (place, threshold) in (answer["thresholds"]?.arrayValue ?? []).enumerated() {
      let least = if case .number(let digits) = threshold { digits } else { "-" }
      arguments.console.print(
        Operator.say(arguments, "tier \(place + 1) from a score of \(least)", "第 \(place + 1) 等级最低得分：\(least)"))
    }
    return .ok
  }

  private static func text(_ value: JSONValue?) -> String { value?.stringValue ?? "-" }
  private static func number(_ value: JSONValue?) -> String { value?.int64Value.map { String($0) } ?? "-" }
}
