// From words to values, and what is said when that fails.
import CommandLine
import Testing

@Suite struct ParsingTests {
  @Test func theSampleProgramHasNoFaults() { #expect(SampleProgram.make().faults == []) }

  @Test func valuesAreTakenAfterASpaceOrASignOrALetter() async throws {
    for words in [["--source", "till"], ["--source=till"], ["-s", "till"], ["-still"], ["-s=till"]] {
      let arguments = try await SampleProgram.parsed(["import"] + words + ["a.csv"])
      #expect(try arguments.string("source") == "till", "\(words)")
      #expect(arguments.strings("file") == ["a.csv"], "\(words)")
    }
  }

  @Test func optionsMayStandBeforeBetweenAndAfterArguments() async throws {
    let arguments = try await SampleProgram.parsed(["-q", "import", "a", "--source", "till", "b", "--dry-run", "c"])
    #expect(arguments.strings("file") == ["a", "b", "c"])
    #expect(arguments.flag("quiet"))
    #expect(arguments.flag("dry-run"))
    #expect(arguments.command == "clientele import")
  }

  @Test func optionsOfACommandMayFollowItsSubcommand() async throws {
    let arguments = try await SampleProgram.parsed(["import", "--source", "till", "a", "--folder", "/tmp", "-q"])
    #expect(arguments.optionalString("folder") == "/tmp")
    #expect(arguments.flag("quiet"))
  }

  @Test func lettersMayBeJoined() async throws {
    let arguments = try await SampleProgram.parsed(["import", "-qqn5", "-still", "a"])
    #expect(arguments.flag("quiet"))
    #expect(try arguments.int("limit") == 5)
  }

  @Test func absentOptionsHaveTheirDefaultsOrNothing() async throws {
    let arguments = try await SampleProgram.parsed(["import", "-s", "till", "a"])
    #expect(try arguments.string("format") == "csv")
    #expect(arguments.optionalString("limit") == nil)
    #expect(try arguments.optionalInt("limit") == nil)
    #expect(arguments.strings("tag") == [])
    #expect(!arguments.flag("dry-run"))
  }

  @Test func repeatedOptionsKeepTheirOrder() async throws {
    let arguments = try await SampleProgram.parsed(["import", "--tag", "b", "-s", "till", "a", "--tag=a", "--tag", "b"])
    #expect(arguments.strings("tag") == ["b", "a", "b"])
  }

  @Test func afterTwoDashesEverythingIsAnArgument() async throws {
    let arguments = try await SampleProgram.parsed(["import", "-s", "till", "--", "--help", "-q"])
    #expect(arguments.strings("file") == ["--help", "-q"])
    #expect(!arguments.flag("quiet"))
  }

  @Test func negativeNumbersAndASingleDashAreValues() async throws {
    let arguments = try await SampleProgram.parsed(["import", "-s", "till", "-n", "-5", "-", "-2.5"])
    #expect(try arguments.int("limit") == -5)
    #expect(arguments.strings("file") == ["-", "-2.5"])
  }

  @Test func aValueMayBeEmptyOrHoldTheSign() async throws {
    let arguments = try await SampleProgram.parsed(["import", "--source=", "--tag=a=b", "x"])
    #expect(try arguments.string("source") == "")
    #expect(arguments.strings("tag") == ["a=b"])
  }

  @Test func anOptionalArgumentMayBeLeftOut() async throws {
    #expect(try await SampleProgram.parsed(["topics", "create", "orders"]).optionalString("partitions") == nil)
    #expect(try await SampleProgram.parsed(["topics", "create", "orders", "12"]).int("partitions", in: 1...1_000) == 12)
  }

  static let refusals: [([String], String)] = [
    (["import", "a"], "clientele import: --source is missing; add --source NAME"),
    (["import", "-s", "till"], "clientele import: FILE is missing; add FILE"),
    (["import", "--sorce", "till"], "clientele import: there is no option --sorce; did you mean --source?"),
    (["import", "-x"], "clientele import: there is no option -x; --help lists them"),
    (["imprt"], "clientele: there is no command 'imprt'; did you mean 'import'?"),
    (["frobnicate"], "clientele: there is no command 'frobnicate'; --help lists them"),
    (["topics"], "clientele topics: a command is missing; add one of create, list"),
    ([], "clientele: a command is missing; add one of import, topics, explode, refuse, answer, completion"),
    (["import", "--source"], "clientele import: --source needs a value; write --source NAME"),
    (
      ["import", "--source", "--dry-run", "a"],
      "clientele import: --source needs a value, and '--dry-run' looks like an option; write --source=--dry-run if it is the value"
    ),
    (["import", "--dry-run=yes"], "clientele import: --dry-run takes no value; write --dry-run alone"),
    (["import", "-s", "a", "-s", "b", "f"], "clientele import: -s is given twice; keep one"),
    (
      ["import", "--format", "jsn", "-s", "a", "f"],
      "clientele import: --format cannot be 'jsn'; use one of csv, json, ndjson (did you mean json?)"
    ),
    (["topics", "create", "a", "1", "b"], "clientele topics create: 'b' is one argument too many; leave it out"),
    (["topics", "list", "x"], "clientele topics list: 'x' is one argument too many; leave it out"),
  ]

  @Test(arguments: ParsingTests.refusals)
  func whatIsWrongIsSaidWithARemedyAndEndsWith64(words: [String], message: String) async {
    let called = await SampleProgram.call(words)
    #expect(called.code == .usage)
    #expect(called.code.rawValue == 64)
    #expect(called.error.split(separator: "\n").first.map(String.init) == message)
    #expect(called.out == "")
  }

  @Test func messagesAreChineseWhenAsked() async {
    let called = await SampleProgram.call(["import", "a"], language: .zh)
    #expect(called.error == "clientele import：缺少 --source；请加上 --source NAME\n可以试试：clientele import --help\n")
    let asked = await SampleProgram.call(["--lang", "zh", "imprt"])
    #expect(asked.error.hasPrefix("clientele：没有命令“imprt”；是否指“import”？\n"))
  }

  @Test func anUnknownLanguageIsRefusedInTheLanguageOfTheSurroundings() async {
    let called = await SampleProgram.call(["--lang=fr", "topics", "list"])
    #expect(called.error.hasPrefix("clientele: --lang cannot be 'fr'; use one of en, zh\n"))
  }

  @Test func commandsDecideTheirExitCode() async {
    #expect(await SampleProgram.call(["answer"]).code.rawValue == 7)
    #expect(await SampleProgram.call(["explode"]) == Called(code: .failed, out: "", error: "clientele: the disk is full\n"))
    let refused = await SampleProgram.call(["refuse"])
    #expect(refused.code == .usage)
    #expect(refused.error.hasPrefix("clientele refuse: the lane is closed; open it first\n"))
  }

  @Test func theVersionIsOneLine() async {
    #expect(await SampleProgram.call(["--version"]) == Called(code: .ok, out: "clientele 1.2.3\n", error: ""))
  }
}

@Suite struct TypedValueTests {
  private enum Format: String, CaseIterable { case csv, json }

