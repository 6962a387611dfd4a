// Keyed hashes (pseudonyms) and plain digests, over OpenSSL. A hasher belongs to one thread at a time.
import COpenSSL
import Synchronization

public struct HashingFailure: Error, Sendable, CustomStringConvertible {
  public let description: String
}

/// The first 128 bits of a SHA-256, as two big-endian numbers: enough that no two inputs ever share it.
public struct Digest128: Hashable, Sendable, Comparable {
  public let high: UInt64
  public let low: UInt64

  public init(high: UInt64, low: UInt64) {
    self.high = high
    self.low = low
  }

  init(_ bytes: [UInt8]) {
    func word(_ from: Int) -> UInt64 { bytes[from..<from + 8].reduce(0) { $0 << 8 | UInt64($1) } }
    self.init(high: word(0), low: word(8))
  }

  public static func < (left: Digest128, right: Digest128) -> Bool { left.high != right.high ? left.high < right.high : left.low < right.low }

  public var bytes: [UInt8] {
    [high, low].flatMap { word in (0..<8).map { UInt8(truncatingIfNeeded: word >> UInt64(56 - 8 * $0)) } }
  }
}

/// HMAC-SHA-256 under one key: turns personal identifiers into pseudonyms that only holders of the key can make.
///
/// Not Sendable: OpenSSL's context serves one thread at a time. Each thread makes its own.
public final class KeyedHasher {
  private let context: OpaquePointer
  private var output = [UInt8](repeating: 0, count: 32)

  /// The shortest key accepted, in bytes.
  public static let keyBytesMin = 16

  public init(key: [UInt8]) throws {
    guard key.count >= KeyedHasher.keyBytesMin else {
      throw HashingFailure(description: "the pseudonym key must have at least \(KeyedHasher.keyBytesMin) bytes")
    }
    guard let context = clientele_hmac_new(key, key.count) else { throw HashingFailure(description: "OpenSSL offers no HMAC-SHA-256") }
    self.context = context
  }

  deinit { EVP_MAC_CTX_free(context) }

  public func hash(_ input: UnsafeRawBufferPointer) throws -> Digest128 { Digest128(try code(input)) }

  /// All 32 bytes of HMAC-SHA-256 (RFC 2104).
  public func code(_ input: UnsafeRawBufferPointer) throws -> [UInt8] {
    guard EVP_MAC_init(context, nil, 0, nil) == 1,
      EVP_MAC_update(context, input.baseAddress?.assumingMemoryBound(to: UInt8.self), input.count) == 1
    else { throw HashingFailure(description: "OpenSSL refused to hash") }
    var length = 0
    guard EVP_MAC_final(context, &output, &length, output.count) == 1, length == 32 else { throw HashingFailure(description: "OpenSSL refused to hash") }
    return output
  }

  /// The hash of a short word and a text, unambiguous: no other word and text give the same input.
  public func hash(word: UInt8, _ text: String) throws -> Digest128 {
    var input: [UInt8] = [word, 0]
    input.append(contentsOf: text.utf8)
    return try input.withUnsafeBytes { try hash($0) }
  }
}

/// Plain SHA-256.
public final class Hasher256 {
  private let context: OpaquePointer
  private let algorithm: OpaquePointer
  private var output = [UInt8](repeating: 0, count: 32)

  public init() throws {
    guard let algorithm = EVP_MD_fetch(nil, "SHA256", nil), let context = EVP_MD_CTX_new() else {
      throw HashingFailure(description: "OpenSSL offers no SHA-256")
    }
    self.algorithm = algorithm
    self.context = context
  }

  deinit {
    EVP_MD_CTX_free(context)
    EVP_MD_free(algorithm)
  }

  /// The digest of several parts, each preceded by its length so that their borders count.
  public func digest(parts: [UnsafeRawBufferPointer]) throws -> Digest128 {
    try begin()
    for part in parts {
      withUnsafeBytes(of: UInt64(part.count).bigEndian) { add($0) }
      add(part)
    }
    return Digest128(try finish())
  }

  public func digest(texts: [String]) throws -> Digest128 {
    try begin()
    for text in texts {
      var copy = text
      copy.withUTF8 { bytes in
        withUnsafeBytes(of: UInt64(bytes.count).bigEndian) { add($0) }
        add(UnsafeRawBufferPointer(bytes))
      }
    }
    return Digest128(try finish())
  }

  /// The plain SHA-256 of some bytes, all 32 of them.
  public func sha256(_ bytes: UnsafeRawBufferPointer) throws -> [UInt8] {
    try begin()
    add(bytes)
    return try finish()
  }

  /// The same of bytes in hand, and of a text in UTF-8.
  public static func sha256(_ bytes: [UInt8]) throws -> [UInt8] { try bytes.withUnsafeBytes { try Hasher256().sha256($0) } }
  public static func sha256(_ text: String) throws -> [UInt8] { try sha256(Array(text.utf8)) }

  private func begin() throws {
    guard EVP_DigestInit_ex2(context, algorithm, nil) == 1 else { throw HashingFailure(description: "OpenSSL refused to hash") }
  }

  private func add(_ bytes: UnsafeRawBufferPointer) { if bytes.count > 0 { EVP_DigestUpdate(context, bytes.baseAddress, bytes.count) } }

  private func finish() throws -> [UInt8] {
    var length: UInt32 = 0
    guard EVP_DigestFinal_ex(context, &output, &length) == 1, length == 32 else { throw HashingFailure(description: "OpenSSL refused to hash") }
    return output
  }
}

/// Random bytes from the operating system's generator, for keys.
public func randomKey(bytes count: Int) throws -> [UInt8] {
  var key = [UInt8](repeating: 0, count: count)
  guard RAND_bytes(&key, Int32(clamping: count)) == 1 else { throw HashingFailure(description: "no random bytes to be had") }
  return key
}

/// A keyed hasher that several threads share; calls take turns.
public final class Pseudonyms: Sendable {
  private let hasher: Mutex<KeyedHasher>

  public init(key: [UInt8]) throws { hasher = Mutex(try KeyedHasher(key: key)) }

  /// The 128-bit pseudonym of a text; `word` keeps kinds of texts apart.
  public func hash(word: UInt8, _ text: String) throws -> Digest128 { try hasher.withLock { try $0.hash(word: word, text) } }
}
