// What the reader of CSV and of blank-separated files refuses, and how such a file is laid out.

/// How a file of records is laid out, and its bounds.
public struct DelimitedFormat: Sendable, Equatable {
  /// What stands between two fields.
  public enum Separator: Sendable, Equatable {
    /// One byte, with quoting by RFC 4180.
    case byte(UInt8)
    /// One or more blanks or tabs; those around the record do not count, and nothing is quoted.
    case blanks
  }

  public var separator: Separator
  /// True when the first record names the columns.
  public var hasHeader: Bool
  /// How many fields each record has; nil for as many as the header, or any number without one.
  public var fieldsExpected: Int?
  /// The longest record, in bytes, line breaks inside quotes included.
  public var recordBytesMax: Int
  /// The most fields in a record.
  public var fieldsMax: Int
  /// The most bytes that wait to be read.
  public var bufferBytesMax: Int

  public init(
    separator: Separator, hasHeader: Bool, fieldsExpected: Int? = nil,
    recordBytesMax: Int = 1 << 20, fieldsMax: Int = 1_024, bufferBytesMax: Int = 8 << 20
  ) {
    self.separator = separator
    self.hasHeader = hasHeader
    self.fieldsExpected = fieldsExpected
    self.recordBytesMax = recordBytesMax
    self.fieldsMax = fieldsMax
    self.bufferBytesMax = bufferBytesMax
  }

  /// RFC 4180 with a header.
  public static let csv = DelimitedFormat(separator: .byte(0x2C), hasHeader: true)
  /// Tabs between fields, with a header.
  public static let tabs = DelimitedFormat(separator: .byte(0x09), hasHeader: true)
  /// Runs of blanks between fields, with a header.
  public static let blanks = DelimitedFormat(separator: .blanks, hasHeader: true)
}

/// Why a record, or the rest of a file, was refused.
public enum DelimitedRule: String, Sendable, CaseIterable {
  /// A quotation mark inside a field that does not begin with one, or something behind a closing one.
  case quote
  /// A quoted field that never ends; nothing behind it can be told apart.
  case unterminated
  /// A carriage return that no line feed follows, outside of quotes.
  case lineBreak
  /// A byte of value zero.
  case nul
  /// Bytes that are not UTF-8.
  case utf8
  /// Another number of fields than the header or the format says.
  case width
  /// A record with too many bytes.
  case recordSize
  /// A record with too many fields.
  case fieldCount
  /// A header with an empty or repeated name, or none at all.
  case header
  /// More bytes were fed than may wait.
  case undrained

  var advice: String {
    switch self {
    case .quote: "quotation mark in the wrong place; quote the whole field and double each mark inside it"
    case .unterminated: "quoted field without an end; close the quotation and import the rest again"
    case .lineBreak: "carriage return without a line feed; quote the field or end lines with LF or CRLF"
    case .nul: "byte of value zero; remove it"
    case .utf8: "bytes that are not UTF-8; convert the file to UTF-8"
    case .width: "another number of fields than the header has; add or remove separators"
    case .recordSize: "the record is too long; split it or check its quotation marks"
    case .fieldCount: "the record has too many fields; check the separator"
    case .header: "the header has an empty or repeated name; name each column once"
    case .undrained: "more bytes were given than may wait; read all records before giving more"
    }
  }
}

/// A refused record: why, where, and its bytes for the quarantine (I-05).
public struct DelimitedFault: Error, Sendable, Equatable, CustomStringConvertible {
  public var rule: DelimitedRule
  /// The line on which the fault stands, from 1.
  public var line: Int
  /// The byte of that line, from 1.
  public var column: Int
  /// The record as it stands in the file, at most `recordBytesMax` bytes of it.
  public var raw: [UInt8]
  /// True when reading cannot go on; else the next call goes on behind this record.
  public var isFinal: Bool

  public init(rule: DelimitedRule, line: Int, column: Int, raw: [UInt8] = [], isFinal: Bool = false) {
    self.rule = rule
    self.line = line
    self.column = column
    self.raw = raw
    self.isFinal = isFinal
  }

  /// One sentence: place, reason, remedy.
  public var description: String { "line \(line), column \(column): \(rule.advice)." }
}

/// One record of a file.
public struct DelimitedRecord: Sendable {
  /// The line on which it begins, from 1.
  public let line: Int
  /// Where it begins in the file, in bytes from 0.
  public let offset: Int
  /// Its bytes as they stand in the file, without the line break behind it.
  public let raw: [UInt8]
  /// Its fields without quotation, one behind the other; `raw` itself when nothing was quoted.
  let content: [UInt8]
  let bounds: [Range<Int>]

  /// How many fields it has.
  public var count: Int { bounds.count }

  /// The bytes of a field, always UTF-8; none for an index that the record does not have.
  public subscript(_ index: Int) -> ArraySlice<UInt8> {
    bounds.indices.contains(index) ? content[bounds[index]] : []
  }

  /// A field as text; empty for an index that the record does not have.
  public func text(_ index: Int) -> String { String(decoding: self[index], as: UTF8.self) }

  /// All fields as texts.
  public var texts: [String] { bounds.indices.map { text($0) } }

  /// Lends the bytes of a field for the length of the call.
  public func withField<Result, Failure: Error>(
    _ index: Int, _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    guard bounds.indices.contains(index) else { return try body(UnsafeRawBufferPointer(start: nil, count: 0)) }
    let range = bounds[index]
    return try content.withUnsafeBytesTyped { (bytes) throws(Failure) in
      try body(UnsafeRawBufferPointer(rebasing: bytes[range]))
    }
  }
}

extension [UInt8] {
  /// `withUnsafeBytes` that keeps the type of what is thrown.
  func withUnsafeBytesTyped<Value, Failure: Error>(
    _ body: (UnsafeRawBufferPointer) throws(Failure) -> Value
  ) throws(Failure) -> Value {
    let outcome = withUnsafeBytes { (bytes) -> Result<Value, Failure> in
      do throws(Failure) { return .success(try body(bytes)) } catch { return .failure(error) }
    }
    return try outcome.get()
  }
}
