// Runs the tool's commands in process, against services that answer what a test wants.
import ClienteleCore
import CommandLine
import Glibc
import HTTP
import Lifecycle
import Synchronization
import Telemetry
import Text

@testable import clientele

/// How a command line ended.
struct Called: Equatable {
  let code: ExitCode
  let out: String
  let error: String
}

enum Tool {
  static let program = Program(version: "1.0.0", root: Command(name: "clientele", help: "the operator's tool", subcommands: operatorCommands))

  static func call(_ words: [String], language: CommandLineLanguage = .en) async -> Called {
    let (out, error) = (TextCollector(), TextCollector())
    let code = await program.run(words, console: Console(out: out, error: error, language: language))
    return Called(code: code, out: out.text, error: error.text)
  }
}

/// A folder of a test's own, removed at its end.
final class Folder: Sendable {
  let path: String

  init() {
    var name = Array("/tmp/clientele-test-XXXXXX".utf8CString)
    path = mkdtemp(&name).map { String(cString: $0) } ?? "/nowhere"
  }

  deinit {
    // Tests write files here, no folders.
    for name in names.withLock({ $0 }) { remove(path + "/" + name) }
    rmdir(path)
  }

  private let names = Mutex<[String]>([])

  /// Writes a file; its path.
  func write(_ name: String, _ text: String) -> String {
    names.withLock { $0.append(name) }
    let file = path + "/" + name
    if let stream = fopen(file, "w") {
      fputs(text, stream)
      fclose(stream)
    }
    return file
  }
}

/// Services that answer what they are told to, and a state file that leads to them.
final class FakeSuite: Sendable {
  let folder: Folder
  private let asked: Asked

  /// What was asked, in order: `GET /v1/customers?phone=%2B86...`.
  final class Asked: Sendable {
    private let kept = Mutex<[String]>([])
    func add(_ text: String) { kept.withLock { $0.append(text) } }
    var all: [String] { kept.withLock { $0 } }
  }

  var requests: [String] { asked.all }

  private init(_ folder: Folder, _ asked: Asked) {
    self.folder = folder
    self.asked = asked
  }

  /// Runs the body while the services answer. All three share one server; `add` gets its routes and the log of requests.
  static func run<Value: Sendable>(
    _ add: (inout Router, Asked) -> Void, clock: String? = "1998-07-01", _ body: @Sendable (FakeSuite) async throws -> Value
  ) async throws -> Value {
    let asked = Asked()
    var router = Router(middleware: [
      { request, next in
        let query = request.query["phone"] ?? request.query["email"] ?? request.query["member_id"] ?? request.query["as_of"] ?? request.query["after"]
        asked.add("\(request.method) \(request.path)" + (query.map { "?\($0)" } ?? ""))
        return try await next(request)
      }
    ])
    add(&router, asked)
    let server = HTTPServer(settings: HTTPServerSettings(port: 0), router: router, logger: .silent)
    let stop = StopSignal()
    async let served: Void = server.run(stop)
    let url = "http://127.0.0.1:\(try await server.boundPort)"
    let folder = Folder()
    let service = SuiteState.Service(pid: getpid(), url: url)
    let state = SuiteState(
      pid: getpid(), isReady: true, kafkaKind: "built-in", brokers: "127.0.0.1:1", databaseURL: "postgres://nowhere", clock: clock,
      businessZone: "Asia/Shanghai", baseCurrency: "CNY", services: [
        "ingest": service, "profile": service, "tiering": service, "tickets": service, "feedback": service, "connector": service,
      ])
    _ = folder.write(SuiteState.fileName, state.json.encodedText)
    let suite = FakeSuite(folder, asked)
    let value: Value
    do { value = try await body(suite) } catch {
      stop.stop()
      try? await served
      throw error
    }
    stop.stop()
    try await served
    return value
  }

  /// As services answer that say with lines how far they are; the document must be one line.
  static func longAnswer(_ document: String, isWhole: Bool = true) -> Response {
    .stream(contentType: "application/x-ndjson") { body in
      try await body.write(#"{"so_far":0}"# + "\n" + #"{"so_far":50000}"# + "\n")
      if isWhole { try await body.write(#"{"end":true,"result":"# + document + "}\n") }
    }
  }

  func call(_ words: [String]) async -> Called { await Tool.call(words + ["--folder", folder.path]) }
}

/// Another program.
enum Shell {
  private static let outputBytesMax = 16 << 20

  static let hasPython = output("command -v python3")?.isEmpty == false

  static func output(_ command: String) -> String? {
    guard let pipe = popen(command, "r") else { return nil }
    var bytes = [UInt8](repeating: 0, count: outputBytesMax)
    let count = fread(&bytes, 1, bytes.count, pipe)
    return pclose(pipe) == 0 ? String(decoding: bytes.prefix(count), as: UTF8.self) : nil
  }
}
