// From a file to the records that are published for it: every line is accounted for, also those that cannot be read (I-02).
public import Contracts
public import Domain
import Text

/// One record to be published on a public topic.
public struct FileRecord: Sendable {
  public let key: [UInt8]
  public let value: [UInt8]
  public let headers: [(name: String, value: String)]
  /// The number of its first line, from 1, and how many records of the file it stands for.
  public let line: Int64
  public let lines: Int64
}

/// A file that cannot be imported at all, as one without the columns that the mapping reads.
public struct FileUnreadable: Error, Hashable, Sendable {
  public let problems: [String]
}

/// Turns a file into records, chunk by chunk, in bounded memory.
///
/// Giving the same file again gives the same records: an import that was broken off goes on with `afterLine`, the `line` of the last
/// record that was stored.
public struct FileRecords: Sendable {
  private let mapping: Mapping
  private let mappingID: String
  private let source: String
  private let importID: String
  private let afterLine: Int64
  private var form: Form

  /// Records and lines given out so far, those before `afterLine` not counted.
  public private(set) var recordCount: Int64 = 0
  public private(set) var lineCount: Int64 = 0

  private enum Form: Sendable {
    case delimited(DelimitedFile)
    case text(RecordSplitter)
    case taken
  }

  /// The longest line of a delimited file, in bytes; longer ones go to quarantine, cut.
  public static let lineBytesMax = 128 << 10
  /// The largest value of a record, in bytes: brokers take a megabyte. A record with more lines than fit is cut into pieces and refused.
  public static let valueBytesMax = 900_000
  /// Chunks are taken in steps of this many bytes.
  static let stepBytesMax = 1 << 20

  /// - Parameters:
  ///   - mappingID: as registered; ingest reads the records by it.
  ///   - source: whose records these are; nil: the mapping's own source.
  ///   - afterLine: records that begin on this line or before it are left out.
  public init(mapping: Mapping, mappingID: String, importID: String, source: String? = nil, afterLine: Int64 = 0) {
    self.mapping = mapping
    self.source = source ?? mapping.source
    self.mappingID = mappingID
    self.importID = importID
    self.afterLine = afterLine
    switch mapping.format {
    case .delimited(let format): form = .delimited(DelimitedFile(format, mapping))
    case .jsonLines: form = .text(RecordSplitter(.lines))
    case .json: form = .text(RecordSplitter(.array))
    }
  }

  /// The topic for records of this mapping. What a record becomes is decided by the mapping, not by the topic.
  public static func topic(of mapping: Mapping) -> Topic {
    let streams = Set(mapping.kinds.map { InputStream($0.kind) })
    return (streams.count == 1 ? streams.first : nil)?.topic ?? Topics.ordersIn
  }

  /// Takes the next bytes of the file; the records that they complete.
  public mutating func take(_ chunk: [UInt8]) throws(FileUnreadable) -> [FileRecord] {
    var records: [FileRecord] = []
    var start = 0
    while start < chunk.count {
      let step = chunk[start..<min(start + FileRecords.stepBytesMax, chunk.count)]
      records += try advance(step)
      start = step.endIndex
    }
    return records
  }

  /// The end of the file: what is still open.
  public mutating func finish() throws(FileUnreadable) -> [FileRecord] { try advance(nil) }

  /// nil: the end of the file.
  private mutating func advance(_ step: ArraySlice<UInt8>?) throws(FileUnreadable) -> [FileRecord] {
    let pieces: [Piece]
    // Taken out while it changes, so that its buffers are not copied.
    let taken = form
    form = .taken
    switch taken {
    case .delimited(var file):
      defer { form = .delimited(file) }
      pieces = if let step { try file.take(step) } else { try file.finish() }
    case .text(var splitter):
      defer { form = .text(splitter) }
      pieces = if let step { splitter.take(step) } else { splitter.finish() }
    case .taken: pieces = []
    }
    return pieces.filter { $0.line > afterLine }.map { record($0) }
  }

