// What the tests of this room share.
import Dispatch
import Glibc
import Synchronization

/// A clock that a test moves.
final class ManualClock: Sendable {
  private let now: Mutex<Int64>

  init(_ start: Int64 = 0) { self.now = Mutex(start) }

  func move(to value: Int64) { self.now.withLock { $0 = value } }
  func read() -> Int64 { self.now.withLock { $0 } }
}

/// A small generator, so that a test names its ids.
struct SplitMix: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    self.state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = self.state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }
}

/// Runs other programs, not on a thread of the pool, which other tests need.
enum Shell {
  private static let outputBytesMax = 1 << 20

  static func exists(_ name: String) -> Bool { self.output("command -v \(name)").isEmpty == false }

  /// Whether the command reads the input and ends with 0.
  static func accepts(_ command: String, input: String) async -> Bool {
    await self.onThread {
      guard let pipe = popen(command, "w") else { return false }
      let bytes = Array(input.utf8)
      let count = fwrite(bytes, 1, bytes.count, pipe)
      return pclose(pipe) == 0 && count == bytes.count
    }
  }

  /// What the command prints when it is given the input, with its exit code on the last line.
  static func run(_ command: String, input: String = "") async -> String {
    await self.onThread { self.output("\(command) 2>&1 <<'THE-END-OF-THE-INPUT'\n\(input)\nTHE-END-OF-THE-INPUT\necho $?") }
  }

  private static func onThread<Value: Sendable>(_ body: @escaping @Sendable () -> Value) async -> Value {
    await withCheckedContinuation { continuation in
      DispatchQueue.global().async { continuation.resume(returning: body()) }
    }
  }

  private static func output(_ command: String) -> String {
    guard let pipe = popen(command, "r") else { return "" }
    var bytes = [UInt8](repeating: 0, count: self.outputBytesMax)
    let count = fread(&bytes, 1, bytes.count, pipe)
    pclose(pipe)
    return String(decoding: bytes.prefix(count), as: UTF8.self)
  }
}
