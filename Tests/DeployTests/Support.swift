// What the deployment's tests share: files of the checkout, programs that are run to their end, folders of their own.
import Embedded
import Glibc
import TestSupport
import Testing

struct Ran: Sendable {
  let status: Int32
  let output: String
  let errors: String
  var both: String { output + errors }
}

enum Checkout {
  /// The repository's root, from where this file stands.
  static let root = #filePath.split(separator: "/").dropLast(3).reduce(into: "") { $0 += "/" + $1 }

  static func bytes(_ path: String) -> [UInt8] {
    guard let file = fopen(path.hasPrefix("/") ? path : root + "/" + path, "r") else { return [] }
    defer { fclose(file) }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 1 << 16)
    while case let count = fread(&chunk, 1, chunk.count, file), count > 0 { bytes += chunk[0..<count] }
    return bytes
  }

  /// The text of a file, which must be there.
  static func text(_ path: String) throws -> String {
    let bytes = bytes(path)
    try #require(!bytes.isEmpty, "\(path) is missing or empty")
    return String(decoding: bytes, as: UTF8.self)
  }

  static func lines(_ path: String) throws -> [String] { try text(path).split(separator: "\n", omittingEmptySubsequences: false).map(String.init) }

  static func exists(_ path: String) -> Bool { access(path.hasPrefix("/") ? path : root + "/" + path, F_OK) == 0 }

  /// The programs that the manifest makes.
  static func programs() throws -> Set<String> {
    let line = try #require(try lines("Package.swift").first { $0.contains("products:") })
    return Set(Words.between("\"", "\"", in: line))
  }
}

enum Words {
  /// The texts between each pair of marks.
  static func between(_ open: Character, _ close: Character, in text: some StringProtocol) -> [String] {
    var found: [String] = []
    var current: String?
    for character in text {
      if let text = current {
        if character == close { found.append(text) }
        current = character == close ? nil : text + String(character)
      } else if character == open {
        current = ""
      }
    }
    return found
  }

  static func trimmed(_ text: some StringProtocol) -> String {
    String(text.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
  }

  /// The longest runs of letters, digits and underscores that begin with `prefix`.
  static func names(beginningWith prefix: String, in text: String) -> Set<String> {
    Set(text.split { !($0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_")) }.map(String.init).filter { $0.hasPrefix(prefix) })
  }
}

enum Runner {
  /// Runs a program to its end. The environment is the given one, with just enough to find programs.
  static func run(
    _ program: String, _ arguments: [String], environment: [String: String] = [:], in folder: String? = nil, within limit: Duration = .seconds(60)
  ) async throws -> Ran {
    let executable = try #require(program.hasPrefix("/") ? program : Executables.find(program), "\(program) is not there")
    let place = "\(TestDatabase.temporaryFolder)/clientele-run-\(getpid())-\(UInt64.random(in: 0 ... .max))"
    defer {
      unlink(place + ".out")
      unlink(place + ".err")
    }
    var given = ["LANG": "C.UTF-8"]
    for name in ["PATH", "HOME", "TMPDIR", "JAVA_HOME"] { given[name] = HelperProcess.currentEnvironment()[name] }
    given.merge(environment) { $1 }
    let process = try await HelperProcess.start(
      .init(
        executable: executable, arguments: arguments, environment: given, directory: folder, standardOutput: .file(path: place + ".out"),
        standardError: .file(path: place + ".err")))
    let status = await process.waitForExit(within: limit)
    if status == nil { await process.stop(within: .seconds(10)) }
    return Ran(
      status: status ?? -1, output: String(decoding: Checkout.bytes(place + ".out"), as: UTF8.self),
      errors: String(decoding: Checkout.bytes(place + ".err"), as: UTF8.self))
  }

  /// Runs a program that must succeed.
  @discardableResult
  static func done(_ program: String, _ arguments: [String], environment: [String: String] = [:], in folder: String? = nil) async throws -> String {
    let ran = try await run(program, arguments, environment: environment, in: folder, within: .seconds(120))
    guard ran.status == 0 else { throw HelperFailure("\(program) \(arguments.prefix(6)) ended with \(ran.status): \(ran.both.suffix(2_000))") }
    return ran.output
  }

  /// A folder of the test's own, which other accounts may enter; removed afterwards.
  static func withFolder<Value>(_ body: (String) async throws -> Value) async throws -> Value {
    let folder = "\(TestDatabase.temporaryFolder)/clientele-deploy-\(getpid())-\(UInt64.random(in: 0 ... .max))"
    mkdir(folder, 0o755)
    let result: Result<Value, any Error>
    do { result = .success(try await body(folder)) } catch { result = .failure(error) }
    try await TestDatabase.removeFolder(folder)
    return try result.get()
  }

  static func write(_ path: String, _ text: String, mode: mode_t = 0o644) throws {
    let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode)
    guard descriptor >= 0 else { throw HelperFailure("\(path) cannot be written") }
    defer { close(descriptor) }
    let bytes = Array(text.utf8)
    guard Glibc.write(descriptor, bytes, bytes.count) == bytes.count else { throw HelperFailure("\(path) cannot be written") }
  }
}

/// Reads a text again and again until it holds what is waited for; each look is a system call or a round trip.
func eventually(_ what: String, within limit: Duration = .seconds(60), _ isMet: () async throws -> Bool) async throws {
  let end = ContinuousClock.now + limit
  while ContinuousClock.now < end {
    if try await isMet() { return }
    await Task.yield()
  }
  throw HelperFailure("never came: \(what)")
}
