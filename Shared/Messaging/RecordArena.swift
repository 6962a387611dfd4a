// The bytes of a batch's records, one behind the other: kept because a record may be refused later, without an allocation each.
import Kafka
import Text

/// Belongs to one thread, for one batch after the other.
final class RecordArena {
  /// Where a record lies. Lengths of -1 stand for a key or a value that is null.
  struct Place: Sendable {
    let start: Int
    let keyCount: Int
    let valueCount: Int
    let headersCount: Int
    /// Where the value begins.
    var value: Int { start + max(0, keyCount) }
  }

  private var bytes = ByteBuffer(capacityBytes: 4_096)

  /// Memory that is kept from batch to batch; a rare huge one must not pin its memory for ever.
  private static let keptBytesMax = 24 << 20

  /// Forgets all records.
  func removeAll() { bytes.removeAll(keepingCapacity: bytes.capacity <= RecordArena.keptBytesMax) }

  /// Forgets this record and all after it.
  func remove(from place: Place) { bytes.truncate(to: place.start) }

  /// Lends all of it. Nothing may be added meanwhile.
  func withUnsafeBytes<Value>(_ body: (UnsafeRawBufferPointer) throws -> Value) rethrows -> Value {
    try body(bytes.withUnsafeBytes { $0 })
  }

  /// Copies key, value and headers, and shows each header on the way.
  func add(
    _ record: borrowing BorrowedRecord, eachHeader: (_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer?) -> Void = { _, _ in }
  ) -> Place {
    RecordArena.add(record, to: &bytes, eachHeader: eachHeader)
  }

  private static func add(
    _ record: borrowing BorrowedRecord, to bytes: inout ByteBuffer, eachHeader: (_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer?) -> Void
  ) -> Place {
    let start = bytes.count
    if let key = record.key { bytes.append(key) }
    if let value = record.value { bytes.append(value) }
    let headers = bytes.count
    record.forEachHeader { name, value in
      eachHeader(name, value)
      bytes.room(8 + name.count + (value?.count ?? 0))
      bytes.putUnchecked32(UInt32(truncatingIfNeeded: name.count))
      bytes.putUnchecked(name)
      bytes.putUnchecked32(value.map { UInt32(truncatingIfNeeded: $0.count) } ?? .max)
      if let value { bytes.putUnchecked(value) }
    }
    return Place(start: start, keyCount: record.key?.count ?? -1, valueCount: record.value?.count ?? -1, headersCount: bytes.count - headers)
  }

  /// Gives key and value of a record to `body`.
  func withParts<Value>(_ place: Place, _ body: (_ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) throws -> Value) rethrows -> Value {
    try withUnsafeBytes { all in
      let key = UnsafeRawBufferPointer(rebasing: all[place.start..<place.value])
      return try body(key, UnsafeRawBufferPointer(rebasing: all[place.value..<place.value + max(0, place.valueCount)]))
    }
  }

  /// The record as a value of its own.
  func record(_ place: Place, of partition: TopicPartition, offset: Int64) -> KafkaRecord {
    withUnsafeBytes { all in
      let headers = place.value + max(0, place.valueCount)
      return KafkaRecord(
        topic: partition.topic, partition: partition.partition, offset: offset, key: place.keyCount < 0 ? nil : Array(all[place.start..<place.value]),
        value: place.valueCount < 0 ? nil : Array(all[place.value..<headers]),
        headers: HeaderBytes.decode(Array(all[headers..<headers + place.headersCount])))
    }
  }
}
