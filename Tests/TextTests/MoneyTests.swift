// Money and exact decimals, checked against Python's decimal module.
import Testing
import Text

struct MoneyTests {
  @Test func amountsBecomeMinorUnitsExactly() throws {
    let cases: [(String, Int, Int64)] = [
      ("12.30", 2, 1_230), ("12.3", 2, 1_230), ("-5", 2, -500), ("+0.5", 2, 50), ("0", 0, 0), ("-0.00", 2, 0), ("7", 0, 7),
      ("1.2300000", 2, 123), ("0.001", 3, 1), ("92233720368547758.07", 2, .max), ("-92233720368547758.08", 2, .min),
      ("007.10", 2, 710), ("0000000000000000000000012", 0, 12),
    ]
    for (text, digits, units) in cases {
      let parsed = try MinorUnits.parse(text, digits: digits)
      #expect(parsed == units, "\(text)")
    }
  }

  @Test func whatIsNoExactAmountIsRefusedWithItsPlace() {
    let cases: [(String, Int, TextRule, Int)] = [
      ("", 2, .empty, 0), ("12.345", 2, .decimals, 5), ("0.5", 0, .decimals, 2), ("1e3", 2, .form, 1), ("1,000", 2, .form, 1),
      (" 1", 2, .form, 0), ("1 ", 2, .form, 1), (".5", 2, .form, 0), ("5.", 2, .form, 2), ("-", 2, .form, 1), ("--1", 2, .form, 1),
      ("￥1", 2, .form, 0), ("１", 2, .form, 0), ("0x1", 2, .form, 1), ("NaN", 2, .form, 0), ("1.2.3", 2, .form, 3),
      ("92233720368547758.08", 2, .range, 0), ("99999999999999999999", 0, .range, 19), ("9223372036854775807", 2, .range, 0),
      ("1", 19, .range, 0), ("1", -1, .range, 0), (String(repeating: "1", count: 257), 2, .range, 256),
    ]
    for (text, digits, rule, offset) in cases {
      let found = fault { () throws(TextFault) in try MinorUnits.parse(text, digits: digits) }
      #expect(found == TextFault(rule, at: offset), "\(text)")
    }
  }

  @Test func minorUnitsAreShownWithAllTheirDecimals() throws {
    #expect(MinorUnits.text(1_230, digits: 2) == "12.30")
    #expect(MinorUnits.text(-5, digits: 2) == "-0.05")
    #expect(MinorUnits.text(0, digits: 3) == "0.000")
    #expect(MinorUnits.text(7, digits: 0) == "7")
    #expect(MinorUnits.text(.min, digits: 2) == "-92233720368547758.08")
    var random = SplitMix(3)
    for _ in 0..<2_000 {
      let units = Int64(bitPattern: random.next()) >> Int64(random.below(64))
      let digits = random.below(19)
      let back = try MinorUnits.parse(MinorUnits.text(units, digits: digits), digits: digits)
      #expect(back == units)
    }
  }

  @Test func decimalsKeepTheirDigitsAndExponentsAreReadOnRequestOnly() throws {
    #expect(try ExactDecimal.parse("1.50") == ExactDecimal(mantissa: 150, scale: 2))
    #expect(try ExactDecimal.parse("1.5e3", allowingExponent: true) == ExactDecimal(mantissa: 1_500, scale: 0))
    #expect(try ExactDecimal.parse("25E-4", allowingExponent: true) == ExactDecimal(mantissa: 25, scale: 4))
    #expect(try ExactDecimal.parse("0e99999", allowingExponent: true) == ExactDecimal(0))
    #expect(try ExactDecimal.parse("1.0000000000000000000000") == ExactDecimal(1))
    let refused: [(String, Bool, TextRule)] = [
      ("1e3", false, .form), ("1e", true, .form), ("1e999", true, .range), ("1e-19", true, .decimals),
      ("0.0000000000000000001", false, .decimals),
      ("9223372036854775808", false, .range),
    ]
    for (text, allows, rule) in refused {
      #expect(fault { () throws(TextFault) in try ExactDecimal.parse(text, allowingExponent: allows) }?.rule == rule, "\(text)")
    }
    #expect(ExactDecimal(mantissa: 1, scale: 19) == nil)
    #expect(try ExactDecimal.parse("1.50").isSameValue(as: ExactDecimal.parse("1.5")))
    #expect(try ExactDecimal.parse("12.5").scaled(byPowerOfTen: 2) == ExactDecimal(1_250))
    #expect(try ExactDecimal.parse("12.5").scaled(byPowerOfTen: -2).text == "0.125")
  }

  @Test func halvesAreRoundedAwayFromZeroOnceAtTheEnd() throws {
    func product(_ one: String, _ other: String) throws -> Int64 { try ExactDecimal.parse(one).times(.parse(other), digits: 2) }
    #expect(try product("3", "0.335") == 101)
    #expect(try product("-3", "0.335") == -101)
    #expect(try product("0.5", "0.01") == 1)
    #expect(try product("0.499999999999999999", "0.01") == 0)
    #expect(try product("1.005", "1") == 101)
    #expect(throws: TextFault.self) { try product("9223372036854775807", "2") }
  }

  @Test(.enabled(if: Python.isInstalled, Python.absent))
  func pythonsDecimalGivesTheSameProductsAndAmounts() async throws {
    let script =
      Python.prelude + """
        from decimal import Decimal, ROUND_HALF_UP, localcontext, Context, setcontext
        setcontext(Context(prec=100))
        for line in lines:
            q, p, d = line.split(' ')
            v = (Decimal(q) * Decimal(p)).scaleb(int(d)).quantize(Decimal(1), rounding=ROUND_HALF_UP)
            a = Decimal(p).scaleb(int(d))
            first = int(v) if -2**63 <= v < 2**63 else 'range'
            second = int(a) if a == a.to_integral_value() and -2**63 <= a < 2**63 else 'refused'
            answer(f'{first} {second}')
        """
    var random = SplitMix(11)
    func number() -> String {
      // At most 18 digits in all: what a mantissa of 64 bits always holds.
      let whole = String(random.next() >> UInt64(28 + random.below(36)))
      let sign = ["", "-", "+"][random.below(3)]
      let digits = random.below(8)
      return digits == 0 ? sign + whole : sign + whole + "." + (0..<digits).map { _ in String(random.below(10)) }.joined()
    }
    let rows = (0..<20_000).map { _ in (number(), number(), random.below(5)) }
    let input = rows.map { "\($0.0) \($0.1) \($0.2)" }.joined(separator: "\n")
    let answers = try await Python.run(script, input).split(separator: "\n").map(String.init)
    try #require(answers.count == rows.count)
    for (row, answer) in zip(rows, answers) {
      let product = try? ExactDecimal.parse(row.0).times(.parse(row.1), digits: row.2)
      let amount = try? MinorUnits.parse(row.1, digits: row.2)
      let own = "\(product.map(String.init) ?? "range") \(amount.map(String.init) ?? "refused")"
      if own != answer { Issue.record("\(row): own \(own), Python \(answer)") }
    }
  }
}
