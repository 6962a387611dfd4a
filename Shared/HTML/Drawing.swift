// Numbers and lines of drawings (SVG) as they are written in a page.

public enum Drawing {
  /// To a hundredth, without zeros at the end; what is no number is 0.
  public static func number(_ value: Double) -> String {
    guard value.isFinite, abs(value) < 1e9 else { return "0" }
    let hundredths = Int((value * 100).rounded())
    let (whole, rest) = (abs(hundredths) / 100, abs(hundredths) % 100)
    let sign = hundredths < 0 ? "-" : ""
    if rest == 0 { return "\(sign)\(whole)" }
    return "\(sign)\(whole)." + (rest % 10 == 0 ? "\(rest / 10)" : rest < 10 ? "0\(rest)" : "\(rest)")
  }

  /// Points of a line, as `points` and `d` have them.
  public static func points(_ points: [(x: Double, y: Double)]) -> String { points.map { "\(number($0.x)),\(number($0.y))" }.joined(separator: " ") }
}
