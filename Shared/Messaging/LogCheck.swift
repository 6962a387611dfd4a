// Whether the log still is the one that was read: its ends, and the record before the position. Kafka's protocol does not tell, so it is looked at.
import Contracts
import Hashing
import Kafka

/// What the log shows.
struct LogSight {
  var low: Int64
  var high: Int64
  /// The digest of the record before the position; nil where the log has none.
  var digestBefore: [UInt8]?
}

enum LogCheck {
  /// How often a running partition looks, in nanoseconds; also after every failure that the client reports.
  static let everyNanoseconds: Int64 = 30_000_000_000

  /// nil when all is well. Pure.
  static func judge(_ position: Position, _ sight: LogSight, of partition: TopicPartition) -> Halt? {
    let next = position.nextOffset
    if next > sight.high {
      return Halt(
        reason: "\(partition) ends at offset \(sight.high), but \(next) is next: the topic was created anew or lost its tail",
        missing: Missing(.endsEarly, from: sight.high, to: next - 1))
    }
    if next < sight.low {
      return Halt(
        reason: "\(partition) begins at offset \(sight.low), but \(next) is next: retention removed records that were not read",
        missing: Missing(.removed, from: next, to: sight.low - 1))
    }
    if let anchor = position.anchor, let digest = sight.digestBefore, digest != anchor {
      return Halt(
        reason: "\(partition) holds another record at offset \(next - 1) than the one applied: the topic was created anew or its history was changed",
        missing: Missing(.anotherRecord, from: next - 1, to: next - 1))
    }
    return nil
  }

  /// Asks the broker. Blocks.
  static func look(_ partition: TopicPartition, before next: Int64, wantsRecord: Bool, _ probe: KafkaProbe) throws -> LogSight {
    let reach = try probe.watermarks(partition)
    var sight = LogSight(low: reach.low, high: reach.high)
    guard wantsRecord, next > reach.low, next <= reach.high else { return sight }
    let record: KafkaRecord?
    do throws(KafkaFailure) { record = try probe.record(partition, at: next - 1) } catch {
      // The log moved between the two questions: the next look will see it.
      guard error.kind == .outOfRange else { throw error }
      return sight
    }
    // Compaction and transactions leave holes: where no record is, nothing can be compared.
    guard let record, record.offset == next - 1 else { return sight }
    sight.digestBefore = try record.key.withBytes { key in try record.value.withBytes { try Hasher256().digest(parts: [key, $0]) } }.bytes
    return sight
  }

  /// Whether the log has a record in the range. An answer that cannot be had counts as yes: then the stream begins anew, and nothing is skipped.
  static func hasRecords(_ partition: TopicPartition, from: Int64, before: Int64, _ probe: KafkaProbe) -> Bool {
    do {
      guard let record = try probe.record(partition, at: from) else { return true }
      return record.offset < before
    } catch { return true }
  }
}

extension [UInt8]? {
  fileprivate func withBytes<Value>(_ body: (UnsafeRawBufferPointer) throws -> Value) rethrows -> Value {
    guard let self else { return try body(Contract.nothing) }
    return try self.withUnsafeBytes(body)
  }
}
