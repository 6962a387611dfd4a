// The checkout as the tidy tests see it: its files, and of Swift files the code without comments and texts.
import Glibc

/// One file of the checkout. Paths are relative to its root.
struct SourceFile: Sendable {
  let path: String
  let text: String
  let lines: [String]
  /// The code alone, line for line: comments are blank, texts are empty quotes. Empty for other files than Swift's.
  let code: [String]
  /// The comments alone, line for line.
  let comments: [String]
  private let codeText: String

  init(path: String, text: String) {
    self.path = path
    self.text = text
    lines = SourceFile.lines(of: text)
    guard path.hasSuffix(".swift") else {
      code = []
      comments = []
      codeText = ""
      return
    }
    var scanner = SwiftScanner(text)
    scanner.scan()
    codeText = scanner.code
    code = SourceFile.lines(of: codeText)
    comments = SourceFile.lines(of: scanner.comments)
  }

  var isSwift: Bool { path.hasSuffix(".swift") }
  var isTest: Bool { path.hasPrefix("Tests/") }
  var folder: String { path.split(separator: "/").dropLast().joined(separator: "/") }
  /// The first two parts, `Shared/Kafka`; of a service three, `Services/Profile/Core`.
  var room: String {
    let parts = path.split(separator: "/").dropLast()
    return parts.prefix(path.hasPrefix("Services/") ? 3 : 2).joined(separator: "/")
  }

  /// Whether the words occur anywhere, said quickly: rules look at lines only where they do.
  func mayHold(_ words: String) -> Bool { SourceFile.occurs(words, in: text) }
  func mayHold(code words: String) -> Bool { SourceFile.occurs(words, in: codeText) }

  private static func occurs(_ words: String, in text: String) -> Bool { strstr(text, words) != nil }

  private static func lines(of text: String) -> [String] {
    // Split by bytes: a character may hold the line end of a CRLF file.
    var lines = text.utf8.split(separator: 0x0A, omittingEmptySubsequences: false).map { String($0) ?? String(decoding: $0, as: UTF8.self) }
    if lines.last == "" { lines.removeLast() }
    return lines
  }
}

/// Something that is not as it should be, and what would be right.
struct Violation: Hashable, Sendable, CustomStringConvertible {
  let path: String
  let line: Int
  let problem: String

  var description: String { "\(path):\(line): \(problem)" }
}

enum SourceTree {
  /// The checkout's root, from where this file stands.
  static let root: String = {
    let here = realpath(#filePath, nil)
    defer { free(here) }
    var parts = (here.map { String(cString: $0) } ?? #filePath).split(separator: "/", omittingEmptySubsequences: false)
    parts.removeLast(3)
    return parts.joined(separator: "/")
  }()

  /// Files that are committed: all but hidden ones, what is built, and what running leaves behind.
  static let files: [SourceFile] = {
    var found: [SourceFile] = []
    walk("", &found)
    return found.sorted { $0.path < $1.path }
  }()

  static let swift = files.filter(\.isSwift)

  /// The largest file that is looked at, in bytes.
  static let fileBytesMax = 4 << 20

  private static func walk(_ folder: String, _ found: inout [SourceFile]) {
    for name in names(in: folder) {
      let path = folder.isEmpty ? name : "\(folder)/\(name)"
      let isLeft = ["__pycache__", ".git", ".clientele", ".swiftpm"].contains(name) || name.hasPrefix(".build") || name.hasSuffix(".profraw")
      if isLeft { continue }
      var status = stat()
      guard lstat("\(root)/\(path)", &status) == 0 else { continue }
      switch status.st_mode & S_IFMT {
      case S_IFDIR: walk(path, &found)
      case S_IFREG: if let text = read(path) { found.append(SourceFile(path: path, text: text)) }
      default: continue
      }
    }
  }

  static func names(in folder: String) -> [String] {
    guard let handle = opendir("\(root)/\(folder)") else { return [] }
    defer { closedir(handle) }
    var names: [String] = []
    while let entry = readdir(handle) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: MemoryLayout.size(ofValue: entry.pointee.d_name)) { String(cString: $0) }
      }
      if name != ".", name != ".." { names.append(name) }
    }
    return names
  }

  /// A text file's content; nil for what is no UTF-8 or too large.
  private static func read(_ path: String) -> String? {
    guard let file = fopen("\(root)/\(path)", "r") else { return nil }
    defer { fclose(file) }
    var content: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 65_536)
    while content.count <= fileBytesMax {
      let count = fread(&chunk, 1, chunk.count, file)
      guard count > 0 else { break }
      content += chunk[..<count]
    }
    return content.count <= fileBytesMax ? String(validating: content, as: UTF8.self) : nil
  }
}
