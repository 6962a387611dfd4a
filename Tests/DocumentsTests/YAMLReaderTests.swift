// The subset of YAML: what is read, what is refused, and where a fault is said to be.

import Documents
import Testing

struct YAMLReaderTests {
  private func read(_ text: String) throws -> YAMLNode { try YAMLReader.read(Array(text.utf8), source: "test.yaml") }

  private func faults(_ text: String) -> [String] {
    do {
      _ = try read(text)
      return []
    } catch { return (error as? DocumentFaults)?.faults.map(\.description) ?? ["\(error)"] }
  }

  private func scalar(_ node: YAMLNode?) -> String? {
    guard case .scalar(let text, _)? = node?.content else { return nil }
    return text
  }

  @Test func scalarsStayTextsAndKnowWhetherTheyWereQuoted() throws {
    let root = try read("country: NO\nflag: yes\nnumber: 010\nquoted: \"10\"\nempty:\nblock: |\n  one\n  two\nfolded: >-\n  a\n  b\n")
    #expect(root["country"]?.content == .scalar("NO", isPlain: true))
    #expect(root["flag"]?.content == .scalar("yes", isPlain: true))
    #expect(root["number"]?.content == .scalar("010", isPlain: true))
    #expect(root["quoted"]?.content == .scalar("10", isPlain: false))
    #expect(root["empty"]?.content == .scalar("", isPlain: true))
    #expect(scalar(root["block"]) == "one\ntwo\n")
    #expect(scalar(root["folded"]) == "a b")
  }

  @Test func placesCountFromOneInCharacters() throws {
    let root = try read("# 说明\n名称: [一, {键: 值}]\n")
    guard case .mapping(let entries) = root.content, case .sequence(let items)? = entries.first?.value.content else {
      Issue.record("not read")
      return
    }
    #expect((entries[0].line, entries[0].column) == (2, 1))
    #expect((items[0].line, items[0].column) == (2, 6))
    #expect((items[1]["键"]?.line, items[1]["键"]?.column) == (2, 13))
  }

  @Test func keysKeepTheFilesOrder() throws {
    guard case .mapping(let entries) = try read("b: 1\na: 2\n\"c d\": 3\n? e\n: 4\n").content else { return }
    #expect(entries.map(\.key) == ["b", "a", "c d", "e"])
  }

  @Test(arguments: [
    ("a: &x 1\n", "1:4: a: anchors (&name) are not read"),
    ("a: 1\nb: *x\n", "2:4: b: aliases (*name) are not read; repeat the value"),
    ("a: !!str 1\n", "1:4: a: tags (!name) are not read"),
    ("a: !x [1]\n", "1:4: a: tags (!name) are not read"),
    ("a: &x [1]\n", "1:4: a: anchors (&name) are not read"),
    ("a: &x {b: 1}\n", "1:4: a: anchors (&name) are not read"),
    ("<<: {a: 1}\n", "1:1: merge keys (<<) are not read"),
    ("? [a, b]\n: 1\n", "1:3: a key must be a text"),
    ("a:\n  ? {b: 1}\n  : 1\n", "2:5: a: a key must be a text"),
    ("a: 1\n---\nb: 2\n", "2:1: a second document starts here; a file holds one"),
    ("a: 1\nb: 2\na: 3\n", "3:1: the key `a` was given already on line 1"),
    ("x:\n  - {a: 1, a: 2}\n", "2:12: x[0]: the key `a` was given already on line 2"),
    ("%YAML 1.1\n---\na: 1\n", "1:1: directives (%YAML, %TAG) are not read"),
    ("%TAG ! tag:x,2000:\n---\na: 1\n", "1:1: directives (%YAML, %TAG) are not read"),
    ("a: \"x\\0y\"\n", "1:4: a: the text holds the control character U+0"),
    ("a: \"x\\Ny\"\n", "1:4: a: the text holds the control character U+85"),
    ("a: 1\nb: x\u{0}y\n", "2:5: the control character U+0 is not allowed"),
    ("a: x\u{85}b: y\n", "1:5: the control character U+85 is not allowed"),
    ("a: x\u{2028}\n", "1:5: the control character U+2028 is not allowed"),
    ("a: 1\n\u{1A}", "2:1: the control character U+1A is not allowed"),
    ("", "1:1: the file holds no document"),
    ("# only words\n", "1:1: the file holds no document"),
  ])
  func whatTheSubsetRefusesIsNamedWithItsPlace(text: String, fault: String) {
    #expect(faults(text) == [fault])
  }

