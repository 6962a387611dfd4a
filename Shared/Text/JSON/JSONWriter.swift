// Writes JSON straight into a byte buffer: events, API answers, log lines. Its output is always valid JSON.
import Glibc

/// A writer of JSON into a `ByteBuffer` of its own.
///
/// Commas and colons are its business. It can only produce valid JSON: a call that fits nothing (a value without a key in
/// an object, a second root value, an end without a beginning) writes nothing and is counted in `misuses`; what is still
/// open is closed by `close`, which every way to the bytes calls. Keys are not checked for repetition.
///
///     var writer = JSONWriter()
///     writer.beginObject()
///     writer.key("id")
///     writer.text(order.id)
///     writer.endObject()
///     let bytes = writer.array()
public struct JSONWriter: ~Copyable {
  /// The bytes of finished documents and of the one being written.
  private var buffer: ByteBuffer
  /// Open objects and arrays.
  public private(set) var depth = 0
  /// Calls that fitted nothing and wrote nothing: a mistake of the program.
  public private(set) var misuses = 0

  /// Bit d is set when the container at depth d is an array, and when it has a member.
  private var arrays: UInt64 = 0
  private var started: UInt64 = 0
  private var hasKey = false
  private var hasRoot = false
  /// Depth inside a container that was refused: its content is dropped too.
  private var dropped = 0

  /// The deepest nesting of objects and arrays.
  public static let depthMax = 64

  /// Writes into a new buffer.
  public init(capacityBytes: Int = 512) { buffer = ByteBuffer(capacityBytes: capacityBytes) }

  /// Writes behind what a buffer holds already; `finish` gives it back.
  public init(appendingTo buffer: consuming ByteBuffer) { self.buffer = buffer }

  // MARK: Structure

  /// Opens an object.
  public mutating func beginObject() { begin(0x7B, isArray: false) }
  /// Closes the innermost object.
  public mutating func endObject() { end(0x7D, isArray: false) }
  /// Opens an array.
  public mutating func beginArray() { begin(0x5B, isArray: true) }
  /// Closes the innermost array.
  public mutating func endArray() { end(0x5D, isArray: true) }

