// Figures of answers as people read them: shares, amounts, intervals.
import Domain
import Text

extension Visit {
  /// A number to so many digits with its thousands apart; a dash where there is none.
  func figure(_ value: JSONValue?, digits: Int = 1) -> String {
    guard let value, !value.isNull else { return "–" }
    guard let text = value.numberText ?? value.stringValue else { return "–" }
    guard let number = Rational(decimal: text) else { return text }
    return figure(number, digits: digits)
  }

  func figure(_ value: Rational, digits: Int = 1) -> String {
    let text = value.decimalText(fractionDigitsMax: digits, keepsZeros: true)
    let parts = text.drop { $0 == "-" }.split(separator: ".", omittingEmptySubsequences: false)
    guard let whole = parts.first.flatMap({ Int64($0) }) else { return text }
    return (text.hasPrefix("-") ? "−" : "") + number(whole) + (parts.count > 1 ? ".\(parts[1])" : "")
  }

  /// A share of a hundred.
  func percent(_ value: JSONValue?, digits: Int = 1) -> String {
    guard let value, !value.isNull else { return "–" }
    return figure(value, digits: digits) + say(" %", "%")
  }

  func percent(_ value: Rational?, digits: Int = 1) -> String { value.map { figure($0, digits: digits) + say(" %", "%") } ?? "–" }

  /// `part` of `whole` in percent; nil where there is no whole.
  static func share(_ part: Int64, of whole: Int64) -> Rational? { whole == 0 ? nil : Rational(Int128(part) * 100, over: Int128(whole)) }

  /// An amount that is told in the smallest units of its currency.
  func money(minor value: JSONValue?, _ currency: Currency) -> String {
    guard let minor = value?.numberText.flatMap({ Rational(decimal: $0) }) else { return "–" }
    var scale: Int128 = 1
    for _ in 0..<currency.minorDigits { scale *= 10 }
    guard let unit = Rational(scale, over: 1), let amount = try? minor / unit else { return "–" }
    return figure(amount, digits: currency.minorDigits)
  }

  /// An amount as a text of units, as `12461282.92`.
  func money(_ value: JSONValue?, _ currency: Currency) -> String { figure(value, digits: currency.minorDigits) }

  /// The currency that an answer names, else the suite's.
  func currency(of answer: JSONValue?) -> Currency { answer?["currency"]?.stringValue.flatMap { Currency($0) } ?? site.currency }

  // MARK: - Cells of tables: for people, and as a spreadsheet counts with them

  func cell(_ value: JSONValue?, digits: Int? = nil, live: String? = nil) -> Cell {
    .figure(digits.map { figure(value, digits: $0) } ?? number(value), file: value?.plain ?? "", live: live)
  }

  func cell(percent value: JSONValue?, live: String? = nil) -> Cell { .figure(percent(value), file: value?.plain ?? "", live: live) }

  func cell(percent value: Rational?) -> Cell { .figure(percent(value), file: value?.decimalText(fractionDigitsMax: 4) ?? "") }

  func cell(minor value: JSONValue?, _ currency: Currency, live: String? = nil) -> Cell {
    let text = money(minor: value, currency)
    return .figure(text, file: text == "–" ? "" : text.replacing(",", with: "").replacing("−", with: "-"), live: live)
  }

  func cell(amount value: JSONValue?, _ currency: Currency) -> Cell { .figure(money(value, currency), file: value?.plain ?? "") }

  /// Hours and minutes for people, seconds for the file.
  func cell(seconds value: JSONValue?) -> Cell { .figure(value?.int64Value.map { span(seconds: $0) } ?? "–", file: value?.plain ?? "") }

  /// From where to where a figure may lie.
  func interval(_ figures: JSONValue?, digits: Int = 1) -> String {
    guard let low = figures?["low"], let high = figures?["high"], !low.isNull, !high.isNull else { return "–" }
    return "\(figure(low, digits: digits)) … \(figure(high, digits: digits))"
  }
}

extension JSONValue {
  /// For drawings, also where an answer has a number as a text.
  var measure: Double? { (numberText ?? stringValue).flatMap { Double($0) } }
  /// As it stands in the answer.
  var plain: String { numberText ?? stringValue ?? "" }
  var list: [JSONValue] { arrayValue ?? [] }
  /// A whole number that is reckoned with. A million of them can be added up: what a service answers must not end the console for everybody.
  var counted: Int64? { int64Value.map { max(-JSONValue.countMax, min($0, JSONValue.countMax)) } }
  private static let countMax: Int64 = 1_000_000_000_000
  /// A count; what is none counts as 0.
  func count(_ name: String) -> Int64 { self[name]?.counted ?? 0 }
}
