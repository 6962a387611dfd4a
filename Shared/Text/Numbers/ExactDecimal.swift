// Exact decimal numbers: quantities and prices, and their product in minor units.

/// A decimal number without rounding: `mantissa` divided by ten to the power of `scale`.
public struct ExactDecimal: Sendable, Equatable, CustomStringConvertible {
  /// All digits as one whole number.
  public var mantissa: Int64
  /// How many of the digits stand behind the point, 0 to 18.
  public var scale: Int

  /// The most digits behind the point.
  public static let scaleDigitsMax = 18
  /// The longest text that is read, in bytes.
  public static let textBytesMax = 256

  /// Makes a number; nil when the scale is not 0 to 18.
  public init?(mantissa: Int64, scale: Int) {
    guard (0...Self.scaleDigitsMax).contains(scale) else { return nil }
    self.mantissa = mantissa
    self.scale = scale
  }

  private init(known mantissa: Int64, _ scale: Int) {
    self.mantissa = mantissa
    self.scale = scale
  }

  /// A whole number.
  public init(_ whole: Int64) {
    mantissa = whole
    scale = 0
  }

  // MARK: Reading

  /// Reads `12`, `-0.5`, `+3.250`: digits on both sides of a point, no blanks, no grouping.
  ///
  /// An exponent (`1.5e3`, as JSON allows) is read only when `allowingExponent`. Zeros at the end of the fraction are
  /// dropped where the digits would not fit otherwise; a number that needs more than 64 bits or 18 decimals is refused.
  public static func parse(
    _ bytes: UnsafeRawBufferPointer, allowingExponent: Bool = false
  ) throws(TextFault) -> ExactDecimal {
    guard bytes.count <= textBytesMax else { throw TextFault(.range, at: textBytesMax) }
    var scanner = DecimalScanner(bytes)
    try scanner.scan(allowingExponent: allowingExponent)
    return try scanner.decimal()
  }

  /// Reads a decimal number from a text.
  public static func parse(_ text: String, allowingExponent: Bool = false) throws(TextFault) -> ExactDecimal {
    try withBytes(of: text) { (bytes) throws(TextFault) in try parse(bytes, allowingExponent: allowingExponent) }
  }

  /// Reads a decimal number from a text or number token that the JSON reader found.
  public static func parse(_ text: JSONText, allowingExponent: Bool = false) throws(TextFault) -> ExactDecimal {
    try parse(text.bytes, allowingExponent: allowingExponent)
  }

  // MARK: Arithmetic

  /// The number in units of ten to the power of minus `digits`, rounded half up (half away from zero, so that a refund
  /// mirrors its order).
  public func minorUnits(digits: Int) throws(TextFault) -> Int64 {
    try Self.rounded(Int128(mantissa), scale: scale, digits: digits)
  }

  /// This number times another (quantity times price), in units of ten to the power of minus `digits`; exact until it is
  /// rounded once, half up (half away from zero).
  public func times(_ other: ExactDecimal, digits: Int) throws(TextFault) -> Int64 {
    try Self.rounded(Int128(mantissa) * Int128(other.mantissa), scale: scale + other.scale, digits: digits)
  }

  /// The number times ten to the power of `exponent`: a change of unit without rounding.
  public func scaled(byPowerOfTen exponent: Int) throws(TextFault) -> ExactDecimal {
    // Bounded first: the exponent may come from a file.
    guard (-2 * Self.scaleDigitsMax...2 * Self.scaleDigitsMax).contains(exponent) else { throw TextFault(.range, at: 0) }
    return try Self.normal(mantissa, scale: scale - exponent)
  }

  private static func rounded(_ value: Int128, scale: Int, digits: Int) throws(TextFault) -> Int64 {
    guard (0...scaleDigitsMax).contains(digits) else { throw TextFault(.range, at: 0) }
    var result = value
    if scale > digits {
      let divisor = power(scale - digits)
      let (quotient, rest) = value.quotientAndRemainder(dividingBy: divisor)
      // Halves are compared without doubling, which could overflow.
      let isHalfOrMore = rest.magnitude >= (divisor - Int128(rest.magnitude)).magnitude
      result = isHalfOrMore ? quotient + value.signum() : quotient
    } else {
      let (product, isOver) = value.multipliedReportingOverflow(by: power(digits - scale))
      guard !isOver else { throw TextFault(.range, at: 0) }
      result = product
    }
    guard let units = Int64(exactly: result) else { throw TextFault(.range, at: 0) }
    return units
  }

  /// Ten to the power of 0 to 36, which fits 128 bits.
  private static func power(_ exponent: Int) -> Int128 {
    var power: Int128 = 1
    for _ in 0..<exponent { power *= 10 }
    return power
  }

  /// Brings any scale into 0 to 18 without changing the value.
  static func normal(_ mantissa: Int64, scale: Int) throws(TextFault) -> ExactDecimal {
    if mantissa == 0 { return ExactDecimal(known: 0, min(max(scale, 0), scaleDigitsMax)) }
    var mantissa = mantissa
    var scale = scale
    while scale < 0 {
      let (product, isOver) = mantissa.multipliedReportingOverflow(by: 10)
      guard !isOver else { throw TextFault(.range, at: 0) }
      mantissa = product
      scale += 1
    }
    while scale > scaleDigitsMax {
      guard mantissa % 10 == 0 else { throw TextFault(.decimals, at: 0) }
      mantissa /= 10
      scale -= 1
    }
    return ExactDecimal(known: mantissa, scale)
  }

  // MARK: Writing

  /// The number with all its decimals: mantissa 1230 and scale 2 give `12.30`.
  public var text: String { MinorUnits.text(mantissa, digits: scale) }

  public var description: String { text }

  /// True when both stand for the same value, whatever their scales.
  public func isSameValue(as other: ExactDecimal) -> Bool {
    let low = min(scale, other.scale)
    return Int128(mantissa) * Self.power(other.scale - low) == Int128(other.mantissa) * Self.power(scale - low)
  }
}

/// Lends the UTF-8 of a text.
func withBytes<Result>(
  of text: String, _ body: (UnsafeRawBufferPointer) throws(TextFault) -> Result
) throws(TextFault) -> Result {
  var text = text
  // `withUTF8` rethrows untyped, so the fault travels as a value.
  let outcome = text.withUTF8 { (bytes) -> Swift.Result<Result, TextFault> in
    do throws(TextFault) { return .success(try body(UnsafeRawBufferPointer(bytes))) } catch { return .failure(error) }
  }
  return try outcome.get()
}
