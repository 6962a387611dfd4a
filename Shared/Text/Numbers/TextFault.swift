// What the readers of single texts refuse: money, decimals, times, dates, patterns, time zone files.

/// Why a text was refused.
public enum TextRule: String, Sendable, CaseIterable {
  /// There is nothing to read.
  case empty
  /// Not of the form that is asked for.
  case form
  /// More decimals than the currency, or the field, has.
  case decimals
  /// Of the right form, but not within the range.
  case range
  /// A day or a time that no calendar or clock has.
  case calendar
  /// A leap second: no instant of Unix time stands for it.
  case leapSecond
  /// Something follows what was read.
  case trailing
  /// A pattern that cannot be used.
  case pattern
  /// A file that is not what it should be.
  case file

  var advice: String {
    switch self {
    case .empty: "is empty; send a value"
    case .form: "does not have the form asked for; send it as the contract says"
    case .decimals: "has more decimals than it may; round it at the source"
    case .range: "is out of range; send a value that fits"
    case .calendar: "is not a day and time that exist; correct it"
    case .leapSecond: "is a leap second, which Unix time does not have; send the second before or after it"
    case .trailing: "is followed by something else; send the value alone"
    case .pattern: "is not a usable pattern; see the list of directives"
    case .file: "is not a time zone file of version 2 or later; install tzdata anew"
    }
  }
}

/// A refused text: which rule, and where.
public struct TextFault: Error, Sendable, Equatable, CustomStringConvertible {
  /// Which rule refused it.
  public var rule: TextRule
  /// Where in the text, in bytes from 0.
  public var offset: Int

  public init(_ rule: TextRule, at offset: Int) {
    self.rule = rule
    self.offset = offset
  }

  /// A clause that follows the field's name.
  public var description: String { "\(rule.advice) (byte \(offset))" }
}
