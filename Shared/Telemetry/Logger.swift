// The way code writes log lines: a fixed phrase and fields, at a level.

/// Writes log lines for one service. A value: copies are cheap and may be used from any thread.
///
/// The phrase is a `StaticString`, so that what varies cannot be interpolated into it and must be a field, where it can be searched.
///
///     let logger = Logger(service: "ingest")
///     logger.info("partition taken", [.topic: .string(topic), .partition: .int(3)])
public struct Logger: Sendable {
  /// Name of the service, on every line.
  public let service: String
  /// Lines below this level are not written, and their fields not even computed.
  public var level: LogLevel
  /// Fields that every line of this logger has.
  public let fields: LogFields

  private let sink: any LogSink
  private let unixMicroseconds: @Sendable () -> Int64

  /// - Parameters:
  ///   - service: name on every line.
  ///   - level: the least grave level that is written.
  ///   - sink: where lines go; standard error unless a test says otherwise.
  ///   - unixMicroseconds: gives the time of a line, in microseconds since 1970 UTC.
  public init(
    service: String, level: LogLevel = .info, sink: any LogSink = StandardErrorSink.shared,
    unixMicroseconds: @escaping @Sendable () -> Int64 = SystemTime.unixMicroseconds
  ) {
    self.init(service: service, level: level, fields: [:], sink: sink, unixMicroseconds: unixMicroseconds)
  }

  private init(
    service: String, level: LogLevel, fields: LogFields, sink: any LogSink, unixMicroseconds: @escaping @Sendable () -> Int64
  ) {
    self.service = service
    self.level = level
    self.fields = fields
    self.sink = sink
    self.unixMicroseconds = unixMicroseconds
  }

  /// Writes nothing anywhere: for tests and for callers that do not care.
  public static let silent = Logger(service: "", level: .error, sink: NoSink())

  /// A logger whose lines have these fields too.
  public func with(_ fields: LogFields) -> Logger {
    Logger(
      service: self.service, level: self.level, fields: self.fields.merging(fields), sink: self.sink,
      unixMicroseconds: self.unixMicroseconds)
  }

  /// Whether a line of that level would be written.
  public func writes(_ level: LogLevel) -> Bool { level >= self.level }

  /// Writes one line. The fields are computed only when the level is written.
  public func log(_ level: LogLevel, _ phrase: StaticString, _ fields: @autoclosure () -> LogFields = [:]) {
    guard level >= self.level else { return }
    self.sink.write(
      LogRecord(
        unixMicroseconds: self.unixMicroseconds(), level: level, service: self.service, message: phrase.description,
        fields: self.fields.merging(fields())))
  }

  /// Once per record: only while looking at one problem.
  public func trace(_ phrase: StaticString, _ fields: @autoclosure () -> LogFields = [:]) { self.log(.trace, phrase, fields()) }
  /// Once per batch or request.
  public func debug(_ phrase: StaticString, _ fields: @autoclosure () -> LogFields = [:]) { self.log(.debug, phrase, fields()) }
  /// A change of state.
  public func info(_ phrase: StaticString, _ fields: @autoclosure () -> LogFields = [:]) { self.log(.info, phrase, fields()) }
  /// Where to look first when something is wrong.
  public func warning(_ phrase: StaticString, _ fields: @autoclosure () -> LogFields = [:]) { self.log(.warning, phrase, fields()) }
  /// A person must act.
  public func error(_ phrase: StaticString, _ fields: @autoclosure () -> LogFields = [:]) { self.log(.error, phrase, fields()) }
}