  private mutating func record(_ piece: Piece) -> FileRecord {
    recordCount += 1
    lineCount += piece.lines
    let key = source + "/" + (piece.key ?? "line-\(piece.line)")
    return FileRecord(
      key: Array(key.utf8), value: piece.value,
      headers: [
        (Header.inputSource, source), (Header.mapping, mappingID), (Header.importID, importID), (Header.line, String(piece.line)),
        (Header.lines, String(piece.lines)),
      ],
      line: piece.line, lines: piece.lines)
  }
}

extension InputStream {
  init(_ kind: MappedKind) {
    switch kind {
    case .order, .payment, .refund, .cancellation: self = .orders
    case .customer: self = .customers
    case .contact: self = .contacts
    case .behaviour: self = .behaviours
    case .answer: self = .answers
    }
  }
}

/// A record's value and where it came from.
struct Piece: Sendable {
  var key: String?
  var value: [UInt8]
  var line: Int64
  var lines: Int64
}

// MARK: - Delimited files

struct DelimitedFile: Sendable {
  private let mapping: Mapping
  private var reader: DelimitedReader
  private var grouper = LineGrouper()
  private var names: [String]?
  private let fixedNames: [String]?
  /// The columns that the mapping reads.
  private var columns: [Int] = []
  /// Lines of the open groups, whole, by their numbers.
  private var openLines: [Int64: SourceMessage.Line] = [:]
  private var lineFeeds: Int64 = 0
  private var endsInLineFeed = true
  /// A quotation that never ends: nothing behind it can be told apart.
  private var stopped: DelimitedFault?

  init(_ format: Domain.DelimitedFormat, _ mapping: Mapping) {
    self.mapping = mapping
    let separator: Text.DelimitedFormat.Separator =
      switch format.delimiter {
      case .byte(let byte): .byte(byte)
      case .blanks: .blanks
      }
    fixedNames = format.columns
    reader = DelimitedReader(
      Text.DelimitedFormat(
        separator: separator, hasHeader: format.columns == nil, fieldsExpected: format.columns?.count,
        recordBytesMax: FileRecords.lineBytesMax,
        fieldsMax: SourceMessage.valuesMax))
  }

  mutating func take(_ bytes: ArraySlice<UInt8>) throws(FileUnreadable) -> [Piece] {
    lineFeeds += Int64(bytes.count { $0 == 0x0A })
    if let last = bytes.last { endsInLineFeed = last == 0x0A }
    do throws(DelimitedFault) { try reader.feed(Array(bytes)) } catch { throw FileUnreadable(problems: [error.description]) }
    return try drain()
  }

  mutating func finish() throws(FileUnreadable) -> [Piece] {
    reader.finish()
    var pieces = try drain()
    if fixedNames != nil || !reader.header.isEmpty { _ = try knownNames() }
    for group in grouper.finish() { pieces += self.pieces(group) }
    if let fault = stopped {
      let rest = lineFeeds + (endsInLineFeed ? 0 : 1) - Int64(reader.resumeLine) + 1
      pieces.append(broken(fault, line: Int64(reader.resumeLine), lines: max(1, rest)))
    }
    return pieces
  }

  private mutating func drain() throws(FileUnreadable) -> [Piece] {
    var pieces: [Piece] = []
    while stopped == nil {
      let startLine = Int64(reader.resumeLine)
      let result: Result<DelimitedRecord?, DelimitedFault>
      do throws(DelimitedFault) { result = .success(try reader.next()) } catch { result = .failure(error) }
      switch result {
      case .success(let record?): pieces += try add(record)
      case .success(nil): return pieces
      case .failure(let fault):
        if fault.rule == .header { throw FileUnreadable(problems: [fault.description]) }
        if fault.isFinal { stopped = fault } else { pieces.append(broken(fault, line: min(startLine, Int64(fault.line)), lines: 1)) }
      }
    }
    return pieces
  }

