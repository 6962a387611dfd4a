// The calendars' file: what is shipped against the announced days, files with many things wrong, and lists out of iCalendar files (K-04).

import Documents
import Domain
import Testing

struct CalendarDocumentTests {
  private static let shanghai = BusinessZone(name: "Asia/Shanghai", firstOffsetSeconds: 28_800, periods: [])
  private static func zone(_ name: String) -> BusinessZone? { name == "Asia/Shanghai" ? shanghai : nil }

  private static func shipped() throws -> CalendarBook {
    try CalendarDocument.load("\(Repository.root)/deploy/calendars.yaml", zoneNamed: zone)
  }

  private func faults(_ text: String) throws -> [String] {
    let error = #expect(throws: DocumentFaults.self) { try CalendarDocument.decode(Array(text.utf8), source: "c.yaml", zoneNamed: Self.zone) }
    return error?.faults.map { "\($0.line) \($0.path): \($0.problem)" } ?? []
  }

  /// Weekdays that are free and weekends that are worked, as the State Council announced them for each year, counted from its notices.
  @Test(arguments: [
    (2024, "0101 0212 0213 0214 0215 0216 0404 0405 0501 0502 0503 0610 0916 0917 1001 1002 1003 1004 1007", "0204 0218 0407 0428 0511 0914 0929 1012"),
    (2025, "0101 0128 0129 0130 0131 0203 0204 0404 0501 0502 0505 0602 1001 1002 1003 1006 1007 1008", "0126 0208 0427 0928 1011"),
    (
      2026, "0101 0102 0216 0217 0218 0219 0220 0223 0406 0501 0504 0505 0619 0925 1001 1002 1005 1006 1007", "0104 0214 0228 0509 0920 1010"
    ),
  ])
  func chinaWorksOnTheDaysThatWereAnnounced(year: Int, free: String, worked: String) throws {
    let office = try #require(try Self.shipped()["office"])
    var (isFree, isWorked): ([String], [String]) = ([], [])
    var day = try #require(Day(year: year, month: 1, day: 1))
    while day.civil.year == year {
      let isWeekend = Weekday(of: day) == .saturday || Weekday(of: day) == .sunday
      let isClosed = office.hours(on: day).isClosed
      let text = String(day.description.dropFirst(5).filter { $0 != "-" })
      if isClosed, !isWeekend { isFree.append(text) }
      if !isClosed, isWeekend { isWorked.append(text) }
      day = day + 1
    }
    #expect(isFree.joined(separator: " ") == free)
    #expect(isWorked.joined(separator: " ") == worked)
  }

  @Test func makeUpDaysHaveMondaysHoursAndHolidaysTellTheirNames() throws {
    let office = try #require(try Self.shipped()["office"])
    #expect(office.hours(on: try #require(Day("2026-02-28"))).text == "09:00-18:00")
    #expect(office.specialDay(try #require(Day("2026-02-28")))?.kind == .makeUp)
    #expect(office.specialDay(try #require(Day("2026-02-17")))?.name == LocalizedName(en: "Spring Festival", zh: "春节"))
    #expect(try Self.shipped()["always"]?.hours(on: try #require(Day("2026-02-17"))) == .aroundTheClock)
  }

  @Test(arguments: ["closed", "all_day", "09:00-12:00 13:30-18:00", "00:00-24:00"]) func hoursAreReadAsTheyAreWritten(text: String) {
    #expect(DayHours(text: text)?.text == (text == "00:00-24:00" ? "all_day" : text))
  }

