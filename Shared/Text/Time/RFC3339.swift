// Instants and plain dates as text: RFC 3339 to and from microseconds of Unix time (I-04).

/// Instants as RFC 3339 text. Unit: microseconds since 1970-01-01T00:00:00Z.
public enum RFC3339 {
  /// The instants that text can show: 0001-01-01T00:00:00Z to 9999-12-31T23:59:59.999999Z.
  public static let micros: ClosedRange<Int64> = -62_135_596_800_000_000...253_402_300_799_999_999
  /// The longest text that is read, in bytes.
  public static let textBytesMax = 64

  /// Reads `1998-07-01T12:00:00.123456+08:00`.
  ///
  /// `T` and `Z` may be lower case; the offset is required (a time without one is no instant: `TimePattern` reads those).
  /// Digits of the fraction beyond the sixth are cut off. A leap second (`:60`) is refused: Unix time has no instant for it,
  /// and moving it would change the order of events without a word. Instants outside of `micros` are refused.
  public static func parse(_ bytes: UnsafeRawBufferPointer) throws(TextFault) -> Int64 {
    guard !bytes.isEmpty else { throw TextFault(.empty, at: 0) }
    guard bytes.count <= textBytesMax else { throw TextFault(.form, at: textBytesMax) }
    var scanner = ClockScanner(bytes)
    let day = try scanner.date()
    try scanner.separator(0x54)
    let second = try scanner.clock()
    let fraction = try scanner.fraction()
    let offset = try scanner.offset()
    guard scanner.isAtEnd else { throw TextFault(.trailing, at: scanner.at) }
    let seconds = Int64(day) * CivilCalendar.secondsPerDay + Int64(second) - Int64(offset)
    let instant = seconds * CivilCalendar.microsPerSecond + Int64(fraction)
    guard micros.contains(instant) else { throw TextFault(.range, at: 0) }
    return instant
  }

  /// Reads an instant from a text.
  public static func parse(_ text: String) throws(TextFault) -> Int64 {
    try withBytes(of: text) { (bytes) throws(TextFault) in try parse(bytes) }
  }

  /// Reads an instant from a text that the JSON reader found.
  public static func parse(_ text: JSONText) throws(TextFault) -> Int64 { try parse(text.bytes) }

  /// The instant in UTC, `1998-07-01T04:00:00.123456Z`, with 0, 3 or 6 digits of fraction: the fewest that lose nothing.
  /// Instants outside of `micros` show as the nearer end.
  public static func text(_ instant: Int64) -> String {
    var buffer = ByteBuffer(capacityBytes: 64)
    append(instant, to: &buffer)
    return buffer.string()
  }

  /// Appends the instant in UTC, as `text` shows it.
  public static func append(_ instant: Int64, to buffer: inout ByteBuffer) {
    let instant = min(max(instant, micros.lowerBound), micros.upperBound)
    var seconds = instant / CivilCalendar.microsPerSecond
    var fraction = instant % CivilCalendar.microsPerSecond
    if fraction < 0 {
      fraction += CivilCalendar.microsPerSecond
      seconds -= 1
    }
    var day = seconds / CivilCalendar.secondsPerDay
    var second = seconds % CivilCalendar.secondsPerDay
    if second < 0 {
      second += CivilCalendar.secondsPerDay
      day -= 1
    }
    buffer.room(32)
    PlainDate.append(Int(day), to: &buffer)
    buffer.putUnchecked8(0x54)
    putPadded(second / 3_600, 2, &buffer)
    buffer.putUnchecked8(0x3A)
    putPadded(second / 60 % 60, 2, &buffer)
    buffer.putUnchecked8(0x3A)
    putPadded(second % 60, 2, &buffer)
    if fraction > 0 {
      buffer.putUnchecked8(0x2E)
      if fraction % 1_000 == 0 { putPadded(fraction / 1_000, 3, &buffer) } else { putPadded(fraction, 6, &buffer) }
    }
    buffer.putUnchecked8(0x5A)
  }

  /// Puts a number with leading zeros; there must be room.
  @inline(__always)
  static func putPadded(_ value: Int64, _ width: Int, _ buffer: inout ByteBuffer) {
    var divisor: Int64 = 1
    for _ in 1..<width { divisor *= 10 }
    while divisor > 0 {
      buffer.putUnchecked8(0x30 &+ UInt8(truncatingIfNeeded: value / divisor % 10))
      divisor /= 10
    }
  }
}

/// Plain dates as text. Unit: days since 1970-01-01, in whatever calendar day the source means.
public enum PlainDate {
  /// Reads `YYYY-MM-DD`, years 0001 to 9999.
  public static func parse(_ bytes: UnsafeRawBufferPointer) throws(TextFault) -> Int {
    guard !bytes.isEmpty else { throw TextFault(.empty, at: 0) }
    var scanner = ClockScanner(bytes)
    let day = try scanner.date()
    guard scanner.isAtEnd else { throw TextFault(.trailing, at: scanner.at) }
    return day
  }

