// Working time (K-04): known answers, and 100,000 seeded questions against counting minute by minute.
import Domain
import TestSupport
import Testing

private let shanghai = BusinessZone(name: "Asia/Shanghai", firstOffsetSeconds: 28_800, periods: [])
/// Eastern time: clocks go forward at 2:00 on 10 March 2024 and 9 March 2025, back at 2:00 on 3 November 2024 and 2 November 2025.
private let newYork = BusinessZone(
  name: "America/New_York", firstOffsetSeconds: -18_000,
  periods: [
    .init(startsAt: 1_710_054_000, offsetSeconds: -14_400), .init(startsAt: 1_730_613_600, offsetSeconds: -18_000),
    .init(startsAt: 1_741_503_600, offsetSeconds: -14_400), .init(startsAt: 1_762_063_200, offsetSeconds: -18_000),
  ])
/// Clocks jump over midnight on 4 November 2018 (0:00 to 1:00) and back to the day before on 17 February 2019 (0:00 to 23:00), as in São Paulo.
private let saoPaulo = BusinessZone(
  name: "America/Sao_Paulo", firstOffsetSeconds: -10_800,
  periods: [.init(startsAt: 1_541_300_400, offsetSeconds: -7_200), .init(startsAt: 1_550_368_800, offsetSeconds: -10_800)])
/// 30 December 2011 was left out, as in Samoa.
private let apia = BusinessZone(
  name: "Pacific/Apia", firstOffsetSeconds: -36_000, periods: [.init(startsAt: 1_325_239_200, offsetSeconds: 50_400)])

private func hours(_ stretches: (Int, Int)...) throws -> DayHours {
  try #require(DayHours(stretches.compactMap { DayInterval(start: $0.0, end: $0.1) }))
}

private func at(_ text: String, in zone: BusinessZone = shanghai) throws -> Instant {
  let parts = text.split(separator: " ")
  let day = try #require(Day(String(parts[0])))
  let clock = parts[1].split(separator: ":").compactMap { Int64($0) }
  return zone.instant(localSeconds: Int64(day.number) * 86_400 + clock[0] * 3_600 + clock[1] * 60)
}

private let noName = LocalizedName(en: "day", zh: "日")