  @Test(arguments: [
    "a: [1, 2\n", "a: {b: 1\n", "a: \"open\n", "\ta: 1\n", "a: b: c\n", "a: 1\n b: 2\n", "- a\nb: 1\n", "a: @x\n", "a: `x`\n", "a: %x\n",
    "{a: 1}}\n",
  ])
  func aSyntaxErrorIsNamedWithALine(text: String) {
    let found = faults(text)
    #expect(found.count == 1)
    #expect(found.first?.contains("not YAML: ") == true)
    #expect(found.first?.hasPrefix("0:") == false)
  }

  @Test func badEncodingIsNamedWithItsLine() {
    let bad: [(bytes: [UInt8], place: String)] = [
      (Array("a: 1\nb: ".utf8) + [0xFF, 0x0A], "2:4:"), (Array("a: 重".utf8).dropLast(), "1:4:"), ([0x61, 0x3A, 0x20, 0xC0, 0x80], "1:4:"),
      ([0x61, 0x3A, 0x20, 0xED, 0xA0, 0x80], "1:4:"), ([0xFF, 0xFE, 0x61, 0x00], "1:1:"), ([0xFE, 0xFF, 0x00, 0x61], "1:1:"),
    ]
    for (bytes, place) in bad {
      let error = #expect(throws: DocumentFaults.self) { try YAMLReader.read(bytes, source: "test.yaml") }
      #expect(error?.faults.count == 1)
      #expect(error?.faults.first?.description.hasPrefix(place) == true)
    }
  }

  @Test func aByteOrderMarkAndWindowsLineEndsAreRead() throws {
    let root = try read("\u{FEFF}a: 1\r\nb: 2\r\n")
    #expect(scalar(root["a"]) == "1")
    #expect(scalar(root["b"]) == "2")
  }

  @Test func severalFaultsAreFoundInOneReading() {
    #expect(faults("a: &x 1\nb: *x\nb: 2\nc: !t 3\n").count == 4)
  }

  @Test func aRepeatedKeyKeepsItsFirstValueForTheRestOfTheReading() {
    // Both values are read; the fault alone decides.
    #expect(
      faults("a: {x: 1}\na: {x: 1, x: 2}\n") == [
        "2:1: the key `a` was given already on line 1", "2:11: a: the key `x` was given already on line 2",
      ])
  }

  @Test(arguments: ["[", "{a: ", "- "])
  func depthEndsTheReadingAtOnce(opening: String) {
    let found = faults(String(repeating: opening, count: 100_000))
    #expect(found.count == 1)
    #expect(found.first?.contains("deeper than 32 levels") == true)
  }

  @Test func thirtyTwoLevelsAreReadAndOneMoreIsNot() throws {
    func nested(_ levels: Int) -> String { String(repeating: "[", count: levels) + String(repeating: "]", count: levels) }
    #expect(faults(nested(32)).isEmpty)
    #expect(faults(nested(33)).first == "1:33: \(String(repeating: "[0]", count: 32)): deeper than 32 levels")
  }

  @Test func aFileBeyondTheSizeIsRefusedUnread() {
    let error = #expect(throws: DocumentFaults.self) {
      try YAMLReader.read(Array("a: 12345\n".utf8), source: "test.yaml", limits: DocumentLimits(sizeBytesMax: 8))
    }
    #expect(error?.faults.first?.problem == "9 bytes; a file has at most 8")
  }

  @Test func faultsAreCountedUpToABound() {
    let text = (0..<500).map { "k\($0): *x\n" }.joined()
    #expect(faults(text).count == DocumentLimits.standard.faultsCountMax)
  }

  @Test func damagedFilesNeverCrashTheReader() {
    var state: UInt64 = 99
    func random(_ bound: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(state >> 33) % bound
    }
    let whole = Array("a: [1, {b: \"x\", c: 'y'}]\nd:\n  - e: |\n      text\n    f: >-\n      more\n  - ? g\n    : h # end\n".utf8)
    let spice = Array("[]{}:,-?&*!|>'\"%@`#\n\t \\\u{0}\u{FE}0".utf8)
    for _ in 0..<5_000 {
      var bytes = whole
      for _ in 0...random(4) {
        switch random(3) {
        case 0: bytes[random(bytes.count)] = spice[random(spice.count)]
        case 1: bytes.insert(spice[random(spice.count)], at: random(bytes.count))
        default: bytes.remove(at: random(bytes.count))
        }
      }
      do { _ = try YAMLReader.read(bytes, source: "test.yaml") } catch {
        #expect(!error.faults.isEmpty && error.faults.allSatisfy { $0.line > 0 })
      }
    }
  }
}
