// The pull reader: what it reads, what it refuses, and where it says the fault is (I-04).
import Testing
import Text

/// One refusal: a document, the calls made on it, and the fault expected.
struct Refusal: CustomTestStringConvertible, Sendable {
  var document: [UInt8]
  var rule: JSONRule
  var field: String
  var item: Int?
  var offset: Int

  init(_ text: String, _ rule: JSONRule, _ field: String, item: Int? = nil, at offset: Int) {
    self.init(Array(text.utf8), rule, field, item: item, at: offset)
  }

  init(_ bytes: [UInt8], _ rule: JSONRule, _ field: String, item: Int? = nil, at offset: Int) {
    document = bytes
    self.rule = rule
    self.field = field
    self.item = item
    self.offset = offset
  }

  var testDescription: String { "\(String(decoding: document, as: UTF8.self)) -> \(rule.rawValue)" }
  var fault: JSONFault { JSONFault(rule: rule, field: field, item: item, offset: offset) }
}

/// A little order, read as the services read theirs.
struct Order: Equatable {
  var id = ""
  var phone: String?
  var amount: Int64 = 0
  var isPaid = false
  var weight: String?
  var lines: [String] = []

  static func read(_ reader: inout JSONReader) throws(JSONFault) -> Order {
    var order = Order()
    var seen: UInt64 = 0
    try reader.beginObject("order")
    while let key = try reader.nextKey() {
      if key.is("id") {
        try reader.once(&seen, 0, "id")
        order.id = try reader.text("id", bytesMax: 8).string
      } else if key.is("amount") {
        try reader.once(&seen, 1, "amount")
        order.amount = try reader.integer("amount")
      } else if key.is("paid") {
        try reader.once(&seen, 2, "paid")
        order.isPaid = try reader.boolean("paid")
      } else if key.is("customer") {
        try reader.once(&seen, 3, "customer")
        order.phone = try readCustomer(&reader)
      } else if key.is("lines") {
        try reader.once(&seen, 4, "lines")
        order.lines = try readLines(&reader)
      } else if key.is("weight") {
        order.weight = try reader.number("weight").string
      } else {
        try reader.skip()
      }
    }
    try reader.require(seen, 0, "id")
    try reader.finish()
    return order
  }

  private static func readCustomer(_ reader: inout JSONReader) throws(JSONFault) -> String? {
    var phone: String?
    try reader.beginObject("customer")
    while let key = try reader.nextKey() {
      if key.is("phone") { phone = try reader.textOrNull("customer.phone", bytesMax: 16)?.string } else { try reader.skip() }
    }
    return phone
  }

  private static func readLines(_ reader: inout JSONReader) throws(JSONFault) -> [String] {
    var lines: [String] = []
    try reader.beginArray("lines")
    while try reader.nextItem() {
      try reader.beginObject("lines")
      while let key = try reader.nextKey() {
        if key.is("sku") { lines.append(try reader.text("lines.sku", bytesMax: 8).string) } else { try reader.skip() }
      }
    }
    return lines
  }
}

struct JSONReaderTests {
  @Test func anOrderIsReadWhateverItsOrderOfKeysAndBlanks() {
    let text = """
       {"lines" : [ {"sku":"A-1","qty":2} , {"qty":1.5e3,"sku":"\\u5ba2"} ] ,\t"unknown":{"a":[1,[],{"b":null}]},
      "paid":true,"amount":-120,"customer":{"phone":null,"vip":false},"weight":-0.50e+1,"id":"o\\n1","unknown":0}\r
      """
    expectRead(text) { (reader) throws(JSONFault) in
      let order = try Order.read(&reader)
      #expect(order == Order(id: "o\n1", phone: nil, amount: -120, isPaid: true, weight: "-0.50e+1", lines: ["A-1", "客"]))
    }
  }

