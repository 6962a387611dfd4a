// The rules of the house as functions from files to violations.

// MARK: - Layout

enum Layout {
  /// Columns of a line of Swift.
  static let lineColumnsMax = 160
  /// Lines of a function, from its declaration to its closing brace, without those of long texts.
  static let functionLinesMax = 70
  /// Lines of a file with `@main`, less one.
  static let mainLinesMax = 40

  static func longLines(_ file: SourceFile) -> [Violation] {
    file.lines.enumerated().compactMap { number, line in
      guard line.utf8.count > lineColumnsMax, line.count > lineColumnsMax else { return nil }
      return Violation(path: file.path, line: number + 1, problem: "has \(line.count) columns, at most \(lineColumnsMax): break it")
    }
  }

  static func blanks(_ file: SourceFile) -> [Violation] {
    file.lines.enumerated().compactMap { number, line in
      if line.utf8.contains(0x09) { return Violation(path: file.path, line: number + 1, problem: "holds a tab: indent by two blanks") }
      if line.utf8.last == 0x0D { return Violation(path: file.path, line: number + 1, problem: "ends with a carriage return") }
      return line.utf8.last == 0x20 ? Violation(path: file.path, line: number + 1, problem: "ends with blanks") : nil
    }
  }

  static func firstLine(_ file: SourceFile) -> [Violation] {
    file.lines.first?.hasPrefix("//") ?? false ? [] : [Violation(path: file.path, line: 1, problem: "does not begin by saying what the file is for")]
  }

  private static let heads: Set = ["func", "init", "deinit", "subscript"]

  static func longFunctions(_ file: SourceFile) -> [Violation] {
    var violations: [Violation] = []
    for start in file.code.indices {
      let words = Words.of(file.code[start])
      guard let head = words.first(where: { heads.contains($0.text) }), head.next != UInt8(ascii: ":"), !head.isMember,
        let end = end(of: start, from: head.place, in: file.code)
      else { continue }
      // Lines of a long text are no code: a table of SQL or YAML may stand beside its use.
      let count = (start...end).count { !isText($0, file) }
      if count > functionLinesMax {
        violations.append(Violation(path: file.path, line: start + 1, problem: "the function has \(count) lines, at most \(functionLinesMax): split it"))
      }
    }
    return violations
  }

  private static func isText(_ line: Int, _ file: SourceFile) -> Bool {
    Words.trimmed(file.code[line]).isEmpty && Words.trimmed(file.comments[line]).isEmpty && !Words.trimmed(file.lines[line]).isEmpty
  }

  /// The line on which the body that follows closes; nil for a declaration without one.
  private static func end(of start: Int, from place: Int, in code: [String]) -> Int? {
    var depth = 0
    var parentheses = 0
    for line in start..<code.count {
      for byte in line == start ? Array(code[line].utf8.dropFirst(place)) : Array(code[line].utf8) {
        switch byte {
        case UInt8(ascii: "("), UInt8(ascii: "["): parentheses += 1
        case UInt8(ascii: ")"), UInt8(ascii: "]"): parentheses -= 1
        case UInt8(ascii: "{"): depth += parentheses == 0 || depth > 0 ? 1 : 0
        case UInt8(ascii: "}"):
          if depth == 0, parentheses == 0 { return nil }
          depth -= depth > 0 ? 1 : 0
          if depth == 0, parentheses <= 0 { return line }
        default: break
        }
      }
      // A requirement of a protocol ends with its line, as long as no list of arguments is open.
      if depth == 0, parentheses == 0, !goesOn(after: line, in: code) { return nil }
    }
    return nil
  }

  private static func goesOn(after line: Int, in code: [String]) -> Bool {
    let next = code.indices.contains(line + 1) ? Words.trimmed(code[line + 1]) : ""
    return next.hasPrefix("{") || next.hasPrefix("->") || next.hasPrefix("where ") || next.hasPrefix("throws") || next.hasPrefix("async")
  }

