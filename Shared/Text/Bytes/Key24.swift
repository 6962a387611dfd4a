// A short text kept inline, so that a dictionary of identifiers needs no allocation per key.
import Glibc

/// Up to 23 bytes held inline, with the length in the last byte.
///
/// Order is by bytes, a shorter key before a longer one that begins with it.
public struct Key24: Hashable, Sendable, Comparable {
  private var first: UInt64 = 0
  private var second: UInt64 = 0
  private var third: UInt64 = 0

  /// The longest content, in bytes.
  public static let contentBytesMax = 23

  /// Copies the bytes; nil when there are more than 23.
  @inline(__always)
  public init?(_ bytes: UnsafeRawBufferPointer) {
    guard bytes.count <= Self.contentBytesMax else { return nil }
    Swift.withUnsafeMutableBytes(of: &self) { own in
      own.copyMemory(from: bytes)
      own[23] = UInt8(truncatingIfNeeded: bytes.count)
    }
  }

  /// Copies a text that the JSON reader found; nil when it has more than 23 bytes.
  @inline(__always)
  public init?(_ text: JSONText) { self.init(text.bytes) }

  /// Copies the UTF-8 of a text; nil when it has more than 23 bytes.
  public init?(_ text: String) {
    var text = text
    guard let key = text.withUTF8({ Key24(UnsafeRawBufferPointer($0)) }) else { return nil }
    self = key
  }

  /// How many bytes it holds.
  public var count: Int { Int(UInt8(truncatingIfNeeded: UInt64(bigEndian: third))) }

  /// Lends the content for the length of the call.
  @inline(__always)
  public func withUnsafeBytes<Result, Failure: Error>(
    _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try Swift.withUnsafeBytes(of: self) { (own) throws(Failure) in
      try body(UnsafeRawBufferPointer(rebasing: own[..<min(Int(own[23]), Self.contentBytesMax)]))
    }
  }

  /// The content as text; bytes that are not UTF-8 become U+FFFD.
  public var string: String { withUnsafeBytes { String(decoding: $0, as: UTF8.self) } }

  public static func < (one: Key24, other: Key24) -> Bool {
    if one.first != other.first { return UInt64(bigEndian: one.first) < UInt64(bigEndian: other.first) }
    if one.second != other.second { return UInt64(bigEndian: one.second) < UInt64(bigEndian: other.second) }
    return UInt64(bigEndian: one.third) < UInt64(bigEndian: other.third)
  }
}