  static let refusals: [Refusal] = [
    Refusal("", .truncated, "order", at: 0),
    Refusal("  ", .truncated, "order", at: 2),
    Refusal(#"{"id":"a"} x"#, .trailing, "(document)", at: 11),
    Refusal(#"{"id":"a"}{}"#, .trailing, "(document)", at: 10),
    Refusal(#"{"id":"a",}"#, .syntax, "order", at: 10),
    Refusal(#"{"id":"a" "b":1}"#, .syntax, "order", at: 10),
    Refusal(#"{"id" "a"}"#, .syntax, "order", at: 6),
    Refusal(#"{id:"a"}"#, .syntax, "order", at: 1),
    Refusal(#"{"id":'a'}"#, .syntax, "id", at: 6),
    Refusal(#"{"id":"a\x"}"#, .syntax, "id", at: 9),
    Refusal(#"{"id":"\u12G4"}"#, .syntax, "id", at: 11),
    Refusal(#"{"id":nul}"#, .syntax, "id", at: 6),
    Refusal(#"{"id":"a","x":[1 2]}"#, .syntax, "(unknown)", at: 17),
    Refusal(#"{"id":"a","x":[1,]}"#, .syntax, "(unknown)", at: 17),
    Refusal(#"{"id":"a","x":[1}}"#, .syntax, "(unknown)", at: 16),
    Refusal(#"{"id":"a","x":truex}"#, .syntax, "(unknown)", at: 14),
    Refusal(#"{"id":"a","x":01}"#, .syntax, "(unknown)", at: 15),
    Refusal(#"{"id":"a","x":1.e2}"#, .syntax, "(unknown)", at: 16),
    Refusal(#"{"id":"a","x":.5}"#, .syntax, "(unknown)", at: 14),
    Refusal(#"{"id":"a","x":+1}"#, .syntax, "(unknown)", at: 14),
    Refusal(#"{"id":"a","x":NaN}"#, .syntax, "(unknown)", at: 14),
    Refusal(#"{"id":"a","x":"\q"}"#, .syntax, "(unknown)", at: 16),
    Refusal(#"{"id":"abc"#, .truncated, "id", at: 10),
    Refusal(#"{"id":"a","amount":-"#, .truncated, "amount", at: 20),
    Refusal(#"{"id":"a","lines":[{"sku":"b"}"#, .truncated, "lines", item: 2, at: 30),
    Refusal(#"{"id":"a","id":"b"}"#, .duplicateKey, "id", at: 10),
    Refusal(#"{"id":"a","\u0069d":"b"}"#, .duplicateKey, "id", at: 10),
    Refusal(#"{"id":"a\u0000"}"#, .nul, "id", at: 8),
    Refusal(#"{"id":"a","x\u0000":1}"#, .nul, "order", at: 12),
    Refusal(Array(#"{"id":"a"#.utf8) + [0] + Array(#""}"#.utf8), .nul, "id", at: 8),
    Refusal("{\"id\":\"a\nb\"}", .control, "id", at: 8),
    Refusal("{\"id\":\"a\",\"x\":\"\u{1F}\"}", .control, "(unknown)", at: 15),
    Refusal(Array(#"{"id":"a"#.utf8) + [0xC3, 0x28] + Array(#""}"#.utf8), .utf8, "id", at: 8),
    Refusal(Array(#"{"id":"a","x":""#.utf8) + [0xED, 0xA0, 0x80] + Array(#""}"#.utf8), .utf8, "(unknown)", at: 15),
    Refusal(#"{"id":"\ud800"}"#, .surrogate, "id", at: 7),
    Refusal(#"{"id":"\udc00\ud800"}"#, .surrogate, "id", at: 7),
    Refusal(#"{"id":"\ud83d\u0041"}"#, .surrogate, "id", at: 7),
    Refusal(#"{"id":"\ud83d\ud83d"}"#, .surrogate, "id", at: 7),
    Refusal(#"{"id":"\udc00\udc00"}"#, .surrogate, "id", at: 7),
    Refusal("\u{FEFF}{}", .byteOrderMark, "(document)", at: 0),
    Refusal(#"{"id":"123456789"}"#, .textLength, "id", at: 6),
    Refusal(#"{"id":"1234567\u00e9"}"#, .textLength, "id", at: 6),
    Refusal(#"{"id":"a","amount":9223372036854775808}"#, .numberRange, "amount", at: 19),
    Refusal(#"{"id":"a","amount":-9223372036854775809}"#, .numberRange, "amount", at: 19),
    Refusal(#"{"id":"a","amount":1"# + String(repeating: "0", count: 99) + "}", .numberRange, "amount", at: 19),
    Refusal(#"{"id":"a","weight":1"# + String(repeating: "0", count: 256) + "}", .numberRange, "weight", at: 19),
    Refusal(#"{"id":"a","amount":2.0}"#, .wrongType, "amount", at: 19),
    Refusal(#"{"id":"a","amount":2e0}"#, .wrongType, "amount", at: 19),
    Refusal(#"{"id":"a","amount":"2"}"#, .wrongType, "amount", at: 19),
    Refusal(#"{"id":null}"#, .wrongType, "id", at: 6),
    Refusal(#"{"id":"a","paid":0}"#, .wrongType, "paid", at: 17),
    Refusal(#"{"id":"a","lines":{}}"#, .wrongType, "lines", at: 18),
    Refusal("[]", .wrongType, "order", at: 0),
    Refusal(#"{"amount":1}"#, .missing, "id", at: 12),
    Refusal(#"{"lines":[{"sku":"a"},{"sku":"b","x":[[1],[2]]},{"sku":3}]}"#, .wrongType, "lines.sku", item: 3, at: 55),
    Refusal(#"{"lines":[{"sku":"a"},{"x":[7,8,tru]}]}"#, .syntax, "(unknown)", item: 2, at: 32),
    Refusal(#"{"id":"a","customer":{"phone":"12345678901234567"}}"#, .textLength, "customer.phone", at: 30),
  ]

  @Test(arguments: refusals) func eachRuleNamesFieldItemAndOffset(_ refusal: Refusal) {
    let found = jsonFault(refusal.document) { (reader) throws(JSONFault) in _ = try Order.read(&reader) }
    #expect(found == refusal.fault)
  }

  @Test func everyRuleOfTheReaderIsRefusedSomewhereHere() {
    let elsewhere: Set<JSONRule> = [.depth, .documentSize, .valueCount, .value]
    #expect(Set(Self.refusals.map(\.rule)).union(elsewhere) == Set(JSONRule.allCases))
  }

  @Test func aFaultSaysInOneSentenceWhereWhyAndWhatToDo() {
    let fault = JSONFault(rule: .textLength, field: "lines.sku", item: 3, offset: 55)
    #expect(fault.description == "lines.sku (item 3, byte 55): the text is longer than this field may be; shorten it.")
    for rule in JSONRule.allCases {
      #expect(JSONFault(rule: rule, field: "f", offset: 1).description.hasPrefix("f (byte 1): "))
    }
  }

  @Test func nestingDeeperThanTheLimitIsRefusedWhereItBegins() {
    for (open, close) in [("[", "]"), (#"{"a":"#, "}")] {
      let levels = 64
      let inner = open == "[" ? "" : "1"
      let good = String(repeating: open, count: levels) + inner + String(repeating: close, count: levels)
      #expect(skipFault(good) == nil)
      let deep = String(repeating: open, count: 100_000)
      #expect(skipFault(deep) == JSONFault(rule: .depth, field: "(unknown)", offset: levels * open.utf8.count))
    }
    let few = JSONLimits(depthMax: 2)
    #expect(skipFault("[[]]", limits: few) == nil)
    #expect(skipFault("[[[]]]", limits: few)?.rule == .depth)
  }

  @Test func aDocumentOverTheLimitIsRefusedBeforeItsFirstByte() {
    let limits = JSONLimits(documentBytesMax: 10)
    #expect(skipFault("[\"123456\"]", limits: limits) == nil)
    let expected = JSONFault(rule: .documentSize, field: "(document)", offset: 10)
    #expect(skipFault("[\"1234567\"]", limits: limits) == expected)
    let blank = jsonFault("           ", limits: limits) { (reader) throws(JSONFault) in try reader.finish() }
    #expect(blank == expected)
    let null = jsonFault("null        ", limits: limits) { (reader) throws(JSONFault) in
      _ = try reader.textOrNull("a", bytesMax: 1)
    }
    #expect(null == expected)
  }

  @Test func aTextOfTwoMebibytesIsRead() {
    let text = "\"" + String(repeating: "客户123456\\n", count: 2 << 17) + "\""
    expectRead(text, limits: JSONLimits(documentBytesMax: 16 << 20)) { (reader) throws(JSONFault) in
      let count = try reader.text("note", bytesMax: 16 << 20).count
      #expect(count == 13 * (2 << 17))
    }
  }

  @Test func aTextMayBeExactlyAsLongAsItsLimit() {
    for (document, limit) in [(#""12345678""#, 8), (#""\u5ba2é""#, 5), (#""""#, 0)] {
      expectRead(document) { (reader) throws(JSONFault) in
        let count = try reader.text("t", bytesMax: limit).count
        #expect(count == limit)
      }
      let found = jsonFault(document) { (reader) throws(JSONFault) in _ = try reader.text("t", bytesMax: limit - 1) }
      #expect(found?.rule == .textLength)
    }
  }

  @Test func everyTruncationOfADocumentIsRefused() {
    let sample = Array(
      #"{"id":"a\u00e9\ud83d\ude00客","amount":-12.5e+3,"paid":[true,false,null],"lines":[{"sku":"A"},{"sku":"B"}]}"#.utf8)
    #expect(skipFault(sample) == nil)
    for length in 0..<sample.count {
      #expect(skipFault(Array(sample[..<length])) != nil, "cut after \(length) bytes")
    }
  }

  @Test func textsWithEscapesStayValidTogetherUntilTheReaderIsGone() {
    let words = (0..<200).map { "w\($0)\n\"客\u{1F600}" }
    let document = JSONValue.array(words.map { .text($0) }).encodedText
    expectRead(document) { (reader) throws(JSONFault) in
      var texts: [JSONText] = []
      try reader.beginArray("words")
      while try reader.nextItem() {
        texts.append(try reader.text("words", bytesMax: 64))
      }
      #expect(texts.map(\.string) == words)
    }
  }

  @Test func everyEscapeGivesItsCharacter() {
    let cases = [
      (#""\"\\\/\b\f\n\r\t""#, "\"\\/\u{8}\u{C}\n\r\t"), (#""\u0041\u00e9\u07FF\u0800\uFFFF""#, "Aé\u{7FF}\u{800}\u{FFFF}"),
      (#""\ud83d\ude00\udbff\udfff""#, "😀\u{10FFFF}"), (#""\u0001""#, "\u{1}"),
    ]
    for (document, expected) in cases {
      expectRead(document) { (reader) throws(JSONFault) in
        let text = try reader.text("t", bytesMax: 99).string
        #expect(text == expected)
      }
    }
  }

  @Test func quotesAndBackslashesAreFoundAtEveryPlaceOfAWord() {
    for length in 0..<40 {
      for filler in ["a", "é", "客", "😀", "\u{7F}"] {
        let plain = String(repeating: filler, count: length)
        for (tail, value) in [("", ""), (#"\n"#, "\n"), (#"\u00e9z"#, "éz")] {
          expectRead("\"\(plain)\(tail)\" ") { (reader) throws(JSONFault) in
            let text = try reader.text("t", bytesMax: 999).string
            #expect(text == plain + value)
            try reader.finish()
          }
        }
        #expect(skipFault("\"\(plain)\u{1}\"")?.offset == plain.utf8.count + 1)
      }
    }
  }

  @Test(arguments: [Int64.min, .max, 0, -1, 1, 999_999_999_999_999_999])
  func wholeNumbersOfSixtyFourBitsAreRead(_ value: Int64) {
    expectRead("\(value)") { (reader) throws(JSONFault) in
      let number = try reader.integer("n")
      #expect(number == value)
    }
    expectRead("[-0,null]") { (reader) throws(JSONFault) in
      try reader.beginArray("n")
      _ = try reader.nextItem()
      let zero = try reader.integer("n")
      #expect(zero == 0)
      _ = try reader.nextItem()
      let nothing = try reader.integerOrNull("n")
      #expect(nothing == nil)
    }
  }

  @Test func theRawBytesOfAValueAreCheckedAndKept() {
    expectRead(#"{"a": {"x" : [1, "\n"]} ,"b":7}"#) { (reader) throws(JSONFault) in
      try reader.beginObject("o")
      _ = try reader.nextKey()
      let raw = try reader.rawValue()
      #expect(String(decoding: raw, as: UTF8.self) == #"{"x" : [1, "\n"]}"#)
      let offset = reader.offset
      #expect(offset == 6)
      let key = try reader.nextKey()?.string
      #expect(key == "b")
      let number = try reader.integer("b")
      #expect(number == 7)
      let end = try reader.nextKey()
      #expect(end == nil)
      try reader.finish()
    }
  }

  @Test func theKindOfTheNextValueIsSeenWithoutReadingIt() {
    let cases: [(String, JSONKind)] = [
      (" {", .object), ("[", .array), ("\"", .text), ("-1", .number), ("9", .number), ("true", .boolean), ("false", .boolean),
      ("\nnull", .null), ("", .end), ("x", .other),
    ]
    for (text, kind) in cases {
      expectRead(text) { (reader) throws(JSONFault) in
        let seen = [reader.peek(), reader.peek()]
        #expect(seen == [kind, kind])
      }
    }
  }

  @Test func aNullIsTakenOnlyWhole() {
    for text in ["nul", "nullx", "null1", "Null", " null "] {
      expectRead(text) { (reader) throws(JSONFault) in
        let isTaken = reader.takeNull()
        #expect(isTaken == (text == " null "))
        if isTaken { try reader.finish() }
      }
    }
  }

  @Test func itemNumbersReturnToTheOuterArray() {
    let found = jsonFault(#"[[1,2,3],[4],"x"]"#) { (reader) throws(JSONFault) in
      try reader.beginArray("rows")
      for _ in 0..<2 {
        _ = try reader.nextItem()
        try reader.beginArray("rows.cells")
        while try reader.nextItem() { _ = try reader.integer("rows.cells") }
      }
      _ = try reader.nextItem()
      let number = reader.itemNumber
      #expect(number == 3)
      _ = try reader.integer("rows")
    }
    #expect(found == JSONFault(rule: .wrongType, field: "rows", item: 3, offset: 13))
  }

  @Test func callsInTheWrongOrderAreFaultsAndNothingWorse() {
    let keyInArray = jsonFault("[}") { (reader) throws(JSONFault) in
      try reader.beginArray("a")
      _ = try reader.nextKey()
    }
    #expect(keyInArray?.rule == .syntax)
    let itemInObject = jsonFault("{]") { (reader) throws(JSONFault) in
      try reader.beginObject("a")
      _ = try reader.nextItem()
    }
    #expect(itemInObject?.rule == .syntax)
    let itemInNothing = jsonFault("]") { (reader) throws(JSONFault) in _ = try reader.nextItem() }
    #expect(itemInNothing?.rule == .syntax)
    let finishedTooEarly = jsonFault("{}") { (reader) throws(JSONFault) in
      try reader.beginObject("a")
      try reader.finish()
    }
    #expect(finishedTooEarly?.rule == .trailing)
  }

  @Test func aTextFromElsewhereMustBeUTF8WithoutNUL() {
    #expect(Array("é".utf8).withUnsafeBytes { JSONText($0)?.string } == "é")
    #expect([0xC3].withUnsafeBytes { JSONText($0)?.string } == nil)
    #expect([0].withUnsafeBytes { JSONText($0)?.string } == nil)
    #expect(JSONText(UnsafeRawBufferPointer(start: nil, count: 0))?.string == "")
  }
}