  static func longMain(_ file: SourceFile) -> [Violation] {
    guard file.code.contains(where: { Words.trimmed($0).hasPrefix("@main") }), file.lines.count >= mainLinesMax else { return [] }
    return [Violation(path: file.path, line: 1, problem: "a file with @main has fewer than \(mainLinesMax) lines: move what is built into a type of its own")]
  }
}

// MARK: - Words

enum Words {
  struct Word {
    let text: String
    let place: Int
    /// The bytes before and after it, blanks passed over.
    let isMember: Bool
    let next: UInt8?
  }

  static func isPart(_ byte: UInt8) -> Bool {
    byte >= 0x80 || byte == UInt8(ascii: "_") || (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
  }

  static func trimmed(_ line: String) -> Substring { line.drop { $0 == " " } }

  static func of(_ line: String) -> [Word] {
    let bytes = Array(line.utf8)
    var words: [Word] = []
    var place = 0
    while place < bytes.count {
      guard isPart(bytes[place]) else {
        place += 1
        continue
      }
      let start = place
      while place < bytes.count, isPart(bytes[place]) { place += 1 }
      let next = bytes[place...].first { $0 != 0x20 }
      words.append(
        Word(
          text: String(decoding: bytes[start..<place], as: UTF8.self), place: start, isMember: start > 0 && bytes[start - 1] == UInt8(ascii: "."),
          next: next))
    }
    return words
  }
}

// MARK: - Banned words

/// A piece of code that has no place here, and what stands in its place.
struct Ban: Sendable {
  /// Found where it is no part of a longer word.
  let code: String
  let instead: String
  /// Where it may stand all the same, and on how many lines.
  var allowed: [String: Int] = [:]
  var applies: @Sendable (SourceFile) -> Bool = { _ in true }

  func violations(_ file: SourceFile) -> [Violation] {
    guard applies(file), file.mayHold(code: code) else { return [] }
    let found = file.code.enumerated().compactMap { number, line in
      Ban.contains(line, code) ? Violation(path: file.path, line: number + 1, problem: "`\(code)` is not used here: \(instead)") : nil
    }
    return found.count == allowed[file.path] ? [] : found
  }

  static func contains(_ line: String, _ code: String) -> Bool {
    let bytes = Array(line.utf8)
    let wanted = Array(code.utf8)
    guard let first = wanted.first, bytes.count >= wanted.count else { return false }
    for start in 0...(bytes.count - wanted.count) where bytes[start] == first && bytes[start..<start + wanted.count].elementsEqual(wanted) {
      let isWordBefore = Words.isPart(first) && start > 0 && (Words.isPart(bytes[start - 1]) || bytes[start - 1] == UInt8(ascii: "."))
      let end = start + wanted.count
      let isWordAfter = Words.isPart(wanted[wanted.count - 1]) && end < bytes.count && Words.isPart(bytes[end])
      if !isWordBefore, !isWordAfter { return true }
    }
    return false
  }
}

extension Ban {
  private static let isTest: @Sendable (SourceFile) -> Bool = { $0.isTest }
  private static let isProduct: @Sendable (SourceFile) -> Bool = { !$0.isTest && $0.room != "Shared/TestSupport" && $0.path != "Package.swift" }
  /// Rules and use cases. The core of the operator's tool is none: it starts processes and talks to services.
  private static let isPure: @Sendable (SourceFile) -> Bool = { file in
    file.room == "Shared/Domain" || (file.room.hasPrefix("Services/") && file.room.hasSuffix("/Core") && file.room != "Services/Clientele/Core")
  }
  /// Programs that a person runs and reads.
  private static let terminals: Set = ["Shared/CommandLine", "Services/Clientele/Command", "Services/Broker/Command"]

  static let all = endings + waits + sources

