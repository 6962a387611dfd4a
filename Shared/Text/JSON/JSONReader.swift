// The strict JSON reader on the way of every event: pulled by the caller, no tree, no copy, no allocation
// unless a text holds escapes. Checks all that it passes, also what is skipped (I-04).
import Glibc

/// A strict reader of one JSON document (RFC 8259) that the caller pulls value by value.
///
///     var reader = JSONReader(bytes)
///     var seen: UInt64 = 0
///     try reader.beginObject("order")
///     while let key = try reader.nextKey() {
///       if key.is("id") { try reader.once(&seen, 0, "order.id"); id = try reader.text("order.id", bytesMax: 64) }
///       else { try reader.skip() }
///     }
///     try reader.finish()
///
/// After a fault the reader is of no further use. Refused beyond the grammar: duplicate known keys (`once`), U+0000,
/// half surrogate pairs, a byte order mark, and whatever passes a limit. A duplicate unknown key is ignored.
public struct JSONReader: ~Copyable {
  let start: UnsafePointer<UInt8>
  let end: UnsafePointer<UInt8>
  var at: UnsafePointer<UInt8>
  /// Where the key or value read last begins: the place of faults that are found after reading.
  var mark: UnsafePointer<UInt8>
  let limits: JSONLimits
  private let isOversize: Bool

  /// Open objects and arrays.
  private(set) var depth = 0
  /// Bit d is set when the container at depth d is an array, and when its first member was read.
  private var arrays: UInt64 = 0
  private var started: UInt64 = 0
  /// The fields of the outer containers, so that a fault between two values can name one.
  private var fields = InlineArray<6, StaticString>(repeating: "")

  /// The item number in the innermost pulled array; those of arrays around it are kept aside.
  private var item = 0
  private var openArrays = 0
  private var outerItems: [Int] = []

  /// Texts without their escapes, as large as the rest of the document: unescaping never lengthens.
  private var scratch: UnsafeMutablePointer<UInt8>?
  private var scratchUsed = 0

  /// An address for texts of no bytes.
  static var nothing: UnsafePointer<UInt8> { ("" as StaticString).utf8Start }

  /// Starts at the first byte. The caller keeps `bytes` alive and unchanged while the reader or any text of it is used.
  public init(_ bytes: UnsafeRawBufferPointer, limits: JSONLimits = .standard) {
    start = bytes.baseAddress.map { $0.assumingMemoryBound(to: UInt8.self) } ?? Self.nothing
    isOversize = bytes.count > limits.documentBytesMax
    end = start + bytes.count
    // A document that is too large ends before its first byte, so that every read is a fault.
    at = isOversize ? end : start
    mark = at
    self.limits = limits
  }

  deinit { scratch?.deallocate() }

  // MARK: Objects

  /// Enters an object.
  public mutating func beginObject(_ field: StaticString) throws(JSONFault) {
    let byte = try nextValue(field)
    guard byte == 0x7B else { throw mismatch(field) }
    try push(isArray: false, field)
  }

  /// The next key of the object, its colon consumed; nil when the object ended, which leaves it.
  @inline(__always)
  public mutating func nextKey() throws(JSONFault) -> JSONText? {
    guard try nextMember(closing: 0x7D) else {
      pop()
      return nil
    }
    let field = containerField
    guard at < end else { throw fault(.truncated, field, at: end) }
    guard at.pointee == 0x22 else { throw fault(.syntax, field, at: at) }
    let begin = at
    let key = try takeText(field)
    skipBlanks()
    guard at < end else { throw fault(.truncated, field, at: end) }
    guard at.pointee == 0x3A else { throw fault(.syntax, field, at: at) }
    at += 1
    mark = begin
    return key
  }

  /// Refuses the key just read when `bit` (0 to 63) says that it was read before in this object.
  @inline(__always)
  public borrowing func once(_ seen: inout UInt64, _ bit: Int, _ field: StaticString) throws(JSONFault) {
    let mask: UInt64 = 1 &<< UInt64(truncatingIfNeeded: bit)
    guard seen & mask == 0 else { throw fault(.duplicateKey, field) }
    seen |= mask
  }

  /// Refuses the object when `bit` says that a required key was never read.
  @inline(__always)
  public borrowing func require(_ seen: UInt64, _ bit: Int, _ field: StaticString) throws(JSONFault) {
    guard seen & (1 &<< UInt64(truncatingIfNeeded: bit)) != 0 else { throw fault(.missing, field, at: at) }
  }

  // MARK: Arrays

