// `clientele calendar`: working hours and holidays, and the deadlines that follow from them (K-04). Needs no running suite.
import ClienteleCore
import CommandLine
import Documents
import Domain
import Text

enum CalendarCommand {
  static let command = Command(
    name: "calendar", help: HelpText("working hours, holidays, and the deadlines that follow", zh: "工作日历与时限推算"),
    discussion: HelpText(
      "By the calendars that come with the program (deploy/calendars.yaml), or those of --file. docs/calendars.md explains the file.",
      zh: "使用随程序提供的日历（deploy/calendars.yaml），或 --file 指定的文件；文件格式见 docs/calendars.md。"),
    subcommands: [list, check, days, deadline, elapsed, fromICS])

  private static let file = Option.value(
    "file", placeholder: "FILE", help: HelpText("calendars of your own (YAML)", zh: "自定义日历文件（YAML）"), completion: .files)
  private static let id = Argument("calendar", help: HelpText("the calendar's id, as `office`", zh: "日历编号，如 office"))
  private static let from = Option.value(
    "from", placeholder: "TIME", help: HelpText("where the clock starts, as 2026-11-27T16:00:00+08:00", zh: "计时开始时刻"), isRequired: true)
  private static let pause = Option.value(
    "pause", placeholder: "FROM/TO", help: HelpText("the clock stands still; without TO it still does; may be repeated", zh: "暂停区间，可重复"), isRepeated: true)

  private static func language(_ arguments: ParsedArguments) -> Domain.Language { Operator.isChinese(arguments) ? .chinese : .english }

  private static func calendar(_ arguments: ParsedArguments) throws -> WorkCalendar {
    try Calendars.calendar(try arguments.string("calendar"), in: try Calendars.book(arguments.optionalString("file")))
  }

  private static let list = Command(
    name: "list", help: HelpText("list the calendars", zh: "列出日历"), options: [file, Operator.json]
  ) { arguments in
    let book = try Calendars.book(arguments.optionalString("file"))
    if arguments.flag("json") {
      let calendars = book.calendars.map { calendar -> JSONValue in
        [
          "id": .text(calendar.id), "name": ["en": .text(calendar.name.en), "zh": .text(calendar.name.zh)], "zone": .text(calendar.zone.name),
          "special_days": .integer(Int64(calendar.specialDays.count)),
        ]
      }
      arguments.console.print(JSONValue.object([JSONMember("version", .integer(Int64(book.version))), JSONMember("calendars", .array(calendars))]).encodedText)
      return .ok
    }
    func say(_ english: String, _ chinese: String) -> String { Operator.say(arguments, english, chinese) }
    var table = Table([
      .init(say("Calendar", "日历")), .init(say("Name", "名称")), .init(say("Time zone", "时区")), .init(say("Hours a week", "每周小时"), .right),
      .init(say("Special days", "特殊日"), .right), .init(say("until", "截至")),
    ])
    for calendar in book.calendars {
      let minutes = calendar.week.reduce(0) { $0 + $1.minutes }
      table.add([
        calendar.id, calendar.name.text(in: language(arguments)), calendar.zone.name,
        "\(minutes / 60)" + (minutes % 60 == 0 ? "" : ":\(minutes % 60 < 10 ? "0" : "")\(minutes % 60)"), String(calendar.specialDays.count),
        calendar.specialDays.last?.day.description ?? "-",
      ])
    }
    arguments.console.out.write(table.render())
    return .ok
  }

  private static let check = Command(
    name: "check", help: HelpText("say everything that is wrong with a calendars' file", zh: "检查日历文件"), options: [Operator.json],
    arguments: [Argument("file", help: HelpText("the calendars' YAML file", zh: "日历 YAML 文件"), completion: .files)]
  ) { arguments in
    try Operator.tellingFaults(arguments) {
      let book = try Calendars.book(try arguments.string("file"))
      let count = book.calendars.count
      arguments.console.print(
        arguments.flag("json")
          ? "{\"ok\":true}" : Operator.say(arguments, "ok: version \(book.version), \(count) calendars", "通过：版本 \(book.version)，共 \(count) 个日历"))
    }
  }

