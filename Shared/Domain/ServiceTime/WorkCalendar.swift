// When the clock of a service standard runs (K-04): hours by weekday, holidays, make-up working days, in a time zone.

/// A stretch of one local day, in minutes after midnight: `540 ..< 1080` is nine to six, 1440 the end of the day.
public struct DayInterval: Hashable, Comparable, Sendable {
  public static let minutesOfDay = 1_440
  public let start: Int
  public let end: Int

  /// Nil for an empty stretch, or one that is not within a day.
  public init?(start: Int, end: Int) {
    guard start >= 0, end <= DayInterval.minutesOfDay, start < end else { return nil }
    self.start = start
    self.end = end
  }

  public static func < (left: DayInterval, right: DayInterval) -> Bool { (left.start, left.end) < (right.start, right.end) }
}

/// The working hours of a day.
public struct DayHours: Hashable, Sendable {
  /// Ascending, none touching the next.
  public let intervals: [DayInterval]

  public static let closed = DayHours(merging: [])
  public static let aroundTheClock = DayHours(merging: [DayInterval(start: 0, end: DayInterval.minutesOfDay)].compactMap { $0 })

  /// Nil when two stretches overlap: one of them is a slip. Those that touch become one.
  public init?(_ intervals: [DayInterval]) {
    let sorted = intervals.sorted()
    for (one, next) in zip(sorted, sorted.dropFirst()) where next.start < one.end { return nil }
    self.init(merging: sorted)
  }

  private init(merging sorted: [DayInterval]) {
    var merged: [DayInterval] = []
    for interval in sorted {
      if let last = merged.last, last.end == interval.start, let joined = DayInterval(start: last.start, end: interval.end) {
        merged[merged.count - 1] = joined
      } else {
        merged.append(interval)
      }
    }
    self.intervals = merged
  }

  public var isClosed: Bool { intervals.isEmpty }
  public var minutes: Int { intervals.reduce(0) { $0 + $1.end - $1.start } }
}

/// The days of the week, as calendars name them.
public enum Weekday: Int, Hashable, Sendable, CaseIterable {
  case monday, tuesday, wednesday, thursday, friday, saturday, sunday

  public init(of day: Day) {
    // 1970-01-01 was a Thursday.
    let place = floorDivide(Int64(day.number) + 3, 7)
    self = Weekday(rawValue: Int(Int64(day.number) + 3 - place * 7)) ?? .monday
  }

  public var word: String { "\(self)" }
}

/// A day on which other hours hold than those of its weekday.
public struct SpecialDay: Hashable, Sendable {
  public enum Kind: String, Hashable, Sendable, CaseIterable {
    /// Closed, whatever the weekday.
    case holiday
    /// Worked although it is a weekend, to make up for a holiday (调休).
    case makeUp = "make_up"
    /// Hours of its own.
    case ownHours = "own_hours"
  }
  public let day: Day
  public let kind: Kind
  public let hours: DayHours
  public let name: LocalizedName

  public init(day: Day, kind: Kind, hours: DayHours, name: LocalizedName) {
    self.day = day
    self.kind = kind
    self.hours = hours
    self.name = name
  }
}

/// Working time, measured. A question about any span costs the logarithm of the number of special days, never its length.
///
/// A stretch of hours runs from the moment at which the clocks show its start for the first time until they show its end for the first time: where the
/// clocks are set back within it, it is longer by that; where its start is skipped, it begins with the jump.
public struct WorkCalendar: Hashable, Sendable {
  public let id: String
  public let name: LocalizedName
  public let zone: BusinessZone
  /// Seven, Monday first.
  public let week: [DayHours]
  /// Ascending, each day once.
  public let specialDays: [SpecialDay]

  /// A day whose working time is not simply that of its weekday, with the sum up to it.
  private struct Mark: Hashable, Sendable {
    let day: Int32
    /// What this and all earlier ones have more than their weekdays, in microseconds.
    let moreThrough: Int64
  }
  private let marks: [Mark]
  /// Microseconds of the weekdays before each; the eighth is the whole week.
  private let weekBefore: [Int64]

  /// Days that a deadline is looked for in: a century.
  public static let spanDaysMax: Int32 = 36_525
  /// The longest duration that is asked for, in seconds: a hundred years.
  public static let secondsMax: Int64 = 3_155_760_000

  /// - Parameters:
  ///   - week: seven days, Monday first.
  ///   - specialDays: in any order; nil is returned when one day is there twice, or the week has not seven days.
  public init?(id: String, name: LocalizedName, zone: BusinessZone, week: [DayHours], specialDays: [SpecialDay]) {
    guard week.count == Weekday.allCases.count else { return nil }
    let sorted = specialDays.sorted { $0.day < $1.day }
    for (one, next) in zip(sorted, sorted.dropFirst()) where one.day == next.day { return nil }
    self.id = id
    self.name = name
    self.zone = zone
    self.week = week
    self.specialDays = sorted
    weekBefore = week.reduce(into: [0]) { sums, hours in sums.append((sums.last ?? 0) + Int64(hours.minutes) * 60_000_000) }
    marks = WorkCalendar.marks(zone, week, sorted)
  }

