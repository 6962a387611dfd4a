// The text of `--help`, made from the tree.

/// Lays out one command's page.
struct HelpPage {
  /// Widest left column; a longer entry has its text on the next line.
  private static let leftColumnsMax = 30

  private struct Entry {
    let left: String
    let right: String
  }

  private let path: CommandPath
  private let language: Language
  private let columns: Int

  init(_ path: CommandPath, _ language: Language, columns: Int) {
    self.path = path
    self.language = language
    self.columns = columns
  }

  var text: String {
    let command = self.path.command
    var parts = [self.usage, Self.wrapped(command.help.text(in: self.language), columns: self.columns).joined(separator: "\n")]
    if let discussion = command.discussion?.text(in: self.language) { parts.append(self.paragraphs(discussion)) }
    let sections: [(HelpText, [Entry])] = [
      (HelpText("Commands", zh: "命令"), command.subcommands.map { Entry(left: $0.name, right: self.said($0.help)) }),
      (HelpText("Arguments", zh: "参数"), command.arguments.map(self.entry)),
      (HelpText("Options", zh: "选项"), self.path.own.map(self.entry)),
      (HelpText("Common options", zh: "通用选项"), self.path.inherited.map(self.entry)),
    ]
    let left = sections.flatMap(\.1).map { DisplayWidth.columns($0.left) }.filter { $0 <= Self.leftColumnsMax }.max() ?? 0
    for (title, entries) in sections where !entries.isEmpty {
      let heading = self.said(title) + self.said(HelpText(":", zh: "："))
      parts.append(([heading] + entries.flatMap { self.lines($0, left: left) }).joined(separator: "\n"))
    }
    return parts.joined(separator: "\n\n") + "\n"
  }

  private func said(_ text: HelpText) -> String { text.text(in: self.language) }

  private var usage: String {
    let command = self.path.command
    var words = [self.path.name]
    for option in self.path.options where option.isRequired { words.append("--\(option.name) \(option.placeholder ?? "")") }
    if self.path.options.contains(where: { !$0.isRequired }) { words.append(self.said(HelpText("[options]", zh: "[选项]"))) }
    if !command.subcommands.isEmpty { words.append(self.said(HelpText("COMMAND", zh: "命令"))) }
    words += command.arguments.map(Self.usage)
    let title = self.said(HelpText("Usage: ", zh: "用法："))
    let indent = DisplayWidth.columns(title)
    let lines = Self.filled(words, columns: self.columns - indent)
    return title + lines.joined(separator: "\n" + String(repeating: " ", count: indent))
  }

  private static func usage(_ argument: Argument) -> String {
    switch argument.arity {
    case .required: argument.placeholder
    case .optional: "[\(argument.placeholder)]"
    case .rest(let least): least > 0 ? "\(argument.placeholder)..." : "[\(argument.placeholder)...]"
    }
  }

  private func entry(_ argument: Argument) -> Entry {
    let notes = self.notes(argument.choices, nil, isRequired: false, isRepeated: false)
    return Entry(left: Self.usage(argument), right: self.said(argument.help) + notes)
  }

  private func entry(_ option: Option) -> Entry {
    let short = option.short.map { "-\($0), " } ?? "    "
    let value = option.placeholder.map { " \($0)" } ?? ""
    let notes = self.notes(option.choices, option.defaultValue, isRequired: option.isRequired, isRepeated: option.isRepeated)
    return Entry(left: "\(short)--\(option.name)\(value)", right: self.said(option.help) + notes)
  }

  private func notes(_ choices: [String], _ defaultValue: String?, isRequired: Bool, isRepeated: Bool) -> String {
    var notes: [HelpText] = []
    let list = choices.joined(separator: ", ")
    if !choices.isEmpty { notes.append(HelpText("one of \(list)", zh: "可选：\(list)")) }
    if let defaultValue { notes.append(HelpText("default \(defaultValue)", zh: "默认 \(defaultValue)")) }
    if isRequired { notes.append(HelpText("required", zh: "必需")) }
    if isRepeated { notes.append(HelpText("may be repeated", zh: "可重复")) }
    guard !notes.isEmpty else { return "" }
    let joined = notes.map { self.said($0) }.joined(separator: self.said(HelpText("; ", zh: "；")))
    return self.said(HelpText(" (\(joined))", zh: "（\(joined)）"))
  }

  private func lines(_ entry: Entry, left: Int) -> [String] {
    let indent = String(repeating: " ", count: left + 4)
    let right = Self.wrapped(entry.right, columns: max(self.columns - left - 4, 20))
    let first = "  " + entry.left
    if DisplayWidth.columns(entry.left) > left { return [first] + right.map { indent + $0 } }
    return right.enumerated().map { index, line in (index == 0 ? DisplayWidth.padded(first, toColumns: left + 4) : indent) + line }
  }

  /// Paragraphs are separated by an empty line; lines that begin with a space are kept as they are.
  private func paragraphs(_ text: String) -> String {
    let paragraphs = text.split(separator: "\n\n", omittingEmptySubsequences: true)
    return paragraphs.map { paragraph in
      if paragraph.hasPrefix(" ") { return String(paragraph) }
      return Self.wrapped(paragraph.split(separator: "\n").joined(separator: " "), columns: self.columns).joined(separator: "\n")
    }.joined(separator: "\n\n")
  }

  /// Breaks text into lines: at spaces, and between wide characters, which are written without spaces.
  static func wrapped(_ text: String, columns: Int) -> [String] {
    var pieces: [String] = []
    var word = ""
    for character in text {
      if character == " " {
        pieces.append(word + " ")
        word = ""
      } else if DisplayWidth.columns(character) == 2, !Self.closing.contains(character) {
        if !word.isEmpty { pieces.append(word) }
        word = String(character)
      } else {
        word.append(character)
      }
    }
    return Self.filled(pieces + [word], columns: columns, separator: "")
  }

  /// Signs that must not begin a line.
  private static let closing: Set<Character> = ["，", "。", "；", "：", "、", "！", "？", "）", "》", "”"]

  private static func filled(_ pieces: [String], columns: Int, separator: String = " ") -> [String] {
    var lines: [String] = []
    var line = ""
    for piece in pieces where !piece.isEmpty {
      let joined = line.isEmpty ? piece : line + separator + piece
      if !line.isEmpty, DisplayWidth.columns(Self.trimmed(joined)) > columns {
        lines.append(Self.trimmed(line))
        line = piece
      } else {
        line = joined
      }
    }
    if !line.isEmpty { lines.append(Self.trimmed(line)) }
    return lines
  }

  private static func trimmed(_ line: String) -> String {
    var line = line
    while line.hasSuffix(" ") { line.removeLast() }
    return line
  }
}
