// Reads CSV and blank-separated files from chunks of bytes, record by record, in bounded memory (I-02).

/// A streaming reader of delimited records.
///
/// Feed a chunk, call `next` until it returns nil, and go on; after the last chunk call `finish` and drain once more.
/// A refused record is thrown with its line, column and bytes; the next call goes on behind it, unless the fault `isFinal`
/// (an unterminated quotation: guessing where it should have ended could make records out of somebody's text).
/// Lines end with LF or CRLF. Passed over without a word: a byte order mark before the first record, empty lines, and the
/// end-of-file character U+001A at the very end. A quoted field may hold separators, line breaks and doubled marks.
public struct DelimitedReader: Sendable {
  public let format: DelimitedFormat
  /// The names of the columns, once the first record was read; empty without a header.
  public private(set) var header: [String] = []

  /// Bytes not yet read, from `head` on.
  private var buffer: [UInt8] = []
  private var head = 0
  /// The file offset of `head`, and its line.
  private var offset = 0
  private var line = 1
  private var needsHeader: Bool
  private var isComplete = false
  private var hasStopped = false
  /// The rest of the line belongs to a record that was refused.
  private var isSkippingLine = false

  /// Reads a file from its beginning.
  public init(_ format: DelimitedFormat) {
    self.format = format
    needsHeader = format.hasHeader
  }

  /// Goes on in the middle of a file: at the offset and line that a record showed, with the header read before.
  public init(_ format: DelimitedFormat, resumingAt offset: Int, line: Int, header: [String]) {
    self.format = format
    self.offset = offset
    self.line = line
    self.header = header
    needsHeader = false
  }

  /// The offset of the first byte that no record has used yet: where a later import may resume.
  public var resumeOffset: Int { offset }
  /// The line of `resumeOffset`.
  public var resumeLine: Int { line }

  /// The index of a column by its name.
  public func column(_ name: String) -> Int? { header.firstIndex { $0.utf8.elementsEqual(name.utf8) } }

  /// Takes the next bytes of the file.
  public mutating func feed(_ bytes: UnsafeRawBufferPointer) throws(DelimitedFault) {
    guard !hasStopped, !isComplete else { return }
    if head > 0 {
      buffer.removeSubrange(..<head)
      head = 0
    }
    guard buffer.count + bytes.count <= max(format.bufferBytesMax, format.recordBytesMax) else {
      throw DelimitedFault(rule: .undrained, line: line, column: 1)
    }
    buffer.append(contentsOf: bytes)
  }

  /// Takes the next bytes of the file.
  public mutating func feed(_ bytes: [UInt8]) throws(DelimitedFault) {
    try bytes.withUnsafeBytesTyped { (raw) throws(DelimitedFault) in try feed(raw) }
  }

  /// Says that no more bytes follow.
  public mutating func finish() { isComplete = true }

  /// The next record; nil when more bytes are needed, or after `finish` when all were read.
  public mutating func next() throws(DelimitedFault) -> DelimitedRecord? {
    while !hasStopped, try passWhatIsNoRecord() {
      var scan = DelimitedScan(format: format, start: head, isComplete: isComplete)
      let end = buffer.withUnsafeBytes { scan.run($0) }
      switch end {
      case .needsMore: return nil
      case .fault(let rule, let place, let rest): throw refuse(rule, at: place, rest)
      case .record(let last, let following):
        let record = take(scan, last, following)
        if record.bounds.isEmpty || record.raw.isEmpty { continue }
        if let fault = check(record) { throw fault }
        if needsHeader { try keepHeader(record) } else { return record }
      }
    }
    return nil
  }

  // MARK: Between records

  /// Passes a byte order mark, the rest of a refused line, and the end-of-file character; false when nothing is left.
  private mutating func passWhatIsNoRecord() throws(DelimitedFault) -> Bool {
    if isSkippingLine {
      guard let feed = buffer[head...].firstIndex(of: 0x0A) else {
        advance(to: buffer.count, lines: 0)
        return false
      }
      advance(to: feed + 1, lines: 1)
      isSkippingLine = false
    }
    if offset == 0 {
      // A mark that is cut by a chunk's end holds no line feed: it waits, and is seen whole later.
      if buffer[head...].starts(with: [0xEF, 0xBB, 0xBF]) { advance(to: head + 3, lines: 0) }
    }
    guard head < buffer.count else {
      if isComplete, needsHeader {
        hasStopped = true
        throw DelimitedFault(rule: .header, line: line, column: 1, isFinal: true)
      }
      return false
    }
    if buffer[head] == 0x1A, buffer[head...].dropFirst().allSatisfy({ $0 == 0x1A || $0 == 0x0D || $0 == 0x0A }) {
      // Only the end of the file can tell: until then it may be a record.
      if isComplete { advance(to: buffer.count, lines: 0) }
      return isComplete && needsHeader ? try passWhatIsNoRecord() : false
    }
    return true
  }

