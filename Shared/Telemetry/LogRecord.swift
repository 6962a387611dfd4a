// One log line as a value, and its JSON text.

/// One log line before it is written.
public struct LogRecord: Sendable, Equatable {
  /// Longest line in bytes with its line feed: a pipe takes that much in one piece (Linux's `PIPE_BUF`).
  public static let lineBytesMax = 4_096
  /// Longest text of one value in bytes as written; what is longer is cut.
  public static let valueBytesMax = 1_024
  /// Most elements of one list that are shown.
  public static let listElementsMax = 50
  /// Deepest nesting of lists that is shown.
  public static let listDepthMax = 4

  /// Microseconds since 1970 UTC.
  public let unixMicroseconds: Int64
  public let level: LogLevel
  public let service: String
  public let message: String
  public let fields: LogFields

  public init(unixMicroseconds: Int64, level: LogLevel, service: String, message: String, fields: LogFields) {
    self.unixMicroseconds = unixMicroseconds
    self.level = level
    self.service = service
    self.message = message
    self.fields = fields
  }

  /// The line as JSON with a line feed: `time`, `level`, `service`, `message`, then the fields in order.
  ///
  /// Never longer than `lineBytesMax`: fields that do not fit are left out and `"truncated":true` is added. A field named like one of
  /// the four is shown with `field_` before its name.
  public func jsonLine() -> [UInt8] {
    var line = JSONLine()
    line.begin("time")
    line.appendTime(self.unixMicroseconds)
    line.begin("level")
    line.append(string: self.level.name)
    line.begin("service")
    line.append(string: self.service)
    line.begin("message")
    line.append(string: self.message)
    for (key, value) in self.fields.pairs { line.append(field: key.rawValue, value) }
    return line.finished()
  }
}

