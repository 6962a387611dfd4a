// The value of a record that a mapping reads (I-03): lines of a file, as they stood there.
public import Text

/// Lines of a source's file that are one record: what the operator's tool publishes and ingest maps.
///
///     {"records":[{"line":2,"values":{"InvoiceNo":"536365","Quantity":"6"}}]}
public struct SourceMessage: Hashable, Sendable {
  public struct Field: Hashable, Sendable {
    public var name: String
    public var value: String

    public init(_ name: String, _ value: String) {
      self.name = name
      self.value = value
    }
  }
  /// One line: all of its columns, so that another mapping may read them later.
  public struct Line: Hashable, Sendable {
    /// From 1, the header included.
    public var number: Int64
    public var values: [Field]
    /// Why the line could not be taken apart, a word; then its text is the one value, under ``SourceMessage/rawName``.
    public var fault: String?

    public init(number: Int64, values: [Field], fault: String? = nil) {
      self.number = number
      self.values = values
      self.fault = fault
    }

    public subscript(name: String) -> String? { values.first { $0.name == name }?.value }
  }
  public var lines: [Line]
  /// Whether the file has more lines of this record than a record can have, so that these are not all.
  public var isPiece: Bool

  public init(lines: [Line], isPiece: Bool = false) {
    self.lines = lines
    self.isPiece = isPiece
  }

  /// The name of the value that holds a line which could not be taken apart.
  public static let rawName = "(raw)"
  /// Columns of one line.
  public static let valuesMax = 1_000
  /// Lines of one message.
  public static let linesMax = 5_000
  /// The longest value of a column, in bytes.
  public static let valueBytesMax = 1 << 20

  public func write(to writer: inout JSONWriter) {
    writer.beginObject()
    writer.key("records")
    writer.beginArray()
    for line in lines {
      writer.beginObject()
      writer.key("line")
      writer.integer(line.number)
      if let fault = line.fault {
        writer.key("fault")
        writer.text(fault)
      }
      writer.key("values")
      writer.beginObject()
      for field in line.values {
        writer.key(field.name)
        writer.text(field.value)
      }
      writer.endObject()
      writer.endObject()
    }
    writer.endArray()
    if isPiece {
      writer.key("piece")
      writer.boolean(true)
    }
    writer.endObject()
  }

  public init(reading reader: inout JSONReader) throws(JSONFault) {
    var lines: [Line] = []
    var isPiece = false
    var seen: UInt64 = 0
    try reader.beginObject("$")
    while let key = try reader.nextKey() {
      if key.is("records") {
        try reader.once(&seen, 0, "records")
        try reader.beginArray("records")
        while try reader.nextItem() {
          guard lines.count < SourceMessage.linesMax else { throw reader.fault(.value, "records") }
          lines.append(try SourceMessage.readLine(&reader))
        }
      } else if key.is("piece") {
        try reader.once(&seen, 1, "piece")
        isPiece = try reader.boolean("piece")
      } else {
        try reader.skip()
      }
    }
    try reader.finish()
    guard !lines.isEmpty else { throw reader.fault(.missing, "records") }
    self.init(lines: lines, isPiece: isPiece)
  }

  private static func readLine(_ reader: inout JSONReader) throws(JSONFault) -> Line {
    var line = Line(number: 0, values: [])
    var seen: UInt64 = 0
    try reader.beginObject("records")
    while let key = try reader.nextKey() {
      if key.is("line") {
        try reader.once(&seen, 0, "records.line")
        line.number = try reader.integer("records.line")
      } else if key.is("fault") {
        try reader.once(&seen, 1, "records.fault")
        line.fault = try reader.textOrNull("records.fault", bytesMax: ContractLimits.wordBytesMax)?.string
      } else if key.is("values") {
        try reader.once(&seen, 2, "records.values")
        line.values = try readValues(&reader)
      } else {
        try reader.skip()
      }
    }
    try reader.require(seen, 2, "records.values")
    return line
  }

  private static func readValues(_ reader: inout JSONReader) throws(JSONFault) -> [Field] {
    var values: [Field] = []
    try reader.beginObject("records.values")
    while let key = try reader.nextKey() {
      guard values.count < valuesMax else { throw reader.fault(.value, "records.values") }
      let name = key.string
      // A person may correct a value to null or to a number by hand.
      switch reader.peek() {
      case .null where reader.takeNull(): break
      case .number: values.append(Field(name, try reader.number("records.values").string))
      default: values.append(Field(name, try reader.text("records.values", bytesMax: valueBytesMax).string))
      }
    }
    return values
  }
}
