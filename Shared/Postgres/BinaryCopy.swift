// Rows for `COPY … FROM STDIN (FORMAT binary)`: the fastest way in, built in one block of memory.

/// Rows in PostgreSQL's binary copy format. Keep one and `reset()` it.
///
/// Each row is `row(columns:)` followed by exactly that many puts, whose widths must be those of the table's columns: the server
/// does not convert. A row with too few or too many values makes `copyIn` refuse the whole.
public struct BinaryCopy: ~Copyable {
  /// All rows of one copy together.
  public static let bytesMax = 512 << 20
  private static let signature: [UInt8] = [0x50, 0x47, 0x43, 0x4F, 0x50, 0x59, 0x0A, 0xFF, 0x0D, 0x0A, 0x00]
  static var headerBytes: Int { signature.count + 8 }

  var arena = ByteArena(bytesMax: bytesMax)
  /// Number of rows begun.
  public private(set) var rowCount = 0
  private var missing = 0
  private var isMalformed = false

  public init() { header() }

  /// Forgets all rows and keeps the memory.
  public mutating func reset() {
    arena.reset()
    rowCount = 0
    missing = 0
    isMalformed = false
    header()
  }

  private mutating func header() {
    Self.signature.withUnsafeBytes { arena.put($0) }
    arena.put(Int32(0))
    arena.put(Int32(0))
  }

  /// Begins a row of so many columns.
  @inline(__always)
  public mutating func row(columns: Int) {
    if missing != 0 || columns < 0 || columns > 1_600 { isMalformed = true }
    missing = columns
    rowCount &+= 1
    arena.put(Int16(truncatingIfNeeded: columns))
  }

  @inline(__always)
  private mutating func value<Value: FixedWidthInteger & BitwiseCopyable>(_ value: Value) {
    missing &-= 1
    if missing < 0 { isMalformed = true }
    arena.put(Int32(truncatingIfNeeded: MemoryLayout<Value>.size))
    arena.put(value)
  }

  @inline(__always)
  public mutating func null() {
    missing &-= 1
    if missing < 0 { isMalformed = true }
    arena.put(Int32(-1))
  }

  @inline(__always)
  public mutating func bool(_ value: Bool) { self.value(UInt8(value ? 1 : 0)) }
  @inline(__always)
  public mutating func int16(_ value: Int16) { self.value(value) }
  @inline(__always)
  public mutating func int32(_ value: Int32) { self.value(value) }
  @inline(__always)
  public mutating func int64(_ value: Int64) { self.value(value) }
  @inline(__always)
  public mutating func float64(_ value: Double) { self.value(value.bitPattern) }
  @inline(__always)
  public mutating func uuid(_ value: UInt128) { self.value(value) }
  /// Microseconds since 1970-01-01T00:00:00Z.
  @inline(__always)
  public mutating func timestamptz(_ unixMicroseconds: Int64) { value(ServerTime.encode(unixMicroseconds)) }
  /// Days since 1970-01-01.
  @inline(__always)
  public mutating func date(unixDays: Int32) { value(unixDays &- ServerTime.unixDaysOfEpoch) }

  public mutating func text(_ value: String) {
    var value = value
    value.withUTF8 { bytes(UnsafeRawBufferPointer($0)) }
  }
  /// Text that already is UTF-8.
  public mutating func text(utf8 value: UnsafeRawBufferPointer) { bytes(value) }
  public mutating func bytes(_ value: [UInt8]) { value.withUnsafeBytes { bytes($0) } }
  public mutating func bytes(_ value: UnsafeRawBufferPointer) {
    missing &-= 1
    guard missing >= 0, let length = Int32(exactly: value.count) else {
      isMalformed = true
      return
    }
    arena.put(length)
    arena.put(value)
  }
  /// JSON text in UTF-8 for a `jsonb` column.
  public mutating func jsonb(utf8 value: UnsafeRawBufferPointer) {
    missing &-= 1
    guard missing >= 0, let length = Int32(exactly: value.count), length < .max else {
      isMalformed = true
      return
    }
    arena.put(length + 1)
    arena.put(UInt8(1))
    arena.put(value)
  }

  /// Bytes held, header included.
  public var byteCount: Int { arena.count }

  func check() throws(PostgresFailure) {
    if arena.isOverfull { throw PostgresFailure(kind: .data, message: "the copy exceeds \(Self.bytesMax) bytes") }
    if isMalformed || missing != 0 { throw PostgresFailure(kind: .other, message: "a copied row has not the columns it announced") }
  }
}
