// A growable run of raw bytes for writing: COPY rows, parameter arenas, JSON, CSV.
// One allocation that grows; `room` once per row, then plain stores.
import Glibc

/// A growable buffer of raw bytes with one owner.
///
/// It grows as long as its owner writes. The owner bounds what it writes (rows per batch, bytes per document):
/// the buffer itself has no limit but memory.
public struct ByteBuffer: ~Copyable, @unchecked Sendable {
  // @unchecked Sendable: the pointer never leaves the value, and a noncopyable value has one owner at a time.
  private var base: UnsafeMutableRawPointer
  /// Bytes written so far.
  public private(set) var count = 0
  /// Bytes that fit before the next allocation.
  public private(set) var capacity: Int

  /// The smallest allocation, in bytes.
  public static let capacityBytesMin = 64

  /// Up to here the capacity is doubled, above it grows by half: what is not used of it has been touched all the same.
  private static let doubledBytesMax = 1 << 20

  /// Makes an empty buffer with room for `capacityBytes`.
  public init(capacityBytes: Int = ByteBuffer.capacityBytesMin) {
    capacity = max(capacityBytes, Self.capacityBytesMin)
    base = .allocate(byteCount: capacity, alignment: 16)
  }

  deinit { base.deallocate() }

  /// Takes memory for so many bytes and keeps the content: the C library moves a large piece to a larger place without touching it.
  private mutating func resize(to bytes: Int) {
    capacity = bytes
    if let moved = realloc(base, bytes) {
      base = moved
      return
    }
    // Swift's own allocation says that there is no memory, and ends the process.
    let other = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: 16)
    memcpy(other, base, count)
    base.deallocate()
    base = other
  }

  public var isEmpty: Bool { count == 0 }

  /// Makes sure that `bytes` more can be put without a check.
  @inline(__always)
  public mutating func room(_ bytes: Int) {
    if capacity - count < bytes { grow(bytes) }
  }

  @inline(never)
  private mutating func grow(_ bytes: Int) {
    let grown = capacity < Self.doubledBytesMax ? capacity * 2 : capacity + capacity / 2
    resize(to: max(count + bytes, grown))
  }

  // MARK: Unchecked puts, after `room`

  /// Stores one byte; `room` must have been asked for.
  @inline(__always)
  public mutating func putUnchecked8(_ value: UInt8) {
    assert(capacity - count >= 1)
    base.storeBytes(of: value, toByteOffset: count, as: UInt8.self)
    count &+= 1
  }

  /// Stores 16 bits, most significant byte first; `room` must have been asked for.
  @inline(__always)
  public mutating func putUnchecked16(_ value: UInt16) {
    assert(capacity - count >= 2)
    base.storeBytes(of: value.bigEndian, toByteOffset: count, as: UInt16.self)
    count &+= 2
  }

  /// Stores 32 bits, most significant byte first; `room` must have been asked for.
  @inline(__always)
  public mutating func putUnchecked32(_ value: UInt32) {
    assert(capacity - count >= 4)
    base.storeBytes(of: value.bigEndian, toByteOffset: count, as: UInt32.self)
    count &+= 4
  }

  /// Stores 64 bits, most significant byte first; `room` must have been asked for.
  @inline(__always)
  public mutating func putUnchecked64(_ value: UInt64) {
    assert(capacity - count >= 8)
    base.storeBytes(of: value.bigEndian, toByteOffset: count, as: UInt64.self)
    count &+= 8
  }

  /// Stores bytes as they are; `room` must have been asked for.
  @inline(__always)
  public mutating func putUnchecked(_ bytes: UnsafeRawBufferPointer) {
    assert(capacity - count >= bytes.count)
    guard let source = bytes.baseAddress else { return }
    memcpy(base + count, source, bytes.count)
    count &+= bytes.count
  }

  // MARK: Checked puts

  /// Appends one byte.
  @inline(__always)
  public mutating func put8(_ value: UInt8) {
    room(1)
    putUnchecked8(value)
  }

  /// Appends 16 bits, most significant byte first.
  @inline(__always)
  public mutating func put16(_ value: UInt16) {
    room(2)
    putUnchecked16(value)
  }

  /// Appends 32 bits, most significant byte first.
  @inline(__always)
  public mutating func put32(_ value: UInt32) {
    room(4)
    putUnchecked32(value)
  }

  /// Appends 64 bits, most significant byte first.
  @inline(__always)
  public mutating func put64(_ value: UInt64) {
    room(8)
    putUnchecked64(value)
  }

  /// Appends 16 signed bits, most significant byte first.
  public mutating func put16(_ value: Int16) { put16(UInt16(bitPattern: value)) }
  /// Appends 32 signed bits, most significant byte first.
  public mutating func put32(_ value: Int32) { put32(UInt32(bitPattern: value)) }
  /// Appends 64 signed bits, most significant byte first.
  public mutating func put64(_ value: Int64) { put64(UInt64(bitPattern: value)) }

  /// Appends bytes as they are.
  @inline(__always)
  public mutating func append(_ bytes: UnsafeRawBufferPointer) {
    room(bytes.count)
    putUnchecked(bytes)
  }

  /// Appends bytes as they are.
  public mutating func append(_ bytes: [UInt8]) {
    bytes.withUnsafeBytes { append($0) }
  }

  /// Appends the bytes of a constant.
  @inline(__always)
  public mutating func append(_ text: StaticString) {
    guard text.hasPointerRepresentation else { return append(String(describing: text)) }
    append(UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
  }

  /// Appends the UTF-8 of a text. Not chosen for literals, which are constants.
  @_disfavoredOverload
  public mutating func append(_ text: String) {
    let stored: Void? = text.utf8.withContiguousStorageIfAvailable { append(UnsafeRawBufferPointer($0)) }
    if stored == nil { append(Array(text.utf8)) }
  }

  /// Appends the bytes of a text that the JSON reader found.
  @inline(__always)
  public mutating func append(_ text: JSONText) { append(text.bytes) }

  /// Appends an integer in decimal digits.
  public mutating func appendDecimal(_ value: Int64) {
    if value < 0 { put8(0x2D) }
    appendDecimal(value.magnitude)
  }

  /// Appends an integer in decimal digits.
  public mutating func appendDecimal(_ value: UInt64) {
    let digits = DecimalDigits.count(value)
    room(digits)
    var rest = value
    var place = count + digits
    count = place
    repeat {
      place -= 1
      base.storeBytes(of: 0x30 &+ UInt8(truncatingIfNeeded: rest % 10), toByteOffset: place, as: UInt8.self)
      rest /= 10
    } while rest > 0
  }

  // MARK: Changes

  /// Overwrites four bytes written earlier, most significant byte first: a length known only after its content.
  /// Returns false, changing nothing, when these bytes have not been written.
  @discardableResult
  public mutating func overwrite32(at offset: Int, _ value: UInt32) -> Bool {
    guard offset >= 0, offset <= count - 4 else { return false }
    base.storeBytes(of: value.bigEndian, toByteOffset: offset, as: UInt32.self)
    return true
  }

  /// Forgets what was written after the first `length` bytes; a longer length changes nothing.
  public mutating func truncate(to length: Int) {
    if length >= 0, length < count { count = length }
  }

  /// Forgets all bytes, and gives their memory back unless it is to be kept.
  public mutating func removeAll(keepingCapacity: Bool = true) {
    count = 0
    guard !keepingCapacity, capacity > Self.capacityBytesMin else { return }
    resize(to: Self.capacityBytesMin)
  }

  // MARK: Reading back

  /// Lends the written bytes for the length of the call.
  @inline(__always)
  public borrowing func withUnsafeBytes<Result: ~Copyable, Failure: Error>(
    _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try body(UnsafeRawBufferPointer(start: base, count: count))
  }

  /// A copy of the written bytes.
  public borrowing func array() -> [UInt8] {
    [UInt8](UnsafeRawBufferPointer(start: base, count: count))
  }

  /// A copy of the written bytes as text; bytes that are not UTF-8 become U+FFFD.
  public borrowing func string() -> String {
    String(decoding: UnsafeRawBufferPointer(start: base, count: count), as: UTF8.self)
  }
}
