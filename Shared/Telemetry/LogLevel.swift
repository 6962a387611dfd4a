// How grave a log line is. A level is a promise about who should read it, and when.

/// The level of a log line, from the least to the gravest.
public enum LogLevel: UInt8, Sendable, Comparable, CaseIterable {
  /// Once per record: only while looking at one problem.
  case trace
  /// Once per batch or request.
  case debug
  /// A change of state: started, stopped, partition taken.
  case info
  /// Where to look first when something is wrong.
  case warning
  /// A person must act.
  case error

  /// The name in log lines and in settings, in small letters.
  public var name: String {
    switch self {
    case .trace: "trace"
    case .debug: "debug"
    case .info: "info"
    case .warning: "warning"
    case .error: "error"
    }
  }

  /// The level with that name, as written in settings: letter case is ignored. `nil` for any other text.
  public init?(name: String) {
    let wanted = name.lowercased()
    guard let level = Self.allCases.first(where: { $0.name == wanted }) else { return nil }
    self = level
  }

  public static func < (left: LogLevel, right: LogLevel) -> Bool { left.rawValue < right.rawValue }
}
