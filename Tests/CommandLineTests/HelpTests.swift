// Help pages against pages that were looked at.
import CommandLine
import Testing

@Suite struct HelpTests {
  static let root = """
    Usage: clientele [options] COMMAND

    the operator's tool

    Commands:
      import               read files into the suite
      topics               work with topics
      explode              fail
      refuse               refuse
      answer               end with 7
      completion           print a completion script for a shell

    Options:
      -q, --quiet          print nothing but errors
          --folder FOLDER  where the suite keeps its files

    Common options:
      -h, --help           show help
          --version        show the version
          --lang LANG      language of texts; else from LANG (one of en, zh)

    """

  static let importing = """
    Usage: clientele import --source NAME [options] FILE...

    read files into the suite

    Each file is read to its end before the next one is begun. What cannot be read
    is put aside and counted, so that one bad record never holds up the others.

    Arguments:
      FILE...              files to read

    Options:
      -s, --source NAME    name of the source system (required)
          --format FORMAT  how the files are written (one of csv, json, ndjson;
                           default csv)
          --tag TAG        a word to mark the records with (may be repeated)
      -n, --limit COUNT    stop after so many records
          --dry-run        say what would be done
          --a-very-long-name-of-an-option VALUE
                           has its text on the next line

    Common options:
      -q, --quiet          print nothing but errors
          --folder FOLDER  where the suite keeps its files
      -h, --help           show help
          --version        show the version
          --lang LANG      language of texts; else from LANG (one of en, zh)

    """

  static let chinese = """
    用法：clientele [选项] 命令

    运维工具

    命令：
      import               导入文件
      topics               work with topics
      explode              fail
      refuse               refuse
      answer               end with 7
      completion           输出 shell 补全脚本

    选项：
      -q, --quiet          只输出错误
          --folder FOLDER  where the suite keeps its files

    通用选项：
      -h, --help           显示帮助
          --version        显示版本
          --lang LANG      文字语言；默认取自 LANG（可选：en, zh）

    """

  @Test func helpIsShownForTheProgram() async {
    #expect(await SampleProgram.call(["--help"]) == Called(code: .ok, out: Self.root, error: ""))
  }

  @Test func helpIsShownInChinese() async {
    #expect(await SampleProgram.call(["--help"], language: .zh).out == Self.chinese)
    #expect(await SampleProgram.call(["--lang=zh", "--help"]).out == Self.chinese)
    #expect(await SampleProgram.call(["--help", "--lang", "en"], language: .zh).out == Self.root)
  }

  @Test func helpOfACommandIsShownWhateverElseIsWrong() async {
    let page = Called(code: .ok, out: Self.importing, error: "")
    for words in [
      ["import", "--help"], ["import", "--bogus", "-h"], ["help", "import"], ["-q", "--folder", "topics", "import", "-h"],
      ["--help", "import"],
    ] {
      #expect(await SampleProgram.call(words) == page, "\(words)")
    }
  }

  @Test func aRequestForHelpAfterTwoDashesIsAnArgument() async {
    let called = await SampleProgram.call(["import", "-s", "till", "--", "--help"])
    #expect(called == Called(code: .ok, out: "", error: ""))
  }

  @Test func argumentsShowHowManyThereMayBe() {
    let page = SampleProgram.make().helpText(for: ["topics", "create"])
    #expect(page?.split(separator: "\n").first == "Usage: clientele topics create [options] NAME [PARTITIONS]")
    #expect(SampleProgram.make().helpText(for: ["topics", "destroy"]) == nil)
  }

  @Test(arguments: [40, 60, 100], Language.allCases)
  func noLineIsWiderThanTheTerminal(columns: Int, language: Language) {
    for names in [[], ["import"], ["topics"]] {
      let page = SampleProgram.make().helpText(for: names, language: language, columns: columns) ?? ""
      #expect(!page.isEmpty)
      for line in page.split(separator: "\n") where !line.contains("a-very-long-name") {
        // Below 50 columns texts keep 20 columns of their own.
        #expect(DisplayWidth.columns(String(line)) <= max(columns, 50), "\(line)")
      }
    }
  }

  @Test(arguments: [
    (["LANG": "zh_CN.UTF-8"], Language.zh), (["LANG": "en_GB.UTF-8"], .en), ([:], .en), (["LANG": "zh_CN", "LC_ALL": "C"], .en),
    (["LC_ALL": "", "LC_MESSAGES": "zh_TW", "LANG": "C"], .zh), (["LANG": "de_DE"], .en),
  ])
  func theLanguageFollowsTheLocale(environment: [String: String], language: Language) {
    #expect(Language(environment: environment) == language)
  }
}
