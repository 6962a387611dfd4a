// `clientele gaps` and `clientele republish`: what is missing in front of a service, and the way on.
import ClienteleCore
import CommandLine
import HTTP
import Text

enum GapCommands {
  static let command = Command(
    name: "gaps", help: HelpText("records that are missing or in doubt, and partitions that stand because of them", zh: "缺失或存疑的记录，以及因此停住的分区"),
    discussion: HelpText(
      "A partition that misses something stands still and loses nothing. Find the cause first; accept a gap only when what is missing cannot come back.",
      zh: "缺失记录的分区会停住，不会丢失数据。请先查明原因；只有确认缺失部分无法找回时才接受该缺口。"),
    options: [Operator.folder], subcommands: [list, accept])

  private static let list = Command(
    name: "list", help: HelpText("list open gaps of all services", zh: "列出各服务未处理的缺口"),
    options: [.flag("all", help: HelpText("settled ones too", zh: "包括已处理的")), Operator.json]
  ) { arguments in
    let gaps = try await Operator.withServices(arguments) { try await $0.gaps(settledToo: arguments.flag("all")) }
    let isChinese = Operator.isChinese(arguments)
    if arguments.flag("json") {
      arguments.console.print(JSONValue.object([JSONMember("gaps", .array(gaps.map(\.json)))]).encodedText)
      return .ok
    }
    if gaps.isEmpty { arguments.console.print(Operator.say(arguments, "no gaps", "没有缺口")) }
    for gap in gaps {
      arguments.console.print("\(gap.service) \(gap.id) \(gap.state) \(gap.kind) \(gap.topic)/\(gap.partition) \(gap.from)-\(gap.to) \(gap.detail)")
      if gap.state == "open" { arguments.console.print("  -> \(gap.advice(isChinese: isChinese))") }
    }
    return .ok
  }

  private static let accept = Command(
    name: "accept", help: HelpText("let the partition go on without what is missing", zh: "接受缺口，让分区继续"),
    arguments: [
      Argument("service", help: HelpText("ingest, profile, tiering, tickets, feedback or connector", zh: "服务名")),
      Argument("id", help: HelpText("the gap's number", zh: "缺口编号")),
    ]
  ) { arguments in
    let (service, id) = (try arguments.string("service"), try arguments.int("id", in: 1...Int.max))
    guard SuiteConnection.services.contains(service) else {
      throw SuiteFailure("there is no service \(service): give one of \(SuiteConnection.services.joined(separator: ", "))")
    }
    _ = try await Operator.withServices(arguments) { try await $0.call(service, .post, "/v1/gaps/\(id)/accept") }
    arguments.console.print(Operator.say(arguments, "accepted; the partition goes on within seconds", "已接受；分区将在几秒内继续"))
    return .ok
  }

  static let republish = Command(
    name: "republish", help: HelpText("publish every snapshot of a service again, as it stands", zh: "将某服务的全部快照原样重新发布"),
    discussion: HelpText(
      "For readers that lost some: after a gap on a snapshot topic, or a topic that was made anew. Versions stay; who has them passes over them.",
      zh: "用于丢失部分快照的读者：快照主题出现缺口或被重建之后。版本不变，已有该版本者会忽略。"),
    options: [Operator.json, Operator.folder],
    arguments: [Argument("service", help: HelpText("profile, tiering or tickets", zh: "profile、tiering 或 tickets"))]
  ) { arguments in
    let service = try arguments.string("service")
    guard ["profile", "tiering", "tickets"].contains(service) else {
      throw SuiteFailure("only profile, tiering and tickets publish snapshots, not \(service)")
    }
    let answer = try await Operator.withServices(arguments) { try await $0.call(service, .post, "/v1/republications") }
    let count = answer["snapshots"]?.int64Value ?? 0
    if arguments.flag("json") {
      arguments.console.print(JSONValue.object([JSONMember("snapshots", .integer(count))]).encodedText)
    } else {
      arguments.console.print(Operator.say(arguments, "\(count) snapshots will be published again", "将重新发布 \(count) 个快照"))
    }
    return .ok
  }
}
