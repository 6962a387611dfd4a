// What calendars of working hours say, for people and programs: days, deadlines with their pieces, time that has passed (K-04).
import CommandLine
public import Domain
public import Text
public import Documents
import Runtime

/// Calendars that come with the program, or those of a file.
public enum Calendars {
  public static func book(_ path: String?) throws -> CalendarBook {
    guard let path else {
      return try CalendarDocument.decode(
        Resources.bytes(CalendarDocument.shipped) ?? [], source: CalendarDocument.shipped, zoneNamed: TimeZones.zone)
    }
    return try CalendarDocument.load(path, zoneNamed: TimeZones.zone)
  }

  public static func calendar(_ id: String, in book: CalendarBook) throws -> WorkCalendar {
    guard let calendar = book[id] else {
      throw SuiteFailure("there is no calendar `\(id)`; known are \(book.calendars.map(\.id).joined(separator: ", "))")
    }
    return calendar
  }

  /// `2026-11-27T16:00:00+08:00`.
  public static func instant(_ text: some StringProtocol) throws -> Instant {
    guard let micros = try? RFC3339.parse(String(text)) else { throw SuiteFailure("`\(text)` is no moment, as 2026-11-27T16:00:00+08:00") }
    return Instant(microseconds: micros)
  }

  /// `FROM/TO`, as ISO 8601 writes intervals; without TO it goes on.
  public static func pause(_ text: String) throws -> Pause {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count == 2 else { throw SuiteFailure("`\(text)` is no pause, as FROM/TO, or FROM/ for one that goes on") }
    let (from, to) = (try instant(parts[0]), parts[1].isEmpty ? nil : try instant(parts[1]))
    if let to, to <= from { throw SuiteFailure("the pause `\(text)` ends before it begins") }
    return Pause(from: from, to: to)
  }

  static func text(_ instant: Instant, _ zone: BusinessZone) -> String {
    let offset = Int64(zone.offsetSeconds(atUnixSeconds: floorDivide(instant.microseconds, 1_000_000)))
    let wall = RFC3339.text(instant.adding(seconds: offset).microseconds)
    func two(_ number: Int64) -> String { (number < 10 ? "0" : "") + String(number) }
    let sign = offset < 0 ? "-" : "+"
    return wall.dropLast() + sign + two(abs(offset) / 3_600) + ":" + two(abs(offset) / 60 % 60)
  }

  /// `3:05:00`: hours, minutes and seconds of working time.
  static func length(_ microseconds: Int64) -> String {
    let seconds = microseconds / 1_000_000
    func two(_ number: Int64) -> String { (number < 10 ? "0" : "") + String(number) }
    return "\(seconds / 3_600):" + two(seconds / 60 % 60) + ":" + two(seconds % 60)
  }
}

/// A clock of a calendar: from a start to its deadline or to a moment, with everything between.
public struct ClockSheet: Sendable {
  public let calendar: WorkCalendar
  public let from: Instant
  /// The deadline, or the moment that was asked for; nil when the clock stands still or never runs out.
  public let to: Instant?
  /// Working time outside the pauses: from the start to the end, or what is left while the clock stands still.
  public let microseconds: Int64
  public let isNever: Bool
  /// Nil where there are too many.
  public let segments: [ClockSegment]?
  /// Pieces that are listed.
  public static let segmentsMax = 2_000

  /// When so much working time will have passed.
  public static func deadline(_ calendar: WorkCalendar, seconds: Int64, from: Instant, pauses: [Pause]) -> ClockSheet {
    switch calendar.deadline(seconds: seconds, from: from, pauses: pauses) {
    case .at(let end):
      ClockSheet(
        calendar: calendar, from: from, to: end, microseconds: seconds * 1_000_000, isNever: false,
        segments: calendar.segments(from: from, to: end, pauses: pauses, countMax: segmentsMax))
    case .paused(let left): ClockSheet(calendar: calendar, from: from, to: nil, microseconds: left, isNever: false, segments: [])
    case .never: ClockSheet(calendar: calendar, from: from, to: nil, microseconds: 0, isNever: true, segments: [])
    }
  }

  /// How much working time has passed.
  public static func elapsed(_ calendar: WorkCalendar, from: Instant, to: Instant, pauses: [Pause]) -> ClockSheet {
    ClockSheet(
      calendar: calendar, from: from, to: to, microseconds: calendar.elapsedMicroseconds(from: from, to: to, pauses: pauses), isNever: false,
      segments: calendar.segments(from: from, to: to, pauses: pauses, countMax: segmentsMax))
  }

  /// `due`: the deadline is asked for, so the time is given; else the other way round.
  public func json(isDeadline: Bool) -> JSONValue {
    var members = [JSONMember("calendar", .text(calendar.id)), JSONMember("from", .text(Calendars.text(from, calendar.zone)))]
    let end: JSONValue = to.map { .text(Calendars.text($0, calendar.zone)) } ?? .null
    members.append(JSONMember(isDeadline ? "deadline" : "to", end))
    if isDeadline { members.append(JSONMember("state", .text(to != nil ? "known" : isNever ? "never" : "paused"))) }
    members.append(JSONMember(isDeadline && to == nil ? "left_seconds" : "working_seconds", .integer(microseconds / 1_000_000)))
    guard let segments else { return .object(members + [JSONMember("segments", .null)]) }
    let pieces = segments.map { segment -> JSONValue in
      var piece = [
        JSONMember("kind", .text(segment.kind.word)), JSONMember("from", .text(Calendars.text(segment.from, calendar.zone))),
        JSONMember("to", .text(Calendars.text(segment.to, calendar.zone))),
      ]
      if case .holiday(let name) = segment.kind { piece.append(JSONMember("name", ["en": .text(name.en), "zh": .text(name.zh)])) }
      return .object(piece)
    }
    return .object(members + [JSONMember("segments", .array(pieces))])
  }

