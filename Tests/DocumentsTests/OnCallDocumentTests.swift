// Shifts out of iCalendar files (K-05): every way to write a time, repetition against counting the days, and what is refused by its line.

import Documents
import Domain
import TestSupport
import Testing
import Text

struct OnCallDocumentTests {
  private static let shanghai = BusinessZone(name: "Asia/Shanghai", firstOffsetSeconds: 28_800, periods: [])
  /// Clocks go forward on 10 March 2024.
  private static let newYork = BusinessZone(
    name: "America/New_York", firstOffsetSeconds: -18_000,
    periods: [.init(startsAt: 1_710_054_000, offsetSeconds: -14_400), .init(startsAt: 1_730_613_600, offsetSeconds: -18_000)])
  private static let people: Set = ["Wang Fang", "李娜", "Li, Na"]

  private static func decode(_ events: [String]) throws -> OnCallRoster {
    let body = events.map { "BEGIN:VEVENT\n\($0)\nEND:VEVENT\n" }.joined()
    return try OnCallDocument.decode(
      Array("BEGIN:VCALENDAR\n\(body)END:VCALENDAR\n".utf8), source: "o.ics", zone: shanghai,
      zoneNamed: { ["Asia/Shanghai": shanghai, "America/New_York": newYork][$0] }, isKnown: people.contains)
  }

  private static func words(_ events: String...) throws -> [String] {
    try decode(events).stretches.map {
      "\($0.person) \(RFC3339.text($0.from.microseconds)) \(RFC3339.text($0.until.microseconds))"
    }
  }

  @Test(
    "A time is UTC, of the zone it names or of the business zone; a day is a day of the business zone",
    arguments: [
      "DTSTART:20261001T010000Z\nDTEND:20261001T130000Z", "DTSTART;TZID=Asia/Shanghai:20261001T090000\nDTEND;TZID=\"Asia/Shanghai\":20261001T210000",
      "DTSTART:20261001T090000\nDTEND:20261001T130000Z", "dtstart;value=date-time:20261001T090000\nDURATION:PT12H",
      "DTSTART:20261001T090000\nDURATION:+PT11H60M",
    ])
  func times(text: String) throws {
    #expect(try Self.words("\(text)\nSUMMARY:李娜") == ["李娜 2026-10-01T01:00:00Z 2026-10-01T13:00:00Z"])
  }

  @Test("Whole days run from midnight to midnight of the business zone")
  func days() throws {
    for end in ["DTEND;VALUE=DATE:20261003", "DURATION:P2D"] {
      #expect(try Self.words("DTSTART;VALUE=DATE:20261001\n\(end)\nSUMMARY:李娜") == ["李娜 2026-09-30T16:00:00Z 2026-10-02T16:00:00Z"])
    }
    #expect(try Self.words("DTSTART;VALUE=DATE:20261001\nSUMMARY:李娜") == ["李娜 2026-09-30T16:00:00Z 2026-10-01T16:00:00Z"])
  }

  @Test("Days of a DURATION are counted on the wall, hours as they pass, also where the clocks change")
  func daylightSaving() throws {
    let start = "DTSTART;TZID=America/New_York:20240309T090000\nSUMMARY:李娜\n"
    #expect(try Self.words(start + "DURATION:P1D") == ["李娜 2024-03-09T14:00:00Z 2024-03-10T13:00:00Z"])
    #expect(try Self.words(start + "DURATION:PT24H") == ["李娜 2024-03-09T14:00:00Z 2024-03-10T14:00:00Z"])
    // The shift begins again by the clock on the wall.
    let daily = "DURATION:PT1H\nRRULE:FREQ=DAILY;COUNT=2"
    #expect(try Self.words(start + daily).last == "李娜 2024-03-10T13:00:00Z 2024-03-10T14:00:00Z")
  }