  private static let endings: [Ban] = [
    Ban(code: "try!", instead: "handle the error, or throw it on"),
    Ban(code: "as!", instead: "`as?` and a way out"),
    Ban(code: "fatalError(", instead: "throw; what input can reach must not end the process"),
    Ban(code: "preconditionFailure(", instead: "throw"),
    // Swift 6.3, unoptimised: fields of a large value that a `_read` yields are read after its frame is gone.
    Ban(code: "_read {", instead: "`get`, or a function that lends the value to a closure"),
    Ban(
      code: "precondition(", instead: "throw",
      // Routes are written in code and added at the start; the executor's check is asked for by the runtime.
      allowed: ["Shared/HTTP/Server/Router.swift": 6, "Shared/Lifecycle/ThreadExecutor.swift": 1], applies: isProduct),
    Ban(code: "print(", instead: "the logger; in a command its terminal") { isProduct($0) && !terminals.contains($0.room) },
  ]

  private static let waits: [Ban] = [
    Ban(code: "Thread.sleep", instead: "wait on an event with a limit"),
    Ban(code: "sleep(", instead: "wait on an event with a limit"),
    // Stopping the HTTP library has no event to wait for; the wait has a limit.
    Ban(code: "usleep(", instead: "wait on an event with a limit", allowed: ["Shared/HTTP/Server/ConnectionRegistry.swift": 1]),
    Ban(
      code: "Task.sleep", instead: "wait on an event with a limit",
      // Two tests of work that ends by cancellation alone, and the limit of a wait.
      allowed: [
        "Tests/LifecycleTests/ServiceGroupTests.swift": 1, "Tests/LifecycleTests/StopSignalTests.swift": 1, "Tests/KafkaTests/Clusters.swift": 1,
      ], applies: isTest),
    Ban(code: "Task.detached", instead: "a Service, or a thread of your own"),
    Ban(code: "NSLock", instead: "Mutex"),
    // Jobs of an actor whose thread has ended still have to run somewhere.
    Ban(
      code: "DispatchQueue.global", instead: "a thread of your own", allowed: ["Shared/Lifecycle/ThreadExecutor.swift": 1], applies: isProduct),
  ]

  private static let sources: [Ban] = [
    Ban(code: "import Foundation", instead: "Glibc, Synchronization or FoundationEssentials", applies: isProduct),
    Ban(code: "Date(", instead: "an Instant as an argument", applies: isPure),
    Ban(code: "UUID(", instead: "an id made from the business key", applies: isPure),
    Ban(code: "random(", instead: "chance as an argument", applies: isPure),
    Ban(code: "ContinuousClock", instead: "an Instant as an argument", applies: isPure),
    Ban(code: "SystemTime", instead: "an Instant as an argument", applies: isPure),
  ]
}

// MARK: - Forced unwraps

enum ForcedUnwraps {
  /// A `!` behind a value: `value!`, `call()!`, `list[0]!`, `text"!`; and types that unwrap themselves, `Text!`.
  static func violations(_ file: SourceFile) -> [Violation] {
    file.code.enumerated().compactMap { number, line in
      finds(line) ? Violation(path: file.path, line: number + 1, problem: "unwraps by force: use `guard let`, `??` or `try #require`") : nil
    }
  }

  /// What a value may end with besides a letter.
  private static let ends = Array(")]}\"?!>`".utf8)

  static func finds(_ line: String) -> Bool {
    guard line.utf8.contains(UInt8(ascii: "!")) else { return false }
    let bytes = Array(line.utf8)
    for place in bytes.indices where bytes[place] == UInt8(ascii: "!") && place > 0 {
      let before = bytes[place - 1]
      let isValue = Words.isPart(before) || ends.contains(before)
      let next = place + 1 < bytes.count ? bytes[place + 1] : 0x20
      // `a != b` has a blank before it; `a!=b` compares too.
      if isValue, next != UInt8(ascii: "=") { return true }
    }
    return false
  }
}

// MARK: - Exemptions

/// What the compiler cannot check, and where it may stand.
enum Exemptions {
  static let words = ["@unchecked Sendable", "nonisolated(unsafe)", "Unmanaged", "@preconcurrency", "unsafeBitCast("]

