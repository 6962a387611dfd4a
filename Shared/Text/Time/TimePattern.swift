// Dates and times as other systems write them, read by a pattern: for the mappings of sources (I-03).

/// A time on somebody's wall clock, not yet an instant.
public struct WallTime: Sendable, Equatable {
  /// Seconds from 1970-01-01T00:00:00 to it on the same wall clock, as if no zone existed.
  public var seconds: Int64
  /// Microseconds behind the second, 0 to 999,999.
  public var micros: Int
  /// Seconds east of Greenwich, when the text said so (`%z`); nil when the mapping has to say the zone.
  public var offsetSeconds: Int?

  public init(seconds: Int64, micros: Int = 0, offsetSeconds: Int? = nil) {
    self.seconds = seconds
    self.micros = micros
    self.offsetSeconds = offsetSeconds
  }
}

/// A pattern in the manner of `strptime`, compiled once and used for many rows.
///
/// Directives: `%Y` four digits; `%y` two (69 to 99 are 1969 to 1999, 00 to 68 are 2000 to 2068); `%m %d %H %I %M %S` one or
/// two digits, but exactly two when the next directive follows without a separator; `%f` one to nine digits of a second's
/// fraction, cut off behind the sixth; `%p` AM or PM (with `%I`); `%b` and `%B` English month names, either form, any case;
/// `%z` `Z`, `+HHMM` or `+HH:MM`; `%F` = `%Y-%m-%d`; `%T` = `%H:%M:%S`; `%%`. Blanks in the pattern match one or more
/// blanks; everything else matches itself. A pattern needs year, month and day; a time that it leaves out is midnight.
public struct TimePattern: Sendable, Equatable {
  private enum Part: Sendable, Equatable {
    case literal(UInt8)
    case blanks
    /// The letter of a directive that reads digits, and whether it must have its full width.
    case digits(UInt8, isFixed: Bool)
    case monthName
    case halfDay
    case zone
  }

  /// The pattern as it was given.
  public let source: String
  private let parts: [Part]

  /// The longest pattern and the longest text, in bytes.
  public static let textBytesMax = 128

  /// Compiles a pattern; the fault's offset is that of the directive that cannot be used.
  public init(_ pattern: String) throws(TextFault) {
    guard pattern.utf8.count <= Self.textBytesMax else { throw TextFault(.pattern, at: Self.textBytesMax) }
    source = pattern
    var letters: [UInt8] = []
    var parts: [Part] = []
    let bytes = Array(pattern.utf8)
    var at = 0
    while at < bytes.count {
      let byte = bytes[at]
      if byte == 0x25 {
        guard at + 1 < bytes.count else { throw TextFault(.pattern, at: at) }
        for part in try Self.directive(bytes[at + 1], at: at) {
          if case .digits(let letter, _) = part { letters.append(letter) }
          if part == .monthName { letters.append(0x6D) }
          if part == .halfDay { letters.append(0x70) }
          if part == .zone { letters.append(0x7A) }
          parts.append(part)
        }
        at += 2
        continue
      }
      if byte != 0x20 { parts.append(.literal(byte)) } else if parts.last != .blanks { parts.append(.blanks) }
      at += 1
    }
    // Each field once; year, month and day always; the half of the day exactly when hours count to twelve.
    let has = Set(letters.map { $0 == 0x79 ? 0x59 : $0 == 0x49 ? 0x48 : $0 })
    guard has.count == letters.count, has.isSuperset(of: [0x59, 0x6D, 0x64]) else { throw TextFault(.pattern, at: 0) }
    guard letters.contains(0x49) == letters.contains(0x70) else { throw TextFault(.pattern, at: 0) }
    for index in parts.indices.dropLast() {
      if case .digits(let letter, _) = parts[index], case .digits = parts[index + 1] {
        parts[index] = .digits(letter, isFixed: true)
      }
    }
    self.parts = parts
  }