  private func refusal(_ words: [String], _ read: (ParsedArguments) throws(UsageError) -> Void) async throws -> String? {
    let arguments = try await SampleProgram.parsed(["import", "-s", "till", "a"] + words)
    do throws(UsageError) {
      try read(arguments)
      return nil
    } catch {
      return error.description
    }
  }

  @Test func wholeNumbersAreCheckedAgainstTheirRange() async throws {
    func read(_ text: String, _ range: ClosedRange<Int>) async throws -> String? {
      try await self.refusal(["--limit=\(text)"]) { arguments throws(UsageError) in _ = try arguments.int("limit", in: range) }
    }
    #expect(try await read("10", 1...10) == nil)
    #expect(try await read("11", 1...10) == "clientele import: --limit must be a whole number from 1 to 10, and '11' is not")
    #expect(try await read("0", 1...Int.max) == "clientele import: --limit must be a whole number of at least 1, and '0' is not")
    #expect(try await read("1e3", Int.min...Int.max) == "clientele import: --limit must be a whole number, and '1e3' is not")
    #expect(try await read("99999999999999999999", Int.min...Int.max) != nil)
  }

  @Test func aMissingValueIsMissedWhenItIsAskedFor() async throws {
    let words = try await self.refusal([]) { arguments throws(UsageError) in _ = try arguments.int("limit") }
    #expect(words == "clientele import: --limit is missing; add --limit COUNT")
  }