  /// The key of the next value.
  @inline(__always)
  public mutating func key(_ name: StaticString) {
    guard mayWriteKey() else { return }
    guard name.hasPointerRepresentation else { return putKey(String(describing: name)) }
    putText(UnsafeRawBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount))
    buffer.put8(0x3A)
  }

  /// The key of the next value, when it is not a constant.
  @_disfavoredOverload
  public mutating func key(_ name: String) {
    if mayWriteKey() { putKey(name) }
  }

  // MARK: Values

  /// A text.
  @_disfavoredOverload
  public mutating func text(_ value: String) {
    if mayWriteValue() { putString(value) }
  }

  /// A text that the reader found.
  @inline(__always)
  public mutating func text(_ value: JSONText) {
    if mayWriteValue() { putText(value.bytes) }
  }

  /// A constant text.
  public mutating func text(_ value: StaticString) {
    guard mayWriteValue() else { return }
    guard value.hasPointerRepresentation else { return putString(String(describing: value)) }
    putText(UnsafeRawBufferPointer(start: value.utf8Start, count: value.utf8CodeUnitCount))
  }

  /// A text of bytes from elsewhere; what is not UTF-8 becomes U+FFFD.
  public mutating func text(utf8 bytes: UnsafeRawBufferPointer) {
    guard mayWriteValue() else { return }
    if UTF8Check.isValid(bytes) { putText(bytes) } else { putString(String(decoding: bytes, as: UTF8.self)) }
  }

  /// A text of bytes from elsewhere; what is not UTF-8 becomes U+FFFD.
  public mutating func text(utf8 bytes: [UInt8]) { bytes.withUnsafeBytes { text(utf8: $0) } }

  /// A text, or null for nil.
  public mutating func textOrNull(_ value: String?) {
    if let value { text(value) } else { null() }
  }

  /// An instant in microseconds of Unix time, as `RFC3339.text` shows it.
  public mutating func instant(_ microseconds: Int64) {
    guard mayWriteValue() else { return }
    buffer.put8(0x22)
    RFC3339.append(microseconds, to: &buffer)
    buffer.put8(0x22)
  }

  /// A date by its day number from 1970-01-01, as `PlainDate.text` shows it.
  public mutating func date(_ day: Int) {
    guard mayWriteValue() else { return }
    buffer.put8(0x22)
    PlainDate.append(day, to: &buffer)
    buffer.put8(0x22)
  }

  /// A whole number.
  @inline(__always)
  public mutating func integer(_ value: Int64) {
    if mayWriteValue() { buffer.appendDecimal(value) }
  }

  /// A whole number.
  public mutating func integer(_ value: Int) { integer(Int64(value)) }

  /// A whole number, or null for nil.
  public mutating func integerOrNull(_ value: Int64?) {
    if let value { integer(value) } else { null() }
  }

  /// A number in its shortest exact form; null when it is infinite or not a number.
  public mutating func number(_ value: Double) {
    guard mayWriteValue() else { return }
    if value.isFinite { buffer.append(value.description) } else { buffer.append("null") }
  }

  /// A decimal number as it is, `1230` with scale 2 as `12.30`.
  public mutating func number(_ value: ExactDecimal) {
    if mayWriteValue() { buffer.append(value.text) }
  }

  /// `true` or `false`.
  public mutating func boolean(_ value: Bool) {
    if mayWriteValue() { buffer.append(value ? "true" : "false") }
  }

  /// `null`.
  public mutating func null() {
    if mayWriteValue() { buffer.append("null") }
  }

  /// A value that is JSON already, checked before it is copied.
  public mutating func raw(_ json: UnsafeRawBufferPointer, limits: JSONLimits = .standard) throws(JSONFault) {
    var reader = JSONReader(json, limits: limits)
    try reader.skip()
    try reader.finish()
    if mayWriteValue() { buffer.append(json) }
  }

  /// Bytes that the caller has checked to be one JSON value.
  mutating func putValue(_ json: UnsafeRawBufferPointer) {
    if mayWriteValue() { buffer.append(json) }
  }

  // MARK: Getting at the bytes

  /// Closes whatever is open; a key without a value gets null.
  public mutating func close() {
    dropped = 0
    while depth > 0 {
      if arrays & (1 &<< UInt64(truncatingIfNeeded: depth - 1)) != 0 { endArray() } else { endObject() }
    }
  }

  /// Ends a document with a line feed, so that another may follow (NDJSON).
  public mutating func endLine() {
    close()
    if !hasRoot { null() }
    buffer.put8(0x0A)
    hasRoot = false
  }

  /// Bytes written so far.
  public var count: Int { buffer.count }

  /// Lends the bytes for the length of the call, everything closed.
  public mutating func withUnsafeBytes<Result: ~Copyable, Failure: Error>(
    _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    close()
    return try buffer.withUnsafeBytes(body)
  }

  /// A copy of the bytes, everything closed.
  public mutating func array() -> [UInt8] {
    close()
    return buffer.array()
  }

  /// A copy as text, everything closed.
  public mutating func string() -> String {
    close()
    return buffer.string()
  }

  /// Gives the buffer away, everything closed.
  public consuming func finish() -> ByteBuffer {
    close()
    return buffer
  }

  /// Forgets all that was written and starts anew with the same memory.
  public mutating func reset() {
    buffer.removeAll(keepingCapacity: true)
    depth = 0
    dropped = 0
    hasKey = false
    hasRoot = false
  }

  /// The bytes of one document that `body` writes.
  public static func bytes<Failure: Error>(
    capacityBytes: Int = 512, _ body: (inout JSONWriter) throws(Failure) -> Void
  ) throws(Failure) -> [UInt8] {
    var writer = JSONWriter(capacityBytes: capacityBytes)
    try body(&writer)
    return writer.array()
  }
}

// MARK: - Order of calls

extension JSONWriter {
  private mutating func misuse() -> Bool {
    misuses += 1
    return false
  }

  /// True when a value may stand here; writes the comma before it.
  @inline(__always)
  private mutating func mayWriteValue() -> Bool {
    if dropped > 0 { return false }
    if depth == 0 {
      if hasRoot { return misuse() }
      hasRoot = true
      return true
    }
    let bit: UInt64 = 1 &<< UInt64(truncatingIfNeeded: depth - 1)
    if arrays & bit == 0 {
      guard hasKey else { return misuse() }
      hasKey = false
      return true
    }
    if started & bit != 0 { buffer.put8(0x2C) }
    started |= bit
    return true
  }

