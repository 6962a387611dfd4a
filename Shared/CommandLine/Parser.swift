// From words to a command and its arguments.

/// What a command line asks for.
enum Request: Sendable {
  case run(CommandPath, given: [String: [String]])
  case help(CommandPath)
  case version
}

/// Reads one command line. Options may stand anywhere after the command that has them; `--` ends them.
struct Parser {
  /// Most words of one command line.
  static let wordsMax = 100_000

  private var path: CommandPath
  private var words: ArraySlice<String>
  private var given: [String: [String]] = [:]
  private var places: [String] = []
  private var optionsHaveEnded = false

  private init(_ path: CommandPath, _ words: [String]) {
    self.path = path
    self.words = words[...]
  }

  static func parse(_ words: [String], _ root: CommandPath) throws(UsageError) -> Request {
    guard words.count <= self.wordsMax else { throw UsageError(command: root.name, message: .tooMany(self.wordsMax)) }
    if let help = self.helpAsked(words, root) { return help }
    var parser = Parser(root, words)
    while let word = parser.words.popFirst() { try parser.take(word) }
    if parser.given["version"] != nil { return .version }
    try parser.finish()
    return .run(parser.path, given: parser.given)
  }

  /// Help is given even when the rest of the line is wrong, for the command that is recognisable.
  private static func helpAsked(_ words: [String], _ root: CommandPath) -> Request? {
    let words = words.prefix { $0 != "--" }
    let isHelpCommand = words.first == "help" && root.command.subcommand("help") == nil && root.command.arguments.isEmpty
    guard isHelpCommand || words.contains("--help") || words.contains("-h") else { return nil }
    var path = root
    var isValue = false
    for word in words {
      if isValue {
        isValue = false
      } else if word.hasPrefix("-") {
        isValue = path.options.contains { !$0.isFlag && (word == "--\($0.name)" || $0.short.map { word == "-\($0)" } ?? false) }
      } else if let next = path.command.subcommand(word) {
        path = path.appending(next)
      }
    }
    return .help(path)
  }

  private func error(_ message: HelpText) -> UsageError { UsageError(command: self.path.name, message: message) }

  private mutating func take(_ word: String) throws(UsageError) {
    if self.optionsHaveEnded { return try self.takePlace(word) }
    if word == "--" {
      self.optionsHaveEnded = true
    } else if word.hasPrefix("--") {
      try self.takeLong(word.dropFirst(2))
    } else if word.hasPrefix("-"), word.count > 1, !Self.isNumber(word) {
      try self.takeShort(word.dropFirst())
    } else {
      try self.takePlace(word)
    }
  }

  private mutating func takePlace(_ word: String) throws(UsageError) {
    let command = self.path.command
    guard !command.subcommands.isEmpty else {
      self.places.append(word)
      return
    }
    guard let next = command.subcommand(word) else {
      throw self.error(.unknownCommand(word, like: Suggestion.nearest(to: word, among: command.subcommands.map(\.name))))
    }
    self.path = self.path.appending(next)
  }

  private mutating func takeLong(_ word: Substring) throws(UsageError) {
    let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    let name = String(parts.first ?? "")
    guard let option = self.path.options.first(where: { $0.name == name }) else {
      let like = Suggestion.nearest(to: name, among: self.path.options.map(\.name) + ["help"])
      throw self.error(.unknownOption("--\(name)", like: like.map { "--\($0)" }))
    }
    try self.take(option, as: "--\(name)", attached: parts.count > 1 ? String(parts[1]) : nil)
  }

  /// Letters may be joined: flags, and at the end one with its value.
  private mutating func takeShort(_ letters: Substring) throws(UsageError) {
    var rest = letters
    while let letter = rest.popFirst() {
      guard let option = self.path.options.first(where: { $0.short == letter }) else {
        throw self.error(.unknownOption("-\(letter)", like: nil))
      }
      if option.isFlag {
        try self.take(option, as: "-\(letter)", attached: nil)
      } else {
        let attached = rest.first == "=" ? rest.dropFirst() : rest
        return try self.take(option, as: "-\(letter)", attached: rest.isEmpty ? nil : String(attached))
      }
    }
  }

  private mutating func take(_ option: Option, as written: String, attached: String?) throws(UsageError) {
    if self.given[option.name] != nil, !option.isRepeated, !option.isFlag { throw self.error(.twice(written)) }
    guard let placeholder = option.placeholder else {
      guard attached == nil else { throw self.error(.flagWithValue(written)) }
      self.given[option.name] = []
      return
    }
    let value: String
    if let attached {
      value = attached
    } else if let next = self.words.first {
      guard !next.hasPrefix("-") || next == "-" || Self.isNumber(next) else { throw self.error(.dashValue(written, next)) }
      value = next
      self.words.removeFirst()
    } else {
      throw self.error(.missingValue(written, placeholder: placeholder))
    }
    try self.check(value, option.choices, subject: written)
    self.given[option.name, default: []].append(value)
  }

  private func check(_ value: String, _ choices: [String], subject: String) throws(UsageError) {
    guard choices.isEmpty || choices.contains(value) else {
      throw self.error(.notAChoice(subject, value, choices, like: Suggestion.nearest(to: value, among: choices)))
    }
  }

  private mutating func finish() throws(UsageError) {
    let command = self.path.command
    guard command.run != nil else { throw self.error(.noCommand(command.subcommands.map(\.name))) }
    for option in self.path.options where option.isRequired && self.given[option.name] == nil {
      throw self.error(.missing("--\(option.name)", add: "--\(option.name) \(option.placeholder ?? "")"))
    }
    var left = self.places[...]
    for argument in command.arguments {
      let taken: [String]
      switch argument.arity {
      case .required, .optional:
        taken = Array(left.prefix(1))
        if taken.isEmpty, argument.arity == .required { throw self.missing(argument) }
      case .rest(let least):
        taken = Array(left)
        if taken.count < least { throw self.missing(argument) }
      }
      for value in taken { try self.check(value, argument.choices, subject: argument.placeholder) }
      if !taken.isEmpty { self.given[argument.name] = taken }
      left = left.dropFirst(taken.count)
    }
    if let extra = left.first { throw self.error(.unexpected(extra)) }
  }

  private func missing(_ argument: Argument) -> UsageError {
    self.error(.missing(argument.placeholder, add: argument.placeholder))
  }

  private static func isNumber(_ word: String) -> Bool { Double(word) != nil && word.utf8.contains { $0 >= 0x30 && $0 <= 0x39 } }
}