  private mutating func add(_ record: DelimitedRecord) throws(FileUnreadable) -> [Piece] {
    let names = try knownNames()
    let number = Int64(record.line)
    let texts = record.texts
    openLines[number] = SourceMessage.Line(number: number, values: zip(names, texts).map { SourceMessage.Field($0, $1) })
    let source = SourceRecord(lineNumber: number, values: columns.map { $0 < texts.count ? texts[$0] : nil })
    var pieces: [Piece] = []
    for group in grouper.add(source, key: mapping.groupKey(of: source)) { pieces += self.pieces(group) }
    return pieces
  }

  /// The names of the columns; at first they are compared with what the mapping reads.
  private mutating func knownNames() throws(FileUnreadable) -> [String] {
    if let names { return names }
    let found = fixedNames ?? reader.header
    do throws(ConfigurationFaults) { columns = try mapping.columns(in: found) } catch {
      throw FileUnreadable(problems: error.faults.map(\.problem))
    }
    names = found
    return found
  }

  /// The record of a group; several, each a piece, where it is too long for one.
  private mutating func pieces(_ group: LineGroup) -> [Piece] {
    let lines = group.records.compactMap { openLines.removeValue(forKey: $0.lineNumber) }
    let key = group.key.isEmpty ? orderKey(of: group) : group.key
    let whole = piece(lines, key: key, isPiece: group.isPiece)
    if whole.value.count <= FileRecords.valueBytesMax { return [whole] }
    var pieces: [Piece] = []
    var part: [SourceMessage.Line] = []
    var bytes = 0
    for line in lines {
      let size = line.values.reduce(64) { $0 + 6 * ($1.name.utf8.count + $1.value.utf8.count) + 8 }
      if bytes + size > FileRecords.valueBytesMax, !part.isEmpty {
        pieces.append(piece(part, key: key, isPiece: true))
        part = []
        bytes = 0
      }
      part.append(line)
      bytes += size
    }
    if !part.isEmpty { pieces.append(piece(part, key: key, isPiece: true)) }
    return pieces
  }

  private func piece(_ lines: [SourceMessage.Line], key: String?, isPiece: Bool) -> Piece {
    let message = SourceMessage(lines: lines, isPiece: isPiece)
    return Piece(key: key, value: JSONWriter.bytes { message.write(to: &$0) }, line: lines.first?.number ?? 0, lines: Int64(lines.count))
  }

  /// Where each line is a record: the column that orders are told apart by, so that what belongs to one order meets in one partition.
  private func orderKey(of group: LineGroup) -> String? {
    for rule in mapping.kinds {
      if let origin = mapping.sections[rule.kind]?.orderID?.origin, case .field(.record(let index)) = origin,
        let values = group.records.first?.values, values.indices.contains(index)
      {
        return values[index]
      }
    }
    return nil
  }

  /// A line that could not be taken apart: its text is kept, so that a person can look at it.
  private func broken(_ fault: DelimitedFault, line: Int64, lines: Int64) -> Piece {
    let text = String(decoding: fault.raw.prefix(FileRecords.lineBytesMax).map { $0 == 0 ? 0x3F : $0 }, as: UTF8.self)
    let message = SourceMessage(
      lines: [
        SourceMessage.Line(number: Int64(fault.line), values: [SourceMessage.Field(SourceMessage.rawName, text)], fault: word(fault.rule))
      ])
    return Piece(key: nil, value: JSONWriter.bytes { message.write(to: &$0) }, line: line, lines: lines)
  }

  private func word(_ rule: DelimitedRule) -> String {
    switch rule {
    case .quote: "quote"
    case .unterminated: "unterminated_quote"
    case .lineBreak: "line_break"
    case .nul: "nul"
    case .utf8: "utf8"
    case .width: "field_count"
    case .recordSize, .undrained: "size"
    case .fieldCount: "too_many_fields"
    case .header: "header"
    }
  }
}
