// Form C against Python's unicodedata, trimming, and UTF-8.
import Testing

@testable import Text

struct NormalTests {
  @Test func oneSpellingForWhatUnicodeCallsTheSame() {
    let cases = [
      ("e\u{301}", "\u{E9}"), ("a\u{300}", "\u{E0}"), ("\u{212B}", "\u{C5}"), ("\u{1112}\u{1161}\u{11AB}", "\u{D55C}"), ("か\u{3099}", "が"),
      ("q\u{307}\u{323}", "q\u{323}\u{307}"),
    ]
    for (text, expected) in cases {
      #expect(Array(TextNormal.nfc(text).unicodeScalars) == Array(expected.unicodeScalars))
    }
    #expect(TextNormal.isSurelyNFC("Wang 王小明（先生）é"))
    #expect(!TextNormal.isSurelyNFC("e\u{301}") && !TextNormal.isSurelyNFC("\u{1112}"))
  }

  @Test(.enabled(if: Python.isInstalled, Python.absent)) func pythonsUnicodedataGivesTheSameFormC() async throws {
    let script =
      Python.prelude + """
        import unicodedata
        for line in lines:
            text = ''.join(chr(int(c, 16)) for c in line.split(' '))
            # Characters that Python's older tables do not know are left out.
            known = all(unicodedata.category(c) != 'Cn' for c in text)
            answer(' '.join('%x' % ord(c) for c in unicodedata.normalize('NFC', text)) if known else 'unknown')
        """
    var random = SplitMix(23)
    let ranges: [ClosedRange<UInt32>] = [
      0x41...0x7A, 0xC0...0x24F, 0x300...0x36F, 0x370...0x6FF, 0x900...0xDFF, 0x1100...0x11FF, 0x1E00...0x1FFF, 0x2000...0x2FFF,
      0x3000...0x30FF,
      0xAC00...0xD7A3, 0xF900...0xFAFF, 0x1D150...0x1D1FF, 0x2F800...0x2FA1F, 0x11000...0x118FF, 0xFF00...0xFFEF, 0x4E00...0x9FFF,
    ]
    var rows: [[UInt32]] = ranges.flatMap { $0.map { [$0] } }.filter { $0.allSatisfy { Unicode.Scalar($0) != nil } }
    for _ in 0..<8_000 {
      rows.append(
        (0..<1 + random.below(6)).map { _ in
          let range = ranges[random.below(ranges.count)]
          return range.lowerBound + UInt32(random.below(range.count))
        })
    }
    let input = rows.map { $0.map { String($0, radix: 16) }.joined(separator: " ") }
    let answers = try await Python.run(script, input.joined(separator: "\n")).split(separator: "\n").map(String.init)
    try #require(answers.count == rows.count)
    var compared = 0
    for (row, answer) in zip(rows, answers) where answer != "unknown" {
      let text = String(String.UnicodeScalarView(row.compactMap(Unicode.Scalar.init)))
      let own = TextNormal.nfc(text).unicodeScalars.map { String($0.value, radix: 16) }.joined(separator: " ")
      if own != answer { Issue.record("\(row): own \(own), Python \(answer)") }
      compared += 1
    }
    #expect(compared > 20_000)
  }

  @Test func blanksOfEveryKindAreTrimmed() {
    #expect(TextNormal.trimmed(" \t\u{3000}王 小\u{A0}\u{FEFF}\u{200B}\r\n") == "王 小")
    #expect(TextNormal.trimmed("\u{3000} ") == "" && TextNormal.trimmed("") == "" && TextNormal.trimmed("a") == "a")
    #expect(TextNormal.normal(" e\u{301} ").unicodeScalars.count == 1)
    for (text, expected) in [("  a b\r\n", "a b"), (" \t", ""), ("", ""), ("x", "x")] {
      let bytes = Array(text.utf8).withUnsafeBytes { Array(TextNormal.trimmed($0)) }
      #expect(bytes == Array(expected.utf8))
    }
  }

  @Test func utf8IsJudgedLikeTheStandardLibraryDoes() {
    var random = SplitMix(29)
    let pieces: [[UInt8]] = [
      [0x41], Array("é".utf8), Array("客".utf8), Array("😀".utf8), [0xC0, 0x80], [0xC3], [0xE0, 0x80, 0x80], [0xE0, 0xA0, 0x80],
      [0xED, 0x9F, 0xBF],
      [0xED, 0xA0, 0x80], [0xF0, 0x80, 0x80, 0x80], [0xF0, 0x90, 0x80, 0x80], [0xF4, 0x8F, 0xBF, 0xBF], [0xF4, 0x90, 0x80, 0x80], [0xF5],
      [0x80], [0xFF],
      Array("abcdefgh".utf8), [0xF0, 0x9F, 0x98], [0xE5, 0xAE],
    ]
    for _ in 0..<5_000 {
      let bytes = (0..<random.below(6)).flatMap { _ in pieces[random.below(pieces.count)] }
      let first = bytes.withUnsafeBytes { UTF8Check.firstFault(in: $0) }
      #expect((first == nil) == (String(validating: bytes, as: UTF8.self) != nil), "\(bytes)")
      if let first { #expect(String(validating: bytes[..<first], as: UTF8.self) != nil, "\(bytes)") }
    }
  }
}
