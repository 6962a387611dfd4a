// A whole command-line program: its tree, its built-in options and commands, and one call.
import Glibc

/// A program made of commands. Adds `--help`, `--version`, `--lang` and the command `completion` to the given tree.
public struct Program: Sendable {
  public let version: String
  let root: CommandPath

  /// - Parameters:
  ///   - version: shown by `--version`, after the name.
  ///   - root: the tree; its name is the program's.
  public init(version: String, root: Command) {
    self.version = version
    self.root = Self.complete(root)
  }

  /// Mistakes in the tree of commands itself; a test expects none.
  public var faults: [String] { CommandRules.faults(self.root) }

  private static let common: [Option] = [
    .flag("help", short: "h", help: HelpText("show help", zh: "显示帮助")),
    .flag("version", help: HelpText("show the version", zh: "显示版本")),
    .value(
      "lang", placeholder: "LANG", help: HelpText("language of texts; else from LANG", zh: "文字语言；默认取自 LANG"),
      choices: Language.allCases.map(\.rawValue)),
  ]

  /// The tree with the built-in command. Its scripts describe the tree it is part of, so it is added in two steps.
  private static func complete(_ root: Command) -> CommandPath {
    func with(_ run: @escaping Command.Run) -> CommandPath {
      guard !root.subcommands.isEmpty, root.subcommand("completion") == nil else { return CommandPath(root: root, common: self.common) }
      let completion = Command(
        name: "completion", help: HelpText("print a completion script for a shell", zh: "输出 shell 补全脚本"),
        discussion: HelpText(CompletionScript.advice(root.name, zh: false), zh: CompletionScript.advice(root.name, zh: true)),
        arguments: [
          Argument("shell", help: HelpText("which shell", zh: "哪种 shell"), choices: CompletionScript.Shell.allCases.map(\.rawValue))
        ],
        run: run)
      let command = Command(
        name: root.name, help: root.help, discussion: root.discussion, options: root.options, arguments: root.arguments,
        subcommands: root.subcommands + [completion], run: root.run)
      return CommandPath(root: command, common: self.common)
    }
    let described = with { _ in .ok }
    return with { arguments in
      let shell = try arguments.choice("shell", of: CompletionScript.Shell.self)
      arguments.console.out.write(CompletionScript(root: described, language: arguments.console.language).text(for: shell))
      return .ok
    }
  }

  /// Runs one command line and says how it went. Mistakes and failures are written to the console, never thrown.
  /// - Parameter words: without the program's own name.
  public func run(_ words: [String], console: Console) async -> ExitCode {
    var console = console
    if let asked = Self.language(words) { console.language = asked }
    do {
      switch try Parser.parse(words, self.root) {
      case .version:
        console.print("\(self.root.name) \(self.version)")
        return .ok
      case .help(let path):
        console.out.write(HelpPage(path, console.language, columns: console.columns).text)
        return .ok
      case .run(let path, let given):
        guard let run = path.command.run else { return .usage }
        return try await run(Self.arguments(path, given, console))
      }
    } catch let error as UsageError {
      console.printError(error.text(in: console.language))
      console.printError(
        HelpText("try: \(error.command) --help", zh: "可以试试：\(error.command) --help").text(in: console.language))
      return .usage
    } catch {
      console.printError("\(self.root.name): \(error)")
      return .failed
    }
  }

  /// Runs the command line of this process and ends it.
  public func main() async -> Never {
    let environment = Self.environment()
    let code = await self.run(Array(Swift.CommandLine.arguments.dropFirst()), console: .standard(environment: environment))
    fflush(nil)
    // Not `exit`: it would take C libraries apart (OpenSSL above all) under threads of theirs that are still at work.
    _exit(code.rawValue)
  }

  /// The help page of the command with that path below the root, for documentation and tests; `nil` when there is no such command.
  public func helpText(for names: [String], language: Language = .en, columns: Int = Console.columnsDefault) -> String? {
    var path = self.root
    for name in names {
      guard let next = path.command.subcommand(name) else { return nil }
      path = path.appending(next)
    }
    return HelpPage(path, language, columns: columns).text
  }

  /// Looked for before all else, so that messages about the rest are in that language.
  private static func language(_ words: [String]) -> Language? {
    let words = words.prefix { $0 != "--" }
    for (index, word) in words.enumerated() {
      if word.hasPrefix("--lang=") { return Language(rawValue: String(word.dropFirst(7))) }
      if word == "--lang", index + 1 < words.count { return Language(rawValue: words[index + 1]) }
    }
    return nil
  }

  static func arguments(_ path: CommandPath, _ given: [String: [String]], _ console: Console) -> ParsedArguments {
    var declared: [String: ParsedArguments.Declared] = [:]
    for option in path.options {
      let usage = option.placeholder.map { "--\(option.name) \($0)" } ?? "--\(option.name)"
      declared[option.name] = .init(subject: "--\(option.name)", usage: usage, defaultValue: option.defaultValue)
    }
    for argument in path.command.arguments {
      declared[argument.name] = .init(subject: argument.placeholder, usage: argument.placeholder, defaultValue: nil)
    }
    return ParsedArguments(command: path.name, console: console, declared: declared, given: given)
  }

  /// The environment of this process.
  public static func environment() -> [String: String] {
    var values: [String: String] = [:]
    var entry = environ
    while let text = entry.pointee {
      let parts = String(cString: text).split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      if parts.count == 2 { values[String(parts[0])] = String(parts[1]) }
      entry = entry.advanced(by: 1)
    }
    return values
  }
}
