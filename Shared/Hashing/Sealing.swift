// Small secrets that are kept in a table: sealed, so that who reads the table cannot use them (AES-256-GCM by OpenSSL).
import COpenSSL

/// Seals and opens. Sealed bytes say nothing, and opened nothing when a bit of them or of what they belong to was changed.
public struct SealingKey: Sendable {
  public static let secretBytesMin = 32
  private static let nonceBytes = 12
  private static let tagBytes = 16
  /// What may be sealed at once, in bytes.
  public static let bytesMax = 1 << 20

  private let key: [UInt8]

  public init(_ secret: [UInt8]) throws {
    guard secret.count >= SealingKey.secretBytesMin else {
      throw HashingFailure(description: "a key to seal with must have at least \(SealingKey.secretBytesMin) bytes")
    }
    key = try Hasher256.sha256(Array("clientele seal ".utf8) + secret)
  }

  /// - Parameters:
  ///   - context: what the bytes belong to: they open with the same only.
  ///   - nonce: 12 random bytes, never the same twice.
  public func seal(_ bytes: [UInt8], context: [UInt8], nonce: [UInt8]) throws -> [UInt8] {
    guard nonce.count == SealingKey.nonceBytes, bytes.count <= SealingKey.bytesMax else { throw HashingFailure(description: "these bytes cannot be sealed") }
    var (output, tag) = ([UInt8](repeating: 0, count: bytes.count), [UInt8](repeating: 0, count: SealingKey.tagBytes))
    guard clientele_gcm(0, key, nonce, context, Int32(context.count), bytes, Int32(bytes.count), &output, &tag) == 1 else {
      throw HashingFailure(description: "OpenSSL cannot seal")
    }
    return nonce + output + tag
  }

  /// nil: they were not sealed by this key for this context, or were changed since.
  public func open(_ sealed: [UInt8], context: [UInt8]) -> [UInt8]? {
    let least = SealingKey.nonceBytes + SealingKey.tagBytes
    guard sealed.count >= least, sealed.count <= SealingKey.bytesMax + least else { return nil }
    let (nonce, rest) = (Array(sealed.prefix(SealingKey.nonceBytes)), sealed.dropFirst(SealingKey.nonceBytes))
    let bytes = Array(rest.dropLast(SealingKey.tagBytes))
    var (output, tag) = ([UInt8](repeating: 0, count: bytes.count), Array(rest.suffix(SealingKey.tagBytes)))
    return clientele_gcm(1, key, nonce, context, Int32(context.count), bytes, Int32(bytes.count), &output, &tag) == 1 ? output : nil
  }
}
