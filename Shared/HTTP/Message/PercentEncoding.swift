// Text as a part of a path or of a query can hold it (RFC 3986).

public enum PercentEncoding {
  /// Everything but letters, digits and `-._~` as `%` and two digits (section 2.3).
  public static func encoded(_ text: String) -> String {
    let digits = Array("0123456789ABCDEF".utf8)
    var bytes: [UInt8] = []
    for byte in text.utf8 {
      switch byte {
      case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F, 0x7E: bytes.append(byte)
      default: bytes += [0x25, digits[Int(byte >> 4)], digits[Int(byte & 15)]]
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// The fields of a query, and of a form's body; values that are nil are left out.
  public static func fields(_ fields: [(name: String, value: String?)]) -> String {
    fields.compactMap { item in item.value.map { "\(item.name)=\(encoded($0))" } }.joined(separator: "&")
  }

  /// A path with a query; values that are nil are left out.
  public static func path(_ path: String, _ query: [(name: String, value: String?)]) -> String {
    let given = fields(query)
    return given.isEmpty ? path : path + (path.contains("?") ? "&" : "?") + given
  }
}
