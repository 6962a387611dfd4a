// `clientele import`.
import ClienteleCore
import CommandLine
import Lifecycle
import Synchronization
import Telemetry
import Text

enum ImportCommand {
  static let command = Command(
    name: "import", help: HelpText("publish a file's records and wait until the suite has read them", zh: "导入文件并等待处理完毕"),
    discussion: HelpText(
      """
      Registers the mapping, publishes every record of the file, waits until all services have read them, and accounts for every record: \
      accepted, a duplicate, or quarantined with a reason.

      Importing a file again is harmless: records that are known count as duplicates. Ctrl-C stops in the middle; what was published by \
      then is read all the same. With --checkpoint the same command goes on where it stopped, also after a crash.
      """,
      zh: """
        注册映射，发布文件中的每条记录，等待所有服务处理完毕，并逐条说明结果：接受、重复或隔离（附原因）。

        重复导入无害：已有记录计为重复。Ctrl-C 可中途停止，已发布的记录仍会被处理。加 --checkpoint 后以相同命令可从中断处继续。
        """),
    options: [
      .value("source", short: "s", placeholder: "NAME", help: HelpText("the registered source the file is from", zh: "来源系统名称"), isRequired: true),
      .value(
        "mapping", short: "m", placeholder: "FILE.yaml", help: HelpText("how the file's fields become events", zh: "字段映射文件"), isRequired: true,
        completion: .files),
      .value(
        "wait-seconds", placeholder: "N", help: HelpText("give up waiting for the suite after so long", zh: "等待处理的最长秒数"), defaultValue: "600"),
      .value(
        "checkpoint", placeholder: "FILE", help: HelpText("remember here how far it came, and go on from there", zh: "断点文件：记录进度并可续传"),
        completion: .files),
      Operator.json, Operator.folder,
    ],
    arguments: [Argument("file", help: HelpText("file to read", zh: "要导入的文件"), completion: .files)], run: run)

  @Sendable static func run(_ arguments: ParsedArguments) async throws -> ExitCode {
    let order = ImportOrder(
      file: try arguments.string("file"), source: try arguments.string("source"), mapping: try arguments.string("mapping"),
      waitLimit: .seconds(try arguments.int("wait-seconds", in: 1...86_400)),
      checkpoint: arguments.optionalString("checkpoint"))
    if order.checkpoint != nil, order.file == "-" {
      throw arguments.error(HelpText("--checkpoint needs a file: standard input cannot be read again", zh: "--checkpoint 需要文件，标准输入无法重读"))
    }
    // What can be told without a suite is told first.
    _ = try FileImport.mapping(order)
    return try await Operator.withServices(arguments) { services in try await run(order, services, arguments) }
  }

  private static func run(_ order: ImportOrder, _ services: ServiceClient, _ arguments: ParsedArguments) async throws -> ExitCode {
    let console = arguments.console
    let isJSON = arguments.flag("json")
    let progress = Progress(
      HelpText("published", zh: "已发布"), unit: HelpText("records", zh: "条记录"), console: console, isSilent: isJSON)
    let teller = WaitTeller { text in if !isJSON { console.printError("clientele: waiting: \(text)") } }
    let work = FileImport(order, services: services, progress: progress) { teller.tell($0) }
    let stop = StopSignal()
    let runner = Interruptible(stop: stop) { try await work.run() }
    _ = await ServiceGroup(services: [runner], logger: .silent).run(stop: stop)
    guard let result = try runner.outcome?.get() else {
      let resumes = order.checkpoint != nil
      console.printError(
        Operator.say(
          arguments,
          "clientele: stopped after \(work.publishedRecords) records were published; "
            + (resumes ? "the same command goes on from the checkpoint" : "importing the file again is harmless"),
          "clientele：已停止，已发布 \(work.publishedRecords) 条记录；" + (resumes ? "以相同命令可从断点继续" : "可放心重新导入")))
      return .failed
    }
    console.out.write(isJSON ? result.json.encodedText + "\n" : result.text(isChinese: Operator.isChinese(arguments)))
    guard result.unaccounted == 0 else {
      console.printError(
        "clientele: \(result.unaccounted) of \(result.records) records are unaccounted for: neither accepted, duplicate, skipped nor quarantined")
      return .failed
    }
    return .ok
  }
}

/// Work that a signal cancels, so that it ends with a message instead of at once.
private final class Interruptible<Value: Sendable>: Service {
  let name = "import"
  private let group: StopSignal
  private let body: @Sendable () async throws -> Value
  private let kept = Mutex<Result<Value, any Error>?>(nil)

  /// - Parameter stop: ends the group once the work is done.
  init(stop: StopSignal, _ body: @escaping @Sendable () async throws -> Value) {
    group = stop
    self.body = body
  }

  /// nil when the work was interrupted.
  var outcome: Result<Value, any Error>? { kept.withLock { $0 } }

  func run(_ stop: StopSignal) async throws {
    do {
      let value = try await stop.cancelling(body)
      kept.withLock { $0 = .success(value) }
    } catch {
      // Whatever fails once the stop was asked fails because of it.
      if !stop.isStopping { kept.withLock { $0 = .failure(error) } }
    }
    group.stop()
    await stop.wait()
  }
}