  /// Enters an array. Faults from here to its end carry the number of the item.
  public mutating func beginArray(_ field: StaticString) throws(JSONFault) {
    let byte = try nextValue(field)
    guard byte == 0x5B else { throw mismatch(field) }
    try push(isArray: true, field)
    if openArrays > 0 { outerItems.append(item) }
    openArrays += 1
    item = 0
  }

  /// True when another item follows, which is then to be read; false when the array ended, which leaves it.
  @inline(__always)
  public mutating func nextItem() throws(JSONFault) -> Bool {
    item += 1
    if try nextMember(closing: 0x5D) { return true }
    pop()
    openArrays -= 1
    item = openArrays > 0 ? outerItems.popLast() ?? 0 : 0
    return false
  }

  /// The number of the item being read, from 1, in the innermost array entered; nil outside of arrays.
  public var itemNumber: Int? { item > 0 ? item : nil }

  // MARK: Values

  /// A text of at most `bytesMax` bytes of UTF-8, counted without escapes.
  @inline(__always)
  public mutating func text(_ field: StaticString, bytesMax: Int) throws(JSONFault) -> JSONText {
    let byte = try nextValue(field)
    guard byte == 0x22 else { throw mismatch(field) }
    let text = try takeText(field)
    guard text.count <= bytesMax else { throw fault(.textLength, field) }
    return text
  }

  /// A text, or nil for `null`.
  @inline(__always)
  public mutating func textOrNull(_ field: StaticString, bytesMax: Int) throws(JSONFault) -> JSONText? {
    if takeNull() { return nil }
    return try text(field, bytesMax: bytesMax)
  }

  /// A whole number within 64 bits, written without fraction and exponent.
  public mutating func integer(_ field: StaticString) throws(JSONFault) -> Int64 {
    let token = try number(field)
    let isNegative = token.base.pointee == 0x2D
    var digit = token.base + (isNegative ? 1 : 0)
    let last = token.base + token.count
    var magnitude: UInt64 = 0
    while digit < last {
      let value = digit.pointee &- 0x30
      guard value <= 9 else { throw fault(.wrongType, field) }
      let (tens, isOver) = magnitude.multipliedReportingOverflow(by: 10)
      let (sum, isOverToo) = tens.addingReportingOverflow(UInt64(value))
      // A fraction may follow further on, but a number this long does not fit either way.
      guard !isOver, !isOverToo else { throw fault(.numberRange, field) }
      magnitude = sum
      digit += 1
    }
    if isNegative {
      guard magnitude <= Int64.min.magnitude else { throw fault(.numberRange, field) }
      return Int64(truncatingIfNeeded: 0 &- magnitude)
    }
    guard magnitude <= UInt64(Int64.max) else { throw fault(.numberRange, field) }
    return Int64(magnitude)
  }

  /// A whole number, or nil for `null`.
  public mutating func integerOrNull(_ field: StaticString) throws(JSONFault) -> Int64? {
    if takeNull() { return nil }
    return try integer(field)
  }

  /// `true` or `false`.
  public mutating func boolean(_ field: StaticString) throws(JSONFault) -> Bool {
    let byte = try nextValue(field)
    if byte == 0x74, takeLiteral("true") { return true }
    if byte == 0x66, takeLiteral("false") { return false }
    throw mismatch(field)
  }

  /// The token of a number as it is written, checked against the grammar.
  public mutating func number(_ field: StaticString) throws(JSONFault) -> JSONText {
    let byte = try nextValue(field)
    guard byte == 0x2D || DecimalDigits.isDigit(byte) else { throw mismatch(field) }
    try passNumber(field)
    let token = JSONText(base: mark, count: at - mark)
    guard token.count <= limits.numberBytesMax else { throw fault(.numberRange, field) }
    return token
  }

  /// Consumes `null` when it comes next.
  @inline(__always)
  public mutating func takeNull() -> Bool {
    skipBlanks()
    guard at < end, at.pointee == 0x6E else { return false }
    mark = at
    return takeLiteral("null")
  }

  /// The kind of the next value, which is not consumed.
  public mutating func peek() -> JSONKind {
    skipBlanks()
    guard at < end else { return .end }
    switch at.pointee {
    case 0x7B: return .object
    case 0x5B: return .array
    case 0x22: return .text
    case 0x2D, 0x30...0x39: return .number
    case 0x74, 0x66: return .boolean
    case 0x6E: return .null
    default: return .other
    }
  }

