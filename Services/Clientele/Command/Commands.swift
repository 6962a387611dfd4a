// The commands that work with a running suite, and those that need none.
import Access
import ClienteleCore
import CommandLine
import Documents
import HTTP
import Runtime
import Text

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

  /// For what shows customers' words or how to reach them.
  static let unmask = Option.value(
    "unmask", placeholder: "REASON",
    help: HelpText("show contact data in full, and say why: the look is kept in the audit trail", zh: "显示完整联系方式并说明理由（该次查看记入审计）"))

  /// Whoever has the suite's key looks in somebody's name, as with `--actor`.
  static let viewer = Option.value(
    "as", placeholder: "NAME", help: HelpText("with --unmask: in whose name; else the token's", zh: "与 --unmask 同用：查看人；默认为令牌持有者"))

  /// Why contact data is to be shown in full; nil: it stays masked.
  static func unmaskReason(_ arguments: ParsedArguments) throws -> String? {
    guard let reason = arguments.optionalString("unmask") else {
      if arguments.optionalString("as") != nil { throw arguments.error(HelpText("--as goes with --unmask", zh: "--as 须与 --unmask 同用")) }
      return nil
    }
    let length = Look.reasonLength
    guard length.contains(TextNormal.trimmed(reason).unicodeScalars.count) else {
      throw arguments.error(
        HelpText(
          "--unmask needs a reason of \(length.lowerBound) to \(length.upperBound) characters",
          zh: "--unmask 的理由须为 \(length.lowerBound) 至 \(length.upperBound) 个字符"))
    }
    return reason
  }

  /// The headers of a request that may show contact data in full.
  static func unmasking(_ arguments: ParsedArguments) throws -> HTTPHeaders { ServiceClient.unmasking(try unmaskReason(arguments)) }

  /// Finds the suite, runs the body with a client to its services, and closes the client.
  static func withServices<Value>(_ arguments: ParsedArguments, _ body: (ServiceClient) async throws -> Value) async throws -> Value {
    let connection = try SuiteConnection.find(folder: arguments.optionalString("folder"), environment: Program.environment())
    let services = ServiceClient(connection, actor: arguments.optionalString("as"))
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
