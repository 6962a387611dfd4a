// `clientele mapping`: whether a mapping can be used and what it makes of records, and the mappings that a suite has.
import ClienteleCore
import CommandLine
import Documents
import Domain
import HTTP
import IngestCore
import Runtime
import Text

enum MappingCommand {
  static let command = Command(
    name: "mapping", help: HelpText("mappings of files and sources", zh: "字段映射"), subcommands: [check, register, list, show])

  private static let file = Argument("file", help: HelpText("the mapping's YAML file", zh: "映射 YAML 文件"), completion: .files)

  private static let check = Command(
    name: "check", help: HelpText("say everything that is wrong with a mapping, and what it makes of a sample", zh: "检查映射文件，并试算样例"),
    discussion: HelpText(
      """
      Needs no running suite. With --sample every record of a file is read as ingest would read it, by the zone, currency, rates and phone region in the \
      environment, and the events that they would become are shown. Nothing is published. Ends with 1 when a record would be refused.
      """,
      zh: "无需运行中的套件。加 --sample 可按 ingest 的规则试读文件中的每条记录并显示将产生的事件，不会发布任何内容；若有记录会被拒收则以 1 结束。"),
    options: [
      .value("sample", placeholder: "FILE", help: HelpText("records of the source", zh: "来源样例文件"), completion: .files),
      .value("limit", placeholder: "N", help: HelpText("show so many of them; all are counted", zh: "显示的条数（全部计数）"), defaultValue: "10"),
      Operator.json,
    ], arguments: [file], run: runCheck)

  @Sendable private static func runCheck(_ arguments: ParsedArguments) async throws -> ExitCode {
    let path = try arguments.string("file")
    let limit = try arguments.int("limit", in: 0...10_000)
    let console = arguments.console
    let rules = try MappingTrial.rules(environment: Program.environment())
    let compiled: CompiledMapping
    do {
      let mapping = try MappingDocument.load(path)
      compiled = try CompiledMapping(id: mapping.name, mapping, zone: rules.zone, zoneNamed: rules.zoneNamed)
    } catch let faults as DocumentFaults {
      console.printError(faults.description)
      return .failed
    } catch let unusable as MappingUnusable {
      for problem in unusable.problems { console.printError("\(path): \(problem)") }
      return .failed
    }
    guard let sample = arguments.optionalString("sample") else {
      console.print(arguments.flag("json") ? "{\"ok\":true}" : "ok")
      return .ok
    }
    let trial = try await MappingTrial.run(sample, by: compiled, rules, at: SystemClock().now(), resultsMax: limit)
    console.out.write(arguments.flag("json") ? trial.json.encodedText + "\n" : trial.text(isChinese: Operator.isChinese(arguments)))
    return trial.refused.isEmpty ? .ok : .failed
  }

  private static let register = Command(
    name: "register", help: HelpText("make a mapping known to ingest", zh: "向 ingest 注册映射"),
    discussion: HelpText(
      "Prints its id: name, version and the beginning of its content's digest. Registered content never changes; raise the version with every change.",
      zh: "输出映射编号：名称、版本与内容摘要。已注册的内容不会改变；每次修改请提高版本号。"),
    options: [
      .flag("default", help: HelpText("JSON only: it reads the source's records that name no mapping", zh: "仅 JSON：作为来源的默认映射")), Operator.json,
      Operator.folder,
    ], arguments: [file]
  ) { arguments in
    let yaml = try await InputFile.whole(try arguments.string("file"), bytesMax: mappingBytesMax)
    let path = arguments.flag("default") ? "/v1/mappings?default=1" : "/v1/mappings"
    let answer = try await Operator.withServices(arguments) { services in
      try await services.call("ingest", .put, path, body: yaml, contentType: "application/yaml")
    }
    arguments.console.print(arguments.flag("json") ? answer.encodedText : answer["id"]?.stringValue ?? "")
    return .ok
  }

  /// The largest mapping, in bytes: what ingest takes.
  private static let mappingBytesMax = 1 << 20

  private static let list = Command(
    name: "list", help: HelpText("list the mappings that ingest knows", zh: "列出已注册的映射"), options: [Operator.json, Operator.folder]
  ) { arguments in
    let answer = try await Operator.withServices(arguments) { try await $0.call("ingest", .get, "/v1/mappings") }
    if arguments.flag("json") {
      arguments.console.print(answer.encodedText)
      return .ok
    }
    func say(_ english: String, _ chinese: String) -> String { Operator.say(arguments, english, chinese) }
    var table = Table([
      .init(say("Mapping", "映射")), .init(say("Source", "来源")), .init(say("Owner", "负责人")), .init(say("Registered", "注册时间")),
    ])
    for mapping in answer.arrayValue ?? [] { table.add(["id", "source", "owner", "registered_at"].map { mapping[$0]?.stringValue ?? "" }) }
    arguments.console.out.write(table.render())
    return .ok
  }

  private static let show = Command(
    name: "show", help: HelpText("print a registered mapping's text", zh: "输出已注册映射的内容"), options: [Operator.folder],
    arguments: [Argument("id", help: HelpText("the mapping's id", zh: "映射编号"))]
  ) { arguments in
    let path = "/v1/mappings/" + ServiceClient.escaped(try arguments.string("id"))
    let answer = try await Operator.withServices(arguments) { try await $0.call("ingest", .get, path) }
    arguments.console.out.write(answer["yaml"]?.stringValue ?? "")
    return .ok
  }
}