  /// Passes the next value, whatever it is, and checks all of it.
  public mutating func skip(_ field: StaticString = "(unknown)") throws(JSONFault) {
    let floor = depth
    // What is skipped needs no memory after it.
    let kept = scratchUsed
    defer { scratchUsed = kept }
    try passValue(field)
    while depth > floor {
      let isArray = arrays & (1 &<< UInt64(truncatingIfNeeded: depth - 1)) != 0
      if isArray {
        if try nextMember(closing: 0x5D) { try passValue(field) } else { pop() }
      } else if try nextKey() != nil {
        try passValue(field)
      }
    }
  }

  /// The bytes of the next value as they stand in the document, all of them checked; valid as long as the document is.
  public mutating func rawValue(_ field: StaticString = "(unknown)") throws(JSONFault) -> UnsafeRawBufferPointer {
    skipBlanks()
    let begin = at
    try skip(field)
    mark = begin
    return UnsafeRawBufferPointer(start: begin, count: at - begin)
  }

  /// Demands that only white space follows.
  public mutating func finish() throws(JSONFault) {
    skipBlanks()
    guard at == end, !isOversize else { throw fault(.trailing, "(document)", at: at) }
    guard depth == 0 else { throw fault(.truncated, containerField, at: end) }
  }

  // MARK: Faults

  /// A fault at the key or value read last: for what a caller finds out about it.
  public borrowing func fault(_ rule: JSONRule, _ field: StaticString) -> JSONFault { fault(rule, field, at: mark) }

  /// Where the key or value read last begins, in bytes from 0.
  public var offset: Int { mark - start }

  /// How many bytes have been read: behind the key or value read last, in bytes from 0.
  public var endOffset: Int { at - start }

  @inline(never)
  borrowing func fault(_ rule: JSONRule, _ field: StaticString, at place: UnsafePointer<UInt8>) -> JSONFault {
    if isOversize {
      return JSONFault(rule: .documentSize, field: "(document)", offset: limits.documentBytesMax)
    }
    if rule == .syntax, place == start, end - start >= 3, start[0] == 0xEF, start[1] == 0xBB, start[2] == 0xBF {
      return JSONFault(rule: .byteOrderMark, field: "(document)", offset: 0)
    }
    let name = field.utf8CodeUnitCount == 0 ? "(document)" : field.description
    return JSONFault(rule: rule, field: name, item: itemNumber, offset: place - start)
  }

  /// The fault for a value of another type: `wrongType` when it begins a value at all.
  @inline(never)
  private mutating func mismatch(_ field: StaticString) -> JSONFault {
    let place = at
    switch peek() {
    case .object, .array, .text, .number: return fault(.wrongType, field, at: place)
    case .boolean where takeLiteral("true") || takeLiteral("false"): return fault(.wrongType, field, at: place)
    case .null where takeLiteral("null"): return fault(.wrongType, field, at: place)
    case .boolean, .null, .other: return fault(.syntax, field, at: place)
    case .end: return fault(.truncated, field, at: place)
    }
  }
}

// MARK: - Structure

extension JSONReader {
  @inline(__always)
  mutating func skipBlanks() {
    while at < end, at.pointee <= 0x20 {
      guard at.pointee == 0x20 || at.pointee == 0x0A || at.pointee == 0x0D || at.pointee == 0x09 else { return }
      at += 1
    }
  }

  /// Moves to the next value and returns its first byte.
  @inline(__always)
  private mutating func nextValue(_ field: StaticString) throws(JSONFault) -> UInt8 {
    skipBlanks()
    mark = at
    guard at < end else { throw fault(.truncated, field, at: end) }
    return at.pointee
  }

  @inline(__always)
  private var containerField: StaticString { depth > 0 ? fields[min(depth, 6) - 1] : "(document)" }

  @inline(__always)
  private mutating func push(isArray: Bool, _ field: StaticString) throws(JSONFault) {
    guard depth < limits.depthMax else { throw fault(.depth, field, at: at) }
    let bit: UInt64 = 1 &<< UInt64(truncatingIfNeeded: depth)
    arrays = isArray ? arrays | bit : arrays & ~bit
    started &= ~bit
    if depth < 6 { fields[depth] = field }
    depth += 1
    at += 1
  }

  @inline(__always)
  private mutating func pop() {
    depth -= 1
    at += 1
  }

  /// Moves to the next member of the innermost container, past a comma; false at its closing byte.
  @inline(__always)
  private mutating func nextMember(closing: UInt8) throws(JSONFault) -> Bool {
    guard depth > 0 else { throw fault(.syntax, "(document)", at: at) }
    skipBlanks()
    guard at < end else { throw fault(.truncated, containerField, at: end) }
    let bit: UInt64 = 1 &<< UInt64(truncatingIfNeeded: depth - 1)
    // A caller that asks for a key inside an array, or for an item inside an object, is refused like bad syntax.
    guard (arrays & bit != 0) == (closing == 0x5D) else { throw fault(.syntax, containerField, at: at) }
    if at.pointee == closing { return false }
    if started & bit == 0 {
      started |= bit
      return true
    }
    guard at.pointee == 0x2C else { throw fault(.syntax, containerField, at: at) }
    // A closing byte behind the comma is refused by whoever reads the key or value that must stand there.
    at += 1
    skipBlanks()
    return true
  }

