// The rule for the years to come at the end of a time zone file: a POSIX TZ text such as `EST5EDT,M3.2.0,M11.1.0`.

/// Standard time, and perhaps a second time for a part of each year.
struct PosixZoneRule: Equatable {
  /// A day of the year, and the second of that day (perhaps negative or beyond it) when the change happens.
  struct Change: Equatable {
    enum Day: Equatable {
      /// 1 to 365, February 29 never counted.
      case julian(Int)
      /// 0 to 365, February 29 counted.
      case ordinal(Int)
      /// Weekday (0 Sunday) of a week (5 = last) of a month.
      case weekday(month: Int, week: Int, weekday: Int)
    }
    var day: Day
    var second: Int
  }

  struct Summer: Equatable {
    var offset: Int
    var begins: Change
    var ends: Change
  }

  /// Seconds east of Greenwich.
  var standardOffset: Int
  var summer: Summer?

  /// Reads the text between the two line feeds at the file's end.
  init(_ bytes: ArraySlice<UInt8>) throws(TextFault) {
    var scanner = Scanner(bytes: bytes, at: bytes.startIndex)
    try scanner.name()
    standardOffset = -(try scanner.time(hoursMax: 24))
    if !scanner.isAtEnd {
      try scanner.name()
      var offset = standardOffset + 3_600
      if !scanner.isAtEnd, scanner.byte != 0x2C { offset = -(try scanner.time(hoursMax: 24)) }
      let begins = try scanner.change()
      let ends = try scanner.change()
      summer = Summer(offset: offset, begins: begins, ends: ends)
    }
    guard scanner.isAtEnd else { throw TextFault(.file, at: scanner.at) }
  }

  /// The instants of a year at which the offset changes, in seconds of Unix time, in the order in which they come.
  func changes(in year: Int) -> [(startsAt: Int64, offset: Int32)] {
    guard let summer else { return [] }
    let begins = Self.second(of: summer.begins, year) - Int64(standardOffset)
    let ends = Self.second(of: summer.ends, year) - Int64(summer.offset)
    let both = [(startsAt: begins, offset: Int32(summer.offset)), (startsAt: ends, offset: Int32(standardOffset))]
    return begins <= ends ? both : both.reversed()
  }

  private static func second(of change: Change, _ year: Int) -> Int64 {
    let first = CivilCalendar.day(year: year, month: 1, day: 1) ?? 0
    var day = first
    switch change.day {
    case .julian(let number): day += number - 1 + (CivilCalendar.isLeap(year) && number >= 60 ? 1 : 0)
    case .ordinal(let number): day += number
    case .weekday(let month, let week, let weekday):
      day = CivilCalendar.day(year: year, month: month, day: 1) ?? first
      let length = CivilCalendar.daysInMonth(year, month)
      var inMonth = (weekday - CivilCalendar.weekday(ofDay: day) + 7) % 7 + (week - 1) * 7
      if inMonth >= length { inMonth -= 7 }
      day += inMonth
    }
    return Int64(day) * CivilCalendar.secondsPerDay + Int64(change.second)
  }

  private struct Scanner {
    let bytes: ArraySlice<UInt8>
    var at: Int

    var isAtEnd: Bool { at >= bytes.endIndex }
    var byte: UInt8 { isAtEnd ? 0 : bytes[at] }
    var fault: TextFault { TextFault(.file, at: at) }

    mutating func demand(_ expected: UInt8) throws(TextFault) {
      guard byte == expected else { throw fault }
      at += 1
    }

    /// A name of letters, or of anything between angle brackets; it is not kept.
    mutating func name() throws(TextFault) {
      let begin = at
      if byte == 0x3C {
        while byte != 0x3E, !isAtEnd { at += 1 }
        try demand(0x3E)
      } else {
        while (0x61...0x7A).contains(byte | 0x20) { at += 1 }
      }
      guard at - begin >= 3 else { throw fault }
    }

    mutating func number(_ valueMax: Int) throws(TextFault) -> Int {
      var value = 0
      let begin = at
      while DecimalDigits.isDigit(byte), at - begin < 4 {
        value = value * 10 + Int(byte & 0x0F)
        at += 1
      }
      guard at > begin, value <= valueMax else { throw fault }
      return value
    }

    /// `[+-]hh[:mm[:ss]]` in seconds.
    mutating func time(hoursMax: Int) throws(TextFault) -> Int {
      let isNegative = byte == 0x2D
      if byte == 0x2D || byte == 0x2B { at += 1 }
      var seconds = try number(hoursMax) * 3_600
      var unit = 60
      while byte == 0x3A, unit > 0 {
        at += 1
        seconds += try number(59) * unit
        unit = unit == 60 ? 1 : 0
      }
      return isNegative ? -seconds : seconds
    }

    /// `,Mm.w.d/time`, `,Jn/time` or `,n/time`; two o'clock when no time is given.
    mutating func change() throws(TextFault) -> Change {
      try demand(0x2C)
      let day: Change.Day
      switch byte {
      case 0x4D:
        at += 1
        let month = try number(12)
        try demand(0x2E)
        let week = try number(5)
        try demand(0x2E)
        day = .weekday(month: month, week: week, weekday: try number(6))
        guard month >= 1, week >= 1 else { throw fault }
      case 0x4A:
        at += 1
        let number = try number(365)
        guard number >= 1 else { throw fault }
        day = .julian(number)
      default: day = .ordinal(try number(365))
      }
      guard byte == 0x2F else { return Change(day: day, second: 7_200) }
      at += 1
      return Change(day: day, second: try time(hoursMax: 167))
    }
  }
}