  private mutating func advance(to place: Int, lines: Int) {
    offset += place - head
    head = place
    line += lines
  }

  // MARK: Records

  private mutating func take(_ scan: DelimitedScan, _ last: Int, _ following: Int) -> DelimitedRecord {
    let raw = Array(buffer[head..<last])
    let start = head
    let content = scan.hasQuotes ? scan.content : raw
    let bounds = scan.hasQuotes ? scan.bounds : scan.bounds.map { $0.lowerBound - start..<$0.upperBound - start }
    let record = DelimitedRecord(line: line, offset: offset, raw: raw, content: content, bounds: bounds)
    advance(to: following, lines: scan.lineBreaks + (following > last ? 1 : 0))
    return record
  }

  /// Refuses what the scan found, and moves behind the line feed that follows `rest`.
  private mutating func refuse(_ rule: DelimitedRule, at place: Int, _ rest: Int) -> DelimitedFault {
    let isFinal = rule == .unterminated
    let lineFeed = buffer[rest...].firstIndex(of: 0x0A)
    var last = min(lineFeed ?? buffer.count, head + format.recordBytesMax)
    if lineFeed == last, last > head, buffer[last - 1] == 0x0D { last -= 1 }
    let raw = Array(buffer[head..<last])
    let (faultLine, column) = Self.position(of: place - head, in: buffer[head...], line)
    if isFinal {
      hasStopped = true
    } else {
      let next = lineFeed.map { $0 + 1 } ?? buffer.count
      isSkippingLine = lineFeed == nil
      advance(to: next, lines: buffer[head..<next].count { $0 == 0x0A })
    }
    return DelimitedFault(rule: rule, line: faultLine, column: column, raw: raw, isFinal: isFinal)
  }

  /// Line and column of a place in a record that begins on `line`. For faults only: it counts from the beginning.
  private static func position(of place: Int, in record: ArraySlice<UInt8>, _ line: Int) -> (line: Int, column: Int) {
    let before = record.prefix(place)
    let lineStart = before.lastIndex(of: 0x0A).map { $0 + 1 - record.startIndex } ?? 0
    return (line + before.count { $0 == 0x0A }, place - lineStart + 1)
  }

  /// What is wrong with a whole record.
  private func check(_ record: DelimitedRecord) -> DelimitedFault? {
    func fault(_ rule: DelimitedRule, at place: Int) -> DelimitedFault {
      let (line, column) = Self.position(of: place, in: record.raw[...], record.line)
      return DelimitedFault(rule: rule, line: line, column: column, raw: record.raw)
    }
    let place = record.raw.withUnsafeBytes { UTF8Check.firstFault(in: $0) }
    if let place { return fault(.utf8, at: place) }
    if let place = record.raw.firstIndex(of: 0) { return fault(.nul, at: place) }
    let expected = format.fieldsExpected ?? (header.isEmpty ? nil : header.count)
    if !needsHeader, let expected, record.count != expected { return fault(.width, at: record.raw.count) }
    return nil
  }

  private mutating func keepHeader(_ record: DelimitedRecord) throws(DelimitedFault) {
    needsHeader = false
    let names = record.texts.map { TextNormal.trimmed($0) }
    guard Set(names).count == names.count, !names.contains("") else {
      hasStopped = true
      throw DelimitedFault(rule: .header, line: record.line, column: 1, raw: record.raw, isFinal: true)
    }
    header = names
  }
}

/// Finds the end of one record, and its fields.
struct DelimitedScan {
  enum End {
    /// The bytes end before the record does.
    case needsMore
    /// The record's end, and where the next begins.
    case record(end: Int, next: Int)
    /// The rule, its place, and a place in the last line of the record.
    case fault(DelimitedRule, at: Int, rest: Int)
  }

  let format: DelimitedFormat
  let start: Int
  let isComplete: Bool
  /// Fields as ranges of the bytes; of `content` when something was quoted.
  private(set) var bounds: [Range<Int>] = []
  private(set) var content: [UInt8] = []
  private(set) var hasQuotes = false
  /// Line breaks inside quotes so far.
  private(set) var lineBreaks = 0

  private var at: Int
  /// Set when the scan ends before the record does.
  private var outcome: End?

  init(format: DelimitedFormat, start: Int, isComplete: Bool) {
    self.format = format
    self.start = start
    self.isComplete = isComplete
    at = start
  }

