// The built programs, run as an operator runs them.
import Embedded
import Glibc
import Lifecycle
import TestSupport
import Testing
import Text

struct Ran: Sendable {
  let status: Int32
  let output: String
  let errors: String
  var lines: [Substring] { output.split(whereSeparator: \.isNewline) }
}

enum Programs {
  static let isAvailable = Executables.beside("clientele") != nil && TestDatabase.isAvailable
  static let whyNot: Comment = "needs the built programs beside the tests, and PostgreSQL's server programs"
  static let python = Executables.onPath("python3")

  /// Folder of this file.
  static var here: String { folder(of: #filePath) }
  static func folder(of path: String) -> String { path.split(separator: "/").dropLast().reduce(into: "") { $0 += "/" + $1 } }
  static var repository: String { folder(of: folder(of: here)) }
  static var data: String { folder(of: repository) + "/shared/data" }

  static func exists(_ path: String) -> Bool { access(path, R_OK) == 0 }

  static func read(_ path: String) -> [UInt8] {
    guard let file = fopen(path, "r") else { return [] }
    defer { fclose(file) }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 1 << 16)
    while case let count = fread(&chunk, 1, chunk.count, file), count > 0 { bytes += chunk[0..<count] }
    return bytes
  }

  static func write(_ path: String, _ bytes: [UInt8]) throws {
    guard let file = fopen(path, "w") else { throw HelperFailure("\(path) cannot be written") }
    defer { fclose(file) }
    guard fwrite(bytes, 1, bytes.count, file) == bytes.count else { throw HelperFailure("\(path) cannot be written") }
  }

  /// Runs a program to its end.
  static func run(
    _ program: String, _ arguments: [String], in folder: String, environment more: [String: String] = [:], within limit: Duration = .seconds(180)
  ) async throws -> Ran {
    let name = "\(folder)/run-\(UInt32.random(in: 0 ..< .max))"
    var environment = HelperProcess.currentEnvironment()
    environment["LANG"] = "C.UTF-8"
    for (key, value) in more { environment[key] = value }
    let process = try await HelperProcess.start(
      .init(
        executable: program, arguments: arguments, environment: environment, directory: folder, standardOutput: .file(path: name + ".out"),
        standardError: .file(path: name + ".err")))
    guard let status = await process.waitForExit(within: limit) else {
      process.terminate(9)
      throw HelperFailure("\(program) \(arguments) did not end within \(limit)")
    }
    return Ran(
      status: status, output: String(decoding: read(name + ".out"), as: UTF8.self), errors: String(decoding: read(name + ".err"), as: UTF8.self))
  }
}

/// A running suite in a folder of its own.
struct RunningSuite: Sendable {
  let folder: String
  let kafkaHome: String?

  private var environment: [String: String] { ["KAFKA_HOME": kafkaHome ?? "", "KAFKA_BROKERS": ""] }

  func clientele(_ arguments: String...) async throws -> Ran {
    guard let program = Executables.beside("clientele") else { throw HelperFailure("clientele is not built") }
    return try await Programs.run(program, arguments, in: folder, environment: environment)
  }

  /// Starts a command and kills it as soon as something is so.
  func killed(_ arguments: [String], when isSo: () -> Bool) async throws {
    guard let program = Executables.beside("clientele") else { throw HelperFailure("clientele is not built") }
    var environment = HelperProcess.currentEnvironment()
    for (key, value) in self.environment { environment[key] = value }
    let process = try await HelperProcess.start(.init(executable: program, arguments: arguments, environment: environment, directory: folder))
    while !isSo() {
      guard await process.waitForExit(within: .milliseconds(5)) == nil else { throw HelperFailure("clientele \(arguments) ended before it was killed") }
    }
    process.terminate(9)
    _ = await process.waitForExit(within: .seconds(10))
  }

  func json(_ arguments: String...) async throws -> JSONValue { try await json(arguments) }

  func json(_ arguments: [String]) async throws -> JSONValue {
    guard let program = Executables.beside("clientele") else { throw HelperFailure("clientele is not built") }
    let ran = try await Programs.run(program, arguments, in: folder, environment: environment)
    guard ran.status == 0 else { throw HelperFailure("clientele \(arguments) ended with \(ran.status): \(ran.errors)") }
    return try JSONValue(parsing: ran.output)
  }

  static func with(clock: String, kafkaHome: String? = nil, _ body: (RunningSuite) async throws -> Void) async throws {
    let folder = TestDatabase.temporaryFolder + "/clientele-suite-\(getpid())-\(UInt32.random(in: 0 ..< .max))"
    mkdir(folder, 0o755)
    let suite = RunningSuite(folder: folder, kafkaHome: kafkaHome)
    let up = try await suite.clientele("up", "--clock", clock, "--detach")
    #expect(up.status == 0, "\(up.errors)")
    do {
      try await body(suite)
    } catch {
      _ = try? await suite.clientele("down")
      throw error
    }
    let down = try await suite.clientele("down")
    #expect(down.status == 0, "\(down.errors)")
    try await TestDatabase.removeFolder(folder)
  }

  /// Every customer's line of the report as `member_id,R,F,M,rate`, sorted.
  func figures(asOf day: String) async throws -> [String] {
    let report = try await clientele("report", "tiers", "--as-of", day, "--scorecard", "rfm-plus", "--customers", "--csv")
    guard report.status == 0 else { throw HelperFailure("the report ended with \(report.status): \(report.errors)") }
    #expect(report.output.hasPrefix("customer_id,member_id,recency_days,frequency,monetary,repurchase_rate,"))
    #expect(report.lines.first?.hasSuffix(",score,tier") ?? false)
    return report.lines.dropFirst().map { $0.split(separator: ",", omittingEmptySubsequences: false).dropFirst().prefix(5).joined(separator: ",") }.sorted()
  }

  static func truth(_ kind: String, _ file: String, _ day: String, in folder: String) async throws -> [String] {
    guard let python = Programs.python else { throw HelperFailure("python3 is not installed") }
    let ran = try await Programs.run(python, [Programs.here + "/truth.py", kind, file, day], in: folder)
    guard ran.status == 0 else { throw HelperFailure("truth.py failed: \(ran.errors)") }
    return ran.lines.map(String.init).sorted()
  }
}