/// Writes one bounded JSON object. Separate from the suite's JSON writer: this one may cut and must never fail.
private struct JSONLine {
  private static let truncation = Array(#","truncated":true"#.utf8)
  private static let reserved: Set<String> = ["time", "level", "service", "message", "truncated"]
  /// Room that fields may use: the rest is for the mark of truncation, the brace and the line feed.
  private static let fieldBytesMax = LogRecord.lineBytesMax - truncation.count - 2
  private static let hex = Array("0123456789abcdef".utf8)

  private var bytes: [UInt8] = [UInt8(ascii: "{")]
  private var isTruncated = false

  init() { self.bytes.reserveCapacity(512) }

  mutating func begin(_ key: String) {
    if self.bytes.count > 1 { self.bytes.append(UInt8(ascii: ",")) }
    self.append(string: key)
    self.bytes.append(UInt8(ascii: ":"))
  }

  mutating func append(field key: String, _ value: LogValue) {
    let before = self.bytes.count
    self.begin(Self.reserved.contains(key) ? "field_" + key : key)
    self.append(value, depth: 0)
    if self.bytes.count > Self.fieldBytesMax {
      self.bytes.removeSubrange(before...)
      self.isTruncated = true
    }
  }

  mutating func finished() -> [UInt8] {
    if self.isTruncated { self.bytes += Self.truncation }
    self.bytes.append(UInt8(ascii: "}"))
    self.bytes.append(UInt8(ascii: "\n"))
    return self.bytes
  }

  private mutating func append(_ value: LogValue, depth: Int) {
    switch value {
    case .string(let text): self.append(string: text)
    case .integer(let number): self.bytes += String(number).utf8
    case .double(let number) where number.isFinite: self.bytes += "\(number)".utf8
    // JSON has no infinities and no NaN.
    case .double(let number): self.append(string: "\(number)")
    case .bool(let flag): self.bytes += (flag ? "true" : "false").utf8
    case .list(let elements):
      guard depth < LogRecord.listDepthMax else {
        self.isTruncated = true
        return self.append(string: "…")
      }
      self.bytes.append(UInt8(ascii: "["))
      for (index, element) in elements.prefix(LogRecord.listElementsMax).enumerated() {
        // A list that is already too long will be taken back as a whole.
        if self.bytes.count > Self.fieldBytesMax { break }
        if index > 0 { self.bytes.append(UInt8(ascii: ",")) }
        self.append(element, depth: depth + 1)
      }
      if elements.count > LogRecord.listElementsMax { self.isTruncated = true }
      self.bytes.append(UInt8(ascii: "]"))
    }
  }

  /// Escapes whatever could end the line or steer a terminal: C0 and C1 controls, DEL, the Unicode line ends.
  mutating func append(string text: String) {
    self.bytes.append(UInt8(ascii: "\""))
    let start = self.bytes.count
    for scalar in text.unicodeScalars {
      // Counted as written: an escape takes up to six bytes.
      guard self.bytes.count - start < LogRecord.valueBytesMax else {
        self.isTruncated = true
        self.bytes += "…".utf8
        break
      }
      switch scalar.value {
      case 0x22: self.bytes += #"\""#.utf8
      case 0x5C: self.bytes += #"\\"#.utf8
      case 0x0A: self.bytes += #"\n"#.utf8
      case 0x0D: self.bytes += #"\r"#.utf8
      case 0x09: self.bytes += #"\t"#.utf8
      case 0..<0x20, 0x7F..<0xA0, 0x2028, 0x2029, 0x202A...0x202E, 0x2066...0x2069: self.appendEscape(scalar.value)
      default: self.bytes += UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter
      }
    }
    self.bytes.append(UInt8(ascii: "\""))
  }

  private mutating func appendEscape(_ value: UInt32) {
    self.bytes += #"\u"#.utf8
    for shift in [12, 8, 4, 0] { self.bytes.append(Self.hex[Int(value >> UInt32(shift)) & 15]) }
  }

  /// RFC 3339 in UTC with microseconds. Days to year, month and day after the civil calendar's 400-year cycle from 1 March 0000.
  mutating func appendTime(_ unixMicroseconds: Int64) {
    // The years 1 to 9999, which is all that RFC 3339 can write.
    let unixMicroseconds = min(max(unixMicroseconds, -62_135_596_800_000_000), 253_402_300_799_999_999)
    let seconds = unixMicroseconds.dividedDown(by: 1_000_000)
    let micros = unixMicroseconds - seconds * 1_000_000
    let days = seconds.dividedDown(by: 86_400)
    let second = seconds - days * 86_400
    let shifted = days + 719_468
    let era = shifted.dividedDown(by: 146_097)
    let dayOfEra = shifted - era * 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let monthFromMarch = (5 * dayOfYear + 2) / 153
    let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
    self.bytes.append(UInt8(ascii: "\""))
    self.append(yearOfEra + era * 400 + (month <= 2 ? 1 : 0), digits: 4, then: "-")
    self.append(month, digits: 2, then: "-")
    self.append(dayOfYear - (153 * monthFromMarch + 2) / 5 + 1, digits: 2, then: "T")
    self.append(second / 3_600, digits: 2, then: ":")
    self.append(second / 60 % 60, digits: 2, then: ":")
    self.append(second % 60, digits: 2, then: ".")
    self.append(micros, digits: 6, then: "Z")
    self.bytes.append(UInt8(ascii: "\""))
  }

  private mutating func append(_ number: Int64, digits: Int, then end: Unicode.Scalar) {
    let text = String(number)
    for _ in 0..<max(0, digits - text.utf8.count) { self.bytes.append(UInt8(ascii: "0")) }
    self.bytes += text.utf8
    self.bytes.append(UInt8(ascii: end))
  }
}

extension Int64 {
  /// Division that rounds towards minus infinity.
  fileprivate func dividedDown(by divisor: Int64) -> Int64 {
    let (quotient, remainder) = self.quotientAndRemainder(dividingBy: divisor)
    return remainder < 0 ? quotient - 1 : quotient
  }
}
