// Growing raw memory for values on their way to the server: big-endian puts without an allocation per value.
import Glibc

/// Bytes written one after another. Growth stops at `bytesMax`; what does not fit sets `isOverfull` and is dropped.
struct ByteArena: ~Copyable {
  private(set) var base: UnsafeMutableRawPointer
  private(set) var count = 0
  private(set) var capacity: Int
  private(set) var isOverfull = false
  private let bytesMax: Int

  /// Memory kept by `reset`; a rare huge batch must not pin its memory for ever.
  private static let keptBytesMax = 16 << 20
  private static let firstBytes = 1 << 10

  init(bytesMax: Int) {
    self.bytesMax = bytesMax
    capacity = Self.firstBytes
    base = .allocate(byteCount: Self.firstBytes, alignment: 16)
  }

  deinit { base.deallocate() }

  /// Forgets the content and keeps the memory.
  mutating func reset() {
    count = 0
    isOverfull = false
    if capacity > Self.keptBytesMax { replace(capacity: Self.firstBytes) }
  }

  /// Makes sure that `bytes` more fit; false (and overfull from then on) when the bound forbids it.
  @inline(__always)
  mutating func room(_ bytes: Int) -> Bool {
    if bytes <= capacity - count { return !isOverfull }
    return grow(bytes)
  }

  @inline(never)
  private mutating func grow(_ bytes: Int) -> Bool {
    let (needed, overflow) = count.addingReportingOverflow(bytes)
    if overflow || needed > bytesMax { isOverfull = true }
    if isOverfull { return false }
    replace(capacity: min(bytesMax, max(needed, capacity * 2)))
    return true
  }

  private mutating func replace(capacity newCapacity: Int) {
    let memory = UnsafeMutableRawPointer.allocate(byteCount: newCapacity, alignment: 16)
    memory.copyMemory(from: base, byteCount: count)
    base.deallocate()
    base = memory
    capacity = newCapacity
  }

  @inline(__always)
  mutating func put<Value: FixedWidthInteger & BitwiseCopyable>(_ value: Value) {
    guard room(MemoryLayout<Value>.size) else { return }
    base.storeBytes(of: value.bigEndian, toByteOffset: count, as: Value.self)
    count += MemoryLayout<Value>.size
  }

  @inline(__always)
  mutating func put(_ bytes: UnsafeRawBufferPointer) {
    guard let source = bytes.baseAddress, room(bytes.count) else { return }
    (base + count).copyMemory(from: source, byteCount: bytes.count)
    count += bytes.count
  }

  /// Overwrites four bytes put earlier: lengths and flags that are known only at the end.
  mutating func patch(_ value: Int32, at offset: Int) {
    guard !isOverfull, offset >= 0, offset + 4 <= count else { return }
    base.storeBytes(of: value.bigEndian, toByteOffset: offset, as: Int32.self)
  }

  /// Four bytes as they stand, read big-endian.
  func int32(at offset: Int) -> Int32 {
    guard offset >= 0, offset + 4 <= count else { return 0 }
    return Int32(bigEndian: base.loadUnaligned(fromByteOffset: offset, as: Int32.self))
  }

  /// Forgets everything after `newCount`.
  mutating func cut(to newCount: Int) {
    if newCount >= 0, newCount < count { count = newCount }
  }

  var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: base, count: count) }
}

/// PostgreSQL counts time from 2000-01-01T00:00:00Z, in microseconds.
enum ServerTime {
  static let unixMicrosecondsOfEpoch: Int64 = 946_684_800_000_000
  static let unixDaysOfEpoch: Int32 = 10_957

  /// Unix microseconds as the server stores them; the ends of the range are its infinities.
  @inline(__always)
  static func encode(_ unixMicroseconds: Int64) -> Int64 {
    if unixMicroseconds == .max || unixMicroseconds == .min { return unixMicroseconds }
    let (value, overflow) = unixMicroseconds.subtractingReportingOverflow(unixMicrosecondsOfEpoch)
    return overflow ? .min : value
  }

  @inline(__always)
  static func decode(_ serverMicroseconds: Int64) -> Int64 {
    if serverMicroseconds == .max || serverMicroseconds == .min { return serverMicroseconds }
    let (value, overflow) = serverMicroseconds.addingReportingOverflow(unixMicrosecondsOfEpoch)
    return overflow ? .max : value
  }
}
