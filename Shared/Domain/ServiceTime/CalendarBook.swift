// All calendars of a business: one file, one version (K-04).

public struct CalendarBook: Hashable, Sendable {
  public let version: Int
  public let author: String
  /// In the file's order.
  public let calendars: [WorkCalendar]

  public init(version: Int, author: String, calendars: [WorkCalendar]) {
    self.version = version
    self.author = author
    self.calendars = calendars
  }

  public subscript(id: String) -> WorkCalendar? { calendars.first { $0.id == id } }
}

extension DayInterval {
  /// `09:00-18:00`; the end may be `24:00`.
  public var text: String { DayInterval.clock(start) + "-" + DayInterval.clock(end) }

  private static func clock(_ minutes: Int) -> String {
    func two(_ number: Int) -> String { (number < 10 ? "0" : "") + String(number) }
    return two(minutes / 60) + ":" + two(minutes % 60)
  }

  public init?(text: some StringProtocol) {
    let parts = text.split(separator: "-", omittingEmptySubsequences: false)
    guard parts.count == 2, let start = DayInterval.minutes(parts[0]), let end = DayInterval.minutes(parts[1]) else { return nil }
    self.init(start: start, end: end)
  }

  private static func minutes(_ text: some StringProtocol) -> Int? {
    let digits = Array(text.utf8)
    guard digits.count == 5, digits[2] == 0x3A, [0, 1, 3, 4].allSatisfy({ (0x30...0x39).contains(digits[$0]) }) else { return nil }
    func number(_ place: Int) -> Int { Int(digits[place] - 0x30) * 10 + Int(digits[place + 1] - 0x30) }
    guard number(0) <= 24, number(3) < 60 else { return nil }
    return number(0) * 60 + number(3)
  }
}

extension DayHours {
  public static let closedWord = "closed"
  public static let allDayWord = "all_day"

  /// `closed`, `all_day`, or the stretches in order: `09:00-12:00 13:30-18:00`.
  public var text: String {
    if isClosed { return DayHours.closedWord }
    return self == .aroundTheClock ? DayHours.allDayWord : intervals.map(\.text).joined(separator: " ")
  }

  /// Nil where a stretch is no stretch, two overlap, or there is none.
  public init?(text: String) {
    switch text {
    case DayHours.closedWord: self = .closed
    case DayHours.allDayWord: self = .aroundTheClock
    default:
      let stretches = text.split(separator: " ").map { DayInterval(text: $0) }
      let whole = stretches.compactMap { $0 }
      guard !whole.isEmpty, whole.count == stretches.count, let hours = DayHours(whole) else { return nil }
      self = hours
    }
  }
}
