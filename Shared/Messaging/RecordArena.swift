// The bytes of a batch's records, one behind the other: kept because a record may be refused later, without an allocation each.
import Kafka

/// Belongs to one batch.
struct RecordArena: Sendable {
  /// Where a record lies. Lengths of -1 stand for a key or a value that is null.
  struct Place: Sendable {
    let start: Int
    let keyCount: Int
    let valueCount: Int
    let headersCount: Int
  }

  private var bytes: [UInt8] = []

  /// Copies key, value and headers.
  mutating func add(_ record: borrowing BorrowedRecord) -> Place {
    let start = bytes.count
    if let key = record.key { bytes.append(contentsOf: key) }
    if let value = record.value { bytes.append(contentsOf: value) }
    let headers = bytes.count
    record.forEachHeader { name, value in HeaderBytes.append(name, value, to: &bytes) }
    return Place(start: start, keyCount: record.key?.count ?? -1, valueCount: record.value?.count ?? -1, headersCount: bytes.count - headers)
  }

  /// Gives key and value of a record to `body`.
  func withParts<Value>(_ place: Place, _ body: (_ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) throws -> Value) rethrows -> Value {
    try bytes.withUnsafeBytes { all in
      let value = place.start + max(0, place.keyCount)
      let key = UnsafeRawBufferPointer(rebasing: all[place.start..<value])
      return try body(key, UnsafeRawBufferPointer(rebasing: all[value..<value + max(0, place.valueCount)]))
    }
  }

  /// The record as a value of its own.
  func record(_ place: Place, of partition: TopicPartition, offset: Int64) -> KafkaRecord {
    let value = place.start + max(0, place.keyCount)
    let headers = value + max(0, place.valueCount)
    return KafkaRecord(
      topic: partition.topic, partition: partition.partition, offset: offset, key: place.keyCount < 0 ? nil : Array(bytes[place.start..<value]),
      value: place.valueCount < 0 ? nil : Array(bytes[value..<headers]),
      headers: HeaderBytes.decode(Array(bytes[headers..<headers + place.headersCount])))
  }
}
