// Moments, lengths and rules of repetition as iCalendar files (RFC 5545) write them.

import Domain

/// `20261001`, `20261001T090000` or `20261001T090000Z`: what a wall shows.
struct ICalendarWall {
  let day: Day
  /// Of the day; nil where only the day is given.
  let second: Int64?
  let isUTC: Bool

  init?(_ text: String) {
    let bytes = Array(text.utf8)
    func number(_ range: Range<Int>) -> Int? {
      guard bytes[range].allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
      return bytes[range].reduce(0) { $0 * 10 + Int($1 - 0x30) }
    }
    guard [8, 15, 16].contains(bytes.count), let year = number(0..<4), let month = number(4..<6), let dayOfMonth = number(6..<8),
      let day = Day(year: year, month: month, day: dayOfMonth)
    else { return nil }
    self.day = day
    isUTC = bytes.count == 16
    guard bytes.count > 8 else {
      second = nil
      return
    }
    guard bytes[8] == 0x54, !isUTC || bytes[15] == 0x5A, let hour = number(9..<11), let minute = number(11..<13), let rest = number(13..<15),
      hour < 24, minute < 60, rest < 60
    else { return nil }
    second = Int64(hour * 3_600 + minute * 60 + rest)
  }

  /// Seconds since 1970 as the wall shows them.
  var localSeconds: Int64 { Int64(day.number) * 86_400 + (second ?? 0) }
}

/// A moment of an event, with where the wall hangs that shows it.
struct ICalendarTime {
  enum Kind: Hashable {
    case day
    /// A time of the business zone.
    case floating
    case utc
    case zoned(String)
  }
  let wall: ICalendarWall
  let zone: BusinessZone
  let kind: Kind

  var moment: Instant { zone.instant(localSeconds: wall.localSeconds) }
}

/// `PT12H`, `P1DT2H30M`, `P2W`: days by the calendar, and then seconds.
struct ICalendarDuration {
  private(set) var days: Int64 = 0
  private(set) var seconds: Int64 = 0

  /// Digits of a number.
  private static let digitsMax = 9

  init(days: Int64 = 0, seconds: Int64 = 0) {
    self.days = days
    self.seconds = seconds
  }

  /// nil: this is none, or it goes back in time.
  init?(_ text: String) {
    var rest = Substring(text.uppercased())
    if rest.first == "+" { rest.removeFirst() }
    guard rest.first == "P", let last = rest.last, last != "P", last != "T" else { return nil }
    var units = Substring("WDTHMS")
    var digits = ""
    for character in rest.dropFirst() {
      if character.isASCII, character.isNumber {
        digits.append(character)
        continue
      }
      // Each unit once, the larger first.
      guard let place = units.firstIndex(of: character), (character == "T") == digits.isEmpty, digits.utf8.count <= ICalendarDuration.digitsMax,
        character == "T" || character == "W" || character == "D" || !units.contains("T")
      else { return nil }
      units = units[units.index(after: place)...]
      let number = Int64(digits) ?? 0
      digits = ""
      switch character {
      case "W": days += number * 7
      case "D": days += number
      case "H": seconds += number * 3_600
      case "M": seconds += number * 60
      default: seconds += number
      }
    }
    guard digits.isEmpty else { return nil }
  }
}

/// `FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,TU;UNTIL=20271231T160000Z`: days on which something happens again.
struct ICalendarRule {
  enum Frequency: String {
    case daily = "DAILY"
    case weekly = "WEEKLY"
  }
  enum End {
    case count(Int)
    /// Itself included.
    case until(Instant)
  }
  let frequency: Frequency
  let interval: Int
  /// Empty: the day of the week of the first.
  let weekdays: Set<Weekday>
  let weekBegins: Weekday
  let end: End

  static let intervalMax = 1_000
  static let lastDay = Day(year: 9999, month: 12, day: 31) ?? Day(number: .max)
  static let words: [String: Weekday] = [
    "MO": .monday, "TU": .tuesday, "WE": .wednesday, "TH": .thursday, "FR": .friday, "SA": .saturday, "SU": .sunday,
  ]

  /// The moments at which a series takes place that begins at `first`, one after another until the rule ends or `visit` says no.
  func visit(from first: ICalendarTime, _ visit: (ICalendarMoment) -> Bool) {
    let days = weekdays.isEmpty && frequency == .weekly ? [Weekday(of: first.wall.day)] : weekdays
    var (day, count) = (first.wall.day, 0)
    while day <= ICalendarRule.lastDay {
      if days.isEmpty || days.contains(Weekday(of: day)) {
        let moment = ICalendarMoment(of: first, on: day)
        switch end {
        case .count(let countMax) where count >= countMax: return
        case .until(let last) where moment.start > last: return
        default: break
        }
        guard visit(moment) else { return }
        count += 1
      }
      day = next(day)
    }
  }

  /// The next day that may be one: so many days on, or the next of the week, after its end so many weeks on.
  private func next(_ day: Day) -> Day {
    guard frequency == .weekly else { return day + interval }
    let isWeekOver = Weekday(of: day + 1) == weekBegins
    return day + (isWeekOver ? 1 + 7 * (interval - 1) : 1)
  }
}

/// One time of a series.
struct ICalendarMoment {
  let start: Instant
  private let localSeconds: Int64
  private let zone: BusinessZone

  init(of first: ICalendarTime, on day: Day) {
    localSeconds = Int64(day.number) * 86_400 + (first.wall.second ?? 0)
    zone = first.zone
    start = zone.instant(localSeconds: localSeconds)
  }

  /// Days are counted on the wall, seconds as they pass.
  func end(after length: ICalendarDuration) -> Instant {
    (length.days == 0 ? start : zone.instant(localSeconds: localSeconds + length.days * 86_400)).adding(seconds: length.seconds)
  }
}
