// `clientele staff`: who works on tickets, what everybody has to do, who is away, and who looks after which customer (K-07).
import ClienteleCore
import CommandLine
import Domain
import HTTP
import Text

enum StaffCommands {
  static let command = Command(
    name: "staff",
    help: HelpText("who works on tickets: what everybody has to do, absences, who looks after whom, who is on call", zh: "客服人员：工作量、缺勤、值班与客户专属负责人"),
    discussion: HelpText(
      "People, teams and skills stand in the staff's file of the tickets service (docs/tickets.md). Tickets of a tier that is served by name go to the "
        + "customer's own attendant, all others to the team with the fewest open tickets; whoever is away is covered by the deputy.",
      zh: "人员、团队与技能见工单服务的人员文件（docs/tickets.md）。专属服务等级的工单分派给客户的专属负责人，其余分派给未解决工单最少的团队；缺勤期间由代理人处理。"),
    options: [Operator.folder], subcommands: [list, absences, absent, back, attendant, attend])

  private static let person = Argument("person", help: HelpText("the name in the staff's file", zh: "人员文件中的姓名"))
  private static let actor = Option.value("actor", placeholder: "NAME", help: HelpText("who does it; kept for ever", zh: "操作人（永久记录）"), isRequired: true)

  private static func path(_ arguments: ParsedArguments, _ what: String) throws -> String {
    "/v1/staff/\(ServiceClient.escaped(try arguments.string("person")))/\(what)"
  }

  /// Actor and reason, as far as given, and the others.
  private static func body(_ arguments: ParsedArguments, _ others: [JSONMember] = []) -> [UInt8] {
    let given = ["actor", "reason"].compactMap { name in arguments.optionalString(name).map { JSONMember(name, .text($0)) } }
    return JSONValue.object(given + others).encoded
  }

  // MARK: - Everybody

  private static let list = Command(
    name: "list",
    help: HelpText("teams and people with their open tickets, and who is on call now and next", zh: "列出团队与人员及其未解决工单数、当前与下一班值班人"),
    options: [Operator.json]
  ) { arguments in
    let (answer, zone) = try await Operator.withServices(arguments) { (try await $0.call("tickets", .get, "/v1/staff"), $0.connection.zone) }
    guard !arguments.flag("json") else {
      arguments.console.print(answer.encodedText)
      return .ok
    }
    let isChinese = Operator.isChinese(arguments)
    arguments.console.out.write(StaffWords.teams(answer, isChinese: isChinese).render())
    if let onCall = StaffWords.onCall(answer, zone, isChinese: isChinese) { arguments.console.out.write("\n" + onCall.render()) }
    guard answer["people"]?.arrayValue?.isEmpty == false else {
      arguments.console.print(Operator.say(arguments, "nobody is listed in the staff's file", "人员文件中没有人员"))
      return .ok
    }
    arguments.console.out.write("\n" + StaffWords.people(answer, isChinese: isChinese).render())
    return .ok
  }

  // MARK: - Absences

  private static let absences = Command(
    name: "absences", help: HelpText("when somebody is away", zh: "查看某人的缺勤"), options: [Operator.json], arguments: [person]
  ) { arguments in
    let path = try path(arguments, "absences")
    let (answer, zone) = try await Operator.withServices(arguments) { (try await $0.call("tickets", .get, path), $0.connection.zone) }
    return say(answer, zone, arguments)
  }

  private static let absent = Command(
    name: "absent", help: HelpText("somebody is away: the deputy takes over", zh: "登记缺勤：由代理人接手"),
    discussion: HelpText(
      "Open tickets are handed over when the absence begins, new ones go to the deputy meanwhile. The same --from once more changes the end; with --until "
        + "at the same moment the absence is called off.",
      zh: "缺勤开始时移交未解决工单，期间的新工单由代理人处理。以相同的 --from 再次登记可更改结束时间；--until 与 --from 相同则取消。"),
    options: [
      .value(
        "from", placeholder: "MOMENT", help: HelpText("since when, as 2026-11-30T09:00:00+08:00", zh: "开始时间，如 2026-11-30T09:00:00+08:00"),
        isRequired: true),
      .value("until", placeholder: "MOMENT", help: HelpText("until when", zh: "结束时间"), isRequired: true), actor,
      .value("reason", placeholder: "TEXT", help: HelpText("why; kept for ever", zh: "理由（永久记录）")), Operator.json,
    ], arguments: [person]
  ) { arguments in
    let path = try path(arguments, "absences")
    let members = try ["from", "until"].map { JSONMember($0, .text(try arguments.string($0))) }
    return try await post(path, body(arguments, members), arguments)
  }

