// `clientele audit`: what was changed by whom, and whether the trail of it was altered (S-05).
import ClienteleCore
import CommandLine
import HTTP
import Text

enum AuditCommands {
  static let command = Command(
    name: "audit", help: HelpText("what was changed by whom, and whether the trail was altered", zh: "操作审计：谁改了什么，以及审计链是否被改动"),
    discussion: HelpText(
      "Every service keeps a trail of its own, in the transaction of each change; each entry holds the hash of the one before. Note the heads that `verify` "
        + "prints elsewhere: who compares them later can tell a trail that was made anew as a whole.",
      zh: "每个服务在变更的同一事务中记录审计条目，每条含前一条的哈希。请将 verify 输出的链头另行保存，以便日后识别整体重造的审计链。"),
    options: [Operator.folder], subcommands: [list, verify])

  private static let service = Option.value("service", placeholder: "NAME", help: HelpText("only this service", zh: "仅该服务"), choices: SuiteConnection.services)

  private static func services(_ arguments: ParsedArguments) -> [String] { arguments.optionalString("service").map { [$0] } ?? SuiteConnection.services }

  private static let list = Command(
    name: "list", help: HelpText("list changes, the newest first", zh: "列出变更（由新到旧）"),
    options: [
      service, .value("actor", placeholder: "NAME", help: HelpText("only by this person", zh: "仅该操作人")),
      .value("day", placeholder: "DAY", help: HelpText("only of this business day", zh: "仅该业务日")),
      .value("limit", placeholder: "N", help: HelpText("of each service at most so many", zh: "每个服务最多条数"), defaultValue: "50"), Operator.json,
    ]
  ) { arguments in
    let limit = String(try arguments.int("limit", in: 1...200))
    let asked: [(name: String, value: String?)] = [
      ("actor", arguments.optionalString("actor")), ("day", arguments.optionalString("day")), ("limit", limit),
    ]
    let answers = try await Operator.withServices(arguments) { client in
      var answers: [(String, JSONValue)] = []
      for service in services(arguments) { answers.append((service, try await client.call(service, .get, ServiceClient.path("/v1/audit", asked)))) }
      return (answers, client.connection.zone)
    }
    let entries = answers.0.flatMap { service, answer in (answer["entries"]?.arrayValue ?? []).map { (service: service, entry: $0) } }
      .sorted { ($0.entry["at"]?.stringValue ?? "", $0.service) > ($1.entry["at"]?.stringValue ?? "", $1.service) }
    guard !arguments.flag("json") else {
      let all = entries.map { service, entry in JSONValue.object([JSONMember("service", .text(service))] + (entry.members ?? [])) }
      arguments.console.print(JSONValue.object([JSONMember("entries", .array(all))]).encodedText)
      return .ok
    }
    guard !entries.isEmpty else {
      arguments.console.print(Operator.say(arguments, "no changes", "没有变更"))
      return .ok
    }
    arguments.console.out.write(AuditWords.table(entries, answers.1, isChinese: Operator.isChinese(arguments)).render())
    return .ok
  }

  private static let verify = Command(
    name: "verify", help: HelpText("work every hash out anew; ends with 1 where something was altered", zh: "重新计算全部哈希；发现改动时退出码为 1"),
    options: [service, Operator.json]
  ) { arguments in
    let answers = try await Operator.withServices(arguments) { client in
      var answers: [(String, JSONValue)] = []
      for service in services(arguments) { answers.append((service, try await client.call(service, .get, "/v1/audit/verification"))) }
      return answers
    }
    let isIntact = answers.allSatisfy { $0.1["intact"] == true }
    if arguments.flag("json") {
      let all = JSONValue.object([JSONMember("intact", .boolean(isIntact)), JSONMember("services", .object(answers.map { JSONMember($0.0, $0.1) }))])
      arguments.console.print(all.encodedText)
      return isIntact ? .ok : .failed
    }
    for (service, answer) in answers {
      arguments.console.print(AuditWords.verdict(service, answer, isChinese: Operator.isChinese(arguments)))
    }
    return isIntact ? .ok : .failed
  }
}