@Suite("Calendars of working hours (K-04)") struct WorkCalendarTests {
  /// Nine to twelve and half past one to six on weekdays, in Shanghai: 7.5 hours.
  private func office(_ special: [SpecialDay] = [], zone: BusinessZone = shanghai) throws -> WorkCalendar {
    let day = try hours((540, 720), (810, 1_080))
    return try #require(
      WorkCalendar(
        id: "office", name: noName, zone: zone, week: Array(repeating: day, count: 5) + [.closed, .closed], specialDays: special))
  }

  private func holiday(_ text: String) throws -> SpecialDay {
    SpecialDay(day: try #require(Day(text)), kind: .holiday, hours: .closed, name: LocalizedName(en: "Spring Festival", zh: "春节"))
  }

  @Test func theWeekdayIsThatOfTheCalendarOnTheWall() throws {
    // 1970-01-01 was a Thursday, 2000-02-29 a Tuesday, 2026-11-29 a Sunday.
    let known: [(String, Weekday)] = [
      ("1970-01-01", .thursday), ("1969-12-31", .wednesday), ("2000-02-29", .tuesday), ("2026-11-29", .sunday), ("0001-01-01", .monday),
    ]
    for (text, weekday) in known { #expect(Weekday(of: try #require(Day(text))) == weekday, "\(text)") }
  }

  @Test func fourHoursFromFridayAfternoonEndOnMondayMorning() throws {
    let office = try office()
    // Friday 16:00: two hours until six, two more on Monday from nine.
    #expect(try office.deadline(seconds: 14_400, from: at("2026-11-27 16:00")) == .at(at("2026-11-30 11:00")))
    // What ends with the stretch ends there, not at the start of the next.
    #expect(try office.deadline(seconds: 7_200, from: at("2026-11-27 16:00")) == .at(at("2026-11-27 18:00")))
    // Begun at night or at noon, the clock starts with the next stretch.
    #expect(try office.deadline(seconds: 60, from: at("2026-11-27 12:30")) == .at(at("2026-11-27 13:31")))
    #expect(try office.deadline(seconds: 0, from: at("2026-11-28 03:00")) == .at(at("2026-11-28 03:00")))
    #expect(try office.workingMicroseconds(from: at("2026-11-23 00:00"), to: at("2026-11-30 00:00")) == 5 * 27_000 * 1_000_000)
  }

  @Test func holidaysDoNotCountAndMakeUpDaysDo() throws {
    let makeUp = SpecialDay(day: try #require(Day("2026-02-28")), kind: .makeUp, hours: try hours((540, 720), (810, 1_080)), name: noName)
    let office = try office([makeUp, try holiday("2026-02-16"), try holiday("2026-02-17")])
    // Friday the 13th at 17:00; Monday and Tuesday are closed: one hour, then Wednesday.
    #expect(try office.deadline(seconds: 7_200, from: at("2026-02-13 17:00")) == .at(at("2026-02-18 10:00")))
    #expect(try office.isOpen(at: at("2026-02-28 10:00")) && !office.isOpen(at: at("2026-02-16 10:00")) && !office.isOpen(at: at("2026-02-21 10:00")))
    #expect(try office.workingMicroseconds(from: at("2026-02-28 00:00"), to: at("2026-03-01 00:00")) == 27_000 * 1_000_000)
  }

  @Test func aClockRoundTheClockRunsThroughNightsAndChangesOfTheClocks() throws {
    let always = try #require(
      WorkCalendar(id: "always", name: noName, zone: newYork, week: Array(repeating: .aroundTheClock, count: 7), specialDays: []))
    let start = try at("2025-03-08 12:00", in: newYork)
    #expect(always.deadline(seconds: 30 * 3_600, from: start) == .at(start.adding(seconds: 30 * 3_600)))
    // The day of 9 March has 23 hours, that of 2 November 25.
    #expect(try always.workingMicroseconds(from: at("2025-03-09 00:00", in: newYork), to: at("2025-03-10 00:00", in: newYork)) == 23 * 3_600_000_000)
    #expect(try always.workingMicroseconds(from: at("2025-11-02 00:00", in: newYork), to: at("2025-11-03 00:00", in: newYork)) == 25 * 3_600_000_000)
  }

  @Test func aShiftOverTheHourThatIsSkippedOrRepeatedIsAsLongAsItWas() throws {
    let night = try hours((60, 240))
    let calendar = try #require(WorkCalendar(id: "night", name: noName, zone: newYork, week: Array(repeating: night, count: 7), specialDays: []))
    func worked(_ day: String, _ next: String) throws -> Int64 {
      try calendar.workingMicroseconds(from: at("\(day) 00:00", in: newYork), to: at("\(next) 00:00", in: newYork)) / 3_600_000_000
    }
    #expect(try worked("2025-03-08", "2025-03-09") == 3)
    #expect(try worked("2025-03-09", "2025-03-10") == 2)
    #expect(try worked("2025-11-02", "2025-11-03") == 4)
  }

  @Test func aDayThatWasLeftOutHasNoHours() throws {
    let always = try #require(WorkCalendar(id: "apia", name: noName, zone: apia, week: Array(repeating: .aroundTheClock, count: 7), specialDays: []))
    #expect(try always.workingMicroseconds(from: at("2011-12-29 00:00", in: apia), to: at("2012-01-01 00:00", in: apia)) == 48 * 3_600_000_000)
  }

  @Test func aCalendarWithoutHoursNeverRunsOutAndSaysSo() throws {
    let closed = try #require(WorkCalendar(id: "closed", name: noName, zone: shanghai, week: Array(repeating: .closed, count: 7), specialDays: []))
    #expect(try closed.deadline(seconds: 1, from: at("2026-11-27 16:00")) == .never)
    #expect(try office().deadline(seconds: .max, from: at("2026-11-27 16:00")) == .never)
    // 90 years of working time lie within the century that is looked through, ten times that does not.
    #expect(try office().deadline(seconds: 30 * 260 * 27_000, from: at("2026-11-27 16:00")) != .never)
  }

  @Test func hoursThatOverlapAWeekOfSixDaysAndADayNamedTwiceAreNoCalendar() throws {
    #expect(DayHours([DayInterval(start: 0, end: 60), DayInterval(start: 59, end: 90)].compactMap { $0 }) == nil)
    #expect(DayInterval(start: 60, end: 60) == nil && DayInterval(start: 0, end: 1_441) == nil)
    #expect(try hours((540, 720), (720, 1_080)) == hours((540, 1_080)))
    #expect(WorkCalendar(id: "x", name: noName, zone: .utc, week: Array(repeating: .closed, count: 6), specialDays: []) == nil)
    #expect(
      WorkCalendar(
        id: "x", name: noName, zone: .utc, week: Array(repeating: .closed, count: 7), specialDays: [try holiday("2026-01-01"), try holiday("2026-01-01")])
        == nil)
  }

  // MARK: - Clocks

  @Test func theClockStandsStillWhileSomebodyElseIsWaitedFor() throws {
    let office = try office()
    // Monday 9:00, four hours; from 10:00 to 15:00 the customer is waited for: 2 + 1.5 working hours.
    let pause = Pause(from: try at("2026-11-30 10:00"), to: try at("2026-11-30 15:00"))
    #expect(try office.deadline(seconds: 14_400, from: at("2026-11-30 09:00"), pauses: [pause]) == .at(at("2026-11-30 18:00")))
    // A wait over night costs what lies in working hours, and nothing of the night.
    let night = Pause(from: try at("2026-11-30 17:00"), to: try at("2026-12-01 09:30"))
    #expect(try office.deadline(seconds: 7_200, from: at("2026-11-30 16:00"), pauses: [night]) == .at(at("2026-12-01 10:30")))
    #expect(try office.elapsedMicroseconds(from: at("2026-11-30 16:00"), to: at("2026-12-01 10:30"), pauses: [night]) == 7_200_000_000)
    // While it goes on nobody knows the deadline, but what is left is known.
    let open = Pause(from: try at("2026-11-30 10:00"), to: nil)
    #expect(try office.deadline(seconds: 14_400, from: at("2026-11-30 09:00"), pauses: [open]) == .paused(leftMicroseconds: 10_800_000_000))
    // One that begins after the deadline changes nothing any more; so does one before the start.
    #expect(try office.deadline(seconds: 3_600, from: at("2026-11-30 09:00"), pauses: [open]) == .at(at("2026-11-30 10:00")))
    let before = Pause(from: try at("2026-11-30 07:00"), to: try at("2026-11-30 08:00"))
    #expect(try office.deadline(seconds: 3_600, from: at("2026-11-30 09:00"), pauses: [before]) == .at(at("2026-11-30 10:00")))
  }

  @Test func pausesThatOverlapTouchOrComeInAnyOrderCountOnce() throws {
    func pause(_ from: Int64, _ to: Int64?) -> Pause { Pause(from: Instant(seconds: from), to: to.map { Instant(seconds: $0) }) }
    #expect(Pause.joined([pause(50, 60), pause(10, 20), pause(15, 30), pause(30, 40), pause(5, 5)]) == [pause(10, 40), pause(50, 60)])
    #expect(Pause.joined([pause(10, nil), pause(20, 30), pause(0, 15)]) == [pause(0, nil)])
  }

  @Test func aDeadlineIsExplainedPieceByPieceWithoutAHole() throws {
    let office = try office([try holiday("2026-11-30")])
    let pause = Pause(from: try at("2026-11-27 17:00"), to: try at("2026-12-01 10:00"))
    let (start, end) = (try at("2026-11-27 16:00"), try at("2026-12-01 11:00"))
    #expect(office.deadline(seconds: 7_200, from: start, pauses: [pause]) == .at(end))
    let segments = try #require(office.segments(from: start, to: end, pauses: [pause], countMax: 100))
    #expect(segments.map(\.kind.word) == ["counted", "paused", "outside_hours", "holiday", "outside_hours", "paused", "counted"])
    #expect(segments.first?.from == start && segments.last?.to == end)
    for (one, next) in zip(segments, segments.dropFirst()) { #expect(one.to == next.from) }
    let counted = segments.filter { $0.kind == .counted }.reduce(Int64(0)) { $0 + $1.to.microseconds - $1.from.microseconds }
    #expect(counted == 7_200_000_000)
    #expect(office.segments(from: start, to: end, pauses: [pause], countMax: 3) == nil)
  }

  // MARK: - Minute by minute

  /// Which minutes of a span are open, found out without any of the calendar's arithmetic: the clocks on the wall are looked at minute by minute.
  private struct Minutes {
    static let days = 40
    let start: Int64
    /// Open minutes before each.
    private(set) var before: [Int] = [0]

    init(_ calendar: WorkCalendar, from first: Day) {
      let zone = calendar.zone
      start = zone.startOfDay(first).microseconds / 60_000_000
      func wall(_ minute: Int64) -> Int64 { minute + Int64(zone.offsetSeconds(atUnixSeconds: minute * 60)) / 60 }
      // The first minute at which the wall shows so much or more, for every minute that it may show.
      let firstWall = Int64(first.number) * 1_440
      let count = (Minutes.days + 2) * 1_440
      var shown = [Int64](repeating: .max, count: count + 1)
      var highest: Int64 = -1
      for minute in start - 300..<start + Int64(count) {
        let place = wall(minute) - firstWall
        while highest < min(place, Int64(count)) {
          highest += 1
          shown[Int(highest)] = minute
        }
      }
      var open = [Bool](repeating: false, count: Minutes.days * 1_440)
      for offset in 0..<Minutes.days + 1 {
        let day = first + offset
        let hours = calendar.specialDays.first { $0.day == day }?.hours ?? calendar.week[Weekday(of: day).rawValue]
        for interval in hours.intervals {
          let (from, to) = (shown[offset * 1_440 + interval.start], shown[offset * 1_440 + interval.end])
          for minute in from..<max(from, to) where (0..<Int64(open.count)).contains(minute - start) { open[Int(minute - start)] = true }
        }
      }
      for isOpen in open { before.append((before.last ?? 0) + (isOpen ? 1 : 0)) }
    }

    /// The end of the minute with which so many open ones have passed.
    func end(_ minutes: Int, after place: Int) -> Int? {
      let wanted = before[place] + minutes
      var (low, high) = (place, before.count)
      while low < high {
        let middle = (low + high) / 2
        if before[middle] >= wanted { high = middle } else { low = middle + 1 }
      }
      return low < before.count ? low : nil
    }
  }

  private func randomHours(_ random: inout Seeded) throws -> DayHours {
    switch Int.random(in: 0..<6, using: &random) {
    case 0: return .closed
    case 1: return .aroundTheClock
    default:
      var borders: Set<Int> = []
      let count = 2 * Int.random(in: 1...3, using: &random)
      while borders.count < count { borders.insert(Int.random(in: 0...1_440, using: &random)) }
      let sorted = borders.sorted()
      return try #require(
        DayHours(stride(from: 0, to: count, by: 2).compactMap { DayInterval(start: sorted[$0], end: sorted[$0 + 1]) }))
    }
  }

  @Test("100,000 seeded questions are answered as counting the minutes answers them", arguments: [shanghai, newYork, saoPaulo, apia])
  func minuteByMinute(zone: BusinessZone) throws {
    var random = Seeded(state: UInt64(zone.name.utf8.count) &* 977)
    let firstDays = [
      "Asia/Shanghai": ["2026-01-20", "2026-09-10"], "America/New_York": ["2025-02-20", "2025-10-15"], "America/Sao_Paulo": ["2018-10-20", "2019-02-01"],
      "Pacific/Apia": ["2011-12-10", "2011-12-25"],
    ]
    for text in try #require(firstDays[zone.name]) {
      let first = try #require(Day(text))
      for _ in 0..<5 {
        let week = try (0..<7).map { _ in try randomHours(&random) }
        let special = try Set((0..<6).map { _ in Int.random(in: 0..<40, using: &random) }).sorted().map { offset in
          SpecialDay(day: first + offset, kind: .ownHours, hours: try randomHours(&random), name: noName)
        }
        let calendar = try #require(WorkCalendar(id: "random", name: noName, zone: zone, week: week, specialDays: special))
        let minutes = Minutes(calendar, from: first)
        var wrong = 0
        for _ in 0..<2_500 {
          let (one, other) = (Int.random(in: 0..<minutes.before.count, using: &random), Int.random(in: 0..<minutes.before.count, using: &random))
          let (from, to) = (min(one, other), max(one, other))
          func instant(_ place: Int) -> Instant { Instant(microseconds: (minutes.start + Int64(place)) * 60_000_000) }
          let open = minutes.before[to] - minutes.before[from]
          if calendar.workingMicroseconds(from: instant(from), to: instant(to)) != Int64(open) * 60_000_000 { wrong += 1 }
          let wanted = Int.random(in: 1...3_000, using: &random)
          // What lies beyond the minutes that were counted is no question.
          guard let end = minutes.end(wanted, after: from) else { continue }
          if calendar.deadline(seconds: Int64(wanted) * 60, from: instant(from)) != .at(instant(end)) { wrong += 1 }
        }
        #expect(wrong == 0, "\(zone.name) from \(text), week \(week.map(\.intervals)), special \(special.map { ($0.day, $0.hours.intervals) })")
      }
    }
  }
}
