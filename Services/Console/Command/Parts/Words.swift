// Numbers, moments and money as people read them.
import Domain
import Text

extension Visit {
  /// A moment of an answer (RFC 3339) by the clocks of the business, to the minute.
  func moment(_ value: JSONValue?) -> String { value?.stringValue.flatMap { try? RFC3339.parse($0) }.map { moment($0) } ?? "–" }

  func moment(_ microseconds: Int64) -> String {
    let seconds = floorDivide(microseconds, 1_000_000)
    let wall = RFC3339.text((seconds + Int64(site.zone.offsetSeconds(atUnixSeconds: seconds))) * 1_000_000)
    return wall.prefix(10) + " " + wall.dropFirst(11).prefix(5)
  }

  /// A whole number with its thousands apart, else what the answer says.
  func number(_ value: JSONValue?) -> String {
    guard let value, !value.isNull else { return "–" }
    guard let whole = value.int64Value else { return value.stringValue ?? value.numberText ?? "–" }
    return number(whole)
  }

  func number(_ value: Int64) -> String {
    let digits = String(value.magnitude)
    var text = ""
    for (place, digit) in digits.enumerated() {
      if place > 0, (digits.count - place) % 3 == 0 { text.append(",") }
      text.append(digit)
    }
    return (value < 0 ? "−" : "") + text
  }

  /// A text, or a dash where there is none.
  func text(_ value: JSONValue?) -> String {
    guard let value, !value.isNull else { return "–" }
    let text = value.stringValue ?? value.numberText ?? value.booleanValue.map { $0 ? say("yes", "是") : say("no", "否") } ?? "–"
    return text.isEmpty ? "–" : text
  }

  /// How long something takes or took.
  func span(seconds: Int64) -> String {
    let minutes = seconds.magnitude / 60
    let (days, hours, rest) = (minutes / 1_440, minutes % 1_440 / 60, minutes % 60)
    if days > 0 { return say("\(days) d \(hours) h", "\(days) 天 \(hours) 小时") }
    if hours > 0 { return say("\(hours) h \(rest) min", "\(hours) 小时 \(rest) 分") }
    return say("\(rest) min", "\(rest) 分钟")
  }
}