  /// True when a key may stand here; writes the comma before it.
  @inline(__always)
  private mutating func mayWriteKey() -> Bool {
    if dropped > 0 { return false }
    guard depth > 0 else { return misuse() }
    let bit: UInt64 = 1 &<< UInt64(truncatingIfNeeded: depth - 1)
    guard arrays & bit == 0 else { return misuse() }
    if hasKey {
      // The key before got no value.
      buffer.append("null")
      _ = misuse()
    }
    if started & bit != 0 { buffer.put8(0x2C) }
    started |= bit
    hasKey = true
    return true
  }

  private mutating func begin(_ byte: UInt8, isArray: Bool) {
    if dropped > 0 {
      dropped += 1
      return
    }
    if depth == Self.depthMax {
      null()
      _ = misuse()
      dropped = 1
      return
    }
    guard mayWriteValue() else {
      dropped = 1
      return
    }
    buffer.put8(byte)
    let bit: UInt64 = 1 &<< UInt64(truncatingIfNeeded: depth)
    arrays = isArray ? arrays | bit : arrays & ~bit
    started &= ~bit
    depth += 1
  }

  private mutating func end(_ byte: UInt8, isArray: Bool) {
    if dropped > 0 {
      dropped -= 1
      return
    }
    let bit: UInt64 = 1 &<< UInt64(truncatingIfNeeded: depth - 1)
    guard depth > 0, (arrays & bit != 0) == isArray else {
      _ = misuse()
      return
    }
    if hasKey {
      buffer.append("null")
      hasKey = false
      _ = misuse()
    }
    buffer.put8(byte)
    depth -= 1
  }
}

// MARK: - Texts

extension JSONWriter {
  private mutating func putKey(_ name: String) {
    putString(name)
    buffer.put8(0x3A)
  }

  private mutating func putString(_ value: String) {
    var value = value
    value.withUTF8 { putText(UnsafeRawBufferPointer($0)) }
  }

  /// Writes UTF-8 between quotes, escaping what RFC 8259 demands and nothing else.
  private mutating func putText(_ bytes: UnsafeRawBufferPointer) {
    buffer.room(bytes.count + 2)
    buffer.putUnchecked8(0x22)
    var plain = 0
    var place = Self.nextEscape(bytes, from: 0)
    while place < bytes.count {
      buffer.append(UnsafeRawBufferPointer(rebasing: bytes[plain..<place]))
      putEscape(bytes[place])
      plain = place + 1
      place = Self.nextEscape(bytes, from: plain)
    }
    buffer.append(UnsafeRawBufferPointer(rebasing: bytes[plain...]))
    buffer.put8(0x22)
  }

  /// The next byte that needs an escape; the count when none does.
  @inline(__always)
  private static func nextEscape(_ bytes: UnsafeRawBufferPointer, from start: Int) -> Int {
    var index = start
    while bytes.count &- index >= 8 {
      let marks = JSONReader.escapeMarks(bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self).littleEndian)
      if marks != 0 { return index &+ marks.trailingZeroBitCount &>> 3 }
      index &+= 8
    }
    while index < bytes.count {
      let byte = bytes[index]
      if byte < 0x20 || byte == 0x22 || byte == 0x5C { return index }
      index &+= 1
    }
    return index
  }

  private mutating func putEscape(_ byte: UInt8) {
    buffer.room(6)
    buffer.putUnchecked8(0x5C)
    switch byte {
    case 0x22, 0x5C: buffer.putUnchecked8(byte)
    case 0x08: buffer.putUnchecked8(0x62)
    case 0x09: buffer.putUnchecked8(0x74)
    case 0x0A: buffer.putUnchecked8(0x6E)
    case 0x0C: buffer.putUnchecked8(0x66)
    case 0x0D: buffer.putUnchecked8(0x72)
    default:
      let low = byte & 0x0F
      buffer.putUnchecked8(0x75)
      buffer.putUnchecked8(0x30)
      buffer.putUnchecked8(0x30)
      buffer.putUnchecked8(0x30 + byte >> 4)
      buffer.putUnchecked8(low < 10 ? 0x30 + low : 0x57 + low)
    }
  }
}