  private static func directive(_ letter: UInt8, at offset: Int) throws(TextFault) -> [Part] {
    func digits(_ letter: UInt8) -> Part { .digits(letter, isFixed: false) }
    switch letter {
    case 0x59, 0x79, 0x6D, 0x64, 0x48, 0x49, 0x4D, 0x53, 0x66: return [digits(letter)]  // Y y m d H I M S f
    case 0x46: return [digits(0x59), .literal(0x2D), digits(0x6D), .literal(0x2D), digits(0x64)]
    case 0x54: return [digits(0x48), .literal(0x3A), digits(0x4D), .literal(0x3A), digits(0x53)]
    case 0x62, 0x42: return [.monthName]
    case 0x70: return [.halfDay]
    case 0x7A: return [.zone]
    case 0x25: return [.literal(0x25)]
    default: throw TextFault(.pattern, at: offset)
    }
  }

  // MARK: Reading

  private struct Fields {
    var year = 0
    var month = 0
    var day = 0
    var hour = 0
    var minute = 0
    var second = 0
    var micros = 0
    var isAfternoon: Bool?
    var offset: Int?
  }

  /// Reads a whole text.
  public func parse(_ bytes: UnsafeRawBufferPointer) throws(TextFault) -> WallTime {
    guard !bytes.isEmpty else { throw TextFault(.empty, at: 0) }
    guard bytes.count <= Self.textBytesMax else { throw TextFault(.form, at: Self.textBytesMax) }
    var at = 0
    var fields = Fields()
    for part in parts {
      switch part {
      case .literal(let byte):
        guard at < bytes.count, bytes[at] == byte else { throw TextFault(.form, at: at) }
        at += 1
      case .blanks:
        let begin = at
        while at < bytes.count, bytes[at] == 0x20 || bytes[at] == 0x09 { at += 1 }
        guard at > begin else { throw TextFault(.form, at: at) }
      case .digits(let letter, let isFixed): try Self.readDigits(letter, isFixed, bytes, &at, &fields)
      case .monthName: fields.month = try Self.readMonth(bytes, &at)
      case .halfDay: fields.isAfternoon = try Self.readHalf(bytes, &at)
      case .zone: fields.offset = try Self.readZone(bytes, &at)
      }
    }
    guard at == bytes.count else { throw TextFault(.trailing, at: at) }
    return try Self.wallTime(fields)
  }

  /// Reads a whole text.
  public func parse(_ text: String) throws(TextFault) -> WallTime {
    try withBytes(of: text) { (bytes) throws(TextFault) in try parse(bytes) }
  }

  /// Reads a text that the JSON reader found.
  public func parse(_ text: JSONText) throws(TextFault) -> WallTime { try parse(text.bytes) }

  private static func wallTime(_ fields: Fields) throws(TextFault) -> WallTime {
    guard let day = CivilCalendar.day(year: fields.year, month: fields.month, day: fields.day) else {
      throw TextFault(.calendar, at: 0)
    }
    var hour = fields.hour
    if let isAfternoon = fields.isAfternoon {
      guard (1...12).contains(hour) else { throw TextFault(.calendar, at: 0) }
      hour = hour % 12 + (isAfternoon ? 12 : 0)
    }
    guard hour < 24, fields.minute < 60 else { throw TextFault(.calendar, at: 0) }
    guard fields.second < 60 else { throw TextFault(fields.second == 60 ? .leapSecond : .calendar, at: 0) }
    let second = (hour * 60 + fields.minute) * 60 + fields.second
    let seconds = Int64(day) * CivilCalendar.secondsPerDay + Int64(second)
    return WallTime(seconds: seconds, micros: fields.micros, offsetSeconds: fields.offset)
  }

