// `clientele quarantine`.
import ClienteleCore
import CommandLine
import Text

enum QuarantineCommands {
  static let command = Command(
    name: "quarantine", help: HelpText("records that were refused, and what becomes of them", zh: "查看与处理被隔离的记录"),
    options: [
      .value(
        "service", placeholder: "NAME", help: HelpText("whose quarantine", zh: "哪个服务的隔离区"), choices: ["ingest"], defaultValue: "ingest"),
      Operator.folder,
    ], subcommands: [list, show, counts, conflicts, check, replay, dismiss])

  private static let raw = [
    Option.flag("raw", help: HelpText("show values as they came, with personal data; needs --unmask", zh: "原样显示内容（含个人信息），须与 --unmask 同用")),
    Operator.unmask, Operator.viewer,
  ]

  /// Why records are seen as they came; nil: they are not.
  private static func rawReason(_ arguments: ParsedArguments) throws -> String? {
    let reason = try Operator.unmaskReason(arguments)
    guard arguments.flag("raw") == (reason != nil) else {
      throw arguments.error(HelpText("--raw and --unmask REASON go together", zh: "--raw 与 --unmask 须同时使用"))
    }
    return reason
  }

  private static let filters: [Option] = [
    .value("source", placeholder: "NAME", help: HelpText("only of this source", zh: "仅此来源")),
    .value("reason", placeholder: "CODE", help: HelpText("only with this reason, as customer.missing", zh: "仅此原因，如 customer.missing")),
  ]

  private static let list = Command(
    name: "list", help: HelpText("list refused records, oldest first", zh: "列出被隔离的记录"),
    options: filters + [
      .value(
        "state", placeholder: "STATE", help: HelpText("in this state", zh: "状态"), choices: ["open", "replayed", "dismissed", "all"], defaultValue: "open"),
      .value("after", placeholder: "ID", help: HelpText("only records after this one", zh: "从该编号之后开始")),
      .value("limit", placeholder: "N", help: HelpText("at most so many", zh: "最多条数"), defaultValue: "100"), Operator.json,
    ] + raw
  ) { arguments in
    let filter = QuarantineDesk.Filter(
      source: arguments.optionalString("source"), reason: arguments.optionalString("reason"), state: try arguments.string("state"),
      after: try arguments.optionalInt("after", in: 0...Int.max), limit: try arguments.int("limit", in: 1...1_000))
    let reason = try rawReason(arguments)
    let records = try await desk(arguments) { try await $0.list(filter, raw: reason) }
    write(records, arguments) { QuarantineDesk.table(ofRecords: $0, isChinese: Operator.isChinese(arguments)).render() }
    return .ok
  }

  private static let show = Command(
    name: "show", help: HelpText("show one refused record and why", zh: "查看一条记录及其隔离原因"), options: [Operator.json] + raw, arguments: [id]
  ) { arguments in
    let number = try arguments.int("id", in: 1...Int.max)
    let reason = try rawReason(arguments)
    let record = try await desk(arguments) { try await $0.show(number, raw: reason) }
    write(record, arguments) { QuarantineDesk.text(ofRecord: $0, isChinese: Operator.isChinese(arguments)) }
    return .ok
  }

  private static let counts = Command(
    name: "counts", help: HelpText("how many there are of each source and reason", zh: "按来源与原因统计"), options: [Operator.json]
  ) { arguments in
    let counts = try await desk(arguments) { try await $0.counts() }
    write(counts, arguments) { QuarantineDesk.table(ofCounts: $0, isChinese: Operator.isChinese(arguments)).render() }
    return .ok
  }

  private static let conflicts = Command(
    name: "conflicts", help: HelpText("records with an id that came before with another content, side by side", zh: "并列显示同号不同内容的冲突记录"),
    discussion: HelpText(
      "The first stands. If the second is right, send it under another revision or event id; else dismiss it.",
      zh: "先到的有效。若后到的正确，请以新的修订号或事件号重发；否则将其搁置。"),
    options: [
      .value("source", placeholder: "NAME", help: HelpText("only of this source", zh: "仅此来源")),
      .value("after", placeholder: "ID", help: HelpText("only records after this one", zh: "从该编号之后开始")),
      .value("limit", placeholder: "N", help: HelpText("at most so many", zh: "最多条数"), defaultValue: "20"), Operator.json,
    ] + raw
  ) { arguments in
    let (source, reason) = (arguments.optionalString("source"), try rawReason(arguments))
    let (after, limit) = (try arguments.optionalInt("after", in: 0...Int.max), try arguments.int("limit", in: 1...100))
    let answer = try await desk(arguments) { try await $0.conflicts(source: source, after: after, limit: limit, raw: reason) }
    write(answer, arguments) { QuarantineDesk.text(ofConflicts: $0, isChinese: Operator.isChinese(arguments)) }
    return .ok
  }

  private static let check = Command(
    name: "check", help: HelpText("say what a replay would come to, without one", zh: "试算重放结果，不实际发送"),
    options: [value, mapping, Operator.json] + raw, arguments: [id]
  ) { arguments in
    let number = try arguments.int("id", in: 1...Int.max)
    let (mapping, reason) = (arguments.optionalString("mapping"), try rawReason(arguments))
    let value = try await corrected(arguments)
    let trial = try await desk(arguments) { try await $0.check(number, value: value, mapping: mapping, raw: reason) }
    write(trial, arguments) { QuarantineDesk.text(ofTrial: $0, isChinese: Operator.isChinese(arguments)) }
    return trial["outcome"]?.stringValue == "refused" ? .failed : .ok
  }

