// Completion scripts for bash, zsh and fish, made from the tree of commands.
//
// All three walk the words before the cursor to find the command, skipping the values of options, then offer what may stand there.
// Names and choices are plain words (`CommandRules`), so they go into the scripts as they are; help texts are quoted.

/// Writes the scripts.
struct CompletionScript {
  enum Shell: String, CaseIterable {
    case bash, zsh, fish
  }

  private let paths: [CommandPath]
  private let name: String
  private let language: Language

  init(root: CommandPath, language: Language) {
    self.paths = root.all
    self.name = root.name
    self.language = language
  }

  static func advice(_ name: String, zh: Bool) -> String {
    let intro = zh ? "例如：" : "For example:"
    return """
      \(intro)

        \(name) completion bash > ~/.local/share/bash-completion/completions/\(name)
        \(name) completion zsh > "${fpath[1]}/_\(name)"
        \(name) completion fish > ~/.config/fish/completions/\(name).fish
      """
  }

  func text(for shell: Shell) -> String {
    switch shell {
    case .bash: self.bash
    case .zsh: self.zsh
    case .fish: self.fish
    }
  }

  /// The name as part of a function's name.
  private var function: String { "_" + self.name.map { $0.isASCII && ($0.isLetter || $0.isNumber) ? String($0) : "_" }.joined() }

  private func said(_ text: HelpText) -> String { DisplayWidth.plain(text.text(in: self.language)) }

