// A text inside a JSON document, without a copy.
public import Glibc

/// A text that the reader found: a slice of the document, or of the reader's scratch memory when it held escapes.
///
/// It is a pointer, so it lives only as long as both the document's bytes and the reader do. All texts of one document
/// are valid at once. Copy what is to be kept (`string`, `array`, `Key24`, `ByteBuffer.append`) before either goes.
/// It is always UTF-8 and never holds U+0000.
@frozen
public struct JSONText: Equatable, CustomStringConvertible {
  @usableFromInline let base: UnsafePointer<UInt8>
  /// Length in bytes of UTF-8.
  public let count: Int

  @inline(__always)
  init(base: UnsafePointer<UInt8>, count: Int) {
    self.base = base
    self.count = count
  }

  /// A view of bytes that came from elsewhere; nil when they are not UTF-8 or hold U+0000.
  public init?(_ bytes: UnsafeRawBufferPointer) {
    guard UTF8Check.isValid(bytes), !bytes.contains(0) else { return nil }
    guard let first = bytes.baseAddress else {
      self.init(base: JSONReader.nothing, count: 0)
      return
    }
    self.init(base: first.assumingMemoryBound(to: UInt8.self), count: bytes.count)
  }

  public var isEmpty: Bool { count == 0 }

  /// The bytes, valid as long as the text is.
  @inlinable
  @inline(__always)
  public var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: base, count: count) }

  /// True when the text is this constant, byte by byte.
  ///
  /// Inlinable, so that the constant's length and bytes are known where it is called: chains of keys become few compares.
  @inlinable
  @inline(__always)
  public func `is`(_ constant: StaticString) -> Bool {
    count == constant.utf8CodeUnitCount && memcmp(base, constant.utf8Start, count) == 0
  }

  /// A copy as a String.
  public var string: String { String(decoding: bytes, as: UTF8.self) }

  /// A copy as bytes.
  public var array: [UInt8] { [UInt8](bytes) }

  public var description: String { string }

  @inline(__always)
  public static func == (one: JSONText, other: JSONText) -> Bool {
    one.count == other.count && memcmp(one.base, other.base, one.count) == 0
  }
}
