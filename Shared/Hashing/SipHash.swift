// SipHash-2-4 (Aumasson and Bernstein): a short hash of bytes that cannot be steered without the key.

/// A 64-bit SipHash-2-4 of several parts. A value: one hash at a time.
public struct SipHash {
  private var v0: UInt64
  private var v1: UInt64
  private var v2: UInt64
  private var v3: UInt64
  /// Bytes that do not fill a word yet, lowest first.
  private var tail: UInt64 = 0
  private var count = 0

  public init(key0: UInt64, key1: UInt64) {
    v0 = 0x736f_6d65_7073_6575 ^ key0
    v1 = 0x646f_7261_6e64_6f6d ^ key1
    v2 = 0x6c79_6765_6e65_7261 ^ key0
    v3 = 0x7465_6462_7974_6573 ^ key1
  }

  @inline(__always)
  private mutating func round() {
    v0 = v0 &+ v1
    v1 = (v1 << 13 | v1 >> 51) ^ v0
    v0 = v0 << 32 | v0 >> 32
    v2 = v2 &+ v3
    v3 = (v3 << 16 | v3 >> 48) ^ v2
    v0 = v0 &+ v3
    v3 = (v3 << 21 | v3 >> 43) ^ v0
    v2 = v2 &+ v1
    v1 = (v1 << 17 | v1 >> 47) ^ v2
    v2 = v2 << 32 | v2 >> 32
  }

  @inline(__always)
  private mutating func word(_ word: UInt64) {
    v3 ^= word
    round()
    round()
    v0 ^= word
  }

  @inline(__always)
  public mutating func add(_ byte: UInt8) {
    tail |= UInt64(byte) << UInt64(8 * (count & 7))
    count &+= 1
    if count & 7 == 0 {
      word(tail)
      tail = 0
    }
  }

  public mutating func add(_ bytes: UnsafeRawBufferPointer) {
    var at = 0
    while count & 7 != 0, at < bytes.count {
      add(bytes[at])
      at &+= 1
    }
    while bytes.count &- at >= 8 {
      word(UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: at, as: UInt64.self)))
      at &+= 8
      count &+= 8
    }
    while at < bytes.count {
      add(bytes[at])
      at &+= 1
    }
  }

  public consuming func finish() -> UInt64 {
    let length = UInt64(truncatingIfNeeded: count & 0xFF) << 56
    word(tail | length)
    v2 ^= 0xFF
    for _ in 0..<4 { round() }
    return v0 ^ v1 ^ v2 ^ v3
  }
}
