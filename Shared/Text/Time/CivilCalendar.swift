// The calendar: days since 1970-01-01 to and from year, month and day. Proleptic Gregorian, years 1 to 9999.

/// Arithmetic of the Gregorian calendar on day numbers (day 0 is 1970-01-01).
public enum CivilCalendar {
  /// The years that texts may name.
  public static let years = 1...9999
  /// 0001-01-01 to 9999-12-31 in days since 1970-01-01.
  public static let days = -719_162...2_932_896

  static let secondsPerDay: Int64 = 86_400
  static let microsPerSecond: Int64 = 1_000_000

  /// The day number of a date; nil when no calendar has that date or its year is not 1 to 9999.
  public static func day(year: Int, month: Int, day: Int) -> Int? {
    guard years.contains(year), (1...12).contains(month), day >= 1, day <= daysInMonth(year, month) else { return nil }
    // Years begin in March here, so that the leap day is the last of its year.
    let shifted = month > 2 ? year : year - 1
    let era = shifted / 400
    let yearOfEra = shifted - era * 400
    let monthFromMarch = month > 2 ? month - 3 : month + 9
    let dayOfYear = (153 * monthFromMarch + 2) / 5 + day - 1
    let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
    return era * 146_097 + dayOfEra - 719_468
  }

  /// The date of a day number; numbers outside of `days` count as the nearer end.
  public static func date(ofDay day: Int) -> (year: Int, month: Int, day: Int) {
    let shifted = min(max(day, days.lowerBound), days.upperBound) + 719_468
    let era = shifted / 146_097
    let dayOfEra = shifted - era * 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let monthFromMarch = (5 * dayOfYear + 2) / 153
    let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
    let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    return (year, month, dayOfYear - (153 * monthFromMarch + 2) / 5 + 1)
  }

  /// The weekday of a day number: 0 is Sunday, 6 is Saturday.
  public static func weekday(ofDay day: Int) -> Int { ((day % 7) + 11) % 7 }

  public static func isLeap(_ year: Int) -> Bool { year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) }

  /// The days of a month, 28 to 31; 0 when there is no such month.
  public static func daysInMonth(_ year: Int, _ month: Int) -> Int {
    switch month {
    case 1, 3, 5, 7, 8, 10, 12: 31
    case 4, 6, 9, 11: 30
    case 2: isLeap(year) ? 29 : 28
    default: 0
    }
  }
}