  private static func marks(_ zone: BusinessZone, _ week: [DayHours], _ specialDays: [SpecialDay]) -> [Mark] {
    var days = Set(specialDays.map(\.day.number))
    // Days on which the clocks change are longer or shorter than the hours say.
    for period in zone.periods {
      let before = zone.day(of: Instant(seconds: period.startsAt - 1)).number
      let after = zone.day(of: Instant(seconds: period.startsAt)).number
      for day in min(before, after)...max(before, after) { days.insert(day) }
    }
    let special = Dictionary(uniqueKeysWithValues: specialDays.map { ($0.day.number, $0.hours) })
    var more: Int64 = 0
    return days.sorted().map { number in
      let day = Day(number: number)
      let regular = week[Weekday(of: day).rawValue]
      let real = spans(of: special[number] ?? regular, day, zone).reduce(Int64(0)) { $0 + $1.to.microseconds - $1.from.microseconds }
      more += real - Int64(regular.minutes) * 60_000_000
      return Mark(day: number, moreThrough: more)
    }
  }

  /// The hours of a day as spans of real time; none is empty.
  private static func spans(of hours: DayHours, _ day: Day, _ zone: BusinessZone) -> [(from: Instant, to: Instant)] {
    hours.intervals.compactMap { interval in
      let midnight = Int64(day.number) * 86_400
      let from = zone.instant(localSeconds: midnight + Int64(interval.start) * 60)
      let to = zone.instant(localSeconds: midnight + Int64(interval.end) * 60)
      return from < to ? (from, to) : nil
    }
  }

  // MARK: - Days

  public func specialDay(_ day: Day) -> SpecialDay? {
    let place = firstPlace(specialDays.count) { specialDays[$0].day >= day }
    return place < specialDays.count && specialDays[place].day == day ? specialDays[place] : nil
  }

  public func hours(on day: Day) -> DayHours { specialDay(day)?.hours ?? week[Weekday(of: day).rawValue] }

  /// The day whose stretch of time this is: from its first midnight until that of the next.
  func day(of instant: Instant) -> Day {
    var day = zone.day(of: instant)
    // Where clocks go back over midnight, the date of the wall does too.
    while instant >= zone.startOfDay(day + 1) { day = day + 1 }
    while instant < zone.startOfDay(day) { day = day + -1 }
    return day
  }

  // MARK: - Measuring

  /// Working time before a day began, in microseconds; counted from a fixed day, so that only differences mean something.
  private func total(before day: Int32) -> Int64 {
    // Day 4 is a Monday.
    let sinceMonday = Int64(day) - 4
    let weeks = floorDivide(sinceMonday, 7)
    let regular = weeks * weekBefore[7] + weekBefore[Int(sinceMonday - weeks * 7)]
    let place = firstPlace(marks.count) { marks[$0].day >= day }
    return regular + (place == 0 ? 0 : marks[place - 1].moreThrough)
  }

  private func total(until instant: Instant) -> Int64 {
    let day = day(of: instant)
    let within = WorkCalendar.spans(of: hours(on: day), day, zone).reduce(Int64(0)) { sum, span in
      sum + max(0, min(instant, span.to).microseconds - span.from.microseconds)
    }
    return total(before: day.number) + within
  }

  public func isOpen(at instant: Instant) -> Bool {
    let day = day(of: instant)
    return WorkCalendar.spans(of: hours(on: day), day, zone).contains { $0.from <= instant && instant < $0.to }
  }

  /// Working time between two moments, in microseconds; 0 when the second is not later.
  public func workingMicroseconds(from start: Instant, to end: Instant) -> Int64 {
    start < end ? total(until: end) - total(until: start) : 0
  }

  /// The first moment at which so much working time has passed: the end of a stretch rather than the start of the next.
  ///
  /// Nil when that does not come within a century, as in a calendar without hours.
  public func instant(microseconds: Int64, after start: Instant) -> Instant? {
    guard microseconds > 0 else { return start }
    guard microseconds <= WorkCalendar.secondsMax * 1_000_000 else { return nil }
    let wanted = total(until: start) + microseconds
    let first = day(of: start).number
    // The span is doubled until it holds the day, then halved.
    var span: Int32 = 1
    while total(before: first + span) < wanted {
      guard span < WorkCalendar.spanDaysMax else { return nil }
      span = min(WorkCalendar.spanDaysMax, span * 2)
    }
    let day = Day(number: first + Int32(firstPlace(Int(span)) { total(before: first + Int32($0) + 1) >= wanted }))
    var left = wanted - total(before: day.number)
    for span in WorkCalendar.spans(of: hours(on: day), day, zone) {
      let length = span.to.microseconds - span.from.microseconds
      if length >= left { return Instant(microseconds: span.from.microseconds + left) }
      left -= length
    }
    return nil
  }

  // MARK: - In detail

  /// The working stretches that overlap a span, in order, at most `countMax`.
  func openSpans(from start: Instant, to end: Instant, countMax: Int) -> [(from: Instant, to: Instant)] {
    var found: [(from: Instant, to: Instant)] = []
    var day = day(of: start)
    while zone.startOfDay(day) < end {
      for span in WorkCalendar.spans(of: hours(on: day), day, zone) where span.to > start && span.from < end {
        guard found.count < countMax else { return found }
        found.append((max(span.from, start), min(span.to, end)))
      }
      day = day + 1
    }
    return found
  }
}
