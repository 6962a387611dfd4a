// Kafka's own partition rule for keyed records, so that the place of a key is known without asking a broker.

/// The hash by which Kafka's Java clients, and `partitioner=murmur2_random` here, spread keys over partitions.
public enum Murmur2 {
  /// The 32-bit hash of the key, equal to `org.apache.kafka.common.utils.Utils.murmur2`.
  public static func hash(_ key: some Collection<UInt8>) -> Int32 {
    key.withContiguousStorageIfAvailable { Murmur2.hash(UnsafeRawBufferPointer($0)) }
      ?? Array(key).withUnsafeBytes { Murmur2.hash($0) }
  }

  /// The same for borrowed bytes.
  public static func hash(_ key: UnsafeRawBufferPointer) -> Int32 {
    let multiplier: UInt32 = 0x5bd1_e995
    let count = key.count
    var hash: UInt32 = 0x9747_b28c ^ UInt32(truncatingIfNeeded: count)
    var index = 0
    while index + 4 <= count {
      var word = UInt32(littleEndian: key.loadUnaligned(fromByteOffset: index, as: UInt32.self))
      word &*= multiplier
      word ^= word >> 24
      word &*= multiplier
      hash &*= multiplier
      hash ^= word
      index += 4
    }
    let rest = count - index
    if rest > 0 {
      var tail: UInt32 = 0
      for place in 0..<rest { tail |= UInt32(key[index + place]) << (8 * UInt32(place)) }
      hash ^= tail
      hash &*= multiplier
    }
    hash ^= hash >> 13
    hash &*= multiplier
    hash ^= hash >> 15
    return Int32(bitPattern: hash)
  }

  /// The partition of a key in a topic of `count` partitions; nil when there are none.
  public static func partition(key: some Collection<UInt8>, count: Int32) -> Int32? {
    count > 0 ? partition(hash: Murmur2.hash(key), count: count) : nil
  }

  /// The same for borrowed bytes.
  public static func partition(key: UnsafeRawBufferPointer, count: Int32) -> Int32? {
    count > 0 ? partition(hash: Murmur2.hash(key), count: count) : nil
  }

  /// The same for a hash and at least one partition. The sign bit is dropped, as Java does; taking the magnitude would differ.
  public static func partition(hash: Int32, count: Int32) -> Int32 { (hash & 0x7fff_ffff) % count }
}
