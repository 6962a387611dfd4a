// `clientele report nps` and `clientele survey`: what customers are asked, and what they say of the business (F-01, F-03, F-04).
import ClienteleCore
import CommandLine
import Documents
import Domain
import HTTP
import Text

enum SurveyCommands {
  static let metrics = AnswerEvent.Metric.allCases.map(\.rawValue)
  static let survey = Option.value("survey", placeholder: "NAME", help: HelpText("only answers to this survey", zh: "仅该问卷"))

  // MARK: - Figures

  static let report = Command(
    name: "nps",
    help: HelpText(
      "NPS, CSAT or CES with its interval, by tier, segment, survey, channel, article or month",
      zh: "NPS、CSAT 或 CES 及置信区间，可按等级、分群、问卷、渠道、商品或月份"),
    discussion: HelpText(
      "An answer counts under the tier and the segments that its customer had at that moment; --by segment are the eight by recency, frequency and spend, "
        + "--by contribution the four by contribution. The interval holds the true figure 95 times of 100. With --compare each "
        + "figure stands beside the one of as many days before; a change whose interval holds 0 may be chance. docs/feedback.md says how each is worked out.",
      zh: "回答计入客户当时的等级与分群；--by segment 为 RFM 八类，--by contribution 为贡献四类。置信区间在 100 次中有 95 次包含真实值。--compare 与此前同样天数对比；区间包含 0 的变化可能只是偶然。各项定义见 docs/feedback.md。"),
    options: [
      .value("metric", placeholder: "METRIC", help: HelpText("which figure", zh: "指标"), choices: metrics, defaultValue: "nps"),
      .value(
        "by", placeholder: "WHAT", help: HelpText("by what answers are put together", zh: "分组方式：等级、分群、贡献分群、问卷、渠道、商品或月份"),
        choices: ["tier", "segment", "contribution", "survey", "channel", "item", "month"], defaultValue: "tier"),
      survey, .value("from", placeholder: "DAY", help: HelpText("the first day; else 90 days with the last", zh: "首日；默认共 90 天")),
      .value("to", placeholder: "DAY", help: HelpText("the last day; else the suite's today", zh: "末日；默认为套件当天")),
      .flag("compare", help: HelpText("beside as many days before", zh: "与此前同样天数对比")), .flag("csv", help: HelpText("print CSV", zh: "以 CSV 输出")),
      Operator.json, Operator.folder,
    ]
  ) { arguments in
    let (isCSV, isJSON) = (arguments.flag("csv"), arguments.flag("json"))
    try Operator.refuseBothForms(arguments)
    if arguments.flag("compare"), try arguments.string("by") == "month" {
      throw arguments.error(HelpText("by month the months stand beside each other: leave --compare out", zh: "按月份时各月已并列显示，请去掉 --compare"))
    }
    try checkDays(arguments)
    let asked = [
      ("metric", try arguments.string("metric")), ("by", try arguments.string("by")), ("survey", arguments.optionalString("survey")),
      ("from", arguments.optionalString("from")), ("to", arguments.optionalString("to")), ("compare", arguments.flag("compare") ? "true" : nil),
    ]
    let report = try await Operator.withServices(arguments) { try await SatisfactionReport.read(asked, $0) }
    let console = arguments.console
    if isCSV {
      console.out.write(String(decoding: report.csv, as: UTF8.self))
    } else if isJSON {
      console.print(report.answer.encodedText)
    } else {
      console.out.write(report.text(isChinese: Operator.isChinese(arguments)))
    }
    return .ok
  }

