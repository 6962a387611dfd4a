// What a log line says beside its phrase: named, typed values in the order they were written.

/// The name of a field of a log line. Names used in more than one place are constants in an extension.
public struct LogKey: Hashable, Sendable, RawRepresentable, ExpressibleByStringLiteral, CustomStringConvertible {
  public let rawValue: String

  public init(rawValue: String) { self.rawValue = rawValue }
  public init(stringLiteral value: String) { self.rawValue = value }

  public var description: String { self.rawValue }
}

extension LogKey {
  /// Id of the event that is being handled, as in its header.
  public static let eventID: LogKey = "event_id"
  /// Type name of that event.
  public static let eventType: LogKey = "event_type"
  /// Id that all work caused by one outside request shares (W3C trace id, 32 hexadecimal digits).
  public static let traceID: LogKey = "trace_id"
  /// Id of one step inside a trace (16 hexadecimal digits).
  public static let spanID: LogKey = "span_id"
  /// Kafka topic.
  public static let topic: LogKey = "topic"
  /// Kafka partition number.
  public static let partition: LogKey = "partition"
  /// Offset of a record in its partition.
  public static let offset: LogKey = "offset"
  /// Kafka consumer group.
  public static let group: LogKey = "group"
  /// The producing lane and its sequence number.
  public static let lane: LogKey = "lane"
  public static let sequence: LogKey = "seq"
  /// How many things the line speaks of.
  public static let count: LogKey = "count"
  /// A size in bytes.
  public static let bytes: LogKey = "bytes"
  /// Elapsed time in milliseconds.
  public static let milliseconds: LogKey = "duration_ms"
  /// Which try this was, from 1.
  public static let attempt: LogKey = "attempt"
  /// Why, in a few words.
  public static let reason: LogKey = "reason"
  /// A failure, as it describes itself.
  public static let error: LogKey = "error"
  /// What the reader should do.
  public static let advice: LogKey = "advice"
  /// Name of the part of the process that writes the line.
  public static let part: LogKey = "part"
  /// HTTP method, path and status of a request.
  public static let method: LogKey = "method"
  public static let path: LogKey = "path"
  public static let status: LogKey = "status"
  /// PostgreSQL's five-character error code.
  public static let sqlState: LogKey = "sqlstate"
  /// Name of a Unix signal.
  public static let signal: LogKey = "signal"
  /// Lines that a `LogLimiter` held back since the last one it let through.
  public static let suppressed: LogKey = "suppressed"
}

/// The value of a field of a log line.
public enum LogValue: Sendable, Equatable {
  case string(String)
  case integer(Int64)
  case double(Double)
  case bool(Bool)
  case list([LogValue])

  /// A whole number of any width; one that does not fit 64 bits is shown as the nearest that does.
  public static func int(_ value: some BinaryInteger) -> LogValue { .integer(Int64(clamping: value)) }

  /// A failure or any other value, as it describes itself.
  public static func describing(_ value: some Any) -> LogValue { .string(String(describing: value)) }
}

/// Named values of a log line, in order. A repeated name replaces the earlier value in its place; `nil` leaves the field out.
public struct LogFields: Sendable, Equatable, ExpressibleByDictionaryLiteral {
  public private(set) var pairs: [(key: LogKey, value: LogValue)] = []

  public init() {}

  public init(dictionaryLiteral elements: (LogKey, LogValue?)...) {
    self.pairs.reserveCapacity(elements.count)
    for (key, value) in elements where value != nil { self[key] = value }
  }

  public var isEmpty: Bool { self.pairs.isEmpty }

  public subscript(key: LogKey) -> LogValue? {
    get { self.pairs.first { $0.key == key }?.value }
    set {
      let place = self.pairs.firstIndex { $0.key == key }
      switch (place, newValue) {
      case (let place?, let value?): self.pairs[place].value = value
      case (let place?, nil): self.pairs.remove(at: place)
      case (nil, let value?): self.pairs.append((key, value))
      case (nil, nil): break
      }
    }
  }

  /// These fields and the others; where both have a name, the other's value counts.
  public func merging(_ others: LogFields) -> LogFields {
    if self.isEmpty { return others }
    var merged = self
    for (key, value) in others.pairs { merged[key] = value }
    return merged
  }

  public static func == (left: LogFields, right: LogFields) -> Bool {
    left.pairs.elementsEqual(right.pairs) { $0.key == $1.key && $0.value == $1.value }
  }
}