  /// Lines with one of these words, by file. A new one is a decision: it comes with a sentence beside it that says why it is true.
  static let allowed: [String: Int] = [
    "Shared/HTTP/Client/ClientEngine.swift": 1,
    "Shared/HTTP/Client/EasyHandle.swift": 3,
    "Shared/HTTP/Server/ConnectionRegistry.swift": 1,
    "Shared/HTTP/Server/HTTPServer.swift": 2,
    "Shared/HTTP/Server/ResponseWriter.swift": 3,
    "Shared/HTTP/Server/ServerCallbacks.swift": 7,
    "Shared/Kafka/ClientHandle.swift": 1,
    "Shared/Lifecycle/OwnedThread.swift": 2,
    "Shared/Postgres/Notices.swift": 2,
    "Shared/Text/Bytes/ByteBuffer.swift": 1,
    "Tests/TieringTests/StoreTests.swift": 1,
  ]
  /// How far from the first use in a file its comment may stand, in lines.
  static let commentLinesMax = 12

  static func uses(_ file: SourceFile) -> [Int] {
    let present = words.filter { file.mayHold(code: $0) }
    return present.isEmpty ? [] : file.code.indices.filter { line in present.contains { Ban.contains(file.code[line], $0) } }
  }

  static func violations(_ file: SourceFile, allowed: [String: Int] = allowed) -> [Violation] {
    let uses = uses(file)
    let expected = allowed[file.path] ?? 0
    guard uses.count == expected else {
      return [
        Violation(
          path: file.path, line: (uses.first ?? 0) + 1,
          problem: "\(uses.count) lines are exempt from the compiler's checks, \(expected) are expected: say beside it why it holds, then correct the list")
      ]
    }
    return uses.prefix(1).compactMap { line in
      let near = max(0, line - commentLinesMax)...min(file.comments.count - 1, line + 3)
      let isExplained = file.comments[near].contains { $0.utf8.count > 20 }
      return isExplained ? nil : Violation(path: file.path, line: line + 1, problem: "no comment near says why this holds")
    }
  }
}

// MARK: - Words in every file

enum Texts {
  /// Made of parts, so that this file does not hold them.
  static let machinePaths = ["work", "root", "tmp/snap", "tmp/dev-"].map { "/\($0)" + ($0.hasSuffix("-") ? "" : "/") }
  static let registries = [
    ["pypi", "org"], ["pythonhosted", "org"], ["npmjs", "org"], ["npmjs", "com"], ["crates", "io"], ["rubygems", "org"], ["proxy", "golang", "org"],
    ["repo1", "maven", "org"], ["repo", "maven", "apache", "org"], ["swiftpackageregistry", "com"],
  ].map { $0.joined(separator: ".") }
  static let leftovers = ["TO" + "DO", "FIX" + "ME", "XX" + "X:", "HA" + "CK:"]

  static func violations(_ file: SourceFile) -> [Violation] {
    machinePaths.flatMap { path in find(path, "a path of one machine", file) { contains($0, path) } }
      + registries.flatMap { host in find(host, "the address of a package registry", file) { $0.contains(host) } }
      + leftovers.flatMap { word in find(word, "unfinished work: finish it, or write it down where it is found", file) { Ban.contains($0, word) } }
  }

  private static func find(_ word: String, _ what: String, _ file: SourceFile, where isFound: (String) -> Bool) -> [Violation] {
    guard file.mayHold(word) else { return [] }
    return file.lines.enumerated().compactMap { number, line in
      isFound(line) ? Violation(path: file.path, line: number + 1, problem: "holds `\(word)`, \(what)") : nil
    }
  }

  /// A path that begins there and does not go on before it.
  private static func contains(_ line: String, _ path: String) -> Bool {
    guard line.contains(path) else { return false }
    return line.ranges(of: path).contains { range in
      guard range.lowerBound > line.startIndex else { return true }
      let before = line[line.index(before: range.lowerBound)]
      return !(before.isLetter || before.isNumber || ".)}_-*".contains(before))
    }
  }
}
