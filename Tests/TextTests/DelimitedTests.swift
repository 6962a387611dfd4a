// CSV and blank-separated files: every chunking gives the same records, and Python's csv module agrees.
import Foundation
import Testing
import Text

/// What came out of a file: records as fields, or the rule that refused one.
private func readAll(_ bytes: [UInt8], _ format: DelimitedFormat, chunk: Int = .max) -> (
  rows: [[String]], lines: [Int], faults: [DelimitedFault]
) {
  var reader = DelimitedReader(format)
  var rows: [[String]] = []
  var lines: [Int] = []
  var faults: [DelimitedFault] = []
  func drain() {
    while true {
      do throws(DelimitedFault) {
        guard let record = try reader.next() else { return }
        rows.append(record.texts)
        lines.append(record.line)
      } catch {
        faults.append(error)
      }
    }
  }
  var at = 0
  while at < bytes.count {
    let next = chunk < bytes.count - at ? at + chunk : bytes.count
    do throws(DelimitedFault) { try reader.feed(Array(bytes[at..<next])) } catch { faults.append(error) }
    drain()
    at = next
  }
  reader.finish()
  drain()
  return (rows, lines, faults)
}

private func readAll(_ text: String, _ format: DelimitedFormat = plain, chunk: Int = .max) -> (
  rows: [[String]], lines: [Int], faults: [DelimitedFault]
) {
  readAll(Array(text.utf8), format, chunk: chunk)
}

private let plain = DelimitedFormat(separator: .byte(0x2C), hasHeader: false)

struct DelimitedReaderTests {
  static let sample = "\u{FEFF}id,\"note, \"\"long\"\"\",客户\r\n1,\"a\r\nb\n\",王\n\n2,,\"\"\r\n\"3\",x y, z \r\n4,\"é\",\"😀\""