  mutating func run(_ bytes: UnsafeRawBufferPointer) -> End {
    let end: End
    switch format.separator {
    case .byte(let separator): end = runSeparated(bytes, separator)
    case .blanks: end = runBlanks(bytes)
    }
    switch end {
    case .record(let last, _):
      if last - start > format.recordBytesMax { return .fault(.recordSize, at: start, rest: last) }
      return bounds.count > format.fieldsMax ? .fault(.fieldCount, at: start, rest: last) : end
    case .needsMore:
      guard bytes.count - start > format.recordBytesMax else { return end }
      // Inside quotes no line feed can be trusted to end the record.
      return .fault(isInQuotes ? .unterminated : .recordSize, at: start, rest: at)
    case .fault(let rule, _, let rest):
      // The whole line goes to quarantine: wait for its end.
      let hasLine = isComplete || bytes.count - start > format.recordBytesMax || bytes[rest...].contains(0x0A)
      return hasLine || rule == .unterminated ? end : .needsMore
    }
  }

  private var isInQuotes = false

  // MARK: RFC 4180

  private mutating func runSeparated(_ bytes: UnsafeRawBufferPointer, _ separator: UInt8) -> End {
    while outcome == nil {
      if at < bytes.count, bytes[at] == 0x22 { quotedField(bytes) } else { plainField(bytes, separator) }
      if let outcome { return outcome }
      if bounds.count > format.fieldsMax { return .fault(.fieldCount, at: at, rest: at) }
      guard at < bytes.count else { return isComplete ? .record(end: at, next: at) : .needsMore }
      switch bytes[at] {
      case separator: at += 1
      case 0x0A: return .record(end: at, next: at + 1)
      case 0x0D: return carriageReturn(bytes)
      default: return .fault(.quote, at: at, rest: at)
      }
    }
    return outcome ?? .needsMore
  }

  private func carriageReturn(_ bytes: UnsafeRawBufferPointer) -> End {
    guard at + 1 < bytes.count else { return isComplete ? .record(end: at, next: at + 1) : .needsMore }
    return bytes[at + 1] == 0x0A ? .record(end: at, next: at + 2) : .fault(.lineBreak, at: at, rest: at)
  }

  private mutating func plainField(_ bytes: UnsafeRawBufferPointer, _ separator: UInt8) {
    let begin = at
    while at < bytes.count {
      let byte = bytes[at]
      if byte == separator || byte == 0x0A || byte == 0x0D { break }
      if byte == 0x22 {
        outcome = .fault(.quote, at: at, rest: at)
        return
      }
      at += 1
    }
    if hasQuotes {
      let first = content.count
      content.append(contentsOf: bytes[begin..<at])
      bounds.append(first..<content.count)
    } else {
      bounds.append(begin..<at)
    }
  }

  private mutating func quotedField(_ bytes: UnsafeRawBufferPointer) {
    if !hasQuotes { copyFieldsSoFar(bytes) }
    let first = content.count
    let opening = at
    isInQuotes = true
    at += 1
    while at < bytes.count {
      let byte = bytes[at]
      if byte == 0x22 {
        guard at + 1 < bytes.count, bytes[at + 1] == 0x22 else { break }
        content.append(0x22)
        at += 2
        continue
      }
      content.append(byte)
      at += 1
      if byte == 0x0A { lineBreaks += 1 }
    }
    guard at < bytes.count else {
      // The fault stands where the quotation was opened.
      outcome = isComplete ? .fault(.unterminated, at: opening, rest: at) : .needsMore
      return
    }
    at += 1
    isInQuotes = false
    bounds.append(first..<content.count)
  }

  /// From the first quotation on, fields are kept without their marks in `content`.
  private mutating func copyFieldsSoFar(_ bytes: UnsafeRawBufferPointer) {
    hasQuotes = true
    for index in bounds.indices {
      let first = content.count
      content.append(contentsOf: bytes[bounds[index]])
      bounds[index] = first..<content.count
    }
  }

  // MARK: Runs of blanks

  private mutating func runBlanks(_ bytes: UnsafeRawBufferPointer) -> End {
    while true {
      while at < bytes.count, bytes[at] == 0x20 || bytes[at] == 0x09 { at += 1 }
      guard at < bytes.count else { return isComplete ? .record(end: at, next: at) : .needsMore }
      switch bytes[at] {
      case 0x0A: return .record(end: at, next: at + 1)
      case 0x0D: return carriageReturn(bytes)
      default: break
      }
      let begin = at
      while at < bytes.count, !Self.endsWord(bytes[at]) {
        at += 1
      }
      bounds.append(begin..<at)
      if bounds.count > format.fieldsMax { return .fault(.fieldCount, at: at, rest: at) }
    }
  }

  private static func endsWord(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D }
}