  @Test(arguments: ["", "9:00-18:00", "09:00-09:00", "18:00-09:00", "09:00-24:01", "09:60-10:00", "09:00-12:00 11:00-13:00", "09:00 - 12:00", "09:00–12:00"])
  func whatAreNoHoursIsRefused(text: String) { #expect(DayHours(text: text) == nil) }

  private static let week = """
        week:
          monday: 09:00-18:00
          tuesday: 09:00-18:00
          wednesday: 09:00-18:00
          thursday: 09:00-18:00
          friday: 09:00-16:00
          saturday: closed
          sunday: closed
    """

  @Test func everyFaultOfTheFileIsToldWithItsLine() throws {
    let problems = try faults(
      """
      calendars: 1
      author: me
      holidays:
        - id: mine
          closed:
            - {from: 2026-13-01, name: {en: A, zh: 甲}}
            - {from: 2026-05-03, to: 2026-05-01, name: {en: B, zh: 乙}}
            - {from: 2026-06-01, name: {en: C}}
      working_hours:
        - id: Desk
          name: {en: Desk, zh: 前台}
          zone: Mars/Olympus
          week: {monday: 9-5, tuesday: closed, wednesday: closed, thursday: closed, friday: closed, saturday: closed}
          holidays: [yours]
      end: true
      """)
    #expect(
      problems == [
        "6 holidays[0].closed[0].from: a day is needed here, as 2026-10-01",
        "7 holidays[0].closed[1].to: on or after `from`, and at most 60 days in one line",
        "8 holidays[0].closed[2].name.zh: `zh` is missing",
        "10 working_hours[0].id: an id is small letters, digits and hyphens",
        "12 working_hours[0].zone: there is no time zone Mars/Olympus; use an IANA name, as Asia/Shanghai",
        "13 working_hours[0].week.sunday: `sunday` is missing",
        "13 working_hours[0].week.monday: hours are needed here, in order and without overlap, as `09:00-12:00 13:30-18:00`, or closed, or all_day",
        "14 working_hours[0].holidays[0]: there is no list `yours` under holidays",
      ])
  }

  @Test func aDayThatIsBothClosedAndWorkedOrACalendarNamedTwiceIsRefused() throws {
    let desk = "  - id: desk\n    name: {en: D, zh: 甲}\n    zone: Asia/Shanghai\n\(Self.week)\n    holidays: [mine]\n"
    let problems = try faults(
      """
      calendars: 1
      author: me
      holidays:
        - id: mine
          closed: [{from: 2026-05-01, to: 2026-05-03, name: {en: A, zh: 甲}}]
          make_up: [{on: 2026-05-02, name: {en: B, zh: 乙}}]
      working_hours:

      """ + desk + desk + "end: true\n")
    #expect(problems.contains("6 holidays[0].make_up[0]: 2026-05-02 is in the lists of calendar `desk` twice"))
    #expect(problems.contains { $0.hasSuffix("there is another calendar `desk`") })
  }

  @Test func aDayThatACalendarNamesItselfComesBeforeItsLists() throws {
    let text = """
      calendars: 1
      author: me
      holidays:
        - id: mine
          closed: [{from: 2026-05-01, to: 2026-05-03, name: {en: A, zh: 甲}}]
      working_hours:
        - id: desk
          name: {en: D, zh: 甲}
          zone: Asia/Shanghai
      \(Self.week)
          holidays: [mine]
          make_up: 10:00-12:00
          own_days: [{on: 2026-05-02, hours: 10:00-14:00, name: {en: Emergency desk, zh: 值班}}]
      end: true
      """
    let desk = try #require(try CalendarDocument.decode(Array(text.utf8), source: "c.yaml", zoneNamed: Self.zone)["desk"])
    #expect(desk.hours(on: try #require(Day("2026-05-02"))).text == "10:00-14:00")
    #expect(desk.hours(on: try #require(Day("2026-05-01"))).isClosed)
    #expect(desk.hours(on: try #require(Day("2026-05-08"))).text == "09:00-16:00")
  }
}

struct ICalendarTests {
  private func days(_ text: String) throws -> [ICalendarDays] { try ICalendar.days(Array(text.utf8), source: "h.ics") }

  private func faults(_ bytes: [UInt8]) -> [String] {
    let error = #expect(throws: DocumentFaults.self) { try ICalendar.days(bytes, source: "h.ics") }
    return error?.faults.map { "\($0.line) \($0.problem)" } ?? []
  }

