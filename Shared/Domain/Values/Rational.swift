// Exact fractions: what scores are worked out in. Nothing here rounds unless asked to, and nothing wraps.

/// Why a fraction could not be worked out.
public enum RationalFault: Error, Hashable, Sendable {
  /// The result, or a step on the way to it, does not fit a fraction of two 128-bit integers.
  case overflow
  case divisionByZero
}

/// A fraction in lowest terms over 128-bit integers.
///
/// Equal values have equal members, so that equality and hashing are those of the value. Arithmetic is checked: it throws
/// ``RationalFault/overflow`` instead of wrapping or losing precision. Comparison is exact and never fails.
public struct Rational: Hashable, Sendable {
  /// Carries the sign; never `Int128.min`, so that it can always be negated.
  public let numerator: Int128
  /// Greater than zero, without a common divisor with the numerator.
  public let denominator: Int128

  public static let zero = Rational(0)
  public static let one = Rational(1)
  public static let oneHalf = Rational(reduced: 1, over: 2)
  public static let oneHundred = Rational(100)

  public init(_ integer: Int) { self.init(Int64(integer)) }

  public init(_ integer: Int64) { self.init(reduced: Int128(integer), over: 1) }

  /// nil when the denominator is zero, or when the reduced fraction does not fit.
  public init?(_ numerator: Int128, over denominator: Int128) {
    guard denominator != 0 else { return nil }
    if let top = Int64(exactly: numerator), let bottom = Int64(exactly: denominator), top > .min, bottom > .min {
      // Nearly all fractions, and division is several times as fast in 64 bits.
      let divisor = Int64(Rational.greatestCommonDivisor(top.magnitude, bottom.magnitude))
      let sign: Int64 = bottom < 0 ? -1 : 1
      self.init(reduced: Int128(sign * (top / divisor)), over: Int128(sign * (bottom / divisor)))
      return
    }
    let divisor = Rational.greatestCommonDivisor(numerator.magnitude, denominator.magnitude)
    guard let top = Int128(exactly: numerator.magnitude / divisor), let bottom = Int128(exactly: denominator.magnitude / divisor) else {
      return nil
    }
    self.init(reduced: (numerator < 0) == (denominator < 0) ? top : -top, over: bottom)
  }

  @inline(__always)
  init(reduced numerator: Int128, over denominator: Int128) {
    self.numerator = numerator
    self.denominator = denominator
  }

  public var isNegative: Bool { numerator < 0 }
  public var isInteger: Bool { denominator == 1 }

  static func greatestCommonDivisor(_ left: UInt128, _ right: UInt128) -> UInt128 {
    var (a, b) = (left, right)
    while b != 0 {
      if a <= UInt128(UInt64.max), b <= UInt128(UInt64.max) { return UInt128(greatestCommonDivisor(UInt64(a), UInt64(b))) }
      (a, b) = (b, a % b)
    }
    // Two zeros have no greatest divisor; one keeps the callers' divisions defined.
    return a == 0 ? 1 : a
  }

  private static func greatestCommonDivisor(_ left: UInt64, _ right: UInt64) -> UInt64 {
    var (a, b) = (left, right)
    while b != 0 { (a, b) = (b, a % b) }
    return a == 0 ? 1 : a
  }
}

// MARK: Arithmetic

extension Rational {
  public static func + (left: Rational, right: Rational) throws(RationalFault) -> Rational {
    if left.denominator == 1, right.denominator == 1 {
      return Rational(reduced: try checked(left.numerator.addingReportingOverflow(right.numerator)), over: 1)
    }
    // Dividing the denominators' common part out first keeps the steps no larger than the result asks for.
    let common = Int128(greatestCommonDivisor(left.denominator.magnitude, right.denominator.magnitude))
    let leftScale = right.denominator / common
    let a = try checked(left.numerator.multipliedReportingOverflow(by: leftScale))
    let b = try checked(right.numerator.multipliedReportingOverflow(by: left.denominator / common))
    let sum = try checked(a.addingReportingOverflow(b))
    let last = Int128(greatestCommonDivisor(sum.magnitude, common.magnitude))
    return Rational(reduced: sum / last, over: try checked((left.denominator / last).multipliedReportingOverflow(by: leftScale)))
  }

