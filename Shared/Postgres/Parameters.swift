// The values of a statement in the server's binary form, in one block of memory that is used again and again.

/// Values for `$1`, `$2`, … in order. Keep one per place and `reset()` it: nothing is allocated once it has grown.
///
/// Every value carries its type, so the server never guesses. Mistakes (too many values, too many bytes, an array left open)
/// do not trap; the statement that uses the values refuses them.
///
/// Arrays are written element by element between `beginArray` and `endArray`, which is the way to send columns to `unnest`:
///
///     values.beginArray(.int8)
///     for order in orders { values.element(int64: order.amount) }
///     values.endArray()
public struct Parameters: ~Copyable {
  /// The protocol counts values in 16 bits.
  public static let countMax = 65_535
  /// All values of one statement together. Larger work is cut into several statements by the caller.
  public static let bytesMax = 256 << 20

  var arena = ByteArena(bytesMax: bytesMax)
  private(set) var types: [PostgresType] = []
  private var offsets: [Int] = []
  private(set) var lengths: [Int32] = []
  private var open: OpenArray?
  private var mistake: String?

  struct OpenArray {
    var type: PostgresType
    var start: Int
    var elements: Int32 = 0
    var hasNull = false
  }

  public init() {}

  /// Forgets all values and keeps the memory.
  public mutating func reset() {
    arena.reset()
    types.removeAll(keepingCapacity: true)
    offsets.removeAll(keepingCapacity: true)
    lengths.removeAll(keepingCapacity: true)
    open = nil
    mistake = nil
  }

  /// Number of values added so far.
  public var count: Int { types.count }

  // MARK: Single values. nil is NULL of that type.

  public mutating func bool(_ value: Bool?) {
    guard let value else { return null(.bool) }
    guard begin(.bool) else { return }
    arena.put(UInt8(value ? 1 : 0))
    end()
  }

  public mutating func int16(_ value: Int16?) { integer(value, .int2) }
  public mutating func int32(_ value: Int32?) { integer(value, .int4) }
  public mutating func int64(_ value: Int64?) { integer(value, .int8) }

  public mutating func float64(_ value: Double?) { integer(value?.bitPattern, .float8) }

  /// UTF-8 text. A NUL in it is refused by the server as a data error (22021).
  public mutating func text(_ value: String?) {
    guard let value else { return null(.text) }
    guard begin(.text) else { return }
    arena.put(text: value)
    end()
  }

  /// Bytes that already are UTF-8 text; the server checks them.
  public mutating func text(utf8 bytes: UnsafeRawBufferPointer) { raw(bytes, .text) }
  /// Bytes that already are UTF-8 text; the server checks them.
  public mutating func text(utf8 bytes: [UInt8]) { bytes.withUnsafeBytes { raw($0, .text) } }

  public mutating func bytes(_ value: [UInt8]?) {
    guard let value else { return null(.bytea) }
    value.withUnsafeBytes { raw($0, .bytea) }
  }
  public mutating func bytes(_ value: UnsafeRawBufferPointer) { raw(value, .bytea) }

  /// A UUID as one number: the first of its 16 bytes is the highest.
  public mutating func uuid(_ value: UInt128?) { integer(value, .uuid) }

  /// Microseconds since 1970-01-01T00:00:00Z; `.min` and `.max` are the server's infinities.
  public mutating func timestamptz(_ unixMicroseconds: Int64?) {
    integer(unixMicroseconds.map(ServerTime.encode), .timestamptz)
  }

  /// Days since 1970-01-01.
  public mutating func date(unixDays: Int32?) {
    integer(unixDays.map { $0 &- ServerTime.unixDaysOfEpoch }, .date)
  }

  /// JSON text in UTF-8, stored as `jsonb`.
  public mutating func jsonb(_ value: String?) {
    guard let value else { return null(.jsonb) }
    guard begin(.jsonb) else { return }
    arena.put(UInt8(1))
    arena.put(text: value)
    end()
  }
  /// JSON text in UTF-8, stored as `jsonb`.
  public mutating func jsonb(utf8 bytes: UnsafeRawBufferPointer) {
    guard begin(.jsonb) else { return }
    arena.put(UInt8(1))
    arena.put(bytes)
    end()
  }

  public mutating func null(_ type: PostgresType) {
    guard begin(type) else { return }
    offsets.append(arena.count)
    lengths.append(-1)
    types.append(type)
    open = nil
  }

  // MARK: Arrays, element by element.

  /// Begins an array with elements of `type`; nothing but `element…` calls may come before `endArray`.
  public mutating func beginArray(_ type: PostgresType) {
    guard type.array != nil else { return note("no array of type \(type.rawValue)") }
    guard begin(type) else { return }
    arena.put(Int32(1))
    arena.put(Int32(0))
    arena.put(type.rawValue)
    arena.put(Int32(0))
    arena.put(Int32(1))
  }

