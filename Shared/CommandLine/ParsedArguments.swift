// What was said on the command line, by name and with its type.

/// The arguments of one call. Options and arguments are asked for by their names, without dashes.
public struct ParsedArguments: Sendable {
  /// The command that runs, with those above it: `clientele import`.
  public let command: String
  /// Where the command writes.
  public let console: Console

  private let declared: [String: Declared]
  private let given: [String: [String]]

  struct Declared: Sendable {
    /// As it is named in messages: `--source` or `FILE`.
    let subject: String
    /// What to add when it is missing: `--source NAME` or `FILE`.
    let usage: String
    let defaultValue: String?
  }

  init(command: String, console: Console, declared: [String: Declared], given: [String: [String]]) {
    self.command = command
    self.console = console
    self.declared = declared
    self.given = given
  }

  /// Whether the flag was given.
  public func flag(_ name: String) -> Bool { self.given[name] != nil }

  /// The value, or the default; `nil` when there is neither.
  public func optionalString(_ name: String) -> String? { self.given[name]?.last ?? self.declared[name]?.defaultValue }

  /// All values of a repeated option or of the rest, in order; empty when there is none.
  public func strings(_ name: String) -> [String] {
    if let given = self.given[name] { return given }
    return self.declared[name]?.defaultValue.map { [$0] } ?? []
  }

  /// The value, or the default.
  public func string(_ name: String) throws(UsageError) -> String {
    guard let declared = self.declared[name] else { throw self.error(.undeclared(name)) }
    guard let value = self.optionalString(name) else { throw self.error(.missing(declared.subject, add: declared.usage)) }
    return value
  }

  /// The value as a whole number within the range.
  public func int(_ name: String, in range: ClosedRange<Int> = Int.min...Int.max) throws(UsageError) -> Int {
    try self.value(name, Self.kind(of: range)) { Int($0).flatMap { range.contains($0) ? $0 : nil } }
  }

  /// The value as a whole number within the range; `nil` when there is none.
  public func optionalInt(_ name: String, in range: ClosedRange<Int> = Int.min...Int.max) throws(UsageError) -> Int? {
    guard self.optionalString(name) != nil else { return nil }
    return try self.int(name, in: range)
  }

  /// The value as a length of time: `250ms`, `10s`, `5m`, `2h`, `7d`.
  public func duration(_ name: String) throws(UsageError) -> Duration {
    try self.value(name, HelpText("a duration such as 250ms, 10s, 5m, 2h or 7d", zh: "时长，例如 250ms、10s、5m、2h、7d")) {
      Self.duration($0)
    }
  }

  /// The value as a case of an enumeration with texts.
  public func choice<Choice>(_ name: String, of type: Choice.Type) throws(UsageError) -> Choice
  where Choice: RawRepresentable & CaseIterable, Choice.RawValue == String {
    let value = try self.string(name)
    guard let choice = Choice(rawValue: value) else {
      let names = Choice.allCases.map(\.rawValue)
      throw self.error(
        .notAChoice(self.declared[name]?.subject ?? name, value, names, like: Suggestion.nearest(to: value, among: names)))
    }
    return choice
  }

  /// The value as anything that can be read from text.
  /// - Parameter kind: what it must be, to follow "must be": `"a date such as 2026-03-01"`.
  public func value<Value>(_ name: String, _ kind: HelpText, _ read: (String) -> Value?) throws(UsageError) -> Value {
    let text = try self.string(name)
    guard let value = read(text) else { throw self.error(.notA(kind, self.declared[name]?.subject ?? name, text)) }
    return value
  }

  /// A usage error of this command, for what only the command itself can judge.
  public func error(_ message: HelpText) -> UsageError { UsageError(command: self.command, message: message) }

  private static func kind(of range: ClosedRange<Int>) -> HelpText {
    switch (range.lowerBound, range.upperBound) {
    case (Int.min, Int.max): HelpText("a whole number", zh: "整数")
    case (let low, Int.max): HelpText("a whole number of at least \(low)", zh: "不小于 \(low) 的整数")
    case (let low, let high): HelpText("a whole number from \(low) to \(high)", zh: "\(low) 到 \(high) 的整数")
    }
  }

  static func duration(_ text: String) -> Duration? {
    let digits = text.prefix { $0.isASCII && $0.isNumber }
    guard let amount = Int64(digits), amount <= 1_000_000_000 else { return nil }
    switch text.dropFirst(digits.count) {
    case "ms": return .milliseconds(amount)
    case "s": return .seconds(amount)
    case "m": return .seconds(amount * 60)
    case "h": return .seconds(amount * 3_600)
    case "d": return .seconds(amount * 86_400)
    default: return nil
    }
  }
}