  public static func - (left: Rational, right: Rational) throws(RationalFault) -> Rational { try left + (-right) }

  public static prefix func - (value: Rational) -> Rational { Rational(reduced: -value.numerator, over: value.denominator) }

  public static func * (left: Rational, right: Rational) throws(RationalFault) -> Rational {
    let first = Int128(greatestCommonDivisor(left.numerator.magnitude, right.denominator.magnitude))
    let second = Int128(greatestCommonDivisor(right.numerator.magnitude, left.denominator.magnitude))
    return Rational(
      reduced: try checked(quotient(left.numerator, first).multipliedReportingOverflow(by: quotient(right.numerator, second))),
      over: try checked(quotient(left.denominator, second).multipliedReportingOverflow(by: quotient(right.denominator, first))))
  }

  public static func / (left: Rational, right: Rational) throws(RationalFault) -> Rational {
    guard right.numerator != 0 else { throw .divisionByZero }
    let sign: Int128 = right.numerator < 0 ? -1 : 1
    return try left * Rational(reduced: right.denominator * sign, over: right.numerator * sign)
  }

  public var magnitude: Rational { numerator < 0 ? -self : self }

  /// Mostly there is nothing to divide by.
  @inline(__always)
  private static func quotient(_ value: Int128, _ divisor: Int128) -> Int128 { divisor == 1 ? value : value / divisor }

  @inline(__always)
  private static func checked(_ result: (partialValue: Int128, overflow: Bool)) throws(RationalFault) -> Int128 {
    // The least number is left out of the range, so that negation needs no check.
    guard !result.overflow, result.partialValue != .min else { throw .overflow }
    return result.partialValue
  }
}

extension Rational: Comparable {
  public static func < (left: Rational, right: Rational) -> Bool {
    if left.denominator == right.denominator { return left.numerator < right.numerator }
    let (a, aOverflow) = left.numerator.multipliedReportingOverflow(by: right.denominator)
    let (b, bOverflow) = right.numerator.multipliedReportingOverflow(by: left.denominator)
    if !aOverflow, !bOverflow { return a < b }
    let wideLeft = left.numerator.multipliedFullWidth(by: right.denominator)
    let wideRight = right.numerator.multipliedFullWidth(by: left.denominator)
    return wideLeft.high == wideRight.high ? wideLeft.low < wideRight.low : wideLeft.high < wideRight.high
  }
}

// MARK: Rounding

extension Rational {
  /// The greatest whole number that is not above this one.
  public var floor: Int128 {
    let quotient = numerator / denominator
    return numerator % denominator < 0 ? quotient - 1 : quotient
  }

  /// The least whole number that is not below this one.
  public var ceiling: Int128 { -(-self).floor }

  /// The nearest whole number; a half goes up, towards plus infinity: 2.5 is 3, -2.5 is -2.
  public var roundedHalfUp: Int128 {
    let whole = floor
    // What is left over is 0 ..< denominator; doubling it could overflow, so the other half is compared instead.
    let rest = numerator - whole * denominator
    return rest >= denominator - rest ? whole + 1 : whole
  }

  /// The nearest multiple of 10^-`digits`; a half goes up, towards plus infinity. `digits` is 0 to 30.
  public func roundedHalfUp(digits: Int) throws(RationalFault) -> Rational {
    guard (0...Rational.roundingDigitsMax).contains(digits) else { throw .overflow }
    let scale = Rational(reduced: Rational.powerOfTen(digits), over: 1)
    return try Rational(reduced: (try self * scale).roundedHalfUp, over: 1) / scale
  }

  public static let roundingDigitsMax = 30

  static func powerOfTen(_ exponent: Int) -> Int128 {
    var power: Int128 = 1
    for _ in 0..<exponent { power *= 10 }
    return power
  }
}

// MARK: Text

