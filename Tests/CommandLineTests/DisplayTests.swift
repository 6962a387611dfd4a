// Widths, tables and progress.
import CommandLine
import Synchronization
import Testing

@Suite struct DisplayWidthTests {
  @Test(arguments: [
    ("", 0), ("abc", 3), ("客户", 4), ("客户a", 5), ("ｱ", 1), ("Ａ", 2), ("é", 1), ("e\u{301}", 1), ("한글", 4),
    ("\u{1112}\u{1161}\u{11AB}", 2), ("👍🏽", 2),
    ("👩‍👩‍👧", 2), ("❤️", 2), ("🇨🇳", 2), ("€", 1), ("，", 2), ("…", 1),
  ])
  func widthIsWhatATerminalDraws(text: String, columns: Int) { #expect(DisplayWidth.columns(text) == columns) }

  @Test func cuttingKeepsToTheLimitAndNeverHalvesACharacter() {
    #expect(DisplayWidth.cut("客户名称", toColumns: 8) == "客户名称")
    #expect(DisplayWidth.cut("客户名称", toColumns: 7) == "客户名…")
    #expect(DisplayWidth.cut("客户名称", toColumns: 6) == "客户…")
    #expect(DisplayWidth.cut("abcdef", toColumns: 4) == "abc…")
    #expect(DisplayWidth.cut("abc", toColumns: 0) == "")
    for limit in 0...9 { #expect(DisplayWidth.columns(DisplayWidth.cut("客户a名称", toColumns: limit)) <= limit) }
  }

  @Test func controlsAreShownInsteadOfObeyed() {
    #expect(DisplayWidth.plain("a\nb\t\u{1B}[2J\u{9B}1m\u{202E}x") == #"a\nb\t\u{1b}[2J\u{9b}1m\u{202e}x"#)
  }

  /// Python knows the standard's table; its unassigned characters are left out.
  @Test(.enabled(if: Shell.exists("python3"), "python3 is not installed"))
  func everyAssignedCharacterIsAsWideAsTheStandardSays() async throws {
    let script = """
      import unicodedata
      last = before = None
      for c in range(0x300, 0x110000):
          if 0xD800 <= c < 0xE000: continue
          ch = chr(c)
          # Marks and the parts of Korean syllables are drawn inside another character; regional signs come in pairs.
          if unicodedata.category(ch) in ('Cn', 'Co', 'Mn', 'Me', 'Cf') or 0x1160 <= c <= 0x11FF: continue
          now = 2 if unicodedata.east_asian_width(ch) in 'WF' else 1
          if now != last and before: print(before, last)
          if now != last: print(c, now)
          last, before = now, c
      """
    let output = try #require(await Shell.run("python3", script))
    let changes = output.split(separator: "\n").map { $0.split(separator: " ").compactMap { UInt32($0) } }
    #expect(changes.count > 100)
    for change in changes {
      let scalar = try #require(Unicode.Scalar(change[0]))
      #expect(DisplayWidth.columns(String(Character(scalar))) == Int(change[1]), "U+\(String(change[0], radix: 16))")
    }
  }
}

@Suite struct TableTests {
  @Test func columnsAreAlignedWithWideCharacters() {
    var table = Table([.init("customer"), .init("tier"), .init("spent", .right)])
    table.add(["王小明", "gold", "1,250.00"])
    table.add(["Ann", "银", "9.50"])
    table.add(["Bo"])
    #expect(
      table.render() == """
        customer  tier     spent
        --------  ----  --------
        王小明    gold  1,250.00
        Ann       银        9.50
        Bo

        """)
  }

  @Test func anEmptyTableHasItsTitles() {
    #expect(Table([.init("a"), .init("b", .right)]).render() == "a  b\n-  -\n")
  }

  @Test func cellsAreCutAndCleaned() {
    var table = Table([.init("x")])
    table.add([String(repeating: "长", count: 100), "too many"])
    table.add(["a\nb"])
    let lines = table.render().split(separator: "\n").map(String.init)
    #expect(lines.count == 4)
    #expect(DisplayWidth.columns(lines[2]) == Table.cellColumnsMax - 1)
    #expect(lines[3] == #"a\nb"#)
  }
}

@Suite struct ProgressTests {
  /// A clock that a test moves.
  private final class Clock: Sendable {
    private let now = Mutex<Int64>(1_000_000_000_000)

