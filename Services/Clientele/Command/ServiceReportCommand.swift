// `clientele report service`: how the tickets of a month were served (K-09, K-13).
import ClienteleCore
import CommandLine
import Domain
import Text

enum ServiceReportCommand {
  static let command = Command(
    name: "service", help: HelpText("tickets of a month: on time, resolved, at first contact, how long, what was given", zh: "月度服务执行报表：及时率、解决率、首次解决率、用时、补偿"),
    discussion: HelpText(
      "The tickets that were opened in the month, as they stand now. What still runs and is not late is no part of a share; a share of nothing is -. "
        + "Times are by the clock on the wall, nights and waits included. docs/tickets.md says what each figure is.",
      zh: "统计当月开启的工单的当前状况。仍在计时且未超时的不计入及时率；无数据显示为 -。用时为自然时间，含夜间与等待。各项定义见 docs/tickets.md。"),
    options: [
      .value("month", placeholder: "MONTH", help: HelpText("the month, as 1998-07; else that of the suite's today", zh: "月份，如 1998-07；默认为套件当月")),
      .value(
        "by", placeholder: "WHAT", help: HelpText("by what tickets are put together", zh: "分组方式：等级、类别、渠道、团队或负责人"),
        choices: ["tier", "kind", "channel", "team", "owner"], defaultValue: "tier"),
      .flag("csv", help: HelpText("print CSV", zh: "以 CSV 输出")),
      .flag("html", help: HelpText("print a page for the browser and for paper, in the language of --lang", zh: "输出可打印的网页（语言由 --lang 决定）")), Operator.json,
      Operator.folder,
    ]
  ) { arguments in
    let (isCSV, isJSON, isPage) = (arguments.flag("csv"), arguments.flag("json"), arguments.flag("html"))
    if [isCSV, isJSON, isPage].count(where: { $0 }) > 1 {
      throw arguments.error(HelpText("--csv, --html and --json exclude each other", zh: "--csv、--html 与 --json 不能同时使用"))
    }
    var month: Month?
    if arguments.optionalString("month") != nil {
      month = try arguments.value("month", HelpText("a month as 1998-07", zh: "月份，如 1998-07")) { Day("\($0)-01")?.month }
    }
    let (asked, grouping) = (month, try arguments.string("by"))
    if isPage {
      let language = Operator.isChinese(arguments) ? "zh-CN" : "en"
      let page = try await Operator.withServices(arguments) { try await ServiceExecutionReport.page(month: asked, by: grouping, in: language, $0) }
      arguments.console.out.write(String(decoding: page, as: UTF8.self))
      return .ok
    }
    let (report, zone) = try await Operator.withServices(arguments) { services in
      (try await ServiceExecutionReport.read(month: asked, by: grouping, services), services.connection.zone)
    }
    let console = arguments.console
    if isCSV {
      console.out.write(String(decoding: report.csv, as: UTF8.self))
    } else if isJSON {
      console.print(report.answer.encodedText)
    } else {
      console.out.write(report.text(zone, isChinese: Operator.isChinese(arguments)))
    }
    return .ok
  }
}
