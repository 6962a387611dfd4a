// The rules find what is planted, and leave alone what is right.
import Testing

@Suite("Planted violations")
struct PlantedTests {
  private func file(_ text: String, at path: String = "Shared/Kafka/Planted.swift") -> SourceFile { SourceFile(path: path, text: text) }

  @Test("Code, comments and texts are told apart, line for line")
  func scanner() {
    let source = #"""
      let a = "x // no comment" // a comment with "quotes"
      /* try! /* nested */ still */ let b = 1
      let c = #"raw \(no) " # "#
      let d = "in \(code("inner")) out"
      """# + "\nlet e = \"\"\"\n  print(1) \" \n  \\(f!)\n  \"\"\"\nlet g = 2\n"
    let file = file(source)
    #expect(file.lines.count == file.code.count && file.code.count == file.comments.count)
    #expect(file.code[0] == "let a = \"\" ")
    #expect(file.comments[0] == "// a comment with \"quotes\"")
    #expect(file.code[1] == " let b = 1")
    #expect(file.code[2] == "let c = \"\"")
    #expect(file.code[3] == "let d = \"\"(code(\"\"))")
    #expect(file.code[5] == "")
    #expect(file.code[6] == "(f!)")
    #expect(file.code[8] == "let g = 2")
  }

  @Test(
    "An import of a folder that does not lie below is found",
    arguments: [
      ("Shared/Domain/A.swift", "import Glibc"), ("Shared/Text/A.swift", "public import Domain"), ("Services/Profile/Core/A.swift", "import Postgres"),
      ("Services/Profile/Core/A.swift", "import HTTP"), ("Services/Profile/Store/A.swift", "import IngestCore"), ("Shared/Handling/A.swift", "import Kafka"),
      ("Services/Ingest/Command/A.swift", "@testable import ProfileCore"), ("Shared/HTTP/A.swift", "internal import struct Kafka.Record"),
      ("Services/Tickets/Core/A.swift", "import Foundation"), ("Shared/Cellar/A.swift", "import Glibc"),
    ])
  func wrongImport(_ path: String, _ line: String) { #expect(Imports.violations(file("// A file.\n\(line)\n", at: path)).count == 1) }

  @Test("Imports that lie below are left alone, and words that only look like one")
  func rightImport() {
    #expect(Imports.violations(file("public import Domain\nimport Postgres\nimport ProfileCore\n", at: "Services/Profile/Store/A.swift")).isEmpty)
    #expect(Imports.violations(file("// import Kafka\nlet importance = 1\nlet text = \"import Kafka\"\n", at: "Shared/Text/A.swift")).isEmpty)
    #expect(Imports.violations(file("import Anything\n", at: "Tests/KafkaTests/A.swift")).isEmpty)
  }

  @Test("A C library outside its room is found, in tests too")
  func wrongLibrary() {
    #expect(Imports.cViolations(file("import CPostgres", at: "Shared/Kafka/A.swift")).count == 1)
    #expect(Imports.cViolations(file("import CRdKafka", at: "Tests/PostgresTests/A.swift")).count == 1)
    #expect(Imports.cViolations(file("import CRdKafka", at: "Shared/Kafka/A.swift")).isEmpty)
  }

  @Test("A function of 71 lines is found, one of 70 is not, whatever its head looks like")
  func longFunction() {
    let heads = [
      "func long(_ a: Int = { 1 }(), b: [Int] = [])\n    throws -> Int", "init?(x: Int)", "public static func of<T>(_ t: T) -> T where T: Any",
      "subscript(i: Int) -> Int",
    ]
    for head in heads {
      let headLines = head.split(separator: "\n").count
      func body(_ lines: Int) -> String {
        "struct S {\n  \(head) {\n" + String(repeating: "    if a { b() }\n", count: lines - headLines - 1) + "  }\n}\n"
      }
      #expect(Layout.longFunctions(file(body(70))).isEmpty, "\(head)")
      #expect(Layout.longFunctions(file(body(71))).map(\.line) == [2], "\(head)")
    }
  }

  @Test("Lines of a long text do not count, blank lines and comments do")
  func textInFunction() {
    let text = "    let t = \"\"\"\n" + String(repeating: "      SELECT 1\n", count: 100) + "      \"\"\"\n"
    #expect(Layout.longFunctions(file("func f() {\n\(text)}\n")).isEmpty)
    #expect(Layout.longFunctions(file("func f() {\n\(String(repeating: "  // a word\n\n", count: 35))}\n")).count == 1)
  }

  @Test("A requirement of a protocol has no length, and a call of an initialiser is no function")
  func noFunction() {
    let lines = String(repeating: "  let x = S.init(1)\n", count: 100)
    #expect(Layout.longFunctions(file("protocol P {\n  func a() throws -> Int\n}\nstruct S {\n\(lines)}\n")).isEmpty)
  }

  @Test("A line of 161 columns is found, one of 160 is not, in Chinese neither")
  func longLine() {
    #expect(Layout.longLines(file(String(repeating: "a", count: 161))).count == 1)
    #expect(Layout.longLines(file(String(repeating: "客", count: 160))).isEmpty)
  }

  @Test("Tabs, blanks at the end and files that do not say what they are for are found")
  func blanks() {
    #expect(Layout.blanks(file("\tlet a = 1\nlet b = 2 \nlet c = 3\r\nlet d = 4\n")).map(\.line) == [1, 2, 3])
    #expect(Layout.firstLine(file("import Glibc\n")).count == 1)
    #expect(Layout.firstLine(file("// What it is for.\n")).isEmpty)
  }

  @Test("A long file with @main is found")
  func longMain() {
    let lines = String(repeating: "// x\n", count: 40)
    #expect(Layout.longMain(file("@main\n" + lines)).count == 1)
    #expect(Layout.longMain(file("// @main\n" + lines)).isEmpty)
    #expect(Layout.longMain(file("@main\nenum Main {}\n")).isEmpty)
  }

  @Test("Every banned call is found as code, and not as a comment, a text or a part of a word", arguments: Ban.all)
  func banned(_ ban: Ban) {
    let path = ["Shared/Domain/A.swift", "Shared/Kafka/A.swift", "Tests/KafkaTests/A.swift"].first { ban.applies(file("", at: $0)) } ?? ""
    #expect(ban.violations(file("let a = 1\n  \(ban.code) x)", at: path)).map(\.line) == [2])
    #expect(ban.violations(file("// \(ban.code)\nlet a = \"\(ban.code)\"", at: path)).isEmpty)
    if let first = ban.code.utf8.first, Words.isPart(first) { #expect(ban.violations(file("x_\(ban.code) x)", at: path)).isEmpty) }
  }

  @Test("An allowance is for so many lines, not for a file")
  func allowance() {
    let ban = Ban(code: "usleep(", instead: "wait", allowed: ["Shared/Kafka/Planted.swift": 1])
    #expect(ban.violations(file("usleep(1)\n")).isEmpty)
    #expect(ban.violations(file("usleep(1)\nusleep(2)\n")).count == 2)
  }

  @Test("Printing is for the room of command lines")
  func printing() {
    let ban = Ban.all.filter { $0.code == "print(" }
    #expect(ban.flatMap { $0.violations(file("print(1)", at: "Shared/CommandLine/A.swift")) }.isEmpty)
    #expect(ban.flatMap { $0.violations(file("print(1)", at: "Services/Profile/Command/A.swift")) }.count == 1)
  }

  @Test(
    "Forced unwraps are found",
    arguments: ["a!", "a()!.b", "a[0]!", "let a: Text!", "f(a!, b)", "a!!", "x as! Text", "\"\"!", "a?.b!", "`in`!", "{ a }()!", "T<Int>!"])
  func unwrap(_ code: String) { #expect(ForcedUnwraps.finds(code)) }

  @Test(
    "What is no forced unwrap is left alone",
    arguments: ["a != b", "a!=b", "!a", "if !list.isEmpty", "(!a && !b)", "a !== b", "f(!x)", "[!a]", "return !a", "a ? !b : c"])
  func noUnwrap(_ code: String) { #expect(!ForcedUnwraps.finds(code)) }

  @Test("Exemptions are counted, and need a comment near them")
  func exemption() {
    let explained = file("// The library says that this handle may be shared.\nstruct H: @unchecked Sendable {}\n")
    let bare = file("struct H: @unchecked Sendable {}\n")
    #expect(Exemptions.violations(explained, allowed: [:]).count == 1)
    #expect(Exemptions.violations(explained, allowed: [explained.path: 1]).isEmpty)
    #expect(Exemptions.violations(explained, allowed: [explained.path: 2]).count == 1)
    #expect(Exemptions.violations(bare, allowed: [bare.path: 1]).count == 1)
    #expect(Exemptions.violations(file("// Unmanaged is spoken of, not used, in this comment.\n"), allowed: [:]).isEmpty)
  }

  @Test("Unfinished work, paths of a machine and registries are found in any file")
  func texts() {
    for line in ["// " + "TO" + "DO: later", "cd /" + "work/main", "HOME=/" + "root/x", "https://files.python" + "hosted.org/x", "'/" + "tmp/snap/tree'"] {
      #expect(Texts.violations(file(line, at: "docs/a.md")).count == 1, "\(line)")
    }
    for line in ["due_work/", "the/" + "root/of", "./" + "work/x", "\"\\(" + "root)/" + "work/x\"", "mastodon"] {
      #expect(Texts.violations(file(line, at: "docs/a.md")).isEmpty, "\(line)")
    }
  }

  @Test("A file that is not built in is found, and one that is listed under another's name")
  func embeds() {
    let list = """
      FILE_BYTES(a_1) = {
      #embed "../Messaging/migrations/0001_a.sql"
      };
      FILE_BYTES(rules) = {
      #embed "../../deploy/policies.yaml"
      };
        ENTRY("Shared/Messaging/migrations/0001_a.sql", a_1),
        ENTRY("deploy/policies.yaml", rules),
      """
    let files = ["Shared/Messaging/migrations/0001_a.sql", "deploy/policies.yaml", "deploy/setup/ci.yaml", "docs/asyncapi.yaml"]
    #expect(Embeds.violations(list: list, files: files).isEmpty)
    #expect(Embeds.violations(list: list, files: files + ["Services/New/Store/migrations/0002_b.sql"]).count == 1)
    #expect(Embeds.violations(list: list, files: files + ["deploy/mappings/new.yaml"]).count == 1)
    #expect(Embeds.violations(list: list, files: [files[0]]).count == 1)
    #expect(Embeds.violations(list: list.replacing("policies.yaml\"\n", with: "other.yaml\"\n"), files: files).count == 1)
  }
}
