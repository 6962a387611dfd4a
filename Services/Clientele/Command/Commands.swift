// The commands that work with a running suite, and those that need none.
import ClienteleCore
import CommandLine
import Documents
import Runtime

/// All commands but `up`, `down`, `status` and `env`, in the order of help.
let operatorCommands: [Command] = [
  ImportCommand.command, ReportCommand.command, ScorecardCommands.command, CustomerCommand.command, ReviewCommands.command, TicketCommands.command,
  KnowledgeCommands.command,
  StaffCommands.command, ComplaintCommands.command, SpotCheckCommands.command, SurveyCommands.command, DeliveryCommands.command,
  CommentCommands.command, BaselineCommands.command, TagCommands.command, QuarantineCommands.command,
  SourceCommands.command, MappingCommand.command, CalendarCommand.command, StandardCommand.command, PublishCommand.command, TopicsCommand.command,
  RebuildCommand.command, GapCommands.command, GapCommands.republish, AuditCommands.command, DoctorCommand.command, TokenCommand.command, SignInCommand.command,
]

/// What several commands share.
enum Operator {
  /// Without a default: only a folder that was named comes before addresses in the environment.
  static let folder = Option.value(
    "folder", placeholder: "FOLDER",
    help: HelpText("folder of the suite; else addresses from the environment, else .clientele", zh: "套件目录；否则取环境变量，再否则为 .clientele"), completion: .folders)
  static let json = Option.flag("json", help: HelpText("print JSON", zh: "以 JSON 输出"))

  /// Finds the suite, runs the body with a client to its services, and closes the client.
  static func withServices<Value>(_ arguments: ParsedArguments, _ body: (ServiceClient) async throws -> Value) async throws -> Value {
    let connection = try SuiteConnection.find(folder: arguments.optionalString("folder"), environment: Program.environment())
    let services = ServiceClient(connection)
    do {
      let value = try await body(services)
      await services.close()
      return value
    } catch {
      await services.close()
      throw error
    }
  }

  /// Runs what reads a document; its faults are told each by its line, and nothing else is printed.
  static func tellingFaults(_ arguments: ParsedArguments, _ work: () throws -> Void) throws -> ExitCode {
    do {
      try work()
      return .ok
    } catch let faults as DocumentFaults {
      arguments.console.printError(faults.description)
      return .failed
    }
  }

  static func isChinese(_ arguments: ParsedArguments) -> Bool { arguments.console.language == .zh }

  /// A table and a document cannot both go to one output.
  static func refuseBothForms(_ arguments: ParsedArguments) throws {
    guard arguments.flag("csv"), arguments.flag("json") else { return }
    throw arguments.error(HelpText("--csv and --json exclude each other", zh: "--csv 与 --json 不能同时使用"))
  }

  static func records(_ count: Int) -> String { count == 1 ? "1 record" : "\(count) records" }

  /// The English text, or the Chinese one.
  static func say(_ arguments: ParsedArguments, _ english: String, _ chinese: String) -> String { isChinese(arguments) ? chinese : english }
}