  @Test(arguments: [1, 2, 3, 5, 7, 64, 1_000]) func everyChunkingGivesTheSameRecords(chunk: Int) {
    let result = readAll(Self.sample, chunk: chunk)
    #expect(
      result.rows == [
        ["id", "note, \"long\"", "客户"], ["1", "a\r\nb\n", "王"], ["2", "", ""], ["3", "x y", " z "], ["4", "é", "😀"],
      ])
    #expect(result.lines == [1, 2, 6, 7, 8])
    #expect(result.faults.isEmpty)
  }

  @Test func aHeaderNamesTheColumns() throws {
    var reader = DelimitedReader(.csv)
    try reader.feed(Array("id, name \n7,x\n".utf8))
    let record = try #require(try reader.next())
    #expect(reader.header == ["id", "name"])
    #expect(reader.column("name") == 1 && reader.column("none") == nil)
    #expect(record.text(1) == "x" && record.text(9) == "" && record.line == 2 && record.offset == 10)
    #expect(record.withField(0) { Array($0) } == Array("7".utf8))
    #expect(record.raw == Array("7,x".utf8))
  }

  @Test func blanksInRunsSeparateAndTheOldEndOfFileMarkIsPassedOver() {
    let text = " customer_id  date\r\n 00001 19970101 \r\n\t00002\t 19970112\r\n   \r\n\u{1A}"
    for chunk in [1, 3, 1_000] {
      let result = readAll(text, DelimitedFormat.blanks, chunk: chunk)
      #expect(result.rows == [["00001", "19970101"], ["00002", "19970112"]])
      #expect(result.lines == [2, 3])
      #expect(result.faults.isEmpty)
    }
    #expect(readAll("a\r\n\u{1A}\r\n").rows == [["a"]])
    #expect(readAll("a\n\u{1A}b\n").rows == [["a"], ["\u{1A}b"]])
  }

  static let refusals: [(String, DelimitedRule, Int, Int, String)] = [
    ("1,2\na,b\"c\n3,4\n", .quote, 2, 4, "a,b\"c"), ("1,2\n\"a\"b,c\n3,4\n", .quote, 2, 4, "\"a\"b,c"),
    ("1,2\n\"a\n\nb\"c,d\r\n3,4\n", .quote, 4, 3, "\"a\n\nb\"c,d"), ("1,2\na\rb,c\n3,4\n", .lineBreak, 2, 2, "a\rb,c"),
    ("1,2\na,\"x\n\u{0}\"\n3,4\n", .nul, 3, 1, "a,\"x\n\u{0}\""), ("1,2\na\n3,4\n", .width, 2, 2, "a"),
    ("1,2\na,b,c\n3,4\n", .width, 2, 6, "a,b,c"),
    ("1,2\n12345678901234567,x\n3,4\n", .recordSize, 2, 1, "1234567890123456"), ("1,2\n,,,,,\n3,4\n", .fieldCount, 2, 5, ",,,,,"),
  ]

  @Test(arguments: [1, 4, 1_000]) func aBadRecordIsRefusedWithItsPlaceAndBytesAndTheNextIsRead(chunk: Int) {
    let format = DelimitedFormat(separator: .byte(0x2C), hasHeader: false, fieldsExpected: 2, recordBytesMax: 16, fieldsMax: 4)
    for (text, rule, line, column, raw) in Self.refusals {
      let result = readAll(text, format, chunk: chunk)
      #expect(result.rows == [["1", "2"], ["3", "4"]], "\(text.debugDescription)")
      #expect(result.faults.count == 1)
      let fault = result.faults.first
      #expect(
        fault?.rule == rule && fault?.line == line && fault?.column == column, "\(text.debugDescription): \(String(describing: fault))")
      #expect(fault.map { String(decoding: $0.raw, as: UTF8.self) } == raw, "\(text.debugDescription)")
    }
  }

  @Test func bytesThatAreNoUTF8AreRefused() {
    let result = readAll(Array("a,b\n".utf8) + [0x31, 0x2C, 0xC4, 0xE3, 0x0A] + Array("3,4".utf8), plain)
    #expect(result.rows == [["a", "b"], ["3", "4"]])
    #expect(result.faults == [DelimitedFault(rule: .utf8, line: 2, column: 3, raw: [0x31, 0x2C, 0xC4, 0xE3])])
  }

  @Test func aQuotationWithoutEndStopsTheReadingWhereItBegan() {
    let result = readAll("a,b\n1,\"x\n2,y\n3,z\n")
    #expect(result.rows == [["a", "b"]])
    #expect(result.faults.map(\.rule) == [.unterminated] && result.faults.first?.isFinal == true)
    #expect(result.faults.first?.line == 2 && result.faults.first?.column == 3)
    let long = DelimitedFormat(separator: .byte(0x2C), hasHeader: false, recordBytesMax: 64)
    let endless = readAll("a\n\"" + String(repeating: "x\n", count: 500), long, chunk: 10)
    #expect(endless.rows == [["a"]] && endless.faults.map(\.rule) == [.unterminated])
  }

  @Test func headersMustNameEachColumnOnce() {
    for text in ["a,a\n1,2\n", "a,\n1,2\n", "", "\n\n", "\u{1A}"] {
      let result = readAll(text, .csv)
      #expect(result.rows.isEmpty && result.faults.map(\.rule) == [.header], "\(text.debugDescription)")
    }
  }

  @Test func moreThanMayWaitIsNotTaken() throws {
    let format = DelimitedFormat(separator: .byte(0x2C), hasHeader: false, recordBytesMax: 8, bufferBytesMax: 16)
    var reader = DelimitedReader(format)
    try reader.feed(Array("12345\n1234\n".utf8))
    #expect(fault { () throws(DelimitedFault) in try reader.feed(Array("123456\n".utf8)) }?.rule == .undrained)
    _ = try reader.next()
    try reader.feed(Array("123456\n".utf8))
    reader.finish()
    #expect(try reader.next()?.texts == ["1234"])
    #expect(try reader.next()?.texts == ["123456"])
    #expect(try reader.next() == nil)
  }

  @Test func anImportResumesWhereARecordEnded() throws {
    let bytes = Array("id,n\n1,\"a\nb\"\n2,c\n3,d\n".utf8)
    var first = DelimitedReader(.csv)
    try first.feed(bytes)
    _ = try first.next()
    var second = DelimitedReader(.csv, resumingAt: first.resumeOffset, line: first.resumeLine, header: first.header)
    try second.feed(Array(bytes[first.resumeOffset...]))
    let record = try #require(try second.next())
    #expect(record.texts == ["2", "c"] && record.line == 4 && record.offset == 13)
  }

  @Test(.enabled(if: Python.isInstalled, Python.absent)) func pythonsCsvModuleReadsTheSameRecords() async throws {
    let script = """
      import csv, io, sys
      out = open(sys.argv[2], 'w', encoding='utf-8')
      data = open(sys.argv[1], encoding='utf-8', newline='').read()
      for case in data.split('\\x1e'):
          try:
              rows = [row for row in csv.reader(io.StringIO(case, newline=''), strict=True) if row]
              out.write('|'.join(','.join(f.encode().hex() for f in row) for row in rows) + '\\n')
          except csv.Error:
              out.write('refused\\n')
      """
    var random = SplitMix(17)
    let pieces = ["a", "客", ",", ",", "\n", "\r\n", "\"x\"", "\"x,\"\"\n\"", " ", "\"\"", "1"]
    let cases = (0..<5_000).map { _ in (0..<random.below(12)).map { _ in pieces[random.below(pieces.count)] }.joined() }
    let output = try await Python.run(script, cases.joined(separator: "\u{1E}"))
    let answers = output.split(separator: "\n", omittingEmptySubsequences: false).dropLast().map(String.init)
    try #require(answers.count == cases.count)
    var compared = 0
    for (text, answer) in zip(cases, answers) {
      let own = readAll(text, chunk: 1 + random.below(9))
      // Python lets a mark stand inside a plain field, which RFC 4180 does not.
      guard own.faults.isEmpty else { continue }
      let rows = own.rows.map {
        $0.map { field in field.utf8.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined() }.joined(separator: ",")
      }
      #expect(rows.joined(separator: "|") == answer, "\(text.debugDescription)")
      compared += 1
    }
    #expect(compared > 1_000)
  }

  @Test(.enabled(if: SharedData.exists("cdnow/CDNOW_master.txt"), "the CDNOW data is not beside the checkout"))
  func theCDNOWFileIsReadToItsKnownTotal() throws {
    let bytes = try SharedData.bytes("cdnow/CDNOW_master.txt")
    // A slow build reads a tenth of the file and, at its end, the last lines.
    let cut = try #require(bytes[200_000...].firstIndex(of: 0x0A)) + 1
    let result = readAll(Array(bytes[..<cut]) + bytes.suffix(84), DelimitedFormat.blanks, chunk: 64 << 10)
    #expect(result.faults.isEmpty)
    #expect(result.rows.allSatisfy { $0.count == 4 })
    #expect(result.rows.count == bytes[..<cut].count { $0 == 0x0A } - 1 + bytes.suffix(84).count { $0 == 0x0A })
    #expect(result.rows.first == ["00001", "19970101", "1", "11.77"])
    let date = try TimePattern("%Y%m%d")
    for row in result.rows {
      _ = try date.parse(row[1])
      _ = try MinorUnits.parse(row[3], digits: 2)
    }
  }
}