  private static let value = Option.value(
    "value", placeholder: "FILE", help: HelpText("with this corrected value instead", zh: "改用此更正后的内容"), completion: .files)
  private static let mapping = Option.value("mapping", placeholder: "ID", help: HelpText("read by this mapping instead", zh: "改用此映射"))

  private static func corrected(_ arguments: ParsedArguments) async throws -> [UInt8] {
    guard let file = arguments.optionalString("value") else { return [] }
    return try await InputFile.whole(file, bytesMax: PublishOrder.recordBytesMax)
  }

  private static let id = Argument("id", help: HelpText("the record's number in quarantine", zh: "隔离编号"))

  private static let replay = Command(
    name: "replay", help: HelpText("send refused records again", zh: "重新发送被隔离的记录"),
    discussion: HelpText(
      "Sends one record, or with --all every open one. What is refused again comes back as a new record with its reason.",
      zh: "发送一条记录；加 --all 则发送全部未处理记录。再次被拒的会以新记录出现。"),
    options: filters + [
      .flag("all", help: HelpText("every open record, or those of --source and --reason", zh: "全部未处理记录，可用 --source、--reason 限定")),
      value, mapping,
    ],
    arguments: [Argument("id", help: HelpText("the record's number in quarantine", zh: "隔离编号"), arity: .optional)], run: runReplay)

  @Sendable private static func runReplay(_ arguments: ParsedArguments) async throws -> ExitCode {
    let number = try arguments.optionalInt("id", in: 1...Int.max)
    let isAll = arguments.flag("all")
    guard (number != nil) != isAll else { throw arguments.error(HelpText("give either ID or --all", zh: "请给出 ID 或 --all 其中之一")) }
    let (source, reason, mapping) = (arguments.optionalString("source"), arguments.optionalString("reason"), arguments.optionalString("mapping"))
    if let number {
      if source != nil || reason != nil { throw arguments.error(HelpText("--source and --reason go with --all", zh: "--source、--reason 须与 --all 同用")) }
      let value = try await corrected(arguments)
      try await desk(arguments) { try await $0.replay(number, value: value, mapping: mapping) }
      arguments.console.print(Operator.say(arguments, "record \(number) sent again", "已重新发送记录 \(number)"))
      return .ok
    }
    if arguments.optionalString("value") != nil { throw arguments.error(HelpText("--value goes with ID", zh: "--value 须与 ID 同用")) }
    let done = try await desk(arguments) { try await $0.replayAll(source: source, reason: reason, mapping: mapping) }
    arguments.console.print(
      Operator.say(
        arguments, "\(Operator.records(Int(clamping: done.replayed))) sent again" + (done.failed > 0 ? ", \(done.failed) could not be" : ""),
        "已重新发送 \(done.replayed) 条记录" + (done.failed > 0 ? "，\(done.failed) 条失败" : "")))
    return done.failed == 0 ? .ok : .failed
  }

  private static let dismiss = Command(
    name: "dismiss", help: HelpText("put refused records aside for good", zh: "永久搁置被隔离的记录"),
    options: filters + [.flag("all", help: HelpText("every open record of --source, or with --reason", zh: "--source 或 --reason 所限定的全部未处理记录"))],
    arguments: [Argument("id", help: HelpText("the record's number in quarantine", zh: "隔离编号"), arity: .optional)]
  ) { arguments in
    let (source, reason) = (arguments.optionalString("source"), arguments.optionalString("reason"))
    guard let number = try arguments.optionalInt("id", in: 1...Int.max) else {
      guard arguments.flag("all"), source != nil || reason != nil else {
        throw arguments.error(HelpText("give either ID, or --all with --source or --reason", zh: "请给出 ID，或 --all 并限定 --source 或 --reason"))
      }
      let count = try await desk(arguments) { try await $0.dismissAll(source: source, reason: reason) }
      arguments.console.print(Operator.say(arguments, "\(Operator.records(Int(clamping: count))) dismissed", "已搁置 \(count) 条记录"))
      return .ok
    }
    if arguments.flag("all") || source != nil || reason != nil {
      throw arguments.error(HelpText("--all, --source and --reason do not go with ID", zh: "--all、--source、--reason 不能与 ID 同用"))
    }
    try await desk(arguments) { try await $0.dismiss(number) }
    arguments.console.print(Operator.say(arguments, "record \(number) dismissed", "已搁置记录 \(number)"))
    return .ok
  }

  private static func desk<Value>(_ arguments: ParsedArguments, _ body: (QuarantineDesk) async throws -> Value) async throws -> Value {
    let service = try arguments.string("service")
    return try await Operator.withServices(arguments) { try await body(QuarantineDesk($0, service: service)) }
  }

  private static func write(_ json: JSONValue, _ arguments: ParsedArguments, _ text: (JSONValue) -> String) {
    arguments.console.out.write(arguments.flag("json") ? json.encodedText + "\n" : text(json))
  }
}
