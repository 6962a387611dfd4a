// How much of what was published lies unread in each partition: the built-in broker drops the oldest beyond 5 MiB.

/// Counts bytes from handing over until ingest has read them. Pure.
struct UnreadBytes: Sendable {
  /// Of our own records at most so many bytes wait in one partition.
  static let partitionBytesMax = 2 << 20
  /// Once a partition was full, it is filled again from here on, so that positions are not asked for every record.
  static let refillBytesMax = 1 << 20

  private struct Lane: Sendable {
    /// Handed over, not yet stored.
    var underWay = 0
    /// Stored, not yet read, oldest first from `first` on.
    var stored: [(offset: Int64, bytes: Int)] = []
    var first = 0
    var unread = 0

    var total: Int { underWay + unread }
  }
  private var lanes: [Int32: Lane] = [:]
  /// False where the broker keeps what is unread: then only ends are remembered.
  let isLimited: Bool
  /// One past the last stored offset of each partition.
  private(set) var ends: [Int32: Int64] = [:]

  init(isLimited: Bool) { self.isLimited = isLimited }

  /// Whether `bytes` more may go to a partition. A record that is larger than the limit goes alone.
  func hasRoom(_ partition: Int32, _ bytes: Int) -> Bool {
    let total = total(partition)
    return !isLimited || total == 0 || total + bytes <= UnreadBytes.partitionBytesMax
  }

  /// The same after a wait.
  func isRefillable(_ partition: Int32, _ bytes: Int) -> Bool {
    let total = total(partition)
    return !isLimited || total == 0 || total + bytes <= UnreadBytes.refillBytesMax
  }

  func total(_ partition: Int32) -> Int { lanes[partition]?.total ?? 0 }

  mutating func handedOver(_ partition: Int32, _ bytes: Int) {
    if isLimited { lanes[partition, default: Lane()].underWay += bytes }
  }

  mutating func stored(_ partition: Int32, _ bytes: Int, at offset: Int64) {
    ends[partition] = max(ends[partition] ?? 0, offset + 1)
    guard isLimited else { return }
    lanes[partition, default: Lane()].underWay -= bytes
    lanes[partition, default: Lane()].unread += bytes
    lanes[partition, default: Lane()].stored.append((offset, bytes))
  }

  /// A record that will never be stored.
  mutating func failed(_ partition: Int32, _ bytes: Int) {
    if isLimited { lanes[partition, default: Lane()].underWay -= bytes }
  }

  /// Ingest has read everything before `next`.
  mutating func read(_ partition: Int32, upTo next: Int64) {
    guard var lane = lanes.removeValue(forKey: partition) else { return }
    while lane.first < lane.stored.count, lane.stored[lane.first].offset < next {
      lane.unread -= lane.stored[lane.first].bytes
      lane.first += 1
    }
    if lane.first > 1_024, lane.first * 2 > lane.stored.count {
      lane.stored.removeFirst(lane.first)
      lane.first = 0
    }
    lanes[partition] = lane
  }
}
