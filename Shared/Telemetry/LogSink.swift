// Where log lines go: standard error in a service, a bounded list in tests.
import Glibc
import Synchronization

/// Takes finished log records. Called from any thread; must return quickly and must not log itself.
public protocol LogSink: Sendable {
  func write(_ record: LogRecord)
}

/// Drops every record.
struct NoSink: LogSink {
  func write(_ record: LogRecord) {}
}

/// Writes each record as one JSON line to a file descriptor, standard error as a rule.
///
/// A reader that has stopped reading (a paused terminal, a stuck log collector) must not stop the service: a line waits at most
/// `stallMillisecondsMax` for room, then it and all that follow are dropped until there is room; the next line that gets through is
/// followed by one that says how many were lost.
public final class StandardErrorSink: LogSink {
  /// Longest time a line waits for its reader, in milliseconds.
  public static let stallMillisecondsMax: Int32 = 50

  /// Standard error of this process. One for all loggers, so that lines are written one after the other.
  public static let shared = StandardErrorSink(descriptor: 2)

  private struct State {
    var dropped = 0
    /// Whether the last line that was begun lacks its end.
    var isCut = false
  }

  private let descriptor: Int32
  private let stallMilliseconds: Int32
  private let state = Mutex(State())

  /// - Parameter descriptor: an open file descriptor; it stays the caller's to close.
  public convenience init(descriptor: Int32) { self.init(descriptor: descriptor, stallMilliseconds: Self.stallMillisecondsMax) }

  init(descriptor: Int32, stallMilliseconds: Int32) {
    self.descriptor = descriptor
    self.stallMilliseconds = stallMilliseconds
  }

  public func write(_ record: LogRecord) {
    let line = record.jsonLine()
    self.state.withLock { state in
      // While the reader is stuck nobody waits for it a second time.
      guard self.send(line, &state, waitMilliseconds: state.dropped == 0 ? self.stallMilliseconds : 0) else {
        state.dropped += 1
        return
      }
      guard state.dropped > 0 else { return }
      let notice = LogRecord(
        unixMicroseconds: record.unixMicroseconds, level: .warning, service: record.service,
        message: "log lines were dropped: their reader was too slow", fields: [.count: .int(state.dropped)])
      if self.send(notice.jsonLine(), &state, waitMilliseconds: 0) { state.dropped = 0 }
    }
  }

  /// Whether the whole line went out. A pipe with room for `PIPE_BUF` bytes counts as writable, and no line is longer than that, so a
  /// write after a successful poll does not block and is never mixed with the line of another process on the same pipe.
  private func send(_ line: [UInt8], _ state: inout State, waitMilliseconds: Int32) -> Bool {
    let bytes = state.isCut ? [UInt8(ascii: "\n")] + line : line
    var sent = 0
    while sent < bytes.count {
      var wanted = pollfd(fd: self.descriptor, events: Int16(POLLOUT), revents: 0)
      // A line once begun is finished, within the limit, so that the next one starts at the margin.
      let ready = poll(&wanted, 1, sent == 0 ? waitMilliseconds : self.stallMilliseconds)
      if ready < 0, errno == EINTR { continue }
      guard ready > 0 else { break }
      let written = bytes.withUnsafeBytes { Glibc.write(self.descriptor, $0.baseAddress?.advanced(by: sent), $0.count - sent) }
      if written < 0, errno == EINTR { continue }
      guard written > 0 else { break }
      sent += written
    }
    if sent > 0 { state.isCut = sent < bytes.count }
    return sent == bytes.count
  }
}

/// Keeps the latest records in memory, for tests.
public final class LogCollector: LogSink {
  /// Records kept; older ones are forgotten.
  public static let recordsMax = 10_000

  private let kept = Mutex<[LogRecord]>([])

  public init() {}

  public func write(_ record: LogRecord) {
    self.kept.withLock { kept in
      if kept.count == Self.recordsMax { kept.removeFirst() }
      kept.append(record)
    }
  }

  /// The records so far, oldest first.
  public var records: [LogRecord] { self.kept.withLock { $0 } }
  /// The phrases so far, oldest first.
  public var messages: [String] { self.records.map(\.message) }
}
