// Money: decimal text to and from whole minor units, exactly (I-04).

/// Amounts of money in minor units (分, cent), as 64-bit integers.
public enum MinorUnits {
  /// The most decimals of a currency.
  public static let digitsMax = ExactDecimal.scaleDigitsMax

  /// Reads an amount such as `12.30`, `-5`, `+0.5` in a currency with `digits` decimals: 1230, -500, 50 for two.
  ///
  /// Exact: more decimals than the currency has are refused unless they are zeros. Refused too: exponents, grouping, blanks,
  /// currency signs, a point without digits on both sides, and what 64 bits do not hold. Minor units, never rounded.
  public static func parse(_ bytes: UnsafeRawBufferPointer, digits: Int) throws(TextFault) -> Int64 {
    guard (0...digitsMax).contains(digits) else { throw TextFault(.range, at: 0) }
    guard bytes.count <= ExactDecimal.textBytesMax else { throw TextFault(.range, at: ExactDecimal.textBytesMax) }
    var scanner = DecimalScanner(bytes)
    try scanner.scan(allowingExponent: false)
    let fraction = scanner.fractionTrimmed
    guard fraction.count <= digits else { throw TextFault(.decimals, at: fraction.lowerBound + digits) }
    var units = try scanner.value(scanner.whole, fraction)
    for _ in fraction.count..<digits {
      let (product, isOver) = units.multipliedReportingOverflow(by: 10)
      guard !isOver else { throw TextFault(.range, at: 0) }
      units = product
    }
    return units
  }

  /// Reads an amount from a text.
  public static func parse(_ text: String, digits: Int) throws(TextFault) -> Int64 {
    try withBytes(of: text) { (bytes) throws(TextFault) in try parse(bytes, digits: digits) }
  }

  /// Reads an amount from a text that the JSON reader found.
  public static func parse(_ text: JSONText, digits: Int) throws(TextFault) -> Int64 {
    try parse(text.bytes, digits: digits)
  }

  /// The amount as decimal text with exactly `digits` decimals (0 to 18; others count as the nearer end).
  public static func text(_ units: Int64, digits: Int) -> String {
    var buffer = ByteBuffer(capacityBytes: 64)
    append(units, digits: digits, to: &buffer)
    return buffer.string()
  }

  /// Appends the amount as decimal text with exactly `digits` decimals.
  public static func append(_ units: Int64, digits: Int, to buffer: inout ByteBuffer) {
    let digits = min(max(digits, 0), digitsMax)
    guard digits > 0, let power = DecimalDigits.power(digits) else { return buffer.appendDecimal(units) }
    if units < 0 { buffer.put8(0x2D) }
    let (whole, part) = units.magnitude.quotientAndRemainder(dividingBy: power)
    buffer.appendDecimal(whole)
    buffer.put8(0x2E)
    for _ in DecimalDigits.count(part)..<digits { buffer.put8(0x30) }
    buffer.appendDecimal(part)
  }
}
