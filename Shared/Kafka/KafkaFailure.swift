// The one error of this room: what went wrong, in the terms in which a caller decides.
import CRdKafka

/// A failure of the broker, the connection or the client library. Callers switch over ``kind``; ``text`` is for people.
public struct KafkaFailure: Error, Hashable, Sendable, CustomStringConvertible {
  /// What a caller can do about it.
  public enum Kind: String, Hashable, Sendable, CaseIterable {
    /// Passes by itself: no connection, a leader on the move, a rebalance. The library goes on trying; the caller may too.
    case retriable
    /// The handle is finished: fenced, or an idempotent producer that lost its place. Close it and make a new one.
    case fatal
    /// The position asked for is not in the log. Nothing more comes until the partition is restarted at another offset.
    case outOfRange
    /// A right is missing, or the broker does not accept who we are. Tried again for ever by the library; a person must act.
    case authorization
    /// The topic or partition does not exist (yet, or any more).
    case unknownTopic
    /// The local queue or the in-flight limit is full. Take reports, then try again.
    case queueFull
    /// No answer within the limit. The record may have been stored.
    case timedOut
    /// The handle is closed, or closed before the answer came. The record may have been stored.
    case closed
    /// A setting or an argument is wrong. Trying again does not help.
    case configuration
    /// Bytes arrived damaged. Restart the partition at the position on record.
    case corrupt
    /// Everything else.
    case other
  }

  public let kind: Kind
  /// librdkafka's error number (negative: the client's own, positive: the broker's), or 0 when this room refused.
  public let code: Int32
  /// What happened, with the broker's words where there are any.
  public let text: String

  public init(kind: Kind, code: Int32 = 0, text: String) {
    self.kind = kind
    self.code = code
    self.text = text
  }

  /// The library's short name of the error, e.g. `_TIMED_OUT`; empty when this room refused.
  public var name: String {
    self.code == 0 ? "" : String(cString: rd_kafka_err2name(rd_kafka_resp_err_t(self.code)))
  }

  public var isRetriable: Bool { self.kind == .retriable || self.kind == .timedOut || self.kind == .queueFull }
  public var isFatal: Bool { self.kind == .fatal }

  public var description: String {
    self.code == 0 ? "\(self.kind.rawValue): \(self.text)" : "\(self.kind.rawValue) \(self.name): \(self.text)"
  }
}

extension KafkaFailure {
  static let closedHandle = KafkaFailure(kind: .closed, text: "the client is closed")

  /// An outcome that carries only a number; `text` adds what the caller knows.
  init(_ error: rd_kafka_resp_err_t, text: String? = nil) {
    let words = String(cString: rd_kafka_err2str(error))
    self.init(kind: Kind(error), code: error.rawValue, text: text ?? words)
  }

  /// Takes over an error object of the library and frees it: its text dies with it. nil for success.
  init?(consuming error: OpaquePointer?) {
    guard let error else { return nil }
    defer { rd_kafka_error_destroy(error) }
    let code = rd_kafka_error_code(error)
    var kind = Kind(code)
    if rd_kafka_error_is_fatal(error) != 0 {
      kind = .fatal
    } else if kind == .other, rd_kafka_error_is_retriable(error) != 0 {
      kind = .retriable
    }
    self.init(kind: kind, code: code.rawValue, text: String(cString: rd_kafka_error_string(error)))
  }

  /// Why an idempotent producer or a static member is finished; nil while it is not.
  init?(fatalErrorOf client: OpaquePointer) {
    var buffer = [CChar](repeating: 0, count: failureTextBytesMax)
    let code = rd_kafka_fatal_error(client, &buffer, buffer.count)
    guard code != RD_KAFKA_RESP_ERR_NO_ERROR else { return nil }
    self.init(kind: .fatal, code: code.rawValue, text: failureText(buffer))
  }
}

/// The longest text taken from the library's error buffers, in bytes.
let failureTextBytesMax = 512

/// The text before the first zero byte.
func failureText(_ buffer: [CChar]) -> String {
  String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
}

