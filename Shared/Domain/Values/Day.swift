/// A calendar day of the proleptic Gregorian calendar, counted from 1970-01-01 (day 0), without a time zone.
///
/// Which day an instant falls on depends on the business time zone: ``BusinessZone/day(of:)`` answers that.
public struct Day: Hashable, Comparable, Sendable {
  public var number: Int32

  public init(number: Int32) { self.number = number }

  /// The day of a civil date, or nil when there is no such date (30 February, month 13, year outside 1...9999).
  public init?(year: Int, month: Int, day: Int) {
    guard (1...9999).contains(year), (1...12).contains(month), day >= 1, day <= Day.length(ofMonth: month, year: year) else { return nil }
    self.number = Day.number(year: year, month: month, day: day)
  }

  public static func < (left: Day, right: Day) -> Bool { left.number < right.number }
  public static func - (left: Day, right: Day) -> Int { Int(left.number) - Int(right.number) }
  public static func + (left: Day, days: Int) -> Day { Day(number: left.number + Int32(clamping: days)) }

  public var civil: (year: Int, month: Int, day: Int) {
    // Days are counted from 0000-03-01, so that the leap day is the last of its year.
    let shifted = Int(number) + 719_468
    let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
    let dayOfEra = shifted - era * 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let shiftedMonth = (5 * dayOfYear + 2) / 153
    let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
    return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * shiftedMonth + 2) / 5 + 1)
  }

  /// The same day of the month `months` later; a day that month does not have becomes its last (31 March - 1 month = 28 February).
  public func adding(months: Int) -> Day {
    let (year, month, day) = civil
    let index = year * 12 + month - 1 + months
    let newYear = index >= 0 ? index / 12 : (index - 11) / 12
    let newMonth = index - newYear * 12 + 1
    return Day(number: Day.number(year: newYear, month: newMonth, day: min(day, Day.length(ofMonth: newMonth, year: newYear))))
  }

  public var month: Month { let (year, month, _) = civil; return Month(index: Int32(year * 12 + month - 1)) }

  private static func number(year: Int, month: Int, day: Int) -> Int32 {
    let shiftedYear = month <= 2 ? year - 1 : year
    let era = (shiftedYear >= 0 ? shiftedYear : shiftedYear - 399) / 400
    let yearOfEra = shiftedYear - era * 400
    let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
    let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
    return Int32(clamping: era * 146_097 + dayOfEra - 719_468)
  }

  static func length(ofMonth month: Int, year: Int) -> Int {
    switch month {
    case 2: (year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)) ? 29 : 28
    case 4, 6, 9, 11: 30
    default: 31
    }
  }
}

/// A calendar month, counted from January of year 0.
public struct Month: Hashable, Comparable, Sendable {
  public var index: Int32

  public init(index: Int32) { self.index = index }
  public static func < (left: Month, right: Month) -> Bool { left.index < right.index }
  public func adding(_ months: Int) -> Month { Month(index: index + Int32(clamping: months)) }

  public var year: Int { Int(index) / 12 }
  public var number: Int { Int(index) % 12 + 1 }
}

extension Day: CustomStringConvertible {
  /// `1998-07-01`
  public var description: String {
    let (year, month, day) = civil
    func padded(_ value: Int, _ width: Int) -> String { String(repeating: "0", count: max(0, width - String(value).count)) + String(value) }
    return "\(padded(year, 4))-\(padded(month, 2))-\(padded(day, 2))"
  }

  /// Reads `YYYY-MM-DD`, nothing else.
  public init?(_ text: String) {
    let parts = text.utf8.split(separator: 0x2D, omittingEmptySubsequences: false)
    guard parts.count == 3, parts[0].count == 4, parts[1].count == 2, parts[2].count == 2,
      text.utf8.allSatisfy({ (0x30...0x39).contains($0) || $0 == 0x2D }),
      let year = Int(String(parts[0]) ?? ""), let month = Int(String(parts[1]) ?? ""), let day = Int(String(parts[2]) ?? "")
    else { return nil }
    self.init(year: year, month: month, day: day)
  }
}

extension Month: CustomStringConvertible {
  /// `1998-07`
  public var description: String { String(Day(number: Day(year: max(1, year), month: number, day: 1)?.number ?? 0).description.dropLast(3)) }
}