  public mutating func endArray() {
    guard let array = open, let type = array.type.array else { return note("endArray without beginArray") }
    if array.elements == 0 {
      // An empty array has no dimension.
      arena.patch(0, at: array.start)
      arena.cut(to: array.start + 12)
    } else {
      arena.patch(array.hasNull ? 1 : 0, at: array.start + 4)
      arena.patch(array.elements, at: array.start + 12)
    }
    open?.type = type
    end()
  }

  @inline(__always)
  public mutating func element(bool value: Bool?) {
    guard let value else { return elementNull() }
    element(UInt8(value ? 1 : 0), .bool)
  }
  @inline(__always)
  public mutating func element(int16 value: Int16) { element(value, .int2) }
  @inline(__always)
  public mutating func element(int32 value: Int32) { element(value, .int4) }
  @inline(__always)
  public mutating func element(int64 value: Int64) { element(value, .int8) }
  @inline(__always)
  public mutating func element(float64 value: Double) { element(value.bitPattern, .float8) }
  @inline(__always)
  public mutating func element(uuid value: UInt128) { element(value, .uuid) }
  @inline(__always)
  public mutating func element(timestamptz unixMicroseconds: Int64) { element(ServerTime.encode(unixMicroseconds), .timestamptz) }
  @inline(__always)
  public mutating func element(unixDays: Int32) { element(unixDays &- ServerTime.unixDaysOfEpoch, .date) }

  /// An element of a `text` array.
  public mutating func element(text value: String) {
    var value = value
    value.withUTF8 { element(UnsafeRawBufferPointer($0), .text) }
  }
  /// An element of a `text` array, already UTF-8.
  public mutating func element(utf8 bytes: UnsafeRawBufferPointer) { element(bytes, .text) }
  /// An element of a `bytea` array.
  public mutating func element(bytes: UnsafeRawBufferPointer) { element(bytes, .bytea) }
  /// An element of a `bytea` array.
  public mutating func element(bytes: [UInt8]) { bytes.withUnsafeBytes { element($0, .bytea) } }

  /// NULL as an element, in an array of any type.
  public mutating func elementNull() {
    guard open != nil else { return note("an element outside an array") }
    open?.hasNull = true
    open?.elements &+= 1
    arena.put(Int32(-1))
  }

  /// An element of a `jsonb` array, already UTF-8 JSON.
  public mutating func element(jsonb bytes: UnsafeRawBufferPointer) {
    guard let length = Int32(exactly: bytes.count), length < .max, take(.jsonb) else { return note("an element that does not fit") }
    arena.put(length + 1)
    arena.put(UInt8(1))
    arena.put(bytes)
  }

  // MARK: Building blocks.

  /// An element in the server's own form.
  mutating func element(raw bytes: UnsafeRawBufferPointer, _ type: PostgresType) { element(bytes, type) }

  @inline(__always)
  private mutating func element<Value: FixedWidthInteger & BitwiseCopyable>(_ value: Value, _ type: PostgresType) {
    guard take(type) else { return }
    arena.put(Int32(truncatingIfNeeded: MemoryLayout<Value>.size))
    arena.put(value)
  }

  private mutating func element(_ bytes: UnsafeRawBufferPointer, _ type: PostgresType) {
    guard let length = Int32(exactly: bytes.count) else { return note("an element over 2 GiB") }
    guard take(type) else { return }
    arena.put(length)
    arena.put(bytes)
  }

  @inline(__always)
  private mutating func take(_ type: PostgresType) -> Bool {
    guard open?.type == type else {
      note("an element of type \(type.rawValue) outside an array of it")
      return false
    }
    open?.elements &+= 1
    return true
  }

  private mutating func integer<Value: FixedWidthInteger & BitwiseCopyable>(_ value: Value?, _ type: PostgresType) {
    guard let value else { return null(type) }
    guard begin(type) else { return }
    arena.put(value)
    end()
  }

  private mutating func raw(_ bytes: UnsafeRawBufferPointer, _ type: PostgresType) {
    guard begin(type) else { return }
    arena.put(bytes)
    end()
  }

  private mutating func begin(_ type: PostgresType) -> Bool {
    guard open == nil else {
      note("a value inside an open array")
      return false
    }
    guard types.count < Self.countMax else {
      note("more than \(Self.countMax) values")
      return false
    }
    open = OpenArray(type: type, start: arena.count)
    return true
  }

  private mutating func end() {
    guard let value = open else { return }
    offsets.append(value.start)
    // The arena's bound is far below 2^31.
    lengths.append(Int32(truncatingIfNeeded: arena.count - value.start))
    types.append(value.type)
    open = nil
  }