extension Rational: CustomStringConvertible {
  /// Exact: `3`, `-7/2`.
  public var description: String { denominator == 1 ? String(numerator) : "\(numerator)/\(denominator)" }

  /// The most digits a decimal number may have to be read.
  public static let decimalDigitsMax = 36

  /// Reads a decimal number: an optional minus, digits, and perhaps a point and more digits. No exponent, no plus, no grouping,
  /// no blanks; nil for everything else and for more than ``decimalDigitsMax`` digits.
  public init?(decimal text: some StringProtocol) {
    var value: Int128 = 0
    var digits = 0
    var fractionDigits: Int?
    var bytes = text.utf8.makeIterator()
    var byte = bytes.next()
    let negative = byte == 0x2D
    if negative { byte = bytes.next() }
    while let current = byte {
      switch current {
      case 0x30...0x39:
        digits += 1
        guard digits <= Rational.decimalDigitsMax else { return nil }
        value = value * 10 + Int128(current - 0x30)
        if let count = fractionDigits { fractionDigits = count + 1 }
      case 0x2E:
        guard digits > 0, fractionDigits == nil else { return nil }
        fractionDigits = 0
      default: return nil
      }
      byte = bytes.next()
    }
    guard digits > 0, fractionDigits != 0 else { return nil }
    self.init(negative ? -value : value, over: Rational.powerOfTen(fractionDigits ?? 0))
  }

  /// Reads a decimal number or a fraction of two whole numbers: `12.5`, `100/3`.
  public init?(text: some StringProtocol) {
    let parts = text.split(separator: "/", maxSplits: 2, omittingEmptySubsequences: false)
    guard parts.count == 2 else {
      self.init(decimal: text)
      return
    }
    guard let top = Rational(decimal: parts[0]), let bottom = Rational(decimal: parts[1]), top.isInteger, bottom.isInteger,
      bottom.numerator > 0, !parts[0].utf8.contains(0x2E), !parts[1].utf8.contains(0x2E)
    else { return nil }
    self.init(top.numerator, over: bottom.numerator)
  }

  /// Decimal text with at most `fractionDigitsMax` decimals, a half rounded up, towards plus infinity.
  ///
  /// Zeros at the end are left out unless `keepsZeros`: 92.5 with four decimals is `92.5` or `92.5000`.
  public func decimalText(fractionDigitsMax: Int, keepsZeros: Bool = false) -> String {
    let divisor = denominator.magnitude
    var rest = numerator.magnitude % divisor
    var whole = numerator.magnitude / divisor
    var digits: [UInt8] = []
    for _ in 0..<max(0, min(fractionDigitsMax, 100)) {
      let wide = rest.multipliedFullWidth(by: 10)
      let (digit, remainder) = divisor.dividingFullWidth(wide)
      digits.append(UInt8(truncatingIfNeeded: digit))
      rest = remainder
    }
    // Below zero "up" is towards zero, so there an exact half leaves the digits as they are.
    let other = divisor - rest
    if numerator < 0 ? rest > other : rest >= other {
      var index = digits.count - 1
      while index >= 0, digits[index] == 9 { digits[index] = 0; index -= 1 }
      if index >= 0 { digits[index] += 1 } else { whole += 1 }
    }
    if !keepsZeros { while digits.last == 0 { digits.removeLast() } }
    let isZero = whole == 0 && digits.allSatisfy { $0 == 0 }
    let sign = numerator < 0 && !isZero ? "-" : ""
    return sign + String(whole) + (digits.isEmpty ? "" : "." + String(decoding: digits.map { $0 + 0x30 }, as: UTF8.self))
  }

  /// The whole value as decimal text, or nil when it has no end (1/3) or more than 38 decimals.
  public var exactDecimalText: String? {
    var rest = denominator
    var twos = 0
    var fives = 0
    while rest % 2 == 0 { rest /= 2; twos += 1 }
    while rest % 5 == 0 { rest /= 5; fives += 1 }
    guard rest == 1, max(twos, fives) <= 38 else { return nil }
    return decimalText(fractionDigitsMax: max(twos, fives), keepsZeros: true)
  }
}
