// A small program in the shape of the suite's own, and a way to run it in process.
import CommandLine
import Glibc
import Synchronization

/// How a command line ended.
struct Called: Equatable {
  let code: ExitCode
  let out: String
  let error: String
}

/// What the last command that ran was given.
final class Seen: Sendable {
  private let kept = Mutex<[ParsedArguments]>([])

  func add(_ arguments: ParsedArguments) { self.kept.withLock { $0.append(arguments) } }
  var last: ParsedArguments? { self.kept.withLock { $0.last } }
}

struct DiskFull: Error, CustomStringConvertible {
  let description = "the disk is full"
}

enum SampleProgram {
  static func make(_ seen: Seen = Seen()) -> Program {
    let record: Command.Run = { arguments in
      seen.add(arguments)
      return .ok
    }
    return Program(
      version: "1.2.3",
      root: Command(
        name: "clientele", help: HelpText("the operator's tool", zh: "运维工具"),
        options: [
          .flag("quiet", short: "q", help: HelpText("print nothing but errors", zh: "只输出错误")),
          .value("folder", placeholder: "FOLDER", help: "where the suite keeps its files", completion: .folders),
        ],
        subcommands: [
          Command(
            name: "import", help: HelpText("read files into the suite", zh: "导入文件"),
            discussion: HelpText(
              "Each file is read to its end before the next one is begun. What cannot be read is put aside and counted, so that one bad "
                + "record never holds up the others."),
            options: [
              .value(
                "source", short: "s", placeholder: "NAME", help: HelpText("name of the source system", zh: "来源系统的名称"),
                isRequired: true),
              .value(
                "format", placeholder: "FORMAT", help: "how the files are written", choices: ["csv", "json", "ndjson"], defaultValue: "csv"),
              .value("tag", placeholder: "TAG", help: "a word to mark the records with", isRepeated: true),
              .value("limit", short: "n", placeholder: "COUNT", help: "stop after so many records"),
              .flag("dry-run", help: "say what would be done"),
              .value("a-very-long-name-of-an-option", placeholder: "VALUE", help: "has its text on the next line"),
            ],
            arguments: [Argument("file", help: "files to read", arity: .rest(atLeast: 1), completion: .files)], run: record),
          Command(
            name: "topics", help: "work with topics",
            subcommands: [
              Command(
                name: "create", help: "create what is missing",
                arguments: [
                  Argument("name", help: "name of the topic"),
                  Argument("partitions", help: "how many partitions", arity: .optional),
                ], run: record),
              Command(name: "list", help: "list them", run: record),
            ]),
          Command(name: "explode", help: "fail") { _ in throw DiskFull() },
          Command(name: "refuse", help: "refuse") { throw $0.error("the lane is closed; open it first") },
          Command(name: "answer", help: "end with 7") { _ in ExitCode(rawValue: 7) },
        ]))
  }

  static func call(_ words: [String], program: Program = SampleProgram.make(), language: Language = .en) async -> Called {
    let out = TextCollector()
    let error = TextCollector()
    let code = await program.run(words, console: Console(out: out, error: error, language: language))
    return Called(code: code, out: out.text, error: error.text)
  }

  /// What the command saw of that line; a refusal is shown in its place.
  static func parsed(_ words: [String]) async throws -> ParsedArguments {
    let seen = Seen()
    let called = await self.call(words, program: self.make(seen))
    guard called.code == .ok, let arguments = seen.last else { throw NotParsed(description: called.error) }
    return arguments
  }
}

struct NotParsed: Error, CustomStringConvertible {
  let description: String
}
