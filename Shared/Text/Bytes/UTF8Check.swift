// Strict UTF-8: which byte is the first that does not belong.

/// Validation of UTF-8 as Unicode defines it: no overlong forms, no surrogates, nothing above U+10FFFF.
public enum UTF8Check {
  /// The offset of the first byte of the first sequence that is not UTF-8; nil when all of it is.
  public static func firstFault(in bytes: UnsafeRawBufferPointer) -> Int? {
    guard let base = bytes.baseAddress else { return nil }
    let start = base.assumingMemoryBound(to: UInt8.self)
    let end = start + bytes.count
    var at = start
    while at < end {
      if end - at >= 8, UnsafeRawPointer(at).loadUnaligned(as: UInt64.self) & 0x8080_8080_8080_8080 == 0 {
        at += 8
      } else if at.pointee < 0x80 {
        at += 1
      } else {
        let length = sequenceLength(at, end)
        if length == 0 { return at - start }
        at += length
      }
    }
    return nil
  }

  /// True when all bytes are UTF-8.
  public static func isValid(_ bytes: UnsafeRawBufferPointer) -> Bool { firstFault(in: bytes) == nil }

  /// Length in bytes of the sequence of two to four bytes at `at`; 0 when it is not UTF-8 or is cut by `end`.
  @inline(__always)
  static func sequenceLength(_ at: UnsafePointer<UInt8>, _ end: UnsafePointer<UInt8>) -> Int {
    let lead = at[0]
    let left = end - at
    if lead < 0xE0 {
      guard lead >= 0xC2, left >= 2, at[1] & 0xC0 == 0x80 else { return 0 }
      return 2
    }
    if lead < 0xF0 {
      guard left >= 3, at[1] & 0xC0 == 0x80, at[2] & 0xC0 == 0x80 else { return 0 }
      if lead == 0xE0, at[1] < 0xA0 { return 0 }
      if lead == 0xED, at[1] > 0x9F { return 0 }
      return 3
    }
    guard lead <= 0xF4, left >= 4, at[1] & 0xC0 == 0x80, at[2] & 0xC0 == 0x80, at[3] & 0xC0 == 0x80 else { return 0 }
    if lead == 0xF0, at[1] < 0x90 { return 0 }
    if lead == 0xF4, at[1] > 0x8F { return 0 }
    return 4
  }
}
