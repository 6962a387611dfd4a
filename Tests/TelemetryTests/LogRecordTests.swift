// The JSON line of a log record.
import Telemetry
import Testing

@Suite struct LogRecordTests {
  private func line(_ fields: LogFields, message: String = "phrase", at micros: Int64 = 0) -> String {
    let record = LogRecord(unixMicroseconds: micros, level: .info, service: "ingest", message: message, fields: fields)
    return String(decoding: record.jsonLine(), as: UTF8.self)
  }

  @Test func theFourFixedFieldsComeFirstAndTheOthersInOrder() {
    let fields: LogFields = [
      .topic: .string("in.orders.v1"), .partition: .int(3), "ratio": .double(0.5), "fresh": .bool(true),
      "names": .list([.string("a"), .int(UInt8(1)), .list([])]),
    ]
    #expect(
      self.line(fields)
        == #"{"time":"1970-01-01T00:00:00.000000Z","level":"info","service":"ingest","message":"phrase","topic":"in.orders.v1","#
        + #""partition":3,"ratio":0.5,"fresh":true,"names":["a",1,[]]}"# + "\n")
  }

  /// Known answers from Python's datetime.
  @Test(arguments: [
    (0 as Int64, "1970-01-01T00:00:00.000000Z"), (1_772_366_400_123_456, "2026-03-01T12:00:00.123456Z"),
    (951_782_400_000_000, "2000-02-29T00:00:00.000000Z"), (-1, "1969-12-31T23:59:59.999999Z"),
    (4_107_542_399_999_999, "2100-02-28T23:59:59.999999Z"), (-62_135_596_800_000_000, "0001-01-01T00:00:00.000000Z"),
    (253_402_300_799_999_999, "9999-12-31T23:59:59.999999Z"),
  ])
  func timeIsRFC3339InUTC(micros: Int64, text: String) {
    #expect(self.line([:], at: micros).contains(#""time":"\#(text)""#))
  }

  @Test(arguments: [Int64.min, Int64.max]) func noTimeEndsTheProgram(micros: Int64) {
    #expect(self.line([:], at: micros).hasSuffix("}\n"))
  }

  @Test func whatCouldEndTheLineOrSteerATerminalIsEscaped() {
    let line = self.line(["x": .string("a\r\nb\t\u{1B}[2J\0\u{7F}\u{9B}\u{2028}\u{202E}\"\\/é客")])
    #expect(line.contains(#""x":"a\r\nb\t\u001b[2J\u0000\u007f\u009b\u2028\u202e\"\\/é客"}"#))
    #expect(line.utf8.filter { $0 < 0x20 } == [0x0A])
  }

  @Test func namesOfFieldsAreEscapedToo() {
    #expect(self.line([LogKey(rawValue: "a\"\n"): .int(1)]).contains(#""a\"\n":1"#))
  }

  @Test func aFieldNamedLikeAFixedOneIsRenamed() {
    let line = self.line(["time": .int(1), "level": .int(2), "service": .int(3), "message": .int(4)])
    #expect(line.hasSuffix(#","field_time":1,"field_level":2,"field_service":3,"field_message":4}"# + "\n"))
  }

  @Test func numbersThatJSONLacksAreTexts() {
    let line = self.line(["a": .double(.nan), "b": .double(-.infinity), "c": .double(1e300), "d": .int(UInt64.max)])
    #expect(line.contains(#""a":"nan","b":"-inf","c":1e+300,"d":9223372036854775807"#))
  }

  @Test func longValuesAreCutAtACharacterAndMarked() {
    let line = self.line(["x": .string(String(repeating: "客", count: 1_000))])
    #expect(line.hasSuffix(#"客…","truncated":true}"# + "\n"))
    #expect(line.utf8.count < LogRecord.valueBytesMax + 200)
  }

  @Test func fieldsThatDoNotFitAreLeftOutAndSmallerOnesAfterThemStay() {
    let big = LogValue.string(String(repeating: "x", count: 1_000))
    let line = self.line(["a": big, "b": big, "c": big, "d": big, "e": .int(1)])
    #expect(line.utf8.count <= LogRecord.lineBytesMax)
    #expect(line.contains(#""c":"x"#))
    #expect(!line.contains(#""d":"#))
    #expect(line.hasSuffix(#","e":1,"truncated":true}"# + "\n"))
  }

  @Test func listsAreBoundedInLengthAndDepth() {
    let long = self.line(["x": .list(Array(repeating: .int(1), count: 1_000))])
    #expect(long.hasSuffix(#",1],"truncated":true}"# + "\n"))
    #expect(long.filter { $0 == "," }.count == 4 + LogRecord.listElementsMax)
    var deep = LogValue.list([])
    for _ in 0..<1_000 { deep = .list([deep]) }
    #expect(self.line(["x": deep]).contains(#""x":[[[["…"]]]],"truncated":true"#))
  }

  /// Whatever is logged, the line is one JSON object, within its bound.
  @Test(.enabled(if: Shell.exists("python3"), "python3 is not installed"))
  func everyLineIsReadByAnotherJSONReader() async {
    var random = SplitMix(state: 7)
    var lines = ""
    for _ in 0..<500 {
      var fields = LogFields()
      for index in 0..<Int.random(in: 0...12, using: &random) {
        let scalars = (0..<Int.random(in: 0...400, using: &random)).map { _ in
          Unicode.Scalar(UInt32.random(in: 0...0x2FFF, using: &random)) ?? "?"
        }
        var text = ""
        text.unicodeScalars.append(contentsOf: scalars)
        fields[LogKey(rawValue: "k\(index)")] = index % 3 == 0 ? .list([.string(text), .double(0.1)]) : .string(text)
      }
      let line = self.line(fields)
      #expect(line.utf8.count <= LogRecord.lineBytesMax)
      lines += line
    }
    let program =
      "import json,sys; t = sys.stdin.buffer.read().decode(); "
      + "sys.exit(sum(json.loads(l)['service'] == 'ingest' for l in t.split(chr(10)) if l) != 500)"
    #expect(await Shell.accepts("python3 -c \"\(program)\"", input: lines))
  }
}