  @Test("The person is whom the summary, a category or an attendee names")
  func people() throws {
    let start = "DTSTART:20261001T010000Z\nDTEND:20261001T130000Z\n"
    for text in [
      "SUMMARY:Wang Fang", "SUMMARY:On call\nCATEGORIES:desk,Wang Fang", "SUMMARY:Desk\nATTENDEE;ROLE=CHAIR;CN=\"Wang Fang\":mailto:w@example.com",
      "SUMMARY: Wang Fang \nCATEGORIES:Wang Fang",
    ] { #expect(try Self.words(start + text).first?.hasPrefix("Wang Fang ") == true, "\(text)") }
    #expect(try Self.words(start + "SUMMARY:Li\\, Na").first?.hasPrefix("Li, Na ") == true)
    #expect(try Self.words(start + "CATEGORIES:Li\\, Na").first?.hasPrefix("Li, Na ") == true)
    #expect(try Self.words(start + "SUMMARY:李娜", start + "SUMMARY:nobody\nSTATUS:CANCELLED").count == 1)
  }

  private static func days(_ rule: String, from first: String = "19970902", _ more: String = "") throws -> String {
    try decode(["DTSTART:\(first)T090000\nDURATION:PT1H\nSUMMARY:李娜\nRRULE:\(rule)\(more)"]).stretches.map {
      String(shanghai.day(of: $0.from).description.dropFirst(5))
    }.joined(separator: " ")
  }

  @Test("A rule comes to the days that the standard's own examples give")
  func rules() throws {
    #expect(try Self.days("FREQ=WEEKLY;INTERVAL=2;COUNT=8;BYDAY=TU,TH") == "09-02 09-04 09-16 09-18 09-30 10-02 10-14 10-16")
    #expect(try Self.days("FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=MO", from: "19970805") == "08-05 08-10 08-19 08-24")
    #expect(try Self.days("FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=SU", from: "19970805") == "08-05 08-17 08-19 08-31")
    #expect(try Self.days("FREQ=DAILY;INTERVAL=10;COUNT=5") == "09-02 09-12 09-22 10-02 10-12")
    #expect(try Self.days("FREQ=WEEKLY;UNTIL=19970916T090000", "\nEXDATE:19970909T010000Z,19971001T010000Z") == "09-02 09-16", "the last is part of it")
    #expect(try Self.days("FREQ=WEEKLY;UNTIL=19970916T085959") == "09-02 09-09")
  }

  @Test("1,000 drawn rules come to the days that looking at each day gives")
  func drawn() throws {
    var numbers = Seeded(state: 9)
    let words = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"]
    for round in 0..<1_000 {
      let first = Day(number: Int32.random(in: 20_000...21_000, using: &numbers))
      let (isWeekly, interval, count) = (Bool.random(using: &numbers), Int.random(in: 1...5, using: &numbers), Int.random(in: 1...20, using: &numbers))
      let begins = Int.random(in: 0...6, using: &numbers)
      let chosen = Bool.random(using: &numbers) ? Set((0...6).filter { _ in Bool.random(using: &numbers) } + [Weekday(of: first).rawValue]) : []
      var rule = "FREQ=\(isWeekly ? "WEEKLY" : "DAILY");INTERVAL=\(interval);WKST=\(words[begins])"
      if !chosen.isEmpty { rule += ";BYDAY=" + chosen.map { words[$0] }.joined(separator: ",") }
      let weekStart = first + -((Weekday(of: first).rawValue - begins + 7) % 7)
      let expected = (0..<4_000).map { first + $0 }.filter { day in
        let weekday = Weekday(of: day).rawValue
        guard isWeekly else { return (day - first) % interval == 0 && (chosen.isEmpty || chosen.contains(weekday)) }
        return (day - weekStart) / 7 % interval == 0 && (chosen.isEmpty ? weekday == Weekday(of: first).rawValue : chosen.contains(weekday))
      }.prefix(count)
      let (last, compact) = (expected.last ?? first, { (day: Day) in day.description.filter { $0 != "-" } })
      for end in ["COUNT=\(count)", "UNTIL=\(compact(last))T090000"] {
        let days = try Self.days("\(rule);\(end)", from: compact(first))
        #expect(days == expected.map { $0.description.dropFirst(5) }.joined(separator: " "), "round \(round): \(rule);\(end)")
      }
    }
  }

  @Test(
    "What cannot be read exactly is refused by its line, with what to do",
    arguments: [
      ("DTSTART:20261001T250000Z\nDTEND:20261001T130000Z", "3 DTSTART: `20261001T250000Z` is no moment"),
      ("DTSTART:20261001\nDURATION:P1D", "3 DTSTART: `20261001` is no moment"), ("DTEND:20261001T130000Z", "2 DTSTART: the event has none"),
      ("DTSTART;TZID=China Standard Time:20261001T090000\nDURATION:PT1H", "3 DTSTART: there is no time zone `China Standard Time` here"),
      ("DTSTART:20261001T010000Z", "2 DTEND: the event has neither DTEND nor DURATION"),
      ("DTSTART:20261001T010000Z\nDTEND:20261001T010000Z", "4 DTEND: a shift ends after it begins, at most 366 days later"),
      ("DTSTART:20261001T010000Z\nDURATION:-PT1H", "4 DURATION: a length is needed here"),
      ("DTSTART:20261001T010000Z\nDURATION:PT1M2H", "4 DURATION: a length"),
      ("DTSTART:20261001T010000Z\nDURATION:P1DT", "4 DURATION: a length"), ("DTSTART:20261001T010000Z\nDURATION:P367D", "4 DURATION: a shift ends"),
      ("DTSTART;VALUE=DATE:20261001\nDURATION:PT12H", "4 DURATION: a shift ends after it begins, at most 366 days later; one of whole days lasts whole days"),
      ("DTSTART;VALUE=DATE:20261001\nDTEND:20261002T000000Z", "4 DTEND: DTSTART and DTEND must both be days"),
      ("DTSTART:20261001T010000Z\nDURATION:PT1H\nDTEND:20261001T020000Z", "4 DURATION: DTEND says already"),
      ("DTSTART:20261001T010000Z\nDURATION:PT1H\nDTSTART:20261002T010000Z", "5 DTSTART: the event has another"),
      ("DTSTART:20261001T010000Z\nDURATION:PT1H\nRDATE:20261002T010000Z", "5 RDATE: is not read"),
      ("DTSTART:20261001T010000Z\nDURATION:PT1H\nRECURRENCE-ID:20261002T010000Z", "5 RECURRENCE-ID: is not read; leave that day out of the series by EXDATE"),
      ("DTSTART:20261001T010000Z\nDURATION:PT1H\nEXDATE;VALUE=DATE:20261002", "5 EXDATE: DTSTART and EXDATE must both be days"),
      ("DTSTART:20261001T010000Z\nDURATION:PT1H\nRRULE:FREQ=DAILY;BYMONTHDAY=1;COUNT=2", "5 RRULE: `BYMONTHDAY` is not read"),
      ("DTSTART:20261001T010000Z\nDURATION:PT1H\nRRULE:FREQ=YEARLY;COUNT=2", "5 RRULE: FREQ must be DAILY or WEEKLY; list other shifts one by one"),
      ("DTSTART:20261001T010000Z\nDURATION:PT1H\nRRULE:FREQ=WEEKLY", "5 RRULE: a rule needs COUNT or UNTIL"),
      ("DTSTART:20261001T010000Z\nDURATION:PT1H\nRRULE:FREQ=WEEKLY;COUNT=2;UNTIL=20271001T010000Z", "5 RRULE: a rule needs COUNT or UNTIL, one of them"),
      ("DTSTART:20261001T010000Z\nDURATION:PT1H\nRRULE:FREQ=WEEKLY;UNTIL=20271001", "5 RRULE: UNTIL must be a day where DTSTART is one"),
      ("DTSTART:20261001T010000Z\nDURATION:PT1H\nRRULE:FREQ=WEEKLY;COUNT=20001", "5 RRULE: COUNT must be from 1 to 20000"),
      ("DTSTART:20261001T010000Z\nDURATION:PT1H\nRRULE:FREQ=DAILY;UNTIL=99991231T000000Z", "2 : with this event there are more than 20000 shifts"),
      ("DTSTART:20261001T010000Z\nDURATION:PT1H\nRRULE:FREQ=WEEKLY;BYDAY=MO;COUNT=2", "5 RRULE: DTSTART is the first shift, and not on a day of BYDAY"),
      ("DTSTART:20261001T010000Z\nDURATION:PT1H\nRRULE:FREQ=WEEKLY;BYDAY=1TH;COUNT=2", "5 RRULE: BYDAY must list"),
      ("DTSTART:20261001T010000Z\nDURATION:PT1H\nRRULE:FREQ=WEEKLY;INTERVAL=0;COUNT=2", "5 RRULE: INTERVAL must be from 1 to 1000"),
    ])
  func refusals(text: String, problem: String) throws {
    let error = #expect(throws: DocumentFaults.self) { try Self.decode(["\(text)\nSUMMARY:李娜"]) }
    let told = error?.faults.map { "\($0.line) \($0.path): \($0.problem)" } ?? []
    #expect(told.count == 1 && told.first?.hasPrefix(problem) == true, "\(told)")
  }

  @Test("All faults are told at once in the order of their lines; a file without a shift is refused")
  func allAtOnce() throws {
    let error = #expect(throws: DocumentFaults.self) {
      try Self.decode(["DTSTART:20261001\nSUMMARY:Xu", "DTSTART:20261001T010000Z\nDURATION:PT1H\nSUMMARY:李娜\nCATEGORIES:Wang Fang", "DURATION:PT1H"])
    }
    #expect(
      error?.faults.map { "\($0.line) \($0.problem.prefix(40))" } == [
        "3 `20261001` is no moment; write DTSTART:2", "4 nobody in the staff's file is named `Xu`", "9 it names Wang Fang and 李娜; one is on cal",
        "12 the event names nobody; SUMMARY, one of ", "12 the event has none; when does the shift ",
      ])
    let empty = #expect(throws: DocumentFaults.self) { try Self.decode([]) }
    #expect(empty?.faults.first?.problem == "there is no shift in the file")
  }

  @Test("The example of the documentation is a file that is taken")
  func example() throws {
    let text = String(decoding: try DocumentFile.read("\(Repository.root)/docs/tickets.md"), as: UTF8.self)
    let start = try #require(text.firstRange(of: "    BEGIN:VCALENDAR\n")).lowerBound
    let end = try #require(text[start...].firstRange(of: "    END:VCALENDAR\n")).upperBound
    let file = text[start..<end].split(separator: "\n").map { $0.dropFirst(4) + "\n" }.joined()
    let roster = try OnCallDocument.decode(
      Array(file.utf8), source: "docs", zone: Self.shanghai, zoneNamed: { $0 == "Asia/Shanghai" ? Self.shanghai : nil }, isKnown: Self.people.contains)
    // Mondays nine o'clock to Mondays nine o'clock, in turn.
    #expect(roster.stretches.prefix(3).map(\.person) == ["Wang Fang", "李娜", "Wang Fang"])
    #expect(zip(roster.stretches, roster.stretches.dropFirst()).allSatisfy { $0.until == $1.from })
  }
}
