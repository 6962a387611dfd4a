// A command line described as values: commands, options and arguments.

/// What the shell offers for a value.
public enum Completion: Sendable, Equatable {
  case none, files, folders
}

/// An option, written `--name` or `--name VALUE` or `--name=VALUE`, anywhere after its command.
public struct Option: Sendable {
  /// Without the dashes.
  public let name: String
  /// One letter for `-x`.
  public let short: Character?
  public let help: HelpText
  /// What stands for the value in help; `nil` for a flag, which has none.
  public let placeholder: String?
  /// The only values allowed; empty for any.
  public let choices: [String]
  public let defaultValue: String?
  public let isRequired: Bool
  public let isRepeated: Bool
  public let completion: Completion

  /// An option without a value: absent or present.
  public static func flag(_ name: String, short: Character? = nil, help: HelpText) -> Option {
    Option(
      name: name, short: short, help: help, placeholder: nil, choices: [], defaultValue: nil, isRequired: false, isRepeated: false,
      completion: .none)
  }

  /// An option with a value.
  /// - Parameters:
  ///   - placeholder: stands for the value in help, in capitals.
  ///   - choices: the only values allowed; empty for any.
  ///   - defaultValue: used when the option is absent, and shown in help.
  ///   - isRequired: refuse to run without it.
  ///   - isRepeated: may be given several times; `ParsedArguments.strings` has all of them in order.
  public static func value(
    _ name: String, short: Character? = nil, placeholder: String = "VALUE", help: HelpText, choices: [String] = [],
    defaultValue: String? = nil, isRequired: Bool = false, isRepeated: Bool = false, completion: Completion = .none
  ) -> Option {
    Option(
      name: name, short: short, help: help, placeholder: placeholder, choices: choices, defaultValue: defaultValue,
      isRequired: isRequired, isRepeated: isRepeated, completion: completion)
  }

  var isFlag: Bool { self.placeholder == nil }
}

/// An argument known by its place.
public struct Argument: Sendable {
  public enum Arity: Sendable, Equatable {
    case required, optional
    /// All that follow, at least so many. Only the last argument of a command.
    case rest(atLeast: Int)
  }

  /// Names it in code and, in capitals, in help.
  public let name: String
  public let help: HelpText
  public let arity: Arity
  public let choices: [String]
  public let completion: Completion

  public init(
    _ name: String, help: HelpText, arity: Arity = .required, choices: [String] = [], completion: Completion = .none
  ) {
    self.name = name
    self.help = help
    self.arity = arity
    self.choices = choices
    self.completion = completion
  }

  var placeholder: String { self.name.uppercased() }
}

/// A command: a node of the tree that `Program` runs.
public struct Command: Sendable {
  public typealias Run = @Sendable (ParsedArguments) async throws -> ExitCode

  public let name: String
  /// One line, for lists.
  public let help: HelpText
  /// More, for the command's own page; paragraphs are separated by an empty line.
  public let discussion: HelpText?
  /// Its own options, which its subcommands know too.
  public let options: [Option]
  public let arguments: [Argument]
  public let subcommands: [Command]
  /// `nil` for a command that only groups others.
  public let run: Run?

  public init(
    name: String, help: HelpText, discussion: HelpText? = nil, options: [Option] = [], arguments: [Argument] = [],
    subcommands: [Command] = [], run: Run? = nil
  ) {
    self.name = name
    self.help = help
    self.discussion = discussion
    self.options = options
    self.arguments = arguments
    self.subcommands = subcommands
    self.run = run
  }

  func subcommand(_ name: String) -> Command? { self.subcommands.first { $0.name == name } }
}

/// The way from the root to a command, with all options that may be given there.
struct CommandPath: Sendable {
  private(set) var commands: [Command]
  /// Options that every command of the program has.
  let common: [Option]

  init(root: Command, common: [Option]) {
    self.commands = [root]
    self.common = common
  }

  /// The path to a subcommand.
  func appending(_ command: Command) -> CommandPath {
    var path = self
    path.commands.append(command)
    return path
  }

  var command: Command { self.commands[self.commands.count - 1] }
  var name: String { self.commands.map(\.name).joined(separator: " ") }
  var own: [Option] { self.command.options }
  /// Options of the commands above and of the program, nearest first.
  var inherited: [Option] { self.commands.dropLast().reversed().flatMap(\.options) + self.common }
  var options: [Option] { self.own + self.inherited }

  /// This command and all below it, each with its path.
  var all: [CommandPath] { [self] + self.command.subcommands.flatMap { self.appending($0).all } }
}

/// Checks a tree of commands for mistakes of its author; a test of every program expects none.
enum CommandRules {
  static func faults(_ root: CommandPath) -> [String] { root.all.flatMap { self.faults(at: $0) } }

  private static func faults(at path: CommandPath) -> [String] {
    let command = path.command
    var faults: [String] = []
    func check(_ holds: Bool, _ fault: String) { if !holds { faults.append("\(path.name): \(fault)") } }
    let names = path.options.map(\.name) + command.arguments.map(\.name)
    check(Set(names).count == names.count, "a name is used twice among \(names)")
    let shorts = path.options.compactMap(\.short)
    check(Set(shorts).count == shorts.count, "a letter is used twice among \(shorts)")
    let children = command.subcommands.map(\.name)
    check(Set(children).count == children.count, "a subcommand is there twice")
    check(command.arguments.isEmpty || command.subcommands.isEmpty, "has both arguments and subcommands")
    check(command.run != nil || !command.subcommands.isEmpty, "does nothing")
    check(!command.help.en.isEmpty, "has no help")
    var mayBeRequired = true
    for (index, argument) in command.arguments.enumerated() {
      if case .rest = argument.arity { check(index == command.arguments.count - 1, "\(argument.name) takes all but is not the last") }
      check(mayBeRequired || argument.arity != .required, "\(argument.name) is required after an optional one")
      if argument.arity == .optional { mayBeRequired = false }
    }
    for option in command.options {
      check(!option.isRequired || option.defaultValue == nil, "--\(option.name) is required and has a default")
      if let value = option.defaultValue, !option.choices.isEmpty {
        check(option.choices.contains(value), "--\(option.name) has a default that is not among its choices")
      }
    }
    // Names and choices go into completion scripts as they are.
    for word in [command.name] + names + command.options.flatMap(\.choices) + command.arguments.flatMap(\.choices) {
      check(self.isWord(word), "'\(word)' is not a plain word")
    }
    return faults
  }

  /// Letters, digits and a few signs that no shell gives a meaning to.
  private static func isWord(_ text: String) -> Bool {
    guard let first = text.utf8.first, first != UInt8(ascii: "-") else { return false }
    return text.utf8.allSatisfy { byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
      case UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."), UInt8(ascii: "@"), UInt8(ascii: "/"), UInt8(ascii: "+"): true
      default: false
      }
    }
  }
}
