// Exact fractions: known answers, borders of the range, and Python's fractions as the other calculator.

import Domain
import Testing

struct RationalTests {
  @Test func aFractionIsKeptInLowestTermsWithThePositiveDenominator() throws {
    #expect(Rational(6, over: -8) == Rational(-3, over: 4))
    #expect(Rational(0, over: -5) == .zero)
    #expect(try #require(Rational(6, over: -8)).description == "-3/4")
    #expect(Rational(1, over: 0) == nil)
    #expect(Rational(Int128.min, over: 1) == nil)
    #expect(Rational(Int128.min, over: 2)?.numerator == Int128.min / 2)
    #expect(Rational(1, over: Int128.min) == nil)
    // Where 64 bits end.
    let least = Int128(Int64.min)
    #expect(Rational(least, over: -2) == Rational(-least / 2, over: 1))
    #expect(Rational(-6, over: least) == Rational(3, over: -least / 2))
    #expect(Rational(least + 1, over: -1)?.numerator == Int128(Int64.max))
    #expect(Rational(least + 1, over: least + 1) == .one)
  }

  @Test func arithmeticThatDoesNotFitThrowsAndNeverWraps() throws {
    let large = try #require(Rational(Int128.max, over: 1))
    #expect(throws: RationalFault.overflow) { try large + .one }
    #expect(throws: RationalFault.overflow) { try (-large) - .one }
    #expect(throws: RationalFault.overflow) { try large * Rational(2) }
    #expect(throws: RationalFault.divisionByZero) { try large / .zero }
    #expect(try large * .oneHalf == Rational(Int128.max, over: 2))
    #expect(try (large - .one) + .one == large)
    #expect(-(-large) == large)
  }

  @Test func comparisonIsExactWhereTheCrossProductsDoNotFit() throws {
    let left = try #require(Rational(Int128.max, over: Int128.max - 1))
    let right = try #require(Rational(Int128.max - 1, over: Int128.max - 2))
    #expect(left < right)
    #expect(!(right < left))
    #expect(-right < -left)
    #expect(-left < right)
    #expect(!(left < left))
  }

  @Test(arguments: [
    (5, 2, 3), (-5, 2, -2), (7, 3, 2), (-7, 3, -2), (1, 2, 1), (-1, 2, 0), (179, 2, 90), (0, 1, 0), (-3, 4, -1), (899, 10, 90),
    (894, 10, 89),
  ])
  func aHalfIsRoundedUp(numerator: Int, denominator: Int, expected: Int) {
    #expect(Rational.of(numerator, denominator).roundedHalfUp == Int128(expected))
  }

  @Test(arguments: [
    ("0", "0"), ("12.50", "25/2"), ("-0.125", "-1/8"), ("100/3", "100/3"), ("-100/4", "-25"), ("007", "7"), ("-0", "0"),
  ])
  func decimalTextAndFractionsAreRead(text: String, expected: String) {
    #expect(Rational(text: text)?.description == expected)
  }

  @Test(arguments: [
    "", "-", "+1", ".5", "5.", "1e3", "1,000", " 1", "1 ", "0x10", "--1", "1.2.3", "1/0", "1/-2", "1.5/2", "1/2/3", "/2", "1/", "１",
  ])
  func whatIsNoPlainNumberIsRefused(text: String) {
    #expect(Rational(text: text) == nil)
  }

  @Test func aNumberOfTooManyDigitsIsRefused() {
    let digits = String(repeating: "9", count: Rational.decimalDigitsMax)
    #expect(Rational(decimal: digits) != nil)
    #expect(Rational(decimal: digits + "9") == nil)
    #expect(Rational(decimal: "0." + digits) == nil)
  }

  @Test(arguments: [
    (2, 3, 4, "0.6667"), (-2, 3, 4, "-0.6667"), (1, 8, 2, "0.13"), (-1, 8, 2, "-0.12"), (99_999, 10_000, 3, "10"), (5, 2, 0, "3"),
    (-5, 2, 0, "-2"),
    (-1, 20_000, 4, "0"), (185, 2, 4, "92.5"), (-1, 3, 0, "0"), (0, 1, 4, "0"),
  ])
  func decimalTextIsRoundedHalfUpWithoutZerosAtItsEnd(numerator: Int, denominator: Int, digits: Int, expected: String) {
    #expect(Rational.of(numerator, denominator).decimalText(fractionDigitsMax: digits) == expected)
  }

  @Test func exactTextExistsForFiniteDecimalsOnly() {
    #expect(Rational.of(1, 8).exactDecimalText == "0.125")
    #expect(Rational.of(-7, 2).exactDecimalText == "-3.5")
    #expect(Rational.of(3).exactDecimalText == "3")
    #expect(Rational.of(1, 3).exactDecimalText == nil)
  }

  @Test(.enabled(if: Python.isThere, "python3 is not installed"))
  func thousandsOfRandomOperationsAgreeWithPython() throws {
    var random = SeededRandom(state: 20_260_701)
    var input = ""
    for round in 0..<6_000 {
      let bits = [8, 31, 62, 100, 126][round % 5]
      let (a, b) = (random.fraction(bits: bits), random.fraction(bits: bits))
      let sum = try? a + b
      let difference = try? a - b
      let product = try? a * b
      let quotient = try? a / b
      let results = [sum, difference, product, quotient].map { $0.map(\.description) ?? "none" }.joined(separator: " ")
      let shown =
        "\(a < b) \(a.roundedHalfUp) \(a.floor) \(a.decimalText(fractionDigitsMax: 6, keepsZeros: true)) \(a.exactDecimalText ?? "none")"
      input += "\(a) \(b) \(results) \(shown)\n"
    }
    let script = """
      import sys
      from fractions import Fraction as F
      from math import floor, gcd
      LIMIT = 2**127
      wrong = 0; refused = 0
      for n, line in enumerate(open(sys.argv[1])):
          a, b, s, d, p, q, less, half, low, text, exact = line.split()
          small = n % 5 < 3
          a, b = F(a), F(b)
          for got, want in ((s, a + b), (d, a - b), (p, a * b), (q, None if b == 0 else a / b)):
              if got == 'none':
                  # Refused: right when there is no result, when it does not fit, or when a step of a sum may not.
                  fits = want is not None and abs(want.numerator) < LIMIT and want.denominator < LIMIT
                  refused += 1
                  if fits and (small or got is p or got is q): wrong += 1; print('refused', line)
              elif want is None or F(got) != want: wrong += 1; print('differs', line)
          if (a < b) != (less == 'true') or floor(a + F(1, 2)) != int(half) or floor(a) != int(low): wrong += 1; print('rounds', line)
          if F(text) != F(floor(a * 10**6 + F(1, 2)), 10**6): wrong += 1; print('text', line)
          if exact != 'none' and F(exact) != a: wrong += 1; print('exact', line)
      print(wrong, refused > 100)
      """
    #expect(Python.run(script, input: input) == "0 True\n")
  }
}
