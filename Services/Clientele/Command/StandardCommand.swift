// `clientele standard`: how soon which customers are answered and helped (K-02, K-03). Needs no running suite.
import ClienteleCore
import CommandLine
import Documents
import Domain
import Text

enum StandardCommand {
  static let command = Command(
    name: "standard", help: HelpText("service standards: how soon who is answered and helped", zh: "服务标准：响应与解决时限"),
    discussion: HelpText(
      "By the standards that come with the program (deploy/standards.yaml), or those of --file. docs/calendars.md explains the file.",
      zh: "使用随程序提供的服务标准（deploy/standards.yaml），或 --file 指定的文件；文件格式见 docs/calendars.md。"), subcommands: [check, deadlines])

  private static let files: [Option] = [
    .value(
      "calendars", placeholder: "FILE", help: HelpText("calendars of your own (YAML)", zh: "自定义日历文件（YAML）"), completion: .files),
    .value("policies", placeholder: "FILE", help: HelpText("tiers of your own (YAML)", zh: "自定义等级策略文件（YAML）"), completion: .files),
  ]

  private static let check = Command(
    name: "check", help: HelpText("say everything that is wrong with a standards' file", zh: "检查服务标准文件"), options: files + [Operator.json],
    arguments: [Argument("file", help: HelpText("the standards' YAML file", zh: "服务标准 YAML 文件"), completion: .files)]
  ) { arguments in
    try Operator.tellingFaults(arguments) {
      let standards = try load(arguments, try arguments.string("file"))
      let (version, count) = (standards.version, standards.rules.count)
      arguments.console.print(
        arguments.flag("json") ? "{\"ok\":true}" : Operator.say(arguments, "ok: version \(version), \(count) rules", "通过：版本 \(version)，共 \(count) 条规则"))
    }
  }

  private static let deadlines = Command(
    name: "deadlines", help: HelpText("what is promised to a customer whose contact comes at some moment", zh: "推算某时刻来访客户的各项时限"),
    options: [
      .value("tier", placeholder: "TIER", help: HelpText("the customer's tier, as vip", zh: "客户等级，如 vip"), isRequired: true),
      .value("from", placeholder: "TIME", help: HelpText("when the contact comes, as 2026-11-27T16:00:00+08:00", zh: "来访时刻"), isRequired: true),
      .value(
        "kind", placeholder: "KIND", help: HelpText("what it is about", zh: "类别"), choices: ContactEvent.Kind.allCases.map(\.rawValue),
        defaultValue: ServiceStandards.kindDefault.rawValue),
      .value(
        "urgency", placeholder: "URGENCY", help: HelpText("how bad it is", zh: "紧急程度"), choices: ContactEvent.Urgency.allCases.map(\.rawValue),
        defaultValue: ServiceStandards.urgencyDefault.rawValue),
      .value("pause", placeholder: "FROM/TO", help: HelpText("the clocks stand still; may be repeated", zh: "暂停区间，可重复"), isRepeated: true),
      .value("file", placeholder: "FILE", help: HelpText("standards of your own (YAML)", zh: "自定义服务标准文件（YAML）"), completion: .files),
    ] + files + [Operator.json]
  ) { arguments in
    let standards = try load(arguments, arguments.optionalString("file"))
    let kind = ContactEvent.Kind(rawValue: try arguments.string("kind")) ?? ServiceStandards.kindDefault
    let urgency = ContactEvent.Urgency(rawValue: try arguments.string("urgency")) ?? ServiceStandards.urgencyDefault
    let sheet = try StandardSheet(
      standards, tier: try Standards.tier(try arguments.string("tier"), in: standards), kind: kind, urgency: urgency,
      from: try Calendars.instant(try arguments.string("from")), pauses: try arguments.strings("pause").map(Calendars.pause))
    let language: Domain.Language = Operator.isChinese(arguments) ? .chinese : .english
    arguments.console.out.write(arguments.flag("json") ? sheet.json.encodedText + "\n" : sheet.text(in: language))
    return .ok
  }

  private static func load(_ arguments: ParsedArguments, _ file: String?) throws -> ServiceStandards {
    try Standards.load(
      Standards.Files(standards: file, calendars: arguments.optionalString("calendars"), policies: arguments.optionalString("policies")))
  }
}
