// A service as a process, until its log says what a test waits for.
import Embedded
import Glibc
import TestSupport

enum Service {
  /// Runs `serve` until the log satisfies the test, stops it, and gives back the whole log.
  static func log(
    _ name: String, _ environment: [String: String], folder: String, until isMet: @escaping (String) async throws -> Bool
  ) async throws -> String {
    guard let program = Executables.beside(name) else { throw HelperFailure("\(name) is not built") }
    let log = "\(folder)/\(name)-\(UInt64.random(in: 0 ... .max)).log"
    var given = ["LANG": "C.UTF-8", "LOG_LEVEL": "trace", "PATH": "/usr/bin:/bin"]
    given.merge(environment) { $1 }
    let process = try await HelperProcess.start(
      .init(executable: program, arguments: ["serve"], environment: given, standardOutput: .file(path: log), standardError: .file(path: log)))
    func text() -> String { String(decoding: Checkout.bytes(log), as: UTF8.self) }
    do {
      try await eventually("the log of \(name) with what is waited for") {
        if try await isMet(text()) { return true }
        // The pause between two looks, and the end of a service that ended by itself.
        if await process.waitForExit(within: .milliseconds(50)) != nil { throw HelperFailure("\(name) ended: \(text().suffix(2_000))") }
        return false
      }
    } catch {
      await process.stop(within: .seconds(15))
      throw HelperFailure("\(error): \(text().suffix(3_000))")
    }
    let status = await process.stop(within: .seconds(15))
    guard status == 0 else { throw HelperFailure("\(name) stopped with \(String(describing: status)): \(text().suffix(2_000))") }
    return text()
  }
}