  @inline(never)
  private mutating func note(_ text: String) {
    if mistake == nil { mistake = text }
  }

  /// Refuses values that were built wrongly, before anything is sent.
  func check(_ statement: String) throws(PostgresFailure) {
    if arena.isOverfull {
      throw PostgresFailure(kind: .data, message: "the values exceed \(Self.bytesMax) bytes", statementName: statement)
    }
    if open != nil { throw PostgresFailure(kind: .other, message: "an array was not ended", statementName: statement) }
    if let mistake { throw PostgresFailure(kind: .other, message: "values built wrongly: \(mistake)", statementName: statement) }
  }

  /// Where each value lies; valid until the next change. NULL is a null pointer, an empty value is not.
  func pointers(into list: inout [UnsafePointer<CChar>?]) {
    list.removeAll(keepingCapacity: true)
    let base = UnsafeRawPointer(arena.base).assumingMemoryBound(to: CChar.self)
    for index in types.indices { list.append(lengths[index] < 0 ? nil : base + offsets[index]) }
  }
}

extension ByteArena {
  mutating func put(text: String) {
    var text = text
    text.withUTF8 { put(UnsafeRawBufferPointer($0)) }
  }
}

// MARK: Whole columns.

extension Parameters {
  /// A column of `bool`.
  public mutating func boolArray(_ values: some Sequence<Bool>) {
    beginArray(.bool)
    for value in values { element(bool: value) }
    endArray()
  }
  /// A column of `bytea`.
  public mutating func bytesArray(_ values: some Sequence<[UInt8]>) {
    beginArray(.bytea)
    for value in values { element(bytes: value) }
    endArray()
  }
  /// A column of `bytea` with NULLs.
  public mutating func bytesArray(nullable values: some Sequence<[UInt8]?>) {
    beginArray(.bytea)
    for value in values { if let value { element(bytes: value) } else { elementNull() } }
    endArray()
  }
  /// A column of `smallint`.
  public mutating func int16Array(_ values: some Sequence<Int16>) {
    beginArray(.int2)
    for value in values { element(int16: value) }
    endArray()
  }
  /// A column of `smallint` with NULLs.
  public mutating func int16Array(nullable values: some Sequence<Int16?>) {
    beginArray(.int2)
    for value in values { if let value { element(int16: value) } else { elementNull() } }
    endArray()
  }
  /// A column of `integer`.
  public mutating func int32Array(_ values: some Sequence<Int32>) {
    beginArray(.int4)
    for value in values { element(int32: value) }
    endArray()
  }
  /// A column of `integer` with NULLs.
  public mutating func int32Array(nullable values: some Sequence<Int32?>) {
    beginArray(.int4)
    for value in values { if let value { element(int32: value) } else { elementNull() } }
    endArray()
  }
  /// A column of `bigint`.
  public mutating func int64Array(_ values: some Sequence<Int64>) {
    beginArray(.int8)
    for value in values { element(int64: value) }
    endArray()
  }
  /// A column of `bigint` with NULLs.
  public mutating func int64Array(nullable values: some Sequence<Int64?>) {
    beginArray(.int8)
    for value in values { if let value { element(int64: value) } else { elementNull() } }
    endArray()
  }
  /// A column of `double precision`.
  public mutating func float64Array(_ values: some Sequence<Double>) {
    beginArray(.float8)
    for value in values { element(float64: value) }
    endArray()
  }
  /// A column of `text`.
  public mutating func textArray(_ values: some Sequence<String>) {
    beginArray(.text)
    for value in values { element(text: value) }
    endArray()
  }
  /// A column of `text` with NULLs.
  public mutating func textArray(nullable values: some Sequence<String?>) {
    beginArray(.text)
    for value in values { if let value { element(text: value) } else { elementNull() } }
    endArray()
  }
  /// A column of `timestamptz`, Unix microseconds.
  public mutating func timestamptzArray(_ values: some Sequence<Int64>) {
    beginArray(.timestamptz)
    for value in values { element(timestamptz: value) }
    endArray()
  }
  /// A column of `timestamptz` with NULLs, Unix microseconds.
  public mutating func timestamptzArray(nullable values: some Sequence<Int64?>) {
    beginArray(.timestamptz)
    for value in values { if let value { element(timestamptz: value) } else { elementNull() } }
    endArray()
  }
  /// A column of `uuid`.
  public mutating func uuidArray(_ values: some Sequence<UInt128>) {
    beginArray(.uuid)
    for value in values { element(uuid: value) }
    endArray()
  }
  /// A column of `uuid` with NULLs.
  public mutating func uuidArray(nullable values: some Sequence<UInt128?>) {
    beginArray(.uuid)
    for value in values { if let value { element(uuid: value) } else { elementNull() } }
    endArray()
  }
}
