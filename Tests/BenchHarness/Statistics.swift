// Middles and tails of measurements. Pure.

enum Statistics {
  /// The middle value; of an even number the mean of the two in the middle. nil without values.
  static func median(_ values: [Double]) -> Double? {
    guard !values.isEmpty else { return nil }
    let sorted = values.sorted()
    let middle = sorted.count / 2
    return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
  }

  /// The smallest value that so many percent of all values do not exceed (nearest rank). nil without values.
  static func percentile(_ percent: Double, of values: [Double]) -> Double? {
    guard !values.isEmpty else { return nil }
    let sorted = values.sorted()
    let rank = (percent / 100 * Double(sorted.count)).rounded(.up)
    return sorted[min(sorted.count, max(1, Int(rank))) - 1]
  }

  /// nil where one of them is missing, or nothing can be divided by.
  static func ratio(_ value: Double?, _ base: Double?) -> Double? {
    guard let value, let base, base > 0 else { return nil }
    return value / base
  }
}

/// Numbers as people read them.
enum NumberText {
  /// With so many decimals, a half rounded up in magnitude.
  static func fixed(_ value: Double, _ digits: Int) -> String {
    guard value.isFinite, abs(value) < 1e15 else { return "none" }
    let scale = (0..<digits).reduce(1.0) { scale, _ in scale * 10 }
    let units = Int64((abs(value) * scale).rounded())
    let sign = value < 0 && units > 0 ? "-" : ""
    guard digits > 0 else { return sign + String(units) }
    let text = String(repeating: "0", count: max(0, digits + 1 - String(units).utf8.count)) + String(units)
    return sign + text.dropLast(digits) + "." + text.suffix(digits)
  }

  /// Whole, with commas between groups of three digits.
  static func grouped(_ value: Double) -> String {
    let text = fixed(abs(value), 0)
    var result = ""
    for (place, digit) in text.enumerated() {
      if place > 0, (text.utf8.count - place) % 3 == 0 { result.append(",") }
      result.append(digit)
    }
    return (value < 0 ? "-" : "") + result
  }
}
