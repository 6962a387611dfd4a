// `clientele audit`: what was changed by whom, whose data was seen by whom, and whether the trail of it was altered (S-05, S-06).
import ClienteleCore
import CommandLine
import Domain
import HTTP
import Text

enum AuditCommands {
  static let command = Command(
    name: "audit", help: HelpText("what was changed by whom, and whether the trail was altered", zh: "操作审计：谁改了什么，以及审计链是否被改动"),
    discussion: HelpText(
      "Every service keeps a trail of its own, in the transaction of each change; each entry holds the hash of the one before. Note the heads that `verify` "
        + "prints elsewhere: who compares them later can tell a trail that was made anew as a whole.",
      zh: "每个服务在变更的同一事务中记录审计条目，每条含前一条的哈希。请将 verify 输出的链头另行保存，以便日后识别整体重造的审计链。"),
    options: [Operator.folder], subcommands: [list, exposure, verify])

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

  private static let exposure = Command(
    name: "exposure", help: HelpText("whose contact data was seen in full, by whom, which fields and why", zh: "谁的联系方式被谁完整查看过、哪些字段、理由为何"),
    discussion: HelpText(
      "For a leak drill: reads the looks between two business days from the trails of all services. Verify the trails first: what it says is as good as "
        + "they are. A customer that was merged since stands under the number that it had then.",
      zh: "用于泄露演练：汇总各服务审计中两个业务日之间的查看记录。请先执行 verify。此后被合并的客户以当时的编号列出。"),
    options: [
      service, .value("from", placeholder: "DAY", help: HelpText("the first business day", zh: "起始业务日"), isRequired: true),
      .value("to", placeholder: "DAY", help: HelpText("the last business day", zh: "结束业务日"), isRequired: true),
      .value("actor", placeholder: "NAME", help: HelpText("only what this person saw", zh: "仅该人查看的")),
      .value("customer", placeholder: "ID", help: HelpText("only who saw this customer's", zh: "仅该客户被查看的")),
      .value(
        "by", placeholder: "WHAT", help: HelpText("one block for each person, or for each customer", zh: "按人或按客户汇总"),
        choices: Exposure.Grouping.allCases.map(\.rawValue), defaultValue: Exposure.Grouping.person.rawValue), Operator.json,
    ]
  ) { arguments in
    let grouping = Exposure.Grouping(rawValue: try arguments.string("by")) ?? .person
    let asked: [(name: String, value: String?)] = [
      ("from", try arguments.string("from")), ("to", try arguments.string("to")), ("actor", arguments.optionalString("actor")),
      ("customer", arguments.optionalString("customer")?.lowercased()),
    ]
    let (exposure, zone) = try await Operator.withServices(arguments) { client -> (Exposure, BusinessZone) in
      var exposure = Exposure()
      for service in services(arguments) { try await exposure.read(service, asked, client) }
      return (exposure, client.connection.zone)
    }
    let text = arguments.flag("json")
      ? exposure.json(by: grouping).encodedText + "\n" : ExposureText(exposure, by: grouping, zone, isChinese: Operator.isChinese(arguments)).text
    arguments.console.out.write(text)
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