  private static let days = Command(
    name: "days", help: HelpText("show the days of a calendar with their hours", zh: "逐日显示工作时间"),
    options: [
      .value("from", placeholder: "DAY", help: HelpText("the first day, as 2026-10-01", zh: "起始日期"), isRequired: true),
      .value("count", placeholder: "N", help: HelpText("so many days", zh: "天数"), defaultValue: "14"), file, Operator.json,
    ], arguments: [id]
  ) { arguments in
    let text = try arguments.string("from")
    guard let first = Day(text) else { throw arguments.error("--from `\(text)` is no day, as 2026-10-01") }
    let sheet = DaySheet(try calendar(arguments), from: first, count: try arguments.int("count", in: 1...DaySheet.daysMax))
    arguments.console.out.write(arguments.flag("json") ? sheet.json.encodedText + "\n" : sheet.text(in: language(arguments)))
    return .ok
  }

  private static let deadline = Command(
    name: "deadline", help: HelpText("when so much working time will have passed, and what counted", zh: "推算截止时刻，并逐段说明"),
    discussion: HelpText(
      """
      The clock runs in the calendar's hours only and stands still in the pauses. The answer lists every piece of the time: counted, outside hours, \
      holiday, paused.
      """,
      zh: "仅在工作时间内计时，暂停期间停表；结果逐段列出：计时、非工作时间、节假日、暂停。"),
    options: [
      from, .value("within", placeholder: "TIME", help: HelpText("working time, as 30m, 4h or 90s", zh: "工作时间，如 30m、4h"), isRequired: true), pause, file,
      Operator.json,
    ], arguments: [id]
  ) { arguments in
    let seconds = try arguments.duration("within").components.seconds
    let start = try Calendars.instant(try arguments.string("from"))
    let pauses = try arguments.strings("pause").map(Calendars.pause)
    let sheet = ClockSheet.deadline(try calendar(arguments), seconds: seconds, from: start, pauses: pauses)
    print(sheet, isDeadline: true, arguments)
    return sheet.isNever ? .failed : .ok
  }

  private static let elapsed = Command(
    name: "elapsed", help: HelpText("how much working time lies between two moments, and what counted", zh: "计算两个时刻之间的工作时间"),
    options: [
      from, .value("to", placeholder: "TIME", help: HelpText("where it ends", zh: "结束时刻"), isRequired: true), pause, file, Operator.json,
    ], arguments: [id]
  ) { arguments in
    let (start, end) = (try Calendars.instant(try arguments.string("from")), try Calendars.instant(try arguments.string("to")))
    guard start <= end else { throw arguments.error("--to lies before --from") }
    let pauses = try arguments.strings("pause").map(Calendars.pause)
    print(ClockSheet.elapsed(try calendar(arguments), from: start, to: end, pauses: pauses), isDeadline: false, arguments)
    return .ok
  }

  private static func print(_ sheet: ClockSheet, isDeadline: Bool, _ arguments: ParsedArguments) {
    arguments.console.out.write(
      arguments.flag("json")
        ? sheet.json(isDeadline: isDeadline).encodedText + "\n" : sheet.text(isDeadline: isDeadline, in: language(arguments)))
  }

  private static let fromICS = Command(
    name: "from-ics", help: HelpText("turn an iCalendar file into a list of holidays for the calendars' file", zh: "将 iCalendar 文件转换为节假日列表"),
    discussion: HelpText(
      """
      Whole-day events only; what cannot be read exactly is refused by its line. Make-up working days, marked X-APPLE-SPECIAL-DAY:ALTERNATE-WORKDAY, \
      are kept apart.
      """,
      zh: "仅支持全天事件，无法准确读取的内容按行报错；标记为 ALTERNATE-WORKDAY 的调休上班日单独列出。"),
    options: [
      .value("id", placeholder: "NAME", help: HelpText("id of the list", zh: "列表编号"), isRequired: true),
    ], arguments: [Argument("file", help: HelpText("the .ics file", zh: ".ics 文件"), completion: .files)]
  ) { arguments in
    let path = try arguments.string("file")
    return try Operator.tellingFaults(arguments) {
      let days = try ICalendar.days(try DocumentFile.read(path), source: path)
      arguments.console.out.write(Calendars.list(days, id: try arguments.string("id")))
    }
  }
}