  public func text(isDeadline: Bool, in language: Domain.Language) -> String {
    func say(_ english: String, _ chinese: String) -> String { language == .chinese ? chinese : english }
    var head: String
    if let to {
      head = isDeadline
        ? say("due \(Calendars.text(to, calendar.zone))", "截止 \(Calendars.text(to, calendar.zone))")
        : say("\(Calendars.length(microseconds)) of working time", "工作时间 \(Calendars.length(microseconds))")
    } else if isNever {
      head = say("never: the calendar has no hours to come", "永不到期：该日历此后没有工作时间")
    } else {
      head = say("standing still, \(Calendars.length(microseconds)) left", "已暂停，剩余 \(Calendars.length(microseconds))")
    }
    head += "\n"
    guard let segments else {
      return head + say("more than \(ClockSheet.segmentsMax) pieces: not listed", "超过 \(ClockSheet.segmentsMax) 段，不予列出") + "\n"
    }
    guard !segments.isEmpty else { return head }
    var table = Table([.init(say("From", "开始")), .init(say("To", "结束")), .init(say("Length", "时长"), .right), .init(say("Counts as", "计为"))])
    for segment in segments {
      table.add([
        Calendars.text(segment.from, calendar.zone), Calendars.text(segment.to, calendar.zone),
        Calendars.length(segment.to.microseconds - segment.from.microseconds), segment.kind.text(in: language),
      ])
    }
    return head + "\n" + table.render()
  }
}

extension ClockSegment.Kind {
  func text(in language: Domain.Language) -> String {
    switch self {
    case .counted: language == .chinese ? "计时" : "counted"
    case .outsideHours: language == .chinese ? "非工作时间" : "outside hours"
    case .holiday(let name): language == .chinese ? "节假日：\(name.zh)" : "holiday: \(name.en)"
    case .paused: language == .chinese ? "暂停" : "paused"
    }
  }
}

/// The days of a calendar, one by one.
public struct DaySheet: Sendable {
  public let calendar: WorkCalendar
  public let days: [Day]
  public static let daysMax = 1_000

  public init(_ calendar: WorkCalendar, from first: Day, count: Int) {
    self.calendar = calendar
    days = (0..<min(count, DaySheet.daysMax)).map { first + $0 }
  }

  public var json: JSONValue {
    .array(
      days.map { day in
        let special = calendar.specialDay(day)
        return [
          "day": .text(day.description), "weekday": .text(Weekday(of: day).word), "hours": .text(calendar.hours(on: day).text),
          "kind": .text(special?.kind.rawValue ?? "regular"),
          "name": special.map { ["en": .text($0.name.en), "zh": .text($0.name.zh)] } ?? .null,
        ]
      })
  }

  public func text(in language: Domain.Language) -> String {
    func say(_ english: String, _ chinese: String) -> String { language == .chinese ? chinese : english }
    var table = Table([.init(say("Day", "日期")), .init(say("Weekday", "星期")), .init(say("Hours", "工作时间")), .init(say("Why", "说明"))])
    for day in days {
      let hours = calendar.hours(on: day)
      let shown = hours.isClosed ? say("closed", "休息") : hours == .aroundTheClock ? say("all day", "全天") : hours.text
      table.add([day.description, Weekday(of: day).text(in: language), shown, calendar.specialDay(day)?.name.text(in: language) ?? ""])
    }
    return table.render()
  }
}

extension Weekday {
  func text(in language: Domain.Language) -> String {
    guard language == .chinese else { return word.prefix(1).uppercased() + word.dropFirst() }
    return "星期" + (["一", "二", "三", "四", "五", "六", "日"])[rawValue]
  }
}

extension Calendars {
  /// Days of an iCalendar file as a list that the calendars' file can hold (docs/calendars.md).
  public static func list(_ days: [ICalendarDays], id: String) -> String {
    func quoted(_ text: String) -> String { "\"" + text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\"" }
    func name(_ text: String) -> String { "{en: \(quoted(text)), zh: \(quoted(text))}" }
    var yaml = "  - id: \(id)\n    closed:\n"
    for line in days where !line.isMakeUp {
      let to = line.last == line.first ? "" : ", to: \(line.last)"
      yaml += "      - {from: \(line.first)\(to), name: \(name(named(line)))}\n"
    }
    if days.contains(where: \.isMakeUp) {
      yaml += "    make_up:\n"
      for line in days where line.isMakeUp {
        for offset in 0...(line.last - line.first) { yaml += "      - {on: \(line.first + offset), name: \(name(named(line)))}\n" }
      }
    }
    return yaml
  }

  private static func named(_ line: ICalendarDays) -> String {
    let printable = String(String.UnicodeScalarView(line.summary.unicodeScalars.filter { $0.value >= 0x20 && $0.value != 0x7F }))
    return printable.isEmpty ? line.first.description : printable
  }
}
