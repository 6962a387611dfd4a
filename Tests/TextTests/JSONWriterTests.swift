// The writer: valid JSON whatever is called, and the tree that uses it.
import Foundation
import Testing
import Text

struct JSONWriterTests {
  @Test func commasColonsAndEscapesAreTheWritersBusiness() {
    let bytes = JSONWriter.bytes { writer in
      writer.beginObject()
      writer.key("text")
      writer.text("q\" b\\ n\n t\t r\r b\u{8} f\u{C} c\u{1}\u{1F} /é客😀\u{7F}")
      writer.key("数 \"")
      writer.beginArray()
      writer.integer(Int64.min)
      writer.integer(0)
      writer.boolean(true)
      writer.boolean(false)
      writer.null()
      writer.beginObject()
      writer.endObject()
      writer.beginArray()
      writer.endArray()
      writer.number(0.1)
      writer.number(Double.nan)
      writer.endArray()
      writer.key("last")
      writer.textOrNull(nil)
      writer.endObject()
    }
    let expected =
      #"{"text":"q\" b\\ n\n t\t r\r b\b f\f c\u0001\u001f /é客😀"# + "\u{7F}"
      + #"","数 \"":[-9223372036854775808,0,true,false,null,{},[],0.1,null],"last":null}"#
    #expect(String(decoding: bytes, as: UTF8.self) == expected)
  }

  @Test func everyCharacterComesBackFromFoundationsDecoder() throws {
    var scalars: [Unicode.Scalar] = (0..<0x800).compactMap { Unicode.Scalar($0) }
    scalars += stride(from: 0x800, through: 0x10FFFF, by: 997).compactMap { Unicode.Scalar(UInt32($0)) }
    for length in [1, 7, 8, 9, 40] {
      var index = 0
      while index < scalars.count {
        let text = String(String.UnicodeScalarView(scalars[index..<min(index + length, scalars.count)]))
        index += length
        let bytes = JSONWriter.bytes { $0.text(text) }
        let back = try JSONSerialization.jsonObject(with: Data(bytes), options: .fragmentsAllowed) as? String
        #expect(back.map { Array($0.unicodeScalars) } == Array(text.unicodeScalars))
      }
    }
  }

  @Test func bytesThatAreNoUTF8AreReplacedAndNeverWritten() {
    let bytes = JSONWriter.bytes { writer in
      writer.beginArray()
      writer.text(utf8: [0x61, 0xFF, 0x62])
      writer.text(utf8: [0xE5, 0xAE, 0xA2])
      writer.endArray()
    }
    #expect(String(decoding: bytes, as: UTF8.self) == "[\"a\u{FFFD}b\",\"客\"]")
  }

  @Test func rawValuesAreCheckedBeforeTheyAreCopied() throws {
    var writer = JSONWriter()
    writer.beginArray()
    for text in ["{\"a\" : 1}", "[1,]", "1 2", "", "\"x"] {
      let bytes = Array(text.utf8)
      bytes.withUnsafeBytes { raw in
        do throws(JSONFault) { try writer.raw(raw) } catch { writer.text(error.rule.rawValue) }
      }
    }
    let text = writer.string()
    #expect(text == #"[{"a" : 1},"syntax","trailing","truncated","truncated"]"#)
  }

