// Runs a real shell.
import Dispatch
import Glibc

enum Shell {
  /// Longest output that is read, in bytes.
  private static let outputBytesMax = 1 << 20

  /// Whether such a program is installed.
  static func exists(_ name: String) -> Bool { self.output("command -v \(name)")?.isEmpty == false }

  /// What the shell prints when it runs the script; `nil` when it fails.
  static func run(_ shell: String, _ script: String) async -> String? {
    // Not on a thread of the pool, which other tests need.
    await withCheckedContinuation { continuation in
      DispatchQueue.global().async {
        let output = self.output("\(shell) 2>&1 <<'THE-END-OF-THE-SCRIPT'\n\(script)\nTHE-END-OF-THE-SCRIPT")
        continuation.resume(returning: output)
      }
    }
  }

  private static func output(_ command: String) -> String? {
    guard let pipe = popen(command, "r") else { return nil }
    var bytes = [UInt8](repeating: 0, count: self.outputBytesMax)
    let count = fread(&bytes, 1, bytes.count, pipe)
    return pclose(pipe) == 0 ? String(decoding: bytes.prefix(count), as: UTF8.self) : nil
  }
}
