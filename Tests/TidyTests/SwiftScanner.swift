// Tells Swift code, comments and texts apart: enough for rules about words, no parser.

/// Splits a source into code and comments of the same lines. What stands in a text is left out of both; code inside `\( )` stays code.
struct SwiftScanner {
  private let bytes: [UInt8]
  private var place = 0
  private var codeBytes: [UInt8] = []
  private var commentBytes: [UInt8] = []

  init(_ source: String) {
    bytes = Array(source.utf8)
    codeBytes.reserveCapacity(bytes.count)
    commentBytes.reserveCapacity(bytes.count / 4)
  }

  var code: String { String(decoding: codeBytes, as: UTF8.self) }
  var comments: String { String(decoding: commentBytes, as: UTF8.self) }

  private static let quote = UInt8(ascii: "\"")
  private static let hash = UInt8(ascii: "#")
  private static let slash = UInt8(ascii: "/")
  private static let star = UInt8(ascii: "*")
  private static let backslash = UInt8(ascii: "\\")
  private static let newline = UInt8(ascii: "\n")
  private static let open = UInt8(ascii: "(")
  private static let close = UInt8(ascii: ")")

  mutating func scan() { scanCode(untilClose: false) }

  private func byte(_ ahead: Int = 0) -> UInt8? { place + ahead < bytes.count ? bytes[place + ahead] : nil }

  private mutating func keepCode() {
    codeBytes.append(bytes[place])
    if bytes[place] == SwiftScanner.newline { commentBytes.append(SwiftScanner.newline) }
    place += 1
  }

  private mutating func keepComment() {
    commentBytes.append(bytes[place])
    if bytes[place] == SwiftScanner.newline { codeBytes.append(SwiftScanner.newline) }
    place += 1
  }

  /// Passes a byte of a text: only its line ends are kept.
  private mutating func dropText() {
    if bytes[place] == SwiftScanner.newline {
      codeBytes.append(SwiftScanner.newline)
      commentBytes.append(SwiftScanner.newline)
    }
    place += 1
  }

  private mutating func scanCode(untilClose: Bool) {
    var depth = 0
    while let current = byte() {
      if current == SwiftScanner.slash, byte(1) == SwiftScanner.slash {
        while let next = byte(), next != SwiftScanner.newline { keepComment() }
      } else if current == SwiftScanner.slash, byte(1) == SwiftScanner.star {
        scanBlockComment()
      } else if current == SwiftScanner.quote || (current == SwiftScanner.hash && beginsRawText()) {
        scanText()
      } else {
        if untilClose, current == SwiftScanner.open { depth += 1 }
        if untilClose, current == SwiftScanner.close {
          depth -= 1
          if depth < 0 { return }
        }
        keepCode()
      }
    }
  }

  private mutating func scanBlockComment() {
    var depth = 0
    while byte() != nil {
      if byte() == SwiftScanner.slash, byte(1) == SwiftScanner.star {
        depth += 1
        keepComment()
        keepComment()
      } else if byte() == SwiftScanner.star, byte(1) == SwiftScanner.slash {
        depth -= 1
        keepComment()
        keepComment()
        if depth == 0 { return }
      } else {
        keepComment()
      }
    }
  }

  private func beginsRawText() -> Bool {
    var ahead = 0
    while byte(ahead) == SwiftScanner.hash { ahead += 1 }
    return byte(ahead) == SwiftScanner.quote
  }

  private mutating func scanText() {
    var hashes = 0
    while byte() == SwiftScanner.hash {
      hashes += 1
      place += 1
    }
    let isLong = byte(1) == SwiftScanner.quote && byte(2) == SwiftScanner.quote
    place += isLong ? 3 : 1
    codeBytes += [SwiftScanner.quote, SwiftScanner.quote]
    while let current = byte() {
      if ends(hashes, isLong) {
        place += (isLong ? 3 : 1) + hashes
        return
      }
      if current == SwiftScanner.backslash, (0..<hashes).allSatisfy({ byte(1 + $0) == SwiftScanner.hash }) {
        place += 1 + hashes
        if byte() == SwiftScanner.open {
          keepCode()
          scanCode(untilClose: true)
          if byte() == SwiftScanner.close { keepCode() }
        } else if byte() != nil {
          dropText()
        }
        continue
      }
      // A text of one line that is not closed is no Swift; going on would make a text of the rest.
      if current == SwiftScanner.newline, !isLong { return }
      dropText()
    }
  }

  private func ends(_ hashes: Int, _ isLong: Bool) -> Bool {
    let quotes = isLong ? 3 : 1
    return (0..<quotes).allSatisfy { byte($0) == SwiftScanner.quote } && (0..<hashes).allSatisfy { byte(quotes + $0) == SwiftScanner.hash }
  }
}