    func move(milliseconds: Int64) { self.now.withLock { $0 += milliseconds * 1_000_000 } }
    func read() -> Int64 { self.now.withLock { $0 } }
  }

  private func progress(
    _ clock: Clock, total: Int?, terminal: Bool, silent: Bool = false, language: Language = .en, columns: Int = 80
  ) -> (Progress, TextCollector) {
    let error = TextCollector()
    let console = Console(out: TextCollector(), error: error, language: language, columns: columns, isErrorTerminal: terminal)
    let progress = Progress(
      HelpText("importing", zh: "导入"), unit: HelpText("records", zh: "条记录"), total: total, console: console, isSilent: silent,
      nanoseconds: { clock.read() })
    return (progress, error)
  }

  @Test func aTerminalSeesOneLineWrittenOverAgain() {
    let clock = Clock()
    let (progress, error) = self.progress(clock, total: 50_000, terminal: true)
    progress.advance(by: 100)
    #expect(error.text == "")
    clock.move(milliseconds: 1_000)
    progress.advance(by: 900)
    clock.move(milliseconds: 50)
    progress.advance(by: 100)
    clock.move(milliseconds: 1_950)
    progress.update(to: 6_000)
    #expect(
      error.text == "\rimporting: 1,000 / 50,000 records 2 %  1,000/s\u{1B}[K"
        + "\rimporting: 6,000 / 50,000 records 12 %  2,000/s  22 s left\u{1B}[K")
    clock.move(milliseconds: 7_000)
    progress.update(to: 50_000)
    progress.finish()
    #expect(error.text.hasSuffix("\rimporting: 50,000 records in 10 s (5,000/s)\u{1B}[K\n"))
  }

  @Test func aPipeSeesALineEveryFiveSecondsAndOneAtTheEnd() {
    let clock = Clock()
    let (progress, error) = self.progress(clock, total: nil, terminal: false)
    for _ in 0..<11 {
      clock.move(milliseconds: 1_000)
      progress.advance(by: 3)
    }
    progress.finish()
    progress.finish()
    progress.advance()
    #expect(error.text == "importing: 15 records  3.0/s\nimporting: 30 records  3.0/s\nimporting: 33 records in 11 s (3.0/s)\n")
  }

  @Test func silenceIsSilentAndStillCounts() {
    let clock = Clock()
    let (progress, error) = self.progress(clock, total: 5, terminal: true, silent: true)
    clock.move(milliseconds: 60_000)
    progress.advance(by: 5)
    progress.finish()
    #expect(error.text == "")
    #expect(progress.done == 5)
  }

  @Test func aTerminalLineNeverReachesItsLastColumn() {
    let clock = Clock()
    let (progress, error) = self.progress(clock, total: 1_000_000_000, terminal: true, columns: 40)
    clock.move(milliseconds: 10_000)
    progress.update(to: 123_456_789)
    let line = error.text.dropFirst().dropLast(3)
    #expect(DisplayWidth.columns(String(line)) == 39)
    #expect(line.hasSuffix("…"))
  }

  @Test func messagesAreChineseWhenAsked() {
    let clock = Clock()
    let (progress, error) = self.progress(clock, total: nil, terminal: false, language: .zh)
    clock.move(milliseconds: 2_000)
    progress.advance(by: 2_000)
    progress.finish()
    #expect(error.text == "导入：2,000 条记录，用时 2.0 s（1,000/秒）\n")
  }

  @Test func absurdNumbersDoNotEndTheProgram() {
    let clock = Clock()
    let (progress, error) = self.progress(clock, total: 0, terminal: false)
    progress.advance(by: -5)
    progress.advance(by: Int.max)
    progress.advance(by: Int.max)
    clock.move(milliseconds: 5_000)
    progress.update(to: -1)
    clock.move(milliseconds: 400_000_000)
    progress.finish()
    #expect(progress.done == Int.max)
    #expect(error.text.contains("111 h 6 min"))
  }

  @Test(arguments: [(0.0, "0.0 s"), (9.94, "9.9 s"), (9.96, "10 s"), (59.4, "59 s"), (61.0, "1 min 1 s"), (3_725.0, "1 h 2 min")])
  func timesAreShort(seconds: Double, text: String) {
    let clock = Clock()
    let (progress, error) = self.progress(clock, total: nil, terminal: false)
    clock.move(milliseconds: Int64(seconds * 1_000))
    progress.finish()
    #expect(error.text == "importing: 0 records in \(text)\n")
  }
}