  @Test func wrongCallsWriteNothingWrongAndAreCounted() {
    func written(_ body: (inout JSONWriter) -> Void) -> (String, Int) {
      var writer = JSONWriter()
      body(&writer)
      return (writer.string(), writer.misuses)
    }
    #expect(
      written {
        $0.beginObject()
        $0.integer(1)
        $0.key("a")
        $0.integer(2)
      } == (#"{"a":2}"#, 1))
    #expect(
      written {
        $0.beginObject()
        $0.key("a")
        $0.key("b")
        $0.integer(2)
      } == (#"{"a":null,"b":2}"#, 1))
    #expect(
      written {
        $0.beginObject()
        $0.key("a")
        $0.endObject()
      } == (#"{"a":null}"#, 1))
    #expect(
      written {
        $0.beginArray()
        $0.key("a")
        $0.endObject()
        $0.integer(1)
      } == ("[1]", 2))
    #expect(
      written {
        $0.integer(1)
        $0.integer(2)
        $0.beginArray()
        $0.integer(3)
        $0.endArray()
      } == ("1", 2))
    #expect(
      written {
        $0.endArray()
        $0.beginArray()
        $0.beginObject()
        $0.key("k")
        $0.beginArray()
      } == (#"[{"k":[]}]"#, 1))
    #expect(written { for _ in 0..<100 { $0.beginArray() } }.1 == 1)
    let deep = written { writer in
      for _ in 0..<66 { writer.beginArray() }
      writer.integer(7)
      for _ in 0..<66 { writer.endArray() }
    }
    #expect(skipFault(deep.0) == nil && !deep.0.contains("7"))
  }

  @Test(arguments: 0..<40 as Range<UInt64>) func randomCallsAlwaysGiveValidJSON(seed: UInt64) {
    var random = SplitMix(seed)
    var writer = JSONWriter()
    for _ in 0..<300 {
      switch random.below(10) {
      case 0, 1: writer.beginObject()
      case 2, 3: writer.beginArray()
      case 4: writer.endObject()
      case 5: writer.endArray()
      case 6, 7: writer.key("k")
      case 8: writer.integer(Int64(random.below(99)))
      default: writer.text("t\n")
      }
    }
    let bytes = writer.array()
    let found = bytes.isEmpty ? nil : skipFault(bytes)
    #expect(found == nil, "seed \(seed): \(String(decoding: bytes, as: UTF8.self))")
  }

  @Test func documentsFollowEachOtherOnLines() {
    var writer = JSONWriter()
    for number in 0..<3 {
      writer.beginObject()
      writer.key("n")
      writer.integer(number)
      writer.endLine()
    }
    let text = writer.string()
    #expect(text == "{\"n\":0}\n{\"n\":1}\n{\"n\":2}\n")
    writer.reset()
    writer.null()
    let again = writer.string()
    #expect(again == "null")
  }

  @Test func aWriterAppendsToABufferAndGivesItBack() {
    var buffer = ByteBuffer()
    buffer.append("row:" as StaticString)
    var writer = JSONWriter(appendingTo: buffer)
    writer.beginArray()
    writer.number(ExactDecimal(1_230))
    buffer = writer.finish()
    buffer.put8(0x0A)
    let text = buffer.string()
    #expect(text == "row:[1230]\n")
  }
}

struct JSONValueTests {
  @Test func aTreeKeepsOrderAndSpellingOfNumbers() throws {
    let text = #"{"z":1.50,"a":[-0,1e5,true,null,"\u00e9"],"o":{}}"#
    let value = try JSONValue(parsing: text)
    #expect(value.encodedText == #"{"z":1.50,"a":[-0,1e5,true,null,"é"],"o":{}}"#)
    #expect(value.members?.map(\.key) == ["z", "a", "o"])
    #expect(value == ["z": .number("1.50"), "a": [.number("-0"), .number("1e5"), true, nil, "é"], "o": [:]])
  }

  @Test func helpersGiveAValueOfTheirTypeOrNil() throws {
    let value = try JSONValue(parsing: #"{"t":"x","n":42,"f":1.5,"b":false,"a":[1],"big":9223372036854775808,"null":null}"#)
    #expect(value["t"]?.stringValue == "x" && value["t"]?.int64Value == nil)
    #expect(value["n"]?.int64Value == 42 && value["n"]?.intValue == 42 && value["n"]?.stringValue == nil)
    #expect(value["f"]?.int64Value == nil && value["f"]?.doubleValue == 1.5)
    #expect(value["f"]?.decimalValue == ExactDecimal(mantissa: 15, scale: 1))
    #expect(value["b"]?.booleanValue == false && value["null"]?.isNull == true)
    #expect(value["a"]?[0]?.int64Value == 1 && value["a"]?[1] == nil && value["a"]?[-1] == nil)
    #expect(value["big"]?.int64Value == nil && value["none"] == nil && value["t"]?["x"] == nil)
  }

  @Test func aTreeRefusesEveryRepeatedKeyButNotTwoSpellingsOfOneLetter() {
    #expect(fault { () throws(JSONFault) in try JSONValue(parsing: #"{"a":1,"b":{"c":1,"\u0063":2}}"#) }?.rule == .duplicateKey)
    #expect(fault { () throws(JSONFault) in try JSONValue(parsing: #"{"\u00e9":1,"e\u0301":2}"#) } == nil)
  }

  @Test func aTreeOfTooManyValuesIsRefused() {
    let limits = JSONLimits(treeValuesMax: 4)
    #expect(fault { () throws(JSONFault) in try JSONValue(parsing: "[1,2,3]", limits: limits) } == nil)
    #expect(fault { () throws(JSONFault) in try JSONValue(parsing: "[1,2,3,4]", limits: limits) }?.rule == .valueCount)
  }

  @Test func whatIsNoNumberIsWrittenAsNull() {
    let tokens = ["1", "-0.5e3", "01", "1.", "NaN", "", " 1", "1 ", "\"", "true", "1,2"]
    #expect(JSONValue.array(tokens.map { .number($0) }).encodedText == "[1,-0.5e3,null,null,null,null,null,null,null,null,null]")
  }

  @Test func aTreeIsReadFromThePlaceWhereAReaderStands() {
    expectRead(#"{"a":{"b":[1]},"c":2}"#) { (reader) throws(JSONFault) in
      try reader.beginObject("o")
      _ = try reader.nextKey()
      let tree = try JSONValue(reading: &reader)
      #expect(tree == ["b": [1]])
      let key = try reader.nextKey()?.string
      #expect(key == "c")
    }
  }
}
