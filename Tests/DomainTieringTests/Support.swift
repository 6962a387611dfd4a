// Seeded randomness, and Python as the other calculator.

import Domain
import Glibc

/// SplitMix64: the same seed gives the same test everywhere.
struct SeededRandom: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }

  /// A fraction with parts of up to so many bits.
  mutating func fraction(bits: Int) -> Rational {
    func part(_ random: inout SeededRandom) -> Int128 {
      let wide = UInt128(random.next()) << 64 | UInt128(random.next())
      return Int128(wide >> UInt128(128 - Int.random(in: 1...bits, using: &random)))
    }
    let numerator = part(&self)
    return Rational(Bool.random(using: &self) ? numerator : -numerator, over: max(1, part(&self))) ?? .zero
  }
}

enum Python {
  static let isThere = run("print(1)", input: "") == "1\n"

  /// The output of a script that is given `input` as a file's name; nil when it failed.
  static func run(_ script: String, input: String) -> String? {
    let parent = getenv("TMPDIR").map { String(cString: $0) } ?? P_tmpdir
    var folder = Array("\(parent)/clientele-python-XXXXXX".utf8CString)
    guard mkdtemp(&folder) != nil else { return nil }
    let path = String(decoding: folder.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    let names = ["\(path)/script.py", "\(path)/input.txt"]
    defer {
      for name in names { unlink(name) }
      rmdir(path)
    }
    for (name, text) in zip(names, [script, input]) {
      guard let file = fopen(name, "w") else { return nil }
      fputs(text, file)
      fclose(file)
    }
    guard let pipe = popen("python3 \(names[0]) \(names[1]) 2>&1", "r") else { return nil }
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

extension Rational {
  /// For test data: a literal fraction.
  static func of(_ numerator: Int, _ denominator: Int = 1) -> Rational { Rational(Int128(numerator), over: Int128(denominator)) ?? .zero }
}
