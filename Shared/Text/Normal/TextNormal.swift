// Text as the suite keeps it: Unicode normalisation form C, without blanks around it (I-04).
// The standard library compares texts by its own normaliser; its stable name there is an underscored one, used only here.
@_spi(_Unicode) import Swift

/// Normalisation of text.
public enum TextNormal {
  /// The text in normalisation form C: one spelling for what Unicode calls the same.
  ///
  /// Tables are those of the toolchain's standard library. ASCII and Chinese text is recognised and returned as it is.
  public static func nfc(_ text: String) -> String {
    if isSurelyNFC(text) { return text }
    var result = String.UnicodeScalarView()
    for scalar in text._nfc { result.append(scalar) }
    return String(result)
  }

  /// True when every character is one that form C never changes, whatever stands beside it.
  static func isSurelyNFC(_ text: String) -> Bool {
    for scalar in text.unicodeScalars {
      switch scalar.value {
      // Below the combining marks; ideographs; CJK punctuation before its combining marks; full-width forms.
      case 0..<0x300, 0x4E00...0x9FFF, 0x3000...0x3029, 0xFF00...0xFFEF: continue
      default: return false
      }
    }
    return true
  }

  /// The text without white space around it; U+200B and U+FEFF, which look like nothing, count as white space.
  public static func trimmed(_ text: String) -> String {
    let scalars = text.unicodeScalars
    guard let first = scalars.firstIndex(where: { !isBlank($0) }) else { return "" }
    guard let last = scalars.lastIndex(where: { !isBlank($0) }) else { return "" }
    if first == scalars.startIndex, scalars.index(after: last) == scalars.endIndex { return text }
    return String(scalars[first...last])
  }

  /// The text trimmed and in form C: what text fields hold.
  public static func normal(_ text: String) -> String { nfc(trimmed(text)) }

  /// A text that the JSON reader found, trimmed and in form C.
  public static func normal(_ text: JSONText) -> String { normal(text.string) }

  /// Bytes without ASCII blanks, tabs and line breaks around them.
  public static func trimmed(_ bytes: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
    func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }
    var low = bytes.startIndex
    var high = bytes.endIndex
    while low < high, isBlank(bytes[low]) { low += 1 }
    while high > low, isBlank(bytes[high - 1]) { high -= 1 }
    return UnsafeRawBufferPointer(rebasing: bytes[low..<high])
  }

  private static func isBlank(_ scalar: Unicode.Scalar) -> Bool {
    scalar.properties.isWhitespace || scalar.value == 0x200B || scalar.value == 0xFEFF
  }
}
