// Records on their way in and out. A null value (a tombstone) and an empty one are different things everywhere here.
import CRdKafka
import Glibc

/// One partition of one topic.
public struct TopicPartition: Hashable, Comparable, Sendable, CustomStringConvertible {
  public let topic: String
  public let partition: Int32

  public init(topic: String, partition: Int32) {
    self.topic = topic
    self.partition = partition
  }

  public var description: String { "\(self.topic)/\(self.partition)" }

  public static func < (left: TopicPartition, right: TopicPartition) -> Bool {
    (left.topic, left.partition) < (right.topic, right.partition)
  }
}

/// A header of a record. Names may repeat; order is kept. A null value differs from an empty one.
public struct KafkaHeader: Hashable, Sendable {
  public var name: String
  public var value: [UInt8]?

  public init(name: String, value: [UInt8]?) {
    self.name = name
    self.value = value
  }

  public init(_ name: String, _ text: String) {
    self.name = name
    self.value = Array(text.utf8)
  }
}

/// A record that was read, as a value of its own.
public struct KafkaRecord: Hashable, Sendable {
  public var topic: String
  public var partition: Int32
  public var offset: Int64
  public var key: [UInt8]?
  /// nil is a tombstone.
  public var value: [UInt8]?
  public var headers: [KafkaHeader]
  /// Milliseconds since 1970 as the topic is configured (append time or producer time); -1 when the record has none.
  public var timestampMilliseconds: Int64

  public init(
    topic: String, partition: Int32, offset: Int64, key: [UInt8]?, value: [UInt8]?, headers: [KafkaHeader] = [],
    timestampMilliseconds: Int64 = -1
  ) {
    self.topic = topic
    self.partition = partition
    self.offset = offset
    self.key = key
    self.value = value
    self.headers = headers
    self.timestampMilliseconds = timestampMilliseconds
  }

  /// The value of the first header with this name; nil when there is none or its value is null.
  public func header(_ name: String) -> [UInt8]? { self.headers.first { $0.name == name }?.value }
}

/// A record in the library's own memory: nothing is copied, and every pointer is valid only inside the closure that was given it.
public struct BorrowedRecord: ~Copyable {
  public let offset: Int64
  public let partition: Int32
  /// nil when the record has no key.
  public let key: UnsafeRawBufferPointer?
  /// nil is a tombstone; an empty value is a buffer of no bytes.
  public let value: UnsafeRawBufferPointer?
  private let message: UnsafeMutablePointer<rd_kafka_message_t>?
  /// For a record that is a value already: its headers and time are there.
  private let owned: KafkaRecord?

  init(_ message: UnsafeMutablePointer<rd_kafka_message_t>) {
    self.offset = message.pointee.offset
    self.partition = message.pointee.partition
    self.key = message.pointee.key.map { UnsafeRawBufferPointer(start: $0, count: message.pointee.key_len) }
    self.value = message.pointee.payload.map { UnsafeRawBufferPointer(start: $0, count: message.pointee.len) }
    self.message = message
    self.owned = nil
  }

  fileprivate init(_ record: KafkaRecord, key: UnsafeRawBufferPointer?, value: UnsafeRawBufferPointer?) {
    self.offset = record.offset
    self.partition = record.partition
    self.key = key
    self.value = value
    self.message = nil
    self.owned = record
  }

  /// Bytes of key and value.
  public var byteCount: Int { (self.key?.count ?? 0) + (self.value?.count ?? 0) }

  /// Milliseconds since 1970 as the topic is configured; -1 when the record has none.
  public var timestampMilliseconds: Int64 {
    guard let message = self.message else { return self.owned?.timestampMilliseconds ?? -1 }
    var kind = RD_KAFKA_TIMESTAMP_NOT_AVAILABLE
    return rd_kafka_message_timestamp(message, &kind)
  }

  /// Calls `body` with each header in order; the pointers are valid only inside it. A null value is nil.
  public func forEachHeader(_ body: (_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer?) -> Void) {
    guard let message = self.message else {
      for header in self.owned?.headers ?? [] {
        Array(header.name.utf8).withUnsafeBytes { name in
          if let value = header.value { value.withUnsafeBytes { body(name, $0) } } else { body(name, nil) }
        }
      }
      return
    }
    var headers: OpaquePointer?
    guard rd_kafka_message_headers(message, &headers) == RD_KAFKA_RESP_ERR_NO_ERROR, let headers else { return }
    var index = 0
    var name: UnsafePointer<CChar>?
    var value: UnsafeRawPointer?
    var size = 0
    while rd_kafka_header_get_all(headers, index, &name, &value, &size) == RD_KAFKA_RESP_ERR_NO_ERROR, let start = name {
      body(UnsafeRawBufferPointer(start: start, count: strlen(start)), value.map { UnsafeRawBufferPointer(start: $0, count: size) })
      index += 1
    }
  }

  /// A copy that may be kept.
  public func copied(topic: String) -> KafkaRecord {
    var headers: [KafkaHeader] = []
    self.forEachHeader { name, value in
      headers.append(KafkaHeader(name: String(decoding: name, as: UTF8.self), value: value.map { Array($0) }))
    }
    return KafkaRecord(
      topic: topic, partition: self.partition, offset: self.offset, key: self.key.map { Array($0) }, value: self.value.map { Array($0) },
      headers: headers, timestampMilliseconds: self.timestampMilliseconds)
  }
}

extension KafkaRecord {
  /// Lends the record to code that reads records where the library holds them: simulations and tests.
  public func withBorrowed<Value>(_ body: (borrowing BorrowedRecord) throws -> Value) rethrows -> Value {
    try withBytes(self.key) { key in try withBytes(self.value) { value in try body(BorrowedRecord(self, key: key, value: value)) } }
  }

  private func withBytes<Value>(_ bytes: [UInt8]?, _ body: (UnsafeRawBufferPointer?) throws -> Value) rethrows -> Value {
    guard let bytes else { return try body(nil) }
    return try bytes.withUnsafeBytes { try body($0) }
  }
}

/// A record to be sent. It has no timestamp on purpose: brokers delete by it, and refuse what lies in the future.
public struct OutgoingRecord: Hashable, Sendable {
  public var topic: String
  /// nil lets the key decide (murmur2, as the Java clients do), or chance when there is no key.
  public var partition: Int32?
  public var key: [UInt8]?
  /// nil is a tombstone.
  public var value: [UInt8]?
  public var headers: [KafkaHeader]

  public init(topic: String, partition: Int32? = nil, key: [UInt8]?, value: [UInt8]?, headers: [KafkaHeader] = []) {
    self.topic = topic
    self.partition = partition
    self.key = key
    self.value = value
    self.headers = headers
  }
}

/// Where a record was stored.
public struct RecordPlace: Hashable, Sendable {
  public let partition: Int32
  public let offset: Int64

  public init(partition: Int32, offset: Int64) {
    self.partition = partition
    self.offset = offset
  }
}

/// What became of one enqueued record. Only a success says that it is stored; a failure does *not* say that it is not.
public struct DeliveryReport: Sendable {
  /// The number given to `enqueue`.
  public let token: UInt64
  public let result: Result<RecordPlace, KafkaFailure>

  public init(token: UInt64, result: Result<RecordPlace, KafkaFailure>) {
    self.token = token
    self.result = result
  }
}