  private static let back = Command(
    name: "back", help: HelpText("somebody is back before the absence ends", zh: "提前返岗"), options: [actor, Operator.json], arguments: [person]
  ) { arguments in try await post(try path(arguments, "return"), body(arguments), arguments) }

  private static func post(_ path: String, _ body: [UInt8], _ arguments: ParsedArguments) async throws -> ExitCode {
    let (answer, zone) = try await Operator.withServices(arguments) { services in
      (try await services.call("tickets", .post, path, body: body, contentType: "application/json"), services.connection.zone)
    }
    return say(answer, zone, arguments)
  }

  private static func say(_ answer: JSONValue, _ zone: BusinessZone, _ arguments: ParsedArguments) -> ExitCode {
    if arguments.flag("json") {
      arguments.console.print(answer.encodedText)
    } else if answer["absences"]?.arrayValue?.isEmpty ?? true {
      arguments.console.print(Operator.say(arguments, "not away, and not about to be", "没有当前或将来的缺勤"))
    } else {
      arguments.console.out.write(StaffWords.absences(answer, zone, isChinese: Operator.isChinese(arguments)).render())
    }
    return .ok
  }

  // MARK: - Attendants

  private static let attendant = Command(
    name: "attendant", help: HelpText("who looks after a customer", zh: "查看客户的专属负责人"), options: CustomerCommand.who + [Operator.json],
    arguments: [CustomerCommand.id]
  ) { arguments in
    let asked = try CustomerCommand.asked(arguments)
    let (answer, zone) = try await Operator.withServices(arguments) { services in
      (try await services.call("tickets", .get, try await attendantPath(asked, services)), services.connection.zone)
    }
    return tell(answer, zone, arguments)
  }

  private static let attend = Command(
    name: "attend", help: HelpText("name somebody who looks after a customer; open tickets follow", zh: "指定客户的专属负责人（未解决工单随之移交）"),
    options: CustomerCommand.who + [
      .value("person", placeholder: "NAME", help: HelpText("the name in the staff's file", zh: "人员文件中的姓名"), isRequired: true), actor,
      .value("reason", placeholder: "TEXT", help: HelpText("why; kept for ever", zh: "理由（永久记录）"), isRequired: true), Operator.json,
    ], arguments: [CustomerCommand.id]
  ) { arguments in
    let asked = try CustomerCommand.asked(arguments)
    let body = body(arguments, [JSONMember("person", .text(try arguments.string("person")))])
    let (answer, zone) = try await Operator.withServices(arguments) { services -> (JSONValue, BusinessZone) in
      let path = try await attendantPath(asked, services)
      let tag = try await services.tagged("tickets", .get, path).tag
      let named = try await services.tagged("tickets", .post, path, body: body, contentType: "application/json", seen: tag ?? "*")
      return (named.answer, services.connection.zone)
    }
    return tell(answer, zone, arguments)
  }

  private static func attendantPath(_ asked: CustomerAsked, _ services: ServiceClient) async throws -> String {
    guard let id = try await asked.customerID(services) else { throw SuiteFailure("there is no such customer") }
    return "/v1/customers/\(ServiceClient.escaped(id))/attendant"
  }

  private static func tell(_ answer: JSONValue, _ zone: BusinessZone, _ arguments: ParsedArguments) -> ExitCode {
    if arguments.flag("json") {
      arguments.console.print(answer.encodedText)
    } else if let line = StaffWords.attendant(answer, zone, isChinese: Operator.isChinese(arguments)) {
      arguments.console.print(line)
    } else {
      arguments.console.print(Operator.say(arguments, "nobody was named yet", "尚未指定"))
    }
    return .ok
  }
}