  /// Passes a scalar, or enters a container, for `skip`.
  private mutating func passValue(_ field: StaticString) throws(JSONFault) {
    switch try nextValue(field) {
    case 0x7B: try push(isArray: false, field)
    case 0x5B: try push(isArray: true, field)
    case 0x22: _ = try takeText(field)
    case 0x74 where takeLiteral("true"): break
    case 0x66 where takeLiteral("false"): break
    case 0x6E where takeLiteral("null"): break
    case 0x2D, 0x30...0x39: try passNumber(field)
    default: throw fault(.syntax, field, at: at)
    }
  }

  /// Consumes a literal when it stands here whole.
  @inline(__always)
  private mutating func takeLiteral(_ literal: StaticString) -> Bool {
    let length = literal.utf8CodeUnitCount
    guard end - at >= length, memcmp(at, literal.utf8Start, length) == 0 else { return false }
    guard isEndOfScalar(at + length) else { return false }
    at += length
    return true
  }

  /// True when a literal or number may end before this byte.
  @inline(__always)
  private borrowing func isEndOfScalar(_ place: UnsafePointer<UInt8>) -> Bool {
    guard place < end else { return true }
    switch place.pointee {
    case 0x2C, 0x5D, 0x7D, 0x20, 0x0A, 0x0D, 0x09: return true
    default: return false
    }
  }

  /// Passes a number: `-? (0 | [1-9][0-9]*) (. [0-9]+)? ([eE] [+-]? [0-9]+)?`.
  private mutating func passNumber(_ field: StaticString) throws(JSONFault) {
    if at.pointee == 0x2D { at += 1 }
    if at < end, at.pointee == 0x30 {
      at += 1
    } else {
      try passDigits(field)
    }
    if at < end, at.pointee == 0x2E {
      at += 1
      try passDigits(field)
    }
    if at < end, at.pointee | 0x20 == 0x65 {
      at += 1
      if at < end, at.pointee == 0x2B || at.pointee == 0x2D { at += 1 }
      try passDigits(field)
    }
    guard isEndOfScalar(at) else { throw fault(.syntax, field, at: at) }
  }

  @inline(__always)
  private mutating func passDigits(_ field: StaticString) throws(JSONFault) {
    guard at < end else { throw fault(.truncated, field, at: end) }
    guard DecimalDigits.isDigit(at.pointee) else { throw fault(.syntax, field, at: at) }
    repeat { at += 1 } while at < end && DecimalDigits.isDigit(at.pointee)
  }
}

// MARK: - Texts

extension JSONReader {
  /// Eight bytes at a time: the top bit of each byte that a text cannot hold as it is (quote, backslash, control).
  /// The lowest marked byte is exact; higher ones may be marked by a borrow.
  @inline(__always)
  static func escapeMarks(_ word: UInt64) -> UInt64 {
    let ones: UInt64 = 0x0101_0101_0101_0101
    let quotes = word ^ (ones &* 0x22)
    let slashes = word ^ (ones &* 0x5C)
    let isQuote = (quotes &- ones) & ~quotes
    let isSlash = (slashes &- ones) & ~slashes
    let isControl = (word &- ones &* 0x20) & ~word
    return (isQuote | isSlash | isControl) & (ones &* 0x80)
  }

  /// The same, with bytes that are not ASCII marked too: they have to be checked.
  @inline(__always)
  static func marks(_ word: UInt64) -> UInt64 { escapeMarks(word) | word & 0x8080_8080_8080_8080 }

  /// Moves from inside a text to its next quote or backslash, checking what lies between.
  @inline(__always)
  private mutating func passPlain(_ field: StaticString) throws(JSONFault) {
    while true {
      if end - at >= 8 {
        let marks = Self.marks(UnsafeRawPointer(at).loadUnaligned(as: UInt64.self).littleEndian)
        if marks == 0 {
          at += 8
          continue
        }
        at += marks.trailingZeroBitCount &>> 3
      }
      guard at < end else { throw fault(.truncated, field, at: end) }
      let byte = at.pointee
      if byte == 0x22 || byte == 0x5C { return }
      if byte < 0x20 { throw fault(byte == 0 ? .nul : .control, field, at: at) }
      if byte < 0x80 {
        at += 1
        continue
      }
      repeat {
        let length = UTF8Check.sequenceLength(at, end)
        guard length > 0 else { throw fault(.utf8, field, at: at) }
        at += length
      } while at < end && at.pointee >= 0x80
    }
  }