  /// Reads a date from a text.
  public static func parse(_ text: String) throws(TextFault) -> Int {
    try withBytes(of: text) { (bytes) throws(TextFault) in try parse(bytes) }
  }

  /// Reads a date from a text that the JSON reader found.
  public static func parse(_ text: JSONText) throws(TextFault) -> Int { try parse(text.bytes) }

  /// The date as `YYYY-MM-DD`; days outside of `CivilCalendar.days` show as the nearer end.
  public static func text(_ day: Int) -> String {
    var buffer = ByteBuffer(capacityBytes: 64)
    append(day, to: &buffer)
    return buffer.string()
  }

  /// Appends the date as `text` shows it.
  public static func append(_ day: Int, to buffer: inout ByteBuffer) {
    let date = CivilCalendar.date(ofDay: day)
    buffer.room(10)
    RFC3339.putPadded(Int64(date.year), 4, &buffer)
    buffer.putUnchecked8(0x2D)
    RFC3339.putPadded(Int64(date.month), 2, &buffer)
    buffer.putUnchecked8(0x2D)
    RFC3339.putPadded(Int64(date.day), 2, &buffer)
  }
}

/// Reads the parts of dates and clock times from left to right.
struct ClockScanner {
  let bytes: UnsafeRawBufferPointer
  private(set) var at = 0

  init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

  var isAtEnd: Bool { at == bytes.count }

  /// Exactly `width` digits.
  @inline(__always)
  mutating func digits(_ width: Int) throws(TextFault) -> Int {
    var value = 0
    for _ in 0..<width {
      guard at < bytes.count, DecimalDigits.isDigit(bytes[at]) else { throw TextFault(.form, at: at) }
      value = value * 10 + Int(bytes[at] & 0x0F)
      at += 1
    }
    return value
  }

  /// One byte; a letter in either case.
  @inline(__always)
  mutating func separator(_ byte: UInt8) throws(TextFault) {
    guard at < bytes.count else { throw TextFault(.form, at: at) }
    let isLetter = byte >= 0x41 && byte <= 0x5A
    guard bytes[at] == byte || (isLetter && bytes[at] == byte | 0x20) else { throw TextFault(.form, at: at) }
    at += 1
  }

  /// `YYYY-MM-DD` as a day number.
  mutating func date() throws(TextFault) -> Int {
    let begin = at
    let year = try digits(4)
    try separator(0x2D)
    let month = try digits(2)
    try separator(0x2D)
    let day = try digits(2)
    guard let number = CivilCalendar.day(year: year, month: month, day: day) else { throw TextFault(.calendar, at: begin) }
    return number
  }

  /// `HH:MM:SS` as a second of the day.
  mutating func clock() throws(TextFault) -> Int {
    let begin = at
    let hour = try digits(2)
    try separator(0x3A)
    let minute = try digits(2)
    try separator(0x3A)
    let second = try digits(2)
    guard hour < 24, minute < 60 else { throw TextFault(.calendar, at: begin) }
    guard second < 60 else { throw TextFault(second == 60 ? .leapSecond : .calendar, at: begin + 6) }
    return (hour * 60 + minute) * 60 + second
  }

  /// An optional point and digits, as microseconds; digits after the sixth are passed over.
  mutating func fraction() throws(TextFault) -> Int {
    guard at < bytes.count, bytes[at] == 0x2E else { return 0 }
    at += 1
    let begin = at
    var micros = 0
    var unit = 100_000
    while at < bytes.count, DecimalDigits.isDigit(bytes[at]) {
      micros += Int(bytes[at] & 0x0F) * unit
      unit /= 10
      at += 1
    }
    guard at > begin else { throw TextFault(.form, at: at) }
    return micros
  }

  /// `Z` or `+HH:MM`, as seconds east of Greenwich; `-00:00` is UTC.
  mutating func offset() throws(TextFault) -> Int {
    guard at < bytes.count else { throw TextFault(.form, at: at) }
    let begin = at
    let sign = bytes[at]
    at += 1
    if sign | 0x20 == 0x7A { return 0 }
    guard sign == 0x2B || sign == 0x2D else { throw TextFault(.form, at: begin) }
    let hour = try digits(2)
    try separator(0x3A)
    let minute = try digits(2)
    guard hour < 24, minute < 60 else { throw TextFault(.calendar, at: begin) }
    let seconds = (hour * 60 + minute) * 60
    return sign == 0x2B ? seconds : -seconds
  }
}
