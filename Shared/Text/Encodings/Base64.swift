// Bytes as letters (RFC 4648): padded with `+` and `/`, or as addresses and headers have them.

/// Section 4: padded, without line ends.
public enum Base64 {
  private static let alphabet = SixBits(last: "+/")

  public static func encoded(_ bytes: some Sequence<UInt8>) -> String {
    var text = alphabet.letters(of: bytes)
    while text.count % 4 != 0 { text.append(0x3D) }
    return String(decoding: text, as: UTF8.self)
  }

  /// nil for anything but the one padded form of some bytes.
  public static func decoded(_ text: String) -> [UInt8]? {
    let padding = text.utf8.reversed().prefix { $0 == 0x3D }.count
    guard text.utf8.count % 4 == 0, padding <= 2 else { return nil }
    return alphabet.bytes(of: text.utf8.dropLast(padding))
  }
}

/// Section 5: for addresses and headers, without padding.
public enum Base64URL {
  private static let alphabet = SixBits(last: "-_")

  public static func encode(_ bytes: some Sequence<UInt8>) -> String { String(decoding: alphabet.letters(of: bytes), as: UTF8.self) }

  /// nil for padding, other letters, a length that no bytes have, and bits behind the last byte that are not zero: otherwise one signature would have
  /// several writings.
  public static func decode(_ text: some Collection<UInt8>) -> [UInt8]? { alphabet.bytes(of: text) }
}

/// A letter for every six bits. The two alphabets differ in the last two.
private struct SixBits: Sendable {
  private let letters: [UInt8]
  /// By byte, its six bits; 255 for what is no letter of it.
  private let values: [UInt8]

  init(last two: String) {
    letters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789\(two)".utf8)
    var table = [UInt8](repeating: 255, count: 256)
    for (value, letter) in letters.enumerated() { table[Int(letter)] = UInt8(value) }
    values = table
  }

  func letters(of bytes: some Sequence<UInt8>) -> [UInt8] {
    var text: [UInt8] = []
    text.reserveCapacity(bytes.underestimatedCount * 4 / 3 + 4)
    var (bits, held) = (0, UInt32(0))
    for byte in bytes {
      held = held << 8 | UInt32(byte)
      bits += 8
      while bits >= 6 {
        bits -= 6
        text.append(letters[Int(held >> UInt32(bits)) & 63])
      }
    }
    if bits > 0 { text.append(letters[Int(held << UInt32(6 - bits)) & 63]) }
    return text
  }

  /// nil unless these are the letters of some bytes.
  func bytes(of text: some Collection<UInt8>) -> [UInt8]? {
    guard text.count % 4 != 1 else { return nil }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(text.count * 3 / 4)
    var (bits, held) = (0, UInt32(0))
    for letter in text {
      let value = values[Int(letter)]
      guard value < 64 else { return nil }
      held = held << 6 | UInt32(value)
      bits += 6
      if bits >= 8 {
        bits -= 8
        bytes.append(UInt8(truncatingIfNeeded: held >> UInt32(bits)))
      }
    }
    return held & ((1 << UInt32(bits)) - 1) == 0 ? bytes : nil
  }
}
