// Why a record was refused, in words an operator can act on.

/// One reason why a record, or a field of it, was refused (I-05).
public struct Fault: Error, Hashable, Sendable {
  /// The path of the field in the record, as `customer.phone` or `lines[3].quantity`.
  public let field: String
  /// The rule that was broken, a stable word: `missing`, `type`, `range`, `future`, `unknown_currency`...
  public let rule: String
  /// What is wrong and what to do, one sentence. Holds no personal data: values are masked.
  public let detail: String

  public init(field: String, rule: String, detail: String) {
    self.field = field
    self.rule = rule
    self.detail = detail
  }

  /// `customer.missing`: what refusals are counted by. Positions in lists are left out, so that there are few of them.
  public var code: String {
    var result = ""
    var inBrackets = false
    for character in field {
      if character == "[" { inBrackets = true }
      if !inBrackets { result.append(character) }
      if character == "]" { inBrackets = false }
    }
    return result + "." + rule
  }
}

/// Hides all but the ends of a value, so that a person can recognise it and a log does not tell it (S-02).
public func masked(_ value: String) -> String {
  let count = value.count
  if count <= 2 { return String(repeating: "*", count: count) }
  if count <= 6 { return String(value.prefix(1)) + String(repeating: "*", count: count - 2) + String(value.suffix(1)) }
  return String(value.prefix(3)) + String(repeating: "*", count: min(8, count - 6)) + String(value.suffix(3))
}