extension KafkaFailure.Kind {
  init(_ error: rd_kafka_resp_err_t) { self.init(code: error.rawValue) }

  /// By the library's error number.
  init(code: Int32) { self = KafkaFailure.Kind.table[code] ?? .other }

  private static let table: [Int32: KafkaFailure.Kind] = {
    var table: [Int32: KafkaFailure.Kind] = [:]
    for (kind, errors) in KafkaFailure.Kind.families {
      for error in errors { table[error.rawValue] = kind }
    }
    return table
  }()

  private static var families: [(KafkaFailure.Kind, [rd_kafka_resp_err_t])] {
    [
      (.fatal, [RD_KAFKA_RESP_ERR__FATAL, RD_KAFKA_RESP_ERR__FENCED, RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID]),
      (.outOfRange, [RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET, RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE]),
      (.authorization, [
        RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED,
        RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED, RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
        RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED, RD_KAFKA_RESP_ERR__AUTHENTICATION, RD_KAFKA_RESP_ERR__SSL,
      ]),
      (.unknownTopic, [
        RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC, RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION, RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART,
      ]),
      (.queueFull, [RD_KAFKA_RESP_ERR__QUEUE_FULL]),
      (.timedOut, [
        RD_KAFKA_RESP_ERR__TIMED_OUT, RD_KAFKA_RESP_ERR__MSG_TIMED_OUT, RD_KAFKA_RESP_ERR__TIMED_OUT_QUEUE,
        RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT,
      ]),
      (.closed, [RD_KAFKA_RESP_ERR__DESTROY, RD_KAFKA_RESP_ERR__PURGE_QUEUE, RD_KAFKA_RESP_ERR__PURGE_INFLIGHT]),
      (.configuration, [
        RD_KAFKA_RESP_ERR__INVALID_ARG, RD_KAFKA_RESP_ERR__CONFLICT, RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION,
        RD_KAFKA_RESP_ERR_INVALID_CONFIG, RD_KAFKA_RESP_ERR_INVALID_PARTITIONS,
        RD_KAFKA_RESP_ERR_INVALID_REPLICATION_FACTOR, RD_KAFKA_RESP_ERR_INVALID_REQUEST, RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE,
        RD_KAFKA_RESP_ERR_POLICY_VIOLATION, RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE, RD_KAFKA_RESP_ERR_UNSUPPORTED_VERSION,
        RD_KAFKA_RESP_ERR_INCONSISTENT_GROUP_PROTOCOL,
      ]),
      (.corrupt, [
        RD_KAFKA_RESP_ERR__BAD_MSG, RD_KAFKA_RESP_ERR__BAD_COMPRESSION, RD_KAFKA_RESP_ERR__NOT_IMPLEMENTED,
        RD_KAFKA_RESP_ERR_INVALID_MSG,
      ]),
      (.retriable, [
        RD_KAFKA_RESP_ERR__TRANSPORT, RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN, RD_KAFKA_RESP_ERR__RESOLVE,
        RD_KAFKA_RESP_ERR__WAIT_COORD, RD_KAFKA_RESP_ERR__MAX_POLL_EXCEEDED, RD_KAFKA_RESP_ERR__ASSIGNMENT_LOST,
        RD_KAFKA_RESP_ERR__RETRY, RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE, RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION,
        RD_KAFKA_RESP_ERR_BROKER_NOT_AVAILABLE, RD_KAFKA_RESP_ERR_REPLICA_NOT_AVAILABLE, RD_KAFKA_RESP_ERR_NETWORK_EXCEPTION,
        RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS, RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE,
        RD_KAFKA_RESP_ERR_NOT_COORDINATOR, RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS,
        RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS_AFTER_APPEND, RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS,
        RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION, RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID, RD_KAFKA_RESP_ERR_NOT_CONTROLLER,
        RD_KAFKA_RESP_ERR_KAFKA_STORAGE_ERROR, RD_KAFKA_RESP_ERR_THROTTLING_QUOTA_EXCEEDED,
      ]),
    ]
  }
}
