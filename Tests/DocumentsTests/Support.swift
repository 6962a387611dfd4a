// Where the repository's own files are, and other programs' output.

import Glibc

enum Repository {
  /// Found from this file's place, so that the checkout may stand anywhere.
  static let root = #filePath.split(separator: "/").dropLast(3).reduce(into: "") { $0 += "/" + $1 }

  /// Data that is kept beside the checkout, not in it.
  static let data = root + "/../shared/data"

  static func isThere(_ path: String) -> Bool { access(path, R_OK) == 0 }

  /// The output of a command; nil when it failed.
  static func output(of command: String) -> String? {
    guard let pipe = popen(command, "r") else { return nil }
    var output: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 65_536)
    while true {
      let count = fread(&piece, 1, piece.count, pipe)
      if count == 0 { break }
      output += piece[..<count]
    }
    return pclose(pipe) == 0 ? String(decoding: output, as: UTF8.self) : nil
  }
}
