// Writes CSV that reads back as it was, and that a spreadsheet does not run.
import Glibc

/// A writer of records by RFC 4180: CRLF behind each record, quotation where it is needed.
///
/// Spreadsheets take a field that begins with `=`, `+`, `-`, `@`, tab, CR, LF or a full-width `＝＋－＠` for a formula. Such a
/// text gets an apostrophe before it, unless it is a plain number (`-12.30`, `+8613800138000`).
public struct DelimitedWriter: ~Copyable {
  private var buffer: ByteBuffer
  private let separator: UInt8
  private let isGuarded: Bool
  private var fieldsInRecord = 0

  /// - Parameters:
  ///   - separator: the byte between two fields.
  ///   - isGuarded: false for files that only programs read: no apostrophes.
  ///   - hasByteOrderMark: true for spreadsheets that would not see UTF-8 otherwise.
  public init(separator: UInt8 = 0x2C, isGuarded: Bool = true, hasByteOrderMark: Bool = false) {
    buffer = ByteBuffer(capacityBytes: 4_096)
    self.separator = separator
    self.isGuarded = isGuarded
    if hasByteOrderMark { buffer.append([0xEF, 0xBB, 0xBF]) }
  }

  /// Adds a text to the record.
  public mutating func field(_ value: String) {
    var value = value
    value.withUTF8 { put(UnsafeRawBufferPointer($0)) }
  }

  /// Adds bytes of UTF-8 to the record.
  public mutating func field(utf8 bytes: UnsafeRawBufferPointer) { put(bytes) }

  /// Adds a whole number to the record.
  public mutating func field(_ value: Int64) {
    separate()
    buffer.appendDecimal(value)
  }

  /// Adds an empty field to the record.
  public mutating func emptyField() { separate() }

  /// Ends the record.
  public mutating func endRecord() {
    // One empty field alone would read as an empty line.
    if fieldsInRecord == 1, lastFieldIsWholeRecordAndEmpty { buffer.append("\"\"") }
    buffer.append("\r\n")
    fieldsInRecord = 0
    recordStart = buffer.count
  }

  /// Writes a whole record.
  public mutating func record(_ values: [String]) {
    for value in values { field(value) }
    endRecord()
  }

  /// Bytes written and not yet taken.
  public var count: Int { buffer.count }

  /// A copy of the bytes written so far, which are then forgotten: a piece of a stream.
  public mutating func take() -> [UInt8] {
    let bytes = buffer.array()
    buffer.removeAll(keepingCapacity: true)
    recordStart = 0
    return bytes
  }

  private var recordStart = 0
  private var lastFieldIsWholeRecordAndEmpty: Bool { buffer.count == recordStart }

  private mutating func separate() {
    if fieldsInRecord > 0 { buffer.put8(separator) }
    fieldsInRecord += 1
  }

  private mutating func put(_ bytes: UnsafeRawBufferPointer) {
    separate()
    let needsGuard = isGuarded && Self.beginsFormula(bytes) && !Self.isPlainNumber(bytes)
    let needsQuotes =
      bytes.contains { $0 == separator || $0 == 0x22 || $0 == 0x0A || $0 == 0x0D }
      || bytes.first == 0x20 || bytes.last == 0x20
    if needsQuotes { buffer.put8(0x22) }
    if needsGuard { buffer.put8(0x27) }
    if needsQuotes {
      for byte in bytes {
        if byte == 0x22 { buffer.put8(0x22) }
        buffer.put8(byte)
      }
      buffer.put8(0x22)
    } else {
      buffer.append(bytes)
    }
  }

  private static func beginsFormula(_ bytes: UnsafeRawBufferPointer) -> Bool {
    guard let first = bytes.first else { return false }
    if [0x3D, 0x2B, 0x2D, 0x40, 0x09, 0x0D, 0x0A].contains(first) { return true }
    // U+FF1D, U+FF0B, U+FF0D and U+FF20: the same signs in full width.
    guard bytes.count >= 3, first == 0xEF, bytes[1] == 0xBC else { return false }
    return [0x9D, 0x8B, 0x8D, 0xA0].contains(bytes[2])
  }

  private static func isPlainNumber(_ bytes: UnsafeRawBufferPointer) -> Bool {
    var scanner = DecimalScanner(bytes)
    return (try? scanner.scan(allowingExponent: false)) != nil
  }
}