  static let recovery = Command(
    name: "recovery", help: HelpText("how many of the unhappy are won back, and what they order after", zh: "不满意客户的挽回情况与后续订单"),
    discussion: HelpText(
      "Of the customers who answered unfavourably in the period: how many answered the same metric again later, and how many of them no longer so. Beside it "
        + "which share of each group ordered in the days after the answer, of those customers whose days are over. That groups differ does not say why.",
      zh: "统计期内给出不利回答的客户：其后再次回答同一指标的人数，以及其中不再给出不利回答的人数；并列各组客户在回答后若干天内的下单比例（仅计天数已满的客户）。"
        + "各组的差异并不说明原因。"),
    options: [
      .value("metric", placeholder: "METRIC", help: HelpText("which figure", zh: "指标"), choices: metrics, defaultValue: "nps"), survey,
      .value("from", placeholder: "DAY", help: HelpText("the first day; else 90 days with the last", zh: "首日；默认共 90 天")),
      .value("to", placeholder: "DAY", help: HelpText("the last day; else the suite's today", zh: "末日；默认为套件当天")),
      .value("days", placeholder: "N", help: HelpText("days after the answer in which orders count", zh: "回答后计入订单的天数"), defaultValue: "90"),
      .flag("csv", help: HelpText("print CSV", zh: "以 CSV 输出")), Operator.json, Operator.folder,
    ]
  ) { arguments in
    try Operator.refuseBothForms(arguments)
    try checkDays(arguments)
    let asked = [
      ("metric", try arguments.string("metric")), ("survey", arguments.optionalString("survey")), ("from", arguments.optionalString("from")),
      ("to", arguments.optionalString("to")), ("days", String(try arguments.int("days", in: 1...365))),
    ]
    let answer = try await Operator.withServices(arguments) { try await $0.call("feedback", .get, ServiceClient.path("/v1/reports/recovery", asked)) }
    let report = RecoveryReport(answer: answer)
    if arguments.flag("csv") {
      arguments.console.out.write(String(decoding: report.csv, as: UTF8.self))
    } else {
      arguments.console.out.write(arguments.flag("json") ? answer.encodedText + "\n" : report.text(isChinese: Operator.isChinese(arguments)))
    }
    return .ok
  }

  static func checkDays(_ arguments: ParsedArguments) throws {
    for name in ["from", "to"] where arguments.optionalString(name) != nil {
      _ = try arguments.value(name, HelpText("a day as 1998-07-01", zh: "日期，如 1998-07-01")) { Day($0) }
    }
  }

  // MARK: - Answers

  static let command = Command(
    name: "survey", help: HelpText("what customers are asked, and what they answered", zh: "客户问卷与回答"), options: [Operator.folder],
    subcommands: InvitationCommands.all + [answers, list, show, check])

  // MARK: - Surveys

  private static let check = Command(
    name: "check", help: HelpText("say everything that is wrong with a survey's file", zh: "检查问卷文件"),
    discussion: HelpText("docs/feedback.md explains the file. Needs no running suite.", zh: "文件格式见 docs/feedback.md。无需运行套件。"), options: [Operator.json],
    arguments: [Argument("file", help: HelpText("the survey's YAML file", zh: "问卷 YAML 文件"), completion: .files)]
  ) { arguments in
    try Operator.tellingFaults(arguments) {
      let path = try arguments.string("file")
      let survey = try SurveyDocument.decode(try DocumentFile.read(path), source: path)
      let (reference, count) = (survey.reference, survey.questions.count)
      arguments.console.print(
        arguments.flag("json")
          ? "{\"ok\":true}" : Operator.say(arguments, "ok: \(reference), \(count) further questions", "通过：\(reference)，共 \(count) 个追问"))
    }
  }

  private static let list = Command(
    name: "list", help: HelpText("the surveys that there are", zh: "列出问卷"),
    options: [.flag("all", help: HelpText("former versions as well", zh: "包括旧版本")), Operator.json]
  ) { arguments in
    let asked = [("all", arguments.flag("all") ? "true" : nil)]
    let answer = try await Operator.withServices(arguments) { try await $0.call("feedback", .get, ServiceClient.path("/v1/surveys", asked)) }
    let table = SurveyWords.table(answer, isChinese: Operator.isChinese(arguments)).render()
    arguments.console.out.write(arguments.flag("json") ? answer.encodedText + "\n" : table)
    return .ok
  }

