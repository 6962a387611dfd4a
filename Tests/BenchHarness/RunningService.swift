// One of the suite's services as a process: started, looked at from outside, ended.
import Embedded
import Glibc
import HTTP
import Telemetry
import Text

struct ServicePlan: Sendable {
  var service: String
  var instance: String
  var database: String
  /// Where business time stands; nil lets it run.
  var clock: String?
  var settings: [String: String] = [:]
}

final class RunningService: Sendable {
  let name: String
  let process: HelperProcess
  let log: String
  /// From the start of the process until `/readyz` said yes, in seconds.
  let readySeconds: Double
  private let port: String

  private init(_ plan: ServicePlan, _ process: HelperProcess, log: String, port: String, readySeconds: Double) {
    name = plan.service
    self.process = process
    self.log = log
    self.port = port
    self.readySeconds = readySeconds
  }

  static func environment(_ plan: ServicePlan, _ bench: Bench) async throws -> [String: String] {
    var environment = HelperProcess.currentEnvironment()
    environment["DATABASE_URL"] = try await bench.ground.postgres().url(database: plan.database)
    // Tables may be made before there is a broker; the settings want a name all the same.
    environment["KAFKA_BROKERS"] = bench.ground.brokers.isEmpty ? "127.0.0.1:9" : bench.ground.brokers
    environment["CLIENTELE_KAFKA_KIND"] = "kafka"
    environment["CLIENTELE_PSEUDONYM_KEY"] = Ground.pseudonymKey
    environment["CLIENTELE_BASE_CURRENCY"] = OrderStream.currency
    environment["CLIENTELE_BUSINESS_ZONE"] = "UTC"
    environment["CLIENTELE_CLOCK"] = plan.clock
    environment["CLIENTELE_ACCESS"] = "off"
    environment["HTTP_HOST"] = "127.0.0.1"
    environment["HTTP_PORT"] = "0"
    environment["HTTP_PORT_FILE"] = "\(bench.ground.folder)/\(plan.instance).port"
    environment["HOSTNAME"] = plan.instance
    environment["LOG_LEVEL"] = "info"
    if let batchRecords = bench.options.batchRecords { environment["CLIENTELE_BATCH_RECORDS"] = String(batchRecords) }
    // An empty one takes away what the others have.
    for (name, value) in plan.settings { environment[name] = value.isEmpty ? nil : value }
    return environment
  }

  static func migrate(_ plan: ServicePlan, _ bench: Bench) async throws {
    let log = "\(bench.ground.folder)/\(plan.instance)-migrate.log"
    unlink(log)
    let process = try await HelperProcess.start(
      .init(
        executable: try bench.ground.program(plan.service), arguments: ["migrate"], environment: try await environment(plan, bench),
        standardOutput: .file(path: log), standardError: .file(path: log)))
    guard await process.waitForExit(within: .seconds(60)) == 0 else { throw BenchFailure("the tables of \(plan.service) could not be made: see \(log)") }
    unlink(log)
  }

  /// Starts it and waits until it says that it is ready.
  static func start(_ plan: ServicePlan, _ bench: Bench) async throws -> RunningService {
    let log = "\(bench.ground.folder)/\(plan.instance).log"
    let portFile = "\(bench.ground.folder)/\(plan.instance).port"
    for path in [log, portFile] { unlink(path) }
    let environment = try await environment(plan, bench)
    let began = SystemTime.monotonicNanoseconds()
    let process = try await HelperProcess.start(
      .init(
        executable: try bench.ground.program(plan.service), arguments: ["serve"], environment: environment, standardOutput: .file(path: log),
        standardError: .file(path: log)))
    bench.ground.adopt(process)
    let client = HTTPClient(name: "bench-ready")
    var port = ""
    try await bench.until("\(plan.service) is ready (see \(log))", withinSeconds: 60, everyMilliseconds: 1) {
      if let status = process.exitStatus { throw BenchFailure("\(plan.service) ended with status \(status): see \(log)") }
      if port.isEmpty { port = SmallFile.read(portFile).map { String($0.prefix { $0 != "\n" }) } ?? "" }
      guard !port.isEmpty, let answer = try? await client.get("http://127.0.0.1:\(port)/readyz") else { return false }
      return answer.status == .ok
    }
    let seconds = secondsSince(began)
    await client.close()
    return RunningService(plan, process, log: log, port: port, readySeconds: seconds)
  }

  var pid: Int32 { process.pid }
  /// Of its API.
  var url: String { "http://127.0.0.1:\(port)" }

  /// Asks its API; fails unless it says 200 or 202.
  func ask(_ path: String, post: Bool = false) async throws -> JSONValue {
    let client = HTTPClient(name: "bench-ask")
    let url = url + path
    let answer = post ? try await client.post(url, body: []) : try await client.get(url)
    await client.close()
    guard answer.isSuccess else { throw BenchFailure("\(name) answers \(answer.status.rawValue) to \(path)") }
    return try JSONValue(answer.body)
  }

  /// Sends it a JSON document; the whole answer, whatever it is made of.
  func send(_ path: String, _ body: JSONValue) async throws -> [UInt8] {
    let client = HTTPClient(name: "bench-send")
    var request = ClientRequest(.post, url + path, body: body.encoded)
    request.headers["Content-Type"] = "application/json"
    let answer = try await client.send(request)
    await client.close()
    guard answer.isSuccess else {
      throw BenchFailure("\(name) answers \(answer.status.rawValue) to \(path): \(String(decoding: answer.body, as: UTF8.self))")
    }
    return answer.body
  }

  func stop() async throws {
    let status = await process.stop(within: .seconds(20))
    guard status == 0 else { throw BenchFailure("\(name) ended with status \(status.map(String.init) ?? "none"): see \(log)") }
  }

  /// Throws when it has ended by itself.
  func check() throws { if let status = process.exitStatus { throw BenchFailure("\(name) ended with status \(status): see \(log)") } }
}
