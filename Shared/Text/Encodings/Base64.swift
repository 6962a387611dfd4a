// Base64 (RFC 4648, section 4).

public enum Base64 {
  private static let letters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

  /// Padded; without line ends.
  public static func encoded(_ bytes: some Sequence<UInt8>) -> String {
    var (text, word, count): ([UInt8], UInt32, Int) = ([], 0, 0)
    for byte in bytes {
      word = word << 8 | UInt32(byte)
      count += 8
      while count >= 6 {
        count -= 6
        text.append(letters[Int(word >> UInt32(count)) & 63])
      }
    }
    if count > 0 { text.append(letters[Int(word << UInt32(6 - count)) & 63]) }
    while text.count % 4 != 0 { text.append(0x3D) }
    return String(decoding: text, as: UTF8.self)
  }

  /// nil for anything but the one padded form of some bytes.
  public static func decoded(_ text: String) -> [UInt8]? {
    let padding = text.utf8.reversed().prefix { $0 == 0x3D }.count
    guard text.utf8.count % 4 == 0, padding <= 2 else { return nil }
    var (bytes, word, count): ([UInt8], UInt32, Int) = ([], 0, 0)
    for letter in text.utf8.dropLast(padding) {
      guard let value = letters.firstIndex(of: letter) else { return nil }
      word = word << 6 | UInt32(value)
      count += 6
      if count >= 8 {
        count -= 8
        bytes.append(UInt8(truncatingIfNeeded: word >> UInt32(count)))
      }
    }
    // Bits that are left over are zero, or two texts would stand for the same bytes.
    return word & (1 << UInt32(count) - 1) == 0 && encoded(bytes) == text ? bytes : nil
  }
}
