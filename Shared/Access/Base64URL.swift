// Base64 for addresses and headers (RFC 4648 section 5), without padding, and with one writing for each sequence of bytes.

enum Base64URL {
  private static let letters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)

  /// By byte, its six bits; 255 for what is no letter of it.
  private static let values: [UInt8] = {
    var table = [UInt8](repeating: 255, count: 256)
    for (value, letter) in letters.enumerated() { table[Int(letter)] = UInt8(value) }
    return table
  }()

  static func encode(_ bytes: [UInt8]) -> String {
    var text: [UInt8] = []
    text.reserveCapacity((bytes.count * 4 + 2) / 3)
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
    return String(decoding: text, as: UTF8.self)
  }

  /// nil for padding, other letters, a length that no bytes have, and bits behind the last byte that are not zero: otherwise one signature would have
  /// several writings.
  static func decode(_ text: some Collection<UInt8>) -> [UInt8]? {
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