  private static func readDigits(
    _ letter: UInt8, _ isFixed: Bool, _ bytes: UnsafeRawBufferPointer, _ at: inout Int, _ fields: inout Fields
  ) throws(TextFault) {
    let isFraction = letter == 0x66
    let widthMax = letter == 0x59 ? 4 : isFraction ? (isFixed ? 6 : 9) : 2
    let isExact = isFixed || letter == 0x59 || letter == 0x79
    let begin = at
    var value = 0
    while at < bytes.count, at - begin < widthMax, DecimalDigits.isDigit(bytes[at]) {
      value = value * 10 + Int(bytes[at] & 0x0F)
      at += 1
    }
    guard at > begin, !isExact || at - begin == widthMax else { throw TextFault(.form, at: at) }
    switch letter {
    case 0x59: fields.year = value
    case 0x79: fields.year = value < 69 ? 2_000 + value : 1_900 + value
    case 0x6D: fields.month = value
    case 0x64: fields.day = value
    case 0x48, 0x49: fields.hour = value
    case 0x4D: fields.minute = value
    case 0x53: fields.second = value
    default:
      for _ in at - begin..<9 { value *= 10 }
      fields.micros = value / 1_000
    }
  }

  private static let monthNames: [[UInt8]] = [
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december",
  ].map { Array($0.utf8) }

  private static func readMonth(_ bytes: UnsafeRawBufferPointer, _ at: inout Int) throws(TextFault) -> Int {
    let begin = at
    while at < bytes.count, (0x61...0x7A).contains(bytes[at] | 0x20) { at += 1 }
    let word = bytes[begin..<at].map { $0 | 0x20 }
    for (index, name) in monthNames.enumerated() where word == name || word == Array(name.prefix(3)) { return index + 1 }
    throw TextFault(.form, at: begin)
  }

  private static func readHalf(_ bytes: UnsafeRawBufferPointer, _ at: inout Int) throws(TextFault) -> Bool {
    guard bytes.count - at >= 2, bytes[at + 1] | 0x20 == 0x6D else { throw TextFault(.form, at: at) }
    let letter = bytes[at] | 0x20
    guard letter == 0x61 || letter == 0x70 else { throw TextFault(.form, at: at) }
    at += 2
    return letter == 0x70
  }

  private static func readZone(_ bytes: UnsafeRawBufferPointer, _ at: inout Int) throws(TextFault) -> Int {
    guard at < bytes.count else { throw TextFault(.form, at: at) }
    let begin = at
    let sign = bytes[at]
    at += 1
    if sign | 0x20 == 0x7A { return 0 }
    guard sign == 0x2B || sign == 0x2D else { throw TextFault(.form, at: begin) }
    var scanner = ClockScanner(UnsafeRawBufferPointer(rebasing: bytes[at...]))
    do throws(TextFault) {
      let hour = try scanner.digits(2)
      if !scanner.isAtEnd, scanner.bytes[scanner.at] == 0x3A { try scanner.separator(0x3A) }
      let minute = try scanner.digits(2)
      guard hour < 24, minute < 60 else { throw TextFault(.calendar, at: 0) }
      at += scanner.at
      return (sign == 0x2B ? 60 : -60) * (hour * 60 + minute)
    } catch {
      throw TextFault(error.rule, at: at + error.offset)
    }
  }
}

/// Counts of time since 1970-01-01T00:00:00Z as text. Result unit: microseconds.
public enum UnixTime {
  /// The unit in which a source counts.
  public enum Unit: String, Sendable, CaseIterable {
    case seconds, milliseconds, microseconds

    fileprivate var digits: Int {
      switch self {
      case .seconds: 6
      case .milliseconds: 3
      case .microseconds: 0
      }
    }
  }

  /// Reads `1546300800` or `1546300800.25`; what microseconds cannot hold exactly is refused.
  public static func parse(_ bytes: UnsafeRawBufferPointer, unit: Unit) throws(TextFault) -> Int64 {
    let micros = try MinorUnits.parse(bytes, digits: unit.digits)
    guard RFC3339.micros.contains(micros) else { throw TextFault(.range, at: 0) }
    return micros
  }

  /// Reads a count from a text.
  public static func parse(_ text: String, unit: Unit) throws(TextFault) -> Int64 {
    try withBytes(of: text) { (bytes) throws(TextFault) in try parse(bytes, unit: unit) }
  }
}