  @Test func anUndeclaredNameIsSaidToBeTheProgramsMistake() async throws {
    let words = try await self.refusal([]) { arguments throws(UsageError) in _ = try arguments.string("colour") }
    #expect(words?.contains("does not declare") == true)
  }

  @Test func casesOfAnEnumerationAreReadByTheirText() async throws {
    let arguments = try await SampleProgram.parsed(["import", "-s", "till", "--format", "json", "a"])
    #expect(try arguments.choice("format", of: Format.self) == .json)
    let words = try await self.refusal(["--format", "ndjson"]) { arguments throws(UsageError) in
      _ = try arguments.choice("format", of: Format.self)
    }
    #expect(words == "clientele import: --format cannot be 'ndjson'; use one of csv, json (did you mean json?)")
  }

  @Test(arguments: [
    ("250ms", Duration.milliseconds(250)), ("10s", .seconds(10)), ("5m", .seconds(300)), ("2h", .seconds(7_200)), ("7d", .seconds(604_800)),
    ("0s", .zero),
  ])
  func durationsHaveAUnit(text: String, duration: Duration) async throws {
    let arguments = try await SampleProgram.parsed(["import", "-s", "till", "--limit", text, "a"])
    #expect(try arguments.duration("limit") == duration)
  }

  @Test(arguments: ["10", "s", "-1s", "1.5h", "1w", "1 s", "99999999999s", "", "１s"])
  func otherTextsAreNoDurations(text: String) async throws {
    let words = try await self.refusal(["--limit=\(text)"]) { arguments throws(UsageError) in _ = try arguments.duration("limit") }
    #expect(words == "clientele import: --limit must be a duration such as 250ms, 10s, 5m, 2h or 7d, and '\(text)' is not")
  }
}

@Suite struct CommandRulesTests {
  private func faults(_ root: Command) -> [String] { Program(version: "1", root: root).faults }

  private func command(_ options: [Option] = [], _ arguments: [Argument] = []) -> Command {
    Command(name: "x", help: "x", options: options, arguments: arguments) { _ in .ok }
  }

  @Test func mistakesInTheTreeAreFound() {
    #expect(self.faults(self.command()) == [])
    #expect(self.faults(self.command([.flag("help", help: "own")])).count == 1)
    #expect(self.faults(self.command([.flag("a", short: "h", help: "own")])).count == 1)
    #expect(self.faults(self.command([.flag("same", help: "a")], [Argument("same", help: "b")])).count == 1)
    let restFirst = [Argument("a", help: "a", arity: .rest(atLeast: 0)), Argument("b", help: "b", arity: .optional)]
    #expect(self.faults(self.command([], restFirst)).count == 1)
    #expect(self.faults(self.command([], [Argument("a", help: "a", arity: .optional), Argument("b", help: "b")])).count == 1)
    #expect(self.faults(self.command([.value("a", help: "a", choices: ["b c"])])).count == 1)
    #expect(self.faults(self.command([.value("a", help: "a", choices: ["b"], defaultValue: "c")])).count == 1)
    #expect(self.faults(self.command([.value("a", help: "a", defaultValue: "c", isRequired: true)])).count == 1)
    #expect(self.faults(Command(name: "x", help: "x")).count == 1)
    #expect(self.faults(Command(name: "x y", help: "x") { _ in .ok }).count == 1)
    let twice = Command(name: "x", help: "x", subcommands: [self.command(), self.command()])
    #expect(self.faults(twice).count == 1)
  }
}
