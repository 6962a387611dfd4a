// The completion scripts, asked by the shells they are for.
import CommandLine
import Testing

@Suite struct CompletionTests {
  /// The line before the cursor, and what is offered, sorted.
  static let cases: [(line: [String], offers: [String])] = [
    ([""], ["answer", "completion", "explode", "import", "refuse", "topics"]),
    (["im"], ["import"]),
    (["zzz"], []),
    (["topics", ""], ["create", "list"]),
    (["-q", "topics", "c"], ["create"]),
    (["import", "--format", ""], ["csv", "json", "ndjson"]),
    (["import", "--format", "n"], ["ndjson"]),
    (["import", "--fo"], ["--folder", "--format"]),
    (["completion", ""], ["bash", "fish", "zsh"]),
    (["--lang", ""], ["en", "zh"]),
    // The value of an option is not a command, even when it is called like one.
    (["--folder", "import", "t"], ["topics"]),
    (["import", "-s", "topics", "--format", "c"], ["csv"]),
    (["answer", "--he"], ["--help"]),
  ]

  private func script(_ shell: String) async -> String { await SampleProgram.call(["completion", shell]).out }

  private func sorted(_ text: String?) -> [String]? { text?.split(separator: "\n").map(String.init).sorted() }

  private func quoted(_ words: [String]) -> String { words.map { "'\($0)'" }.joined(separator: " ") }

  @Test(.enabled(if: Shell.exists("bash"), "bash is not installed"), arguments: CompletionTests.cases)
  func bashOffersWhatFits(line: [String], offers: [String]) async {
    let ask = """
      COMP_WORDS=(clientele \(self.quoted(line)))
      COMP_CWORD=\(line.count)
      _clientele
      printf '%s\\n' "${COMPREPLY[@]}"
      """
    #expect(self.sorted(await Shell.run("bash --norc", await self.script("bash") + ask)) == offers)
  }

  @Test(.enabled(if: Shell.exists("bash"), "bash is not installed"))
  func bashOffersValuesAfterTheSign() async {
    // Bash makes three words of --format=j.
    let ask = "COMP_WORDS=(clientele import --format = j); COMP_CWORD=4; _clientele; echo \"${COMPREPLY[@]}\""
    #expect(await Shell.run("bash --norc", await self.script("bash") + ask) == "json\n")
    let empty = "COMP_WORDS=(clientele import --format =); COMP_CWORD=3; _clientele; echo \"${COMPREPLY[@]}\""
    #expect(await Shell.run("bash --norc", await self.script("bash") + empty) == "csv json ndjson\n")
  }

  @Test(.enabled(if: Shell.exists("bash"), "bash is not installed"))
  func bashOffersFilesAndNoOptionsAfterTwoDashes() async {
    let ask = """
      folder=$(mktemp -d) && cd "$folder" && trap 'rm -r "$folder"' EXIT
      touch -- 'two words.csv' --quirk && mkdir inner
      COMP_WORDS=(clientele import 't'); COMP_CWORD=2; _clientele; printf '<%s>' "${COMPREPLY[@]}"; echo
      COMP_WORDS=(clientele import -- '--q'); COMP_CWORD=3; _clientele; printf '<%s>' "${COMPREPLY[@]}"; echo
      COMP_WORDS=(clientele --folder ''); COMP_CWORD=2; _clientele; printf '<%s>' "${COMPREPLY[@]}"; echo
      """
    #expect(await Shell.run("bash --norc", await self.script("bash") + ask) == "<two words.csv>\n<--quirk>\n<inner>\n")
  }

  /// Zsh's own helpers are replaced by ones that print, since the real ones work only at a prompt.
  @Test(.enabled(if: Shell.exists("zsh"), "zsh is not installed"), arguments: CompletionTests.cases)
  func zshOffersWhatFits(line: [String], offers: [String]) async {
    let ask = """
      compdef() { : }
      compadd() { shift; for offer in "$@"; do [[ $offer == $PREFIX* ]] && print -r -- $offer; done }
      _describe() { for offer in "${offers[@]}"; do [[ ${offer%%:*} == $PREFIX* ]] && print -r -- "${offer%%:*}"; done }
      _files() { : }
      \(await self.script("zsh"))
      words=(clientele \(self.quoted(line)))
      CURRENT=\(line.count + 1)
      PREFIX=${words[$CURRENT]}
      _clientele
      true
      """
    #expect(self.sorted(await Shell.run("zsh -f", ask)) == offers)
  }

  @Test(.enabled(if: Shell.exists("fish"), "fish is not installed"), arguments: CompletionTests.cases)
  func fishOffersWhatFits(line: [String], offers: [String]) async {
    let ask = "complete -C 'clientele \(line.joined(separator: " "))' | string split -f1 \\t; true"
    #expect(self.sorted(await Shell.run("fish --no-config", await self.script("fish") + ask)) == offers)
  }

  @Test func helpTextsWithQuotesDoNotBreakTheScripts() async {
    let root = Command(
      name: "x", help: "x",
      subcommands: [
        Command(name: "a", help: "it's $HOME `date` \\ \"quoted\"", options: [.flag("b", help: "don't: $(false)")]) { _ in .ok }
      ])
    for shell in ["bash", "zsh", "fish"] where Shell.exists(shell) {
      let script = await SampleProgram.call(["completion", shell], program: Program(version: "1", root: root)).out
      let ask = shell == "zsh" ? "compdef() { : }\n\(script)\necho fine" : script + "\necho fine"
      #expect(await Shell.run(shell, ask) == "fine\n", "\(shell)")
    }
  }
}
