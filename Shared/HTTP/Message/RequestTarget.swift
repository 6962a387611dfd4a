// Reads a request target (the second word of the request line) into path segments and query items. Pure; refuses what is ambiguous.

/// What a request asks for: path segments, each decoded on its own so that an escaped slash stays inside its segment, and the query.
struct RequestTarget: Sendable, Equatable {
  /// Why a target is refused; each is answered with 400.
  enum Refusal: String, Error, Equatable {
    case notAPath = "the request target is not a path"
    case badByte = "the request target has a byte that must be escaped"
    case badEscape = "the request target has an incomplete escape"
    case control = "the request target has an escaped control character"
    case notUTF8 = "the request target is not UTF-8"
    case dots = "the request target has a segment of dots"
    case tooManyItems = "the request target has too many query items"
  }

  static let queryItemsMax = 256

  var segments: [String] = []
  var query = QueryItems()

  /// The decoded path, for logs and people. Two different targets may have the same one ("/a%2Fb" and "/a/b"): routes use ``segments``.
  var path: String { "/" + segments.joined(separator: "/") }

  init(_ raw: some Collection<UInt8>) throws(Refusal) {
    let bytes = try RequestTarget.originForm(Array(raw))
    // A fragment never belongs in a request; the rest are the visible bytes of ASCII.
    guard bytes.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != 0x23 }) else { throw .badByte }
    let mark = bytes.firstIndex(of: 0x3F)
    for part in bytes[1..<(mark ?? bytes.endIndex)].split(separator: 0x2F, omittingEmptySubsequences: false) {
      let segment = try RequestTarget.decoded(part, plusIsBlank: false, controls: .refused)
      guard segment != ".", segment != ".." else { throw .dots }
      segments.append(segment)
    }
    if let mark { query = try RequestTarget.queryItems(bytes[(mark + 1)...]) }
  }

  /// "http://host/path" (RFC 9112 section 3.2.2) is accepted and read as "/path"; the asterisk and authority forms are not paths.
  private static func originForm(_ raw: [UInt8]) throws(Refusal) -> [UInt8] {
    if raw.first == 0x2F { return raw }
    for scheme in ["http://", "https://"] {
      let prefix = Array(scheme.utf8)
      guard raw.count > prefix.count, raw.prefix(prefix.count).map(HTTPHeaders.lowercased).elementsEqual(prefix) else { continue }
      let rest = raw[prefix.count...]
      guard let end = rest.firstIndex(where: { $0 == 0x2F || $0 == 0x3F }) else { return [0x2F] }
      return rest[end] == 0x2F ? Array(rest[end...]) : [0x2F] + rest[end...]
    }
    throw .notAPath
  }

  static func queryItems(_ bytes: ArraySlice<UInt8>) throws(Refusal) -> QueryItems {
    var items: [QueryItems.Item] = []
    for part in bytes.split(separator: 0x26) {
      guard items.count < queryItemsMax else { throw .tooManyItems }
      let equals = part.firstIndex(of: 0x3D)
      let name = try decoded(part[part.startIndex..<(equals ?? part.endIndex)], plusIsBlank: true, controls: .onlyNULRefused)
      let value = try equals.map { at throws(Refusal) in try decoded(part[(at + 1)...], plusIsBlank: true, controls: .onlyNULRefused) }
      items.append(QueryItems.Item(name: name, value: value ?? ""))
    }
    return QueryItems(items)
  }

  private enum Controls { case refused, onlyNULRefused }

  private static func decoded(_ bytes: ArraySlice<UInt8>, plusIsBlank: Bool, controls: Controls) throws(Refusal) -> String {
    var out: [UInt8] = []
    out.reserveCapacity(bytes.count)
    var index = bytes.startIndex
    while index < bytes.endIndex {
      var byte = bytes[index]
      if byte == 0x25 {
        guard bytes.endIndex - index > 2, let high = nibble(bytes[index + 1]), let low = nibble(bytes[index + 2]) else { throw .badEscape }
        byte = high << 4 | low
        index += 2
      } else if byte == 0x2B, plusIsBlank {
        byte = 0x20
      }
      guard byte != 0, controls == .onlyNULRefused || (byte >= 0x20 && byte != 0x7F) else { throw .control }
      out.append(byte)
      index += 1
    }
    guard let text = String(validating: out, as: UTF8.self) else { throw .notUTF8 }
    return text
  }

  private static func nibble(_ byte: UInt8) -> UInt8? {
    switch byte {
    case 0x30...0x39: byte - 0x30
    case 0x41...0x46: byte - 0x41 + 10
    case 0x61...0x66: byte - 0x61 + 10
    default: nil
    }
  }
}

/// The items of a query string, decoded, in order. A name may occur more than once.
public struct QueryItems: Sendable, Equatable {
  public struct Item: Sendable, Equatable {
    public var name: String
    public var value: String

    public init(name: String, value: String) {
      self.name = name
      self.value = value
    }
  }

  public let items: [Item]

  public init(_ items: [Item] = []) { self.items = items }

  /// The first value of `name` ("" for `?name` without a value), or nil when the name does not occur.
  public subscript(name: String) -> String? { items.first { $0.name == name }?.value }

  /// Every value of `name`, in order.
  public func all(_ name: String) -> [String] { items.filter { $0.name == name }.map(\.value) }

  public var isEmpty: Bool { items.isEmpty }
}
