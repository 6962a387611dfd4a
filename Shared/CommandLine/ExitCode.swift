// What a program tells the shell when it ends.

/// The exit status of a program.
public struct ExitCode: RawRepresentable, Sendable, Equatable {
  public let rawValue: Int32

  public init(rawValue: Int32) { self.rawValue = rawValue }

  /// It did what was asked.
  public static let ok = ExitCode(rawValue: 0)
  /// It understood, and could not do it.
  public static let failed = ExitCode(rawValue: 1)
  /// It was called wrongly: EX_USAGE of `sysexits.h`, which is what Swift's command lines use.
  public static let usage = ExitCode(rawValue: 64)
}
