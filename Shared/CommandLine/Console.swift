// Where a command writes, and what it may assume about who reads.
import Glibc
import Synchronization

/// Takes text for people or for the next program.
public protocol TextOutput: Sendable {
  func write(_ text: String)
}

/// A file descriptor: standard output or standard error.
///
/// The write may wait for its reader, like that of any command-line tool. Long-lived services write log lines instead.
public struct DescriptorOutput: TextOutput {
  private let descriptor: Int32

  public init(descriptor: Int32) { self.descriptor = descriptor }

  public func write(_ text: String) {
    var text = text
    text.withUTF8 { bytes in
      var sent = 0
      while sent < bytes.count {
        let count = Glibc.write(self.descriptor, bytes.baseAddress?.advanced(by: sent), bytes.count - sent)
        if count < 0, errno == EINTR { continue }
        // The reader has gone: there is nobody left to tell.
        guard count > 0 else { return }
        sent += count
      }
    }
  }
}

/// Keeps what is written, for tests.
public final class TextCollector: TextOutput {
  private let kept = Mutex("")

  public init() {}

  public func write(_ text: String) { self.kept.withLock { $0 += text } }

  public var text: String { self.kept.withLock { $0 } }
}

/// The surroundings of a command.
public struct Console: Sendable {
  /// Width in columns when nothing tells it.
  public static let columnsDefault = 80
  /// Least and greatest width that is believed.
  public static let columnsMin = 40
  public static let columnsMax = 400

  /// Results.
  public let out: any TextOutput
  /// Messages and progress.
  public let error: any TextOutput
  public var language: Language
  /// Width of the terminal, in columns.
  public let columns: Int
  /// Whether a person watches standard error on a terminal that can rewrite a line.
  public let isErrorTerminal: Bool

  public init(
    out: any TextOutput, error: any TextOutput, language: Language = .en, columns: Int = Console.columnsDefault,
    isErrorTerminal: Bool = false
  ) {
    self.out = out
    self.error = error
    self.language = language
    self.columns = min(max(columns, Self.columnsMin), Self.columnsMax)
    self.isErrorTerminal = isErrorTerminal
  }

  /// The console of this process. Width from `COLUMNS`, language from the locale.
  public static func standard(environment: [String: String]) -> Console {
    Console(
      out: DescriptorOutput(descriptor: 1), error: DescriptorOutput(descriptor: 2), language: Language(environment: environment),
      columns: environment["COLUMNS"].flatMap { Int($0) } ?? Self.columnsDefault,
      isErrorTerminal: isatty(2) == 1 && environment["TERM"] != "dumb")
  }

  /// Writes one line of result.
  public func print(_ line: String) { self.out.write(line + "\n") }
  /// Writes one line of message.
  public func printError(_ line: String) { self.error.write(line + "\n") }
}