  private static let show = Command(
    name: "show", help: HelpText("what a survey asks", zh: "查看问卷内容"),
    options: [.value("edition", placeholder: "N", help: HelpText("a former version", zh: "旧版本")), Operator.json],
    arguments: [Argument("survey", help: HelpText("its name, as nps-quarterly", zh: "问卷名称，如 nps-quarterly"))]
  ) { arguments in
    let name = ServiceClient.escaped(try arguments.string("survey"))
    let version = try arguments.optionalString("edition") == nil ? nil : String(arguments.int("edition", in: 1...1_000_000))
    let answer = try await Operator.withServices(arguments) {
      try await $0.call("feedback", .get, ServiceClient.path("/v1/surveys/\(name)", [("version", version)]))
    }
    let words = SurveyWords.survey(answer, isChinese: Operator.isChinese(arguments))
    arguments.console.out.write(arguments.flag("json") ? answer.encodedText + "\n" : words)
    return .ok
  }

  private static let answers = Command(
    name: "answers", help: HelpText("list answers, the newest first", zh: "列出回答（由新到旧）"),
    options: CustomerCommand.who + [
      .value("customer", placeholder: "ID", help: HelpText("only this customer's", zh: "仅该客户的")),
      .value("metric", placeholder: "METRIC", help: HelpText("only this metric", zh: "仅该指标"), choices: metrics), survey,
      .flag("unfavourable", help: HelpText("only detractors, the dissatisfied, those who found it hard", zh: "仅贬损者、不满意者与觉得费力者")),
      .value("topic", placeholder: "TOPIC", help: HelpText("only those that speak of it, as logistics", zh: "仅提到该主题的，如 logistics")),
      .value(
        "polarity", placeholder: "TONE", help: HelpText("how comments sound, of the topic where one is given", zh: "意见褒贬；给出主题时指该主题"),
        choices: CommentPolarity.allCases.map(\.rawValue)),
      .value("after", placeholder: "PLACE", help: HelpText("go on after this place", zh: "从该位置之后继续")),
      .value("limit", placeholder: "N", help: HelpText("at most so many", zh: "最多条数"), defaultValue: "50"), Operator.unmask, Operator.viewer, Operator.json,
    ]
  ) { arguments in
    let (limit, headers) = (String(try arguments.int("limit", in: 1...200)), try Operator.unmasking(arguments))
    let asked = try TicketCommands.maybeAsked(arguments)
    let (answer, zone) = try await Operator.withServices(arguments) { services -> (JSONValue, BusinessZone) in
      let customer = try await TicketCommands.customerID(asked, services)
      let path = ServiceClient.path(
        "/v1/answers",
        [
          ("customer_id", customer), ("metric", arguments.optionalString("metric")), ("survey", arguments.optionalString("survey")),
          ("unfavourable", arguments.flag("unfavourable") ? "true" : nil), ("topic", arguments.optionalString("topic")),
          ("polarity", arguments.optionalString("polarity")), ("after", arguments.optionalString("after")), ("limit", limit),
        ])
      return (try await services.call("feedback", .get, path, headers: headers), services.connection.zone)
    }
    guard !arguments.flag("json") else {
      arguments.console.print(answer.encodedText)
      return .ok
    }
    let rows = answer["answers"]?.arrayValue ?? []
    if rows.isEmpty {
      arguments.console.print(Operator.say(arguments, "no answers", "没有回答"))
    } else {
      arguments.console.out.write(AnswerWords.table(rows, zone, isChinese: Operator.isChinese(arguments)).render())
    }
    if let next = answer["next"]?.stringValue { arguments.console.print(Operator.say(arguments, "more: --after \(next)", "更多：--after \(next)")) }
    return .ok
  }
}
