// The grammar of decimal numbers, shared by money and exact decimals.

/// Reads `[+-] digits [. digits] [e [+-] digits]` and keeps its parts.
struct DecimalScanner {
  private let bytes: UnsafeRawBufferPointer
  private(set) var isNegative = false
  /// Digits before and after the point, as offsets.
  private(set) var whole = 0..<0
  private(set) var fraction = 0..<0
  /// The exponent, at most about a thousand either way.
  private(set) var exponent = 0

  init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

  /// Checks the form of the whole text.
  mutating func scan(allowingExponent: Bool) throws(TextFault) {
    guard !bytes.isEmpty else { throw TextFault(.empty, at: 0) }
    var at = 0
    if bytes[0] == 0x2D || bytes[0] == 0x2B {
      isNegative = bytes[0] == 0x2D
      at = 1
    }
    whole = try digits(from: at)
    at = whole.upperBound
    fraction = at..<at
    if at < bytes.count, bytes[at] == 0x2E {
      fraction = try digits(from: at + 1)
      at = fraction.upperBound
    }
    if allowingExponent, at < bytes.count, bytes[at] | 0x20 == 0x65 {
      at += 1
      let isDown = at < bytes.count && bytes[at] == 0x2D
      if at < bytes.count, bytes[at] == 0x2D || bytes[at] == 0x2B { at += 1 }
      let places = try digits(from: at)
      for place in places where exponent < 1_000 { exponent = exponent * 10 + Int(bytes[place] - 0x30) }
      if isDown { exponent = -exponent }
      at = places.upperBound
    }
    guard at == bytes.count else { throw TextFault(.form, at: at) }
  }

  private func digits(from start: Int) throws(TextFault) -> Range<Int> {
    var at = start
    while at < bytes.count, DecimalDigits.isDigit(bytes[at]) { at += 1 }
    guard at > start else { throw TextFault(.form, at: at) }
    return start..<at
  }

  /// The digits of both ranges as one signed number.
  func value(_ ranges: Range<Int>...) throws(TextFault) -> Int64 {
    var magnitude: UInt64 = 0
    for range in ranges {
      for place in range {
        let (tens, isOver) = magnitude.multipliedReportingOverflow(by: 10)
        let (sum, isOverToo) = tens.addingReportingOverflow(UInt64(bytes[place] - 0x30))
        guard !isOver, !isOverToo else { throw TextFault(.range, at: place) }
        magnitude = sum
      }
    }
    if isNegative {
      guard magnitude <= Int64.min.magnitude else { throw TextFault(.range, at: 0) }
      return Int64(truncatingIfNeeded: 0 &- magnitude)
    }
    guard magnitude <= UInt64(Int64.max) else { throw TextFault(.range, at: 0) }
    return Int64(magnitude)
  }

  /// The fraction without zeros at its end.
  var fractionTrimmed: Range<Int> {
    var last = fraction.upperBound
    while last > fraction.lowerBound, bytes[last - 1] == 0x30 { last -= 1 }
    return fraction.lowerBound..<last
  }

  /// The number as mantissa and scale. Keeps the zeros that were written where they fit.
  func decimal() throws(TextFault) -> ExactDecimal {
    if fraction.count - exponent <= ExactDecimal.scaleDigitsMax, let mantissa = try? value(whole, fraction) {
      return try ExactDecimal.normal(mantissa, scale: fraction.count - exponent)
    }
    let short = fractionTrimmed
    return try ExactDecimal.normal(try value(whole, short), scale: short.count - exponent)
  }
}