struct DelimitedWriterTests {
  @Test func fieldsAreQuotedWhereTheyMustBe() {
    var writer = DelimitedWriter()
    writer.record(["a", "b,c", "d\"e", "f\r\ng", " h", "客", ""])
    writer.record([""])
    writer.field(-12)
    writer.emptyField()
    writer.field("x")
    writer.endRecord()
    let text = String(decoding: writer.take(), as: UTF8.self)
    #expect(text == "a,\"b,c\",\"d\"\"e\",\"f\r\ng\",\" h\",客,\r\n\"\"\r\n-12,,x\r\n")
    let left = writer.count
    #expect(left == 0)
  }

  @Test func whatASpreadsheetWouldRunGetsAnApostrophe() {
    let cases = [
      ("=1+1", "'=1+1"), ("+cmd", "'+cmd"), ("-x", "'-x"), ("@sum", "'@sum"), ("\tx", "'\tx"), ("\rx", "\"'\rx\""), ("\n=x", "\"'\n=x\""),
      ("＝1", "'＝1"),
      ("－x", "'－x"), ("=\"a\"", "\"'=\"\"a\"\"\""), ("-12.30", "-12.30"), ("+8613800138000", "+8613800138000"), ("-1e3", "'-1e3"),
      ("-", "'-"), ("a=1", "a=1"),
    ]
    for (text, expected) in cases {
      var writer = DelimitedWriter()
      writer.field(text)
      let bytes = writer.take()
      #expect(String(decoding: bytes, as: UTF8.self) == expected)
    }
    var trusting = DelimitedWriter(isGuarded: false, hasByteOrderMark: true)
    trusting.field("=1")
    let bytes = trusting.take()
    #expect(bytes == [0xEF, 0xBB, 0xBF, 0x3D, 0x31])
  }

  @Test(arguments: 0..<20 as Range<UInt64>) func whatIsWrittenReadsBackTheSame(seed: UInt64) {
    var random = SplitMix(seed)
    let pieces = ["a", ",", "\"", "\n", "\r\n", "\r", " ", "客", "=", ""]
    let rows = (0..<50).map { _ in
      (0..<1 + random.below(4)).map { _ in (0..<random.below(5)).map { _ in pieces[random.below(pieces.count)] }.joined() }
    }
    var writer = DelimitedWriter(isGuarded: false)
    for row in rows { writer.record(row) }
    let result = readAll(writer.take(), plain, chunk: 11)
    #expect(result.rows == rows, "seed \(seed)")
    #expect(result.faults.isEmpty)
  }
}
