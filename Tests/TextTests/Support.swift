// Helpers of these tests: a seeded generator, Python as the other opinion, and the places of shared data.
import Foundation
import Glibc
import Testing
import Text

/// A small seeded generator: the same seed gives the same documents everywhere.
struct SplitMix: RandomNumberGenerator {
  var state: UInt64

  init(_ seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }

  mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(max(bound, 1))) }
}

/// The folder of data beside the checkout.
enum SharedData {
  static var folder: URL {
    var place = URL(fileURLWithPath: #filePath).resolvingSymlinksInPath()
    for _ in 0..<4 { place.deleteLastPathComponent() }
    return place.appendingPathComponent("shared/data")
  }

  static func exists(_ path: String) -> Bool {
    FileManager.default.fileExists(atPath: folder.appendingPathComponent(path).path)
  }

  static func bytes(_ path: String) throws -> [UInt8] { [UInt8](try Data(contentsOf: folder.appendingPathComponent(path))) }
}

/// Runs a script of Python 3 on a file of input and returns its file of output.
enum Python {
  static let absent: Comment = "python3 is not installed: there is no second opinion to compare with"

  static let path: String? = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
    .map { "\($0)/python3" }.first { FileManager.default.isExecutableFile(atPath: $0) }

  static var isInstalled: Bool { path != nil }

  struct Failure: Error { var status: Int32 }

  static func run(_ script: String, _ input: String) async throws -> String {
    String(decoding: try await run(script, bytes: Array(input.utf8)), as: UTF8.self)
  }

  static func run(_ script: String, bytes input: [UInt8]) async throws -> [UInt8] {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("text-tests-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let files = ["script.py", "input", "output"].map { folder.appendingPathComponent($0) }
    try Data(script.utf8).write(to: files[0])
    try Data(input).write(to: files[1])
    let status = try await exitStatus([path ?? "python3", "-X", "utf8"] + files.map(\.path))
    guard status == 0 else { throw Failure(status: status) }
    return [UInt8](try Data(contentsOf: files[2]))
  }

  /// Starts a program and waits for its end on a thread of its own. (Foundation's `Process` leaves memory behind, which a run
  /// with the leak sanitizer reports.)
  private static func exitStatus(_ arguments: [String]) async throws -> Int32 {
    let environment = ["PATH=/usr/bin:/bin", "LC_ALL=C.UTF-8"]
    var words: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) } + [nil]
    var settings: [UnsafeMutablePointer<CChar>?] = environment.map { strdup($0) } + [nil]
    defer { for word in words + settings { free(word) } }
    var child: pid_t = 0
    let failure = posix_spawn(&child, arguments[0], nil, nil, &words, &settings)
    guard failure == 0 else { throw Failure(status: failure) }
    return await withCheckedContinuation { [child] continuation in
      Thread.detachNewThread {
        var status: Int32 = 0
        while waitpid(child, &status, 0) == -1, errno == EINTR {}
        continuation.resume(returning: status)
      }
    }
  }

  /// What every script begins with: `lines` and `answer`.
  static let prelude = """
    import sys
    lines = open(sys.argv[1], encoding='utf-8', newline='\\n').read().split('\\n')
    out = open(sys.argv[2], 'w', encoding='utf-8', newline='\\n')
    def answer(text): out.write(str(text) + '\\n')

    """
}

/// The fault of a throwing call, nil when it does not throw.
func fault<Failure: Error, Value>(of body: () throws(Failure) -> Value) -> Failure? {
  do throws(Failure) {
    _ = try body()
    return nil
  } catch {
    return error
  }
}

/// Pulls through a document and returns the fault.
func jsonFault(
  _ text: String, limits: JSONLimits = .standard, _ body: (inout JSONReader) throws(JSONFault) -> Void
) -> JSONFault? {
  jsonFault(Array(text.utf8), limits: limits, body)
}

func jsonFault(
  _ bytes: [UInt8], limits: JSONLimits = .standard, _ body: (inout JSONReader) throws(JSONFault) -> Void
) -> JSONFault? {
  bytes.withUnsafeBytes { raw in
    var reader = JSONReader(raw, limits: limits)
    do throws(JSONFault) {
      try body(&reader)
      return nil
    } catch {
      return error
    }
  }
}

/// Pulls through a document that must be read without a fault.
func expectRead(
  _ text: String, limits: JSONLimits = .standard, sourceLocation: SourceLocation = #_sourceLocation,
  _ body: (inout JSONReader) throws(JSONFault) -> Void
) {
  let found = jsonFault(Array(text.utf8), limits: limits, body)
  #expect(found == nil, sourceLocation: sourceLocation)
}

/// Skips a whole document and returns the fault.
func skipFault(_ bytes: [UInt8], limits: JSONLimits = .standard) -> JSONFault? {
  jsonFault(bytes, limits: limits) { (reader) throws(JSONFault) in
    try reader.skip()
    try reader.finish()
  }
}

func skipFault(_ text: String, limits: JSONLimits = .standard) -> JSONFault? { skipFault(Array(text.utf8), limits: limits) }