  /// Takes the text whose opening quote stands here.
  @inline(__always)
  private mutating func takeText(_ field: StaticString) throws(JSONFault) -> JSONText {
    at += 1
    let begin = at
    try passPlain(field)
    if at.pointee == 0x5C { return try takeEscaped(begin, field) }
    let text = JSONText(base: begin, count: at - begin)
    at += 1
    return text
  }

  /// Takes a text with escapes into the scratch memory; `at` stands on the first backslash.
  @inline(never)
  private mutating func takeEscaped(
    _ begin: UnsafePointer<UInt8>, _ field: StaticString
  ) throws(JSONFault) -> JSONText {
    // As long as what is left of the document: every later text fits behind this one.
    let memory = scratch ?? UnsafeMutablePointer<UInt8>.allocate(capacity: end - begin)
    scratch = memory
    let first = memory + scratchUsed
    var out = first
    var plain = begin
    while true {
      memcpy(out, plain, at - plain)
      out += at - plain
      if at.pointee == 0x22 { break }
      let (scalar, length) = try escape(field)
      out += Self.put(scalar, out)
      at += length
      plain = at
      try passPlain(field)
    }
    at += 1
    scratchUsed += out - first
    return JSONText(base: first, count: out - first)
  }

  /// The character of the escape that stands here, and the escape's length in bytes.
  private borrowing func escape(_ field: StaticString) throws(JSONFault) -> (scalar: UInt32, length: Int) {
    guard end - at >= 2 else { throw fault(.truncated, field, at: end) }
    switch at[1] {
    case 0x22, 0x5C, 0x2F: return (UInt32(at[1]), 2)
    case 0x62: return (0x08, 2)
    case 0x66: return (0x0C, 2)
    case 0x6E: return (0x0A, 2)
    case 0x72: return (0x0D, 2)
    case 0x74: return (0x09, 2)
    case 0x75: break
    default: throw fault(.syntax, field, at: at + 1)
    }
    let unit = try hexUnit(at + 2, field)
    if unit == 0 { throw fault(.nul, field, at: at) }
    guard unit & 0xF800 == 0xD800 else { return (unit, 6) }
    guard unit < 0xDC00, end - at >= 8, at[6] == 0x5C, at[7] == 0x75 else { throw fault(.surrogate, field, at: at) }
    let low = try hexUnit(at + 8, field)
    guard low & 0xFC00 == 0xDC00 else { throw fault(.surrogate, field, at: at) }
    return (0x10000 + (unit & 0x3FF) << 10 + (low & 0x3FF), 12)
  }

  /// Four hexadecimal digits.
  private borrowing func hexUnit(_ place: UnsafePointer<UInt8>, _ field: StaticString) throws(JSONFault) -> UInt32 {
    var unit: UInt32 = 0
    for index in 0..<4 {
      guard place + index < end else { throw fault(.truncated, field, at: end) }
      let byte = place[index]
      let digit: UInt8
      switch byte {
      case 0x30...0x39: digit = byte - 0x30
      case 0x41...0x46: digit = byte - 0x37
      case 0x61...0x66: digit = byte - 0x57
      default: throw fault(.syntax, field, at: place + index)
      }
      unit = unit << 4 | UInt32(digit)
    }
    return unit
  }

  /// Stores a character as UTF-8 and returns its length; never longer than the escape it comes from.
  @inline(__always)
  private static func put(_ scalar: UInt32, _ out: UnsafeMutablePointer<UInt8>) -> Int {
    func tail(_ shift: UInt32) -> UInt8 { 0x80 | UInt8(truncatingIfNeeded: scalar >> shift) & 0x3F }
    if scalar < 0x80 {
      out[0] = UInt8(truncatingIfNeeded: scalar)
      return 1
    }
    if scalar < 0x800 {
      out[0] = 0xC0 | UInt8(truncatingIfNeeded: scalar >> 6)
      out[1] = tail(0)
      return 2
    }
    if scalar < 0x10000 {
      out[0] = 0xE0 | UInt8(truncatingIfNeeded: scalar >> 12)
      out[1] = tail(6)
      out[2] = tail(0)
      return 3
    }
    out[0] = 0xF0 | UInt8(truncatingIfNeeded: scalar >> 18)
    out[1] = tail(12)
    out[2] = tail(6)
    out[3] = tail(0)
    return 4
  }
}
