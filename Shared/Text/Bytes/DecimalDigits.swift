// Small helpers about decimal digits, shared by the number, time and JSON parts.

/// Counting and testing decimal digits.
enum DecimalDigits {
  /// Powers of ten that fit 64 bits: index 0 to 19.
  static func power(_ exponent: Int) -> UInt64? {
    guard exponent >= 0, exponent <= 19 else { return nil }
    var power: UInt64 = 1
    for _ in 0..<exponent { power &*= 10 }
    return power
  }

  /// How many decimal digits a number has; 1 for zero.
  static func count(_ value: UInt64) -> Int {
    var digits = 1
    var rest = value
    while rest >= 10_000 {
      rest /= 10_000
      digits += 4
    }
    while rest >= 10 {
      rest /= 10
      digits += 1
    }
    return digits
  }

  @inline(__always)
  static func isDigit(_ byte: UInt8) -> Bool { byte &- 0x30 <= 9 }
}
