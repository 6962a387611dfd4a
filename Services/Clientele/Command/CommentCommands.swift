// `clientele report topics` and `clientele comment`: what comments speak of, and the rules by which they are sorted (F-06).
import ClienteleCore
import CommandLine
import Documents
import Domain
import HTTP
import Runtime
import Text

enum CommentCommands {
  static let report = Command(
    name: "topics", help: HelpText("what comments speak of and how, beside the period before", zh: "客户意见的主题与褒贬，并与上期比较"),
    discussion: HelpText(
      "A comment that names two topics counts for both. A topic is hot when at least \(Growth.hotCountMin) comments speak of it and they became more by "
        + "\(Growth.hotPercentMin) % or more. Unhappy are those that are negative or mixed.",
      zh: "提到两个主题的意见分别计入。某主题不少于 \(Growth.hotCountMin) 条且较上期增长 \(Growth.hotPercentMin)% 以上即为热点。“不满”指负面或褒贬不一。"),
    options: [
      .value("metric", placeholder: "METRIC", help: HelpText("only comments beside this metric", zh: "仅该指标的意见"), choices: SurveyCommands.metrics),
      SurveyCommands.survey,
      .value("from", placeholder: "DAY", help: HelpText("the first day; else 90 days with the last", zh: "首日；默认共 90 天")),
      .value("to", placeholder: "DAY", help: HelpText("the last day; else the suite's today", zh: "末日；默认为套件当天")),
      .flag("csv", help: HelpText("print CSV", zh: "以 CSV 输出")), Operator.json, Operator.folder,
    ]
  ) { arguments in
    let (isCSV, isJSON) = (arguments.flag("csv"), arguments.flag("json"))
    try Operator.refuseBothForms(arguments)
    try SurveyCommands.checkDays(arguments)
    let asked = ["metric", "survey", "from", "to"].map { ($0, arguments.optionalString($0)) }
    let answer = try await Operator.withServices(arguments) { try await $0.call("feedback", .get, ServiceClient.path("/v1/reports/topics", asked)) }
    let console = arguments.console
    if isCSV {
      console.out.write(String(decoding: CommentWords.csv(answer), as: UTF8.self))
    } else if isJSON {
      console.print(answer.encodedText)
    } else {
      console.out.write(CommentWords.report(answer, isChinese: Operator.isChinese(arguments)))
    }
    return .ok
  }

  static let command = Command(
    name: "comment", help: HelpText("the rules by which customers' comments are sorted", zh: "客户意见的主题与褒贬规则"), subcommands: [check, read])

  private static let check = Command(
    name: "check", help: HelpText("say everything that is wrong with a file of comment rules", zh: "检查意见规则文件"),
    discussion: HelpText("docs/feedback.md explains the file. Needs no running suite.", zh: "文件格式见 docs/feedback.md。无需运行套件。"), options: [Operator.json],
    arguments: [Argument("file", help: HelpText("the YAML file", zh: "YAML 文件"), completion: .files)]
  ) { arguments in
    try Operator.tellingFaults(arguments) {
      let path = try arguments.string("file")
      let rules = try CommentDocument.decode(try DocumentFile.read(path), source: path)
      let words = rules.topics.reduce(0) { $0 + $1.words.count } + rules.lists.values.reduce(0) { $0 + $1.count }
      arguments.console.print(
        arguments.flag("json")
          ? "{\"ok\":true}"
          : Operator.say(
            arguments, "ok: v\(rules.version), \(rules.topics.count) topics, \(words) words",
            "通过：v\(rules.version)，\(rules.topics.count) 个主题，\(words) 个词"))
    }
  }

  private static let read = Command(
    name: "read", help: HelpText("try what the rules find in a text", zh: "试读一段文字"),
    discussion: HelpText("Needs no running suite.", zh: "无需运行套件。"),
    options: [
      .value(
        "rules", placeholder: "FILE", help: HelpText("a file of rules; else the one that comes with the program", zh: "规则文件；默认使用随附文件"), completion: .files),
      Operator.json,
    ],
    arguments: [Argument("text", help: HelpText("what a customer may have written", zh: "客户可能写下的文字"))]
  ) { arguments in
    try Operator.tellingFaults(arguments) {
      let path = arguments.optionalString("rules") ?? CommentDocument.shipped
      let bytes = arguments.optionalString("rules") == nil ? Resources.bytes(path) ?? [] : try DocumentFile.read(path)
      let rules = try CommentDocument.decode(bytes, source: path)
      let reading = rules.read(try arguments.string("text"))
      arguments.console.out.write(
        arguments.flag("json") ? CommentWords.json(reading).encodedText + "\n" : CommentWords.reading(reading, rules, isChinese: Operator.isChinese(arguments)))
    }
  }
}