  private static let good = """
    BEGIN:VCALENDAR\r
    VERSION:2.0\r
    PRODID:-//test//EN\r
    BEGIN:VTIMEZONE\r
    TZID:Asia/Shanghai\r
    BEGIN:STANDARD\r
    DTSTART:19700101T000000\r
    RRULE:FREQ=YEARLY\r
    END:STANDARD\r
    END:VTIMEZONE\r
    BEGIN:VEVENT\r
    UID:1\r
    DTSTART;VALUE=DATE:20261001\r
    DTEND;VALUE=DATE:20261008\r
    SUMMARY;LANGUAGE="zh:CN":国庆节\\, a lo\r
     ng holiday\r
    X-APPLE-SPECIAL-DAY:WORK-HOLIDAY\r
    END:VEVENT\r
    BEGIN:VEVENT\r
    DTSTART;value=date:20261010\r
    SUMMARY:班\r
    X-APPLE-SPECIAL-DAY:ALTERNATE-WORKDAY\r
    BEGIN:VALARM\r
    TRIGGER:-PT15M\r
    DURATION:PT15M\r
    END:VALARM\r
    END:VEVENT\r
    END:VCALENDAR\r

    """

  @Test func wholeDaysAreReadWithLinesThatGoOnAndEndsOfEitherKind() throws {
    for text in [Self.good, Self.good.replacing("\r\n", with: "\n"), "\u{FEFF}" + Self.good] {
      let days = try days(text)
      #expect(days.map { "\($0.first) \($0.last) \($0.isMakeUp)" } == ["2026-10-01 2026-10-07 false", "2026-10-10 2026-10-10 true"])
      #expect(days.first?.summary == "国庆节, a long holiday")
      #expect(days.map(\.line) == [11, 19])
    }
  }

  @Test(arguments: [
    ("DTSTART;VALUE=DATE:20251332", "DTSTART", 3), ("DTSTART:20261001T090000Z", "only whole days", 3), ("DTSTART;VALUE=DATE:2026100", "only whole days", 3),
    ("DTSTART;VALUE=DATE:20261001\nRRULE:FREQ=YEARLY", "repeated events", 4), ("DTSTART;VALUE=DATE:20261001\nEXDATE;VALUE=DATE:20261001", "repeated", 4),
    ("SUMMARY:no day", "the event has no DTSTART", 2), ("DTSTART;VALUE=DATE:20261001\nDTEND;VALUE=DATE:20261001", "after DTSTART", 2),
    ("DTSTART;VALUE=DATE:20261001\nDTEND;VALUE=DATE:20270101", "at most 60 days", 2), ("what is this", "NAME:VALUE", 3),
  ])
  func whatCannotBeReadExactlyIsRefusedByItsLine(lines: String, problem: String, line: Int) {
    let told = faults(Array("BEGIN:VCALENDAR\nBEGIN:VEVENT\n\(lines)\nEND:VEVENT\nEND:VCALENDAR\n".utf8))
    #expect(told.contains { $0.hasPrefix("\(line) ") && ($0.contains(problem) || problem == "DTSTART" && $0.contains("is no day")) }, "\(told)")
  }

  @Test func aFileThatWasCutShortIsNoWholeOne() {
    let bytes = Array(Self.good.utf8)
    for count in stride(from: 0, to: bytes.count - 16, by: 7) { #expect(!faults(Array(bytes[..<count])).isEmpty, "cut after \(count)") }
    #expect(faults([0xFF, 0xFE]).contains { $0.contains("UTF-8") })
  }

  @Test func twoCalendarsInAFileAreRefusedNotHalfRead() {
    let two = "BEGIN:VCALENDAR\nEND:VCALENDAR\nBEGIN:VCALENDAR\nEND:VCALENDAR\n"
    #expect(faults(Array(two.utf8)).contains { $0.hasPrefix("3 one calendar in a file") })
    #expect(faults(Array("BEGIN:VEVENT\nEND:VEVENT\n".utf8)).contains { $0.contains("BEGIN:VCALENDAR") })
  }
}