  /// In single quotes, for bash and zsh.
  private static func quoted(_ text: String) -> String { "'" + text.replacing("'", with: #"'\''"#) + "'" }

  /// The ways an option is written.
  private static func spellings(_ option: Option) -> [String] { ["--\(option.name)"] + (option.short.map { ["-\($0)"] } ?? []) }

  /// One line of a `case` for each subcommand and each option with a value: how the walk goes on.
  private var walk: String {
    var lines: [String] = []
    for path in self.paths {
      for child in path.command.subcommands { lines.append("      \"\(path.name)|\(child.name)\") path=\"\(path.name) \(child.name)\" ;;") }
      let values = path.options.filter { !$0.isFlag }.flatMap(Self.spellings).map { "\"\(path.name)|\($0)\"" }
      if !values.isEmpty { lines.append("      \(values.joined(separator: "|"))) skip=1 ;;") }
    }
    return lines.joined(separator: "\n")
  }

  // MARK: bash

  private var bash: String {
    """
    # bash completion for \(self.name)
    \(self.function)() {
      local cur=${COMP_WORDS[COMP_CWORD]} option='' path='\(self.name)' word i skip=0
      COMPREPLY=()
      for ((i = 1; i < COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        [[ $word == -- ]] && { option=''; skip=2; break; }
        # Bash splits --name=value at the sign.
        [[ $word == = ]] && continue
        if ((skip)); then skip=0; option=''; continue; fi
        case "$path|$word" in
    \(self.walk)
        esac
        option=''
        ((skip)) && option=$word
      done
      [[ $cur == = ]] && cur=''
      if [[ -n $option ]]; then
        case "$path|$option" in
    \(self.bashValues)
        esac
        return
      fi
      if [[ $cur == -* && $skip -ne 2 ]]; then
        case $path in
    \(self.paths.map(self.bashOptions).joined(separator: "\n"))
        esac
        return
      fi
      case $path in
    \(self.paths.map(self.bashPlaces).joined(separator: "\n"))
      esac
    }
    complete -F \(self.function) \(self.name)

    """
  }

  private func bashOptions(_ path: CommandPath) -> String {
    let words = path.options.flatMap(Self.spellings).joined(separator: " ")
    return "      '\(path.name)') COMPREPLY=($(compgen -W '\(words)' -- \"$cur\")) ;;"
  }

  private var bashValues: String {
    var lines: [String] = []
    for path in self.paths {
      for option in path.options where !option.isFlag {
        let pattern = Self.spellings(option).map { "\"\(path.name)|\($0)\"" }.joined(separator: "|")
        guard let reply = Self.bashReply(option.choices, option.completion) else { continue }
        lines.append("      \(pattern)) \(reply) ;;")
      }
    }
    return lines.isEmpty ? "      *) ;;" : lines.joined(separator: "\n")
  }

  private func bashPlaces(_ path: CommandPath) -> String {
    let argument = path.command.arguments.first { !$0.choices.isEmpty || $0.completion != .none }
    let reply =
      path.command.subcommands.isEmpty
      ? argument.flatMap { Self.bashReply($0.choices, $0.completion) } ?? ":"
      : Self.bashReply(path.command.subcommands.map(\.name), .none) ?? ":"
    return "    '\(path.name)') \(reply) ;;"
  }

  private static func bashReply(_ choices: [String], _ completion: Completion) -> String? {
    if !choices.isEmpty { return "COMPREPLY=($(compgen -W '\(choices.joined(separator: " "))' -- \"$cur\"))" }
    switch completion {
    case .none: return nil
    // mapfile keeps names with spaces whole; compopt has them quoted, and fails harmlessly outside a completion.
    case .files: return "mapfile -t COMPREPLY < <(compgen -f -- \"$cur\"); compopt -o filenames 2>/dev/null"
    case .folders: return "mapfile -t COMPREPLY < <(compgen -d -- \"$cur\"); compopt -o filenames 2>/dev/null"
    }
  }

  // MARK: zsh

  private var zsh: String {
    """
    #compdef \(self.name)
    # zsh completion for \(self.name)
    \(self.function)() {
      local path_='\(self.name)' option='' word i skip=0
      local -a offers
      for ((i = 2; i < CURRENT; i++)); do
        word=${words[i]}
        [[ $word == -- ]] && { option=''; skip=2; break }
        if ((skip)); then skip=0; option=''; continue; fi
        case "$path_|$word" in
    \(self.walk.split(separator: "\n").map { $0.replacing(" path=", with: " path_=") }.joined(separator: "\n"))
        esac
        option=''
        ((skip)) && option=$word
      done
      if [[ -z $option && $PREFIX == --*=* ]]; then
        option=${PREFIX%%=*}
        compset -P '*='
      fi
      if [[ -n $option ]]; then
        case "$path_|$option" in
    \(self.zshValues)
        esac
        return
      fi
      if [[ $PREFIX == -* && $skip -ne 2 ]]; then
        case $path_ in
    \(self.paths.map(self.zshOptions).joined(separator: "\n"))
        esac
        _describe -o option offers
        return
      fi
      case $path_ in
    \(self.paths.map(self.zshPlaces).joined(separator: "\n"))
      esac
    }
    if [[ $funcstack[1] == \(self.function) ]]; then \(self.function) "$@"; else compdef \(self.function) \(self.name); fi

    """
  }

  /// An element for `_describe`: the word, a colon, its help.
  private func zshOffer(_ word: String, _ help: HelpText) -> String { Self.quoted("\(word):\(self.said(help))") }

  private func zshOptions(_ path: CommandPath) -> String {
    let offers = path.options.flatMap { option in Self.spellings(option).map { self.zshOffer($0, option.help) } }
    return "      '\(path.name)') offers=(\(offers.joined(separator: " "))) ;;"
  }

  private var zshValues: String {
    var lines: [String] = []
    for path in self.paths {
      for option in path.options where !option.isFlag {
        let pattern = Self.spellings(option).map { "\"\(path.name)|\($0)\"" }.joined(separator: "|")
        guard let reply = Self.zshReply(option.choices, option.completion) else { continue }
        lines.append("      \(pattern)) \(reply) ;;")
      }
    }
    return lines.isEmpty ? "      *) ;;" : lines.joined(separator: "\n")
  }

  private func zshPlaces(_ path: CommandPath) -> String {
    let command = path.command
    guard command.subcommands.isEmpty else {
      let offers = command.subcommands.map { self.zshOffer($0.name, $0.help) }.joined(separator: " ")
      return "    '\(path.name)') offers=(\(offers)); _describe command offers ;;"
    }
    let argument = command.arguments.first { !$0.choices.isEmpty || $0.completion != .none }
    return "    '\(path.name)') \(argument.flatMap { Self.zshReply($0.choices, $0.completion) } ?? ":") ;;"
  }

  private static func zshReply(_ choices: [String], _ completion: Completion) -> String? {
    if !choices.isEmpty { return "compadd -- \(choices.joined(separator: " "))" }
    switch completion {
    case .none: return nil
    case .files: return "_files"
    case .folders: return "_files -/"
    }
  }

  // MARK: fish

  private var fish: String {
    var lines = [
      "# fish completion for \(self.name)",
      "function _\(self.function)_at",
      "  set -l path '\(self.name)'",
      "  set -l skip 0",
      "  for word in (commandline -opc)[2..-1]",
      "    if test $skip = 1; set skip 0; continue; end",
      "    switch \"$path|$word\"",
    ]
    for path in self.paths {
      for child in path.command.subcommands {
        lines.append("      case '\(path.name)|\(child.name)'; set path '\(path.name) \(child.name)'")
      }
      let values = path.options.filter { !$0.isFlag }.flatMap(Self.spellings).map { "'\(path.name)|\($0)'" }
      if !values.isEmpty { lines.append("      case \(values.joined(separator: " ")); set skip 1") }
    }
    lines += ["    end", "  end", "  test $path = $argv[1]", "end", "complete -c \(self.name) -f"]
    for path in self.paths { lines += self.fish(path) }
    return lines.joined(separator: "\n") + "\n"
  }

  private func fish(_ path: CommandPath) -> [String] {
    let prefix = "complete -c \(self.name) -n \"_\(self.function)_at '\(path.name)'\""
    var lines = path.command.subcommands.map { "\(prefix) -a \($0.name) -d \(Self.fishQuoted(self.said($0.help)))" }
    for option in path.options {
      var line = "\(prefix) -l \(option.name)"
      if let short = option.short { line += " -s \(short)" }
      line += " -d \(Self.fishQuoted(self.said(option.help)))"
      if !option.isFlag { line += " -x" + Self.fishReply(option.choices, option.completion) }
      lines.append(line)
    }
    for argument in path.command.arguments where !argument.choices.isEmpty || argument.completion != .none {
      lines.append("\(prefix)\(Self.fishReply(argument.choices, argument.completion)) -d \(Self.fishQuoted(self.said(argument.help)))")
    }
    return lines
  }

  private static func fishReply(_ choices: [String], _ completion: Completion) -> String {
    if !choices.isEmpty { return " -a '\(choices.joined(separator: " "))'" }
    switch completion {
    case .none: return ""
    case .files: return " -a '(__fish_complete_path (commandline -ct))'"
    case .folders: return " -a '(__fish_complete_directories (commandline -ct))'"
    }
  }

  private static func fishQuoted(_ text: String) -> String {
    var quoted = "'"
    for character in text {
      if character == "'" || character == "\\" { quoted += "\\" }
      quoted.append(character)
    }
    return quoted + "'"
  }
}
